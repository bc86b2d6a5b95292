//! Compares the sales to send with those that the account has already, by its list of commissions.
//!
//! A sale of another integration has another id, so that the API would count it a second time. It is found by
//! what it is: the same lead, the same amount, the same day. One sale of the account is at most one of ours.

mod again;
mod converted;
mod refunds;
mod uncompared;

pub use refunds::RefundOfAccount;

use std::hash::{BuildHasher, RandomState};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use self::converted::is_converted;
use self::refunds::KnownRefunds;
use super::account_findings::AccountFindings;
use super::planner::{KeyRepresentatives, Planner};
use super::range::DateRange;
use crate::event::{
    Currency, CustomerRef, DENIED_IN_ACCOUNT, Decimals, EventKey, EventRef, Events, KeyMap, Kind,
    Money, NOT_COMPARED_WITH_ACCOUNT, OTHER_AMOUNT_IN_ACCOUNT, OTHER_CUSTOMER_IN_ACCOUNT, Text,
    day_in, in_units, remark_on_account,
};
use crate::journal::PlanState;
use crate::link::HeldReason;
use crate::readings::ExportOrigin;

/// Says what is done with sales that the account has under another id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum InAccount {
    /// Those that an earlier run held are held; others are sent, and said.
    #[default]
    AsBefore,
    /// Those that an earlier run held are held, and what the list shows, where that had to be read.
    HoldIfListed,
    /// They are held.
    Hold,
    /// They are sent, also those that an earlier run held.
    Send,
}

/// Describes a sale of the account.
#[derive(Clone, Copy, Debug)]
pub struct SaleOfAccount<'s> {
    /// The id of its event; `None` for a commission that no event created.
    pub event_id: Option<&'s str>,
    /// The API's own id of its commission.
    pub commission_id: &'s str,
    /// The customer, as the account has the lead.
    pub customer: CustomerRef<'s>,
    /// The amount in the account's currency, in the unit in which the API takes it.
    pub amount_cents: i64,
    /// The amount as it was sent and its currency, if that was another one.
    pub original: Option<(i64, Currency)>,
    /// The time when it was made.
    pub at: Timestamp,
    /// `true` if its commission is denied.
    pub is_denied: bool,
}

/// The time by which two times of one sale may differ across midnight: an invoice is charged an hour after it was made.
const NEAR: SignedDuration = SignedDuration::from_hours(2);

/// The note of an event that somebody accepted while it was held for what does not hold it any more. It names nothing that
/// may differ in a later run, so that it can be accepted once more.
const ACCEPTED_AS_HELD: &str =
    "it was accepted that it is not sent, when an earlier run held it; that reason is gone";

/// Holds the sales of an account, to compare others with them.
#[derive(Clone, Debug)]
pub struct AccountSales {
    zone: TimeZone,
    decimals: Decimals,
    currency: Currency,
    version: ListVersion,
    sales: Vec<SaleInAccount>,
    by_key: KeyMap<u32>,
    /// Hashes of the customers and amounts of sales, with their times in seconds and their places in `sales`; sorted once
    /// all are there.
    lookups: Vec<(u64, i64, u32)>,
    refunds: KnownRefunds,
    hasher: RandomState,
    /// The number of commissions that were read.
    pub commissions: u64,
    /// The commissions of sales that can't be compared: they have no lead, no amount or no date.
    pub unclear: u64,
    /// The number of requests that it took.
    pub requests: u64,
}

/// Says what a list of commissions has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListVersion {
    /// Dates are those of the sales. Amounts are in the account's currency.
    V1,
    /// Sales that came by tracking calls have the day of the call. Amounts are also in the currency in which they were
    /// sent.
    V2,
}

/// Holds a sale of the account.
#[derive(Clone, Debug)]
struct SaleInAccount {
    key: Option<EventKey>,
    /// The id of its event or its commission, in words.
    name: Text,
    cents: i64,
    original: Option<(i64, Currency)>,
    at: Timestamp,
    /// Hashes of what identifies its customer.
    leads: [Option<u64>; 2],
    /// `true` if a commission of it is denied.
    is_denied: bool,
}

