//! `fprecon audit` in a build that doesn't contain it.

use crate::cli::arguments::{AuditArguments, Common};
use crate::cli::error::{CliError, Exit};
use crate::cli::terminal::Terminal;
use crate::problem::{Problem, ProblemCode};

pub(in crate::cli) fn audit(
    _: &Common,
    _: &AuditArguments,
    _: &Terminal,
) -> Result<Exit, CliError> {
    Err(CliError::usage(
        Problem::error(
            ProblemCode::AuditMissing,
            "this build of fprecon has no audit",
        )
        .hint("build it with its default features: `cargo install --path .`"),
    ))
}
