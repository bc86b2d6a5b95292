//! A local FirstPromoter Tracking API (v1), over real HTTP, for demonstrations and tests.
//!
//! It is written from the vendor's API documents alone and shares no code with the client of this
//! crate, so that one misreading of the documents cannot hide in both. It can be told to misbehave
//! (see [the faults](#faults)), and it tells what arrived and what took effect.
//!
//! # Which customers are leads
//!
//! The account is imagined to hold a share of all customers already
//! ([`Options::lead_share_percent`]). Which ones, and whose leads they are, follows from a stable
//! hash of the customer's uid, or email where there is no uid: the same customer gets the same
//! answer in every run. Sign-ups, and sales with `promo_code`, `ref_id` or `tid`, add leads.
//!
//! # Its own endpoints
//!
//! They are outside `/api` and need no key.
//!
//! | request | answer |
//! |---|---|
//! | `GET /sandbox/state` | totals: leads, promoters, events by kind and currency, commissions, answers by status |
//! | `GET /sandbox/events` | every event that took effect, in order |
//! | `GET /sandbox/arrivals?from=N&limit=M` | every request below `/api`, in order, counted from 1; never the API key |
//! | `GET`, `POST`, `DELETE /sandbox/faults` | the faults still to come; add an object or an array of them; forget them |
//!
//! Amounts are positive there, for refunds too, as they were sent; commissions of refunds are
//! negative. An event without `currency` is counted under `default`.
//!
//! # Faults
//!
//! A fault waits for a call that fits its `kind` and `event_id` (both optional), and is used up
//! after `times` calls (1 unless told). The first that fits is the one that happens. Calls that are
//! refused for their path, key or rate use up no fault.
//!
//! | `action` | what happens | more fields |
//! |---|---|---|
//! | `status` | this status instead of the true answer | `status`, `retry_after`, `body`, `after_effect` |
//! | `close` | the connection is closed without an answer | `after_effect` |
//! | `truncate` | the event takes effect; its 200 carries half of the JSON | |
//! | `delay` | the call, or with `after_effect` only its answer, waits | `delay_ms`, `after_effect` |
//!
//! If the client leaves during a `delay`, the event takes effect only with `after_effect`. An
//! arrival's status stays null where no answer was given.

mod account;
mod admin;
mod answer;
mod faults;
mod http;
mod leads;
mod limit;
mod log;
mod params;
mod promoters;
mod server;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

/// How the sandbox behaves.
#[derive(Clone)]
pub struct Options {
    /// Where to listen. Port 0 takes any free port; [`Sandbox::address`] says which.
    pub listen: SocketAddr,
    /// How many of a hundred customers are leads already, 0 to 100.
    pub lead_share_percent: u8,
    /// Calls let through in any 60 seconds; those above it get 429. The documented limit of the
    /// real API is 400. `None` limits nothing.
    pub requests_per_minute: Option<u32>,
    /// The one API key that is accepted. `None` accepts any that is not blank.
    pub require_key: Option<String>,
    /// How long every answer of the API is held back, after the event took effect.
    pub latency: Duration,
    /// The commission on a sale, in percent of its amount.
    pub commission_percent: u32,
    /// Whether cancellations are deduplicated by `event_id`, as the vendor's newer pages say. The
    /// original API knows no `event_id` there: every cancellation takes effect.
    pub cancellation_event_id: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            lead_share_percent: 75,
            requests_per_minute: None,
            require_key: None,
            latency: Duration::ZERO,
            commission_percent: 20,
            cancellation_event_id: false,
        }
    }
}

/// Everything but the key.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("lead_share_percent", &self.lead_share_percent)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("require_key", &self.require_key.as_ref().map(|_| "…"))
            .field("latency", &self.latency)
            .field("commission_percent", &self.commission_percent)
            .field("cancellation_event_id", &self.cancellation_event_id)
            .finish()
    }
}

/// Why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The address cannot be listened on.
    #[error("the sandbox cannot listen on {address}")]
    Bind {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// More than all customers would be leads.
    #[error("a lead share of {0} % is not possible")]
    LeadShare(u8),
    /// The system gave no thread or no event queue.
    #[error("the sandbox's server could not be started")]
    Start(#[source] io::Error),
}

impl SandboxError {
    /// What can be done about it.
    pub fn hint(&self) -> &'static str {
        match self {
            SandboxError::Bind { source, .. } => match source.kind() {
                io::ErrorKind::AddrInUse => {
                    "another program listens there: choose another port, or port 0 for any free one"
                }
                io::ErrorKind::PermissionDenied => {
                    "ports below 1024 may need privileges: choose a higher port, or port 0 for any free one"
                }
                _ => "choose an address of this machine, such as 127.0.0.1:0",
            },
            SandboxError::LeadShare(_) => "choose a share between 0 and 100",
            SandboxError::Start(_) => "the system may be out of threads or file descriptors",
        }
    }
}

/// A running sandbox, on a thread of its own. It stops when this is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox. It can be called as soon as this returns.
    pub fn start(options: Options) -> Result<Sandbox, SandboxError> {
        if options.lead_share_percent > 100 {
            return Err(SandboxError::LeadShare(options.lead_share_percent));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(SandboxError::Start)?;
        let (listener, address) =
            listen(&runtime, options.listen).map_err(|source| SandboxError::Bind {
                address: options.listen,
                source,
            })?;
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || server::run(&runtime, listener, options, stopped))
            .map_err(SandboxError::Start)?;
        Ok(Sandbox {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The base URL for a client, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }

    /// Blocks for as long as the sandbox runs.
    pub fn wait(mut self) {
        self.join();
    }

    /// Stops listening, lets calls that are being answered finish, and returns when all is closed.
    pub fn stop(self) {
        drop(self);
    }

    fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been reported by its own thread.
            let _ = thread.join();
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // Dropping the sender is the signal.
        self.stop.take();
        self.join();
    }
}

fn listen(runtime: &Runtime, address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    let _context = runtime.enter();
    Ok((TcpListener::from_std(listener)?, bound))
}
