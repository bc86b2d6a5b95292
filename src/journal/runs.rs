//! Reads runs: their exports and books, what they held, and the problems of their plans.

use jiff::Timestamp;
use rusqlite::{Params, Row, params};

use super::columns::{
    self, EventColumns, Millis, Seal, StoredCurrency, StoredWord, expect_seal_if_kept, impossible,
    read_money,
};
use super::corrected::NOT_REPLACED;
use super::place::place_of_directory;
use super::read::{count, source, source_or_none};
use super::{
    Disposition, EventRow, HeldRecord, InputRecord, Journal, JournalError, JournalReader,
    OutcomeTallies, PlanTotal, ReasonCount, RowRecord, RunCommand, RunId, RunRecord,
};
use crate::event::{Details, EventKey, Text};
use crate::problem::{Problem, ProblemCode};

/// Holds the sums of the sales that were tracked with a commission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TrackedSales {
    /// The number of sales.
    pub sales: u64,
    /// The sum of their amounts, in minor units of their currency.
    pub amount_cents: i64,
    /// Their commissions, in minor units of the account's currency.
    pub commission_cents: i64,
}

impl JournalReader {
    /// Returns a run with its exports and totals.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn run(&self, run: RunId) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.list_runs("WHERE id = ?1", [run.0])?.pop())
    }

    /// Returns the run with a name.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn run_named(&self, name: &str) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.list_runs("WHERE name = ?1", [name])?.pop())
    }

    /// Returns the run that was started last.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn latest_run(&self) -> Result<Option<RunRecord>, JournalError> {
        Ok(self.runs(1)?.pop())
    }

    /// Returns when the journal's first run began, if FirstPromoter had all sales of referrals of the first run that has any
    /// before: then the journal is new, and the account is not.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn begun_after_account(&self) -> Result<Option<Timestamp>, JournalError> {
        const DOING: &str = "looking for the first run";
        let mut first: Option<i64> = None;
        let sql = "SELECT re.run FROM run_event re CROSS JOIN event e ON e.id = re.event
             WHERE e.kind = 'sale' AND e.outcome IN ('tracked', 'already_tracked')
             ORDER BY re.run LIMIT 1";
        self.each(DOING, sql, [], |row| {
            first = Some(row.get(0)?);
            Ok(())
        })?;
        let mut begun = None;
        let sql = "SELECT (SELECT min(started_ms) FROM run) WHERE NOT EXISTS
             (SELECT 1 FROM run_event re CROSS JOIN event e ON e.id = re.event
              WHERE re.run = ?1 AND e.kind = 'sale' AND e.outcome = 'tracked')";
        if let Some(first) = first {
            self.each(DOING, sql, [first], |row| {
                begun = row.get::<_, Option<Millis>>(0)?.map(|at| at.0);
                Ok(())
            })?;
        }
        Ok(begun)
    }

    /// Returns the latest date of the sales of the first runs, up to the first one with a sale that the API did not have
    /// before, or when the first run began if none has a date: until then the journal catches up, and what is older belongs
    /// to the time before it. `None` if the journal has no sale. Pruning keeps what this needs.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn caught_up_until(&self) -> Result<Option<Timestamp>, JournalError> {
        const DOING: &str = "looking for the sales of the first runs";
        let mut latest = None;
        let sql = "SELECT coalesce(max(e.created_at_ms), (SELECT min(started_ms) FROM run)) FROM run_event re CROSS JOIN event e ON e.id = re.event
             WHERE e.kind = 'sale' AND re.run <= coalesce(
                 (SELECT re.run FROM run_event re CROSS JOIN event e ON e.id = re.event
                  WHERE e.kind = 'sale' AND e.outcome = 'tracked' ORDER BY re.run LIMIT 1), 9223372036854775807)";
        self.each(DOING, sql, [], |row| {
            latest = row.get::<_, Option<Millis>>(0)?.map(|at| at.0);
            Ok(())
        })?;
        Ok(latest)
    }

    /// Goes through the sales of which a refund was sent and answered, by their keys, and says for each whether that was a running
    /// total.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn for_each_refunded_sale(
        &self,
        mut each: impl FnMut(EventKey, bool),
    ) -> Result<(), JournalError> {
        let sql = "SELECT sale_event_id, refund_total_cents IS NOT NULL FROM event WHERE kind = 'refund'
             AND sale_event_id IS NOT NULL AND outcome IN ('tracked', 'already_tracked') AND inferred = 0";
        self.each("looking for refunds", sql, [], |row| {
            each(EventKey::from_id(row.get_ref(0)?.as_str()?), row.get(1)?);
            Ok(())
        })
    }

    /// Returns the latest run over exports, even if it had to read none of them again.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn latest_run_of_exports(&self) -> Result<Option<RunRecord>, JournalError> {
        let skipped = if self.has_table("skipped_export")? {
            "UNION SELECT run FROM skipped_export"
        } else {
            ""
        };
        let which =
            format!("WHERE id IN (SELECT run FROM input {skipped}) ORDER BY id DESC LIMIT 1");
        Ok(self.list_runs(&which, [])?.pop())
    }

    /// Returns the last runs, the latest first.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
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
                 elapsed_ms, report_dir, learned_per_minute
             FROM run {which}"
        );
        let mut runs = Vec::new();
        self.each("reading the runs", &sql, parameters, |row| {
            runs.push(read_run(row)?);
            Ok(())
        })?;
        let undos = self.undos()?;
        for run in &mut runs {
            if let Some(undo) = undos.get(&run.id) {
                run.command = RunCommand::Undo;
                run.undoes = Some(undo.undone);
                run.account_check = undo.account_check.clone();
            }
            run.inputs = self.inputs(run.id)?;
            run.skipped = self.skipped_exports(run.id)?;
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

    /// Returns the profiles by which exports with this header were read.
    pub(crate) fn profiles_of_header(
        &self,
        header: &[String],
    ) -> Result<Vec<String>, JournalError> {
        let sql = "SELECT DISTINCT profile FROM input WHERE header = ?1";
        let mut profiles = Vec::new();
        let header = super::columns::json(header);
        self.each("reading earlier exports", sql, [header], |row| {
            profiles.push(row.get(0)?);
            Ok(())
        })?;
        Ok(profiles)
    }

    fn plan_totals(&self, run: RunId) -> Result<Vec<PlanTotal>, JournalError> {
        let sql = "SELECT plan_state, kind, currency, count, amount_cents
             FROM run_total WHERE run = ?1 ORDER BY plan_state, kind, currency";
        let mut totals = Vec::new();
        self.each("reading a run's totals", sql, [run.0], |row| {
            totals.push(PlanTotal {
                state: row.get::<_, StoredWord<_>>(0)?.0,
                kind: row.get::<_, StoredWord<_>>(1)?.0,
                currency: row.get::<_, StoredCurrency>(2)?.0,
                count: count(row, 3)?,
                amount_cents: row.get(4)?,
            });
            Ok(())
        })?;
        Ok(totals)
    }

    /// Returns the outcomes of the events that a run was started to send, as the journal has them now: a
    /// later retry of an event shows in the earlier run as well.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn outcomes(&self, run: RunId) -> Result<OutcomeTallies, JournalError> {
        let from = "run_event JOIN event ON event.id = run_event.event WHERE run_event.run = ?1";
        self.outcome_totals(from, [run.0])
    }

    /// Returns the sums of all events of the journal, by outcome. For events that were corrected it counts
    /// the corrected ones.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn state_counts(&self) -> Result<OutcomeTallies, JournalError> {
        if self.has_replaced()? {
            self.outcome_totals(&format!("event WHERE {NOT_REPLACED}"), [])
        } else {
            self.outcome_totals("event", [])
        }
    }

    pub(super) fn outcome_totals(
        &self,
        from: &str,
        parameters: impl Params,
    ) -> Result<OutcomeTallies, JournalError> {
        // They are added up here: SQLite would sort all events to do so.
        let sql = format!("SELECT outcome, kind, amount_cents, currency FROM {from}");
        let mut tallies = OutcomeTallies::new();
        self.each("counting outcomes", &sql, parameters, |row| {
            let outcome: Option<StoredWord<_>> = row.get(0)?;
            let tally = tallies.entry(outcome.map(|word| word.0)).or_default();
            tally.add(row.get::<_, StoredWord<_>>(1)?.0, read_money(row, 2)?);
            Ok(())
        })?;
        Ok(tallies)
    }

    /// Streams the events that a run held, in the order in which they were recorded.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; or what `each` returns.
    pub fn for_each_held<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(HeldRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "SELECT {} FROM held h LEFT JOIN input i ON i.id = h.input WHERE h.run = ?1 ORDER BY h.id",
            held_columns()
        );
        self.stream("reading held events", &sql, [run.0], read_held, &mut each)
    }

    /// Streams the rows of a run's exports that gave no event.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; or what `each` returns.
    pub fn for_each_row<E: From<JournalError>>(
        &self,
        run: RunId,
        disposition: Disposition,
        mut each: impl FnMut(RowRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = format!(
            "SELECT {SOURCE_ROW} FROM source_row r JOIN input i ON i.id = r.input
             WHERE r.run = ?1 AND r.disposition = ?2 ORDER BY r.id"
        );
        let parameters = params![run.0, disposition.as_str()];
        let doing = "reading rows without events";
        self.stream(doing, &sql, parameters, read_source_row, &mut each)
    }

    /// Returns how many rows gave no event, by reason; the most frequent first.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
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
        if disposition == Disposition::Ignored {
            for (reason, rows) in self.repeated_reasons(run.0)? {
                match reasons.iter_mut().find(|known| known.reason == reason) {
                    Some(known) => known.rows += rows,
                    None => reasons.push(ReasonCount { reason, rows }),
                }
            }
            reasons.sort_by(|a, b| b.rows.cmp(&a.rows).then_with(|| a.reason.cmp(&b.reason)));
        }
        Ok(reasons)
    }

    /// Adds up the sales of one currency that the API tracked with a commission.
    pub fn tracked_sales(&self, currency: &str) -> Result<TrackedSales, JournalError> {
        let sql =
            "SELECT count(*), coalesce(sum(amount_cents), 0), coalesce(sum(commission_cents), 0)
             FROM event WHERE kind = 'sale' AND outcome = 'tracked' AND currency = ?1
               AND commission_cents IS NOT NULL";
        let mut sums = TrackedSales::default();
        self.each("adding up commissions", sql, [currency], |row| {
            sums = TrackedSales {
                sales: count(row, 0)?,
                amount_cents: row.get(1)?,
                commission_cents: row.get(2)?,
            };
            Ok(())
        })?;
        Ok(sums)
    }

    /// Streams the problems of a run's plan, in the order in which they were recorded.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; or what `each` returns.
    pub fn for_each_problem<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(Problem) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = "SELECT severity, code, file, line, column_name, value, message, hint
             FROM problem WHERE run = ?1 ORDER BY id";
        self.stream("reading problems", sql, [run.0], read_problem, &mut each)
    }
}

