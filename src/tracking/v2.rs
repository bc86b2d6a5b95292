//! Writes events for version 2 of the Tracking API, as in the vendor's OpenAPI file.
//!
//! It takes dates only on sign-ups, and does not distinguish cancellations.

use serde::Serialize;

use super::FormSettings;
use crate::event::{Event, Kind};

/// Holds the parameters of the four calls; each has some of them, in the types of the vendor's file.
#[derive(Default, Serialize)]
struct Parameters<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sale_event_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mrr: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promo_code: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tid: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ref_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_email_notification: Option<bool>,
}

/// Holds a whole number, as the vendor's file has it at that place: a number, or text.
#[derive(Serialize)]
#[serde(untagged)]
enum Number {
    Integer(i64),
    Text(String),
}

/// Returns the JSON of an event. The same event always gives the same bytes.
pub(super) fn body(event: &Event, manner: &FormSettings<'_>) -> String {
    let parameters = parameters(event, manner);
    // Text and numbers always have a JSON form.
    serde_json::to_string(&parameters).unwrap_or_default()
}

fn parameters<'e>(event: &'e Event, manner: &FormSettings<'_>) -> Parameters<'e> {
    let details = event.details();
    let who = Parameters {
        email: event.customer.email.as_deref(),
        uid: event.customer.uid.as_deref(),
        ..Parameters::default()
    };
    let quiet = (!manner.should_notify_promoters).then_some(true);
    let currency = event
        .money
        .map(|money| money.currency)
        .filter(|currency| *currency != manner.account_currency);
    match event.kind {
        Kind::Sale => Parameters {
            event_id: Some(event.event_id()),
            amount: event
                .money
                .map(|money| Number::Integer(manner.decimals.sent(money))),
            currency: currency.map(|currency| currency.code()),
            quantity: details.quantity.map(|n| Number::Integer(n.into())),
            plan: event.plan.as_deref(),
            mrr: event
                .mrr()
                .map(|mrr| Number::Text(manner.decimals.sent(mrr).to_string())),
            promo_code: details.promo_code.as_deref(),
            tid: details.tid.as_deref(),
            ref_id: details.ref_id.as_deref(),
            skip_email_notification: quiet,
            ..who
        },
        Kind::Refund => Parameters {
            event_id: Some(event.event_id()),
            sale_event_id: event.sale_event_id.as_deref(),
            amount: event
                .money
                .map(|money| Number::Text(manner.decimals.sent(money).to_string())),
            currency: currency.map(|currency| currency.code()),
            quantity: details.quantity.map(|n| Number::Text(n.to_string())),
            skip_email_notification: quiet,
            ..who
        },
        Kind::Cancellation => who,
        Kind::Signup => Parameters {
            tid: details.tid.as_deref(),
            ref_id: details.ref_id.as_deref(),
            created_at: event.created_at.map(|at| at.to_string()),
            skip_email_notification: quiet,
            ..who
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClientSettings, Version};
    use super::*;
    use crate::event::{Currency, Customer, Details, Money, Source};

    fn settings() -> ClientSettings {
        ClientSettings {
            version: Version::V2,
            base_url: "https://api.firstpromoter.com/api/v2".into(),
            account_id: "acc-1".into(),
            account_currency: Currency::from_code("USD").unwrap(),
            decimals: crate::event::Decimals::default(),
            should_notify_promoters: false,
            has_cancellation_event_id: true,
            ca_pem: None,
            timeouts: super::super::Timeouts::default(),
        }
    }

    fn ada(kind: Kind, id: &str) -> Event {
        let customer = Customer::new(Some("ada@example.com"), Some("cus_1"));
        let mut event = Event::new(kind, id.into(), customer, Source { input: 0, line: 2 });
        event.created_at = Some("2026-03-01T08:00:00Z".parse().unwrap());
        if kind.has_amount() {
            event.money = Some(Money {
                amount_cents: 2000,
                currency: Currency::from_code("EUR").unwrap(),
            });
        }
        event.plan = Some("yearly".into());
        event.set_details(Details {
            ref_id: Some("nora".into()),
            promo_code: Some("NORA10".into()),
            mrr_cents: Some(900),
            quantity: Some(2),
            ..Details::default()
        });
        event
    }

    const WHO: &str = "\"email\":\"ada@example.com\",\"uid\":\"cus_1\"";

    #[test]
    fn each_call_says_what_the_vendors_file_knows_in_its_types() {
        assert_eq!(
            body(&ada(Kind::Sale, "s1"), &settings().manner()),
            format!(
                "{{{WHO},\"event_id\":\"s1\",\"amount\":2000,\"currency\":\"EUR\",\
                 \"quantity\":2,\"plan\":\"yearly\",\"mrr\":\"900\",\
                 \"promo_code\":\"NORA10\",\"ref_id\":\"nora\",\
                 \"skip_email_notification\":true}}"
            )
        );
        let mut refund = ada(Kind::Refund, "r1");
        refund.sale_event_id = Some("s1".into());
        assert_eq!(
            body(&refund, &settings().manner()),
            format!(
                "{{{WHO},\"event_id\":\"r1\",\"sale_event_id\":\"s1\",\
                 \"amount\":\"2000\",\"currency\":\"EUR\",\"quantity\":\"2\",\
                 \"skip_email_notification\":true}}"
            )
        );
        assert_eq!(
            body(&ada(Kind::Cancellation, "c1"), &settings().manner()),
            format!("{{{WHO}}}")
        );
        assert_eq!(
            body(&ada(Kind::Signup, "u1"), &settings().manner()),
            format!(
                "{{{WHO},\"ref_id\":\"nora\",\"created_at\":\"2026-03-01T08:00:00Z\",\
                 \"skip_email_notification\":true}}"
            )
        );
    }
}
