//! Reports what a plan says beside its events: what earlier runs left, what may count twice, which dates are
//! not sent.

use std::collections::{BTreeMap, HashSet};

use super::{Job, Setup};
use crate::event::{
    DENIED_IN_ACCOUNT, Essence, EventKey, EventRef, IN_ACCOUNT, Kind, MAYBE_IN_ACCOUNT, Money,
    OTHER_AMOUNT_IN_ACCOUNT, OTHER_CUSTOMER_IN_ACCOUNT, Refunded, Tally, UndoState, share_cents,
};
use crate::journal::{Outcome, PlanState};
use crate::plan::{CSV_HEADER, History, InAccount, Plan, Planned, reversal_row};
use crate::problem::{Problem, ProblemCode};

/// Describes a settled sale of which less counts, as the exports say, than an earlier run sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentTooMuch {
    /// The place of the sale in the plan.
    pub place: usize,
    /// The amount that the API has too much of it: after its refunds, and after those of the job.
    pub difference: Money,
}

/// Returns the settled sales of which less counts than an earlier run sent.
pub(super) fn sent_too_much(plan: &Plan, history: &dyn History) -> Vec<SentTooMuch> {
    if history.is_empty() {
        return Vec::new();
    }
    let counts_less = |planned: &Planned<'_>| {
        planned.state == PlanState::Settled && counts_less(planned.event, history).is_some()
    };
    let mut sales: Vec<usize> = plan
        .unordered()
        .filter(|(_, planned)| counts_less(planned))
        .map(|(place, _)| place)
        .collect();
    plan.sort(&mut sales);
    let keys = sales.iter().map(|&place| plan.event(place).event.key());
    let mut here: BTreeMap<EventKey, Refunded> = BTreeMap::new();
    here.extend(keys.map(|key| (key, Refunded::default())));
    if here.is_empty() {
        return Vec::new();
    }
    for (_, planned) in plan.unordered() {
        if planned.state != PlanState::ToSend {
            continue;
        }
        let refund = planned.event.essence();
        // What an earlier run recorded is in its sums already, sent or not.
        let is_new = !is_in_sums(planned.event.key(), history);
        let sale = refund
            .sale
            .filter(|_| refund.kind == Kind::Refund && is_new);
        if let Some(sum) = sale.and_then(|sale| here.get_mut(&sale)) {
            *sum = sum.with(Refunded::from_refund(planned.event.event_id(), &refund));
        }
    }
    let too_much = sales.into_iter().filter_map(|place| {
        let event = plan.event(place).event;
        let here = here.get(&event.key()).copied().unwrap_or_default();
        let difference = excess(event, here, history)?;
        Some(SentTooMuch { place, difference })
    });
    too_much.collect()
}

/// Returns `true` if an earlier run recorded a refund that counts among those to referrals.
fn is_in_sums(refund: EventKey, history: &dyn History) -> bool {
    history.essence(refund).is_some()
        && history.outcome(refund) != Some(Outcome::NonReferral)
        && !history.is_superseded(refund)
}

/// Returns what was sent of a tracked sale of which less counts, as this reading says.
fn counts_less(sale: EventRef<'_>, history: &dyn History) -> Option<Essence> {
    // Only a reading that distinguishes what counts from what was paid can say so.
    sale.gross_cents?;
    let key = sale.key();
    let sent = history.essence(key)?;
    let is_tracked = history.outcome(key).is_some_and(Outcome::is_tracked);
    (is_tracked && sale.essence().counts_less_than(&sent)).then_some(sent)
}

