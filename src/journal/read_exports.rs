//! Keeps which exports were read whole, with nothing in them that needed attention, so that a later run over
//! the same folder can leave them out.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::columns::{Seal, impossible};
use super::corrected::NOT_REPLACED;
use super::{JournalError, JournalReader, RunId, stored};
use crate::event::EventKey;
use crate::invisible::is_invisible;

/// Identifies the rules by which exports are read: profiles, settings and version, as a hash of all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesDigest(pub [u8; 16]);

/// Holds the events of an export, each as the first four bytes of its key. An event that is not among them is
/// not in the export; one that is may be another one with the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPrefixes(Vec<u32>);

impl EventPrefixes {
    /// Returns the prefixes of these keys.
    pub fn new(keys: impl Iterator<Item = EventKey>) -> Self {
        let mut prefixes: Vec<u32> = keys.map(prefix).collect();
        prefixes.sort_unstable();
        prefixes.dedup();
        EventPrefixes(prefixes)
    }

    /// Returns `false` if none of these events is in the export.
    pub fn may_have_any(&self, keys: &HashSet<EventKey>) -> bool {
        let mut keys = keys.iter();
        keys.any(|key| self.0.binary_search(&prefix(*key)).is_ok())
    }

    fn to_bytes(&self) -> Vec<u8> {
        let prefixes = self.0.iter();
        prefixes.flat_map(|prefix| prefix.to_be_bytes()).collect()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (prefixes, rest) = bytes.as_chunks::<4>();
        let prefixes = prefixes.iter().map(|prefix| u32::from_be_bytes(*prefix));
        rest.is_empty().then(|| EventPrefixes(prefixes.collect()))
    }
}

fn prefix(key: EventKey) -> u32 {
    let [a, b, c, d, ..] = key.0;
    u32::from_be_bytes([a, b, c, d])
}

/// Describes an export that was read whole, with nothing in it that needed attention then.
#[derive(Clone, Debug)]
pub struct ReadExport {
    /// The hash of its bytes, in hexadecimal.
    pub sha256: String,
    /// The rules by which it was read.
    pub rules: RulesDigest,
    /// The name of the profile by which it was read.
    pub profile: String,
    /// The name of the run that read it.
    pub run: String,
    /// The events that it has.
    pub events: EventPrefixes,
}

/// Describes an export that a run left out, since an earlier run had read it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct SkippedExport {
    /// The path as the user named it.
    pub path: String,
    /// The hash of its bytes, in hexadecimal.
    pub sha256: String,
    /// The name of the profile by which it was read.
    pub profile: String,
    /// The name of the run that read it.
    pub read_by: String,
}

pub(super) fn insert(connection: &Connection, export: &ReadExport) -> rusqlite::Result<usize> {
    let events = export.events.to_bytes();
    let texts = [&*export.sha256, &export.profile, &export.run];
    let seal = seal(texts, export.rules, &events);
    connection.execute(
        "INSERT OR REPLACE INTO read_export (sha256, rules, profile, run, events, seal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            export.sha256,
            export.rules.0,
            export.profile,
            export.run,
            events,
            seal
        ],
    )
}

/// Removes what is known of an export: its last reading left something that needs attention.
pub(super) fn remove(connection: &Connection, sha256: &str) -> rusqlite::Result<usize> {
    connection.execute("DELETE FROM read_export WHERE sha256 = ?1", [sha256])
}

pub(super) fn insert_skipped(
    connection: &Connection,
    run: RunId,
    ordinal: usize,
    export: &SkippedExport,
) -> rusqlite::Result<usize> {
    connection.execute(
        "INSERT INTO skipped_export (run, ordinal, path, sha256, profile, read_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            run.0,
            stored(ordinal as u64),
            export.path,
            export.sha256,
            export.profile,
            export.read_by
        ],
    )
}

fn seal(texts: [&str; 3], rules: RulesDigest, events: &[u8]) -> i64 {
    let mut seal = Seal::unnumbered();
    for text in texts {
        seal.text(Some(text));
    }
    seal.bytes(&rules.0);
    seal.bytes(events);
    seal.value()
}

