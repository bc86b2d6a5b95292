//! Checks the journal's path: what it may name, and that it still names the same file.
//!
//! Locks, the write-ahead log and the commit record are found by the journal's name. So a journal has one
//! name, and keeps it while a process writes to it.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::JournalError;
use super::files::{self, beside};
use crate::file_identity::FileIdentity;
use crate::object_storage::Address;

/// What happened to a link that led to a journal in use.
pub(super) const LEADS_ELSEWHERE: &str = "made to lead to another file";

/// What happened to a journal in whose place another one was put.
const REPLACED: &str = "replaced by another file";

/// What happened to a file of a journal that is not there any more.
pub(super) const GONE: &str = "deleted or moved away";

/// What happened to a journal that two processes have written to.
pub(super) const WRITTEN_BY_ANOTHER: &str = "written to by another process";

/// What happened to a database that is not what was written to it.
pub(super) const DATABASE_OVERWRITTEN: &str = "written over by another program";

/// What happened to a log that no longer has what was written to it.
pub(super) const LOG_OVERWRITTEN: &str = "emptied or written over by another program";

/// Refuses a path that names something else than a file, before anything opens it: opening a FIFO would wait,
/// and a new journal would replace a device. An address such as `s3://…` would be a file in a folder `s3:`.
pub(super) fn expect_file(path: &Path) -> Result<(), JournalError> {
    if path.to_str().is_some_and(|path| path.contains("://")) {
        return Err(JournalError::NotAFile {
            path: path.to_owned(),
            what: "an address",
        });
    }
    match fs::metadata(path) {
        Ok(found) if found.is_file() => Ok(()),
        Ok(found) => Err(JournalError::NotAFile {
            path: path.to_owned(),
            what: kind_of(&found),
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => match fs::read_link(path) {
            // A journal in its place would hide the one that is there again tomorrow.
            Ok(target) => Err(JournalError::LinkToNothing {
                path: path.to_owned(),
                target,
            }),
            Err(_) => Ok(()),
        },
        Err(source) => Err(JournalError::io(path, "finding it", source)),
    }
}

/// Refuses a journal beside which something else than a file has the name of one of its files: opening a FIFO would
/// wait, and SQLite says of a directory that rights are missing.
pub(super) fn expect_companion_files(journal: &Path) -> Result<(), JournalError> {
    for path in files::companions_of(journal) {
        match fs::metadata(&path) {
            Ok(found) if !found.is_file() => {
                let what = kind_of(&found);
                return Err(JournalError::CompanionNotAFile { path, what });
            }
            // What can't be found or looked at is for whoever opens it.
            _ => {}
        }
    }
    expect_no_rollback(journal)
}

/// Refuses a journal beside which another program has left how to take back what it was writing: the journal may be torn,
/// and whoever opens it for writing puts the other state over it.
fn expect_no_rollback(journal: &Path) -> Result<(), JournalError> {
    let rollback = beside(journal, "-journal");
    match fs::metadata(&rollback) {
        Ok(found) if found.len() > 0 => Err(JournalError::damaged(
            journal,
            format!(
                "another program was interrupted while it wrote to it, and has left {}",
                rollback.display()
            ),
        )),
        _ => Ok(()),
    }
}

/// Returns the one name of a journal, whatever links lead to it: locks are taken by name.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, JournalError> {
    let failed = |source| JournalError::io(path, "finding it", source);
    expect_file(path)?;
    let resolved = match path.canonicalize() {
        Ok(found) => Ok(found),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let directory = match path.parent() {
                Some(parent) if !parent.as_os_str().is_empty() => parent,
                _ => Path::new("."),
            };
            let name = path
                .file_name()
                .ok_or_else(|| failed(ErrorKind::InvalidFilename.into()))?;
            Ok(directory.canonicalize().map_err(failed)?.join(name))
        }
        Err(error) => Err(failed(error)),
    }?;
    expect_companion_files(&resolved)?;
    Ok(resolved)
}

#[cfg(unix)]
fn kind_of(found: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = found.file_type();
    if kind.is_dir() {
        "a directory"
    } else if kind.is_char_device() || kind.is_block_device() {
        "a device"
    } else if kind.is_fifo() {
        "a named pipe"
    } else if kind.is_socket() {
        "a socket"
    } else {
        "something else"
    }
}

#[cfg(not(unix))]
fn kind_of(found: &Metadata) -> &'static str {
    match found.is_dir() {
        true => "a directory",
        false => "something else",
    }
}

/// Returns the directory of a journal, as its path names it.
pub(super) fn directory_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}