/// Returns by how much the API has too much of a sale, after the refunds that it has and those of the job,
/// `here`.
fn excess(sale: EventRef<'_>, here: Refunded, history: &dyn History) -> Option<Money> {
    let read = sale.essence();
    let sent = counts_less(sale, history)?.money?;
    let (counts, paid_cents) = (read.money?, read.paid_cents()?);
    let refunds = history.refunded_to_referrals(sale.key()).with(here);
    let left_cents = paid_cents.saturating_sub(refunds.gross_cents).max(0);
    let right_cents = share_cents(counts.amount_cents, left_cents, paid_cents)?;
    let is_cents = sent.amount_cents.saturating_sub(refunds.cents);
    let too_much_cents = is_cents.saturating_sub(right_cents);
    (too_much_cents > 0).then_some(Money {
        amount_cents: too_much_cents,
        ..sent
    })
}

/// Returns the events that a report handed back says may have been recorded, that no earlier run knows, and
/// that would be sent again. Where one knows them, they are not sent.
pub(super) fn repeated_unconfirmed(
    plan: &Plan,
    unconfirmed: &HashSet<EventKey>,
    history: &dyn History,
) -> Tally {
    let mut repeated = Tally::default();
    if unconfirmed.is_empty() {
        return repeated;
    }
    for (_, Planned { event, state }) in plan.unordered() {
        let key = event.key();
        let is_new = state == PlanState::ToSend && history.essence(key).is_none();
        if is_new && unconfirmed.contains(&key) {
            repeated.add(event.kind, event.money);
        }
    }
    repeated
}

/// Reports once that dates of the exports do not reach FirstPromoter.
pub(super) fn note_dates(job: &mut Job, setup: &Setup<'_>) {
    if setup.can_send_dates {
        return;
    }
    let mut dated = Tally::default();
    for (event, state) in job.plan.unordered_numbers() {
        let takes_date = match event.kind {
            Kind::Signup => true,
            Kind::Sale => setup.should_create_commissions,
            Kind::Refund | Kind::Cancellation => false,
        };
        let is_dated = !takes_date && event.created_at.is_some();
        if state == PlanState::ToSend && is_dated {
            dated.add(event.kind, event.money);
        }
    }
    if dated.count() == 0 {
        return;
    }
    let message = format!(
        "version 2 of the Tracking API takes no dates on sales, refunds and cancellations: {dated} will get the day on which they are sent, and so will their commissions"
    );
    let hint = if setup.should_create_commissions {
        "to keep these dates, too, import history with version 1 (`--api v1`)"
    } else {
        "to keep their dates, import history with version 1 (`--api v1`); `history = \"commissions\"` under `[api]` keeps those of the sales of known referrals"
    };
    job.problems
        .push(Problem::warning(ProblemCode::DatesNotTaken, message).hint(hint));
}

/// Reports once what commissions of known referrals don't take of the sales to send.
pub(super) fn note_commissions(job: &mut Job, setup: &Setup<'_>) {
    if !setup.should_create_commissions {
        return;
    }
    let (mut refused, mut shortened) = (Tally::default(), Tally::default());
    for (_, Planned { event, state }) in job.plan.unordered() {
        if event.kind != Kind::Sale || state != PlanState::ToSend {
            continue;
        }
        let currency = event.money.map(|money| money.currency);
        if currency.is_some_and(|currency| currency != setup.account_currency) {
            refused.add(event.kind, event.money);
        } else if event.plan.is_some() || event.to_event().ties().may_create_lead() {
            shortened.add(event.kind, event.money);
        }
    }
    if refused.count() > 0 {
        let message = format!(
            "commissions are created in {} alone, so that these fail: {refused}",
            setup.account_currency
        );
        job.problems.push(
            Problem::warning(ProblemCode::CommissionsLessThanSales, message)
                .hint("convert them by `foreign = \"convert\"` under `[currencies]`"),
        );
    }
    if shortened.count() > 0 {
        let message = format!(
            "a commission takes no plan, promo code, `ref_id` or `tid`, which these have: {shortened}"
        );
        job.problems.push(
            Problem::warning(ProblemCode::CommissionsLessThanSales, message).hint(
                "where commissions depend on the plan, or a promo code makes the lead, send these sales with `history = \"tracking\"` under `[api]`",
            ),
        );
    }
}

