//! The report as files.
//!
//! All files are first written beside their places and put on disk, and only then moved there one
//! after the other: a disk that fills up leaves the old report as it was. Should a move itself
//! fail, each file is still the old or the new one, and whole.

use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};
use std::thread::{self, ScopedJoinHandle};

use super::atomic::{FileError, FinishedFile, clear_abandoned, sync_directory};
use super::books::ReportSource;
use super::columns::{accepted_cells, converted_cells, event_cells, held_cells};
use super::csv_files::{CsvFiles, is_csv_file};
use super::error::ReportError;
use super::exporter::{AttentionEvent, Exporter, ReportContent, WrittenFile};
use super::format::{Format, Formats};
use super::html::HtmlFile;
use super::json_file::JsonFile;
use super::occupant::{IDENTIFYING_FILES, MARKER, ReportId, SUMMARY_FILE, move_aside};
#[cfg(feature = "polars")]
use super::parquet::ParquetFile;
use super::row_files::is_numbered;
use super::summary::RunSummary;
use super::xlsx::XlsxFile;
use crate::journal::{Disposition, EventRecord, JournalError};
use crate::output_folder::OutputFolder;

/// Writes a report into a directory, which is created if needed, and returns the paths of the
/// files.
///
/// `summary` is the summary of these books. All files of the formats are written, with a header
/// even where there are no rows; files of other formats are left alone. Files of an earlier report
/// for more headers than this one has (`rejected-3.csv`) are removed when the new ones are in
/// place. A report of another run that the directory holds is moved into a folder in it, named after that run.
///
/// # Errors
///
/// The journal can't be read, a file can't be written, or the directory holds another journal's report.
pub fn write(
    books: &ReportSource<'_>,
    summary: &RunSummary,
    formats: &Formats,
    directory: &Path,
) -> Result<Vec<PathBuf>, ReportError> {
    let summary = &*books.shown(summary);
    let mut folder = OutputFolder::open(directory, &IDENTIFYING_FILES)
        .map_err(|error| FileError::new(directory, "creating the directory", error))?;
    let given = directory;
    let directory = &*folder.path().to_owned();
    let report = summary.report_id();
    let found = ReportId::found_in(directory);
    let is_anothers = |found: &ReportId| !found.may_share_journal(&report);
    if found.as_ref().is_some_and(is_anothers) {
        return Err(ReportError::Occupied(given.to_owned()));
    }
    // Removed first, so that the new files can use their space.
    clear_abandoned(directory, is_report_file);
    let mut exporters = formats
        .iter()
        .filter_map(|format| exporter(format, books, summary, formats, directory).transpose())
        .collect::<Result<Vec<_>, _>>()?;
    read(books, &mut exporters)?;
    let files = finish(exporters)?;
    make_room(found, &report, directory)?;
    let failed = |doing| move |error| FileError::new(given, doing, error);
    let there = folder.make_room(is_report_file);
    there.map_err(failed("moving an earlier report aside"))?;
    let written = put_in_place(files, directory)?;
    if formats.iter().any(|format| format == Format::Json) {
        // The summary says the same. A marker that stays does no harm.
        let _ = fs::remove_file(directory.join(MARKER));
    }
    let wrote_rows = formats.iter().any(|format| format == Format::Csv);
    let stored = folder.finish(written, |name| wrote_rows && is_numbered(name));
    Ok(stored.map_err(failed("writing its objects"))?)
}

/// Moves the report of another run aside, and sees to it that the directory says whose the new one is.
fn make_room(
    found: Option<ReportId>,
    report: &ReportId,
    directory: &Path,
) -> Result<(), FileError> {
    let is_same = found.as_ref().is_some_and(|found| found.run == report.run);
    // Written before anything is moved, while an error leaves all as it was. It says whose the files are, also if
    // not all of them get there.
    let marker = if is_same {
        None
    } else {
        Some(report.write(directory)?)
    };
    if let Some(earlier) = found.filter(|_| !is_same) {
        move_aside(directory, &earlier, is_report_file)?;
    }
    marker.map_or(Ok(()), FinishedFile::commit)
}

/// Returns `true` if a report has a file of this name.
pub(super) fn is_report_file(name: &str) -> bool {
    is_file_of(&Formats::default(), name) || ["events.parquet", MARKER].contains(&name)
}

