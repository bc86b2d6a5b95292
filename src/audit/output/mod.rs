//! Writes an audit as files: CSV, JSON, a workbook, Parquet and a page; each is there whole or not at
//! all.

mod columns;
mod page;
mod redact;
pub(crate) mod words;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use self::redact::AuditRedactor;
use super::accepted::AcceptedFinding;
use super::ours::AcceptedItem;
use super::statement::Statement;
use super::theirs::DecidingColumn;
use super::{
    Audit, AuditError, Finding, FindingKind, Match, Matches, PastFinding, Period, Since, UnreadCode,
};
use crate::bounded::{self, REPORT_BYTES};
use crate::event::Tally;
use crate::output_folder::OutputFolder;
use crate::problem::Problem;
use crate::report::atomic::{
    FileError, FinishedFile, PartialFile, clear_abandoned, sync_directory,
};
use crate::report::json_text;
use crate::report::table::CsvTable;
use crate::report::xlsx::TableBook;
use crate::report::{Cell, ParquetTable, Redactor, ReportColumn, SCHEMA};

/// The file in which the figures stand, and by which an audit's directory is known.
const SUMMARY: &str = "summary.json";

/// The files that an audit writes. The summary is moved last: whoever sees a new one sees the new files too.
const FILES: [&str; 9] = [
    "differences.csv",
    "totals.csv",
    "differences.parquet",
    "totals.parquet",
    "matches.csv",
    "matches.parquet",
    "audit.xlsx",
    "audit.html",
    SUMMARY,
];

/// Returns `true` if an audit writes or removes a file of this name.
pub(crate) fn is_file_of_audit(name: &str) -> bool {
    FILES.contains(&name)
}

/// Rows, events or lines that the audit does not have; the verdict is without them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unread {
    /// `ours` or `theirs`.
    pub side: &'static str,
    /// Their kind.
    pub code: UnreadCode,
    /// Their number.
    pub count: u64,
    /// Their amounts, by currency, as far as they have one.
    pub amount_cents: BTreeMap<String, i128>,
}

/// An export that was audited, or of which the journal has events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditedInput {
    /// The path as the user named it.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal, where it is known.
    pub sha256: Option<String>,
    /// Sales and refunds of it.
    pub events: u64,
    /// The day of the first of them, in the zone of the audit.
    pub first_date: Option<String>,
    /// The day of the last of them.
    pub last_date: Option<String>,
}

/// Describes the source of our side.
#[derive(Clone, Debug, Serialize)]
pub struct OursSummary {
    /// `journal` or `exports`.
    pub source: &'static str,
    /// The journal, or the exports.
    pub files: Vec<String>,
    /// The exports, with what they hold.
    pub inputs: Vec<AuditedInput>,
    /// Sales of the period.
    pub sales: u64,
    /// Refunds of the period.
    pub refunds: u64,
    /// Events that are held back and not audited.
    pub held: u64,
    /// The tracked events of the journal, of all days, by kind, as the reports of all runs have them.
    #[serde(serialize_with = "crate::event::by_kind")]
    pub tracked: Tally,
}

/// Describes the source of their side.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TheirsSummary {
    /// `live`, `kept` (a listing that was fetched before) or `file`.
    pub source: &'static str,
    /// The file, or that in which the listing is kept.
    pub file: String,
    /// SHA-256 of a file that was exported.
    pub sha256: Option<String>,
    /// The day of its first commission, in the zone of the audit.
    pub first_date: Option<String>,
    /// The day of its last commission.
    pub last_date: Option<String>,
    /// The account, where it is known.
    pub account: Option<String>,
    /// The time when the listing was fetched.
    pub fetched_at: Option<String>,
    /// The age of the listing at the time of the audit, in seconds.
    pub age_seconds: Option<i64>,
    /// Commissions of the period.
    pub commissions: u64,
    /// Rows or lines that can't be taken for commissions.
    pub rejected: u64,
    /// Leads, where their listing was read.
    pub leads: Option<u64>,
    /// Payouts that were made, where their listing was read.
    pub payouts: Option<u64>,
    /// `true` if each commission says whether it is approved; one that does not counts as approved.
    pub has_status: bool,
    /// Columns of a list that are not read, though their names are of what an audit compares.
    pub columns_not_read: Vec<String>,
    /// Those of them that may decide what is paid.
    pub columns_that_decide: Vec<DecidingColumn>,
}

