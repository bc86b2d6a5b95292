//! What the plan compares with.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::columns::{self, Columns, Word, impossible};
use super::{EventRow, JournalError, JournalReader, Outcome};
use crate::event::packed::{Currencies, Pages, Reader, write_number};
use crate::event::{
    Conversion, ConvertedRefunds, Customer, CustomerRef, Essence, EventKey, KeyMap, Kind, Text,
};

/// What the plan compares with: every event of the journal.
#[derive(Debug, Default)]
pub struct Known {
    /// By the key of the `event_id`.
    pub events: KnownEvents,
    /// What the API refused before it was mended, by the key of the `event_id`.
    pub refused: KeyMap<Vec<Essence>>,
    /// The refunds, by the key of the sale that they undo.
    pub refunds: KeyMap<KnownRefunds>,
    /// How amounts were converted, by the key of their event.
    pub conversions: KeyMap<Conversion>,
    /// The converted refunds, by the key of the sale that they undo.
    pub converted_refunds: KeyMap<ConvertedRefunds>,
    /// The sale of each wanted refund that has one, by the key of the refund.
    pub sales_of_refunds: KeyMap<Text>,
    /// The sales of each wanted reference, by its key.
    pub sales_by_reference: KeyMap<Vec<Text>>,
    /// The sales of wanted customers.
    pub sales: Vec<KnownSale>,
    /// Their places in `sales`, by the customer's email in lower case.
    pub sales_by_email: HashMap<Text, Vec<usize>>,
    /// Likewise by the customer's uid.
    pub sales_by_uid: HashMap<Text, Vec<usize>>,
}

/// What of the journal is worth its memory for one job: what its refunds may need to find their sales.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Refunds whose sale their export does not have.
    pub refunds: HashSet<EventKey>,
    /// What they name as their sale.
    pub references: HashSet<EventKey>,
    /// The emails of their customers, in lower case.
    pub emails: HashSet<Text>,
    /// The uids of their customers.
    pub uids: HashSet<Text>,
}

/// A sale that the journal has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownSale {
    /// Its id.
    pub event_id: Text,
    /// Whose it is.
    pub customer: Customer,
    /// When it was made.
    pub created_at: Option<Timestamp>,
}

impl Known {
    fn add_wanted(&mut self, key: EventKey, event: &Columns<'_>, wanted: &Wanted) {
        match event.kind() {
            Kind::Refund if wanted.refunds.contains(&key) => {
                if let Some(sale) = event.sale_event_id() {
                    self.sales_of_refunds.insert(key, Text::new(sale));
                }
            }
            Kind::Sale if !wanted.refunds.is_empty() => self.add_sale(event, wanted),
            _ => {}
        }
    }

    fn add_sale(&mut self, sale: &Columns<'_>, wanted: &Wanted) {
        if let Some(reference) = sale.reference().map(EventKey::of)
            && wanted.references.contains(&reference)
        {
            let sales = self.sales_by_reference.entry(reference).or_default();
            sales.push(Text::new(sale.event_id()));
        }
        let customer = sale.customer();
        let email = customer.email_folded();
        let email = email.filter(|email| wanted.emails.contains(email));
        let uid = customer.uid.filter(|uid| wanted.uids.contains(*uid));
        if email.is_none() && uid.is_none() {
            return;
        }
        let place = self.sales.len();
        if let Some(email) = email {
            self.sales_by_email.entry(email).or_default().push(place);
        }
        if let Some(uid) = uid {
            self.sales_by_uid
                .entry(Text::new(uid))
                .or_default()
                .push(place);
        }
        self.sales.push(KnownSale {
            event_id: Text::new(sale.event_id()),
            customer: customer.to_customer(),
            created_at: sale.created_at(),
        });
    }

    /// The sales of a wanted customer: all that share the email or the uid.
    pub fn sales_of(&self, customer: CustomerRef<'_>) -> impl Iterator<Item = &KnownSale> {
        let by_email = customer.email_folded();
        let by_email = by_email.and_then(|email| self.sales_by_email.get(&email));
        let by_uid = customer.uid;
        let by_uid = by_uid.and_then(|uid| self.sales_by_uid.get(uid));
        let places = [by_email, by_uid].into_iter().flatten().flatten();
        places.filter_map(|&place| self.sales.get(place))
    }
}

/// An event that the journal has.
#[derive(Clone, Copy, Debug)]
pub struct KnownEvent {
    /// Its number.
    pub row: EventRow,
    /// What another reading of it must agree in.
    pub essence: Essence,
    /// What came of it; `None` where it is not settled.
    pub outcome: Option<Outcome>,
}

impl KnownEvent {
    /// Whether it has an outcome, and so is not to be sent again by itself.
    pub fn is_settled(&self) -> bool {
        self.outcome.is_some()
    }
}

/// The events that the journal has, by the key of their `event_id`: each as a record of few bytes,
/// since a journal may have many more of them than a job.
#[derive(Debug, Default)]
pub struct KnownEvents {
    /// Where the record of each begins.
    starts: KeyMap<u64>,
    pages: Pages,
    currencies: Currencies,
    /// The record that is being written.
    record: Vec<u8>,
}

