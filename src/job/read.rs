//! Reads the exports of a job: which profile reads each, which events its rows are, and where the rows go
//! that are not events.

use std::collections::{BTreeMap, HashSet};

use super::complete::{
    COMPLETED, Completion, Completions, Invoices, Sales, SubscriptionPlans, WITHOUT_PAYMENT,
};
use super::header_again::{HEADER_AGAIN, header_in_other_order};
use super::not_paid::NotPaidRows;
use super::refused::{export_problem, left_out, other_encoding, remarks_of_sheet};
use super::setup::RejectedForm;
use super::signs::SignedRefunds;
use super::source_rows::IgnoredRow;
use super::trace::{Trace, TracedRow};
use super::{
    ADDED_COLUMNS, CorrectedRow, ExportTotals, Input, RecognisedAs, Rows, RowsOf, Setup, SourceRows,
};
use crate::classify::{Classifier, EndOfFile, RowAmount, RowOutcome};
use crate::event::{Event, EventKey, Events, ExportLine, Kind};
use crate::export::{Delimiter, Export, ExportError, HeaderLikeness, HeaderNames, Row};
use crate::invisible::shown;
use crate::problem::{Problem, ProblemCode, Problems};
use crate::profile::Profile;
use crate::readings::ExportOrigins;
use crate::recognise::{Cells, ROWS_MOST, Recognised};
use crate::spreadsheet::restore;

/// The column of event reports with the outcome of each, by the name that its profile gives it.
const OUTCOME_COLUMN: &str = "outcome";

/// The number of rows between two reports of progress.
const PROGRESS_ROWS: u64 = 4096;

/// Holds exports that are read, before their events are compared with each other and with earlier runs.
#[derive(Debug)]
pub(super) struct ReadExports {
    pub(super) inputs: Vec<Input>,
    pub(super) source_rows: SourceRows,
    pub(super) ignored: BTreeMap<String, u64>,
    /// In the order of `inputs`.
    pub(super) totals: Vec<ExportTotals>,
    pub(super) problems: Problems,
    pub(super) corrected: Vec<CorrectedRow>,
    pub(super) events: Events,
    pub(super) unconfirmed: HashSet<EventKey>,
    pub(super) origins: ExportOrigins,
    pub(super) completions: Completions,
    pub(super) invoices: Invoices,
    pub(super) plans: SubscriptionPlans,
    pub(super) not_paid: NotPaidRows,
    /// The places of the events that the profile holds for a person to look at, with the reasons.
    pub(super) looked_at: Vec<(usize, String)>,
    pub(super) traces: Vec<Trace>,
}

