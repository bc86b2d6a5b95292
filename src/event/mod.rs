//! Defines what is sent to the Tracking API: sales, refunds, cancellations and sign-ups.
//!
//! This module uses nothing else in the crate. Money is an integer number of minor units with its currency
//! beside it ([`Money`]); a customer is an email, a uid, or both ([`Customer`]); two readings of the same
//! event either agree or contradict each other ([`Essence::contradicts`]).

mod carried;
mod conversion;
mod correction;
mod customer;
mod days;
mod decimals;
mod details;
mod essence;
mod events;
mod money;
pub(crate) mod packed;
mod packed_details;
mod refunded;
mod shared_uid;
mod tally;
mod terms;
mod ties;
mod undo;
mod view;

pub(crate) use carried::Carried;
pub(crate) use conversion::{Conversion, ConvertedRefunds, Original};
pub use correction::Corrected;
pub(crate) use correction::{Correction, correction_id, correction_id_start};
pub use customer::{Customer, CustomerRef};
pub(crate) use days::{day_in, end_of_day_in, is_midnight};
pub use decimals::Decimals;
pub use details::Details;
pub(crate) use details::{
    DETAIL_COUNT, DETAILS, Detail, DetailSlot, DetailStorage, DetailValue, detail_place,
};
pub(crate) use essence::Contradiction;
pub use essence::Essence;
pub(crate) use events::EventNumbers;
pub use events::Events;
pub(crate) use money::ParsedAmount;
pub use money::{AmountError, AmountFormat, AmountUnit, Currency, Money};
pub(crate) use money::{in_units, share_cents};
pub use refunded::Refunded;
pub(crate) use refunded::{
    NOT_PAID, PAID_AFTER_ALL, TOTAL_FELL, fell_to_id, is_beside_totals, total_fallen_to,
};
pub use shared_uid::NamedUids;
pub(crate) use shared_uid::{EmailsOfUid, UidStanding};
#[cfg(feature = "polars")]
pub(crate) use tally::by_kind;
pub use tally::{Sum, Tally};
pub(crate) use terms::{TermNames, Terms};
pub(crate) use ties::Ties;
pub use undo::UndoState;
pub(crate) use undo::{is_undo, undo_id, undone_sale};
pub use view::EventRef;

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use essence::paid_cents;
pub(crate) use essence::{EssenceParts, PromoterNames};

/// The remark on a refund that its export does not date.
pub(crate) const DATED_AS_SALE: &str = "the export has no date for the refund: dated as its sale";

/// The beginning of the remark on a sale that the account has under another id, which follows.
pub(crate) const IN_ACCOUNT: &str = "already in the account as ";

/// The beginning of the remark on a sale that the account may have under another id, which follows.
pub(crate) const MAYBE_IN_ACCOUNT: &str = "perhaps in the account as ";

/// The beginning of the remark on an event whose sale the account has with another amount, which follows.
pub(crate) const OTHER_AMOUNT_IN_ACCOUNT: &str = "in the account with another amount: ";

/// The beginning of the remark on an event whose sale the account has under its id of another customer, which follows.
pub(crate) const OTHER_CUSTOMER_IN_ACCOUNT: &str = "in the account, of another customer: ";

/// The beginning of the remark on a refund of a sale whose commission is denied in the account, which follows.
pub(crate) const DENIED_IN_ACCOUNT: &str = "denied in the account: ";

/// The remark on a sale of which nothing says whether the account has it under another id.
pub(crate) const NOT_COMPARED_WITH_ACCOUNT: &str = "not compared with the account: it has no date, or another currency than the account's commissions";

/// The remark on a refund that was compared with the account's refunds.
pub(crate) const COMPARED_WITH_REFUNDS: &str = "compared with the account's refunds";

