//! What the account says of the sales of an undo: read before the plan is shown, and nothing is sent.

use super::super::account_check::{MAX_COMMISSIONS, compared_with};
use super::super::destination::Destination;
use super::super::fetched_list::fetch_list;
use super::super::incomplete_listing::incomplete_listing;
use super::super::paid_commissions::{PaidOf, paid_problem};
use crate::cli::arguments::UndoArguments;
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::cli::terminal::Terminal;
use crate::journal::{JournalReader, RunRecord};
use crate::problem::{Problem, ProblemCode};
use crate::report::Commands;
use crate::send::{KeptLines, LineKeeper};
use crate::tracking::ListedCommission;
use crate::undo::{AccountLines, AccountUnits, UndoPlan};

/// Compares the refunds to send with the account's list of commissions, and finds those that are marked as paid.
///
/// # Errors
///
/// The list is not complete: nothing is undone then.
pub(super) fn compare(
    plan: &mut UndoPlan,
    (arguments, commands): (&UndoArguments, &Commands),
    settings: &EffectiveSettings,
    target: &Destination,
    (journal, run): (&JournalReader, &RunRecord),
    terminal: &Terminal,
) -> Result<(), CliError> {
    if plan.to_send.is_empty() {
        return Ok(());
    }
    let lines = if arguments.check.is_left_out || target.is_sandbox() {
        plan.problems
            .extend([not_checked(arguments.check.is_left_out)]);
        None
    } else {
        let lines = AccountLines::new([&*plan]);
        let again = |option: &str| {
            let command = commands.command(&format!("undo {}{option}", run.name));
            format!("`{command}`")
        };
        Some(fetch(lines, again, settings, target, terminal)?)
    };
    if let Some(lines) = &lines {
        plan.compare_with_account(lines, &units(settings), journal, run)?;
    }
    plan.find_paid(lines.as_ref(), journal)?;
    let paid = paid_problem(&plan.paid, PaidOf::ToUndo, settings.api.account_currency);
    plan.problems.extend(paid);
    Ok(())
}

/// Returns how amounts of the account are to be understood.
pub(super) fn units(settings: &EffectiveSettings) -> AccountUnits {
    AccountUnits {
        currency: settings.api.account_currency,
        decimals: settings.currencies.decimals.clone(),
    }
}

/// Fetches the account's list of commissions. `again` returns the command that tries again, with an option.
///
/// # Errors
///
/// The list is not complete.
pub(super) fn fetch(
    lines: AccountLines,
    again: impl Fn(&str) -> String,
    settings: &EffectiveSettings,
    target: &Destination,
    terminal: &Terminal,
) -> Result<AccountLines, CliError> {
    let mut listing = KeptLines::new(lines, MAX_COMMISSIONS);
    let per_minute = target.pace(settings).requests_per_minute;
    let read = fetch_list(target.client(), per_minute, &mut listing, terminal)?.map_err(|(unlisted, interrupted)| {
        let (exit, problem) = incomplete_listing("commissions", &unlisted, interrupted);
        let message = format!(
            "nothing was undone: without the account's list, it is not known what others have refunded: {}",
            problem.message
        );
        let hint = format!(
            "{} tries again; {} sends the refunds without the list",
            again(""),
            again(" --no-account-check")
        );
        CliError::Ended(exit, Box::new(Problem { message, ..problem }.hint(hint)))
    })?;
    let mut lines = listing.kept;
    lines.requests = read.requests;
    Ok(lines)
}

/// Warns that the account was not looked at.
pub(super) fn not_checked(no_account_check: bool) -> Problem {
    let message = "the account's commissions were not compared: refunds that others have made of these sales are not known and would count twice, and neither is which commissions were denied or paid";
    let problem = Problem::warning(ProblemCode::UndoNotCompared, message);
    if no_account_check {
        problem.hint("without `--no-account-check`, the account's list is read first")
    } else {
        problem.hint("the built-in sandbox has none")
    }
}

/// Returns what came of the comparison, for people.
pub(super) fn in_words(plan: &UndoPlan) -> Option<String> {
    let check = plan.account.as_ref()?;
    let read = compared_with(check.commissions, check.requests);
    let theirs = &check.refunded_by_others;
    Some(if theirs.count() > 0 {
        format!("{read}{theirs} of these sales by others, subtracted.")
    } else {
        format!("{read}no refund by others of the sales to undo.")
    })
}

impl LineKeeper<ListedCommission> for AccountLines {
    fn keep(&mut self, line: &ListedCommission) {
        self.add(line);
    }

    fn clear(&mut self) {
        AccountLines::clear(self);
    }
}
