//! Commissions: those that events earned, and the changes made by orders.
//!
//! An event's commission follows from the event and is not stored; only commissions that an order
//! added, changed or deleted are.

use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Deserializer, Serialize};

use super::AccountState;
use super::books::{BookedEvent, CAMPAIGN_NAME, Effect, PromoterTotals, lead_id};
use crate::sandbox::leads::{CallCustomer, StoredLead};
use crate::sandbox::moment::Moment;
use crate::sandbox::promoters::StoredPromoter;

/// The unit of rewards in money.
const CASH: &str = "cash";

/// The greatest number of orders in one request.
const ORDERS_MOST: usize = 10_000;

/// The status of a commission, in the API's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum StoredStatus {
    Approved,
    Pending,
    Denied,
}

impl StoredStatus {
    pub(super) fn word(self) -> &'static str {
        match self {
            StoredStatus::Approved => "approved",
            StoredStatus::Pending => "pending",
            StoredStatus::Denied => "denied",
        }
    }
}

/// A commission as the listings show it.
pub(super) struct ShownCommission<'a> {
    pub(super) id: usize,
    pub(super) event_id: Option<&'a str>,
    pub(super) plan: Option<&'a str>,
    /// The amount of the sale in cents of the account's currency; negative for refunds.
    pub(super) sale_amount: i64,
    /// The amount of the sale in the currency that was sent.
    pub(super) sent_amount: i64,
    pub(super) currency: &'a str,
    /// The commission in cents; negative for refunds.
    pub(super) amount: OrderedAmount<'a>,
    /// The unit of the reward: `cash`, or another one.
    pub(super) unit: &'a str,
    pub(super) kind: Option<&'a str>,
    pub(super) status: StoredStatus,
    pub(super) is_paid: bool,
    pub(super) tier: u8,
    pub(super) is_split: bool,
    pub(super) internal_note: Option<&'a str>,
    pub(super) external_note: Option<&'a str>,
    pub(super) created_at: Moment,
    /// The lead and its index; a commission that an order added may have none.
    pub(super) lead: Option<(usize, &'a StoredLead)>,
    /// The index of the promoter.
    pub(super) promoter_place: usize,
    pub(super) promoter: &'a StoredPromoter,
    pub(super) standing: PromoterTotals,
}

/// An amount as a listing writes it: in cents, or as an order set it.
#[derive(Clone, Copy, Serialize)]
#[serde(untagged)]
pub(super) enum OrderedAmount<'a> {
    Cents(i64),
    Written(&'a serde_json::Value),
}

impl<'a> ShownCommission<'a> {
    /// Returns the commission that an event earned, or that a refund reversed; `None` for events
    /// without an amount.
    pub(super) fn of_event(known: &BookedEvent<'a>) -> Option<Self> {
        let effect = known.effect;
        Some(ShownCommission {
            id: commission_id(known.number),
            event_id: effect.event_id.as_deref(),
            plan: effect.plan.as_deref(),
            sale_amount: effect.signed_amount()?,
            sent_amount: effect.signed_sent()?,
            currency: &effect.currency,
            amount: OrderedAmount::Cents(effect.commission),
            unit: CASH,
            kind: None,
            status: StoredStatus::Approved,
            is_paid: false,
            tier: 1,
            is_split: false,
            internal_note: None,
            external_note: None,
            created_at: effect.created_at,
            lead: Some((effect.lead, known.lead)),
            promoter_place: effect.promoter,
            promoter: known.promoter,
            standing: known.standing,
        })
    }
}

fn commission_id(number: usize) -> usize {
    10_000_000 + number
}

/// Returns the id of a commission that an order added.
fn added_id(place: usize) -> usize {
    19_000_001 + place
}

