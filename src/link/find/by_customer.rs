//! Sales of a refund's customer, for refunds that name none or one that is not found.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{FoundSale, SaleFinder};
use crate::event::{Currency, CustomerRef, EventKey, Events, KeyMap, Text};
use crate::link::candidates::{Candidates, RefundableSale, SearchedRefund};
use crate::link::{Link, Links, MAX_CANDIDATES, Sale};

impl SaleFinder<'_> {
    /// Names the sales that unresolved refunds may undo, and takes the only one where the user wants
    /// that.
    pub(in crate::link) fn match_customers(&mut self, events: &mut Events, links: &mut Links) {
        let refunds = self.refunds_to_match(events);
        if refunds.is_empty() {
            return;
        }
        let sales = SalesByCustomer::new(events, &refunds);
        let mut wanted: HashSet<EventKey> = HashSet::new();
        wanted.extend(sales.indexes().map(|index| events.key(index)));
        self.add_readings(&wanted, events);
        let left = self.left(events);
        let candidates = self.candidates(&refunds, &sales, &left, events);
        let mut matched: KeyMap<Vec<(Vec<usize>, Text)>> = KeyMap::default();
        for (readings, candidates) in refunds.into_iter().zip(candidates) {
            let names_none = readings.iter().all(|&r| events.sale_event_id(r).is_none());
            match candidates.iter().next() {
                Some(only)
                    if candidates.len() == 1 && names_none && self.rules.match_by_customer =>
                {
                    let key = EventKey::from_id(only);
                    matched
                        .entry(key)
                        .or_default()
                        .push((readings, only.clone()));
                }
                _ => hold_with(&readings, &candidates, links),
            }
        }
        for (key, refunds) in matched {
            self.take_matched(key, refunds, &left, events, links);
        }
        // What is linked by now is not held any more.
        self.unresolved
            .retain(|&refund| links[refund] != Link::Sound);
    }

    /// Returns the readings of each unresolved refund that has an amount of its own.
    fn refunds_to_match(&self, events: &Events) -> Vec<Vec<usize>> {
        let mut by_key: KeyMap<Vec<usize>> = KeyMap::default();
        for &refund in &self.unresolved {
            let event = events.get(refund);
            if event.refund_total_cents.is_none() && event.money.is_some() {
                by_key.entry(event.key()).or_default().push(refund);
            }
        }
        by_key.into_values().collect()
    }

    /// Returns what is left of the sales whose refunds are found, as it was paid, in cents.
    fn left(&self, events: &Events) -> KeyMap<i64> {
        let mut left = KeyMap::default();
        for (&key, found) in &self.found {
            let mut parts: KeyMap<i64> = KeyMap::default();
            let mut total = 0;
            for refund in found.refunds.iter().map(|&index| events.get(index)) {
                match refund.refund_total_cents {
                    Some(cents) => total = total.max(cents),
                    None if self.is_recorded(refund.key()) => {}
                    None => {
                        let part = parts.entry(refund.key()).or_default();
                        *part = refund.paid_cents().unwrap_or(0).max(*part);
                    }
                }
            }
            let parts = parts.into_values().fold(0, i64::saturating_add);
            left.insert(key, self.left_of(key, found.sale, parts, total));
        }
        left
    }

    /// Returns whether an earlier run recorded a refund, and that stands.
    fn is_recorded(&self, refund: EventKey) -> bool {
        self.earlier.essence(refund).is_some() && !self.asked_again.supersedes(refund, self.earlier)
    }

    fn left_of(&self, key: EventKey, sale: Sale, parts: i64, total: i64) -> i64 {
        let known = self.asked_again.refunded(key, self.earlier);
        let refunded = known
            .gross_cents
            .saturating_add(parts)
            .max(known.largest_total_cents.unwrap_or(0))
            .max(total);
        sale.gross_cents.saturating_sub(refunded)
    }

    /// Returns the sales that each of these refunds may undo.
    fn candidates(
        &self,
        refunds: &[Vec<usize>],
        sales: &SalesByCustomer,
        left: &KeyMap<i64>,
        events: &Events,
    ) -> Vec<BTreeSet<Text>> {
        let mut candidates = Candidates::default();
        for (refund, readings) in refunds.iter().enumerate() {
            let readings = readings.iter().map(|&reading| events.get(reading));
            let paid = readings
                .clone()
                .filter_map(|reading| reading.paid_cents())
                .max()
                .unwrap_or(i64::MAX);
            for reading in readings {
                if let Some((created_at, money)) = reading.created_at.zip(reading.money) {
                    candidates.add_refund(&SearchedRefund {
                        refund,
                        customer: reading.customer,
                        currency: money.currency,
                        created_at,
                        paid,
                    });
                }
            }
        }
        let mut known: KeyMap<Option<(Currency, i64)>> = KeyMap::default();
        let mut add_sale = |event_id: &str, customer: CustomerRef<'_>, created_at| {
            let key = EventKey::from_id(event_id);
            let sale = known.entry(key).or_insert_with(|| {
                let sale = self.sale(key, events)?;
                let left = left
                    .get(&key)
                    .copied()
                    .unwrap_or_else(|| self.left_of(key, sale, 0, 0));
                Some((sale.money.currency, left))
            });
            if let (Some((currency, left)), Some(created_at)) = (*sale, created_at) {
                candidates.add_sale(&RefundableSale {
                    event_id,
                    customer,
                    currency,
                    created_at,
                    left,
                });
            }
        };
        let places: BTreeSet<usize> = sales.indexes().collect();
        for sale in places.into_iter().map(|place| events.get(place)) {
            add_sale(sale.event_id(), sale.customer, sale.created_at);
        }
        for customer in sales.customers() {
            for sale in self.earlier.sales_of(customer) {
                add_sale(&sale.event_id, sale.customer.borrowed(), sale.created_at);
            }
        }
        candidates.find(refunds.len())
    }

    /// Links refunds to the one sale that each of them can undo, if it is enough for all of them.
    fn take_matched(
        &mut self,
        key: EventKey,
        refunds: Vec<(Vec<usize>, Text)>,
        left: &KeyMap<i64>,
        events: &mut Events,
        links: &mut Links,
    ) {
        let sale = self
            .sale(key, events)
            .expect("only a sale with an amount is a candidate");
        let paid = refunds
            .iter()
            .map(|(readings, _)| {
                let paid = readings.iter().filter_map(|&r| events.get(r).paid_cents());
                paid.max().unwrap_or(0)
            })
            .fold(0, i64::saturating_add);
        let left = left.get(&key).copied();
        let is_enough = paid <= left.unwrap_or_else(|| self.left_of(key, sale, 0, 0));
        for (readings, event_id) in refunds {
            if !is_enough {
                hold_with(&readings, &BTreeSet::from([event_id]), links);
                continue;
            }
            for refund in readings {
                links.set(refund, Link::Sound);
                let target = FoundSale {
                    key,
                    event_id: Some(event_id.clone()),
                    why: "linked by rule: the only sale of its customer that it can reverse"
                        .to_owned(),
                };
                self.take(refund, target, events, links);
            }
        }
    }
}

