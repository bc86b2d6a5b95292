//! The report as a workbook for people: figures, balance, and the events and rows to look at.
//!
//! Numbers, amounts and times are numbers in the spreadsheet, and text stays text whatever it
//! begins with. Sheets are written row by row into temporary files beside the report, so that
//! memory does not grow with them; a full sheet is continued on the next.

mod guarded;
mod pages;
mod sheets;
#[cfg(feature = "polars")]
mod tables;

#[cfg(feature = "polars")]
pub(crate) use tables::TableBook;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook};

use self::guarded::{guarded, save};
use self::sheets::{Heading, ROWS_PER_SHEET, Sheets};
use super::atomic::{FileError, PartialFile};
use super::books::ReportSource;
use super::columns::{
    ACCEPTED_COLUMNS, Cell, ColumnType, EVENT_COLUMNS, HELD_COLUMNS, ReportColumn, ReportSection,
};
use super::exporter::{AttentionEvent, Exporter, ReportContent, WrittenFile};
use super::items::Age;
use super::source_rows::{self, ReportedRow, own_columns};
use super::summary::RunSummary;
use crate::journal::{EventRecord, HeldRecord};

const NAME: &str = "report.xlsx";

/// The compression level, of 9: level 6 takes nearly twice as long and saves a tenth.
const COMPRESSION_LEVEL: u8 = 2;

/// The file `report.xlsx`.
pub(super) struct XlsxFile {
    path: PathBuf,
    /// The file, created first, so that a path that can't be written is known before the work is
    /// done.
    file: PartialFile,
    workbook: Workbook,
    tracked: Sheets,
    non_referral: Sheets,
    failed: Sheets,
    held: Sheets,
    accepted: Sheets,
    /// A series of sheets for each header, since rows of different exports have different columns.
    rejected: Vec<Sheets>,
    rejected_by_layout: HashMap<Vec<String>, usize>,
}

impl XlsxFile {
    pub(super) fn create(
        directory: &Path,
        books: &ReportSource<'_>,
        summary: &RunSummary,
    ) -> Result<Self, FileError> {
        Self::with_rows_per_sheet(directory, books, summary, ROWS_PER_SHEET)
    }

    fn with_rows_per_sheet(
        directory: &Path,
        books: &ReportSource<'_>,
        summary: &RunSummary,
        rows_per_sheet: u32,
    ) -> Result<Self, FileError> {
        let path = directory.join(NAME);
        let file = PartialFile::create(&path)?;
        let mut workbook = new_workbook();
        let sheets = guarded(|| {
            workbook.set_tempdir(directory)?;
            workbook.set_properties(&properties(books));
            pages::summary(&mut workbook, books, summary)?;
            pages::balance(&mut workbook, summary)?;
            let mut sheets = |name: &str, columns: &[ReportColumn]| {
                let headings = columns.iter().map(heading).collect();
                Sheets::start(&mut workbook, name, headings, rows_per_sheet)
            };
            let events = |part: ReportSection| match part {
                ReportSection::Tracked => "Tracked",
                ReportSection::NonReferral => "Non-referral",
                ReportSection::Failed => "Failed",
            };
            Ok([
                sheets(events(ReportSection::Tracked), &EVENT_COLUMNS)?,
                sheets(events(ReportSection::NonReferral), &EVENT_COLUMNS)?,
                sheets(events(ReportSection::Failed), &EVENT_COLUMNS)?,
                sheets("Held", &HELD_COLUMNS)?,
                sheets("Accepted", &ACCEPTED_COLUMNS)?,
            ])
        });
        let [tracked, non_referral, failed, held, accepted] =
            sheets.map_err(|error| FileError::new(&path, "writing it", error))?;
        let mut file = XlsxFile {
            path,
            file,
            workbook,
            tracked,
            non_referral,
            failed,
            held,
            accepted,
            rejected: Vec::new(),
            rejected_by_layout: HashMap::new(),
        };
        file.add_rejected_layouts(books, rows_per_sheet)?;
        Ok(file)
    }

    /// Adds a sheet for each header with rejected rows, and one where there are none.
    fn add_rejected_layouts(
        &mut self,
        books: &ReportSource<'_>,
        rows_per_sheet: u32,
    ) -> Result<(), FileError> {
        let inputs = || books.runs().iter().flat_map(|run| &run.inputs);
        let with_rows = inputs().filter(|input| input.rows_rejected > 0);
        let layouts = with_rows.map(|input| own_columns(&input.header));
        let first = inputs().next().map(|input| own_columns(&input.header));
        let mut layouts: Vec<&[String]> = layouts.collect();
        if layouts.is_empty() {
            layouts.push(first.unwrap_or_default());
        }
        for own in layouts {
            self.rejected_of(own, rows_per_sheet)?;
        }
        Ok(())
    }

