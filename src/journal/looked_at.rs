//! Looks at the database of a journal before it is opened.

use std::fs::{self, File, Metadata};
use std::path::Path;
use std::time::SystemTime;

use super::database_pages::DatabasePages;
use super::files::beside;
use super::record_slot::RecordState;
use super::{JournalError, place};
use crate::file_identity::FileIdentity;

/// Says what a database was when it was looked at, before it was opened.
#[derive(Debug)]
pub(super) struct LookedAt {
    identity: Option<FileIdentity>,
    pub(super) state: DatabaseState,
    content: DatabaseContent,
}

/// Says what a database is by its record.
#[derive(Debug)]
enum DatabaseContent {
    /// Bit for bit what was checked and written, and it has no log.
    AsRecorded(DatabasePages),
    /// Something else, without a log: another program has changed or touched it, or its disk has.
    Changed,
    /// Nothing says it: there is no digest, or there is a log, and what that adds has to be checked.
    Unknown,
}

impl LookedAt {
    /// Looks at the database of a journal that nobody has open in this process.
    pub(super) fn read(journal: &Path, record: RecordState) -> Result<LookedAt, JournalError> {
        let failed = |source| JournalError::unreadable(journal, "reading its pages", source);
        let (identity, state) = (place::identity_of(journal)?, DatabaseState::read(journal)?);
        let has_log = fs::metadata(beside(journal, "-wal")).is_ok_and(|log| log.len() > 0);
        let recorded = record.slot().and_then(|slot| slot.database);
        let content = match recorded.filter(|_| !has_log) {
            None => DatabaseContent::Unknown,
            Some(recorded) => {
                let found = File::open(journal).and_then(|file| DatabasePages::read(&file));
                match found.map_err(failed)? {
                    Some(pages) if pages.digest() == recorded => DatabaseContent::AsRecorded(pages),
                    _ => DatabaseContent::Changed,
                }
            }
        };
        Ok(LookedAt {
            identity,
            state,
            content,
        })
    }

    /// Returns the content of the database if the journal needs no further check.
    pub(super) fn as_recorded(&self) -> Option<&DatabasePages> {
        match &self.content {
            DatabaseContent::AsRecorded(pages) => Some(pages),
            DatabaseContent::Changed | DatabaseContent::Unknown => None,
        }
    }

    /// Returns `true` if the journal needs no further check.
    pub(super) fn is_as_recorded(&self) -> bool {
        self.as_recorded().is_some()
    }

    /// Returns `true` if more has to be checked than what is about to be used.
    pub(super) fn is_changed(&self) -> bool {
        matches!(self.content, DatabaseContent::Changed)
    }

    /// Refuses a journal that is another file now.
    pub(super) fn expect_same(&self, journal: &Path) -> Result<(), JournalError> {
        place::expect_same(journal, self.identity)
    }
}

/// What the system says of the database as a file. While a journal is in use, only moving its log changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DatabaseState {
    bytes: u64,
    modified: Option<SystemTime>,
    /// The time of the last change, in seconds and nanoseconds, which no program can set back.
    changed: Option<(i64, i64)>,
}

impl DatabaseState {
    pub(super) fn read(journal: &Path) -> Result<DatabaseState, JournalError> {
        let found = fs::metadata(journal)
            .map_err(|source| JournalError::io(journal, "finding it", source))?;
        Ok(DatabaseState {
            bytes: found.len(),
            // Where the system keeps no time, the size is what is left.
            modified: found.modified().ok(),
            changed: changed(&found),
        })
    }
}

#[cfg(unix)]
fn changed(found: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((found.ctime(), found.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<(i64, i64)> {
    None
}
