//! The commission rates of sales, and the exchange rates of foreign amounts.

use std::collections::HashMap;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// A decimal number with at most six decimals, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Millionths(pub(super) i64);

impl Millionths {
    const ONE: i64 = 1_000_000;

    /// Reads digits, optionally with a point and up to six more digits.
    pub(super) fn parse(text: &str) -> Option<Millionths> {
        let (whole, places) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(places) || places.len() > 6 {
            return None;
        }
        let whole: i64 = whole.parse().ok()?;
        let places: i64 = format!("{places:0<6}").parse().ok()?;
        Some(Millionths(
            whole.checked_mul(Self::ONE)?.checked_add(places)?,
        ))
    }
}

/// Reads an integer, or a text: `12` or `"12.5"`. A float is refused, since it is not a decimal
/// number.
impl<'de> Deserialize<'de> for Millionths {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Integer(u32),
            Text(String),
        }
        const EXPECTED: &str = "a number is written as `12` or, with places, as text: `\"12.5\"`";
        let text = match Written::deserialize(reader).map_err(|_| D::Error::custom(EXPECTED))? {
            Written::Integer(number) => number.to_string(),
            Written::Text(text) => text,
        };
        Millionths::parse(&text).ok_or_else(|| D::Error::custom(EXPECTED))
    }
}

/// The commission of a sale: a part of its amount, or a fixed sum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SandboxRate {
    Percent(Millionths),
    Cents(i64),
}

impl SandboxRate {
    /// Returns the commission in whole cents, half a cent rounded up. That is our assumption: the
    /// vendor publishes no rule.
    pub(super) fn of(self, amount: i64) -> i64 {
        match self {
            SandboxRate::Percent(percent) => share(amount, percent.0, 100 * Millionths::ONE),
            SandboxRate::Cents(cents) => cents,
        }
    }
}

/// The rates of the account.
#[derive(Clone, Debug)]
pub(super) struct SandboxRates {
    pub(super) default: SandboxRate,
    pub(super) by_plan: HashMap<String, SandboxRate>,
    /// The value of a minor unit of each currency in minor units of the account's currency.
    pub(super) exchange: HashMap<String, Millionths>,
}

impl SandboxRates {
    /// Returns the rate of the plan, else the promoter's own, else the default.
    pub(super) fn of(&self, plan: Option<&str>, promoter: Option<SandboxRate>) -> SandboxRate {
        let of_plan = plan.and_then(|plan| self.by_plan.get(plan).copied());
        of_plan.or(promoter).unwrap_or(self.default)
    }

    /// Converts an amount into minor units of the account's currency. Currencies without a rate are
    /// converted one to one.
    pub(super) fn exchanged(&self, amount: i64, currency: Option<&str>) -> i64 {
        let rate = currency.and_then(|code| self.exchange.get(code));
        match rate {
            Some(rate) => share(amount, rate.0, Millionths::ONE),
            None => amount,
        }
    }
}

/// Returns `amount` × `part` / `whole`, half a cent rounded up.
pub(super) fn share(amount: i64, part: i64, whole: i64) -> i64 {
    let (product, whole) = (i128::from(amount) * i128::from(part), i128::from(whole));
    i64::try_from((product * 2 + whole) / (whole * 2)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Millionths, SandboxRate};

    #[test]
    fn decimals_are_read_exactly() {
        for (text, millionths) in [
            ("12", 12_000_000),
            ("0.5", 500_000),
            ("1.000001", 1_000_001),
        ] {
            assert_eq!(Millionths::parse(text), Some(Millionths(millionths)));
        }
        for text in [
            "",
            ".5",
            "-1",
            "1e3",
            "1.0000001",
            "1,5",
            "9999999999999999",
        ] {
            assert_eq!(Millionths::parse(text), None, "{text}");
        }
    }

    #[test]
    fn half_a_cent_goes_up() {
        let quarter = SandboxRate::Percent(Millionths(25_000_000));
        for (amount, commission) in [(1, 0), (2, 1), (3, 1), (6, 2), (i64::MAX, 1_i64 << 61)] {
            assert_eq!(quarter.of(amount), commission, "{amount}");
        }
        let eighth = SandboxRate::Percent(Millionths::parse("12.5").expect("a number"));
        assert_eq!(eighth.of(1000), 125);
        assert_eq!(SandboxRate::Cents(500).of(1), 500);
    }
}
