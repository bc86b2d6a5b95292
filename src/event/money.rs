//! Represents money as integers: currencies, their exponents, and amounts read from text without a float.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

use crate::invisible::shown;

/// Identifies a currency of ISO 4217, or one that was withdrawn and still appears in exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Currency(CurrencyCode);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CurrencyCode {
    Current(iso_currency::Currency),
    /// A withdrawn currency, by its index in [`WITHDRAWN`].
    Withdrawn(u8),
}

/// The codes that ISO 4217 has withdrawn since 2000, with their decimals (its table A.3).
const WITHDRAWN: [(&str, u32); 56] = [
    ("ADP", 0),
    ("AFA", 2),
    ("ANG", 2),
    ("AOR", 0),
    ("ATS", 2),
    ("AYM", 2),
    ("AZM", 2),
    ("BEF", 0),
    ("BGL", 2),
    ("BGN", 2),
    ("BYB", 0),
    ("BYR", 0),
    ("CSD", 2),
    ("CUC", 2),
    ("CYP", 2),
    ("DEM", 2),
    ("EEK", 2),
    ("ESP", 0),
    ("FIM", 2),
    ("FRF", 2),
    ("GHC", 2),
    ("GRD", 0),
    ("HRK", 2),
    ("IEP", 2),
    ("ITL", 0),
    ("LTL", 2),
    ("LUF", 0),
    ("LVL", 2),
    ("MGF", 0),
    ("MRO", 2),
    ("MTL", 2),
    ("MZM", 2),
    ("NLG", 2),
    ("PTE", 0),
    ("ROL", 2),
    ("RUR", 2),
    ("SDD", 2),
    ("SIT", 2),
    ("SKK", 2),
    ("SLL", 2),
    ("SRG", 2),
    ("STD", 2),
    ("TMM", 2),
    ("TPE", 0),
    ("TRL", 0),
    ("USS", 2),
    ("VEB", 2),
    ("VEF", 2),
    ("YUM", 2),
    ("ZMK", 2),
    ("ZWC", 2),
    ("ZWD", 2),
    ("ZWL", 2),
    ("ZWN", 2),
    ("ZWR", 2),
    ("XFU", 2),
];

/// The codes of ISO 4217 that are not money in which a customer pays.
const NOT_MONEY: [(&str, &str); 13] = [
    ("XAG", "silver"),
    ("XAU", "gold"),
    ("XBA", "a unit of the bond market"),
    ("XBB", "a unit of the bond market"),
    ("XBC", "a unit of the bond market"),
    ("XBD", "a unit of the bond market"),
    ("XDR", "the special drawing right"),
    ("XPD", "palladium"),
    ("XPT", "platinum"),
    ("XSU", "the sucre"),
    ("XTS", "the code for tests"),
    ("XUA", "the unit of account of the African Development Bank"),
    ("XXX", "the code for no currency"),
];

/// The currencies that Stripe's API counts in another unit than ISO 4217, with Stripe's decimals:
/// <https://docs.stripe.com/currencies>, "Zero-decimal currencies" and "Special cases".
const STRIPE_DECIMALS: [(&str, u32); 3] = [("ISK", 2), ("MGA", 0), ("UGX", 2)];

impl Currency {
    /// Returns the currency of a three-letter code, in any case: exports write `usd` and `USD`.
    pub fn from_code(code: &str) -> Option<Self> {
        let code = code.trim();
        if code.len() != 3 {
            return None;
        }
        let code = code.to_ascii_uppercase();
        if let Some(current) = iso_currency::Currency::from_code(&code) {
            return Some(Currency(CurrencyCode::Current(current)));
        }
        let place = WITHDRAWN
            .iter()
            .position(|(withdrawn, _)| *withdrawn == code)?;
        Some(Currency(CurrencyCode::Withdrawn(u8::try_from(place).ok()?)))
    }

    /// Returns `true` if amounts of this currency may be shown with a symbol, or with a code in its place.
    pub fn may_be_shown_as(self, symbol: &str) -> bool {
        let code = self.code();
        if symbol.eq_ignore_ascii_case(code) {
            return true;
        }
        let CurrencyCode::Current(current) = self.0 else {
            return false;
        };
        let own = current.symbol().symbol;
        let is_dollar = |prefix: &str| own.ends_with('$') && code.starts_with(prefix);
        own == symbol || symbol.strip_suffix('$').is_some_and(is_dollar)
    }

