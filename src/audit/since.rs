//! Compares the findings with those of the last audit.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::Finding;

/// The part of a finding that is kept until the next audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PastFinding {
    /// The id of the finding, equal to [`Finding::id`].
    pub id: String,
    /// The word of its kind.
    pub kind: String,
    /// The difference, equal to [`Finding::difference_cents`].
    pub difference_cents: i64,
    /// The money concerned, equal to [`Finding::concerned_cents`].
    pub concerned_cents: i64,
    /// The currency, or the unit of a reward that is not money.
    pub unit: String,
    /// The message, equal to [`Finding::message`].
    pub message: String,
}

impl From<&Finding> for PastFinding {
    fn from(finding: &Finding) -> Self {
        PastFinding {
            id: finding.id.clone(),
            kind: finding.kind.to_string(),
            difference_cents: finding.difference_cents,
            concerned_cents: finding.concerned_cents,
            unit: finding.unit.to_string(),
            message: finding.message.clone(),
        }
    }
}

/// A second audit beside the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Since {
    /// The ids of findings that were not there.
    pub new: Vec<String>,
    /// The ids of findings that were there and still are.
    pub remaining: Vec<String>,
    /// Findings that were there and no longer are.
    pub resolved: Vec<PastFinding>,
}

impl Since {
    /// Compares the findings of an audit with those of the last one, by their ids. The order is kept.
    pub fn last(past: &[PastFinding], findings: &[Finding]) -> Since {
        let past_ids: HashSet<&str> = past.iter().map(|past| past.id.as_str()).collect();
        let ids: HashSet<&str> = findings.iter().map(|one| one.id.as_str()).collect();
        let owned = |finding: &Finding| finding.id.clone();
        let (remaining, new): (Vec<&Finding>, Vec<&Finding>) = findings
            .iter()
            .partition(|finding| past_ids.contains(finding.id.as_str()));
        Since {
            new: new.into_iter().map(owned).collect(),
            remaining: remaining.into_iter().map(owned).collect(),
            resolved: past
                .iter()
                .filter(|past| !ids.contains(past.id.as_str()))
                .cloned()
                .collect(),
        }
    }
}