/// Returns `true` if a report in these formats writes or removes a file of this name.
pub(crate) fn is_file_of(formats: &Formats, name: &str) -> bool {
    formats.iter().any(|format| match format {
        Format::Csv => is_csv_file(name),
        Format::Parquet => name == "events.parquet",
        Format::Xlsx => name == "report.xlsx",
        Format::Html => name == "report.html",
        Format::Json => name == SUMMARY_FILE,
    })
}

/// Returns the writer of a format.
fn exporter(
    format: Format,
    books: &ReportSource<'_>,
    summary: &RunSummary,
    formats: &Formats,
    directory: &Path,
) -> Result<Option<Box<dyn Exporter>>, ReportError> {
    Ok(match format {
        Format::Csv => Some(Box::new(CsvFiles::create(directory, books)?)),
        Format::Json => Some(Box::new(JsonFile::create(directory, summary)?)),
        #[cfg(feature = "polars")]
        Format::Parquet => Some(Box::new(ParquetFile::create(directory)?)),
        #[cfg(not(feature = "polars"))]
        Format::Parquet => None,
        Format::Xlsx => Some(Box::new(XlsxFile::create(directory, books, summary)?)),
        Format::Html => Some(Box::new(HtmlFile::new(
            directory,
            books.account()?,
            books,
            summary,
            formats,
        ))),
    })
}

/// Reads the books once, for all exporters that take a part of them.
fn read(books: &ReportSource<'_>, exporters: &mut [Box<dyn Exporter>]) -> Result<(), ReportError> {
    let events = exporters_taking(exporters, ReportContent::Events);
    if !events.is_empty() {
        read_events(books, events)?;
    }
    let mut needing = exporters_taking(exporters, ReportContent::Needing);
    if !needing.is_empty() {
        books.for_each_attention_event(|age, code, record| {
            let cells = &event_cells(&record);
            let record = &record;
            let event = AttentionEvent {
                code,
                age,
                record,
                cells,
            };
            hand_out(&mut needing, |exporter| exporter.attention_event(&event))
        })?;
    }
    let mut held = exporters_taking(exporters, ReportContent::Held);
    if !held.is_empty() {
        books.for_each_held(|record| {
            let cells = held_cells(&record);
            hand_out(&mut held, |exporter| exporter.held(&record, &cells))
        })?;
    }
    let mut conversions = exporters_taking(exporters, ReportContent::Conversions);
    if !conversions.is_empty() {
        books.for_each_conversion(|record| {
            let cells = converted_cells(&record);
            hand_out(&mut conversions, |exporter| exporter.conversion(&cells))
        })?;
    }
    for (content, disposition) in [
        (ReportContent::Rejected, Disposition::Rejected),
        (ReportContent::Ignored, Disposition::Ignored),
    ] {
        let mut rows = exporters_taking(exporters, content);
        if !rows.is_empty() {
            books.for_each_row(disposition, |row| {
                hand_out(&mut rows, |exporter| exporter.source_row(row))
            })?;
        }
    }
    let mut accepted = exporters_taking(exporters, ReportContent::Accepted);
    if !accepted.is_empty() {
        books.for_each_accepted(|record| {
            let cells = accepted_cells(&record);
            hand_out(&mut accepted, |exporter| exporter.accepted(&cells))
        })?;
    }
    let mut problems = exporters_taking(exporters, ReportContent::Problems);
    if !problems.is_empty() {
        books.for_each_problem(|problem| {
            hand_out(&mut problems, |exporter| exporter.problem(&problem))
        })?;
    }
    Ok(())
}

/// The number of events that are handed over at once, and the number of such batches that are read
/// ahead.
const BATCH_EVENTS: usize = 512;
const BATCHES_AHEAD: usize = 4;

/// The reason why reading ended early.
enum Stopped {
    Journal(JournalError),
    /// The writer has an error of its own to report.
    Writer,
}

impl From<JournalError> for Stopped {
    fn from(error: JournalError) -> Self {
        Stopped::Journal(error)
    }
}

/// A batch of events, shared by all formats.
type EventBatch = Arc<Vec<EventRecord>>;

