//! What the account says of the sales of an undo: read before the plan is shown, and nothing is sent.

use super::super::account_check::{MAX_COMMISSIONS, compared_with};
use super::super::destination::Destination;
use super::super::fetched_list::fetch_list;
use super::super::incomplete_listing::incomplete_listing;
use crate::cli::arguments::UndoArguments;
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::Terminal;
use crate::event::Currency;
use crate::invisible::shown;
use crate::journal::{JournalReader, RunRecord};
use crate::problem::{Problem, ProblemCode};
use crate::report::Commands;
use crate::report::words::amount;
use crate::send::{KeptLines, LineKeeper};
use crate::tracking::ListedCommission;
use crate::undo::{AccountLines, AccountUnits, PaidToPromoter, UndoPlan};

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
    let lines = if arguments.no_account_check || target.is_sandbox() {
        plan.problems.extend([not_checked(arguments)]);
        None
    } else {
        let again = |option: &str| commands.command(&format!("undo {}{option}", run.name));
        Some(fetch(plan, again, settings, target, terminal)?)
    };
    if let Some(lines) = &lines {
        let units = AccountUnits {
            currency: settings.api.account_currency,
            decimals: settings.currencies.decimals.clone(),
        };
        plan.compare_with_account(lines, &units, journal, run)?;
    }
    plan.find_paid(lines.as_ref(), journal)?;
    let paid = paid_problem(&plan.paid, settings.api.account_currency);
    plan.problems.extend(paid);
    Ok(())
}

fn fetch(
    plan: &UndoPlan,
    again: impl Fn(&str) -> String,
    settings: &EffectiveSettings,
    target: &Destination,
    terminal: &Terminal,
) -> Result<AccountLines, CliError> {
    let mut listing = KeptLines::new(AccountLines::new(plan), MAX_COMMISSIONS);
    let per_minute = target.pace(settings).requests_per_minute;
    let read = fetch_list(target.client(), per_minute, &mut listing, terminal)?;
    let read = read.map_err(|(unlisted, interrupted)| {
        let (exit, problem) = incomplete_listing("commissions", &unlisted, interrupted);
        let message = format!(
            "nothing was undone: without the account's list, it is not known what others have refunded: {}",
            problem.message
        );
        let hint = format!(
            "`{}` tries again; `{}` undoes the run without the list",
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
fn not_checked(arguments: &UndoArguments) -> Problem {
    let message = "the account's commissions were not compared: refunds that others have made of these sales are not known and would count twice, and neither is which commissions were denied or paid";
    let problem = Problem::warning(ProblemCode::UndoNotCompared, message);
    if arguments.no_account_check {
        problem.hint("without `--no-account-check`, the account's list is read first")
    } else {
        problem.hint("the sandbox inside the program has none")
    }
}

/// Warns that commissions of the sales are marked as paid.
fn paid_problem(paid: &[PaidToPromoter], currency: Currency) -> Option<Problem> {
    if paid.is_empty() {
        return None;
    }
    let all: u64 = paid.iter().map(|own| own.commissions).sum();
    let cents: i128 = paid
        .iter()
        .map(|own| i128::from(own.commission_cents))
        .sum();
    let message = format!(
        "marked as paid: {} of these sales, {} {currency} of {}; they stay paid, and what the refunds reverse of them is taken from the promoters' next payouts",
        count(all, "commission"),
        amount(cents, currency),
        count(paid.len() as u64, "promoter"),
    );
    Some(Problem::warning(ProblemCode::UndoPaid, message).hint(
        "if the promoters did not get this money, deny the commissions of the refunds (`…_undo`) in FirstPromoter before the next payout",
    ))
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

/// Returns a line for each promoter with commissions that are marked as paid.
pub(super) fn paid_table(paid: &[PaidToPromoter], currency: Currency) -> String {
    let name = |own: &PaidToPromoter| {
        let name = own.promoter_email.as_deref();
        let name = name.or(own.promoter_ref_id.as_deref());
        shown(name.unwrap_or("a promoter without a name")).into_owned()
    };
    let mut lines = vec![[
        "promoter".to_owned(),
        "commissions".to_owned(),
        currency.to_string(),
    ]];
    for own in paid {
        lines.push([
            name(own),
            grouped(own.commissions.into()),
            amount(own.commission_cents.into(), currency),
        ]);
    }
    let width = |column: usize| {
        let widths = lines.iter().map(|line| line[column].chars().count());
        widths.max().unwrap_or(0)
    };
    let [first, second, third] = [width(0), width(1), width(2)];
    let mut text = "Commissions of these sales that are marked as paid:".to_owned();
    for [name, number, cents] in &lines {
        text.push_str(&format!(
            "\n  {name:first$}  {number:>second$}  {cents:>third$}"
        ));
    }
    text
}

impl LineKeeper<ListedCommission> for AccountLines {
    fn keep(&mut self, line: &ListedCommission) {
        self.add(line);
    }

    fn clear(&mut self) {
        AccountLines::clear(self);
    }
}
