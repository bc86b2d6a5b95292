//! What is to go wrong, and for which calls.

use std::collections::HashMap;
use std::time::Duration;

use hyper::header::{HeaderValue, LOCATION, RETRY_AFTER};
use serde::{Deserialize, Serialize};

use super::answer::{Answer, Format};
use super::call::{Asked, Kind};
use super::rates::Millionths;

/// How much of a huge body there is, unless told.
const HUGE_BYTES: u64 = 1 << 30;

/// How long a dropped answer keeps its connection open, unless told.
const HOLD: Duration = Duration::from_secs(300);

/// A fault, as it is told and asked for. See `docs/sandbox.md`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    action: Word,
    /// How often; 1, or without end where `percent` is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    times: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    percent: Option<Percent>,
    /// How many calls that fit go through first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    skip: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<FaultTarget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(default)]
    after_effect: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<RetryAfter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    spread_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Status,
    Redirect,
    Close,
    Reset,
    Drop,
    Truncate,
    Cut,
    Drip,
    Huge,
    Delay,
}

/// The calls that a fault may be for. Without one, it is for every tracking call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum FaultTarget {
    Sale,
    Refund,
    Cancellation,
    Signup,
    Listing,
}

impl FaultTarget {
    fn from_asked(asked: Asked) -> FaultTarget {
        match asked {
            Asked::Track(Kind::Sale) => FaultTarget::Sale,
            Asked::Track(Kind::Refund) => FaultTarget::Refund,
            Asked::Track(Kind::Cancellation) => FaultTarget::Cancellation,
            Asked::Track(Kind::Signup) => FaultTarget::Signup,
            Asked::List(_) | Asked::Lead => FaultTarget::Listing,
        }
    }
}

/// Seconds, or the text of the header as it is (it may be a date).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(u64),
    Text(String),
}

/// A share of the calls, as a number or as text, told again as it was written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Percent {
    Number(serde_json::Number),
    Text(String),
}

impl Percent {
    /// Parts of a hundred million.
    fn parts(&self) -> Result<u64, String> {
        let text = match self {
            Percent::Number(number) => number.to_string(),
            Percent::Text(text) => text.clone(),
        };
        let millionths = Millionths::parse(&text)
            .and_then(|millionths| u64::try_from(millionths.0).ok())
            .filter(|parts| *parts <= WHOLE);
        millionths.ok_or_else(|| format!("percent must be between 0 and 100, not {text}"))
    }
}

/// A hundred percent in millionths of one.
const WHOLE: u64 = 100_000_000;

/// What happens to one call.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) action: Action,
    /// Whether the event takes effect first.
    pub(super) after_effect: bool,
    /// The action's name, for the log of arrivals.
    pub(super) name: &'static str,
}

/// The ways to go wrong.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// This answer instead of the true one.
    Answer(Answer),
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// No answer, for so long; then the connection is closed.
    Drop(Duration),
    /// Half of the body, as if it were all of it.
    Truncate,
    /// Half of the body that was announced, then a reset.
    Cut,
    /// The body in pieces of so many bytes, with a pause before each.
    Drip { bytes: usize, pause: Duration },
    /// A body of so many bytes.
    Huge(u64),
    /// The call, or its answer, so much later.
    Delay(Duration),
}

/// A call, as faults look at it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) asked: Asked,
    pub(super) event_id: Option<&'a str>,
    /// The same for every arrival of one event.
    pub(super) identity: u64,
}

struct Waiting {
    order: Order,
    fault: Fault,
    parts: Option<u64>,
    /// How often it may still happen; `None` is without end.
    left: Option<u64>,
    to_skip: u64,
    /// Tells this fault's draws from those of others.
    number: u64,
    /// How often it has happened to an event, so that asking again is a new draw.
    hits: HashMap<u64, u64>,
}

/// The faults still to come, in the order in which they were asked for.
pub(super) struct Faults {
    waiting: Vec<Waiting>,
    seed: u64,
    added: u64,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Faults {
        Faults {
            waiting: Vec::new(),
            seed,
            added: 0,
        }
    }

    /// Adds an object's or an array's faults: all, or none and what is wrong.
    pub(super) fn add(&mut self, json: &[u8]) -> Result<(), String> {
        self.add_orders(orders(json)?)
    }

