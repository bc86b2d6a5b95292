//! The life of a row of an export: what each run made of it.

use serde::Serialize;

use super::{EventLife, HeldLife, LifeAcceptance, LifeAttention, LifeReader};
use crate::journal::{Disposition, EventRow, JournalError, RowPlace, RunRecord};
use crate::problem::Problem;
use crate::report::items::row_item;

/// What runs made of a row.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct RowLife {
    /// The runs that read the row, the first one first.
    pub(crate) runs: Vec<RowInRun>,
    /// The cells of the row, where the journal keeps them, each with its column.
    pub(crate) cells: Vec<RowCell>,
    /// The events that the row gave, as far as runs recorded them for it.
    #[serde(skip)]
    pub(crate) events: Vec<EventRow>,
}

/// What a run made of a row.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowInRun {
    pub(crate) run: String,
    pub(crate) command: &'static str,
    pub(crate) started: String,
    /// The export as the run named it.
    pub(crate) file: String,
    pub(crate) sha256: String,
    pub(crate) profile: String,
    /// `ignored`, `rejected`, `held` or `events`; null where the journal has nothing of the row.
    pub(crate) result: Option<&'static str>,
    /// The reason for ignoring or rejecting it.
    pub(crate) reason: Option<String>,
    /// The ids of the events that the run recorded or met again.
    pub(crate) event_ids: Vec<String>,
    /// The events that the run held.
    pub(crate) held: Vec<HeldLife>,
    /// What the run reported about the row.
    pub(crate) problems: Vec<Problem>,
    /// What needs attention: a rejected row that was not fixed or accepted since.
    pub(crate) attention: Option<LifeAttention>,
    pub(crate) accepted: Vec<LifeAcceptance>,
}

impl LifeReader<'_> {
    /// Returns the life of a row in these places of the same bytes, the first run first.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn row(&self, places: &[RowPlace]) -> Result<RowLife, JournalError> {
        let mut life = RowLife::default();
        for place in places {
            if let Some(run) = self.run(place.run) {
                let in_run = self.row_in_run(run, *place, &mut life)?;
                life.runs.push(in_run);
            }
        }
        Ok(life)
    }

    fn row_in_run(
        &self,
        run: &RunRecord,
        place: RowPlace,
        life: &mut RowLife,
    ) -> Result<RowInRun, JournalError> {
        let input = &run.inputs[place.input];
        let events = self.journal.event_rows_at(place)?;
        let mut event_ids = Vec::new();
        for &event in &events {
            if let Some(record) = self.journal.event(event)? {
                event_ids.push(record.event.event_id().to_owned());
            }
            if !life.events.contains(&event) {
                life.events.push(event);
            }
        }
        let held = self.held_lives(self.journal.held_at(place)?.into_iter())?;
        let mut in_run = RowInRun {
            run: run.name.clone(),
            command: run.command.as_str(),
            started: run.started.to_string(),
            file: input.path.clone(),
            sha256: input.sha256.clone(),
            profile: input.profile.clone(),
            result: match (event_ids.is_empty(), held.is_empty()) {
                (false, _) => Some("events"),
                (true, false) => Some("held"),
                (true, true) => None,
            },
            reason: None,
            event_ids,
            held,
            problems: self.problems_at(run, &input.path, place.line)?,
            attention: None,
            accepted: Vec::new(),
        };
        if let Some((disposition, record)) = self.journal.source_row_at(place)? {
            in_run.result = Some(disposition.as_str());
            in_run.reason = Some(record.reason.clone());
            life.cells = row_cells(&input.header, &record.fields);
            if disposition == Disposition::Rejected {
                let item = row_item(run, &record);
                let is_open = self.is_open(item.id)? && !self.is_accepted(item.id);
                in_run.attention = is_open
                    .then(|| self.attention(&item, Some(run)))
                    .transpose()?;
                in_run.accepted = self.acceptances(Some(item.id), |own| own.item.id == item.id);
            }
        }
        Ok(in_run)
    }

    fn problems_at(
        &self,
        run: &RunRecord,
        file: &str,
        line: u64,
    ) -> Result<Vec<Problem>, JournalError> {
        let mut problems = Vec::new();
        self.journal.for_each_problem(run.id, |problem| {
            if problem.line == Some(line) && problem.file.as_deref() == Some(file) {
                problems.push(problem);
            }
            Ok::<_, JournalError>(())
        })?;
        Ok(problems)
    }

    /// Returns the lives of events, and of those with these ids, each once.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub(crate) fn events<'i>(
        &self,
        rows: &[EventRow],
        ids: impl Iterator<Item = &'i str>,
    ) -> Result<Vec<EventLife>, JournalError> {
        let mut rows = rows.to_vec();
        for id in ids {
            for row in self.events_with_id(id)? {
                if !rows.contains(&row) {
                    rows.push(row);
                }
            }
        }
        let lives = rows.into_iter().map(|row| self.event(row));
        lives.filter_map(Result::transpose).collect()
    }
}

/// A cell of a row, with its column; a cell beyond the header has none.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RowCell {
    pub(crate) column: Option<String>,
    pub(crate) value: String,
}

/// Returns the cells of a row that are not empty, with their columns.
pub(crate) fn row_cells(header: &[String], fields: &[String]) -> Vec<RowCell> {
    let columns = header
        .iter()
        .cloned()
        .map(Some)
        .chain(std::iter::repeat(None));
    let cells = columns.zip(fields).map(|(column, cell)| RowCell {
        column,
        value: cell.clone(),
    });
    cells.filter(|cell| !cell.value.is_empty()).collect()
}
