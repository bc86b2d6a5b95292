//! `fprecon audit`: what FirstPromoter wants paid against what was billed.

pub(super) mod accept;
mod ours;
mod theirs;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use self::ours::inputs;
use self::theirs::{TheirLists, Theirs, check_accounts};
use super::next::commands_of_call;
use super::report::days_missing;
use super::report_place::{expect_no_input_in, expect_reachable, redactor};
use crate::audit::accepted::AcceptedError;
use crate::audit::ours::{AcceptedItem, Ours, later_than};
use crate::audit::output::{
    AuditOutputError, AuditReport, LastAudit, OursSummary, SinceSummary, TheirsSummary, Unread,
    audit_in, free_directory, is_file_of_audit, latest_audit, words,
};
use crate::audit::statement::{Statement, statements};
use crate::audit::{
    Audit, AuditError, AuditRules, Billed, Commission, Matches, Period, PeriodBy, Sides, Since,
    Unchecked, UncheckedReason, UnreadCode, View,
};
use crate::bounded::{self, SETTINGS_BYTES};
use crate::cli::arguments::{AuditArguments, Common, DatedBy};
use crate::cli::audit_tables;
use crate::cli::error::{CliError, Exit};
use crate::cli::settings::{EffectiveSettings, line_of};
use crate::cli::terminal::Terminal;
use crate::job::Imbalance;
use crate::journal::JournalReader;
use crate::problem::{Problem, ProblemCode, Problems, Severity, causes};
use crate::report::{Redactor, SCHEMA};

/// Beside the journal: the audits, and in it the listings.
const AUDITS: &str = "audit";
const LISTINGS: &str = "listings";

pub(in crate::cli) fn audit(
    common: &Common,
    arguments: &AuditArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let settings = EffectiveSettings::load(common, None)?;
    let call = AuditCall {
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
        report.redact(redactor, &matches);
    }
    report.write(&matches, redactor.as_ref())?;
    terminal.plan_problems(&report.problems, report.problems_omitted);
    if report.exit_code != 0 {
        terminal.say_if_quiet(&audit_tables::one_line(&report, &commands_of_call(common)));
    }
    terminal.human(&audit_tables::whole(&report));
    if terminal.is_json() {
        terminal.write_json(&report)?;
    }
    Ok(match report.exit_code {
        0 => Exit::Done,
        _ => Exit::Attention,
    })
}

/// Returns the rules of the configuration.
pub(super) fn rules(settings: &EffectiveSettings) -> Result<AuditRules, CliError> {
    const HINT: &str = "docs/audit.md explains every key of `[audit]`";
    let invalid =
        |message: &str| Problem::error(ProblemCode::ConfigInvalid, message.trim().to_owned());
    for path in &settings.files {
        // It was read a moment ago.
        let text = bounded::read_text(path, SETTINGS_BYTES).unwrap_or_default();
        AuditRules::check(&text).map_err(|wrong| {
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
            Problem::error(ProblemCode::PeriodEmpty, format!("{from} is after {to}"))
                .hint("`--from` is the first day and `--to` the last"),
        )),
        _ => Ok(Period {
            from,
            to,
            by: period_by(arguments)?,
        }),
    }
}

/// Returns which day of a sale counts.
fn period_by(arguments: &AuditArguments) -> Result<PeriodBy, CliError> {
    let has_days = arguments.from.or(arguments.to).is_some();
    match arguments.by {
        Some(_) if !has_days => Err(days_missing()),
        Some(DatedBy::RunDate) => Ok(PeriodBy::RunDate),
        Some(DatedBy::SaleDate) | None => Ok(PeriodBy::SaleDate),
    }
}

/// One call of the command.
struct AuditCall<'c> {
    common: &'c Common,
    arguments: &'c AuditArguments,
    settings: &'c EffectiveSettings,
    terminal: &'c Terminal,
    rules: AuditRules,
    period: Period,
}

/// Both sides and what was found, before the audit is judged as a whole.
struct ComparedSides {
    now: Timestamp,
    ours: OursSummary,
    theirs: TheirsSummary,
    audit: Audit,
    statements: Vec<Statement>,
    unread: Vec<Unread>,
    accepted_items: Vec<AcceptedItem>,
    problems: Problems,
}

impl ComparedSides {
    /// Returns `true` if something was not read or not checked, or somebody was paid more than was earned.
    fn is_incomplete(&self) -> bool {
        let mut unchecked = self.audit.unchecked.iter();
        unchecked.any(|one| one.reason.needs_attention())
            || self.audit.is_unchecked()
            || self.statements.iter().any(Statement::needs_attention)
            || !self.theirs.columns_that_decide.is_empty()
            || !self.unread.is_empty()
    }
}

