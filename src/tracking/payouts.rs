//! Reads the listing of an account's payouts.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Version;
use super::commissions::CASH;
use super::listing::{Listed, ListedPromoter, PromoterShape, moment, optional_moment};
use super::scalar::Scalar;

/// The status of a payout that was paid.
pub(crate) const COMPLETED: &str = "completed";
/// The status of a payout that is not paid.
pub(crate) const CANCELLED: &str = "cancelled";

/// Describes a payout, in the API's words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ListedPayout {
    /// The API's own id of the payout.
    pub id: String,
    /// The status: `pending`, `processing`, `completed`, `failed` or `cancelled`; another word if the API has
    /// one.
    pub status: String,
    /// The unit: `cash`, or another one.
    pub unit: String,
    /// The amount in minor units of the account's currency, or in the unit; `None` if it is not whole.
    pub amount: Option<i64>,
    /// The time when it was paid (v1 `date_paid`, v2 `paid_at`).
    #[serde(default, with = "optional_moment")]
    pub paid_at: Option<Timestamp>,
    /// The time when it was created.
    #[serde(default, with = "optional_moment")]
    pub created_at: Option<Timestamp>,
    /// The end of the time for which it was earned (version 2).
    #[serde(default, with = "optional_moment")]
    pub period_end: Option<Timestamp>,
    /// The promoter who gets it.
    pub promoter: ListedPromoter,
}

/// Reads a payout of either version.
#[derive(Default, Deserialize)]
#[serde(default)]
#[doc(hidden)]
pub(crate) struct PayoutLine {
    id: Scalar,
    status: Scalar,
    unit: Scalar,
    amount: Scalar,
    date_paid: Scalar,
    paid_at: Scalar,
    created_at: Scalar,
    period_end: Scalar,
    promoter: Option<PromoterShape>,
}

impl Listed for ListedPayout {
    const NAME: &'static str = "payouts";
    // Version 2 documents no other order by time for payouts.
    const ORDER: &'static str = "period_end";

    type Line = PayoutLine;

    fn path(version: Version) -> &'static str {
        match version {
            Version::V1 => "payouts/list",
            Version::V2 => "company/payouts",
        }
    }

    fn from_line(version: Version, line: PayoutLine) -> Result<Self, &'static str> {
        let paid_at = match version {
            Version::V1 => &line.date_paid,
            Version::V2 => &line.paid_at,
        };
        Ok(ListedPayout {
            id: line.id.text().ok_or("has no id")?,
            status: line.status.text().ok_or("has no status")?,
            unit: line.unit.text().unwrap_or_else(|| CASH.to_owned()),
            amount: line.amount.whole(),
            paid_at: moment(paid_at),
            created_at: moment(&line.created_at),
            period_end: moment(&line.period_end),
            promoter: line.promoter.unwrap_or_default().promoter(None),
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn ordered_at(&self) -> Option<Timestamp> {
        self.period_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tracking::listing::page;

    #[test]
    fn both_versions_say_when_and_to_whom_something_was_paid() {
        let v1 = br#"[{"id": 5, "status": "completed", "amount": 1200, "unit": "cash",
            "date_paid": "2026-04-05T10:00:00.000Z", "created_at": "2026-04-01T00:00:00Z",
            "promoter": {"id": 9, "email": "nora@example.com", "default_ref_id": "nora",
                "temp_password": "secret", "earnings_balance": {"cash": 3000, "points": 2},
                "current_balance": {"cash": 1800}, "paid_balance": null}}]"#;
        let v2 = br#"[{"id": 5, "status": "completed", "amount": 1200.0, "unit": "cash",
            "paid_at": "2026-04-05T10:00:00Z", "created_at": "2026-04-01T00:00:00Z",
            "promoter": {"id": 9, "email": "nora@example.com", "name": "Nora"}}]"#;
        let v1 = page::<ListedPayout>(Version::V1, 200, v1, Some(1)).unwrap();
        let v2 = page::<ListedPayout>(Version::V2, 200, v2, None).unwrap();
        let (v1, v2) = (&v1.lines[0], &v2.lines[0]);
        assert_eq!((v1.amount, v1.paid_at), (Some(1200), v2.paid_at));
        assert_eq!(v1.amount, v2.amount);
        assert_eq!(v1.promoter.balance_cents, Some(1800));
        assert_eq!(v2.promoter.balance_cents, None);
        assert!(!serde_json::to_string(v1).unwrap().contains("secret"));
    }
}