    /// Returns what the code denotes if that is not money, such as gold.
    pub fn not_money(self) -> Option<&'static str> {
        let code = self.code();
        if !code.starts_with('X') {
            return None;
        }
        let found = NOT_MONEY.iter().find(|(other, _)| *other == code);
        found.map(|(_, what)| *what)
    }

    /// Returns how many decimals Stripe's API counts, where that differs from ISO 4217.
    pub fn stripe_digits(self) -> Option<u32> {
        let code = self.code();
        let found = STRIPE_DECIMALS.iter().find(|(other, _)| *other == code);
        found.map(|(_, digits)| *digits)
    }

    /// Returns the code in capitals, such as `USD`.
    pub fn code(self) -> &'static str {
        match self.0 {
            CurrencyCode::Current(currency) => currency.code(),
            CurrencyCode::Withdrawn(place) => WITHDRAWN[usize::from(place)].0,
        }
    }

    /// Returns the number of decimals of the minor unit by ISO 4217: 2 for USD, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u32 {
        match self.0 {
            CurrencyCode::Current(currency) => currency.exponent().map_or(2, u32::from),
            CurrencyCode::Withdrawn(place) => WITHDRAWN[usize::from(place)].1,
        }
    }

    /// Returns the number of decimals that the Tracking API takes: 0 for zero-decimal currencies, else 2.
    /// Three-decimal currencies are not documented and go as hundredths too.
    pub fn api_digits(self) -> u32 {
        self.exponent().min(2)
    }
}

impl PartialOrd for Currency {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Currency {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.code().cmp(other.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Holds an amount in the minor units that the Tracking API takes, with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount in hundredths of the currency's unit, or in whole units of a zero-decimal currency.
    pub amount_cents: i64,
    /// The currency of the amount.
    pub currency: Currency,
}

impl fmt::Display for Money {
    /// Writes the amount as people write it: `8.00 USD`, `500 JPY`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&in_units(self.amount_cents.into(), self.currency))
    }
}

/// Returns how much of `counts_cents` belongs to `part_cents` of `whole_cents`, rounded half up; `None` if
/// that does not fit. Differences of shares of running sums add up to all of `counts_cents`.
pub(crate) fn share_cents(counts_cents: i64, part_cents: i64, whole_cents: i64) -> Option<i64> {
    let product = i128::from(counts_cents) * i128::from(part_cents);
    let whole = i128::from(whole_cents.max(1));
    i64::try_from((2 * product + whole).div_euclid(2 * whole)).ok()
}

/// Returns the minor units of a sum of any size, written as [`Money`] writes them.
pub(crate) fn in_units(cents: i128, currency: Currency) -> String {
    let digits = currency.api_digits();
    let scale = 10_u128.pow(digits);
    let sign = if cents < 0 { "-" } else { "" };
    let amount = cents.unsigned_abs();
    if digits == 0 {
        return format!("{sign}{amount} {currency}");
    }
    let width = digits as usize;
    let (units, rest) = (amount / scale, amount % scale);
    format!("{sign}{units}.{rest:0width$} {currency}")
}

/// Defines the unit in which an export writes its amounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AmountUnit {
    /// Major units: `8.00` is eight dollars.
    #[default]
    Major,
    /// Minor units: `800` is eight dollars, and 1 is a thousandth in a currency with three decimals.
    Minor,
    /// The minor units of the Tracking API, as in [`Money`]: hundredths, whatever the currency has.
    Cents,
}

/// Describes how an export writes its amounts: declared by the profile, never guessed from a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AmountFormat {
    /// The unit of the amounts, major or minor.
    pub unit: AmountUnit,
    /// The decimal separator.
    pub decimal: char,
    /// A second decimal separator that some exports of this kind write: the first amount with either of them
    /// decides for the whole export. It is `None` where the profile says which one it is.
    pub or_decimal: Option<char>,
    /// The separator between groups of three digits, if the export writes any.
    pub thousands: Option<char>,
    /// `true` if `(5.00)` is minus five.
    #[serde(rename = "parentheses")]
    pub has_parentheses: bool,
    /// The currency symbol in front of the number or behind it, where the export writes one.
    pub strip: Option<String>,
    /// The number of decimals that the export writes at most. Those that the currency does not have must be
    /// zeros. If it is `None`, there may be as many as the currency has.
    pub decimals: Option<u8>,
}

