//! Records what happens to events after they are planned: intents, answers, results, ends of runs, retries.

use jiff::Timestamp;
use rusqlite::{Connection, Statement, params};

use super::attempts::{self, SealedAnswer};
use super::columns::result_seal;
use super::commit::Commit;
use super::commits::CommitRecord;
use super::corrected::{NOT_REPLACED, NOT_SUPERSEDED};
use super::events;
use super::flags;
use super::place::recorded_directory;
use super::record::{NewRun, insert_run};
use super::words::bounded;
use super::{
    AttentionCode, Effect, EventRow, Journal, JournalError, JournalReader, Outcome, Pending,
    RunCommand, RunEnd, RunId, Settlement, poison, start, stored,
};

use crate::event::Carried;

/// Holds one thing to put on disk with `DeliveryStatements::write`.
#[derive(Clone, Debug)]
pub enum Entry {
    /// A request is about to be sent.
    Intent {
        /// The event that is requested.
        event: EventRow,
        /// Its number among the event's attempts, from 1: one more than [`super::Pending::attempts`].
        number: u32,
        /// The run that sends it.
        run: RunId,
        /// The time when it is intended.
        at: Timestamp,
        /// The content of the request; `None` if that is not known.
        carried: Option<Carried>,
    },
    /// A request was answered, or its answer was lost.
    Answer {
        /// The event that was requested.
        event: EventRow,
        /// The number of the attempt that is answered.
        number: u32,
        /// The time of the answer.
        at: Timestamp,
        /// The kind of answer, in a word.
        answer: &'static str,
        /// The effect of the request at the API.
        effect: Effect,
        /// The HTTP status, if there was one.
        http_status: Option<u16>,
        /// The message of the API or the network; at most `MESSAGE_LIMIT` bytes are kept.
        message: Option<String>,
        /// The event's result, if the answer settles it.
        settlement: Option<Settlement>,
    },
    /// The answer that settled an event needs attention nevertheless.
    Flag {
        /// The event whose answer needs attention.
        event: EventRow,
        /// The reason why it needs attention.
        code: AttentionCode,
    },
    /// An event is settled without an attempt of its own, such as by an inferred result.
    Settle {
        /// The event that is settled.
        event: EventRow,
        /// The result of the event.
        settlement: Settlement,
    },
}

/// Selects which outcomes are tried again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetrySelection {
    /// `true` selects [`Outcome::Failed`].
    pub has_failed: bool,
    /// `true` selects [`Outcome::Unconfirmed`].
    pub has_unconfirmed: bool,
    /// `true` selects [`Outcome::NonReferral`], also where it was inferred.
    pub has_non_referral: bool,
    /// The events that are selected, whichever of the three outcomes they have, with the refunds that were
    /// settled without a request by their outcomes.
    pub events: Vec<EventRow>,
    /// The events that somebody has accepted as they are: their outcome does not select them. Neither does it
    /// select sales that were not paid ([`AttentionCode::NotPaid`]), or that the account has
    /// ([`AttentionCode::InAccount`]).
    pub accepted: Vec<EventRow>,
}

impl RetrySelection {
    /// Returns the SQL condition for the selected events. Its words come from a closed set, and its numbers
    /// from the journal.
    fn sql(&self) -> String {
        let words: Vec<String> = [
            (self.has_failed, Outcome::Failed),
            (self.has_unconfirmed, Outcome::Unconfirmed),
            (self.has_non_referral, Outcome::NonReferral),
        ]
        .into_iter()
        .filter(|(selected, _)| *selected)
        .map(|(_, outcome)| format!("'{outcome}'"))
        .collect();
        let list = |rows: &[EventRow]| {
            let rows: Vec<String> = rows.iter().map(|row| row.0.to_string()).collect();
            rows.join(", ")
        };
        format!(
            "(outcome IN ({}) AND id NOT IN ({accepted})
                 AND id NOT IN (SELECT event FROM flag WHERE code = 'not_paid' OR code = 'in_account') OR outcome IN ('failed', 'unconfirmed', 'non_referral') AND (id IN ({rows})
                 OR kind = 'refund' AND inferred = 1 AND sale_event_id IN
                    (SELECT sale.event_id FROM event AS sale WHERE sale.id IN ({rows}))))",
            words.join(", "),
            accepted = list(&self.accepted),
            rows = list(&self.events)
        )
    }
}

