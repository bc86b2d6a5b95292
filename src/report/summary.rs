//! The figures of a plan or a run, in the shape of the machine output.
//!
//! `plan --json`, `run --json`, `report --json` and `summary.json` are made of these types, and the
//! tables on the terminal are printed from them, so that they always agree.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Serialize, Serializer};

use super::attention::{self, AcceptedSummary, Attention, AttentionFigures, Places};
use super::books::ReportSource;
use super::commands::Commands;
use super::items::held_item;
use super::occupant::ReportId;
use super::open_items::{OpenCount, OpenOfSpan, exports_beside_held};
use super::outcomes::OutcomesSummary;
use super::redact::Redactor;
use super::row_files::row_file_names;
use crate::event::{Currency, Sum, Tally};
use crate::job::{EventsSummary, IgnoredSummary, Imbalance, InputSummary, JobFigures, Rows};
use crate::journal::{
    AccountCheck, Disposition, EndReason, JournalError, JournalId, JournalReader, OutcomeTallies,
    PlanState, PlanTotal, PromoterCommissions, ReasonCount, RunRecord, RunScope, SpanBy,
};

/// The version of the machine output.
pub(crate) const SCHEMA: u32 = 1;

impl JobFigures {
    /// Adds up the figures of runs from the journal.
    pub(super) fn of_runs(runs: &[RunRecord], ignored: Vec<ReasonCount>) -> Self {
        let mut rows = Rows::default();
        let all_inputs = || runs.iter().flat_map(|run| &run.inputs);
        for input in all_inputs() {
            rows.add(Rows {
                read: input.rows_read,
                with_events: input.rows_with_events,
                ignored: input.rows_ignored,
                rejected: input.rows_rejected,
            });
        }
        let inputs = all_inputs().map(|input| InputSummary {
            path: input.path.clone(),
            sha256: input.sha256.clone(),
            profile: input.profile.clone(),
            recognised: None,
            rows: input.rows_read,
        });
        let ignored = ignored.into_iter().map(|count| IgnoredSummary {
            reason: count.reason,
            rows: count.rows,
        });
        let mut read = Tally::default();
        let mut by_plan: BTreeMap<PlanState, Tally> = BTreeMap::new();
        for total in runs.iter().flat_map(|run| &run.totals) {
            let sum = Sum {
                count: total.count,
                amount_cents: i128::from(total.amount_cents),
            };
            read.add_sum(total.kind, total.currency, sum);
            let tally = by_plan.entry(total.state).or_default();
            tally.add_sum(total.kind, total.currency, sum);
        }
        JobFigures {
            inputs: inputs.collect(),
            skipped: runs.iter().flat_map(|run| run.skipped.clone()).collect(),
            rows,
            ignored: ignored.collect(),
            events: EventsSummary { read, by_plan },
        }
    }

    /// Counts events that several runs set out to send or held once, and their repetitions as
    /// duplicates.
    fn count_once(&mut self, repeats: &[PlanTotal]) -> Result<(), Imbalance> {
        for total in repeats {
            let sum = Sum {
                count: total.count,
                amount_cents: i128::from(total.amount_cents),
            };
            let (kind, currency) = (total.kind, total.currency);
            let first = self.events.by_plan.entry(total.state).or_default();
            if !first.take_sum(kind, currency, sum) {
                return Err(Imbalance::new(
                    "more events were sent or held again than were to be sent or held",
                ));
            }
            let again = self.events.by_plan.entry(PlanState::Duplicate).or_default();
            again.add_sum(kind, currency, sum);
        }
        Ok(())
    }
}

/// The days whose runs, or whose sales, are added up.
#[derive(Clone, Debug, Serialize)]
pub struct SpanSummary {
    /// The kind of date that these days are: `run-date` or `sale-date`.
    #[serde(serialize_with = "span_by")]
    pub by: SpanBy,
    /// The time zone of the days.
    pub zone: String,
    /// The first day.
    #[serde(serialize_with = "as_text")]
    pub from: Date,
    /// The last day.
    #[serde(serialize_with = "as_text")]
    pub to: Date,
    /// The names of the runs: those that were started on these days, or have sales of them; the oldest
    /// first.
    pub runs: Vec<String>,
    /// The items that were open at the end of the last day; `None` if that day is not over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_at_end: Option<OpenSummary>,
    /// The items that are open now.
    pub open_now: OpenSummary,
    /// In a span by the date of sales: events without a date, which are not in any span.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undated: Option<Undated>,
}

