//! Finds the column of a sale's amount, and if tax and shipping are inside it.

use super::names::{self, NameTiers};
use super::numbers::{self, WrittenAmounts, written};
use super::table::{SampleColumn, SampleTable, looks_like_money};
use super::text::shown;
use crate::event::{AmountFormat, Currency};

/// Tax rates that are not whole percentages, in tenths of a percent.
const ODD_RATES: [i64; 5] = [25, 55, 77, 81, 105];
/// The smallest number of rows with the same tax rate that counts as evidence.
const RATE_ROWS_LEAST: usize = 3;
/// The smallest amount, in minor units, that one of those rows must have: on less, a cent of tax
/// fits many rates.
const RATE_CENTS_LEAST: i64 = 2_000;
/// The smallest fee, in minor units, that one of those rows must have; a tax on a fee has a high
/// rate.
const FEE_CENTS_LEAST: i64 = 200;
/// The greatest number of different rates in a column of them.
const RATES_MOST: usize = 6;

/// The columns from which the amount of a sale is computed.
pub(super) struct Amounts<'t> {
    pub(super) total: &'t SampleColumn<'t>,
    /// Columns that could be the amount as well, with other values or possibly so.
    pub(super) rivals: Vec<&'t SampleColumn<'t>>,
    /// The parts that may be inside the amount and are not part of the sale.
    pub(super) parts: Vec<Component<'t>>,
    /// A column of tax that is the tax on a fee, and the column of that fee.
    pub(super) tax_on_fee: Option<[&'t SampleColumn<'t>; 2]>,
    pub(super) refunded: Option<&'t SampleColumn<'t>>,
    /// Money that went out, in a list in which the total is money that came in.
    pub(super) money_out: Option<&'t SampleColumn<'t>>,
    /// The format of all of these amounts.
    pub(super) written: WrittenAmounts,
}

/// A column of tax, shipping or a tip.
pub(super) struct Component<'t> {
    /// The name of the column in a profile, which is also the word for it.
    pub(super) key: &'static str,
    pub(super) column: &'t SampleColumn<'t>,
    pub(super) part: AmountPart,
}

/// Tells if a part is inside the total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum AmountPart {
    /// The part is inside, for this reason.
    Inside(String),
    /// The part is not inside, for this reason.
    Outside(String),
    /// Nothing in the sample decides it.
    Unknown,
}

/// The columns that could be amounts.
struct AmountColumns<'t> {
    totals: Vec<(usize, &'t SampleColumn<'t>)>,
    subtotals: Vec<&'t SampleColumn<'t>>,
    /// The columns of tax, shipping and tip.
    parts: Vec<(&'static str, &'t SampleColumn<'t>)>,
    discounts: Vec<&'t SampleColumn<'t>>,
    fee: Option<&'t SampleColumn<'t>>,
    /// Money that went out, if the total is money that came in.
    money_out: Option<&'t SampleColumn<'t>>,
}

/// Finds the amount; returns `None` if no column could be it. `currency` is the currency of most
/// rows, and `rows` are those that may be events.
pub(super) fn amounts<'t>(
    table: &'t SampleTable<'t>,
    currency: Currency,
    rows: &[usize],
    is_free: &dyn Fn(&SampleColumn<'_>) -> bool,
) -> Option<Amounts<'t>> {
    let free = FreeAmounts { table, is_free };
    let mut candidates = AmountColumns::new(&free);
    let refunded = free.refunded(&candidates);
    let money_out = candidates.money_out;
    let all = candidates.all().chain(refunded).chain(money_out);
    let written = written(all.flat_map(|column| column.proofs().collect::<Vec<_>>()))?;
    let books = SampleAmounts {
        format: written.format().clone(),
        currency,
        rows,
    };
    let tax_on_fee = candidates.take_tax_on_fee(&books);
    candidates.drop_without_fee(&books);
    let (total, rivals, places) = candidates
        .proven(&books)
        .or_else(|| candidates.guessed(&books))?;
    let parts = candidates.parts.iter().zip(places);
    Some(Amounts {
        total,
        rivals,
        parts: parts
            .map(|(&(key, column), part)| Component { key, column, part })
            .collect(),
        tax_on_fee,
        refunded,
        money_out,
        written,
    })
}

