//! Rows that were rejected and are handed back in a corrected form: which of them count as corrected, and
//! which of their events still need attention when an export has the rows as they were.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::NewJob;
use crate::event::{EventKey, ExportLine};
use crate::job::{CorrectedRow, Input, Job, SourceRow};
use crate::journal::{
    Acceptance, Item, ItemId, Journal, JournalError, JournalHistory, PlanState, Recording,
};
use crate::report::handed_back::items_of_rows;
use crate::report::items::row_item_id;

/// Holds what is recorded of the rows of a job that were rejected by an earlier run.
#[derive(Default)]
pub(super) struct Corrections {
    /// The rows of which nothing is held, by the file that was handed back.
    accepted: Vec<(Vec<Item>, Acceptance)>,
    /// The events that the corrected rows give.
    events: Vec<(ItemId, EventKey)>,
}

impl Corrections {
    /// Finds the rejected rows that these exports have in a corrected form. A row with an event that is held
    /// is not corrected yet: its money goes nowhere.
    pub(super) fn find(
        journal: &Journal,
        job: &Job,
        new: &NewJob<'_>,
    ) -> Result<Self, JournalError> {
        let rows = items_of_rows(journal, job.corrected.iter())?;
        if rows.is_empty() {
            return Ok(Corrections::default());
        }
        let (events, held) = events_of(job, &rows);
        let mut by_input: BTreeMap<usize, Vec<Item>> = BTreeMap::new();
        for (row, item) in rows {
            if !held.contains(&item.id) {
                by_input.entry(row.source.input).or_default().push(item);
            }
        }
        let accepted = by_input.into_iter().map(|(input, mut items)| {
            items.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
            let path = job
                .inputs
                .get(input)
                .map_or("", |input| input.path.as_str());
            let acceptance = Acceptance {
                reason: format!("corrected in {path}"),
                by: new.by.to_owned(),
                at: new.started,
            };
            (items, acceptance)
        });
        Ok(Corrections {
            accepted: accepted.collect(),
            events,
        })
    }

    /// Records what was found.
    pub(super) fn record(&self, recording: &mut Recording<'_>) -> Result<(), JournalError> {
        for (items, acceptance) in &self.accepted {
            recording.accept(items, acceptance)?;
        }
        for &(row, event) in &self.events {
            recording.add_corrected_row(row, event)?;
        }
        Ok(())
    }
}

/// Returns the events that corrected rows give, and the rows of which one is held.
fn events_of(
    job: &Job,
    rows: &HashMap<&CorrectedRow, Item>,
) -> (Vec<(ItemId, EventKey)>, HashSet<ItemId>) {
    let places: HashMap<ExportLine, ItemId> = rows
        .iter()
        .map(|(row, item)| (row.source, item.id))
        .collect();
    let held_keys = super::keys_in(&job.plan, PlanState::is_held);
    let mut events = Vec::new();
    let mut held = HashSet::new();
    for planned in job.plan.events() {
        let key = planned.event.key();
        if let Some(&row) = places.get(&planned.event.source) {
            if planned.state.is_held() || held_keys.contains(&key) {
                held.insert(row);
            } else {
                events.push((row, key));
            }
        }
    }
    (events, held)
}

/// Finds the events of corrected rows that need attention, for an export that has the rows as they were.
pub(super) struct CorrectedBefore<'k> {
    rows: HashMap<ItemId, Vec<EventKey>>,
    known: &'k JournalHistory,
}

impl<'k> CorrectedBefore<'k> {
    pub(super) fn read(journal: &Journal, known: &'k JournalHistory) -> Result<Self, JournalError> {
        Ok(CorrectedBefore {
            rows: journal.corrected_rows()?,
            known,
        })
    }

    /// Records that the exports have a rejected row again, for each of its events that needs attention.
    pub(super) fn meet(
        &self,
        recording: &mut Recording<'_>,
        inputs: &[Input],
        row: &SourceRow,
    ) -> Result<(), JournalError> {
        if self.rows.is_empty() || !row.is_rejected {
            return Ok(());
        }
        let input = inputs.get(row.source.input);
        let profile = input.map(|input| input.profile.as_str());
        let header = input.map_or(&[][..], |input| &input.header);
        let item = row_item_id(profile, header, &row.fields, &row.reason);
        for &key in self.rows.get(&item).into_iter().flatten() {
            let known = self.known;
            let open = known
                .needing_attention(key)
                .or_else(|| known.left_to_send(key));
            if let Some(event) = open {
                recording.add_met_event(event, row.source)?;
            }
        }
        Ok(())
    }
}
