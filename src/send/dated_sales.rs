//! Sends sales as commissions of known referrals, where the API takes their day in no other way.
//!
//! The account's referrals say whose a sale is. Its commissions say which sales are there already: nothing says
//! that a second commission with the same `event_id` would be refused. Without one of the two lists, which have to
//! be complete, no sale is sent.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedReceiver;

use super::kept_lines::{KeptLines, LineKeeper};
use super::lanes::Lane;
use super::listing;
use super::pace::Pace;
use super::{End, Stop};
use crate::event::{CustomerRef, Event, EventKey, KeyMap, Text};
use crate::journal::{Outcome, Settlement};
use crate::tracking::{Client, CommissionOf, Form, Lead, Listed, ListedCommission};

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
    referrals: Referrals,
    there: SalesThere,
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
        zone: TimeZone,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, End> {
        let mut source = Source { client, pace, stop };
        let mut done = 0;
        let referrals = source.read::<Lead, Referrals>(&mut done, progress).await?;
        let there = source
            .read::<ListedCommission, SalesThere>(&mut done, progress)
            .await?;
        Ok(DatedSales {
            zone,
            referrals,
            there,
        })
    }

    /// Returns what becomes of a sale that is not sent by its tracking call.
    pub(super) fn decide(
        &self,
        sale: &Event,
        client: &Client,
        standing: &SaleStanding<'_>,
    ) -> SaleDecision {
        let settle = |outcome, message: &str| {
            let message = Some(message.to_owned());
            SaleDecision::Settle(Box::new(Settlement {
                is_inferred: outcome == Outcome::NonReferral,
                ..Settlement::without_answer(outcome, message, Timestamp::now())
            }))
        };
        if let Some(amount) = self.there.0.get(&sale.key()) {
            let is_ours = standing.is_maybe_recorded && *amount == client.form(sale).amount();
            let outcome = if is_ours {
                Outcome::Tracked
            } else {
                Outcome::AlreadyTracked
            };
            return settle(outcome, IS_THERE);
        }
        if standing.is_maybe_recorded && !standing.should_repeat {
            return settle(Outcome::Unconfirmed, MAYBE_SENT);
        }
        match self.referrals.find(sale.customer.borrowed()) {
            Found::One(referral_id) => {
                let at = sale.created_at;
                let day = at.map(|at| at.to_zoned(self.zone.clone()).date());
                match client.commission_form(sale, CommissionOf { referral_id, day }) {
                    Some(form) => SaleDecision::Send(form),
                    None => settle(Outcome::Failed, OTHER_CURRENCY),
                }
            }
            Found::Unclear => settle(Outcome::Failed, UNCLEAR_REFERRAL),
            Found::None if standing.lane.has_lead() => settle(Outcome::Failed, REFERRAL_SINCE),
            Found::None if sale.ties().may_create_lead() => {
                settle(Outcome::Failed, MAY_CREATE_REFERRAL)
            }
            Found::None => settle(Outcome::NonReferral, NO_REFERRAL),
        }
    }
}

/// Reads lists of the account.
struct Source<'s> {
    client: &'s Client,
    pace: &'s mut Pace,
    stop: &'s mut UnboundedReceiver<Stop>,
}

impl Source<'_> {
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

/// Holds the referrals of the account by everything that identifies their customers.
#[derive(Default)]
struct Referrals {
    by_email: HashMap<Text, Found>,
    by_uid: HashMap<Text, Found>,
}

/// Says which referral a customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    None,
    /// The one with this id.
    One(u64),
    /// Several, or one whose id is not a number.
    Unclear,
}

impl Found {
    /// Returns what two ways of looking say together.
    fn and(self, other: Found) -> Found {
        match (self, other) {
            (Found::None, found) | (found, Found::None) => found,
            (Found::One(one), Found::One(other)) if one == other => Found::One(one),
            _ => Found::Unclear,
        }
    }
}

impl Referrals {
    fn find(&self, customer: CustomerRef<'_>) -> Found {
        let by_email = customer
            .email_folded()
            .and_then(|email| self.by_email.get(&email));
        let by_uid = customer.uid.and_then(|uid| self.by_uid.get(uid));
        let [by_email, by_uid] = [by_email, by_uid].map(|found| found.copied());
        by_email
            .unwrap_or(Found::None)
            .and(by_uid.unwrap_or(Found::None))
    }
}

impl LineKeeper<Lead> for Referrals {
    fn keep(&mut self, lead: &Lead) {
        // Its customer has another referral, of the promoter to whom it was moved.
        if lead.is_moved {
            return;
        }
        let id = lead.id.parse().map_or(Found::Unclear, Found::One);
        if let Some(email) = &lead.email {
            let known = self.by_email.entry(Text::from_str_to_lowercase(email));
            let known = known.or_insert(Found::None);
            *known = known.and(id);
        }
        if let Some(uid) = &lead.uid {
            let known = self.by_uid.entry(Text::new(uid)).or_insert(Found::None);
            *known = known.and(id);
        }
    }

    fn clear(&mut self) {
        *self = Referrals::default();
    }
}

/// Holds the amounts of the sales that the account has, by the keys of their ids, in the unit that it takes.
#[derive(Default)]
struct SalesThere(KeyMap<Option<i64>>);

impl LineKeeper<ListedCommission> for SalesThere {
    fn keep(&mut self, commission: &ListedCommission) {
        if let Some(id) = &commission.event_id {
            let sale = EventKey::from_id(id);
            self.0.entry(sale).or_insert(commission.sale_amount);
        }
    }

    fn clear(&mut self) {
        *self = SalesThere::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Customer;

    fn referrals(leads: &[(&str, &str, &str)]) -> Referrals {
        let mut referrals = Referrals::default();
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        for (id, email, uid) in leads {
            referrals.keep(&Lead {
                id: (*id).to_owned(),
                email: text(email),
                uid: text(uid),
                ..Lead::default()
            });
        }
        referrals
    }

    #[test]
    fn a_customer_is_one_referral_or_it_is_not_guessed() {
        let referrals = referrals(&[
            ("1", "Ada@example.com", "c1"),
            ("2", "ben@example.com", ""),
            ("3", "", "c3"),
            ("4", "eva@example.com", ""),
            ("5", "eva@example.com", ""),
            ("six", "fay@example.com", ""),
        ]);
        for (email, uid, found) in [
            ("ada@example.com", "c1", Found::One(1)),
            ("new@example.com", "c1", Found::One(1)),
            ("ADA@example.com", "c9", Found::One(1)),
            ("ben@example.com", "c3", Found::Unclear),
            ("eva@example.com", "", Found::Unclear),
            ("fay@example.com", "", Found::Unclear),
            ("gus@example.com", "c9", Found::None),
        ] {
            let customer = Customer::new(Some(email), Some(uid));
            assert_eq!(referrals.find(customer.borrowed()), found, "{email} {uid}");
        }
    }
}
