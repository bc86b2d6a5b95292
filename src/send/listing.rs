//! A listing of the account read whole, page by page, at the account's one pace.
//!
//! It counts only if it is whole. What is added while it is read is no reason to begin anew: a line that
//! comes again, because others were added before it, is passed over. What is taken away moves lines to
//! pages that were read already, so a listing whose total falls, or whose first page has lost a line, is
//! begun anew. Pages go to a [`PageSink`], which may keep them beyond an interruption.

use std::io;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use super::pace::Pace;
use super::{MAX_SLOWED, Stop, backoff};
use crate::tracking::{Answer, Client, Listed, Page, Reply};

/// How often a listing that changes while it is read is begun anew.
const MAX_READINGS: u32 = 3;

/// Where the pages of a listing go.
pub trait PageSink<T> {
    /// How many pages are there already, of an earlier reading that was interrupted.
    fn pages(&self) -> u32;

    /// How many lines are there.
    fn lines(&self) -> u64;

    /// What the first page said of the number of all lines, if there is a page and it said so.
    fn total(&self) -> Option<u64>;

    /// The first page, where it was kept: the listing has changed if it reads otherwise later.
    fn first(&self) -> Option<&[T]>;

    /// Whether a line is there; `None` where the shelf can't tell, so that a listing in which anything
    /// moves is begun anew.
    fn has(&self, line: &T) -> Option<bool>;

    /// Takes the next page, of lines that are there already the first; false where it has such a line.
    ///
    /// # Errors
    ///
    /// It can't be kept.
    fn put(&mut self, page: Page<T>) -> io::Result<bool>;

    /// Forgets all pages.
    ///
    /// # Errors
    ///
    /// What was kept can't be removed.
    fn clear(&mut self) -> io::Result<()>;
}

/// Why a listing is not whole.
#[derive(Debug)]
pub enum Unlisted {
    /// It was told to stop.
    Interrupted,
    /// A page can't be had.
    Page {
        /// From 1.
        number: u32,
        /// What came instead.
        answer: Answer,
    },
    /// It changed each time while it was read.
    Changing,
    /// It says that it has another number of lines than it has.
    Short {
        /// Lines that it has.
        lines: u64,
        /// Lines that it says there are.
        total: u64,
    },
    /// A page can't be kept.
    Sink(io::Error),
}

