//! The commit record: a small file beside the journal that says which commit was the last.
//!
//! SQLite drops everything behind the first damaged frame of its log, and a log that was deleted looks
//! like none. What is lost so was acknowledged, and may have been sent. So each commit has a number and
//! a mark in the journal, and when it is on disk, the record gets both, and is on disk too before
//! anything rests on the commit:
//!
//! - A journal that ends before the recorded commit has lost some. One that ends behind it was killed in
//!   between, and nothing rests on the commit that was not recorded.
//! - A kill while the log is moved into the database leaves a database of which some pages are newer than
//!   others. Its log makes it whole. So the record says when that begins, and then each frame of the log
//!   is looked at.
//! - A log is of use only to the database that it was written for. So the record has the number that the
//!   database has without its log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::JournalError;
use super::error::LostCommits;
use super::lock::beside;
use super::log_file::{LogEnd, LogIndex};
use super::migrate::open_without_log;
use super::place::PlaceWatch;

/// The record's name, behind the journal's.
pub(super) const SUFFIX: &str = ".commits";

const MAGIC: [u8; 8] = *b"FPRCMT01";
/// A slot with its checksum.
const SLOT_BYTES: usize = 128;
/// From one slot to the other: they lie in different sectors, so that no torn write takes both.
const SLOT_DISTANCE: u64 = 4096;
/// When the log is moved into the database: SQLite's own default.
const MOST_FRAMES: u32 = 1000;

/// A commit as the journal knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The journal's own mark, drawn when it was made or migrated.
    pub(super) journal: [u8; 16],
    /// From 0, which is none.
    pub(super) number: i64,
    /// Drawn for this commit.
    pub(super) mark: [u8; 16],
}

impl Commit {
    /// Reads the last commit of a journal.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Commit> {
        let sql = "SELECT journal, number, mark FROM main.last_commit WHERE id = 1";
        connection.query_row(sql, [], Commit::of)
    }

    /// Counts the commit of the transaction that is open.
    pub(super) fn count(connection: &Connection) -> rusqlite::Result<Commit> {
        let sql = "UPDATE last_commit SET number = number + 1, mark = randomblob(16) WHERE id = 1
             RETURNING journal, number, mark";
        connection.query_row(sql, [], Commit::of)
    }

    fn of(row: &rusqlite::Row<'_>) -> rusqlite::Result<Commit> {
        Ok(Commit {
            journal: row.get(0)?,
            number: row.get(1)?,
            mark: row.get(2)?,
        })
    }
}

/// What the record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// Counts the writes of the record; the higher of both slots is the later.
    generation: u64,
    pub(super) commit: Commit,
    /// When that was, in milliseconds since 1970.
    pub(super) at_ms: i64,
    /// The number that the database has without its log.
    base: i64,
    /// While the log is moved into the database: the log that makes it whole.
    moving: Option<LogEnd>,
}

impl Slot {
    fn to_bytes(self) -> [u8; SLOT_BYTES] {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        let log = self.moving.unwrap_or_default();
        bytes.extend(MAGIC);
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.commit.journal);
        bytes.extend(self.commit.number.to_be_bytes());
        bytes.extend(self.commit.mark);
        bytes.extend(self.at_ms.to_be_bytes());
        bytes.extend(self.base.to_be_bytes());
        bytes.extend(u64::from(self.moving.is_some()).to_be_bytes());
        bytes.extend(log.salts);
        bytes.extend(u64::from(log.frames).to_be_bytes());
        bytes.extend(Sha256::digest(&bytes));
        let mut slot = [0; SLOT_BYTES];
        slot.copy_from_slice(&bytes);
        slot
    }

    fn from_bytes(bytes: &[u8; SLOT_BYTES]) -> Option<Slot> {
        let (said, sum) = bytes.split_at(SLOT_BYTES - 32);
        if said[..8] != MAGIC || Sha256::digest(said).as_slice() != sum {
            return None;
        }
        fn take<const N: usize>(said: &[u8], at: usize) -> [u8; N] {
            let mut taken = [0; N];
            taken.copy_from_slice(&said[at..at + N]);
            taken
        }
        let moving = u64::from_be_bytes(take(said, 72)) != 0;
        Some(Slot {
            generation: u64::from_be_bytes(take(said, 8)),
            commit: Commit {
                journal: take(said, 16),
                number: i64::from_be_bytes(take(said, 32)),
                mark: take(said, 40),
            },
            at_ms: i64::from_be_bytes(take(said, 56)),
            base: i64::from_be_bytes(take(said, 64)),
            moving: moving.then(|| LogEnd {
                salts: take(said, 80),
                frames: u32::from_be_bytes(take(said, 92)),
            }),
        })
    }
}

