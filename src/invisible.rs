//! Finds characters that nobody sees, and shows them.
//!
//! They come with text that is copied from a page, a chat or a right-to-left document, or from somebody who
//! wants to control a terminal. Two ids that look the same are two events to a program, so invisible
//! characters must be noticed; an escape sequence, a line break or a change of direction must not look like
//! something that the program says.
//!
//! Every text from outside that people read is passed through [`shown`] where it is put into a sentence or a
//! table, and whatever goes to a terminal is passed through [`shown_lines`] once more.

use std::borrow::Cow;

/// Returns `true` if a character has no mark of its own on a screen: controls, zero-width and format
/// characters (general category Cf), fillers, and every space but the plain one.
pub(crate) fn is_invisible(c: char) -> bool {
    match c {
        ' '..='~' => false,
        _ => {
            c.is_control()
                || c.is_whitespace()
                || matches!(c,
                    '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{70f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
                    | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
                    | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
                    | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
                    | '\u{fff0}'..='\u{fffb}' | '\u{13430}'..='\u{1343f}' | '\u{16fe4}'
                    | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        }
    }
}

/// Removes invisible characters and spaces from both ends.
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
        if is_invisible(c) {
            shown.extend(c.escape_default())
        } else {
            shown.push(c)
        }
    }
    Cow::Owned(shown)
}

/// The sequences by which the program itself sets bold and coloured text.
const STYLES: [&str; 4] = ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[31m", "\u{1b}[33m"];

/// Returns a text of the program's own lines with invisible characters escaped; its line breaks and its
/// styles are kept.
pub(crate) fn shown_lines(text: &str) -> Cow<'_, str> {
    let is_own = |c: char| c == '\n' || !is_invisible(c);
    if text.chars().all(is_own) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let style = STYLES.into_iter().find(|style| rest.starts_with(style));
        match style {
            Some(style) => shown.push_str(style),
            None if is_own(c) => shown.push(c),
            None => shown.extend(c.escape_default()),
        }
        rest = &rest[style.map_or(c.len_utf8(), str::len)..];
    }
    Cow::Owned(shown)
}

/// Returns a text in which JSON and TOML strings have their invisible characters as escapes of these
/// languages, such as `\u200b`: what is read from it is the same.
pub(crate) fn shown_in_strings(text: String, language: Language) -> String {
    let is_own = |c: char| c == '\n' || !is_invisible(c);
    if text.chars().all(is_own) {
        return text;
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_own(c) {
            shown.push(c)
        } else {
            shown.push_str(&language.escape(c))
        }
    }
    shown
}

/// Names the language that a text is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// The text is JSON.
    Json,
    /// The text is TOML.
    Toml,
}

impl Language {
    /// Returns a character as it is written in a string of the language.
    pub(crate) fn escape(self, c: char) -> String {
        match (self, u32::from(c)) {
            (Language::Json, _) => {
                let mut units = [0; 2];
                let units = c.encode_utf16(&mut units).iter();
                units.map(|unit| format!("\\u{unit:04x}")).collect()
            }
            (Language::Toml, code @ ..=0xffff) => format!("\\u{code:04X}"),
            (Language::Toml, code) => format!("\\U{code:08X}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_nobody_sees_is_escaped_and_the_rest_is_not() {
        assert_eq!(shown("in_1\u{200b}2"), "in_1\\u{200b}2");
        assert_eq!(shown("a\tb\u{a0}c"), "a\\tb\\u{a0}c");
        for unseen in [
            '\u{70f}',
            '\u{fff0}',
            '\u{13437}',
            '\u{16fe4}',
            '\u{1d159}',
            '\u{e0041}',
        ] {
            let escaped = format!("a{}b", unseen.escape_unicode());
            assert_eq!(shown(&format!("a{unseen}b")), escaped);
        }
        for plain in ["in_12 x", "Zoë", "日本", "ünïcode@example.com", "−5", ""] {
            assert_eq!(shown(plain), plain);
        }
    }

    #[test]
    fn the_ends_are_trimmed_and_the_middle_is_kept() {
        assert_eq!(
            trim("\u{feff} in\u{200b}_1\u{a0}\u{2060}\n"),
            "in\u{200b}_1"
        );
        assert_eq!(trim("\u{200e}\u{ad}"), "");
    }

    #[test]
    fn lines_and_styles_of_the_program_stay() {
        let own = "\u{1b}[1mNeeds attention\u{1b}[0m\n  1 event";
        assert_eq!(shown_lines(own), own);
        assert_eq!(
            shown_lines("a\u{1b}]0;title\u{7}\u{1b}[2J\u{1b}[8mb\r\nc\td\u{202e}"),
            "a\\u{1b}]0;title\\u{7}\\u{1b}[2J\\u{1b}[8mb\\r\nc\\td\\u{202e}"
        );
    }

    #[test]
    fn strings_of_json_and_toml_read_as_they_were() {
        let text = "a\u{7f}\u{a0}\u{202e}\u{e0001}\u{9b}2J\u{1b}[0m";
        let json = serde_json::to_string_pretty(&[text]).unwrap();
        let json = shown_in_strings(json, Language::Json);
        assert!(
            json.chars().all(|c| c == '\n' || !is_invisible(c)),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<[String; 1]>(&json).unwrap(), [text]);
        let table = toml::Table::from_iter([("key".to_owned(), text.into())]);
        let toml = shown_in_strings(toml::to_string_pretty(&table).unwrap(), Language::Toml);
        assert!(
            toml.chars().all(|c| c == '\n' || !is_invisible(c)),
            "{toml}"
        );
        assert_eq!(toml.parse::<toml::Table>().unwrap(), table);
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_shown(text in "\\PC{0,20}|.{0,20}") {
            let once = shown(&text);
            prop_assert!(!once.chars().any(is_invisible));
            prop_assert_eq!(shown(&once), once.as_ref());
            prop_assert_eq!(shown_lines(&once), once.as_ref());
        }

        #[test]
        fn nothing_but_own_lines_and_styles_reaches_a_terminal(text in "\\PC{0,20}|.{0,20}|(?s).{0,20}|(\u{1b}\\[[0-9;]{0,3}[mJH]|x){0,9}") {
            let text = shown_lines(&text);
            let plain = STYLES.iter().fold(text.into_owned(), |text, style| text.replace(style, ""));
            prop_assert!(plain.chars().all(|c| c == '\n' || !is_invisible(c)), "{:?}", plain);
        }
    }
}
