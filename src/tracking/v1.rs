//! Writes events for version 1 of the Tracking API, as in the vendor's founding document and its later pages.

use form_urlencoded::Serializer;

use super::details::sent_details;
use super::{FormSettings, Version};
use crate::event::{Event, Kind};

/// Returns the form of an event, with the parameters that the vendor's documents have for its call. The same
/// event always gives the same bytes.
pub(super) fn body(event: &Event, manner: &FormSettings<'_>) -> String {
    let mut form = EncodedForm(Serializer::new(String::new()));
    form.add("wid", Some(manner.account_id));
    form.add("email", event.customer.email.as_deref());
    form.add("uid", event.customer.uid.as_deref());
    form.add(
        "event_id",
        has_event_id(event.kind, manner.has_cancellation_event_id).then(|| event.event_id()),
    );
    if event.kind == Kind::Refund {
        form.add("sale_event_id", event.sale_event_id.as_deref());
    }
    if let Some(money) = event.money {
        form.add_shown("amount", Some(manner.decimals.sent(money)));
        let is_foreign = money.currency != manner.account_currency;
        form.add("currency", is_foreign.then(|| money.currency.code()));
    }
    for (name, value) in sent_details(event, Version::V1, manner.decimals) {
        form.add_shown(name, Some(value));
    }
    form.add_shown("created_at", event.created_at);
    if !manner.should_notify_promoters {
        form.add("skip_email_notification", Some("true"));
    }
    form.0.finish()
}

/// Returns `true` if requests of this kind have an event id. A second sign-up is recognised by its lead, a
/// cancellation only by accounts whose API is newer.
pub(super) fn has_event_id(kind: Kind, has_cancellation_event_id: bool) -> bool {
    match kind {
        Kind::Sale | Kind::Refund => true,
        Kind::Cancellation => has_cancellation_event_id,
        Kind::Signup => false,
    }
}

struct EncodedForm(Serializer<'static, String>);

impl EncodedForm {
    fn add(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.0.append_pair(name, value);
        }
    }

    fn add_shown(&mut self, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.0.append_pair(name, &value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ClientSettings, Timeouts, Version};
    use super::*;
    use crate::event::{Currency, Customer, Details, ExportLine, Money};

    fn settings() -> ClientSettings {
        ClientSettings {
            base_url: "https://firstpromoter.com/api/v1".into(),
            version: Version::V1,
            account_id: "b850ac4wer56hy1b5ef41".into(),
            account_currency: Currency::from_code("USD").unwrap(),
            decimals: crate::event::Decimals::default(),
            should_notify_promoters: true,
            has_cancellation_event_id: false,
            ca_pem: None,
            timeouts: Timeouts::default(),
        }
    }

    fn shelley(kind: Kind, id: &str) -> Event {
        let customer = Customer::new(Some("shelley@example.com"), Some("cbdemo_shelley"));
        Event::new(kind, id.into(), customer, ExportLine { input: 0, line: 2 })
    }

    fn money(code: &str) -> Option<Money> {
        Some(Money {
            amount_cents: 6000,
            currency: Currency::from_code(code).unwrap(),
        })
    }

    const WHO: &str = "wid=b850ac4wer56hy1b5ef41&email=shelley%40example.com&uid=cbdemo_shelley";

    #[test]
    fn events_are_sent_as_in_the_founding_document() {
        let mut sale = shelley(Kind::Sale, "9856044");
        sale.money = money("USD");
        sale.plan = Some("monthly-starter".into());
        assert_eq!(
            body(&sale, &settings().manner()),
            format!("{WHO}&event_id=9856044&amount=6000&plan=monthly-starter")
        );

        let mut refund = shelley(Kind::Refund, "4567044");
        refund.money = money("USD");
        refund.sale_event_id = Some("9856044".into());
        assert_eq!(
            body(&refund, &settings().manner()),
            format!("{WHO}&event_id=4567044&sale_event_id=9856044&amount=6000")
        );

        let cancellation = shelley(Kind::Cancellation, "sub_1_cancelled");
        assert_eq!(body(&cancellation, &settings().manner()), WHO);
    }

    #[test]
    fn an_import_names_date_and_foreign_currency_and_mails_nobody() {
        let mut sale = shelley(Kind::Sale, "1");
        sale.money = money("GBP");
        sale.created_at = Some("2026-04-10T03:48:02Z".parse().unwrap());
        let quiet = ClientSettings {
            should_notify_promoters: false,
            ..settings()
        };
        assert_eq!(
            body(&sale, &quiet.manner()),
            format!(
                "{WHO}&event_id=1&amount=6000&currency=GBP\
                 &created_at=2026-04-10T03%3A48%3A02Z&skip_email_notification=true"
            )
        );
    }

    #[test]
    fn what_few_events_have_is_sent_where_the_export_has_it() {
        let mut sale = shelley(Kind::Sale, "1");
        sale.money = money("USD");
        sale.plan = Some("yearly".into());
        sale.set_details(Details {
            mrr_cents: Some(500),
            promo_code: Some("NORA10".into()),
            quantity: Some(3),
            first_name: Some("Shelley".into()),
            last_name: Some("Stern".into()),
            ..Details::default()
        });
        assert_eq!(
            body(&sale, &settings().manner()),
            format!(
                "{WHO}&event_id=1&amount=6000&quantity=3&plan=yearly&mrr=500&promo_code=NORA10\
                 &first_name=Shelley&last_name=Stern"
            )
        );
    }

    #[test]
    fn a_call_has_no_parameter_that_the_papers_do_not_have_for_it() {
        let told = |kind: Kind| {
            let mut event = shelley(kind, "1");
            event.money = kind.has_amount().then(|| money("GBP")).flatten();
            event.sale_event_id = Some("2".into());
            event.plan = Some("yearly".into());
            event.created_at = Some("2026-04-10T03:48:02Z".parse().unwrap());
            event.set_details(Details {
                mrr_cents: Some(500),
                promo_code: Some("NORA10".into()),
                quantity: Some(3),
                first_name: Some("Shelley".into()),
                last_name: Some("Stern".into()),
                ref_id: Some("nora".into()),
                tid: Some("t-1".into()),
                ..Details::default()
            });
            let body = body(&event, &settings().manner());
            let names = form_urlencoded::parse(body.as_bytes()).map(|(name, _)| name.into_owned());
            names.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(
            told(Kind::Sale),
            "wid email uid event_id amount currency quantity plan mrr promo_code first_name \
             last_name ref_id tid created_at"
        );
        assert_eq!(
            told(Kind::Refund),
            "wid email uid event_id sale_event_id amount currency quantity created_at"
        );
        assert_eq!(told(Kind::Cancellation), "wid email uid created_at");
        assert_eq!(
            told(Kind::Signup),
            "wid email uid first_name last_name ref_id tid created_at"
        );
    }

    #[test]
    fn a_cancellation_carries_its_id_only_where_the_account_takes_one() {
        let newer = ClientSettings {
            has_cancellation_event_id: true,
            ..settings()
        };
        let cancellation = shelley(Kind::Cancellation, "sub_1_cancelled");
        assert_eq!(
            body(&cancellation, &newer.manner()),
            format!("{WHO}&event_id=sub_1_cancelled")
        );
    }
}
