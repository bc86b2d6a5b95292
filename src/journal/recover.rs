//! Continues with a journal that lost commits, on purpose.

use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Row, Statement, Transaction, TransactionBehavior, params};

use super::columns::{Seal, expect_seal, impossible};
use super::commit::{self, Commit};
use super::error::LostCommits;
use super::files::{self, beside};
use super::lock::Lock;
use super::migrate;
use super::place;
use super::record_slot::RecordState;
use super::{EventRow, Journal, JournalError, JournalReader};
use crate::event::Event;

/// The version from which on what is recorded of losses has checksums.
const SEALED_FROM: i64 = 8;

const DOING: &str = "continuing without the commits that it lost";

/// The query for events up to a number that may have been sent: those that are not settled, and cancellations
/// that a retry may have had.
const DOUBTFUL: &str = "SELECT id FROM event WHERE id <= ?1
     AND (outcome IS NULL OR kind = 'cancellation' AND outcome IN ('failed', 'non_referral'))";

/// The time by which an event's date may be off because of its time zone: an event that is dated up to this
/// long after the last lost commit may have been sent by it.
const DATE_TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// The statement that [`insert`] runs: it adds an event that may have been sent.
pub(super) const INSERT: &str = "INSERT OR IGNORE INTO in_doubt (event, seal) VALUES (?, ?)";

pub(super) fn insert(statement: &mut Statement<'_>, event: EventRow) -> rusqlite::Result<usize> {
    statement.execute(params![event.0, seal(event)])
}

pub(super) fn seal(event: EventRow) -> i64 {
    let mut seal = Seal::new(event);
    seal.bytes(b"in doubt");
    seal.value()
}

/// Holds the time up to which events that the journal does not know may have been sent nevertheless.
#[derive(Clone, Copy, Debug)]
pub(super) struct DoubtUntil(Option<Timestamp>);

impl DoubtUntil {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT max(until_ms) FROM lost_commits";
        let until: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
        Ok(DoubtUntil(until.map(commit::time)))
    }

    /// Returns `true` if an event that is new to the journal may have been sent.
    pub(super) fn concerns(self, event: &Event) -> bool {
        let Some(until) = self.0 else {
            return false;
        };
        let until = until.checked_add(DATE_TOLERANCE).unwrap_or(Timestamp::MAX);
        event.created_at.is_none_or(|created| created <= until)
    }
}

impl JournalReader {
    /// Checks the seals of the events that may have been sent, and returns their numbers.
    pub(super) fn in_doubt(&self) -> Result<HashSet<EventRow>, JournalError> {
        let mut events = HashSet::new();
        let sql = "SELECT event, seal FROM in_doubt";
        self.each("reading the events in doubt", sql, [], |row| {
            let event = EventRow(row.get(0)?);
            expect_seal(row, 1, seal(event), || {
                format!("the doubt of event {}", event.0)
            })?;
            events.insert(event);
            Ok(())
        })?;
        Ok(events)
    }
}

/// Returns the checksum of what is recorded of a loss.
fn seal_of_loss(what: &str, until_ms: Option<i64>, recovered_ms: i64, by: &str) -> i64 {
    let mut seal = Seal::unnumbered();
    seal.text(Some(what));
    let until = until_ms.map(i64::to_be_bytes);
    seal.bytes(until.as_ref().map_or(&[], |until| until.as_slice()));
    seal.bytes(&recovered_ms.to_be_bytes());
    seal.text(Some(by));
    seal.value()
}

impl JournalReader {
    /// Checks that what is recorded of losses is there as it was written.
    pub(super) fn expect_losses_sealed(&self) -> Result<(), JournalError> {
        const DOING: &str = "checking what it says of losses";
        let integer = |sql: &str| {
            let found = self
                .connection
                .query_row(sql, [], |row| row.get::<_, i64>(0));
            found.map_err(|error| self.failed(DOING, error))
        };
        if integer("PRAGMA main.user_version")? < SEALED_FROM {
            return Ok(());
        }
        let mut losses = 0;
        let sql = "SELECT what, until_ms, recovered_ms, recovered_by, seal FROM lost_commits";
        self.each(DOING, sql, [], |row| {
            losses += 1;
            let (what, by): (String, String) = (row.get(0)?, row.get(3)?);
            let seal = seal_of_loss(&what, row.get(1)?, row.get(2)?, &by);
            match row.get::<_, Option<i64>>(4)? {
                Some(found) if found != seal => Err(impossible(
                    4,
                    "what it says of a loss is not as it was written",
                )),
                _ => Ok(()),
            }
        })?;
        let in_doubt = integer("SELECT count(*) FROM in_doubt")?;
        let missing = if integer("SELECT losses FROM last_commit")? != losses {
            "what it said of a loss is not there"
        } else if integer("SELECT events_in_doubt FROM last_commit")? != in_doubt {
            "which events may have been sent by a lost request is not what was written"
        } else {
            return Ok(());
        };
        Err(JournalError::damaged(&self.path, missing))
    }

    /// Returns when somebody continued after a loss that may have taken events, if no exports were read since: what
    /// is lost then can't be told.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn loss_without_exports(&self) -> Result<Option<Timestamp>, JournalError> {
        if !self.has_table("lost_commits")? {
            return Ok(None);
        }
        let sql = "SELECT max(recovered_ms) FROM lost_commits WHERE until_ms IS NOT NULL";
        let recovered: Option<i64> = self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("looking for lost commits", error))?;
        let Some(recovered) = recovered.map(commit::time) else {
            return Ok(None);
        };
        let read = self.latest_run_of_exports()?;
        Ok(Some(recovered).filter(|at| read.is_none_or(|run| run.started < *at)))
    }
}

