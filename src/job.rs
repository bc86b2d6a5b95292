//! What the exports of one call come to, taken together: their rows, their events, the plan.
//!
//! Several exports are one job, so that a refund in one meets its sale in another. Reading is
//! pure: the same bytes give the same job.

mod complete;
mod customers;
mod not_paid;
mod source_rows;

pub use source_rows::{SourceRow, SourceRows, SourceRowsError};

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;

use self::complete::{COMPLETED, Completion, Invoices, Plans, Sales, WITHOUT_PAYMENT, complete};
use self::customers::{drop_shared_uids, emails_by_uid, hold_without_customer};
use self::not_paid::NotPaidRows;
use crate::classify::{Classifier, NO_AMOUNT_COLUMN, NO_DATE_COLUMN, Outcome};
use crate::convert::{Foreign, convert, hold_inexact};
use crate::event::{
    Currency, Decimals, Event, EventKey, EventRef, Events, KeyMap, Kind, Source, Text,
};
use crate::export::{Export, ExportError, Row};
use crate::journal::Wanted;
use crate::link::{AskedAgain, Cause, Link, Resolution, Rules, link, unknown_resolutions};
use crate::plan::{Past, Plan, plan};
use crate::problem::{Problem, Problems};
use crate::profile::{LookAlike, Misfit, Profile, Profiles, Unfit};
use crate::readings::{Origins, Readings, identify};
use crate::recognise::{Recognised, Unrecognised, Why, recognise};
use crate::sanity;
use crate::shell_word::shell_word;
use crate::spreadsheet::restore;

/// The columns behind those of the export in the files of rejected and ignored rows. An export
/// that has them is such a file, corrected and handed back: its cells are taken out of the form in
/// which no spreadsheet runs them.
pub const ADDED_COLUMNS: [&str; 3] = ["_file", "_line", "_reason"];

/// The column of reports of events that says what came of each, by the name that its profile gives it.
const OUTCOME_COLUMN: &str = "outcome";

/// How many of the closest profiles are named where none fits.
const MISFITS_SHOWN: usize = 1;

/// One export of a job, as it was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// As the user named it.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the profile that it was read by.
    pub profile: String,
    /// Why by this one, in a few words.
    pub chosen: String,
    /// Its header.
    pub header: Vec<String>,
    /// What became of its rows.
    pub rows: Rows,
}

/// How many rows there are, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Rows {
    /// Rows read.
    pub read: u64,
    /// Rows that gave one event or several.
    pub with_events: u64,
    /// Rows that are no event, for a reason that the profile names.
    pub ignored: u64,
    /// Rows that can't be read.
    pub rejected: u64,
}

impl Rows {
    /// Whether every row that was read is accounted for.
    pub fn balance(&self) -> bool {
        self.read == self.with_events + self.ignored + self.rejected
    }

    /// Adds the rows of another export.
    pub fn add(&mut self, other: Rows) {
        self.read += other.read;
        self.with_events += other.with_events;
        self.ignored += other.ignored;
        self.rejected += other.rejected;
    }
}

/// Exports, read and planned.
#[derive(Debug)]
pub struct Job {
    /// The exports, in the order in which they were named.
    pub inputs: Vec<Input>,
    /// Rows that gave no event, in reading order.
    pub source_rows: SourceRows,
    /// Ignored rows by reason.
    pub ignored: BTreeMap<String, u64>,
    /// What a person should know or fix.
    pub problems: Problems,
    /// Rows that earlier runs rejected and that these exports have in a corrected form.
    pub corrected: Vec<CorrectedRow>,
    /// The events.
    pub plan: Plan,
    /// Events of which a report that was handed back says that they may have been recorded.
    pub unconfirmed: HashSet<EventKey>,
    /// What the invoices say, for later calls: sales by the ids of their invoices.
    pub invoices: Events,
    /// The plans of subscriptions, by the provider's id of the subscription, for later calls.
    pub plans: Vec<(Text, Text)>,
    /// The uids that are not ids of one customer, for later calls.
    pub shared_uids: Vec<Text>,
}

/// A row that an earlier run rejected, in the words of its `rejected.csv`, which was handed back with the
/// row corrected.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CorrectedRow {
    /// The place of the file that was handed back among the inputs.
    pub input: usize,
    /// The export in which the row stood.
    pub file: String,
    /// Its line there.
    pub line: String,
    /// Why it was rejected.
    pub reason: String,
}

