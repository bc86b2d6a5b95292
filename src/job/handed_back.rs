//! Holds events of a report that is handed back, of which the journal knows nothing: the row may have another event's
//! place, and that one would be sent again, too.

use crate::event::Events;
use crate::link::{HeldReason, Link, Links};
use crate::plan::History;

/// Holds the events of reports that no run has recorded. With a journal that knows nothing at all, a report is what is
/// left of another one, and its events are sent.
pub(super) fn hold_unknown(events: &Events, history: &dyn History, links: &mut Links) {
    if history.is_empty() {
        return;
    }
    for index in 0..events.len() {
        let is_of_report = events.is_fixed_after_refusal(index);
        if is_of_report && history.essence(events.key(index)).is_none() {
            let reason =
                "it is of a report, and the journal does not know its `event_id`".to_owned();
            links.set(index, Link::held(HeldReason::ReportUnknown, reason));
        }
    }
}
