//! Tests the pace alone, over hours of simulated time: against servers that count in the ways in which
//! servers do.

use super::*;

fn pace(per_minute: u32, now: Instant) -> Pace {
    // The random numbers are the same in each run of the tests: a failure can be seen again.
    fastrand::seed(400);
    Pace::new(NonZeroU32::new(per_minute).unwrap(), now)
}

const SECOND: Duration = Duration::from_secs(1);

/// A server's limit: a function that returns whether it accepts what arrives at a time.
type Limit = Box<dyn FnMut(Duration) -> bool>;

/// Accepts so many in any minute; refused ones do not count.
fn sliding(most: usize) -> Limit {
    let mut arrivals: VecDeque<Duration> = VecDeque::new();
    Box::new(move |at| {
        while arrivals
            .front()
            .is_some_and(|first| at - *first >= 60 * SECOND)
        {
            arrivals.pop_front();
        }
        let fits = arrivals.len() < most;
        if fits {
            arrivals.push_back(at);
        }
        fits
    })
}

/// Accepts so many in each minute of the server's clock, which is `ahead` of ours.
fn by_the_clock(most: u32, ahead: Duration) -> Limit {
    let (mut minute, mut count) = (0, 0);
    Box::new(move |at| {
        let now = (at + ahead).as_secs() / 60;
        if now != minute {
            (minute, count) = (now, 0);
        }
        count += 1;
        count <= most
    })
}

/// Accepts what a bucket of `size` holds, which fills by `per_minute`.
fn bucket(size: u32, per_minute: u32) -> Limit {
    let full = 60 * SECOND / per_minute * size;
    let (mut filled, mut last) = (full, Duration::ZERO);
    Box::new(move |at| {
        filled = (filled + (at - last)).min(full);
        last = at;
        let price = 60 * SECOND / per_minute;
        let fits = filled >= price;
        if fits {
            filled -= price;
        }
        fits
    })
}

/// Holds what a server received.
#[derive(Default)]
struct Seen {
    arrivals: Vec<Duration>,
    let_through: usize,
    refused: usize,
}

/// Sends for so long, 16 at a time and with work that never ends. Requests take `way` to arrive, and answers
/// come 200 ms after that.
fn simulate(
    pace: &mut Pace,
    start: Instant,
    time: Duration,
    mut way: impl FnMut() -> Duration,
    mut limit: impl FnMut(Duration) -> bool,
) -> Seen {
    let mut seen = Seen::default();
    let mut now = Duration::ZERO;
    // The times when the answer comes, and when the request was sent and arrived.
    let mut under_way: Vec<[Duration; 3]> = Vec::new();
    while now < time {
        let mut next = Duration::MAX;
        if under_way.len() < 16 {
            match pace.take(start + now) {
                Ok(()) => {
                    let arrives = now + way();
                    under_way.push([arrives + Duration::from_millis(200), now, arrives]);
                    continue;
                }
                // Timers are a little late.
                Err(at) => next = at - start + Duration::from_micros(fastrand::u64(0..2000)),
            }
        }
        let answer = under_way.iter().map(|[answered, ..]| *answered).min();
        now = next.min(answer.unwrap_or(Duration::MAX)).max(now);
        let answered = |[answered, ..]: &mut [Duration; 3]| *answered <= now;
        for [_, left, arrived] in under_way.extract_if(.., answered) {
            seen.arrivals.push(arrived);
            if limit(arrived) {
                seen.let_through += 1;
                pace.was_let_through(start + left);
            } else {
                seen.refused += 1;
                pace.slow_down(start + left, None, start + now);
            }
        }
    }
    seen.arrivals.sort();
    seen
}

/// Returns the most arrivals in any minute, from each arrival on, including its last instant.
fn most_in_a_minute(arrivals: &[Duration]) -> usize {
    let mut end = 0;
    let counts = arrivals.iter().enumerate().map(|(start, first)| {
        while end < arrivals.len() && arrivals[end] - *first <= 60 * SECOND {
            end += 1;
        }
        end - start
    });
    counts.max().unwrap_or(0)
}

fn jitter(most_ms: u64) -> impl FnMut() -> Duration {
    move || Duration::from_millis(fastrand::u64(0..=most_ms))
}

#[test]
fn no_minute_of_many_hours_has_more_than_the_ceiling_and_99_percent_of_it_are_used() {
    let hours = 4;
    for per_minute in [1, 7, 60, 130, 400, 6000] {
        let start = Instant::now();
        let mut pace = pace(per_minute, start);
        let time = hours * 3600 * SECOND;
        // Answers take 200 ms more, and 16 are under way at the most.
        let seen = simulate(&mut pace, start, time, jitter(400), |_| true);
        let most = most_in_a_minute(&seen.arrivals);
        assert!(most <= per_minute as usize, "{most} of {per_minute}");
        if per_minute > 2000 {
            continue;
        }
        let ideal = u64::from(per_minute * 60 * hours);
        let used = seen.arrivals.len() as u64 * 1000 / ideal;
        assert!(used >= 990, "{used} per mille of {per_minute}");
    }
}