fn hold_with(readings: &[usize], candidates: &BTreeSet<Text>, links: &mut Links) {
    for &refund in readings {
        if let Some(Link::Held(held)) = links.get_mut(refund) {
            held.candidates = candidates.iter().take(MAX_CANDIDATES).cloned().collect();
        }
    }
}

/// The sales of the customers of some refunds.
struct SalesByCustomer {
    by_email: HashMap<Text, Vec<usize>>,
    by_uid: HashMap<Text, Vec<usize>>,
}

impl SalesByCustomer {
    fn new(events: &Events, refunds: &[Vec<usize>]) -> Self {
        let mut sales = SalesByCustomer {
            by_email: HashMap::new(),
            by_uid: HashMap::new(),
        };
        for customer in refunds.iter().flatten().map(|&r| events.get(r).customer) {
            if let Some(email) = customer.email_folded() {
                sales.by_email.entry(email).or_default();
            }
            if let Some(uid) = customer.uid {
                sales.by_uid.entry(Text::new(uid)).or_default();
            }
        }
        for index in super::sales(events) {
            let customer = events.get(index).customer;
            let email = customer.email_folded();
            if let Some(found) = email.and_then(|email| sales.by_email.get_mut(&email)) {
                found.push(index);
            }
            let uid = customer.uid;
            if let Some(found) = uid.and_then(|uid| sales.by_uid.get_mut(uid)) {
                found.push(index);
            }
        }
        sales
    }

    fn indexes(&self) -> impl Iterator<Item = usize> + '_ {
        let all = self.by_email.values().chain(self.by_uid.values());
        all.flatten().copied()
    }

    /// Returns each email and each uid of these customers by itself.
    fn customers(&self) -> impl Iterator<Item = CustomerRef<'_>> {
        let by_email = self.by_email.keys().map(|email| CustomerRef {
            email: Some(email),
            uid: None,
        });
        let by_uid = self.by_uid.keys().map(|uid| CustomerRef {
            email: None,
            uid: Some(uid),
        });
        by_email.chain(by_uid)
    }
}
