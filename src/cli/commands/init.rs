//! `fprecon init`: looks at exports, and writes a configuration for them.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::plan::json;
use crate::cli::arguments::{Common, InitArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice};
use crate::cli::settings::{CONFIG_FILE, Settings, exports_of};
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::event::Currency;
use crate::export::{Export, ExportError, PEEKED_MOST_BYTES, Row};
use crate::job::{export_problem, unrecognised};
use crate::problem::Problem;
use crate::profile::{Misfit, Profiles, Unfit};
use crate::propose::{self, Proposal, Sample, comment_text, toml_string};
use crate::recognise::{Recognised, Unrecognised, recognise};
use crate::report::SCHEMA;

/// How many rows of an export are looked at.
const ROWS_MOST: usize = 10_000;
/// A profile that finds so many columns, and lacks a third of that at most, is what was meant.
const NEARLY_FOUND_LEAST: usize = 4;
const NEARLY_FOUND_PER_FAULT: usize = 3;
/// How often is asked for what can be mistyped.
const TRIES: usize = 3;
/// The longest name of a profile that is made from a file's name.
const NAME_MOST_CHARS: usize = 40;

pub(in crate::cli) fn init(
    common: &Common,
    arguments: &InitArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    if common.profile.is_some() {
        return Err(CliError::usage(
            Problem::error("usage", "`init` finds the profile of each export by itself")
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
    let settings = Settings::load_without_project(common)?;
    let choice = Choice::load(common, &settings)?;
    let mut opened = exports::open(&arguments.exports, common)?;
    let looked = look_at_all(&mut opened, &choice.profiles)?;
    terminal.problems(&opened.into_notes(), 0);

    let plans = plan(&looked, &choice.profiles)?;
    let account = Account::of(&looked, &plans, &settings, terminal);
    let text = document(&looked, &plans, &account);
    check(&text, &looked, &plans, &settings)?;
    let written = match arguments.print {
        true => None,
        false => {
            write(&target, &text)?;
            Some(target.display().to_string())
        }
    };
    if arguments.print {
        terminal.data(text.trim_end())?;
    }
    let place = (arguments.exports.as_slice(), written.as_deref());
    say(&looked, &plans, &account, place, terminal)?;
    let questions = plans
        .proposals
        .iter()
        .any(|proposal| !proposal.questions.is_empty());
    Ok(if questions {
        Exit::Attention
    } else {
        Exit::Done
    })
}

/// The beginning of an export, and the profile that fits it, if one does.
struct Looked<'p> {
    path: String,
    header: Vec<String>,
    rows: Vec<Row>,
    is_whole: bool,
    found: Option<Recognised<'p>>,
}

impl Looked<'_> {
    fn sample(&self) -> Sample<'_> {
        Sample {
            path: &self.path,
            header: &self.header,
            rows: &self.rows,
            is_whole: self.is_whole,
        }
    }
}

/// Looks at every export; or says what makes them unusable, for all of them at once.
fn look_at_all<'p>(
    exports: impl Iterator<Item = Result<Export, ExportError>>,
    profiles: &'p Profiles,
) -> Result<Vec<Looked<'p>>, CliError> {
    let mut looked = Vec::new();
    let mut problems = Vec::new();
    for export in exports {
        let one = export
            .map_err(|error| Box::new(export_problem(&error)))
            .and_then(|export| look_at(export, profiles));
        match one {
            Ok(one) => looked.push(one),
            Err(problem) => problems.push(*problem),
        }
    }
    match problems.is_empty() {
        true => Ok(looked),
        false => Err(CliError::Unusable(problems)),
    }
}

fn look_at(mut export: Export, profiles: &Profiles) -> Result<Looked<'_>, Box<Problem>> {
    let path = export.path().display().to_string();
    let header = export.header().to_vec();
    let found = match recognise(profiles, &mut export, &header, |cell| cell) {
        Ok(found) => Some(found),
        Err(Unrecognised::Unfit(unfit)) if unfit.look_alike.is_none() => match nearly(&unfit) {
            Some(misfit) => return Err(Box::new(nearly_problem(misfit).at(&path, Some(1)))),
            None => None,
        },
        Err(error) => return Err(unrecognised(&path, &header, error)),
    };
    let (rows, is_whole) = first_rows(&mut export).map_err(|error| export_problem(&error))?;
    Ok(Looked {
        path,
        header,
        rows,
        is_whole,
        found,
    })
}

