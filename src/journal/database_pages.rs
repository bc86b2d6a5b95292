//! Knows what each page of a database is.
//!
//! SQLite has pages in memory and goes on with them, whatever another program makes of those on disk. So a process that
//! writes a journal keeps the digest of each page, and what each page may be follows from what its own commits wrote.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::thread;
use std::time::Duration;

use twox_hash::xxhash3_128;

use super::log_file::fill;

pub(super) const DIGEST_BYTES: usize = 16;

/// Identifies the content of a page, with its number.
pub(super) type PageDigest = [u8; DIGEST_BYTES];

/// The size of the pieces in which a database is read, which is a multiple of every size of a page.
const PIECE_BYTES: usize = 1 << 20;

/// The pauses after which a page is read once more that can't be what it is, in milliseconds.
const PAUSES_MS: [u64; 3] = [5, 50, 200];

/// Identifies the content of a whole database: the sum of the digests of all its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DatabaseDigest(u128);

impl DatabaseDigest {
    /// What is recorded of a database that somebody else has touched, so that the next process checks all of it.
    pub(super) const OF_NO_DATABASE: DatabaseDigest = DatabaseDigest(0);

    /// Returns the digest of a database that has this page, too.
    pub(super) fn with(self, page: PageDigest) -> Self {
        DatabaseDigest(self.0.wrapping_add(u128::from_be_bytes(page)))
    }

    pub(super) fn from_bytes(bytes: [u8; DIGEST_BYTES]) -> Self {
        DatabaseDigest(u128::from_be_bytes(bytes))
    }

    pub(super) fn to_bytes(self) -> [u8; DIGEST_BYTES] {
        self.0.to_be_bytes()
    }
}

/// Holds what each page of a database is, at 16 bytes a page.
#[derive(Clone, Debug)]
pub(super) struct DatabasePages {
    /// By the number of the page less 1.
    digests: Vec<PageDigest>,
    page_bytes: usize,
}

impl DatabasePages {
    /// Reads a database as it is without its log; `None` if it is none.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub(super) fn read(mut database: &File) -> io::Result<Option<Self>> {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let (mut digests, mut number, mut page_bytes) = (Vec::new(), 0, 0);
        database.seek(SeekFrom::Start(0))?;
        loop {
            piece.clear();
            database.take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
            if piece.is_empty() {
                let pages = DatabasePages {
                    digests,
                    page_bytes,
                };
                return Ok((number > 0).then_some(pages));
            }
            if number == 0 {
                page_bytes = page_bytes_of(&piece);
            }
            if page_bytes == 0 || !piece.len().is_multiple_of(page_bytes) {
                return Ok(None);
            }
            for page in piece.chunks_exact(page_bytes) {
                number += 1;
                digests.push(digest(number, page));
            }
        }
    }

    /// Returns what identifies all of them.
    pub(super) fn digest(&self) -> DatabaseDigest {
        let pages = self.digests.iter().copied();
        pages.fold(DatabaseDigest::OF_NO_DATABASE, DatabaseDigest::with)
    }

    /// Returns what a page is; `None` if the database has no such page.
    pub(super) fn get(&self, number: u32) -> Option<PageDigest> {
        let place = usize::try_from(number.checked_sub(1)?).ok()?;
        self.digests.get(place).copied()
    }

    /// Sets what a page is that is in the database already, or the one behind its last.
    ///
    /// Returns `false`, and changes nothing, for one further behind: what is between them is not known.
    pub(super) fn set(&mut self, number: u32, page: PageDigest) -> bool {
        let place = number.saturating_sub(1) as usize;
        if place == self.digests.len() {
            self.digests.push(page);
            return true;
        }
        let known = self.digests.get_mut(place);
        known.map(|known| *known = page).is_some()
    }

    /// Returns the number of pages.
    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.digests.len()).unwrap_or(u32::MAX)
    }

    /// Keeps the first pages only.
    pub(super) fn truncate(&mut self, pages: u32) {
        self.digests.truncate(pages as usize);
    }

    /// Returns the numbers of the pages of a database that can't be what they are, or that it lacks. `may_be` judges a
    /// page by its number, by what it was and by what it is.
    ///
    /// # Errors
    ///
    /// The database can't be read.
    pub(super) fn unexpected_in(
        &self,
        database: &File,
        may_be: impl Fn(u32, Option<PageDigest>, Option<PageDigest>) -> bool,
    ) -> io::Result<Vec<u32>> {
        let found =
            DatabasePages::read(database)?.filter(|found| found.page_bytes == self.page_bytes);
        let numbers = 1..=self.count().max(found.as_ref().map_or(0, Self::count));
        let mut unexpected: Vec<u32> = numbers
            .filter(|&number| {
                let page = found.as_ref().and_then(|found| found.get(number));
                !may_be(number, self.get(number), page)
            })
            .collect();
        for pause_ms in PAUSES_MS {
            if unexpected.is_empty() {
                break;
            }
            // Another program may be moving the log, and have written a page in part.
            thread::sleep(Duration::from_millis(pause_ms));
            let mut still = Vec::new();
            for number in unexpected {
                let page = read_page(database, number, self.page_bytes)?;
                if !may_be(number, self.get(number), page) {
                    still.push(number);
                }
            }
            unexpected = still;
        }
        Ok(unexpected)
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

/// Reads the digest of one page; `None` if the database has no such page.
///
/// # Errors
///
/// The database can't be read.
pub(super) fn read_page(
    mut database: &File,
    number: u32,
    page_bytes: usize,
) -> io::Result<Option<PageDigest>> {
    let mut page = vec![0; page_bytes];
    let place = u64::from(number.saturating_sub(1)).saturating_mul(page_bytes as u64);
    database.seek(SeekFrom::Start(place))?;
    Ok(fill(&mut database, &mut page)?.then(|| digest(number, &page)))
}

/// Returns the digest of a page: against accidents, and fast, since every page of the database is read before anything is
/// sent.
pub(super) fn digest(number: u32, page: &[u8]) -> PageDigest {
    xxhash3_128::Hasher::oneshot_with_seed(number.into(), page).to_be_bytes()
}
