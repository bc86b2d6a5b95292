//! Reads files whole, each up to a size that no sound one comes near to.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The limit for an API key, with all that somebody may have written around it.
pub(crate) const KEY_BYTES: u64 = 64 << 10;
/// The limit for a configuration or a profile.
pub(crate) const SETTINGS_BYTES: u64 = 4 << 20;
/// The limit for certificates of authorities.
pub(crate) const CERTIFICATES_BYTES: u64 = 4 << 20;
/// The limit for the sales of refunds, or rates: a million lines and more.
pub(crate) const TABLE_BYTES: u64 = 64 << 20;
/// The limit for a report that is handed back, or the last audit.
pub(crate) const REPORT_BYTES: u64 = 256 << 20;

/// Reads a file that gives an error if it is larger than allowed. This includes a device or a pipe without an
/// end.
#[derive(Debug)]
pub(crate) struct Bounded<R> {
    inner: R,
    left: u64,
    most: u64,
}

impl Bounded<File> {
    /// Opens a file of at most `most` bytes.
    pub(crate) fn open(path: &Path, most: u64) -> io::Result<Self> {
        let file = File::open(path)?;
        // A file with a known size is refused before any of it is read.
        match file.metadata() {
            Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if found.is_file() && found.len() > most => Err(too_large(most)),
            _ => Ok(Bounded::new(file, most)),
        }
    }
}

impl<R: Read> Bounded<R> {
    pub(crate) fn new(inner: R, most: u64) -> Self {
        let left = most;
        Bounded { inner, left, most }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| too_large(self.most))?;
        Ok(read)
    }
}

/// Reads a file of at most `most` bytes.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Bounded::open(path, most)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a text of at most `most` bytes.
pub(crate) fn read_text(path: &Path, most: u64) -> io::Result<String> {
    String::from_utf8(read(path, most)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not text in UTF-8"))
}

fn too_large(most: u64) -> io::Error {
    let size = match most {
        ..1_048_576 => format!("{} KiB", most >> 10),
        1_048_576..1_073_741_824 => format!("{} MiB", most >> 20),
        _ => format!("{} GiB", most >> 30),
    };
    io::Error::new(
        io::ErrorKind::FileTooLarge,
        format!("it is larger than {size}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_larger_than_it_may_be_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![b'a'; 4096]).unwrap();
        assert_eq!(read_text(file.path(), 4096).unwrap().len(), 4096);
        let error = read_text(file.path(), 4095).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 3 KiB");
        let mut endless = Bounded::new(io::repeat(0), 1 << 20);
        let error = io::copy(&mut endless, &mut io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 1 MiB");
        std::fs::write(file.path(), b"\xff").unwrap();
        let error = read_text(file.path(), 4096).unwrap_err();
        assert_eq!(error.to_string(), "it is not text in UTF-8");
    }
}
