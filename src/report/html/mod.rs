//! `report.html`: the report as one page that needs nothing beside it, neither network nor script.
//!
//! It holds sums and what needs attention, not every event, so that it stays small whatever the size
//! of the run; the CSVs beside it have the rest. All figures come from the same [`RunSummary`] as
//! `summary.json`, or are compared with it before the page is written.
//!
//! Each part of the page has a module that makes its words and figures; the template only places
//! them.

mod answer;
mod bars;
mod charts;
mod gather;
mod ledger;
mod listing;
mod neighbours;

use std::io::Write;
use std::path::Path;

use askama::Template;

use self::answer::{
    ACCEPTED, AcceptedLine, RUNS, RunLine, StepLine, Tile, accepted_lines, facts, lead, run_lines,
    step_lines, tiles, verdict,
};
use self::bars::{ExportBar, PromoterBar, ReasonBar, export_bars, promoter_bars, reason_bars};
use self::gather::{Gathered, RowLine, WarningLine};
use self::ledger::Ledger;
use self::listing::{EventTable, event_tables, left_out};
use self::neighbours::{Neighbour, Neighbours};
use super::Formats;
use super::atomic::{FileError, PartialFile};
use super::books::ReportSource;
use super::columns::Cell;
use super::exporter::{AttentionEvent, Exporter, ReportContent, WrittenFile};
use super::outcomes::OutcomesSummary;
use super::page::Shell;
use super::page::chart::{ColumnChart, LegendEntry};
use super::source_rows::ReportedRow;
use super::summary::RunSummary;
use super::words::{amount, count};
use crate::event::Tally;
use crate::journal::{Account, EventRecord, HeldRecord, PlanState, RunRecord};
use crate::problem::Problem;

/// The file's name.
const NAME: &str = "report.html";
/// The greatest number of bars in a picture.
const BARS: usize = 12;
/// The greatest number of exports that are named.
const EXPORTS: usize = 200;

/// Writes `report.html`.
pub(super) struct HtmlFile {
    directory: std::path::PathBuf,
    account: Account,
    runs: Vec<RunRecord>,
    summary: RunSummary,
    neighbours: Neighbours,
    gathered: Gathered,
}

impl HtmlFile {
    pub(super) fn new(
        directory: &Path,
        account: Account,
        books: &ReportSource<'_>,
        summary: &RunSummary,
        formats: &Formats,
    ) -> Self {
        HtmlFile {
            directory: directory.to_owned(),
            account,
            runs: books.runs().to_vec(),
            summary: summary.clone(),
            neighbours: Neighbours::find(directory, formats, books.runs()),
            gathered: Gathered::default(),
        }
    }
}

impl Exporter for HtmlFile {
    fn takes(&self) -> &'static [ReportContent] {
        &[
            ReportContent::Events,
            ReportContent::Needing,
            ReportContent::Held,
            ReportContent::Rejected,
            ReportContent::Problems,
        ]
    }

    fn event(&mut self, record: &EventRecord, _cells: &[Cell<'_>]) -> Result<(), FileError> {
        self.gathered.event(record);
        Ok(())
    }

    fn attention_event(&mut self, needing: &AttentionEvent<'_>) -> Result<(), FileError> {
        self.gathered.list(needing.code, needing.record);
        Ok(())
    }

    fn held(&mut self, record: &HeldRecord, _cells: &[Cell<'_>]) -> Result<(), FileError> {
        self.gathered.held(record);
        Ok(())
    }

    fn source_row(&mut self, row: &ReportedRow<'_>) -> Result<(), FileError> {
        self.gathered.rejected(row.record);
        Ok(())
    }

    fn problem(&mut self, problem: &Problem) -> Result<(), FileError> {
        self.gathered.problem(problem);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Vec<WrittenFile>, FileError> {
        let path = self.directory.join(NAME);
        let page = ReportPage::new(&self);
        let mut file = PartialFile::create(&path)?;
        page.agrees()
            .and_then(|()| page.write_into(&mut file))
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|error| FileError::new(&path, "writing it", error))?;
        Ok(vec![WrittenFile {
            name: NAME.to_owned(),
            whole: file.finish()?,
        }])
    }
}

/// The page with the fields that the template needs.
#[derive(Template)]
#[template(path = "page.html", config = "src/report/askama.toml")]
struct ReportPage<'p> {
    shell: Shell,
    summary: &'p RunSummary,
    gathered: &'p Gathered,
    verdict: String,
    is_good: bool,
    lead: String,
    facts: Vec<(String, String)>,
    runs: Vec<RunLine>,
    runs_left_out: usize,
    tiles: Vec<Tile>,
    steps: Vec<StepLine>,
    accepted: Vec<AcceptedLine>,
    accepted_left_out: usize,
    ledgers: Vec<Ledger>,
    over_time: Option<ColumnChart>,
    money: Vec<ColumnChart>,
    exports: Vec<ExportBar>,
    exports_left_out: usize,
    exports_legend: Vec<LegendEntry>,
    promoters: Vec<PromoterBar>,
    promoters_left_out: usize,
    /// The commission of all promoters.
    commission: String,
    reasons: Vec<ReasonBar>,
    reasons_left_out: usize,
    tables: Vec<EventTable<'p>>,
    rejected: &'p [RowLine],
    warnings: &'p [WarningLine],
    neighbours: &'p Neighbours,
}