/// The findings of one kind.
#[derive(Clone, Debug, Serialize)]
pub struct KindSummary {
    /// The number of findings.
    pub count: u64,
    /// The sum of their differences, too much or (negative) too little, by currency or unit.
    pub difference_cents: BTreeMap<String, i128>,
    /// The sum of the money that they concern without changing the totals, by currency or unit.
    pub concerned_cents: BTreeMap<String, i128>,
}

/// Compares the findings with those of the last audit.
#[derive(Clone, Debug, Serialize)]
pub struct SinceSummary {
    /// The last audit's directory.
    pub last: String,
    /// The time when the last audit was made.
    pub made_at: String,
    /// The findings that are new, remain, or were resolved.
    #[serde(flatten)]
    pub since: Since,
}

/// An audit with all that a reader needs to know of it: the object that `audit --json` prints.
#[derive(Clone, Debug, Serialize)]
pub struct AuditReport {
    /// The version of this shape.
    pub schema: u32,
    /// The time when the audit was made.
    pub made_at: String,
    /// The days that it is about.
    pub period: Period,
    /// The source of our side.
    pub ours: OursSummary,
    /// The source of their side.
    pub theirs: TheirsSummary,
    /// The findings by kind.
    pub kinds: BTreeMap<&'static str, KindSummary>,
    /// The version of the program.
    pub program: &'static str,
    /// The currency of the account.
    pub account_currency: String,
    /// The settings of the audit, each with its value; then its rules.
    pub settings: Vec<(String, String)>,
    /// Rows, events and lines that were not read or are open: the verdict is without them.
    pub unread: Vec<Unread>,
    /// Findings of no more than this, by currency, need no attention.
    pub tolerance_cents: i64,
    /// `true` if there are differences beyond the tolerance.
    #[serde(rename = "exceeds_tolerance")]
    pub is_above_tolerance: bool,
    /// `true` if somebody has to look: at differences beyond the tolerance, at what was not read, or at
    /// money that was not checked.
    pub needs_attention: bool,
    /// Findings that somebody has accepted as they are.
    pub accepted: Vec<AcceptedFinding>,
    /// Events and rows of ours that were held, failed or rejected, and that somebody has accepted: they are not compared.
    pub accepted_items: Vec<AcceptedItem>,
    /// The result of the audit.
    #[serde(flatten)]
    pub audit: Audit,
    /// The comparison with the last audit; absent if there is no audit of the same sides and
    /// period before this one.
    pub since: Option<SinceSummary>,
    /// The account of each promoter; empty if payouts were not read.
    pub statements: Vec<Statement>,
    /// The problems that a person should know or fix.
    pub problems: Vec<Problem>,
    /// Further ones that were not kept.
    pub problems_omitted: u64,
    /// The directory of the files.
    pub report_dir: String,
    /// The exit code of the program.
    pub exit_code: u8,
}

impl TheirsSummary {
    /// Returns `true` if the list says all that an audit compares, as far as its columns show.
    pub(crate) fn is_read_whole(&self) -> bool {
        self.has_status && self.columns_not_read.is_empty()
    }
}

impl AuditReport {
    /// Returns the promoters whose payouts are not what the commissions say was paid out.
    pub(crate) fn paid_otherwise(&self) -> u64 {
        let accounts = self.statements.iter();
        accounts.filter(|own| own.is_paid_otherwise()).count() as u64
    }

    /// Returns the promoters who were paid more than they earned, as far as the lists say.
    pub(crate) fn overdrawn(&self) -> u64 {
        let accounts = self.statements.iter();
        accounts.filter(|own| own.is_overdrawn()).count() as u64
    }

