//! Their side: commissions and leads, from the listings or from a CSV that was exported.

mod csv;
mod deciding;
mod store;

pub use self::csv::{ReadCommissions, read_csv};
pub use self::deciding::DecidingColumn;
pub use store::{PartialListing, StoreError, StoredListing, latest};

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::tz::TimeZone;

use super::statement::Payout;
use super::{Commission, LeadSplit, Promoter, ReferredCustomer, SourceLocation, Status, Unit};
use crate::event::{Currency, Customer, Money, day_in};
use crate::problem::{Problem, ProblemCode};
use crate::tracking::{
    self, CANCELLED, CASH, COMPLETED, ListedCommission, ListedPayout, ListedPromoter,
};

/// Tells which times of a listing are days: sales are sent with the day that their export has, as its midnight in UTC.
pub(crate) struct ListedDays<'d> {
    /// The zone of the audit.
    pub(crate) zone: &'d TimeZone,
    /// The events of ours that happened at midnight in UTC.
    pub(crate) timed_at_midnight: &'d HashSet<String>,
}

impl ListedDays<'_> {
    fn settle(&self, commission: &mut Commission) {
        let id = commission.event_id.as_deref();
        let is_day = !id.is_some_and(|id| self.timed_at_midnight.contains(id));
        let at = commission.created_at;
        commission.created_at = at.map(|at| day_in(at, is_day, self.zone));
    }
}

/// What a listing has.
#[derive(Debug, Default)]
pub(crate) struct ListedCommissions {
    pub(crate) commissions: Vec<Commission>,
    /// What of it can't be taken for a commission.
    pub(crate) problems: Vec<Problem>,
    /// The events that these lines name.
    pub(crate) unread_ids: Vec<String>,
}

/// Returns the facts of a listing that are not compared and may decide what is paid, judged as the columns of a CSV are.
pub(crate) fn deciding_of(listing: &StoredListing<ListedCommission>) -> Vec<DecidingColumn> {
    let lines = listing
        .lines
        .iter()
        .map(|(_, line)| line)
        .filter(|line| line.status != Status::Denied.as_str());
    let mut facts = [("fraud_check", 0), ("is_self_referral", 0)];
    for line in lines {
        let said = [
            line.fraud_check.as_deref(),
            line.is_self_referral.as_deref(),
        ];
        for ((_, commissions), cell) in facts.iter_mut().zip(said) {
            let cell = cell
                .map(|cell| cell.trim().to_lowercase())
                .unwrap_or_default();
            *commissions += u64::from(!cell.is_empty() && !deciding::is_no(&cell));
        }
    }
    let facts = facts
        .into_iter()
        .filter(|(_, commissions)| *commissions > 0);
    facts
        .map(|(name, commissions)| DecidingColumn {
            name: name.to_owned(),
            commissions,
        })
        .collect()
}

/// Commissions of a listing, and what of it can't be taken for one.
pub(crate) fn commissions_of(
    listing: StoredListing<ListedCommission>,
    account_currency: Currency,
    days: &ListedDays<'_>,
) -> ListedCommissions {
    let file = listing.path.display().to_string();
    let mut all = ListedCommissions::default();
    for (line, listed) in listing.lines {
        let place = SourceLocation {
            file: file.clone(),
            line: Some(line),
        };
        let event_id = listed.event_id.clone();
        match commission_of(listed, place, account_currency) {
            Ok(mut commission) => {
                days.settle(&mut commission);
                all.commissions.push(commission);
            }
            Err(problem) => {
                all.problems.push(*problem);
                all.unread_ids.extend(event_id);
            }
        }
    }
    all
}

