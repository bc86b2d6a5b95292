//! Keeps the requests for payouts, and which commissions are known to be paid by them.
//!
//! A request is on disk before it is sent, and its answer before anything follows from it. What was paid is what a
//! listing of the account has shown, not what an answer said.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Row, params};

use super::columns::{self, EventColumns, Millis, Seal, expect_seal, impossible};
use super::midnights::says_day;
use super::{
    EventRow, Journal, JournalError, JournalReader, Outcome, RunId, Settlement, bounded_text,
};
use crate::event::Event;

/// Names what a request asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PayoutStep {
    /// A payout of commissions.
    Create,
    /// The mark that a payout was paid.
    MarkAsPaid,
}

impl PayoutStep {
    fn as_str(self) -> &'static str {
        match self {
            PayoutStep::Create => "create",
            PayoutStep::MarkAsPaid => "mark_as_paid",
        }
    }
}

/// Identifies a request for a payout; later ones have greater numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct PayoutRequestId(pub(crate) i64);

/// Describes what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NewPayoutRequest {
    /// What is asked for.
    pub(crate) step: PayoutStep,
    /// The API's own id of the promoter.
    pub(crate) promoter_id: String,
    /// The API's own id of the payout, if it is there.
    pub(crate) payout_id: Option<String>,
    /// The API's own ids of the commissions that it pays.
    pub(crate) commission_ids: Vec<String>,
    /// The sum of the commissions, in minor units of the account's currency.
    pub(crate) amount_cents: i64,
}

/// Describes what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PayoutAnswer {
    /// The kind of answer, in a word.
    pub(crate) answer: String,
    /// The HTTP status, if there was one.
    pub(crate) http_status: Option<u16>,
    /// The message of the API or the network.
    pub(crate) message: Option<String>,
    /// The API's own id of the payout, if the answer names one.
    pub(crate) payout_id: Option<String>,
    /// The time when the answer was known.
    pub(crate) at: Timestamp,
}

/// Holds a request for a payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PayoutRequest {
    /// The number of the request.
    pub(crate) id: PayoutRequestId,
    /// What it asked for.
    pub(crate) asked: NewPayoutRequest,
    /// The time when it was put on disk, before it was sent.
    pub(crate) intended: Timestamp,
    /// What was answered; `None` if that is not known.
    pub(crate) answer: Option<PayoutAnswer>,
}

impl PayoutRequest {
    /// Returns the API's own id of the payout, as far as it is known.
    pub(crate) fn payout_id(&self) -> Option<&str> {
        let answered = self
            .answer
            .as_ref()
            .and_then(|answer| answer.payout_id.as_deref());
        self.asked.payout_id.as_deref().or(answered)
    }

    /// Returns `true` if the API answered that it did not do it.
    pub(crate) fn is_refused(&self) -> bool {
        let answer = self.answer.as_ref();
        answer.is_some_and(|answer| matches!(&*answer.answer, "refused" | "not_this_event"))
    }
}

/// Describes a commission that is known to be paid by a request of this journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PaidCommission {
    /// The API's own id of the commission.
    pub(crate) commission_id: String,
    /// The event that earned it.
    pub(crate) event: EventRow,
    /// The API's own id of the payout, as far as it is known.
    pub(crate) payout_id: Option<String>,
    /// The commission in minor units of the account's currency.
    pub(crate) amount_cents: i64,
    /// The time when the account's listing showed it.
    pub(crate) at: Timestamp,
}

/// Holds a sale or a refund that the API has tracked.
#[derive(Clone, Debug)]
pub(crate) struct TrackedEvent {
    /// The number of the event.
    pub(crate) row: EventRow,
    /// The event.
    pub(crate) event: Event,
    /// What the API said of it.
    pub(crate) settlement: Settlement,
}

const DOING: &str = "recording requests for payouts";

const COLUMNS: &str = "id, step, promoter_id, payout_id, commission_ids, amount_cents, intended_ms, \
     seal, answered_ms, answer, http_status, message, answered_payout_id, answer_seal";