/// Says what of a customer two sales have in common.
#[derive(Clone, Copy)]
enum Identifier {
    Both,
    Uid,
    Email,
}

/// Says which times of the account a time of ours may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nearness {
    /// Those of the same day.
    Day,
    /// The midnight in UTC of the same day: only that was sent.
    DateOnly,
    /// Those that are [`NEAR`], on the day before or after.
    Near,
    /// All later ones: they may be of an import.
    Later,
}

/// Describes one of our sales, to find it.
#[derive(Clone, Copy)]
struct SaleLookup {
    by_uid: Option<u64>,
    by_email: Option<u64>,
    at: Timestamp,
}

const IDENTIFIERS: [Identifier; 3] = [Identifier::Both, Identifier::Uid, Identifier::Email];

impl AccountSales {
    /// Returns no sales yet, of an account with this zone and currency. `decimals` are those that the API takes.
    pub fn new(
        zone: TimeZone,
        currency: Currency,
        decimals: Decimals,
        version: ListVersion,
    ) -> Self {
        AccountSales {
            zone,
            decimals,
            currency,
            version,
            sales: Vec::new(),
            by_key: KeyMap::default(),
            lookups: Vec::new(),
            refunds: KnownRefunds::default(),
            hasher: RandomState::new(),
            commissions: 0,
            unclear: 0,
            requests: 0,
        }
    }

    /// Removes all sales.
    pub fn clear(&mut self) {
        let (zone, decimals) = (self.zone.clone(), self.decimals.clone());
        *self = Self::new(zone, self.currency, decimals, self.version);
    }

    /// Returns `true` if the event with this id is there already: a sale may have several commissions.
    pub fn has(&self, event_id: &str) -> bool {
        self.by_key.contains_key(&EventKey::from_id(event_id))
    }

    /// Notes that a further commission of a sale that is there is denied.
    pub fn deny(&mut self, event_id: &str) {
        let place = self.by_key.get(&EventKey::from_id(event_id)).copied();
        if let Some(sale) = place.and_then(|place| self.sales.get_mut(place as usize)) {
            sale.is_denied = true;
        }
    }

    /// Adds a sale.
    pub fn add(&mut self, sale: &SaleOfAccount<'_>) {
        let Ok(place) = u32::try_from(self.sales.len()) else {
            return;
        };
        let key = sale.event_id.map(EventKey::from_id);
        let name = match sale.event_id {
            Some(id) => format!("`{id}`"),
            None => format!("the commission {}", sale.commission_id),
        };
        self.sales.push(SaleInAccount {
            key,
            name: Text::new(&name),
            cents: sale.amount_cents,
            original: sale.original,
            at: sale.at,
            leads: self.leads(sale.customer),
            is_denied: sale.is_denied,
        });
        if let Some(key) = key {
            self.by_key.insert(key, place);
        }
        let amount = (sale.amount_cents, self.currency);
        for amount in [Some(amount), sale.original].into_iter().flatten() {
            let lookup = self.lookup(sale.customer, amount, sale.at);
            let hashes = [lookup.by_uid, lookup.by_email].into_iter().flatten();
            self.lookups
                .extend(hashes.map(|hash| (hash, sale.at.as_second(), place)));
        }
    }

    /// Makes the sales ready to be compared.
    pub fn sort(&mut self) {
        self.lookups.sort_unstable();
        self.lookups.dedup();
    }

    fn day(&self, at: Timestamp) -> Date {
        at.to_zoned(self.zone.clone()).date()
    }

    /// Returns what a sale is, by its uid and by its email.
    fn lookup(
        &self,
        customer: CustomerRef<'_>,
        (cents, currency): (i64, Currency),
        at: Timestamp,
    ) -> SaleLookup {
        let hash = |tag: u8, name: &str| self.hasher.hash_one((tag, name, cents, currency.code()));
        SaleLookup {
            by_uid: customer.uid.map(|uid| hash(0, uid)),
            by_email: customer.email_folded().map(|email| hash(1, &email)),
            at,
        }
    }

