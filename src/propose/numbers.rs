//! Detects the format of amounts, as far as the amounts themselves prove it.

use crate::event::{AmountFormat, Currency};

/// A cell that proves something, and its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Proof {
    pub(super) header: String,
    pub(super) value: String,
    pub(super) line: u64,
}

/// The format of an export's amounts, as far as the amounts show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WrittenAmounts {
    /// Amounts with this decimal separator.
    Decimal(AmountFormat, Proof),
    /// Whole numbers only: units or hundredths.
    Whole(AmountFormat, Proof),
    /// An ambiguous amount such as `1,234`: one thousand, or one and a fraction.
    Ambiguous(AmountFormat, Proof),
    /// Amounts of which some have a decimal comma and some a decimal point.
    Mixed(AmountFormat, Proof, Proof),
}

impl WrittenAmounts {
    /// Returns the format as far as it is known; unknown settings have their defaults.
    pub(super) fn format(&self) -> &AmountFormat {
        match self {
            WrittenAmounts::Decimal(format, _)
            | WrittenAmounts::Whole(format, _)
            | WrittenAmounts::Ambiguous(format, _)
            | WrittenAmounts::Mixed(format, ..) => format,
        }
    }
}

/// The parts of an amount's text.
struct AmountTextParts<'t> {
    /// The digits and separators.
    digits: &'t str,
    symbol: Option<&'t str>,
    parentheses: bool,
}

const SPACES: [char; 4] = [' ', '\u{a0}', '\u{202f}', '\u{2009}'];
const APOSTROPHES: [char; 2] = ['\'', '’'];

/// The minus signs of keyboards, and of typesetters and spreadsheets.
const MINUS: [char; 2] = ['-', '\u{2212}'];

fn parts(text: &str) -> Option<AmountTextParts<'_>> {
    let mut rest = text.trim();
    let mut parentheses = false;
    if let Some(inner) = rest
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        (rest, parentheses) = (inner.trim(), true);
    }
    let rest = rest.strip_prefix(MINUS).unwrap_or(rest);
    let is_digit = |c: char| c.is_ascii_digit();
    // The point of `Rs.` is none of the amount.
    let begins =
        |(at, c): (usize, char)| is_digit(c) || c == '.' && rest[at + 1..].starts_with(is_digit);
    let (start, _) = rest.char_indices().find(|&at| begins(at))?;
    let end = rest.rfind(is_digit)? + 1;
    let digits = rest.get(start..end)?;
    let before = rest[..start].trim().trim_end_matches(MINUS).trim();
    let after = rest[end..].trim().trim_matches(MINUS).trim();
    let symbol = match (before, after) {
        ("", "") => None,
        (symbol, "") | ("", symbol) => Some(symbol),
        _ => return None,
    };
    let is_separator =
        |c: char| c == '.' || c == ',' || SPACES.contains(&c) || APOSTROPHES.contains(&c);
    (digits.chars().all(|c| is_digit(c) || is_separator(c)) && symbol.is_none_or(is_currency))
        .then_some(AmountTextParts {
            digits,
            symbol,
            parentheses,
        })
}

/// Returns `true` for a currency's symbol or code. Letters alone are not enough, or every `ch_1`
/// and `No 7` would be an amount.
fn is_currency(symbol: &str) -> bool {
    const SIGNS: &str = "$€£¥₹₽₩₺₫₪₴₦₱฿";
    const LETTERS: [&str; 9] = ["kr", "kr.", "zł", "Kč", "Ft", "lei", "Fr.", "Rs", "Rs."];
    let has_sign = symbol.contains(|c| SIGNS.contains(c));
    let is_short = symbol.chars().count() <= 4;
    let others_plain = |c: char| SIGNS.contains(c) || c.is_ascii_uppercase();
    (has_sign && is_short && symbol.chars().all(others_plain))
        || LETTERS.contains(&symbol)
        || Currency::from_code(symbol).is_some_and(|currency| currency.code() == symbol)
}

/// Returns `true` for a text that is nothing but the sign of a currency.
pub(super) fn is_symbol(text: &str) -> bool {
    !text.contains(|c: char| c.is_ascii_digit()) && is_currency(text)
}

/// Returns `true` if a cell could be an amount in any format.
pub(super) fn looks_like_amount(text: &str) -> bool {
    parts(text).is_some()
}

