//! Sends sales as commissions of known referrals, where the API takes their day in no other way.
//!
//! The account's referrals say whose a sale is. Its commissions say which sales are there already: nothing says
//! that a second commission with the same `event_id` would be refused. Without one of the two lists, which have to
//! be complete, no sale is sent.

use std::collections::HashSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedReceiver;

use super::kept_lines::{KeptLines, LineKeeper};
use super::lanes::Lane;
use super::listing;
use super::pace::Pace;
use super::{End, Stop};
use crate::event::{Currency, CustomerRef, Event, EventKey, KeyMap, Text, day_in, in_units};
use crate::journal::{EventRow, Outcome, Settlement, says_day};
use crate::tracking::{
    Client, CommissionOf, DENIED, Form, Lead, LeadIndex, LeadMatch, Listed, ListedCommission,
};

/// The number of lines up to which a list is kept: some 100 bytes each.
const MAX_LINES: u64 = 5_000_000;

const IS_THERE: &str = "not sent: the account's list of commissions has it";
const MAYBE_SENT: &str =
    "an earlier attempt got no answer, and the account's list of commissions does not have it";
const OTHER_CURRENCY: &str = "not sent: a commission is created in the account's currency alone; convert the amount by `foreign = \"convert\"` under `[currencies]`";
const UNCLEAR_REFERRAL: &str =
    "not sent: its email and its uid do not lead to one referral of the account";
const REFERRAL_SINCE: &str = "not sent: the customer is a referral since the account's list was read; `fprecon retry --failed` reads it again";
const MAY_CREATE_REFERRAL: &str = "not sent: its promo code, `ref_id` or `tid` could make the customer a referral, which a commission can't; send the customer's sign-up, then `fprecon retry --failed`";
const NO_REFERRAL: &str = "not sent: the customer is not in the account's list of referrals";

/// Holds the account's referrals and what it has of sales.
pub(super) struct DatedSales {
    zone: TimeZone,
    /// The events of which the export says that they happened at midnight in UTC; of others, midnight means a day.
    timed_at_midnight: HashSet<EventRow>,
    referrals: Referrals,
    there: SalesThere,
    /// The sales that are decided by these lists, if others are sent by their tracking calls.
    only: Option<HashSet<EventRow>>,
}

/// Says what becomes of a sale.
pub(super) enum SaleDecision {
    /// It is sent in this form.
    Send(Form),
    /// It is settled without a request.
    Settle(Box<Settlement>),
}

/// Says what is known of a sale before it is sent.
pub(super) struct SaleStanding<'l> {
    /// The number of its event.
    pub(super) row: EventRow,
    /// The customer's lane.
    pub(super) lane: &'l Lane,
    /// `true` if an earlier attempt may have taken effect.
    pub(super) is_maybe_recorded: bool,
    /// `true` if it is sent again all the same, if it is not there.
    pub(super) should_repeat: bool,
}

impl DatedSales {
    /// Reads the account's referrals and commissions; `progress` is called for every page with the requests so far.
    ///
    /// # Errors
    ///
    /// A list is not complete: nothing can be sent.
    pub(super) async fn fetch(
        client: &Client,
        pace: &mut Pace,
        stop: &mut UnboundedReceiver<Stop>,
        (zone, timed_at_midnight): (TimeZone, HashSet<EventRow>),
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, End> {
        let mut source = ListSource { client, pace, stop };
        let mut done = 0;
        let referrals = source.read::<Lead, Referrals>(&mut done, progress).await?;
        let there = source
            .read::<ListedCommission, SalesThere>(&mut done, progress)
            .await?;
        Ok(DatedSales {
            zone,
            timed_at_midnight,
            referrals,
            there,
            only: None,
        })
    }

    /// Restricts it to these sales, if there are any: the others are sent by their tracking calls.
    pub(super) fn only_for(self, only: Option<HashSet<EventRow>>) -> Self {
        DatedSales { only, ..self }
    }

    /// Returns `true` if the lists decide about a sale.
    pub(super) fn concerns(&self, sale: EventRow) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&sale))
    }

    /// Returns what becomes of a sale that is not sent by its tracking call.
    pub(super) fn decide(
        &self,
        sale: &Event,
        client: &Client,
        standing: &SaleStanding<'_>,
    ) -> SaleDecision {
        // What the list says is not an answer to a request of ours.
        let settle = |outcome: Outcome, message: &str| {
            let message = Some(message.to_owned());
            SaleDecision::Settle(Box::new(Settlement {
                is_inferred: outcome == Outcome::NonReferral || outcome.is_tracked(),
                ..Settlement::without_answer(outcome, message, Timestamp::now())
            }))
        };
        if let Some(there) = self.there.0.get(&sale.key()) {
            let sent = client.form(sale).amount();
            return match self.other_than_there(sale, there, sent) {
                Some(message) if standing.is_maybe_recorded => {
                    settle(Outcome::Unconfirmed, &message)
                }
                Some(message) => settle(Outcome::Failed, &message),
                None if standing.is_maybe_recorded && there.amount == sent => {
                    settle(Outcome::Tracked, IS_THERE)
                }
                None => settle(Outcome::AlreadyTracked, IS_THERE),
            };
        }
        if standing.is_maybe_recorded && !standing.should_repeat {
            return settle(Outcome::Unconfirmed, MAYBE_SENT);
        }
        match self.referrals.0.find(sale.customer.borrowed()) {
            LeadMatch::One(referral_id) => {
                let is_day = says_day(&self.timed_at_midnight, standing.row, sale.created_at);
                let at = sale.created_at.map(|at| day_in(at, is_day, &self.zone));
                let day = at.map(|at| self.zone.to_datetime(at).date());
                match client.commission_form(sale, CommissionOf { referral_id, day }) {
                    Some(form) => SaleDecision::Send(form),
                    None => settle(Outcome::Failed, OTHER_CURRENCY),
                }
            }
            LeadMatch::Several => settle(Outcome::Failed, UNCLEAR_REFERRAL),
            LeadMatch::None if standing.lane.has_lead() => settle(Outcome::Failed, REFERRAL_SINCE),
            LeadMatch::None if sale.ties().may_create_lead() => {
                settle(Outcome::Failed, MAY_CREATE_REFERRAL)
            }
            LeadMatch::None => settle(Outcome::NonReferral, NO_REFERRAL),
        }
    }
}

