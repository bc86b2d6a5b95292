//! Finds the line of a profile's file that is wrong.
//!
//! A profile is checked after it has been merged with the profiles that it extends, and then its
//! lines are lost. The error knows the key and the value that it is about; both are looked up in
//! the text.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ProfileError;

/// The subject of an error, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ErrorSubject {
    /// The key, such as `money.currency`, without the indices in arrays.
    key: Option<String>,
    /// The value of the key, or the name of a key that should not exist.
    value: Option<String>,
    /// The list of rules, and which of them from 0.
    rule: Option<(&'static str, usize)>,
}

impl ProfileError {
    pub(super) fn about(mut self, key: &str) -> Self {
        self.place.key = Some(key.to_owned());
        self
    }

    pub(super) fn says(mut self, value: &str) -> Self {
        self.place.value = Some(value.to_owned());
        self
    }

    pub(super) fn of_rule(mut self, list: &'static str, index: usize) -> Self {
        self.place.rule = Some((list, index));
        self
    }

    /// Returns the line, from 1, of the key that the error is about, in the file that the profile
    /// is from. `table` leads to the profile in that file; for a file of its own it is empty.
    /// Returns `None` if the key is not in this file, but in a profile that this one extends.
    pub fn line_in(&self, text: &str, table: &[&str]) -> Option<u64> {
        let file = DeTable::parse(text).ok()?;
        let mut profile = file.get_ref();
        for name in table {
            profile = profile.get(*name)?.get_ref().as_table()?;
        }
        let mut search = Search {
            wanted: &self.place,
            best: None,
        };
        match self.place.rule {
            Some((list, index)) => {
                let rule = profile.get(list)?.get_ref().get(index)?;
                search.offer(Fit::Rule, rule.span().start);
                search.value(rule, &mut vec![list]);
            }
            None => search.table(profile, &mut Vec::new()),
        }
        let (_, byte) = search.best?;
        let before = text.as_bytes().iter().take(byte);
        Some(1 + before.filter(|byte| **byte == b'\n').count() as u64)
    }
}

/// The match between a place in the file and the error; a later variant is better.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The place is the rule with the error.
    Rule,
    /// The place has the error's value, under another key.
    Value,
    /// The place is the error's key.
    Key,
    /// The place is the error's key, with the error's value.
    Both,
}

struct Search<'e> {
    wanted: &'e ErrorSubject,
    /// The first of the places that fit best, as a byte offset.
    best: Option<(Fit, usize)>,
}

impl Search<'_> {
    /// Searches a table; `path` holds the keys above it, without the indices in arrays.
    fn table<'t>(&mut self, table: &'t DeTable<'_>, path: &mut Vec<&'t str>) {
        for (key, value) in table {
            path.push(key.get_ref());
            let named = self.wanted.value.as_deref() == Some(key.get_ref());
            self.take(path, named, key.span().start);
            self.value(value, path);
            path.pop();
        }
    }

    fn value<'t>(&mut self, value: &'t Spanned<DeValue<'_>>, path: &mut Vec<&'t str>) {
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, path),
            DeValue::Array(array) => {
                for element in array {
                    self.value(element, path);
                }
            }
            DeValue::String(text) => {
                let named = self.wanted.value.as_deref() == Some(text.as_ref());
                self.take(path, named, value.span().start);
            }
            _ => {}
        }
    }

    fn take(&mut self, path: &[&str], named: bool, byte: usize) {
        let fit = match (self.is_key(path), named) {
            (true, true) => Fit::Both,
            (true, false) => Fit::Key,
            (false, true) => Fit::Value,
            (false, false) => return,
        };
        self.offer(fit, byte);
    }

    fn offer(&mut self, fit: Fit, byte: usize) {
        let is_better = |(best, at): (Fit, usize)| fit > best || (fit == best && byte < at);
        if self.best.is_none_or(is_better) {
            self.best = Some((fit, byte));
        }
    }

    /// Returns `true` if the key of the error is this one, or one above it.
    fn is_key(&self, path: &[&str]) -> bool {
        let key = self.wanted.key.as_deref();
        let names: Option<Vec<&str>> = key.map(|key| key.split('.').collect());
        names.is_some_and(|names| path.windows(names.len()).any(|window| window == names))
    }
}
