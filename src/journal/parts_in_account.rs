//! Keeps which part of a running total of refunds others had sent before this journal sent the rest, such as a lost journal.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::columns::{Seal, expect_seal};
use super::{EventRow, JournalError, JournalReader};

fn seal(event: EventRow, cents: i64) -> i64 {
    let mut seal = Seal::new(event);
    seal.bytes(b"part in account");
    seal.integer(Some(cents));
    seal.value()
}

/// Keeps what others have sent of a running total of refunds, in minor units.
pub(super) fn insert(
    connection: &Connection,
    event: EventRow,
    cents: i64,
) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO part_in_account (event, amount_cents, seal) VALUES (?1, ?2, ?3)",
        params![event.0, cents, seal(event, cents)],
    )
}

impl JournalReader {
    /// Returns what others have sent of running totals of refunds, in minor units.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(super) fn parts_in_account(&self) -> Result<HashMap<EventRow, i64>, JournalError> {
        let mut parts = HashMap::new();
        if !self.has_table("part_in_account")? {
            return Ok(parts);
        }
        let sql = "SELECT event, amount_cents, seal FROM part_in_account";
        self.each("reading what others have sent", sql, [], |row| {
            let (event, cents) = (EventRow(row.get(0)?), row.get(1)?);
            expect_seal(row, 2, seal(event, cents), || {
                format!("what others have sent of event {}", event.0)
            })?;
            parts.insert(event, cents);
            Ok(())
        })?;
        Ok(parts)
    }
}
