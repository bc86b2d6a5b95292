//! Events whose answer settles them and needs a person all the same.

use std::collections::HashMap;

use rusqlite::{Statement, params};

use super::columns::{Seal, Word, impossible};
use super::{AttentionCode, EventRow, JournalError, JournalReader};

/// The statement that [`insert`] runs: an event has one flag, the latest.
pub(super) const INSERT: &str = "INSERT OR REPLACE INTO flag (event, code, seal) VALUES (?, ?, ?)";

pub(super) fn insert(
    statement: &mut Statement<'_>,
    event: EventRow,
    code: AttentionCode,
) -> rusqlite::Result<usize> {
    statement.execute(params![event.0, code.as_str(), seal(event, code)])
}

fn seal(event: EventRow, code: AttentionCode) -> i64 {
    let mut seal = Seal::new(event);
    seal.bytes(code.as_str().as_bytes());
    seal.value()
}

impl JournalReader {
    /// Returns the flagged events, and what each was flagged for.
    pub(super) fn flags(&self) -> Result<HashMap<EventRow, AttentionCode>, JournalError> {
        let mut flags = HashMap::new();
        let sql = "SELECT event, code, seal FROM flag";
        self.each("reading the flagged events", sql, [], |row| {
            let event = EventRow(row.get(0)?);
            let code = row.get::<_, Word<AttentionCode>>(1)?.0;
            if row.get::<_, i64>(2)? != seal(event, code) {
                let what = format!("the flag of event {} is not as it was written", event.0);
                return Err(impossible(2, what));
            }
            flags.insert(event, code);
            Ok(())
        })?;
        Ok(flags)
    }
}
