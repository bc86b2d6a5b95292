//! The run that another process sends at this moment, for `fprecon status`.

use jiff::Timestamp;
use serde::Serialize;

use super::estimate::time_in_words;
use crate::cli::error::CliError;
use crate::cli::tables::{count, grouped};
use crate::event::Tally;
use crate::journal::{Holder, Journal, JournalError, JournalReader, RunId, RunProgress};
use crate::report::Attention;
use crate::report::attention::without_unsent;

/// The command that continues with every run that has events left.
const RESUME: &str = "resume";

/// The process that writes a journal, and how far it is.
#[derive(Debug)]
pub(super) struct Running {
    holder: Holder,
    /// The runs whose events it sends; none while it reads its exports.
    runs: Vec<RunId>,
    progress: RunProgress,
}

/// The process and its progress, as `status --json` has them.
#[derive(Debug, Serialize)]
pub(super) struct RunningOutput {
    command: String,
    process: u32,
    host: String,
    since: String,
    events: u64,
    settled: u64,
    requests: u64,
    requests_per_minute: u64,
    seconds_left: Option<u64>,
}

impl Running {
    /// Finds the process that writes the journal now; `None` if none does.
    pub(super) fn find(journal: &JournalReader, now: Timestamp) -> Result<Option<Self>, CliError> {
        // A lock that can't be read says nothing. All else can be said.
        let Ok(Some(holder)) = Journal::lock_holder(journal.path()) else {
            return Ok(None);
        };
        let runs = runs_of(journal, &holder)?;
        let progress = journal.progress(&runs, now)?;
        Ok(Some(Running {
            holder,
            runs,
            progress,
        }))
    }

    /// Leaves out the events that the process is about to send.
    pub(super) fn without_its_events(
        &self,
        journal: &JournalReader,
        attention: Vec<Attention>,
    ) -> Result<Vec<Attention>, CliError> {
        let mut sending = Tally::default();
        for run in &self.runs {
            if let Some(unsent) = journal.outcomes(*run)?.get(&None) {
                sending.add_tally(unsent);
            }
        }
        Ok(without_unsent(attention, &sending))
    }

    /// Returns `true` if the process sends this run's events.
    pub(super) fn sends(&self, run: RunId) -> bool {
        self.runs.contains(&run)
    }

    /// Returns the lines for a person.
    pub(super) fn lines(&self) -> String {
        let RunProgress {
            events,
            settled,
            requests,
            requests_per_minute,
            ..
        } = self.progress;
        if self.runs.is_empty() {
            return format!(
                "Running  {}\n         it reads its exports, or writes its report",
                self.holder
            );
        }
        let left = self
            .progress
            .seconds_left()
            .map_or(String::new(), |seconds| {
                format!(", left {}", time_in_words(seconds))
            });
        format!(
            "Running  {}\n         {} of {} settled, {}, {}/min{left}",
            self.holder,
            grouped(settled.into()),
            count(events, "event"),
            count(requests, "request"),
            grouped(requests_per_minute.into()),
        )
    }

    pub(super) fn output(&self) -> RunningOutput {
        let Holder {
            command,
            process,
            host,
            since,
        } = self.holder.clone();
        RunningOutput {
            command,
            process,
            host,
            since: since.to_string(),
            events: self.progress.events,
            settled: self.progress.settled,
            requests: self.progress.requests,
            requests_per_minute: self.progress.requests_per_minute,
            seconds_left: self.progress.seconds_left(),
        }
    }
}

/// Returns the runs whose events a process sends.
fn runs_of(journal: &JournalReader, holder: &Holder) -> Result<Vec<RunId>, JournalError> {
    if holder.command == RESUME {
        return journal.unfinished_runs();
    }
    let last = journal
        .latest_run()?
        .filter(|run| run.ended.is_none() && run.started >= holder.since);
    Ok(last.into_iter().map(|run| run.id).collect())
}
