//! Commands that can be pasted: with the options that reach the same journal and account.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::journal::{JournalError, JournalReader, RunId};
use crate::problem::Problem;
use crate::shell_word::shell_word;

/// The option that declares the encoding of exports.
const ENCODING: &str = "--encoding";

/// The options that commands need so that they can be pasted.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Commands {
    /// The options that select the same journal and account, each with its value, which may be empty.
    options: Vec<(String, String)>,
    /// Further options for the reading of exports.
    reading: Vec<(String, String)>,
}

impl Commands {
    /// Creates commands with these options, and with these further ones where exports are read.
    pub fn new(options: &[(&str, String)], reading: &[(&str, String)]) -> Self {
        Commands {
            options: owned(options),
            reading: owned(reading),
        }
    }

    /// Adds an option for the reading of exports.
    pub fn with_reading(mut self, name: &str, value: String) -> Self {
        self.reading.push((name.to_owned(), value));
        self
    }

    /// Returns the options as the journal keeps them with a run; `None` if there are none.
    pub fn to_kept(&self) -> Option<String> {
        let is_empty = self.options.is_empty() && self.reading.is_empty();
        let text = serde_json::to_string(self).ok();
        text.filter(|_| !is_empty)
    }

    /// Adds the options that the journal keeps with a run and that this call does not have.
    fn with_kept(&self, kept: &str) -> Self {
        let Ok(of_run) = serde_json::from_str::<Commands>(kept) else {
            return self.clone();
        };
        let join = |own: &[(String, String)], of_run: Vec<(String, String)>| {
            let is_missing = |(name, _): &(String, String)| own.iter().all(|(own, _)| own != name);
            let missing = of_run.into_iter().filter(is_missing);
            own.iter().cloned().chain(missing).collect()
        };
        Commands {
            options: join(&self.options, of_run.options),
            reading: join(&self.reading, of_run.reading),
        }
    }

    /// Returns the commands with the options that a run was started with, as far as this call has no others, so
    /// that they reach what the run has reached.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn of_run(&self, journal: &JournalReader, run: RunId) -> Result<Self, JournalError> {
        let kept = journal.options_of(run)?;
        Ok(kept.map_or_else(|| self.clone(), |kept| self.with_kept(&kept)))
    }

    fn options(&self) -> String {
        option_words(&self.options)
    }

    /// Returns a command, ready to be pasted: `fprecon resume --journal books.journal`.
    pub fn command(&self, words: &str) -> String {
        format!("fprecon {words}{}", self.options())
    }

    /// Adds the options to each command of a hint that needs the same journal and account, so that
    /// it can be pasted: `fprecon resume` becomes `fprecon resume --journal books.journal`.
    pub(crate) fn complete(&self, problem: &mut Problem) {
        const COMMANDS: [&str; 6] = ["accept", "report", "resume", "retry", "status", "undo"];
        let options = self.options();
        let Some(hint) = problem.hint.as_mut().filter(|_| !options.is_empty()) else {
            return;
        };
        // Between backticks, every second piece is a command or a value.
        let pieces = hint.split('`').enumerate().map(|(place, piece)| {
            let words = piece.strip_prefix("fprecon ").filter(|_| place % 2 == 1);
            let name = words.and_then(|words| words.split(' ').next());
            if name.is_some_and(|name| COMMANDS.contains(&name)) && !piece.ends_with(&options) {
                Cow::Owned(format!("{piece}{options}"))
            } else {
                Cow::Borrowed(piece)
            }
        });
        *hint = pieces.collect::<Vec<_>>().join("`");
    }

    /// Returns the command that runs these exports with the options for reading them.
    pub(super) fn run(&self, exports: &[String]) -> String {
        let exports: Vec<Cow<'_, str>> = exports.iter().map(|path| shell_word(path)).collect();
        let words = format!("run {}{}", exports.join(" "), option_words(&self.reading));
        self.command(&words)
    }

    /// Returns the command that runs reports of ours, which are always in UTF-8.
    pub(super) fn run_reports(&self, reports: &[String]) -> String {
        let mut commands = self.clone();
        commands.reading.retain(|(name, _)| name != ENCODING);
        commands.run(reports)
    }

    /// Returns the command that accepts the items of files.
    pub(crate) fn accept<'f>(&self, files: impl Iterator<Item = &'f str>) -> String {
        let files: Vec<Cow<'_, str>> = files.map(shell_word).collect();
        self.command(&format!("accept {} --reason TEXT", files.join(" ")))
    }
}

fn owned(options: &[(&str, String)]) -> Vec<(String, String)> {
    let options = options
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    options.collect()
}

fn option_words(options: &[(String, String)]) -> String {
    let words = options.iter().map(|(name, value)| match value.as_str() {
        "" => format!(" {name}"),
        value => format!(" {name} {}", shell_word(value)),
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::ProblemCode;

    #[test]
    fn a_call_goes_before_the_options_of_a_run() {
        let option = |name: &'static str, value: &str| (name, value.to_owned());
        let run = Commands::new(
            &[
                option("--journal", "a"),
                option("--base-url", "http://localhost:1"),
            ],
            &[option("--profile", "mine")],
        );
        let call = Commands::new(&[option("--journal", "b")], &[]);
        let both = call.with_kept(&run.to_kept().unwrap());
        assert_eq!(
            both.run(&["x.csv".to_owned()]),
            "fprecon run x.csv --profile mine --journal b --base-url http://localhost:1"
        );
        assert_eq!(Commands::default().to_kept(), None);
        let damaged = call.with_kept("no json").command("status");
        assert_eq!(damaged, "fprecon status --journal b");
    }

    #[test]
    fn the_commands_of_a_hint_reach_the_same_journal() {
        let commands = Commands::new(&[("--journal", "my books".to_owned())], &[]);
        let complete = |hint: &str| {
            let mut problem = Problem::error(ProblemCode::EventConflict, "x").hint(hint);
            commands.complete(&mut problem);
            problem.hint.unwrap()
        };
        assert_eq!(
            complete(
                "`fprecon resume` first, then `fprecon accept --event s1 --reason TEXT`; not `resume` or `fprecon init`"
            ),
            "`fprecon resume --journal 'my books'` first, then `fprecon accept --event s1 --reason TEXT --journal 'my books'`; not `resume` or `fprecon init`"
        );
        let whole = complete(&format!("`{}`", commands.command("status")));
        assert_eq!(whole, "`fprecon status --journal 'my books'`");
        assert_eq!(
            complete("no command, one ` alone"),
            "no command, one ` alone"
        );
    }
}
