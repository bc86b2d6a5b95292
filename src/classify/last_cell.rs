//! Looks at the last cell of a file that ends without a line end: it may be half of what it was.
//!
//! Many programs write no line end after the last row, so its absence alone proves nothing. The cells above it
//! may: where all of them have two decimals, `1308.2` is cut off.

use std::cell::{Cell, OnceCell};

use super::Classifier;
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, DateSource};

/// The fewest cells that show a pattern by being alike.
const ALIKE_LEAST: u32 = 3;
/// The fewest characters of texts of one length that are not so by chance, such as ids.
const LENGTH_LEAST: usize = 12;

/// Watches the last column of an export, if the profile reads it.
#[derive(Default)]
pub(super) struct LastColumn {
    content: OnceCell<ColumnContent>,
    seen: Cell<ColumnTraits>,
    end: Cell<EndOfFile>,
}

/// The last cell of a file without a line end at its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum EndOfFile {
    /// Nothing shows that it is cut off.
    #[default]
    Plain,
    /// It is an amount, and nothing shows that it is whole.
    OpenAmount,
    /// It is cut off, and its row is rejected.
    CutOff,
}

/// What the cells of the column have in common, the last one aside.
#[derive(Clone, Copy, Default)]
struct ColumnTraits {
    cells: u32,
    has_empty: bool,
    /// The measure of all of them, or of the first one.
    measure: usize,
    has_different_measures: bool,
    /// `true` if a cell ends with a zero behind the decimal sign, which is written for its width alone.
    has_padding: bool,
}

/// The content of the column, and how its cells are measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ColumnContent {
    /// By the digits behind this decimal sign.
    Amount(char),
    /// By the digits at the end.
    Date,
    /// By the length.
    Text,
}

impl ColumnContent {
    fn measure(self, cell: &str) -> usize {
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        match self {
            ColumnContent::Amount(decimal) => cell
                .rsplit_once(decimal)
                .map_or(0, |(_, rest)| digits(rest)),
            ColumnContent::Date => cell.bytes().rev().take_while(u8::is_ascii_digit).count(),
            ColumnContent::Text => cell.chars().count(),
        }
    }
}

impl ColumnTraits {
    fn add(&mut self, content: ColumnContent, cell: &str) {
        if cell.is_empty() {
            self.has_empty = true;
            return;
        }
        let measure = content.measure(cell);
        if self.cells == 0 {
            self.measure = measure;
        }
        self.cells += 1;
        self.has_different_measures |= measure != self.measure;
        self.has_padding |= measure > 0 && cell.ends_with('0');
    }

    /// Returns `true` if the cells have a measure that every whole cell has.
    fn has_pattern(&self, content: ColumnContent) -> bool {
        let are_enough = self.cells >= ALIKE_LEAST;
        !self.has_different_measures
            && match content {
                ColumnContent::Amount(_) => self.measure > 0 && (are_enough || self.has_padding),
                ColumnContent::Date => self.measure > 0 && are_enough,
                ColumnContent::Text => self.measure >= LENGTH_LEAST && are_enough,
            }
    }

    /// Returns `true` if a cell is less than the pattern.
    fn shows_cut(&self, content: ColumnContent, cell: &str) -> bool {
        let may_be_empty = self.has_empty || !matches!(content, ColumnContent::Amount(_));
        self.has_pattern(content)
            && content.measure(cell) < self.measure
            && !(cell.is_empty() && may_be_empty)
    }
}

