//! Decides which readings are one cancellation of a subscription.
//!
//! A subscription that is reactivated can be cancelled again, so its cancellations are distinguished by their
//! days. Two days of two columns, such as those on which it was cancelled and on which it ended, say nothing
//! about that: an id names the column by the part before the day.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::event::{Essence, Event, Text};

/// The time within which two cancellations of one subscription are one: a setting of the time zone moves a
/// date by some hours.
const ONE_CANCELLATION_S: u64 = 23 * 3600;

/// The number of bytes of a day at the end of an id.
const DAY_LENGTH: usize = "2026-03-01".len();

/// Holds the id that distinguishes a cancellation from the others of its subscription.
#[derive(Clone, Debug)]
enum DistinguishingId {
    /// The id that its reading has.
    Read(Text),
    /// An earlier run recorded the cancellation under the id that all share; it can only be compared.
    Recorded(Essence),
}

/// Describes a cancellation that readings may be of.
#[derive(Clone, Debug)]
pub(super) struct Cancellation {
    /// The id that it is sent with.
    pub(super) event_id: Text,
    own: DistinguishingId,
    created_at: Option<Timestamp>,
}

impl Cancellation {
    /// Returns the cancellation of a job that is sent with this id.
    pub(super) fn read(event_id: &Text, own: &Text, created_at: Option<Timestamp>) -> Self {
        Cancellation {
            event_id: event_id.clone(),
            own: DistinguishingId::Read(own.clone()),
            created_at,
        }
    }

    /// Returns the cancellation that an earlier run recorded under the id that all share.
    pub(super) fn recorded(event_id: &Text, essence: Essence) -> Self {
        Cancellation {
            event_id: event_id.clone(),
            own: DistinguishingId::Recorded(essence),
            created_at: timestamp(essence),
        }
    }

    /// Returns the cancellation that an earlier run recorded under an id of its own.
    pub(super) fn recorded_by_own_id(event_id: &Text, essence: Option<Essence>) -> Self {
        Cancellation::read(event_id, event_id, essence.and_then(timestamp))
    }

    /// Returns which of some cancellations of a subscription a reading is of, by its own id and its date.
    pub(super) fn find(known: &[Self], own: &str, created_at: Option<Timestamp>) -> Option<Self> {
        let near = known.iter().find(|known| known.is_near(created_at));
        let other = || {
            known
                .iter()
                .find(|known| known.is_by_another_date_than(own))
        };
        near.or_else(other).cloned()
    }

    /// Returns `true` if the date is near that of the cancellation. Without a date nothing says that it is
    /// another one.
    fn is_near(&self, created_at: Option<Timestamp>) -> bool {
        self.created_at
            .zip(created_at)
            .is_none_or(|(mine, theirs)| {
                mine.as_second().abs_diff(theirs.as_second()) < ONE_CANCELLATION_S
            })
    }

    /// Returns `true` if its day and that of `own` are of two columns, so that they can't be compared.
    fn is_by_another_date_than(&self, own: &str) -> bool {
        let Some(theirs) = before_day(own) else {
            return false;
        };
        match &self.own {
            DistinguishingId::Read(own) => before_day(own).is_some_and(|mine| mine != theirs),
            DistinguishingId::Recorded(essence) => {
                let day = self.created_at.map(|at| at.strftime("%Y-%m-%d"));
                let would_be = day.map(|day| format!("{theirs}{day}"));
                essence.has_any_reference()
                    && would_be.is_some_and(|id| !essence.has_reference(&id))
            }
        }
    }

    /// Makes an event agree with the first reading of the cancellation.
    pub(super) fn give(&self, event: &mut Event) {
        event.reference = match &self.own {
            DistinguishingId::Read(own) => Some(own.clone()).filter(|own| *own != self.event_id),
            DistinguishingId::Recorded(_) => None,
        };
        event.is_distinguished_by_reference = event.reference.is_some();
        if event.created_at != self.created_at {
            event.remark("the same cancellation with another date");
            event.created_at = self.created_at;
        }
    }
}

fn timestamp(essence: Essence) -> Option<Timestamp> {
    Timestamp::from_second(essence.created_at_s?).ok()
}

/// Returns the part of an id before the day at its end, if it ends with one.
fn before_day(id: &str) -> Option<&str> {
    let (before, day) = id.split_at_checked(id.len().checked_sub(DAY_LENGTH)?)?;
    Date::strptime("%Y-%m-%d", day).ok().map(|_| before)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn days_of_two_columns_are_not_compared() {
        let id = Text::new("s_cancelled");
        let cancelled = Text::new("s_cancelled_2026-02-01");
        let first = Cancellation::read(&id, &cancelled, at("2026-02-01T10:00:00Z"));
        let known = [first];
        let is_known = |own: &str, day: &str| Cancellation::find(&known, own, at(day)).is_some();
        assert!(is_known(
            "s_cancelled_ended_2026-02-28",
            "2026-02-28T10:00:00Z"
        ));
        assert!(!is_known("s_cancelled_2026-02-28", "2026-02-28T10:00:00Z"));
        assert!(is_known("s_cancelled_2026-02-02", "2026-02-02T01:00:00Z"));
        // Without a day in it, an id says nothing of a column.
        assert!(!is_known("number-7", "2026-02-28T10:00:00Z"));
        assert_eq!(before_day("ünïcödé-ß"), None);
        assert_eq!(before_day("2026-02-30"), None);
        assert_eq!(before_day("x2026-02-28"), Some("x"));
    }
}
