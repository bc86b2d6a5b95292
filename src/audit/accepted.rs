//! Findings that somebody accepted as they are, with a reason: goodwill, a bonus by agreement.
//!
//! The journal has them. An audit of two files has no journal: then they are kept in a file among the audits,
//! until there is one. A finding is accepted as long as it is the same: its kind, its events and its sums. One
//! that changes is another finding.

use std::collections::HashMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Finding;
use crate::bounded::{self, REPORT_BYTES};
use crate::journal::{Acceptance, AcceptedDifference};
use crate::private;
use crate::report::atomic::{FileError, PartialFile};

/// The name of the file.
const FILE: &str = "accepted.json";

/// A finding that was accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptedFinding {
    /// The id of the finding, equal to [`Finding::id`].
    pub id: String,
    /// A hash of all that was seen of it.
    pub seen: String,
    /// The word of its kind.
    pub kind: String,
    /// The difference, equal to [`Finding::difference_cents`].
    pub difference_cents: i64,
    /// The money concerned, equal to [`Finding::concerned_cents`].
    pub concerned_cents: i64,
    /// The currency, or the unit of what is not money.
    pub unit: String,
    /// The message, equal to [`Finding::message`].
    pub message: String,
    /// The reason why it was accepted.
    pub reason: String,
    /// The user and the host.
    pub by: String,
    /// The time of accepting, in RFC 3339.
    pub at: String,
}

/// The part of a finding that a person sees.
#[derive(Clone, Copy, Debug)]
pub struct SeenFinding<'f> {
    /// The id of the finding, equal to [`Finding::id`].
    pub id: &'f str,
    /// The word of its kind.
    pub kind: &'f str,
    /// The difference, equal to [`Finding::difference_cents`].
    pub difference_cents: i64,
    /// The money concerned, equal to [`Finding::concerned_cents`].
    pub concerned_cents: i64,
    /// The currency, or the unit of what is not money.
    pub unit: &'f str,
    /// The expected amount, equal to [`Finding::expected_cents`].
    pub expected_cents: Option<i64>,
}

impl SeenFinding<'_> {
    /// Returns the hash by which a finding is the same.
    pub fn hash(&self) -> String {
        let expected = self
            .expected_cents
            .map_or(String::new(), |cents| cents.to_string());
        let cents = [self.difference_cents, self.concerned_cents].map(|cents| cents.to_string());
        let parts = [
            self.id, self.kind, &cents[0], &cents[1], &expected, self.unit,
        ];
        let digest = Sha256::digest(parts.join("\n").as_bytes());
        digest
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

impl TryFrom<&AcceptedFinding> for AcceptedDifference {
    type Error = String;

    /// Returns the acceptance as the journal has it.
    ///
    /// # Errors
    ///
    /// The hash or the date is not what was written.
    fn try_from(own: &AcceptedFinding) -> Result<Self, String> {
        let seen = u128::from_str_radix(&own.seen, 16)
            .map_err(|_| format!("`{}` is not a hash", own.seen))?;
        let at = own
            .at
            .parse::<Timestamp>()
            .map_err(|_| format!("`{}` is not a time", own.at))?;
        Ok(AcceptedDifference {
            seen: seen.to_be_bytes(),
            difference: own.id.clone(),
            kind: own.kind.clone(),
            difference_cents: own.difference_cents,
            concerned_cents: own.concerned_cents,
            unit: own.unit.clone(),
            message: own.message.clone(),
            acceptance: Acceptance {
                reason: own.reason.clone(),
                by: own.by.clone(),
                at,
            },
            withdrawn: None,
        })
    }
}

impl From<AcceptedDifference> for AcceptedFinding {
    fn from(own: AcceptedDifference) -> Self {
        AcceptedFinding {
            id: own.difference,
            seen: format!("{:032x}", u128::from_be_bytes(own.seen)),
            kind: own.kind,
            difference_cents: own.difference_cents,
            concerned_cents: own.concerned_cents,
            unit: own.unit,
            message: own.message,
            reason: own.acceptance.reason,
            by: own.acceptance.by,
            at: own.acceptance.at.to_string(),
        }
    }
}

/// The findings that were accepted, as they are kept among the audits.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AcceptedFindings {
    schema: u32,
    accepted: Vec<AcceptedFinding>,
}

