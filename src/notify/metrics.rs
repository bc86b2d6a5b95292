//! The metrics of the last run, for Prometheus by the textfile collector of node_exporter.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use jiff::Timestamp;

use crate::journal::AttentionCode;
use crate::report::atomic::{FileError, write_for_others};
use crate::report::{OutcomesSummary, RunSummary, outcome_word};

/// The first characters of every file of metrics.
const FIRST: &str = "# HELP fprecon_";

/// The end of a command, of which metrics are made.
#[derive(Clone, Debug)]
pub(crate) struct Metrics<'m> {
    /// The journal's absolute path: the label by which jobs of one machine are distinguished.
    pub(crate) journal: String,
    /// The command: `run`, `resume` or `retry`.
    pub(crate) command: &'static str,
    /// The end of the command.
    pub(crate) ended: Timestamp,
    /// The time that the command took, in milliseconds.
    pub(crate) elapsed_ms: u64,
    /// The exit code of the program.
    pub(crate) exit_code: u8,
    /// The figures of its run; without them the metrics say only when and how it ended.
    pub(crate) summary: Option<&'m RunSummary>,
}

/// Writes the metrics of a run, whole or not at all, for other users to read.
///
/// # Errors
///
/// The file can't be written, or something else is at its path.
pub(crate) fn write_metrics(path: &Path, metrics: &Metrics<'_>) -> Result<(), FileError> {
    expect_metrics(path).map_err(|error| FileError::new(path, "replacing it", error))?;
    write_for_others(path, metrics.to_text().as_bytes())
}

/// Refuses to replace a file that is not one of metrics: an export, or the journal.
fn expect_metrics(path: &Path) -> io::Result<()> {
    let mut begin = Vec::new();
    // Opening a pipe would wait.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is not a file"));
    }
    match fs::File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(file) => file.take(FIRST.len() as u64).read_to_end(&mut begin)?,
    };
    if begin.is_empty() || begin == FIRST.as_bytes() {
        return Ok(());
    }
    Err(io::Error::other("it is not a file of these metrics"))
}

impl Metrics<'_> {
    /// Returns the metrics in the text format of Prometheus, version 0.0.4.
    fn to_text(&self) -> String {
        let mut text = Exposition::new(&self.journal);
        text.one(
            "last_run_end_timestamp_seconds",
            "When the last run, resume or retry ended, in seconds since 1970.",
            &thousandths(self.ended.as_millisecond().unsigned_abs()),
        );
        text.one(
            "last_run_duration_seconds",
            "How long the last run, resume or retry took.",
            &thousandths(self.elapsed_ms),
        );
        text.one(
            "last_run_exit_code",
            "The exit code of the last run, resume or retry; 0 if nothing needs attention.",
            &self.exit_code.to_string(),
        );
        let command = ("command", self.command);
        let version = ("version", env!("CARGO_PKG_VERSION"));
        text.head(
            "last_run_info",
            "The command of the last run, and the version of fprecon.",
        );
        text.sample("last_run_info", &[command, version], "1");
        if let Some(summary) = self.summary {
            figures(&mut text, summary);
        }
        text.text
    }
}

fn figures(text: &mut Exposition, summary: &RunSummary) {
    text.head(
        "last_run_events",
        "The events that the last run was to send, by outcome.",
    );
    for outcome in OutcomesSummary::all() {
        let count = summary.outcomes.for_outcome(outcome).count().to_string();
        text.sample(
            "last_run_events",
            &[("outcome", outcome_word(outcome))],
            &count,
        );
    }
    text.head(
        "last_run_attention",
        "The items that need attention after the last run, by reason.",
    );
    let needing = |code: &&AttentionCode| **code != AttentionCode::Ignored;
    for &code in AttentionCode::ALL.iter().filter(needing) {
        let items = summary.attention.iter().find(|item| item.code == code);
        let count = items.map_or(0, |item| item.count).to_string();
        text.sample("last_run_attention", &[("code", code.as_str())], &count);
    }
    text.head(
        "last_run_rows",
        "The rows of the last run's exports, by what became of them.",
    );
    let rows = summary.reading.rows;
    for (state, count) in [
        ("with_events", rows.with_events),
        ("ignored", rows.ignored),
        ("rejected", rows.rejected),
    ] {
        text.sample("last_run_rows", &[("state", state)], &count.to_string());
    }
    text.one(
        "last_run_requests",
        "The requests of the last run, over all its resumptions.",
        &summary.requests.to_string(),
    );
    if let Some(per_minute) = summary.learned_requests_per_minute {
        text.one(
            "learned_requests_per_minute",
            "The requests a minute that the account takes, where that is less than the setting.",
            &per_minute.to_string(),
        );
    }
}

/// Returns a number of thousandths as a decimal.
fn thousandths(number: u64) -> String {
    format!("{}.{:03}", number / 1000, number % 1000)
}

/// A text in the format of Prometheus. Every metric is a gauge of the last run.
struct Exposition {
    text: String,
    journal: String,
}

impl Exposition {
    fn new(journal: &str) -> Self {
        Exposition {
            text: String::new(),
            journal: journal.to_owned(),
        }
    }

    fn head(&mut self, name: &str, help: &str) {
        self.line(format_args!("# HELP fprecon_{name} {help}"));
        self.line(format_args!("# TYPE fprecon_{name} gauge"));
    }

    fn one(&mut self, name: &str, help: &str, value: &str) {
        self.head(name, help);
        self.sample(name, &[], value);
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: &str) {
        let mut all = format!("journal=\"{}\"", escaped(&self.journal));
        for (label, word) in labels {
            // Writing to a string can't fail.
            let _ = write!(all, ",{label}=\"{}\"", escaped(word));
        }
        self.line(format_args!("fprecon_{name}{{{all}}} {value}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let _ = writeln!(self.text, "{line}");
    }
}

/// Returns the value of a label as it is written between quotation marks.
fn escaped(value: &str) -> String {
    let value = value.replace('\\', "\\\\");
    value.replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metrics() -> Metrics<'static> {
        Metrics {
            journal: "/srv/a \"b\"\\c\nd".to_owned(),
            command: "run",
            ended: Timestamp::from_millisecond(1_780_000_000_007).unwrap(),
            elapsed_ms: 61_050,
            exit_code: 6,
            summary: None,
        }
    }

    #[test]
    fn a_run_without_figures_says_when_and_how_it_ended() {
        let text = metrics().to_text();
        let label = r#"journal="/srv/a \"b\"\\c\nd""#;
        for line in [
            format!("fprecon_last_run_end_timestamp_seconds{{{label}}} 1780000000.007"),
            format!("fprecon_last_run_duration_seconds{{{label}}} 61.050"),
            format!("fprecon_last_run_exit_code{{{label}}} 6"),
        ] {
            assert!(text.lines().any(|own| own == line), "{line}\n{text}");
        }
        assert!(!text.contains("events"), "{text}");
    }

    #[test]
    fn nothing_but_metrics_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.prom");
        write_metrics(&path, &metrics()).unwrap();
        write_metrics(&path, &metrics()).unwrap();
        fs::write(&path, "kind,event_id\n").unwrap();
        let refused = write_metrics(&path, &metrics()).unwrap_err();
        assert_eq!(
            refused.source.to_string(),
            "it is not a file of these metrics"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "kind,event_id\n");
        fs::write(&path, "").unwrap();
        write_metrics(&path, &metrics()).unwrap();
    }
}
