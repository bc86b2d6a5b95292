//! One row, with its position.

use std::borrow::Cow;

/// Says what the text of a cell was made from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CellKind {
    /// It is text by itself, as all of a CSV is.
    #[default]
    Text,
    /// A number of a workbook, written in full with a point, perhaps behind the symbol of a currency.
    Number,
    /// A day of a workbook, such as `2026-03-01`, perhaps with a time behind it.
    Date,
    /// A day of a workbook in whose column a spreadsheet may have taken the day for the month.
    DoubtfulDate,
    /// A time of a workbook without a day, such as `18:00:00`.
    Time,
    /// `true` or `false` of a workbook.
    Boolean,
    /// An error such as `#N/A`, or nothing where a formula was saved without its value.
    Error,
}

/// A row of an export. It is created once and filled again for every row, so that reading a million
/// rows allocates only for the longest of them.
#[derive(Clone, Debug, Default)]
pub struct Row {
    pub(super) record: csv::StringRecord,
    pub(super) line: u64,
    pub(super) byte: u64,
    /// Of each cell; empty where all are text.
    pub(super) kinds: Vec<CellKind>,
    pub(super) is_counted_from_1904: bool,
    pub(super) is_open: bool,
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

    /// Returns what the text of a field was made from.
    pub fn kind(&self, index: usize) -> CellKind {
        self.kinds.get(index).copied().unwrap_or_default()
    }

    /// Returns `true` if a field may be something other than text.
    pub(crate) fn is_typed(&self) -> bool {
        !self.kinds.is_empty()
    }

    /// Returns `true` if the row is of a workbook that counts its days from 1904.
    pub(crate) fn is_counted_from_1904(&self) -> bool {
        self.is_counted_from_1904
    }

    /// Returns `true` if the file ends within the row's last field, as far as can be seen: it is the last row, and has
    /// neither a line end nor a quote at its end.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Puts other texts into these fields, which are text from then on.
    pub(crate) fn set_texts(&mut self, texts: &[(usize, String)]) {
        let text_at = |at: usize| texts.iter().find(|(place, _)| *place == at);
        let fields = self.record.iter().enumerate();
        self.record = fields
            .map(|(at, field)| text_at(at).map_or(field, |(_, text)| text.as_str()))
            .collect();
        for (at, _) in texts {
            if let Some(kind) = self.kinds.get_mut(*at) {
                *kind = CellKind::Text;
            }
        }
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
