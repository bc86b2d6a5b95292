//! The items of the journal that are open: not sent, not settled well, held or not read, in
//! whichever run that began, and not accepted since.
//!
//! What an export held or rejected is open until a later run reads that export again, until the event
//! itself is recorded, or until somebody accepts it. An item that was held twice is one item.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::items::{event_item, for_each_other_item, held_item, row_item};
use crate::event::{Currency, Kind, Money};
use crate::journal::{
    Acceptance, AcceptedRecord, AttentionCode, Disposition, EventRow, EventsOf, Item, ItemId,
    JournalError, JournalReader, PastOpen, PlanState, RunId, RunRecord, RunScope, Span, SpanBy,
};

/// An item that is open, or was accepted as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenItem {
    /// The reason why it is open.
    pub(crate) code: AttentionCode,
    /// The number of rows that are the same; 1 of an event.
    pub(crate) count: u64,
    /// The item's amount, where it is an event.
    pub(crate) money: Option<Money>,
    /// The item's time, where it is known; the time of a row is not.
    pub(crate) created_at: Option<Timestamp>,
    /// The id of the event.
    pub(crate) event_id: Option<String>,
    /// The export that has it, and the line there.
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u64>,
    /// Who accepted it and why, if somebody did.
    pub(crate) acceptance: Option<Acceptance>,
}

/// Lists what is open now, and what is so and was accepted.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn open_items(journal: &JournalReader) -> Result<Vec<OpenItem>, JournalError> {
    let accepted = journal.accepted()?;
    let mut open = Vec::new();
    let mut seen = HashSet::new();
    for of in [EventsOf::Sending, EventsOf::Earlier] {
        journal.for_each_needing(RunScope::Span(Span::ALL), of, |code, record| {
            let item = event_item(code, &record);
            if seen.insert(item.id) {
                open.push(open_item(item, record.event.created_at, &accepted));
            }
            Ok::<_, JournalError>(())
        })?;
    }
    let unplanned = Unplanned::before(journal, Timestamp::MAX)?;
    let waiting = unplanned.items.into_iter();
    open.extend(waiting.map(|waiting| open_item(waiting.item, waiting.created_at, &accepted)));
    open.extend(left_out(journal, &accepted)?);
    Ok(open)
}

/// Lists the rows that were ignored with a warning and that no later run has read without them.
fn left_out(
    journal: &JournalReader,
    accepted: &HashMap<ItemId, AcceptedRecord>,
) -> Result<Vec<OpenItem>, JournalError> {
    let runs = journal.runs(u32::MAX)?;
    let unkept: HashSet<RunId> = journal.runs_with_unkept_rows()?.into_iter().collect();
    let mut last_read: HashMap<&str, RunId> = HashMap::new();
    let mut warned = 0;
    for run in &runs {
        for input in &run.inputs {
            last_read.entry(&input.path).or_insert(run.id);
        }
        if !unkept.contains(&run.id) {
            continue;
        }
        let is_last = |file: &str| last_read.get(file).is_none_or(|last| *last == run.id);
        journal.for_each_problem(run.id, |problem| {
            let is_open = problem.code.is_left_out() && problem.file.as_deref().is_none_or(is_last);
            warned += u64::from(is_open);
            Ok::<_, JournalError>(())
        })?;
    }
    let mut open = Vec::new();
    for row in journal.left_out_rows()? {
        let file = row.item.file.as_deref().unwrap_or_default();
        if last_read.get(file) == Some(&row.run) {
            open.push(OpenItem {
                count: row.rows,
                ..open_item(row.item, None, accepted)
            });
        }
    }
    if warned > 0 {
        open.push(OpenItem {
            code: AttentionCode::Ignored,
            count: warned,
            money: None,
            created_at: None,
            event_id: None,
            file: None,
            line: None,
            acceptance: None,
        });
    }
    Ok(open)
}

