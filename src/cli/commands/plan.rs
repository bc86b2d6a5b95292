//! `fprecon plan`: what would be sent.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use super::delivery::{Target, no_lead_list, note_dates};
use super::next;
use crate::cli::arguments::{Common, PlanArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice};
use crate::cli::linking::Linking;
use crate::cli::settings::Settings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::event::{Event, EventKey, Kind, Money, Tally};
use crate::job::{Job, SourceRows, Unplanned};
use crate::journal::{EventRow, JournalReader, Known, KnownRefunds, Outcome, PlanState};
use crate::plan::{CSV_HEADER, Planned, take_back_row};
use crate::problem::Problem;
use crate::report::{Reading, SCHEMA, write_plan_events};
use crate::send::LeadList;

/// Sending that takes longer is worth a thought about the list of leads.
const LONG_SECONDS: u64 = 600;

/// The object that `plan --json` prints.
#[derive(Serialize)]
struct PlanOutput<'j> {
    schema: u32,
    #[serde(flatten)]
    reading: &'j Reading,
    estimate: Estimate,
    problems: &'j [Problem],
    problems_omitted: u64,
}

/// What sending would take, at the most.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Estimate {
    pub(super) requests: u64,
    pub(super) seconds: u64,
    /// What the list of leads is good for, where it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    lead_list: Option<ListEstimate>,
}

/// What goes into an estimate with the list of leads, and what it would be without.
#[derive(Clone, Copy, Serialize)]
struct ListEstimate {
    leads: u64,
    /// Those for the list itself; the rest is one an event.
    requests: u64,
    requests_without: u64,
    seconds_without: u64,
}

impl Estimate {
    /// One request an event, at the most requests a minute.
    pub(super) fn of(to_send: u64, settings: &Settings) -> Self {
        let per_minute = u64::from(settings.requests_per_minute.get());
        Estimate {
            requests: to_send,
            seconds: (to_send * 60).div_ceil(per_minute),
            lead_list: None,
        }
    }

    /// The same with the list of leads, which settles all events but `asked_for`.
    fn with_list(self, list: &LeadList, asked_for: u64, settings: &Settings) -> Self {
        Estimate {
            lead_list: Some(ListEstimate {
                leads: list.len() as u64,
                requests: list.requests,
                requests_without: self.requests,
                seconds_without: self.seconds,
            }),
            ..Self::of(list.requests + asked_for, settings)
        }
    }

    /// `13 min`, `42 h 5 min`.
    pub(super) fn in_words(self) -> String {
        match self.seconds {
            0..60 => format!("{} s", self.seconds),
            60..3600 => format!("{} min", self.seconds.div_ceil(60)),
            _ => {
                let minutes = self.seconds.div_ceil(60);
                format!("{} h {} min", minutes / 60, minutes % 60)
            }
        }
    }
}

pub(in crate::cli) fn plan(
    common: &Common,
    arguments: &PlanArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let choice = Choice::load(common, &settings)?;
    let exports = exports::open(&arguments.exports, common)?;
    let (linking, rules) = Linking::load(&arguments.link, &settings)?;
    let mut unplanned =
        exports::read(exports, &choice, &settings, terminal, SourceRows::dropped())?;
    unplanned.link_by(rules);
    let known = known(&settings, &unplanned)?;
    linking.check(&unplanned, &known)?;
    let (mut job, reading) = planned(unplanned, &known, &settings, Timestamp::now())?;
    if let Some(path) = &arguments.events {
        let paths: Vec<String> = job.inputs.iter().map(|input| input.path.clone()).collect();
        write_plan_events(job.plan.events(), &paths, path)?;
        terminal.note(&format!(
            "{} written to {}",
            tables::count(reading.events.read.count(), "event"),
            path.display()
        ));
    }
    let mut estimate = Estimate::of(reading.events.of(PlanState::ToSend).count(), &settings);
    if arguments.lead_list {
        match lead_list(common, &settings, terminal)? {
            Ok(list) => {
                let asked_for = list.asked_for(to_send(&job)) as u64;
                estimate = estimate.with_list(&list, asked_for, &settings);
            }
            Err(reason) => job.problems.push(no_lead_list(&reason)),
        }
    }
    let commands = next::commands(common, &settings);
    job.problems.edit(|problem| commands.complete(problem));
    show(&job, &reading, estimate, &settings, terminal)?;
    Ok(exit_of(&reading))
}

