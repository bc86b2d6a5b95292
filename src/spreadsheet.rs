//! Makes text cells that no spreadsheet runs: reports write them, and reading a report restores the text.

use std::borrow::Cow;

/// The characters that some program takes for the end of a cell: a spreadsheet splits a CSV by the list
/// separator of its user's language, whatever the CSV itself is separated by.
const SEPARATORS: [char; 6] = [',', ';', '\t', '|', '\n', '\r'];

/// The characters that a formula begins with, plain, full-width and small.
const STARTS: [char; 12] = [
    '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫',
];

/// Returns a text that is safe in a cell: what a spreadsheet would take for a formula gets a `'` in front,
/// which [`restore`] removes.
///
/// A text is dangerous if it begins with `=`, `+`, `-` or `@`, also full-width or small: at the start of the text, and
/// after what may be taken for the end of a cell; only a plain number is not. A text that begins with a tab
/// or a carriage return is dangerous too. Quotation marks and apostrophes before that do not help, and what
/// has apostrophes gets one more, so that an apostrophe that was there before is never removed.
pub(crate) fn neutralise(text: &str) -> Cow<'_, str> {
    // Nearly all texts: one part, which begins with a letter or a digit.
    if text.starts_with(|first: char| first.is_ascii_alphanumeric()) && !has_separator(text) {
        return Cow::Borrowed(text);
    }
    let is_bare = |part: &TextSegment<'_>| part.is_dangerous(part.text);
    if is_number(text) || !parts(text).any(|part| is_bare(&part)) {
        return Cow::Borrowed(text);
    }
    let mut cell = String::with_capacity(text.len() + 2);
    for part in parts(text) {
        if is_bare(&part) {
            cell.push('\'');
        }
        cell.push_str(part.text);
        cell.extend(part.separator);
    }
    Cow::Owned(cell)
}

/// Returns the text that [`neutralise`] was given.
///
/// Every cell of a report that is read again has to be restored, whatever its column.
pub(crate) fn restore(cell: &str) -> Cow<'_, str> {
    let without = |part: &TextSegment<'_>| -> Option<usize> {
        let text = part.text.strip_prefix('\'')?;
        part.is_dangerous(text).then_some(1)
    };
    if !cell.contains('\'') || !parts(cell).any(|part| without(&part).is_some()) {
        return Cow::Borrowed(cell);
    }
    let mut text = String::with_capacity(cell.len());
    for part in parts(cell) {
        text.push_str(&part.text[without(&part).unwrap_or(0)..]);
        text.extend(part.separator);
    }
    Cow::Owned(text)
}

/// Holds the part between two separators of a text.
#[derive(Clone, Copy)]
struct TextSegment<'t> {
    text: &'t str,
    /// The separator that ends it.
    separator: Option<char>,
    /// `true` if it is the first part of the text.
    is_first: bool,
}

impl TextSegment<'_> {
    /// Returns `true` if a cell might be run that begins with this text, the rest of the part.
    fn is_dangerous(&self, text: &str) -> bool {
        let inner = text.trim_start_matches(['\'', '"']);
        let is_blank = inner.is_empty() && matches!(self.separator, Some('\t' | '\r'));
        inner.starts_with(STARTS) || (self.is_first && is_blank)
    }
}

/// Returns `true` if a text has several parts. Each separator is one byte, and all bytes are looked at, so that many
/// are compared at once.
fn has_separator(text: &str) -> bool {
    let is_one = |byte: u8| matches!(byte, b',' | b';' | b'\t' | b'|' | b'\n' | b'\r');
    text.bytes().fold(false, |any, byte| any | is_one(byte))
}

/// Returns the parts of a text.
fn parts(text: &str) -> impl Iterator<Item = TextSegment<'_>> {
    let pieces = text.split_inclusive(SEPARATORS).enumerate();
    pieces.map(|(number, piece)| {
        let separator = piece
            .chars()
            .next_back()
            .filter(|last| SEPARATORS.contains(last));
        // Each of them is one byte.
        let length = piece.len() - usize::from(separator.is_some());
        TextSegment {
            text: &piece[..length],
            separator,
            is_first: number == 0,
        }
    })
}

/// Returns `true` for a sign or none, digits, and the separators of one of the usual ways to write a number:
/// all groups but the first have three digits, and the decimal separator is not that of the groups.
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
            "-",
            "+",
            "-.",
            "-5.",
            "--5",
            "-5 USD",
            "-1e3",
            "+49 30 1234",
            "-٣",
            "＝1+1",
            "＋1",
            "－1",
            "＠SUM(A1)",
            "\"=1",
            "\t",
            "\rx",
            "-1,23,456",
            "-1.234.56",
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
            "a; =1",
            "1,5;2,5",
            "a=b;c=d",
            "\"Name\" <a@example.com>",
            "a\tb",
            "x\n",
        ] {
            assert!(matches!(neutralise(harmless), Cow::Borrowed(text) if text == harmless));
            assert_eq!(restore(harmless), harmless);
        }
        assert_eq!(neutralise("'-5.00"), "''-5.00");
        assert_eq!(neutralise("''=x"), "'''=x");
    }

    #[test]
    fn row_33a_what_a_spreadsheet_may_take_for_a_cell_of_its_own_is_inert() {
        for (text, cell) in [
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("a;=1+1", "a;'=1+1"),
            ("x;-5", "x;'-5"),
            ("a,b|@SUM(A1)\t=1\n-x", "a,b|'@SUM(A1)\t'=1\n'-x"),
            ("a;\"=1\"", "a;'\"=1\""),
            ("a;''=1;'-5", "a;'''=1;''-5"),
            ("a;＝1", "a;'＝1"),
            ("=1;=2", "'=1;'=2"),
        ] {
            assert_eq!(neutralise(text), cell);
            assert_eq!(restore(cell), text);
        }
    }

    /// Returns `true` if a spreadsheet that splits by one of the separators, or by all of them, would run
    /// something.
    fn is_run(cell: &str) -> bool {
        let is_formula = |part: &str| {
            let part = part.trim_start_matches('"');
            part.starts_with(STARTS)
        };
        let by_one = |separator: char| cell.split(separator).any(is_formula);
        let is_split = SEPARATORS.into_iter().any(by_one) || cell.split(SEPARATORS).any(is_formula);
        is_split && !is_number(cell) || cell.starts_with(['\t', '\r'])
    }

    proptest! {
        #[test]
        fn a_cell_is_inert_and_gives_its_text_back(
            text in prop_oneof![
                ".{0,12}",
                "['\"=+@\t\r\n;|.,0-9-]{0,12}",
                "(['\"]{0,2}[=+@＝＋－＠x-][0-9.,]{0,4}[;|,\t]{0,2}){0,4}",
            ]
        ) {
            let cell = neutralise(&text);
            prop_assert_eq!(restore(&cell), text.as_str());
            prop_assert!(!is_run(&cell), "{:?}", cell);
        }

        #[test]
        fn an_amount_of_ours_is_a_number(cents in any::<i64>()) {
            prop_assert!(is_number(&cents.to_string()));
        }
    }
}
