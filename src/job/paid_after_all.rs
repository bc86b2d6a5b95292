//! Holds sales that were paid after all: an earlier run had refunded them, since they were not paid then.

use std::collections::HashSet;

use crate::event::{EventKey, Events, Kind, NOT_PAID, PAID_AFTER_ALL, Text};
use crate::journal::Outcome;
use crate::link::HeldReason;
use crate::plan::History;

/// Returns `true` if an earlier run recorded a sale, and it counts or may: it was tracked, nobody knows, or it is left to send.
pub(super) fn may_count(sale: EventKey, history: &dyn History) -> bool {
    let recorded = history.essence(sale);
    let is_sale = recorded.is_some_and(|recorded| recorded.kind == Kind::Sale);
    let counts = matches!(
        history.outcome(sale),
        Some(Outcome::Tracked | Outcome::AlreadyTracked | Outcome::Unconfirmed) | None
    );
    is_sale && (counts || history.is_withdrawn(sale))
}

/// Returns the id of the sale that stands for a payment now: the last one that was sent again since it was paid after all, or
/// the sale itself. A payment may fail and be paid several times.
pub(super) fn standing_sale(sale: &str, history: &dyn History) -> Text {
    let mut standing = Text::new(sale);
    loop {
        let again = compact_str::format_compact!("{standing}{PAID_AFTER_ALL}");
        if !may_count(EventKey::from_id(&again), history) {
            return standing;
        }
        standing = again;
    }
}

/// Adds a held sale for each sale of the job that was paid after all: an earlier run sent the refund that reversed it
/// since it was not paid, and this export, which is later, has it as paid.
pub(super) fn hold_paid_after_all(
    events: &mut Events,
    history: &dyn History,
) -> Vec<(usize, HeldReason, String)> {
    let mut held = Vec::new();
    if !history.has_not_paid_refunds() {
        return held;
    }
    let mut seen: HashSet<EventKey> = HashSet::new();
    for index in 0..events.len() {
        if events.kind(index) != Kind::Sale {
            continue;
        }
        let key = events.key(index);
        let input = events.get(index).source.input;
        // Nearly no sale has one, and only such a sale was sent again.
        if history.not_paid_refund(key, input).is_none() {
            continue;
        }
        let standing = standing_sale(events.get(index).event_id(), history);
        let refund = history.not_paid_refund(EventKey::from_id(&standing), input);
        let Some(reversed) = refund else {
            continue;
        };
        let paid = events.get(index).to_event();
        let id = compact_str::format_compact!("{standing}{PAID_AFTER_ALL}");
        if history.essence(EventKey::from_id(&id)).is_some() || !seen.insert(key) {
            continue;
        }
        let why = format!(
            "an earlier run sent refund `{standing}{NOT_PAID}`, since the sale was not paid then, and this row has it as paid"
        );
        let mut sale = paid.derive_event(Kind::Sale, id);
        sale.money = reversed.money;
        held.push((events.len(), HeldReason::PaidAfterAll, why));
        events.push(&sale);
    }
    held
}
