//! The tables of what exports said: their statements, and the seals of their rows.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, Statement, ToSql};

use crate::event::EventKey;
use crate::journal::columns::{Seal, impossible};

/// What a table does with a row that it has already, by its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnKnown {
    /// The row stays as it is.
    Keep,
    /// The row gets what is said now.
    Replace,
}

/// A table whose rows are found by their first column and end with a seal.
#[derive(Debug)]
pub(super) struct LearnedTable {
    pub(super) name: &'static str,
    /// The columns before the seal, the key first.
    pub(super) columns: &'static [&'static str],
    pub(super) on_known: OnKnown,
}

impl LearnedTable {
    /// Prepares the statement that adds a row.
    pub(super) fn prepare<'c>(
        &self,
        connection: &'c Connection,
    ) -> rusqlite::Result<Statement<'c>> {
        connection.prepare(&self.insert_sql())
    }

    fn insert_sql(&self) -> String {
        let [key, others @ ..] = self.columns else {
            unreachable!("a table has a key");
        };
        let on_known = match self.on_known {
            OnKnown::Keep => "NOTHING".to_owned(),
            OnKnown::Replace => {
                let others = others.iter().chain(&["seal"]);
                let set: Vec<_> = others.map(|it| format!("{it} = excluded.{it}")).collect();
                format!("UPDATE SET {} WHERE seal <> excluded.seal", set.join(", "))
            }
        };
        format!(
            "INSERT INTO {} ({}, seal) VALUES ({}?) ON CONFLICT ({key}) DO {on_known}",
            self.name,
            self.columns.join(", "),
            "?, ".repeat(self.columns.len()),
        )
    }

    /// Returns the statement that reads all rows: the columns, and the seal behind them.
    pub(super) fn select_sql(&self) -> String {
        format!(
            "SELECT {}, seal FROM {}",
            self.columns.join(", "),
            self.name
        )
    }

    /// Checks the seal of a row that was read by [`LearnedTable::select_sql`]; `what` names the row.
    ///
    /// # Errors
    ///
    /// The row is not as it was written.
    pub(super) fn expect_sealed(
        &self,
        row: &Row<'_>,
        values: &[Sealed<'_>],
        what: impl FnOnce() -> String,
    ) -> rusqlite::Result<()> {
        let at = self.columns.len();
        if row.get::<_, i64>(at)? == seal_of(values) {
            Ok(())
        } else {
            Err(impossible(
                at,
                format!("{} is not as it was written", what()),
            ))
        }
    }
}

/// Adds a row, with its seal behind it.
pub(super) fn insert(
    statement: &mut Statement<'_>,
    values: &[Sealed<'_>],
) -> rusqlite::Result<usize> {
    for (value, column) in values.iter().zip(1..) {
        statement.raw_bind_parameter(column, value)?;
    }
    statement.raw_bind_parameter(values.len() + 1, seal_of(values))?;
    statement.raw_execute()
}

fn seal_of(values: &[Sealed<'_>]) -> i64 {
    let mut seal = Seal::unnumbered();
    for value in values {
        match *value {
            Sealed::ById(_) => {}
            Sealed::Key(key) => seal.bytes(&key.0),
            Sealed::Word(word) => seal.bytes(word.as_bytes()),
            Sealed::Text(text) => seal.text(text),
            Sealed::Integer(integer) => seal.integer(integer),
        }
    }
    seal.value()
}

/// A value of a row, and how the seal covers it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sealed<'v> {
    /// A key that is the hash of an id, which the seal covers.
    ById(EventKey),
    /// A key by itself.
    Key(EventKey),
    /// A text that every row has.
    Word(&'v str),
    /// A text that a row may lack.
    Text(Option<&'v str>),
    /// A number that a row may lack.
    Integer(Option<i64>),
}

impl ToSql for Sealed<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let value = match self {
            Sealed::ById(key) | Sealed::Key(key) => ValueRef::Blob(&key.0),
            Sealed::Word(text) | Sealed::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
            Sealed::Integer(Some(integer)) => ValueRef::Integer(*integer),
            Sealed::Text(None) | Sealed::Integer(None) => ValueRef::Null,
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