impl AuditCall<'_> {
    /// Returns the redactor, with the journal's key, so that a person has the same token in every report of the
    /// account; without a journal, with a key of this audit alone.
    fn redactor(&self) -> Result<Option<Redactor>, CliError> {
        if !self.arguments.redact.is_wanted {
            return Ok(None);
        }
        if let Some(journal) = JournalReader::open(&self.settings.journal)? {
            return redactor(&journal).map(Some);
        }
        let redactor = Redactor::with_random_key().ok_or_else(|| {
            CliError::Io(
                "the system's random numbers",
                std::io::ErrorKind::Other.into(),
            )
        })?;
        Ok(Some(redactor))
    }

    /// Audits the two sides, and returns the report with its matches.
    fn report(&self) -> Result<(AuditReport, Matches), CliError> {
        let mut problems = Problems::default();
        // What is on this machine is read first: a listing may take an hour.
        let (mut ours, mut ours_summary, account) = self.ours(&mut problems)?;
        self.expect_place_of_files(&ours)?;
        let theirs = self.theirs(account.as_ref(), &ours, &mut problems)?;
        check_accounts(account.as_ref(), theirs.account.as_ref())?;
        let now = Timestamp::now();
        let as_of = theirs.summary.fetched_at.as_ref();
        let read_at: Option<Timestamp> = as_of.and_then(|at| at.parse().ok());
        let commissions = &theirs.lists.commissions;
        let since = read_at.and_then(|at| self.tracked_since(&mut ours, at, commissions));
        let statements = self.statements(&theirs);
        problems_of(&statements, &mut problems);
        let zone = &self.rules.zone;
        ours_summary.inputs = inputs(&ours, zone);
        let dates = || commissions.iter().filter_map(|own| own.created_at);
        let (first_date, last_date) = (dates().min(), dates().max());
        let mut theirs_summary = TheirsSummary {
            first_date: day_of(first_date, zone),
            last_date: day_of(last_date, zone),
            ..theirs.summary
        };
        let mut unread = self.unread(&ours, theirs_summary.rejected, &problems);
        unread.extend(unread_payouts(theirs.payouts_unreadable));
        let accepted_items = self.accepted_items(std::mem::take(&mut ours.accepted));
        let doubted = self.doubted(&ours.billed, &ours.doubted);
        let (mut audit, matches) = self.compare(ours, theirs.lists, read_at.unwrap_or(now))?;
        for figures in audit.totals.in_all.values() {
            ours_summary.sales += figures.sales;
            ours_summary.refunds += figures.refunds;
            theirs_summary.commissions += figures.commissions;
        }
        audit.unchecked.extend(doubted);
        audit.unchecked.extend(since);
        let compared = ComparedSides {
            now,
            ours: ours_summary,
            theirs: theirs_summary,
            audit,
            statements,
            unread,
            accepted_items,
            problems,
        };
        Ok((self.conclude(compared)?, matches))
    }

    /// Checks that the files of the report can be written where they belong, and over nothing that is read.
    fn expect_place_of_files(&self, ours: &Ours) -> Result<(), CliError> {
        let read = ours
            .sha256
            .keys()
            .map(Path::new)
            .chain(self.arguments.commissions.as_deref());
        let directory = self.arguments.dir.as_deref();
        expect_no_input_in(directory, &is_file_of_audit, self.settings, read)?;
        expect_reachable(directory)
    }

    /// Returns the promoters' accounts, where their payouts were read.
    fn statements(&self, theirs: &Theirs) -> Vec<Statement> {
        let Some(payouts) = &theirs.payouts else {
            return Vec::new();
        };
        statements(
            &theirs.lists.commissions,
            payouts,
            &theirs.balances,
            self.settings.api.account_currency.code(),
            &self.rules,
            self.period,
        )
    }

    /// Judges an audit as a whole: which differences are accepted, whether it needs attention, and what is new since the
    /// last one.
    fn conclude(&self, compared: ComparedSides) -> Result<AuditReport, CliError> {
        let (directory, last) = self.directory();
        let tolerance_cents = match self.arguments.tolerance {
            Some(cents) => i64::from(cents),
            None => self.rules.tolerance_cents,
        };
        let accepted = accept::accepted(self.settings)?.among(&compared.audit.findings);
        let exceeds_tolerance = AuditReport::exceeds(&compared.audit, &accepted, tolerance_cents);
        let needs_attention = exceeds_tolerance || compared.is_incomplete();
        let exit = if needs_attention {
            Exit::Attention
        } else {
            Exit::Done
        };
        let ComparedSides {
            audit, problems, ..
        } = compared;
        let account_currency = self.settings.api.account_currency.to_string();
        Ok(AuditReport {
            schema: SCHEMA,
            made_at: compared.now.to_string(),
            period: self.period,
            ours: compared.ours,
            theirs: compared.theirs,
            kinds: AuditReport::kinds_of(&audit),
            program: env!("CARGO_PKG_VERSION"),
            settings: self.rules.in_words(&account_currency),
            account_currency,
            unread: compared.unread,
            tolerance_cents,
            is_above_tolerance: exceeds_tolerance,
            needs_attention,
            accepted,
            accepted_items: compared.accepted_items,
            since: last.map(|last| SinceSummary {
                since: Since::last(&last.findings, &audit.findings),
                last: last.directory.display().to_string(),
                made_at: last.made_at,
            }),
            audit,
            statements: compared.statements,
            problems: problems.kept().to_vec(),
            problems_omitted: problems.omitted().map(|(_, n)| n).sum(),
            report_dir: directory.display().to_string(),
            exit_code: exit as u8,
        })
    }

    /// Returns `true` if what has a date, or none, is of the period. By the days of runs all is: nothing has recorded for good
    /// what is open.
    fn is_of_period(&self, at: Option<Timestamp>) -> bool {
        let day = at.map(|at| self.rules.zone.to_datetime(at).date());
        self.period.by == PeriodBy::RunDate || day.is_none_or(|day| self.period.holds(day))
    }

    /// Returns what somebody has accepted, of the period: by the days of runs all of it, as of what is open.
    fn accepted_items(&self, mut accepted: Vec<AcceptedItem>) -> Vec<AcceptedItem> {
        accepted.retain(|item| self.is_of_period(item.created_at));
        accepted
    }

    /// Leaves out what was tracked after the list of commissions was read, and returns what of it is of the period.
    fn tracked_since(
        &self,
        ours: &mut Ours,
        read_at: Timestamp,
        commissions: &[Commission],
    ) -> Option<Unchecked> {
        let named = commissions.iter().filter_map(|own| own.event_id.as_deref());
        let later = later_than(ours, read_at, &named.collect());
        self.unchecked(UncheckedReason::TrackedSince, later.iter())
    }

    /// Counts some of our side that is of the period.
    fn unchecked<'b>(
        &self,
        reason: UncheckedReason,
        billed: impl Iterator<Item = &'b Billed>,
    ) -> Option<Unchecked> {
        let mut unchecked = Unchecked {
            reason,
            count: 0,
            amount_cents: BTreeMap::new(),
        };
        for own in billed.filter(|own| self.is_of_period(own.created_at)) {
            unchecked.count += 1;
            let sum = unchecked.amount_cents.entry(own.money.currency.to_string());
            *sum.or_default() += i128::from(own.money.amount_cents);
        }
        Some(unchecked).filter(|unchecked| unchecked.count > 0)
    }

    /// Lays both sides beside each other; `as_of` is when theirs was read.
    fn compare(
        &self,
        ours: Ours,
        theirs: TheirLists,
        as_of: Timestamp,
    ) -> Result<(Audit, Matches), CliError> {
        let mut sides = Sides::default();
        sides.held_ids = ours.held_ids;
        sides.unread_ids = theirs.unread_ids.into_iter().collect();
        sides.parents = theirs.parents;
        for one in self.estimated(ours.billed)? {
            sides.add_billed(one)?;
        }
        for one in theirs.commissions {
            sides.add_commission(one)?;
        }
        for lead in theirs.leads.unwrap_or_default() {
            sides.add_lead(lead)?;
        }
        Ok(crate::audit::audit_with_matches(
            sides.into_frames()?,
            &self.rules,
            self.settings.api.account_currency,
            View {
                period: self.period,
                as_of,
            },
        )?)
    }

    /// Returns what is missing of the two sides: rows and lines that were not read, events that are open. Of
    /// events with a date, those of the period.
    fn unread(&self, ours: &Ours, unreadable: u64, problems: &Problems) -> Vec<Unread> {
        let mut all = Vec::new();
        for code in UnreadCode::OF_ITEMS {
            let mut unread = Unread {
                side: "ours",
                code,
                count: 0,
                amount_cents: BTreeMap::new(),
            };
            let open = ours.open.iter().filter(|open| open.code == code);
            for open in open.filter(|open| self.is_of_period(open.created_at)) {
                unread.count += open.count;
                if let Some(money) = open.money {
                    let sum = unread.amount_cents.entry(money.currency.to_string());
                    *sum.or_default() += i128::from(money.amount_cents) * i128::from(open.count);
                }
            }
            all.push(unread);
        }
        let rejected = all.first().map_or(0, |unread| unread.count);
        // Errors that are about no row: a file that ends within a record.
        let errors = problems
            .kept()
            .iter()
            .filter(|problem| problem.severity == Severity::Error)
            .count() as u64;
        let errors = match rejected + unreadable {
            0 => errors,
            _ => 0,
        };
        for (side, code, count) in [
            ("theirs", UnreadCode::Unreadable, unreadable),
            ("ours", UnreadCode::Error, errors),
        ] {
            all.push(Unread {
                side,
                code,
                count,
                amount_cents: BTreeMap::new(),
            });
        }
        all.retain(|unread| unread.count > 0);
        all
    }

    /// Returns the folder `audit/` beside the journal.
    fn audits(&self) -> PathBuf {
        audits(self.settings)
    }

    /// Returns the directory of the files, and the audit to compare with.
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
}

