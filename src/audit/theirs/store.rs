//! Listings on disk, beside the journal: kept page by page while they are read, so that reading goes on
//! after an interruption, and whole ones with the time of their fetching, so that an audit can be made
//! again without asking.
//!
//! A file has a line of JSON each: whose listing it is, then of every page its lines and, behind them,
//! that the page is whole. What stands behind the last whole page is forgotten.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::journal::Account;
use crate::private;
use crate::send::{OrderCheck, PageSink, SeenLines};
use crate::tracking::{Listed, Page};

/// Pages that were read longer ago are read again: the rest would be of another time.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);
/// The number at the start of a file's first line; another number means another format.
const FORMAT: u32 = 1;
/// The start of a line that says that a page is whole.
const PAGE_START: &str = r#"{"page":"#;
/// The most bytes of a line: one commission.
const LINE_MOST_BYTES: u64 = 1024 * 1024;

/// The first line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
struct StoreHeader {
    fprecon_listing: u32,
    listing: String,
    api: String,
    base_url: String,
    account_id: String,
}

impl StoreHeader {
    fn new<T: Listed>(account: &Account) -> Self {
        StoreHeader {
            fprecon_listing: FORMAT,
            listing: T::NAME.to_owned(),
            api: account.api.clone(),
            base_url: account.base_url.clone(),
            account_id: account.account_id.clone(),
        }
    }

    fn account(self) -> Account {
        Account {
            api: self.api,
            base_url: self.base_url,
            account_id: self.account_id,
        }
    }
}

/// The line behind the lines of a page.
#[derive(Debug, Deserialize, Serialize)]
struct PageEnd {
    page: u32,
    lines: u64,
    /// The number of all lines of the listing, as the page reports it.
    total: Option<u64>,
    fetched_at: String,
    /// `true` if the page had lines that earlier pages have, which are not kept again.
    #[serde(default)]
    is_repeating: bool,
}

/// Reports why listings can't be kept, or those that are kept can't be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file or its directory can't be used.
    #[error("the list {} can't be used ({doing})", path.display())]
    Io {
        /// The file or the directory.
        path: PathBuf,
        /// The step that failed.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// Somebody is reading the same listing.
    #[error("another audit is fetching {}", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// A line is not what was written.
    #[error("the list {}, line {line}, is damaged: {message}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The number of the line, from 1.
        line: u64,
        /// The reason, in words.
        message: String,
    },
}

impl StoreError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            StoreError::Io { .. } => {
                "check the permissions, and make room on the disk; pages that are there are kept, and the same command goes on"
            }
            StoreError::InUse { .. } => "wait for it, or end it",
            StoreError::Damaged { .. } => "delete it, and fetch it again with `--live`",
        }
    }
}

fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.to_owned();
    move |source| StoreError::Io {
        path,
        doing,
        source,
    }
}

/// A listing that is being read, page by page.
pub struct PartialListing<T> {
    path: PathBuf,
    file: BufWriter<File>,
    directory: PathBuf,
    /// The number of pages that were there when it was opened.
    resumed_pages: u32,
    seen: SeenLines<T>,
    header: StoreHeader,
    /// The time when the last page came.
    fetched_at: Timestamp,
}

