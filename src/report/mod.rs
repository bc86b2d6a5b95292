//! Reports of what happened, made from the journal alone, and so reproducible at any time.
//!
//! [`ReportSource`] is the source of a report; [`write()`] reads it once and passes what it reads
//! to one exporter for each [`Format`]. The cells of an event are defined once, in `event_cells`
//! for `EVENT_COLUMNS`, for all formats.

pub(crate) mod atomic;
pub(crate) mod attention;
mod books;
mod columns;
mod commands;
mod csv_files;
mod customer_since;
mod error;
mod exporter;
mod files;
mod format;
pub(crate) mod handed_back;
mod html;
pub(crate) mod items;
mod journal_export;
mod json_file;
mod learned;
pub(crate) mod life;
mod marked_paid;
mod occupant;
pub(crate) mod open_items;
pub(crate) mod open_words;
mod outcomes;
pub(crate) mod page;
#[cfg(feature = "polars")]
mod parquet;
mod plan_events;
mod redact;
mod removal;
mod row_files;
mod source_rows;
mod summary;
pub(crate) mod table;
mod unpaid_history;
pub(crate) mod words;
pub(crate) mod xlsx;

pub(crate) use attention::{AcceptedSummary, Attention};
pub use books::ReportSource;
pub(crate) use columns::{Cell, ColumnType, ReportColumn};
pub(crate) use commands::Commands;
pub(crate) use customer_since::{CUSTOMER_SINCE_FILE, write_customer_since};
pub use error::ReportError;
pub(crate) use files::is_file_of;
pub use files::write;
#[cfg(not(feature = "polars"))]
pub(crate) use format::FormatError;
pub use format::{Format, Formats};
#[cfg(feature = "polars")]
pub(crate) use journal_export::write_journal_parquet;
pub(crate) use journal_export::{JournalTable, write_journal_csv, write_journal_csv_file};
pub(crate) use json_file::json_text;
pub(crate) use learned::lower_limit;
pub(crate) use marked_paid::{MARKED_PAID_FILE, write_marked_paid};
pub(crate) use occupant::{IDENTIFYING_FILES, ReportId};
pub(crate) use outcomes::{OutcomesSummary, outcome_word};
#[cfg(feature = "polars")]
pub(crate) use parquet::ParquetTable;
pub(crate) use plan_events::write_plan_events;
pub use redact::Redactor;
pub(crate) use removal::remove_report;
pub(crate) use summary::{OpenSummary, SCHEMA, SpanSummary, Undated};
pub use summary::{RunSummary, SummaryError};
pub(crate) use unpaid_history::HISTORY_DAYS;
