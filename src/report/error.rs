//! Errors of writing a report.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use super::atomic::FileError;
use crate::journal::JournalError;
use crate::object_storage::ObjectError;

/// The reason why there is no report, or no list of planned events. Everything that was sent is in
/// the journal all the same.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The journal can't be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A file of the report can't be written; the file that was there before is unchanged.
    #[error("the report {} can't be written ({doing})", path.display())]
    Write {
        /// The file or the directory.
        path: PathBuf,
        /// The step that failed.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The directory holds a report of another journal, which is left as it is.
    #[error("the folder {} has a report of another journal", .0.display())]
    Occupied(PathBuf),
    /// The file of a plan's events can't be written; the file that was there before is unchanged.
    #[error("the planned events {} can't be written ({doing})", path.display())]
    WriteEvents {
        /// The file.
        path: PathBuf,
        /// The step that failed.
        doing: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl ReportError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Cow<'static, str> {
        match self {
            ReportError::Journal(error) => error.hint(),
            ReportError::Write { source, .. } => match ObjectError::hint_of(source) {
                Some(hint) => Cow::Owned(format!(
                    "the journal is fine; {hint}; then `fprecon report` makes the report again"
                )),
                None => Cow::Borrowed(
                    "the journal is fine; check the permissions, the free space, and that no other \
                     program has the file open, then `fprecon report` makes the report again",
                ),
            },
            ReportError::Occupied(_) => Cow::Borrowed(
                "the journal is fine; `fprecon report --dir DIR` writes the report to another folder",
            ),
            ReportError::WriteEvents { .. } => Cow::Borrowed(
                "nothing was sent; check the path, the permissions and the free space, and plan \
                 again",
            ),
        }
    }
}

impl From<FileError> for ReportError {
    fn from(failure: FileError) -> Self {
        let FileError {
            path,
            doing,
            source,
        } = failure;
        ReportError::Write {
            path,
            doing,
            source,
        }
    }
}
