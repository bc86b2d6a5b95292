//! The report as files: CSVs and the summary.
//!
//! All files are first written beside their places and put on disk, and only then moved there one
//! after the other: a disk that fills up leaves the old report as it was. Should a move itself
//! fail, each file is still the old or the new one, and whole.
//!
//! # Source rows
//!
//! `rejected.csv` and `ignored.csv` give source rows as they were, followed by [`ADDED_COLUMNS`],
//! below the header of their export. Exports with different headers get a file each:
//! `rejected.csv`, `rejected-2.csv` and so on, in the order in which they first have such a row.
//!
//! A row with fewer or more cells than its header can't be taken for a good one when the file is
//! read again without being mended, since one could only guess which cell is missing. So such a
//! row is always wider than the file's header: its cells are padded or cut to the header's width,
//! the added cells stand in their columns, and behind them stand the cells that were cut off, or
//! else [`MEND_MARK`]. To mend the row, put its cells right and delete what stands behind
//! `_reason`.
//!
//! Where an export is such a file itself, its added columns are filled anew and not added again.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::atomic::{Failure, Partial, Whole, sync_directory};
use super::summary::{RunSummary, outcome_word};
use crate::event::{Conversion, Event};
use crate::job::ADDED_COLUMNS;
use crate::journal::{
    ConversionRecord, Disposition, EventRecord, HeldRecord, JournalError, JournalReader, Outcome,
    RowRecord, RunRecord,
};
use crate::plan::Planned;
use crate::spreadsheet::neutralise;

/// What stands behind `_reason` in a row that had fewer cells than its header.
pub const MEND_MARK: &str = "cells are missing; delete this one once the row is mended";

/// The message of an event that was settled by another one's answer.
const INFERRED: &str = "from an earlier answer for this customer";

const EVENT_COLUMNS: [&str; 20] = [
    "kind",
    "event_id",
    "sale_event_id",
    "email",
    "uid",
    "amount_cents",
    "currency",
    "created_at",
    "outcome",
    "http_status",
    "message",
    "attempts",
    "first_attempt_at",
    "settled_at",
    "api_event_id",
    "promoter_email",
    "promoter_ref_id",
    "commission_cents",
    "file",
    "line",
];

const HELD_COLUMNS: [&str; 13] = [
    "kind",
    "event_id",
    "sale_event_id",
    "email",
    "uid",
    "amount_cents",
    "currency",
    "created_at",
    "plan_state",
    "reason",
    "candidates",
    "file",
    "line",
];

const CONVERTED_COLUMNS: [&str; 11] = [
    "kind",
    "event_id",
    "sale_event_id",
    "original_amount_cents",
    "original_currency",
    "rate",
    "rate_date",
    "amount_cents",
    "currency",
    "file",
    "line",
];

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

/// Why there is no report, or no list of planned events. What was sent is in the journal all the
/// same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of the report can't be written; the one that was there before still is.
    #[error("the report {} can't be written ({doing})", path.display())]
    Write {
        /// The file or the directory.
        path: PathBuf,
        /// What was under way.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The file of a plan's events can't be written; the one that was there before still is.
    #[error("the planned events {} can't be written ({doing})", path.display())]
    WriteEvents {
        /// The file.
        path: PathBuf,
        /// What was under way.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl ReportError {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            ReportError::Journal(error) => error.hint(),
            ReportError::Write { .. } => {
                "the journal is fine; check the permissions, the free space, and that no other \
                 program has the file open, then `fprecon report` makes the report again"
            }
            ReportError::WriteEvents { .. } => {
                "nothing was sent; check the path, the permissions and the free space, and plan \
                 again"
            }
        }
    }
}

impl From<Failure> for ReportError {
    fn from(failure: Failure) -> Self {
        let Failure {
            path,
            doing,
            source,
        } = failure;
        ReportError::Write {
            path,
            doing,
            source,
        }
    }
}

/// Writes the report of a run into a directory, which is made where there is none, and says which
/// files it has written.
///
/// `summary` is the run's. All files are written, with a header even where there is nothing below
/// it. Files of an earlier report for more headers than this one has (`rejected-3.csv`) are removed
/// when the new ones are in place.
///
/// # Errors
///
/// The journal can't be read, or a file can't be written.
pub fn write(
    journal: &JournalReader,
    run: &RunRecord,
    summary: &RunSummary,
    directory: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    fs::create_dir_all(directory)
        .map_err(|error| Failure::new(directory, "creating the directory", error))?;
    let mut files = Files {
        directory,
        names: Vec::new(),
        whole: Vec::new(),
    };
    write_events(journal, run, &mut files)?;
    write_held(journal, run, &mut files)?;
    write_converted(journal, run, &mut files)?;
    write_rows(journal, run, Disposition::Rejected, &mut files)?;
    write_rows(journal, run, Disposition::Ignored, &mut files)?;
    // Moved last: who sees a new summary sees the new files too.
    write_summary(summary, &mut files)?;
    files.commit()
}

