//! Checks the journal.

use jiff::Timestamp;

use super::{Check, CheckState, Findings};
use crate::cli::arguments::Common;
use crate::cli::commands::after_loss;
use crate::cli::commands::journal::{check_all, contents};
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::journal::{Account, AccountClash, Journal, JournalError, JournalReader};

const CHECK: Check = Check::Journal;

/// Checks that the journal is sound and belongs to the account, and returns when its last run was started or
/// ended.
pub(super) fn check(
    common: &Common,
    settings: &EffectiveSettings,
    findings: &mut Findings,
) -> Option<Timestamp> {
    match look(common, settings, findings) {
        Ok(last) => last,
        Err(error) => {
            findings.error(CHECK, &CliError::from(error));
            None
        }
    }
}

fn look(
    common: &Common,
    settings: &EffectiveSettings,
    findings: &mut Findings,
) -> Result<Option<Timestamp>, JournalError> {
    let path = settings.journal.display();
    let Some((reader, lost)) = JournalReader::open_even_if_lost(&settings.journal)? else {
        let path =
            std::path::absolute(&settings.journal).unwrap_or_else(|_| settings.journal.clone());
        let message = format!("there is no {} yet: the first run makes it", path.display());
        findings.add(CHECK, CheckState::Ok, message);
        return Ok(None);
    };
    if let Some(lost) = lost {
        let path = settings.journal.clone();
        return Err(JournalError::Lost { path, lost });
    }
    let (recorded, asked) = expect_account(&reader, common, settings)?;
    let holder = Journal::lock_holder(&settings.journal)?;
    let checked = check_all(&reader)?;
    for found in &checked.findings {
        let hint = "send nothing from it, and see docs/journal.md; `fprecon journal check` lists all findings";
        findings.add_with_hint(
            CHECK,
            CheckState::Failed,
            format!("{path}: {}", found.what),
            hint,
        );
    }
    if checked.is_sound() {
        let contents = contents(&checked);
        let whose = match asked {
            Some(_) => format!("of {recorded}"),
            None => {
                format!("of {recorded}; whether that is the configured account was not compared")
            }
        };
        findings.add(
            CHECK,
            CheckState::Ok,
            format!("{path}: sound, {whose}: {contents}"),
        );
    }
    if let Some(holder) = holder {
        let message =
            format!("in use by {holder}: a run that starts meanwhile ends with exit code 7");
        findings.add(CHECK, CheckState::Ok, message);
    } else {
        unfinished(&reader, findings)?;
    }
    if let Some(warning) = after_loss::warning(&reader)? {
        let hint = warning.hint.unwrap_or_default();
        findings.add_with_hint(CHECK, CheckState::Warning, warning.message, hint);
    }
    let last = reader.latest_run()?;
    Ok(last.map(|run| {
        run.ended
            .map_or(run.started, |ended| ended.max(run.started))
    }))
}

/// Checks that a journal is the configured account's, if that is known, and returns both.
pub(super) fn expect_account(
    reader: &JournalReader,
    common: &Common,
    settings: &EffectiveSettings,
) -> Result<(Account, Option<Account>), JournalError> {
    let recorded = reader.account()?;
    let asked = account(common, settings);
    match asked.clone().filter(|asked| *asked != recorded) {
        None => Ok((recorded, asked)),
        Some(asked) => Err(JournalError::OtherAccount(Box::new(AccountClash {
            path: settings.journal.clone(),
            recorded,
            asked,
        }))),
    }
}

/// Says which runs no process is working on and that are not finished.
fn unfinished(reader: &JournalReader, findings: &mut Findings) -> Result<(), JournalError> {
    let runs = reader.unfinished_runs()?.len() as u64;
    if runs > 0 {
        let message = format!(
            "{} left unfinished: events are not sent yet",
            count(runs, "run")
        );
        let hint = format!("`{}` sends the rest", findings.commands.command("resume"));
        findings.add_with_hint(CHECK, CheckState::Warning, message, hint);
    }
    Ok(())
}

/// Returns the configured account, if it is known.
fn account(common: &Common, settings: &EffectiveSettings) -> Option<Account> {
    let (base_url, account_id) = if common.sandbox {
        (Account::SANDBOX, "sandbox")
    } else {
        (settings.api.base_url.as_str(), settings.account().ok()?)
    };
    Some(Account {
        api: settings.api.version.to_string(),
        base_url: base_url.to_owned(),
        account_id: account_id.to_owned(),
    })
}
