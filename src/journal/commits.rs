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

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::Connection;

use super::commit::Commit;
use super::database_pages::{DatabaseDigest, DatabasePages};
use super::files::{self, beside};
use super::log_file::{LogEnd, LogIndex};
use super::looked_at::{DatabaseState, LookedAt};
use super::lost::commit_without_log;
use super::page_list::{ListEnd, PageList, Unlisted};
use super::place::{DATABASE_OVERWRITTEN, LOG_OVERWRITTEN, PlaceWatch, WRITTEN_BY_ANOTHER};
use super::record_slot::{SLOT_DISTANCE, Slot, State, read};
use super::{EventRow, JournalError, JournalId, JournalReader, migrate, place};

/// The room that the record has from the start: a sync of a file that does not grow has only its bytes to write.
const ROOM_BYTES: usize = 64 * 1024;
/// The number of frames from which the log is moved into the database: SQLite's own default.
const MOST_FRAMES: u32 = 1000;

impl JournalReader {
    /// Returns what identifies the journal; `None` for a journal of a version that has nothing.
    pub(crate) fn id(&self) -> Result<Option<JournalId>, JournalError> {
        if !self.has_table("last_commit")? {
            return Ok(None);
        }
        let sql = "SELECT lower(hex(journal)) FROM main.last_commit WHERE id = 1";
        let id = self
            .connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("reading what identifies it", error))?;
        Ok(Some(JournalId(id)))
    }
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
mod tests;
