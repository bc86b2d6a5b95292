//! A local FirstPromoter Tracking API (v1 and v2), over real HTTP, for demonstrations and tests.
//!
//! It is written from the vendor's API documents alone and shares no code with the client of this
//! crate, so that one misreading of the documents cannot hide in both. It can be configured to
//! misbehave ([`Options::faults`]), and it reports what arrived and what took effect.
//! `docs/sandbox.md` is its manual: the calls, the start state, the faults.
//!
//! # Which customers are leads
//!
//! The leads that the start state declares ([`StartState`]), and a share of all other customers
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
//! | `GET /sandbox/arrivals?from=N&limit=M` | the requests below `/api`, in order, counted from 1; never the API key |
//! | `GET`, `POST /sandbox/commissions` | every commission; add, change or delete some |
//! | `GET`, `POST`, `DELETE /sandbox/faults` | the faults still to come; add an object or an array of them; forget them |
//!
//! Amounts there are positive, for refunds too, as they were sent; commissions of refunds are
//! negative. An event without `currency` is counted under `default`. An arrival's status stays null
//! if no answer was given.

mod account;
mod admin;
mod answer;
mod body;
mod call;
mod faults;
mod http;
mod keep;
mod leads;
mod limit;
mod log;
mod mistakes;
mod moment;
mod params;
mod promoters;
mod rates;
mod server;
mod socket;
mod start;
mod state;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

pub use start::StartState;

/// The options of a sandbox.
#[derive(Clone)]
pub struct Options {
    /// The address to listen on. Port 0 takes any free port; [`Sandbox::address`] returns it.
    pub listen: SocketAddr,
    /// The content of the account before the first call. `None` is the built-in set.
    pub start: Option<StartState>,
    /// The percentage of customers who are leads already, 0 to 100. `None` leaves it to the start
    /// state; the built-in set has 75.
    pub lead_share_percent: Option<u8>,
    /// The number of calls that are let through in any 60 seconds; calls above it get a 429. The
    /// documented limit of the real API is 400. `None` sets no limit.
    pub requests_per_minute: Option<u32>,
    /// The only API key that is accepted. `None` accepts any key that is not blank.
    pub require_key: Option<String>,
    /// The time that every answer of the API is held back, after the event took effect.
    pub latency: Latency,
    /// `true` if v1 cancellations are deduplicated by `event_id`, as the vendor's newer pages say.
    /// The original API and v2 have no `event_id` there: every cancellation takes effect.
    pub cancellation_event_id: bool,
    /// The faults to inject from the start.
    pub faults: Vec<FaultOption>,
    /// The seed for random faults: the same seed gives the same faults.
    pub seed: u64,
    /// The file in which the state outlives the sandbox.
    pub state_file: Option<PathBuf>,
    /// The number of arrivals that the log keeps; the oldest are dropped.
    pub arrivals_kept: usize,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            start: None,
            lead_share_percent: None,
            requests_per_minute: None,
            require_key: None,
            latency: Latency::default(),
            cancellation_event_id: false,
            faults: Vec::new(),
            seed: 0,
            state_file: None,
            arrivals_kept: 1_000_000,
        }
    }
}

/// The time that answers are held back: at least `least`, up to `spread` longer, evenly
/// distributed, and for `tail_percent` of a hundred answers `tail` longer still.
#[derive(Clone, Copy, Debug, Default)]
pub struct Latency {
    /// The time that every answer waits.
    pub least: Duration,
    /// The greatest random addition.
    pub spread: Duration,
    /// The addition for the slowest answers.
    pub tail: Duration,
    /// The number of slowest answers among a hundred.
    pub tail_percent: u8,
}

/// A fault to inject, as options write it: JSON as the endpoint takes it, or `ACTION,NAME=VALUE,…`,
/// such as `status,status=503,percent=2`.
#[derive(Clone, Debug)]
pub struct FaultOption(Vec<faults::FaultOrder>);

impl FromStr for FaultOption {
    type Err = SandboxError;

