//! Remembers which lines of a listing have come, without keeping them.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::listing::OrderCheck;
use crate::tracking::{Listed, Page};

/// Holds the hashes of the ids of a listing's lines, the first page, and in which order all pages came.
pub(crate) struct SeenLines<T> {
    pages: u32,
    total: Option<u64>,
    first: Vec<T>,
    order: OrderCheck,
    ids: HashSet<u64>,
    hasher: RandomState,
}

impl<T> Default for SeenLines<T> {
    fn default() -> Self {
        SeenLines {
            pages: 0,
            total: None,
            first: Vec::new(),
            order: OrderCheck::default(),
            ids: HashSet::new(),
            hasher: RandomState::new(),
        }
    }
}

impl<T> SeenLines<T> {
    /// Returns the number of pages.
    pub(crate) fn pages(&self) -> u32 {
        self.pages
    }

    /// Returns the number of different lines.
    pub(crate) fn lines(&self) -> u64 {
        self.ids.len() as u64
    }

    /// Returns the number of all lines that the first page reported, if it did.
    pub(crate) fn total(&self) -> Option<u64> {
        self.total
    }

    /// Returns the first page, without lines that it has twice.
    pub(crate) fn first(&self) -> &[T] {
        &self.first
    }

    /// Returns in which order the lines of all pages came.
    pub(crate) fn order(&self) -> OrderCheck {
        self.order
    }

    /// Notes that a page had lines that earlier ones have, which are not in it any more.
    pub(crate) fn note_repeats(&mut self) {
        self.order.has_repeats = true;
    }
}

impl<T: Listed + Clone> SeenLines<T> {
    /// Returns `true` if a line with this id has come.
    pub(crate) fn has(&self, line: &T) -> bool {
        self.ids.contains(&self.hasher.hash_one(line.id()))
    }

    /// Takes a page, and returns its new lines, and whether all of them are new.
    pub(crate) fn enter(&mut self, page: Page<T>) -> (Page<T>, bool) {
        let Page { mut lines, total } = page;
        if self.pages == 0 {
            self.total = total;
        }
        self.pages += 1;
        let before = lines.len();
        lines.retain(|line| self.ids.insert(self.hasher.hash_one(line.id())));
        if self.pages == 1 {
            self.first = lines.clone();
        }
        let is_new = lines.len() == before;
        self.order.follow(&lines);
        self.order.has_repeats |= !is_new;
        (Page { lines, total }, is_new)
    }
}
