//! Describes what a person has to know or fix: the place, the value there, and what to do about it.
//!
//! Every stage that reads the user's input reports problems in this one form; they go to the terminal, into
//! the machine output and into the report.

mod code;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::invisible::shown;

pub use code::ProblemCode;

/// Says how bad a problem is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Something was left out or can't be used.
    Error,
    /// Nothing is lost, but a person should know.
    Warning,
}

impl Severity {
    /// Returns the word in the machine output and in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }
}

impl FromStr for Severity {
    type Err = UnknownSeverity;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        [Severity::Error, Severity::Warning]
            .into_iter()
            .find(|severity| severity.as_str() == word)
            .ok_or_else(|| UnknownSeverity(word.to_owned()))
    }
}

/// Reports a word that is not a severity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a severity")]
pub struct UnknownSeverity(String);

/// Describes one thing to know or to fix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The severity of the problem.
    pub severity: Severity,
    /// The stable word for scripts, such as `amount-invalid`.
    pub code: ProblemCode,
    /// The export, as the user named it.
    pub file: Option<String>,
    /// The line on which the record starts (the header is line 1).
    pub line: Option<u64>,
    /// The column's header name.
    pub column: Option<String>,
    /// `true` if `column` is the name of an option or of a setting.
    #[serde(skip)]
    pub(crate) is_setting: bool,
    /// The value that is there, at most [`Problem::VALUE_CHARS`] characters of it.
    pub value: Option<String>,
    /// The message that says what is wrong, without the place and without a full stop.
    pub message: String,
    /// The hint that says what to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// The number of characters after which a value is cut, with an ellipsis.
    pub const VALUE_CHARS: usize = 80;

    /// The text before a line of a hint that is to be copied.
    pub const HINT_LINE: &str = "\n    ";

    /// Returns an error that names no place yet.
    pub fn error(code: ProblemCode, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, message.into())
    }

    /// Returns a warning that names no place yet.
    pub fn warning(code: ProblemCode, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, message.into())
    }

    fn new(severity: Severity, code: ProblemCode, message: String) -> Self {
        Problem {
            severity,
            code,
            file: None,
            line: None,
            column: None,
            is_setting: false,
            value: None,
            message,
            hint: None,
        }
    }

    /// Sets the file and, if it is known, the line.
    pub fn at(mut self, file: impl Into<String>, line: Option<u64>) -> Self {
        self.file = Some(file.into());
        self.line = line;
        self
    }

    /// Sets the column and the value there, with its invisible characters escaped.
    pub fn cell(mut self, column: impl Into<String>, value: &str) -> Self {
        self.column = Some(column.into());
        self.value = Some(shortened(value));
        self
    }

    /// Sets the option or the setting, and its value, with the invisible characters of that escaped.
    pub(crate) fn setting(self, name: impl Into<String>, value: &str) -> Self {
        Problem {
            is_setting: true,
            ..self.cell(name, value)
        }
    }

    /// Sets the hint, which says what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl Problem {
    /// Returns the message with the cell that it is about, in one line: what `_reason` says of a row.
    pub(crate) fn reason(&self) -> String {
        match (&self.column, &self.value) {
            _ if self.is_cell_said() => self.message.clone(),
            (Some(column), Some(value)) => self.message.clone() + &cell_words(column, value),
            (Some(column), None) => format!("{}, in `{column}`", self.message),
            (None, _) => self.message.clone(),
        }
    }

    /// Returns `true` if the message has the column and the value in it already.
    fn is_cell_said(&self) -> bool {
        let has = |text: &Option<String>| {
            let quoted = text.as_ref().map(|text| format!("`{text}`"));
            quoted.is_some_and(|quoted| self.message.contains(&quoted))
        };
        has(&self.column) && has(&self.value)
    }
}

/// Returns the words for a cell at the end of a reason; `value` is as [`shortened`] returns it.
fn cell_words(column: &str, value: &str) -> String {
    match value {
        "" => format!(": `{column}` is empty"),
        value => format!(": `{value}` in `{column}`"),
    }
}

