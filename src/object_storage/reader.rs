//! Reads an object in pieces, so that a broken connection repeats one of them, and little is in memory.

use std::io::{self, Read};
use std::ops::Range;

use bytes::{Buf, Bytes};
use object_store::{GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt};

use super::store::{Bucket, changed};
use super::{Address, ObjectError};

/// The size of a piece.
const PIECE_BYTES: u64 = 8 << 20;

/// A reader that refuses an object which changes meanwhile.
pub(super) struct ObjectReader {
    bucket: Bucket,
    address: Address,
    /// What the object was when it was first asked for.
    object: Option<ObjectMeta>,
    /// The number of bytes that were asked for.
    end: u64,
    piece: Bytes,
}

impl Bucket {
    /// Returns a reader of an object, which it asks for when it is read.
    pub(crate) fn read(&self, address: Address) -> Box<dyn Read + Send> {
        Box::new(ObjectReader::new(self.clone(), address))
    }
}

impl ObjectReader {
    pub(super) fn new(bucket: Bucket, address: Address) -> Self {
        ObjectReader {
            bucket,
            address,
            object: None,
            end: 0,
            piece: Bytes::new(),
        }
    }

    /// Reads the next piece; leaves none at the end of the object.
    fn read_piece(&mut self) -> Result<(), ObjectError> {
        let failed = |error| self.bucket.failure(&error);
        let location = self.bucket.path(&self.address)?;
        let store = &self.bucket.store;
        let object = match &self.object {
            Some(object) => object.clone(),
            None => {
                let found = self.bucket.wait_for(store.head(&location));
                self.object.insert(found.map_err(failed)?).clone()
            }
        };
        let range = self.end..object.size.min(self.end.saturating_add(PIECE_BYTES));
        if range.is_empty() {
            return Ok(());
        }
        let options = GetOptions {
            range: Some(GetRange::Bounded(range.clone())),
            if_match: object.e_tag.clone(),
            ..GetOptions::default()
        };
        let asked = async {
            let got = store.get_opts(&location, options).await?;
            let found = got.meta.clone();
            Ok((found, got.bytes().await?))
        };
        let (found, piece) = self.bucket.wait_for(asked).map_err(failed)?;
        if !is_same(&object, &found) || piece.len() as u64 != length(&range) {
            return Err(changed());
        }
        (self.end, self.piece) = (range.end, piece);
        Ok(())
    }
}

impl Read for ObjectReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() && !buffer.is_empty() {
            self.read_piece().map_err(io::Error::other)?;
        }
        let read = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..read]);
        Ok(read)
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end - range.start
}

/// Returns `true` if two answers speak of the same content. Not every server gives each of these.
fn is_same(one: &ObjectMeta, other: &ObjectMeta) -> bool {
    one.size == other.size && one.e_tag == other.e_tag && one.last_modified == other.last_modified
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use std::path::Path as FilePath;
    use std::sync::Arc;

    use object_store::PutPayload;
    use object_store::memory::InMemory;
    use object_store::path::Path;

    use super::*;

    fn bucket_with(bytes: Vec<u8>) -> (Bucket, Arc<InMemory>) {
        let store = Arc::new(InMemory::new());
        let bucket = Bucket::of_store(store.clone());
        put(&bucket, &store, bytes);
        (bucket, store)
    }

    fn put(bucket: &Bucket, store: &InMemory, bytes: Vec<u8>) {
        let payload = PutPayload::from(bytes);
        let location = Path::from("a.csv");
        bucket.wait_for(store.put(&location, payload)).unwrap();
    }

    fn reader(bucket: &Bucket) -> Box<dyn Read + Send> {
        bucket.read(Address::from_path(FilePath::new("s3://billing/a.csv")).unwrap())
    }

    #[test]
    fn an_object_is_read_whole_whatever_its_size() {
        for size in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, 2 * PIECE_BYTES + 3] {
            let bytes: Vec<u8> = (0..size).map(|n| (n / 7 % 251) as u8).collect();
            let (bucket, _) = bucket_with(bytes.clone());
            let mut read = Vec::new();
            reader(&bucket).read_to_end(&mut read).unwrap();
            assert!(read == bytes, "{size}");
        }
    }

    #[test]
    fn one_that_changes_while_it_is_read_is_refused() {
        let size = PIECE_BYTES as usize + 9;
        let (bucket, store) = bucket_with(vec![1; size]);
        let mut reader = reader(&bucket);
        let mut first = [0; 100];
        reader.read_exact(&mut first).unwrap();
        // Of the same size: only what the server calls it has changed.
        put(&bucket, &store, vec![2; size]);
        let refused = reader.read_to_end(&mut Vec::new()).unwrap_err();
        assert_eq!(refused.to_string(), "the object changed while it was read");
    }

    #[test]
    fn one_that_is_not_there_says_so() {
        let (bucket, _) = bucket_with(Vec::new());
        let address = Address::from_path(FilePath::new("s3://billing/b.csv")).unwrap();
        let mut read = Vec::new();
        let refused = bucket
            .read(address)
            .read_to_end(&mut read)
            .unwrap_err()
            .downcast::<ObjectError>()
            .unwrap();
        assert!(refused.is_missing(), "{refused}");
    }
}
