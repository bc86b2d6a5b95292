//! Notices what another program has removed from a journal between two commands.
//!
//! An event whose attempts and outcome are removed together contradicts nothing: it looks like one that was never sent. But
//! the commit record knows up to which event a request was ever intended, and what the database was when it was left.

use std::path::Path;

use super::commits::{LookedAt, RecordState, Slot};
use super::error::LostCommits;
use super::{JournalError, JournalReader, commits, migrate};

const DOING: &str = "looking for what was removed";

/// The query for an event that a request may have been sent of, and that says nothing about one. A run that was killed
/// leaves such events too, so this only counts where another program has changed the journal.
const SILENT: &str = "SELECT EXISTS (SELECT 1 FROM event WHERE id <= ?1 AND outcome IS NULL
     AND NOT EXISTS (SELECT 1 FROM attempt WHERE attempt.event = event.id))";

/// The query for the number of events, the number of the last one, and the number of recorded losses: events are numbered
/// from 1 on, and none is ever removed.
const NUMBERS: &str =
    "SELECT count(*), coalesce(max(id), 0), (SELECT count(*) FROM lost_commits) FROM event";

impl JournalReader {
    /// Opens a journal for reading as [`JournalReader::open_even_if_lost`] does, and looks also for what another program
    /// has removed. That takes as long as reading the file.
    ///
    /// # Errors
    ///
    /// Damaged, from a newer version, not a journal, not readable.
    pub fn open_to_check(
        path: &Path,
    ) -> Result<Option<(JournalReader, Option<LostCommits>)>, JournalError> {
        let record = migrate::read_record(path)?;
        let looked_at = match record {
            RecordState::Record(_) if path.exists() => Some(LookedAt::read(path, record)?),
            _ => None,
        };
        let Some((reader, lost)) = JournalReader::open_even_if_lost(path)? else {
            return Ok(None);
        };
        let lost = match looked_at {
            Some(looked_at) if lost.is_none() => reader.removed_by_another(record, &looked_at)?,
            _ => lost,
        };
        Ok(Some((reader, lost)))
    }

    /// Returns the loss if another program has changed the journal since it was left, and events are missing in it or say
    /// nothing about a request that may have been sent.
    pub(super) fn removed_by_another(
        &self,
        record: RecordState,
        looked_at: &LookedAt,
    ) -> Result<Option<LostCommits>, JournalError> {
        // What is not whole without its log is compared with the list of its pages.
        let whole = record.slot().filter(Slot::is_whole_without_log);
        let Some(slot) = whole.filter(|_| looked_at.is_changed()) else {
            return Ok(None);
        };
        if !self.lacks_what_was_sent(&slot)? {
            return Ok(None);
        }
        // Else a writer has gone on meanwhile.
        let is_left = migrate::read_record(&self.path)? == record;
        let at = commits::time(slot.at_ms);
        Ok(is_left.then_some(LostCommits::Changed { at }))
    }

    fn lacks_what_was_sent(&self, slot: &Slot) -> Result<bool, JournalError> {
        let failed = |error| self.failed(DOING, error);
        let numbers = self.connection.query_row(NUMBERS, [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        });
        let (events, last, losses): (i64, i64, i64) = numbers.map_err(failed)?;
        // What was recovered had lost events, and later ones have other numbers.
        if losses == 0 && (events != last || last < slot.intended) {
            return Ok(true);
        }
        let silent = self
            .connection
            .query_row(SILENT, [slot.intended], |row| row.get(0));
        silent.map_err(failed)
    }
}
