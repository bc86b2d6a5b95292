//! Keeps which events that the API refused are in the journal again with another content.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, params};

use super::columns::{self, EventColumns, Seal, expect_seal};
use super::{EventRow, JournalError, JournalReader};
use crate::event::EventKey;

/// The SQL condition for events without a corrected one. It is only for journals that have the table.
pub(super) const NOT_REPLACED: &str = "event.id NOT IN (SELECT event FROM mended)";

/// The SQL condition for events but refunds that were recorded before their sale was asked again: a later event
/// has what they reversed.
pub(super) const NOT_SUPERSEDED: &str = "NOT (event.kind = 'refund' AND EXISTS (
    SELECT 1 FROM mended JOIN event AS sale ON sale.id = mended.event
    WHERE sale.event_id = event.sale_event_id AND mended.by_event > event.id))";

const RUNNING_TOTALS: &str = "looking for refunds that went out again";

pub(super) fn insert(
    connection: &Connection,
    refused: EventRow,
    by: EventRow,
) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO mended (event, by_event, seal) VALUES (?1, ?2, ?3)",
        params![refused.0, by.0, seal(refused, by)],
    )
}

fn seal(refused: EventRow, by: EventRow) -> i64 {
    let mut seal = Seal::new(refused);
    seal.integer(Some(by.0));
    seal.value()
}

impl JournalReader {
    pub(super) fn has_replaced(&self) -> Result<bool, JournalError> {
        self.has_table("mended")
    }

    /// Returns the events that have a corrected one, each with that.
    pub(crate) fn replaced(&self) -> Result<HashMap<EventRow, EventRow>, JournalError> {
        let mut corrected = HashMap::new();
        if self.has_replaced()? {
            let sql = "SELECT event, by_event, seal FROM mended";
            self.each("reading what was corrected", sql, [], |row| {
                let (refused, by) = (EventRow(row.get(0)?), EventRow(row.get(1)?));
                expect_seal(row, 2, seal(refused, by), || {
                    format!("how event {} was corrected", refused.0)
                })?;
                corrected.insert(refused, by);
                Ok(())
            })?;
        }
        Ok(corrected)
    }

    /// Returns the events of which nothing is to be expected at the API any more: those that have a corrected one,
    /// and the parts of a running total of refunds that went out whole when its sale was asked again.
    pub(crate) fn of_no_account(&self) -> Result<HashSet<EventRow>, JournalError> {
        let mut of_no_account: HashSet<EventRow> = self.replaced()?.into_keys().collect();
        let asked_again = self.sales_asked_again()?;
        if asked_again.is_empty() {
            return Ok(of_no_account);
        }
        let mut totals: HashMap<EventKey, Vec<(EventRow, i64)>> = HashMap::new();
        let sql = format!(
            "SELECT id, key, seal, {} FROM event
             WHERE kind = 'refund' AND refund_total_cents IS NOT NULL",
            columns::names()
        );
        self.each(RUNNING_TOTALS, &sql, [], |row| {
            let (refund, _, columns) = EventColumns::read_sealed(row, 0)?;
            let essence = columns.essence();
            if let Some((sale, cents)) = essence.sale.zip(essence.refund_total_cents)
                && asked_again.contains_key(&sale)
            {
                totals.entry(sale).or_default().push((refund, cents));
            }
            Ok(())
        })?;
        for (sale, refunds) in totals {
            let by = asked_again[&sale];
            let has_it = |part: i64| refunds.iter().any(|&(row, all)| row > by && all >= part);
            let before = refunds.iter().filter(|(row, _)| *row < by);
            let parts = before.filter(|(_, cents)| has_it(*cents));
            of_no_account.extend(parts.map(|(row, _)| *row));
        }
        Ok(of_no_account)
    }

    /// Returns the latest event of each sale that was asked again.
    fn sales_asked_again(&self) -> Result<HashMap<EventKey, EventRow>, JournalError> {
        let mut asked_again: HashMap<EventKey, EventRow> = HashMap::new();
        if self.has_replaced()? {
            let sql = "SELECT sale.key, mended.by_event FROM mended
                 JOIN event AS sale ON sale.id = mended.event WHERE sale.kind = 'sale'";
            self.each(RUNNING_TOTALS, sql, [], |row| {
                let by = EventRow(row.get(1)?);
                let latest = asked_again.entry(EventKey(row.get(0)?)).or_insert(by);
                *latest = by.max(*latest);
                Ok(())
            })?;
        }
        Ok(asked_again)
    }
}
