//! What sending has shown of the account's limit, kept in the journal among the problems of the run.

use std::num::NonZeroU32;

use crate::problem::{Problem, ProblemCode};

/// That an account takes fewer requests a minute than were asked for, as its 429s have shown.
pub fn lower_limit(learned_per_minute: u32, asked_per_minute: NonZeroU32) -> Problem {
    let message = format!(
        "the account takes about {learned_per_minute} requests a minute, fewer than the {asked_per_minute} asked for"
    );
    let hint = format!(
        "nothing is lost: the run kept to it; `requests_per_minute = {learned_per_minute}` under `[send]` spares the refusals"
    );
    Problem::warning(ProblemCode::LimitLower, message).hint(hint)
}

/// Whether it is said by [`lower_limit`].
pub(super) fn is_lower_limit(problem: &Problem) -> bool {
    problem.code == ProblemCode::LimitLower
}