    /// Returns the findings added up by kind; kinds without any are left out.
    pub fn kinds_of(audit: &Audit) -> BTreeMap<&'static str, KindSummary> {
        let mut kinds = BTreeMap::new();
        for finding in &audit.findings {
            let kind = kinds
                .entry(finding.kind.as_str())
                .or_insert_with(|| KindSummary {
                    count: 0,
                    difference_cents: BTreeMap::new(),
                    concerned_cents: BTreeMap::new(),
                });
            kind.count += 1;
            let unit = finding.unit.to_string();
            *kind.difference_cents.entry(unit.clone()).or_default() +=
                i128::from(finding.difference_cents);
            *kind.concerned_cents.entry(unit).or_default() += i128::from(finding.concerned_cents);
        }
        kinds
    }

    /// Returns `true` if the findings that nobody accepted come to more than the tolerance in a currency; without
    /// a tolerance, if there is one. Too much does not make up for too little, and money that is only concerned
    /// counts too.
    pub fn exceeds(audit: &Audit, accepted: &[AcceptedFinding], tolerance_cents: i64) -> bool {
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        let ids: HashSet<&str> = accepted.iter().map(|one| one.id.as_str()).collect();
        let is_open = |finding: &&Finding| !ids.contains(finding.id.as_str());
        for finding in audit.findings.iter().filter(is_open) {
            let difference = i128::from(finding.difference_cents).abs();
            let concerned = i128::from(finding.concerned_cents).abs();
            *sums.entry(finding.unit.to_string()).or_default() += difference.max(concerned);
        }
        let is_above = |cents: &i128| *cents > i128::from(tolerance_cents);
        let found = audit.findings.len() > accepted.len();
        sums.values().any(is_above) || (tolerance_cents == 0 && found)
    }

    /// Returns the findings that nobody has accepted, in their order.
    pub fn open_findings(&self) -> impl Iterator<Item = &Finding> {
        let accepted: HashSet<&str> = self.accepted.iter().map(|one| one.id.as_str()).collect();
        let findings = self.audit.findings.iter();
        findings.filter(move |finding| !accepted.contains(finding.id.as_str()))
    }

    /// Returns the kinds that were found, in the order in which they are shown.
    pub fn found_kinds(&self) -> impl Iterator<Item = (FindingKind, &KindSummary)> {
        let all = FindingKind::ALL.iter();
        all.filter_map(|kind| Some((*kind, self.kinds.get(kind.as_str())?)))
    }

    /// Writes the files into the report's directory, which is made where there is none, and says which.
    /// The matches are redacted by the redactor, if there is one, as the report was by
    /// [`AuditReport::redact`].
    ///
    /// # Errors
    ///
    /// A file can't be written; those that were there before still are.
    pub fn write(
        &self,
        matches: &Matches,
        redactor: Option<&Redactor>,
    ) -> Result<Vec<PathBuf>, AuditOutputError> {
        let given = Path::new(&self.report_dir);
        let failed = |doing| move |error| FileError::new(given, doing, error);
        let folder = OutputFolder::open(given, &[]).map_err(failed("creating the directory"))?;
        let directory = folder.path();
        clear_abandoned(directory, |name| FILES.contains(&name));
        let path = |index: usize| directory.join(FILES[index]);
        let whole = [
            csv(path(0), &columns::DIFFERENCES, self.differences())?,
            csv(
                path(1),
                &columns::TOTALS,
                columns::totals(&self.audit.totals),
            )?,
            parquet(&path(2), &columns::DIFFERENCES, self.differences())?,
            parquet(
                &path(3),
                &columns::TOTALS,
                columns::totals(&self.audit.totals),
            )?,
            matches_csv(path(4), matches, redactor)?,
            matches_parquet(&path(5), matches, redactor)?,
            self.workbook(&path(6))?,
            page::write(self, &path(7))?,
            self.write_summary(path(8))?,
        ];
        for whole in whole {
            whole.commit()?;
        }
        sync_directory(directory)?;
        let written = FILES.map(|name| directory.join(name)).to_vec();
        let stored = folder.finish(written, |_| false);
        Ok(stored.map_err(failed("writing its objects"))?)
    }

    /// Returns the ids of findings that the last audit had not; nothing where there is none to compare with.
    fn new_findings(&self) -> Option<HashSet<&str>> {
        let last = self.since.as_ref()?;
        Some(last.since.new.iter().map(String::as_str).collect())
    }

    /// Returns the cells of the findings, in their order.
    fn differences(&self) -> impl Iterator<Item = Vec<Cell<'_>>> {
        let new = self.new_findings();
        let reasons: std::collections::HashMap<&str, &str> = self
            .accepted
            .iter()
            .map(|one| (one.id.as_str(), one.reason.as_str()))
            .collect();
        self.audit.findings.iter().map(move |finding| {
            let since = match &new {
                None => "",
                Some(new) if new.contains(finding.id.as_str()) => "new",
                Some(_) => "remaining",
            };
            let reason = reasons.get(finding.id.as_str()).copied();
            columns::difference(finding, since, reason)
        })
    }

    fn workbook(&self, path: &Path) -> Result<FinishedFile, FileError> {
        let made_at: Option<Timestamp> = self.made_at.parse().ok();
        let made = made_at.map_or(0, Timestamp::as_second);
        let mut book = TableBook::create(path, "Audit of FirstPromoter's commissions", made)?;
        let lines = self.verdict_lines();
        let verdict = lines
            .iter()
            .map(|(what, is)| vec![Cell::text(what), Cell::escaped(is)]);
        book.table("Verdict", &columns::VERDICT, verdict)?;
        if !self.statements.is_empty() {
            let statements = self.statements.iter().map(columns::statement);
            book.table("Accounts", &columns::STATEMENTS, statements)?;
        }
        let totals = columns::totals(&self.audit.totals);
        book.table("Totals", &columns::TOTALS, totals)?;
        let differences = self.differences().map(|mut cells| {
            for name in ["message", "action"] {
                let place = columns::DIFFERENCES.iter().position(|own| own.name == name);
                let cell = place.and_then(|place| cells.get_mut(place));
                if let Some(Cell::Text(text)) = cell {
                    *text = words::on_paper(text).into();
                }
            }
            cells
        });
        book.table("Differences", &columns::DIFFERENCES, differences)?;
        book.finish()
    }

    /// Returns the verdict, what was not read and not checked, the exports and the settings: a line each.
    fn verdict_lines(&self) -> Vec<(String, String)> {
        let mut lines: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: String| lines.push((name.to_owned(), value));
        words::answer(self)
            .into_iter()
            .for_each(|line| add("Verdict", line));
        let day = |day: Option<jiff::civil::Date>| day.map_or(String::new(), |day| day.to_string());
        if !self.period.is_open() {
            let (from, to) = (day(self.period.from), day(self.period.to));
            let name = words::days_of(self.period.by);
            add(name, format!("{from} to {to}"));
        }
        add("Made", self.made_at.clone());
        add("Made by", format!("fprecon {}", self.program));
        for input in &self.ours.inputs {
            let sha256 = input.sha256.as_deref().unwrap_or("SHA-256 unknown");
            let days = words::days(&input.first_date, &input.last_date);
            add("Export", format!("{}, {days}, {sha256}", input.path));
        }
        if let Some(sha256) = &self.theirs.sha256 {
            let theirs = &self.theirs;
            let days = words::days(&theirs.first_date, &theirs.last_date);
            add("Commissions", format!("{}, {days}, {sha256}", theirs.file));
        }
        for (name, value) in &self.settings {
            add("Setting", format!("{name}: {value}"));
        }
        for accepted in &self.accepted {
            add(
                "Accepted",
                format!("{}: {}", accepted.message, accepted.reason),
            );
        }
        for item in &self.accepted_items {
            add("Accepted", words::accepted_item(item));
        }
        lines
    }

    fn write_summary(&self, path: PathBuf) -> Result<FinishedFile, FileError> {
        let mut file = PartialFile::create(&path)?;
        json_text(self)
            .map_err(io::Error::from)
            .and_then(|text| writeln!(file, "{text}"))
            .map_err(|error| FileError::new(&path, "writing it", error))?;
        file.finish()
    }
}

