//! Defines what a plan asks of the journal.

use jiff::Timestamp;

use crate::event::{
    Conversion, ConvertedRefunds, Customer, CustomerRef, EmailsOfUid, Essence, Event, EventKey,
    Refunded, Terms, Text, UidStanding, UndoState,
};
use crate::journal::{
    AttentionCode, HeldSale, JournalHistory, Outcome, UncomparedRefund, WithheldPayments,
};
use crate::link::{EarlierSale, EmptyHistory, SaleHistory};

/// Says which refunds that are not sent concern another one of their sale.
#[derive(Clone, Copy, Debug)]
pub struct Overlap {
    /// `true` if the other one is a running total.
    pub(crate) is_total: bool,
    /// `true` if only those count that somebody accepted.
    pub(crate) is_accepted_only: bool,
}

/// Answers what a plan needs to know of earlier runs.
pub trait History: SaleHistory {
    /// Returns the terms with which an earlier run recorded the event with this key.
    fn terms(&self, _: EventKey) -> Option<Terms> {
        None
    }

    /// Returns `true` if the API has given a final answer for the event with this key.
    fn is_settled(&self, key: EventKey) -> bool {
        self.outcome(key).is_some()
    }

    /// Returns `true` if the API refused the event with this key.
    fn has_failed(&self, key: EventKey) -> bool {
        self.outcome(key) == Some(Outcome::Failed)
    }

    /// Returns `true` if an event that is not settled may be recorded at the API: some request of it got no
    /// answer.
    fn is_maybe_recorded(&self, _: EventKey) -> bool {
        false
    }

    /// Returns `true` if the event with this key is unconfirmed, and nobody has accepted that.
    fn is_in_question(&self, key: EventKey) -> bool {
        self.outcome(key) == Some(Outcome::Unconfirmed)
    }

    /// Returns `true` if earlier runs recorded any refund that reversed a sale since it was not paid.
    fn has_not_paid_refunds(&self) -> bool {
        false
    }

    /// Returns the tracked refund that reversed a sale since it was not paid, if one of the job's exports may be later
    /// than it.
    fn not_paid_refund(&self, _sale: EventKey, _input: usize) -> Option<Essence> {
        None
    }

    /// Returns `true` if one of the job's exports may be later than the run that recorded an event.
    fn may_be_later_than(&self, _input: usize, _event: EventKey) -> bool {
        false
    }

    /// Returns the time up to which the journal lost what it had sent, if somebody continued with it after such a loss.
    fn lost_until(&self) -> Option<Timestamp> {
        None
    }

    /// Returns the refunds of a sale that were not sent, since they or a part of them may be at the API under other ids and
    /// nothing was compared.
    fn uncompared_refunds(&self, _sale: EventKey) -> &[UncomparedRefund] {
        &[]
    }

    /// Returns what others had sent of running totals of refunds of a sale when this journal sent the rest, in minor units.
    fn part_in_account(&self, _sale: EventKey) -> i64 {
        0
    }

    /// Returns `true` if somebody else had sent a sale before this journal began, and no refund of it was compared or sent
    /// since: it may have refunds under other ids, such as those that a lost journal made.
    fn is_sale_of_others(&self, _sale: EventKey) -> bool {
        false
    }

    /// Returns `true` if the event with this key is such a refund.
    fn is_uncompared(&self, key: EventKey) -> bool {
        let sale = self.essence(key).and_then(|recorded| recorded.sale);
        let totals = sale.map_or(&[][..], |sale| self.uncompared_refunds(sale));
        totals.iter().any(|total| total.key == key)
    }

    /// Returns `true` if some run undoes sales.
    fn has_undone(&self) -> bool {
        false
    }

    /// Returns the name of the profile by which the event with this key was read first.
    fn profile(&self, _: EventKey) -> Option<&str> {
        None
    }

    /// Returns the names of the profiles by which earlier runs read exports.
    fn profiles_read(&self) -> &[String] {
        &[]
    }

    /// Returns `true` if earlier runs recorded sales that were read by the profile with this name.
    fn has_sales_of(&self, _profile: &str) -> bool {
        false
    }

    /// Returns `true` if earlier runs learned what any invoice says.
    fn has_invoices(&self) -> bool {
        false
    }

    /// Returns the invoice with this key that an earlier run read, as the sale that it is by itself.
    fn invoice(&self, _: EventKey) -> Option<&Event> {
        None
    }

    /// Returns the rows with a sale of this key that earlier runs held since what they need was missing.
    fn held_sales(&self, _: EventKey) -> &[HeldSale] {
        &[]
    }

    /// Returns `true` if an earlier run recorded the event with this key and has not settled it.
    fn is_left_to_send(&self, key: EventKey) -> bool {
        self.essence(key).is_some() && !self.is_settled(key)
    }

    /// Returns why an earlier run held a sale that the account may have under another id.
    fn held_in_account(&self, _: EventKey) -> Option<&Text> {
        None
    }