/// The items that are open at an instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct OpenSummary {
    /// The instant, in RFC 3339.
    pub as_of: String,
    /// The items that are not accepted, by reason.
    pub items: Vec<OpenCount>,
    /// The items of before the first day that were open at the end of the days and are open at the instant, by
    /// reason. They are not among the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<OpenCount>,
}

/// Events without a date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Undated {
    /// The number of events.
    pub count: u64,
    /// Their amounts, in minor units by currency.
    pub amount_cents: BTreeMap<Currency, i128>,
}

fn span_by<S: Serializer>(by: &SpanBy, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(by.as_str())
}

fn as_text<S: Serializer>(date: &Date, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(date)
}

impl SpanSummary {
    /// Returns a name of the span that can be used for a directory.
    pub fn name(&self) -> String {
        match self.by {
            SpanBy::RunDate => format!("{}_{}", self.from, self.to),
            SpanBy::SaleDate => format!("sales_{}_{}", self.from, self.to),
        }
    }
}

/// The reason why runs can't be added up.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The runs don't fit together.
    #[error(transparent)]
    Imbalance(#[from] Imbalance),
}

/// The exit code of a span with events that are not sent; `run` exits with it then, too.
const INCOMPLETE: u8 = 5;

/// The figures of a run's report, or of the report of several runs, from the journal.
#[derive(Clone, Debug, Serialize)]
pub struct RunSummary {
    /// The version of the machine output.
    pub schema: u32,
    /// What identifies the journal among all others; `None` for a journal of a version that has nothing.
    pub(crate) journal_id: Option<JournalId>,
    /// The run's name; for several runs, the name of the span.
    pub run: String,
    /// The days of the runs; `None` for a single run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<SpanSummary>,
    /// The name of the run that this one undoes; `None` for a run that undoes none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
    /// What the account's list said of the sales that this run undoes; `None` if it was not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_check: Option<AccountCheck>,
    /// The figures of reading and planning.
    #[serde(flatten)]
    pub reading: JobFigures,
    /// The outcomes of the events that were to be sent.
    pub outcomes: OutcomesSummary,
    /// The commissions of promoters, as the API answered them, in minor units by the account's currency and by the
    /// promoter's email, or else the referral id. Nothing where the currency is not known.
    pub commission_cents: BTreeMap<Currency, PromoterCommissions>,
    /// The commissions without their currency, which the journal does not have.
    #[serde(skip)]
    commissions: PromoterCommissions,
    /// The items that need attention and were not accepted.
    pub attention: Vec<Attention>,
    /// The items that would need attention and were accepted.
    pub accepted: Vec<AcceptedSummary>,
    /// The exports that commands name.
    #[serde(skip)]
    exports: Vec<String>,
    /// The exports that held sales need beside these.
    #[serde(skip)]
    beside_held: Vec<String>,
    /// The names of the report's files of rejected rows.
    #[serde(skip)]
    rejected_files: Vec<String>,
    /// Requests that went out, over all resumptions.
    pub requests: u64,
    /// Seconds of sending, over all resumptions.
    pub elapsed_seconds: u64,
    /// The number of requests a minute that the account takes, where it has turned out to be lower
    /// than the requested one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub learned_requests_per_minute: Option<u32>,
    /// The directory of the reports.
    pub report_dir: Option<String>,
    /// The exit code of the program. For runs that ended by themselves it depends on what needs
    /// attention now: 0 if nothing does, else 1.
    pub exit_code: u8,
}

impl RunSummary {
    /// Returns which report this is.
    pub(super) fn report_id(&self) -> ReportId {
        ReportId {
            journal: self.journal_id.clone(),
            run: self.run.clone(),
        }
    }

    /// Adds up a run from the journal.
    pub fn load(journal: &JournalReader, run: &RunRecord) -> Result<Self, JournalError> {
        let by_outcome = journal.outcomes(run.id)?;
        let ignored = journal.row_reasons(run.id, Disposition::Ignored)?;
        let runs = std::slice::from_ref(run);
        let figures = AttentionFigures::in_run(journal, run)?;
        let summary = RunSummary {
            schema: SCHEMA,
            journal_id: journal.id()?,
            run: run.name.clone(),
            span: None,
            undoes: attention::undone_by(journal, Some(run))?,
            account_check: run.account_check.clone(),
            reading: JobFigures::of_runs(runs, ignored),
            outcomes: OutcomesSummary { by_outcome },
            commission_cents: BTreeMap::new(),
            commissions: journal.commissions(run.id)?,
            attention: figures.attention,
            accepted: figures.accepted,
            exports: exports_of(runs),
            beside_held: exports_beside_held(journal, runs)?,
            rejected_files: row_file_names(Disposition::Rejected, runs),
            requests: 0,
            elapsed_seconds: 0,
            learned_requests_per_minute: run.learned_per_minute,
            report_dir: None,
            exit_code: 0,
        };
        Ok(summary.with_end_of(run))
    }

