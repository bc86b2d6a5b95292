//! Interprets answers, whichever version of the API gave it.
//!
//! An answer counts only in a form that is documented for it: a success describes the very event that was
//! sent, a 204 has no body, and a 404 or 409 says in the API's words what was not found or what exists.
//! Anything else may come from a proxy, a maintenance page or another server altogether, and settles nothing.

mod failure;
mod no_answer;
mod success;

use std::time::Duration;

use super::Version;
use crate::event::{Carried, Event, Kind};
use failure::{existing_event, is_page, is_second_signup, is_unknown_lead};

pub(super) use failure::message_of;
pub(super) use no_answer::{UnreadBody, answer_of_error, unreadable};
pub(super) use success::other_amount_words;

/// Holds an answer, and how long the API asks all requests to wait, whatever else it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The meaning of the answer, or of the lack of one.
    pub answer: Answer,
    /// The wait that the API asks for, at most ten minutes.
    pub wait: Option<Duration>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Reply { answer, wait: None }
    }
}

/// Names what an answer, or the lack of one, means for the event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A 200 that describes this event: it took effect.
    Recorded(Receipt),
    /// A 200 that describes this event with another amount than was sent.
    OtherAmount {
        /// The details that it has of the event.
        receipt: Receipt,
        /// The message with both amounts.
        message: String,
    },
    /// A 200 with something else: an error, nothing, or another event. The event may have taken effect.
    NotThisEvent {
        /// The HTTP status, 200 or 201.
        status: u16,
        /// The message that says what is wrong with it, and its text.
        message: String,
    },
    /// The lead is unknown, so this is not a referral.
    NotReferral {
        /// The HTTP status: 204, or 404 on a cancellation and, in version 2, on a sale or refund.
        status: u16,
    },
    /// A 409, or a 422 on a second sign-up: an event with this id took effect before.
    AlreadyThere {
        /// The HTTP status, 409 or 422.
        status: u16,
        /// The message of the API.
        message: String,
    },
    /// A 409 that does not say that this event exists: this request had no effect.
    Conflicting {
        /// The message of the API.
        message: String,
    },
    /// A 4xx: the API refuses the event, now and later.
    Refused {
        /// The HTTP status.
        status: u16,
        /// The message of the API.
        message: String,
    },
    /// A 401 or 403: the key is wrong for every event.
    KeyRefused {
        /// The HTTP status, 401 or 403.
        status: u16,
        /// The message of the API.
        message: String,
    },
    /// A 429: too fast; nothing was recorded.
    TooFast {
        /// The message of the API.
        message: String,
    },
    /// Nothing was recorded and a later attempt may succeed: no connection, a redirect.
    NotDelivered {
        /// The HTTP status, if there was one.
        status: Option<u16>,
        /// The message that says what happened.
        message: String,
    },
    /// The server can't prove who it is: nothing is sent to it, now or later.
    Untrusted {
        /// The fault of its certificate.
        message: String,
    },
    /// It may or may not have taken effect: no answer, half an answer, 5xx.
    Unclear {
        /// The HTTP status, if it came.
        status: Option<u16>,
        /// The message that says what happened.
        message: String,
    },
}

/// Holds what the API says of an event that took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Receipt {
    /// The API's own id of the event.
    pub api_event_id: Option<String>,
    /// The email of the promoter whose lead it is.
    pub promoter_email: Option<String>,
    /// The promoter's referral id.
    pub promoter_ref_id: Option<String>,
    /// The commission in minor units; negative for refunds.
    pub commission_cents: Option<i64>,
}

