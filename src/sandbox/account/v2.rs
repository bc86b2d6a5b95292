//! The JSON of v2: the answers to sales and sign-ups, and the listings.

use serde::Serialize;

use super::books::{BookedEvent, CAMPAIGN_ID, CAMPAIGN_NAME, PromoterTotals, lead_id};
use super::commissions::{OrderedAmount, ShownCommission};
use super::v1::referral_link;
use crate::sandbox::call::CallKind;
use crate::sandbox::leads::StoredLead;
use crate::sandbox::moment::{Moment, Seconds};
use crate::sandbox::promoters::StoredPromoter;

/// The answer to a sale or a sign-up that took effect.
#[derive(Serialize)]
pub(super) struct EventBody<'a> {
    id: usize,
    etype: CallKind,
    sale_amount: Option<i64>,
    original_sale_amount: Option<i64>,
    original_sale_currency: Option<&'a str>,
    event_id: Option<&'a str>,
    plan_id: Option<&'a str>,
    billing_period: Option<&'static str>,
    created_at: Moment,
    referral: ReferralBody<'a>,
    commissions: Vec<CommissionBody<'a>>,
}

/// An empty object.
#[derive(Clone, Copy, Serialize)]
struct Empty {}

#[derive(Clone, Copy, Serialize)]
struct ReferralBody<'a> {
    id: usize,
    email: Option<&'a str>,
    uid: Option<&'a str>,
}

/// A commission, in the answer to its sale and in `/company/commissions`.
#[derive(Serialize)]
pub(super) struct CommissionBody<'a> {
    id: usize,
    status: &'static str,
    metadata: Empty,
    is_self_referral: bool,
    commission_type: &'a str,
    created_by_user_email: Option<&'static str>,
    created_by_user_at: Option<&'static str>,
    sale_amount: i64,
    original_sale_amount: i64,
    original_sale_currency: Option<&'a str>,
    event_id: Option<&'a str>,
    plan_id: Option<&'a str>,
    tier: u8,
    internal_note: Option<&'a str>,
    external_note: Option<&'a str>,
    unit: &'a str,
    fraud_check: &'static str,
    amount: OrderedAmount<'a>,
    is_paid: bool,
    is_split: bool,
    created_at: Seconds,
    status_updated_at: Option<&'static str>,
    promoter_campaign: PromoterCampaignBody<'a>,
    referral: Option<ReferralBody<'a>>,
    reward: RewardBody,
    /// The shares of the referral's promoters; no referral of the sandbox is shared.
    split_details: Option<Empty>,
}

#[derive(Serialize)]
struct PromoterCampaignBody<'a> {
    id: u64,
    campaign_id: u32,
    promoter_id: u64,
    created_at: Seconds,
    promoter: PersonBody<'a>,
    campaign: CampaignBody,
}

/// A promoter as part of another object.
#[derive(Serialize)]
pub(super) struct PersonBody<'a> {
    id: u64,
    email: &'a str,
    name: String,
}

impl<'a> PersonBody<'a> {
    pub(super) fn new(promoter: &'a StoredPromoter) -> Self {
        PersonBody {
            id: promoter.id,
            email: &promoter.email,
            name: promoter.name(),
        }
    }
}

#[derive(Serialize)]
struct CampaignBody {
    id: u32,
    name: &'static str,
    color: &'static str,
}

const CAMPAIGN: CampaignBody = CampaignBody {
    id: CAMPAIGN_ID,
    name: CAMPAIGN_NAME,
    color: "#4F46E5",
};

#[derive(Serialize)]
struct RewardBody {
    id: u32,
    name: &'static str,
}

/// A line of `/company/referrals`.
#[derive(Serialize)]
pub(super) struct ReferralLine<'a> {
    #[serde(flatten)]
    referral: ReferralBody<'a>,
    state: &'static str,
    metadata: Empty,
    entry_source: &'static str,
    created_at: Seconds,
    customer_since: Option<Seconds>,
    cancelled_at: Option<Seconds>,
    promoter_campaign: PromoterCampaignBody<'a>,
    fraud_check: &'static str,
    username: Option<&'a str>,
    split_details: Option<[u8; 0]>,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    website: Option<&'a str>,
    comment: Option<&'static str>,
    is_expired: bool,
}

/// The answer of `/company/promoters`.
#[derive(Serialize)]
pub(super) struct PromoterPage<'a> {
    pub(super) data: Vec<PromoterLine<'a>>,
    pub(super) meta: PromoterMeta,
}

#[derive(Serialize)]
pub(super) struct PromoterMeta {
    pub(super) pending_count: u64,
}

#[derive(Serialize)]
pub(super) struct PromoterLine<'a> {
    id: u64,
    email: &'a str,
    name: String,
    cust_id: Option<&'static str>,
    note: Option<&'static str>,
    stats: StatsBody,
    is_customized: bool,
    fraud_suspicions: [u8; 0],
    is_confirmed: bool,
    joined_at: Seconds,
    last_login_at: Option<Seconds>,
    archived_at: Option<Seconds>,
    custom_fields: Option<Empty>,
    promoter_campaigns: [EnrolmentBody<'a>; 1],
    balances: BalancesBody,
}

#[derive(Serialize)]
struct StatsBody {
    sales_count: u64,
    revenue_amount: i128,
}

