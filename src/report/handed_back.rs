//! Reports that a person hands back, and the items of the journal that their lines name.
//!
//! A line names an item only if the journal still has it as the line shows it: a person accepts
//! what that person has read.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::columns::{Cell, EVENT_COLUMNS, HELD_COLUMNS, ReportColumn, event_cells, held_cells};
use super::items::{event_item, held_item, row_item};
use super::source_rows::ReportedRow;
use super::table::cell_text;
use crate::event::EventKey;
use crate::invisible::shown;
use crate::job::{ADDED_COLUMNS, CorrectedRow};
use crate::journal::{
    AttentionCode, Disposition, EventsOf, Item, ItemId, JournalError, JournalReader, RowRecord,
    RunRecord, RunScope, Span, left_out_id,
};
use crate::spreadsheet::restore;

/// The kind of a report file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Report {
    /// `failed.csv`, `tracked.csv` or `non_referral.csv`.
    Events,
    /// `held.csv`.
    Held,
    /// `rejected.csv` or `ignored.csv`.
    Rows,
}

/// The content of a line about its item, as far as a spreadsheet leaves it unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct LineContent {
    report: Report,
    cells: Vec<String>,
}

/// A line of a report.
#[derive(Clone, Debug)]
pub(crate) struct ReportLine {
    /// The line number from 1; the header is line 1.
    pub(crate) line: u64,
    said: LineContent,
    event_id: Option<String>,
}

/// The reason why a file is not a report that can be accepted.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// It has another header.
    Header(String),
    /// It is not a CSV in UTF-8.
    Csv { line: Option<u64>, cause: String },
}

/// The journal's match for a line.
#[derive(Clone, Debug)]
pub(crate) enum LineMatch {
    /// The line names this item.
    Item(Box<Item>),
    /// An event that needs no attention, or no longer.
    NeedsNothing,
    /// An event that will be sent.
    NotSent(String),
    /// An event with this id that differs from the line.
    Changed(String),
    /// The journal has nothing of it.
    Unknown,
}

/// The columns of event reports that identify the item. Dates, places and counts are left out:
/// other runs and spreadsheets write them differently.
const EVENT_SAID: [&str; 10] = [
    "kind",
    "event_id",
    "sale_event_id",
    "email",
    "uid",
    "amount_cents",
    "currency",
    "outcome",
    "http_status",
    "message",
];

/// The columns of `held.csv` that identify the item.
const HELD_SAID: [&str; 9] = [
    "kind",
    "event_id",
    "sale_event_id",
    "email",
    "uid",
    "amount_cents",
    "currency",
    "plan_state",
    "reason",
];

/// Reads the lines of a report, whatever its name.
pub(crate) fn read_lines(file: impl Read) -> Result<Vec<ReportLine>, Unreadable> {
    let unreadable = |error: csv::Error| Unreadable::Csv {
        line: error.position().map(csv::Position::line),
        cause: error.to_string(),
    };
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .has_headers(false)
        .from_reader(file);
    let mut records = reader.records();
    let header: Vec<String> = match records.next() {
        None => return Err(Unreadable::Header(String::new())),
        Some(record) => {
            let record = record.map_err(unreadable)?;
            let names = record
                .iter()
                .map(|name| name.trim_start_matches('\u{feff}'));
            names.map(|name| restore(name).into_owned()).collect()
        }
    };
    let report = report_of(&header).ok_or_else(|| Unreadable::Header(header.join(",")))?;
    let mut lines = Vec::new();
    for record in records {
        let record = record.map_err(unreadable)?;
        let cells: Vec<Cow<'_, str>> = record.iter().map(restore).collect();
        if cells.iter().all(|cell| cell.is_empty()) {
            continue;
        }
        let of = |name: &str| {
            let place = header.iter().position(|column| column == name);
            place.and_then(|place| cells.get(place)).map(Cow::as_ref)
        };
        let said = |names: &[&str]| -> Vec<String> {
            let cells = names.iter().map(|name| of(name).unwrap_or_default());
            cells.map(str::to_owned).collect()
        };
        let cells = match report {
            Report::Events => said(&EVENT_SAID),
            Report::Held => said(&HELD_SAID),
            Report::Rows => {
                without_empty_end(cells.iter().map(|cell| cell.clone().into_owned()).collect())
            }
        };
        lines.push(ReportLine {
            line: record.position().map_or(0, csv::Position::line),
            said: LineContent { report, cells },
            event_id: match report {
                Report::Events => of("event_id").map(str::to_owned),
                Report::Held | Report::Rows => None,
            },
        });
    }
    Ok(lines)
}

/// Returns the kind of a report with this header. Further columns at the end belong to the user.
fn report_of(header: &[String]) -> Option<Report> {
    let begins_with = |columns: &[ReportColumn]| {
        let names = columns.iter().map(|column| column.name);
        header.len() >= columns.len()
            && names.eq(header[..columns.len()].iter().map(String::as_str))
    };
    if begins_with(&EVENT_COLUMNS) {
        return Some(Report::Events);
    }
    if begins_with(&HELD_COLUMNS) {
        return Some(Report::Held);
    }
    let has_added = header
        .windows(ADDED_COLUMNS.len())
        .any(|names| names == ADDED_COLUMNS);
    has_added.then_some(Report::Rows)
}