/// Returns the ids as they are kept: the API's own ids have no spaces.
fn joined(ids: &[String]) -> String {
    ids.join(" ")
}

/// Returns the SQL condition for events of these runs; nothing, if none is named.
fn of_runs(runs: &[RunId]) -> String {
    if runs.is_empty() {
        return String::new();
    }
    let ids: Vec<String> = runs.iter().map(|run| run.0.to_string()).collect();
    format!(
        "AND e.id IN (SELECT event FROM run_event WHERE run IN ({}))",
        ids.join(", ")
    )
}

impl NewPayoutRequest {
    fn seal(&self, id: i64, intended_ms: i64) -> i64 {
        let mut seal = Seal::numbered(id);
        seal.bytes(self.step.as_str().as_bytes());
        seal.bytes(self.promoter_id.as_bytes());
        seal.text(self.payout_id.as_deref());
        seal.bytes(joined(&self.commission_ids).as_bytes());
        seal.integer(Some(self.amount_cents));
        seal.integer(Some(intended_ms));
        seal.value()
    }
}

impl PayoutAnswer {
    fn seal(&self, id: i64) -> i64 {
        let mut seal = Seal::numbered(id);
        seal.bytes(self.answer.as_bytes());
        seal.integer(self.http_status.map(i64::from));
        seal.text(self.message.as_deref());
        seal.text(self.payout_id.as_deref());
        seal.integer(Some(self.at.as_millisecond()));
        seal.value()
    }
}

impl PaidCommission {
    fn seal(&self) -> i64 {
        let mut seal = Seal::new(self.event);
        seal.bytes(self.commission_id.as_bytes());
        seal.text(self.payout_id.as_deref());
        seal.integer(Some(self.amount_cents));
        seal.integer(Some(self.at.as_millisecond()));
        seal.value()
    }
}

fn read_request(row: &Row<'_>) -> rusqlite::Result<PayoutRequest> {
    let id: i64 = row.get(0)?;
    let step = match row.get_ref(1)?.as_str()? {
        "create" => PayoutStep::Create,
        "mark_as_paid" => PayoutStep::MarkAsPaid,
        other => return Err(impossible(1, format!("`{other}` is no step of a payout"))),
    };
    let ids = row.get_ref(4)?.as_str()?.split_whitespace();
    let asked = NewPayoutRequest {
        step,
        promoter_id: row.get(2)?,
        payout_id: row.get(3)?,
        commission_ids: ids.map(str::to_owned).collect(),
        amount_cents: row.get(5)?,
    };
    let intended = row.get::<_, Millis>(6)?.0;
    let broken = |column: usize| {
        let what = format!("the request for a payout {id} is not as it was written");
        Err(impossible(column, what))
    };
    if row.get::<_, i64>(7)? != asked.seal(id, intended.as_millisecond()) {
        return broken(7);
    }
    let answered: Option<Millis> = row.get(8)?;
    let answer = match answered {
        None => None,
        Some(at) => Some(PayoutAnswer {
            answer: row.get(9)?,
            http_status: row.get(10)?,
            message: row.get(11)?,
            payout_id: row.get(12)?,
            at: at.0,
        }),
    };
    if row.get::<_, Option<i64>>(13)? != answer.as_ref().map(|answer| answer.seal(id)) {
        return broken(13);
    }
    Ok(PayoutRequest {
        id: PayoutRequestId(id),
        asked,
        intended,
        answer,
    })
}

