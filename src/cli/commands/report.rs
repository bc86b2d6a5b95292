//! `fprecon report`: the reports again, from the journal.

use std::path::PathBuf;

use super::delivery::{self, default_report_directory};
use super::plan::json;
use super::resume::no_journal;
use crate::cli::arguments::{Common, ReportArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::Settings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::journal::{JournalReader, RunRecord};
use crate::problem::Problem;
use crate::report::{self, Books, Formats, RunSummary};

pub(in crate::cli) fn report(
    common: &Common,
    arguments: &ReportArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let Some(journal) = JournalReader::open(&settings.journal)? else {
        return Err(no_journal(&settings));
    };
    let run = find(&journal, arguments.run.as_deref())?;
    let before = run.report_dir.as_ref().map(PathBuf::from);
    let directory = arguments
        .dir
        .clone()
        .or(before)
        .unwrap_or_else(|| default_report_directory(&settings, &run.name));
    let mut summary = RunSummary::load(&journal, &run)?;
    summary.report_dir = Some(directory.display().to_string());
    summary.check()?;
    let formats = Formats::of(&arguments.format);
    report::write(
        &Books::of_run(&journal, run),
        &summary,
        &formats,
        &directory,
    )?;
    terminal.human(&tables::reading(&summary.reading))?;
    let sandbox = common.sandbox.then_some(settings.version);
    delivery::show(&summary, sandbox, terminal)?;
    if terminal.json() {
        terminal.data(&json(&summary)?)?;
    }
    Ok(Exit::Done)
}

fn find(journal: &JournalReader, name: Option<&str>) -> Result<RunRecord, CliError> {
    let run = match name {
        Some(name) => journal.run_named(name)?,
        None => journal.latest_run()?,
    };
    run.ok_or_else(|| {
        let message = match name {
            Some(name) => format!("the journal has no run `{name}`"),
            None => "the journal has no run yet".to_owned(),
        };
        CliError::unusable(
            Problem::error("run-unknown", message).hint("`fprecon status` lists the runs"),
        )
    })
}
