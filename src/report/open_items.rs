//! What of the journal is open: not sent, not settled well, held or not read, in whichever run that
//! began, and not accepted since.
//!
//! What an export held or rejected is open until a later run reads that export again, until the event
//! itself is recorded, or until somebody accepts it. An item that was held twice is one item.

use std::collections::HashSet;

use jiff::Timestamp;

use super::items::{event_item, held_item, row_item};
use crate::event::Money;
use crate::journal::{
    AttentionCode, Disposition, EventsOf, Item, JournalError, JournalReader, RunRecord, Scope, Span,
};

/// Problems that say that a row was left out which may have been an event.
pub(crate) const LEFT_OUT: [&str; 2] = ["row-ignored", "no-customer"];

/// One thing that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenItem {
    /// Why; `None` for rows that were ignored with a warning.
    pub(crate) code: Option<AttentionCode>,
    /// Its amount, where it is an event.
    pub(crate) money: Option<Money>,
    /// When it happened, where that is known: of a row nobody knows it.
    pub(crate) created_at: Option<Timestamp>,
}

/// Lists what is open now.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn open_items(journal: &JournalReader) -> Result<Vec<OpenItem>, JournalError> {
    let accepted = journal.accepted()?;
    let runs = journal.runs(u32::MAX)?;
    let mut open = Vec::new();
    let mut seen = HashSet::new();
    for of in [EventsOf::Sending, EventsOf::Earlier] {
        journal.for_each_needing(Scope::Span(Span::ALL), of, |code, record| {
            let item = event_item(code, &record);
            if !accepted.contains_key(&item.id) && seen.insert(item.id) {
                open.push(open_item(&item, record.event.created_at));
            }
            Ok::<_, JournalError>(())
        })?;
    }
    let recorded = journal.event_ids_of(&held_ids(journal, &runs)?)?;
    let mut read_since: HashSet<&str> = HashSet::new();
    for run in runs.iter().filter(|run| !run.inputs.is_empty()) {
        let is_last = |file: &str| !read_since.contains(file);
        for (item, created_at) in not_planned(journal, run)? {
            let is_open = item.file.as_deref().is_none_or(is_last)
                && !accepted.contains_key(&item.id)
                && !is_recorded(&item, &recorded);
            if is_open && seen.insert(item.id) {
                open.push(open_item(&item, created_at));
            }
        }
        journal.for_each_problem(run.id, |problem| {
            let is_left_out = LEFT_OUT.contains(&problem.code.as_ref());
            if is_left_out && problem.file.as_deref().is_none_or(is_last) {
                open.push(OpenItem {
                    code: None,
                    money: None,
                    created_at: None,
                });
            }
            Ok::<_, JournalError>(())
        })?;
        read_since.extend(run.inputs.iter().map(|input| input.path.as_str()));
    }
    Ok(open)
}

fn open_item(item: &Item, created_at: Option<Timestamp>) -> OpenItem {
    OpenItem {
        code: Some(item.code),
        money: item.money,
        created_at,
    }
}

/// What a run held and rejected.
fn not_planned(
    journal: &JournalReader,
    run: &RunRecord,
) -> Result<Vec<(Item, Option<Timestamp>)>, JournalError> {
    let mut items = Vec::new();
    journal.for_each_held(run.id, |record| {
        items.push((held_item(&record, &run.inputs), record.event.created_at));
        Ok::<_, JournalError>(())
    })?;
    journal.for_each_row(run.id, Disposition::Rejected, |record| {
        items.push((row_item(run, &record), None));
        Ok::<_, JournalError>(())
    })?;
    Ok(items)
}

/// Whether an event that was held has been recorded since. A conflict is about one that is recorded.
fn is_recorded(item: &Item, recorded: &HashSet<String>) -> bool {
    let id = item.event_id.as_ref();
    item.code == AttentionCode::Held && id.is_some_and(|id| recorded.contains(&**id))
}

/// The ids of all events that these runs held.
fn held_ids(journal: &JournalReader, runs: &[RunRecord]) -> Result<HashSet<String>, JournalError> {
    let mut ids = HashSet::new();
    for run in runs {
        journal.for_each_held(run.id, |record| {
            ids.insert(record.event.event_id().to_owned());
            Ok::<_, JournalError>(())
        })?;
    }
    Ok(ids)
}