/// Returns the part of a note that says how what was compared with the account was found there.
pub(crate) fn remark_on_account(note: &str) -> Option<&str> {
    let is_remark = |part: &&str| REMARKS_ON_ACCOUNT.iter().any(|it| part.starts_with(it));
    note.split("; ").find(is_remark)
}

/// The beginnings of all remarks on what was compared with the account and is held on request.
const REMARKS_ON_ACCOUNT: [&str; 6] = [
    IN_ACCOUNT,
    MAYBE_IN_ACCOUNT,
    OTHER_AMOUNT_IN_ACCOUNT,
    OTHER_CUSTOMER_IN_ACCOUNT,
    DENIED_IN_ACCOUNT,
    NOT_COMPARED_WITH_ACCOUNT,
];

/// A short text that is kept by the million: an id, an email. Up to 24 bytes are stored in place, without an
/// allocation.
pub type Text = compact_str::CompactString;

/// Names the four calls of the Tracking API.
///
/// Their order is the one in which events of the same customer and the same instant are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A lead signed up through a promoter.
    Signup,
    /// A customer paid.
    Sale,
    /// Money of a sale was paid back.
    Refund,
    /// A subscription ended.
    Cancellation,
}

impl Kind {
    /// Every kind, in the order of the machine output.
    pub const ALL: [Kind; 4] = [Kind::Sale, Kind::Refund, Kind::Cancellation, Kind::Signup];

    /// Returns the word that is used in files, in the journal and in the API's paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Signup => "signup",
            Kind::Sale => "sale",
            Kind::Refund => "refund",
            Kind::Cancellation => "cancellation",
        }
    }

    /// Returns `true` if events of this kind carry an amount.
    pub fn has_amount(self) -> bool {
        matches!(self, Kind::Sale | Kind::Refund)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Kind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.to_owned()))
    }
}

/// Reports a word that is not one of the four kinds.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a kind of event; kinds are sale, refund, cancellation, signup")]
pub struct UnknownKind(String);

/// Locates an event or a row: the export's place in the job, and the line on which the record starts (the
/// header is line 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExportLine {
    /// The index of the export among the job's inputs, from 0.
    pub input: usize,
    /// The line of the record's first byte, from 1.
    pub line: u64,
}

/// Holds one event to send to the Tracking API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The call that the event is sent by.
    pub kind: Kind,
    event_id: Text,
    key: EventKey,
    /// The `event_id` of the sale that a refund reverses; `None` for other kinds.
    pub sale_event_id: Option<Text>,
    /// Another id of the payment: that of the charge beside that of the invoice, say. A refund may
    /// name its sale by it; on a refund it is another id of its sale.
    pub reference: Option<Text>,
    /// `true` if `reference` distinguishes payments: it is then the `event_id` of a further payment whose own
    /// `event_id` another payment has.
    pub is_distinguished_by_reference: bool,
    /// `true` if several payments may share its id, and nothing in its row distinguishes it from them: an
    /// export names the invoice, and not the charge.
    pub is_named_by_shared_id_alone: bool,
    /// The customer whom the event belongs to.
    pub customer: Customer,
    /// The amount: positive for sales and refunds, absent for the others.
    pub money: Option<Money>,
    /// The amount that the export has, if `money` was converted from it.
    pub original: Option<Box<Original>>,
    /// The amount that was paid or paid back in all, with tax and shipping, where `money` is without them and
    /// the export has both; in minor units of the currency of [`Event::read_money`].
    pub gross_cents: Option<i64>,
    /// The running total that a refund was read from, in minor units of the currency of
    /// [`Event::read_money`].
    pub refund_total_cents: Option<i64>,
    /// `true` if a sale's row has a running total of refunds, and that is zero.
    pub has_no_refunds: bool,
    /// The billing provider's plan id.
    pub plan: Option<Text>,
    /// The time when the event happened, as the export says.
    pub created_at: Option<Timestamp>,
    /// `true` if the export says only the day, and not in which zone: `created_at` is its midnight in UTC.
    pub is_day: bool,
    /// The place where the event was read; `None` if no export of the job has it, as with a refund that undoes a
    /// sale.
    pub source: Option<ExportLine>,
    /// `true` if the event was corrected after the API had refused it: it replaces what the journal has under
    /// its id.
    pub is_fixed_after_refusal: bool,
    /// The note for a reader of the plan: how a refund was linked, which date was taken.
    pub note: Text,
    details: Option<Box<Details>>,
}

