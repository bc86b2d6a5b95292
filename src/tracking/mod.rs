//! Sends events to the Tracking API and interprets its answers.
//!
//! This is the one place that knows the Tracking API as a client: version 1 as in the vendor's founding
//! document (form-encoded, `x-api-key`, `wid`), version 2 as in the vendor's OpenAPI files (JSON, bearer,
//! `Account-ID`). Every answer becomes one [`Answer`], a closed list; nothing here retries, waits or
//! remembers.

mod account_call;
mod answer;
mod commissions;
mod details;
mod form;
mod key;
mod lead_call;
mod lead_index;
mod leads;
mod listing;
mod new_commission;
mod payout_calls;
mod payouts;
mod probe;
mod scalar;
mod v1;
mod v2;
mod wait;

pub(crate) use account_call::AccountCall;
pub use answer::{Answer, Receipt, Reply};
pub(crate) use commissions::{APPROVED, CASH, DENIED, ListedCommission, PENDING};
pub use form::Form;
pub use key::ApiKey;
pub(crate) use key::SHORTEST_KEY_BYTES;
pub(crate) use lead_call::SetCustomerSince;
pub(crate) use lead_index::{LeadIndex, LeadMatch};
pub use leads::{Lead, LeadSplit};
pub use listing::Listed;
pub(crate) use listing::{ListedPromoter, Page};
pub use new_commission::CommissionOf;
pub(crate) use payout_calls::PayoutCall;
pub(crate) use payouts::{CANCELLED, COMPLETED, ListedPayout};
pub(crate) use probe::{Probe, ProbeAnswer, probe_without_key};

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Certificate, RequestBuilder, Response, Url};

use crate::event::{Carried, Currency, Decimals, Event, Kind};
use crate::problem::causes;
use answer::{Asked, UnreadBody};
use form::{Call, FormSettings};

/// The most bytes of an answer's body that are read; the rest is never fetched.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// Names a version of the Tracking API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// Version 1: form-encoded, with `x-api-key` and `wid`.
    V1,
    /// Version 2: JSON, with a bearer key and `Account-ID`. It takes dates only on sign-ups, and no
    /// `event_id` on cancellations.
    V2,
}

impl Version {
    /// Returns `v1` or `v2`.
    pub fn as_str(self) -> &'static str {
        match self {
            Version::V1 => "v1",
            Version::V2 => "v2",
        }
    }

    /// Returns the vendor's own address.
    pub fn default_base_url(self) -> &'static str {
        match self {
            Version::V1 => "https://firstpromoter.com/api/v1",
            Version::V2 => "https://api.firstpromoter.com/api/v2",
        }
    }

    /// Returns what to do about a key that the API refuses, as the start of a sentence.
    pub const fn key_advice(self) -> &'static str {
        match self {
            Version::V1 => {
                "fix the key: an account of version 2 has a separate legacy key for version 1"
            }
            Version::V2 => "fix the key: version 2 does not take the legacy key of version 1",
        }
    }

    /// Returns `true` if sales, refunds and cancellations may have dates. If not, they get the day on which
    /// they are sent.
    pub fn can_take_dates(self) -> bool {
        self == Version::V1
    }

    /// Returns `true` if there are accounts that distinguish cancellations by `event_id`.
    pub fn may_take_cancellation_event_id(self) -> bool {
        self == Version::V1
    }

    fn content_type(self) -> &'static str {
        match self {
            Version::V1 => "application/x-www-form-urlencoded",
            Version::V2 => "application/json",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "v1" => Ok(Version::V1),
            "v2" => Ok(Version::V2),
            _ => Err(UnknownVersion),
        }
    }
}

/// Reports a word that is not a version of the Tracking API.
#[derive(Debug, thiserror::Error)]
#[error("versions are v1 and v2")]
pub struct UnknownVersion;

