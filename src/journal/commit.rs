//! What identifies a commit of a journal, as the database has it.

use jiff::Timestamp;
use rusqlite::{Connection, Statement};

/// Identifies a commit as the journal has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The journal's own mark, drawn at random when it was made or migrated.
    pub(super) journal: [u8; 16],
    /// The number of the commit; 0 before the first one.
    pub(super) number: i64,
    /// The commit's mark, drawn at random.
    pub(super) mark: [u8; 16],
}

/// Returns the page of the database that has the number of the last commit: each commit of this program writes it.
pub(super) fn page_of_number(connection: &Connection) -> rusqlite::Result<u32> {
    let sql = "SELECT rootpage FROM main.sqlite_schema WHERE name = 'last_commit'";
    connection.query_row(sql, [], |row| row.get(0))
}

impl Commit {
    /// Reads the last commit of a journal.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Commit> {
        let sql = "SELECT journal, number, mark FROM main.last_commit WHERE id = 1";
        connection.query_row(sql, [], Commit::from_row)
    }

    /// Prepares the statement that [`Commit::count`] runs.
    pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
        connection.prepare(
            "UPDATE last_commit SET number = number + 1, mark = randomblob(16) WHERE id = 1
             RETURNING journal, number, mark",
        )
    }

    /// Counts the commit of the transaction that is open.
    pub(super) fn count(statement: &mut Statement<'_>) -> rusqlite::Result<Commit> {
        statement.query_row([], Commit::from_row)
    }

    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Commit> {
        Ok(Commit {
            journal: row.get(0)?,
            number: row.get(1)?,
            mark: row.get(2)?,
        })
    }
}

/// Returns the time that the commit record has in milliseconds.
pub(super) fn time(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or_default()
}