/// Returns `true` if an amount is below zero, in any format.
pub(super) fn is_negative(text: &str) -> bool {
    parts(text).is_some_and(|parts| parts.parentheses)
        || (looks_like_amount(text) && text.contains(MINUS))
}

/// Returns `true` if an amount is zero, in any format.
pub(super) fn is_zero(text: &str) -> bool {
    parts(text).is_some_and(|parts| !parts.digits.contains(|c: char| ('1'..='9').contains(&c)))
}

/// Returns the symbol beside an amount, such as `$` or `EUR`.
pub(super) fn symbol_of(text: &str) -> Option<&str> {
    parts(text)?.symbol
}

/// The evidence of one amount for the separators.
enum SeparatorEvidence {
    Nothing,
    /// The first character is the decimal separator; the second, if any, is between thousands.
    Decimal(char, Option<char>),
    /// This character is between thousands.
    Thousands(char),
    /// This character could be either separator.
    Either(char),
}

fn told(digits: &str) -> SeparatorEvidence {
    let separators: Vec<(usize, char)> = digits
        .char_indices()
        .filter(|(_, c)| !c.is_ascii_digit())
        .collect();
    let Some(&(last_at, last)) = separators.last() else {
        return SeparatorEvidence::Nothing;
    };
    let after = digits.len() - last_at - last.len_utf8();
    let other = separators.iter().map(|(_, c)| *c).find(|c| *c != last);
    let is_point = matches!(last, '.' | ',');
    match (is_point, other) {
        (false, _) => SeparatorEvidence::Thousands(last),
        (true, Some(other)) => SeparatorEvidence::Decimal(last, Some(other)),
        (true, None) if separators.len() > 1 => SeparatorEvidence::Thousands(last),
        (true, None) => match digits[..last_at].trim_start_matches('0').len() {
            1..=3 if after == 3 && !digits.starts_with('0') => SeparatorEvidence::Either(last),
            _ => SeparatorEvidence::Decimal(last, None),
        },
    }
}

/// Returns the combined evidence of all these amounts; `None` if there is no amount.
pub(super) fn written(amounts: impl Iterator<Item = Proof>) -> Option<WrittenAmounts> {
    let mut evidence = FormatEvidence::default();
    for proof in amounts {
        evidence.add(proof);
    }
    evidence.conclude()
}

/// What some amounts show of their format. Each separator has the first amount that shows it.
#[derive(Default)]
struct FormatEvidence {
    format: AmountFormat,
    /// The first amount of all.
    first: Option<Proof>,
    decimals: Vec<(char, Proof)>,
    thousands: Option<(char, Proof)>,
    /// A separator of decimals or of thousands.
    either: Option<(char, Proof)>,
}

impl FormatEvidence {
    /// Adds a cell, if it is an amount.
    fn add(&mut self, proof: Proof) {
        let Some(parts) = parts(&proof.value) else {
            return;
        };
        self.first.get_or_insert_with(|| proof.clone());
        self.format.has_parentheses |= parts.parentheses;
        if let (None, Some(symbol)) = (&self.format.strip, parts.symbol) {
            self.format.strip = Some(symbol.to_owned());
        }
        match told(parts.digits) {
            SeparatorEvidence::Nothing => {}
            SeparatorEvidence::Decimal(decimal, group) => {
                if let Some(group) = group {
                    self.thousands.get_or_insert_with(|| (group, proof.clone()));
                }
                if self.decimals.iter().all(|(known, _)| *known != decimal) {
                    self.decimals.push((decimal, proof));
                }
            }
            SeparatorEvidence::Thousands(group) => {
                self.thousands.get_or_insert((group, proof));
            }
            SeparatorEvidence::Either(separator) => {
                self.either.get_or_insert((separator, proof));
            }
        }
    }

