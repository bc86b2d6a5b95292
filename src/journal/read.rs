//! What the journal knows: for the plan, for sending, and for the reports.
//!
//! Whatever may be long is streamed to a callback, so that memory stays flat. The callback's error
//! ends the stream and is returned.

use std::borrow::Cow;

use rusqlite::{Connection, OptionalExtension, Params, Row, Statement, params};

use super::attempts;
use super::columns::{self, Code, Columns, Millis, Word, impossible, read_money, read_settlement};
use super::mended::NOT_MENDED;
use super::migrate::read_account;
use super::place::place_of_directory;
use super::recover;
use super::{
    Account, Disposition, Effect, EventRecord, EventRow, HeldRecord, InputRecord, JournalError,
    JournalReader, Outcome, OutcomeTallies, Pending, PlanTotal, ReasonCount, RowRecord, RunId,
    RunRecord,
};
use crate::event::{Carried, Details, EventKey, Source, Text, Ties};
use crate::problem::Problem;

impl JournalReader {
    /// Whose journal it is.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; so for all functions here.
    pub fn account(&self) -> Result<Account, JournalError> {
        read_account(&self.connection, &self.path)
    }

    /// An event with all that happened to it, as the latest run that has it sees it.
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

    /// The event with this id and what came of it; of those that were corrected, what they were corrected to.
    pub fn event_with_id(
        &self,
        event_id: &str,
    ) -> Result<Option<(EventRow, Option<Outcome>)>, JournalError> {
        let mended = self.mended()?;
        let sql = "SELECT id, outcome FROM event WHERE event_id = ?1";
        let mut found = None;
        self.each("looking for an event", sql, [event_id], |row| {
            let id = EventRow(row.get(0)?);
            if !mended.contains_key(&id) {
                let outcome: Option<Word<_>> = row.get(1)?;
                found = Some((id, outcome.map(|word| word.0)));
            }
            Ok(())
        })?;
        Ok(found)
    }

    /// How many events a run has left to send.
    pub fn pending_count(&self, run: RunId) -> Result<u64, JournalError> {
        let sql = "SELECT count(*) FROM run_event re CROSS JOIN event e ON e.id = re.event
             WHERE re.run = ?1 AND e.outcome IS NULL";
        self.connection
            .query_row(sql, [run.0], |row| count(row, 0))
            .map_err(|error| self.failed("counting what is left to send", error))
    }

    /// Goes through the sales that are settled, of those that were corrected what they were corrected to.
    pub fn for_each_settled_sale(
        &self,
        mut each: impl FnMut(EventKey, Outcome, Ties<'_>),
    ) -> Result<(), JournalError> {
        let sql = format!(
            "SELECT id, key, seal, {}, outcome FROM event
             WHERE kind = 'sale' AND outcome IS NOT NULL",
            columns::NAMES
        );
        let mended = self.mended()?;
        self.each("reading the outcomes of sales", &sql, [], |row| {
            let (id, key, columns) = Columns::read_sealed(row, 0)?;
            if !mended.contains_key(&id) {
                let outcome = row.get::<_, Word<_>>(3 + columns::COUNT)?.0;
                each(key, outcome, columns.ties());
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
        let (names, result) = (columns::NAMES, columns::RESULT);
        let sql = format!(
            "SELECT e.id, e.key, e.seal, {names}, {result}
             FROM run_event re CROSS JOIN event e ON e.id = re.event
             WHERE re.run = ?1 AND e.outcome IS NULL ORDER BY re.event"
        );
        self.each("reading what is left to send", &sql, [run.0], |row| {
            let (id, _, columns) = Columns::read_sealed(row, 0)?;
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
            columns::NAMES
        );
        self.each("reading the tracked events", &sql, [], |row| {
            each(Columns::read_sealed(row, 0)?.2.ties());
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
            columns::NAMES
        );
        let doing = "looking for sign-ups that are left to send";
        self.each(doing, &sql, [run.0], |row| {
            each(Columns::read_sealed(row, 0)?.2.ties());
            Ok(())
        })
    }

    /// A run with its exports and totals.
    pub fn run(&self, run: RunId) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.list_runs("WHERE id = ?1", [run.0])?.pop())
    }

    /// A run by its name.
    pub fn run_named(&self, name: &str) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.list_runs("WHERE name = ?1", [name])?.pop())
    }

    /// The run that was started last.
    pub fn latest_run(&self) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.runs(1)?.pop())
    }

    /// Returns the latest run that read exports.
    pub fn latest_run_of_exports(&self) -> Result<Option<RunRecord>, JournalError> {
        let which = "WHERE id IN (SELECT run FROM input) ORDER BY id DESC LIMIT 1";
        Ok(self.list_runs(which, [])?.pop())
    }

