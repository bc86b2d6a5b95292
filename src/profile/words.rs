//! Compares the words of a column, and decides the meaning of each.

use super::{ColumnIndex, Profile, RemarkRule, RowScope, Test, When};
use crate::event::Kind;

/// The differences between two words that are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// No difference is ignored.
    Exact,
    /// Case is ignored: `Paid` equals `PAID`.
    AnyCase,
    /// Case and separators are ignored: `Paid out`, `paid_out` and `PAID-OUT` are equal.
    Loose,
}

impl Spelling {
    /// Returns the spelling for the setting `fold` of a column.
    pub(super) fn from_fold(fold: Option<bool>) -> Self {
        match fold {
            None => Spelling::AnyCase,
            Some(true) => Spelling::Loose,
            Some(false) => Spelling::Exact,
        }
    }
}

/// Words with which a cell is compared.
#[derive(Clone, Debug)]
pub(crate) struct WordSet {
    pub(crate) list: Vec<String>,
    pub(crate) spelling: Spelling,
}

impl WordSet {
    /// Returns `true` if a cell has one of the words.
    pub(crate) fn contain(&self, value: &str) -> bool {
        // Nearly all cells have the word as the profile writes it.
        if self.list.iter().any(|word| word == value) {
            return true;
        }
        match self.spelling {
            Spelling::Exact => false,
            Spelling::AnyCase => self
                .list
                .iter()
                .any(|word| is_same_in_any_case(word, value)),
            Spelling::Loose => {
                let is_same = |word: &String| loose(word).eq(loose(value));
                !value.is_empty() && self.list.iter().any(is_same)
            }
        }
    }

    /// Returns the words for a message.
    pub(crate) fn quoted(&self) -> String {
        let quoted: Vec<_> = self.list.iter().map(|word| format!("`{word}`")).collect();
        quoted.join(", ")
    }
}

fn is_same_in_any_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    let folded = |text: &'_ str| {
        text.chars()
            .flat_map(char::to_lowercase)
            .collect::<String>()
    };
    folded(one) == folded(other)
}

fn loose(text: &str) -> impl Iterator<Item = char> {
    let spaced = text.chars().map(|c| match c {
        '_' | '-' => ' ',
        c => c,
    });
    spaced.flat_map(char::to_lowercase)
}

/// The user's meaning of a word that is not in the profile.
#[derive(Clone, Debug)]
pub(crate) struct ReadAs {
    pub(crate) column: ColumnIndex,
    /// The word, as a set of one.
    pub(crate) words: WordSet,
    pub(crate) meaning: Meaning,
}

/// The meaning of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// The row is read as if it had this word.
    Word(String),
    /// The row is not an event, for this reason.
    Ignored(String),
}

/// A list of words without a word, which a rule of the profile is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EmptyList {
    pub(crate) column: ColumnIndex,
    /// The name of the list under `[words]`.
    pub(crate) name: String,
    /// The meaning of rows with such a word, as in [`ProfileAnswer`].
    pub(crate) meaning: String,
}

/// A word of the profile, and the meaning of rows with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProfileAnswer {
    pub(crate) word: String,
    /// The meaning for a person, such as `a sale` or `ignored: payment failed`.
    pub(crate) meaning: String,
}

impl Profile {
    /// Returns the different meanings of rows by the words of this column, each with the first word
    /// for it. Words that are in no rule are left out.
    pub(crate) fn answers(&self, column: ColumnIndex) -> Vec<ProfileAnswer> {
        let known = self.known.iter().find(|(is, _)| *is == column);
        let words = known.into_iter().flat_map(|(_, words)| &words.list);
        let mut answers: Vec<ProfileAnswer> = Vec::new();
        for word in words {
            let Some(meaning) = self.meaning_of(column, word) else {
                continue;
            };
            if answers.iter().all(|answer| answer.meaning != meaning) {
                answers.push(ProfileAnswer {
                    word: word.clone(),
                    meaning,
                });
            }
        }
        answers
    }

    /// Returns `true` if any rule except a warning names this word.
    pub(crate) fn names_word(&self, column: ColumnIndex, word: &str) -> bool {
        let ignore = self.ignore.iter().map(|rule| &rule.scope);
        let reject = self.reject.iter().map(|rule| &rule.scope);
        let events = self.events.iter().map(|rule| &rule.scope);
        let mut scopes = ignore.chain(reject).chain(events);
        scopes.any(|scope| names(&scope.when, column, word))
    }

    /// Returns the meaning of rows with this word, as far as the word alone decides it.
    fn meaning_of(&self, column: ColumnIndex, word: &str) -> Option<String> {
        let is_settled = |scope: &RowScope| scope.is_settled_by(column, word);
        if let Some(rule) = self.ignore.iter().find(|rule| is_settled(&rule.scope)) {
            return Some(format!("ignored: {}", rule.reason));
        }
        let is_rejected = |rule: &&RemarkRule| is_settled(&rule.scope);
        if let Some(rule) = self.reject.iter().find(is_rejected) {
            return Some(format!("rejected: {}", rule.message));
        }
        let mut kinds: Vec<Kind> = Vec::new();
        for rule in &self.events {
            if names(&rule.scope.when, column, word) && !kinds.contains(&rule.kind) {
                kinds.push(rule.kind);
            }
        }
        let kinds: Vec<&str> = kinds.into_iter().map(with_article).collect();
        (!kinds.is_empty()).then(|| kinds.join(" or "))
    }
}

pub(super) fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::Sale => "a sale",
        Kind::Refund => "a refund",
        Kind::Cancellation => "a cancellation",
        Kind::Signup => "a sign-up",
    }
}

impl RowScope {
    /// Returns `true` if this word alone decides that the rule fits.
    fn is_settled_by(&self, column: ColumnIndex, word: &str) -> bool {
        let is_alone = self.when.iter().all(|(tested, _)| *tested == column);
        is_alone && self.unless.is_none() && names(&self.when, column, word)
    }
}

/// Returns `true` if a `when` names this word.
fn names(when: &When, column: ColumnIndex, word: &str) -> bool {
    when.iter().any(|(tested, test)| {
        *tested == column
            && match test {
                Test::OneOf(words) => words.contain(word),
                Test::Pattern(pattern) => pattern.is_match(word),
                Test::Empty(empty) => *empty && word.is_empty(),
                Test::NoneOf(_)
                | Test::Exported(_)
                | Test::Sign(_)
                | Test::NotSign(_)
                | Test::Sum(_)
                | Test::NotSum(_) => false,
            }
    })
}