fn first_rows(export: &mut Export) -> Result<(Vec<Row>, bool), ExportError> {
    let (mut rows, mut held_bytes) = (Vec::new(), 0);
    let mut row = Row::new();
    while export.read_row(&mut row)? {
        if rows.len() == ROWS_MOST || held_bytes > PEEKED_MOST_BYTES {
            return Ok((rows, false));
        }
        held_bytes += row.iter().map(str::len).sum::<usize>();
        rows.push(row.clone());
    }
    Ok((rows, true))
}

/// The profile that all but fits: to read its export in a way of one's own would be to misread it.
fn nearly(unfit: &Unfit) -> Option<&Misfit> {
    let is_near = |misfit: &&Misfit| {
        let faults = misfit.missing.len() + misfit.doubled.len() + misfit.foreign.len();
        misfit.found >= NEARLY_FOUND_LEAST && misfit.found >= faults * NEARLY_FOUND_PER_FAULT
    };
    unfit.misfits.iter().find(is_near)
}

fn nearly_problem(misfit: &Misfit) -> Problem {
    let message = format!(
        "this is nearly an export for the profile `{}`, but the header {}",
        misfit.profile,
        misfit.reason()
    );
    Problem::error("header-unknown", message).hint(
        "export the file again with those columns; nothing is proposed for it, since what they say would be guessed. If it is another kind of export, write a profile of your own: docs/profiles.md",
    )
}

/// What is to be written for the exports.
struct Plans {
    /// For each export, the name of the profile by which it will be read.
    profiles: Vec<String>,
    proposals: Vec<Proposal>,
}

/// Proposes profiles for the exports that have none, once for each header, and answers the
/// questions of those that ask some, once for each profile.
fn plan(looked: &[Looked<'_>], known: &Profiles) -> Result<Plans, CliError> {
    let mut names = Names::new(known);
    let mut of_header: BTreeMap<&[String], String> = BTreeMap::new();
    let mut of_profile: BTreeMap<&str, String> = BTreeMap::new();
    let (mut profiles, mut proposals, mut problems) = (Vec::new(), Vec::new(), Vec::new());
    for one in looked {
        profiles.push(match &one.found {
            Some(found) if found.profile.questions().next().is_none() => found.profile.name.clone(),
            Some(found) => {
                let base = found.profile.name.as_str();
                of_profile
                    .entry(base)
                    .or_insert_with(|| {
                        let name = names.free(&format!("my-{base}"));
                        let alike = looked.iter().filter_map(|other| {
                            let found = other.found.as_ref()?;
                            let is_its = found.profile.name == base;
                            is_its.then(|| (other.sample(), found.binding.clone()))
                        });
                        let samples: Vec<_> = alike.collect();
                        proposals.push(propose::answer(&name, found.profile, &samples));
                        name
                    })
                    .clone()
            }
            None => match of_header.get(one.header.as_slice()) {
                Some(name) => name.clone(),
                None => {
                    let name = names.free(&name_of(&one.path));
                    let proposed = match propose::is_of_commissions(&one.header) {
                        true => propose::propose_commissions(&name, &one.sample()),
                        false => propose::propose(&name, &one.sample()),
                    };
                    match proposed {
                        Ok(proposal) => proposals.push(proposal),
                        Err(refusal) => problems.push(
                            Problem::error(
                                "profile-not-proposed",
                                format!("it fits no profile, and {refusal}"),
                            )
                            .at(&one.path, Some(1))
                            .cell("header", &one.header.join(","))
                            .hint(refusal.hint()),
                        ),
                    }
                    of_header.insert(&one.header, name.clone());
                    name
                }
            },
        });
    }
    match problems.is_empty() {
        true => Ok(Plans {
            profiles,
            proposals,
        }),
        false => Err(CliError::Unusable(problems)),
    }
}

/// Names for profiles that are not taken yet.
struct Names<'p> {
    known: &'p Profiles,
    given: Vec<String>,
}

impl<'p> Names<'p> {
    fn new(known: &'p Profiles) -> Self {
        Names {
            known,
            given: Vec::new(),
        }
    }

    fn free(&mut self, wanted: &str) -> String {
        let is_free = |name: &String| {
            self.known.iter().all(|profile| profile.name != *name) && !self.given.contains(name)
        };
        let numbered = (2..).map(|number| format!("{wanted}-{number}"));
        let mut names = std::iter::once(wanted.to_owned()).chain(numbered);
        let name = names.find(is_free).unwrap_or_else(|| wanted.to_owned());
        self.given.push(name.clone());
        name
    }
}

