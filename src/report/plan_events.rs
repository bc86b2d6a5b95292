//! The events of a plan as one CSV.

use std::io::Write;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;

use super::atomic::{FileError, PartialFile, sync_directory};
use super::columns::{Cell, identity_cells};
use super::error::ReportError;
use super::table::CsvTable;
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

/// The number of events whose lines are written into memory at once.
const PART_EVENTS: usize = 2048;
/// The number of such parts that a thread is ahead of the file.
const PARTS_AHEAD: usize = 2;
/// The greatest number of threads: with more, the file is what limits.
const THREADS_MOST: usize = 4;

/// Writes a plan's events into one file; `paths` are the paths of the exports. `event_at` returns each by its number.
///
/// # Errors
///
/// The file can't be written.
pub(crate) fn write_plan_events<'p>(
    count: usize,
    event_at: impl Fn(usize) -> Planned<'p> + Sync,
    paths: &[String],
    path: &Path,
) -> Result<(), ReportError> {
    let lines_of = |part: usize| -> Result<Vec<u8>, FileError> {
        let mut lines = CsvTable::lines(path.to_owned());
        let first = part * PART_EVENTS;
        for number in first..count.min(first + PART_EVENTS) {
            let planned = event_at(number);
            let file = paths.get(planned.event.source.input);
            write_event(&mut lines, planned, file.map(String::as_str))?;
        }
        lines.into_bytes()
    };
    let written = || -> Result<(), FileError> {
        let mut file = PartialFile::create(path)?;
        let header = CsvTable::over(Vec::new(), path.to_owned(), PLAN_COLUMNS)?;
        let mut write = |lines: Result<Vec<u8>, FileError>| -> Result<(), FileError> {
            let written = file.write_all(&lines?);
            written.map_err(|error| FileError::new(path, "writing it", error))
        };
        write(header.into_bytes())?;
        for_each_part(count.div_ceil(PART_EVENTS), &lines_of, write)?;
        let whole = file.finish()?;
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

/// Passes the lines of each part to `write`, in order, while several threads make those of further parts.
fn for_each_part(
    parts: usize,
    lines_of: &(impl Fn(usize) -> Result<Vec<u8>, FileError> + Sync),
    mut write: impl FnMut(Result<Vec<u8>, FileError>) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let processors = thread::available_parallelism().map_or(1, usize::from);
    let threads = processors.min(THREADS_MOST).min(parts);
    if threads < 2 {
        return (0..parts).map(lines_of).try_for_each(write);
    }
    thread::scope(|scope| {
        let from_threads = (0..threads).map(|first| {
            let (to_file, lines) = sync_channel(PARTS_AHEAD);
            scope.spawn(move || {
                let own = (first..parts).step_by(threads);
                // Nobody receives any more once the file has failed.
                own.map(lines_of).all(|lines| to_file.send(lines).is_ok())
            });
            lines
        });
        let from_threads: Vec<_> = from_threads.collect();
        for part in 0..parts {
            let lines = from_threads[part % threads].recv();
            write(lines.expect("a thread sends all of its parts"))?;
        }
        Ok(())
    })
}

fn write_event<W: Write>(
    table: &mut CsvTable<W>,
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
