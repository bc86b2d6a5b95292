//! Rows of exports that gave no event: the original cells, their place and the reason.
//!
//! A row is followed by [`ADDED_COLUMNS`], below the header of its export. Exports with different
//! headers get a file each: `rejected.csv`, `rejected-2.csv` and so on, in the order in which they
//! first have such a row.
//!
//! A row with fewer or more cells than its header can't be taken for a good one when the file is
//! read again without being corrected, since one could only guess which cell is missing. So such a
//! row is always wider than the file's header: its cells are padded or cut to the header's width,
//! the added cells are in their columns, and behind them are the cells that were cut off, or else
//! [`MISSING_CELLS_MARK`]. To fix the row, correct its cells and delete what follows `_reason`.
//!
//! Where an export is such a file itself, its added columns are filled anew and not added again.

use super::columns::Cell;
use crate::job::ADDED_COLUMNS;
use crate::journal::{Disposition, RowRecord, RunRecord};

/// The text after `_reason` in a row that had fewer cells than its header.
pub(crate) const MISSING_CELLS_MARK: &str =
    "cells are missing; delete this one once the row is fixed";

/// A row of an export that gave no event.
pub(super) struct ReportedRow<'r> {
    /// The reason why it gave no event.
    pub(super) disposition: Disposition,
    /// The columns of its export, without those that an earlier report has added.
    pub(super) own: &'r [String],
    /// Its cells, its place and the reason.
    pub(super) record: &'r RowRecord,
    /// `true` if it has fewer or more cells than its header.
    is_ragged: bool,
}

impl<'r> ReportedRow<'r> {
    pub(super) fn new(run: &'r RunRecord, disposition: Disposition, record: &'r RowRecord) -> Self {
        let header = header_of(run, record);
        ReportedRow {
            disposition,
            own: own_columns(header),
            record,
            is_ragged: record.fields.len() != header.len(),
        }
    }

    /// Returns all of its cells; those beyond its header only where it is ragged.
    pub(super) fn cells(&self) -> impl Iterator<Item = Cell<'r>> {
        let RowRecord {
            source,
            file,
            reason,
            fields,
        } = self.record;
        let width = self.own.len();
        let own = (0..width).map(|index| {
            let cell = fields.get(index).map(String::as_str);
            cell.map_or(Cell::Empty, Cell::text)
        });
        let added = [
            Cell::escaped(file),
            Cell::line(source.line),
            Cell::escaped(reason),
        ];
        // Cells after the own columns of a row of the right width were added by a report.
        let rest = fields.get(width..).unwrap_or_default();
        let rest = if self.is_ragged { rest } else { &[] };
        let mark = (self.is_ragged && rest.is_empty()).then_some(MISSING_CELLS_MARK);
        let behind = rest.iter().map(String::as_str).chain(mark);
        own.chain(added).chain(behind.map(Cell::text))
    }
}

pub(super) fn header_of<'r>(run: &'r RunRecord, row: &RowRecord) -> &'r [String] {
    let input = run.inputs.get(row.source.input);
    input.map_or(&[][..], |input| &input.header)
}

/// Returns the columns of an export, without those that an earlier report has added.
pub(super) fn own_columns(header: &[String]) -> &[String] {
    match header.len().checked_sub(ADDED_COLUMNS.len()) {
        Some(own) if header[own..] == ADDED_COLUMNS => &header[..own],
        _ => header,
    }
}

/// Returns the header of a file of rows from exports with these columns.
pub(super) fn header(own: &[String]) -> impl Iterator<Item = &str> {
    own.iter().map(String::as_str).chain(ADDED_COLUMNS)
}
