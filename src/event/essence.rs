//! Defines what two readings of one event must agree in.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::packed::{Currencies, KINDS, RecordReader, write_signed};
use super::{CustomerRef, EventKey, Kind, Money};

/// Holds what two readings of the same `event_id` must agree in. It is small enough to keep for every event
/// that the journal knows.
///
/// Plans and notes may differ between two exports of the same event; kind, amount, currency, customer, sale
/// and reference may not. How far dates may differ depends on the exports, so [`Essence::contradicts`] does
/// not compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Essence {
    /// The call that the event is sent by.
    pub kind: Kind,
    /// The amount and currency that were read, as in [`Event::read_money`](super::Event::read_money).
    pub money: Option<Money>,
    /// The amount that was paid in all, as in [`Event::gross_cents`](super::Event::gross_cents).
    pub gross_cents: Option<i64>,
    /// `true` if what was paid in all was not kept, so that `money` may be all of it or a part.
    pub is_gross_unknown: bool,
    /// `true` if a further event has corrected this one. What counts then depends on the refunds before that,
    /// and is not compared.
    pub is_corrected: bool,
    /// The running total of refunds, as in [`Event::refund_total_cents`](super::Event::refund_total_cents).
    pub refund_total_cents: Option<i64>,
    /// The key of the sale that a refund reverses.
    pub sale: Option<EventKey>,
    /// The time of the event, in seconds since 1970-01-01 UTC.
    pub created_at_s: Option<i64>,
    pub(super) reference: Option<u64>,
    pub(super) email: Option<u64>,
    pub(super) uid: Option<u64>,
    /// What names the promoter of a sale: the promo code, the referral id, the tracking id.
    pub(super) promoter: [Option<u64>; 3],
}

/// Borrows what names the promoter of a sale.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PromoterNames<'e> {
    pub(crate) promo_code: Option<&'e str>,
    pub(crate) ref_id: Option<&'e str>,
    pub(crate) tid: Option<&'e str>,
}

impl PromoterNames<'_> {
    /// Returns `true` if anything names a promoter.
    pub(crate) fn is_any(self) -> bool {
        self.promo_code.or(self.ref_id).or(self.tid).is_some()
    }
}

/// Holds the parts of an event that make its [`Essence`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct EssenceParts<'e> {
    pub(crate) kind: Kind,
    pub(crate) money: Option<Money>,
    pub(crate) gross_cents: Option<i64>,
    pub(crate) refund_total_cents: Option<i64>,
    pub(crate) sale_event_id: Option<&'e str>,
    pub(crate) reference: Option<&'e str>,
    pub(crate) customer: CustomerRef<'e>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) promoter: PromoterNames<'e>,
}

impl Essence {
    /// Returns the essence of an event with these parts.
    pub(crate) fn from_parts(parts: EssenceParts<'_>) -> Self {
        // A refund's reference names its sale, which `sale` does already.
        let is_refund = parts.kind == Kind::Refund;
        let (email, uid) = parts.customer.hashes();
        let promoter = parts.promoter;
        let promoter = [promoter.promo_code, promoter.ref_id, promoter.tid];
        let is_sale = parts.kind == Kind::Sale;
        Essence {
            kind: parts.kind,
            money: parts.money,
            gross_cents: parts.gross_cents,
            is_gross_unknown: false,
            is_corrected: false,
            refund_total_cents: parts.refund_total_cents,
            sale: parts.sale_event_id.map(EventKey::from_id),
            created_at_s: parts.created_at.map(Timestamp::as_second),
            reference: parts.reference.filter(|_| !is_refund).map(fingerprint),
            email,
            uid,
            promoter: promoter.map(|name| name.filter(|_| is_sale).map(fingerprint)),
        }
    }

    /// Appends the essence to a record.
    pub(crate) fn write(&self, record: &mut Vec<u8>, currencies: &mut Currencies) {
        let parts = [
            (MONEY, self.money.is_some()),
            (GROSS, self.gross_cents.is_some()),
            (GROSS_IS_UNKNOWN, self.is_gross_unknown),
            (TOTAL, self.refund_total_cents.is_some()),
            (SALE, self.sale.is_some()),
            (DATE, self.created_at_s.is_some()),
            (REFERENCE, self.reference.is_some()),
            (EMAIL, self.email.is_some()),
            (UID, self.uid.is_some()),
            (PROMO_CODE, self.promoter[0].is_some()),
            (REF_ID, self.promoter[1].is_some()),
            (TID, self.promoter[2].is_some()),
        ];
        let has = parts.iter().filter(|(_, is_there)| *is_there);
        record.push(self.kind as u8);
        let has: u16 = has.fold(0, |all, (part, _)| all | part);
        record.extend_from_slice(&has.to_le_bytes());
        if let Some(money) = self.money {
            currencies.write(record, money);
        }
        let numbers = [self.gross_cents, self.refund_total_cents, self.created_at_s];
        for number in numbers.into_iter().flatten() {
            write_signed(record, number);
        }
        if let Some(sale) = self.sale {
            record.extend_from_slice(&sale.0);
        }
        let names = [self.reference, self.email, self.uid];
        for name in names.into_iter().chain(self.promoter).flatten() {
            record.extend_from_slice(&name.to_le_bytes());
        }
    }

