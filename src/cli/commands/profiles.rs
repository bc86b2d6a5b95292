//! `fprecon profiles`: how exports are read, and which profile fits a file.

use crate::cli::arguments::{Common, ProfilesCommand};
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice};
use crate::cli::settings::Settings;
use crate::cli::terminal::Terminal;
use crate::export::Export;
use crate::job::export_problem;
use crate::problem::Problem;
use crate::profile::Profiles;

pub(in crate::cli) fn profiles(
    common: &Common,
    command: &ProfilesCommand,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    match command {
        ProfilesCommand::List => list(common, terminal),
        ProfilesCommand::Show { name } => show(name, terminal),
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
        terminal.data(&format!(
            "{:<width$}  {}; rests on {}",
            profile.name,
            profile.title,
            profile.rests_on,
            width = width.unwrap_or(0)
        ))?;
    }
    Ok(Exit::Done)
}

fn show(name: &str, terminal: &Terminal) -> Result<Exit, CliError> {
    let Some(text) = Profiles::built_in_text(name) else {
        return Err(CliError::unusable(
            Problem::error(
                "profile-unknown",
                format!("there is no built-in profile `{name}`"),
            )
            .hint("`fprecon profiles list` names them"),
        ));
    };
    terminal.data(text.trim_end())?;
    Ok(Exit::Done)
}

fn check(common: &Common, names: &[String], terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let choice = Choice::load(common, &settings)?;
    let mut exit = Exit::Done;
    let mut exports = exports::open(names, common)?;
    for export in &mut exports {
        match export {
            Ok(export) => {
                if !say_fit(&export, &choice.profiles, terminal)? {
                    exit = Exit::Unusable;
                }
            }
            Err(error) => {
                terminal.problems(&[export_problem(&error)], 0);
                exit = Exit::Unusable;
            }
        }
    }
    terminal.problems(&exports.into_notes(), 0);
    Ok(exit)
}

fn say_fit(export: &Export, profiles: &Profiles, terminal: &Terminal) -> Result<bool, CliError> {
    let path = export.path().display();
    let found = profiles.detect(export.header());
    let look_alike = found
        .as_ref()
        .err()
        .and_then(|unfit| unfit.look_alike.clone());
    let chosen = found.ok().map(|(profile, _)| profile);
    match (chosen, look_alike) {
        (Some(profile), _) => {
            terminal.data(&format!("{path}: {}", profile.name))?;
            for question in profile.questions() {
                terminal.data(&format!("  needs to know: {question}"))?;
            }
        }
        (None, Some(known)) => {
            terminal.data(&format!("{path}: {}: {}", known.title, known.instead))?;
        }
        (None, None) => terminal.data(&format!("{path}: no profile fits"))?,
    }
    for profile in profiles
        .iter()
        .filter(|profile| Some(&profile.name) != chosen.map(|chosen| &chosen.name))
    {
        let why = match profile.bind(export.header()) {
            Ok(_) => "would fit too, but finds fewer columns".to_owned(),
            Err(misfit) => format!("the header {}", misfit.reason()),
        };
        terminal.data(&format!("  not {}: {why}", profile.name))?;
    }
    Ok(chosen.is_some())
}
