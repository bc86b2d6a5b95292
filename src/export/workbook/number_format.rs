//! What a cell's number format shows beside the number: zeros in front, a percent sign, a currency, a time.

use calamine::NumberFormat;

/// Formats whose currency is that of the user's system, and not the one that stands in them.
const OF_THE_SYSTEM: [u32; 8] = [5, 6, 7, 8, 37, 42, 43, 44];

/// The most decimals that are written though they are zeros.
const DECIMALS_MOST: usize = 2;

/// Describes what a number format shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct NumberDisplay {
    /// The least number of digits of a whole number, if the format has only zeros.
    pub(super) digits_least: usize,
    /// The least number of decimals, up to the two of most currencies.
    pub(super) decimals_least: usize,
    pub(super) is_percent: bool,
    /// `true` if a date is shown with its time.
    pub(super) has_time: bool,
    /// The symbol or code of a currency.
    pub(super) currency: Option<String>,
}

impl NumberDisplay {
    pub(super) fn from_format(format: &NumberFormat) -> NumberDisplay {
        let id = format.format_id.unwrap_or_default();
        let is_of_the_system = OF_THE_SYSTEM.contains(&id);
        NumberDisplay::from_code(&format.format_code, is_of_the_system)
    }

    /// Reads the first section of a format, which is that of numbers above zero.
    fn from_code(code: &str, is_of_the_system: bool) -> NumberDisplay {
        let mut shown = NumberDisplay::default();
        let mut plain = String::new();
        let mut letters = code.chars();
        while let Some(letter) = letters.next() {
            match letter {
                ';' => break,
                '"' => shown.see_currency(&text_until(&mut letters, '"')),
                '[' => {
                    let inner = text_until(&mut letters, ']');
                    if let Some(inner) = inner.strip_prefix('$') {
                        let symbol = inner.split('-').next().unwrap_or_default();
                        shown.see_currency(symbol);
                    }
                }
                '\\' => {
                    let literal: String = letters.next().into_iter().collect();
                    shown.see_currency(&literal);
                }
                '_' | '*' => {
                    letters.next();
                }
                letter => plain.push(letter),
            }
        }
        if !is_of_the_system && let Some(symbol) = plain.chars().find(|&c| is_symbol(c)) {
            shown.see_currency(symbol.encode_utf8(&mut [0; 4]));
        }
        shown.is_percent = plain.contains('%');
        shown.has_time = plain.contains(['h', 'H', 's', 'S']);
        if let Some((_, decimals)) = plain.split_once('.') {
            let zeros = decimals.bytes().take_while(|&byte| byte == b'0');
            shown.decimals_least = zeros.count().min(DECIMALS_MOST);
        }
        if plain.len() > 1 && plain.bytes().all(|byte| byte == b'0') {
            shown.digits_least = plain.len();
        }
        shown
    }

    /// Takes note of a piece of text in the format, if it is a currency.
    fn see_currency(&mut self, text: &str) {
        let text = text.trim();
        let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_known = text.chars().any(is_symbol) && text.chars().count() <= 3;
        if self.currency.is_none() && (is_code || is_known) {
            self.currency = Some(text.to_owned());
        }
    }
}

fn text_until(letters: &mut std::str::Chars<'_>, end: char) -> String {
    letters.take_while(|&letter| letter != end).collect()
}

/// Returns `true` if a character is a currency sign according to Unicode.
fn is_symbol(c: char) -> bool {
    matches!(c, '$' | '¢'..='¥' | '\u{20A0}'..='\u{20CF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Option<String> {
        NumberDisplay::from_code(code, false).currency
    }

    #[test]
    fn the_currency_of_a_format_is_found() {
        for (code, expected) in [
            ("General", None),
            ("#,##0.00", None),
            ("$#,##0.00", Some("$")),
            ("\"$\"#,##0.00_);[Red](\"$\"#,##0.00)", Some("$")),
            ("#,##0.00\\ [$€-407]", Some("€")),
            ("#,##0.00\\ \"€\"", Some("€")),
            ("#,##0.00 [$USD]", Some("USD")),
            ("[$R$-416]\\ #,##0.00", Some("R$")),
            ("\\£#,##0.00", Some("£")),
            ("0 \"pcs\"", None),
            ("[Red]0.00", None),
            ("#,##0.00\\ _D_M;\"€\"0", None),
        ] {
            assert_eq!(currency(code).as_deref(), expected, "{code}");
        }
        let of_the_system = NumberDisplay::from_code("_($* #,##0.00_)", true);
        assert_eq!(of_the_system.currency, None);
    }

    #[test]
    fn decimals_are_kept_as_far_as_money_has_them() {
        for (code, expected) in [
            ("0.00", 2),
            ("#,##0.0", 1),
            ("0.000", 2),
            ("0", 0),
            ("General", 0),
        ] {
            assert_eq!(
                NumberDisplay::from_code(code, false).decimals_least,
                expected,
                "{code}"
            );
        }
    }

    #[test]
    fn zeros_percent_and_times_are_found() {
        assert_eq!(NumberDisplay::from_code("00000", false).digits_least, 5);
        for code in ["0", "0.00", "#,##0", "General", "0000 \"x\""] {
            assert_eq!(
                NumberDisplay::from_code(code, false).digits_least,
                0,
                "{code}"
            );
        }
        assert!(NumberDisplay::from_code("0.00%", false).is_percent);
        assert!(NumberDisplay::from_code("dd/mm/yyyy hh:mm", false).has_time);
        assert!(!NumberDisplay::from_code("dd\\.mm\\.yyyy", false).has_time);
        assert!(!NumberDisplay::from_code("[$-409]d\\-mmm\\-yy;@", false).has_time);
    }
}