    fn rejected_of(&mut self, own: &[String], rows_per_sheet: u32) -> Result<usize, FileError> {
        if let Some(&index) = self.rejected_by_layout.get(own) {
            return Ok(index);
        }
        let index = self.rejected.len();
        let name = match index {
            0 => "Rejected".to_owned(),
            _ => format!("Rejected ({})", index + 1),
        };
        let headings = source_rows::header(own).map(|name| Heading {
            title: name.to_owned(),
            width: 18,
            holds: ColumnType::Text,
        });
        let sheets = guarded(|| {
            Sheets::start(
                &mut self.workbook,
                &name,
                headings.collect(),
                rows_per_sheet,
            )
        })
        .map_err(|error| FileError::new(&self.path, "writing it", error))?;
        self.rejected.push(sheets);
        self.rejected_by_layout.insert(own.to_vec(), index);
        Ok(index)
    }
}

fn new_workbook() -> Workbook {
    let mut workbook = Workbook::new();
    workbook.set_zip_compression_level(COMPRESSION_LEVEL);
    workbook
}

/// Returns the workbook's properties with the date of the run: the same report has the same bytes.
fn properties(books: &ReportSource<'_>) -> DocProperties {
    let started = books.runs().first().map(|run| run.started.as_second());
    let date = ExcelDateTime::from_timestamp(started.unwrap_or_default());
    let properties = DocProperties::new()
        .set_title("Reconciliation with FirstPromoter")
        .set_author("fprecon");
    match date {
        Ok(date) => properties.set_creation_datetime(&date),
        Err(_) => properties,
    }
}

/// Returns a column's heading for people: an amount is shown in units, not in cents.
fn heading(column: &ReportColumn) -> Heading {
    let title = match column.holds {
        ColumnType::Amount => column.name.trim_end_matches("_cents"),
        ColumnType::Text | ColumnType::Integer | ColumnType::Time => column.name,
    };
    let width = match (column.holds, column.name) {
        (ColumnType::Time, _) => 20,
        (ColumnType::Amount, _) => 16,
        (ColumnType::Integer, _) => 12,
        (ColumnType::Text, "kind" | "currency" | "plan_state") => 12,
        (ColumnType::Text, "outcome") => 16,
        (ColumnType::Text, "message" | "reason" | "file") => 40,
        (ColumnType::Text, _) => 26,
    };
    Heading {
        title: title.to_owned(),
        width,
        holds: column.holds,
    }
}

impl Exporter for XlsxFile {
    fn takes(&self) -> &'static [ReportContent] {
        &[
            ReportContent::Events,
            ReportContent::Needing,
            ReportContent::Held,
            ReportContent::Rejected,
            ReportContent::Accepted,
        ]
    }

    fn event(&mut self, record: &EventRecord, cells: &[Cell<'_>]) -> Result<(), FileError> {
        let sheets = match ReportSection::from_outcome(record.outcome()) {
            ReportSection::Tracked => &mut self.tracked,
            ReportSection::NonReferral => &mut self.non_referral,
            ReportSection::Failed => &mut self.failed,
        };
        let written = guarded(|| sheets.row(&mut self.workbook, cells.iter()));
        written.map_err(|error| FileError::new(&self.path, "writing it", error))
    }

    fn attention_event(&mut self, needing: &AttentionEvent<'_>) -> Result<(), FileError> {
        match needing.age {
            // It is listed among the events of this run.
            Age::New => Ok(()),
            Age::Earlier => self.event(needing.record, needing.cells),
        }
    }

    fn accepted(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        let written = guarded(|| self.accepted.row(&mut self.workbook, cells.iter()));
        written.map_err(|error| FileError::new(&self.path, "writing it", error))
    }

    fn held(&mut self, _: &HeldRecord, cells: &[Cell<'_>]) -> Result<(), FileError> {
        let written = guarded(|| self.held.row(&mut self.workbook, cells.iter()));
        written.map_err(|error| FileError::new(&self.path, "writing it", error))
    }

    fn source_row(&mut self, row: &ReportedRow<'_>) -> Result<(), FileError> {
        let index = self.rejected_of(row.own, ROWS_PER_SHEET)?;
        let cells: Vec<Cell<'_>> = row.cells().collect();
        let sheets = &mut self.rejected[index];
        let written = guarded(|| sheets.row(&mut self.workbook, cells.iter()));
        written.map_err(|error| FileError::new(&self.path, "writing it", error))
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, FileError> {
        let XlsxFile {
            path,
            mut file,
            mut workbook,
            tracked,
            non_referral,
            failed,
            held,
            accepted,
            rejected,
            ..
        } = *self;
        let saved = guarded(|| {
            for sheets in [tracked, non_referral, failed, held] {
                sheets.finish(&mut workbook)?;
            }
            for sheets in rejected {
                sheets.finish(&mut workbook)?;
            }
            accepted.finish(&mut workbook)
        })
        .and_then(|()| save(&mut workbook, &mut file));
        saved.map_err(|error| FileError::new(&path, "writing it", error))?;
        Ok(vec![WrittenFile {
            name: NAME.to_owned(),
            whole: file.finish()?,
        }])
    }
}
