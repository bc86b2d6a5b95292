//! Reads how far a run is that another process sends.

use jiff::{SignedDuration, Timestamp};

use super::read::count;
use super::{JournalError, JournalReader, RunId};

/// The time whose requests and events say how fast a run is.
const RECENT: SignedDuration = SignedDuration::from_secs(60);

/// Holds how far some runs are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RunProgress {
    /// The events that they were started to send.
    pub(crate) events: u64,
    /// The events that are settled.
    pub(crate) settled: u64,
    /// All requests.
    pub(crate) requests: u64,
    /// The requests of the last minute, answered or not.
    pub(crate) requests_per_minute: u64,
    /// The events that were settled in the last minute.
    pub(crate) settled_per_minute: u64,
}

impl RunProgress {
    /// Returns the seconds that the rest takes at the pace of the last minute; `None` while nothing is known
    /// of it.
    pub(crate) fn seconds_left(&self) -> Option<u64> {
        let left = self.events.saturating_sub(self.settled);
        let seconds = left.saturating_mul(60);
        (self.settled_per_minute > 0).then(|| seconds.div_ceil(self.settled_per_minute))
    }

    fn add(&mut self, other: &RunProgress) {
        self.events += other.events;
        self.settled += other.settled;
        self.requests += other.requests;
        self.requests_per_minute += other.requests_per_minute;
        self.settled_per_minute += other.settled_per_minute;
    }
}

impl JournalReader {
    /// Returns how far some runs are together.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn progress(
        &self,
        runs: &[RunId],
        now: Timestamp,
    ) -> Result<RunProgress, JournalError> {
        let since = now.checked_sub(RECENT).unwrap_or(now).as_millisecond();
        let mut all = RunProgress::default();
        for run in runs {
            all.add(&self.progress_of(*run, since)?);
        }
        Ok(all)
    }

    fn progress_of(&self, run: RunId, since_ms: i64) -> Result<RunProgress, JournalError> {
        let failed = |error| self.failed("reading how far a run is", error);
        let events =
            "SELECT count(*), count(e.outcome), count(CASE WHEN e.settled_ms >= ?2 THEN 1 END)
             FROM run_event re CROSS JOIN event e ON e.id = re.event WHERE re.run = ?1";
        let requests = "SELECT count(*), count(CASE WHEN intended_ms >= ?2 THEN 1 END)
             FROM attempt WHERE run = ?1";
        let of_events = self.connection.query_row(events, [run.0, since_ms], |row| {
            Ok([count(row, 0)?, count(row, 1)?, count(row, 2)?])
        });
        let [events, settled, settled_per_minute] = of_events.map_err(failed)?;
        let of_requests = self
            .connection
            .query_row(requests, [run.0, since_ms], |row| {
                Ok([count(row, 0)?, count(row, 1)?])
            });
        let [requests, requests_per_minute] = of_requests.map_err(failed)?;
        Ok(RunProgress {
            events,
            settled,
            requests,
            requests_per_minute,
            settled_per_minute,
        })
    }
}
