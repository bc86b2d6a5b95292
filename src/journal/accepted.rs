//! Keeps the items that somebody has looked at and accepted as they are.
//!
//! Nothing here decides what is sent: an accepted item only stops counting as one that needs attention, and
//! is listed in the reports of the runs that meet it.

use std::collections::HashMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::columns::{Millis, Seal, StoredWord, expect_seal, read_money};
use super::{AttentionCode, Journal, JournalError, JournalReader, bounded_text};
use crate::event::{Kind, Money};

/// Identifies exactly what needs attention, by a hash of all that somebody who accepts it has seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub [u8; 16]);

/// Describes an event or a row that needs attention until it is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The hash that identifies the item.
    pub id: ItemId,
    /// The reason why it needs attention.
    pub code: AttentionCode,
    /// The kind of the event; `None` for a row.
    pub kind: Option<Kind>,
    /// The id of the event; `None` for a row.
    pub event_id: Option<String>,
    /// The amount of the event.
    pub money: Option<Money>,
    /// The export that has it.
    pub file: Option<String>,
    /// Its line in the export.
    pub line: Option<u64>,
    /// The message of the API or of the plan about it.
    pub message: String,
}

/// Describes who accepts items or withdraws that, when, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// The reason why the items are accepted.
    pub reason: String,
    /// The user and the host.
    pub by: String,
    /// The time of the acceptance.
    pub at: Timestamp,
}

/// Holds an item that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedRecord {
    /// The item as it was when it was accepted.
    pub item: Item,
    /// The person who accepted it, with the time and the reason.
    pub acceptance: Acceptance,
    /// The person who withdrew the acceptance, and when; `None` while it holds.
    pub withdrawn: Option<(String, Timestamp)>,
}

/// Maps what exactly was accepted to its acceptance.
pub(crate) type AcceptedItems = HashMap<ItemId, AcceptedRecord>;

const COLUMNS: &str = "id, item, code, kind, event_id, amount_cents, currency, file, line, message, \
     reason, accepted_by, accepted_ms, undone_by, undone_ms, seal";

const DOING: &str = "recording what was accepted";

impl AcceptedRecord {
    fn new(item: &Item, acceptance: &Acceptance) -> Self {
        AcceptedRecord {
            item: Item {
                message: bounded_text(&item.message),
                ..item.clone()
            },
            acceptance: Acceptance {
                reason: bounded_text(&acceptance.reason),
                by: bounded_text(&acceptance.by),
                at: acceptance.at,
            },
            withdrawn: None,
        }
    }

    fn line_stored(&self) -> Option<i64> {
        self.item.line.map(super::stored)
    }

    /// Returns the checksum in the column `seal`.
    fn seal(&self, id: i64) -> i64 {
        let mut seal = Seal::numbered(id);
        seal.bytes(&self.item.id.0);
        seal.bytes(self.item.code.as_str().as_bytes());
        seal.text(self.item.kind.map(Kind::as_str));
        seal.text(self.item.event_id.as_deref());
        seal.integer(self.item.money.map(|money| money.amount_cents));
        seal.text(self.item.money.map(|money| money.currency.code()));
        seal.text(self.item.file.as_deref());
        seal.integer(self.line_stored());
        seal.bytes(self.item.message.as_bytes());
        seal.bytes(self.acceptance.reason.as_bytes());
        seal.bytes(self.acceptance.by.as_bytes());
        seal.integer(Some(self.acceptance.at.as_millisecond()));
        seal.text(self.withdrawn.as_ref().map(|(by, _)| by.as_str()));
        seal.integer(self.withdrawn.as_ref().map(|(_, at)| at.as_millisecond()));
        seal.value()
    }