/// Reports once what is dated outside of the range and is not sent.
pub(super) fn note_out_of_range(job: &mut Job, setup: &Setup<'_>) {
    let outside = job.reading.events.for_state(PlanState::OutOfRange);
    if outside.count() == 0 {
        return;
    }
    let message = format!("dated outside of {}, and not sent: {outside}", setup.range);
    job.problems.push(
        Problem::warning(ProblemCode::OutOfRange, message)
            .hint("a call with another range, or without one, plans them"),
    );
}

/// Reports which of the sales to send the account has already, and which could not be compared with it.
pub(super) fn note_in_account(job: &mut Job, setup: &Setup<'_>) {
    let Some(found) = &job.plan.in_account else {
        return;
    };
    let mut problems = Vec::new();
    let are_held = matches!(setup.in_account, InAccount::Hold | InAccount::HoldIfListed);
    if found.under_other_ids.count() > 0 {
        let message = format!(
            "{IN_ACCOUNT}{}: {}",
            found.ids_in_words, found.under_other_ids
        );
        let hint = if are_held {
            "they are held; each is named by itself; `--in-account send` with `run` sends them nevertheless"
        } else {
            "sent again, they count twice: `--in-account hold` with `run` holds them; or leave them out by `--since` and `--until`"
        };
        problems.push(Problem::warning(ProblemCode::SaleInAccount, message).hint(hint));
    }
    if found.under_same_ids.count() > 0 {
        let message = format!(
            "already in the account under the same ids: {}",
            found.under_same_ids
        );
        problems.push(Problem::warning(ProblemCode::SaleInAccountAlready, message).hint(
            "they do not count twice: FirstPromoter answers that it has them, and they are `already_tracked`",
        ));
    }
    if found.other_amounts.count() > 0 {
        let message = format!("{OTHER_AMOUNT_IN_ACCOUNT}{}", found.other_amounts);
        let hint = if are_held {
            "FirstPromoter keeps its own amount, and accepts refunds of more: they are held with their refunds; compare them in FirstPromoter; `--in-account send` with `run` sends them nevertheless"
        } else {
            "FirstPromoter keeps its own amount, and accepts refunds of more: compare them in FirstPromoter; `--in-account hold` with `run` holds them and their refunds"
        };
        problems.push(Problem::warning(ProblemCode::SaleOtherAmount, message).hint(hint));
    }
    if found.other_customers.count() > 0 {
        let message = format!("{OTHER_CUSTOMER_IN_ACCOUNT}{}", found.other_customers);
        let hint = if are_held {
            "FirstPromoter keeps its own sale, so that ours earns no commission, and its refunds may reduce another promoter's commission: they are held; compare both; `--in-account send` with `run` sends them nevertheless; send a sale that is a different one under another `event_id`"
        } else {
            "FirstPromoter keeps its own sale, so the ones to send earn no commission, and their refunds may reduce another promoter's commission: compare both; `--in-account hold` with `run` holds them; send a sale that is a different one under another `event_id`"
        };
        problems.push(Problem::warning(ProblemCode::SaleOtherCustomer, message).hint(hint));
    }
    if found.of_denied_sales.count() > 0 {
        let message = format!("{DENIED_IN_ACCOUNT}the sales of {}", found.of_denied_sales);
        let hint = if are_held {
            "these refunds would take from the promoters what was never earned; they are held"
        } else {
            "these refunds would take from the promoters what was never earned; `--in-account hold` with `run` holds them"
        };
        problems.push(Problem::warning(ProblemCode::SaleDenied, message).hint(hint));
    }
    if found.maybe_refunded.count() > 0 {
        let message = format!(
            "perhaps refunded already under other ids: {}",
            found.maybe_refunded
        );
        let hint = if are_held {
            "the account has refunds of these customers that this journal has not sent: look them up in FirstPromoter; ours are held"
        } else {
            "the account has refunds of these customers that this journal has not sent: look them up in FirstPromoter; `--in-account hold` with `run` holds ours"
        };
        problems.push(Problem::warning(ProblemCode::SaleNotCompared, message).hint(hint));
    }
    problems.extend(found.not_compared());
    problems.extend(each_in_account(job));
    job.problems.extend(problems);
}