/// Returns cells without empty ones at the end, which spreadsheets add to give all rows the same
/// width.
fn without_empty_end(mut cells: Vec<String>) -> Vec<String> {
    while cells.last().is_some_and(String::is_empty) {
        cells.pop();
    }
    cells
}

fn said(
    report: Report,
    columns: &[ReportColumn],
    names: &[&str],
    cells: &[Cell<'_>],
) -> LineContent {
    let cell = |name: &&str| {
        let place = columns.iter().position(|column| column.name == *name);
        place
            .and_then(|place| cells.get(place))
            .map_or(String::new(), cell_text)
    };
    LineContent {
        report,
        cells: names.iter().map(cell).collect(),
    }
}

/// Finds the item of each line.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn find_items(
    journal: &JournalReader,
    lines: &[ReportLine],
) -> Result<Vec<LineMatch>, JournalError> {
    let has = |report| lines.iter().any(|line| line.said.report == report);
    let mut found: FoundItems<'_> = lines.iter().map(|line| (&line.said, None)).collect();
    let needing = if has(Report::Events) {
        find_events(journal, &mut found)?
    } else {
        HashSet::new()
    };
    // The latest run comes last, and its item is kept.
    let runs = if has(Report::Held) || has(Report::Rows) {
        journal.runs_of(Span::ALL)?
    } else {
        Vec::new()
    };
    let mut harmless: HashSet<LineContent> = HashSet::new();
    let left_out = if has(Report::Rows) {
        left_out_items(journal)?
    } else {
        HashMap::new()
    };
    for run in &runs {
        if has(Report::Held) {
            find_held(journal, run, &mut found)?;
        }
        if has(Report::Rows) {
            find_rows(journal, run, &mut found)?;
            find_left_out(journal, run, &left_out, (&mut found, &mut harmless))?;
        }
    }
    let known = known_events(journal, lines)?;
    let matches = lines.iter().map(|line| {
        let item = found.get(&line.said).cloned().flatten();
        match (item, &line.event_id) {
            (Some(item), Some(id)) if item.code == AttentionCode::NotSent => {
                LineMatch::NotSent(id.clone())
            }
            (Some(item), _) => LineMatch::Item(Box::new(item)),
            (None, _) if harmless.contains(&line.said) => LineMatch::NeedsNothing,
            (None, Some(id)) if needing.contains(id) => LineMatch::Changed(id.clone()),
            (None, Some(id)) if known.contains(&EventKey::from_id(id)) => LineMatch::NeedsNothing,
            (None, _) => LineMatch::Unknown,
        }
    });
    Ok(matches.collect())
}

/// The items that were found, by what the lines of reports say of them.
type FoundItems<'l> = HashMap<&'l LineContent, Option<Item>>;

/// Finds the events that need attention; returns the ids of all of them.
fn find_events(
    journal: &JournalReader,
    found: &mut FoundItems<'_>,
) -> Result<HashSet<String>, JournalError> {
    let mut needing = HashSet::new();
    let scope = RunScope::Span(Span::ALL);
    journal.for_each_needing(scope, EventsOf::Sending, |code, record| {
        let cells = event_cells(&record);
        let said = said(Report::Events, &EVENT_COLUMNS, &EVENT_SAID, &cells);
        if let Some(item) = found.get_mut(&said) {
            *item = Some(event_item(code, &record));
        }
        needing.insert(record.event.event_id().to_owned());
        Ok::<_, JournalError>(())
    })?;
    Ok(needing)
}

/// Finds the events that a run holds.
fn find_held(
    journal: &JournalReader,
    run: &RunRecord,
    found: &mut FoundItems<'_>,
) -> Result<(), JournalError> {
    journal.for_each_held(run.id, |record| {
        let cells = held_cells(&record);
        let said = said(Report::Held, &HELD_COLUMNS, &HELD_SAID, &cells);
        if let Some(item) = found.get_mut(&said) {
            *item = Some(held_item(&record, &run.inputs));
        }
        Ok::<_, JournalError>(())
    })
}

/// Finds the rows that a run rejected.
fn find_rows(
    journal: &JournalReader,
    run: &RunRecord,
    found: &mut FoundItems<'_>,
) -> Result<(), JournalError> {
    journal.for_each_row(run.id, Disposition::Rejected, |record| {
        if let Some(item) = found.get_mut(&row_said(run, Disposition::Rejected, &record)) {
            *item = Some(row_item(run, &record));
        }
        Ok::<_, JournalError>(())
    })
}

