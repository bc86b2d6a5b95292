//! The API key: where it comes from, and how it is read.

use std::borrow::Cow;
use std::path::PathBuf;
use std::time::Duration;

use toml::Value;

use super::account_names::key_variable;
use super::accounts::ChosenAccount;
use super::layers::{Layer, LayerOrigin, ValueOrigin};
use crate::bounded::{self, KEY_BYTES};
use crate::cli::child::{Program, failure};
use crate::cli::error::CliError;
use crate::problem::{Problem, ProblemCode};
use crate::tracking::{ApiKey, SHORTEST_KEY_BYTES};

/// The environment variable of the API key.
pub(super) const KEY_VARIABLE: &str = "FPRECON_API_KEY";
/// The time that a command has to print the key: somebody may have to confirm it.
const COMMAND_TIME: Duration = Duration::from_secs(60);

/// The source of the API key. It is never an argument.
#[derive(Clone, Debug)]
pub(in crate::cli) enum KeySource {
    /// Nothing names one.
    Nothing,
    /// Nothing names one for the account with this name.
    NothingFor(String),
    /// This variable of the environment has it.
    Variable(Cow<'static, str>),
    /// A file has it and nothing else.
    File(PathBuf),
    /// A command prints it: the program and its arguments.
    Command(Vec<String>),
}

impl KeySource {
    /// Finds the source: `--api-key-file`, the environment, `key_file` or `key_command` of the
    /// configuration, in this order. An account with a name has a variable of its own: another one may have the
    /// key of another account.
    ///
    /// # Errors
    ///
    /// One place sets both a file and a command.
    pub(super) fn find(layers: &[Layer], chosen: &ChosenAccount) -> Result<Self, CliError> {
        let variable = chosen
            .name()
            .map_or(KEY_VARIABLE.into(), |name| Cow::Owned(key_variable(name)));
        let is_set = std::env::var(&*variable).is_ok_and(|key| !key.trim().is_empty());
        let is_option = |layer: &&Layer| matches!(layer.origin, LayerOrigin::Option);
        for layer in layers.iter().rev().filter(is_option) {
            if let Some(source) = Self::of_layer(layer)? {
                return Ok(source);
            }
        }
        if is_set {
            return Ok(KeySource::Variable(variable));
        }
        for layer in layers.iter().rev() {
            if let Some(source) = Self::of_layer(layer)? {
                return Ok(source);
            }
        }
        Ok(match chosen.name() {
            Some(name) => KeySource::NothingFor(name.to_owned()),
            None => KeySource::Nothing,
        })
    }

    fn of_layer(layer: &Layer) -> Result<Option<Self>, CliError> {
        let value = |key: &str| layer.table.get("api")?.as_table()?.get(key);
        let file = value("key_file").and_then(Value::as_str);
        let command = value("key_command").and_then(Value::as_array);
        match (file, command) {
            (None, None) => Ok(None),
            (Some(file), None) => Ok(Some(KeySource::File(PathBuf::from(file)))),
            (None, Some(words)) => {
                let words = words.iter().filter_map(Value::as_str).map(str::to_owned);
                Ok(Some(KeySource::Command(words.collect())))
            }
            (Some(_), Some(_)) => Err(both(layer)),
        }
    }

    /// Returns the words that `fprecon config` has for the source, and the origin.
    pub(super) fn shown(&self) -> (Option<&'static str>, ValueOrigin) {
        match self {
            KeySource::Nothing | KeySource::NothingFor(_) => (None, ValueOrigin::Default),
            KeySource::Variable(name) => {
                (Some("set, not shown"), ValueOrigin::Variable(name.clone()))
            }
            KeySource::File(_) => (Some("from the key file"), ValueOrigin::Default),
            KeySource::Command(_) => (Some("from the key command"), ValueOrigin::Default),
        }
    }

