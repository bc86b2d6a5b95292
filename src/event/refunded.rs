//! What is refunded of one sale.

use super::Essence;

/// What is refunded of one sale, whatever came of its refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refunded {
    /// All its refunds added up, in minor units, as they count; `i64::MAX` where that does not fit.
    pub cents: i64,
    /// The same as it was paid back; likewise.
    pub gross_cents: i64,
    /// The largest running total that was read for it.
    pub largest_total_cents: Option<i64>,
}

impl Refunded {
    /// Returns what this one refund takes back.
    pub fn by(refund: &Essence) -> Self {
        Refunded {
            cents: refund.money.map_or(0, |money| money.amount_cents),
            gross_cents: refund.paid_cents().unwrap_or(0),
            largest_total_cents: refund.refund_total_cents,
        }
    }

    /// Returns this and what other refunds take back.
    #[must_use]
    pub fn with(self, others: Refunded) -> Self {
        Refunded {
            cents: self.cents.saturating_add(others.cents),
            gross_cents: self.gross_cents.saturating_add(others.gross_cents),
            largest_total_cents: self.largest_total_cents.max(others.largest_total_cents),
        }
    }
}
