//! What the plan compares with.

use std::collections::hash_map::Entry as Slot;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;

use super::columns::{self, Columns, Word, impossible};
use super::{EventRow, JournalError, JournalReader, Outcome};
use crate::event::packed::{Currencies, Pages, Reader, write_number};
use crate::event::{
    Conversion, ConvertedRefunds, Customer, CustomerRef, EmailsOfUid, Essence, Event, EventKey,
    EventRef, KeyMap, Kind, Money, Text,
};
use crate::invisible::is_invisible;

/// What the plan compares with: every event of the journal.
#[derive(Debug, Default)]
pub struct Known {
    /// By the key of the `event_id`.
    pub events: KnownEvents,
    /// The events whose answer settles them and needs attention all the same.
    pub flagged: KeyMap<()>,
    /// What the API refused before it was mended, by the key of the `event_id`.
    pub refused: KeyMap<Vec<Essence>>,
    /// The refunds but for those that were no referrals, by the key of the sale that they undo.
    pub refunds: KeyMap<KnownRefunds>,
    /// Those that were no referrals, likewise, but for the superseded ones.
    pub unreferred_refunds: KeyMap<KnownRefunds>,
    /// The refunds that were no referrals and whose sale was asked again since.
    pub superseded_refunds: KeyMap<()>,
    /// How amounts were converted, by the key of their event.
    pub conversions: KeyMap<Conversion>,
    /// The converted ones of the refunds, by the key of the sale that they undo.
    pub converted_refunds: KeyMap<ConvertedRefunds>,
    /// The converted ones of the refunds that were no referrals.
    pub unreferred_converted_refunds: KeyMap<ConvertedRefunds>,
    /// The sale of each wanted refund that has one, by the key of the refund.
    pub sales_of_refunds: KeyMap<Text>,
    /// The sales of each wanted reference, by its key.
    pub sales_by_reference: KeyMap<Vec<Text>>,
    /// The further payments of a shared id, by its key.
    pub further_payments: KeyMap<Vec<Text>>,
    /// The customers of wanted sales, by the key of the sale.
    pub customers: KeyMap<Customer>,
    /// What was paid back with refunds of which nothing counts, in minor units, by their keys.
    pub counted_nothing: KeyMap<i64>,
    /// Whether earlier runs read any invoices.
    pub has_invoices: bool,
    /// What the wanted invoices say, by their keys.
    pub invoices: KeyMap<Event>,
    /// The plans of wanted subscriptions.
    pub plans: HashMap<Text, Text>,
    /// The uids that are not ids of one customer.
    pub shared_uids: HashSet<Text>,
    /// The emails of wanted uids that come with others than the job has, by the hash of the uid.
    pub emails_of_uids: HashMap<u64, EmailsOfUid>,
    /// The profiles by which events were read.
    profiles: Vec<String>,
    /// The sales of wanted customers.
    pub sales: Vec<KnownSale>,
    /// Their places in `sales`, by the customer's email in lower case.
    pub sales_by_email: HashMap<Text, Vec<usize>>,
    /// Likewise by the customer's uid.
    pub sales_by_uid: HashMap<Text, Vec<usize>>,
}

