//! Remembers which events have midnight in UTC as the time of their export.
//!
//! A day without a time is kept as its midnight. Of an event that is not here, midnight means that only its day is known.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Seal, expect_seal};
use super::{EventRow, JournalError, JournalReader};
use crate::event::{Event, is_midnight};

/// Returns `true` if an event has to be remembered. A report that is handed back says times of days, too.
pub(super) fn is_timed(event: &Event) -> bool {
    let is_known = !event.is_day && !event.is_fixed_after_refusal;
    is_known && event.created_at.is_some_and(is_midnight)
}

pub(super) fn insert(connection: &Connection, event: EventRow) -> rusqlite::Result<usize> {
    let sql = "INSERT INTO timed_at_midnight (event, seal) VALUES (?1, ?2)";
    connection.execute(sql, params![event.0, Seal::new(event).value()])
}

/// Returns `true` if an event's time says only its day, by the events that have midnight as a time.
pub(crate) fn says_day(timed: &HashSet<EventRow>, row: EventRow, at: Option<Timestamp>) -> bool {
    at.is_some_and(is_midnight) && !timed.contains(&row)
}

impl JournalReader {
    /// Returns the events of which the export says that they happened at midnight in UTC.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn timed_at_midnight(&self) -> Result<HashSet<EventRow>, JournalError> {
        let mut events = HashSet::new();
        if !self.has_table("timed_at_midnight")? {
            return Ok(events);
        }
        let sql = "SELECT event, seal FROM timed_at_midnight";
        self.each("reading times of midnight", sql, [], |row| {
            let event = EventRow(row.get(0)?);
            expect_seal(row, 1, Seal::new(event).value(), || {
                format!("the time of event {}", event.0)
            })?;
            events.insert(event);
            Ok(())
        })?;
        Ok(events)
    }
}
