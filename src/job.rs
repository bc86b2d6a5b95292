//! Plans the exports of one call together: their rows, their events, the plan.
//!
//! Several exports are one job, so that a refund in one meets its sale in another. [`plan`] is the one order
//! of its steps. It is pure: the same bytes, the same history and the same clock give the same job.

mod complete;
mod customers;
mod figures;
mod handed_back;
mod header_again;
mod linked;
mod not_paid;
mod notes;
mod paid_after_all;
mod read;
mod refused;
mod same_sales;
mod setup;
mod signs;
mod source_rows;
mod totals;
mod trace;
mod wanted;

pub use crate::convert::{ExchangeRates, Foreign, RatesError};
pub use crate::plan::{
    AccountFindings, AccountSales, DateRange, History, InAccount, ListVersion, Plan, Planned,
    RefundOfAccount, SaleOfAccount,
};
pub(crate) use figures::{EventsSummary, IgnoredSummary, InputSummary, RecognisedAs};
pub use figures::{Imbalance, JobFigures};
pub use not_paid::WithdrawnEvent;
pub(crate) use notes::SentTooMuch;
pub(crate) use read::profile_of;
pub(crate) use refused::left_out;
pub(crate) use refused::{export_problem, unanswered, unrecognised};
pub use setup::{PathPattern, ReadBefore, Setup};
pub(crate) use source_rows::{IgnoredRow, SourceRow};
pub use source_rows::{SourceRows, SourceRowsError};
pub(crate) use totals::{ExportTotals, RowTotals, RowsOf};
pub(crate) use trace::Trace;

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use self::linked::LinkedEvents;
use self::read::{ReadExports, read};
use self::same_sales::{sold_alike, sold_twice};
use crate::convert::{CurrencyRules, convert, hold_inexact};
use crate::event::{EventKey, Events, ExportLine, Tally, Text};
use crate::export::{Export, ExportError};
use crate::journal::{EventPrefixes, HistoryRequest, PlanState, RulesDigest};
use crate::plan::{LinkedReadings, plan as decide};
use crate::problem::{Problem, Problems};
use crate::sanity;

/// The columns after those of the export in the files of rejected and ignored rows. An export that has them
/// is such a file, corrected and handed back: its cells are restored from the form that no spreadsheet runs.
pub(crate) const ADDED_COLUMNS: [&str; 3] = ["_file", "_line", "_reason"];

/// Describes one export of a job, as it was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// The path as the user named it.
    pub path: String,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the profile that it was read by.
    pub profile: String,
    /// The kind of export that it was recognised as, with the reason.
    pub recognised: RecognisedAs,
    /// The header of the export.
    pub header: Vec<String>,
    /// The number of its rows, by their results.
    pub rows: Rows,
    /// `true` if it is a file of a report that was handed back.
    pub is_handed_back: bool,
}

/// Counts rows by their results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rows {
    /// The number of rows that were read.
    pub read: u64,
    /// The number of rows that gave one event or several.
    pub with_events: u64,
    /// The number of rows that are not events, for a reason that the profile names.
    pub ignored: u64,
    /// The number of rows that can't be read.
    pub rejected: u64,
}

impl Rows {
    /// Returns `true` if every row that was read is accounted for.
    pub fn is_balanced(&self) -> bool {
        self.read == self.with_events + self.ignored + self.rejected
    }

    /// Adds the rows of another export.
    pub fn add(&mut self, other: Rows) {
        self.read += other.read;
        self.with_events += other.with_events;
        self.ignored += other.ignored;
        self.rejected += other.rejected;
    }
}