    /// Returns what one of our sales is by the amount with which it is sent, if it can be compared.
    fn lookup_of_event(&self, event: EventRef<'_>) -> Option<SaleLookup> {
        self.face_by(event, event.money?)
    }

    /// Returns what one of our sales that was converted is by the amount before that: the account's own rate is another one.
    fn face_before_conversion(&self, event: EventRef<'_>) -> Option<SaleLookup> {
        self.face_by(event, event.read_money().filter(|_| is_converted(event))?)
    }

    fn face_by(&self, event: EventRef<'_>, money: Money) -> Option<SaleLookup> {
        let at = event.created_at?;
        let is_comparable = money.currency == self.currency || self.version == ListVersion::V2;
        if !is_comparable || event.customer.is_unknown() {
            return None;
        }
        let amount = (self.decimals.sent(money), money.currency);
        let at = day_in(at, event.is_day, &self.zone);
        Some(self.lookup(event.customer, amount, at))
    }

    /// Returns the times in seconds that a time of ours may be in the account: the first one, and the first one after.
    fn window(&self, at: Timestamp, nearness: Nearness) -> (i64, i64) {
        let second = at.as_second();
        match nearness {
            Nearness::Near => (second - NEAR.as_secs(), second + NEAR.as_secs() + 1),
            Nearness::Later => (second, i64::MAX),
            Nearness::DateOnly => {
                let midnight = self
                    .day(at)
                    .to_zoned(TimeZone::UTC)
                    .ok()
                    .map(|midnight| midnight.timestamp().as_second());
                midnight.map_or((0, 0), |midnight| (midnight, midnight + 1))
            }
            Nearness::Day => {
                let day = self.day(at);
                let midnight = |day: Date| day.to_zoned(self.zone.clone()).ok();
                let start = midnight(day).map(|start| start.timestamp().as_second());
                let end = day
                    .tomorrow()
                    .ok()
                    .and_then(midnight)
                    .map(|end| end.timestamp().as_second());
                (start.unwrap_or(second), end.unwrap_or(second + 1))
            }
        }
    }

    /// Returns the places of the sales with a hash in a window of time, the earliest first.
    fn places(&self, hash: Option<u64>, window: (i64, i64)) -> impl Iterator<Item = u32> + Clone {
        let found = hash.map_or(&[][..], |hash| {
            let (from, until) = ((hash, window.0, 0), (hash, window.1, 0));
            let start = self.lookups.partition_point(|lookup| *lookup < from);
            let end = self.lookups.partition_point(|lookup| *lookup < until);
            &self.lookups[start..end]
        });
        found.iter().map(|(.., place)| *place)
    }

    /// Returns the first sale like this that is free.
    fn free(
        &self,
        lookup: SaleLookup,
        by: Identifier,
        nearness: Nearness,
        is_free: impl Fn(&u32) -> bool,
    ) -> Option<u32> {
        let window = self.window(lookup.at, nearness);
        let mut by_uid = self.places(lookup.by_uid, window);
        let mut by_email = self.places(lookup.by_email, window);
        match by {
            Identifier::Both => {
                by_uid.find(|place| is_free(place) && by_email.clone().any(|other| other == *place))
            }
            Identifier::Uid => by_uid.find(&is_free),
            Identifier::Email => by_email.find(&is_free),
        }
    }

