//! Which sales are asked again, and their refunds with them.

use super::{SaleHistory, replaces};
use crate::event::{EventKey, Events, KeyMap, Kind, Refunded};
use crate::journal::Outcome;

/// The sales of a job that take the place of what an earlier run sent under their ids, as `replaces`
/// says.
///
/// Nothing of such a sale is at the API, so nothing of its refunds is that were no referrals or have no
/// answer yet: they are asked again with it, and what was recorded of them is of no account.
#[derive(Clone, Debug, Default)]
pub struct AskedAgain {
    sales: KeyMap<()>,
}

impl AskedAgain {
    /// Returns those of a job.
    pub fn new(events: &Events, earlier: &dyn SaleHistory) -> Self {
        let mut asked_again = AskedAgain::default();
        if earlier.is_empty() {
            return asked_again;
        }
        for index in 0..events.len() {
            let key = events.key(index);
            if events.kind(index) == Kind::Sale
                && let Some(recorded) = earlier.essence(key)
                && replaces(events.get(index), &recorded, earlier)
            {
                asked_again.sales.insert(key, ());
            }
        }
        asked_again
    }

    /// Returns whether this sale is asked again.
    pub fn has_sale(&self, sale: EventKey) -> bool {
        self.sales.contains_key(&sale)
    }

    /// Returns `true` if no sale is asked again.
    pub(super) fn is_empty(&self) -> bool {
        self.sales.is_empty()
    }

    /// Returns what is refunded of a sale, as far as it is of account.
    pub(super) fn refunded(&self, sale: EventKey, earlier: &dyn SaleHistory) -> Refunded {
        if self.has_sale(sale) {
            earlier.refunded_to_referrals(sale)
        } else {
            earlier.refunded(sale)
        }
    }

    /// Returns whether what an earlier run recorded of a refund is of no account.
    pub fn supersedes(&self, refund: EventKey, earlier: &dyn SaleHistory) -> bool {
        if earlier.is_superseded(refund) {
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
