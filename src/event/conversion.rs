//! Describes what an amount was before it was converted.

use jiff::civil::Date;

use super::{Money, Text};

/// Describes an amount before it was converted into the account's currency, and the rate that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// The amount as the export has it.
    pub money: Money,
    /// The rate in decimals: so many units of the account's currency for one of [`Original::money`].
    /// A refund has its sale's.
    pub rate: Text,
    /// The day for which the rates file has the rate.
    pub rate_date: Date,
}

/// Holds an amount before and after its conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The amount and currency of the export, with the rate.
    pub original: Original,
    /// The amount that is sent to the API.
    pub sent: Money,
}

/// Holds the sums of a sale's converted refunds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConvertedRefunds {
    /// The sum as it was paid back, in minor units of the sale's currency.
    pub original_cents: i64,
    /// The sum as it was sent to the API, in minor units of the account's currency.
    pub sent_cents: i64,
}

impl ConvertedRefunds {
    /// Returns the sum of these refunds and others.
    pub fn with(self, others: ConvertedRefunds) -> Self {
        ConvertedRefunds {
            original_cents: self.original_cents.saturating_add(others.original_cents),
            sent_cents: self.sent_cents.saturating_add(others.sent_cents),
        }
    }
}