fn commission_of(
    listed: ListedCommission,
    place: SourceLocation,
    account_currency: Currency,
) -> Result<Commission, Box<Problem>> {
    let status = listed.status.parse().map_err(|_| {
        let message = "this is not a status of a commission that fprecon knows";
        let problem =
            Problem::error(ProblemCode::StatusUnknown, message).at(place.file.clone(), place.line);
        Box::new(
            problem
                .cell("status", &listed.status)
                .hint("the commission is left out; please report it, with the word"),
        )
    })?;
    let amount_cents = match (listed.amount, listed.unit.as_str()) {
        (Some(amount), _) => amount,
        // A reward that is not money, such as free months, may have no number at all: it is counted.
        (None, unit) if unit != CASH => 0,
        (None, _) => {
            let problem = Problem::error(
                ProblemCode::AmountInvalid,
                "a commission without an amount in whole cents",
            );
            let text = listed.amount_text.unwrap_or_else(|| "null".to_owned());
            return Err(Box::new(
                problem
                    .at(place.file.clone(), place.line)
                    .cell("amount", &text)
                    .hint("the commission is left out; look it up in FirstPromoter"),
            ));
        }
    };
    let original_sale = listed.original_sale.and_then(|(amount_cents, code)| {
        let currency = Currency::from_code(&code)?;
        Some(Money {
            amount_cents,
            currency,
        })
    });
    Ok(Commission {
        place,
        id: Some(listed.id),
        status,
        unit: match listed.unit.as_str() {
            CASH => Unit::Cash(account_currency),
            _ => Unit::Other(listed.unit),
        },
        amount_cents,
        sale_amount_cents: listed.sale_amount,
        original_sale,
        is_by_hand: listed.is_by_hand && listed.event_id.is_none(),
        event_id: listed.event_id,
        tier: listed.tier,
        is_split: listed.is_split,
        is_paid: listed.is_paid,
        created_at: listed.created_at,
        status_updated_at: listed.status_updated_at,
        promoter: promoter_of(listed.promoter),
        campaign_id: listed.campaign_id,
        campaign: listed.campaign,
        plan: listed.plan,
        is_plan_of_lead: listed.is_plan_of_lead,
        customer: Customer::new(listed.email.as_deref(), listed.uid.as_deref()),
    })
}

/// The promoters of version 2's list, by their ids.
struct PromotersById<'l>(HashMap<&'l str, &'l ListedPromoter>);

impl<'l> PromotersById<'l> {
    fn new(promoters: Option<&'l StoredListing<ListedPromoter>>) -> Self {
        let all = promoters.into_iter().flat_map(|listing| &listing.lines);
        let by_id = all.filter_map(|(_, own)| Some((own.id.as_deref()?, own)));
        PromotersById(by_id.collect())
    }

    /// Returns the promoter with an id, with the names that a list has.
    fn promoter(&self, id: String) -> Promoter {
        let listed = self.0.get(id.as_str()).map(|listed| (*listed).clone());
        listed.map_or_else(
            || Promoter {
                id: Some(id),
                ..Promoter::default()
            },
            promoter_of,
        )
    }
}

/// Returns the leads of a listing. Who has which promotion, version 1's leads and commissions say; what the promoters are
/// called with whom a lead is shared, the list of promoters.
pub(crate) fn leads_of(
    listing: StoredListing<tracking::Lead>,
    commissions: &StoredListing<ListedCommission>,
    promoters: Option<&StoredListing<ListedPromoter>>,
) -> Vec<ReferredCustomer> {
    let mut promotions: HashMap<String, ListedPromoter> = HashMap::new();
    if listing
        .lines
        .iter()
        .any(|(_, lead)| !lead.splits.is_empty())
    {
        let of_leads = listing.lines.iter();
        let of_leads = of_leads.map(|(_, lead)| (&lead.promotion_id, &lead.promoter));
        let of_commissions = commissions.lines.iter();
        let of_commissions = of_commissions.map(|(_, own)| (&own.promotion_id, &own.promoter));
        for (promotion, promoter) in of_leads.chain(of_commissions) {
            if let Some(id) = promotion {
                promotions
                    .entry(id.clone())
                    .or_insert_with(|| promoter.clone());
            }
        }
    }
    let by_id = PromotersById::new(promoters);
    let split_of = |split: tracking::LeadSplit| LeadSplit {
        promoter: match (split.promoter_id, split.promotion_id) {
            (Some(id), _) => by_id.promoter(id),
            (None, Some(id)) => promotions
                .get(&id)
                .cloned()
                .map_or_else(Promoter::default, promoter_of),
            (None, None) => Promoter::default(),
        },
        percent: split.percent,
    };
    let lines = listing.lines.into_iter();
    lines
        .map(|(_, lead)| ReferredCustomer {
            is_closed: lead.is_closed,
            campaign_id: lead.campaign_id,
            campaign: lead.campaign,
            splits: lead.splits.into_iter().map(split_of).collect(),
            customer: Customer::new(lead.email.as_deref(), lead.uid.as_deref()),
            promoter: promoter_of(lead.promoter),
            created_at: lead.created_at,
            customer_since: lead.customer_since,
            was_moved: lead.is_moved,
        })
        .collect()
}

