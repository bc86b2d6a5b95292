//! Our side: sales and refunds, from the journal or from exports that were never sent.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::{Billed, BilledKind, PeriodBy, Promoter, SourceLocation, UncheckedReason, UnreadCode};
use crate::event::{Currency, Event, Kind, Money, Sum, Tally, day_in, is_midnight, is_undo};
use crate::job::{Job, SourceRows, SourceRowsError};
use crate::journal::{
    Disposition, EventRecord, JournalError, JournalReader, Outcome, PlanState, Settlement, Span,
    says_day,
};

use crate::problem::{Problem, ProblemCode};
use crate::report::open_items::{OpenItem, open_items};

/// The start of a note that says that the customer's bank reversed the payment.
const DISPUTE: &str = "dispute";

/// Sales and refunds, and what is not among them.
#[derive(Clone, Debug, Default)]
pub struct Ours {
    /// The sales and refunds, each once.
    pub billed: Vec<Billed>,
    /// Events that are held back, so that nobody knows which of their readings is true, or which sale
    /// they undo. They are not audited.
    pub held: u64,
    /// Rows that were not read, and events that are open.
    pub open: Vec<Open>,
    /// The ids of those that are held, and other ids of their payments: commissions for them are not for nothing.
    pub held_ids: HashSet<String>,
    /// What warnings say of the sales of rows, by the places of the rows.
    pub doubted: BTreeMap<(String, u64), UncheckedReason>,
    /// What was held, failed or rejected, and somebody has accepted as it is.
    pub accepted: Vec<AcceptedItem>,
    /// SHA-256 of the exports, by path, as far as it is known.
    pub sha256: BTreeMap<String, String>,
    /// The ids of events of which the export says that they happened at midnight in UTC.
    pub timed_at_midnight: HashSet<String>,
    /// The tracked events of a journal, as the reports of all runs have them.
    pub tracked: Tally,
}

/// An event or a row that somebody has accepted as it is: nobody has to look at it, and it is not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptedItem {
    /// The kind of the item.
    pub code: UnreadCode,
    /// The id of the event; absent of a row.
    pub event_id: Option<String>,
    /// The export that has it.
    pub file: Option<String>,
    /// Its line.
    pub line: Option<u64>,
    /// The amount, if it is an event.
    pub amount_cents: Option<i64>,
    /// The currency of the amount.
    pub currency: Option<Currency>,
    /// The reason for which it was accepted.
    pub reason: String,
    /// The person who accepted it.
    pub by: String,
    /// The time of that.
    pub at: String,
    /// The time when it happened, as far as that is known.
    #[serde(skip)]
    pub created_at: Option<Timestamp>,
}

impl AcceptedItem {
    fn new(item: OpenItem, code: UnreadCode, zone: &TimeZone) -> Option<Self> {
        let acceptance = item.acceptance?;
        Some(AcceptedItem {
            code,
            event_id: item.event_id,
            file: item.file,
            line: item.line,
            amount_cents: item.money.map(|money| money.amount_cents),
            currency: item.money.map(|money| money.currency),
            reason: acceptance.reason,
            by: acceptance.by,
            at: acceptance.at.to_string(),
            created_at: item.created_at.map(|at| day_in(at, true, zone)),
        })
    }
}

/// A row that was not read, or an event that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The kind of the item.
    pub code: UnreadCode,
    /// The number of such items.
    pub count: u64,
    /// The amount, if the item is an event.
    pub money: Option<Money>,
    /// The time when it happened, as far as that is known.
    pub created_at: Option<Timestamp>,
}

/// Reports why our side is not known.
#[derive(Debug, thiserror::Error)]
pub enum OursError {
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A fault of ours: what the audit read is not what the reports of the runs add up to.
    #[error("the audit does not add up to the reports of the runs: {0}")]
    Unbalanced(String),
}

/// Reads the journal: every sale and refund, with the API's answer to it and its place in the
/// exports of the latest run that has it. When it was recorded is only looked up where that counts.
///
/// # Errors
///
/// The journal can't be read; or what is tracked of it is not what the reports of all runs come to.
pub fn of_journal(
    journal: &JournalReader,
    account_currency: Currency,
    by: PeriodBy,
    zone: &TimeZone,
) -> Result<Ours, OursError> {
    let mut ours = Ours::default();
    ours.add_recorded(journal, account_currency, by, zone)?;
    ours.tracked = tracked(journal, &ours.billed)?;
    ours.add_open(journal, zone)?;
    ours.add_runs(journal)?;
    Ok(ours)
}