/// The columns of amounts that are free.
struct FreeAmounts<'f, 't> {
    table: &'t SampleTable<'t>,
    is_free: &'f dyn Fn(&SampleColumn<'_>) -> bool,
}

impl<'t> FreeAmounts<'_, 't> {
    /// Returns those with one of these names, with their ranks, the likeliest first.
    fn named(&self, names: &NameTiers) -> Vec<(usize, &'t SampleColumn<'t>)> {
        self.table.named(names, |column| {
            column.has_amounts() && (self.is_free)(column)
        })
    }

    /// Returns the likeliest of those with one of these names.
    fn first(&self, names: &NameTiers) -> Option<&'t SampleColumn<'t>> {
        self.named(names).first().map(|(_, column)| *column)
    }

    /// Returns the likeliest of those that may be how much was refunded: a number of refunds, a rate or the id of a sale is
    /// not.
    fn refunded(&self, candidates: &AmountColumns<'t>) -> Option<&'t SampleColumn<'t>> {
        let total = candidates.totals.first().map(|(_, column)| *column);
        let is_money = |column: &SampleColumn<'_>| {
            is_amount_by_name(column.header)
                || total.is_none_or(|total| looks_like_money(column, total))
        };
        let named = self.named(&names::REFUNDED).into_iter();
        let mut named = named.map(|(_, column)| column).filter(|column| {
            !names::is_rate(column.header) && names::SALE_ID.rank(column.header).is_none()
        });
        named.find(|column| is_money(column))
    }

    /// Returns the likeliest column of tax amounts: one of rates is not.
    fn tax(&self, totals: &[(usize, &'t SampleColumn<'t>)]) -> Option<&'t SampleColumn<'t>> {
        let named = self.named(&names::TAX).into_iter();
        let mut named = named.map(|(_, column)| column);
        let total = totals.first().map(|(_, column)| *column);
        named.find(|column| !is_tax_rate(column, total))
    }

    /// Returns the likeliest of those whose whole name is one of these.
    fn whole(&self, names: &NameTiers) -> Option<&'t SampleColumn<'t>> {
        let mut named = self.named(names).into_iter();
        let whole = named.find(|(rank, _)| NameTiers::is_whole(*rank));
        whole.map(|(_, column)| column)
    }

    /// Returns those that could be what the customer paid.
    fn totals(&self) -> Vec<(usize, &'t SampleColumn<'t>)> {
        let mut totals = self.named(&names::TOTAL);
        // What is still due, or was refunded, is not what was paid: where it is as much, nothing was.
        totals.retain(|(_, column)| {
            names::DUE.rank(column.header).is_none() && !names::is_of_refunds(column.header)
        });
        if totals.iter().any(|(rank, _)| NameTiers::tier(*rank) < 2) {
            // The price of a unit is not what was paid.
            totals.retain(|(rank, _)| NameTiers::tier(*rank) < 2);
        }
        totals
    }
}

/// The name of the column of a tax in a profile.
pub(super) const TAX: &str = "tax";

/// Returns `true` if a name says that it is an amount.
fn is_amount_by_name(header: &str) -> bool {
    let of = "amount, total, betrag, montant, importe, importo, bedrag, valor, kwota, summe, sum";
    names::words_of(header)
        .split(' ')
        .any(|word| names::is_in(of, word))
}

