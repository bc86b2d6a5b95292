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
//!   others. Its log makes it whole. So the record says where the log ends, and each frame of it is checked. Where
//!   another program has moved the log and deleted it, the pages themselves are compared with what they have to be.
//! - A log is of use only to the database that it was written for. So the record has the number that the
//!   database has without its log.
//! - What is in the database was checked before the first commit of a process, and each page that was written since is
//!   known. So the record has the digest of the database without its log, and where that is the same, nobody needs to
//!   read each row once more.
//! - What another program writes has no number. So a commit in the log that leaves the number alone is not one of this
//!   program's.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rusqlite::{Connection, Statement};
use sha2::{Digest, Sha256};

use super::database_pages::{DatabaseDigest, DatabasePages};
use super::error::LostCommits;
use super::files::{self, beside};
use super::log_file::{LogEnd, LogIndex};
use super::page_list::{ListEnd, PageList, Unlisted};
use super::place::{DATABASE_OVERWRITTEN, LOG_OVERWRITTEN, PlaceWatch, WRITTEN_BY_ANOTHER};
use super::read_only::open_without_log;
use super::{EventRow, JournalError, JournalId, JournalReader, migrate, place};
use crate::file_identity::FileIdentity;

const MAGIC: [u8; 8] = *b"FPRCMT02";
/// The form of a slot before there was a list of pages: the end of the log is in it while the log is moved.
const EARLIER_MAGIC: [u8; 8] = *b"FPRCMT01";
/// The size of a slot with its checksum.
const SLOT_BYTES: usize = 184;
const EARLIER_SLOT_BYTES: usize = 136;
const SUM_BYTES: usize = 32;
/// The room that the record has from the start: a sync of a file that does not grow has only its bytes to write.
const ROOM_BYTES: usize = 64 * 1024;
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

/// The page of the database that has the number of the last commit: each commit of this program writes it.
pub(super) fn page_of_number(connection: &Connection) -> rusqlite::Result<u32> {
    let sql = "SELECT rootpage FROM main.sqlite_schema WHERE name = 'last_commit'";
    connection.query_row(sql, [], |row| row.get(0))
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

/// Says what happens to the files of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The database alone is that of the commit that the record calls its base.
    AtRest = 0,
    /// The log is moved into the database, of which some pages may be newer than others.
    Moving = 1,
    /// Another program has changed the journal, which is not known to be what was written.
    Changed = 2,
}

impl State {
    fn of(number: u64) -> State {
        match number {
            0 => State::AtRest,
            1 => State::Moving,
            _ => State::Changed,
        }
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
    state: State,
    /// The end of that commit in the log.
    log: LogEnd,
    /// The highest number of an event of which a request was ever intended: no event with a higher number was
    /// sent.
    pub(super) intended: i64,
    /// The end of the list of pages that the database has to have once the log is moved.
    listed: ListEnd,
    /// The content of the database at its base, if that is known.
    database: Option<DatabaseDigest>,
}

impl Slot {
    fn to_bytes(self) -> [u8; SLOT_BYTES] {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.commit.journal);
        bytes.extend(self.commit.number.to_be_bytes());
        bytes.extend(self.commit.mark);
        bytes.extend(self.at_ms.to_be_bytes());
        bytes.extend(self.base.to_be_bytes());
        bytes.extend((self.state as u64).to_be_bytes());
        bytes.extend(self.log.salts);
        bytes.extend(u64::from(self.log.frames).to_be_bytes());
        bytes.extend(self.intended.to_be_bytes());
        bytes.extend(self.listed.entries.to_be_bytes());
        bytes.extend(self.listed.page_bytes.to_be_bytes());
        bytes.extend(self.listed.sum);
        bytes.extend(u64::from(self.database.is_some()).to_be_bytes());
        bytes.extend(self.database.map_or([0; 16], DatabaseDigest::to_bytes));
        bytes.extend(Sha256::digest(&bytes));
        let mut slot = [0; SLOT_BYTES];
        slot.copy_from_slice(&bytes);
        slot
    }

    /// Reads a slot of either form; `None` if it is not whole.
    fn from_bytes(bytes: &[u8]) -> Option<Slot> {
        let is_earlier = bytes.starts_with(&EARLIER_MAGIC);
        let end = if is_earlier {
            EARLIER_SLOT_BYTES
        } else {
            SLOT_BYTES
        };
        let (said, sum) = bytes.get(..end)?.split_at(end - SUM_BYTES);
        let is_known = is_earlier || said[..8] == MAGIC;
        if !is_known || Sha256::digest(said).as_slice() != sum {
            return None;
        }
        fn take<const N: usize>(said: &[u8], at: usize) -> [u8; N] {
            let mut taken = [0; N];
            taken.copy_from_slice(&said[at..at + N]);
            taken
        }
        let listed = || ListEnd {
            entries: u32::from_be_bytes(take(said, 104)),
            page_bytes: u32::from_be_bytes(take(said, 108)),
            sum: take(said, 112),
        };
        let state = State::of(u64::from_be_bytes(take(said, 72)));
        let log = LogEnd {
            salts: take(said, 80),
            frames: u32::from_be_bytes(take(said, 92)),
        };
        Some(Slot {
            generation: u64::from_be_bytes(take(said, 8)),
            commit: Commit {
                journal: take(said, 16),
                number: i64::from_be_bytes(take(said, 32)),
                mark: take(said, 40),
            },
            at_ms: i64::from_be_bytes(take(said, 56)),
            base: i64::from_be_bytes(take(said, 64)),
            state,
            log: if is_earlier && state == State::AtRest {
                LogEnd::UNKNOWN
            } else {
                log
            },
            intended: i64::from_be_bytes(take(said, 96)),
            listed: if is_earlier {
                ListEnd::NOT_KEPT
            } else {
                listed()
            },
            database: (!is_earlier && said[128..136] != [0; 8])
                .then(|| DatabaseDigest::from_bytes(take(said, 136))),
        })
    }

