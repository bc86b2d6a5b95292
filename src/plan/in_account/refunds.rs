//! Compares the refunds to send with those that the account has and this journal has not sent: those of another integration
//! have ids of their own, and a lost journal sent other running totals.
//!
//! A refund of the account names no sale. Its id does, if this program made it; else it may be one of each sale of its
//! customer that is not smaller.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::{AccountSales, Comparison, InAccount, Nearness};
use crate::event::{
    COMPARED_WITH_REFUNDS, Currency, CustomerRef, EventKey, EventRef, Events, IN_ACCOUNT, KeyMap,
    Kind, MAYBE_IN_ACCOUNT, Money, Text, in_units, is_beside_totals, sale_of_running_total,
    undone_sale,
};
use crate::journal::PlanState;
use crate::link::HeldReason;
use crate::plan::History;
use crate::plan::history::Overlap;
use crate::plan::planner::{KeyRepresentatives, Planner};

/// The note of a refund that is held after a loss.
const AFTER_LOSS: &str = "the journal lost what it had sent last, and with that may be refunds of this sale, or its undo: without the account's list, it is not known how much of this refund is there already";

/// The note of a running total that is held, since an earlier one of its sale was not compared.
const NOT_COMPARED_BEFORE: &str = "an earlier running total of this sale was not sent, since a part of it may be in FirstPromoter: without the account's list, it is not known how much of this one is there already";

/// The note of a refund that is held, since its sale is older than the journal.
const OF_OTHERS: &str = "somebody else had sent its sale before this journal began, and perhaps refunds of it under other ids: without the account's list, it is not known whether this one is there already";

/// The note of a refund that is held, since an earlier one of its sale is not sent, and one of the two is a running total.
const WITHHELD_BEFORE: &str = "an earlier refund of this sale is not sent, since it is held as being in the account or somebody accepted that: it is not known how much of this one is there already";

/// The time by which a date may be off because of its time zone.
const DATE_TOLERANCE: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Describes a refund of the account.
#[derive(Clone, Copy, Debug)]
pub struct RefundOfAccount<'s> {
    /// The id of its event; `None` for a commission that no event created.
    pub event_id: Option<&'s str>,
    /// The API's own id of its commission.
    pub commission_id: &'s str,
    /// The customer, as the account has the lead.
    pub customer: CustomerRef<'s>,
    /// The amount in the account's currency, positive, in the unit in which the API takes it; `None` if it is not known.
    pub amount_cents: Option<i64>,
    /// The amount as it was sent and its currency, if that was another one.
    pub original: Option<(i64, Currency)>,
    /// The time when it was made.
    pub at: Option<Timestamp>,
}

/// Says by which form of an id a refund names its sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NamedBy {
    /// It is a running total of that sale.
    Total,
    /// It undoes that sale.
    Undo,
    /// The user says so.
    User,
}

/// Holds a refund of the account.
#[derive(Clone, Debug)]
struct KnownRefund {
    key: Option<EventKey>,
    /// The sale that its id names, if this program made it, or the user.
    sale: Option<(EventKey, NamedBy)>,
    /// The id of its event or its commission, in words.
    name: Text,
    cents: Option<i64>,
    original: Option<(i64, Currency)>,
    at: Option<Timestamp>,
}

/// Holds the refunds of an account.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownRefunds {
    all: Vec<KnownRefund>,
    by_key: KeyMap<u32>,
    by_sale: KeyMap<Vec<u32>>,
    by_lead: HashMap<u64, Vec<u32>>,
}

/// Returns the sale that an id of a refund names, in the forms that this program makes.
fn named_sale(id: &str) -> Option<(EventKey, NamedBy)> {
    if let Some(sale) = undone_sale(id) {
        return Some((EventKey::from_id(sale), NamedBy::Undo));
    }
    let sale = sale_of_running_total(id)?;
    Some((EventKey::from_id(sale), NamedBy::Total))
}

impl KnownRefund {
    /// Returns what the account calls it, in words.
    fn in_words(&self, currency: Currency) -> String {
        match self.cents {
            Some(cents) => format!("{}, {}", self.name, in_units(cents.into(), currency)),
            None => self.name.to_string(),
        }
    }
}

impl AccountSales {
    /// Returns `true` if the refund with this id is there already: a refund may have several commissions.
    pub fn has_refund(&self, event_id: &str) -> bool {
        let key = EventKey::from_id(event_id);
        self.refunds.by_key.contains_key(&key)
    }

