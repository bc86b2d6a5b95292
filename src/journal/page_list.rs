//! Proves that a database is whole without its log.
//!
//! Any program that opens a journal as an SQLite database may move its log into the database and delete it. That
//! looks like a log that was lost, and a move that was cut off leaves a database of which some pages are newer than
//! others. So the commit record lists what each page has been that was written since the database was last whole by
//! itself, in order: what it was in the database, and what each commit made of it. Where the log is gone, the pages are
//! compared with the list.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};
use twox_hash::xxhash3_128;

use super::files::{self, beside};
use super::log_file::{Frame, big_endian, fill};

/// The place of the list in the commit record, behind its two slots.
const PLACE: u64 = 8192;
/// The number of a page, and the digest of what it was.
const ENTRY_BYTES: usize = 4 + DIGEST_BYTES;
const DIGEST_BYTES: usize = 16;
/// The most entries that are kept: a log with more pages is a large record that is moved at once, or one that
/// somebody has read for hours.
const MOST_ENTRIES: usize = 100_000;
/// The number, where that of a page would be, of an entry that says how many pages are left.
const CUT: u32 = 0;

type PageDigest = [u8; DIGEST_BYTES];

/// The size of the pieces in which a database is read, which is a multiple of every size of a page.
const PIECE_BYTES: usize = 1 << 20;

/// Identifies the content of a whole database: the sum of the digests of all its pages, so that what a commit makes of
/// it follows from the pages that it writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DatabaseDigest(u128);

impl DatabaseDigest {
    /// What is recorded of a database that somebody else has touched, so that the next process checks all of it.
    pub(super) const OF_NO_DATABASE: DatabaseDigest = DatabaseDigest(0);

    /// Reads a database as it is without its log; `None` if it is none.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub(super) fn read(mut database: &File) -> io::Result<Option<Self>> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let (mut sum, mut number, mut page_bytes) = (0_u128, 0, 0);
        database.seek(SeekFrom::Start(0))?;
        loop {
            piece.clear();
            database.take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            if piece.is_empty() {
                return Ok((number > 0).then_some(DatabaseDigest(sum)));
            }
            if number == 0 {
                page_bytes = page_bytes_of(&piece);
            }
            if page_bytes == 0 || !piece.len().is_multiple_of(page_bytes) {
                return Ok(None);
            }
            for page in piece.chunks_exact(page_bytes) {
                number += 1;
                sum = sum.wrapping_add(u128::from_be_bytes(digest(number, page)));
            }
        }
    }

    pub(super) fn from_bytes(bytes: [u8; DIGEST_BYTES]) -> Self {
        DatabaseDigest(u128::from_be_bytes(bytes))
    }

    pub(super) fn to_bytes(self) -> [u8; DIGEST_BYTES] {
        self.0.to_be_bytes()
    }

    fn replace(&mut self, before: Option<PageDigest>, after: PageDigest) {
        let value = |digest: PageDigest| u128::from_be_bytes(digest);
        self.0 = self.0.wrapping_sub(before.map_or(0, value));
        self.0 = self.0.wrapping_add(value(after));
    }
}

/// Returns the size of a page by the header of a database; 0 if it has none.
///
/// Source: <https://sqlite.org/fileformat2.html#page_size>.
fn page_bytes_of(start: &[u8]) -> usize {
    match start.get(16..18) {
        Some([0, 1]) => 65_536,
        Some(&[high, low]) => {
            let bytes = usize::from(u16::from_be_bytes([high, low]));
            if bytes.is_power_of_two() { bytes } else { 0 }
        }
        _ => 0,
    }
}

/// Says which part of the list counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ListEnd {
    /// The number of entries.
    pub(super) entries: u32,
    /// The size of a page in bytes; 0 while there is no entry.
    pub(super) page_bytes: u32,
    /// The first bytes of the SHA-256 of all entries.
    pub(super) sum: PageDigest,
}

impl ListEnd {
    /// The end of a list that was not kept.
    pub(super) const NOT_KEPT: ListEnd = ListEnd {
        entries: u32::MAX,
        page_bytes: 0,
        sum: [0; DIGEST_BYTES],
    };
}

/// Says what a page may be that is none of those that were listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unlisted {
    /// It is not what it has to be.
    Stale,
    /// It may be what a commit made of it that was not listed, since the process was killed before.
    Newer,
}

/// Keeps the list while the journal is written.
#[derive(Clone, Debug, Default)]
pub(super) struct PageList {
    /// What each page was, in order; it has to be the last one.
    pages: BTreeMap<u32, Vec<PageDigest>>,
    /// The pages that the database had when they were listed first; the others are new.
    had: BTreeSet<u32>,
    /// `true` if a commit has left the database with fewer pages.
    is_cut: bool,
    page_bytes: usize,
    entries: usize,
    digest: Sha256,
}

