//! A workbook that consists of tables, each on its own sheet.

use std::path::{Path, PathBuf};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, XlsxError};

use super::guarded::{guarded, save};
use super::sheets::{Heading, ROWS_PER_SHEET, Sheets};
use super::{heading, new_workbook};
use crate::report::atomic::{FileError, FinishedFile, PartialFile};
use crate::report::columns::{Cell, ReportColumn};

/// Returns the heading of a column, in the words of the page and the terminal.
fn titled(column: &ReportColumn) -> Heading {
    let own = heading(column);
    let title = match own.title.as_str() {
        "actual" => "set to pay".to_owned(),
        "paid" => "paid out".to_owned(),
        "unpaid" => "not paid out".to_owned(),
        "paid_unknown" => "paid out or not: unknown".to_owned(),
        name => name.replace('_', " "),
    };
    Heading { title, ..own }
}

/// A workbook that is being written, table by table.
pub(crate) struct TableBook {
    path: PathBuf,
    file: PartialFile,
    workbook: Workbook,
}

impl TableBook {
    /// Starts a workbook whose final path is `path`; `made` is its date, in seconds since 1970.
    pub(crate) fn create(path: &Path, title: &str, made: i64) -> Result<Self, FileError> {
        let mut book = TableBook {
            path: path.to_owned(),
            file: PartialFile::create(path)?,
            workbook: new_workbook(),
        };
        let whole = DocProperties::new().set_title(title).set_author("fprecon");
        let properties = match ExcelDateTime::from_timestamp(made) {
            Ok(date) => whole.set_creation_datetime(&date),
            Err(_) => whole,
        };
        let directory = path.parent().unwrap_or(Path::new("."));
        book.write(|workbook| {
            workbook.set_tempdir(directory)?;
            workbook.set_properties(&properties);
            Ok(())
        })?;
        Ok(book)
    }

    /// Adds a table on as many sheets as the rows need.
    pub(crate) fn table<'c>(
        &mut self,
        name: &str,
        columns: &[ReportColumn],
        rows: impl Iterator<Item = Vec<Cell<'c>>>,
    ) -> Result<(), FileError> {
        self.write(|workbook| {
            let headings = columns.iter().map(titled).collect();
            let mut sheets = Sheets::start(workbook, name, headings, ROWS_PER_SHEET)?;
            for row in rows {
                sheets.row(workbook, row.iter())?;
            }
            sheets.finish(workbook)
        })
    }

    /// Syncs the file to disk, beside its final path.
    pub(crate) fn finish(mut self) -> Result<FinishedFile, FileError> {
        let saved = save(&mut self.workbook, &mut self.file);
        saved.map_err(|error| FileError::new(&self.path, "writing it", error))?;
        self.file.finish()
    }

    fn write(
        &mut self,
        work: impl FnOnce(&mut Workbook) -> Result<(), XlsxError>,
    ) -> Result<(), FileError> {
        let written = guarded(|| work(&mut self.workbook));
        written.map_err(|error| FileError::new(&self.path, "writing it", error))
    }
}