impl Journal {
    /// Puts entries on disk once. Callers that write repeatedly use `DeliveryStatements::write`.
    ///
    /// # Errors
    ///
    /// None of the entries is certain to be on disk, and the journal takes no more writes. Among the reasons
    /// are an impossible entry (an attempt answered twice or settled twice) and a journal that is not at its
    /// path any more.
    pub fn write(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        self.delivery()?.write(entries)
    }

    /// Prepares the statements for sending.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn delivery(&mut self) -> Result<DeliveryStatements<'_>, JournalError> {
        let reader = &self.reader;
        let prepare = || -> rusqlite::Result<_> {
            let writer = EntryWriter::prepare(&reader.connection)?;
            Ok((writer, events::prepare_one(&reader.connection)?))
        };
        let (writer, one) = prepare().map_err(|error| reader.failed(RECORDING, error))?;
        Ok(DeliveryStatements {
            reader,
            record: &mut self.record,
            poison: &mut self.poison,
            writer,
            one,
        })
    }

    /// Records how a run ended. Requests and time add up over its resumptions.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn end_run(&mut self, run: RunId, end: &RunEnd) -> Result<(), JournalError> {
        let directory = end
            .report_dir
            .as_deref()
            .map(|directory| recorded_directory(&self.beside, directory));
        let sql = "UPDATE run SET ended_ms = ?2, end_reason = ?3, exit_code = ?4,
                requests = requests + ?5, elapsed_ms = elapsed_ms + ?6,
                report_dir = coalesce(?7, report_dir)
             WHERE id = ?1";
        self.update_run("recording the end of a run", run, |connection| {
            connection.execute(
                sql,
                params![
                    run.0,
                    end.ended.as_millisecond(),
                    end.reason.as_str(),
                    end.exit_code,
                    stored(end.add_requests),
                    stored(end.add_elapsed_ms),
                    directory,
                ],
            )
        })
    }

    /// Checks that what was recorded since the journal was opened is on disk as it was written, before anything is
    /// said of it.
    ///
    /// # Errors
    ///
    /// Another program has emptied or changed the log; the journal takes no more writes.
    pub fn expect_whole_log(&mut self) -> Result<(), JournalError> {
        let checked = self
            .record
            .expect_last_log()
            .and_then(|()| self.record.expect_whole_log());
        if let Err(error) = &checked {
            poison(&mut self.poison, error);
        }
        checked
    }

    /// Records how many requests a minute the account accepts, as sending a run has shown.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn record_limit(&mut self, run: RunId, per_minute: u32) -> Result<(), JournalError> {
        let sql = "UPDATE run SET learned_per_minute = ?2 WHERE id = ?1";
        self.update_run("recording the account's limit", run, |connection| {
            connection.execute(sql, params![run.0, per_minute])
        })
    }

    /// Records that a run continues: it has no end until [`Journal::end_run`] records one again.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn resume_run(&mut self, run: RunId) -> Result<(), JournalError> {
        let sql = "UPDATE run SET ended_ms = NULL, end_reason = NULL, exit_code = NULL
             WHERE id = ?1";
        self.update_run("resuming a run", run, |connection| {
            connection.execute(sql, [run.0])
        })
    }

    pub(super) fn update_run(
        &mut self,
        doing: &'static str,
        run: RunId,
        update: impl FnOnce(&Connection) -> rusqlite::Result<usize>,
    ) -> Result<(), JournalError> {
        let path = self.path.clone();
        self.transact(doing, |connection| match update(connection) {
            Ok(1) => Ok(()),
            Ok(_) => Err(JournalError::misused(&path, format!("no run {}", run.0))),
            Err(error) => Err(JournalError::sqlite(&path, doing, error)),
        })
    }

    /// Starts a run that sends the events with the selected outcomes again; returns `None` if there are none.
    ///
    /// Their results are removed, from this run's reports and from those of the earlier runs that had them.
    /// Their attempts are kept, so that [`super::Pending::is_maybe_recorded`] stays true.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn start_retry(
        &mut self,
        selection: &RetrySelection,
        now: Timestamp,
    ) -> Result<Option<RunId>, JournalError> {
        const DOING: &str = "recording a retry";
        let path = self.path.clone();
        let selected = selection.sql();
        let any = format!(
            "SELECT EXISTS (SELECT 1 FROM event WHERE {selected} AND {NOT_REPLACED} AND {NOT_SUPERSEDED})"
        );
        let any: rusqlite::Result<bool> = self
            .connection
            .query_row(&any, [], |row| row.get::<_, bool>(0));
        if !any.map_err(|error| self.failed(DOING, error))? {
            return Ok(None);
        }
        self.transact(DOING, |connection| {
            let new = NewRun {
                command: RunCommand::Retry,
                started: now,
            };
            insert_run(connection, &new)
                .and_then(|run| reset_results(connection, run, &selected).map(|()| Some(run)))
                .map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }
}

/// Gives the events with some outcomes to a run and removes their results.
fn reset_results(connection: &Connection, run: RunId, selected: &str) -> rusqlite::Result<()> {
    // With max(), SQLite takes the other columns from the row that has it.
    let events = format!(
        "INSERT INTO run_event (run, event, input, line)
         SELECT ?1, event, input, line FROM (
             SELECT event, max(run), input, line FROM run_event
             WHERE event IN
                 (SELECT id FROM event WHERE {selected} AND {NOT_REPLACED} AND {NOT_SUPERSEDED})
             GROUP BY event)"
    );
    connection.execute(&events, [run.0])?;
    connection.execute(
        "INSERT INTO run_total (run, plan_state, kind, currency, count, amount_cents)
         SELECT ?1, 'to_send', kind, coalesce(currency, ''), count(*), coalesce(sum(amount_cents), 0)
         FROM run_event JOIN event ON event.id = run_event.event
         WHERE run_event.run = ?1 GROUP BY kind, currency",
        [run.0],
    )?;
    connection.execute(
        // That less of it counts stays true of what is sent again as it was.
        "DELETE FROM flag WHERE code <> 'counts_less'
         AND event IN (SELECT event FROM run_event WHERE run = ?1)",
        [run.0],
    )?;
    connection.execute(
        "UPDATE event SET outcome = NULL, inferred = 0, http_status = NULL, message = NULL,
             settled_ms = NULL, api_event_id = NULL, promoter_email = NULL,
             promoter_ref_id = NULL, commission_cents = NULL, result_seal = NULL
         WHERE id IN (SELECT event FROM run_event WHERE run = ?1)",
        [run.0],
    )?;
    Ok(())
}

impl JournalReader {
    /// Returns the runs that have something left to send, oldest first. An event that two runs were started
    /// to send counts for both until it is settled; but a retry alone has what it sends again of a pruned run.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn unfinished_runs(&self) -> Result<Vec<RunId>, JournalError> {
        let is_pruned = if self.has_table("pruned_run")? {
            "re.run IN (SELECT run FROM pruned_run)"
        } else {
            "FALSE"
        };
        let sql = format!(
            "WITH left_to_send AS (
                 SELECT re.run, re.event, {is_pruned} AS is_pruned
                 FROM run_event re JOIN event e ON e.id = re.event WHERE e.outcome IS NULL)
             SELECT DISTINCT run FROM left_to_send
             WHERE NOT is_pruned
                OR event NOT IN (SELECT event FROM left_to_send WHERE NOT is_pruned)
             ORDER BY run"
        );
        let list = || -> rusqlite::Result<Vec<RunId>> {
            let mut statement = self.connection.prepare(&sql)?;
            let runs = statement.query_map([], |row| row.get(0).map(RunId))?;
            runs.collect()
        };
        list().map_err(|error| self.failed("looking for unfinished runs", error))
    }
}

