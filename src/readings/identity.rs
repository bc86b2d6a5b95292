//! Decides which id a payment is sent with.
//!
//! Several payments may share an id: two charges of one invoice, two cancellations of a subscription that was
//! reactivated. Where the profile names a second id that distinguishes them
//! ([`Event::is_distinguished_by_reference`](crate::event::Event::is_distinguished_by_reference)), the first of them, by date
//! and then by that id, is sent with the shared id, and each further one with its own. What the journal knows
//! does not change: a payment keeps the id under which it was recorded, in whatever order the exports come.
//! And a payment that one export names by both ids and another by one of them is one payment.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use jiff::Timestamp;

use super::cancellation::Cancellation;
use crate::event::{
    Details, Essence, Event, EventKey, EventRef, Events, HashedMap, KeyMap, Kind, Text,
    running_total_refund_id,
};
use crate::link::SaleHistory;

/// Holds what was found about the ids of a job.
#[derive(Clone, Debug, Default)]
pub(crate) struct Identified {
    /// The readings of each id that has several.
    pub groups: Vec<Vec<usize>>,
    /// The events for which nothing decides which id they are sent with, with the reasons.
    pub undecided: Vec<(usize, String)>,
    /// The undecided events that an earlier run may have sent: what it sent has the id that they share, and
    /// does not say which of them it is.
    pub maybe_sent: HashSet<usize>,
    /// The ids that several payments share: a refund that names one does not say which it reverses.
    pub shared: HashSet<Text>,
}

/// Gives every payment of a job the `event_id` that it is sent with, and its refunds that of their sale.
pub(crate) fn identify(events: &mut Events, earlier: &dyn SaleHistory) -> Identified {
    let mut groups = same_ids(events);
    let suspects = Suspects::new(events, earlier, &groups);
    let mut identified = Identified::default();
    if !suspects.is_empty() {
        let payments = suspects.payments(events);
        let decided = Decider { earlier, payments }.decide(&mut identified);
        if decided.rename(events) {
            groups = same_ids(events);
        }
    }
    follow_sales_of_earlier_runs(events, earlier);
    identified.groups = groups;
    identified
}

/// Returns the readings of each id that has several.
fn same_ids(events: &Events) -> Vec<Vec<usize>> {
    let keys = (0..events.len()).map(|index| events.key(index).start());
    let mut starts: Vec<(u64, usize)> = keys.zip(0..).collect();
    starts.sort_unstable();
    let mut groups = Vec::new();
    for alike in starts.chunk_by(|a, b| a.0 == b.0) {
        if alike.len() < 2 {
            continue;
        }
        let mut readings: Vec<usize> = alike.iter().map(|&(_, index)| index).collect();
        readings.sort_by_key(|&index| events.key(index));
        let of_one_key = readings.chunk_by(|&a, &b| events.key(a) == events.key(b));
        groups.extend(of_one_key.filter(|of| of.len() > 1).map(<[usize]>::to_vec));
    }
    groups
}

/// Returns the numbers that two lists have, both of which are sorted, and the first of which has each only once.
fn in_both(numbers: &[u64], others: &[u64]) -> impl Iterator<Item = u64> {
    let mut others = others.iter().peekable();
    numbers.iter().copied().filter(move |number| {
        while others.next_if(|other| *other < number).is_some() {}
        others.peek() == Some(&number)
    })
}

/// Returns `true` if payments of this kind may share an id.
fn is_payment(kind: Kind) -> bool {
    matches!(kind, Kind::Sale | Kind::Cancellation)
}

/// Returns the id that distinguishes a payment from all others.
fn own_id(event: EventRef<'_>) -> &str {
    match event.reference {
        Some(reference) if event.is_distinguished_by_reference => reference,
        _ => event.event_id(),
    }
}

/// Collects ids that need a closer look. Nearly all payments of a job share none of theirs, and are new or
/// known by just these.
struct Suspects {
    shared: KeyMap<()>,
    own: HashSet<Text>,
}