/// Writes a plan's events into one file, in the order in which they come; `paths` are the names of
/// the exports.
///
/// # Errors
///
/// The file can't be written.
pub fn write_plan_events<'p>(
    events: impl Iterator<Item = Planned<'p>>,
    paths: &[String],
    path: &Path,
) -> Result<(), ReportError> {
    let written = || -> Result<(), Failure> {
        let mut table = Table::create(path.to_owned(), PLAN_COLUMNS)?;
        for planned in events {
            let file = paths.get(planned.event.source.input);
            table.plan_event(planned, file.map(String::as_str))?;
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

/// The files of a report, on disk and not yet in their places.
struct Files<'d> {
    directory: &'d Path,
    names: Vec<String>,
    whole: Vec<Whole>,
}

impl Files<'_> {
    fn table<const N: usize>(&self, name: &str, header: [&str; N]) -> Result<Table, Failure> {
        Table::create(self.directory.join(name), header)
    }

    fn add(&mut self, name: String, whole: Whole) {
        self.names.push(name);
        self.whole.push(whole);
    }

    fn commit(self) -> Result<Vec<PathBuf>, ReportError> {
        for whole in self.whole {
            whole.commit()?;
        }
        // Nothing old goes before what takes its place is there to stay.
        sync_directory(self.directory)?;
        if remove_stale(self.directory, &self.names)? {
            sync_directory(self.directory)?;
        }
        let path = |name| self.directory.join(name);
        Ok(self.names.iter().map(path).collect())
    }
}

/// Removes `rejected-N.csv` and `ignored-N.csv` that are not among `names`.
fn remove_stale(directory: &Path, names: &[String]) -> Result<bool, Failure> {
    let listing = |error| Failure::new(directory, "looking for files of an earlier report", error);
    let mut removed = false;
    for entry in fs::read_dir(directory).map_err(listing)? {
        let entry = entry.map_err(listing)?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_numbered(name)) else {
            continue;
        };
        let is_file = !entry.file_type().map_err(listing)?.is_dir();
        if is_file && !names.iter().any(|written| written == name) {
            let path = directory.join(name);
            match fs::remove_file(&path) {
                Ok(()) => removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(Failure::new(
                        &path,
                        "removing an earlier report's file",
                        error,
                    ));
                }
            }
        }
    }
    Ok(removed)
}

/// Whether [`numbered`] gives this name to a number from 2 on.
fn is_numbered(name: &str) -> bool {
    [Disposition::Rejected, Disposition::Ignored]
        .into_iter()
        .any(|disposition| {
            name.strip_prefix(disposition.as_str())
                .and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".csv")?.parse().ok())
                .is_some_and(|number| number > 1 && numbered(disposition, number) == name)
        })
}

/// The name of the `number`th file of such rows, from 1.
fn numbered(disposition: Disposition, number: usize) -> String {
    match number {
        1 => format!("{disposition}.csv"),
        _ => format!("{disposition}-{number}.csv"),
    }
}

fn write_summary(summary: &RunSummary, files: &mut Files<'_>) -> Result<(), Failure> {
    let name = "summary.json";
    let path = files.directory.join(name);
    let mut file = Partial::create(&path)?;
    serde_json::to_writer_pretty(&mut file, summary)
        .map_err(io::Error::from)
        .and_then(|()| file.write_all(b"\n"))
        .map_err(|error| Failure::new(&path, "writing it", error))?;
    files.add(name.to_owned(), file.finish()?);
    Ok(())
}

fn write_events(
    journal: &JournalReader,
    run: &RunRecord,
    files: &mut Files<'_>,
) -> Result<(), ReportError> {
    let mut tracked = files.table("tracked.csv", EVENT_COLUMNS)?;
    let mut non_referral = files.table("non_referral.csv", EVENT_COLUMNS)?;
    let mut failed = files.table("failed.csv", EVENT_COLUMNS)?;
    journal.for_each_event(run.id, |record| {
        let outcome = record.settlement.as_ref().map(|settled| settled.outcome);
        let table = match outcome {
            Some(Outcome::Tracked | Outcome::AlreadyTracked) => &mut tracked,
            Some(Outcome::NonReferral) => &mut non_referral,
            Some(Outcome::Failed | Outcome::Unconfirmed) | None => &mut failed,
        };
        table.event(&record).map_err(ReportError::from)
    })?;
    files.add("tracked.csv".to_owned(), tracked.finish()?);
    files.add("non_referral.csv".to_owned(), non_referral.finish()?);
    files.add("failed.csv".to_owned(), failed.finish()?);
    Ok(())
}

