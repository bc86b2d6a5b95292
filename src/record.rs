//! Records a planned job in the journal: its exports, its events and what is held, in one transaction.

mod corrected;
mod undo;

use std::cell::LazyCell;
use std::collections::HashSet;

use jiff::Timestamp;

use self::corrected::{CorrectedBefore, Corrections};
use crate::event::{EventKey, EventRef, ExportLine, Kind, Tally};
use crate::job::{IgnoredRow, Imbalance, Job, SourceRows, SourceRowsError};
use crate::journal::{
    AttentionCode, Disposition, EventRow, Journal, JournalError, JournalHistory, NewInput, NewRun,
    Outcome, PlanState, PlanTotal, ReadExport, Recording, RunCommand, RunId,
};
use crate::plan::{Plan, Planned};

pub(crate) use undo::record_undo;

/// Describes what a job is recorded with, beside what it has itself.
#[derive(Clone, Copy, Debug)]
pub struct NewJob<'n> {
    /// The command that starts its run.
    pub command: RunCommand,
    /// The time when the run starts.
    pub started: Timestamp,
    /// The person who starts it: the user and the host.
    pub by: &'n str,
}

/// Names why a job could not be recorded; nothing of it is in the journal.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The journal can't be written.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The rows that are not events can't be read again from where they are kept.
    #[error(transparent)]
    SourceRows(#[from] SourceRowsError),
    /// An amount does not fit.
    #[error(transparent)]
    Imbalance(#[from] Imbalance),
}

/// Puts a run and its whole plan on disk, in one transaction. The rows that are not events are taken out of
/// the job.
///
/// `known` has to be what the job was planned with, of this very journal, which has to be open since then.
///
/// # Errors
///
/// The journal or the rows fail; then nothing was recorded.
pub fn record(
    journal: &mut Journal,
    new: &NewJob<'_>,
    job: &mut Job,
    known: &JournalHistory,
) -> Result<RunId, RecordError> {
    let corrections = Corrections::find(journal, job, new)?;
    let before = CorrectedBefore::read(journal, known)?;
    let mut recording = journal.begin(&NewRun {
        command: new.command,
        started: new.started,
    })?;
    corrections.record(&mut recording)?;
    record_inputs(&mut recording, job)?;
    record_events(&mut recording, job, known)?;
    record_withdrawn(&mut recording, job, known)?;
    record_left_in_account(&mut recording, job, known)?;
    let open = record_open_refunds(&mut recording, job, known)?;
    record_rows(&mut recording, job, &before)?;
    for &state in PlanState::ALL {
        record_totals(&mut recording, state, &job.reading.events.for_state(state))?;
    }
    record_read_exports(&mut recording, job, &open)?;
    for problem in job.problems.kept() {
        recording.add_problem(problem)?;
    }
    for invoice in job.invoices.iter() {
        recording.add_invoice(&invoice.to_event())?;
    }
    for (subscription, plan) in &job.plans {
        recording.add_plan(subscription, plan)?;
    }
    record_unplanned(&mut recording, job, known)?;
    for uid in &job.shared_uids {
        recording.add_shared_uid(uid)?;
    }
    for uid in &job.unclear_uids {
        recording.add_unclear_uid(uid)?;
    }
    Ok(recording.commit()?)
}

/// Records the sums of the events in a state.
fn record_totals(
    recording: &mut Recording<'_>,
    state: PlanState,
    tally: &Tally,
) -> Result<(), RecordError> {
    for (kind, currency, sum) in tally.iter() {
        let amount_cents = i64::try_from(sum.amount_cents).map_err(|_| total_overflow())?;
        recording.add_total(&PlanTotal {
            state,
            kind,
            currency,
            count: sum.count,
            amount_cents,
        })?;
    }
    Ok(())
}

fn record_events(
    recording: &mut Recording<'_>,
    job: &Job,
    known: &JournalHistory,
) -> Result<(), JournalError> {
    // Of several readings of an event, one may be held or sent, and the others are duplicates of it.
    let held = keys_in(&job.plan, PlanState::is_held);
    let sent = LazyCell::new(|| keys_in(&job.plan, |state| state == PlanState::ToSend));
    let too_much: HashSet<usize> = job.sent_too_much.iter().map(|sent| sent.place).collect();
    for place in job.plan.places() {
        let Planned { event, state } = job.plan.event(place);
        match state {
            PlanState::ToSend => record_event(recording, event, &job.plan, known)?,
            PlanState::Duplicate if event.is_uncounted() && !held.contains(&event.key()) => {
                let sale = event.sale_event_id.map(EventKey::from_id);
                if let (Some(sale), Some(gross_cents)) = (sale, event.gross_cents) {
                    recording.add_uncounted(event.key(), sale, gross_cents)?;
                }
            }
            PlanState::Duplicate => {
                let key = event.key();
                if let Some(left) = known.left_to_send(key)
                    && !held.contains(&key)
                    && !sent.contains(&key)
                {
                    recording.add_met_event(left, event.source)?;
                    let recorded = known.events.get(key).map(|recorded| recorded.essence);
                    // It goes out as it was recorded, since some request of it may have arrived.
                    if recorded.is_some_and(|it| event.essence().counts_less_than(&it)) {
                        recording.flag(left, AttentionCode::CountsLess)?;
                    }
                }
            }
            PlanState::OutOfRange => {
                // It stays with the run that left it, and is not sent by this one.
                if let Some(left) = known.left_to_send(event.key()) {
                    recording.add_met_event(left, event.source)?;
                }
            }
            PlanState::Settled => {
                record_settled(recording, event, known, too_much.contains(&place))?;
            }
            PlanState::Unlinked | PlanState::Conflict => {
                recording.add_held(state, &event.to_event())?;
            }
        }
    }
    Ok(())
}

/// Settles the events that earlier runs left to send and that were not paid, so that nothing sends them before a
/// person has decided.
fn record_withdrawn(
    recording: &mut Recording<'_>,
    job: &Job,
    known: &JournalHistory,
) -> Result<(), JournalError> {
    for withdrawn in &job.withdrawn {
        let outcome = if known.maybe_recorded.contains_key(&withdrawn.key) {
            Outcome::Unconfirmed
        } else {
            Outcome::Failed
        };
        let why = Withdrawal {
            code: AttentionCode::NotPaid,
            outcome,
            reason: &withdrawn.reason,
            reason_of_refunds: "not sent: its sale was withdrawn",
        };
        why.record(recording, known, (withdrawn.key, withdrawn.source))?;
    }
    Ok(())
}

/// Settles the events that earlier runs left to send and that the account has under other ids, so that nothing sends them
/// before a person has decided.
fn record_left_in_account(
    recording: &mut Recording<'_>,
    job: &Job,
    known: &JournalHistory,
) -> Result<(), JournalError> {
    for event in job.plan.left_in_account() {
        let why = Withdrawal {
            code: AttentionCode::InAccount,
            outcome: Outcome::Failed,
            reason: &format!("not sent: {}", event.note),
            reason_of_refunds: "not sent: the account has its sale under another id",
        };
        why.record(recording, known, (event.key(), event.source))?;
    }
    Ok(())
}

/// Says why an event that an earlier run left is not sent any more, and how it is settled.
struct Withdrawal<'w> {
    code: AttentionCode,
    outcome: Outcome,
    reason: &'w str,
    reason_of_refunds: &'static str,
}