    pub(super) fn add_orders(&mut self, orders: Vec<Order>) -> Result<(), String> {
        let numbered = orders.into_iter().zip(self.added..);
        let added: Result<Vec<Waiting>, String> = numbered
            .map(|(order, number)| Waiting::new(order, number))
            .collect();
        let added = added?;
        self.added += u64::try_from(added.len()).unwrap_or_default();
        self.waiting.extend(added);
        Ok(())
    }

    /// Forgets all, and starts the draws anew.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.added = 0;
    }

    /// The faults still to come, with the times that are left.
    pub(super) fn list(&self) -> Vec<&Order> {
        self.waiting.iter().map(|waiting| &waiting.order).collect()
    }

    pub(super) fn are_none(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The first fault that fits the call and is drawn, used once.
    pub(super) fn take(&mut self, subject: Subject<'_>) -> Option<Fault> {
        let seed = self.seed;
        let place = self
            .waiting
            .iter_mut()
            .position(|waiting| waiting.happens(subject, seed))?;
        let waiting = &mut self.waiting[place];
        let fault = waiting.fault(subject, seed);
        if waiting.parts.is_some() {
            *waiting.hits.entry(subject.identity).or_default() += 1;
        }
        if let Some(left) = &mut waiting.left {
            *left -= 1;
            waiting.order.times = Some(*left);
            if *left == 0 {
                self.waiting.remove(place);
            }
        }
        Some(fault)
    }
}

/// Faults as they are written: an object or an array of them.
pub(super) fn orders(json: &[u8]) -> Result<Vec<Order>, String> {
    let orders = match json.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(json),
        _ => serde_json::from_slice(json).map(|order| vec![order]),
    };
    orders.map_err(|error| error.to_string())
}

/// A fault as options write it: JSON, or `ACTION,NAME=VALUE,…` where a name alone means true.
pub(super) fn order_of_option(text: &str) -> Result<Vec<Order>, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return orders(text.as_bytes());
    }
    let mut object = serde_json::Map::new();
    for (place, part) in text.split(',').enumerate() {
        let (name, value) = match part.split_once('=') {
            Some((name, value)) => (name.trim(), value_of_option(name.trim(), value.trim())),
            None if place == 0 => ("action", part.trim().into()),
            None => (part.trim(), true.into()),
        };
        object.insert(name.to_owned(), value);
    }
    let order = serde_json::from_value(object.into()).map_err(|error| error.to_string())?;
    Waiting::new(order, 0).map(|waiting| vec![waiting.order])
}

/// Texts stay texts, even if they look like numbers.
fn value_of_option(name: &str, value: &str) -> serde_json::Value {
    let is_text = matches!(name, "event_id" | "body" | "location" | "kind" | "action");
    match value.parse::<u64>() {
        Ok(number) if !is_text => number.into(),
        _ if value == "true" || value == "false" => (value == "true").into(),
        _ => value.into(),
    }
}

impl Waiting {
    fn new(order: Order, number: u64) -> Result<Waiting, String> {
        if order.times == Some(0) {
            return Err("times must be at least 1".to_owned());
        }
        let fault = Fault {
            action: order.action()?,
            after_effect: order.after_effect,
            name: order.action.name(),
        };
        let parts = order.percent.as_ref().map(Percent::parts).transpose()?;
        let left = match (order.times, parts) {
            (None, None) => Some(1),
            (times, _) => times,
        };
        Ok(Waiting {
            fault,
            parts,
            left,
            to_skip: order.skip.unwrap_or(0),
            number,
            hits: HashMap::new(),
            order: Order {
                times: left,
                ..order
            },
        })
    }

    fn happens(&mut self, subject: Subject<'_>, seed: u64) -> bool {
        if !self.order.fits(subject) {
            return false;
        }
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return false;
        }
        match self.parts {
            None => true,
            Some(parts) => self.draw(subject, seed).u64(0..WHOLE) < parts,
        }
    }

    /// The draws for this arrival. They follow from the seed, the fault, the event, and how often
    /// the fault has happened to it: never from the order in which calls come, so that a run of
    /// many connections can be repeated.
    fn draw(&self, subject: Subject<'_>, seed: u64) -> fastrand::Rng {
        let hits = self.hits.get(&subject.identity).copied().unwrap_or(0);
        let mut mixed = seed;
        for part in [self.number, subject.identity, hits] {
            mixed = fastrand::Rng::with_seed(mixed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .u64(..)
                .rotate_left(17);
        }
        fastrand::Rng::with_seed(mixed)
    }

    fn fault(&self, subject: Subject<'_>, seed: u64) -> Fault {
        let mut fault = self.fault.clone();
        if let (Action::Delay(delay), Some(spread)) = (&mut fault.action, self.order.spread_ms) {
            let mut rng = self.draw(subject, seed);
            // The first draw said whether it happens.
            rng.u64(0..WHOLE);
            *delay += Duration::from_millis(rng.u64(0..=spread));
        }
        fault
    }
}