impl JournalReader {
    /// Returns the options that a run was started with, in the words of whoever recorded them.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn options_of(&self, run: RunId) -> Result<Option<String>, JournalError> {
        let mut options = None;
        if self.has_table("run_options")? {
            let sql = "SELECT options FROM run_options WHERE run = ?1";
            self.each("reading a run's options", sql, [run.0], |row| {
                options = Some(row.get(0)?);
                Ok(())
            })?;
        }
        Ok(options)
    }
}

impl Journal {
    /// Records the options that a run was started with, for commands that lead to the same journal and account.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn record_options(&mut self, run: RunId, options: &str) -> Result<(), JournalError> {
        let sql = "INSERT OR REPLACE INTO run_options (run, options) VALUES (?1, ?2)";
        self.update_run("recording a run's options", run, |connection| {
            connection.execute(sql, params![run.0, options])
        })
    }
}

/// Returns the columns of a row of `held` (`h`) and of its export (`i`).
pub(super) fn held_columns() -> String {
    let names = columns::names();
    format!(
        "h.plan_state, i.ordinal, i.path, h.line, h.candidates, {names}, h.run, h.input, h.seal"
    )
}

/// The column of the run, of those that [`held_columns`] names.
pub(super) const RUN_OF_HELD: usize = 5 + columns::COUNT;

