//! The tables of events that need attention.

use super::gather::{EventLine, Gathered};
use crate::report::steps::{Step, Trouble};
use crate::report::words::count;

/// A table of events that need attention.
pub(super) struct EventTable<'p> {
    pub(super) anchor: &'static str,
    pub(super) title: String,
    pub(super) file: &'static str,
    pub(super) rows: &'p [EventLine],
    pub(super) left_out: u64,
}

pub(super) fn anchor(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::NotSent => "not-sent",
        Trouble::Failed => "failed-events",
        Trouble::Unconfirmed => "unconfirmed-events",
        Trouble::Held => "held-events",
        Trouble::Rejected => "rejected-rows",
    }
}

pub(super) fn event_tables<'p>(steps: &[Step], gathered: &'p Gathered) -> Vec<EventTable<'p>> {
    let tables = steps.iter().filter_map(|step| {
        let rows = match step.trouble {
            Trouble::NotSent => &gathered.not_sent,
            Trouble::Failed => &gathered.refused,
            Trouble::Unconfirmed => &gathered.unconfirmed,
            Trouble::Held => &gathered.held,
            Trouble::Rejected => return None,
        };
        let word = step.trouble.as_str();
        Some(EventTable {
            anchor: anchor(step.trouble),
            title: format!("{} {word}", count(step.count, "event")),
            file: step.trouble.file(),
            rows: &rows.rows,
            left_out: left_out(step.count, rows.rows.len()),
        })
    });
    tables.collect()
}

pub(super) fn left_out(all: u64, shown: usize) -> u64 {
    all.saturating_sub(shown as u64)
}
