//! Reads the listing of an account's commissions: version 1 calls them rewards.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Version;
use super::listing::{
    Listed, ListedPromoter, PromoterCampaignShape, PromoterShape, PromotionShape, moment,
    optional_moment, without_moved,
};
use super::scalar::Scalar;

/// The unit of commissions and payouts in money.
pub(crate) const CASH: &str = "cash";

/// The status of a commission that is to be paid.
pub(crate) const APPROVED: &str = "approved";
/// The status of a commission, or of a payout, that waits.
pub(crate) const PENDING: &str = "pending";
/// The status of a commission that is not paid.
pub(crate) const DENIED: &str = "denied";

/// Describes a commission, in the API's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedCommission {
    /// The API's own id of the commission.
    pub id: String,
    /// The status: `approved`, `pending` or `denied`; another word if the API has one.
    pub status: String,
    /// The unit: `cash`, or another one such as `credits` or `points`.
    pub unit: String,
    /// The amount in minor units of the account's currency, or in the unit; negative for refunds. `None` if
    /// the API has none, or one that is not whole.
    pub amount: Option<i64>,
    /// The amount as the API wrote it, if it is not whole.
    #[serde(default)]
    pub amount_text: Option<String>,
    /// `true` if somebody created it manually, as a bonus (version 2: `commission_type` `custom`).
    #[serde(default)]
    pub is_by_hand: bool,
    /// The amount of the sale, in minor units of the account's currency; negative for refunds.
    pub sale_amount: Option<i64>,
    /// The amount of the sale as it was sent and its currency, if that was another one (version 2).
    pub original_sale: Option<(i64, String)>,
    /// The id of the event that created it.
    pub event_id: Option<String>,
    /// The tier, from 1.
    pub tier: u32,
    /// `true` if it is one of several for one sale; version 1 doesn't say.
    pub is_split: Option<bool>,
    /// `true` if it was paid out; version 1 doesn't say.
    pub is_paid: Option<bool>,
    /// The time when it was created.
    #[serde(default, with = "optional_moment")]
    pub created_at: Option<Timestamp>,
    /// The time when its status changed last (version 2).
    #[serde(default, with = "optional_moment")]
    pub status_updated_at: Option<Timestamp>,
    /// The promoter who earns it.
    pub promoter: ListedPromoter,
    /// The campaign's id.
    pub campaign_id: Option<String>,
    /// The campaign's name.
    pub campaign: Option<String>,
    /// The plan that was sold.
    pub plan: Option<String>,
    /// `true` if that is the plan that the lead has now, whatever was sold (version 1).
    #[serde(default)]
    pub is_plan_of_lead: bool,
    /// The id of the promoter in the campaign (version 1's promotion).
    #[serde(default)]
    pub promotion_id: Option<String>,
    /// What FirstPromoter suspects, or that it suspects nothing (version 2).
    #[serde(default)]
    pub fraud_check: Option<String>,
    /// Whether the promoter is the customer, as the API writes it (version 2).
    #[serde(default)]
    pub is_self_referral: Option<String>,
    /// The lead's email.
    pub email: Option<String>,
    /// The lead's uid.
    pub uid: Option<String>,
}

/// Reads a commission of either version.
#[derive(Default, Deserialize)]
#[serde(default)]
#[doc(hidden)]
pub(crate) struct CommissionLine {
    id: Scalar,
    status: Scalar,
    unit: Scalar,
    amount: Scalar,
    commission_type: Scalar,
    event_id: Scalar,
    created_at: Scalar,
    // Version 1.
    conversion_amount: Scalar,
    tier_level: Scalar,
    lead: Option<LeadShape>,
    promoter: Option<PromoterShape>,
    promotion: Option<PromotionShape>,
    // Version 2.
    sale_amount: Scalar,
    original_sale_amount: Scalar,
    original_sale_currency: Scalar,
    plan_id: Scalar,
    tier: Scalar,
    is_paid: Scalar,
    is_split: Scalar,
    status_updated_at: Scalar,
    fraud_check: Scalar,
    is_self_referral: Scalar,
    promoter_campaign: Option<PromoterCampaignShape>,
    referral: Option<LeadShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct LeadShape {
    email: Scalar,
    uid: Scalar,
    plan_name: Scalar,
}

impl Listed for ListedCommission {
    const NAME: &'static str = "commissions";

    type Line = CommissionLine;

    fn path(version: Version) -> &'static str {
        match version {
            Version::V1 => "rewards/list",
            Version::V2 => "company/commissions",
        }
    }