impl Withdrawal<'_> {
    /// Settles an event with its refunds: one is sent after its sale, so no request of these was.
    fn record(
        &self,
        recording: &mut Recording<'_>,
        known: &JournalHistory,
        (key, source): (EventKey, ExportLine),
    ) -> Result<(), JournalError> {
        let recorded = known
            .events
            .get(key)
            .expect("what is withdrawn was recorded by an earlier run");
        recording.withdraw(recorded.row, self.outcome, (self.code, self.reason))?;
        for &refund in known.open_refunds.get(&key).into_iter().flatten() {
            let why = (self.code, self.reason_of_refunds);
            recording.withdraw(refund, Outcome::Failed, why)?;
            recording.add_met_event(refund, source)?;
        }
        recording.add_met_event(recorded.row, source)
    }
}

/// Records that the exports have earlier refunds again that are not settled well, where a running total has
/// them in it; returns the places of these exports among the inputs.
fn record_open_refunds(
    recording: &mut Recording<'_>,
    job: &Job,
    known: &JournalHistory,
) -> Result<HashSet<usize>, JournalError> {
    let mut inputs = HashSet::new();
    if known.open_refunds.is_empty() {
        return Ok(inputs);
    }
    for Planned { event, .. } in job.plan.events() {
        let is_total = event.refund_total_cents.is_some();
        let sale = event.sale_event_id.filter(|_| is_total);
        let open = sale.and_then(|sale| known.open_refunds.get(&EventKey::from_id(sale)));
        for &earlier in open.into_iter().flatten() {
            recording.add_met_event(earlier, event.source)?;
            inputs.insert(event.source.input);
        }
    }
    Ok(inputs)
}

