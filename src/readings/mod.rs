//! Decides which readings of a job are one event, and joins them.
//!
//! A payment may be read several times: in two files, from two kinds of export, with and without its invoice.
//! [`identify`] finds the `event_id` that each payment is sent with, [`Readings`] joins the readings of one
//! id field by field, or finds that they contradict each other. Neither depends on the order of files and
//! rows.

mod cancellation;
mod difference;
mod identity;
mod join;
mod origin;
#[cfg(test)]
mod tests;

pub(crate) use difference::{Side, difference_note};
pub(crate) use identity::identify;
pub(crate) use join::Decisions;
pub(crate) use join::Readings;
pub(crate) use origin::{ExportOrigin, ExportOrigins};
