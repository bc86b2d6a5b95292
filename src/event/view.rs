//! Reads an event where it is stored among others.

use jiff::Timestamp;
use jiff::civil::Date;

use super::essence::{EssenceParts, paid_cents};
use super::packed_details;
use super::{
    CustomerRef, Details, Essence, Event, EventKey, ExportLine, Kind, Money, Original, Text,
};

/// Borrows an [`Event`] of [`Events`](super::Events), with the same fields.
#[derive(Clone, Copy)]
pub struct EventRef<'e> {
    /// The call that the event is sent by.
    pub kind: Kind,
    pub(super) event_id: &'e str,
    pub(super) key: EventKey,
    /// The `event_id` of the sale that a refund reverses.
    pub sale_event_id: Option<&'e str>,
    /// Another id of the payment.
    pub reference: Option<&'e str>,
    /// `true` if `reference` distinguishes payments.
    pub is_distinguished_by_reference: bool,
    /// `true` if several payments may share its id, and nothing in its row distinguishes it from them.
    pub is_named_by_shared_id_alone: bool,
    /// The customer whom the event belongs to.
    pub customer: CustomerRef<'e>,
    /// The event's amount.
    pub money: Option<Money>,
    pub(super) original: Option<OriginalRef<'e>>,
    /// The amount that was paid in all, in minor units.
    pub gross_cents: Option<i64>,
    /// The running total that the event was read from, in minor units.
    pub refund_total_cents: Option<i64>,
    /// `true` if the event's row has a running total of refunds, and that is zero.
    pub has_no_refunds: bool,
    /// The billing provider's plan id.
    pub plan: Option<&'e str>,
    /// The time when the event happened.
    pub created_at: Option<Timestamp>,
    /// `true` if the export says only the day.
    pub is_day: bool,
    /// The place where the event was read.
    pub source: ExportLine,
    /// `true` if the event was corrected after the API had refused it.
    pub is_fixed_after_refusal: bool,
    /// The note for a reader of the plan.
    pub note: &'e str,
    /// The details as they were written, and what follows them.
    pub(super) details: Option<&'e [u8]>,
}

/// Borrows an [`Original`].
#[derive(Clone, Copy)]
pub(super) struct OriginalRef<'e> {
    pub(super) money: Money,
    pub(super) rate: &'e str,
    pub(super) rate_date: Date,
}

impl From<OriginalRef<'_>> for Original {
    fn from(original: OriginalRef<'_>) -> Self {
        Original {
            money: original.money,
            rate: Text::new(original.rate),
            rate_date: original.rate_date,
        }
    }
}

impl<'e> EventRef<'e> {
    /// Returns the idempotency key.
    pub fn event_id(self) -> &'e str {
        self.event_id
    }

    /// Returns the key that identifies the event in memory and in the journal.
    pub fn key(&self) -> EventKey {
        self.key
    }

    /// Returns the amount that the export has, if `money` was converted from it.
    pub fn original(&self) -> Option<Original> {
        self.original.map(Original::from)
    }

    /// Returns the amount that the export has, without the rate, if `money` was converted from it.
    pub fn original_money(&self) -> Option<Money> {
        self.original.map(|original| original.money)
    }

    /// Returns `true` if the event has any of the fields that few events have.
    pub fn has_details(&self) -> bool {
        self.details.is_some()
    }

    /// Returns the fields that few events have; all of them are empty for the others.
    pub fn details(&self) -> Details {
        self.details.map(packed_details::read).unwrap_or_default()
    }

    /// Returns the amount as the export has it, converted or not.
    pub fn read_money(&self) -> Option<Money> {
        self.original_money().or(self.money)
    }

    /// Returns what was paid or paid back in all, in minor units, as far as it is known.
    pub fn paid_cents(&self) -> Option<i64> {
        paid_cents(self.gross_cents, self.read_money())
    }

    /// Returns `true` if it is a refund with an id of its own of which nothing counts, since its share of
    /// what its sale counts rounds to zero.
    pub fn is_uncounted(&self) -> bool {
        let cents = self.money.map(|money| money.amount_cents);
        self.kind == Kind::Refund && self.refund_total_cents.is_none() && cents == Some(0)
    }

    /// Returns what must not differ between two readings of this event.
    pub fn essence(&self) -> Essence {
        let details = self.details();
        Essence::from_parts(EssenceParts {
            kind: self.kind,
            money: self.read_money(),
            gross_cents: self.gross_cents,
            refund_total_cents: self.refund_total_cents,
            sale_event_id: self.sale_event_id,
            reference: self.reference,
            customer: self.customer,
            created_at: self.created_at,
            promoter: details.promoter_names(),
        })
    }

    /// Returns the event with texts of its own.
    pub fn to_event(&self) -> Event {
        Event {
            kind: self.kind,
            event_id: Text::new(self.event_id),
            key: self.key,
            sale_event_id: self.sale_event_id.map(Text::new),
            reference: self.reference.map(Text::new),
            is_distinguished_by_reference: self.is_distinguished_by_reference,
            is_named_by_shared_id_alone: self.is_named_by_shared_id_alone,
            customer: self.customer.to_customer(),
            money: self.money,
            original: self.original().map(Box::new),
            gross_cents: self.gross_cents,
            refund_total_cents: self.refund_total_cents,
            has_no_refunds: self.has_no_refunds,
            plan: self.plan.map(Text::new),
            created_at: self.created_at,
            is_day: self.is_day,
            source: Some(self.source),
            is_fixed_after_refusal: self.is_fixed_after_refusal,
            note: Text::new(self.note),
            details: self.details.map(packed_details::read).map(Box::new),
        }
    }
}

impl std::fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.to_event().fmt(f)
    }
}