/// Shared by the many events that have no details.
static NO_DETAILS: Details = Details::NONE;

impl Event {
    /// Returns an event that an export has, with only the fields that every event has. `event_id` is its
    /// idempotency key: unique within the account, never reused by a refund for its sale.
    pub fn new(kind: Kind, event_id: Text, customer: Customer, source: ExportLine) -> Self {
        let key = EventKey::from_id(&event_id);
        Event::with_key(kind, (event_id, key), customer, Some(source))
    }

    /// Returns the same event as [`Event::new`], for one that no export has.
    pub(crate) fn without_source(kind: Kind, event_id: Text, customer: Customer) -> Self {
        let key = EventKey::from_id(&event_id);
        Event::with_key(kind, (event_id, key), customer, None)
    }

    /// Derives another event from this one: of the same row, customer and time.
    pub(crate) fn derive_event(&self, kind: Kind, event_id: Text) -> Self {
        let key = EventKey::from_id(&event_id);
        let mut event = Event::with_key(kind, (event_id, key), self.customer.clone(), self.source);
        event.created_at = self.created_at;
        event.is_day = self.is_day;
        event
    }

    /// Returns the same event as [`Event::new`], for callers that have the key of the id.
    pub(crate) fn with_key(
        kind: Kind,
        (event_id, key): (Text, EventKey),
        customer: Customer,
        source: Option<ExportLine>,
    ) -> Self {
        Event {
            kind,
            key,
            event_id,
            sale_event_id: None,
            reference: None,
            is_distinguished_by_reference: false,
            is_named_by_shared_id_alone: false,
            customer,
            money: None,
            original: None,
            gross_cents: None,
            refund_total_cents: None,
            has_no_refunds: false,
            plan: None,
            created_at: None,
            is_day: false,
            source,
            is_fixed_after_refusal: false,
            note: Text::default(),
            details: None,
        }
    }

    /// Returns the idempotency key: unique within the account, never reused by a refund for its sale.
    pub fn event_id(&self) -> &str {
        &self.event_id
    }

    /// Sets another idempotency key, and with it another key.
    pub(crate) fn set_event_id(&mut self, event_id: Text) {
        self.key = EventKey::from_id(&event_id);
        self.event_id = event_id;
    }

    /// Shows the event under another id, for a report that is shared. Its key does not change.
    pub(crate) fn show_as(&mut self, event_id: Text) {
        self.event_id = event_id;
    }

    /// Returns the fields that few events have; all of them are empty for the others.
    pub fn details(&self) -> &Details {
        self.details.as_deref().unwrap_or(&NO_DETAILS)
    }

    /// Returns the line of the export that has the event, if one has it.
    pub fn line(&self) -> Option<u64> {
        self.source.map(|source| source.line)
    }

    /// Replaces the event's details.
    pub fn set_details(&mut self, details: Details) {
        self.details = (details != NO_DETAILS).then(|| Box::new(details));
    }

    /// Fills in what this event lacks from another reading of it: its plan, its details, another id of it
    /// and, where the amount is the same, what was paid in all.
    pub fn complete_from(&mut self, other: &Event) {
        self.reference = self.reference.take().or_else(|| other.reference.clone());
        if self.read_money() == other.read_money() {
            self.gross_cents = self.gross_cents.or(other.gross_cents);
            self.refund_total_cents = self.refund_total_cents.or(other.refund_total_cents);
        }
        self.plan = self.plan.take().or_else(|| other.plan.clone());
        if *other.details() != NO_DETAILS {
            let mut details = self.details().clone();
            details.complete_from(other.details());
            self.set_details(details);
        }
    }

