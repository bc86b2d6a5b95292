//! Reconciles billing exports with the FirstPromoter Tracking API.
//!
//! Data goes one way: [`export`] → [`classify`] → [`readings`] → [`link`] → [`convert`] → [`plan`] → [`journal`] →
//! [`send`] → [`journal`] → [`report`]. Before the journal all is pure: the same bytes give the same events.
//! After it, all reads only the journal. `ARCHITECTURE.md` has the map.

#[cfg(feature = "polars")]
pub mod audit;
mod bounded;
pub mod classify;
pub mod cli;
pub mod convert;
pub mod event;
pub mod export;
mod invisible;
pub mod job;
pub mod journal;
pub mod link;
pub mod plan;
mod private;
pub mod problem;
pub mod profile;
pub mod propose;
pub mod readings;
pub mod recognise;
pub mod report;
pub mod sandbox;
pub mod sanity;
pub mod send;
mod shell_word;
pub mod spreadsheet;
pub mod tracking;
