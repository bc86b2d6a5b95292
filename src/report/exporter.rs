//! The interface of a format that is part of a report.

use super::atomic::{FileError, FinishedFile};
use super::columns::Cell;
use super::items::Age;
use super::source_rows::ReportedRow;
use crate::journal::{AttentionCode, EventRecord, HeldRecord};
use crate::problem::Problem;

/// A part of the journal that a report shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportContent {
    /// Events that were to be sent.
    Events,
    /// Events that need attention and that the other parts don't show as needing it.
    Needing,
    /// Events that are held.
    Held,
    /// Amounts that were converted.
    Conversions,
    /// Rows that can't be read.
    Rejected,
    /// Rows that are not events.
    Ignored,
    /// The problems that the plan found in the exports.
    Problems,
    /// Items that were accepted.
    Accepted,
}

/// An event that needs attention and that the other parts don't show as needing it: an earlier run
/// settled it so, or it is settled and flagged.
pub(super) struct AttentionEvent<'r> {
    pub(super) code: AttentionCode,
    pub(super) age: Age,
    pub(super) record: &'r EventRecord,
    /// The event's cells, in the order of [`super::columns::EVENT_COLUMNS`].
    pub(super) cells: &'r [Cell<'r>],
}

/// A file that is on disk and not yet at its final path.
pub(super) struct WrittenFile {
    /// The file's name in the report's directory.
    pub(super) name: String,
    pub(super) whole: FinishedFile,
}

/// Writes the files of one format. The journal is read once for all formats; each is given the
/// parts that it takes, in the journal's order, and then finishes its files.
pub(super) trait Exporter: Send {
    /// Returns the parts that the format takes.
    fn takes(&self) -> &'static [ReportContent];

    /// Takes an event with its cells, in the order of [`super::columns::EVENT_COLUMNS`].
    fn event(&mut self, _record: &EventRecord, _cells: &[Cell<'_>]) -> Result<(), FileError> {
        Ok(())
    }

    /// Takes an event that needs attention.
    fn attention_event(&mut self, _needing: &AttentionEvent<'_>) -> Result<(), FileError> {
        Ok(())
    }

    /// Takes the cells of an accepted item, in the order of [`super::columns::ACCEPTED_COLUMNS`].
    fn accepted(&mut self, _cells: &[Cell<'_>]) -> Result<(), FileError> {
        Ok(())
    }

    /// Takes a held event with its cells, in the order of [`super::columns::HELD_COLUMNS`].
    fn held(&mut self, _record: &HeldRecord, _cells: &[Cell<'_>]) -> Result<(), FileError> {
        Ok(())
    }

    /// Takes the cells of a converted amount.
    fn conversion(&mut self, _cells: &[Cell<'_>]) -> Result<(), FileError> {
        Ok(())
    }

    /// Takes a row that gave no event.
    fn source_row(&mut self, _row: &ReportedRow<'_>) -> Result<(), FileError> {
        Ok(())
    }

    /// Takes a problem that the plan found.
    fn problem(&mut self, _problem: &Problem) -> Result<(), FileError> {
        Ok(())
    }

    /// Syncs the files to disk, beside their final paths.
    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, FileError>;
}
