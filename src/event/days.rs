//! Decides which instant a day without a time begins at: days are those of the account's zone.
//!
//! Such a day is read, kept and sent as its midnight in UTC. West of Greenwich that is the evening before.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Returns `true` if a time is a midnight in UTC, as which a day without a time is read.
pub(crate) fn is_midnight(at: Timestamp) -> bool {
    const DAY_S: i64 = 24 * 60 * 60;
    at.subsec_nanosecond() == 0 && at.as_second().rem_euclid(DAY_S) == 0
}

/// Returns the time of what happened at `at`: if that is only a day, when it begins in the account's zone.
pub(crate) fn day_in(at: Timestamp, is_day: bool, zone: &TimeZone) -> Timestamp {
    if !is_day || !is_midnight(at) {
        return at;
    }
    let midnight = TimeZone::UTC.to_datetime(at);
    zone.to_timestamp(midnight).unwrap_or(at)
}

/// Returns when a day without a time ends in the account's zone, which is when the next one begins.
pub(crate) fn end_of_day_in(day: Timestamp, zone: &TimeZone) -> Timestamp {
    let next = day.checked_add(SignedDuration::from_hours(24));
    day_in(next.unwrap_or(Timestamp::MAX), true, zone)
}
