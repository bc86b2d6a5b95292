//! Writes and reads the records of packed events.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::EventNumbers;
use crate::event::packed::{Currencies, KINDS, RecordReader, write_number, write_signed};
use crate::event::view::OriginalRef;
use crate::event::{
    CustomerRef, Event, EventKey, EventRef, ExportLine, Kind, Text, packed_details,
};

/// The number of texts that are kept once. Any further text is in its event's own record.
pub(super) const MAX_WORDS: usize = 4096;

/// Holds what many events share.
#[derive(Clone, Default)]
pub(super) struct SharedValues {
    currencies: Currencies,
    plans: InternedTexts,
    notes: InternedTexts,
    rates: InternedTexts,
}

/// Holds the texts that are kept once, the empty one among them.
#[derive(Clone, Default)]
struct InternedTexts {
    texts: Vec<Text>,
    numbers: HashMap<Text, u64>,
}

/// The number in a record for an absent or empty text.
const NO_WORD: u64 = 0;
/// The number in a record for a text that the record has itself.
const OWN_WORD: u64 = 1;
/// The first number for the texts that are kept once.
const FIRST_WORD: u64 = 2;

impl InternedTexts {
    fn number(&mut self, text: &str) -> u64 {
        if text.is_empty() {
            return NO_WORD;
        }
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        if self.texts.len() == MAX_WORDS {
            return OWN_WORD;
        }
        let number = FIRST_WORD + self.texts.len() as u64;
        self.texts.push(Text::new(text));
        self.numbers.insert(Text::new(text), number);
        number
    }

    /// Returns the text of this number, or `None` if the record has the text itself.
    fn text(&self, number: u64) -> Option<&str> {
        match number {
            NO_WORD => Some(""),
            OWN_WORD => None,
            number => Some(&self.texts[(number - FIRST_WORD) as usize]),
        }
    }
}

const KEY_BYTES: usize = 16;
const KIND_AT: usize = KEY_BYTES;
const FLAGS_AT: usize = KIND_AT + 1;

// Flags for the optional fields that a record has.
const SALE: u16 = 1;
const REFERENCE: u16 = 1 << 1;
const EMAIL: u16 = 1 << 2;
const UID: u16 = 1 << 3;
const MONEY: u16 = 1 << 4;
const ORIGINAL: u16 = 1 << 5;
const GROSS: u16 = 1 << 6;
const TOTAL: u16 = 1 << 7;
const PLAN: u16 = 1 << 8;
// One of these alone is a date in whole seconds: of `NANOSECONDS` alone the export says only the day.
const DATE: u16 = 1 << 9;
const NANOSECONDS: u16 = 1 << 10;
const FIXED_AFTER_REFUSAL: u16 = 1 << 11;
const DETAILS: u16 = 1 << 12;
const DISTINGUISHED_BY_REFERENCE: u16 = 1 << 13;
const NO_REFUNDS: u16 = 1 << 14;
const NAMED_BY_SHARED_ID_ALONE: u16 = 1 << 15;

/// Returns the key of the event whose record begins here.
pub(super) fn key(record: &[u8]) -> EventKey {
    RecordReader(record).key()
}

/// Returns the kind of the event whose record begins here.
pub(super) fn kind(record: &[u8]) -> Kind {
    KINDS[usize::from(record[KIND_AT])]
}

/// Returns `true` if the event names a sale.
pub(super) fn has_sale(record: &[u8]) -> bool {
    RecordReader(&record[FLAGS_AT..]).flags() & SALE != 0
}

/// Returns `true` if the event is of a report that was handed back.
pub(super) fn is_fixed_after_refusal(record: &[u8]) -> bool {
    RecordReader(&record[FLAGS_AT..]).flags() & FIXED_AFTER_REFUSAL != 0
}

/// Returns `true` if the event has any of the fields that few events have.
pub(super) fn has_details(record: &[u8]) -> bool {
    RecordReader(&record[FLAGS_AT..]).flags() & DETAILS != 0
}

/// Returns `true` if the event has an email or a uid.
pub(super) fn has_customer(record: &[u8]) -> bool {
    RecordReader(&record[FLAGS_AT..]).flags() & (EMAIL | UID) != 0
}

/// Returns `true` if the event's row says that nothing was refunded.
pub(super) fn has_no_refunds(record: &[u8]) -> bool {
    RecordReader(&record[FLAGS_AT..]).flags() & NO_REFUNDS != 0
}