fn write_held(
    journal: &JournalReader,
    run: &RunRecord,
    files: &mut Files<'_>,
) -> Result<(), ReportError> {
    let mut held = files.table("held.csv", HELD_COLUMNS)?;
    journal.for_each_held(run.id, |record| {
        held.held(&record).map_err(ReportError::from)
    })?;
    files.add("held.csv".to_owned(), held.finish()?);
    Ok(())
}

/// What amounts were before they were converted, and by which rate.
fn write_converted(
    journal: &JournalReader,
    run: &RunRecord,
    files: &mut Files<'_>,
) -> Result<(), ReportError> {
    let mut converted = files.table("converted.csv", CONVERTED_COLUMNS)?;
    journal.for_each_conversion(run.id, |record| {
        converted.converted(&record).map_err(ReportError::from)
    })?;
    files.add("converted.csv".to_owned(), converted.finish()?);
    Ok(())
}

/// The columns of an export, without those that an earlier report has added.
fn own_columns(header: &[String]) -> &[String] {
    match header.len().checked_sub(ADDED_COLUMNS.len()) {
        Some(own) if header[own..] == ADDED_COLUMNS => &header[..own],
        _ => header,
    }
}

fn write_rows(
    journal: &JournalReader,
    run: &RunRecord,
    disposition: Disposition,
    files: &mut Files<'_>,
) -> Result<(), ReportError> {
    let directory = files.directory;
    let start = |number: usize, own: &[String]| {
        let header = own.iter().map(String::as_str).chain(ADDED_COLUMNS);
        Table::create(directory.join(numbered(disposition, number)), header)
    };
    let mut tables: Vec<Table> = Vec::new();
    let mut by_layout: HashMap<&[String], usize> = HashMap::new();
    journal.for_each_row(run.id, disposition, |row| {
        let header = run
            .inputs
            .get(row.source.input)
            .map_or(&[][..], |input| &input.header);
        let own = own_columns(header);
        let index = match by_layout.get(own) {
            Some(&index) => index,
            None => {
                tables.push(start(tables.len() + 1, own)?);
                by_layout.insert(own, tables.len() - 1);
                tables.len() - 1
            }
        };
        let is_ragged = row.fields.len() != header.len();
        tables[index]
            .source_row(&row, own.len(), is_ragged)
            .map_err(ReportError::from)
    })?;
    if tables.is_empty() {
        let first = run.inputs.first().map_or(&[][..], |input| &input.header);
        tables.push(start(1, own_columns(first))?);
    }
    for (index, table) in tables.into_iter().enumerate() {
        files.add(numbered(disposition, index + 1), table.finish()?);
    }
    Ok(())
}

/// A CSV file that is being written.
struct Table {
    writer: csv::Writer<Partial>,
    path: PathBuf,
}

