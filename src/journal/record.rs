//! Records a run: its exports, its events and what was held, in one transaction.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Statement, Transaction, params};

use super::accepted;
use super::columns::{self, Columns};
use super::commits::CommitRecord;
use super::conversions;
use super::corrected_rows;
use super::deliver::settle_where_left;
use super::flags;
use super::learned;
use super::mended;
use super::read_exports::{self, ReadExport, SkippedExport};
use super::recover::{self, DoubtUntil};
use super::repeated_rows::{ExportKind, RepeatedRows, RowContent};
use super::undo;
use super::words::bounded;
use super::{
    Acceptance, AttentionCode, Disposition, EventRow, Item, ItemId, Journal, JournalError,
    JournalReader, Outcome, PlanState, PlanTotal, RunCommand, RunId, Settlement, commit, poison, start,
    stored,
};
use crate::event::{Currency, Event, EventKey, Source};
use crate::problem::Problem;

const DOING: &str = "recording a run";

/// Describes how a run starts.
#[derive(Clone, Debug)]
pub struct NewRun {
    /// The command that started it.
    pub command: RunCommand,
    /// The time when it started.
    pub started: Timestamp,
}

/// Describes an export of a run, with the balance of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInput {
    /// The path as the user gave it.
    pub path: String,
    /// The hash of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the profile that it was read by.
    pub profile: String,
    /// The header's cells.
    pub header: Vec<String>,
    /// The number of rows that were read: the sum of the three fields below.
    pub rows_read: u64,
    /// The number of rows that gave an event.
    pub rows_with_events: u64,
    /// The number of rows that are not to be sent.
    pub rows_ignored: u64,
    /// The number of rows that can't be read.
    pub rows_rejected: u64,
}

/// Records a run. If it is dropped before [`Recording::commit`], nothing is recorded.
///
/// Inputs come first; every [`Source`] names one of them by its place among them, from 0.
#[derive(Debug)]
pub struct Recording<'j> {
    // Statements are finished before the transaction is.
    statements: Statements<'j>,
    transaction: Transaction<'j>,
    reader: &'j JournalReader,
    record: &'j mut CommitRecord,
    poison: &'j mut Option<String>,
    run: RunId,
    started: Timestamp,
    inputs: Vec<i64>,
    next_event: i64,
    doubt: DoubtUntil,
    /// The kind of each export, in the order of `inputs`.
    kinds: Vec<ExportKind>,
    repeated: RepeatedRows,
}

const INSERT_PROBLEM: &str = "INSERT INTO problem
     (run, severity, code, file, line, column_name, value, message, hint)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

/// The statement that keeps that a run has met an event: its run, the event, and its export and line, if any. A key may
/// have two settled readings, as it was refused and as it was fixed.
pub(super) const INSERT_MET_EVENT: &str =
    "INSERT OR IGNORE INTO met_event (run, event, input, line) SELECT ?1, ?2, ?3, ?4
     WHERE NOT EXISTS (SELECT 1 FROM run_event WHERE run = ?1 AND event = ?2)";

fn insert_problem(
    statement: &mut Statement<'_>,
    run: RunId,
    problem: &Problem,
) -> rusqlite::Result<usize> {
    statement.execute(params![
        run.0,
        problem.severity.as_str(),
        problem.code.as_str(),
        problem.file,
        problem.line.map(stored),
        problem.column,
        problem.value.as_deref().map(bounded),
        problem.message,
        problem.hint,
    ])
}

#[derive(Debug)]
struct Statements<'j> {
    event: Statement<'j>,
    conversion: Statement<'j>,
    run_event: Statement<'j>,
    met_event: Statement<'j>,
    held: Statement<'j>,
    total: Statement<'j>,
    row: Statement<'j>,
    problem: Statement<'j>,
    invoice: Statement<'j>,
    plan: Statement<'j>,
    uncounted: Statement<'j>,
    alias: Statement<'j>,
    in_doubt: Statement<'j>,
    shared_uid: Statement<'j>,
    unclear_uid: Statement<'j>,
    unplanned: Statement<'j>,
    flag: Statement<'j>,
}