impl Word {
    fn name(self) -> &'static str {
        match self {
            Word::Status => "status",
            Word::Redirect => "redirect",
            Word::Close => "close",
            Word::Reset => "reset",
            Word::Drop => "drop",
            Word::Truncate => "truncate",
            Word::Cut => "cut",
            Word::Drip => "drip",
            Word::Huge => "huge",
            Word::Delay => "delay",
        }
    }
}

impl Order {
    fn fits(&self, subject: Subject<'_>) -> bool {
        let target = FaultTarget::from_asked(subject.asked);
        let kind = match self.kind {
            Some(wanted) => wanted == target,
            None => target != FaultTarget::Listing,
        };
        kind && (self.event_id.is_none() || self.event_id.as_deref() == subject.event_id)
    }

    fn action(&self) -> Result<Action, String> {
        let delay = self.delay_ms.map(Duration::from_millis);
        Ok(match self.action {
            Word::Status => {
                let status = self.status.ok_or("a status fault needs a status")?;
                Action::Answer(self.answer(status)?)
            }
            Word::Redirect => Action::Answer(self.redirect()?),
            Word::Close => Action::Close,
            Word::Reset => Action::Reset,
            Word::Drop => Action::Drop(delay.unwrap_or(HOLD)),
            Word::Truncate => Action::Truncate,
            Word::Cut => Action::Cut,
            Word::Drip => Action::Drip {
                bytes: usize::try_from(self.bytes.unwrap_or(1).max(1)).unwrap_or(usize::MAX),
                pause: delay.unwrap_or(Duration::from_millis(100)),
            },
            Word::Huge => Action::Huge(self.bytes.unwrap_or(HUGE_BYTES)),
            Word::Delay if delay.is_none() && self.spread_ms.is_none() => {
                return Err("a delay needs delay_ms or spread_ms".to_owned());
            }
            Word::Delay => Action::Delay(delay.unwrap_or_default()),
        })
    }

    fn redirect(&self) -> Result<Answer, String> {
        let status = self.status.unwrap_or(302);
        if !(300..=399).contains(&status) {
            return Err(format!(
                "a redirect has a status from 300 to 399, not {status}"
            ));
        }
        let location = self.location.as_deref();
        let location = location.ok_or("a redirect needs a location")?;
        let value = HeaderValue::from_str(location).map_err(|error| error.to_string())?;
        Ok(self.answer(status)?.with(LOCATION, value))
    }

    fn answer(&self, status: u16) -> Result<Answer, String> {
        if !(200..=599).contains(&status) {
            return Err(format!("the status {status} is not between 200 and 599"));
        }
        let mut answer = match (&self.body, status) {
            (_, 204 | 304) => Answer::nothing(),
            (None, _) => Answer::message(status, "A fault that was asked for"),
            (Some(body), _) => verbatim(body),
        };
        answer.status = status;
        match self.retry_after() {
            None => Ok(answer),
            Some(text) => {
                let value = HeaderValue::from_str(&text).map_err(|error| error.to_string())?;
                Ok(answer.with(RETRY_AFTER, value))
            }
        }
    }

    fn retry_after(&self) -> Option<String> {
        match self.retry_after.as_ref()? {
            RetryAfter::Seconds(seconds) => Some(seconds.to_string()),
            RetryAfter::Text(text) => Some(text.clone()),
        }
    }
}

/// The body as it is; what does not look like JSON is said to be HTML, as a proxy's page would be.
fn verbatim(body: &str) -> Answer {
    let json = body.starts_with(['{', '[', '"']);
    let mut answer = Answer::nothing();
    answer.format = if json { Format::Json } else { Format::Html };
    answer.body = body.as_bytes().to_vec();
    answer
}

#[cfg(test)]
mod tests {
    use super::{Action, Asked, Faults, Kind, Subject, order_of_option};
    use crate::sandbox::promoters::stable_hash;

