//! The account's listings and calls, with the progress on the terminal.

use indicatif::ProgressBar;
use tokio::runtime::Runtime;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::super::destination::Destination;
use super::super::incomplete_listing::incomplete_listing;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::signals::{ReceivedSignal, Signal, listen};
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::Terminal;
use crate::problem::Problem;
use crate::send::{AccountCalls, LineKeeper, RequestPermit, Stop};
use crate::tracking::{AccountCall, Answer, Listed, ListedPayout};

/// Makes the requests of a command, one after the other.
pub(super) struct AccountReader<'a> {
    runtime: Runtime,
    calls: AccountCalls<'a>,
    stop: UnboundedSender<Stop>,
    caught: ReceivedSignal,
    terminal: &'a Terminal,
}

/// Why a listing is not complete: the exit code, and the problem.
pub(super) type ListingFailure = (Exit, Box<Problem>);

impl<'a> AccountReader<'a> {
    /// Sets up the network; nothing is sent yet.
    pub(super) fn new(
        target: &'a Destination,
        settings: &EffectiveSettings,
        terminal: &'a Terminal,
    ) -> Result<Self, CliError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Io("the network runtime", error))?;
        let (stop, requests) = unbounded_channel();
        let per_minute = target.pace(settings).requests_per_minute;
        Ok(AccountReader {
            runtime,
            calls: AccountCalls::new(target.client(), per_minute, requests),
            stop,
            caught: ReceivedSignal::default(),
            terminal,
        })
    }

    /// Drains from now on after a signal. Before that, a signal ends the program at once: nothing is under way.
    pub(super) fn listen(&mut self) -> Result<(), CliError> {
        let stop = self.stop.clone();
        self.caught = self.runtime.block_on(async { listen(stop) })?;
        Ok(())
    }

    /// Returns a bar for so many requests of one kind.
    pub(super) fn bar(&self, requests: u64, doing: &str) -> ProgressBar {
        let template = format!("{{spinner}} {doing}: {{pos}} of {{len}}");
        self.terminal.bar(Some(requests), &template)
    }

    /// Returns the number of requests so far.
    pub(super) fn requests(&self) -> u64 {
        self.calls.requests
    }

    /// Returns the exit code after a signal, if there was one.
    pub(super) fn interruption(&self) -> Option<Exit> {
        self.caught.signal().map(Signal::exit)
    }

    /// Reads a list completely into a keeper.
    pub(super) fn read<T, K>(&mut self, filter: &str, keeper: K) -> Result<K, ListingFailure>
    where
        T: Listed + Clone + PartialEq,
        K: LineKeeper<T>,
    {
        let bar = self
            .terminal
            .bar(None, &format!("{{spinner}} fetching {}: {{msg}}", T::NAME));
        let mut progress = |lines: u64, requests: u64| {
            let requests = count(requests, "request");
            bar.set_message(format!("{} in {requests}", grouped(lines.into())));
        };
        let reading = self.calls.read::<T, K>(filter, keeper, &mut progress);
        let read = self.runtime.block_on(reading);
        bar.finish_and_clear();
        read.map_err(|unlisted| {
            let interrupted = self.caught.signal().unwrap_or(Signal::Interrupt).exit();
            let (exit, problem) = incomplete_listing(T::NAME, &unlisted, interrupted);
            (exit, Box::new(problem))
        })
    }

    /// Reads the account's payouts.
    pub(super) fn payouts(&mut self) -> Result<Vec<ListedPayout>, ListingFailure> {
        self.read::<ListedPayout, _>("", Kept(Vec::new()))
            .map(|kept| kept.0)
    }

    /// Waits until a request may be sent; `None` if the user stopped the command.
    pub(super) fn leave(&mut self) -> Option<RequestPermit> {
        self.runtime.block_on(self.calls.leave())
    }

    /// Sends a call.
    pub(super) fn send(&mut self, call: &impl AccountCall, leave: RequestPermit) -> Answer {
        self.runtime.block_on(self.calls.send(call, leave))
    }

    /// Waits for a time; returns `false` if the user stopped the command.
    pub(super) fn sleep(&mut self, wait: std::time::Duration) -> bool {
        self.runtime.block_on(self.calls.sleep(wait))
    }
}

/// Keeps all lines of a list.
pub(super) struct Kept<T>(pub(super) Vec<T>);

impl<T: Clone> LineKeeper<T> for Kept<T> {
    fn keep(&mut self, line: &T) {
        self.0.push(line.clone());
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
