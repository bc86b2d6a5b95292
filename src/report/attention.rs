//! The items that need attention and the command for them: one home for the exit code, the machine
//! output, the terminal and the reports.
//!
//! To add a reason, add its word to [`AttentionCode`] and its lines to [`texts`]. For an event whose
//! answer settles it, write [`Entry::Flag`](crate::journal::Entry::Flag) together with the answer.

mod places;
mod texts;

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;

use self::places::command_of;
pub(crate) use self::places::{Places, name_commands};
pub(super) use self::texts::file_of;
use self::texts::{Next, advice_of, next_of, problem_of};
use super::commands::Commands;
use super::items::{Age, event_item, for_each_item};
use super::open_items::{OpenCount, OpenOfSpan, exports_beside_held, open_unplanned};
use super::row_files::row_file_names;
use super::words::count;
use crate::event::{Currency, Tally};
use crate::journal::{
    AcceptedItems, AttentionCode, Disposition, EventRow, EventsOf, Item, JournalError,
    JournalReader, RunId, RunRecord, RunScope, Span,
};

/// Items that need attention for one reason.
#[derive(Clone, Debug, Serialize)]
pub struct Attention {
    /// The reason why they need attention.
    #[serde(serialize_with = "super::items::serialize_code")]
    pub code: AttentionCode,
    /// The number of items.
    pub count: u64,
    /// The amounts of the events among them, in minor units by currency.
    pub amount_cents: BTreeMap<Currency, i128>,
    /// The number of those items that an earlier run had settled in this way before this run read
    /// them again.
    pub earlier: u64,
    /// The command that comes next.
    pub command: String,
    /// The undo that holds them, by the name of the run that it undoes, if one does.
    #[serde(skip)]
    undoes: Option<String>,
}

/// Items that were accepted for one reason in one call.
#[derive(Clone, Debug, Serialize)]
pub struct AcceptedSummary {
    /// The reason why they needed attention.
    #[serde(serialize_with = "super::items::serialize_code")]
    pub code: AttentionCode,
    /// The number of items.
    pub count: u64,
    /// The amounts of the events among them, in minor units by currency.
    pub amount_cents: BTreeMap<Currency, i128>,
    /// The reason that was given for accepting them.
    pub reason: String,
    /// The user and the host of the person who accepted them.
    pub by: String,
    /// The time of acceptance, in RFC 3339.
    pub at: String,
}

/// The items of some runs that need attention, and those that were accepted.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttentionFigures {
    pub(crate) attention: Vec<Attention>,
    pub(crate) accepted: Vec<AcceptedSummary>,
}

impl AttentionFigures {
    /// Adds up what needs attention in one run.
    pub(crate) fn in_run(journal: &JournalReader, run: &RunRecord) -> Result<Self, JournalError> {
        let mut counter = Counter::new(journal)?;
        let runs = std::slice::from_ref(run);
        for_each_item(journal, RunScope::Run(run.id), runs, |age, item| {
            counter.add(age, &item);
            Ok::<_, JournalError>(())
        })?;
        Ok(counter.finish())
    }

    /// Adds up what needs attention now of several runs, each item once.
    pub(crate) fn in_runs(
        journal: &JournalReader,
        scope: RunScope,
        runs: &[RunRecord],
        open: &OpenOfSpan,
    ) -> Result<Self, JournalError> {
        let mut counter = Counter::new(journal)?;
        let mut seen = HashSet::new();
        for_each_item(journal, scope, runs, |age, item| {
            if open.has(&item) && seen.insert(item.id) {
                counter.add(age, &item);
            }
            Ok::<_, JournalError>(())
        })?;
        Ok(counter.finish())
    }
}

