//! The limit of the account that sending has shown, kept in the journal among the problems of the
//! run.

use std::num::NonZeroU32;

use crate::problem::{Problem, ProblemCode};

/// Returns the problem that an account takes fewer requests a minute than were requested, as its
/// 429s have shown.
pub(crate) fn lower_limit(learned_per_minute: u32, asked_per_minute: NonZeroU32) -> Problem {
    let message = format!(
        "the account takes about {learned_per_minute} requests a minute, fewer than the {asked_per_minute} requested"
    );
    let hint = format!(
        "nothing is lost: the run kept to that limit; set `requests_per_minute = {learned_per_minute}` under `[send]` to avoid refused requests"
    );
    Problem::warning(ProblemCode::LimitLower, message).hint(hint)
}

/// Returns `true` if [`lower_limit`] made this problem.
pub(super) fn is_lower_limit(problem: &Problem) -> bool {
    problem.code == ProblemCode::LimitLower
}
