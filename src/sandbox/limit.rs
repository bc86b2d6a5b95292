//! The rate limit: decides if one more call fits in the last minute.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);

/// A sliding window over the calls that were let through. Refused calls do not count: the vendor's
/// documents don't say, and counting them would lock out a client that keeps asking.
pub(super) struct RateLimit {
    per_minute: Option<usize>,
    admitted: VecDeque<Instant>,
}

impl RateLimit {
    pub(super) fn new(per_minute: Option<u32>) -> RateLimit {
        RateLimit {
            per_minute: per_minute.map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
            admitted: VecDeque::new(),
        }
    }

    pub(super) fn admit(&mut self, now: Instant) -> bool {
        let Some(most) = self.per_minute else {
            return true;
        };
        while let Some(first) = self.admitted.front() {
            if now.duration_since(*first) < WINDOW {
                break;
            }
            self.admitted.pop_front();
        }
        let fits = self.admitted.len() < most;
        if fits {
            self.admitted.push_back(now);
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimit;
    use std::time::{Duration, Instant};

    #[test]
    fn the_window_slides() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut limit = RateLimit::new(Some(2));
        assert!(limit.admit(at(0)));
        assert!(limit.admit(at(30)));
        assert!(!limit.admit(at(59)));
        assert!(limit.admit(at(60)));
        assert!(!limit.admit(at(61)));
        assert!(limit.admit(at(90)));
    }

    #[test]
    fn no_limit_keeps_nothing() {
        let mut limit = RateLimit::new(None);
        assert!((0..1000).all(|_| limit.admit(Instant::now())));
        assert!(limit.admitted.is_empty());
    }
}
