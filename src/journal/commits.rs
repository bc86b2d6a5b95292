//! Keeps the commit record: a small file beside the journal that says which commit was the last.
//!
//! SQLite drops everything after the first damaged frame of its log, and treats a deleted log like none. What
//! is lost in this way was acknowledged, and may have been sent. So each commit has a number and a mark in
//! the journal, and when it is on disk, the record gets both, and is on disk too before anything depends on
//! the commit:
//!
//! - A journal that ends before the recorded commit has lost some. One that ends after it was killed in
//!   between, and nothing depends on the commit that was not recorded.
//! - A kill while the log is moved into the database leaves a database of which some pages are newer than
//!   others. Its log makes it whole. So the record says when that begins, and then each frame of the log
//!   is checked.
//! - A log is of use only to the database that it was written for. So the record has the number that the
//!   database has without its log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use jiff::Timestamp;
use rusqlite::{Connection, Statement};
use sha2::{Digest, Sha256};

use super::error::LostCommits;
use super::files::{self, beside};
use super::log_file::{LogEnd, LogIndex};
use super::place::{DATABASE_OVERWRITTEN, LOG_OVERWRITTEN, PlaceWatch, WRITTEN_BY_ANOTHER};
use super::read_only::open_without_log;
use super::{EventRow, JournalError, JournalId, JournalReader, migrate, moved_pages};

const MAGIC: [u8; 8] = *b"FPRCMT01";
/// The size of a slot with its checksum.
const SLOT_BYTES: usize = 136;
/// The distance from one slot to the other: they are in different sectors, so that no torn write damages
/// both.
const SLOT_DISTANCE: u64 = 4096;
/// The number of frames from which the log is moved into the database: SQLite's own default.
const MOST_FRAMES: u32 = 1000;

/// Identifies a commit as the journal has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Commit {
    /// The journal's own mark, drawn at random when it was made or migrated.
    pub(super) journal: [u8; 16],
    /// The number of the commit; 0 before the first one.
    pub(super) number: i64,
    /// The commit's mark, drawn at random.
    pub(super) mark: [u8; 16],
}

impl Commit {
    /// Reads the last commit of a journal.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Commit> {
        let sql = "SELECT journal, number, mark FROM main.last_commit WHERE id = 1";
        connection.query_row(sql, [], Commit::from_row)
    }

    /// Prepares the statement that [`Commit::count`] runs.
    pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
        connection.prepare(
            "UPDATE last_commit SET number = number + 1, mark = randomblob(16) WHERE id = 1
             RETURNING journal, number, mark",
        )
    }

    /// Counts the commit of the transaction that is open.
    pub(super) fn count(statement: &mut Statement<'_>) -> rusqlite::Result<Commit> {
        statement.query_row([], Commit::from_row)
    }

    fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Commit> {
        Ok(Commit {
            journal: row.get(0)?,
            number: row.get(1)?,
            mark: row.get(2)?,
        })
    }
}

impl JournalReader {
    /// Returns what identifies the journal; `None` for a journal of a version that has nothing.
    pub(crate) fn id(&self) -> Result<Option<JournalId>, JournalError> {
        if !self.has_table("last_commit")? {
            return Ok(None);
        }
        let sql = "SELECT lower(hex(journal)) FROM main.last_commit WHERE id = 1";
        let id = self.connection.query_row(sql, [], |row| row.get(0));
        let id = id.map_err(|error| self.failed("reading what identifies it", error))?;
        Ok(Some(JournalId(id)))
    }
}

/// Holds the content of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The number of writes of the record; the higher of both slots is the later.
    generation: u64,
    pub(super) commit: Commit,
    /// The time of that commit, in milliseconds since 1970.
    pub(super) at_ms: i64,
    /// The number that the database has without its log.
    base: i64,
    /// The log that makes the database whole, while it is moved into the database.
    moving: Option<LogEnd>,
    /// The highest number of an event of which a request was ever intended: no event with a higher number was
    /// sent.
    pub(super) intended: i64,
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
        bytes.extend(self.intended.to_be_bytes());
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
            intended: i64::from_be_bytes(take(said, 96)),
        })
    }
}

