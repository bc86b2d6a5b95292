//! Reads SQLite's write-ahead log as bytes, since SQLite drops everything after the first damaged frame
//! without a message.
//!
//! Source: <https://sqlite.org/fileformat2.html#the_write_ahead_log> and <https://sqlite.org/walformat.html>.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::files::beside;
#[cfg(unix)]
use super::lock;

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
    /// Opens the index of a journal that is open and has been read, and keeps other programs from moving the log.
    pub(super) fn open(journal: &Path) -> io::Result<LogIndex> {
        let mut options = OpenOptions::new();
        let index = LogIndex {
            index: options
                .read(true)
                .write(true)
                .open(beside(journal, "-shm"))?,
            log: File::open(beside(journal, "-wal"))?,
        };
        index.keep()?;
        Ok(index)
    }

    /// Keeps other programs from moving the log, until SQLite moves it for this process.
    #[cfg(unix)]
    pub(super) fn keep(&self) -> io::Result<()> {
        lock::hold_log(&self.index)
    }

    /// Lets other programs move the log, as on a file system that has no locks.
    #[cfg(all(unix, test))]
    pub(super) fn release(&self) {
        lock::release_log(&self.index);
    }

    /// Does nothing: other systems have other locks; a log that another program moved is noticed afterwards.
    #[cfg(not(unix))]
    pub(super) fn keep(&self) -> io::Result<()> {
        Ok(())
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
        let mut header = [0; HEADER_BYTES];
        self.log.seek(SeekFrom::Start(0))?;
        Ok(fill(&mut self.log, &mut header)? && header[16..24] == end.salts)
    }

    /// Runs a function for each frame behind the first `after` ones, up to an end that [`LogIndex::end`] returned.
    ///
    /// # Errors
    ///
    /// The log can't be read, or its frames are those of another log.
    pub(super) fn for_each_frame(
        &mut self,
        after: u32,
        end: &LogEnd,
        work: &mut dyn FnMut(Frame<'_>),
    ) -> io::Result<()> {
        if after >= end.frames {
            return Ok(());
        }
        let not_its_own = || io::Error::other("its frames are not those that were written");
        let mut header = [0; HEADER_BYTES];
        self.log.seek(SeekFrom::Start(0))?;
        self.log.read_exact(&mut header)?;
        let page_bytes = page_bytes_in(&header).ok_or_else(not_its_own)?;
        let frame_bytes = FRAME_HEADER_BYTES + page_bytes;
        let place = HEADER_BYTES as u64 + u64::from(after) * frame_bytes as u64;
        self.log.seek(SeekFrom::Start(place))?;
        let mut log = BufReader::with_capacity(1 << 16, &self.log);
        let mut frame = vec![0; frame_bytes];
        for _ in after..end.frames {
            log.read_exact(&mut frame)?;
            if frame[8..16] != end.salts {
                return Err(not_its_own());
            }
            work(Frame::from_bytes(&frame));
        }
        Ok(())
    }
}

/// Holds what a frame of the log says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'l> {
    /// The number of the page, from 1.
    pub(super) page_number: u32,
    /// The number of pages that the database has after the commit that this frame ends, if it ends one.
    pub(super) database_pages: Option<u32>,
    pub(super) page: &'l [u8],
}

impl Frame<'_> {
    fn from_bytes(bytes: &[u8]) -> Frame<'_> {
        Frame {
            page_number: big_endian(bytes, 0),
            database_pages: Some(big_endian(bytes, 4)).filter(|pages| *pages > 0),
            page: &bytes[FRAME_HEADER_BYTES..],
        }
    }
}

/// Returns the size of a page by the header of a log, if it is one that SQLite has.
fn page_bytes_in(header: &[u8; HEADER_BYTES]) -> Option<usize> {
    let bytes = big_endian(header, 8) as usize;
    let is_size = bytes.is_power_of_two() && (512..=MAX_PAGE_BYTES).contains(&bytes);
    is_size.then_some(bytes)
}

impl LogEnd {
    /// The end of a log that was not recorded.
    pub(super) const UNKNOWN: LogEnd = LogEnd {
        salts: [0; 8],
        frames: u32::MAX,
    };

    /// Returns `true` if the log of a journal still has all frames up to here as they were written.
    pub(super) fn is_intact(&self, journal: &Path) -> io::Result<bool> {
        Ok(self.frames == 0 || self.is_followed_by_another(journal, 0)?.is_some())
    }

    /// Returns `true` if the log of a journal has a commit behind this one that does not write a page; `None` if it does
    /// not have all frames up to here as they were written.
    pub(super) fn is_followed_by_another(
        &self,
        journal: &Path,
        page: u32,
    ) -> io::Result<Option<bool>> {
        match File::open(beside(journal, "-wal")) {
            Ok(file) => self.is_followed_in(BufReader::with_capacity(1 << 18, file), page),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_followed_in(&self, mut log: impl Read, page: u32) -> io::Result<Option<bool>> {
        let mut header = [0; HEADER_BYTES];
        if !fill(&mut log, &mut header)? {
            return Ok(None);
        }
        let endianness = match big_endian(&header, 0) {
            0x377f_0682 => Endianness::Little,
            0x377f_0683 => Endianness::Big,
            _ => return Ok(None),
        };
        let mut sum = Checksum {
            endianness,
            halves: [0, 0],
        };
        sum.add(&header[..24]);
        let Some(page_bytes) = page_bytes_in(&header) else {
            return Ok(None);
        };
        // A log of which nothing was recorded may be any one.
        let salts = &header[16..24];
        if !sum.is_at(&header, 24) || self.frames > 0 && *salts != self.salts {
            return Ok(None);
        }
        let mut bytes = vec![0; FRAME_HEADER_BYTES + page_bytes];
        let (mut frames, mut has_page, mut is_followed) = (0, false, false);
        while fill(&mut log, &mut bytes)? && bytes[8..16] == *salts {
            sum.add(&bytes[..8]);
            sum.add(&bytes[FRAME_HEADER_BYTES..]);
            if !sum.is_at(&bytes, 16) {
                break;
            }
            frames += 1;
            let frame = Frame::from_bytes(&bytes);
            has_page |= frame.page_number == page;
            if frame.database_pages.is_some() {
                is_followed |= frames > self.frames && !has_page;
                has_page = false;
            }
        }
        Ok((frames >= self.frames).then_some(is_followed))
    }
}

/// Fills a buffer; returns whether there were enough bytes.
pub(super) fn fill(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
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