impl SharedValues {
    /// Writes an event: its numbers, the lengths of its texts, the texts, and the details after them.
    pub(super) fn write(&mut self, event: &Event, record: &mut Vec<u8>) {
        record.clear();
        record.extend_from_slice(&event.key.0);
        record.push(event.kind as u8);
        record.extend_from_slice(&flags_of(event).to_le_bytes());
        let source = event
            .source
            .expect("the events of a job are read from its exports");
        write_number(record, source.input as u64);
        write_number(record, source.line);
        if let Some(money) = event.money {
            self.currencies.write(record, money);
        }
        let cents = [event.gross_cents, event.refund_total_cents];
        for cents in cents.into_iter().flatten() {
            write_signed(record, cents);
        }
        if let Some(at) = event.created_at {
            write_signed(record, at.as_second());
            if at.subsec_nanosecond() != 0 {
                write_signed(record, at.subsec_nanosecond().into());
            }
        }
        let mut own = [""; 3];
        if let Some(original) = event.original.as_deref() {
            self.currencies.write(record, original.money);
            write_date(record, original.rate_date);
            own[0] = write_word(record, &mut self.rates, &original.rate);
        }
        if let Some(plan) = &event.plan {
            own[1] = write_word(record, &mut self.plans, plan);
        }
        own[2] = write_word(record, &mut self.notes, &event.note);
        let texts = [
            Some(&event.event_id),
            event.sale_event_id.as_ref(),
            event.reference.as_ref(),
            event.customer.email.as_ref(),
            event.customer.uid.as_ref(),
        ];
        for text in texts.iter().flatten() {
            write_number(record, text.len() as u64);
        }
        for text in texts.iter().flatten() {
            record.extend_from_slice(text.as_bytes());
        }
        for text in own {
            record.extend_from_slice(text.as_bytes());
        }
        if let Some(details) = event.details.as_deref() {
            packed_details::write(record, details);
        }
    }

    /// Returns the event whose record begins here.
    pub(super) fn read<'e>(&'e self, record: &'e [u8]) -> EventRef<'e> {
        self.read_on(&mut RecordReader(record))
    }

    /// Returns the numbers of the event whose record begins here.
    pub(super) fn figures(&self, record: &[u8]) -> EventNumbers {
        self.read_figures(&mut RecordReader(&record[KIND_AT..])).0
    }

    /// Returns the length of the record that begins here.
    pub(super) fn record_bytes(&self, record: &[u8]) -> usize {
        let mut reader = RecordReader(record);
        let has_details = self.read_on(&mut reader).has_details();
        if has_details {
            packed_details::read_on(&mut reader);
        }
        record.len() - reader.0.len()
    }

    /// Reads a record up to its details.
    fn read_on<'e>(&'e self, from: &mut RecordReader<'e>) -> EventRef<'e> {
        let key = from.key();
        let (figures, flags) = self.read_figures(from);
        let has = |flag: u16| flags & flag != 0;
        let original = if has(ORIGINAL) {
            Some((
                self.currencies.read(from),
                from.date(),
                from.word(&self.rates),
            ))
        } else {
            None
        };
        let plan = if has(PLAN) {
            Some(from.word(&self.plans))
        } else {
            None
        };
        let note = from.word(&self.notes);
        let id_bytes = from.number() as usize;
        let sale_bytes = from.number_if(has(SALE));
        let reference_bytes = from.number_if(has(REFERENCE));
        let email_bytes = from.number_if(has(EMAIL));
        let uid_bytes = from.number_if(has(UID));
        let own_bytes = [original.map(|(_, _, rate)| rate), plan, Some(note)]
            .iter()
            .flatten()
            .fold(0, |bytes, word| bytes + word.own_bytes());
        let all = [sale_bytes, reference_bytes, email_bytes, uid_bytes]
            .iter()
            .flatten()
            .sum::<usize>()
            + id_bytes
            + own_bytes;
        let mut texts = RecordTexts(from.text(all));
        let event_id = texts.next(id_bytes);
        let sale_event_id = sale_bytes.map(|bytes| texts.next(bytes));
        let reference = reference_bytes.map(|bytes| texts.next(bytes));
        let email = email_bytes.map(|bytes| texts.next(bytes));
        let uid = uid_bytes.map(|bytes| texts.next(bytes));
        let original = original.map(|(money, rate_date, rate)| OriginalRef {
            money,
            rate: texts.word(rate),
            rate_date,
        });
        EventRef {
            kind: figures.kind,
            event_id,
            key,
            sale_event_id,
            reference,
            is_distinguished_by_reference: has(DISTINGUISHED_BY_REFERENCE),
            is_named_by_shared_id_alone: has(NAMED_BY_SHARED_ID_ALONE),
            customer: CustomerRef { email, uid },
            money: figures.money,
            original,
            gross_cents: figures.gross_cents,
            refund_total_cents: figures.refund_total_cents,
            has_no_refunds: has(NO_REFUNDS),
            plan: plan.map(|plan| texts.word(plan)),
            created_at: figures.created_at,
            is_day: flags & (DATE | NANOSECONDS) == NANOSECONDS,
            source: figures.source,
            is_fixed_after_refusal: has(FIXED_AFTER_REFUSAL),
            note: texts.word(note),
            details: has(DETAILS).then_some(from.0),
        }
    }

