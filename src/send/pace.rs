//! When the next request may go out: one rate for the whole account.
//!
//! Nothing here asks what time it is, so that hours can be played through in a test.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::backoff::full_jitter;
use limiter::Limiter;

mod limiter;
#[cfg(test)]
mod tests;

/// What is taken for a minute.
///
/// A minute is counted where requests arrive, and some take longer to get there than others. Half a
/// second more than a minute, for as many requests as fit in one, keeps any minute of arrivals below
/// the ceiling while ways differ by less than that, and uses 99.2 % of it.
const MINUTE: Duration = Duration::from_millis(60_500);
/// A request that could have gone a while ago goes at once, and the next one as if it had: timers
/// that are late do not make the rate slower. Of requests closer together than this, several may go
/// at once.
const LATENESS: Duration = Duration::from_millis(50);
/// Requests closer together than this are prepared together: timers are no finer.
const TIMER_GRAIN: Duration = Duration::from_millis(5);

/// The rate never falls below this many requests a minute.
const MIN_PER_MINUTE: u32 = 6;
/// After a 429 the rate falls at most to this many percent of itself.
const FALL_PERCENT: u32 = 50;
/// And at least to this many.
const STEP_DOWN_PERCENT: u32 = 95;
/// The first step up is this share of the ceiling; each one that is borne doubles the next.
const STEP_UP_SHARE: u32 = 20;
/// A rate has to be borne for so long, longer than any minute, before it is raised again.
const TRIAL: Duration = Duration::from_secs(65);
/// A rate that was found to be too much is tried again after a wait that doubles up to this.
const MAX_WAIT: Duration = Duration::from_secs(3600);
/// The first pause after a 429 that names no time; it doubles while nothing is let through.
const PAUSE: Duration = Duration::from_secs(2);
/// As far as this.
const MAX_PAUSE: Duration = Duration::from_secs(32);

/// The account's rate, its pauses, and what it has learned of the account's limit.
pub(super) struct Pace {
    ceiling_per_minute: u32,
    per_minute: u32,
    limiter: Limiter,
    paused_until: Option<Instant>,
    /// When the rate was changed last.
    changed: Instant,
    /// When the last 429 was heeded. Requests that left before it say nothing new.
    slowed: Option<Instant>,
    /// Pauses since something was let through.
    pauses: u32,
    let_through: LastMinute,
    /// By how much the rate goes up next.
    step: u32,
    /// How long it stays before it does.
    wait: Duration,
    /// How long it stays once the rate in force has turned out to be too much.
    wait_if_refused: Duration,
    /// Falls so far, and whether they show a limit: a single 429 early on shows none.
    falls: u32,
    has_shown_limit: bool,
    /// The rate that was borne before the one in force, while that is on trial.
    borne: Option<u32>,
}

impl Pace {
    /// A pace that never goes above `ceiling_per_minute` requests a minute.
    pub(super) fn new(ceiling_per_minute: NonZeroU32, now: Instant) -> Self {
        let ceiling = ceiling_per_minute.get();
        Pace {
            ceiling_per_minute: ceiling,
            per_minute: ceiling,
            limiter: Limiter::new(MINUTE / ceiling, now),
            paused_until: None,
            changed: now,
            slowed: None,
            pauses: 0,
            let_through: LastMinute::new(now),
            step: first_step(ceiling),
            wait: TRIAL,
            wait_if_refused: TRIAL,
            falls: 0,
            has_shown_limit: false,
            borne: None,
        }
    }

