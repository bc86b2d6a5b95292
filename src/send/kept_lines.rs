//! Keeps what is wanted of each line of a listing, in memory.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::io;

use super::listing::{OrderCheck, PageSink};
use crate::tracking::{Listed, Page};

/// Takes what is wanted of the lines of a listing.
pub(crate) trait LineKeeper<T> {
    /// Takes a line that was not there before.
    fn keep(&mut self, line: &T);

    /// Removes all that was kept.
    fn clear(&mut self);
}

/// Gives each line of a listing once to a keeper, in memory that does not grow with what a line has.
pub(crate) struct KeptLines<T, K> {
    /// What was kept.
    pub(crate) kept: K,
    /// The most lines that are taken.
    most: usize,
    ids: HashSet<u64>,
    hasher: RandomState,
    pages: u32,
    total: Option<u64>,
    first: Vec<T>,
    order: OrderCheck,
}

impl<T, K> KeptLines<T, K> {
    /// Returns no lines yet, and takes up to so many.
    pub(crate) fn new(kept: K, most: usize) -> Self {
        KeptLines {
            kept,
            most,
            ids: HashSet::new(),
            hasher: RandomState::new(),
            pages: 0,
            total: None,
            first: Vec::new(),
            order: OrderCheck::default(),
        }
    }
}

impl<T: Listed, K: LineKeeper<T>> PageSink<T> for KeptLines<T, K> {
    fn pages(&self) -> u32 {
        self.pages
    }

    fn lines(&self) -> u64 {
        self.ids.len() as u64
    }

    fn total(&self) -> Option<u64> {
        self.total
    }

    fn first(&self) -> Option<&[T]> {
        Some(&self.first)
    }

    fn has(&self, line: &T) -> Option<bool> {
        Some(self.ids.contains(&self.hasher.hash_one(line.id())))
    }

    fn put(&mut self, page: Page<T>) -> io::Result<bool> {
        if self.pages == 0 {
            self.total = page.total;
        }
        self.pages += 1;
        let mut lines = page.lines;
        let before = lines.len();
        lines.retain(|line| self.ids.insert(self.hasher.hash_one(line.id())));
        let is_new = lines.len() == before;
        self.order.follow(&lines);
        self.order.has_repeats |= !is_new;
        lines.iter().for_each(|line| self.kept.keep(line));
        if self.pages == 1 {
            self.first = lines;
        }
        if self.ids.len() > self.most {
            return Err(io::Error::other(format!(
                "there are more than {} {}",
                self.most,
                T::NAME
            )));
        }
        Ok(is_new)
    }

    fn order(&self) -> OrderCheck {
        self.order
    }

    fn clear(&mut self) -> io::Result<()> {
        self.kept.clear();
        self.ids.clear();
        self.pages = 0;
        self.total = None;
        self.first.clear();
        self.order = OrderCheck::default();
        Ok(())
    }
}
