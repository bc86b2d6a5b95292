//! Money as people write it.

use crate::event::{Currency, in_units};

/// Returns a sum with its currency, `-1,234.56 USD`, or with its unit, `12 points`.
pub(crate) fn money(cents: i128, unit: &str) -> String {
    format!("{} {unit}", figure(cents, unit))
}

/// Returns an amount without its currency or unit.
pub(crate) fn figure(cents: i128, unit: &str) -> String {
    match Currency::from_code(unit) {
        Some(currency) => {
            let text = in_units(cents, currency);
            let amount = text.split(' ').next().unwrap_or_default();
            digits(amount)
        }
        None => digits(&cents.to_string()),
    }
}

/// Returns a number with its whole digits in groups of three.
pub(crate) fn digits(number: &str) -> String {
    let (whole, rest) = number.split_at(number.find('.').unwrap_or(number.len()));
    let (sign, whole) = whole.split_at(whole.len() - whole.trim_start_matches('-').len());
    let mut text = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_written_as_people_do() {
        assert_eq!(money(-123_456_789, "USD"), "-1,234,567.89 USD");
        assert_eq!(money(-5, "USD"), "-0.05 USD");
        assert_eq!(money(1_234, "JPY"), "1,234 JPY");
        assert_eq!(money(-1_200, "points"), "-1,200 points");
    }
}