/// Returns `true` if a column of taxes has their rates: its name says so, or its numbers are no money beside the amounts.
pub(super) fn is_tax_rate(column: &SampleColumn<'_>, total: Option<&SampleColumn<'_>>) -> bool {
    let is_percent = column.is_all(|cell| cell.ends_with('%'));
    // `0.19` of 119.00 is no tax that somebody paid, and neither is `19` beside amounts with decimals.
    let is_fraction = || {
        column.is_all(|cell| {
            cell.starts_with("0.") || cell.starts_with("0,") || numbers::is_zero(cell)
        })
    };
    let is_whole = || total.is_some_and(|total| !looks_like_money(column, total));
    let is_small = || {
        column
            .words()
            .is_some_and(|words| words.len() <= RATES_MOST)
    };
    names::is_rate(column.header)
        || is_percent
        || !is_amount_by_name(column.header) && is_small() && (is_whole() || is_fraction())
}

/// The amount, its rivals, and for each part if it is inside.
type AmountChoice<'t> = (
    &'t SampleColumn<'t>,
    Vec<&'t SampleColumn<'t>>,
    Vec<AmountPart>,
);

impl<'t> AmountColumns<'t> {
    /// Finds the candidates by their names. No column is a total and a part of it.
    fn new(free: &FreeAmounts<'_, 't>) -> Self {
        let mut totals = free.totals();
        let money_out = match (totals.is_empty(), free.whole(&names::MONEY_IN)) {
            (true, Some(money_in)) => {
                let out = free.whole(&names::MONEY_OUT);
                totals.extend(out.map(|_| (0, money_in)));
                out
            }
            _ => None,
        };
        let fee = free.first(&names::FEE);
        let subtotals = free.named(&names::SUBTOTAL).into_iter();
        // After a fee, `Net` is what the merchant receives.
        let subtotals = subtotals.filter(|(rank, _)| fee.is_none() || NameTiers::tier(*rank) == 0);
        let parts: Vec<(&'static str, &'t SampleColumn<'t>)> = [
            (TAX, free.tax(&totals)),
            ("shipping", free.first(&names::SHIPPING)),
            ("tip", free.first(&names::TIP)),
        ]
        .into_iter()
        .filter_map(|(key, column)| Some((key, column?)))
        .collect();
        let taken: Vec<&str> = parts
            .iter()
            .map(|(_, column)| column.header)
            .chain(fee.map(|fee| fee.header))
            .collect();
        totals.retain(|(_, column)| !taken.contains(&column.header));
        let discounts = free.named(&names::DISCOUNT).into_iter();
        AmountColumns {
            totals,
            subtotals: subtotals.map(|(_, column)| column).collect(),
            parts,
            discounts: discounts.map(|(_, column)| column).collect(),
            fee,
            money_out,
        }
    }

    fn all(&self) -> impl Iterator<Item = &'t SampleColumn<'t>> {
        let totals = self.totals.iter().map(|(_, column)| *column);
        let parts = self.parts.iter().map(|(_, column)| *column);
        totals
            .chain(self.subtotals.clone())
            .chain(parts)
            .chain(self.discounts.iter().copied())
    }

    fn tax(&self) -> Option<&'t SampleColumn<'t>> {
        let (_, column) = self.parts.iter().find(|(key, _)| *key == TAX)?;
        Some(*column)
    }

    /// Removes the tax from the parts if it is the tax on the fee, and returns both columns.
    fn take_tax_on_fee(&mut self, books: &SampleAmounts<'_>) -> Option<[&'t SampleColumn<'t>; 2]> {
        let (tax, fee) = (self.tax()?, self.fee?);
        let is_on_fee = books.place_of_tax(fee, tax, FEE_CENTS_LEAST) != AmountPart::Unknown;
        let mut totals = self.totals.iter();
        let is_on_total = totals.any(|(_, total)| {
            books.place_of_tax(total, tax, RATE_CENTS_LEAST) != AmountPart::Unknown
        });
        if !is_on_fee || is_on_total {
            return None;
        }
        self.parts.retain(|(key, _)| *key != TAX);
        Some([tax, fee])
    }

