//! Reads the listing of an account's leads.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Version;
use super::commissions::DENIED;
use super::listing::{
    Listed, ListedPromoter, PromoterCampaignShape, PromoterShape, PromotionShape, moment,
    optional_moment, without_moved,
};
use super::scalar::Scalar;

/// Describes a lead: what identifies it, and whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lead {
    /// The API's own id of the lead.
    pub id: String,
    /// The email, if there is one.
    pub email: Option<String>,
    /// The uid, if there is one.
    pub uid: Option<String>,
    /// The promoter who referred it.
    pub promoter: ListedPromoter,
    /// The time when it was created.
    #[serde(default, with = "optional_moment")]
    pub created_at: Option<Timestamp>,
    /// The time when it first paid.
    #[serde(default, with = "optional_moment")]
    pub customer_since: Option<Timestamp>,
    /// `true` if it was moved to another promoter, who has a lead of its own.
    #[serde(default)]
    #[serde(rename = "was_moved")]
    pub is_moved: bool,
    /// `true` if it earns nothing: it was denied, or is expired.
    #[serde(default)]
    pub is_closed: bool,
    /// The campaign's id.
    #[serde(default)]
    pub campaign_id: Option<String>,
    /// The campaign's name (version 2).
    #[serde(default)]
    pub campaign: Option<String>,
    /// The id of the promoter in the campaign (version 1's promotion).
    #[serde(default)]
    pub promotion_id: Option<String>,
    /// Those who share its commissions with the promoter.
    #[serde(default)]
    pub splits: Vec<LeadSplit>,
}

/// Describes a promoter who gets a part of a lead's commissions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeadSplit {
    /// The API's own id of the promoter (version 2).
    pub promoter_id: Option<String>,
    /// The id of the promoter in a campaign (version 1's promotion).
    pub promotion_id: Option<String>,
    /// The part in percent.
    pub percent: i64,
}

/// Reads a lead of either version.
#[derive(Default, Deserialize)]
#[serde(default)]
#[doc(hidden)]
pub struct LeadLine {
    id: Scalar,
    email: Scalar,
    uid: Scalar,
    created_at: Scalar,
    customer_since: Scalar,
    state: Scalar,
    promoter: Option<PromoterShape>,
    promotion: Option<PromotionShape>,
    promoter_campaign: Option<PromoterCampaignShape>,
    split_promotion_id: Scalar,
    split_percentage_value: Scalar,
    split_details: Option<Vec<SplitShape>>,
    is_expired: Scalar,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SplitShape {
    promoter_id: Scalar,
    percentage: Scalar,
}

impl LeadLine {
    /// Returns those who share the commissions, in the words of either version.
    fn splits(&self) -> Vec<LeadSplit> {
        let of_v1 = self.split_promotion_id.text().map(|id| LeadSplit {
            promoter_id: None,
            promotion_id: Some(id),
            percent: self.split_percentage_value.integer().unwrap_or(0),
        });
        let of_v2 = self.split_details.iter().flatten().map(|own| LeadSplit {
            promoter_id: own.promoter_id.text(),
            promotion_id: None,
            percent: own.percentage.integer().unwrap_or(0),
        });
        of_v1.into_iter().chain(of_v2).collect()
    }
}

impl Listed for Lead {
    const NAME: &'static str = "leads";

    type Line = LeadLine;

    fn path(version: Version) -> &'static str {
        match version {
            Version::V1 => "leads/list",
            Version::V2 => "company/referrals",
        }
    }

    fn from_line(version: Version, line: LeadLine) -> Result<Self, &'static str> {
        let splits = line.splits();
        let promotion = line.promotion.unwrap_or_default();
        let in_campaign = line.promoter_campaign.unwrap_or_default();
        let promoter = match version {
            Version::V1 => line
                .promoter
                .unwrap_or_default()
                .promoter(promotion.ref_id.text()),
            Version::V2 => in_campaign.promoter.promoter(None),
        };
        let campaign_id = promotion
            .campaign_id
            .text()
            .or_else(|| in_campaign.campaign_id.text());
        let email = line.email.text().map(|email| without_moved(&email));
        let (email, has_suffix) = email.map_or((None, false), |(email, has)| (Some(email), has));
        Ok(Lead {
            id: line.id.text().ok_or("has no id")?,
            is_moved: has_suffix || line.state.word() == Some("moved"),
            is_closed: line.state.word() == Some(DENIED) || line.is_expired.flag() == Some(true),
            campaign_id,
            campaign: in_campaign.campaign.name.text(),
            promotion_id: promotion.id.text(),
            splits,
            email,
            uid: line.uid.text(),
            promoter,
            created_at: moment(&line.created_at),
            customer_since: moment(&line.customer_since),
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

    fn word(version: Version, status: u16, body: &str, total: Option<u64>) -> &'static str {
        match page::<Lead>(version, status, body.as_bytes(), total) {
            Ok(_) => "page",
            Err(answer) => answer.word(),
        }
    }

    #[test]
    fn a_page_is_an_array_of_leads_and_in_v1_says_how_many_there_are() {
        let body = r#"[{"id": 1, "email": "a@example.com", "uid": null, "state": "active"},
            {"id": "2", "email": "", "uid": 77, "promotion": {"ref_id": "ann"},
             "promoter": {"id": 9, "email": "ann@example.com", "default_ref_id": "old"}}]"#;
        let page = page::<Lead>(Version::V1, 200, body.as_bytes(), Some(2)).unwrap();
        assert_eq!(page.total, Some(2));
        assert_eq!(page.lines[0].email.as_deref(), Some("a@example.com"));
        assert_eq!(
            (page.lines[0].uid.as_deref(), page.lines[1].uid.as_deref()),
            (None, Some("77"))
        );
        assert_eq!(page.lines[1].email, None);
        assert_eq!(page.lines[1].promoter.ref_id.as_deref(), Some("ann"));
        assert_eq!(page.lines[1].promoter.id.as_deref(), Some("9"));
        assert_eq!(word(Version::V1, 200, "[]", None), "refused");
        assert_eq!(word(Version::V2, 200, "[]", None), "page");
    }

    #[test]
    fn a_lead_that_was_moved_has_its_own_email_and_says_so() {
        let body = r#"[{"id": 1, "email": "a@example.com (moved)", "state": "active"},
            {"id": 2, "email": "b@example.com", "state": "moved"}, {"id": 3, "state": "active"}]"#;
        let page = page::<Lead>(Version::V2, 200, body.as_bytes(), None).unwrap();
        assert_eq!(page.lines[0].email.as_deref(), Some("a@example.com"));
        let moved: Vec<bool> = page.lines.iter().map(|lead| lead.is_moved).collect();
        assert_eq!(moved, [true, true, false]);
    }

    #[test]
    fn any_other_answer_is_not_a_list() {
        assert_eq!(word(Version::V2, 200, "{}", None), "unclear");
        assert_eq!(word(Version::V2, 200, "[{\"id\":1}", None), "unclear");
        assert_eq!(
            word(Version::V2, 200, "[{\"email\":\"a\"}]", None),
            "refused"
        );
        assert_eq!(word(Version::V2, 204, "", None), "refused");
        assert_eq!(word(Version::V2, 404, "", None), "refused");
        assert_eq!(word(Version::V2, 401, "", None), "key_refused");
        assert_eq!(word(Version::V2, 429, "", None), "too_fast");
        assert_eq!(word(Version::V2, 302, "", None), "not_delivered");
        assert_eq!(word(Version::V2, 500, "", None), "unclear");
    }
}