/// A commission that is stored because an order changed or added it.
#[derive(Clone)]
pub(super) struct StoredCommission {
    event_id: Option<Rc<str>>,
    plan: Option<Rc<str>>,
    sale_amount: i64,
    sent_amount: i64,
    currency: Rc<str>,
    pub(super) amount: i64,
    /// The amount as the listings write it, where that differs from the number.
    written: Option<Rc<serde_json::Value>>,
    unit: Option<Rc<str>>,
    kind: Option<Rc<str>>,
    pub(super) status: StoredStatus,
    pub(super) is_paid: bool,
    tier: u8,
    is_split: bool,
    pub(super) internal_note: Option<Rc<str>>,
    pub(super) external_note: Option<Rc<str>>,
    created_at: Moment,
    lead: Option<usize>,
    pub(super) promoter: usize,
}

impl StoredCommission {
    /// Returns `true` if it is money that is to be paid.
    pub(super) fn is_payable(&self) -> bool {
        let is_money = self.unit.as_deref().is_none_or(|unit| unit == CASH);
        is_money && self.written.is_none() && self.status == StoredStatus::Approved && !self.is_paid
    }

    pub(super) fn has_event_id(&self, event_id: &str) -> bool {
        self.event_id.as_deref() == Some(event_id)
    }

    /// Returns the commission that an event earned, as it was before any order.
    fn of_effect(effect: &Effect) -> Option<StoredCommission> {
        Some(StoredCommission {
            event_id: effect.event_id.clone(),
            plan: effect.plan.clone(),
            sale_amount: effect.signed_amount()?,
            sent_amount: effect.signed_sent()?,
            currency: Rc::clone(&effect.currency),
            amount: effect.commission,
            written: None,
            unit: None,
            kind: None,
            status: StoredStatus::Approved,
            is_paid: false,
            tier: 1,
            is_split: false,
            internal_note: None,
            external_note: None,
            created_at: effect.created_at,
            lead: Some(effect.lead),
            promoter: effect.promoter,
        })
    }
}

/// The changes that orders have made.
#[derive(Default)]
pub(super) struct Changes {
    /// Changed commissions of events by the event's number; `None` for a deleted one.
    of_events: BTreeMap<usize, Option<StoredCommission>>,
    /// Added commissions; `None` for one that was deleted again.
    added: Vec<Option<StoredCommission>>,
}

/// Identifies a commission.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CommissionRef {
    Event(usize),
    Added(usize),
}

impl CommissionRef {
    /// Returns the commission that an id names.
    pub(super) fn from_id(id: usize) -> Option<CommissionRef> {
        match id.checked_sub(added_id(0)) {
            Some(place) => Some(CommissionRef::Added(place)),
            None => Some(CommissionRef::Event(id.checked_sub(commission_id(0))?)),
        }
    }

    pub(super) fn id(self) -> usize {
        match self {
            CommissionRef::Event(number) => commission_id(number),
            CommissionRef::Added(place) => added_id(place),
        }
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum CommissionAction {
    Add,
    Change,
    Delete,
}

/// Selects the commissions of an order: all of an `event_id`, or the one with an id.
#[derive(Deserialize)]
#[serde(untagged)]
enum CommissionSelector {
    Id(usize),
    EventId(String),
}

/// A change of commissions, as `POST /sandbox/commissions` takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sandbox) struct CommissionOrder {
    action: CommissionAction,
    of: Option<CommissionSelector>,
    /// The promoter's `ref_id`.
    promoter: Option<String>,
    event_id: Option<String>,
    /// The customer's email, as a lead has been seen with it.
    email: Option<String>,
    uid: Option<String>,
    plan: Option<String>,
    amount_cents: Option<i64>,
    /// The amount as the listings write it, such as null or a fraction.
    #[serde(default, deserialize_with = "written")]
    written_amount: Option<serde_json::Value>,
    /// `cash`, `points`, `free_months`, `discount_per` ...
    unit: Option<String>,
    /// The commission's type in version 2: `sale` or `custom`.
    commission_type: Option<String>,
    sale_amount_cents: Option<i64>,
    status: Option<StoredStatus>,
    is_paid: Option<bool>,
    tier: Option<u8>,
    is_split: Option<bool>,
    #[serde(default, deserialize_with = "moment")]
    created_at: Option<Moment>,
}

/// Reads a value and keeps null apart from an absent field: null is an amount that is written as
/// null.
fn written<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde_json::Value::deserialize(reader).map(Some)
}

