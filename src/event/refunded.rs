//! Sums up what is refunded of one sale.

use super::{Essence, Text, sale_of_running_total};

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

/// The beginning of what is said of a running total that fell.
pub(crate) const TOTAL_FELL: &str = "the running total fell: ";

/// What is between the id of a sale and the running total to which that of its refunds fell, in the id of what stands for
/// that.
const FELL_TO: &str = "_refund_fell_to_";

/// Returns the id of the event that stands for a running total of a sale that fell to a smaller one.
pub(crate) fn fell_to_id(sale_event_id: &str, cents: i64) -> Text {
    compact_str::format_compact!("{sale_event_id}{FELL_TO}{cents}")
}

/// Returns the sale and the running total in minor units that an id names: a running total, or one to which another fell.
pub(crate) fn total_fallen_to(event_id: &str) -> Option<(&str, i64)> {
    let (sale, cents) = match event_id.rsplit_once(FELL_TO) {
        Some(named) => named,
        None => (
            sale_of_running_total(event_id)?,
            event_id.rsplit_once('_')?.1,
        ),
    };
    Some((sale, cents.parse().ok()?))
}

/// The end of the id of a sale that takes the place of one that was refunded since it was not paid.
pub(crate) const PAID_AFTER_ALL: &str = "_paid_after_all";

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
