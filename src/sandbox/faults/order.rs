//! Reads a fault from JSON or from an option of the command line.

use std::time::Duration;

use hyper::header::{HeaderValue, LOCATION, RETRY_AFTER};
use serde::{Deserialize, Serialize};

use super::{ArmedFault, FaultAction, Subject, WHOLE};
use crate::sandbox::answer::{BodyFormat, ServerAnswer};
use crate::sandbox::call::{CallKind, Requested};
use crate::sandbox::rates::Millionths;

/// The size of a huge body, unless it is set.
const HUGE_BYTES: u64 = 1 << 30;

/// The time for which a dropped answer keeps its connection open, unless it is set.
const HOLD: Duration = Duration::from_secs(300);

/// A fault as the endpoint takes and returns it. See `docs/sandbox.md`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct FaultOrder {
    pub(super) action: FaultWord,
    /// The number of times that it happens; 1, or unlimited if `percent` is set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) percent: Option<Percent>,
    /// The number of matching calls that are let through first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) skip: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<FaultTarget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    #[serde(default)]
    pub(super) after_effect: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after: Option<RetryAfter>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    location: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    parameter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) spread_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum FaultWord {
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
    Ignore,
}

/// The calls that a fault is for. Without one, it is for every tracking call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
enum FaultTarget {
    Sale,
    Refund,
    Cancellation,
    Signup,
    Listing,
    Commission,
    Payout,
    Change,
}

impl FaultTarget {
    fn from_asked(asked: Requested) -> FaultTarget {
        match asked {
            Requested::Track(CallKind::Sale) => FaultTarget::Sale,
            Requested::Track(CallKind::Refund) => FaultTarget::Refund,
            Requested::Track(CallKind::Cancellation) => FaultTarget::Cancellation,
            Requested::Track(CallKind::Signup) => FaultTarget::Signup,
            Requested::List(_) | Requested::Lead | Requested::Promoter | Requested::One(_) => {
                FaultTarget::Listing
            }
            Requested::NewCommission => FaultTarget::Commission,
            Requested::Change(change) if change.is_of_payouts() => FaultTarget::Payout,
            Requested::Change(_) => FaultTarget::Change,
        }
    }
}

/// Seconds, or the text of the header unchanged (it may be a date).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum RetryAfter {
    Seconds(u64),
    Text(String),
}

/// A share of the calls, as a number or as text, returned as it was written.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Percent {
    Number(serde_json::Number),
    Text(String),
}

