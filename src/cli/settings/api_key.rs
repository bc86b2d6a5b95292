//! The API key: where it comes from, and how it is read.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use toml::Value;

use super::layers::{Layer, LayerOrigin, Origin};
use crate::bounded::{self, KEY_BYTES};
use crate::cli::error::CliError;
use crate::invisible::shown;
use crate::problem::{Problem, ProblemCode};
use crate::tracking::ApiKey;

/// The environment variable of the API key.
pub(super) const KEY_VARIABLE: &str = "FPRECON_API_KEY";
/// The time that a command has to print the key: somebody may have to confirm it.
const COMMAND_TIME: Duration = Duration::from_secs(60);
/// The time that the output of a command that has ended may take to arrive.
const OUTPUT_TIME: Duration = Duration::from_secs(5);
/// The time between two looks at a command that runs.
const POLL_TIME: Duration = Duration::from_millis(5);
/// The number of characters that are shown of what a command says on standard error.
const SAID_MOST: usize = 500;

/// The source of the API key. It is never an argument.
#[derive(Clone, Debug)]
pub(in crate::cli) enum KeySource {
    /// Nothing names one.
    Nothing,
    /// This variable of the environment has it.
    Variable(&'static str),
    /// A file has it and nothing else.
    File(PathBuf),
    /// A command prints it: the program and its arguments.
    Command(Vec<String>),
}

impl KeySource {
    /// Finds the source: `--api-key-file`, the environment, `key_file` or `key_command` of the
    /// configuration, in this order.
    ///
    /// # Errors
    ///
    /// One place sets both a file and a command.
    pub(super) fn find(layers: &[Layer]) -> Result<Self, CliError> {
        for layer in layers.iter().rev() {
            if let LayerOrigin::Environment = layer.origin
                && is_set(KEY_VARIABLE)
            {
                return Ok(KeySource::Variable(KEY_VARIABLE));
            }
            if let Some(source) = Self::of_layer(layer)? {
                return Ok(source);
            }
        }
        Ok(KeySource::Nothing)
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
    pub(super) fn shown(&self) -> (Option<&'static str>, Origin) {
        match self {
            KeySource::Nothing => (None, Origin::Default),
            KeySource::Variable(name) => (Some("set, not shown"), Origin::Variable(name)),
            KeySource::File(_) => (Some("from the key file"), Origin::Default),
            KeySource::Command(_) => (Some("from the key command"), Origin::Default),
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
                    "set FPRECON_API_KEY, or set a file with `--api-key-file` or `api.key_file`, or a command with `api.key_command`; find the key in FirstPromoter's settings",
                ),
            )),
            KeySource::Variable(name) => {
                let key = std::env::var(name).ok();
                key.as_deref().and_then(ApiKey::new).ok_or_else(|| {
                    let message = format!("`{name}` in the environment is not a key");
                    CliError::unusable(Problem::error(ProblemCode::KeyMissing, message))
                })
            }
            KeySource::File(path) => {
                let at = |message: String| {
                    CliError::unusable(
                        Problem::error(ProblemCode::KeyMissing, message)
                            .at(path.display().to_string(), None),
                    )
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

fn is_set(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|key| !key.trim().is_empty())
}

fn both(layer: &Layer) -> CliError {
    let message =
        "`key_file` and `key_command` are both set, and only one of them can have the key";
    let problem = Problem::error(ProblemCode::ConfigInvalid, message);
    let problem = match layer.file() {
        Some(path) => problem.at(path.display().to_string(), None),
        None => problem,
    };
    CliError::unusable(problem.hint("leave out one of them"))
}

/// Returns the key that a command prints.
fn printed_key(words: &[String]) -> Result<ApiKey, CliError> {
    let key = run(words).and_then(|printed| {
        let text = String::from_utf8(printed)
            .map_err(|_| failure("what it prints is not text in UTF-8", ""))?;
        let text = text.trim();
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
                .cell("api.key_command", &command.to_string())
                .hint("run the command yourself: it has to end with exit code 0 and to print the key alone, on one line, on standard output"),
        )
    })
}

/// Returns a failure with what the command said on standard error.
fn failure(what: impl Into<String>, said: &str) -> String {
    let what = what.into();
    let said = said.trim();
    if said.is_empty() {
        return what;
    }
    let lines: Vec<_> = said.lines().map(|line| shown(line.trim())).collect();
    let said = lines.join(" / ");
    let skipped = said.chars().count().saturating_sub(SAID_MOST);
    let end: String = said.chars().skip(skipped).collect();
    let dots = if skipped == 0 { "" } else { "…" };
    format!("{what}; it says: {dots}{end}")
}

/// Runs a command to its end, within bounds, and returns what it printed.
fn run(words: &[String]) -> Result<Vec<u8>, String> {
    let [program, arguments @ ..] = words else {
        return Err("it names no program".to_owned());
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| failure(format!("it can't be started: {error}"), ""))?;
    let printed = read_beside(child.stdout.take());
    let said = read_beside(child.stderr.take());
    let status = wait(&mut child, COMMAND_TIME);
    // Something that it started may hold its output open.
    let printed = printed.recv_timeout(OUTPUT_TIME).unwrap_or_default();
    let said = said.recv_timeout(OUTPUT_TIME).unwrap_or_default();
    let said = without(&String::from_utf8_lossy(&said.bytes), &printed.bytes);
    match status {
        Err(why) => Err(failure(why, &said)),
        Ok(_) if printed.is_too_long => Err(failure(
            format!("it prints more than {} KiB", KEY_BYTES >> 10),
            &said,
        )),
        Ok(status) if status.success() => Ok(printed.bytes),
        Ok(status) => Err(failure(format!("it ends with {status}"), &said)),
    }
}

/// Waits until a command ends; kills it if that takes longer than `most`.
fn wait(child: &mut Child, most: Duration) -> Result<ExitStatus, String> {
    let until = Instant::now() + most;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if Instant::now() < until => thread::sleep(POLL_TIME),
            Ok(None) => {
                // If it has ended meanwhile, there is nothing to end.
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it has not ended after {} seconds", most.as_secs()));
            }
            Err(error) => return Err(format!("its end is not known: {error}")),
        }
    }
}