    /// Reads an essence back from a record.
    pub(crate) fn read(from: &mut RecordReader<'_>, currencies: &Currencies) -> Self {
        let kind = KINDS[usize::from(from.byte())];
        let parts = u16::from_le_bytes([from.byte(), from.byte()]);
        let has = |part: u16| parts & part != 0;
        Essence {
            kind,
            money: has(MONEY).then(|| currencies.read(from)),
            gross_cents: from.signed_if(has(GROSS)),
            is_gross_unknown: has(GROSS_IS_UNKNOWN),
            is_corrected: false,
            refund_total_cents: from.signed_if(has(TOTAL)),
            created_at_s: from.signed_if(has(DATE)),
            sale: has(SALE).then(|| from.key()),
            reference: has(REFERENCE).then(|| from.hash()),
            email: has(EMAIL).then(|| from.hash()),
            uid: has(UID).then(|| from.hash()),
            promoter: [PROMO_CODE, REF_ID, TID].map(|part| has(part).then(|| from.hash())),
        }
    }

    /// Returns what was paid or paid back in all, in minor units, as far as it is known.
    pub fn paid_cents(&self) -> Option<i64> {
        paid_cents(self.gross_cents, self.money)
    }

    /// Returns `true` if less of a sale counts than an earlier reading of the same payment said.
    pub fn counts_less_than(&self, earlier: &Essence) -> bool {
        let is_same = self.kind == Kind::Sale && self.paid_cents() == earlier.paid_cents();
        is_same
            && !earlier.is_gross_unknown
            && self.money.zip(earlier.money).is_some_and(|(now, then)| {
                now.currency == then.currency && now.amount_cents < then.amount_cents
            })
    }

    /// Returns `true` if both name the same amount. One reading may know what was paid in all and what of it
    /// counts, the other only the first: they agree if what was paid does. If one may be either, either is
    /// enough.
    fn has_amount_of(&self, other: &Essence) -> bool {
        if let (Some(mine), Some(theirs)) = (self.refund_total_cents, other.refund_total_cents) {
            return mine == theirs;
        }
        if self.is_corrected || other.is_corrected {
            return self.paid_cents() == other.paid_cents();
        }
        if (self.is_gross_unknown || other.is_gross_unknown) && self.money == other.money {
            return true;
        }
        match (self.gross_cents, other.gross_cents) {
            (Some(_), None) | (None, Some(_)) => self.paid_cents() == other.paid_cents(),
            _ => self.money == other.money,
        }
    }

    /// Returns in what the two differ so that only one can be true, or `None` if they agree.
    ///
    /// A refund that was read from a running total is identified by that total, since its own amount depends
    /// on which earlier totals were seen. A refund belongs to the customer of its sale, so the customers of
    /// two refunds of one sale are not compared. The uid decides who the customer is where both have one (a
    /// customer may change the email between two exports), else the email does; with nothing to compare there
    /// is no contradiction. Two references are two payments.
    pub fn contradicts(&self, other: &Essence) -> Option<Contradiction> {
        if self.kind != other.kind {
            return Some(Contradiction::Kind);
        }
        if self.money.map(|m| m.currency) != other.money.map(|m| m.currency) {
            return Some(Contradiction::Currency);
        }
        if self.sale != other.sale {
            return Some(Contradiction::Sale);
        }
        let references = self.reference.zip(other.reference);
        if references.is_some_and(|(mine, theirs)| mine != theirs) {
            return Some(Contradiction::Reference);
        }
        if !self.has_amount_of(other) {
            return Some(Contradiction::Amount);
        }
        if self.sale.is_some() || self.has_customer_of(other) {
            return None;
        }
        Some(Contradiction::Customer)
    }

    /// Returns `true` if nothing shows that the two have different customers: the uid decides where both have
    /// one, else the email.
    pub(crate) fn has_customer_of(&self, other: &Essence) -> bool {
        match (self.uid.zip(other.uid), self.email.zip(other.email)) {
            (Some((mine, theirs)), _) | (None, Some((mine, theirs))) => mine == theirs,
            (None, None) => true,
        }
    }