    /// Returns these with the sales of refunds that their ids don't name, as the user names them: pairs of the ids of a
    /// refund and its sale.
    pub(crate) fn with_sales_of_refunds<'n>(
        &self,
        named: impl Iterator<Item = (&'n str, &'n str)>,
    ) -> Cow<'_, AccountSales> {
        let mut sales = KeyMap::default();
        sales.extend(named.filter_map(|(refund, sale)| {
            let is_there = self.has_refund(refund) && named_sale(refund).is_none();
            is_there.then(|| (EventKey::from_id(refund), EventKey::from_id(sale)))
        }));
        if sales.is_empty() {
            return Cow::Borrowed(self);
        }
        let mut own = self.clone();
        let known = &mut own.refunds;
        for (refund, place) in known.all.iter_mut().zip(0..) {
            if let Some(&sale) = refund.key.and_then(|key| sales.get(&key)) {
                refund.sale = Some((sale, NamedBy::User));
                known.by_sale.entry(sale).or_default().push(place);
            }
        }
        Cow::Owned(own)
    }

    /// Adds a refund.
    pub fn add_refund(&mut self, refund: &RefundOfAccount<'_>) {
        let Ok(place) = u32::try_from(self.refunds.all.len()) else {
            return;
        };
        let key = refund.event_id.map(EventKey::from_id);
        let sale = refund.event_id.and_then(named_sale);
        let leads = self.leads(refund.customer);
        let known = &mut self.refunds;
        for lead in leads.into_iter().flatten() {
            known.by_lead.entry(lead).or_default().push(place);
        }
        known.by_key.extend(key.map(|key| (key, place)));
        if let Some((sale, _)) = sale {
            known.by_sale.entry(sale).or_default().push(place);
        }
        known.all.push(KnownRefund {
            key,
            sale,
            name: match refund.event_id {
                Some(id) => Text::new(format!("`{id}`")),
                None => Text::new(format!("the commission {}", refund.commission_id)),
            },
            cents: refund.amount_cents,
            original: refund.original,
            at: refund.at,
        });
    }

    /// Returns hashes of what identifies a customer: the uid and the email.
    pub(super) fn leads(&self, customer: CustomerRef<'_>) -> [Option<u64>; 2] {
        use std::hash::BuildHasher;
        let hash = |tag: u8, name: &str| self.hasher.hash_one((tag, name));
        [
            customer.uid.map(|uid| hash(0, uid)),
            customer.email_folded().map(|email| hash(1, &email)),
        ]
    }

    /// Marks the refunds that are events of the job, or that earlier runs recorded.
    pub(super) fn own_refunds(&self, events: &Events, history: &dyn History) -> Vec<bool> {
        let refunds = self.refunds.all.iter();
        let recorded = refunds.map(|own| own.key.is_some_and(|key| history.essence(key).is_some()));
        let mut own: Vec<bool> = recorded.collect();
        for index in 0..events.len() {
            if let Some(&place) = self.refunds.by_key.get(&events.key(index)) {
                own[place as usize] = true;
            }
        }
        own
    }

    /// Takes from running totals to send what the account has of them by running totals that this journal does not know, since
    /// a lost one sent them, and by refunds of which the user says that they are of these sales. Where that can't be
    /// subtracted to the cent, the amounts stay, and the refunds are held later. Returns the keys of the refunds that were made smaller, each with what the account has of it in minor units.
    pub(in crate::plan) fn subtract_totals(
        &self,
        events: &mut Events,
        history: &dyn History,
    ) -> KeyMap<i64> {
        let mut subtracted = KeyMap::default();
        if self.refunds.by_sale.is_empty() {
            return subtracted;
        }
        let own = self.own_refunds(events, history);
        let mut by_sale: BTreeMap<EventKey, BTreeMap<i64, Vec<usize>>> = BTreeMap::new();
        for index in 0..events.len() {
            let event = events.get(index);
            let is_new = history.essence(event.key()).is_none()
                && !self.refunds.by_key.contains_key(&event.key());
            let sale = event.sale_event_id.map(EventKey::from_id);
            if let (Kind::Refund, true, Some(sale), Some(total)) =
                (event.kind, is_new, sale, event.refund_total_cents)
                && self.refunds.by_sale.contains_key(&sale)
                && history.uncompared_refunds(sale).is_empty()
            {
                let totals = by_sale.entry(sale).or_default();
                totals.entry(total).or_default().push(index);
            }
        }
        for (sale, totals) in by_sale {
            let Some(theirs) = self.sum_of_totals(sale, &own) else {
                continue;
            };
            // What was subtracted once is among what the journal knows.
            let mut there = (theirs - history.part_in_account(sale)).max(0);
            let mut part = 0;
            for indexes in totals.values() {
                let event = events.get(indexes[0]);
                let Some(money) = event.money.filter(|_| self.is_plain(event)) else {
                    break;
                };
                if money.amount_cents <= there {
                    there -= money.amount_cents;
                    part += money.amount_cents;
                    continue;
                }
                let less = Money {
                    amount_cents: there,
                    ..money
                };
                subtracted.insert(event.key(), part + there);
                part = 0;
                for &index in indexes {
                    events.edit(index, |event| {
                        if let Some(money) = event.money.as_mut().filter(|_| there > 0) {
                            money.amount_cents -= there;
                            event.remark(&format!("{less} of this total are in the account"));
                        }
                    });
                }
                there = 0;
            }
        }
        subtracted
    }

    /// Returns the sum of the refunds of a sale that are not this journal's; `None` if it is not known, or the sale is
    /// undone.
    fn sum_of_totals(&self, sale: EventKey, own: &[bool]) -> Option<i64> {
        let places = self.refunds.by_sale.get(&sale)?.iter();
        let theirs = places.filter(|place| !own[**place as usize]);
        let cents = theirs.map(|&place| {
            let refund = &self.refunds.all[place as usize];
            let is_part = refund.sale.is_some_and(|(_, by)| by != NamedBy::Undo);
            refund
                .cents
                .filter(|_| is_part && refund.original.is_none())
        });
        cents.sum()
    }

    /// Returns what the account has of running totals of a sale, without those that are marked as this journal's, in minor
    /// units of its currency; `None` if that is not known, or the sale is undone.
    pub(super) fn totals_of(&self, sale: EventKey, own: Option<&[bool]>) -> Option<i64> {
        let none_is_own = || vec![false; self.refunds.all.len()];
        match own {
            _ if !self.refunds.by_sale.contains_key(&sale) => Some(0),
            Some(own) => self.sum_of_totals(sale, own),
            None => self.sum_of_totals(sale, &none_is_own()),
        }
    }

    /// Returns the refund of an undo of a sale that the account has, in words.
    pub(super) fn undo_of(&self, sale: EventKey) -> Option<String> {
        let places = self.refunds.by_sale.get(&sale)?.iter();
        let mut refunds = places.map(|&place| &self.refunds.all[place as usize]);
        let undo = refunds.find(|own| own.sale.is_some_and(|(_, by)| by == NamedBy::Undo))?;
        Some(undo.in_words(self.currency))
    }

    /// Returns `true` if the account has a refund with this key.
    pub(super) fn has_refund_of(&self, key: EventKey) -> bool {
        self.refunds.by_key.contains_key(&key)
    }

    /// Returns `true` if a refund has its amount in the unit of the account, and nothing of it is not sent.
    pub(super) fn is_plain(&self, event: EventRef<'_>) -> bool {
        event.money.is_some_and(|money| {
            money.currency == self.currency
                && self.decimals.sent(money) == money.amount_cents
                && event.read_money() == event.money
                && event
                    .gross_cents
                    .is_none_or(|gross| gross == money.amount_cents)
        })
    }
}

