//! The server's state between two requests.

use std::cell::RefCell;
use std::io;
use std::time::{Duration, Instant};

use super::account::AccountState;
use super::faults::Faults;
use super::keep::Keeper;
use super::limit::RateLimit;
use super::log::Log;
use super::{Latency, Options, SandboxError};

/// The state of the server. One thread uses it; no borrow is held across an `await`.
pub(super) struct ServerState {
    pub(super) require_key: Option<String>,
    pub(super) account: RefCell<AccountState>,
    pub(super) keeper: RefCell<Option<Keeper>>,
    pub(super) faults: RefCell<Faults>,
    pub(super) log: RefCell<Log>,
    pub(super) limit: RefCell<RateLimit>,
    pub(super) started: Instant,
    latency: Latency,
    draws: RefCell<fastrand::Rng>,
}

impl ServerState {
    /// Creates the state from the options, and from its file where there is one.
    pub(super) fn new(options: Options) -> Result<ServerState, SandboxError> {
        let started = Instant::now();
        let mut faults = Faults::new(options.seed);
        for fault in &options.faults {
            faults
                .add_orders(fault.0.clone())
                .map_err(|message| SandboxError::Fault { message })?;
        }
        let mut start = options.start.unwrap_or_default();
        if let Some(percent) = options.lead_share_percent {
            start.lead_share_percent = percent;
        }
        let mut account = AccountState::new(start, options.cancellation_event_id);
        let keeper = match &options.state_file {
            None => None,
            Some(path) => Some(Keeper::open(path, &mut account)?),
        };
        Ok(ServerState {
            require_key: options.require_key,
            account: RefCell::new(account),
            keeper: RefCell::new(keeper),
            faults: RefCell::new(faults),
            log: RefCell::new(Log::new(options.arrivals_kept)),
            limit: RefCell::new(RateLimit::new(options.requests_per_minute)),
            started,
            latency: options.latency,
            draws: RefCell::new(fastrand::Rng::with_seed(options.seed)),
        })
    }

    /// Returns how long the next answer is held back.
    pub(super) fn latency(&self) -> Duration {
        let Latency {
            least,
            spread,
            tail,
            tail_percent,
        } = self.latency;
        if spread.is_zero() && tail.is_zero() {
            return least;
        }
        let mut draws = self.draws.borrow_mut();
        let spread = u64::try_from(spread.as_micros()).unwrap_or(u64::MAX);
        let within = least + Duration::from_micros(draws.u64(0..=spread));
        let is_tail = draws.u8(0..100) < tail_percent;
        if is_tail { within + tail } else { within }
    }

    /// Writes to the state file, if there is one.
    pub(super) fn keep(&self, note: impl FnOnce(&mut Keeper) -> io::Result<()>) -> io::Result<()> {
        match self.keeper.borrow_mut().as_mut() {
            Some(keeper) => note(keeper),
            None => Ok(()),
        }
    }
}
