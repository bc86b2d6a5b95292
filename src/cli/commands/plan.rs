//! `fprecon plan`: shows what would be sent.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;

use super::account_check::{self, expect_account, fetch_into, treatment};
use super::destination::{Destination, no_lead_list};
use super::doctor::{RunRefusal, rate_warning, refusals_of_run};
use super::estimate::Estimate;
use super::next;
use super::output_place::expect_no_input_at;
use super::to_be_sent::{UnpaidHistory, to_send};
use crate::cli::arguments::{Common, PlanArguments};
use crate::cli::date_range::date_range;
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice, ExportPlanner};
use crate::cli::open_exports::OpenExports;
use crate::cli::plan_tables::{self, PlannedSpan};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::job::{AccountFindings, ExportTotals, InAccount, Job, JobFigures, SourceRows};
use crate::journal::{JournalHistory, JournalReader, PlanState};
use crate::problem::Problem;
use crate::report::{SCHEMA, write_plan_events};
use crate::send::LeadList;
use crate::tracking::check_base_url;

/// The duration of sending, in seconds, from which on the plan recommends the list of leads.
const LONG_SECONDS: u64 = 600;

/// The object that `plan --json` prints.
#[derive(Serialize)]
struct PlanOutput<'j> {
    schema: u32,
    #[serde(flatten)]
    reading: &'j JobFigures,
    /// The totals of the amount column of each export, in the order of `inputs`, to compare with the
    /// provider's page.
    totals: &'j [ExportTotals],
    /// The customers of the events that were read.
    customers: u64,
    /// The first and the last day of these events, in UTC.
    days: Option<[String; 2]>,
    estimate: Estimate,
    /// The sales that are so old that their commissions may have been paid before; absent if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    unpaid_history: Option<&'j UnpaidHistory>,
    /// What came of comparing the sales to send with the account; absent if they were not compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_check: Option<&'j AccountFindings>,
    /// The reasons why a run would refuse to send, as far as looking tells.
    run_refusals: &'j [RunRefusal],
    problems: &'j [Problem],
    problems_omitted: u64,
}

pub(in crate::cli) fn plan(
    common: &Common,
    arguments: &PlanArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load(common, None)?;
    check_base_url(&settings.api.base_url)?;
    let choice = Choice::load(common, &settings)?;
    let exports = opened(common, arguments, &settings, &choice)?;
    let planner = ExportPlanner::new(&choice, &settings, terminal, arguments.link.link.as_deref())?
        .within(date_range(&arguments.range, &settings)?)
        .with_in_account(treatment(
            arguments.in_account.treatment,
            InAccount::AsBefore,
        ));
    let is_compared = arguments.check_account || arguments.in_account.is_compared();
    if is_compared {
        expect_account(common)?;
    }
    // The journal as it is when the exports are read, if there is one.
    let mut journal = None;
    let history = |wanted: &dyn Fn() -> _| {
        // A list takes minutes, and an open journal keeps a run from moving its log.
        if is_compared && planner.account().get().is_none() {
            let target = Destination::choose(common, &settings, terminal)?;
            fetch_into(planner.account(), &target, &settings, terminal)?;
        }
        journal = JournalReader::open(&settings.journal)?;
        match &journal {
            Some(journal) => Ok((journal.known_for(wanted)?, journal.commits()?)),
            None => Ok((JournalHistory::default(), 0)),
        }
    };
    let now = Timestamp::now();
    let (mut job, _) = planner.plan_files(
        exports,
        || Ok(SourceRows::dropped()),
        now,
        history,
        |_| false,
    )?;
    if let Some(path) = &arguments.events {
        write_events(&job, path, terminal)?;
    }
    let to_send_count = job.reading.events.for_state(PlanState::ToSend).count();
    let mut estimate = Estimate::new(to_send_count - job.plan.restated_count(), &settings);
    if arguments.lead_list {
        match lead_list(common, &settings, &mut journal, terminal)? {
            Ok(list) => {
                let asked_for = list.asked_for(to_send(&job)) as u64;
                estimate = estimate.with_list(&list, asked_for, &settings);
            }
            Err(reason) => job.problems.push(no_lead_list(&reason)),
        }
    }
    let commands = next::commands(common, &settings);
    job.problems.edit(|problem| commands.complete(problem));
    job.problems.extend(rate_warning(common, &settings));
    let refusals = refusals_of_run(common, &settings, journal.as_ref());
    let history = UnpaidHistory::find(&job, &settings, journal.as_ref(), now)?;
    let beside = (refusals.as_slice(), history.as_ref());
    show(&job, estimate, &settings, terminal, beside)?;
    say_refusals(&refusals, &commands.command("doctor"), terminal);
    Ok(exit_of(&job))
}