    /// Returns `true` if another refund of a sale is not sent, since the account may have it, or since somebody accepted that
    /// it is held, and this one may have it in it or be a part of it: one of the two is a running total.
    fn overlaps_withheld(&self, _sale: EventKey, _refund: EventKey, _: Overlap) -> bool {
        false
    }

    /// Returns what was said of an event that somebody accepted while it was held.
    fn accepted_held(&self, _: EventKey) -> Option<&Text> {
        None
    }

    /// Returns what an earlier run found of a uid that is not the id of one customer for sure.
    fn standing_of_uid(&self, _uid: &str) -> Option<UidStanding> {
        None
    }

    /// Returns the emails with which earlier runs recorded a uid, if there are others than the job has.
    fn emails_of_uid(&self, _uid: &str) -> Option<&EmailsOfUid> {
        None
    }

    /// Returns how the amount of the event with this key was converted, if it was.
    fn conversion(&self, _: EventKey) -> Option<&Conversion> {
        None
    }

    /// Returns the sum of the converted refunds of the sale with this key.
    fn converted_refunds(&self, _sale: EventKey) -> ConvertedRefunds {
        ConvertedRefunds::default()
    }

    /// Returns the sum of the converted refunds of the sale with this key, without those that were not
    /// referrals.
    fn converted_refunds_to_referrals(&self, _sale: EventKey) -> ConvertedRefunds {
        ConvertedRefunds::default()
    }
}

impl History for EmptyHistory {}

impl SaleHistory for JournalHistory {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.events.get(key).map(|known| known.essence)
    }

    fn refunded(&self, sale: EventKey) -> Refunded {
        let referrals = self.refunds.get(&sale).copied().unwrap_or_default();
        let others = self.unreferred_refunds.get(&sale).copied();
        referrals.with(others.unwrap_or_default())
    }

    fn refunded_to_referrals(&self, sale: EventKey) -> Refunded {
        self.refunds.get(&sale).copied().unwrap_or_default()
    }

    fn is_superseded(&self, refund: EventKey) -> bool {
        self.superseded_refunds.contains_key(&refund)
    }

    fn sales_with_reference(&self, reference: EventKey) -> Vec<Text> {
        let sales = self.sales_by_reference.get(&reference);
        sales.cloned().unwrap_or_default()
    }

    fn is_later_export(&self, input: usize, than: usize) -> bool {
        JournalHistory::is_later_export(self, input, than)
    }

    fn may_be_later_export(&self, input: usize, than: usize) -> bool {
        JournalHistory::may_be_later_export(self, input, than)
    }

    fn may_be_later_than_total(&self, input: usize, sale: EventKey) -> bool {
        JournalHistory::may_be_later_than_total(self, input, sale)
    }

    fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    fn outcome(&self, key: EventKey) -> Option<Outcome> {
        self.events.get(key)?.outcome
    }

    fn is_withdrawn(&self, key: EventKey) -> bool {
        let flag = self.flagged.get(&key).copied();
        AttentionCode::from_result(self.outcome(key), flag) == Some(AttentionCode::NotPaid)
    }

    fn is_left_in_account(&self, key: EventKey) -> bool {
        self.flagged.get(&key) == Some(&AttentionCode::InAccount) && History::has_failed(self, key)
    }

    fn total_fallen_to(&self, sale: EventKey) -> Option<i64> {
        self.totals_fallen.get(&sale).copied()
    }

    fn undone(&self, sale: EventKey) -> Option<UndoState> {
        self.undone.get(&sale).copied()
    }

    fn replaced(&self, key: EventKey) -> &[Essence] {
        self.refused.get(&key).map_or(&[], Vec::as_slice)
    }

    fn further_payments(&self, shared: EventKey) -> Vec<Text> {
        let further = self.further_payments.get(&shared);
        further.cloned().unwrap_or_default()
    }

    fn aliases(&self, sale: EventKey) -> &[EventKey] {
        self.aliases.get(&sale).map_or(&[], Vec::as_slice)
    }

    fn is_never_requested(&self, key: EventKey) -> bool {
        let is_left = self.left_to_send(key).is_some();
        is_left && !self.maybe_recorded.contains_key(&key)
    }

    fn withheld_sale(&self, id: EventKey) -> Option<&Text> {
        self.withheld_sales.get(&id)
    }

    fn withheld_payments(&self, shared: EventKey) -> Option<&WithheldPayments> {
        self.withheld_payments.get(&shared)
    }

    fn has_withheld_sales(&self) -> bool {
        !self.withheld_sales.is_empty() || !self.withheld_payments.is_empty()
    }

    fn counted_nothing(&self, refund: EventKey) -> Option<i64> {
        self.counted_nothing.get(&refund).copied()
    }

    fn plan_of(&self, subscription: &str) -> Option<Text> {
        self.plans.get(subscription).cloned()
    }

    fn customer_of(&self, sale: EventKey) -> Option<Customer> {
        self.customers.get(&sale).cloned()
    }

    fn sale_of_refund(&self, refund: EventKey) -> Option<Text> {
        self.sales_of_refunds.get(&refund).cloned()
    }

    fn sales_of(&self, customer: CustomerRef<'_>) -> Vec<EarlierSale> {
        let sales = JournalHistory::sales_of(self, customer);
        let earlier = sales.map(|sale| EarlierSale {
            event_id: sale.event_id.clone(),
            customer: sale.customer.clone(),
            created_at: sale.created_at,
        });
        earlier.collect()
    }
}

