//! Sending a recorded run and reporting on it: what run, resume, retry and demo have in common.

use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Instant;

use jiff::Timestamp;
use tokio::sync::mpsc::unbounded_channel;

use super::destination::{Destination, SANDBOX_HAS_NO_LIST, no_lead_list};
use super::prune::prune_after_run;
use super::report_place::{
    expect_no_input_in, expect_own_or_free, is_file_of_run, report_directory, shareable,
};
use super::watcher::Watcher;
use super::{ending, next};
use crate::cli::arguments::{PaceArguments, RedactArgument};
use crate::cli::ended::Ended;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::{EffectiveSettings, SaleCall};
use crate::cli::signals::{Signal, listen};
use crate::cli::tables::{self, count, grouped};
use crate::cli::terminal::{Level, LogEntry, Terminal};
use crate::invisible::shown;
use crate::journal::{
    EventRecord, Journal, JournalError, JournalReader, RunEnd, RunId, RunRecord, Settlement,
};
use crate::problem::{Problem, ProblemCode};
use crate::report::words::{amount, outcome_words};
use crate::report::{self, Commands, Formats, ReportSource, RunSummary};
use crate::send::{self, End, Halt, Progress, RefusalSeries};

/// Describes how one run is delivered.
pub(super) struct RunDelivery<'d> {
    pub(super) destination: &'d Destination,
    pub(super) settings: &'d EffectiveSettings,
    /// The directory of its reports, if the user sets one.
    pub(super) directory: Option<PathBuf>,
    /// The choice whether emails and names are left out of its reports.
    pub(super) redact: RedactArgument,
    /// `true` if events that may have been recorded are sent again: only `retry --unconfirmed`.
    pub(super) repeat_unconfirmed: bool,
    /// The number of events that are sent before somebody is asked about the rest: only `run --first`.
    pub(super) first: Option<NonZeroU64>,
    /// The options with which commands reach the same journal and account again.
    pub(super) commands: &'d Commands,
    pub(super) terminal: &'d Terminal,
}

/// A run that was sent and reported.
pub(super) struct Delivered {
    pub(super) summary: RunSummary,
    pub(super) exit: Exit,
    /// The problem with which it ended early.
    problem: Option<Problem>,
}

impl Delivered {
    /// Returns the same run with the exit code that the whole command ends with.
    pub(super) fn with_exit(self, exit: Exit) -> Self {
        let is_early = !matches!(exit, Exit::Done | Exit::Attention);
        Delivered {
            exit,
            problem: self.problem.filter(|_| is_early),
            ..self
        }
    }
}

/// Prints a finished run.
pub(super) fn finish(delivered: Delivered, terminal: &Terminal) -> Result<Ended, CliError> {
    let Delivered {
        summary,
        exit,
        problem,
    } = delivered;
    if exit == Exit::Attention {
        say_attention(&summary, terminal);
    }
    let warning = problem.as_ref();
    if let Some(line) = warning.and_then(|problem| next::line_of_warning(problem, &summary)) {
        terminal.say_of_run_if_quiet(&line);
    }
    if terminal.is_json() {
        terminal.write_json(&summary)?;
    }
    Ok(Ended::of_run(exit, summary, problem))
}

/// Says in one line what needs attention, where nothing else is printed.
pub(super) fn say_attention(summary: &RunSummary, terminal: &Terminal) {
    if let Some(line) = next::one_line(summary) {
        terminal.say_of_run_if_quiet(&line);
    }
}

impl<'d> RunDelivery<'d> {
    /// Returns the delivery of a run, with these options.
    pub(super) fn new(
        destination: &'d Destination,
        settings: &'d EffectiveSettings,
        pace: &PaceArguments,
        commands: &'d Commands,
        terminal: &'d Terminal,
    ) -> Self {
        RunDelivery {
            destination,
            settings,
            directory: pace.dir.clone(),
            redact: pace.redact,
            repeat_unconfirmed: false,
            first: None,
            commands,
            terminal,
        }
    }

