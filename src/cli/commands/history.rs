//! `fprecon history`: what is put right after an import. `mark-paid` marks the commissions of imported sales as paid, by
//! payouts; `customer-since` makes leads customers since their first sale.

mod account;
mod customer_since;
mod marking;
mod output;

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use self::account::AccountReader;
use self::marking::{EarlyEnd, Marking, WorkEnd};
use self::output::MarkReport;
use super::account_check::expect_account;
use super::confirm::{self, Confirmation, NOTHING_SENT};
use super::destination::Destination;
use super::next;
use super::report::runs_named;
use super::report_place::{default_place, expect_no_input_in, expect_reachable, redactor};
use super::resume::require_journal;
use crate::cli::arguments::{Common, HistoryCommand, MarkPaidArguments, RangeArguments};
use crate::cli::date_range::date_range;
use crate::cli::ended::Ended;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::terminal::Terminal;
use crate::event::EventKey;
use crate::job::DateRange;
use crate::journal::{AttentionCode, Journal, JournalReader};
use crate::paid_marks::{OwnEvents, TimeLimit};
use crate::problem::{Problem, ProblemCode, causes};
use crate::report::{Commands, MARKED_PAID_FILE, ReportError, write_marked_paid};
use crate::tracking::Version;

pub(in crate::cli) fn history(
    common: &Common,
    command: &HistoryCommand,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    match command {
        HistoryCommand::MarkPaid(arguments) => mark_paid(common, arguments, terminal),
        HistoryCommand::CustomerSince(arguments) => {
            customer_since::customer_since(common, arguments, terminal)
        }
    }
}

fn mark_paid(
    common: &Common,
    arguments: &MarkPaidArguments,
    terminal: &Terminal,
) -> Result<Ended, CliError> {
    expect_account(common)?;
    let settings = settings(common, arguments)?;
    let command = command_again(arguments, &next::commands(common, &settings));
    let writes = |name: &str| name == MARKED_PAID_FILE;
    expect_no_input_in(arguments.dir.as_deref(), &writes, &settings, [])?;
    expect_reachable(arguments.dir.as_deref())?;
    let range = range_until(arguments, &settings)?;
    let until = TimeLimit {
        at: range.until.unwrap_or(Timestamp::MAX),
        zone: range.zone.clone(),
    };
    let target = Destination::choose(common, &settings, terminal)?;
    let now = Timestamp::now();
    let mut journal = Journal::open(&settings.journal, target.account(), "history", now)?;
    let own = own_events(&journal, &arguments.runs, &until)?;
    let redactor = arguments.redact.is_wanted.then(|| redactor(&journal));
    let mut report = MarkReport::new(arguments, &settings, redactor.transpose()?);
    report.unsettled = own.unsettled.clone();
    if own.is_empty() {
        terminal.human_line(&format!(
            "Nothing to mark: no tracked sale is dated in {range}"
        ));
        let exit = WorkEnd::Done.exit(report.needs_attention(), None);
        return report.finish(exit, Vec::new(), terminal);
    }
    let mut reader = AccountReader::new(&target, &settings, terminal)?;
    let call = (settings.api.version, &*command);
    let mut marking = Marking::read(&mut reader, &journal, &own, call)?;
    report.take(&marking.commissions, reader.requests());
    report.show_plan(terminal);
    terminal.check_output()?;
    let mut end = WorkEnd::Done;
    let has_work = marking.has_work();
    if has_work {
        let question = report.question(&marking, &target, terminal);
        let otherwise = || confirm::nothing_sent(&command, "marks them as paid");
        match confirm::ask(common, terminal, &question, otherwise) {
            Ok(Confirmation::Yes) => {}
            Ok(Confirmation::No) => {
                return confirm::cancelled(terminal, NOTHING_SENT).map(Ended::cancelled);
            }
            Err(CliError::Usage(problem)) => {
                return report.finish(Exit::Usage, vec![*problem], terminal);
            }
            Err(error) => return Err(error),
        }
        end = marking.work(&mut reader, &mut journal)?;
    }
    marking.settle(&mut reader, &mut journal, &own, &mut end)?;
    let (owed, settled) = own.undos_by_debt(&marking.commissions);
    journal.flag_undo_paid(&owed, &settled)?;
    report.take(&marking.commissions, reader.requests());
    let directory = report_directory(arguments.dir.as_deref(), ("mark-paid", now), &settings);
    let written = write_marked_paid(&directory, report.commissions());
    report.directory = written.is_ok().then_some(directory);
    let exit = end.exit(report.needs_attention(), reader.interruption());
    if has_work {
        report.show_result(terminal);
    }
    let problem = end.problem(&marking_words(settings.api.version), &command);
    let (exit, problems) = with_report(written, (exit, problem), &command)?;
    journal.close()?;
    report.finish(exit, problems, terminal)
}

