//! Keeps ignored rows once: the next night's export has most of them again.

use std::collections::{BTreeMap, HashSet};

use rusqlite::{Connection, params};
use sha2::{Digest, Sha256};

use super::{JournalError, JournalReader, stored};

/// Identifies the content of an ignored row, by a hash of the profile and the header of its export, the reason and the
/// cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct RowContent([u8; 16]);

impl RowContent {
    pub(super) fn bytes(self) -> [u8; 16] {
        self.0
    }

    pub(super) fn new(kind: &ExportKind, reason: &str, fields: &str) -> Self {
        let mut hash = kind.0.clone();
        for text in [reason, fields] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        let digest = hash.finalize();
        let mut content = [0; 16];
        content.copy_from_slice(&digest[..16]);
        RowContent(content)
    }
}

/// Identifies a kind of export, by its profile and its header.
#[derive(Clone, Debug)]
pub(super) struct ExportKind(Sha256);

impl ExportKind {
    /// Returns the kind of an export; `header` is a JSON array.
    pub(super) fn new(profile: &str, header: &str) -> Self {
        let mut hash = Sha256::new();
        for text in [profile, header] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
        ExportKind(hash)
    }
}

/// Holds which ignored rows earlier runs have kept, and counts those that a run has again.
#[derive(Debug, Default)]
pub(super) struct RepeatedRows {
    kept: Option<HashSet<RowContent>>,
    repeated: BTreeMap<(i64, String), u64>,
}

impl RepeatedRows {
    /// Returns `true` if an earlier run than `run` has kept a row with this content; then it is counted for this input.
    /// The rows of earlier runs are read when the first row is asked for.
    pub(super) fn count(
        &mut self,
        connection: &Connection,
        run: i64,
        (input, reason): (i64, &str),
        content: RowContent,
    ) -> rusqlite::Result<bool> {
        let kept = match self.kept.take() {
            Some(kept) => kept,
            None => read_kept(connection, run)?,
        };
        let is_repeated = kept.contains(&content);
        self.kept = Some(kept);
        if is_repeated {
            *self.repeated.entry((input, reason.to_owned())).or_default() += 1;
        }
        Ok(is_repeated)
    }

    /// Puts the counts into the journal.
    pub(super) fn record(&self, connection: &Connection, run: i64) -> rusqlite::Result<()> {
        let mut statement = connection
            .prepare("INSERT INTO repeated_rows (run, input, reason, rows) VALUES (?, ?, ?, ?)")?;
        for ((input, reason), rows) in &self.repeated {
            statement.execute(params![run, input, reason, stored(*rows)])?;
        }
        Ok(())
    }
}

fn read_kept(connection: &Connection, run: i64) -> rusqlite::Result<HashSet<RowContent>> {
    let mut kinds: BTreeMap<i64, ExportKind> = BTreeMap::new();
    let mut statement = connection.prepare("SELECT id, profile, header FROM input")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let kind = ExportKind::new(row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
        kinds.insert(row.get(0)?, kind);
    }
    let mut kept = HashSet::new();
    let mut statement = connection.prepare(
        "SELECT input, reason, fields FROM source_row WHERE disposition = 'ignored' AND run < ?1",
    )?;
    let mut rows = statement.query([run])?;
    while let Some(row) = rows.next()? {
        if let Some(kind) = kinds.get(&row.get(0)?) {
            let (reason, fields) = (row.get_ref(1)?.as_str()?, row.get_ref(2)?.as_str()?);
            kept.insert(RowContent::new(kind, reason, fields));
        }
    }
    Ok(kept)
}

impl JournalReader {
    /// Returns how many ignored rows of a run earlier runs have kept, by reason.
    pub(super) fn repeated_reasons(&self, run: i64) -> Result<BTreeMap<String, u64>, JournalError> {
        let mut reasons = BTreeMap::new();
        if !self.has_table("repeated_rows")? {
            return Ok(reasons);
        }
        let sql = "SELECT reason, sum(rows) FROM repeated_rows WHERE run = ?1 GROUP BY reason";
        self.each("counting repeated rows", sql, [run], |row| {
            reasons.insert(row.get(0)?, super::read::count(row, 1)?);
            Ok(())
        })?;
        Ok(reasons)
    }
}
