//! Decides what is new, a duplicate, a conflict or held, and in what order events are sent.

mod account_findings;
mod held;
mod history;
mod in_account;
mod order;
mod planner;
mod range;
mod settle;

pub use account_findings::AccountFindings;
pub use history::History;
pub use in_account::{AccountSales, InAccount, ListVersion, RefundOfAccount, SaleOfAccount};
pub use range::DateRange;
pub(crate) use settle::{CSV_HEADER, named_list, reversal_row};

use std::collections::BTreeMap;

use crate::event::{EventKey, EventNumbers, EventRef, Events, KeyMap, Kind, Tally};
use crate::journal::PlanState;
use crate::link::{AskedAgain, Links};
use crate::problem::Problem;
use crate::readings::{ExportOrigins, Readings};
use account_findings::Uncompared;
use order::sending_order;
use planner::{KeyRepresentatives, Planner};

/// Holds an event and what is to happen with it.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'p> {
    /// The event; its note says why it is in this state.
    pub event: EventRef<'p>,
    /// The state, which says what is to happen with the event.
    pub state: PlanState,
}

/// Holds a job's events and the order in which they are sent, each in exactly one state.
#[derive(Clone, Debug)]
pub struct Plan {
    /// As they were read. Each has its place here, which says nothing of the order.
    events: Events,
    /// By place.
    states: Vec<PlanState>,
    /// The places in sending order.
    order: Vec<u32>,
    replacing: KeyMap<()>,
    restated: KeyMap<()>,
    /// The held refunds that stand for ones that are not there any more.
    undone_refunds: KeyMap<()>,
    /// The running totals of refunds of which others have sent a part, with that part in minor units.
    parts_in_account: KeyMap<i64>,
    /// The sums of what was read, added up before anything was decided: the left side of the balance.
    pub read: Tally,
    /// The conflicts and the refunds that are held, for a person to look at.
    pub problems: Vec<Problem>,
    /// The places of the events that an earlier run has left to send, and that are not sent, since the account has them.
    left_in_account: Vec<usize>,
    /// What came of comparing the sales to send with those of the account, if they were compared.
    pub in_account: Option<AccountFindings>,
    /// The number of refunds that are held since the journal lost commits, and that the account's list would settle.
    pub(crate) refunds_in_doubt: u64,
}

impl Plan {
    /// Returns every event that was read, in sending order. Events that follow one another there may be far apart in
    /// memory: what does not depend on the order is several times as fast in the order of memory.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Planned<'_>> {
        self.places().map(|place| self.event(place))
    }

    /// Returns the places of all events, in sending order.
    pub(crate) fn places(&self) -> impl ExactSizeIterator<Item = usize> {
        self.order.iter().map(|&place| place as usize)
    }

    /// Returns every event that was read with its place, as they lie in memory.
    pub(crate) fn unordered(&self) -> impl ExactSizeIterator<Item = (usize, Planned<'_>)> {
        (0..self.events.len()).map(|place| (place, self.event(place)))
    }

    /// Returns the numbers and the state of every event that was read, as they lie in memory.
    pub(crate) fn unordered_numbers(&self) -> impl Iterator<Item = (EventNumbers, PlanState)> {
        let numbers = (0..self.events.len()).map(|place| self.events.figures(place));
        numbers.zip(self.states.iter().copied())
    }

    /// Returns when each event is sent, by its place: the number of events before it.
    pub(crate) fn turns(&self) -> Vec<u32> {
        let mut turns = vec![0; self.order.len()];
        for (turn, place) in (0..).zip(self.places()) {
            turns[place] = turn;
        }
        turns
    }

    /// Returns the place of the event with so many before it.
    pub(crate) fn place_of_turn(&self, turn: usize) -> usize {
        self.order[turn] as usize
    }

    /// Brings places into sending order.
    pub(crate) fn sort(&self, places: &mut [usize]) {
        if places.len() > 1 {
            let turns = self.turns();
            places.sort_unstable_by_key(|&place| turns[place]);
        }
    }

    /// Returns the event at this place.
    ///
    /// # Panics
    ///
    /// If there is no event at this place.
    pub fn event(&self, place: usize) -> Planned<'_> {
        Planned {
            event: self.events.get(place),
            state: self.states[place],
        }
    }

    /// Returns the state of each event, by its place.
    pub(crate) fn states(&self) -> &[PlanState] {
        &self.states
    }

    /// Returns the kind and the key of the event at this place, without reading the rest of it.
    pub(crate) fn kind_and_key(&self, place: usize) -> (Kind, EventKey) {
        (self.events.kind(place), self.events.key(place))
    }

    /// Returns the events that an earlier run has left to send, and that are not sent, since the account has them under other
    /// ids; their notes name these.
    pub(crate) fn left_in_account(&self) -> impl Iterator<Item = EventRef<'_>> {
        self.left_in_account
            .iter()
            .map(|&place| self.events.get(place))
    }

    /// Returns `true` if the event to send with this key replaces what an earlier run recorded under it.
    pub(crate) fn replaces(&self, key: EventKey) -> bool {
        self.replacing.contains_key(&key)
    }

    /// Returns `true` if the event with this key gets the result of what it replaces, and is not sent.
    pub(crate) fn restates(&self, key: EventKey) -> bool {
        self.restated.contains_key(&key)
    }

    /// Returns `true` if the refund with this key is held for one that is not there any more, so that it takes nothing
    /// from its sale.
    pub(crate) fn replaces_undone_refund(&self, key: EventKey) -> bool {
        self.undone_refunds.contains_key(&key)
    }

    /// Returns what others have sent of the running total of refunds with this key, in minor units.
    pub(crate) fn part_in_account(&self, key: EventKey) -> Option<i64> {
        self.parts_in_account
            .get(&key)
            .copied()
            .filter(|&part| part > 0)
    }

    /// Returns the number of events to send that are not sent, since they get the result of what they replace.
    pub(crate) fn restated_count(&self) -> u64 {
        self.restated.len() as u64
    }

    /// Returns the sums of the events in each state.
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

    /// Returns `true` if what was read equals the sum of all states, in events and in cents.
    pub fn is_balanced(&self) -> bool {
        let mut sum = Tally::default();
        for tally in self.tallies().values() {
            sum.add_tally(tally);
        }
        sum == self.read
    }
}

