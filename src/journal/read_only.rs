//! Opens a journal for reading, even where nothing can be written: on a read-only mount, as another user, or on a full
//! disk.
//!
//! SQLite reads a database with a log only with an index of the log beside it, which it makes if it can. If
//! it can't, a database without a log is read as a file that nobody changes, and one with a log is read from
//! a copy of both.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use tempfile::TempDir;

use super::JournalError;
use super::files::beside;
use super::record_slot;

/// The time that a statement waits for another program that has locked the file.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The number of times that a journal is copied again because somebody writes to it meanwhile.
const MOST_COPIES: u32 = 5;
const DOING: &str = "opening it for reading";

/// Holds a connection that only reads.
#[derive(Debug)]
pub(super) struct ReadOnly {
    pub(super) connection: Connection,
    /// The copy that is read, if the journal itself can't be read in place. It is deleted after the
    /// connection.
    pub(super) copy: Option<TempDir>,
}

impl ReadOnly {
    /// Opens an SQLite file that exists.
    pub(super) fn open(path: &Path) -> Result<ReadOnly, JournalError> {
        let error = match open_in_place(path) {
            Ok(connection) => return Ok(ReadOnly::in_place(connection)),
            Err(error) => error,
        };
        if !is_for_want_of_writing(&error) {
            return Err(JournalError::sqlite(path, DOING, error));
        }
        let log = beside(path, "-wal").metadata();
        if log.is_ok_and(|found| found.len() > 0) {
            open_copy(path)
        } else {
            open_without_log(path)
                .and_then(ready)
                .map(ReadOnly::in_place)
                .map_err(|error| JournalError::sqlite(path, DOING, error))
        }
    }

    fn in_place(connection: Connection) -> ReadOnly {
        ReadOnly {
            connection,
            copy: None,
        }
    }
}

/// Opens a database as it is without its log.
pub(super) fn open_without_log(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(immutable_uri(path), flags)
}

fn open_in_place(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).and_then(ready)
}

/// Sets a connection up, and reads from it, since only then its log is opened.
fn ready(connection: Connection) -> rusqlite::Result<Connection> {
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;")?;
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    Ok(connection)
}

/// Returns `true` if the index of the log could not be made, also for want of room.
fn is_for_want_of_writing(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return false;
    };
    failure.extended_code == SQLITE_IOERR_SHMSIZE
        || matches!(
            failure.code,
            ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::DiskFull
        )
}

/// Copies a journal with its log, and opens the copy.
fn open_copy(path: &Path) -> Result<ReadOnly, JournalError> {
    let failed = |source| JournalError::unreadable(path, "copying it to read it", source);
    let directory = tempfile::tempdir().map_err(failed)?;
    let copy = directory.path().join("copy.journal");
    for _ in 0..MOST_COPIES {
        let before = record_slot::read(path).map_err(failed)?;
        for suffix in ["", "-wal"] {
            copy_bytes(&beside(path, suffix), &beside(&copy, suffix)).map_err(failed)?;
        }
        if record_slot::read(path).map_err(failed)? == before {
            let connection = open_in_place(&copy);
            return Ok(ReadOnly {
                connection: connection.map_err(|error| JournalError::sqlite(path, DOING, error))?,
                copy: Some(directory),
            });
        }
    }
    Err(failed(io::Error::other(
        "another process writes to it all the time",
    )))
}

/// Copies what is in a file, and not its permissions.
fn copy_bytes(from: &Path, to: &Path) -> io::Result<()> {
    match fs::File::open(from) {
        Ok(mut from) => io::copy(&mut from, &mut fs::File::create(to)?).map(drop),
        // Its writer has ended meanwhile.
        Err(error) if error.kind() == io::ErrorKind::NotFound => fs::write(to, ""),
        Err(error) => Err(error),
    }
}

/// Returns the URI by which SQLite opens a file that nobody changes and whose log does not count.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for &byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri + "?immutable=1"
}