    fn insert(&self, connection: &Connection, id: i64) -> rusqlite::Result<usize> {
        connection.execute(
            &format!(
                "INSERT INTO accepted ({COLUMNS})
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)"
            ),
            params![
                id,
                self.item.id.0,
                self.item.code.as_str(),
                self.item.kind.map(Kind::as_str),
                self.item.event_id,
                self.item.money.map(|money| money.amount_cents),
                self.item.money.map(|money| money.currency.code()),
                self.item.file,
                self.line_stored(),
                self.item.message,
                self.acceptance.reason,
                self.acceptance.by,
                self.acceptance.at.as_millisecond(),
                self.seal(id),
            ],
        )
    }

    /// Reads [`COLUMNS`] and checks the seal.
    fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Self)> {
        let id: i64 = row.get(0)?;
        let line: Option<i64> = row.get(8)?;
        let undone_by: Option<String> = row.get(13)?;
        let undone_at = row.get::<_, Option<Millis>>(14)?.map(|at| at.0);
        let record = AcceptedRecord {
            item: Item {
                id: ItemId(row.get(1)?),
                code: row.get::<_, StoredWord<_>>(2)?.0,
                kind: row.get::<_, Option<StoredWord<_>>>(3)?.map(|word| word.0),
                event_id: row.get(4)?,
                money: read_money(row, 5)?,
                file: row.get(7)?,
                line: line.and_then(|line| u64::try_from(line).ok()),
                message: row.get(9)?,
            },
            acceptance: Acceptance {
                reason: row.get(10)?,
                by: row.get(11)?,
                at: row.get::<_, Millis>(12)?.0,
            },
            withdrawn: undone_by.zip(undone_at),
        };
        expect_seal(row, 15, record.seal(id), || format!("accepted item {id}"))?;
        Ok((id, record))
    }
}

impl JournalReader {
    /// Streams every acceptance, the oldest first, including those that were withdrawn.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged; or what `each` returns.
    pub fn for_each_accepted(
        &self,
        mut each: impl FnMut(AcceptedRecord),
    ) -> Result<(), JournalError> {
        let sql = format!("SELECT {COLUMNS} FROM accepted ORDER BY id");
        self.each("reading what was accepted", &sql, [], |row| {
            each(AcceptedRecord::read(row)?.1);
            Ok(())
        })
    }

    /// Returns the items that are accepted now.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn accepted(&self) -> Result<AcceptedItems, JournalError> {
        let mut accepted = AcceptedItems::new();
        self.for_each_accepted(|record| {
            if record.withdrawn.is_none() {
                accepted.insert(record.item.id, record);
            }
        })?;
        Ok(accepted)
    }
}

impl Journal {
    /// Accepts items as they are, and returns how many were not accepted before.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn accept(&mut self, items: &[Item], acceptance: &Acceptance) -> Result<u64, JournalError> {
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            accept_in(connection, items, acceptance)
                .map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }

    /// Withdraws acceptances, and returns how many there were.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn withdraw_acceptance(
        &mut self,
        items: &[ItemId],
        by: &str,
        at: Timestamp,
    ) -> Result<u64, JournalError> {
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            let undo = || -> rusqlite::Result<u64> {
                let mut undone = 0;
                for item in items {
                    undone += withdraw_one(connection, *item, by, at)?;
                }
                Ok(undone)
            };
            undo().map_err(|error| JournalError::sqlite(&path, DOING, error))
        })
    }
}

/// Accepts items within a transaction.
pub(super) fn accept_in(
    connection: &Connection,
    items: &[Item],
    acceptance: &Acceptance,
) -> rusqlite::Result<u64> {
    let mut accepted = std::collections::HashSet::new();
    let mut statement = connection.prepare("SELECT item FROM accepted WHERE undone_ms IS NULL")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        accepted.insert(ItemId(row.get(0)?));
    }
    let last = "SELECT coalesce(max(id), 0) FROM accepted";
    let last: i64 = connection.query_row(last, [], |row| row.get(0))?;
    let mut id = last;
    for item in items {
        if accepted.insert(item.id) {
            id += 1;
            AcceptedRecord::new(item, acceptance).insert(connection, id)?;
        }
    }
    Ok(u64::try_from(id - last).unwrap_or_default())
}

fn withdraw_one(
    connection: &Connection,
    item: ItemId,
    by: &str,
    at: Timestamp,
) -> rusqlite::Result<u64> {
    let sql = format!("SELECT {COLUMNS} FROM accepted WHERE item = ?1 AND undone_ms IS NULL");
    let found = connection
        .query_row(&sql, [item.0], AcceptedRecord::read)
        .optional()?;
    let Some((id, mut record)) = found else {
        return Ok(0);
    };
    let by = bounded_text(by);
    record.withdrawn = Some((by.clone(), at));
    connection.execute(
        "UPDATE accepted SET undone_by = ?2, undone_ms = ?3, seal = ?4 WHERE id = ?1",
        params![id, by, at.as_millisecond(), record.seal(id)],
    )?;
    Ok(1)
}
