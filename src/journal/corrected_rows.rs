//! Keeps which events the rows gave that were rejected and handed back in a corrected form.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::columns::{Seal, expect_seal};
use super::{ItemId, JournalError, JournalReader};
use crate::event::EventKey;

pub(super) fn insert(
    connection: &Connection,
    row: ItemId,
    event: EventKey,
) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT OR IGNORE INTO corrected_row (item, event_key, seal) VALUES (?1, ?2, ?3)",
        params![row.0, event.0, seal(row, event)],
    )
}

fn seal(row: ItemId, event: EventKey) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.bytes(&row.0);
    seal.bytes(&event.0);
    seal.value()
}

impl JournalReader {
    /// Returns the rows that were corrected, each with the events of its corrected forms.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn corrected_rows(&self) -> Result<HashMap<ItemId, Vec<EventKey>>, JournalError> {
        let mut rows: HashMap<ItemId, Vec<EventKey>> = HashMap::new();
        if !self.has_table("corrected_row")? {
            return Ok(rows);
        }
        let sql = "SELECT item, event_key, seal FROM corrected_row";
        self.each("reading which rows were corrected", sql, [], |row| {
            let (item, event) = (ItemId(row.get(0)?), EventKey(row.get(1)?));
            expect_seal(row, 2, seal(item, event), || {
                "the event of a corrected row".to_owned()
            })?;
            rows.entry(item).or_default().push(event);
            Ok(())
        })?;
        Ok(rows)
    }
}