/// Reads the exports of a job; or returns what makes them unusable, for all of them at once. Rows that give
/// no event are written to `source_rows`. `progress` is called now and then with the number of rows read so
/// far.
pub(super) fn read(
    exports: impl IntoIterator<Item = Result<Export, ExportError>>,
    setup: &Setup<'_>,
    source_rows: SourceRows,
    progress: &dyn Fn(u64),
) -> Result<ReadExports, Vec<Problem>> {
    let mut reader = JobReader::new(setup, source_rows, progress);
    let mut unusable = Vec::new();
    let mut completing = Vec::new();
    for export in exports {
        let read = export
            .map_err(|error| Box::new(export_problem(&error)))
            .and_then(|export| reader.open(export))
            .and_then(|opened| {
                if opened.found.profile.completes.is_empty() {
                    reader.read_export(opened)
                } else {
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

/// Returns the profile that an export is read by; `None` if it can't be read.
pub(crate) fn profile_of<'s>(setup: &Setup<'s>, export: &mut Export) -> Option<&'s Profile> {
    let (_, _, found) = bind(setup, export).ok()?;
    Some(found.profile)
}

/// Returns an export's header, the index after the added columns if it is a file of rejected or ignored rows, and
/// the profile that it is read by.
fn bind<'s>(
    setup: &Setup<'s>,
    export: &mut Export,
) -> Result<(Vec<String>, Option<usize>, Recognised<'s>), Box<Problem>> {
    let mut header = export.header().to_vec();
    let handed_back = added_columns(&header);
    if handed_back.is_some() {
        for name in &mut header {
            *name = restore(name).into_owned();
        }
    }
    let of_rejected = handed_back.map(|end| RejectedForm {
        header_before: &header[..end - ADDED_COLUMNS.len()],
        cells: Cells {
            text: restore,
            is_resaved: is_saved_otherwise(export),
        },
    });
    let found = setup.bind(export, &header, of_rejected)?;
    Ok((header, handed_back, found))
}

/// Returns `true` if a file of ours, which has commas, has another delimiter now.
fn is_saved_otherwise(export: &Export) -> bool {
    export.sheet().is_none() && export.delimiter() != Delimiter::Comma
}

/// Returns the index after the added columns of a file of rejected or ignored rows, if it is one.
fn added_columns(header: &[String]) -> Option<usize> {
    let start = header
        .windows(ADDED_COLUMNS.len())
        .position(|names| names == ADDED_COLUMNS)?;
    Some(start + ADDED_COLUMNS.len())
}

/// Returns what the added columns of a file of rejected rows, which end at `width`, say of a row.
fn corrected(row: &Row, width: usize, source: ExportLine) -> Option<CorrectedRow> {
    let mut added = row.iter().skip(width - ADDED_COLUMNS.len());
    Some(CorrectedRow {
        source,
        file: added.next()?.to_owned(),
        line: added.next()?.to_owned(),
        reason: added.next()?.to_owned(),
    })
}

/// Returns the problem of a row that had too few or too many cells and was not fixed, which it says in a cell
/// after the added columns. A spreadsheet evens out the widths of all rows when it saves, so width alone
/// would not show it.
fn not_fixed() -> Problem {
    Problem::error(
        ProblemCode::RowNotCorrected,
        "the row still has cells after `_reason`",
    )
    .hint("put its cells into their columns, then delete the cells after `_reason`")
}

/// Brings the cells of a row into the form in which they are classified; returns the problem of a row that can't be.
fn settle_cells(row: &mut Row, of: &ExportOfRows<'_>) -> Result<(), Box<Problem>> {
    if let Some(width) = of.kind.handed_back {
        if row.iter().skip(width).any(|cell| !cell.is_empty()) {
            return Err(Box::new(not_fixed()));
        }
        row.replace_cells(restore);
    } else if of.kind.is_corrected {
        row.replace_cells(restore);
    }
    of.classifier.settle(row);
    if of.kind.is_resaved {
        of.classifier.settle_resaved(row)?;
    }
    Ok(())
}

/// Returns `true` if a row of a report says that its event may have been recorded.
fn is_unconfirmed(classifier: &Classifier<'_>, row: &Row) -> bool {
    let unconfirmed = crate::journal::Outcome::Unconfirmed.as_str();
    let outcome = classifier.cell_named(row, OUTCOME_COLUMN);
    outcome.is_some_and(|outcome| outcome.eq_ignore_ascii_case(unconfirmed))
}

/// Returns `true` if the warnings about a row say that it may have been an event.
fn is_left_out(warnings: &[Problem]) -> bool {
    warnings.iter().any(|warning| warning.code.is_left_out())
}

/// Counts a problem that many rows have in the same words; there are no more of them than rules.
fn count_equal(counted: &mut Vec<(Problem, u64)>, problem: Problem) {
    match counted.iter_mut().find(|(known, _)| *known == problem) {
        Some((_, count)) => *count += 1,
        None => counted.push((problem, 1)),
    }
}

/// Holds an export whose profile is known and whose rows are not read yet.
struct OpenedExport<'r> {
    /// The index of the export among the inputs.
    input: usize,
    path: String,
    export: Export,
    header: Vec<String>,
    found: Recognised<'r>,
    /// The index after the added columns, if it is a file of rejected or ignored rows.
    handed_back: Option<usize>,
}

impl OpenedExport<'_> {
    fn kind(&self) -> RowKind {
        RowKind {
            handed_back: self.handed_back,
            is_corrected: self.found.profile.is_report_of_refused,
            is_completing: !self.found.profile.completes.is_empty(),
            is_resaved: (self.handed_back.is_some() || self.found.profile.is_report_of_refused)
                && is_saved_otherwise(&self.export),
        }
    }
}

/// Describes where the rows of an export come from, and what they are for.
#[derive(Clone, Copy)]
struct RowKind {
    /// The index after the added columns, as in [`OpenedExport`].
    handed_back: Option<usize>,
    /// `true` if they are events that were corrected.
    is_corrected: bool,
    /// `true` if a spreadsheet has saved a file of ours, which has commas, with another delimiter: as one does
    /// where the comma is the decimal sign.
    is_resaved: bool,
    /// `true` if they say what the sales of other exports count.
    is_completing: bool,
}