const RECORDING: &str = "recording attempts";

/// Holds the statements that sending repeats, prepared once.
#[derive(Debug)]
pub struct DeliveryStatements<'j> {
    reader: &'j JournalReader,
    record: &'j mut CommitRecord,
    poison: &'j mut Option<String>,
    writer: EntryWriter<'j>,
    one: Statement<'j>,
}

impl DeliveryStatements<'_> {
    /// Puts all entries on disk, in their order and in one transaction.
    ///
    /// Intents must be on disk before their requests go out, and answers before they count. One call syncs
    /// once, so that many entries a call cost little more than one.
    ///
    /// # Errors
    ///
    /// None of the entries is certain to be on disk, and the journal takes no more writes. Among the reasons
    /// are an impossible entry (an attempt answered twice or settled twice) and a journal that is not at its
    /// path any more.
    pub fn write(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        if entries.is_empty() {
            return Ok(());
        }
        let written = self.write_all(entries);
        if let Err(error) = &written {
            poison(self.poison, error);
        }
        written
    }

    fn write_all(&mut self, entries: &[Entry]) -> Result<(), JournalError> {
        let transaction = start(self.reader, self.record, self.poison.as_deref(), RECORDING)?;
        let failed = |error| self.reader.failed(RECORDING, error);
        for entry in entries {
            if let Err(refused) = self.writer.write(entry).map_err(failed)? {
                return Err(JournalError::misused(&self.reader.path, refused));
            }
        }
        let counted = Commit::count(&mut self.writer.count).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        let intended = entries.iter().filter_map(|entry| match entry {
            Entry::Intent { event, .. } => Some(*event),
            _ => None,
        });
        self.record
            .committed(&self.reader.connection, counted, intended.max())
    }

    /// Reads events that a run has left to send, in the order in which they are asked for.
    ///
    /// # Errors
    ///
    /// The journal can't be read, or one of the events is settled or not the run's.
    pub fn pending(
        &mut self,
        run: RunId,
        events: &[EventRow],
    ) -> Result<Vec<Pending>, JournalError> {
        let failed = |error| self.reader.failed("reading an event", error);
        // One transaction for all: else each event would lock the journal and release it.
        let _together = self
            .reader
            .connection
            .unchecked_transaction()
            .map_err(failed)?;
        let mut all = Vec::with_capacity(events.len());
        for &event in events {
            let found = events::read_one(&mut self.one, run, event).map_err(failed)?;
            all.push(found.ok_or_else(|| {
                let what = format!("event {} is not to be sent by run {}", event.0, run.0);
                JournalError::misused(&self.reader.path, what)
            })?);
        }
        Ok(all)
    }
}