    /// Returns the format that all of it shows, if there was an amount.
    fn conclude(self) -> Option<WrittenAmounts> {
        let FormatEvidence {
            mut format,
            first,
            decimals,
            thousands,
            either,
        } = self;
        let first = first?;
        let group = thousands.as_ref().map(|(group, _)| *group);
        format.thousands = group;
        let mut decimals = decimals.into_iter();
        Some(match (decimals.next(), decimals.next(), either) {
            (Some((_, one)), Some((_, other)), _) => {
                format.thousands = None;
                WrittenAmounts::Mixed(format, one, other)
            }
            (Some((decimal, proof)), None, _) if group == Some(decimal) => {
                format.thousands = None;
                let other = thousands.map_or(first, |(_, proof)| proof);
                WrittenAmounts::Mixed(format, proof, other)
            }
            (Some((decimal, proof)), None, either) => {
                format.decimal = decimal;
                if let Some((separator, _)) = either.filter(|(separator, _)| *separator != decimal)
                {
                    format.thousands = Some(separator);
                }
                WrittenAmounts::Decimal(format, proof)
            }
            (None, _, Some((separator, proof))) if group != Some(separator) => {
                // Where a point or a comma is between thousands, the other one may be, too: both stay
                // undecided.
                format.thousands = group.filter(|group| !matches!(group, '.' | ','));
                WrittenAmounts::Ambiguous(format, proof)
            }
            (None, ..) => {
                let point_or_comma = thousands.filter(|(group, _)| matches!(group, '.' | ','));
                if let Some((group, proof)) = point_or_comma {
                    // The other one is left for decimals.
                    format.decimal = if group == ',' { '.' } else { ',' };
                    return Some(WrittenAmounts::Whole(format, proof));
                }
                WrittenAmounts::Whole(format, first)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_values(values: &[&str]) -> WrittenAmounts {
        let proofs = values.iter().zip(2..).map(|(value, line)| Proof {
            header: "Total".into(),
            value: (*value).into(),
            line,
        });
        written(proofs).unwrap()
    }

    #[test]
    fn amounts_prove_their_separators_or_leave_them_open() {
        let format = |values: &[&str]| match from_values(values) {
            WrittenAmounts::Decimal(format, _) => (format.decimal, format.thousands),
            other => panic!("{values:?}: {other:?}"),
        };
        assert_eq!(format(&["8.00", "12.50"]), ('.', None));
        assert_eq!(format(&["8,00", "1.234,50"]), (',', Some('.')));
        assert_eq!(format(&["1,234", "8.5"]), ('.', Some(',')));
        assert_eq!(format(&["0.125"]), ('.', None));
        assert_eq!(format(&["1 234,50"]), (',', Some(' ')));
        assert_eq!(format(&["1'234.50"]), ('.', Some('\'')));
        assert!(matches!(
            from_values(&["1,234", "2,500"]),
            WrittenAmounts::Ambiguous(..)
        ));
        assert!(matches!(
            from_values(&["1.234", "49"]),
            WrittenAmounts::Ambiguous(..)
        ));
        assert!(matches!(
            from_values(&["8,00", "8.00"]),
            WrittenAmounts::Mixed(..)
        ));
        assert!(matches!(
            from_values(&["8,00", "1,234,567.00"]),
            WrittenAmounts::Mixed(..)
        ));
        assert!(matches!(
            from_values(&["49", "1900"]),
            WrittenAmounts::Whole(..)
        ));
        assert!(matches!(
            from_values(&["1,234,567", "1,234"]),
            WrittenAmounts::Whole(..)
        ));
        let open = from_values(&["1.234.567", "1,234"]);
        assert!(matches!(open, WrittenAmounts::Ambiguous(..)));
        assert_eq!(open.format().thousands, None);
    }

    #[test]
    fn symbols_and_parentheses_are_seen() {
        let seen = from_values(&["$5.00", "($1,234.00)"]);
        let format = seen.format();
        assert_eq!(
            (format.strip.as_deref(), format.has_parentheses),
            (Some("$"), true)
        );
        assert_eq!(
            from_values(&["5,00 €"]).format().strip.as_deref(),
            Some("€")
        );
        for negative in [
            "\u{2212}100,00",
            "5.00-",
            "5,00\u{2212}",
            "$\u{2212}5.00",
            "\u{2212}$5.00",
            "5.00- €",
        ] {
            assert!(looks_like_amount(negative), "{negative}");
        }
        for no_amount in [
            "2026-01-31",
            "12:30",
            "ch_1",
            "1e3",
            "ana@example.com",
            "5%",
            "",
            "-",
        ] {
            assert!(!looks_like_amount(no_amount), "{no_amount}");
        }
    }
}
