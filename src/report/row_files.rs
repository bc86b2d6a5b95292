//! Names the files with rejected and ignored rows: one for each header of exports.

use std::collections::HashSet;

use super::source_rows::own_columns;
use crate::journal::{Disposition, RunRecord};

/// Returns the names of the files with the rows of one disposition: one for each header of exports
/// that have such rows, and at least one.
pub(super) fn row_file_names(disposition: Disposition, runs: &[RunRecord]) -> Vec<String> {
    let with_rows = runs.iter().flat_map(|run| &run.inputs).filter(|input| {
        let rows = match disposition {
            Disposition::Rejected => input.rows_rejected,
            Disposition::Ignored => input.rows_ignored,
        };
        rows > 0
    });
    let layouts: HashSet<&[String]> = with_rows.map(|input| own_columns(&input.header)).collect();
    (1..=layouts.len().max(1))
        .map(|number| numbered(disposition, number))
        .collect()
}

/// Returns `true` if [`numbered`] gives this name to a number from 2 on.
pub(super) fn is_numbered(name: &str) -> bool {
    [Disposition::Rejected, Disposition::Ignored]
        .into_iter()
        .any(|disposition| {
            name.strip_prefix(disposition.as_str())
                .and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".csv")?.parse().ok())
                .is_some_and(|number| number > 1 && numbered(disposition, number) == name)
        })
}

/// Returns the name of the `number`th file of such rows, counted from 1.
pub(super) fn numbered(disposition: Disposition, number: usize) -> String {
    match number {
        1 => format!("{disposition}.csv"),
        _ => format!("{disposition}-{number}.csv"),
    }
}
