//! Reads rates of exchange from a file of the user's.

use std::collections::BTreeMap;
use std::fmt;

use jiff::civil::Date;

use crate::event::{Currency, Money};
use crate::export::{Export, ExportError, Row};
use crate::problem::{Problem, ProblemCode, Problems};

/// The number of decimals of an [`ExchangeRate`].
const DECIMALS: u32 = 10;

/// The number of digits that an [`ExchangeRate`] may have before the point.
const MAX_WHOLE_DIGITS: usize = 8;

/// The columns of a rates file, by name; others are ignored.
const COLUMNS: [&str; 3] = ["date", "currency", "rate"];

/// Holds how many units of the account's currency there are for one of another, above zero, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeRate {
    /// The rate in units of 10^-[`DECIMALS`].
    scaled: i64,
}

impl ExchangeRate {
    /// Reads digits with a point and at most ten decimals; returns `None` if the text is anything else, zero,
    /// or has more than eight digits before the point.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let is_written_well = !whole.is_empty() && (!decimals.is_empty() || whole == text);
        let decimals = decimals.trim_end_matches('0');
        if !is_written_well || whole.len() > MAX_WHOLE_DIGITS || decimals.len() > DECIMALS as usize
        {
            return None;
        }
        let padding = std::iter::repeat_n(b'0', DECIMALS as usize - decimals.len());
        let digits = whole.bytes().chain(decimals.bytes()).chain(padding);
        let scaled = digits.into_iter().try_fold(0_i64, |sum, digit| {
            digit
                .is_ascii_digit()
                .then(|| sum * 10 + i64::from(digit - b'0'))
        })?;
        (scaled > 0).then_some(ExchangeRate { scaled })
    }

    /// Returns the amount in another currency, rounded half up to the unit that the API takes; `None` if it
    /// does not fit.
    ///
    /// `rest` is what `money` leaves out, in units of its currency's last decimal: nothing is rounded or cut
    /// before the conversion.
    pub fn convert(self, money: Money, rest: u32, to: Currency) -> Option<Money> {
        let power = |digits: u32| 10_i128.pow(digits);
        let from = money.currency;
        let beyond = from.exponent() - from.api_digits();
        let exact = i128::from(money.amount_cents) * power(beyond) + i128::from(rest);
        let product = exact
            .checked_mul(self.scaled.into())?
            .checked_mul(power(to.api_digits()))?;
        let divisor = power(DECIMALS + from.exponent());
        Some(Money {
            amount_cents: i64::try_from(rounded_half_up(product, divisor)?).ok()?,
            currency: to,
        })
    }
}

/// Returns the rounded quotient of two numbers that are not negative.
fn rounded_half_up(dividend: i128, divisor: i128) -> Option<i128> {
    let twice = dividend.checked_mul(2)?.checked_add(divisor)?;
    Some(twice / (2 * divisor))
}

impl fmt::Display for ExchangeRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let one = 10_i64.pow(DECIMALS);
        let (whole, rest) = (self.scaled / one, self.scaled % one);
        let decimals = format!("{rest:0width$}", width = DECIMALS as usize);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            decimals => write!(f, "{whole}.{decimals}"),
        }
    }
}

/// Holds the rates of a file, by currency and day.
#[derive(Clone, Debug, Default)]
pub struct ExchangeRates(BTreeMap<Currency, BTreeMap<Date, ExchangeRate>>);

/// Names why a rates file can't be used.
#[derive(Debug)]
pub enum RatesError {
    /// The file is not a readable CSV.
    Export(ExportError),
    /// The rows at these places are wrong.
    Rows(Vec<Problem>),
}

impl From<ExportError> for RatesError {
    fn from(error: ExportError) -> Self {
        RatesError::Export(error)
    }
}

/// Holds a rate with the day for which the file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateOf {
    /// The rate.
    pub rate: ExchangeRate,
    /// The day of the rate: the one that was asked for, or the last before it.
    pub date: Date,
}

