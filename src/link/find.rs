//! Which sale a refund reverses.

mod by_customer;

use std::collections::{BTreeSet, HashMap, HashSet};

use super::settle::counts_nothing_again;
use super::{
    AskedAgain, Found, FoundSales, Held, HeldReason, Link, LinkRules, Links, RefundedSale, Sale,
    SaleHistory,
};
use crate::event::{Customer, Essence, Event, EventKey, EventRef, Events, KeyMap, Kind, Text};

/// Finds the sales of a job's refunds.
pub(super) struct SaleFinder<'r> {
    earlier: &'r dyn SaleHistory,
    rules: &'r LinkRules,
    refunds: &'r [usize],
    /// Ids that several payments share.
    shared: &'r HashSet<Text>,
    asked_again: &'r AskedAgain,
    /// The readings of the sales that refunds name by their ids.
    readings: KeyMap<Vec<usize>>,
    /// By another id that a refund names: the ids of the sales that go by it.
    by_reference: HashMap<Text, BTreeSet<Text>>,
    found: FoundSales,
    /// Refunds whose sale is not named or not found.
    unresolved: Vec<usize>,
}

/// Holds the place where a refund's sale was found, and the way in which it was found.
struct FoundSale {
    key: EventKey,
    /// The id of the sale, where the refund names it otherwise.
    event_id: Option<Text>,
    why: String,
}

impl<'r> SaleFinder<'r> {
    pub(super) fn new(
        events: &mut Events,
        refunds: &'r [usize],
        earlier: &'r dyn SaleHistory,
        rules: &'r LinkRules,
        found: Found<'r>,
    ) -> Self {
        let mut finder = SaleFinder {
            earlier,
            rules,
            refunds,
            shared: found.shared,
            asked_again: found.asked_again,
            readings: KeyMap::default(),
            by_reference: HashMap::new(),
            found: FoundSales::new(),
            unresolved: Vec::new(),
        };
        finder.resolve(events);
        finder.gather_readings(events);
        finder.gather_references(events);
        finder
    }

    /// Returns the sales with their refunds.
    pub(super) fn into_found(self) -> FoundSales {
        self.found
    }

    /// Applies the user's resolutions, which take precedence over the exports.
    fn resolve(&self, events: &mut Events) {
        if self.rules.resolutions.is_empty() {
            return;
        }
        for &refund in self.refunds {
            let resolutions = &self.rules.resolutions;
            if let Some(sale) = resolutions.sale_of(events.get(refund).event_id()) {
                events.edit(refund, |event| {
                    event.sale_event_id = Some(sale.into());
                    event.remark("its sale is the one that you named");
                });
            }
        }
    }

    fn gather_readings(&mut self, events: &Events) {
        for &refund in self.refunds {
            if let Some(name) = events.sale_event_id(refund) {
                self.readings.entry(EventKey::from_id(name)).or_default();
            }
            // What an earlier run recorded of a sale that is asked again does not stand.
            if !self.asked_again.is_empty()
                && let Some(sale) = self.earlier.sale_of_refund(events.key(refund))
            {
                self.readings.entry(EventKey::from_id(&sale)).or_default();
            }
        }
        for index in sales(events) {
            if let Some(readings) = self.readings.get_mut(&events.key(index)) {
                readings.push(index);
            }
        }
    }

    fn gather_references(&mut self, events: &Events) {
        for &refund in self.refunds {
            if let Some(name) = events.sale_event_id(refund)
                && self.readings[&EventKey::from_id(name)].is_empty()
            {
                self.by_reference.entry(Text::new(name)).or_default();
            }
        }
        if self.by_reference.is_empty() {
            return;
        }
        let mut found = HashSet::new();
        for event in sales(events).map(|index| events.get(index)) {
            if let Some(reference) = event.reference
                && let Some(sales) = self.by_reference.get_mut(reference)
            {
                sales.insert(Text::new(event.event_id()));
                found.insert(event.key());
            }
        }
        self.add_readings(&found, events);
    }

    /// Gathers the readings of these sales as well, some of which may be without what they were found
    /// by.
    fn add_readings(&mut self, wanted: &HashSet<EventKey>, events: &Events) {
        let missing = |key: &EventKey| self.readings.get(key).is_none_or(Vec::is_empty);
        let wanted: KeyMap<()> = wanted
            .iter()
            .filter(|key| missing(key))
            .map(|&key| (key, ()))
            .collect();
        if wanted.is_empty() {
            return;
        }
        for index in sales(events) {
            let key = events.key(index);
            if wanted.contains_key(&key) {
                self.readings.entry(key).or_default().push(index);
            }
        }
    }

