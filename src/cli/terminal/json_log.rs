//! The lines of `--log-format json`: one JSON object a line on standard error.
//!
//! Whatever the program has to say there becomes such a line, and nothing else is written. The keys and the
//! words of `level` and `code` are for scripts: they stay as they are when messages get better.

use std::cell::RefCell;
use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::invisible::{Language, shown_in_strings};
use crate::problem::{Problem, Severity};
use crate::report::Redactor;

/// The severity of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Level {
    Info,
    Warning,
    Error,
}

impl From<Severity> for Level {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Warning => Level::Warning,
            Severity::Error => Level::Error,
        }
    }
}

/// What a line says: its level, the stable word for scripts, a sentence for people, and counts and ids.
#[derive(Clone, Debug)]
pub(in crate::cli) struct LogEntry {
    level: Level,
    code: String,
    message: String,
    details: Map<String, Value>,
}

impl LogEntry {
    pub(in crate::cli) fn new(level: Level, code: &str, message: impl Into<String>) -> Self {
        LogEntry {
            level,
            code: code.to_owned(),
            message: message.into(),
            details: Map::new(),
        }
    }

    /// Adds a count, an id or an object; nothing is left out but what has no value.
    pub(in crate::cli) fn with(mut self, key: &str, value: impl Serialize) -> Self {
        match serde_json::to_value(value) {
            Ok(Value::Null) | Err(_) => {}
            Ok(value) => drop(self.details.insert(key.to_owned(), value)),
        }
        self
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn is_info(&self) -> bool {
        self.level == Level::Info
    }

    /// Returns a problem as a line. Its place and its value are keys of their own.
    fn of_problem(problem: &Problem) -> Self {
        LogEntry::new(
            problem.severity.into(),
            problem.code.as_str(),
            &*problem.message,
        )
        .with("file", &problem.file)
        .with("line", problem.line)
        .with("column", &problem.column)
        .with("value", &problem.value)
        .with("hint", &problem.hint)
    }
}

/// A line as it is written.
#[derive(Serialize)]
struct LogLine<'l> {
    time: String,
    level: Level,
    code: &'l str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'l str>,
    message: &'l str,
    #[serde(flatten)]
    details: &'l Map<String, Value>,
}

/// The log on standard error.
#[derive(Debug)]
pub(super) struct JsonLog {
    /// `None` if emails and names are written as they are.
    redactor: Option<Redactor>,
    run: RefCell<Option<String>>,
}

impl JsonLog {
    /// Creates a log that has tokens in place of emails and names.
    pub(super) fn redacted() -> Self {
        JsonLog {
            redactor: Some(Redactor::for_messages()),
            run: RefCell::new(None),
        }
    }

    /// Creates a log that has emails and names.
    pub(super) fn with_emails() -> Self {
        JsonLog {
            redactor: None,
            run: RefCell::new(None),
        }
    }

    /// Sets the run that all further lines belong to.
    pub(super) fn set_run(&self, name: &str) {
        *self.run.borrow_mut() = Some(name.to_owned());
    }

    pub(super) fn problem(&self, problem: &Problem) {
        let mut problem = problem.clone();
        if let Some(redactor) = &self.redactor {
            redactor.problem(&mut problem);
        }
        self.write(LogEntry::of_problem(&problem));
    }

    pub(super) fn write(&self, mut entry: LogEntry) {
        if let Some(redactor) = &self.redactor {
            entry.message = redactor.text(&entry.message).into_owned();
            let values = entry.details.values_mut();
            values.for_each(|value| redactor.json(value));
        }
        let run = self.run.borrow();
        let line = LogLine {
            time: format!("{:.3}", Timestamp::now()),
            level: entry.level,
            code: &entry.code,
            run: run.as_deref(),
            message: entry.message.trim(),
            details: &entry.details,
        };
        // Maps with text keys and numbers are always JSON, and nobody can be told that standard error is gone.
        if let Ok(text) = serde_json::to_string(&line) {
            let text = shown_in_strings(text, Language::Json);
            let _ = writeln!(io::stderr().lock(), "{text}");
        }
    }
}