    /// Returns the other columns that could be the amount of a sale: those whose whole name says
    /// so, and those whose name says so among other words and whose values differ.
    fn rivals(
        &self,
        total: &SampleColumn<'_>,
        taken: &[&SampleColumn<'_>],
    ) -> Vec<&'t SampleColumn<'t>> {
        let totals = self.totals.iter().filter(|(rank, column)| {
            let is_taken = taken.iter().any(|taken| taken.header == column.header);
            !is_taken && (NameTiers::is_whole(*rank) || column.cells != total.cells)
        });
        totals.map(|(_, column)| *column).collect()
    }

    /// Removes columns with the merchant's share after the fee: no customer paid that.
    fn drop_without_fee(&mut self, books: &SampleAmounts<'_>) {
        let Some(fee) = self.fee else { return };
        let totals: Vec<&SampleColumn<'_>> =
            self.totals.iter().map(|(_, column)| *column).collect();
        // Fees are written with or without a minus.
        let is_left = |net: &SampleColumn<'_>, total: &SampleColumn<'_>| {
            books.is_sum(total, net, &[fee], None) || books.is_sum(net, total, &[fee], None)
        };
        self.subtotals
            .retain(|net| !totals.iter().any(|total| is_left(net, total)));
    }

    /// Finds two amounts of which one is the other plus tax, shipping or a tip in every row; the
    /// more parts, the better.
    fn proven(&self, books: &SampleAmounts<'_>) -> Option<AmountChoice<'t>> {
        let with: Vec<&'t SampleColumn<'t>> = self
            .parts
            .iter()
            .map(|(_, column)| *column)
            .filter(|column| !books.is_nothing(column))
            .collect();
        let mut subsets: Vec<Vec<&'t SampleColumn<'t>>> = (1..1_usize << with.len())
            .map(|bits| {
                let chosen = with
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| bits & (1 << at) != 0);
                chosen.map(|(_, column)| *column).collect()
            })
            .collect();
        subsets.sort_by_key(|subset| with.len() - subset.len());
        let discounts = self.discounts.iter().map(|column| Some(*column));
        let minuses: Vec<Option<&SampleColumn<'_>>> =
            std::iter::once(None).chain(discounts).collect();
        for plus in &subsets {
            for (_, total) in &self.totals {
                let totals = self.totals.iter().map(|(_, column)| *column);
                for net in self.subtotals.iter().copied().chain(totals) {
                    if net.header == total.header {
                        continue;
                    }
                    let mut ways = minuses.iter();
                    if let Some(minus) = ways.find(|minus| books.is_sum(total, net, plus, **minus))
                    {
                        return Some(self.of_sum(total, net, plus, *minus));
                    }
                }
            }
        }
        None
    }

    fn of_sum(
        &self,
        total: &'t SampleColumn<'t>,
        net: &'t SampleColumn<'t>,
        plus: &[&'t SampleColumn<'t>],
        minus: Option<&SampleColumn<'_>>,
    ) -> AmountChoice<'t> {
        let names: Vec<String> = plus.iter().map(|column| shown(column.header)).collect();
        let less = minus.map_or(String::new(), |minus| format!(" - {}", shown(minus.header)));
        let sum = format!(
            "in every row {} = {} + {}{less}",
            shown(total.header),
            shown(net.header),
            names.join(" + ")
        );
        let place = |column: &SampleColumn<'_>| {
            if plus.iter().any(|part| part.header == column.header) {
                AmountPart::Inside(sum.clone())
            } else {
                AmountPart::Unknown
            }
        };
        let places = self.parts.iter().map(|(_, column)| place(column));
        (total, self.rivals(total, &[total, net]), places.collect())
    }

    /// Returns the column with the best name, and further evidence of where the tax is.
    fn guessed(&self, books: &SampleAmounts<'_>) -> Option<AmountChoice<'t>> {
        let named = self.totals.first().map(|(_, column)| *column);
        let total = named.or(self.subtotals.first().copied())?;
        let mut rivals = self.rivals(total, &[total]);
        let others = self.subtotals.iter().copied();
        rivals.extend(others.filter(|other| other.header != total.header));
        let place = |(key, column): &(&str, &SampleColumn<'_>)| match *key {
            TAX => books.place_of_tax(total, column, RATE_CENTS_LEAST),
            _ => AmountPart::Unknown,
        };
        Some((total, rivals, self.parts.iter().map(place).collect()))
    }
}

