//! The commands, one in each file, and the code that they share.

mod accept;
mod account_check;
mod after_loss;
#[cfg(feature = "polars")]
mod audit;
#[cfg(not(feature = "polars"))]
#[path = "no_audit.rs"]
mod audit;
mod config;
mod confirm;
mod delivery;
mod demo;
mod destination;
mod doctor;
mod ending;
mod estimate;
mod explain;
mod fetched_list;
mod history;
mod incomplete_listing;
mod init;
mod journal;
mod next;
mod output_place;
mod paid_commissions;
mod plan;
mod profiles;
mod prune;
mod report;
mod report_place;
mod resume;
mod retried_sales;
mod run;
mod running;
mod sandbox;
mod shell;
mod status;
mod to_be_sent;
mod undo;
mod watcher;
mod who;

pub(super) use accept::accept;
pub(super) use audit::audit;
pub(super) use config::config;
pub(super) use demo::demo;
pub(super) use doctor::doctor;
pub(super) use explain::explain;
pub(super) use history::history;
pub(super) use init::init;
pub(super) use journal::journal;
pub(super) use next::{commands_of_call, verdict_in_one_line};
pub(super) use plan::plan;
pub(super) use profiles::profiles;
pub(super) use report::report;
pub(super) use resume::{resume, retry};
pub(super) use run::run;
pub(super) use sandbox::sandbox;
pub(super) use shell::{completions, manual};
pub(super) use status::status;
pub(super) use undo::undo;