impl Suspects {
    fn new(events: &Events, earlier: &dyn SaleHistory, groups: &[Vec<usize>]) -> Self {
        let mut suspects = Suspects {
            shared: KeyMap::default(),
            own: HashSet::new(),
        };
        suspects.add_groups(events, groups);
        suspects.add_crossings(events);
        if !earlier.is_empty() {
            suspects.add_recorded(events, earlier);
        }
        if earlier.has_withheld_sales() {
            suspects.add_withheld(events, earlier);
        }
        suspects
    }

    fn is_empty(&self) -> bool {
        self.shared.is_empty() && self.own.is_empty()
    }

    /// Adds ids that payments with two ids of their own share.
    fn add_groups(&mut self, events: &Events, groups: &[Vec<usize>]) {
        for readings in groups {
            let payments = readings
                .iter()
                .map(|&index| events.get(index))
                .filter(|event| is_payment(event.kind));
            let own: HashSet<&str> = payments.map(own_id).collect();
            if own.len() > 1 {
                self.shared.insert(events.key(readings[0]), ());
                self.own.extend(own.into_iter().map(Text::new));
            }
        }
    }

    /// Adds payments that one reading names by an id that is another reading's second one.
    ///
    /// Of a million payments none may be such. So their ids are compared by hashes first, and these are sorted: that
    /// takes half of the memory and of the time of a table.
    fn add_crossings(&mut self, events: &Events) {
        let hasher = RandomState::new();
        let (mut references, mut ids) = (Vec::new(), Vec::new());
        for event in events.iter().filter(|event| is_payment(event.kind)) {
            references.extend(event.reference.map(|id| hasher.hash_one(id)));
            ids.push(hasher.hash_one(event.event_id()));
        }
        if references.is_empty() {
            return;
        }
        references.sort_unstable();
        ids.sort_unstable();
        let mut repeated: HashedMap<bool> = references
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| (pair[0], false))
            .collect();
        references.dedup();
        let crossing: HashedMap<()> = in_both(&references, &ids).map(|id| (id, ())).collect();
        if repeated.is_empty() && crossing.is_empty() {
            return;
        }
        for event in events.iter().filter(|event| is_payment(event.kind)) {
            if let Some(reference) = event.reference
                && let Some(was_seen) = repeated.get_mut(&hasher.hash_one(reference))
                && std::mem::replace(was_seen, true)
                && event.is_distinguished_by_reference
            {
                self.own.insert(Text::new(reference));
            }
            if crossing.contains_key(&hasher.hash_one(event.event_id())) {
                self.own.insert(Text::new(event.event_id()));
            }
        }
    }

    /// Adds payments that earlier runs may know by another id.
    fn add_recorded(&mut self, events: &Events, earlier: &dyn SaleHistory) {
        for event in events.iter().filter(|event| is_payment(event.kind)) {
            let own = own_id(event);
            let recorded = earlier.essence(event.key());
            let is_told_apart = event.is_distinguished_by_reference;
            let is_as_recorded = match recorded {
                Some(recorded) if is_told_apart => recorded.has_reference(own),
                recorded => recorded.is_some(),
            };
            if is_as_recorded {
                continue;
            }
            let own_key = EventKey::from_id(own);
            if recorded.is_some()
                || (is_told_apart && earlier.essence(own_key).is_some())
                || !earlier.sales_with_reference(own_key).is_empty()
            {
                self.own.insert(Text::new(own));
                self.shared.insert(event.key(), ());
            }
        }
    }

    /// Adds sales that earlier runs held under another id, or whose id they held for another one.
    fn add_withheld(&mut self, events: &Events, earlier: &dyn SaleHistory) {
        for event in events.iter().filter(|event| event.kind == Kind::Sale) {
            let own = own_id(event);
            let own_key = EventKey::from_id(own);
            let held_as = earlier.withheld_sale(own_key);
            let is_of_another = || {
                let payments = earlier.withheld_payments(event.key());
                payments.is_some_and(|held| !held.parts.contains(&own_key))
            };
            let is_renamed = held_as.is_some_and(|id| id != event.event_id());
            if is_renamed || (event.is_distinguished_by_reference && is_of_another()) {
                self.own.insert(Text::new(own));
                self.shared.insert(event.key(), ());
            }
        }
    }

    /// Gathers all readings of the suspects.
    fn payments(&self, events: &Events) -> Vec<Payment> {
        let mut payments: BTreeMap<(Kind, Text), Payment> = BTreeMap::new();
        for (index, event) in events.iter().enumerate() {
            if !is_payment(event.kind) {
                continue;
            }
            let own = own_id(event);
            if !self.own.contains(own)
                && !self.shared.contains_key(&event.key())
                && !event.reference.is_some_and(|id| self.own.contains(id))
            {
                continue;
            }
            let payment = payments
                .entry((event.kind, Text::new(own)))
                .or_insert_with(|| Payment::new(event.kind, own));
            payment.add(index, event);
        }
        payments.into_values().collect()
    }
}

