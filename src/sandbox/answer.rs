//! An answer, before it is sent over HTTP.

use std::time::Duration;

use hyper::header::{ALLOW, HeaderName, HeaderValue};
use serde::Serialize;

/// The format of an answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFormat {
    Nothing,
    Json,
    Html,
}

/// The delivery of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyDelivery {
    Whole,
    /// The whole length is announced and half of the body is sent.
    Cut,
    Drip {
        bytes: usize,
        pause: Duration,
    },
    /// This many blanks are sent instead of the body.
    Huge(u64),
}

/// A status, a body, and headers beyond the usual ones.
#[derive(Clone, Debug)]
pub(super) struct ServerAnswer {
    pub(super) status: u16,
    pub(super) format: BodyFormat,
    pub(super) body: Vec<u8>,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) delivery: BodyDelivery,
}

impl ServerAnswer {
    /// Returns a 204: the lead is unknown, so the event is not a referral.
    pub(super) fn nothing() -> ServerAnswer {
        ServerAnswer {
            status: 204,
            format: BodyFormat::Nothing,
            body: Vec::new(),
            headers: Vec::new(),
            delivery: BodyDelivery::Whole,
        }
    }

    pub(super) fn json(status: u16, body: &impl Serialize) -> ServerAnswer {
        // An event's answer has about 1,700 bytes.
        let mut bytes = Vec::with_capacity(2048);
        serde_json::to_writer(&mut bytes, body)
            .expect("the sandbox's own shapes have text keys and memory does not fail to write");
        ServerAnswer {
            status,
            format: BodyFormat::Json,
            body: bytes,
            headers: Vec::new(),
            delivery: BodyDelivery::Whole,
        }
    }

    /// Returns `{"message": …}`, the usual form of the API's refusals.
    pub(super) fn message(status: u16, message: &str) -> ServerAnswer {
        #[derive(Serialize)]
        struct Body<'a> {
            message: &'a str,
        }
        ServerAnswer::json(status, &Body { message })
    }

    /// Returns the answer to a request with a method that the path doesn't take.
    pub(super) fn wrong_method(allowed: &'static str) -> ServerAnswer {
        ServerAnswer::message(405, "Method not allowed")
            .with(ALLOW, HeaderValue::from_static(allowed))
    }

    /// Returns a JSON string without an object around it, as the API refuses a key.
    pub(super) fn bare_string(status: u16, text: &str) -> ServerAnswer {
        ServerAnswer::json(status, &text)
    }

    /// Returns an answer with a status and no body.
    pub(super) fn empty(status: u16) -> ServerAnswer {
        ServerAnswer {
            status,
            ..ServerAnswer::nothing()
        }
    }

    pub(super) fn delivered(mut self, delivery: BodyDelivery) -> ServerAnswer {
        self.delivery = delivery;
        self
    }

    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> ServerAnswer {
        self.headers.push((name, value));
        self
    }

    /// Returns the same answer with half of its body, if it is a 200.
    pub(super) fn truncated(mut self) -> ServerAnswer {
        if self.status == 200 {
            self.body.truncate(self.body.len() / 2);
        }
        self
    }
}
