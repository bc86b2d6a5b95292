//! Reads every attempt of the journal, for callers who need it as data.

use jiff::Timestamp;
use rusqlite::Row;

use super::columns::{Millis, Seal, StoredCurrency, StoredWord, impossible};
use super::{Effect, EventRow, JournalError, JournalReader};
use crate::event::{Carried, Currency, Kind};

/// Holds a request that was intended, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptRecord {
    /// The id of the event that was requested.
    pub event_id: String,
    /// The event's kind.
    pub kind: Kind,
    /// Its number among the event's attempts, from 1.
    pub number: u32,
    /// The name of the run that sent it.
    pub run: String,
    /// The time when it was put on disk, before it was sent.
    pub intended: Timestamp,
    /// The time when its answer was known; `None` if nothing is known of it.
    pub answered: Option<Timestamp>,
    /// The kind of answer, in a word.
    pub answer: Option<String>,
    /// The effect of the request at the API.
    pub effect: Option<Effect>,
    /// The HTTP status, if there was one.
    pub http_status: Option<u16>,
    /// The message of the API or the network.
    pub message: Option<String>,
    /// The content of the request; `None` if an earlier version wrote it.
    pub carried: Option<Carried>,
}

/// The columns of an attempt `a` that its seals cover, and the seals, after its event.
pub(super) const COLUMNS: &str = "a.number, a.run, a.intended_ms, a.sent_event_id, a.sent_currency,
     a.sent_digest, a.seal, a.answered_ms, a.answer, a.effect, a.http_status, a.message, a.answer_seal";

/// The number of those columns.
pub(super) const COUNT: usize = 13;

/// Returns the seal of what was intended. An attempt that was recorded for another event, or said to have
/// carried an id, would be sent once more.
pub(super) fn seal(
    event: EventRow,
    number: u32,
    run: i64,
    intended_ms: i64,
    carried: Option<&Carried>,
) -> i64 {
    let mut seal = Seal::new(event);
    seal.integer(Some(number.into()));
    seal.integer(Some(run));
    seal.integer(Some(intended_ms));
    if let Some(carried) = carried {
        seal.integer(Some(carried.has_event_id.into()));
        seal.text(carried.currency.map(Currency::code));
        seal.bytes(&carried.digest);
    }
    seal.value()
}

/// Holds what the seal of an answer covers beside its attempt.
pub(super) struct SealedAnswer<'a> {
    pub(super) answered_ms: i64,
    pub(super) answer: &'a str,
    pub(super) effect: &'a str,
    pub(super) http_status: Option<u16>,
    pub(super) message: Option<&'a str>,
}

impl SealedAnswer<'_> {
    /// Returns the seal of what was answered.
    pub(super) fn seal(&self, event: EventRow, number: u32) -> i64 {
        let mut seal = Seal::new(event);
        seal.integer(Some(number.into()));
        seal.integer(Some(self.answered_ms));
        seal.text(Some(self.answer));
        seal.text(Some(self.effect));
        seal.integer(self.http_status.map(i64::from));
        seal.text(self.message);
        seal.value()
    }
}

/// Checks the seals of an attempt, whose [`COLUMNS`] begin at `at`.
pub(super) fn expect_sealed(row: &Row<'_>, event: EventRow, at: usize) -> rusqlite::Result<()> {
    let number: u32 = row.get(at)?;
    let broken = || {
        let what = format!(
            "attempt {number} of event {} is not as it was written",
            event.0
        );
        Err(impossible(at, what))
    };
    let found: Option<i64> = row.get(at + 6)?;
    let carried = read_carried(row, at + 3)?;
    if let Some(found) = found
        && found
            != seal(
                event,
                number,
                row.get(at + 1)?,
                row.get(at + 2)?,
                carried.as_ref(),
            )
    {
        return broken();
    }
    let answer: Option<&str> = row.get_ref(at + 8)?.as_str_or_null()?;
    let found_answer: Option<i64> = row.get(at + 12)?;
    match (answer, found_answer) {
        (Some(answer), Some(found)) => {
            let answered = SealedAnswer {
                answered_ms: row.get(at + 7)?,
                answer,
                effect: row.get_ref(at + 9)?.as_str()?,
                http_status: row.get(at + 10)?,
                message: row.get_ref(at + 11)?.as_str_or_null()?,
            };
            if answered.seal(event, number) == found {
                Ok(())
            } else {
                broken()
            }
        }
        // An earlier version sealed nothing.
        (None, None) => Ok(()),
        (Some(_), None) if found.is_none() => Ok(()),
        (None, Some(_)) | (Some(_), None) => broken(),
    }
}

impl JournalReader {
    /// Checks the seals of all attempts.
    pub(super) fn expect_attempts_sealed(&self) -> Result<(), JournalError> {
        let sql = format!("SELECT a.event, {COLUMNS} FROM attempt a");
        self.each("checking the seals of attempts", &sql, [], |row| {
            expect_sealed(row, EventRow(row.get(0)?), 1)
        })
    }

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

/// Reads an attempt from the first thirteen columns.
pub(super) fn read_attempt(row: &Row<'_>) -> rusqlite::Result<AttemptRecord> {
    Ok(AttemptRecord {
        event_id: row.get(0)?,
        kind: row.get::<_, StoredWord<_>>(1)?.0,
        number: row.get(2)?,
        run: row.get(3)?,
        intended: row.get::<_, Millis>(4)?.0,
        answered: row.get::<_, Option<Millis>>(5)?.map(|at| at.0),
        answer: row.get(6)?,
        effect: row.get::<_, Option<StoredWord<_>>>(7)?.map(|word| word.0),
        http_status: row.get(8)?,
        message: row.get(9)?,
        carried: read_carried(row, 10)?,
    })
}

/// Reads what an attempt carried, from the three columns that begin here.
pub(super) fn read_carried(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Carried>> {
    let has_event_id: Option<bool> = row.get(at)?;
    let currency: Option<StoredCurrency> = row.get(at + 1)?;
    let digest: Option<[u8; 16]> = row.get(at + 2)?;
    Ok(match (has_event_id, currency, digest) {
        (Some(has_event_id), Some(currency), Some(digest)) => Some(Carried {
            has_event_id,
            currency: currency.0,
            digest,
        }),
        _ => None,
    })
}