/// Names each event to send that the account has or may have already.
fn each_in_account(job: &Job) -> Vec<Problem> {
    let mut problems = Vec::new();
    for Planned { event, state } in job.plan.events() {
        let named = [
            (IN_ACCOUNT, ProblemCode::SaleInAccount),
            (MAYBE_IN_ACCOUNT, ProblemCode::SaleNotCompared),
            (OTHER_AMOUNT_IN_ACCOUNT, ProblemCode::SaleOtherAmount),
            (OTHER_CUSTOMER_IN_ACCOUNT, ProblemCode::SaleOtherCustomer),
            (DENIED_IN_ACCOUNT, ProblemCode::SaleDenied),
        ];
        let remark = event.note.split("; ").find_map(|part| {
            let of = named.iter().find(|(start, _)| part.starts_with(start));
            of.map(|(_, code)| (part, code.clone()))
        });
        if let (PlanState::ToSend, Some((remark, code))) = (state, remark) {
            let message = format!("{} `{}`: {remark}", event.kind, event.event_id());
            let path = job.inputs[event.source.input].path.clone();
            let problem = Problem::warning(code, message);
            problems.push(problem.at(path, Some(event.source.line)));
        }
    }
    problems
}

/// Reports which events of these exports an earlier run left to send, or left with an unknown result.
pub(super) fn note_left_over(job: &mut Job, history: &dyn History) {
    if history.is_empty() {
        return;
    }
    let (mut unsent, mut unconfirmed) = (Tally::default(), Tally::default());
    let (mut uncompared, mut excluded) = (Tally::default(), Tally::default());
    for (_, planned) in job.plan.unordered() {
        let event = planned.event;
        let recorded = history.essence(event.key());
        let outcome = recorded.map(|_| history.outcome(event.key()));
        match (planned.state, outcome) {
            (PlanState::ToSend, Some(None)) => unsent.add(event.kind, event.money),
            (PlanState::OutOfRange, Some(None)) => excluded.add(event.kind, event.money),
            (PlanState::Settled, Some(Some(Outcome::Unconfirmed)))
                if history.is_uncompared(event.key()) =>
            {
                uncompared.add(event.kind, event.money);
            }
            (PlanState::Settled, Some(Some(Outcome::Unconfirmed))) => {
                unconfirmed.add(event.kind, event.money);
            }
            _ => {}
        }
    }
    use ProblemCode::{LeftToSend, LeftUnconfirmed};
    warn_of(
        job,
        (LeftToSend, &unsent),
        |unsent| {
            format!(
                "an earlier run left events of these exports to send: {unsent}; they are sent first"
            )
        },
        "`fprecon resume` sends what earlier runs have left, these and others",
    );
    warn_of(
        job,
        (LeftToSend, &excluded),
        |excluded| {
            format!(
                "an earlier run left events to send that are outside of this range: {excluded}; `fprecon resume` sends them all the same"
            )
        },
        "if they are not to be sent, do not resume: `fprecon undo RUN` of the run that left them leaves them out for good, and refunds what it has sent; `fprecon status` names it",
    );
    warn_of(
        job,
        (LeftUnconfirmed, &unconfirmed),
        |unconfirmed| {
            format!(
                "an earlier run left events of these exports unconfirmed: {unconfirmed}; they may be recorded already, and are not sent again"
            )
        },
        "look them up in FirstPromoter; `fprecon retry --unconfirmed` sends again what is not there",
    );
    warn_of(
        job,
        (LeftUnconfirmed, &uncompared),
        |uncompared| {
            format!(
                "an earlier run did not send refunds of these exports, since all or a part of each may be in FirstPromoter: {uncompared}"
            )
        },
        "`fprecon run` of these exports reads the account's list, and sends what is missing",
    );
}