/// Returns what needs attention now, with its commands: of every event of the journal, and of what any run
/// held or rejected.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn attention_now(
    journal: &JournalReader,
    commands: &Commands,
) -> Result<Vec<Attention>, JournalError> {
    let mut counter = Counter::new(journal)?;
    let mut of_files: HashMap<EventRow, AttentionCode> = HashMap::new();
    for (of, age) in [
        (EventsOf::Sending, Age::New),
        (EventsOf::Earlier, Age::Earlier),
    ] {
        journal.for_each_needing(RunScope::Span(Span::ALL), of, |code, record| {
            let counted = counter.add(age, &event_item(code, &record));
            if counted == Counted::Open && matches!(next_of(code), Next::Accept) {
                of_files.insert(record.row, code);
            }
            Ok::<_, JournalError>(())
        })?;
    }
    let last = journal.latest_run_of_exports()?.map(|run| run.id);
    // The latest run that has an item of a code is where its command leads.
    let mut runs: BTreeMap<AttentionCode, RunId> = BTreeMap::new();
    if !of_files.is_empty() {
        journal.for_each_run_of_events(|row, run| {
            if let Some(&code) = of_files.get(&row) {
                let latest = runs.entry(code).or_insert(run);
                *latest = run.max(*latest);
            }
        })?;
    }
    for (run, item) in open_unplanned(journal)? {
        if counter.add(Age::New, &item) == Counted::Open {
            let latest = runs.entry(item.code).or_insert(run);
            *latest = run.max(*latest);
        }
    }
    let mut attention = counter.finish().attention;
    for item in &mut attention {
        let run = runs
            .get(&item.code)
            .copied()
            .or(last)
            .map_or(Ok(None), |run| journal.run(run))?;
        let commands = match &run {
            Some(run) => commands.of_run(journal, run.id)?,
            None => commands.clone(),
        };
        item.command = command_in(journal, item.code, run.as_ref(), &commands)?;
        item.undoes = undone_by(journal, run.as_ref())?;
    }
    Ok(attention)
}

/// Returns the name of the run that a run undoes; `None` for a run that undoes none.
///
/// # Errors
///
/// The journal can't be read.
pub(super) fn undone_by(
    journal: &JournalReader,
    run: Option<&RunRecord>,
) -> Result<Option<String>, JournalError> {
    let Some(undone) = run.and_then(|run| run.undoes) else {
        return Ok(None);
    };
    Ok(journal.run(undone)?.map(|undone| undone.name))
}

/// Returns the command for items with this code, by the exports and the report of a run.
///
/// # Errors
///
/// The journal can't be read.
pub(super) fn command_in(
    journal: &JournalReader,
    code: AttentionCode,
    run: Option<&RunRecord>,
    commands: &Commands,
) -> Result<String, JournalError> {
    let runs = run.map_or(&[][..], std::slice::from_ref);
    let rejected = row_file_names(Disposition::Rejected, runs);
    let beside_held = match code {
        AttentionCode::Held => exports_beside_held(journal, runs)?,
        _ => Vec::new(),
    };
    let inputs = runs.iter().flat_map(|run| &run.inputs);
    let places = Places {
        directory: run.and_then(|run| run.report_dir.as_deref()),
        exports: inputs.map(|input| input.path.as_str()).collect(),
        beside_held: &beside_held,
        rejected: &rejected,
        undoes: undone_by(journal, run)?,
    };
    Ok(command_of(code, &places, commands))
}

/// Leaves out events that are about to be sent: they are no reason for anybody to act.
pub(crate) fn without_unsent(attention: Vec<Attention>, sending: &Tally) -> Vec<Attention> {
    let mut left = attention;
    left.retain_mut(|item| {
        if item.code != AttentionCode::NotSent {
            return true;
        }
        item.count = item.count.saturating_sub(sending.count());
        for (_, currency, sum) in sending.iter() {
            if let Some(cents) = currency.and_then(|currency| item.amount_cents.get_mut(&currency))
            {
                *cents -= sum.amount_cents;
            }
        }
        item.amount_cents.retain(|_, cents| *cents > 0);
        item.count > 0
    });
    left
}

/// The key of what was accepted together: why it needed attention, the reason, who and when.
type AcceptanceKey = (AttentionCode, String, String, String);

/// Tells as what an item was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    Open,
    Accepted,
}

/// Adds up items by reason.
struct Counter {
    accepted_items: AcceptedItems,
    attention: BTreeMap<AttentionCode, Attention>,
    accepted: BTreeMap<AcceptanceKey, AcceptedSummary>,
}

impl Counter {
    fn new(journal: &JournalReader) -> Result<Self, JournalError> {
        Ok(Counter {
            accepted_items: journal.accepted()?,
            attention: BTreeMap::new(),
            accepted: BTreeMap::new(),
        })
    }