/// Holds exports, read and planned.
#[derive(Debug)]
pub struct Job {
    /// The exports, in the order in which they were named.
    pub inputs: Vec<Input>,
    /// The rows that gave no event, in reading order.
    pub source_rows: SourceRows,
    /// The number of ignored rows by reason.
    pub ignored: BTreeMap<String, u64>,
    /// The totals of the amount column of each export, in the order of `inputs`.
    pub totals: Vec<ExportTotals>,
    /// The problems that a person should know or fix.
    pub problems: Problems,
    /// The rows that earlier runs rejected and that these exports have in a corrected form.
    pub corrected: Vec<CorrectedRow>,
    /// The plan with the events.
    pub plan: Plan,
    /// The figures of everything that was read and planned; they add up.
    pub reading: JobFigures,
    /// The events to send of which a report that was handed back says that they may have been recorded, and
    /// that no earlier run knows.
    pub repeated_unconfirmed: Tally,
    /// The settled sales of which less counts, as these exports say, than an earlier run sent.
    pub sent_too_much: Vec<SentTooMuch>,
    /// The content of the invoices, for later calls: sales by the ids of their invoices.
    pub invoices: Events,
    /// The plans of subscriptions, by the provider's id of the subscription, for later calls.
    pub plans: Vec<(Text, Text)>,
    /// The sales without a plan, with their subscriptions.
    pub(crate) unplanned: Vec<(EventKey, Text)>,
    /// The sales that earlier runs left to send, or withdrew, and whose rows say now that they were not paid.
    pub withdrawn: Vec<WithdrawnEvent>,
    /// The uids that are not ids of one customer, for later calls.
    pub shared_uids: Vec<Text>,
    /// The uids of which nothing says whether they are the id of one customer, for later calls.
    pub(crate) unclear_uids: Vec<Text>,
    /// What is known of the row on [`Setup::traced_line`], for each export.
    pub(crate) traces: Vec<Trace>,
    /// The rules by which the exports were read, if later calls may leave out what was read by them.
    pub rules: Option<RulesDigest>,
}

/// Identifies a row that an earlier run rejected, in the words of its `rejected.csv`, which was handed back
/// with the row corrected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CorrectedRow {
    /// The place of the row in the file that was handed back.
    pub source: ExportLine,
    /// The export that had the row.
    pub file: String,
    /// The line of the row in that export.
    pub line: String,
    /// The reason why it was rejected.
    pub reason: String,
}

impl Job {
    /// Returns the number of rows of all exports.
    pub fn rows(&self) -> Rows {
        self.reading.rows
    }

    /// Returns the events of each export that was read whole and has nothing that needs attention, by its place
    /// among the inputs; `None` for the others.
    pub(crate) fn events_of_clean_inputs(&self) -> Vec<Option<EventPrefixes>> {
        let mut keys: Vec<Option<Vec<EventKey>>> = self
            .inputs
            .iter()
            .map(|input| self.is_clean(input).then(Vec::new))
            .collect();
        let is_well = |state| {
            matches!(
                state,
                PlanState::ToSend | PlanState::Settled | PlanState::Duplicate
            )
        };
        let unwell: HashSet<EventKey> = self
            .plan
            .unordered()
            .filter(|(_, planned)| !is_well(planned.state))
            .map(|(_, planned)| planned.event.key())
            .collect();
        for (_, Planned { event, .. }) in self.plan.unordered() {
            let of_input = &mut keys[event.source.input];
            // Of several readings of an event, one is held and the others are its duplicates.
            if unwell.contains(&event.key()) {
                *of_input = None;
            } else if let Some(of_input) = of_input {
                of_input.push(event.key());
            }
        }
        let keys = keys.into_iter();
        keys.map(|keys| Some(EventPrefixes::new(keys?.into_iter())))
            .collect()
    }

    /// Returns `true` if no row of an export is rejected, nothing was said of it, and it corrects nothing.
    fn is_clean(&self, input: &Input) -> bool {
        let is_of_input = |problem: &Problem| problem.file.as_deref() == Some(input.path.as_str());
        input.rows.rejected == 0
            && !input.is_handed_back
            && self.problems.omitted().next().is_none()
            && !self.problems.kept().iter().any(is_of_input)
    }

    /// Reports what adds up and may be wrong nevertheless.
    fn note_implausible(&mut self, history: &dyn History, now: Timestamp) {
        let paths: Vec<String> = self.inputs.iter().map(|input| input.path.clone()).collect();
        let found = sanity::findings(&self.plan, history, now, &paths);
        self.problems.extend(found);
    }
}

/// Names why a job can't be planned.
#[derive(Debug)]
pub enum PlanError<E> {
    /// The exports, or the user's resolutions of refunds, are unusable for these reasons.
    Unusable(Vec<Problem>),
    /// The history of earlier runs could not be read.
    History(E),
    /// The plan does not add up.
    Imbalance(Imbalance),
}

/// Holds what a job is planned with beside its exports and the user's settings.
pub struct PlanContext<'c> {
    /// The store to which rows that give no event are written.
    pub source_rows: SourceRows,
    /// The time of the caller's clock.
    pub now: Timestamp,
    /// Called now and then with the number of rows read so far.
    pub progress: &'c dyn Fn(u64),
}