impl<T: Listed + Clone + Serialize + DeserializeOwned> PartialListing<T> {
    /// Opens a listing of `account` in `directory`, with the pages that an interrupted reading has left
    /// there; those of another account, or older than a day at `now`, are forgotten.
    ///
    /// # Errors
    ///
    /// The file can't be used, or another audit uses it.
    pub fn open(directory: &Path, account: &Account, now: Timestamp) -> Result<Self, StoreError> {
        private::make_directory(directory).map_err(failed(directory, "creating the directory"))?;
        let path = directory.join(format!(".{}.part", T::NAME));
        let mut options = private::options();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(failed(&path, "opening it"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(StoreError::InUse { path }),
            Err(fs::TryLockError::Error(error)) => return Err(failed(&path, "locking it")(error)),
        }
        let mut reading = PartialListing {
            file: BufWriter::new(file),
            directory: directory.to_owned(),
            resumed_pages: 0,
            seen: SeenLines::default(),
            header: StoreHeader::new::<T>(account),
            fetched_at: now,
            path,
        };
        match reading.take_up(now) {
            Ok(true) => reading.resumed_pages = reading.seen.pages(),
            Ok(false) | Err(StoreError::Damaged { .. }) => {
                let cleared = PageSink::<T>::clear(&mut reading);
                cleared.map_err(failed(&reading.path, "beginning it"))?;
            }
            Err(error) => return Err(error),
        }
        Ok(reading)
    }

    /// Returns the number of pages that an earlier reading has left.
    pub fn resumed_pages(&self) -> u32 {
        self.resumed_pages
    }

    /// Reads what is there; false where it is of no use any more.
    fn take_up(&mut self, now: Timestamp) -> Result<bool, StoreError> {
        let file = self
            .file
            .get_ref()
            .try_clone()
            .map_err(failed(&self.path, "reading it"))?;
        let path = self.path.clone();
        let mut lines = WholeLines::new(&path, file);
        match lines.next_line()? {
            Some(line) if lines.parse::<StoreHeader>(&line)? == self.header => {}
            _ => return Ok(false),
        }
        let (mut whole_bytes, mut page) = (lines.bytes, Vec::<T>::new());
        let mut oldest = None;
        while let Some(line) = lines.next_line()? {
            if !line.starts_with(PAGE_START) {
                page.push(lines.parse(&line)?);
                continue;
            }
            let end: PageEnd = lines.parse(&line)?;
            let at: Timestamp = end
                .fetched_at
                .parse()
                .map_err(|_| lines.damaged("the time of fetching is not valid"))?;
            oldest.get_or_insert(at);
            self.fetched_at = at;
            self.seen.enter(Page {
                lines: std::mem::take(&mut page),
                total: end.total,
            });
            if end.is_repeating {
                self.seen.note_repeats();
            }
            whole_bytes = lines.bytes;
        }
        let is_too_old = oldest.is_some_and(|at| now.duration_since(at) > KEPT_FOR);
        if self.seen.pages() == 0 || is_too_old {
            return Ok(false);
        }
        let file = self.file.get_mut();
        file.set_len(whole_bytes)
            .and_then(|()| file.seek(SeekFrom::Start(whole_bytes)))
            .map_err(failed(&self.path, "reading it"))?;
        Ok(true)
    }

    fn write_page(&mut self, page: &Page<T>, is_new: bool) -> io::Result<()> {
        for line in &page.lines {
            serde_json::to_writer(&mut self.file, line)?;
            self.file.write_all(b"\n")?;
        }
        let end = PageEnd {
            page: self.seen.pages(),
            lines: page.lines.len() as u64,
            total: page.total,
            fetched_at: Timestamp::now().to_string(),
            is_repeating: !is_new,
        };
        serde_json::to_writer(&mut self.file, &end)?;
        self.file.write_all(b"\n")?;
        self.file.flush()?;
        self.file.get_ref().sync_data()
    }

    /// Puts the listing, which is whole now, in its place, named by the time of its last page.
    ///
    /// # Errors
    ///
    /// It can't be put there.
    pub fn finish(self) -> Result<PathBuf, StoreError> {
        let at = self.fetched_at.strftime("%Y-%m-%dT%H%M%SZ");
        let path = self.directory.join(format!("{}-{at}.jsonl", T::NAME));
        fs::rename(&self.path, &path).map_err(failed(&path, "putting it in its place"))?;
        #[cfg(unix)]
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(failed(&self.directory, "putting its names on disk"))?;
        Ok(path)
    }
}

impl<T: Listed + Clone + Serialize + DeserializeOwned> PageSink<T> for PartialListing<T> {
    fn pages(&self) -> u32 {
        self.seen.pages()
    }

    fn lines(&self) -> u64 {
        self.seen.lines()
    }

    fn total(&self) -> Option<u64> {
        self.seen.total()
    }

    fn first(&self) -> Option<&[T]> {
        Some(self.seen.first())
    }

    fn has(&self, line: &T) -> Option<bool> {
        Some(self.seen.has(line))
    }

    fn put(&mut self, page: Page<T>) -> io::Result<bool> {
        let (page, is_new) = self.seen.enter(page);
        self.write_page(&page, is_new)?;
        self.fetched_at = Timestamp::now();
        Ok(is_new)
    }

    fn order(&self) -> OrderCheck {
        self.seen.order()
    }