/// Limits the time of a request and its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The time for name look-up, TCP and TLS together.
    pub connect: Duration,
    /// The time between two pieces of an answer.
    pub read: Duration,
    /// The time for a whole request; an answer that drips does not hold a lane for ever.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            read: Duration::from_secs(20),
            total: Duration::from_secs(45),
        }
    }
}

/// Describes the account that events are sent to, and what every request carries beside the event.
#[derive(Clone, Debug)]
pub struct ClientSettings {
    /// The version of the API.
    pub version: Version,
    /// The API's base URL, such as `https://firstpromoter.com/api/v1`.
    pub base_url: String,
    /// The integration id, sent as `wid` with every call (version 1), or the account's id, sent as
    /// `Account-ID` (version 2).
    pub account_id: String,
    /// The account's currency; amounts in another one name theirs.
    pub account_currency: Currency,
    /// The decimals that the API takes of currencies for which they are set.
    pub decimals: Decimals,
    /// `true` if promoters are notified by email about what is sent.
    pub should_notify_promoters: bool,
    /// `true` if the account's version 1 takes `event_id` on cancellations; version 2 never does.
    pub has_cancellation_event_id: bool,
    /// The certificates that are trusted in addition to this machine's, as PEM.
    pub ca_pem: Option<Vec<u8>>,
    /// The limits for the time of a request.
    pub timeouts: Timeouts,
}

/// Names why a client can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The base URL is not a URL.
    #[error("`{url}` is not a URL: {reason}")]
    Url {
        /// The text that was given.
        url: String,
        /// The reason why it is not one.
        reason: String,
    },
    /// The base URL is not HTTPS, and not on this machine.
    #[error("`{0}` is not HTTPS: the API key would be sent unencrypted")]
    Insecure(String),
    /// The key has characters that a header can't carry.
    #[error("the API key has characters that no HTTP header can carry")]
    Key,
    /// The key is too short for that of an account.
    #[error("the API key is shorter than 16 characters: it may have been cut off")]
    ShortKey,
    /// The key has characters that no key of an account has. Repeated in an answer, they could be written in too many
    /// ways for the key to be found there.
    #[error(
        "the API key has a space, a `%` or a character beyond ASCII: it is not a key of FirstPromoter"
    )]
    OddKey,
    /// The account's id has characters that a header can't carry.
    #[error("the account id has characters that no HTTP header can carry")]
    AccountId,
    /// The extra certificates are not certificates.
    #[error("the extra certificates can't be read: {0}")]
    Certificates(String),
    /// TLS or proxies can't be set up.
    #[error("the HTTP client can't be set up: {0}")]
    SetUp(String),
}

/// Holds the connections to one account.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    /// The client with a new connection for every request. A connection that was idle may be closed by the
    /// server at the very moment at which a request is sent, and nothing says then whether it was read.
    http_once: reqwest::Client,
    base: Url,
    /// The URLs of the events, in the order of [`Kind::ALL`].
    tracks: [Url; Kind::ALL.len()],
    new_commission: Url,
    settings: ClientSettings,
    key: ApiKey,
}

impl Client {
    /// Returns a client for `settings`; nothing is sent yet.
    ///
    /// Redirects are never followed (the key is in a custom header, which HTTP clients keep when the host
    /// changes), the library's own retries are off, and every wait has an end.
    ///
    /// # Errors
    ///
    /// The settings or the key can't be used, as [`ClientError`] says.
    pub fn new(settings: ClientSettings, key: &ApiKey) -> Result<Self, ClientError> {
        let base = checked_url(&settings.base_url)?;
        if key.is_short() && !is_loopback(&base) {
            return Err(ClientError::ShortKey);
        }
        let headers = headers(&settings, key)?;
        if key.is_odd() {
            return Err(ClientError::OddKey);
        }
        let build = |idle_connections: usize| {
            let builder = builder(&base, settings.ca_pem.as_deref(), settings.timeouts)?
                .default_headers(headers.clone());
            let http = builder.pool_max_idle_per_host(idle_connections).build();
            http.map_err(|error| ClientError::SetUp(causes(&error.without_url())))
        };
        Ok(Client {
            http: build(usize::MAX)?,
            http_once: build(0)?,
            tracks: Kind::ALL.map(|kind| below(&base, &format!("track/{kind}"))),
            new_commission: below(&base, new_commission::PATH),
            base,
            settings,
            key: key.clone(),
        })
    }