/// The statuses of payouts that are on their way.
const OPEN: [&str; 3] = ["pending", "awaiting_confirmation", "processing"];
/// The statuses of payouts that will not be made.
const NOT_PAID: [&str; 2] = ["failed", CANCELLED];

/// Returns the payouts of a listing that were made or are on their way, in words of the audit; and how many have an
/// amount or a status that can't be read.
pub(crate) fn payouts_of(
    listing: StoredListing<ListedPayout>,
    account_currency: Currency,
) -> (Vec<Payout>, u64) {
    let mut unreadable = 0;
    let mut payouts = Vec::new();
    for (_, listed) in listing.lines {
        let is_open = OPEN.contains(&listed.status.as_str());
        if listed.status != COMPLETED && !is_open {
            // Of a status that is not known nobody can say whether it was paid.
            unreadable += u64::from(!NOT_PAID.contains(&listed.status.as_str()));
            continue;
        }
        let Some(amount_cents) = listed.amount else {
            unreadable += u64::from(!is_open);
            continue;
        };
        payouts.push(Payout {
            is_open,
            promoter: promoter_of(listed.promoter),
            unit: match listed.unit.as_str() {
                CASH => Unit::Cash(account_currency),
                _ => Unit::Other(listed.unit),
            },
            amount_cents,
            paid_at: listed.paid_at.or(listed.created_at),
        });
    }
    (payouts, unreadable)
}

/// Returns FirstPromoter's own balances, by the promoter's name, as far as the lines have them: in version 1
/// those of commissions, in version 2 those of promoters.
pub(crate) fn balances_of(
    commissions: &StoredListing<ListedCommission>,
    promoters: Option<&StoredListing<ListedPromoter>>,
) -> BTreeMap<String, i128> {
    let of_commissions = commissions.lines.iter().map(|(_, line)| &line.promoter);
    let of_promoters = promoters.into_iter().flat_map(|listing| &listing.lines);
    let all = of_commissions.chain(of_promoters.map(|(_, promoter)| promoter));
    let known = all.filter_map(|listed| {
        let balance = listed.balance_cents?;
        let name = promoter_of(listed.clone()).name()?.to_lowercase();
        Some((name, i128::from(balance)))
    });
    known.collect()
}

/// Returns each promoter with the own promoter of it, as far as the lines have them: in version 1 those of commissions, in
/// version 2 those of promoters, which also says who has none.
pub(crate) fn parents_of(
    commissions: &StoredListing<ListedCommission>,
    promoters: Option<&StoredListing<ListedPromoter>>,
) -> Vec<(Promoter, Option<Promoter>)> {
    let of_commissions = commissions.lines.iter().map(|(_, line)| &line.promoter);
    let of_promoters = promoters.into_iter().flat_map(|listing| &listing.lines);
    let of_promoters = of_promoters.map(|(_, promoter)| (promoter, true));
    let all = of_commissions
        .map(|promoter| (promoter, false))
        .chain(of_promoters);
    // A list in which nobody has one may not have been asked for them.
    let lists_parents = promoters.is_some_and(|listing| {
        let mut lines = listing.lines.iter();
        lines.any(|(_, promoter)| promoter.parent_id.is_some())
    });
    let by_id = PromotersById::new(promoters);
    let mut seen = HashSet::new();
    let known = all.filter_map(|(listed, is_of_list)| {
        let id = listed.parent_id.clone();
        if id.is_none() && !(is_of_list && lists_parents) {
            return None;
        }
        let is_new = seen.insert((listed.id.clone(), id.clone()));
        let parent = id.map(|id| by_id.promoter(id));
        is_new.then(|| (promoter_of(listed.clone()), parent))
    });
    known.collect()
}

fn promoter_of(listed: ListedPromoter) -> Promoter {
    Promoter {
        id: listed.id,
        email: listed.email,
        ref_id: listed.ref_id,
    }
}
