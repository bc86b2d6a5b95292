//! Records events: those that a run is to send, those that it has again, and those that it holds.

use rusqlite::{Statement, params};

use super::Recording;
use crate::event::{Event, ExportLine};
use crate::journal::columns::{self, EventColumns};
use crate::journal::deliver::settle_where_left;
use crate::journal::runs::held_seal;
use crate::journal::{
    AttentionCode, EventRow, JournalError, Outcome, PlanState, RunId, Settlement, UndoRecord,
    conversions, corrected, flags, midnights, parts_in_account, recover, stored, undo,
};

impl Recording<'_> {
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

    /// Adds a refund that undoes a sale, which another run was started to send. Its place is that of the sale. It takes the
    /// place of one that an earlier undo did not send, if there is one.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_undo(
        &mut self,
        refund: &Event,
        (sale, undone): (EventRow, RunId),
        replaces: Option<EventRow>,
    ) -> Result<EventRow, JournalError> {
        let row = self.insert(refund)?;
        let sql = "INSERT INTO run_event (run, event, input, line)
             SELECT ?1, ?2, input, line FROM run_event WHERE run = ?3 AND event = ?4";
        let written = self
            .transaction
            .execute(sql, [self.run.0, row.0, undone.0, sale.0]);
        self.done(written)?;
        if let Some(replaced) = replaces {
            let written = corrected::insert(&self.transaction, replaced, row);
            self.done(written)?;
        }
        Ok(row)
    }

    /// Keeps which run this one undoes, and what the account said of its sales.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn set_undone(&mut self, undo: &UndoRecord) -> Result<(), JournalError> {
        self.ready()?;
        let written = undo::insert(&self.transaction, self.run, undo);
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
        if midnights::is_timed(event) {
            let written = midnights::insert(&self.transaction, row);
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
        let written = corrected::insert(&self.transaction, refused, by);
        self.done(written)?;
        Ok(by)
    }

    /// Keeps what others have sent of a running total of refunds, in minor units.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn add_part_in_account(
        &mut self,
        event: EventRow,
        cents: i64,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let written = parts_in_account::insert(&self.transaction, event, cents);
        self.done(written)
    }

    /// Records that a running total of refunds has what an earlier one of its sale, which was not sent, was to reverse.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn replace_total(
        &mut self,
        earlier: EventRow,
        by: EventRow,
    ) -> Result<(), JournalError> {
        self.ready()?;
        let written = corrected::insert(&self.transaction, earlier, by);
        self.done(written)
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

    /// Settles an event that is left to send, and flags it with the reason why nobody sends it; any other event stays as
    /// it is.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn withdraw(
        &mut self,
        event: EventRow,
        outcome: Outcome,
        (code, reason): (AttentionCode, &str),
    ) -> Result<(), JournalError> {
        if self.settle(event, outcome, reason)? {
            self.flag(event, code)?;
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
            .query_row(&sql, [from.0], |row| columns::read_settlement(row, from, 0))
            .map_err(|error| self.reader.failed("reading a result", error))?;
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
            let (_, key, columns) = EventColumns::read_sealed(row, 0)?;
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
    pub fn take_over(&mut self, event: EventRow, source: ExportLine) -> Result<(), JournalError> {
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
    pub fn add_met_event(
        &mut self,
        event: EventRow,
        source: ExportLine,
    ) -> Result<(), JournalError> {
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
        let columns = EventColumns::from_event(event);
        let candidates = event.details().candidates.as_deref();
        let seal = held_seal((run, input, line), state.as_str(), candidates, &columns);
        let statement = &mut self.statements.held;
        let mut insert = || -> rusqlite::Result<usize> {
            statement.raw_bind_parameter(1, run)?;
            statement.raw_bind_parameter(2, state.as_str())?;
            statement.raw_bind_parameter(3, input)?;
            statement.raw_bind_parameter(4, line)?;
            statement.raw_bind_parameter(5, candidates)?;
            statement.raw_bind_parameter(6, seal)?;
            columns.bind(statement, 7)?;
            statement.raw_execute()
        };
        let written = insert();
        self.done(written)
    }

    fn source_of(&self, event: &Event) -> Result<ExportLine, JournalError> {
        event.source.ok_or_else(|| {
            let what = format!("event `{}` has no place in an export", event.event_id());
            JournalError::misused(&self.reader.path, what)
        })
    }
}

fn insert_event(
    statement: &mut Statement<'_>,
    row: EventRow,
    event: &Event,
) -> rusqlite::Result<usize> {
    let columns = EventColumns::from_event(event);
    let key = event.key();
    statement.raw_bind_parameter(1, row.0)?;
    statement.raw_bind_parameter(2, key.0.as_slice())?;
    statement.raw_bind_parameter(3, columns.seal(row, key))?;
    columns.bind(statement, 4)?;
    statement.raw_execute()
}