/// Reports the result of [`Journal::recover`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovered {
    /// The number of events that may have been sent: unsettled ones, and cancellations that a retry may have
    /// had.
    pub in_doubt: u64,
}

impl Journal {
    /// Continues with a journal that lost commits; returns `None` if it has lost nothing.
    ///
    /// All its events that are not settled may have been sent, and so may those that later exports have from
    /// before the loss, and cancellations that a retry had.
    ///
    /// # Errors
    ///
    /// Locked, damaged in what is left of it, from a newer version, not writable; there is no journal.
    pub fn recover(
        path: &Path,
        by: &str,
        now: Timestamp,
    ) -> Result<Option<Recovered>, JournalError> {
        let beside = place::directory_of(path);
        let path = place::resolve(path)?;
        let lock = Lock::take(&path, "journal recover", now)?;
        let found = migrate::read_record(&path)?;
        let looked = JournalReader::open_even_if_lost(&path)?;
        let Some((reader, lost)) = looked else {
            return Ok(None);
        };
        drop(reader);
        let Some(lost) = lost else {
            // That it has lost no commit does not say that what it has can be read.
            expect_sound(&path)?;
            return Ok(None);
        };
        if lost == LostCommits::ForeignLog {
            set_log_aside(&path)?;
        }
        let account = expect_sound(&path).inspect_err(|_| {
            if lost == LostCommits::ForeignLog {
                put_log_back(&path);
            }
        })?;
        let connection = migrate::open_as_it_is(&path, &account, now)?;
        let failed = |error| JournalError::sqlite(&path, DOING, error);
        let intended = intended(&connection, &lost, found).map_err(failed)?;
        let in_doubt = record_loss(&connection, &lost, found, intended, by, now).map_err(failed)?;
        let removed = match fs::remove_file(files::beside(&path, files::COMMITS)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        };
        removed.map_err(|source| JournalError::io(&path, DOING, source))?;
        // The same backup may be restored once more.
        drop(Journal::start(
            path, beside, connection, lock, intended, None, now,
        )?);
        Ok(Some(Recovered { in_doubt }))
    }
}

/// Checks all that is left, and returns which account it belongs to.
fn expect_sound(path: &Path) -> Result<super::Account, JournalError> {
    let damaged = |what: &str| JournalError::damaged(path, what);
    let Some((reader, _)) = JournalReader::open_even_if_lost(path)? else {
        return Err(damaged("nothing is left of it"));
    };
    reader.expect_sound_in_whole()?;
    reader.account()
}

/// Moves a log out of the way that belongs to another state of the database.
fn set_log_aside(path: &Path) -> Result<(), JournalError> {
    fs::rename(beside(path, "-wal"), beside(path, "-wal.set-aside"))
        .and_then(|()| files::sync_directory(path))
        .map_err(|source| JournalError::io(path, DOING, source))
}

/// Leaves the files as they were. If that fails, the log is where it was moved to.
fn put_log_back(path: &Path) {
    let _ = fs::rename(beside(path, "-wal.set-aside"), beside(path, "-wal"));
}

/// Returns the highest number of an event of which a request was intended, by the record, if that is the
/// journal's own; else any event may have been sent.
fn intended(
    connection: &Connection,
    lost: &LostCommits,
    found: RecordState,
) -> rusqlite::Result<i64> {
    let is_own = match lost {
        LostCommits::Behind {
            number, recorded, ..
        } => number < recorded,
        LostCommits::HalfMoved { .. } | LostCommits::ForeignLog | LostCommits::Changed { .. } => {
            true
        }
        _ => false,
    };
    let journal = Commit::read(connection)?.journal;
    Ok(match found {
        RecordState::Record(slot) if is_own && slot.commit.journal == journal => slot.intended,
        _ => i64::MAX,
    })
}

/// Records what was lost, and what may have been sent. The next commit has a number that no lost one had.
fn record_loss(
    connection: &Connection,
    lost: &LostCommits,
    found: RecordState,
    intended: i64,
    by: &str,
    now: Timestamp,
) -> rusqlite::Result<u64> {
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    let numbers = "SELECT count(*), coalesce(max(id), 0) FROM event";
    let read_numbers = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
    let (events, last): (i64, i64) = transaction.query_row(numbers, [], read_numbers)?;
    // Events that the journal does not know any more had higher numbers, or numbers that are missing now.
    let until =
        (intended > last || events < last).then(|| lost.at().unwrap_or(now).as_millisecond());
    transaction.execute(
        "INSERT INTO lost_commits (what, until_ms, recovered_ms, recovered_by, seal)
         VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            lost.to_string(),
            until,
            now.as_millisecond(),
            by,
            seal_of_loss(&lost.to_string(), until, now.as_millisecond(), by)
        ],
    )?;
    transaction.execute("UPDATE last_commit SET losses = losses + 1", [])?;
    let mut events = Vec::new();
    {
        let mut doubtful = transaction.prepare(DOUBTFUL)?;
        let mut rows = doubtful.query([intended])?;
        while let Some(row) = rows.next()? {
            events.push(EventRow(row.get(0)?));
        }
        let mut statement = transaction.prepare(INSERT)?;
        for &event in &events {
            insert(&mut statement, event)?;
        }
    }
    let recorded = found.slot().map_or(0, |slot| slot.commit.number);
    let sql = "UPDATE last_commit SET number = max(number, ?1) + 1, mark = randomblob(16)
         WHERE id = 1";
    transaction.execute(sql, [recorded])?;
    transaction.commit()?;
    Ok(events.len() as u64)
}
