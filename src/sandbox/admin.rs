//! The sandbox's own endpoints: they report what happened, and take faults to inject.

use std::collections::BTreeMap;

use hyper::{Method, Uri};
use serde::Serialize;

use super::account::Summary;
use super::answer::ServerAnswer;
use super::state::ServerState;

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

pub(super) fn answer(state: &ServerState, method: &Method, uri: &Uri, body: &[u8]) -> ServerAnswer {
    match (uri.path(), method) {
        ("/sandbox/state", &Method::GET) => summary(state),
        ("/sandbox/events", &Method::GET) => events(state),
        ("/sandbox/arrivals", &Method::GET) => arrivals(state, uri.query().unwrap_or_default()),
        ("/sandbox/faults", &Method::GET) => ServerAnswer::json(200, &state.faults.borrow().list()),
        ("/sandbox/faults", &Method::POST) => add_faults(state, body),
        ("/sandbox/faults", &Method::DELETE) => {
            state.faults.borrow_mut().clear();
            fault_count(state)
        }
        ("/sandbox/commissions", &Method::GET) => commissions(state),
        ("/sandbox/commissions", &Method::POST) => order(state, body),
        ("/sandbox/payouts", &Method::POST) => done(state.account.borrow_mut().pay(body)),
        ("/sandbox/leads", &Method::POST) => done(state.account.borrow_mut().move_lead(body)),
        ("/sandbox/payouts" | "/sandbox/leads", _) => ServerAnswer::wrong_method("POST"),
        ("/sandbox/commissions", _) => ServerAnswer::wrong_method("GET, POST"),
        ("/sandbox/faults", _) => ServerAnswer::wrong_method("GET, POST, DELETE"),
        ("/sandbox/state" | "/sandbox/events" | "/sandbox/arrivals", _) => {
            ServerAnswer::wrong_method("GET")
        }
        _ => ServerAnswer::message(404, "Not found"),
    }
}

fn summary(state: &ServerState) -> ServerAnswer {
    let account = state.account.borrow();
    let log = state.log.borrow();
    let view = StateView {
        account: account.summary(),
        arrivals: log.count(),
        arrivals_forgotten: log.forgotten(),
        statuses: log.statuses(),
    };
    ServerAnswer::json(200, &view)
}

fn events(state: &ServerState) -> ServerAnswer {
    let account = state.account.borrow();
    let events: Vec<_> = account.effects().collect();
    ServerAnswer::json(200, &events)
}

fn commissions(state: &ServerState) -> ServerAnswer {
    ServerAnswer::json(200, &state.account.borrow().commission_views())
}

fn order(state: &ServerState, body: &[u8]) -> ServerAnswer {
    done(state.account.borrow_mut().order(body))
}

/// Returns the answer to an order.
fn done<T: Serialize>(done: Result<T, String>) -> ServerAnswer {
    match done {
        Ok(done) => ServerAnswer::json(200, &done),
        Err(message) => ServerAnswer::message(400, &message),
    }
}

fn arrivals(state: &ServerState, query: &str) -> ServerAnswer {
    let mut from = 1;
    let mut limit = usize::MAX;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let field = match &*name {
            "from" => &mut from,
            "limit" => &mut limit,
            _ => continue,
        };
        let Ok(number) = value.parse() else {
            return ServerAnswer::message(400, &format!("{name} is not a number: {value}"));
        };
        *field = number;
    }
    ServerAnswer::json(200, &state.log.borrow().from(from, limit))
}

fn add_faults(state: &ServerState, body: &[u8]) -> ServerAnswer {
    let added = state.faults.borrow_mut().add(body);
    match added {
        Ok(()) => fault_count(state),
        Err(message) => ServerAnswer::message(400, &message),
    }
}

fn fault_count(state: &ServerState) -> ServerAnswer {
    let faults = state.faults.borrow().list().len();
    ServerAnswer::json(200, &FaultCount { faults })
}
