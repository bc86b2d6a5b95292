//! `fprecon audit`: what FirstPromoter wants paid against what was billed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use jiff::{Timestamp, Zoned};
use ring::rand::SecureRandom;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc::unbounded_channel;

use super::delivery::{Target, listen, redactor};
use super::plan::json;
use crate::audit::ours::{self, Ours, OursError};
use crate::audit::output::{
    AuditOutputError, AuditReport, LastAudit, OursSummary, SinceSummary, TheirsSummary, audit_in,
    free_directory, latest_audit, words,
};
use crate::audit::theirs::{Reading, StoreError, commissions_of, latest, leads_of, read_csv};
use crate::audit::{
    Audit, AuditError, Billed, BilledKind, Commission, Lead, Matches, Period, Rules, Sides, Since,
};
use crate::cli::arguments::{AuditArguments, Common, LinkArguments};
use crate::cli::audit_tables;
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice};
use crate::cli::linking::Linking;
use crate::cli::settings::{Settings, line_of};
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::Terminal;
use crate::job::{SourceRows, unanswered, unrecognised};
use crate::journal::{Account, JournalReader, REDACTION_KEY_BYTES};
use crate::link::Nothing;
use crate::problem::{Problem, Problems, causes};
use crate::recognise::{Recognised, Why, recognise};
use crate::report::{Imbalance, Redactor, SCHEMA};
use crate::send::{self, Unlisted};
use crate::tracking::{Answer, Client, Listed, ListedCommission};

/// Beside the journal: the audits, and in it the listings.
const AUDITS: &str = "audit";
const LISTINGS: &str = "listings";
/// How often progress is said where there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);
/// A list that was fetched longer ago is remarked on.
const OLD_SECONDS: i64 = 24 * 3600;

pub(in crate::cli) fn audit(
    common: &Common,
    arguments: &AuditArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = Settings::load(common, None)?;
    let call = Call {
        rules: rules(&settings)?,
        period: period(arguments)?,
        common,
        arguments,
        settings: &settings,
        terminal,
    };
    let redactor = call.redactor()?;
    let (mut report, matches) = call.report()?;
    if let Some(redactor) = &redactor {
        report.redact(redactor);
    }
    report.write(&matches, redactor.as_ref())?;
    terminal.problems(&report.problems, report.problems_omitted);
    terminal.human(&audit_tables::whole(&report))?;
    if terminal.json() {
        terminal.data(&json(&report)?)?;
    }
    Ok(match report.exit_code {
        0 => Exit::Done,
        _ => Exit::Attention,
    })
}

/// The rules of the configuration.
pub(super) fn rules(settings: &Settings) -> Result<Rules, CliError> {
    const HINT: &str = "docs/audit.md explains every key of `[audit]`";
    let invalid = |message: &str| Problem::error("config-invalid", message.trim().to_owned());
    for path in &settings.files {
        // It was read a moment ago.
        let text = std::fs::read_to_string(path).unwrap_or_default();
        Rules::check(&text).map_err(|wrong| {
            let line = wrong.byte.map(|byte| line_of(&text, byte));
            let problem = invalid(&wrong.message).at(path.display().to_string(), line);
            CliError::unusable(problem.hint(HINT))
        })?;
    }
    let table = toml::Value::Table(settings.audit.clone());
    table
        .try_into()
        .map_err(|error: toml::de::Error| CliError::unusable(invalid(error.message()).hint(HINT)))
}

fn period(arguments: &AuditArguments) -> Result<Period, CliError> {
    let AuditArguments { from, to, .. } = *arguments;
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err(CliError::usage(
            Problem::error("period-empty", format!("{from} is after {to}"))
                .hint("`--from` is the first day and `--to` the last"),
        )),
        _ => Ok(Period { from, to }),
    }
}

/// Their side, as it was read.
struct Theirs {
    commissions: Vec<Commission>,
    leads: Option<Vec<Lead>>,
    summary: TheirsSummary,
    account: Option<Account>,
}

