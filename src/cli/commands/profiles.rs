//! `fprecon profiles`: lists and shows profiles, and checks which one fits a file.

use std::path::PathBuf;

use serde::Serialize;
use toml::{Table, Value};

use crate::cli::arguments::{Common, ProfilesCommand};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice};
use crate::cli::settings::EffectiveSettings;
use crate::cli::terminal::Terminal;
use crate::export::Export;
use crate::job::{export_problem, left_out};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{Profile, Profiles};
use crate::recognise::{Cells, Unrecognised, recognise};
use crate::report::SCHEMA;

pub(in crate::cli) fn profiles(
    common: &Common,
    command: &ProfilesCommand,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    match command {
        ProfilesCommand::List => list(common, terminal),
        ProfilesCommand::Show { name } => show(common, name, terminal),
        ProfilesCommand::Check { exports } => check(common, exports, terminal),
    }
}

/// A profile in the list.
#[derive(Serialize)]
struct ListedProfile<'p> {
    name: &'p str,
    reads: &'p str,
    based_on: &'static str,
    rests_on: &'p str,
    is_own: bool,
}

fn list(common: &Common, terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load_general(common)?;
    let choice = Choice::load(common, &settings)?;
    let listed: Vec<ListedProfile<'_>> = choice
        .profiles
        .iter()
        .map(|profile| ListedProfile {
            name: &profile.name,
            reads: &profile.title,
            based_on: profile.basis(),
            rests_on: &profile.based_on,
            is_own: profile.is_own,
        })
        .collect();
    if terminal.is_json() {
        terminal.write_json(&Listing {
            schema: SCHEMA,
            profiles: &listed,
        })?;
        return Ok(Exit::Done);
    }
    let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
    let name_width = widest(&mut listed.iter().map(|one| one.name.chars().count()));
    let basis_width = widest(&mut listed.iter().map(|one| one.based_on.len()));
    let width = terminal.width();
    // On a narrow terminal, what a profile is based on is left out: `profiles show` has it, too.
    let has_basis = width >= name_width + LEAST_READS_WIDTH + basis_width + 4;
    let basis_width = if has_basis { basis_width + 2 } else { 0 };
    let reads_width = width
        .saturating_sub(name_width + 2 + basis_width)
        .max(LEAST_READS_WIDTH);
    let row = |name: &str, reads: &str, basis: &str| {
        let basis = if has_basis { basis } else { "" };
        let line = format!("{name:<name_width$}  {reads:<reads_width$}  {basis}");
        terminal.line(line.trim_end());
    };
    row("NAME", "READS", "BASED ON");
    for one in &listed {
        let mut lines = wrapped(one.reads, reads_width).into_iter();
        row(one.name, &lines.next().unwrap_or_default(), one.based_on);
        for line in lines {
            row("", &line, "");
        }
    }
    terminal.line("");
    terminal.line("`fprecon profiles show NAME` prints a profile and its source.");
    Ok(Exit::Done)
}

/// The machine output of the list.
#[derive(Serialize)]
struct Listing<'l> {
    schema: u32,
    profiles: &'l [ListedProfile<'l>],
}

/// The least width of what a profile reads.
const LEAST_READS_WIDTH: usize = 20;

/// Returns a text in lines of at most `width` characters, broken at spaces.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Prints a profile as it is written, followed by the inherited settings as comments.
fn show(common: &Common, name: &str, terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load_general(common)?;
    let own = settings.exports.contains_key(name);
    let built_in = Profiles::built_in_text(name).filter(|_| !own);
    if !own && built_in.is_none() {
        return Err(CliError::unusable(
            Problem::error(
                ProblemCode::ProfileUnknown,
                format!("there is no profile `{name}`"),
            )
            .hint("`fprecon profiles list` lists all profiles"),
        ));
    }
    let split = Profiles::split(name, &settings.exports)?;
    match built_in {
        Some(text) => terminal.own(text.trim_end()),
        None => {
            if let Some((path, line)) = settings.export_places.get(name) {
                terminal.line(&format!("# {}:{line}", path.display()));
            }
            let exports = Table::from_iter([(name.to_owned(), Value::Table(split.said))]);
            let file = Table::from_iter([("exports".to_owned(), Value::Table(exports))]);
            terminal.toml(text_of(&file)?.trim_end());
        }
    }
    if let Some(base) = split.extends {
        terminal.own("");
        terminal.line(&format!("# From `{base}`:"));
        terminal.own("#");
        for line in text_of(&split.inherited)?.lines() {
            terminal.toml(format!("# {line}").trim_end());
        }
    }
    Ok(Exit::Done)
}

fn text_of(table: &Table) -> Result<String, CliError> {
    toml::to_string_pretty(table).map_err(|error| {
        CliError::unusable(Problem::error(
            ProblemCode::ProfileInvalid,
            error.to_string(),
        ))
    })
}

