//! Finds in the account what an earlier run recorded, and what a retry is to send again.

use std::collections::BTreeMap;

use super::{AccountSales, IDENTIFIERS, ListVersion, Nearness, SaleInAccount, SaleLookup};
use crate::event::{EventKey, Events, IN_ACCOUNT, Kind, MAYBE_IN_ACCOUNT};

impl AccountSales {
    /// Returns which of these sales the account has or may have under another id, by their places, each with what is said of
    /// it. `is_known` says which sales of the account are of this journal.
    pub(crate) fn find_again(
        &self,
        events: &Events,
        is_known: impl Fn(EventKey) -> bool,
    ) -> BTreeMap<usize, String> {
        let sales = self.sales.iter();
        let mut taken: Vec<bool> = sales.map(|own| own.key.is_some_and(&is_known)).collect();
        let mut open: Vec<(usize, SaleLookup)> = Vec::new();
        for index in 0..events.len() {
            let event = events.get(index);
            match self.by_key.get(&event.key()) {
                Some(&place) => taken[place as usize] = true,
                None if event.kind == Kind::Sale => {
                    let before = self.face_before_conversion(event);
                    let lookups = before.into_iter().chain(self.lookup_of_event(event));
                    open.extend(lookups.map(|lookup| (index, lookup)));
                }
                None => {}
            }
        }
        let mut found = BTreeMap::new();
        let later = (self.version == ListVersion::V2).then_some(Nearness::Later);
        let nearness = [Nearness::Day, Nearness::DateOnly, Nearness::Near];
        for nearness in nearness.into_iter().chain(later) {
            for by in IDENTIFIERS {
                for &(index, lookup) in &open {
                    let is_free = |place: &u32| !taken[*place as usize];
                    if found.contains_key(&index) {
                        continue;
                    }
                    if let Some(place) = self.free(lookup, by, nearness, is_free) {
                        taken[place as usize] = true;
                        let sale = &self.sales[place as usize];
                        found.insert(index, self.note_of(sale, lookup, nearness));
                    }
                }
            }
        }
        found
    }

    /// Returns what is said of a sale that the account has under another id.
    pub(super) fn note_of(
        &self,
        sale: &SaleInAccount,
        lookup: SaleLookup,
        nearness: Nearness,
    ) -> String {
        let name = &sale.name;
        match nearness {
            Nearness::Day | Nearness::DateOnly => {
                format!("{IN_ACCOUNT}{name}: the same lead, amount and day")
            }
            Nearness::Near => {
                let apart = sale.at.duration_since(lookup.at).abs().as_mins() + 1;
                format!("{IN_ACCOUNT}{name}: the same lead and amount, less than {apart} min apart")
            }
            Nearness::Later => format!(
                "{MAYBE_IN_ACCOUNT}{name}: the same lead and amount, of {}, which may be the day of an import",
                self.day(sale.at)
            ),
        }
    }
}