    /// Returns `true` if the database alone is none that the log was written for: it has neither the commit
    /// that it had when the log was begun nor, as after a part of the log was moved, a later one.
    fn is_log_foreign(
        &self,
        journal: &Path,
        commit: Commit,
        database: Option<&File>,
    ) -> io::Result<bool> {
        let is_readable = self.state == State::AtRest && self.base > 0;
        let alone = if is_readable {
            commit_when_readable(journal)
        } else {
            commit_without_log(journal)
        };
        Ok(match alone {
            Some(alone) => {
                alone.journal != commit.journal
                    || !(self.base..=commit.number).contains(&alone.number)
            }
            // Some of its pages may be newer than others.
            None => is_readable && !self.is_moved_in_part(journal, database)?,
        })
    }

    /// Returns `true` if the database alone is what the log found it as, but for pages that are as the log has them:
    /// another program has begun to move it.
    fn is_moved_in_part(&self, journal: &Path, database: Option<&File>) -> io::Result<bool> {
        let list = PageList::read(journal, self.listed)?;
        let Some((list, base)) = list.zip(self.database) else {
            return Ok(false);
        };
        let found = look_at(journal, database, DatabasePages::read)?;
        Ok(found.is_some_and(|found| list.is_in_part_in(&found, base)))
    }

    /// Returns `true` if the database alone has each page as the log had it.
    fn has_all_pages(
        &self,
        journal: &Path,
        commit: Commit,
        database: Option<&File>,
    ) -> io::Result<bool> {
        let Some(list) = PageList::read(journal, self.listed)? else {
            return Ok(false);
        };
        // Nobody has acted on a commit that a kill kept from being recorded.
        let unlisted = if commit.number > self.commit.number {
            Unlisted::Newer
        } else {
            Unlisted::Stale
        };
        look_at(journal, database, |file| list.are_all_in(file, unlisted))
    }
}