#[test]
fn work_that_comes_after_a_lull_makes_no_burst() {
    let start = Instant::now();
    let mut pace = pace(400, start);
    let mut arrivals = Vec::new();
    let mut now = Duration::ZERO;
    for lull in [0, 1, 30, 59, 61, 600, 0] {
        now += lull * SECOND;
        let until = now + 70 * SECOND;
        while now < until {
            match pace.take(start + now) {
                Ok(()) => arrivals.push(now),
                Err(at) => now = at - start,
            }
        }
    }
    assert!(most_in_a_minute(&arrivals) <= 400);
    let apart = arrivals.windows(2).map(|pair| pair[1] - pair[0]).min();
    assert!(apart.unwrap() >= Duration::from_millis(100), "{apart:?}");
}

#[test]
fn a_change_of_the_rate_lets_no_request_out_early() {
    let start = Instant::now();
    let mut pace = pace(60, start);
    assert!(pace.take(start).is_ok());
    pace.slow_down(start, Some(Duration::ZERO), start + SECOND / 10);
    assert!(pace.take(start + SECOND / 5).is_err());
}

#[test]
fn a_lower_limit_of_the_account_is_learned_whatever_way_it_is_counted() {
    let limits = [
        ("sliding", sliding(120)),
        ("by the clock", by_the_clock(120, Duration::ZERO)),
        ("by another clock", by_the_clock(120, 50 * SECOND)),
        ("a bucket", bucket(20, 120)),
    ];
    for (name, limit) in limits {
        let start = Instant::now();
        let mut pace = pace(380, start);
        let hour = 3600 * SECOND;
        let seen = simulate(&mut pace, start, hour, jitter(50), limit);
        println!(
            "{name}: {} let through, {} refused in an hour; in the end {} a minute",
            seen.let_through, seen.refused, pace.per_minute
        );
        assert!(seen.let_through >= 120 * 60 * 93 / 100, "{name}");
        assert!(seen.refused <= 60, "{name}: {} refused", seen.refused);
        let learned = pace.learned_per_minute().unwrap();
        assert!((100..=150).contains(&learned), "{name}: {learned}");
    }
}

#[test]
fn a_single_429_shows_no_limit() {
    let start = Instant::now();
    let mut pace = pace(380, start);
    assert_eq!(pace.learned_per_minute(), None);
    assert!(pace.take(start).is_ok());
    pace.slow_down(start, Some(SECOND), start + SECOND);
    assert!(pace.per_minute() < 380);
    assert_eq!(pace.learned_per_minute(), None);
}

#[test]
fn a_limit_that_was_learned_is_tried_rarely() {
    let start = Instant::now();
    let mut pace = pace(380, start);
    let mut limit = sliding(120);
    let hour = 3600 * SECOND;
    let mut refused = Vec::new();
    let mut now = start;
    for past in 0..8 {
        let seen = simulate(&mut pace, now, hour, jitter(50), |at| {
            limit(past * hour + at)
        });
        refused.push(seen.refused);
        assert!(seen.let_through >= 120 * 60 * 95 / 100, "{past}");
        now += hour;
    }
    assert!(refused[2..].iter().all(|&count| count <= 6), "{refused:?}");
}

#[test]
fn a_limit_that_goes_away_is_noticed() {
    let start = Instant::now();
    let mut pace = pace(380, start);
    let mut limit = sliding(120);
    simulate(&mut pace, start, 600 * SECOND, jitter(50), &mut limit);
    assert!(pace.per_minute() <= 140, "{}", pace.per_minute());
    let later = start + 600 * SECOND;
    let seen = simulate(&mut pace, later, 3000 * SECOND, jitter(50), |_| true);
    assert_eq!(pace.per_minute(), 380);
    assert!(most_in_a_minute(&seen.arrivals) <= 380);
}

#[test]
fn one_storm_of_429_slows_down_once_and_pauses_as_asked() {
    let start = Instant::now();
    let mut pace = pace(400, start);
    for _ in 0..16 {
        pace.slow_down(start, Some(30 * SECOND), start + SECOND);
    }
    assert_eq!(pace.per_minute(), 200);
    assert_eq!(pace.take(start + SECOND), Err(start + 31 * SECOND));
}

#[test]
fn an_api_that_only_refuses_does_not_bring_the_rate_down_again_and_again() {
    let start = Instant::now();
    let mut pace = pace(400, start);
    let mut now = start;
    for _ in 0..20 {
        now += 60 * SECOND;
        assert!(pace.take(now).is_ok());
        pace.slow_down(now, None, now);
        assert!(pace.is_paused(now) || pace.pauses == 1);
    }
    assert_eq!(pace.per_minute(), 200);
}

#[test]
fn the_rate_recovers_in_growing_steps_and_never_above_its_ceiling() {
    let start = Instant::now();
    let mut pace = pace(400, start);
    pace.slow_down(start, Some(Duration::ZERO), start);
    pace.was_let_through(start);
    let mut now = start;
    for expected in [200, 220, 260, 340, 400, 400] {
        assert_eq!(pace.per_minute(), expected);
        now += TRIAL;
        let _ = pace.take(now);
    }
}

#[test]
fn the_rate_never_falls_to_nothing() {
    let start = Instant::now();
    let mut pace = pace(10, start);
    let mut now = start;
    for _ in 0..50 {
        now += SECOND;
        pace.was_let_through(now);
        pace.slow_down(now, Some(Duration::ZERO), now);
    }
    assert_eq!(pace.per_minute(), MIN_PER_MINUTE);
}
