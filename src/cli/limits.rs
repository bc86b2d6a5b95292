//! Checks the limits of the system before any work begins.

#[cfg(unix)]
use std::sync::Arc;
use std::sync::Mutex;
use std::thread;

use super::error::CliError;
use crate::problem::{Problem, ProblemCode};

/// The number of files that may be open at once in a run: connections, the journal, exports, and
/// the files of a report.
#[cfg(unix)]
const OPEN_FILES: usize = 64;

/// The number of threads that a run has at once besides its first: the journal, the reports, names that are looked up.
const THREADS: usize = 12;

/// The stack of a thread that only waits.
const STACK_BYTES: usize = 64 * 1024;

/// Lets a write that would make a file too large (`ulimit -f`) fail like one to a full disk. Without this, the
/// system ends the process.
#[cfg(unix)]
pub(super) fn keep_running_at_the_file_size_limit() {
    // Nobody reads the flag. If the signal can't be caught, it does what it did before.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, Arc::default());
}

/// Does nothing: this system has no such limit.
#[cfg(not(unix))]
pub(super) fn keep_running_at_the_file_size_limit() {}

/// Refuses to begin if the system does not allow enough open files or threads: the run would end in the middle
/// of the work, with a message that depends on what was missing.
pub(super) fn check() -> Result<(), CliError> {
    check_files()?;
    check_threads()
}

/// Starts as many threads as a run may have at once, and ends them.
fn check_threads() -> Result<(), CliError> {
    let gate = Mutex::new(());
    // They wait for each other.
    let closed = gate.lock();
    let refused = thread::scope(|scope| {
        let start = || {
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, || drop(gate.lock()))
        };
        let mut tried = (0..THREADS).map(|started| (started, start()));
        let refused = tried.find_map(|(started, thread)| Some((started, thread.err()?)));
        drop(closed);
        refused
    });
    let Some((started, error)) = refused else {
        return Ok(());
    };
    let message =
        format!("{started} more threads can be started, and {THREADS} are needed: {error}");
    Err(CliError::unusable(
        Problem::error(ProblemCode::Threads, message).hint(
            "nothing was read or sent; allow more processes: `ulimit -u`, the limit of a container, or `TasksMax` of systemd",
        ),
    ))
}

#[cfg(unix)]
fn check_files() -> Result<(), CliError> {
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
            // This system has no such device, and nothing to measure by.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Returns `true` for the error that this process, or the system, has too many open files: EMFILE,
/// ENFILE.
#[cfg(unix)]
fn is_limit(error: &std::io::Error) -> bool {
    matches!(error.raw_os_error(), Some(23 | 24))
}

/// Does nothing: this system has no such limit.
#[cfg(not(unix))]
fn check_files() -> Result<(), CliError> {
    Ok(())
}