/// Looks at a database: in the file that this process has open, if it has, since closing another one would release
/// SQLite's locks.
fn look_at<T>(
    journal: &Path,
    database: Option<&File>,
    look: impl FnOnce(&File) -> io::Result<T>,
) -> io::Result<T> {
    match database {
        Some(file) => look(file),
        None => look(&File::open(journal)?),
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

impl RecordState {
    /// Returns the content of the record, if there is one that is whole.
    pub(super) fn slot(self) -> Option<Slot> {
        match self {
            RecordState::Record(slot) => Some(slot),
            RecordState::Nothing | RecordState::Damaged => None,
        }
    }
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
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        file.seek(SeekFrom::Start(place))?;
        // A record of the earlier form ends with its second slot.
        (&file).take(SLOT_BYTES as u64).read_to_end(&mut bytes)?;
        let slot = Slot::from_bytes(&bytes);
        if slot.map(|slot| slot.generation) > latest.map(|slot| slot.generation) {
            latest = slot;
        }
    }
    Ok(latest.map_or(RecordState::Damaged, RecordState::Record))
}

/// Returns what a journal has lost by its record, if anything.
///
/// `last` is its last commit and the page that has the number, or `None` in a journal of a version that counted
/// none. `database` is the journal's file where this process writes to it: it must not be opened and closed once
/// more.
///
/// The record has to be read before the journal is: then this is right while another process writes, too.
pub(super) fn lost(
    journal: &Path,
    found: RecordState,
    last: Option<(Commit, u32)>,
    database: Option<&File>,
) -> io::Result<Option<LostCommits>> {
    let commit = last.map(|(commit, _)| commit);
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
    let at = time(slot.at_ms);
    if number < recorded.number || is_fork {
        let recorded = recorded.number;
        return Ok(Some(LostCommits::Behind {
            number,
            recorded,
            at,
        }));
    }
    let Some((commit, page_of_number)) = last else {
        return Ok(None);
    };
    let lost = if slot.is_log_foreign(journal, commit, database)? {
        Some(LostCommits::ForeignLog)
    } else if slot.state == State::Changed {
        Some(LostCommits::Changed { at })
    } else {
        match slot.log.is_followed_by_another(journal, page_of_number)? {
            Some(true) => Some(LostCommits::Changed { at }),
            Some(false) => None,
            None if slot.log.frames == 0 || slot.log == LogEnd::UNKNOWN => None,
            None if slot.has_all_pages(journal, commit, database)? => {
                // The log that was recorded is gone. If there is one again, all of it came later.
                let later = LogEnd::default().is_followed_by_another(journal, page_of_number)?;
                (later == Some(true)).then_some(LostCommits::Changed { at })
            }
            None => Some(LostCommits::HalfMoved { at }),
        }
    };
    // Else a writer has gone on meanwhile, who had looked before it did.
    Ok(match lost {
        Some(lost) if read(journal)? == found => Some(lost),
        _ => None,
    })
}

/// Returns the last commit that the database has without its log; `None` if it counts none.
fn commit_without_log(journal: &Path) -> Option<Commit> {
    let alone = open_without_log(journal).and_then(|database| Commit::read(&database));
    alone.ok()
}

/// Returns the last commit that the database has without its log, once that can be read: another program may be moving
/// the log into it.
fn commit_when_readable(journal: &Path) -> Option<Commit> {
    let pauses_ms = [0, 20, 100, 400, 1_000].into_iter();
    let mut tries = pauses_ms.map(|pause_ms| {
        thread::sleep(Duration::from_millis(pause_ms));
        commit_without_log(journal)
    });
    tries.find_map(|found| found)
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
    /// What the database was when it was last whole by itself; `None` if that can't be known.
    base_pages: Option<DatabasePages>,
    /// What was written since.
    pages: PageList,
    /// The number of frames that the log had when it was last moved, or that was tried.
    moved_frames: u32,
    place: PlaceWatch,
    /// The database, to compare its pages. Closing it releases SQLite's locks, as with the index of the log.
    database: File,
    database_state: DatabaseState,
    /// `true` if another program has touched the database, and its pages could not be compared: what it is then is for the
    /// next process to check in whole.
    is_touched: bool,
    /// What another program has done to the files, if that was noticed.
    changed: Option<&'static str>,
}

/// Says what a database was when it was looked at, before it was opened.
#[derive(Debug)]
pub(super) struct LookedAt {
    identity: Option<FileIdentity>,
    state: DatabaseState,
    content: Content,
}

/// Says what a database is by its record.
#[derive(Debug)]
enum Content {
    /// Bit for bit what was checked and written, and it has no log.
    AsRecorded(DatabasePages),
    /// Something else, without a log: another program has changed or touched it, or its disk has.
    Changed,
    /// Nothing says it: there is no digest, or there is a log, and what that adds has to be checked.
    Unknown,
}

impl LookedAt {
    /// Looks at the database of a journal that nobody has open in this process.
    pub(super) fn read(journal: &Path, record: RecordState) -> Result<LookedAt, JournalError> {
        let failed = |source| JournalError::unreadable(journal, "reading its pages", source);
        let (identity, state) = (place::identity_of(journal)?, DatabaseState::read(journal)?);
        let has_log = fs::metadata(beside(journal, "-wal")).is_ok_and(|log| log.len() > 0);
        let recorded = record.slot().and_then(|slot| slot.database);
        let content = match recorded.filter(|_| !has_log) {
            None => Content::Unknown,
            Some(recorded) => {
                let found = File::open(journal).and_then(|file| DatabasePages::read(&file));
                match found.map_err(failed)? {
                    Some(pages) if pages.digest() == recorded => Content::AsRecorded(pages),
                    _ => Content::Changed,
                }
            }
        };
        Ok(LookedAt {
            identity,
            state,
            content,
        })
    }

    /// Returns the content of the database if the journal needs no further check.
    fn as_recorded(&self) -> Option<&DatabasePages> {
        match &self.content {
            Content::AsRecorded(pages) => Some(pages),
            Content::Changed | Content::Unknown => None,
        }
    }

    /// Returns `true` if the journal needs no further check.
    pub(super) fn is_as_recorded(&self) -> bool {
        self.as_recorded().is_some()
    }

    /// Returns `true` if more has to be checked than what is about to be used.
    pub(super) fn is_changed(&self) -> bool {
        matches!(self.content, Content::Changed)
    }

    /// Refuses a journal that is another file now.
    pub(super) fn expect_same(&self, journal: &Path) -> Result<(), JournalError> {
        place::expect_same(journal, self.identity)
    }
}

/// What the system says of the database as a file. While a journal is in use, only moving its log changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DatabaseState {
    bytes: u64,
    modified: Option<SystemTime>,
    /// The time of the last change, in seconds and nanoseconds, which no program can set back.
    changed: Option<(i64, i64)>,
}

impl DatabaseState {
    fn read(journal: &Path) -> Result<DatabaseState, JournalError> {
        let found = fs::metadata(journal)
            .map_err(|source| JournalError::io(journal, "finding it", source))?;
        Ok(DatabaseState {
            bytes: found.len(),
            // Where the system keeps no time, the size is what is left.
            modified: found.modified().ok(),
            changed: changed(&found),
        })
    }
}

