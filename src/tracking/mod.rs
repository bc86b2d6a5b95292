//! What an event looks like on the wire, and what an answer means.
//!
//! The one place that knows the Tracking API as a client: version 1 as in the vendor's founding
//! document (form-encoded, `x-api-key`, `wid`). Every answer becomes one [`Answer`], a closed
//! list; nothing here retries, waits or remembers.

mod answer;
mod key;
mod v1;

pub use answer::{Answer, Receipt};
pub use key::ApiKey;

use std::net::IpAddr;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Response, Url};

use crate::event::{Currency, Event};
use crate::problem::causes;

/// Bytes of an answer's body that are read; the rest is never fetched.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Time for name look-up, TCP and TLS together.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Time between two pieces of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(20);
/// Time for a whole request; an answer that drips does not hold a lane for ever.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(45);

/// The account that events are sent to, and what every request says beside the event.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The API's base, such as `https://firstpromoter.com/api/v1`.
    pub base_url: String,
    /// The integration id, sent as `wid` with every call.
    pub wid: String,
    /// Amounts in another currency name theirs.
    pub account_currency: Currency,
    /// Whether promoters are mailed about what is sent.
    pub notify_promoters: bool,
    /// Whether the account's API takes `event_id` on cancellations.
    pub cancellation_event_id: bool,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base is no URL.
    #[error("`{url}` is no URL: {reason}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Not HTTPS, and not this machine.
    #[error("`{0}` is not HTTPS: the API key would travel in the open")]
    Insecure(String),
    /// Characters that no header can carry.
    #[error("the API key has characters that no HTTP header can carry")]
    Key,
    /// TLS or proxies can't be set up.
    #[error("the HTTP client can't be set up: {0}")]
    SetUp(String),
}

/// A connection to one account.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    settings: Settings,
    key: ApiKey,
}

impl Client {
    /// A client for `settings`; nothing is sent yet.
    ///
    /// Redirects are never followed (the key travels in a custom header, which HTTP clients keep
    /// when the host changes), the library's own retries are off, and every wait has an end.
    pub fn new(settings: Settings, key: &ApiKey) -> Result<Self, ClientError> {
        let base = checked_url(&settings.base_url)?;
        let mut headers = HeaderMap::new();
        let mut value = HeaderValue::from_str(key.reveal()).map_err(|_| ClientError::Key)?;
        value.set_sensitive(true);
        headers.insert("x-api-key", value);
        // A second call finds a provider in place, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder();
        if is_loopback(&base) {
            // A proxy of the environment must not see what is meant for this machine.
            builder = builder.no_proxy();
        }
        let http = builder
            .user_agent(concat!("fprecon/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .build()
            .map_err(|error| ClientError::SetUp(causes(&error.without_url())))?;
        Ok(Client {
            http,
            base,
            settings,
            key: key.clone(),
        })
    }

    /// Sends one event, once, and says what the answer means.
    pub async fn send(&self, event: &Event) -> Answer {
        let body = v1::body(event, &self.settings);
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}/track/{}",
            self.base.path().trim_end_matches('/'),
            event.kind
        ));
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body);
        match request.send().await {
            Ok(response) => read(event, response, &self.key).await,
            Err(error) => answer::of_error(error),
        }
    }
}

async fn read(event: &Event, mut response: Response, key: &ApiKey) -> Answer {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(answer::retry_after);
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = MAX_BODY_BYTES - body.len();
                body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return answer::unreadable(status, "the answer is larger than 64 KiB");
                }
            }
            Ok(None) => break,
            Err(error) => {
                let reason = causes(&error.without_url());
                return answer::unreadable(status, &format!("the answer broke off: {reason}"));
            }
        }
    }
    v1::answer(event.kind, status, &key.strike_out(&body), retry_after)
}

/// A base that is HTTPS, or HTTP to this machine.
fn checked_url(text: &str) -> Result<Url, ClientError> {
    let url = Url::parse(text).map_err(|error| ClientError::Url {
        url: text.to_owned(),
        reason: error.to_string(),
    })?;
    let is_secure = match url.scheme() {
        "https" => true,
        "http" => is_loopback(&url),
        _ => false,
    };
    if !is_secure {
        return Err(ClientError::Insecure(text.to_owned()));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(ClientError::Url {
            url: "the base URL".to_owned(),
            reason: "it must not carry a user, a password or a query".to_owned(),
        });
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_travels_encrypted_or_stays_on_this_machine() {
        for good in [
            "https://firstpromoter.com/api/v1",
            "http://127.0.0.1:8080/api/v1",
            "http://localhost/api/v1",
            "http://[::1]:1/api/v1",
        ] {
            assert!(checked_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://firstpromoter.com/api/v1",
            "http://127.0.0.1.example.com/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "firstpromoter.com",
            "https://key@firstpromoter.com/",
            "https://firstpromoter.com/?key=1",
        ] {
            assert!(checked_url(bad).is_err(), "{bad}");
        }
    }
}
