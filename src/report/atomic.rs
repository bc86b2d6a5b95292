//! Files that are written whole or not at all.
//!
//! A [`PartialFile`] is written beside its target under another name, becomes [`FinishedFile`] once all of it
//! is on disk, and only then takes the target's place. If it is dropped before, it is removed.
//!
//! A process that is killed can't remove anything. So the writer of a file holds a lock on it until
//! it is in its place, and the system releases the lock when the process ends: a file with such a
//! name and no lock was left behind, and [`clear_abandoned`] removes it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::private;

/// The number of names that are tried where the first ones are taken.
const NAMES_TRIED: u32 = 16;

/// The reason why a file was not written.
#[derive(Debug)]
pub(crate) struct FileError {
    /// The file that was to be written.
    pub(crate) path: PathBuf,
    pub(crate) doing: &'static str,
    pub(crate) source: io::Error,
}

impl FileError {
    pub(crate) fn new(path: &Path, doing: &'static str, source: impl Into<io::Error>) -> Self {
        FileError {
            path: path.to_owned(),
            doing,
            source: source.into(),
        }
    }
}

/// A file under a name of its own, removed when it is dropped.
#[derive(Debug)]
struct Temporary {
    path: PathBuf,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After the rename there is no file to remove, and before it nobody to report an error
        // to.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct PartialFile {
    // Closed before it is removed, as some systems require.
    file: BufWriter<File>,
    temporary: Temporary,
    target: PathBuf,
}

/// A file that is on disk and not yet at its final path.
#[derive(Debug)]
pub(crate) struct FinishedFile {
    /// Open and locked until the file is at its final path.
    file: File,
    temporary: Temporary,
    target: PathBuf,
}

impl PartialFile {
    /// Starts a file whose final path is `target`.
    ///
    /// A symbolic link is followed. A target that exists and is not a regular file, such as a
    /// terminal, is refused here, since a rename would replace it; a directory refuses the rename
    /// itself.
    pub(crate) fn create(target: &Path) -> Result<Self, FileError> {
        let failed = |source| FileError::new(target, "creating it", source);
        let place = match fs::metadata(target) {
            Ok(found) if found.is_file() => fs::canonicalize(target).map_err(failed)?,
            Ok(found) if !found.is_dir() => {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
                return Err(failed(error));
            }
            Ok(_) | Err(_) => target.to_owned(),
        };
        let (file, path) = create_beside(&place).map_err(failed)?;
        Ok(PartialFile {
            file: BufWriter::new(file),
            temporary: Temporary { path },
            target: place,
        })
    }

    /// Syncs everything that was written to disk.
    pub(crate) fn finish(self) -> Result<FinishedFile, FileError> {
        let PartialFile {
            mut file,
            temporary,
            target,
        } = self;
        let failed = |source| FileError::new(&target, "putting it on disk", source);
        file.flush().map_err(failed)?;
        let file = file.into_inner().map_err(|error| failed(error.into()))?;
        file.sync_all().map_err(failed)?;
        Ok(FinishedFile {
            file,
            temporary,
            target,
        })
    }
}

impl Write for PartialFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl FinishedFile {
    /// Moves the file to its target. [`sync_directory`] makes the move durable.
    pub(crate) fn commit(self) -> Result<(), FileError> {
        let FinishedFile {
            file,
            temporary,
            target,
        } = self;
        let moved = fs::rename(&temporary.path, &target);
        drop(file);
        moved.map_err(|source| FileError::new(&target, "putting it in its place", source))
    }

    /// Returns the directory of the target.
    pub(crate) fn directory(&self) -> PathBuf {
        directory_of(&self.target).to_owned()
    }
}