impl Ours {
    /// Adds the sales and refunds of a journal.
    fn add_recorded(
        &mut self,
        journal: &JournalReader,
        account_currency: Currency,
        by: PeriodBy,
        zone: &TimeZone,
    ) -> Result<(), JournalError> {
        let timed = journal.timed_at_midnight()?;
        // What was refused and corrected stands a second time, as it was sent again.
        let of_no_account = journal.of_no_account()?;
        let recorded = match by {
            PeriodBy::SaleDate => HashMap::new(),
            PeriodBy::RunDate => journal.recorded_at()?,
        };
        journal.for_each_event_of(Span::ALL, |record| {
            if of_no_account.contains(&record.row) {
                return Ok::<_, JournalError>(());
            }
            let is_day = says_day(&timed, record.row, record.event.created_at);
            let billed = of_record(&record, account_currency).map(|billed| Billed {
                created_at: billed.created_at.map(|at| day_in(at, is_day, zone)),
                is_day,
                recorded_at: recorded.get(&record.row).copied(),
                ..billed
            });
            if timed.contains(&record.row) {
                let event_id = record.event.event_id();
                self.timed_at_midnight.insert(event_id.to_owned());
            }
            self.billed.extend(billed);
            Ok(())
        })
    }

    /// Adds what of a journal is open, and takes out what somebody has accepted.
    fn add_open(&mut self, journal: &JournalReader, zone: &TimeZone) -> Result<(), JournalError> {
        let mut accepted_ids = HashSet::new();
        for item in open_items(journal)? {
            let code = UnreadCode::from(item.code);
            let is_held = matches!(code, UnreadCode::Held | UnreadCode::Conflict);
            if is_held {
                self.held_ids.extend(item.event_id.clone());
            }
            if item.acceptance.is_some() {
                accepted_ids.extend(item.event_id.clone());
                self.accepted.extend(AcceptedItem::new(item, code, zone));
                continue;
            }
            self.held += u64::from(is_held && item.money.is_some());
            self.open.push(Open {
                code,
                count: item.count,
                money: item.money,
                created_at: item.created_at.map(|at| day_in(at, true, zone)),
            });
        }
        // What somebody accepted as it is is not compared; nor are commissions of it.
        let is_open = |own: &Billed| !own.outcome.is_some_and(Outcome::is_tracked);
        self.billed
            .retain(|own| !(is_open(own) && accepted_ids.contains(&own.event_id)));
        self.held_ids.extend(accepted_ids);
        Ok(())
    }

    /// Adds what warnings say of rows. Of several about one row the one that says most counts.
    fn add_doubts(&mut self, doubts: impl Iterator<Item = RowDoubt>) {
        for (place, reason) in doubts {
            let own = self.doubted.entry(place).or_insert(reason);
            *own = weightier(*own, reason);
        }
    }

    /// Adds what the rows of all runs say: warnings about sales, ids of rejected rows, and the exports. Of an export that
    /// several runs have read, the latest one counts.
    fn add_runs(&mut self, journal: &JournalReader) -> Result<(), JournalError> {
        for run in journal.runs(u32::MAX)? {
            let is_last = |file: &str| !self.sha256.contains_key(file);
            let mut doubted = Vec::new();
            journal.for_each_problem(run.id, |problem| {
                let doubt = doubt_of(&problem);
                doubted.extend(doubt.filter(|((file, _), _)| is_last(file)));
                Ok::<_, JournalError>(())
            })?;
            self.add_doubts(doubted.into_iter());
            journal.for_each_row(run.id, Disposition::Rejected, |row| {
                self.held_ids.extend(ids_among(row.fields));
                Ok::<_, JournalError>(())
            })?;
            for input in run.inputs {
                self.sha256.entry(input.path).or_insert(input.sha256);
            }
        }
        Ok(())
    }
}

/// Takes out what was sent, or happened, after a list of theirs was read, and returns it: the list can't have it. What it
/// names all the same stays.
pub(crate) fn later_than(
    ours: &mut Ours,
    read_at: Timestamp,
    named: &HashSet<&str>,
) -> Vec<Billed> {
    let is_later = |own: &mut Billed| {
        let at = own.settled_at.or(own.created_at);
        at.is_some_and(|at| at > read_at) && !named.contains(own.event_id.as_str())
    };
    ours.billed.extract_if(.., is_later).collect()
}