impl History for JournalHistory {
    fn terms(&self, key: EventKey) -> Option<Terms> {
        self.events.terms(key)
    }

    fn is_maybe_recorded(&self, key: EventKey) -> bool {
        self.maybe_recorded.contains_key(&key)
    }

    fn is_in_question(&self, key: EventKey) -> bool {
        self.outcome(key) == Some(Outcome::Unconfirmed)
            && !self.accepted_unconfirmed.contains_key(&key)
    }

    fn has_not_paid_refunds(&self) -> bool {
        !self.not_paid_refunds.is_empty()
    }

    fn not_paid_refund(&self, sale: EventKey, input: usize) -> Option<Essence> {
        JournalHistory::not_paid_refund(self, sale, input)
    }

    fn may_be_later_than(&self, input: usize, event: EventKey) -> bool {
        JournalHistory::may_be_later_than(self, input, event)
    }

    fn lost_until(&self) -> Option<Timestamp> {
        self.lost_until
    }

    fn uncompared_refunds(&self, sale: EventKey) -> &[UncomparedRefund] {
        let totals = self.uncompared_refunds.get(&sale);
        totals.map_or(&[], Vec::as_slice)
    }

    fn is_sale_of_others(&self, sale: EventKey) -> bool {
        let Some(recorded) = self.essence(sale) else {
            return false;
        };
        let sold_at_s = recorded.created_at_s;
        let is_in_time = |until: Timestamp| sold_at_s.is_none_or(|at| at <= until.as_second());
        self.outcome(sale) == Some(Outcome::AlreadyTracked)
            && self.caught_up_until.is_some_and(is_in_time)
            && !self.answered_refunds.contains_key(&sale)
    }

    fn part_in_account(&self, sale: EventKey) -> i64 {
        self.parts_in_account.get(&sale).copied().unwrap_or(0)
    }

    fn has_undone(&self) -> bool {
        !self.undone.is_empty()
    }

    fn profile(&self, key: EventKey) -> Option<&str> {
        JournalHistory::profile(self, key)
    }

    fn profiles_read(&self) -> &[String] {
        JournalHistory::profiles_read(self)
    }

    fn has_sales_of(&self, profile: &str) -> bool {
        let mut with_sales = self.profiles_of_sales.iter();
        with_sales.any(|&place| self.profiles.get(place).is_some_and(|name| name == profile))
    }

    fn has_invoices(&self) -> bool {
        self.has_invoices
    }

    fn invoice(&self, key: EventKey) -> Option<&Event> {
        self.invoices.get(&key)
    }

    fn held_sales(&self, key: EventKey) -> &[HeldSale] {
        self.held_sales.get(&key).map_or(&[], Vec::as_slice)
    }

    fn held_in_account(&self, key: EventKey) -> Option<&Text> {
        self.held_in_account.get(&key)
    }

    fn overlaps_withheld(&self, sale: EventKey, refund: EventKey, of: Overlap) -> bool {
        let mut withheld = self.withheld_refunds.get(&sale).into_iter().flatten();
        withheld.any(|other| {
            let is_held = self.accepted_held.contains_key(&other.key)
                || !of.is_accepted_only && self.held_in_account.contains_key(&other.key);
            other.key != refund
                && is_held
                && (of.is_total || other.is_total)
                && self.essence(other.key).is_none()
        })
    }

    fn accepted_held(&self, key: EventKey) -> Option<&Text> {
        self.accepted_held.get(&key)
    }

    fn standing_of_uid(&self, uid: &str) -> Option<UidStanding> {
        if self.shared_uids.contains(uid) {
            return Some(UidStanding::Shared);
        }
        (self.unclear_uids.contains(uid)).then_some(UidStanding::Unclear)
    }

    fn emails_of_uid(&self, uid: &str) -> Option<&EmailsOfUid> {
        self.emails_of_uids.get(&Essence::hash_of_uid(uid))
    }

    fn conversion(&self, key: EventKey) -> Option<&Conversion> {
        self.conversions.get(&key)
    }

    fn converted_refunds(&self, sale: EventKey) -> ConvertedRefunds {
        let referrals = History::converted_refunds_to_referrals(self, sale);
        let others = self.unreferred_converted_refunds.get(&sale).copied();
        referrals.with(others.unwrap_or_default())
    }

    fn converted_refunds_to_referrals(&self, sale: EventKey) -> ConvertedRefunds {
        let referrals = self.converted_refunds.get(&sale);
        referrals.copied().unwrap_or_default()
    }
}
