//! The errors that end a command, and the exit codes.

use std::fmt;
use std::io;
use std::path::Path;

use crate::job::{Imbalance, SourceRowsError};
use crate::journal::JournalError;
use crate::problem::{Problem, ProblemCode, causes};
use crate::profile::ProfileError;
use crate::record::RecordError;
use crate::report::{ReportError, SummaryError};
use crate::sandbox::SandboxError;
use crate::tracking::ClientError;

/// The exit code of the program. Scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The command is done, and nothing needs attention.
    Done = 0,
    /// The command is done, but rows are rejected or held, or events failed or are unconfirmed.
    Attention = 1,
    /// The command line is not valid.
    Usage = 2,
    /// The input or the configuration can't be used; nothing was sent.
    Unusable = 3,
    /// The API refused the account: the key, or every event for the same reason.
    Refused = 4,
    /// The run is incomplete and can be resumed: the API stayed unreachable or kept failing.
    Incomplete = 5,
    /// The journal is damaged, from a newer version, another account's, or not writable.
    Journal = 6,
    /// Another process uses the journal; nothing was done.
    Busy = 7,
    /// An invariant is broken.
    Internal = 70,
    /// The run was ended by SIGHUP, after draining.
    HungUp = 129,
    /// The run was ended by SIGINT, after draining.
    Interrupted = 130,
    /// The run was ended by SIGTERM, after draining.
    Terminated = 143,
}

/// The reason why a command failed.
#[derive(Debug)]
pub(super) enum CliError {
    /// The command line is not valid.
    Usage(Box<Problem>),
    /// The input or the configuration can't be used.
    Unusable(Vec<Problem>),
    /// The journal can't be used.
    Journal(Box<JournalError>),
    /// A report could not be written; the run itself is in the journal.
    Report(Box<ReportError>),
    /// The books do not balance.
    Imbalance(Imbalance),
    /// The API's listings could not be read to the end, or the user interrupted that.
    Ended(Exit, Box<Problem>),
    /// A thread, a signal handler or a page failed.
    Io(&'static str, io::Error),
}

impl CliError {
    pub(super) fn unusable(problem: Problem) -> Self {
        CliError::Unusable(vec![problem])
    }

    /// Returns the error that there is no journal yet.
    pub(super) fn no_journal(journal: &Path) -> Self {
        let problem = Problem::error(ProblemCode::JournalMissing, "journal not found");
        CliError::unusable(
            problem
                .at(journal.display().to_string(), None)
                .hint("`fprecon run EXPORT` creates one; use `--journal FILE` for another path, or `--sandbox` for the sandbox's journal"),
        )
    }

    pub(super) fn usage(problem: Problem) -> Self {
        CliError::Usage(Box::new(problem))
    }

    pub(super) fn exit(&self) -> Exit {
        match self {
            CliError::Usage(_) => Exit::Usage,
            CliError::Unusable(_) => Exit::Unusable,
            CliError::Ended(exit, _) => *exit,
            CliError::Journal(error) => match **error {
                JournalError::Locked { .. } => Exit::Busy,
                _ => Exit::Journal,
            },
            CliError::Report(_) => Exit::Attention,
            CliError::Imbalance(_) | CliError::Io(..) => Exit::Internal,
        }
    }

    /// Returns the problems to show.
    pub(super) fn problems(&self) -> Vec<Problem> {
        match self {
            CliError::Usage(problem) | CliError::Ended(_, problem) => vec![(**problem).clone()],
            CliError::Unusable(problems) => problems.clone(),
            CliError::Journal(error) => {
                let problem = Problem::error(ProblemCode::Journal, causes(error.as_ref()));
                vec![problem.hint(error.hint())]
            }
            CliError::Report(error) => {
                vec![Problem::error(ProblemCode::Report, causes(error.as_ref())).hint(error.hint())]
            }
            CliError::Imbalance(error) => {
                vec![Problem::error(ProblemCode::Imbalance, error.to_string()).hint(
                    "this is a bug in fprecon; please report it, and keep the exports and the journal",
                )]
            }
            CliError::Io(doing, error) => {
                vec![Problem::error(
                    ProblemCode::Internal,
                    format!("{doing}: {error}"),
                )]
            }
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems: Vec<String> = self.problems().iter().map(Problem::to_string).collect();
        f.write_str(&problems.join("\n"))
    }
}

impl From<SourceRowsError> for CliError {
    fn from(error: SourceRowsError) -> Self {
        CliError::unusable(error.problem())
    }
}

impl From<RecordError> for CliError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Journal(error) => error.into(),
            RecordError::SourceRows(error) => error.into(),
            RecordError::Imbalance(error) => error.into(),
        }
    }
}

impl From<JournalError> for CliError {
    fn from(error: JournalError) -> Self {
        CliError::Journal(Box::new(error))
    }
}

impl From<ReportError> for CliError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Journal(error) => error.into(),
            // Nothing was sent: a plan can't be written where it was to be.
            error @ ReportError::WriteEvents { .. } => CliError::unusable(
                Problem::error(ProblemCode::OutputNotWritten, causes(&error)).hint(error.hint()),
            ),
            other => CliError::Report(Box::new(other)),
        }
    }
}

impl From<SummaryError> for CliError {
    fn from(error: SummaryError) -> Self {
        match error {
            SummaryError::Journal(error) => error.into(),
            SummaryError::Imbalance(error) => error.into(),
        }
    }
}

impl From<Imbalance> for CliError {
    fn from(error: Imbalance) -> Self {
        CliError::Imbalance(error)
    }
}

impl From<ProfileError> for CliError {
    fn from(error: ProfileError) -> Self {
        CliError::unusable(profile_problem(&error))
    }
}

/// Returns a profile's error as a problem.
pub(super) fn profile_problem(error: &ProfileError) -> Problem {
    let mut problem = Problem::error(ProblemCode::ProfileInvalid, error.to_string());
    problem.hint.clone_from(&error.hint);
    problem
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> Self {
        let problem = Problem::error(ProblemCode::Client, error.to_string());
        CliError::unusable(match error {
            ClientError::ShortKey | ClientError::OddKey => {
                problem.hint("copy the whole key from FirstPromoter's settings; nothing was sent")
            }
            _ => problem,
        })
    }
}

impl From<SandboxError> for CliError {
    fn from(error: SandboxError) -> Self {
        CliError::unusable(Problem::error(ProblemCode::Sandbox, causes(&error)).hint(error.hint()))
    }
}
