//! The two sides of an audit, as they were read: their commissions and leads, our sales and refunds.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use polars::frame::DataFrame;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::{AuditError, shown};
use crate::event::{Currency, Customer, Money};
use crate::journal::Outcome;

/// The number of records that wait until they become columns.
const BATCH: usize = 65_536;

/// The place at which something was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct SourceLocation {
    /// The file, as the user named it; of a listing, the file in which it is kept.
    pub file: String,
    /// The line on which the record starts, from 1; `None` where it is not known.
    pub line: Option<u64>,
}

impl fmt::Display for SourceLocation {
    /// Writes a place as `file.csv:12`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            None => f.write_str(&self.file),
            Some(line) => write!(f, "{}:{line}", self.file),
        }
    }
}

/// Names the promoter who gets a commission. Not every source knows all three; two are the same promoter if the
/// first of id, email (in any case of letters) and referral id that both have is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Promoter {
    /// The promoter's number at FirstPromoter.
    pub id: Option<String>,
    /// The email.
    pub email: Option<String>,
    /// The referral id.
    pub ref_id: Option<String>,
}

impl Promoter {
    /// Returns `true` if nothing is known of the promoter.
    pub fn is_unknown(&self) -> bool {
        self.id.is_none() && self.email.is_none() && self.ref_id.is_none()
    }

    /// Returns the promoter's name for readers: the email, else the referral id, else the number.
    pub fn name(&self) -> Option<&str> {
        let names = [&self.email, &self.ref_id, &self.id];
        names.into_iter().find_map(|name| name.as_deref())
    }
}

/// The decision about a commission at FirstPromoter: whether it is to be paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It will be paid, or was.
    #[default]
    Approved,
    /// Somebody has to decide yet.
    Pending,
    /// It will not be paid.
    Denied,
}

impl Status {
    /// All statuses.
    pub const ALL: [Status; 3] = [Status::Approved, Status::Pending, Status::Denied];

    /// Returns the API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Approved => "approved",
            Status::Pending => "pending",
            Status::Denied => "denied",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(word: &str) -> Result<Self, UnknownStatus> {
        let status = Status::ALL.into_iter().find(|one| one.as_str() == word);
        status.ok_or_else(|| UnknownStatus(word.to_owned()))
    }
}

/// Reports a word that is not a status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a status of a commission; they are approved, pending, denied")]
pub struct UnknownStatus(String);

/// The unit in which a commission is paid.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(untagged)]
pub enum Unit {
    /// Money, in minor units of this currency.
    Cash(Currency),
    /// Anything else, by the API's word: `credits`, `points`, `free_months`. It is matched and counted,
    /// and never added to money.
    Other(String),
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unit::Cash(currency) => currency.fmt(f),
            Unit::Other(word) => f.pad(word),
        }
    }
}

/// A commission, as FirstPromoter has it: a line of a listing, or of a CSV that was exported there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Commission {
    /// The place at which it was read.
    pub place: SourceLocation,
    /// The number of the commission at FirstPromoter. Without one, findings are distinguished by what else they have.
    pub id: Option<String>,
    /// The decision whether it is to be paid.
    pub status: Status,
    /// The unit in which it is paid; money is in the account's currency.
    pub unit: Unit,
    /// The amount; negative if a refund reverses it.
    pub amount_cents: i64,
    /// The sale it is for, as they have it, in minor units of the account's currency; negative for a
    /// refund (v1 `conversion_amount`, v2 `sale_amount`).
    pub sale_amount_cents: Option<i64>,
    /// The sale as it was reported to them, if that was in another currency (v2 only).
    #[serde(serialize_with = "money_if_any")]
    pub original_sale: Option<Money>,
    /// `true` if somebody gave it by hand, as a bonus: no sale has to exist for it (v2
    /// `commission_type` `custom`).
    pub is_by_hand: bool,
    /// The event that made it; commissions made by hand have none.
    pub event_id: Option<String>,
    /// 1 for the promoter of the customer, 2 for that promoter's own, and so on.
    pub tier: u32,
    /// `true` if several promoters share the commission of one sale; v1 doesn't say.
    pub is_split: Option<bool>,
    /// `true` if it was paid out; v1 doesn't say.
    pub is_paid: Option<bool>,
    /// The time when it was made, or the day that was given for it.
    #[serde(serialize_with = "shown")]
    pub created_at: Option<Timestamp>,
    /// The time when it was approved or denied.
    #[serde(serialize_with = "shown")]
    pub status_updated_at: Option<Timestamp>,
    /// The promoter who gets it.
    pub promoter: Promoter,
    /// The campaign's number at FirstPromoter.
    pub campaign_id: Option<String>,
    /// The campaign's name.
    pub campaign: Option<String>,
    /// The plan, as they have it.
    pub plan: Option<String>,
    /// `true` if that is the plan that the customer has now, whatever was sold (v1).
    #[serde(skip)]
    pub is_plan_of_lead: bool,
    /// The customer whose sale it is for.
    #[serde(flatten, serialize_with = "customer")]
    pub customer: Customer,
}

/// A sale or a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BilledKind {
    /// Money came in.
    Sale,
    /// Money of a sale went back.
    Refund,
}

impl BilledKind {
    /// Returns the word in files.
    pub fn as_str(self) -> &'static str {
        match self {
            BilledKind::Sale => "sale",
            BilledKind::Refund => "refund",
        }
    }
}