    /// Returns the form in which an event is sent by these settings.
    pub fn form(&self, event: &Event) -> Form {
        self.settings.manner().form(event)
    }

    /// Returns the form in which an event was sent before, whatever the settings are now; `None` if it can't
    /// be made any more.
    pub fn form_as_before(&self, event: &Event, before: &Carried) -> Option<Form> {
        self.settings.manner().form_as_before(event, before)
    }

    /// Returns the form in which a sale is sent as a commission of a referral (version 2); `None` if its amount is in
    /// another currency than the account's.
    pub fn commission_form(&self, sale: &Event, of: CommissionOf) -> Option<Form> {
        self.settings.manner().commission_form(sale, of)
    }

    /// Sends one event, once, and returns what the answer means.
    pub async fn send(&self, event: &Event, form: Form) -> Reply {
        let version = self.settings.version;
        let is_repeatable = form.is_repeatable(event.kind);
        let http = if is_repeatable {
            &self.http
        } else {
            &self.http_once
        };
        let url = match form.call() {
            Call::Track => self.track(event.kind),
            Call::NewCommission => &self.new_commission,
        };
        let request = http
            .post(url.clone())
            .header(CONTENT_TYPE, version.content_type())
            .body(form.body.clone());
        self.reply(request, |status, body| {
            self.meaning(event, &form, status, body)
        })
        .await
    }

    /// Sends a request, and returns its answer as `meaning` reads status and body.
    async fn reply(
        &self,
        request: RequestBuilder,
        meaning: impl FnOnce(u16, &[u8]) -> Answer,
    ) -> Reply {
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return answer::answer_of_error(error).into(),
        };
        let status = response.status().as_u16();
        let wait = wait::asked_for(status, response.headers(), Timestamp::now());
        let answer = match body_of(response, MAX_BODY_BYTES).await {
            Ok(body) => meaning(status, &body),
            Err(unread) => answer::unreadable(status, &self.struck_out(unread)),
        };
        Reply { answer, wait }
    }

    fn struck_out(&self, unread: UnreadBody) -> UnreadBody {
        match unread {
            UnreadBody::TooLarge { most_bytes, begin } => UnreadBody::TooLarge {
                most_bytes,
                begin: self.key.strike_out(&begin).into_owned().into(),
            },
            UnreadBody::BrokeOff(_) => unread,
        }
    }

    /// Returns what a whole answer means, for an event that was sent in this form.
    pub fn meaning(&self, event: &Event, form: &Form, status: u16, body: &[u8]) -> Answer {
        let asked = Asked {
            version: self.settings.version,
            event,
            carried: form.carried(),
            amount: form.amount(),
        };
        let body = self.key.strike_out(body);
        match form.call() {
            Call::Track => answer::answer_to_event(&asked, status, &body),
            Call::NewCommission => new_commission::answer(&asked, status, &body),
        }
    }

    /// Requests one page of a listing of the account, once; pages are counted from 1.
    ///
    /// # Errors
    ///
    /// The answer, if it was another one; [`Answer::Refused`] also if the answer is not a page that could be
    /// relied on.
    pub async fn list<T: Listed>(&self, page: u32) -> Result<Page<T>, Reply> {
        self.list_filtered(page, "").await
    }

    /// Requests one page of the lines of a listing that a filter selects, as a part of the query; all, if it is empty.
    ///
    /// # Errors
    ///
    /// Those of [`Client::list`].
    pub(crate) async fn list_filtered<T: Listed>(
        &self,
        page: u32,
        filter: &str,
    ) -> Result<Page<T>, Reply> {
        let version = self.settings.version;
        let mut url = below(&self.base, T::path(version));
        let mut query = listing::query::<T>(version, page);
        if !filter.is_empty() {
            query.push('&');
            query.push_str(filter);
        }
        url.set_query(Some(&query));
        let response = match self.http.get(url).send().await {
            Ok(response) => response,
            Err(error) => return Err(answer::answer_of_error(error).into()),
        };
        let status = response.status().as_u16();
        let wait = wait::asked_for(status, response.headers(), Timestamp::now());
        let total = listing::total(response.headers());
        let page = match body_of(response, listing::MAX_BODY_BYTES).await {
            Ok(body) => listing::page(version, status, &self.key.strike_out(&body), total),
            Err(unread) => Err(answer::unreadable(status, &self.struck_out(unread))),
        };
        page.map_err(|answer| Reply { answer, wait })
    }

    /// Makes a call that changes what the account has, once.
    pub(crate) async fn change(&self, call: &impl AccountCall) -> Reply {
        let mut url = below(&self.base, call.path());
        let http = if call.is_repeatable() {
            &self.http
        } else {
            &self.http_once
        };
        let mut request = match call.parameters() {
            Ok(query) => {
                url.set_query(Some(&query));
                http.request(call.method(), url)
            }
            Err(body) => {
                let request = http.request(call.method(), url);
                let json = Version::V2.content_type();
                request.header(CONTENT_TYPE, json).body(body)
            }
        };
        if call.parameters().is_ok() {
            // Without a body, some servers ask for a length.
            request = request.header(reqwest::header::CONTENT_LENGTH, 0);
        }
        self.reply(request, |status, body| {
            call.answer(status, &self.key.strike_out(body))
        })
        .await
    }

    fn track(&self, kind: Kind) -> &Url {
        let [sale, refund, cancellation, signup] = &self.tracks;
        match kind {
            Kind::Sale => sale,
            Kind::Refund => refund,
            Kind::Cancellation => cancellation,
            Kind::Signup => signup,
        }
    }
}