impl JournalReader {
    /// Returns all requests for payouts, the oldest first.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn payout_requests(&self) -> Result<Vec<PayoutRequest>, JournalError> {
        let mut all = Vec::new();
        if !self.has_table("payout_request")? {
            return Ok(all);
        }
        let sql = format!("SELECT {COLUMNS} FROM payout_request ORDER BY id");
        self.each("reading the requests for payouts", &sql, [], |row| {
            all.push(read_request(row)?);
            Ok(())
        })?;
        Ok(all)
    }

    /// Returns the commissions that are known to be paid by requests of this journal, by their ids.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn paid_commissions(&self) -> Result<HashMap<String, PaidCommission>, JournalError> {
        let mut all = HashMap::new();
        if !self.has_table("paid_commission")? {
            return Ok(all);
        }
        let sql = "SELECT commission_id, event, payout_id, amount_cents, paid_ms, seal FROM paid_commission";
        self.each("reading the commissions that were paid", sql, [], |row| {
            let paid = PaidCommission {
                commission_id: row.get(0)?,
                event: EventRow(row.get(1)?),
                payout_id: row.get(2)?,
                amount_cents: row.get(3)?,
                at: row.get::<_, Millis>(4)?.0,
            };
            expect_seal(row, 5, paid.seal(), || {
                format!("what was paid of event {}", paid.event.0)
            })?;
            all.insert(paid.commission_id.clone(), paid);
            Ok(())
        })?;
        Ok(all)
    }

    /// Streams the sales and refunds that the API has tracked, of all runs.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn for_each_tracked_amount(
        &self,
        each: impl FnMut(TrackedEvent),
    ) -> Result<(), JournalError> {
        self.for_each_in_account(&[], &[Outcome::Tracked], &["sale", "refund"], each)
    }

    /// Streams the sales and refunds that the API has, whoever sent them first, of these runs; of all, if none is named.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn for_each_amount_in_account(
        &self,
        runs: &[RunId],
        each: impl FnMut(TrackedEvent),
    ) -> Result<(), JournalError> {
        let outcomes = [Outcome::Tracked, Outcome::AlreadyTracked];
        self.for_each_in_account(runs, &outcomes, &["sale", "refund"], each)
    }

    /// Returns the number of commissions that a payout was asked for, that the API did not refuse, and that no listing of the
    /// account has shown as paid.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn commissions_of_open_payouts(&self) -> Result<usize, JournalError> {
        let requests = self.payout_requests()?;
        let asked = requests
            .iter()
            .filter(|request| !request.is_refused())
            .flat_map(|request| &request.asked.commission_ids);
        let mut open: HashSet<&str> = asked.map(String::as_str).collect();
        if !open.is_empty() {
            let paid = self.paid_commissions()?;
            open.retain(|id| !paid.contains_key(*id));
        }
        Ok(open.len())
    }

    /// Streams the sales and refunds that are not sent yet, or that the API may have, of these runs; of all, if none is
    /// named.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn for_each_unsettled_amount(
        &self,
        runs: &[RunId],
        mut each: impl FnMut(Event),
    ) -> Result<(), JournalError> {
        let (replaced, timed) = (self.replaced()?, self.timed_at_midnight()?);
        let sql = format!(
            "SELECT e.id, e.key, e.seal, {} FROM event e
             WHERE (e.outcome IS NULL OR e.outcome = 'unconfirmed') AND e.kind IN ('sale', 'refund') {}
             ORDER BY e.id",
            columns::names(),
            of_runs(runs),
        );
        self.each("reading what is not settled", &sql, [], |row| {
            let (id, key, columns) = EventColumns::read_sealed(row, 0)?;
            if !replaced.contains_key(&id) {
                let mut event = columns.to_event(Some(key), None);
                event.is_day = says_day(&timed, id, event.created_at);
                each(event);
            }
            Ok(())
        })
    }

    /// Streams the sales that the API has, whoever sent them first, of these runs; of all, if none is named.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn for_each_sale_in_account(
        &self,
        runs: &[RunId],
        each: impl FnMut(TrackedEvent),
    ) -> Result<(), JournalError> {
        let outcomes = [Outcome::Tracked, Outcome::AlreadyTracked];
        self.for_each_in_account(runs, &outcomes, &["sale"], each)
    }

    fn for_each_in_account(
        &self,
        runs: &[RunId],
        outcomes: &[Outcome],
        kinds: &[&str],
        mut each: impl FnMut(TrackedEvent),
    ) -> Result<(), JournalError> {
        let (replaced, timed) = (self.replaced()?, self.timed_at_midnight()?);
        let of_runs = of_runs(runs);
        let words = |words: Vec<&str>| format!("'{}'", words.join("', '"));
        let sql = format!(
            "SELECT e.id, e.key, e.seal, {}, {} FROM event e
             WHERE e.outcome IN ({}) AND e.kind IN ({}) {of_runs} ORDER BY e.id",
            columns::names(),
            columns::RESULT,
            words(outcomes.iter().map(|outcome| outcome.as_str()).collect()),
            words(kinds.to_vec()),
        );
        self.each("reading what was tracked", &sql, [], |row| {
            let (id, key, columns) = EventColumns::read_sealed(row, 0)?;
            let settlement = columns::read_settlement(row, id, 3 + columns::COUNT)?;
            let Some(settlement) = settlement.filter(|own| outcomes.contains(&own.outcome)) else {
                return Ok(());
            };
            if !replaced.contains_key(&id) {
                let mut event = columns.to_event(Some(key), None);
                event.is_day = says_day(&timed, id, event.created_at);
                each(TrackedEvent {
                    row: id,
                    event,
                    settlement,
                });
            }
            Ok(())
        })
    }
}

