//! Locks a journal by the file that it is, not by its name.
//!
//! The lock belongs to the open file (`F_OFD_SETLK`), so that SQLite's locks of the same file, which belong to the
//! process, neither meet nor release it. It lies on a byte that SQLite never locks and no journal reaches.
//!
//! Source: <https://man7.org/linux/man-pages/man2/F_OFD_SETLK.2const.html> and
//! <https://sqlite.org/lockingv3.html>: SQLite locks 512 bytes from 1 GiB on.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use crate::file_identity::FileIdentity;

/// The byte that is locked: behind the largest database that SQLite can have, 281 TB.
const LOCKED_BYTE: libc::off_t = 1 << 62;

/// Holds the lock until it is dropped, which has to be after SQLite has closed the file: closing a file releases
/// the locks that the process has of it.
#[derive(Debug)]
pub(super) struct DatabaseLock(File);

impl DatabaseLock {
    /// Takes the lock; `None` if there is no file, or the file system has no such locks.
    ///
    /// # Errors
    ///
    /// Another process holds it (`WouldBlock`), or the file can't be opened.
    pub(super) fn take(journal: &Path) -> io::Result<Option<DatabaseLock>> {
        let file = match OpenOptions::new().read(true).write(true).open(journal) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let range = libc::flock {
            l_type: libc::F_WRLCK as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: LOCKED_BYTE,
            l_len: 1,
            l_pid: 0,
        };
        match fcntl(&file, FcntlArg::F_OFD_SETLK(&range)) {
            Ok(_) => Ok(Some(DatabaseLock(file))),
            Err(Errno::EACCES | Errno::EAGAIN) => Err(ErrorKind::WouldBlock.into()),
            // Then the lock beside the journal is the only one, as on other systems.
            Err(Errno::EINVAL | Errno::ENOLCK | Errno::EOPNOTSUPP | Errno::ENOSYS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns `true` if a path names the file that is locked.
    pub(super) fn is_of(&self, journal: &Path) -> io::Result<bool> {
        let (held, named) = (self.0.metadata()?, journal.metadata()?);
        Ok(FileIdentity::from_metadata(&held) == FileIdentity::from_metadata(&named))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use rusqlite::Connection;

    use super::*;

    #[test]
    fn one_holder_has_a_file_whatever_its_name_and_whatever_sqlite_locks() {
        let place = tempfile::tempdir().unwrap();
        let (one, other) = (place.path().join("one"), place.path().join("other"));
        assert!(DatabaseLock::take(&one).unwrap().is_none(), "no file");
        let database = Connection::open(&one).unwrap();
        database.execute_batch("CREATE TABLE t (n)").unwrap();
        std::fs::hard_link(&one, &other).unwrap();
        let held = DatabaseLock::take(&one).unwrap().unwrap();
        assert!(held.is_of(&other).unwrap());
        // SQLite takes its own locks meanwhile, and releases them when it closes a file.
        database.execute_batch("INSERT INTO t VALUES (1)").unwrap();
        drop(database);
        let refused = DatabaseLock::take(&other).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        drop(held);
        assert!(DatabaseLock::take(&other).unwrap().is_some());
    }
}
