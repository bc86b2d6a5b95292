//! Reads a listing of the account completely, page by page, at the account's one pace.
//!
//! It counts only if it is complete. Lines that are added while it is read do not restart it: a line that
//! appears again, because others were added before it, is skipped. Lines that are removed move others to
//! pages that were read already, so a listing is restarted if its total falls, or if its first page has lost
//! a line. Pages are given to a [`PageSink`], which may keep them beyond an interruption.
//!
//! Version 2 reports no total, so its order is all that shows that no line is missing. It is asked for the
//! order of creation, and each line is checked for it. If the lines come in another order, or some come twice
//! (then others of the same moment may never have come), the listing is read once more and both readings have
//! to agree.

use std::collections::HashSet;
use std::io;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;

use super::pace::Pace;
use super::verdict::Halt;
use super::{End, MAX_SLOWED, Stop, backoff, describe};
use crate::tracking::{Answer, Client, Listed, Page, Reply};

/// The number of times that a listing is read which changes each time.
const MAX_READINGS: u32 = 3;

/// The number of pages in a row that may have nothing new. More of them show that the API does not page.
const MAX_KNOWN_PAGES: u32 = 3;

/// Follows the lines of a listing, and tells whether they came in the order that was asked for, each once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCheck {
    latest: Option<Timestamp>,
    /// `true` if a line is older than one before it.
    pub is_broken: bool,
    /// `true` if a line came twice.
    pub has_repeats: bool,
}

impl OrderCheck {
    /// Follows the lines of a page that were not there before.
    pub fn follow<T: Listed>(&mut self, lines: &[T]) {
        for at in lines.iter().filter_map(Listed::ordered_at) {
            self.is_broken |= self.latest.is_some_and(|latest| at < latest);
            self.latest = self.latest.max(Some(at));
        }
    }

    /// Returns `true` if a line is later than all that were followed.
    fn is_later<T: Listed>(&self, line: &T) -> bool {
        line.ordered_at()
            .zip(self.latest)
            .is_some_and(|(at, latest)| latest < at)
    }

    fn is_in_doubt(self) -> bool {
        self.is_broken || self.has_repeats
    }
}

/// Describes a listing that was read completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompleteListing {
    /// The number of requests.
    pub requests: u64,
    /// The order of the lines. If there were doubts about it, two readings agree.
    pub order: OrderCheck,
}

/// Keeps the pages of a listing.
pub(crate) trait PageSink<T> {
    /// Returns how many pages it has already, from an earlier reading that was interrupted.
    fn pages(&self) -> u32;

    /// Returns how many lines it has.
    fn lines(&self) -> u64;

    /// Returns the number of all lines that the first page reported, if there is a page and it reported one.
    fn total(&self) -> Option<u64>;

    /// Returns the first page, if it was kept: the listing has changed if this page is different later.
    fn first(&self) -> Option<&[T]>;

    /// Returns whether it has a line; `None` if it can't tell, so that a listing in which anything moves is
    /// restarted.
    fn has(&self, line: &T) -> Option<bool>;

    /// Adds the next page, of which lines that it has already come first; returns `false` if it has such a
    /// line.
    ///
    /// # Errors
    ///
    /// The page can't be kept.
    fn put(&mut self, page: Page<T>) -> io::Result<bool>;

    /// Returns in which order the lines of all pages came. By default the order proves nothing, as with a listing
    /// for which none is documented.
    fn order(&self) -> OrderCheck {
        OrderCheck::default()
    }

    /// Removes all pages.
    ///
    /// # Errors
    ///
    /// What was kept can't be removed.
    fn clear(&mut self) -> io::Result<()>;
}

/// Names why a listing is not complete.
#[derive(Debug)]
pub(crate) enum IncompleteListing {
    /// It was interrupted by the user.
    Interrupted,
    /// A page could not be read.
    Page {
        /// The number of the page, from 1.
        number: u32,
        /// The answer that came instead.
        answer: Answer,
    },
    /// It changed each time while it was read.
    Changing,
    /// Its lines are not in the order that was asked for, or come twice, and no two readings of it agree.
    Unordered(OrderCheck),
    /// It has the same lines on page after page.
    Repeating {
        /// The number of the last page that was read, from 1.
        number: u32,
    },
    /// It reports another number of lines than it has.
    Short {
        /// The number of lines that it has.
        lines: u64,
        /// The number of lines that it reports.
        total: u64,
    },
    /// A page can't be kept.
    Sink(io::Error),
}

