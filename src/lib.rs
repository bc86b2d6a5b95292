//! Reconciles billing exports with the FirstPromoter Tracking API.
//!
//! Data goes one way: [`export`] → [`classify`] → [`readings`] → [`link`] → [`convert`] → [`plan`] → [`journal`] →
//! [`send`] → [`journal`] → [`report`]. Before the journal all is pure: the same bytes give the same events.
//! After it, all reads only the journal. `ARCHITECTURE.md` has the map.

// What is pure reads no clock and no environment: `clippy.toml` names how that is done.

#[cfg(feature = "polars")]
pub mod audit;
mod bounded;
#[deny(clippy::disallowed_methods)]
mod classify;
pub mod cli;
#[deny(clippy::disallowed_methods)]
mod convert;
#[deny(clippy::disallowed_methods)]
pub mod event;
#[deny(clippy::disallowed_methods)]
pub mod export;
#[deny(clippy::disallowed_methods)]
mod invisible;
#[deny(clippy::disallowed_methods)]
pub mod job;
pub mod journal;
#[deny(clippy::disallowed_methods)]
pub mod link;
#[deny(clippy::disallowed_methods)]
mod plan;
mod private;
#[deny(clippy::disallowed_methods)]
pub mod problem;
#[deny(clippy::disallowed_methods)]
pub mod profile;
#[deny(clippy::disallowed_methods)]
mod propose;
#[deny(clippy::disallowed_methods)]
mod readings;
#[deny(clippy::disallowed_methods)]
mod recognise;
#[deny(clippy::disallowed_methods)]
pub mod record;
pub mod report;
pub mod sandbox;
#[deny(clippy::disallowed_methods)]
mod sanity;
pub mod send;
#[deny(clippy::disallowed_methods)]
mod shell_word;
#[deny(clippy::disallowed_methods)]
mod spreadsheet;
pub mod tracking;
