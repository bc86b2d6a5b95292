//! A CSV that is being written.

use std::io;
use std::path::PathBuf;

use crate::report::atomic::{Failure, Partial, Whole};
use crate::spreadsheet::neutralise;

/// A CSV file of which no cell is a formula to a spreadsheet.
pub(super) struct Table {
    writer: csv::Writer<Partial>,
    path: PathBuf,
}

impl Table {
    pub(super) fn create(path: PathBuf, header: &[&str]) -> Result<Self, Failure> {
        let writer = csv::Writer::from_writer(Partial::create(&path)?);
        let mut table = Table { writer, path };
        for column in header {
            table.text(column)?;
        }
        table.end_row()?;
        Ok(table)
    }

    pub(super) fn finish(self) -> Result<Whole, Failure> {
        let Table { writer, path } = self;
        // The error holds the writer, and with it the file that is to go.
        let partial = writer.into_inner().map_err(|error| {
            let cause = error.error();
            let source = io::Error::new(cause.kind(), cause.to_string());
            Failure::new(&path, "writing it", source)
        })?;
        partial.finish()
    }

    /// Text that somebody else has written.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.plain(&neutralise(text))
    }

    pub(super) fn optional_text(&mut self, text: Option<&str>) -> Result<(), Failure> {
        self.text(text.unwrap_or_default())
    }

    /// A number, a time, a word from a closed set.
    pub(super) fn optional(&mut self, value: Option<impl ToString>) -> Result<(), Failure> {
        self.plain(&value.map(|value| value.to_string()).unwrap_or_default())
    }

    pub(super) fn plain(&mut self, cell: &str) -> Result<(), Failure> {
        self.writer
            .write_field(cell)
            .map_err(|error| Failure::new(&self.path, "writing it", error))
    }

    pub(super) fn end_row(&mut self) -> Result<(), Failure> {
        self.writer
            .write_record(None::<&[u8]>)
            .map_err(|error| Failure::new(&self.path, "writing it", error))
    }
}
