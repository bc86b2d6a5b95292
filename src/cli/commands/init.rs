//! `fprecon init`: examines exports, and writes a configuration for them.

mod document;
mod file;
mod look;
mod proposals;
mod say;
mod trial;

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::cli::arguments::{Common, InitArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::Choice;
use crate::cli::open_exports;
use crate::cli::settings::{CONFIG_FILE, EffectiveSettings, exports_of};
use crate::cli::terminal::Terminal;
use crate::event::Currency;
use crate::problem::{Problem, ProblemCode};
use crate::profile::Profiles;
use crate::propose;
use document::document;
use file::{exists, write};
use look::{Looked, header_below, look_at_all};
use proposals::{ProfilePlan, plan};
use say::say;
use trial::try_out;

/// The number of times that a question is asked again after a wrong answer.
const TRIES: usize = 3;

pub(in crate::cli) fn init(
    common: &Common,
    arguments: &InitArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    if !common.profile.is_empty() {
        return Err(CliError::usage(
            Problem::error(
                ProblemCode::Usage,
                "`init` finds the profile of each export by itself",
            )
            .hint("leave out `--profile` and FPRECON_PROFILE"),
        ));
    }
    let target = common
        .config
        .clone()
        .unwrap_or_else(|| PathBuf::from(CONFIG_FILE));
    if !arguments.print && target.symlink_metadata().is_ok() {
        return Err(exists(&target));
    }
    let settings = EffectiveSettings::load_without_project(common)?;
    let choice = Choice::load(common, &settings)?;
    let mut opened = open_exports::open(
        &arguments.exports,
        (common, &settings),
        header_below(),
        choice.profiles.sheets(),
    )?;
    opened.settle(|_| false)?;
    terminal.problems(&opened.remarks(), 0);
    let looked = look_at_all(&mut opened, &choice.profiles)?;

    let plans = plan(&looked, &choice.profiles)?;
    let account = ApiAnswers::new(&looked, &plans, &settings, terminal);
    let text = document(&looked, &plans, &account);
    check(&text, &looked, &plans, &settings)?;
    let trial = try_out(
        &text,
        (&looked, &plans),
        (common, arguments),
        (&settings, &account),
        terminal,
    )?;
    let written = if arguments.print {
        None
    } else {
        write(&target, &text)?;
        Some(target.display().to_string())
    };
    if arguments.print {
        terminal.toml(text.trim_end());
    }
    let place = (arguments.exports.as_slice(), written.as_deref());
    say(&looked, &plans, (&account, &trial), place, terminal)?;
    let questions = plans
        .proposals
        .iter()
        .any(|proposal| !proposal.questions.is_empty());
    Ok(if questions || !trial.without_sale.is_empty() {
        Exit::Attention
    } else {
        Exit::Done
    })
}

/// The settings under `[api]`.
struct ApiAnswers {
    wid: Option<String>,
    key_file: Option<String>,
    currency: Currency,
    /// The reason for the currency, unless the user set it.
    guess: Option<String>,
}

impl ApiAnswers {
    fn new(
        looked: &[Looked<'_>],
        plans: &ProfilePlan,
        settings: &EffectiveSettings,
        terminal: &Terminal,
    ) -> Self {
        let (currency, guess) = usual_currency(looked, plans, settings);
        let said = ask_for_currency(currency, terminal);
        let ask_unless =
            |known: bool, what: &str| if known { None } else { terminal.ask_for(what) };
        ApiAnswers {
            wid: ask_unless(
                settings.api.wid.is_some(),
                "The account's `wid` (FirstPromoter: Settings > Integrations > Tracking API) [later]",
            ),
            key_file: ask_unless(
                settings.api.has_stored_key(),
                "A file that holds the API key [none: FPRECON_API_KEY]",
            ),
            guess: guess.filter(|_| said.is_none()),
            currency: said.unwrap_or(currency),
        }
    }
}

/// Asks for a currency until the answer is valid, but only a few times.
fn ask_for_currency(usual: Currency, terminal: &Terminal) -> Option<Currency> {
    for _ in 0..TRIES {
        let said = terminal.ask_for(&format!("The account's currency [{usual}]"))?;
        match Currency::from_code(&said) {
            Some(currency) => return Some(currency),
            None => terminal.note(&format!("`{said}` is not an ISO 4217 code, such as `USD`")),
        }
    }
    None
}

/// Returns the currency of most rows, or the configured one if the exports have no currency.
fn usual_currency(
    looked: &[Looked<'_>],
    plans: &ProfilePlan,
    settings: &EffectiveSettings,
) -> (Currency, Option<String>) {
    let mut counts: BTreeMap<Currency, u64> = BTreeMap::new();
    let own = own_profiles(plans, settings);
    for (one, chosen) in looked.iter().zip(&plans.profiles) {
        let profile = own.as_ref().and_then(|own| own.named(&chosen.name).ok());
        if let Some((profile, Ok(binding))) =
            profile.map(|profile| (profile, profile.bind(&one.header)))
        {
            for (currency, n) in propose::currencies(profile, &binding, &one.rows) {
                *counts.entry(currency).or_default() += n;
            }
        }
    }
    let all: u64 = counts.values().sum();
    match counts.into_iter().max_by_key(|(_, n)| *n) {
        Some((currency, n)) => {
            let guess = format!(
                "the account's currency is {currency}, as {n} of the {all} amounts looked at that name one"
            );
            (currency, Some(guess))
        }
        None => {
            let currency = settings.api.account_currency;
            let guess = format!(
                "the account's currency is {currency}, the default: the exports name no currency"
            );
            (currency, Some(guess))
        }
    }
}

/// Returns the profiles as they will be, if the proposed ones can be loaded.
fn own_profiles(plans: &ProfilePlan, settings: &EffectiveSettings) -> Option<Profiles> {
    let text: String = plans
        .proposals
        .iter()
        .map(|proposal| proposal.toml.as_str())
        .collect();
    let mut own = settings.exports.clone();
    own.extend(exports_of(&text).ok()?);
    Profiles::load(&own).ok()
}

/// Checks that the file can be loaded, and that each export is read by the profile that is meant
/// for it.
fn check(
    text: &str,
    looked: &[Looked<'_>],
    plans: &ProfilePlan,
    settings: &EffectiveSettings,
) -> Result<(), CliError> {
    let refused = |message: String| {
        let problem = Problem::error(ProblemCode::ProfileNotProposed, message);
        CliError::unusable(problem.hint("write a custom profile: docs/profiles.md"))
    };
    let mut own = settings.exports.clone();
    let exports = exports_of(text).map_err(|error| {
        refused(format!(
            "the proposal is not a valid file: {}",
            error.message()
        ))
    })?;
    own.extend(exports);
    let profiles = Profiles::load(&own)
        .map_err(|error| refused(format!("the proposal can't be used: {error}")))?;
    for (one, chosen) in looked.iter().zip(&plans.profiles) {
        let expected = &chosen.name;
        let fits = profiles.fitting(&one.header);
        let first = fits.as_ref().ok().and_then(|fits| fits.closest.first());
        let rivals = fits.as_ref().map_or(0, |fits| {
            fits.closest
                .iter()
                .filter(|(profile, _)| profile.is_own)
                .count()
        });
        let is_new = plans
            .proposals
            .iter()
            .any(|proposal| proposal.toml.contains(&format!("[exports.{expected}]")));
        if is_new && (first.is_none_or(|(profile, _)| profile.name != *expected) || rivals > 1) {
            return Err(refused(format!(
                "the profile proposed for `{}` can't be distinguished from another one by its header",
                one.path
            )));
        }
    }
    Ok(())
}
