//! Finds the events that need attention: not sent, failed, unconfirmed, or flagged.

use std::collections::HashSet;

use super::corrected::NOT_REPLACED;
use super::events::scan_sql_of;
use super::span::RUNS;
use super::{
    AttentionCode, EventRecord, EventRow, JournalError, JournalReader, RunId, Span, SpanBy,
};
use crate::event::EventKey;

/// Selects the runs whose events are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunScope {
    /// The events of one run.
    Run(RunId),
    /// The events of the runs of a span, each once.
    Span(Span),
}

/// Selects which events of a run are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventsOf {
    /// The events that it was started to send.
    Sending,
    /// The events that an earlier run had settled, with an outcome that needs attention, when it read its
    /// exports.
    Earlier,
}

/// The SQL condition for an event `e` that needs attention.
const NEEDING: &str = "(e.outcome IS NULL OR e.outcome = 'failed' OR e.outcome = 'unconfirmed'
     OR e.id IN (SELECT event FROM flag))";

impl JournalReader {
    /// Returns the events of a scope, in the shape of `run_event`.
    fn events_of(&self, scope: RunScope, of: EventsOf) -> Result<String, JournalError> {
        Ok(match (scope, of) {
            (RunScope::Run(_), EventsOf::Sending) => "run_event".to_owned(),
            (RunScope::Run(_), EventsOf::Earlier) => "met_event".to_owned(),
            // Only of those that need it: else every event of the journal would be grouped.
            (RunScope::Span(span), EventsOf::Sending) => format!(
                "(SELECT event, max(run) AS run, input, line FROM run_event
                  WHERE {} AND event IN (SELECT e.id FROM event e WHERE {NEEDING})
                  GROUP BY event)",
                self.condition_of(span)?
            ),
            // By the date of sales no event is another run's.
            (
                RunScope::Span(Span {
                    by: SpanBy::SaleDate,
                    ..
                }),
                EventsOf::Earlier,
            ) => "(SELECT event, run, input, line FROM met_event WHERE ?1 > ?2)".to_owned(),
            (RunScope::Span(_), EventsOf::Earlier) => format!(
                "(SELECT event, max(run) AS run, input, line FROM met_event
                  WHERE run IN ({RUNS})
                  AND event NOT IN (SELECT event FROM run_event WHERE run IN ({RUNS}))
                  GROUP BY event)"
            ),
        })
    }
}

impl JournalReader {
    /// Streams the events that need attention as the journal has them now, in the order of sending. An event
    /// that the journal has again in a corrected form is not among them.
    ///
    /// # Errors
    ///
    /// The journal can't be read; or what `each` returns.
    pub fn for_each_needing<E: From<JournalError>>(
        &self,
        scope: RunScope,
        of: EventsOf,
        mut each: impl FnMut(AttentionCode, EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let flags = self.flags()?;
        let undone = self.events_of_undone_runs()?;
        let mut condition = match scope {
            RunScope::Run(_) => "WHERE re.run = ?1 AND ".to_owned(),
            RunScope::Span(_) => "WHERE ".to_owned(),
        };
        condition.push_str(NEEDING);
        if self.has_replaced()? {
            condition.push_str(" AND ");
            condition.push_str(&NOT_REPLACED.replacen("event.id", "e.id", 1));
        }
        let sql = scan_sql_of(&self.events_of(scope, of)?, &condition);
        let each = |record: EventRecord| {
            let flag = flags.get(&record.row).copied();
            let code = AttentionCode::from_result(record.outcome(), flag);
            let code = if undone.contains(&record.row) {
                code.map(AttentionCode::in_undone_run)
            } else {
                code
            };
            code.map_or(Ok(()), |code| each(code, record))
        };
        match scope {
            RunScope::Run(run) => self.scan_rows(&sql, [run.0], each),
            RunScope::Span(span) => self.scan_rows(&sql, span.parameters(), each),
        }
    }

    /// Goes through the runs whose reports have events: those that were to send them, and those that met them.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn for_each_run_of_events(
        &self,
        mut each: impl FnMut(EventRow, RunId),
    ) -> Result<(), JournalError> {
        let met = if self.has_table("met_event")? {
            "UNION ALL SELECT event, run FROM met_event"
        } else {
            ""
        };
        let sql = format!("SELECT event, run FROM run_event {met}");
        self.each("looking for the reports of events", &sql, [], |row| {
            each(EventRow(row.get(0)?), RunId(row.get(1)?));
            Ok(())
        })
    }

    /// Returns those of the given keys whose events the journal has.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn known_keys(
        &self,
        wanted: &HashSet<EventKey>,
    ) -> Result<HashSet<EventKey>, JournalError> {
        let mut known = HashSet::new();
        self.each("looking for events", "SELECT key FROM event", [], |row| {
            let key = EventKey(row.get(0)?);
            if wanted.contains(&key) {
                known.insert(key);
            }
            Ok(())
        })?;
        Ok(known)
    }
}
