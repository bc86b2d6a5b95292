//! Holds sales that were paid after all: an earlier run had refunded them, since they were not paid then.

use std::collections::HashSet;

use crate::event::{EventKey, Events, Kind, NOT_PAID, PAID_AFTER_ALL};
use crate::link::HeldReason;
use crate::plan::History;

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
        let Some(reversed) = history.not_paid_refund(key, input) else {
            continue;
        };
        let paid = events.get(index).to_event();
        let id = compact_str::format_compact!("{}{PAID_AFTER_ALL}", paid.event_id());
        if history.essence(EventKey::from_id(&id)).is_some() || !seen.insert(key) {
            continue;
        }
        let why = format!(
            "an earlier run sent refund `{}{NOT_PAID}`, since the sale was not paid then, and this row has it as paid",
            paid.event_id()
        );
        let mut sale = paid.derive_event(Kind::Sale, id);
        sale.money = reversed.money;
        held.push((events.len(), HeldReason::PaidAfterAll, why));
        events.push(&sale);
    }
    held
}
