//! `fprecon status`: what the journal holds, and what needs attention.

use serde::Serialize;

use super::next;
use super::plan::json;
use super::resume::no_journal;
use crate::cli::arguments::Common;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::Settings;
use crate::cli::tables::{self, count};
use crate::cli::terminal::Terminal;
use crate::journal::{JournalReader, RunRecord};
use crate::report::{OutcomesSummary, SCHEMA};

/// How many runs are listed.
const RUNS_SHOWN: u32 = 10;

/// The object that `status --json` prints.
#[derive(Serialize)]
struct StatusOutput {
    schema: u32,
    journal: String,
    account: String,
    events: OutcomesSummary,
    unfinished_runs: u64,
    runs: Vec<RunOutput>,
}

#[derive(Serialize)]
struct RunOutput {
    run: String,
    command: &'static str,
    started: String,
    ended: Option<String>,
    end_reason: Option<&'static str>,
    exit_code: Option<u8>,
    requests: u64,
    report_dir: Option<String>,
}

impl From<&RunRecord> for RunOutput {
    fn from(run: &RunRecord) -> Self {
        RunOutput {
            run: run.name.clone(),
            command: run.command.as_str(),
            started: run.started.to_string(),
            ended: run.ended.map(|at| at.to_string()),
            end_reason: run.reason.map(|reason| reason.as_str()),
            exit_code: run.exit_code,
            requests: run.requests,
            report_dir: run.report_dir.clone(),
        }
    }
}

pub(in crate::cli) fn status(common: &Common, terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let Some(journal) = JournalReader::open(&settings.journal)? else {
        return Err(no_journal(&settings));
    };
    let events = OutcomesSummary::of_totals(journal.state_counts()?);
    let unfinished = journal.unfinished_runs()?.len() as u64;
    let runs = journal.runs(RUNS_SHOWN)?;
    let account = journal.account()?;
    if terminal.json() {
        let output = StatusOutput {
            schema: SCHEMA,
            journal: settings.journal.display().to_string(),
            account: account.to_string(),
            events,
            unfinished_runs: unfinished,
            runs: runs.iter().map(RunOutput::from).collect(),
        };
        terminal.data(&json(&output)?)?;
        return Ok(Exit::Done);
    }
    terminal.human(&format!("{}: {account}\n", settings.journal.display()))?;
    terminal.human(&tables::by_outcome(&events))?;
    terminal.human("\nlast runs")?;
    for run in &runs {
        terminal.human(&run_line(run))?;
    }
    let steps = next::steps_of_outcomes(&events, common.sandbox.then_some(settings.version));
    if !steps.is_empty() {
        terminal.human("")?;
    }
    for step in steps {
        terminal.human(&step)?;
    }
    Ok(Exit::Done)
}

fn run_line(run: &RunRecord) -> String {
    let end = match (run.reason, run.exit_code) {
        (Some(reason), Some(code)) => format!("{reason}, exit code {code}"),
        _ => "running, or it was killed".to_owned(),
    };
    format!(
        "  {}  {:<5}  {:>12}  {end}",
        run.name,
        run.command.as_str(),
        count(run.requests, "request"),
    )
}
