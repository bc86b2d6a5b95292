//! What the exports of one call come to, taken together: their rows, their events, the plan.
//!
//! Several exports are one job, so that a refund in one meets its sale in another. [`plan`] is the one
//! order of its steps. It is pure: the same bytes, the same history and the same clock give the same job.

mod complete;
mod customers;
mod figures;
mod not_paid;
mod notes;
mod read;
mod refused;
mod setup;
mod source_rows;
mod wanted;

pub use figures::{EventsSummary, IgnoredSummary, Imbalance, InputSummary, JobFigures};
pub use notes::SentTooMuch;
pub(crate) use refused::left_out;
pub use refused::{export_problem, unanswered, unrecognised};
pub use setup::{PathPattern, ReadBefore, Setup};
pub use source_rows::{SourceRow, SourceRows, SourceRowsError};

use std::collections::BTreeMap;

use jiff::Timestamp;

use self::complete::complete;
use self::customers::{drop_shared_uids, hold_without_customer};
use self::read::{ReadExports, read};
use crate::convert::{convert, hold_inexact};
use crate::event::{Events, Tally, Text};
use crate::export::{Export, ExportError};
use crate::journal::Wanted;
use crate::link::{AskedAgain, HeldReason, Link, link};
use crate::plan::{History, Plan, plan as decide};
use crate::problem::{Problem, Problems};
use crate::readings::{Readings, identify};
use crate::sanity;

/// The columns behind those of the export in the files of rejected and ignored rows. An export
/// that has them is such a file, corrected and handed back: its cells are taken out of the form in
/// which no spreadsheet runs them.
pub const ADDED_COLUMNS: [&str; 3] = ["_file", "_line", "_reason"];

/// One export of a job, as it was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// As the user named it.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the profile that it was read by.
    pub profile: String,
    /// Why by this one, in a few words.
    pub chosen: String,
    /// Its header.
    pub header: Vec<String>,
    /// What became of its rows.
    pub rows: Rows,
}

/// How many rows there are, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rows {
    /// Rows read.
    pub read: u64,
    /// Rows that gave one event or several.
    pub with_events: u64,
    /// Rows that are no event, for a reason that the profile names.
    pub ignored: u64,
    /// Rows that can't be read.
    pub rejected: u64,
}

impl Rows {
    /// Whether every row that was read is accounted for.
    pub fn balance(&self) -> bool {
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

/// Exports, read and planned.
#[derive(Debug)]
pub struct Job {
    /// The exports, in the order in which they were named.
    pub inputs: Vec<Input>,
    /// Rows that gave no event, in reading order.
    pub source_rows: SourceRows,
    /// Ignored rows by reason.
    pub ignored: BTreeMap<String, u64>,
    /// What a person should know or fix.
    pub problems: Problems,
    /// Rows that earlier runs rejected and that these exports have in a corrected form.
    pub corrected: Vec<CorrectedRow>,
    /// The events.
    pub plan: Plan,
    /// The figures of all of it; they add up.
    pub reading: JobFigures,
    /// Events to send of which a report that was handed back says that they may have been recorded, and that no
    /// earlier run knows.
    pub repeated_unconfirmed: Tally,
    /// Settled sales of which less counts, as these exports say, than an earlier run sent.
    pub sent_too_much: Vec<SentTooMuch>,
    /// What the invoices say, for later calls: sales by the ids of their invoices.
    pub invoices: Events,
    /// The plans of subscriptions, by the provider's id of the subscription, for later calls.
    pub plans: Vec<(Text, Text)>,
    /// The uids that are not ids of one customer, for later calls.
    pub shared_uids: Vec<Text>,
}

/// A row that an earlier run rejected, in the words of its `rejected.csv`, which was handed back with the
/// row corrected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CorrectedRow {
    /// The place of the file that was handed back among the inputs.
    pub input: usize,
    /// The export in which the row stood.
    pub file: String,
    /// Its line there.
    pub line: String,
    /// Why it was rejected.
    pub reason: String,
}

impl Job {
    /// The rows of all exports.
    pub fn rows(&self) -> Rows {
        self.reading.rows
    }