    fn subject(kind: Kind, event_id: Option<&str>) -> Subject<'_> {
        Subject {
            asked: Asked::Track(kind),
            event_id,
            identity: stable_hash(event_id.unwrap_or_default()),
        }
    }

    fn faults(seed: u64, json: &str) -> Faults {
        let mut faults = Faults::new(seed);
        faults.add(json.as_bytes()).expect("a good order");
        faults
    }

    #[test]
    fn the_first_that_fits_is_used_so_often() {
        let mut faults = faults(
            0,
            r#"[{"action":"close","kind":"refund"},
                {"action":"status","status":500,"times":2,"event_id":"a"}]"#,
        );
        let (a, b) = (Some("a"), Some("b"));
        assert!(faults.take(subject(Kind::Sale, b)).is_none());
        assert!(faults.take(subject(Kind::Sale, None)).is_none());
        for _ in 0..2 {
            let fault = faults.take(subject(Kind::Sale, a)).expect("two times");
            assert!(matches!(fault.action, Action::Answer(answer) if answer.status == 500));
        }
        assert!(faults.take(subject(Kind::Sale, a)).is_none());
        let fault = faults.take(subject(Kind::Refund, a)).expect("any refund");
        assert!(matches!(fault.action, Action::Close));
        assert!(faults.list().is_empty());
    }

    #[test]
    fn calls_can_be_skipped_first() {
        let mut faults = faults(0, r#"{"action":"reset","skip":2}"#);
        let mut take = || faults.take(subject(Kind::Sale, Some("a"))).is_some();
        assert_eq!(
            [take(), take(), take(), take()],
            [false, false, true, false]
        );
    }

    /// Which of a thousand events are hit, the events coming in this order.
    fn hit(seed: u64, order: impl Iterator<Item = usize>) -> Vec<usize> {
        let mut faults = faults(seed, r#"{"action":"close","percent":12.5}"#);
        let mut hit: Vec<usize> = order
            .filter(|n| {
                faults
                    .take(subject(Kind::Sale, Some(&n.to_string())))
                    .is_some()
            })
            .collect();
        hit.sort_unstable();
        hit
    }

    #[test]
    fn a_rate_is_the_seeds_and_not_the_orders() {
        let first = hit(7, 0..1000);
        assert!((90..160).contains(&first.len()), "{}", first.len());
        assert_eq!(hit(7, (0..1000).rev()), first);
        assert_ne!(hit(8, 0..1000), first);
    }

    #[test]
    fn asking_again_is_a_new_draw() {
        let mut faults = faults(1, r#"{"action":"close","percent":"50"}"#);
        for n in 0..100 {
            let event_id = n.to_string();
            let let_through =
                (0..64).any(|_| faults.take(subject(Kind::Sale, Some(&event_id))).is_none());
            assert!(let_through, "half of the draws can't always hit {n}");
        }
    }

    #[test]
    fn listings_have_faults_of_their_own() {
        let listing = Subject {
            asked: Asked::Lead,
            event_id: None,
            identity: 0,
        };
        let mut faults = faults(
            0,
            r#"[{"action":"close"},{"action":"reset","kind":"listing"}]"#,
        );
        let fault = faults.take(listing).expect("the second");
        assert!(matches!(fault.action, Action::Reset));
        assert!(faults.take(listing).is_none());
    }

    #[test]
    fn options_are_short_for_json() {
        let orders = order_of_option("status, status=503,retry_after=2,percent=0.5,after_effect");
        let told = serde_json::to_value(orders.expect("it is good")).expect("it is JSON");
        let expected = serde_json::json!([{
            "action": "status", "status": 503, "retry_after": 2, "percent": "0.5",
            "after_effect": true
        }]);
        assert_eq!(told, expected);
        assert!(order_of_option("close,event_id=12").is_ok());
        assert!(order_of_option(r#"[{"action":"close"}]"#).is_ok());
        for bad in ["", "explode", "status", "close,often", "close,percent=101"] {
            assert!(order_of_option(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_bad_order_adds_nothing() {
        let mut faults = Faults::new(0);
        for json in [
            r#"[{"action":"close"},{"action":"delay"}]"#,
            r#"{"action":"status"}"#,
            r#"{"action":"status","status":99}"#,
            r#"{"action":"close","times":0}"#,
            r#"{"action":"close","often":2}"#,
            r#"{"action":"close","percent":-1}"#,
            r#"{"action":"redirect"}"#,
            r#"{"action":"redirect","location":"http://x","status":200}"#,
            r#"{"action":"status","status":429,"retry_after":"\n"}"#,
            "",
        ] {
            assert!(faults.add(json.as_bytes()).is_err(), "{json}");
        }
        assert!(faults.list().is_empty());
    }
}
