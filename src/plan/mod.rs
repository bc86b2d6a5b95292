//! What is new, a duplicate, a conflict or held, and in what order events go out.

mod held;
mod history;
mod order;
mod planner;
mod settle;

pub use history::History;
pub(crate) use settle::{CSV_HEADER, take_back_row};

use std::collections::BTreeMap;

use crate::event::{EventKey, EventRef, Events, KeyMap, Kind, Tally};
use crate::journal::PlanState;
use crate::link::{AskedAgain, Links};
use crate::problem::Problem;
use crate::readings::{Origins, Readings};
use order::sending_order;
use planner::{Firsts, Planner};

/// An event and what is to happen with it.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'p> {
    /// The event; its note says why it is in this state.
    pub event: EventRef<'p>,
    /// What is to happen with it.
    pub state: PlanState,
}

/// A job's events in sending order, each in exactly one state.
#[derive(Clone, Debug)]
pub struct Plan {
    events: Events,
    states: Vec<PlanState>,
    replacing: KeyMap<()>,
    /// What was read, added up before anything was decided: the left side of the balance.
    pub read: Tally,
    /// Conflicts and refunds that are held, for a person to look at.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Every event that was read, in sending order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Planned<'_>> {
        (0..self.events.len()).map(|place| self.event(place))
    }

    /// The event at this place of the sending order.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn event(&self, place: usize) -> Planned<'_> {
        Planned {
            event: self.events.get(place),
            state: self.states[place],
        }
    }

    /// What is to happen with each event, in sending order.
    pub(crate) fn states(&self) -> &[PlanState] {
        &self.states
    }

    /// Kind and key of the event at this place, without a look at the rest of it.
    pub(crate) fn kind_and_key(&self, place: usize) -> (Kind, EventKey) {
        (self.events.kind(place), self.events.key(place))
    }

    /// Returns whether the event to send with this key takes the place of what an earlier run recorded
    /// under it.
    pub(crate) fn replaces(&self, key: EventKey) -> bool {
        self.replacing.contains_key(&key)
    }

    /// The events of each state, added up.
    pub fn tallies(&self) -> BTreeMap<PlanState, Tally> {
        let none = PlanState::ALL
            .iter()
            .map(|&state| (state, Tally::default()));
        let mut tallies: BTreeMap<PlanState, Tally> = none.collect();
        for (place, &state) in self.states.iter().enumerate() {
            let figures = self.events.figures(place);
            let tally = tallies.entry(state).or_default();
            tally.add(figures.kind, figures.money);
        }
        tallies
    }

    /// Whether what was read equals what stands in the states, in events and in cents.
    pub fn balances(&self) -> bool {
        let mut sum = Tally::default();
        for tally in self.tallies().values() {
            sum.add_tally(tally);
        }
        sum == self.read
    }
}

/// Decides for every event of a job what is to happen with it.
///
/// `links` is what [`crate::link::link`] said of `events`, `asked_again` which of their sales are asked
/// again, `readings` which of them are one.
pub fn plan(
    mut events: Events,
    mut links: Links,
    asked_again: &AskedAgain,
    mut readings: Readings,
    past: &dyn History,
    origins: &Origins,
) -> Plan {
    let read = (0..events.len())
        .map(|index| events.figures(index))
        .collect();
    readings.join_refunds(&mut events, origins);
    let (decided, of_several, maybe_sent) = readings.into_parts();
    let mut firsts = Firsts::new(of_several, &events);
    let mut planner = Planner::new(past, origins, asked_again, decided, events.len());
    planner.maybe_sent = maybe_sent;
    planner.other_customers = links.take_other_customers();
    planner.compare_with_past(&events, &mut firsts);
    planner.apply_links(&mut events, links);
    planner.hold_refunds_of_other_providers(&events, &firsts);
    planner.hold_refunds_of_held_sales(&events, &firsts);
    let problems = planner.problems(&events, &firsts);
    let order = sending_order(&events, &firsts);
    for index in 0..events.len() {
        let note = planner.note(index);
        if !note.is_empty() {
            events.edit(index, |event| event.remark(note));
        }
    }
    let (mut states, replacing) = (planner.states, planner.replacing);
    arrange(order, &mut events, &mut states);
    Plan {
        events,
        states,
        replacing,
        read,
        problems,
    }
}

/// Puts events and states into an order that names each index once, without a second copy of them.
fn arrange(mut order: Vec<usize>, events: &mut Events, states: &mut [PlanState]) {
    for start in 0..order.len() {
        let mut to = start;
        while order[to] != start {
            let from = order[to];
            events.swap(to, from);
            states.swap(to, from);
            order[to] = to;
            to = from;
        }
        order[to] = to;
    }
}

#[cfg(test)]
mod tests;
