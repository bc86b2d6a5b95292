//! Several runs taken together: those that were started within a span of time.
//!
//! An event that more than one of them set out to send is one event, and stands where the latest of
//! them has it.

use jiff::Timestamp;

use super::columns::{Code, Word};
use super::events::scan_sql_of;
use super::read::count;
use super::{
    ConversionRecord, EventRecord, JournalError, JournalReader, OutcomeTallies, PlanState,
    PlanTotal, RunRecord,
};

/// The runs that were started at `from` or later, and before `until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant behind it.
    pub until: Timestamp,
}

pub(super) const RUNS: &str = "SELECT id FROM run WHERE started_ms >= ?1 AND started_ms < ?2";

impl Span {
    /// All time.
    pub const ALL: Span = Span {
        from: Timestamp::MIN,
        until: Timestamp::MAX,
    };

    pub(super) fn parameters(self) -> [i64; 2] {
        [self.from.as_millisecond(), self.until.as_millisecond()]
    }
}

/// Each event once, in the shape of `run_event`: with max(), SQLite takes the other columns from the
/// row that has it.
fn events_once() -> String {
    format!(
        "(SELECT event, max(run) AS run, input, line FROM run_event WHERE run IN ({RUNS})
          GROUP BY event)"
    )
}

impl JournalReader {
    /// The runs of a span, the oldest first.
    ///
    /// # Errors
    ///
    /// The journal can't be read; so for all functions here.
    pub fn runs_of(&self, span: Span) -> Result<Vec<RunRecord>, JournalError> {
        let which = format!("WHERE id IN ({RUNS}) ORDER BY id");
        self.list_runs(&which, span.parameters())
    }

    /// Streams the events that the runs of a span set out to send, each once, in the order of
    /// sending.
    pub fn for_each_event_of<E: From<JournalError>>(
        &self,
        span: Span,
        each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = scan_sql_of(&events_once(), "");
        self.scan_rows(&sql, span.parameters(), each)
    }

    /// What came of those events, as the journal has it now.
    pub fn outcomes_of(&self, span: Span) -> Result<OutcomeTallies, JournalError> {
        let once = events_once();
        let from = format!("{once} once JOIN event ON event.id = once.event");
        self.outcome_totals(&from, span.parameters())
    }

    /// By how much the runs of a span, added up, set out to send more than there is: an event of
    /// three runs counts twice here.
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
                kind: row.get::<_, Word<_>>(0)?.0,
                currency: row.get::<_, Code>(1)?.0,
                count: count(row, 2)?,
                amount_cents: row.get(3)?,
            });
            Ok(())
        })?;
        Ok(totals)
    }

    /// Streams the events of a span whose amounts were converted, in the order of sending.
    pub fn for_each_conversion_of<E: From<JournalError>>(
        &self,
        span: Span,
        mut each: impl FnMut(ConversionRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        self.stream_conversions(&events_once(), "true", span.parameters(), &mut each)
    }
}