impl ExchangeRates {
    /// Reads a CSV with the columns `date` (2026-03-02), `currency` and `rate`: so many units of
    /// the account's currency for one of `currency`.
    ///
    /// # Errors
    ///
    /// Everything that is wrong in it, up to [`Problems::KEPT_PER_CODE`] rows; nothing is skipped.
    pub fn read(mut export: Export, account: Currency) -> Result<ExchangeRates, RatesError> {
        let path = export.path().display().to_string();
        let columns = find_columns(export.header()).map_err(|missing| {
            let problem = Problem::error(
                ProblemCode::RatesInvalid,
                format!("the rates file has no column `{missing}`"),
            );
            RatesError::Rows(vec![problem.at(&path, Some(1)).hint(
                "its columns are `date,currency,rate`, such as `2026-03-02,EUR,1.0834`",
            )])
        })?;
        let mut rates = ExchangeRates::default();
        let mut problems = Vec::new();
        export.for_each_row(|row| {
            if let Err(problem) = rates.add(row, columns, account)
                && (problems.len() as u64) < Problems::KEPT_PER_CODE
            {
                problems.push(problem.at(&path, Some(row.line())));
            }
        })?;
        export.finish()?;
        if problems.is_empty() {
            Ok(rates)
        } else {
            Err(RatesError::Rows(problems))
        }
    }

    fn add(
        &mut self,
        row: &Row,
        columns: [usize; 3],
        account: Currency,
    ) -> Result<(), Box<Problem>> {
        let [date_text, code, rate_text] =
            columns.map(|column| row.get(column).unwrap_or_default().trim());
        let invalid = |index: usize, value: &str, message: &str, hint: &str| {
            let problem = Problem::error(ProblemCode::RatesInvalid, message);
            Box::new(problem.cell(COLUMNS[index], value).hint(hint))
        };
        let date: Date = date_text
            .parse()
            .ok()
            .filter(|_| date_text.len() == "2026-03-02".len())
            .ok_or_else(|| {
                invalid(
                    0,
                    date_text,
                    "this is not a date",
                    "write it as `2026-03-02`",
                )
            })?;
        let currency = Currency::from_code(code).ok_or_else(|| {
            let hint = "a three-letter code such as `EUR` is expected";
            invalid(1, code, "not an ISO 4217 currency code", hint)
        })?;
        let rate = ExchangeRate::parse(rate_text).ok_or_else(|| {
            let hint = "write it with a point, at most eight digits before it and ten after it, such as `1.0834`";
            invalid(2, rate_text, "this is not a rate above zero", hint)
        })?;
        if currency == account && rate.to_string() != "1" {
            return Err(invalid(
                2,
                rate_text,
                "the rate of the account's own currency must be 1",
                "the rate is what one unit of `currency` is worth in the account's; the file may have it the other way round",
            ));
        }
        let of_currency = self.0.entry(currency).or_default();
        match of_currency.insert(date, rate) {
            Some(other) if other != rate => Err(invalid(
                2,
                rate_text,
                &format!("the file has another rate for {currency} on {date}: {other}"),
                "remove one of them",
            )),
            _ => Ok(()),
        }
    }

    /// Returns the rate of a currency on a day, or the last before it.
    pub fn on(&self, date: Date, currency: Currency) -> Option<RateOf> {
        let (date, rate) = self.0.get(&currency)?.range(..=date).next_back()?;
        Some(RateOf {
            rate: *rate,
            date: *date,
        })
    }

    /// Returns the first day for which there is a rate of a currency.
    pub fn first_day(&self, currency: Currency) -> Option<Date> {
        self.0.get(&currency)?.keys().next().copied()
    }
}

