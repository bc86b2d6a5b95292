//! Shows the progress of a run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use super::destination::no_lead_list;
use super::estimate::time_in_words;
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::{Level, LogEntry, Terminal};
use crate::invisible::shown;
use crate::send::{LeadListState, Progress};

/// The interval of progress lines if there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(60);

/// Shows progress: a bar on a terminal, a line now and then elsewhere.
pub(super) struct Watcher<'t> {
    terminal: &'t Terminal,
    bar: ProgressBar,
    total: u64,
    started: Instant,
    said: Instant,
    drawn: Option<Instant>,
    lead_list: LeadListState,
}

impl<'t> Watcher<'t> {
    pub(super) fn new(terminal: &'t Terminal, total: u64) -> Self {
        // The message gets the rest of the line's width, so that no line wraps.
        let template = "[{bar:20}] {percent}%  {human_pos}/{human_len}{prefix}  {wide_msg}";
        Watcher {
            terminal,
            bar: terminal.bar(Some(total), template),
            total,
            started: Instant::now(),
            said: Instant::now(),
            drawn: None,
            lead_list: LeadListState::NotWanted,
        }
    }

    pub(super) fn see(&mut self, progress: &Progress) {
        if progress.lead_list != self.lead_list {
            self.lead_list = progress.lead_list.clone();
            self.say_lead_list();
        }
        let is_due = self
            .drawn
            .is_none_or(|at| at.elapsed() > Duration::from_millis(100));
        if is_due && !self.bar.is_hidden() {
            self.drawn = Some(Instant::now());
            self.bar.set_position(progress.done() as u64);
            self.bar.set_prefix(match self.bar.eta().as_secs() {
                0 => String::new(),
                seconds => format!("  left {}", time_in_words(seconds)),
            });
            self.bar
                .set_message(shown(&self.words(progress)).into_owned());
        }
        if self.terminal.should_print_lines() && self.said.elapsed() >= LINE_INTERVAL {
            self.said = Instant::now();
            self.terminal.progress(self.entry(progress));
        }
    }

    /// Returns the progress as a line, and its figures for programs.
    fn entry(&self, progress: &Progress) -> LogEntry {
        let done = grouped(progress.done() as i128);
        let total = grouped(self.total.into());
        let message = format!("{done}/{total} events  {}", self.words(progress));
        let settled: BTreeMap<_, _> = progress
            .settled
            .iter()
            .map(|(outcome, n)| (outcome.as_str(), n))
            .collect();
        LogEntry::new(Level::Info, "progress", message)
            .with("done", progress.done())
            .with("total", self.total)
            .with("outcomes", settled)
            .with("requests", progress.requests)
            .with("requests_per_minute", progress.per_minute)
            .with("waiting", &progress.trouble)
    }

    /// Prints once, when it is known, how many events the list of leads settles.
    fn say_lead_list(&self) {
        match &self.lead_list {
            LeadListState::NotWanted | LeadListState::Reading { .. } => {}
            LeadListState::Whole { leads, requests } => self.terminal.note(&format!(
                "the account has {}, read in {}; events of other customers are not referrals",
                count(*leads, "lead"),
                count(*requests, "request")
            )),
            LeadListState::Unusable { reason } => {
                self.terminal.problems(&[no_lead_list(reason)], 0);
            }
        }
    }

    /// Returns the request rate, and the number of events by outcome.
    fn words(&self, progress: &Progress) -> String {
        let elapsed_ms = self.started.elapsed().as_millis().max(1);
        let per_minute = u128::from(progress.requests) * 60_000 / elapsed_ms;
        let mut words = format!("{}/min", grouped(per_minute as i128));
        if let LeadListState::Reading { leads } = progress.lead_list {
            words.push_str(&format!("  list of leads: {}", grouped(leads.into())));
        }
        for (outcome, n) in &progress.settled {
            words.push_str(&format!("  {} {}", outcome.as_str(), grouped(*n as i128)));
        }
        if let Some(trouble) = &progress.trouble {
            words.push_str(&format!("  waiting: {trouble}"));
        }
        words
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
