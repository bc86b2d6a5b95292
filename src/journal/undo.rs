//! Keeps which run undoes which, and reads what an undo of a run has to know.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::columns::{self, Columns, Seal, Word, impossible};
use super::{EventRow, JournalError, JournalReader, Outcome, RunId};
use crate::event::Event;

/// Holds a refund of a sale, as the journal has it.
#[derive(Clone, Debug)]
pub(crate) struct RefundRecord {
    /// The number of the refund.
    pub(crate) row: EventRow,
    /// The refund, with its amount as it was read and as it was sent.
    pub(crate) event: Event,
    /// The outcome of the refund; `None` if it is not settled.
    pub(crate) outcome: Option<Outcome>,
}

fn seal(run: RunId, undone: RunId) -> i64 {
    let mut seal = Seal::numbered(run.0);
    seal.integer(Some(undone.0));
    seal.value()
}

/// Keeps that a run undoes another one.
pub(super) fn insert(
    connection: &Connection,
    run: RunId,
    undone: RunId,
) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO undo (run, of_run, seal) VALUES (?1, ?2, ?3)",
        params![run.0, undone.0, seal(run, undone)],
    )
}

impl JournalReader {
    /// Returns the runs that undo another one, each with that.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn undos(&self) -> Result<HashMap<RunId, RunId>, JournalError> {
        let mut undos = HashMap::new();
        if !self.has_table("undo")? {
            return Ok(undos);
        }
        let sql = "SELECT run, of_run, seal FROM undo";
        self.each("reading which runs undo others", sql, [], |row| {
            let (run, undone) = (RunId(row.get(0)?), RunId(row.get(1)?));
            if row.get::<_, i64>(2)? != seal(run, undone) {
                let what = format!("what run {} undoes is not as it was written", run.0);
                return Err(impossible(2, what));
            }
            undos.insert(run, undone);
            Ok(())
        })?;
        Ok(undos)
    }

    /// Streams the refunds of all runs that name a sale, without those that another event took the place of.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn for_each_refund(
        &self,
        mut each: impl FnMut(RefundRecord),
    ) -> Result<(), JournalError> {
        let (replaced, mut originals) = (self.replaced()?, self.originals()?);
        let superseded = self.superseded_refunds()?;
        let sql = format!(
            "SELECT id, key, seal, {}, outcome FROM event
             WHERE kind = 'refund' AND sale_event_id IS NOT NULL ORDER BY id",
            columns::names()
        );
        self.each("reading refunds", &sql, [], |row| {
            let (id, key, columns) = Columns::read_sealed(row, 0)?;
            let outcome: Option<Word<Outcome>> = row.get(3 + columns::COUNT)?;
            let outcome = outcome.map(|word| word.0);
            let is_superseded =
                superseded.contains(&id) && !outcome.is_some_and(Outcome::is_tracked);
            if replaced.contains_key(&id) || is_superseded {
                return Ok(());
            }
            let mut event = columns.to_event(Some(key), None);
            event.original = originals.remove(&id).map(Box::new);
            each(RefundRecord {
                row: id,
                event,
                outcome,
            });
            Ok(())
        })
    }

    /// Returns the refunds that were recorded before their sale was asked again: later ones have what they
    /// reversed.
    fn superseded_refunds(&self) -> Result<HashSet<EventRow>, JournalError> {
        let mut superseded = HashSet::new();
        if self.has_replaced()? {
            let sql = format!(
                "SELECT id FROM event WHERE NOT ({})",
                super::mended::NOT_SUPERSEDED
            );
            self.each("looking for superseded refunds", &sql, [], |row| {
                superseded.insert(EventRow(row.get(0)?));
                Ok(())
            })?;
        }
        Ok(superseded)
    }
}
