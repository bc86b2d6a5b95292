//! The arguments of the commands that read the journal, and of those that accept what it has.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::Date;

use super::sending::RedactArgument;
use crate::report::Format;

#[derive(Debug, Args)]
#[command(after_long_help = ACCEPT_EXAMPLES)]
pub(crate) struct AcceptArguments {
    /// Reports of a run: failed.csv, held.csv, rejected.csv or ignored.csv, whole or with lines removed
    #[arg(value_name = "REPORT.csv", required_unless_present_any = ["list", "event"])]
    pub(crate) reports: Vec<PathBuf>,
    /// Reason for accepting them; every later report shows it
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["list", "undo"])]
    pub(crate) reason: Option<String>,
    /// Accept this event; can be repeated
    #[arg(long, value_name = "ID")]
    pub(crate) event: Vec<String>,
    /// Show what is accepted
    #[arg(long, conflicts_with_all = ["reports", "reason", "event", "undo"])]
    pub(crate) list: bool,
    /// Undo: the items need attention again
    #[arg(long, conflicts_with = "reason")]
    pub(crate) undo: bool,
}

const ACCEPT_EXAMPLES: &str = "\
Examples:
  fprecon accept reports/RUN/failed.csv --reason 'test orders'
                                  accept every event of the file
  fprecon accept --event sub_12 --reason 'in the dashboard since March'
  fprecon accept --list           show what is accepted, by whom and why
  fprecon accept --undo reports/RUN/failed.csv
                                  withdraw the acceptance

Exit codes:
  0 accepted
  3 a file is not a report, or the journal does not have one of its lines;
    nothing was accepted
  6 the journal is damaged or not writable";

#[derive(Debug, Args)]
#[command(after_long_help = EXPLAIN_EXAMPLES)]
pub(crate) struct ExplainArguments {
    /// A row by its export and line, or an event by its id, as the reports have them
    #[arg(value_name = "FILE:LINE|EVENT_ID")]
    pub(crate) what: String,
    /// Explain the row as this run read it [default: as the export is now, else as the last run read it]
    #[arg(long, value_name = "ID")]
    pub(crate) run: Option<String>,
}

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fprecon explain payments.csv:12      the row that starts on line 12
  fprecon explain in_1001              the event with this id
  fprecon explain in_1001 --json       the same, for a script

Exit codes:
  0 explained
  3 neither the journal nor the export has it
  6 the journal is damaged or can't be read";

#[derive(Debug, Args)]
pub(crate) struct ReportArguments {
    /// The run [default: the last one]
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to"])]
    pub(crate) run: Option<String>,
    /// All runs that were started on this day (UTC) or later, added up: 2026-03-01
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<Date>,
    /// All runs that were started on this day (UTC) or before, added up
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<Date>,
    /// Selection by `--from` and `--to`: runs by their start, or sales by their date, with their refunds, in the
    /// zone of `[audit]` [default: run-date]
    #[arg(long, value_name = "WHICH", conflicts_with = "run")]
    pub(crate) by: Option<DatedBy>,
    /// Where the reports go [default: where they went before]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    /// Which files to write: csv, json, html, xlsx, parquet [default: all]
    #[arg(long, value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) format: Vec<Format>,
    #[command(flatten)]
    pub(crate) redact: RedactArgument,
}

/// Names the date that `--from` and `--to` select by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DatedBy {
    /// The start of the run
    RunDate,
    /// The date of the sale; refunds count on the day of their sale
    SaleDate,
}

#[derive(Debug, Args)]
#[command(after_long_help = AUDIT_EXAMPLES)]
pub(crate) struct AuditArguments {
    /// Billing exports to compare with [default: the journal]
    #[arg(value_name = "EXPORT")]
    pub(crate) exports: Vec<PathBuf>,
    /// A list of commissions that was exported from FirstPromoter
    #[arg(long, value_name = "FILE", conflicts_with = "live")]
    pub(crate) commissions: Option<PathBuf>,
    /// Read the commissions from the account now, and keep them beside the journal
    #[arg(long)]
    pub(crate) live: bool,
    /// Skip fetching leads (commissions can then not be checked against lead ownership)
    #[arg(long, requires = "live")]
    pub(crate) no_leads: bool,
    /// The first day of the sales that are compared
    #[arg(long, value_name = "DATE")]
    pub(crate) from: Option<jiff::civil::Date>,
    /// The last day of the sales that are compared
    #[arg(long, value_name = "DATE")]
    pub(crate) to: Option<jiff::civil::Date>,
    /// Which day of a sale counts: its date, or the start of the run that first recorded it
    /// [default: sale-date]
    #[arg(long, value_name = "WHICH", conflicts_with = "exports")]
    pub(crate) by: Option<DatedBy>,
    /// End with exit code 0 if the differences in each currency are at most this many minor units, such as cents [default: 0]
    #[arg(long, value_name = "CENTS")]
    pub(crate) tolerance: Option<u32>,
    /// Where the files go [default: audit/DATE beside the journal]
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) redact: RedactArgument,
}

const AUDIT_EXAMPLES: &str = "\
Examples:
  fprecon audit --live            fetch the commissions, compare with the journal
  fprecon audit                   compare with the commissions that were fetched last
  fprecon audit --live --from 2026-03-01 --to 2026-03-31
                                  the sales of one month
  fprecon audit payments.csv --commissions commissions.csv
                                  two files; no account is needed

Exit codes:
  0 no differences beyond the tolerance
  1 differences, or rows that can't be read
  3 input unusable
  4 the API refused the key
  5 the list could not be read to its end; the same command continues";

#[derive(Debug, Subcommand)]
pub(crate) enum JournalCommand {
    /// Verify that the journal is undamaged: pages, checksums, attempts and the sums of each run
    ///
    /// Reads only, and works while a run goes on. Exit code 0 if nothing is wrong, else 6.
    Check,
    /// Continue with a journal that lost its last commits, such as by a damaged or deleted log
    ///
    /// Sends nothing. Events that may have been sent and cannot be repeated become unconfirmed when the run is
    /// resumed or the exports are run again. Asks first, unless `--yes` is given.
    Recover,
    /// Remove the details of runs that are settled and old
    ///
    /// Removes rows without events, attempts, figures and reports of runs that ended before a day. Keeps every event
    /// with its id, amounts, links and outcome, and everything else that decides what is sent; and keeps runs whole
    /// of which something is open, failed, unconfirmed, held, rejected or accepted. Asks first, unless `--yes` is given.
    Prune(JournalPruneArguments),
    /// Write every event of the journal, or every attempt, as CSV or Parquet
    ///
    /// Reads only, and works while a run goes on. docs/journal.md describes the columns.
    Export(JournalExportArguments),
}

#[derive(Debug, Args)]
pub(crate) struct JournalPruneArguments {
    /// Remove the details of runs that ended before this day, in UTC
    #[arg(long, value_name = "DATE")]
    pub(crate) before: Date,
}

#[derive(Debug, Args)]
pub(crate) struct JournalExportArguments {
    /// Every request that was ever intended, instead of every event
    #[arg(long)]
    pub(crate) attempts: bool,
    /// Format of the export
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub(crate) format: ExportFormat,
    /// The file to write, whole or not at all [default: standard output, for CSV]
    #[arg(short, long, value_name = "FILE", required_if_eq("format", "parquet"))]
    pub(crate) output: Option<PathBuf>,
}

/// The formats in which the journal can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    Csv,
    Parquet,
}