/// One call of the command.
struct Call<'c> {
    common: &'c Common,
    arguments: &'c AuditArguments,
    settings: &'c Settings,
    terminal: &'c Terminal,
    rules: Rules,
    period: Period,
}

impl Call<'_> {
    /// With the journal's key, so that the same person has the same word in every report of the account;
    /// where there is no journal, with one of this audit alone.
    fn redactor(&self) -> Result<Option<Redactor>, CliError> {
        if !self.arguments.redact.is_wanted {
            return Ok(None);
        }
        if let Some(journal) = JournalReader::open(&self.settings.journal)? {
            return redactor(&journal).map(Some);
        }
        let mut key = [0; REDACTION_KEY_BYTES];
        ring::rand::SystemRandom::new()
            .fill(&mut key)
            .map_err(|_| {
                CliError::Io(
                    "the system's random numbers",
                    std::io::ErrorKind::Other.into(),
                )
            })?;
        Ok(Some(Redactor::new(&key)))
    }

    fn report(&self) -> Result<(AuditReport, Matches), CliError> {
        let mut problems = Problems::default();
        // What is on this machine is read first: a listing may take an hour.
        let (ours, mut ours_summary, account) = self.ours(&mut problems)?;
        let theirs = self.theirs(account.as_ref(), &mut problems)?;
        check_accounts(account.as_ref(), theirs.account.as_ref())?;
        let now = Timestamp::now();
        let mut theirs_summary = theirs.summary;
        let (billed, commissions) =
            self.period
                .cut(ours.billed, theirs.commissions, &self.rules.zone);
        let of_kind = |kind| billed.iter().filter(|one| one.kind == kind).count() as u64;
        ours_summary.sales = of_kind(BilledKind::Sale);
        ours_summary.refunds = of_kind(BilledKind::Refund);
        theirs_summary.commissions = commissions.len() as u64;
        let as_of = theirs_summary.fetched_at.as_ref();
        let as_of = as_of.and_then(|at| at.parse().ok()).unwrap_or(now);
        let leads = theirs.leads.unwrap_or_default();
        let (audit, matches) = self.compare(billed, commissions, leads, as_of)?;

        let (directory, last) = self.directory();
        let tolerance_cents = match self.arguments.tolerance {
            Some(cents) => i64::from(cents),
            None => self.rules.tolerance_cents,
        };
        let needs_attention = AuditReport::exceeds(&audit, tolerance_cents);
        let is_read = theirs_summary.rejected == 0 && problems_are_warnings(&problems);
        let exit = match needs_attention || !is_read {
            true => Exit::Attention,
            false => Exit::Done,
        };
        let report = AuditReport {
            schema: SCHEMA,
            made_at: now.to_string(),
            period: self.period,
            ours: ours_summary,
            theirs: theirs_summary,
            kinds: AuditReport::kinds_of(&audit),
            tolerance_cents,
            needs_attention,
            since: last.map(|last| SinceSummary {
                since: Since::last(&last.findings, &audit.findings),
                last: last.directory.display().to_string(),
                made_at: last.made_at,
            }),
            audit,
            problems: problems.kept().to_vec(),
            problems_omitted: problems.omitted().map(|(_, n)| n).sum(),
            report_dir: directory.display().to_string(),
            exit_code: exit as u8,
        };
        Ok((report, matches))
    }

    /// Lays both sides beside each other; `as_of` is when theirs was read.
    fn compare(
        &self,
        billed: Vec<Billed>,
        commissions: Vec<Commission>,
        leads: Vec<Lead>,
        as_of: Timestamp,
    ) -> Result<(Audit, Matches), CliError> {
        let mut sides = Sides::default();
        for one in billed {
            sides.add_billed(one)?;
        }
        for one in commissions {
            sides.add_commission(one)?;
        }
        for lead in leads {
            sides.add_lead(lead)?;
        }
        let currency = self.settings.account_currency;
        Ok(crate::audit::audit_with_matches(
            sides.into_frames()?,
            &self.rules,
            currency,
            as_of,
        )?)
    }

    /// `audit/` beside the journal.
    fn audits(&self) -> PathBuf {
        let beside = self.settings.journal.parent().unwrap_or(Path::new(""));
        beside.join(AUDITS)
    }

    /// Where the files go, and the audit to compare with.
    fn directory(&self) -> (PathBuf, Option<LastAudit>) {
        let audits = self.audits();
        match &self.arguments.dir {
            Some(directory) => (
                directory.clone(),
                audit_in(directory, self.period).or_else(|| latest_audit(&audits, self.period)),
            ),
            None => (
                free_directory(&audits, Zoned::now().date()),
                latest_audit(&audits, self.period),
            ),
        }
    }

    fn ours(
        &self,
        problems: &mut Problems,
    ) -> Result<(Ours, OursSummary, Option<Account>), CliError> {
        let currency = self.settings.account_currency;
        let (ours, source, files, account) = match self.arguments.exports.is_empty() {
            false => {
                let (ours, files) = self.exports(problems)?;
                (ours, "exports", files, None)
            }
            true => {
                let journal = JournalReader::open(&self.settings.journal)?;
                let journal = journal.ok_or_else(|| nothing_of_ours(self.settings))?;
                let ours = ours::of_journal(&journal, currency)?;
                let files = vec![self.settings.journal.display().to_string()];
                (ours, "journal", files, Some(journal.account()?))
            }
        };
        if ours.held > 0 {
            let message = format!(
                "{} not audited: held back, since nothing says which reading of them is true or which sale they undo",
                match ours.held {
                    1 => "1 event is".to_owned(),
                    n => format!("{} events are", grouped(n.into())),
                }
            );
            problems.push(
                Problem::warning("held-not-audited", message)
                    .hint("`held.csv` of the run lists them, `fprecon plan EXPORT...` says why"),
            );
        }
        let summary = OursSummary {
            source,
            files,
            sales: 0,
            refunds: 0,
            held: ours.held,
            tracked: ours.tracked.clone(),
        };
        Ok((ours, summary, account))
    }

    /// Exports, read as `plan` reads them, without the journal.
    fn exports(&self, problems: &mut Problems) -> Result<(Ours, Vec<String>), CliError> {
        let choice = Choice::load(self.common, self.settings)?;
        let opened = exports::open(&self.arguments.exports, self.common)?;
        let no_link = LinkArguments { link: None };
        let (_, link_rules) = Linking::load(&no_link, self.settings)?;
        let mut unplanned = exports::read(
            opened,
            &choice,
            self.settings,
            self.terminal,
            SourceRows::dropped(),
        )?;
        unplanned.link_by(link_rules);
        let job = unplanned.plan(&Nothing);
        for problem in job.problems.kept() {
            problems.push(problem.clone());
        }
        let files = job.inputs.iter().map(|input| input.path.clone()).collect();
        Ok((ours::of_job(&job, self.settings.account_currency), files))
    }

    fn theirs(
        &self,
        account: Option<&Account>,
        problems: &mut Problems,
    ) -> Result<Theirs, CliError> {
        match &self.arguments.commissions {
            Some(path) => self.theirs_of_file(path, problems),
            None => self.theirs_of_listing(account, problems),
        }
    }

    /// From a CSV.
    fn theirs_of_file(&self, path: &Path, problems: &mut Problems) -> Result<Theirs, CliError> {
        let choice = Choice::load(self.common, self.settings)?;
        let profiles = choice.profiles.for_commissions();
        let names = [path.display().to_string()];
        let mut opened = exports::open(&names, self.common)?;
        let (Some(export), None) = (opened.next(), opened.next()) else {
            let problem = Problem::error("commissions-not-one", "this is not one CSV");
            return Err(CliError::unusable(
                problem
                    .at(&names[0], None)
                    .hint("name the list of commissions alone"),
            ));
        };
        let unusable = |problem: Box<Problem>| CliError::unusable(*problem);
        let mut export =
            export.map_err(|error| CliError::unusable(crate::job::export_problem(&error)))?;
        let header = export.header().to_vec();
        let named = choice.named()?.filter(|named| named.is_for_commissions());
        let found = match named {
            Some(profile) => Recognised {
                profile,
                binding: profile.bind(&header).map_err(|misfit| {
                    let message = format!("the header {}", misfit.reason());
                    CliError::unusable(
                        Problem::error("profile-misfit", message).at(&names[0], Some(1)),
                    )
                })?,
                why: Why::Named,
            },
            None => recognise(&profiles, &mut export, &header, |cell| cell).map_err(|error| {
                let problem = unrecognised(&names[0], &header, error);
                unusable(Box::new(problem.hint(format!(
                    "`fprecon init {}` proposes a profile for it; docs/audit.md shows one",
                    names[0]
                ))))
            })?,
        };
        if let Some(problem) = unanswered(found.profile) {
            return Err(CliError::unusable(problem.at(&names[0], None)));
        }
        let currency = self.settings.account_currency;
        let read = read_csv(export, found.profile, found.binding, currency).map_err(unusable)?;
        for problem in read.problems.kept() {
            problems.push(problem.clone());
        }
        let [file] = names;
        Ok(Theirs {
            summary: TheirsSummary {
                source: "file",
                file,
                sha256: Some(read.sha256),
                account: None,
                fetched_at: None,
                age_seconds: None,
                commissions: 0,
                rejected: read.rows.rejected,
                leads: None,
            },
            commissions: read.commissions,
            leads: None,
            account: None,
        })
    }

    /// From the account's listings: read now, or kept.
    fn theirs_of_listing(
        &self,
        account: Option<&Account>,
        problems: &mut Problems,
    ) -> Result<Theirs, CliError> {
        let directory = self.audits().join(LISTINGS);
        if self.arguments.live {
            self.fetch(&directory, account)?;
        }
        let Some(kept) = latest::<ListedCommission>(&directory)? else {
            return Err(nothing_kept(&directory));
        };
        let leads = latest::<crate::tracking::Lead>(&directory)?;
        let leads = leads.filter(|leads| leads.account == kept.account);
        let age_seconds = Timestamp::now().duration_since(kept.fetched_at).as_secs();
        if age_seconds > OLD_SECONDS && !self.arguments.live {
            let message = format!(
                "the commissions were fetched {} ago",
                words::age(age_seconds)
            );
            problems.push(
                Problem::warning("listing-old", message)
                    .hint("`fprecon audit --live` fetches them anew"),
            );
        }
        let summary = TheirsSummary {
            source: if self.arguments.live { "live" } else { "kept" },
            file: kept.path.display().to_string(),
            sha256: None,
            account: Some(kept.account.to_string()),
            fetched_at: Some(kept.fetched_at.to_string()),
            age_seconds: Some(age_seconds),
            commissions: 0,
            rejected: 0,
            leads: leads.as_ref().map(|leads| leads.lines.len() as u64),
        };
        let account = kept.account.clone();
        let (commissions, left_out) = commissions_of(kept, self.settings.account_currency);
        let rejected = left_out.len() as u64;
        left_out
            .into_iter()
            .for_each(|problem| problems.push(problem));
        Ok(Theirs {
            commissions,
            leads: leads.map(leads_of),
            summary: TheirsSummary {
                rejected,
                ..summary
            },
            account: Some(account),
        })
    }

    /// Reads the listings to their ends, and keeps them.
    fn fetch(&self, directory: &Path, account: Option<&Account>) -> Result<(), CliError> {
        if self.common.sandbox {
            let message =
                "the sandbox inside the program begins anew with each call, without commissions";
            return Err(CliError::usage(
                Problem::error("sandbox-has-none", message).hint(
                    "start one with `fprecon sandbox`, and name it by `--base-url` for `run` and `audit`",
                ),
            ));
        }
        let target = Target::choose(self.common, self.settings)?;
        check_accounts(account, Some(target.account()))?;
        self.fetch_one::<ListedCommission>(directory, &target)?;
        if !self.arguments.no_leads {
            self.fetch_one::<crate::tracking::Lead>(directory, &target)?;
        }
        Ok(())
    }

    fn fetch_one<T>(&self, directory: &Path, target: &Target) -> Result<(), CliError>
    where
        T: Listed + PartialEq + Serialize + DeserializeOwned,
    {
        let reading = Reading::<T>::open(directory, target.account(), Timestamp::now());
        let mut reading = reading.map_err(not_kept)?;
        if reading.resumed_pages() > 0 {
            self.terminal.note(&format!(
                "going on with {}: {} of them are here",
                T::NAME,
                count(send::Shelf::<T>::lines(&reading), "line")
            ));
        }
        let read = self.read_listing(target.client(), &mut reading)?;
        match read {
            Ok(requests) => {
                self.terminal.note(&format!(
                    "fetched {} {} in {}",
                    grouped(send::Shelf::<T>::lines(&reading).into()),
                    T::NAME,
                    count(requests, "request")
                ));
                reading.finish().map_err(not_kept)?;
                Ok(())
            }
            Err((unlisted, exit)) => Err(not_whole::<T>(unlisted, exit)),
        }
    }

    /// Reads what is missing of a listing; or why it is not whole, with the code for an interruption.
    fn read_listing<T>(
        &self,
        client: &Client,
        reading: &mut Reading<T>,
    ) -> Result<Result<u64, (Unlisted, Exit)>, CliError>
    where
        T: Listed + PartialEq + Serialize + DeserializeOwned,
    {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CliError::Io("the network runtime", error))?;
        let bar = self
            .terminal
            .bar(None, &format!("{{spinner}} fetching {}: {{msg}}", T::NAME));
        let (mut said, terminal) = (Instant::now(), self.terminal);
        let mut progress = |lines: u64, requests: u64| {
            let words = format!(
                "{} in {}",
                grouped(lines.into()),
                count(requests, "request")
            );
            if terminal.wants_lines() && said.elapsed() >= LINE_INTERVAL {
                said = Instant::now();
                terminal.note(&format!("{}: {words}", T::NAME));
            }
            bar.set_message(words);
        };
        let interrupted = Arc::new(AtomicBool::new(false));
        let terminated = Arc::new(AtomicBool::new(false));
        let per_minute = self.settings.requests_per_minute;
        let read = runtime.block_on(async {
            let (stop, mut requests) = unbounded_channel();
            listen(stop, Arc::clone(&interrupted), Arc::clone(&terminated))?;
            let read =
                send::fetch_list(client, per_minute, &mut requests, reading, &mut progress).await;
            Ok::<_, CliError>(read)
        })?;
        bar.finish_and_clear();
        let exit = match terminated.load(Ordering::SeqCst) {
            true => Exit::Terminated,
            false => Exit::Interrupted,
        };
        Ok(read.map_err(|unlisted| (unlisted, exit)))
    }
}

