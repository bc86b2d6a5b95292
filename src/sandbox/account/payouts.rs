//! Payouts to promoters, as orders set them, and the listings of both versions.

use serde::{Deserialize, Serialize};

use super::AccountState;
use super::books::{CAMPAIGN_ID, CAMPAIGN_NAME};
use super::v1::{PromoterBody, promoter_body, status};
use super::v2::PersonBody;
use crate::sandbox::leads::CallCustomer;
use crate::sandbox::moment::{Moment, Seconds};

/// A payout.
pub(super) struct StoredPayout {
    pub(super) amount: i64,
    unit: String,
    pub(super) status: String,
    pub(super) promoter: usize,
    pub(super) paid_at: Option<Moment>,
    created_at: Moment,
    /// The ids of the commissions that it pays; none if an order added it.
    pub(super) commissions: Vec<usize>,
}

impl StoredPayout {
    /// Returns a payout that is to be paid.
    pub(super) fn pending(
        promoter: usize,
        amount: i64,
        commissions: Vec<usize>,
        now: Moment,
    ) -> StoredPayout {
        StoredPayout {
            amount,
            unit: "cash".to_owned(),
            status: PENDING.to_owned(),
            promoter,
            paid_at: None,
            created_at: now,
            commissions,
        }
    }

    pub(super) fn created_at(&self) -> Moment {
        self.created_at
    }

    /// Returns `true` if the payout has the requested status, or no status is requested.
    pub(super) fn has(&self, status: Option<&str>) -> bool {
        status.is_none_or(|status| status == self.status)
    }
}

/// A payout to add, as `POST /sandbox/payouts` takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct PayoutOrder {
    /// The promoter's `ref_id`.
    promoter: String,
    amount_cents: i64,
    unit: Option<String>,
    /// `pending`, `processing`, `completed`, `failed` or `cancelled`.
    status: String,
    paid_at: Option<String>,
    created_at: String,
}

/// A lead to move, as `POST /sandbox/leads` takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct MoveOrder {
    email: Option<String>,
    uid: Option<String>,
    /// The `ref_id` of the promoter who gets it.
    promoter: String,
    at: String,
}

/// A line of v1's `/payouts/list`.
#[derive(Serialize)]
pub(super) struct V1Line<'a> {
    id: usize,
    status: &'a str,
    amount: i64,
    date_paid: Option<Moment>,
    due_date: Moment,
    unit: &'a str,
    created_at: Moment,
    has_issues: bool,
    reward: Option<&'static str>,
    promoter: PromoterBody<'a>,
    campaign: V1Campaign,
}

/// The campaign, as version 1 describes it with a payout.
#[derive(Serialize)]
struct V1Campaign {
    id: u32,
    name: &'static str,
    landing_url: &'static str,
    description: &'static str,
    private: bool,
    color: &'static str,
    default_webhook_url: &'static str,
    auto_approve_rewards: bool,
    auto_approve_promoters: bool,
}

const V1_CAMPAIGN: V1Campaign = V1Campaign {
    id: CAMPAIGN_ID,
    name: CAMPAIGN_NAME,
    landing_url: "https://example.com",
    description: "",
    private: false,
    color: "#26a69a",
    default_webhook_url: "",
    auto_approve_rewards: true,
    auto_approve_promoters: true,
};

#[derive(Serialize)]
struct PayoutCampaignBody {
    id: u32,
    name: &'static str,
}

const CAMPAIGN: PayoutCampaignBody = PayoutCampaignBody {
    id: CAMPAIGN_ID,
    name: CAMPAIGN_NAME,
};

/// A line of v2's `/company/payouts`.
#[derive(Serialize)]
pub(super) struct V2Line<'a> {
    id: usize,
    status: &'a str,
    amount: i64,
    unit: &'a str,
    period_start: Seconds,
    period_end: Seconds,
    paid_at: Option<Seconds>,
    created_at: Seconds,
    promoter: PersonBody<'a>,
    campaign: PayoutCampaignBody,
}

/// The number of payouts, as the answer to an order.
#[derive(Serialize)]
pub(in crate::sandbox) struct Added {
    payouts: usize,
}

/// The number of leads that were moved, as the answer to an order.
#[derive(Serialize)]
pub(in crate::sandbox) struct MovedCount {
    leads: usize,
}

fn moment(text: &str) -> Result<Moment, String> {
    Moment::parse(text)
        .ok_or_else(|| format!("`{text}` is not a date such as 2026-03-01T10:00:00Z"))
}

/// The status of a payout that was not paid yet, and of one that was.
pub(super) const PENDING: &str = "pending";
pub(super) const COMPLETED: &str = "completed";

pub(super) fn payout_id(place: usize) -> usize {
    2_700_001 + place
}

impl AccountState {
    /// Adds a payout and returns the number of payouts.
    pub(in crate::sandbox) fn pay(&mut self, body: &[u8]) -> Result<Added, String> {
        let order: PayoutOrder = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let promoter = self
            .promoters
            .by_ref_id(&order.promoter)
            .ok_or_else(|| format!("unknown promoter `{}`", order.promoter))?;
        let paid_at = order.paid_at.as_deref().map(moment).transpose()?;
        self.payouts.push(StoredPayout {
            amount: order.amount_cents,
            unit: order.unit.unwrap_or_else(|| "cash".to_owned()),
            status: order.status,
            promoter,
            paid_at,
            created_at: moment(&order.created_at)?,
            commissions: Vec::new(),
        });
        Ok(Added {
            payouts: self.payouts.len(),
        })
    }

    /// Moves a lead to another promoter.
    pub(in crate::sandbox) fn move_lead(&mut self, body: &[u8]) -> Result<MovedCount, String> {
        let order: MoveOrder = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let promoter = self
            .promoters
            .by_ref_id(&order.promoter)
            .ok_or_else(|| format!("unknown promoter `{}`", order.promoter))?;
        let who = CallCustomer {
            email: order.email.as_deref(),
            uid: order.uid.as_deref(),
        };
        let moved = self.leads.move_to(who, promoter, moment(&order.at)?);
        moved.ok_or("this customer is not a lead")?;
        Ok(MovedCount { leads: 1 })
    }

    /// Returns every payout with its index.
    pub(super) fn placed_payouts(&self) -> impl Iterator<Item = (usize, &StoredPayout)> {
        self.payouts.iter().enumerate()
    }

    pub(super) fn v1_payout<'a>(&'a self, place: usize, payout: &'a StoredPayout) -> V1Line<'a> {
        let promoter = self.promoters.get(payout.promoter);
        let standing = self.books.standing(payout.promoter);
        V1Line {
            id: payout_id(place),
            status: &payout.status,
            amount: payout.amount,
            date_paid: payout.paid_at,
            due_date: payout.created_at,
            unit: &payout.unit,
            created_at: payout.created_at,
            has_issues: false,
            reward: None,
            promoter: promoter_body(promoter, &standing, status(promoter)),
            campaign: V1_CAMPAIGN,
        }
    }

    pub(super) fn v2_payout<'a>(&'a self, place: usize, payout: &'a StoredPayout) -> V2Line<'a> {
        let promoter = self.promoters.get(payout.promoter);
        V2Line {
            id: payout_id(place),
            status: &payout.status,
            amount: payout.amount,
            unit: &payout.unit,
            period_start: Seconds(payout.created_at),
            period_end: Seconds(payout.created_at),
            paid_at: payout.paid_at.map(Seconds),
            created_at: Seconds(payout.created_at),
            promoter: PersonBody::new(promoter),
            campaign: CAMPAIGN,
        }
    }
}