/// A profile's name from a file's, in letters that TOML needs no quotes for.
fn name_of(path: &str) -> String {
    let stem = Path::new(path)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let plain = |c: char| match c {
        c if c.is_ascii_alphanumeric() => c.to_ascii_lowercase(),
        _ => ' ',
    };
    let name: String = stem
        .unwrap_or_default()
        .chars()
        .map(plain)
        .take(NAME_MOST_CHARS)
        .collect();
    match name.split_whitespace().collect::<Vec<_>>().join("-") {
        name if name.is_empty() => "export".to_owned(),
        name => name,
    }
}

/// What stands under `[api]`.
struct Account {
    wid: Option<String>,
    key_file: Option<String>,
    currency: Currency,
    /// What the currency rests on, unless somebody said it.
    guess: Option<String>,
}

impl Account {
    fn of(looked: &[Looked<'_>], plans: &Plans, settings: &Settings, terminal: &Terminal) -> Self {
        let (currency, guess) = usual_currency(looked, plans, settings);
        let said = ask_for_currency(currency, terminal);
        let ask_unless = |known: bool, what: &str| match known {
            true => None,
            false => terminal.ask_for(what),
        };
        Account {
            wid: ask_unless(
                settings.wid.is_some(),
                "The account's `wid` (FirstPromoter: Settings > Integrations > Tracking API) [later]",
            ),
            key_file: ask_unless(
                settings.key_file.is_some(),
                "A file that holds the API key [none: FPRECON_API_KEY]",
            ),
            guess: guess.filter(|_| said.is_none()),
            currency: said.unwrap_or(currency),
        }
    }
}

/// Asks again where the answer is no currency, but not for ever.
fn ask_for_currency(usual: Currency, terminal: &Terminal) -> Option<Currency> {
    for _ in 0..TRIES {
        let said = terminal.ask_for(&format!("The account's currency [{usual}]"))?;
        match Currency::from_code(&said) {
            Some(currency) => return Some(currency),
            None => terminal.note(&format!("`{said}` is no ISO 4217 code, such as `USD`")),
        }
    }
    None
}

/// The currency of most rows; the one that is in force where the exports name none.
fn usual_currency(
    looked: &[Looked<'_>],
    plans: &Plans,
    settings: &Settings,
) -> (Currency, Option<String>) {
    let mut counts: BTreeMap<Currency, u64> = BTreeMap::new();
    let own = own_profiles(plans, settings);
    for (one, name) in looked.iter().zip(&plans.profiles) {
        let profile = own.as_ref().and_then(|own| own.named(name).ok());
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
            let currency = settings.account_currency;
            let guess = format!(
                "the account's currency is {currency}, the default: the exports name no currency"
            );
            (currency, Some(guess))
        }
    }
}

/// The profiles as they will be, if what is proposed can be loaded.
fn own_profiles(plans: &Plans, settings: &Settings) -> Option<Profiles> {
    let text: String = plans
        .proposals
        .iter()
        .map(|proposal| proposal.toml.as_str())
        .collect();
    let mut own = settings.exports.clone();
    own.extend(exports_of(&text).ok()?);
    Profiles::load(&own).ok()
}

/// The whole file.
fn document(looked: &[Looked<'_>], plans: &Plans, account: &Account) -> String {
    let mut lines = vec![
        "# Settings of fprecon, written by `fprecon init` for these exports:".to_owned(),
        "#".to_owned(),
    ];
    for (one, profile) in looked.iter().zip(&plans.profiles) {
        lines.push(format!("#   {}: {profile}", comment_text(&one.path)));
    }
    lines.push(HEAD.to_owned());
    lines.push(api_table(account));
    lines.push(SEND.to_owned());
    for proposal in &plans.proposals {
        lines.push(proposal.toml.clone());
    }
    lines.join("\n")
}

const HEAD: &str = "\
#
# `fprecon plan` and `fprecon run --sandbox` work with it as it is, unless a line says TO FILL IN in
# `[exports.…]`. A line behind a single `#` shows a default: take the `#` away to change it. What
# `fprecon init` could not know for sure says `guess`. `fprecon config` shows what is in force.
";

fn api_table(account: &Account) -> String {
    let mut lines = vec![
        "[api]".to_owned(),
        "# The account's integration id, from FirstPromoter: Settings > Integrations > Tracking API.".to_owned(),
    ];
    match &account.wid {
        Some(wid) => lines.push(format!("wid = {}", toml_string(wid))),
        None => {
            lines.push("# TO FILL IN before a real run (or set FPRECON_WID):".to_owned());
            lines.push("# wid = \"…\"".to_owned());
        }
    }
    lines.push(
        "# A file that holds the API key and nothing else; its path starts here, beside this file."
            .to_owned(),
    );
    match &account.key_file {
        Some(path) => lines.push(format!("key_file = {}", toml_string(path))),
        None => {
            lines.push("# TO FILL IN before a real run (or set FPRECON_API_KEY):".to_owned());
            lines.push("# key_file = \"firstpromoter.key\"".to_owned());
        }
    }
    lines.push(
        "# The currency of the FirstPromoter account; amounts in another one name theirs."
            .to_owned(),
    );
    if let Some(guess) = &account.guess {
        lines.push(format!("# guess: {guess}"));
    }
    lines.push(format!(
        "account_currency = {}",
        toml_string(account.currency.code())
    ));
    lines.push(API_DEFAULTS.to_owned());
    lines.join("\n")
}

const API_DEFAULTS: &str = r#"# The version of the Tracking API (v1 or v2), and where it is; plain http only to this machine.
# version = "v1"
# base_url = "https://firstpromoter.com/api/v1"
# Only of version 2: the account's id.
# account_id = "…"
# true: the account takes `event_id` on cancellations, so that they can be sent again safely.
# cancellation_event_id = false
# Certificates (PEM) to trust beside those of this machine; the path starts here.
# ca_file = "…"
"#;

const SEND: &str = r#"[send]
# The most requests in a minute; the API takes 400.
# requests_per_minute = 380
# The most requests at a time.
# concurrency = 16
# true: promoters are mailed about what is sent.
# notify_promoters = false
# After the answer that nobody referred a customer, don't ask for the customer's other events.
# infer_non_referrals = true
# true: fetch the account's leads first, and send no events of others.
# lead_list = false
# Of nothing but failures; then the run ends and can be resumed.
# give_up_after_seconds = 120
# For looking up the name, TCP and TLS together; between two pieces of an answer; for all of it.
# connect_timeout_seconds = 10
# read_timeout_seconds = 20
# request_timeout_seconds = 45

[currencies]
# Amounts that are not in the account's currency: send, convert or hold.
# foreign = "send"
# For convert: a CSV of date,currency,rate beside this file.
# rates = ""

[link]
# true: a refund that names no sale takes the only one of its customer that it can undo.
# match_by_customer = false
# true: refunds whose sale is not named or not found are sent without one.
# send_unlinked = false
# Which sale a held refund undoes: a CSV of refund_event_id,sale_event_id beside this file.
# resolutions = ""

[audit]
# What `fprecon audit` compares commissions with; docs/audit.md has the whole of it. Without rules the
# rate of each promoter and plan is inferred.
# rounding = "half-up"
# zone = "UTC"
# Differences up to this end with code 0.
# tolerance_cents = 0
# true: what no id matches is matched by customer, amount and days.
# match_by_customer = false
# match_days = 3
# Commissions may be pending for so many days.
# pending_days = 0
#
# [[audit.rule]]
# rate = "20"
"#;

/// The file has to load, and each export has to be read by the profile that is meant for it.
fn check(
    text: &str,
    looked: &[Looked<'_>],
    plans: &Plans,
    settings: &Settings,
) -> Result<(), CliError> {
    let refused = |message: String| {
        let problem = Problem::error("profile-not-proposed", message);
        CliError::unusable(problem.hint("write a profile of your own: docs/profiles.md"))
    };
    let mut own = settings.exports.clone();
    let exports = exports_of(text).map_err(|error| {
        refused(format!(
            "what would be proposed is no valid file: {}",
            error.message()
        ))
    })?;
    own.extend(exports);
    let profiles = Profiles::load(&own)
        .map_err(|error| refused(format!("what would be proposed can't be used: {error}")))?;
    for (one, expected) in looked.iter().zip(&plans.profiles) {
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
                "the profile that would be proposed for `{}` is not told from another one by its header",
                one.path
            )));
        }
    }
    Ok(())
}

