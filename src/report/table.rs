//! A CSV file that is being written.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::fmt::StdFmtWrite;
use jiff::fmt::temporal::DateTimePrinter;

use super::atomic::{FileError, FinishedFile, PartialFile, sync_directory};
use super::columns::{Cell, ReportColumn};
use crate::output_folder::OutputFolder;
use crate::spreadsheet::neutralise;

static TIMES: DateTimePrinter = DateTimePrinter::new();

/// A CSV file that is being written. A spreadsheet takes none of its cells as a formula.
pub(crate) struct CsvTable<W: Write = PartialFile> {
    writer: csv::Writer<W>,
    path: PathBuf,
    /// A buffer for the text of numbers and times.
    scratch: String,
}

impl CsvTable {
    pub(crate) fn create<'h>(
        path: PathBuf,
        header: impl IntoIterator<Item = &'h str>,
    ) -> Result<Self, FileError> {
        let file = PartialFile::create(&path)?;
        Self::over(file, path, header)
    }

    pub(crate) fn of_columns(path: PathBuf, columns: &[ReportColumn]) -> Result<Self, FileError> {
        Self::create(path, columns.iter().map(|column| column.name))
    }

    pub(crate) fn finish(self) -> Result<FinishedFile, FileError> {
        let CsvTable { writer, path, .. } = self;
        // The error holds the writer, and with it the file that is to be removed.
        let partial = writer.into_inner().map_err(|error| {
            let cause = error.error();
            let source = io::Error::new(cause.kind(), cause.to_string());
            FileError::new(&path, "writing it", source)
        })?;
        partial.finish()
    }
}

/// Writes a report that is a single table into a directory, which is made if needed; `fill` adds the rows.
pub(super) fn write_alone<const N: usize>(
    directory: &Path,
    (name, columns): (&str, [&str; N]),
    fill: impl FnOnce(&mut CsvTable) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let failed = |doing| move |error| FileError::new(directory, doing, error);
    let folder = OutputFolder::open(directory, &[]).map_err(failed("making the directory"))?;
    let file = folder.path().join(name);
    let mut table = CsvTable::create(file.clone(), columns)?;
    fill(&mut table)?;
    table.finish()?.commit()?;
    sync_directory(folder.path())?;
    let stored = folder.finish(vec![file], |_| false);
    stored.map(drop).map_err(failed("writing its object"))
}

/// Returns the text of a cell, before it is made safe for spreadsheets.
pub(super) fn cell_text(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Word(word) => (*word).to_owned(),
        Cell::Text(text) => text.clone().into_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Amount(money) => money.amount_cents.to_string(),
        Cell::Time(time) => time.to_string(),
    }
}

impl CsvTable<Vec<u8>> {
    /// Starts lines of a table, without its header, in memory; errors call it `path`.
    pub(super) fn lines(path: PathBuf) -> Self {
        CsvTable {
            writer: csv::WriterBuilder::new()
                .flexible(true)
                .from_writer(Vec::new()),
            path,
            scratch: String::new(),
        }
    }

    pub(super) fn into_bytes(self) -> Result<Vec<u8>, FileError> {
        let CsvTable { writer, path, .. } = self;
        writer
            .into_inner()
            .map_err(|error| FileError::new(&path, "writing it", error.into_error()))
    }
}

impl<W: Write> CsvTable<W> {
    /// Starts a table that is written to `to`, which errors call `path`.
    pub(super) fn over<'h>(
        to: W,
        path: PathBuf,
        header: impl IntoIterator<Item = &'h str>,
    ) -> Result<Self, FileError> {
        let writer = csv::WriterBuilder::new().flexible(true).from_writer(to);
        let mut table = CsvTable {
            writer,
            path,
            scratch: String::new(),
        };
        for column in header {
            table.text(column)?;
        }
        table.end_row()?;
        Ok(table)
    }

    /// Writes out what is buffered.
    pub(super) fn flush(&mut self) -> Result<(), FileError> {
        self.writer
            .flush()
            .map_err(|error| FileError::new(&self.path, "writing it", error))
    }

    pub(crate) fn row(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        for cell in cells {
            self.cell(cell)?;
        }
        self.end_row()
    }

    pub(crate) fn cell(&mut self, cell: &Cell<'_>) -> Result<(), FileError> {
        match cell {
            Cell::Empty => self.plain(""),
            Cell::Word(word) => self.plain(word),
            Cell::Text(text) => self.text(text),
            Cell::Integer(number) => self.integer(*number),
            Cell::Amount(money) => self.integer(money.amount_cents),
            Cell::Time(time) => self.time(*time),
        }
    }

    pub(crate) fn text(&mut self, text: &str) -> Result<(), FileError> {
        self.plain(&neutralise(text))
    }

    pub(crate) fn end_row(&mut self) -> Result<(), FileError> {
        self.writer
            .write_record(None::<&[u8]>)
            .map_err(|error| FileError::new(&self.path, "writing it", error))
    }

    fn integer(&mut self, number: i64) -> Result<(), FileError> {
        use std::fmt::Write as _;
        self.scratch(|scratch| {
            // Writing to a string can't fail.
            let _ = write!(scratch, "{number}");
        })
    }

    fn time(&mut self, time: Timestamp) -> Result<(), FileError> {
        self.scratch(|scratch| {
            let _ = TIMES.print_timestamp(&time, StdFmtWrite(scratch));
        })
    }

    fn scratch(&mut self, write: impl FnOnce(&mut String)) -> Result<(), FileError> {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        write(&mut scratch);
        let written = self.plain(&scratch);
        self.scratch = scratch;
        written
    }

    /// Writes a cell that needs no escaping.
    fn plain(&mut self, cell: &str) -> Result<(), FileError> {
        self.writer
            .write_field(cell)
            .map_err(|error| FileError::new(&self.path, "writing it", error))
    }
}
