//! Lets one process write at a time, by a lock of the operating system on a file beside the journal.
//!
//! The system releases it when the process ends, however it ends, so that a killed run leaves nothing to
//! clean up. The file itself stays: deleting it would let two processes lock two files of the same name.
//!
//! A journal that is mounted a second time has another file beside it there. So on Linux the journal itself is
//! locked, too.

#[cfg(target_os = "linux")]
mod database;
#[cfg(unix)]
mod log;

use std::fmt;
use std::fs::{File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

#[cfg(target_os = "linux")]
use database::DatabaseLock;
#[cfg(unix)]
pub(super) use log::hold as hold_log;
#[cfg(all(test, target_os = "linux"))]
pub(super) use log::hold_elsewhere as hold_log_elsewhere;
#[cfg(all(unix, test))]
pub(super) use log::release as release_log;

use super::files::{self, beside};
use super::place;
use super::{Journal, JournalError};

/// The number of times that the lock is tried, and the pause between two of them: a reader that looks whether
/// somebody holds it may have it for a moment.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(20);

/// Describes the process that holds a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The command that it runs.
    pub command: String,
    /// The number of the process.
    pub process: u32,
    /// The name of its machine.
    pub host: String,
    /// The time since when it holds the lock.
    pub since: Timestamp,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Holder {
            command,
            process,
            host,
            since,
        } = self;
        write!(
            f,
            "`fprecon {command}`, process {process} on {host}, since {since}"
        )
    }
}

impl Holder {
    /// Describes this process.
    fn this(command: &str, since: Timestamp) -> Self {
        let whole_seconds = TimestampRound::new()
            .smallest(Unit::Second)
            .mode(RoundMode::Trunc);
        Holder {
            command: command.to_owned(),
            process: std::process::id(),
            host: host(),
            since: since.round(whole_seconds).unwrap_or(since),
        }
    }

    /// Reads what [`Holder`] is displayed as.
    fn parse(text: &str) -> Option<Self> {
        let (command, rest) = text.strip_prefix("`fprecon ")?.split_once("`, process ")?;
        let (process, rest) = rest.split_once(" on ")?;
        let (host, since) = rest.rsplit_once(", since ")?;
        Some(Holder {
            command: command.to_owned(),
            process: process.parse().ok()?,
            host: host.to_owned(),
            since: since.trim().parse().ok()?,
        })
    }
}

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
    /// The lock of the journal itself, once there is one.
    #[cfg(target_os = "linux")]
    database: Option<DatabaseLock>,
}

impl Lock {
    /// Takes the lock of a journal and writes into it which process holds it.
    pub(super) fn take(
        journal: &Path,
        command: &str,
        since: Timestamp,
    ) -> Result<Lock, JournalError> {
        let path = beside(journal, files::LOCK);
        let mut file =
            open(&path).map_err(|source| JournalError::io(&path, "opening its lock", source))?;
        match try_several_times(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(JournalError::Locked {
                    path: journal.to_owned(),
                    holder: holder(&mut file),
                });
            }
            Err(TryLockError::Error(source)) => {
                return Err(JournalError::io(&path, "locking it", source));
            }
        }
        let described = format!("{}\n", Holder::this(command, since));
        file.set_len(0)
            .and_then(|()| file.write_all(described.as_bytes()))
            .map_err(|source| JournalError::io(&path, "writing its lock", source))?;
        let mut lock = Lock {
            file,
            #[cfg(target_os = "linux")]
            database: None,
        };
        place::expect_one_name(journal)?;
        lock.hold_database(journal)?;
        Ok(lock)
    }

    /// Locks the journal itself, if there is one: by what the system knows it, whatever its path is here. Whoever
    /// makes a journal calls this again.
    #[cfg(target_os = "linux")]
    pub(super) fn hold_database(&mut self, journal: &Path) -> Result<(), JournalError> {
        let failed = |source| JournalError::io(journal, "locking it", source);
        if let Some(held) = &self.database
            && held.is_of(journal).map_err(failed)?
        {
            return Ok(());
        }
        let taken = DatabaseLock::take(journal).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => JournalError::Locked {
                path: journal.to_owned(),
                holder: "another process, which has it by another path, as by a second mount"
                    .to_owned(),
            },
            _ => failed(error),
        })?;
        self.database = taken;
        Ok(())
    }

    /// Does nothing: other systems have no such lock, or SQLite's own locks would conflict with it.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn hold_database(&mut self, _: &Path) -> Result<(), JournalError> {
        Ok(())
    }
}

/// Opens a lock for writing. What is written into it must not go into another file by a link.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    not_by_link(&mut options);
    let is_link = path
        .symlink_metadata()
        .is_ok_and(|found| found.is_symlink());
    let file = if is_link {
        None
    } else {
        Some(options.open(path)?)
    };
    match file {
        Some(file) if is_a_file_of_one_name(&file.metadata()?) => Ok(file),
        _ => Err(io::Error::other(
            "it is a link, has a second name or is not a file; delete it: nothing else is lost",
        )),
    }
}

#[cfg(unix)]
fn not_by_link(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    // Nobody else may change it, whatever the user's mask says.
    options.mode(0o644);
}

/// Does nothing: on other systems only what is there before is examined.
#[cfg(not(unix))]
fn not_by_link(_: &mut OpenOptions) {}

#[cfg(unix)]
fn is_a_file_of_one_name(found: &Metadata) -> bool {
    found.is_file() && std::os::unix::fs::MetadataExt::nlink(found) <= 1
}

#[cfg(not(unix))]
fn is_a_file_of_one_name(found: &Metadata) -> bool {
    found.is_file()
}

impl Journal {
    /// Returns which process holds the lock of the journal at `path`, if one does.
    ///
    /// # Errors
    ///
    /// The lock can't be read.
    pub(crate) fn lock_holder(path: &Path) -> Result<Option<Holder>, JournalError> {
        let path = place::resolve(path)?;
        let failed = |source| JournalError::unreadable(&path, "reading its lock", source);
        let mut file = match File::open(beside(&path, files::LOCK)) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // A holder has its name in the file. Where there is none, nothing is tried: a run that starts at this
        // very moment would find the lock taken.
        let Some(found) = Holder::parse(&holder(&mut file)) else {
            return Ok(None);
        };
        match file.try_lock_shared() {
            // A process that was killed has left its name.
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(Some(found)),
            Err(TryLockError::Error(error)) => Err(failed(error)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If these fail, only a name is left in a file that nobody locks.
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn try_several_times(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => sleep(PAUSE),
            result => return result,
        }
    }
    file.try_lock()
}

/// Returns the name of this machine.
pub(crate) fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .or_else(|| std::env::var("HOSTNAME").ok())
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "an unnamed host".to_owned())
}

fn holder(file: &mut File) -> String {
    let mut text = Vec::new();
    // A holder that can't be read is still a holder.
    let _ = file.take(400).read_to_end(&mut text);
    let text: String = String::from_utf8_lossy(&text)
        .chars()
        .filter(|c| !c.is_control())
        .collect();
    if text.trim().is_empty() {
        "another process".to_owned()
    } else {
        text.trim().to_owned()
    }
}