/// The reason why an entry is impossible.
type Refused = String;

#[derive(Debug)]
struct EntryWriter<'c> {
    intent: Statement<'c>,
    answer: Statement<'c>,
    settle: Statement<'c>,
    flag: Statement<'c>,
    count: Statement<'c>,
}

impl<'c> EntryWriter<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(EntryWriter {
            intent: connection.prepare(
                "INSERT INTO attempt (event, number, run, intended_ms, sent_event_id, sent_currency,
                     sent_digest, seal)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            )?,
            answer: connection.prepare(
                "UPDATE attempt SET answered_ms = ?3, answer = ?4, effect = ?5, http_status = ?6,
                     message = ?7, answer_seal = ?8
                 WHERE event = ?1 AND number = ?2 AND answer IS NULL",
            )?,
            settle: connection.prepare(SETTLE)?,
            flag: connection.prepare(flags::INSERT)?,
            count: Commit::prepare(connection)?,
        })
    }

    fn write(&mut self, entry: &Entry) -> rusqlite::Result<Result<(), Refused>> {
        match entry {
            Entry::Intent {
                event,
                number,
                run,
                at,
                carried,
            } => {
                let currency = |carried: &Carried| match carried.currency {
                    Some(currency) => currency.code(),
                    None => "",
                };
                self.intent.execute(params![
                    event.0,
                    number,
                    run.0,
                    at.as_millisecond(),
                    carried.map(|carried| carried.has_event_id),
                    carried.as_ref().map(currency),
                    carried.map(|carried| carried.digest),
                    attempts::seal(
                        *event,
                        *number,
                        run.0,
                        at.as_millisecond(),
                        carried.as_ref()
                    ),
                ])?;
                Ok(Ok(()))
            }
            Entry::Answer {
                event,
                number,
                at,
                answer,
                effect,
                http_status,
                message,
                settlement,
            } => {
                let said = SealedAnswer {
                    answered_ms: at.as_millisecond(),
                    answer,
                    effect: effect.as_str(),
                    http_status: *http_status,
                    message: message.as_deref().map(bounded),
                };
                match (self.answer(*event, *number, &said)?, settlement) {
                    (Ok(()), Some(settlement)) => self.settle(*event, settlement),
                    (answered, _) => Ok(answered),
                }
            }
            Entry::Flag { event, code } => {
                flags::insert(&mut self.flag, *event, *code)?;
                Ok(Ok(()))
            }
            Entry::Settle { event, settlement } => self.settle(*event, settlement),
        }
    }

    fn answer(
        &mut self,
        event: EventRow,
        number: u32,
        said: &SealedAnswer<'_>,
    ) -> rusqlite::Result<Result<(), Refused>> {
        let answered = self.answer.execute(params![
            event.0,
            number,
            said.answered_ms,
            said.answer,
            said.effect,
            said.http_status,
            said.message,
            said.seal(event, number),
        ])?;
        Ok(match answered {
            1 => Ok(()),
            _ => Err(format!(
                "attempt {number} of event {} does not wait for an answer",
                event.0
            )),
        })
    }

    fn settle(
        &mut self,
        event: EventRow,
        settlement: &Settlement,
    ) -> rusqlite::Result<Result<(), Refused>> {
        Ok(match execute_settle(&mut self.settle, event, settlement)? {
            1 => Ok(()),
            _ => Err(format!(
                "event {} does not exist or is settled already",
                event.0
            )),
        })
    }
}

