//! Removes what is settled and old, and keeps everything that decides what is sent.
//!
//! Runs are pruned one by one, each whole. What stays of a pruned run is its own row, its exports and its events:
//! ids, amounts, customers, links and outcomes are kept for good, and so is what was learned of invoices, plans,
//! uids and further ids. What goes is what only reports have: rows without events, attempts whose answers are known,
//! held events that came to something, figures and problems.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::columns::{Millis, Seal, expect_seal};
use super::{Journal, JournalError, JournalReader, RunId, poison};
use crate::problem::ProblemCode;

const DOING: &str = "removing what is settled and old";
const GIVING_BACK: &str = "giving its free space back";

/// The SQL condition for events `e` with an outcome that needs nobody: with it, nothing is sent again by itself. It is
/// false, and not unknown, for an event that is still to be sent.
const SETTLED_WELL: &str = "e.outcome IS NOT NULL
     AND (e.outcome = 'tracked' OR e.outcome = 'already_tracked' OR e.outcome = 'non_referral')
     AND e.id NOT IN (SELECT event FROM flag)";

/// Counts what was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// The runs whose details were removed.
    pub runs: u64,
    /// The attempts of their events.
    pub attempts: u64,
    /// The rows of their exports that gave no event.
    pub rows: u64,
    /// The events that they held.
    pub held: u64,
    /// The problems of their plans.
    pub problems: u64,
}

/// Describes a run whose details were removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrunedRun {
    /// The time when they were removed.
    pub at: Timestamp,
}

fn seal(run: RunId, at_ms: i64, by: &str) -> i64 {
    let mut seal = Seal::numbered(run.0);
    seal.integer(Some(at_ms));
    seal.bytes(by.as_bytes());
    seal.value()
}

impl JournalReader {
    /// Returns the runs whose details were removed.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn pruned_runs(&self) -> Result<HashMap<RunId, PrunedRun>, JournalError> {
        let mut runs = HashMap::new();
        if !self.has_table("pruned_run")? {
            return Ok(runs);
        }
        let sql = "SELECT run, pruned_ms, pruned_by, seal FROM pruned_run";
        self.each("reading which runs were pruned", sql, [], |row| {
            let run = RunId(row.get(0)?);
            let (at_ms, by): (i64, String) = (row.get(1)?, row.get(2)?);
            expect_seal(row, 3, seal(run, at_ms, &by), || {
                format!("when run {} was pruned", run.0)
            })?;
            let at = row.get::<_, Millis>(1)?.0;
            runs.insert(run, PrunedRun { at });
            Ok(())
        })?;
        Ok(runs)
    }

    /// Returns the runs that ended before an instant and have nothing that is open, the oldest first. `open` are the
    /// runs that have something else that is. The latest run, and the latest one over exports, are never among them.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn prunable_runs(
        &self,
        before: Timestamp,
        open: &HashSet<RunId>,
    ) -> Result<Vec<RunId>, JournalError> {
        let pruned = self.pruned_runs()?;
        let latest: Vec<RunId> = [self.latest_run()?, self.latest_run_of_exports()?]
            .into_iter()
            .flatten()
            .map(|run| run.id)
            .collect();
        let mut runs = Vec::new();
        let sql = format!(
            "SELECT id FROM run WHERE ended_ms < ?1 AND started_ms < ?1
             AND id NOT IN (
                 SELECT re.run FROM run_event re JOIN event e ON e.id = re.event
                 WHERE NOT ({SETTLED_WELL}) AND e.id NOT IN (SELECT event FROM mended))
             ORDER BY id"
        );
        self.each(DOING, &sql, [before.as_millisecond()], |row| {
            let run = RunId(row.get(0)?);
            if !pruned.contains_key(&run) && !open.contains(&run) && !latest.contains(&run) {
                runs.push(run);
            }
            Ok(())
        })?;
        Ok(runs)
    }

    /// Returns how many bytes of the file are in use, and how many are free for what is written next.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn space(&self) -> Result<(u64, u64), JournalError> {
        let read = |sql: &str| -> Result<u64, JournalError> {
            let found = self
                .connection
                .query_row(sql, [], |row| row.get::<_, i64>(0))
                .map_err(|error| self.failed("looking for its size", error))?;
            Ok(u64::try_from(found).unwrap_or_default())
        };
        let page = read("PRAGMA page_size")?;
        let (pages, free) = (read("PRAGMA page_count")?, read("PRAGMA freelist_count")?);
        Ok((pages.saturating_sub(free) * page, free * page))
    }
}