#[derive(Serialize)]
struct EnrolmentBody<'a> {
    id: u64,
    campaign_id: u32,
    promoter_id: u64,
    state: &'static str,
    created_at: Seconds,
    campaign: CampaignBody,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon: Option<&'a str>,
    ref_token: &'a str,
    ref_link: String,
}

#[derive(Serialize)]
struct BalancesBody {
    cash: i128,
}

/// Returns the answer to a sale or a sign-up.
pub(super) fn event<'a>(known: &BookedEvent<'a>) -> EventBody<'a> {
    let effect = known.effect;
    EventBody {
        id: known.event_id(),
        etype: effect.kind,
        sale_amount: effect.signed_amount(),
        original_sale_amount: effect.signed_sent(),
        original_sale_currency: currency(&effect.currency),
        event_id: effect.event_id.as_deref(),
        plan_id: effect.plan.as_deref(),
        billing_period: None,
        created_at: effect.created_at,
        referral: referral(effect.lead, known.lead),
        commissions: ShownCommission::of_event(known)
            .iter()
            .map(commission)
            .collect(),
    }
}

pub(super) fn commission<'a>(commission: &ShownCommission<'a>) -> CommissionBody<'a> {
    CommissionBody {
        id: commission.id,
        status: commission.status.word(),
        metadata: Empty {},
        is_self_referral: false,
        commission_type: commission.kind.unwrap_or(match commission.event_id {
            Some(_) => "sale",
            None => "custom",
        }),
        created_by_user_email: None,
        created_by_user_at: None,
        sale_amount: commission.sale_amount,
        original_sale_amount: commission.sent_amount,
        original_sale_currency: currency(commission.currency),
        event_id: commission.event_id,
        plan_id: commission.plan,
        tier: commission.tier,
        internal_note: commission.internal_note,
        external_note: commission.external_note,
        unit: commission.unit,
        fraud_check: "no_suspicion",
        amount: commission.amount,
        is_paid: commission.is_paid,
        is_split: commission.is_split,
        created_at: Seconds(commission.created_at),
        status_updated_at: None,
        promoter_campaign: promoter_campaign(commission.promoter),
        referral: commission.lead.map(|(place, lead)| referral(place, lead)),
        reward: RewardBody {
            id: 157_427,
            name: "Recurring commission",
        },
        split_details: None,
    }
}

pub(super) fn referral_line<'a>(
    place: usize,
    lead: &'a StoredLead,
    promoter: &'a StoredPromoter,
) -> ReferralLine<'a> {
    let details = lead.details.as_deref();
    let name = |text: &'a str| (!text.is_empty()).then_some(text);
    ReferralLine {
        referral: referral(place, lead),
        state: lead.state_word(),
        metadata: Empty {},
        entry_source: lead.source.word(),
        created_at: Seconds(lead.created_at),
        customer_since: lead.customer_since.map(Seconds),
        cancelled_at: lead.cancelled_at.map(Seconds),
        promoter_campaign: promoter_campaign(promoter),
        fraud_check: "no_suspicion",
        username: details.and_then(|details| details.username.as_deref()),
        split_details: None,
        first_name: details.and_then(|details| name(&details.first_name)),
        last_name: details.and_then(|details| name(&details.last_name)),
        website: details.and_then(|details| details.website.as_deref()),
        comment: None,
        is_expired: false,
    }
}

pub(super) fn promoter_line<'a>(
    promoter: &'a StoredPromoter,
    standing: &PromoterTotals,
) -> PromoterLine<'a> {
    PromoterLine {
        id: promoter.id,
        email: &promoter.email,
        name: promoter.name(),
        cust_id: None,
        note: None,
        stats: StatsBody {
            sales_count: standing.sales,
            revenue_amount: standing.sold - standing.refunded,
        },
        is_customized: promoter.rate.is_some(),
        fraud_suspicions: [],
        is_confirmed: true,
        joined_at: Seconds(promoter.created_at),
        last_login_at: None,
        archived_at: None,
        custom_fields: None,
        promoter_campaigns: [EnrolmentBody {
            id: promoter.promotion_id,
            campaign_id: CAMPAIGN_ID,
            promoter_id: promoter.id,
            state: state(promoter),
            created_at: Seconds(promoter.created_at),
            campaign: CAMPAIGN,
            coupon: promoter.promo_code.as_deref(),
            ref_token: &promoter.ref_id,
            ref_link: referral_link(promoter),
        }],
        balances: BalancesBody {
            cash: standing.commission - standing.paid,
        },
    }
}

/// Returns the promoter's state in the campaign, in the API's words.
pub(super) fn state(promoter: &StoredPromoter) -> &'static str {
    if promoter.is_banned {
        "blocked"
    } else {
        "accepted"
    }
}

fn referral(place: usize, lead: &StoredLead) -> ReferralBody<'_> {
    ReferralBody {
        id: lead_id(place),
        email: lead.shown_email(),
        uid: lead.uid.as_deref(),
    }
}

fn promoter_campaign(promoter: &StoredPromoter) -> PromoterCampaignBody<'_> {
    PromoterCampaignBody {
        id: promoter.promotion_id,
        campaign_id: CAMPAIGN_ID,
        promoter_id: promoter.id,
        created_at: Seconds(promoter.created_at),
        promoter: PersonBody::new(promoter),
        campaign: CAMPAIGN,
    }
}

/// Returns the event's currency; `None` (null) where the event named none and is in the account's
/// own.
fn currency(code: &str) -> Option<&str> {
    (code != super::NO_CURRENCY).then_some(code)
}
