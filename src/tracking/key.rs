//! The API key, as a type that can't be printed.

use std::borrow::Cow;
use std::fmt;

/// The account's API key.
///
/// It has no `Display`, its `Debug` shows nothing, and it is never serialised: it can get into no
/// log, error, report or journal by accident.
#[derive(Clone)]
pub struct ApiKey(String);

impl ApiKey {
    /// A key as read from the environment or a file; the spaces and line ends around it are not
    /// part of it. Nothing, if there is nothing else.
    pub fn new(text: &str) -> Option<Self> {
        let key = text.trim();
        (!key.is_empty()).then(|| ApiKey(key.to_owned()))
    }

    /// What is sent to a sandbox of this process, which takes anything.
    pub fn of_sandbox() -> Self {
        ApiKey("sandbox".to_owned())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }

    /// What someone else wrote, without the key: an API or a proxy that refuses a request may
    /// repeat it, and answers are kept in journal and report.
    pub(super) fn strike_out<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        let key = self.0.as_bytes();
        let mut rest = text;
        let mut struck = Vec::new();
        while let Some(at) = memchr::memmem::find(rest, key) {
            struck.extend_from_slice(&rest[..at]);
            struck.extend_from_slice("…".as_bytes());
            rest = &rest[at + key.len()..];
        }
        if rest.len() == text.len() {
            return Cow::Borrowed(text);
        }
        struck.extend_from_slice(rest);
        Cow::Owned(struck)
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_show_itself() {
        let key = ApiKey::new(" secret-key\n").unwrap();
        assert_eq!(key.reveal(), "secret-key");
        assert!(!format!("{key:?}").contains("secret"));
        assert!(ApiKey::new(" \n").is_none());
    }

    #[test]
    fn a_key_that_comes_back_is_struck_out() {
        let key = ApiKey::new("k-123").unwrap();
        let struck = |text: &str| String::from_utf8(key.strike_out(text.as_bytes()).into_owned());
        assert_eq!(struck("k-123 is no key: k-123").unwrap(), "… is no key: …");
        assert_eq!(struck("no key").unwrap(), "no key");
        assert_eq!(struck("").unwrap(), "");
    }
}