/// Returns a reason without the words for the cell at its end, if it names this one.
pub(crate) fn without_cell<'r>(reason: &'r str, column: &str, value: &str) -> Option<&'r str> {
    reason.strip_suffix(&cell_words(column, &shortened(value)))
}

/// Returns a value as problems show it: its invisible characters are escaped, and it is cut after
/// [`Problem::VALUE_CHARS`] characters.
pub(crate) fn shortened(value: &str) -> String {
    let value = shown(value);
    match value.char_indices().nth(Problem::VALUE_CHARS) {
        Some((cut, _)) => format!("{}…", &value[..cut]),
        None => value.into_owned(),
    }
}

impl fmt::Display for Problem {
    /// Writes `file.csv:12: message`, the cell, and the hint, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No text of a file, an API or a system may look like a line of the program, or be a command to the
        // terminal.
        if let Some(file) = &self.file {
            write!(f, "{}:", shown(file))?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            f.write_str(" ")?;
        }
        write!(f, "{}: {}", self.severity.as_str(), shown(&self.message))?;
        if let Some(column) = &self.column
            && !self.is_cell_said()
        {
            let kind = if self.is_setting { "setting" } else { "column" };
            write!(f, "\n  {kind} `{}`", shown(column))?;
            if let Some(value) = &self.value {
                write!(f, ": `{}`", shown(value))?;
            }
        }
        if let Some(hint) = &self.hint {
            // Lines to copy are indented further than any line of another kind.
            let mut lines = hint.split(Problem::HINT_LINE);
            write!(f, "\n  hint: {}", shown(lines.next().unwrap_or_default()))?;
            for line in lines {
                write!(f, "{}{}", Problem::HINT_LINE, shown(line))?;
            }
        }
        Ok(())
    }
}

/// Returns an error with all its causes, in one line.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// Holds the problems of a job: the first of each code in full, the rest counted.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    kept: Vec<Problem>,
    counts: BTreeMap<ProblemCode, u64>,
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        for problem in problems {
            self.push(problem);
        }
    }
}

impl Problems {
    /// The number of problems of one code that are kept in full.
    pub const KEPT_PER_CODE: u64 = 200;

    /// Adds a problem.
    pub fn push(&mut self, problem: Problem) {
        let count = self.counts.entry(problem.code.clone()).or_default();
        *count += 1;
        if *count <= Self::KEPT_PER_CODE {
            self.kept.push(problem);
        }
    }

    /// Returns the problems that are kept in full, in the order in which they were found.
    pub fn kept(&self) -> &[Problem] {
        &self.kept
    }

    /// Changes each of the problems that are kept in full.
    pub(crate) fn edit(&mut self, edit: impl FnMut(&mut Problem)) {
        self.kept.iter_mut().for_each(edit);
    }

    /// Returns how many problems of each code were found and not kept.
    pub fn omitted(&self) -> impl Iterator<Item = (&str, u64)> + '_ {
        self.counts
            .iter()
            .map(|(code, count)| (code.as_str(), count.saturating_sub(Self::KEPT_PER_CODE)))
            .filter(|(_, omitted)| *omitted > 0)
    }

    /// Returns `true` if there are no problems.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_what_and_what_to_do() {
        let problem = Problem::error(ProblemCode::AmountInvalid, "`1e3` is no amount")
            .at("x.csv", Some(12))
            .cell("Amount", "1e3")
            .hint("write 1000.00");
        assert_eq!(
            problem.to_string(),
            "x.csv:12: error: `1e3` is no amount\n  column `Amount`: `1e3`\n  hint: write 1000.00"
        );
    }

    #[test]
    fn a_flood_of_one_code_is_counted_and_hides_no_other() {
        let mut problems = Problems::default();
        for _ in 0..Problems::KEPT_PER_CODE + 5 {
            problems.push(Problem::error(ProblemCode::AmountInvalid, "no amount"));
        }
        problems.push(Problem::error(ProblemCode::DateInvalid, "no date"));
        assert_eq!(
            problems.omitted().collect::<Vec<_>>(),
            [("amount-invalid", 5)]
        );
        assert_eq!(
            problems.kept().last().map(|p| p.code.as_str()),
            Some("date-invalid")
        );
    }
}