/// Reads the events on this thread while each format writes them on a thread of its own, in the
/// same order, since there can be millions of them.
fn read_events(books: &ReportSource<'_>, exporters: ExporterGroup<'_>) -> Result<(), ReportError> {
    thread::scope(|scope| {
        let (queues, writers): (Vec<_>, Vec<_>) = exporters
            .into_iter()
            .map(|exporter| {
                let (queue, batches) = mpsc::sync_channel(BATCHES_AHEAD);
                (queue, scope.spawn(move || write_batches(batches, exporter)))
            })
            .unzip();
        let read = hand_out_batches(books, &queues);
        drop(queues);
        let mut written = Ok(());
        for writer in writers {
            written = written.and(joined(writer));
        }
        match (written, read) {
            (Err(failure), _) => Err(failure.into()),
            (Ok(()), Err(Stopped::Journal(error))) => Err(error.into()),
            (Ok(()), Ok(()) | Err(Stopped::Writer)) => Ok(()),
        }
    })
}

fn hand_out_batches(
    books: &ReportSource<'_>,
    queues: &[mpsc::SyncSender<EventBatch>],
) -> Result<(), Stopped> {
    let hand_out = |batch: Vec<EventRecord>| {
        let batch = EventBatch::new(batch);
        queues
            .iter()
            .try_for_each(|queue| queue.send(batch.clone()))
            .map_err(|_| Stopped::Writer)
    };
    let mut batch = Vec::with_capacity(BATCH_EVENTS);
    books.for_each_event(|record| {
        batch.push(record);
        match batch.len() {
            BATCH_EVENTS => hand_out(std::mem::replace(
                &mut batch,
                Vec::with_capacity(BATCH_EVENTS),
            )),
            _ => Ok(()),
        }
    })?;
    hand_out(batch)
}

fn write_batches(
    batches: mpsc::Receiver<EventBatch>,
    exporter: &mut Box<dyn Exporter>,
) -> Result<(), FileError> {
    for batch in batches {
        for record in &*batch {
            exporter.event(record, &event_cells(record))?;
        }
    }
    Ok(())
}

/// Syncs the files of all formats to disk, side by side.
fn finish(exporters: Vec<Box<dyn Exporter>>) -> Result<Vec<WrittenFile>, FileError> {
    thread::scope(|scope| {
        let ends = |exporter: Box<dyn Exporter>| scope.spawn(|| exporter.finish());
        let ends: Vec<_> = exporters.into_iter().map(ends).collect();
        let mut files = Vec::new();
        for written in ends.into_iter().map(joined).collect::<Vec<_>>() {
            files.extend(written?);
        }
        Ok(files)
    })
}

/// Returns the result of a thread; a panic of the thread is resumed here.
fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

type ExporterGroup<'e> = Vec<&'e mut Box<dyn Exporter>>;

fn exporters_taking(
    exporters: &mut [Box<dyn Exporter>],
    content: ReportContent,
) -> ExporterGroup<'_> {
    let takes = |exporter: &&mut Box<dyn Exporter>| exporter.takes().contains(&content);
    exporters.iter_mut().filter(takes).collect()
}

fn hand_out(
    exporters: &mut ExporterGroup<'_>,
    mut hand: impl FnMut(&mut dyn Exporter) -> Result<(), FileError>,
) -> Result<(), ReportError> {
    for exporter in exporters {
        hand(exporter.as_mut())?;
    }
    Ok(())
}

fn put_in_place(files: Vec<WrittenFile>, directory: &Path) -> Result<Vec<PathBuf>, ReportError> {
    let mut names = Vec::new();
    for WrittenFile { name, whole } in files {
        whole.commit()?;
        names.push(name);
    }
    // Nothing old is removed before its replacement is durable.
    sync_directory(directory)?;
    let wrote_rows = names.iter().any(|name| name == "rejected.csv");
    if wrote_rows && remove_stale(directory, &names)? {
        sync_directory(directory)?;
    }
    Ok(names.iter().map(|name| directory.join(name)).collect())
}

/// Removes `rejected-N.csv` and `ignored-N.csv` files that are not among `names`.
fn remove_stale(directory: &Path, names: &[String]) -> Result<bool, FileError> {
    let listing =
        |error| FileError::new(directory, "looking for files of an earlier report", error);
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
                    return Err(FileError::new(
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

#[cfg(test)]
mod tests;
