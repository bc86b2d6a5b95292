//! Which sale a refund undoes, and by how much.
//!
//! A refund finds its sale, in this order: on its own row; by the id that it names, in these exports;
//! by the same, among what earlier runs recorded; and, only if the user turned it on, by a rule that
//! leaves exactly one sale ([`LinkRules::match_by_customer`]). What the user says goes before all of it
//! ([`LinkRules::resolutions`]). Each step leaves its reason in the event's note. A refund whose sale is
//! missing, in another currency, or smaller than what would be refunded stays [`Link::Held`].
//!
//! Amounts are compared as they were paid. Where a sale counts less than was paid for it (before
//! tax), its refunds are taken by the same ratio, rounded so that refunds of all that was paid take
//! back all that counts, to the cent, in however many parts.
//!
//! Running totals become differences: what a total adds to the refunds already known for its
//! sale, in the job and before it, whatever the order of the exports.

mod asked_again;
mod candidates;
mod find;
mod held;
mod resolutions;
mod settle;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Index;

use jiff::Timestamp;

use crate::event::{
    Contradiction, Customer, CustomerRef, Essence, EventKey, EventRef, Events, Kind, Money,
    NamedUids, Refunded, Text, UndoState, share_cents,
};
use crate::journal::{Outcome, WithheldPayments};

pub use asked_again::AskedAgain;
use find::SaleFinder;
pub use held::Held;
pub(crate) use held::{HeldReason, MAX_CANDIDATES};
pub use resolutions::Resolutions;
use settle::SaleAccount;

/// Answers what earlier runs know of the events of a job.
pub trait SaleHistory {
    /// Returns what an earlier run recorded under this key.
    fn essence(&self, key: EventKey) -> Option<Essence>;

    /// Returns what earlier runs recorded as refunded of the sale with this key.
    fn refunded(&self, sale: EventKey) -> Refunded;

    /// Returns the same without the refunds that were no referrals.
    fn refunded_to_referrals(&self, _sale: EventKey) -> Refunded {
        Refunded::default()
    }

    /// Returns whether a refund was no referral, and an earlier run asked for its sale again since: what was
    /// recorded of it is of no account.
    fn is_superseded(&self, _refund: EventKey) -> bool {
        false
    }

    /// Returns the `event_id`s of the sales that earlier runs recorded with this
    /// [`Event::reference`](crate::event::Event::reference).
    fn sales_with_reference(&self, _reference: EventKey) -> Vec<Text> {
        Vec::new()
    }

    /// Returns what came of the event with this key; nothing where it is unknown or not settled.
    fn outcome(&self, _: EventKey) -> Option<Outcome> {
        None
    }

    /// Returns `true` if an earlier run recorded the event with this key, and no request of it was ever begun.
    fn is_never_requested(&self, _: EventKey) -> bool {
        false
    }

    /// Returns what stood in the journal under this key before another content took its place.
    fn replaced(&self, _: EventKey) -> &[Essence] {
        &[]
    }

    /// Returns `true` if one of the job's exports is later than another one: an earlier run has read the other one as
    /// it is now, and none has read this one before that.
    fn is_later_export(&self, _input: usize, _than: usize) -> bool {
        false
    }

    /// Returns `true` if one of the job's exports may be later than another one: an earlier run has read the other
    /// one, and no run, or only a later one, has read this one as it is now.
    fn may_be_later_export(&self, _input: usize, _than: usize) -> bool {
        false
    }

    /// Returns `true` if one of the job's exports may be later than the largest running total of refunds that an
    /// earlier run recorded of a sale.
    fn may_be_later_than_total(&self, _input: usize, _sale: EventKey) -> bool {
        false
    }

    /// Returns whether earlier runs recorded nothing at all.
    fn is_empty(&self) -> bool {
        false
    }

    /// Returns the `event_id`s of the further payments that earlier runs recorded of a shared id, such
    /// as that of an invoice.
    fn further_payments(&self, _shared: EventKey) -> Vec<Text> {
        Vec::new()
    }

    /// Returns the keys of the further ids that an earlier run read of a sale which it had recorded without
    /// them.
    fn aliases(&self, _sale: EventKey) -> &[EventKey] {
        &[]
    }

    /// Returns the id under which earlier runs held a sale that nobody sends, by any id of it.
    fn withheld_sale(&self, _id: EventKey) -> Option<&Text> {
        None
    }

    /// Returns which payments with this id earlier runs held and nobody sends.
    fn withheld_payments(&self, _shared: EventKey) -> Option<&WithheldPayments> {
        None
    }

    /// Returns `true` if the job may have a sale that earlier runs held and nobody sends.
    fn has_withheld_sales(&self) -> bool {
        false
    }

    /// Returns what was paid back with a refund of which an earlier run found that nothing counts, in
    /// minor units.
    fn counted_nothing(&self, _refund: EventKey) -> Option<i64> {
        None
    }

