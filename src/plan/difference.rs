//! In what two readings of one event differ, for people.

use crate::event::{Contradiction, Essence, EventRef, Money};

/// One of two readings that contradict each other, as far as it can be shown.
pub(super) struct Side<'e> {
    essence: Essence,
    /// The journal's is kept in a form in which it can only be compared.
    event: Option<EventRef<'e>>,
}

impl<'e> Side<'e> {
    pub(super) fn of(event: EventRef<'e>) -> Self {
        Side {
            essence: event.essence(),
            event: Some(event),
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

    /// By what decides who it is: the uid if `by_uid`, else the email.
    fn customer(&self, by_uid: bool) -> Option<String> {
        let customer = self.event?.customer;
        let name = match by_uid {
            true => customer.uid,
            false => customer.email,
        };
        name.map(|name| format!("`{name}`"))
    }

    fn sale(&self) -> Option<String> {
        Some(match self.event?.sale_event_id {
            Some(sale) => format!("`{sale}`"),
            None => "none".to_owned(),
        })
    }

    fn has_uid(&self) -> bool {
        self.event.is_none_or(|event| event.customer.uid.is_some())
    }
}

impl From<Essence> for Side<'_> {
    fn from(essence: Essence) -> Self {
        Side {
            essence,
            event: None,
        }
    }
}

pub(super) fn difference_note(
    difference: Contradiction,
    here: &Side<'_>,
    there: &Side<'_>,
) -> String {
    let by_uid = here.has_uid() && there.has_uid();
    let (mine, theirs) = match difference {
        Contradiction::Kind => (
            Some(here.essence.kind.to_string()),
            Some(there.essence.kind.to_string()),
        ),
        Contradiction::Amount | Contradiction::Currency => {
            (Some(here.amount()), Some(there.amount()))
        }
        Contradiction::Customer => (here.customer(by_uid), there.customer(by_uid)),
        Contradiction::Sale => (here.sale(), there.sale()),
    };
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => {
            format!("another {difference}: {mine} here, {theirs} there")
        }
        (Some(mine), None) => format!("another {difference} than {mine}"),
        _ => format!("another {difference}"),
    }
}