    /// The last runs, the latest first.
    pub fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, JournalError> {
        self.list_runs("ORDER BY id DESC LIMIT ?1", [limit])
    }

    pub(super) fn list_runs(
        &self,
        which: &str,
        parameters: impl Params,
    ) -> Result<Vec<RunRecord>, JournalError> {
        let sql = format!(
            "SELECT id, name, command, started_ms, ended_ms, end_reason, exit_code, requests,
                 elapsed_ms, report_dir
             FROM run {which}"
        );
        let mut runs = Vec::new();
        self.each("reading the runs", &sql, parameters, |row| {
            runs.push(read_run(row)?);
            Ok(())
        })?;
        for run in &mut runs {
            run.inputs = self.inputs(run.id)?;
            run.totals = self.plan_totals(run.id)?;
            let recorded = run.report_dir.take();
            run.report_dir =
                recorded.map(|recorded| place_of_directory(&self.beside, &run.name, &recorded));
        }
        Ok(runs)
    }

    fn inputs(&self, run: RunId) -> Result<Vec<InputRecord>, JournalError> {
        let sql = "SELECT path, sha256, profile, header, rows_read, rows_with_events,
                 rows_ignored, rows_rejected
             FROM input WHERE run = ?1 ORDER BY ordinal";
        let mut inputs = Vec::new();
        self.each("reading a run's exports", sql, [run.0], |row| {
            inputs.push(InputRecord {
                path: row.get(0)?,
                sha256: row.get(1)?,
                profile: row.get(2)?,
                header: cells(row, 3)?,
                rows_read: count(row, 4)?,
                rows_with_events: count(row, 5)?,
                rows_ignored: count(row, 6)?,
                rows_rejected: count(row, 7)?,
            });
            Ok(())
        })?;
        Ok(inputs)
    }

    fn plan_totals(&self, run: RunId) -> Result<Vec<PlanTotal>, JournalError> {
        let sql = "SELECT plan_state, kind, currency, count, amount_cents
             FROM run_total WHERE run = ?1 ORDER BY plan_state, kind, currency";
        let mut totals = Vec::new();
        self.each("reading a run's totals", sql, [run.0], |row| {
            totals.push(PlanTotal {
                state: row.get::<_, Word<_>>(0)?.0,
                kind: row.get::<_, Word<_>>(1)?.0,
                currency: row.get::<_, Code>(2)?.0,
                count: count(row, 3)?,
                amount_cents: row.get(4)?,
            });
            Ok(())
        })?;
        Ok(totals)
    }

    /// What came of the events that a run set out to send, as the journal has it now: a later
    /// retry of an event shows in the earlier run as well.
    pub fn outcomes(&self, run: RunId) -> Result<OutcomeTallies, JournalError> {
        let from = "run_event JOIN event ON event.id = run_event.event WHERE run_event.run = ?1";
        self.outcome_totals(from, [run.0])
    }

    /// All events of the journal, by outcome; of those that were corrected, what they were corrected to.
    pub fn state_counts(&self) -> Result<OutcomeTallies, JournalError> {
        match self.has_mended()? {
            true => self.outcome_totals(&format!("event WHERE {NOT_MENDED}"), []),
            false => self.outcome_totals("event", []),
        }
    }

    pub(super) fn outcome_totals(
        &self,
        from: &str,
        parameters: impl Params,
    ) -> Result<OutcomeTallies, JournalError> {
        // Added up here: SQLite would sort all events to do so.
        let sql = format!("SELECT outcome, kind, amount_cents, currency FROM {from}");
        let mut tallies = OutcomeTallies::new();
        self.each("counting outcomes", &sql, parameters, |row| {
            let outcome: Option<Word<_>> = row.get(0)?;
            let tally = tallies.entry(outcome.map(|word| word.0)).or_default();
            tally.add(row.get::<_, Word<_>>(1)?.0, read_money(row, 2)?);
            Ok(())
        })?;
        Ok(tallies)
    }

    /// Streams the events that a run set out to send, in the order of sending.
    pub fn for_each_event<E: From<JournalError>>(
        &self,
        run: RunId,
        each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan("", [run.0], each)
    }

