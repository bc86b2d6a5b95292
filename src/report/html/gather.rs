//! Adds up the events and rows that the page shows, in one pass.
//!
//! Memory is bounded whatever the size of the run: sums by day, by export, by promoter and by reason,
//! and the first rows of each table.

use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

use jiff::Timestamp;

use crate::event::{Currency, Event, Kind, Sum, Tally};
use crate::journal::{AttentionCode, EventRecord, HeldRecord, Outcome, RowRecord};
use crate::problem::{Problem, Severity};
use crate::report::learned::is_lower_limit;
use crate::report::outcomes::OutcomesSummary;
use crate::report::page::text::{cut, escaped_len, shape_of};
use crate::report::words::amount;

/// The greatest number of rows of a table on the page. The table's file has all rows.
pub(super) const TABLE_ROWS: usize = 500;
/// The greatest size of all cells of a table, in bytes.
const TABLE_BYTES: usize = 600_000;
/// The greatest number of different promoters and reasons; all further ones count as one.
const DISTINCT: usize = 50_000;
/// The greatest number of characters of a text on the page.
const TEXT: usize = 160;
/// The days that are charted, from 1970 to 2099. Other dates are counted with the missing ones.
const DAYS: std::ops::Range<i64> = 0..47_482;

/// Numbers of events by outcome, in the order of [`OutcomesSummary::all`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ByOutcome([u64; 6]);

impl ByOutcome {
    fn add(&mut self, outcome: Option<Outcome>) {
        self.0[index_of(outcome)] += 1;
    }

    pub(super) fn merge(&mut self, other: &ByOutcome) {
        for (mine, more) in self.0.iter_mut().zip(other.0) {
            *mine += more;
        }
    }

    pub(super) fn for_outcome(&self, outcome: Option<Outcome>) -> u64 {
        self.0[index_of(outcome)]
    }

    pub(super) fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// Returns the index of an outcome; `not_sent` comes last.
fn index_of(outcome: Option<Outcome>) -> usize {
    let place = OutcomesSummary::all().position(|of| of == outcome);
    place.unwrap_or(Outcome::ALL.len())
}

/// The events of one day.
#[derive(Clone, Debug, Default)]
pub(super) struct DaySums {
    pub(super) outcomes: ByOutcome,
    pub(super) money: Tally,
}

impl DaySums {
    fn add(&mut self, event: &Event, outcome: Option<Outcome>) {
        self.outcomes.add(outcome);
        if event.money.is_some() {
            self.money.add(event.kind, event.money);
        }
    }

    pub(super) fn merge(&mut self, other: &DaySums) {
        self.outcomes.merge(&other.outcomes);
        self.money.add_tally(&other.money);
    }
}

/// The sums of one promoter.
#[derive(Clone, Debug, Default)]
pub(super) struct PromoterFigures {
    pub(super) ref_id: String,
    pub(super) email: String,
    pub(super) events: u64,
    /// Sales less refunds, in minor units by currency.
    pub(super) net_cents: BTreeMap<Currency, i128>,
    /// Commissions in minor units of the account's currency.
    pub(super) commission_cents: i128,
}

/// A reason why events failed, in the API's words, without the parts that differ between events.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct FailureReason {
    pub(super) http_status: Option<u16>,
    pub(super) message: String,
}

/// A row of a table of events that need attention.
#[derive(Clone, Debug)]
pub(super) struct EventLine {
    pub(super) kind: Kind,
    pub(super) event_id: String,
    pub(super) customer: String,
    /// The amount in minor units, to sort by.
    pub(super) amount_cents: Option<i64>,
    pub(super) amount: String,
    /// The event's time, in RFC 3339.
    pub(super) created_at: String,
    pub(super) why: String,
    pub(super) file: String,
    pub(super) line: Option<u64>,
}