/// Reports why the file of accepted findings can't be used.
#[derive(Debug, thiserror::Error)]
#[error("the accepted differences in {} cannot be used: {message}", path.display())]
pub struct AcceptedError {
    /// The file.
    pub path: PathBuf,
    /// The reason, in words.
    pub message: String,
}

impl AcceptedFindings {
    /// Returns the path of the file.
    pub fn file(audits: &Path) -> PathBuf {
        audits.join(FILE)
    }

    /// Reads what was accepted; nothing where the file is not there.
    ///
    /// # Errors
    ///
    /// The file can't be read, or is not what was written.
    pub fn read(audits: &Path) -> Result<Self, AcceptedError> {
        let path = audits.join(FILE);
        let failed = |message: String| AcceptedError {
            path: path.clone(),
            message,
        };
        if !path.exists() {
            return Ok(AcceptedFindings::default());
        }
        let bytes =
            bounded::read(&path, REPORT_BYTES).map_err(|error| failed(error.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|error| failed(error.to_string()))
    }

    /// Writes the file whole, or not at all.
    ///
    /// # Errors
    ///
    /// It can't be written.
    pub fn write(&mut self, audits: &Path) -> Result<(), AcceptedError> {
        self.schema = 1;
        let path = audits.join(FILE);
        let failed = |failure: FileError| AcceptedError {
            path: failure.path,
            message: failure.source.to_string(),
        };
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        private::make_directory(audits)
            .map_err(|error| failed(FileError::new(audits, "creating the directory", error)))?;
        let mut file = PartialFile::create(&path).map_err(failed)?;
        writeln!(file, "{text}")
            .map_err(|error| failed(FileError::new(&path, "writing it", error)))?;
        let whole = file.finish().map_err(failed)?;
        whole.commit().map_err(failed)
    }

    /// Returns all accepted findings, in the order in which they were accepted.
    pub fn all(&self) -> &[AcceptedFinding] {
        &self.accepted
    }

    /// Removes the file, once the journal has what stands in it.
    ///
    /// # Errors
    ///
    /// It can't be removed.
    pub fn remove_file(audits: &Path) -> Result<(), AcceptedError> {
        let path = audits.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(AcceptedError {
                path,
                message: error.to_string(),
            }),
            _ => Ok(()),
        }
    }

    /// Adds those that the journal has; one of the file stays as the file has it.
    pub fn add_of_journal(&mut self, differences: Vec<AcceptedDifference>) {
        let accepted = differences
            .into_iter()
            .filter(|own| own.withdrawn.is_none());
        for own in accepted.map(AcceptedFinding::from) {
            self.accept(own);
        }
    }

    /// Accepts a finding; false where it was accepted before.
    pub fn accept(&mut self, finding: AcceptedFinding) -> bool {
        let is_new = !self.accepted.iter().any(|own| own.seen == finding.seen);
        if is_new {
            self.accepted.push(finding);
        }
        is_new
    }

    /// Withdraws the acceptance of a finding; returns `false` if it was not accepted.
    pub fn undo(&mut self, seen: &str) -> bool {
        let before = self.accepted.len();
        self.accepted.retain(|own| own.seen != seen);
        self.accepted.len() < before
    }

    /// Returns the findings that are accepted as they are now.
    pub fn among(&self, findings: &[Finding]) -> Vec<AcceptedFinding> {
        let known: HashMap<&str, &AcceptedFinding> = self
            .accepted
            .iter()
            .map(|own| (own.seen.as_str(), own))
            .collect();
        let accepted = findings.iter().filter_map(|finding| {
            let unit = finding.unit.to_string();
            let seen = SeenFinding {
                id: &finding.id,
                kind: finding.kind.as_str(),
                difference_cents: finding.difference_cents,
                concerned_cents: finding.concerned_cents,
                unit: &unit,
                expected_cents: finding.expected_cents,
            };
            known.get(seen.hash().as_str()).copied()
        });
        accepted.cloned().collect()
    }
}
