//! Sending a recorded run and reporting on it: what run, resume, retry and demo have in common.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use jiff::Timestamp;
use tokio::sync::mpsc::unbounded_channel;

use super::next;
use super::plan::time_in_words;
use super::report_place::expect_no_input_in;
use crate::cli::arguments::{Common, PaceArguments, RedactArgument};
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::EffectiveSettings;
use crate::cli::signals::{Signal, listen};
use crate::cli::tables::{self, count, grouped};
use crate::cli::terminal::Terminal;
use crate::invisible::shown;
use crate::journal::{Account, EndReason, Journal, JournalReader, RunEnd, RunId};
use crate::problem::Problem;
use crate::report::{self, Commands, Formats, Redactor, ReportSource, RunSummary};
use crate::sandbox::{Options, Sandbox};
use crate::send::{self, Alarm, End, Fetched, Halt, LeadList, LeadListState, Progress};
use crate::tracking::{self, ApiKey, Client, Version};

/// The rate against an in-process sandbox, unless the user chose one.
const SANDBOX_PER_MINUTE: u32 = 600_000;
/// Why there is no list of leads of a sandbox of this process.
const SANDBOX_HAS_NO_LIST: &str =
    "the sandbox inside the program makes leads of customers whom it has not seen";
/// How often progress is said where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// Where events go. Made before anything is recorded, so that a key, an address or an account that
/// can't be used leaves nothing behind.
pub(super) struct Destination {
    /// The account that the journal must belong to.
    account: Account,
    client: Client,
    /// A sandbox of this process, which stops with it.
    sandbox: Option<Sandbox>,
}

impl Destination {
    /// The sandbox or the account, as the user asked.
    pub(super) fn choose(
        common: &Common,
        settings: &EffectiveSettings,
        terminal: &Terminal,
    ) -> Result<Self, CliError> {
        if common.sandbox {
            return Self::sandbox(settings);
        }
        let (account_id, key) = match (settings.account(), settings.api_key()) {
            (Ok(account_id), Ok(key)) => (account_id, key),
            // All that is missing is named at once.
            (Err(account), Err(key)) => {
                let problems = [account.problems(), key.problems()];
                return Err(CliError::Unusable(problems.concat()));
            }
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
        };
        let account = Account {
            api: settings.version.to_string(),
            base_url: settings.base_url.clone(),
            account_id: account_id.to_owned(),
        };
        terminal.problems(settings.key_file_warning().as_slice(), 0);
        Ok(Destination {
            client: client(&account, &settings.base_url, &key, settings)?,
            account,
            sandbox: None,
        })
    }

    /// A sandbox of this process.
    pub(super) fn sandbox(settings: &EffectiveSettings) -> Result<Self, CliError> {
        let sandbox = Sandbox::start(Options {
            cancellation_event_id: settings.cancellation_event_id,
            ..Options::default()
        })?;
        let account = Account {
            api: settings.version.to_string(),
            base_url: Account::SANDBOX.to_owned(),
            account_id: "sandbox".to_owned(),
        };
        let key = ApiKey::of_sandbox();
        let base_url = match settings.version {
            Version::V1 => sandbox.base_url(),
            Version::V2 => sandbox.base_url_v2(),
        };
        Ok(Destination {
            client: client(&account, &base_url, &key, settings)?,
            account,
            sandbox: Some(sandbox),
        })
    }

    /// The account that the journal must belong to.
    pub(super) fn account(&self) -> &Account {
        &self.account
    }

    /// Returns the account in words, for a person who has to say yes.
    pub(super) fn described(&self) -> String {
        match self.sandbox {
            Some(_) => "the sandbox of this process".to_owned(),
            None => self.account.to_string(),
        }
    }

    /// What people call it.
    pub(super) fn name(&self) -> &str {
        &self.account.base_url
    }