fn csv<'c>(
    path: PathBuf,
    columns: &[ReportColumn],
    rows: impl Iterator<Item = Vec<Cell<'c>>>,
) -> Result<FinishedFile, FileError> {
    let mut table = CsvTable::of_columns(path, columns)?;
    for row in rows {
        table.row(&row)?;
    }
    table.finish()
}

fn parquet<'c>(
    path: &Path,
    columns: &'static [ReportColumn],
    rows: impl Iterator<Item = Vec<Cell<'c>>>,
) -> Result<FinishedFile, FileError> {
    let mut table = ParquetTable::start(path, columns)?;
    for row in rows {
        table.add(&row)?;
    }
    table.finish()
}

fn matches_csv(
    path: PathBuf,
    matches: &Matches,
    redactor: Option<&Redactor>,
) -> Result<FinishedFile, FileError> {
    let mut table = CsvTable::of_columns(path.clone(), columns::MATCHES)?;
    for own in shareable(matches, redactor, &path) {
        table.row(&columns::matched(&own?))?;
    }
    table.finish()
}

fn matches_parquet(
    path: &Path,
    matches: &Matches,
    redactor: Option<&Redactor>,
) -> Result<FinishedFile, FileError> {
    let mut table = ParquetTable::start(path, columns::MATCHES)?;
    for own in shareable(matches, redactor, path) {
        table.add(&columns::matched(&own?))?;
    }
    table.finish()
}

