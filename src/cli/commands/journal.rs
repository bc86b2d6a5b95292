//! `fprecon journal`: checks, recovers and exports the journal.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use super::confirm::{self, Confirmation};
use super::next;
use super::output_place::expect_no_input_at;
use super::prune::prune;
use super::who::who;
use crate::cli::arguments::{Common, ExportFormat, JournalCommand, JournalExportArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::journal::{Aspect, Journal, JournalCheck, JournalError, JournalReader, LostCommits};
use crate::problem::{Problem, ProblemCode};
#[cfg(not(feature = "polars"))]
use crate::report::FormatError;
use crate::report::{self, Format, JournalTable, ReportError, RunSummary, SCHEMA};

pub(in crate::cli) fn journal(
    common: &Common,
    command: &JournalCommand,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load(common, None)?;
    match command {
        JournalCommand::Check => {
            let (reader, lost) = open(&settings)?;
            check(&reader, lost, terminal)
        }
        JournalCommand::Export(options) => {
            let (reader, lost) = open(&settings)?;
            if let Some(lost) = lost {
                terminal.problems(&[may_lack(&settings, lost)], 0);
            }
            export(&reader, (options, &settings), terminal)
        }
        JournalCommand::Recover => {
            let (_, lost) = open(&settings)?;
            recover(common, &settings, lost, terminal)
        }
        JournalCommand::Prune(arguments) => prune(common, &settings, arguments, terminal),
    }
}

/// Opens the journal, also where its last commits are lost.
fn open(settings: &EffectiveSettings) -> Result<(JournalReader, Option<LostCommits>), CliError> {
    JournalReader::open_even_if_lost(&settings.journal)?
        .ok_or_else(|| CliError::no_journal(&settings.journal))
}

/// Returns the warning that the figures may lack the last commits.
fn may_lack(settings: &EffectiveSettings, lost: LostCommits) -> Problem {
    let path = settings.journal.clone();
    let error = JournalError::Lost { path, lost };
    Problem::warning(ProblemCode::JournalLost, error.to_string()).hint(error.hint())
}

/// Continues without the lost commits, after a confirmation.
fn recover(
    common: &Common,
    settings: &EffectiveSettings,
    lost: Option<LostCommits>,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let Some(lost) = lost else {
        Journal::recover(&settings.journal, &who(), Timestamp::now())?;
        terminal.human("The journal is complete: there is nothing to recover.");
        return say_recovered(settings, None, 0, terminal);
    };
    let what = lost.to_string();
    terminal.problems(&[may_lack(settings, lost)], 0);
    let question = "Continue without them? Events that may have been sent and cannot be repeated become unconfirmed.";
    let otherwise = || confirm::cannot_ask("pass `--yes`");
    if confirm::ask(common, terminal, question, otherwise)? == Confirmation::No {
        return confirm::cancelled(terminal, "The journal was not changed.");
    }
    let recovered = Journal::recover(&settings.journal, &who(), Timestamp::now())?;
    let in_doubt = recovered.map_or(0, |recovered| recovered.in_doubt);
    terminal.human(&format!(
        "{} of the journal may have been sent. `{}` sends what can be repeated; then run the last \
         exports again.",
        count(in_doubt, "event"),
        next::commands(common, settings).command("resume")
    ));
    say_recovered(settings, Some(what), in_doubt, terminal)
}

/// The object that `journal recover --json` prints.
#[derive(Serialize)]
struct RecoverOutput {
    schema: u32,
    journal: String,
    /// The way in which the loss was detected; null if there was none.
    lost: Option<String>,
    events_in_doubt: u64,
}

fn say_recovered(
    settings: &EffectiveSettings,
    lost: Option<String>,
    events_in_doubt: u64,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    if terminal.is_json() {
        terminal.write_json(&RecoverOutput {
            schema: SCHEMA,
            journal: settings.journal.display().to_string(),
            lost,
            events_in_doubt,
        })?;
    }
    Ok(Exit::Done)
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

fn check(
    reader: &JournalReader,
    lost: Option<LostCommits>,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let account = reader.account()?.to_string();
    let mut checked = check_all(reader)?;
    if let Some(lost) = &lost {
        checked.add(Aspect::Commits, lost.to_string());
    }
    let exit = if checked.is_sound() {
        Exit::Done
    } else {
        Exit::Journal
    };
    let path = reader.path().display().to_string();
    terminal.human_line(&format!("{path}: {account}, version {}", checked.version));
    terminal.human(&format!("{}\n", contents(&checked)));
    for aspect in Aspect::ALL {
        terminal.human(&format!(
            "  {:<50} {}",
            looked_at(aspect),
            verdict(&checked, aspect)
        ));
    }
    terminal.problems(&problems(&checked, &path, lost), checked.omitted);
    if terminal.is_json() {
        let findings = checked.findings.iter().map(|found| FindingOutput {
            aspect: found.aspect.as_str(),
            message: found.what.clone(),
        });
        terminal.write_json(&CheckOutput {
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
        })?;
    }
    Ok(exit)
}

/// Checks everything in a journal, with the books of its runs.
pub(super) fn check_all(reader: &JournalReader) -> Result<JournalCheck, JournalError> {
    reader.check(|run| {
        let summary = RunSummary::load(reader, run)?;
        Ok(summary.check().err().map(|imbalance| imbalance.to_string()))
    })
}

pub(super) fn contents(checked: &JournalCheck) -> String {
    format!(
        "{}, {}, {}, {} held, {} without events",
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
        Aspect::Commits => "the last commit against the record beside it",
    }
}

fn verdict(checked: &JournalCheck, aspect: Aspect) -> String {
    match checked.for_aspect(aspect) {
        0 => "sound".to_owned(),
        n => count(n as u64, "finding"),
    }
}

fn problems(checked: &JournalCheck, path: &str, lost: Option<LostCommits>) -> Vec<Problem> {
    let findings = checked.findings.iter().map(|found| {
        Problem::error(ProblemCode::JournalDamaged, found.what.clone()).at(path, None)
    });
    let mut problems: Vec<Problem> = findings.collect();
    if let Some(last) = problems.last_mut() {
        last.hint = Some(match lost {
            Some(lost) if checked.for_aspect(Aspect::Commits) == checked.findings.len() => {
                let path = PathBuf::from(path);
                JournalError::Lost { path, lost }.hint().into_owned()
            }
            _ => "send nothing from it; keep the file, check the disk, and restore the journal and its -wal file \
                  from a backup, but leave the present .commits file where it is: it knows what was sent since; then \
                  run `fprecon journal recover`"
                .to_owned(),
        });
    }
    problems
}

/// The object that `journal export --json` prints.
#[derive(Serialize)]
struct ExportOutput {
    schema: u32,
    output: String,
    format: &'static str,
    rows: u64,
}

fn export(
    reader: &JournalReader,
    (options, settings): (&JournalExportArguments, &EffectiveSettings),
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let table = if options.attempts {
        JournalTable::Attempts
    } else {
        JournalTable::Events
    };
    let Some(path) = &options.output else {
        return to_standard_output(reader, table, terminal);
    };
    let runs = reader.runs(u32::MAX)?;
    let exports = runs
        .iter()
        .flat_map(|run| &run.inputs)
        .map(|export| Path::new(&export.path));
    expect_no_input_at("--output", path, settings, exports)?;
    let (format, rows) = match options.format {
        ExportFormat::Csv => (
            Format::Csv,
            report::write_journal_csv_file(reader, table, path).map_err(not_written)?,
        ),
        ExportFormat::Parquet => (Format::Parquet, write_parquet(reader, table, path)?),
    };
    let output = path.display().to_string();
    terminal.note(&format!("{output}: {}", count(rows, "row")));
    if terminal.is_json() {
        terminal.write_json(&ExportOutput {
            schema: SCHEMA,
            output,
            format: format.as_str(),
            rows,
        })?;
    }
    Ok(Exit::Done)
}

/// Returns the error that an export can't be written; the file that was there before is unchanged.
fn not_written(error: ReportError) -> CliError {
    match error {
        ReportError::Write {
            path,
            doing,
            source,
        } => CliError::unusable(
            Problem::error(
                ProblemCode::JournalNotExported,
                format!("{doing}: {source}"),
            )
            .at(path.display().to_string(), None)
            .hint("check the path, the permissions and the free space"),
        ),
        other => other.into(),
    }
}

fn to_standard_output(
    reader: &JournalReader,
    table: JournalTable,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    if terminal.is_json() {
        let problem = Problem::error(
            ProblemCode::Usage,
            "standard output can't have both JSON and the export",
        );
        return Err(CliError::usage(
            problem.hint("set a file for the export with `--output`"),
        ));
    }
    let mut unreadable = None;
    terminal.csv(
        |out| match report::write_journal_csv(reader, table, out, "standard output") {
            Ok(_) => Ok(()),
            Err(ReportError::Write { source, .. }) => Err(source),
            Err(other) => {
                unreadable = Some(other);
                Ok(())
            }
        },
    );
    match unreadable {
        None => Ok(Exit::Done),
        Some(error) => Err(error.into()),
    }
}

#[cfg(feature = "polars")]
fn write_parquet(
    reader: &JournalReader,
    table: JournalTable,
    path: &Path,
) -> Result<u64, CliError> {
    report::write_journal_parquet(reader, table, path).map_err(not_written)
}

#[cfg(not(feature = "polars"))]
fn write_parquet(_: &JournalReader, _: JournalTable, _: &Path) -> Result<u64, CliError> {
    let missing = FormatError::NotBuiltIn(Format::Parquet).to_string();
    Err(CliError::usage(Problem::error(ProblemCode::Usage, missing)))
}
