//! Holds refunds of sales that earlier runs sent, and whose rows say now that they were not paid, or are ignored
//! although they have a refund.
//!
//! Such a row is not an event. If a sale was sent for it before, the refund that would reverse
//! it is held, for a person to look at: the row does not say when the payment failed, or whether somebody has
//! paid in another way.

use std::collections::HashSet;

use jiff::Timestamp;

use crate::event::{Essence, Event, EventKey, Events, Kind, Money, Source, Text};
use crate::journal::{HistoryRequest, Outcome};
use crate::plan::History;

/// Describes an ignored row that takes the sale back.
#[derive(Clone, Debug)]
struct NotPaid {
    /// The id that its sale may share with others.
    shared: Text,
    /// The id that distinguishes it from them.
    own: Text,
    /// The reason why the row is ignored.
    reason: Text,
    source: Source,
}

/// Holds the ignored rows of a job that take their sales back.
#[derive(Clone, Debug, Default)]
pub(super) struct NotPaidRows(Vec<NotPaid>);

impl NotPaidRows {
    pub(super) fn add(&mut self, (shared, own, reason): (Text, Text, &str), source: Source) {
        self.0.push(NotPaid {
            shared,
            own,
            reason: Text::new(reason),
            source,
        });
    }

    /// Requests the customers of these sales from the journal.
    pub(super) fn add_to_request(&self, wanted: &mut HistoryRequest) {
        for row in &self.0 {
            let ids = [&row.shared, &row.own];
            wanted
                .sales
                .extend(ids.map(|id| (EventKey::from_id(id), ())));
        }
    }

    /// Adds a refund for each of these sales that an earlier run sent and that is not refunded, unless the
    /// job has it as paid or refunds it; returns where they are, and why each is held.
    pub(super) fn add_refunds(
        &self,
        events: &mut Events,
        history: &dyn History,
    ) -> Vec<(usize, String)> {
        let mut added = Vec::new();
        let mut done: Option<HashSet<EventKey>> = None;
        for row in &self.0 {
            let Some((sale, recorded)) = row.sent(history) else {
                continue;
            };
            let done = done.get_or_insert_with(|| settled_here(events));
            let is_done = done.contains(&EventKey::from_id(&row.own));
            if is_done || !done.insert(EventKey::from_id(sale)) {
                continue;
            }
            if let Some(refund) = row.refund(sale, &recorded, history) {
                added.push((events.len(), row.why(sale)));
                events.push(&refund);
            }
        }
        added
    }
}

/// Returns the sales that refunds of the job reverse, and the payments that another row has as paid: nothing
/// says which of the two exports is older. A payment goes by the id that distinguishes it from others of its
/// invoice, if it has one.
fn settled_here(events: &Events) -> HashSet<EventKey> {
    let mut settled = HashSet::new();
    for index in 0..events.len() {
        let event = events.get(index);
        let own = event
            .reference
            .filter(|_| event.is_distinguished_by_reference);
        match event.kind {
            Kind::Sale => settled.insert(own.map_or(event.key(), EventKey::from_id)),
            _ => event
                .sale_event_id
                .is_some_and(|sale| settled.insert(EventKey::from_id(sale))),
        };
    }
    settled
}

impl NotPaid {
    /// Returns the sale that an earlier run sent for the row: by its own id, or by the shared one if that was
    /// recorded with its own. A sale that was recorded without may be another attempt's.
    fn sent(&self, history: &dyn History) -> Option<(&Text, Essence)> {
        let recorded = |id: &Text| history.essence(EventKey::from_id(id));
        let of_shared = || recorded(&self.shared).filter(|sale| sale.has_reference(&self.own));
        let (sale, recorded) = match recorded(&self.own) {
            Some(recorded) => (&self.own, recorded),
            None => (&self.shared, of_shared()?),
        };
        let has_counted = matches!(
            history.outcome(EventKey::from_id(sale)),
            Some(Outcome::Tracked | Outcome::AlreadyTracked | Outcome::Unconfirmed) | None
        );
        (recorded.kind == Kind::Sale && has_counted).then_some((sale, recorded))
    }

    /// Returns the refund of what was paid and is not refunded yet.
    fn refund(&self, sale: &Text, recorded: &Essence, history: &dyn History) -> Option<Event> {
        let key = EventKey::from_id(sale);
        let refunded_cents = history.refunded(key).gross_cents;
        let amount_cents = recorded.paid_cents()?.checked_sub(refunded_cents)?;
        if amount_cents <= 0 {
            return None;
        }
        let customer = history.customer_of(key)?;
        let id = Text::new(format!("{sale}_not_paid"));
        let mut refund = Event::new(Kind::Refund, id, customer, self.source);
        refund.sale_event_id = Some(sale.clone());
        refund.money = recorded.money.map(|money| Money {
            amount_cents,
            ..money
        });
        let date = recorded.created_at_s.map(Timestamp::from_second);
        refund.created_at = date.and_then(Result::ok);
        Some(refund)
    }

    fn why(&self, sale: &Text) -> String {
        format!(
            "an earlier run sent its sale `{sale}`, and the row says now: {}",
            self.reason
        )
    }
}