/// Records which exports have nothing that needs attention, so that a later run need not read them again, and
/// which ones this run did not read for that reason. `open` are the places of exports with earlier refunds that are
/// not settled well.
fn record_read_exports(
    recording: &mut Recording<'_>,
    job: &Job,
    open: &HashSet<usize>,
) -> Result<(), JournalError> {
    for (place, skipped) in job.reading.skipped.iter().enumerate() {
        recording.add_skipped_export(place, skipped)?;
    }
    let run = recording.run_name()?;
    let clean = job.events_of_clean_inputs().into_iter().enumerate();
    for (input, (place, events)) in job.inputs.iter().zip(clean) {
        match events.filter(|_| !open.contains(&place)) {
            Some(events) => {
                let Some(rules) = job.rules else {
                    continue;
                };
                recording.add_read_export(&ReadExport {
                    sha256: input.sha256.clone(),
                    rules,
                    profile: input.profile.clone(),
                    run: run.clone(),
                    events,
                })?;
            }
            None => recording.remove_read_export(&input.sha256)?,
        }
    }
    Ok(())
}

fn keys_in(plan: &Plan, is_in: impl Fn(PlanState) -> bool) -> HashSet<EventKey> {
    let states = plan.states().iter().enumerate();
    let these = states.filter(|(_, state)| is_in(**state));
    these.map(|(place, _)| plan.kind_and_key(place).1).collect()
}

/// Records an event that is to be sent.
fn record_event(
    recording: &mut Recording<'_>,
    event: EventRef<'_>,
    plan: &Plan,
    known: &JournalHistory,
) -> Result<(), JournalError> {
    let key = event.key();
    match known.events.get(key) {
        Some(recorded) if plan.replaces(key) => {
            if !recorded.is_settled() {
                recording.supersede(recorded.row, "sent with what a later export says")?;
            }
            let by = recording.replace(recorded.row, event.to_event())?;
            record_total(recording, event, by, plan, known)?;
            if plan.restates(key) {
                recording.inherit_result(recorded.row, by)?;
                if let Some(&code) = known.flagged.get(&key) {
                    recording.flag(by, code)?;
                }
            }
            for &refund in known.refunds_left.get(&key).into_iter().flatten() {
                recording.supersede(refund, "sent again with its sale, for another customer")?;
            }
        }
        Some(recorded) => {
            recording.take_over(recorded.row, event.source)?;
            // It goes out as it was recorded, since some request of it may have arrived.
            if event.essence().completes_customer_of(&recorded.essence) {
                recording.flag(recorded.row, AttentionCode::CustomerLearned)?;
            }
        }
        None => {
            let row = recording.add_event(&event.to_event())?;
            record_total(recording, event, row, plan, known)?;
        }
    }
    Ok(())
}

/// Records what others have sent of a running total, and that it takes the place of the smaller ones of its sale that were not
/// sent: it has what is missing of them.
fn record_total(
    recording: &mut Recording<'_>,
    event: EventRef<'_>,
    row: EventRow,
    plan: &Plan,
    known: &JournalHistory,
) -> Result<(), JournalError> {
    if let Some(cents) = plan.part_in_account(event.key()) {
        recording.add_part_in_account(row, cents)?;
    }
    let sale = event.sale_event_id.map(EventKey::from_id);
    let earlier = sale.and_then(|sale| known.uncompared_refunds.get(&sale));
    for earlier in earlier.into_iter().flatten() {
        let total = earlier.total_cents.zip(event.refund_total_cents);
        let is_smaller = total.is_some_and(|(earlier, own)| earlier < own);
        if is_smaller && !plan.replaces(earlier.key) {
            recording.replace_total(earlier.row, row)?;
        }
    }
    Ok(())
}

