//! The end of a run: its message, and the exit code.

use crate::cli::error::Exit;
use crate::cli::signals::Signal;
use crate::cli::tables::count;
use crate::journal::EndReason;
use crate::problem::{Problem, ProblemCode};
use crate::report::{Commands, RunSummary};
use crate::send::{End, Halt, RefusalSeries};
use crate::tracking::Version;

/// Returns the problem with which a run ended early, and what to do; `None` if it ended by itself.
pub(super) fn problem_of(
    end: &End,
    signal: Option<Signal>,
    destination: &str,
    version: Version,
    commands: &Commands,
) -> Option<Problem> {
    let resume = format!("`{}` sends the rest", commands.command("resume"));
    let problem = match end {
        End::Done | End::Journal(_) => return None,
        End::Interrupted => {
            let by = signal.unwrap_or(Signal::Interrupt).name();
            Problem::warning(ProblemCode::Interrupted, format!("interrupted by {by}")).hint(resume)
        }
        End::Paused => Problem::warning(
            ProblemCode::Paused,
            "paused after the events that were to be sent first",
        )
        .hint(resume),
        End::Halted(Halt::KeyRefused { message }) => Problem::error(
            ProblemCode::KeyRefused,
            format!("the API refused the key: {message}"),
        )
        .hint(format!("{}; then {resume}", version.key_advice())),
        End::Halted(Halt::SameRefusal { series, message }) => {
            same_refusal(*series, message, commands)
        }
        End::Halted(Halt::Untrusted { message }) => Problem::error(
            ProblemCode::ServerUntrusted,
            format!(
                "the server can't prove that it is {}: {message}",
                destination
            ),
        )
        .hint("check the base URL and this machine's clock and certificates"),
        End::Waiting { events } => Problem::warning(
            ProblemCode::SignupNotSent,
            format!(
                "{} for the sign-up of the customer, which an earlier run has left to send",
                match events {
                    1 => "1 event waits".to_owned(),
                    _ => format!("{} wait", count(*events as u64, "event")),
                }
            ),
        )
        .hint(format!(
            "nothing is lost; `{}` sends the sign-ups, and then the events",
            commands.command("resume")
        )),
        End::Unreachable { message } => Problem::error(
            ProblemCode::ApiUnreachable,
            format!("the API stayed unreachable or kept failing: {message}"),
        )
        .hint(format!("nothing is lost; {resume}")),
    };
    Some(problem)
}

/// Returns the problem of a run in which the API refused one event after the other for the same reason.
fn same_refusal(series: RefusalSeries, message: &str, commands: &Commands) -> Problem {
    let resume = format!("`{}` sends the rest", commands.command("resume"));
    let (what, hint) = match series {
        RefusalSeries::AtStart => (
            "the API refused every event for the same reason",
            format!(
                "no event counts as failed: fix the cause, then {resume}; if the events are wrong, set `stop_after_same_refusals` under `[send]` higher"
            ),
        ),
        RefusalSeries::Later => (
            "the API refused a long series of events for the same reason",
            format!(
                "fix the cause, then {resume}, and `{}` tries the refused ones again; if the events are wrong, set `stop_after_same_refusals` under `[send]` higher",
                commands.command("retry --failed")
            ),
        ),
    };
    Problem::error(ProblemCode::SameRefusal, format!("{what}: {message}")).hint(hint)
}

/// Returns the exit code of a run with this end.
pub(super) fn exit_of(end: &End, signal: Option<Signal>, summary: &RunSummary) -> Exit {
    match end {
        End::Done if summary.needs_attention() => Exit::Attention,
        End::Done => Exit::Done,
        End::Interrupted => signal.unwrap_or(Signal::Interrupt).exit(),
        End::Halted(Halt::KeyRefused { .. } | Halt::SameRefusal { .. }) => Exit::Refused,
        End::Paused
        | End::Halted(Halt::Untrusted { .. })
        | End::Unreachable { .. }
        | End::Waiting { .. } => Exit::Incomplete,
        End::Journal(_) => Exit::Journal,
    }
}

pub(super) fn reason(end: &End) -> EndReason {
    match end {
        End::Done => EndReason::Done,
        End::Interrupted | End::Paused | End::Waiting { .. } => EndReason::Interrupted,
        End::Halted(Halt::KeyRefused { .. } | Halt::SameRefusal { .. }) => EndReason::KeyRefused,
        End::Halted(Halt::Untrusted { .. }) | End::Unreachable { .. } => EndReason::ApiUnreachable,
        End::Journal(_) => EndReason::Journal,
    }
}