fn open_item(
    item: Item,
    created_at: Option<Timestamp>,
    accepted: &HashMap<ItemId, AcceptedRecord>,
) -> OpenItem {
    let acceptance = accepted.get(&item.id);
    OpenItem {
        code: item.code,
        count: 1,
        money: item.money,
        created_at,
        event_id: item.event_id,
        file: item.file,
        line: item.line,
        acceptance: acceptance.map(|record| record.acceptance.clone()),
    }
}

/// Lists what any run held or rejected and nothing has settled since, accepted or not, each once, with the latest
/// run that has it.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn open_unplanned(journal: &JournalReader) -> Result<Vec<(RunId, Item)>, JournalError> {
    let waiting = Unplanned::before(journal, Timestamp::MAX)?
        .items
        .into_iter();
    Ok(waiting.map(|waiting| (waiting.run, waiting.item)).collect())
}

/// Returns the exports with rows of sales that some runs hold, and that earlier runs hold as well: what one of them
/// lacks may be in another one, such as an invoice and its payment. The exports of these runs are left out.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn exports_beside_held(
    journal: &JournalReader,
    runs: &[RunRecord],
) -> Result<Vec<String>, JournalError> {
    let mut held: HashSet<String> = HashSet::new();
    for run in runs {
        journal.for_each_held(run.id, |record| {
            if record.state == PlanState::Unlinked && record.event.kind == Kind::Sale {
                held.insert(record.event.event_id().to_owned());
            }
            Ok::<_, JournalError>(())
        })?;
    }
    let mut exports: Vec<String> = Vec::new();
    if held.is_empty() {
        return Ok(exports);
    }
    let own: HashSet<&str> = runs
        .iter()
        .flat_map(|run| &run.inputs)
        .map(|input| input.path.as_str())
        .collect();
    for (_, item) in open_unplanned(journal)? {
        let is_of_held = item.event_id.is_some_and(|id| held.contains(&id));
        if let (true, AttentionCode::Held, Some(file)) = (is_of_held, item.code, item.file)
            && !own.contains(file.as_str())
            && !exports.contains(&file)
        {
            exports.push(file);
        }
    }
    Ok(exports)
}

/// An item that a run held or rejected.
struct WaitingItem {
    item: Item,
    /// The time of its event, where it is known.
    created_at: Option<Timestamp>,
    /// The latest run that has it.
    run: RunId,
}

/// The items that runs held or rejected and that nothing has settled, accepted or not, each once.
struct Unplanned {
    items: Vec<WaitingItem>,
}

impl Unplanned {
    /// Collects the items of the runs that were started before an instant, as if there were no others.
    fn before(journal: &JournalReader, before: Timestamp) -> Result<Self, JournalError> {
        let mut runs = journal.runs(u32::MAX)?;
        runs.retain(|run| run.started < before);
        let recorded = journal.event_ids_of(&held_ids(journal, &runs)?, before)?;
        let mut unplanned = Unplanned { items: Vec::new() };
        let mut seen = HashSet::new();
        let mut read_since: HashSet<&str> = HashSet::new();
        let mut undone_since: HashSet<RunId> = HashSet::new();
        let planning = |run: &&RunRecord| !run.inputs.is_empty() || run.undoes.is_some();
        for run in runs.iter().filter(planning) {
            // What an undo held is looked at again by the next undo of the same run.
            if run
                .undoes
                .is_some_and(|undone| !undone_since.insert(undone))
            {
                continue;
            }
            let is_last = |file: &str| !read_since.contains(file);
            for (item, created_at) in not_planned(journal, run)? {
                let is_open =
                    item.file.as_deref().is_none_or(is_last) && !is_recorded(&item, &recorded);
                if is_open && seen.insert(item.id) {
                    unplanned.items.push(WaitingItem {
                        item,
                        created_at,
                        run: run.id,
                    });
                }
            }
            read_since.extend(run.inputs.iter().map(|input| input.path.as_str()));
        }
        Ok(unplanned)
    }
}

/// Returns the events that a run held and the rows that it rejected.
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

