//! The shape of a 200, as the vendor's newer v1 pages have it.

use serde::Serialize;

use super::Kind;
use super::books::{Effect, lead_id};
use crate::sandbox::leads::Lead;
use crate::sandbox::promoters::PROMOTERS;

/// The answer to an event that took effect.
#[derive(Serialize)]
pub(super) struct EventBody<'a> {
    id: usize,
    #[serde(rename = "type")]
    kind: Kind,
    amount_cents: Option<i64>,
    reward: Option<RewardBody<'a>>,
    lead: LeadBody<'a>,
    promoter: PromoterBody,
}

#[derive(Serialize)]
struct RewardBody<'a> {
    id: usize,
    status: &'static str,
    amount: i64,
    unit: &'static str,
    created_at: &'a str,
    lead: LeadBody<'a>,
    event_id: Option<&'a str>,
    conversion_amount: i64,
    tier_level: u8,
}

#[derive(Clone, Copy, Serialize)]
struct LeadBody<'a> {
    id: usize,
    state: &'static str,
    first_name: &'a str,
    last_name: &'a str,
    email: Option<&'a str>,
    uid: Option<&'a str>,
    customer_since: Option<&'a str>,
    plan_name: Option<&'a str>,
    suspicion: &'static str,
}

#[derive(Serialize)]
struct PromoterBody {
    id: u32,
    cust_id: Option<&'static str>,
    email: &'static str,
    temp_password: Option<&'static str>,
    default_promotion_id: u32,
    default_ref_id: &'static str,
    earnings_balance: Option<Balance>,
    current_balance: Option<Balance>,
    paid_balance: Option<Balance>,
}

#[derive(Clone, Copy, Serialize)]
struct Balance {
    cash: i128,
}

/// Describes an effect. `earned` is the promoter's balance after it, in cents.
pub(super) fn event<'a>(
    number: usize,
    effect: &'a Effect,
    lead: &'a Lead,
    earned: i128,
) -> EventBody<'a> {
    let amount = effect.amount.map(|amount| match effect.kind {
        Kind::Refund => -amount,
        _ => amount,
    });
    let lead = lead_body(effect.lead, lead);
    EventBody {
        id: 33_000_000 + number,
        kind: effect.kind,
        amount_cents: amount,
        reward: amount.map(|amount| RewardBody {
            id: 10_000_000 + number,
            status: "approved",
            amount: effect.commission,
            unit: "cash",
            created_at: &effect.created_at,
            lead,
            event_id: effect.event_id.as_deref(),
            conversion_amount: amount,
            tier_level: 1,
        }),
        lead,
        promoter: promoter_body(effect.promoter, earned),
    }
}

fn lead_body(place: usize, lead: &Lead) -> LeadBody<'_> {
    LeadBody {
        id: lead_id(place),
        state: lead.state.word(),
        first_name: &lead.first_name,
        last_name: &lead.last_name,
        email: lead.email.as_deref(),
        uid: lead.uid.as_deref(),
        customer_since: lead.customer_since.as_deref(),
        plan_name: lead.plan.as_deref(),
        suspicion: "no_suspicion",
    }
}

/// Nothing is ever paid out here. A balance of nothing is null, as in the vendor's examples.
fn promoter_body(place: usize, earned: i128) -> PromoterBody {
    let promoter = &PROMOTERS[place];
    let balance = (earned != 0).then_some(Balance { cash: earned });
    PromoterBody {
        id: promoter.id,
        cust_id: None,
        email: promoter.email,
        temp_password: None,
        default_promotion_id: promoter.promotion_id,
        default_ref_id: promoter.ref_id,
        earnings_balance: balance,
        current_balance: balance,
        paid_balance: None,
    }
}