impl PageList {
    /// Adds the frames of commits, and writes them behind the list in the record. The caller puts that on disk together
    /// with the end that this returns.
    pub(super) fn add(
        &mut self,
        record: &mut File,
        database: &File,
        frames: impl FnOnce(&mut dyn FnMut(Frame<'_>)) -> io::Result<()>,
    ) -> io::Result<ListEnd> {
        let before = self.entries;
        let mut bytes = Vec::new();
        let mut failed = Ok(());
        frames(&mut |frame| {
            if failed.is_ok() && self.is_kept() {
                failed = self.add_frame(database, frame, &mut bytes);
            }
        })?;
        failed?;
        if self.is_kept() {
            record.seek(SeekFrom::Start(PLACE + (before * ENTRY_BYTES) as u64))?;
            record.write_all(&bytes)?;
            self.digest.update(&bytes);
        }
        Ok(self.end())
    }

    fn add_frame(
        &mut self,
        mut database: &File,
        frame: Frame<'_>,
        bytes: &mut Vec<u8>,
    ) -> io::Result<()> {
        let number = frame.page_number;
        self.page_bytes = frame.page.len();
        let mut add = |number: u32, digest: PageDigest| {
            bytes.extend(number.to_be_bytes());
            bytes.extend(digest);
            self.entries += 1;
        };
        let versions = self.pages.entry(number).or_default();
        if versions.is_empty() {
            let mut page = vec![0; frame.page.len()];
            database.seek(place_of(number, page.len()))?;
            if fill(&mut database, &mut page)? {
                let found = digest(number, &page);
                self.had.insert(number);
                versions.push(found);
                add(number, found);
            }
        }
        let written = digest(number, frame.page);
        versions.push(written);
        add(number, written);
        let last = self.pages.last_key_value().map_or(0, |(last, _)| *last);
        if let Some(left) = frame.database_pages.filter(|left| *left < last) {
            self.pages.split_off(&(left + 1));
            self.is_cut = true;
            let mut size = PageDigest::default();
            size[..4].copy_from_slice(&left.to_be_bytes());
            add(CUT, size);
        }
        Ok(())
    }

    fn end(&self) -> ListEnd {
        match (u32::try_from(self.entries), u32::try_from(self.page_bytes)) {
            (Ok(entries), Ok(page_bytes)) if self.is_kept() => ListEnd {
                entries,
                page_bytes,
                sum: first_bytes(self.digest.clone()),
            },
            _ => ListEnd::NOT_KEPT,
        }
    }

    /// Reads the list from the record; `None` if none was kept, or it is not as it was written.
    pub(super) fn read(journal: &Path, end: ListEnd) -> io::Result<Option<PageList>> {
        if end == ListEnd::default() {
            return Ok(Some(PageList::default()));
        }
        let entries = end.entries as usize;
        if entries > MOST_ENTRIES || end.page_bytes == 0 {
            return Ok(None);
        }
        let mut record = File::open(beside(journal, files::COMMITS))?;
        record.seek(SeekFrom::Start(PLACE))?;
        let mut bytes = vec![0; entries * ENTRY_BYTES];
        if !fill(&mut record, &mut bytes)? {
            return Ok(None);
        }
        let mut list = PageList {
            pages: BTreeMap::new(),
            had: BTreeSet::new(),
            is_cut: true,
            page_bytes: end.page_bytes as usize,
            entries,
            digest: Sha256::new_with_prefix(&bytes),
        };
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            let mut digest = PageDigest::default();
            digest.copy_from_slice(&entry[4..]);
            match big_endian(entry, 0) {
                CUT => drop(
                    list.pages
                        .split_off(&big_endian(entry, 4).saturating_add(1)),
                ),
                number => list.pages.entry(number).or_default().push(digest),
            }
        }
        Ok((list.end() == end).then_some(list))
    }

    /// Returns `true` if a database has each page as it was listed last; `false` too if no list was kept.
    pub(super) fn are_all_in(&self, mut database: &File, unlisted: Unlisted) -> io::Result<bool> {
        if !self.is_kept() {
            return Ok(false);
        }
        let mut page = vec![0; self.page_bytes];
        for (&number, versions) in &self.pages {
            database.seek(place_of(number, page.len()))?;
            if !fill(&mut database, &mut page)? {
                return Ok(false);
            }
            let found = digest(number, &page);
            let is_newer = unlisted == Unlisted::Newer && !versions.contains(&found);
            if versions.last() != Some(&found) && !is_newer {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns what a database is once all pages are in it, if that follows from what it was; `None` if it has to be
    /// read.
    pub(super) fn applied_to(&self, mut database: DatabaseDigest) -> Option<DatabaseDigest> {
        if !self.is_kept() || self.is_cut {
            return None;
        }
        for (number, versions) in &self.pages {
            let before = versions.first().filter(|_| self.had.contains(number));
            database.replace(before.copied(), *versions.last()?);
        }
        Some(database)
    }

    /// Returns `true` if the list was kept since the database was last whole by itself.
    pub(super) fn is_kept(&self) -> bool {
        self.entries <= MOST_ENTRIES
    }
}

fn place_of(number: u32, page_bytes: usize) -> SeekFrom {
    SeekFrom::Start(u64::from(number.saturating_sub(1)).saturating_mul(page_bytes as u64))
}

/// Returns the digest of a page: against accidents, and fast, since every page of the database is read before anything is
/// sent.
fn digest(number: u32, page: &[u8]) -> PageDigest {
    xxhash3_128::Hasher::oneshot_with_seed(number.into(), page).to_be_bytes()
}

fn first_bytes(sum: Sha256) -> PageDigest {
    let mut digest = PageDigest::default();
    digest.copy_from_slice(&sum.finalize()[..DIGEST_BYTES]);
    digest
}
