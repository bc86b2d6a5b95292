//! Decides in what order events are sent.

use jiff::Timestamp;

use super::Firsts;
use crate::event::{EventKey, EventNumbers, Events, Kind};

/// Returns the order in which events are sent.
///
/// Sign-ups come first, whatever their dates say: a sale of a customer who is not a lead yet would not be a
/// referral. The others are in the order of their dates, then sale, refund, cancellation, then by place; a
/// refund never comes before its sale, whatever its date says.
pub(super) fn sending_order(events: &Events, firsts: &Firsts) -> Vec<usize> {
    let date = |index: usize, figures: EventNumbers| -> Option<Timestamp> {
        let sale = match figures.kind {
            Kind::Refund => events.sale_event_id(index),
            _ => None,
        };
        let sale = sale.and_then(|sale| firsts.named(EventKey::from_id(sale)));
        let sale = sale.and_then(|sale| events.figures(sale).created_at);
        figures.created_at.max(sale)
    };
    let mut turns: Vec<(SendKey, usize)> = Vec::with_capacity(events.len());
    let mut last = None;
    let mut are_in_order = true;
    for index in 0..events.len() {
        let figures = events.figures(index);
        are_in_order &= last.is_none_or(|last| last <= figures.source);
        last = Some(figures.source);
        turns.push((SendKey::new(figures.kind, date(index, figures)), index));
    }
    // Nearly always they are kept in the order in which they stand in the exports.
    if are_in_order {
        turns.sort_unstable()
    } else {
        turns.sort_unstable_by(|(one, a), (other, b)| {
            let place = |index: usize| (events.figures(index).source, index);
            one.cmp(other).then_with(|| place(*a).cmp(&place(*b)))
        })
    }
    turns.into_iter().map(|(_, index)| index).collect()
}

/// Orders an event among the others, in a form that is small enough to have one for each of them. An event
/// without a date comes before those with one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct SendKey {
    is_no_signup: bool,
    second: i64,
    nanosecond: i32,
    kind: Kind,
}

impl SendKey {
    fn new(kind: Kind, date: Option<Timestamp>) -> Self {
        SendKey {
            is_no_signup: kind != Kind::Signup,
            second: date.map_or(i64::MIN, Timestamp::as_second),
            nanosecond: date.map_or(0, Timestamp::subsec_nanosecond),
            kind,
        }
    }
}
