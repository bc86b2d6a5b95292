//! The items of a run that need attention, and the identity of each.
//!
//! An [`ItemId`] is a hash of all that a person who accepts an item has seen of it, so that an item
//! that changes later has another id, which is not accepted.

use sha2::{Digest, Sha256};

use super::source_rows::{header_of, own_columns};
use crate::event::Event;
use crate::invisible;
use crate::journal::{
    AttentionCode, Disposition, EventRecord, EventRow, EventsOf, HeldRecord, InputRecord, Item,
    ItemId, JournalError, JournalReader, PlanState, RowRecord, RunRecord, RunScope, Span,
};
use crate::problem::without_cell;

/// Writes the word for why an item needs attention.
pub(super) fn serialize_code<S: serde::Serializer>(
    code: &AttentionCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(code.as_str())
}

/// Tells whether an item first needed attention in the run in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// It first needed attention in this run.
    New,
    /// An earlier run had settled it in this way, and the exports of this run contain it again.
    Earlier,
}

/// Streams the items of some runs that need attention, accepted or not: events, held events, rows.
///
/// # Errors
///
/// The journal can't be read; or the error that `each` returns.
pub(crate) fn for_each_item<E: From<JournalError>>(
    journal: &JournalReader,
    scope: RunScope,
    runs: &[RunRecord],
    mut each: impl FnMut(Age, Item) -> Result<(), E>,
) -> Result<(), E> {
    for_each_event_item(journal, scope, &mut each)?;
    for run in runs {
        for_each_other_item(journal, run, |item| each(Age::New, item))?;
    }
    Ok(())
}

/// Streams the events that a run held and the rows that it rejected.
pub(crate) fn for_each_other_item<E: From<JournalError>>(
    journal: &JournalReader,
    run: &RunRecord,
    mut each: impl FnMut(Item) -> Result<(), E>,
) -> Result<(), E> {
    journal.for_each_held(run.id, |record| each(held_item(&record, &run.inputs)))?;
    journal.for_each_row(run.id, Disposition::Rejected, |record| {
        each(row_item(run, &record))
    })
}

/// Streams the events of some runs that were to be sent and need attention.
pub(crate) fn for_each_event_item<E: From<JournalError>>(
    journal: &JournalReader,
    scope: RunScope,
    mut each: impl FnMut(Age, Item) -> Result<(), E>,
) -> Result<(), E> {
    for (of, age) in [
        (EventsOf::Sending, Age::New),
        (EventsOf::Earlier, Age::Earlier),
    ] {
        journal.for_each_needing(scope, of, |code, record| {
            each(age, event_item(code, &record))
        })?;
    }
    Ok(())
}

/// Returns the events that need attention but for that somebody has accepted them.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn accepted_events(journal: &JournalReader) -> Result<Vec<EventRow>, JournalError> {
    let accepted = journal.accepted()?;
    let mut rows = Vec::new();
    if accepted.is_empty() {
        return Ok(rows);
    }
    let scope = RunScope::Span(Span::ALL);
    journal.for_each_needing(scope, EventsOf::Sending, |code, record| {
        if accepted.contains_key(&event_item(code, &record).id) {
            rows.push(record.row);
        }
        Ok::<_, JournalError>(())
    })?;
    Ok(rows)
}

/// Returns the item of an event that was to be sent.
pub(crate) fn event_item(code: AttentionCode, record: &EventRecord) -> Item {
    let event = &record.event;
    let settled = record.settlement.as_ref();
    let message = settled.and_then(|settled| settled.message.as_deref());
    let mut id = ItemHash::new(code);
    id.integer(Some(record.row.0));
    id.event(event);
    id.text(event.customer.email.as_deref());
    id.text(event.customer.uid.as_deref());
    id.integer(
        settled
            .and_then(|settled| settled.http_status)
            .map(i64::from),
    );
    id.text(message);
    let file = record.file.as_deref();
    item(code, id, event, file, message.unwrap_or_default())
}

/// Returns the item of an event that is held; `inputs` are the exports of its run.
pub(crate) fn held_item(record: &HeldRecord, inputs: &[InputRecord]) -> Item {
    let event = &record.event;
    let code = match record.state {
        PlanState::Conflict => AttentionCode::Conflict,
        _ => AttentionCode::Held,
    };
    let mut id = ItemHash::new(code);
    id.event(event);
    if code == AttentionCode::Conflict {
        // The note names the first difference, and there may be others.
        id.text(event.customer.email.as_deref());
        id.text(event.customer.uid.as_deref());
        id.text(event.reference.as_deref());
        id.text(event.plan.as_deref());
        id.integer(event.created_at.map(jiff::Timestamp::as_millisecond));
    }
    id.text(Some(&without_places(&event.note, inputs)));
    item(code, id, event, record.file.as_deref(), &event.note)
}

