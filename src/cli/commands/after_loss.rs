//! Says that a journal lost events and that no exports were read since: then nothing can be said of those events.

use crate::cli::terminal::Terminal;
use crate::journal::{JournalError, JournalReader};
use crate::problem::{Problem, ProblemCode};

/// Returns the warning, if it applies.
pub(super) fn warning(journal: &JournalReader) -> Result<Option<Problem>, JournalError> {
    let recovered = journal.loss_without_exports()?;
    Ok(recovered.map(|at| {
        let day = at.strftime("%Y-%m-%d");
        Problem::warning(
            ProblemCode::JournalLost,
            format!("the journal lost events and was recovered on {day}; no exports were read since, so the lost events are not known"),
        )
        .hint("run the last exports again with `fprecon run`: what was sent before is not sent twice")
    }))
}

/// Prints the warning if it applies, with `--quiet` too, and returns `true` if it does.
pub(super) fn say(journal: &JournalReader, terminal: &Terminal) -> Result<bool, JournalError> {
    let Some(warning) = warning(journal)? else {
        return Ok(false);
    };
    terminal.say_problem(&warning);
    Ok(true)
}
