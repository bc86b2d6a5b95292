//! The source of a report: a run, or the runs of some days, as the journal has them.

use std::collections::{HashMap, HashSet};

use super::attention::is_flagged;
use super::items::{Age, for_each_item, for_each_other_item, held_item, row_item};
use super::open_items::OpenOfSpan;
use super::redact::Redactor;
use super::source_rows::{ReportedRow, header_of};
use crate::journal::{
    AcceptedRecord, Account, AttentionCode, ConversionRecord, Disposition, EventRecord, EventRow,
    EventsOf, HeldRecord, JournalError, JournalReader, RunRecord, RunScope, Span, SpanBy,
};
use crate::problem::Problem;

/// The books of a run, or of several, as the journal has them now. All formats read them through
/// this type, so that all see the same.
#[derive(Debug)]
pub struct ReportSource<'j> {
    journal: &'j JournalReader,
    runs: Vec<RunRecord>,
    /// The days of the runs; `None` for a single run.
    span: Option<Span>,
    /// The items of the span that were or are held and rejected.
    open: OpenOfSpan,
    redactor: Option<Redactor>,
}

impl<'j> ReportSource<'j> {
    /// Returns the amounts of the commissions that are marked as paid, by their events, in minor units.
    pub(super) fn marked_commissions(&self) -> Result<HashMap<EventRow, Vec<i64>>, JournalError> {
        let mut marked: HashMap<EventRow, Vec<i64>> = HashMap::new();
        for paid in self.journal.paid_commissions()?.into_values() {
            marked
                .entry(paid.event)
                .or_default()
                .push(paid.amount_cents);
        }
        Ok(marked)
    }

    /// Returns the books of one run.
    pub fn for_run(journal: &'j JournalReader, run: RunRecord) -> Self {
        ReportSource {
            journal,
            runs: vec![run],
            span: None,
            open: OpenOfSpan::default(),
            redactor: None,
        }
    }

