//! The JSON of v1: the answer to an event, as in the vendor's newer pages, and the listings.

use serde::Serialize;

use super::books::{BookedEvent, CAMPAIGN_ID, CAMPAIGN_NAME, PromoterTotals, lead_id};
use super::commissions::{OrderedAmount, ShownCommission};
use crate::sandbox::call::CallKind;
use crate::sandbox::leads::StoredLead;
use crate::sandbox::moment::Moment;
use crate::sandbox::promoters::StoredPromoter;

/// The answer to an event that took effect.
#[derive(Serialize)]
pub(super) struct EventBody<'a> {
    id: usize,
    #[serde(rename = "type")]
    kind: CallKind,
    amount_cents: Option<i64>,
    reward: Option<RewardBody<'a>>,
    lead: LeadBody<'a>,
    promoter: PromoterBody<'a>,
}

#[derive(Serialize)]
struct RewardBody<'a> {
    id: usize,
    status: &'static str,
    amount: OrderedAmount<'a>,
    unit: &'a str,
    created_at: Moment,
    lead: Option<LeadBody<'a>>,
    event_id: Option<&'a str>,
    conversion_amount: i64,
    tier_level: u8,
    split_type: Option<&'static str>,
}

#[derive(Clone, Copy, Serialize)]
pub(super) struct LeadBody<'a> {
    id: usize,
    state: &'static str,
    first_name: &'a str,
    last_name: &'a str,
    email: Option<&'a str>,
    uid: Option<&'a str>,
    customer_since: Option<Moment>,
    cancelled_at: Option<Moment>,
    plan_name: Option<&'a str>,
    suspicion: &'static str,
    username: Option<&'a str>,
    website: Option<&'a str>,
    created_at: Moment,
    split_promotion_id: Option<u64>,
    custom_fields: Option<&'static str>,
    split_percentage_value: Option<u8>,
    visitor_sub_id: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct PromoterBody<'a> {
    id: u64,
    status: &'static str,
    cust_id: Option<&'static str>,
    email: &'a str,
    created_at: Moment,
    temp_password: Option<&'static str>,
    default_promotion_id: u64,
    pref: &'a str,
    default_ref_id: &'a str,
    note: Option<&'static str>,
    w8_form_url: Option<&'static str>,
    w9_form_url: Option<&'static str>,
    earnings_balance: Option<PromoterBalance>,
    current_balance: Option<PromoterBalance>,
    paid_balance: Option<PromoterBalance>,
}

#[derive(Clone, Copy, Serialize)]
struct PromoterBalance {
    cash: i128,
}

/// The answer to a subscriber.
#[derive(Serialize)]
pub(super) struct SubscriberBody<'a> {
    id: usize,
    #[serde(rename = "type")]
    kind: &'static str,
    lead: LeadBody<'a>,
    promoter: PromoterBody<'a>,
}

/// A line of `/leads/list`, and the answer of `/leads/show`.
#[derive(Serialize)]
pub(super) struct LeadLine<'a> {
    #[serde(flatten)]
    lead: LeadBody<'a>,
    promotion: PromotionBody<'a>,
    promoter: PromoterBody<'a>,
}

/// A line of `/rewards/list`.
#[derive(Serialize)]
pub(super) struct RewardLine<'a> {
    #[serde(flatten)]
    reward: RewardBody<'a>,
    promoter: PromoterBody<'a>,
    promotion: PromotionBody<'a>,
}

/// A line of `/promoters/list`.
#[derive(Serialize)]
pub(super) struct PromoterLine<'a> {
    #[serde(flatten)]
    promoter: PromoterBody<'a>,
    profile: ProfileBody<'a>,
    promotions: [PromotionBody<'a>; 1],
}

#[derive(Serialize)]
struct ProfileBody<'a> {
    first_name: &'a str,
    last_name: &'a str,
}

#[derive(Serialize)]
struct PromotionBody<'a> {
    id: u64,
    status: &'static str,
    ref_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    promo_code: Option<&'a str>,
    promoter_id: u64,
    campaign_id: u32,
    campaign_name: &'static str,
    referral_link: String,
    hidden: bool,
    sales_count: u64,
    refunds_count: u64,
    sales_total: i128,
    refunds_total: i128,
}

/// Returns the answer to an event.
pub(super) fn event<'a>(known: &BookedEvent<'a>) -> EventBody<'a> {
    EventBody {
        id: known.event_id(),
        kind: known.effect.kind,
        amount_cents: known.effect.signed_amount(),
        reward: ShownCommission::of_event(known).as_ref().map(reward),
        lead: lead_body(known.effect.lead, known.lead),
        promoter: promoter_body(known.promoter, &known.standing, "active"),
    }
}

