//! What two readings of one event must agree in.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::packed::{Currencies, KINDS, Reader, write_signed};
use super::{EventKey, Kind, Money};

/// What two readings of the same `event_id` must agree in, small enough to keep for every event
/// that the journal knows.
///
/// Dates, plans and notes may differ between two exports of the same event; kind, amount,
/// currency, customer and sale may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Essence {
    /// Which call it is.
    pub kind: Kind,
    /// Amount and currency, as in [`Event::read_money`](super::Event::read_money).
    pub money: Option<Money>,
    /// As in [`Event::gross_cents`](super::Event::gross_cents).
    pub gross_cents: Option<i64>,
    /// Whether what was paid in all was not kept: nothing says then whether `money` is all of it.
    pub gross_is_unknown: bool,
    /// As in [`Event::refund_total_cents`](super::Event::refund_total_cents).
    pub refund_total_cents: Option<i64>,
    /// The key of the sale that a refund undoes.
    pub sale: Option<EventKey>,
    pub(super) email: Option<u64>,
    pub(super) uid: Option<u64>,
}

impl Essence {
    /// The essence of an event whose parts are at hand without the event.
    pub(crate) fn of_parts(
        kind: Kind,
        money: Option<Money>,
        gross_cents: Option<i64>,
        refund_total_cents: Option<i64>,
        sale_event_id: Option<&str>,
        email: Option<&str>,
        uid: Option<&str>,
    ) -> Self {
        Essence {
            kind,
            money,
            gross_cents,
            gross_is_unknown: false,
            refund_total_cents,
            sale: sale_event_id.map(EventKey::of),
            email: email.map(|text| fingerprint(&text.to_lowercase())),
            uid: uid.map(fingerprint),
        }
    }

    /// Writes it behind what stands in the record.
    pub(crate) fn write(&self, record: &mut Vec<u8>, currencies: &mut Currencies) {
        let parts = [
            (MONEY, self.money.is_some()),
            (GROSS, self.gross_cents.is_some()),
            (GROSS_IS_UNKNOWN, self.gross_is_unknown),
            (TOTAL, self.refund_total_cents.is_some()),
            (SALE, self.sale.is_some()),
            (EMAIL, self.email.is_some()),
            (UID, self.uid.is_some()),
        ];
        let has = parts.iter().filter(|(_, is_there)| *is_there);
        record.push(self.kind as u8);
        record.push(has.fold(0, |all, (part, _)| all | part));
        if let Some(money) = self.money {
            currencies.write(record, money);
        }
        let cents = [self.gross_cents, self.refund_total_cents];
        for cents in cents.into_iter().flatten() {
            write_signed(record, cents);
        }
        if let Some(sale) = self.sale {
            record.extend_from_slice(&sale.0);
        }
        for name in [self.email, self.uid].into_iter().flatten() {
            record.extend_from_slice(&name.to_le_bytes());
        }
    }

    /// Reads back what was written.
    pub(crate) fn read(from: &mut Reader<'_>, currencies: &Currencies) -> Self {
        let kind = KINDS[usize::from(from.byte())];
        let parts = from.byte();
        let has = |part: u8| parts & part != 0;
        Essence {
            kind,
            money: has(MONEY).then(|| currencies.read(from)),
            gross_cents: from.signed_if(has(GROSS)),
            gross_is_unknown: has(GROSS_IS_UNKNOWN),
            refund_total_cents: from.signed_if(has(TOTAL)),
            sale: has(SALE).then(|| from.key()),
            email: has(EMAIL).then(|| from.hash()),
            uid: has(UID).then(|| from.hash()),
        }
    }

    /// What was paid or paid back in all, as far as it is known.
    pub fn paid_cents(&self) -> Option<i64> {
        paid_cents(self.gross_cents, self.money)
    }

    /// Whether both name the same amount. One reading may know what was paid in all and what of it
    /// counts, the other only the first: they agree where what was paid does. Of one that may be
    /// either, either is enough.
    fn has_amount_of(&self, other: &Essence) -> bool {
        if let (Some(mine), Some(theirs)) = (self.refund_total_cents, other.refund_total_cents) {
            return mine == theirs;
        }
        if (self.gross_is_unknown || other.gross_is_unknown) && self.money == other.money {
            return true;
        }
        match (self.gross_cents, other.gross_cents) {
            (Some(_), None) | (None, Some(_)) => self.paid_cents() == other.paid_cents(),
            _ => self.money == other.money,
        }
    }

    /// In what the two differ so that only one can be true.
    ///
    /// A refund that was read from a running total is told by that total, since its own amount
    /// depends on which earlier totals were seen. The uid decides who the customer is where both
    /// have one (a customer may change the email between two exports), else the email does; with
    /// nothing to compare there is no contradiction.
    pub fn contradicts(&self, other: &Essence) -> Option<Contradiction> {
        if self.kind != other.kind {
            return Some(Contradiction::Kind);
        }
        if self.money.map(|m| m.currency) != other.money.map(|m| m.currency) {
            return Some(Contradiction::Currency);
        }
        if !self.has_amount_of(other) {
            return Some(Contradiction::Amount);
        }
        if self.sale != other.sale {
            return Some(Contradiction::Sale);
        }
        let same_customer = match (self.uid.zip(other.uid), self.email.zip(other.email)) {
            (Some((mine, theirs)), _) | (None, Some((mine, theirs))) => mine == theirs,
            (None, None) => true,
        };
        (!same_customer).then_some(Contradiction::Customer)
    }
}

// What a written essence has of that which it may be without.
const MONEY: u8 = 1;
const GROSS: u8 = 1 << 1;
const GROSS_IS_UNKNOWN: u8 = 1 << 2;
const TOTAL: u8 = 1 << 3;
const SALE: u8 = 1 << 4;
const EMAIL: u8 = 1 << 5;
const UID: u8 = 1 << 6;

/// What was paid in all, where that was kept, or else what of it counts.
pub(super) fn paid_cents(gross_cents: Option<i64>, read_money: Option<Money>) -> Option<i64> {
    gross_cents.or(read_money.map(|money| money.amount_cents))
}

/// A 64-bit hash for comparisons within this process; it is written nowhere.
fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// In what two readings of one event differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// A sale here, a refund there.
    Kind,
    /// Other minor units.
    Amount,
    /// Another currency.
    Currency,
    /// Another email or uid.
    Customer,
    /// Refunds of different sales.
    Sale,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Contradiction::Kind => "kind",
            Contradiction::Amount => "amount",
            Contradiction::Currency => "currency",
            Contradiction::Customer => "customer",
            Contradiction::Sale => "sale",
        })
    }
}