/// Returns the settings of a call, which needs a journal.
fn settings(common: &Common, arguments: &MarkPaidArguments) -> Result<EffectiveSettings, CliError> {
    let mut settings = EffectiveSettings::load(common, None)?;
    if let Some(per_minute) = arguments.requests_per_minute {
        settings.send.requests_per_minute = per_minute;
    }
    require_journal(&settings)?;
    Ok(settings)
}

/// Returns what is said if the marking ends early.
fn marking_words(version: Version) -> EarlyEnd {
    EarlyEnd {
        interrupted: "interrupted before every commission was marked",
        advice_on_key: version.key_advice(),
        otherwise: "; or mark the commissions by hand in FirstPromoter",
    }
}

fn range_until(
    arguments: &MarkPaidArguments,
    settings: &EffectiveSettings,
) -> Result<DateRange, CliError> {
    let range = RangeArguments {
        since: None,
        until: Some(arguments.until.clone()),
    };
    date_range(&range, settings)
}

/// Returns the events that may be dated before `until`, of the runs with these names or of all.
fn own_events(
    journal: &JournalReader,
    names: &[String],
    until: &TimeLimit,
) -> Result<OwnEvents, CliError> {
    let runs = runs_named(journal, names)?;
    let mut own = OwnEvents::default();
    journal.for_each_amount_in_account(&[], |tracked| own.note(&tracked))?;
    journal.for_each_accepted(|record| {
        let is_open = record.withdrawn.is_none() && record.item.code == AttentionCode::UndoPaid;
        let id = record.item.event_id.as_deref().filter(|_| is_open);
        id.map(EventKey::from_id)
            .into_iter()
            .for_each(|key| own.note_accepted(key));
    })?;
    journal.for_each_unsettled_amount(&[], |event| own.note_open_undo(&event))?;
    journal.for_each_amount_in_account(&runs, |tracked| own.add(tracked, until))?;
    journal.for_each_unsettled_amount(&runs, |event| own.add_unsettled(&event, until))?;
    Ok(own)
}

/// Returns where the report of a command with this name goes that began at this time.
fn report_directory(
    chosen: Option<&Path>,
    (name, now): (&str, Timestamp),
    settings: &EffectiveSettings,
) -> PathBuf {
    let name = format!("{name}-{}", now.strftime("%Y-%m-%dT%H-%M-%SZ"));
    match chosen {
        Some(chosen) => chosen.to_owned(),
        None => default_place(settings, &name, |place| place.symlink_metadata().is_err()),
    }
}

/// Returns the exit code and the problems of a command, whose report may not be written: what it did is in the journal,
/// and the same command writes the report.
fn with_report(
    written: Result<(), ReportError>,
    (exit, problem): (Exit, Option<Problem>),
    command: &str,
) -> Result<(Exit, Vec<Problem>), CliError> {
    let mut problems = Vec::from_iter(problem);
    let error = match written {
        Ok(()) => return Ok((exit, problems)),
        Err(ReportError::Journal(error)) => return Err(error.into()),
        Err(error) => error,
    };
    problems.push(Problem::error(ProblemCode::Report, causes(&error)).hint(format!(
        "the journal is fine; check the permissions and the free space, then `{command}` writes the report beside the journal, and does nothing twice"
    )));
    let is_done = exit == Exit::Done;
    Ok((if is_done { Exit::Attention } else { exit }, problems))
}

/// Returns the command that does the same without a question.
fn command_again(arguments: &MarkPaidArguments, commands: &Commands) -> String {
    let mut words = vec![format!(
        "history mark-paid --until {}",
        arguments.until.words()
    )];
    words.extend(arguments.runs.iter().cloned());
    words.push("--yes".to_owned());
    commands.command(&words.join(" "))
}
