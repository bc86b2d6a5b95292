//! Keeps which run undoes which, and reads what an undo of a run has to know.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::columns::{self, EventColumns, Seal, StoredWord, expect_seal, impossible};
use super::deliver::settle_where_left;
use super::{EventRow, Journal, JournalError, JournalReader, Outcome, RunId, Settlement};
use crate::event::{Currency, Event, Kind, Sum, Tally};
use crate::problem::Problem;

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

/// Holds what the account says of the sales of an undo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct AccountCheck {
    /// The number of commissions that the account has.
    pub(crate) commissions: u64,
    /// The number of requests for their list.
    pub(crate) requests: u64,
    /// The refunds of the sales by others.
    pub(crate) refunded_by_others: Tally,
}

/// Holds an account check as the journal keeps it.
#[derive(Serialize, Deserialize)]
struct KeptCheck {
    commissions: u64,
    requests: u64,
    /// The refunds by others: their currency, number and minor units.
    refunds: Vec<(Option<String>, u64, i128)>,
}

impl AccountCheck {
    fn to_json(&self) -> String {
        let refunds = self.refunded_by_others.iter();
        let kept = KeptCheck {
            commissions: self.commissions,
            requests: self.requests,
            refunds: refunds
                .map(|(_, currency, sum)| {
                    let code = currency.map(|currency| currency.to_string());
                    (code, sum.count, sum.amount_cents)
                })
                .collect(),
        };
        super::columns::json(&kept)
    }

    fn from_json(json: &str) -> serde_json::Result<Self> {
        let kept: KeptCheck = serde_json::from_str(json)?;
        let mut refunds = Tally::default();
        for (code, count, amount_cents) in kept.refunds {
            let currency = code.as_deref().and_then(Currency::from_code);
            let sum = Sum {
                count,
                amount_cents,
            };
            refunds.add_sum(Kind::Refund, currency, sum);
        }
        Ok(AccountCheck {
            commissions: kept.commissions,
            requests: kept.requests,
            refunded_by_others: refunds,
        })
    }
}

/// Describes what a run undoes.
#[derive(Clone, Debug)]
pub(crate) struct UndoRecord {
    /// The run that it undoes.
    pub(crate) undone: RunId,
    /// What the account's list said of the sales; `None` if it was not read.
    pub(crate) account_check: Option<AccountCheck>,
}

/// Holds a refund of an undo that is not sent, and why.
#[derive(Clone, Debug)]
pub(crate) struct WithdrawnUndo {
    /// The number of the refund.
    pub(crate) row: EventRow,
    /// The outcome that it gets.
    pub(crate) outcome: Outcome,
    /// The reason.
    pub(crate) reason: String,
    /// The error that says so, with what to do.
    pub(crate) problem: Problem,
}

fn seal(run: RunId, undone: RunId, account_check: Option<&str>) -> i64 {
    let mut seal = Seal::numbered(run.0);
    seal.integer(Some(undone.0));
    if let Some(json) = account_check {
        seal.bytes(json.as_bytes());
    }
    seal.value()
}

/// Returns the checksum of what others have refunded of a sale.
fn seal_of_refunded(sale: EventRow, cents: i64, found_ms: i64) -> i64 {
    let mut seal = Seal::new(sale);
    seal.bytes(b"refunded by others");
    seal.integer(Some(cents));
    seal.integer(Some(found_ms));
    seal.value()
}

/// Keeps that a run undoes another one, and what the account said of its sales.
pub(super) fn insert(
    connection: &Connection,
    run: RunId,
    undo: &UndoRecord,
) -> rusqlite::Result<usize> {
    let check = undo.account_check.as_ref().map(AccountCheck::to_json);
    let seal = seal(run, undo.undone, check.as_deref());
    connection.execute(
        "INSERT INTO undo (run, of_run, account_check, seal) VALUES (?1, ?2, ?3, ?4)",
        params![run.0, undo.undone.0, check, seal],
    )
}

