//! What `resume` and `retry` compare before they send refunds of an undo: since it was planned, others may have refunded its
//! sales.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::account::{fetch, not_checked, units};
use crate::cli::commands::account_check::compared_with;
use crate::cli::commands::destination::Destination;
use crate::cli::commands::paid_commissions::{PaidOf, paid_problem};
use crate::cli::error::CliError;
use crate::cli::settings::EffectiveSettings;
use crate::cli::tables::count;
use crate::cli::terminal::Terminal;
use crate::journal::{EventRow, Journal, JournalError, JournalReader, RunId, WithdrawnUndo};
use crate::problem::Problem;
use crate::report::Commands;
use crate::report::items::accepted_events;
use crate::undo::{self, AccountLines, PlannedAgain};

/// The refunds of undos, by the run that is undone and by the undo.
pub(in crate::cli::commands) type UndoRefunds = HashMap<(RunId, RunId), HashSet<EventRow>>;

/// Describes the command that is to send refunds of undos.
#[derive(Clone, Copy)]
pub(in crate::cli::commands) struct UndoCommand<'c> {
    /// The words of the command, without the name of the program.
    pub(in crate::cli::commands) command: &'c str,
    /// `true` if the account's list is left out.
    pub(in crate::cli::commands) no_account_check: bool,
    pub(in crate::cli::commands) commands: &'c Commands,
}

/// Holds what came of the comparison.
#[derive(Default)]
pub(in crate::cli::commands) struct ComparedAgain {
    /// The refunds that are not sent, by their undo.
    withdrawn: Vec<(RunId, Vec<WithdrawnUndo>)>,
    /// The warnings that commissions of the sales are marked as paid, by their undo.
    paid: Vec<(RunId, Problem)>,
    /// The refunds of sales with commissions that are marked as paid.
    of_paid: Vec<EventRow>,
    /// The warning that the account was not looked at.
    not_checked: Option<Problem>,
    /// The numbers of commissions and of requests of the account's list, if it was read.
    read: Option<(u64, u64)>,
}

/// Compares refunds of undos, which are left to send, with what the journal and the account have now.
///
/// # Errors
///
/// The list of the account is not complete.
pub(in crate::cli::commands) fn compare_again(
    journal: &JournalReader,
    refunds: &UndoRefunds,
    again: UndoCommand<'_>,
    (settings, target): (&EffectiveSettings, &Destination),
    terminal: &Terminal,
) -> Result<ComparedAgain, CliError> {
    let mut compared = ComparedAgain::default();
    if refunds.is_empty() {
        return Ok(compared);
    }
    let mut planned = plans(journal, refunds)?;
    let lines = if again.no_account_check || target.is_sandbox() {
        compared.not_checked = Some(not_checked(again.no_account_check));
        None
    } else {
        let lines = AccountLines::new(planned.iter().map(|(_, planned)| &planned.plan));
        let command = |option: &str| {
            let command = again
                .commands
                .command(&format!("{}{option}", again.command));
            format!("`{command}`")
        };
        Some(fetch(lines, command, settings, target, terminal)?)
    };
    for (undo, planned) in &mut planned {
        if let Some(lines) = &lines {
            planned.compare_with_account(lines, &units(settings), journal)?;
        }
        let withdrawn = planned.withdrawn(|refund| {
            let lines = lines.as_ref();
            lines.is_some_and(|lines| lines.has_refund(refund.key()))
        });
        compared.withdrawn.push((*undo, withdrawn));
        let currency = settings.api.account_currency;
        planned.find_paid(lines.as_ref(), journal)?;
        let of_paid = planned.plan.to_send.iter().filter(|undo| undo.is_paid);
        compared
            .of_paid
            .extend(of_paid.filter_map(|undo| undo.replaces));
        let paid = &planned.plan.paid;
        let paid = paid_problem(paid, PaidOf::ToUndo, currency);
        compared.paid.extend(paid.map(|problem| (*undo, problem)));
    }
    compared.read = lines.map(|lines| (lines.commissions, lines.requests));
    compared.complete_problems(again.commands);
    Ok(compared)
}

/// Plans the undos of the sales of these refunds again.
fn plans(
    journal: &JournalReader,
    refunds: &UndoRefunds,
) -> Result<Vec<(RunId, PlannedAgain)>, CliError> {
    let accepted: HashSet<EventRow> = accepted_events(journal)?.into_iter().collect();
    let now = Timestamp::now();
    let mut planned = Vec::new();
    for ((undone, undo), refunds) in refunds {
        if let Some(undone) = journal.run(*undone)? {
            let plan = undo::plan_again(journal, undone, refunds, &accepted, now)?;
            planned.push((*undo, plan));
        }
    }
    planned.sort_by_key(|(undo, _)| *undo);
    Ok(planned)
}

impl ComparedAgain {
    fn complete_problems(&mut self, commands: &Commands) {
        let withdrawn = self.withdrawn.iter_mut().flat_map(|(_, own)| own);
        for undo in withdrawn {
            commands.complete(&mut undo.problem);
        }
    }

    /// Settles the refunds that are not sent, and keeps why: with the run that was to send them, if that is another one
    /// than their undo.
    ///
    /// # Errors
    ///
    /// The journal can't be written.
    pub(in crate::cli::commands) fn record(
        &self,
        journal: &mut Journal,
        run: Option<RunId>,
        terminal: &Terminal,
    ) -> Result<(), CliError> {
        journal.flag_undo_paid(&self.of_paid, &[])?;
        let mut problems = Vec::new();
        for (undo, withdrawn) in &self.withdrawn {
            let run = run.unwrap_or(*undo);
            problems.extend(journal.withdraw_undos(run, withdrawn, Timestamp::now())?);
            if let Some(problem) = &self.not_checked {
                journal.add_problem(run, problem)?;
            }
        }
        if let Some((commissions, requests)) = self.read {
            let read = compared_with(commissions, requests);
            let found = match problems.len() {
                0 => "the refunds of the undo are sent as they were planned.".to_owned(),
                some => format!("{} of the undo not sent.", count(some as u64, "refund")),
            };
            terminal.human_line(&format!("{read}{found}"));
        }
        for (undo, problem) in &self.paid {
            let run = run.unwrap_or(*undo);
            let mut is_known = false;
            journal.for_each_problem(run, |known| {
                is_known |= known.message == problem.message;
                Ok::<_, JournalError>(())
            })?;
            if !is_known {
                journal.add_problem(run, problem)?;
            }
            problems.push(problem.clone());
        }
        problems.extend(self.not_checked.clone());
        terminal.problems(&problems, 0);
        Ok(())
    }
}
