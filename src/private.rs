//! Makes files that only their owner may read, and directories that only their owner may change.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

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

/// Makes a directory with those above it, if it is not there. Nobody else may put files into it, whatever the user's
/// mask says: a report of somebody else's could be run again.
///
/// # Errors
///
/// It can't be made, or something else is in its place.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o755);
    builder.create(path)
}