    /// Adds up the runs or the sales of some days, each event once; `now` is the time of the report.
    ///
    /// # Errors
    ///
    /// The journal can't be read, or its runs don't fit together.
    pub fn load_span(
        books: &ReportSource<'_>,
        mut days: SpanSummary,
        now: Timestamp,
    ) -> Result<Self, SummaryError> {
        let (journal, span, open) = books.of_span_parts();
        let runs = books.runs();
        let by_outcome = journal.outcomes_of(span)?;
        let reading = match span.by {
            SpanBy::RunDate => {
                let mut reading = JobFigures::of_runs(runs, ignored_of(journal, runs)?);
                reading.count_once(&journal.repeats_of(span)?)?;
                reading.count_once(&held_again(journal, runs, open)?)?;
                reading
            }
            SpanBy::SaleDate => reading_of_sales(books, &by_outcome)?,
        };
        let learned = runs.iter().rev().find_map(|run| run.learned_per_minute);
        let elapsed_ms: u64 = runs.iter().map(|run| run.elapsed_ms).sum();
        let figures = AttentionFigures::in_runs(journal, RunScope::Span(span), runs, open)?;
        days.open_at_end = (span.until <= now).then(|| OpenSummary {
            as_of: span.until.to_string(),
            items: open.at_end.clone(),
            earlier: open.earlier.clone(),
        });
        days.open_now = OpenSummary {
            as_of: now.to_string(),
            items: figures.attention.iter().map(Attention::open).collect(),
            earlier: open.earlier_now.clone(),
        };
        let mut summary = RunSummary {
            schema: SCHEMA,
            journal_id: journal.id()?,
            run: days.name(),
            span: Some(days),
            undoes: None,
            account_check: None,
            reading,
            outcomes: OutcomesSummary { by_outcome },
            commission_cents: BTreeMap::new(),
            commissions: journal.commissions_of(span)?,
            attention: figures.attention,
            accepted: figures.accepted,
            exports: exports_of(runs),
            beside_held: exports_beside_held(journal, runs)?,
            rejected_files: row_file_names(Disposition::Rejected, runs),
            requests: runs.iter().map(|run| run.requests).sum(),
            elapsed_seconds: elapsed_ms.div_ceil(1000),
            learned_requests_per_minute: learned,
            report_dir: None,
            exit_code: 0,
        };
        summary.exit_code = match summary.outcomes.for_outcome(None).count() {
            0 => u8::from(summary.needs_attention()),
            _ => INCOMPLETE,
        };
        Ok(summary)
    }

    /// Returns the same figures with the end of the run as `run` has it.
    pub fn with_end_of(self, run: &RunRecord) -> Self {
        RunSummary {
            requests: run.requests,
            elapsed_seconds: run.elapsed_ms.div_ceil(1000),
            report_dir: run.report_dir.clone(),
            exit_code: match run.reason {
                Some(EndReason::Done) => u8::from(self.needs_attention()),
                _ => run.exit_code.unwrap_or_default(),
            },
            ..self
        }
    }

    /// Checks all three equations: rows, events, and the events to send against their outcomes, in
    /// number and, by kind and currency, in cents.
    ///
    /// # Errors
    ///
    /// One of them doesn't hold.
    pub fn check(&self) -> Result<(), Imbalance> {
        self.reading.check()?;
        let to_send = self.reading.events.for_state(PlanState::ToSend);
        if to_send != self.outcomes.total() {
            return Err(Imbalance::new(&format!(
                "{} events were to be sent and {} have an outcome or are not sent, or their cents differ",
                to_send.count(),
                self.outcomes.total().count()
            )));
        }
        Ok(())
    }

    /// Returns whether anything needs attention that was not accepted.
    pub fn needs_attention(&self) -> bool {
        !self.attention.is_empty()
    }

    /// Says in which currency the commissions are: the account's.
    pub fn set_account_currency(&mut self, currency: Currency) {
        if !self.commissions.is_empty() {
            let commissions = std::mem::take(&mut self.commissions);
            self.commission_cents.insert(currency, commissions);
        }
    }

    /// Sets the command for everything that needs attention, with the files of the report
    /// directory.
    pub fn name_commands(&mut self, commands: &Commands) {
        let mut attention = std::mem::take(&mut self.attention);
        attention::name_commands(&mut attention, &self.places(), commands);
        self.attention = attention;
    }

