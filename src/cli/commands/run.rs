//! `fprecon run`: plan, send, report.

use jiff::Timestamp;

use super::accept::who;
use super::delivery::{self, Target};
use super::next;
use super::plan::Estimate;
use super::report_place::expect_no_input_in;
use super::resume::confirm_repeat;
use crate::cli::arguments::{Common, RunArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice, Planner};
use crate::cli::settings::Settings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::job::Reading;
use crate::journal::{Journal, PlanState, RunCommand};
use crate::problem::Problem;
use crate::record::{NewJob, record};
use crate::report::Formats;

pub(in crate::cli) fn run(
    common: &Common,
    arguments: &RunArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let mut settings = Settings::load(common, Some(&arguments.pace))?;
    settings.lead_list |= arguments.lead_list.is_wanted;
    let choice = Choice::load(common, &settings)?;
    let exports = exports::open(&arguments.exports, common, choice.profiles.lines_above())?;
    let read_beside = [
        arguments.link.link.as_deref(),
        settings.resolutions.as_deref(),
    ];
    let inputs = exports.paths().chain(read_beside.into_iter().flatten());
    expect_no_input_in(arguments.pace.dir.as_deref(), &Formats::default(), inputs)?;
    let planner = Planner {
        choice: &choice,
        settings: &settings,
        terminal,
        rules: exports::rules(arguments.link.link.as_deref(), &settings)?,
        is_for_sending: true,
    };
    let now = Timestamp::now();
    // The journal is locked once the exports are read, and stays so until the run ends.
    let mut opened = None;
    let (mut job, known) = planner.plan(exports, exports::source_rows()?, now, |wanted| {
        let target = Target::choose(common, &settings, terminal)?;
        let journal = Journal::open(&settings.journal, target.account(), "run", now)?;
        let known = journal.known_for(wanted)?;
        opened = Some((target, journal));
        Ok(known)
    })?;
    let (target, mut journal) = opened.expect("a job is planned by what its journal knows");
    let mut commands = next::commands(common, &settings);
    job.problems.edit(|problem| commands.complete(problem));
    let omitted = job.problems.omitted().map(|(_, n)| n).sum();
    terminal.plan_problems(job.problems.kept(), omitted);
    terminal.human(&tables::reading(&job.reading));
    terminal.check_output()?;
    if job.repeated_unconfirmed.count() > 0 {
        confirm_repeat(common, terminal)?;
    }
    confirm(common, &job.reading, &settings, &target, terminal)?;

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
    if let Some(link) = &arguments.link.link {
        commands = commands.with_reading("--link", link.display().to_string());
    }
    let pace = &arguments.pace;
    delivery::deliver(journal, run, &target, &settings, pace, &commands, terminal)
}

/// Nothing leaves before somebody has said yes.
fn confirm(
    common: &Common,
    reading: &Reading,
    settings: &Settings,
    target: &Target,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let to_send = reading.events.of(PlanState::ToSend).count();
    if common.yes || to_send == 0 {
        return Ok(());
    }
    let estimate = Estimate::of(to_send, settings);
    let question = format!(
        "Send {} to {} in {} {}?",
        tables::count(to_send, "event"),
        target.name(),
        match settings.lead_list {
            true => "at most",
            false => "about",
        },
        estimate.in_words()
    );
    match terminal.ask(&question) {
        Some(true) => Ok(()),
        Some(false) => Err(CliError::unusable(
            Problem::error("not-confirmed", "nothing was sent").hint("answer `y` to send"),
        )),
        None => Err(CliError::usage(
            Problem::error(
                "not-confirmed",
                "cannot ask for confirmation: standard input is not a terminal",
            )
            .hint("pass `--yes` to send; `fprecon plan` shows what would be sent"),
        )),
    }
}
