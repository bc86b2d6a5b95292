//! Keeps the requests by which leads were made customers since their first sale.
//!
//! A request is on disk before it is sent, and its answer before anything follows from it. Whether a date is set is what
//! a listing of the account shows.

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::columns::{Millis, Seal, impossible};
use super::{EventRow, Journal, JournalError, JournalReader, bounded_text};

/// Describes what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewLeadDate {
    /// The API's own id of the lead.
    pub(crate) lead_id: String,
    /// The number of the first sale.
    pub(crate) sale: EventRow,
    /// The date since which the lead is to be a customer, to the millisecond.
    pub(crate) since: Timestamp,
}

/// Describes what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeadDateAnswer {
    /// The kind of answer, in a word.
    pub(crate) answer: String,
    /// The HTTP status, if there was one.
    pub(crate) http_status: Option<u16>,
    /// The message of the API or the network.
    pub(crate) message: Option<String>,
    /// The time when the answer was known.
    pub(crate) at: Timestamp,
}

/// Holds a request for a lead's date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeadDateRequest {
    /// The number of the request; later ones have greater numbers.
    pub(crate) id: i64,
    /// What it asked for.
    pub(crate) asked: NewLeadDate,
    /// The time when it was put on disk, before it was sent.
    pub(crate) intended: Timestamp,
    /// What was answered; `None` if that is not known.
    pub(crate) answer: Option<LeadDateAnswer>,
}

impl LeadDateRequest {
    /// Returns `true` if the API answered that the date was set.
    pub(crate) fn is_recorded(&self) -> bool {
        let answer = self.answer.as_ref();
        answer.is_some_and(|answer| answer.answer == "recorded")
    }

    /// Returns why the API did not set the date, if it said so.
    pub(crate) fn refusal(&self) -> Option<String> {
        let answer = self.answer.as_ref()?;
        if !matches!(&*answer.answer, "refused" | "not_this_event") {
            return None;
        }
        let status = answer.http_status.map(|status| format!("HTTP {status}: "));
        Some(format!(
            "{}{}",
            status.unwrap_or_default(),
            answer.message.as_deref().unwrap_or(&answer.answer)
        ))
    }
}

const DOING: &str = "recording requests for the dates of leads";

impl NewLeadDate {
    fn seal(&self, id: i64, intended_ms: i64) -> i64 {
        let mut seal = Seal::numbered(id);
        seal.bytes(self.lead_id.as_bytes());
        seal.integer(Some(self.sale.0));
        seal.integer(Some(self.since.as_millisecond()));
        seal.integer(Some(intended_ms));
        seal.value()
    }
}

impl LeadDateAnswer {
    fn seal(&self, id: i64) -> i64 {
        let mut seal = Seal::numbered(id);
        seal.bytes(self.answer.as_bytes());
        seal.integer(self.http_status.map(i64::from));
        seal.text(self.message.as_deref());
        seal.integer(Some(self.at.as_millisecond()));
        seal.value()
    }
}

fn read_request(row: &Row<'_>) -> rusqlite::Result<LeadDateRequest> {
    let id: i64 = row.get(0)?;
    let asked = NewLeadDate {
        lead_id: row.get(1)?,
        sale: EventRow(row.get(2)?),
        since: row.get::<_, Millis>(3)?.0,
    };
    let intended = row.get::<_, Millis>(4)?.0;
    let broken = |column: usize| {
        let what = format!("the request for a lead's date {id} is not as it was written");
        Err(impossible(column, what))
    };
    if row.get::<_, i64>(5)? != asked.seal(id, intended.as_millisecond()) {
        return broken(5);
    }
    let answered: Option<Millis> = row.get(6)?;
    let answer = match answered {
        None => None,
        Some(at) => Some(LeadDateAnswer {
            answer: row.get(7)?,
            http_status: row.get(8)?,
            message: row.get(9)?,
            at: at.0,
        }),
    };
    if row.get::<_, Option<i64>>(10)? != answer.as_ref().map(|answer| answer.seal(id)) {
        return broken(10);
    }
    Ok(LeadDateRequest {
        id,
        asked,
        intended,
        answer,
    })
}

impl JournalReader {
    /// Returns all requests for the dates of leads, the oldest first.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn lead_date_requests(&self) -> Result<Vec<LeadDateRequest>, JournalError> {
        let mut all = Vec::new();
        if !self.has_table("lead_date_request")? {
            return Ok(all);
        }
        let sql = "SELECT id, lead_id, event, since_ms, intended_ms, seal, answered_ms, answer, http_status,
                message, answer_seal FROM lead_date_request ORDER BY id";
        self.each(
            "reading the requests for the dates of leads",
            sql,
            [],
            |row| {
                all.push(read_request(row)?);
                Ok(())
            },
        )?;
        Ok(all)
    }
}

impl Journal {
    /// Puts a request on disk, before it is sent, and returns its number.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn intend_lead_date(
        &mut self,
        asked: &NewLeadDate,
        now: Timestamp,
    ) -> Result<i64, JournalError> {
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            let intended_ms = now.as_millisecond();
            let insert = || -> rusqlite::Result<i64> {
                let sql = "SELECT coalesce(max(id), 0) + 1 FROM lead_date_request";
                let id: i64 = connection.query_row(sql, [], |row| row.get(0))?;
                connection.execute(
                    "INSERT INTO lead_date_request (id, lead_id, event, since_ms, intended_ms, seal)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                    params![
                        id,
                        asked.lead_id,
                        asked.sale.0,
                        asked.since.as_millisecond(),
                        intended_ms,
                        asked.seal(id, intended_ms),
                    ],
                )?;
                Ok(id)
            };
            insert().map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }

    /// Puts the answer to a request on disk.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn answer_lead_date(
        &mut self,
        id: i64,
        answer: &LeadDateAnswer,
    ) -> Result<(), JournalError> {
        let path = self.path.clone();
        let answer = LeadDateAnswer {
            message: answer.message.as_deref().map(bounded_text),
            ..answer.clone()
        };
        self.transact(DOING, |connection| {
            connection
                .execute(
                    "UPDATE lead_date_request SET answered_ms = ?2, answer = ?3, http_status = ?4,
                         message = ?5, answer_seal = ?6 WHERE id = ?1",
                    params![
                        id,
                        answer.at.as_millisecond(),
                        answer.answer,
                        answer.http_status,
                        answer.message,
                        answer.seal(id),
                    ],
                )
                .map_err(|error| JournalError::sqlite(&path, DOING, error))?;
            Ok(())
        })
    }
}
