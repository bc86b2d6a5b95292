//! Files that are there whole or not at all.
//!
//! A [`Partial`] is written beside its target under another name, becomes [`Whole`] once all of it
//! is on disk, and only then takes the target's place. Dropped on the way there, it leaves nothing.
//!
//! A process that is killed can drop nothing. So whoever writes a file holds a lock on it until it is
//! in its place, which the system takes away with the process: what has such a name and no lock was
//! left behind, and [`clear_abandoned`] removes it.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::private;

/// How often another name is tried where the first ones are taken.
const NAMES_TRIED: u32 = 16;

/// Why a file is not there.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The file that was to be written.
    pub(crate) path: PathBuf,
    pub(crate) doing: &'static str,
    pub(crate) source: io::Error,
}

impl Failure {
    pub(crate) fn new(path: &Path, doing: &'static str, source: impl Into<io::Error>) -> Self {
        Failure {
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
        // After the rename there is none, and before it there is nobody to tell.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file that is being written.
#[derive(Debug)]
pub(crate) struct Partial {
    // Closed before it is removed, which some systems insist on.
    file: BufWriter<File>,
    temporary: Temporary,
    target: PathBuf,
}

/// A file that is on disk and not yet in its place.
#[derive(Debug)]
pub(crate) struct Whole {
    /// Open, and locked, until it is in its place.
    file: File,
    temporary: Temporary,
    target: PathBuf,
}

impl Partial {
    /// Starts a file that is to stand at `target`.
    ///
    /// A symbolic link is followed. What is there and no regular file, such as a terminal, is
    /// refused here, since a rename would do away with it; a directory refuses the rename itself.
    pub(crate) fn create(target: &Path) -> Result<Self, Failure> {
        let failed = |source| Failure::new(target, "creating it", source);
        let place = match fs::metadata(target) {
            Ok(found) if found.is_file() => fs::canonicalize(target).map_err(failed)?,
            Ok(found) if !found.is_dir() => {
                let error = io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file");
                return Err(failed(error));
            }
            Ok(_) | Err(_) => target.to_owned(),
        };
        let (file, path) = create_beside(&place).map_err(failed)?;
        Ok(Partial {
            file: BufWriter::new(file),
            temporary: Temporary { path },
            target: place,
        })
    }

    /// Puts all that was written on disk.
    pub(crate) fn finish(self) -> Result<Whole, Failure> {
        let Partial {
            mut file,
            temporary,
            target,
        } = self;
        let failed = |source| Failure::new(&target, "putting it on disk", source);
        file.flush().map_err(failed)?;
        let file = file.into_inner().map_err(|error| failed(error.into()))?;
        file.sync_all().map_err(failed)?;
        Ok(Whole {
            file,
            temporary,
            target,
        })
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Whole {
    /// Takes the target's place. [`sync_directory`] makes it last.
    pub(crate) fn commit(self) -> Result<(), Failure> {
        let Whole {
            file,
            temporary,
            target,
        } = self;
        let moved = fs::rename(&temporary.path, &target);
        drop(file);
        moved.map_err(|source| Failure::new(&target, "putting it in its place", source))
    }

    /// The directory in which it is to stand.
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
            Ok(_) => return Err(io::Error::other("its temporary files are taken away")),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tried < NAMES_TRIED => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether a new file is locked and still there: between its making and its lock, somebody who clears
/// up may have taken it for one that was left behind. Where there are no locks, nobody clears up.
fn is_held(file: &File, path: &Path) -> bool {
    match file.try_lock() {
        Ok(()) => path.exists(),
        Err(TryLockError::WouldBlock) => false,
        Err(TryLockError::Error(_)) => true,
    }
}

/// Removes what was left behind in a directory by processes that were killed while they wrote a file
/// whose name `is_ours` knows. What another process is writing just now stays, and so does whatever
/// can't be told or removed: it is only in the way of those who look for space.
pub(crate) fn clear_abandoned(directory: &Path, is_ours: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let target = name.to_str().and_then(target_of);
        if target.is_some_and(&is_ours) && entry.file_type().is_ok_and(|of| of.is_file()) {
            let path = entry.path();
            // Removed while the lock is held: its writer is gone, and no other takes this name.
            let opened = OpenOptions::new().write(true).open(&path);
            if let Ok(file) = opened
                && file.try_lock().is_ok()
            {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// The file for which [`create_beside`] made one of this name.
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

/// Puts the names of a directory on disk.
#[cfg(unix)]
pub(crate) fn sync_directory(directory: &Path) -> Result<(), Failure> {
    match File::open(directory).and_then(|opened| opened.sync_all()) {
        // Some network file systems know no such thing.
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Err(Failure::new(directory, "putting its names on disk", error))
        }
        _ => Ok(()),
    }
}

/// Elsewhere a directory can't be synced.
#[cfg(not(unix))]
pub(crate) fn sync_directory(_: &Path) -> Result<(), Failure> {
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

        let mut partial = Partial::create(&target).unwrap();
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
        let mut partial = Partial::create(&target).unwrap();
        partial.write_all(b"new").unwrap();
        drop(partial);
        drop(Partial::create(&target).unwrap().finish().unwrap());
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
        let mut partial = Partial::create(&place("x.csv")).unwrap();
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
        let mut partial = Partial::create(&link).unwrap();
        partial.write_all(b"new").unwrap();
        partial.finish().unwrap().commit().unwrap();
        assert_eq!(fs::read_to_string(&real).unwrap(), "new");
        assert_eq!(names(directory.path()), ["link", "real"]);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());

        let refused = Partial::create(Path::new("/dev/null")).unwrap_err();
        assert_eq!(refused.doing, "creating it");
        assert_eq!(refused.source.to_string(), "it is not a regular file");
    }
}