/// What is found at the record's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    /// A file of which neither slot is whole.
    Damaged,
    Record(Slot),
}

/// Reads the record of a journal.
pub(super) fn read(journal: &Path) -> io::Result<Found> {
    let mut file = match File::open(beside(journal, SUFFIX)) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let mut latest: Option<Slot> = None;
    for place in [0, SLOT_DISTANCE] {
        let mut bytes = [0; SLOT_BYTES];
        file.seek(SeekFrom::Start(place))?;
        match file.read_exact(&mut bytes) {
            Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(error),
            _ => {}
        }
        let slot = Slot::from_bytes(&bytes);
        if slot.map(|slot| slot.generation) > latest.map(|slot| slot.generation) {
            latest = slot;
        }
    }
    Ok(latest.map_or(Found::Damaged, Found::Record))
}

/// Says what a journal has lost by its record, if anything; `commit` is its last one, or `None` in a
/// journal of a version that counted none.
///
/// The record has to be read before the journal is: then this is right while another process writes, too.
pub(super) fn lost(
    journal: &Path,
    found: Found,
    commit: Option<Commit>,
) -> io::Result<Option<LostCommits>> {
    let number = commit.map_or(0, |commit| commit.number);
    let slot = match found {
        Found::Record(slot) => slot,
        Found::Nothing if number == 0 => return Ok(None),
        // Nothing was counted yet: a kill while the record was made.
        Found::Damaged if number == 0 => return Ok(None),
        Found::Nothing => return Ok(Some(LostCommits::NoRecord)),
        Found::Damaged => return Ok(Some(LostCommits::DamagedRecord)),
    };
    let recorded = slot.commit;
    let is_other = commit.is_some_and(|commit| commit.journal != recorded.journal);
    if is_other && recorded.number > 0 {
        return Ok(Some(LostCommits::OtherJournal));
    }
    let is_fork = commit.is_some_and(|commit| {
        commit.number == recorded.number && commit.mark != recorded.mark && !is_other
    });
    if number < recorded.number || is_fork {
        return Ok(Some(LostCommits::Behind {
            number,
            recorded: recorded.number,
            at: time(slot.at_ms),
        }));
    }
    let lost = match (slot.moving, commit) {
        (Some(log), _) if !log.is_intact(journal)? => LostCommits::HalfMoved {
            at: time(slot.at_ms),
        },
        (_, Some(commit)) if is_log_foreign(journal, &slot, commit) => LostCommits::ForeignLog,
        _ => return Ok(None),
    };
    // Else a writer has gone on meanwhile, who had looked before it did.
    Ok((read(journal)? == found).then_some(lost))
}

/// Whether the log was written for this database: the database alone has the commit that it had when
/// the log was begun, or, after another program has moved all of it, the last one.
fn is_log_foreign(journal: &Path, slot: &Slot, commit: Commit) -> bool {
    let alone = number_without_log(journal);
    match slot.moving {
        Some(_) => !(slot.base..=commit.number).contains(&alone),
        None => alone != slot.base && alone != commit.number,
    }
}

/// The number of the last commit that the database has without its log; 0 where it counts none.
fn number_without_log(journal: &Path) -> i64 {
    let alone = open_without_log(journal).and_then(|database| Commit::read(&database));
    alone.map_or(0, |commit| commit.number)
}

pub(super) fn time(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or_default()
}

/// The record of a journal that is being written.
#[derive(Debug)]
pub(super) struct CommitRecord {
    journal: PathBuf,
    file: File,
    index: LogIndex,
    slot: Slot,
    /// How many frames the log had when it was last moved, or that was tried.
    moved_frames: u32,
    place: PlaceWatch,
}

