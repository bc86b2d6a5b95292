//! Which column is the amount of a sale, and whether tax and shipping are inside it.

use super::names::{self, Names};
use super::numbers::{Written, written};
use super::table::{Column, Table};
use super::text::shown;
use crate::event::{AmountFormat, Currency};

/// Percentages that taxes have, in tenths.
const ODD_RATES: [i64; 5] = [25, 55, 77, 81, 105];
/// Rows that a tax rate has to hold in before it tells anything.
const RATE_ROWS_LEAST: usize = 3;
/// An amount that one of them has at least: a cent of tax on less of it is any rate.
const RATE_CENTS_LEAST: i64 = 2_000;

/// Where the amount of a sale comes from.
pub(super) struct Amounts<'t> {
    pub(super) total: &'t Column<'t>,
    /// Columns that could be the amount as well, and say otherwise or might.
    pub(super) rivals: Vec<&'t Column<'t>>,
    pub(super) tax: Option<(&'t Column<'t>, Part)>,
    pub(super) shipping: Option<(&'t Column<'t>, Part)>,
    pub(super) refunded: Option<&'t Column<'t>>,
    /// How they are all written.
    pub(super) written: Written,
}

/// Whether the total has something inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It has, for this reason.
    Inside(String),
    /// It has not, for this reason.
    Outside(String),
    /// Nothing tells.
    Unknown,
}

/// The columns that could be amounts.
struct Candidates<'t> {
    totals: Vec<(usize, &'t Column<'t>)>,
    subtotals: Vec<&'t Column<'t>>,
    tax: Option<&'t Column<'t>>,
    shipping: Option<&'t Column<'t>>,
    discount: Option<&'t Column<'t>>,
}

/// Finds the amount; nothing if no column could be it. `currency` is that of most rows.
pub(super) fn amounts<'t>(table: &'t Table<'t>, currency: Currency) -> Option<Amounts<'t>> {
    let numbers =
        |names: &Names| -> Vec<(usize, &'t Column<'t>)> { table.named(names, Column::has_amounts) };
    let first = |names: &Names| numbers(names).first().map(|(_, column)| *column);
    let mut totals = numbers(&names::TOTAL);
    if totals.iter().any(|(rank, _)| Names::tier(*rank) < 2) {
        // The price of a piece is not what was paid.
        totals.retain(|(rank, _)| Names::tier(*rank) < 2);
    }
    let has_fees = first(&names::FEE).is_some();
    let subtotals = numbers(&names::SUBTOTAL).into_iter();
    // Behind a fee, `Net` is what is left of it for the merchant.
    let subtotals = subtotals.filter(|(rank, _)| !has_fees || Names::tier(*rank) == 0);
    let candidates = Candidates {
        totals,
        subtotals: subtotals.map(|(_, column)| column).collect(),
        tax: first(&names::TAX),
        shipping: first(&names::SHIPPING),
        discount: first(&names::DISCOUNT),
    };
    let refunded = first(&names::REFUNDED);
    let all = candidates.all().chain(refunded);
    let written = written(all.flat_map(|column| column.proofs().collect::<Vec<_>>()))?;
    let books = Books {
        format: written.format().clone(),
        currency,
    };
    let (total, rivals, tax, shipping) = candidates
        .proven(&books)
        .or_else(|| candidates.guessed(&books))?;
    Some(Amounts {
        total,
        rivals,
        tax: candidates.tax.map(|column| (column, tax)),
        shipping: candidates.shipping.map(|column| (column, shipping)),
        refunded,
        written,
    })
}

type Found<'t> = (&'t Column<'t>, Vec<&'t Column<'t>>, Part, Part);

impl<'t> Candidates<'t> {
    fn all(&self) -> impl Iterator<Item = &'t Column<'t>> {
        let totals = self.totals.iter().map(|(_, column)| *column);
        let parts = [self.tax, self.shipping, self.discount];
        totals
            .chain(self.subtotals.clone())
            .chain(parts.into_iter().flatten())
    }