impl Table {
    fn create<'h>(
        path: PathBuf,
        header: impl IntoIterator<Item = &'h str>,
    ) -> Result<Self, Failure> {
        let writer = csv::WriterBuilder::new()
            .flexible(true)
            .from_writer(Partial::create(&path)?);
        let mut table = Table { writer, path };
        for column in header {
            table.text(column)?;
        }
        table.end_row()?;
        Ok(table)
    }

    fn finish(self) -> Result<Whole, Failure> {
        let Table { writer, path } = self;
        // The error holds the writer, and with it the file that is to go.
        let partial = writer.into_inner().map_err(|error| {
            let cause = error.error();
            let source = io::Error::new(cause.kind(), cause.to_string());
            Failure::new(&path, "writing it", source)
        })?;
        partial.finish()
    }

    /// A cell that needs no care: a number, a time, a word from a closed set.
    fn cell(&mut self, cell: &str) -> Result<(), Failure> {
        self.writer
            .write_field(cell)
            .map_err(|error| Failure::new(&self.path, "writing it", error))
    }

    fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.cell(&neutralise(text))
    }

    fn optional_text(&mut self, text: Option<&str>) -> Result<(), Failure> {
        self.text(text.unwrap_or_default())
    }

    /// A number or a time.
    fn optional(&mut self, value: Option<impl ToString>) -> Result<(), Failure> {
        self.cell(&value.map(|value| value.to_string()).unwrap_or_default())
    }

    fn end_row(&mut self) -> Result<(), Failure> {
        self.writer
            .write_record(None::<&[u8]>)
            .map_err(|error| Failure::new(&self.path, "writing it", error))
    }

    /// `kind` to `currency`.
    fn what(&mut self, event: &Event) -> Result<(), Failure> {
        self.cell(event.kind.as_str())?;
        self.text(event.event_id())?;
        self.optional_text(event.sale_event_id.as_deref())?;
        self.optional_text(event.customer.email.as_deref())?;
        self.optional_text(event.customer.uid.as_deref())?;
        self.optional(event.money.map(|money| money.amount_cents))?;
        self.optional(event.money.map(|money| money.currency))
    }

    /// `file` and `line`; both empty where the event stands in no export of the run.
    fn place(&mut self, event: &Event, file: Option<&str>) -> Result<(), Failure> {
        self.optional_text(file)?;
        self.optional(Some(event.source.line).filter(|line| *line > 0))
    }

    fn event(&mut self, record: &EventRecord) -> Result<(), Failure> {
        let settled = record.settlement.as_ref();
        self.what(&record.event)?;
        self.optional(record.event.created_at)?;
        self.cell(outcome_word(settled.map(|settled| settled.outcome)))?;
        let (http_status, message) = match settled {
            Some(settled) => (settled.http_status, settled.message.as_deref()),
            None => (record.last_http_status, record.last_message.as_deref()),
        };
        self.optional(http_status)?;
        if settled.is_some_and(|settled| settled.inferred) {
            self.text(&format!("inferred: {}", message.unwrap_or(INFERRED)))?;
        } else {
            self.optional_text(message)?;
        }
        self.optional(Some(record.attempts))?;
        self.optional(record.first_attempt)?;
        self.optional(settled.map(|settled| settled.at))?;
        self.optional_text(settled.and_then(|settled| settled.api_event_id.as_deref()))?;
        self.optional_text(settled.and_then(|settled| settled.promoter_email.as_deref()))?;
        self.optional_text(settled.and_then(|settled| settled.promoter_ref_id.as_deref()))?;
        self.optional(settled.and_then(|settled| settled.commission_cents))?;
        self.place(&record.event, record.file.as_deref())?;
        self.end_row()
    }

    fn converted(&mut self, record: &ConversionRecord) -> Result<(), Failure> {
        let Conversion { original, sent } = &record.conversion;
        self.cell(record.kind.as_str())?;
        self.text(&record.event_id)?;
        self.optional_text(record.sale_event_id.as_deref())?;
        self.optional(Some(original.money.amount_cents))?;
        self.cell(original.money.currency.code())?;
        self.text(&original.rate)?;
        self.optional(Some(original.rate_date))?;
        self.optional(Some(sent.amount_cents))?;
        self.cell(sent.currency.code())?;
        self.optional_text(record.file.as_deref())?;
        self.optional(record.line)?;
        self.end_row()
    }

    fn held(&mut self, record: &HeldRecord) -> Result<(), Failure> {
        self.what(&record.event)?;
        self.optional(record.event.created_at)?;
        self.cell(record.state.as_str())?;
        self.text(&record.event.note)?;
        self.optional_text(record.event.details().candidates.as_deref())?;
        self.place(&record.event, record.file.as_deref())?;
        self.end_row()
    }

    fn plan_event(&mut self, planned: Planned<'_>, file: Option<&str>) -> Result<(), Failure> {
        let event = planned.event;
        self.what(event)?;
        self.optional_text(event.plan.as_deref())?;
        self.optional(event.details().mrr_cents)?;
        self.optional_text(event.details().promo_code.as_deref())?;
        self.optional(event.created_at)?;
        self.place(event, file)?;
        self.cell(planned.state.as_str())?;
        self.text(&event.note)?;
        self.end_row()
    }

    /// A row of an export with `own` columns of its own.
    fn source_row(&mut self, row: &RowRecord, own: usize, is_ragged: bool) -> Result<(), Failure> {
        for index in 0..own {
            self.optional_text(row.fields.get(index).map(String::as_str))?;
        }
        self.text(&row.file)?;
        self.optional(Some(row.source.line))?;
        self.text(&row.reason)?;
        // What stands behind the own columns of a row of the right width was added by a report.
        if is_ragged {
            match row.fields.get(own..) {
                Some(rest) if !rest.is_empty() => {
                    for cell in rest {
                        self.text(cell)?;
                    }
                }
                _ => self.text(MEND_MARK)?,
            }
        }
        self.end_row()
    }
}

#[cfg(test)]
mod tests;