/// Returns a client without a key, for requests to another service than the API. Like the API's, it follows
/// no redirect and repeats nothing.
///
/// # Errors
///
/// The certificates can't be read, or the client can't be set up.
pub(crate) fn http_client(
    url: &Url,
    ca_pem: Option<&[u8]>,
    timeouts: Timeouts,
) -> Result<reqwest::Client, ClientError> {
    let http = builder(url, ca_pem, timeouts)?.build();
    http.map_err(|error| ClientError::SetUp(causes(&error.without_url())))
}

/// Returns what all requests have in common: time limits, certificates, proxies.
fn builder(
    base: &Url,
    ca_pem: Option<&[u8]>,
    timeouts: Timeouts,
) -> Result<reqwest::ClientBuilder, ClientError> {
    // On a second call the provider is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // What reads objects brings HTTP/2 along.
    let mut builder = reqwest::Client::builder().http1_only();
    if is_loopback(base) {
        // A proxy of the environment must not see what is meant for this machine.
        builder = builder.no_proxy();
    }
    let own = ca_pem.map(certificates).transpose()?;
    builder = match base.scheme() {
        // There is no TLS, nor a proxy: the certificates of this machine need not be read.
        "http" => builder.tls_certs_only(None),
        _ => builder.tls_certs_merge(own.into_iter().flatten()),
    };
    let Timeouts {
        connect,
        read,
        total,
    } = timeouts;
    Ok(builder
        .user_agent(concat!("fprecon/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .connect_timeout(connect)
        .read_timeout(read)
        .timeout(total))
}

/// Returns a path below the API's base.
fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    let above = base.path().trim_end_matches('/');
    url.set_path(&format!("{above}/{path}"));
    url
}

/// Returns the headers of every request, marked as sensitive so that no log shows them.
fn headers(settings: &ClientSettings, key: &ApiKey) -> Result<HeaderMap, ClientError> {
    let secret = |text: &str| {
        let mut value = HeaderValue::from_str(text).map_err(|_| ClientError::Key)?;
        value.set_sensitive(true);
        Ok(value)
    };
    let mut headers = HeaderMap::new();
    match settings.version {
        Version::V1 => {
            headers.insert("x-api-key", secret(key.reveal())?);
        }
        Version::V2 => {
            let bearer = format!("Bearer {}", key.reveal());
            headers.insert(AUTHORIZATION, secret(&bearer)?);
            let account = HeaderValue::from_str(&settings.account_id);
            headers.insert("account-id", account.map_err(|_| ClientError::AccountId)?);
        }
    }
    Ok(headers)
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate>, ClientError> {
    let found = Certificate::from_pem_bundle(pem)
        .map_err(|error| ClientError::Certificates(causes(&error.without_url())))?;
    if found.is_empty() {
        Err(ClientError::Certificates(
            "it has no certificate".to_owned(),
        ))
    } else {
        Ok(found)
    }
}

/// Returns the whole body, or why there is none: it broke off, or is larger than `most_bytes`.
async fn body_of(mut response: Response, most_bytes: usize) -> Result<Bytes, UnreadBody> {
    let mut pieces: Vec<Bytes> = Vec::new();
    let mut length = 0;
    loop {
        match response.chunk().await {
            Ok(Some(piece)) if piece.len() > most_bytes - length => {
                pieces.push(piece.slice(..most_bytes - length));
                let begin = pieces.concat().into();
                return Err(UnreadBody::TooLarge { most_bytes, begin });
            }
            Ok(Some(piece)) => {
                length += piece.len();
                pieces.push(piece);
            }
            // It nearly always came in one piece, which needs no copy.
            Ok(None) if pieces.len() == 1 => return Ok(pieces.remove(0)),
            Ok(None) => return Ok(pieces.concat().into()),
            Err(error) => {
                return Err(UnreadBody::BrokeOff(causes(&error.without_url())));
            }
        }
    }
}

/// Checks that a base URL is one to which a client would send anything.
///
/// # Errors
///
/// It is not a URL, not HTTPS and not this machine, or carries a user, a password or a query.
pub(crate) fn check_base_url(text: &str) -> Result<(), ClientError> {
    checked_url(text).map(|_| ())
}

/// Returns a base URL that is HTTPS, or HTTP to this machine.
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

/// Returns `true` if a URL is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(version: Version, base_url: &str) -> ClientSettings {
        ClientSettings {
            version,
            base_url: base_url.to_owned(),
            account_id: "a-1".to_owned(),
            account_currency: Currency::from_code("USD").unwrap(),
            decimals: Decimals::default(),
            should_notify_promoters: false,
            has_cancellation_event_id: false,
            ca_pem: None,
            timeouts: Timeouts::default(),
        }
    }

    #[test]
    fn a_client_does_not_show_its_key() {
        for version in [Version::V1, Version::V2] {
            let key = ApiKey::new("a-secret-key-of-an-account").unwrap();
            let settings = settings(version, version.default_base_url());
            let client = Client::new(settings, &key).unwrap();
            let shown = format!("{client:?} {client:#?}");
            assert!(!shown.contains("secret"), "{shown}");
        }
    }

    #[test]
    fn row_43a_a_short_key_is_taken_for_this_machine_only() {
        let of = |base_url: &str, key: &str| {
            let settings = settings(Version::V1, base_url);
            Client::new(settings, &ApiKey::new(key).unwrap())
        };
        let away = Version::V1.default_base_url();
        assert!(matches!(
            of(away, "fifteen-letters"),
            Err(ClientError::ShortKey)
        ));
        assert!(of(away, "sixteen-letters!").is_ok());
        assert!(of("http://127.0.0.1:1/api/v1", "x").is_ok());
        assert!(of("http://localhost:1/api/v1", "x").is_ok());
    }

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
