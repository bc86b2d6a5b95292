//! One row, with where it came from.

use std::borrow::Cow;

/// One row of an export. Made once and filled again for every row, so that reading a million rows
/// allocates for the longest of them.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub(super) record: csv::StringRecord,
    pub(super) line: u64,
    pub(super) byte: u64,
}

impl Row {
    /// A row with nothing in it, to be filled.
    pub fn new() -> Self {
        Row::default()
    }

    /// Line of the row's first byte. The file's first line is 1; a line break inside quotes counts.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Offset of the row's first byte, from 0, in the text as UTF-8. That is the offset in the file
    /// where the file is UTF-8 and not packed, a byte-order mark included.
    pub fn byte(&self) -> u64 {
        self.byte
    }

    /// A field as it stands, without its quotes. `None` where the row is too short.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.record.get(index)
    }

    /// How many fields the row has. That may differ from the header: see [`super::Export::header`].
    pub fn len(&self) -> usize {
        self.record.len()
    }

    /// Whether the row has no field. A row that was read has at least one.
    pub fn is_empty(&self) -> bool {
        self.record.is_empty()
    }

    /// Puts another text into each field.
    pub(crate) fn replace_cells(&mut self, replace: fn(&str) -> Cow<'_, str>) {
        self.record = self.record.iter().map(replace).collect();
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.record.iter()
    }
}