    /// Links the refunds that name their sale; holds the others.
    pub(super) fn find_named(&mut self, events: &mut Events, links: &mut Links) {
        for &refund in self.refunds {
            if let Some(gross_cents) = self.earlier.counted_nothing(events.key(refund)) {
                links.set(refund, counts_nothing_again(gross_cents, refund, events));
                continue;
            }
            let recorded = self.earlier.essence(events.key(refund));
            if recorded
                .is_some_and(|recorded| recorded.kind == Kind::Refund && recorded.sale.is_none())
            {
                events.edit(refund, |event| {
                    event.sale_event_id = None;
                    event.remark("sent by an earlier run without a sale");
                });
                continue;
            }
            match self.target(refund, events) {
                Ok(target) => self.take(refund, target, events, links),
                Err(held) => {
                    if held.reason.is_without_sale() {
                        self.unresolved.push(refund);
                    }
                    links.set(refund, Link::Held(held));
                }
            }
        }
    }

    fn take(&mut self, refund: usize, target: FoundSale, events: &mut Events, links: &mut Links) {
        if self.asked_again.has_sale(target.key) {
            self.add_readings(&HashSet::from([target.key]), events);
        }
        let sale = self
            .sale(target.key, events)
            .expect("a refund is linked to a sale with an amount");
        let customer = self.customer_of(target.key, events);
        let is_other = events.edit(refund, |event| {
            event.remark(&target.why);
            if let Some(event_id) = target.event_id {
                event.sale_event_id = Some(event_id);
            }
            give_customer(event, customer)
        });
        let is_named_by_user = || {
            let refund = events.get(refund).event_id();
            self.rules.resolutions.sale_of(refund).is_some()
        };
        if is_other && !is_named_by_user() {
            links.other_customers.insert(refund);
        }
        let found = self.found.entry(target.key).or_insert(RefundedSale {
            sale,
            refunds: Vec::new(),
        });
        found.refunds.push(refund);
    }

    /// Returns the customer with whom a sale was sent, or will be.
    fn customer_of(&self, sale: EventKey, events: &Events) -> Option<Customer> {
        let readings = self.readings.get(&sale).into_iter().flatten();
        let here = readings.map(|&index| events.get(index)).next();
        match self.recorded_sale(sale) {
            Some(_) => self.earlier.customer_of(sale),
            None => here.map(|sale| sale.customer.to_customer()),
        }
    }

    /// Returns what an earlier run recorded of a sale, and what stands.
    fn recorded_sale(&self, sale: EventKey) -> Option<Essence> {
        let recorded = self.earlier.essence(sale)?;
        let stands = recorded.kind == Kind::Sale && !self.asked_again.has_sale(sale);
        stands.then_some(recorded)
    }

    fn target(&self, refund: usize, events: &Events) -> Result<FoundSale, Held> {
        let event = events.get(refund);
        let Some(name) = event.sale_event_id else {
            return self
                .recorded(event)
                .ok_or_else(|| Held::new(HeldReason::NamesNoSale, "the refund names no sale"));
        };
        self.named(name, event, events)
    }

    /// Returns the sale to which an earlier run linked the refund, which stays.
    fn recorded(&self, refund: EventRef<'_>) -> Option<FoundSale> {
        let sale = self.earlier.sale_of_refund(refund.key())?;
        Some(FoundSale {
            key: EventKey::from_id(&sale),
            event_id: Some(sale),
            why: "linked by an earlier run".to_owned(),
        })
    }

    /// Returns the sale of this name: in the exports, then in what earlier runs recorded; each time by its id, then
    /// by another id of it.
    fn named(&self, name: &str, refund: EventRef<'_>, events: &Events) -> Result<FoundSale, Held> {
        let key = EventKey::from_id(name);
        if refund.reference.is_none()
            && let Some(held) = self.shared_by_several(name, key, events)
        {
            return self.recorded(refund).ok_or(held);
        }
        let readings = self.readings.get(&key).map_or(&[][..], Vec::as_slice);
        if !readings.is_empty() {
            let is_same_row = |&sale: &usize| events.figures(sale).source == refund.source;
            let why = if readings.iter().any(is_same_row) {
                "linked to the sale of its row"
            } else {
                "linked to a sale of these exports by its id"
            };
            return Ok(by_id(key, why));
        }
        let recorded = self.earlier.essence(key);
        let is_recorded = recorded.is_some_and(|sale| sale.kind == Kind::Sale);
        if !is_recorded && let Some(target) = self.recorded(refund) {
            return Ok(target);
        }
        if let Some(sales) = self.by_reference.get(name)
            && let Some(found) = by_reference(sales, name, "these exports")
        {
            return found;
        }
        if is_recorded {
            return Ok(by_id(key, "linked to a sale of an earlier run"));
        }
        let sales = self.earlier.sales_with_reference(key).into_iter().collect();
        if let Some(found) = by_reference(&sales, name, "an earlier run") {
            return found;
        }
        Err(match recorded {
            Some(other) => Held::new(
                HeldReason::SaleUnclear,
                format!("what it names as its sale is a {}", other.kind),
            ),
            None => Held::new(
                HeldReason::SaleNotFound,
                "its sale is neither in these exports nor in the journal",
            ),
        })
    }