impl fmt::Display for BilledKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A sale or a refund of ours: an event of the journal, or of billing exports that were never sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Billed {
    /// The place at which it was read.
    pub place: SourceLocation,
    /// Sale or refund.
    pub kind: BilledKind,
    /// The idempotency key; once among all that is billed.
    pub event_id: String,
    /// The sale that a refund reverses.
    pub sale_event_id: Option<String>,
    /// Another id of the payment of a sale, such as the charge of an invoice.
    pub reference: Option<String>,
    /// The customer.
    #[serde(flatten, serialize_with = "customer")]
    pub customer: Customer,
    /// The amount that was reported to the API, or would be; positive for refunds too.
    #[serde(serialize_with = "money")]
    pub money: Money,
    /// The amount in minor units of the account's currency; absent if the API converts and nobody
    /// else knows its rate.
    pub account_amount_cents: Option<i64>,
    /// If that is absent: the amount by the user's own rates, in minor units of the account's
    /// currency. The API converts by its own rates, so this is compared with an allowance.
    pub estimated_amount_cents: Option<i64>,
    /// The billing provider's plan id.
    pub plan: Option<String>,
    /// The time when it happened.
    #[serde(serialize_with = "shown")]
    pub created_at: Option<Timestamp>,
    /// `true` if only the day is known: then `created_at` is its beginning in the zone of the audit.
    #[serde(skip)]
    pub is_day: bool,
    /// The time when the first run that has it was started; absent if no journal has it.
    #[serde(serialize_with = "shown")]
    pub recorded_at: Option<Timestamp>,
    /// The outcome of sending it; absent if it was never sent.
    #[serde(serialize_with = "shown")]
    pub outcome: Option<Outcome>,
    /// The time when its result was known; absent if it was never sent.
    #[serde(skip)]
    pub settled_at: Option<Timestamp>,
    /// The promoter in the API's answer.
    pub promoter: Promoter,
    /// The commission in the API's answer, in minor units of the account's currency.
    pub commission_cents: Option<i64>,
    /// For a refund: the customer's bank took the money back. For a sale: it is disputed, and no refund
    /// of it stands here.
    pub is_dispute: bool,
}

/// Says to which promoter a customer belongs: a line of the leads listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferredCustomer {
    /// The customer.
    pub customer: Customer,
    /// The promoter who referred the customer.
    pub promoter: Promoter,
    /// The time when the customer became a lead: earlier sales earn nothing.
    pub created_at: Option<Timestamp>,
    /// The time when the customer first paid, by FirstPromoter.
    pub customer_since: Option<Timestamp>,
    /// `true` if the customer was moved to another promoter later, who has another lead for it.
    pub was_moved: bool,
    /// `true` if it earns nothing by now: it was denied, or is expired.
    pub is_closed: bool,
    /// The campaign's number at FirstPromoter.
    pub campaign_id: Option<String>,
    /// The campaign's name.
    pub campaign: Option<String>,
    /// Those who share its commissions with the promoter.
    pub splits: Vec<LeadSplit>,
}

/// Says which part of a lead's commissions another promoter has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeadSplit {
    /// The promoter; unknown where nothing else in the lists says who has the number.
    pub promoter: Promoter,
    /// The part in percent.
    pub percent: i64,
}

/// Collects both sides. Records become columns by the batch, so that memory holds few of them whole.
#[derive(Clone, Debug, Default)]
pub struct Sides {
    pub(super) billed: Vec<Billed>,
    pub(super) billed_columns: Option<DataFrame>,
    pub(super) commissions: Vec<Commission>,
    pub(super) commission_columns: Option<DataFrame>,
    pub(super) leads: Vec<ReferredCustomer>,
    pub(super) lead_columns: Option<DataFrame>,
    /// The ids of events of ours that are held.
    pub held_ids: HashSet<String>,
    /// The ids of events that commissions of theirs name which can't be read.
    pub unread_ids: HashSet<String>,
    /// Promoters and their own promoters, as far as a list has them.
    pub parents: Vec<(Promoter, Option<Promoter>)>,
    /// Those who share the commissions of leads, by the row of the lead.
    pub(super) splits: Vec<(u32, LeadSplit)>,
    pub(super) lead_count: u32,
}

impl Sides {
    /// Takes a sale or a refund of ours.
    ///
    /// # Errors
    ///
    /// The columns cannot be made, as [`Sides::into_frames`] says.
    pub fn add_billed(&mut self, billed: Billed) -> Result<(), AuditError> {
        self.billed.push(billed);
        if self.billed.len() < BATCH {
            Ok(())
        } else {
            Ok(self.flush_billed()?)
        }
    }

    /// Takes a commission of theirs.
    pub fn add_commission(&mut self, commission: Commission) -> Result<(), AuditError> {
        self.commissions.push(commission);
        if self.commissions.len() < BATCH {
            Ok(())
        } else {
            Ok(self.flush_commissions()?)
        }
    }

    /// Takes a lead. Without any, nothing is said about whose customer is whose.
    pub fn add_lead(&mut self, mut lead: ReferredCustomer) -> Result<(), AuditError> {
        let row = self.lead_count;
        self.splits
            .extend(lead.splits.drain(..).map(|split| (row, split)));
        self.lead_count += 1;
        self.leads.push(lead);
        if self.leads.len() < BATCH {
            Ok(())
        } else {
            Ok(self.flush_leads()?)
        }
    }
}

fn customer<S: Serializer>(customer: &Customer, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(2))?;
    map.serialize_entry("email", &customer.email.as_deref())?;
    map.serialize_entry("uid", &customer.uid.as_deref())?;
    map.end()
}

#[derive(Serialize)]
struct MoneyShape {
    amount_cents: i64,
    currency: Currency,
}

impl From<&Money> for MoneyShape {
    fn from(money: &Money) -> Self {
        MoneyShape {
            amount_cents: money.amount_cents,
            currency: money.currency,
        }
    }
}

fn money<S: Serializer>(money: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    MoneyShape::from(money).serialize(serializer)
}

fn money_if_any<S: Serializer>(money: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
    money.as_ref().map(MoneyShape::from).serialize(serializer)
}