    /// Returns `true` if the two name different emails, whatever else they agree in.
    pub fn has_other_email(&self, other: &Essence) -> bool {
        let emails = self.email.zip(other.email);
        emails.is_some_and(|(mine, theirs)| mine != theirs)
    }

    /// Returns `true` if the two name different uids.
    pub(crate) fn has_other_uid(&self, other: &Essence) -> bool {
        let uids = self.uid.zip(other.uid);
        uids.is_some_and(|(mine, theirs)| mine != theirs)
    }

    /// Returns the hashes of email and uid of the customer, where it has both.
    pub(crate) fn email_and_uid(&self) -> Option<(u64, u64)> {
        self.email.zip(self.uid)
    }

    /// Returns the hash of a uid, as the essences of its events have it.
    pub(crate) fn hash_of_uid(uid: &str) -> u64 {
        fingerprint(uid)
    }

    /// Returns `true` if this one has an email or a uid of the customer where `other` has none.
    pub(crate) fn completes_customer_of(&self, other: &Essence) -> bool {
        self.email.is_some() && other.email.is_none() || self.uid.is_some() && other.uid.is_none()
    }

    /// Returns `true` if this one names the customer by an email or a uid that `other` does not have.
    pub fn names_customer_otherwise(&self, other: &Essence) -> bool {
        let is_new = |mine: Option<u64>, theirs: Option<u64>| mine.is_some() && mine != theirs;
        is_new(self.email, other.email) || is_new(self.uid, other.uid)
    }

    /// Returns `true` if this one names the promoter of a sale by a promo code, a referral id or a tracking id
    /// that `other` does not have.
    pub(crate) fn names_promoter_otherwise(&self, other: &Essence) -> bool {
        let mut names = self.promoter.iter().zip(&other.promoter);
        names.any(|(mine, theirs)| mine.is_some() && mine != theirs)
    }

    /// Returns `true` if the event has this reference.
    pub fn has_reference(&self, reference: &str) -> bool {
        self.reference == Some(fingerprint(reference))
    }

    /// Returns `true` if the event has any reference.
    pub fn has_any_reference(&self) -> bool {
        self.reference.is_some()
    }
}

impl CustomerRef<'_> {
    /// Returns hashes of email and uid, as essences have them.
    pub(crate) fn hashes(self) -> (Option<u64>, Option<u64>) {
        let is_folded = |email: &str| {
            let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
            email.bytes().all(is_lower)
        };
        let email = self.email.map(|email| {
            if is_folded(email) {
                fingerprint(email)
            } else {
                fingerprint(&email.to_lowercase())
            }
        });
        (email, self.uid.map(fingerprint))
    }
}

// Flags for the optional fields that a written essence has.
const MONEY: u16 = 1;
const GROSS: u16 = 1 << 1;
const GROSS_IS_UNKNOWN: u16 = 1 << 2;
const TOTAL: u16 = 1 << 3;
const SALE: u16 = 1 << 4;
const EMAIL: u16 = 1 << 5;
const UID: u16 = 1 << 6;
const DATE: u16 = 1 << 7;
const REFERENCE: u16 = 1 << 8;
const PROMO_CODE: u16 = 1 << 9;
const REF_ID: u16 = 1 << 10;
const TID: u16 = 1 << 11;

/// Returns what was paid in all if that was kept, or else what of it counts; in minor units.
pub(super) fn paid_cents(gross_cents: Option<i64>, read_money: Option<Money>) -> Option<i64> {
    gross_cents.or(read_money.map(|money| money.amount_cents))
}

/// Returns a 64-bit hash for comparisons within this process; it is written nowhere.
fn fingerprint(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Names in what two readings of one event differ.
///
/// Their order is that in which they are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Contradiction {
    /// One is a sale and the other a refund, for example.
    Kind,
    /// The amounts differ.
    Amount,
    /// The currencies differ.
    Currency,
    /// The emails or the uids differ.
    Customer,
    /// The refunds are of different sales.
    Sale,
    /// The references differ: two payments have the same id.
    Reference,
    /// The days differ.
    Date,
    /// The plans differ.
    Plan,
    /// The coupons differ.
    PromoCode,
    /// The promoters differ.
    Promoter,
    /// The numbers of items differ.
    Quantity,
    /// The monthly recurring revenues differ.
    Mrr,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Contradiction::Kind => "kind",
            Contradiction::Amount => "amount",
            Contradiction::Currency => "currency",
            Contradiction::Customer => "customer",
            Contradiction::Sale => "sale",
            Contradiction::Reference => "payment id",
            Contradiction::Date => "date",
            Contradiction::PromoCode => "promo code",
            Contradiction::Plan => "plan",
            Contradiction::Quantity => "quantity",
            Contradiction::Mrr => "monthly recurring revenue",
            Contradiction::Promoter => "promoter",
        })
    }
}
