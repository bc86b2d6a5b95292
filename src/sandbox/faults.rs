//! What is to go wrong, and for which calls.

use std::time::Duration;

use hyper::header::{HeaderValue, RETRY_AFTER};
use serde::{Deserialize, Serialize};

use super::account::Kind;
use super::answer::{Answer, Format};

/// A fault, as it is told and asked for.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    action: Word,
    #[serde(default = "once")]
    times: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<Kind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(default)]
    after_effect: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<RetryAfter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    Status,
    Close,
    Truncate,
    Delay,
}

/// Seconds, or the text of the header as it is (it may be a date).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(u64),
    Text(String),
}

fn once() -> u64 {
    1
}

/// What happens to one call.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) action: Action,
    /// Whether the event takes effect first.
    pub(super) after_effect: bool,
}

/// The ways to go wrong.
#[derive(Clone, Debug)]
pub(super) enum Action {
    Status(Answer),
    Close,
    Truncate,
    Delay(Duration),
}

struct Waiting {
    order: Order,
    fault: Fault,
}

/// The faults still to come, in the order in which they were asked for.
#[derive(Default)]
pub(super) struct Faults {
    waiting: Vec<Waiting>,
}

impl Faults {
    /// Adds an object's or an array's faults: all, or none and what is wrong.
    pub(super) fn add(&mut self, json: &[u8]) -> Result<(), String> {
        let orders: Result<Vec<Order>, _> = match json.trim_ascii_start().first() {
            Some(b'[') => serde_json::from_slice(json),
            _ => serde_json::from_slice(json).map(|order| vec![order]),
        };
        let orders = orders.map_err(|error| error.to_string())?;
        let added: Result<Vec<Waiting>, String> = orders.into_iter().map(Waiting::new).collect();
        self.waiting.extend(added?);
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The faults still to come, with the times that are left.
    pub(super) fn list(&self) -> Vec<&Order> {
        self.waiting.iter().map(|waiting| &waiting.order).collect()
    }

    /// The first fault that fits the call, used once.
    pub(super) fn take(&mut self, kind: Kind, event_id: Option<&str>) -> Option<Fault> {
        let fits = |waiting: &Waiting| waiting.order.fits(kind, event_id);
        let place = self.waiting.iter().position(fits)?;
        let left = &mut self.waiting[place].order.times;
        *left -= 1;
        if *left == 0 {
            return Some(self.waiting.remove(place).fault);
        }
        Some(self.waiting[place].fault.clone())
    }
}

impl Waiting {
    fn new(order: Order) -> Result<Waiting, String> {
        if order.times == 0 {
            return Err("times must be at least 1".to_owned());
        }
        let action = match order.action {
            Word::Status => Action::Status(order.answer()?),
            Word::Close => Action::Close,
            Word::Truncate => Action::Truncate,
            Word::Delay => {
                let delay = order.delay_ms.ok_or("a delay needs delay_ms")?;
                Action::Delay(Duration::from_millis(delay))
            }
        };
        let fault = Fault {
            action,
            after_effect: order.after_effect,
        };
        Ok(Waiting { order, fault })
    }
}

impl Order {
    fn fits(&self, kind: Kind, event_id: Option<&str>) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
            && (self.event_id.is_none() || self.event_id.as_deref() == event_id)
    }

    fn answer(&self) -> Result<Answer, String> {
        let status = self.status.ok_or("a status fault needs a status")?;
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
    use super::{Action, Faults};
    use crate::sandbox::account::Kind;

    #[test]
    fn the_first_that_fits_is_used_so_often() {
        let mut faults = Faults::default();
        let json = br#"[{"action":"close","kind":"refund"},
                        {"action":"status","status":500,"times":2,"event_id":"a"}]"#;
        faults.add(json).expect("both are good");
        assert!(faults.take(Kind::Sale, Some("b")).is_none());
        assert!(faults.take(Kind::Sale, None).is_none());
        for _ in 0..2 {
            let fault = faults.take(Kind::Sale, Some("a")).expect("two times");
            assert!(matches!(fault.action, Action::Status(answer) if answer.status == 500));
        }
        assert!(faults.take(Kind::Sale, Some("a")).is_none());
        let fault = faults.take(Kind::Refund, Some("a")).expect("any refund");
        assert!(matches!(fault.action, Action::Close));
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_bad_order_adds_nothing() {
        let mut faults = Faults::default();
        for json in [
            r#"[{"action":"close"},{"action":"delay"}]"#,
            r#"{"action":"status"}"#,
            r#"{"action":"status","status":99}"#,
            r#"{"action":"close","times":0}"#,
            r#"{"action":"close","often":2}"#,
            r#"{"action":"status","status":429,"retry_after":"\n"}"#,
            "",
        ] {
            assert!(faults.add(json.as_bytes()).is_err(), "{json}");
        }
        assert!(faults.list().is_empty());
    }
}