impl<'p> ReportPage<'p> {
    fn new(file: &'p HtmlFile) -> Self {
        let HtmlFile {
            account,
            runs,
            summary,
            neighbours,
            gathered,
            ..
        } = file;
        let exports = export_bars(runs, gathered);
        let account_currency = summary.commission_cents.keys().next().copied();
        let promoters = promoter_bars(gathered, account_currency);
        let reasons = reason_bars(gathered);
        let seen =
            OutcomesSummary::all().filter(|of| summary.outcomes.for_outcome(*of).count() > 0);
        let currencies = summary.reading.events.read.cents();
        let mut ledgers = vec![ledger::rows(summary), ledger::events(summary)];
        ledgers.extend(currencies.keys().map(|of| ledger::money(summary, *of)));
        let days = &gathered.days;
        let sent = summary.reading.events.for_state(PlanState::ToSend).cents();
        let money = sent
            .keys()
            .filter_map(|currency| charts::money_by_month(days, &gathered.undated, *currency));
        ReportPage {
            shell: Shell::new(
                format!("Reconciliation report: {}", summary.run),
                format!(
                    "Made by fprecon {} from the journal.",
                    env!("CARGO_PKG_VERSION")
                ),
            ),
            verdict: verdict(summary),
            is_good: summary.attention.is_empty(),
            lead: lead(summary),
            facts: facts(account, runs, summary),
            runs: run_lines(runs, summary),
            runs_left_out: runs.len().saturating_sub(RUNS),
            tiles: tiles(summary),
            steps: step_lines(&summary.attention),
            accepted: accepted_lines(&summary.accepted),
            accepted_left_out: summary.accepted.len().saturating_sub(ACCEPTED),
            ledgers,
            over_time: charts::outcomes_over_time(days, gathered.undated.outcomes.total()),
            money: money.collect(),
            exports_left_out: exports.len().saturating_sub(EXPORTS),
            exports: exports.into_iter().take(EXPORTS).collect(),
            exports_legend: charts::legend(&seen.collect::<Vec<_>>()),
            commission: commission_words(summary),
            promoters_left_out: promoters.len().saturating_sub(BARS),
            promoters: promoters.into_iter().take(BARS).collect(),
            reasons_left_out: reasons.len().saturating_sub(BARS),
            reasons: reasons.into_iter().take(BARS).collect(),
            tables: event_tables(gathered),
            rejected: &gathered.rejected.rows,
            warnings: &gathered.warnings.rows,
            neighbours,
            summary,
            gathered,
        }
    }

    /// Checks that the pictures show the figures of the summary.
    ///
    /// # Errors
    ///
    /// They differ, which is a bug in this program.
    fn agrees(&self) -> std::io::Result<()> {
        let outcomes = self.gathered.outcomes();
        let counts = OutcomesSummary::all()
            .all(|of| outcomes.for_outcome(of) == self.summary.outcomes.for_outcome(of).count());
        let mut money = Tally::default();
        for (kind, currency, sum) in self.summary.outcomes.total().iter() {
            if currency.is_some() {
                money.add_sum(kind, currency, sum);
            }
        }
        if counts && money == self.gathered.money() {
            return Ok(());
        }
        Err(std::io::Error::other(
            "the books do not balance: the events of the report are not those of its summary",
        ))
    }

    fn files(&self) -> impl Iterator<Item = &Neighbour> {
        self.neighbours.iter()
    }

    fn rejected_files(&self) -> impl Iterator<Item = &Neighbour> {
        self.files()
            .filter(|file| file.name.starts_with("rejected"))
    }

    fn has_listings(&self) -> bool {
        !(self.tables.is_empty() && self.rejected.is_empty() && self.warnings.is_empty())
    }

    fn rejected_title(&self) -> String {
        let rejected = self.summary.reading.rows.rejected;
        format!("{} rejected", count(rejected, "row"))
    }

    fn warnings_title(&self) -> String {
        count(self.gathered.warnings_count, "warning")
    }

    fn rejected_left_out(&self) -> u64 {
        left_out(self.summary.reading.rows.rejected, self.rejected.len())
    }

    fn warnings_left_out(&self) -> u64 {
        left_out(self.gathered.warnings_count, self.warnings.len())
    }
}

/// Returns the commission of all promoters, in words.
fn commission_words(summary: &RunSummary) -> String {
    let all = summary.commission_cents.iter().map(|(currency, own)| {
        let sum: i128 = own.values().sum();
        let promoters = count(own.len() as u64, "promoter");
        format!("{} {currency} to {promoters}", amount(sum, *currency))
    });
    all.collect::<Vec<_>>().join(", ")
}
