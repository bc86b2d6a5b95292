//! Says whether two names are of one file.

use std::fs::Metadata;

/// Identifies a file on this machine, whatever its names are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(unix), allow(dead_code, reason = "other systems number no files"))]
pub(crate) struct FileIdentity {
    device: u64,
    number: u64,
}

impl FileIdentity {
    /// Returns the identity of a file as its file system numbers it; `None` on systems that say none.
    #[cfg(unix)]
    pub(crate) fn from_metadata(found: &Metadata) -> Option<FileIdentity> {
        use std::os::unix::fs::MetadataExt;
        Some(FileIdentity {
            device: found.dev(),
            number: found.ino(),
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn from_metadata(_: &Metadata) -> Option<FileIdentity> {
        None
    }
}
