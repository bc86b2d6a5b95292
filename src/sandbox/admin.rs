//! The sandbox's own endpoints: they report what happened, and take faults to inject.

use std::collections::BTreeMap;

use hyper::{Method, Uri};
use serde::Serialize;

use super::account::Summary;
use super::answer::Answer;
use super::state::State;

/// The answer to `GET /sandbox/state`.
#[derive(Serialize)]
struct StateView<'a> {
    #[serde(flatten)]
    account: Summary<'a>,
    arrivals: usize,
    /// The number of arrivals, the oldest ones, that `/sandbox/arrivals` no longer has.
    arrivals_forgotten: usize,
    statuses: &'a BTreeMap<u16, u64>,
}

/// The number of faults that are still to come.
#[derive(Serialize)]
struct FaultCount {
    faults: usize,
}

pub(super) fn answer(state: &State, method: &Method, uri: &Uri, body: &[u8]) -> Answer {
    match (uri.path(), method) {
        ("/sandbox/state", &Method::GET) => summary(state),
        ("/sandbox/events", &Method::GET) => events(state),
        ("/sandbox/arrivals", &Method::GET) => arrivals(state, uri.query().unwrap_or_default()),
        ("/sandbox/faults", &Method::GET) => Answer::json(200, &state.faults.borrow().list()),
        ("/sandbox/faults", &Method::POST) => add_faults(state, body),
        ("/sandbox/faults", &Method::DELETE) => {
            state.faults.borrow_mut().clear();
            fault_count(state)
        }
        ("/sandbox/commissions", &Method::GET) => commissions(state),
        ("/sandbox/commissions", &Method::POST) => order(state, body),
        ("/sandbox/payouts", &Method::POST) => done(state.account.borrow_mut().pay(body)),
        ("/sandbox/leads", &Method::POST) => done(state.account.borrow_mut().move_lead(body)),
        ("/sandbox/payouts" | "/sandbox/leads", _) => Answer::wrong_method("POST"),
        ("/sandbox/commissions", _) => Answer::wrong_method("GET, POST"),
        ("/sandbox/faults", _) => Answer::wrong_method("GET, POST, DELETE"),
        ("/sandbox/state" | "/sandbox/events" | "/sandbox/arrivals", _) => {
            Answer::wrong_method("GET")
        }
        _ => Answer::message(404, "Not found"),
    }
}

fn summary(state: &State) -> Answer {
    let account = state.account.borrow();
    let log = state.log.borrow();
    let view = StateView {
        account: account.summary(),
        arrivals: log.count(),
        arrivals_forgotten: log.forgotten(),
        statuses: log.statuses(),
    };
    Answer::json(200, &view)
}

fn events(state: &State) -> Answer {
    let account = state.account.borrow();
    let events: Vec<_> = account.effects().collect();
    Answer::json(200, &events)
}

fn commissions(state: &State) -> Answer {
    Answer::json(200, &state.account.borrow().commission_views())
}

fn order(state: &State, body: &[u8]) -> Answer {
    done(state.account.borrow_mut().order(body))
}

/// Returns the answer to an order.
fn done<T: Serialize>(done: Result<T, String>) -> Answer {
    match done {
        Ok(done) => Answer::json(200, &done),
        Err(message) => Answer::message(400, &message),
    }
}

fn arrivals(state: &State, query: &str) -> Answer {
    let mut from = 1;
    let mut limit = usize::MAX;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let field = match &*name {
            "from" => &mut from,
            "limit" => &mut limit,
            _ => continue,
        };
        let Ok(number) = value.parse() else {
            return Answer::message(400, &format!("{name} is not a number: {value}"));
        };
        *field = number;
    }
    Answer::json(200, &state.log.borrow().from(from, limit))
}

fn add_faults(state: &State, body: &[u8]) -> Answer {
    let added = state.faults.borrow_mut().add(body);
    match added {
        Ok(()) => fault_count(state),
        Err(message) => Answer::message(400, &message),
    }
}

fn fault_count(state: &State) -> Answer {
    let faults = state.faults.borrow().list().len();
    Answer::json(200, &FaultCount { faults })
}
