//! What arrived, and what was answered.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

/// The most of a body that is kept.
const BODY_KEPT: usize = 64 << 10;

/// How many different paths, content types and so on are kept once instead of each time.
const INTERNED: usize = 64;

/// A request, as it is handed in.
pub(super) struct Seen<'a> {
    /// Since the start of the sandbox.
    pub(super) at: Duration,
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) body: &'a [u8],
    pub(super) content_type: Option<&'a [u8]>,
    pub(super) user_agent: Option<&'a [u8]>,
    pub(super) has_key: bool,
}

struct Arrival {
    at_ms: u64,
    method: Rc<str>,
    path: Rc<str>,
    query: Option<Box<str>>,
    body: Box<str>,
    content_type: Option<Rc<str>>,
    user_agent: Option<Rc<str>>,
    has_key: bool,
    status: Option<u16>,
    fault: Option<&'static str>,
}

/// An arrival, as it is told.
#[derive(Serialize)]
pub(super) struct ArrivalView<'a> {
    number: usize,
    at_ms: u64,
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    body: &'a str,
    content_type: Option<&'a str>,
    user_agent: Option<&'a str>,
    has_key: bool,
    /// `None` while there is no answer: the connection was cut, or the answer is still held back.
    status: Option<u16>,
    /// The fault that happened to it.
    fault: Option<&'static str>,
}

/// The latest requests to the API, in the order in which they were complete.
pub(super) struct Log {
    arrivals: VecDeque<Arrival>,
    /// How many came before those that are kept.
    forgotten: usize,
    most: usize,
    statuses: BTreeMap<u16, u64>,
    interned: Vec<Rc<str>>,
}

impl Log {
    /// Keeps no more than `most` requests: the oldest go.
    pub(super) fn new(most: usize) -> Log {
        Log {
            arrivals: VecDeque::new(),
            forgotten: 0,
            most,
            statuses: BTreeMap::new(),
            interned: Vec::new(),
        }
    }

    /// Notes a request and gives its number, from 1.
    pub(super) fn arrived(&mut self, seen: &Seen<'_>) -> usize {
        let kept = &seen.body[..seen.body.len().min(BODY_KEPT)];
        let arrival = Arrival {
            at_ms: u64::try_from(seen.at.as_millis()).unwrap_or(u64::MAX),
            method: self.intern(seen.method),
            path: self.intern(seen.path),
            query: seen.query.map(Box::from),
            body: String::from_utf8_lossy(kept).into(),
            content_type: self.intern_bytes(seen.content_type),
            user_agent: self.intern_bytes(seen.user_agent),
            has_key: seen.has_key,
            status: None,
            fault: None,
        };
        self.arrivals.push_back(arrival);
        if self.arrivals.len() > self.most {
            self.arrivals.pop_front();
            self.forgotten += 1;
        }
        self.count()
    }

    /// Notes the fault that happens to the request of that number.
    pub(super) fn faulted(&mut self, number: usize, fault: &'static str) {
        if let Some(arrival) = self.kept(number) {
            arrival.fault = Some(fault);
        }
    }

    /// Notes the answer to the request of that number.
    pub(super) fn answered(&mut self, number: usize, status: u16) {
        if let Some(arrival) = self.kept(number) {
            arrival.status = Some(status);
        }
        *self.statuses.entry(status).or_default() += 1;
    }

    fn kept(&mut self, number: usize) -> Option<&mut Arrival> {
        let place = number.checked_sub(self.forgotten + 1)?;
        self.arrivals.get_mut(place)
    }

    /// How many requests came, also those that are forgotten.
    pub(super) fn count(&self) -> usize {
        self.forgotten + self.arrivals.len()
    }

    pub(super) fn forgotten(&self) -> usize {
        self.forgotten
    }

    /// How many answers had which status.
    pub(super) fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.statuses
    }

    /// The arrivals from that number on, at most so many.
    pub(super) fn from(&self, number: usize, limit: usize) -> Vec<ArrivalView<'_>> {
        let first = number.saturating_sub(self.forgotten + 1);
        let numbered = (self.forgotten + 1..).zip(&self.arrivals);
        let wanted = numbered.skip(first).take(limit);
        wanted
            .map(|(number, arrival)| arrival.view(number))
            .collect()
    }

    fn intern_bytes(&mut self, bytes: Option<&[u8]>) -> Option<Rc<str>> {
        Some(self.intern(&String::from_utf8_lossy(bytes?)))
    }

    fn intern(&mut self, text: &str) -> Rc<str> {
        if let Some(known) = self.interned.iter().find(|known| &***known == text) {
            return Rc::clone(known);
        }
        let new = Rc::from(text);
        if self.interned.len() < INTERNED {
            self.interned.push(Rc::clone(&new));
        }
        new
    }
}

impl Arrival {
    fn view(&self, number: usize) -> ArrivalView<'_> {
        ArrivalView {
            number,
            at_ms: self.at_ms,
            method: &self.method,
            path: &self.path,
            query: self.query.as_deref(),
            body: &self.body,
            content_type: self.content_type.as_deref(),
            user_agent: self.user_agent.as_deref(),
            has_key: self.has_key,
            status: self.status,
            fault: self.fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BODY_KEPT, Log, Seen};
    use std::time::Duration;

    fn note(log: &mut Log, body: &[u8]) -> usize {
        log.arrived(&Seen {
            at: Duration::from_millis(7),
            method: "POST",
            path: "/api/v1/track/sale",
            query: None,
            body,
            content_type: None,
            user_agent: None,
            has_key: true,
        })
    }

    #[test]
    fn arrivals_are_numbered_from_one_and_paged() {
        let mut log = Log::new(10);
        for n in 1..=5 {
            assert_eq!(note(&mut log, b"x"), n);
        }
        log.answered(2, 200);
        let page = log.from(2, 2);
        assert_eq!(page.len(), 2);
        assert_eq!((page[0].number, page[0].status), (2, Some(200)));
        assert_eq!((page[1].number, page[1].status), (3, None));
        assert_eq!(log.from(0, usize::MAX).len(), 5);
        assert_eq!(log.from(6, 1).len(), 0);
    }

    #[test]
    fn the_oldest_are_forgotten_and_numbers_stay() {
        let mut log = Log::new(2);
        for n in 1..=3 {
            assert_eq!(note(&mut log, b"x"), n);
        }
        log.answered(1, 200);
        log.answered(3, 409);
        let kept = log.from(1, usize::MAX);
        let kept: Vec<_> = kept.iter().map(|view| (view.number, view.status)).collect();
        assert_eq!(kept, [(2, None), (3, Some(409))]);
        assert_eq!((log.count(), log.forgotten()), (3, 1));
        assert_eq!(log.from(3, 1).len(), 1);
    }

    #[test]
    fn large_bodies_are_cut_and_bad_text_is_replaced() {
        let mut log = Log::new(10);
        note(&mut log, &vec![b'x'; BODY_KEPT + 1]);
        note(&mut log, b"\xff");
        let all = log.from(1, usize::MAX);
        assert_eq!(all[0].body.len(), BODY_KEPT);
        assert_eq!(all[1].body, "\u{fffd}");
    }
}
