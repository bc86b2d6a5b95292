//! The events of a job, packed.
//!
//! A million events are kept at once, since any two of them may be two readings of one, and any sale
//! may be the one that a refund undoes. So each is a record of bytes: its key, then numbers that take
//! as many bytes as they need, then its texts one behind the other. What many events share (a
//! currency, a plan, a note) is kept once. An event is read where it lies ([`Events::get`]); to change
//! it, it is taken out and put back ([`Events::edit`]).

mod record;

use std::fmt;

use jiff::Timestamp;

use super::packed::Pages;
use super::{Event, EventKey, EventRef, Kind, Money, Source};

use record::Shared;
pub(super) use record::read_details;

/// The events of a job, each at its place.
#[derive(Clone, Default)]
pub struct Events {
    /// Where the record of each begins.
    starts: Vec<u64>,
    pages: Pages,
    shared: Shared,
    /// The record that is being written.
    record: Vec<u8>,
}

/// What of an [`Event`] are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventNumbers {
    /// As in [`Event::kind`]; so for all fields here.
    pub kind: Kind,
    /// Where it was read.
    pub source: Source,
    /// Its amount.
    pub money: Option<Money>,
    /// What was paid in all, in minor units.
    pub gross_cents: Option<i64>,
    /// The running total that it was read from, in minor units.
    pub refund_total_cents: Option<i64>,
    /// When it happened.
    pub created_at: Option<Timestamp>,
}

impl Events {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Adds an event behind the others.
    pub fn push(&mut self, event: &Event) {
        self.shared.write(event, &mut self.record);
        self.starts.push(self.pages.add(&self.record));
    }

    /// The event at this place.
    ///
    /// # Panics
    ///
    /// There is none; so for all functions here.
    pub fn get(&self, index: usize) -> EventRef<'_> {
        self.shared.read(self.record(index))
    }

    /// The key of the event at this place, without a look at the rest of it.
    pub fn key(&self, index: usize) -> EventKey {
        record::key(self.record(index))
    }

    /// What of it are numbers, likewise.
    pub fn figures(&self, index: usize) -> EventNumbers {
        self.shared.figures(self.record(index))
    }

    /// Its kind, likewise.
    pub fn kind(&self, index: usize) -> Kind {
        record::kind(self.record(index))
    }

    /// As in [`Event::has_no_refunds`], likewise.
    pub fn has_no_refunds(&self, index: usize) -> bool {
        record::has_no_refunds(self.record(index))
    }

    /// As in [`Event::sale_event_id`], likewise where there is none.
    pub fn sale_event_id(&self, index: usize) -> Option<&str> {
        match record::names_sale(self.record(index)) {
            true => self.get(index).sale_event_id,
            false => None,
        }
    }

    /// All of them, by their places.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Changes the event at this place.
    pub fn edit<R>(&mut self, index: usize, change: impl FnOnce(&mut Event) -> R) -> R {
        let mut event = self.get(index).to_event();
        let result = change(&mut event);
        let old_bytes = self.shared.record_bytes(self.record(index));
        self.shared.write(&event, &mut self.record);
        if self.record.len() > old_bytes {
            self.starts[index] = self.pages.add(&self.record);
        } else {
            self.pages.overwrite(self.starts[index], &self.record);
        }
        result
    }

    /// Lets two events change their places.
    pub fn swap(&mut self, one: usize, other: usize) {
        self.starts.swap(one, other);
    }

    fn record(&self, index: usize) -> &[u8] {
        self.pages.at(self.starts[index])
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl FromIterator<Event> for Events {
    fn from_iter<I: IntoIterator<Item = Event>>(all: I) -> Self {
        let mut events = Events::default();
        for event in all {
            events.push(&event);
        }
        events
    }
}

#[cfg(test)]
mod tests;