/// Says what is found at the record's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordState {
    Nothing,
    /// There is a file of which neither slot is whole.
    Damaged,
    Record(Slot),
}

/// Reads the record of a journal.
pub(super) fn read(journal: &Path) -> io::Result<RecordState> {
    let path = beside(journal, files::COMMITS);
    // Opening a pipe would wait.
    if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("its commit record is not a file"));
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(RecordState::Nothing),
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
    Ok(latest.map_or(RecordState::Damaged, RecordState::Record))
}

/// Returns what a journal has lost by its record, if anything; `commit` is its last one, or `None` in a
/// journal of a version that counted none.
///
/// The record has to be read before the journal is: then this is right while another process writes, too.
pub(super) fn lost(
    journal: &Path,
    found: RecordState,
    commit: Option<Commit>,
) -> io::Result<Option<LostCommits>> {
    let number = commit.map_or(0, |commit| commit.number);
    let slot = match found {
        RecordState::Record(slot) => slot,
        RecordState::Nothing if number == 0 => return Ok(None),
        // Nothing was counted yet: a kill while the record was made.
        RecordState::Damaged if number == 0 => return Ok(None),
        RecordState::Nothing => return Ok(Some(LostCommits::NoRecord)),
        RecordState::Damaged => return Ok(Some(LostCommits::DamagedRecord)),
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
        (Some(log), _) if !log.is_intact(journal)? && !moved_pages::are_all_in(journal, &log)? => {
            LostCommits::HalfMoved {
                at: time(slot.at_ms),
            }
        }
        (_, Some(commit)) if is_log_foreign(journal, &slot, commit) => LostCommits::ForeignLog,
        _ => return Ok(None),
    };
    // Else a writer has gone on meanwhile, who had looked before it did.
    Ok((read(journal)? == found).then_some(lost))
}

/// Returns `true` if the log was not written for this database: the database alone has neither the commit
/// that it had when the log was begun nor, as after another program has moved the log or a part of it, a later one.
/// While the log is moved, the database alone may be anything.
fn is_log_foreign(journal: &Path, slot: &Slot, commit: Commit) -> bool {
    let alone = commit_without_log(journal);
    let is_other = alone.is_some_and(|alone| alone.journal != commit.journal);
    let alone = alone.map_or(0, |alone| alone.number);
    slot.moving.is_none() && (is_other || !(slot.base..=commit.number).contains(&alone))
}

/// Returns the last commit that the database has without its log; `None` if it counts none.
fn commit_without_log(journal: &Path) -> Option<Commit> {
    let alone = open_without_log(journal).and_then(|database| Commit::read(&database));
    alone.ok()
}

pub(super) fn time(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap_or_default()
}

/// Keeps the record of a journal that is being written.
#[derive(Debug)]
pub(super) struct CommitRecord {
    journal: PathBuf,
    file: File,
    index: LogIndex,
    slot: Slot,
    /// The number of frames that the log had when it was last moved, or that was tried.
    moved_frames: u32,
    place: PlaceWatch,
    database: DatabaseState,
    /// The end of the log as this process has left it.
    last: LogEnd,
}

/// What the system says of the database as a file. While a journal is in use, only moving its log changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DatabaseState {
    bytes: u64,
    modified: Option<SystemTime>,
}

impl DatabaseState {
    fn read(journal: &Path) -> Result<DatabaseState, JournalError> {
        let found = fs::metadata(journal)
            .map_err(|source| JournalError::io(journal, "finding it", source))?;
        Ok(DatabaseState {
            bytes: found.len(),
            // Where the system keeps no time, the size is what is left.
            modified: found.modified().ok(),
        })
    }
}