/// Returns the folder `audit/` beside the journal.
pub(super) fn audits(settings: &EffectiveSettings) -> PathBuf {
    let beside = settings.journal.parent().unwrap_or(Path::new(""));
    beside.join(AUDITS)
}

fn day_of(at: Option<Timestamp>, zone: &TimeZone) -> Option<String> {
    at.map(|at| zone.to_datetime(at).date().to_string())
}

/// Returns the payouts of theirs that can't be read, if there are some.
fn unread_payouts(count: u64) -> Option<Unread> {
    (count > 0).then(|| Unread {
        side: "theirs",
        code: UnreadCode::Payouts,
        count,
        amount_cents: BTreeMap::new(),
    })
}

/// Says which accounts are not what FirstPromoter's balances say, or what their payouts say.
fn problems_of(statements: &[Statement], problems: &mut Problems) {
    for statement in statements.iter().filter(|own| own.needs_attention()) {
        let money = |cents| words::money(cents, &statement.currency);
        let (name, paid) = (&statement.promoter, money(statement.all_paid_cents));
        let message = match statement.marked_paid_cents {
            _ if statement.is_overdrawn() => format!(
                "{paid} was paid out to `{name}`, which is {} more than was earned",
                money(-statement.now_cents)
            ),
            marked => format!(
                "{paid} was paid out to `{name}`, and the commissions that are marked as paid come to {}",
                money(marked.unwrap_or_default())
            ),
        };
        problems.push(Problem::warning(ProblemCode::BalanceDiffers, message).hint(
            "look up the promoter's payouts in FirstPromoter: one may be missing from the list, or be wrong",
        ));
    }
    for statement in statements.iter().filter(|own| own.ties == Some(false)) {
        let unit = &statement.currency;
        let message = format!(
            "the commissions and payouts of `{}` come to {}, and FirstPromoter's balance is {}",
            statement.promoter,
            words::money(statement.now_cents, unit),
            words::money(statement.balance_cents.unwrap_or_default(), unit)
        );
        problems.push(Problem::warning(ProblemCode::BalanceDiffers, message).hint(
            "look up the promoter's payouts in FirstPromoter: one may be missing from the list, or be on its way",
        ));
    }
}

pub(super) fn accepted_unusable(error: AcceptedError) -> CliError {
    CliError::unusable(
        Problem::error(ProblemCode::AcceptedUnusable, error.to_string()).hint(
            "restore the file from a backup, or move it away and accept the differences again",
        ),
    )
}

impl From<AuditError> for CliError {
    fn from(error: AuditError) -> Self {
        let message = causes(&error);
        match error {
            AuditError::EventTwice { .. } => {
                CliError::unusable(Problem::error(ProblemCode::EventTwice, message))
            }
            AuditError::Columns(_) | AuditError::Polars(_) | AuditError::Unbalanced(_) => {
                CliError::Imbalance(Imbalance::new(&message))
            }
        }
    }
}

impl From<AuditOutputError> for CliError {
    fn from(error: AuditOutputError) -> Self {
        let problem =
            Problem::error(ProblemCode::AuditNotWritten, causes(&error)).hint(error.hint());
        CliError::Ended(Exit::Attention, Box::new(problem))
    }
}
