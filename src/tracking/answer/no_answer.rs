//! Interprets an incomplete answer: no connection, a connection that broke off, a body that is too large.

use std::error::Error;

use bytes::Bytes;

use super::{Answer, answer_of_status};
use crate::problem::causes;

/// Returns the meaning of an answer whose status came and whose body did not.
pub(in crate::tracking) fn unreadable(status: u16, unread: &UnreadBody) -> Answer {
    match (status, unread) {
        // The status says enough, however long the body is.
        (400..500, UnreadBody::TooLarge { begin, .. }) => answer_of_status(status, begin),
        _ => Answer::Unclear {
            status: Some(status),
            message: unread.to_string(),
        },
    }
}

/// Names why there is no body.
#[derive(Debug, thiserror::Error)]
pub(in crate::tracking) enum UnreadBody {
    /// It is larger than an answer of the API.
    #[error("the answer is larger than {} KiB", most_bytes / 1024)]
    TooLarge {
        /// The most bytes that an answer may have.
        most_bytes: usize,
        /// The part of the body that was read.
        begin: Bytes,
    },
    /// The connection broke off.
    #[error("the answer broke off: {0}")]
    BrokeOff(String),
}

/// Returns the meaning of a request that got no answer.
pub(in crate::tracking) fn answer_of_error(error: reqwest::Error) -> Answer {
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

/// Returns `true` if the cause of an error is the server's certificate.
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