impl IncompleteListing {
    /// Returns the reason why the listing is not complete, in words; `name` is what it lists.
    ///
    /// # Errors
    ///
    /// The end of all requests, if no other one would fare better.
    pub(super) fn end_or_reason(self, name: &str) -> Result<String, End> {
        Ok(match self {
            IncompleteListing::Interrupted => return Err(End::Interrupted),
            IncompleteListing::Page { number, answer } => match answer {
                Answer::KeyRefused {
                    status: 401,
                    message,
                } => return Err(End::Halted(Halt::KeyRefused { message })),
                Answer::Untrusted { message } => {
                    return Err(End::Halted(Halt::Untrusted { message }));
                }
                answer => format!("page {number} can't be read: {}", describe(&answer)),
            },
            IncompleteListing::Changing => "it keeps changing while it is read".to_owned(),
            IncompleteListing::Unordered(_) => "it is not in the requested order".to_owned(),
            IncompleteListing::Repeating { number } => {
                format!("page {number} repeats the pages before it")
            }
            IncompleteListing::Short { lines, total } => {
                format!("it has {lines} {name}, but reports {total}")
            }
            IncompleteListing::Sink(error) => error.to_string(),
        })
    }
}

/// Reads the pages of a listing that the sink does not have yet; `progress` is called for every page with the
/// lines and requests so far.
///
/// # Errors
///
/// The reason why the listing is not complete; the sink keeps its pages.
pub(crate) async fn fetch_list<T: Listed + PartialEq>(
    client: &Client,
    requests_per_minute: NonZeroU32,
    stop: &mut UnboundedReceiver<Stop>,
    sink: &mut impl PageSink<T>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CompleteListing, IncompleteListing> {
    let mut pace = Pace::new(requests_per_minute, Instant::now());
    read(client, &mut pace, stop, sink, progress).await
}

/// Reads a listing as [`fetch_list`] does, at a pace that others share.
pub(super) async fn read<T: Listed + PartialEq>(
    client: &Client,
    pace: &mut Pace,
    stop: &mut UnboundedReceiver<Stop>,
    sink: &mut impl PageSink<T>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CompleteListing, IncompleteListing> {
    read_filtered(client, "", pace, stop, sink, progress).await
}

/// Reads the lines of a listing that a filter selects, as [`read`] does.
pub(super) async fn read_filtered<T: Listed + PartialEq>(
    client: &Client,
    filter: &str,
    pace: &mut Pace,
    stop: &mut UnboundedReceiver<Stop>,
    sink: &mut impl PageSink<T>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CompleteListing, IncompleteListing> {
    let mut reader = PageReader {
        client,
        filter,
        pace,
        stop,
        requests: 0,
    };
    let mut doubt = None;
    for _ in 0..MAX_READINGS {
        if reader.read(sink, progress).await? {
            let order = sink.order();
            // A total shows by itself that nothing is missing.
            let is_in_doubt = sink.total().is_none() && T::HAS_PAGES && order.is_in_doubt();
            if !is_in_doubt || reader.reads_the_same(sink, progress).await? {
                return Ok(CompleteListing {
                    requests: reader.requests,
                    order,
                });
            }
            doubt = Some(order);
        }
        sink.clear().map_err(IncompleteListing::Sink)?;
    }
    Err(doubt.map_or(IncompleteListing::Changing, IncompleteListing::Unordered))
}

struct PageReader<'r> {
    client: &'r Client,
    /// What selects the lines, as a part of the query; empty for all.
    filter: &'r str,
    pace: &'r mut Pace,
    stop: &'r mut UnboundedReceiver<Stop>,
    requests: u64,
}

impl PageReader<'_> {
    /// Reads from the first page that the sink lacks to the last; returns `false` if the listing has changed
    /// in a way that may have hidden a line.
    async fn read<T: Listed + PartialEq>(
        &mut self,
        sink: &mut impl PageSink<T>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<bool, IncompleteListing> {
        if sink.pages() > 0 && !self.has_lost_nothing(sink).await? {
            return Ok(false);
        }
        let (mut latest, mut known_pages) = (sink.total(), 0);
        while sink.pages() == 0 || latest.is_none_or(|total| sink.lines() < total) {
            let page = self.page::<T>(sink.pages() + 1).await?;
            let had = sink.lines();
            let (is_last, total) = (page.lines.is_empty(), page.total);
            let can_move = page
                .lines
                .first()
                .is_some_and(|line| sink.has(line).is_some());
            let is_new = sink.put(page).map_err(IncompleteListing::Sink)?;
            let has_shrunk = latest
                .zip(total)
                .is_some_and(|(latest, total)| total < latest);
            let has_moved = !is_new || latest.is_some_and(|latest| total != Some(latest));
            if has_shrunk || (has_moved && !can_move && !is_last) {
                return Ok(false);
            }
            latest = total;
            let lines = sink.lines();
            progress(lines, self.requests);
            known_pages = if lines == had { known_pages + 1 } else { 0 };
            if known_pages > 0 && !is_last {
                let number = sink.pages();
                match T::HAS_PAGES {
                    false => break,
                    true if known_pages == MAX_KNOWN_PAGES => {
                        return Err(IncompleteListing::Repeating { number });
                    }
                    true => {}
                }
            }
            // If lines were added before others, only those of the beginning have to be there.
            let known = sink.total().into_iter().chain(total).min();
            match known {
                Some(total) if is_last && lines < total => {
                    return Err(IncompleteListing::Short { lines, total });
                }
                _ if total.is_some_and(|total| lines > total) => {
                    let total = total.unwrap_or_default();
                    return Err(IncompleteListing::Short { lines, total });
                }
                _ if is_last => break,
                _ => {}
            }
        }
        // Lines that were removed before the current page have moved those after them.
        if sink.pages() > 1 {
            self.has_lost_nothing(sink).await
        } else {
            Ok(true)
        }
    }

    /// Reads the whole listing once more; returns `true` if it has the lines that the sink has, each once, and
    /// none else but such as were added behind them since.
    async fn reads_the_same<T: Listed + PartialEq>(
        &mut self,
        sink: &impl PageSink<T>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<bool, IncompleteListing> {
        let order = sink.order();
        let mut seen: HashSet<String> = HashSet::new();
        for number in 1.. {
            let page = self.page::<T>(number).await?;
            progress(sink.lines(), self.requests);
            if page.lines.is_empty() {
                break;
            }
            for line in &page.lines {
                let was_added = !order.is_broken && order.is_later(line);
                match sink.has(line) {
                    Some(false) if was_added => {}
                    Some(true) if seen.insert(line.id().to_owned()) => {}
                    _ => return Ok(false),
                }
            }
        }
        Ok(seen.len() as u64 == sink.lines())
    }

    /// Returns `true` if the first page has all lines that it had, except those that new ones before them
    /// have pushed to the next page; also if the sink does not keep it.
    async fn has_lost_nothing<T: Listed + PartialEq>(
        &mut self,
        sink: &impl PageSink<T>,
    ) -> Result<bool, IncompleteListing> {
        if sink.first().is_none() {
            return Ok(true);
        }
        let page = self.page::<T>(1).await?;
        let first = sink.first().unwrap_or_default();
        let has_shrunk = sink
            .total()
            .zip(page.total)
            .is_some_and(|(was, is)| is < was);
        let known = page
            .lines
            .iter()
            .filter(|line| sink.has(line) != Some(false));
        let added = page.lines.len() - known.clone().count();
        let kept = first.len().saturating_sub(added);
        let ids = first.iter().take(kept).map(Listed::id);
        Ok(!has_shrunk && known.take(kept).map(Listed::id).eq(ids))
    }

    /// Reads one page, with the same retries as for an event.
    async fn page<T: Listed>(&mut self, number: u32) -> Result<Page<T>, IncompleteListing> {
        let (mut failures, mut slowed) = (0, 0);
        loop {
            let left = self.wait_for_leave().await?;
            self.requests += 1;
            let asked = self.client.list_filtered(number, self.filter);
            let answer = tokio::select! {
                biased;
                Some(_) = self.stop.recv() => return Err(IncompleteListing::Interrupted),
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
                _ => return Err(IncompleteListing::Page { number, answer }),
            }
        }
    }

    /// Waits until a request may be sent, and returns when that was.
    async fn wait_for_leave(&mut self) -> Result<Instant, IncompleteListing> {
        loop {
            let now = Instant::now();
            match self.pace.take(now) {
                Ok(()) => return Ok(now),
                Err(at) => self.sleep(at.saturating_duration_since(now)).await?,
            }
        }
    }

    async fn sleep(&mut self, wait: Duration) -> Result<(), IncompleteListing> {
        tokio::select! {
            biased;
            Some(_) = self.stop.recv() => Err(IncompleteListing::Interrupted),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }
}
