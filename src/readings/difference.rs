//! Describes in what two readings of one event differ, for people.

use jiff::Timestamp;

use crate::event::{Contradiction, Essence, EventRef, Money, Terms};

/// Holds one of two readings that contradict each other, as far as it can be shown.
pub(crate) struct Side<'e> {
    essence: Essence,
    /// The reading's event; `None` for the journal's, which is kept in a form that can only be compared.
    event: Option<EventRef<'e>>,
    terms: Terms,
}

impl<'e> Side<'e> {
    pub(crate) fn from_event(event: EventRef<'e>) -> Self {
        Side {
            essence: event.essence(),
            event: Some(event),
            terms: event.terms(),
        }
    }

    /// Returns the side of the journal.
    pub(crate) fn recorded(essence: Essence, terms: Terms) -> Self {
        Side {
            essence,
            event: None,
            terms,
        }
    }

    fn amount(&self) -> String {
        let Some(money) = self.essence.money else {
            return "no amount".to_owned();
        };
        match self.essence.gross_cents {
            None => money.to_string(),
            Some(amount_cents) => {
                let gross = Money {
                    amount_cents,
                    ..money
                };
                format!("{money} of {gross} paid")
            }
        }
    }

    /// Returns who the customer is: the uid if `is_by_uid`, else the email.
    fn customer(&self, is_by_uid: bool) -> Option<String> {
        let customer = self.event?.customer;
        let name = if is_by_uid {
            customer.uid
        } else {
            customer.email
        };
        name.map(|name| format!("`{name}`"))
    }

    fn sale(&self) -> Option<String> {
        Some(match self.event?.sale_event_id {
            Some(sale) => format!("`{sale}`"),
            None => "none".to_owned(),
        })
    }

    fn date(&self) -> Option<String> {
        let second = self.essence.created_at_s?;
        Timestamp::from_second(second)
            .ok()
            .map(|at| at.strftime("%Y-%m-%d").to_string())
    }

    fn reference(&self) -> Option<String> {
        let reference = self.event?.reference;
        reference.map(|reference| format!("`{reference}`"))
    }
}

/// Says in what two readings of one event differ, with both values as far as they are known.
pub(crate) fn difference_note(
    difference: Contradiction,
    here: &Side<'_>,
    there: &Side<'_>,
) -> String {
    match (
        value_of(difference, here, there),
        value_of(difference, there, here),
    ) {
        (Some(mine), Some(theirs)) => {
            format!("another {difference}: {mine} here, {theirs} there")
        }
        (Some(mine), None) => format!("another {difference} than {mine}"),
        _ => format!("another {difference}"),
    }
}

/// Returns the value of one side in which it differs from the other.
fn value_of(difference: Contradiction, of: &Side<'_>, other: &Side<'_>) -> Option<String> {
    match difference {
        Contradiction::Kind => Some(of.essence.kind.to_string()),
        Contradiction::Amount | Contradiction::Currency => Some(of.amount()),
        Contradiction::Customer => of.customer(of.essence.has_other_uid(&other.essence)),
        Contradiction::Sale => of.sale(),
        Contradiction::Reference => of.reference(),
        Contradiction::Date => of.date(),
        Contradiction::Plan
        | Contradiction::PromoCode
        | Contradiction::Promoter
        | Contradiction::Quantity
        | Contradiction::Mrr => {
            let (_, value) = of.terms.field(difference)?;
            Some(format!("`{value}`"))
        }
    }
}