impl Job {
    /// The rows of all exports.
    pub fn rows(&self) -> Rows {
        rows_of(&self.inputs)
    }

    /// Takes note of what adds up and may be wrong all the same. `past` is what it was planned
    /// with, `now` what the caller's clock says.
    pub fn check_sanity(&mut self, past: &dyn Past, now: Timestamp) {
        let paths: Vec<String> = self.inputs.iter().map(|input| input.path.clone()).collect();
        for problem in sanity::findings(&self.plan, past, now, &paths) {
            self.problems.push(problem);
        }
    }
}

fn rows_of(inputs: &[Input]) -> Rows {
    let mut rows = Rows::default();
    for input in inputs {
        rows.add(input.rows);
    }
    rows
}

/// How a job's exports are to be read.
#[derive(Clone, Copy)]
pub struct Reading<'r> {
    /// The profiles to choose from.
    pub profiles: &'r Profiles,
    /// The profile that the user named; else each export's is found by its header.
    pub profile: Option<&'r Profile>,
    /// The currency of amounts for which nothing names one.
    pub account_currency: Currency,
    /// Told the number of rows read so far, now and then.
    pub progress: &'r dyn Fn(u64),
}

/// Rows between two calls of [`Reading::progress`].
const PROGRESS_ROWS: u64 = 4096;

impl Reading<'_> {
    /// Reads the exports of a job; or says what makes them unusable, for all of them at once.
    /// Rows that give no event go to `source_rows`.
    pub fn read(
        &self,
        exports: impl IntoIterator<Item = Result<Export, ExportError>>,
        source_rows: SourceRows,
    ) -> Result<Unplanned, Vec<Problem>> {
        let mut reader = JobReader::new(self, source_rows);
        let mut unusable = Vec::new();
        let mut completing = Vec::new();
        for export in exports {
            let read = export
                .map_err(|error| Box::new(export_problem(&error)))
                .and_then(|export| reader.open(export))
                .and_then(|opened| match opened.found.profile.completes.is_empty() {
                    true => reader.read_export(opened),
                    false => {
                        completing.push(opened);
                        Ok(())
                    }
                });
            unusable.extend(read.err().map(|problem| *problem));
        }
        for opened in completing {
            let read = reader.read_completing(opened);
            unusable.extend(read.err().map(|problem| *problem));
        }
        if unusable.is_empty() {
            Ok(reader.finish())
        } else {
            Err(unusable)
        }
    }

    fn bind(
        &self,
        export: &mut Export,
        header: &[String],
        cell: fn(&str) -> Cow<'_, str>,
    ) -> Result<Recognised<'_>, Box<Problem>> {
        let path = export.path().display().to_string();
        let found = match self.profile {
            Some(profile) => {
                let own_file = self.profiles.own_file(header);
                if let Some(known) = own_file.filter(|_| !profile.is_own) {
                    return Err(Box::new(not_an_export(&path, known)));
                }
                let bound = profile.bind(header);
                let binding = bound.map_err(|misfit| named_misfit(&path, &misfit))?;
                Recognised {
                    profile,
                    binding,
                    why: Why::Named,
                }
            }
            None => recognise(self.profiles, export, header, cell)
                .map_err(|error| unrecognised(&path, header, error))?,
        };
        if found.profile.is_for_commissions() {
            return Err(Box::new(commissions_are_no_export().at(path, None)));
        }
        match unanswered(found.profile) {
            Some(problem) => Err(Box::new(problem.at(path, None))),
            None => Ok(found),
        }
    }
}

/// A list of what FirstPromoter wants paid is no list of what was sold.
fn commissions_are_no_export() -> Problem {
    Problem::error(
        "export-of-commissions",
        "this is a list of commissions, not an export of a billing provider",
    )
    .hint("`fprecon audit --commissions FILE` compares it with what was billed")
}

/// The profile that the user named does not fit.
fn named_misfit(path: &str, misfit: &Misfit) -> Problem {
    let Misfit { profile, .. } = misfit;
    let message = format!(
        "the header does not fit the profile `{profile}`: it {}",
        misfit.reason()
    );
    Problem::error("profile-misfit", message)
        .at(path, Some(1))
        .hint("name the columns in a profile that extends it, or leave `--profile` out")
}

