//! Decides when the next request may be sent: one rate for the whole account.
//!
//! Nothing here reads a clock, so that tests can simulate hours.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use super::backoff::full_jitter;
use limiter::Limiter;

mod limiter;
#[cfg(test)]
mod tests;

/// The length of a minute of requests.
///
/// A minute is counted where requests arrive, and some take longer to get there than others. Half a second
/// more than a minute, for as many requests as fit in one, keeps any minute of arrivals below the ceiling
/// while travel times differ by less than that, and uses 99.2 % of it.
const MINUTE: Duration = Duration::from_millis(60_500);
/// The time between requests below which they are prepared together: timers are not finer.
const TIMER_GRAIN: Duration = Duration::from_millis(5);

/// The rate never falls below this many requests a minute.
const MIN_PER_MINUTE: u32 = 6;
/// The lowest percentage to which a rate falls after a 429.
const FALL_PERCENT: u32 = 50;
/// The highest percentage to which a rate falls after a 429.
const STEP_DOWN_PERCENT: u32 = 95;
/// The first step up is this share of the ceiling; each one that is tolerated doubles the next.
const STEP_UP_SHARE: u32 = 20;
/// The time, longer than any minute, for which a rate has to be tolerated before it is raised again.
const TRIAL: Duration = Duration::from_secs(65);
/// The longest wait before a rate is tried again that was found to be too high; the wait doubles up to this.
const MAX_WAIT: Duration = Duration::from_secs(3600);
/// The first pause after a 429 that names no time; it doubles while no request is accepted.
const PAUSE: Duration = Duration::from_secs(2);
/// The longest pause after a 429 that names no time.
const MAX_PAUSE: Duration = Duration::from_secs(32);

/// Holds the account's rate, its pauses, and what was learned of the account's limit.
pub(super) struct Pace {
    ceiling_per_minute: u32,
    per_minute: u32,
    limiter: Limiter,
    paused_until: Option<Instant>,
    /// The time when the rate was changed last.
    changed: Instant,
    /// The time when the last 429 was heeded. Requests that were sent before it say nothing new.
    slowed: Option<Instant>,
    /// The number of pauses since a request was accepted.
    pauses: u32,
    let_through: LastMinute,
    /// The number of requests a minute by which the rate rises next.
    step: u32,
    /// The time that the rate is kept before it rises.
    wait: Duration,
    /// The time that the rate is kept once the current rate has turned out to be too high.
    wait_if_refused: Duration,
    /// The number of falls so far, which shows whether there is a limit: a single 429 early on shows none.
    falls: u32,
    has_shown_limit: bool,
    /// The rate that was tolerated before the current one, while that is on trial.
    tolerated: Option<u32>,
}

impl Pace {
    /// Returns a pace that never exceeds `ceiling_per_minute` requests a minute.
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
            tolerated: None,
        }
    }

    /// Takes the permission for one request, or returns when to ask again.
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

    /// Returns how many requests may be prepared before they are permitted: those of the next timer grain.
    pub(super) fn look_ahead(&self) -> usize {
        let count = TIMER_GRAIN.as_nanos() / self.period().as_nanos().max(1);
        usize::try_from(count).unwrap_or(usize::MAX).max(1)
    }

    /// Returns the current rate in requests a minute.
    pub(super) fn per_minute(&self) -> u32 {
        self.per_minute
    }

    /// Returns the rate that 429s have led to, if it is below the setting and still in force.
    pub(super) fn learned_per_minute(&self) -> Option<u32> {
        let is_lower = self.has_shown_limit && self.per_minute < self.ceiling_per_minute;
        is_lower.then_some(self.per_minute)
    }

    /// Returns `true` if nothing is sent for now.
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }

    /// Sends nothing for this long.
    pub(super) fn pause(&mut self, wait: Duration, now: Instant) {
        let until = now + wait;
        self.paused_until = Some(self.paused_until.map_or(until, |other| other.max(until)));
    }

    /// Records that a request that was sent at `left` was accepted, whatever its answer was.
    pub(super) fn was_let_through(&mut self, left: Instant) {
        self.let_through.add(left);
        if self.slowed.is_none_or(|slowed| left >= slowed) {
            self.pauses = 0;
        }
    }

    /// Handles a 429 for a request that was sent at `left`: all requests wait, and the rate falls to what was
    /// accepted in the last minute, since that is how such limits are counted.
    ///
    /// Answers to requests that were sent before the last fall do not make it fall again, nor do those that
    /// come before anything was accepted: the API only continues to refuse.
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

    /// Returns a back-off with full jitter, but no longer than until the first request of the last minute is
    /// a minute old: then a limit by the minute accepts one again. If that is soon and the API continues to
    /// refuse, it counts in another way.
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
        match self.tolerated.take() {
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

    /// Raises a rate that was tolerated long enough, as a trial.
    fn raise_if_due(&mut self, now: Instant) {
        let is_due = now.saturating_duration_since(self.changed) >= self.wait;
        if self.per_minute >= self.ceiling_per_minute || !is_due || self.pauses > 0 {
            return;
        }
        if self.tolerated.is_some() {
            // The last step was tolerated: what was learned before does not hold any more.
            self.step = self.step.saturating_mul(2);
            self.wait_if_refused = TRIAL;
        }
        self.tolerated = Some(self.per_minute);
        let raised = self.per_minute.saturating_add(self.step);
        self.wait = TRIAL;
        self.change(raised.min(self.ceiling_per_minute), now);
    }
}

fn first_step(ceiling: u32) -> u32 {
    (ceiling / STEP_UP_SHARE).max(1)
}

/// Counts the requests that were accepted in the last minute, to a tenth of a second.
struct LastMinute {
    start: Instant,
    /// The tenths of a second since the start, and the requests in them.
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
        // Answers come in about the order in which their requests were sent.
        let place = self.tenths.partition_point(|(other, _)| *other < tenth);
        match self.tenths.get_mut(place) {
            Some((other, count)) if *other == tenth => *count += 1,
            _ => self.tenths.insert(place, (tenth, 1)),
        }
    }

    /// Removes what is more than a minute before this.
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

    /// Returns when the first of them was sent.
    fn first(&mut self, now: Instant) -> Option<Instant> {
        self.forget_before(self.tenth(now));
        let (first, _) = self.tenths.front()?;
        let since = u64::try_from(first * 100).unwrap_or(u64::MAX);
        Some(self.start + Duration::from_millis(since))
    }
}
