//! Lets one process write at a time, by a lock of the operating system on a file beside the journal.
//!
//! The system releases it when the process ends, however it ends, so that a killed run leaves nothing to
//! clean up. The file itself stays: deleting it would let two processes lock two files of the same name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::JournalError;

/// The name of the file, after the journal's.
pub(super) const SUFFIX: &str = ".lock";

/// Holds the lock until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Takes the lock of a journal and writes into it which process holds it.
    pub(super) fn take(
        journal: &Path,
        command: &str,
        since: Timestamp,
    ) -> Result<Lock, JournalError> {
        let path = beside(journal, SUFFIX);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| JournalError::io(&path, "opening its lock", source))?;
        match file.try_lock() {
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
        let described = describe(command, since);
        file.set_len(0)
            .and_then(|()| file.write_all(described.as_bytes()))
            .map_err(|source| JournalError::io(&path, "writing its lock", source))?;
        Ok(Lock(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // If these fail, only a name is left in a file that nobody locks.
        let _ = self.0.set_len(0);
        let _ = self.0.unlock();
    }
}

/// Returns the path of a journal's companion file.
pub(super) fn beside(journal: &Path, suffix: &str) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn describe(command: &str, since: Timestamp) -> String {
    let pid = std::process::id();
    let host = host();
    let since = since.round(jiff::Unit::Second).unwrap_or(since).to_string();
    format!("`fprecon {command}`, process {pid} on {host}, since {since}\n")
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
