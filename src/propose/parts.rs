//! Finds the columns of money beside the amount that may change what the customer paid: what is still due, what was
//! refunded, a discount, and columns whose name says nothing.
//!
//! A column is found by its name, or by its values: each of them is between zero and the amount of its row, and some are
//! zero. Nothing is computed with it: its rows are a question.

use super::amount::{Amounts, TAX, is_tax_rate};
use super::flags::{FlagColumn, FlagQuestion, Marks};
use super::names::{self, NameTiers};
use super::numbers::{self, written};
use super::table::{SampleColumn, SampleTable, looks_like_money};
use super::taken::Taken;
use crate::event::{AmountFormat, Currency};

/// Words of a column of taxes for a row without any.
const UNTAXED: &str = "exempt, tax exempt, zero rated, reverse charge, steuerfrei, exonéré, exento, esente, vrijgesteld, isento";
/// The greatest number of pieces in a column that is recognised by its cells.
const PIECES_MOST: u32 = 999;

/// The sample as amounts: what its columns of money have in the rows that may be events.
pub(super) struct MoneyTable<'m, 't> {
    table: &'t SampleTable<'t>,
    rows: &'m [usize],
    /// The currency of most rows.
    currency: Currency,
    /// `true` if another column says which rows were paid.
    is_paid_said: bool,
}

/// What the values of a column are beside the amounts.
#[derive(Clone, Copy, Debug, Default)]
struct Values {
    /// The number of rows in which it is zero or empty.
    zero: usize,
    /// The number of rows in which it is as much as the amount.
    whole: usize,
    /// The number of other rows in which it is between zero and the amount.
    between: usize,
    /// The number of rows in which it is more than the amount.
    more: usize,
}

impl Values {
    fn is_inside(self) -> bool {
        self.more == 0 && self.whole + self.between > 0
    }
}

impl<'m, 't> MoneyTable<'m, 't> {
    pub(super) fn new(
        table: &'t SampleTable<'t>,
        rows: &'m [usize],
        currency: Currency,
        is_paid_said: bool,
    ) -> Self {
        MoneyTable {
            table,
            rows,
            currency,
            is_paid_said,
        }
    }

