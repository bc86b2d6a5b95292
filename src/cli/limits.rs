//! What the system has to grant before anything is begun.

use super::error::CliError;
use crate::problem::{Problem, ProblemCode};

/// So many files may be open at once in a run: connections, the journal, exports, and the files of a report.
#[cfg(unix)]
const OPEN_FILES: usize = 64;

/// Refuses to begin where the system does not let enough files be open: it would end in the middle of the
/// work, with a message that depends on what could not be opened.
#[cfg(unix)]
pub(super) fn check() -> Result<(), CliError> {
    let mut open = Vec::with_capacity(OPEN_FILES);
    while open.len() < OPEN_FILES {
        match std::fs::File::open("/dev/null") {
            Ok(file) => open.push(file),
            Err(error) if is_limit(&error) => {
                let message = format!(
                    "{} more files can be open at once, and {OPEN_FILES} are needed",
                    open.len()
                );
                drop(open);
                return Err(CliError::unusable(
                    Problem::error(ProblemCode::OpenFiles, message)
                        .hint("nothing was read or sent; allow more with `ulimit -n 256`"),
                ));
            }
            // There is no such device here, and nothing to measure by.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Whether this process, or the system, has as many files open as it may: EMFILE, ENFILE.
#[cfg(unix)]
fn is_limit(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
pub(super) fn check() -> Result<(), CliError> {
    Ok(())
}
