//! Holds the figures of what was read and planned, in the shape of the machine output.
//!
//! `plan --json`, and the first part of what a run reports of itself, are made of these types; the tables on
//! the terminal are printed from them, so that they can't disagree.

use std::collections::BTreeMap;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{Input, Rows};
use crate::event::{Currency, Kind, Sum, Tally};
use crate::journal::{PlanState, SkippedExport};
use crate::plan::Plan;

/// Describes what an export was recognised as.
#[derive(Clone, Debug)]
pub struct RecognisedAs {
    /// The title of its profile.
    pub title: String,
    /// The reason for this profile, in a few words.
    pub why: String,
}

/// Describes one export.
#[derive(Clone, Debug, Serialize)]
pub struct InputSummary {
    /// The path as the user named it.
    pub path: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the profile that it was read by.
    pub profile: String,
    /// The kind of export that it was recognised as, if it was just read; the journal does not keep it.
    #[serde(skip)]
    pub recognised: Option<RecognisedAs>,
    /// The number of its rows.
    pub rows: u64,
}

/// Counts the rows that are not events for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct IgnoredSummary {
    /// The reason why they are not events.
    pub reason: String,
    /// The number of rows.
    pub rows: u64,
}

/// Holds the sums of the events of a plan: what was read, and what is to happen with it.
#[derive(Clone, Debug, Default)]
pub struct EventsSummary {
    /// The sums of everything that was read.
    pub read: Tally,
    /// The sums of everything that was read, by what is to happen with it.
    pub by_plan: BTreeMap<PlanState, Tally>,
}

impl EventsSummary {
    /// Returns the sums of the events of one state.
    pub fn for_state(&self, state: PlanState) -> Tally {
        self.by_plan.get(&state).cloned().unwrap_or_default()
    }

    /// Returns what was read and where it went, by kind and currency.
    fn balance(&self) -> Vec<BalanceLine> {
        let lines = self.read.iter().map(|(kind, currency, read)| {
            let of_state =
                |state: &PlanState| (*state, self.for_state(*state).for_kind(kind, currency));
            BalanceLine {
                kind,
                currency,
                read,
                by_plan: PlanState::ALL.iter().map(of_state).collect(),
            }
        });
        lines.collect()
    }

    fn is_balanced(&self) -> bool {
        let mut sum = Tally::default();
        for tally in self.by_plan.values() {
            sum.add_tally(tally);
        }
        sum == self.read
    }
}

impl Serialize for EventsSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("total", &self.read.count())?;
        map.serialize_entry("by_kind", &self.read.by_kind())?;
        map.serialize_entry("by_plan", &ByPlan(self))?;
        map.serialize_entry("balance", &self.balance())?;
        map.end()
    }
}

/// Holds `{"kind": "sale", "currency": "USD", "read": {…}, "to_send": {…}, …}`: the first is the sum of the
/// others, in events and in cents.
struct BalanceLine {
    kind: Kind,
    currency: Option<Currency>,
    read: Sum,
    by_plan: Vec<(PlanState, Sum)>,
}

impl Serialize for BalanceLine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind.as_str())?;
        map.serialize_entry("currency", &self.currency)?;
        map.serialize_entry("read", &self.read)?;
        for (state, sum) in &self.by_plan {
            map.serialize_entry(state.as_str(), sum)?;
        }
        map.end()
    }
}

struct ByPlan<'e>(&'e EventsSummary);

impl Serialize for ByPlan<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(PlanState::ALL.len()))?;
        for state in PlanState::ALL {
            map.serialize_entry(state.as_str(), &self.0.for_state(*state).count())?;
        }
        map.end()
    }
}

/// Reports an equation that does not hold: a bug in the program, never an error of the input.
#[derive(Debug, thiserror::Error)]
#[error("the books do not balance: {0}")]
pub struct Imbalance(String);

impl Imbalance {
    /// Returns the error for an equation, or a fact that one is based on, that does not hold.
    pub(crate) fn new(what: &str) -> Self {
        Imbalance(what.to_owned())
    }
}

/// Holds what was read and planned: the part that a plan and a run have in common.
#[derive(Clone, Debug, Serialize)]
pub struct JobFigures {
    /// The exports of the job.
    pub inputs: Vec<InputSummary>,
    /// The exports in folders that were not read, since an earlier run had read the same bytes.
    pub skipped: Vec<SkippedExport>,
    /// The number of the rows that were read, by their results.
    pub rows: Rows,
    /// The number of ignored rows by reason.
    pub ignored: Vec<IgnoredSummary>,
    /// The sums of their events.
    pub events: EventsSummary,
}

impl JobFigures {
    /// Returns the figures of a job.
    pub(super) fn new(inputs: &[Input], ignored: &BTreeMap<String, u64>, plan: &Plan) -> Self {
        let mut rows = Rows::default();
        for input in inputs {
            rows.add(input.rows);
        }
        let inputs = inputs.iter().map(|input| InputSummary {
            path: input.path.clone(),
            sha256: input.sha256.clone(),
            profile: input.profile.clone(),
            recognised: Some(input.recognised.clone()),
            rows: input.rows.read,
        });
        let ignored = ignored.iter().map(|(reason, rows)| IgnoredSummary {
            reason: reason.clone(),
            rows: *rows,
        });
        JobFigures {
            inputs: inputs.collect(),
            skipped: Vec::new(),
            rows,
            ignored: ignored.collect(),
            events: EventsSummary {
                read: plan.read.clone(),
                by_plan: plan.tallies(),
            },
        }
    }

    /// Checks both equations of a plan: rows and events, with their cents.
    ///
    /// # Errors
    ///
    /// One of them does not hold.
    pub fn check(&self) -> Result<(), Imbalance> {
        if !self.rows.is_balanced() {
            return Err(Imbalance(format!(
                "{} rows were read and {} + {} + {} are accounted for",
                self.rows.read, self.rows.with_events, self.rows.ignored, self.rows.rejected
            )));
        }
        if !self.events.is_balanced() {
            return Err(Imbalance(format!(
                "{} events were read and the plan does not hold the same, in events or in cents",
                self.events.read.count()
            )));
        }
        Ok(())
    }
}