impl<'j> Statements<'j> {
    fn prepare(connection: &'j Connection) -> rusqlite::Result<Self> {
        let names = columns::names();
        let marks = vec!["?"; columns::COUNT].join(", ");
        Ok(Statements {
            event: connection.prepare(&format!(
                "INSERT INTO event (id, key, seal, {names}) VALUES (?, ?, ?, {marks})"
            ))?,
            conversion: conversions::prepare(connection)?,
            run_event: connection
                .prepare("INSERT INTO run_event (run, event, input, line) VALUES (?, ?, ?, ?)")?,
            met_event: connection.prepare(INSERT_MET_EVENT)?,
            held: connection.prepare(&format!(
                "INSERT INTO held (run, plan_state, input, line, candidates, {names})
                 VALUES (?, ?, ?, ?, ?, {marks})"
            ))?,
            total: connection.prepare(
                "INSERT INTO run_total (run, plan_state, kind, currency, count, amount_cents)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?,
            row: connection.prepare(
                "INSERT INTO source_row (run, input, line, disposition, reason, fields)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?,
            problem: connection.prepare(INSERT_PROBLEM)?,
            invoice: learned::prepare_invoice(connection)?,
            plan: learned::prepare_plan(connection)?,
            uncounted: learned::prepare_uncounted(connection)?,
            alias: learned::prepare_alias(connection)?,
            in_doubt: connection.prepare(recover::INSERT)?,
            shared_uid: learned::prepare_shared_uid(connection)?,
            unclear_uid: learned::prepare_unclear_uid(connection)?,
            unplanned: connection.prepare(learned::INSERT_UNPLANNED)?,
            flag: connection.prepare(flags::INSERT_IF_NONE)?,
        })
    }
}

impl Journal {
    /// Keeps a problem that sending a run has shown, beside the problems of its plan.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_problem(&mut self, run: RunId, problem: &Problem) -> Result<(), JournalError> {
        self.update_run("recording what sending has shown", run, |connection| {
            insert_problem(&mut connection.prepare(INSERT_PROBLEM)?, run, problem)
        })
    }

    /// Starts to record a run and its plan.
    ///
    /// The plan must be based on [`JournalReader::known`] of this very journal, read since it was opened:
    /// that is what keeps an event from being recorded twice.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn begin(&mut self, new: &NewRun) -> Result<Recording<'_>, JournalError> {
        let reader = &self.reader;
        let transaction = start(reader, self.poison.as_deref(), DOING)?;
        let prepare = || -> rusqlite::Result<_> {
            let run = insert_run(&transaction, new)?;
            let last = "SELECT coalesce(max(id), 0) FROM event";
            let last: i64 = transaction.query_row(last, [], |row| row.get(0))?;
            let doubt = DoubtUntil::read(&transaction)?;
            Ok((run, last, doubt, Statements::prepare(&reader.connection)?))
        };
        let (run, last, doubt, statements) =
            prepare().map_err(|error| reader.failed(DOING, error))?;
        Ok(Recording {
            statements,
            transaction,
            reader,
            record: &mut self.record,
            poison: &mut self.poison,
            run,
            started: new.started,
            inputs: Vec::new(),
            next_event: last + 1,
            doubt,
            kinds: Vec::new(),
            repeated: RepeatedRows::default(),
        })
    }
}

/// Adds a run; its name is made from its start and its number.
pub(super) fn insert_run(connection: &Connection, new: &NewRun) -> rusqlite::Result<RunId> {
    let last = "SELECT coalesce(max(id), 0) FROM run";
    let id = connection.query_row(last, [], |row| row.get::<_, i64>(0))? + 1;
    let name = format!("{}-{id}", new.started.strftime("%Y-%m-%dT%H-%M-%SZ"));
    // The table is older than the command, which its own table has.
    let command = match new.command {
        RunCommand::Undo => RunCommand::Run,
        other => other,
    };
    connection.execute(
        "INSERT INTO run (id, name, command, started_ms) VALUES (?1, ?2, ?3, ?4)",
        params![id, name, command.as_str(), new.started.as_millisecond()],
    )?;
    Ok(RunId(id))
}