/// Errors mean that something of the input is missing from the audit.
fn problems_are_warnings(problems: &Problems) -> bool {
    let mut kept = problems.kept().iter();
    kept.all(|problem| problem.severity == crate::problem::Severity::Warning)
}

/// Whose sales they are has to be whose commissions they are.
fn check_accounts(ours: Option<&Account>, theirs: Option<&Account>) -> Result<(), CliError> {
    let is_same = |(ours, theirs): (&Account, &Account)| {
        // Version 1 and 2 of one account name it differently: they can't be compared.
        ours.api != theirs.api || ours == theirs
    };
    match ours.zip(theirs) {
        Some((ours, theirs)) if !is_same((ours, theirs)) => Err(CliError::unusable(
            Problem::error(
                "account-clash",
                format!("the journal is of {ours}, and the commissions are of {theirs}"),
            )
            .hint(
                "choose the journal of that account by `--journal`, or fetch its own commissions",
            ),
        )),
        _ => Ok(()),
    }
}

fn nothing_of_ours(settings: &Settings) -> CliError {
    CliError::unusable(
        Problem::error(
            "journal-missing",
            "there is nothing to compare with: no journal",
        )
        .at(settings.journal.display().to_string(), None)
        .hint(
            "name your billing exports (`fprecon audit EXPORT...`), or the journal by `--journal`",
        ),
    )
}

