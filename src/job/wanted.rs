//! Collects what of the journal a job may need.

use std::collections::HashSet;

use super::customers::emails_by_uid;
use super::read::ReadExports;
use crate::event::{EventKey, EventRef, KeyMap, Kind, Text};
use crate::journal::HistoryRequest;
use crate::link::LinkRules;

impl ReadExports {
    /// Returns what of the journal the refunds may need whose sales are in none of these exports.
    pub(super) fn history_request(&self, rules: &LinkRules) -> HistoryRequest {
        let events = &self.events;
        let of_kind = |kind| (0..events.len()).filter(move |&index| events.kind(index) == kind);
        let refunds = || of_kind(Kind::Refund).map(|index| events.get(index));
        let sale_of = |refund: EventRef<'_>| {
            let resolved = rules.resolutions.sale_of(refund.event_id());
            resolved.or(refund.sale_event_id).map(EventKey::from_id)
        };
        let mut named: KeyMap<bool> = KeyMap::default();
        named.extend(refunds().filter_map(sale_of).map(|sale| (sale, false)));
        for sale in of_kind(Kind::Sale) {
            if let Some(is_here) = named.get_mut(&events.key(sale)) {
                *is_here = true;
            }
        }
        let mut wanted = HistoryRequest {
            emails_by_uid: emails_by_uid(events),
            exports: self
                .inputs
                .iter()
                .map(|input| (input.path.clone(), input.sha256.clone()))
                .collect(),
            ..HistoryRequest::default()
        };
        for sale in of_kind(Kind::Sale).map(|index| events.get(index)) {
            let own = match sale.reference {
                Some(reference) if sale.is_distinguished_by_reference => {
                    wanted.shared.insert(sale.key(), ());
                    EventKey::from_id(reference)
                }
                _ => sale.key(),
            };
            wanted.references.insert(own, ());
            if self.completions.is_completing(sale.source.input) {
                wanted.held_sales.insert(sale.key(), ());
            }
            if !self.invoices.has(sale.key()) {
                wanted.invoices.insert(sale.key(), ());
            }
        }
        self.not_paid.add_to_request(&mut wanted);
        wanted.subscriptions = self.subscriptions_without_plan();
        for refund in refunds() {
            let sale = sale_of(refund);
            let reference = refund.reference.map(EventKey::from_id);
            for id in sale.into_iter().chain(reference) {
                wanted.references.insert(id, ());
                wanted.sales.insert(id, ());
            }
            if sale.is_some_and(|sale| named.get(&sale) == Some(&true)) {
                continue;
            }
            wanted.refunds.insert(refund.key());
            wanted.emails.extend(refund.customer.email_folded());
            wanted.uids.extend(refund.customer.uid.map(Text::new));
        }
        wanted
    }

    fn subscriptions_without_plan(&self) -> HashSet<Text> {
        let invoices = self.invoices.said();
        let all = self.events.iter().chain(invoices.iter());
        let named = all
            .filter(|event| event.has_details())
            .filter_map(|event| event.details().subscription);
        named.filter(|id| !self.plans.has(id)).collect()
    }
}