/// What the export does not say and the profile may not guess.
pub fn unanswered(profile: &Profile) -> Option<Problem> {
    let question = profile.questions.first()?;
    let (name, key) = (&profile.name, &question.key);
    let (table, key) = key.rsplit_once('.').unwrap_or(("", key));
    let message = format!("`{name}` needs to know: {}", question.text);
    let hint = match profile.is_own {
        true => format!("set `{key}` under `[exports.{name}.{table}]` of fprecon.toml"),
        false => format!(
            "`fprecon init` writes a fprecon.toml in which to set `{key}`; by hand it stands under `[exports.mine.{table}]`, in a profile with `extends = \"{name}\"`"
        ),
    };
    Some(Problem::error("profile-incomplete", message).hint(hint))
}

/// Why no profile is taken for an export, in the shape of every other problem.
pub fn unrecognised(path: &str, header: &[String], error: Unrecognised) -> Box<Problem> {
    Box::new(match error {
        Unrecognised::Unfit(unfit) => unknown_header(path, header, &unfit),
        Unrecognised::Export(error) => export_problem(&error),
        Unrecognised::Undecided(undecided) => {
            Problem::error("profile-undecided", undecided.to_string())
                .at(path, Some(1))
                .hint(undecided.hint())
        }
    })
}

/// A file that is known, and is not read.
fn not_an_export(path: &str, known: &LookAlike) -> Problem {
    Problem::error("header-unknown", format!("this is {}", known.title))
        .at(path, Some(1))
        .hint(known.instead(path))
}

fn unknown_header(path: &str, header: &[String], unfit: &Unfit) -> Problem {
    if let Some(known) = &unfit.look_alike {
        return not_an_export(path, known);
    }
    if let Some(respelt) = &unfit.respelt {
        return Problem::error("header-unknown", respelt.to_string())
            .at(path, Some(1))
            .hint("export the file again, or write the names of a copy as that export has them");
    }
    if let [first, ..] = header
        && first.to_ascii_lowercase().starts_with("sep=")
    {
        let message = "the first line tells spreadsheets the delimiter, and is not the header";
        return Problem::error("header-unknown", message)
            .at(path, Some(1))
            .cell("header", first)
            .hint("remove the first line");
    }
    let closest: Vec<_> = unfit
        .misfits
        .iter()
        .filter(|misfit| misfit.found > 0 && misfit.found >= misfit.missing.len())
        .take(MISFITS_SHOWN)
        .map(|misfit| {
            format!(
                "`{}` comes closest, but the header {}",
                misfit.profile,
                misfit.reason()
            )
        })
        .collect();
    let is_strange = unfit.misfits.iter().all(|misfit| misfit.found == 0);
    let (message, hint) = match closest.as_slice() {
        [] => (
            match is_strange {
                true => "the header fits no profile: none has any of its columns".to_owned(),
                false => "the header fits no profile, and none comes close".to_owned(),
            },
            format!(
                "is the first line the header? `fprecon init {}` proposes a profile for it; `fprecon profiles list` names the exports that are read without one",
                shell_word(path)
            ),
        ),
        closest => (
            format!("the header fits no profile: {}", closest.join("; ")),
            format!(
                "export the file again with those columns, or name your columns in `[exports.…]` of fprecon.toml; `fprecon profiles check {}` says why each profile does not fit",
                shell_word(path)
            ),
        ),
    };
    Problem::error("header-unknown", message)
        .at(path, Some(1))
        .cell("header", &header.join(","))
        .hint(hint)
}

/// Where the added columns of a file of rejected or ignored rows end, if it is one.
fn added_columns(header: &[String]) -> Option<usize> {
    let start = header
        .windows(ADDED_COLUMNS.len())
        .position(|names| names == ADDED_COLUMNS)?;
    Some(start + ADDED_COLUMNS.len())
}

/// Returns what the added columns of a file of rejected rows, which end at `width`, say of a row.
fn corrected(row: &Row, width: usize, input: usize) -> Option<CorrectedRow> {
    let mut added = row.iter().skip(width - ADDED_COLUMNS.len());
    Some(CorrectedRow {
        input,
        file: added.next()?.to_owned(),
        line: added.next()?.to_owned(),
        reason: added.next()?.to_owned(),
    })
}

/// A row that had too few or too many cells says so behind the added columns. A spreadsheet evens
/// out the widths of all rows when it saves, so that width alone would not tell.
fn not_mended() -> Problem {
    Problem::error("row-not-mended", "the row still has cells behind `_reason`")
        .hint("put its cells into their columns, then delete what stands behind `_reason`")
}