    /// The connection to it.
    #[cfg_attr(
        not(feature = "polars"),
        expect(dead_code, reason = "this build has no audit")
    )]
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Reads the account's list of leads and sends nothing; or says why there is none.
    pub(super) fn lead_list(&self, settings: &EffectiveSettings) -> Result<LeadList, String> {
        if self.is_sandbox() {
            return Err(SANDBOX_HAS_NO_LIST.to_owned());
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        // A plan is interrupted like any program that has nothing to lose.
        let (_stop, requests) = unbounded_channel();
        let per_minute = self.pace(settings).requests_per_minute;
        match runtime.block_on(send::fetch_lead_list(&self.client, per_minute, requests)) {
            Fetched::Whole(list) => Ok(list),
            Fetched::Unusable { reason } => Err(reason),
            Fetched::Ended(End::Halted(
                Halt::KeyRefused { message } | Halt::Untrusted { message },
            )) => Err(message),
            Fetched::Ended(_) => Err("reading it was interrupted".to_owned()),
        }
    }

    fn pace(&self, settings: &EffectiveSettings) -> send::SendSettings {
        let requests_per_minute = match self.is_sandbox() && !settings.rate_is_chosen {
            true => NonZeroU32::new(SANDBOX_PER_MINUTE).unwrap_or(settings.requests_per_minute),
            false => settings.requests_per_minute,
        };
        send::SendSettings {
            requests_per_minute,
            concurrency: settings.concurrency,
            infer_non_referrals: settings.infer_non_referrals,
            // A sandbox of this process makes leads of people whom it has not seen: its list is
            // never whole.
            lead_list: settings.lead_list && !self.is_sandbox(),
            give_up_after: Duration::from_secs(settings.give_up_after_seconds.get().into()),
            repeat_unconfirmed: false,
            stop_after_same_refusals: None,
        }
    }
}

/// That a list of leads was wanted, and every event is asked for all the same.
pub(super) fn no_lead_list(reason: &str) -> Problem {
    let message = format!("the list of leads is not used: {reason}");
    Problem::warning("lead-list-unusable", message)
        .hint("nothing is wrong with the events: each of them is asked for, which takes longer")
}

/// Refuses a base URL that no request could go to.
///
/// # Errors
///
/// What a run would say before it sends anything.
pub(super) fn check_base_url(settings: &EffectiveSettings) -> Result<(), CliError> {
    let account = Account {
        api: settings.version.to_string(),
        base_url: settings.base_url.clone(),
        account_id: "plan".to_owned(),
    };
    // A key as long as the API's, since a plan needs none; it goes nowhere.
    let key = ApiKey::new(&"0".repeat(32)).unwrap_or_else(ApiKey::of_sandbox);
    client(&account, &settings.base_url, &key, settings).map(|_| ())
}

fn client(
    account: &Account,
    base_url: &str,
    key: &ApiKey,
    settings: &EffectiveSettings,
) -> Result<Client, CliError> {
    let settings = tracking::ClientSettings {
        version: settings.version,
        base_url: base_url.to_owned(),
        account_id: account.account_id.clone(),
        account_currency: settings.account_currency,
        decimals: settings.decimals.clone(),
        notify_promoters: settings.notify_promoters,
        cancellation_event_id: settings.cancellation_event_id,
        ca_pem: settings.ca_pem()?,
        timeouts: settings.timeouts,
    };
    Ok(Client::new(settings, key)?)
}

/// How one run is delivered.
pub(super) struct RunDelivery<'d> {
    pub(super) target: &'d Destination,
    pub(super) settings: &'d EffectiveSettings,
    /// Where its reports go; else where they went before, or `reports/RUN` beside the journal.
    pub(super) directory: Option<PathBuf>,
    /// Whether emails and names are left out of its reports.
    pub(super) redact: RedactArgument,
    /// Whether what may have been recorded is sent again: only `retry --unconfirmed`.
    pub(super) repeat_unconfirmed: bool,
    /// How commands reach the same journal and account again.
    pub(super) commands: &'d Commands,
    pub(super) terminal: &'d Terminal,
}

