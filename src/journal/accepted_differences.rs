//! Keeps the differences of audits that somebody has looked at and accepted as they are.

use std::collections::HashSet;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::columns::{Millis, Seal, expect_seal};
use super::{Acceptance, Journal, JournalError, JournalReader, bounded_text};

/// Describes a difference that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptedDifference {
    /// The hash of all that was seen of it.
    pub seen: [u8; 16],
    /// The id of the difference in the audits.
    pub difference: String,
    /// The word for the kind of the difference.
    pub kind: String,
    /// The amount that is set to be paid too much, in minor units; negative if it is too little.
    pub difference_cents: i64,
    /// The amount that it is about, in minor units.
    pub concerned_cents: i64,
    /// The currency, or the word for what is not money.
    pub unit: String,
    /// The message of the audit about it.
    pub message: String,
    /// The person who accepted it, with the time and the reason.
    pub acceptance: Acceptance,
    /// The person who withdrew the acceptance, and when; `None` while it holds.
    pub withdrawn: Option<(String, Timestamp)>,
}

const COLUMNS: &str = "id, seen, difference, kind, difference_cents, concerned_cents, unit, message, \
     reason, accepted_by, accepted_ms, undone_by, undone_ms, seal";

const DOING: &str = "recording accepted differences";

impl AcceptedDifference {
    fn seal(&self, id: i64) -> i64 {
        let mut seal = Seal::numbered(id);
        seal.bytes(&self.seen);
        seal.bytes(self.difference.as_bytes());
        seal.bytes(self.kind.as_bytes());
        seal.integer(Some(self.difference_cents));
        seal.integer(Some(self.concerned_cents));
        seal.bytes(self.unit.as_bytes());
        seal.bytes(self.message.as_bytes());
        seal.bytes(self.acceptance.reason.as_bytes());
        seal.bytes(self.acceptance.by.as_bytes());
        seal.integer(Some(self.acceptance.at.as_millisecond()));
        seal.text(self.withdrawn.as_ref().map(|(by, _)| by.as_str()));
        seal.integer(self.withdrawn.as_ref().map(|(_, at)| at.as_millisecond()));
        seal.value()
    }

    fn bounded(&self) -> Self {
        AcceptedDifference {
            difference: bounded_text(&self.difference),
            message: bounded_text(&self.message),
            acceptance: Acceptance {
                reason: bounded_text(&self.acceptance.reason),
                by: bounded_text(&self.acceptance.by),
                at: self.acceptance.at,
            },
            ..self.clone()
        }
    }

    fn insert(&self, connection: &Connection, id: i64) -> rusqlite::Result<usize> {
        connection.execute(
            &format!(
                "INSERT INTO accepted_difference ({COLUMNS})
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL, ?)"
            ),
            params![
                id,
                self.seen,
                self.difference,
                self.kind,
                self.difference_cents,
                self.concerned_cents,
                self.unit,
                self.message,
                self.acceptance.reason,
                self.acceptance.by,
                self.acceptance.at.as_millisecond(),
                self.seal(id),
            ],
        )
    }

    fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Self)> {
        let id: i64 = row.get(0)?;
        let undone_by: Option<String> = row.get(11)?;
        let undone_at = row.get::<_, Option<Millis>>(12)?.map(|at| at.0);
        let record = AcceptedDifference {
            seen: row.get(1)?,
            difference: row.get(2)?,
            kind: row.get(3)?,
            difference_cents: row.get(4)?,
            concerned_cents: row.get(5)?,
            unit: row.get(6)?,
            message: row.get(7)?,
            acceptance: Acceptance {
                reason: row.get(8)?,
                by: row.get(9)?,
                at: row.get::<_, Millis>(10)?.0,
            },
            withdrawn: undone_by.zip(undone_at),
        };
        expect_seal(row, 13, record.seal(id), || {
            format!("accepted difference {id}")
        })?;
        Ok((id, record))
    }
}

impl JournalReader {
    /// Returns all differences that were accepted, the oldest first, including those whose acceptance was
    /// withdrawn.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn accepted_differences(&self) -> Result<Vec<AcceptedDifference>, JournalError> {
        let all = self.accepted_rows()?.into_iter();
        Ok(all.map(|(_, record)| record).collect())
    }

    fn accepted_rows(&self) -> Result<Vec<(i64, AcceptedDifference)>, JournalError> {
        let sql = format!("SELECT {COLUMNS} FROM accepted_difference ORDER BY id");
        let mut all = Vec::new();
        self.each("reading accepted differences", &sql, [], |row| {
            all.push(AcceptedDifference::read(row)?);
            Ok(())
        })?;
        Ok(all)
    }
}

impl Journal {
    /// Accepts differences as they are, and returns how many were not accepted before.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn accept_differences(
        &mut self,
        differences: &[AcceptedDifference],
    ) -> Result<u64, JournalError> {
        let known = self.accepted_rows()?;
        let mut id = known.iter().map(|(id, _)| *id).max().unwrap_or(0);
        let known = known.into_iter().filter(|(_, own)| own.withdrawn.is_none());
        let mut accepted: HashSet<[u8; 16]> = known.map(|(_, own)| own.seen).collect();
        let new: Vec<AcceptedDifference> = differences
            .iter()
            .filter(|own| accepted.insert(own.seen))
            .map(AcceptedDifference::bounded)
            .collect();
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            for own in &new {
                id += 1;
                own.insert(connection, id)
                    .map_err(|error| JournalError::sqlite(&path, DOING, error))?;
            }
            Ok(new.len() as u64)
        })
    }

    /// Withdraws the acceptance of differences, by the hash of what was seen of them, and returns how many
    /// there were.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub fn withdraw_accepted_differences(
        &mut self,
        seen: &HashSet<[u8; 16]>,
        by: &str,
        at: Timestamp,
    ) -> Result<u64, JournalError> {
        let mut rows = self.accepted_rows()?;
        rows.retain(|(_, own)| own.withdrawn.is_none() && seen.contains(&own.seen));
        let path = self.path.clone();
        self.transact(DOING, |connection| {
            for (id, own) in &mut rows {
                own.withdrawn = Some((bounded_text(by), at));
                connection
                    .execute(
                        "UPDATE accepted_difference SET undone_by = ?2, undone_ms = ?3, seal = ?4
                         WHERE id = ?1",
                        params![*id, bounded_text(by), at.as_millisecond(), own.seal(*id)],
                    )
                    .map_err(|error| JournalError::sqlite(&path, DOING, error))?;
            }
            Ok(rows.len() as u64)
        })
    }
}