    /// Appends a remark to the note, unless the note has it.
    pub fn remark(&mut self, text: &str) {
        if self.note.split("; ").any(|said| said == text) {
            return;
        }
        if !self.note.is_empty() {
            self.note.push_str("; ");
        }
        self.note.push_str(text);
    }

    /// Returns the key that identifies the event in memory and in the journal.
    pub fn key(&self) -> EventKey {
        self.key
    }

    /// Returns what was paid or paid back in all, in minor units, as far as it is known.
    pub fn paid_cents(&self) -> Option<i64> {
        paid_cents(self.gross_cents, self.read_money())
    }

    /// Returns the amount as the export has it, converted or not.
    pub fn read_money(&self) -> Option<Money> {
        let original = self.original.as_ref().map(|original| original.money);
        original.or(self.money)
    }

    /// Returns what must not differ between two readings of this event. Rates may: the amount of the export
    /// is what counts.
    pub fn essence(&self) -> Essence {
        Essence::from_parts(EssenceParts {
            kind: self.kind,
            money: self.read_money(),
            gross_cents: self.gross_cents,
            refund_total_cents: self.refund_total_cents,
            sale_event_id: self.sale_event_id.as_deref(),
            reference: self.reference.as_deref(),
            customer: self.customer.borrowed(),
            created_at: self.created_at,
            promoter: self.details().promoter_names(),
        })
    }
}

/// Maps an [`EventKey`] to a value.
pub(crate) type KeyMap<V> = HashMap<EventKey, V, BuildHasherDefault<KeyHasher>>;

/// Maps a hash to a value.
pub(crate) type HashedMap<V> = HashMap<u64, V, BuildHasherDefault<KeyHasher>>;

