//! Holds what a plan compares a job with.

mod events;
mod scan;

pub(crate) use events::{KnownEvent, KnownEvents};

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use super::columns::EventColumns;
use super::{AcceptedRecord, AttentionCode, EventRow, Outcome};
use crate::event::{
    Conversion, ConvertedRefunds, Correction, Customer, CustomerRef, EmailsOfUid, Essence, Event,
    EventKey, EventRef, KeyMap, Kind, Refunded, TOTAL_FELL, Text, UndoState, sale_of_running_total,
    total_fallen_to, undone_sale,
};

/// Holds what a plan compares a job with: every event of the journal.
#[derive(Debug, Default)]
pub struct JournalHistory {
    /// The events by the keys of their ids.
    pub events: KnownEvents,
    /// The events whose answer settles them and that need attention nevertheless, with the reasons.
    pub(crate) flagged: KeyMap<AttentionCode>,
    /// The events that are not settled and may be recorded at the API: some request of them got no answer.
    pub(crate) maybe_recorded: KeyMap<()>,
    /// The events that were unconfirmed when somebody accepted that.
    pub(crate) accepted_unconfirmed: KeyMap<()>,
    /// The refunds that are not settled well, by the key of the sale that they reverse.
    pub(crate) open_refunds: KeyMap<Vec<EventRow>>,
    /// The events that tracked sales correct, by the keys of these sales.
    pub(crate) corrections: KeyMap<EventKey>,
    /// The smallest running totals of refunds to which those of sales fell, as somebody accepted, in minor units, by the keys
    /// of the sales.
    pub(crate) totals_fallen: KeyMap<i64>,
    /// The sales that a run undoes, by their keys.
    pub(crate) undone: KeyMap<UndoState>,
    /// The events that the API refused before they were corrected, by the keys of their ids.
    pub(crate) refused: KeyMap<Vec<Essence>>,
    /// The refunds by the key of the sale that they reverse, without those that were not referrals and those
    /// that are left to send while their sale was not one or is left, too.
    pub(crate) refunds: KeyMap<Refunded>,
    /// The refunds that were not referrals, by the key of the sale that they reverse, without the superseded
    /// ones.
    pub(crate) unreferred_refunds: KeyMap<Refunded>,
    /// The refunds that were not referrals and whose sale was asked again since.
    pub(crate) superseded_refunds: KeyMap<()>,
    /// The refunds that are left to send of sales that count nowhere or are left, too, by the key of the sale.
    pub(crate) refunds_left: KeyMap<Vec<EventRow>>,
    /// The conversions of amounts, by the key of their event.
    pub(crate) conversions: KeyMap<Conversion>,
    /// The sums of converted refunds, by the key of the sale that they reverse.
    pub(crate) converted_refunds: KeyMap<ConvertedRefunds>,
    /// The sums of converted refunds that were not referrals, by the key of the sale that they reverse.
    pub(crate) unreferred_converted_refunds: KeyMap<ConvertedRefunds>,
    /// The sale of each requested refund that has one, by the key of the refund.
    pub(crate) sales_of_refunds: KeyMap<Text>,
    /// The sales of each requested reference, by its key.
    pub(crate) sales_by_reference: KeyMap<Vec<Text>>,
    /// The further payments of a shared id, by the key of that id.
    pub(crate) further_payments: KeyMap<Vec<Text>>,
    /// The further ids of sales that payments of the job share with others, by the key of the sale.
    pub(crate) aliases: KeyMap<Vec<EventKey>>,
    /// The customers of requested sales and refunds, by their keys.
    pub(crate) customers: KeyMap<Customer>,
    /// The amounts of refunds of which nothing counts, as they were paid back, in minor units, by their keys.
    pub(crate) counted_nothing: KeyMap<i64>,
    /// `true` if earlier runs learned what any invoice says.
    pub has_invoices: bool,
    /// The requested invoices, by their keys.
    pub(crate) invoices: KeyMap<Event>,
    /// The requested sales that earlier runs held since what they need was missing, by their keys.
    pub(crate) held_sales: KeyMap<Vec<HeldSale>>,
    /// The time up to which events were sent that the journal does not know any more, if it lost some.
    pub(crate) lost_until: Option<Timestamp>,
    /// The events that somebody accepted while they were held, with what was said of them.
    pub(crate) accepted_held: KeyMap<Text>,
    /// The sales that earlier runs held since the account may have them under another id, with the reasons.
    pub(crate) held_in_account: KeyMap<Text>,
    /// The refunds that earlier runs held since the account may have them, or that somebody accepted while they were held,
    /// by the key of their sale.
    pub(crate) withheld_refunds: KeyMap<Vec<WithheldRefund>>,
    /// The ids under which earlier runs held sales that nobody sends, by the keys of all ids of these payments.
    pub(crate) withheld_sales: KeyMap<Text>,
    /// What such sales are, by the keys of the ids under which they were held.
    pub(crate) withheld_payments: KeyMap<WithheldPayments>,
    /// The plans of requested subscriptions.
    pub plans: HashMap<Text, Text>,
    /// The uids that are not ids of one customer.
    pub shared_uids: HashSet<Text>,
    /// The uids of which nothing said whether they are the id of one customer.
    pub(crate) unclear_uids: HashSet<Text>,
    /// The emails of requested uids that come with others than the job has, by the hash of the uid.
    pub emails_of_uids: HashMap<u64, EmailsOfUid>,
    /// The profiles by which exports were read.
    pub(crate) profiles: Vec<String>,
    /// The places in `profiles` of those by which sales were read.
    pub(crate) profiles_of_sales: BTreeSet<usize>,
    /// The runs that read the job's exports before, in their order; `None` for those that none has read.
    pub(crate) runs_of_exports: Vec<Option<RunsOfExport>>,
    /// The first event of each run that recorded any, with the run, in their order.
    pub(crate) runs_of_events: Vec<(EventRow, i64)>,
    /// The refunds that reversed sales that were not paid, by the key of the sale.
    pub(crate) not_paid_refunds: KeyMap<EventKey>,
    /// The event that recorded the largest running total of refunds of a sale, by the key of the sale.
    pub(crate) largest_totals: KeyMap<EventRow>,
    /// The refunds that were not sent, since they or a part of them may be at the API under other ids and nothing was compared,
    /// by the key of the sale.
    pub(crate) uncompared_refunds: KeyMap<Vec<UncomparedRefund>>,
    /// The latest date of the sales by which the journal caught up with what others had sent before it.
    pub(crate) caught_up_until: Option<Timestamp>,
    /// The sales of which a refund was answered, by their keys.
    pub(crate) answered_refunds: KeyMap<()>,
    /// What others had sent of running totals of refunds when this journal sent the rest, by the key of the sale, in minor
    /// units.
    pub(crate) parts_in_account: KeyMap<i64>,
    /// The sales of requested customers.
    pub sales: Vec<KnownSale>,
    /// The indexes in `sales`, by the customer's email in lower case.
    pub sales_by_email: HashMap<Text, Vec<usize>>,
    /// The indexes in `sales`, by the customer's uid.
    pub sales_by_uid: HashMap<Text, Vec<usize>>,
}

