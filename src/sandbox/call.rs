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
    /// One promoter by its id, email or referral id (v1).
    Promoter,
    /// One line of referrals or promoters, that the end of the path names (v2).
    One(List),
    /// A new commission (v2).
    NewCommission,
    /// A change of commissions, leads or payouts.
    Change(Change),
}

/// The calls that change what is there, without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The status of a commission (v1).
    UpdateReward,
    /// A reward that is no money (v1).
    CreateReward,
    /// The details of a lead (v1).
    UpdateLead,
    /// A new promoter (v1).
    CreatePromoter,
    /// The details of a promoter (v1).
    UpdatePromoter,
    /// A subscriber, who becomes a lead (v1).
    Subscriber,
    /// A payout of all that a promoter has not been paid (v1).
    CreatePayout,
    /// The status of a payout (v1).
    UpdatePayout,
    /// The notes of the commission with this id (v2).
    UpdateCommission(usize),
    /// Payouts of commissions that are named (v2).
    GeneratePayouts,
    /// Payouts that were paid (v2).
    MarkAsPaid,
}

impl Change {
    /// Returns `true` if it is about payouts.
    pub(super) fn is_of_payouts(self) -> bool {
        match self {
            Change::CreatePayout
            | Change::UpdatePayout
            | Change::GeneratePayouts
            | Change::MarkAsPaid => true,
            Change::UpdateReward
            | Change::CreateReward
            | Change::UpdateLead
            | Change::CreatePromoter
            | Change::UpdatePromoter
            | Change::Subscriber
            | Change::UpdateCommission(_) => false,
        }
    }

    fn from_path(version: Version, path: &str) -> Option<Change> {
        Some(match (version, path) {
            (Version::V1, "rewards/update") => Change::UpdateReward,
            (Version::V1, "rewards/create") => Change::CreateReward,
            (Version::V1, "promoters/create") => Change::CreatePromoter,
            (Version::V1, "promoters/update") => Change::UpdatePromoter,
            (Version::V1, "track/subscriber") => Change::Subscriber,
            (Version::V1, "leads/update") => Change::UpdateLead,
            (Version::V1, "payouts/create") => Change::CreatePayout,
            (Version::V1, "payouts/update") => Change::UpdatePayout,
            (Version::V2, "company/commissions/generate_payouts") => Change::GeneratePayouts,
            (Version::V2, "company/payouts/mark_as_paid") => Change::MarkAsPaid,
            (Version::V2, path) => {
                let id = path.strip_prefix("company/commissions/")?;
                Change::UpdateCommission(id.parse().ok()?)
            }
            (Version::V1, _) => return None,
        })
    }

    fn method(self) -> &'static str {
        match self {
            Change::CreatePayout
            | Change::CreateReward
            | Change::CreatePromoter
            | Change::Subscriber
            | Change::GeneratePayouts
            | Change::MarkAsPaid => "POST",
            Change::UpdateReward
            | Change::UpdatePromoter
            | Change::UpdateLead
            | Change::UpdatePayout
            | Change::UpdateCommission(_) => "PUT",
        }
    }
}

/// Returns the list and what names one line of it, as the end of a path of version 2 has it.
pub(super) fn one(path: &str) -> Option<(List, &str)> {
    let lists = [("referrals/", List::Leads), ("promoters/", List::Promoters)];
    let path = path.strip_prefix("company/")?;
    let mut found = lists.iter().filter_map(|(begin, list)| {
        let name = path.strip_prefix(begin)?;
        (!name.is_empty() && !name.contains('/')).then_some((*list, name))
    });
    found.next()
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
            (Version::V1, "promoters/show") => Requested::Promoter,
            (Version::V2, rest) if one(rest).is_some() => Requested::One(one(rest)?.0),
            (version, rest) => match Change::from_path(version, rest) {
                Some(change) => Requested::Change(change),
                None => Requested::Track(Kind::from_word(rest.strip_prefix("track/")?)?),
            },
        };
        Some(Call { version, asked })
    }

    /// Returns the HTTP method that the path takes.
    pub(super) fn method(self) -> &'static str {
        match self.asked {
            Requested::Track(_) | Requested::NewCommission => "POST",
            Requested::List(_) | Requested::Lead | Requested::Promoter | Requested::One(_) => "GET",
            Requested::Change(change) => change.method(),
        }
    }
}
