//! `fprecon report`: writes the reports again, from the journal.

use std::path::Path;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span as Days, Timestamp};

use super::report_place::{expect_no_input_in, expect_own_or_free, report_directory, shareable};
use super::{delivery, next};
use crate::cli::arguments::{Common, DatedBy, ReportArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::event::day_in;
use crate::journal::{JournalError, JournalReader, RunId, RunRecord, Span, SpanBy};
use crate::problem::{Problem, ProblemCode};
use crate::report::{
    self, Formats, OpenSummary, ReportSource, RunSummary, SpanSummary, Undated, is_file_of,
};

pub(in crate::cli) fn report(
    common: &Common,
    arguments: &ReportArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load(common, None)?;
    let Some(journal) = JournalReader::open(&settings.journal)? else {
        return Err(CliError::no_journal(&settings.journal));
    };
    let (books, mut summary) = match (arguments.from, arguments.to) {
        (None, None) if arguments.by.is_some() => return Err(days_missing()),
        (None, None) => of_run(&journal, arguments.run.as_deref())?,
        _ => of_span(&journal, arguments, &settings)?,
    };
    let formats = Formats::new(&arguments.format);
    let is_written = |name: &str| is_file_of(&formats, name);
    expect_own_or_free(arguments.dir.as_deref(), &is_written, &journal)?;
    let directory = match &arguments.dir {
        Some(set) => set.clone(),
        None => {
            let run = books.runs().first().filter(|_| summary.span.is_none());
            report_directory(&settings, &journal, &summary.run, run)?
        }
    };
    let inputs = books
        .runs()
        .iter()
        .flat_map(|run| &run.inputs)
        .map(|input| Path::new(&input.path));
    expect_no_input_in(Some(&directory), &is_written, &settings, inputs)?;
    summary.report_dir = Some(directory.display().to_string());
    let mut commands = next::commands(common, &settings);
    if summary.span.is_none()
        && let Some(run) = books.runs().first()
    {
        commands = commands.of_run(&journal, run.id)?;
    }
    summary.set_account_currency(settings.api.account_currency);
    summary.name_commands(&commands);
    summary.check()?;
    let books = shareable(books, &journal, arguments.redact)?;
    let summary = books.shown(&summary).into_owned();
    report::write(&books, &summary, &formats, &directory)?;
    terminal.human(&tables::reading(&summary.reading, terminal.width()));
    delivery::show(&summary, &commands, terminal);
    if let Some(span) = &summary.span {
        terminal.human(&tables::open_of(span));
    }
    if terminal.is_json() {
        terminal.write_json(&summary)?;
    }
    Ok(Exit::Done)
}

/// The books and their figures.
type LoadedReport<'j> = (ReportSource<'j>, RunSummary);

fn of_run<'j>(
    journal: &'j JournalReader,
    name: Option<&str>,
) -> Result<LoadedReport<'j>, CliError> {
    let run = find(journal, name)?;
    let summary = RunSummary::load(journal, &run)?;
    Ok((ReportSource::for_run(journal, run), summary))
}

fn find(journal: &JournalReader, name: Option<&str>) -> Result<RunRecord, CliError> {
    let run = match name {
        Some(name) => Some(run_named(journal, name)?),
        None => journal.latest_run()?,
    };
    if let Some(run) = &run
        && let Some(pruned) = journal.pruned_runs()?.get(&run.id)
    {
        return Err(run_pruned(&run.name, pruned.at));
    }
    run.ok_or_else(|| unknown("the journal has no run yet".to_owned()))
}

/// Returns the run with a name.
///
/// # Errors
///
/// The journal has no such run, or can't be read.
pub(super) fn run_named(journal: &JournalReader, name: &str) -> Result<RunRecord, CliError> {
    let run = journal.run_named(name)?;
    run.ok_or_else(|| unknown(format!("the journal has no run `{name}`")))
}

/// Returns the numbers of the runs with these names.
///
/// # Errors
///
/// The journal has no such run, or can't be read.
pub(super) fn runs_named(
    journal: &JournalReader,
    names: &[String],
) -> Result<Vec<RunId>, CliError> {
    let runs = names.iter();
    runs.map(|name| run_named(journal, name).map(|run| run.id))
        .collect()
}

/// Returns the error that the details of a run were removed.
fn run_pruned(name: &str, at: Timestamp) -> CliError {
    let day = at.strftime("%Y-%m-%d");
    let message =
        format!("the details of the run `{name}` were removed on {day} (`journal prune`)");
    CliError::unusable(Problem::error(ProblemCode::RunPruned, message).hint(
        "its events are kept: `fprecon journal export` writes them, and `fprecon explain EVENT_ID` shows one",
    ))
}

