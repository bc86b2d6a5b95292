//! Removes the report of a run whose details are not kept any longer.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use super::files::is_report_file;
use super::occupant::{MARKER, ReportId, SUMMARY_FILE, folder_name};

/// Removes a report from the directory of its run, or from the folder in it to which a later report has moved it.
/// Nothing else in the directory is removed. Returns `true` if the report was there.
///
/// # Errors
///
/// A file of the report can't be removed. What says which report it is goes last, so that this can be done again.
pub(crate) fn remove_report(directory: &Path, report: &ReportId) -> io::Result<bool> {
    let moved = directory.join(folder_name(&report.run));
    let mut was_there = false;
    for place in [directory, &moved] {
        if ReportId::found_in(place).as_ref() == Some(report) {
            remove_from(place)?;
            was_there = true;
        }
    }
    Ok(was_there)
}

fn remove_from(directory: &Path) -> io::Result<()> {
    let mut last = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(is_report_file);
        // A link stays, as whoever made it has left it.
        if !is_ours || !entry.file_type()?.is_file() {
            continue;
        }
        if name == SUMMARY_FILE || name == MARKER {
            last.push(entry.path());
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    for path in last {
        fs::remove_file(path)?;
    }
    match fs::remove_dir(directory) {
        // Somebody keeps something else there, or it is in use.
        Err(error)
            if !matches!(
                error.kind(),
                ErrorKind::DirectoryNotEmpty | ErrorKind::ResourceBusy
            ) =>
        {
            Err(error)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::JournalId;

    #[test]
    fn a_report_is_removed_and_nothing_else() {
        let root = tempfile::tempdir().unwrap();
        let report = |journal: &str, run: &str| ReportId {
            journal: Some(JournalId(journal.to_owned())),
            run: run.to_owned(),
        };
        let own = report("a", "2026-03-01T00-00-00Z-1");
        let write = |directory: &Path, files: &[&str]| {
            fs::create_dir_all(directory).unwrap();
            own.write(directory).unwrap().commit().unwrap();
            for file in files {
                fs::write(directory.join(file), "x").unwrap();
            }
        };
        let alone = root.path().join("alone");
        write(&alone, &["tracked.csv", "rejected-2.csv", "report.html"]);
        for other in [report("b", &own.run), report("a", "2026-03-02T00-00-00Z-2")] {
            assert!(!remove_report(&alone, &other).unwrap());
            assert!(alone.join("tracked.csv").exists());
        }
        assert!(remove_report(&alone, &own).unwrap());
        assert!(!alone.exists());
        assert!(!remove_report(&alone, &own).unwrap());

        let shared = root.path().join("shared");
        write(&shared.join(&own.run), &["held.csv"]);
        fs::write(shared.join("held.csv"), "a later report's").unwrap();
        assert!(remove_report(&shared, &own).unwrap());
        assert!(!shared.join(&own.run).exists() && shared.join("held.csv").exists());

        write(&alone, &["tracked.csv", "notes.txt"]);
        assert!(remove_report(&alone, &own).unwrap());
        let left: Vec<_> = fs::read_dir(&alone).unwrap().collect();
        assert!(left.len() == 1 && alone.join("notes.txt").exists());
    }
}
