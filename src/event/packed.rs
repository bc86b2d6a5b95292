//! Stores small records of bytes by the million.

use super::{Currency, EventKey, Kind, Money};

/// The size of a page of records, so that growing copies nothing; a larger record has a page of its own.
pub(super) const PAGE_BYTES: usize = 1 << 20;

/// Holds records, one after the other.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages(Vec<Vec<u8>>);

impl Pages {
    /// Adds a record, and returns where it begins.
    pub(crate) fn add(&mut self, record: &[u8]) -> u64 {
        let has_room = |page: &Vec<u8>| page.len() + record.len() <= PAGE_BYTES;
        if !self.0.last().is_some_and(has_room) {
            self.0
                .push(Vec::with_capacity(record.len().max(PAGE_BYTES)));
        }
        let number = self.0.len() - 1;
        let page = &mut self.0[number];
        let start = number * PAGE_BYTES + page.len();
        page.extend_from_slice(record);
        start as u64
    }

    /// Returns the record that begins here, and what follows it.
    #[inline]
    pub(crate) fn at(&self, start: u64) -> &[u8] {
        let (page, at) = place(start);
        &self.0[page][at..]
    }

    /// Overwrites a record with one that is not longer.
    pub(super) fn overwrite(&mut self, start: u64, record: &[u8]) {
        let (page, at) = place(start);
        self.0[page][at..at + record.len()].copy_from_slice(record);
    }

    /// Returns the length of all records together.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(Vec::len).sum()
    }
}

/// Returns the page of a position, and the offset in it.
fn place(start: u64) -> (usize, usize) {
    let start = start as usize;
    (start / PAGE_BYTES, start % PAGE_BYTES)
}

/// The kinds, each at the number by which a record names it.
pub(super) const KINDS: [Kind; 4] = [Kind::Signup, Kind::Sale, Kind::Refund, Kind::Cancellation];

/// Holds the currencies of records, each of which names one by a small number.
#[derive(Clone, Debug, Default)]
pub(crate) struct Currencies(Vec<Currency>);

impl Currencies {
    pub(super) fn write(&mut self, record: &mut Vec<u8>, money: Money) {
        let number = self
            .0
            .iter()
            .position(|&known| known == money.currency)
            .unwrap_or_else(|| {
                self.0.push(money.currency);
                self.0.len() - 1
            });
        write_number(record, number as u64);
        write_signed(record, money.amount_cents);
    }

    #[inline]
    pub(super) fn read(&self, from: &mut RecordReader<'_>) -> Money {
        let currency = self.0[from.number() as usize];
        Money {
            amount_cents: from.signed(),
            currency,
        }
    }
}

/// Writes seven bits a byte, the lowest first; the eighth bit says that more follow.
pub(crate) fn write_number(record: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        record.push(number as u8 | 0x80);
        number >>= 7;
    }
    record.push(number as u8);
}

/// Writes the sign in the lowest bit, so that small numbers of both signs are short.
pub(super) fn write_signed(record: &mut Vec<u8>, number: i64) {
    write_number(record, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Reads the rest of a record. Reading what was never written is a bug, and panics.
pub(crate) struct RecordReader<'e>(pub(super) &'e [u8]);

impl<'e> RecordReader<'e> {
    pub(crate) fn new(record: &'e [u8]) -> Self {
        RecordReader(record)
    }

    #[inline]
    pub(super) fn bytes(&mut self, count: usize) -> &'e [u8] {
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }

    #[inline]
    pub(crate) fn byte(&mut self) -> u8 {
        let (&byte, rest) = self
            .0
            .split_first()
            .expect("a record is read as it was written");
        self.0 = rest;
        byte
    }

    #[inline]
    pub(super) fn key(&mut self) -> EventKey {
        let mut key = [0; 16];
        key.copy_from_slice(self.bytes(16));
        EventKey(key)
    }

    pub(super) fn hash(&mut self) -> u64 {
        let mut hash = [0; 8];
        hash.copy_from_slice(self.bytes(8));
        u64::from_le_bytes(hash)
    }

    #[inline]
    pub(crate) fn number(&mut self) -> u64 {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return number;
            }
            shift += 7;
        }
    }

    #[inline]
    pub(super) fn number_if(&mut self, is_there: bool) -> Option<usize> {
        if is_there {
            Some(self.number() as usize)
        } else {
            None
        }
    }

    #[inline]
    pub(super) fn signed(&mut self) -> i64 {
        let number = self.number();
        (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
    }

    #[inline]
    pub(super) fn signed_if(&mut self, is_there: bool) -> Option<i64> {
        if is_there { Some(self.signed()) } else { None }
    }

    #[inline]
    pub(super) fn flags(&mut self) -> u16 {
        u16::from_le_bytes([self.byte(), self.byte()])
    }

    #[inline]
    pub(super) fn text(&mut self, bytes: usize) -> &'e str {
        std::str::from_utf8(self.bytes(bytes)).expect("it was written from texts")
    }
}
