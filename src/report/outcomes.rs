//! The outcomes of events, added up, and the word for each.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::event::Tally;
use crate::journal::{Outcome, OutcomeTallies};

/// The outcomes of the events that were to be sent.
#[derive(Clone, Debug, Default)]
pub struct OutcomesSummary {
    /// The events by outcome; `None` is `not_sent`.
    pub by_outcome: OutcomeTallies,
}

/// The word of events that a run did not settle.
const NOT_SENT: &str = "not_sent";

impl OutcomesSummary {
    /// Returns the events of one outcome; `None` is `not_sent`.
    pub fn for_outcome(&self, outcome: Option<Outcome>) -> Tally {
        self.by_outcome.get(&outcome).cloned().unwrap_or_default()
    }

    /// Returns every outcome in the order in which it is shown, `not_sent` last.
    pub fn all() -> impl Iterator<Item = Option<Outcome>> {
        Outcome::ALL.iter().copied().map(Some).chain([None])
    }

    /// Returns the events of all outcomes.
    pub fn total(&self) -> Tally {
        let mut sum = Tally::default();
        for tally in self.by_outcome.values() {
            sum.add_tally(tally);
        }
        sum
    }
}

/// Returns the word for an outcome; `None` is `not_sent`.
pub(crate) fn outcome_word(outcome: Option<Outcome>) -> &'static str {
    outcome.map_or(NOT_SENT, Outcome::as_str)
}

impl Serialize for OutcomesSummary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for outcome in Self::all() {
            map.serialize_entry(outcome_word(outcome), &self.for_outcome(outcome))?;
        }
        map.end()
    }
}
