//! What a format has to do to be part of a report.

use super::atomic::{Failure, Whole};
use super::columns::Cell;
use super::items::Age;
use super::source_rows::SourceRow;
use crate::journal::{AttentionCode, EventRecord, HeldRecord};
use crate::problem::Problem;

/// What the journal has for a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Events that were to be sent.
    Events,
    /// Events that need attention and that the other parts don't show as such.
    Needing,
    /// Events that are held.
    Held,
    /// Amounts that were converted.
    Conversions,
    /// Rows that can't be read.
    Rejected,
    /// Rows that are no event.
    Ignored,
    /// What the plan had to say about the exports.
    Problems,
    /// Items that were accepted.
    Accepted,
}

/// An event that needs attention and that the other parts don't show as such: an earlier run settled
/// it so, or it is settled and flagged.
pub(super) struct Needing<'r> {
    pub(super) code: AttentionCode,
    pub(super) age: Age,
    pub(super) record: &'r EventRecord,
    /// In the order of [`super::columns::EVENT_COLUMNS`].
    pub(super) cells: &'r [Cell<'r>],
}

/// A file that is on disk and not yet in its place.
pub(super) struct Written {
    /// Its name in the report's directory.
    pub(super) name: String,
    pub(super) whole: Whole,
}

/// Writes the files of one format. The journal is read once for all formats; each is handed what it
/// takes, part by part, in the journal's order, and then ends its files.
pub(super) trait Exporter: Send {
    /// Which parts it takes.
    fn takes(&self) -> &'static [Content];

    /// An event with its cells, in the order of [`super::columns::EVENT_COLUMNS`].
    fn event(&mut self, _record: &EventRecord, _cells: &[Cell<'_>]) -> Result<(), Failure> {
        Ok(())
    }

    /// Takes an event that needs attention.
    fn needing(&mut self, _needing: &Needing<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Takes the cells of an accepted item, in the order of [`super::columns::ACCEPTED_COLUMNS`].
    fn accepted(&mut self, _cells: &[Cell<'_>]) -> Result<(), Failure> {
        Ok(())
    }

    /// A held event with its cells, in the order of [`super::columns::HELD_COLUMNS`].
    fn held(&mut self, _record: &HeldRecord, _cells: &[Cell<'_>]) -> Result<(), Failure> {
        Ok(())
    }

    /// The cells of a converted amount.
    fn conversion(&mut self, _cells: &[Cell<'_>]) -> Result<(), Failure> {
        Ok(())
    }

    /// A row that gave no event.
    fn source_row(&mut self, _row: &SourceRow<'_>) -> Result<(), Failure> {
        Ok(())
    }

    /// Something that the plan had to say.
    fn problem(&mut self, _problem: &Problem) -> Result<(), Failure> {
        Ok(())
    }

    /// Puts its files on disk, beside their places.
    fn finish(self: Box<Self>) -> Result<Vec<Written>, Failure>;
}
