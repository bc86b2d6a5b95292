//! Reads events with all that happened to them, for sending and for the reports.

use std::collections::HashSet;
use std::num::NonZeroU32;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Params, Row, Statement, params};

use super::attempts::{self, read_carried};
use super::columns::{self, EventColumns, Millis, StoredWord, impossible, read_settlement};
use super::read::{count, source_or_none};
use super::records::LastAttempt;
use super::recover;
use super::{Effect, EventRecord, EventRow, JournalError, JournalReader, Outcome, Pending, RunId};
use crate::event::{CustomerRef, EventKey, Ties};

impl JournalReader {
    /// Returns an event with all that happened to it, as the latest run that has it sees it.
    pub fn event(&self, event: EventRow) -> Result<Option<EventRecord>, JournalError> {
        // By run and event, since there is no index by event alone.
        let sql = "SELECT run.id FROM run CROSS JOIN run_event
             ON run_event.run = run.id AND run_event.event = ?1
             ORDER BY run.id DESC LIMIT 1";
        let run: Option<i64> = self
            .connection
            .query_row(sql, [event.0], |row| row.get(0))
            .optional()
            .map_err(|error| self.failed("looking for an event", error))?;
        match run {
            Some(run) => self.event_of(RunId(run), event),
            None => Ok(None),
        }
    }

    fn event_of(&self, run: RunId, event: EventRow) -> Result<Option<EventRecord>, JournalError> {
        let mut found = None;
        self.scan(ONE, params![run.0, event.0], |record| {
            found = Some(record);
            Ok::<_, JournalError>(())
        })?;
        Ok(found)
    }