#[cfg(unix)]
fn changed(found: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((found.ctime(), found.ctime_nsec()))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<(i64, i64)> {
    None
}

/// Returns the last commit of a database, and the highest number of an event of which it has an attempt, or 0.
fn commit_and_intended(connection: &Connection) -> rusqlite::Result<(Commit, i64)> {
    let intended = "SELECT coalesce(max(event), 0) FROM attempt";
    let intended: i64 = connection.query_row(intended, [], |row| row.get(0))?;
    Ok((Commit::read(connection)?, intended))
}

/// Returns the state in which a journal was left, with the number of the commit that its database has without its log.
fn state_and_base(journal: &Path, before: Option<&Slot>, log: LogEnd) -> (State, i64) {
    let alone = commit_without_log(journal);
    match before {
        // Another program may have begun to move the log, and left some pages newer than others.
        Some(before) if log.frames > 0 && (before.state != State::AtRest || alone.is_none()) => {
            (State::Moving, before.base)
        }
        _ => (State::AtRest, alone.map_or(0, |alone| alone.number)),
    }
}

impl CommitRecord {
    /// Continues the record of a journal that has lost nothing, or makes it. `intended_before` is the highest number of an
    /// event of which a request was intended by what was lost, or 0.
    pub(super) fn start(
        journal: &Path,
        connection: &Connection,
        intended_before: i64,
        looked_at: Option<&LookedAt>,
        now: Timestamp,
    ) -> Result<CommitRecord, JournalError> {
        let failed = |source| JournalError::io(journal, "opening its commit record", source);
        let (commit, intended) = commit_and_intended(connection)
            .map_err(|error| JournalError::sqlite(journal, "reading its last commit", error))?;
        let before = read(journal).map_err(failed)?.slot();
        let mut index = LogIndex::open(journal).map_err(|error| match error.kind() {
            ErrorKind::NotFound => JournalError::Displaced {
                path: beside(journal, "-wal"),
                what: place::GONE,
            },
            _ => failed(error),
        })?;
        let log = index.end().map_err(failed)?;
        let database = File::open(journal).map_err(failed)?;
        let database_state = DatabaseState::read(journal)?;
        if before.is_some() {
            // Its files may have been exchanged since they were looked at. From here on, changes are noticed.
            migrate::expect_nothing_lost(journal, &database)?;
        }
        let is_later = |looked_at: &LookedAt| {
            looked_at.state != database_state || looked_at.is_as_recorded() && log.frames > 0
        };
        let is_touched = looked_at.is_some_and(is_later);
        let as_recorded = looked_at.and_then(LookedAt::as_recorded);
        let base_pages = match as_recorded.filter(|_| !is_touched) {
            Some(pages) => Some(pages.clone()),
            None => DatabasePages::read(&database).map_err(failed)?,
        };
        if is_touched {
            migrate::expect_sound(journal, &database)?;
        }
        let (state, base) = state_and_base(journal, before.as_ref(), log);
        let mut record = CommitRecord {
            journal: journal.to_owned(),
            file: open(journal).map_err(failed)?,
            index,
            slot: Slot {
                generation: before.map_or(0, |slot| slot.generation),
                commit,
                at_ms: now.as_millisecond(),
                base,
                state,
                log,
                intended: before
                    .map_or(0, |slot| slot.intended)
                    .max(intended)
                    .max(intended_before),
                listed: ListEnd::default(),
                database: None,
            },
            base_pages,
            pages: PageList::default(),
            moved_frames: 0,
            place: PlaceWatch::new(journal)?,
            database,
            database_state,
            is_touched,
            changed: None,
        };
        record.slot.database = record.database_digest();
        record.list(0, &log)?;
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
            return Err(self.changed(WRITTEN_BY_ANOTHER));
        }
        self.place.check()?;
        let log = self.log_end()?;
        self.take_in_commit(log, commit.number)?;
        let intended = intended.map_or(0, |event| event.0);
        self.slot.intended = self.slot.intended.max(intended);
        self.slot.commit = commit;
        self.slot.at_ms = Timestamp::now().as_millisecond();
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
        self.expect_last_log()?;
        self.move_checked_log(connection)
    }

    /// Moves a log that nobody else had written to.
    fn move_checked_log(&mut self, connection: &Connection) -> Result<bool, JournalError> {
        self.expect_whole_log()?;
        self.slot.state = State::Moving;
        self.write()?;
        let is_whole = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
                let (is_busy, frames, moved): (bool, i64, i64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(!is_busy && frames == moved)
            })
            .map_err(|error| JournalError::sqlite(&self.journal, "emptying its log", error))?;
        let kept = self.index.keep();
        kept.map_err(|source| JournalError::io(&self.journal, "locking its log", source))?;
        self.database_state = DatabaseState::read(&self.journal)?;
        // What another program has written since the log was looked at was moved with it.
        let log = self.log_end()?;
        if log.frames != 0 && log != self.slot.log {
            return Err(self.changed(WRITTEN_BY_ANOTHER));
        }
        if log.frames == 0 && self.slot.log.frames > 0 {
            self.expect_pages()?;
        }
        self.moved_frames = self.slot.log.frames;
        if is_whole {
            self.expect_all_in()?;
            self.slot.state = State::AtRest;
            self.database_is_whole(self.slot.commit.number);
            self.write()?;
        }
        Ok(is_whole)
    }

    /// Writes the whole database anew, without the room of rows that were removed. This changes no content, and not the
    /// number.
    pub(super) fn rewrite(
        &mut self,
        connection: &Connection,
        doing: &'static str,
    ) -> Result<(), JournalError> {
        self.expect_untouched()?;
        self.expect_last_log()?;
        let rewritten = connection.execute_batch("VACUUM");
        let log = self.log_end()?;
        let commits = self.take_in(log, self.slot.commit.number)?;
        if commits != u32::from(rewritten.is_ok()) {
            return Err(self.changed(WRITTEN_BY_ANOTHER));
        }
        self.write()?;
        rewritten.map_err(|error| JournalError::sqlite(&self.journal, doing, error))?;
        self.move_log(connection).map(drop)
    }

    /// Adds the frames of the log behind the first `after` ones to the list of pages. Returns the number of commits that
    /// they are.
    fn list(&mut self, after: u32, log: &LogEnd) -> Result<u32, JournalError> {
        let (index, file) = (&mut self.index, &mut self.file);
        let mut commits = 0;
        let listed = self.pages.add(file, self.base_pages.as_ref(), |work| {
            index.for_each_frame(after, log, &mut |frame| {
                commits += u32::from(frame.database_pages.is_some());
                work(frame);
            })
        });
        self.slot.listed = listed.map_err(|source| {
            JournalError::io(&self.journal, "writing its commit record", source)
        })?;
        Ok(commits)
    }

    /// Takes note that the database has all commits up to this one without its log.
    fn database_is_whole(&mut self, number: i64) {
        if let Some(pages) = &mut self.base_pages
            && !self.pages.apply_to(pages)
        {
            // There were too many to list, or SQLite has left one out.
            self.base_pages = DatabasePages::read(&self.database).ok().flatten();
        }
        self.slot.database = self.database_digest();
        self.slot.base = number;
        self.pages = PageList::default();
        self.slot.listed = ListEnd::default();
    }

    /// Returns what is recorded of the database at its base.
    fn database_digest(&self) -> Option<DatabaseDigest> {
        if self.is_touched {
            return Some(DatabaseDigest::OF_NO_DATABASE);
        }
        self.base_pages.as_ref().map(DatabasePages::digest)
    }

    /// Checks that the database has what the log had that was moved into it, as far as a list of that was kept.
    fn expect_all_in(&mut self) -> Result<(), JournalError> {
        let all_in = self.pages.are_all_in(&self.database, Unlisted::Stale);
        match all_in {
            Ok(false) if self.pages.is_kept() => Err(self.changed(DATABASE_OVERWRITTEN)),
            Ok(_) => Ok(()),
            Err(source) => Err(JournalError::io(&self.journal, "reading its pages", source)),
        }
    }

    /// Checks that the files are in their place, and that no other program has changed the database.
    pub(super) fn expect_untouched(&mut self) -> Result<(), JournalError> {
        self.place.check()?;
        self.expect_known_pages()
    }

    /// Checks that each page of the database is what it was, or what a commit of this process made of it. SQLite does not
    /// look: it has pages in memory, and goes on with them until the next process finds what is on disk. Another
    /// program that has moved the log, as `sqlite3` does, has changed nothing that counts.
    fn expect_known_pages(&mut self) -> Result<(), JournalError> {
        if DatabaseState::read(&self.journal)? == self.database_state {
            return Ok(());
        }
        self.expect_pages()
    }

    /// Checks each page of the database, whether the system says that it was changed or not.
    fn expect_pages(&mut self) -> Result<(), JournalError> {
        let found = DatabaseState::read(&self.journal)?;
        let Some(base) = self.base_pages.as_ref().filter(|_| self.pages.is_kept()) else {
            return self.expect_sound_database(found);
        };
        let may_be = |number, was, found| self.pages.may_have_made(number, was, found);
        let unexpected = base.unexpected_in(&self.database, may_be);
        match unexpected {
            Ok(pages) if pages.is_empty() => {
                self.database_state = found;
                Ok(())
            }
            Ok(_) => Err(self.changed(DATABASE_OVERWRITTEN)),
            Err(source) => Err(JournalError::io(&self.journal, "reading its pages", source)),
        }
    }

    /// Checks the rows of a database of which the pages are not known.
    fn expect_sound_database(&mut self, found: DatabaseState) -> Result<(), JournalError> {
        match migrate::expect_sound(&self.journal, &self.database) {
            Ok(()) => {
                self.database_state = found;
                self.is_touched = true;
                Ok(())
            }
            Err(error @ (JournalError::Sqlite { .. } | JournalError::NotReadable { .. })) => {
                Err(error)
            }
            Err(_) => Err(self.changed(DATABASE_OVERWRITTEN)),
        }
    }

    /// Takes note that another program has moved a commit before its pages could be read.
    fn take_in_moved(&mut self, log: LogEnd, number: i64) -> Result<(), JournalError> {
        let found = DatabaseState::read(&self.journal)?;
        self.base_pages = DatabasePages::read(&self.database)
            .map_err(|source| JournalError::io(&self.journal, "reading its pages", source))?;
        self.pages = PageList::default();
        self.expect_sound_database(found)?;
        self.slot.log = log;
        self.slot.state = State::AtRest;
        self.database_is_whole(number);
        Ok(())
    }

    /// Checks that no other program has written to the log since the last commit of this process. One may have moved
    /// all of it into the database and emptied it.
    pub(super) fn expect_last_log(&mut self) -> Result<(), JournalError> {
        let log = self.log_end()?;
        if log == self.slot.log || log.frames == 0 {
            return Ok(());
        }
        Err(self.changed(WRITTEN_BY_ANOTHER))
    }

    /// Takes note of the pages that a commit has written, which must be all that is new.
    fn take_in_commit(&mut self, log: LogEnd, number: i64) -> Result<(), JournalError> {
        if log.frames == 0 {
            return self.take_in_moved(log, number);
        }
        let has_header = self.index.has_header_of(&log);
        if !has_header.map_err(|error| self.unreadable_log(error))? {
            return Err(self.changed(LOG_OVERWRITTEN));
        }
        if self.take_in(log, number - 1)? != 1 {
            return Err(self.changed(WRITTEN_BY_ANOTHER));
        }
        self.expect_known_pages()
    }

    /// Takes note of where the log ends now, and returns the number of commits that are new in it. Where it was begun anew,
    /// the database must have all commits up to `before`.
    fn take_in(&mut self, log: LogEnd, before: i64) -> Result<u32, JournalError> {
        let mut listed_frames = self.slot.log.frames;
        if log.salts != self.slot.log.salts {
            self.expect_all_in()?;
            self.slot.state = State::AtRest;
            self.database_is_whole(before);
            listed_frames = 0;
        }
        let commits = self.list(listed_frames, &log)?;
        self.slot.log = log;
        Ok(commits)
    }

    /// Returns the error, and leaves a record that no later process takes for that of a whole journal: what is on disk
    /// may look like one, and lack what was sent.
    fn changed(&mut self, what: &'static str) -> JournalError {
        self.slot.state = State::Changed;
        self.changed = Some(what);
        // If this fails too, the log, the pages and the rows are what is left to judge by.
        let _ = self.write();
        self.displaced(what)
    }

    fn displaced(&self, what: &'static str) -> JournalError {
        let path = match what {
            LOG_OVERWRITTEN => beside(&self.journal, "-wal"),
            _ => self.journal.clone(),
        };
        JournalError::Displaced { path, what }
    }

    /// Says once more what another program has done to the files, if it was noticed or shows.
    pub(super) fn expect_unchanged(&self) -> Result<(), JournalError> {
        match self.changed {
            Some(what) => Err(self.displaced(what)),
            None => self.place.check(),
        }
    }

    /// Checks that each frame of the log is as it was written.
    pub(super) fn expect_whole_log(&mut self) -> Result<(), JournalError> {
        match self.slot.log.is_intact(&self.journal) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.changed(LOG_OVERWRITTEN)),
            Err(error) => Err(self.unreadable_log(error)),
        }
    }

    fn log_end(&mut self) -> Result<LogEnd, JournalError> {
        self.index.end().map_err(|error| self.unreadable_log(error))
    }

    fn unreadable_log(&self, source: io::Error) -> JournalError {
        JournalError::io(&self.journal, "finding the end of its log", source)
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
    (&file).write_all(&vec![0; ROOM_BYTES])?;
    file.sync_all()?;
    files::sync_directory(journal)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::super::guard::tests::open_to_edit;
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

    /// Makes a whole database, with some answers in its log: in the last page of each table, where there is room, so that
    /// the database does not grow.
    fn answered(path: &Path) -> Journal {
        drop(in_use(path));
        let mut journal = open(path).unwrap();
        for n in 57..60 {
            let settled = answer(n, 1, Effect::Recorded, Some(Outcome::Tracked));
            journal.write(&[settled]).unwrap();
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

    /// Returns `true` if the database is, bit for bit, what the record says.
    fn is_as_recorded(path: &Path) -> bool {
        let looked_at = LookedAt::read(path, read(path).unwrap()).unwrap();
        looked_at.is_as_recorded()
    }

    #[test]
    fn what_this_program_left_needs_no_further_check() {
        let (_directory, path) = place();
        drop(in_use(&path));
        assert!(is_as_recorded(&path), "a new journal");
        let mut journal = open(&path).unwrap();
        let many: Vec<_> = (0..3_000)
            .map(|n| sale(&format!("new_{n}"), 100, 2))
            .collect();
        record(&mut journal, &many);
        assert!(!is_as_recorded(&path), "what is in a log has to be checked");
        drop(journal);
        assert!(is_as_recorded(&path), "one that has grown");
        drop(open(&path).unwrap());
        assert!(is_as_recorded(&path), "one that was only opened");

        // Killed with a log that is not moved: the database is as the log found it, and the log has to be checked.
        let (_directory, path) = place();
        let journal = answered(&path);
        let killed = Files::read(&path);
        drop(journal);
        assert!(is_as_recorded(&path), "one that was written to again");
        assert!(!killed.log.is_empty());
        fs::write(&path, &killed.database).unwrap();
        fs::write(beside(&path, "-wal"), &killed.log).unwrap();
        fs::write(beside(&path, files::COMMITS), &killed.record).unwrap();
        assert!(!is_as_recorded(&path), "a killed one");
        drop(open(&path).unwrap());
        assert!(is_as_recorded(&path), "one that went on after a kill");
    }

    #[test]
    fn any_other_database_is_checked_in_whole() {
        let (_directory, path) = place();
        drop(in_use(&path));
        let whole = Files::read(&path).database;
        let mut rng = fastrand::Rng::with_seed(11);
        for _ in 0..300 {
            let mut other = whole.clone();
            match rng.u8(..4) {
                0 => other.truncate(rng.usize(..other.len())),
                1 => other.resize(other.len() + PAGE_BYTES, 0),
                2 => {
                    let (one, two) = (rng.usize(..8), rng.usize(8..16));
                    for at in 0..PAGE_BYTES {
                        other.swap(one * PAGE_BYTES + at, two * PAGE_BYTES + at);
                    }
                    if other == whole {
                        continue;
                    }
                }
                _ => other[rng.usize(..whole.len())] ^= 1 << rng.u8(..8),
            }
            fs::write(&path, &other).unwrap();
            assert!(!is_as_recorded(&path));
        }
        fs::write(&path, &whole).unwrap();
        assert!(is_as_recorded(&path));
        let other = open_to_edit(&path);
        other
            .execute_batch("UPDATE run SET requests = 7; VACUUM")
            .unwrap();
        other.close().unwrap();
        assert!(!is_as_recorded(&path), "another program has written");
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
        let mut journal = answered(&path);
        journal.record.slot.state = State::Moving;
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
                    Ok(_) => assert_eq!(damaged.database, after.database, "{pages}"),
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

    /// Returns the database as another program leaves it that has moved all of its log.
    fn with_log_moved(files: &Files) -> Vec<u8> {
        let (_directory, copy) = place();
        fs::write(&copy, &files.database).unwrap();
        fs::write(beside(&copy, "-wal"), &files.log).unwrap();
        let other = open_to_edit(&copy);
        let moved = "PRAGMA wal_checkpoint(TRUNCATE)";
        other.query_row(moved, [], |_| Ok(())).unwrap();
        drop(other);
        fs::read(&copy).unwrap()
    }

    /// Another program begins to move the log of a killed run, and is cut off; then the log is deleted.
    #[test]
    fn a_log_that_another_program_has_moved_in_part_is_missed() {
        let (_directory, path) = place();
        let _journal = answered(&path);
        let before = Files::read(&path);
        let whole = with_log_moved(&before);
        let mut missed = 0;
        let changed = |page: usize| {
            let at = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
            before.database.get(at.clone()) != whole.get(at)
        };
        let pages: Vec<usize> = (0..whole.len() / PAGE_BYTES)
            .filter(|p| changed(*p))
            .collect();
        let moved_without = |page: usize| {
            let mut database = whole.clone();
            let at = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
            match before.database.get(at.clone()) {
                Some(old) => database[at].copy_from_slice(old),
                None => database[at].fill(0),
            }
            database
        };
        for left_out in &pages {
            let files = Files {
                database: moved_without(*left_out),
                log: Vec::new(),
                record: before.record.clone(),
            };
            let (_directory, copy) = place();
            fs::write(&copy, &files.database).unwrap();
            fs::write(beside(&copy, files::COMMITS), &files.record).unwrap();
            match open(&copy) {
                Err(JournalError::Lost { lost, .. }) => {
                    missed += usize::from(matches!(lost, LostCommits::HalfMoved { .. }));
                }
                Err(JournalError::Damaged { .. }) => {}
                other => panic!("{left_out}: {other:?}"),
            }
        }
        assert!(missed > 0, "{pages:?}");
        // With the log, all of that is whole.
        for left_out in &pages {
            let files = Files {
                database: moved_without(*left_out),
                ..before.clone()
            };
            assert_eq!(files.lost(), [None, None], "{left_out}");
        }
        let mut torn = whole.clone();
        torn[..2 * PAGE_BYTES].copy_from_slice(&before.database[..2 * PAGE_BYTES]);
        for database in [torn.clone(), torn[..before.database.len()].to_vec()] {
            let files = Files {
                database,
                ..before.clone()
            };
            assert_eq!(files.lost(), [None, None]);
        }
        let files = Files {
            database: whole,
            log: Vec::new(),
            record: before.record,
        };
        assert_eq!(files.lost(), [None, None]);
    }

    /// What another program writes to the log of a killed run has no number of its own.
    #[test]
    fn what_another_program_adds_to_the_log_of_a_killed_run_is_noticed() {
        let (_directory, path) = place();
        let journal = in_use(&path);
        let files = Files::read(&path);
        drop(journal);
        let (_directory, path) = place();
        fs::write(&path, &files.database).unwrap();
        fs::write(beside(&path, "-wal"), &files.log).unwrap();
        let other = open_to_edit(&path);
        let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        other.set_db_config(keep, true).unwrap();
        other.execute("DELETE FROM attempt", []).unwrap();
        drop(other);
        let changed = Files {
            log: fs::read(beside(&path, "-wal")).unwrap(),
            ..files
        };
        let is_changed =
            |lost: &Option<LostCommits>| matches!(lost, Some(LostCommits::Changed { .. }));
        let [writing, reading] = changed.lost();
        assert!(
            is_changed(&writing) && is_changed(&reading),
            "{writing:?} {reading:?}"
        );
    }

    /// Runs SQL as another program would that has the journal open for a moment, and that may move the log.
    fn by_another(journal: &Journal, sql: &str) {
        journal.record.index.release();
        let path = journal.path();
        let other = open_to_edit(path);
        other.execute_batch(sql).unwrap();
    }

    #[track_caller]
    fn expect_displaced<T: std::fmt::Debug>(result: &Result<T, JournalError>) {
        assert!(
            matches!(result, Err(JournalError::Displaced { .. })),
            "{result:?}"
        );
    }

    const MOVES: [&str; 4] = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];

    /// The rows that it leaves fit together, and its log is gone: only the pages say that they are not those that were
    /// written.
    #[test]
    fn what_another_program_writes_and_moves_during_a_run_is_noticed() {
        let forget = "BEGIN; DELETE FROM attempt; UPDATE event SET outcome = NULL; COMMIT;";
        for sql in [forget, "BEGIN; UPDATE run SET requests = 7; COMMIT;"] {
            for how in ["RESTART", "TRUNCATE"] {
                let (_directory, path) = place();
                let mut journal = in_use(&path);
                by_another(&journal, &format!("{sql} PRAGMA wal_checkpoint({how});"));
                let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
                let written = journal.write(&[settled]);
                assert!(
                    matches!(written, Err(JournalError::Displaced { .. })),
                    "{how}: {written:?}"
                );
                drop(journal);
                let opened = open(&path);
                assert!(
                    matches!(opened, Err(JournalError::Lost { .. })),
                    "{opened:?}"
                );
            }
            let (_directory, path) = place();
            let journal = in_use(&path);
            by_another(&journal, &format!("{sql} PRAGMA wal_checkpoint(TRUNCATE);"));
            let closed = journal.close();
            expect_displaced(&closed);
        }
    }

    /// It writes after the log was looked at, and before that is moved: its commit is moved as well.
    #[test]
    fn what_another_program_writes_while_the_log_is_moved_is_noticed() {
        let (_directory, path) = place();
        let mut journal = in_use(&path);
        let other = open_to_edit(&path);
        journal.record.expect_last_log().unwrap();
        other.execute_batch("DELETE FROM attempt").unwrap();
        let moved = journal.record.move_checked_log(&journal.reader.connection);
        expect_displaced(&moved);
        let closed = journal.close();
        expect_displaced(&closed);
    }

    /// A move that another program keeps from beginning leaves a log, and nothing is wrong.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_log_that_another_program_is_moving_stays() {
        let (_directory, path) = place();
        let mut journal = in_use(&path);
        journal.record.index.release();
        let options = OpenOptions::new().read(true).write(true).clone();
        let elsewhere = options.open(beside(&path, "-shm")).unwrap();
        super::super::lock::hold_log_elsewhere(&elsewhere);
        let connection = &journal.reader.connection;
        assert!(!journal.record.move_log(connection).unwrap());
        let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
        journal.write(&[settled]).unwrap();
        journal.close().unwrap();
        drop(elsewhere);
        drop(open(&path).unwrap());
        assert!(is_as_recorded(&path));
    }

    /// What a reader still needs of a log is not moved.
    #[test]
    fn a_log_that_somebody_reads_stays() {
        let (_directory, path) = place();
        let mut journal = in_use(&path);
        let reader = open_to_edit(&path);
        reader.execute_batch("BEGIN").unwrap();
        let events = "SELECT count(*) FROM event";
        reader.query_row(events, [], |_| Ok(())).unwrap();
        let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
        journal.write(&[settled]).unwrap();
        let connection = &journal.reader.connection;
        assert!(!journal.record.move_log(connection).unwrap());
        journal.close().unwrap();
        drop(reader);
        drop(open(&path).unwrap());
        assert!(is_as_recorded(&path));
    }

    #[test]
    fn what_another_program_adds_behind_a_commit_is_noticed() {
        let (_directory, path) = place();
        let mut journal = in_use(&path);
        let transaction = journal.reader.connection.unchecked_transaction().unwrap();
        let counted = Commit::count(&mut Commit::prepare(&transaction).unwrap()).unwrap();
        transaction.commit().unwrap();
        by_another(&journal, "DELETE FROM attempt");
        let connection = &journal.reader.connection;
        let recorded = journal.record.committed(connection, counted, None);
        expect_displaced(&recorded);
    }

    #[test]
    fn a_log_that_another_program_only_moves_is_no_change() {
        for how in MOVES {
            let (_directory, path) = place();
            let mut journal = in_use(&path);
            for n in 1..50 {
                by_another(&journal, &format!("PRAGMA wal_checkpoint({how})"));
                let settled = answer(n, 1, Effect::Recorded, Some(Outcome::Tracked));
                journal.write(&[settled]).unwrap();
                if n % 7 == 0 {
                    by_another(&journal, &format!("PRAGMA wal_checkpoint({how})"));
                    let many: Vec<_> = (0..20 * n)
                        .map(|m| sale(&format!("new_{n}_{m}"), 100, 2))
                        .collect();
                    record(&mut journal, &many);
                }
            }
            journal.close().unwrap();
            assert!(is_as_recorded(&path), "{how}: nothing is left to check");
        }
    }

    /// It is moved before this process has seen what its own commit wrote.
    #[test]
    fn a_commit_that_another_program_moves_at_once_is_taken_in() {
        let (_directory, path) = place();
        let mut journal = in_use(&path);
        let transaction = journal.reader.connection.unchecked_transaction().unwrap();
        let counted = Commit::count(&mut Commit::prepare(&transaction).unwrap()).unwrap();
        transaction.commit().unwrap();
        by_another(&journal, "PRAGMA wal_checkpoint(TRUNCATE)");
        let connection = &journal.reader.connection;
        journal.record.committed(connection, counted, None).unwrap();
        let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
        journal.write(&[settled]).unwrap();
        journal.close().unwrap();
        assert!(!is_as_recorded(&path), "the next process checks all of it");
        drop(open(&path).unwrap());
        assert!(is_as_recorded(&path));
    }

    /// A database that is written anew has more in its log than its number says.
    #[test]
    fn what_is_killed_while_it_is_rewritten_has_lost_nothing() {
        let (_directory, path) = place();
        let journal = in_use(&path);
        journal.reader.connection.execute_batch("VACUUM").unwrap();
        let killed = Files::read(&path);
        assert!(!killed.log.is_empty());
        assert_eq!(killed.lost(), [None, None]);
    }

    /// A viewer keeps the index of the log from before the kill, which does not have what was written last.
    #[test]
    fn what_is_killed_while_somebody_reads_has_lost_nothing() {
        let (_directory, path) = place();
        let mut journal = in_use(&path);
        let viewer = open_to_edit(&path);
        let events = "SELECT count(*) FROM event";
        viewer.query_row(events, [], |_| Ok(())).unwrap();
        let before = Files::read(&path);
        let index = fs::read(beside(&path, "-shm")).unwrap();
        let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
        journal.write(&[settled]).unwrap();
        let after = Files::read(&path);
        // As if the process had been killed between the log and its index.
        fs::write(beside(&path, files::COMMITS), &before.record).unwrap();
        let mut shown = OpenOptions::new()
            .write(true)
            .open(beside(&path, "-shm"))
            .unwrap();
        shown.write_all(&index).unwrap();
        let reader = JournalReader::open(&path).unwrap().unwrap();
        assert_eq!(Commit::read(&reader.connection).unwrap().number, 60 + 1);
        assert!(after.log.len() > before.log.len());
    }

    /// A record that an earlier version has left is continued.
    #[test]
    fn a_record_of_the_earlier_form_is_read() {
        let (_directory, path) = place();
        drop(in_use(&path));
        let RecordState::Record(slot) = read(&path).unwrap() else {
            panic!("no record");
        };
        let mut bytes = slot.to_bytes()[..EARLIER_SLOT_BYTES - SUM_BYTES].to_vec();
        bytes[..8].copy_from_slice(&EARLIER_MAGIC);
        bytes[80..96].fill(0);
        bytes.extend(Sha256::digest(&bytes));
        // In the second slot, with which such a record ends.
        let mut record = vec![0; 4096];
        record.extend(&bytes);
        fs::write(beside(&path, files::COMMITS), &record).unwrap();
        let RecordState::Record(earlier) = read(&path).unwrap() else {
            panic!("not read");
        };
        assert_eq!((earlier.commit, earlier.base), (slot.commit, slot.base));
        drop(open(&path).unwrap());
        assert!(JournalReader::open(&path).unwrap().is_some());
    }
}
