//! Judges by the commit record what a journal has lost.

use std::fs::File;
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::commit::{Commit, time};
use super::database_pages::DatabasePages;
use super::error::LostCommits;
use super::log_file::LogEnd;
use super::page_list::{PageList, Unlisted};
use super::read_only::open_without_log;
use super::record_slot::{RecordState, Slot, State, read};

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

impl Slot {
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

/// Returns the last commit that the database has without its log; `None` if it counts none.
pub(super) fn commit_without_log(journal: &Path) -> Option<Commit> {
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
