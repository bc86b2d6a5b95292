//! Writes TOML with comments that stays valid whatever the export contains.

use super::numbers::Proof;
use crate::invisible::{self, Language, shown_in_strings};

/// The greatest number of characters of a value in a comment; longer values are cut.
const SHOWN_CHARS: usize = 48;

/// The greatest length of a line of a comment.
const LINE_CHARS: usize = 100;

/// A part of a configuration, with the questions that it leaves to a person.
#[derive(Clone, Debug, Default)]
pub(super) struct Snippet {
    pub(super) toml: String,
    pub(super) guesses: Vec<String>,
    pub(super) decisions: Vec<String>,
    pub(super) questions: Vec<String>,
}

impl Snippet {
    /// Adds a line unchanged.
    pub(super) fn line(&mut self, line: &str) {
        self.toml.push_str(line);
        self.toml.push('\n');
    }

    /// Adds a comment on as many lines as it needs.
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

    /// Adds a guess: something that the export does not prove.
    pub(super) fn guess(&mut self, text: &str) {
        self.comment(&format!("guess: {text}"));
        self.guesses.push(one_line(text));
    }

    pub(super) fn key(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {}", quoted(value)));
    }
}

/// Returns a text as a TOML string. JSON's escapes are also TOML's, except for one character.
pub(super) fn quoted(text: &str) -> String {
    shown_in_strings(serde_json::Value::from(text).to_string(), Language::Toml)
}

pub(super) fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    format!("[{}]", words.join(", "))
}

/// Returns a text of an export for a comment or a sentence: on one line, and not too long.
pub(super) fn shown(value: &str) -> String {
    let value = match value.char_indices().nth(SHOWN_CHARS) {
        Some((cut, _)) => format!("{}…", &value[..cut]),
        None => value.to_owned(),
    };
    format!("`{}`", one_line(&value))
}

/// Returns the place of a proof in words: `1.234,50` in line 7.
pub(super) fn place(proof: &Proof) -> String {
    format!(
        "{} is {} in line {}",
        shown(&proof.header),
        shown(&proof.value),
        proof.line
    )
}

/// Returns a text without the characters that a comment can't contain.
pub(super) fn one_line(text: &str) -> String {
    invisible::shown(text).into_owned()
}