/// Reads what of a listing is not on the shelf yet; `progress` is told of every page: lines and
/// requests so far. Gives the number of requests.
///
/// # Errors
///
/// Why the listing is not whole; the pages on the shelf stay there.
pub async fn fetch_list<T: Listed + PartialEq>(
    client: &Client,
    requests_per_minute: NonZeroU32,
    stop: &mut UnboundedReceiver<Stop>,
    shelf: &mut impl PageSink<T>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, Unlisted> {
    let mut pace = Pace::new(requests_per_minute, Instant::now());
    read(client, &mut pace, stop, shelf, progress).await
}

/// The same at a pace that others share.
pub(super) async fn read<T: Listed + PartialEq>(
    client: &Client,
    pace: &mut Pace,
    stop: &mut UnboundedReceiver<Stop>,
    shelf: &mut impl PageSink<T>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<u64, Unlisted> {
    let mut reader = Reader {
        client,
        pace,
        stop,
        requests: 0,
    };
    for _ in 0..MAX_READINGS {
        if reader.read(shelf, progress).await? {
            return Ok(reader.requests);
        }
        shelf.clear().map_err(Unlisted::Sink)?;
    }
    Err(Unlisted::Changing)
}

struct Reader<'r> {
    client: &'r Client,
    pace: &'r mut Pace,
    stop: &'r mut UnboundedReceiver<Stop>,
    requests: u64,
}

impl Reader<'_> {
    /// From the first page that is not there yet to the last; false where the listing has changed in a
    /// way that may have hidden a line.
    async fn read<T: Listed + PartialEq>(
        &mut self,
        shelf: &mut impl PageSink<T>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<bool, Unlisted> {
        if shelf.pages() > 0 && !self.has_lost_nothing(shelf).await? {
            return Ok(false);
        }
        let mut latest = shelf.total();
        while shelf.pages() == 0 || latest.is_none_or(|total| shelf.lines() < total) {
            let page = self.page::<T>(shelf.pages() + 1).await?;
            let (is_last, total) = (page.lines.is_empty(), page.total);
            let can_move = page
                .lines
                .first()
                .is_some_and(|line| shelf.has(line).is_some());
            let is_new = shelf.put(page).map_err(Unlisted::Sink)?;
            let has_shrunk = latest
                .zip(total)
                .is_some_and(|(latest, total)| total < latest);
            let has_moved = !is_new || latest.is_some_and(|latest| total != Some(latest));
            if has_shrunk || (has_moved && !can_move && !is_last) {
                return Ok(false);
            }
            latest = total;
            let lines = shelf.lines();
            progress(lines, self.requests);
            // Where lines were added before others, those of the beginning are all that there is to see.
            let known = shelf.total().into_iter().chain(total).min();
            match known {
                Some(total) if is_last && lines < total => {
                    return Err(Unlisted::Short { lines, total });
                }
                _ if total.is_some_and(|total| lines > total) => {
                    let total = total.unwrap_or_default();
                    return Err(Unlisted::Short { lines, total });
                }
                _ if is_last => break,
                _ => {}
            }
        }
        // Lines that went before the page that was being read have moved those behind.
        match shelf.pages() > 1 {
            true => self.has_lost_nothing(shelf).await,
            false => Ok(true),
        }
    }

    /// Whether the first page has all lines that it had, but for those that new ones in front of them have
    /// pushed to the next page; true where the shelf does not keep it.
    async fn has_lost_nothing<T: Listed + PartialEq>(
        &mut self,
        shelf: &impl PageSink<T>,
    ) -> Result<bool, Unlisted> {
        if shelf.first().is_none() {
            return Ok(true);
        }
        let page = self.page::<T>(1).await?;
        let first = shelf.first().unwrap_or_default();
        let has_shrunk = shelf
            .total()
            .zip(page.total)
            .is_some_and(|(was, is)| is < was);
        let known = page
            .lines
            .iter()
            .filter(|line| shelf.has(line) != Some(false));
        let added = page.lines.len() - known.clone().count();
        let kept = first.len().saturating_sub(added);
        let ids = first.iter().take(kept).map(Listed::id);
        Ok(!has_shrunk && known.take(kept).map(Listed::id).eq(ids))
    }

    /// One page, asked for again as an event would be.
    async fn page<T: Listed>(&mut self, number: u32) -> Result<Page<T>, Unlisted> {
        let (mut failures, mut slowed) = (0, 0);
        loop {
            let left = self.wait_for_leave().await?;
            self.requests += 1;
            let asked = self.client.list(number);
            let answer = tokio::select! {
                biased;
                Some(_) = self.stop.recv() => return Err(Unlisted::Interrupted),
                answer = asked => answer,
            };
            let Reply { answer, wait } = match answer {
                Ok(page) => {
                    self.pace.was_let_through(left);
                    return Ok(page);
                }
                Err(reply) => reply,
            };
            match &answer {
                Answer::TooFast { .. } if slowed < MAX_SLOWED => {
                    slowed += 1;
                    self.pace.slow_down(left, wait, Instant::now());
                }
                Answer::Unclear { .. } | Answer::NotDelivered { .. }
                    if failures + 1 < backoff::MAX_ATTEMPTS =>
                {
                    failures += 1;
                    let own = backoff::after(failures);
                    self.sleep(wait.map_or(own, |wait| wait.max(own))).await?;
                }
                _ => return Err(Unlisted::Page { number, answer }),
            }
        }
    }

    /// Waits until a request may leave, and says when that was.
    async fn wait_for_leave(&mut self) -> Result<Instant, Unlisted> {
        loop {
            let now = Instant::now();
            match self.pace.take(now) {
                Ok(()) => return Ok(now),
                Err(at) => self.sleep(at.saturating_duration_since(now)).await?,
            }
        }
    }

    async fn sleep(&mut self, wait: Duration) -> Result<(), Unlisted> {
        tokio::select! {
            biased;
            Some(_) = self.stop.recv() => Err(Unlisted::Interrupted),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}