fn check(common: &Common, names: &[PathBuf], terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load_general(common)?;
    let choice = Choice::load(common, &settings)?;
    let mut exit = Exit::Done;
    let mut problems = Vec::new();
    let mut checked = Vec::new();
    let mut opened = exports::open_for(&choice, names, (common, &settings))?;
    opened.settle(|_| false)?;
    terminal.problems(&opened.remarks(), 0);
    for export in opened {
        let export = match export {
            Ok(export) => export,
            Err(error) => {
                terminal.problems(&[export_problem(&error)], 0);
                exit = Exit::Unusable;
                continue;
            }
        };
        problems.extend(left_out(&export));
        let Some(one) = check_one(export, &choice.profiles, terminal) else {
            exit = Exit::Unusable;
            continue;
        };
        if one.profile.is_none() {
            exit = Exit::Unusable;
        }
        if terminal.is_json() {
            checked.push(one)
        } else {
            one.say(common.verbose, terminal)
        }
    }
    if terminal.is_json() {
        terminal.write_json(&Checks {
            schema: SCHEMA,
            exports: &checked,
        })?;
    }
    terminal.problems(&problems, 0);
    Ok(exit)
}

/// The greatest number of profiles that are named beside the chosen one.
const OTHERS_SHOWN: usize = 3;

/// The machine output of a check.
#[derive(Serialize)]
struct Checks<'c> {
    schema: u32,
    exports: &'c [CheckedExport],
}

/// The profile that fits an export, and the reasons why the others do not.
#[derive(Serialize)]
struct CheckedExport {
    path: String,
    /// The name of the profile by which it is read.
    profile: Option<String>,
    /// The reason for that profile, or the reason why there is none.
    why: String,
    /// What to do where there is none and the header fits several.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    questions: Vec<String>,
    /// The other profiles, the closest first.
    others: Vec<Other>,
}

#[derive(Serialize)]
struct Other {
    profile: String,
    why: String,
    /// `true` if it fits the header as well as others do.
    #[serde(skip)]
    is_candidate: bool,
    #[serde(skip)]
    distance: (usize, usize),
}

impl CheckedExport {
    fn say(&self, all: bool, terminal: &Terminal) {
        match &self.profile {
            Some(name) => {
                terminal.line(&format!("{}: {name}", self.path));
                terminal.line(&format!("  chosen: {}", self.why));
            }
            None => terminal.line(&format!("{}: {}", self.path, self.why)),
        }
        for (at, line) in self.hint.iter().flat_map(|hint| hint.lines()).enumerate() {
            let lead = if at == 0 { "hint: " } else { "" };
            terminal.line(&format!("  {lead}{line}"));
        }
        for question in &self.questions {
            terminal.line(&format!("  needs to know: {question}"));
        }
        let shown = if all { self.others.len() } else { OTHERS_SHOWN };
        for other in self.others.iter().take(shown) {
            let lead = if other.is_candidate { "" } else { "not " };
            terminal.line(&format!("  {lead}{}: {}", other.profile, other.why));
        }
        let left = self.others.len().saturating_sub(shown);
        if left > 0 {
            terminal.line(&format!("  and {left} more, which `-v` shows"));
        }
    }
}

/// Checks which profile fits; returns `None` if the export can't be read.
fn check_one(
    mut export: Export,
    profiles: &Profiles,
    terminal: &Terminal,
) -> Option<CheckedExport> {
    let path = export.path().display().to_string();
    let header = export.header().to_vec();
    let mut hint = None;
    let (chosen, why, questions) = match recognise(profiles, &mut export, &header, Cells::default())
    {
        Ok(found) => {
            let questions = found.profile.open_questions(&found.binding);
            let questions = questions.map(|question| question.text.clone()).collect();
            (Some(found.profile), found.why.to_string(), questions)
        }
        Err(Unrecognised::Unfit(unfit)) => {
            let why = match &unfit.look_alike {
                Some(known) => format!("{}: {}", known.title, known.instead(&path)),
                None => "no profile fits".to_owned(),
            };
            (None, why, Vec::new())
        }
        Err(Unrecognised::Undecided(undecided)) => {
            hint = Some(undecided.hint(&path));
            (None, undecided.to_string(), Vec::new())
        }
        Err(Unrecognised::Export(error)) => {
            terminal.problems(&[export_problem(&error)], 0);
            return None;
        }
    };
    Some(CheckedExport {
        path,
        profile: chosen.map(|chosen| chosen.name.clone()),
        why,
        hint,
        questions,
        others: others(profiles, chosen, &header),
    })
}

/// Returns the reasons why the other profiles do not fit a header, the closest first.
fn others(profiles: &Profiles, chosen: Option<&Profile>, header: &[String]) -> Vec<Other> {
    let is_other = |profile: &&Profile| Some(&profile.name) != chosen.map(|chosen| &chosen.name);
    let mut others: Vec<Other> = profiles
        .iter()
        .filter(is_other)
        .map(|profile| {
            let bound = profile.bind(header);
            let is_candidate = bound.is_ok() && chosen.is_none() && profile.is_detected;
            let (why, distance) = match (bound, chosen) {
                (Ok(_), _) if !profile.is_detected => {
                    let why = "matches, but is only used with --profile".to_owned();
                    (why, (0, 0))
                }
                (Ok(_), Some(chosen)) if profile.needed() < chosen.needed() => {
                    ("matches too, but finds fewer columns".to_owned(), (0, 0))
                }
                (Ok(_), Some(_)) => ("matches the header too".to_owned(), (0, 0)),
                (Ok(_), None) => ("matches the header".to_owned(), (0, 0)),
                (Err(misfit), _) => {
                    let why = format!("the header {}", misfit.reason());
                    (why, (misfit.faults(), usize::MAX - misfit.found))
                }
            };
            Other {
                profile: profile.name.clone(),
                why,
                is_candidate,
                distance,
            }
        })
        .collect();
    others.sort_by_key(|other| other.distance);
    others
}
