//! Keeps which runs sent sales as commissions of known referrals. Nothing says that the API recognises such a sale when it is
//! sent again, so that one whose answer was lost is looked up, also by a run that sends sales by their tracking calls.

use std::collections::HashSet;

use rusqlite::params;

use super::columns::{Seal, expect_seal};
use super::{EventRow, Journal, JournalError, JournalReader, RunId};

fn seal(run: i64) -> i64 {
    let mut seal = Seal::numbered(run);
    seal.bytes(b"commissions");
    seal.value()
}

impl Journal {
    /// Records that a run sends sales as commissions, before the first of them.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(crate) fn record_commission_run(&mut self, run: RunId) -> Result<(), JournalError> {
        const DOING: &str = "recording how sales are sent";
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            let sql = "INSERT OR IGNORE INTO commission_run (run, seal) VALUES (?1, ?2)";
            let written = connection.execute(sql, params![run.0, seal(run.0)]);
            written
                .map(drop)
                .map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }
}

impl JournalReader {
    /// Returns the runs that sent sales as commissions.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(super) fn commission_runs(&self) -> Result<HashSet<i64>, JournalError> {
        let mut runs = HashSet::new();
        if !self.has_table("commission_run")? {
            return Ok(runs);
        }
        let sql = "SELECT run, seal FROM commission_run";
        self.each("reading how sales were sent", sql, [], |row| {
            let run = row.get(0)?;
            expect_seal(row, 1, seal(run), || format!("how run {run} sent sales"))?;
            runs.insert(run);
            Ok(())
        })?;
        Ok(runs)
    }

    /// Returns the sales that a run has left to send, and that may be recorded by a request for a commission whose answer
    /// was lost.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn sales_maybe_commissions(
        &self,
        run: RunId,
    ) -> Result<HashSet<EventRow>, JournalError> {
        let runs = self.commission_runs()?;
        let mut sales = HashSet::new();
        if runs.is_empty() {
            return Ok(sales);
        }
        let sql = "SELECT a.event, a.run FROM run_event re CROSS JOIN event e ON e.id = re.event
             CROSS JOIN attempt a ON a.event = e.id
             WHERE re.run = ?1 AND e.kind = 'sale' AND e.outcome IS NULL
             AND (a.effect IS NULL OR a.effect <> 'none')";
        self.each("looking for lost answers", sql, [run.0], |row| {
            if runs.contains(&row.get(1)?) {
                sales.insert(EventRow(row.get(0)?));
            }
            Ok(())
        })?;
        Ok(sales)
    }

    /// Returns the sales that a run has left to send, and that belong to a run which sent sales as commissions.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn sales_of_commission_runs(
        &self,
        run: RunId,
    ) -> Result<HashSet<EventRow>, JournalError> {
        const DOING: &str = "looking for sales with days";
        let runs = self.commission_runs()?;
        let mut sales = HashSet::new();
        let mut dated = HashSet::new();
        let sql = "SELECT e.id FROM run_event re CROSS JOIN event e ON e.id = re.event
             WHERE re.run = ?1 AND e.kind = 'sale' AND e.outcome IS NULL
             AND e.created_at_ms IS NOT NULL";
        for of in runs {
            self.each(DOING, sql, [of], |row| {
                dated.insert(EventRow(row.get(0)?));
                Ok(())
            })?;
        }
        self.each(DOING, sql, [run.0], |row| {
            let sale = EventRow(row.get(0)?);
            if dated.contains(&sale) {
                sales.insert(sale);
            }
            Ok(())
        })?;
        Ok(sales)
    }
}
