//! Sends sales as commissions of known referrals, where the API takes their day in no other way.
//!
//! The account's referrals say whose a sale is. Its commissions say which sales are there already: nothing says
//! that a second commission with the same `event_id` would be refused. Without one of the two lists, which have to
//! be complete, no sale is sent.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc::UnboundedReceiver;

use super::kept_lines::{KeptLines, LineKeeper};
use super::lanes::Lane;
use super::listing;
use super::pace::Pace;
use super::{End, Stop};
use crate::event::{Event, EventKey, KeyMap};
use crate::journal::{Outcome, Settlement};
use crate::tracking::{
    Client, CommissionOf, Form, Lead, LeadIndex, LeadMatch, Listed, ListedCommission,
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
        match self.referrals.0.find(sale.customer.borrowed()) {
            LeadMatch::One(referral_id) => {
                let at = sale.created_at;
                let day = at.map(|at| at.to_zoned(self.zone.clone()).date());
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