/// Sends what is pending in a run, reports, and says how it ended.
pub(super) fn deliver(
    journal: Journal,
    run: RunId,
    target: &Destination,
    settings: &EffectiveSettings,
    pace: &PaceArguments,
    commands: &Commands,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let delivery = RunDelivery {
        target,
        settings,
        directory: pace.dir.clone(),
        redact: pace.redact,
        repeat_unconfirmed: false,
        commands,
        terminal,
    };
    let (journal, summary) = delivery.run(journal, run)?;
    drop(journal);
    finish(&summary, terminal)
}

/// Prints a finished run.
pub(super) fn finish(summary: &(RunSummary, Exit), terminal: &Terminal) -> Result<Exit, CliError> {
    let (summary, exit) = summary;
    if terminal.json() {
        terminal.write_json(summary)?;
    }
    Ok(*exit)
}

impl RunDelivery<'_> {
    /// Sends, records the end, writes the reports and prints the tables. The books are checked
    /// before anything is said of them.
    pub(super) fn run(
        &self,
        journal: Journal,
        run: RunId,
    ) -> Result<(Journal, (RunSummary, Exit)), CliError> {
        let started = Instant::now();
        let inputs = load(&journal, run)?.inputs;
        let inputs = inputs.iter().map(|input| Path::new(&input.path));
        expect_no_input_in(self.directory.as_deref(), &Formats::default(), inputs)?;
        let (sent, signal) = self.send_and_ask(journal, run)?;
        let mut journal = sent.journal;
        if let End::Journal(error) = sent.end {
            return Err(CliError::from(error));
        }
        if let Some(per_minute) = sent.learned_per_minute {
            let asked = self.target.pace(self.settings).requests_per_minute;
            journal.record_limit(run, per_minute)?;
            journal.add_problem(run, &report::lower_limit(per_minute, asked))?;
        }
        journal.flag_sales_of_new_leads(run)?;
        let record = load(&journal, run)?;
        let summary = RunSummary::load(&journal, &record)?;
        summary.check()?;
        let exit = exit_of(&sent.end, signal, &summary);
        let directory = self.report_directory(&record);
        let end = RunEnd {
            ended: Timestamp::now(),
            reason: reason(&sent.end),
            exit_code: exit as u8,
            add_requests: sent.requests,
            add_elapsed_ms: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            report_dir: Some(directory.display().to_string()),
        };
        let record = record.with_end(&end);
        let mut summary = summary.with_end_of(&record);
        summary.name_commands(self.commands);
        // A run that is killed before its report is whole has no end, and `resume` finishes it. One
        // whose report can't be written has ended all the same.
        let books = shareable(
            ReportSource::of_run(&journal, record),
            &journal,
            self.redact,
        )?;
        let report = report::write(&books, &summary, &Formats::default(), &directory);
        journal.end_run(run, &end)?;
        report?;
        self.say_end(&sent.end, signal);
        show(&summary, self.commands, self.terminal);
        Ok((journal, (summary, exit)))
    }

    /// Sends. Where a long series of refusals has stopped that, somebody who can be asked decides
    /// whether it goes on.
    fn send_and_ask(
        &self,
        journal: Journal,
        run: RunId,
    ) -> Result<(send::Sent, Option<Signal>), CliError> {
        let limit = self.settings.stop_after_same_refusals;
        let (sent, signal) = self.send(journal, run, Some(limit))?;
        let End::Halted(Halt::SameRefusal { alarm, message }) = &sent.end else {
            return Ok((sent, signal));
        };
        let question = format!(
            "The API refuses one event after the other: {message}. Send the other {}?",
            count(sent.journal.pending_count(run)?, "event")
        );
        if *alarm == Alarm::AtStart || self.terminal.ask(&question) != Some(true) {
            return Ok((sent, signal));
        }
        let (more, signal) = self.send(sent.journal, run, None)?;
        let requests = sent.requests + more.requests;
        Ok((send::Sent { requests, ..more }, signal))
    }

    fn send(
        &self,
        journal: Journal,
        run: RunId,
        stop_after_same_refusals: Option<NonZeroU32>,
    ) -> Result<(send::Sent, Option<Signal>), CliError> {
        let settings = send::SendSettings {
            repeat_unconfirmed: self.repeat_unconfirmed,
            stop_after_same_refusals,
            ..self.target.pace(self.settings)
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Io("the network runtime", error))?;
        let total = journal.pending_count(run)?;
        let mut watcher = Watcher::new(self.terminal, total);
        if self.settings.lead_list && !settings.lead_list && total > 0 {
            self.terminal
                .problems(&[no_lead_list(SANDBOX_HAS_NO_LIST)], 0);
        }
        let (sent, caught) = runtime.block_on(async {
            let (stop, requests) = unbounded_channel();
            let caught = listen(stop)?;
            let mut watch = |progress: &Progress| watcher.see(progress);
            let sent = send::send(
                journal,
                &self.target.client,
                run,
                total,
                settings,
                requests,
                &mut watch,
            );
            Ok::<_, CliError>((sent.await, caught))
        })?;
        watcher.finish();
        Ok((sent, caught.signal()))
    }

    fn report_directory(&self, record: &crate::journal::RunRecord) -> PathBuf {
        let before = record.report_dir.as_ref().map(PathBuf::from);
        self.directory
            .clone()
            .or(before)
            .unwrap_or_else(|| default_report_directory(self.settings, &record.name))
    }

    fn say_end(&self, end: &End, signal: Option<Signal>) {
        let resume = format!("`{}` sends the rest", self.commands.command("resume"));
        let problem = match end {
            End::Done | End::Journal(_) => return,
            End::Interrupted => {
                let by = signal.unwrap_or(Signal::Interrupt).name();
                Problem::warning("interrupted", format!("interrupted by {by}")).hint(resume)
            }
            End::Halted(Halt::KeyRefused { message }) => {
                Problem::error("key-refused", format!("the API refused the key: {message}"))
                    .hint(format!("fix the key, then {resume}"))
            }
            End::Halted(Halt::SameRefusal { alarm, message }) => {
                let (what, hint) = match alarm {
                    Alarm::AtStart => (
                        "the API refused every event for the same reason",
                        format!(
                            "no event counts as failed: fix the cause, then {resume}; where it is the events that are wrong, set `stop_after_same_refusals` under `[send]` higher"
                        ),
                    ),
                    Alarm::Later => (
                        "the API refused a long series of events for the same reason",
                        format!(
                            "fix the cause, then {resume}, and `{}` tries the refused ones again; where it is the events that are wrong, set `stop_after_same_refusals` under `[send]` higher",
                            self.commands.command("retry --failed")
                        ),
                    ),
                };
                Problem::error("same-refusal", format!("{what}: {message}")).hint(hint)
            }
            End::Halted(Halt::Untrusted { message }) => Problem::error(
                "server-untrusted",
                format!(
                    "the server can't prove that it is {}: {message}",
                    self.target.name()
                ),
            )
            .hint("check the base URL and this machine's clock and certificates"),
            End::Waiting { events } => Problem::warning(
                "signup-not-sent",
                format!(
                    "{} for the sign-up of the customer, which an earlier run has left to send",
                    match events {
                        1 => "1 event waits".to_owned(),
                        _ => format!("{} wait", count(*events as u64, "event")),
                    }
                ),
            )
            .hint(format!(
                "nothing is lost; `{}` sends the sign-ups, and then the events",
                self.commands.command("resume")
            )),
            End::Unreachable { message } => Problem::error(
                "api-unreachable",
                format!("the API stayed unreachable or kept failing: {message}"),
            )
            .hint(format!("nothing is lost; {resume}")),
        };
        self.terminal.problems(&[problem], 0);
    }
}

