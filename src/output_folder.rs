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
    objects: Option<FolderInStorage>,
}

/// The folder in object storage that a folder on this machine stands for.
#[derive(Debug)]
struct FolderInStorage {
    folder: Address,
    bucket: Bucket,
    /// The names of the objects directly in it.
    names: BTreeSet<String>,
    /// The names of the files that say which report it is.
    identifying: Vec<String>,
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
        let Some(folder) = Address::from_path(directory).map(Address::into_folder) else {
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
            objects: Some(FolderInStorage {
                folder,
                bucket,
                names: names.into_iter().collect(),
                identifying: to_read.iter().map(|&name| name.to_owned()).collect(),
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

    /// Moves the objects of an earlier report into the folder into which its files on this machine were moved, and puts
    /// the file there that says which report comes now. `is_own` says which names a report has.
    ///
    /// # Errors
    ///
    /// The bucket can't be written to; each object is where it was, or in the folder.
    pub(crate) fn make_room(&mut self, is_own: impl Fn(&str) -> bool) -> io::Result<()> {
        match &mut self.objects {
            None => Ok(()),
            Some(objects) => objects.make_room(is_own),
        }
    }

    /// Puts the files that were written where they belong, and returns their paths or addresses. What says which report
    /// it is comes last, and files of an earlier report whose names `is_removed` has are removed then.
    ///
    /// # Errors
    ///
    /// The bucket can't be written to; each object is still the old or the new one, and whole.
    pub(crate) fn finish(
        self,
        written: Vec<PathBuf>,
        is_removed: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<PathBuf>> {
        match self.objects {
            None => Ok(written),
            Some(objects) => objects.store(&written, is_removed),
        }
    }
}

impl FolderInStorage {
    fn make_room(&mut self, is_own: impl Fn(&str) -> bool) -> io::Result<()> {
        let local = self.local.path();
        for folder in names_in(local, |entry| entry.is_dir()) {
            let own = self.names.iter().filter(|name| is_own(name));
            for name in own {
                let aside = self.folder.with(&folder).into_folder().with(name);
                let moved = self.bucket.rename(&self.folder.with(name), &aside);
                moved.map_err(io::Error::other)?;
            }
            self.names.retain(|name| !is_own(name));
        }
        for name in &self.identifying {
            let file = local.join(name);
            if !self.names.contains(name) && file.exists() {
                self.bucket.put_file(&self.folder.with(name), &file)?;
                self.names.insert(name.clone());
            }
        }
        Ok(())
    }

    fn store(
        self,
        written: &[PathBuf],
        is_removed: impl Fn(&str) -> bool,
    ) -> io::Result<Vec<PathBuf>> {
        let local = self.local.path();
        let is_last = |name: &String| self.identifying.contains(name);
        let (last, first): (Vec<String>, Vec<String>) = names_in(local, |entry| entry.is_file())
            .into_iter()
            .partition(is_last);
        for name in first.iter().chain(&last) {
            self.bucket
                .put_file(&self.folder.with(name), &local.join(name))?;
        }
        let is_there = |name: &String| first.contains(name) || last.contains(name);
        let stale = self.names.iter().filter(|name| !is_there(name));
        for name in stale.filter(|name| is_removed(name) || is_last(name)) {
            let removed = self.bucket.remove(&self.folder.with(name));
            removed.map_err(io::Error::other)?;
        }
        let names = written.iter().filter_map(|path| path.file_name()?.to_str());
        let addresses = names.map(|name| PathBuf::from(self.folder.with(name).to_string()));
        Ok(addresses.collect())
    }
}

fn names_in(directory: &Path, is_wanted: impl Fn(&Path) -> bool) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let wanted = entries.filter(|entry| is_wanted(&entry.path()));
    wanted
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}
