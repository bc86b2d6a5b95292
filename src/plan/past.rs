//! What the journal knows of events, as the plan asks it.

use crate::event::{Conversion, ConvertedRefunds, CustomerRef, Essence, EventKey, Text};
use crate::journal::{Known, Outcome};
use crate::link::{Earlier, EarlierSale, Nothing, Refunded};

/// What earlier runs left in the journal, as the plan needs it.
pub trait Past: Earlier {
    /// Whether the API has answered for good on the event with this key.
    fn is_settled(&self, key: EventKey) -> bool;

    /// Whether it did, and would not have it.
    fn has_failed(&self, key: EventKey) -> bool;

    /// Whether the API refused this before it was mended.
    fn was_mended(&self, _: EventKey, _: &Essence) -> bool {
        false
    }

    /// How the amount of the event with this key was converted, if it was.
    fn conversion(&self, _: EventKey) -> Option<&Conversion> {
        None
    }

    /// The converted refunds of the sale with this key, added up.
    fn converted_refunds(&self, _sale: EventKey) -> ConvertedRefunds {
        ConvertedRefunds::default()
    }
}

impl Past for Nothing {
    fn is_settled(&self, _: EventKey) -> bool {
        false
    }

    fn has_failed(&self, _: EventKey) -> bool {
        false
    }
}

impl Earlier for Known {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.events.get(key).map(|known| known.essence)
    }

    fn refunded(&self, sale: EventKey) -> Refunded {
        let known = self.refunds.get(&sale).copied().unwrap_or_default();
        Refunded {
            cents: known.cents,
            gross_cents: known.gross_cents,
            largest_total_cents: known.largest_total_cents,
        }
    }

    fn sales_with_reference(&self, reference: EventKey) -> Vec<Text> {
        let sales = self.sales_by_reference.get(&reference);
        sales.cloned().unwrap_or_default()
    }

    fn sale_of_refund(&self, refund: EventKey) -> Option<Text> {
        self.sales_of_refunds.get(&refund).cloned()
    }

    fn sales_of(&self, customer: CustomerRef<'_>) -> Vec<EarlierSale> {
        let sales = Known::sales_of(self, customer);
        let earlier = sales.map(|sale| EarlierSale {
            event_id: sale.event_id.clone(),
            customer: sale.customer.clone(),
            created_at: sale.created_at,
        });
        earlier.collect()
    }
}

impl Past for Known {
    fn is_settled(&self, key: EventKey) -> bool {
        self.events.get(key).is_some_and(|known| known.is_settled())
    }

    fn has_failed(&self, key: EventKey) -> bool {
        let known = self.events.get(key);
        known.is_some_and(|known| known.outcome == Some(Outcome::Failed))
    }

    fn was_mended(&self, key: EventKey, read: &Essence) -> bool {
        let refused = self.refused.get(&key);
        refused.is_some_and(|refused| refused.iter().any(|old| read.contradicts(old).is_none()))
    }

    fn conversion(&self, key: EventKey) -> Option<&Conversion> {
        self.conversions.get(&key)
    }

    fn converted_refunds(&self, sale: EventKey) -> ConvertedRefunds {
        self.converted_refunds
            .get(&sale)
            .copied()
            .unwrap_or_default()
    }
}