impl Default for AmountFormat {
    fn default() -> Self {
        AmountFormat {
            unit: AmountUnit::Major,
            decimal: '.',
            or_decimal: None,
            thousands: None,
            has_parentheses: false,
            strip: None,
            decimals: None,
        }
    }
}

/// Holds an amount as it was read, to the last decimal of its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ParsedAmount {
    /// The amount in units of the last decimal that was read; negative where the text says so.
    minor: i64,
    /// The number of those units in one minor unit of the API: 10 where a currency has three decimals.
    per_cent: i64,
}

impl ParsedAmount {
    /// The amount zero, to which others can be added.
    pub const ZERO: ParsedAmount = ParsedAmount {
        minor: 0,
        per_cent: 1,
    };

    /// Returns the amount in the API's minor units, cut to whole ones; negative where the text says so.
    pub fn cents(self) -> i64 {
        self.minor / self.per_cent
    }

    /// Returns what [`ParsedAmount::cents`] cuts off, in units of the currency's last decimal.
    pub fn rest(self) -> i64 {
        self.minor % self.per_cent
    }

    /// Returns the amount in units of the last decimal that was read.
    pub fn minor(self) -> i64 {
        self.minor
    }

    /// Returns another amount in the same unit, given in units of the last decimal.
    pub(crate) fn with_minor(self, minor: i64) -> Self {
        ParsedAmount { minor, ..self }
    }

    /// Returns the sign: -1, 0 or 1.
    pub fn sign(self) -> i64 {
        self.minor.signum()
    }

    /// Returns the amount multiplied by this sign, 1 or -1.
    pub fn times(self, sign: i64) -> Self {
        ParsedAmount {
            minor: self.minor * sign,
            ..self
        }
    }

    /// Returns the sum with another amount of the same export and currency; `None` if it is too large.
    pub fn checked_add(self, other: ParsedAmount) -> Option<Self> {
        Some(ParsedAmount {
            minor: self.minor.checked_add(other.minor)?,
            per_cent: self.per_cent.max(other.per_cent),
        })
    }
}

/// Names why a cell is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// There is nothing between the separators.
    #[error("the amount is empty")]
    Empty,
    /// The cell has a character that the declared format does not have.
    #[error("unexpected `{}` in an amount", shown(.0.encode_utf8(&mut [0; 4])))]
    Unexpected(char),
    /// The cell has groups that are neither of three digits nor as in India.
    #[error("the thousands separators are not at every third digit")]
    Grouping,
    /// The first group of thousands begins with 0, as the whole part of a decimal number does: `0.500`.
    #[error("a group of thousands never begins with 0: is `{}` its decimal separator?", shown(.0.encode_utf8(&mut [0; 4])))]
    ZeroGroup(char),
    /// The cell has more decimals than the currency.
    #[error("too many decimals in the amount: {digits}, but {currency} has {allowed}")]
    Decimals {
        /// The number of decimals in the text.
        digits: usize,
        /// The number of decimals of the currency.
        allowed: u32,
        /// The currency.
        currency: Currency,
        /// `true` if those that the currency does not have are zeros.
        are_zeros: bool,
    },
    /// The cell has three digits after the separator, and its currency has fewer decimals.
    #[error("{}: {currency} has {allowed} decimals, and three digits follow the separator", either(large, small.as_deref()))]
    Thousands {
        /// The amount if the separator separates thousands.
        large: String,
        /// The amount if the separator is the decimal one; `None` where the currency has too few decimals.
        small: Option<String>,
        /// The number of decimals of the currency.
        allowed: u32,
        /// The currency.
        currency: Currency,
    },
    /// The amount is more than an `i64` of minor units.
    #[error("the amount is too large")]
    TooLarge,
}

impl AmountFormat {
    /// Returns the format of an export with the other decimal separator, if there may be one. The decimal
    /// separator of this format separates thousands in that one.
    pub(crate) fn other(&self) -> Option<AmountFormat> {
        let other = self
            .or_decimal
            .filter(|other| self.decimal != *other && self.thousands != Some(*other))?;
        Some(AmountFormat {
            decimal: other,
            or_decimal: None,
            thousands: Some(self.decimal),
            ..self.clone()
        })
    }