impl EventLine {
    fn new(event: &Event, file: Option<&str>, why: String) -> Self {
        let customer = event
            .customer
            .email
            .as_ref()
            .or(event.customer.uid.as_ref());
        let money = event.money;
        let in_words = |money: crate::event::Money| {
            let figure = amount(money.amount_cents.into(), money.currency);
            format!("{figure} {}", money.currency)
        };
        EventLine {
            kind: event.kind,
            event_id: cut(event.event_id(), TEXT),
            customer: cut(customer.map_or("", |text| text), TEXT),
            amount_cents: money.map(|money| money.amount_cents),
            amount: money.map(in_words).unwrap_or_default(),
            created_at: event.created_at.map(to_seconds).unwrap_or_default(),
            why,
            file: cut(file.unwrap_or_default(), TEXT),
            line: event.line(),
        }
    }

    pub(super) fn day(&self) -> &str {
        self.created_at.get(..10).unwrap_or_default()
    }
}

/// Returns the answer that settled an event, or else the last answer.
fn status_and_message(record: &EventRecord) -> (Option<u16>, &str) {
    let (status, message) = match (&record.settlement, &record.last_attempt) {
        (Some(settled), _) => (settled.http_status, &settled.message),
        (None, Some(last)) => (last.http_status, &last.message),
        (None, None) => (None, &None),
    };
    (status, message.as_deref().unwrap_or_default())
}

fn to_seconds(at: Timestamp) -> String {
    // Nobody needs the exact second of times before the year 0.
    Timestamp::from_second(at.as_second()).map_or_else(|_| at.to_string(), |at| at.to_string())
}

impl PageBytes for EventLine {
    fn bulk(&self) -> usize {
        [
            &self.event_id,
            &self.customer,
            &self.why,
            &self.file,
            &self.amount,
        ]
        .map(|text| escaped_len(text))
        .iter()
        .sum()
    }
}

/// A row of an export that can't be read.
#[derive(Clone, Debug)]
pub(super) struct RowLine {
    pub(super) file: String,
    pub(super) line: u64,
    pub(super) reason: String,
    /// The original cells of the row.
    pub(super) cells: String,
}

impl PageBytes for RowLine {
    fn bulk(&self) -> usize {
        [&self.file, &self.reason, &self.cells]
            .map(|text| escaped_len(text))
            .iter()
            .sum()
    }
}

/// A remark of the plan.
#[derive(Clone, Debug)]
pub(super) struct WarningLine {
    pub(super) message: String,
    pub(super) hint: String,
    pub(super) file: String,
    pub(super) line: Option<u64>,
}

impl PageBytes for WarningLine {
    fn bulk(&self) -> usize {
        [&self.message, &self.hint, &self.file]
            .map(|text| escaped_len(text))
            .iter()
            .sum()
    }
}

/// A value that takes up space on the page.
pub(super) trait PageBytes {
    /// Returns the size of the value's text in bytes, escaped.
    fn bulk(&self) -> usize;
}

/// The first rows of a table.
#[derive(Clone, Debug)]
pub(super) struct FirstRows<T> {
    pub(super) rows: Vec<T>,
    /// The number of all rows, including those that are left out.
    pub(super) count: u64,
    bytes: usize,
    is_full: bool,
}

impl<T> Default for FirstRows<T> {
    fn default() -> Self {
        FirstRows {
            rows: Vec::new(),
            count: 0,
            bytes: 0,
            is_full: false,
        }
    }
}

impl<T: PageBytes> FirstRows<T> {
    fn push(&mut self, row: impl FnOnce() -> T) {
        self.count += 1;
        if self.is_full {
            return;
        }
        let row = row();
        self.bytes += row.bulk();
        self.is_full = self.bytes > TABLE_BYTES;
        if !self.is_full {
            self.rows.push(row);
            self.is_full = self.rows.len() == TABLE_ROWS;
        }
    }
}