/// Describes a refund that was not sent, and not compared with the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UncomparedRefund {
    /// The number of its event.
    pub(crate) row: EventRow,
    /// The key of its id.
    pub(crate) key: EventKey,
    /// The running total in minor units, if it is one.
    pub(crate) total_cents: Option<i64>,
}

/// Describes a refund that is not sent, since the account may have it, or since somebody accepted that it is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WithheldRefund {
    /// The key of its id.
    pub(crate) key: EventKey,
    /// `true` if it is a running total.
    pub(crate) is_total: bool,
}

/// Holds which payments earlier runs held under one id, and nobody sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WithheldPayments {
    /// The keys of the ids that distinguish them.
    pub(crate) parts: Vec<EventKey>,
    /// `true` if one was held without such an id: it may be all of them.
    pub(crate) is_whole: bool,
}

/// Lists what a job requests of the journal: what its payments may be sent with, and what its refunds may
/// need to find their sales.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryRequest {
    /// The paths and the hashes of the job's exports, in their order.
    pub(crate) exports: Vec<(String, String)>,
    /// The refunds whose sale their export does not have, and those whose rows say that they were not paid.
    pub refunds: HashSet<EventKey>,
    /// The possible references of a sale: ids of payments, and what refunds name as their sale.
    pub(crate) references: KeyMap<()>,
    /// The ids that payments may share because another one distinguishes them.
    pub(crate) shared: KeyMap<()>,
    /// The sales whose refunds are sent with their customer.
    pub(crate) sales: KeyMap<()>,
    /// The invoices that say what the job's payments count.
    pub(crate) invoices: KeyMap<()>,
    /// The sales that are invoices, whose payments earlier runs may have held.
    pub(crate) held_sales: KeyMap<()>,
    /// The subscriptions whose plan the job does not have.
    pub subscriptions: HashSet<Text>,
    /// The email of each uid that the job has; `None` for a uid that comes with several. Both are hashes, as
    /// essences have them.
    pub emails_by_uid: HashMap<u64, Option<u64>>,
    /// The emails of the customers of those refunds, in lower case.
    pub emails: HashSet<Text>,
    /// The uids of the customers of those refunds.
    pub uids: HashSet<Text>,
}