fn nothing_kept(directory: &Path) -> CliError {
    CliError::unusable(
        Problem::error("commissions-missing", "there are no commissions to compare with yet")
            .at(directory.display().to_string(), None)
            .hint("`fprecon audit --live` fetches them from the account; `--commissions FILE` takes a CSV that was exported there"),
    )
}

/// A disk that takes no more is no fault of the input: the same command goes on once there is room.
fn not_kept(error: StoreError) -> CliError {
    match error {
        StoreError::Io { .. } => {
            let problem = Problem::error("listing-not-kept", causes(&error)).hint(error.hint());
            CliError::Ended(Exit::Incomplete, Box::new(problem))
        }
        error => error.into(),
    }
}

/// Why a listing is not whole. What was read of it is kept.
fn not_whole<T: Listed>(unlisted: Unlisted, interrupted: Exit) -> CliError {
    let name = T::NAME;
    let again = format!(
        "the pages that were read are kept for a day; the same command goes on behind them, and then fetches the rest of the {name}"
    );
    let (exit, problem) = match unlisted {
        Unlisted::Interrupted => {
            let message = format!("fetching the {name} was interrupted");
            (interrupted, Problem::warning("interrupted", message))
        }
        Unlisted::Page {
            answer: Answer::KeyRefused { message, .. },
            ..
        } => {
            let message = format!("the API refused the key for the list of {name}: {message}");
            let problem = Problem::error("key-refused", message)
                .hint("mend the key, then run the same command");
            return CliError::Ended(Exit::KeyRefused, Box::new(problem));
        }
        Unlisted::Page { number, answer } => {
            let said = match answer.status() {
                Some(status) => format!("HTTP {status}: {}", answer.message()),
                None => answer.message().to_owned(),
            };
            let message = format!("page {number} of the {name} can't be read: {said}");
            (
                Exit::Incomplete,
                Problem::error("listing-unreadable", message),
            )
        }
        Unlisted::Changing => {
            let message = format!("the list of {name} keeps changing while it is read");
            let problem = Problem::error("listing-changes", message)
                .hint("try again when nothing is being imported or paid");
            return CliError::Ended(Exit::Incomplete, Box::new(problem));
        }
        Unlisted::Short { lines, total } => {
            let message = format!("the list has {lines} {name}, and says that there are {total}");
            (Exit::Incomplete, Problem::error("listing-short", message))
        }
        Unlisted::Shelf(error) => {
            let message = format!("the {name} can't be kept: {error}");
            let problem = Problem::error("listing-not-kept", message).hint(format!(
                "check the permissions, and make room on the disk; {again}"
            ));
            return CliError::Ended(Exit::Incomplete, Box::new(problem));
        }
    };
    CliError::Ended(exit, Box::new(problem.hint(again)))
}

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> Self {
        let message = causes(&error);
        match error {
            AuditError::EventTwice { .. } => {
                CliError::unusable(Problem::error("event-twice", message))
            }
            AuditError::Columns(_) | AuditError::Polars(_) | AuditError::Unbalanced(_) => {
                CliError::Imbalance(Imbalance::of(&message))
            }
        }
    }
}

impl From<OursError> for CliError {
    fn from(error: OursError) -> Self {
        match error {
            OursError::Journal(error) => error.into(),
            OursError::Unbalanced(_) => CliError::Imbalance(Imbalance::of(&error.to_string())),
        }
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        CliError::unusable(Problem::error("listing", causes(&error)).hint(error.hint()))
    }
}

impl From<AuditOutputError> for CliError {
    fn from(error: AuditOutputError) -> Self {
        let problem = Problem::error("audit-not-written", causes(&error)).hint(error.hint());
        CliError::Ended(Exit::Attention, Box::new(problem))
    }
}
