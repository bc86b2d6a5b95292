//! The exports that the user named, opened and read.

use std::cell::Cell;
use std::io::Read;
use std::path::Path;

use super::arguments::Common;
use super::error::CliError;
use super::settings::Settings;
use super::tables::grouped;
use super::terminal::Terminal;
use crate::export::{Export, ExportError};
use crate::job::{Reading, Unplanned};
use crate::problem::Problem;
use crate::profile::{Profile, Profiles};

/// Standard input is held in memory, up to this.
const MAX_STANDARD_INPUT_BYTES: u64 = 512 * 1024 * 1024;

/// The profiles of the configuration, and the one that `--profile` names, if any.
pub(super) struct Choice {
    pub(super) profiles: Profiles,
    named: Option<String>,
}

impl Choice {
    /// Loads the built-in profiles, the configuration's, and a file named by `--profile`.
    pub(super) fn load(common: &Common, settings: &Settings) -> Result<Self, CliError> {
        let mut own = settings.exports.clone();
        let mut named = common.profile.clone();
        if let Some(path) = common.profile.as_deref().map(Path::new)
            && (path.is_file()
                || path
                    .extension()
                    .is_some_and(|extension| extension == "toml"))
        {
            let (name, table) = profile_file(path)?;
            own.insert(name.clone(), table);
            named = Some(name);
        }
        Ok(Choice {
            profiles: Profiles::load(&own)?,
            named,
        })
    }

    /// The profile that the user named, if any.
    pub(super) fn named(&self) -> Result<Option<&Profile>, CliError> {
        let named = self.named.as_deref().map(|name| self.profiles.named(name));
        Ok(named.transpose()?)
    }
}

fn profile_file(path: &Path) -> Result<(String, toml::Table), CliError> {
    let unusable = |message: String| {
        let problem = Problem::error("profile-invalid", message);
        CliError::unusable(problem.at(path.display().to_string(), None))
    };
    let text = std::fs::read_to_string(path)
        .map_err(|error| unusable(format!("the profile can't be read: {error}")))?;
    let table = text
        .parse::<toml::Table>()
        .map_err(|error| unusable(error.to_string().trim().to_owned()))?;
    let stem = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    Ok((stem.unwrap_or_else(|| "profile".to_owned()), table))
}

/// Opens every export that the arguments name: paths, globs, `-` for standard input.
pub(super) fn open(names: &[String]) -> Result<Vec<Result<Export, ExportError>>, CliError> {
    let mut exports = Vec::new();
    for name in names {
        if name == "-" {
            exports.push(Export::from_bytes("-", standard_input()?));
        } else if Path::new(name).exists() || !name.contains(['*', '?', '[']) {
            exports.push(Export::open(Path::new(name)));
        } else {
            exports.extend(matching(name)?.iter().map(|path| Export::open(path)));
        }
    }
    Ok(exports)
}

fn standard_input() -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let mut input = std::io::stdin().lock().take(MAX_STANDARD_INPUT_BYTES + 1);
    input
        .read_to_end(&mut bytes)
        .map_err(|error| CliError::Io("standard input", error))?;
    if bytes.len() as u64 > MAX_STANDARD_INPUT_BYTES {
        return Err(CliError::unusable(
            Problem::error("export-too-large", "standard input is larger than 512 MiB")
                .at("-", None)
                .hint("save it to a file and name the file"),
        ));
    }
    Ok(bytes)
}

fn matching(pattern: &str) -> Result<Vec<std::path::PathBuf>, CliError> {
    let unusable = |message: String| {
        CliError::unusable(Problem::error("export-missing", message).at(pattern, None))
    };
    let paths = glob::glob(pattern).map_err(|error| unusable(format!("no pattern: {error}")))?;
    let paths: Result<Vec<_>, _> = paths.collect();
    let paths = paths.map_err(|error| unusable(error.to_string()))?;
    match paths.is_empty() {
        true => Err(unusable("no file matches this pattern".to_owned())),
        false => Ok(paths),
    }
}

/// Reads the exports, with a sign of life on a terminal.
pub(super) fn read(
    exports: Vec<Result<Export, ExportError>>,
    choice: &Choice,
    settings: &Settings,
    terminal: &Terminal,
) -> Result<Unplanned, CliError> {
    let bar = terminal.bar(None, "{spinner} reading: {msg} rows");
    let last = Cell::new(0);
    let progress = |rows: u64| {
        if rows >= last.get() + 20_000 {
            last.set(rows);
            bar.set_message(grouped(rows.into()));
        }
    };
    let reading = Reading {
        profiles: &choice.profiles,
        profile: choice.named()?,
        account_currency: settings.account_currency,
        progress: &progress,
    };
    let read = reading.read(exports);
    bar.finish_and_clear();
    read.map_err(CliError::Unusable)
}
