//! Keeps what is wanted of each line of a listing, in memory.

use std::io;

use super::listing::{OrderCheck, PageSink};
use super::seen_lines::SeenLines;
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
    most: u64,
    seen: SeenLines<T>,
}

impl<T, K> KeptLines<T, K> {
    /// Returns no lines yet, and takes up to so many.
    pub(crate) fn new(kept: K, most: u64) -> Self {
        KeptLines {
            kept,
            most,
            seen: SeenLines::default(),
        }
    }
}

impl<T: Listed + Clone, K: LineKeeper<T>> PageSink<T> for KeptLines<T, K> {
    fn pages(&self) -> u32 {
        self.seen.pages()
    }

    fn lines(&self) -> u64 {
        self.seen.lines()
    }

    fn total(&self) -> Option<u64> {
        self.seen.total()
    }

    fn first(&self) -> Option<&[T]> {
        Some(self.seen.first())
    }

    fn has(&self, line: &T) -> Option<bool> {
        Some(self.seen.has(line))
    }

    fn put(&mut self, page: Page<T>) -> io::Result<bool> {
        let (page, is_new) = self.seen.enter(page);
        page.lines.iter().for_each(|line| self.kept.keep(line));
        if self.seen.lines() > self.most {
            return Err(io::Error::other(format!(
                "there are more than {} {}",
                self.most,
                T::NAME
            )));
        }
        Ok(is_new)
    }

    fn order(&self) -> OrderCheck {
        self.seen.order()
    }

    fn clear(&mut self) -> io::Result<()> {
        self.kept.clear();
        self.seen = SeenLines::default();
        Ok(())
    }
}