impl Answer {
    /// Returns a stable word for the journal.
    pub fn word(&self) -> &'static str {
        match self {
            Answer::Recorded(_) => "recorded",
            Answer::OtherAmount { .. } => OTHER_AMOUNT,
            Answer::NotThisEvent { .. } => "not_this_event",
            Answer::NotReferral { .. } => "not_referral",
            Answer::AlreadyThere { .. } => "already_there",
            Answer::Conflicting { .. } => "conflicting",
            Answer::Refused { .. } => "refused",
            Answer::KeyRefused { .. } => "key_refused",
            Answer::TooFast { .. } => "too_fast",
            Answer::NotDelivered { .. } => "not_delivered",
            Answer::Untrusted { .. } => "untrusted",
            Answer::Unclear { .. } => "unclear",
        }
    }

    /// Returns the HTTP status, if there was one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Answer::Recorded(_) | Answer::OtherAmount { .. } => Some(200),
            Answer::TooFast { .. } => Some(429),
            Answer::Conflicting { .. } => Some(409),
            Answer::NotReferral { status }
            | Answer::NotThisEvent { status, .. }
            | Answer::AlreadyThere { status, .. }
            | Answer::Refused { status, .. }
            | Answer::KeyRefused { status, .. } => Some(*status),
            Answer::NotDelivered { status, .. } | Answer::Unclear { status, .. } => *status,
            Answer::Untrusted { .. } => None,
        }
    }

    /// Returns the message of the API, or what happened.
    pub fn message(&self) -> &str {
        match self {
            Answer::Recorded(_) | Answer::NotReferral { .. } => "",
            Answer::OtherAmount { message, .. }
            | Answer::NotThisEvent { message, .. }
            | Answer::AlreadyThere { message, .. }
            | Answer::Conflicting { message }
            | Answer::Refused { message, .. }
            | Answer::KeyRefused { message, .. }
            | Answer::TooFast { message }
            | Answer::NotDelivered { message, .. }
            | Answer::Untrusted { message }
            | Answer::Unclear { message, .. } => message,
        }
    }
}

/// The journal's word for [`Answer::OtherAmount`].
const OTHER_AMOUNT: &str = "other_amount";

/// Holds what an answer has to agree with: the event, as it was sent.
#[derive(Clone, Copy)]
pub(super) struct Asked<'e> {
    pub(super) version: Version,
    pub(super) event: &'e Event,
    pub(super) carried: Carried,
    /// The amount that was sent, in the unit that the account takes.
    pub(super) amount: Option<i64>,
}

/// Returns what a whole answer to an event means.
pub(super) fn answer_to_event(asked: &Asked<'_>, status: u16, body: &[u8]) -> Answer {
    let kind = asked.event.kind;
    match status {
        200 | 201 => asked.answer_of_success(status, body),
        204 if kind == Kind::Signup || !body.is_empty() => Answer::NotThisEvent {
            status,
            message: format!("unexpected answer to a {kind}: {}", message_of(body)),
        },
        204 => Answer::NotReferral { status },
        404 if is_unknown_lead(asked.version, kind, body) => Answer::NotReferral { status },
        404 if is_page(body) => Answer::Refused {
            status,
            message: format!(
                "not an answer of the API; check `base_url`: {}",
                message_of(body)
            ),
        },
        409 => asked.answer_of_conflict(body),
        422 if kind == Kind::Signup && is_second_signup(body) => Answer::AlreadyThere {
            status,
            message: message_of(body),
        },
        _ => answer_of_status(status, body),
    }
}

/// Returns what an answer means that is neither a success nor about an event.
pub(super) fn answer_of_status(status: u16, body: &[u8]) -> Answer {
    let message = message_of(body);
    match status {
        300..400 => Answer::NotDelivered {
            status: Some(status),
            message:
                "the API redirects to another address, which is never followed; check the base URL"
                    .to_owned(),
        },
        401 | 403 => Answer::KeyRefused { status, message },
        429 => Answer::TooFast { message },
        400..500 if !matches!(status, 408 | 425) => Answer::Refused { status, message },
        _ => Answer::Unclear {
            status: Some(status),
            message,
        },
    }
}

