//! Computes how long to wait before a request is repeated.

use std::time::Duration;

const BASE: Duration = Duration::from_millis(500);
const CAP: Duration = Duration::from_secs(30);

/// The number of requests for one event in one run, before it is left to the next.
pub(super) const MAX_ATTEMPTS: u32 = 6;

/// Returns the wait after the `failures`-th failure in a row: a random share of a time that doubles, so that
/// customers who failed together do not come back together.
pub(super) fn after(failures: u32) -> Duration {
    let doubled = BASE.saturating_mul(1 << failures.saturating_sub(1).min(16));
    full_jitter(doubled.min(CAP))
}

/// Returns a random time up to `most`.
pub(super) fn full_jitter(most: Duration) -> Duration {
    let most_us = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(fastrand::u64(0..=most_us))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_stay_below_the_cap() {
        for failures in 1..100 {
            assert!(after(failures) <= CAP);
        }
        let longest = |failures| (0..500).map(|_| after(failures)).max().unwrap();
        assert!(longest(1) <= BASE);
        assert!(longest(4) > BASE * 4);
    }
}
