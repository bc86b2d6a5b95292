//! `fprecon undo`: refunds what is left of the sales of a run, as a run of its own.

mod account;
pub(super) mod again;

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::Serialize;

use super::confirm::{self, NOTHING_SENT};
use super::delivery::RunDelivery;
use super::destination::Destination;
use super::estimate::Estimate;
use super::next;
use super::paid_commissions::{PaidOf, paid_table};
use super::report::run_named;
use super::report_place::{expect_own_or_free, is_file_of_run};
use super::resume::{nothing_to_do, require_journal};
use super::who::who;
use crate::cli::arguments::{Common, UndoArguments};
use crate::cli::ended::Ended;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::event::Tally;
use crate::job::{EventsSummary, JobFigures, Rows};
use crate::journal::{
    AccountCheck, EventRow, Journal, JournalReader, PlanState, RunCommand, RunRecord,
};
use crate::problem::{Problem, ProblemCode};
use crate::record::{NewJob, record_undo};
use crate::report::items::accepted_events;
use crate::report::{Commands, SCHEMA};
use crate::undo::{self, PaidToPromoter, UndoPlan};

/// The object that `--json` prints if the refunds were not confirmed, and nothing was sent.
#[derive(Serialize)]
struct UndoPlanOutput {
    schema: u32,
    undoes: String,
    events: EventsSummary,
    /// The events that the run has left to send, and that would not be sent any more.
    left_out: Tally,
    /// What the account says of the sales; null if it was not read.
    account_check: Option<AccountCheck>,
    /// The commissions of the sales to undo that are marked as paid, by promoter.
    paid_commissions: Vec<PaidToPromoter>,
    problems: Vec<Problem>,
    exit_code: u8,
}

pub(in crate::cli) fn undo(
    common: &Common,
    arguments: &UndoArguments,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    let pace = &arguments.pace;
    let mut settings = EffectiveSettings::load(common, Some(pace))?;
    // What was tracked is a lead's, whatever the list says.
    settings.send.lead_list = false;
    require_journal(&settings)?;
    let commands = next::commands(common, &settings);
    let target = Destination::choose(common, &settings, terminal)?;
    let now = Timestamp::now();
    let mut journal = Journal::open(&settings.journal, target.account(), "undo", now)?;
    expect_own_or_free(pace.dir.as_deref(), &is_file_of_run, &journal)?;
    let run = run_named(&journal, &arguments.run)?;
    expect_to_undo(&journal, &run)?;
    let accepted: HashSet<EventRow> = accepted_events(&journal)?.into_iter().collect();
    let mut plan = undo::plan(&journal, &run, &accepted, now)?;
    expect_finished(&plan, &run)?;
    account::compare(
        &mut plan,
        (arguments, &commands),
        &settings,
        &target,
        (&journal, &run),
        terminal,
    )?;
    plan.problems.edit(|problem| commands.complete(problem));
    let omitted = plan.problems.omitted().map(|(_, n)| n).sum();
    terminal.plan_problems(plan.problems.kept(), omitted);
    if plan.is_empty() {
        let why = match plan.refunded.count() {
            0 => "it has no tracked sale",
            _ => "its tracked sales are refunded in full already",
        };
        journal.record_refunded_by_others(&plan.refunded_by_others, now)?;
        let message = format!("nothing to undo of the run {}: {why}", run.name);
        return nothing_to_do(journal, &message, &settings, &commands, terminal);
    }
    let figures = figures(&plan);
    figures.check()?;
    show(&run, &plan, &figures, &settings, terminal);
    terminal.check_output()?;
    match confirm_undo(common, (&run, &plan), &settings, &target, terminal) {
        Confirmed::Yes => {}
        Confirmed::No => return confirm::cancelled(terminal, NOTHING_SENT).map(Ended::cancelled),
        Confirmed::Nobody => {
            return not_confirmed((&run, plan), figures, (arguments, &commands), terminal);
        }
    }
    let new = NewJob {
        command: RunCommand::Undo,
        started: Timestamp::now(),
        by: &who(),
    };
    journal.record_refunded_by_others(&plan.refunded_by_others, now)?;
    let undo = record_undo(&mut journal, &new, &run, &plan)?;
    drop(plan);
    if let Some(options) = commands.to_kept() {
        journal.record_options(undo, &options)?;
    }
    RunDelivery::new(&target, &settings, pace, &commands, terminal).deliver(journal, undo)
}

/// Refuses to undo an undo.
fn expect_to_undo(journal: &JournalReader, run: &RunRecord) -> Result<(), CliError> {
    let Some(undone) = run.undoes else {
        return Ok(());
    };
    let undone = journal.run(undone)?.map(|run| run.name);
    let message = format!(
        "the run `{}` undoes the run `{}`, and an undo can't be undone: FirstPromoter takes no sale a second time under its id",
        run.name,
        undone.unwrap_or_default()
    );
    Err(CliError::unusable(
        Problem::error(ProblemCode::UndoRefused, message)
            .hint("to import the sales again, send them under other ids, with a CSV of your own"),
    ))
}

