//! Lists the fields that few events have: what each is called, and what is done with it.
//!
//! A further one is a field of [`Details`] and a row of [`DETAILS`]. Everything that treats all of them alike
//! (packing, joining, storing, hiding, exporting) goes through these two; what else has to know it is the key
//! of profiles (`profile/spec.rs`), the journal's column (a schema) and the requests (`tracking/details.rs`).

use super::{Contradiction, PromoterNames, Text};

/// Holds the fields that few events have; `T` is an owned or a borrowed text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Details<T = Text> {
    /// The provider's id of the subscription that the event belongs to, while its plan is not known.
    pub subscription: Option<T>,
    /// The monthly recurring revenue, in minor units of the currency of [`Event::money`](super::Event::money).
    pub mrr_cents: Option<i64>,
    /// A promoter's coupon; it creates the lead where there is none.
    pub promo_code: Option<T>,
    /// The number of items or subscriptions, where it is not one.
    pub quantity: Option<u32>,
    /// The promoter's referral id, for sign-ups.
    pub ref_id: Option<T>,
    /// The visitor's tracking id, for sign-ups.
    pub tid: Option<T>,
    /// The lead's first name.
    pub first_name: Option<T>,
    /// The lead's last name.
    pub last_name: Option<T>,
    /// The ids of the sales that a held refund may reverse, with spaces between them.
    pub candidates: Option<T>,
    /// The id that a further payment shares with the first one, such as that of their invoice, where it is
    /// sent with an id of its own.
    pub shared_id: Option<T>,
    /// The part of the export's amount beyond the API's minor units, in units of the currency's last decimal:
    /// 9 of 1.239 KWD. A conversion includes it; an amount that is sent unconverted is cut.
    pub rest: Option<u32>,
}

/// Says what is done with one of the [`Details`].
#[derive(Debug)]
pub(crate) struct Detail {
    /// The name: its column in the journal and in the journal's export.
    pub(crate) name: &'static str,
    pub(crate) storage: DetailStorage,
    /// `true` if it is a person's name more often than not, so that a report that is shared hides all of it.
    pub(crate) is_name: bool,
    /// What two readings of one kind of export contradict each other in if they differ here.
    pub(crate) contradiction: Option<Contradiction>,
}

/// Says where one of the [`Details`] is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DetailStorage {
    /// In the plan alone.
    Plan,
    /// In the journal, in all of its versions.
    Journal,
    /// In the journal, in a column that a later version added: its seal covers the name, too.
    LaterJournal,
}

impl Detail {
    /// Returns the name in profiles and in requests, where an amount has no unit.
    pub(crate) fn key(&self) -> &'static str {
        self.name.strip_suffix("_cents").unwrap_or(self.name)
    }
}

/// Returns the place of a detail in [`DETAILS`] by its [`Detail::key`].
pub(crate) fn detail_place(key: &str) -> usize {
    let place = DETAILS.iter().position(|detail| detail.key() == key);
    place.expect("only keys of details are looked up")
}

const fn detail(name: &'static str, storage: DetailStorage) -> Detail {
    Detail {
        name,
        storage,
        is_name: false,
        contradiction: None,
    }
}

/// The number of fields of [`Details`].
pub(crate) const DETAIL_COUNT: usize = 11;

