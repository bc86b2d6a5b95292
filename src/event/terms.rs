//! Holds what of an event decides a promoter or a commission beside its amount.

use std::collections::HashMap;

use super::packed::{RecordReader, write_number, write_signed};
use super::{Contradiction, DETAILS, Detail, DetailSlot, DetailValue, Details, EventRef, Text};

/// Holds what of an event decides a promoter or a commission beside its amount. Two readings of one kind of
/// export that both have one of these, and differ in it, are not both true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// The billing provider's plan id.
    pub plan: Option<Text>,
    /// Those of the details in which readings can contradict each other.
    pub(crate) details: Details,
}

impl Terms {
    /// Returns the terms of an event with this plan and these details. A converted amount has no recurring
    /// revenue that could be compared: rates may change.
    pub(crate) fn new(plan: Option<Text>, mut details: Details, is_converted: bool) -> Self {
        if is_converted {
            details.mrr_cents = None;
        }
        for (detail, slot) in DETAILS.iter().zip(details.slots()) {
            if detail.contradiction.is_none() {
                slot.set(None);
            }
        }
        Terms { plan, details }
    }

    /// Returns the first field that both have and differ in.
    pub(crate) fn difference(&self, other: &Terms) -> Option<Contradiction> {
        fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_some_and(|(one, other)| one != other)
        }
        if differ(self.plan.as_ref(), other.plan.as_ref()) {
            return Some(Contradiction::Plan);
        }
        let both = self
            .details
            .values()
            .into_iter()
            .zip(other.details.values());
        let different = both.zip(&DETAILS).filter_map(|((mine, theirs), detail)| {
            detail.contradiction.filter(|_| differ(mine, theirs))
        });
        different.min()
    }

    /// Returns the value of the field that a difference is about, as a report has it, with its column there.
    pub(crate) fn field(&self, of: Contradiction) -> Option<(&'static str, String)> {
        if of == Contradiction::Plan {
            return Some(("plan", self.plan.as_ref()?.to_string()));
        }
        let mut all = DETAILS.iter().zip(self.details.values());
        all.find_map(|(detail, value)| {
            let value = value.filter(|_| detail.contradiction == Some(of))?;
            Some((detail.name, value.to_string()))
        })
    }

    /// Appends the terms to a record.
    pub(crate) fn write(&self, record: &mut Vec<u8>, names: &mut TermNames) {
        let plan = self.plan.as_ref().map(DetailValue::Text);
        let compared = DETAILS
            .iter()
            .zip(self.details.values())
            .filter(|(detail, _)| is_compared(detail));
        let values = std::iter::once(plan).chain(compared.map(|(_, value)| value));
        let has_at = record.len();
        record.push(0);
        for (bit, value) in (0..).zip(values) {
            record[has_at] |= u8::from(value.is_some()) << bit;
            match value {
                None => {}
                Some(DetailValue::Text(text)) => write_number(record, names.number(text)),
                Some(DetailValue::Count(count)) => write_number(record, count.into()),
                Some(DetailValue::Cents(cents)) => write_signed(record, cents),
            }
        }
    }

    /// Reads terms back from a record.
    pub(crate) fn read(from: &mut RecordReader<'_>, names: &TermNames) -> Self {
        let has = from.byte();
        let mut terms = Terms::default();
        let compared = DETAILS
            .iter()
            .zip(terms.details.slots())
            .filter(|(detail, _)| is_compared(detail));
        let plan = DetailSlot::Text(&mut terms.plan);
        let slots = std::iter::once(plan).chain(compared.map(|(_, slot)| slot));
        for (_, slot) in (0..).zip(slots).filter(|(bit, _)| has & 1 << bit != 0) {
            match slot {
                DetailSlot::Text(text) => *text = names.texts.get(from.number() as usize).cloned(),
                DetailSlot::Count(count) => *count = u32::try_from(from.number()).ok(),
                DetailSlot::Cents(cents) => *cents = Some(from.signed()),
            }
        }
        terms
    }
}

fn is_compared(detail: &Detail) -> bool {
    detail.contradiction.is_some()
}

impl EventRef<'_> {
    /// Returns the terms of the event.
    pub(crate) fn terms(&self) -> Terms {
        let is_converted = self.original_money().is_some();
        Terms::new(self.plan.map(Text::new), self.details(), is_converted)
    }
}

/// Holds the texts of records, each of which names one by a number: most are those of few plans and promoters.
#[derive(Clone, Debug, Default)]
pub(crate) struct TermNames {
    texts: Vec<Text>,
    numbers: HashMap<Text, u64>,
}

impl TermNames {
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