impl PlanContext<'_> {
    /// Returns a context at an instant that drops the rows without events and reports no progress.
    pub fn new(now: Timestamp) -> Self {
        PlanContext {
            source_rows: SourceRows::dropped(),
            now,
            progress: &|_| (),
        }
    }
}

/// Reads exports and plans their events.
///
/// `read_history` reads what earlier runs know, for what the job requests, and what it returns is returned with the
/// job; an empty history means no earlier runs.
///
/// # Errors
///
/// An export or a resolution can't be used, for all of them at once; `read_history` failed; or the plan does not
/// add up, which is a bug in the program.
pub fn plan<P: History, E>(
    exports: impl IntoIterator<Item = Result<Export, ExportError>>,
    setup: &Setup<'_>,
    context: PlanContext<'_>,
    read_history: impl FnOnce(&dyn Fn() -> HistoryRequest) -> Result<P, E>,
) -> Result<(Job, P), PlanError<E>> {
    let (source_rows, progress) = (context.source_rows, context.progress);
    let read = read(exports, setup, source_rows, progress).map_err(PlanError::Unusable)?;
    let history =
        read_history(&|| read.history_request(&setup.rules)).map_err(PlanError::History)?;
    let is_in_account = |refund: &str| {
        let account = setup.account_sales();
        account.is_some_and(|account| account.has_refund(refund))
    };
    let resolutions = &setup.rules.resolutions;
    let mut unusable = resolutions.unknown(&read.events, &history, &is_in_account);
    unusable.extend(sold_twice(&read, setup, &history));
    unusable.extend(sold_alike(&read));
    if !unusable.is_empty() {
        return Err(PlanError::Unusable(unusable));
    }
    let mut job = read.plan(setup, &history);
    notes::note_dates(&mut job, setup);
    notes::note_commissions(&mut job, setup);
    notes::note_out_of_range(&mut job, setup);
    notes::note_in_account(&mut job, setup);
    notes::note_left_over(&mut job, &history);
    notes::note_counted_less(&mut job);
    notes::note_repeated(&mut job);
    notes::note_undone(&mut job, &history);
    job.note_implausible(&history, context.now);
    job.reading.check().map_err(PlanError::Imbalance)?;
    Ok((job, history))
}

impl ReadExports {
    /// Links refunds, converts amounts, and decides what is to happen with each event.
    fn plan(mut self, setup: &Setup<'_>, history: &dyn History) -> Job {
        let completed = self.complete(setup, history);
        let LinkedEvents {
            mut links,
            readings,
            asked_again,
        } = self.link(setup, history, &completed);
        let (foreign, account) = (&setup.foreign, setup.account_currency);
        let seen = convert(
            &mut self.events,
            &mut links,
            CurrencyRules { foreign, account },
            history,
            &asked_again,
        );
        hold_inexact(&self.events, &mut links, &setup.decimals, history);
        let unplanned = completed.still_unplanned(&self.events);
        let named = setup.rules.resolutions.pairs();
        let account_sales = setup.account_sales();
        let account_sales = account_sales.map(|own| own.with_sales_of_refunds(named));
        let linked = LinkedReadings {
            links,
            asked_again: &asked_again,
            readings,
            range: &setup.range,
            in_account: setup.in_account,
            account: account_sales.as_deref(),
        };
        let mut plan = decide(self.events, linked, history, &self.origins);
        let seen = seen.problems(&plan, foreign, account, &setup.decimals);
        self.problems.extend(seen);
        self.problems.extend(plan.problems.drain(..));
        let repeated_unconfirmed = notes::repeated_unconfirmed(&plan, &self.unconfirmed, history);
        let reading = JobFigures::new(&self.inputs, &self.ignored, &plan);
        Job {
            inputs: self.inputs,
            source_rows: self.source_rows,
            ignored: self.ignored,
            totals: self.totals,
            problems: self.problems,
            corrected: self.corrected,
            reading,
            repeated_unconfirmed,
            sent_too_much: notes::sent_too_much(&plan, history),
            plan,
            invoices: self.invoices.into_said(),
            plans: self.plans.into_known(),
            unplanned,
            withdrawn: completed.withdrawn,
            shared_uids: completed.uids.shared,
            unclear_uids: completed.uids.unclear,
            traces: self.traces,
            rules: None,
        }
    }
}

#[cfg(test)]
mod tests;