/// The books as the user wants them shown: with emails and names, or without.
pub(super) fn shareable<'j>(
    books: ReportSource<'j>,
    journal: &JournalReader,
    redact: RedactArgument,
) -> Result<ReportSource<'j>, CliError> {
    if !redact.is_wanted {
        return Ok(books);
    }
    Ok(books.redacted(redactor(journal)?))
}

/// What puts words in place of emails and names, with the journal's key.
pub(super) fn redactor(journal: &JournalReader) -> Result<Redactor, CliError> {
    match journal.redaction_key()? {
        Some(key) => Ok(Redactor::new(&key)),
        None => Err(CliError::unusable(
            Problem::error("redaction-key", "this journal was made by an earlier version, and has no key to redact reports with")
                .at(journal.path().display().to_string(), None)
                .hint("`fprecon resume` brings the journal up to date; it sends only what is left to send"),
        )),
    }
}

/// `reports/RUN` beside the journal.
pub(super) fn default_report_directory(settings: &EffectiveSettings, run: &str) -> PathBuf {
    let beside = settings.journal.parent().unwrap_or(Path::new(""));
    beside.join("reports").join(run)
}

fn load(journal: &JournalReader, run: RunId) -> Result<crate::journal::RunRecord, CliError> {
    journal.run(run)?.ok_or_else(|| {
        CliError::Imbalance(crate::job::Imbalance::new(
            "the run that was sent is not in the journal",
        ))
    })
}

