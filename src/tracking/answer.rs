//! What an answer means, whichever version of the API gave it.

use std::error::Error;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::told::Told;
use crate::event::Kind;
use crate::problem::causes;

/// Characters of an answer's body that are kept for the report.
const KEPT_BYTES: usize = 500;
/// A longer `Retry-After` is taken for this.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(600);

/// What an answer, or the lack of one, means for the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// 200 with a JSON object: it took effect.
    Recorded(Receipt),
    /// The lead is unknown, so this is no referral.
    NotReferral {
        /// 204, or 404 on a cancellation and, in version 2, on a sale or refund.
        status: u16,
    },
    /// 409, or 422 on a second sign-up: an event with this id took effect before.
    AlreadyThere {
        /// 409 or 422.
        status: u16,
        /// What the API said.
        message: String,
    },
    /// 4xx: the API won't have it, now or later.
    Refused {
        /// The status.
        status: u16,
        /// What the API said.
        message: String,
    },
    /// 401 or 403: the key is wrong for every event.
    KeyRefused {
        /// 401 or 403.
        status: u16,
        /// What the API said.
        message: String,
    },
    /// 429: too fast; nothing was recorded.
    TooFast {
        /// How long to wait, if the API says so; at most ten minutes.
        retry_after: Option<Duration>,
        /// What the API said.
        message: String,
    },
    /// Nothing was recorded and it may go better later: no connection, a redirect.
    NotDelivered {
        /// The status, if there was one.
        status: Option<u16>,
        /// What happened.
        message: String,
    },
    /// The server can't prove who it is: nothing is sent to it, now or later.
    Untrusted {
        /// What is wrong with its certificate.
        message: String,
    },
    /// It may have taken effect or not: no answer, half an answer, 5xx.
    Unclear {
        /// The status, if it came.
        status: Option<u16>,
        /// What happened.
        message: String,
    },
}

/// What the API says of an event that took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The API's own id of the event.
    pub api_event_id: Option<String>,
    /// The promoter whose lead it is.
    pub promoter_email: Option<String>,
    /// The promoter's referral id.
    pub promoter_ref_id: Option<String>,
    /// The commission in minor units; negative for refunds.
    pub commission_cents: Option<i64>,
}

impl Answer {
    /// A stable word for the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Answer::Recorded(_) => "recorded",
            Answer::NotReferral { .. } => "not_referral",
            Answer::AlreadyThere { .. } => "already_there",
            Answer::Refused { .. } => "refused",
            Answer::KeyRefused { .. } => "key_refused",
            Answer::TooFast { .. } => "too_fast",
            Answer::NotDelivered { .. } => "not_delivered",
            Answer::Untrusted { .. } => "untrusted",
            Answer::Unclear { .. } => "unclear",
        }
    }

    /// The HTTP status, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Answer::Recorded(_) => Some(200),
            Answer::TooFast { .. } => Some(429),
            Answer::NotReferral { status }
            | Answer::AlreadyThere { status, .. }
            | Answer::Refused { status, .. }
            | Answer::KeyRefused { status, .. } => Some(*status),
            Answer::NotDelivered { status, .. } | Answer::Unclear { status, .. } => *status,
            Answer::Untrusted { .. } => None,
        }
    }

    /// What the API said, or what happened.
    pub fn message(&self) -> &str {
        match self {
            Answer::Recorded(_) | Answer::NotReferral { .. } => "",
            Answer::AlreadyThere { message, .. }
            | Answer::Refused { message, .. }
            | Answer::KeyRefused { message, .. }
            | Answer::TooFast { message, .. }
            | Answer::NotDelivered { message, .. }
            | Answer::Untrusted { message }
            | Answer::Unclear { message, .. } => message,
        }
    }
}

/// What a whole answer means in both versions; `receipt` reads what was recorded.
///
/// Where a version knows more of an answer, it says so before it asks here.
pub(super) fn of_status(
    kind: Kind,
    status: u16,
    body: &[u8],
    retry_after: Option<Duration>,
    receipt: impl FnOnce(&Told) -> Receipt,
) -> Answer {
    if matches!(status, 200 | 201) {
        return match serde_json::from_slice::<Told>(body) {
            Ok(told) if told.is_object() => Answer::Recorded(receipt(&told)),
            _ => Answer::Unclear {
                status: Some(status),
                message: format!("the answer is no JSON object: {}", message_of(body)),
            },
        };
    }
    let message = message_of(body);
    match status {
        204 => Answer::NotReferral { status },
        404 if kind == Kind::Cancellation => Answer::NotReferral { status },
        300..400 => Answer::NotDelivered {
            status: Some(status),
            message:
                "the API redirects to another address, which is never followed; check the base URL"
                    .to_owned(),
        },
        401 | 403 => Answer::KeyRefused { status, message },
        409 => Answer::AlreadyThere { status, message },
        422 if kind == Kind::Signup && is_second_signup(body) => {
            Answer::AlreadyThere { status, message }
        }
        408 | 425 => Answer::Unclear {
            status: Some(status),
            message,
        },
        429 => Answer::TooFast {
            retry_after,
            message,
        },
        400..500 => Answer::Refused { status, message },
        _ => Answer::Unclear {
            status: Some(status),
            message,
        },
    }
}

