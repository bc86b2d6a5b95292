//! Finds further headers among the rows of an export, as files have them that were put together from several.

use std::collections::HashSet;

use super::Row;

/// The fewest columns by which a row can be taken for a header.
const COLUMNS_FEWEST: usize = 3;

/// Says what a row has in common with the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderLikeness {
    /// It is a row.
    None,
    /// It is the header again.
    Same,
    /// It has the names of the header in another order: the rows below it are of another order, too.
    OtherOrder,
}

/// Holds the names of a header to compare rows with.
#[derive(Debug)]
pub(crate) struct HeaderNames<'h> {
    in_order: Vec<&'h str>,
    names: HashSet<&'h str>,
    /// The lengths that names have, one for each bit; the last one is for all that are longer.
    lengths: u64,
}

impl<'h> HeaderNames<'h> {
    pub(crate) fn new(header: &'h [String]) -> Self {
        let in_order = Vec::from_iter(header.iter().map(|name| trimmed(name)));
        let names: HashSet<&str> = in_order
            .iter()
            .copied()
            .filter(|name| !name.is_empty())
            .collect();
        let lengths = names.iter().map(|name| bit_of_length(name));
        HeaderNames {
            lengths: lengths.fold(0, |all, bit| all | bit),
            names,
            in_order,
        }
    }

    /// Returns what a row has in common with the header.
    pub(crate) fn compare(&self, row: &Row) -> HeaderLikeness {
        let mut cells = row.iter().map(trimmed);
        let may_be_name = |cell: &str| bit_of_length(cell) & self.lengths != 0;
        let is_name =
            |cell: &str| cell.is_empty() || (may_be_name(cell) && self.names.contains(cell));
        // Nearly every row ends here.
        if self.names.len() < COLUMNS_FEWEST || !cells.all(is_name) {
            return HeaderLikeness::None;
        }
        let cells = Vec::from_iter(row.iter().map(trimmed));
        let named =
            HashSet::<&str>::from_iter(cells.iter().copied().filter(|cell| !cell.is_empty()));
        if cells == self.in_order {
            HeaderLikeness::Same
        } else if named.len() == self.names.len() {
            HeaderLikeness::OtherOrder
        } else {
            HeaderLikeness::None
        }
    }
}

fn bit_of_length(name: &str) -> u64 {
    1 << name.len().min(63)
}

/// Returns a cell without spaces around it, and without the byte-order mark that the second of two files begins with.
fn trimmed(cell: &str) -> &str {
    if let [first, .., last] = cell.as_bytes()
        && first.is_ascii_graphic()
        && last.is_ascii_graphic()
    {
        return cell;
    }
    cell.trim_matches(|c: char| c == '\u{feff}' || c.is_whitespace())
}
