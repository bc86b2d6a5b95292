//! Reads the money of a row: amounts, their signs and parts, and the currency.

use super::{Classifier, cell};
use crate::event::{AmountError, AmountFormat, Currency, Kind, Money, ParsedAmount};
use crate::export::Row;
use crate::problem::{Problem, ProblemCode};
use crate::profile::{AmountRule, ColumnIndex, Convention, EventRule, Sign};

/// The sign of an amount that may be written with either one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeenSign {
    pub(crate) column: ColumnIndex,
    pub(crate) is_minus: bool,
}

impl SeenSign {
    /// Creates a rule for the sign of an amount; `None` for zero, which has no sign.
    fn new(column: ColumnIndex, sign: i64) -> Option<Self> {
        (sign != 0).then_some(SeenSign {
            column,
            is_minus: sign < 0,
        })
    }
}

/// The part of a minor unit that sums of an order may be off by, since each is rounded.
const ROUNDING_CENTS: i64 = 1;

/// The money of an event, as a row has it.
pub(super) struct MoneyRead {
    /// The amount that counts.
    pub(super) money: Money,
    /// The whole amount that was paid, where it differs from `money`.
    pub(super) gross_cents: Option<i64>,
    /// The part of `money` below a minor unit, in units of the currency's last decimal.
    pub(super) rest: Option<u32>,
    /// A note on the amount, where the row alone did not decide it.
    pub(super) note: Option<String>,
}

/// The parts of an amount: the row that has them, and how it writes them.
#[derive(Clone, Copy)]
struct AmountParts<'r> {
    row: &'r Row,
    currency: Currency,
    /// The sign that all of them have.
    sign: i64,
}

