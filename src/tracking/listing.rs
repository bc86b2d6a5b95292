//! The listings: leads and commissions, page by page, in both versions.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{message_of, of_status};
use super::scalar::Scalar;
use super::{Answer, Version};

/// Bytes of a page that are read; a hundred lines with their promoters are a few hundred KiB.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Lines of a page of version 2: the documented most.
const PER_PAGE: u32 = 100;

/// A page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The lines; none where the page lies behind the last one.
    pub lines: Vec<T>,
    /// How many lines the listing has, where the version says so (version 1). Where it does not
    /// (version 2), the listing ends with the first page that is empty.
    pub total: Option<u64>,
}

/// What can be listed.
pub trait Listed: Sized {
    /// What the lines are, for people: `leads`.
    const NAME: &'static str;

    /// What a line has, as far as it is read; the rest is passed over.
    type Line: DeserializeOwned;

    /// The path below the API's base.
    fn path(version: Version) -> &'static str;

    /// What a line says; or what it lacks, in words.
    ///
    /// # Errors
    ///
    /// A line without which the listing can't be relied on.
    fn of_line(version: Version, line: Self::Line) -> Result<Self, &'static str>;

    /// The API's own id of it.
    fn id(&self) -> &str;
}

pub(super) fn query(version: Version, page: u32) -> String {
    match version {
        Version::V1 => format!("page={page}"),
        // What is added while it is read comes last.
        Version::V2 => format!("page={page}&per_page={PER_PAGE}&sorting%5Bcreated_at%5D=asc"),
    }
}

/// Version 1's header `Total`.
pub(super) fn total(headers: &HeaderMap) -> Option<u64> {
    headers.get("total")?.to_str().ok()?.trim().parse().ok()
}

/// What a whole answer means.
pub(super) fn page<T: Listed>(
    version: Version,
    status: u16,
    body: &[u8],
    total: Option<u64>,
) -> Result<Page<T>, Answer> {
    let refused = |message: String| Answer::Refused { status, message };
    match status {
        200 => {}
        201..300 | 409 => return Err(refused(message_of(body))),
        _ => return Err(of_status(status, body)),
    }
    let listed: Vec<T::Line> = serde_json::from_slice(body).map_err(|_| Answer::Unclear {
        status: Some(status),
        message: format!(
            "the answer is not a list of {}: {}",
            T::NAME,
            message_of(body)
        ),
    })?;
    let lines: Result<Vec<T>, &str> = listed
        .into_iter()
        .map(|line| T::of_line(version, line))
        .collect();
    let lines = lines.map_err(|lacks| refused(format!("a line of the list {lacks}")))?;
    match (version, total) {
        (Version::V1, None) => Err(refused(format!(
            "the answer does not say how many {} there are",
            T::NAME
        ))),
        (Version::V1, total) => Ok(Page { lines, total }),
        (Version::V2, _) => Ok(Page { lines, total: None }),
    }
}

/// A moment as the API writes it; nothing where it is written otherwise.
pub(super) fn moment(value: &Scalar) -> Option<Timestamp> {
    value.word()?.parse().ok()
}

/// A promoter as a listing names one.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct ListedPromoter {
    /// The API's own id.
    pub id: Option<String>,
    /// The email.
    pub email: Option<String>,
    /// The referral id.
    pub ref_id: Option<String>,
    /// What is earned and not paid out, in minor units of the account's currency (version 1's
    /// `current_balance`).
    #[serde(default)]
    pub balance_cents: Option<i64>,
}

/// A promoter inside a line of version 1, and of a `promoter_campaign` of version 2.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PromoterShape {
    id: Scalar,
    email: Scalar,
    default_ref_id: Scalar,
    earnings_balance: Option<BalanceShape>,
    current_balance: Option<BalanceShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct BalanceShape {
    cash: Scalar,
}

impl PromoterShape {
    pub(super) fn promoter(&self, ref_id: Option<String>) -> ListedPromoter {
        ListedPromoter {
            id: self.id.text(),
            email: self.email.text(),
            ref_id: ref_id.or_else(|| self.default_ref_id.text()),
            balance_cents: match (&self.current_balance, &self.earnings_balance) {
                (Some(balance), _) => balance.cash.integer(),
                // A balance of nothing is null, and absent where the version has none.
                (None, Some(_)) => Some(0),
                (None, None) => None,
            },
        }
    }
}

/// A promotion of version 1: a promoter in a campaign.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PromotionShape {
    pub(super) ref_id: Scalar,
    pub(super) campaign_id: Scalar,
    pub(super) campaign_name: Scalar,
}

/// The same in version 2.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PromoterCampaignShape {
    pub(super) campaign_id: Scalar,
    pub(super) promoter: PromoterShape,
    pub(super) campaign: CampaignShape,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CampaignShape {
    pub(super) name: Scalar,
}

/// Moments as text, where a line is kept.
pub(super) mod optional_moment {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::tracking) fn serialize<S: Serializer>(
        moment: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match moment {
            Some(moment) => serializer.collect_str(moment),
            None => serializer.serialize_none(),
        }
    }

    pub(in crate::tracking) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(D::Error::custom))
            .transpose()
    }
}