impl Journal {
    /// Removes the details of these runs, which [`JournalReader::prunable_runs`] has to have found, in one transaction.
    ///
    /// # Errors
    ///
    /// The journal can't be written; then nothing was removed.
    pub fn prune(
        &mut self,
        runs: &[RunId],
        by: &str,
        now: Timestamp,
    ) -> Result<Pruned, JournalError> {
        if runs.is_empty() {
            return Ok(Pruned::default());
        }
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            prune_in(connection, runs, by, now)
                .map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }

    /// Writes the database without its free pages, so that the file gets smaller. A kill leaves it as it was or as
    /// it will be; it takes as much room again for a while.
    ///
    /// # Errors
    ///
    /// The journal can't be written, or there is no room: it is as it was then, and takes no more writes before it is
    /// opened again.
    pub fn give_space_back(&mut self) -> Result<(), JournalError> {
        let given = self.record.rewrite(&self.reader.connection, GIVING_BACK);
        if let Err(error) = &given {
            poison(&mut self.poison, error);
        }
        given
    }
}

fn prune_in(
    connection: &Connection,
    runs: &[RunId],
    by: &str,
    now: Timestamp,
) -> rusqlite::Result<Pruned> {
    let mut mark = connection.prepare(
        "INSERT INTO pruned_run (run, pruned_ms, pruned_by, seal) VALUES (?1, ?2, ?3, ?4)",
    )?;
    let at_ms = now.as_millisecond();
    for &run in runs {
        mark.execute(params![run.0, at_ms, by, seal(run, at_ms, by)])?;
    }
    let remove = |sql: &str| -> rusqlite::Result<u64> {
        Ok(u64::try_from(connection.execute(sql, [])?).unwrap_or(u64::MAX))
    };
    // Only attempts of which nothing is open: a lost answer says more than its event's outcome.
    let attempts = remove(&format!(
        "DELETE FROM attempt WHERE event IN (
             SELECT e.id FROM event e WHERE {SETTLED_WELL}
             AND e.id NOT IN (SELECT event FROM in_doubt)
             AND e.id NOT IN (
                 SELECT event FROM run_event WHERE run NOT IN (SELECT run FROM pruned_run))
             AND (e.outcome <> 'non_referral' OR e.id NOT IN (
                 SELECT event FROM attempt WHERE effect IS NULL OR effect = 'unknown')))"
    ))?;
    let rows = remove("DELETE FROM source_row WHERE run IN (SELECT run FROM pruned_run)")?;
    // A sale that is still held decides about its invoice, by the latest place where it was held.
    let held = remove(
        "DELETE FROM held WHERE run IN (SELECT run FROM pruned_run) AND id NOT IN (
             SELECT max(h.id) FROM held h JOIN input i ON i.id = h.input
             WHERE h.kind = 'sale' AND h.plan_state = 'unlinked'
             AND h.event_id NOT IN (SELECT event_id FROM event WHERE kind = 'sale')
             GROUP BY h.event_id, i.profile)",
    )?;
    // Of what an earlier version left out with a warning only that warning is kept, and audits count it.
    let problems = remove(&format!(
        "DELETE FROM problem WHERE run IN (SELECT run FROM pruned_run)
         AND (run NOT IN (SELECT run FROM left_out_before) OR code <> '{}' AND code <> '{}')",
        ProblemCode::RowIgnored.as_str(),
        ProblemCode::NoCustomer.as_str()
    ))?;
    for table in [
        "met_event",
        "run_total",
        "skipped_export",
        "run_options",
        "repeated_rows",
    ] {
        remove(&format!(
            "DELETE FROM {table} WHERE run IN (SELECT run FROM pruned_run)"
        ))?;
    }
    remove(
        "DELETE FROM read_export WHERE run IN
             (SELECT name FROM run WHERE id IN (SELECT run FROM pruned_run))",
    )?;
    Ok(Pruned {
        runs: runs.len() as u64,
        attempts,
        rows,
        held,
        problems,
    })
}