impl Classifier<'_> {
    /// Reads the amount of an event, if its kind has one. A running total is the sum of all refunds
    /// so far: the sale decides how much of it counts.
    pub(super) fn money(
        &self,
        rule: &EventRule,
        row: &Row,
    ) -> Result<Option<MoneyRead>, Box<Problem>> {
        let Some(amount) = &rule.amount else {
            return Ok(None);
        };
        let column = amount.column;
        let currency = self.currency(row)?;
        let (whole, parts) = self.whole(amount, row, currency)?;
        let mut note = None;
        let parsed = match (rule.is_running_total, amount.is_less_tax) {
            (true, _) => whole,
            (false, false) => self.less(whole, amount, parts)?,
            (false, true) => {
                let (parsed, why) = self.less_tax(whole, row, currency)?;
                note = why;
                parsed
            }
        };
        let value = self.text(row, column);
        if parsed.cents() <= 0 {
            return Err(Box::new(self.not_positive(rule, column, value)));
        }
        let gross_cents = match &rule.gross {
            None => whole.cents(),
            Some(gross) => self.gross(rule, gross, row, currency)?,
        };
        let money = Money {
            amount_cents: parsed.cents(),
            currency,
        };
        if rule.kind == Kind::Sale && parsed.cents() > gross_cents.saturating_add(ROUNDING_CENTS) {
            return Err(Box::new(self.above_paid(column, value, money, gross_cents)));
        }
        Ok(Some(MoneyRead {
            money,
            gross_cents: Some(gross_cents).filter(|gross| *gross != parsed.cents()),
            rest: u32::try_from(parsed.rest()).ok().filter(|rest| *rest != 0),
            note,
        }))
    }

    /// Returns the problem of a sale that comes to more than was paid.
    fn above_paid(
        &self,
        column: ColumnIndex,
        value: &str,
        sale: Money,
        gross_cents: i64,
    ) -> Problem {
        let paid = Money {
            amount_cents: gross_cents,
            ..sale
        };
        let message = format!("the sale comes to {sale}, and {paid} was paid");
        self.cell_error(ProblemCode::AmountAbovePaid, column, value, &message)
            .hint("look up the order: a gift card, a discount or a fee may be in no column that is read; write what was paid for the goods into the row")
    }

    /// Returns the problem of an amount without a column, which is missing in every row.
    fn no_amount_column(&self, column: ColumnIndex) -> Problem {
        let column = &self.profile.columns[column];
        let headers: Vec<_> = column
            .headers
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let message = format!(
            "no column has the amount: the header has no {}",
            headers.join(" or ")
        );
        Problem::error(ProblemCode::AmountColumnMissing, message).hint(format!(
            "set the column that has it: `{} = \"HEADER\"` under `[exports.{}.columns]`{}",
            column.name,
            self.own_table(),
            self.extending()
        ))
    }

    fn not_positive(&self, rule: &EventRule, column: ColumnIndex, value: &str) -> Problem {
        let message = format!("the amount of a {} must be above zero", rule.kind);
        self.cell_error(ProblemCode::AmountNotPositive, column, value, &message)
            .hint(match (rule.kind, value.trim_start_matches(['-', '−', '(', ' '])) {
                (Kind::Refund, amount) if amount != value => format!(
                    "the amount of a refund has no sign in this file: write `{}` into the row",
                    amount.trim_end_matches(')')
                ),
                _ => "if money was refunded, make the row a refund, with the id of its sale and the amount without a sign; else look up the amount and correct it".to_owned(),
            })
    }

    /// Returns the whole amount that was paid, which must be above zero.
    fn gross(
        &self,
        rule: &EventRule,
        amount: &AmountRule,
        row: &Row,
        currency: Currency,
    ) -> Result<i64, Box<Problem>> {
        let (whole, parts) = self.whole(amount, row, currency)?;
        let cents = self.less(whole, amount, parts)?.cents();
        match cents {
            1.. => Ok(cents),
            _ => {
                let value = self.text(row, amount.column);
                Err(Box::new(self.not_positive(rule, amount.column, value)))
            }
        }
    }

    /// Returns an amount before its `minus` is subtracted, above zero by the rule's convention, and
    /// how its parts are written.
    fn whole<'r>(
        &self,
        rule: &AmountRule,
        row: &'r Row,
        currency: Currency,
    ) -> Result<(ParsedAmount, AmountParts<'r>), Box<Problem>> {
        let sum = self.amount(row, rule.column, currency)?;
        let sign = match rule.convention {
            Convention::Positive => 1,
            Convention::Negative => -1,
            Convention::Any => {
                self.seen_sign.set(SeenSign::new(rule.column, sum.sign()));
                sum.sign()
            }
        };
        if rule.convention == Convention::Negative && sum.sign() > 0 {
            return Err(Box::new(self.wrong_sign(
                row,
                rule.column,
                "this export writes such amounts with a minus",
            )));
        }
        let parts = AmountParts {
            row,
            currency,
            sign,
        };
        let sum = self.add_parts(sum.times(sign), 1, &rule.plus, parts)?;
        Ok((sum, parts))
    }

    /// Returns the sign of an amount of the row classified last, if the export may write it with either one.
    /// What of it counts depends on the other rows of the export.
    pub(crate) fn take_seen_sign(&self) -> Option<SeenSign> {
        self.seen_sign.take()
    }

    /// Returns why a refund is rejected if the export writes some with a minus and some without.
    pub(crate) fn reason_of_mixed_sign(&self, row: &Row, column: ColumnIndex) -> String {
        let message = "the export writes refunds with a minus and without one";
        let value = self.text(row, column);
        let problem = self.cell_error(ProblemCode::AmountSign, column, value, message);
        problem.reason()
    }

    /// Says that refunds of an export have both signs: those with a minus may be refunds that were reversed,
    /// or the others may.
    pub(crate) fn mixed_signs(&self, column: ColumnIndex, rows: u64, lines: [u64; 2]) -> Problem {
        let [with, without] = lines;
        let name = self.header_name(column);
        let message = format!(
            "{rows} rows are rejected: refunds have a minus in `{name}`, as in line {with}, and none, as in line {without}"
        );
        Problem::error(ProblemCode::AmountSign, message).hint(
            "look these rows up at the provider; in the report's file of rejected rows, remove those that are not refunds, write the amounts of the others all with a minus or all without, and run that file",
        )
    }

    /// Returns an amount without its `minus`.
    fn less(
        &self,
        whole: ParsedAmount,
        rule: &AmountRule,
        parts: AmountParts<'_>,
    ) -> Result<ParsedAmount, Box<Problem>> {
        self.add_parts(whole, -1, &rule.minus, parts)
    }

    fn add_parts(
        &self,
        mut sum: ParsedAmount,
        factor: i64,
        columns: &[ColumnIndex],
        parts: AmountParts<'_>,
    ) -> Result<ParsedAmount, Box<Problem>> {
        for &column in columns {
            let part = self.part(column, parts)?;
            sum = sum
                .checked_add(part.times(factor))
                .ok_or_else(|| Box::new(self.too_large(parts.row, column)))?;
        }
        Ok(sum)
    }

    /// Returns a part of an amount, and zero if the cell is empty. It has the sign of the whole.
    fn part(
        &self,
        column: ColumnIndex,
        AmountParts {
            row,
            currency,
            sign,
        }: AmountParts<'_>,
    ) -> Result<ParsedAmount, Box<Problem>> {
        if self.text(row, column).is_empty() {
            return Ok(ParsedAmount::ZERO);
        }
        let part = self.amount(row, column, currency)?.times(sign);
        if part.sign() < 0 {
            return Err(Box::new(self.wrong_sign(
                row,
                column,
                "this part of the amount has another sign than the whole",
            )));
        }
        Ok(part)
    }

    fn too_large(&self, row: &Row, column: ColumnIndex) -> Problem {
        let value = self.text(row, column);
        self.cell_error(
            ProblemCode::AmountInvalid,
            column,
            value,
            "the amount is too large",
        )
        .hint("look the amount up at the provider, and correct it")
    }

    fn wrong_sign(&self, row: &Row, column: ColumnIndex, message: &str) -> Problem {
        let value = self.text(row, column);
        let hint = match value.strip_prefix(['-', '−']) {
            Some(amount) => format!(
                "look the row up at the provider; if this is what was meant, write `{amount}` into the cell"
            ),
            None => format!(
                "look the row up at the provider; if this is what was meant, write `-{value}` into the cell"
            ),
        };
        self.cell_error(ProblemCode::AmountSign, column, value, message)
            .hint(hint)
    }

    /// Checks the refunded total in every row: it must be readable and without a sign, or with the
    /// sign that the export gives it. Otherwise no rule would match, and the refund would be lost.
    pub(super) fn check_totals(&self, row: &Row) -> Result<(), Box<Problem>> {
        for &(column, convention) in &self.profile.totals {
            if self.text(row, column).is_empty() {
                continue;
            }
            let currency = self.currency(row)?;
            let sign = self.amount(row, column, currency)?.sign();
            match convention {
                Convention::Positive if sign < 0 => {
                    return Err(Box::new(self.total_below_zero(row, column)));
                }
                Convention::Negative if sign > 0 => {
                    let message = "this export writes such amounts with a minus";
                    return Err(Box::new(self.wrong_sign(row, column, message)));
                }
                Convention::Positive | Convention::Negative | Convention::Any => {}
            }
        }
        Ok(())
    }

    fn total_below_zero(&self, row: &Row, column: ColumnIndex) -> Problem {
        let name = self.header_name(column);
        let value = self.text(row, column);
        let message = "the refunded amount is below zero";
        self.cell_error(ProblemCode::AmountSign, column, value, message)
            .hint(format!(
                "look up the refunded amount, write it into `{name}` without a sign in the report's file of rejected rows, and run that file"
            ))
    }

    /// Returns the revenue in a cell, in minor units; `None` if the cell is empty.
    pub(super) fn revenue_cents(
        &self,
        column: ColumnIndex,
        row: &Row,
    ) -> Result<Option<i64>, Box<Problem>> {
        if self.text(row, column).is_empty() {
            return Ok(None);
        }
        let currency = self.currency(row)?;
        Ok(Some(self.amount(row, column, currency)?.cents()))
    }

    /// Returns `true` if the amount is the sum of these columns; an empty cell counts as zero.
    pub(super) fn is_sum(
        &self,
        row: &Row,
        column: ColumnIndex,
        parts: &[ColumnIndex],
    ) -> Result<bool, Box<Problem>> {
        let currency = self.currency(row)?;
        let cents = |column: ColumnIndex| -> Result<i128, Box<Problem>> {
            if self.text(row, column).is_empty() {
                return Ok(0);
            }
            Ok(self.amount(row, column, currency)?.minor().into())
        };
        let mut sum = 0;
        for &part in parts {
            sum += cents(part)?;
        }
        Ok(cents(column)? == sum)
    }

    /// Returns the sign of a cell's amount; `None` if it is missing, which is not zero.
    pub(super) fn sign(
        &self,
        row: &Row,
        column: ColumnIndex,
    ) -> Result<Option<Sign>, Box<Problem>> {
        if self.text(row, column).is_empty() {
            return Ok(None);
        }
        let currency = self.currency(row)?;
        Ok(Some(match self.amount(row, column, currency)?.sign() {
            0 => Sign::Zero,
            1.. => Sign::Positive,
            _ => Sign::Negative,
        }))
    }

    /// Returns the row's currency: from its column, else the profile's, else the account's.
    pub(super) fn currency(&self, row: &Row) -> Result<Currency, Box<Problem>> {
        let source = self.profile.currency;
        match source
            .column
            .filter(|&c| self.binding.position(c).is_some())
        {
            None => Ok(source.fixed.unwrap_or(self.account_currency)),
            Some(column) => {
                let value = self.text(row, column);
                self.currency_of(value)
                    .ok_or_else(|| Box::new(self.unknown_currency(column, value)))
            }
        }
    }

    fn unknown_currency(&self, column: ColumnIndex, value: &str) -> Problem {
        let what = Currency::from_code(value).and_then(Currency::not_money);
        let message = match what {
            Some(what) => format!("`{value}` is not money: it is {what}"),
            None => "not an ISO 4217 currency code".to_owned(),
        };
        self.cell_error(ProblemCode::CurrencyUnknown, column, value, &message)
            .hint("use a three-letter code such as `USD`")
    }

    fn currency_of(&self, code: &str) -> Option<Currency> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        if let Some((last, currency)) = self.last_currency.get()
            && last == bytes
        {
            return Some(currency);
        }
        let currency = Currency::from_code(code).filter(|code| code.not_money().is_none())?;
        self.last_currency.set(Some((bytes, currency)));
        Some(currency)
    }

    /// Reads a cell's amount in the format of the profile.
    pub(super) fn amount(
        &self,
        row: &Row,
        column: ColumnIndex,
        currency: Currency,
    ) -> Result<ParsedAmount, Box<Problem>> {
        let value = self.text(row, column);
        if value.is_empty() && self.binding.position(column).is_none() {
            return Err(Box::new(self.no_amount_column(column)));
        }
        let format = self.format(value, currency);
        let parsed = format.parse(value, currency).map_err(|error| {
            let code = match &error {
                AmountError::Thousands { .. } => ProblemCode::AmountAmbiguous,
                _ => ProblemCode::AmountInvalid,
            };
            let hint = match &error {
                AmountError::Thousands { large, small, .. } => {
                    self.thousands_hint(large, small.as_deref())
                }
                AmountError::ZeroGroup(_) => format!(
                    "look up the amount at the provider and write it with the decimal separator `{}`; {}",
                    format.decimal,
                    cell::amount_hint(format, currency)
                ),
                AmountError::Decimals {
                    digits,
                    are_zeros: true,
                    ..
                } => self.decimals_hint(*digits, currency),
                _ => cell::amount_hint(format, currency),
            };
            Box::new(
                self.cell_error(code, column, value, &error.to_string())
                    .hint(hint),
            )
        })?;
        self.see_amount(value, currency);
        Ok(parsed)
    }

    /// Returns the format of the export's amounts, as far as its rows have shown it.
    pub(super) fn format_so_far(&self) -> &AmountFormat {
        match &self.other_format {
            Some(other) if self.has_other_format.get() == Some(true) => other,
            _ => &self.profile.amount_format,
        }
    }

    /// Returns the format of the export's amounts. Until an amount has decided it, one with the
    /// other decimal separator does.
    pub(super) fn format(&self, value: &str, currency: Currency) -> &AmountFormat {
        let usual = &self.profile.amount_format;
        let Some(other) = &self.other_format else {
            return usual;
        };
        let is_other = self.has_other_format.get().or_else(|| {
            let is_written_in = |format: &AmountFormat| {
                value.contains(format.decimal) && format.parse(value, currency).is_ok()
            };
            let is_other = match (is_written_in(usual), is_written_in(other)) {
                (false, true) => Some(true),
                (true, false) => Some(false),
                _ => None,
            };
            self.has_other_format.set(is_other);
            is_other
        });
        match is_other {
            Some(true) => other,
            _ => usual,
        }
    }

    /// Returns a hint how to declare which of the two amounts is meant.
    fn thousands_hint(&self, large: &str, small: Option<&str>) -> String {
        let separator = self.decimal();
        let other = if separator == ',' { '.' } else { ',' };
        let (table, extending) = (self.own_table(), self.extending());
        let small = small.map_or(String::new(), |small| {
            format!("; if it is {small}, set `decimals = 3`")
        });
        format!(
            "look it up at the provider; if it is {large}, set `decimal = \"{other}\"` and `thousands = \"{separator}\"`{small}, under `[exports.{table}.money.format]`{extending}"
        )
    }

    /// Returns the format of the export's amounts, as far as it is known.
    pub(super) fn written(&self) -> &AmountFormat {
        let other = self
            .other_format
            .as_ref()
            .filter(|_| self.has_other_format.get() == Some(true));
        other.unwrap_or(&self.profile.amount_format)
    }

    /// Returns the decimal separator of the export, as far as it is known.
    pub(super) fn decimal(&self) -> char {
        self.written().decimal
    }

    /// Returns a hint for amounts with more decimals than the currency has.
    fn decimals_hint(&self, digits: usize, currency: Currency) -> String {
        let format = self.written();
        let (table, extending) = (self.own_table(), self.extending());
        format!(
            "{}; if the export writes {digits} decimals and those beyond the currency's are zeros, set `decimals = {digits}` under `[exports.{table}.money.format]`{extending}",
            cell::amount_hint(format, currency)
        )
    }
}
