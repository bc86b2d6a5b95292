//! TOML with comments: whatever stands in an export, what is written stays valid.

use super::numbers::Proof;
use crate::invisible::{self, Language, shown_in_strings};

/// Longer values are cut in comments.
const SHOWN_CHARS: usize = 48;

/// Comments go on in a new line there.
const LINE_CHARS: usize = 100;

/// A part of a configuration, with what it leaves to a person.
#[derive(Clone, Debug, Default)]
pub(super) struct Snippet {
    pub(super) toml: String,
    pub(super) guesses: Vec<String>,
    pub(super) decisions: Vec<String>,
    pub(super) questions: Vec<String>,
}

impl Snippet {
    /// A line as it is.
    pub(super) fn line(&mut self, line: &str) {
        self.toml.push_str(line);
        self.toml.push('\n');
    }

    /// A comment, over as many lines as it takes.
    pub(super) fn comment(&mut self, text: &str) {
        let mut line = String::from("#");
        for word in one_line(text).split(' ') {
            if line.chars().count() + word.chars().count() >= LINE_CHARS && line.len() > 1 {
                self.line(&line);
                line = String::from("#");
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(&line);
    }

    /// Something that the export does not prove.
    pub(super) fn guess(&mut self, text: &str) {
        self.comment(&format!("guess: {text}"));
        self.guesses.push(one_line(text));
    }

    pub(super) fn key(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {}", quoted(value)));
    }
}

/// A text as a TOML string. JSON's escapes are those of TOML, but for one character.
pub(super) fn quoted(text: &str) -> String {
    shown_in_strings(serde_json::Value::from(text).to_string(), Language::Toml)
}

pub(super) fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

/// Text of an export within a comment, or within a sentence: on one line, and not too long.
pub(super) fn shown(value: &str) -> String {
    let value = match value.char_indices().nth(SHOWN_CHARS) {
        Some((cut, _)) => format!("{}…", &value[..cut]),
        None => value.to_owned(),
    };
    format!("`{}`", one_line(&value))
}

/// `1.234,50` in line 7.
pub(super) fn place(proof: &Proof) -> String {
    format!(
        "{} is {} in line {}",
        shown(&proof.header),
        shown(&proof.value),
        proof.line
    )
}

/// Without the characters that a comment can't hold.
pub(super) fn one_line(text: &str) -> String {
    invisible::shown(text).into_owned()
}