    /// Sends what is pending in a run, reports, and says how it ended.
    pub(super) fn deliver(&self, journal: Journal, run: RunId) -> Result<Ended, CliError> {
        let (journal, delivered) = self.run(journal, run)?;
        self.end(journal, delivered)
    }

    /// Removes what is older than the settings keep, closes the journal, and says how the run ended.
    pub(super) fn end(
        &self,
        mut journal: Journal,
        delivered: Delivered,
    ) -> Result<Ended, CliError> {
        prune_after_run(&mut journal, self.settings, self.terminal);
        journal.close()?;
        finish(delivered, self.terminal)
    }

    /// Sends, records the end, writes the reports and prints the tables. The books are checked
    /// before anything is said of them.
    pub(super) fn run(
        &self,
        journal: Journal,
        run: RunId,
    ) -> Result<(Journal, Delivered), CliError> {
        let started = Instant::now();
        let record = load(&journal, run)?;
        self.log_start(&record, journal.pending_count(run)?);
        let inputs = record.inputs.iter().map(|input| Path::new(&input.path));
        let directory = self.directory.as_deref();
        expect_no_input_in(directory, &is_file_of_run, self.settings, inputs)?;
        expect_own_or_free(directory, &is_file_of_run, &journal)?;
        self.warn_of_days(&journal, run)?;
        let (sent, signal) = self.send_and_ask(journal, run)?;
        let mut journal = sent.journal;
        if let End::Journal(error) = sent.end {
            return Err(CliError::from(error));
        }
        if let Some(per_minute) = sent.learned_per_minute {
            let asked = self.destination.pace(self.settings).requests_per_minute;
            journal.record_limit(run, per_minute)?;
            journal.add_problem(run, &report::lower_limit(per_minute, asked))?;
        }
        journal.flag_sales_of_new_leads(run)?;
        journal.expect_whole_log()?;
        let record = load(&journal, run)?;
        let summary = RunSummary::load(&journal, &record)?;
        summary.check()?;
        let exit = ending::exit_of(&sent.end, signal, &summary);
        let directory = self.report_directory(&journal, &record)?;
        let end = RunEnd {
            ended: Timestamp::now(),
            reason: ending::reason(&sent.end),
            exit_code: exit as u8,
            add_requests: sent.requests,
            add_elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            report_dir: Some(directory.display().to_string()),
        };
        let record = record.with_end(&end);
        let mut summary = summary.with_end_of(&record);
        summary.set_account_currency(self.settings.api.account_currency);
        summary.name_commands(self.commands);
        // A run that is killed before its report is whole has no end, and `resume` finishes it. One
        // whose report can't be written has ended all the same.
        let books = shareable(
            ReportSource::for_run(&journal, record),
            &journal,
            self.redact,
        )?;
        let report = report::write(&books, &summary, &Formats::default(), &directory);
        journal.end_run(run, &end)?;
        report?;
        let version = self.settings.api.version;
        let name = self.destination.name();
        let problem = ending::problem_of(&sent.end, signal, name, version, self.commands);
        self.terminal.problems(problem.as_slice(), 0);
        show(&summary, self.commands, self.terminal);
        let delivered = Delivered {
            summary,
            exit,
            problem,
        };
        Ok((journal, delivered))
    }

    /// Warns of sales that were to keep their days, and will get the day on which they are sent.
    fn warn_of_days(&self, journal: &Journal, run: RunId) -> Result<(), CliError> {
        if self.settings.api.sale_call == SaleCall::Commissions {
            return Ok(());
        }
        let sales = journal.sales_of_commission_runs(run)?.len() as u64;
        if sales > 0 {
            let message = format!(
                "`history = \"commissions\"` is not set any more: {} of the run that began with it will get the day on which they are sent, and so will their commissions",
                count(sales, "sale")
            );
            let problem = Problem::warning(ProblemCode::DatesNotTaken, message).hint("to keep their days, interrupt this, set it under `[api]` again, and `fprecon resume`; what was sent without its day needs attention");
            self.terminal.problems(&[problem], 0);
        }
        Ok(())
    }

