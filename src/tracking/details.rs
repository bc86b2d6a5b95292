//! Lists which details of an event are sent, in which call, and how each version writes them.

use super::Version;
use crate::event::{Decimals, DetailValue, Event, Kind, Money, detail_place};

/// Names a parameter that one version has in these calls, in the order of its requests.
struct SentParameter {
    /// The parameter: the key of a detail, or `plan`.
    name: &'static str,
    calls: &'static [Kind],
}

const fn sent(name: &'static str, calls: &'static [Kind]) -> SentParameter {
    SentParameter { name, calls }
}

const SALE: &[Kind] = &[Kind::Sale];
const SALE_AND_REFUND: &[Kind] = &[Kind::Sale, Kind::Refund];
const SALE_AND_SIGNUP: &[Kind] = &[Kind::Sale, Kind::Signup];

/// The parameters of version 1, as in the vendor's founding document and its later pages.
const V1: [SentParameter; 8] = [
    sent("quantity", SALE_AND_REFUND),
    sent("plan", SALE),
    sent("mrr", SALE),
    sent("promo_code", SALE),
    sent("first_name", SALE_AND_SIGNUP),
    sent("last_name", SALE_AND_SIGNUP),
    sent("ref_id", SALE_AND_SIGNUP),
    sent("tid", SALE_AND_SIGNUP),
];

/// The parameters of version 2, as in the vendor's OpenAPI file.
const V2: [SentParameter; 6] = [
    sent("quantity", SALE_AND_REFUND),
    sent("plan", SALE),
    sent("mrr", SALE),
    sent("promo_code", SALE),
    sent("tid", SALE_AND_SIGNUP),
    sent("ref_id", SALE_AND_SIGNUP),
];

/// Returns the parameters that a request of this version has for the event's details, in their order, with
/// amounts in the minor units of the API.
pub(super) fn sent_details<'e>(
    event: &'e Event,
    version: Version,
    decimals: &Decimals,
) -> Vec<(&'static str, DetailValue<&'e str>)> {
    let parameters: &[SentParameter] = match version {
        Version::V1 => &V1,
        Version::V2 => &V2,
    };
    let of_call = parameters
        .iter()
        .filter(|sent| sent.calls.contains(&event.kind));
    let values = of_call.filter_map(|sent| Some((sent.name, value(event, sent.name, decimals)?)));
    values.collect()
}

fn value<'e>(event: &'e Event, name: &str, decimals: &Decimals) -> Option<DetailValue<&'e str>> {
    if name == "plan" {
        return event.plan.as_deref().map(DetailValue::Text);
    }
    let value = event.details().values()[detail_place(name)];
    Some(match value? {
        DetailValue::Text(text) => DetailValue::Text(text),
        DetailValue::Count(count) => DetailValue::Count(count),
        DetailValue::Cents(amount_cents) => {
            let currency = event.money?.currency;
            let money = Money {
                amount_cents,
                currency,
            };
            DetailValue::Cents(decimals.sent(money))
        }
    })
}