/// What is done with each of the [`Details`], in the order of [`Details::values`]. Those that the journal has
/// always had come in the order in which its seals cover them.
pub(crate) static DETAILS: [Detail; DETAIL_COUNT] = [
    detail("subscription", DetailStorage::Plan),
    Detail {
        contradiction: Some(Contradiction::Mrr),
        ..detail("mrr_cents", DetailStorage::Journal)
    },
    Detail {
        is_name: true,
        contradiction: Some(Contradiction::PromoCode),
        ..detail("promo_code", DetailStorage::Journal)
    },
    Detail {
        contradiction: Some(Contradiction::Quantity),
        ..detail("quantity", DetailStorage::Journal)
    },
    Detail {
        is_name: true,
        contradiction: Some(Contradiction::Promoter),
        ..detail("ref_id", DetailStorage::Journal)
    },
    Detail {
        contradiction: Some(Contradiction::Promoter),
        ..detail("tid", DetailStorage::Journal)
    },
    Detail {
        is_name: true,
        ..detail("first_name", DetailStorage::Journal)
    },
    Detail {
        is_name: true,
        ..detail("last_name", DetailStorage::Journal)
    },
    detail("candidates", DetailStorage::Plan),
    detail("shared_id", DetailStorage::LaterJournal),
    detail("rest", DetailStorage::Plan),
];

/// Borrows the value of one of the [`Details`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DetailValue<T> {
    Text(T),
    Count(u32),
    Cents(i64),
}

/// Borrows one of the [`Details`] to change it.
#[derive(Debug)]
pub(crate) enum DetailSlot<'d, T> {
    Text(&'d mut Option<T>),
    Count(&'d mut Option<u32>),
    Cents(&'d mut Option<i64>),
}

impl<T> Details<T> {
    /// The details of the many events that have none.
    pub(crate) const NONE: Self = Details {
        subscription: None,
        mrr_cents: None,
        promo_code: None,
        quantity: None,
        ref_id: None,
        tid: None,
        first_name: None,
        last_name: None,
        candidates: None,
        shared_id: None,
        rest: None,
    };

    /// Returns the value of each field, in the order of [`DETAILS`].
    pub(crate) fn values(&self) -> [Option<DetailValue<&T>>; DETAIL_COUNT] {
        let text = |text| Option::as_ref(text).map(DetailValue::Text);
        let count = |count: Option<u32>| count.map(DetailValue::Count);
        [
            text(&self.subscription),
            self.mrr_cents.map(DetailValue::Cents),
            text(&self.promo_code),
            count(self.quantity),
            text(&self.ref_id),
            text(&self.tid),
            text(&self.first_name),
            text(&self.last_name),
            text(&self.candidates),
            text(&self.shared_id),
            count(self.rest),
        ]
    }

    /// Returns each field to be changed, in the order of [`DETAILS`].
    pub(crate) fn slots(&mut self) -> [DetailSlot<'_, T>; DETAIL_COUNT] {
        use DetailSlot::{Cents, Count, Text};
        [
            Text(&mut self.subscription),
            Cents(&mut self.mrr_cents),
            Text(&mut self.promo_code),
            Count(&mut self.quantity),
            Text(&mut self.ref_id),
            Text(&mut self.tid),
            Text(&mut self.first_name),
            Text(&mut self.last_name),
            Text(&mut self.candidates),
            Text(&mut self.shared_id),
            Count(&mut self.rest),
        ]
    }

    /// Returns the fields of these kinds with what is done with them.
    pub(crate) fn stored(
        &self,
        storage: DetailStorage,
    ) -> impl Iterator<Item = (&'static Detail, Option<DetailValue<&T>>)> {
        let all = DETAILS.iter().zip(self.values());
        all.filter(move |(detail, _)| detail.storage == storage)
    }
}

impl<T: AsRef<str>> Details<T> {
    /// Returns what names the promoter of a sale.
    pub(crate) fn promoter_names(&self) -> PromoterNames<'_> {
        let text = |text| Option::as_ref(text).map(AsRef::<str>::as_ref);
        PromoterNames {
            promo_code: text(&self.promo_code),
            ref_id: text(&self.ref_id),
            tid: text(&self.tid),
        }
    }

    /// Returns the details with texts of their own.
    pub(crate) fn to_owned_texts(&self) -> Details {
        let mut owned = Details::NONE;
        for (slot, value) in owned.slots().into_iter().zip(self.values()) {
            slot.set(value.map(|value| value.map(|text| Text::new(text))));
        }
        owned
    }
}

impl Details {
    /// Returns the details with borrowed texts.
    pub(crate) fn borrowed(&self) -> Details<&str> {
        let mut borrowed = Details::NONE;
        for (slot, value) in borrowed.slots().into_iter().zip(self.values()) {
            slot.set(value.map(|value| value.map(Text::as_str)));
        }
        borrowed
    }

    /// Fills in what these lack from others.
    pub(crate) fn complete_from(&mut self, others: &Details) {
        for (slot, value) in self.slots().into_iter().zip(others.values()) {
            if slot.is_empty() {
                slot.set(value.map(|value| value.map(Text::clone)));
            }
        }
    }
}

impl<T> Default for Details<T> {
    fn default() -> Self {
        Details::NONE
    }
}

impl<T> DetailValue<T> {
    /// Returns the value with another text.
    pub(crate) fn map<U>(self, text: impl FnOnce(T) -> U) -> DetailValue<U> {
        match self {
            DetailValue::Text(value) => DetailValue::Text(text(value)),
            DetailValue::Count(count) => DetailValue::Count(count),
            DetailValue::Cents(cents) => DetailValue::Cents(cents),
        }
    }
}

impl<T: std::fmt::Display> std::fmt::Display for DetailValue<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            DetailValue::Text(text) => text.fmt(f),
            DetailValue::Count(count) => count.fmt(f),
            DetailValue::Cents(cents) => cents.fmt(f),
        }
    }
}