/// Returns `true` if an event that was held has been recorded since. A conflict is about one that
/// is recorded.
fn is_recorded(item: &Item, recorded: &HashSet<String>) -> bool {
    let id = item.event_id.as_ref();
    item.code == AttentionCode::Held && id.is_some_and(|id| recorded.contains(&**id))
}

/// Returns the ids of all events that these runs held.
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

/// Returns `true` if an item is not an event that was to be sent: it was held or rejected.
pub(crate) fn is_unplanned(code: AttentionCode) -> bool {
    matches!(
        code,
        AttentionCode::Held | AttentionCode::Conflict | AttentionCode::Rejected
    )
}

/// Items that were open for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OpenCount {
    /// The code of the reason.
    #[serde(serialize_with = "super::items::serialize_code")]
    pub code: AttentionCode,
    /// The number of items.
    pub count: u64,
    /// The amounts of the events among them, in minor units by currency.
    pub amount_cents: BTreeMap<Currency, i128>,
}

/// The items of a span that were or are held and rejected, and those that were open at its end.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenOfSpan {
    /// The items that were held at its end, and of sales by their date those held now; accepted or not.
    pub(crate) held: HashSet<ItemId>,
    /// The items that are held or rejected now, accepted or not.
    pub(crate) now: HashSet<ItemId>,
    /// The items that were open at its end and not accepted then.
    pub(crate) at_end: Vec<OpenCount>,
    /// The items of before the span that were open at its end and not accepted then.
    pub(crate) earlier: Vec<OpenCount>,
    /// The items among those that are open now.
    pub(crate) earlier_now: Vec<OpenCount>,
}

impl OpenOfSpan {
    /// Collects the items of a span with these runs.
    pub(crate) fn load(
        journal: &JournalReader,
        span: Span,
        runs: &[RunRecord],
    ) -> Result<Self, JournalError> {
        let mut of_runs = HashSet::new();
        if span.by == SpanBy::RunDate {
            for run in runs {
                for_each_other_item(journal, run, |item| {
                    of_runs.insert(item.id);
                    Ok::<_, JournalError>(())
                })?;
            }
        }
        let belongs = |item: &Item, created_at: Option<Timestamp>| match span.by {
            SpanBy::RunDate => of_runs.contains(&item.id),
            SpanBy::SaleDate => created_at.is_none_or(|at| span.holds(at)),
        };
        let unplanned = |before: Timestamp| -> Result<(Vec<Item>, Vec<Item>), JournalError> {
            let items = Unplanned::before(journal, before)?.items.into_iter();
            let is_earlier = |at: Option<Timestamp>| match span.by {
                SpanBy::RunDate => true,
                SpanBy::SaleDate => at.is_some_and(|at| span.is_after(at)),
            };
            let (mut own, mut earlier) = (Vec::new(), Vec::new());
            for WaitingItem {
                item, created_at, ..
            } in items
            {
                match belongs(&item, created_at) {
                    true => own.push(item),
                    false if is_earlier(created_at) => earlier.push(item),
                    false => {}
                }
            }
            Ok((own, earlier))
        };
        let ids = |items: &[Item]| items.iter().map(|item| item.id).collect::<HashSet<_>>();
        let (now, not_own) = unplanned(Timestamp::MAX)?;
        let (at_end, earlier) = unplanned(span.until)?;
        let open = OpenAtEnd::load(journal, span)?;
        let were_open: HashSet<ItemId> = ids(&earlier);
        let still_open = not_own.iter().filter(|item| were_open.contains(&item.id));
        let held = match span.by {
            SpanBy::RunDate => ids(&at_end),
            SpanBy::SaleDate => ids(&now),
        };
        Ok(OpenOfSpan {
            held,
            now: ids(&now),
            at_end: open.count(&open.own, &at_end),
            earlier: open.count(&open.earlier, &earlier),
            earlier_now: open.earlier_now(journal, still_open)?,
        })
    }

    /// Returns whether an item counts for the span: what an event comes to is known elsewhere.
    pub(crate) fn has(&self, item: &Item) -> bool {
        !is_unplanned(item.code) || self.now.contains(&item.id)
    }
}