fn is_second_signup(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|body| body.get("transaction_id").is_some())
}

/// What an answer of the older shape says: version 1's, and version 2's to refunds and
/// cancellations. Unknown fields are ignored, missing ones are allowed.
pub(super) fn receipt(body: &Told) -> Receipt {
    let promoter = body.of("promoter");
    Receipt {
        api_event_id: body.of("id").text(),
        promoter_email: promoter.of("email").text(),
        promoter_ref_id: promoter.of("default_ref_id").text(),
        commission_cents: cash_cents(body.of("reward")),
    }
}

/// The amount of a reward or a commission, unless it is given in months or credits.
pub(super) fn cash_cents(reward: &Told) -> Option<i64> {
    let is_cash = reward.of("unit").word().is_none_or(|unit| unit == "cash");
    reward.of("amount").integer().filter(|_| is_cash)
}

/// An answer whose status came and whose body did not.
pub(super) fn unreadable(status: u16, reason: &str) -> Answer {
    Answer::Unclear {
        status: Some(status),
        message: reason.to_owned(),
    }
}

/// A request that got no answer.
pub(super) fn of_error(error: reqwest::Error) -> Answer {
    let is_connect = error.is_connect();
    let error = error.without_url();
    let message = causes(&error);
    if is_certificate(&error) {
        Answer::Untrusted { message }
    } else if is_connect {
        Answer::NotDelivered {
            status: None,
            message,
        }
    } else {
        Answer::Unclear {
            status: None,
            message,
        }
    }
}

/// Whether the server's certificate is at the bottom of an error.
fn is_certificate(error: &(dyn Error + 'static)) -> bool {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return matches!(tls, rustls::Error::InvalidCertificate(_));
    }
    // An `io::Error` hides what it wraps from `source`, and there may be one inside another.
    let inside = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    let below = inside.map(|inner| inner as &(dyn Error + 'static));
    below.or_else(|| error.source()).is_some_and(is_certificate)
}

/// The time of a `Retry-After` header: seconds, or a date.
pub(super) fn retry_after(value: &str) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
            Duration::try_from(date.duration_since(Timestamp::now())).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

/// What a body says, whatever it is: the message of a JSON object, a bare string, or the text as
/// it stands; at most 500 bytes of it, in one line.
pub(super) fn message_of(body: &[u8]) -> String {
    let text = match serde_json::from_slice::<Value>(body) {
        Ok(Value::String(text)) => text,
        Ok(Value::Object(object)) => ["message", "error", "transaction_id"]
            .iter()
            .find_map(|key| object.get(*key))
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_else(|| String::from_utf8_lossy(body).into_owned()),
        _ => String::from_utf8_lossy(body).into_owned(),
    };
    let line: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut end = line.len().min(KEPT_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line[..end].trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_of_every_shape_become_one_line() {
        let message = |body: &str| message_of(body.as_bytes());
        assert_eq!(
            message(r#"{"message":"Error. Amount blank"}"#),
            "Error. Amount blank"
        );
        assert_eq!(message(r#"{"error":"no"}"#), "no");
        assert_eq!(
            message(r#"{"transaction_id":"there is already"}"#),
            "there is already"
        );
        assert_eq!(message(r#""Bad credentials""#), "Bad credentials");
        assert_eq!(message("<html>\r\n<b>"), "<html>  <b>");
        assert_eq!(message(""), "");
        assert_eq!(message(&"ä".repeat(400)).len(), 500);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_capped() {
        assert_eq!(retry_after("2"), Some(Duration::from_secs(2)));
        assert_eq!(retry_after("86400"), Some(MAX_RETRY_AFTER));
        assert_eq!(
            retry_after("Wed, 21 Oct 2015 07:28:00 GMT"),
            Some(Duration::ZERO)
        );
        assert_eq!(retry_after("soon"), None);
    }
}
