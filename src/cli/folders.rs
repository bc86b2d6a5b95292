//! The files of a folder that is named as an export.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::settings::EffectiveSettings;
use crate::export::{is_named_as_export, is_unfinished};
use crate::problem::{Problem, ProblemCode};

/// The number of files that are named one by one.
const NAMED_MOST: usize = 20;

/// The files of a folder, in the order of their names.
#[derive(Debug, Default)]
pub(super) struct Folder {
    /// The files that may be exports.
    pub(super) files: Vec<FolderFile>,
    /// The names of what is not read, each with the reason.
    pub(super) not_read: Vec<String>,
}

/// A file of a folder.
#[derive(Debug)]
pub(super) struct FolderFile {
    pub(super) path: PathBuf,
    /// `true` if its name ends like that of an export.
    pub(super) is_named_as_export: bool,
}

/// Lists the files of a folder. Folders inside are not read. Hidden files and the program's own files are left
/// out without a word.
///
/// # Errors
///
/// The folder can't be read.
pub(super) fn list(folder: &Path, settings: &EffectiveSettings) -> io::Result<Folder> {
    let own: Vec<PathBuf> = settings.own_files();
    let journal = settings.journal.canonicalize().ok();
    let is_own = |path: &Path| {
        let Ok(path) = path.canonicalize() else {
            return false;
        };
        own.contains(&path)
            || journal
                .as_ref()
                .is_some_and(|journal| is_of(&path, journal))
    };
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)? {
        entries.push(entry?.file_name());
    }
    entries.sort();
    let mut found = Folder::default();
    for name in entries {
        let path = folder.join(&name);
        if name.as_encoded_bytes().starts_with(b".") || is_own(&path) {
            continue;
        }
        let shown = name.to_string_lossy();
        match path.metadata() {
            Ok(metadata) if metadata.is_dir() => {
                found.not_read.push(format!("`{shown}` (a folder)"));
            }
            Ok(metadata) if !metadata.is_file() => {
                found.not_read.push(format!("`{shown}` (not a file)"));
            }
            _ if is_unfinished(&name) => {
                found
                    .not_read
                    .push(format!("`{shown}` (still being written)"));
            }
            // If a file can't be read, reading it reports why.
            _ => found.files.push(FolderFile {
                is_named_as_export: is_named_as_export(&name),
                path,
            }),
        }
    }
    Ok(found)
}

/// Returns the warning about what of a folder is not read, if anything.
pub(super) fn not_read(folder: &Path, names: &[String]) -> Option<Problem> {
    let shown: Vec<&str> = names.iter().take(NAMED_MOST).map(String::as_str).collect();
    let more = match names.len().saturating_sub(shown.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "not read, since they are not exports: {}{more}",
        shown.join(", ")
    );
    let problem = Problem::warning(ProblemCode::FolderFileSkipped, message)
        .at(folder.display().to_string(), None)
        .hint("to read one of them, name it itself; a file whose name ends with `.csv` is always read");
    (!names.is_empty()).then_some(problem)
}

/// Returns `true` if a file is the journal, one of its companions, or a folder that the program writes beside it.
fn is_of(path: &Path, journal: &Path) -> bool {
    if path.parent() != journal.parent() {
        return false;
    }
    let (Some(name), Some(of)) = (path.file_name(), journal.file_name()) else {
        return false;
    };
    name.as_encoded_bytes().starts_with(of.as_encoded_bytes())
        || path.is_dir()
            && ["reports", "audit"]
                .iter()
                .any(|own| name == OsStr::new(own))
}