    /// The other columns that could be the amount of a sale: those that are called so whole, and
    /// those that are called so among other things and say something else.
    fn rivals(&self, total: &Column<'_>, taken: &[&Column<'_>]) -> Vec<&'t Column<'t>> {
        let totals = self.totals.iter().filter(|(rank, column)| {
            let is_taken = taken.iter().any(|taken| taken.header == column.header);
            !is_taken && (Names::is_whole(*rank) || column.cells != total.cells)
        });
        totals.map(|(_, column)| *column).collect()
    }

    /// Two amounts of which one is the other with tax or shipping, in every row.
    fn proven(&self, books: &Books) -> Option<Found<'t>> {
        let totals = self.totals.iter().map(|(_, column)| *column);
        for total in totals.clone() {
            for net in self.subtotals.iter().copied().chain(totals.clone()) {
                if net.header == total.header {
                    continue;
                }
                for (has_tax, has_shipping) in [(true, false), (true, true), (false, true)] {
                    let parts = [
                        self.tax.filter(|_| has_tax),
                        self.shipping.filter(|_| has_shipping),
                    ];
                    let plus: Vec<_> = parts.into_iter().flatten().collect();
                    if plus.len() != usize::from(has_tax) + usize::from(has_shipping) {
                        continue;
                    }
                    let with_discount = self.discount.map(Some).into_iter();
                    let minus = std::iter::once(None).chain(with_discount);
                    let holds = minus
                        .into_iter()
                        .find(|minus| books.is_sum(total, net, &plus, *minus));
                    if let Some(minus) = holds {
                        return Some(self.of_sum(total, net, &plus, minus));
                    }
                }
            }
        }
        None
    }

    fn of_sum(
        &self,
        total: &'t Column<'t>,
        net: &'t Column<'t>,
        plus: &[&'t Column<'t>],
        minus: Option<&'t Column<'t>>,
    ) -> Found<'t> {
        let names: Vec<String> = plus.iter().map(|column| shown(column.header)).collect();
        let less = minus.map_or(String::new(), |minus| format!(" - {}", shown(minus.header)));
        let sum = format!(
            "in every row {} = {} + {}{less}",
            shown(total.header),
            shown(net.header),
            names.join(" + ")
        );
        let part = |column: Option<&'t Column<'t>>| match column {
            Some(column) if plus.iter().any(|part| part.header == column.header) => {
                Part::Inside(sum.clone())
            }
            _ => Part::Unknown,
        };
        (
            total,
            self.rivals(total, &[total, net]),
            part(self.tax),
            part(self.shipping),
        )
    }

    /// The best name, and what else tells where the tax is.
    fn guessed(&self, books: &Books) -> Option<Found<'t>> {
        let Some((_, total)) = self.totals.first().copied() else {
            let net = self.subtotals.first().copied()?;
            let why = format!("{} is called so", shown(net.header));
            return Some((
                net,
                Vec::new(),
                Part::Outside(why.clone()),
                Part::Outside(why),
            ));
        };
        let mut rivals = self.rivals(total, &[total]);
        rivals.extend(self.subtotals.iter().copied());
        let tax = match self.tax {
            Some(tax) => books.place_of_tax(total, tax),
            None => Part::Unknown,
        };
        Some((total, rivals, tax, Part::Unknown))
    }
}

/// Amounts of the sample in minor units.
struct Books {
    format: AmountFormat,
    currency: Currency,
}

impl Books {
    /// Nothing where the cell is no amount; an empty cell counts nothing.
    fn cents(&self, column: &Column<'_>, row: usize) -> Option<i64> {
        match column.cells.get(row).copied().unwrap_or_default() {
            "" => Some(0),
            text => self
                .format
                .parse(text, self.currency)
                .ok()
                .map(|amount| amount.cents),
        }
    }

    fn is_nothing(&self, column: &Column<'_>) -> bool {
        (0..column.cells.len()).all(|row| self.cents(column, row) == Some(0))
    }

    /// Whether `total` = `net` + `plus` - `minus` in every row, and each of them counts in some.
    fn is_sum(
        &self,
        total: &Column<'_>,
        net: &Column<'_>,
        plus: &[&Column<'_>],
        minus: Option<&Column<'_>>,
    ) -> bool {
        let counts = |column: &&Column<'_>| !self.is_nothing(column);
        if !plus.iter().chain(minus.iter()).all(counts) {
            return false;
        }
        let rows = (0..total.cells.len()).filter(|&row| !total.cells[row].is_empty());
        let holds = |row: usize| -> Option<bool> {
            let mut sum = self.cents(net, row)?;
            for part in plus {
                sum = sum.checked_add(self.cents(part, row)?)?;
            }
            if let Some(minus) = minus {
                // Discounts are written with a minus or without one.
                sum = sum.checked_sub(self.cents(minus, row)?.checked_abs()?)?;
            }
            Some(sum == self.cents(total, row)?)
        };
        rows.into_iter().all(|row| holds(row) == Some(true))
    }

    /// Tells by the header's name, or by the one rate at which every row is taxed.
    fn place_of_tax(&self, total: &Column<'_>, tax: &Column<'_>) -> Part {
        let words = names::words_of(total.header);
        if words
            .split(' ')
            .any(|word| ["gross", "brutto", "bruttobetrag", "ttc", "incl"].contains(&word))
        {
            return Part::Inside(format!("{} is called so", shown(total.header)));
        }
        let rows = 0..total.cells.len();
        let pairs = rows.filter_map(|row| Some((self.cents(total, row)?, self.cents(tax, row)?)));
        let taxed: Vec<(i64, i64)> = pairs.filter(|(_, tax)| *tax > 0).collect();
        let is_telling = taxed.iter().any(|(total, _)| *total >= RATE_CENTS_LEAST);
        if taxed.len() < RATE_ROWS_LEAST || !is_telling {
            return Part::Unknown;
        }
        let rates = (1..=30).map(|percent| percent * 10).chain(ODD_RATES);
        let rates: Vec<i64> = rates.collect();
        // The tax is rounded to a cent, and what is left without it therefore too.
        let near = |tax: i64, base: i64, rate: i64, most: i128| {
            (i128::from(tax) * 1000 - i128::from(base) * i128::from(rate)).abs() <= most
        };
        let on_top = rates.iter().find(|rate| {
            taxed
                .iter()
                .all(|(total, tax)| near(*tax, *total, **rate, 500))
        });
        let inside = rates.iter().find(|rate| {
            taxed
                .iter()
                .all(|(total, tax)| near(*tax, total - tax, **rate, 650))
        });
        let percent = |rate: i64| match rate % 10 {
            0 => format!("{} %", rate / 10),
            tenth => format!("{}.{tenth} %", rate / 10),
        };
        let (tax, total) = (shown(tax.header), shown(total.header));
        match (on_top, inside) {
            (Some(&rate), None) => Part::Outside(format!(
                "in every row {tax} is {} of {total}",
                percent(rate)
            )),
            (None, Some(&rate)) => Part::Inside(format!(
                "in every row {tax} is {} of what is left of {total} without it",
                percent(rate)
            )),
            _ => Part::Unknown,
        }
    }
}