/// Describes the export whose rows are read.
struct ExportOfRows<'e> {
    /// The index of the export among the inputs.
    input: usize,
    path: &'e str,
    classifier: &'e Classifier<'e>,
    kind: RowKind,
}

/// Holds a row whose outcome is known.
struct ReadRow<'r> {
    row: &'r Row,
    source: ExportLine,
    /// `true` if its events are refunds whose sign is still open.
    is_signed: bool,
    /// What it may have been, if it is ignored with a warning.
    left_out: Option<IgnoredRow>,
}

/// Holds what the rows of an export have said so far.
#[derive(Default)]
struct FoundInRows {
    rows: Rows,
    /// The warnings of the row that is being read.
    warnings: Vec<Problem>,
    /// The problems of rows that lack a column, each with the number of such rows.
    without_column: Vec<(Problem, u64)>,
    /// The first line that has the names of the header in another order.
    other_header: Option<u64>,
}

struct JobReader<'r> {
    setup: &'r Setup<'r>,
    progress: &'r dyn Fn(u64),
    /// The inputs in the order in which the exports were named; `None` for those that are being read.
    inputs: Vec<(&'r Profile, Option<Input>)>,
    /// In the same order.
    totals: Vec<ExportTotals>,
    source_rows: SourceRows,
    ignored: BTreeMap<String, u64>,
    problems: Problems,
    corrected: Vec<CorrectedRow>,
    events: Events,
    /// Refunds of the export that is being read, which may have either sign.
    signed: SignedRefunds,
    /// The events of the row that is being read.
    of_row: Vec<Event>,
    /// The kind of the first of them.
    kind_of_row: Option<Kind>,
    /// The sales that the export completes, while such an export is read.
    sales: Option<Sales>,
    invoices: Invoices,
    plans: SubscriptionPlans,
    not_paid: NotPaidRows,
    looked_at: Vec<(usize, String)>,
    /// The events of which a report that was handed back says that they may have been recorded.
    unconfirmed: HashSet<EventKey>,
    /// In the order of `inputs`, if a line is traced.
    traces: Vec<Trace>,
    rows_read: u64,
}

impl<'r> JobReader<'r> {
    fn new(setup: &'r Setup<'r>, source_rows: SourceRows, progress: &'r dyn Fn(u64)) -> Self {
        JobReader {
            setup,
            progress,
            inputs: Vec::new(),
            totals: Vec::new(),
            source_rows,
            ignored: BTreeMap::new(),
            problems: Problems::default(),
            corrected: Vec::new(),
            events: Events::default(),
            signed: SignedRefunds::default(),
            of_row: Vec::new(),
            kind_of_row: None,
            sales: None,
            invoices: Invoices::default(),
            plans: SubscriptionPlans::default(),
            not_paid: NotPaidRows::default(),
            looked_at: Vec::new(),
            unconfirmed: HashSet::new(),
            traces: Vec::new(),
            rows_read: 0,
        }
    }

