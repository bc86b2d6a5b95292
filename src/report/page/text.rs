//! Makes text from outside fit for a page: escaped, bounded, and equal where only an id differs.

use std::fmt::{self, Write};

use askama::filters::{Escaper, Html};

use crate::invisible::shown;
use crate::problem::Problem;

/// Escapes the values that a template writes: none of them is markup, and invisible characters are
/// shown escaped. Line breaks are kept only in hints that are to be copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageEscaper;

impl Escaper for PageEscaper {
    fn write_escaped_str<W: Write>(&self, mut dest: W, text: &str) -> fmt::Result {
        for (number, line) in text.split(Problem::HINT_LINE).enumerate() {
            if number > 0 {
                dest.write_str(Problem::HINT_LINE)?;
            }
            Html.write_escaped_str(&mut dest, &shown(line))?;
        }
        Ok(())
    }
}

/// Returns the start of a text, cut between characters, with a mark where something is missing.
pub(crate) fn cut(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Returns the greatest number of bytes that a text takes on the page.
pub(crate) fn escaped_len(text: &str) -> usize {
    let text = shown(text);
    let specials = text.bytes().filter(|byte| b"<>&\"'".contains(byte)).count();
    text.len() + 5 * specials
}

/// Returns a message without the parts that differ from one event to the next: quoted text and long
/// numbers become `…`. So a thousand answers that name a thousand ids count as one reason.
pub(crate) fn shape_of(message: &str) -> String {
    let mut shape = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(first) = rest.chars().next() {
        let (kept, skipped) = match first {
            '\'' | '"' | '`' if !ends_with_letter(&shape) => quoted(rest, first),
            '0'..='9' => number(rest),
            _ => (&rest[..first.len_utf8()], first.len_utf8()),
        };
        shape.push_str(kept);
        rest = &rest[skipped..];
    }
    shape
}

/// Returns `true` if the text ends with a letter: an apostrophe within a word opens no quotation.
fn ends_with_letter(text: &str) -> bool {
    text.ends_with(char::is_alphanumeric)
}

/// Returns the replacement for a quotation and the length of the quotation; words such as 'sale'
/// stay.
fn quoted(text: &str, mark: char) -> (&str, usize) {
    match text[1..].find(mark) {
        Some(length) if text[1..=length].bytes().all(|b| b.is_ascii_lowercase()) => {
            (&text[..length + 2], length + 2)
        }
        Some(length) => ("…", length + 2),
        None => (&text[..1], 1),
    }
}

/// Returns the replacement for a number and the length of the number. Short ones, such as a status,
/// stay.
fn number(text: &str) -> (&str, usize) {
    const SHORT: usize = 3;
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    match digits {
        0..=SHORT => (&text[..digits], digits),
        _ => ("…", digits),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::invisible::is_invisible;

    proptest! {
        #[test]
        fn a_page_has_no_markup_and_nothing_invisible_of_others(text in "(?s).{0,20}|(\n|\r|    |\u{202e}|<b>|&|\"){0,8}") {
            let mut page = String::new();
            PageEscaper.write_escaped_str(&mut page, &text).unwrap();
            prop_assert!(!page.contains(['<', '>', '"']));
            let own = page.replace(Problem::HINT_LINE, "");
            prop_assert!(!own.chars().any(is_invisible), "{:?}", page);
            prop_assert!(page.len() <= escaped_len(&text));
        }
    }

    #[test]
    fn texts_are_cut_between_characters() {
        assert_eq!(cut("日本語", 3), "日本語");
        assert_eq!(cut("日本語", 2), "日本…");
        assert_eq!(cut("", 2), "");
        assert_eq!(escaped_len("a<b"), 8);
    }

    #[test]
    fn answers_that_name_an_id_are_one_reason() {
        let of = |id: &str| shape_of(&format!("The 'sale' event with the id '{id}' exists."));
        assert_eq!(of("in_0001"), "The 'sale' event with the id … exists.");
        assert_eq!(of("in_0001"), of("x y"));
        assert_eq!(shape_of("can't, won't"), "can't, won't");
        assert_eq!(shape_of("error 422 at 1763000000"), "error 422 at …");
        assert_eq!(shape_of("it's \"open"), "it's \"open");
        assert_eq!(shape_of("日本'語'"), "日本'語'");
    }
}
