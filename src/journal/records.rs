//! What the journal hands out: runs, their exports, events and rows, as they were recorded.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::record::NewInput;
use super::{EndReason, EventRow, Outcome, PlanState, RunCommand, RunEnd, RunId, Settlement};
use crate::event::{Carried, Currency, Event, Kind, Source, Tally};

/// An event that is left to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its number.
    pub row: EventRow,
    /// The event, with its place in the run's exports; line 0 where it has none.
    pub event: Event,
    /// The number of its last attempt; 0 for none.
    pub attempts: u32,
    /// Whether some attempt may have been recorded at the API: it was intended and nothing is known
    /// of its answer, or the answer did not tell.
    pub maybe_recorded: bool,
    /// Whether it may have been sent by a request whose record the journal lost.
    pub is_in_doubt: bool,
    /// What the last of these attempts said, where the journal has kept it.
    pub carried: Option<Carried>,
}

/// An event of a run, with all that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRecord {
    /// Its number.
    pub row: EventRow,
    /// The event, with its place in the run's exports; line 0 where it has none.
    pub event: Event,
    /// The path of the export.
    pub file: Option<String>,
    /// What came of it; `None` for `not_sent`.
    pub settlement: Option<Settlement>,
    /// The number of its last attempt, over all runs; 0 for none.
    pub attempts: u32,
    /// When the first attempt was intended.
    pub first_attempt: Option<Timestamp>,
    /// What the last attempt's answer was taken for; `None` where there was none.
    pub last_answer: Option<String>,
    /// The status of the last attempt's answer.
    pub last_http_status: Option<u16>,
    /// What was said with it.
    pub last_message: Option<String>,
    /// As in [`Pending::maybe_recorded`].
    pub maybe_recorded: bool,
    /// As in [`Pending::is_in_doubt`].
    pub is_in_doubt: bool,
    /// As in [`Pending::carried`].
    pub carried: Option<Carried>,
}

impl EventRecord {
    /// What came of it; `None` for `not_sent`.
    pub fn outcome(&self) -> Option<Outcome> {
        self.settlement.as_ref().map(|settled| settled.outcome)
    }
}

/// An event that a run does not send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldRecord {
    /// [`PlanState::Conflict`] or [`PlanState::Unlinked`].
    pub state: PlanState,
    /// The event, with the reason in its note.
    pub event: Event,
    /// The path of the export.
    pub file: Option<String>,
}

/// A row of an export that gave no event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowRecord {
    /// Where it stands.
    pub source: Source,
    /// The path of the export.
    pub file: String,
    /// Why it gave none.
    pub reason: String,
    /// Its cells, as they were.
    pub fields: Vec<String>,
}

/// How many rows gave no event for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonCount {
    /// The reason.
    pub reason: String,
    /// Rows.
    pub rows: u64,
}

/// An export of a run, in the order in which they were given.
pub type InputRecord = NewInput;

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRecord {
    /// Its number.
    pub id: RunId,
    /// Its name, fit for a directory.
    pub name: String,
    /// The command that started it.
    pub command: RunCommand,
    /// When it started.
    pub started: Timestamp,
    /// When it ended; `None` while it goes on, and where it was killed.
    pub ended: Option<Timestamp>,
    /// Why it ended.
    pub reason: Option<EndReason>,
    /// What the program exited with.
    pub exit_code: Option<u8>,
    /// Requests, over all its resumptions that ended by themselves.
    pub requests: u64,
    /// Milliseconds, likewise.
    pub elapsed_ms: u64,
    /// Where its reports are.
    pub report_dir: Option<String>,
    /// How many requests a minute the account takes, where these have turned out to be fewer than asked for.
    pub learned_per_minute: Option<u32>,
    /// Its exports; a retry has none.
    pub inputs: Vec<InputRecord>,
    /// What the plan counted.
    pub totals: Vec<PlanTotal>,
}

impl RunRecord {
    /// The run as it will read once [`Journal::end_run`](super::Journal::end_run) has recorded
    /// `end`.
    pub fn with_end(mut self, end: &RunEnd) -> Self {
        self.ended = Some(end.ended);
        self.reason = Some(end.reason);
        self.exit_code = Some(end.exit_code);
        self.requests += end.add_requests;
        self.elapsed_ms += end.add_elapsed_ms;
        self.report_dir = end.report_dir.clone().or(self.report_dir);
        self
    }
}

/// Events of one plan state, kind and currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanTotal {
    /// What the plan decided.
    pub state: PlanState,
    /// The kind.
    pub kind: Kind,
    /// The currency; `None` for events without an amount.
    pub currency: Option<Currency>,
    /// Events.
    pub count: u64,
    /// Their amounts in minor units.
    pub amount_cents: i64,
}

/// What came of events, added up; `None` for `not_sent`.
pub type OutcomeTallies = BTreeMap<Option<Outcome>, Tally>;