/// Adds a warning of events, if there are any.
fn warn_of(
    job: &mut Job,
    (code, events): (ProblemCode, &Tally),
    message: impl FnOnce(&Tally) -> String,
    hint: &str,
) {
    if events.count() > 0 {
        job.problems
            .push(Problem::warning(code, message(events)).hint(hint));
    }
}

/// Reports of which sales less counts, as these exports say, than an earlier run sent.
pub(super) fn note_counted_less(job: &mut Job) {
    let mut too_much = Tally::default();
    let mut first = None;
    for sent in &job.sent_too_much {
        let sale = job.plan.event(sent.place).event;
        too_much.add(sale.kind, Some(sent.difference));
        first = first.or_else(|| reversal_row(sale, sent.difference));
    }
    if let Some(row) = first {
        let message = format!(
            "an earlier run sent more than counts, as these exports say now: {too_much} too much"
        );
        let hint = format!(
            "refund each difference with a CSV of your own; for the first one it has these two lines: `{CSV_HEADER}` and `{row}`; tracked.csv of the run has the sales"
        );
        job.problems
            .push(Problem::warning(ProblemCode::CountsLess, message).hint(hint));
    }
}

/// Reports which events may count twice, so that `--yes` hides no question.
pub(super) fn note_repeated(job: &mut Job) {
    let repeated = &job.repeated_unconfirmed;
    if repeated.count() > 0 {
        let message = format!(
            "events that this journal does not know are unconfirmed in a report: {repeated}; they may be recorded already, and would then count twice"
        );
        job.problems.push(
            Problem::warning(ProblemCode::RepeatsUnconfirmed, message).hint(
                "look them up in FirstPromoter, and remove the rows of those that are there; or pass the journal of the report's run with `--journal FILE`, which does not send them again",
            ),
        );
    }
}

/// Reports which sales of these exports a run has undone, with their refunds that are not sent for that.
pub(super) fn note_undone(job: &mut Job, history: &dyn History) {
    if !history.has_undone() {
        return;
    }
    let mut undone = Tally::default();
    let mut covered = Tally::default();
    for (_, Planned { event, state }) in job.plan.unordered() {
        let sale = match event.kind {
            Kind::Sale => Some(event.key()),
            Kind::Refund => event.sale_event_id.map(EventKey::from_id),
            Kind::Cancellation | Kind::Signup => None,
        };
        let is_undone = || {
            let state = sale.and_then(|sale| history.undone(sale));
            matches!(
                state,
                Some(UndoState::Refunded | UndoState::RefundedByOthers)
            )
        };
        match (event.kind, state) {
            (Kind::Sale, PlanState::Settled) if is_undone() => {
                undone.add(event.kind, event.money);
            }
            (Kind::Refund, PlanState::Duplicate)
                if !history
                    .outcome(event.key())
                    .is_some_and(Outcome::is_tracked)
                    && is_undone() =>
            {
                covered.add(event.kind, event.money);
            }
            _ => {}
        }
    }
    if undone.count() + covered.count() == 0 {
        return;
    }
    let message = match (undone.count(), covered.count()) {
        (_, 0) => format!(
            "`fprecon undo` has refunded sales of these exports in full: {undone}; they are not sent again"
        ),
        (0, _) => format!(
            "`fprecon undo` has refunded the sales of these refunds in full, so that they are not sent: {covered}"
        ),
        _ => format!(
            "`fprecon undo` has refunded sales of these exports in full: {undone}; they are not sent again, and neither are further refunds of them: {covered}"
        ),
    };
    job.problems.push(
        Problem::warning(ProblemCode::SaleUndone, message).hint(
            "FirstPromoter keeps their ids: to import such a sale again, send it under another `event_id`, with a CSV of your own",
        ),
    );
}