    /// Names the run in the log for programs.
    fn log_start(&self, record: &RunRecord, pending: u64) {
        self.terminal.set_run(&record.name);
        let message = format!("run {}: {} to send", record.name, count(pending, "event"));
        let entry = LogEntry::new(Level::Info, "started", message)
            .with("destination", self.destination.name());
        self.terminal.log(entry.with("to_send", pending));
    }

    /// Sends the events of the run; if a long series of refusals stops that, asks whether to go on. Where a long
    /// series of refusals has stopped that, somebody who can be asked decides whether it goes on.
    fn send_and_ask(
        &self,
        journal: Journal,
        run: RunId,
    ) -> Result<(send::Sent, Option<Signal>), CliError> {
        let limit = Some(self.settings.send.stop_after_same_refusals);
        let (sent, signal) = match self.first {
            Some(first) => self.send_first(journal, run, first)?,
            None => self.send(journal, run, limit, None)?,
        };
        let End::Halted(Halt::SameRefusal { series, message }) = &sent.end else {
            return Ok((sent, signal));
        };
        let question = format!(
            "The API refuses one event after the other: {message}. Send the other {}?",
            count(sent.journal.pending_count(run)?, "event")
        );
        if *series == RefusalSeries::AtStart || self.terminal.ask(&question) != Some(true) {
            return Ok((sent, signal));
        }
        let (more, signal) = self.send(sent.journal, run, None, None)?;
        let requests = sent.requests + more.requests;
        Ok((send::Sent { requests, ..more }, signal))
    }

    /// Sends some events, shows the answers, and sends the rest if somebody who can be asked says so.
    fn send_first(
        &self,
        journal: Journal,
        run: RunId,
        first: NonZeroU64,
    ) -> Result<(send::Sent, Option<Signal>), CliError> {
        let limit = Some(self.settings.send.stop_after_same_refusals);
        let (sent, signal) = self.send(journal, run, limit, Some(first))?;
        if !matches!(sent.end, End::Paused) {
            return Ok((sent, signal));
        }
        let left = sent.journal.pending_count(run)?;
        if left == 0 {
            let end = End::Done;
            return Ok((send::Sent { end, ..sent }, signal));
        }
        show_answers(&sent.journal, run, self.settings, self.terminal)?;
        let question = format!("Send the other {}?", count(left, "event"));
        if self.terminal.ask(&question) != Some(true) {
            return Ok((sent, signal));
        }
        let (more, signal) = self.send(sent.journal, run, limit, None)?;
        let requests = sent.requests + more.requests;
        Ok((send::Sent { requests, ..more }, signal))
    }

    fn send(
        &self,
        journal: Journal,
        run: RunId,
        stop_after_same_refusals: Option<NonZeroU32>,
        pause_after: Option<NonZeroU64>,
    ) -> Result<(send::Sent, Option<Signal>), CliError> {
        let settings = send::SendSettings {
            should_repeat_unconfirmed: self.repeat_unconfirmed,
            stop_after_same_refusals,
            ..self.destination.pace(self.settings)
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Io("the network runtime", error))?;
        let should_send_commissions = self.settings.api.sale_call == SaleCall::Commissions;
        let zone = self.settings.zone()?;
        let total = journal.pending_count(run)?;
        let mut watcher = Watcher::new(self.terminal, total);
        if self.settings.send.lead_list && !settings.should_use_lead_list && total > 0 {
            self.terminal
                .problems(&[no_lead_list(SANDBOX_HAS_NO_LIST)], 0);
        }
        let (sent, caught) = runtime.block_on(async {
            let (stop, requests) = unbounded_channel();
            let caught = listen(stop)?;
            let mut watch = |progress: &Progress| watcher.see(progress);
            let sent = send::send(
                journal,
                self.destination.client(),
                send::RunToSend {
                    run,
                    total,
                    pause_after,
                    should_send_commissions,
                    zone,
                    settings,
                },
                requests,
                &mut watch,
            );
            Ok::<_, CliError>((sent.await, caught))
        })?;
        watcher.finish();
        Ok((sent, caught.signal()))
    }