/// The events and rows that the page shows.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// The events of each day, counted in days since 1970.
    pub(super) days: BTreeMap<i64, DaySums>,
    /// The events without a date, or with a date that is not charted.
    pub(super) undated: DaySums,
    /// The outcomes of each export, in the order of reading; `None` is the entry of events whose
    /// place is not known.
    pub(super) exports: Vec<(Option<String>, ByOutcome)>,
    export_places: HashMap<Option<String>, usize>,
    pub(super) promoters: HashMap<(String, String), PromoterFigures>,
    pub(super) failed: HashMap<FailureReason, u64>,
    pub(super) not_sent: FirstRows<EventLine>,
    pub(super) refused: FirstRows<EventLine>,
    pub(super) unconfirmed: FirstRows<EventLine>,
    pub(super) not_paid: FirstRows<EventLine>,
    pub(super) other_amounts: FirstRows<EventLine>,
    pub(super) reversals: FirstRows<EventLine>,
    pub(super) signed_up_since: FirstRows<EventLine>,
    pub(super) customers_learned: FirstRows<EventLine>,
    pub(super) plans_learned: FirstRows<EventLine>,
    pub(super) counts_less: FirstRows<EventLine>,
    pub(super) not_dated: FirstRows<EventLine>,
    pub(super) undo_paid: FirstRows<EventLine>,
    pub(super) held: FirstRows<EventLine>,
    pub(super) rejected: FirstRows<RowLine>,
    pub(super) warnings: FirstRows<WarningLine>,
    /// The number of warnings.
    pub(super) warnings_count: u64,
}

impl Gathered {
    /// Adds an event that was to be sent.
    pub(super) fn event(&mut self, record: &EventRecord) {
        let settled = record.settlement.as_ref();
        let outcome = settled.map(|settled| settled.outcome);
        let event = &record.event;
        let day = event.created_at.map(|at| at.as_second().div_euclid(86_400));
        match day.filter(|day| DAYS.contains(day)) {
            Some(day) => self.days.entry(day).or_default().add(event, outcome),
            None => self.undated.add(event, outcome),
        }
        self.export(record.file.as_deref()).add(outcome);
        self.promoter(record);
        let code = match outcome {
            Some(Outcome::Tracked | Outcome::AlreadyTracked | Outcome::NonReferral) => return,
            Some(Outcome::Failed) => AttentionCode::Failed,
            Some(Outcome::Unconfirmed) => AttentionCode::Unconfirmed,
            None => AttentionCode::NotSent,
        };
        self.list(code, record);
        if outcome == Some(Outcome::Failed) {
            let (status, message) = status_and_message(record);
            let reason = FailureReason {
                http_status: status,
                message: cut(&shape_of(message), TEXT),
            };
            let none = FailureReason {
                http_status: None,
                message: "other reasons".to_owned(),
            };
            *bounded(&mut self.failed, reason, none) += 1;
        }
    }

    /// Adds an event to the table of those that need attention for a reason.
    pub(super) fn list(&mut self, code: AttentionCode, record: &EventRecord) {
        let table = match code {
            AttentionCode::NotSent => &mut self.not_sent,
            AttentionCode::Failed | AttentionCode::LeftOut => &mut self.refused,
            AttentionCode::Unconfirmed | AttentionCode::NotCompared => &mut self.unconfirmed,
            AttentionCode::NotPaid => &mut self.not_paid,
            AttentionCode::InAccount => &mut self.refused,
            AttentionCode::OtherAmount => &mut self.other_amounts,
            AttentionCode::ReversalNonReferral => &mut self.reversals,
            AttentionCode::SignedUpSince => &mut self.signed_up_since,
            AttentionCode::CustomerLearned => &mut self.customers_learned,
            AttentionCode::PlanLearned => &mut self.plans_learned,
            AttentionCode::CountsLess => &mut self.counts_less,
            AttentionCode::NotDated => &mut self.not_dated,
            AttentionCode::UndoPaid => &mut self.undo_paid,
            AttentionCode::Conflict
            | AttentionCode::Held
            | AttentionCode::Rejected
            | AttentionCode::Ignored => return,
        };
        let (status, message) = status_and_message(record);
        table.push(|| {
            EventLine::new(
                &record.event,
                record.file.as_deref(),
                why(status, message, record.attempts()),
            )
        });
    }

    fn export(&mut self, file: Option<&str>) -> &mut ByOutcome {
        // Events of one export come together.
        let place = match self.exports.last() {
            Some((last, _)) if last.as_deref() == file => self.exports.len() - 1,
            _ => {
                let next = self.exports.len();
                let file = file.map(str::to_owned);
                let place = self.export_places.entry(file.clone()).or_insert(next);
                if *place == next {
                    self.exports.push((file, ByOutcome::default()));
                }
                *place
            }
        };
        &mut self.exports[place].1
    }

