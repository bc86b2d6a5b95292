//! Every attempt of the journal, for those who want it as data.

use jiff::Timestamp;
use rusqlite::Row;

use super::columns::{Millis, Word};
use super::read::read_carried;
use super::{Effect, JournalError, JournalReader};
use crate::event::{Carried, Kind};

/// A request that was intended, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// Whose request.
    pub event_id: String,
    /// The event's kind.
    pub kind: Kind,
    /// Its number among the event's attempts, from 1.
    pub number: u32,
    /// The name of the run that sent it.
    pub run: String,
    /// When it was put on disk, before it left.
    pub intended: Timestamp,
    /// When its answer was known; `None` where nothing is known of it.
    pub answered: Option<Timestamp>,
    /// What the answer was taken for, in a word.
    pub answer: Option<String>,
    /// What the request did at the API.
    pub effect: Option<Effect>,
    /// The status, if there was one.
    pub http_status: Option<u16>,
    /// What the API or the network said.
    pub message: Option<String>,
    /// What it said; `None` where an earlier version wrote it.
    pub carried: Option<Carried>,
}

impl JournalReader {
    /// Streams every attempt of the journal: in the order of the events, and of their attempts.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; or what `each` returns.
    pub fn for_each_attempt<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(AttemptRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT e.event_id, e.kind, a.number, r.name, a.intended_ms, a.answered_ms,
                 a.answer, a.effect, a.http_status, a.message, a.sent_event_id, a.sent_currency,
                 a.sent_digest
             FROM attempt a CROSS JOIN event e ON e.id = a.event CROSS JOIN run r ON r.id = a.run
             ORDER BY a.event, a.number";
        self.stream("reading attempts", sql, [], read_attempt, &mut each)
    }
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRecord> {
    Ok(AttemptRecord {
        event_id: row.get(0)?,
        kind: row.get::<_, Word<_>>(1)?.0,
        number: row.get(2)?,
        run: row.get(3)?,
        intended: row.get::<_, Millis>(4)?.0,
        answered: row.get::<_, Option<Millis>>(5)?.map(|at| at.0),
        answer: row.get(6)?,
        effect: row.get::<_, Option<Word<_>>>(7)?.map(|word| word.0),
        http_status: row.get(8)?,
        message: row.get(9)?,
        carried: read_carried(row, 10)?,
    })
}