    fn from_str(text: &str) -> Result<FaultOption, SandboxError> {
        let orders =
            faults::orders_from_option(text).map_err(|message| SandboxError::Fault { message })?;
        Ok(FaultOption(orders))
    }
}

/// Shows everything but the key.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("listen", &self.listen)
            .field("lead_share_percent", &self.lead_share_percent)
            .field("requests_per_minute", &self.requests_per_minute)
            .field("require_key", &self.require_key.as_ref().map(|_| "…"))
            .field("latency", &self.latency)
            .field("cancellation_event_id", &self.cancellation_event_id)
            .field("faults", &self.faults)
            .field("seed", &self.seed)
            .field("state_file", &self.state_file)
            .finish_non_exhaustive()
    }
}

/// The reason why the sandbox did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The sandbox can't listen on the address.
    #[error("the sandbox cannot listen on {address}")]
    Bind {
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The lead share is above 100 %.
    #[error("invalid lead share {0} %")]
    LeadShare(u8),
    /// The start state can't be used.
    #[error("the start state {} cannot be used: {message}", file.display())]
    StartState {
        /// The file.
        file: PathBuf,
        /// The problem, and its place in the file.
        message: String,
    },
    /// The state file can't be read or written, or another sandbox uses it.
    #[error("the sandbox's state {} cannot be used", file.display())]
    StateFile {
        /// The file.
        file: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// A line of the state file was not written by a sandbox.
    #[error("the sandbox's state {}, line {line}: {message}", file.display())]
    StateLine {
        /// The file.
        file: PathBuf,
        /// The line number, from 1.
        line: u64,
        /// The problem.
        message: String,
    },
    /// The fault is not valid.
    #[error("invalid fault: {message}")]
    Fault {
        /// The problem.
        message: String,
    },
    /// The system provided no thread or no event queue.
    #[error("the sandbox's server could not be started")]
    Start(#[source] io::Error),
}

impl SandboxError {
    /// Returns what a person can do about it.
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
            SandboxError::StartState { .. } => "docs/sandbox.md describes the format",
            SandboxError::StateFile { source, .. } => match source.kind() {
                io::ErrorKind::WouldBlock => {
                    "another sandbox uses it: stop that one, or choose another file"
                }
                _ => "choose a file that can be written to, or start without one",
            },
            SandboxError::StateLine { .. } => {
                "choose another file, or delete this one to start over"
            }
            SandboxError::Fault { .. } => {
                "write a fault as ACTION,NAME=VALUE,… such as `status,status=503,percent=2`; docs/sandbox.md lists them"
            }
            SandboxError::Start(_) => "the system may be out of threads or file descriptors",
        }
    }
}

/// A running sandbox on a thread of its own. It stops when this value is dropped.
#[derive(Debug)]
pub struct Sandbox {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts a sandbox, which accepts calls as soon as this function returns.
    ///
    /// # Errors
    ///
    /// The address can't be used, the state can't be read, or the system has no thread left.
    pub fn start(options: Options) -> Result<Sandbox, SandboxError> {
        if let Some(percent @ 101..) = options.lead_share_percent {
            return Err(SandboxError::LeadShare(percent));
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
        let (ready, started) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || server::run(&runtime, listener, options, &ready, stopped))
            .map_err(SandboxError::Start)?;
        // A server that ended without a message has panicked, and has reported that.
        started
            .recv()
            .unwrap_or_else(|_| Err(SandboxError::Start(io::ErrorKind::Other.into())))?;
        Ok(Sandbox {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Returns the address on which the sandbox listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the base URL of v1 for a client, without a slash at its end.
    pub fn base_url(&self) -> String {
        format!("http://{}/api/v1", self.address)
    }

    /// Returns the base URL of v2 for a client, without a slash at its end.
    pub fn base_url_v2(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    /// Blocks for as long as the sandbox runs.
    pub fn wait(mut self) {
        self.join();
    }

    /// Stops listening, lets calls in progress finish, and returns when everything is closed.
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
