//! Looks up single events and rows, for a person who asks what happened to one of them.
//!
//! Nothing here has an index to use, since nothing that sends asks for a single event: each look-up is one
//! scan of a table.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Params, params};

use super::attempts::{COLUMNS, expect_sealed};
use super::columns::{Millis, StoredWord};
use super::conversions;
use super::read::count;
use super::runs::{RUN_OF_HELD, SOURCE_ROW, held_columns, read_held, read_source_row};
use super::{
    AttemptRecord, AttentionCode, EventRow, HeldRecord, JournalError, JournalReader, RowRecord,
    RunCommand, RunId,
};
use crate::event::{EventKey, Original};

/// Says how a run has an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventRole {
    /// The run was started to send it.
    ToSend,
    /// The exports of the run have it again, and an earlier run had settled it with an outcome that needs
    /// attention, or left it.
    MetAgain,
}

/// Describes where a run has an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Appearance {
    /// The name of the run.
    pub(crate) run: String,
    /// The command that started it.
    pub(crate) command: RunCommand,
    /// The time when it started.
    pub(crate) started: Timestamp,
    /// How it has the event.
    pub(crate) role: EventRole,
    /// The export that has the event; a retry has the latest one.
    pub(crate) file: Option<String>,
    /// The line in that export.
    pub(crate) line: Option<u64>,
}

/// Names the place of a row in a run: the run, the place of the export among its inputs, and the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowPlace {
    pub(crate) run: RunId,
    pub(crate) input: usize,
    pub(crate) line: u64,
}

impl RowPlace {
    fn parameters(self) -> [i64; 3] {
        let input = i64::try_from(self.input).unwrap_or(i64::MAX);
        [self.run.0, input, super::stored(self.line)]
    }
}

