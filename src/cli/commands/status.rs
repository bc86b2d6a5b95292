//! `fprecon status`: shows the state of the journal, and what needs attention.

use jiff::Timestamp;
use serde::Serialize;

use super::after_loss;
use super::next;
use super::running::{Running, RunningOutput};
use crate::cli::arguments::Common;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::{self, grouped};
use crate::cli::terminal::Terminal;
use crate::journal::{EndReason, JournalReader, RunRecord};
use crate::problem::Problem;
use crate::report::attention::attention_now;
use crate::report::{Attention, OutcomesSummary, SCHEMA};

/// The number of runs that are listed, for a script and on a screen.
const RUNS_LISTED: u32 = 10;
const RUNS_SHOWN: usize = 5;

/// The object that `status --json` prints.
#[derive(Serialize)]
struct StatusOutput {
    schema: u32,
    journal: String,
    account: String,
    events: OutcomesSummary,
    attention: Vec<Attention>,
    /// What is wrong with the journal as a whole.
    problems: Vec<Problem>,
    /// The process that writes the journal at this moment.
    running: Option<RunningOutput>,
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
    let settings = EffectiveSettings::load(common, None)?;
    let Some(journal) = JournalReader::open(&settings.journal)? else {
        return Err(CliError::no_journal(&settings.journal));
    };
    let events = OutcomesSummary {
        by_outcome: journal.state_counts()?,
    };
    let running = Running::find(&journal, Timestamp::now())?;
    let mut attention = attention_now(&journal, &next::commands(common, &settings))?;
    if let Some(running) = &running {
        attention = running.without_its_events(&journal, attention)?;
    }
    let after_loss = after_loss::warning(&journal)?;
    let unfinished = journal.unfinished_runs()?.len() as u64;
    let runs = journal.runs(RUNS_LISTED)?;
    let account = journal.account()?;
    if terminal.is_json() {
        let output = StatusOutput {
            schema: SCHEMA,
            journal: settings.journal.display().to_string(),
            account: account.to_string(),
            events,
            attention,
            problems: after_loss.into_iter().collect(),
            running: running.as_ref().map(Running::output),
            unfinished_runs: unfinished,
            runs: runs.iter().map(RunOutput::from).collect(),
        };
        terminal.write_json(&output)?;
        return Ok(Exit::Done);
    }
    terminal.human_line(&format!("Journal  {}", settings.journal.display()));
    terminal.human_line(&format!("Account  {account}"));
    if let Some(running) = &running {
        terminal.human(&running.lines());
    }
    terminal.human("");
    terminal.human(&tables::by_outcome(&events, terminal.width()));
    terminal.human(&format!(
        "\n{}",
        run_table(&runs[..runs.len().min(RUNS_SHOWN)], running.as_ref())
    ));
    if let Some(last) = runs.first()
        && let Some(line) = tables::learned_limit(last.learned_per_minute)
    {
        terminal.human(&format!("\n{line}"));
    }
    match next::steps(&attention) {
        Some(steps) => terminal.human(&format!("\n{steps}")),
        None if after_loss.is_some() => {}
        None if running.is_some() => terminal.human("\nNothing needs attention so far."),
        None => terminal.human("\nNothing needs attention."),
    }
    terminal.problems(after_loss.as_slice(), 0);
    Ok(Exit::Done)
}

/// Returns the table of the last runs, the latest first.
fn run_table(runs: &[RunRecord], running: Option<&Running>) -> String {
    let cells = |run: &RunRecord| {
        [
            run.name.clone(),
            run.command.to_string(),
            grouped(run.requests.into()),
            end_words(run, running),
        ]
    };
    let head = ["Last runs", "command", "requests", "end"].map(str::to_owned);
    let lines: Vec<[String; 4]> = std::iter::once(head)
        .chain(runs.iter().map(cells))
        .collect();
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].len());
        widths.max().unwrap_or(0)
    };
    let [names, commands, requests] = [0, 1, 2].map(width);
    let lines = lines.iter().map(|[name, command, sent, end]| {
        format!("{name:<names$}  {command:<commands$}  {sent:>requests$}  {end}")
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn end_words(run: &RunRecord, running: Option<&Running>) -> String {
    let words = match run.reason {
        None if running.is_some_and(|running| running.sends(run.id)) => {
            return "running".to_owned();
        }
        None => return "killed".to_owned(),
        Some(EndReason::Done) => "done",
        Some(EndReason::Interrupted) => "interrupted",
        Some(EndReason::ApiUnreachable) => "API unreachable",
        Some(EndReason::KeyRefused) => "refused by the API",
        Some(EndReason::Journal) => "journal not writable",
    };
    match run.exit_code {
        None | Some(0) => words.to_owned(),
        Some(code) => format!("{words}, exit code {code}"),
    }
}
