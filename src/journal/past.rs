//! Finds what was open at an earlier instant, as far as attempts and settlements show it.
//!
//! A retry replaces an event's result. The result before that is read from the last answer before the
//! instant.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::Row;

use super::columns::{Millis, StoredCurrency, StoredWord};
use super::{AttentionCode, EventRow, JournalError, JournalReader, Outcome, Span, SpanBy};
use crate::event::{Currency, Money};

/// Describes an event that was open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PastOpen {
    pub(crate) row: EventRow,
    pub(crate) code: AttentionCode,
    pub(crate) event_id: String,
    pub(crate) money: Option<Money>,
}

/// The query for the last answer before the instant `?2`, and whether the run that recorded the event had
/// ended by itself.
const PAST: &str = "SELECT e.id, e.event_id, e.amount_cents, coalesce(e.currency, ''), e.outcome,
         e.settled_ms < ?2,
         (SELECT a.answer FROM attempt a WHERE a.event = e.id AND a.answered_ms < ?2
          ORDER BY a.number DESC LIMIT 1),
         EXISTS (SELECT 1 FROM run_event re JOIN run r ON r.id = re.run
                 WHERE re.event = e.id AND r.end_reason = 'done' AND r.ended_ms < ?2)
     FROM event e WHERE ";

impl JournalReader {
    /// Streams the events of a span that were open at its end.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn for_each_open_at_end(
        &self,
        span: Span,
        mut each: impl FnMut(PastOpen),
    ) -> Result<(), JournalError> {
        let flags = self.flags()?;
        let condition = match span.by {
            SpanBy::RunDate => {
                let own = self.condition_of(span)?;
                format!(
                    "e.id IN (SELECT event FROM run_event WHERE {own}
                              UNION SELECT event FROM met_event WHERE {own})"
                )
            }
            SpanBy::SaleDate => format!(
                "e.id IN (SELECT event FROM run_event WHERE {}
                          AND run IN (SELECT id FROM run WHERE started_ms < ?2))",
                self.condition_of(span)?
            ),
        };
        // A corrected event was open until the correction came.
        let corrected = if self.has_replaced()? {
            " AND e.id NOT IN (SELECT m.event FROM mended m JOIN run_event re ON re.event = m.by_event
              JOIN run r ON r.id = re.run WHERE r.started_ms < ?2)"
        } else {
            ""
        };
        let sql = format!(
            "{PAST}{condition}{corrected}
             AND (e.outcome IS NULL OR e.settled_ms >= ?2 OR e.outcome = 'failed'
                  OR e.outcome = 'unconfirmed' OR e.id IN (SELECT event FROM flag))
             ORDER BY e.id"
        );
        let doing = "reading what was open";
        self.each(doing, &sql, span.parameters(), |row| {
            let event = EventRow(row.get(0)?);
            let code = past_code(row, flags.get(&event).copied())?;
            if let Some(code) = code {
                each(PastOpen {
                    row: event,
                    code,
                    event_id: row.get(1)?,
                    money: past_money(row)?,
                });
            }
            Ok(())
        })
    }

    /// Returns when each event was first recorded: the start of its first run.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn recorded_at(&self) -> Result<HashMap<EventRow, Timestamp>, JournalError> {
        let mut recorded = HashMap::new();
        let sql = "SELECT re.event, min(r.started_ms) FROM run_event re JOIN run r ON r.id = re.run
             GROUP BY re.event";
        self.each("reading when events were recorded", sql, [], |row| {
            recorded.insert(EventRow(row.get(0)?), row.get::<_, Millis>(1)?.0);
            Ok(())
        })?;
        Ok(recorded)
    }
}

fn past_money(row: &Row<'_>) -> rusqlite::Result<Option<Money>> {
    let amount_cents: Option<i64> = row.get(2)?;
    let currency: Option<Currency> = row.get::<_, StoredCurrency>(3)?.0;
    Ok(amount_cents
        .zip(currency)
        .map(|(amount_cents, currency)| Money {
            amount_cents,
            currency,
        }))
}

fn past_code(
    row: &Row<'_>,
    flag: Option<AttentionCode>,
) -> rusqlite::Result<Option<AttentionCode>> {
    let outcome: Option<StoredWord<Outcome>> = row.get(4)?;
    let was_settled: Option<bool> = row.get(5)?;
    if let (Some(StoredWord(outcome)), Some(true)) = (outcome, was_settled) {
        return Ok(AttentionCode::from_result(Some(outcome), flag));
    }
    let answer: Option<String> = row.get(6)?;
    let had_ended: bool = row.get(7)?;
    Ok(match (answer.as_deref(), had_ended) {
        (Some("recorded" | "already_there" | "not_referral"), _) => None,
        (Some("other_amount"), _) => Some(AttentionCode::OtherAmount),
        (Some("refused" | "conflicting"), _) => Some(AttentionCode::Failed),
        (Some("unclear" | "not_this_event"), true) => Some(AttentionCode::Unconfirmed),
        (Some(_), true) => Some(AttentionCode::Failed),
        // It was not sent, since the customer was known not to be a referral.
        (None, true) => None,
        (_, false) => Some(AttentionCode::NotSent),
    })
}
