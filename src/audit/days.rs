//! Decides which instant a day without a time begins at: days are those of the zone of `[audit]`, on both sides.
//!
//! Such a day is read, kept and sent as its midnight in UTC. West of Greenwich that is the evening before.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::event::is_midnight;

/// Returns the time of what happened at `at`: if that is only a day, when it begins in the zone of the audit.
pub(crate) fn day_in(at: Timestamp, is_day: bool, zone: &TimeZone) -> Timestamp {
    if !is_day || !is_midnight(at) {
        return at;
    }
    let midnight = TimeZone::UTC.to_datetime(at);
    zone.to_timestamp(midnight).unwrap_or(at)
}
