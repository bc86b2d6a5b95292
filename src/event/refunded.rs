//! Sums up what is refunded of one sale.

use super::Essence;

/// Holds what is refunded of one sale, whatever the outcome of its refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refunded {
    /// The sum of all its refunds as they count, in minor units; `i64::MAX` if that does not fit.
    pub cents: i64,
    /// The sum of all its refunds as they were paid back, in minor units; `i64::MAX` if that does not fit.
    pub gross_cents: i64,
    /// The largest running total that was read for it, in minor units.
    pub largest_total_cents: Option<i64>,
    /// The part of `gross_cents` that no running total has in it, in minor units.
    pub beside_totals_cents: i64,
}

/// The end of the id of a refund that reverses a sale of which a later export said that it was not paid.
pub(crate) const NOT_PAID: &str = "_not_paid";

/// Returns `true` if a running total of what was refunded of a sale never has the refund with this id in it: what was
/// lost by a dispute is not refunded.
pub(crate) fn is_beside_totals(event_id: &str) -> bool {
    event_id.ends_with("_dispute_lost")
}

impl Refunded {
    /// Returns what this one refund refunds.
    pub fn from_refund(event_id: &str, refund: &Essence) -> Self {
        let gross_cents = refund.paid_cents().unwrap_or(0);
        Refunded {
            cents: refund.money.map_or(0, |money| money.amount_cents),
            gross_cents,
            largest_total_cents: refund.refund_total_cents,
            beside_totals_cents: if is_beside_totals(event_id) {
                gross_cents
            } else {
                0
            },
        }
    }

    /// Returns the sum of this and what other refunds refund.
    #[must_use]
    pub fn with(self, others: Refunded) -> Self {
        Refunded {
            cents: self.cents.saturating_add(others.cents),
            gross_cents: self.gross_cents.saturating_add(others.gross_cents),
            largest_total_cents: self.largest_total_cents.max(others.largest_total_cents),
            beside_totals_cents: self
                .beside_totals_cents
                .saturating_add(others.beside_totals_cents),
        }
    }
}