    /// Returns `true` if the event with this key is not sent, since a later export has it, or its sale, as not paid.
    fn is_withdrawn(&self, _: EventKey) -> bool {
        false
    }

    /// Returns `true` if the event with this key was left to send, and not sent since the account has it under another id.
    fn is_left_in_account(&self, _: EventKey) -> bool {
        false
    }

    /// Returns the smallest running total of refunds to which that of a sale fell, as somebody accepted, in minor units.
    fn total_fallen_to(&self, _sale: EventKey) -> Option<i64> {
        None
    }

    /// Returns how far the undo of the sale with this key is; `None` for a sale that no run undoes.
    fn undone(&self, _sale: EventKey) -> Option<UndoState> {
        None
    }

    /// Returns the plan of a subscription, as an earlier run read it.
    fn plan_of(&self, _subscription: &str) -> Option<Text> {
        None
    }

    /// Returns the customer with whom an earlier run recorded the sale with this key.
    fn customer_of(&self, _sale: EventKey) -> Option<Customer> {
        None
    }

    /// Returns the sale to which an earlier run linked the refund with this key.
    fn sale_of_refund(&self, _refund: EventKey) -> Option<Text> {
        None
    }

    /// Returns the sales that earlier runs recorded for this customer: all that share the email or the uid.
    fn sales_of(&self, _customer: CustomerRef<'_>) -> Vec<EarlierSale> {
        Vec::new()
    }
}

/// A sale of an earlier run, as a refund that names none sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EarlierSale {
    /// Its id.
    pub event_id: Text,
    /// The customer of the sale.
    pub customer: Customer,
    /// The time of the sale.
    pub created_at: Option<Timestamp>,
}

/// Returns whether a reading takes the place of what an earlier run recorded under its id: nothing of that
/// is at the API, so nothing can count twice. Either it was corrected before any request, or the API refused it and it
/// was corrected, or the API said that it is not a referral, and this reading names another customer or a promoter.
pub(crate) fn replaces(event: EventRef<'_>, recorded: &Essence, earlier: &dyn SaleHistory) -> bool {
    let key = event.key();
    match earlier.outcome(key) {
        None => earlier.is_never_requested(key) && corrects(event, recorded),
        Some(Outcome::Failed) => {
            let is_kept = earlier.is_withdrawn(key) || earlier.is_left_in_account(key);
            event.is_fixed_after_refusal && !is_kept
        }
        Some(Outcome::NonReferral) => {
            let difference = event.essence().contradicts(recorded);
            names_another_non_referral(event, recorded, earlier)
                && (event.is_fixed_after_refusal
                    || matches!(difference, None | Some(Contradiction::Customer)))
        }
        _ => false,
    }
}

/// Returns `true` if a reading says of the same event what is right, as far as that can be: another amount, currency or
/// customer. Where only one of the two says which payment of a shared id it is, they may be two payments.
fn corrects(event: EventRef<'_>, recorded: &Essence) -> bool {
    let has_same_ids = event.reference.is_some() == recorded.has_any_reference();
    let difference = event.essence().contradicts(recorded);
    let is_correctable = match difference {
        Some(Contradiction::Amount | Contradiction::Currency) => true,
        Some(Contradiction::Customer) => event.kind != Kind::Refund,
        _ => false,
    };
    let is_part_of_total = event.refund_total_cents.is_some();
    is_correctable && has_same_ids && !is_part_of_total
}

/// Returns whether the API said that a recorded event is not a referral, and this reading names the customer by
/// an email or a uid, or the promoter by a promo code, a referral id or a tracking id, that was not asked for.
pub(crate) fn names_another_non_referral(
    event: EventRef<'_>,
    recorded: &Essence,
    earlier: &dyn SaleHistory,
) -> bool {
    if earlier.outcome(event.key()) != Some(Outcome::NonReferral) {
        return false;
    }
    let read = event.essence();
    let mut asked = std::iter::once(recorded).chain(earlier.replaced(event.key()));
    asked.all(|asked| read.names_customer_otherwise(asked) || read.names_promoter_otherwise(asked))
}

/// An account without a past.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyHistory;

impl SaleHistory for EmptyHistory {
    fn is_empty(&self) -> bool {
        true
    }

    fn essence(&self, _: EventKey) -> Option<Essence> {
        None
    }

    fn refunded(&self, _: EventKey) -> Refunded {
        Refunded::default()
    }
}

/// Configures what is done with refunds whose sale is not named or not found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkRules {
    /// Take the one sale of the same customer and currency that is not after the refund and of which
    /// at least as much is left; none if there are several.
    pub match_by_customer: bool,
    /// Send them without a sale instead of holding them.
    pub send_unlinked: bool,
    /// The sales of refunds, as the user names them.
    pub resolutions: Resolutions,
    /// The uids of which the user says whether they are the id of one customer.
    pub named_uids: NamedUids,
}

