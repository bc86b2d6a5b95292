//! The address that a notification is posted to. Whoever knows one can often post there, so it is a secret.

use std::fmt;
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, RequestBuilder, StatusCode, Url};

use super::notice::Notice;
use crate::problem::causes;
use crate::tracking::{Timeouts, http_client, is_loopback};

/// The form in which a run is reported to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WebhookForm {
    /// The summary as JSON.
    Json,
    /// A message for Slack: `{"text": …}`.
    Slack,
    /// A ping for healthchecks.io: the address, or the address with `/fail` for an exit code that is not 0.
    Healthchecks,
}

/// Names why a text is not an address for notifications. The text is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WebhookError {
    /// It is not a URL.
    #[error("it is not a URL")]
    NotUrl,
    /// It is neither HTTPS nor on this machine.
    #[error("it is not HTTPS: its secret and the figures would be sent unencrypted")]
    Insecure,
}

/// An address for notifications. Its path and its query are shown nowhere.
#[derive(Clone)]
pub(crate) struct Webhook {
    url: Url,
    form: WebhookForm,
}

impl Webhook {
    /// Returns the address that a text names.
    ///
    /// # Errors
    ///
    /// It is not a URL, or not HTTPS and not on this machine.
    pub(crate) fn new(text: &str, form: WebhookForm) -> Result<Self, WebhookError> {
        let url = Url::parse(text.trim()).map_err(|_| WebhookError::NotUrl)?;
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(WebhookError::Insecure),
            _ => return Err(WebhookError::NotUrl),
        }
        Ok(Webhook { url, form })
    }

    /// Posts a notice, once. No redirect is followed.
    ///
    /// # Errors
    ///
    /// The reason why it did not arrive within the time, as a text without the address.
    pub(crate) fn post(
        &self,
        notice: &Notice,
        time: Duration,
        ca_pem: Option<&[u8]>,
    ) -> Result<(), String> {
        let (url, body) = match self.form {
            WebhookForm::Json => (self.url.clone(), notice.json()),
            WebhookForm::Slack => (self.url.clone(), notice.slack()),
            WebhookForm::Healthchecks => (self.ping_url(notice), notice.json()),
        };
        let answer = self.ask(time, ca_pem, |client| {
            let request = client.post(url).header(CONTENT_TYPE, "application/json");
            request.body(body)
        })?;
        match answer {
            status if status.is_success() => Ok(()),
            status => Err(format!("it answered {}", status.as_u16())),
        }
    }

    /// Asks the host for its first page, once, without what is secret in the address: whatever it answers, it can be
    /// reached.
    ///
    /// # Errors
    ///
    /// The reason why there was no answer within the time, as a text without the address.
    pub(crate) fn reach(&self, time: Duration, ca_pem: Option<&[u8]>) -> Result<(), String> {
        let mut host = self.url.clone();
        host.set_path("");
        host.set_query(None);
        host.set_fragment(None);
        // An address with a scheme and a host takes these.
        let _ = host.set_username("");
        let _ = host.set_password(None);
        self.ask(time, ca_pem, |client| client.head(host)).map(drop)
    }

    /// Sends one request, and returns the status of its answer.
    fn ask(
        &self,
        time: Duration,
        ca_pem: Option<&[u8]>,
        request: impl FnOnce(&Client) -> RequestBuilder,
    ) -> Result<StatusCode, String> {
        let timeouts = Timeouts {
            connect: time,
            read: time,
            total: time,
        };
        let client = http_client(&self.url, ca_pem, timeouts).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let request = request(&client);
        let answer = runtime.block_on(async { request.send().await });
        // A look-up of the name may still go on, and nobody waits for it.
        runtime.shutdown_background();
        match answer {
            Ok(answer) => Ok(answer.status()),
            Err(error) if error.is_timeout() => {
                Err(format!("there was no answer within {} s", time.as_secs()))
            }
            Err(error) => Err(causes(&error.without_url())),
        }
    }

    fn ping_url(&self, notice: &Notice) -> Url {
        let mut url = self.url.clone();
        if notice.exit_code != 0 {
            let path = format!("{}/fail", url.path().trim_end_matches('/'));
            url.set_path(&path);
        }
        url
    }
}

impl fmt::Display for Webhook {
    /// Writes the address without what may be secret in it: `https://hooks.slack.com/…`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hide_secrets_of_urls(self.url.as_str()))
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} ({:?})", self.form)
    }
}

/// Returns a text in which each URL has only its scheme and its host: `https://hooks.slack.com/…`.
pub(crate) fn hide_secrets_of_urls(text: &str) -> String {
    let mut hidden = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + "://".len());
        hidden.push_str(before);
        let is_end = |c: char| c.is_whitespace() || "\"'`<>,;|\\".contains(c);
        let (url, after) = behind.split_at(behind.find(is_end).unwrap_or(behind.len()));
        let (authority, path) = url.split_at(url.find(['/', '?', '#']).unwrap_or(url.len()));
        hidden.push_str(authority.rsplit('@').next().unwrap_or_default());
        if !matches!(path, "" | "/") || authority.contains('@') {
            hidden.push_str("/…");
        }
        rest = after;
    }
    hidden.push_str(rest);
    hidden
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_shown_whole() {
        for (text, shown) in [
            (
                "https://hooks.slack.com/services/T0/B0/secret",
                "https://hooks.slack.com/…",
            ),
            ("https://example.com?token=secret", "https://example.com/…"),
            (
                "https://user:secret@example.com:8443",
                "https://example.com:8443/…",
            ),
            ("https://example.com/", "https://example.com"),
        ] {
            let webhook = Webhook::new(text, WebhookForm::Json).unwrap();
            assert_eq!(webhook.to_string(), shown);
            assert!(!format!("{webhook:?} {webhook:#?}").contains("secret"));
        }
    }

    #[test]
    fn urls_in_a_text_keep_their_host_alone() {
        let said = "[\"curl\", \"https://a.example/x/y?z#s\"]: http://b.example:1/k, and ftp://c";
        assert_eq!(
            hide_secrets_of_urls(said),
            "[\"curl\", \"https://a.example/…\"]: http://b.example:1/…, and ftp://c"
        );
    }

    #[test]
    fn an_address_is_encrypted_or_on_this_machine() {
        let new = |text| Webhook::new(text, WebhookForm::Json).map(|_| ());
        assert_eq!(new("http://127.0.0.1:1/x"), Ok(()));
        assert_eq!(new("http://10.0.0.1/x"), Err(WebhookError::Insecure));
        assert_eq!(new("hooks.slack.com/x"), Err(WebhookError::NotUrl));
        assert_eq!(new("file:///etc/passwd"), Err(WebhookError::NotUrl));
    }
}