impl Percent {
    /// Returns the share in parts of a hundred million.
    pub(super) fn parts(&self) -> Result<u64, String> {
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

/// Reads faults from JSON: an object or an array of them.
pub(in crate::sandbox) fn from_json(json: &[u8]) -> Result<Vec<FaultOrder>, String> {
    let orders = match json.trim_ascii_start().first() {
        Some(b'[') => serde_json::from_slice(json),
        _ => serde_json::from_slice(json).map(|order| vec![order]),
    };
    orders.map_err(|error| error.to_string())
}

/// Reads a fault from an option: JSON, or `ACTION,NAME=VALUE,…`, where a name alone means true.
pub(in crate::sandbox) fn from_option(text: &str) -> Result<Vec<FaultOrder>, String> {
    if text.trim_start().starts_with(['{', '[']) {
        return from_json(text.as_bytes());
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
    ArmedFault::new(order, 0).map(|waiting| vec![waiting.order])
}

/// Returns the value of an option. Texts stay texts, even if they look like numbers.
fn value_of_option(name: &str, value: &str) -> serde_json::Value {
    let is_text = matches!(
        name,
        "event_id" | "body" | "location" | "kind" | "action" | "parameter"
    );
    match value.parse::<u64>() {
        Ok(number) if !is_text => number.into(),
        _ if value == "true" || value == "false" => (value == "true").into(),
        _ => value.into(),
    }
}

impl FaultWord {
    pub(super) fn name(self) -> &'static str {
        match self {
            FaultWord::Status => "status",
            FaultWord::Redirect => "redirect",
            FaultWord::Close => "close",
            FaultWord::Reset => "reset",
            FaultWord::Drop => "drop",
            FaultWord::Truncate => "truncate",
            FaultWord::Cut => "cut",
            FaultWord::Drip => "drip",
            FaultWord::Huge => "huge",
            FaultWord::Delay => "delay",
            FaultWord::Ignore => "ignore",
        }
    }
}

impl FaultOrder {
    pub(super) fn fits(&self, subject: Subject<'_>) -> bool {
        let target = FaultTarget::from_asked(subject.asked);
        let kind = match self.kind {
            Some(wanted) => wanted == target,
            None => target != FaultTarget::Listing,
        };
        kind && (self.event_id.is_none() || self.event_id.as_deref() == subject.event_id)
    }

    pub(super) fn action(&self) -> Result<FaultAction, String> {
        let delay = self.delay_ms.map(Duration::from_millis);
        Ok(match self.action {
            FaultWord::Status => {
                let status = self.status.ok_or("a status fault needs a status")?;
                FaultAction::Answer(self.answer(status)?)
            }
            FaultWord::Redirect => FaultAction::Answer(self.redirect()?),
            FaultWord::Close => FaultAction::Close,
            FaultWord::Reset => FaultAction::Reset,
            FaultWord::Drop => FaultAction::Drop(delay.unwrap_or(HOLD)),
            FaultWord::Truncate => FaultAction::Truncate,
            FaultWord::Cut => FaultAction::Cut,
            FaultWord::Drip => FaultAction::Drip {
                bytes: usize::try_from(self.bytes.unwrap_or(1).max(1)).unwrap_or(usize::MAX),
                pause: delay.unwrap_or(Duration::from_millis(100)),
            },
            FaultWord::Huge => FaultAction::Huge(self.bytes.unwrap_or(HUGE_BYTES)),
            FaultWord::Delay if delay.is_none() && self.spread_ms.is_none() => {
                return Err("a delay needs delay_ms or spread_ms".to_owned());
            }
            FaultWord::Delay => FaultAction::Delay(delay.unwrap_or_default()),
            FaultWord::Ignore if self.kind != Some(FaultTarget::Listing) => {
                return Err("only listings can ignore a parameter: kind is listing".to_owned());
            }
            FaultWord::Ignore => {
                let parameter = self.parameter.clone();
                FaultAction::Ignore(parameter.ok_or("an ignore fault needs a parameter")?)
            }
        })
    }

    fn redirect(&self) -> Result<ServerAnswer, String> {
        let status = self.status.unwrap_or(302);
        if !(300..=399).contains(&status) {
            return Err(format!(
                "a redirect has a status from 300 to 399, not {status}"
            ));
        }
        let location = self
            .location
            .as_deref()
            .ok_or("a redirect needs a location")?;
        let value = HeaderValue::from_str(location).map_err(|error| error.to_string())?;
        Ok(self.answer(status)?.with(LOCATION, value))
    }

    fn answer(&self, status: u16) -> Result<ServerAnswer, String> {
        if !(200..=599).contains(&status) {
            return Err(format!("the status {status} is not between 200 and 599"));
        }
        let mut answer = match (&self.body, status) {
            (_, 204 | 304) => ServerAnswer::nothing(),
            (None, _) => ServerAnswer::message(status, "A fault that was asked for"),
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

/// Returns a body unchanged; if it does not look like JSON, its type is HTML, like a proxy's page.
fn verbatim(body: &str) -> ServerAnswer {
    let json = body.starts_with(['{', '[', '"']);
    let mut answer = ServerAnswer::nothing();
    answer.format = if json {
        BodyFormat::Json
    } else {
        BodyFormat::Html
    };
    answer.body = body.as_bytes().to_vec();
    answer
}
