//! What an amount was before it was converted.

use jiff::civil::Date;

use super::{Money, Text};

/// What an amount was before it was converted into the account's currency, and by which rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// As the export has it.
    pub money: Money,
    /// The rate in decimals: so many units of the account's currency for one of [`Original::money`].
    /// A refund has its sale's.
    pub rate: Text,
    /// The day for which the rates file has the rate.
    pub rate_date: Date,
}

/// An amount before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// What the export says.
    pub original: Original,
    /// What is told to the API.
    pub sent: Money,
}

/// The converted refunds of a sale, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConvertedRefunds {
    /// As they were paid back, in the sale's currency.
    pub original_cents: i64,
    /// As they were told to the API.
    pub sent_cents: i64,
}

impl ConvertedRefunds {
    /// Returns these and the others.
    pub fn with(self, others: ConvertedRefunds) -> Self {
        ConvertedRefunds {
            original_cents: self.original_cents.saturating_add(others.original_cents),
            sent_cents: self.sent_cents.saturating_add(others.sent_cents),
        }
    }
}
