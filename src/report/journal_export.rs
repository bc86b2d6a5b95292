//! The journal as data for other programs: every event, or every attempt, in one table.
//!
//! Events have the columns of the reports, followed by the columns that reports leave out.

use std::io::Write;
use std::path::Path;
use std::sync::LazyLock;

use super::atomic::{FileError, sync_directory};
use super::columns::{Cell, ColumnType, EVENT_COLUMNS, ReportColumn, event_cells};
use super::error::ReportError;
use super::table::CsvTable;
use crate::event::{DETAILS, DetailSlot, DetailStorage, DetailValue, Details};
use crate::journal::{AttemptRecord, EventRecord, JournalError, JournalReader, Span};

/// A table of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JournalTable {
    /// Every event that was ever to be sent, once.
    Events,
    /// Every request that was ever intended.
    Attempts,
}

/// The columns of an event that the reports leave out, but for those of its details, which follow the first.
const MORE_COLUMNS: [ReportColumn; 5] = [
    text("plan"),
    integer("gross_cents"),
    integer("refund_total_cents"),
    text("reference"),
    text("note"),
];

/// Returns the columns of events: those of the reports, and those that they leave out.
fn event_columns() -> &'static [ReportColumn] {
    static ALL: LazyLock<Vec<ReportColumn>> = LazyLock::new(|| {
        let mut details: Details = Details::NONE;
        let details = DETAILS
            .iter()
            .zip(details.slots())
            .filter(|(detail, _)| detail.storage == DetailStorage::Journal)
            .map(|(detail, slot)| match slot {
                DetailSlot::Text(_) => text(detail.name),
                DetailSlot::Count(_) | DetailSlot::Cents(_) => integer(detail.name),
            });
        let details = Vec::from_iter(details);
        let (first, others) = MORE_COLUMNS.split_at(1);
        let all = EVENT_COLUMNS.iter().chain(first).copied();
        all.chain(details).chain(others.iter().copied()).collect()
    });
    &ALL
}

const ATTEMPT_COLUMNS: [ReportColumn; 13] = [
    text("event_id"),
    text("kind"),
    integer("number"),
    text("run"),
    time("intended_at"),
    time("answered_at"),
    text("answer"),
    text("effect"),
    integer("http_status"),
    text("message"),
    integer("sent_event_id"),
    text("sent_currency"),
    text("sent_digest"),
];

const fn text(name: &'static str) -> ReportColumn {
    let holds = ColumnType::Text;
    ReportColumn { name, holds }
}

const fn integer(name: &'static str) -> ReportColumn {
    let holds = ColumnType::Integer;
    ReportColumn { name, holds }
}

const fn time(name: &'static str) -> ReportColumn {
    let holds = ColumnType::Time;
    ReportColumn { name, holds }
}

impl JournalTable {
    /// Returns the table's columns.
    pub(crate) fn columns(self) -> &'static [ReportColumn] {
        match self {
            JournalTable::Events => event_columns(),
            JournalTable::Attempts => &ATTEMPT_COLUMNS,
        }
    }

    /// Streams the table's rows and returns their number.
    fn for_each_row<E: From<JournalError>>(
        self,
        journal: &JournalReader,
        mut each: impl FnMut(&[Cell<'_>]) -> Result<(), E>,
    ) -> Result<u64, E> {
        let mut rows = 0;
        let mut count = |cells: &[Cell<'_>]| {
            rows += 1;
            each(cells)
        };
        match self {
            JournalTable::Events => {
                journal.for_each_event_of(Span::ALL, |record| count(&all_event_cells(&record)))?;
            }
            JournalTable::Attempts => {
                journal.for_each_attempt(|record| count(&attempt_cells(&record)))?;
            }
        }
        Ok(rows)
    }
}

fn all_event_cells(record: &EventRecord) -> Vec<Cell<'_>> {
    let event = &record.event;
    let mut cells = Vec::with_capacity(event_columns().len());
    cells.extend(event_cells(record));
    cells.push(Cell::optional_text(event.plan.as_deref()));
    let details = event.details().stored(DetailStorage::Journal);
    cells.extend(details.map(|(_, value)| match value {
        None => Cell::Empty,
        Some(DetailValue::Text(text)) => Cell::text(text),
        Some(DetailValue::Count(count)) => Cell::Integer(count.into()),
        Some(DetailValue::Cents(cents)) => Cell::Integer(cents),
    }));
    cells.extend([
        Cell::optional_integer(event.gross_cents),
        Cell::optional_integer(event.refund_total_cents),
        Cell::optional_text(event.reference.as_deref()),
        Cell::escaped(&event.note),
    ]);
    cells
}

fn attempt_cells(record: &AttemptRecord) -> [Cell<'_>; 13] {
    let carried = record.carried.as_ref();
    [
        Cell::text(&record.event_id),
        Cell::Word(record.kind.as_str()),
        Cell::Integer(record.number.into()),
        Cell::text(&record.run),
        Cell::Time(record.intended),
        Cell::optional_time(record.answered),
        Cell::optional_text(record.answer.as_deref()),
        record
            .effect
            .map_or(Cell::Empty, |effect| Cell::Word(effect.as_str())),
        Cell::optional_integer(record.http_status),
        Cell::optional_said(record.message.as_deref()),
        Cell::optional_integer(carried.map(|carried| u32::from(carried.has_event_id))),
        Cell::optional_text(carried.and_then(|carried| Some(carried.currency?.code()))),
        carried.map_or(Cell::Empty, |carried| {
            let digest = u128::from_be_bytes(carried.digest);
            Cell::Text(format!("{digest:032x}").into())
        }),
    ]
}

/// Writes a table of the journal as CSV to an open writer, such as standard output, and returns its
/// number of rows.
///
/// # Errors
///
/// The journal can't be read, or `to` can't be written. Errors call `to` by `name`.
pub(crate) fn write_journal_csv(
    journal: &JournalReader,
    table: JournalTable,
    to: impl Write,
    name: &str,
) -> Result<u64, ReportError> {
    let header = table.columns().iter().map(|column| column.name);
    let mut csv = CsvTable::over(to, name.into(), header)?;
    let rows = table.for_each_row(journal, |cells| csv.row(cells).map_err(ReportError::from))?;
    csv.flush()?;
    Ok(rows)
}

/// Writes a table of the journal as a CSV file, whole or not at all, and returns its number of
/// rows.
///
/// # Errors
///
/// The journal can't be read, or the file can't be written.
pub(crate) fn write_journal_csv_file(
    journal: &JournalReader,
    table: JournalTable,
    path: &Path,
) -> Result<u64, ReportError> {
    let mut csv = CsvTable::of_columns(path.to_owned(), table.columns())?;
    let rows = table.for_each_row(journal, |cells| csv.row(cells).map_err(ReportError::from))?;
    let placed = || -> Result<(), FileError> {
        let whole = csv.finish()?;
        let directory = whole.directory();
        whole.commit()?;
        sync_directory(&directory)
    };
    placed()?;
    Ok(rows)
}

/// Writes a table of the journal as a Parquet file, whole or not at all, in bounded memory, and
/// returns its number of rows.
///
/// # Errors
///
/// The journal can't be read, or the file can't be written.
#[cfg(feature = "polars")]
pub(crate) fn write_journal_parquet(
    journal: &JournalReader,
    table: JournalTable,
    path: &Path,
) -> Result<u64, ReportError> {
    let mut parquet = super::ParquetTable::create(path, table.columns())?;
    let rows = table.for_each_row(journal, |cells| parquet.row(cells))?;
    parquet.commit()?;
    Ok(rows)
}
