//! Describes what ties an event to others on its way to the API.

use super::{CustomerRef, Event, Kind, PromoterNames};

/// Holds the customer of an event, the sale it concerns, and what may make somebody a lead. These decide
/// which events it waits for, and whether the API has to be asked. Its texts are borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ties<'e> {
    /// The call that the event is sent by.
    pub kind: Kind,
    /// The idempotency key.
    pub event_id: &'e str,
    /// The `event_id` of the sale that a refund reverses.
    pub sale_event_id: Option<&'e str>,
    /// The customer whom the event belongs to.
    pub customer: CustomerRef<'e>,
    has_promoter: bool,
}

impl<'e> Ties<'e> {
    /// Returns the ties of an event in whatever form it is: kind, `event_id`, the sale's, the customer, and
    /// what names a promoter.
    pub(crate) fn from_parts(
        kind: Kind,
        event_id: &'e str,
        sale_event_id: Option<&'e str>,
        customer: CustomerRef<'e>,
        promoter: PromoterNames<'_>,
    ) -> Self {
        Ties {
            kind,
            event_id,
            sale_event_id,
            customer,
            has_promoter: promoter.is_any(),
        }
    }

    /// Returns the `event_id` of the sale that the event is or reverses.
    pub fn sale(&self) -> Option<&'e str> {
        match self.kind {
            Kind::Sale => Some(self.event_id),
            Kind::Refund | Kind::Cancellation | Kind::Signup => self.sale_event_id,
        }
    }

    /// Returns `true` if the API may make the customer a lead because of this event.
    pub fn may_create_lead(&self) -> bool {
        self.kind == Kind::Signup || self.has_promoter
    }
}

impl Event {
    /// Returns what ties the event to others.
    pub fn ties(&self) -> Ties<'_> {
        Ties::from_parts(
            self.kind,
            self.event_id(),
            self.sale_event_id.as_deref(),
            self.customer.borrowed(),
            self.details().promoter_names(),
        )
    }
}