impl CommitRecord {
    /// Goes on with the record of a journal that has lost nothing, or makes it.
    pub(super) fn start(
        journal: &Path,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<CommitRecord, JournalError> {
        let failed = |source| JournalError::io(journal, "opening its commit record", source);
        let commit = Commit::read(connection)
            .map_err(|error| JournalError::sqlite(journal, "reading its last commit", error))?;
        let before = match read(journal).map_err(failed)? {
            Found::Record(slot) => Some(slot),
            Found::Nothing | Found::Damaged => None,
        };
        let moving = before.and_then(|slot| slot.moving);
        let slot = Slot {
            generation: before.map_or(0, |slot| slot.generation),
            commit,
            at_ms: now.as_millisecond(),
            base: match (moving, before) {
                (Some(_), Some(before)) => before.base,
                _ => number_without_log(journal),
            },
            moving,
        };
        let file = open(journal).map_err(failed)?;
        let place = PlaceWatch::new(journal)?;
        let mut record = CommitRecord {
            journal: journal.to_owned(),
            file,
            index: LogIndex::open(journal).map_err(failed)?,
            slot,
            moved_frames: 0,
            place,
        };
        record.slot.moving = match moving {
            Some(_) => Some(record.log_end()?),
            None => None,
        };
        record.write()?;
        Ok(record)
    }

    /// What notices when the journal, its log or its record is deleted, moved or replaced.
    pub(super) fn place(&self) -> &PlaceWatch {
        &self.place
    }

    /// Records a commit that is on disk, and moves a log that has grown into the database. What this
    /// returns from may be acted upon.
    pub(super) fn committed(
        &mut self,
        connection: &Connection,
        commit: Commit,
    ) -> Result<(), JournalError> {
        let log = self.log_end()?;
        self.slot.commit = commit;
        self.slot.at_ms = Timestamp::now().as_millisecond();
        self.slot.moving = self.slot.moving.map(|_| log);
        self.write()?;
        self.place.check()?;
        if log.frames < self.moved_frames {
            self.moved_frames = 0;
        }
        if log.frames >= self.moved_frames.saturating_add(MOST_FRAMES) {
            self.move_log(connection)?;
        }
        Ok(())
    }

    /// Moves the log into the database, and says whether that is whole without it now: a reader may
    /// still need a part of the log.
    pub(super) fn move_log(&mut self, connection: &Connection) -> Result<bool, JournalError> {
        let log = self.log_end()?;
        self.slot.moving = Some(log);
        self.write()?;
        let moved = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })
            .map_err(|error| JournalError::sqlite(&self.journal, "emptying its log", error))?;
        self.moved_frames = log.frames;
        let is_whole = moved.0 == moved.1;
        if is_whole {
            self.slot.moving = None;
            self.slot.base = self.slot.commit.number;
            self.write()?;
        }
        Ok(is_whole)
    }

    fn log_end(&mut self) -> Result<LogEnd, JournalError> {
        self.index
            .end()
            .map_err(|source| JournalError::io(&self.journal, "finding the end of its log", source))
    }

    /// Puts the record on disk, over the older of its two slots.
    fn write(&mut self) -> Result<(), JournalError> {
        self.slot.generation += 1;
        let place = (self.slot.generation % 2) * SLOT_DISTANCE;
        let bytes = self.slot.to_bytes();
        let write = |file: &mut File| {
            file.seek(SeekFrom::Start(place))?;
            file.write_all(&bytes)?;
            file.sync_data()
        };
        write(&mut self.file)
            .map_err(|source| JournalError::io(&self.journal, "writing its commit record", source))
    }
}

/// Opens the record for writing. A new one has the journal's permissions, and its name is on disk.
fn open(journal: &Path) -> io::Result<File> {
    let path = beside(journal, SUFFIX);
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    match options.open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        found => return found,
    }
    let file = options.create_new(true).open(&path)?;
    fs::set_permissions(&path, fs::metadata(journal)?.permissions())?;
    // Its size does not change any more: a sync of it has only its bytes to write.
    file.set_len(SLOT_DISTANCE + SLOT_BYTES as u64)?;
    file.sync_all()?;
    super::migrate::sync_directory(journal)?;
    Ok(file)
}