/// Says which runs read an export before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunsOfExport {
    /// The first run that read these bytes.
    pub(crate) first: i64,
    /// The run since which the file of this path has these bytes: a file that is written anew may come to have the
    /// bytes that it had before.
    pub(crate) since: i64,
}

/// Describes a sale that the journal has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSale {
    /// The id of the sale.
    pub event_id: Text,
    /// The customer of the sale.
    pub customer: Customer,
    /// The time when the sale was made.
    pub created_at: Option<Timestamp>,
}

/// Describes a row with a sale that an earlier run held since what it needs was missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldSale {
    /// The profile by which its export was read.
    pub(crate) profile: Text,
    /// The path of its export.
    pub(crate) path: Text,
    /// The line of the row.
    pub(crate) line: u64,
}

impl JournalHistory {
    /// Keeps what planning needs of an acceptance; they come in the order in which they were made. One that was withdrawn
    /// ends also the earlier ones of its event.
    fn add_accepted(&mut self, record: AcceptedRecord) {
        let Some(key) = record.item.event_id.as_deref().map(EventKey::from_id) else {
            return;
        };
        let is_withdrawn = record.withdrawn.is_some();
        match record.item.code {
            AttentionCode::Unconfirmed | AttentionCode::NotCompared if !is_withdrawn => {
                self.accepted_unconfirmed.insert(key, ());
            }
            AttentionCode::Held | AttentionCode::Conflict if is_withdrawn => {
                self.accepted_held.remove(&key);
                if let Some((sale, _)) = record.item.event_id.as_deref().and_then(total_fallen_to) {
                    self.totals_fallen.remove(&EventKey::from_id(sale));
                }
                if let Some(sale) = record.item.event_id.as_deref().and_then(undone_sale) {
                    self.undone.remove(&EventKey::from_id(sale));
                }
            }
            AttentionCode::Held | AttentionCode::Conflict => {
                if let Some(sale) = record
                    .item
                    .event_id
                    .as_deref()
                    .and_then(sale_of_running_total)
                {
                    self.add_withheld_refund(EventKey::from_id(sale), key, true);
                }
                if let Some(sale) = record.item.event_id.as_deref().and_then(undone_sale) {
                    let sale = EventKey::from_id(sale);
                    self.undone.insert(sale, UndoState::Accepted);
                }
                let fallen = record.item.event_id.as_deref().and_then(total_fallen_to);
                if let Some((sale, cents)) = fallen
                    && record.item.message.contains(TOTAL_FELL)
                {
                    let lowest = self.totals_fallen.entry(EventKey::from_id(sale));
                    let lowest = lowest.or_insert(cents);
                    *lowest = cents.min(*lowest);
                }
                self.accepted_held
                    .insert(key, Text::new(&record.item.message));
            }
            _ => {}
        }
    }

    /// Remembers a refund that is not sent.
    pub(super) fn add_withheld_refund(&mut self, sale: EventKey, key: EventKey, is_total: bool) {
        let withheld = self.withheld_refunds.entry(sale).or_default();
        let refund = WithheldRefund { key, is_total };
        if !withheld.contains(&refund) {
            withheld.push(refund);
        }
    }