/// Returns the checksum of an event that a run holds.
pub(super) fn held_seal(
    (run, input, line): (i64, Option<i64>, Option<i64>),
    state: &str,
    candidates: Option<&str>,
    columns: &EventColumns<'_>,
) -> i64 {
    let mut seal = Seal::numbered(run);
    seal.integer(input);
    seal.integer(line);
    seal.bytes(state.as_bytes());
    seal.text(candidates);
    let key = EventKey::from_id(columns.event_id());
    seal.integer(Some(columns.seal(EventRow(0), key)));
    seal.value()
}

/// Reads [`held_columns`], and checks the seal; rows of earlier versions have none.
pub(super) fn read_held(row: &Row<'_>) -> rusqlite::Result<HeldRecord> {
    let columns = EventColumns::read(row, 5)?;
    let candidates: Option<String> = row.get(4)?;
    let run = row.get(RUN_OF_HELD)?;
    let place = (run, row.get(RUN_OF_HELD + 1)?, row.get(3)?);
    let state = row.get_ref(0)?.as_str()?;
    let seal = held_seal(place, state, candidates.as_deref(), &columns);
    expect_seal_if_kept(row, RUN_OF_HELD + 2, seal, || {
        format!("event `{}`, held by run {run},", columns.event_id())
    })?;
    let mut event = columns.to_event(None, source_or_none(row, 1, 3)?);
    event.set_details(Details {
        candidates: candidates.map(Text::from),
        ..event.details().clone()
    });
    Ok(HeldRecord {
        state: row.get::<_, StoredWord<_>>(0)?.0,
        event,
        file: row.get(2)?,
    })
}

