//! Decides which events are dated outside of the range that the user chose.

use std::collections::HashSet;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::planner::{KeyRepresentatives, Planner};
use crate::event::{DATED_AS_SALE, EventKey, EventRef, Events, Kind, day_in, end_of_day_in};
use crate::journal::PlanState;
use crate::link::HeldReason;

/// The note of an event of which its date does not say whether it is in the range.
const UNDATED: &str = "nothing says whether it is in the range: its export does not date it";

/// The note of an event of which only the day is known, while the range begins or ends on that day.
const WITHIN_DAY: &str = "nothing says whether it is in the range, which begins or ends on its day: its export says no time";

/// The note of a refund whose sale the journal has, while that is out of range.
const SALE_OUT_OF_RANGE: &str =
    "its sale is out of range, and an earlier run has it without sending it";

/// Holds the times between which events are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateRange {
    /// The first time that is in the range; `None` for no limit.
    pub since: Option<Timestamp>,
    /// The first time after the range; `None` for no limit.
    pub until: Option<Timestamp>,
    /// The zone of the account, to which days without a time belong.
    pub zone: TimeZone,
    /// The range in the user's own words, for messages.
    pub words: String,
}

impl Default for DateRange {
    /// Returns the range of all times.
    fn default() -> Self {
        DateRange {
            since: None,
            until: None,
            zone: TimeZone::UTC,
            words: String::new(),
        }
    }
}

/// Says where an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RangePlacement {
    Inside,
    Outside,
    Unknown,
}

impl DateRange {
    /// Returns `true` if the range has no limit.
    pub fn is_unlimited(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// Returns `true` if an event is dated outside of the range.
    pub(super) fn is_outside(&self, event: EventRef<'_>) -> bool {
        self.place(event) == RangePlacement::Outside
    }

    fn place(&self, event: EventRef<'_>) -> RangePlacement {
        let Some(at) = event.created_at else {
            return RangePlacement::Unknown;
        };
        let at = day_in(at, event.is_day, &self.zone);
        if self.until.is_some_and(|until| at >= until) {
            RangePlacement::Outside
        } else if event.kind == Kind::Refund && event.note.contains(DATED_AS_SALE) {
            // A refund is never older than its sale, and may be newer by any time.
            match (self.until, self.since.is_none_or(|since| at >= since)) {
                (None, true) => RangePlacement::Inside,
                _ => RangePlacement::Unknown,
            }
        } else if self.cuts_day(event) {
            RangePlacement::Unknown
        } else if self.since.is_some_and(|since| at < since) {
            RangePlacement::Outside
        } else {
            RangePlacement::Inside
        }
    }

    /// Returns `true` if only the day of an event is known, and the range begins or ends within it.
    fn cuts_day(&self, event: EventRef<'_>) -> bool {
        let Some(day) = event.created_at.filter(|_| event.is_day) else {
            return false;
        };
        let (begin, end) = (
            day_in(day, true, &self.zone),
            end_of_day_in(day, &self.zone),
        );
        let mut limits = [self.since, self.until].into_iter().flatten();
        limits.any(|limit| begin < limit && limit < end)
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Planner<'_> {
    /// Sets aside the events that are dated outside of the range, and holds those of which nothing says whether
    /// they are in it. What the journal says of an event stays as it is, except that nothing outside is sent.
    pub(super) fn apply_range(
        &mut self,
        range: &DateRange,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) {
        if range.is_unlimited() {
            return;
        }
        let places: Vec<RangePlacement> = (0..events.len())
            .map(|index| range.place(events.get(index)))
            .collect();
        let holding = self.sales_of_refunds_inside(&places, events, representatives);
        for (index, &place) in places.iter().enumerate() {
            match place {
                RangePlacement::Unknown if self.states[index] == PlanState::ToSend => {
                    let is_cut = range.cuts_day(events.get(index));
                    let note = if is_cut { WITHIN_DAY } else { UNDATED };
                    self.hold(index, HeldReason::Undated, note);
                }
                RangePlacement::Outside if !self.stays(index) && !holding.contains(&index) => {
                    self.mark(index, PlanState::OutOfRange, "");
                    self.held.remove(&index);
                }
                _ => {}
            }
        }
        self.hold_refunds_of_known_sales(events, representatives);
    }

    /// Returns `true` if the state of an event is not changed by the range: it is settled, or it says something
    /// about what was sent.
    fn stays(&self, index: usize) -> bool {
        match self.states[index] {
            PlanState::Settled | PlanState::Duplicate | PlanState::OutOfRange => true,
            PlanState::ToSend => false,
            PlanState::Conflict | PlanState::Unlinked => {
                let held = self.held.get(&index);
                self.with_history.contains_key(&index)
                    || held.is_some_and(|reason| reason.is_about_sent())
            }
        }
    }

    /// Returns the sales for which a refund in the range is held: what is wrong with them is said.
    fn sales_of_refunds_inside(
        &self,
        places: &[RangePlacement],
        events: &Events,
        representatives: &KeyRepresentatives,
    ) -> HashSet<usize> {
        let held = self.held.iter();
        let refunds = held.filter(|(refund, reason)| {
            **reason == HeldReason::SaleNotSent && places[**refund] != RangePlacement::Outside
        });
        let sales = refunds
            .filter_map(|(&refund, _)| events.sale_event_id(refund))
            .filter_map(|sale| representatives.named(EventKey::from_id(sale)));
        sales.collect()
    }

    /// Holds refunds that are in the range while an earlier run has their sale and has not settled it, or while
    /// the sale is a corrected one.
    fn hold_refunds_of_known_sales(
        &mut self,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) {
        for index in 0..events.len() {
            if self.states[index] != PlanState::ToSend {
                continue;
            }
            let sale = events.sale_event_id(index).map(EventKey::from_id);
            let is_known = sale.is_some_and(|key| {
                let place = representatives.named(key);
                place.is_some_and(|place| self.states[place] == PlanState::OutOfRange)
                    && self.history.essence(key).is_some()
            });
            if is_known {
                self.hold(index, HeldReason::SaleNotSent, SALE_OUT_OF_RANGE);
            }
        }
    }
}
