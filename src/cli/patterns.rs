//! Patterns of file names, and the files that match them.
//!
//! Names need not be UTF-8. Hidden files are matched only by a pattern that begins with a dot, as
//! in a shell: `*.csv` does not read the `._payments.csv` that another system leaves beside an
//! export.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern, PatternError};

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The pattern for any number of folders.
const ANY_FOLDERS: &str = "**";

/// The reason why a pattern gives no files.
#[derive(Debug)]
pub(super) enum PatternFault {
    /// The pattern is not valid.
    Invalid(PatternError),
    /// A folder can't be read.
    Unreadable(PathBuf, io::Error),
}

/// Returns `true` if a name may be a pattern.
pub(super) fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// Returns the files that match a pattern, in the order of their names.
pub(super) fn matching(pattern: &Path) -> Result<Vec<PathBuf>, PatternFault> {
    let mut base = PathBuf::new();
    let mut parts = Vec::new();
    for component in pattern.components() {
        match component {
            Component::Normal(name) => parts.push(PatternSegment::parse(name.to_owned())?),
            Component::ParentDir if !parts.is_empty() => {
                parts.push(PatternSegment::Name("..".into()))
            }
            fixed => base.push(fixed),
        }
    }
    let mut found = Vec::new();
    walk(&base, &parts, &mut found)?;
    found.dedup();
    Ok(found)
}

/// A part of a pattern between two separators.
enum PatternSegment {
    Name(OsString),
    Pattern(Pattern),
    AnyFolders,
}

impl PatternSegment {
    fn parse(name: OsString) -> Result<Self, PatternFault> {
        let text = name.to_string_lossy();
        if text == ANY_FOLDERS {
            return Ok(PatternSegment::AnyFolders);
        }
        if is_pattern(&text) {
            Pattern::new(&text)
                .map(PatternSegment::Pattern)
                .map_err(PatternFault::Invalid)
        } else {
            Ok(PatternSegment::Name(name))
        }
    }
}

fn walk(
    base: &Path,
    parts: &[PatternSegment],
    found: &mut Vec<PathBuf>,
) -> Result<(), PatternFault> {
    let Some((part, rest)) = parts.split_first() else {
        found.push(base.to_owned());
        return Ok(());
    };
    match part {
        PatternSegment::Name(name) => {
            let path = base.join(name);
            if path.exists() {
                walk(&path, rest, found)
            } else {
                Ok(())
            }
        }
        PatternSegment::Pattern(pattern) => {
            for (name, is_folder) in entries(base)? {
                let is_match = pattern.matches_with(&name.to_string_lossy(), OPTIONS);
                if is_match && (rest.is_empty() || is_folder) {
                    walk(&base.join(name), rest, found)?;
                }
            }
            Ok(())
        }
        PatternSegment::AnyFolders => {
            walk(base, rest, found)?;
            for (name, is_folder) in entries(base)? {
                // A link to a folder may form a circle.
                let path = base.join(&name);
                if is_folder && !path.is_symlink() && !name.as_encoded_bytes().starts_with(b".") {
                    walk(&path, parts, found)?;
                }
            }
            Ok(())
        }
    }
}

/// Returns the names in a folder, sorted; for each, `true` if it is a folder.
fn entries(folder: &Path) -> Result<Vec<(OsString, bool)>, PatternFault> {
    let here = Path::new(".");
    let read = if folder.as_os_str().is_empty() {
        here
    } else {
        folder
    };
    let unreadable = |error| PatternFault::Unreadable(read.to_owned(), error);
    if !read.is_dir() {
        return Ok(Vec::new());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(read).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        let is_folder = read.join(&name).is_dir();
        entries.push((name, is_folder));
    }
    entries.sort();
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_stand_for_the_files_that_a_shell_would_name() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "b.csv",
            "a.csv",
            "._a.csv",
            ".b.csv",
            "c.txt",
            "x/d.csv",
            "x/y/e.csv",
            ".z/f.csv",
        ] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = |pattern: &str| -> Vec<String> {
            let found = matching(&root.join(pattern)).unwrap().into_iter();
            let inside = found.map(|path| path.strip_prefix(root).unwrap().to_owned());
            inside
                .map(|path| path.to_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(found("*.csv"), ["a.csv", "b.csv"]);
        assert_eq!(found(".*.csv"), ["._a.csv", ".b.csv"]);
        assert_eq!(found("[ab].*"), ["a.csv", "b.csv"]);
        assert_eq!(found("*/*.csv"), ["x/d.csv"]);
        assert_eq!(found("?/y/*.csv"), ["x/y/e.csv"]);
        assert_eq!(
            found("**/*.csv"),
            ["a.csv", "b.csv", "x/d.csv", "x/y/e.csv"]
        );
        assert_eq!(found("none/*.csv"), [""; 0]);
        assert_eq!(found("x/../*.txt"), ["x/../c.txt"]);
        assert!(matches!(
            matching(Path::new("[a")),
            Err(PatternFault::Invalid(_))
        ));
    }
}
