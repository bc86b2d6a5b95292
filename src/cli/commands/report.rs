//! `fprecon report`: the reports again, from the journal.

use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Span as Days, Timestamp};

use super::report_place::{default_report_directory, expect_no_input_in, shareable};
use super::resume::no_journal;
use super::{delivery, next};
use crate::cli::arguments::{Common, ReportArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::journal::{JournalReader, RunRecord, Span};
use crate::problem::Problem;
use crate::report::{self, Formats, ReportSource, RunSummary, SpanSummary};

pub(in crate::cli) fn report(
    common: &Common,
    arguments: &ReportArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load(common, None)?;
    let Some(journal) = JournalReader::open(&settings.journal)? else {
        return Err(no_journal(&settings));
    };
    let (books, mut summary, before) = match (arguments.from, arguments.to) {
        (None, None) => of_run(&journal, arguments.run.as_deref())?,
        _ => of_span(&journal, arguments)?,
    };
    let directory = arguments
        .dir
        .clone()
        .or(before)
        .unwrap_or_else(|| default_report_directory(&settings, &summary.run));
    let formats = Formats::new(&arguments.format);
    let inputs = books.runs().iter().flat_map(|run| &run.inputs);
    let inputs = inputs.map(|input| Path::new(&input.path));
    expect_no_input_in(Some(&directory), &formats, inputs)?;
    summary.report_dir = Some(directory.display().to_string());
    let commands = next::commands(common, &settings);
    summary.name_commands(&commands);
    summary.check()?;
    let books = shareable(books, &journal, arguments.redact)?;
    let summary = books.shown(&summary).into_owned();
    report::write(&books, &summary, &formats, &directory)?;
    terminal.human(&tables::reading(&summary.reading));
    delivery::show(&summary, &commands, terminal);
    if terminal.json() {
        terminal.write_json(&summary)?;
    }
    Ok(Exit::Done)
}

/// Books, their figures, and where their report went before.
type LoadedReport<'j> = (ReportSource<'j>, RunSummary, Option<PathBuf>);

fn of_run<'j>(
    journal: &'j JournalReader,
    name: Option<&str>,
) -> Result<LoadedReport<'j>, CliError> {
    let run = find(journal, name)?;
    let summary = RunSummary::load(journal, &run)?;
    let before = run.report_dir.as_ref().map(PathBuf::from);
    Ok((ReportSource::of_run(journal, run), summary, before))
}

fn find(journal: &JournalReader, name: Option<&str>) -> Result<RunRecord, CliError> {
    let run = match name {
        Some(name) => journal.run_named(name)?,
        None => journal.latest_run()?,
    };
    run.ok_or_else(|| match name {
        Some(name) => unknown(format!("the journal has no run `{name}`")),
        None => unknown("the journal has no run yet".to_owned()),
    })
}

fn unknown(message: String) -> CliError {
    CliError::unusable(
        Problem::error("run-unknown", message).hint("`fprecon status` lists the runs"),
    )
}

/// The runs that were started on the days that the user named, both included; days are in UTC.
fn of_span<'j>(
    journal: &'j JournalReader,
    arguments: &ReportArguments,
) -> Result<LoadedReport<'j>, CliError> {
    let (from, to) = (arguments.from, arguments.to);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(CliError::usage(
            Problem::error("span-empty", "`--from` is after `--to`")
                .hint("name the first day with `--from` and the last one with `--to`"),
        ));
    }
    let start = |day: jiff::civil::Date| {
        TimeZone::UTC.to_timestamp(day.to_datetime(jiff::civil::Time::midnight()))
    };
    let until = to.and_then(|day| day.checked_add(Days::new().days(1)).ok());
    let span = Span {
        from: from
            .and_then(|day| start(day).ok())
            .unwrap_or(Timestamp::MIN),
        until: until
            .and_then(|day| start(day).ok())
            .unwrap_or(Timestamp::MAX),
    };
    let books = ReportSource::of_span(journal, span)?;
    let (Some(first), Some(last)) = (books.runs().first(), books.runs().last()) else {
        return Err(unknown("no run was started on these days".to_owned()));
    };
    let day = |run: &RunRecord| TimeZone::UTC.to_datetime(run.started).date();
    let days = SpanSummary {
        from: from.unwrap_or_else(|| day(first)),
        to: to.unwrap_or_else(|| day(last)),
        runs: books.runs().iter().map(|run| run.name.clone()).collect(),
    };
    let summary = RunSummary::load_span(journal, books.runs(), (span, days))?;
    Ok((books, summary, None))
}