/// Refuses to plan while refunds of an earlier undo are left to send.
fn expect_finished(plan: &UndoPlan, run: &RunRecord) -> Result<(), CliError> {
    if plan.unfinished == 0 {
        return Ok(());
    }
    let message = format!(
        "an earlier undo of sales of the run `{}` is not finished: {} left to send",
        run.name,
        tables::count(plan.unfinished, "refund")
    );
    Err(CliError::unusable(
        Problem::error(ProblemCode::UndoRefused, message).hint("`fprecon resume` sends them"),
    ))
}

/// Returns the refunds by what is to happen with them.
fn figures(plan: &UndoPlan) -> JobFigures {
    let states = [
        (PlanState::ToSend, plan.tally_to_send()),
        (PlanState::Settled, plan.earlier.clone()),
        (PlanState::Unlinked, plan.tally_held()),
    ];
    let by_plan: BTreeMap<PlanState, Tally> = states.into_iter().collect();
    let mut read = Tally::default();
    for tally in by_plan.values() {
        read.add_tally(tally);
    }
    JobFigures {
        inputs: Vec::new(),
        skipped: Vec::new(),
        rows: Rows::default(),
        ignored: Vec::new(),
        events: EventsSummary { read, by_plan },
    }
}

/// Prints the plan.
fn show(
    run: &RunRecord,
    plan: &UndoPlan,
    figures: &JobFigures,
    settings: &EffectiveSettings,
    terminal: &Terminal,
) {
    terminal.human_line(&format!(
        "Undo of the run {}: refunds of all that is left of its tracked sales",
        run.name
    ));
    terminal.human(&tables::reading(figures, terminal.width()));
    if plan.refunded.count() > 0 {
        terminal.human(&format!(
            "\nRefunded in full already, by other refunds: {}",
            plan.refunded
        ));
    }
    if let Some(words) = account::in_words(plan) {
        terminal.human(&format!("\n{words}"));
    }
    if !plan.paid.is_empty() {
        let table = paid_table(&plan.paid, PaidOf::ToUndo, settings.api.account_currency);
        terminal.human(&format!("\n{table}"));
    }
    let unsent = plan.tally_unsent();
    if unsent.count() > 0 {
        terminal.human(&format!(
            "\nThe run has left events to send, which would not be sent any more: {unsent}"
        ));
    }
}

enum Confirmed {
    Yes,
    No,
    /// Nobody can be asked.
    Nobody,
}

/// Asks before anything is sent.
fn confirm_undo(
    common: &Common,
    (run, plan): (&RunRecord, &UndoPlan),
    settings: &EffectiveSettings,
    target: &Destination,
    terminal: &Terminal,
) -> Confirmed {
    let to_send = plan.tally_to_send();
    if common.yes || to_send.count() == 0 && plan.unsent.is_empty() {
        return Confirmed::Yes;
    }
    let estimate = Estimate::new(to_send.count(), settings);
    terminal.prompt_lines(&format!(
        "To be sent to {}:\n  {to_send}\n  in about {}, at {} requests a minute",
        target.described(),
        estimate.in_words(),
        settings.send.requests_per_minute,
    ));
    let question = format!("Undo the run {}?", run.name);
    match terminal.ask(&question) {
        Some(true) => Confirmed::Yes,
        Some(false) => Confirmed::No,
        None => Confirmed::Nobody,
    }
}

/// Ends an undo that nobody has confirmed: its plan was shown, and nothing was sent.
fn not_confirmed(
    (run, plan): (&RunRecord, UndoPlan),
    figures: JobFigures,
    (arguments, commands): (&UndoArguments, &Commands),
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    let unchecked = if arguments.check.is_left_out {
        " --no-account-check"
    } else {
        ""
    };
    let command = commands.command(&format!("undo {}{unchecked} --yes", run.name));
    let problem = confirm::nothing_sent(&command, "sends the refunds");
    terminal.problems(std::slice::from_ref(&problem), 0);
    let mut problems = vec![problem];
    if terminal.is_json() {
        problems.extend(plan.problems.kept().iter().cloned());
        terminal.write_json(&UndoPlanOutput {
            schema: SCHEMA,
            undoes: run.name.clone(),
            events: figures.events,
            left_out: plan.tally_unsent(),
            account_check: plan.account.clone(),
            paid_commissions: plan.paid.clone(),
            problems: problems.clone(),
            exit_code: Exit::Usage as u8,
        })?;
    }
    problems.truncate(1);
    Ok(Ended::failed(Exit::Usage, problems))
}