fn create_beside(target: &Path) -> io::Result<(File, PathBuf)> {
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it has no file name"))?;
    let mut tried = 0;
    loop {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{:016x}.tmp", fastrand::u64(..)));
        let path = directory_of(target).join(temporary);
        tried += 1;
        match private::options().write(true).create_new(true).open(&path) {
            Ok(file) if is_held(&file, &path) => return Ok((file, path)),
            Ok(_) if tried < NAMES_TRIED => {}
            Ok(_) => {
                return Err(io::Error::other(
                    "its temporary files are removed by another program",
                ));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < NAMES_TRIED => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes a small file that programs of other users read, whole or not at all.
///
/// Such a file says nothing about customers. A new one can be read by everybody (0644), whatever the user's
/// mask says; one that is there keeps its permissions, so that a narrower choice holds.
///
/// # Errors
///
/// The file can't be written.
pub(crate) fn write_for_others(target: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let directory = directory_of(target);
    if let Some(name) = target.file_name().and_then(|name| name.to_str()) {
        clear_abandoned(directory, |abandoned| abandoned == name);
    }
    let failed = |source| FileError::new(target, "writing it", source);
    let mut file = PartialFile::create(target)?;
    file.write_all(bytes).map_err(failed)?;
    let_others_read(file.file.get_ref(), &file.target).map_err(failed)?;
    file.finish()?.commit()?;
    sync_directory(directory)
}

#[cfg(unix)]
fn let_others_read(file: &File, target: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;

    const FOR_ALL: u32 = 0o644;
    let permissions = match fs::metadata(target) {
        Ok(there) => there.permissions(),
        Err(_) => fs::Permissions::from_mode(FOR_ALL),
    };
    file.set_permissions(permissions)
}

/// Does nothing: on other systems a file has the permissions of its folder.
#[cfg(not(unix))]
fn let_others_read(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns `true` if a new file is locked and still there: between its creation and its lock,
/// another process that clears up may have taken it for an abandoned one. Where there are no locks,
/// nothing is cleared up.
fn is_held(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => path.exists(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => true,
    }
}

/// Removes the files that killed processes left behind in a directory while they wrote a file whose
/// name `is_ours` knows. A file that another process is writing stays, and so does a file whose
/// state is not known or that can't be removed: such a file only takes up space.
pub(crate) fn clear_abandoned(directory: &Path, is_ours: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let target = name.to_str().and_then(target_of);
        if target.is_some_and(&is_ours) && entry.file_type().is_ok_and(|of| of.is_file()) {
            let path = entry.path();
            // Removed while the lock is held: its writer is gone, and no other process takes
            // this name.
            let opened = OpenOptions::new().write(true).open(&path);
            if let Ok(file) = opened
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// Returns the name of the file for which [`create_beside`] made this temporary name.
fn target_of(temporary: &str) -> Option<&str> {
    let rest = temporary.strip_prefix('.')?.strip_suffix(".tmp")?;
    let (target, number) = rest.rsplit_once('.')?;
    let is_number = number.len() == 16 && number.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_number && !target.is_empty()).then_some(target)
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Syncs the names of a directory to disk.
#[cfg(unix)]
pub(crate) fn sync_directory(directory: &Path) -> Result<(), FileError> {
    match File::open(directory).and_then(|opened| opened.sync_all()) {
        // Some network file systems don't support this.
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Err(FileError::new(
                directory,
                "putting its names on disk",
                error,
            ))
        }
        _ => Ok(()),
    }
}

/// Does nothing: on this system a directory can't be synced.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> Result<(), FileError> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<String> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn the_old_file_stays_until_the_new_one_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("x.csv");
        fs::write(&target, "old").unwrap();

        let mut partial = PartialFile::create(&target).unwrap();
        partial.write_all(b"new").unwrap();
        let whole = partial.finish().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        whole.commit().unwrap();
        sync_directory(directory.path()).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "new");
        assert_eq!(names(directory.path()), ["x.csv"]);
    }

    #[test]
    fn what_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let target = directory.path().join("x.csv");
        fs::write(&target, "old").unwrap();
        let mut partial = PartialFile::create(&target).unwrap();
        partial.write_all(b"new").unwrap();
        drop(partial);
        drop(PartialFile::create(&target).unwrap().finish().unwrap());
        assert_eq!(fs::read_to_string(&target).unwrap(), "old");
        assert_eq!(names(directory.path()), ["x.csv"]);
    }

    #[test]
    fn only_what_nobody_writes_any_more_is_cleared_away() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let others = [
            ".x.csv.0123456789abcdef.tmp.bak",
            ".x.csv.0123456789abcde.tmp",
            ".y.csv.0123456789abcdef.tmp",
            "x.csv.0123456789abcdef.tmp",
        ];
        let mut left: Vec<&str> = others.to_vec();
        left.push(".x.csv.0123456789abcdef.tmp");
        for name in &left {
            fs::write(place(name), "half").unwrap();
        }
        let mut partial = PartialFile::create(&place("x.csv")).unwrap();
        partial.write_all(b"new").unwrap();
        clear_abandoned(directory.path(), |name| name == "x.csv");
        let whole = partial.finish().unwrap();
        clear_abandoned(directory.path(), |name| name == "x.csv");
        whole.commit().unwrap();
        let mut expected = others.to_vec();
        expected.push("x.csv");
        expected.sort_unstable();
        assert_eq!(names(directory.path()), expected);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_a_link_and_a_device_stays_a_device() {
        let directory = tempfile::tempdir().unwrap();
        let (real, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&real, "old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut partial = PartialFile::create(&link).unwrap();
        partial.write_all(b"new").unwrap();
        partial.finish().unwrap().commit().unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(names(directory.path()), ["link", "real"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        let refused = PartialFile::create(Path::new("/dev/null")).unwrap_err();
        assert_eq!(refused.doing, "creating it");
        assert_eq!(refused.source.to_string(), "it is not a regular file");
    }
}