fn moment<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Moment>, D::Error> {
    use serde::de::Error;
    let text = String::deserialize(reader)?;
    let moment = Moment::parse(&text);
    let wrong = || {
        D::Error::custom(format!(
            "`{text}` is not a date such as 2026-03-01T10:00:00Z"
        ))
    };
    moment.map(Some).ok_or_else(wrong)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Orders {
    One(Box<CommissionOrder>),
    Many(Vec<CommissionOrder>),
}

/// The number of commissions that an order has changed.
#[derive(Serialize)]
pub(in crate::sandbox) struct ChangedCount {
    commissions: usize,
}

/// A commission, as `GET /sandbox/commissions` returns it.
#[derive(Serialize)]
pub(in crate::sandbox) struct CommissionView<'a> {
    id: usize,
    event_id: Option<&'a str>,
    promoter: &'a str,
    campaign: &'static str,
    plan: Option<&'a str>,
    sale_amount_cents: i64,
    commission_cents: i64,
    status: &'static str,
    is_paid: bool,
    tier: u8,
    is_split: bool,
    created_at: Moment,
    lead_id: Option<usize>,
}

impl AccountState {
    /// Returns every commission, in the order of their events; added ones come last.
    pub(super) fn commissions(&self) -> impl Iterator<Item = ShownCommission<'_>> {
        self.commission_refs()
            .filter_map(|place| self.commission_at(place))
    }

    /// Returns every commission, for `GET /sandbox/commissions`.
    pub(in crate::sandbox) fn commission_views<'a>(&'a self) -> Vec<CommissionView<'a>> {
        let view = |commission: ShownCommission<'a>| CommissionView {
            id: commission.id,
            event_id: commission.event_id,
            promoter: &commission.promoter.ref_id,
            campaign: CAMPAIGN_NAME,
            plan: commission.plan,
            sale_amount_cents: commission.sale_amount,
            commission_cents: match commission.amount {
                OrderedAmount::Cents(cents) => cents,
                OrderedAmount::Written(_) => 0,
            },
            status: commission.status.word(),
            is_paid: commission.is_paid,
            tier: commission.tier,
            is_split: commission.is_split,
            created_at: commission.created_at,
            lead_id: commission.lead.map(|(place, _)| lead_id(place)),
        };
        self.commissions().map(view).collect()
    }

    fn commission_of<'a>(&'a self, id: usize, row: &'a StoredCommission) -> ShownCommission<'a> {
        ShownCommission {
            id,
            event_id: row.event_id.as_deref(),
            plan: row.plan.as_deref(),
            sale_amount: row.sale_amount,
            sent_amount: row.sent_amount,
            currency: &row.currency,
            amount: match &row.written {
                Some(written) => OrderedAmount::Written(written),
                None => OrderedAmount::Cents(row.amount),
            },
            unit: row.unit.as_deref().unwrap_or(CASH),
            kind: row.kind.as_deref(),
            status: row.status,
            is_paid: row.is_paid,
            tier: row.tier,
            is_split: row.is_split,
            internal_note: row.internal_note.as_deref(),
            external_note: row.external_note.as_deref(),
            created_at: row.created_at,
            lead: row.lead.map(|place| (place, self.leads.get(place))),
            promoter_place: row.promoter,
            promoter: self.promoters.get(row.promoter),
            standing: self.books.standing(row.promoter),
        }
    }

    /// Carries out orders, one or an array of them. It stops at the first one that fails; those
    /// before it have been carried out.
    pub(in crate::sandbox) fn order(&mut self, body: &[u8]) -> Result<ChangedCount, String> {
        let orders = match serde_json::from_slice(body) {
            Ok(Orders::One(order)) => vec![*order],
            Ok(Orders::Many(orders)) => orders,
            // An untagged enum gives no useful error message.
            Err(_) => vec![serde_json::from_slice(body).map_err(|error| error.to_string())?],
        };
        if orders.len() > ORDERS_MOST {
            return Err(format!("more than {ORDERS_MOST} orders at a time"));
        }
        let mut changed = ChangedCount { commissions: 0 };
        for (number, order) in (1..).zip(orders) {
            let done = self.carry_out(order);
            changed.commissions += done.map_err(|reason| format!("order {number}: {reason}"))?;
        }
        Ok(changed)
    }

    fn carry_out(&mut self, order: CommissionOrder) -> Result<usize, String> {
        if let CommissionAction::Add = order.action {
            let row = self.changed(None, &order)?;
            self.books.stand(row.promoter, contribution(&row));
            self.changes.added.push(Some(row));
            return Ok(1);
        }
        let places = self.places_of(order.of.as_ref())?;
        for &place in &places {
            let old = self.row(place);
            let new = match order.action {
                CommissionAction::Delete => None,
                _ => Some(self.changed(old.as_ref(), &order)?),
            };
            self.put(place, old, new);
        }
        Ok(places.len())
    }

    /// Adds a reward that is no sale's, in a unit that may be no money.
    pub(super) fn add_reward(
        &mut self,
        (promoter, lead): (usize, Option<usize>),
        (amount, unit): (i64, &str),
        status: StoredStatus,
        now: Moment,
    ) -> CommissionRef {
        let row = StoredCommission {
            event_id: None,
            plan: None,
            sale_amount: 0,
            sent_amount: 0,
            currency: self.books.currency(super::NO_CURRENCY),
            amount,
            written: None,
            unit: Some(Rc::from(unit)),
            kind: None,
            status,
            is_paid: false,
            tier: 1,
            is_split: false,
            internal_note: None,
            external_note: None,
            created_at: now,
            lead,
            promoter,
        };
        self.books.stand(promoter, contribution(&row));
        self.changes.added.push(Some(row));
        CommissionRef::Added(self.changes.added.len() - 1)
    }

    pub(super) fn put(
        &mut self,
        place: CommissionRef,
        old: Option<StoredCommission>,
        new: Option<StoredCommission>,
    ) {
        if let Some(old) = &old {
            let (earned, paid) = contribution(old);
            self.books.stand(old.promoter, (-earned, -paid));
        }
        if let Some(new) = &new {
            self.books.stand(new.promoter, contribution(new));
        }
        match place {
            CommissionRef::Event(number) => {
                self.changes.of_events.insert(number, new);
            }
            CommissionRef::Added(place) => self.changes.added[place] = new,
        }
    }

    pub(super) fn row(&self, place: CommissionRef) -> Option<StoredCommission> {
        match place {
            CommissionRef::Added(place) => self.changes.added.get(place)?.clone(),
            CommissionRef::Event(number) => match self.changes.of_events.get(&number) {
                Some(row) => row.clone(),
                None => StoredCommission::of_effect(self.books.get(number)?),
            },
        }
    }

    /// Returns the places of all commissions, also of those that were deleted.
    pub(super) fn commission_refs(&self) -> impl Iterator<Item = CommissionRef> + '_ {
        let of_events = self
            .books
            .iter()
            .map(|(number, _)| CommissionRef::Event(number));
        let added = (0..self.changes.added.len()).map(CommissionRef::Added);
        of_events.chain(added)
    }

    /// Returns one commission, if it is there.
    pub(super) fn commission_at(&self, place: CommissionRef) -> Option<ShownCommission<'_>> {
        match place {
            CommissionRef::Added(at) => {
                let row = self.changes.added.get(at)?.as_ref()?;
                Some(self.commission_of(place.id(), row))
            }
            CommissionRef::Event(number) => match self.changes.of_events.get(&number) {
                Some(row) => Some(self.commission_of(place.id(), row.as_ref()?)),
                None => ShownCommission::of_event(&self.known(number, self.books.get(number)?)),
            },
        }
    }

    fn places_of(&self, of: Option<&CommissionSelector>) -> Result<Vec<CommissionRef>, String> {
        let of = of.ok_or("`of` does not name a commission: set its event_id or its id")?;
        let is_meant = |id: usize, event_id: Option<&str>| match of {
            CommissionSelector::Id(wanted) => *wanted == id,
            CommissionSelector::EventId(wanted) => event_id == Some(wanted),
        };
        let found: Vec<CommissionRef> = self
            .commission_refs()
            .filter(|&place| {
                let row = self.row(place);
                row.is_some_and(|row| is_meant(place.id(), row.event_id.as_deref()))
            })
            .collect();
        match (found.is_empty(), of) {
            (true, CommissionSelector::Id(id)) => Err(format!("unknown commission {id}")),
            (true, CommissionSelector::EventId(id)) => {
                Err(format!("no commission for the event `{id}`"))
            }
            _ => Ok(found),
        }
    }

    /// Returns a commission as an order sets it: a new one, or `old` with the order's values.
    fn changed(
        &mut self,
        old: Option<&StoredCommission>,
        order: &CommissionOrder,
    ) -> Result<StoredCommission, String> {
        let named = match &order.promoter {
            None => old.map(|row| row.promoter),
            Some(ref_id) => {
                let place = self.promoters.by_ref_id(ref_id);
                Some(place.ok_or_else(|| format!("unknown promoter `{ref_id}`"))?)
            }
        };
        let promoter = named.ok_or("a new commission needs a `promoter`, by its ref_id")?;
        let amount = order.amount_cents.or(old.map(|row| row.amount));
        // A reward that is not money, or is written in another way, is not part of any balance.
        let amount = amount
            .or(order.written_amount.as_ref().map(|_| 0))
            .ok_or("a new commission needs `amount_cents`")?;
        let lead = match (&order.email, &order.uid) {
            (None, None) => old.and_then(|row| row.lead),
            (email, uid) => {
                let who = CallCustomer {
                    email: email.as_deref(),
                    uid: uid.as_deref(),
                };
                Some(self.leads.seen(who).ok_or("this customer is not a lead")?)
            }
        };
        let text = |text: &Option<String>| text.as_deref().map(Rc::from);
        let sale_amount = order.sale_amount_cents;
        Ok(StoredCommission {
            event_id: text(&order.event_id).or_else(|| old?.event_id.clone()),
            plan: text(&order.plan).or_else(|| old?.plan.clone()),
            sale_amount: sale_amount.or(old.map(|row| row.sale_amount)).unwrap_or(0),
            sent_amount: sale_amount.or(old.map(|row| row.sent_amount)).unwrap_or(0),
            currency: match old {
                Some(old) => Rc::clone(&old.currency),
                None => self.books.currency(super::NO_CURRENCY),
            },
            amount,
            written: match &order.written_amount {
                Some(written) => Some(Rc::new(written.clone())),
                None => old.and_then(|row| row.written.clone()),
            },
            unit: text(&order.unit).or_else(|| old?.unit.clone()),
            kind: text(&order.commission_type).or_else(|| old?.kind.clone()),
            status: order
                .status
                .or(old.map(|row| row.status))
                .unwrap_or(StoredStatus::Approved),
            is_paid: order
                .is_paid
                .or(old.map(|row| row.is_paid))
                .unwrap_or(false),
            tier: order.tier.or(old.map(|row| row.tier)).unwrap_or(1),
            is_split: order
                .is_split
                .or(old.map(|row| row.is_split))
                .unwrap_or(false),
            internal_note: old.and_then(|row| row.internal_note.clone()),
            external_note: old.and_then(|row| row.external_note.clone()),
            created_at: order
                .created_at
                .or(old.map(|row| row.created_at))
                .unwrap_or_else(Moment::now),
            lead,
            promoter,
        })
    }
}

/// Returns what a commission adds to its promoter's earned and paid sums. Only approved ones count.
fn contribution(row: &StoredCommission) -> (i128, i128) {
    let is_money = row.unit.as_deref().is_none_or(|unit| unit == CASH);
    let amount = i128::from(row.amount) * i128::from(is_money);
    match (row.status, row.is_paid) {
        (StoredStatus::Approved, true) => (amount, amount),
        (StoredStatus::Approved, false) => (amount, 0),
        (StoredStatus::Pending | StoredStatus::Denied, _) => (0, 0),
    }
}
