//! Sends a sale as a commission of a referral whose id is known: `POST /company/commissions` of version 2, which
//! takes the day of the sale where its tracking calls take none.
//!
//! The vendor's file does not say that a second commission with the same `event_id` is refused, so that such a
//! request is never repeated.

use jiff::civil::Date;
use serde::Serialize;

use super::answer::{Answer, Asked, Receipt, answer_of_status, message_of, other_amount_words};
use super::commissions::{CASH, CommissionLine, ListedCommission};
use super::listing::Listed;
use super::{FormSettings, Version};
use crate::event::{Carried, Event};

/// The path below the API's base.
pub(super) const PATH: &str = "company/commissions";

/// The fields that are sent, in their order.
#[derive(Serialize)]
struct NewCommission<'e> {
    commission_type: &'static str,
    referral_id: u64,
    sale_amount: i64,
    event_id: &'e str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_date: Option<String>,
    notify_promoter: bool,
}

/// Describes how a sale is sent as a commission.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommissionOf {
    /// The API's own id of the referral.
    pub referral_id: u64,
    /// The day of the sale in the account's zone, if it has a date.
    pub day: Option<Date>,
}

/// Returns the JSON of a sale, and what it carries; `None` for an event without an amount in the account's currency,
/// since the call takes no other one. The same sale always gives the same bytes.
pub(super) fn body(
    event: &Event,
    of: CommissionOf,
    manner: &FormSettings<'_>,
) -> Option<(String, Carried)> {
    let money = event.money?;
    if money.currency != manner.account_currency {
        return None;
    }
    let new = NewCommission {
        commission_type: "sale",
        referral_id: of.referral_id,
        sale_amount: manner.decimals.sent(money),
        event_id: event.event_id(),
        event_date: of.day.map(|day| day.to_string()),
        notify_promoter: false,
    };
    // Text and numbers always have a JSON form.
    let body = serde_json::to_string(&new).unwrap_or_default();
    let carried = Carried::new(body.as_bytes(), false, None);
    Some((body, carried))
}

/// Interprets a complete answer.
pub(super) fn answer(asked: &Asked<'_>, status: u16, body: &[u8]) -> Answer {
    match status {
        200 | 201 => answer_of_success(asked, status, body),
        202..300 => not_this(status, "the answer has no commission", body),
        // Nothing is documented for it; whatever it says, no commission was created.
        409 => Answer::Refused {
            status,
            message: message_of(body),
        },
        _ => answer_of_status(status, body),
    }
}

fn not_this(status: u16, why: &str, body: &[u8]) -> Answer {
    Answer::NotThisEvent {
        status,
        message: format!("{why}: {}", message_of(body)),
    }
}

/// Reads the commissions of a success: an array by the vendor's file; one alone is taken, too.
fn answer_of_success(asked: &Asked<'_>, status: u16, body: &[u8]) -> Answer {
    let is_array = body.trim_ascii_start().starts_with(b"[");
    let lines: Result<Vec<CommissionLine>, _> = if is_array {
        serde_json::from_slice(body)
    } else {
        serde_json::from_slice(body).map(|line| vec![line])
    };
    let Ok(lines) = lines else {
        return Answer::Unclear {
            status: Some(status),
            message: format!("the answer is not whole JSON: {}", message_of(body)),
        };
    };
    let lines = lines
        .into_iter()
        .map(|line| ListedCommission::from_line(Version::V2, line));
    let all: Result<Vec<ListedCommission>, &str> = lines.collect();
    let all = match all {
        Ok(all) => all,
        Err(lacks) => return not_this(status, &format!("a commission {lacks}"), body),
    };
    let id = Some(asked.event.event_id());
    let ours: Vec<&ListedCommission> = all
        .iter()
        .filter(|one| one.event_id.as_deref() == id)
        .collect();
    let Some(first) = ours.iter().min_by_key(|one| one.tier) else {
        return not_this(status, "the answer has no commission of this event", body);
    };
    let cash = ours.iter().filter(|one| one.unit == CASH);
    let receipt = Receipt {
        api_event_id: Some(first.id.clone()),
        promoter_email: first.promoter.email.clone(),
        promoter_ref_id: first.promoter.ref_id.clone(),
        commission_cents: cash
            .filter_map(|one| one.amount)
            .reduce(i64::saturating_add),
    };
    match (first.sale_amount, asked.amount, asked.event.money) {
        (Some(recorded), Some(sent), Some(money)) if recorded != sent => Answer::OtherAmount {
            message: other_amount_words(money, sent, recorded),
            receipt,
        },
        _ => Answer::Recorded(receipt),
    }
}

