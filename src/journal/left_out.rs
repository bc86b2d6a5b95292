//! Keeps the rows that were ignored with a warning: each may have been an event.
//!
//! A row that later exports have again is kept once, with its latest place. It is open until a later run reads that export
//! without it, or until somebody accepts it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Statement, params};

use super::columns::{Seal, expect_seal, json, read_money};
use super::repeated_rows::{ExportKind, RowContent};
use super::{
    AttentionCode, Item, ItemId, JournalError, JournalReader, RowRecord, RunId, RunRecord, stored,
};
use crate::event::Money;

/// Holds a row that was ignored with a warning, with the latest run that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeftOutRow {
    /// The row as a person accepts it.
    pub(crate) item: Item,
    /// The latest run that has it.
    pub(crate) run: RunId,
    /// The number of rows with this content in that run.
    pub(crate) rows: u64,
}

/// The columns of a row that was left out, as they are stored.
struct LeftOutColumns<'c> {
    content: [u8; 16],
    run: i64,
    input: i64,
    line: i64,
    rows: i64,
    money: Option<Money>,
    reason: &'c str,
}

impl LeftOutColumns<'_> {
    fn seal(&self) -> i64 {
        let mut seal = Seal::numbered(self.run);
        seal.bytes(&self.content);
        seal.integer(Some(self.input));
        seal.integer(Some(self.line));
        seal.integer(Some(self.rows));
        seal.integer(self.money.map(|money| money.amount_cents));
        seal.text(self.money.map(|money| money.currency.code()));
        seal.bytes(self.reason.as_bytes());
        seal.value()
    }
}

/// Holds the statements that keep rows that were left out.
#[derive(Debug)]
pub(super) struct LeftOutStatements<'c> {
    known: Statement<'c>,
    insert: Statement<'c>,
}

impl<'c> LeftOutStatements<'c> {
    pub(super) fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(LeftOutStatements {
            known: connection
                .prepare("SELECT rows FROM left_out_row WHERE content = ?1 AND run = ?2")?,
            insert: connection.prepare(
                "INSERT OR REPLACE INTO left_out_row
                     (content, run, input, line, rows, amount_cents, currency, reason, seal)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?,
        })
    }

    /// Keeps a row of a run that was left out, in the place of one with the same content.
    pub(super) fn insert(
        &mut self,
        run: RunId,
        (input, line): (i64, u64),
        (content, reason): (RowContent, &str),
        money: Option<Money>,
    ) -> rusqlite::Result<usize> {
        let content = content.bytes();
        let known: Option<i64> = self
            .known
            .query_row(params![content, run.0], |row| row.get(0))
            .optional()?;
        let row = LeftOutColumns {
            content,
            run: run.0,
            input,
            line: stored(line),
            rows: known.unwrap_or_default() + 1,
            money,
            reason,
        };
        self.insert.execute(params![
            row.content,
            row.run,
            row.input,
            row.line,
            row.rows,
            row.money.map(|money| money.amount_cents),
            row.money.map(|money| money.currency.code()),
            row.reason,
            row.seal(),
        ])
    }
}

/// Returns the identity of an ignored row of a run, by the profile and the header of its export, its reason and its cells.
pub(crate) fn left_out_id(run: &RunRecord, record: &RowRecord) -> Option<ItemId> {
    let input = run.inputs.get(record.source.input)?;
    let kind = ExportKind::new(&input.profile, &json(&input.header));
    let content = RowContent::new(&kind, &record.reason, &json(&record.fields));
    Some(ItemId(content.bytes()))
}

impl JournalReader {
    /// Returns the rows that were ignored with a warning, each once.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn left_out_rows(&self) -> Result<Vec<LeftOutRow>, JournalError> {
        const DOING: &str = "reading rows that were left out";
        let mut found = Vec::new();
        if !self.has_table("left_out_row")? {
            return Ok(found);
        }
        let mut paths: HashMap<i64, String> = HashMap::new();
        self.each(DOING, "SELECT id, path FROM input", [], |row| {
            paths.insert(row.get(0)?, row.get(1)?);
            Ok(())
        })?;
        let sql = "SELECT content, run, input, line, rows, amount_cents, currency, reason, seal
             FROM left_out_row ORDER BY run, input, line, content";
        self.each(DOING, sql, [], |row| {
            let reason: String = row.get(7)?;
            let columns = LeftOutColumns {
                content: row.get(0)?,
                run: row.get(1)?,
                input: row.get(2)?,
                line: row.get(3)?,
                rows: row.get(4)?,
                money: read_money(row, 5)?,
                reason: &reason,
            };
            expect_seal(row, 8, columns.seal(), || {
                "a row that was left out".to_owned()
            })?;
            found.push(LeftOutRow {
                run: RunId(columns.run),
                rows: u64::try_from(columns.rows).unwrap_or_default(),
                item: Item {
                    id: ItemId(columns.content),
                    code: AttentionCode::Ignored,
                    kind: None,
                    event_id: None,
                    money: columns.money,
                    file: paths.get(&columns.input).cloned(),
                    line: u64::try_from(columns.line).ok(),
                    message: reason,
                },
            });
            Ok(())
        })?;
        Ok(found)
    }

    /// Returns the runs that an earlier version recorded, of which only the warnings say that rows were left out.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn runs_with_unkept_rows(&self) -> Result<Vec<RunId>, JournalError> {
        let mut runs = Vec::new();
        let sql = if self.has_table("left_out_before")? {
            "SELECT run FROM left_out_before"
        } else {
            "SELECT id FROM run"
        };
        self.each("reading runs", sql, [], |row| {
            runs.push(RunId(row.get(0)?));
            Ok(())
        })?;
        Ok(runs)
    }
}
