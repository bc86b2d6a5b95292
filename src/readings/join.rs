//! Joins what the readings of one event say.
//!
//! Readings that contradict each other are a conflict of all of them, since nothing says which is right. Of
//! the others, each field is taken from the reading that has it. Where several have it and differ, the kind
//! of export with the precedence decides ([`ExportOrigins`]); within one kind, it is a conflict where money or a
//! promoter depends on it, and else the first by date or letters.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use super::difference::{Side, difference_note};
use super::identity::Identified;
use super::origin::{ExportOrigin, ExportOrigins};
use crate::event::{Contradiction, Customer, Details, Event, EventRef, Events, KeyMap, Kind, Text};
use crate::journal::PlanState;

/// The number of readings of one event that differ, and don't contradict each other, with which every further
/// one is compared.
const MAX_VARIANTS: usize = 32;

/// Holds which events of a job are readings of one, and what was decided about them.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    /// The readings of sales, sign-ups and cancellations, then those with a refund among them.
    groups: Vec<Vec<usize>>,
    refunds: Vec<Vec<usize>>,
    /// The event that represents each key that has several.
    first: KeyMap<usize>,
    decided: Decisions,
    maybe_sent: HashSet<usize>,
}

/// Holds the decisions about events by their indexes, with the reasons. Events without an entry are undecided.
pub(crate) type Decisions = BTreeMap<usize, (PlanState, Cow<'static, str>)>;

impl Readings {
    /// Sorts the readings of each id, so that what is decided does not depend on their order.
    pub(crate) fn new(events: &Events, identified: &Identified, origins: &ExportOrigins) -> Self {
        let mut readings = Readings::default();
        for group in &identified.groups {
            let mut group = group.clone();
            group.sort_by_cached_key(|&index| {
                let event = events.get(index);
                let rank = origins.of_event(event).map(ExportOrigin::rank);
                (
                    rank.unwrap_or(usize::MAX),
                    origins.path(event.source.input).to_owned(),
                    event.source.line,
                )
            });
            let is_refund = |&index: &usize| events.kind(index) == Kind::Refund;
            if group.iter().any(is_refund) {
                readings.refunds.push(group)
            } else {
                readings.groups.push(group)
            }
        }
        readings.maybe_sent.clone_from(&identified.maybe_sent);
        for (index, reason) in &identified.undecided {
            readings.mark(*index, PlanState::Conflict, reason.clone());
        }
        readings
    }

    /// Returns what was decided about events with the reasons, the event that represents each key with
    /// several readings, and the events about which what an earlier run sent decides nothing.
    pub(crate) fn into_parts(self) -> (Decisions, KeyMap<usize>, HashSet<usize>) {
        (self.decided, self.first, self.maybe_sent)
    }

    /// Joins the readings of all events that are not refunds.
    pub(crate) fn join(&mut self, events: &mut Events, origins: &ExportOrigins) {
        let groups = std::mem::take(&mut self.groups);
        for group in &groups {
            self.join_group(group, events, origins);
        }
    }

    /// Joins the readings of refunds, once they have their sales and amounts.
    pub(crate) fn join_refunds(&mut self, events: &mut Events, origins: &ExportOrigins) {
        let groups = std::mem::take(&mut self.refunds);
        for group in &groups {
            self.join_group(group, events, origins);
        }
    }

    fn mark(&mut self, index: usize, state: PlanState, note: impl Into<Cow<'static, str>>) {
        self.decided.insert(index, (state, note.into()));
    }

    fn is_in_conflict(&self, index: usize) -> bool {
        let decided = self.decided.get(&index);
        decided.is_some_and(|(state, _)| *state == PlanState::Conflict)
    }

    fn join_group(&mut self, group: &[usize], events: &mut Events, origins: &ExportOrigins) {
        let first = self.compare(group, events, origins);
        self.first.insert(events.key(first), first);
        if self.spread_conflict(group, events, origins) {
            return;
        }
        let place = origins.place(events.get(first));
        for &index in group.iter().filter(|&&index| index != first) {
            let note = format!("the same event as {place}");
            self.mark(index, PlanState::Duplicate, note);
        }
        let said = JoinedReading::together(group, events, origins);
        for &index in group {
            if !said.is_said_by(events.get(index)) {
                events.edit(index, |event| said.give(event));
            }
        }
    }

    /// Marks all readings if some contradict each other, and returns whether any do.
    fn spread_conflict(
        &mut self,
        group: &[usize],
        events: &Events,
        origins: &ExportOrigins,
    ) -> bool {
        let mut in_conflict = group.iter().filter(|&&index| self.is_in_conflict(index));
        let Some(&one) = in_conflict.next() else {
            return false;
        };
        let place = origins.place(events.get(one));
        let reason = self.decided.get(&one).map_or("", |(_, reason)| reason);
        let note = format!("the same id as {place}, which is in conflict: {reason}");
        for &index in group {
            if !self.is_in_conflict(index) {
                self.mark(index, PlanState::Conflict, note.clone());
            }
        }
        true
    }

    /// Marks the readings that contradict each other, and finds the one that represents all: the one that
    /// says what counts, else the first.
    fn compare(&mut self, group: &[usize], events: &Events, origins: &ExportOrigins) -> usize {
        let mut first = group[0];
        let mut others = vec![first];
        for &index in &group[1..] {
            let event = events.get(index);
            // Two readings may agree with the first and contradict each other: one names the email,
            // one the uid.
            let contradicted = others.iter().copied().find_map(|other| {
                let difference = contradiction(event, events.get(other), origins)?;
                Some((other, difference))
            });
            if let Some((other, difference)) = contradicted {
                self.mark_contradiction(index, other, difference, events, origins);
            } else if event.gross_cents.is_some() && events.get(first).gross_cents.is_none() {
                first = index;
            }
            let is_new = others
                .iter()
                .all(|&other| is_variant(event, events.get(other)));
            if is_new && others.len() < MAX_VARIANTS {
                others.push(index);
            }
        }
        first
    }

    fn mark_contradiction(
        &mut self,
        index: usize,
        other: usize,
        difference: Contradiction,
        events: &Events,
        origins: &ExportOrigins,
    ) {
        let (mine, theirs) = (events.get(index), events.get(other));
        let (here, there) = (Side::from_event(mine), Side::from_event(theirs));
        let note = difference_note(difference, &here, &there);
        let note = format!("the same id as {} with {note}", origins.place(theirs));
        self.mark(index, PlanState::Conflict, note);
        if !self.is_in_conflict(other) {
            let note = difference_note(difference, &there, &here);
            let note = format!("the same id as {} with {note}", origins.place(mine));
            self.mark(other, PlanState::Conflict, note);
        }
    }
}

/// Returns `true` if two readings differ in anything that is compared.
fn is_variant(one: EventRef<'_>, other: EventRef<'_>) -> bool {
    one.essence() != other.essence()
        || one.plan != other.plan
        || (one.has_details() && one.details() != other.details())
}

/// Returns in what two readings of one id differ so that only one can be true.
fn contradiction(
    one: EventRef<'_>,
    other: EventRef<'_>,
    origins: &ExportOrigins,
) -> Option<Contradiction> {
    let (mine, theirs) = (one.essence(), other.essence());
    if let Some(difference) = mine.contradicts(&theirs) {
        return Some(difference);
    }
    let both = origins.of_event(one).zip(origins.of_event(other));
    // The date of a running total is that of the last refund in it, or of its sale.
    let is_total = mine.refund_total_cents.is_some() || theirs.refund_total_cents.is_some();
    let seconds = mine
        .created_at_s
        .zip(theirs.created_at_s)
        .map(|(mine, theirs)| mine.abs_diff(theirs));
    // Two payments of one invoice, where nothing names them.
    let are_unnamed = one.is_named_by_shared_id_alone && other.is_named_by_shared_id_alone;
    let are_apart = |seconds| {
        both.is_some_and(|(mine, theirs)| {
            mine.are_apart(theirs, seconds)
                || (are_unnamed && seconds > 0 && mine.is_kind_of(theirs))
        })
    };
    if !is_total && seconds.is_some_and(are_apart) {
        return Some(Contradiction::Date);
    }
    if both.is_some_and(|(mine, theirs)| !mine.is_kind_of(theirs)) {
        return None;
    }
    if mine.sale.is_none() && mine.has_other_email(&theirs) {
        return Some(Contradiction::Customer);
    }
    one.terms().difference(&other.terms())
}

/// Holds what all readings of an event say, taken together.
struct JoinedReading {
    customer: Customer,
    plan: Option<Text>,
    created_at: Option<Timestamp>,
    reference: Option<Text>,
    is_told_by_reference: bool,
    is_corrected: bool,
    details: Details,
}

impl JoinedReading {
    /// Joins readings that don't contradict each other and are in the order of precedence.
    fn together(group: &[usize], events: &Events, origins: &ExportOrigins) -> Self {
        let readings: Vec<(usize, EventRef<'_>)> = group
            .iter()
            .map(|&index| {
                let event = events.get(index);
                let rank = origins.of_event(event).map(ExportOrigin::rank);
                (rank.unwrap_or(usize::MAX), event)
            })
            .collect();
        let pick_text = |field: fn(EventRef<'_>) -> Option<&str>| {
            pick(readings.iter().map(|&(rank, event)| (rank, field(event)))).map(Text::new)
        };
        let details: Vec<(usize, Details)> = readings
            .iter()
            .filter(|(_, event)| event.has_details())
            .map(|&(rank, event)| (rank, event.details()))
            .collect();
        let dates = readings
            .iter()
            .map(|&(rank, event)| (rank, event.created_at));
        let is_told = |event: &EventRef<'_>| event.is_distinguished_by_reference;
        JoinedReading {
            customer: Customer {
                email: pick_text(|event| event.customer.email),
                uid: pick_text(|event| event.customer.uid),
            },
            plan: pick_text(|event| event.plan),
            created_at: pick(dates),
            reference: pick_text(|event| event.reference),
            is_told_by_reference: readings.iter().any(|(_, event)| is_told(event)),
            is_corrected: readings
                .iter()
                .any(|(_, event)| event.is_fixed_after_refusal),
            details: joined_details(&details),
        }
    }

    fn is_said_by(&self, event: EventRef<'_>) -> bool {
        event.customer == self.customer.borrowed()
            && event.plan == self.plan.as_deref()
            && event.created_at == self.created_at
            && event.reference == self.reference.as_deref()
            && event.is_distinguished_by_reference == self.is_told_by_reference
            && event.is_fixed_after_refusal == self.is_corrected
            && event.details() == self.details
    }

    fn give(&self, event: &mut Event) {
        event.customer = self.customer.clone();
        event.plan.clone_from(&self.plan);
        event.created_at = self.created_at;
        event.reference.clone_from(&self.reference);
        event.is_distinguished_by_reference = self.is_told_by_reference;
        event.is_fixed_after_refusal = self.is_corrected;
        event.set_details(self.details.clone());
    }
}

/// Takes each detail from the reading that has it, with the lowest rank, the least of several.
fn joined_details(all: &[(usize, Details)]) -> Details {
    let mut joined = Details::default();
    let values = all.iter().map(|(rank, details)| (*rank, details.values()));
    let values = Vec::from_iter(values);
    for (index, slot) in joined.slots().into_iter().enumerate() {
        let value = pick(values.iter().map(|(rank, values)| (*rank, values[index])));
        slot.set(value.map(|value| value.map(Text::clone)));
    }
    joined
}

/// Returns the value with the lowest rank, the least of several.
fn pick<T: Ord>(values: impl Iterator<Item = (usize, Option<T>)>) -> Option<T> {
    let values = values.filter_map(|(rank, value)| Some((rank, value?)));
    values.min().map(|(_, value)| value)
}