/// Flags the sales that earlier runs sent without the plan that these exports have, and keeps the subscriptions of those
/// that are to be sent without one.
fn record_unplanned(
    recording: &mut Recording<'_>,
    job: &Job,
    known: &JournalHistory,
) -> Result<(), JournalError> {
    let planned: HashSet<&str> = job.plans.iter().map(|(it, _)| it.as_str()).collect();
    if !planned.is_empty() {
        for sale in recording.take_unplanned(&planned)? {
            if let Some(recorded) = known.events.get(sale) {
                recording.flag(recorded.row, AttentionCode::PlanLearned)?;
                recording.add_met_event_without_export(recorded.row)?;
            }
        }
    }
    if !job.unplanned.is_empty() {
        let sent = keys_in(&job.plan, |state| state == PlanState::ToSend);
        for (sale, subscription) in &job.unplanned {
            if sent.contains(sale) {
                recording.add_unplanned(*sale, subscription)?;
            }
        }
    }
    Ok(())
}

/// Records whether a settled event needs attention, as these exports have it.
fn record_settled(
    recording: &mut Recording<'_>,
    event: EventRef<'_>,
    known: &JournalHistory,
    is_too_much: bool,
) -> Result<(), JournalError> {
    record_alias(recording, event, known)?;
    if let Some(left) = known.settled_to_count_less(event) {
        // Where a retry has it tracked, too much was sent.
        recording.flag(left, AttentionCode::CountsLess)?;
    }
    if is_too_much && let Some(recorded) = known.events.get(event.key()) {
        recording.flag(recorded.row, AttentionCode::CountsLess)?;
        recording.add_met_event(recorded.row, event.source)
    } else if let Some(row) = known.no_longer_counts_less(event) {
        recording.unflag(row)
    } else if let Some(row) = known.needing_attention(event.key()) {
        recording.add_met_event(row, event.source)
    } else {
        Ok(())
    }
}

/// Keeps a further id that a settled payment has in these exports, so that it is the same payment when a
/// later export names it by that id alone.
fn record_alias(
    recording: &mut Recording<'_>,
    event: EventRef<'_>,
    known: &JournalHistory,
) -> Result<(), JournalError> {
    let recorded = known.events.get(event.key());
    let further = event
        .reference
        .filter(|_| event.is_distinguished_by_reference);
    if let (Kind::Sale, Some(further), Some(recorded)) = (event.kind, further, recorded)
        && !recorded.essence.has_reference(further)
    {
        recording.add_alias(further, event.event_id())?;
    }
    Ok(())
}

fn record_inputs(recording: &mut Recording<'_>, job: &Job) -> Result<(), JournalError> {
    for input in &job.inputs {
        recording.add_input(&NewInput {
            path: input.path.clone(),
            sha256: input.sha256.clone(),
            profile: input.profile.clone(),
            header: input.header.clone(),
            rows_read: input.rows.read,
            rows_with_events: input.rows.with_events,
            rows_ignored: input.rows.ignored,
            rows_rejected: input.rows.rejected,
        })?;
    }
    Ok(())
}

/// Records the rows that are not events, and what earlier runs know of them.
fn record_rows(
    recording: &mut Recording<'_>,
    job: &mut Job,
    before: &CorrectedBefore<'_>,
) -> Result<(), RecordError> {
    let rows = std::mem::replace(&mut job.source_rows, SourceRows::dropped());
    for row in rows.read()? {
        let row = row?;
        before.meet(recording, &job.inputs, &row)?;
        let disposition = if row.is_rejected {
            Disposition::Rejected
        } else {
            Disposition::Ignored
        };
        recording.add_row(row.source, disposition, &row.reason, &row.fields)?;
        if let Some(IgnoredRow { money }) = row.left_out {
            recording.add_left_out(row.source, &row.reason, &row.fields, money)?;
        }
    }
    Ok(())
}

/// Returns the error for a total that no real account reaches.
fn total_overflow() -> Imbalance {
    Imbalance::new("the amounts of one kind and currency add up to more than the journal can hold")
}
