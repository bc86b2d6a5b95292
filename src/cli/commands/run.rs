//! `fprecon run`: plans, sends, and reports.

use std::cell::Cell;
use std::num::NonZeroU64;

use jiff::Timestamp;

use super::account_check::{self, expect_account, fetch_into, treatment};
use super::after_loss;
use super::confirm::{self, Confirmation, NOTHING_SENT};
use super::delivery::RunDelivery;
use super::destination::Destination;
use super::doctor::rate_warning;
use super::next;
use super::report_place::{expect_no_input_in, expect_own_or_free, is_file_of_run};
use super::resume::confirm_repeat;
use super::to_be_sent::{UnpaidHistory, expected_commission, what_is_sent};
use super::who::who;
use crate::cli::arguments::{Common, RunArguments};
use crate::cli::date_range::{self, date_range};
use crate::cli::ended::Ended;
use crate::cli::error::CliError;
use crate::cli::exports::{self, Choice, ExportPlanner};
use crate::cli::open_exports::OpenExports;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::job::{InAccount, Job};
use crate::journal::{HistoryRequest, Journal, JournalHistory, PlanState, RunCommand};
use crate::record::{NewJob, record};
use crate::report::Commands;

pub(in crate::cli) fn run(
    common: &Common,
    arguments: &RunArguments,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    let mut settings = EffectiveSettings::load(common, Some(&arguments.pace))?;
    settings.send.lead_list |= arguments.lead_list.is_wanted;
    terminal.problems(rate_warning(common, &settings).as_slice(), 0);
    let choice = Choice::load(common, &settings)?;
    let exports = opened(common, arguments, &settings, &choice)?;
    let planner = ExportPlanner::new(&choice, &settings, terminal, arguments.link.link.as_deref())?
        .within(date_range(&arguments.range, &settings)?)
        .with_in_account(treatment(
            arguments.in_account.treatment,
            InAccount::HoldIfListed,
        ));
    if arguments.in_account.is_compared() {
        expect_account(common)?;
    }
    let PlannedRun {
        mut job,
        known,
        target,
        mut journal,
    } = planned(&planner, exports, (common, arguments, &settings), terminal)?;
    expect_own_or_free(arguments.pace.dir.as_deref(), &is_file_of_run, &journal)?;
    let commands = next::commands(common, &settings);
    job.problems.extend(after_loss::open_payout(&journal)?);
    job.problems.edit(|problem| commands.complete(problem));
    show(&job, terminal)?;
    let before = BeforeSending {
        common,
        first: arguments.first,
        settings: &settings,
        target: &target,
        journal: &journal,
        terminal,
    };
    let is_repeat = job.repeated_unconfirmed.count() > 0;
    if is_repeat && confirm_repeat(common, terminal)? == Confirmation::No
        || before.confirm_sending(&job)? == Confirmation::No
    {
        return confirm::cancelled(terminal, NOTHING_SENT).map(Ended::cancelled);
    }

    let run = record(
        &mut journal,
        &NewJob {
            command: RunCommand::Run,
            started: Timestamp::now(),
            by: &who(),
        },
        &mut job,
        &known,
    )?;
    drop((job, known));
    let commands = with_reading(commands, arguments);
    if let Some(options) = commands.to_kept() {
        journal.record_options(run, &options)?;
    }
    let pace = &arguments.pace;
    let delivery = RunDelivery {
        first: arguments.first,
        ..RunDelivery::new(&target, &settings, pace, &commands, terminal)
    };
    delivery.deliver(journal, run)
}

/// Opens the exports, and checks that the report is written over nothing that is read.
fn opened(
    common: &Common,
    arguments: &RunArguments,
    settings: &EffectiveSettings,
    choice: &Choice,
) -> Result<OpenExports, CliError> {
    let exports = exports::open_for(choice, &arguments.exports, (common, settings))?;
    let read_beside = [
        arguments.link.link.as_deref(),
        settings.link.resolutions.as_deref(),
    ];
    let inputs = exports.paths().chain(read_beside.into_iter().flatten());
    let directory = arguments.pace.dir.as_deref();
    expect_no_input_in(directory, &is_file_of_run, settings, inputs)?;
    Ok(exports)
}

