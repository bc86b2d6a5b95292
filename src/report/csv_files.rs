//! The CSV files of a report: one for each part, and one for each header of rejected and ignored
//! rows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::atomic::FileError;
use super::books::ReportSource;
use super::columns::{
    ACCEPTED_COLUMNS, CONVERTED_COLUMNS, Cell, EVENT_COLUMNS, HELD_COLUMNS, ReportSection,
};
use super::error::ReportError;
use super::exporter::{AttentionEvent, Exporter, ReportContent, WrittenFile};
use super::items::Age;
use super::row_files::{is_numbered, numbered};
use super::source_rows::{self, ReportedRow, own_columns};
use super::table::CsvTable;
use super::unpaid_history::{self, UnpaidHistoryTable};
use crate::journal::{Disposition, EventRecord, HeldRecord};

/// The CSVs of a report.
pub(super) struct CsvFiles {
    tracked: CsvTable,
    non_referral: CsvTable,
    failed: CsvTable,
    held: CsvTable,
    converted: CsvTable,
    accepted: CsvTable,
    unpaid_history: UnpaidHistoryTable,
    rejected: RowFiles,
    ignored: RowFiles,
}

impl CsvFiles {
    pub(super) fn create(directory: &Path, books: &ReportSource<'_>) -> Result<Self, ReportError> {
        let part = |part: ReportSection| {
            let path = directory.join(format!("{}.csv", part.as_str()));
            CsvTable::of_columns(path, &EVENT_COLUMNS)
        };
        Ok(CsvFiles {
            tracked: part(ReportSection::Tracked)?,
            non_referral: part(ReportSection::NonReferral)?,
            failed: part(ReportSection::Failed)?,
            held: CsvTable::of_columns(directory.join("held.csv"), &HELD_COLUMNS)?,
            converted: CsvTable::of_columns(directory.join("converted.csv"), &CONVERTED_COLUMNS)?,
            accepted: CsvTable::of_columns(directory.join("accepted.csv"), &ACCEPTED_COLUMNS)?,
            unpaid_history: UnpaidHistoryTable::create(directory, books.marked_commissions()?)?,
            rejected: RowFiles::new(directory, Disposition::Rejected, books),
            ignored: RowFiles::new(directory, Disposition::Ignored, books),
        })
    }
}

impl CsvFiles {
    fn part(&mut self, record: &EventRecord) -> &mut CsvTable {
        match ReportSection::from_outcome(record.outcome()) {
            ReportSection::Tracked => &mut self.tracked,
            ReportSection::NonReferral => &mut self.non_referral,
            ReportSection::Failed => &mut self.failed,
        }
    }
}

impl Exporter for CsvFiles {
    fn takes(&self) -> &'static [ReportContent] {
        &[
            ReportContent::Events,
            ReportContent::Needing,
            ReportContent::Held,
            ReportContent::Accepted,
            ReportContent::Conversions,
            ReportContent::Rejected,
            ReportContent::Ignored,
        ]
    }

    fn event(&mut self, record: &EventRecord, cells: &[Cell<'_>]) -> Result<(), FileError> {
        self.unpaid_history.add(record)?;
        self.part(record).row(cells)
    }

    fn attention_event(&mut self, needing: &AttentionEvent<'_>) -> Result<(), FileError> {
        match needing.age {
            // It is listed among the events of this run.
            Age::New => Ok(()),
            Age::Earlier => self.part(needing.record).row(needing.cells),
        }
    }

    fn accepted(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        self.accepted.row(cells)
    }

    fn held(&mut self, _: &HeldRecord, cells: &[Cell<'_>]) -> Result<(), FileError> {
        self.held.row(cells)
    }

    fn conversion(&mut self, cells: &[Cell<'_>]) -> Result<(), FileError> {
        self.converted.row(cells)
    }

    fn source_row(&mut self, row: &ReportedRow<'_>) -> Result<(), FileError> {
        match row.disposition {
            Disposition::Rejected => self.rejected.add(row),
            Disposition::Ignored => self.ignored.add(row),
        }
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, FileError> {
        let CsvFiles {
            tracked,
            non_referral,
            failed,
            held,
            converted,
            accepted,
            unpaid_history,
            rejected,
            ignored,
        } = *self;
        let mut files = Vec::new();
        for (name, table) in [
            ("tracked.csv", tracked),
            ("non_referral.csv", non_referral),
            ("failed.csv", failed),
            ("held.csv", held),
            ("converted.csv", converted),
            ("accepted.csv", accepted),
        ] {
            let whole = table.finish()?;
            files.push(WrittenFile {
                name: name.to_owned(),
                whole,
            });
        }
        files.extend(rejected.finish()?);
        files.extend(ignored.finish()?);
        files.push(WrittenFile {
            name: unpaid_history::FILE.to_owned(),
            whole: unpaid_history.finish()?,
        });
        Ok(files)
    }
}

/// The files of rows of one disposition: one for each header that has such rows.
struct RowFiles {
    directory: PathBuf,
    disposition: Disposition,
    /// The header of the file that is written where there is no row.
    first: Vec<String>,
    tables: Vec<CsvTable>,
    by_layout: HashMap<Vec<String>, usize>,
}

impl RowFiles {
    fn new(directory: &Path, disposition: Disposition, books: &ReportSource<'_>) -> Self {
        let mut inputs = books.runs().iter().flat_map(|run| &run.inputs);
        let first = inputs.next().map_or(&[][..], |input| &input.header);
        RowFiles {
            directory: directory.to_owned(),
            disposition,
            first: own_columns(first).to_vec(),
            tables: Vec::new(),
            by_layout: HashMap::new(),
        }
    }

    fn add(&mut self, row: &ReportedRow<'_>) -> Result<(), FileError> {
        let index = match self.by_layout.get(row.own) {
            Some(&index) => index,
            None => {
                let index = self.start(row.own)?;
                self.by_layout.insert(row.own.to_vec(), index);
                index
            }
        };
        let table = &mut self.tables[index];
        for cell in row.cells() {
            table.cell(&cell)?;
        }
        table.end_row()
    }

    fn start(&mut self, own: &[String]) -> Result<usize, FileError> {
        let name = numbered(self.disposition, self.tables.len() + 1);
        let header = source_rows::header(own);
        let table = CsvTable::create(self.directory.join(name), header)?;
        self.tables.push(table);
        Ok(self.tables.len() - 1)
    }

    fn finish(mut self) -> Result<Vec<WrittenFile>, FileError> {
        if self.tables.is_empty() {
            let first = std::mem::take(&mut self.first);
            self.start(&first)?;
        }
        let disposition = self.disposition;
        let tables = self.tables.into_iter().enumerate();
        let files = tables.map(|(index, table)| {
            Ok(WrittenFile {
                name: numbered(disposition, index + 1),
                whole: table.finish()?,
            })
        });
        files.collect()
    }
}

/// Returns `true` if a report has a CSV file of this name.
pub(super) fn is_csv_file(name: &str) -> bool {
    const FILES: [&str; 9] = [
        "tracked.csv",
        "non_referral.csv",
        "failed.csv",
        "held.csv",
        "converted.csv",
        "accepted.csv",
        unpaid_history::FILE,
        "rejected.csv",
        "ignored.csv",
    ];
    FILES.contains(&name) || is_numbered(name)
}
