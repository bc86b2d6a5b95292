//! Keeps the flags of events whose answer settles them and needs attention nevertheless.

use std::collections::{HashMap, HashSet};

use rusqlite::{Row, Statement, params};

use super::columns::{self, EventColumns, Seal, StoredWord, expect_seal};
use super::corrected::NOT_REPLACED;
use super::{AttentionCode, EventRow, Journal, JournalError, JournalReader, RunId};
use crate::event::{CustomerRef, Text};

/// The statement that [`insert`] runs: an event has one flag, the latest.
pub(super) const INSERT: &str = "INSERT OR REPLACE INTO flag (event, code, seal) VALUES (?, ?, ?)";

/// The statement that adds a flag to an event that has none.
pub(super) const INSERT_IF_NONE: &str =
    "INSERT OR IGNORE INTO flag (event, code, seal) VALUES (?, ?, ?)";

/// The statement that keeps that a run has met an event: its run, the event, and its export and line, if any. A key may
/// have two settled readings, as it was refused and as it was fixed.
pub(super) const INSERT_MET_EVENT: &str =
    "INSERT OR IGNORE INTO met_event (run, event, input, line) SELECT ?1, ?2, ?3, ?4
     WHERE NOT EXISTS (SELECT 1 FROM run_event WHERE run = ?1 AND event = ?2)";

pub(super) fn insert(
    statement: &mut Statement<'_>,
    event: EventRow,
    code: AttentionCode,
) -> rusqlite::Result<usize> {
    statement.execute(params![event.0, code.as_str(), seal(event, code)])
}

fn seal(event: EventRow, code: AttentionCode) -> i64 {
    let mut seal = Seal::new(event);
    seal.bytes(code.as_str().as_bytes());
    seal.value()
}

impl JournalReader {
    /// Returns the flagged events with their reasons.
    pub(crate) fn flags(&self) -> Result<HashMap<EventRow, AttentionCode>, JournalError> {
        let mut flags = HashMap::new();
        let sql = "SELECT event, code, seal FROM flag";
        self.each("reading the flagged events", sql, [], |row| {
            let event = EventRow(row.get(0)?);
            let code = row.get::<_, StoredWord<AttentionCode>>(1)?.0;
            expect_seal(row, 2, seal(event, code), || {
                format!("the flag of event {}", event.0)
            })?;
            flags.insert(event, code);
            Ok(())
        })?;
        Ok(flags)
    }
}

/// Holds when customers were signed up, in milliseconds since 1970-01-01 UTC, by everything that identifies
/// them.
#[derive(Default)]
struct SignedUp {
    by_email: HashMap<Text, i64>,
    by_uid: HashMap<Text, i64>,
}

impl SignedUp {
    fn add(&mut self, customer: CustomerRef<'_>, at_ms: i64) {
        if let Some(email) = customer.email_folded() {
            self.by_email.insert(email, at_ms);
        }
        if let Some(uid) = customer.uid {
            self.by_uid.insert(Text::new(uid), at_ms);
        }
    }

    /// Adds the emails and uids that an event ties to those of somebody who was signed up; returns `true` if
    /// that is new.
    fn add_tied(&mut self, customer: CustomerRef<'_>) -> bool {
        let Some(at_ms) = self.at_ms(customer) else {
            return false;
        };
        let email = customer.email_folded();
        let is_known = email.is_none_or(|email| self.by_email.get(&email) == Some(&at_ms))
            && customer
                .uid
                .is_none_or(|uid| self.by_uid.get(uid) == Some(&at_ms));
        if !is_known {
            self.add(customer, at_ms);
        }
        !is_known
    }

    fn is_empty(&self) -> bool {
        self.by_email.is_empty() && self.by_uid.is_empty()
    }

    /// Returns when a customer was signed up last.
    fn at_ms(&self, customer: CustomerRef<'_>) -> Option<i64> {
        let email = customer.email_folded();
        let by_email = email.and_then(|email| self.by_email.get(&email));
        let by_uid = customer.uid.and_then(|uid| self.by_uid.get(uid));
        by_email.max(by_uid).copied()
    }

