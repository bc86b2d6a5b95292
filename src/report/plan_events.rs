//! The events of a plan as one CSV.

use std::path::Path;

use super::atomic::{FileError, sync_directory};
use super::columns::{Cell, identity_cells};
use super::error::ReportError;
use super::table::Table;
use crate::plan::Planned;

const PLAN_COLUMNS: [&str; 15] = [
    "kind",
    "event_id",
    "sale_event_id",
    "email",
    "uid",
    "amount_cents",
    "currency",
    "plan",
    "mrr_cents",
    "promo_code",
    "created_at",
    "file",
    "line",
    "plan_state",
    "note",
];

/// Writes a plan's events into one file, in the order of the iterator; `paths` are the paths of the
/// exports.
///
/// # Errors
///
/// The file can't be written.
pub(crate) fn write_plan_events<'p>(
    events: impl Iterator<Item = Planned<'p>>,
    paths: &[String],
    path: &Path,
) -> Result<(), ReportError> {
    let written = || -> Result<(), FileError> {
        let mut table = Table::create(path.to_owned(), PLAN_COLUMNS)?;
        for planned in events {
            let file = paths.get(planned.event.source.input);
            write_event(&mut table, planned, file.map(String::as_str))?;
        }
        let whole = table.finish()?;
        let directory = whole.directory();
        whole.commit()?;
        sync_directory(&directory)
    };
    written().map_err(|failure| ReportError::WriteEvents {
        path: failure.path,
        doing: failure.doing,
        source: failure.source,
    })
}

fn write_event(
    table: &mut Table,
    planned: Planned<'_>,
    file: Option<&str>,
) -> Result<(), FileError> {
    let event = planned.event;
    let details = event.details();
    for cell in &identity_cells(event) {
        table.cell(cell)?;
    }
    table.row(&[
        Cell::optional_text(event.plan),
        Cell::optional_integer(details.mrr_cents),
        Cell::optional_text(details.promo_code.as_deref()),
        Cell::optional_time(event.created_at),
        Cell::optional_said(file),
        Cell::line(event.source.line),
        Cell::Word(planned.state.as_str()),
        Cell::escaped(event.note),
    ])
}