    /// Streams the events that a run held back, in the order in which they were recorded.
    pub fn for_each_held<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(HeldRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "SELECT h.plan_state, i.ordinal, i.path, h.line, h.candidates, {}
             FROM held h LEFT JOIN input i ON i.id = h.input WHERE h.run = ?1 ORDER BY h.id",
            columns::NAMES
        );
        self.stream("reading held events", &sql, [run.0], read_held, &mut each)
    }

    /// Streams the rows of a run's exports that gave no event.
    pub fn for_each_row<E: From<JournalError>>(
        &self,
        run: RunId,
        disposition: Disposition,
        mut each: impl FnMut(RowRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT i.ordinal, i.path, r.line, r.reason, r.fields
             FROM source_row r JOIN input i ON i.id = r.input
             WHERE r.run = ?1 AND r.disposition = ?2 ORDER BY r.id";
        let parameters = params![run.0, disposition.as_str()];
        let doing = "reading rows without events";
        self.stream(doing, sql, parameters, read_source_row, &mut each)
    }

    /// How many rows gave no event, by reason; the most frequent first.
    pub fn row_reasons(
        &self,
        run: RunId,
        disposition: Disposition,
    ) -> Result<Vec<ReasonCount>, JournalError> {
        let sql = "SELECT reason, count(*) FROM source_row WHERE run = ?1 AND disposition = ?2
             GROUP BY reason ORDER BY count(*) DESC, reason";
        let mut reasons = Vec::new();
        let parameters = params![run.0, disposition.as_str()];
        self.each("counting rows without events", sql, parameters, |row| {
            reasons.push(ReasonCount {
                reason: row.get(0)?,
                rows: count(row, 1)?,
            });
            Ok(())
        })?;
        Ok(reasons)
    }

    /// Streams the problems of a run's plan, in the order in which they were recorded.
    pub fn for_each_problem<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(Problem) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT severity, code, file, line, column_name, value, message, hint
             FROM problem WHERE run = ?1 ORDER BY id";
        self.stream("reading problems", sql, [run.0], read_problem, &mut each)
    }

    /// The last problem of a run with this code.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn last_problem(&self, run: RunId, code: &str) -> Result<Option<Problem>, JournalError> {
        let sql = "SELECT severity, code, file, line, column_name, value, message, hint
             FROM problem WHERE run = ?1 AND code = ?2 ORDER BY id DESC LIMIT 1";
        let mut last = None;
        let parameters = params![run.0, code];
        self.each("reading problems", sql, parameters, |row| {
            last = Some(read_problem(row)?);
            Ok(())
        })?;
        Ok(last)
    }

    /// Runs a query and reads all its rows.
    pub(super) fn each(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        mut each: impl FnMut(&Row<'_>) -> rusqlite::Result<()>,
    ) -> Result<(), JournalError> {
        let run = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare(sql)?;
            let mut rows = statement.query(parameters)?;
            while let Some(row) = rows.next()? {
                each(row)?;
            }
            Ok(())
        };
        run().map_err(|error| self.failed(doing, error))
    }

    /// Runs a query and hands out its rows, which may be the end of it.
    pub(super) fn stream<T, E: From<JournalError>>(
        &self,
        doing: &'static str,
        sql: &str,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
        each: &mut impl FnMut(T) -> Result<(), E>,
    ) -> Result<(), E> {
        let failed = |error| self.failed(doing, error);
        let mut statement = self.connection.prepare(sql).map_err(failed)?;
        let mut rows = statement.query(parameters).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            each(read(row).map_err(failed)?)?;
        }
        Ok(())
    }

    /// Streams a run's events with their attempts, which come as one row each and are folded.
    fn scan<E: From<JournalError>>(
        &self,
        filter: &str,
        parameters: impl Params,
        each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        self.scan_rows(&scan_sql(filter), parameters, each)
    }

    /// The same with a statement of [`scan_sql`] or [`scan_sql_of`].
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

/// `id, key, seal, NAMES, RESULT, ordinal, path, line`, then the attempt's columns. The joins are in
/// the order of the tables' keys, so that nothing is sorted.
pub(super) fn scan_sql(filter: &str) -> String {
    scan_sql_of("run_event", &format!("WHERE re.run = ?1 {filter}"))
}