    /// Returns the command that accepts everything that needs attention, if anything can be
    /// accepted.
    pub(crate) fn accept_command(&self, commands: &Commands) -> Option<String> {
        let files = self.places().files_of(&self.attention);
        (!files.is_empty()).then(|| commands.accept(files.iter().map(String::as_str)))
    }

    fn places(&self) -> Places<'_> {
        Places {
            directory: self.report_dir.as_deref(),
            exports: self.exports.iter().map(String::as_str).collect(),
            beside_held: &self.beside_held,
            rejected: &self.rejected_files,
            undoes: self.undoes.clone(),
        }
    }
}

fn exports_of(runs: &[RunRecord]) -> Vec<String> {
    let inputs = runs.iter().flat_map(|run| &run.inputs);
    inputs.map(|input| input.path.clone()).collect()
}

/// Returns the reasons for which rows of several runs were ignored, the most frequent first.
fn ignored_of(
    journal: &JournalReader,
    runs: &[RunRecord],
) -> Result<Vec<ReasonCount>, JournalError> {
    let mut ignored: BTreeMap<String, u64> = BTreeMap::new();
    for run in runs {
        for count in journal.row_reasons(run.id, Disposition::Ignored)? {
            *ignored.entry(count.reason).or_default() += count.rows;
        }
    }
    let mut ignored: Vec<ReasonCount> = ignored
        .into_iter()
        .map(|(reason, rows)| ReasonCount { reason, rows })
        .collect();
    ignored.sort_by_key(|count| std::cmp::Reverse(count.rows));
    Ok(ignored)
}

/// Returns by how much several runs, added up, held more than was held at the end: events that were held twice, and
/// events that were sent since.
fn held_again(
    journal: &JournalReader,
    runs: &[RunRecord],
    open: &OpenOfSpan,
) -> Result<Vec<PlanTotal>, JournalError> {
    let mut again = Vec::new();
    let mut seen = HashSet::new();
    for run in runs {
        journal.for_each_held(run.id, |record| {
            let id = held_item(&record, &run.inputs).id;
            if !(open.held.contains(&id) && seen.insert(id)) {
                let money = record.event.money;
                again.push(PlanTotal {
                    state: record.state,
                    kind: record.event.kind,
                    currency: money.map(|money| money.currency),
                    count: 1,
                    amount_cents: money.map_or(0, |money| money.amount_cents),
                });
            }
            Ok::<_, JournalError>(())
        })?;
    }
    Ok(again)
}

/// Returns the figures of the sales of some days. Rows have no date, so none are counted.
fn reading_of_sales(
    books: &ReportSource<'_>,
    by_outcome: &OutcomeTallies,
) -> Result<JobFigures, JournalError> {
    let mut events = EventsSummary::default();
    for tally in by_outcome.values() {
        let to_send = events.by_plan.entry(PlanState::ToSend).or_default();
        to_send.add_tally(tally);
        events.read.add_tally(tally);
    }
    books.for_each_held(|record| {
        let money = record.event.money;
        let sum = Sum {
            count: 1,
            amount_cents: money.map_or(0, |money| i128::from(money.amount_cents)),
        };
        let currency = money.map(|money| money.currency);
        let held = events.by_plan.entry(record.state).or_default();
        held.add_sum(record.event.kind, currency, sum);
        events.read.add_sum(record.event.kind, currency, sum);
        Ok::<_, JournalError>(())
    })?;
    Ok(JobFigures {
        skipped: Vec::new(),
        inputs: Vec::new(),
        rows: Rows::default(),
        ignored: Vec::new(),
        events,
    })
}

impl Redactor {
    /// Replaces the personal data of a summary, whose reasons may quote an export.
    pub fn summary(&self, summary: &mut RunSummary) {
        for ignored in &mut summary.reading.ignored {
            self.replace(&mut ignored.reason);
        }
        for commissions in summary.commission_cents.values_mut() {
            let named = std::mem::take(commissions);
            for (name, cents) in named {
                let name = if name.contains('@') {
                    self.email(&name)
                } else {
                    self.name(&name)
                };
                *commissions.entry(name).or_default() += cents;
            }
        }
        for accepted in &mut summary.accepted {
            self.replace(&mut accepted.reason);
            self.replace(&mut accepted.by);
        }
    }
}

impl ReportSource<'_> {
    /// Returns figures of these books as they may be shown.
    pub fn shown<'s>(&self, summary: &'s RunSummary) -> Cow<'s, RunSummary> {
        let mut summary = Cow::Borrowed(summary);
        if let Some(redactor) = self.redactor() {
            redactor.summary(summary.to_mut());
        }
        summary
    }
}