#[cfg(test)]
mod tests {
    use super::super::form::Form;
    use super::super::{ApiKey, Client, ClientSettings, Timeouts};
    use super::*;
    use crate::event::{Currency, Customer, Decimals, ExportLine, Kind, Money};

    fn client() -> Client {
        let settings = ClientSettings {
            version: Version::V2,
            base_url: "http://127.0.0.1:1/api/v2".to_owned(),
            account_id: "a-1".to_owned(),
            account_currency: Currency::from_code("USD").unwrap(),
            decimals: Decimals::default(),
            should_notify_promoters: true,
            has_cancellation_event_id: false,
            ca_pem: None,
            timeouts: Timeouts::default(),
        };
        Client::new(settings, &ApiKey::new("key").unwrap()).unwrap()
    }

    fn sale(currency: &str) -> Event {
        let customer = Customer::new(Some("ada@example.com"), None);
        let source = ExportLine { input: 0, line: 2 };
        let mut sale = Event::new(Kind::Sale, "in_1".into(), customer, source);
        sale.money = Some(Money {
            amount_cents: 2000,
            currency: Currency::from_code(currency).unwrap(),
        });
        sale
    }

    fn form(sale: &Event) -> Option<Form> {
        let of = CommissionOf {
            referral_id: 7,
            day: Some("2026-03-01".parse().unwrap()),
        };
        client().commission_form(sale, of)
    }

    #[test]
    fn a_sale_says_its_day_and_notifies_nobody() {
        let form = form(&sale("USD")).unwrap();
        assert_eq!(
            form.body,
            r#"{"commission_type":"sale","referral_id":7,"sale_amount":2000,"event_id":"in_1","event_date":"2026-03-01","notify_promoter":false}"#
        );
        assert!(!form.carried().has_event_id);
        assert_eq!(super::tests::form(&sale("EUR")), None);
    }

    #[test]
    fn only_a_commission_of_this_very_event_is_a_success() {
        let sale = sale("USD");
        let form = form(&sale).unwrap();
        let word = |status, body: &str| {
            client()
                .meaning(&sale, &form, status, body.as_bytes())
                .word()
        };
        let ours = r#"{"id": 5, "status": "approved", "event_id": "in_1", "sale_amount": 2000, "amount": 400, "unit": "cash"}"#;
        assert_eq!(word(200, &format!("[{ours}]")), "recorded");
        assert_eq!(word(201, ours), "recorded");
        assert_eq!(word(200, &ours.replace("2000", "20")), "other_amount");
        assert_eq!(word(200, &ours.replace("in_1", "in_2")), "not_this_event");
        assert_eq!(word(200, "[]"), "not_this_event");
        assert_eq!(word(204, ""), "not_this_event");
        assert_eq!(word(200, "[{\"id\""), "unclear");
        assert_eq!(word(500, ""), "unclear");
        assert_eq!(
            word(
                404,
                r#"{"message":"Referral not found","code":"not_found"}"#
            ),
            "refused"
        );
        assert_eq!(
            word(
                409,
                r#"{"message":"The 'sale' event with the id 'in_1' already exists."}"#
            ),
            "refused"
        );
        assert_eq!(word(422, "{}"), "refused");
        assert_eq!(word(403, "{}"), "key_refused");
    }
}