/// What of the journal is worth its memory for one job: what its payments may go by, and what its
/// refunds may need to find their sales.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Refunds whose sale their export does not have.
    pub refunds: HashSet<EventKey>,
    /// What may be the reference of a sale: ids of payments, and what refunds name as their sale.
    pub references: KeyMap<()>,
    /// Sales whose refunds go out with their customer.
    pub sales: KeyMap<()>,
    /// Invoices that say what the job's payments count.
    pub invoices: KeyMap<()>,
    /// Subscriptions whose plan the job does not say.
    pub subscriptions: HashSet<Text>,
    /// The email of each uid that the job has; nothing for a uid that comes with several. Both are
    /// hashes, as [`Essence::email_and_uid`] has them.
    pub emails_by_uid: HashMap<u64, Option<u64>>,
    /// The emails of the customers of those refunds, in lower case.
    pub emails: HashSet<Text>,
    /// Likewise the uids.
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
        if let Some(shared) = event.shared_id() {
            let further = self.further_payments.entry(EventKey::of(shared));
            further.or_default().push(Text::new(event.event_id()));
        }
        match event.kind() {
            Kind::Refund if wanted.refunds.contains(&key) => {
                if let Some(sale) = event.sale_event_id() {
                    self.sales_of_refunds.insert(key, Text::new(sale));
                }
            }
            Kind::Sale => self.add_sale(key, event, wanted),
            _ => {}
        }
    }

    fn add_sale(&mut self, key: EventKey, sale: &Columns<'_>, wanted: &Wanted) {
        if let Some(reference) = sale.reference().filter(|_| !wanted.references.is_empty()) {
            let reference = EventKey::of(reference);
            if wanted.references.contains_key(&reference) {
                let sales = self.sales_by_reference.entry(reference).or_default();
                sales.push(Text::new(sale.event_id()));
                self.customers.insert(key, sale.customer().to_customer());
            }
        }
        if wanted.sales.contains_key(&key) {
            self.customers.insert(key, sale.customer().to_customer());
        }
        if wanted.emails.is_empty() && wanted.uids.is_empty() {
            return;
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
        self.customers.insert(key, customer.to_customer());
    }

    /// Adds what a refund takes back of its sale.
    fn add_refund(
        &mut self,
        sale: EventKey,
        refund: &Essence,
        conversion: Option<&Conversion>,
        is_unreferred: bool,
    ) {
        let (refunds, converted) = match is_unreferred {
            true => (
                &mut self.unreferred_refunds,
                &mut self.unreferred_converted_refunds,
            ),
            false => (&mut self.refunds, &mut self.converted_refunds),
        };
        let sum = refunds.entry(sale).or_default();
        *sum = sum.with(KnownRefunds::of(refund));
        if let Some(conversion) = conversion {
            let sum = converted.entry(sale).or_default();
            *sum = sum.with(ConvertedRefunds {
                original_cents: conversion.original.money.amount_cents,
                sent_cents: conversion.sent.amount_cents,
            });
        }
    }

    /// Notes the uid of an event where the job has it with another email.
    fn suspect_uid(&mut self, event: &Essence, wanted: &Wanted) {
        if let Some((email, uid)) = event.email_and_uid()
            && event.kind != Kind::Refund
            && let Some(&of_job) = wanted.emails_by_uid.get(&uid)
            && of_job != Some(email)
        {
            self.emails_of_uids.entry(uid).or_default();
        }
    }

    /// Returns the name of the profile by which the event with this key was read first.
    pub fn profile(&self, key: EventKey) -> Option<&str> {
        let profile = self.events.get(key)?.profile?;
        self.profiles.get(profile).map(String::as_str)
    }

    /// Returns the number of the event with this key, where the answer that settled it needs
    /// attention.
    pub fn needing_attention(&self, key: EventKey) -> Option<EventRow> {
        let known = self.events.get(key)?;
        let is_unwell = match known.outcome {
            Some(Outcome::Failed | Outcome::Unconfirmed) => true,
            Some(_) => self.flagged.contains_key(&key),
            None => false,
        };
        is_unwell.then_some(known.row)
    }

    /// Returns the number of a tracked sale of which less counts, as this reading says, than was sent, and
    /// the difference.
    pub fn sent_too_much(&self, sale: EventRef<'_>) -> Option<(EventRow, Money)> {
        let known = self.events.get(sale.key())?;
        let less_cents = sale.essence().counts_less_than(&known.essence)?;
        let is_tracked = matches!(
            known.outcome,
            Some(Outcome::Tracked | Outcome::AlreadyTracked)
        );
        let difference = Money {
            amount_cents: less_cents,
            ..known.essence.money?
        };
        is_tracked.then_some((known.row, difference))
    }

    /// Returns the number of the event with this key, where it is not settled.
    pub fn left_to_send(&self, key: EventKey) -> Option<EventRow> {
        let known = self.events.get(key)?;
        (!known.is_settled()).then_some(known.row)
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
    /// The place of its profile among those of the journal, where that is known.
    profile: Option<usize>,
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
            profile: (record.number() as usize).checked_sub(1),
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
        let profile = event.profile.map_or(0, |profile| profile as u64 + 1);
        write_number(&mut self.record, profile);
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

/// The profiles of events as spans of their numbers: a run records its events one behind the other,
/// and most of them come from few exports.
#[derive(Debug, Default)]
struct ProfilesOfEvents {
    /// The first event of each span, and its profile.
    spans: Vec<(EventRow, Option<usize>)>,
    /// The event that was added last.
    last: Option<EventRow>,
    /// The span that was asked for last.
    at: usize,
}

impl ProfilesOfEvents {
    /// Takes the next event; one of an earlier run, which a later one took over, is known already.
    fn add(&mut self, event: EventRow, profile: Option<usize>) {
        if self.last >= Some(event) {
            return;
        }
        self.last = Some(event);
        let span = self.spans.last();
        if span.is_none_or(|(_, of_span)| *of_span != profile) {
            self.spans.push((event, profile));
        }
    }

    /// Returns the profile of an event. Events are asked for in the order of their numbers.
    fn of(&mut self, event: EventRow) -> Option<usize> {
        let next = |at: usize| self.spans.get(at + 1);
        while next(self.at).is_some_and(|(first, _)| *first <= event) {
            self.at += 1;
        }
        let (first, profile) = self.spans.get(self.at)?;
        profile.filter(|_| *first <= event)
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

impl KnownRefunds {
    fn of(refund: &Essence) -> Self {
        KnownRefunds {
            cents: refund.money.map_or(0, |money| money.amount_cents),
            gross_cents: refund.paid_cents().unwrap_or(0),
            largest_total_cents: refund.refund_total_cents,
        }
    }

    /// Returns these and the others.
    #[must_use]
    pub fn with(self, others: KnownRefunds) -> Self {
        KnownRefunds {
            cents: self.cents.saturating_add(others.cents),
            gross_cents: self.gross_cents.saturating_add(others.gross_cents),
            largest_total_cents: self.largest_total_cents.max(others.largest_total_cents),
        }
    }
}

impl JournalReader {
    /// Reads every event once and keeps what a plan needs of it: some 100 bytes each.
    pub fn known(&self) -> Result<Known, JournalError> {
        self.known_for(Wanted::default)
    }

    /// The same, with what a job may need of it; a new journal is not asked what that is.
    pub fn known_for(&self, wanted: impl FnOnce() -> Wanted) -> Result<Known, JournalError> {
        match self.is_new()? {
            true => Ok(Known::default()),
            false => self.known_of(&wanted()),
        }
    }

    /// Returns whether nothing was ever recorded.
    fn is_new(&self) -> Result<bool, JournalError> {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM run) AND NOT EXISTS (SELECT 1 FROM event)";
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("looking for what it knows", error))
    }

    fn known_of(&self, wanted: &Wanted) -> Result<Known, JournalError> {
        let sql = format!(
            "SELECT id, key, seal, {}, outcome FROM event ORDER BY id",
            columns::NAMES
        );
        let mut originals = self.originals()?;
        let mended = self.mended()?;
        // What was recorded of a sale's refunds before it was asked again is of no account.
        let mut asked_again: KeyMap<EventRow> = KeyMap::default();
        let flags = self.flags()?;
        let gross_kept_from = self.gross_kept_from()?;
        let mut known = Known::default();
        let mut respelt: KeyMap<()> = KeyMap::default();
        let mut profiles = self.profiles_of_events(&mut known.profiles)?;
        self.learned(&mut known, wanted)?;
        self.uncounted(&mut known)?;
        self.shared_uids(&mut known)?;
        self.aliases(&mut known, wanted)?;
        self.each("reading the known events", &sql, [], |row| {
            let outcome: Option<Word<Outcome>> = row.get(3 + columns::COUNT)?;
            let (id, key, columns) = Columns::read_sealed(row, 0)?;
            let mut essence = columns.essence();
            let read_now = key_as_read_now(columns.event_id());
            let key = read_now.unwrap_or(key);
            essence.sale = columns
                .sale_event_id()
                .and_then(key_as_read_now)
                .or(essence.sale);
            let is_unreferred = outcome.as_ref().map(|word| word.0) == Some(Outcome::NonReferral);
            if let Some(&by) = mended.get(&id) {
                if essence.kind == Kind::Sale {
                    asked_again.insert(key, by);
                }
                let original = originals.remove(&id).map(|original| original.money);
                essence.money = original.or(essence.money);
                known.refused.entry(key).or_default().push(essence);
                return Ok(());
            }
            let conversion = originals.remove(&id).zip(essence.money);
            let conversion = conversion.map(|(original, sent)| Conversion { original, sent });
            let original = conversion.as_ref().map(|it| it.original.money);
            essence.money = original.or(essence.money);
            essence.gross_is_unknown = id.0 < gross_kept_from;
            known.add_wanted(key, &columns, wanted);
            known.suspect_uid(&essence, wanted);
            if flags.contains_key(&id) {
                known.flagged.insert(key, ());
            }
            let event = KnownEvent {
                row: id,
                essence,
                outcome: outcome.map(|word| word.0),
                profile: profiles.of(id),
            };
            let is_new = known.events.insert(key, event);
            match read_now {
                Some(_) => {
                    respelt.insert(key, ());
                }
                None if is_new || respelt.contains_key(&key) => {}
                None => return Err(impossible(1, format!("event {} is there twice", id.0))),
            }
            let sale = essence.sale.filter(|_| essence.kind == Kind::Refund);
            let is_asked_since = |sale| asked_again.get(&sale).is_some_and(|&by| id < by);
            if is_unreferred && sale.is_some_and(is_asked_since) {
                known.superseded_refunds.insert(key, ());
            } else if let Some(sale) = sale {
                known.add_refund(sale, &essence, conversion.as_ref(), is_unreferred);
            }
            known.conversions.extend(conversion.map(|it| (key, it)));
            Ok(())
        })?;
        self.emails_of_suspects(&mut known)?;
        match originals.is_empty() {
            true => Ok(known),
            false => Err(JournalError::damaged(
                &self.path,
                "an amount was converted whose event is missing",
            )),
        }
    }

    /// Reads which emails come with the uids that have more than the job knows: few, so that most journals
    /// are read once.
    fn emails_of_suspects(&self, known: &mut Known) -> Result<(), JournalError> {
        if known.emails_of_uids.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "SELECT id, key, seal, {} FROM event WHERE uid IS NOT NULL AND email IS NOT NULL",
            columns::NAMES
        );
        self.each("reading customers", &sql, [], |row| {
            let (_, key, columns) = Columns::read_sealed(row, 0)?;
            let essence = columns.essence();
            if let Some((_, uid)) = essence.email_and_uid()
                && essence.kind != Kind::Refund
                && let Some(emails) = known.emails_of_uids.get_mut(&uid)
            {
                emails.add(key, &essence);
            }
            Ok(())
        })
    }

    /// Returns the profile by which each event was read first. The names go to `names`.
    fn profiles_of_events(
        &self,
        names: &mut Vec<String>,
    ) -> Result<ProfilesOfEvents, JournalError> {
        let mut of_input: HashMap<i64, usize> = HashMap::new();
        let sql = "SELECT id, profile FROM input";
        self.each("reading exports", sql, [], |row| {
            let name: String = row.get(1)?;
            let place = names.iter().position(|known| *known == name);
            let place = place.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            of_input.insert(row.get(0)?, place);
            Ok(())
        })?;
        let mut profiles = ProfilesOfEvents::default();
        let sql = "SELECT event, input FROM run_event ORDER BY run, event";
        self.each("reading where events were read", sql, [], |row| {
            let input: Option<i64> = row.get(1)?;
            let profile = input.and_then(|input| of_input.get(&input).copied());
            profiles.add(EventRow(row.get(0)?), profile);
            Ok(())
        })?;
        Ok(profiles)
    }

    /// The first event whose `gross_cents` says something where it is empty: that the amount is all.
    fn gross_kept_from(&self) -> Result<i64, JournalError> {
        let sql = "SELECT gross_kept_from FROM account WHERE id = 1";
        self.connection
            .query_row(sql, [], |row| row.get(0))
            .map_err(|error| self.failed("reading its account", error))
    }
}

/// Returns the key of an id without its invisible characters, if it has any. Earlier versions took ids
/// as they stood.
fn key_as_read_now(id: &str) -> Option<EventKey> {
    if id.is_ascii() || !id.chars().any(is_invisible) {
        return None;
    }
    let seen: String = id.chars().filter(|&c| !is_invisible(c)).collect();
    Some(EventKey::of(&seen))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Currency, Money, Source};

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
            profile: (n as usize % 3).checked_sub(1),
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
                (found.row, found.essence, found.outcome, found.profile),
                (event.row, event.essence, event.outcome, event.profile)
            );
        }
        assert_eq!(events.len(), 1000);
        assert!(events.get(known(1000).0).is_none());
    }
}