    fn is_after(&self, customer: CustomerRef<'_>, at_ms: i64) -> bool {
        let signed_up = self.at_ms(customer);
        signed_up.is_some_and(|signed_up| signed_up > at_ms)
    }
}

/// Holds who the customers of some events are.
#[derive(Default)]
struct FlaggedCustomers {
    emails: HashSet<Text>,
    uids: HashSet<Text>,
}

impl FlaggedCustomers {
    fn add(&mut self, customer: CustomerRef<'_>) {
        self.emails.extend(customer.email_folded());
        self.uids.extend(customer.uid.map(Text::new));
    }
}

/// The SQL condition for sales that were not a referral by their uid alone.
const BY_UID_ALONE: &str = "kind = 'sale' AND outcome = 'non_referral' AND email IS NULL";

const SIGN_UPS: &str = "looking for sales of new leads";

impl Journal {
    /// Flags the sales that were not a referral and whose customers a run has signed up since, and those that name a
    /// uid alone, of which the journal knows through this run that it is a lead's; and records that the run has
    /// met them. A run that continues flags nothing twice.
    ///
    /// # Errors
    ///
    /// The journal can't be read or written.
    pub fn flag_sales_of_new_leads(&mut self, run: RunId) -> Result<(), JournalError> {
        let mut sales = self.sales_before_sign_up(run)?;
        sales.extend(self.sales_tied_to_leads(run)?);
        if sales.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        self.transact(SIGN_UPS, |connection| {
            let write = || -> rusqlite::Result<()> {
                let mut flag = connection.prepare(INSERT_IF_NONE)?;
                let mut meet = connection.prepare(INSERT_MET_EVENT)?;
                for sale in sales {
                    insert(&mut flag, sale, AttentionCode::SignedUpSince)?;
                    meet.execute(params![run.0, sale.0, None::<i64>, None::<i64>])?;
                }
                Ok(())
            };
            write().map_err(|error| JournalError::sqlite(&path, SIGN_UPS, error))
        })
    }