/// The amounts of the sample in minor units.
struct SampleAmounts<'b> {
    format: AmountFormat,
    currency: Currency,
    /// The rows that may be events.
    rows: &'b [usize],
}

impl SampleAmounts<'_> {
    /// Returns the amount of a cell; `None` if the cell is not an amount, and 0 if it is empty.
    fn cents(&self, column: &SampleColumn<'_>, row: usize) -> Option<i64> {
        match column.cells.get(row).copied().unwrap_or_default() {
            "" => Some(0),
            text => self
                .format
                .parse(text, self.currency)
                .ok()
                .map(|amount| amount.cents()),
        }
    }

    fn is_nothing(&self, column: &SampleColumn<'_>) -> bool {
        let mut rows = self.rows.iter();
        rows.all(|&row| self.cents(column, row) == Some(0))
    }

    /// Returns `true` if `total` = `net` + `plus` - `minus` in every row, and each of them is not
    /// zero in some row.
    fn is_sum(
        &self,
        total: &SampleColumn<'_>,
        net: &SampleColumn<'_>,
        plus: &[&SampleColumn<'_>],
        minus: Option<&SampleColumn<'_>>,
    ) -> bool {
        let counts = |column: &&SampleColumn<'_>| !self.is_nothing(column);
        if !plus.iter().chain(minus.iter()).all(counts) {
            return false;
        }
        let mut rows = self.rows.iter().filter(|&&row| !total.cell(row).is_empty());
        let holds = |row: usize| -> Option<bool> {
            let mut sum = self.cents(net, row)?;
            for part in plus {
                sum = sum.checked_add(self.cents(part, row)?)?;
            }
            if let Some(minus) = minus {
                // Discounts are written with or without a minus.
                sum = sum.checked_sub(self.cents(minus, row)?.checked_abs()?)?;
            }
            Some(sum == self.cents(total, row)?)
        };
        rows.all(|&row| holds(row) == Some(true))
    }

    /// Decides where the tax is if every row is taxed at the same rate. `least` is the amount that
    /// one of them must have.
    fn place_of_tax(
        &self,
        total: &SampleColumn<'_>,
        tax: &SampleColumn<'_>,
        least: i64,
    ) -> AmountPart {
        let rows = self.rows.iter();
        let pairs = rows.filter_map(|&row| {
            let (total, tax) = (self.cents(total, row)?, self.cents(tax, row)?);
            Some((total.checked_abs()?, tax.checked_abs()?))
        });
        let taxed: Vec<(i64, i64)> = pairs.filter(|(_, tax)| *tax > 0).collect();
        let is_telling = taxed.iter().any(|(total, _)| *total >= least);
        if taxed.len() < RATE_ROWS_LEAST || !is_telling {
            return AmountPart::Unknown;
        }
        let rates: Vec<i64> = (1..=30)
            .map(|percent| percent * 10)
            .chain(ODD_RATES)
            .collect();
        // The tax is rounded to a cent, and so is the amount without it.
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
            (Some(&rate), None) => AmountPart::Outside(format!(
                "in every row {tax} is {} of {total}",
                percent(rate)
            )),
            (None, Some(&rate)) => AmountPart::Inside(format!(
                "in every row {tax} is {} of {total} less {tax}",
                percent(rate)
            )),
            _ => AmountPart::Unknown,
        }
    }
}
