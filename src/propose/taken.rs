//! Keeps which columns have a purpose.

use std::collections::BTreeSet;

use super::table::SampleColumn;

/// Holds the columns that have a purpose already.
#[derive(Default)]
pub(super) struct Taken<'t>(BTreeSet<&'t str>);

impl<'t> Taken<'t> {
    /// Returns `true` if the column has no purpose yet.
    pub(super) fn is_free(&self, column: &SampleColumn<'_>) -> bool {
        !self.0.contains(column.header)
    }

    /// Takes note that these columns have a purpose.
    pub(super) fn take(&mut self, columns: impl IntoIterator<Item = &'t SampleColumn<'t>>) {
        self.0
            .extend(columns.into_iter().map(|column| column.header));
    }
}
