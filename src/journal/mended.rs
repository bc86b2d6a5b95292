//! Keeps which events that the API refused are in the journal again with another content.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::columns::{Seal, impossible};
use super::{EventRow, JournalError, JournalReader};

/// The SQL condition for events without a corrected one. It is only for journals that have the table.
pub(super) const NOT_REPLACED: &str = "event.id NOT IN (SELECT event FROM mended)";

/// The SQL condition for events but refunds that were recorded before their sale was asked again: a later event
/// has what they reversed.
pub(super) const NOT_SUPERSEDED: &str = "NOT (event.kind = 'refund' AND EXISTS (
    SELECT 1 FROM mended JOIN event AS sale ON sale.id = mended.event
    WHERE sale.event_id = event.sale_event_id AND mended.by_event > event.id))";

pub(super) fn insert(
    connection: &Connection,
    refused: EventRow,
    by: EventRow,
) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO mended (event, by_event, seal) VALUES (?1, ?2, ?3)",
        params![refused.0, by.0, seal(refused, by)],
    )
}

fn seal(refused: EventRow, by: EventRow) -> i64 {
    let mut seal = Seal::new(refused);
    seal.integer(Some(by.0));
    seal.value()
}

impl JournalReader {
    pub(super) fn has_replaced(&self) -> Result<bool, JournalError> {
        self.has_table("mended")
    }

    /// Returns the events that have a corrected one, each with that.
    pub(crate) fn replaced(&self) -> Result<HashMap<EventRow, EventRow>, JournalError> {
        let mut mended = HashMap::new();
        if self.has_replaced()? {
            let sql = "SELECT event, by_event, seal FROM mended";
            self.each("reading what was corrected", sql, [], |row| {
                let (refused, by) = (EventRow(row.get(0)?), EventRow(row.get(1)?));
                if row.get::<_, i64>(2)? != seal(refused, by) {
                    let what = format!(
                        "how event {} was corrected is not as it was written",
                        refused.0
                    );
                    return Err(impossible(2, what));
                }
                mended.insert(refused, by);
                Ok(())
            })?;
        }
        Ok(mended)
    }
}