    /// Remembers a sale that is not sent, with all its ids: later exports may name it by any of them.
    pub(super) fn add_withheld_sale(
        &mut self,
        event_id: &str,
        reference: Option<&str>,
        wanted: &HistoryRequest,
    ) {
        let key = EventKey::from_id(event_id);
        let reference = reference.map(EventKey::from_id);
        for id in [Some(key), reference].into_iter().flatten() {
            // The id under which it was held says more than that of another payment's reference.
            if wanted.references.contains_key(&id)
                && (id == key || !self.withheld_sales.contains_key(&id))
            {
                self.withheld_sales.insert(id, Text::new(event_id));
            }
        }
        if wanted.shared.contains_key(&key) {
            let payments = self.withheld_payments.entry(key).or_default();
            payments.parts.extend(reference);
            payments.is_whole |= reference.is_none();
        }
    }

    fn add_requested(&mut self, key: EventKey, event: &EventColumns<'_>, wanted: &HistoryRequest) {
        if let Some(shared) = event.shared_id() {
            let further = self.further_payments.entry(EventKey::from_id(shared));
            further.or_default().push(Text::new(event.event_id()));
        }
        match event.kind() {
            Kind::Refund if wanted.refunds.contains(&key) => {
                if let Some(sale) = event.sale_event_id() {
                    self.sales_of_refunds.insert(key, Text::new(sale));
                }
                self.customers.insert(key, event.customer().to_customer());
            }
            Kind::Sale => self.add_sale(key, event, wanted),
            _ => {}
        }
    }

    fn add_sale(&mut self, key: EventKey, sale: &EventColumns<'_>, wanted: &HistoryRequest) {
        if let Some(reference) = sale.reference().filter(|_| !wanted.references.is_empty()) {
            let reference = EventKey::from_id(reference);
            if wanted.references.contains_key(&reference) {
                let sales = self.sales_by_reference.entry(reference).or_default();
                sales.push(Text::new(sale.event_id()));
                self.customers.insert(key, sale.customer().to_customer());
            }
        }
        if wanted.sales.contains_key(&key) {
            self.customers.insert(key, sale.customer().to_customer());
        }
        if wanted.emails.is_empty() && wanted.uids.is_empty() {
            return;
        }
        let customer = sale.customer();
        let email = customer
            .email_folded()
            .filter(|email| wanted.emails.contains(email));
        let uid = customer.uid.filter(|uid| wanted.uids.contains(*uid));
        if email.is_none() && uid.is_none() {
            return;
        }
        let place = self.sales.len();
        if let Some(email) = email {
            self.sales_by_email.entry(email).or_default().push(place);
        }
        if let Some(uid) = uid {
            self.sales_by_uid
                .entry(Text::new(uid))
                .or_default()
                .push(place);
        }
        self.sales.push(KnownSale {
            event_id: Text::new(sale.event_id()),
            customer: customer.to_customer(),
            created_at: sale.created_at(),
        });
        self.customers.insert(key, customer.to_customer());
    }

    /// Applies a correction of an event that is known; returns `false` if it is an ordinary refund. Only what
    /// was tracked corrects.
    fn take_correction(
        &mut self,
        correction: Correction,
        (key, by): (EventKey, &KnownEvent),
    ) -> bool {
        let base = self.events.get(correction.base);
        let (Some(base), Some(money)) = (base, by.essence.money) else {
            return false;
        };
        let kind = by.essence.kind;
        if by.outcome.is_some_and(Outcome::is_tracked) {
            let (cents, paid_cents) = (money.amount_cents, correction.paid_cents);
            self.events
                .correct(correction.base, kind, cents, paid_cents);
            if kind == Kind::Sale {
                self.corrections.insert(key, correction.base);
            }
        }
        if let (Kind::Refund, Some(sale)) = (base.essence.kind, base.essence.sale) {
            let refunds = self.refunds.entry(sale).or_default();
            let sign = if kind == Kind::Refund { 1 } else { -1 };
            let paid_cents = by.essence.paid_cents().unwrap_or(0);
            *refunds = refunds.with(Refunded {
                cents: sign * money.amount_cents,
                gross_cents: sign * paid_cents,
                ..Refunded::default()
            });
        }
        matches!(base.essence.kind, Kind::Sale | Kind::Refund)
    }