    /// Returns the questions of all such columns, and adds those that may be the amount itself to its rivals.
    pub(super) fn open_parts(
        &self,
        amounts: &mut Amounts<'t>,
        taken: &Taken<'t>,
    ) -> Vec<FlagColumn<'t>> {
        let total = amounts.total;
        let mut flags = Vec::new();
        for column in self
            .table
            .columns
            .iter()
            .filter(|column| taken.is_free(column))
        {
            if amounts
                .rivals
                .iter()
                .any(|rival| rival.header == column.header)
            {
                continue;
            }
            if is_of_a_unit(total) && is_quantity(column) {
                flags.push(quantity(column));
                continue;
            }
            let is_number = names::QUANTITY.rank(column.header).is_some();
            if is_number && !names::is_of_refunds(column.header) {
                continue;
            }
            if let Some(rate) = self.tax_rate(amounts, column) {
                flags.push(rate);
                continue;
            }
            let is_discount = names::DISCOUNT.rank(column.header).is_some();
            if is_discount && column.is_all(|cell| cell.ends_with('%')) {
                let is_before = !names::is_after_discounts(total.header);
                flags.extend(is_before.then(|| percentage(column)));
                continue;
            }
            if !column.has_amounts() || column.days().is_some() {
                continue;
            }
            if is_discount {
                if !self.is_after(amounts, column) {
                    flags.push(flag(column, FlagQuestion::Discount, Marks::Amount));
                }
                continue;
            }
            let Some(values) = self.values(total, column) else {
                continue;
            };
            if let Some(found) = self.open_part(amounts, column, values) {
                match found {
                    Part::Rival => amounts.rivals.push(column),
                    Part::Open(question, marks) => flags.push(flag(column, question, marks)),
                }
            }
        }
        flags
    }

    /// Returns the question about a column that says that a row is taxed, and not how much the tax is.
    fn tax_rate(
        &self,
        amounts: &Amounts<'_>,
        column: &'t SampleColumn<'t>,
    ) -> Option<FlagColumn<'t>> {
        let is_of_tax = names::TAX_RATE.rank(column.header).is_some();
        let is_net = names::SUBTOTAL
            .rank(amounts.total.header)
            .is_some_and(NameTiers::is_surest);
        let is_known =
            amounts.tax_on_fee.is_some() || amounts.parts.iter().any(|part| part.key == TAX);
        if !is_of_tax || is_net || is_known || column.days().is_some() || column.filled() == 0 {
            return None;
        }
        if column.has_amounts() && !is_tax_rate(column, Some(amounts.total)) {
            return None;
        }
        let words = column.words()?;
        let is_untaxed = |word: &&str| {
            numbers::is_zero(word.trim_end_matches(['%', ' ']))
                || names::is_in(names::NO, &word.to_lowercase())
                || names::is_in(UNTAXED, &word.to_lowercase())
        };
        let marks = Marks::Words {
            payment: words.into_keys().filter(is_untaxed).collect(),
            excluded: Vec::new(),
        };
        Some(flag(column, FlagQuestion::Tax, marks))
    }

    fn open_part(
        &self,
        amounts: &Amounts<'_>,
        column: &SampleColumn<'_>,
        values: Values,
    ) -> Option<Part<'t>> {
        let header = column.header;
        let is_weak = is_weak(amounts.total);
        let has_zero = values.zero > 0 && values.is_inside();
        if names::DUE.rank(header).is_some() {
            // An invoice that is paid may still say what was due at first.
            let is_first = values.whole * 2 > self.rows.len() || values.zero == 0;
            let is_open = !(self.is_paid_said && is_first);
            let is_due = is_open && (names::is_surely_due(header) || values.more == 0);
            return is_due.then_some(Part::Open(FlagQuestion::Due, Marks::Amount));
        }
        if names::is_of_refunds(header) {
            let question = if looks_like_money(column, amounts.total) {
                FlagQuestion::Part
            } else {
                FlagQuestion::Refunded
            };
            let is_open = amounts.refunded.is_none();
            return is_open.then_some(Part::Open(question, Marks::Amount));
        }
        if names::is_beside_the_amount(header) || !looks_like_money(column, amounts.total) {
            return None;
        }
        if names::is_received(header) {
            let is_rival = values.is_inside() && column.cells != amounts.total.cells;
            return is_rival.then_some(Part::Rival);
        }
        let is_open = has_zero || is_weak && values.is_inside() && values.between > 0;
        let marks = match values.whole {
            0 => Marks::Amount,
            _ => Marks::Any,
        };
        is_open.then_some(Part::Open(FlagQuestion::Part, marks))
    }

    /// Compares a column with the amounts of the rows; `None` if a value can't be read.
    fn values(&self, total: &SampleColumn<'_>, column: &SampleColumn<'_>) -> Option<Values> {
        let (of_total, of_column) = (format_of(total)?, format_of(column)?);
        let mut values = Values::default();
        for &row in self.rows {
            let whole = self.cents(&of_total, total, row)?;
            match self.cents(&of_column, column, row)? {
                0 => values.zero += 1,
                part if part == whole => values.whole += 1,
                part if part < whole => values.between += 1,
                _ => values.more += 1,
            }
        }
        Some(values)
    }

    /// Returns the amount of a cell without its sign; 0 if the cell is empty.
    fn cents(&self, format: &AmountFormat, column: &SampleColumn<'_>, row: usize) -> Option<u64> {
        match column.cell(row) {
            "" => Some(0),
            cell => {
                let amount = format.parse(cell, self.currency).ok()?;
                Some(amount.cents().unsigned_abs())
            }
        }
    }

    /// Returns `true` if a discount is off the amount already: its name says so, or the amount is another column, and
    /// parts such as tax, less the discount in each row.
    fn is_after(&self, amounts: &Amounts<'_>, discount: &SampleColumn<'_>) -> bool {
        if names::is_after_discounts(amounts.total.header) {
            return true;
        }
        let parts: Vec<&SampleColumn<'_>> = amounts.parts.iter().map(|part| part.column).collect();
        let subsets = 0..1_usize << parts.len();
        let mut others = self.table.columns.iter().filter(|other| {
            other.header != amounts.total.header
                && other.header != discount.header
                && other.has_amounts()
        });
        others.any(|other| {
            subsets.clone().any(|bits| {
                let chosen: Vec<_> = parts
                    .iter()
                    .enumerate()
                    .filter(|(at, _)| bits & (1 << at) != 0)
                    .map(|(_, column)| *column)
                    .collect();
                self.is_less(amounts.total, (other, &chosen), discount) == Some(true)
            })
        })
    }

    /// Returns `true` if `total` is `other` and `parts` less `discount` in each row.
    fn is_less(
        &self,
        total: &SampleColumn<'_>,
        (other, parts): (&SampleColumn<'_>, &[&SampleColumn<'_>]),
        discount: &SampleColumn<'_>,
    ) -> Option<bool> {
        let format = format_of(total)?;
        for &row in self.rows {
            let of = |column: &SampleColumn<'_>| self.cents(&format, column, row);
            let mut sum = of(other)?;
            for part in parts {
                sum = sum.checked_add(of(part)?)?;
            }
            if Some(of(total)?) != sum.checked_sub(of(discount)?) {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// What a column of money is beside the amount.
enum Part<'t> {
    /// It may be what was paid.
    Rival,
    Open(FlagQuestion, Marks<'t>),
}

fn flag<'t>(
    column: &'t SampleColumn<'t>,
    question: FlagQuestion,
    marks: Marks<'t>,
) -> FlagColumn<'t> {
    FlagColumn {
        column,
        question,
        marks,
    }
}

fn format_of(column: &SampleColumn<'_>) -> Option<AmountFormat> {
    Some(written(column.proofs())?.format().clone())
}

/// Returns `true` if the amount has only the name of a price, or of an amount before something.
fn is_weak(total: &SampleColumn<'_>) -> bool {
    let rank = names::TOTAL.rank(total.header);
    rank.is_none_or(|rank| NameTiers::tier(rank) == 2)
}

/// Returns `true` if the amount may be that of one piece of several.
fn is_of_a_unit(total: &SampleColumn<'_>) -> bool {
    let rank = names::TOTAL.rank(total.header);
    rank.is_some_and(|rank| NameTiers::tier(rank) == 2)
}

/// Returns `true` if a column has numbers of pieces, by its name or by its cells: small whole numbers, some more than one.
fn is_quantity(column: &SampleColumn<'_>) -> bool {
    let header = column.header;
    if names::QUANTITY.rank(header).is_some() {
        return column.has_amounts();
    }
    let is_small = |cell: &str| matches!(cell.parse(), Ok(1..=PIECES_MOST));
    let is_other = names::is_beside_the_amount(header) || names::is_no_quantity(header);
    let words = column.words().unwrap_or_default();
    !is_other && words.len() > 1 && column.is_all(is_small)
}

/// Reads a column of discounts in percent.
fn percentage<'t>(column: &'t SampleColumn<'t>) -> FlagColumn<'t> {
    let is_nothing = |cell: &&str| numbers::is_zero(cell.trim_end_matches('%'));
    let mut payment: Vec<&'t str> = column.values().map(|(value, _)| value).collect();
    payment.retain(is_nothing);
    payment.push("0%");
    payment.sort_unstable();
    payment.dedup();
    let marks = Marks::Words {
        payment,
        excluded: Vec::new(),
    };
    flag(column, FlagQuestion::Discount, marks)
}

/// Reads a column of numbers of pieces: with one piece, its price is the amount.
fn quantity<'t>(column: &'t SampleColumn<'t>) -> FlagColumn<'t> {
    let is_one = |cell: &str| {
        let (whole, fraction) = cell.split_once(['.', ',']).unwrap_or((cell, ""));
        whole == "1" && fraction.bytes().all(|digit| digit == b'0')
    };
    let mut payment: Vec<&'t str> = column.values().map(|(value, _)| value).collect();
    payment.retain(|value| is_one(value));
    payment.push("1");
    payment.sort_unstable();
    payment.dedup();
    let marks = Marks::Words {
        payment,
        excluded: Vec::new(),
    };
    flag(column, FlagQuestion::Quantity, marks)
}
