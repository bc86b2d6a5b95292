//! The rows of a sheet, packed.

use super::super::error::Fault;
use super::super::row::{CellKind, Row};
use super::super::start::{HeaderLine, LINES_ABOVE_MOST, LinesAbove};

/// The most cells that are held of a sheet, those left out between two included.
const CELLS_MOST: u64 = 20_000_000;
/// The most bytes of their text.
const TEXT_MOST_BYTES: u64 = 512 << 20;

/// The rows of a sheet that have a cell with something in it, in order.
#[derive(Default)]
pub(in crate::export) struct SheetRows {
    text: String,
    /// The end of each cell's text in `text`.
    ends: Vec<u32>,
    kinds: Vec<CellKind>,
    rows: Vec<PackedRow>,
    /// The next row to be given.
    next: usize,
    /// The least number of cells that a row is given.
    width: usize,
}

#[derive(Clone, Copy)]
struct PackedRow {
    /// The row's number in the sheet, from 1.
    number: u32,
    first_cell: u32,
}

impl SheetRows {
    /// Adds a cell, which stands behind all others. Its place counts from 0.
    pub(super) fn add(
        &mut self,
        (row, column): (u32, u32),
        text: &str,
        kind: CellKind,
    ) -> Result<(), Fault> {
        if text.is_empty() && kind == CellKind::Text {
            return Ok(());
        }
        let number = row + 1;
        if self.rows.last().is_none_or(|last| last.number != number) {
            let first_cell = self.cells();
            self.rows.push(PackedRow { number, first_cell });
        }
        let first = self.rows.last().map_or(0, |row| row.first_cell);
        let place = u64::from(first) + u64::from(column);
        if place >= CELLS_MOST {
            return Err(Fault::WorkbookTooLarge {
                what: "cells",
                most: CELLS_MOST,
            });
        }
        while u64::from(self.cells()) < place {
            self.push("", CellKind::Text)?;
        }
        self.push(text, kind)
    }

    fn push(&mut self, text: &str, kind: CellKind) -> Result<(), Fault> {
        self.text.push_str(text);
        if self.text.len() as u64 > TEXT_MOST_BYTES {
            return Err(Fault::WorkbookTooLarge {
                what: "bytes of text",
                most: TEXT_MOST_BYTES,
            });
        }
        self.ends
            .push(u32::try_from(self.text.len()).unwrap_or(u32::MAX));
        self.kinds.push(kind);
        Ok(())
    }

    fn cells(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    /// Ends the last row; nothing may be added after it.
    pub(super) fn end(&mut self) {
        let first_cell = self.cells();
        self.rows.push(PackedRow {
            number: u32::MAX,
            first_cell,
        });
    }

    /// Returns `true` if there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() < 2
    }

    /// Gives rows as many cells as this at least.
    pub(in crate::export) fn set_width(&mut self, width: usize) {
        self.width = width;
    }

    /// Puts the next row into `into`; `false` where there is none.
    pub(in crate::export) fn read(&mut self, into: &mut Row) -> bool {
        into.record.clear();
        into.kinds.clear();
        let row = self.rows.get(self.next).copied();
        let (Some(row), Some(behind)) = (row, self.rows.get(self.next + 1)) else {
            return false;
        };
        let cells = row.first_cell as usize..behind.first_cell as usize;
        self.next += 1;
        into.line = row.number.into();
        into.byte = 0;
        for cell in cells {
            into.record.push_field(self.cell(cell));
            into.kinds.push(self.kinds[cell]);
        }
        while into.record.len() < self.width {
            into.record.push_field("");
            into.kinds.push(CellKind::Text);
        }
        true
    }

    fn cell(&self, cell: usize) -> &str {
        let start = cell.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start as usize..self.ends[cell] as usize]
    }

    fn names(&self, row: usize) -> Vec<String> {
        let (Some(row), Some(behind)) = (self.rows.get(row), self.rows.get(row + 1)) else {
            return Vec::new();
        };
        let cells = row.first_cell as usize..behind.first_cell as usize;
        cells
            .map(|cell| self.cell(cell).trim().to_owned())
            .collect()
    }

    /// Goes on to the header, which may stand below rows of other text, and returns the rows above it.
    pub(in crate::export) fn skip_to_header(&mut self, above: &LinesAbove) -> u64 {
        let first_width = self.names(0).len();
        for lines_above in 1..=LINES_ABOVE_MOST {
            let number = u32::try_from(lines_above + 1).unwrap_or(u32::MAX);
            let Some(row) = self.rows.iter().position(|row| row.number == number) else {
                continue;
            };
            let names = self.names(row);
            let below = self.names(row + 1).len();
            let line = HeaderLine {
                lines_above,
                first_width,
                // Empty cells at the end of a row are not kept.
                next_width: below.max(names.len()),
                names,
            };
            if row > 0 && above.accepts(&line) {
                self.next = row;
                return lines_above as u64;
            }
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[(u32, u32, &str)]) -> SheetRows {
        let mut rows = SheetRows::default();
        for &(row, column, text) in cells {
            rows.add((row, column), text, CellKind::Text).unwrap();
        }
        rows.end();
        rows
    }

    fn all(mut rows: SheetRows) -> Vec<(u64, Vec<String>)> {
        let mut row = Row::new();
        let mut all = Vec::new();
        while rows.read(&mut row) {
            all.push((row.line(), row.iter().map(str::to_owned).collect()));
        }
        all
    }

    #[test]
    fn rows_keep_their_numbers_and_the_places_of_their_cells() {
        let mut sheet = rows(&[(0, 0, "id"), (0, 1, "amount"), (2, 1, "8.00"), (5, 3, "x")]);
        sheet.set_width(2);
        let expected = [
            (1, vec!["id", "amount"]),
            (3, vec!["", "8.00"]),
            (6, vec!["", "", "", "x"]),
        ];
        let expected: Vec<(u64, Vec<String>)> = expected
            .into_iter()
            .map(|(line, cells)| (line, cells.into_iter().map(str::to_owned).collect()))
            .collect();
        assert_eq!(all(sheet), expected);
        assert!(rows(&[]).is_empty());
        assert!(rows(&[(3, 1, "")]).is_empty());
    }

    #[test]
    fn cells_far_to_the_right_in_many_rows_are_too_many() {
        let mut sheet = SheetRows::default();
        let added = (0..).try_for_each(|row| sheet.add((row, 16_383), "x", CellKind::Text));
        assert!(matches!(added, Err(Fault::WorkbookTooLarge { .. })));
        assert!(sheet.ends.len() as u64 <= CELLS_MOST);
    }
}