/// Returns whether a row of a report says that its event may have been recorded.
fn is_unconfirmed(classifier: &Classifier<'_>, row: &Row) -> bool {
    let unconfirmed = crate::journal::Outcome::Unconfirmed.as_str();
    let outcome = classifier.cell_named(row, OUTCOME_COLUMN);
    outcome.is_some_and(|outcome| outcome.eq_ignore_ascii_case(unconfirmed))
}

/// Counts a problem that many rows have in the same words; there are no more of them than rules.
fn count_equal(counted: &mut Vec<(Problem, u64)>, problem: Problem) {
    match counted.iter_mut().find(|(known, _)| *known == problem) {
        Some((_, count)) => *count += 1,
        None => counted.push((problem, 1)),
    }
}

/// What is wrong with an export, in the shape of every other problem.
pub fn export_problem(error: &ExportError) -> Problem {
    let path = error.path().display().to_string();
    let mut problem = Problem::error(error.code(), error.to_string()).at(path, error.line());
    problem.column = error.column().map(|column| match &column.name {
        Some(name) => name.clone(),
        None => format!("number {}", column.number),
    });
    problem.hint = error.hint();
    problem
}

/// An export whose profile is known and whose rows are not read yet.
struct Opened<'r> {
    /// Its place among the inputs.
    input: usize,
    path: String,
    export: Export,
    header: Vec<String>,
    found: Recognised<'r>,
    /// Where the added columns end, if it is a file of rejected or ignored rows.
    handed_back: Option<usize>,
}

impl Opened<'_> {
    fn kind(&self) -> RowKind {
        RowKind {
            handed_back: self.handed_back,
            mends: self.found.profile.mends,
            completes: !self.found.profile.completes.is_empty(),
        }
    }
}

/// Whether rows come from a report of ours.
#[derive(Clone, Copy)]
struct RowKind {
    /// As in [`Opened`].
    handed_back: Option<usize>,
    /// Whether they are events that were corrected.
    mends: bool,
    /// Whether they say what the sales of other exports count.
    completes: bool,
}

struct JobReader<'r> {
    reading: &'r Reading<'r>,
    /// By the order in which the exports were named; nothing yet for those that are being read.
    inputs: Vec<(&'r Profile, Option<Input>)>,
    source_rows: SourceRows,
    ignored: BTreeMap<String, u64>,
    problems: Problems,
    corrected: Vec<CorrectedRow>,
    events: Events,
    /// The events of the row that is being read.
    of_row: Vec<Event>,
    /// While an export is read that completes the sales of others: those sales.
    sales: Option<Sales>,
    invoices: Invoices,
    plans: Plans,
    not_paid: NotPaidRows,
    /// As in [`Job`].
    unconfirmed: HashSet<EventKey>,
    rows_read: u64,
}

impl<'r> JobReader<'r> {
    fn new(reading: &'r Reading<'r>, source_rows: SourceRows) -> Self {
        JobReader {
            reading,
            inputs: Vec::new(),
            source_rows,
            ignored: BTreeMap::new(),
            problems: Problems::default(),
            corrected: Vec::new(),
            events: Events::default(),
            of_row: Vec::new(),
            sales: None,
            invoices: Invoices::default(),
            plans: Plans::default(),
            not_paid: NotPaidRows::default(),
            unconfirmed: HashSet::new(),
            rows_read: 0,
        }
    }