impl JournalReader {
    /// Returns the exports that were read by these rules, with nothing in them that needed attention then.
    ///
    /// # Errors
    ///
    /// The journal can't be read or is damaged.
    pub fn read_exports(&self) -> Result<Vec<ReadExport>, JournalError> {
        let mut exports = Vec::new();
        if !self.has_table("read_export")? {
            return Ok(exports);
        }
        let sql = "SELECT sha256, rules, profile, run, events, seal FROM read_export";
        self.each("reading which exports were read", sql, [], |row| {
            let [sha256, profile, run]: [String; 3] = [row.get(0)?, row.get(2)?, row.get(3)?];
            let rules = RulesDigest(row.get(1)?);
            let bytes: Vec<u8> = row.get(4)?;
            let events = EventPrefixes::from_bytes(&bytes);
            let written = seal([&sha256, &profile, &run], rules, &bytes);
            let (Some(events), true) = (events, row.get::<_, i64>(5)? == written) else {
                let what = format!("the record of the export {sha256} is not as it was written");
                return Err(impossible(5, what));
            };
            exports.push(ReadExport {
                sha256,
                rules,
                profile,
                run,
                events,
            });
            Ok(())
        })?;
        Ok(exports)
    }

    /// Returns the exports that a run left out, in the order in which they were found.
    pub(super) fn skipped_exports(&self, run: RunId) -> Result<Vec<SkippedExport>, JournalError> {
        let mut exports = Vec::new();
        if !self.has_table("skipped_export")? {
            return Ok(exports);
        }
        let sql = "SELECT path, sha256, profile, read_by FROM skipped_export
             WHERE run = ?1 ORDER BY ordinal";
        self.each("reading a run's skipped exports", sql, [run.0], |row| {
            exports.push(SkippedExport {
                path: row.get(0)?,
                sha256: row.get(1)?,
                profile: row.get(2)?,
                read_by: row.get(3)?,
            });
            Ok(())
        })?;
        Ok(exports)
    }

    /// Returns the keys of the events with which a run over their exports would have something to do: those
    /// that need attention, accepted or not, those that are left to send, and the refunds that are sent again
    /// because their sale was.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn open_keys(&self) -> Result<HashSet<EventKey>, JournalError> {
        let mut open = HashSet::new();
        let has_replaced = self.has_replaced()?;
        let not_replaced = if has_replaced { NOT_REPLACED } else { "true" };
        // Which of these refunds are concerned depends on what was asked first: all of them are read again.
        let refunds = if has_replaced {
            "OR (kind = 'refund' AND outcome = 'non_referral' AND EXISTS (SELECT 1 FROM mended))"
        } else {
            ""
        };
        let sql = format!(
            "SELECT key, event_id FROM event
             WHERE (outcome IS NULL OR outcome = 'failed' OR outcome = 'unconfirmed'
                 OR id IN (SELECT event FROM flag) {refunds}) AND {not_replaced}"
        );
        self.each("looking for open events", &sql, [], |row| {
            open.insert(EventKey(row.get(0)?));
            // Earlier versions took ids with invisible characters as they were.
            let id: String = row.get(1)?;
            let seen: String = id.chars().filter(|&c| !is_invisible(c)).collect();
            open.insert(EventKey::from_id(&seen));
            Ok(())
        })?;
        Ok(open)
    }

    /// Returns the number of commits of the journal: it grows with every change.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn commits(&self) -> Result<i64, JournalError> {
        if !self.has_table("last_commit")? {
            return Ok(0);
        }
        let sql = "SELECT number FROM last_commit WHERE id = 1";
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("reading its last commit", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_has_its_events_and_hardly_any_other() {
        let key = |n: u32| EventKey::from_id(&format!("in_{n}"));
        let prefixes = EventPrefixes::new((0..100).map(key));
        assert_eq!(
            EventPrefixes::from_bytes(&prefixes.to_bytes()),
            Some(prefixes.clone())
        );
        assert_eq!(EventPrefixes::from_bytes(&[1, 2, 3]), None);
        for n in 0..100 {
            assert!(prefixes.may_have_any(&HashSet::from([key(1_000), key(n)])));
        }
        assert!(!prefixes.may_have_any(&(100..200).map(key).collect()));
        assert!(!EventPrefixes::default().may_have_any(&HashSet::from([key(1)])));
    }
}
