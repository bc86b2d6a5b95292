//! Reads listings and changes what the account has, one request after the other, at the account's one pace.
//!
//! A request that got no answer is never repeated here: the listings say what came of it.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedReceiver;

use super::kept_lines::{KeptLines, LineKeeper};
use super::listing::{self, IncompleteListing};
use super::pace::Pace;
use super::{MAX_SLOWED, Stop, backoff};
use crate::tracking::{AccountCall, Answer, Client, Listed, Reply};

/// The number of lines up to which a list is read.
const MAX_LINES: u64 = 5_000_000;

/// Makes the requests of a command, at one pace.
pub(crate) struct AccountCalls<'c> {
    client: &'c Client,
    pace: Pace,
    stop: UnboundedReceiver<Stop>,
    /// `true` once the user has stopped the command.
    is_stopped: bool,
    /// The number of requests so far.
    pub(crate) requests: u64,
}

/// Permits one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestPermit(Instant);

impl<'c> AccountCalls<'c> {
    /// Returns the requests to an account, of which none is sent yet.
    pub(crate) fn new(
        client: &'c Client,
        requests_per_minute: NonZeroU32,
        stop: UnboundedReceiver<Stop>,
    ) -> Self {
        AccountCalls {
            client,
            pace: Pace::new(requests_per_minute, Instant::now()),
            stop,
            is_stopped: false,
            requests: 0,
        }
    }

    /// Reads the lines of a listing that a filter selects (all, if it is empty) completely, into a keeper.
    ///
    /// # Errors
    ///
    /// The reason why it is not complete.
    pub(crate) async fn read<T, K>(
        &mut self,
        filter: &str,
        keeper: K,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<K, IncompleteListing>
    where
        T: Listed + Clone + PartialEq,
        K: LineKeeper<T>,
    {
        let mut lines = KeptLines::new(keeper, MAX_LINES);
        let (pace, stop) = (&mut self.pace, &mut self.stop);
        let mut latest = 0;
        let mut count = |lines, requests| {
            latest = requests;
            progress(lines, requests);
        };
        let read =
            listing::read_filtered::<T>(self.client, filter, pace, stop, &mut lines, &mut count)
                .await;
        self.requests += read.as_ref().map_or(latest, |read| read.requests);
        read.map(|_| lines.kept)
    }

    /// Sends a call. It is sent again only after answers which say that nothing was done.
    pub(crate) async fn send(&mut self, call: &impl AccountCall, leave: RequestPermit) -> Answer {
        let (mut failures, mut slowed) = (0, 0);
        let mut leave = leave;
        loop {
            let RequestPermit(left) = leave;
            self.requests += 1;
            let Reply { answer, wait } = self.client.change(call).await;
            match &answer {
                Answer::TooFast { .. } if slowed < MAX_SLOWED => {
                    slowed += 1;
                    self.pace.slow_down(left, wait, Instant::now());
                }
                Answer::NotDelivered { .. } if failures + 1 < backoff::MAX_ATTEMPTS => {
                    failures += 1;
                    let own = backoff::after(failures);
                    self.sleep(wait.map_or(own, |wait| wait.max(own))).await;
                }
                _ => {
                    self.pace.was_let_through(left);
                    return answer;
                }
            }
            match self.leave().await {
                Some(next) => leave = next,
                None => return answer,
            }
        }
    }

    /// Waits for a time; returns `false` if the user stopped the command.
    pub(crate) async fn sleep(&mut self, wait: Duration) -> bool {
        tokio::select! {
            biased;
            Some(_) = self.stop.recv() => {
                self.is_stopped = true;
                false
            }
            () = tokio::time::sleep(wait) => true,
        }
    }

    /// Waits until a request may be sent; `None` if the user stopped the command.
    pub(crate) async fn leave(&mut self) -> Option<RequestPermit> {
        // What listens for signals runs beside this.
        tokio::task::yield_now().await;
        self.is_stopped |= self.stop.try_recv().is_ok();
        if self.is_stopped {
            return None;
        }
        loop {
            let now = Instant::now();
            match self.pace.take(now) {
                Ok(()) => return Some(RequestPermit(now)),
                Err(at) => {
                    if !self.sleep(at.saturating_duration_since(now)).await {
                        return None;
                    }
                }
            }
        }
    }
}