    fn open(&mut self, mut export: Export) -> Result<OpenedExport<'r>, Box<Problem>> {
        let path = export.path().display().to_string();
        self.problems.extend(left_out(&export));
        self.problems.extend(remarks_of_sheet(&export));
        let (header, handed_back, found) = bind(self.setup, &mut export)?;
        self.inputs.push((found.profile, None));
        self.totals.push(ExportTotals::default());
        self.traces.push(Trace::default());
        Ok(OpenedExport {
            input: self.inputs.len() - 1,
            path,
            export,
            header,
            found,
            handed_back,
        })
    }

    /// Reads an export that completes others. Beside exports whose sales it completes, its own sales are not
    /// events; else they are.
    fn read_completing(&mut self, opened: OpenedExport<'r>) -> Result<(), Box<Problem>> {
        let completed: Vec<bool> = self
            .inputs
            .iter()
            .map(|(profile, _)| opened.found.profile.completes(profile))
            .collect();
        if !completed.contains(&true) {
            return self.read_export(opened);
        }
        self.sales = Some(Sales::from_events(&self.events, |input| completed[input]));
        let path = opened.path.clone();
        let read = self.read_export(opened);
        let left = self.sales.take().and_then(|sales| sales.without_payment());
        if let Some(problem) = left {
            self.problems.push(problem.at(&path, None));
        }
        read
    }

    fn read_export(&mut self, opened: OpenedExport<'r>) -> Result<(), Box<Problem>> {
        let kind = opened.kind();
        let OpenedExport {
            input,
            path,
            mut export,
            header,
            found,
            ..
        } = opened;
        let currency = self.setup.account_currency;
        let classifier = Classifier::new(found.profile, found.binding, &header, currency);
        self.totals[input].column = classifier.amount_header();
        if classifier.can_learn() {
            let rows = export
                .peek(ROWS_MOST)
                .map_err(|error| export_problem(&error))?;
            classifier.learn_taxes(rows);
        }
        let of = ExportOfRows {
            input,
            path: &path,
            classifier: &classifier,
            kind,
        };
        let rows = self.read_rows(&mut export, &of)?;
        self.problems.extend(other_encoding(&export));
        let totals = export.finish().map_err(|error| export_problem(&error))?;
        self.check_end(&path, &totals, rows, (classifier.end_of_file(), &header));
        self.inputs[input].1 = Some(Input {
            path,
            sha256: totals.sha256,
            profile: found.profile.name.clone(),
            recognised: RecognisedAs {
                title: found.profile.title.clone(),
                why: found.why.to_string(),
            },
            header,
            rows,
            is_handed_back: kind.handed_back.is_some() || kind.is_corrected,
        });
        Ok(())
    }

    /// Reads the rows of an export, and returns their counts.
    fn read_rows(
        &mut self,
        export: &mut Export,
        of: &ExportOfRows<'_>,
    ) -> Result<Rows, Box<Problem>> {
        let names = export.header().to_vec();
        let header = HeaderNames::new(&names);
        let mut found = FoundInRows::default();
        self.signed = SignedRefunds::default();
        let read = export.for_each_row(|row| {
            found.rows.read += 1;
            self.count_row();
            let likeness = header.compare(row);
            self.read_row(row, likeness, of, &mut found);
        });
        read.map_err(|error| export_problem(&error))?;
        if let Some(line) = found.other_header {
            return Err(Box::new(header_in_other_order().at(of.path, Some(line))));
        }
        self.settle_signs(of, &mut found.rows);
        for (mut problem, count) in found.without_column {
            problem.message = match count {
                1 => format!("1 row is rejected: {}", problem.message),
                _ => format!("{count} rows are rejected: {}", problem.message),
            };
            self.problems.push(problem.at(of.path, None));
        }
        for problem in of.classifier.overview() {
            self.problems.push(problem.at(of.path, None));
        }
        Ok(found.rows)
    }

    /// Reads a row: its events, or where it goes without.
    fn read_row(
        &mut self,
        row: &mut Row,
        likeness: HeaderLikeness,
        of: &ExportOfRows<'_>,
        found: &mut FoundInRows,
    ) {
        let source = ExportLine {
            input: of.input,
            line: row.line(),
        };
        let signed = self.signed.rows;
        let outcome = match likeness {
            HeaderLikeness::None => self.classify(row, source, of, &mut found.warnings),
            HeaderLikeness::Same => RowOutcome::Ignored(HEADER_AGAIN.to_owned()),
            HeaderLikeness::OtherOrder => {
                found.other_header.get_or_insert(source.line);
                return;
            }
        };
        let is_signed = self.signed.rows > signed;
        if let Some(traced) = self.trace(row, source, &outcome, of.classifier) {
            traced.has_open_sign = is_signed;
        }
        let amount = match likeness {
            HeaderLikeness::None => of.classifier.row_amount(row),
            HeaderLikeness::Same | HeaderLikeness::OtherOrder => RowAmount::Missing,
        };
        self.add_to_totals(of.input, &outcome, amount, is_signed);
        let read = ReadRow {
            row,
            source,
            is_signed,
            left_out: is_left_out(&found.warnings).then(|| IgnoredRow {
                money: amount.money(),
            }),
        };
        self.note_corrected(&read, of.kind, &outcome);
        self.keep(&read, outcome, of, found);
        for warning in found.warnings.drain(..) {
            self.problems.push(warning.at(of.path, Some(source.line)));
        }
    }

    /// Notes which row of an earlier report a row corrects, if it is not rejected again.
    fn note_corrected(&mut self, read: &ReadRow<'_>, kind: RowKind, outcome: &RowOutcome) {
        let (Some(width), RowOutcome::Events | RowOutcome::Ignored(_)) =
            (kind.handed_back, outcome)
        else {
            return;
        };
        let of_row = corrected(read.row, width, read.source);
        if read.is_signed {
            self.signed.corrected.extend(of_row)
        } else {
            self.corrected.extend(of_row)
        }
    }

    /// Counts a row by its outcome, and keeps one that gives no event.
    fn keep(
        &mut self,
        read: &ReadRow<'_>,
        outcome: RowOutcome,
        of: &ExportOfRows<'_>,
        found: &mut FoundInRows,
    ) {
        let ReadRow {
            row,
            source,
            is_signed,
            ..
        } = *read;
        match outcome {
            RowOutcome::Events => {
                found.rows.with_events += 1;
                if let Some(column) = self.signed.column().filter(|_| is_signed) {
                    let reason = of.classifier.reason_of_mixed_sign(row, column);
                    self.source_rows.add_open(source, &reason, row.iter());
                }
            }
            RowOutcome::Ignored(reason) => {
                found.rows.ignored += 1;
                if let Some(unpaid_row) = of.classifier.unpaid_row(row) {
                    self.not_paid.add(unpaid_row, source);
                }
                let cells = row.iter();
                self.source_rows
                    .add_ignored(source, read.left_out, &reason, cells);
                *self.ignored.entry(reason).or_default() += 1;
            }
            RowOutcome::Rejected(problem) => {
                found.rows.rejected += 1;
                let reason = problem.reason();
                self.source_rows.add_rejected(source, &reason, row.iter());
                match problem.code {
                    ProblemCode::DateColumnMissing | ProblemCode::AmountColumnMissing => {
                        count_equal(&mut found.without_column, problem);
                    }
                    _ => self.problems.push(problem.at(of.path, Some(source.line))),
                }
            }
        }
    }

    /// Takes the refunds of an export that may have either sign, if all of them have the same one.
    fn settle_signs(&mut self, of: &ExportOfRows<'_>, rows: &mut Rows) {
        let ExportOfRows {
            input,
            path,
            classifier,
            ..
        } = *of;
        let signed = std::mem::take(&mut self.signed);
        let Some((column, lines)) = signed.mixed() else {
            for event in signed.events.iter() {
                let event = event.to_event();
                classifier.see(&event);
                self.events.push(&event);
            }
            self.corrected.extend(signed.corrected);
            self.totals[input].merge(&signed.totals);
            return;
        };
        rows.with_events -= signed.rows;
        rows.rejected += signed.rows;
        self.source_rows.reject_open(input);
        self.totals[input].add_rejected(&signed.totals);
        let problem = classifier.mixed_signs(column, signed.rows, lines);
        self.traces[input].reject_signed(&problem);
        self.problems.push(problem.at(path, None));
    }

    /// Keeps what is known of a row, if it is the one to be explained.
    fn trace(
        &mut self,
        row: &Row,
        source: ExportLine,
        outcome: &RowOutcome,
        classifier: &Classifier<'_>,
    ) -> Option<&mut TracedRow> {
        let line = self.setup.traced_line.filter(|line| source.line <= *line)?;
        let trace = &mut self.traces[source.input];
        trace.nearest_line = Some(source.line);
        (source.line == line).then(|| {
            trace.row.insert(TracedRow {
                outcome: outcome.clone(),
                rules: classifier.matched_rules(row),
                cells: row.iter().map(str::to_owned).collect(),
                has_open_sign: false,
            })
        })
    }

    /// Adds a row to the totals of its export, or of its refunds whose sign is still open.
    fn add_to_totals(
        &mut self,
        input: usize,
        outcome: &RowOutcome,
        amount: RowAmount,
        is_signed: bool,
    ) {
        let group = match (outcome, self.kind_of_row) {
            (RowOutcome::Events, Some(kind)) => RowsOf::Event(kind),
            (RowOutcome::Events, None) => unreachable!("a row with events has a first one"),
            (RowOutcome::Ignored(reason), _) => RowsOf::Ignored(reason.clone()),
            (RowOutcome::Rejected(_), _) => RowsOf::Rejected,
        };
        let totals = if is_signed {
            &mut self.signed.totals
        } else {
            &mut self.totals[input]
        };
        totals.add(group, amount);
    }

    fn count_row(&mut self) {
        self.rows_read += 1;
        if self.rows_read.is_multiple_of(PROGRESS_ROWS) {
            (self.progress)(self.rows_read);
        }
    }

    /// Classifies a row, and takes its events.
    fn classify(
        &mut self,
        row: &mut Row,
        source: ExportLine,
        of: &ExportOfRows<'_>,
        warnings: &mut Vec<Problem>,
    ) -> RowOutcome {
        let (classifier, kind) = (of.classifier, of.kind);
        self.kind_of_row = None;
        if let Err(problem) = settle_cells(row, of) {
            return RowOutcome::Rejected(*problem);
        }
        if let Some((subscription, plan)) = classifier.subscription(row) {
            self.plans.add(subscription, plan);
        }
        let is_unconfirmed = kind.is_corrected && is_unconfirmed(classifier, row);
        let outcome = classifier.classify(row, source, &mut self.of_row, warnings);
        self.kind_of_row = self.of_row.first().map(|event| event.kind);
        if let (Some(seen), RowOutcome::Events, None) =
            (classifier.take_seen_sign(), &outcome, &self.sales)
        {
            self.signed.add(seen.column, seen.is_minus, source.line);
            for mut event in self.of_row.drain(..) {
                event.is_fixed_after_refusal = kind.is_corrected;
                self.signed.push(&event);
            }
            return outcome;
        }
        let Some(sales) = &mut self.sales else {
            self.add_events(of, is_unconfirmed);
            return outcome;
        };
        if outcome != RowOutcome::Events {
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
                    return RowOutcome::Events;
                }
            }
        }
        RowOutcome::Ignored(reason.to_owned())
    }

    /// Adds the events of a row to those of the job.
    fn add_events(&mut self, of: &ExportOfRows<'_>, is_unconfirmed: bool) {
        for mut event in self.of_row.drain(..) {
            event.is_fixed_after_refusal = of.kind.is_corrected;
            if is_unconfirmed {
                self.unconfirmed.insert(event.key());
            }
            if of.kind.is_completing && event.kind == Kind::Sale {
                self.invoices.add(&event);
            }
            of.classifier.see(&event);
            if let Some(reason) = of.classifier.reason_to_hold(&event) {
                self.looked_at.push((self.events.len(), reason.to_owned()));
            }
            self.events.push(&event);
        }
    }

    /// Warns of a file without rows, or one that ends within a line.
    fn check_end(
        &mut self,
        path: &str,
        totals: &crate::export::FileTotals,
        rows: Rows,
        (end, header): (EndOfFile, &[String]),
    ) {
        if rows.read == 0 {
            self.problems.push(
                Problem::warning(
                    ProblemCode::ExportWithoutRows,
                    "the export has a header and no rows",
                )
                .at(path, None)
                .hint("check the dates that it was exported for"),
            );
            return;
        }
        let message = match (end, header.last()) {
            _ if totals.has_final_line_end => return,
            (EndOfFile::CutOff, _) => return,
            (EndOfFile::OpenAmount, Some(column)) => format!(
                "the last line has no line end, and nothing shows that its `{}` is whole",
                shown(column)
            ),
            _ => "the last line has no line end".to_owned(),
        };
        self.problems.push(
            Problem::warning(ProblemCode::LastLineOpen, message)
                .at(path, None)
                .hint(
                    "if the download was cut off, its last row may be too; export the file again",
                ),
        );
    }

    fn finish(self) -> ReadExports {
        let own = self.setup.profile.into_iter();
        let mut origins = ExportOrigins::new(own.chain(self.setup.profiles.iter()));
        for input in self.inputs.iter().filter_map(|(_, input)| input.as_ref()) {
            origins.add_input(&input.path, &input.profile);
        }
        let named = self.setup.profile.into_iter();
        let completions = Completions::new(
            self.inputs.iter().map(|&(profile, _)| profile),
            named.chain(self.setup.profiles.iter()),
        );
        ReadExports {
            origins,
            completions,
            invoices: self.invoices,
            plans: self.plans,
            not_paid: self.not_paid,
            looked_at: self.looked_at,
            inputs: self
                .inputs
                .into_iter()
                .filter_map(|(_, input)| input)
                .collect(),
            source_rows: self.source_rows,
            ignored: self.ignored,
            totals: self.totals,
            problems: self.problems,
            corrected: self.corrected,
            events: self.events,
            unconfirmed: self.unconfirmed,
            traces: self.traces,
        }
    }
}
