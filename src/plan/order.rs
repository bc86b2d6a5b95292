//! Decides in what order events are sent.

use jiff::Timestamp;

use super::KeyRepresentatives;
use crate::event::{EventKey, EventNumbers, Events, Kind};

/// Returns the indexes of events in the order in which they are sent.
///
/// Sign-ups come first, whatever their dates say: a sale of a customer who is not a lead yet would not be a
/// referral. The others are in the order of their dates, then sale, refund, cancellation, then by place; a
/// refund never comes before its sale, whatever its date says.
pub(super) fn sending_order(events: &Events, representatives: &KeyRepresentatives) -> Vec<u32> {
    let date = |index: usize, figures: EventNumbers| -> Option<Timestamp> {
        let named = match figures.kind {
            Kind::Refund => events.sale_event_id(index),
            _ => None,
        };
        let sale = named
            .and_then(|sale| representatives.named(EventKey::from_id(sale)))
            .and_then(|sale| events.figures(sale).created_at);
        figures.created_at.max(sale)
    };
    let mut keys: Vec<SendKey> = Vec::with_capacity(events.len());
    let mut last = None;
    let mut are_in_order = true;
    for index in 0..events.len() {
        let figures = events.figures(index);
        are_in_order &= last.is_none_or(|last| last <= figures.source);
        last = Some(figures.source);
        keys.push(SendKey::new(figures.kind, date(index, figures), index));
    }
    // Nearly always they are kept in the order in which they stand in the exports.
    if are_in_order {
        keys.sort_unstable()
    } else {
        keys.sort_unstable_by_key(|key| {
            let index = key.index();
            (
                key.without_index(),
                events.figures(index as usize).source,
                index,
            )
        })
    }
    keys.into_iter().map(SendKey::index).collect()
}

/// Holds when an event is sent and its index, in one number that orders it among the others: there is one for each
/// event, and as fields they would take twice the memory and the time to sort.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SendKey(u128);

impl SendKey {
    const INDEX_BITS: u32 = u32::BITS;
    const KIND_BITS: u32 = 2;
    /// Nanoseconds before 1970 are negative.
    const NANOSECOND_BITS: u32 = 31;
    const SECOND_BITS: u32 = 40;
    const NANOSECONDS: i32 = 1_000_000_000;

    /// Creates the place of an event; an event without a date comes before those with one.
    fn new(kind: Kind, date: Option<Timestamp>, index: usize) -> Self {
        let index = u32::try_from(index).expect("four billion events do not fit into any memory");
        let (second, nanosecond) = date.map_or((0, 0), |date| {
            let second = date.as_second() - Timestamp::MIN.as_second() + 1;
            let nanosecond = date.subsec_nanosecond() + Self::NANOSECONDS;
            (second.cast_unsigned(), nanosecond.cast_unsigned())
        });
        let mut key = u128::from(kind != Kind::Signup);
        key = key << Self::SECOND_BITS | u128::from(second);
        key = key << Self::NANOSECOND_BITS | u128::from(nanosecond);
        key = key << Self::KIND_BITS | kind as u128;
        SendKey(key << Self::INDEX_BITS | u128::from(index))
    }

    fn index(self) -> u32 {
        self.0 as u32
    }

    fn without_index(self) -> u128 {
        self.0 >> Self::INDEX_BITS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_dates_kinds_and_indexes() {
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        let in_order = [
            (Kind::Signup, at("9999-12-30T21:59:59.999999999Z"), 9),
            (Kind::Cancellation, None, 0),
            (Kind::Refund, Some(Timestamp::MIN), 9),
            (Kind::Sale, at("1969-12-31T23:59:58.5Z"), 9),
            (Kind::Sale, at("1969-12-31T23:59:59Z"), 9),
            (Kind::Sale, at("1969-12-31T23:59:59.5Z"), 9),
            (Kind::Cancellation, at("1970-01-01T00:00:00Z"), 9),
            (Kind::Sale, at("1970-01-01T00:00:00.000000001Z"), 0),
            (Kind::Sale, at("2026-03-01T10:00:00Z"), 7),
            (Kind::Refund, at("2026-03-01T10:00:00Z"), 6),
            (Kind::Cancellation, at("2026-03-01T10:00:00Z"), 4),
            (Kind::Cancellation, at("2026-03-01T10:00:00Z"), 5),
            (Kind::Sale, Some(Timestamp::MAX), u32::MAX as usize),
        ];
        let keys = in_order.map(|(kind, date, index)| SendKey::new(kind, date, index));
        assert!(keys.is_sorted_by(|one, other| one < other));
        for (key, (_, _, index)) in keys.iter().zip(in_order) {
            assert_eq!(key.index() as usize, index);
        }
    }
}