/// Returns the tracked events of our side, by kind and currency. The report of all runs has the same.
fn tracked(journal: &JournalReader, billed: &[Billed]) -> Result<Tally, OursError> {
    let mut reported = Tally::default();
    let outcomes = journal.outcomes_of(Span::ALL)?;
    let sums = outcomes
        .get(&Some(Outcome::Tracked))
        .into_iter()
        .flat_map(Tally::iter);
    for (kind, currency, sum) in sums.filter(|(kind, _, _)| kind.has_amount()) {
        reported.add_sum(kind, currency, sum);
    }
    let mut audited = Tally::default();
    let tracked = billed.iter();
    for own in tracked.filter(|own| own.outcome == Some(Outcome::Tracked)) {
        let kind = match own.kind {
            BilledKind::Sale => Kind::Sale,
            BilledKind::Refund => Kind::Refund,
        };
        let sum = Sum {
            count: 1,
            amount_cents: own.money.amount_cents.into(),
        };
        audited.add_sum(kind, Some(own.money.currency), sum);
    }
    if audited == reported {
        Ok(audited)
    } else {
        Err(OursError::Unbalanced(format!(
            "the audit has {} as tracked, and the reports have {}",
            in_words(&audited),
            in_words(&reported)
        )))
    }
}

/// Returns a tally in words, also if nothing is in it.
fn in_words(tally: &Tally) -> String {
    if tally.count() == 0 {
        "nothing".to_owned()
    } else {
        tally.to_string()
    }
}

fn of_record(record: &EventRecord, account_currency: Currency) -> Option<Billed> {
    let place = SourceLocation {
        file: record.file.clone().unwrap_or_default(),
        line: record.event.line(),
    };
    let mut billed = of_event(&record.event, place, account_currency)?;
    if let Some(Settlement {
        outcome,
        at,
        promoter_email,
        promoter_ref_id,
        commission_cents,
        ..
    }) = &record.settlement
    {
        billed.outcome = Some(*outcome);
        billed.settled_at = Some(*at);
        billed.promoter = Promoter {
            id: None,
            email: promoter_email.clone(),
            ref_id: promoter_ref_id.clone(),
        };
        billed.commission_cents = *commission_cents;
    }
    Some(billed)
}

/// Returns the sales and refunds of exports that were read and planned without a journal.
pub fn of_job(job: &Job, account_currency: Currency, zone: &TimeZone) -> Ours {
    let mut ours = Ours::default();
    for planned in job.plan.events() {
        let event = planned.event;
        match planned.state {
            PlanState::ToSend | PlanState::Settled => {}
            PlanState::Duplicate | PlanState::OutOfRange => continue,
            PlanState::Conflict | PlanState::Unlinked => {
                ours.held += u64::from(event.kind.has_amount());
                let event = event.to_event();
                ours.held_ids.insert(event.event_id().to_owned());
                let others = [&event.reference, &event.sale_event_id]
                    .into_iter()
                    .filter_map(|id| id.as_deref());
                ours.held_ids.extend(others.map(str::to_owned));
                ours.open.push(Open {
                    code: match planned.state {
                        PlanState::Conflict => UnreadCode::Conflict,
                        _ => UnreadCode::Held,
                    },
                    count: 1,
                    money: event.money,
                    created_at: event.created_at.map(|at| day_in(at, event.is_day, zone)),
                });
                continue;
            }
        }
        let input = job.inputs.get(event.source.input);
        let place = SourceLocation {
            file: input.map(|input| input.path.clone()).unwrap_or_default(),
            line: Some(event.source.line),
        };
        let event = event.to_event();
        if !event.is_day && event.created_at.is_some_and(is_midnight) {
            let event_id = event.event_id().to_owned();
            ours.timed_at_midnight.insert(event_id);
        }
        let billed = of_event(&event, place, account_currency);
        ours.billed.extend(billed.map(|billed| Billed {
            created_at: billed.created_at.map(|at| day_in(at, event.is_day, zone)),
            ..billed
        }));
    }
    let rejected = job.inputs.iter().map(|input| input.rows.rejected).sum();
    ours.open.push(Open {
        code: UnreadCode::Rejected,
        count: rejected,
        money: None,
        created_at: None,
    });
    ours.add_doubts(job.problems.kept().iter().filter_map(doubt_of));
    let inputs = job.inputs.iter();
    ours.sha256 = inputs
        .map(|input| (input.path.clone(), input.sha256.clone()))
        .collect();
    ours
}

/// The place of a row, and what a warning says of its sale.
type RowDoubt = ((String, u64), UncheckedReason);

/// Returns what a warning of a profile says of the sale of its row.
fn doubt_of(problem: &Problem) -> Option<RowDoubt> {
    let reason = match problem.code {
        ProblemCode::RowDisputed => UncheckedReason::DisputeOpen,
        ProblemCode::RowUnpaid => UncheckedReason::SaleUnpaid,
        ProblemCode::RowRemarkable => UncheckedReason::RowWarned,
        _ => return None,
    };
    let place = problem.file.clone().zip(problem.line)?;
    Some((place, reason))
}

