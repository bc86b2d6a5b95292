//! Keeps other programs from changing or removing what a journal has.
//!
//! A row that is removed together with all that mentions it contradicts nothing: an event whose attempts and outcome are
//! gone looks like one that was never sent. So every table refuses changes and removals by whoever lacks a function that
//! only this program has. Other programs can read a journal, copy it and pack it as before. The checksum of the
//! definitions of all tables covers these triggers too: a journal that lost one is refused.
//!
//! It guards against hasty edits and scripts, not against intent.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

/// The function that is asked. Other programs say that there is none of this name.
const WRITER: &str = "only_fprecon_changes_a_journal";

/// Lets a connection change what a journal has.
pub(super) fn let_write(connection: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function(WRITER, 0, flags, |_| Ok(true))
}

/// Guards every table that is there.
pub(super) fn install(connection: &Connection) -> rusqlite::Result<()> {
    let sql = r"SELECT name FROM main.sqlite_schema
         WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name";
    let mut statement = connection.prepare(sql)?;
    let tables = statement
        .query_map([], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for table in tables {
        for change in ["UPDATE", "DELETE"] {
            connection.execute_batch(&format!(
                "CREATE TRIGGER IF NOT EXISTS guard_{table}_{} BEFORE {change} ON {table} WHEN NOT {WRITER}()
                 BEGIN SELECT RAISE(ABORT, 'only fprecon changes a journal'); END",
                change.to_lowercase()
            ))?;
        }
    }
    Ok(())
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;

    /// Opens a journal as somebody does who means to change it.
    pub(in crate::journal) fn open_to_edit(path: &Path) -> Connection {
        let connection = Connection::open(path).unwrap();
        let_write(&connection).unwrap();
        connection
    }
}