impl Journal {
    /// Settles refunds of undos that are left to send and are not sent any more, and keeps the reasons with a run. Returns
    /// the problems of those; any other one stays as it is.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn withdraw_undos(
        &mut self,
        run: RunId,
        withdrawn: &[WithdrawnUndo],
        now: Timestamp,
    ) -> Result<Vec<Problem>, JournalError> {
        const DOING: &str = "settling refunds that are not sent";
        let path = self.path.clone();
        let mut problems = Vec::new();
        for undo in withdrawn {
            let message = Some(undo.reason.clone());
            let settlement = Settlement {
                is_inferred: true,
                ..Settlement::without_answer(undo.outcome, message, now)
            };
            let settled = self.transact(DOING, |connection| {
                settle_where_left(connection, undo.row, &settlement)
                    .map_err(|error| JournalError::sqlite(&path, DOING, error))
            })?;
            if settled > 0 {
                self.add_problem(run, &undo.problem)?;
                problems.push(undo.problem.clone());
            }
        }
        Ok(problems)
    }

    /// Keeps of which sales others have refunded all, and how much in minor units of the account's currency, as its list
    /// says: nothing is left of them to refund.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn record_refunded_by_others(
        &mut self,
        refunded: &[(EventRow, i64)],
        now: Timestamp,
    ) -> Result<(), JournalError> {
        const DOING: &str = "recording what others have refunded";
        if refunded.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        let found_ms = now.as_millisecond();
        self.transact(DOING, |connection| {
            let insert = || -> rusqlite::Result<()> {
                let mut statement = connection
                    .prepare("INSERT OR IGNORE INTO refunded_by_others VALUES (?1, ?2, ?3, ?4)")?;
                for (sale, cents) in refunded {
                    let seal = seal_of_refunded(*sale, *cents, found_ms);
                    statement.execute(params![sale.0, cents, found_ms, seal])?;
                }
                Ok(())
            };
            insert().map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }
}

impl JournalReader {
    /// Returns the sales of which others have refunded all.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn refunded_by_others(&self) -> Result<HashSet<EventRow>, JournalError> {
        let mut sales = HashSet::new();
        if !self.has_table("refunded_by_others")? {
            return Ok(sales);
        }
        let sql = "SELECT sale, amount_cents, found_ms, seal FROM refunded_by_others";
        self.each("reading what others have refunded", sql, [], |row| {
            let sale = EventRow(row.get(0)?);
            expect_seal(
                row,
                3,
                seal_of_refunded(sale, row.get(1)?, row.get(2)?),
                || format!("what others have refunded of event {}", sale.0),
            )?;
            sales.insert(sale);
            Ok(())
        })?;
        Ok(sales)
    }

    /// Returns the runs that undo another one, each with that.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn undos(&self) -> Result<HashMap<RunId, UndoRecord>, JournalError> {
        let mut undos = HashMap::new();
        if !self.has_table("undo")? {
            return Ok(undos);
        }
        let sql = "SELECT run, of_run, account_check, seal FROM undo";
        self.each("reading which runs undo others", sql, [], |row| {
            let (run, undone) = (RunId(row.get(0)?), RunId(row.get(1)?));
            let check: Option<String> = row.get(2)?;
            expect_seal(row, 3, seal(run, undone, check.as_deref()), || {
                format!("what run {} undoes", run.0)
            })?;
            let check = check.as_deref().map(AccountCheck::from_json).transpose();
            let undo = UndoRecord {
                undone,
                account_check: check.map_err(|error| impossible(2, error.to_string()))?,
            };
            undos.insert(run, undo);
            Ok(())
        })?;
        Ok(undos)
    }

    /// Returns the events of runs that were undone, and that no other run was started to send since: their outcome alone does
    /// not say that they are to be sent again.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn events_of_undone_runs(&self) -> Result<HashSet<EventRow>, JournalError> {
        const DOING: &str = "reading the events of undone runs";
        if !self.has_table("undo")? {
            return Ok(HashSet::new());
        }
        // The latest undo of each. Few are looked for in the later runs, of which there may be many.
        let mut events: HashMap<EventRow, i64> = HashMap::new();
        let sql = "SELECT re.event, u.run FROM undo u JOIN run_event re ON re.run = u.of_run
             JOIN event e ON e.id = re.event
             WHERE e.outcome IN ('failed', 'unconfirmed', 'non_referral')";
        self.each(DOING, sql, [], |row| {
            let undo: i64 = row.get(1)?;
            let latest = events.entry(EventRow(row.get(0)?)).or_insert(undo);
            *latest = undo.max(*latest);
            Ok(())
        })?;
        if let Some(first) = events.values().min().copied() {
            let sql = "SELECT event, run FROM run_event WHERE run > ?1";
            self.each(DOING, sql, [first], |row| {
                let (event, run) = (EventRow(row.get(0)?), row.get::<_, i64>(1)?);
                if events.get(&event).is_some_and(|&undo| run > undo) {
                    events.remove(&event);
                }
                Ok(())
            })?;
        }
        Ok(events.into_keys().collect())
    }

    /// Returns the refunds that undos were started to send, by the run that is undone and by the undo: those of which
    /// `is_of` says so, by their outcome and by whether they were settled without a request.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn undo_refunds(
        &self,
        mut is_of: impl FnMut(EventRow, Option<Outcome>, bool) -> bool,
    ) -> Result<HashMap<(RunId, RunId), HashSet<EventRow>>, JournalError> {
        let mut refunds: HashMap<(RunId, RunId), HashSet<EventRow>> = HashMap::new();
        let replaced = self.replaced()?;
        for (run, undo) in self.undos()? {
            let sql = "SELECT e.id, e.outcome, e.inferred FROM run_event re CROSS JOIN event e ON e.id = re.event
                 WHERE re.run = ?1";
            self.each("reading the refunds of an undo", sql, [run.0], |row| {
                let id = EventRow(row.get(0)?);
                let word: Option<StoredWord<Outcome>> = row.get(1)?;
                let outcome = word.map(|word| word.0);
                if !replaced.contains_key(&id) && is_of(id, outcome, row.get(2)?) {
                    refunds.entry((undo.undone, run)).or_default().insert(id);
                }
                Ok(())
            })?;
        }
        Ok(refunds)
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
            let (id, key, columns) = EventColumns::read_sealed(row, 0)?;
            let word: Option<StoredWord<Outcome>> = row.get(3 + columns::COUNT)?;
            let outcome = word.map(|word| word.0);
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
                super::corrected::NOT_SUPERSEDED
            );
            self.each("looking for superseded refunds", &sql, [], |row| {
                superseded.insert(EventRow(row.get(0)?));
                Ok(())
            })?;
        }
        Ok(superseded)
    }
}
