//! What a report is made from: a run as the journal has it.

use super::source_rows::SourceRow;
use crate::journal::{
    ConversionRecord, Disposition, EventRecord, HeldRecord, JournalError, JournalReader, RunRecord,
};
use crate::problem::Problem;

/// The books of a run, as the journal has them now. All formats read them through this, so that
/// none sees more or less than another.
#[derive(Debug)]
pub struct Books<'j> {
    journal: &'j JournalReader,
    runs: Vec<RunRecord>,
}

impl<'j> Books<'j> {
    /// The books of one run.
    pub fn of_run(journal: &'j JournalReader, run: RunRecord) -> Self {
        Books {
            journal,
            runs: vec![run],
        }
    }

    /// The runs, the oldest first.
    pub fn runs(&self) -> &[RunRecord] {
        &self.runs
    }

    /// Streams the events that were to be sent, in the order of sending.
    ///
    /// # Errors
    ///
    /// The journal can't be read; or what `each` returns. So for all functions here.
    pub fn for_each_event<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(EventRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        for run in &self.runs {
            self.journal.for_each_event(run.id, &mut each)?;
        }
        Ok(())
    }

    /// Streams the events that were held.
    pub fn for_each_held<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(HeldRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        for run in &self.runs {
            self.journal.for_each_held(run.id, &mut each)?;
        }
        Ok(())
    }

    /// Streams the amounts that were converted.
    pub fn for_each_conversion<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(ConversionRecord) -> Result<(), E>,
    ) -> Result<(), E> {
        for run in &self.runs {
            self.journal.for_each_conversion(run.id, &mut each)?;
        }
        Ok(())
    }

    /// Streams what the plan had to say about the exports.
    pub fn for_each_problem<E: From<JournalError>>(
        &self,
        mut each: impl FnMut(Problem) -> Result<(), E>,
    ) -> Result<(), E> {
        for run in &self.runs {
            self.journal.for_each_problem(run.id, &mut each)?;
        }
        Ok(())
    }

    /// Streams the rows that gave no event.
    pub(super) fn for_each_row<E: From<JournalError>>(
        &self,
        disposition: Disposition,
        mut each: impl FnMut(&SourceRow<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        for run in &self.runs {
            self.journal.for_each_row(run.id, disposition, |record| {
                each(&SourceRow::of(run, disposition, &record))
            })?;
        }
        Ok(())
    }
}
