//! What the server holds between two requests.

use std::cell::RefCell;
use std::time::Instant;

use super::Options;
use super::account::Account;
use super::faults::Faults;
use super::limit::RateLimit;
use super::log::Log;

/// All that the server knows. One thread uses it; no borrow is held across an `await`.
pub(super) struct State {
    pub(super) options: Options,
    pub(super) account: RefCell<Account>,
    pub(super) faults: RefCell<Faults>,
    pub(super) log: RefCell<Log>,
    pub(super) limit: RefCell<RateLimit>,
    pub(super) started: Instant,
}

impl State {
    pub(super) fn new(options: Options) -> State {
        let started = Instant::now();
        State {
            account: RefCell::new(Account::new(&options)),
            faults: RefCell::default(),
            log: RefCell::default(),
            limit: RefCell::new(RateLimit::new(options.requests_per_minute)),
            started,
            options,
        }
    }
}