/// The result, the balance, and what to do next.
pub(super) fn show(summary: &RunSummary, commands: &Commands, terminal: &Terminal) {
    if let Some(line) = next::one_line(summary) {
        terminal.say_if_quiet(&line);
    }
    terminal.human("");
    terminal.human(&tables::outcomes(summary));
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

/// What the program exits with after a run that ended like this.
fn exit_of(end: &End, signal: Option<Signal>, summary: &RunSummary) -> Exit {
    match end {
        End::Done if summary.needs_attention() => Exit::Attention,
        End::Done => Exit::Done,
        End::Interrupted => signal.unwrap_or(Signal::Interrupt).exit(),
        End::Halted(Halt::KeyRefused { .. } | Halt::SameRefusal { .. }) => Exit::Refused,
        End::Halted(Halt::Untrusted { .. }) | End::Unreachable { .. } | End::Waiting { .. } => {
            Exit::Incomplete
        }
        End::Journal(_) => Exit::Journal,
    }
}

fn reason(end: &End) -> EndReason {
    match end {
        End::Done => EndReason::Done,
        End::Interrupted | End::Waiting { .. } => EndReason::Interrupted,
        End::Halted(Halt::KeyRefused { .. } | Halt::SameRefusal { .. }) => EndReason::KeyRefused,
        End::Halted(Halt::Untrusted { .. }) | End::Unreachable { .. } => EndReason::ApiUnreachable,
        End::Journal(_) => EndReason::Journal,
    }
}

/// Shows progress: a bar on a terminal, a line now and then elsewhere.
struct Watcher<'t> {
    terminal: &'t Terminal,
    bar: ProgressBar,
    total: u64,
    started: Instant,
    said: Instant,
    drawn: Option<Instant>,
    lead_list: LeadListState,
}

impl<'t> Watcher<'t> {
    fn new(terminal: &'t Terminal, total: u64) -> Self {
        // The message has what is left of the line, so that none wraps.
        let template = "{bar:20} {percent}%  {human_pos}/{human_len}{prefix}  {wide_msg}";
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

    fn see(&mut self, progress: &Progress) {
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
        if self.terminal.wants_lines() && self.said.elapsed() >= LINE_INTERVAL {
            self.said = Instant::now();
            let done = grouped(progress.done() as i128);
            let total = grouped(self.total.into());
            self.terminal
                .note(&format!("{done}/{total} events  {}", self.words(progress)));
        }
    }

    /// Once, when it is known what it is good for.
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

    /// Rate, and counts by outcome.
    fn words(&self, progress: &Progress) -> String {
        let elapsed_ms = self.started.elapsed().as_millis().max(1);
        let per_minute = u128::from(progress.requests) * 60_000 / elapsed_ms;
        let mut words = format!("{per_minute}/min");
        if let LeadListState::Reading { leads } = progress.lead_list {
            words.push_str(&format!("  list of leads: {leads}"));
        }
        for (outcome, n) in &progress.settled {
            words.push_str(&format!("  {} {n}", outcome.as_str()));
        }
        if let Some(trouble) = &progress.trouble {
            words.push_str(&format!("  waiting: {trouble}"));
        }
        words
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