/// Shows what was read and planned.
fn show(job: &Job, terminal: &Terminal) -> Result<(), CliError> {
    let omitted = job.problems.omitted().map(|(_, n)| n).sum();
    terminal.plan_problems(job.problems.kept(), omitted);
    terminal.human(&tables::reading(&job.reading, terminal.width()));
    if let Some(found) = &job.plan.in_account {
        terminal.human(&format!("\n{}", account_check::in_words(found)));
    }
    terminal.check_output()
}

/// Adds the options of a run by which its exports are read, for the commands that read them again.
fn with_reading(commands: Commands, arguments: &RunArguments) -> Commands {
    let mut commands = commands;
    if let Some(link) = &arguments.link.link {
        commands = commands.with_reading("--link", link.display().to_string());
    }
    for (name, value) in date_range::options(&arguments.range) {
        commands = commands.with_reading(name, value);
    }
    commands
}

/// Holds a job that is planned by what its journal knows.
struct PlannedRun {
    job: Job,
    known: JournalHistory,
    target: Destination,
    journal: Journal,
}

/// Plans the exports, with the account's list where that is asked for, or needed after a loss.
fn planned(
    planner: &ExportPlanner<'_>,
    exports: OpenExports,
    (common, arguments, settings): (&Common, &RunArguments, &EffectiveSettings),
    terminal: &Terminal,
) -> Result<PlannedRun, CliError> {
    let now = Timestamp::now();
    let is_list_needed = Cell::new(arguments.in_account.is_compared());
    // The journal is locked once the exports are read, and stays so until the run ends.
    let mut opened = None;
    let history = |wanted: &dyn Fn() -> HistoryRequest| {
        let (target, journal) = match opened.take() {
            Some(opened_before) => opened.insert(opened_before),
            None => {
                let target = Destination::choose(common, settings, terminal)?;
                let journal = Journal::open(&settings.journal, target.account(), "run", now)?;
                opened.insert((target, journal))
            }
        };
        if is_list_needed.get() {
            fetch_into(planner.account(), target, settings, terminal)?;
        }
        Ok((journal.known_for(wanted)?, journal.commits()?))
    };
    // After a loss, the account's list says what the journal does not know any more.
    let is_planned_again = |job: &Job| {
        let is_needed = job.plan.refunds_in_doubt > 0 && !common.sandbox;
        is_needed && !is_list_needed.replace(true)
    };
    let planned = planner.plan_files(
        exports,
        exports::source_rows,
        now,
        history,
        is_planned_again,
    );
    let (job, known) = planned?;
    let (target, journal) = opened.expect("a job is planned by what its journal knows");
    Ok(PlannedRun {
        job,
        known,
        target,
        journal,
    })
}

/// Holds what is known before a run sends anything.
struct BeforeSending<'r> {
    common: &'r Common,
    /// The number of events to send before the others, if only a part is sent first.
    first: Option<NonZeroU64>,
    settings: &'r EffectiveSettings,
    target: &'r Destination,
    journal: &'r Journal,
    terminal: &'r Terminal,
}

impl BeforeSending<'_> {
    /// Asks before anything is sent, and shows first what would be.
    fn confirm_sending(&self, job: &Job) -> Result<Confirmation, CliError> {
        let BeforeSending {
            common,
            first,
            settings,
            target,
            journal,
            terminal,
        } = *self;
        let to_send = job.reading.events.for_state(PlanState::ToSend);
        if common.yes || to_send.count() == 0 {
            return Ok(Confirmation::Yes);
        }
        let reader = Some(journal.reader());
        let commission = expected_commission(&to_send, settings, reader)?;
        let mut lines = what_is_sent(job, &to_send, settings, target, &commission);
        if let Some(history) = UnpaidHistory::find(job, settings, reader, Timestamp::now())? {
            lines.push_str(&format!("\n{}", history.in_words()));
        }
        let is_first_run = !target.is_sandbox() && journal.latest_run()?.is_none();
        if is_first_run && first.is_none() && to_send.count() > 1 {
            lines.push_str(
                "\nThis journal has sent nothing yet: `--first 1` sends one event, shows the answer, and asks before the rest.",
            );
        }
        terminal.prompt_lines(&lines);
        let all = tables::count(to_send.count(), "event");
        let question = match first {
            Some(first) if first.get() < to_send.count() => format!("Send {first} of {all} first?"),
            _ => format!("Send {all}?"),
        };
        confirm::ask(common, terminal, &question, || {
            confirm::cannot_ask("pass `--yes` to send; `fprecon plan` shows what would be sent")
        })
    }
}
