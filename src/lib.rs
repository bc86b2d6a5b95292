//! Reconciles billing exports with the FirstPromoter Tracking API.
//!
//! The program is `fprecon`; this is what it is made of, for a service that sends its own exports:
//!
//! | to | use |
//! |---|---|
//! | read exports and plan their events, without a network | [`export`], [`profile`], [`job`] |
//! | keep what was intended, sent and answered | [`journal`], [`record`](mod@record) |
//! | send what is left to send | [`tracking`], [`send`](mod@send) |
//! | write the reports | [`report`] |
//! | compare commissions with what was billed | `audit`, if the feature `polars` is on |
//! | try all of it without an account | [`sandbox`] |
//!
//! Before the journal all is pure: the same bytes give the same events. After it, all reads only the journal.
//! `ARCHITECTURE.md` has the map of the modules.
//!
//! # From an export to its report
//!
//! ```
//! use std::num::{NonZeroU32, NonZeroUsize};
//! use std::time::Duration;
//!
//! use fprecon::event::{Currency, Decimals};
//! use fprecon::export::Export;
//! use fprecon::job::{self, PlanContext, Setup};
//! use fprecon::journal::{Account, Journal, RunCommand};
//! use fprecon::profile::Profiles;
//! use fprecon::record::{NewJob, record};
//! use fprecon::report::{self, Formats, ReportSource, RunSummary};
//! use fprecon::sandbox::{Options, Sandbox};
//! use fprecon::send::{RunToSend, SendSettings, send};
//! use fprecon::tracking::{ApiKey, Client, ClientSettings, Timeouts, Version};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let directory = tempfile::tempdir()?;
//! let sandbox = Sandbox::start(Options::default())?;
//! let now = jiff::Timestamp::now();
//! let currency = Currency::from_code("USD").ok_or("not a currency")?;
//!
//! // The journal belongs to one account.
//! let account = Account {
//!     api: Version::V1.as_str().into(),
//!     base_url: sandbox.base_url(),
//!     account_id: "wid_1".into(),
//! };
//! let path = directory.path().join("fprecon.journal");
//! let mut journal = Journal::open(&path, &account, "example", now)?;
//!
//! // Exports are planned against what the journal knows. Nothing is sent yet.
//! let csv = &b"kind,event_id,email,amount,currency,created_at\n\
//!     sale,in_1,ada@example.com,80.00,USD,2026-03-01\n"[..];
//! let exports = [Export::from_bytes("sales.csv", csv)];
//! let profiles = Profiles::load(&Default::default())?;
//! let setup = Setup::new(&profiles, currency);
//! let read_history = |request: &dyn Fn() -> _| journal.reader().known_for(request);
//! let planned = job::plan(exports, &setup, PlanContext::new(now), read_history);
//! let (mut job, history) = planned.map_err(|error| format!("{error:?}"))?;
//! assert_eq!(job.plan.events().len(), 1);
//!
//! // The plan is on disk before the first request.
//! let new = NewJob { command: RunCommand::Run, started: now, by: "ada@server" };
//! let run = record(&mut journal, &new, &mut job, &history)?;
//!
//! // Every intent is on disk before its request, and every answer before it counts.
//! let client = ClientSettings {
//!     version: Version::V1,
//!     base_url: sandbox.base_url(),
//!     account_id: account.account_id,
//!     account_currency: currency,
//!     decimals: Decimals::default(),
//!     should_notify_promoters: false,
//!     has_cancellation_event_id: false,
//!     ca_pem: None,
//!     timeouts: Timeouts::default(),
//! };
//! let client = Client::new(client, &ApiKey::for_sandbox())?;
//! let settings = SendSettings {
//!     requests_per_minute: NonZeroU32::new(400).ok_or("zero")?,
//!     concurrency: NonZeroUsize::new(8).ok_or("zero")?,
//!     should_infer_non_referrals: true,
//!     give_up_after: Duration::from_secs(600),
//!     stop_after_same_refusals: NonZeroU32::new(20),
//!     should_use_lead_list: false,
//!     should_repeat_unconfirmed: false,
//! };
//! let to_send = RunToSend { run, total: 1, pause_after: None, should_send_commissions: false, zone: jiff::tz::TimeZone::UTC, settings };
//! let (_stop, stopped) = tokio::sync::mpsc::unbounded_channel();
//! let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! let sent = runtime.block_on(send(journal, &client, to_send, stopped, &mut |_| ()));
//!
//! // A report is a function of the journal.
//! let reader = sent.journal.reader();
//! let record = reader.run(run)?.ok_or("the run is in the journal")?;
//! let summary = RunSummary::load(reader, &record)?;
//! let source = ReportSource::for_run(reader, record);
//! let files = report::write(&source, &summary, &Formats::default(), directory.path())?;
//! assert!(files.iter().any(|file| file.ends_with("report.html")));
//! # Ok(())
//! # }
//! ```

// Some of what only the audit uses stays in a build without it; the whole build checks that nothing is unused.
#![cfg_attr(not(feature = "polars"), allow(dead_code, unused_imports))]

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
mod file_identity;
#[deny(clippy::disallowed_methods)]
mod invisible;
#[deny(clippy::disallowed_methods)]
pub mod job;
pub mod journal;
#[deny(clippy::disallowed_methods)]
mod lead_dates;
#[deny(clippy::disallowed_methods)]
pub mod link;
mod notify;
pub(crate) mod object_storage;
mod output_folder;
#[deny(clippy::disallowed_methods)]
mod paid_marks;
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
#[deny(clippy::disallowed_methods)]
mod undo;