    /// Applies the refund that undoes a sale, if that is a correction of another event: what that was corrected to does not
    /// count any more.
    fn take_undo_of_correction(&mut self, sale: EventKey, undo: &KnownEvent) {
        let base = self.corrections.get(&sale).copied();
        let known = base.and_then(|base| Some((base, self.events.get(base)?)));
        let reversed = undo.essence.money.zip(undo.essence.paid_cents());
        if let (Some((base, known)), Some((money, paid_cents))) = (known, reversed) {
            let before_cents = known.essence.paid_cents().unwrap_or(0);
            let paid_cents = before_cents.saturating_sub(paid_cents);
            self.events
                .correct(base, Kind::Refund, money.amount_cents, paid_cents);
        }
    }

    /// Adds what a refund reverses of its sale.
    fn add_refund(
        &mut self,
        sale: EventKey,
        refund: Refunded,
        conversion: Option<&Conversion>,
        is_uncounted: bool,
    ) {
        let (refunds, converted) = if is_uncounted {
            (
                &mut self.unreferred_refunds,
                &mut self.unreferred_converted_refunds,
            )
        } else {
            (&mut self.refunds, &mut self.converted_refunds)
        };
        let sum = refunds.entry(sale).or_default();
        *sum = sum.with(refund);
        if let Some(conversion) = conversion {
            let sum = converted.entry(sale).or_default();
            *sum = sum.with(ConvertedRefunds {
                original_cents: conversion.original.money.amount_cents,
                sent_cents: conversion.sent.amount_cents,
            });
        }
    }

    /// Notes the uid of an event if the job has it with another email.
    fn suspect_uid(&mut self, event: &Essence, wanted: &HistoryRequest) {
        if let Some((email, uid)) = event.email_and_uid()
            && event.kind != Kind::Refund
            && let Some(&of_job) = wanted.emails_by_uid.get(&uid)
            && of_job != Some(email)
        {
            self.emails_of_uids.entry(uid).or_default();
        }
    }

    /// Returns the name of the profile by which the event with this key was read first.
    pub fn profile(&self, key: EventKey) -> Option<&str> {
        let profile = self.events.get(key)?.profile?;
        self.profiles.get(profile).map(String::as_str)
    }

    /// Returns the names of the profiles by which earlier runs read exports, whether these had events or not.
    pub(crate) fn profiles_read(&self) -> &[String] {
        &self.profiles
    }

    /// Returns the number of the event with this key, if the answer that settled it needs attention.
    pub fn needing_attention(&self, key: EventKey) -> Option<EventRow> {
        let known = self.events.get(key)?;
        let is_unwell = match known.outcome {
            Some(Outcome::Failed | Outcome::Unconfirmed) => true,
            Some(_) => self.flagged.contains_key(&key),
            None => false,
        };
        is_unwell.then_some(known.row)
    }

    /// Returns the number of a sale that needs attention since it was sent with more than counts, if this
    /// reading, which says what counts, agrees with it now.
    pub fn no_longer_counts_less(&self, sale: EventRef<'_>) -> Option<EventRow> {
        let known = self.events.get(sale.key())?;
        let is_flagged = self.flagged.get(&sale.key()) == Some(&AttentionCode::CountsLess);
        let is_tracked = known.outcome.is_some_and(Outcome::is_tracked);
        (is_flagged && is_tracked && sale.gross_cents.is_some()).then_some(known.row)
    }

    /// Returns the number of a sale that is not tracked and can only be retried as it is, if less of it counts
    /// than it has, as this reading says. One that needs attention already keeps that reason.
    pub fn settled_to_count_less(&self, sale: EventRef<'_>) -> Option<EventRow> {
        let known = self.events.get(sale.key())?;
        let is_retried_as_it_is = known.outcome.is_some_and(|outcome| !outcome.is_tracked());
        let counts_less = || sale.essence().counts_less_than(&known.essence);
        let is_free = !self.flagged.contains_key(&sale.key());
        (is_retried_as_it_is && is_free && sale.gross_cents.is_some() && counts_less())
            .then_some(known.row)
    }

