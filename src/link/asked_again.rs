//! Which sales are asked again, and their refunds with them.

use super::{SaleHistory, replaces};
use crate::event::{Essence, EventKey, Events, KeyMap, Kind, Refunded};
use crate::journal::Outcome;

/// The sales of a job that take the place of what an earlier run sent under their ids, as `replaces`
/// says.
///
/// Nothing of such a sale is at the API, so nothing of its refunds is that were no referrals or have no
/// answer yet: they are asked again with it, and what was recorded of them is of no account. Nor is what was recorded of
/// a refund that was corrected before it was sent.
#[derive(Clone, Debug, Default)]
pub struct AskedAgain {
    sales: KeyMap<()>,
    /// Refunds with ids of their own that were corrected before they were sent.
    refunds: KeyMap<()>,
    /// What earlier runs recorded of them, negative, by the keys of their sales.
    recorded: KeyMap<Refunded>,
}

impl AskedAgain {
    /// Returns those of a job.
    pub fn new(events: &Events, earlier: &dyn SaleHistory) -> Self {
        let mut asked_again = AskedAgain::default();
        if earlier.is_empty() {
            return asked_again;
        }
        for index in 0..events.len() {
            let (key, kind) = (events.key(index), events.kind(index));
            let is_refund = kind == Kind::Refund && earlier.is_never_requested(key);
            if (kind == Kind::Sale || is_refund)
                && let Some(recorded) = earlier.essence(key)
                && replaces(events.get(index), &recorded, earlier)
            {
                match recorded.sale.filter(|_| is_refund) {
                    Some(sale) => {
                        let id = events.get(index).event_id();
                        asked_again.add_refund((key, id), sale, &recorded);
                    }
                    None => {
                        asked_again.sales.insert(key, ());
                    }
                }
            }
        }
        asked_again
    }

    fn add_refund(&mut self, (key, id): (EventKey, &str), sale: EventKey, recorded: &Essence) {
        if self.refunds.insert(key, ()).is_some() {
            return;
        }
        let refund = Refunded::from_refund(id, recorded);
        let before = self.recorded.entry(sale).or_default();
        *before = before.with(Refunded {
            cents: -refund.cents,
            gross_cents: -refund.gross_cents,
            largest_total_cents: None,
            beside_totals_cents: -refund.beside_totals_cents,
        });
    }

    /// Returns `true` if this refund was corrected before it was sent.
    pub(crate) fn has_refund(&self, refund: EventKey) -> bool {
        self.refunds.contains_key(&refund)
    }

    /// Returns whether this sale is asked again.
    pub fn has_sale(&self, sale: EventKey) -> bool {
        self.sales.contains_key(&sale)
    }

    /// Returns `true` if no sale is asked again.
    pub(super) fn is_empty(&self) -> bool {
        self.sales.is_empty() && self.refunds.is_empty()
    }

    /// Returns what is refunded of a sale, as far as it is of account.
    pub(super) fn refunded(&self, sale: EventKey, earlier: &dyn SaleHistory) -> Refunded {
        if self.has_sale(sale) {
            earlier.refunded_to_referrals(sale)
        } else {
            let corrected = self.recorded.get(&sale).copied();
            earlier.refunded(sale).with(corrected.unwrap_or_default())
        }
    }

    /// Returns whether what an earlier run recorded of a refund is of no account.
    pub fn supersedes(&self, refund: EventKey, earlier: &dyn SaleHistory) -> bool {
        if earlier.is_superseded(refund) || self.has_refund(refund) {
            return true;
        }
        let outcome = earlier.outcome(refund);
        if self.sales.is_empty() || outcome.is_some_and(|it| it != Outcome::NonReferral) {
            return false;
        }
        let recorded = earlier.essence(refund);
        let sale = recorded.and_then(|refund| refund.sale);
        sale.is_some_and(|sale| self.has_sale(sale))
    }
}