    fn add(&mut self, age: Age, item: &Item) -> Counted {
        let code = item.code;
        let is_accepted = self.accepted_items.contains_key(&item.id);
        let (count, amounts) = match self.accepted_items.get(&item.id) {
            Some(record) => {
                let acceptance = &record.acceptance;
                let at = acceptance.at.to_string();
                let together = (
                    code,
                    at.clone(),
                    acceptance.by.clone(),
                    acceptance.reason.clone(),
                );
                let group = self
                    .accepted
                    .entry(together)
                    .or_insert_with(|| AcceptedSummary {
                        code,
                        count: 0,
                        amount_cents: BTreeMap::new(),
                        reason: acceptance.reason.clone(),
                        by: acceptance.by.clone(),
                        at,
                    });
                (&mut group.count, &mut group.amount_cents)
            }
            None => {
                let group = self.attention.entry(code).or_insert_with(|| Attention {
                    code,
                    count: 0,
                    amount_cents: BTreeMap::new(),
                    earlier: 0,
                    command: String::new(),
                    undoes: None,
                });
                group.earlier += u64::from(age == Age::Earlier);
                (&mut group.count, &mut group.amount_cents)
            }
        };
        *count += 1;
        if let Some(money) = item.money {
            *amounts.entry(money.currency).or_default() += i128::from(money.amount_cents);
        }
        if is_accepted {
            Counted::Accepted
        } else {
            Counted::Open
        }
    }

    fn finish(self) -> AttentionFigures {
        AttentionFigures {
            attention: self.attention.into_values().collect(),
            accepted: self.accepted.into_values().collect(),
        }
    }
}

/// Returns whether events that need attention for this reason have it beside their outcome.
pub(crate) fn is_flagged(code: AttentionCode) -> bool {
    matches!(
        code,
        AttentionCode::NotPaid
            | AttentionCode::OtherAmount
            | AttentionCode::ReversalNonReferral
            | AttentionCode::SignedUpSince
            | AttentionCode::CustomerLearned
            | AttentionCode::PlanLearned
            | AttentionCode::CountsLess
            | AttentionCode::NotDated
            | AttentionCode::UndoPaid
    )
}

/// Returns the number of items and their problem: `3 events failed`.
pub(crate) fn what(code: AttentionCode, items: u64) -> String {
    let noun = match code {
        AttentionCode::Rejected | AttentionCode::Ignored => "row",
        _ => "event",
    };
    format!("{} {}", count(items, noun), problem_of(code))
}

impl AcceptedSummary {
    /// Returns the number of items and their problem: `3 events failed`.
    pub(crate) fn what(&self) -> String {
        what(self.code, self.count)
    }
}

impl Attention {
    /// Returns the figures alone.
    pub(super) fn open(&self) -> OpenCount {
        OpenCount {
            code: self.code,
            count: self.count,
            amount_cents: self.amount_cents.clone(),
        }
    }

    /// Returns the number of items and their problem: `3 events failed, 1 of them in an earlier
    /// run`.
    pub(crate) fn what(&self) -> String {
        let what = what(self.code, self.count);
        match self.earlier {
            0 => what,
            earlier if earlier == self.count => format!("{what} in an earlier run"),
            earlier => format!("{what}, {earlier} of them in an earlier run"),
        }
    }

    /// Returns what to do before running the command.
    pub(crate) fn advice(&self) -> &'static str {
        match (self.code, &self.undoes) {
            (AttentionCode::Held, Some(_)) => "held.csv says why. Settle that, then undo the rest:",
            _ => advice_of(self.code),
        }
    }

    /// Returns the file of the report that has the items.
    pub(crate) fn file(&self) -> &'static str {
        file_of(self.code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn all() -> Vec<Attention> {
        let items = AttentionCode::ALL.iter().map(|&code| Attention {
            code,
            count: 2,
            amount_cents: BTreeMap::new(),
            earlier: 0,
            command: String::new(),
            undoes: None,
        });
        items.collect()
    }

    #[test]
    fn items_of_an_earlier_run_are_said_to_be() {
        let mut item = all().remove(1);
        assert_eq!(item.what(), "2 events failed");
        item.earlier = 1;
        assert_eq!(item.what(), "2 events failed, 1 of them in an earlier run");
        item.earlier = 2;
        assert_eq!(item.what(), "2 events failed in an earlier run");
    }
}