    /// Says why a refund is held that names an id which several payments share.
    fn shared_by_several(&self, name: &str, key: EventKey, events: &Events) -> Option<Held> {
        let recorded = self.earlier.further_payments(key);
        if recorded.is_empty() && !self.shared.contains(name) {
            return None;
        }
        let further = sales(events)
            .map(|index| events.get(index))
            .filter(|sale| sale.has_details() && sale.details().shared_id.as_deref() == Some(name));
        let mut candidates: BTreeSet<Text> = recorded.into_iter().collect();
        candidates.insert(Text::new(name));
        candidates.extend(further.map(|sale| Text::new(sale.event_id())));
        let note =
            format!("several payments share `{name}`, and it does not say which it reverses");
        Some(Held::new(HeldReason::SaleUnclear, note).with_candidates(candidates))
    }

    /// Returns the journal's version of the sale, since that is what was sent to the API; else the job's.
    fn sale(&self, key: EventKey, events: &Events) -> Option<Sale> {
        let readings = self.readings.get(&key).map_or(&[][..], Vec::as_slice);
        // Where readings contradict each other, the plan holds the sale with its refunds: here it is
        // only to be the same one, wherever it stands.
        let here = readings
            .iter()
            .map(|&index| events.get(index))
            .min_by_key(|event| {
                let money = event
                    .money
                    .map(|money| (money.amount_cents, money.currency));
                (event.gross_cents.is_none(), money, event.gross_cents)
            })
            .map(|event| event.essence());
        let recorded = self.recorded_sale(key);
        let Some(recorded) = recorded.filter(|sale| sale.money.is_some()) else {
            return Sale::from_essence(&here?);
        };
        match here {
            Some(here) if recorded.is_gross_unknown && here.money == recorded.money => {
                Sale::from_essence(&here)
            }
            Some(here) if here.paid_cents() == recorded.paid_cents() => {
                let mut known = recorded;
                known.is_gross_unknown = false;
                Sale::from_essence(&known)
            }
            _ => Sale::from_essence(&recorded),
        }
    }

    /// Lets unresolved refunds go without a sale.
    pub(super) fn release(&mut self, events: &mut Events, links: &mut Links) {
        for refund in std::mem::take(&mut self.unresolved) {
            // A total without its sale does not say what of it is new.
            let event = events.get(refund);
            if event.refund_total_cents.is_some() || event.customer.is_unknown() {
                continue;
            }
            if let Link::Held(held) = &links[refund] {
                events.edit(refund, |event| {
                    event.remark(&format!("sent without a sale: {}", held.note));
                    event.sale_event_id = None;
                });
                links.set(refund, Link::Sound);
            }
        }
    }
}

/// Lets a refund go out with the customer of its sale, whatever its own row says; returns whether that
/// names another one.
fn give_customer(refund: &mut Event, customer: Option<Customer>) -> bool {
    let Some(customer) = customer.filter(|customer| *customer != refund.customer) else {
        return false;
    };
    let before = refund.essence();
    let has_other_email = refund.customer.email_folded() != customer.email_folded();
    if has_other_email && !refund.customer.is_unknown() {
        refund.remark("sent with the customer of its sale");
    }
    refund.customer = customer;
    !refund.essence().has_customer_of(&before)
}

/// Returns the places of the sales.
fn sales(events: &Events) -> impl Iterator<Item = usize> + '_ {
    (0..events.len()).filter(|&index| events.kind(index) == Kind::Sale)
}

fn by_id(key: EventKey, why: &str) -> FoundSale {
    FoundSale {
        key,
        event_id: None,
        why: why.to_owned(),
    }
}

/// Returns the one sale that goes by this other id; several are for a person to choose from.
fn by_reference(
    sales: &BTreeSet<Text>,
    name: &str,
    place: &str,
) -> Option<Result<FoundSale, Held>> {
    let first = sales.first()?;
    Some(match sales.len() {
        1 => Ok(FoundSale {
            key: EventKey::from_id(first),
            event_id: Some(first.clone()),
            why: format!("linked by `{name}` to a sale of {place}"),
        }),
        _ => {
            let note = format!("several sales go by `{name}`");
            Err(Held::new(HeldReason::SaleUnclear, note).with_candidates(sales.iter().cloned()))
        }
    })
}