/// Holds what was found about the events of a job before they are planned.
pub(crate) struct LinkedReadings<'f> {
    /// The results of [`crate::link::link`].
    pub links: Links,
    /// The sales that are asked again.
    pub asked_again: &'f AskedAgain,
    /// The readings that are one event.
    pub readings: Readings,
    /// The range of dates outside of which nothing is sent.
    pub range: &'f DateRange,
    /// The treatment of sales that the account has under another id.
    pub in_account: InAccount,
    /// The sales of the account, if they are to be compared.
    pub account: Option<&'f AccountSales>,
}

/// Decides what is to happen with every event of a job.
pub(crate) fn plan(
    mut events: Events,
    LinkedReadings {
        mut links,
        asked_again,
        mut readings,
        range,
        in_account,
        account,
    }: LinkedReadings<'_>,
    history: &dyn History,
    origins: &ExportOrigins,
) -> Plan {
    let (mut subtracted, mut uncompared) = (KeyMap::default(), Uncompared::default());
    if let Some(account) = account {
        subtracted = account.subtract_totals(&mut events, history);
        uncompared = account.settle_uncompared(&mut events, history, &mut subtracted);
    }
    let read = (0..events.len())
        .map(|index| events.figures(index))
        .collect();
    readings.join_refunds(&mut events, origins);
    let (decided, of_several, maybe_sent) = readings.into_parts();
    let mut representatives = KeyRepresentatives::new(of_several, &events);
    let mut planner = Planner::new(history, origins, asked_again, decided, events.len());
    planner.maybe_sent = maybe_sent;
    planner.uncompared = uncompared;
    planner.other_customers = links.take_other_customers();
    planner.compare_with_history(&events, &mut representatives);
    planner.apply_links(&mut events, links);
    planner.apply_uncompared(&events);
    let by_account = (account, in_account, &subtracted);
    let refunds_in_doubt =
        hold_by_account(&mut planner, by_account, (&events, &representatives), range);
    planner.hold_refunds_of_other_providers(&events, &representatives);
    planner.hold_refunds_of_held_sales(&events, &representatives);
    planner.apply_range(range, &events, &representatives);
    planner.hold_accepted(&events, &representatives);
    planner.hold_beyond_withheld(&events, in_account, account.is_some(), &subtracted);
    let problems = planner.problems(&events, &representatives);
    let order = sending_order(&events, &representatives);
    debug_assert!(
        sends_sales_first(&order, &events, &representatives),
        "no refund is sent before its sale"
    );
    for index in 0..events.len() {
        let note = planner.note(index);
        if !note.is_empty() {
            events.edit(index, |event| event.remark(note));
        }
    }
    let held = planner.held.iter();
    let undone = held.filter(|(_, reason)| reason.is_of_undone_refund());
    let mut undone_refunds = KeyMap::default();
    undone_refunds.extend(undone.map(|(&index, _)| (events.key(index), ())));
    let (states, replacing) = (planner.states, planner.replacing);
    let (restated, in_account) = (planner.restated, planner.in_account);
    let left_in_account = planner.left_in_account.into_iter().collect();
    Plan {
        events,
        states,
        order,
        replacing,
        restated,
        undone_refunds,
        parts_in_account: subtracted,
        read,
        problems,
        left_in_account,
        in_account,
        refunds_in_doubt,
    }
}

/// Holds what the account has already, as far as it is compared or was before, and what was accepted so. Returns the number
/// of refunds that are held since the journal lost commits.
fn hold_by_account(
    planner: &mut Planner<'_>,
    (account, treatment, subtracted): (Option<&AccountSales>, InAccount, &KeyMap<i64>),
    (events, representatives): (&Events, &KeyRepresentatives),
    range: &DateRange,
) -> u64 {
    if let Some(account) = account {
        planner.compare_with_account(
            account,
            treatment,
            (events, representatives, subtracted),
            range,
        );
    }
    if matches!(treatment, InAccount::AsBefore | InAccount::HoldIfListed) {
        planner.hold_as_before(events);
    }
    planner.hold_accepted_in_account(events);
    match account {
        Some(_) => 0,
        None => planner.hold_after_loss(events, representatives),
    }
}

/// Returns `true` if an order names each event once, and each refund after the sale that it reverses.
fn sends_sales_first(order: &[u32], events: &Events, representatives: &KeyRepresentatives) -> bool {
    let mut turns = vec![usize::MAX; events.len()];
    for (turn, &index) in order.iter().enumerate() {
        turns[index as usize] = turn;
    }
    let is_after_its_sale = |index: usize| {
        let sale = events
            .sale_event_id(index)
            .map(EventKey::from_id)
            .and_then(|sale| representatives.named(sale));
        let is_of_sale = |&sale: &usize| events.kind(sale) == Kind::Sale;
        sale.filter(is_of_sale)
            .is_none_or(|sale| turns[sale] < turns[index])
    };
    let is_refund = |index: &usize| events.kind(*index) == Kind::Refund;
    order.len() == events.len()
        && turns.iter().all(|&turn| turn < events.len())
        && (0..events.len()).filter(is_refund).all(is_after_its_sale)
}

#[cfg(test)]
mod tests;
