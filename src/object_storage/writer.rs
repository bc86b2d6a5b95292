//! Writes, moves and removes objects. Each is there whole, or not at all.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path as FilePath;

use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt, PutPayload, WriteMultipart};

use super::store::Bucket;
use super::{Address, ObjectError};

/// The size of a piece of a large file, and the size from which on a file is sent in pieces.
const PIECE_BYTES: usize = 8 << 20;
/// The number of pieces that are under way at once.
const PIECES_AT_ONCE: usize = 2;

impl Bucket {
    /// Returns the names of the objects directly in a folder.
    ///
    /// # Errors
    ///
    /// The bucket can't be read.
    pub(crate) fn names_in(&self, folder: &Address) -> Result<Vec<String>, ObjectError> {
        let prefix = self.path(folder)?;
        let listed = self.wait_for(self.store.list_with_delimiter(Some(&prefix)));
        let objects = listed.map_err(|error| self.failure(&error))?.objects;
        let names = objects
            .iter()
            .filter_map(|object| object.location.filename());
        Ok(names.map(str::to_owned).collect())
    }

    /// Returns the bytes of an object; `None` if there is none, or it has more than `most` bytes.
    ///
    /// # Errors
    ///
    /// The bucket can't be read.
    pub(crate) fn small(
        &self,
        object: &Address,
        most: u64,
    ) -> Result<Option<Vec<u8>>, ObjectError> {
        let path = self.path(object)?;
        let read = async {
            let got = self.store.get_opts(&path, GetOptions::default()).await?;
            if got.meta.size > most {
                return Ok(None);
            }
            Ok(Some(got.bytes().await?.to_vec()))
        };
        match self.wait_for(read) {
            Err(Error::NotFound { .. }) => Ok(None),
            other => other.map_err(|error| self.failure(&error)),
        }
    }

    /// Makes an object of a file.
    ///
    /// # Errors
    ///
    /// The file can't be read, or the bucket can't be written to: an object that was there stays as it was.
    pub(crate) fn put_file(&self, object: &Address, file: &FilePath) -> io::Result<()> {
        let path = self.path(object).map_err(io::Error::other)?;
        let mut source = File::open(file)?;
        let failed = |error: &Error| io::Error::other(self.failure(error));
        let mut first = read_piece(&mut source)?;
        if first.len() < PIECE_BYTES {
            let put = self.store.put(&path, PutPayload::from(first));
            return self.wait_for(put).map(drop).map_err(|error| failed(&error));
        }
        let begun = self.wait_for(self.store.put_multipart(&path));
        let upload = begun.map_err(|error| failed(&error))?;
        let mut upload = WriteMultipart::new_with_chunk_size(upload, PIECE_BYTES);
        while !first.is_empty() {
            let free = self.wait_for(upload.wait_for_capacity(PIECES_AT_ONCE));
            if let Err(error) = free {
                // What was sent counts for nothing, and the error that is returned says why.
                let _ = self.wait_for(upload.abort());
                return Err(failed(&error));
            }
            self.wait_for(async { upload.put(first.into()) });
            first = read_piece(&mut source)?;
        }
        let finished = self.wait_for(upload.finish());
        finished.map(drop).map_err(|error| failed(&error))
    }

    /// Moves an object to another place in the bucket.
    ///
    /// # Errors
    ///
    /// The bucket can't be written to; the object is where it was, or in both places.
    pub(crate) fn rename(&self, from: &Address, to: &Address) -> Result<(), ObjectError> {
        let (from, to) = (self.path(from)?, self.path(to)?);
        let renamed = self.wait_for(self.store.rename(&from, &to));
        renamed.map_err(|error| self.failure(&error))
    }

    /// Removes an object, if it is there.
    ///
    /// # Errors
    ///
    /// The bucket can't be written to.
    pub(crate) fn remove(&self, object: &Address) -> Result<(), ObjectError> {
        let path = self.path(object)?;
        match self.wait_for(self.store.delete(&path)) {
            Err(Error::NotFound { .. }) => Ok(()),
            other => other.map_err(|error| self.failure(&error)),
        }
    }
}

/// Reads as much as a piece has, or what is left.
fn read_piece(source: &mut File) -> io::Result<Vec<u8>> {
    let mut piece = Vec::new();
    source.take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::sync::Arc;

    use object_store::memory::InMemory;

    use super::*;

    #[test]
    fn a_file_of_any_size_becomes_an_object_and_can_be_moved_and_removed() {
        let bucket = Bucket::of_store(Arc::new(InMemory::new()));
        let at =
            |key: &str| Address::from_path(FilePath::new(&format!("s3://billing/{key}"))).unwrap();
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a.csv");
        for size in [0, 9, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 3] {
            let bytes: Vec<u8> = (0..size).map(|n| (n / 7 % 251) as u8).collect();
            std::fs::write(&file, &bytes).unwrap();
            bucket.put_file(&at("reports/a.csv"), &file).unwrap();
            let found = bucket.small(&at("reports/a.csv"), 1 << 30).unwrap();
            assert!(found == Some(bytes), "{size}");
        }
        assert_eq!(bucket.small(&at("reports/a.csv"), 100).unwrap(), None);
        bucket
            .rename(&at("reports/a.csv"), &at("reports/run/a.csv"))
            .unwrap();
        assert_eq!(bucket.names_in(&at("reports/")).unwrap(), [""; 0]);
        assert_eq!(bucket.names_in(&at("reports/run/")).unwrap(), ["a.csv"]);
        bucket.remove(&at("reports/run/a.csv")).unwrap();
        bucket.remove(&at("reports/run/a.csv")).unwrap();
        assert_eq!(bucket.small(&at("reports/run/a.csv"), 100).unwrap(), None);
    }
}
