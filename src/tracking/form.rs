//! Builds the form of an event that is sent, and the one that was sent before.

use super::{ClientSettings, CommissionOf, Version, new_commission, v1, v2};
use crate::event::{Carried, Currency, Decimals, Event, Kind};

/// Describes how events are written: the settings that affect their requests.
#[derive(Clone, Copy, Debug)]
pub(super) struct FormSettings<'s> {
    pub(super) version: Version,
    pub(super) account_id: &'s str,
    pub(super) account_currency: Currency,
    pub(super) decimals: &'s Decimals,
    pub(super) should_notify_promoters: bool,
    pub(super) has_cancellation_event_id: bool,
}

impl ClientSettings {
    pub(super) fn manner(&self) -> FormSettings<'_> {
        FormSettings {
            version: self.version,
            account_id: &self.account_id,
            account_currency: self.account_currency,
            decimals: &self.decimals,
            should_notify_promoters: self.should_notify_promoters,
            has_cancellation_event_id: self.has_cancellation_event_id
                && self.version.may_take_cancellation_event_id(),
        }
    }
}

/// Holds what is sent of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    pub(super) body: String,
    carried: Carried,
    amount: Option<i64>,
    call: Call,
}

/// Names the call by which an event is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// The tracking call of its kind.
    Track,
    /// A commission of a referral (version 2).
    NewCommission,
}

impl Form {
    /// Returns the call by which it is sent.
    pub(super) fn call(&self) -> Call {
        self.call
    }

    /// Returns `true` if the same request may be sent twice: the API recognises a second one by its id (sign-ups by
    /// their lead), except cancellations that are sent without an id, and sales that are sent as commissions.
    pub fn is_repeatable(&self, kind: Kind) -> bool {
        match self.call {
            Call::Track => kind != Kind::Cancellation || self.carried.has_event_id,
            Call::NewCommission => false,
        }
    }

    /// Returns what it carries, for comparison with a later request.
    pub fn carried(&self) -> Carried {
        self.carried
    }

    /// Returns the amount in it, in the unit that the account takes.
    pub fn amount(&self) -> Option<i64> {
        self.amount
    }
}

impl FormSettings<'_> {
    /// Returns the form of an event. The same event always gives the same bytes.
    pub(super) fn form(&self, event: &Event) -> Form {
        let body = match self.version {
            Version::V1 => v1::body(event, self),
            Version::V2 => v2::body(event, self),
        };
        let currency = event
            .money
            .map(|money| money.currency)
            .filter(|currency| *currency != self.account_currency);
        let has_event_id = v1::has_event_id(event.kind, self.has_cancellation_event_id);
        let carried = Carried::new(body.as_bytes(), has_event_id, currency);
        let amount = event.money.map(|money| self.decimals.sent(money));
        Form {
            body,
            carried,
            amount,
            call: Call::Track,
        }
    }

    /// Returns the form of a sale as a commission; `None` if it can't be one.
    pub(super) fn commission_form(&self, sale: &Event, of: CommissionOf) -> Option<Form> {
        let (body, carried) = new_commission::body(sale, of, self)?;
        Some(Form {
            body,
            carried,
            amount: sale.money.map(|money| self.decimals.sent(money)),
            call: Call::NewCommission,
        })
    }

    /// Returns the form in which an event was sent before, whatever the settings are now; `None` if it can't
    /// be made any more.
    pub(super) fn form_as_before(&self, event: &Event, before: &Carried) -> Option<Form> {
        let currency = event.money.map(|money| money.currency);
        let all_decimals = self.decimals.with_others(currency);
        all_decimals
            .iter()
            .find_map(|decimals| FormSettings { decimals, ..*self }.form_with(event, before))
    }

    /// Returns the form in which an event was sent before, if its amount was in the unit that is set now.
    fn form_with(&self, event: &Event, before: &Carried) -> Option<Form> {
        let mut manner = *self;
        if event.kind == Kind::Cancellation {
            manner.has_cancellation_event_id = before.has_event_id;
        }
        if let Some(money) = event.money {
            let mut others = ["USD", "EUR"]
                .into_iter()
                .filter_map(Currency::from_code)
                .filter(|other| *other != money.currency);
            manner.account_currency = match before.currency {
                None => money.currency,
                Some(_) => others.next()?,
            };
        }
        let forms =
            [self.should_notify_promoters, !self.should_notify_promoters].map(|notify_promoters| {
                let manner = FormSettings {
                    should_notify_promoters: notify_promoters,
                    ..manner
                };
                manner.form(event)
            });
        forms.into_iter().find(|form| form.carried == *before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Customer, ExportLine, Money};

    #[test]
    fn an_events_old_form_is_found_again_whatever_the_settings_are_now() {
        let currency = |code| Currency::from_code(code).unwrap();
        for version in [Version::V1, Version::V2] {
            for kind in Kind::ALL {
                for money in ["USD", "EUR", "GBP"] {
                    let customer = Customer::new(Some("ada@example.com"), Some("c1"));
                    let source = ExportLine { input: 0, line: 2 };
                    let mut event = Event::new(kind, "x1".into(), customer, source);
                    event.money = kind.has_amount().then(|| Money {
                        amount_cents: 2000,
                        currency: currency(money),
                    });
                    let decimals =
                        Decimals::default().with_others(event.money.map(|money| money.currency));
                    let mut manners = Vec::new();
                    for account_currency in ["USD", "EUR", "GBP"].map(currency) {
                        for flags in 0..4 {
                            manners.push(FormSettings {
                                version,
                                account_id: "w",
                                account_currency,
                                decimals: &decimals[flags % decimals.len()],
                                should_notify_promoters: flags & 1 == 0,
                                has_cancellation_event_id: flags & 2 == 0 && version == Version::V1,
                            });
                        }
                    }
                    for before in &manners {
                        let before = before.form(&event);
                        for now in &manners {
                            let again = now.form_as_before(&event, &before.carried);
                            assert_eq!(again.as_ref(), Some(&before), "{version} {kind} {now:?}");
                        }
                        let mut changed = event.clone();
                        changed.customer = Customer::new(Some("eve@example.com"), None);
                        let again = manners[0].form_as_before(&changed, &before.carried);
                        assert_eq!(again, None);
                    }
                }
            }
        }
    }
}