    /// Reads an amount exactly.
    ///
    /// Fewer decimals than the currency has are fine (`40` is `40.00`: spreadsheets drop them). More are an
    /// error, zeros too: `1.000` may be one thousand. Only two zeros of a currency without decimals
    /// (`5000.00` yen) have one meaning. Nothing is rounded.
    ///
    /// # Errors
    ///
    /// Any text that is not an amount in this format and currency, with the reason.
    pub fn parse(&self, text: &str, currency: Currency) -> Result<ParsedAmount, AmountError> {
        match self.parse_plain(text.as_bytes(), currency) {
            Some(minor) => Ok(ParsedAmount { minor, per_cent: 1 }),
            None => self.parse_whole(text, currency),
        }
    }

    /// Reads the form that nearly every cell has, in one pass: at most fifteen digits and, in major units of
    /// a currency with cents, a separator before the last one or two. Returns `None` for any other cell,
    /// which is left to [`AmountFormat::parse_whole`].
    fn parse_plain(&self, text: &[u8], currency: Currency) -> Option<i64> {
        const MAX_BYTES: usize = 16;
        let has_cents = self.unit == AmountUnit::Major
            && currency.exponent() == 2
            && self.decimals.is_none_or(|decimals| decimals >= 2);
        if !has_cents || text.len() > MAX_BYTES {
            return None;
        }
        let (mut amount, mut decimals) = (0_i64, None);
        for &byte in text {
            match (byte, &mut decimals) {
                (b'0'..=b'9', _) => amount = amount * 10 + i64::from(byte - b'0'),
                (_, None) if char::from(byte) == self.decimal => {
                    decimals = Some(0);
                    continue;
                }
                _ => return None,
            }
            decimals = decimals.map(|digits| digits + 1);
        }
        match decimals {
            Some(2) if text.len() > 3 => Some(amount),
            Some(1) if text.len() > 2 => Some(amount * 10),
            None if !text.is_empty() => Some(amount * 100),
            _ => None,
        }
    }

    fn parse_whole(&self, text: &str, currency: Currency) -> Result<ParsedAmount, AmountError> {
        let (negative, digits) = match &self.strip {
            None => self.split_sign(text.trim())?,
            Some(symbol) => self.split_sign_and_symbol(text.trim(), symbol.trim())?,
        };
        let (whole, fraction) = match self.unit {
            AmountUnit::Minor | AmountUnit::Cents => (digits, ""),
            AmountUnit::Major => digits.split_once(self.decimal).unwrap_or((digits, "")),
        };
        let written = whole;
        let whole = self.without_separators(written)?;
        // `0,005.00` is five: the other separator shows what the comma is.
        if let Some(separator) = self.thousands
            && written == digits
            && written.starts_with('0')
            && written.contains(separator)
        {
            return Err(AmountError::ZeroGroup(separator));
        }
        if whole.is_empty() && fraction.is_empty() {
            return Err(AmountError::Empty);
        }
        if let Some(odd) = fraction.chars().find(|c| !c.is_ascii_digit()) {
            return Err(AmountError::Unexpected(odd));
        }
        let fraction = self.decimals(written, fraction, currency)?;
        let exponent = currency.exponent();
        let scale = match self.unit {
            AmountUnit::Major => exponent,
            AmountUnit::Minor | AmountUnit::Cents => 0,
        };
        let minor = minor_units(&whole, fraction, scale).ok_or(AmountError::TooLarge)?;
        let divisor = match self.unit {
            AmountUnit::Cents => 1,
            AmountUnit::Major | AmountUnit::Minor => 10_i64.pow(exponent - currency.api_digits()),
        };
        Ok(ParsedAmount {
            minor: if negative { -minor } else { minor },
            per_cent: divisor,
        })
    }

