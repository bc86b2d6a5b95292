//! The command that comes next for items that need attention, and the files that it names.

use super::texts::{Next, next_of};
use super::{Attention, file_of};
use crate::journal::AttentionCode;
use crate::report::commands::Commands;

/// The paths of the files that commands name.
pub(crate) struct Places<'p> {
    /// The directory of the report.
    pub(crate) directory: Option<&'p str>,
    /// The paths of the run's exports.
    pub(crate) exports: Vec<&'p str>,
    /// The paths of the exports that held sales need beside these.
    pub(crate) beside_held: &'p [String],
    /// The names of the files of rejected rows.
    pub(crate) rejected: &'p [String],
    /// The name of the run that the run undoes, if it does.
    pub(crate) undoes: Option<String>,
}

impl Places<'_> {
    fn in_report(&self, name: &str) -> String {
        match self.directory {
            None => name.to_owned(),
            Some(directory) => std::path::Path::new(directory)
                .join(name)
                .display()
                .to_string(),
        }
    }

    fn rejected_files(&self) -> Vec<String> {
        self.rejected
            .iter()
            .map(|name| self.in_report(name))
            .collect()
    }

    /// Returns the exports as a command can name them: a member of an archive by the archive.
    fn exports(&self, code: AttentionCode) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        let beside = self
            .beside_held
            .iter()
            .map(String::as_str)
            .filter(|_| code == AttentionCode::Held);
        for path in self.exports.iter().copied().chain(beside) {
            let name = match path.to_ascii_lowercase().find(".zip/") {
                Some(at) => &path[..at + ".zip".len()],
                None => path,
            };
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        names
    }

    /// Returns the files of the report that have these items.
    pub(crate) fn files_of(&self, attention: &[Attention]) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        // Events that are not sent can't be accepted: they will be sent.
        let items = attention
            .iter()
            .filter(|item| item.code != AttentionCode::NotSent);
        for item in items {
            let of_item = match item.code {
                AttentionCode::Rejected => self.rejected_files(),
                _ => vec![self.in_report(item.file())],
            };
            for file in of_item {
                if !files.contains(&file) {
                    files.push(file);
                }
            }
        }
        files
    }
}

/// Sets the command of every item.
pub(crate) fn name_commands(attention: &mut [Attention], places: &Places<'_>, commands: &Commands) {
    for item in attention {
        item.command = command_of(item.code, places, commands);
        item.undoes = places.undoes.clone();
    }
}

/// Returns the command that comes next for items with this reason.
pub(super) fn command_of(code: AttentionCode, places: &Places<'_>, commands: &Commands) -> String {
    match next_of(code) {
        Next::Words(words) => commands.command(words),
        Next::RunExports => match &places.undoes {
            Some(run) => commands.command(&format!("undo {run} --yes")),
            None => commands.run(&places.exports(code)),
        },
        Next::RunRejected => commands.run_reports(&places.rejected_files()),
        Next::Accept => {
            let file = places.in_report(file_of(code));
            commands.accept(std::iter::once(file.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::all;
    use super::*;

    #[test]
    fn every_reason_has_a_command_that_reaches_the_same_journal() {
        let rejected = ["rejected.csv".to_owned(), "rejected-2.csv".to_owned()];
        let beside_held = ["payments.csv".to_owned()];
        let places = Places {
            directory: Some("my reports/1"),
            exports: vec!["a.csv", "b.zip/one.csv", "b.zip/two.csv"],
            beside_held: &beside_held,
            rejected: &rejected,
            undoes: None,
        };
        let commands = Commands::new(
            &[
                ("--sandbox", String::new()),
                ("--journal", "it's.journal".to_owned()),
            ],
            &[("--profile", "generic".to_owned())],
        );
        let mut attention = all();
        name_commands(&mut attention, &places, &commands);
        let options = r"--sandbox --journal 'it'\''s.journal'";
        let of = |code| {
            let item = attention.iter().find(|item| item.code == code);
            item.map_or("", |item| item.command.as_str())
        };
        for item in &attention {
            assert!(item.command.starts_with("fprecon "), "{item:?}");
            assert!(item.command.ends_with(options), "{item:?}");
            assert!(item.what().starts_with("2 "), "{item:?}");
            assert!(item.advice().ends_with(':'), "{item:?}");
        }
        assert_eq!(
            of(AttentionCode::Held),
            format!("fprecon run a.csv b.zip payments.csv --profile generic {options}")
        );
        assert_eq!(
            of(AttentionCode::Conflict),
            format!("fprecon run a.csv b.zip --profile generic {options}")
        );
        assert_eq!(
            of(AttentionCode::Rejected),
            format!(
                "fprecon run 'my reports/1/rejected.csv' 'my reports/1/rejected-2.csv' --profile generic {options}"
            )
        );
        assert_eq!(
            of(AttentionCode::OtherAmount),
            format!("fprecon accept 'my reports/1/tracked.csv' --reason TEXT {options}")
        );
    }

    #[test]
    fn what_is_not_sent_can_not_be_accepted() {
        let places = Places {
            directory: None,
            exports: Vec::new(),
            beside_held: &[],
            rejected: &[],
            undoes: None,
        };
        let not_sent = &all()[..1];
        assert_eq!(not_sent[0].code, AttentionCode::NotSent);
        assert_eq!(places.files_of(not_sent), [""; 0]);
        assert_eq!(places.files_of(&all()[..3]), ["failed.csv"]);
    }
}