/// The columns of a row of `source_row` (`r`) and of its export (`i`).
pub(super) const SOURCE_ROW: &str =
    "i.ordinal, i.path, r.line, r.reason, r.fields, r.disposition, r.run, r.input, r.seal";

/// Holds the columns of a row that gave no event, as they are stored.
pub(super) struct SourceColumns<'c> {
    pub(super) run: i64,
    pub(super) input: i64,
    pub(super) line: i64,
    pub(super) disposition: &'c str,
    pub(super) reason: &'c str,
    pub(super) fields: &'c str,
}

impl SourceColumns<'_> {
    pub(super) fn seal(&self) -> i64 {
        let mut seal = Seal::numbered(self.run);
        seal.integer(Some(self.input));
        seal.integer(Some(self.line));
        for text in [self.disposition, self.reason, self.fields] {
            seal.bytes(text.as_bytes());
        }
        seal.value()
    }
}

/// Reads [`SOURCE_ROW`], and checks the seal; rows of earlier versions have none.
pub(super) fn read_source_row(row: &Row<'_>) -> rusqlite::Result<RowRecord> {
    let columns = SourceColumns {
        run: row.get(6)?,
        input: row.get(7)?,
        line: row.get(2)?,
        disposition: row.get_ref(5)?.as_str()?,
        reason: row.get_ref(3)?.as_str()?,
        fields: row.get_ref(4)?.as_str()?,
    };
    expect_seal_if_kept(row, 8, columns.seal(), || {
        format!("row {} of an export of run {}", columns.line, columns.run)
    })?;
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
        severity: row.get::<_, StoredWord<_>>(0)?.0,
        code: ProblemCode::from_word(row.get_ref(1)?.as_str()?),
        file: row.get(2)?,
        line: line.map(|_| count(row, 3)).transpose()?,
        column: row.get(4)?,
        is_setting: false,
        value: row.get(5)?,
        message: row.get(6)?,
        hint: row.get(7)?,
    })
}

fn read_run(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        name: row.get(1)?,
        command: row.get::<_, StoredWord<_>>(2)?.0,
        started: row.get::<_, Millis>(3)?.0,
        ended: row.get::<_, Option<Millis>>(4)?.map(|at| at.0),
        reason: row.get::<_, Option<StoredWord<_>>>(5)?.map(|word| word.0),
        exit_code: row.get(6)?,
        requests: count(row, 7)?,
        elapsed_ms: count(row, 8)?,
        report_dir: row.get(9)?,
        learned_per_minute: row.get(10)?,
        inputs: Vec::new(),
        skipped: Vec::new(),
        totals: Vec::new(),
        undoes: None,
        account_check: None,
    })
}

fn cells(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    let json: String = row.get(column)?;
    serde_json::from_str(&json).map_err(|error| impossible(column, error.to_string()))
}