/// Reads the list of leads, or says why it would not be used.
fn lead_list(
    common: &Common,
    settings: &Settings,
    terminal: &Terminal,
) -> Result<Result<LeadList, String>, CliError> {
    let mut list = match Target::choose(common, settings, terminal)?.lead_list(settings) {
        Ok(list) => list,
        Err(reason) => return Ok(Err(reason)),
    };
    let journal = JournalReader::open(&settings.journal)?;
    let doubt = list.doubt(journal.as_ref())?;
    Ok(doubt.map_or(Ok(list), Err))
}

/// Plans what was read, looks it over, and sees that it adds up.
pub(super) fn planned(
    unplanned: Unplanned,
    known: &Known,
    settings: &Settings,
    now: Timestamp,
) -> Result<(Job, Reading), CliError> {
    let mut job = unplanned.plan(known);
    note_dates(&mut job, settings);
    note_left_over(&mut job, known);
    note_counted_less(&mut job, known);
    note_repeated(&mut job, known);
    job.check_sanity(known, now);
    let reading = Reading::of_job(&job);
    reading.check()?;
    Ok((job, reading))
}

/// Says which events of these exports an earlier run left to send, or left without knowing what came of
/// them.
fn note_left_over(job: &mut Job, known: &Known) {
    let (mut unsent, mut unconfirmed) = (Tally::default(), Tally::default());
    for planned in job.plan.events() {
        let event = planned.event;
        let outcome = known.events.get(event.key()).map(|known| known.outcome);
        match (planned.state, outcome) {
            (PlanState::ToSend, Some(None)) => unsent.add(event.kind, event.money),
            (PlanState::Settled, Some(Some(Outcome::Unconfirmed))) => {
                unconfirmed.add(event.kind, event.money);
            }
            _ => {}
        }
    }
    if unsent.count() > 0 {
        let message = format!(
            "an earlier run left events of these exports to send: {unsent}; they go out first"
        );
        job.problems.push(
            Problem::warning("left-to-send", message)
                .hint("`fprecon resume` sends what earlier runs have left, these and others"),
        );
    }
    if unconfirmed.count() > 0 {
        let message = format!(
            "an earlier run left events of these exports unconfirmed: {unconfirmed}; they may be recorded already, and are not sent again"
        );
        job.problems.push(
            Problem::warning("left-unconfirmed", message).hint(
                "look them up in FirstPromoter; `fprecon retry --unconfirmed` sends again what is not there",
            ),
        );
    }
}

/// Returns the places of the sales of which less counts, as these exports say, than an earlier run sent,
/// each with its number in the journal and what is too much.
pub(super) fn sent_too_much(job: &Job, known: &Known) -> Vec<(usize, EventRow, Money)> {
    let counted_less = |planned: &Planned<'_>| {
        planned.state == PlanState::Settled && known.counted_less(planned.event).is_some()
    };
    let all = job.plan.events().enumerate();
    let sales: Vec<_> = all.filter(|(_, planned)| counted_less(planned)).collect();
    let keys = sales.iter().map(|(_, planned)| planned.event.key());
    let mut refunds: BTreeMap<EventKey, KnownRefunds> = BTreeMap::new();
    refunds.extend(keys.map(|key| (key, KnownRefunds::default())));
    if refunds.is_empty() {
        return Vec::new();
    }
    let to_send = job.plan.events();
    for planned in to_send.filter(|planned| planned.state == PlanState::ToSend) {
        let refund = planned.event.essence();
        let is_refund = refund.kind == Kind::Refund;
        if let Some(sum) = refund
            .sale
            .filter(|_| is_refund)
            .and_then(|sale| refunds.get_mut(&sale))
        {
            *sum = sum.with(KnownRefunds::of(&refund));
        }
    }
    let too_much = sales.into_iter().filter_map(|(place, planned)| {
        let here = refunds
            .get(&planned.event.key())
            .copied()
            .unwrap_or_default();
        let (row, difference) = known.sent_too_much(planned.event, here)?;
        Some((place, row, difference))
    });
    too_much.collect()
}