    /// Returns the event with this id and its outcome. If the event was corrected, this is the corrected one.
    pub fn event_with_id(
        &self,
        event_id: &str,
    ) -> Result<Option<(EventRow, Option<Outcome>)>, JournalError> {
        let replaced = self.replaced()?;
        let sql = "SELECT id, outcome FROM event WHERE event_id = ?1";
        let mut found = None;
        self.each("looking for an event", sql, [event_id], |row| {
            let id = EventRow(row.get(0)?);
            if !replaced.contains_key(&id) {
                let outcome: Option<StoredWord<_>> = row.get(1)?;
                found = Some((id, outcome.map(|word| word.0)));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns those of these `event_id`s that runs started before an instant recorded events of, in one walk
    /// over all of them.
    pub(crate) fn event_ids_of(
        &self,
        wanted: &HashSet<String>,
        before: Timestamp,
    ) -> Result<HashSet<String>, JournalError> {
        let mut found = HashSet::new();
        if wanted.is_empty() {
            return Ok(found);
        }
        let (sql, before) = if before == Timestamp::MAX {
            ("SELECT event_id FROM event WHERE ?1 IS NULL", None)
        } else {
            let sql =
                "SELECT event_id FROM event WHERE id IN (SELECT event FROM run_event WHERE run IN
                 (SELECT id FROM run WHERE started_ms < ?1))";
            (sql, Some(before.as_millisecond()))
        };
        self.each("looking for events", sql, [before], |row| {
            let id = row.get_ref(0)?.as_str()?;
            if wanted.contains(id) {
                found.insert(id.to_owned());
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns how many events a run has left to send.
    pub fn pending_count(&self, run: RunId) -> Result<u64, JournalError> {
        let sql = "SELECT count(*) FROM run_event re CROSS JOIN event e ON e.id = re.event
             WHERE re.run = ?1 AND e.outcome IS NULL";
        self.connection
            .query_row(sql, [run.0], |row| count(row, 0))
            .map_err(|error| self.failed("counting what is left to send", error))
    }

    /// Goes through the sales that are settled. For sales that were corrected it takes the corrected ones.
    pub fn for_each_settled_sale(
        &self,
        mut each: impl FnMut(EventKey, Outcome, Ties<'_>, Option<Timestamp>),
    ) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT id, key, seal, {}, outcome FROM event
             WHERE kind = 'sale' AND outcome IS NOT NULL",
            columns::names()
        );
        let replaced = self.replaced()?;
        self.each("reading the outcomes of sales", &sql, [], |row| {
            let (id, key, columns) = EventColumns::read_sealed(row, 0)?;
            if !replaced.contains_key(&id) {
                let outcome = row.get::<_, StoredWord<_>>(3 + columns::COUNT)?.0;
                each(key, outcome, columns.ties(), columns.created_at());
            }
            Ok(())
        })
    }

    /// Goes through what a run has left to send, in the order of sending.
    pub fn for_each_pending(
        &self,
        run: RunId,
        mut each: impl FnMut(EventRow, Ties<'_>),
    ) -> Result<(), JournalError> {
        let (names, result) = (columns::names(), columns::RESULT);
        let sql = format!(
            "SELECT e.id, e.key, e.seal, {names}, {result}
             FROM run_event re CROSS JOIN event e ON e.id = re.event
             WHERE re.run = ?1 AND e.outcome IS NULL ORDER BY re.event"
        );
        self.each("reading what is left to send", &sql, [run.0], |row| {
            let (id, _, columns) = EventColumns::read_sealed(row, 0)?;
            // An event whose result was lost is refused here.
            read_settlement(row, id, AT_RESULT)?;
            each(id, columns.ties());
            Ok(())
        })
    }

    /// Goes through the events whose customers the API knows as leads.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn for_each_tracked(&self, mut each: impl FnMut(Ties<'_>)) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT id, key, seal, {} FROM event
             WHERE outcome = 'tracked' OR outcome = 'already_tracked'",
            columns::names()
        );
        self.each("reading the tracked events", &sql, [], |row| {
            each(EventColumns::read_sealed(row, 0)?.2.ties());
            Ok(())
        })
    }

    /// Goes through the sign-ups that other runs than this one have left to send.
    pub fn for_each_signup_elsewhere(
        &self,
        run: RunId,
        mut each: impl FnMut(Ties<'_>),
    ) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT e.id, e.key, e.seal, {} FROM event e
             WHERE e.kind = 'signup' AND e.outcome IS NULL
             AND NOT EXISTS (SELECT 1 FROM run_event re WHERE re.run = ?1 AND re.event = e.id)",
            columns::names()
        );
        let doing = "looking for sign-ups that are left to send";
        self.each(doing, &sql, [run.0], |row| {
            each(EventColumns::read_sealed(row, 0)?.2.ties());
            Ok(())
        })
    }

    /// Goes through the customers of all events that name an email and a uid: each ties the two.
    pub(crate) fn for_each_tie(
        &self,
        mut each: impl FnMut(CustomerRef<'_>),
    ) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT id, key, seal, {} FROM event WHERE email IS NOT NULL AND uid IS NOT NULL",
            columns::names()
        );
        self.each("reading customers", &sql, [], |row| {
            each(EventColumns::read_sealed(row, 0)?.2.customer());
            Ok(())
        })
    }

    /// Streams the events that a run was started to send, in the order of sending.
    pub fn for_each_event<E: From<JournalError>>(
        &self,
        run: RunId,
        each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan("", [run.0], each)
    }

    /// Streams a run's events with their attempts, which come as one row each and are combined.
    fn scan<E: From<JournalError>>(
        &self,
        filter: &str,
        parameters: impl Params,
        each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan_rows(&scan_sql(filter), parameters, each)
    }

    /// Streams events with a statement of [`scan_sql`] or [`scan_sql_of`].
    pub(super) fn scan_rows<E: From<JournalError>>(
        &self,
        sql: &str,
        parameters: impl Params,
        mut each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error| self.failed("reading a run's events", error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query(parameters).map_err(failed)?;
        let mut current: Option<EventRecord> = None;
        while let Some(row) = rows.next().map_err(failed)? {
            let id = EventRow(row.get(0).map_err(failed)?);
            if current.as_ref().is_none_or(|record| record.row != id) {
                let next = read_event(row).map_err(failed)?;
                if let Some(record) = current.replace(next) {
                    each(record)?;
                }
            }
            if let Some(record) = &mut current {
                fold_attempt(record, row).map_err(failed)?;
            }
        }
        current.map_or(Ok(()), each)
    }
}

/// The filter for a single event.
const ONE: &str = "AND re.event = ?2";
const AT_RESULT: usize = 3 + columns::COUNT;
const AT_SOURCE: usize = AT_RESULT + columns::RESULT_COUNT;
const AT_ATTEMPT: usize = AT_SOURCE + 3;
const AT_DOUBT: usize = AT_ATTEMPT + attempts::COUNT;

/// Returns the statement for `id, key, seal, NAMES, RESULT, ordinal, path, line` and the attempt's columns.
/// The joins are in the order of the tables' keys, so that nothing is sorted.
pub(super) fn scan_sql(filter: &str) -> String {
    scan_sql_of("run_event", &format!("WHERE re.run = ?1 {filter}"))
}

/// Returns the statement of [`scan_sql`] for events in another table of the shape of `run_event`.
pub(super) fn scan_sql_of(run_event: &str, condition: &str) -> String {
    let (names, result) = (columns::names(), columns::RESULT);
    let attempt = attempts::COLUMNS;
    format!(
        "SELECT e.id, e.key, e.seal, {names}, {result}, i.ordinal, i.path, re.line,
             {attempt},
             (SELECT d.seal FROM in_doubt d WHERE d.event = e.id)
         FROM {run_event} re CROSS JOIN event e ON e.id = re.event
             LEFT JOIN input i ON i.id = re.input
             LEFT JOIN attempt a ON a.event = e.id
         {condition} ORDER BY re.event"
    )
}

/// Prepares the statement for [`read_one`].
pub(super) fn prepare_one(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(&scan_sql(ONE))
}

/// Reads one event that a run has left to send; returns `None` if it is settled or not the run's.
pub(super) fn read_one(
    statement: &mut Statement<'_>,
    run: RunId,
    event: EventRow,
) -> rusqlite::Result<Option<Pending>> {
    let mut rows = statement.query(params![run.0, event.0])?;
    let mut found: Option<EventRecord> = None;
    while let Some(row) = rows.next()? {
        let record = match &mut found {
            Some(record) => record,
            None => found.insert(read_event(row)?),
        };
        fold_attempt(record, row)?;
    }
    let found = found.filter(|record| record.settlement.is_none());
    Ok(found.map(pending_of))
}

fn read_event(row: &Row<'_>) -> rusqlite::Result<EventRecord> {
    let (id, key, columns) = EventColumns::read_sealed(row, 0)?;
    Ok(EventRecord {
        row: id,
        event: columns.to_event(Some(key), source_or_none(row, AT_SOURCE, AT_SOURCE + 2)?),
        file: row.get(AT_SOURCE + 1)?,
        settlement: read_settlement(row, id, AT_RESULT)?,
        first_attempt: None,
        last_attempt: None,
        is_maybe_recorded: is_in_doubt(row, id)?,
        is_in_doubt: is_in_doubt(row, id)?,
        carried: None,
    })
}

/// Returns `true` if an event may have been sent by a request whose record was lost.
fn is_in_doubt(row: &Row<'_>, event: EventRow) -> rusqlite::Result<bool> {
    match row.get::<_, Option<i64>>(AT_DOUBT)? {
        None => Ok(false),
        Some(found) if found == recover::seal(event) => Ok(true),
        Some(_) => Err(impossible(
            AT_DOUBT,
            format!("the doubt of event {} is not as it was written", event.0),
        )),
    }
}

fn fold_attempt(record: &mut EventRecord, row: &Row<'_>) -> rusqlite::Result<()> {
    let Some(number) = row.get(AT_ATTEMPT)? else {
        return Ok(());
    };
    attempts::expect_sealed(row, record.row, AT_ATTEMPT)?;
    let intended: Millis = row.get(AT_ATTEMPT + 2)?;
    let effect: Option<StoredWord<Effect>> = row.get(AT_ATTEMPT + 9)?;
    record.first_attempt = Some(match record.first_attempt {
        Some(first) => first.min(intended.0),
        None => intended.0,
    });
    // They come in the order of their key, but that is not asked for: it would cost a sort.
    if let Some(number) = NonZeroU32::new(number)
        && number.get() > record.attempts()
    {
        record.last_attempt = Some(LastAttempt {
            number,
            http_status: row.get(AT_ATTEMPT + 10)?,
            message: row.get(AT_ATTEMPT + 11)?,
        });
    }
    let maybe_recorded = match effect {
        None | Some(StoredWord(Effect::Unknown)) => true,
        Some(StoredWord(Effect::Recorded | Effect::None)) => false,
    };
    if maybe_recorded {
        record.is_maybe_recorded = true;
        record.carried = read_carried(row, AT_ATTEMPT + 3)?;
    }
    Ok(())
}

fn pending_of(record: EventRecord) -> Pending {
    Pending {
        row: record.row,
        attempts: record.attempts(),
        event: record.event,
        is_maybe_recorded: record.is_maybe_recorded,
        is_in_doubt: record.is_in_doubt,
        // The content of the lost request is not known.
        carried: record.carried.filter(|_| !record.is_in_doubt),
    }
}
