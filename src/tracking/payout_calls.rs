//! Creates payouts of commissions and marks them as paid, by the calls that the vendor documents.
//!
//! Version 1 has no mark on a commission: `POST /payouts/create` makes a payout of all that a promoter has not been paid,
//! and `PUT /payouts/update` says that it was paid. Version 2 makes payouts of commissions that are named
//! (`POST /company/commissions/generate_payouts`), and marks payouts (`POST /company/payouts/mark_as_paid`).
//!
//! Nothing says what these calls do if they are repeated, so that none of them is without a look at the listings.

use reqwest::Method;
use serde::{Deserialize, Serialize};

use super::account_call::AccountCall;
use super::answer::{Answer, Receipt, answer_of_status, message_of};
use super::commissions::PENDING;
use super::payouts::COMPLETED;
use super::scalar::Scalar;

/// Asks for a payout, or for a payout to be marked as paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PayoutCall {
    /// Creates a payout of all that a promoter has not been paid, in one campaign (version 1).
    Create {
        /// The API's own id of the promoter.
        promoter_id: String,
        /// The API's own id of the campaign, if the commissions name one.
        campaign_id: Option<String>,
    },
    /// Marks a payout as paid (version 1).
    Complete {
        /// The API's own id of the payout.
        payout_id: String,
    },
    /// Creates payouts of these commissions (version 2).
    Generate {
        /// The API's own ids of the commissions.
        commission_ids: Vec<u64>,
    },
    /// Marks a payout as paid (version 2).
    MarkAsPaid {
        /// The API's own id of the payout.
        payout_id: u64,
    },
}

#[derive(Serialize)]
struct Ids<'i> {
    ids: &'i [u64],
}

/// Reads a payout in the answer of version 1.
#[derive(Deserialize)]
struct PayoutShape {
    id: Scalar,
}

/// Reads what became of the ids of a call of version 2; some answers have it inside an object.
#[derive(Default, Deserialize)]
#[serde(default)]
struct BatchShape {
    status: Scalar,
    failed_count: Scalar,
    data: Option<Box<BatchShape>>,
}

impl AccountCall for PayoutCall {
    fn method(&self) -> Method {
        match self {
            PayoutCall::Complete { .. } => Method::PUT,
            _ => Method::POST,
        }
    }

    fn path(&self) -> &'static str {
        match self {
            PayoutCall::Create { .. } => "payouts/create",
            PayoutCall::Complete { .. } => "payouts/update",
            PayoutCall::Generate { .. } => "company/commissions/generate_payouts",
            PayoutCall::MarkAsPaid { .. } => "company/payouts/mark_as_paid",
        }
    }

    fn parameters(&self) -> Result<String, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let ids = |ids: &[u64]| serde_json::to_string(&Ids { ids }).unwrap_or_default();
        match self {
            PayoutCall::Create {
                promoter_id,
                campaign_id,
            } => {
                query.append_pair("promoter_id", promoter_id);
                if let Some(campaign) = campaign_id {
                    query.append_pair("campaign_id", campaign);
                }
                query.append_pair("status", PENDING);
            }
            PayoutCall::Complete { payout_id } => {
                query.append_pair("id", payout_id);
                query.append_pair("status", COMPLETED);
            }
            PayoutCall::Generate { commission_ids } => return Err(ids(commission_ids)),
            PayoutCall::MarkAsPaid { payout_id } => return Err(ids(&[*payout_id])),
        }
        Ok(query.finish())
    }

    /// Interprets an answer; a success has the id of the payout if the answer names one.
    fn answer(&self, status: u16, body: &[u8]) -> Answer {
        let not_this = |why: &str| Answer::NotThisEvent {
            status,
            message: format!("{why}: {}", message_of(body)),
        };
        match (status, self) {
            (200..=202, PayoutCall::Create { .. } | PayoutCall::Complete { .. }) => {
                let payout: Option<PayoutShape> = serde_json::from_slice(body).ok();
                match payout.and_then(|payout| payout.id.text()) {
                    Some(id) => Answer::Recorded(Receipt {
                        api_event_id: Some(id),
                        ..Receipt::default()
                    }),
                    None => not_this("the answer has no payout"),
                }
            }
            (200..=202, PayoutCall::Generate { .. } | PayoutCall::MarkAsPaid { .. }) => {
                let Ok(batch) = serde_json::from_slice::<BatchShape>(body) else {
                    return not_this("the answer does not say what became of it");
                };
                let batch = batch.data.map_or_else(
                    || (batch.status.text(), batch.failed_count.integer()),
                    |data| (data.status.text(), data.failed_count.integer()),
                );
                match batch {
                    (None, _) => not_this("the answer does not say what became of it"),
                    (Some(status), _) if matches!(&*status, "failed" | "stopped") => {
                        not_this("it failed")
                    }
                    (Some(_), failed) if failed.is_some_and(|failed| failed > 0) => {
                        not_this("it failed for some")
                    }
                    (Some(_), _) => Answer::Recorded(Receipt::default()),
                }
            }
            (203..=299, _) => not_this("the answer is not one of this call"),
            // Nothing is documented for it; whatever it says, nothing was done.
            (409, _) => Answer::Refused {
                status,
                message: message_of(body),
            },
            _ => answer_of_status(status, body),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calls_are_those_of_the_vendors_files() {
        let create = PayoutCall::Create {
            promoter_id: "9".to_owned(),
            campaign_id: Some("3".to_owned()),
        };
        assert_eq!(
            create.parameters().unwrap(),
            "promoter_id=9&campaign_id=3&status=pending"
        );
        let complete = PayoutCall::Complete {
            payout_id: "5".to_owned(),
        };
        assert_eq!(complete.parameters().unwrap(), "id=5&status=completed");
        assert_eq!(complete.method(), Method::PUT);
        let generate = PayoutCall::Generate {
            commission_ids: vec![7, 8],
        };
        assert_eq!(generate.parameters().unwrap_err(), r#"{"ids":[7,8]}"#);
    }

    #[test]
    fn a_batch_that_failed_is_no_success() {
        let mark = PayoutCall::MarkAsPaid { payout_id: 5 };
        let word = |status, body: &str| mark.answer(status, body.as_bytes()).word();
        let done = r#"{"data": {"id": 1, "status": "completed", "failed_count": 0}, "meta": {}}"#;
        assert_eq!(word(200, done), "recorded");
        assert_eq!(word(202, &done.replace("completed", "pending")), "recorded");
        let flat = r#"{"id": 1, "status": "in_progress", "failed_count": 0}"#;
        assert_eq!(word(200, flat), "recorded");
        assert_eq!(
            word(200, &done.replace("completed", "failed")),
            "not_this_event"
        );
        assert_eq!(
            word(
                200,
                &done.replace("\"failed_count\": 0", "\"failed_count\": 1")
            ),
            "not_this_event"
        );
        assert_eq!(word(200, "sorry"), "not_this_event");
        assert_eq!(word(204, ""), "not_this_event");
        assert_eq!(word(422, "{}"), "refused");
        assert_eq!(word(409, "{}"), "refused");
        assert_eq!(word(403, "{}"), "key_refused");
        assert_eq!(word(500, ""), "unclear");
    }
}
