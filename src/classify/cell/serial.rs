//! Dates that are written as one number.
//!
//! Each format reads a range of its own, so that a number in another format is rejected and does
//! not become a date of another decade: days up to 2,958,465, seconds from 100,000,000,
//! milliseconds from 100,000,000,000.

use jiff::civil::{Date, DateTime};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// The first second that is read, in March 1973. Smaller numbers are not seconds.
const FIRST_SECOND: i64 = 100_000_000;
/// The first millisecond that is read, also in March 1973. Smaller numbers are seconds.
const FIRST_MILLISECOND: i64 = 100_000_000_000;
/// The first of January 1970 and the last day of 9999, as spreadsheets count days.
const DAYS: std::ops::RangeInclusive<i64> = 25_569..=2_958_465;
const SECONDS_PER_DAY: i128 = 86_400;
/// The greatest number of digits of a fraction that is used.
const MAX_FRACTION_DIGITS: usize = 18;

/// An example of a day and time as a spreadsheet counts them: 2026-12-31 18:00:00.
pub(super) const EXAMPLE: &str = "46387.75";

/// Reads seconds since 1970, with a fraction to the nanosecond if there is one.
pub(super) fn unix_seconds(value: &str) -> Option<Timestamp> {
    let (seconds, fraction) = split(value, &['.'])?;
    let is_read = (FIRST_SECOND..FIRST_MILLISECOND).contains(&seconds);
    let nanoseconds = i32::try_from(fraction_of(fraction, 1_000_000_000)?).ok()?;
    is_read
        .then(|| Timestamp::new(seconds, nanoseconds).ok())
        .flatten()
}

/// Reads milliseconds since 1970.
pub(super) fn unix_milliseconds(value: &str) -> Option<Timestamp> {
    let (milliseconds, fraction) = split(value, &['.'])?;
    let is_whole = fraction.bytes().all(|byte| byte == b'0');
    (is_whole && milliseconds >= FIRST_MILLISECOND)
        .then(|| Timestamp::from_millisecond(milliseconds).ok())
        .flatten()
}

/// Reads a day of the 1900 date system of spreadsheets, in which day 25,569 is the first of January
/// 1970. A fraction is the time of day, rounded to the nearest second, since no spreadsheet writes
/// enough digits to hold a second exactly.
pub(super) fn spreadsheet(value: &str) -> Option<DateTime> {
    let (days, fraction) = split(value, &['.', ','])?;
    if !DAYS.contains(&days) {
        return None;
    }
    let seconds = i64::try_from(rounded(fraction, SECONDS_PER_DAY)?).ok()?;
    let first = Date::constant(1970, 1, 1);
    let day = first.checked_add((days - DAYS.start()).days()).ok()?;
    let midnight = day.to_datetime(jiff::civil::Time::midnight());
    midnight
        .checked_add(SignedDuration::from_secs(seconds))
        .ok()
}

/// Writes a day and time as a spreadsheet counts them.
pub(super) fn write_spreadsheet(at: DateTime) -> Option<String> {
    let first = Date::constant(1970, 1, 1);
    let days = i64::from(first.until(at.date()).ok()?.get_days()) + DAYS.start();
    let time = at.time();
    let seconds =
        i128::from(time.hour()) * 3600 + i128::from(time.minute()) * 60 + i128::from(time.second());
    if seconds == 0 {
        return Some(days.to_string());
    }
    let scale = 10_i128.pow(10);
    Some(format!(
        "{days}.{:010}",
        (seconds * scale * 2 + SECONDS_PER_DAY) / (SECONDS_PER_DAY * 2)
    ))
}

/// Splits a number without a sign into its whole part and the digits of its fraction.
fn split<'v>(value: &'v str, separators: &[char]) -> Option<(i64, &'v str)> {
    let (whole, fraction) = value
        .split_once(separators)
        .map_or((value, "0"), |parts| parts);
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(whole) && is_number(fraction) && fraction.len() <= MAX_FRACTION_DIGITS)
        .then(|| Some((whole.parse().ok()?, fraction)))
        .flatten()
}

/// Returns a fraction of `unit`, cut to whole ones: `5` of 1000 is 500.
fn fraction_of(digits: &str, unit: i128) -> Option<i128> {
    let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
    Some(digits.parse::<i128>().ok()? * unit / scale)
}

/// Returns a fraction of `unit`, rounded to the nearest whole one.
fn rounded(digits: &str, unit: i128) -> Option<i128> {
    let scale = 10_i128.pow(u32::try_from(digits.len()).ok()?);
    Some((digits.parse::<i128>().ok()? * unit * 2 + scale) / (scale * 2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(read: Option<Timestamp>) -> Option<String> {
        read.map(|timestamp| timestamp.to_string())
    }

    #[test]
    fn unix_times_are_read_in_their_own_unit_alone() {
        let seconds = |value| text(unix_seconds(value));
        assert_eq!(
            seconds("1775792882").as_deref(),
            Some("2026-04-10T03:48:02Z")
        );
        assert_eq!(
            seconds("1775792882.5").as_deref(),
            Some("2026-04-10T03:48:02.5Z")
        );
        for other in [
            "1775792882000",
            "46122",
            "-1775792882",
            "1775792882.",
            "1.7E9",
            "",
        ] {
            assert_eq!(seconds(other), None, "{other}");
        }
        let milliseconds = |value| text(unix_milliseconds(value));
        assert_eq!(
            milliseconds("1775792882123").as_deref(),
            Some("2026-04-10T03:48:02.123Z")
        );
        for other in [
            "1775792882",
            "1775792882123.5",
            "46122",
            "99999999999999999999",
        ] {
            assert_eq!(milliseconds(other), None, "{other}");
        }
    }

    #[test]
    fn days_of_a_spreadsheet_are_read_with_their_time() {
        let read = |value| spreadsheet(value).map(|at| at.to_string());
        assert_eq!(read("25569").as_deref(), Some("1970-01-01T00:00:00"));
        assert_eq!(read("46122").as_deref(), Some("2026-04-10T00:00:00"));
        assert_eq!(
            read("46122.158356481").as_deref(),
            Some("2026-04-10T03:48:02")
        );
        assert_eq!(read("46122,5").as_deref(), Some("2026-04-10T12:00:00"));
        assert_eq!(read("46122.999999").as_deref(), Some("2026-04-11T00:00:00"));
        assert_eq!(read(EXAMPLE).as_deref(), Some("2026-12-31T18:00:00"));
        for other in [
            "25568",
            "2958466",
            "1775792882",
            "-46122",
            "46122.",
            "4.6E4",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_second_of_a_spreadsheet_is_read_back(
            days in 25_569_i64..=2_958_464, second in 0_i64..86_400, digits in 6_u32..=15,
        ) {
            let scale = 10_i128.pow(digits);
            let fraction = (i128::from(second) * scale * 2 + SECONDS_PER_DAY) / (SECONDS_PER_DAY * 2);
            prop_assume!(fraction < scale);
            let width = digits as usize;
            let read = spreadsheet(&format!("{days}.{fraction:0width$}"));
            let day = Date::constant(1970, 1, 1).checked_add((days - 25_569).days()).unwrap();
            let expected = day.to_datetime(jiff::civil::Time::midnight())
                .checked_add(SignedDuration::from_secs(second)).unwrap();
            prop_assert_eq!(read, Some(expected));
        }

        #[test]
        fn any_text_is_a_date_or_none(value in "[0-9.,]{0,30}|.{0,20}") {
            let _ = (unix_seconds(&value), unix_milliseconds(&value), spreadsheet(&value));
        }
    }
}
