//! Tries the new configuration on the exports before anybody relies on it.

use jiff::Timestamp;
use serde::Serialize;

use super::look::Looked;
use super::proposals::ChosenProfile;
use super::{ApiAnswers, ProfilePlan};
use crate::cli::arguments::{Common, InitArguments};
use crate::cli::error::{CliError, profile_problem};
use crate::cli::exports::{Choice, ExportPlanner};
use crate::cli::open_exports;
use crate::cli::settings::{EffectiveSettings, exports_of};
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::event::{Currency, Kind};
use crate::job::{Job, JobFigures, PlanContext};
use crate::journal::JournalHistory;
use crate::problem::Problem;
use crate::profile::{OwnFile, ProfileError, Profiles};
use crate::report::words;

/// A question that a trial answers with the account's currency or with UTC: these answers don't
/// affect which rows are events.
const CURRENCY_QUESTION: &str = "money.currency";
const ZONE_QUESTION: &str = "dates.zone";

/// The result of a trial, and the exports that could not be tried.
#[derive(Serialize)]
pub(super) struct Trial {
    /// The figures of rows, events and amounts; `None` if no export could be tried.
    #[serde(flatten)]
    pub(super) reading: Option<JobFigures>,
    problems: Vec<Problem>,
    problems_omitted: u64,
    /// Exports that need an answer first, or that can't be read twice.
    not_tried: Vec<String>,
    /// Exports with a proposed profile that reads none of their rows as a sale.
    pub(super) without_sale: Vec<String>,
    /// The account's currency, if it was assumed for amounts because the question is still open.
    #[serde(skip)]
    currency: Option<String>,
    /// `true` if UTC was assumed for dates because the question is still open.
    #[serde(skip)]
    is_zone_open: bool,
}