impl Recording<'_> {
    /// Returns the run that is being recorded.
    pub fn run(&self) -> RunId {
        self.run
    }

    /// Adds the next export.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_input(&mut self, input: &NewInput) -> Result<(), JournalError> {
        self.ready()?;
        let written = self.transaction.execute(
            "INSERT INTO input (run, ordinal, path, sha256, profile, header, rows_read,
                 rows_with_events, rows_ignored, rows_rejected)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                self.run.0,
                stored(self.inputs.len() as u64),
                input.path,
                input.sha256,
                input.profile,
                json(&input.header),
                stored(input.rows_read),
                stored(input.rows_with_events),
                stored(input.rows_ignored),
                stored(input.rows_rejected),
            ],
        );
        self.done(written)?;
        self.inputs.push(self.transaction.last_insert_rowid());
        let header = json(&input.header);
        self.kinds.push(ExportKind::new(&input.profile, &header));
        Ok(())
    }

    /// Returns the name of the run that is being recorded.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn run_name(&self) -> Result<String, JournalError> {
        let sql = "SELECT name FROM run WHERE id = ?1";
        self.transaction
            .query_row(sql, [self.run.0], |row| row.get(0))
            .map_err(|error| self.reader.failed("reading the run", error))
    }

    /// Keeps that an export was read whole, with nothing in it that needs attention.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_read_export(&mut self, export: &ReadExport) -> Result<(), JournalError> {
        self.ready()?;
        let written = read_exports::insert(&self.transaction, export);
        self.done(written)
    }

    /// Keeps that an export with these bytes has to be read again.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn remove_read_export(&mut self, sha256: &str) -> Result<(), JournalError> {
        self.ready()?;
        let written = read_exports::remove(&self.transaction, sha256);
        self.done(written)
    }

    /// Adds an export that this run does not read. The order of these calls is the order of the exports.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_skipped_export(
        &mut self,
        ordinal: usize,
        export: &SkippedExport,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let written = read_exports::insert_skipped(&self.transaction, self.run, ordinal, export);
        self.done(written)
    }

    /// Adds an event that the journal does not know yet and that this run is to send. The order of these
    /// calls is the order of sending.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_event(&mut self, event: &Event) -> Result<EventRow, JournalError> {
        let source = self.source_of(event)?;
        let row = self.insert(event)?;
        self.take_over(row, source)?;
        Ok(row)
    }

    /// Adds a refund that undoes a sale, which another run was started to send. Its place is that of the sale.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_undo(
        &mut self,
        refund: &Event,
        sale: EventRow,
        undone: RunId,
    ) -> Result<EventRow, JournalError> {
        let row = self.insert(refund)?;
        let sql = "INSERT INTO run_event (run, event, input, line)
             SELECT ?1, ?2, input, line FROM run_event WHERE run = ?3 AND event = ?4";
        let written = self
            .transaction
            .execute(sql, [self.run.0, row.0, undone.0, sale.0]);
        self.done(written)?;
        Ok(row)
    }

    /// Keeps which run this one undoes.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn set_undone(&mut self, undone: RunId) -> Result<(), JournalError> {
        self.ready()?;
        let written = undo::insert(&self.transaction, self.run, undone);
        self.done(written)
    }

    /// Puts an event among those of the journal.
    fn insert(&mut self, event: &Event) -> Result<EventRow, JournalError> {
        self.ready()?;
        let row = EventRow(self.next_event);
        let written = insert_event(&mut self.statements.event, row, event);
        self.done(written)?;
        if let Some(original) = &event.original {
            let written = conversions::insert(&mut self.statements.conversion, row, original);
            self.done(written)?;
        }
        if self.doubt.concerns(event) {
            let written = recover::insert(&mut self.statements.in_doubt, row);
            self.done(written)?;
        }
        self.next_event += 1;
        Ok(row)
    }

    /// Adds an event that replaces one of the same id that counts nowhere: the API refused it, said that it
    /// is not a referral, or was not asked yet ([`Recording::supersede`]). The old one is kept as it was, and
    /// is neither compared with any other nor tried again. What a report does not say of an event, such as
    /// its plan, is taken from it.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn replace(
        &mut self,
        refused: EventRow,
        mut event: Event,
    ) -> Result<EventRow, JournalError> {
        self.ready()?;
        event.complete_from(&self.recorded(refused)?);
        let by = self.add_event(&event)?;
        let written = mended::insert(&self.transaction, refused, by);
        self.done(written)?;
        Ok(by)
    }

    /// Settles an event that is left to send and that another one takes the place of, with the reason: a refund
    /// whose sale is asked again, since what it reverses counts nowhere, or a sale of which more is known.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn supersede(&mut self, event: EventRow, reason: &str) -> Result<(), JournalError> {
        self.settle(event, Outcome::NonReferral, reason).map(drop)
    }

    /// Settles an event that is left to send, and flags it as one of a sale that was not paid; any other event
    /// stays as it is.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn withdraw(
        &mut self,
        event: EventRow,
        outcome: Outcome,
        reason: &str,
    ) -> Result<(), JournalError> {
        if self.settle(event, outcome, reason)? {
            self.flag(event, AttentionCode::NotPaid)?;
        }
        Ok(())
    }

    /// Settles an event without a request if it is left to send; returns `false` if it is not.
    pub(crate) fn settle(
        &mut self,
        event: EventRow,
        outcome: Outcome,
        reason: &str,
    ) -> Result<bool, JournalError> {
        self.ready()?;
        let message = reason.to_owned();
        let settlement = Settlement {
            is_inferred: true,
            ..Settlement::without_answer(outcome, Some(message), self.started)
        };
        let settled = settle_where_left(&self.transaction, event, &settlement);
        let was_left = matches!(settled, Ok(1..));
        self.done(settled)?;
        Ok(was_left)
    }

    /// Settles an event that replaces another one by the answer that the other one got: it holds for both.
    ///
    /// # Errors
    ///
    /// The journal can't be read or written.
    pub fn inherit_result(&mut self, from: EventRow, to: EventRow) -> Result<(), JournalError> {
        self.ready()?;
        let sql = format!("SELECT {} FROM event e WHERE e.id = ?1", columns::RESULT);
        let result = self
            .transaction
            .query_row(&sql, [from.0], |row| columns::read_settlement(row, from, 0));
        let result = result.map_err(|error| self.reader.failed("reading a result", error))?;
        let Some(result) = result else {
            return Ok(());
        };
        let settlement = Settlement {
            is_inferred: true,
            at: self.started,
            ..result
        };
        let settled = settle_where_left(&self.transaction, to, &settlement);
        self.done(settled)
    }

    /// Returns an event as it was recorded.
    fn recorded(&self, event: EventRow) -> Result<Event, JournalError> {
        let names = columns::names();
        let sql = format!("SELECT id, key, seal, {names} FROM event WHERE id = ?1");
        let found = self.transaction.query_row(&sql, [event.0], |row| {
            let (_, key, columns) = Columns::read_sealed(row, 0)?;
            Ok(columns.to_event(Some(key), None))
        });
        found.map_err(|error| {
            self.reader
                .failed("reading an event that is corrected", error)
        })
    }

    /// Makes this run send an event, too, that the journal knows and that is not settled.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn take_over(&mut self, event: EventRow, source: Source) -> Result<(), JournalError> {
        self.ready()?;
        let input = self.input(source)?;
        let written = self.statements.run_event.execute(params![
            self.run.0,
            event.0,
            input,
            stored(source.line)
        ]);
        self.done(written)
    }

    /// Keeps that the exports have an event again which an earlier run settled with an outcome that needs
    /// attention, or left. An event that this run sends is not kept a second time.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_met_event(&mut self, event: EventRow, source: Source) -> Result<(), JournalError> {
        self.ready()?;
        let input = self.input(source)?;
        self.meet(event, Some(input), Some(stored(source.line)))
    }

    /// Keeps that an event, which needs attention, concerns this run, though no row of its exports has it.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_met_event_without_export(
        &mut self,
        event: EventRow,
    ) -> Result<(), JournalError> {
        self.ready()?;
        self.meet(event, None, None)
    }

    fn meet(
        &mut self,
        event: EventRow,
        input: Option<i64>,
        line: Option<i64>,
    ) -> Result<(), JournalError> {
        let written = self
            .statements
            .met_event
            .execute(params![self.run.0, event.0, input, line]);
        self.done(written)
    }

    /// Keeps that a settled event needs attention, unless that is recorded.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn flag(&mut self, event: EventRow, code: AttentionCode) -> Result<(), JournalError> {
        self.ready()?;
        let written = flags::insert(&mut self.statements.flag, event, code);
        self.done(written)
    }

    /// Removes the mark that a settled event needs attention.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn unflag(&mut self, event: EventRow) -> Result<(), JournalError> {
        self.ready()?;
        let sql = "DELETE FROM flag WHERE event = ?1";
        let written = self.transaction.execute(sql, [event.0]);
        self.done(written)
    }

    /// Accepts items together with the run: rows that its exports have in a corrected form.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn accept(&mut self, items: &[Item], acceptance: &Acceptance) -> Result<(), JournalError> {
        self.ready()?;
        let written = accepted::accept_in(&self.transaction, items, acceptance);
        self.done(written.map(|_| 0))
    }

    /// Keeps an event of a rejected row that the exports have in a corrected form.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_corrected_row(&mut self, row: ItemId, event: EventKey) -> Result<(), JournalError> {
        self.ready()?;
        let written = corrected_rows::insert(&self.transaction, row, event);
        self.done(written)
    }

    /// Keeps an event that will not be sent: [`PlanState::Conflict`] or [`PlanState::Unlinked`], with the
    /// reason in its note.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_held(&mut self, state: PlanState, event: &Event) -> Result<(), JournalError> {
        self.ready()?;
        let input = event.source.map(|source| self.input(source)).transpose()?;
        let line = event.source.map(|source| stored(source.line));
        let run = self.run.0;
        let statement = &mut self.statements.held;
        let mut insert = || -> rusqlite::Result<usize> {
            statement.raw_bind_parameter(1, run)?;
            statement.raw_bind_parameter(2, state.as_str())?;
            statement.raw_bind_parameter(3, input)?;
            statement.raw_bind_parameter(4, line)?;
            statement.raw_bind_parameter(5, event.details().candidates.as_deref())?;
            Columns::from_event(event).bind(statement, 6)?;
            statement.raw_execute()
        };
        let written = insert();
        self.done(written)
    }

    /// Adds what the plan counted; called once for each state, kind and currency of events.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_total(&mut self, total: &PlanTotal) -> Result<(), JournalError> {
        self.ready()?;
        let written = self.statements.total.execute(params![
            self.run.0,
            total.state.as_str(),
            total.kind.as_str(),
            total.currency.map_or("", Currency::code),
            stored(total.count),
            total.amount_cents,
        ]);
        self.done(written)
    }

    /// Keeps a row that gave no event, with its cells as they were. An ignored row that an earlier run has kept is
    /// only counted.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_row<T: AsRef<str>>(
        &mut self,
        source: Source,
        disposition: Disposition,
        reason: &str,
        fields: &[T],
    ) -> Result<(), JournalError> {
        self.ready()?;
        let input = self.input(source)?;
        let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        let fields = json(&fields);
        if disposition == Disposition::Ignored
            && let Some(kind) = self.kinds.get(source.input)
        {
            let content = RowContent::new(kind, reason, &fields);
            let (run, place) = (self.run.0, (input, reason));
            match self.repeated.count(&self.transaction, run, place, content) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => return self.done(Err(error)),
            }
        }
        let written = self.statements.row.execute(params![
            self.run.0,
            input,
            stored(source.line),
            disposition.as_str(),
            reason,
            fields,
        ]);
        self.done(written)
    }

    /// Keeps what an invoice says of its payments, for later runs: the sale that it is by itself.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_invoice(&mut self, invoice: &Event) -> Result<(), JournalError> {
        self.ready()?;
        let written = learned::insert_invoice(&mut self.statements.invoice, invoice);
        self.done(written)
    }

    /// Keeps for later runs that nothing of a refund counts, and what was paid back with it.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_uncounted(
        &mut self,
        refund: EventKey,
        sale: EventKey,
        gross_cents: i64,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let statement = &mut self.statements.uncounted;
        let written = learned::insert_uncounted(statement, refund, sale, gross_cents);
        self.done(written)
    }

    /// Keeps a further id of a payment that is recorded under another one, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_alias(&mut self, alias: &str, event_id: &str) -> Result<(), JournalError> {
        self.ready()?;
        let statement = &mut self.statements.alias;
        let written = learned::insert_alias(statement, EventKey::from_id(alias), event_id);
        self.done(written)
    }

    /// Keeps that a uid is not the id of one customer, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_shared_uid(&mut self, uid: &str) -> Result<(), JournalError> {
        self.ready()?;
        let written = learned::insert_uid(&mut self.statements.shared_uid, uid);
        self.done(written)
    }

    /// Keeps that a uid may not be the id of one customer, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_unclear_uid(&mut self, uid: &str) -> Result<(), JournalError> {
        self.ready()?;
        let written = learned::insert_uid(&mut self.statements.unclear_uid, uid);
        self.done(written)
    }

    /// Keeps the plan of a subscription, for later runs.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_plan(&mut self, subscription: &str, plan: &str) -> Result<(), JournalError> {
        self.ready()?;
        let written = learned::insert_plan(&mut self.statements.plan, subscription, plan);
        self.done(written)
    }

    /// Keeps that a sale has no plan, with its subscription: the plan may be learned later.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_unplanned(
        &mut self,
        sale: EventKey,
        subscription: &str,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let statement = &mut self.statements.unplanned;
        let written = learned::insert_unplanned(statement, sale, subscription);
        self.done(written)
    }

    /// Returns the sales that were recorded without a plan and whose subscriptions have one now. They are returned
    /// once.
    ///
    /// # Errors
    ///
    /// The journal can't be read or written.
    pub(crate) fn take_unplanned(
        &mut self,
        planned: &HashSet<&str>,
    ) -> Result<Vec<EventKey>, JournalError> {
        self.ready()?;
        let taken = learned::take_unplanned(&self.transaction, planned);
        taken.map_err(|error| self.reader.failed(DOING, error))
    }

    /// Keeps a problem for the reports.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn add_problem(&mut self, problem: &Problem) -> Result<(), JournalError> {
        self.ready()?;
        let written = insert_problem(&mut self.statements.problem, self.run, problem);
        self.done(written)
    }

    /// Puts the run on disk; it can be resumed when this returns.
    ///
    /// # Errors
    ///
    /// The journal can't be written; nothing of the run may be sent, and the journal has to be opened again.
    pub fn commit(mut self) -> Result<RunId, JournalError> {
        self.ready()?;
        let repeated = self.repeated.record(&self.transaction, self.run.0);
        self.done(repeated.map(|()| 0))?;
        drop(self.statements);
        let committed = commit(self.transaction, self.reader, self.record, DOING);
        committed.inspect_err(|error| poison(self.poison, error))?;
        Ok(self.run)
    }

    fn source_of(&self, event: &Event) -> Result<Source, JournalError> {
        event.source.ok_or_else(|| {
            let what = format!("event `{}` has no place in an export", event.event_id());
            JournalError::misused(&self.reader.path, what)
        })
    }

    fn input(&self, source: Source) -> Result<i64, JournalError> {
        self.inputs.get(source.input).copied().ok_or_else(|| {
            let what = format!("export {} was not added", source.input);
            JournalError::misused(&self.reader.path, what)
        })
    }

    /// Checks that the transaction is still open: a failed statement may have ended it, and nothing may be
    /// written outside of one.
    fn ready(&self) -> Result<(), JournalError> {
        match self.poison.as_deref() {
            None => Ok(()),
            Some(cause) => Err(JournalError::Poisoned {
                path: self.reader.path.clone(),
                cause: cause.to_owned(),
            }),
        }
    }

    fn done(&mut self, written: rusqlite::Result<usize>) -> Result<(), JournalError> {
        written.map(|_| ()).map_err(|error| {
            let error = self.reader.failed(DOING, error);
            poison(self.poison, &error);
            error
        })
    }
}

fn insert_event(
    statement: &mut Statement<'_>,
    row: EventRow,
    event: &Event,
) -> rusqlite::Result<usize> {
    let columns = Columns::from_event(event);
    let key = event.key();
    statement.raw_bind_parameter(1, row.0)?;
    statement.raw_bind_parameter(2, key.0.as_slice())?;
    statement.raw_bind_parameter(3, columns.seal(row, key))?;
    columns.bind(statement, 4)?;
    statement.raw_execute()
}

pub(super) fn json<T: serde::Serialize + ?Sized>(cells: &T) -> String {
    // Text always has a JSON form; a list of it can't fail.
    serde_json::to_string(cells).unwrap_or_default()
}
