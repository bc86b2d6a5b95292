//! Says what becomes of further headers among the rows of an export.

use crate::problem::{Problem, ProblemCode};

/// The reason for which the header is ignored where it stands again.
pub(super) const HEADER_AGAIN: &str = "the header again";

/// Returns the problem of a file that goes on below a header in another order.
pub(super) fn header_in_other_order() -> Problem {
    Problem::error(
        ProblemCode::HeaderAgain,
        "the header appears again on this line, with its columns in another order; nothing of this file is read",
    )
    .hint("the file was put together from two exports: split it before this line into two files, and name both")
}