impl Comparison<'_> {
    /// Compares the refunds to send with those of the account that this journal has not sent.
    pub(super) fn find_refunds(&mut self, subtracted: &KeyMap<i64>, planner: &mut Planner<'_>) {
        self.remark_compared(planner);
        if self.account.refunds.all.is_empty() {
            return;
        }
        self.taken_refunds = self.account.own_refunds(self.events, planner.history);
        for (index, _) in &self.refunds {
            let event = self.events.get(*index);
            if self.account.refunds.by_key.contains_key(&event.key()) {
                self.findings.under_same_ids.add(event.kind, event.money);
            }
        }
        let by_key = &self.account.refunds.by_key;
        let events = self.events;
        self.refunds
            .retain(|(index, _)| !by_key.contains_key(&events.key(*index)));
        for nearness in [Nearness::Day, Nearness::DateOnly, Nearness::Near] {
            for (index, sale) in std::mem::take(&mut self.refunds) {
                let is_subtracted = subtracted.contains_key(&self.events.key(index));
                match self.same_refund(index, sale, nearness, is_subtracted) {
                    Some(place) => {
                        self.taken_refunds[place as usize] = true;
                        let event = self.events.get(index);
                        let name = &self.account.refunds.all[place as usize].name;
                        self.ids.add(name);
                        self.findings.under_other_ids.add(event.kind, event.money);
                        let note = format!("{IN_ACCOUNT}{name}: the same lead, amount and day");
                        let treatment = self.treatment_of_refund(event, planner.history);
                        planner.set_apart(index, event.key(), &note, treatment);
                    }
                    None => self.refunds.push((index, sale)),
                }
            }
        }
        for (index, sale) in std::mem::take(&mut self.refunds) {
            let event = self.events.get(index);
            let is_subtracted = subtracted.contains_key(&event.key());
            if let Some(place) = self.doubtful_refund(index, sale, is_subtracted) {
                let refund = &self.account.refunds.all[place as usize];
                let words = refund.in_words(self.account.currency);
                let note = if refund.sale.is_some() {
                    format!(
                        "{MAYBE_IN_ACCOUNT}{words}: a refund of its sale, which this journal has not sent"
                    )
                } else {
                    format!(
                        "{MAYBE_IN_ACCOUNT}{words}: a refund of this customer that this journal has not sent, and FirstPromoter does not say which sale it reverses"
                    )
                };
                self.findings.maybe_refunded.add(event.kind, event.money);
                let treatment = self.treatment_of_refund(event, planner.history);
                planner.set_apart(index, event.key(), &note, treatment);
            }
        }
    }

    /// Returns what is done with a refund that the account has or may have. One that is only compared since nobody knows what
    /// others have sent of its sale is held then.
    pub(super) fn treatment_of_refund(
        &self,
        refund: EventRef<'_>,
        history: &dyn History,
    ) -> InAccount {
        let is_doubtful = |sale: EventKey| {
            !history.uncompared_refunds(sale).is_empty() || history.is_sale_of_others(sale)
        };
        let sale = refund.sale_event_id.map(EventKey::from_id);
        match self.treatment_of_refunds {
            InAccount::AsBefore if sale.is_some_and(is_doubtful) => InAccount::Hold,
            chosen => chosen,
        }
    }

    /// Says of the refunds to send that they were compared: what others have sent of their sales is known.
    fn remark_compared(&self, planner: &mut Planner<'_>) {
        for index in 0..self.events.len() {
            let is_refund = self.events.kind(index) == Kind::Refund;
            if is_refund && planner.states[index] == PlanState::ToSend {
                let key = self.events.key(index);
                planner.set_apart(index, key, COMPARED_WITH_REFUNDS, InAccount::Send);
            }
        }
    }

    /// Returns the refunds of the account that may be one of ours: of the same customer, not known, and not of another sale.
    fn refunds_of(&self, index: usize, sale: Option<u32>) -> Vec<u32> {
        let event = self.events.get(index);
        let of_sale = event.sale_event_id.map(EventKey::from_id);
        let known = &self.account.refunds;
        let mut leads: Vec<u64> = self
            .account
            .leads(event.customer)
            .into_iter()
            .flatten()
            .collect();
        let there = sale.map(|place| self.account.sales[place as usize].leads);
        leads.extend(there.into_iter().flatten().flatten());
        let by_lead = leads.iter().filter_map(|lead| known.by_lead.get(lead));
        let by_sale = of_sale.and_then(|sale| known.by_sale.get(&sale));
        let mut places: Vec<u32> = by_lead.chain(by_sale).flatten().copied().collect();
        places.sort_unstable();
        places.dedup();
        places.retain(|&place| {
            let refund = &known.all[place as usize];
            let is_of_other = refund.sale.is_some_and(|(sale, _)| Some(sale) != of_sale);
            !self.taken_refunds[place as usize] && !is_of_other
        });
        places
    }

    /// Returns a refund of the account with the same customer and amount, and with a time near that of ours.
    /// Those of the account that were subtracted from it are none of them.
    fn same_refund(
        &self,
        index: usize,
        sale: Option<u32>,
        nearness: Nearness,
        is_subtracted: bool,
    ) -> Option<u32> {
        let event = self.events.get(index);
        let (money, at) = event.money.zip(event.created_at)?;
        let cents = self.account.decimals.sent(money);
        let (from, until) = self.account.window(at, nearness);
        self.refunds_of(index, sale).into_iter().find(|&place| {
            let refund = &self.account.refunds.all[place as usize];
            let read = event.read_money().unwrap_or(money);
            let as_read = (self.account.decimals.sent(read), read.currency);
            let is_same = refund.original == Some(as_read)
                || money.currency == self.account.currency && refund.cents == Some(cents);
            let second = refund.at.map(Timestamp::as_second);
            let is_part = refund.sale.is_some_and(|(_, by)| by != NamedBy::Undo);
            is_same
                && !(is_subtracted && is_part)
                && second.is_some_and(|second| (from..until).contains(&second))
        })
    }

    /// Returns a refund of the account that may be of the same sale.
    fn doubtful_refund(&self, index: usize, sale: Option<u32>, is_subtracted: bool) -> Option<u32> {
        let sold = sale.map(|place| self.account.sales[place as usize].cents);
        self.refunds_of(index, sale).into_iter().find(|&place| {
            let refund = &self.account.refunds.all[place as usize];
            match refund.sale {
                Some((_, NamedBy::Undo)) => true,
                Some((_, NamedBy::Total | NamedBy::User)) => !is_subtracted,
                None => match (refund.cents, sold) {
                    (Some(refunded), Some(sold)) => refunded <= sold,
                    _ => true,
                },
            }
        })
    }
}

