//! `fprecon journal check` and `fprecon journal export`: the journal as a file to rely on, and as data.

use serde::Serialize;

use super::plan::json;
use super::resume::no_journal;
use crate::cli::arguments::{Common, JournalCommand};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::Settings;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::journal::{Aspect, Checked, JournalReader};
use crate::problem::Problem;
use crate::report::{RunSummary, SCHEMA};

pub(in crate::cli) fn journal(
    common: &Common,
    command: &JournalCommand,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let Some(reader) = JournalReader::open(&settings.journal)? else {
        return Err(no_journal(&settings));
    };
    match command {
        JournalCommand::Check => check(&reader, terminal),
    }
}

/// The object that `journal check --json` prints.
#[derive(Serialize)]
struct CheckOutput {
    schema: u32,
    journal: String,
    account: String,
    version: i64,
    is_sound: bool,
    runs: u64,
    events: u64,
    attempts: u64,
    held: u64,
    source_rows: u64,
    findings: Vec<FindingOutput>,
    findings_omitted: u64,
    exit_code: u8,
}

#[derive(Serialize)]
struct FindingOutput {
    aspect: &'static str,
    message: String,
}

fn check(reader: &JournalReader, terminal: &Terminal) -> Result<Exit, CliError> {
    let account = reader.account()?.to_string();
    let checked = reader.check(|run| {
        let summary = RunSummary::load(reader, run)?;
        Ok(summary.check().err().map(|imbalance| imbalance.to_string()))
    })?;
    let exit = match checked.is_sound() {
        true => Exit::Done,
        false => Exit::Journal,
    };
    let path = reader.path().display().to_string();
    terminal.human(&format!("{path}: {account}, version {}", checked.version))?;
    terminal.human(&contents(&checked))?;
    for aspect in Aspect::ALL {
        terminal.human(&format!(
            "  {:<50} {}",
            looked_at(aspect),
            verdict(&checked, aspect)
        ))?;
    }
    terminal.problems(&problems(&checked, &path), checked.omitted);
    if terminal.json() {
        let findings = checked.findings.iter().map(|found| FindingOutput {
            aspect: found.aspect.as_str(),
            message: found.what.clone(),
        });
        terminal.data(&json(&CheckOutput {
            schema: SCHEMA,
            journal: path,
            account,
            version: checked.version,
            is_sound: checked.is_sound(),
            runs: checked.runs,
            events: checked.events,
            attempts: checked.attempts,
            held: checked.held,
            source_rows: checked.source_rows,
            findings: findings.collect(),
            findings_omitted: checked.omitted,
            exit_code: exit as u8,
        })?)?;
    }
    Ok(exit)
}

fn contents(checked: &Checked) -> String {
    format!(
        "{}, {}, {}, {} held, {} without events\n",
        count(checked.runs, "run"),
        count(checked.events, "event"),
        count(checked.attempts, "attempt"),
        count(checked.held, "event"),
        count(checked.source_rows, "row"),
    )
}

fn looked_at(aspect: Aspect) -> &'static str {
    match aspect {
        Aspect::Pages => "pages, indexes and constraints",
        Aspect::References => "references between tables",
        Aspect::Seals => "checksums of events, results and conversions",
        Aspect::Attempts => "attempts against outcomes",
        Aspect::Books => "books of every run, in rows, events and cents",
    }
}

fn verdict(checked: &Checked, aspect: Aspect) -> String {
    match checked.of(aspect) {
        0 => "sound".to_owned(),
        n => count(n as u64, "finding"),
    }
}

fn problems(checked: &Checked, path: &str) -> Vec<Problem> {
    let findings = checked
        .findings
        .iter()
        .map(|found| Problem::error("journal-damaged", found.what.clone()).at(path, None));
    let mut problems: Vec<Problem> = findings.collect();
    if let Some(last) = problems.last_mut() {
        last.hint = Some(
            "keep the file, check the disk, and restore the journal from a backup together with \
             its -wal file; send nothing from this one"
                .to_owned(),
        );
    }
    problems
}
