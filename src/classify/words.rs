//! Reads the words of a row, and says what to do about an unknown one.

use std::fmt::Write;

use super::Classifier;
use crate::export::Row;
use crate::invisible::{self, Language, is_invisible};
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, EmptyList, Meaning, OwnFile, ProfileAnswer, ReadAs, Test};

impl<'p> Classifier<'p> {
    /// Returns the word of a cell, or the word that the user has declared for it.
    pub(super) fn word<'s>(&'s self, row: &'s Row, column: ColumnIndex) -> &'s str {
        let text = self.text(row, column);
        match self.read_as(column, text) {
            Some(Meaning::Word(word)) => word,
            Some(Meaning::Ignored(_)) | None => text,
        }
    }

    fn read_as(&self, column: ColumnIndex, text: &str) -> Option<&'p Meaning> {
        let is_said = |said: &&ReadAs| said.column == column && said.words.contain(text);
        let said = self.profile.read_as.iter().find(is_said)?;
        Some(&said.meaning)
    }

    /// Rejects a row with a word that is not in the profile.
    pub(super) fn check_known(&self, row: &Row) -> Result<(), Box<Problem>> {
        for (column, words) in &self.profile.known {
            let text = self.text(row, *column);
            if !words.contain(text) && self.read_as(*column, text).is_none() {
                let name = self.header_name(*column);
                let message = format!("unknown value `{}` in `{name}`", shown(text));
                return Err(Box::new(
                    self.cell_error(ProblemCode::ValueUnknown, *column, text, &message)
                        .hint(self.question(*column, text)),
                ));
            }
        }
        Ok(())
    }

    /// Returns the user's reason for ignoring rows with one of these words.
    pub(super) fn ignored_word(&self, row: &Row) -> Option<&'p str> {
        if self.profile.read_as.is_empty() {
            return None;
        }
        let columns = self.profile.known.iter().map(|(column, _)| *column);
        columns
            .filter_map(|column| self.read_as(column, self.text(row, column)))
            .find_map(|meaning| match meaning {
                Meaning::Ignored(reason) => Some(reason.as_str()),
                Meaning::Word(_) => None,
            })
    }

    /// Rejects a row in which a word of `known` is not named by any of the events that the row
    /// matches: that the word is known does not give it a meaning.
    pub(super) fn check_named(&self, row: &Row) -> Result<(), Box<Problem>> {
        let mut fits = false;
        let mut named: Vec<ColumnIndex> = Vec::new();
        for rule in &self.profile.events {
            if self.is_for(&rule.scope, row)? {
                fits = true;
                named.extend(&rule.names);
            }
        }
        // A column that the export does not have needs no word.
        let is_in_export = |column: &ColumnIndex| self.binding.position(*column).is_some();
        let columns = || {
            let known = self.profile.known.iter().map(|(column, _)| *column);
            known.filter(is_in_export)
        };
        let is_only_known = |column: &ColumnIndex| {
            let word = self.word(row, *column);
            !self.profile.names_word(*column, word)
        };
        let is_left_out = |column: &ColumnIndex| fits && !named.contains(column);
        let column = columns().find(is_only_known);
        match column.or_else(|| columns().find(is_left_out)) {
            Some(column) => Err(Box::new(self.unnamed(row, column))),
            None => Ok(()),
        }
    }

    fn unnamed(&self, row: &Row, column: ColumnIndex) -> Problem {
        let text = self.text(row, column);
        let (name, profile) = (self.header_name(column), &self.profile.name);
        let message = format!(
            "no rule of `{profile}` is for a row with `{}` in `{name}`",
            shown(text)
        );
        let problem = self.cell_error(ProblemCode::ValueWithoutRule, column, text, &message);
        let is_told_by_events = self
            .profile
            .events
            .iter()
            .any(|rule| rule.names.contains(&column));
        problem.hint(if is_told_by_events {
            self.question(column, text)
        } else {
            self.question_of_events(column, text)
        })
    }

    /// Returns the problem of a row that no rule is for.
    pub(super) fn without_rule(&self, row: &Row) -> Problem {
        let profile = &self.profile.name;
        let (file, table) = self.table("ignore");
        let copied = match self.profile.lineage.len() {
            0 | 1 => String::new(),
            _ => format!(
                " Where it has no `[[ignore]]` of its own, first copy those that `fprecon profiles show {profile}` prints."
            ),
        };
        let message = format!("no rule of `{profile}` is for this row");
        let failing = self.failing_test(row);
        let problem = match failing {
            Some((column, _)) => {
                let value = self.text(row, *column);
                self.cell_error(ProblemCode::RowWithoutRule, *column, value, &message)
            }
            None => Problem::error(ProblemCode::RowWithoutRule, message),
        };
        problem.hint(format!(
            "what are such rows? If they are events, add an `[[event]]` for them to `{profile}`. If not, add these lines to `{file}`.{copied}\n    [[{table}]]\n    when = {{ {} }}\n    reason = \"your reason\"",
            self.test_that_fits(row, failing)
        ))
    }

    /// Returns a test by which the row is not one of the events of the profile.
    fn failing_test(&self, row: &Row) -> Option<&'p (ColumnIndex, Test)> {
        let mut tests = self.profile.events.iter().flat_map(|rule| &rule.scope.when);
        tests.find(|(column, test)| {
            let alone = vec![(*column, test.clone())];
            !self.holds(&alone, row).unwrap_or(true)
        })
    }

    /// Returns a condition that the row fulfils and that excludes it from the events of the
    /// profile.
    fn test_that_fits(&self, row: &Row, failing: Option<&(ColumnIndex, Test)>) -> String {
        let Some((column, test)) = failing else {
            return "COLUMN = \"VALUE\"".to_owned();
        };
        let name = toml_key(&self.profile.columns[*column].name);
        let sign = self.sign(row, *column).ok().flatten();
        match (test, sign) {
            (Test::Sign(_) | Test::NotSign(_), Some(sign)) => {
                format!("{name} = {{ sign = \"{}\" }}", sign.as_str())
            }
            _ => match self.text(row, *column) {
                "" => format!("{name} = {{ empty = true }}"),
                text => format!("{name} = {}", toml_text(text)),
            },
        }
    }

    /// Returns the question for the meaning of a word in a column that no event uses.
    fn question_of_events(&self, column: ColumnIndex, text: &str) -> String {
        let profile = &self.profile.name;
        let name = toml_key(&self.profile.columns[column].name);
        let (file, table) = self.read_as_table(column);
        let word = toml_text(text);
        format!(
            "what are such rows? If they are events, add `{name} = {word}` to the `when` of the `[[event]]` in `{profile}` that is for them (`fprecon profiles show {profile}` prints those that it has from another profile, to be copied). If not, add to `{file}`\n    [{table}]\n    {word} = {{ ignore = \"your reason\" }}"
        )
    }

    /// Returns the question for the meaning of rows with this word, with the lines to add for each
    /// answer.
    fn question(&self, column: ColumnIndex, text: &str) -> String {
        let key = toml_text(text);
        let (file, table) = self.read_as_table(column);
        let mut lines: Vec<(String, String)> = self
            .profile
            .answers(column)
            .into_iter()
            .map(|ProfileAnswer { word, meaning }| (toml_text(&word), meaning))
            .collect();
        lines.push((
            "{ ignore = \"your reason\" }".to_owned(),
            "not an event".to_owned(),
        ));
        let width = lines
            .iter()
            .map(|(value, _)| value.chars().count())
            .max()
            .unwrap_or_default();
        let lists: Vec<&EmptyList> = self
            .profile
            .empty_lists
            .iter()
            .filter(|list| list.column == column)
            .collect();
        let tables = if lists.is_empty() {
            "the table"
        } else {
            "one of the tables"
        };
        let mut hint = format!(
            "what are such rows? Add {tables} to `{file}`, if it is not there, and one of the lines to it:\n    [{table}]"
        );
        for (value, meaning) in lines {
            // Writing to a text does not fail.
            let _ = write!(hint, "\n    {key} = {value:width$}  # {meaning}");
        }
        if !lists.is_empty() {
            let (_, table) = self.table("words");
            let _ = write!(hint, "\n    [{table}]");
        }
        for EmptyList { name, meaning, .. } in lists {
            let _ = write!(hint, "\n    {} = [{key}]  # {meaning}", toml_key(name));
        }
        hint
    }

    /// Returns the file and the table in which the user declares the words of this column.
    fn read_as_table(&self, column: ColumnIndex) -> (&'p str, String) {
        let column = toml_key(&self.profile.columns[column].name);
        self.table(&format!("read_as.{column}"))
    }

    /// Returns the file in which the user changes this profile, and the name of one of its tables
    /// there.
    pub(super) fn table(&self, keys: &str) -> (&'p str, String) {
        let profile = self.profile;
        let below_exports = || format!("exports.{}.{keys}", toml_key(&profile.name));
        match &profile.file {
            Some(OwnFile::Whole(path)) => (path, keys.to_owned()),
            Some(OwnFile::Config(path)) => (path, below_exports()),
            None => ("fprecon.toml", below_exports()),
        }
    }
}

/// Returns a value for a message, with invisible characters escaped.
fn shown(text: &str) -> String {
    match text.char_indices().nth(Problem::VALUE_CHARS) {
        Some((cut, _)) => format!("{}…", invisible::shown(&text[..cut])),
        None => invisible::shown(text).into_owned(),
    }
}

/// Returns a key of TOML, quoted if needed.
fn toml_key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.bytes().all(is_bare) {
        name.to_owned()
    } else {
        toml_text(name)
    }
}

/// Returns a text of TOML on one line.
pub(super) fn toml_text(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if is_invisible(c) => quoted.push_str(&Language::Toml.escape(c)),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