/// Returns the matches, redacted if that is requested.
fn shareable<'m>(
    matches: &'m Matches,
    redactor: Option<&'m Redactor>,
    path: &'m Path,
) -> impl Iterator<Item = Result<Match, FileError>> {
    let unreadable =
        |error: AuditError| FileError::new(path, "reading the matches", io::Error::other(error));
    let redactor = redactor.map(|words| AuditRedactor::new(words, matches));
    matches.iter().map(move |own| {
        let mut own = own.map_err(unreadable)?;
        if let Some(redactor) = &redactor {
            redact::of_match(redactor, &mut own);
        }
        Ok(own)
    })
}

/// An audit that was made before.
#[derive(Clone, Debug)]
pub struct LastAudit {
    /// The directory of the audit.
    pub directory: PathBuf,
    /// The time when it was made.
    pub made_at: String,
    /// The findings of the audit.
    pub findings: Vec<PastFinding>,
}

/// The part of an earlier summary that is read.
#[derive(Deserialize)]
struct PastReport {
    schema: u32,
    made_at: String,
    period: Period,
    findings: Vec<PastFinding>,
}

/// Returns the audit of the same period in `directory`, if there is one that can be read.
pub fn audit_in(directory: &Path, period: Period) -> Option<LastAudit> {
    let folder = OutputFolder::look_at(directory, &[SUMMARY]).ok()?;
    let text = bounded::read(&folder.path().join(SUMMARY), REPORT_BYTES).ok()?;
    let past: PastReport = serde_json::from_slice(&text).ok()?;
    (past.schema == SCHEMA && past.period == period).then(|| LastAudit {
        directory: directory.to_owned(),
        made_at: past.made_at,
        findings: past.findings,
    })
}

/// Returns the latest audit of the same period among the directories in `audits`.
pub fn latest_audit(audits: &Path, period: Period) -> Option<LastAudit> {
    let entries = fs::read_dir(audits).ok()?.filter_map(Result::ok);
    let found = entries.filter_map(|entry| audit_in(&entry.path(), period));
    // Times of one form sort as text.
    found.max_by(|one, other| one.made_at.cmp(&other.made_at))
}

/// Returns a directory in `audits` for an audit of that day: `2026-11-26`, or with a number behind it.
pub fn free_directory(audits: &Path, day: jiff::civil::Date) -> PathBuf {
    let first = audits.join(day.to_string());
    let mut numbered = (2_u64..).map(|number| audits.join(format!("{day}-{number}")));
    if first.exists() {
        numbered
            .find(|directory| !directory.exists())
            .unwrap_or(first)
    } else {
        first
    }
}

/// Reports why the files of an audit could not be written.
#[derive(Debug, thiserror::Error)]
#[error("the audit {} can't be written ({doing})", path.display())]
pub struct AuditOutputError {
    /// The file or the directory.
    pub path: PathBuf,
    /// The step that failed.
    pub doing: &'static str,
    /// The system's error.
    pub source: io::Error,
}

impl AuditOutputError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        "check the permissions, the free space, and that no other program has the file open; then run \
         the same audit again: a listing that was fetched is kept"
    }
}

impl From<FileError> for AuditOutputError {
    fn from(failure: FileError) -> Self {
        let FileError {
            path,
            doing,
            source,
        } = failure;
        AuditOutputError {
            path,
            doing,
            source,
        }
    }
}
