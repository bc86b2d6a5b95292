//! The files beside the page: it links to those that exist, and says so of the others.

use std::path::Path;

use crate::journal::{Disposition, RunRecord};
use crate::report::row_files::row_file_names;
use crate::report::{Format, Formats};

/// A file of a report, as the page lists it.
#[derive(Clone, Debug)]
pub(super) struct Neighbour {
    pub(super) name: String,
    pub(super) holds: &'static str,
    /// `true` if the file exists beside the page, or will exist once the report is complete.
    pub(super) is_there: bool,
}

/// The files of a report.
#[derive(Clone, Debug)]
pub(super) struct Neighbours(Vec<Neighbour>);

const CSVS: [(&str, &str); 7] = [
    (
        "tracked.csv",
        "events that FirstPromoter has, with promoter and commission",
    ),
    (
        "non_referral.csv",
        "events of customers whom nobody referred",
    ),
    (
        "failed.csv",
        "events that failed, are unconfirmed or not sent",
    ),
    (
        "held.csv",
        "events in conflict, refunds without a sale, amounts without a rate",
    ),
    ("converted.csv", "converted amounts, each with its rate"),
    (
        "accepted.csv",
        "events and rows that were accepted as they are, by whom and why",
    ),
    (
        "unpaid_history.csv",
        "commissions of old events, to mark as paid if they were, with the sum of each promoter",
    ),
];
const REJECTED: &str = "original rows that can't be read, to fix and run again";
const IGNORED: &str = "rows that are not events, with the reason";
const REJECTED_MORE: &str = "more unreadable rows, from exports with other columns";
const IGNORED_MORE: &str = "more ignored rows, from exports with other columns";

impl Neighbours {
    /// Finds the files of a report in this directory: those of the formats that are being written,
    /// and others that exist already.
    pub(super) fn find(directory: &Path, formats: &Formats, runs: &[RunRecord]) -> Self {
        let written: Vec<Format> = formats.iter().collect();
        let neighbour = |name: &str, holds, format| Neighbour {
            name: name.to_owned(),
            holds,
            is_there: written.contains(&format) || directory.join(name).is_file(),
        };
        let mut all: Vec<Neighbour> = CSVS
            .iter()
            .map(|(name, holds)| neighbour(name, holds, Format::Csv))
            .collect();
        for (disposition, first, more) in [
            (Disposition::Rejected, REJECTED, REJECTED_MORE),
            (Disposition::Ignored, IGNORED, IGNORED_MORE),
        ] {
            let names = row_file_names(disposition, runs);
            all.extend(names.iter().enumerate().map(|(index, name)| {
                let holds = if index == 0 { first } else { more };
                neighbour(name, holds, Format::Csv)
            }));
        }
        all.push(neighbour(
            "report.xlsx",
            "this report as a workbook, with numbers and dates as such",
            Format::Xlsx,
        ));
        if Format::Parquet.is_built_in() {
            all.push(neighbour(
                "events.parquet",
                "every event in columns, for DuckDB, Polars, pandas",
                Format::Parquet,
            ));
        }
        all.push(neighbour(
            "summary.json",
            "the figures of this page for scripts",
            Format::Json,
        ));
        Neighbours(all)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Neighbour> {
        self.0.iter()
    }

    /// Returns `true` if the page can link to this file.
    pub(super) fn has(&self, name: &str) -> bool {
        self.iter().any(|file| file.is_there && file.name == name)
    }

    pub(super) fn are_all_there(&self) -> bool {
        self.iter().all(|file| file.is_there)
    }
}
