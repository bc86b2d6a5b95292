//! Reports of what happened, made from the journal alone, and so reproducible at any time.
//!
//! [`ReportSource`] is the source of a report; [`write()`] reads it once and passes what it reads
//! to one exporter for each [`Format`]. The cells of an event are defined once, in [`event_cells`]
//! for [`EVENT_COLUMNS`], for all formats.

pub(crate) mod atomic;
pub(crate) mod attention;
mod books;
mod columns;
mod csv_files;
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
pub(crate) mod open_items;
pub(crate) mod page;
#[cfg(feature = "polars")]
mod parquet;
mod plan_events;
mod redact;
mod source_rows;
mod summary;
pub(crate) mod table;
pub(crate) mod words;
pub(crate) mod xlsx;

pub use attention::{AcceptedSummary, Attention, Commands};
pub use books::ReportSource;
pub use columns::{Cell, ColumnType, EVENT_COLUMNS, ReportColumn, event_cells};
pub use error::ReportError;
pub use files::{is_file_of, write};
pub use format::{Format, FormatError, Formats};
#[cfg(feature = "polars")]
pub use journal_export::write_journal_parquet;
pub use journal_export::{JournalTable, write_journal_csv, write_journal_csv_file};
pub(crate) use json_file::json_text;
pub use learned::lower_limit;
pub use open_items::OpenCount;
#[cfg(feature = "polars")]
pub use parquet::ParquetTable;
pub use plan_events::write_plan_events;
pub use redact::Redactor;
pub use source_rows::MISSING_CELLS_MARK;
pub use summary::{
    NOT_SENT, OpenSummary, OutcomesSummary, RunSummary, SCHEMA, SpanSummary, SummaryError, Undated,
    outcome_word,
};
