//! Reads the journal.
//!
//! Whatever may be long is streamed to a callback, so that memory stays flat. The callback's error ends the
//! stream and is returned.

use rusqlite::{Params, Row};

use super::columns::impossible;
use super::migrate::read_account;
use super::{Account, JournalError, JournalReader};
use crate::event::ExportLine;

impl JournalReader {
    /// Returns the account that the journal belongs to.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn account(&self) -> Result<Account, JournalError> {
        read_account(&self.connection, &self.path)
    }

    /// Runs a query and reads all its rows.
    pub(super) fn each(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), JournalError> {
        let run = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(parameters)?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        };
        run().map_err(|error| self.failed(doing, error))
    }

    /// Runs a query and passes on its rows; the callback may end it.
    pub(super) fn stream<T, E: From<JournalError>>(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        each: &mut impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error| self.failed(doing, error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query(parameters).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(read(row).map_err(failed)?)?;
        }
        Ok(())
    }
}

/// Returns a place in the exports.
pub(super) fn source(row: &Row<'_>, ordinal: usize, line: usize) -> rusqlite::Result<ExportLine> {
    let input = usize::try_from(count(row, ordinal)?);
    Ok(ExportLine {
        input: input.map_err(|_| impossible(ordinal, "too many exports"))?,
        line: count(row, line)?,
    })
}

/// Returns a place in the exports, or `None` if the columns are NULL.
pub(super) fn source_or_none(
    row: &Row<'_>,
    ordinal: usize,
    line: usize,
) -> rusqlite::Result<Option<ExportLine>> {
    let is_known = row.get::<_, Option<i64>>(ordinal)?.is_some();
    is_known.then(|| source(row, ordinal, line)).transpose()
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| impossible(column, format!("{value} is not a count")))
}