    /// Takes note of what adds up and may be wrong all the same.
    fn note_insane(&mut self, past: &dyn History, now: Timestamp) {
        let paths: Vec<String> = self.inputs.iter().map(|input| input.path.clone()).collect();
        let found = sanity::findings(&self.plan, past, now, &paths);
        self.problems.extend(found);
    }
}

/// Why a job can't be planned.
#[derive(Debug)]
pub enum PlanError<E> {
    /// What makes its exports, or what the user said of its refunds, unusable.
    Unusable(Vec<Problem>),
    /// What earlier runs know could not be read.
    History(E),
    /// The plan does not add up.
    Imbalance(Imbalance),
}

/// Reads exports and plans their events.
///
/// Rows that give no event go to `source_rows`. `history` reads what earlier runs know, for what it is told
/// that the job wants of it, and is given back with the job; an empty one stands for no earlier runs. `now` is what the caller's clock
/// says, and `progress` is told the number of rows read so far, now and then.
///
/// # Errors
///
/// An export or a resolution can't be used, for all of them at once; `history` failed; or the plan does not
/// add up, which is a fault of the program.
pub fn plan<P: History, E>(
    exports: impl IntoIterator<Item = Result<Export, ExportError>>,
    setup: &Setup<'_>,
    source_rows: SourceRows,
    history: impl FnOnce(&dyn Fn() -> Wanted) -> Result<P, E>,
    now: Timestamp,
    progress: &dyn Fn(u64),
) -> Result<(Job, P), PlanError<E>> {
    let read = read(exports, setup, source_rows, progress).map_err(PlanError::Unusable)?;
    let past = history(&|| read.wanted(&setup.rules)).map_err(PlanError::History)?;
    let unknown = setup.rules.resolutions.unknown(&read.events, &past);
    if !unknown.is_empty() {
        return Err(PlanError::Unusable(unknown));
    }
    let mut job = read.plan(setup, &past);
    notes::note_dates(&mut job, setup);
    notes::note_left_over(&mut job, &past);
    notes::note_counted_less(&mut job);
    notes::note_repeated(&mut job);
    job.note_insane(&past, now);
    job.reading.check().map_err(PlanError::Imbalance)?;
    Ok((job, past))
}

impl ReadExports {
    /// Links refunds, converts what is to be converted, and decides what is to happen with each event.
    fn plan(mut self, setup: &Setup<'_>, past: &dyn History) -> Job {
        let (foreign, account) = (&setup.foreign, setup.account_currency);
        let origins = &self.origins;
        let (shared_uids, shared) = drop_shared_uids(&mut self.events, past);
        self.problems.extend(shared);
        let waiting = complete(&mut self.events, &self.invoices, past, origins, |input| {
            self.is_completed[input]
        });
        self.plans.apply(&mut self.events, past);
        let not_paid = self.not_paid.add_refunds(&mut self.events, past);
        let identified = identify(&mut self.events, past);
        let mut readings = Readings::new(&self.events, &identified, origins);
        readings.join(&mut self.events, origins);
        let asked_again = AskedAgain::new(&self.events, past);
        let mut links = link(
            &mut self.events,
            past,
            &setup.rules,
            &identified.shared,
            &asked_again,
        );
        hold_without_customer(&self.events, &mut links);
        for (index, reason) in waiting {
            links.set(index, Link::held(HeldReason::Invoice, reason));
        }
        for (index, reason) in not_paid {
            links.set(index, Link::held(HeldReason::NotPaid, reason));
        }
        let seen = convert(
            &mut self.events,
            &mut links,
            foreign,
            account,
            past,
            &asked_again,
        );
        hold_inexact(&self.events, &mut links, &setup.decimals, past);
        let mut plan = decide(self.events, links, &asked_again, readings, past, origins);
        let seen = seen.problems(&plan, foreign, account, &setup.decimals);
        self.problems.extend(seen);
        self.problems.extend(plan.problems.drain(..));
        let repeated_unconfirmed = notes::repeated_unconfirmed(&plan, &self.unconfirmed, past);
        let reading = JobFigures::new(&self.inputs, &self.ignored, &plan);
        Job {
            inputs: self.inputs,
            source_rows: self.source_rows,
            ignored: self.ignored,
            problems: self.problems,
            corrected: self.corrected,
            reading,
            repeated_unconfirmed,
            sent_too_much: notes::sent_too_much(&plan, past),
            plan,
            invoices: self.invoices.into_said(),
            plans: self.plans.into_known(),
            shared_uids,
        }
    }
}

#[cfg(test)]
mod tests;