    fn clear(&mut self) -> io::Result<()> {
        self.seen = SeenLines::default();
        let file = self.file.get_mut();
        file.set_len(0)?;
        file.seek(SeekFrom::Start(0))?;
        serde_json::to_writer(&mut self.file, &self.header)?;
        self.file.write_all(b"\n")?;
        self.file.flush()
    }
}

/// A listing that is kept whole.
#[derive(Clone, Debug)]
pub struct StoredListing<T> {
    /// The file.
    pub path: PathBuf,
    /// The account of the listing.
    pub account: Account,
    /// The time when its last page was fetched.
    pub fetched_at: Timestamp,
    /// The lines of the listing, each with its line in the file.
    pub lines: Vec<(u64, T)>,
}

impl<T> StoredListing<T> {
    /// Returns `true` if it is of the same account as another listing, and was fetched with it or later.
    pub fn is_beside<U>(&self, other: &StoredListing<U>) -> bool {
        self.account == other.account && self.fetched_at >= other.fetched_at
    }
}

/// Returns the listing in `directory` that was fetched last, if there is one.
///
/// # Errors
///
/// It can't be read, or is not what was written.
pub fn latest<T: Listed + DeserializeOwned>(
    directory: &Path,
) -> Result<Option<StoredListing<T>>, StoreError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(directory, "looking for it")(error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(failed(directory, "looking for it"))?;
        let name = entry.file_name();
        if let Some(name) = name.to_str()
            && name.starts_with(&format!("{}-", T::NAME))
            && name.ends_with(".jsonl")
        {
            names.push(name.to_owned());
        }
    }
    // Named by their times, which sort as text.
    let name = names.into_iter().max();
    name.map(|name| read(&directory.join(name))).transpose()
}

fn read<T: Listed + DeserializeOwned>(path: &Path) -> Result<StoredListing<T>, StoreError> {
    let file = File::open(path).map_err(failed(path, "opening it"))?;
    let mut lines = WholeLines::new(path, file);
    let header = lines.next_line()?;
    let header: StoreHeader = match header {
        Some(line) => lines.parse(&line)?,
        None => return Err(lines.damaged("it is empty")),
    };
    if header.listing != T::NAME || header.fprecon_listing != FORMAT {
        return Err(
            lines.damaged("it is another list, or was written by another version of fprecon")
        );
    }
    let (mut listed, mut fetched_at) = (Vec::new(), None);
    while let Some(line) = lines.next_line()? {
        if line.starts_with(PAGE_START) {
            let end: PageEnd = lines.parse(&line)?;
            fetched_at = end.fetched_at.parse().ok();
        } else {
            listed.push((lines.number, lines.parse(&line)?));
            fetched_at = None;
        }
    }
    Ok(StoredListing {
        path: path.to_owned(),
        account: header.account(),
        fetched_at: fetched_at.ok_or_else(|| lines.damaged("it does not end with a whole page"))?,
        lines: listed,
    })
}

/// The whole lines of a file; one that was being written when the program was killed is none.
struct WholeLines<'p> {
    path: &'p Path,
    reader: BufReader<File>,
    /// The number of the last line, from 1.
    number: u64,
    /// The number of bytes up to the end of the last line.
    bytes: u64,
}

impl<'p> WholeLines<'p> {
    fn new(path: &'p Path, file: File) -> Self {
        WholeLines {
            path,
            reader: BufReader::new(file),
            number: 0,
            bytes: 0,
        }
    }

    fn next_line(&mut self) -> Result<Option<String>, StoreError> {
        use io::Read;
        let mut line = String::new();
        let read = self
            .reader
            .by_ref()
            .take(LINE_MOST_BYTES)
            .read_line(&mut line)
            .map_err(failed(self.path, "reading it"))?;
        if !line.ends_with('\n') {
            return Ok(None);
        }
        self.number += 1;
        self.bytes += read as u64;
        Ok(Some(line))
    }

    fn parse<V: DeserializeOwned>(&self, line: &str) -> Result<V, StoreError> {
        serde_json::from_str(line).map_err(|error| self.damaged(error.to_string()))
    }

    fn damaged(&self, message: impl Into<String>) -> StoreError {
        StoreError::Damaged {
            path: self.path.to_owned(),
            line: self.number,
            message: message.into(),
        }
    }
}