impl KnownEvents {
    /// The event of this key.
    pub fn get(&self, key: EventKey) -> Option<KnownEvent> {
        let start = *self.starts.get(&key)?;
        let mut record = Reader::of(self.pages.at(start));
        Some(KnownEvent {
            row: EventRow(record.number().cast_signed()),
            outcome: match record.byte() {
                NO_OUTCOME => None,
                number => Some(Outcome::ALL[usize::from(number) - 1]),
            },
            essence: Essence::read(&mut record, &self.currencies),
        })
    }

    /// Takes an event in; false where its key is there already.
    pub(super) fn insert(&mut self, key: EventKey, event: KnownEvent) -> bool {
        let Slot::Vacant(slot) = self.starts.entry(key) else {
            return false;
        };
        self.record.clear();
        write_number(&mut self.record, event.row.0.cast_unsigned());
        // `ALL` has them in the order of their declaration.
        let outcome = event.outcome.map(|outcome| outcome as u8 + 1);
        self.record.push(outcome.unwrap_or(NO_OUTCOME));
        event.essence.write(&mut self.record, &mut self.currencies);
        slot.insert(self.pages.add(&self.record));
        true
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }
}

/// Stands in a record for an event that is not settled.
const NO_OUTCOME: u8 = 0;

/// The refunds of one sale that the journal has, whatever came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KnownRefunds {
    /// The sum of their amounts; `i64::MAX` where it does not fit.
    pub cents: i64,
    /// The sum of what was paid back in all; likewise.
    pub gross_cents: i64,
    /// The largest running total among them.
    pub largest_total_cents: Option<i64>,
}

impl JournalReader {
    /// Reads every event once and keeps what a plan needs of it: some 100 bytes each.
    pub fn known(&self) -> Result<Known, JournalError> {
        self.known_for(&Wanted::default())
    }

    /// The same, with what the refunds of a job may need.
    pub fn known_for(&self, wanted: &Wanted) -> Result<Known, JournalError> {
        let sql = format!(
            "SELECT id, key, seal, {}, outcome FROM event ORDER BY id",
            columns::NAMES
        );
        let mut originals = self.originals()?;
        let mended = self.mended()?;
        let gross_kept_from = self.gross_kept_from()?;
        let mut known = Known::default();
        self.each("reading the known events", &sql, [], |row| {
            let outcome: Option<Word<Outcome>> = row.get(3 + columns::COUNT)?;
            let (id, key, columns) = Columns::read_sealed(row, 0)?;
            let mut essence = columns.essence();
            if mended.contains(&id) {
                let original = originals.remove(&id).map(|original| original.money);
                essence.money = original.or(essence.money);
                known.refused.entry(key).or_default().push(essence);
                return Ok(());
            }
            if let Some((original, sent)) = originals.remove(&id).zip(essence.money) {
                essence.money = Some(original.money);
                known.add_conversion(key, &essence, Conversion { original, sent });
            }
            essence.gross_is_unknown = id.0 < gross_kept_from;
            known.add_wanted(key, &columns, wanted);
            let event = KnownEvent {
                row: id,
                essence,
                outcome: outcome.map(|word| word.0),
            };
            if !known.events.insert(key, event) {
                return Err(impossible(1, format!("event {} is there twice", id.0)));
            }
            if let (Kind::Refund, Some(sale)) = (essence.kind, essence.sale) {
                let refunds = known.refunds.entry(sale).or_default();
                let cents = essence.money.map_or(0, |money| money.amount_cents);
                refunds.cents = refunds.cents.saturating_add(cents);
                let paid = essence.paid_cents().unwrap_or(0);
                refunds.gross_cents = refunds.gross_cents.saturating_add(paid);
                refunds.largest_total_cents =
                    refunds.largest_total_cents.max(essence.refund_total_cents);
            }
            Ok(())
        })?;
        match originals.is_empty() {
            true => Ok(known),
            false => Err(JournalError::damaged(
                &self.path,
                "an amount was converted whose event is missing",
            )),
        }
    }

    /// The first event whose `gross_cents` says something where it is empty: that the amount is all.
    fn gross_kept_from(&self) -> Result<i64, JournalError> {
        let sql = "SELECT gross_kept_from FROM account WHERE id = 1";
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("reading its account", error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Currency, Event, Money, Source};

    fn known(n: u64) -> (EventKey, KnownEvent) {
        let customer = Customer::new(Some(&format!("user{n}@example.com")), Some("cus_1"));
        let id = Text::from(format!("in_{n}"));
        let mut event = Event::new(Kind::Sale, id, customer, Source { input: 0, line: 2 });
        event.money = Some(Money {
            amount_cents: 800 + n.cast_signed(),
            currency: Currency::from_code("USD").unwrap(),
        });
        let outcomes = Outcome::ALL.iter().copied().map(Some).chain([None]);
        let known = KnownEvent {
            row: EventRow(1 + n.cast_signed()),
            essence: event.essence(),
            outcome: outcomes.cycle().nth(n as usize % 6).flatten(),
        };
        (event.key(), known)
    }

    #[test]
    fn what_is_known_of_events_is_what_was_taken_in_with_every_outcome() {
        let mut events = KnownEvents::default();
        for (key, event) in (0..1000).map(known) {
            assert!(events.insert(key, event));
            assert!(!events.insert(key, event), "twice");
        }
        for (key, event) in (0..1000).map(known) {
            let found = events.get(key).unwrap();
            assert_eq!(
                (found.row, found.essence, found.outcome),
                (event.row, event.essence, event.outcome)
            );
        }
        assert_eq!(events.len(), 1000);
        assert!(events.get(known(1000).0).is_none());
    }
}
