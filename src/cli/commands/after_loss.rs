//! Says what a journal needs as a whole, and no event of it: it lost events and no exports were read since, so that nothing
//! can be said of those events; or a payout that was asked for is not known to be marked as paid.

use crate::cli::terminal::Terminal;
use crate::journal::{JournalError, JournalReader};
use crate::problem::{Problem, ProblemCode};

/// Returns the warning, if one applies.
pub(super) fn warning(journal: &JournalReader) -> Result<Option<Problem>, JournalError> {
    match journal.loss_without_exports()? {
        Some(at) => Ok(Some(loss(at))),
        None => open_payout(journal),
    }
}

/// Warns of payouts that were asked for, and of which it is not known whether they are marked as paid.
pub(super) fn open_payout(journal: &JournalReader) -> Result<Option<Problem>, JournalError> {
    let commissions = journal.commissions_of_open_payouts()?;
    let message = match commissions {
        0 => return Ok(None),
        1 => "a payout that `history mark-paid` asked for may be pending: 1 commission of it is not known to be marked as paid".to_owned(),
        some => format!("payouts that `history mark-paid` asked for may be pending: {some} commissions of them are not known to be marked as paid"),
    };
    let problem = Problem::warning(ProblemCode::PayoutOpen, message);
    Ok(Some(problem.hint(
        "before the next payout, run `fprecon history mark-paid` with the same `--until` again: it reads what became of them, and goes on",
    )))
}

/// Warns of lost events.
fn loss(at: jiff::Timestamp) -> Problem {
    let day = at.strftime("%Y-%m-%d");
    Problem::warning(
        ProblemCode::JournalLost,
        format!("the journal lost events and was recovered on {day}; no exports were read since, so the lost events are not known"),
    )
    .hint("run the last exports again with `fprecon run`: what was sent before is not sent twice")
}

/// Prints the warning if it applies, with `--quiet` too, and returns `true` if it does.
pub(super) fn say(journal: &JournalReader, terminal: &Terminal) -> Result<bool, JournalError> {
    let Some(warning) = warning(journal)? else {
        return Ok(false);
    };
    terminal.say_problem(&warning);
    Ok(true)
}