impl<T> DetailSlot<'_, T> {
    fn is_empty(&self) -> bool {
        match self {
            DetailSlot::Text(text) => text.is_none(),
            DetailSlot::Count(count) => count.is_none(),
            DetailSlot::Cents(cents) => cents.is_none(),
        }
    }

    /// Replaces the value.
    ///
    /// # Panics
    ///
    /// If the value is of another type: it is the value of another field then.
    pub(crate) fn set(self, value: Option<DetailValue<T>>) {
        match (self, value) {
            (DetailSlot::Text(slot), Some(DetailValue::Text(text))) => *slot = Some(text),
            (DetailSlot::Count(slot), Some(DetailValue::Count(count))) => *slot = Some(count),
            (DetailSlot::Cents(slot), Some(DetailValue::Cents(cents))) => *slot = Some(cents),
            (DetailSlot::Text(slot), None) => *slot = None,
            (DetailSlot::Count(slot), None) => *slot = None,
            (DetailSlot::Cents(slot), None) => *slot = None,
            _ => panic!("a detail was given the value of another one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field, its row, its value and its slot stand at one index.
    #[test]
    fn every_list_of_details_has_the_same_order() {
        for (index, detail) in DETAILS.iter().enumerate() {
            let mut details: Details = Details::default();
            let value = match &details.slots()[index] {
                DetailSlot::Text(_) => DetailValue::Text(Text::new("text")),
                DetailSlot::Count(_) => DetailValue::Count(7),
                DetailSlot::Cents(_) => DetailValue::Cents(-7),
            };
            let slot = details.slots().into_iter().nth(index).unwrap();
            slot.set(Some(value.clone()));
            let set = details.values().map(|value| value.is_some());
            assert_eq!(set.iter().filter(|is_set| **is_set).count(), 1);
            assert!(set[index], "{}", detail.name);
            let shown = format!("{details:?}");
            assert!(
                shown.contains(&format!("{}: Some(", detail.name)),
                "{shown}"
            );
            let read = details.values()[index].map(|value| value.map(Text::clone));
            assert_eq!(read, Some(value));
        }
    }

    #[test]
    fn details_are_completed_and_never_replaced() {
        let mut details = Details {
            quantity: Some(2),
            ..Details::default()
        };
        details.complete_from(&Details {
            quantity: Some(3),
            promo_code: Some("NORA10".into()),
            ..Details::default()
        });
        assert_eq!(details.quantity, Some(2));
        assert_eq!(details.promo_code.as_deref(), Some("NORA10"));
    }
}
