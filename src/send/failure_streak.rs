//! Failures in a row, of whichever events: when to pause, and when to give up.

use std::time::{Duration, Instant};

/// Failures in a row after which everyone pauses.
const FAILURES_BEFORE_PAUSE: u32 = 5;
/// A run that meets nothing but 429 for this long ends.
const GIVE_UP_ON_TOO_FAST: Duration = Duration::from_secs(1800);

/// Failures since the last success.
#[derive(Default)]
pub(super) struct FailureStreak {
    failures: u32,
    /// How often everyone has paused.
    pub(super) pauses: u32,
    since: Option<Instant>,
    not_only_too_fast: bool,
}

impl FailureStreak {
    /// One more failure, which may be a 429.
    pub(super) fn note(&mut self, too_fast: bool) {
        self.failures += u32::from(!too_fast);
        self.not_only_too_fast |= !too_fast;
        self.since.get_or_insert_with(Instant::now);
    }

    /// Leaves a time out of account in which the API had asked to wait.
    pub(super) fn excuse(&mut self, wait: Duration) {
        self.since = self.since.map(|since| since + wait);
    }

    /// Whether it is no longer one event's bad luck.
    pub(super) fn is_serious(&self) -> bool {
        self.failures >= FAILURES_BEFORE_PAUSE
    }

    /// Whether it has gone on for too long.
    pub(super) fn is_hopeless(&self, give_up_after: Duration) -> bool {
        let limit = match self.not_only_too_fast {
            true => give_up_after,
            false => GIVE_UP_ON_TOO_FAST,
        };
        self.since.is_some_and(|since| since.elapsed() >= limit)
    }
}