/// Returns the answer to a subscriber. There is one for each lead, so that its number is the lead's.
pub(super) fn subscriber<'a>(
    place: usize,
    lead: &'a StoredLead,
    promoter: &'a StoredPromoter,
    standing: &PromoterTotals,
) -> SubscriberBody<'a> {
    SubscriberBody {
        id: 44_000_001 + place,
        kind: "subscriber",
        lead: lead_body(place, lead),
        promoter: promoter_body(promoter, standing, "active"),
    }
}

pub(super) fn lead_line<'a>(
    place: usize,
    lead: &'a StoredLead,
    promoter: &'a StoredPromoter,
    standing: &PromoterTotals,
) -> LeadLine<'a> {
    LeadLine {
        lead: lead_body(place, lead),
        promotion: promotion_body(promoter, standing),
        promoter: promoter_body(promoter, standing, status(promoter)),
    }
}

pub(super) fn reward_line<'a>(commission: &ShownCommission<'a>) -> RewardLine<'a> {
    let ShownCommission {
        promoter, standing, ..
    } = commission;
    RewardLine {
        reward: reward(commission),
        promoter: promoter_body(promoter, standing, status(promoter)),
        promotion: promotion_body(promoter, standing),
    }
}

pub(super) fn promoter_line<'a>(
    promoter: &'a StoredPromoter,
    standing: &PromoterTotals,
) -> PromoterLine<'a> {
    PromoterLine {
        promoter: promoter_body(promoter, standing, status(promoter)),
        profile: ProfileBody {
            first_name: &promoter.first_name,
            last_name: &promoter.last_name,
        },
        promotions: [promotion_body(promoter, standing)],
    }
}

fn reward<'a>(commission: &ShownCommission<'a>) -> RewardBody<'a> {
    RewardBody {
        id: commission.id,
        status: commission.status.word(),
        amount: commission.amount,
        unit: commission.unit,
        created_at: commission.created_at,
        lead: commission.lead.map(|(place, lead)| lead_body(place, lead)),
        event_id: commission.event_id,
        conversion_amount: commission.sale_amount,
        tier_level: commission.tier,
        split_type: None,
    }
}

fn lead_body(place: usize, lead: &StoredLead) -> LeadBody<'_> {
    let details = lead.details.as_deref();
    LeadBody {
        id: lead_id(place),
        state: lead.state_word(),
        first_name: details.map_or("", |details| &details.first_name),
        last_name: details.map_or("", |details| &details.last_name),
        email: lead.shown_email(),
        uid: lead.uid.as_deref(),
        customer_since: lead.customer_since,
        cancelled_at: lead.cancelled_at,
        plan_name: lead.plan.as_deref(),
        suspicion: "no_suspicion",
        username: details.and_then(|details| details.username.as_deref()),
        website: details.and_then(|details| details.website.as_deref()),
        created_at: lead.created_at,
        split_promotion_id: None,
        custom_fields: None,
        split_percentage_value: None,
        visitor_sub_id: None,
    }
}

/// Returns the promoter's status in the listings' words; the tracking pages say `active`.
pub(super) fn status(promoter: &StoredPromoter) -> &'static str {
    if promoter.is_banned {
        "denied"
    } else {
        "approved"
    }
}

/// Returns a promoter's JSON. A balance of zero is null, as in the vendor's examples.
pub(super) fn promoter_body<'a>(
    promoter: &'a StoredPromoter,
    standing: &PromoterTotals,
    status: &'static str,
) -> PromoterBody<'a> {
    let (earned, paid) = (standing.commission, standing.paid);
    let balance = |cash: i128| (cash != 0).then_some(PromoterBalance { cash });
    PromoterBody {
        id: promoter.id,
        status,
        cust_id: None,
        email: &promoter.email,
        created_at: promoter.created_at,
        temp_password: None,
        default_promotion_id: promoter.promotion_id,
        pref: &promoter.ref_id,
        default_ref_id: &promoter.ref_id,
        note: None,
        w8_form_url: None,
        w9_form_url: None,
        earnings_balance: balance(earned),
        current_balance: balance(earned - paid),
        paid_balance: balance(paid),
    }
}

fn promotion_body<'a>(
    promoter: &'a StoredPromoter,
    standing: &PromoterTotals,
) -> PromotionBody<'a> {
    PromotionBody {
        id: promoter.promotion_id,
        status: "offer_active",
        ref_id: &promoter.ref_id,
        promo_code: promoter.promo_code.as_deref(),
        promoter_id: promoter.id,
        campaign_id: CAMPAIGN_ID,
        campaign_name: CAMPAIGN_NAME,
        referral_link: referral_link(promoter),
        hidden: false,
        sales_count: standing.sales,
        refunds_count: standing.refunds,
        sales_total: standing.sold,
        refunds_total: standing.refunded,
    }
}

pub(super) fn referral_link(promoter: &StoredPromoter) -> String {
    format!("https://example.com/?fpr={}", promoter.ref_id)
}
