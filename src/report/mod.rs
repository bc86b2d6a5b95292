//! What happened, made from the journal alone, and so again at any time.

mod atomic;
mod files;
mod summary;

pub use files::{MEND_MARK, ReportError, write, write_plan_events};
pub use summary::{
    EventsSummary, Figures, IgnoredSummary, Imbalance, InputSummary, NOT_SENT, OutcomesSummary,
    Reading, RunSummary, SCHEMA, outcome_word,
};