fn item(
    code: AttentionCode,
    id: ItemHash,
    event: &Event,
    file: Option<&str>,
    message: &str,
) -> Item {
    Item {
        id: id.finish(),
        code,
        kind: Some(event.kind),
        event_id: Some(event.event_id().to_owned()),
        money: event.money,
        file: file.map(str::to_owned),
        line: event.line(),
        message: message.to_owned(),
    }
}

/// Returns the item of a row that can't be read. The same cells in another export of the same kind
/// are the same item.
pub(crate) fn row_item(run: &RunRecord, record: &RowRecord) -> Item {
    let profile = run
        .inputs
        .get(record.source.input)
        .map(|input| input.profile.as_str());
    Item {
        id: row_item_id(
            profile,
            header_of(run, record),
            &record.fields,
            &record.reason,
        ),
        code: AttentionCode::Rejected,
        kind: None,
        event_id: None,
        money: None,
        file: Some(record.file.clone()),
        line: Some(record.source.line),
        message: record.reason.clone(),
    }
}

/// Returns the identity of a row that can't be read, by the profile and the header of its export, its cells
/// and the reason. The cell that the reason names is one of the cells: rows that were accepted before reasons
/// named it stay accepted.
pub(crate) fn row_item_id<T: AsRef<str>>(
    profile: Option<&str>,
    header: &[String],
    fields: &[T],
    reason: &str,
) -> ItemId {
    let own = match own_columns(header).len() {
        own if own < header.len() => fields.get(..own),
        _ => None,
    };
    let mut id = ItemHash::new(AttentionCode::Rejected);
    id.text(profile);
    for cell in own.unwrap_or(fields) {
        id.text(Some(cell.as_ref()));
    }
    id.text(None);
    let cells = header.iter().zip(fields);
    let mut without_cell =
        cells.filter_map(|(name, cell)| without_cell(reason, name, invisible::trim(cell.as_ref())));
    id.text(Some(without_cell.next().unwrap_or(reason)));
    id.finish()
}

/// Returns a note without the places in exports that it names: the next night's export has another
/// name and other lines, while the note on the event is the same.
fn without_places(note: &str, inputs: &[InputRecord]) -> String {
    let mut paths: Vec<&str> = inputs.iter().map(|input| input.path.as_str()).collect();
    // The longest first, since one path may be the end of another.
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    let mut note = note.to_owned();
    for path in paths {
        let place = format!("{path}:");
        let mut rest = note.as_str();
        let mut without = String::new();
        while let Some((before, behind)) = rest.split_once(&place) {
            without.push_str(before);
            rest = behind.trim_start_matches(|c: char| c.is_ascii_digit());
        }
        without.push_str(rest);
        note = without;
    }
    note
}

/// The hash from whose start an [`ItemId`] is made: every part with its length.
struct ItemHash(Sha256);

impl ItemHash {
    fn new(code: AttentionCode) -> Self {
        let mut hash = ItemHash(Sha256::new());
        hash.text(Some(code.as_str()));
        hash
    }

    fn event(&mut self, event: &Event) {
        self.text(Some(event.kind.as_str()));
        self.text(Some(event.event_id()));
        self.text(event.sale_event_id.as_deref());
        self.integer(event.money.map(|money| money.amount_cents));
        self.text(event.money.map(|money| money.currency.code()));
    }

    fn text(&mut self, text: Option<&str>) {
        match text {
            None => self.0.update([0]),
            Some(text) => {
                self.0.update([1]);
                self.0.update((text.len() as u64).to_le_bytes());
                self.0.update(text.as_bytes());
            }
        }
    }

    fn integer(&mut self, integer: Option<i64>) {
        match integer {
            None => self.0.update([0]),
            Some(integer) => {
                self.0.update([1]);
                self.0.update(integer.to_le_bytes());
            }
        }
    }

    fn finish(self) -> ItemId {
        let digest = self.0.finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        ItemId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_in_an_export_is_no_part_of_what_a_note_says() {
        let input = |path: &str| InputRecord {
            path: path.to_owned(),
            sha256: String::new(),
            profile: String::new(),
            header: Vec::new(),
            rows_read: 0,
            rows_with_events: 0,
            rows_ignored: 0,
            rows_rejected: 0,
        };
        let inputs = [input("b.csv"), input("a/b.csv")];
        let note = |first: &str, second: &str| {
            format!("the same id as {first} and {second}, which contradict each other: 8.00 USD")
        };
        assert_eq!(
            without_places(&note("b.csv:12", "a/b.csv:7"), &inputs),
            without_places(&note("a/b.csv:90", "b.csv:1"), &inputs)
        );
        assert_ne!(
            without_places("another amount: 8.00 USD", &inputs),
            without_places("another amount: 9.00 USD", &inputs)
        );
    }
}