    fn open(&mut self, mut export: Export) -> Result<Opened<'r>, Box<Problem>> {
        let path = export.path().display().to_string();
        let mut header = export.header().to_vec();
        let handed_back = added_columns(&header);
        if handed_back.is_some() {
            for name in &mut header {
                *name = restore(name).into_owned();
            }
        }
        let cell: fn(&str) -> Cow<'_, str> = match handed_back {
            Some(_) => restore,
            None => |cell| cell.into(),
        };
        let found = self.reading.bind(&mut export, &header, cell)?;
        self.inputs.push((found.profile, None));
        Ok(Opened {
            input: self.inputs.len() - 1,
            path,
            export,
            header,
            found,
            handed_back,
        })
    }

    /// Beside exports whose sales it completes, its own sales are none; else they are.
    fn read_completing(&mut self, opened: Opened<'r>) -> Result<(), Box<Problem>> {
        let completed: Vec<bool> = self
            .inputs
            .iter()
            .map(|(profile, _)| opened.found.profile.completes(profile))
            .collect();
        if !completed.contains(&true) {
            return self.read_export(opened);
        }
        self.sales = Some(Sales::of(&self.events, |input| completed[input]));
        let path = opened.path.clone();
        let read = self.read_export(opened);
        let left = self.sales.take().and_then(|sales| sales.without_payment());
        if let Some(problem) = left {
            self.problems.push(problem.at(&path, None));
        }
        read
    }

    fn read_export(&mut self, opened: Opened<'r>) -> Result<(), Box<Problem>> {
        let kind = opened.kind();
        let Opened {
            input,
            path,
            mut export,
            header,
            found,
            ..
        } = opened;
        let currency = self.reading.account_currency;
        let classifier = Classifier::new(found.profile, found.binding, &header, currency);
        let rows = self.read_rows(input, &path, &mut export, &classifier, kind)?;
        let totals = export.finish().map_err(|error| export_problem(&error))?;
        self.check_end(&path, &totals, rows);
        self.inputs[input].1 = Some(Input {
            path,
            sha256: totals.sha256,
            profile: found.profile.name.clone(),
            chosen: found.why.to_string(),
            header,
            rows,
        });
        Ok(())
    }

    fn read_rows(
        &mut self,
        input: usize,
        path: &str,
        export: &mut Export,
        classifier: &Classifier<'_>,
        kind: RowKind,
    ) -> Result<Rows, Box<Problem>> {
        let mut rows = Rows::default();
        let mut warnings = Vec::new();
        let mut without_column: Vec<(Problem, u64)> = Vec::new();
        let read = export.for_each_row(|row| {
            rows.read += 1;
            self.count_row();
            let source = Source {
                input,
                line: row.line(),
            };
            let outcome = self.classify(row, source, classifier, kind, &mut warnings);
            if let (Some(width), Outcome::Events | Outcome::Ignored(_)) =
                (kind.handed_back, &outcome)
            {
                self.corrected.extend(corrected(row, width, input));
            }
            match outcome {
                Outcome::Events => rows.with_events += 1,
                Outcome::Ignored(reason) => {
                    rows.ignored += 1;
                    if let Some(sale) = classifier.not_paid(row) {
                        self.not_paid.add(sale, source);
                    }
                    self.keep_row(row, source, false, &reason);
                    *self.ignored.entry(reason).or_default() += 1;
                }
                Outcome::Rejected(problem) => {
                    rows.rejected += 1;
                    self.keep_row(row, source, true, &problem.message);
                    match problem.code.as_ref() {
                        NO_DATE_COLUMN | NO_AMOUNT_COLUMN => {
                            count_equal(&mut without_column, problem);
                        }
                        _ => self.problems.push(problem.at(path, Some(source.line))),
                    }
                }
            }
            for warning in warnings.drain(..) {
                self.problems.push(warning.at(path, Some(source.line)));
            }
        });
        read.map_err(|error| export_problem(&error))?;
        for (mut problem, count) in without_column {
            problem.message = match count {
                1 => format!("1 row is rejected: {}", problem.message),
                _ => format!("{count} rows are rejected: {}", problem.message),
            };
            self.problems.push(problem.at(path, None));
        }
        for problem in classifier.overview() {
            self.problems.push(problem.at(path, None));
        }
        Ok(rows)
    }

    fn count_row(&mut self) {
        self.rows_read += 1;
        if self.rows_read.is_multiple_of(PROGRESS_ROWS) {
            (self.reading.progress)(self.rows_read);
        }
    }

    fn classify(
        &mut self,
        row: &mut Row,
        source: Source,
        classifier: &Classifier<'_>,
        kind: RowKind,
        warnings: &mut Vec<Problem>,
    ) -> Outcome {
        if let Some(width) = kind.handed_back {
            if row.iter().skip(width).any(|cell| !cell.is_empty()) {
                return Outcome::Rejected(not_mended());
            }
            row.replace_cells(restore);
        } else if kind.mends {
            row.replace_cells(restore);
        }
        if let Some((subscription, plan)) = classifier.subscription(row) {
            self.plans.add(subscription, plan);
        }
        let is_unconfirmed = kind.mends && is_unconfirmed(classifier, row);
        let outcome = classifier.classify(row, source, &mut self.of_row, warnings);
        let Some(sales) = &mut self.sales else {
            for mut event in self.of_row.drain(..) {
                event.is_mended = kind.mends;
                if is_unconfirmed {
                    self.unconfirmed.insert(event.key());
                }
                if kind.completes && event.kind == Kind::Sale {
                    self.invoices.add(&event);
                }
                classifier.see(&event);
                self.events.push(&event);
            }
            return outcome;
        };
        if outcome != Outcome::Events {
            self.of_row.clear();
            return outcome;
        }
        let mut reason = COMPLETED;
        for event in self.of_row.drain(..) {
            match sales.complete(&self.events, &mut self.invoices, event) {
                Completion::Done => {}
                Completion::NoSale => reason = WITHOUT_PAYMENT,
                Completion::Contradiction(event) => {
                    classifier.see(&event);
                    self.events.push(&event);
                    return Outcome::Events;
                }
            }
        }
        Outcome::Ignored(reason.to_owned())
    }

    fn keep_row(&mut self, row: &Row, source: Source, rejected: bool, reason: &str) {
        self.source_rows.add(source, rejected, reason, row.iter());
    }

    fn check_end(&mut self, path: &str, totals: &crate::export::Totals, rows: Rows) {
        if rows.read == 0 {
            self.problems.push(
                Problem::warning("export-without-rows", "the export has a header and no rows")
                    .at(path, None)
                    .hint("check the dates that it was exported for"),
            );
        } else if !totals.ends_with_line_end {
            self.problems.push(
                Problem::warning("last-line-open", "the last line has no line end")
                    .at(path, None)
                    .hint("if the download was cut off, its last row may be too; export the file again"),
            );
        }
    }

    fn finish(self) -> Unplanned {
        let own = self.reading.profile.into_iter();
        let mut origins = Origins::new(own.chain(self.reading.profiles.iter()));
        for input in self.inputs.iter().filter_map(|(_, input)| input.as_ref()) {
            origins.add_input(&input.path, &input.profile);
        }
        let is_completed = self.inputs.iter().map(|(profile, _)| {
            let named = self.reading.profile.into_iter();
            let mut all = named.chain(self.reading.profiles.iter());
            all.any(|other| other.completes(profile))
        });
        Unplanned {
            origins,
            is_completed: is_completed.collect(),
            invoices: self.invoices,
            plans: self.plans,
            not_paid: self.not_paid,
            inputs: self
                .inputs
                .into_iter()
                .filter_map(|(_, input)| input)
                .collect(),
            source_rows: self.source_rows,
            ignored: self.ignored,
            problems: self.problems,
            corrected: self.corrected,
            events: self.events,
            unconfirmed: self.unconfirmed,
            account_currency: self.reading.account_currency,
            foreign: Foreign::default(),
            decimals: Decimals::default(),
            rules: Rules::default(),
        }
    }
}

