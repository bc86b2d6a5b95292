//! `fprecon profiles`: how exports are read, and which profile fits a file.

use std::path::PathBuf;

use toml::{Table, Value};

use crate::cli::arguments::{Common, ProfilesCommand};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice};
use crate::cli::settings::Settings;
use crate::cli::terminal::Terminal;
use crate::export::Export;
use crate::job::{export_problem, left_out};
use crate::problem::Problem;
use crate::profile::Profiles;
use crate::recognise::{Unrecognised, recognise};

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

fn list(common: &Common, terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let choice = Choice::load(common, &settings)?;
    let width = choice
        .profiles
        .iter()
        .map(|profile| profile.name.len())
        .max();
    for profile in choice.profiles.iter() {
        terminal.line(&format!(
            "{:<width$}  {}; rests on {}",
            profile.name,
            profile.title,
            profile.rests_on,
            width = width.unwrap_or(0)
        ));
    }
    Ok(Exit::Done)
}

/// A profile as it is written, and behind it, as comments, what it has from those that it extends.
fn show(common: &Common, name: &str, terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let own = settings.exports.contains_key(name);
    let built_in = Profiles::built_in_text(name).filter(|_| !own);
    if !own && built_in.is_none() {
        return Err(CliError::unusable(
            Problem::error("profile-unknown", format!("there is no profile `{name}`"))
                .hint("`fprecon profiles list` names them"),
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
    toml::to_string_pretty(table)
        .map_err(|error| CliError::unusable(Problem::error("profile-invalid", error.to_string())))
}

fn check(common: &Common, names: &[PathBuf], terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let choice = Choice::load(common, &settings)?;
    let mut exit = Exit::Done;
    let mut problems = Vec::new();
    for export in exports::open(names, common, choice.profiles.lines_above())? {
        match export {
            Ok(export) => {
                problems.extend(left_out(&export));
                if !say_fit(export, &choice.profiles, terminal)? {
                    exit = Exit::Unusable;
                }
            }
            Err(error) => {
                terminal.problems(&[export_problem(&error)], 0);
                exit = Exit::Unusable;
            }
        }
    }
    terminal.problems(&problems, 0);
    Ok(exit)
}

fn say_fit(mut export: Export, profiles: &Profiles, terminal: &Terminal) -> Result<bool, CliError> {
    let path = export.path().display().to_string();
    let header = export.header().to_vec();
    let chosen = match recognise(profiles, &mut export, &header, |cell| cell.into()) {
        Ok(found) => {
            let name = &found.profile.name;
            terminal.line(&format!("{path}: {name}"));
            terminal.line(&format!("  chosen: {}", found.why));
            for question in found.profile.open_questions(&found.binding) {
                terminal.line(&format!("  needs to know: {}", question.text));
            }
            Some(found.profile)
        }
        Err(Unrecognised::Unfit(unfit)) => {
            let what = match &unfit.look_alike {
                Some(known) => format!("{}: {}", known.title, known.instead(&path)),
                None => "no profile fits".to_owned(),
            };
            terminal.line(&format!("{path}: {what}"));
            None
        }
        Err(Unrecognised::Undecided(undecided)) => {
            terminal.line(&format!("{path}: {undecided}; {}", undecided.hint()));
            None
        }
        Err(Unrecognised::Export(error)) => {
            terminal.problems(&[export_problem(&error)], 0);
            return Ok(false);
        }
    };
    for profile in profiles
        .iter()
        .filter(|profile| Some(&profile.name) != chosen.map(|chosen| &chosen.name))
    {
        let why = match (profile.bind(&header), chosen) {
            (Ok(_), _) if !profile.detect => "would fit, but is taken by its name only".to_owned(),
            (Ok(_), Some(chosen)) if profile.needed() < chosen.needed() => {
                "would fit too, but finds fewer columns".to_owned()
            }
            (Ok(_), Some(_)) => "would fit the header too".to_owned(),
            (Ok(_), None) => "fits the header".to_owned(),
            (Err(misfit), _) => format!("the header {}", misfit.reason()),
        };
        terminal.line(&format!("  not {}: {why}", profile.name));
    }
    Ok(chosen.is_some())
}
