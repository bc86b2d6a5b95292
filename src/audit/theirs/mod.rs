//! Their side: commissions and leads, from the listings or from a CSV that was exported.

mod csv;
mod store;

pub use self::csv::{ReadCommissions, read_csv};
pub use store::{Kept, Reading, StoreError, latest};

use super::{Commission, Lead, Place, Promoter, Unit};
use crate::event::{Currency, Customer, Money};
use crate::problem::Problem;
use crate::tracking::{self, ListedCommission, ListedPromoter};

/// Commissions of a listing, and what of it can't be taken for one.
pub fn commissions_of(
    listing: Kept<ListedCommission>,
    account_currency: Currency,
) -> (Vec<Commission>, Vec<Problem>) {
    let file = listing.path.display().to_string();
    let (mut commissions, mut problems) = (Vec::new(), Vec::new());
    for (line, listed) in listing.lines {
        let place = Place {
            file: file.clone(),
            line,
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
    place: Place,
    account_currency: Currency,
) -> Result<Commission, Box<Problem>> {
    let status = listed.status.parse().map_err(|_| {
        let message = "this is not a status of a commission that fprecon knows";
        let problem = Problem::error("status-unknown", message);
        let problem = problem.at(place.file.clone(), Some(place.line));
        Box::new(
            problem
                .cell("status", &listed.status)
                .hint("the commission is left out; please report it, with the word"),
        )
    })?;
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
            "cash" => Unit::Cash(account_currency),
            _ => Unit::Other(listed.unit),
        },
        amount_cents: listed.amount,
        sale_amount_cents: listed.sale_amount,
        original_sale,
        is_by_hand: false,
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
pub fn leads_of(listing: Kept<tracking::Lead>) -> Vec<Lead> {
    let lines = listing.lines.into_iter();
    lines
        .map(|(_, lead)| Lead {
            customer: Customer::new(lead.email.as_deref(), lead.uid.as_deref()),
            promoter: promoter_of(lead.promoter),
            created_at: lead.created_at,
            customer_since: lead.customer_since,
            was_moved: false,
        })
        .collect()
}

fn promoter_of(listed: ListedPromoter) -> Promoter {
    Promoter {
        id: listed.id,
        email: listed.email,
        ref_id: listed.ref_id,
    }
}
