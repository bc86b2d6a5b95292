//! Text cells that no spreadsheet runs: what reports write, and what reading a report undoes.

use std::borrow::Cow;

/// A text as it can stand in a cell: what a spreadsheet would take for a formula gets a `'` in
/// front, and [`restore`] takes it away again.
///
/// Dangerous is a text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return and is no
/// plain number. A text that begins so behind apostrophes gets one more, so that none is ever taken
/// away that was there before.
///
/// ```
/// use fprecon::spreadsheet::{neutralise, restore};
///
/// assert_eq!(neutralise("=1+1"), "'=1+1");
/// assert_eq!(neutralise("'=1+1"), "''=1+1");
/// assert_eq!(neutralise("-5.00"), "-5.00");
/// assert_eq!(restore("'=1+1"), "=1+1");
/// ```
pub fn neutralise(text: &str) -> Cow<'_, str> {
    if is_dangerous(text.trim_start_matches('\'')) && !is_number(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text that [`neutralise`] was given.
///
/// Every cell of a report that is read again has to go through it, whatever its column.
pub fn restore(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(text) if is_dangerous(text.trim_start_matches('\'')) => text,
        _ => cell,
    }
}

fn is_dangerous(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A sign or none, digits, and the separators of one of the usual ways to write a number: all
/// groups but the first have three digits, and the decimal separator is not that of the groups.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    [(',', '.'), ('.', ',')]
        .into_iter()
        .any(|(group, decimal)| is_number_with(unsigned, group, decimal))
}

fn is_number_with(text: &str, group: char, decimal: char) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let mut groups = whole.split(group);
    let first = groups.next().unwrap_or_default();
    let mut grouped = false;
    let rest_of_three = groups.all(|digits| {
        grouped = true;
        digits.len() == 3 && is_digits(digits)
    });
    is_digits(first)
        && (!grouped || first.len() <= 3)
        && rest_of_three
        && fraction.is_none_or(is_digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_are_inert_and_numbers_stay_numbers() {
        for formula in [
            "=HYPERLINK(\"http://x\")",
            "+1+1",
            "-1+cmd|' /C calc'!A0",
            "@SUM(A1)",
            "\t=1",
            "\r=1",
            "-",
            "+",
            "-.",
            "-5.",
            "-1,23,456",
            "-1.234.56",
            "--5",
            "-5 USD",
            "-1e3",
            "+49 30 1234",
            "-٣",
        ] {
            assert_eq!(neutralise(formula), format!("'{formula}"));
        }
        for harmless in [
            "",
            "a@example.com",
            "'",
            "'tis",
            "O'Neil",
            "-5",
            "-5.00",
            "+5,5",
            "-1,234.56",
            "-1.234,56",
            "-1,234,567",
            "+4930123456",
            " =1",
        ] {
            assert!(matches!(neutralise(harmless), Cow::Borrowed(text) if text == harmless));
            assert_eq!(restore(harmless), harmless);
        }
        assert_eq!(neutralise("'-5.00"), "''-5.00");
        assert_eq!(neutralise("''=x"), "'''=x");
    }

    proptest! {
        #[test]
        fn a_cell_is_inert_and_gives_its_text_back(
            text in prop_oneof![".{0,12}", "['=+@\t\r.,0-9-]{0,9}", "'{0,3}[=+@-][0-9.,]{0,8}"]
        ) {
            let cell = neutralise(&text);
            prop_assert_eq!(restore(&cell), text.as_str());
            prop_assert!(!is_dangerous(&cell) || is_number(&cell));
        }

        #[test]
        fn an_amount_of_ours_is_a_number(cents in any::<i64>()) {
            prop_assert!(is_number(&cents.to_string()));
        }
    }
}
