//! `fprecon audit`: what FirstPromoter wants paid against what was billed.

mod theirs;

use std::path::{Path, PathBuf};

use jiff::{Timestamp, Zoned};
use ring::rand::SecureRandom;

use self::theirs::check_accounts;
use super::delivery::redactor;
use crate::audit::ours::{self, Ours, OursError};
use crate::audit::output::{
    AuditOutputError, AuditReport, LastAudit, OursSummary, SinceSummary, audit_in, free_directory,
    latest_audit,
};
use crate::audit::{
    Audit, AuditError, Billed, Commission, Lead, Matches, Period, Rules, Sides, Since, View,
};
use crate::bounded::{self, SETTINGS_BYTES};
use crate::cli::arguments::{AuditArguments, Common};
use crate::cli::audit_tables;
use crate::cli::error::{CliError, Exit};
use crate::cli::exports::{self, Choice, Planner};
use crate::cli::settings::{Settings, line_of};
use crate::cli::tables::grouped;
use crate::cli::terminal::Terminal;
use crate::job::{Imbalance, SourceRows};
use crate::journal::{Account, JournalReader, Known, REDACTION_KEY_BYTES};
use crate::problem::{Problem, Problems, causes};
use crate::report::{Redactor, SCHEMA};

/// Beside the journal: the audits, and in it the listings.
const AUDITS: &str = "audit";
const LISTINGS: &str = "listings";

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
    terminal.human(&audit_tables::whole(&report));
    if terminal.json() {
        terminal.write_json(&report)?;
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
        let text = bounded::read_text(path, SETTINGS_BYTES).unwrap_or_default();
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
        let as_of = theirs_summary.fetched_at.as_ref();
        let as_of = as_of.and_then(|at| at.parse().ok()).unwrap_or(now);
        let leads = theirs.leads.unwrap_or_default();
        let (audit, matches) = self.compare(ours.billed, theirs.commissions, leads, as_of)?;
        for figures in audit.totals.in_all.values() {
            ours_summary.sales += figures.sales;
            ours_summary.refunds += figures.refunds;
            theirs_summary.commissions += figures.commissions;
        }

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
            View {
                period: self.period,
                as_of,
            },
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
                "{} not audited: held back, since nothing says which reading of them is true or which sale they reverse",
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
        let planner = Planner {
            choice: &choice,
            settings: self.settings,
            terminal: self.terminal,
            rules: exports::rules(None, self.settings)?,
            is_for_sending: false,
        };
        let without_journal = |_: &dyn Fn() -> _| Ok(Known::default());
        let now = Timestamp::now();
        let (job, _) = planner.plan(opened, SourceRows::dropped(), now, without_journal)?;
        for problem in job.problems.kept() {
            problems.push(problem.clone());
        }
        let files = job.inputs.iter().map(|input| input.path.clone()).collect();
        Ok((ours::of_job(&job, self.settings.account_currency), files))
    }
}

/// Errors mean that something of the input is missing from the audit.
fn problems_are_warnings(problems: &Problems) -> bool {
    let mut kept = problems.kept().iter();
    kept.all(|problem| problem.severity == crate::problem::Severity::Warning)
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

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> Self {
        let message = causes(&error);
        match error {
            AuditError::EventTwice { .. } => {
                CliError::unusable(Problem::error("event-twice", message))
            }
            AuditError::Columns(_) | AuditError::Polars(_) | AuditError::Unbalanced(_) => {
                CliError::Imbalance(Imbalance::new(&message))
            }
        }
    }
}

impl From<OursError> for CliError {
    fn from(error: OursError) -> Self {
        match error {
            OursError::Journal(error) => error.into(),
            OursError::Unbalanced(_) => CliError::Imbalance(Imbalance::new(&error.to_string())),
        }
    }
}

impl From<AuditOutputError> for CliError {
    fn from(error: AuditOutputError) -> Self {
        let problem = Problem::error("audit-not-written", causes(&error)).hint(error.hint());
        CliError::Ended(Exit::Attention, Box::new(problem))
    }
}