    /// Marks what is known as ours: the events of the job, and those that earlier runs recorded. Returns also from which kinds
    /// of export earlier runs had those of the latter that the job does not have.
    fn known<'p>(
        &self,
        events: &Events,
        planner: &Planner<'p>,
    ) -> (Vec<bool>, Vec<Option<&'p ExportOrigin>>) {
        let history = planner.history;
        let recorded = |own: &SaleInAccount| own.key.filter(|&key| history.essence(key).is_some());
        let recorded: Vec<Option<EventKey>> = self.sales.iter().map(recorded).collect();
        let mut known: Vec<bool> = recorded.iter().map(Option::is_some).collect();
        let profiles = recorded.iter().map(|key| history.profile((*key)?));
        let origins = profiles.map(|profile| planner.origins.of_profile(profile?));
        let mut origins: Vec<Option<&ExportOrigin>> = origins.collect();
        for index in 0..events.len() {
            if let Some(&place) = self.by_key.get(&events.key(index)) {
                known[place as usize] = true;
                origins[place as usize] = None;
            }
        }
        (known, origins)
    }

    /// Returns `true` if the account has a sale of ours of another customer: what both name of the customer differs in all.
    fn is_of_another(&self, customer: CustomerRef<'_>, sale: &SaleInAccount) -> bool {
        let ours = self.leads(customer).into_iter();
        let both: Vec<bool> = ours
            .zip(sale.leads)
            .filter_map(|(ours, theirs)| Some(ours? == theirs?))
            .collect();
        !both.is_empty() && !both.contains(&true)
    }

    /// Returns the amount that the account has of a sale of ours, if that is another one than it would be sent with, or
    /// less than a refund of it.
    fn other_amount(&self, event: EventRef<'_>, sale: &SaleInAccount) -> Option<String> {
        let money = event.money?;
        let read = event.read_money()?;
        if sale.original == Some((self.decimals.sent(read), read.currency)) && is_converted(event) {
            return None;
        }
        let cents = self.decimals.sent(money);
        let theirs = if money.currency == self.currency {
            sale.cents
        } else {
            let original = sale.original.filter(|(_, of)| *of == money.currency);
            original.map(|(cents, _)| cents)?
        };
        let undone = self
            .undo_of(event.key())
            .filter(|_| event.kind == Kind::Sale);
        let is_other = match event.kind {
            Kind::Refund => theirs < cents,
            _ => theirs != cents || undone.is_some(),
        };
        is_other.then(|| {
            let undone = undone.map_or(String::new(), |undo| {
                format!(", which are refunded by {undo}")
            });
            format!(
                "{OTHER_AMOUNT_IN_ACCOUNT}{} has {}{undone}",
                sale.name,
                in_units(theirs.into(), money.currency)
            )
        })
    }
}

/// Returns why an event is held with this remark on the account.
fn reason_of(remark: &str) -> HeldReason {
    if remark.starts_with(DENIED_IN_ACCOUNT) {
        HeldReason::SaleDenied
    } else {
        HeldReason::InAccount
    }
}

impl<'p> Planner<'p> {
    /// Holds the sales and refunds to send that an earlier run held since the account has them, unless that is decided
    /// anew.
    pub(super) fn hold_as_before(&mut self, events: &Events) {
        for index in 0..events.len() {
            let has_amount = events.kind(index).has_amount();
            if !has_amount || self.states[index] != PlanState::ToSend {
                continue;
            }
            let key = events.key(index);
            if let Some(note) = self.history.held_in_account(key)
                && self.is_first_sent(key)
            {
                self.hold(index, reason_of(note), note.to_string());
            }
        }
    }

    /// Returns `true` if an event that this run would send was never there: no earlier run recorded it, or it takes the place
    /// of what one recorded, was answered, and counts nowhere.
    fn is_first_sent(&self, key: EventKey) -> bool {
        let takes_place = self.replacing.contains_key(&key) && !self.restated.contains_key(&key);
        self.history.essence(key).is_none() || takes_place && self.history.is_settled(key)
    }

    /// Holds what would be sent although somebody accepted that it is not, since the account has it: that is still so.
    pub(super) fn hold_accepted_in_account(&mut self, events: &Events) {
        for index in 0..events.len() {
            let key = events.key(index);
            let is_sent = self.states[index] == PlanState::ToSend && self.is_first_sent(key);
            let accepted = self.history.accepted_held(key).filter(|_| is_sent);
            if let Some(note) = accepted.and_then(|accepted| remark_on_account(accepted)) {
                self.hold(index, HeldReason::AcceptedInAccount, note.to_owned());
            }
        }
    }