impl Asked<'_> {
    /// Returns the meaning of a 409. Only one that says that this very event exists says so of it.
    fn answer_of_conflict(&self, body: &[u8]) -> Answer {
        let status = 409;
        let message = message_of(body);
        match existing_event(body) {
            Some((kind, id)) if self.carried.has_event_id && id == self.event.event_id() => {
                if kind.eq_ignore_ascii_case(self.event.kind.as_str()) {
                    Answer::AlreadyThere { status, message }
                } else {
                    Answer::Refused { status, message }
                }
            }
            _ => Answer::Conflicting { message },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Currency, Customer, ExportLine, Money};

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
    fn credentials_of_promoters_are_in_no_message() {
        for body in [
            r#"{"promoter":{"temp_password":"u1PptB","id":1}}"#,
            r#"{"promoter":{"id":1,"temp_password" : "u1PptB"}}"#,
            r#"{"promoter":{"password_setup_url":"https://x/u1PptB","temp_password":"u1PptB"#,
        ] {
            let message = message_of(body.as_bytes());
            assert!(!message.contains("u1PptB"), "{message}");
            assert!(message.contains("\"promoter\""), "{message}");
        }
    }

    fn usd() -> Currency {
        Currency::from_code("USD").unwrap()
    }

    /// Returns an event `x1`, of 20.00 USD if it has an amount.
    fn event(kind: Kind) -> Event {
        let customer = Customer::new(Some("ada@example.com"), None);
        let mut event = Event::new(
            kind,
            "x1".into(),
            customer,
            ExportLine { input: 0, line: 2 },
        );
        event.money = kind.has_amount().then(|| Money {
            amount_cents: 2000,
            currency: usd(),
        });
        event
    }

    fn answer_to(version: Version, event: &Event, status: u16, body: &str) -> Answer {
        let asked = Asked {
            version,
            event,
            carried: Carried::new(
                b"",
                event.kind.has_amount(),
                event
                    .money
                    .map(|money| money.currency)
                    .filter(|currency| *currency != usd()),
            ),
            amount: event.money.map(|money| money.amount_cents),
        };
        answer_to_event(&asked, status, body.as_bytes())
    }

    fn word(version: Version, kind: Kind, status: u16, body: &str) -> &'static str {
        answer_to(version, &event(kind), status, body).word()
    }

    const BOTH: [Version; 2] = [Version::V1, Version::V2];

    #[test]
    fn statuses_that_are_about_no_event_mean_the_same_in_both_versions() {
        for version in BOTH {
            for kind in Kind::ALL {
                let word = |status, body: &str| word(version, kind, status, body);
                assert_eq!(word(302, ""), "not_delivered");
                assert_eq!(word(400, "{\"message\":\"Error.\"}"), "refused");
                assert_eq!(word(401, "\"Bad credentials\""), "key_refused");
                assert_eq!(word(403, ""), "key_refused");
                assert_eq!(word(408, ""), "unclear");
                assert_eq!(word(429, ""), "too_fast");
                assert_eq!(word(500, ""), "unclear");
                assert_eq!(word(503, "<html>"), "unclear");
                assert_eq!(word(102, ""), "unclear");
                assert_eq!(word(202, ""), "unclear");
            }
        }
    }

    #[test]
    fn a_success_is_the_apis_own_account_of_this_event() {
        let v1 = |kind| move |body: &str| word(Version::V1, kind, 200, body);
        let v2 = |kind| move |body: &str| word(Version::V2, kind, 200, body);
        let sale = v1(Kind::Sale);
        assert_eq!(
            sale(r#"{"id":1,"type":"sale","amount_cents":2000}"#),
            "recorded"
        );
        assert_eq!(
            sale(r#"{"id":"1","type":"sale","new":[{}],"reward":"?"}"#),
            "recorded"
        );
        assert_eq!(
            sale(r#"{"id":1,"type":"sale","amount_cents":null,"reward":{"event_id":"x1"}}"#),
            "recorded"
        );
        assert_eq!(
            v1(Kind::Refund)(r#"{"id":1,"type":"refund","amount_cents":-2000}"#),
            "recorded"
        );
        assert_eq!(
            v1(Kind::Cancellation)(r#"{"id":1,"type":"cancellation"}"#),
            "recorded"
        );
        assert_eq!(
            v1(Kind::Signup)(r#"{"id":1,"type":"signup","reward":null}"#),
            "recorded"
        );
        let sale = v2(Kind::Sale);
        assert_eq!(
            sale(r#"{"id":1,"etype":"sale","sale_amount":2000}"#),
            "recorded"
        );
        assert_eq!(sale(r#"{"event_id":"x1"}"#), "recorded");
        assert_eq!(sale(r#"{"referral":{"id":3}}"#), "recorded");
        assert_eq!(
            v2(Kind::Refund)(r#"{"id":1,"type":"refund","amount_cents":-2000}"#),
            "recorded"
        );
        // What was not sent can't be contradicted.
        assert_eq!(
            v2(Kind::Signup)(r#"{"id":1,"event_id":"other"}"#),
            "recorded"
        );
    }

    #[test]
    fn an_error_nothing_or_another_event_is_not_a_success() {
        let nothing = [
            r#"{"error":"Invalid company"}"#,
            r#"{"message":"ok"}"#,
            "{}",
            "[]",
            "\"ok\"",
            "null",
            r#"{"id":1,"type":"sale","error":"Invalid company"}"#,
            r#"{"id":null,"type":"sale"}"#,
            r#"{"id":1,"type":"refund"}"#,
            r#"{"id":1,"type":"sale","event_id":"x2"}"#,
            r#"{"id":1,"type":"sale","reward":{"event_id":"x2"}}"#,
            r#"{"id":1,"type":"sale","amount_cents":-2000}"#,
        ];
        for version in BOTH {
            for body in nothing {
                let answer = answer_to(version, &event(Kind::Sale), 200, body);
                assert_eq!(answer.word(), "not_this_event", "{version} {body}");
                let said = if body.contains("Invalid") {
                    "Invalid company"
                } else {
                    ""
                };
                assert!(answer.message().contains(said), "{}", answer.message());
            }
            for half in ["{\"id\":1,\"type\":\"sale\"", "<html>", "", "{} {}"] {
                assert_eq!(word(version, Kind::Sale, 200, half), "unclear", "{half}");
            }
        }
        let of_v2 = r#"{"id":1,"commissions":[{"event_id":"x2"}]}"#;
        assert_eq!(word(Version::V2, Kind::Sale, 200, of_v2), "not_this_event");
        let positive = r#"{"id":1,"type":"refund","amount_cents":2000}"#;
        assert_eq!(
            word(Version::V1, Kind::Refund, 200, positive),
            "not_this_event"
        );
    }

    #[test]
    fn another_amount_is_said_where_it_can_be_compared() {
        let other = r#"{"id":1,"type":"sale","amount_cents":200000}"#;
        let answer = answer_to(Version::V1, &event(Kind::Sale), 200, other);
        assert_eq!(answer.word(), "other_amount");
        assert_eq!(
            answer.message(),
            "recorded with another amount: 20.00 USD was sent, the API has 2000.00 USD"
        );
        let refund = r#"{"id":1,"type":"refund","amount_cents":-1999}"#;
        assert_eq!(word(Version::V2, Kind::Refund, 200, refund), "other_amount");
        let mut euros = event(Kind::Sale);
        euros.money = Some(Money {
            amount_cents: 2000,
            currency: Currency::from_code("EUR").unwrap(),
        });
        let word = |version, body: &str| answer_to(version, &euros, 200, body).word();
        assert_eq!(word(Version::V1, other), "recorded", "converted by the API");
        let converted = |amount: u32| {
            format!(
                "{{\"id\":1,\"sale_amount\":2160,\"original_sale_amount\":{amount},\
                 \"original_sale_currency\":\"eur\"}}"
            )
        };
        assert_eq!(word(Version::V2, &converted(2000)), "recorded");
        assert_eq!(word(Version::V2, &converted(20)), "other_amount");
        let of_dollars = converted(2000).replace("eur", "usd");
        assert_eq!(word(Version::V2, &of_dollars), "other_amount");
    }

    #[test]
    fn an_unknown_lead_is_recognised_in_the_documented_form_only() {
        let not_found = r#"{"message":"Referral …","code":"not_found"}"#;
        for kind in [Kind::Sale, Kind::Refund] {
            assert_eq!(word(Version::V1, kind, 404, not_found), "refused");
            assert_eq!(word(Version::V2, kind, 404, not_found), "not_referral");
        }
        for version in BOTH {
            let word = |kind, status, body: &str| word(version, kind, status, body);
            for kind in [Kind::Sale, Kind::Refund, Kind::Cancellation] {
                assert_eq!(word(kind, 204, ""), "not_referral");
                assert_eq!(word(kind, 404, "<html><h1>404"), "refused");
                assert_eq!(word(kind, 404, ""), "refused");
                assert_eq!(word(kind, 404, r#"{"error":"Not Found"}"#), "refused");
                assert_eq!(
                    word(kind, 404, r#"{"message":"no Route matched"}"#),
                    "refused"
                );
                assert_eq!(word(kind, 404, "{}"), "refused");
            }
            assert_eq!(word(Kind::Signup, 204, ""), "not_this_event");
            assert_eq!(word(Kind::Signup, 404, not_found), "refused");
            let lead = r#"{"message":"Lead not found"}"#;
            assert_eq!(word(Kind::Cancellation, 404, lead), "not_referral");
            assert_eq!(word(Kind::Cancellation, 404, not_found), "not_referral");
            assert_eq!(word(Kind::Sale, 404, lead), "refused");
        }
    }

    #[test]
    fn an_event_is_there_where_the_api_says_so_of_this_one() {
        let there = |kind: &str, id: &str| {
            format!("{{\"message\":\"The '{kind}' event with the id '{id}' already exists.\"}}")
        };
        for version in BOTH {
            let word = |kind, status, body: &str| word(version, kind, status, body);
            assert_eq!(word(Kind::Sale, 409, &there("sale", "x1")), "already_there");
            assert_eq!(
                word(Kind::Refund, 409, &there("refund", "x1")),
                "already_there"
            );
            assert_eq!(word(Kind::Refund, 409, &there("sale", "x1")), "refused");
            for other in [
                "",
                "{}",
                "<html>",
                r#"{"message":"another request is in progress"}"#,
                &there("sale", "x2"),
            ] {
                assert_eq!(word(Kind::Sale, 409, other), "conflicting", "{other}");
            }
            assert_eq!(
                word(Kind::Cancellation, 409, &there("cancellation", "x1")),
                "conflicting"
            );
            let twice = r#"{"transaction_id":"there is already a signup event"}"#;
            assert_eq!(word(Kind::Signup, 422, twice), "already_there");
            assert_eq!(
                word(Kind::Signup, 422, r#"{"transaction_id":"is invalid"}"#),
                "refused"
            );
            assert_eq!(word(Kind::Signup, 422, r#"{"email":"x"}"#), "refused");
            assert_eq!(word(Kind::Sale, 422, twice), "refused");
        }
    }

    fn receipt_of(version: Version, body: &str) -> Receipt {
        match answer_to(version, &event(Kind::Sale), 200, body) {
            Answer::Recorded(receipt) => receipt,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_receipt_takes_what_is_there() {
        let receipt = receipt_of(
            Version::V1,
            r#"{"id":1708,"type":"sale","reward":{"amount":1200,"unit":"cash"},
                "promoter":{"id":1983,"email":"test@test.com","default_ref_id":"test_ref_id"}}"#,
        );
        assert_eq!(receipt.api_event_id.as_deref(), Some("1708"));
        assert_eq!(receipt.promoter_email.as_deref(), Some("test@test.com"));
        assert_eq!(receipt.promoter_ref_id.as_deref(), Some("test_ref_id"));
        assert_eq!(receipt.commission_cents, Some(1200));
        let months = r#"{"id":1,"type":"sale","promoter":null,
            "reward":{"amount":2,"unit":"free_months"}}"#;
        assert_eq!(receipt_of(Version::V1, months).commission_cents, None);
    }

    #[test]
    fn the_commission_is_that_of_all_tiers_and_the_promoter_that_of_the_first() {
        let receipt = receipt_of(
            Version::V2,
            r#"{"id": 7, "commissions": [
                {"tier": 2, "amount": 100, "unit": "cash",
                 "promoter_campaign": {"promoter": {"email": "up@example.com"}}},
                {"tier": 1, "amount": 400, "unit": "cash",
                 "promoter_campaign": {"promoter": {"email": "nora@example.com"}}},
                {"tier": 1, "amount": 3, "unit": "free_months"}]}"#,
        );
        assert_eq!(receipt.api_event_id.as_deref(), Some("7"));
        assert_eq!(receipt.promoter_email.as_deref(), Some("nora@example.com"));
        assert_eq!(receipt.commission_cents, Some(500));
        let none = receipt_of(Version::V2, r#"{"id": 8, "commissions": []}"#);
        assert_eq!(
            (none.api_event_id.as_deref(), none.commission_cents),
            (Some("8"), None)
        );
    }
}
