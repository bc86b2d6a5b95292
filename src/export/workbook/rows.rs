//! The rows of a sheet, packed.

use super::super::error::Fault;
use super::super::row::{CellKind, Row};
use super::super::start::{HeaderLine, LINES_ABOVE_MOST, LinesAbove, filled_width};
use super::value::DateSystem;

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
    system: DateSystem,
}

#[derive(Clone, Copy)]
struct PackedRow {
    /// The row's number in the sheet, from 1.
    number: u32,
    first_cell: u32,
}

/// What a column has of days.
#[derive(Clone, Default)]
struct DaysOfColumn {
    /// Text with a day and a month that can't be exchanged.
    has_text: bool,
    /// A day after the twelfth of a month.
    has_late_day: bool,
}

impl DaysOfColumn {
    fn are_doubtful(&self) -> bool {
        self.has_text && !self.has_late_day
    }
}

/// Returns `true` for `03/25/2026` and `25.3.26`, perhaps with a time behind: day and month are numbers, and only one
/// of them can be the month.
fn is_day_in_one_order(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return false;
    }
    let day = text.split([' ', 'T']).next().unwrap_or_default();
    let mut numbers = day.split(['/', '.', '-']);
    let mut short = || {
        let number = numbers.next().filter(|number| number.len() <= 2)?;
        number
            .parse::<u8>()
            .ok()
            .filter(|number| (1..=31).contains(number))
    };
    let (Some(one), Some(other)) = (short(), short()) else {
        return false;
    };
    let year = numbers.next().unwrap_or_default();
    let is_year = matches!(year.len(), 2 | 4) && year.bytes().all(|byte| byte.is_ascii_digit());
    is_year && numbers.next().is_none() && (one > 12) != (other > 12)
}

impl SheetRows {
    /// Creates an empty sheet of a workbook that counts its days so.
    pub(super) fn new(system: DateSystem) -> Self {
        SheetRows {
            system,
            ..SheetRows::default()
        }
    }

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
        self.doubt_days();
    }

    /// Marks the days that a spreadsheet may have read in the wrong order. When it opens a CSV whose dates are
    /// written in the other order than it expects, it makes a wrong day of `03/04/2026` and leaves `03/25/2026` as
    /// text. So a column has such texts, and no day after the twelfth.
    fn doubt_days(&mut self) {
        let mut columns: Vec<DaysOfColumn> = Vec::new();
        for (cell, column) in self.cells_with_columns() {
            if column >= columns.len() {
                columns.resize(column + 1, DaysOfColumn::default());
            }
            let text = self.cell(cell);
            let days = &mut columns[column];
            match self.kinds[cell] {
                CellKind::Date => days.has_late_day |= text.get(8..10).is_none_or(|day| day > "12"),
                CellKind::Text => days.has_text |= is_day_in_one_order(text),
                _ => {}
            }
        }
        let doubted: Vec<usize> = self
            .cells_with_columns()
            .filter(|&(cell, column)| {
                self.kinds[cell] == CellKind::Date && columns[column].are_doubtful()
            })
            .map(|(cell, _)| cell)
            .collect();
        for cell in doubted {
            self.kinds[cell] = CellKind::DoubtfulDate;
        }
    }

    /// Returns each cell with the number of its column.
    fn cells_with_columns(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows.windows(2).flat_map(|pair| {
            let first = pair[0].first_cell as usize;
            (first..pair[1].first_cell as usize).map(move |cell| (cell, cell - first))
        })
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
        into.is_counted_from_1904 = self.system == DateSystem::From1904;
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
        let first_width = filled_width(&self.names(0));
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
        let expected: Vec<(u64, Vec<String>)> = [
            (1, vec!["id", "amount"]),
            (3, vec!["", "8.00"]),
            (6, vec!["", "", "", "x"]),
        ]
        .into_iter()
        .map(|(line, cells)| (line, cells.into_iter().map(str::to_owned).collect()))
        .collect();
        assert_eq!(all(sheet), expected);
        assert!(rows(&[]).is_empty());
        assert!(rows(&[(3, 1, "")]).is_empty());
    }

    #[test]
    fn days_beside_text_that_the_spreadsheet_could_not_read_are_doubtful() {
        let is_doubted = |cells: &[(&str, CellKind)]| {
            let mut rows = SheetRows::default();
            for (row, (text, kind)) in (0..).zip(cells) {
                rows.add((row, 0), "other", CellKind::Text).unwrap();
                rows.add((row, 2), text, *kind).unwrap();
            }
            rows.end();
            let doubted = rows.kinds.iter();
            doubted
                .filter(|kind| **kind == CellKind::DoubtfulDate)
                .count()
        };
        let day = |text| (text, CellKind::Date);
        let text = |text| (text, CellKind::Text);
        let early = [day("2026-04-03"), day("2026-05-03T10:00:00")];
        for other in ["03/25/2026", "25.03.26", "3-25-2026 10:11:12", "31/3/2026"] {
            assert_eq!(is_doubted(&[early[0], text(other), early[1]]), 2, "{other}");
            assert_eq!(is_doubted(&[day("2026-03-13"), text(other), early[1]]), 0);
        }
        for other in [
            "",
            "03/04/2026",
            "2026-03-25",
            "13/25/2026",
            "25/3",
            "1.25",
            "03/32/2026",
        ] {
            assert_eq!(is_doubted(&[early[0], text(other), early[1]]), 0, "{other}");
        }
    }

    #[test]
    fn cells_far_to_the_right_in_many_rows_are_too_many() {
        let mut sheet = SheetRows::default();
        let added = (0..).try_for_each(|row| sheet.add((row, 16_383), "x", CellKind::Text));
        assert!(matches!(added, Err(Fault::WorkbookTooLarge { .. })));
        assert!(sheet.ends.len() as u64 <= CELLS_MOST);
    }
}
