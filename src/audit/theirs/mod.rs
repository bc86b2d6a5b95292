//! Their side: commissions and leads, from the listings or from a CSV that was exported.

mod csv;
mod deciding;
mod store;

pub use self::csv::{ReadCommissions, read_csv};
pub use self::deciding::DecidingColumn;
pub use store::{PartialListing, StoreError, StoredListing, latest};

use std::collections::BTreeMap;

use super::statement::Payout;
use super::{Commission, Lead, Promoter, SourceLocation, Unit};
use crate::event::{Currency, Customer, Money};
use crate::problem::{Problem, ProblemCode};
use crate::tracking::{
    self, CANCELLED, CASH, COMPLETED, ListedCommission, ListedPayout, ListedPromoter,
};

/// Commissions of a listing, and what of it can't be taken for one.
pub(crate) fn commissions_of(
    listing: StoredListing<ListedCommission>,
    account_currency: Currency,
) -> (Vec<Commission>, Vec<Problem>) {
    let file = listing.path.display().to_string();
    let (mut commissions, mut problems) = (Vec::new(), Vec::new());
    for (line, listed) in listing.lines {
        let place = SourceLocation {
            file: file.clone(),
            line: Some(line),
        };
        match commission_of(listed, place, account_currency) {
            Ok(commission) => commissions.push(commission),
            Err(problem) => problems.push(*problem),
        }
    }
    (commissions, problems)
}

fn commission_of(
    listed: ListedCommission,
    place: SourceLocation,
    account_currency: Currency,
) -> Result<Commission, Box<Problem>> {
    let status = listed.status.parse().map_err(|_| {
        let message = "this is not a status of a commission that fprecon knows";
        let problem = Problem::error(ProblemCode::StatusUnknown, message);
        let problem = problem.at(place.file.clone(), place.line);
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
        customer: Customer::new(listed.email.as_deref(), listed.uid.as_deref()),
    })
}

/// The leads of a listing.
pub fn leads_of(listing: StoredListing<tracking::Lead>) -> Vec<Lead> {
    let lines = listing.lines.into_iter();
    lines
        .map(|(_, lead)| Lead {
            customer: Customer::new(lead.email.as_deref(), lead.uid.as_deref()),
            promoter: promoter_of(lead.promoter),
            created_at: lead.created_at,
            customer_since: lead.customer_since,
            was_moved: lead.is_moved,
        })
        .collect()
}

/// The statuses of payouts that were not made.
const NOT_PAID: [&str; 5] = [
    "pending",
    "awaiting_confirmation",
    "processing",
    "failed",
    CANCELLED,
];

/// The payouts of a listing that were made, in words of the audit; and how many have an amount or a status that can't
/// be read.
pub(crate) fn payouts_of(
    listing: StoredListing<ListedPayout>,
    account_currency: Currency,
) -> (Vec<Payout>, u64) {
    let mut unreadable = 0;
    let mut payouts = Vec::new();
    for (_, listed) in listing.lines {
        if listed.status != COMPLETED {
            // Of a status that is not known nobody can say whether it was paid.
            unreadable += u64::from(!NOT_PAID.contains(&listed.status.as_str()));
            continue;
        }
        let Some(amount_cents) = listed.amount else {
            unreadable += 1;
            continue;
        };
        payouts.push(Payout {
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

fn promoter_of(listed: ListedPromoter) -> Promoter {
    Promoter {
        id: listed.id,
        email: listed.email,
        ref_id: listed.ref_id,
    }
}
