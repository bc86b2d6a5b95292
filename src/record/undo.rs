//! Records what undoes a run: its refunds, what is held, and what the run had left to send.

use super::{NewJob, RecordError, record_totals};
use crate::journal::{
    AttentionCode, Journal, NewRun, PlanState, Recording, RunId, RunRecord, UndoRecord,
};
use crate::undo::{UndoPlan, Unsent};

/// The message of an event that the undone run had left to send.
const LEFT_OUT: &str = "not sent: its run was undone before";

/// Puts the undo of a run on disk, as a run of its own, in one transaction. What the run had left to send is not
/// sent any more, and needs attention.
///
/// `undo` has to be planned with this very journal, which has to be open since then.
///
/// # Errors
///
/// The journal fails; then nothing was recorded.
pub(crate) fn record_undo(
    journal: &mut Journal,
    new: &NewJob<'_>,
    undone: &RunRecord,
    undo: &UndoPlan,
) -> Result<RunId, RecordError> {
    let mut recording = journal.begin(&NewRun {
        command: new.command,
        started: new.started,
    })?;
    recording.set_undone(&UndoRecord {
        undone: undone.id,
        account_check: undo.account.clone(),
    })?;
    for refund in &undo.to_send {
        let place = (refund.sale, undone.id);
        let row = recording.add_undo(&refund.refund, place, refund.replaces)?;
        if refund.is_paid {
            recording.flag(row, AttentionCode::UndoPaid)?;
        }
    }
    for refund in &undo.held {
        recording.add_held(PlanState::Unlinked, refund)?;
    }
    for &refund in &undo.open {
        recording.add_met_event_without_export(refund)?;
    }
    leave_out(&mut recording, &undo.unsent)?;
    for (state, tally) in [
        (PlanState::ToSend, undo.tally_to_send()),
        (PlanState::Settled, undo.earlier.clone()),
        (PlanState::Unlinked, undo.tally_held()),
    ] {
        record_totals(&mut recording, state, &tally)?;
    }
    for problem in undo.problems.kept() {
        recording.add_problem(problem)?;
    }
    Ok(recording.commit()?)
}

/// Settles what the undone run had left to send. It needs attention until somebody sends it after all, or accepts that it
/// is not sent.
fn leave_out(recording: &mut Recording<'_>, unsent: &[Unsent]) -> Result<(), RecordError> {
    for Unsent { record, outcome } in unsent {
        recording.settle(record.row, *outcome, LEFT_OUT)?;
        recording.add_met_event_without_export(record.row)?;
    }
    Ok(())
}