/// Says of which sales less counts, as these exports say, than an earlier run sent.
fn note_counted_less(job: &mut Job, known: &Known) {
    let mut too_much = Tally::default();
    let mut first = None;
    for (place, _, difference) in sent_too_much(job, known) {
        let sale = job.plan.event(place).event;
        too_much.add(sale.kind, Some(difference));
        first = first.or_else(|| take_back_row(sale, difference));
    }
    if let Some(row) = first {
        let message = format!(
            "an earlier run sent more than counts, as these exports say now: {too_much} too much"
        );
        let hint = format!(
            "take each difference back by a CSV of your own, the first by `{CSV_HEADER}` and `{row}`; tracked.csv of the run has the sales"
        );
        job.problems
            .push(Problem::warning("counts-less", message).hint(hint));
    }
}

/// Returns the events that a report handed back says may have been recorded, that this journal does not
/// know, and that would be sent again. Where the journal knows them, they are not sent.
pub(super) fn repeated_unconfirmed(job: &Job, known: &Known) -> Tally {
    let mut repeated = Tally::default();
    if job.unconfirmed.is_empty() {
        return repeated;
    }
    for planned in job.plan.events() {
        let key = planned.event.key();
        let is_new = planned.state == PlanState::ToSend && known.events.get(key).is_none();
        if is_new && job.unconfirmed.contains(&key) {
            repeated.add(planned.event.kind, planned.event.money);
        }
    }
    repeated
}

/// Says which events may count twice, so that `--yes` hides no question.
fn note_repeated(job: &mut Job, known: &Known) {
    let repeated = repeated_unconfirmed(job, known);
    if repeated.count() > 0 {
        let message = format!(
            "events that this journal does not know are unconfirmed in a report: {repeated}; they may be recorded already, and would then count twice"
        );
        job.problems.push(
            Problem::warning("repeats-unconfirmed", message).hint(
                "look them up in FirstPromoter, and remove the rows of those that are there; or pass the journal of the report's run with `--journal FILE`, which does not send them again",
            ),
        );
    }
}

fn to_send(job: &Job) -> impl Iterator<Item = Event> {
    let planned = job.plan.events();
    let planned = planned.filter(|planned| planned.state == PlanState::ToSend);
    planned.map(|planned| planned.event.to_event())
}

/// What the journal knows, if there is one.
fn known(settings: &Settings, unplanned: &Unplanned) -> Result<Known, CliError> {
    match JournalReader::open(&settings.journal)? {
        Some(journal) => Ok(journal.known_for(|| unplanned.wanted())?),
        None => Ok(Known::default()),
    }
}

fn show(
    job: &Job,
    reading: &Reading,
    estimate: Estimate,
    settings: &Settings,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let omitted = job.problems.omitted().map(|(_, n)| n).sum();
    terminal.problems(job.problems.kept(), omitted);
    if terminal.json() {
        let output = PlanOutput {
            schema: SCHEMA,
            reading,
            estimate,
            problems: job.problems.kept(),
            problems_omitted: omitted,
        };
        return terminal.write_json(&output);
    }
    terminal.human(&tables::reading(reading));
    terminal.human(&format!(
        "\nThe books balance. Sending takes {} and about {} at {} a minute.",
        tables::count(estimate.requests, "request"),
        estimate.in_words(),
        settings.requests_per_minute
    ));
    let Some(list) = estimate.lead_list else {
        if estimate.seconds >= LONG_SECONDS {
            terminal.human(
                "Are few of your customers leads? Then `--lead-list` saves most of these requests; `plan --lead-list` shows how many.",
            );
        }
        return Ok(());
    };
    let without = Estimate {
        requests: list.requests_without,
        seconds: list.seconds_without,
        lead_list: None,
    };
    terminal.human(&format!(
        "That is with the list of the account's {} ({}); without it, {} and about {}.",
        tables::count(list.leads, "lead"),
        tables::count(list.requests, "request"),
        tables::count(without.requests, "request"),
        without.in_words()
    ));
    Ok(())
}

/// Rows rejected and events held need attention, in a plan as in a run.
fn exit_of(reading: &Reading) -> Exit {
    let is_held = |state: &PlanState| state.is_held() && reading.events.of(*state).count() > 0;
    match reading.rows.rejected > 0 || PlanState::ALL.iter().any(is_held) {
        true => Exit::Attention,
        false => Exit::Done,
    }
}
