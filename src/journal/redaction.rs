//! Keeps the key of redacted reports.

use rusqlite::OptionalExtension;

use super::{JournalError, JournalReader};

/// The length of [`JournalReader::redaction_key`] in bytes.
pub(crate) const REDACTION_KEY_BYTES: usize = 32;

impl JournalReader {
    /// Returns the key with which emails and names are hashed in reports that are shared: random, and the
    /// same as long as the journal exists.
    ///
    /// It is `None` in a journal of an earlier version, which gets one as soon as it is opened for writing.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn redaction_key(&self) -> Result<Option<[u8; REDACTION_KEY_BYTES]>, JournalError> {
        if !self.has_table("redaction")? {
            return Ok(None);
        }
        self.connection
            .query_row("SELECT key FROM redaction WHERE id = 1", [], |row| {
                row.get(0)
            })
            .optional()
            .map_err(|error| self.failed("reading the key of redacted reports", error))
    }

    /// Returns `true` if the journal is new enough for a table: one that is only read is not migrated.
    pub(super) fn has_table(&self, name: &str) -> Result<bool, JournalError> {
        let sql = "SELECT count(*) > 0 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
        self.connection
            .query_row(sql, [name], |row| row.get(0))
            .map_err(|error| self.failed("looking for a table", error))
    }
}
