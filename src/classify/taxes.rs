//! The tax of an order, read from its row.

use super::Classifier;
use super::order_tax::{Decided, NamedTax, Order, Placement, Shop, TaxReading, rate_of};
use crate::event::{Currency, Money, ParsedAmount};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{ColumnIndex, TaxColumns};

impl Classifier<'_> {
    /// Whether its rows say something of each other.
    pub fn can_learn(&self) -> bool {
        self.profile.taxes.is_some()
    }

    /// Takes note of where the tax stands in those of these rows that tell it by themselves, for the ones
    /// that don't.
    pub fn learn_taxes(&self, rows: &[Row]) {
        let Some(columns) = &self.profile.taxes else {
            return;
        };
        let mut shop = Shop::default();
        for row in rows {
            let order = self.currency(row).and_then(|c| self.order(columns, row, c));
            let decided = order.ok().filter(|order| order.tax > 0);
            let decided = decided.and_then(|order| order.decide(Shop::default()).ok());
            if let Some(Decided::Itself(reading) | Decided::Others(reading, _)) = decided {
                shop.see(reading.placement);
            }
        }
        self.shop.set(shop);
    }

    /// Takes the tax of an order off what was paid for its goods, and says why if others decided it.
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
            Ok(Decided::Itself(reading)) => Ok((goods.with_minor(reading.before_tax), None)),
            Ok(Decided::Others(reading, orders)) => {
                let place = match reading.placement {
                    Placement::Inside => "inside the prices",
                    Placement::OnTop => "on top of the prices",
                };
                let note = format!(
                    "the tax is taken to be {place}, as in all {orders} orders of the export that tell"
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
    ) -> Result<Order, Box<Problem>> {
        let minor = |column: ColumnIndex| match self.text(row, column) {
            "" => Ok(0),
            _ => Ok::<_, Box<Problem>>(self.amount(row, column, currency)?.minor()),
        };
        let mut order = Order {
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
                (Placement::OnTop, _) => "tax on top",
                (Placement::Inside, false) => "tax inside, on the goods alone",
                (Placement::Inside, true) => "tax inside, on goods and shipping",
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
            ([], true) => "what the goods cost before tax can't be told: no rate in the names of the taxes explains their amounts".to_owned(),
            ([], false) => "what the goods cost before tax can't be told: the export does not have the rates of the taxes".to_owned(),
            (amounts, _) => format!("what the goods cost before tax can't be told: {}", amounts.join(" or ")),
        };
        let hint =
            "send the order by a CSV of your own, with the amount before tax and without shipping";
        let hint = match has_rates {
            true => hint.to_owned(),
            false => format!(
                "export the orders again with all columns: `Tax 1 Name` and `Tax 1 Value` tell the rate; or {hint}"
            ),
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