/// Says what an earlier run did with a payment, as far as that decides about its ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    /// Nothing that decides.
    Nothing,
    /// A run recorded it under the id that distinguishes it.
    Recorded,
    /// A run held it, under whatever id, and nobody sends it.
    Withheld,
}

/// Holds the readings of one payment.
#[derive(Debug)]
struct Payment {
    kind: Kind,
    own: Text,
    /// The other ids that its readings have.
    shared: BTreeSet<Text>,
    /// The references that do not distinguish payments.
    names: BTreeSet<Text>,
    created_at: Option<Timestamp>,
    /// The amount that was paid, as one of its readings says, in minor units.
    paid_cents: Option<i64>,
    readings: Vec<usize>,
    /// The id that it is sent with, once that is decided.
    event_id: Option<Text>,
    /// What an earlier run did with it.
    before: Before,
    /// The cancellation that it is, where another reading or an earlier run has named it first.
    cancellation: Option<Cancellation>,
}

impl Payment {
    fn new(kind: Kind, own: &str) -> Self {
        Payment {
            kind,
            own: Text::new(own),
            shared: BTreeSet::new(),
            names: BTreeSet::new(),
            created_at: None,
            paid_cents: None,
            readings: Vec::new(),
            event_id: None,
            before: Before::Nothing,
            cancellation: None,
        }
    }

    fn add(&mut self, index: usize, event: EventRef<'_>) {
        if event.event_id() != self.own {
            self.shared.insert(Text::new(event.event_id()));
        }
        if let Some(reference) = event.reference.filter(|name| *name != self.own) {
            self.names.insert(Text::new(reference));
        }
        self.created_at = match (self.created_at, event.created_at) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        self.paid_cents = self.paid_cents.or(event.paid_cents());
        self.readings.push(index);
    }
}

/// Decides which id each payment is sent with.
struct Decider<'e> {
    earlier: &'e dyn SaleHistory,
    payments: Vec<Payment>,
}

