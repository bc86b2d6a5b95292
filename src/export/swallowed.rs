//! Notices two rows that stray quotes have made one.
//!
//! A quote in a field opens a text, and a quote in the same column of a later row closes it. All cells are
//! where they belong then, and the rows between are gone. [`super::guard`] sees lines of such a text that are
//! whole rows; here the first and the last line are looked at, which are halves of rows.

use csv::StringRecord;
use memchr::{memchr, memchr_iter};

/// The smallest number of columns from which on two halves look like a row: with fewer, prose does.
const FEWEST_COLUMNS: usize = 4;

/// Returns the column, from 0, of a text that seems to hold the end of its own row and the start of another one,
/// up to the same column: it has the delimiters of both, and what begins its last line looks like this row's own
/// beginning.
pub(super) fn column_with_rows(record: &StringRecord, delimiter: u8) -> Option<usize> {
    if record.len() < FEWEST_COLUMNS || memchr(b'\n', record.as_slice().as_bytes()).is_none() {
        return None;
    }
    let mut fields = record.iter().enumerate();
    let found = fields.find(|&(column, field)| has_both_halves(record, column, field, delimiter));
    found.map(|(column, _)| column)
}

fn has_both_halves(record: &StringRecord, column: usize, field: &str, delimiter: u8) -> bool {
    let (Some((first, _)), Some((_, last))) = (field.split_once('\n'), field.rsplit_once('\n'))
    else {
        return false;
    };
    let delimiters = |line: &str| memchr_iter(delimiter, line.as_bytes()).count();
    column > 0
        && delimiters(first) == record.len() - 1 - column
        && delimiters(last) == column
        && looks_like_the_row(record, column, last.split(char::from(delimiter)))
}

/// Returns `true` if the first cell is of the kind of this row's first one, and most cells are of the kind of theirs.
fn looks_like_the_row<'l>(
    record: &StringRecord,
    column: usize,
    line: impl Iterator<Item = &'l str>,
) -> bool {
    let cells = line.take(column).map(|cell| cell.trim_matches('"'));
    let alike: Vec<bool> = cells
        .zip(record)
        .map(|(cell, own)| CellShape::from_cell(cell) == CellShape::from_cell(own))
        .collect();
    let count = alike.iter().filter(|alike| **alike).count();
    alike.first() == Some(&true) && count * 2 > alike.len()
}

/// Describes what a cell is made of.
#[derive(PartialEq, Eq)]
struct CellShape {
    has_digits: bool,
    has_letters: bool,
    /// The first character that is neither; texts have a space here, dates and ids what separates their parts.
    separator: Option<char>,
}

impl CellShape {
    fn from_cell(cell: &str) -> CellShape {
        CellShape {
            has_digits: cell.chars().any(|c| c.is_ascii_digit()),
            has_letters: cell.chars().any(char::is_alphabetic),
            separator: cell.chars().find(|c| !c.is_alphanumeric()),
        }
    }
}