    /// Takes leave for one request, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        if let Some(until) = self.paused_until.filter(|until| *until > now) {
            return Err(until);
        }
        self.paused_until = None;
        self.raise_if_due(now);
        self.limiter.take(now)
    }

    fn change(&mut self, per_minute: u32, now: Instant) {
        self.per_minute = per_minute;
        self.limiter.change(self.period());
        self.changed = now;
    }

    fn period(&self) -> Duration {
        MINUTE / self.per_minute.max(1)
    }

    /// How many requests may be prepared ahead of their leave: those of the next timer grain.
    pub(super) fn look_ahead(&self) -> usize {
        let count = TIMER_GRAIN.as_nanos() / self.period().as_nanos().max(1);
        usize::try_from(count).unwrap_or(usize::MAX).max(1)
    }

    /// The rate in force.
    pub(super) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// The rate that 429s have led to, where it is below what was asked for and still in force.
    pub(super) fn learned_per_minute(&self) -> Option<u32> {
        let is_lower = self.has_shown_limit && self.per_minute < self.ceiling_per_minute;
        is_lower.then_some(self.per_minute)
    }

    /// Whether nothing goes out for now.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }

    /// Nothing goes out for this long.
    pub(super) fn pause(&mut self, wait: Duration, now: Instant) {
        let until = now + wait;
        self.paused_until = Some(self.paused_until.map_or(until, |other| other.max(until)));
    }

    /// A request that left at `left` was let through, whatever else came of it.
    pub(super) fn was_let_through(&mut self, left: Instant) {
        self.let_through.add(left);
        if self.slowed.is_none_or(|slowed| left >= slowed) {
            self.pauses = 0;
        }
    }

    /// A 429 for a request that left at `left`: everyone waits, and the rate falls to what was let
    /// through in the last minute, since that is how such limits are counted.
    ///
    /// Answers to requests that had left before the last fall do not make it fall again, nor do those
    /// that come before anything was let through: the API only goes on refusing.
    pub(super) fn slow_down(&mut self, left: Instant, retry_after: Option<Duration>, now: Instant) {
        if self.slowed.is_some_and(|slowed| left < slowed) {
            if let Some(wait) = retry_after {
                self.pause(wait, now);
            }
            return;
        }
        if self.pauses == 0 {
            self.fall(now);
        }
        self.pauses += 1;
        self.slowed = Some(now);
        let wait = retry_after.unwrap_or_else(|| self.pause_of_no_time(now));
        self.pause(wait, now);
    }

    /// Back-off with full jitter, but no longer than until the first request of the last minute has
    /// left it: that is when a limit by the minute lets one through again. Where that is soon and the
    /// API goes on refusing, it counts in another way.
    fn pause_of_no_time(&mut self, now: Instant) -> Duration {
        let doubled = PAUSE.saturating_mul(1 << (self.pauses - 1).min(16));
        let wait = full_jitter(doubled.min(MAX_PAUSE));
        let opens = self.let_through.first(now).map(|first| first + MINUTE);
        match opens.and_then(|opens| opens.checked_duration_since(now)) {
            Some(closed) if closed >= PAUSE => wait.min(closed),
            _ => wait,
        }
    }

    fn fall(&mut self, now: Instant) {
        let percent = |percent| self.per_minute.saturating_mul(percent) / 100;
        let let_through = self.let_through.count(now);
        let mut lower = let_through.clamp(percent(FALL_PERCENT), percent(STEP_DOWN_PERCENT));
        self.falls += 1;
        self.has_shown_limit |= self.falls > 1 || let_through >= percent(FALL_PERCENT);
        self.wait = TRIAL;
        let on_trial = now.saturating_duration_since(self.changed) < TRIAL;
        match self.borne.take() {
            Some(borne) if on_trial => {
                lower = lower.min(borne);
                self.wait = self.wait_if_refused;
                self.wait_if_refused = (self.wait * 2).min(MAX_WAIT);
            }
            Some(_) => self.wait_if_refused = TRIAL,
            None => {}
        }
        self.step = first_step(self.ceiling_per_minute);
        self.change(lower.max(MIN_PER_MINUTE.min(self.ceiling_per_minute)), now);
    }

    /// A rate that was borne long enough goes up, to be tried.
    fn raise_if_due(&mut self, now: Instant) {
        let is_due = now.saturating_duration_since(self.changed) >= self.wait;
        if self.per_minute >= self.ceiling_per_minute || !is_due || self.pauses > 0 {
            return;
        }
        if self.borne.is_some() {
            // The last step was borne: what was learned before does not hold any more.
            self.step = self.step.saturating_mul(2);
            self.wait_if_refused = TRIAL;
        }
        self.borne = Some(self.per_minute);
        let raised = self.per_minute.saturating_add(self.step);
        self.wait = TRIAL;
        self.change(raised.min(self.ceiling_per_minute), now);
    }
}

fn first_step(ceiling: u32) -> u32 {
    (ceiling / STEP_UP_SHARE).max(1)
}

/// How many requests were let through in the last minute, to a tenth of a second.
struct LastMinute {
    start: Instant,
    /// Tenths of a second since the start, and requests in them.
    tenths: VecDeque<(u128, u32)>,
}

impl LastMinute {
    fn new(start: Instant) -> Self {
        LastMinute {
            start,
            tenths: VecDeque::new(),
        }
    }

    fn tenth(&self, at: Instant) -> u128 {
        at.saturating_duration_since(self.start).as_millis() / 100
    }

    fn add(&mut self, at: Instant) {
        let tenth = self.tenth(at);
        self.forget_before(tenth);
        // Answers come in about the order in which their requests left.
        let place = self.tenths.partition_point(|(other, _)| *other < tenth);
        match self.tenths.get_mut(place) {
            Some((other, count)) if *other == tenth => *count += 1,
            _ => self.tenths.insert(place, (tenth, 1)),
        }
    }

    /// Forgets what is more than a minute before this.
    fn forget_before(&mut self, tenth: u128) {
        let minute = MINUTE.as_millis() / 100;
        while self
            .tenths
            .front()
            .is_some_and(|(first, _)| *first + minute < tenth)
        {
            self.tenths.pop_front();
        }
    }

    fn count(&mut self, now: Instant) -> u32 {
        self.forget_before(self.tenth(now));
        self.tenths.iter().map(|(_, count)| count).sum()
    }

    /// When the first of them left.
    fn first(&mut self, now: Instant) -> Option<Instant> {
        self.forget_before(self.tenth(now));
        let (first, _) = self.tenths.front()?;
        let since = u64::try_from(first * 100).unwrap_or(u64::MAX);
        Some(self.start + Duration::from_millis(since))
    }
}