impl CommitRecord {
    /// Continues the record of a journal that has lost nothing, or makes it.
    pub(super) fn start(
        journal: &Path,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<CommitRecord, JournalError> {
        let failed = |source| JournalError::io(journal, "opening its commit record", source);
        let read_commit = || -> rusqlite::Result<_> {
            let intended = "SELECT coalesce(max(event), 0) FROM attempt";
            let intended: i64 = connection.query_row(intended, [], |row| row.get(0))?;
            Ok((Commit::read(connection)?, intended))
        };
        let (commit, intended) = read_commit()
            .map_err(|error| JournalError::sqlite(journal, "reading its last commit", error))?;
        let before = match read(journal).map_err(failed)? {
            RecordState::Record(slot) => Some(slot),
            RecordState::Nothing | RecordState::Damaged => None,
        };
        let moving = before.and_then(|slot| slot.moving);
        let slot = Slot {
            generation: before.map_or(0, |slot| slot.generation),
            commit,
            at_ms: now.as_millisecond(),
            base: match (moving, before) {
                (Some(_), Some(before)) => before.base,
                _ => commit_without_log(journal).map_or(0, |alone| alone.number),
            },
            moving,
            intended: before.map_or(0, |slot| slot.intended).max(intended),
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
            database: DatabaseState::read(journal)?,
            last: LogEnd::default(),
        };
        record.last = record.log_end()?;
        record.slot.moving = match moving {
            Some(_) => Some(record.log_end()?),
            None => None,
        };
        record.write()?;
        Ok(record)
    }

    /// Returns the watch that notices when the journal, its log or its record is deleted, moved or replaced.
    pub(super) fn place(&self) -> &PlaceWatch {
        &self.place
    }

    /// Returns `true` if the journal counts any commit.
    pub(super) fn has_commits(&self) -> bool {
        self.slot.commit.number > 0
    }

    /// Watches the path by which the journal was named, too.
    pub(super) fn reached_by(&mut self, given: &Path) {
        self.place.reached_by(given);
    }

    /// Records a commit that is on disk, with the last event of which it has an intent, and moves a log that
    /// has grown into the database. The caller may act on the commit when this returns.
    pub(super) fn committed(
        &mut self,
        connection: &Connection,
        commit: Commit,
        intended: Option<EventRow>,
    ) -> Result<(), JournalError> {
        // Each commit of this process follows its last one, unless somebody came past the lock.
        if commit.number != self.slot.commit.number + 1 {
            let (path, what) = (self.journal.clone(), WRITTEN_BY_ANOTHER);
            return Err(JournalError::Displaced { path, what });
        }
        self.expect_untouched()?;
        let log = self.log_end()?;
        if !self
            .index
            .has_header_of(&log)
            .map_err(|error| self.unreadable_log(error))?
        {
            return Err(self.overwritten_log());
        }
        self.expect_restarted_after_move(&log, commit)?;
        self.last = log;
        let intended = intended.map_or(0, |event| event.0);
        self.slot.intended = self.slot.intended.max(intended);
        self.slot.commit = commit;
        self.slot.at_ms = Timestamp::now().as_millisecond();
        self.slot.moving = self.slot.moving.map(|_| log);
        self.write()?;
        if log.frames < self.moved_frames {
            self.moved_frames = 0;
        }
        if log.frames >= self.moved_frames.saturating_add(MOST_FRAMES) {
            self.move_log(connection)?;
        }
        Ok(())
    }

    /// Moves the log into the database, and returns whether the database is whole without it now: a reader
    /// may still need a part of the log. A log that is not as it was written would destroy the database.
    pub(super) fn move_log(&mut self, connection: &Connection) -> Result<bool, JournalError> {
        self.expect_untouched()?;
        let log = self.expect_whole_log()?;
        self.slot.moving = Some(log);
        self.write()?;
        let moved = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
            })
            .map_err(|error| JournalError::sqlite(&self.journal, "emptying its log", error))?;
        self.database = DatabaseState::read(&self.journal)?;
        self.last = log;
        self.moved_frames = log.frames;
        let is_whole = moved.0 == moved.1;
        if is_whole {
            self.slot.moving = None;
            self.slot.base = self.slot.commit.number;
            self.write()?;
        }
        Ok(is_whole)
    }

    /// Checks that no other program has changed the database. SQLite does not look: it has pages in memory, and
    /// goes on with them until the next process finds what is on disk. One that has moved the log, as
    /// `sqlite3` does, has changed nothing that counts.
    fn expect_untouched(&mut self) -> Result<(), JournalError> {
        self.place.check()?;
        let found = DatabaseState::read(&self.journal)?;
        if found == self.database {
            return Ok(());
        }
        let path = self.journal.clone();
        match migrate::expect_sound(&path) {
            Ok(()) => {}
            Err(error @ (JournalError::Sqlite { .. } | JournalError::NotReadable { .. })) => {
                return Err(error);
            }
            Err(_) => return Err(self.overwritten_database()),
        }
        self.database = found;
        self.follow_base();
        Ok(())
    }

    /// Takes note of how far another program has moved the log: an earlier state of the database is then no longer
    /// one that the log belongs to.
    fn follow_base(&mut self) {
        if self.slot.moving.is_none()
            && let Some(alone) = commit_without_log(&self.journal)
            && alone.journal == self.slot.commit.journal
        {
            self.slot.base = self.slot.base.max(alone.number);
        }
    }

    /// Checks that no other program has written to the log since the last commit of this process. One may have moved
    /// all of it into the database and emptied it.
    pub(super) fn expect_last_log(&mut self) -> Result<(), JournalError> {
        let log = self.log_end()?;
        if log == self.last || log.frames == 0 {
            return Ok(());
        }
        let (path, what) = (self.journal.clone(), WRITTEN_BY_ANOTHER);
        Err(JournalError::Displaced { path, what })
    }

    /// Checks, where the log was begun anew with a commit, that the database has all commits before it.
    fn expect_restarted_after_move(
        &mut self,
        log: &LogEnd,
        commit: Commit,
    ) -> Result<(), JournalError> {
        let before = commit.number - 1;
        if log.salts == self.last.salts || self.slot.base == before {
            return Ok(());
        }
        self.follow_base();
        if self.slot.moving.is_some() || self.slot.base >= before {
            return Ok(());
        }
        Err(self.overwritten_database())
    }

    /// Returns the error, and leaves a record that no later process takes for that of a whole journal: what is on disk
    /// may look like one, and lack what was sent.
    fn overwritten_database(&mut self) -> JournalError {
        self.slot.moving = Some(LogEnd::NEVER);
        // If this fails too, the pages and the rows are what is left to judge by.
        let _ = self.write();
        let (path, what) = (self.journal.clone(), DATABASE_OVERWRITTEN);
        JournalError::Displaced { path, what }
    }

    /// Moves the log for the last time, and returns whether the database is whole without it. If it is not, since
    /// somebody reads it, the record says what the rest of it has to be: the reader may move that.
    pub(super) fn close(&mut self, connection: &Connection) -> Result<bool, JournalError> {
        if self.move_log(connection)? {
            return Ok(true);
        }
        let log = self.log_end()?;
        moved_pages::list(&self.journal, &log, &mut self.file).map_err(|source| {
            JournalError::io(&self.journal, "writing its commit record", source)
        })?;
        Ok(false)
    }

    /// Checks that each frame of the log is as it was written, and returns where the log ends.
    pub(super) fn expect_whole_log(&mut self) -> Result<LogEnd, JournalError> {
        let log = self.log_end()?;
        match log.is_intact(&self.journal) {
            Ok(true) => Ok(log),
            Ok(false) => Err(self.overwritten_log()),
            Err(error) => Err(self.unreadable_log(error)),
        }
    }

    fn log_end(&mut self) -> Result<LogEnd, JournalError> {
        self.index.end().map_err(|error| self.unreadable_log(error))
    }

    fn unreadable_log(&self, source: io::Error) -> JournalError {
        JournalError::io(&self.journal, "finding the end of its log", source)
    }

    fn overwritten_log(&self) -> JournalError {
        JournalError::Displaced {
            path: beside(&self.journal, "-wal"),
            what: LOG_OVERWRITTEN,
        }
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
    let path = beside(journal, files::COMMITS);
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
    files::sync_directory(journal)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::super::tests::{answer, intent, open, place, record, sale};
    use super::super::{Effect, Journal, JournalReader, Outcome};
    use super::*;

    const PAGE_BYTES: usize = 4096;

    /// Holds the files of a journal, without the index of its log.
    #[derive(Clone)]
    struct Files {
        database: Vec<u8>,
        log: Vec<u8>,
        record: Vec<u8>,
    }

    impl Files {
        fn read(journal: &Path) -> Files {
            let read = |suffix| fs::read(beside(journal, suffix)).unwrap_or_default();
            Files {
                database: read(""),
                log: read("-wal"),
                record: read(files::COMMITS),
            }
        }

        /// Returns what opening them reports: for writing, and for reading.
        fn lost(&self) -> [Option<LostCommits>; 2] {
            let (_directory, path) = place();
            let write = || {
                fs::write(&path, &self.database).unwrap();
                fs::write(beside(&path, "-wal"), &self.log).unwrap();
                fs::write(beside(&path, files::COMMITS), &self.record).unwrap();
                let _ = fs::remove_file(beside(&path, "-shm"));
            };
            let lost = |opened: Result<(), JournalError>| match opened {
                Ok(()) => None,
                Err(JournalError::Lost { lost, .. }) => Some(lost),
                Err(other) => panic!("{other}"),
            };
            write();
            let reading = lost(JournalReader::open(&path).map(drop));
            write();
            [lost(open(&path).map(drop)), reading]
        }
    }

    /// Makes a journal with some commits in its log.
    fn in_use(path: &Path) -> Journal {
        let mut journal = open(path).unwrap();
        let sales: Vec<_> = (1..60)
            .map(|n| sale(&format!("in_{n}"), 100 * n, 2))
            .collect();
        let run = record(&mut journal, &sales);
        for n in 1..60 {
            journal.write(&[intent(run, n, 1)]).unwrap();
        }
        journal
    }

    #[test]
    fn what_is_killed_at_any_commit_has_lost_nothing() {
        let (_directory, path) = place();
        let mut journal = open(&path).unwrap();
        let run = record(&mut journal, &[sale("in_1", 800, 2), sale("in_2", 900, 3)]);
        let before = Files::read(&path);
        journal.write(&[intent(run, 1, 1)]).unwrap();
        let after = Files::read(&path);
        assert_eq!(before.lost(), [None, None]);
        assert_eq!(after.lost(), [None, None]);
        // Killed between a commit and its record, which nobody has acted on; and in the middle of a frame.
        let unrecorded = Files {
            record: before.record.clone(),
            ..after.clone()
        };
        assert_eq!(unrecorded.lost(), [None, None]);
        for frames in 1..after.log.len() / PAGE_BYTES {
            let torn = Files {
                log: after.log[..after.log.len() - 24 - frames * 100].to_vec(),
                ..unrecorded.clone()
            };
            let lost = torn.lost();
            assert!(
                lost == [None, None] || torn.log.len() < before.log.len(),
                "{lost:?}"
            );
        }
    }

    #[test]
    fn what_was_recorded_and_is_not_there_is_lost() {
        let (_directory, path) = place();
        let journal = in_use(&path);
        let files = Files::read(&path);
        drop(journal);
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..60 {
            let mut damaged = files.clone();
            let at = rng.usize(..damaged.log.len());
            // The salts of old frames and unused bytes of the header are the only ones that do not count.
            damaged.log[at] ^= 1 << rng.u8(..8);
            let [writing, reading] = damaged.lost();
            let is_missed = |lost: &Option<LostCommits>| matches!(lost, Some(LostCommits::Behind { number, recorded: 61, .. }) if *number < 61);
            assert!(
                is_missed(&writing) && is_missed(&reading),
                "{at}: {writing:?}"
            );
        }
    }

    /// A copy of the database alone, made while its first run goes on, must not look like a new journal.
    #[test]
    fn a_journal_of_which_only_the_database_is_left_is_no_new_one() {
        let (_directory, path) = place();
        let journal = in_use(&path);
        let mut alone = Files::read(&path);
        drop(journal);
        alone.log.clear();
        let (_directory, path) = place();
        fs::write(&path, &alone.database).unwrap();
        let lost = |opened: Result<(), JournalError>| match opened {
            Err(JournalError::Lost { lost, .. }) => lost,
            other => panic!("{other:?}"),
        };
        let reading = lost(JournalReader::open(&path).map(drop));
        assert_eq!(reading, LostCommits::NoRecord);
        assert_eq!(lost(open(&path).map(drop)), LostCommits::NoRecord);
    }

    /// A kill while the log is moved leaves some pages of the database new and some old. Only the log makes
    /// it whole, even where the number of the last commit is among the new ones.
    #[test]
    fn a_log_that_is_lost_while_it_is_moved_is_missed() {
        let (_directory, path) = place();
        drop(in_use(&path));
        let mut journal = open(&path).unwrap();
        // In the last page of each table, where there is room: the database does not grow.
        for n in 57..60 {
            let settled = answer(n, 1, Effect::Recorded, Some(Outcome::Tracked));
            journal.write(&[settled]).unwrap();
        }
        let log = journal.record.log_end().unwrap();
        journal.record.slot.moving = Some(log);
        journal.record.write().unwrap();
        let before = Files::read(&path);
        assert!(journal.record.move_log(&journal.reader.connection).unwrap());
        let after = Files::read(&path);
        assert_eq!(after.lost(), [None, None]);
        let moved = Files {
            log: Vec::new(),
            ..after.clone()
        };
        assert_eq!(moved.lost(), [None, None], "the log is needed no more");

        let mut half_moved = 0;
        for pages in 1..after.database.len() / PAGE_BYTES {
            // They are moved in their order; what is behind them is not there yet.
            let end = pages * PAGE_BYTES;
            let mut mixed = before.clone();
            mixed.database.resize(mixed.database.len().max(end), 0);
            mixed.database[..end].copy_from_slice(&after.database[..end]);
            assert_eq!(mixed.lost(), [None, None], "{pages}: its log is whole");
            let (mut flipped, mut torn) = (mixed.log.clone(), mixed.log.clone());
            flipped[40] ^= 1;
            torn.truncate(mixed.log.len() - 1);
            for log in [Vec::new(), flipped, torn] {
                let damaged = Files {
                    log,
                    ..mixed.clone()
                };
                let (_directory, path) = place();
                fs::write(&path, &damaged.database).unwrap();
                fs::write(beside(&path, "-wal"), &damaged.log).unwrap();
                fs::write(beside(&path, files::COMMITS), &damaged.record).unwrap();
                match open(&path) {
                    Err(JournalError::Lost { lost, .. }) => {
                        half_moved += usize::from(matches!(lost, LostCommits::HalfMoved { .. }));
                    }
                    Err(JournalError::Damaged { .. }) => {}
                    other => panic!("{pages}: {other:?}"),
                }
            }
        }
        assert!(half_moved > 0);
    }

    /// Beside a backup of the database, a log would be applied to pages that it was not written for.
    #[test]
    fn a_log_is_not_taken_for_that_of_a_backup() {
        let (_directory, path) = place();
        drop(in_use(&path));
        let backup = Files::read(&path);
        let add = |name: &str| {
            let mut journal = open(&path).unwrap();
            record(&mut journal, &[sale(name, 800, 2)]);
            (Files::read(&path), journal)
        };
        drop(add("in_next"));
        let (killed, _journal) = add("in_last");
        assert_eq!(killed.lost(), [None, None]);
        let restored = Files {
            database: backup.database.clone(),
            ..killed
        };
        let foreign = Some(LostCommits::ForeignLog);
        assert_eq!(restored.lost(), [foreign.clone(), foreign]);
    }
}