/// Puts the file in its place, whole, and only where there is none.
fn write(target: &Path, text: &str) -> Result<(), CliError> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => exists(target),
        _ => CliError::unusable(
            Problem::error(
                "config-not-written",
                format!("the configuration can't be written: {error}"),
            )
            .at(target.display().to_string(), None)
            .hint("`--config` names another place, `--print` prints it"),
        ),
    };
    let directory = match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = temporary(directory).map_err(failed)?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(failed)?;
    file.persist_noclobber(target)
        .map_err(|error| failed(error.error))?;
    Ok(())
}

/// As readable as any other file of the user's.
#[cfg(unix)]
fn temporary(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;

    let permissions = std::fs::Permissions::from_mode(0o666);
    tempfile::Builder::new()
        .permissions(permissions)
        .tempfile_in(directory)
}

#[cfg(not(unix))]
fn temporary(directory: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::NamedTempFile::new_in(directory)
}

fn exists(target: &Path) -> CliError {
    CliError::unusable(
        Problem::error(
            "config-exists",
            "there is a configuration already, and it is not overwritten",
        )
        .at(target.display().to_string(), None)
        .hint("`--print` shows what would be written; `--config FILE` writes it elsewhere"),
    )
}

/// The object that `--json` prints.
#[derive(Serialize)]
struct InitOutput<'o> {
    schema: u32,
    config: Option<&'o str>,
    inputs: Vec<InputOutput<'o>>,
    guesses: Vec<&'o str>,
    decisions: Vec<&'o str>,
    questions: Vec<&'o str>,
}