    /// Holds what would be sent although somebody accepted that it is held for another reason, and so not sent. Nothing
    /// else holds it any more, so that it needs attention: what it was held for has changed since.
    pub(super) fn hold_accepted(&mut self, events: &Events, representatives: &KeyRepresentatives) {
        for is_refund in [false, true] {
            let mut is_any_held = false;
            for index in 0..events.len() {
                let is_now = (events.kind(index) == Kind::Refund) == is_refund;
                if is_now && self.accepted_and_sent(index, events).is_some() {
                    self.hold(index, HeldReason::Accepted, ACCEPTED_AS_HELD);
                    is_any_held = true;
                }
            }
            // What holds a refund is its sale, if that is held.
            if is_any_held && !is_refund {
                self.hold_refunds_of_held_sales(events, representatives);
            }
        }
    }

    /// Returns what was said of an event to send when somebody accepted that it is held.
    fn accepted_and_sent(&self, index: usize, events: &Events) -> Option<&'p Text> {
        let key = events.key(index);
        if self.states[index] != PlanState::ToSend || self.history.essence(key).is_some() {
            return None;
        }
        self.history.accepted_held(key)
    }

    /// Compares the sales to send with those of the account, and holds those that it has under another id, if that
    /// is wanted.
    pub(super) fn compare_with_account(
        &mut self,
        account: &AccountSales,
        treatment: InAccount,
        (events, representatives, subtracted): (&Events, &KeyRepresentatives, &KeyMap<i64>),
        range: &DateRange,
    ) {
        let is_after_loss = self.history.lost_until().is_some();
        let is_asked_for = treatment != InAccount::HoldIfListed;
        let treatment = match treatment {
            InAccount::HoldIfListed => InAccount::Hold,
            chosen => chosen,
        };
        let findings = AccountFindings {
            commissions: account.commissions,
            requests: account.requests,
            commissions_not_compared: account.unclear,
            ..AccountFindings::default()
        };
        let (taken, kinds) = account.known(events, self);
        let mut comparison = Comparison {
            account,
            treatment,
            is_asked_for,
            events,
            taken,
            kinds,
            open: Vec::new(),
            refunds: Vec::new(),
            taken_refunds: Vec::new(),
            found: KeyMap::default(),
            treatment_of_refunds: match treatment {
                InAccount::AsBefore if is_after_loss => InAccount::Hold,
                chosen => chosen,
            },
            findings,
            ids: IdsFound::default(),
        };
        let mut others = Vec::new();
        for index in 0..events.len() {
            let event = events.get(index);
            if representatives.for_event(index, event.key()) != index {
                continue;
            }
            let is_sent = self.states[index] == PlanState::ToSend && !range.is_outside(event);
            match event.kind {
                Kind::Sale | Kind::Refund if is_sent => comparison.begin(index, self),
                Kind::Sale if !account.by_key.contains_key(&event.key()) => {
                    let before = account.face_before_conversion(event);
                    others.extend(before.or_else(|| account.lookup_of_event(event)));
                }
                _ => {}
            }
        }
        comparison.find(Nearness::Day, self);
        comparison.find(Nearness::DateOnly, self);
        comparison.find(Nearness::Near, self);
        if account.version == ListVersion::V2 {
            comparison.take(others);
            comparison.find(Nearness::Later, self);
        }
        comparison.find_converted(self);
        comparison.open_refunds(self, range);
        comparison.find_refunds(subtracted, self);
        let Comparison {
            mut findings, ids, ..
        } = comparison;
        findings.ids_in_words = ids.in_words();
        self.in_account = Some(findings);
    }

    /// Holds a sale, or says in its note why it might be held. What an earlier run has left to send is not sent by anyone,
    /// unless a request of it may have been.
    fn set_apart(&mut self, index: usize, key: EventKey, note: &str, treatment: InAccount) {
        let is_new = self.is_first_sent(key) || self.history.is_uncompared(key);
        if treatment == InAccount::Hold && is_new {
            return self.hold(index, reason_of(note), note.to_owned());
        }
        let is_left = self.is_left_to_send(key) && !self.history.is_maybe_recorded(key);
        if treatment == InAccount::Hold && is_left {
            self.left_in_account.insert(index);
            return self.mark(index, PlanState::Settled, note.to_owned());
        }
        let note = match self.note(index) {
            "" => note.to_owned(),
            before => format!("{before}; {note}"),
        };
        self.mark(index, PlanState::ToSend, note);
    }
}