const SETTLE: &str = "UPDATE event SET outcome = ?2, inferred = ?3, http_status = ?4, message = ?5,
         settled_ms = ?6, api_event_id = ?7, promoter_email = ?8, promoter_ref_id = ?9,
         commission_cents = ?10, result_seal = ?11
     WHERE id = ?1 AND outcome IS NULL";

fn execute_settle(
    statement: &mut Statement<'_>,
    event: EventRow,
    settlement: &Settlement,
) -> rusqlite::Result<usize> {
    let settlement = cut(settlement);
    statement.execute(params![
        event.0,
        settlement.outcome.as_str(),
        settlement.is_inferred,
        settlement.http_status,
        settlement.message,
        settlement.at.as_millisecond(),
        settlement.api_event_id,
        settlement.promoter_email,
        settlement.promoter_ref_id,
        settlement.commission_cents,
        result_seal(event, &settlement),
    ])
}

/// Settles an event that is left to send, and leaves any other one as it is.
pub(super) fn settle_where_left(
    connection: &Connection,
    event: EventRow,
    settlement: &Settlement,
) -> rusqlite::Result<usize> {
    execute_settle(&mut connection.prepare(SETTLE)?, event, settlement)
}

/// Returns a settlement as it is kept, with its texts cut.
fn cut(settlement: &Settlement) -> Settlement {
    let cut = |text: &Option<String>| text.as_deref().map(|text| bounded(text).to_owned());
    Settlement {
        message: cut(&settlement.message),
        api_event_id: cut(&settlement.api_event_id),
        promoter_email: cut(&settlement.promoter_email),
        promoter_ref_id: cut(&settlement.promoter_ref_id),
        ..settlement.clone()
    }
}
