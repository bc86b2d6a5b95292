//! Writes events for version 2 of the Tracking API, as in the vendor's OpenAPI file.
//!
//! It takes dates only on sign-ups, and does not distinguish cancellations.

use serde::{Serialize, Serializer};

use super::details::sent_details;
use super::{FormSettings, Version};
use crate::event::{DetailValue, Event, Kind};

/// Holds the parameters of a call in their order.
#[derive(Default)]
struct Parameters<'e>(Vec<(&'static str, Parameter<'e>)>);

/// Holds a parameter in the type that the vendor's file has for it in its call. Whole numbers are numbers at some
/// places, and text at others.
#[derive(Serialize)]
#[serde(untagged)]
enum Parameter<'e> {
    Integer(i64),
    Text(&'e str),
    OwnText(String),
    Flag(bool),
}

impl Serialize for Parameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'e> Parameters<'e> {
    fn add(&mut self, name: &'static str, value: Option<Parameter<'e>>) {
        self.0.extend(value.map(|value| (name, value)));
    }

    fn add_text(&mut self, name: &'static str, value: Option<&'e str>) {
        self.add(name, value.map(Parameter::Text));
    }
}

/// Returns the JSON of an event. The same event always gives the same bytes.
pub(super) fn body(event: &Event, manner: &FormSettings<'_>) -> String {
    let parameters = parameters(event, manner);
    // Text and numbers always have a JSON form.
    serde_json::to_string(&parameters).unwrap_or_default()
}

fn parameters<'e>(event: &'e Event, manner: &FormSettings<'_>) -> Parameters<'e> {
    let mut body = Parameters::default();
    body.add_text("email", event.customer.email.as_deref());
    body.add_text("uid", event.customer.uid.as_deref());
    if event.kind == Kind::Cancellation {
        return body;
    }
    if event.kind.has_amount() {
        body.add_text("event_id", Some(event.event_id()));
    }
    if event.kind == Kind::Refund {
        body.add_text("sale_event_id", event.sale_event_id.as_deref());
    }
    if let Some(money) = event.money {
        let amount = number(event.kind, manner.decimals.sent(money));
        body.add("amount", Some(amount));
        let is_foreign = money.currency != manner.account_currency;
        body.add_text("currency", is_foreign.then(|| money.currency.code()));
    }
    for (name, value) in sent_details(event, Version::V2, manner.decimals) {
        let value = match value {
            DetailValue::Text(text) => Parameter::Text(text),
            DetailValue::Count(count) => number(event.kind, count.into()),
            DetailValue::Cents(cents) => Parameter::OwnText(cents.to_string()),
        };
        body.add(name, Some(value));
    }
    if event.kind == Kind::Signup {
        let at = event
            .created_at
            .map(|at| Parameter::OwnText(at.to_string()));
        body.add("created_at", at);
    }
    if !manner.should_notify_promoters {
        body.add("skip_email_notification", Some(Parameter::Flag(true)));
    }
    body
}

/// Returns a whole number as the call has it: as text in those of refunds.
fn number<'e>(call: Kind, number: i64) -> Parameter<'e> {
    match call {
        Kind::Refund => Parameter::OwnText(number.to_string()),
        Kind::Sale | Kind::Cancellation | Kind::Signup => Parameter::Integer(number),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClientSettings, Version};
    use super::*;
    use crate::event::{Currency, Customer, Details, ExportLine, Money};

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
        let mut event = Event::new(kind, id.into(), customer, ExportLine { input: 0, line: 2 });
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