    /// Returns the books of the runs that were started within a span, or of the sales that were made
    /// within it. By its start, a run is in it whole or not at all, so that its input and its outcomes
    /// add up.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn for_span(journal: &'j JournalReader, span: Span) -> Result<Self, JournalError> {
        let mut runs = journal.runs_of(span)?;
        let open = OpenOfSpan::load(journal, span, &runs)?;
        if span.by == SpanBy::SaleDate {
            runs = with_runs_of(journal, runs, &open)?;
        }
        Ok(ReportSource {
            journal,
            runs,
            span: Some(span),
            open,
            redactor: None,
        })
    }

    /// Returns the journal, the span, and the items of it that are open, for the figures.
    pub(super) fn of_span_parts(&self) -> (&'j JournalReader, Span, &OpenOfSpan) {
        (self.journal, self.span.unwrap_or(Span::ALL), &self.open)
    }

    /// Returns these books with tokens in place of emails and names.
    pub fn redacted(self, redactor: Redactor) -> Self {
        ReportSource {
            redactor: Some(redactor),
            ..self
        }
    }

    /// Returns what replaces emails and names in these books, if anything does.
    pub(super) fn redactor(&self) -> Option<&Redactor> {
        self.redactor.as_ref()
    }

    /// Returns the account of the books.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn account(&self) -> Result<Account, JournalError> {
        self.journal.account()
    }

    /// Returns the runs, the oldest first.
    pub fn runs(&self) -> &[RunRecord] {
        &self.runs
    }

    /// Streams the events that were to be sent, each once, in the order of sending.
    ///
    /// # Errors
    ///
    /// The journal can't be read; or the error that `each` returns.
    pub fn for_each_event<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut each = |mut record: EventRecord| {
            if let Some(redactor) = &self.redactor {
                redactor.event(&mut record);
            }
            each(record)
        };
        match (self.span, &*self.runs) {
            (None, [run]) => self.journal.for_each_event(run.id, &mut each),
            (Some(span), _) => self.journal.for_each_event_of(span, &mut each),
            (None, _) => Ok(()),
        }
    }

    /// Streams the events that need attention, accepted or not, and that the other parts of a
    /// report don't show as needing it: those that an earlier run settled, and flagged ones.
    pub(super) fn for_each_attention_event<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(Age, AttentionCode, EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        for (of, age) in [
            (EventsOf::Sending, Age::New),
            (EventsOf::Earlier, Age::Earlier),
        ] {
            self.journal
                .for_each_needing(self.scope(), of, |code, mut record| {
                    if age == Age::New && !is_flagged(code) {
                        return Ok(());
                    }
                    if let Some(redactor) = &self.redactor {
                        redactor.event(&mut record);
                    }
                    each(age, code, record)
                })?;
        }
        Ok(())
    }

    /// Streams the accepted items of these runs, each with its place.
    pub(super) fn for_each_accepted<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(AcceptedRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let accepted = self.journal.accepted()?;
        if accepted.is_empty() {
            return Ok(());
        }
        let mut seen = HashSet::new();
        for_each_item(self.journal, self.scope(), &self.runs, |_, item| {
            let Some(record) = accepted.get(&item.id) else {
                return Ok(());
            };
            if self.span.is_some() && !(self.open.has(&item) && seen.insert(item.id)) {
                return Ok(());
            }
            let mut record = record.clone();
            (record.item.file, record.item.line) = (item.file, item.line);
            if let Some(redactor) = &self.redactor {
                redactor.accepted(&mut record);
            }
            each(record)
        })
    }

    fn scope(&self) -> RunScope {
        match (self.span, &*self.runs) {
            (None, [run, ..]) => RunScope::Run(run.id),
            (span, _) => RunScope::Span(span.unwrap_or(Span::ALL)),
        }
    }

    /// Streams the events that were held; of several runs those that were still held at the end, each
    /// once.
    ///
    /// # Errors
    ///
    /// The journal can't be read; or the error that `each` returns.
    pub fn for_each_held<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(HeldRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut seen = HashSet::new();
        for run in &self.runs {
            self.journal.for_each_held(run.id, |mut record| {
                if self.span.is_some() {
                    let id = held_item(&record, &run.inputs).id;
                    if !(self.open.held.contains(&id) && seen.insert(id)) {
                        return Ok(());
                    }
                }
                if let Some(redactor) = &self.redactor {
                    redactor.held(&mut record);
                }
                each(record)
            })?;
        }
        Ok(())
    }

    /// Streams the amounts that were converted.
    ///
    /// # Errors
    ///
    /// The journal can't be read; or the error that `each` returns.
    pub fn for_each_conversion<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(ConversionRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut each = |mut record: ConversionRecord| {
            if let Some(redactor) = &self.redactor {
                redactor.conversion(&mut record);
            }
            each(record)
        };
        match (self.span, &*self.runs) {
            (None, [run]) => self.journal.for_each_conversion(run.id, &mut each),
            (Some(span), _) => self.journal.for_each_conversion_of(span, &mut each),
            (None, _) => Ok(()),
        }
    }

    /// Streams the problems that the plan found in the exports; none of sales by their date.
    ///
    /// # Errors
    ///
    /// The journal can't be read; or the error that `each` returns.
    pub fn for_each_problem<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(Problem) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_of_runs = !self.is_by_sale_date();
        for run in self.runs.iter().filter(|_| is_of_runs) {
            self.journal.for_each_problem(run.id, |mut problem| {
                if let Some(redactor) = &self.redactor {
                    redactor.problem(&mut problem);
                }
                each(problem)
            })?;
        }
        Ok(())
    }

    /// Streams the rows that gave no event; of sales by their date, whose rows have none, those rejected ones
    /// that are open.
    pub(super) fn for_each_row<E: From<JournalError>>(
        &self,
        disposition: Disposition,
        mut each: impl FnMut(&ReportedRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut seen = HashSet::new();
        for run in &self.runs {
            self.journal
                .for_each_row(run.id, disposition, |mut record| {
                    if self.is_by_sale_date() {
                        let is_rejected = disposition == Disposition::Rejected;
                        let id = row_item(run, &record).id;
                        if !(is_rejected && self.open.now.contains(&id) && seen.insert(id)) {
                            return Ok(());
                        }
                    }
                    if let Some(redactor) = &self.redactor {
                        redactor.row(header_of(run, &record), &mut record);
                    }
                    each(&ReportedRow::new(run, disposition, &record))
                })?;
        }
        Ok(())
    }

    fn is_by_sale_date(&self) -> bool {
        self.span.is_some_and(|span| span.by == SpanBy::SaleDate)
    }
}

/// Adds the runs that held or rejected something that is open.
fn with_runs_of(
    journal: &JournalReader,
    runs: Vec<RunRecord>,
    open: &OpenOfSpan,
) -> Result<Vec<RunRecord>, JournalError> {
    let known: HashSet<_> = runs.iter().map(|run| run.id).collect();
    let mut all = Vec::new();
    for run in journal.runs_of(Span::ALL)? {
        let mut is_of_span = known.contains(&run.id);
        for_each_other_item(journal, &run, |item| {
            is_of_span |= open.now.contains(&item.id);
            Ok::<_, JournalError>(())
        })?;
        if is_of_span {
            all.push(run);
        }
    }
    Ok(all)
}