/// Selects events by an id of theirs or of another event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum EventsBy<'i> {
    /// The events with this `event_id`: also those that were corrected under it.
    Id(&'i str),
    /// The events that have this as another id of theirs, such as that of the invoice of a charge.
    OtherId(&'i str),
    /// The refunds of the sale with this `event_id`.
    Sale(&'i str),
    /// The events that correct the one with this `event_id`, by their own ids.
    Corrected(&'i str),
}

const LOOKING: &str = "looking for an event";

impl JournalReader {
    /// Returns the events that an id selects, in the order in which they were recorded.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn event_rows_by(&self, by: EventsBy<'_>) -> Result<Vec<EventRow>, JournalError> {
        match by {
            EventsBy::Id(id) => self.event_rows("event_id = ?1", [id]),
            EventsBy::Sale(id) => self.event_rows("sale_event_id = ?1", [id]),
            EventsBy::Corrected(id) => {
                let start = crate::event::correction_id_start(id);
                self.event_rows("substr(event_id, 1, length(?1)) = ?1", [start])
            }
            EventsBy::OtherId(id) => {
                let condition = "reference = ?1 OR shared_id = ?1
                     OR event_id IN (SELECT event_id FROM alias WHERE key = ?2)";
                self.event_rows(condition, params![id, EventKey::from_id(id).0])
            }
        }
    }

    fn event_rows(
        &self,
        condition: &str,
        parameters: impl Params,
    ) -> Result<Vec<EventRow>, JournalError> {
        let sql = format!("SELECT id FROM event WHERE {condition} ORDER BY id");
        self.collect_rows(&sql, parameters)
    }

    fn collect_rows(
        &self,
        sql: &str,
        parameters: impl Params,
    ) -> Result<Vec<EventRow>, JournalError> {
        let mut rows = Vec::new();
        self.each(LOOKING, sql, parameters, |row| {
            rows.push(EventRow(row.get(0)?));
            Ok(())
        })?;
        Ok(rows)
    }

    /// Returns the events that a row of an export gave in a run: those that the run was started to send, and
    /// those that it met again.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn event_rows_at(&self, place: RowPlace) -> Result<Vec<EventRow>, JournalError> {
        let of = |table: &str| {
            format!(
                "SELECT event FROM {table} JOIN input ON input.id = {table}.input
                 WHERE {table}.run = ?1 AND input.ordinal = ?2 AND {table}.line = ?3"
            )
        };
        let sql = format!("{} UNION {} ORDER BY 1", of("run_event"), of("met_event"));
        self.collect_rows(&sql, place.parameters())
    }

    /// Returns the runs that have an event, the first one first.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn appearances(&self, event: EventRow) -> Result<Vec<Appearance>, JournalError> {
        let of = |table: &str, is_met: u8| {
            format!(
                "SELECT run.id, run.name, run.command, run.started_ms, {is_met}, input.path, {table}.line
                 FROM run CROSS JOIN {table} ON {table}.run = run.id AND {table}.event = ?1
                 LEFT JOIN input ON input.id = {table}.input"
            )
        };
        let sql = format!(
            "{} UNION ALL {} ORDER BY 1, 5",
            of("run_event", 0),
            of("met_event", 1)
        );
        let mut found = Vec::new();
        self.each("looking for the runs of an event", &sql, [event.0], |row| {
            let line: Option<i64> = row.get(6)?;
            let is_met: bool = row.get(4)?;
            found.push(Appearance {
                run: row.get(1)?,
                command: row.get::<_, StoredWord<_>>(2)?.0,
                started: row.get::<_, Millis>(3)?.0,
                role: if is_met {
                    EventRole::MetAgain
                } else {
                    EventRole::ToSend
                },
                file: row.get(5)?,
                line: line.map(|_| count(row, 6)).transpose()?,
            });
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns the attempts of an event, in their order.
    ///
    /// # Errors
    ///
    /// The journal can't be read, or an attempt is not as it was written.
    pub(crate) fn attempts_of(&self, event: EventRow) -> Result<Vec<AttemptRecord>, JournalError> {
        let sql = format!(
            "SELECT e.event_id, e.kind, a.number, r.name, a.intended_ms, a.answered_ms,
                 a.answer, a.effect, a.http_status, a.message, a.sent_event_id, a.sent_currency,
                 a.sent_digest, {COLUMNS}
             FROM attempt a JOIN event e ON e.id = a.event JOIN run r ON r.id = a.run
             WHERE a.event = ?1 ORDER BY a.number"
        );
        let mut attempts = Vec::new();
        self.each("reading the attempts of an event", &sql, [event.0], |row| {
            expect_sealed(row, event, 13)?;
            attempts.push(super::attempts::read_attempt(row)?);
            Ok(())
        })?;
        Ok(attempts)
    }

    /// Returns the reason for which an event needs attention although its answer settles it.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn flag_of(&self, event: EventRow) -> Result<Option<AttentionCode>, JournalError> {
        Ok(self.flags()?.get(&event).copied())
    }

    /// Returns the amount of an event before it was converted, if it was.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn original_of(&self, event: EventRow) -> Result<Option<Original>, JournalError> {
        if !self.has_table("conversion")? {
            return Ok(None);
        }
        let sql = "SELECT event, amount_cents, currency, rate, rate_date, seal FROM conversion
             WHERE event = ?1";
        let read = |row: &rusqlite::Row<'_>| conversions::read(row, 0);
        let found = self
            .connection
            .query_row(sql, [event.0], read)
            .optional()
            .map_err(|error| self.failed("reading a conversion", error))?;
        Ok(found.map(|(_, original)| original))
    }

    /// Returns the events that runs held with this `event_id`, and the held refunds of the sale with it; the
    /// first run first.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn held_by_id(&self, id: &str) -> Result<Vec<(RunId, HeldRecord)>, JournalError> {
        self.held("h.event_id = ?1 OR h.sale_event_id = ?1", [id])
    }

    /// Returns the events of a row that a run held.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn held_at(
        &self,
        place: RowPlace,
    ) -> Result<Vec<(RunId, HeldRecord)>, JournalError> {
        let condition = "h.run = ?1 AND i.ordinal = ?2 AND h.line = ?3";
        self.held(condition, place.parameters())
    }

    fn held(
        &self,
        condition: &str,
        parameters: impl Params,
    ) -> Result<Vec<(RunId, HeldRecord)>, JournalError> {
        let sql = format!(
            "SELECT {} FROM held h LEFT JOIN input i ON i.id = h.input WHERE {condition} ORDER BY h.id",
            held_columns()
        );
        let mut held = Vec::new();
        self.each("looking for held events", &sql, parameters, |row| {
            let run = RunId(row.get(RUN_OF_HELD)?);
            held.push((run, read_held(row)?));
            Ok(())
        })?;
        Ok(held)
    }

    /// Returns the row on a line that gave no event in a run.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn source_row_at(
        &self,
        place: RowPlace,
    ) -> Result<Option<(super::Disposition, RowRecord)>, JournalError> {
        let sql = format!(
            "SELECT {SOURCE_ROW} FROM source_row r JOIN input i ON i.id = r.input
             WHERE r.run = ?1 AND i.ordinal = ?2 AND r.line = ?3"
        );
        let mut found = None;
        let doing = "looking for a row without events";
        self.each(doing, &sql, place.parameters(), |row| {
            let disposition = row.get::<_, StoredWord<_>>(5)?.0;
            found = Some((disposition, read_source_row(row)?));
            Ok(())
        })?;
        Ok(found)
    }
}