/// Compares sales with those of the account, the ones that are alike most first.
struct Comparison<'c> {
    account: &'c AccountSales,
    treatment: InAccount,
    /// `true` if somebody asked for the comparison, and it is not only made since the list had to be read.
    is_asked_for: bool,
    events: &'c Events,
    /// Says of each sale of the account whether it is one of ours.
    taken: Vec<bool>,
    /// The kinds of export from which earlier runs sent sales of the account, of those that the job does not have: another
    /// kind may have the same payment under another id.
    kinds: Vec<Option<&'c ExportOrigin>>,
    /// The sales that are not found yet.
    open: Vec<(usize, SaleLookup)>,
    /// The refunds that are not found yet, each with the place of its sale among those of the account.
    refunds: Vec<(usize, Option<u32>)>,
    /// Says of each refund of the account whether it is one of ours.
    taken_refunds: Vec<bool>,
    /// The sales of ours that the account has under other ids, by their keys, with their places there.
    found: KeyMap<u32>,
    treatment_of_refunds: InAccount,
    findings: AccountFindings,
    ids: IdsFound,
}

impl Comparison<'_> {
    /// Compares an event that is to be sent by the id of its sale. What the account does not have is left to be found.
    fn begin(&mut self, index: usize, planner: &mut Planner<'_>) {
        let event = self.events.get(index);
        let sale = match event.kind {
            Kind::Refund => event.sale_event_id.map(EventKey::from_id),
            _ => Some(event.key()),
        };
        let there = sale.and_then(|sale| self.account.by_key.get(&sale));
        if let Some(&place) = there {
            if event.kind == Kind::Sale {
                self.findings.under_same_ids.add(event.kind, event.money);
            }
            let sale = &self.account.sales[place as usize];
            if self.account.is_of_another(event.customer, sale) {
                self.findings.other_customers.add(event.kind, event.money);
                let note = format!("{OTHER_CUSTOMER_IN_ACCOUNT}{}", sale.name);
                planner.set_apart(index, event.key(), &note, self.treatment);
            } else if let Some(note) = self.account.other_amount(event, sale) {
                self.findings.other_amounts.add(event.kind, event.money);
                planner.set_apart(index, event.key(), &note, self.treatment);
            } else if event.kind == Kind::Refund
                && sale.is_denied
                && !self.account.has_refund_of(event.key())
            {
                self.findings.of_denied_sales.add(event.kind, event.money);
                let note = format!("{DENIED_IN_ACCOUNT}its sale {}", sale.name);
                let treatment = self.treatment_of_refund(event, planner.history);
                planner.set_apart(index, event.key(), &note, treatment);
            }
            return;
        }
        if event.kind == Kind::Refund {
            return;
        }
        if let Some(lookup) = self.account.lookup_of_event(event) {
            let before = self.account.face_before_conversion(event);
            let lookups = before.into_iter().chain([lookup]);
            self.open.extend(lookups.map(|lookup| (index, lookup)));
        } else {
            self.findings.not_compared.add(event.kind, event.money);
            let note = NOT_COMPARED_WITH_ACCOUNT;
            let treatment = if self.is_asked_for {
                self.treatment
            } else {
                InAccount::Send
            };
            planner.set_apart(index, event.key(), note, treatment);
        }
    }

    /// Collects the refunds to send of sales that the account has, under whatever id, or that an earlier run sent.
    fn open_refunds(&mut self, planner: &Planner<'_>, range: &DateRange) {
        for index in 0..self.events.len() {
            let event = self.events.get(index);
            let is_sent = planner.states[index] == PlanState::ToSend && !range.is_outside(event);
            let key = event.key();
            let is_new = planner.is_first_sent(key) || planner.history.is_uncompared(key);
            if event.kind != Kind::Refund || !is_sent || !is_new {
                continue;
            }
            let sale = event.sale_event_id.map(EventKey::from_id);
            let by_id = sale.and_then(|sale| self.account.by_key.get(&sale));
            let there = by_id.or_else(|| self.found.get(&sale?)).copied();
            let was_sent = sale.is_none_or(|sale| planner.history.outcome(sale).is_some());
            if there.is_some() || was_sent {
                self.refunds.push((index, there));
            }
        }
    }

    /// Finds sales in the account under other ids.
    fn find(&mut self, nearness: Nearness, planner: &mut Planner<'_>) {
        for by in IDENTIFIERS {
            for (index, lookup) in std::mem::take(&mut self.open) {
                if self.found.contains_key(&self.events.key(index)) {
                    continue;
                }
                let event = self.events.get(index);
                let kind = planner.origins.of_event(event);
                let is_free = |place: &u32| {
                    let place = *place as usize;
                    let kinds = self.kinds[place].zip(kind);
                    !self.taken[place] || kinds.is_some_and(|(there, here)| !here.is_kind_of(there))
                };
                let Some(place) = self.account.free(lookup, by, nearness, is_free) else {
                    self.open.push((index, lookup));
                    continue;
                };
                self.taken[place as usize] = true;
                let earlier = match self.kinds[place as usize].take() {
                    Some(_) => ", sent by an earlier run from another kind of export",
                    None => "",
                };
                self.found.insert(event.key(), place);
                let sale = &self.account.sales[place as usize];
                let name = &sale.name;
                let tally = match nearness {
                    Nearness::Later => &mut self.findings.maybe_under_other_ids,
                    Nearness::Day | Nearness::DateOnly | Nearness::Near => {
                        self.ids.add(name);
                        &mut self.findings.under_other_ids
                    }
                };
                tally.add(event.kind, event.money);
                let note = self.account.note_of(sale, lookup, nearness);
                let note = format!("{note}{earlier}");
                planner.set_apart(index, event.key(), &note, self.treatment);
            }
        }
    }

    /// Takes what the account has of sales that are not to be sent.
    fn take(&mut self, mut others: Vec<SaleLookup>) {
        for nearness in [Nearness::Day, Nearness::DateOnly, Nearness::Near] {
            for by in IDENTIFIERS {
                others.retain(|&lookup| {
                    let is_free = |place: &u32| !self.taken[*place as usize];
                    let place = self.account.free(lookup, by, nearness, is_free);
                    if let Some(place) = place {
                        self.taken[place as usize] = true;
                    }
                    place.is_none()
                });
            }
        }
    }
}

/// Puts the ids under which the account has sales into few words.
#[derive(Default)]
struct IdsFound {
    first: Option<Text>,
    /// The beginning that all of them share.
    shared: Text,
    count: usize,
}

impl IdsFound {
    fn add(&mut self, name: &Text) {
        self.count += 1;
        if self.first.is_none() {
            self.first = Some(name.clone());
            self.shared = name.clone();
            return;
        }
        let alike = self.shared.chars().zip(name.chars());
        let bytes = alike
            .take_while(|(one, other)| one == other)
            .map(|(one, _)| one.len_utf8())
            .sum();
        self.shared.truncate(bytes);
    }

    /// Returns the only id, or the beginning of all of them, or one of them.
    fn in_words(self) -> String {
        let first = self.first.unwrap_or_default();
        match self.shared.strip_prefix('`') {
            _ if self.count < 2 => first.to_string(),
            // Ids that have nothing but a letter or two in common are not of one kind.
            Some(shared) if shared.chars().count() > 2 => format!("`{shared}…`"),
            _ => format!("{first} and others"),
        }
    }
}