    /// Returns the decimals in the text that the currency has.
    fn decimals<'t>(
        &self,
        whole: &str,
        fraction: &'t str,
        currency: Currency,
    ) -> Result<&'t str, AmountError> {
        let allowed = currency.exponent();
        let most = self.decimals.map_or(allowed as usize, usize::from);
        let is_of_none = self.decimals.is_none() && allowed == 0 && fraction == "00";
        if fraction.len() <= most || is_of_none {
            let fraction = fraction.trim_end_matches('0');
            if fraction.len() <= allowed as usize {
                return Ok(fraction);
            }
        }
        // `0.000` and `1234.567` have no thousands.
        let (kept, beyond) = fraction.split_at(fraction.len().min(allowed as usize));
        let are_zeros = beyond.bytes().all(|digit| digit == b'0');
        let is_group = matches!(whole.len(), 1..=3) && !whole.starts_with('0');
        if fraction.len() != 3 || self.decimals.is_some() || !is_group {
            return Err(AmountError::Decimals {
                digits: fraction.len(),
                allowed,
                currency,
                are_zeros,
            });
        }
        let small = are_zeros.then(|| match kept {
            "" => whole.to_owned(),
            _ => format!("{whole}.{kept}"),
        });
        Err(AmountError::Thousands {
            large: format!("{whole}{fraction}"),
            small,
            allowed,
            currency,
        })
    }

    /// Removes the symbol, which may appear once, at either end, inside the sign or outside it: `-$5`, `$-5`,
    /// `5 €`.
    fn split_sign_and_symbol<'t>(
        &self,
        text: &'t str,
        symbol: &str,
    ) -> Result<(bool, &'t str), AmountError> {
        let strip = |text: &'t str| {
            let inner = text
                .strip_prefix(symbol)
                .or_else(|| text.strip_suffix(symbol));
            inner.map(str::trim)
        };
        if let Some(inner) = strip(text) {
            return self.split_sign(inner);
        }
        let (negative, inner) = self.split_sign(text)?;
        Ok((negative, strip(inner).unwrap_or(inner)))
    }

    /// Removes a minus, which may appear once, at either end, as a hyphen or as the sign U+2212.
    fn split_sign<'t>(&self, text: &'t str) -> Result<(bool, &'t str), AmountError> {
        if self.has_parentheses
            && let Some(inner) = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'))
        {
            return Ok((true, inner.trim()));
        }
        const MINUS: [char; 2] = ['-', '\u{2212}'];
        match text.strip_prefix(MINUS).or(text.strip_suffix(MINUS)) {
            Some(rest) => Ok((true, rest.trim())),
            None if text.is_empty() => Err(AmountError::Empty),
            None => Ok((false, text)),
        }
    }

    /// Returns the digits of the whole part; separators must be before every third digit or nowhere, or as in
    /// India: before the last three digits, and before every second one in front of these (`12,34,567`).
    fn without_separators<'t>(&self, whole: &'t str) -> Result<Cow<'t, str>, AmountError> {
        let separator = self.thousands.filter(|&c| whole.contains(c));
        let digits: Cow<'t, str> = match separator {
            None => Cow::Borrowed(whole),
            Some(separator) => whole.chars().filter(|&c| c != separator).collect(),
        };
        if let Some(odd) = digits.chars().find(|c| !c.is_ascii_digit()) {
            return Err(AmountError::Unexpected(odd));
        }
        if let Some(separator) = separator {
            let groups = Vec::from_iter(whole.split(separator).map(str::len));
            let (first, rest) = groups.split_first().unwrap_or((&0, &[]));
            let is_of = |digits: usize, groups: &[usize]| {
                (1..=digits).contains(first) && groups.iter().all(|group| *group == digits)
            };
            let is_indian = match rest {
                [of_two @ .., 3] => separator == ',' && !of_two.is_empty() && is_of(2, of_two),
                _ => false,
            };
            if !is_of(3, rest) && !is_indian {
                return Err(AmountError::Grouping);
            }
        }
        Ok(digits)
    }
}

fn either(large: &str, small: Option<&str>) -> String {
    match small {
        Some(small) => format!("the amount could be {large} or {small}"),
        None => format!("the amount could be {large}"),
    }
}

