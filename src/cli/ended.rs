//! How a command ended: what the log, the metrics and a notification are made of.

use super::commands::verdict_in_one_line;
use super::error::Exit;
use super::terminal::{Level, LogEntry};
use crate::problem::Problem;
use crate::report::{OutcomesSummary, RunSummary, outcome_word};

/// How a command ended, for those who do not watch it.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) exit: Exit,
    /// The figures of its run; `None` if it had none, or ended before they were known.
    pub(super) summary: Option<RunSummary>,
    /// The problems that ended it.
    pub(super) problems: Vec<Problem>,
    /// `true` if a person was asked and said no.
    pub(super) is_cancelled: bool,
}

impl From<Exit> for Ended {
    fn from(exit: Exit) -> Self {
        Ended {
            exit,
            summary: None,
            problems: Vec::new(),
            is_cancelled: false,
        }
    }
}

impl Ended {
    /// Returns the end of a command that failed.
    pub(super) fn failed(exit: Exit, problems: Vec<Problem>) -> Self {
        Ended {
            problems,
            ..exit.into()
        }
    }

    /// Returns the end of a command that a person declined.
    pub(super) fn cancelled(exit: Exit) -> Self {
        Ended {
            is_cancelled: true,
            ..exit.into()
        }
    }

    /// Returns the end of a run.
    pub(super) fn of_run(exit: Exit, summary: RunSummary, problem: Option<Problem>) -> Self {
        Ended {
            summary: Some(summary),
            problems: problem.into_iter().collect(),
            ..exit.into()
        }
    }

    /// Returns the result in one line for people.
    pub(super) fn verdict(&self) -> String {
        match verdict_in_one_line(self.summary.as_ref(), self.problems.first()) {
            Some(verdict) => verdict,
            None if self.exit == Exit::Attention => {
                "nothing was left to send, and something needs attention".to_owned()
            }
            None if self.exit != Exit::Done => format!("ended with exit code {}", self.exit as u8),
            None if self.is_cancelled => "cancelled: nothing was sent".to_owned(),
            None if self.summary.is_none() => "nothing was left to send".to_owned(),
            None => "nothing needs attention".to_owned(),
        }
    }

    /// Returns the last entry of a run's log.
    pub(super) fn entry(&self, command: &str) -> LogEntry {
        let level = match self.exit {
            Exit::Done => Level::Info,
            Exit::Attention => Level::Warning,
            _ => Level::Error,
        };
        let entry = LogEntry::new(level, "ended", self.verdict())
            .with("command", command)
            .with("exit_code", self.exit as u8);
        let Some(summary) = &self.summary else {
            return entry;
        };
        let outcomes = OutcomesSummary::all().map(|outcome| {
            let count = summary.outcomes.for_outcome(outcome).count();
            (outcome_word(outcome), count.into())
        });
        let attention = summary
            .attention
            .iter()
            .map(|item| (item.code.as_str(), item.count.into()));
        let rows = summary.reading.rows;
        entry
            .with("rows", rows)
            .with("outcomes", object(outcomes))
            .with("attention", object(attention))
            .with("requests", summary.requests)
            .with("elapsed_seconds", summary.elapsed_seconds)
            .with(
                "learned_requests_per_minute",
                summary.learned_requests_per_minute,
            )
            .with("report_dir", &summary.report_dir)
    }
}

fn object<'w>(
    counts: impl Iterator<Item = (&'w str, serde_json::Value)>,
) -> serde_json::Map<String, serde_json::Value> {
    counts
        .map(|(word, count)| (word.to_owned(), count))
        .collect()
}
