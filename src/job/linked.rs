//! Completes the events of a job by what other exports and earlier runs say of them, and links them.

use std::collections::HashSet;

use super::Setup;
use super::complete::complete;
use super::customers::{DoubtfulUids, drop_shared_uids, hold_unclear, hold_without_customer};
use super::handed_back::hold_unknown;
use super::not_paid::WithdrawnEvent;
use super::paid_after_all::hold_paid_after_all;
use super::read::ReadExports;
use crate::event::{EventKey, Events, Text};
use crate::link::{AskedAgain, Found, HeldReason, Link, Links, link};
use crate::plan::History;
use crate::readings::{Readings, identify};

/// What is known of the events of a job once they are completed.
pub(super) struct CompletedEvents {
    /// The uids that are not sent, or of which nothing says whether they are the id of one customer.
    pub(super) uids: DoubtfulUids,
    /// The sales that earlier runs left to send, or withdrew, and whose rows say now that they were not paid.
    pub(super) withdrawn: Vec<WithdrawnEvent>,
    /// The places of the sales that were without a plan when they were completed, with their subscriptions.
    unplanned: Vec<(usize, Text)>,
    /// The places of the events that the profile holds for a person to look at.
    looked_at: HashSet<usize>,
    /// The places of the events that are not sent whatever they are linked with; of two reasons for one the later
    /// counts.
    decided: Vec<(usize, Link)>,
}

impl CompletedEvents {
    /// Returns the sales whose plan is not known from another reading either, with their subscriptions.
    pub(super) fn still_unplanned(&self, events: &Events) -> Vec<(EventKey, Text)> {
        let unplanned = self
            .unplanned
            .iter()
            .filter(|(index, _)| events.get(*index).plan.is_none());
        unplanned
            .map(|(index, subscription)| (events.key(*index), subscription.clone()))
            .collect()
    }
}

/// The events of a job as they are linked: which readings are one event, and what came of each.
pub(super) struct LinkedEvents {
    pub(super) links: Links,
    pub(super) readings: Readings,
    pub(super) asked_again: AskedAgain,
}

impl ReadExports {
    /// Completes the events by what invoices, subscriptions and earlier runs say, and finds those that are held for it.
    pub(super) fn complete(&mut self, setup: &Setup<'_>, history: &dyn History) -> CompletedEvents {
        let (events, origins) = (&mut self.events, &self.origins);
        let (uids, shared) = drop_shared_uids(events, history, &setup.rules.named_uids);
        self.problems.extend(shared);
        let without_invoice = complete(events, &self.invoices, history, origins, &self.completions);
        let without_payment = self.completions.waiting_for_payments(events, history);
        let unplanned = self.plans.apply(events, history);
        let paid_after_all = hold_paid_after_all(events, history);
        let problems = &mut self.problems;
        let not_paid = self
            .not_paid
            .find_events(events, history, problems, origins);
        let looked_at = self.looked_at.iter().map(|(index, _)| *index).collect();
        let of_reason = [
            (HeldReason::Invoice, without_invoice),
            (HeldReason::Payment, without_payment),
            (HeldReason::Profile, std::mem::take(&mut self.looked_at)),
        ];
        let mut held = Vec::new();
        for (reason, events) in of_reason {
            held.extend(
                events
                    .into_iter()
                    .map(|(index, note)| (index, reason, note)),
            );
        }
        held.extend(not_paid.held);
        held.extend(paid_after_all);
        let held_links = held
            .into_iter()
            .map(|(index, reason, note)| (index, Link::held(reason, note)));
        let outdated = not_paid
            .outdated
            .into_iter()
            .map(|(index, note)| (index, Link::Covered(note)));
        CompletedEvents {
            uids,
            withdrawn: not_paid.withdrawn,
            unplanned,
            looked_at,
            decided: held_links.chain(outdated).collect(),
        }
    }

    /// Joins the readings of each event, links the refunds, and holds what can't be sent.
    pub(super) fn link(
        &mut self,
        setup: &Setup<'_>,
        history: &dyn History,
        completed: &CompletedEvents,
    ) -> LinkedEvents {
        let (events, origins) = (&mut self.events, &self.origins);
        let identified = identify(events, history);
        let mut readings = Readings::new(events, &identified, origins);
        readings.join(events, origins);
        let asked_again = AskedAgain::new(events, history);
        let found = Found {
            shared: &identified.shared,
            asked_again: &asked_again,
            looked_at: &completed.looked_at,
        };
        let mut links = link(events, history, &setup.rules, found);
        hold_without_customer(events, &mut links);
        hold_unknown(events, history, &mut links);
        hold_unclear(events, &completed.uids.unclear, &mut links, history);
        for (index, link) in &completed.decided {
            links.set(*index, link.clone());
        }
        LinkedEvents {
            links,
            readings,
            asked_again,
        }
    }
}
