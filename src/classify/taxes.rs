//! The tax of an order, read from its row.

use super::Classifier;
use super::order_tax::{
    NamedTax, OrderFigures, Shop, TaxEvidence, TaxPlacement, TaxReading, rate_of,
};
use crate::event::{Currency, Money, ParsedAmount};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, TaxColumns};

impl Classifier<'_> {
    /// Returns `true` if rows of the export can help to read other rows.
    pub(crate) fn can_learn(&self) -> bool {
        self.profile.taxes.is_some()
    }

    /// Learns the place of the tax from those of these rows that show it by themselves, for the
    /// others.
    pub(crate) fn learn_taxes(&self, rows: &[Row]) {
        let Some(columns) = &self.profile.taxes else {
            return;
        };
        let mut shop = Shop::default();
        for row in rows {
            let mut settled = row.clone();
            self.settle(&mut settled);
            let row = &settled;
            let order = self.currency(row).and_then(|c| self.order(columns, row, c));
            let Some(order) = order.ok().filter(|order| order.tax > 0) else {
                continue;
            };
            if let Ok(TaxEvidence::Itself(reading) | TaxEvidence::Others(reading, _)) =
                order.decide(Shop::default())
            {
                shop.see(&order, reading.placement);
            }
        }
        self.shop.set(shop);
    }

    /// Subtracts the tax of an order from the price of its goods, and returns a note if other
    /// orders decided it.
    pub(super) fn less_tax(
        &self,
        goods: ParsedAmount,
        row: &Row,
        currency: Currency,
    ) -> Result<(ParsedAmount, Option<String>), Box<Problem>> {
        let Some(columns) = &self.profile.taxes else {
            return Ok((goods, None));
        };
        let order = self.order(columns, row, currency)?;
        match order.decide(self.shop.get()) {
            Ok(TaxEvidence::Itself(reading)) => Ok((goods.with_minor(reading.before_tax), None)),
            Ok(TaxEvidence::Others(reading, orders)) => {
                let place = match reading.placement {
                    TaxPlacement::Inside => "inside the prices",
                    TaxPlacement::OnTop => "on top of the prices",
                };
                let all = if self.shop.get().are_all(orders) {
                    "all "
                } else {
                    ""
                };
                let note = format!(
                    "the tax is assumed to be {place}, as in {all}{orders} orders of the export that show it"
                );
                Ok((goods.with_minor(reading.before_tax), Some(note)))
            }
            Err(readings) => {
                let problem = self.unclear_tax(columns, row, &readings, (goods, currency));
                Err(Box::new(problem))
            }
        }
    }

    fn order(
        &self,
        columns: &TaxColumns,
        row: &Row,
        currency: Currency,
    ) -> Result<OrderFigures, Box<Problem>> {
        let minor = |column: ColumnIndex| match self.text(row, column) {
            "" => Ok(0),
            _ => Ok::<_, Box<Problem>>(self.amount(row, column, currency)?.minor()),
        };
        let mut order = OrderFigures {
            goods: minor(columns.goods)?,
            shipping: minor(columns.shipping)?,
            tax: minor(columns.tax)?,
            total: minor(columns.total)?,
            duties: columns.duties.map_or(Ok(0), minor)?,
            named: Vec::new(),
        };
        let mut named_total = 0;
        for &(name, value) in &columns.named {
            let (name, value) = (self.text(row, name), minor(value)?);
            if name.is_empty() && value == 0 {
                continue;
            }
            named_total += value;
            let Some(rate) = rate_of(name) else {
                order.named.clear();
                return Ok(order);
            };
            order.named.push(NamedTax { value, rate });
        }
        if named_total != order.tax {
            order.named.clear();
        }
        Ok(order)
    }

    fn unclear_tax(
        &self,
        columns: &TaxColumns,
        row: &Row,
        readings: &[TaxReading],
        (goods, currency): (ParsedAmount, Currency),
    ) -> Problem {
        let amount = |reading: &TaxReading| {
            let amount_cents = goods.with_minor(reading.before_tax).cents();
            let place = match (reading.placement, reading.is_on_shipping) {
                (TaxPlacement::OnTop, _) => "tax on top",
                (TaxPlacement::Inside, false) => "tax inside, on the goods alone",
                (TaxPlacement::Inside, true) => "tax inside, on goods and shipping",
            };
            let money = Money {
                amount_cents,
                currency,
            };
            format!("{money} ({place})")
        };
        let amounts: Vec<String> = readings.iter().map(amount).collect();
        let has_rates = columns
            .named
            .first()
            .is_some_and(|(name, _)| self.binding.position(*name).is_some());
        let message = match (amounts.as_slice(), has_rates) {
            ([], true) => "the price of the goods before tax is unknown: no rate in the names of the taxes explains their amounts".to_owned(),
            ([], false) => "the price of the goods before tax is unknown: the export does not have the rates of the taxes".to_owned(),
            (amounts, _) => format!("the price of the goods before tax is ambiguous: {}", amounts.join(" or ")),
        };
        let hint =
            "send the order with a custom CSV, with the amount before tax and without shipping";
        let hint = if self.shop.get().are_all(0) && readings.len() != 1 {
            &format!(
                "if this row is from `rejected.csv`, fix it in the export itself and run that: its other orders may show where the tax is; else {hint}"
            )
        } else {
            hint
        };
        let hint = if has_rates {
            hint.to_owned()
        } else {
            format!(
                "export the orders again with all columns: `Tax 1 Name` and `Tax 1 Value` have the rate; or {hint}"
            )
        };
        self.cell_error(
            ProblemCode::RowRefused,
            columns.tax,
            self.text(row, columns.tax),
            &message,
        )
        .hint(hint)
    }
}
