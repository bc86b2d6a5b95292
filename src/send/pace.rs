//! When the next request may go out: one rate for the whole account.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

/// Requests closer together than this are let out together: timers are no finer.
const TIMER_GRAIN: Duration = Duration::from_millis(5);
/// After a 429 the rate falls to this many percent of itself.
const SLOWER_PERCENT: u32 = 70;
/// It never falls below this many requests a minute.
const MIN_PER_MINUTE: u32 = 6;
/// Every so often without a 429, the rate grows again.
const RECOVERY_STEP: Duration = Duration::from_secs(10);
/// By this share of the ceiling.
const RECOVERY_SHARE: u32 = 20;
/// The pause after a 429 that names no time.
const PAUSE: Duration = Duration::from_secs(2);

type Limiter = RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<Instant>>;

/// The account's rate, its pauses, and how it recovers.
pub(super) struct Pace {
    limiter: Limiter,
    clock: MonotonicClock,
    ceiling_per_minute: u32,
    per_minute: u32,
    paused_until: Option<Instant>,
    changed: Instant,
}

impl Pace {
    /// A pace that never goes above `ceiling_per_minute` requests a minute.
    pub(super) fn new(ceiling_per_minute: NonZeroU32) -> Self {
        let ceiling = ceiling_per_minute.get();
        Pace {
            limiter: limiter(ceiling),
            clock: MonotonicClock,
            ceiling_per_minute: ceiling,
            per_minute: ceiling,
            paused_until: None,
            changed: Instant::now(),
        }
    }

    /// Takes leave for one request, or says when to ask again.
    pub(super) fn take(&mut self) -> Result<(), Instant> {
        let now = self.clock.now();
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err(until);
        }
        self.paused_until = None;
        self.recover(now);
        self.limiter
            .check()
            .map_err(|not_until| now + not_until.wait_time_from(now))
    }

    /// How many requests may be prepared ahead of their leave: those of the next timer grain.
    pub(super) fn look_ahead(&self) -> usize {
        burst(self.per_minute).get() as usize
    }

    /// The rate in force.
    pub(super) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Whether nothing goes out for now.
    pub(super) fn is_paused(&self) -> bool {
        let now = self.clock.now();
        self.paused_until.is_some_and(|until| until > now)
    }

    /// Nothing goes out for this long.
    pub(super) fn pause(&mut self, wait: Duration) {
        let until = self.clock.now() + wait;
        self.paused_until = Some(self.paused_until.map_or(until, |other| other.max(until)));
    }

    /// A 429: everyone waits, and the rate falls. Answers that were under way when the rate fell
    /// do not make it fall again.
    pub(super) fn slow_down(&mut self, retry_after: Option<Duration>) {
        let now = self.clock.now();
        let already_paused = self.is_paused();
        self.pause(retry_after.unwrap_or_else(|| super::backoff::full_jitter(PAUSE)));
        if !already_paused {
            let slower = self.per_minute.saturating_mul(SLOWER_PERCENT) / 100;
            self.set(slower.max(MIN_PER_MINUTE.min(self.ceiling_per_minute)), now);
        }
    }

    fn recover(&mut self, now: Instant) {
        let is_due = now.duration_since(self.changed) >= RECOVERY_STEP;
        if self.per_minute < self.ceiling_per_minute && is_due {
            let step = (self.ceiling_per_minute / RECOVERY_SHARE).max(1);
            self.set((self.per_minute + step).min(self.ceiling_per_minute), now);
        }
    }

    fn set(&mut self, per_minute: u32, now: Instant) {
        self.per_minute = per_minute;
        self.limiter = limiter(per_minute);
        self.changed = now;
    }
}

/// One request at a time, except at rates beyond what timers can tell apart: governor's own
/// default would let a whole minute's requests out at once.
fn limiter(per_minute: u32) -> Limiter {
    let period = Duration::from_secs(60) / per_minute.max(1);
    let quota = Quota::with_period(period)
        .unwrap_or_else(|| Quota::per_second(NonZeroU32::MAX))
        .allow_burst(burst(per_minute));
    RateLimiter::direct_with_clock(quota, MonotonicClock)
}

fn burst(per_minute: u32) -> NonZeroU32 {
    let grains_per_minute = 60_000 / u32::try_from(TIMER_GRAIN.as_millis()).unwrap_or(1);
    NonZeroU32::new(per_minute / grains_per_minute).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(per_minute: u32) -> Pace {
        Pace::new(NonZeroU32::new(per_minute).unwrap())
    }

    #[test]
    fn a_minutes_worth_does_not_go_out_at_once() {
        let mut pace = pace(400);
        assert!(pace.take().is_ok());
        let wait = pace.take().unwrap_err().duration_since(Instant::now());
        assert!(wait > Duration::from_millis(100), "{wait:?}");
        assert!(wait <= Duration::from_millis(150), "{wait:?}");
    }

    #[test]
    fn one_storm_of_429_slows_down_once_and_pauses_as_told() {
        let mut pace = pace(400);
        for _ in 0..16 {
            pace.slow_down(Some(Duration::from_secs(30)));
        }
        assert_eq!(pace.per_minute(), 280);
        let wait = pace.take().unwrap_err().duration_since(Instant::now());
        assert!(wait > Duration::from_secs(29), "{wait:?}");
    }

    #[test]
    fn the_rate_recovers_step_by_step_and_never_above_its_ceiling() {
        let mut pace = pace(400);
        pace.slow_down(Some(Duration::ZERO));
        assert_eq!(pace.per_minute(), 280);
        for expected in [300, 320, 340, 360, 380, 400, 400] {
            pace.changed -= RECOVERY_STEP;
            let _ = pace.take();
            assert_eq!(pace.per_minute(), expected);
        }
    }

    #[test]
    fn the_rate_never_falls_to_nothing() {
        let mut pace = pace(10);
        for _ in 0..50 {
            pace.paused_until = None;
            pace.slow_down(Some(Duration::ZERO));
        }
        assert_eq!(pace.per_minute(), MIN_PER_MINUTE);
    }
}
