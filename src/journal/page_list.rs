//! Proves that a database is whole without its log.
//!
//! Any program that opens a journal as an SQLite database may move its log into the database and delete it. That
//! looks like a log that was lost, and a move that was cut off leaves a database of which some pages are newer than
//! others. So the commit record lists what each page has been that was written since the database was last whole by
//! itself, in order: what it was in the database, and what each commit made of it. Where the log is gone, the pages are
//! compared with the list.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::database_pages::{
    DIGEST_BYTES, DatabaseDigest, DatabasePages, PageDigest, digest, read_page,
};
use super::files::{self, beside};
use super::log_file::{Frame, big_endian, fill};

/// The place of the list in the commit record, behind its two slots.
const PLACE: u64 = 8192;
/// The number of a page, and the digest of what it was.
const ENTRY_BYTES: usize = 4 + DIGEST_BYTES;
/// The most entries that are kept: a log with more pages is a large record that is moved at once, or one that
/// somebody has read for hours.
const MOST_ENTRIES: usize = 100_000;
/// The number, where that of a page would be, of an entry that says how many pages are left.
const CUT: u32 = 0;

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
    /// The fewest pages that a commit has left the database with, if it has cut any off.
    cut_to: Option<u32>,
    /// The number of pages that the database has after the last commit.
    database_pages: Option<u32>,
    page_bytes: usize,
    entries: usize,
    digest: Sha256,
}

impl PageList {
    /// Adds the frames of commits, and writes them behind the list in the record. The caller puts that on disk together
    /// with the end that this returns. `was` is what the database was when it was last whole by itself, if that is
    /// known.
    pub(super) fn add(
        &mut self,
        record: &mut File,
        was: Option<&DatabasePages>,
        frames: impl FnOnce(&mut dyn FnMut(Frame<'_>)) -> io::Result<()>,
    ) -> io::Result<ListEnd> {
        let before = self.entries;
        let mut bytes = Vec::new();
        frames(&mut |frame| {
            if self.is_kept() {
                self.add_frame(was, frame, &mut bytes);
            }
        })?;
        if self.is_kept() {
            record.seek(SeekFrom::Start(PLACE + (before * ENTRY_BYTES) as u64))?;
            record.write_all(&bytes)?;
            self.digest.update(&bytes);
        }
        Ok(self.end())
    }

    fn add_frame(&mut self, was: Option<&DatabasePages>, frame: Frame<'_>, bytes: &mut Vec<u8>) {
        let number = frame.page_number;
        self.page_bytes = frame.page.len();
        let mut add = |number: u32, digest: PageDigest| {
            bytes.extend(number.to_be_bytes());
            bytes.extend(digest);
            self.entries += 1;
        };
        let versions = self.pages.entry(number).or_default();
        if versions.is_empty()
            && let Some(before) = was.and_then(|was| was.get(number))
        {
            versions.push(before);
            add(number, before);
        }
        let written = digest(number, frame.page);
        versions.push(written);
        add(number, written);
        let Some(left) = frame.database_pages else {
            return;
        };
        let was_pages = self.database_pages.or(was.map(DatabasePages::count));
        self.database_pages = Some(left);
        if was_pages.is_some_and(|pages| left < pages) {
            let mut size = PageDigest::default();
            size[..4].copy_from_slice(&left.to_be_bytes());
            add(CUT, size);
            self.cut(left);
        }
    }

    /// Forgets the pages behind the first ones.
    fn cut(&mut self, left: u32) {
        self.pages.split_off(&left.saturating_add(1));
        self.cut_to = Some(self.cut_to.map_or(left, |before| before.min(left)));
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
            page_bytes: end.page_bytes as usize,
            entries,
            digest: Sha256::new_with_prefix(&bytes),
            ..PageList::default()
        };
        for entry in bytes.chunks_exact(ENTRY_BYTES) {
            let mut digest = PageDigest::default();
            digest.copy_from_slice(&entry[4..]);
            match big_endian(entry, 0) {
                CUT => list.cut(big_endian(entry, 4)),
                number => list.pages.entry(number).or_default().push(digest),
            }
        }
        Ok((list.end() == end).then_some(list))
    }

    /// Returns `true` if a database has each page as it was listed last; `false` too if no list was kept.
    pub(super) fn are_all_in(&self, database: &File, unlisted: Unlisted) -> io::Result<bool> {
        if !self.is_kept() {
            return Ok(false);
        }
        for (&number, versions) in &self.pages {
            let Some(found) = read_page(database, number, self.page_bytes)? else {
                return Ok(false);
            };
            let is_newer = unlisted == Unlisted::Newer && !versions.contains(&found);
            if versions.last() != Some(&found) && !is_newer {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Returns `true` if a page of a database, into which a part of the log may have been moved, can be this by what the
    /// commits wrote. `was` is what the page was when the database was last whole by itself; `None` says that there is, or
    /// was, no such page.
    pub(super) fn may_have_made(
        &self,
        number: u32,
        was: Option<PageDigest>,
        found: Option<PageDigest>,
    ) -> bool {
        // Whether the rest of a database is cut off at once, and what is there till then, counts for nobody.
        if self.cut_to.is_some_and(|left| number > left) {
            return true;
        }
        match (self.pages.get(&number), found) {
            (Some(versions), Some(found)) => versions.contains(&found) || was == Some(found),
            (None, Some(found)) => was.is_none_or(|was| was == found),
            (_, None) => was.is_none(),
        }
    }

    /// Returns `true` if a database is one with this digest, but for pages that are another of their versions in the list.
    pub(super) fn is_in_part_in(&self, found: &DatabasePages, was: DatabaseDigest) -> bool {
        if !self.is_kept() {
            return false;
        }
        let mut before = DatabaseDigest::OF_NO_DATABASE;
        let mut is_found = false;
        for number in 1..=found.count() {
            let page = found.get(number);
            let versions = self.pages.get(&number);
            if versions.is_some_and(|versions| !page.is_some_and(|page| versions.contains(&page))) {
                return false;
            }
            let first = versions.and_then(|versions| versions.first()).copied();
            before = first.or(page).map_or(before, |page| before.with(page));
            // How many pages it had is not known: those behind them are new.
            is_found |= before == was;
        }
        is_found
    }

    /// Makes what a database was what it is once all pages are in it. Returns `false` if that does not follow, so that it
    /// has to be read.
    pub(super) fn apply_to(&self, database: &mut DatabasePages) -> bool {
        if let Some(left) = self.cut_to {
            database.truncate(left);
        }
        let last = |versions: &[PageDigest]| versions.last().copied();
        let mut pages = self.pages.iter();
        self.is_kept()
            && pages.all(|(number, versions)| {
                last(versions).is_some_and(|page| database.set(*number, page))
            })
            && self
                .database_pages
                .is_none_or(|pages| pages == database.count())
    }

    /// Returns `true` if the list was kept since the database was last whole by itself.
    pub(super) fn is_kept(&self) -> bool {
        self.entries <= MOST_ENTRIES
    }
}

fn first_bytes(sum: Sha256) -> PageDigest {
    let mut digest = PageDigest::default();
    digest.copy_from_slice(&sum.finalize()[..DIGEST_BYTES]);
    digest
}
