//! Reads listings of leads and commissions, page by page, in both versions.

use jiff::Timestamp;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::answer::{answer_of_status, message_of};
use super::scalar::Scalar;
use super::{Answer, Version};

/// The most bytes of a page that are read; a hundred lines with their promoters are a few hundred KiB.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// The number of lines of a page of version 2: the documented maximum.
const PER_PAGE: u32 = 100;

/// Holds a page of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The lines; empty if the page is after the last one.
    pub lines: Vec<T>,
    /// The number of lines of the whole listing, if the version reports it (version 1). If it does not
    /// (version 2), the listing ends with the first page that is empty.
    pub total: Option<u64>,
}

/// Defines what can be listed.
pub trait Listed: Sized {
    /// The name of the lines, for people: `leads`.
    const NAME: &'static str;

    /// The fields of a line that are read; the rest is ignored.
    type Line: DeserializeOwned;

    /// Returns the path below the API's base.
    fn path(version: Version) -> &'static str;

    /// Returns what a line says; or what it lacks, in words.
    ///
    /// # Errors
    ///
    /// The line lacks something without which the listing can't be relied on.
    fn from_line(version: Version, line: Self::Line) -> Result<Self, &'static str>;

    /// Returns the API's own id of it.
    fn id(&self) -> &str;

    /// Names the moment by which version 2 is asked to order the lines, so that what is added while they are
    /// read comes last.
    const ORDER: &'static str = "created_at";

    /// Returns the moment that [`Listed::ORDER`] names; `None` if the line has none that can be compared.
    fn ordered_at(&self) -> Option<Timestamp>;

    /// Says whether version 2 documents pages for this listing. If it doesn't, a page that repeats earlier
    /// ones is the end.
    const HAS_PAGES: bool = true;
    /// What version 2 is asked for beside the page.
    const MORE: &'static str = "";
}

pub(super) fn query<T: Listed>(version: Version, page: u32) -> String {
    match version {
        Version::V1 => format!("page={page}"),
        Version::V2 => format!(
            "page={page}&per_page={PER_PAGE}&sorting%5B{}%5D=asc{}",
            T::ORDER,
            T::MORE
        ),
    }
}

/// Returns the value of version 1's header `Total`.
pub(super) fn total(headers: &HeaderMap) -> Option<u64> {
    headers.get("total")?.to_str().ok()?.trim().parse().ok()
}

/// Interprets a complete answer.
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
        _ => return Err(answer_of_status(status, body)),
    }
    // The list of promoters of version 2 comes inside an object.
    let is_wrapped = version == Version::V2 && body.trim_ascii_start().starts_with(b"{");
    let lines = if is_wrapped {
        serde_json::from_slice(body).map(|wrapped: Wrapped<T::Line>| wrapped.data)
    } else {
        serde_json::from_slice(body)
    };
    let listed: Vec<T::Line> = lines.map_err(|_| Answer::Unclear {
        status: Some(status),
        message: format!(
            "the answer is not a list of {}: {}",
            T::NAME,
            message_of(body)
        ),
    })?;
    let read: Result<Vec<T>, &str> = listed
        .into_iter()
        .map(|line| T::from_line(version, line))
        .collect();
    let lines = read.map_err(|lacks| refused(format!("a line of the list {lacks}")))?;
    match (version, total) {
        (Version::V1, None) => Err(refused(format!(
            "the answer does not say how many {} there are",
            T::NAME
        ))),
        (Version::V1, total) => Ok(Page { lines, total }),
        (Version::V2, _) => Ok(Page { lines, total: None }),
    }
}

/// Reads a list inside an object.
#[derive(Deserialize)]
struct Wrapped<L> {
    data: Vec<L>,
}

/// Returns a moment as the API writes it; `None` if it is written otherwise.
pub(super) fn moment(value: &Scalar) -> Option<Timestamp> {
    value.word()?.parse().ok()
}

/// Describes a promoter as a listing names one.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, Deserialize)]
pub struct ListedPromoter {
    /// The API's own id of the promoter.
    pub id: Option<String>,
    /// The email of the promoter.
    pub email: Option<String>,
    /// The referral id of the promoter.
    pub ref_id: Option<String>,
    /// The amount that is earned and not paid out, in minor units of the account's currency (version 1's
    /// `current_balance`, and `balances` in version 2's list of promoters).
    #[serde(default)]
    pub balance_cents: Option<i64>,
    /// The API's own id of the promoter's own promoter (version 1's `parent_promoter_id`, and `parent_promoter` in
    /// version 2's list of promoters).
    #[serde(default)]
    pub parent_id: Option<String>,
}

/// Reads a promoter inside a line of version 1, and of a `promoter_campaign` of version 2.
#[derive(Default, Deserialize)]
#[serde(default)]
#[doc(hidden)]
pub struct PromoterShape {
    id: Scalar,
    email: Scalar,
    default_ref_id: Scalar,
    earnings_balance: Option<BalanceShape>,
    current_balance: Option<BalanceShape>,
    balances: Option<BalanceShape>,
    parent_promoter_id: Scalar,
    parent_promoter: Option<ParentShape>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ParentShape {
    id: Scalar,
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
                // A balance of zero is null, and absent where the version has none.
                (None, Some(_)) => Some(0),
                (None, None) => self.balances.as_ref().and_then(BalanceShape::cents),
            },
            parent_id: self.parent_promoter_id.text().or_else(|| {
                let parent = self.parent_promoter.as_ref()?;
                parent.id.text()
            }),
        }
    }
}

impl BalanceShape {
    /// Returns version 2's amount of money: null where there is none, and written with decimals at times.
    fn cents(&self) -> Option<i64> {
        match self.cash.text() {
            None => Some(0),
            Some(_) => self.cash.whole(),
        }
    }
}

impl Listed for ListedPromoter {
    const NAME: &'static str = "promoters";
    const ORDER: &'static str = "joined_at";
    const HAS_PAGES: bool = false;
    const MORE: &'static str = "&include_parent_promoter=true";

    type Line = PromoterShape;

    fn path(version: Version) -> &'static str {
        match version {
            Version::V1 => "promoters/list",
            Version::V2 => "company/promoters",
        }
    }

    fn from_line(_: Version, line: PromoterShape) -> Result<Self, &'static str> {
        let promoter = line.promoter(None);
        match promoter.id {
            Some(_) => Ok(promoter),
            None => Err("has no id"),
        }
    }

    fn id(&self) -> &str {
        self.id.as_deref().unwrap_or_default()
    }

    fn ordered_at(&self) -> Option<Timestamp> {
        None
    }
}

/// Reads a promotion of version 1: a promoter in a campaign.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PromotionShape {
    pub(super) id: Scalar,
    pub(super) ref_id: Scalar,
    pub(super) campaign_id: Scalar,
    pub(super) campaign_name: Scalar,
}

/// Reads a promoter in a campaign of version 2.
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

/// Returns an email without the suffix that the API adds for a lead that was moved, and whether it had it.
pub(super) fn without_moved(email: &str) -> (String, bool) {
    const MOVED: &str = " (moved)";
    let end = email.len().checked_sub(MOVED.len());
    let parts = end.and_then(|end| email.split_at_checked(end));
    match parts.filter(|(_, suffix)| suffix.eq_ignore_ascii_case(MOVED)) {
        Some((email, _)) => (email.trim_end().to_owned(), true),
        None => (email.to_owned(), false),
    }
}

/// Writes moments as text, where a line is kept.
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