/// The events that were open at the end of a span, and what was accepted then.
struct OpenAtEnd {
    /// The events of the span.
    own: Vec<PastOpen>,
    /// The events of before the span.
    earlier: Vec<PastOpen>,
    accepted: HashMap<ItemId, AcceptedRecord>,
}

impl OpenAtEnd {
    fn load(journal: &JournalReader, span: Span) -> Result<Self, JournalError> {
        let mut accepted: HashMap<ItemId, AcceptedRecord> = HashMap::new();
        journal.for_each_accepted(|record| {
            let was_undone = record
                .withdrawn
                .as_ref()
                .is_some_and(|(_, at)| *at < span.until);
            if record.acceptance.at < span.until && !was_undone {
                accepted.insert(record.item.id, record);
            }
        })?;
        let mut own = Vec::new();
        journal.for_each_open_at_end(span, |open| own.push(open))?;
        let of_span: HashSet<EventRow> = own.iter().map(|open| open.row).collect();
        let mut earlier = Vec::new();
        let since_ever = Span {
            from: Timestamp::MIN,
            days: [Timestamp::MIN, span.days[1]],
            ..span
        };
        journal.for_each_open_at_end(since_ever, |open| {
            if !of_span.contains(&open.row) {
                earlier.push(open);
            }
        })?;
        Ok(OpenAtEnd {
            own,
            earlier,
            accepted,
        })
    }

    /// Adds up the events of before the span that need attention now, and of what was held and rejected before it
    /// what still is, without what is accepted now.
    fn earlier_now<'i>(
        &self,
        journal: &JournalReader,
        unplanned: impl Iterator<Item = &'i Item>,
    ) -> Result<Vec<OpenCount>, JournalError> {
        let accepted = journal.accepted()?;
        let were_open: HashSet<EventRow> = self.earlier.iter().map(|open| open.row).collect();
        let mut seen = HashSet::new();
        let mut counts = OpenCounts::default();
        for of in [EventsOf::Sending, EventsOf::Earlier] {
            journal.for_each_needing(RunScope::Span(Span::ALL), of, |code, record| {
                if were_open.contains(&record.row) && seen.insert(record.row) {
                    let item = event_item(code, &record);
                    if !accepted.contains_key(&item.id) {
                        counts.add(code, item.money);
                    }
                }
                Ok::<_, JournalError>(())
            })?;
        }
        for item in unplanned.filter(|item| !accepted.contains_key(&item.id)) {
            counts.add(item.code, item.money);
        }
        Ok(counts.finish())
    }

    /// Adds up events, and what was held and rejected, without what was accepted.
    fn count(&self, events: &[PastOpen], unplanned: &[Item]) -> Vec<OpenCount> {
        let accepted_events: HashSet<(AttentionCode, &str)> = self
            .accepted
            .values()
            .filter_map(|record| Some((record.item.code, record.item.event_id.as_deref()?)))
            .collect();
        let mut counts = OpenCounts::default();
        for open in events {
            if !accepted_events.contains(&(open.code, open.event_id.as_str())) {
                counts.add(open.code, open.money);
            }
        }
        for item in unplanned {
            if !self.accepted.contains_key(&item.id) {
                counts.add(item.code, item.money);
            }
        }
        counts.finish()
    }
}

/// Adds up open items by reason.
#[derive(Default)]
struct OpenCounts(BTreeMap<AttentionCode, OpenCount>);

impl OpenCounts {
    fn add(&mut self, code: AttentionCode, money: Option<Money>) {
        let own = self.0.entry(code).or_insert_with(|| OpenCount {
            code,
            count: 0,
            amount_cents: BTreeMap::new(),
        });
        own.count += 1;
        if let Some(money) = money {
            *own.amount_cents.entry(money.currency).or_default() += i128::from(money.amount_cents);
        }
    }

    fn finish(self) -> Vec<OpenCount> {
        self.0.into_values().collect()
    }
}