/// Exports that are read, before their events are compared with each other and with the past.
#[derive(Debug)]
pub struct Unplanned {
    inputs: Vec<Input>,
    source_rows: SourceRows,
    ignored: BTreeMap<String, u64>,
    problems: Problems,
    corrected: Vec<CorrectedRow>,
    events: Events,
    unconfirmed: HashSet<EventKey>,
    account_currency: Currency,
    foreign: Foreign,
    decimals: Decimals,
    rules: Rules,
    origins: Origins,
    /// Of which inputs the sales are completed by exports of another kind.
    is_completed: Vec<bool>,
    invoices: Invoices,
    plans: Plans,
    not_paid: NotPaidRows,
}

impl Unplanned {
    /// The rows of all exports.
    pub fn rows(&self) -> Rows {
        rows_of(&self.inputs)
    }

    /// Takes note of what was seen on the way to the exports.
    pub fn note(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Says what is done with amounts in other currencies than the account's; they are sent as they
    /// are where this is not called.
    pub fn treat_foreign(&mut self, foreign: Foreign) {
        self.foreign = foreign;
    }

    /// Says how many decimals the API takes of some currencies.
    pub fn set_decimals(&mut self, decimals: Decimals) {
        self.decimals = decimals;
    }

    /// Says what the user wants done with refunds whose sale is not named or not found.
    pub fn link_by(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// The resolutions that name a refund or a sale that neither these exports nor `past` have.
    pub fn unknown_resolutions(&self, past: &dyn Past) -> Vec<(Text, Resolution)> {
        unknown_resolutions(&self.events, past, &self.rules)
    }

    /// What of the journal the refunds may need whose sales are in none of these exports.
    pub fn wanted(&self) -> Wanted {
        let events = &self.events;
        let of_kind = |kind| (0..events.len()).filter(move |&index| events.kind(index) == kind);
        let refunds = || of_kind(Kind::Refund).map(|index| events.get(index));
        let resolutions = &self.rules.resolutions;
        let sale_of = |refund: EventRef<'_>| {
            let resolved = resolutions.get(refund.event_id()).map(Text::as_str);
            resolved.or(refund.sale_event_id).map(EventKey::of)
        };
        let mut named: KeyMap<bool> = KeyMap::default();
        named.extend(refunds().filter_map(sale_of).map(|sale| (sale, false)));
        for sale in of_kind(Kind::Sale) {
            if let Some(is_here) = named.get_mut(&events.key(sale)) {
                *is_here = true;
            }
        }
        let mut wanted = Wanted {
            emails_by_uid: emails_by_uid(events),
            ..Wanted::default()
        };
        for sale in of_kind(Kind::Sale).map(|index| events.get(index)) {
            let own = match sale.reference {
                Some(reference) if sale.is_told_by_reference => {
                    wanted.shared.insert(sale.key(), ());
                    EventKey::of(reference)
                }
                _ => sale.key(),
            };
            wanted.references.insert(own, ());
            if !self.invoices.has(sale.key()) {
                wanted.invoices.insert(sale.key(), ());
            }
        }
        self.not_paid.want(&mut wanted);
        wanted.subscriptions = self.subscriptions_without_plan();
        for refund in refunds() {
            let sale = sale_of(refund);
            let reference = refund.reference.map(EventKey::of);
            for id in sale.into_iter().chain(reference) {
                wanted.references.insert(id, ());
                wanted.sales.insert(id, ());
            }
            if sale.is_some_and(|sale| named.get(&sale) == Some(&true)) {
                continue;
            }
            wanted.refunds.insert(refund.key());
            wanted.emails.extend(refund.customer.email_folded());
            wanted.uids.extend(refund.customer.uid.map(Text::new));
        }
        wanted
    }

    fn subscriptions_without_plan(&self) -> HashSet<Text> {
        let invoices = self.invoices.said();
        let all = self.events.iter().chain(invoices.iter());
        let named = all.filter(|event| event.has_details());
        let named = named.filter_map(|event| event.details().subscription);
        named.filter(|id| !self.plans.has(id)).collect()
    }

    /// Links refunds, converts what is to be converted, and decides what is to happen with each event.
    pub fn plan(mut self, past: &dyn Past) -> Job {
        let (foreign, account, origins) = (&self.foreign, self.account_currency, &self.origins);
        let (shared_uids, shared) = drop_shared_uids(&mut self.events, past);
        for problem in shared {
            self.problems.push(problem);
        }
        let waiting = complete(&mut self.events, &self.invoices, past, origins, |input| {
            self.is_completed[input]
        });
        self.plans.apply(&mut self.events, past);
        let not_paid = self.not_paid.add_refunds(&mut self.events, past);
        let identified = identify(&mut self.events, past);
        let mut readings = Readings::new(&self.events, &identified, origins);
        readings.join(&mut self.events, origins);
        let asked_again = AskedAgain::new(&self.events, past);
        let mut links = link(
            &mut self.events,
            past,
            &self.rules,
            &identified.shared,
            &asked_again,
        );
        hold_without_customer(&self.events, &mut links);
        for (index, reason) in waiting {
            links.set(index, Link::HeldBack(Cause::Invoice, reason));
        }
        for (index, reason) in not_paid {
            links.set(index, Link::HeldBack(Cause::NotPaid, reason));
        }
        let seen = convert(
            &mut self.events,
            &mut links,
            foreign,
            account,
            past,
            &asked_again,
        );
        hold_inexact(&self.events, &mut links, &self.decimals, past);
        let mut plan = plan(self.events, links, &asked_again, readings, past, origins);
        for problem in seen.problems(&plan, foreign, account, &self.decimals) {
            self.problems.push(problem);
        }
        for problem in plan.problems.drain(..) {
            self.problems.push(problem);
        }
        Job {
            inputs: self.inputs,
            source_rows: self.source_rows,
            ignored: self.ignored,
            problems: self.problems,
            corrected: self.corrected,
            plan,
            unconfirmed: self.unconfirmed,
            invoices: self.invoices.into_said(),
            plans: self.plans.into_known(),
            shared_uids,
        }
    }
}

#[cfg(test)]
mod tests;