/// Plans the exports with the configuration `text`, like `fprecon plan`, but without a journal.
pub(super) fn try_out(
    text: &str,
    (looked, plans): (&[Looked<'_>], &ProfilePlan),
    (common, arguments): (&Common, &InitArguments),
    (settings, account): (&EffectiveSettings, &ApiAnswers),
    terminal: &Terminal,
) -> Result<Trial, CliError> {
    let mut settings = settings.clone();
    settings.api.account_currency = account.currency;
    let (mut profiles, assumed) = assumed(text, &mut settings, account.currency)
        .map_err(|error| CliError::unusable(profile_problem(&error)))?;
    let config = common.config.as_ref();
    profiles.place(|_| Some(OwnFile::Config(config?.display().to_string())));
    let can_be_tried = |one: &Looked<'_>, chosen: &ChosenProfile| {
        let profile = profiles.named(&chosen.name).ok();
        let is_open = profile.is_none_or(|profile| {
            let bound = profile.bind(&one.header);
            bound.map_or(true, |binding| {
                profile.open_questions(&binding).next().is_some()
            })
        });
        !is_open && !one.is_theirs() && one.path != "-"
    };
    let all = looked.iter().zip(&plans.profiles);
    let tried: Vec<bool> = all.map(|(one, chosen)| can_be_tried(one, chosen)).collect();
    let of = |wanted: bool| {
        let all = looked.iter().zip(&plans.profiles).zip(&tried);
        let left = all.filter(move |((one, _), tried)| **tried == wanted && !one.is_theirs());
        left.map(|(both, _)| both)
    };
    let mut trial = Trial {
        reading: None,
        problems: Vec::new(),
        problems_omitted: 0,
        not_tried: of(false).map(|(one, _)| one.path.clone()).collect(),
        without_sale: Vec::new(),
        currency: assumed
            .contains(&CURRENCY_QUESTION)
            .then(|| account.currency.to_string()),
        is_zone_open: assumed.contains(&ZONE_QUESTION),
    };
    if !tried.contains(&true) {
        return Ok(trial);
    }
    let mut opened = open_exports::open(
        &arguments.exports,
        (common, &settings),
        profiles.lines_above(),
        profiles.sheets(),
    )?;
    opened.settle(|_| false)?;
    let opened = opened.zip(&tried).filter(|(_, tried)| **tried);
    let choice = Choice::by_header(profiles);
    let planner = ExportPlanner::new(&choice, &settings, terminal, None)?;
    let opened = opened.map(|(export, _)| export);
    let without_journal = |_: &dyn Fn() -> _| Ok(JournalHistory::default());
    let now = Timestamp::now();
    let (job, _) = planner.plan(opened, PlanContext::new(now), without_journal)?;
    let sales = sales_of(&job);
    trial.without_sale = of(true)
        .zip(sales)
        .filter(|((_, chosen), sales)| chosen.is_proposed && *sales == 0)
        .map(|((one, _), _)| one.path.clone())
        .collect();
    trial.problems = job.problems.kept().to_vec();
    trial.problems_omitted = job.problems.omitted().map(|(_, n)| n).sum();
    trial.reading = Some(job.reading);
    Ok(trial)
}

/// Sets the answer to a question that a profile still has, in the user's table of it.
fn assume(table: &mut toml::Table, question: &str, answer: &str) {
    let (of, key) = question.split_once('.').unwrap_or(("", question));
    let empty = || toml::Value::Table(toml::Table::new());
    if let Some(table) = table.entry(of).or_insert_with(empty).as_table_mut() {
        table.insert(key.to_owned(), answer.into());
    }
}

/// Returns the profiles of a configuration with the assumptions of a trial, and the keys that are
/// assumed.
fn assumed(
    text: &str,
    settings: &mut EffectiveSettings,
    currency: Currency,
) -> Result<(Profiles, Vec<&'static str>), ProfileError> {
    let own = exports_of(text).unwrap_or_default();
    settings.exports.extend(own.clone());
    let profiles = Profiles::load(&settings.exports)?;
    let mut assumed = Vec::new();
    for name in own.keys() {
        let asks = |key: &str| profiles.named(name).is_ok_and(|profile| profile.asks(key));
        for (key, answer) in [
            (CURRENCY_QUESTION, currency.to_string()),
            (ZONE_QUESTION, "UTC".to_owned()),
        ] {
            if let Some(table) = settings.exports.get_mut(name).filter(|_| asks(key)) {
                assume(table, key, &answer);
                assumed.push(key);
            }
        }
    }
    Ok((Profiles::load(&settings.exports)?, assumed))
}

/// Returns the number of sales of each of a job's exports.
fn sales_of(job: &Job) -> Vec<u64> {
    let mut sales = vec![0; job.inputs.len()];
    for (_, planned) in job.plan.unordered() {
        if planned.event.kind == Kind::Sale
            && let Some(sales) = sales.get_mut(planned.event.source.input)
        {
            *sales += 1;
        }
    }
    sales
}

impl Trial {
    /// Prints the result, with everything that is rejected.
    pub(super) fn say(&self, terminal: &Terminal) {
        for path in &self.not_tried {
            let why = match path.as_str() {
                "-" => "standard input can't be read twice",
                _ => "it needs the answers first; `fprecon plan` then shows the result",
            };
            terminal.note(&format!("{path}: not tried: {why}"));
        }
        let Some(reading) = &self.reading else {
            return;
        };
        terminal.problems(&self.problems, self.problems_omitted);
        let currency = match (&self.currency, self.is_zone_open) {
            (Some(currency), false) => {
                format!(", assuming amounts in {currency}")
            }
            (Some(currency), true) => {
                format!(", assuming amounts in {currency} and times in UTC")
            }
            (None, true) => ", assuming times in UTC".to_owned(),
            (None, false) => String::new(),
        };
        terminal.note_lines(&format!(
            "\nTried{currency}:\n{}\n",
            indented(&tables::reading(reading, terminal.width() - 2))
        ));
        for path in &self.without_sale {
            let mut inputs = reading.inputs.iter();
            let rows = inputs
                .find(|input| input.path == *path)
                .map_or(0, |input| input.rows);
            terminal.note(&format!(
                "{path}: none of its {} is read as a sale: {} ignored and {} rejected in all, for the reasons above. The proposal does not work as it is.",
                words::count(rows, "row"),
                reading.rows.ignored,
                reading.rows.rejected
            ));
        }
        if reading.rows.rejected > 0 {
            terminal.note(&format!(
                "{} rejected, for the reasons above: as it is, none of them is sent.",
                words::count(reading.rows.rejected, "row")
            ));
        }
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| {
        if line.is_empty() {
            String::new()
        } else {
            format!("  {line}")
        }
    });
    lines.collect::<Vec<_>>().join("\n")
}
