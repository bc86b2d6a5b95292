//! The raw bytes of a file, hashed on their way past.

use std::fmt::Write as _;
use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::encoding::HEAD_BYTES;

/// Raw bytes, with the hash and the number of those that went by.
pub(super) struct Source {
    raw: Box<dyn Read + Send>,
    /// The beginning of the text, looked at already and not yet read.
    head: io::Cursor<Vec<u8>>,
    hash: Sha256,
    bytes: u64,
}

impl Source {
    /// Opens a source and reads its beginning.
    pub(super) fn new(raw: Box<dyn Read + Send>) -> io::Result<Self> {
        let mut source = Source {
            raw,
            head: io::Cursor::default(),
            hash: Sha256::new(),
            bytes: 0,
        };
        let mut head = vec![0; HEAD_BYTES];
        let mut filled = 0;
        while filled < head.len() {
            match source.read_raw(&mut head[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        head.truncate(filled);
        source.head = io::Cursor::new(head);
        Ok(source)
    }

    /// The beginning, and whether it is the whole.
    pub(super) fn head(&self) -> (&[u8], bool) {
        let head = self.head.get_ref().as_slice();
        (head, head.len() < HEAD_BYTES)
    }

    /// Leaves out the first bytes of the beginning.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.head.set_position(bytes as u64);
    }

    /// How many raw bytes have been read.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// SHA-256 of the raw bytes read so far, in lower-case hexadecimal.
    pub(super) fn sha256(&self) -> String {
        let mut hex = String::with_capacity(64);
        for byte in self.hash.clone().finalize() {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    fn read_raw(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.raw.read(buffer) {
                Ok(read) => {
                    self.hash.update(&buffer[..read]);
                    self.bytes += read as u64;
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.head.read(buffer)? {
            0 => self.read_raw(buffer),
            read => Ok(read),
        }
    }
}
