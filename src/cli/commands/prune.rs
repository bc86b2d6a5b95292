//! `fprecon journal prune`, and `[retention]`: removes what is settled and old.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::confirm::{self, Confirmation};
use super::who::who;
use crate::cli::arguments::{Common, JournalPruneArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::Terminal;
use crate::journal::{Journal, JournalError, JournalReader, Pruned, RunId};
use crate::problem::{Problem, ProblemCode};
use crate::report::open_items::open_unplanned;
use crate::report::{ReportId, SCHEMA, remove_report};

/// One part in this many of the file has to be free before `[retention]` gives the space back: what is free is used
/// by the next nights.
const FREE_PART_AFTER_RUN: u64 = 3;
/// The same for the command.
const FREE_PART: u64 = 20;

/// The object that `journal prune --json` prints.
#[derive(Serialize)]
struct PruneOutput {
    schema: u32,
    journal: String,
    before: String,
    /// The runs whose details were removed, and what these were.
    runs: u64,
    attempts: u64,
    rows: u64,
    held: u64,
    problems: u64,
    /// The reports that were removed.
    reports: u64,
    /// The runs that ended before that day and are kept whole, since something of them is open or was accepted.
    runs_kept: u64,
    bytes_before: u64,
    bytes_after: u64,
    problems_left: Vec<Problem>,
}

/// What is to be removed.
struct Removal {
    runs: Vec<RunId>,
    kept: u64,
}

/// What was removed.
struct Removed {
    pruned: Pruned,
    reports: u64,
    /// The reports that could not be removed.
    problems: Vec<Problem>,
}

pub(super) fn prune(
    common: &Common,
    settings: &EffectiveSettings,
    arguments: &JournalPruneArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let now = Timestamp::now();
    let before = start_of(arguments.before);
    let Some(reader) = JournalReader::open(&settings.journal)? else {
        return Err(CliError::no_journal(&settings.journal));
    };
    let account = reader.account()?;
    drop(reader);
    let bytes_before = bytes(&settings.journal);
    let mut journal = Journal::open(&settings.journal, &account, "journal prune", now)?;
    let removal = Removal::find(&journal, before)?;
    if !removal.runs.is_empty() {
        let question = format!(
            "Remove the details of {} before {}, and their reports? What prevents a second sending is kept.",
            count(removal.runs.len() as u64, "run"),
            arguments.before
        );
        let otherwise = || confirm::cannot_ask("pass `--yes`");
        if confirm::ask(common, terminal, &question, otherwise)? == Confirmation::No {
            return confirm::cancelled(terminal, "The journal was not changed.");
        }
    }
    let Removed {
        pruned,
        reports,
        mut problems,
    } = removal.carry_out(&mut journal, now)?;
    if let Err(error) = give_space_back(&mut journal, FREE_PART) {
        problems.push(not_pruned(format!(
            "what was removed is gone, but the file could not be made smaller: {}",
            crate::problem::causes(&error)
        )));
    }
    journal.close()?;
    let bytes_after = bytes(&settings.journal);
    terminal.problems(&problems, 0);
    terminal.human(&said(&pruned, reports, &removal, arguments.before));
    terminal.human(&format!(
        "The journal has {} KB, and had {} KB.",
        grouped((bytes_after / 1000).into()),
        grouped((bytes_before / 1000).into())
    ));
    if terminal.is_json() {
        terminal.write_json(&PruneOutput {
            schema: SCHEMA,
            journal: settings.journal.display().to_string(),
            before: arguments.before.to_string(),
            runs: pruned.runs,
            attempts: pruned.attempts,
            rows: pruned.rows,
            held: pruned.held,
            problems: pruned.problems,
            reports,
            runs_kept: removal.kept,
            bytes_before,
            bytes_after,
            problems_left: problems,
        })?;
    }
    Ok(Exit::Done)
}

/// Removes after a run what is older than `[retention]` says. A failure is a warning: the run has ended, and the next
/// one tries again.
pub(super) fn prune_after_run(
    journal: &mut Journal,
    settings: &EffectiveSettings,
    terminal: &Terminal,
) {
    let Some(days) = settings.retention.after_days else {
        return;
    };
    let now = Timestamp::now();
    let before = now - SignedDuration::from_hours(24 * i64::from(days.get()));
    let mut prune = || -> Result<Vec<Problem>, CliError> {
        let removed = Removal::find(journal, before)?.carry_out(journal, now)?;
        give_space_back(journal, FREE_PART_AFTER_RUN)?;
        Ok(removed.problems)
    };
    let problems = prune().unwrap_or_else(|error| {
        let problems = error.problems().into_iter();
        let messages = problems.map(|problem| problem.message);
        messages.map(not_pruned).collect()
    });
    terminal.problems(&problems, 0);
}

impl Removal {
    fn find(journal: &JournalReader, before: Timestamp) -> Result<Self, CliError> {
        let open: HashSet<RunId> = open_unplanned(journal)?
            .into_iter()
            .map(|(run, _)| run)
            .collect();
        let pruned = journal.pruned_runs()?;
        let runs = journal.prunable_runs(before, &open)?;
        let old = journal
            .runs(u32::MAX)?
            .into_iter()
            .filter(|run| run.started < before && !pruned.contains_key(&run.id));
        Ok(Removal {
            kept: old.count().saturating_sub(runs.len()) as u64,
            runs,
        })
    }

    /// Removes the reports, then the rest: a kill in between leaves a journal that can write the reports again, or
    /// that is pruned.
    fn carry_out(&self, journal: &mut Journal, now: Timestamp) -> Result<Removed, CliError> {
        let mut reports = 0;
        let mut problems = Vec::new();
        let id = journal.id()?;
        for &run in &self.runs {
            let Some(run) = journal.run(run)? else {
                continue;
            };
            let report = ReportId {
                journal: id.clone(),
                run: run.name,
            };
            let Some(directory) = run.report_dir else {
                continue;
            };
            match remove_report(Path::new(&directory), &report) {
                Ok(was_there) => reports += u64::from(was_there),
                Err(error) => {
                    let message = format!("the report can't be removed: {error}");
                    problems.push(not_pruned(message).at(directory, None));
                }
            }
        }
        Ok(Removed {
            pruned: journal.prune(&self.runs, &who(), now)?,
            reports,
            problems,
        })
    }
}

fn give_space_back(journal: &mut Journal, part: u64) -> Result<(), JournalError> {
    let (used, free) = journal.space()?;
    if free > 0 && free * part >= used + free {
        journal.give_space_back()?;
    }
    Ok(())
}

fn not_pruned(message: String) -> Problem {
    Problem::warning(ProblemCode::NotPruned, message)
}

/// Returns the first instant of a day, in UTC.
fn start_of(day: Date) -> Timestamp {
    let start = TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()));
    start.unwrap_or(Timestamp::MIN)
}

fn bytes(journal: &Path) -> u64 {
    fs::metadata(journal).map_or(0, |found| found.len())
}

fn said(pruned: &Pruned, reports: u64, removal: &Removal, before: Date) -> String {
    let kept = match removal.kept {
        0 => String::new(),
        kept => format!(
            " Kept whole: {}, since something is open, failed, held, rejected or accepted, or since it is the latest.",
            count(kept, "older run")
        ),
    };
    if pruned.runs == 0 {
        return format!("Nothing from before {before} is left to remove.{kept}");
    }
    format!(
        "Removed from {} before {before}: {}, {} without events, {} held, {}, {}.{kept}",
        count(pruned.runs, "run"),
        count(pruned.attempts, "attempt"),
        count(pruned.rows, "row"),
        count(pruned.held, "event"),
        count(pruned.problems, "problem"),
        count(reports, "report"),
    )
}