impl Classifier<'_> {
    /// Refuses the last row of a file that ends within a cell, if the cells above show that more belongs to it.
    pub(super) fn check_last_cell(&self, row: &Row) -> Result<(), Box<Problem>> {
        let Some(column) = self.last_column else {
            return Ok(());
        };
        let cell = self.text(row, column);
        let content = match self
            .last_cells
            .content
            .get_or_init(|| self.content_of(column))
        {
            ColumnContent::Amount(_) => ColumnContent::Amount(self.format_so_far().decimal),
            content => *content,
        };
        let mut seen = self.last_cells.seen.get();
        if !row.is_open() {
            seen.add(content, cell);
            self.last_cells.seen.set(seen);
            return Ok(());
        }
        if seen.shows_cut(content, cell) {
            self.last_cells.end.set(EndOfFile::CutOff);
            let message = match content {
                ColumnContent::Amount(_) => format!(
                    "the file ends here without a line end, and the amount is cut off: all others have {} decimals",
                    seen.measure
                ),
                ColumnContent::Date | ColumnContent::Text => "the file ends here without a line end, and the value is cut off: all others are longer".to_owned(),
            };
            let problem = self.cell_error(ProblemCode::RowCutOff, column, cell, &message);
            return Err(Box::new(problem.hint(
                "export the file again; if the value is whole, add a line end to the last line",
            )));
        }
        if !self.is_whole(content, seen, row, cell) {
            self.last_cells.end.set(EndOfFile::OpenAmount);
        }
        Ok(())
    }

    /// Returns `true` if the last cell of the file is whole, or its end makes no difference that could be seen.
    fn is_whole(&self, content: ColumnContent, seen: ColumnTraits, row: &Row, cell: &str) -> bool {
        let ColumnContent::Amount(_) = content else {
            return true;
        };
        let decimals = content.measure(cell);
        let are_all_written = || {
            let currency = self.currency(row);
            currency.is_ok_and(|currency| decimals > 0 && decimals == currency.exponent() as usize)
        };
        seen.has_pattern(content) && !cell.is_empty() || are_all_written()
    }

    /// Returns what the rows have shown of the end of the file, if it has no line end there.
    pub(crate) fn end_of_file(&self) -> EndOfFile {
        self.last_cells.end.get()
    }

    fn content_of(&self, column: ColumnIndex) -> ColumnContent {
        let columns = self.typed_columns();
        let position = self.binding.position(column);
        let is_here = |other: ColumnIndex| self.binding.position(other) == position;
        let is_date =
            |source: &DateSource| is_here(source.date) || source.time.is_some_and(is_here);
        if columns.amounts.iter().copied().any(is_here) {
            ColumnContent::Amount(self.format_so_far().decimal)
        } else if columns.dates.iter().any(is_date) {
            ColumnContent::Date
        } else {
            ColumnContent::Text
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_cut(content: ColumnContent, above: &[&str], last: &str) -> bool {
        let mut seen = ColumnTraits::default();
        for cell in above {
            seen.add(content, cell);
        }
        seen.shows_cut(content, last)
    }

    #[test]
    fn an_amount_with_fewer_decimals_than_all_others_is_cut() {
        let amount = ColumnContent::Amount('.');
        let others = ["10.00", "1,308.26", "7.95"];
        for cut in ["1308.2", "1308.", "1308", "13", ""] {
            assert!(is_cut(amount, &others, cut), "{cut}");
        }
        assert!(is_cut(amount, &["10.00"], "1308.2"));
        assert!(is_cut(ColumnContent::Amount(','), &["1.308,20"], "1.308,2"));
        for whole in ["1308.26", "0.00", "1308.26 USD"] {
            assert!(!is_cut(amount, &others, whole), "{whole}");
        }
        // Amounts that are not padded, whole ones, thousands, and cells that may be empty.
        assert!(!is_cut(amount, &["19.99", "8.5", "20"], "30.2"));
        assert!(!is_cut(amount, &["19.99", "7.95"], "30.2"));
        assert!(!is_cut(amount, &["5000", "200", "1,308"], "950"));
        assert!(!is_cut(amount, &["10.00", "", "7.95"], ""));
        assert!(!is_cut(amount, &[], "30.2"));
    }

    #[test]
    fn dates_and_ids_are_cut_if_all_others_are_longer() {
        let days = ["2026-03-01", "2026-03-02", "2026-03-03"];
        assert!(is_cut(ColumnContent::Date, &days, "2026-03-1"));
        assert!(!is_cut(ColumnContent::Date, &days, "2026-03-11"));
        assert!(!is_cut(
            ColumnContent::Date,
            &["10/15/2026", "3/1/2026", "3/2/2026"],
            "3/1/2026"
        ));
        let ids = ["ch_3OaBcDeF1", "ch_3OaBcDeF2", "ch_3OaBcDeF3"];
        assert!(is_cut(ColumnContent::Text, &ids, "ch_3OaBcDe"));
        assert!(!is_cut(ColumnContent::Text, &ids, "ch_3OaBcDeF4"));
        assert!(!is_cut(ColumnContent::Text, &ids[..2], "ch_3OaBcDe"));
        assert!(!is_cut(
            ColumnContent::Text,
            &["#1001", "#1002", "#1003"],
            "#999"
        ));
    }
}
