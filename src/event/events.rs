//! Keeps the events of a job in memory, packed.
//!
//! A million events are kept at once, since any two of them may be two readings of one, and any sale may be
//! the one that a refund reverses. So each is a record of bytes: its key, then numbers that take as many
//! bytes as they need, then its texts one after the other. What many events share (a currency, a plan, a
//! note) is kept once. An event is read where it is stored ([`Events::get`]); to change it, it is taken out
//! and put back ([`Events::edit`]).

mod record;

use std::fmt;

use jiff::Timestamp;

use super::packed::Pages;
use super::{Event, EventKey, EventRef, ExportLine, Kind, Money};

use record::SharedValues;

/// Holds the events of a job, each at its index.
#[derive(Clone, Default)]
pub struct Events {
    /// The place where the record of each event begins.
    starts: Vec<u64>,
    pages: Pages,
    shared: SharedValues,
    /// The record that is being written.
    record: Vec<u8>,
}

/// Holds the numbers of an [`Event`], without its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventNumbers {
    /// The call that the event is sent by.
    pub kind: Kind,
    /// The place where the event was read.
    pub source: ExportLine,
    /// The event's amount.
    pub money: Option<Money>,
    /// The amount that was paid in all, in minor units.
    pub gross_cents: Option<i64>,
    /// The running total that the event was read from, in minor units.
    pub refund_total_cents: Option<i64>,
    /// The time when the event happened.
    pub created_at: Option<Timestamp>,
}

impl Events {
    /// Returns how many events there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Returns `true` if there are no events.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Appends an event.
    ///
    /// # Panics
    ///
    /// If the event has no place in an export.
    pub fn push(&mut self, event: &Event) {
        self.shared.write(event, &mut self.record);
        self.starts.push(self.pages.add(&self.record));
    }

    /// Returns the event at this index.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub fn get(&self, index: usize) -> EventRef<'_> {
        self.shared.read(self.record(index))
    }

    /// Returns the key of the event at this index, without reading the rest of it.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub fn key(&self, index: usize) -> EventKey {
        record::key(self.record(index))
    }

    /// Returns the numbers of the event at this index.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub fn figures(&self, index: usize) -> EventNumbers {
        self.shared.figures(self.record(index))
    }

    /// Returns the kind of the event at this index.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub fn kind(&self, index: usize) -> Kind {
        record::kind(self.record(index))
    }

    /// Returns `true` if the row of the event at this index says that nothing was refunded.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub fn has_no_refunds(&self, index: usize) -> bool {
        record::has_no_refunds(self.record(index))
    }

    /// Returns `true` if the event at this index has any of the fields that few events have.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub(crate) fn has_details(&self, index: usize) -> bool {
        record::has_details(self.record(index))
    }

    /// Returns `true` if the event at this index has an email or a uid.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub(crate) fn has_customer(&self, index: usize) -> bool {
        record::has_customer(self.record(index))
    }

    /// Returns [`Event::is_fixed_after_refusal`] of the event at this index, without reading the rest of it.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub(crate) fn is_fixed_after_refusal(&self, index: usize) -> bool {
        record::is_fixed_after_refusal(self.record(index))
    }

    /// Returns the id of the sale that the event at this index names, if it names one.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
    pub fn sale_event_id(&self, index: usize) -> Option<&str> {
        if record::has_sale(self.record(index)) {
            self.get(index).sale_event_id
        } else {
            None
        }
    }

    /// Returns all events, in the order of their indexes.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Changes the event at this index.
    ///
    /// # Panics
    ///
    /// If there is no event at this index.
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
