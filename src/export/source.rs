//! Hashes the raw bytes of a file, and looks at the first of them before they are read.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::error::Fault;

/// The number of bytes at the start of a file that decide its format.
const HEAD_BYTES: usize = 64 * 1024;

/// A reader of raw bytes that hashes and counts them.
pub(super) struct HashingReader {
    raw: Box<dyn Read + Send>,
    hash: Sha256,
    bytes: u64,
    is_at_end: bool,
    /// The reason why reading failed. It is kept here because not every decompressor passes an
    /// error on.
    failure: Option<Fault>,
}

impl HashingReader {
    pub(super) fn new(raw: Box<dyn Read + Send>) -> Self {
        HashingReader {
            raw,
            hash: Sha256::new(),
            bytes: 0,
            is_at_end: false,
            failure: None,
        }
    }

    /// Returns the number of raw bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Returns the SHA-256 of the raw bytes read so far, in lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        let mut hex = String::with_capacity(64);
        for byte in self.hash.clone().finalize() {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Returns `true` if the end of the file was reached.
    pub(super) fn is_at_end(&self) -> bool {
        self.is_at_end
    }

    /// Returns the reason why reading failed, if it did.
    pub(super) fn take_failure(&mut self) -> Option<Fault> {
        self.failure.take()
    }
}

impl Read for HashingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.raw.read(buffer) {
                Ok(read) => {
                    self.is_at_end |= read == 0 && !buffer.is_empty();
                    self.hash.update(&buffer[..read]);
                    self.bytes += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(Fault::from(error));
                    return Err(io::Error::other("the source failed"));
                }
            }
        }
    }
}

/// A reader whose start can be examined before it is read.
pub(super) struct Peeked<R> {
    inner: R,
    head: io::Cursor<Vec<u8>>,
    is_whole: bool,
    /// The error after the start of the file; it is returned when the start has been read.
    error: Option<io::Error>,
}

impl<R: Read> Peeked<R> {
    /// Reads the start of the file. An error in it is returned when it is reached.
    pub(super) fn new(mut inner: R) -> Self {
        let mut head = vec![0; HEAD_BYTES];
        let mut filled = 0;
        let mut error = None;
        while filled < head.len() {
            match inner.read(&mut head[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(failed) => {
                    error = Some(failed);
                    break;
                }
            }
        }
        head.truncate(filled);
        Peeked {
            inner,
            head: io::Cursor::new(head),
            is_whole: filled < HEAD_BYTES && error.is_none(),
            error,
        }
    }

    /// Returns the error at the very start, if there is one.
    pub(super) fn take_first_error(&mut self) -> Option<io::Error> {
        if self.head.get_ref().is_empty() {
            self.error.take()
        } else {
            None
        }
    }

    /// Returns the start, and `true` if it is the whole file.
    pub(super) fn head(&self) -> (&[u8], bool) {
        (self.head.get_ref(), self.is_whole)
    }

    /// Skips the first bytes of the start.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.head.set_position(bytes as u64);
    }

    pub(super) fn inner(&self) -> &R {
        &self.inner
    }

    pub(super) fn inner_mut(&mut self) -> &mut R {
        &mut self.inner
    }
}

impl<R: Read> Read for Peeked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.head.read(buffer)? {
            0 => match self.error.take() {
                Some(error) => Err(error),
                None => self.inner.read(buffer),
            },
            read => Ok(read),
        }
    }
}