#[derive(Serialize)]
struct InputOutput<'o> {
    path: &'o str,
    profile: &'o str,
    proposed: bool,
    why: String,
    rows_looked_at: usize,
}

fn say(
    looked: &[Looked<'_>],
    plans: &Plans,
    account: &Account,
    (exports, written): (&[String], Option<&str>),
    terminal: &Terminal,
) -> Result<(), CliError> {
    let why = |one: &Looked<'_>| match &one.found {
        Some(found) => found.why.to_string(),
        None => format!(
            "no profile fits; proposed from its header and {}",
            one.sample().extent()
        ),
    };
    let of = |part: fn(&Proposal) -> &Vec<String>| -> Vec<&str> {
        let parts = plans.proposals.iter().flat_map(part);
        parts.map(String::as_str).collect()
    };
    let account_guess = account.guess.iter().map(String::as_str);
    let guesses: Vec<&str> = account_guess
        .chain(of(|proposal| &proposal.guesses))
        .collect();
    let decisions = of(|proposal| &proposal.decisions);
    let questions = of(|proposal| &proposal.questions);
    for (one, profile) in looked.iter().zip(&plans.profiles) {
        terminal.note(&format!("{}: {profile}: {}", one.path, why(one)));
    }
    for (word, texts) in [
        ("guess", &guesses),
        ("to decide", &decisions),
        ("to answer", &questions),
    ] {
        for text in texts {
            terminal.note(&format!("  {word}: {text}"));
        }
    }
    if let Some(written) = written {
        terminal.note(&format!(
            "{written} written. Next: {}",
            next(exports, written, &questions, looked.iter().all(is_theirs))
        ));
    }
    if terminal.json() {
        let inputs = looked
            .iter()
            .zip(&plans.profiles)
            .map(|(one, profile)| InputOutput {
                path: &one.path,
                profile,
                proposed: one.found.is_none(),
                why: why(one),
                rows_looked_at: one.rows.len(),
            });
        let output = InitOutput {
            schema: SCHEMA,
            config: written,
            inputs: inputs.collect(),
            guesses,
            decisions,
            questions,
        };
        terminal.data(&json(&output)?)?;
    }
    Ok(())
}

/// Whether it is a list of commissions, and no export of a billing provider.
fn is_theirs(one: &Looked<'_>) -> bool {
    match &one.found {
        Some(found) => found.profile.is_for_commissions(),
        None => propose::is_of_commissions(&one.header),
    }
}

/// The next command, as it has to be typed.
fn next(exports: &[String], written: &str, questions: &[&str], is_theirs: bool) -> String {
    let config = match written == CONFIG_FILE {
        true => String::new(),
        false => format!(" --config {}", shell_word(written)),
    };
    let paths: Vec<String> = exports.iter().map(|path| shell_word(path)).collect();
    let plan = match is_theirs {
        true => format!("`fprecon audit{config} --commissions {}`", paths.join(" ")),
        false => format!("`fprecon plan{config} {}`", paths.join(" ")),
    };
    match questions.len() {
        0 => plan,
        n => format!(
            "answer {} in it (TO FILL IN), then {plan}",
            count(n as u64, "question")
        ),
    }
}

/// A word that a shell takes for one.
fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}
