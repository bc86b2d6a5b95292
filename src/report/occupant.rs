//! Which report a directory holds, so that no other one is written over it.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::atomic::{FileError, FinishedFile, PartialFile, sync_directory};
use crate::bounded;
use crate::journal::JournalId;
use crate::private;

/// The file with the figures of a report, which says which report it is.
pub(crate) const SUMMARY_FILE: &str = "summary.json";

/// The file that says which report it is where there is no `summary.json`.
pub(super) const MARKER: &str = ".fprecon-report";

/// The files that say which report a directory holds.
pub(crate) const IDENTIFYING_FILES: [&str; 2] = [SUMMARY_FILE, MARKER];

/// The limit for what says which report it is: no `summary.json` has more.
const MARKER_BYTES: u64 = 4 << 20;

/// Identifies a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReportId {
    /// The journal that it was made from; `None` if the journal, or the report, is of a version without this.
    #[serde(rename = "journal_id")]
    pub(crate) journal: Option<JournalId>,
    /// The name of the run, or of the days.
    pub(crate) run: String,
}

impl ReportId {
    /// Returns the report that a directory holds, if any can be told.
    pub(crate) fn found_in(directory: &Path) -> Option<Self> {
        IDENTIFYING_FILES.into_iter().find_map(|name| {
            let bytes = bounded::read(&directory.join(name), MARKER_BYTES).ok()?;
            serde_json::from_slice(&bytes).ok()
        })
    }

    /// Returns `true` if both are reports of one journal, as far as can be told.
    pub(crate) fn may_share_journal(&self, other: &Self) -> bool {
        self.journal.is_none() || other.journal.is_none() || self.journal == other.journal
    }

    /// Writes the file that says which report it is.
    pub(super) fn write(&self, directory: &Path) -> Result<FinishedFile, FileError> {
        let path = directory.join(MARKER);
        let mut file = PartialFile::create(&path)?;
        let text = serde_json::to_string(self).map_err(io::Error::from);
        text.and_then(|text| writeln!(file, "{text}"))
            .map_err(|error| FileError::new(&path, "writing it", error))?;
        file.finish()
    }
}

/// Moves the files of an earlier report into a folder of its own, named after its run.
pub(super) fn move_aside(
    directory: &Path,
    earlier: &ReportId,
    is_report_file: impl Fn(&str) -> bool,
) -> Result<(), FileError> {
    let folder = directory.join(folder_name(&earlier.run));
    let failed = |error| FileError::new(&folder, "moving the earlier report into it", error);
    private::make_directory(&folder).map_err(failed)?;
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(&is_report_file);
        // A link stays, and what it leads to is replaced.
        if is_ours && entry.file_type().map_err(failed)?.is_file() {
            fs::rename(entry.path(), folder.join(&name)).map_err(failed)?;
        }
    }
    sync_directory(&folder)?;
    sync_directory(directory)
}

/// Returns the name of a run as the name of a folder: a summary that somebody edited names no other place.
pub(super) fn folder_name(run: &str) -> String {
    let letters = run.chars().take(100);
    let name: String = letters
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => c,
            _ => '_',
        })
        .collect();
    if name.is_empty() {
        "earlier".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(journal: Option<u8>, run: &str) -> ReportId {
        ReportId {
            journal: journal.map(|byte| JournalId(byte.to_string())),
            run: run.to_owned(),
        }
    }

    #[test]
    fn an_earlier_report_is_moved_whole_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let place = |name: &str| directory.path().join(name);
        let earlier = id(Some(1), "2026-03-01T00-00-00Z-1");
        earlier.write(directory.path()).unwrap().commit().unwrap();
        for name in ["tracked.csv", "summary.json", "notes.txt"] {
            fs::write(place(name), name).unwrap();
        }
        assert_eq!(ReportId::found_in(directory.path()), Some(earlier.clone()));
        move_aside(directory.path(), &earlier, |name| name != "notes.txt").unwrap();
        assert_eq!(ReportId::found_in(directory.path()), None);
        let folder = place(&earlier.run);
        assert_eq!(ReportId::found_in(&folder), Some(earlier));
        assert!(folder.join("tracked.csv").exists());
        assert!(place("notes.txt").exists() && !place("tracked.csv").exists());
    }

    #[test]
    fn a_summary_of_an_earlier_version_says_which_run_it_is_of() {
        let directory = tempfile::tempdir().unwrap();
        let summary = r#"{"schema": 1, "run": "../../x", "exit_code": 0}"#;
        fs::write(directory.path().join("summary.json"), summary).unwrap();
        let found = ReportId::found_in(directory.path()).unwrap();
        assert_eq!(found, id(None, "../../x"));
        assert!(found.may_share_journal(&id(Some(1), "x")));
        assert!(!id(Some(2), "x").may_share_journal(&id(Some(1), "x")));
        assert_eq!(folder_name(&found.run), "______x");
    }
}
