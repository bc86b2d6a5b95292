//! The tables of events that failed, and of those that need attention for another reason.

use super::gather::{EventLine, Gathered};
use crate::journal::AttentionCode;
use crate::report::attention::file_of;
use crate::report::words::count;

/// A table of events.
pub(super) struct EventTable<'p> {
    pub(super) anchor: &'static str,
    pub(super) title: String,
    pub(super) file: &'static str,
    pub(super) rows: &'p [EventLine],
    pub(super) left_out: u64,
}

/// Returns the anchor on the page of the items that need attention for this reason.
pub(super) fn anchor(code: AttentionCode) -> &'static str {
    match code {
        AttentionCode::NotSent => "not-sent",
        AttentionCode::Failed | AttentionCode::LeftOut | AttentionCode::InAccount => {
            "failed-events"
        }
        AttentionCode::Unconfirmed | AttentionCode::NotCompared => "unconfirmed-events",
        AttentionCode::NotPaid => "not-paid",
        AttentionCode::OtherAmount => "other-amounts",
        AttentionCode::ReversalNonReferral => "reversals",
        AttentionCode::SignedUpSince => "signed-up-since",
        AttentionCode::CustomerLearned => "customer-learned",
        AttentionCode::PlanLearned => "plan-learned",
        AttentionCode::CountsLess => "counts-less",
        AttentionCode::NotDated => "not-dated",
        AttentionCode::UndoPaid => "undo-paid",
        AttentionCode::Conflict | AttentionCode::Held => "held-events",
        AttentionCode::Rejected => "rejected-rows",
        AttentionCode::Ignored => "ignored-rows",
    }
}

/// Returns the tables that have rows. Accepted events are in them too.
pub(super) fn event_tables(gathered: &Gathered) -> Vec<EventTable<'_>> {
    use AttentionCode as Code;
    let all = [
        (Code::NotSent, "not sent", &gathered.not_sent),
        (Code::Failed, "failed", &gathered.refused),
        (Code::Unconfirmed, "unconfirmed", &gathered.unconfirmed),
        (Code::NotPaid, "not sent, and not paid", &gathered.not_paid),
        (
            Code::OtherAmount,
            "recorded with another amount",
            &gathered.other_amounts,
        ),
        (
            Code::ReversalNonReferral,
            "not recorded although the sale is",
            &gathered.reversals,
        ),
        (
            Code::SignedUpSince,
            "not recorded, of customers who signed up since",
            &gathered.signed_up_since,
        ),
        (
            Code::CustomerLearned,
            "not recorded, with a customer whom an export names more fully",
            &gathered.customers_learned,
        ),
        (
            Code::PlanLearned,
            "sent without a plan that is known now",
            &gathered.plans_learned,
        ),
        (
            Code::CountsLess,
            "sent with more than counts",
            &gathered.counts_less,
        ),
        (
            Code::NotDated,
            "dated by the day on which they were sent",
            &gathered.not_dated,
        ),
        (
            Code::UndoPaid,
            "of undone sales whose commissions are marked as paid",
            &gathered.undo_paid,
        ),
        (Code::Held, "held", &gathered.held),
    ];
    let with_rows = all.into_iter().filter(|(.., events)| events.count > 0);
    let tables = with_rows.map(|(code, what, events)| EventTable {
        anchor: anchor(code),
        title: format!("{} {what}", count(events.count, "event")),
        file: file_of(code),
        rows: &events.rows,
        left_out: left_out(events.count, events.rows.len()),
    });
    tables.collect()
}

pub(super) fn left_out(all: u64, shown: usize) -> u64 {
    all.saturating_sub(shown as u64)
}
