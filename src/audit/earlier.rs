//! Finds the commissions of a list that are older than our data: they are for nothing of ours, and say whose customers
//! were referred, and how many payments they have made.

use std::collections::{HashMap, HashSet};

use jiff::tz::TimeZone;
use polars::prelude::PlHashMap;

use super::books::{AuditData, day_of};
use super::grouped::index;
use super::matching::Matching;

/// The payments of a customer before our data, as far as commissions say it.
#[derive(Clone, Copy)]
pub(super) struct EarlierPayments {
    /// The time of the first one.
    pub(super) first_ms: i64,
    /// The number of payments.
    pub(super) count: u32,
}

/// Commissions of sales from before our data.
#[derive(Default)]
pub(super) struct EarlierCommissions<'b> {
    by_key: PlHashMap<&'b str, Vec<u32>>,
    /// All that are unmatched, by their event: reversals by hand as well.
    of_event: HashMap<&'b str, Vec<u32>>,
    /// `true` if there are some of which nobody knows the customer.
    has_unnamed: bool,
}

impl<'b> EarlierCommissions<'b> {
    /// Finds the commissions of the days before the first of our data. Days are those of `zone`.
    pub(super) fn new(books: &'b AuditData, matching: &Matching, zone: &TimeZone) -> Self {
        let mut earlier = EarlierCommissions::default();
        let first = books.ours.iter().filter_map(|ours| ours.created_ms).min();
        let Some(first) = day_of(first, zone) else {
            return earlier;
        };
        for (row, billed) in (0..).zip(&matching.billed) {
            let theirs = &books.theirs[index(row)];
            if billed.is_some() || theirs.tier != 1 || theirs.is_by_hand {
                continue;
            }
            let event_id = books.commissions.event_id.get(index(row));
            if let Some(event_id) = event_id {
                earlier.of_event.entry(event_id).or_default().push(row);
            }
            let is_earlier = day_of(theirs.created_ms, zone).is_some_and(|day| day < first);
            if theirs.is_reversal() || !is_earlier {
                continue;
            }
            let columns = &books.commissions;
            let keys = [columns.uid.get(index(row)), columns.email.get(index(row))];
            earlier.has_unnamed |= keys.iter().all(Option::is_none);
            for key in keys.into_iter().flatten() {
                earlier.by_key.entry(key).or_default().push(row);
            }
        }
        earlier
    }

    /// Returns `true` if there are some of which nobody knows the customer.
    pub(super) fn has_unnamed(&self) -> bool {
        self.has_unnamed
    }

    /// Returns all of them, by the key of their customer.
    pub(super) fn by_key(&self) -> impl Iterator<Item = (&'b str, u32)> {
        let all = self.by_key.iter();
        all.flat_map(|(key, rows)| rows.iter().map(|row| (*key, *row)))
    }

    /// Returns the commissions of the event that one is for.
    pub(super) fn of_event(&self, books: &'b AuditData, row: u32) -> Vec<u32> {
        let event_id = books.commissions.event_id.get(index(row));
        let rows = event_id.and_then(|id| self.of_event.get(id));
        rows.cloned().unwrap_or_else(|| vec![row])
    }

    /// Returns the payments of the customer who has one of these keys.
    pub(super) fn payments<'k>(
        &self,
        books: &AuditData,
        keys: impl Iterator<Item = &'k str>,
    ) -> Option<EarlierPayments> {
        let rows = keys.filter_map(|key| self.by_key.get(key)).flatten();
        let mut events = HashSet::new();
        let mut first_ms: Option<i64> = None;
        for row in rows {
            let event_id = books.commissions.event_id.get(index(*row));
            events.insert(event_id.ok_or(*row));
            let created_ms = books.theirs[index(*row)].created_ms;
            first_ms = first_ms.into_iter().chain(created_ms).min();
        }
        Some(EarlierPayments {
            first_ms: first_ms?,
            count: u32::try_from(events.len()).unwrap_or(u32::MAX),
        })
    }
}
