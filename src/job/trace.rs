//! Keeps what is known of one row of an export, for a person who asks for it.

use crate::classify::{MatchedRule, RowOutcome};
use crate::problem::Problem;

/// Holds what an export has on the line that is traced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// The row that starts on the line; `None` if none does.
    pub(crate) row: Option<TracedRow>,
    /// The line of the last row that starts on the line or above it.
    pub(crate) nearest_line: Option<u64>,
}

/// Holds a row as it was read.
#[derive(Clone, Debug)]
pub(crate) struct TracedRow {
    /// The outcome of the row.
    pub(crate) outcome: RowOutcome,
    /// The rules of the profile that it matches.
    pub(crate) rules: Vec<MatchedRule>,
    /// The cells of the row.
    pub(crate) cells: Vec<String>,
    /// `true` if it is a refund whose sign is open until all rows are read.
    pub(super) has_open_sign: bool,
}

impl Trace {
    /// Rejects the row if its sign was open, since the export has both signs.
    pub(super) fn reject_signed(&mut self, problem: &Problem) {
        if let Some(row) = self.row.as_mut().filter(|row| row.has_open_sign) {
            row.outcome = RowOutcome::Rejected(problem.clone());
        }
    }
}
