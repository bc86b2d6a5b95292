//! What needs attention, and the file or the command for it.

use crate::cli::tables::count;
use crate::journal::{Outcome, PlanState};
use crate::report::{OutcomesSummary, RunSummary};
use crate::tracking::Version;

/// A command of ours as it has to be typed to reach the same journal again.
pub(super) fn command(words: &str, sandbox: Option<Version>) -> String {
    match sandbox {
        None => format!("`fprecon {words}`"),
        Some(Version::V1) => format!("`fprecon {words} --sandbox`"),
        Some(version) => format!("`fprecon {words} --sandbox --api {version}`"),
    }
}

/// The lines for a run: rows and events that did not come through, with what to do.
pub(super) fn steps_of_run(summary: &RunSummary, sandbox: Option<Version>) -> Vec<String> {
    let is_held = |state: &&PlanState| state.is_held();
    let held: u64 = PlanState::ALL
        .iter()
        .filter(is_held)
        .map(|state| summary.reading.events.of(*state).count())
        .sum();
    let of_plan = [
        (
            summary.reading.rows.rejected,
            "row",
            "rejected",
            "mend them in a copy of rejected.csv and run that file".to_owned(),
        ),
        (
            held,
            "event",
            "held",
            "held.csv says why each is not sent".to_owned(),
        ),
    ];
    let mut lines = lines(of_plan);
    lines.extend(steps_of_outcomes(&summary.outcomes, sandbox));
    lines
}

/// The lines for events that were planned and did not come through.
pub(super) fn steps_of_outcomes(
    outcomes: &OutcomesSummary,
    sandbox: Option<Version>,
) -> Vec<String> {
    let of = |outcome| outcomes.of(outcome).count();
    let command = |words| command(words, sandbox);
    lines([
        (
            of(Some(Outcome::Failed)),
            "event",
            "failed",
            format!(
                "failed.csv says why; {} tries them again",
                command("retry --failed")
            ),
        ),
        (
            of(Some(Outcome::Unconfirmed)),
            "event",
            "unconfirmed",
            format!(
                "look them up in FirstPromoter; {} sends them again",
                command("retry --unconfirmed")
            ),
        ),
        (
            of(None),
            "event",
            "not sent",
            format!("{} sends them", command("resume")),
        ),
    ])
}

fn lines<const N: usize>(steps: [(u64, &str, &str, String); N]) -> Vec<String> {
    steps
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, noun, word, next)| format!("{} {word}: {next}", count(n, noun)))
        .collect()
}