/// The same for events that stand in another table of the shape of `run_event`.
pub(super) fn scan_sql_of(run_event: &str, condition: &str) -> String {
    let (names, result) = (columns::NAMES, columns::RESULT);
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

/// The filter for a single event.
const ONE: &str = "AND re.event = ?2";

/// The statement for [`read_one`].
pub(super) fn prepare_one(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(&scan_sql(ONE))
}

/// One event that a run has left to send; `None` where it is settled or not the run's.
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

const AT_RESULT: usize = 3 + columns::COUNT;
const AT_SOURCE: usize = AT_RESULT + columns::RESULT_COUNT;
const AT_ATTEMPT: usize = AT_SOURCE + 3;
const AT_DOUBT: usize = AT_ATTEMPT + attempts::COUNT;

fn read_event(row: &Row<'_>) -> rusqlite::Result<EventRecord> {
    let (id, key, columns) = Columns::read_sealed(row, 0)?;
    Ok(EventRecord {
        row: id,
        event: columns.to_event(Some(key), source(row, AT_SOURCE, AT_SOURCE + 2)?),
        file: row.get(AT_SOURCE + 1)?,
        settlement: read_settlement(row, id, AT_RESULT)?,
        attempts: 0,
        first_attempt: None,
        last_answer: None,
        last_http_status: None,
        last_message: None,
        maybe_recorded: is_in_doubt(row, id)?,
        is_in_doubt: is_in_doubt(row, id)?,
        carried: None,
    })
}

/// Whether an event may have been sent by a request whose record was lost.
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
    let effect: Option<Word<Effect>> = row.get(AT_ATTEMPT + 9)?;
    record.first_attempt = Some(match record.first_attempt {
        Some(first) => first.min(intended.0),
        None => intended.0,
    });
    // They come in the order of their key, but that is not asked for: it would cost a sort.
    if number > record.attempts {
        record.attempts = number;
        record.last_answer = row.get(AT_ATTEMPT + 8)?;
        record.last_http_status = row.get(AT_ATTEMPT + 10)?;
        record.last_message = row.get(AT_ATTEMPT + 11)?;
    }
    let maybe_recorded = match effect {
        None | Some(Word(Effect::Unknown)) => true,
        Some(Word(Effect::Recorded | Effect::None)) => false,
    };
    if maybe_recorded {
        record.maybe_recorded = true;
        record.carried = read_carried(row, AT_ATTEMPT + 3)?;
    }
    Ok(())
}

/// What an attempt said, in three columns from this one on.
pub(super) fn read_carried(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Carried>> {
    let has_event_id: Option<bool> = row.get(at)?;
    let currency: Option<Code> = row.get(at + 1)?;
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

fn pending_of(record: EventRecord) -> Pending {
    Pending {
        row: record.row,
        event: record.event,
        attempts: record.attempts,
        maybe_recorded: record.maybe_recorded,
        is_in_doubt: record.is_in_doubt,
        // What the lost request said is not known.
        carried: record.carried.filter(|_| !record.is_in_doubt),
    }
}

fn read_held(row: &Row<'_>) -> rusqlite::Result<HeldRecord> {
    let mut event = Columns::read(row, 5)?.to_event(None, source(row, 1, 3)?);
    let candidates: Option<String> = row.get(4)?;
    event.set_details(Details {
        candidates: candidates.map(Text::from),
        ..event.details().clone()
    });
    Ok(HeldRecord {
        state: row.get::<_, Word<_>>(0)?.0,
        event,
        file: row.get(2)?,
    })
}

fn read_source_row(row: &Row<'_>) -> rusqlite::Result<RowRecord> {
    Ok(RowRecord {
        source: source(row, 0, 2)?,
        file: row.get(1)?,
        reason: row.get(3)?,
        fields: cells(row, 4)?,
    })
}

fn read_problem(row: &Row<'_>) -> rusqlite::Result<Problem> {
    let line: Option<i64> = row.get(3)?;
    Ok(Problem {
        severity: row.get::<_, Word<_>>(0)?.0,
        code: Cow::Owned(row.get(1)?),
        file: row.get(2)?,
        line: line.map(|_| count(row, 3)).transpose()?,
        column: row.get(4)?,
        value: row.get(5)?,
        message: row.get(6)?,
        hint: row.get(7)?,
    })
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        name: row.get(1)?,
        command: row.get::<_, Word<_>>(2)?.0,
        started: row.get::<_, Millis>(3)?.0,
        ended: row.get::<_, Option<Millis>>(4)?.map(|at| at.0),
        reason: row.get::<_, Option<Word<_>>>(5)?.map(|word| word.0),
        exit_code: row.get(6)?,
        requests: count(row, 7)?,
        elapsed_ms: count(row, 8)?,
        report_dir: row.get(9)?,
        inputs: Vec::new(),
        totals: Vec::new(),
    })
}

/// A place in the exports; NULL is input 0, line 0.
fn source(row: &Row<'_>, ordinal: usize, line: usize) -> rusqlite::Result<Source> {
    let at = |column| -> rusqlite::Result<u64> {
        let value: Option<i64> = row.get(column)?;
        value.map_or(Ok(0), |_| count(row, column))
    };
    let input = usize::try_from(at(ordinal)?).map_err(|_| impossible(ordinal, "too many exports"));
    Ok(Source {
        input: input?,
        line: at(line)?,
    })
}

pub(super) fn count(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| impossible(column, format!("{value} is no count")))
}

fn cells(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let json: String = row.get(column)?;
    serde_json::from_str(&json).map_err(|error| impossible(column, error.to_string()))
}