/// Opens the exports, and checks that the file of events is written over none of them.
fn opened(
    common: &Common,
    arguments: &PlanArguments,
    settings: &EffectiveSettings,
    choice: &Choice,
) -> Result<OpenExports, CliError> {
    let exports = exports::open_for(choice, &arguments.exports, (common, settings))?;
    if let Some(path) = &arguments.events {
        let link = arguments.link.link.as_deref();
        let inputs = exports.paths().chain(link);
        expect_no_input_at("--events", path, settings, inputs)?;
    }
    Ok(exports)
}

/// Writes the events of the plan to a CSV.
fn write_events(job: &Job, path: &Path, terminal: &Terminal) -> Result<(), CliError> {
    let paths: Vec<String> = job.inputs.iter().map(|input| input.path.clone()).collect();
    let event_at = |turn| job.plan.event(job.plan.place_of_turn(turn));
    write_plan_events(job.plan.events().len(), event_at, &paths, path)?;
    terminal.note(&format!(
        "{} written to {}",
        tables::count(job.reading.events.read.count(), "event"),
        path.display()
    ));
    Ok(())
}

/// Reads the list of leads, or returns the reason why it would not be used. The journal is opened again behind it:
/// a list takes minutes, and an open journal keeps a run from moving its log.
fn lead_list(
    common: &Common,
    settings: &EffectiveSettings,
    journal: &mut Option<JournalReader>,
    terminal: &Terminal,
) -> Result<Result<LeadList, String>, CliError> {
    drop(journal.take());
    let list = Destination::choose(common, settings, terminal)?.lead_list(settings);
    *journal = JournalReader::open(&settings.journal)?;
    let mut list = match list {
        Ok(list) => list,
        Err(reason) => return Ok(Err(reason)),
    };
    let doubt = list.doubt(journal.as_ref())?;
    Ok(doubt.map_or(Ok(list), Err))
}

fn show(
    job: &Job,
    estimate: Estimate,
    settings: &EffectiveSettings,
    terminal: &Terminal,
    (refusals, history): (&[RunRefusal], Option<&UnpaidHistory>),
) -> Result<(), CliError> {
    let omitted = job.problems.omitted().map(|(_, n)| n).sum();
    terminal.problems(job.problems.kept(), omitted);
    let span = PlannedSpan::new(job.plan.unordered().map(|(_, planned)| planned.event));
    if terminal.is_json() {
        let output = PlanOutput {
            schema: SCHEMA,
            reading: &job.reading,
            totals: &job.totals,
            customers: span.customers(),
            days: span.days(),
            estimate,
            unpaid_history: history,
            account_check: job.plan.in_account.as_ref(),
            run_refusals: refusals,
            problems: job.problems.kept(),
            problems_omitted: omitted,
        };
        return terminal.write_json(&output);
    }
    terminal.human(&plan_tables::exports(job));
    if job.reading.events.read.count() > 0 {
        terminal.human(&format!("Events {}", span.in_words()));
    }
    terminal.human(&format!(
        "\n{}",
        tables::plan_table(&job.reading, terminal.width())
    ));
    terminal.human(&format!(
        "\nThe books balance. Sending takes {} and about {} at {} a minute.",
        tables::count(estimate.requests, "request"),
        estimate.in_words(),
        settings.send.requests_per_minute
    ));
    if let Some(found) = &job.plan.in_account {
        terminal.human(&format!("\n{}", account_check::in_words(found)));
    }
    if let Some(history) = history {
        terminal.human(&format!("\n{}", history.in_words()));
    }
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

/// Says for people why a run would refuse to send.
fn say_refusals(refusals: &[RunRefusal], doctor: &str, terminal: &Terminal) {
    if refusals.is_empty() {
        return;
    }
    let mut lines = vec!["\nA run would refuse to send:".to_owned()];
    let messages = refusals.iter().map(|refusal| &refusal.message);
    lines.extend(messages.map(|message| format!("  {message}")));
    lines.push(format!("What to do: {doctor}"));
    terminal.human(&lines.join("\n"));
}

/// Returns the exit code: rejected rows, held events and withdrawn sales need attention, in a plan as in a run. So do
/// sales that the account has already, and those that could not be compared with it.
fn exit_of(job: &Job) -> Exit {
    let reading = &job.reading;
    let is_held =
        |state: &PlanState| state.is_held() && reading.events.for_state(*state).count() > 0;
    let is_any_held = PlanState::ALL.iter().any(is_held);
    let account = job.plan.in_account.as_ref();
    let is_in_account = account.is_some_and(AccountFindings::needs_attention);
    if is_in_account || reading.rows.rejected > 0 || is_any_held || !job.withdrawn.is_empty() {
        Exit::Attention
    } else {
        Exit::Done
    }
}
