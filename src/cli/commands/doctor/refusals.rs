//! Says what a run would refuse, for a plan.

use serde::Serialize;

use super::{Check, CheckState, Findings, books, next, places, settings};
use crate::cli::arguments::Common;
use crate::cli::settings::EffectiveSettings;
use crate::journal::JournalReader;

/// Describes one reason why a run would refuse to send.
#[derive(Clone, Debug, Serialize)]
pub(in crate::cli::commands) struct RunRefusal {
    /// What was checked, as `doctor` calls it.
    check: Check,
    pub(in crate::cli::commands) message: String,
    hint: Option<String>,
}

/// Returns every reason why a run with these settings would refuse to send, as far as looking tells: nothing is
/// sent or written, and a command that prints the key is not run, since it may ask for a password. `journal` is the
/// journal that the run would use, if it is there.
pub(in crate::cli::commands) fn refusals_of_run(
    common: &Common,
    effective: &EffectiveSettings,
    journal: Option<&JournalReader>,
) -> Vec<RunRefusal> {
    let mut findings = Findings {
        commands: next::commands(common, effective),
        results: Vec::new(),
    };
    if !common.sandbox {
        settings::check_account(effective, &mut findings);
        if !effective.api.has_key_command() {
            settings::check_key(effective, &mut findings);
        }
    }
    places::check(effective, &mut findings);
    if let Some(reader) = journal
        && let Err(error) = books::expect_account(reader, common, effective)
    {
        findings.error(Check::Journal, &error.into());
    }
    let failed = findings
        .results
        .into_iter()
        .filter(|result| result.state == CheckState::Failed);
    let refusals = failed.map(|result| RunRefusal {
        check: result.check,
        message: result.message,
        hint: result.hint,
    });
    refusals.collect()
}
