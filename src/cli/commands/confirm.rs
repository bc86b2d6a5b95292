//! Asks for confirmation before anything is sent or changed.

use serde::Serialize;

use crate::cli::arguments::Common;
use crate::cli::error::{CliError, Exit};
use crate::cli::terminal::Terminal;
use crate::problem::{Problem, ProblemCode};
use crate::report::SCHEMA;

/// The message when sending was declined.
pub(super) const NOTHING_SENT: &str = "Nothing was sent.";

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Confirmation {
    Yes,
    No,
}

/// The object that `--json` prints if the answer was no.
#[derive(Serialize)]
struct Cancelled {
    schema: u32,
    cancelled: bool,
    exit_code: u8,
}

/// Asks a question; `--yes` answers it.
///
/// # Errors
///
/// The error `otherwise`, if nobody can be asked.
pub(super) fn ask(
    common: &Common,
    terminal: &Terminal,
    question: &str,
    otherwise: impl FnOnce() -> Problem,
) -> Result<Confirmation, CliError> {
    if common.yes {
        return Ok(Confirmation::Yes);
    }
    match terminal.ask(question) {
        Some(true) => Ok(Confirmation::Yes),
        Some(false) => Ok(Confirmation::No),
        None => Err(CliError::usage(otherwise())),
    }
}

/// Returns the error that nobody can be asked, with what to do.
pub(super) fn cannot_ask(hint: &str) -> Problem {
    let message = "cannot ask for confirmation: standard input is not a terminal";
    Problem::error(ProblemCode::NotConfirmed, message).hint(hint)
}

/// Returns the error that nothing was sent, since nobody could be asked; `command` is what does it without a question, and
/// `does` what that does.
pub(super) fn nothing_sent(command: &str, does: &str) -> Problem {
    let message =
        "nothing was sent: cannot ask for confirmation, since standard input is not a terminal";
    Problem::error(ProblemCode::NotConfirmed, message).hint(format!("`{command}` {does}"))
}

/// Ends a command that was declined, which is not an error. `left` is the message of what was not
/// done.
pub(super) fn cancelled(terminal: &Terminal, left: &str) -> Result<Exit, CliError> {
    terminal.note(&format!("Cancelled. {left}"));
    if terminal.is_json() {
        terminal.write_json(&Cancelled {
            schema: SCHEMA,
            cancelled: true,
            exit_code: Exit::Done as u8,
        })?;
    }
    Ok(Exit::Done)
}
