//! Counts failures in a row, of whichever events, and decides when to pause and when to give up.

use std::time::{Duration, Instant};

use super::backoff;

/// The number of failures in a row after which all requests pause.
const FAILURES_BEFORE_PAUSE: u32 = 5;
/// The time after which a run ends that gets nothing but 429.
const GIVE_UP_ON_TOO_FAST: Duration = Duration::from_secs(1800);

/// Holds the failures since the last success.
#[derive(Default)]
pub(super) struct FailureStreak {
    failures: u32,
    /// The number of pauses of all requests.
    pauses: u32,
    since: Option<Instant>,
    has_other_failures: bool,
}

impl FailureStreak {
    /// Adds a failure, which may be a 429.
    pub(super) fn note(&mut self, is_too_fast: bool) {
        self.failures += u32::from(!is_too_fast);
        self.has_other_failures |= !is_too_fast;
        self.since.get_or_insert_with(Instant::now);
    }

    /// Excludes a time in which the API had asked to wait.
    pub(super) fn exclude(&mut self, wait: Duration) {
        self.since = self.since.map(|since| since + wait);
    }

    /// Returns `true` if the failures no longer look like those of one event.
    pub(super) fn is_serious(&self) -> bool {
        self.failures >= FAILURES_BEFORE_PAUSE
    }

    /// Returns for how long all requests have to pause after a failure, if they have to. Requests that were under
    /// way when a pause began say nothing new by failing too.
    pub(super) fn next_pause(&mut self, is_paused: bool) -> Option<Duration> {
        if !self.is_serious() || is_paused {
            return None;
        }
        self.pauses += 1;
        Some(backoff::after(self.pauses))
    }

    /// Returns `true` if the failures have gone on for too long.
    pub(super) fn is_too_long(&self, give_up_after: Duration) -> bool {
        let limit = if self.has_other_failures {
            give_up_after
        } else {
            GIVE_UP_ON_TOO_FAST
        };
        self.since.is_some_and(|since| since.elapsed() >= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_that_fail_at_once_are_one_failure_of_the_api() {
        let mut streak = FailureStreak::default();
        let mut pauses = Vec::new();
        for _ in 0..16 {
            streak.note(false);
            pauses.extend(streak.next_pause(!pauses.is_empty()));
        }
        assert_eq!(pauses.len(), 1);
        assert!(pauses[0] <= Duration::from_millis(500), "{pauses:?}");
        for _ in 0..3 {
            streak.note(false);
            assert!(streak.next_pause(false).is_some());
        }
        assert_eq!(streak.pauses, 4);
    }
}
