//! Names the files of a journal, and puts names on disk.

use std::fs::File;
use std::path::{Path, PathBuf};

/// The ending of the record of a journal's commits.
pub(super) const COMMITS: &str = ".commits";

/// The ending of a journal's lock.
pub(super) const LOCK: &str = ".lock";

/// Returns the path of a journal's companion file.
pub(super) fn beside(journal: &Path, suffix: &str) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Returns the files that a journal at this path has or may have.
pub(crate) fn files_of_journal(journal: &Path) -> Vec<PathBuf> {
    // A link leads to the journal, and its companions are beside that.
    let found = journal.canonicalize();
    let journal = found.as_deref().unwrap_or(journal);
    let mut files = vec![journal.to_owned()];
    files.extend(companions_of(journal));
    files
}

/// Returns the files that a journal has or may have beside it.
pub(super) fn companions_of(journal: &Path) -> [PathBuf; 5] {
    ["-wal", "-shm", "-journal", COMMITS, LOCK].map(|ending| beside(journal, ending))
}

/// Puts a new name on disk, which is done by syncing its directory.
pub(super) fn sync_directory(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(directory) if cfg!(unix) => File::open(directory)?.sync_all(),
        _ => Ok(()),
    }
}