fn minor_units(whole: &str, fraction: &str, scale: u32) -> Option<i64> {
    let padded = fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(scale as usize);
    whole.bytes().chain(padded).try_fold(0_i64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(i64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn currency(code: &str) -> Currency {
        Currency::from_code(code).unwrap()
    }

    fn cents(format: &AmountFormat, text: &str, code: &str) -> Result<i64, AmountError> {
        format.parse(text, currency(code)).map(ParsedAmount::cents)
    }

    fn english() -> AmountFormat {
        AmountFormat {
            thousands: Some(','),
            ..AmountFormat::default()
        }
    }

    fn german() -> AmountFormat {
        AmountFormat {
            decimal: ',',
            thousands: Some('.'),
            ..AmountFormat::default()
        }
    }

    #[test]
    fn amounts_are_read_by_the_declared_format_or_not_at_all() {
        let plain = AmountFormat::default();
        assert_eq!(cents(&plain, "8.00", "USD"), Ok(800));
        assert_eq!(cents(&plain, "40", "USD"), Ok(4000));
        assert_eq!(cents(&plain, ".5", "USD"), Ok(50));
        assert_eq!(cents(&plain, "-5", "USD"), Ok(-500));
        assert_eq!(cents(&plain, " 8.10 ", "USD"), Ok(810));
        assert_eq!(cents(&english(), "1,234.56", "USD"), Ok(123_456));
        assert_eq!(cents(&german(), "1.234,56", "EUR"), Ok(123_456));

        assert_eq!(
            cents(&plain, "1,234.56", "USD"),
            Err(AmountError::Unexpected(','))
        );
        assert_eq!(
            cents(&english(), "1.234,56", "USD"),
            Err(AmountError::Unexpected(','))
        );
        assert_eq!(cents(&english(), "1,23", "USD"), Err(AmountError::Grouping));
        for (text, minor) in [("1,00,000.00", 10_000_000), ("12,34,567.50", 123_456_750)] {
            assert_eq!(cents(&english(), text, "INR"), Ok(minor), "{text}");
        }
        for text in [
            "1,00,00.00",
            "100,00,000",
            "1,00,0000",
            ",00,000",
            "1,000,00,000",
            "00,00",
        ] {
            assert_eq!(
                cents(&english(), text, "INR"),
                Err(AmountError::Grouping),
                "{text}"
            );
        }
        for (format, text, separator) in [
            (german(), "0.500", '.'),
            (english(), "-0,500", ','),
            (english(), "00,500", ','),
        ] {
            let zero = AmountError::ZeroGroup(separator);
            assert_eq!(cents(&format, text, "EUR"), Err(zero), "{text}");
        }
        assert_eq!(cents(&english(), "0,005.00", "EUR"), Ok(500));
        assert_eq!(
            cents(&plain, "1e3", "USD"),
            Err(AmountError::Unexpected('e'))
        );
        assert_eq!(
            cents(&plain, "NaN", "USD"),
            Err(AmountError::Unexpected('N'))
        );
        assert_eq!(
            cents(&plain, "$5", "USD"),
            Err(AmountError::Unexpected('$'))
        );
        assert_eq!(
            cents(&plain, "(5.00)", "USD"),
            Err(AmountError::Unexpected('('))
        );
        assert_eq!(cents(&plain, "", "USD"), Err(AmountError::Empty));
        assert_eq!(cents(&plain, "-", "USD"), Err(AmountError::Empty));
        assert_eq!(cents(&plain, ".", "USD"), Err(AmountError::Empty));
    }

    #[test]
    fn parentheses_are_minus_where_the_format_says_so() {
        let format = AmountFormat {
            has_parentheses: true,
            ..AmountFormat::default()
        };
        assert_eq!(cents(&format, "(5.00)", "USD"), Ok(-500));
        assert_eq!(
            cents(&format, "(5.00", "USD"),
            Err(AmountError::Unexpected('('))
        );
    }

    #[test]
    fn a_symbol_is_removed_where_the_format_names_it() {
        let dollars = AmountFormat {
            strip: Some("$".to_owned()),
            has_parentheses: true,
            ..AmountFormat::default()
        };
        for (text, expected) in [
            ("$5.00", 500),
            ("5.00", 500),
            ("-$5.00", -500),
            ("$-5.00", -500),
            ("($5.00)", -500),
            ("5.00 $", 500),
        ] {
            assert_eq!(cents(&dollars, text, "USD"), Ok(expected), "{text}");
        }
        for text in ["$$5.00", "€5.00", "$5$", "--5", "$"] {
            assert!(cents(&dollars, text, "USD").is_err(), "{text}");
        }
    }

    #[test]
    fn the_currency_decides_how_many_decimals_there_are() {
        let plain = AmountFormat::default();
        assert_eq!(cents(&plain, "5000", "JPY"), Ok(5000));
        assert_eq!(cents(&plain, "5000.00", "JPY"), Ok(5000));
        assert!(matches!(
            cents(&plain, "5000.50", "JPY"),
            Err(AmountError::Decimals { .. })
        ));
        assert!(matches!(
            cents(&plain, "1.0050", "USD"),
            Err(AmountError::Decimals { .. })
        ));

        let exact = plain.parse("1.230", currency("KWD")).unwrap();
        assert_eq!((exact.cents(), exact.rest()), (123, 0));
        let cut = plain.parse("1.239", currency("KWD")).unwrap();
        assert_eq!((cut.cents(), cut.rest()), (123, 9));
        let sum = cut.checked_add(cut).unwrap();
        assert_eq!((sum.cents(), sum.rest()), (247, 8));
    }

    #[test]
    fn zeros_beyond_the_decimals_of_a_currency_may_be_thousands() {
        let plain = AmountFormat::default();
        for (format, text, code, message) in [
            (&plain, "1.000", "EUR", "could be 1000 or 1.00:"),
            (&plain, "-2.500", "EUR", "could be 2500 or 2.50:"),
            (&plain, "1.234", "EUR", "could be 1234:"),
            (&plain, "3.000", "JPY", "could be 3000 or 3:"),
            (&english(), "12.000", "USD", "could be 12000 or 12.00:"),
            (&german(), "1,000", "EUR", "could be 1000 or 1.00:"),
            (
                &plain,
                "10.0000",
                "USD",
                "too many decimals in the amount: 4, but USD has 2",
            ),
            (
                &plain,
                "0.000",
                "USD",
                "too many decimals in the amount: 3, but USD has 2",
            ),
            (
                &plain,
                "5000.0",
                "JPY",
                "too many decimals in the amount: 1, but JPY has 0",
            ),
            (
                &plain,
                "5000.0000",
                "JPY",
                "too many decimals in the amount: 4, but JPY has 0",
            ),
            (
                &plain,
                "1.2300",
                "KWD",
                "too many decimals in the amount: 4, but KWD has 3",
            ),
        ] {
            let error = format.parse(text, currency(code)).unwrap_err();
            assert!(
                error.to_string().contains(message),
                "{text} {code}: {error}"
            );
        }
        for (text, code, expected) in [
            ("5000.00", "JPY", 5000),
            ("1.00", "EUR", 100),
            ("1.000", "KWD", 100),
        ] {
            assert_eq!(cents(&plain, text, code), Ok(expected), "{text} {code}");
        }
    }

    #[test]
    fn a_format_may_say_how_many_decimals_are_written() {
        let of = |decimals| AmountFormat {
            decimals: Some(decimals),
            ..AmountFormat::default()
        };
        assert_eq!(cents(&of(3), "1.000", "EUR"), Ok(100));
        assert_eq!(cents(&of(4), "10.5000", "USD"), Ok(1050));
        assert_eq!(cents(&of(4), "5000.0000", "JPY"), Ok(5000));
        assert_eq!(cents(&of(0), "49", "USD"), Ok(4900));
        for (decimals, text) in [(3, "1.005"), (3, "1.0000"), (0, "49.0"), (1, "49.00")] {
            let read = cents(&of(decimals), text, "USD");
            assert!(
                matches!(read, Err(AmountError::Decimals { .. })),
                "{text}: {read:?}"
            );
        }
    }

    #[test]
    fn a_minus_may_be_the_typographers_and_stand_behind_the_number() {
        let dollars = AmountFormat {
            strip: Some("$".to_owned()),
            ..AmountFormat::default()
        };
        let plain = AmountFormat::default();
        for (format, text, code) in [
            (&plain, "\u{2212}100.00", "USD"),
            (&plain, "100.00-", "USD"),
            (&plain, "100.00 -", "USD"),
            (&plain, "100.00\u{2212}", "USD"),
            (&german(), "\u{2212}100,00", "EUR"),
            (&german(), "100,00-", "EUR"),
            (&dollars, "\u{2212}$100.00", "USD"),
            (&dollars, "$100.00-", "USD"),
            (&dollars, "100.00 $-", "USD"),
        ] {
            assert_eq!(cents(format, text, code), Ok(-10_000), "{text}");
        }
        for text in [
            "-100.00-",
            "--5",
            "\u{2212}-5",
            "5-5",
            "\u{2013}5",
            "-",
            "\u{2212}",
        ] {
            assert!(cents(&plain, text, "USD").is_err(), "{text}");
        }
    }

    #[test]
    fn minor_units_are_integers_of_the_currency() {
        let minor = AmountFormat {
            unit: AmountUnit::Minor,
            ..AmountFormat::default()
        };
        assert_eq!(cents(&minor, "800", "USD"), Ok(800));
        assert_eq!(cents(&minor, "800", "JPY"), Ok(800));
        assert_eq!(
            cents(&minor, "8.00", "USD"),
            Err(AmountError::Unexpected('.'))
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let plain = AmountFormat::default();
        assert_eq!(cents(&plain, "92233720368547758.07", "USD"), Ok(i64::MAX));
        assert_eq!(
            cents(&plain, "92233720368547758.08", "USD"),
            Err(AmountError::TooLarge)
        );
    }

    #[test]
    fn nearly_every_amount_is_read_the_short_way() {
        let plain = AmountFormat::default();
        for (text, cents) in [("8.00", 800), ("40", 4000), ("0.5", 50), ("0.00", 0)] {
            assert_eq!(
                plain.parse_plain(text.as_bytes(), currency("USD")),
                Some(cents)
            );
        }
        for text in ["", ".", "-8.00", "8.", ".50", "1.000", "1,000.00", " 8.00"] {
            assert_eq!(
                plain.parse_plain(text.as_bytes(), currency("USD")),
                None,
                "{text}"
            );
        }
    }

    #[test]
    fn withdrawn_currencies_are_read_with_their_decimals() {
        let withdrawn = [
            ("hrk", 2),
            ("EEK", 2),
            ("LVL", 2),
            ("LTL", 2),
            ("SKK", 2),
            ("BYR", 0),
            ("MRO", 2),
            ("STD", 2),
            ("VEF", 2),
            ("ZMK", 2),
            ("TRL", 0),
            ("ROL", 2),
            ("CUC", 2),
            ("ANG", 2),
            ("SLL", 2),
            ("ZWL", 2),
            ("BGN", 2),
            ("DEM", 2),
            ("ITL", 0),
            ("CYP", 2),
            ("MTL", 2),
        ];
        for (code, exponent) in withdrawn {
            let currency = Currency::from_code(code).unwrap();
            assert_eq!(currency.code(), code.to_ascii_uppercase());
            assert_eq!(currency.exponent(), exponent, "{code}");
            assert_eq!(currency.not_money(), None, "{code}");
        }
        for code in ["XYZ", "BTC", "usdt", "US", ""] {
            assert_eq!(Currency::from_code(code), None, "{code}");
        }
        for (code, _) in WITHDRAWN {
            assert_eq!(currency(code).code(), code);
        }
        for (code, _) in NOT_MONEY {
            assert!(currency(code).not_money().is_some(), "{code}");
        }
    }

    #[test]
    fn stripes_decimals_are_named_only_where_they_are_others() {
        for (code, digits) in STRIPE_DECIMALS {
            assert_ne!(currency(code).api_digits(), digits, "{code}");
        }
        for code in ["JPY", "CLP", "HUF", "TWD", "KWD", "XOF", "USD"] {
            assert_eq!(currency(code).stripe_digits(), None, "{code}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_back(amount_cents in -i64::MAX..=i64::MAX, code in "USD|JPY|EUR") {
            let money = Money { amount_cents, currency: currency(&code) };
            let text = money.to_string();
            let number = text.split(' ').next().unwrap_or_default();
            prop_assert_eq!(cents(&AmountFormat::default(), number, &code), Ok(amount_cents));
        }

        #[test]
        fn the_short_way_reads_what_the_long_way_reads(
            text in "[0-9.,]{0,18}|[0-9]{1,9}[.,][0-9]{0,3}",
            code in "USD|JPY|KWD",
        ) {
            for format in [AmountFormat::default(), english(), german()] {
                if let Some(cents) = format.parse_plain(text.as_bytes(), currency(&code)) {
                    let parsed = ParsedAmount { minor: cents, per_cent: 1 };
                    prop_assert_eq!(format.parse_whole(&text, currency(&code)), Ok(parsed));
                }
            }
        }

        #[test]
        fn any_text_is_an_amount_or_an_error(text in ".{0,40}", code in "USD|JPY|KWD") {
            for format in [AmountFormat::default(), english(), german()] {
                let _ = format.parse(&text, currency(&code));
            }
        }
    }
}
