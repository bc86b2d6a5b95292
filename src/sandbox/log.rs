//! The log of requests and answers.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;

/// The greatest size of a body that is kept, in bytes.
const BODY_KEPT: usize = 64 << 10;

/// The greatest number of request shapes that are stored once instead of each time.
const SHAPES: usize = 64;

/// A request as it is passed to the log.
pub(super) struct LoggedRequest<'a> {
    /// The time since the start of the sandbox.
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
    shape: Rc<Shape>,
    query: Option<Box<str>>,
    body: Box<str>,
    has_key: bool,
    status: Option<u16>,
    /// The number of requests that had arrived at the time of the answer; 0 while there is none.
    answered_after: usize,
    fault: Option<&'static str>,
}

/// The parts that most requests of a client have in common.
struct Shape {
    method: Box<str>,
    path: Box<str>,
    content_type: Option<Box<[u8]>>,
    user_agent: Option<Box<[u8]>>,
}

/// An arrival as the sandbox reports it.
#[derive(Serialize)]
pub(super) struct ArrivalView<'a> {
    number: usize,
    at_ms: u64,
    method: &'a str,
    path: &'a str,
    query: Option<&'a str>,
    body: &'a str,
    content_type: Option<Cow<'a, str>>,
    user_agent: Option<Cow<'a, str>>,
    has_key: bool,
    /// The status of the answer; `None` while there is no answer: the connection was cut, or the
    /// answer is still held back.
    status: Option<u16>,
    /// The last request that had arrived when this one was answered: later ones may have been sent
    /// because of the answer, earlier ones were not.
    answered_after: Option<usize>,
    /// The fault that happened to it.
    fault: Option<&'static str>,
}

/// The latest requests to the API, in the order in which they were complete.
pub(super) struct Log {
    arrivals: VecDeque<Arrival>,
    /// The number of requests before those that are kept.
    forgotten: usize,
    most: usize,
    statuses: BTreeMap<u16, u64>,
    shapes: Vec<Rc<Shape>>,
}

impl Log {
    /// Creates a log that keeps at most `most` requests and drops the oldest.
    pub(super) fn new(most: usize) -> Log {
        Log {
            arrivals: VecDeque::new(),
            forgotten: 0,
            most,
            statuses: BTreeMap::new(),
            shapes: Vec::new(),
        }
    }

    /// Adds a request and returns its number, from 1.
    pub(super) fn arrived(&mut self, seen: &LoggedRequest<'_>) -> usize {
        let kept = &seen.body[..seen.body.len().min(BODY_KEPT)];
        let arrival = Arrival {
            at_ms: u64::try_from(seen.at.as_millis()).unwrap_or(u64::MAX),
            shape: self.shape(seen),
            query: seen.query.map(Box::from),
            body: text(kept),
            has_key: seen.has_key,
            status: None,
            answered_after: 0,
            fault: None,
        };
        self.arrivals.push_back(arrival);
        if self.arrivals.len() > self.most {
            self.arrivals.pop_front();
            self.forgotten += 1;
        }
        self.count()
    }

    /// Records the fault that happens to the request with this number.
    pub(super) fn faulted(&mut self, number: usize, fault: &'static str) {
        if let Some(arrival) = self.kept(number) {
            arrival.fault = Some(fault);
        }
    }

    /// Records the answer to the request with this number.
    pub(super) fn answered(&mut self, number: usize, status: u16) {
        let count = self.count();
        if let Some(arrival) = self.kept(number) {
            arrival.status = Some(status);
            arrival.answered_after = count;
        }
        *self.statuses.entry(status).or_default() += 1;
    }

    fn kept(&mut self, number: usize) -> Option<&mut Arrival> {
        let place = number.checked_sub(self.forgotten + 1)?;
        self.arrivals.get_mut(place)
    }

    /// Returns the number of all requests, including those that were dropped.
    pub(super) fn count(&self) -> usize {
        self.forgotten + self.arrivals.len()
    }

    pub(super) fn forgotten(&self) -> usize {
        self.forgotten
    }

    /// Returns the number of answers by status.
    pub(super) fn statuses(&self) -> &BTreeMap<u16, u64> {
        &self.statuses
    }

    /// Returns the arrivals from this number on, at most `limit`.
    pub(super) fn from(&self, number: usize, limit: usize) -> Vec<ArrivalView<'_>> {
        let first = number.saturating_sub(self.forgotten + 1);
        let numbered = (self.forgotten + 1..).zip(&self.arrivals);
        let wanted = numbered.skip(first).take(limit);
        wanted
            .map(|(number, arrival)| arrival.view(number))
            .collect()
    }

    fn shape(&mut self, seen: &LoggedRequest<'_>) -> Rc<Shape> {
        if let Some(known) = self.shapes.iter().find(|known| known.fits(seen)) {
            return Rc::clone(known);
        }
        let new = Rc::new(Shape {
            method: seen.method.into(),
            path: seen.path.into(),
            content_type: seen.content_type.map(Box::from),
            user_agent: seen.user_agent.map(Box::from),
        });
        if self.shapes.len() < SHAPES {
            self.shapes.push(Rc::clone(&new));
        }
        new
    }
}

impl Shape {
    fn fits(&self, seen: &LoggedRequest<'_>) -> bool {
        *self.path == *seen.path
            && *self.method == *seen.method
            && self.content_type.as_deref() == seen.content_type
            && self.user_agent.as_deref() == seen.user_agent
    }
}

/// Returns bytes as text; invalid UTF-8 is replaced.
fn text(bytes: &[u8]) -> Box<str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => String::from_utf8_lossy(bytes).into(),
    }
}

impl Arrival {
    fn view(&self, number: usize) -> ArrivalView<'_> {
        ArrivalView {
            number,
            at_ms: self.at_ms,
            method: &self.shape.method,
            path: &self.shape.path,
            query: self.query.as_deref(),
            body: &self.body,
            content_type: self
                .shape
                .content_type
                .as_deref()
                .map(String::from_utf8_lossy),
            user_agent: self
                .shape
                .user_agent
                .as_deref()
                .map(String::from_utf8_lossy),
            has_key: self.has_key,
            status: self.status,
            answered_after: (self.answered_after > 0).then_some(self.answered_after),
            fault: self.fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BODY_KEPT, Log, LoggedRequest};
    use std::time::Duration;

    fn note(log: &mut Log, body: &[u8]) -> usize {
        log.arrived(&LoggedRequest {
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
        assert_eq!(
            (page[0].answered_after, page[1].answered_after),
            (Some(5), None)
        );
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
        let kept: Vec<_> = log
            .from(1, usize::MAX)
            .iter()
            .map(|view| (view.number, view.status))
            .collect();
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