    fn from_line(version: Version, line: CommissionLine) -> Result<Self, &'static str> {
        let is_v1 = version == Version::V1;
        let lead = if is_v1 { line.lead } else { line.referral }.unwrap_or_default();
        let (promotion, campaign) = (line.promotion.unwrap_or_default(), line.promoter_campaign);
        let campaign = campaign.unwrap_or_default();
        let promoter = if is_v1 {
            line.promoter
                .unwrap_or_default()
                .promoter(promotion.ref_id.text())
        } else {
            campaign.promoter.promoter(None)
        };
        let tier = if is_v1 { &line.tier_level } else { &line.tier };
        let currency = line.original_sale_currency.text();
        Ok(ListedCommission {
            id: line.id.text().ok_or("has no id")?,
            status: line.status.text().ok_or("has no status")?,
            unit: line.unit.text().unwrap_or_else(|| CASH.to_owned()),
            amount: line.amount.integer(),
            amount_text: match line.amount.integer() {
                Some(_) => None,
                None => line.amount.text(),
            },
            // Version 1 has no word for it: a commission without an event and a sale was created manually.
            is_by_hand: if is_v1 {
                line.event_id.text().is_none() && line.conversion_amount.integer().unwrap_or(0) == 0
            } else {
                line.commission_type.word() == Some("custom")
            },
            sale_amount: if is_v1 {
                line.conversion_amount.integer()
            } else {
                line.sale_amount.integer()
            },
            original_sale: line.original_sale_amount.integer().zip(currency),
            event_id: line.event_id.text(),
            tier: tier
                .integer()
                .and_then(|tier| u32::try_from(tier).ok())
                .unwrap_or(1),
            is_split: line.is_split.flag(),
            is_paid: line.is_paid.flag(),
            created_at: moment(&line.created_at),
            status_updated_at: moment(&line.status_updated_at),
            fraud_check: line.fraud_check.text(),
            is_self_referral: line.is_self_referral.flag().map(|is| is.to_string()),
            promoter,
            campaign_id: promotion
                .campaign_id
                .text()
                .or_else(|| campaign.campaign_id.text()),
            campaign: promotion
                .campaign_name
                .text()
                .or_else(|| campaign.campaign.name.text()),
            is_plan_of_lead: line.plan_id.text().is_none() && lead.plan_name.text().is_some(),
            promotion_id: promotion.id.text(),
            plan: line.plan_id.text().or_else(|| lead.plan_name.text()),
            email: lead.email.text().map(|email| without_moved(&email).0),
            uid: lead.uid.text(),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn ordered_at(&self) -> Option<Timestamp> {
        self.created_at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::listing::page;

    fn parse(version: Version, body: &str) -> ListedCommission {
        let page = page(version, 200, body.as_bytes(), Some(1));
        page.unwrap().lines.pop().unwrap()
    }

    #[test]
    fn both_versions_say_the_same_in_their_own_words() {
        let v1 = parse(
            Version::V1,
            r#"[{"id": 7, "status": "pending", "amount": 400, "unit": "cash",
                "created_at": "2026-03-01T10:00:00.000Z", "event_id": "in_1",
                "conversion_amount": 2000, "tier_level": 2,
                "lead": {"email": "a@example.com", "uid": "cus_1", "plan_name": "pro"},
                "promoter": {"id": 9, "email": "nora@example.com", "default_ref_id": "n"},
                "promotion": {"ref_id": "nora", "campaign_id": 3, "campaign_name": "Affiliates"}}]"#,
        );
        let v2 = parse(
            Version::V2,
            r#"[{"id": 7, "status": "pending", "amount": 400, "unit": "cash",
                "created_at": "2026-03-01T10:00:00.000Z", "event_id": "in_1", "sale_amount": 2000,
                "original_sale_amount": 1800, "original_sale_currency": "EUR", "plan_id": "pro",
                "tier": 2, "is_paid": true, "is_split": false,
                "referral": {"email": "a@example.com", "uid": "cus_1"},
                "promoter_campaign": {"campaign_id": 3, "campaign": {"name": "Affiliates"},
                    "promoter": {"id": 9, "email": "nora@example.com"}}}]"#,
        );
        assert_eq!(v1.promoter.ref_id.as_deref(), Some("nora"));
        assert_eq!((v1.is_paid, v2.is_paid), (None, Some(true)));
        assert_eq!(v2.original_sale, Some((1800, "EUR".to_owned())));
        let common = |one: &ListedCommission| ListedCommission {
            promoter: ListedPromoter {
                ref_id: None,
                ..one.promoter.clone()
            },
            original_sale: None,
            fraud_check: None,
            is_self_referral: None,
            is_paid: None,
            is_split: None,
            is_plan_of_lead: false,
            ..one.clone()
        };
        assert_eq!(common(&v1), common(&v2));
        assert_eq!(
            (v1.tier, v1.amount, v1.sale_amount),
            (2, Some(400), Some(2000))
        );
    }

    #[test]
    fn an_amount_that_is_not_a_whole_number_is_not_guessed() {
        let body = r#"[{"id": 7, "status": "approved", "unit": "discount_per", "amount": AMOUNT}]"#;
        for (amount, text) in [
            ("4.5", Some("4.5")),
            ("null", None),
            ("\"many\"", Some("many")),
        ] {
            let line = parse(Version::V2, &body.replace("AMOUNT", amount));
            assert_eq!((line.amount, line.amount_text.as_deref()), (None, text));
        }
        let line = parse(Version::V2, &body.replace("AMOUNT", "3"));
        assert_eq!((line.amount, line.amount_text), (Some(3), None));
    }

    #[test]
    fn a_bonus_is_one_that_was_given_by_hand() {
        let body = r#"[{"id": 7, "status": "approved", "amount": 500, "commission_type": "TYPE"}]"#;
        assert!(parse(Version::V2, &body.replace("TYPE", "custom")).is_by_hand);
        assert!(!parse(Version::V2, &body.replace("TYPE", "sale")).is_by_hand);
    }
}
