//! Characters that nobody sees, and how a text with some is shown.
//!
//! They come with text that is copied from a page, a chat or a right-to-left document. Two ids that
//! look the same are two events to a program, so they must not be read over.

use std::borrow::Cow;

/// Whether a character has no mark of its own on a screen: controls, zero-width and format
/// characters (general category Cf), fillers, and every space but the plain one.
pub(crate) fn is_invisible(c: char) -> bool {
    match c {
        ' '..='~' => false,
        _ => {
            c.is_control()
                || c.is_whitespace()
                || matches!(c,
                    '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
                    | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
                    | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
                    | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
                    | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                    | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        }
    }
}

/// Takes invisible characters and spaces off both ends.
pub(crate) fn trim(text: &str) -> &str {
    // A variation selector belongs to the character before it.
    let is_selector = |c| matches!(c, '\u{fe00}'..='\u{fe0f}');
    text.trim_matches(|c: char| c == ' ' || is_invisible(c) && !is_selector(c))
}

/// Returns the text with its invisible characters escaped, such as `\u{200b}`.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match is_invisible(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_sees_is_escaped_and_the_rest_is_not() {
        assert_eq!(shown("in_1\u{200b}2"), "in_1\\u{200b}2");
        assert_eq!(shown("a\tb\u{a0}c"), "a\\tb\\u{a0}c");
        for plain in ["in_12 x", "Zoë", "日本", "ünïcode@example.com", "−5", ""] {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn the_ends_are_taken_off_and_the_middle_stays() {
        assert_eq!(
            trim("\u{feff} in\u{200b}_1\u{a0}\u{2060}\n"),
            "in\u{200b}_1"
        );
        assert_eq!(trim("\u{200e}\u{ad}"), "");
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_shown(text in "\\PC{0,20}|.{0,20}") {
            prop_assert!(!shown(&text).chars().any(is_invisible));
        }
    }
}
