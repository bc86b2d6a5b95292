//! Spaces requests evenly at one rate, by `governor`.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use governor::clock::{Clock, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};

/// The time by which a request may be late. A request that was due a while ago is sent at once, and the next
/// one as if it had been on time: late timers do not make the rate slower. Of requests closer together than
/// this, several may be sent at once.
const LATENESS: Duration = Duration::from_millis(50);
/// The number of cells that one request costs. A limiter's burst is counted in whole cells; in whole requests
/// it would be either no lateness at all or that of a whole request.
const CELLS: NonZeroU32 = NonZeroU32::new(1024).expect("more than nothing");

/// Permits one request each period.
pub(super) struct Limiter {
    /// The clock, which is set by the caller, so that tests can simulate hours.
    clock: FakeRelativeClock,
    now: Instant,
    cells: RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>,
}

impl Limiter {
    /// Returns a limiter that permits its first request at once.
    pub(super) fn new(period: Duration, now: Instant) -> Self {
        // Rounded up: never faster than the rate.
        let cell_ns = period.as_nanos().div_ceil(u128::from(CELLS.get())).max(1);
        let lateness = LATENESS.as_nanos() / cell_ns;
        let lateness = u32::try_from(lateness).unwrap_or(u32::MAX);
        let cell = Duration::from_nanos(u64::try_from(cell_ns).unwrap_or(u64::MAX));
        let quota = Quota::with_period(cell).expect("a cell takes a nanosecond at the least");
        let clock = FakeRelativeClock::default();
        let quota = quota.allow_burst(CELLS.saturating_add(lateness));
        let limiter = Limiter {
            cells: RateLimiter::direct_with_clock(quota, clock.clone()),
            clock,
            now,
        };
        // A full limiter would use its lateness at once; nothing is late yet.
        if let Some(late) = NonZeroU32::new(lateness) {
            limiter.spend(late).ok();
        }
        limiter
    }

    /// Changes the period: the next request is permitted a whole one later.
    pub(super) fn change(&mut self, period: Duration) {
        *self = Limiter::new(period, self.now);
        self.spend(CELLS).ok();
    }

    /// Takes the permission for one request, or returns when there will be one.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        self.clock.advance(now.saturating_duration_since(self.now));
        self.now = self.now.max(now);
        self.spend(CELLS)
            .map_err(|not_until| now + not_until.wait_time_from(self.clock.now()))
    }

    fn spend(&self, cells: NonZeroU32) -> Result<(), NotUntil<Nanos>> {
        let within_burst = "a burst is a request and its lateness at the least";
        self.cells.check_n(cells).expect(within_burst)
    }
}
