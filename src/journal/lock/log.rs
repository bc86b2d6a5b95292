//! Keeps other programs from moving the log into the database while this process writes the journal.
//!
//! A log that another program moves and empties takes with it what a commit wrote, before this process could read that. So
//! this process has the lock that SQLite takes for a move. Programs that read, or write, don't need it; a
//! `wal_checkpoint` of theirs says that the database is busy.
//!
//! Source: <https://sqlite.org/walformat.html#locks>: the lock is byte 121 of the index of the log. It belongs to the process,
//! as SQLite's own locks do (`F_SETLK`), so that SQLite may take it too; it releases it after each move.

use std::fs::File;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

const LOCKED_BYTE: libc::off_t = 121;
/// The time that is waited for another program that moves the log.
const PATIENCE: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(2);

/// Takes the lock in the index of a log that is open for writing, and waits for a move that goes on. It is released when any
/// descriptor of the index is closed, and by SQLite's next move.
///
/// Where the file system has no such locks, or another program keeps it, there is none: then what that program does is
/// noticed afterwards.
///
/// # Errors
///
/// The system refuses it for another reason.
pub(in crate::journal) fn hold(index: &File) -> io::Result<()> {
    let range = range(libc::F_WRLCK as libc::c_short);
    let start = Instant::now();
    loop {
        match fcntl(index, FcntlArg::F_SETLK(&range)) {
            Ok(_) => return Ok(()),
            Err(Errno::EACCES | Errno::EAGAIN) if start.elapsed() < PATIENCE => {
                thread::sleep(PAUSE)
            }
            Err(Errno::EACCES | Errno::EAGAIN | Errno::EINVAL | Errno::ENOLCK) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Gives the lock back, as if the file system had none.
#[cfg(test)]
pub(in crate::journal) fn release(index: &File) {
    let released = fcntl(
        index,
        FcntlArg::F_SETLK(&range(libc::F_UNLCK as libc::c_short)),
    );
    assert!(released.is_ok(), "{released:?}");
}

/// Takes the lock as another process would, until the file is closed.
#[cfg(all(test, target_os = "linux"))]
pub(in crate::journal) fn hold_elsewhere(index: &File) {
    let held = fcntl(
        index,
        FcntlArg::F_OFD_SETLK(&range(libc::F_WRLCK as libc::c_short)),
    );
    assert!(held.is_ok(), "{held:?}");
}

fn range(kind: libc::c_short) -> libc::flock {
    libc::flock {
        l_type: kind,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: LOCKED_BYTE,
        l_len: 1,
        l_pid: 0,
    }
}
