//! Reads how long the API asks to wait: `Retry-After`, and the headers of rate limits.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// The longest wait; a longer one is shortened to this.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(600);
/// The distance from now within which a number, in seconds or milliseconds since 1970, is a moment and not a
/// wait.
const EPOCH_SECONDS: u64 = 10 * 365 * 24 * 3600;
/// The headers that say when the limit is reset, in the order in which they are used.
const RESETS: [&str; 4] = [
    "ratelimit-reset",
    "x-ratelimit-reset-after",
    "x-ratelimit-reset",
    "x-rate-limit-reset",
];
/// The headers that say how many requests are left until then.
const REMAINING: [&str; 3] = [
    "ratelimit-remaining",
    "x-ratelimit-remaining",
    "x-rate-limit-remaining",
];

/// Returns the wait that an answer asks for, at most ten minutes.
///
/// `Retry-After` counts with any status. The headers of a rate limit count if the answer says that nothing is
/// left of it: by its status (429, 503) or by a remainder of 0.
pub(super) fn asked_for(status: u16, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let of = |name: &str| {
        let values = headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok())
    };
    let retry_after = of(RETRY_AFTER.as_str()).filter_map(|value| parse(value, now));
    if let Some(wait) = retry_after.max() {
        return Some(wait);
    }
    let is_used_up = REMAINING
        .iter()
        .any(|name| of(name).any(|value| value.trim().parse() == Ok(0)));
    if !is_used_up && !matches!(status, 429 | 503) {
        return None;
    }
    let mut resets = RESETS.iter().flat_map(|name| of(name));
    resets.find_map(|value| parse(value, now))
}

/// Reads seconds with or without a fraction, seconds or milliseconds since 1970, or a date.
fn parse(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    let wait = number(value, now).or_else(|| until(date(value)?, now))?;
    Some(wait.min(MAX_WAIT))
}

fn number(value: &str, now: Timestamp) -> Option<Duration> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // More digits than 64 bits hold are a long time, in any unit.
    let Ok(whole) = whole.parse::<u64>() else {
        return Some(MAX_WAIT);
    };
    let now_seconds = u64::try_from(now.as_second()).unwrap_or(0);
    for (seconds, in_units) in [(whole, "s"), (whole / 1000, "ms")] {
        if seconds.abs_diff(now_seconds) < EPOCH_SECONDS {
            let moment = match in_units {
                "s" => Timestamp::from_second(i64::try_from(whole).ok()?),
                _ => Timestamp::from_millisecond(i64::try_from(whole).ok()?),
            };
            return until(moment.ok()?, now);
        }
    }
    let millis: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let whole = Duration::from_secs(whole.min(MAX_WAIT.as_secs()));
    Some(whole + Duration::from_millis(millis))
}

/// Reads the three forms of dates in HTTP, and ISO 8601.
pub(super) fn date(value: &str) -> Option<Timestamp> {
    if let Ok(date) = jiff::fmt::rfc2822::parse(value) {
        return Some(date.timestamp());
    }
    let old_forms = ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"];
    let old = old_forms.iter().find_map(|form| {
        let date = BrokenDownTime::parse(form, value)
            .ok()?
            .to_datetime()
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()?;
        Some(date.timestamp())
    });
    old.or_else(|| value.parse().ok())
}

fn until(moment: Timestamp, now: Timestamp) -> Option<Duration> {
    let wait = Duration::try_from(moment.duration_since(now));
    Some(wait.unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Returns 2026-03-01T10:00:00Z.
    fn now() -> Timestamp {
        "2026-03-01T10:00:00Z".parse().unwrap()
    }

    fn millis(value: &str) -> Option<u128> {
        parse(value, now()).map(|wait| wait.as_millis())
    }

    #[test]
    fn a_wait_is_seconds_a_moment_or_a_date_and_capped() {
        assert_eq!(millis("2"), Some(2000));
        assert_eq!(millis(" 1.5 "), Some(1500));
        assert_eq!(millis("0.0004"), Some(0));
        assert_eq!(millis("86400"), Some(600_000));
        assert_eq!(millis("99999999999999999999999999"), Some(600_000));
        let seconds = now().as_second();
        assert_eq!(millis(&(seconds + 30).to_string()), Some(30_000));
        assert_eq!(millis(&(seconds - 30).to_string()), Some(0));
        assert_eq!(millis(&format!("{}250", seconds + 30)), Some(30_250));
        assert_eq!(millis("Sun, 01 Mar 2026 10:00:20 GMT"), Some(20_000));
        assert_eq!(millis("Sunday, 01-Mar-26 10:00:20 GMT"), Some(20_000));
        assert_eq!(millis("Sun Mar  1 10:00:20 2026"), Some(20_000));
        assert_eq!(millis("2026-03-01T10:00:20Z"), Some(20_000));
        assert_eq!(millis("Wed, 21 Oct 2015 07:28:00 GMT"), Some(0));
        for none in ["soon", "", "-5", "1e3", "2 s", "."] {
            assert_eq!(millis(none), None, "{none}");
        }
    }

    fn asked(status: u16, headers: &[(&'static str, &str)]) -> Option<u64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        asked_for(status, &map, now()).map(|wait| wait.as_secs())
    }

    #[test]
    fn retry_after_counts_with_any_status_and_a_limit_only_where_it_is_used_up() {
        for status in [200, 204, 302, 400, 409, 429, 500, 503] {
            assert_eq!(asked(status, &[("retry-after", "7")]), Some(7), "{status}");
        }
        assert_eq!(asked(429, &[("x-ratelimit-reset", "9")]), Some(9));
        assert_eq!(asked(200, &[("x-ratelimit-reset", "9")]), None);
        let left = |n| asked(200, &[("ratelimit-reset", "9"), ("ratelimit-remaining", n)]);
        assert_eq!((left("0"), left("1"), left("many")), (Some(9), None, None));
        let both = [("x-ratelimit-reset", "9"), ("retry-after", "7")];
        assert_eq!(asked(429, &both), Some(7));
        assert_eq!(
            asked(429, &[("retry-after", "soon"), ("ratelimit-reset", "4")]),
            Some(4)
        );
        assert_eq!(asked(429, &[]), None);
    }

    proptest! {
        #[test]
        fn any_value_is_a_wait_of_ten_minutes_at_most_or_none(value in ".{0,40}") {
            prop_assert!(parse(&value, now()).is_none_or(|wait| wait <= MAX_WAIT));
        }

        #[test]
        fn seconds_are_what_they_say(seconds in 0_u32..600, millis in 0_u32..1000) {
            let wait = parse(&format!("{seconds}.{millis:03}"), now()).unwrap();
            prop_assert_eq!(wait.as_millis(), u128::from(seconds) * 1000 + u128::from(millis));
        }
    }
}
