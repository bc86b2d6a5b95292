//! Asks the API for something that it only reads, to find out whether it is there and takes the key.
//!
//! The request is the first page of the account's leads, a documented listing of both versions: it records
//! nothing, and counts as one request of the account's rate. No call that records something is tried, so
//! nothing here says whether events are accepted, nor whether a `wid` is the account's: the listing of version 1
//! does not take one.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::Url;
use reqwest::header::DATE;
use tokio::time::Instant;

use super::answer::{answer_of_error, message_of};
use super::listing::{MAX_BODY_BYTES, query};
use super::{
    Answer, ApiKey, Client, ClientError, ClientSettings, Lead, Listed, below, body_of, builder,
    checked_url, wait,
};

/// Holds what a request that records nothing has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Probe {
    /// What the answer means.
    pub(crate) answer: ProbeAnswer,
    /// The time of the server, as its header `Date` says, and the time of this machine when the answer came.
    pub(crate) times: Option<(Timestamp, Timestamp)>,
    /// The time from the request to the answer.
    pub(crate) took: Duration,
}

/// Names what the answer to a request that records nothing means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ProbeAnswer {
    /// A 200 with a list: the key may read the account's leads.
    Listed,
    /// A server answered in another way.
    Other {
        /// The HTTP status.
        status: u16,
        /// The message of the API.
        message: String,
    },
    /// The server can't prove who it is.
    Untrusted {
        /// The fault of its certificate.
        message: String,
    },
    /// There was no answer.
    Unreachable {
        /// The description of what happened.
        message: String,
    },
}

impl Client {
    /// Requests the first page of the account's leads, once, with the key.
    pub(crate) async fn probe(&self) -> Probe {
        ask(&self.http, &self.base, &self.settings, Some(&self.key)).await
    }
}

/// Makes the request of [`Client::probe`] without a key, to find out whether a server answers at all.
///
/// # Errors
///
/// The settings can't be used, as [`ClientError`] says.
pub(crate) async fn probe_without_key(settings: &ClientSettings) -> Result<Probe, ClientError> {
    let base = checked_url(&settings.base_url)?;
    let http = builder(&base, settings.ca_pem.as_deref(), settings.timeouts)?
        .build()
        .map_err(|error| ClientError::SetUp(error.without_url().to_string()))?;
    Ok(ask(&http, &base, settings, None).await)
}

async fn ask(
    http: &reqwest::Client,
    base: &Url,
    settings: &ClientSettings,
    key: Option<&ApiKey>,
) -> Probe {
    let mut url = below(base, Lead::path(settings.version));
    url.set_query(Some(&query::<Lead>(settings.version, 1)));
    let started = Instant::now();
    let response = match http.get(url).send().await {
        Ok(response) => response,
        Err(error) => {
            return Probe {
                answer: without_answer(answer_of_error(error)),
                times: None,
                took: started.elapsed(),
            };
        }
    };
    let took = started.elapsed();
    let date = response
        .headers()
        .get(DATE)
        .and_then(|date| wait::date(date.to_str().ok()?));
    let times = date.map(|date| (date, Timestamp::now()));
    let status = response.status().as_u16();
    let answer = match body_of(response, MAX_BODY_BYTES).await {
        Ok(body) if status == 200 && is_list(&body) => ProbeAnswer::Listed,
        Ok(body) => {
            let body = match key {
                Some(key) => key.strike_out(&body).into_owned(),
                None => body.to_vec(),
            };
            let message = message_of(&body);
            ProbeAnswer::Other { status, message }
        }
        Err(_) => ProbeAnswer::Other {
            status,
            message: "the answer broke off or is too large".to_owned(),
        },
    };
    Probe {
        answer,
        times,
        took,
    }
}

fn without_answer(answer: Answer) -> ProbeAnswer {
    match answer {
        Answer::Untrusted { message } => ProbeAnswer::Untrusted { message },
        Answer::NotDelivered { message, .. } | Answer::Unclear { message, .. } => {
            ProbeAnswer::Unreachable { message }
        }
        _ => ProbeAnswer::Unreachable {
            message: "no answer".to_owned(),
        },
    }
}

/// Returns `true` if a body is a list, or an object with one, as listings are.
fn is_list(body: &[u8]) -> bool {
    let value: Result<serde_json::Value, _> = serde_json::from_slice(body);
    value.is_ok_and(|value| value.is_array() || value["data"].is_array())
}
