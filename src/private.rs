//! Makes files that only their owner may read.

use std::fs::OpenOptions;

/// Returns options to make a file that nobody else may read, whatever the user's mask says: journals, reports
/// and audits name customers, and what others paid them. An existing file keeps its permissions.
#[cfg(unix)]
pub(crate) fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Returns the default options: on other systems a file has the permissions of its folder.
#[cfg(not(unix))]
pub(crate) fn options() -> OpenOptions {
    OpenOptions::new()
}
