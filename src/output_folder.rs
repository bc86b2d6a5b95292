//! The folder that a report is written into, on this machine or in object storage.
//!
//! For one in object storage, the files are written on this machine, and become objects when all of them are whole.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::object_storage::{Address, Bucket};
use crate::private;

/// The most bytes of a file that says which report is there.
const MOST_BYTES: u64 = 64 << 20;

/// A folder that files are written into.
#[derive(Debug)]
pub(crate) struct OutputFolder {
    path: PathBuf,
    objects: Option<Objects>,
}

/// The folder in object storage that a folder on this machine stands for.
#[derive(Debug)]
struct Objects {
    folder: Address,
    bucket: Bucket,
    /// The names of the objects directly in it.
    names: BTreeSet<String>,
    local: TempDir,
}

impl OutputFolder {
    /// Returns the folder with this path, which need not exist, or address. Of one in object storage, the files with the
    /// names `to_read` are read.
    ///
    /// # Errors
    ///
    /// The bucket can't be read, or no temporary directory can be made.
    pub(crate) fn look_at(directory: &Path, to_read: &[&str]) -> io::Result<OutputFolder> {
        let Some(folder) = Address::of(directory).map(Address::into_folder) else {
            return Ok(OutputFolder {
                path: directory.to_owned(),
                objects: None,
            });
        };
        let bucket = Bucket::connect(&folder).map_err(io::Error::other)?;
        let names = bucket.names_in(&folder).map_err(io::Error::other)?;
        let local = tempfile::tempdir()?;
        for name in to_read {
            let object = bucket.small(&folder.with(name), MOST_BYTES);
            if let Some(bytes) = object.map_err(io::Error::other)? {
                fs::write(local.path().join(name), bytes)?;
            }
        }
        Ok(OutputFolder {
            path: local.path().to_owned(),
            objects: Some(Objects {
                folder,
                bucket,
                names: names.into_iter().collect(),
                local,
            }),
        })
    }

    /// Makes the folder if it is not there, to write into it. Of one in object storage, the files with the names `to_read`
    /// are read.
    ///
    /// # Errors
    ///
    /// It can't be made, or the bucket can't be read.
    pub(crate) fn open(directory: &Path, to_read: &[&str]) -> io::Result<OutputFolder> {
        let folder = OutputFolder::look_at(directory, to_read)?;
        if folder.objects.is_none() {
            private::make_directory(directory)?;
        }
        Ok(folder)
    }

    /// Returns where the files are on this machine.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the names of the files in it, as far as they can be told.
    pub(crate) fn names(&self) -> Vec<String> {
        match &self.objects {
            Some(objects) => objects.names.iter().cloned().collect(),
            None => names_in(&self.path, |_| true),
        }
    }

    /// Puts the files that were written where they belong, and returns their paths or addresses. `is_own` says which names
    /// a report has: those of an earlier one that were moved into a folder, or removed, are moved or removed as objects,
    /// too. The objects that are written last say which report it is.
    ///
    /// # Errors
    ///
    /// The bucket can't be written to; each object is still the old or the new one, and whole.
    pub(crate) fn finish(
        self,
        written: Vec<PathBuf>,
        is_own: impl Fn(&str) -> bool,
        is_removed: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<PathBuf>> {
        match self.objects {
            None => Ok(written),
            Some(objects) => objects.store(&written, is_own, is_removed),
        }
    }
}

impl Objects {
    fn store(
        self,
        written: &[PathBuf],
        is_own: impl Fn(&str) -> bool,
        is_removed: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<PathBuf>> {
        let local = self.local.path();
        let earlier = names_in(local, |entry| entry.is_dir());
        for folder in &earlier {
            let own = self.names.iter().filter(|name| is_own(name));
            for name in own {
                let aside = self.folder.with(folder).into_folder().with(name);
                let moved = self.bucket.rename(&self.folder.with(name), &aside);
                moved.map_err(io::Error::other)?;
            }
        }
        let names = written.iter().filter_map(|path| path.file_name()?.to_str());
        let mut addresses = Vec::new();
        for name in names.clone() {
            let object = self.folder.with(name);
            self.bucket.put_file(&object, &local.join(name))?;
            addresses.push(PathBuf::from(object.to_string()));
        }
        // What says which report it is where no summary does.
        let written: BTreeSet<&str> = names.collect();
        let others = names_in(local, |entry| entry.is_file());
        for name in others
            .iter()
            .filter(|name| !written.contains(name.as_str()))
        {
            self.bucket
                .put_file(&self.folder.with(name), &local.join(name))?;
        }
        let is_stale = |name: &&String| is_removed(name) && !written.contains(name.as_str());
        let stale = self.names.iter().filter(is_stale);
        for name in stale.filter(|_| earlier.is_empty()) {
            let removed = self.bucket.remove(&self.folder.with(name));
            removed.map_err(io::Error::other)?;
        }
        Ok(addresses)
    }
}

fn names_in(directory: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let wanted = entries.filter(|entry| is_wanted(&entry.path()));
    wanted
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