    fn report_directory(
        &self,
        journal: &JournalReader,
        record: &RunRecord,
    ) -> Result<PathBuf, CliError> {
        if let Some(set) = &self.directory {
            return Ok(set.clone());
        }
        report_directory(self.settings, journal, &record.name, Some(record))
    }
}

fn load(journal: &JournalReader, run: RunId) -> Result<RunRecord, CliError> {
    journal.run(run)?.ok_or_else(|| {
        CliError::Imbalance(crate::job::Imbalance::new(
            "the run that was sent is not in the journal",
        ))
    })
}

/// The greatest number of answers that are shown of the events that were sent first.
const ANSWERS_SHOWN: usize = 20;

/// Shows what came of the events of a run that are settled, and their commissions.
fn show_answers(
    journal: &JournalReader,
    run: RunId,
    settings: &EffectiveSettings,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let mut lines = Vec::new();
    let mut more = 0;
    journal.for_each_event(run, |record| {
        let Some(settled) = &record.settlement else {
            return Ok(());
        };
        if lines.len() == ANSWERS_SHOWN {
            more += 1;
            return Ok(());
        }
        lines.push(answer_line(&record, settled, settings));
        Ok::<_, JournalError>(())
    })?;
    if more > 0 {
        lines.push(format!("  and {more} more"));
    }
    terminal.human(&format!("\nSent first:\n{}", lines.join("\n")));
    Ok(())
}

/// Returns what came of one event: `sale in_1, 49.00 USD, ana@example.com: tracked; commission 9.80 USD for …`.
fn answer_line(record: &EventRecord, settled: &Settlement, settings: &EffectiveSettings) -> String {
    let event = &record.event;
    let money = event.money.map(|money| format!(", {money}"));
    let customer = event
        .customer
        .email
        .as_deref()
        .or(event.customer.uid.as_deref());
    let commission = settled.commission_cents.map(|cents| {
        let currency = settings.api.account_currency;
        let promoter = settled
            .promoter_email
            .as_deref()
            .or(settled.promoter_ref_id.as_deref());
        format!(
            "; commission {} {currency} for {}",
            amount(cents.into(), currency),
            promoter.unwrap_or("a promoter whom the answer does not name")
        )
    });
    let message = settled
        .message
        .as_deref()
        .filter(|message| !message.is_empty());
    let line = format!(
        "  {} {}{}, {}: {}{}{}",
        event.kind,
        event.event_id(),
        money.unwrap_or_default(),
        customer.unwrap_or_default(),
        outcome_words(Some(settled.outcome)),
        message.map_or(String::new(), |message| format!(" ({message})")),
        commission.unwrap_or_default(),
    );
    shown(&line).into_owned()
}

/// Prints the result, the balance, and what to do next.
pub(super) fn show(summary: &RunSummary, commands: &Commands, terminal: &Terminal) {
    terminal.human("");
    terminal.human(&tables::outcomes(summary, terminal.width()));
    terminal.human(&format!(
        "\nThe books balance, in rows, events and cents. {} in {} s.",
        count(summary.requests, "request"),
        grouped(summary.elapsed_seconds.into())
    ));
    if let Some(line) = tables::learned_limit(summary.learned_requests_per_minute) {
        terminal.human(&line);
    }
    if let Some(directory) = &summary.report_dir {
        terminal.human_line(&format!("Report: {directory}"));
    }
    terminal.human(&next::verdict(summary, commands));
}
