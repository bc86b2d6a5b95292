//! Reports what is held for a person to look at, and what to do about it.

use std::borrow::Cow;

use super::planner::{KeyRepresentatives, Planner};
use super::settle;
use crate::event::{DATED_AS_SALE, EventKey, EventRef, Events, Tally, UndoState, is_undo, undo_id};
use crate::journal::{Outcome, PlanState};
use crate::link::HeldReason;
use crate::problem::{Problem, ProblemCode};
use crate::shell_word::shell_word;

/// Warns of what would be sent, but for that somebody accepted that it is not.
fn accepted_not_sent(accepted: &Tally) -> Option<Problem> {
    if accepted.count() == 0 {
        return None;
    }
    let message = format!("accepted as held since the account has them, and not sent: {accepted}");
    let hint = sent_after_all("ID".into());
    Some(Problem::warning(ProblemCode::AcceptedNotSent, message).hint(hint))
}

/// Returns how to send an event although somebody accepted that it is not sent.
fn sent_after_all(id: Cow<'_, str>) -> String {
    format!(
        "`fprecon accept --list` says why; to send it after all, withdraw that by `fprecon accept --undo --event {id}`, and run the same command again"
    )
}

/// Returns what to do about an event that an earlier run has left to send, and that the account has under another id.
fn left_in_account_hint(event: EventRef<'_>) -> String {
    let id = shell_word(event.event_id());
    format!(
        "an earlier run had left it to send, and it is not sent; look it up in FirstPromoter: if it is the same one, accept that after the run, `fprecon accept --event {id} --reason TEXT`; if it is another one, `fprecon retry --event {id}` sends it"
    )
}

/// Returns what to do about an event that an earlier run found in the account under another id, and that these exports have
/// otherwise.
fn left_in_account_again_hint(event: EventRef<'_>) -> String {
    let id = shell_word(event.event_id());
    format!(
        "an earlier run did not send it, since the account has it under another id: if it is the same one, `fprecon accept --event {id} --reason TEXT`; if it is another one, `fprecon retry --event {id}` sends what was recorded"
    )
}