impl DatedSales {
    /// Returns how a sale of the account is another one than the sale that would be sent under its id, if it is.
    fn other_than_there(
        &self,
        sale: &Event,
        there: &SaleThere,
        sent: Option<i64>,
    ) -> Option<String> {
        let what = if there.is_denied {
            "its commission is denied".to_owned()
        } else if self.is_of_another(sale.customer.borrowed(), there) {
            let customer = there.email.as_ref().or(there.uid.as_ref());
            format!(
                "it is of another customer, `{}`",
                customer.map_or("", |customer| customer)
            )
        } else {
            let currency = sale.money?.currency;
            let (amount, of) = match &there.original {
                Some((cents, code)) => (Some(*cents), Currency::from_code(code)?),
                None => (there.amount, currency),
            };
            let is_same = of == currency && amount == sent;
            if is_same || amount.is_none() {
                return None;
            }
            let cents = amount.unwrap_or_default();
            format!("its amount is {}", in_units(cents.into(), of))
        };
        Some(format!(
            "not sent: the account's list of commissions has its id, and {what}; look it up in FirstPromoter, correct it there or accept it, or send the sale under another id"
        ))
    }

    /// Returns `true` if a sale of the account is of another referral than the one of this customer, as far as both are known.
    fn is_of_another(&self, customer: CustomerRef<'_>, there: &SaleThere) -> bool {
        let theirs = CustomerRef {
            email: there.email.as_deref(),
            uid: there.uid.as_deref(),
        };
        if theirs.is_unknown() {
            return false;
        }
        let is_same_uid = theirs.uid.is_some() && theirs.uid == customer.uid;
        let is_same_email =
            theirs.email.is_some() && theirs.email_folded() == customer.email_folded();
        if is_same_uid || is_same_email {
            return false;
        }
        match (
            self.referrals.0.find(customer),
            self.referrals.0.find(theirs),
        ) {
            (LeadMatch::One(one), LeadMatch::One(other)) => one != other,
            _ => true,
        }
    }
}

/// Reads lists of the account.
struct ListSource<'s> {
    client: &'s Client,
    pace: &'s mut Pace,
    stop: &'s mut UnboundedReceiver<Stop>,
}

impl ListSource<'_> {
    /// Reads a list completely, and adds its requests to those that were made before.
    async fn read<T: Listed + Clone + PartialEq, K: LineKeeper<T> + Default>(
        &mut self,
        requests: &mut u64,
        progress: &mut dyn FnMut(u64),
    ) -> Result<K, End> {
        let before = *requests;
        let mut lines = KeptLines::new(K::default(), MAX_LINES);
        let mut on_page = |_, of_list| progress(before + of_list);
        let read =
            listing::read::<T>(self.client, self.pace, self.stop, &mut lines, &mut on_page).await;
        match read {
            Ok(read) => {
                *requests += read.requests;
                Ok(lines.kept)
            }
            Err(unlisted) => Err(match unlisted.end_or_reason(T::NAME) {
                Err(end) => end,
                Ok(reason) => End::Unreachable {
                    message: format!(
                        "no sale can be sent without the list of {}: {reason}",
                        T::NAME
                    ),
                },
            }),
        }
    }
}

/// Holds the referrals of the account by everything that identifies their customers; one whose id is not a number is not
/// known.
#[derive(Default)]
struct Referrals(LeadIndex<u64>);

impl LineKeeper<Lead> for Referrals {
    fn keep(&mut self, lead: &Lead) {
        let id = lead.id.parse().map_or(LeadMatch::Several, LeadMatch::One);
        self.0.add(lead, id);
    }

    fn clear(&mut self) {
        *self = Referrals::default();
    }
}

/// Holds what the account has of a sale.
#[derive(Clone, Debug)]
struct SaleThere {
    /// The amount in the unit that the API takes.
    amount: Option<i64>,
    /// The amount as it was sent and its currency, if that was another one.
    original: Option<(i64, Text)>,
    email: Option<Text>,
    uid: Option<Text>,
    /// `true` if each of its commissions is denied.
    is_denied: bool,
}

/// Holds the sales that the account has, by the keys of their ids.
#[derive(Default)]
struct SalesThere(KeyMap<SaleThere>);

impl LineKeeper<ListedCommission> for SalesThere {
    fn keep(&mut self, commission: &ListedCommission) {
        let Some(id) = &commission.event_id else {
            return;
        };
        let is_denied = commission.status == DENIED;
        let text = |text: &Option<String>| text.as_deref().map(Text::new);
        let original = commission.original_sale.as_ref();
        let there = self
            .0
            .entry(EventKey::from_id(id))
            .or_insert_with(|| SaleThere {
                amount: commission.sale_amount,
                original: original.map(|(cents, code)| (*cents, Text::new(code))),
                email: text(&commission.email),
                uid: text(&commission.uid),
                is_denied,
            });
        there.is_denied &= is_denied;
    }

    fn clear(&mut self) {
        *self = SalesThere::default();
    }
}
