//! Selects what belongs to a span of time: the runs that were started within it, or the sales that were made.
//!
//! An event that more than one run was started to send is one event, at the place that it has in the latest
//! of them.

use jiff::Timestamp;

use super::columns::{StoredCurrency, StoredWord};
use super::corrected::NOT_REPLACED;
use super::events::scan_sql_of;
use super::read::count;
use super::{
    ConversionRecord, EventRecord, JournalError, JournalReader, OutcomeTallies, PlanState,
    PlanTotal, RunRecord,
};
use crate::event::{Sum, Tally, is_midnight};

/// Says which date decides whether an event belongs to a span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanBy {
    /// The date is the start of the run that has the event.
    #[default]
    RunDate,
    /// The date is the day of the event's sale: refunds belong to the day of the sale that they reverse if
    /// the journal has that sale, and else to their own day.
    SaleDate,
}

impl SpanBy {
    /// Returns the word in options and in machine output.
    pub fn as_str(self) -> &'static str {
        match self {
            SpanBy::RunDate => "run-date",
            SpanBy::SaleDate => "sale-date",
        }
    }
}

/// Selects what is dated `from` or later, and before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant of the span.
    pub from: Timestamp,
    /// The first instant after the span.
    pub until: Timestamp,
    /// The midnights in UTC of the first day and of the first day after the span: what has a day and no time is dated by
    /// such a midnight.
    pub days: [Timestamp; 2],
    /// The date that counts.
    pub by: SpanBy,
}

pub(super) const RUNS: &str = "SELECT id FROM run WHERE started_ms >= ?1 AND started_ms < ?2";

/// The instant by which an event `e` is dated, beside `s`, the sales that refunds name.
const SALE_DATE: &str = "coalesce(s.created_at_ms, e.created_at_ms)";

impl Span {
    /// The span of all runs of all time.
    pub const ALL: Span = Span {
        from: Timestamp::MIN,
        until: Timestamp::MAX,
        days: [Timestamp::MIN, Timestamp::MAX],
        by: SpanBy::RunDate,
    };

    pub(super) fn parameters(self) -> [i64; 2] {
        [self.from.as_millisecond(), self.until.as_millisecond()]
    }

    /// Returns `true` if it begins after what happened at `at`, where a midnight in UTC is a day without a time.
    pub(crate) fn is_after(self, at: Timestamp) -> bool {
        let [first, _] = self.days;
        at < if is_midnight(at) { first } else { self.from }
    }

    /// Returns `true` if what happened at `at` is in it, where a midnight in UTC is a day without a time.
    pub fn holds(self, at: Timestamp) -> bool {
        let [first, end] = self.days;
        if is_midnight(at) {
            first <= at && at < end
        } else {
            self.from <= at && at < self.until
        }
    }
}

impl JournalReader {
    /// Returns the condition on a row of `run_event` that its event belongs to a span.
    pub(super) fn condition_of(&self, span: Span) -> Result<String, JournalError> {
        Ok(match span.by {
            SpanBy::RunDate => format!("run IN ({RUNS})"),
            SpanBy::SaleDate => {
                let [from, until] = span.days.map(Timestamp::as_millisecond);
                let condition = format!(
                    "CASE WHEN {} THEN {SALE_DATE} >= {from} AND {SALE_DATE} < {until}
                     ELSE {SALE_DATE} >= ?1 AND {SALE_DATE} < ?2 END",
                    self.says_day()?
                );
                format!("event IN ({})", self.dated(&condition)?)
            }
        })
    }

    /// Returns the condition that [`SALE_DATE`] is a day without a time.
    fn says_day(&self) -> Result<String, JournalError> {
        let is_midnight = format!("{SALE_DATE} % 86400000 = 0");
        if !self.has_table("timed_at_midnight")? {
            return Ok(is_midnight);
        }
        let event = "CASE WHEN s.created_at_ms IS NULL THEN e.id ELSE s.id END";
        Ok(format!(
            "{is_midnight} AND {event} NOT IN (SELECT event FROM timed_at_midnight)"
        ))
    }