impl Planner<'_> {
    /// Returns a problem for each event that is held, with what to do about it.
    pub(super) fn problems(
        &self,
        events: &Events,
        representatives: &KeyRepresentatives,
    ) -> Vec<Problem> {
        let mut accepted = Tally::default();
        let mut held: Vec<Problem> = Vec::new();
        for index in 0..events.len() {
            let event = || events.get(index);
            let (code, hint) = match self.states[index] {
                PlanState::Conflict => (
                    ProblemCode::EventConflict,
                    self.conflict_hint(index, event()),
                ),
                PlanState::Unlinked if self.held[&index] == HeldReason::AcceptedInAccount => {
                    accepted.add(event().kind, event().money);
                    continue;
                }
                PlanState::Unlinked => {
                    let reason = self.held[&index];
                    (
                        reason.code(),
                        self.held_hint(reason, event(), representatives),
                    )
                }
                PlanState::Settled if self.left_in_account.contains(&index) => (
                    ProblemCode::SaleInAccount,
                    left_in_account_hint(event()).into(),
                ),
                PlanState::ToSend
                | PlanState::Settled
                | PlanState::Duplicate
                | PlanState::OutOfRange => continue,
            };
            let event = event();
            let message = format!(
                "{} `{}`: {}",
                event.kind,
                event.event_id(),
                self.note(index)
            );
            let path = self.origins.path(event.source.input);
            held.push(
                Problem::error(code, message)
                    .at(path, Some(event.source.line))
                    .hint(hint),
            );
        }
        held.extend(accepted_not_sent(&accepted));
        held
    }

    fn held_hint(
        &self,
        reason: HeldReason,
        event: EventRef<'_>,
        representatives: &KeyRepresentatives,
    ) -> Cow<'static, str> {
        match reason {
            HeldReason::NamesNoSale
            | HeldReason::SaleNotFound
            | HeldReason::SaleUnclear
            | HeldReason::UnfitForSale
            | HeldReason::TotalFell
            | HeldReason::SaleNotSent => self.unlinked_hint(event, representatives),
            HeldReason::UndoOpen => self.undo_hint(event),
            HeldReason::AfterLoss => format!("`fprecon run` of the same exports with `--in-account hold` compares it with the account's list, and sends what is not there; or look its sale up in FirstPromoter, and if the refund is there, `fprecon accept --event {} --reason TEXT`", shell_word(event.event_id())).into(),
            HeldReason::CorrectedAlone => "correct the customer in the row of its sale in non_referral.csv as well, and run both rows".into(),
            HeldReason::OtherProvider => "add the export that holds its sale; if it is that one, name it in a CSV for `--link`, with the columns refund_event_id,sale_event_id; the refund is not sent".into(),
            HeldReason::Currency => "fix the rates file, or choose by `foreign` under `[currencies]` what is done with other currencies".into(),
            HeldReason::Customer => "write the customer's email into the row, and run the file again".into(),
            HeldReason::UidUnclear => settle::unclear_uid_hint(event).into(),
            HeldReason::Invoice => "add the export of invoices that has it, and the exports with all its payments, to the call; the payment is not sent".into(),
            HeldReason::Payment => "run it in one call with the export that has the payment, which names the customer; the invoice is not sent by itself".into(),
            HeldReason::Undated if event.note.contains(DATED_AS_SALE) => {
                let sale = event.sale_event_id.map(EventKey::from_id);
                let is_known = sale.is_some_and(|sale| self.is_sent_or_known(sale, representatives));
                settle::undated_refund_hint(event, is_known.then_some(self.history)).into()
            }
            HeldReason::Undated => "write the date into the row, and run the file again; or, if it does not belong to the range, accept it after the run: `fprecon accept --event ID --reason TEXT`".into(),
            HeldReason::NotPaid => settle::not_paid_hint(event, self.history).into(),
            HeldReason::PaidAfterAll => settle::paid_after_all_hint(event).into(),
            HeldReason::PaidUnclear => settle::paid_unclear_hint(event).into(),
            HeldReason::ReportUnknown => "give the row the `event_id` that it had: it is sent again under that; if the report is of another journal, name that with `--journal`; or run the export that has the event".into(),
            HeldReason::RefundFailed => settle::refund_failed_hint(event).into(),
            HeldReason::InAccount if event.refund_total_cents.is_some() => format!("look the refund up in FirstPromoter: if it is this one, accept that it is not sent, `fprecon accept --event {} --reason TEXT`; if it is a part of this one, or one of another sale, name its sale in a CSV with the columns refund_event_id,sale_event_id, and run the exports with `--link FILE.csv --in-account hold`: what is missing is sent", shell_word(event.event_id())).into(),
            HeldReason::InAccount => "look the sale up in FirstPromoter: if it is the same one, accept that it is not sent, `fprecon accept --event ID --reason TEXT`; if it is another one, run its exports with `--in-account send`, which sends all that are held for this reason and not accepted".into(),
            HeldReason::SaleDenied => format!("it would take from the promoter what was never earned: if that is right, accept that it is not sent, `fprecon accept --event {} --reason TEXT`; if the sale is to count, approve its commission in FirstPromoter, and run the exports with `--in-account hold` again", shell_word(event.event_id())).into(),
            HeldReason::Accepted | HeldReason::AcceptedInAccount => sent_after_all(shell_word(event.event_id())).into(),
            HeldReason::Profile => settle::looked_at_hint(event, self.history).into(),
        }
    }

    /// Returns what to do about a refund of a sale that an undo was to refund, or about the refund of the undo itself.
    fn undo_hint(&self, refund: EventRef<'_>) -> Cow<'static, str> {
        let id = shell_word(refund.event_id());
        if is_undo(refund.kind, refund.event_id(), refund.sale_event_id) {
            return format!(
                "`fprecon retry --event {id}` reads the account's list, and sends it if that much is left of its sale; if it was refunded in FirstPromoter, `fprecon accept --event {id} --reason TEXT`"
            )
            .into();
        }
        let sale = refund.sale_event_id.unwrap_or_default();
        if self.history.undone(EventKey::from_id(sale)) == Some(UndoState::Accepted) {
            let undo = undo_id(sale);
            let undo = shell_word(&undo);
            return format!(
                "if it was, accept this one, too, after the run: `fprecon accept --event {id} --reason TEXT`; if the sale stands as it is, withdraw that by `fprecon accept --undo --event {undo}`, and run the exports again"
            )
            .into();
        }
        "`fprecon status` shows what came of that refund, and the command for it; then run the exports again".into()
    }

    fn unlinked_hint(
        &self,
        refund: EventRef<'_>,
        representatives: &KeyRepresentatives,
    ) -> Cow<'static, str> {
        match refund.sale_event_id.map(EventKey::from_id) {
            None => {
                "name its sale in a CSV for `--link`, with the columns refund_event_id,sale_event_id; the refund is not sent".into()
            }
            Some(sale) if self.is_in_conflict_with_sent(sale, representatives) => {
                settle::refund_of_conflict_hint(refund, self.history).into()
            }
            Some(sale)
                if representatives
                    .named(sale)
                    .is_some_and(|sale| self.states[sale].is_held()) =>
            {
                "settle its sale first, as the error of the sale says, then run the exports again".into()
            }
            Some(sale) if representatives.named(sale).is_some() || self.history.essence(sale).is_some() => {
                settle::unclear_refund_hint(refund).into()
            }
            Some(_) => {
                "add the export that holds its sale, or name the sale in a CSV for `--link`; the refund is not sent".into()
            }
        }
    }

    /// Returns `true` if a sale is sent by this run or known by an earlier one, so that a refund finds it.
    fn is_sent_or_known(&self, sale: EventKey, representatives: &KeyRepresentatives) -> bool {
        let here = representatives.named(sale).map(|place| self.states[place]);
        here == Some(PlanState::ToSend) || self.history.essence(sale).is_some()
    }

    /// Returns `true` if these exports have a sale otherwise than an earlier run sent it.
    fn is_in_conflict_with_sent(
        &self,
        sale: EventKey,
        representatives: &KeyRepresentatives,
    ) -> bool {
        let is_sent = self.history.outcome(sale).is_some_and(Outcome::is_tracked);
        let here = representatives.named(sale);
        is_sent && here.is_some_and(|sale| self.with_history.contains_key(&sale))
    }

    fn conflict_hint(&self, index: usize, event: EventRef<'_>) -> Cow<'static, str> {
        if self.left_behind.contains(&index) {
            return settle::left_behind_hint(self.history.outcome(event.key())).into();
        }
        if self.history.is_left_in_account(event.key()) {
            return left_in_account_again_hint(event).into();
        }
        let recorded = self.history.essence(event.key());
        if matches!(
            self.history.undone(event.key()),
            Some(UndoState::Refunded | UndoState::RefundedByOthers)
        ) {
            return settle::undone_hint(event).into();
        }
        if event.is_named_by_shared_id_alone {
            return settle::unnamed_hint(event, recorded.is_some()).into();
        }
        match self.with_history.get(&index).zip(recorded) {
            Some((&difference, recorded)) => {
                settle::hint(difference, event, &recorded, self.history)
            }
            // One side is not in these exports, so that nothing can be removed from them.
            None if recorded.is_some() => settle::undecided_hint(event).into(),
            None => {
                "find out which one is right and remove the others from the exports; none of them is sent".into()
            }
        }
    }
}