/// Refuses days with runs whose details were removed: their figures would be wrong.
fn expect_not_pruned(journal: &JournalReader, runs: &[RunRecord]) -> Result<(), CliError> {
    let pruned = journal.pruned_runs()?;
    let of_span: Vec<&RunRecord> = runs
        .iter()
        .filter(|run| pruned.contains_key(&run.id))
        .collect();
    let Some(last) = of_span.iter().map(|run| run.started).max() else {
        return Ok(());
    };
    let message = format!(
        "the details of {} of these days were removed (`journal prune`)",
        tables::count(of_span.len() as u64, "run")
    );
    let last_day = TimeZone::UTC.to_datetime(last).date();
    let next = last_day
        .checked_add(Days::new().days(1))
        .unwrap_or(last_day);
    let hint = format!("take the days from {next} on: `fprecon report --from {next}`");
    Err(CliError::unusable(
        Problem::error(ProblemCode::RunPruned, message).hint(hint),
    ))
}

fn unknown(message: String) -> CliError {
    CliError::unusable(
        Problem::error(ProblemCode::RunUnknown, message).hint("`fprecon status` lists the runs"),
    )
}

pub(super) fn days_missing() -> CliError {
    CliError::usage(
        Problem::error(
            ProblemCode::DaysMissing,
            "`--by` says what the days are of, and none are given",
        )
        .hint("add the first day with `--from`, the last one with `--to`, or both"),
    )
}

/// Returns the books of the runs that were started on the days that the user set, both included, in
/// UTC; or of the sales of these days, in the account's zone.
fn of_span<'j>(
    journal: &'j JournalReader,
    arguments: &ReportArguments,
    settings: &EffectiveSettings,
) -> Result<LoadedReport<'j>, CliError> {
    let (from, to) = (arguments.from, arguments.to);
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(CliError::usage(
            Problem::error(ProblemCode::SpanEmpty, "`--from` is after `--to`")
                .hint("set the first day with `--from` and the last one with `--to`"),
        ));
    }
    let (by, zone) = match arguments.by {
        Some(DatedBy::SaleDate) => (SpanBy::SaleDate, settings.zone()?),
        Some(DatedBy::RunDate) | None => (SpanBy::RunDate, TimeZone::UTC),
    };
    let next = to.and_then(|day| day.checked_add(Days::new().days(1)).ok());
    let start = |day: Option<Date>, zone: &TimeZone| {
        zone.to_timestamp(day?.to_datetime(Time::midnight())).ok()
    };
    let limits = |zone: &TimeZone| {
        [
            start(from, zone).unwrap_or(Timestamp::MIN),
            start(next, zone).unwrap_or(Timestamp::MAX),
        ]
    };
    let [first, end] = limits(&zone);
    let span = Span {
        from: first,
        until: end,
        days: limits(&TimeZone::UTC),
        by,
    };
    let books = ReportSource::for_span(journal, span)?;
    if by == SpanBy::RunDate {
        expect_not_pruned(journal, books.runs())?;
    }
    let Some((first, last)) = first_and_last(&books, by, &zone)? else {
        return Err(match by {
            SpanBy::RunDate => unknown("no run was started on these days".to_owned()),
            SpanBy::SaleDate => no_sales(),
        });
    };
    let undated = journal.undated()?;
    let days = SpanSummary {
        by,
        zone: zone.iana_name().unwrap_or("UTC").to_owned(),
        from: from.unwrap_or(first),
        to: to.unwrap_or(last),
        runs: books.runs().iter().map(|run| run.name.clone()).collect(),
        open_at_end: None,
        open_now: OpenSummary::default(),
        undated: (by == SpanBy::SaleDate && undated.count() > 0).then(|| Undated {
            count: undated.count(),
            amount_cents: undated.cents(),
        }),
    };
    let summary = RunSummary::load_span(&books, days, Timestamp::now())?;
    Ok((books, summary))
}

/// Returns the first and the last day of what the books hold; `None` where they hold nothing.
fn first_and_last(
    books: &ReportSource<'_>,
    by: SpanBy,
    zone: &TimeZone,
) -> Result<Option<(Date, Date)>, CliError> {
    let mut days: Option<(Date, Date)> = None;
    let mut add = |at: Option<Timestamp>| {
        if let Some(at) = at {
            let day = zone.to_datetime(day_in(at, true, zone)).date();
            let (first, last) = days.unwrap_or((day, day));
            days = Some((first.min(day), last.max(day)));
        }
    };
    match by {
        SpanBy::RunDate => books.runs().iter().for_each(|run| add(Some(run.started))),
        SpanBy::SaleDate => {
            books.for_each_event(|record| {
                add(record.event.created_at);
                Ok::<_, JournalError>(())
            })?;
            books.for_each_held(|record| {
                add(record.event.created_at);
                Ok::<_, JournalError>(())
            })?;
        }
    }
    Ok(days)
}

fn no_sales() -> CliError {
    CliError::unusable(
        Problem::error(
            ProblemCode::RunUnknown,
            "the journal has no event of these days",
        )
        .hint(
            "`fprecon report --from DATE --to DATE` without `--by` looks at the runs of these days",
        ),
    )
}
