//! Figures and states in words, for the terminal and the reports.

use std::collections::BTreeMap;

use crate::event::{Currency, Kind};
use crate::journal::{Outcome, PlanState};

/// Returns the state in words.
pub(crate) fn state_words(state: PlanState) -> &'static str {
    match state {
        PlanState::ToSend => "to send",
        PlanState::Settled => "settled before",
        PlanState::Duplicate => "duplicates",
        PlanState::Conflict => "held: in conflict",
        PlanState::Unlinked => "held",
        PlanState::OutOfRange => "out of range",
    }
}

/// Returns the outcome in words; `None` is `not_sent`.
pub(crate) fn outcome_words(outcome: Option<Outcome>) -> &'static str {
    match outcome {
        Some(Outcome::Tracked) => "tracked",
        Some(Outcome::AlreadyTracked) => "already tracked",
        Some(Outcome::NonReferral) => "not a referral",
        Some(Outcome::Failed) => "failed",
        Some(Outcome::Unconfirmed) => "unconfirmed",
        None => "not sent",
    }
}

/// Returns the plural of a kind of event in words: `sales`, `sign-ups`.
pub(crate) fn kind_words(kind: Kind) -> &'static str {
    match kind {
        Kind::Signup => "sign-ups",
        Kind::Sale => "sales",
        Kind::Refund => "refunds",
        Kind::Cancellation => "cancellations",
    }
}

/// Returns a number with its noun: `1 row`, `2 rows`.
pub(crate) fn count(n: u64, word: &str) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{} {word}{plural}", grouped(n.into()))
}

/// Returns a number with its digits in groups of three: `1,234,567`.
pub(crate) fn grouped(n: i128) -> String {
    let digits = n.unsigned_abs().to_string();
    let mut text = String::new();
    if n < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns minor units as people write them, without the currency: `1,234.56`.
pub(crate) fn amount(cents: i128, currency: Currency) -> String {
    let digits = currency.api_digits();
    let scale = 10_i128.pow(digits);
    let whole = grouped(cents / scale);
    // Less than one unit below zero, the whole part has no sign of its own.
    let sign = if cents < 0 && cents > -scale { "-" } else { "" };
    match digits {
        0 => whole,
        _ => format!(
            "{sign}{whole}.{:0width$}",
            (cents % scale).abs(),
            width = digits as usize
        ),
    }
}

/// Returns amounts after a space, in brackets: ` (80.00 USD, 5.00 EUR)`; nothing where there are
/// none.
pub(crate) fn amounts_words(amounts: &BTreeMap<Currency, i128>) -> String {
    let words = amounts
        .iter()
        .map(|(currency, cents)| format!("{} {currency}", amount(*cents, *currency)));
    match words.len() {
        0 => String::new(),
        _ => format!(" ({})", words.collect::<Vec<_>>().join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_people_do() {
        let usd = Currency::from_code("USD").unwrap();
        let jpy = Currency::from_code("JPY").unwrap();
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(-123), "-123");
        assert_eq!(amount(123_456, usd), "1,234.56");
        assert_eq!(amount(5, usd), "0.05");
        assert_eq!(amount(-5, usd), "-0.05");
        assert_eq!(amount(-123_456, usd), "-1,234.56");
        assert_eq!(amount(5000, jpy), "5,000");
        assert_eq!(count(1, "row"), "1 row");
        assert_eq!(count(0, "row"), "0 rows");
    }
}
