//! Reads SQLite's write-ahead log as bytes, since SQLite drops everything after the first damaged frame
//! without a message.
//!
//! Source: <https://sqlite.org/fileformat2.html#the_write_ahead_log> and <https://sqlite.org/walformat.html>.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::files::beside;

/// Locates the end of the last commit in a log: which log it is, and how many of its frames count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LogEnd {
    /// The salts in the log's header, which change when the log starts anew.
    pub(super) salts: [u8; 8],
    /// The number of frames up to the last commit.
    pub(super) frames: u32,
}

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// The size of the largest page that SQLite has.
const MAX_PAGE_BYTES: usize = 65_536;

/// Reads the index that SQLite keeps of the log while a journal is open.
///
/// SQLite has locks on this file, and the system releases all of a process's locks when any of its
/// descriptors of the file is closed. So it is opened once, and must be dropped after the connection.
#[derive(Debug)]
pub(super) struct LogIndex {
    index: File,
    log: File,
}

impl LogIndex {
    /// Opens the index of a journal that is open and has been read.
    pub(super) fn open(journal: &Path) -> io::Result<LogIndex> {
        Ok(LogIndex {
            index: File::open(beside(journal, "-shm"))?,
            log: File::open(beside(journal, "-wal"))?,
        })
    }

    /// Reads where the log ends now. This is right for the process that writes, between two commits.
    pub(super) fn end(&mut self) -> io::Result<LogEnd> {
        let mut header = [0; 48];
        self.index.seek(SeekFrom::Start(0))?;
        self.index.read_exact(&mut header)?;
        let mut end = LogEnd::default();
        end.salts.copy_from_slice(&header[32..40]);
        let mut frames = [0; 4];
        frames.copy_from_slice(&header[16..20]);
        end.frames = u32::from_ne_bytes(frames);
        Ok(end)
    }

    /// Returns `true` if the log begins as the index says. SQLite does not look: it writes behind what it has
    /// written, also if the file has been emptied since.
    pub(super) fn has_header_of(&mut self, end: &LogEnd) -> io::Result<bool> {
        if end.frames == 0 {
            return Ok(true);
        }
        let mut header = [0; HEADER_BYTES];
        self.log.seek(SeekFrom::Start(0))?;
        Ok(fill(&mut self.log, &mut header)? && header[16..24] == end.salts)
    }
}

impl LogEnd {
    /// The end of a log that there is not.
    pub(super) const NEVER: LogEnd = LogEnd {
        salts: [0xff; 8],
        frames: u32::MAX,
    };

    /// Returns `true` if the log of a journal still has all frames up to here as they were written.
    pub(super) fn is_intact(&self, journal: &Path) -> io::Result<bool> {
        if self.frames == 0 {
            return Ok(true);
        }
        match File::open(beside(journal, "-wal")) {
            Ok(file) => self.is_intact_in(BufReader::with_capacity(1 << 18, file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Runs a function for each frame up to here, with the number of its page and the page.
    pub(super) fn for_each_page(
        &self,
        journal: &Path,
        work: impl FnMut(u32, &[u8]),
    ) -> io::Result<()> {
        let file = File::open(beside(journal, "-wal"))?;
        if self.read_in(BufReader::with_capacity(1 << 18, file), work)? {
            Ok(())
        } else {
            Err(io::Error::other("it is not as it was written"))
        }
    }

    fn is_intact_in(&self, log: impl Read) -> io::Result<bool> {
        self.read_in(log, |_, _| ())
    }

    /// Reads each frame; returns whether all are as they were written.
    fn read_in(&self, mut log: impl Read, mut work: impl FnMut(u32, &[u8])) -> io::Result<bool> {
        let mut header = [0; HEADER_BYTES];
        if !fill(&mut log, &mut header)? {
            return Ok(false);
        }
        let endianness = match big_endian(&header, 0) {
            0x377f_0682 => Endianness::Little,
            0x377f_0683 => Endianness::Big,
            _ => return Ok(false),
        };
        let mut sum = Checksum {
            endianness,
            halves: [0, 0],
        };
        sum.add(&header[..24]);
        let page_bytes = big_endian(&header, 8) as usize;
        let is_page = page_bytes.is_power_of_two() && (512..=MAX_PAGE_BYTES).contains(&page_bytes);
        if !is_page || !sum.is_at(&header, 24) || header[16..24] != self.salts {
            return Ok(false);
        }
        let mut frame = vec![0; FRAME_HEADER_BYTES + page_bytes];
        for _ in 0..self.frames {
            if !fill(&mut log, &mut frame)? || frame[8..16] != self.salts {
                return Ok(false);
            }
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER_BYTES..]);
            if !sum.is_at(&frame, 16) {
                return Ok(false);
            }
            work(big_endian(&frame, 0), &frame[FRAME_HEADER_BYTES..]);
        }
        Ok(true)
    }
}

/// Fills a buffer; returns whether there were enough bytes.
fn fill(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn big_endian(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_be_bytes(word)
}

/// Names the order in which the checksum takes the bytes of a word.
#[derive(Clone, Copy)]
enum Endianness {
    Little,
    Big,
}

/// Computes the running checksum of a log.
struct Checksum {
    endianness: Endianness,
    halves: [u32; 2],
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let [mut first, mut second] = self.halves;
        for pair in bytes.chunks_exact(8) {
            let word = |at: usize| match self.endianness {
                Endianness::Big => big_endian(pair, at),
                Endianness::Little => big_endian(pair, at).swap_bytes(),
            };
            first = first.wrapping_add(word(0)).wrapping_add(second);
            second = second.wrapping_add(word(4)).wrapping_add(first);
        }
        self.halves = [first, second];
    }

    fn is_at(&self, bytes: &[u8], at: usize) -> bool {
        self.halves == [big_endian(bytes, at), big_endian(bytes, at + 4)]
    }
}
