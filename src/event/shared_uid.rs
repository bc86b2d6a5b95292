//! Finds ids that several customers share, by the emails they come with.

use std::collections::BTreeMap;

use super::{Essence, EventKey};

/// The number of emails that is too many for one customer. A customer who has changed the address has as many
/// only if `is_one_who_moved`.
const EMAILS: usize = 3;

/// Collects the emails of a uid, each with the first and the last event that has it.
///
/// They are taken from essences, so that two spellings of one email are one, and an event that two exports
/// have is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailsOfUid {
    by_email: BTreeMap<u64, Uses>,
}

/// Counts the events of a uid that have one email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Uses {
    first: Use,
    last: Use,
}

/// The time when an event happened, in seconds since 1970-01-01 UTC, and its key.
type Use = (Option<i64>, EventKey);

impl EmailsOfUid {
    /// Adds an event of the uid; one without an email adds nothing.
    pub fn add(&mut self, key: EventKey, event: &Essence) {
        let Some(email) = event.email else {
            return;
        };
        let used = (event.created_at_s, key);
        let uses = self.by_email.entry(email).or_insert(Uses {
            first: used,
            last: used,
        });
        uses.first = uses.first.min(used);
        uses.last = uses.last.max(used);
    }

    /// Returns how many emails there are.
    pub fn count(&self) -> usize {
        self.by_email.len()
    }

    /// Returns `true` if the uid can't be the id of one customer.
    pub fn are_of_several(&self) -> bool {
        match self.count() {
            0..EMAILS => false,
            EMAILS => !self.is_one_who_moved(),
            _ => true,
        }
    }

    /// Returns `true` if one customer has changed the address twice: each was used again and again before the
    /// next one came, and none came back.
    fn is_one_who_moved(&self) -> bool {
        let spans = self.by_email.values().map(|uses| {
            let is_used_again = uses.first != uses.last;
            Some((uses.first.0?, uses.last.0?, is_used_again))
        });
        let Some(mut spans) = spans.collect::<Option<Vec<_>>>() else {
            return false;
        };
        spans.sort_unstable();
        spans
            .windows(2)
            .all(|pair| pair[0].1 < pair[1].0 && pair[0].2)
    }
}