/// The output of a command, as far as it may be read.
#[derive(Default)]
struct Printed {
    bytes: Vec<u8>,
    is_too_long: bool,
}

/// Reads the output of a command on a thread of its own, so that the command never waits for a reader. If it
/// is too much, the rest is not read, and the command can't write it.
fn read_beside(output: Option<impl Read + Send + 'static>) -> Receiver<Printed> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut printed = Printed::default();
        if let Some(output) = output {
            // What came before an error is all that there is.
            let _ = output.take(KEY_BYTES + 1).read_to_end(&mut printed.bytes);
            printed.is_too_long = printed.bytes.len() as u64 > KEY_BYTES;
        }
        // Nobody waits for it any more if it took too long.
        let _ = sender.send(printed);
    });
    receiver
}

/// Returns a text without what may be the key.
fn without(said: &str, printed: &[u8]) -> String {
    let printed = String::from_utf8_lossy(printed);
    let words = printed.split_whitespace().filter(|word| word.len() >= 4);
    words.fold(said.to_owned(), |said, word| said.replace(word, "[key]"))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_does_not_end_is_killed() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let ended = wait(&mut child, Duration::ZERO);
        assert_eq!(ended.unwrap_err(), "it has not ended after 0 seconds");
        assert!(child.try_wait().unwrap().is_some());
    }

    #[test]
    fn what_a_command_says_is_cut_and_has_no_control_characters() {
        let said = failure(
            "it ends with 1",
            &format!("\u{1b}[2J{}\nend", "x".repeat(1000)),
        );
        assert!(said.ends_with("x / end"), "{said}");
        assert!(said.contains("; it says: …xxx"), "{said}");
        assert!(said.chars().count() < SAID_MOST + 50);
        assert_eq!(failure("a", "\u{1b}[2J"), "a; it says: \\u{1b}[2J");
    }
}