    /// Returns the query for the events whose sale has a date that meets a condition. An event that was sent
    /// again with another content is one event: the corrected one.
    fn dated(&self, condition: &str) -> Result<String, JournalError> {
        let not_replaced = if self.has_replaced()? {
            NOT_REPLACED.replacen("event.id", "e.id", 1)
        } else {
            "true".to_owned()
        };
        Ok(format!(
            "SELECT e.id FROM event e LEFT JOIN
                 (SELECT id, event_id, max(created_at_ms) AS created_at_ms FROM event
                  WHERE kind = 'sale'
                  AND event_id IN (SELECT sale_event_id FROM event WHERE kind = 'refund')
                  GROUP BY event_id) s
                 ON s.event_id = e.sale_event_id
             WHERE {condition} AND {not_replaced}"
        ))
    }

    /// Returns each event once, in the shape of `run_event`: with max(), SQLite takes the other columns from
    /// the row that has it.
    pub(super) fn events_once(&self, span: Span) -> Result<String, JournalError> {
        let condition = self.condition_of(span)?;
        Ok(format!(
            "(SELECT event, max(run) AS run, input, line FROM run_event WHERE {condition} GROUP BY event)"
        ))
    }

    /// Returns how many events have no date, with their amounts.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn undated(&self) -> Result<Tally, JournalError> {
        let mut undated = Tally::default();
        let sql = format!(
            "SELECT kind, coalesce(currency, ''), count(*), coalesce(sum(amount_cents), 0) FROM event
             WHERE id IN ({}) AND id IN (SELECT event FROM run_event) GROUP BY kind, currency",
            self.dated(&format!("{SALE_DATE} IS NULL"))?
        );
        self.each("counting what has no date", &sql, [], |row| {
            let sum = Sum {
                count: count(row, 2)?,
                amount_cents: i128::from(row.get::<_, i64>(3)?),
            };
            undated.add_sum(
                row.get::<_, StoredWord<_>>(0)?.0,
                row.get::<_, StoredCurrency>(1)?.0,
                sum,
            );
            Ok(())
        })?;
        Ok(undated)
    }

    /// Returns the runs of a span, the oldest first; by the date of sales, those that have a sale of it.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn runs_of(&self, span: Span) -> Result<Vec<RunRecord>, JournalError> {
        let which = match span.by {
            SpanBy::RunDate => format!("WHERE id IN ({RUNS}) ORDER BY id"),
            SpanBy::SaleDate => format!(
                "WHERE id IN (SELECT run FROM run_event WHERE {}) ORDER BY id",
                self.condition_of(span)?
            ),
        };
        self.list_runs(&which, span.parameters())
    }

    /// Streams the events that the runs of a span were started to send, each once, in the order of sending.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; or what `each` returns.
    pub fn for_each_event_of<E: From<JournalError>>(
        &self,
        span: Span,
        each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = scan_sql_of(&self.events_once(span)?, "");
        self.scan_rows(&sql, span.parameters(), each)
    }

    /// Returns the outcomes of the events of a span, as the journal has them now.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn outcomes_of(&self, span: Span) -> Result<OutcomeTallies, JournalError> {
        let once = self.events_once(span)?;
        let from = format!("{once} once JOIN event ON event.id = once.event");
        self.outcome_totals(&from, span.parameters())
    }

    /// Returns by how much the sums of the runs of a span exceed those of its events: an event of three runs
    /// counts twice here.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn repeats_of(&self, span: Span) -> Result<Vec<PlanTotal>, JournalError> {
        let sql = format!(
            "SELECT kind, coalesce(currency, ''), sum(more), sum(more * coalesce(amount_cents, 0))
             FROM (SELECT event, count(*) - 1 AS more FROM run_event WHERE run IN ({RUNS})
                   GROUP BY event HAVING count(*) > 1) again
             JOIN event ON event.id = again.event GROUP BY kind, currency"
        );
        let mut totals = Vec::new();
        self.each("counting repeats", &sql, span.parameters(), |row| {
            totals.push(PlanTotal {
                state: PlanState::ToSend,
                kind: row.get::<_, StoredWord<_>>(0)?.0,
                currency: row.get::<_, StoredCurrency>(1)?.0,
                count: count(row, 2)?,
                amount_cents: row.get(3)?,
            });
            Ok(())
        })?;
        Ok(totals)
    }

    /// Streams the events of a span whose amounts were converted, in the order of sending.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; or what `each` returns.
    pub fn for_each_conversion_of<E: From<JournalError>>(
        &self,
        span: Span,
        mut each: impl FnMut(ConversionRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let once = self.events_once(span)?;
        self.stream_conversions(&once, "true", span.parameters(), &mut each)
    }
}
