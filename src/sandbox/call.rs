//! The paths and words of the API's requests.

use serde::{Deserialize, Serialize};

/// The two versions of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ApiVersion {
    V1,
    V2,
}

/// The four tracking calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum CallKind {
    Sale,
    Refund,
    Cancellation,
    Signup,
}

impl CallKind {
    pub(super) fn word(self) -> &'static str {
        match self {
            CallKind::Sale => "sale",
            CallKind::Refund => "refund",
            CallKind::Cancellation => "cancellation",
            CallKind::Signup => "signup",
        }
    }

    fn from_word(word: &str) -> Option<CallKind> {
        match word {
            "sale" => Some(CallKind::Sale),
            "refund" => Some(CallKind::Refund),
            "cancellation" => Some(CallKind::Cancellation),
            "signup" => Some(CallKind::Signup),
            _ => None,
        }
    }
}

/// The kinds of listings. v1 calls them leads, rewards, promoters and payouts; v2 referrals,
/// commissions, promoters and payouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListingKind {
    Leads,
    Rewards,
    Promoters,
    Payouts,
}

/// The subject of a request below `/api`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requested {
    Track(CallKind),
    List(ListingKind),
    /// One lead by its id, email or uid (v1).
    Lead,
    /// One promoter by its id, email or referral id (v1).
    Promoter,
    /// One line of referrals or promoters, that the end of the path names (v2).
    One(ListingKind),
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

    fn from_path(version: ApiVersion, path: &str) -> Option<Change> {
        Some(match (version, path) {
            (ApiVersion::V1, "rewards/update") => Change::UpdateReward,
            (ApiVersion::V1, "rewards/create") => Change::CreateReward,
            (ApiVersion::V1, "promoters/create") => Change::CreatePromoter,
            (ApiVersion::V1, "promoters/update") => Change::UpdatePromoter,
            (ApiVersion::V1, "track/subscriber") => Change::Subscriber,
            (ApiVersion::V1, "leads/update") => Change::UpdateLead,
            (ApiVersion::V1, "payouts/create") => Change::CreatePayout,
            (ApiVersion::V1, "payouts/update") => Change::UpdatePayout,
            (ApiVersion::V2, "company/commissions/generate_payouts") => Change::GeneratePayouts,
            (ApiVersion::V2, "company/payouts/mark_as_paid") => Change::MarkAsPaid,
            (ApiVersion::V2, path) => {
                let id = path.strip_prefix("company/commissions/")?;
                Change::UpdateCommission(id.parse().ok()?)
            }
            (ApiVersion::V1, _) => return None,
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
pub(super) fn one(path: &str) -> Option<(ListingKind, &str)> {
    let lists = [
        ("referrals/", ListingKind::Leads),
        ("promoters/", ListingKind::Promoters),
    ];
    let path = path.strip_prefix("company/")?;
    let mut found = lists.iter().filter_map(|(begin, list)| {
        let name = path.strip_prefix(begin)?;
        (!name.is_empty() && !name.contains('/')).then_some((*list, name))
    });
    found.next()
}

/// A path of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ApiPath {
    pub(super) version: ApiVersion,
    pub(super) asked: Requested,
}

impl ApiPath {
    /// Returns the call of a path, if the API has it. Version 2 has two calls at one path.
    pub(super) fn from_path(method: &str, path: &str) -> Option<ApiPath> {
        let (version, rest) = match path.strip_prefix("/api/v1/") {
            Some(rest) => (ApiVersion::V1, rest),
            None => (ApiVersion::V2, path.strip_prefix("/api/v2/")?),
        };
        let asked = match (version, rest) {
            (ApiVersion::V2, "company/commissions") if method == "POST" => Requested::NewCommission,
            (ApiVersion::V1, "leads/list") | (ApiVersion::V2, "company/referrals") => {
                Requested::List(ListingKind::Leads)
            }
            (ApiVersion::V1, "rewards/list") | (ApiVersion::V2, "company/commissions") => {
                Requested::List(ListingKind::Rewards)
            }
            (ApiVersion::V1, "promoters/list") | (ApiVersion::V2, "company/promoters") => {
                Requested::List(ListingKind::Promoters)
            }
            (ApiVersion::V1, "payouts/list") | (ApiVersion::V2, "company/payouts") => {
                Requested::List(ListingKind::Payouts)
            }
            (ApiVersion::V1, "leads/show") => Requested::Lead,
            (ApiVersion::V1, "promoters/show") => Requested::Promoter,
            (ApiVersion::V2, rest) if one(rest).is_some() => Requested::One(one(rest)?.0),
            (version, rest) => match Change::from_path(version, rest) {
                Some(change) => Requested::Change(change),
                None => Requested::Track(CallKind::from_word(rest.strip_prefix("track/")?)?),
            },
        };
        Some(ApiPath { version, asked })
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
