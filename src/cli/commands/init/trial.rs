//! The exports as the new configuration reads them: what is written is tried before anybody relies on it.

use jiff::Timestamp;
use serde::Serialize;

use super::look::Looked;
use super::proposals::Chosen;
use super::{Account, Plans};
use crate::cli::arguments::{Common, InitArguments};
use crate::cli::error::{CliError, profile_problem};
use crate::cli::exports::{self, Choice, Planner};
use crate::cli::settings::{Settings, exports_of};
use crate::cli::tables;
use crate::cli::terminal::Terminal;
use crate::event::Kind;
use crate::job::{Job, Reading, SourceRows};
use crate::journal::Known;
use crate::problem::Problem;
use crate::profile::{OwnFile, Profiles};
use crate::report::words;

/// The question that a trial answers by the account's currency: it decides nothing about the rows.
const CURRENCY_QUESTION: &str = "money.currency";

/// What the exports come to, and which of them could not be tried.
#[derive(Serialize)]
pub(super) struct Trial {
    /// Rows, events and amounts; nothing if no export could be tried.
    #[serde(flatten)]
    pub(super) reading: Option<Reading>,
    problems: Vec<Problem>,
    problems_omitted: u64,
    /// Exports that wait for an answer, or that can't be read twice.
    not_tried: Vec<String>,
    /// Exports with a proposed profile that reads none of their rows as a sale.
    pub(super) without_sale: Vec<String>,
    /// Whether amounts were taken to be in the account's currency, because no answer says otherwise.
    #[serde(skip)]
    currency: Option<String>,
}

/// Plans the exports with the configuration `text`, as `fprecon plan` does, but without a journal.
pub(super) fn try_out(
    text: &str,
    (looked, plans): (&[Looked<'_>], &Plans),
    (common, arguments): (&Common, &InitArguments),
    (settings, account): (&Settings, &Account),
    terminal: &Terminal,
) -> Result<Trial, CliError> {
    let (mut settings, mut is_currency_open) = (settings.clone(), false);
    settings.account_currency = account.currency;
    for (name, mut table) in exports_of(text).unwrap_or_default() {
        is_currency_open |= answer_currency(&mut table);
        settings.exports.insert(name, table);
    }
    let mut profiles = Profiles::load(&settings.exports)
        .map_err(|error| CliError::unusable(profile_problem(&error)))?;
    let config = common.config.as_ref();
    profiles.place(|_| Some(OwnFile::Config(config?.display().to_string())));
    let can_be_tried = |one: &Looked<'_>, chosen: &Chosen| {
        let profile = profiles.named(&chosen.name).ok();
        let is_open = profile.is_none_or(|profile| profile.questions().next().is_some());
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
        currency: is_currency_open.then(|| account.currency.to_string()),
    };
    if !tried.contains(&true) {
        return Ok(trial);
    }
    let opened = exports::open(&arguments.exports, common)?;
    let opened = opened.zip(&tried).filter(|(_, tried)| **tried);
    let choice = Choice::by_header(profiles);
    let planner = Planner {
        choice: &choice,
        settings: &settings,
        terminal,
        rules: exports::rules(None, &settings)?,
        is_for_sending: true,
    };
    let opened = opened.map(|(export, _)| export);
    let without_journal = |_: &dyn Fn() -> _| Ok(Known::default());
    let now = Timestamp::now();
    let (job, _) = planner.plan(opened, SourceRows::dropped(), now, without_journal)?;
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

/// Takes the question for the currency out of a profile; without it, amounts are in the account's.
fn answer_currency(profile: &mut toml::Table) -> bool {
    let Some(asks) = profile.get_mut("ask").and_then(toml::Value::as_array_mut) else {
        return false;
    };
    let before = asks.len();
    let key =
        |ask: &toml::Value| ask.get("key").and_then(toml::Value::as_str) == Some(CURRENCY_QUESTION);
    asks.retain(|ask| !key(ask));
    asks.len() < before
}

/// How many sales come of each of a job's exports.
fn sales_of(job: &Job) -> Vec<u64> {
    let mut sales = vec![0; job.inputs.len()];
    for planned in job.plan.events() {
        if planned.event.kind == Kind::Sale
            && let Some(sales) = sales.get_mut(planned.event.source.input)
        {
            *sales += 1;
        }
    }
    sales
}

impl Trial {
    /// Says what the exports come to, with everything that is rejected.
    pub(super) fn say(&self, terminal: &Terminal) {
        for path in &self.not_tried {
            let why = match path.as_str() {
                "-" => "standard input can't be read twice",
                _ => "it needs the answers first; `fprecon plan` then shows what comes of it",
            };
            terminal.note(&format!("{path}: not tried: {why}"));
        }
        let Some(reading) = &self.reading else {
            return;
        };
        terminal.problems(&self.problems, self.problems_omitted);
        let currency = match &self.currency {
            Some(currency) => format!(", with amounts in {currency} where that is still to answer"),
            None => String::new(),
        };
        terminal.note_lines(&format!(
            "\nTried{currency}:\n{}\n",
            indented(&tables::reading(reading))
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
                "{} rejected, for the reasons above: as it is, nothing of that is sent.",
                words::count(reading.rows.rejected, "row")
            ));
        }
    }
}

fn indented(text: &str) -> String {
    let lines = text.lines().map(|line| match line.is_empty() {
        true => String::new(),
        false => format!("  {line}"),
    });
    lines.collect::<Vec<_>>().join("\n")
}
