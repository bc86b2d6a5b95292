//! Records a run: its exports, its events and what was held, in one transaction.

mod events;
mod learned;

use jiff::Timestamp;
use rusqlite::{Connection, Statement, Transaction, params};

use super::accepted;
use super::columns::{self, json};
use super::commits::CommitRecord;
use super::conversions;
use super::corrected_rows;
use super::flags;
use super::learned::LearnedStatements;
use super::left_out::LeftOutStatements;
use super::read_exports::{self, ReadExport, SkippedExport};
use super::recover::{self, DoubtUntil};
use super::repeated_rows::{ExportKind, RepeatedRows, RowContent};
use super::runs::SourceColumns;
use super::words::bounded;
use super::{
    Acceptance, Disposition, Item, ItemId, Journal, JournalError, JournalReader, NewInput,
    PlanTotal, RunCommand, RunId, commit, poison, start, stored,
};
use crate::event::{Currency, EventKey, ExportLine, Money};
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

/// Records a run. If it is dropped before [`Recording::commit`], nothing is recorded.
///
/// Inputs come first; every [`ExportLine`] names one of them by its place among them, from 0.
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
    in_doubt: Statement<'j>,
    flag: Statement<'j>,
    learned: LearnedStatements<'j>,
    left_out: LeftOutStatements<'j>,
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
            met_event: connection.prepare(flags::INSERT_MET_EVENT)?,
            held: connection.prepare(&format!(
                "INSERT INTO held (run, plan_state, input, line, candidates, seal, {names})
                 VALUES (?, ?, ?, ?, ?, ?, {marks})"
            ))?,
            total: connection.prepare(
                "INSERT INTO run_total (run, plan_state, kind, currency, count, amount_cents)
                 VALUES (?, ?, ?, ?, ?, ?)",
            )?,
            row: connection.prepare(
                "INSERT INTO source_row (run, input, line, disposition, reason, fields, seal)
                 VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?,
            problem: connection.prepare(INSERT_PROBLEM)?,
            in_doubt: connection.prepare(recover::INSERT)?,
            flag: connection.prepare(flags::INSERT_IF_NONE)?,
            learned: LearnedStatements::prepare(connection)?,
            left_out: LeftOutStatements::prepare(connection)?,
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
        let transaction = start(reader, &mut self.record, self.poison.as_deref(), DOING)?;
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
        source: ExportLine,
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
        let columns = SourceColumns {
            run: self.run.0,
            input,
            line: stored(source.line),
            disposition: disposition.as_str(),
            reason,
            fields: &fields,
        };
        let written = self.statements.row.execute(params![
            columns.run,
            columns.input,
            columns.line,
            columns.disposition,
            columns.reason,
            columns.fields,
            columns.seal(),
        ]);
        self.done(written)
    }

    /// Keeps that a row, which was ignored, may have been an event; `money` is its amount, as far as that is known.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_left_out<T: AsRef<str>>(
        &mut self,
        source: ExportLine,
        reason: &str,
        fields: &[T],
        money: Option<Money>,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let place = (self.input(source)?, source.line);
        let Some(kind) = self.kinds.get(source.input) else {
            return Ok(());
        };
        let fields: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
        let content = RowContent::new(kind, reason, &json(&fields));
        let statements = &mut self.statements.left_out;
        let written = statements.insert(self.run, place, (content, reason), money);
        self.done(written)
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

    fn input(&self, source: ExportLine) -> Result<i64, JournalError> {
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