/// Returns which of two reasons says more.
fn weightier(one: UncheckedReason, other: UncheckedReason) -> UncheckedReason {
    let weight = |reason| match reason {
        UncheckedReason::SaleUnpaid => 2,
        UncheckedReason::DisputeOpen => 1,
        _ => 0,
    };
    if weight(other) > weight(one) {
        other
    } else {
        one
    }
}

/// Returns the cells of a row that may be the id of an event.
fn ids_among(cells: Vec<String>) -> impl Iterator<Item = String> {
    let cells = cells.into_iter();
    cells.filter(|cell| !cell.trim().is_empty() && !cell.contains('@'))
}

/// Adds the rows that were ignored with a warning, and takes the cells of rows that were rejected for ids: a commission
/// that names one was billed, and nobody can compare it.
///
/// # Errors
///
/// The rows can't be read back.
pub fn add_rows(ours: &mut Ours, rows: SourceRows) -> Result<(), SourceRowsError> {
    for row in rows.read()? {
        let row = row?;
        if row.is_rejected {
            ours.held_ids.extend(ids_among(row.fields));
        }
        ours.open.extend(row.left_out.map(|left_out| Open {
            code: UnreadCode::Ignored,
            count: 1,
            money: left_out.money,
            created_at: None,
        }));
    }
    Ok(())
}

/// Gives the sales of exports that `fprecon undo` has refunded the refunds that the journal has of them, and returns
/// the sums of those of the undo. Refunds of theirs that only the exports have were not sent, since nothing was left.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn add_undos(
    ours: &mut Ours,
    journal: &JournalReader,
    account_currency: Currency,
) -> Result<Tally, JournalError> {
    let mut undos = Vec::new();
    let mut recorded = HashSet::new();
    journal.for_each_refund(|refund| {
        let event = &refund.event;
        if !refund.outcome.is_some_and(Outcome::is_tracked) {
            return;
        }
        recorded.insert(event.event_id().to_owned());
        if is_undo(event.kind, event.event_id(), event.sale_event_id.as_deref()) {
            undos.push(refund);
        }
    })?;
    let sales: HashMap<&str, &SourceLocation> = ours
        .billed
        .iter()
        .filter(|own| own.kind == BilledKind::Sale)
        .map(|sale| (sale.event_id.as_str(), &sale.place))
        .collect();
    let (mut added, mut undone, mut tally) = (Vec::new(), HashSet::new(), Tally::default());
    for refund in undos {
        let sale = refund.event.sale_event_id.as_deref().unwrap_or_default();
        let Some(&place) = sales.get(sale) else {
            continue;
        };
        undone.insert(sale.to_owned());
        tally.add(refund.event.kind, refund.event.money);
        let billed = of_event(&refund.event, place.clone(), account_currency);
        added.extend(billed.map(|billed| Billed {
            outcome: refund.outcome,
            ..billed
        }));
    }
    ours.billed.retain(|own| {
        let is_of_undone = own
            .sale_event_id
            .as_ref()
            .is_some_and(|sale| undone.contains(sale));
        !is_of_undone || recorded.contains(&own.event_id)
    });
    ours.billed.extend(added);
    Ok(tally)
}

fn of_event(event: &Event, place: SourceLocation, account_currency: Currency) -> Option<Billed> {
    let kind = match event.kind {
        Kind::Sale => BilledKind::Sale,
        Kind::Refund => BilledKind::Refund,
        Kind::Cancellation | Kind::Signup => return None,
    };
    let money: Money = event.money?;
    let in_account = (money.currency == account_currency).then_some(money.amount_cents);
    Some(Billed {
        place,
        kind,
        event_id: event.event_id().to_owned(),
        sale_event_id: event.sale_event_id.as_deref().map(str::to_owned),
        reference: event.reference.as_deref().map(str::to_owned),
        customer: event.customer.clone(),
        money,
        account_amount_cents: in_account,
        estimated_amount_cents: None,
        plan: event.plan.as_deref().map(str::to_owned),
        created_at: event.created_at,
        is_day: event.is_day,
        recorded_at: None,
        outcome: None,
        settled_at: None,
        promoter: Promoter::default(),
        commission_cents: None,
        is_dispute: event.note.to_lowercase().contains(DISPUTE),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_in_words_says_nothing_only_if_it_is_empty() {
        let mut tally = Tally::default();
        assert_eq!(in_words(&tally), "nothing");
        let currency = Currency::from_code("USD").unwrap();
        let sum = Sum {
            count: 2,
            amount_cents: 1_600,
        };
        tally.add_sum(Kind::Sale, Some(currency), sum);
        assert_eq!(in_words(&tally), "2 sales, 16.00 USD");
    }
}