impl Decider<'_> {
    fn decide(mut self, identified: &mut Identified) -> PaymentIds {
        self.payments
            .sort_by(|a, b| (a.created_at, &a.own).cmp(&(b.created_at, &b.own)));
        self.recall();
        let named = self.named_by_others(identified);
        let mut by_shared: BTreeMap<(Kind, Text), Vec<usize>> = BTreeMap::new();
        for (index, payment) in self.payments.iter().enumerate() {
            let ids = payment.shared.iter().chain([&payment.own]);
            for id in ids {
                let members = by_shared.entry((payment.kind, id.clone()));
                members.or_default().push(index);
            }
        }
        for ((kind, shared), members) in &by_shared {
            self.share_out(*kind, shared, members, identified);
        }
        for (index, other) in named {
            let other = &self.payments[other];
            let id = other.event_id.as_ref().unwrap_or(&other.own).clone();
            self.payments[index].event_id = Some(id);
        }
        self.refuse_two_ids(identified);
        PaymentIds {
            payments: self.payments,
        }
    }

    /// Finds the payments that are another one by its reference, with that one.
    fn named_by_others(&self, identified: &mut Identified) -> Vec<(usize, usize)> {
        let mut by_name: HashMap<Text, Vec<usize>> = HashMap::new();
        for (index, payment) in self.payments.iter().enumerate() {
            for name in &payment.names {
                by_name.entry(name.clone()).or_default().push(index);
            }
        }
        let mut found = Vec::new();
        for (index, payment) in self.payments.iter().enumerate() {
            let named = by_name.get(&payment.own).into_iter().flatten().copied();
            let others: Vec<usize> = named.filter(|&other| other != index).collect();
            match others[..] {
                [] => {}
                [other] => found.push((index, other)),
                _ => identified.undecide(
                    payment,
                    format!("`{}` is another id of several payments", payment.own),
                ),
            }
        }
        found
    }

    /// Gives payments that earlier runs recorded, or held so that nobody sends them, the id that they had.
    fn recall(&mut self) {
        for payment in &mut self.payments {
            let own = EventKey::from_id(&payment.own);
            let is_recorded = |id: &Text| {
                let recorded = self.earlier.essence(EventKey::from_id(id));
                recorded.filter(|recorded| recorded.kind == payment.kind)
            };
            if is_recorded(&payment.own).is_some() {
                payment.event_id = Some(payment.own.clone());
                payment.before = Before::Recorded;
                continue;
            }
            let of_shared = payment.shared.iter().find(|id| {
                is_recorded(id).is_some_and(|recorded| recorded.has_reference(&payment.own))
            });
            payment.event_id = match of_shared {
                Some(id) => Some(id.clone()),
                None => match &self.earlier.sales_with_reference(own)[..] {
                    [sale] if payment.kind == Kind::Sale => Some(sale.clone()),
                    _ => None,
                },
            };
            let is_sale = payment.kind == Kind::Sale;
            let is_recorded_as_whole = || payment.shared.iter().any(|id| is_recorded(id).is_some());
            if payment.event_id.is_none()
                && is_sale
                && let Some(id) = self.earlier.withheld_sale(own)
                && !is_recorded_as_whole()
            {
                payment.before = Before::Withheld;
                payment.event_id = Some(id.clone());
            }
        }
    }

    /// Decides which of the payments that share an id keeps it.
    fn share_out(
        &mut self,
        kind: Kind,
        shared: &Text,
        members: &[usize],
        identified: &mut Identified,
    ) {
        let recorded = self
            .earlier
            .essence(EventKey::from_id(shared))
            .filter(|recorded| recorded.kind == kind);
        let (whole, parts): (Vec<usize>, Vec<usize>) = members
            .iter()
            .partition(|&&member| self.payments[member].own == *shared);
        let aliases = self.earlier.aliases(EventKey::from_id(shared));
        let is_recorded_for_one =
            recorded.is_some_and(|recorded| recorded.has_any_reference() || !aliases.is_empty());
        let is_recorded_for_another = recorded.is_some_and(|recorded| {
            let is_other = |&part: &usize| {
                let own = &self.payments[part].own;
                !recorded.has_reference(own) && !aliases.contains(&EventKey::from_id(own))
            };
            is_recorded_for_one && parts.iter().any(is_other)
        });
        if parts.len() > 1 || is_recorded_for_another {
            identified.shared.insert(shared.clone());
        }
        if kind == Kind::Cancellation {
            return self.share_out_cancellations(shared, &parts, recorded);
        }
        let open: Vec<usize> = parts
            .iter()
            .copied()
            .filter(|&part| self.payments[part].event_id.is_none())
            .collect();
        let withheld = self.earlier.withheld_payments(EventKey::from_id(shared));
        let is_withheld_for_one = withheld.is_some_and(|held| !held.parts.is_empty());
        let is_taken = is_recorded_for_one
            || is_withheld_for_one
            || parts
                .iter()
                .any(|&part| self.payments[part].event_id.as_ref() == Some(shared));
        if let (Some(recorded), true) = (recorded, whole.is_empty() && !is_taken)
            && let Some(same) = self.part_that_was_sent(&recorded, &open)
        {
            for &part in &open {
                let payment = &mut self.payments[part];
                let id = if part == same { shared } else { &payment.own };
                payment.event_id = Some(id.clone());
            }
            return;
        }
        let is_withheld_whole = withheld.is_some_and(|held| held.is_whole);
        let is_one_for_all =
            !is_taken && (recorded.is_some() || is_withheld_whole || !whole.is_empty());
        if is_one_for_all && parts.len() > 1 {
            let members: Vec<usize> = parts.into_iter().chain(whole).collect();
            return self.undecide_all(shared, &members, recorded, identified);
        }
        for (place, part) in open.into_iter().enumerate() {
            let payment = &mut self.payments[part];
            payment.event_id = Some(match place {
                0 if !is_taken => shared.clone(),
                _ => payment.own.clone(),
            });
        }
    }

    /// Leaves the payments that share an id undecided: it is that of all of them together, or of one that nothing names.
    fn undecide_all(
        &self,
        shared: &Text,
        members: &[usize],
        recorded: Option<Essence>,
        identified: &mut Identified,
    ) {
        let reason = match recorded {
            Some(_) => format!(
                "several payments share `{shared}`, and an earlier run sent it without saying which of them it is"
            ),
            None if self
                .earlier
                .withheld_payments(EventKey::from_id(shared))
                .is_some_and(|held| held.is_whole) =>
            {
                format!(
                    "several payments share `{shared}`, and an earlier run held it without saying which of them it is"
                )
            }
            None => {
                format!("several payments share `{shared}`, and another row has it as one payment")
            }
        };
        for &member in members {
            let payment = &self.payments[member];
            identified.undecide(payment, reason.clone());
            if recorded.is_some() {
                identified.maybe_sent.extend(&payment.readings);
            }
        }
    }

    /// Returns the payment that an earlier run sent by the shared id alone: the first of the same amount.
    /// What was sent may also be all of them together, such as a whole invoice.
    fn part_that_was_sent(&self, recorded: &Essence, parts: &[usize]) -> Option<usize> {
        let paid = |&part: &usize| self.payments[part].paid_cents;
        let all = parts
            .iter()
            .map(paid)
            .try_fold(0, |sum: i64, paid| sum.checked_add(paid?))?;
        let sent = recorded.paid_cents()?;
        let mut same = parts.iter().filter(|part| paid(part) == Some(sent));
        same.next().copied().filter(|_| all != sent)
    }

    /// Gives the first cancellation the shared id, and each further one its own.
    fn share_out_cancellations(
        &mut self,
        shared: &Text,
        parts: &[usize],
        recorded: Option<Essence>,
    ) {
        let mut known: Vec<Cancellation> = Vec::new();
        known.extend(recorded.map(|recorded| Cancellation::recorded(shared, recorded)));
        for id in self.earlier.further_payments(EventKey::from_id(shared)) {
            let recorded = self.earlier.essence(EventKey::from_id(&id));
            known.push(Cancellation::recorded_by_own_id(&id, recorded));
        }
        for &part in parts {
            let payment = &mut self.payments[part];
            match Cancellation::find(&known, &payment.own, payment.created_at) {
                Some(same) => {
                    payment.event_id = Some(same.event_id.clone());
                    payment.cancellation = Some(same);
                }
                None => {
                    let id = if known.is_empty() {
                        shared.clone()
                    } else {
                        payment.own.clone()
                    };
                    known.push(Cancellation::read(&id, &payment.own, payment.created_at));
                    payment.event_id = Some(id);
                }
            }
        }
    }

    /// Refuses payments to which two readings give two shared ids, unless an earlier run decided.
    fn refuse_two_ids(&self, identified: &mut Identified) {
        for payment in self
            .payments
            .iter()
            .filter(|payment| payment.shared.len() > 1)
        {
            let is_recorded = payment.event_id.as_ref().is_some_and(|id| {
                let recorded = self.earlier.essence(EventKey::from_id(id));
                recorded.is_some_and(|recorded| recorded.kind == payment.kind)
            });
            if !is_recorded {
                let ids: Vec<String> = payment.shared.iter().map(|id| format!("`{id}`")).collect();
                let reason = format!(
                    "the payment `{}` has several ids: {}",
                    payment.own,
                    ids.join(", ")
                );
                identified.undecide(payment, reason);
            }
        }
    }
}