impl Journal {
    /// Puts a request on disk, before it is sent.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn intend_payout(
        &mut self,
        asked: &NewPayoutRequest,
        now: Timestamp,
    ) -> Result<PayoutRequestId, JournalError> {
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            let intended_ms = now.as_millisecond();
            let insert = || -> rusqlite::Result<i64> {
                let sql = "SELECT coalesce(max(id), 0) + 1 FROM payout_request";
                let id: i64 = connection.query_row(sql, [], |row| row.get(0))?;
                connection.execute(
                    "INSERT INTO payout_request (id, step, promoter_id, payout_id, commission_ids,
                         amount_cents, intended_ms, seal)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                    params![
                        id,
                        asked.step.as_str(),
                        asked.promoter_id,
                        asked.payout_id,
                        joined(&asked.commission_ids),
                        asked.amount_cents,
                        intended_ms,
                        asked.seal(id, intended_ms),
                    ],
                )?;
                Ok(id)
            };
            let id = insert().map_err(|error| JournalError::sqlite(&path, DOING, error))?;
            Ok(PayoutRequestId(id))
        })
    }

    /// Puts the answer to a request on disk.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn answer_payout(
        &mut self,
        id: PayoutRequestId,
        answer: &PayoutAnswer,
    ) -> Result<(), JournalError> {
        let path = self.path.clone();
        // A time is kept to the millisecond.
        let answer = PayoutAnswer {
            message: answer.message.as_deref().map(bounded_text),
            payout_id: answer.payout_id.as_deref().map(bounded_text),
            ..answer.clone()
        };
        self.transact(DOING, |connection| {
            connection
                .execute(
                    "UPDATE payout_request SET answered_ms = ?2, answer = ?3, http_status = ?4,
                         message = ?5, answered_payout_id = ?6, answer_seal = ?7 WHERE id = ?1",
                    params![
                        id.0,
                        answer.at.as_millisecond(),
                        answer.answer,
                        answer.http_status,
                        answer.message,
                        answer.payout_id,
                        answer.seal(id.0),
                    ],
                )
                .map_err(|error| JournalError::sqlite(&path, DOING, error))?;
            Ok(())
        })
    }

    /// Records commissions that the account's listing shows as paid by requests of this journal.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn record_paid(&mut self, paid: &[PaidCommission]) -> Result<(), JournalError> {
        if paid.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            for own in paid {
                connection
                    .execute(
                        "INSERT OR IGNORE INTO paid_commission
                             (commission_id, event, payout_id, amount_cents, paid_ms, seal)
                         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        params![
                            own.commission_id,
                            own.event.0,
                            own.payout_id,
                            own.amount_cents,
                            own.at.as_millisecond(),
                            own.seal(),
                        ],
                    )
                    .map_err(|error| JournalError::sqlite(&path, DOING, error))?;
            }
            Ok(())
        })
    }
}
