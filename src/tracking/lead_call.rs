//! Sets the date since which a lead is a customer, by `PUT /leads/update` of version 1. Version 2 documents no such
//! call.

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;

use super::account_call::AccountCall;
use super::answer::{Answer, Receipt, answer_of_status, message_of};
use super::scalar::Scalar;

/// Sets the date since which a lead is a customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SetCustomerSince {
    /// The API's own id of the lead.
    pub(crate) lead_id: String,
    /// The date.
    pub(crate) since: Timestamp,
}

/// Reads a lead in the answer.
#[derive(Deserialize)]
struct ChangedLeadShape {
    id: Scalar,
}

impl AccountCall for SetCustomerSince {
    fn method(&self) -> Method {
        Method::PUT
    }

    fn path(&self) -> &'static str {
        "leads/update"
    }

    fn parameters(&self) -> Result<String, String> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("id", &self.lead_id);
        query.append_pair("customer_since", &self.since.to_string());
        Ok(query.finish())
    }

    fn answer(&self, status: u16, body: &[u8]) -> Answer {
        let not_this = |why: &str| Answer::NotThisEvent {
            status,
            message: format!("{why}: {}", message_of(body)),
        };
        match status {
            200..=202 => {
                let lead: Option<ChangedLeadShape> = serde_json::from_slice(body).ok();
                match lead.and_then(|lead| lead.id.text()) {
                    Some(id) if id == self.lead_id => Answer::Recorded(Receipt::default()),
                    Some(_) => not_this("the answer has another lead"),
                    None => not_this("the answer has no lead"),
                }
            }
            203..=299 => not_this("the answer is not one of this call"),
            // Nothing is documented for it; whatever it says, nothing was done.
            409 => Answer::Refused {
                status,
                message: message_of(body),
            },
            _ => answer_of_status(status, body),
        }
    }

    fn is_repeatable(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_call_is_that_of_the_vendors_file() {
        let call = SetCustomerSince {
            lead_id: "7".to_owned(),
            since: "2025-11-03T23:30:00Z".parse().unwrap(),
        };
        assert_eq!(
            call.parameters().unwrap(),
            "id=7&customer_since=2025-11-03T23%3A30%3A00Z"
        );
        let word = |status, body: &str| call.answer(status, body.as_bytes()).word();
        assert_eq!(word(200, r#"{"id": 7, "state": "active"}"#), "recorded");
        assert_eq!(word(200, r#"{"id": "8"}"#), "not_this_event");
        assert_eq!(word(200, "sorry"), "not_this_event");
        assert_eq!(word(204, ""), "not_this_event");
        assert_eq!(word(404, r#"{"error": "Lead not found."}"#), "refused");
        assert_eq!(word(409, "{}"), "refused");
        assert_eq!(word(401, r#""Bad credentials""#), "key_refused");
        assert_eq!(word(500, ""), "unclear");
    }
}