/// Says of one event whether linking found it sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It needs no sale, or has found it.
    Sound,
    /// Other refunds already account for all of it, for this reason.
    Covered(String),
    /// It is not sent, and a person has to look at it.
    Held(Held),
}

impl Link {
    /// Returns what is said of an event that is held for a reason, in words.
    pub fn held(reason: HeldReason, note: impl Into<String>) -> Self {
        Link::Held(Held::new(reason, note))
    }
}

/// Holds what linking says of the events of a job, by their places. Nearly all are sound, and take no
/// memory.
#[derive(Clone, Debug, Default)]
pub struct Links {
    unsound: BTreeMap<usize, Link>,
    other_customers: BTreeSet<usize>,
}

impl Links {
    /// Says something else of the event at this place.
    pub fn set(&mut self, index: usize, link: Link) {
        match link {
            Link::Sound => self.unsound.remove(&index),
            link => self.unsound.insert(index, link),
        };
    }

    fn get_mut(&mut self, index: usize) -> Option<&mut Link> {
        self.unsound.get_mut(&index)
    }

    /// Takes the refunds whose own rows name another customer than their sale has.
    pub fn take_other_customers(&mut self) -> BTreeSet<usize> {
        std::mem::take(&mut self.other_customers)
    }

    /// Returns the links that are not sound, with their places.
    pub fn into_unsound(self) -> impl Iterator<Item = (usize, Link)> {
        self.unsound.into_iter()
    }
}

impl Index<usize> for Links {
    type Output = Link;

    fn index(&self, index: usize) -> &Link {
        self.unsound.get(&index).unwrap_or(&Link::Sound)
    }
}

/// Holds what was found of a job's events before they are linked.
#[derive(Clone, Copy, Debug)]
pub struct Found<'f> {
    /// The ids that several payments share.
    pub shared: &'f HashSet<Text>,
    /// The sales that are asked again.
    pub asked_again: &'f AskedAgain,
    /// The places of the events that their profile holds for a person to look at.
    pub looked_at: &'f HashSet<usize>,
}

/// Links every refund of a job, gives it its amount and its customer, and says what came of each event.
pub fn link(
    events: &mut Events,
    earlier: &dyn SaleHistory,
    rules: &LinkRules,
    found: Found<'_>,
) -> Links {
    let mut links = Links::default();
    if !earlier.is_empty() {
        settle::hold_totals_that_fell_to_nothing(events, earlier, &mut links);
    }
    let refunds: Vec<usize> = (0..events.len())
        .filter(|&index| events.kind(index) == Kind::Refund && links[index] == Link::Sound)
        .collect();
    if refunds.is_empty() {
        return links;
    }
    let mut finder = SaleFinder::new(events, &refunds, earlier, rules, found);
    finder.find_named(events, &mut links);
    finder.match_customers(events, &mut links);
    if rules.send_unlinked {
        finder.release(events, &mut links);
    }
    for (key, of_sale) in finder.into_found() {
        let mut account = SaleAccount::new(key, of_sale.sale, earlier, &found);
        account.settle_refunds(&of_sale.refunds, events, &mut links);
    }
    links
}

/// A sale as its refunds see it.
#[derive(Clone, Copy, Debug)]
struct Sale {
    /// The part that counts.
    money: Money,
    /// The amount that was paid for it, in cents.
    gross_cents: i64,
    /// `true` if nothing says whether that is with or without tax.
    gross_is_unknown: bool,
}

impl Sale {
    /// Returns the sale as it was sent to the API, or will be.
    fn from_essence(essence: &Essence) -> Option<Self> {
        Some(Sale {
            money: essence.money?,
            gross_cents: essence.paid_cents()?,
            gross_is_unknown: essence.is_gross_unknown,
        })
    }

    /// Returns what counts of a part of what was paid, rounded half up.
    fn net_of(&self, gross_cents: i64) -> i64 {
        let (whole, paid) = (self.money.amount_cents, self.gross_cents);
        if whole == paid || paid <= 0 {
            return gross_cents;
        }
        share_cents(whole, gross_cents, paid).unwrap_or(i64::MAX)
    }

    fn is_taxed(&self) -> bool {
        self.money.amount_cents != self.gross_cents
    }

    /// Returns an amount in the sale's currency.
    fn money_of(&self, amount_cents: i64) -> Money {
        Money {
            amount_cents,
            ..self.money
        }
    }
}

/// A sale and the refunds that found it.
#[derive(Debug)]
struct RefundedSale {
    sale: Sale,
    refunds: Vec<usize>,
}

/// The sales that were found, always in the same order.
type FoundSales = BTreeMap<EventKey, RefundedSale>;