impl Identified {
    fn undecide(&mut self, payment: &Payment, reason: String) {
        let readings = payment.readings.iter();
        self.undecided
            .extend(readings.map(|&reading| (reading, reason.clone())));
    }
}

/// Holds the ids that payments are sent with, for those that needed a closer look.
struct PaymentIds {
    payments: Vec<Payment>,
}

impl PaymentIds {
    /// Gives the payments and their refunds these ids, and returns whether any has changed.
    fn rename(self, events: &mut Events) -> bool {
        let mut sales: HashMap<Text, Text> = HashMap::new();
        let mut has_changed = false;
        for payment in &self.payments {
            let Some(id) = &payment.event_id else {
                continue;
            };
            if payment.kind == Kind::Sale {
                sales.insert(payment.own.clone(), id.clone());
            }
            for &reading in &payment.readings {
                if events.get(reading).event_id() != id {
                    events.edit(reading, |event| rename(event, payment, id));
                    has_changed = true;
                }
                if let Some(cancellation) = &payment.cancellation {
                    events.edit(reading, |event| cancellation.give(event));
                }
            }
        }
        for index in 0..events.len() {
            if events.kind(index) != Kind::Refund {
                continue;
            }
            let refund = events.get(index);
            let named = refund.reference.or(refund.sale_event_id);
            if let Some(sale) = named.and_then(|named| sales.get(named))
                && refund.sale_event_id != Some(sale.as_str())
            {
                let sale = sale.clone();
                events.edit(index, |refund| name_sale(refund, sale));
                has_changed = true;
            }
        }
        has_changed
    }
}

