//! Proves that a database is whole after another program has moved the rest of its log.
//!
//! A run that ends while somebody reads the journal can move a part of the log only. If it is an ordinary reader of
//! SQLite's, it moves the rest when it closes the journal, and deletes the log. That looks like a log that was lost
//! while it was moved. So a run that leaves such a log leaves beside the commit record what each page of it has to
//! be.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::files::{self, beside};
use super::log_file::{LogEnd, big_endian};

/// The place in the commit record behind its two slots.
const PLACE: u64 = 8192;
const MAGIC: [u8; 8] = *b"FPRMVD01";
const HEAD_BYTES: usize = 32;
/// The number and the digest of a page.
const ENTRY_BYTES: usize = 4 + DIGEST_BYTES;
const DIGEST_BYTES: usize = 16;
const SUM_BYTES: usize = 32;
/// The most pages that are listed: a log with more is one that somebody has read for hours.
const MOST_PAGES: usize = 100_000;

type PageDigest = [u8; DIGEST_BYTES];

/// Lists the pages of a log in the record, and puts that on disk.
pub(super) fn list(journal: &Path, log: &LogEnd, record: &mut File) -> io::Result<()> {
    let mut pages: BTreeMap<u32, PageDigest> = BTreeMap::new();
    let mut page_bytes = 0;
    log.for_each_page(journal, |number, page| {
        page_bytes = page.len();
        pages.insert(number, digest(page));
    })?;
    if pages.len() > MOST_PAGES {
        return Ok(());
    }
    let count = u32::try_from(pages.len()).unwrap_or(u32::MAX);
    let mut bytes = Vec::with_capacity(HEAD_BYTES + pages.len() * ENTRY_BYTES + SUM_BYTES);
    bytes.extend(MAGIC);
    bytes.extend(log.salts);
    bytes.extend(log.frames.to_be_bytes());
    bytes.extend(u32::try_from(page_bytes).unwrap_or(0).to_be_bytes());
    bytes.extend(count.to_be_bytes());
    bytes.extend([0; 4]);
    for (number, digest) in pages {
        bytes.extend(number.to_be_bytes());
        bytes.extend(digest);
    }
    bytes.extend(Sha256::digest(&bytes));
    record.seek(SeekFrom::Start(PLACE))?;
    record.write_all(&bytes)?;
    record.sync_all()
}

/// Returns `true` if there is no log, and the database has each page of the one that was listed.
pub(super) fn are_all_in(journal: &Path, log: &LogEnd) -> io::Result<bool> {
    match beside(journal, "-wal").metadata() {
        Ok(found) if found.len() > 0 => return Ok(false),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let Some((page_bytes, pages)) = listed(journal, log)? else {
        return Ok(false);
    };
    let mut database = File::open(journal)?;
    let mut page = vec![0; page_bytes];
    for entry in pages.chunks_exact(ENTRY_BYTES) {
        let number = u64::from(big_endian(entry, 0));
        let place = number.saturating_sub(1).saturating_mul(page_bytes as u64);
        database.seek(SeekFrom::Start(place))?;
        match database.read_exact(&mut page) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            read => read?,
        }
        if digest(&page) != entry[4..] {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the size of a page and the list that was left for this log, if it is whole.
fn listed(journal: &Path, log: &LogEnd) -> io::Result<Option<(usize, Vec<u8>)>> {
    let mut record = File::open(beside(journal, files::COMMITS))?;
    record.seek(SeekFrom::Start(PLACE))?;
    let most = HEAD_BYTES + MOST_PAGES * ENTRY_BYTES + SUM_BYTES;
    let mut bytes = Vec::new();
    record.take(most as u64).read_to_end(&mut bytes)?;
    if bytes.len() < HEAD_BYTES + SUM_BYTES || bytes[..8] != MAGIC {
        return Ok(None);
    }
    // A list that was longer may have left its end behind this one.
    let end = HEAD_BYTES + big_endian(&bytes, 24) as usize * ENTRY_BYTES;
    let is_of_log = bytes[8..16] == log.salts && big_endian(&bytes, 16) == log.frames;
    let sum = bytes.get(end..end + SUM_BYTES);
    if !is_of_log || sum != Some(Sha256::digest(&bytes[..end.min(bytes.len())]).as_slice()) {
        return Ok(None);
    }
    let page_bytes = big_endian(&bytes, 20) as usize;
    Ok((page_bytes > 0).then(|| (page_bytes, bytes[HEAD_BYTES..end].to_vec())))
}

fn digest(page: &[u8]) -> PageDigest {
    let mut digest = [0; DIGEST_BYTES];
    digest.copy_from_slice(&Sha256::digest(page)[..DIGEST_BYTES]);
    digest
}
