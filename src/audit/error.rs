//! Reports why an audit can't be made.

use polars::error::PolarsError;

use super::SourceLocation;

/// Reports why an audit can't be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Our side has an event twice, so that nothing says which of them a commission is for.
    #[error("`{event_id}` was billed twice: {first} and {second}; audit one of the two")]
    EventTwice {
        /// The event.
        event_id: String,
        /// The place where it appears first.
        first: SourceLocation,
        /// The place where it appears again.
        second: SourceLocation,
    },
    /// A column holds what it can't.
    #[error("the audit's columns can't be read: {0}")]
    Columns(String),
    /// Polars refused.
    #[error("the audit's columns can't be worked with")]
    Polars(#[from] PolarsError),
    /// A fault of ours: what was calculated in two ways is not the same.
    #[error("the audit does not add up: {0}")]
    Unbalanced(String),
}