    /// Returns the API key; runs the command if there is one.
    ///
    /// # Errors
    ///
    /// There is no key, or it can't be read.
    pub(super) fn read(&self) -> Result<ApiKey, CliError> {
        match self {
            KeySource::Nothing => Err(CliError::unusable(
                Problem::error(ProblemCode::KeyMissing, "there is no API key").hint(
                    "set FPRECON_API_KEY, or name a file with `--api-key-file` or `key_file` under `[api]`, or a command with `key_command` under `[api]`; find the key in FirstPromoter's settings",
                ),
            )),
            KeySource::NothingFor(account) => {
                let message = format!("there is no API key for the account `{account}`");
                let hint = format!(
                    "set `key_file` or `key_command` under `[accounts.{account}]` in fprecon.toml, or the variable {}; a key in FPRECON_API_KEY or at the top of the file may be another account's, and is not used",
                    key_variable(account)
                );
                let problem = Problem::error(ProblemCode::KeyMissing, message);
                Err(CliError::unusable(problem.hint(hint)))
            }
            KeySource::Variable(name) => {
                let key = std::env::var(&**name).ok();
                key.as_deref().and_then(ApiKey::new).ok_or_else(|| {
                    let message = format!("`{name}` in the environment is not a key");
                    CliError::unusable(Problem::error(ProblemCode::KeyMissing, message))
                })
            }
            KeySource::File(path) => {
                // Somebody may have set the key itself.
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                let shown = if may_be_key(&name) && !name.contains('.') && !path.exists() {
                    "the file that `key_file` names".to_owned()
                } else {
                    path.display().to_string()
                };
                let at = |message: String| {
                    let problem = Problem::error(ProblemCode::KeyMissing, message);
                    CliError::unusable(problem.at(shown.clone(), None))
                };
                let text = bounded::read_text(path, KEY_BYTES)
                    .map_err(|error| at(format!("the API key can't be read: {error}")))?;
                ApiKey::new(&text)
                    .ok_or_else(|| at("the file of the API key is empty".to_owned()))
            }
            KeySource::Command(words) => printed_key(words),
        }
    }
}

fn both(layer: &Layer) -> CliError {
    let message =
        "`key_file` and `key_command` are both set, and only one of them can have the key";
    let problem = Problem::error(ProblemCode::ConfigInvalid, message);
    let file = match &layer.origin {
        LayerOrigin::Account(path, _) => Some(path.clone()),
        _ => layer.file(),
    };
    let problem = match file {
        Some(path) => problem.at(path.display().to_string(), None),
        None => problem,
    };
    CliError::unusable(problem.hint("leave out one of them"))
}

/// Returns the key that a command prints.
fn printed_key(words: &[String]) -> Result<ApiKey, CliError> {
    let key = run(words).and_then(|printed| {
        let output = String::from_utf8(printed)
            .map_err(|_| failure("what it prints is not text in UTF-8", ""))?;
        let text = output.trim();
        if text.contains(['\n', '\r']) {
            return Err(failure(
                "it prints more than one line, and which one is the key is not known",
                "",
            ));
        }
        ApiKey::new(text).ok_or_else(|| failure("it prints nothing", ""))
    });
    key.map_err(|why| {
        let command = Value::Array(words.iter().cloned().map(Value::String).collect());
        let message = format!("the command for the API key gives none: {why}");
        CliError::unusable(
            Problem::error(ProblemCode::KeyMissing, message)
                .setting("api.key_command", &command.to_string())
                .hint("run the command yourself: it has to end with exit code 0 and to print the key alone, on one line, on standard output"),
        )
    })
}

/// Runs the command to its end, within bounds, and returns what it printed.
fn run(words: &[String]) -> Result<Vec<u8>, String> {
    let program = Program {
        words,
        input: Vec::new(),
        without_variables: &[],
        time: COMMAND_TIME,
        output_bytes: KEY_BYTES,
    };
    let finished = program.run()?;
    let said = without(&finished.said, &finished.printed);
    match finished.end {
        Ok(()) => Ok(finished.printed),
        Err(why) => Err(failure(why, &said)),
    }
}

/// Returns a text without what may be the key: what the command printed, and every word that is as long as a key.
fn without(said: &str, printed: &[u8]) -> String {
    let printed = String::from_utf8_lossy(printed);
    let words = printed.split_whitespace().filter(|word| word.len() >= 4);
    let said = words.fold(said.to_owned(), |said, word| said.replace(word, "[key]"));
    let is_end = |c: char| c.is_whitespace() || "\"'`=,;()<>".contains(c);
    let parts = said.split_inclusive(is_end).map(|part| {
        let word = part.trim_end_matches(is_end);
        if may_be_key(word) {
            format!("[hidden]{}", &part[word.len()..])
        } else {
            part.to_owned()
        }
    });
    parts.collect()
}

/// Returns `true` if a word is as long as a key of the API.
fn may_be_key(word: &str) -> bool {
    word.len() >= SHORTEST_KEY_BYTES
}
