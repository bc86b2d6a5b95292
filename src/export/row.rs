//! One row, with its position.

use std::borrow::Cow;

/// A row of an export. It is created once and filled again for every row, so that reading a million
/// rows allocates only for the longest of them.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub(super) record: csv::StringRecord,
    pub(super) line: u64,
    pub(super) byte: u64,
}

impl Row {
    /// Creates an empty row.
    pub fn new() -> Self {
        Row::default()
    }

    /// Returns the line of the row's first byte. The file's first line is 1; a line break inside
    /// quotes counts.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Returns the offset of the row's first byte, from 0, in the text as UTF-8. It is the offset
    /// in the file if the file is UTF-8 and not packed, a byte-order mark included.
    pub fn byte(&self) -> u64 {
        self.byte
    }

    /// Returns a field without its quotes; `None` if the row is too short.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.record.get(index)
    }

    /// Returns the number of fields. It may differ from the header: see [`super::Export::header`].
    pub fn len(&self) -> usize {
        self.record.len()
    }

    /// Returns `true` if the row has no field. A row that was read has at least one.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }

    /// Replaces the text of each field.
    pub(crate) fn replace_cells(&mut self, replace: fn(&str) -> Cow<'_, str>) {
        self.record = self.record.iter().map(replace).collect();
    }

    /// Returns the fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.record.iter()
    }
}