/// Hashes an [`EventKey`], or another hash, by taking its start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut start = [0; 8];
            start[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(start);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Identifies an event by the first 128 bits of the SHA-256 of its `event_id`.
///
/// A key is short enough to keep millions in memory; a collision among a thousand million ids is less likely
/// than one in 10^20.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventKey(pub [u8; 16]);

impl EventKey {
    /// Returns the key of an `event_id`.
    pub fn from_id(event_id: &str) -> Self {
        let digest = Sha256::digest(event_id.as_bytes());
        let mut key = [0; 16];
        key.copy_from_slice(&digest[..16]);
        EventKey(key)
    }

    /// Returns the first half of the key: keys that differ in it are different.
    pub(crate) fn start(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

/// Returns the `event_id` of a refund that an export gives as a running total on its sale's row: `<sale
/// event_id>_refund_<running total in cents>`.
pub(crate) fn running_total_refund_id(sale_event_id: &str, total_cents: i64) -> Text {
    compact_str::format_compact!("{sale_event_id}_refund_{total_cents}")
}

/// Returns the sale whose running total a refund is, by the id that [`running_total_refund_id`] gives it: `X` of
/// `X_refund_3000`.
pub(crate) fn sale_of_running_total(event_id: &str) -> Option<&str> {
    let (sale, total) = event_id.rsplit_once("_refund_")?;
    let is_total = !total.is_empty() && total.bytes().all(|byte| byte.is_ascii_digit());
    (is_total && !sale.is_empty()).then_some(sale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sale(amount_cents: i64, uid: &str) -> Event {
        let customer = Customer::new(Some("a@example.com"), Some(uid));
        let source = ExportLine { input: 0, line: 2 };
        let mut event = Event::new(Kind::Sale, "in_1".into(), customer, source);
        event.money = Some(Money {
            amount_cents,
            currency: Currency::from_code("USD").unwrap(),
        });
        event
    }

    fn contradiction(one: &Event, other: &Event) -> Option<Contradiction> {
        one.essence().contradicts(&other.essence())
    }

    #[test]
    fn the_same_id_contradicts_itself_by_kind_amount_currency_and_customer_only() {
        let first = sale(800, "cus_1");
        let mut later = first.clone();
        later.created_at = Some(Timestamp::UNIX_EPOCH);
        later.plan = Some("pro".into());
        assert_eq!(contradiction(&first, &later), None);

        assert_eq!(
            contradiction(&first, &sale(900, "cus_1")),
            Some(Contradiction::Amount)
        );
        assert_eq!(
            contradiction(&first, &sale(800, "cus_2")),
            Some(Contradiction::Customer)
        );

        let mut euros = first.clone();
        euros.money = Some(Money {
            amount_cents: 800,
            currency: Currency::from_code("EUR").unwrap(),
        });
        assert_eq!(contradiction(&first, &euros), Some(Contradiction::Currency));

        let mut refund = first.clone();
        refund.kind = Kind::Refund;
        assert_eq!(contradiction(&first, &refund), Some(Contradiction::Kind));
    }

    #[test]
    fn a_running_total_is_identified_by_its_total_and_not_by_its_difference() {
        let mut whole = sale(5000, "cus_1");
        whole.kind = Kind::Refund;
        whole.refund_total_cents = Some(5000);
        let mut rest = whole.clone();
        rest.money = rest.money.map(|money| Money {
            amount_cents: 2000,
            ..money
        });
        assert_eq!(contradiction(&whole, &rest), None);
    }

    #[test]
    fn a_reading_without_tax_agrees_with_one_that_knows_only_what_was_paid() {
        let paid = sale(1190, "cus_1");
        let mut net = sale(1000, "cus_1");
        net.gross_cents = Some(1190);
        assert_eq!(contradiction(&net, &paid), None);
        assert_eq!(contradiction(&paid, &net), None);
        let mut other_net = sale(990, "cus_1");
        other_net.gross_cents = Some(1190);
        assert_eq!(contradiction(&net, &other_net), Some(Contradiction::Amount));
        assert_eq!(
            contradiction(&net, &sale(1000, "cus_1")),
            Some(Contradiction::Amount)
        );
    }

    #[test]
    fn an_amount_that_may_be_with_or_without_tax_agrees_with_either() {
        let mut net = sale(1000, "cus_1");
        net.gross_cents = Some(1190);
        let kept = |cents| Essence {
            is_gross_unknown: true,
            ..sale(cents, "cus_1").essence()
        };
        for (cents, expected) in [
            (1000, None),
            (1190, None),
            (190, Some(Contradiction::Amount)),
        ] {
            assert_eq!(net.essence().contradicts(&kept(cents)), expected);
            assert_eq!(kept(cents).contradicts(&net.essence()), expected);
        }
    }

    #[test]
    fn the_uid_decides_who_it_is_and_else_the_email_without_case() {
        let somebody = |email, uid| {
            let mut event = sale(800, "");
            event.customer = Customer::new(email, uid);
            event
        };
        let old = somebody(Some("old@example.com"), Some("cus_1"));
        let new = somebody(Some("new@example.com"), Some("cus_1"));
        let stranger = somebody(Some("old@example.com"), Some("cus_2"));
        let by_email = somebody(Some(" OLD@Example.com "), None);
        let by_uid = somebody(None, Some("cus_9"));
        assert_eq!(contradiction(&old, &new), None);
        assert_eq!(
            contradiction(&old, &stranger),
            Some(Contradiction::Customer)
        );
        assert_eq!(contradiction(&old, &by_email), None);
        assert_eq!(
            contradiction(&new, &by_email),
            Some(Contradiction::Customer)
        );
        assert_eq!(contradiction(&by_email, &by_uid), None);
    }

    #[test]
    fn kinds_are_read_as_they_are_written() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse::<Kind>().unwrap(), kind);
        }
        assert!("Sale".parse::<Kind>().is_err());
    }
}
