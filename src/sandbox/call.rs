//! The paths and words of the API's requests.

use serde::{Deserialize, Serialize};

/// The two versions of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Version {
    V1,
    V2,
}

/// The four tracking calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Sale,
    Refund,
    Cancellation,
    Signup,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Sale => "sale",
            Kind::Refund => "refund",
            Kind::Cancellation => "cancellation",
            Kind::Signup => "signup",
        }
    }

    fn from_word(word: &str) -> Option<Kind> {
        match word {
            "sale" => Some(Kind::Sale),
            "refund" => Some(Kind::Refund),
            "cancellation" => Some(Kind::Cancellation),
            "signup" => Some(Kind::Signup),
            _ => None,
        }
    }
}

/// The kinds of listings. v1 calls them leads, rewards, promoters and payouts; v2 referrals,
/// commissions, promoters and payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    Leads,
    Rewards,
    Promoters,
    Payouts,
}

/// The subject of a request below `/api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requested {
    Track(Kind),
    List(List),
    /// One lead by its id, email or uid (v1).
    Lead,
    /// A new commission (v2).
    NewCommission,
}

/// A path of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) version: Version,
    pub(super) asked: Requested,
}

impl Call {
    /// Returns the call of a path, if the API has it. Version 2 has two calls at one path.
    pub(super) fn from_path(method: &str, path: &str) -> Option<Call> {
        let (version, rest) = match path.strip_prefix("/api/v1/") {
            Some(rest) => (Version::V1, rest),
            None => (Version::V2, path.strip_prefix("/api/v2/")?),
        };
        let asked = match (version, rest) {
            (Version::V2, "company/commissions") if method == "POST" => Requested::NewCommission,
            (Version::V1, "leads/list") | (Version::V2, "company/referrals") => {
                Requested::List(List::Leads)
            }
            (Version::V1, "rewards/list") | (Version::V2, "company/commissions") => {
                Requested::List(List::Rewards)
            }
            (Version::V1, "promoters/list") | (Version::V2, "company/promoters") => {
                Requested::List(List::Promoters)
            }
            (Version::V1, "payouts/list") | (Version::V2, "company/payouts") => {
                Requested::List(List::Payouts)
            }
            (Version::V1, "leads/show") => Requested::Lead,
            (_, rest) => Requested::Track(Kind::from_word(rest.strip_prefix("track/")?)?),
        };
        Some(Call { version, asked })
    }

    /// Returns the HTTP method that the path takes.
    pub(super) fn method(self) -> &'static str {
        match self.asked {
            Requested::Track(_) | Requested::NewCommission => "POST",
            Requested::List(_) | Requested::Lead => "GET",
        }
    }
}
