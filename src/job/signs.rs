//! Refunds that an export may write with a minus or without one, until all of its rows are read.

use super::{CorrectedRow, ExportTotals};
use crate::event::{Event, Events};
use crate::profile::ColumnIndex;

/// Holds the refunds of one export whose sign may be either one, and what is known of them so far.
#[derive(Debug, Default)]
pub(super) struct SignedRefunds {
    pub(super) rows: u64,
    pub(super) events: Events,
    /// The sums of their column of amounts.
    pub(super) totals: ExportTotals,
    /// The rows as they were, in a file of rejected rows that was handed back.
    pub(super) corrected: Vec<CorrectedRow>,
    column: Option<ColumnIndex>,
    first_with_minus: Option<u64>,
    first_without: Option<u64>,
}

impl SignedRefunds {
    /// Adds a row that has such an amount.
    pub(super) fn add(&mut self, column: ColumnIndex, is_minus: bool, line: u64) {
        self.rows += 1;
        self.column.get_or_insert(column);
        if is_minus {
            self.first_with_minus.get_or_insert(line)
        } else {
            self.first_without.get_or_insert(line)
        };
    }

    /// Returns the column of these amounts, if there is one.
    pub(super) fn column(&self) -> Option<ColumnIndex> {
        self.column
    }

    /// Returns the column and the first lines with a minus and without one, if the export has both.
    pub(super) fn mixed(&self) -> Option<(ColumnIndex, [u64; 2])> {
        Some((self.column?, [self.first_with_minus?, self.first_without?]))
    }

    /// Adds an event of such a row.
    pub(super) fn push(&mut self, event: &Event) {
        self.events.push(event);
    }
}
