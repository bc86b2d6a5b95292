//! The last cancellations of customers, for sales that come after them.

use std::collections::HashMap;

use super::{customer_of, day, fingerprint};
use crate::event::EventRef;

/// The last cancellation of each customer, in all and by plan.
///
/// A customer may have several subscriptions: one that was canceled says nothing of a sale of
/// another plan, where both name theirs. Who canceled, came back and canceled again has paid in
/// between: only the last one counts.
#[derive(Default)]
pub(super) struct LastCancellations(HashMap<(u64, PlanOf), i64>);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum PlanOf {
    /// Of this plan.
    Named(u64),
    /// Of a plan that is not named.
    Unnamed,
    /// Of whichever plan.
    Any,
}

impl PlanOf {
    fn from_event(event: EventRef<'_>) -> Self {
        match event.plan {
            Some(plan) => PlanOf::Named(fingerprint(plan)),
            None => PlanOf::Unnamed,
        }
    }
}

impl LastCancellations {
    pub(super) fn add(&mut self, cancellation: EventRef<'_>) {
        let customer = customer_of(cancellation.customer);
        if let Some((day, customer)) = day(cancellation).zip(customer) {
            for plan in [PlanOf::Any, PlanOf::from_event(cancellation)] {
                let end = self.0.entry((customer, plan)).or_insert(day);
                *end = day.max(*end);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the last day on which the customer canceled what the sale may be of, if that is before it.
    pub(super) fn before(&self, sale: EventRef<'_>) -> Option<i64> {
        if self.is_empty() {
            return None;
        }
        let customer = customer_of(sale.customer)?;
        let of = |plan: PlanOf| self.0.get(&(customer, plan)).copied();
        let end = match PlanOf::from_event(sale) {
            PlanOf::Named(plan) => of(PlanOf::Named(plan)).max(of(PlanOf::Unnamed)),
            PlanOf::Unnamed | PlanOf::Any => of(PlanOf::Any),
        };
        end.zip(day(sale))
            .filter(|(end, sale)| end < sale)
            .map(|(end, _)| end)
    }
}
