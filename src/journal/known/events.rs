//! Keeps the events of the journal in memory, packed.

use std::collections::hash_map::Entry as Slot;

use super::super::{EventRow, Outcome};
use crate::event::packed::{Currencies, Pages, RecordReader, write_number};
use crate::event::{Corrected, Essence, EventKey, KeyMap, Kind, TermNames, Terms};

/// Describes an event that the journal has.
#[derive(Clone, Copy, Debug)]
pub struct KnownEvent {
    /// The number of the event.
    pub row: EventRow,
    /// The part in which another reading of it must agree.
    pub essence: Essence,
    /// The outcome of the event; `None` if it is not settled.
    pub outcome: Option<Outcome>,
    /// The index of its profile among those of the journal, if that is known.
    pub(super) profile: Option<usize>,
}

impl KnownEvent {
    /// Returns `true` if it has an outcome, so that it is not sent again by itself.
    pub fn is_settled(&self) -> bool {
        self.outcome.is_some()
    }
}

/// Holds the events that the journal has, by the keys of their ids. Each is a record of few bytes, since a
/// journal may have many more of them than a job.
#[derive(Debug, Default)]
pub struct KnownEvents {
    /// The place where the record of each event begins.
    starts: KeyMap<u64>,
    /// The content of some events after their corrections.
    corrected: KeyMap<Corrected>,
    pages: Pages,
    currencies: Currencies,
    names: TermNames,
    /// The record that is being written.
    record: Vec<u8>,
}

impl KnownEvents {
    /// Returns the event with this key.
    pub fn get(&self, key: EventKey) -> Option<KnownEvent> {
        self.read(key).map(|(known, _)| known)
    }

    /// Returns the terms of the event with this key.
    pub(crate) fn terms(&self, key: EventKey) -> Option<Terms> {
        let (_, mut rest) = self.read(key)?;
        Some(Terms::read(&mut rest, &self.names))
    }

    /// Returns the event with this key, and the rest of its record.
    fn read(&self, key: EventKey) -> Option<(KnownEvent, RecordReader<'_>)> {
        let start = *self.starts.get(&key)?;
        let mut record = RecordReader::new(self.pages.at(start));
        let mut known = KnownEvent {
            row: EventRow(record.number().cast_signed()),
            outcome: match record.byte() {
                NO_OUTCOME => None,
                number => Some(Outcome::ALL[usize::from(number) - 1]),
            },
            profile: (record.number() as usize).checked_sub(1),
            essence: Essence::read(&mut record, &self.currencies),
        };
        if let Some(corrected) = self.corrected.get(&key) {
            known.essence = corrected.applied_to(&known.essence);
        }
        Some((known, record))
    }

    /// Adds an event with its terms; returns `false` if its key is there already.
    pub(super) fn insert(&mut self, key: EventKey, event: KnownEvent, terms: &Terms) -> bool {
        let Slot::Vacant(slot) = self.starts.entry(key) else {
            return false;
        };
        self.record.clear();
        write_number(&mut self.record, event.row.0.cast_unsigned());
        // `ALL` has them in the order of their declaration.
        let outcome = event.outcome.map(|outcome| outcome as u8 + 1);
        self.record.push(outcome.unwrap_or(NO_OUTCOME));
        let profile = event.profile.map_or(0, |profile| profile as u64 + 1);
        write_number(&mut self.record, profile);
        event.essence.write(&mut self.record, &mut self.currencies);
        terms.write(&mut self.record, &mut self.names);
        slot.insert(self.pages.add(&self.record));
        true
    }

    /// Adds a correction of an event; returns `false` if that event is not there.
    pub(super) fn correct(
        &mut self,
        base: EventKey,
        kind: Kind,
        amount_cents: i64,
        paid_cents: i64,
    ) -> bool {
        let Some(known) = self.get(base) else {
            return false;
        };
        let corrected = self.corrected.entry(base).or_default();
        corrected.add(known.essence.kind, kind, amount_cents, paid_cents);
        true
    }

    /// Returns how many events there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns `true` if there are no events.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }
}

/// The number in a record for an event that is not settled.
const NO_OUTCOME: u8 = 0;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Currency, Customer, Details, Event, ExportLine, Kind, Money, Text};

    fn known(n: u64) -> (EventKey, KnownEvent) {
        let customer = Customer::new(Some(&format!("user{n}@example.com")), Some("cus_1"));
        let id = Text::from(format!("in_{n}"));
        let mut event = Event::new(Kind::Sale, id, customer, ExportLine { input: 0, line: 2 });
        event.money = Some(Money {
            amount_cents: 800 + n.cast_signed(),
            currency: Currency::from_code("USD").unwrap(),
        });
        let outcomes = Outcome::ALL.iter().copied().map(Some).chain([None]);
        let known = KnownEvent {
            row: EventRow(1 + n.cast_signed()),
            essence: event.essence(),
            outcome: outcomes.cycle().nth(n as usize % 6).flatten(),
            profile: (n as usize % 3).checked_sub(1),
        };
        (event.key(), known)
    }

    #[test]
    fn what_is_known_of_events_is_what_was_taken_in_with_every_outcome() {
        let mut events = KnownEvents::default();
        let terms = |n: u64| {
            let plan = n
                .is_multiple_of(2)
                .then(|| Text::from(format!("plan {}", n % 7)));
            let details = Details {
                ref_id: n.is_multiple_of(3).then(|| Text::from("ada")),
                tid: n.is_multiple_of(5).then(|| Text::from(format!("t{n}"))),
                quantity: n.is_multiple_of(4).then_some(n as u32),
                mrr_cents: n.is_multiple_of(6).then_some(-n.cast_signed()),
                ..Details::default()
            };
            Terms::new(plan, details, false)
        };
        for (n, (key, event)) in (0..1000).map(|n| (n, known(n))) {
            assert!(events.insert(key, event, &terms(n)));
            assert!(!events.insert(key, event, &terms(n)), "twice");
        }
        for (n, (key, event)) in (0..1000).map(|n| (n, known(n))) {
            assert_eq!(events.terms(key), Some(terms(n)));
            let found = events.get(key).unwrap();
            assert_eq!(
                (found.row, found.essence, found.outcome, found.profile),
                (event.row, event.essence, event.outcome, event.profile)
            );
        }
        assert_eq!(events.len(), 1000);
        assert!(events.get(known(1000).0).is_none());
    }
}