fn rename(event: &mut Event, payment: &Payment, id: &Text) {
    let before = Text::new(event.event_id());
    event.set_event_id(id.clone());
    if *id == payment.own && payment.before != Before::Nothing {
        event.reference = Some(before);
        event.is_distinguished_by_reference = true;
        // What was accepted as held stays the same item.
        if payment.before == Before::Recorded {
            event.remark(&format!("recorded as `{id}` by an earlier run"));
        }
    } else if *id == payment.own {
        event.reference = None;
        event.is_distinguished_by_reference = false;
        let further = match event.kind {
            Kind::Cancellation => "another cancellation beside",
            _ => "a further payment of",
        };
        event.remark(&format!("{further} `{before}`"));
        event.set_details(Details {
            shared_id: Some(before),
            ..event.details().clone()
        });
    } else {
        if payment.before != Before::Withheld {
            event.remark(&format!("the same payment as `{id}`"));
        }
        if event.reference.is_none() && before == payment.own {
            event.reference = Some(before);
            event.is_distinguished_by_reference = true;
        }
    }
}

/// Makes a refund name its sale by this id; the refund's own id is made from it where it is a running total.
/// The id that it names now distinguishes the sale from others, and is kept as its reference.
fn name_sale(refund: &mut Event, sale: Text) {
    if refund.reference.is_none() {
        refund.reference = refund.sale_event_id.take();
    }
    if let Some(total) = refund.refund_total_cents {
        refund.set_event_id(running_total_refund_id(&sale, total));
    }
    refund.sale_event_id = Some(sale);
}

/// Makes refunds that name a second id of their sale name it by the id under which an earlier run recorded
/// the sale.
fn follow_sales_of_earlier_runs(events: &mut Events, earlier: &dyn SaleHistory) {
    if earlier.is_empty() {
        return;
    }
    for index in 0..events.len() {
        if events.kind(index) != Kind::Refund {
            continue;
        }
        let refund = events.get(index);
        let (Some(named), Some(reference)) = (refund.sale_event_id, refund.reference) else {
            continue;
        };
        if named == reference {
            continue;
        }
        let key = EventKey::from_id(reference);
        let is_sale = |recorded: Essence| recorded.kind == Kind::Sale;
        let sale = if earlier.essence(key).is_some_and(is_sale) {
            Some(Text::new(reference))
        } else {
            match &earlier.sales_with_reference(key)[..] {
                [sale] => Some(sale.clone()),
                _ => None,
            }
        };
        if let Some(sale) = sale.filter(|sale| sale != named) {
            events.edit(index, |refund| name_sale(refund, sale));
        }
    }
}