    fn promoter(&mut self, record: &EventRecord) {
        let Some(settled) = &record.settlement else {
            return;
        };
        let ref_id = settled.promoter_ref_id.as_deref().unwrap_or_default();
        let email = settled.promoter_email.as_deref().unwrap_or_default();
        if ref_id.is_empty() && email.is_empty() {
            return;
        }
        let key = (ref_id.to_owned(), email.to_owned());
        let others = (String::new(), "further promoters".to_owned());
        let promoter = bounded(&mut self.promoters, key, others);
        if promoter.events == 0 {
            promoter.ref_id = cut(ref_id, TEXT);
            promoter.email = cut(email, TEXT);
        }
        promoter.events += 1;
        promoter.commission_cents += i128::from(settled.commission_cents.unwrap_or_default());
        if let Some(money) = record.event.money {
            let cents = i128::from(money.amount_cents);
            let net = promoter.net_cents.entry(money.currency).or_default();
            *net += match record.event.kind {
                Kind::Refund => -cents,
                _ => cents,
            };
        }
    }

    /// Adds an event that is held.
    pub(super) fn held(&mut self, record: &HeldRecord) {
        let event = &record.event;
        self.held.push(|| {
            let why = match event.details().candidates.as_deref() {
                Some(candidates) => format!("{}; may reverse {candidates}", event.note),
                None => event.note.to_string(),
            };
            EventLine::new(event, record.file.as_deref(), cut(&why, 2 * TEXT))
        });
    }

    /// Adds a row that can't be read.
    pub(super) fn rejected(&mut self, row: &RowRecord) {
        self.rejected.push(|| RowLine {
            file: cut(&row.file, TEXT),
            line: row.source.line,
            reason: cut(&row.reason, 2 * TEXT),
            cells: cut(&row.fields.join(" | "), 2 * TEXT),
        });
    }

    /// Adds a problem of the plan. Errors are left out, since the rejected rows say more of them,
    /// and so is the account's limit, which is among the facts at the top.
    pub(super) fn problem(&mut self, problem: &Problem) {
        if problem.severity == Severity::Error || is_lower_limit(problem) {
            return;
        }
        self.warnings_count += 1;
        self.warnings.push(|| WarningLine {
            message: cut(&problem.message, 2 * TEXT),
            hint: cut(problem.hint.as_deref().unwrap_or_default(), 2 * TEXT),
            file: cut(problem.file.as_deref().unwrap_or_default(), TEXT),
            line: problem.line,
        });
    }

    /// Returns the number of all events by outcome, for comparison with the summary.
    pub(super) fn outcomes(&self) -> ByOutcome {
        let mut all = self.undated.outcomes;
        for day in self.days.values() {
            all.merge(&day.outcomes);
        }
        all
    }

    /// Returns the sums of all amounts, for comparison with the summary; events without an amount
    /// are not in it.
    pub(super) fn money(&self) -> Tally {
        let mut all = self.undated.money.clone();
        for day in self.days.values() {
            all.add_tally(&day.money);
        }
        all
    }
}

/// Returns the value of a key, or that of `others` once there are too many keys.
fn bounded<K: Eq + Hash, V: Default>(map: &mut HashMap<K, V>, key: K, others: K) -> &mut V {
    let is_full = map.len() >= DISTINCT && !map.contains_key(&key);
    map.entry(if is_full { others } else { key }).or_default()
}

/// Returns why an event failed: `400: Amount blank or invalid, after 3 attempts`.
fn why(status: Option<u16>, message: &str, attempts: u32) -> String {
    let mut why = match (status, message) {
        (Some(status), "") => format!("the API answered {status}"),
        (Some(status), message) => format!("{status}: {message}"),
        (None, "") if attempts == 0 => "the run ended before it was sent".to_owned(),
        (None, "") => "no answer".to_owned(),
        (None, message) => message.to_owned(),
    };
    why = cut(&why, 2 * TEXT);
    if attempts > 1 {
        why.push_str(&format!(", after {attempts} attempts"));
    }
    why
}

/// Returns the sum of one kind and currency, in minor units.
pub(super) fn cents(tally: &Tally, kind: Kind, currency: Currency) -> i128 {
    let Sum { amount_cents, .. } = tally.for_kind(kind, Some(currency));
    amount_cents
}
