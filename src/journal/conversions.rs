//! Keeps amounts as they were before they were converted.

use std::collections::HashMap;

use jiff::civil::Date;
use rusqlite::{Connection, Params, Row, Statement};

use super::columns::{Seal, StoredCurrency, expect_seal, impossible};
use super::{EventRow, JournalError, JournalReader, RunId};
use crate::event::{Conversion, Kind, Money, Original, Text};

/// Holds an event of a run whose amount was converted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConversionRecord {
    /// The kind of the event, a sale or a refund.
    pub kind: Kind,
    /// The id of the event.
    pub event_id: Text,
    /// The id of the sale that a refund reverses.
    pub sale_event_id: Option<Text>,
    /// Both amounts and the rate.
    pub conversion: Conversion,
    /// The export that it was read from, if that is known.
    pub file: Option<String>,
    /// Its line in the export.
    pub line: Option<u64>,
}

/// Prepares the statement that [`insert`] runs.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<Statement<'_>> {
    connection.prepare(
        "INSERT INTO conversion (event, amount_cents, currency, rate, rate_date, seal)
         VALUES (?, ?, ?, ?, ?, ?)",
    )
}

pub(super) fn insert(
    statement: &mut Statement<'_>,
    event: EventRow,
    original: &Original,
) -> rusqlite::Result<usize> {
    statement.execute(rusqlite::params![
        event.0,
        original.money.amount_cents,
        original.money.currency.code(),
        original.rate.as_str(),
        original.rate_date.to_string(),
        seal(event, original),
    ])
}

fn seal(event: EventRow, original: &Original) -> i64 {
    let mut seal = Seal::new(event);
    seal.integer(Some(original.money.amount_cents));
    seal.bytes(original.money.currency.code().as_bytes());
    seal.bytes(original.rate.as_bytes());
    seal.bytes(original.rate_date.to_string().as_bytes());
    seal.value()
}

/// Reads `event, amount_cents, currency, rate, rate_date, seal` from the column `first` on.
pub(super) fn read(row: &Row<'_>, first: usize) -> rusqlite::Result<(EventRow, Original)> {
    let event = EventRow(row.get(first)?);
    let currency = row.get::<_, StoredCurrency>(first + 2)?.0;
    let rate: String = row.get(first + 3)?;
    let rate_date: String = row.get(first + 4)?;
    let original = Original {
        money: Money {
            amount_cents: row.get(first + 1)?,
            currency: currency.ok_or_else(|| impossible(first + 2, "a currency is missing"))?,
        },
        rate: rate.into(),
        rate_date: rate_date
            .parse::<Date>()
            .map_err(|error| impossible(first + 4, error.to_string()))?,
    };
    expect_seal(row, first + 5, seal(event, &original), || {
        format!("the conversion of event {}", event.0)
    })?;
    Ok((event, original))
}

impl JournalReader {
    fn has_conversions(&self) -> Result<bool, JournalError> {
        self.has_table("conversion")
    }

    /// Returns the amounts before they were converted, of all events that were.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub(crate) fn originals(&self) -> Result<HashMap<EventRow, Original>, JournalError> {
        let mut originals = HashMap::new();
        if self.has_conversions()? {
            let sql = "SELECT event, amount_cents, currency, rate, rate_date, seal FROM conversion";
            self.each("reading conversions", sql, [], |row| {
                let (event, original) = read(row, 0)?;
                originals.insert(event, original);
                Ok(())
            })?;
        }
        Ok(originals)
    }

    /// Streams the events of a run whose amounts were converted, in the order of sending.
    ///
    /// # Errors
    ///
    /// The journal can't be read; or what `each` returns.
    pub fn for_each_conversion<E: From<JournalError>>(
        &self,
        run: RunId,
        mut each: impl FnMut(ConversionRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        self.stream_conversions("run_event", "re.run = ?1", [run.0], &mut each)
    }

    /// Streams the conversions of events. `run_event` is that table or one of its shape; `condition` selects
    /// rows of it.
    pub(super) fn stream_conversions<E: From<JournalError>>(
        &self,
        run_event: &str,
        condition: &str,
        parameters: impl Params,
        each: &mut impl FnMut(ConversionRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        if !self.has_conversions()? {
            return Ok(());
        }
        let sql = format!(
            "SELECT c.event, c.amount_cents, c.currency, c.rate, c.rate_date, c.seal,
                 e.kind, e.event_id, e.sale_event_id, e.amount_cents, e.currency, i.path, re.line
             FROM conversion c JOIN {run_event} re ON {condition} AND re.event = c.event
             JOIN event e ON e.id = c.event LEFT JOIN input i ON i.id = re.input
             ORDER BY c.event"
        );
        self.stream("reading conversions", &sql, parameters, read_record, each)
    }
}

fn read_record(row: &Row<'_>) -> rusqlite::Result<ConversionRecord> {
    use super::columns::StoredWord;

    let (_, original) = read(row, 0)?;
    let currency = row.get::<_, StoredCurrency>(10)?.0;
    let sent = Money {
        amount_cents: row.get(9)?,
        currency: currency.ok_or_else(|| impossible(10, "a currency is missing"))?,
    };
    let line: Option<i64> = row.get(12)?;
    Ok(ConversionRecord {
        kind: row.get::<_, StoredWord<Kind>>(6)?.0,
        event_id: row.get::<_, String>(7)?.into(),
        sale_event_id: row.get::<_, Option<String>>(8)?.map(Text::from),
        conversion: Conversion { original, sent },
        file: row.get(11)?,
        line: line.and_then(|line| u64::try_from(line).ok()),
    })
}