/// Finds the rows that a run ignored, with a warning or without harm.
fn find_left_out(
    journal: &JournalReader,
    run: &RunRecord,
    left_out: &HashMap<ItemId, Item>,
    (found, harmless): (&mut FoundItems<'_>, &mut HashSet<LineContent>),
) -> Result<(), JournalError> {
    journal.for_each_row(run.id, Disposition::Ignored, |record| {
        let said = row_said(run, Disposition::Ignored, &record);
        if let Some(item) = found.get_mut(&said) {
            match left_out_id(run, &record).and_then(|id| left_out.get(&id)) {
                Some(row) => *item = Some(row.clone()),
                None => drop(harmless.insert(said)),
            }
        }
        Ok::<_, JournalError>(())
    })
}

/// Returns what a line of `rejected.csv` or `ignored.csv` says of a row.
fn row_said(run: &RunRecord, disposition: Disposition, record: &RowRecord) -> LineContent {
    let row = ReportedRow::new(run, disposition, record);
    let cells = row.cells().map(|cell| cell_text(&cell)).collect();
    LineContent {
        report: Report::Rows,
        cells: without_empty_end(cells),
    }
}

/// Returns the rows that were ignored with a warning, by their identity.
fn left_out_items(journal: &JournalReader) -> Result<HashMap<ItemId, Item>, JournalError> {
    let rows = journal.left_out_rows()?.into_iter();
    Ok(rows.map(|row| (row.item.id, row.item)).collect())
}

fn known_events(
    journal: &JournalReader,
    lines: &[ReportLine],
) -> Result<HashSet<EventKey>, JournalError> {
    let ids = lines.iter().filter_map(|line| line.event_id.as_deref());
    let wanted: HashSet<EventKey> = ids.map(EventKey::from_id).collect();
    if wanted.is_empty() {
        Ok(wanted)
    } else {
        journal.known_keys(&wanted)
    }
}

/// Finds the items of an event: where it failed or is unconfirmed or flagged, and in the latest run
/// that holds it.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn items_of_event(
    journal: &JournalReader,
    event_id: &str,
) -> Result<Vec<Item>, JournalError> {
    let mut items = Vec::new();
    let scope = RunScope::Span(Span::ALL);
    journal.for_each_needing(scope, EventsOf::Sending, |code, record| {
        if record.event.event_id() == event_id {
            items.push(event_item(code, &record));
        }
        Ok::<_, JournalError>(())
    })?;
    for run in journal.runs_of(Span::ALL)?.iter().rev() {
        let before = items.len();
        journal.for_each_held(run.id, |record| {
            if record.event.event_id() == event_id {
                items.push(held_item(&record, &run.inputs));
            }
            Ok::<_, JournalError>(())
        })?;
        if items.len() > before {
            break;
        }
    }
    Ok(items)
}

/// The columns of `rejected.csv` that name a row: export, line and reason.
type RowWords<'w> = (Cow<'w, str>, Cow<'w, str>, Cow<'w, str>);

/// Returns the words of a reason before the first value that it quotes. Who replaces a value in the whole file
/// replaces it in the reasons, too.
fn without_values(reason: &str) -> &str {
    reason.split('`').next().unwrap_or_default()
}

fn without_values_of<'w>((file, line, reason): &'w RowWords<'_>) -> RowWords<'w> {
    let reason = without_values(reason);
    (Cow::from(&**file), Cow::from(&**line), Cow::from(reason))
}

/// Finds the items of rejected rows by the columns of their `rejected.csv`. A row whose reason is as it was
/// written goes before one of another run with other values in it. Of several runs, the latest counts.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn items_of_rows<'r>(
    journal: &JournalReader,
    rows: impl Iterator<Item = &'r CorrectedRow>,
) -> Result<HashMap<&'r CorrectedRow, Item>, JournalError> {
    let rows: Vec<(&CorrectedRow, RowWords<'_>)> = rows
        .map(|row| {
            let words: RowWords<'_> = (
                (&*row.file).into(),
                (&*row.line).into(),
                (&*row.reason).into(),
            );
            (row, words)
        })
        .collect();
    let mut items = HashMap::new();
    if rows.is_empty() {
        return Ok(items);
    }
    let mut similar: HashMap<RowWords<'_>, Vec<&CorrectedRow>> = HashMap::new();
    for (row, words) in &rows {
        similar
            .entry(without_values_of(words))
            .or_default()
            .push(*row);
    }
    let exact: HashMap<&RowWords<'_>, &CorrectedRow> =
        rows.iter().map(|(row, words)| (words, *row)).collect();
    let mut otherwise = HashMap::new();
    for run in &journal.runs_of(Span::ALL)? {
        journal.for_each_row(run.id, Disposition::Rejected, |record| {
            let line = record.source.line.to_string();
            // In the form that the report has them.
            let words: RowWords<'_> = (shown(&record.file), line.into(), shown(&record.reason));
            if let Some(row) = exact.get(&words) {
                items.insert(*row, row_item(run, &record));
            } else if let Some(rows) = similar.get(&without_values_of(&words)) {
                otherwise.extend(rows.iter().map(|row| (*row, row_item(run, &record))));
            }
            Ok::<_, JournalError>(())
        })?;
    }
    for (row, item) in otherwise {
        items.entry(row).or_insert(item);
    }
    Ok(items)
}