impl Planner<'_> {
    /// Holds the refunds to send of sales of which another one is not sent that may be a part of them, or they of it: the
    /// account may have it under another id. What was accepted counts whatever the treatment. Of the `subtracted` ones it is
    /// known what the account has.
    pub(in crate::plan) fn hold_beyond_withheld(
        &mut self,
        events: &Events,
        treatment: InAccount,
        is_compared: bool,
        subtracted: &KeyMap<i64>,
    ) {
        let reason = if is_compared {
            HeldReason::UnfitForSale
        } else {
            HeldReason::AfterLoss
        };
        for index in 0..events.len() {
            let is_refund = events.kind(index) == Kind::Refund;
            if !is_refund || self.states[index] != PlanState::ToSend {
                continue;
            }
            let key = events.key(index);
            let sale = events.sale_event_id(index).map(EventKey::from_id);
            let of = Overlap {
                is_total: events.figures(index).refund_total_cents.is_some(),
                is_accepted_only: treatment == InAccount::Send,
            };
            let overlaps = |sale| self.history.overlaps_withheld(sale, key, of);
            if self.history.essence(key).is_none()
                && !subtracted.contains_key(&key)
                && !is_beside_totals(events.get(index).event_id())
                && sale.is_some_and(overlaps)
            {
                self.hold(index, reason, WITHHELD_BEFORE);
            }
        }
    }

    /// Holds the refunds to send of sales that are older than what the journal lost, and running totals of which an earlier one
    /// was not compared, unless the account's list was read: a refund that the journal does not know may have reversed a part
    /// of them already. Returns how many there are that nobody has accepted so.
    pub(in crate::plan) fn hold_after_loss(
        &mut self,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) -> u64 {
        let until = self
            .history
            .lost_until()
            .map(|until| until.checked_add(DATE_TOLERANCE).unwrap_or(Timestamp::MAX));
        let mut held = 0;
        for index in 0..events.len() {
            if events.kind(index) != Kind::Refund || self.states[index] != PlanState::ToSend {
                continue;
            }
            let event = events.get(index);
            let sale = event.sale_event_id.map(EventKey::from_id);
            let is_new = self.history.essence(event.key()).is_none();
            let is_accepted = self.history.accepted_held(event.key()).is_some();
            let is_older = |until: Timestamp| {
                let sold_at = self.sold_at_s(sale, events, representatives);
                sold_at.is_none_or(|at| at <= until.as_second())
            };
            if is_new && until.is_some_and(is_older) {
                self.hold(index, HeldReason::AfterLoss, AFTER_LOSS);
                held += u64::from(!is_accepted);
            } else if is_new
                && event.refund_total_cents.is_some()
                && sale.is_some_and(|sale| !self.history.uncompared_refunds(sale).is_empty())
            {
                self.hold(index, HeldReason::AfterLoss, NOT_COMPARED_BEFORE);
                held += u64::from(!is_accepted);
            } else if is_new
                && event.refund_total_cents.is_none()
                && sale.is_some_and(|sale| self.history.is_sale_of_others(sale))
            {
                self.hold(index, HeldReason::AfterLoss, OF_OTHERS);
                held += u64::from(!is_accepted);
            }
        }
        held + self.uncompared.left
    }

    /// Returns when a sale was made, in seconds since 1970-01-01 UTC, by these exports or else by an earlier run.
    fn sold_at_s(
        &self,
        sale: Option<EventKey>,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) -> Option<i64> {
        match sale.and_then(|sale| representatives.named(sale)) {
            Some(sale) => events.get(sale).created_at.map(Timestamp::as_second),
            None => sale
                .and_then(|sale| self.history.essence(sale))
                .and_then(|sale| sale.created_at_s),
        }
    }
}
