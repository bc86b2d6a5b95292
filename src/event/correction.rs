//! Describes events that turn what was sent into what an export says now.
//!
//! The API takes no changes to what was sent; a further sale or refund makes up for the difference. Its id
//! says what it corrects, `<event_id>_corrected_to_<what was paid, in cents>`, which distinguishes it from a
//! refund that the provider made.

use super::{Essence, EventKey, Kind, Money, Text};

const INFIX: &str = "_corrected_to_";

/// Describes which event a correction belongs to, and what it corrects that event to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Correction {
    /// The key of the event that is corrected.
    pub base: EventKey,
    /// The amount that was paid or paid back in all according to the correction, in minor units.
    pub paid_cents: i64,
}

impl Correction {
    /// Returns what an event of this kind and id corrects, or `None` if it is not a correction.
    pub(crate) fn from_id(kind: Kind, event_id: &str) -> Option<Self> {
        let (base, paid_cents) = event_id.rsplit_once(INFIX)?;
        let is_told = matches!(kind, Kind::Sale | Kind::Refund) && !base.is_empty();
        Some(Correction {
            base: EventKey::from_id(base),
            paid_cents: paid_cents
                .parse()
                .ok()
                .filter(|&cents| is_told && cents > 0)?,
        })
    }
}

/// Returns the `event_id` of the event that corrects the amount paid with another one.
pub(crate) fn correction_id(event_id: &str, paid_cents: i64) -> Text {
    compact_str::format_compact!("{event_id}{INFIX}{paid_cents}")
}

/// Returns the text with which the ids of all events begin that correct the event with this id.
pub(crate) fn correction_id_start(event_id: &str) -> String {
    format!("{event_id}{INFIX}")
}

/// Sums up the corrections of an event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Corrected {
    /// The amount that the corrections add to what counts, in minor units; negative if they reduce it.
    pub more_cents: i64,
    /// The amount that was paid with the event in all, in minor units.
    pub paid_cents: i64,
}

impl Corrected {
    /// Adds a correction of an event of the kind `base`: another one of that kind adds, one that reverses
    /// it takes away.
    pub fn add(&mut self, base: Kind, kind: Kind, amount_cents: i64, paid_cents: i64) {
        let sign = if kind == base { 1 } else { -1 };
        self.more_cents = self.more_cents.saturating_add(sign * amount_cents);
        self.paid_cents = paid_cents;
    }

    /// Returns what was recorded of an event, with these corrections applied.
    pub fn applied_to(self, recorded: &Essence) -> Essence {
        let money = recorded.money.map(|money| Money {
            amount_cents: money.amount_cents.saturating_add(self.more_cents),
            ..money
        });
        let counted_cents = money.map(|money| money.amount_cents);
        Essence {
            money,
            gross_cents: Some(self.paid_cents).filter(|&paid| Some(paid) != counted_cents),
            is_gross_unknown: false,
            is_corrected: true,
            ..*recorded
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_it_corrects() {
        let id = correction_id("in_corrected_to_1", 4_500);
        let correction = Correction::from_id(Kind::Refund, &id).unwrap();
        assert_eq!(correction.base, EventKey::from_id("in_corrected_to_1"));
        assert_eq!(correction.paid_cents, 4_500);
        for other in [
            "in_1",
            "_corrected_to_5",
            "in_1_corrected_to_",
            "in_1_corrected_to_x",
        ] {
            assert_eq!(Correction::from_id(Kind::Refund, other), None, "{other}");
        }
        assert_eq!(Correction::from_id(Kind::Cancellation, &id), None);
    }
}
