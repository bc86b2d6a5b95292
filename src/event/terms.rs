//! Holds what of an event decides a promoter or a commission beside its amount.

use std::collections::HashMap;

use super::packed::{Reader, write_number, write_signed};
use super::{Contradiction, EventRef, Text};

/// Holds what of an event decides a promoter or a commission beside its amount. Two readings of one kind of
/// export that both have one of these, and differ in it, are not both true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The billing provider's plan id.
    pub plan: Option<Text>,
    /// The promoter's coupon.
    pub promo_code: Option<Text>,
    /// The promoter's referral id.
    pub ref_id: Option<Text>,
    /// The visitor's tracking id.
    pub tid: Option<Text>,
    /// The number of items or subscriptions.
    pub quantity: Option<u32>,
    /// The monthly recurring revenue, in minor units of the event's currency.
    pub mrr_cents: Option<i64>,
}

impl Terms {
    /// Returns the first field that both have and differ in.
    pub(crate) fn difference(&self, other: &Terms) -> Option<Contradiction> {
        fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        if differ(self.plan.as_ref(), other.plan.as_ref()) {
            Some(Contradiction::Plan)
        } else if differ(self.promo_code.as_ref(), other.promo_code.as_ref()) {
            Some(Contradiction::PromoCode)
        } else if differ(self.ref_id.as_ref(), other.ref_id.as_ref())
            || differ(self.tid.as_ref(), other.tid.as_ref())
        {
            Some(Contradiction::Promoter)
        } else if differ(self.quantity.as_ref(), other.quantity.as_ref()) {
            Some(Contradiction::Quantity)
        } else if differ(self.mrr_cents.as_ref(), other.mrr_cents.as_ref()) {
            Some(Contradiction::Mrr)
        } else {
            None
        }
    }

    /// Returns the value of the field that a difference is about, as a report has it, with its column there.
    pub(crate) fn field(&self, of: Contradiction) -> Option<(&'static str, String)> {
        let text = |text: &Option<Text>| text.as_ref().map(Text::to_string);
        let (column, value) = match of {
            Contradiction::Plan => ("plan", text(&self.plan)),
            Contradiction::PromoCode => ("promo_code", text(&self.promo_code)),
            Contradiction::Promoter if self.ref_id.is_some() => ("ref_id", text(&self.ref_id)),
            Contradiction::Promoter => ("tid", text(&self.tid)),
            Contradiction::Quantity => ("quantity", self.quantity.map(|it| it.to_string())),
            Contradiction::Mrr => ("mrr_cents", self.mrr_cents.map(|it| it.to_string())),
            _ => return None,
        };
        Some((column, value?))
    }

    /// Appends the terms to a record.
    pub(crate) fn write(&self, record: &mut Vec<u8>, names: &mut Names) {
        let texts = [&self.plan, &self.promo_code, &self.ref_id, &self.tid];
        let has_text = texts.iter().map(|text| text.is_some());
        let has = has_text.chain([self.quantity.is_some(), self.mrr_cents.is_some()]);
        let has = (0..).zip(has);
        record.push(has.fold(0, |all, (bit, is_there)| all | u8::from(is_there) << bit));
        for text in texts.into_iter().flatten() {
            write_number(record, names.number(text));
        }
        if let Some(quantity) = self.quantity {
            write_number(record, u64::from(quantity));
        }
        if let Some(mrr_cents) = self.mrr_cents {
            write_signed(record, mrr_cents);
        }
    }

    /// Reads terms back from a record.
    pub(crate) fn read(from: &mut Reader<'_>, names: &Names) -> Self {
        let has = from.byte();
        let mut text = |bit: u8| {
            let number = from.number_if(has & 1 << bit != 0)?;
            names.texts.get(number).cloned()
        };
        let [plan, promo_code, ref_id, tid] = [0, 1, 2, 3].map(&mut text);
        let quantity = from.number_if(has & 1 << 4 != 0);
        Terms {
            plan,
            promo_code,
            ref_id,
            tid,
            quantity: quantity.and_then(|quantity| u32::try_from(quantity).ok()),
            mrr_cents: from.signed_if(has & 1 << 5 != 0),
        }
    }
}

impl EventRef<'_> {
    /// Returns the terms of the event. A converted amount has no recurring revenue that could be compared:
    /// rates may change.
    pub(crate) fn terms(&self) -> Terms {
        let details = self.details();
        Terms {
            plan: self.plan.map(Text::new),
            promo_code: details.promo_code,
            ref_id: details.ref_id,
            tid: details.tid,
            quantity: details.quantity,
            mrr_cents: details
                .mrr_cents
                .filter(|_| self.original_money().is_none()),
        }
    }
}

/// Holds the texts of records, each of which names one by a number: most are those of few plans and promoters.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    texts: Vec<Text>,
    numbers: HashMap<Text, u64>,
}

impl Names {
    fn number(&mut self, text: &Text) -> u64 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.texts.len() as u64;
        self.texts.push(text.clone());
        self.numbers.insert(text.clone(), number);
        number
    }
}
