//! The listing of an account's leads, in both versions.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;

use super::answer::{message_of, of_status, text};
use super::{Answer, Receipt, Version};
use crate::event::Kind;

/// Bytes of a page that are read; a hundred leads with their promoters are a few hundred KiB.
pub(super) const MAX_BODY_BYTES: usize = 16 * 1024 * 1024;
/// Leads of a page of version 2: the documented most.
const PER_PAGE: u32 = 100;

/// A page of the account's leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadPage {
    /// The leads; none where the page lies behind the last one.
    pub leads: Vec<Lead>,
    /// How many leads the account has, where the version says so (version 1). Where it does not
    /// (version 2), the list ends with the first page that is empty.
    pub total: Option<u64>,
}

/// A lead, by what it is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lead {
    /// The API's own id.
    pub id: String,
    /// The email, if there is one.
    pub email: Option<String>,
    /// The uid, if there is one.
    pub uid: Option<String>,
}

/// What is read of a lead; the rest is passed over.
#[derive(Deserialize)]
struct Listed {
    #[serde(default)]
    id: Value,
    #[serde(default)]
    email: Value,
    #[serde(default)]
    uid: Value,
}

pub(super) fn path(version: Version) -> &'static str {
    match version {
        Version::V1 => "leads/list",
        Version::V2 => "company/referrals",
    }
}

pub(super) fn query(version: Version, page: u32) -> String {
    match version {
        Version::V1 => format!("page={page}"),
        Version::V2 => format!("page={page}&per_page={PER_PAGE}"),
    }
}

/// Version 1's header `Total`.
pub(super) fn total(headers: &HeaderMap) -> Option<u64> {
    headers.get("total")?.to_str().ok()?.trim().parse().ok()
}

/// What a whole answer means.
pub(super) fn page(
    version: Version,
    status: u16,
    body: &[u8],
    total: Option<u64>,
    retry_after: Option<Duration>,
) -> Result<LeadPage, Answer> {
    let refused = |message: String| Answer::Refused { status, message };
    match status {
        200 => {}
        201..300 | 409 => return Err(refused(message_of(body))),
        _ => {
            let none = |_: &Value| Receipt::default();
            return Err(of_status(Kind::Sale, status, body, retry_after, none));
        }
    }
    let listed: Vec<Listed> = serde_json::from_slice(body).map_err(|_| Answer::Unclear {
        status: Some(status),
        message: format!("the answer is no list of leads: {}", message_of(body)),
    })?;
    let leads: Option<Vec<Lead>> = listed
        .into_iter()
        .map(|listed| {
            Some(Lead {
                id: text(&listed.id)?,
                email: text(&listed.email),
                uid: text(&listed.uid),
            })
        })
        .collect();
    let leads = leads.ok_or_else(|| refused("a lead of the list has no id".to_owned()))?;
    match (version, total) {
        (Version::V1, None) => Err(refused(
            "the answer does not say how many leads there are".to_owned(),
        )),
        (Version::V1, total) => Ok(LeadPage { leads, total }),
        (Version::V2, _) => Ok(LeadPage { leads, total: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(version: Version, status: u16, body: &str, total: Option<u64>) -> &'static str {
        match page(version, status, body.as_bytes(), total, None) {
            Ok(_) => "page",
            Err(answer) => answer.word(),
        }
    }

    #[test]
    fn a_page_is_an_array_of_leads_and_in_v1_says_how_many_there_are() {
        let body = r#"[{"id": 1, "email": "a@example.com", "uid": null, "state": "active"},
            {"id": "2", "email": "", "uid": 77}]"#;
        let page = page(Version::V1, 200, body.as_bytes(), Some(2), None).unwrap();
        assert_eq!(page.total, Some(2));
        assert_eq!(page.leads[0].email.as_deref(), Some("a@example.com"));
        assert_eq!(
            (page.leads[0].uid.as_deref(), page.leads[1].uid.as_deref()),
            (None, Some("77"))
        );
        assert_eq!(page.leads[1].email, None);
        assert_eq!(word(Version::V1, 200, "[]", None), "refused");
        assert_eq!(word(Version::V2, 200, "[]", None), "page");
    }

    #[test]
    fn whatever_else_comes_is_no_list() {
        assert_eq!(word(Version::V2, 200, "{}", None), "unclear");
        assert_eq!(word(Version::V2, 200, "[{\"id\":1}", None), "unclear");
        assert_eq!(
            word(Version::V2, 200, "[{\"email\":\"a\"}]", None),
            "refused"
        );
        assert_eq!(word(Version::V2, 204, "", None), "refused");
        assert_eq!(word(Version::V2, 404, "", None), "refused");
        assert_eq!(word(Version::V2, 401, "", None), "key_refused");
        assert_eq!(word(Version::V2, 429, "", None), "too_fast");
        assert_eq!(word(Version::V2, 302, "", None), "not_delivered");
        assert_eq!(word(Version::V2, 500, "", None), "unclear");
    }
}