    /// Reads on after the key, and returns the flags as well.
    #[inline]
    fn read_figures(&self, from: &mut RecordReader<'_>) -> (EventNumbers, u16) {
        let kind = KINDS[usize::from(from.byte())];
        let flags = from.flags();
        let has = |flag: u16| flags & flag != 0;
        let figures = EventNumbers {
            kind,
            source: ExportLine {
                input: from.number() as usize,
                line: from.number(),
            },
            money: if has(MONEY) {
                Some(self.currencies.read(from))
            } else {
                None
            },
            gross_cents: from.signed_if(has(GROSS)),
            refund_total_cents: from.signed_if(has(TOTAL)),
            created_at: if has(DATE) || has(NANOSECONDS) {
                Some(from.timestamp(has(DATE) && has(NANOSECONDS)))
            } else {
                None
            },
        };
        (figures, flags)
    }
}

fn flags_of(event: &Event) -> u16 {
    let nanoseconds = event.created_at.map(Timestamp::subsec_nanosecond);
    let is_day = event.is_day && nanoseconds == Some(0);
    let flags = [
        (SALE, event.sale_event_id.is_some()),
        (REFERENCE, event.reference.is_some()),
        (EMAIL, event.customer.email.is_some()),
        (UID, event.customer.uid.is_some()),
        (MONEY, event.money.is_some()),
        (ORIGINAL, event.original.is_some()),
        (GROSS, event.gross_cents.is_some()),
        (TOTAL, event.refund_total_cents.is_some()),
        (PLAN, event.plan.is_some()),
        (DATE, event.created_at.is_some() && !is_day),
        (NANOSECONDS, is_day || nanoseconds.is_some_and(|n| n != 0)),
        (FIXED_AFTER_REFUSAL, event.is_fixed_after_refusal),
        (DETAILS, event.details.is_some()),
        (
            DISTINGUISHED_BY_REFERENCE,
            event.is_distinguished_by_reference,
        ),
        (NO_REFUNDS, event.has_no_refunds),
        (NAMED_BY_SHARED_ID_ALONE, event.is_named_by_shared_id_alone),
    ];
    let set = flags.iter().filter(|(_, is_set)| *is_set);
    set.fold(0, |all, (flag, _)| all | flag)
}

fn write_date(record: &mut Vec<u8>, date: Date) {
    write_signed(record, date.year().into());
    write_signed(record, date.month().into());
    write_signed(record, date.day().into());
}

/// Writes the number of a text, and returns what the record has to hold itself.
fn write_word<'t>(record: &mut Vec<u8>, words: &mut InternedTexts, text: &'t str) -> &'t str {
    let number = words.number(text);
    write_number(record, number);
    match number {
        OWN_WORD => {
            write_number(record, text.len() as u64);
            text
        }
        _ => "",
    }
}

/// Holds a text that is kept once, or the length of one that is in the record.
#[derive(Clone, Copy)]
enum StoredText<'e> {
    Shared(&'e str),
    Own(usize),
}

impl StoredText<'_> {
    fn own_bytes(self) -> usize {
        match self {
            StoredText::Shared(_) => 0,
            StoredText::Own(bytes) => bytes,
        }
    }
}

impl RecordReader<'_> {
    #[inline]
    fn timestamp(&mut self, has_nanoseconds: bool) -> Timestamp {
        let second = self.signed();
        let nanosecond = if has_nanoseconds {
            self.signed() as i32
        } else {
            0
        };
        Timestamp::new(second, nanosecond).expect("it was written from a timestamp")
    }

    fn date(&mut self) -> Date {
        let (year, month, day) = (self.signed(), self.signed(), self.signed());
        Date::new(year as i16, month as i8, day as i8).expect("it was written from a date")
    }

    #[inline]
    fn word<'w>(&mut self, words: &'w InternedTexts) -> StoredText<'w> {
        match words.text(self.number()) {
            Some(text) => StoredText::Shared(text),
            None => StoredText::Own(self.number() as usize),
        }
    }
}

/// Reads the texts of a record, one after the other.
struct RecordTexts<'e>(&'e str);

impl<'e> RecordTexts<'e> {
    #[inline]
    fn next(&mut self, bytes: usize) -> &'e str {
        let (text, rest) = self.0.split_at(bytes);
        self.0 = rest;
        text
    }

    #[inline]
    fn word(&mut self, word: StoredText<'e>) -> &'e str {
        match word {
            StoredText::Shared(text) => text,
            StoredText::Own(bytes) => self.next(bytes),
        }
    }
}
