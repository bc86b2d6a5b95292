//! What a row has in the column of amounts, whatever becomes of the row: for totals that a person compares
//! with the provider's page. Nothing is decided by it, and reading it changes nothing.

use super::Classifier;
use crate::event::{Currency, Kind, Money, ParsedAmount};
use crate::export::Row;
use crate::profile::ColumnIndex;

/// Holds what a row has in the column of amounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowAmount {
    /// The cell is empty, or the export does not have the column.
    Missing,
    /// The amount or its currency can't be read.
    Unreadable,
    /// The amount as it stands in the export, with its sign.
    Read(Money),
}

impl RowAmount {
    /// Returns the amount, if it could be read.
    pub(crate) fn money(self) -> Option<Money> {
        match self {
            RowAmount::Read(money) => Some(money),
            RowAmount::Missing | RowAmount::Unreadable => None,
        }
    }
}

impl Classifier<'_> {
    /// Returns the header of the column in which the whole amount of a sale stands.
    pub(crate) fn amount_header(&self) -> Option<String> {
        let column = self.amount_column()?;
        Some(self.header_name(column))
    }

    /// Returns what a row has in that column.
    pub(crate) fn row_amount(&self, row: &Row) -> RowAmount {
        let Some(column) = self.amount_column() else {
            return RowAmount::Missing;
        };
        let value = self.text(row, column);
        if value.is_empty() {
            return RowAmount::Missing;
        }
        // Cells of a row that is too long or too short may stand in other columns.
        if row.len() != self.header.len() {
            return RowAmount::Unreadable;
        }
        let Ok(currency) = self.currency(row) else {
            return RowAmount::Unreadable;
        };
        match self.parse_without_note(value, currency) {
            Some(parsed) => RowAmount::Read(Money {
                amount_cents: parsed.cents(),
                currency,
            }),
            None => RowAmount::Unreadable,
        }
    }

    fn amount_column(&self) -> Option<ColumnIndex> {
        let mut sales = self.profile.events.iter();
        let sale = sales.find(|rule| rule.kind == Kind::Sale)?;
        let amount = sale.gross.as_ref().or(sale.amount.as_ref())?;
        self.binding.position(amount.column).map(|_| amount.column)
    }

    /// Reads an amount, unless it could be two and no other amount has told which.
    fn parse_without_note(&self, value: &str, currency: Currency) -> Option<ParsedAmount> {
        let parsed = self.written().parse(value, currency).ok();
        match &self.other_format {
            Some(other) if self.has_other_format.get().is_none() => {
                let otherwise = other.parse(value, currency).ok();
                match (parsed, otherwise) {
                    (Some(one), Some(two)) if one.cents() != two.cents() => None,
                    (one, two) => one.or(two),
                }
            }
            _ => parsed,
        }
    }
}