    /// Returns the largest running total of refunds that was read for a sale, in minor units.
    fn largest_total(&self, sale: EventKey) -> Option<i64> {
        let refunds = [&self.refunds, &self.unreferred_refunds];
        let totals = refunds.map(|refunds| refunds.get(&sale)?.largest_total_cents);
        totals.into_iter().flatten().max()
    }

    /// Returns the first run that recorded an event.
    fn run_of(&self, event: EventRow) -> Option<i64> {
        let after = self
            .runs_of_events
            .partition_point(|(first, _)| *first <= event);
        let (_, run) = self.runs_of_events.get(after.checked_sub(1)?)?;
        Some(*run)
    }

    /// Returns `true` if one of the job's exports may be later than the largest running total of refunds that was
    /// recorded of a sale: no run, or only a later one, has read it as it is now.
    pub(crate) fn may_be_later_than_total(&self, input: usize, sale: EventKey) -> bool {
        let of_total = self
            .largest_totals
            .get(&sale)
            .and_then(|&event| self.run_of(event));
        of_total.is_some_and(|of_total| self.since(input) > of_total)
    }

    /// Returns the tracked refund that reversed a sale since it was not paid, if one of the job's exports may be later
    /// than it.
    pub(crate) fn not_paid_refund(&self, sale: EventKey, input: usize) -> Option<Essence> {
        let refund = self.events.get(*self.not_paid_refunds.get(&sale)?)?;
        let is_tracked = refund.outcome.is_some_and(Outcome::is_tracked);
        (is_tracked && self.is_later_than_row(input, refund.row)).then_some(refund.essence)
    }

    /// Returns `true` if one of the job's exports may be later than the run that recorded an event.
    pub(crate) fn may_be_later_than(&self, input: usize, event: EventKey) -> bool {
        let event = self.events.get(event);
        event.is_some_and(|event| self.is_later_than_row(input, event.row))
    }

    fn is_later_than_row(&self, input: usize, event: EventRow) -> bool {
        let recorded_by = self.run_of(event);
        recorded_by.is_some_and(|run| self.since(input) > run)
    }

    /// Returns `true` if one of the job's exports may be later than another one: an earlier run has read the other
    /// one, and no run, or only a later one, has read this one as it is now.
    pub(crate) fn may_be_later_export(&self, input: usize, than: usize) -> bool {
        self.since(input) > self.first_run(than)
    }

    /// Returns `true` if one of the job's exports is later than another one: nobody has read its bytes before the
    /// other one was as it is now.
    pub(crate) fn is_later_export(&self, input: usize, than: usize) -> bool {
        self.first_run(input) > self.since(than)
    }

    /// Returns the run since which an export is as it is now; a number above all runs if that is this one.
    fn since(&self, input: usize) -> i64 {
        let runs = self.runs_of_exports.get(input).copied().flatten();
        runs.map_or(i64::MAX, |runs| runs.since)
    }

    /// Returns the first run that read an export; a number above all runs if none has.
    fn first_run(&self, input: usize) -> i64 {
        let runs = self.runs_of_exports.get(input).copied().flatten();
        runs.map_or(i64::MAX, |runs| runs.first)
    }

    /// Returns the number of the event with this key, if it is not settled.
    pub fn left_to_send(&self, key: EventKey) -> Option<EventRow> {
        let known = self.events.get(key)?;
        (!known.is_settled()).then_some(known.row)
    }

    /// Returns the sales of a requested customer: all that share the email or the uid.
    pub fn sales_of(&self, customer: CustomerRef<'_>) -> impl Iterator<Item = &KnownSale> {
        let by_email = customer
            .email_folded()
            .and_then(|email| self.sales_by_email.get(&email));
        let by_uid = customer.uid.and_then(|uid| self.sales_by_uid.get(uid));
        let places = [by_email, by_uid].into_iter().flatten().flatten();
        places.filter_map(|&place| self.sales.get(place))
    }
}