    /// Flags refunds of undone sales whose commissions are marked as paid, and takes that flag from others.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn flag_undo_paid(
        &mut self,
        owed: &[EventRow],
        settled: &[EventRow],
    ) -> Result<(), JournalError> {
        const DOING: &str = "flagging undone sales that are paid";
        let flags = self.flags()?;
        let has = |row: &EventRow| flags.get(row) == Some(&AttentionCode::UndoPaid);
        let owed: Vec<EventRow> = owed.iter().copied().filter(|row| !has(row)).collect();
        let settled: Vec<EventRow> = settled.iter().copied().filter(has).collect();
        if owed.is_empty() && settled.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            let write = || -> rusqlite::Result<()> {
                let mut flag = connection.prepare(INSERT_IF_NONE)?;
                for &row in &owed {
                    insert(&mut flag, row, AttentionCode::UndoPaid)?;
                }
                for row in &settled {
                    connection.execute("DELETE FROM flag WHERE event = ?1", [row.0])?;
                }
                Ok(())
            };
            write().map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }

    /// Flags events that were not sent, since the account has them under other ids.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn flag_in_account(&mut self, rows: &[EventRow]) -> Result<(), JournalError> {
        const DOING: &str = "flagging what the account has";
        if rows.is_empty() {
            return Ok(());
        }
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            let write = || -> rusqlite::Result<()> {
                let mut flag = connection.prepare(INSERT)?;
                for &row in rows {
                    insert(&mut flag, row, AttentionCode::InAccount)?;
                }
                Ok(())
            };
            write().map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }

    /// Returns the sales that were not a referral by their uid alone, while another event ties that uid to the email
    /// of a tracked event: the API did not know the lead by it yet. The sale, or what tells that, is of this run.
    fn sales_tied_to_leads(&self, run: RunId) -> Result<Vec<EventRow>, JournalError> {
        if !self.has_sales_by_uid_alone()? {
            return Ok(Vec::new());
        }
        let mut of_run = FlaggedCustomers::default();
        let sql = format!(
            "SELECT id, key, seal, {} FROM event
             WHERE id IN (SELECT event FROM run_event WHERE run = ?1)",
            columns::names()
        );
        self.each(SIGN_UPS, &sql, [run.0], |row| {
            of_run.add(EventColumns::read_sealed(row, 0)?.2.customer());
            Ok(())
        })?;
        let mut uids_by_email: HashMap<Text, Vec<Text>> = HashMap::new();
        self.for_each_tie(|customer| {
            if let Some((uid, email)) = customer.uid.zip(customer.email_folded())
                && (of_run.uids.contains(uid) || of_run.emails.contains(&email))
            {
                uids_by_email.entry(email).or_default().push(Text::new(uid));
            }
        })?;
        let mut leads: HashMap<Text, bool> = HashMap::new();
        self.for_each_tracked(|event| {
            let email = event.customer.email_folded();
            let tied = email.and_then(|email| Some((uids_by_email.remove(&email)?, email)));
            if let Some((uids, email)) = tied {
                let is_told = of_run.emails.contains(&email);
                leads.extend(uids.into_iter().map(|uid| (uid, is_told)));
            }
        })?;
        self.sales_by_uid_alone(run, &leads)
    }

    fn has_sales_by_uid_alone(&self) -> Result<bool, JournalError> {
        let sql =
            format!("SELECT EXISTS (SELECT 1 FROM event WHERE {BY_UID_ALONE} AND {NOT_REPLACED})");
        let found = self.connection.query_row(&sql, [], |row| row.get(0));
        found.map_err(|error| self.failed(SIGN_UPS, error))
    }

    /// Returns the sales that were not a referral by these uids alone: those of a run, and those of earlier runs where
    /// this run tells whose the uid is.
    fn sales_by_uid_alone(
        &self,
        run: RunId,
        leads: &HashMap<Text, bool>,
    ) -> Result<Vec<EventRow>, JournalError> {
        let mut sales = Vec::new();
        if leads.is_empty() {
            return Ok(sales);
        }
        let sql = format!(
            "SELECT id, key, seal, {}, id IN (SELECT event FROM run_event WHERE run = ?1)
             FROM event WHERE {BY_UID_ALONE} AND {NOT_REPLACED}",
            columns::names()
        );
        self.each(SIGN_UPS, &sql, [run.0], |row| {
            let (sale, _, columns) = EventColumns::read_sealed(row, 0)?;
            let is_told = columns.customer().uid.and_then(|uid| leads.get(uid));
            let is_of_run: bool = row.get(3 + columns::COUNT)?;
            if is_told.is_some_and(|is_told| *is_told || is_of_run) {
                sales.push(sale);
            }
            Ok(())
        })?;
        Ok(sales)
    }

    fn sales_before_sign_up(&self, run: RunId) -> Result<Vec<EventRow>, JournalError> {
        let names = columns::names();
        let settled_ms = |row: &Row<'_>| row.get::<_, i64>(3 + columns::COUNT);
        let mut signed_up = SignedUp::default();
        let sql = format!(
            "SELECT id, key, seal, {names}, settled_ms FROM event
             WHERE kind = 'signup' AND (outcome = 'tracked' OR outcome = 'already_tracked')
             AND id IN (SELECT event FROM run_event WHERE run = ?1)"
        );
        self.each(SIGN_UPS, &sql, [run.0], |row| {
            let (_, _, sign_up) = EventColumns::read_sealed(row, 0)?;
            signed_up.add(sign_up.customer(), settled_ms(row)?);
            Ok(())
        })?;
        let mut sales = Vec::new();
        if signed_up.is_empty() {
            return Ok(sales);
        }
        let mut has_grown = true;
        while has_grown {
            has_grown = false;
            self.for_each_tie(|customer| has_grown |= signed_up.add_tied(customer))?;
        }
        let sql = format!(
            "SELECT id, key, seal, {names}, settled_ms FROM event
             WHERE kind = 'sale' AND outcome = 'non_referral' AND {NOT_REPLACED}"
        );
        self.each(SIGN_UPS, &sql, [], |row| {
            let (sale, _, columns) = EventColumns::read_sealed(row, 0)?;
            if signed_up.is_after(columns.customer(), settled_ms(row)?) {
                sales.push(sale);
            }
            Ok(())
        })?;
        Ok(sales)
    }
}
