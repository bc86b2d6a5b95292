//! Compares converted sales with those of the account, which converts at its own rate: amounts say nothing there.

use std::collections::HashMap;

use super::{Comparison, Nearness};
use crate::event::{EventRef, MAYBE_IN_ACCOUNT, in_units};
use crate::plan::planner::Planner;

/// Returns `true` if an event is sent with another amount than its export has, in the account's currency.
pub(super) fn is_converted(event: EventRef<'_>) -> bool {
    event.read_money() != event.money
}

impl Comparison<'_> {
    /// Finds converted sales that the account may have at its own rate: what is left of the same lead and day, whatever its
    /// amount.
    pub(super) fn find_converted(&mut self, planner: &mut Planner<'_>) {
        let (events, found) = (self.events, &self.found);
        self.open.retain(|(index, _)| {
            is_converted(events.get(*index)) && !found.contains_key(&events.key(*index))
        });
        self.open.dedup_by_key(|(index, _)| *index);
        if self.open.is_empty() {
            return;
        }
        let mut by_lead: HashMap<u64, Vec<u32>> = HashMap::new();
        for (sale, place) in self.account.sales.iter().zip(0..) {
            for lead in sale.leads.into_iter().flatten() {
                by_lead.entry(lead).or_default().push(place);
            }
        }
        for nearness in [Nearness::Day, Nearness::DateOnly, Nearness::Near] {
            for (index, lookup) in std::mem::take(&mut self.open) {
                let event = self.events.get(index);
                let (from, until) = self.account.window(lookup.at, nearness);
                let leads = self.account.leads(event.customer);
                let of_leads = leads
                    .into_iter()
                    .flatten()
                    .filter_map(|lead| by_lead.get(&lead));
                let place = of_leads.flatten().copied().find(|&place| {
                    let sold_at = self.account.sales[place as usize].at.as_second();
                    (from..until).contains(&sold_at) && !self.taken[place as usize]
                });
                let Some(place) = place else {
                    self.open.push((index, lookup));
                    continue;
                };
                self.taken[place as usize] = true;
                self.found.insert(event.key(), place);
                let sale = &self.account.sales[place as usize];
                let tally = &mut self.findings.maybe_at_other_rates;
                tally.add(event.kind, event.money);
                let note = format!(
                    "{MAYBE_IN_ACCOUNT}{}, {}: the same lead and day, and perhaps the same amount at another rate",
                    sale.name,
                    in_units(sale.cents.into(), self.account.currency)
                );
                planner.set_apart(index, event.key(), &note, self.treatment);
            }
        }
    }
}
