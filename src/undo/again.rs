//! Compares the refunds of an undo that are left to send with the journal and the account once more: since they were
//! planned, others may have refunded their sales.

use std::collections::HashSet;

use jiff::Timestamp;

use super::{AccountLines, AccountUnits, UndoPlan, plan_without};
use crate::event::{Event, KeyMap};
use crate::journal::{
    EventRecord, EventRow, JournalError, JournalReader, Outcome, RunRecord, WithdrawnUndo,
};
use crate::problem::{Problem, ProblemCode};
use crate::shell_word::shell_word;

/// Holds refunds of an undo that are left to send, and what would undo their sales now.
#[derive(Debug)]
pub(crate) struct PlannedAgain {
    /// The refunds that would be planned now.
    pub(crate) plan: UndoPlan,
    /// The refunds that are left to send.
    left: Vec<EventRecord>,
    /// The run that is undone.
    undone: RunRecord,
}

/// Plans once more what would undo the sales of these refunds of earlier undos of a run, which are not settled.
///
/// # Errors
///
/// The journal can't be read.
pub(crate) fn plan_again(
    journal: &JournalReader,
    undone: RunRecord,
    refunds: &HashSet<EventRow>,
    accepted: &HashSet<EventRow>,
    now: Timestamp,
) -> Result<PlannedAgain, JournalError> {
    let mut plan = plan_without(journal, &undone, (accepted, refunds), now)?;
    let mut left = Vec::new();
    for &refund in refunds {
        left.extend(journal.event(refund)?);
    }
    left.sort_by_key(|record| record.row);
    let keys: HashSet<_> = left.iter().map(|record| record.event.key()).collect();
    plan.to_send
        .retain(|undo| undo.replaces.is_some_and(|row| refunds.contains(&row)));
    plan.held.retain(|refund| keys.contains(&refund.key()));
    Ok(PlannedAgain { plan, left, undone })
}

impl PlannedAgain {
    /// Compares the refunds with the account's list.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn compare_with_account(
        &mut self,
        lines: &AccountLines,
        units: &AccountUnits,
        journal: &JournalReader,
    ) -> Result<(), JournalError> {
        self.plan
            .compare_with_account(lines, units, journal, &self.undone)
    }

    /// Finds which commissions of the sales of these refunds are marked as paid.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn find_paid(
        &mut self,
        lines: Option<&AccountLines>,
        journal: &JournalReader,
    ) -> Result<(), JournalError> {
        self.plan.find_paid(lines, journal)
    }

    /// Returns the refunds that would reverse more than is left of their sales, or of sales of which that is not known.
    /// `has_refund` says which refunds the account has already: sending these again only asks for their answers.
    pub(crate) fn withdrawn(&self, has_refund: impl Fn(&Event) -> bool) -> Vec<WithdrawnUndo> {
        let planned: KeyMap<&Event> = self
            .plan
            .to_send
            .iter()
            .map(|undo| &undo.refund)
            .map(|own| (own.key(), own))
            .collect();
        let held: KeyMap<&Event> = self.plan.held.iter().map(|own| (own.key(), own)).collect();
        let left = self.left.iter().filter(|record| !has_refund(&record.event));
        left.filter_map(|record| {
            let key = record.event.key();
            let (reason, is_refunded) = match (held.get(&key), planned.get(&key)) {
                (Some(held), _) => (held.note.to_string(), false),
                (None, Some(planned)) => (more_than_left(&record.event, planned)?, false),
                (None, None) => ("its sale is refunded in full already".to_owned(), true),
            };
            Some(WithdrawnUndo {
                row: record.row,
                outcome: if record.is_maybe_recorded {
                    Outcome::Unconfirmed
                } else {
                    Outcome::Failed
                },
                problem: self.problem(&record.event, &reason, is_refunded),
                reason: format!("not sent: {reason}"),
            })
        })
        .collect()
    }

    /// Returns the error that a refund is not sent, with what to do.
    fn problem(&self, refund: &Event, reason: &str, is_refunded: bool) -> Problem {
        let id = shell_word(refund.event_id());
        let message = format!("refund `{}` is not sent: {reason}", refund.event_id());
        let accept = format!("`fprecon accept --event {id} --reason TEXT`");
        Problem::error(ProblemCode::UndoHeld, message).hint(if is_refunded {
            format!("nothing of it is left to refund: {accept}")
        } else {
            format!(
                "`fprecon undo {} --yes` refunds what is left, once that is certain; if you refund it in FirstPromoter, {accept}",
                self.undone.name
            )
        })
    }
}

/// Returns why a refund is not sent that reverses more than what would be planned now.
fn more_than_left(refund: &Event, planned: &Event) -> Option<String> {
    let (money, left) = (refund.money?, planned.money?);
    let is_more = left.currency != money.currency || left.amount_cents < money.amount_cents;
    is_more.then(|| format!("{left} of its sale are left to refund, and this refund is of {money}"))
}