fn find_columns(header: &[String]) -> Result<[usize; 3], &'static str> {
    let mut columns = [0; 3];
    for (column, name) in columns.iter_mut().zip(COLUMNS) {
        let found = header
            .iter()
            .position(|cell| cell.trim().eq_ignore_ascii_case(name));
        *column = found.ok_or(name)?;
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn money(amount_cents: i64, code: &str) -> Money {
        Money {
            amount_cents,
            currency: currency(code),
        }
    }

    fn converted(amount_cents: i64, from: &str, rate: &str, to: &str) -> Option<i64> {
        let rate = ExchangeRate::parse(rate).unwrap();
        let money = rate.convert(money(amount_cents, from), 0, currency(to))?;
        Some(money.amount_cents)
    }

    fn read(text: &str) -> Result<ExchangeRates, String> {
        let export = Export::from_bytes("rates.csv", text.as_bytes().to_vec()).unwrap();
        ExchangeRates::read(export, currency("USD")).map_err(|error| match error {
            RatesError::Export(error) => error.to_string(),
            RatesError::Rows(problems) => problems
                .iter()
                .map(|problem| problem.to_string().lines().next().unwrap().to_owned() + "\n")
                .collect(),
        })
    }

    #[test]
    fn a_rate_is_read_exactly_or_not_at_all() {
        for text in ["1.0834", "0.0000000001", "12345678.9", "25000", "1"] {
            assert_eq!(ExchangeRate::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(ExchangeRate::parse("01.50").unwrap().to_string(), "1.5");
        for text in [
            "",
            "0",
            "0.0",
            "-1",
            "+1",
            "1,08",
            "1.",
            ".5",
            "1e3",
            "1.00000000001",
            "123456789",
            "1 ",
            "NaN",
            "1.0.0",
        ] {
            assert_eq!(ExchangeRate::parse(text), None, "{text}");
        }
    }

    #[test]
    fn halves_are_rounded_up_to_what_the_api_takes_of_the_currency() {
        assert_eq!(converted(2000, "EUR", "1.0834", "USD"), Some(2167));
        assert_eq!(converted(1, "EUR", "0.5", "USD"), Some(1));
        assert_eq!(converted(1, "EUR", "0.4999999999", "USD"), Some(0));
        // 500 yen are 500 whole units; 3.35 dollars have cents.
        assert_eq!(converted(500, "JPY", "0.0067", "USD"), Some(335));
        assert_eq!(converted(335, "USD", "149.25", "JPY"), Some(500));
        assert_eq!(converted(i64::MAX, "EUR", "12345678", "USD"), None);
    }

    #[test]
    fn a_day_has_its_own_rate_or_the_last_before_it() {
        let rates = read("date,currency,rate\n2026-03-02,EUR,1.08\n2026-03-05,eur,1.09\n").unwrap();
        let on = |date: &str| {
            let found = rates.on(date.parse().unwrap(), currency("EUR"))?;
            Some(format!("{} of {}", found.rate, found.date))
        };
        assert_eq!(on("2026-03-01"), None);
        assert_eq!(on("2026-03-02").unwrap(), "1.08 of 2026-03-02");
        assert_eq!(on("2026-03-04").unwrap(), "1.08 of 2026-03-02");
        assert_eq!(on("2026-03-05").unwrap(), "1.09 of 2026-03-05");
        assert_eq!(on("2027-01-01").unwrap(), "1.09 of 2026-03-05");
        let day = "2026-03-05".parse().unwrap();
        assert_eq!(rates.on(day, currency("GBP")), None);
    }

    #[test]
    fn everything_wrong_in_a_rates_file_is_named() {
        assert_eq!(
            read("date,currency,rate\n02.03.2026,EUR,1\n2026-03-02,XYZ,1\n2026-03-02,EUR,\"1,08\"\n2026-03-02,GBP,1.2\n2026-03-02,GBP,1.3\n2026-03-02,GBP,1.3\n2026-03-02,USD,1.1\n2026-03-02,USD,1.0\n").unwrap_err(),
            "rates.csv:2: error: this is not a date\n\
             rates.csv:3: error: not an ISO 4217 currency code\n\
             rates.csv:4: error: this is not a rate above zero\n\
             rates.csv:6: error: the file has another rate for GBP on 2026-03-02: 1.2\n\
             rates.csv:8: error: the rate of the account's own currency must be 1\n"
        );
        assert_eq!(
            read("Date,Rate\n2026-03-02,1\n").unwrap_err(),
            "rates.csv:1: error: the rates file has no column `currency`\n"
        );
    }

    proptest! {
        #[test]
        fn a_conversion_is_never_more_than_half_a_cent_off(
            cents in 1_i64..1_000_000_000,
            scaled in 1_i64..1_000_000_000_000,
        ) {
            let exact = i128::from(cents) * i128::from(scaled);
            let is = ExchangeRate { scaled }.convert(money(cents, "EUR"), 0, currency("USD")).unwrap();
            let off = i128::from(is.amount_cents) * 10_000_000_000 - exact;
            prop_assert!((-5_000_000_000 < off) && (off <= 5_000_000_000), "{off}");
        }

        #[test]
        fn a_rate_is_shown_as_it_is_read(scaled in 1_i64..1_000_000_000_000_000_000) {
            let rate = ExchangeRate { scaled };
            prop_assert_eq!(ExchangeRate::parse(&rate.to_string()), Some(rate));
        }
    }
}
