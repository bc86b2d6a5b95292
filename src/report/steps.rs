//! What of a run needs a person, and the file and the command for it: one home for what the
//! terminal and the reports say.

use super::summary::{OutcomesSummary, RunSummary};
use crate::journal::{Outcome, PlanState};

/// Rows or events that did not come through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    /// Which.
    pub(crate) trouble: Trouble,
    /// How many.
    pub(crate) count: u64,
}

/// Why rows or events did not come through. In the order in which they are best looked at: what is
/// left to send first, since nothing has to be mended for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The run ended first.
    NotSent,
    /// The API refused them, or nothing came of all attempts.
    Failed,
    /// They may have been recorded.
    Unconfirmed,
    /// They contradict others, or their sale was not found.
    Held,
    /// Rows that can't be read.
    Rejected,
}

impl Trouble {
    /// `event` or `row`.
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Trouble::Rejected => "row",
            _ => "event",
        }
    }

    /// What is the matter with them, in a word or two.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Trouble::NotSent => "not sent",
            Trouble::Failed => "failed",
            Trouble::Unconfirmed => "unconfirmed",
            Trouble::Held => "held",
            Trouble::Rejected => "rejected",
        }
    }

    /// The file of the report that has them all.
    pub(crate) fn file(self) -> &'static str {
        match self {
            Trouble::NotSent | Trouble::Failed | Trouble::Unconfirmed => "failed.csv",
            Trouble::Held => "held.csv",
            Trouble::Rejected => "rejected.csv",
        }
    }

    /// What to do about them before the command is called.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Trouble::NotSent => "nothing is lost; send the rest",
            Trouble::Failed => "mend and run failed.csv, or mend the cause and",
            Trouble::Unconfirmed => "look them up; sent again, they may count twice",
            Trouble::Held => "held.csv says why; add what is missing, run again",
            Trouble::Rejected => "mend a copy of rejected.csv and run the copy",
        }
    }

    /// The command that comes next, as it follows `fprecon`.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Trouble::NotSent => "resume",
            Trouble::Failed => "retry --failed",
            Trouble::Unconfirmed => "retry --unconfirmed",
            Trouble::Held => "run EXPORT...",
            Trouble::Rejected => "run rejected-mended.csv",
        }
    }
}

/// What of a run needs a person.
pub(crate) fn steps_of_run(summary: &RunSummary) -> Vec<Step> {
    let held = PlanState::ALL.iter().filter(|state| state.is_held());
    let held = held.map(|state| summary.reading.events.of(*state).count());
    let mut steps = steps_of_outcomes(&summary.outcomes);
    steps.extend(present([
        (Trouble::Held, held.sum()),
        (Trouble::Rejected, summary.reading.rows.rejected),
    ]));
    steps
}

/// What of these events needs a person.
pub(crate) fn steps_of_outcomes(outcomes: &OutcomesSummary) -> Vec<Step> {
    let of = |outcome| outcomes.of(outcome).count();
    present([
        (Trouble::NotSent, of(None)),
        (Trouble::Failed, of(Some(Outcome::Failed))),
        (Trouble::Unconfirmed, of(Some(Outcome::Unconfirmed))),
    ])
}

fn present<const N: usize>(counts: [(Trouble, u64); N]) -> Vec<Step> {
    let steps = counts.into_iter().filter(|(_, count)| *count > 0);
    steps
        .map(|(trouble, count)| Step { trouble, count })
        .collect()
}