/// Returns a directory as the journal records it: relative to the journal's own directory if it is below
/// that, so that both can be moved together, else absolute. Later commands may run in other directories.
pub(super) fn recorded_directory(beside: &Path, directory: &str) -> String {
    let whole = |path: &Path| {
        let path = if path.as_os_str().is_empty() {
            Path::new(".")
        } else {
            path
        };
        let absolute = || std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        path.canonicalize().unwrap_or_else(|_| absolute())
    };
    if Address::from_path(Path::new(directory)).is_some() {
        return directory.to_owned();
    }
    let directory = whole(Path::new(directory));
    let recorded = match directory.strip_prefix(whole(beside)) {
        Ok(below) if below.as_os_str().is_empty() => Path::new("."),
        Ok(below) => below,
        Err(_) => &directory,
    };
    recorded.display().to_string()
}

/// Returns the path of a recorded directory, for a journal in the directory `beside`.
pub(super) fn place_of_directory(beside: &Path, run: &str, recorded: &str) -> String {
    let default = Path::new("reports").join(run);
    let recorded = Path::new(recorded);
    if Address::from_path(recorded).is_some() {
        return recorded.display().to_string();
    }
    // Earlier versions recorded the default path relative to the directory that they were called in.
    let below = if recorded.is_relative() && recorded.ends_with(&default) {
        &default
    } else {
        recorded
    };
    let place = if below == Path::new(".") && !beside.as_os_str().is_empty() {
        beside.to_owned()
    } else {
        beside.join(below)
    };
    place.display().to_string()
}

/// Refuses a journal that has a second name: another process could write to it under that one, with
/// another lock and another log.
pub(super) fn expect_one_name(path: &Path) -> Result<(), JournalError> {
    let links = fs::metadata(path).ok().as_ref().map_or(1, links);
    match links {
        0 | 1 => Ok(()),
        links => Err(JournalError::Linked {
            path: path.to_owned(),
            links,
        }),
    }
}

/// Returns which file a journal is.
pub(super) fn identity_of(journal: &Path) -> Result<Option<FileIdentity>, JournalError> {
    let found =
        fs::metadata(journal).map_err(|source| JournalError::io(journal, "finding it", source))?;
    Ok(FileIdentity::from_metadata(&found))
}

/// Refuses a journal that is another file now.
pub(super) fn expect_same(
    journal: &Path,
    before: Option<FileIdentity>,
) -> Result<(), JournalError> {
    if identity_of(journal)? == before {
        return Ok(());
    }
    let path = journal.to_owned();
    let what = REPLACED;
    Err(JournalError::Displaced { path, what })
}

#[cfg(unix)]
fn links(found: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::nlink(found)
}

#[cfg(not(unix))]
fn links(_: &Metadata) -> u64 {
    1
}

/// Notices when a journal in use, its log, its commit record or its lock is no longer the file that its path names,
/// or when the journal gets a second name.
#[derive(Clone, Debug)]
pub struct PlaceWatch {
    journal: PathBuf,
    /// The path by which the caller named the journal, which may be a link.
    given: Option<PathBuf>,
    /// The files by their paths; what they are is known where the system says it.
    files: Vec<(PathBuf, Option<FileIdentity>)>,
}

impl PlaceWatch {
    /// Starts to watch the files of a journal that are there.
    pub(super) fn new(journal: &Path) -> Result<Self, JournalError> {
        let mut files = Vec::new();
        for suffix in ["", "-wal", "-shm", files::COMMITS, files::LOCK] {
            let path = beside(journal, suffix);
            match fs::metadata(&path) {
                Ok(found) => files.push((path, FileIdentity::from_metadata(&found))),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(source) => return Err(JournalError::io(journal, "finding it", source)),
            }
        }
        Ok(PlaceWatch {
            journal: journal.to_owned(),
            given: None,
            files,
        })
    }

    /// Watches the path by which the journal was named, too: another process that follows it must find this journal.
    pub(super) fn reached_by(&mut self, given: &Path) {
        self.given = Some(given.to_owned());
    }

    /// Checks the paths.
    ///
    /// # Errors
    ///
    /// A file was deleted, moved away or replaced, or the journal has a second name.
    pub fn check(&self) -> Result<(), JournalError> {
        for (path, before) in &self.files {
            let what = match fs::metadata(path) {
                Ok(found) if FileIdentity::from_metadata(&found) == *before => continue,
                Ok(_) => REPLACED,
                Err(error) if error.kind() == ErrorKind::NotFound => GONE,
                Err(source) => return Err(JournalError::io(path, "finding it", source)),
            };
            let path = path.clone();
            return Err(JournalError::Displaced { path, what });
        }
        if let Some(given) = &self.given
            && given
                .canonicalize()
                .is_ok_and(|found| found != self.journal)
        {
            let (path, what) = (given.clone(), LEADS_ELSEWHERE);
            return Err(JournalError::Displaced { path, what });
        }
        expect_one_name(&self.journal)
    }
}
