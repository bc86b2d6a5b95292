//! Plans which leads of the account are to be customers since their first sale.
//!
//! The account's list says since when each lead is a customer. A date that is as early as the first sale, or earlier, is
//! left alone. A customer whose email and uid lead to two leads is not guessed.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::event::{Customer, Event, EventKey, Text, is_undo};
use crate::journal::{EventRow, LeadDateRequest, TrackedEvent};
use crate::tracking::{Lead, LeadIndex, LeadMatch};

#[cfg(test)]
mod tests;

/// The time by which a date that was set may be shown later: the account may keep the day only.
const SHOWN_LATER: SignedDuration = SignedDuration::from_hours(24);

/// Says what is known of a lead's date, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LeadDateState {
    /// It is to be set to the first sale.
    ToSet,
    /// This call has set it, as the account's list shows.
    Set,
    /// An earlier call has set it.
    SetBefore,
    /// It is as early as the first sale, or earlier.
    EarlyEnough,
    /// It could not be set, for a reason of its own.
    NotSet,
    /// A request may have set it, and the account's list could not be read since.
    Unconfirmed,
    /// The customer's email and uid do not lead to one lead.
    NotOneLead,
    /// The account's list does not have the customer.
    NotFound,
}

impl LeadDateState {
    /// Returns the word of the reports.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            LeadDateState::ToSet => "to_set",
            LeadDateState::Set => "set",
            LeadDateState::SetBefore => "set_before",
            LeadDateState::EarlyEnough => "early_enough",
            LeadDateState::NotSet => "not_set",
            LeadDateState::Unconfirmed => "unconfirmed",
            LeadDateState::NotOneLead => "not_one_lead",
            LeadDateState::NotFound => "not_found",
        }
    }

    /// Returns the words for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            LeadDateState::ToSet => "to set to the first sale",
            LeadDateState::Set => "set to the first sale",
            LeadDateState::SetBefore => "set before",
            LeadDateState::EarlyEnough => "left alone: a customer since the first sale, or earlier",
            LeadDateState::NotSet => "not set",
            LeadDateState::Unconfirmed => "unconfirmed",
            LeadDateState::NotOneLead => "left alone: not one lead",
            LeadDateState::NotFound => "not in the account's list of leads",
        }
    }

    /// Returns `true` if a person has to look at it.
    pub(crate) fn needs_attention(self) -> bool {
        matches!(
            self,
            LeadDateState::NotSet
                | LeadDateState::Unconfirmed
                | LeadDateState::NotOneLead
                | LeadDateState::NotFound
        )
    }
}

/// Holds a lead, or a customer without one, and the date of the first sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeadDate {
    /// The API's own id of the lead; empty if it is not known.
    pub(crate) lead_id: String,
    /// The customer of the first sale, as it was sent.
    pub(crate) customer: Customer,
    /// The number of the first sale.
    pub(crate) sale: EventRow,
    /// The id of the first sale.
    pub(crate) event_id: String,
    /// The date of the first sale.
    pub(crate) first_sale_at: Timestamp,
    /// The date since which the account had the lead as a customer, if it had one.
    pub(crate) before: Option<Timestamp>,
    /// What becomes of it.
    pub(crate) state: LeadDateState,
    /// The reason, where it has one.
    pub(crate) reason: String,
}

/// Holds the first sale of a customer.
struct FirstSale {
    customer: Customer,
    row: EventRow,
    event_id: String,
    at: Timestamp,
    /// `true` if a sale of the customer is one of those that were asked for.
    is_wanted: bool,
}

/// Identifies a customer by the email in lower case and the uid.
type CustomerKey = (Option<Text>, Option<Text>);

/// Collects the first sale of each customer.
#[derive(Default)]
pub(crate) struct FirstSales {
    /// The sales, in the order of the customers' first sales in the journal.
    sales: Vec<FirstSale>,
    by_customer: HashMap<CustomerKey, usize>,
    emails: HashSet<Text>,
    uids: HashSet<Text>,
    /// The sales that an undo has refunded in full.
    undone: HashSet<EventKey>,
    /// The first undone sale of each customer that was asked for, by the numbers of all of them.
    undone_sales: HashMap<EventRow, FirstSale>,
    /// The number of sales without a date.
    pub(crate) without_date: u64,
}

impl FirstSales {
    /// Notes a refund: it may be the undo of a sale. All refunds come before the sales.
    pub(crate) fn note_undo(&mut self, event: &Event) {
        let sale = event.sale_event_id.as_deref();
        if let Some(sale) = sale.filter(|_| is_undo(event.kind, event.event_id(), sale)) {
            self.undone.insert(EventKey::from_id(sale));
        }
    }

    /// Adds a sale that the account has, unless it was undone.
    pub(crate) fn add(&mut self, sale: &TrackedEvent, is_wanted: bool) {
        let TrackedEvent { row, event, .. } = sale;
        let is_undone = self.undone.contains(&event.key());
        let Some(at) = event.created_at else {
            self.without_date += u64::from(is_wanted && !is_undone);
            return;
        };
        let customer = &event.customer;
        let email = customer.email_folded();
        self.emails.extend(email.clone());
        self.uids.extend(customer.uid.clone());
        let new = FirstSale {
            customer: customer.clone(),
            row: *row,
            event_id: event.event_id().to_owned(),
            at,
            is_wanted,
        };
        if is_undone {
            self.undone_sales.insert(*row, new);
            return;
        }
        match self.by_customer.entry((email, customer.uid.clone())) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(self.sales.len());
                self.sales.push(new);
            }
            std::collections::hash_map::Entry::Occupied(entry) => {
                self.sales[*entry.get()].join(new);
            }
        }
    }

    /// Returns `true` if no sale is one of those that were asked for, and no date of an undone one was set.
    pub(crate) fn is_empty(&self, requests: &[LeadDateRequest]) -> bool {
        let mut requests = requests.iter();
        !self.sales.iter().any(|sale| sale.is_wanted)
            && !requests.any(|request| self.is_of_undone(request))
    }

    /// Returns `true` if a request has set the date of a sale that was undone since.
    fn is_of_undone(&self, request: &LeadDateRequest) -> bool {
        let sale = self.undone_sales.get(&request.asked.sale);
        sale.is_some_and(|sale| sale.is_wanted)
    }

    /// Returns `true` if a lead may be one of these customers.
    pub(crate) fn may_have(&self, lead: &Lead) -> bool {
        let email = lead.email.as_deref().map(Text::from_str_to_lowercase);
        email.is_some_and(|email| self.emails.contains(&email))
            || lead
                .uid
                .as_deref()
                .is_some_and(|uid| self.uids.contains(uid))
    }

    /// Returns the dates of the leads of these customers, and what becomes of them. `requests` are those of the journal,
    /// and those after `last_before` are of this call.
    pub(crate) fn dates(
        &self,
        leads: &[Lead],
        requests: &[LeadDateRequest],
        last_before: i64,
    ) -> Vec<LeadDate> {
        let mut found = LeadIndex::default();
        for (place, lead) in leads.iter().enumerate() {
            found.add(lead, LeadMatch::One(place));
        }
        let mut others = Vec::new();
        let mut of_lead: HashMap<usize, FirstSale> = HashMap::new();
        let mut order = Vec::new();
        for sale in &self.sales {
            let left = match found.find(sale.customer.borrowed()) {
                LeadMatch::One(place) => {
                    match of_lead.get_mut(&place) {
                        Some(first) => first.join(sale.copy()),
                        None => {
                            order.push(place);
                            of_lead.insert(place, sale.copy());
                        }
                    }
                    continue;
                }
                LeadMatch::Several => (
                    LeadDateState::NotOneLead,
                    "its email and its uid do not lead to one lead of the account",
                ),
                LeadMatch::None => (
                    LeadDateState::NotFound,
                    "it may have been deleted or moved to another promoter in FirstPromoter",
                ),
            };
            if sale.is_wanted {
                let (state, reason) = left;
                others.push(sale.date("", None, (state, reason.to_owned())));
            }
        }
        let asked = RequestsByLead::new(requests, last_before, &self.undone_sales);
        let mut all = Vec::new();
        for (place, lead) in leads.iter().enumerate() {
            if let Some(undone) = asked.date_of_undone(lead)
                && undone.is_wanted
                && !of_lead.contains_key(&place)
            {
                let state = (LeadDateState::NotSet, OF_UNDONE.to_owned());
                all.push(undone.date(&lead.id, lead.customer_since, state));
            }
        }
        for place in order {
            let (lead, first) = (&leads[place], &of_lead[&place]);
            let has_undone = asked.date_of_undone(lead).is_some_and(|own| own.is_wanted);
            if first.is_wanted || has_undone {
                let state = asked.state(lead, first.at);
                all.push(first.date(&lead.id, lead.customer_since, state));
            }
        }
        all.extend(others);
        all
    }
}

impl FirstSale {
    fn copy(&self) -> FirstSale {
        FirstSale {
            customer: self.customer.clone(),
            event_id: self.event_id.clone(),
            ..*self
        }
    }

    /// Keeps the earlier one of two sales.
    fn join(&mut self, other: FirstSale) {
        let is_wanted = self.is_wanted || other.is_wanted;
        if other.at < self.at {
            *self = other;
        }
        self.is_wanted = is_wanted;
    }

    fn date(
        &self,
        lead_id: &str,
        before: Option<Timestamp>,
        (state, reason): (LeadDateState, String),
    ) -> LeadDate {
        LeadDate {
            lead_id: lead_id.to_owned(),
            customer: self.customer.clone(),
            sale: self.row,
            event_id: self.event_id.clone(),
            first_sale_at: self.at,
            before,
            state,
            reason,
        }
    }
}

/// Holds what was asked for, by the ids of the leads.
struct RequestsByLead<'r> {
    by_lead: HashMap<&'r str, Vec<&'r LeadDateRequest>>,
    last_before: i64,
    undone: &'r HashMap<EventRow, FirstSale>,
}

impl<'r> RequestsByLead<'r> {
    fn new(
        requests: &'r [LeadDateRequest],
        last_before: i64,
        undone: &'r HashMap<EventRow, FirstSale>,
    ) -> Self {
        let mut by_lead: HashMap<&str, Vec<&LeadDateRequest>> = HashMap::new();
        for request in requests {
            by_lead
                .entry(&request.asked.lead_id)
                .or_default()
                .push(request);
        }
        RequestsByLead {
            by_lead,
            last_before,
            undone,
        }
    }

    /// Returns the undone sale of which a lead still has the date, if this journal has set that.
    fn date_of_undone(&self, lead: &Lead) -> Option<&'r FirstSale> {
        let since = lead.customer_since?;
        let mut all = self.by_lead.get(lead.id.as_str()).into_iter().flatten();
        let request = all.find(|request| {
            is_same(request.asked.since, since) && self.undone.contains_key(&request.asked.sale)
        })?;
        self.undone.get(&request.asked.sale)
    }

    /// Returns what becomes of a lead's date.
    fn state(&self, lead: &Lead, first_sale: Timestamp) -> (LeadDateState, String) {
        let all = self.by_lead.get(lead.id.as_str()).into_iter().flatten();
        let same: Vec<&LeadDateRequest> = all
            .filter(|request| is_same(request.asked.since, first_sale))
            .copied()
            .collect();
        let is_of_this_call = |request: &&LeadDateRequest| request.id > self.last_before;
        let is_new = same.iter().any(is_of_this_call);
        let was_done = same.iter().any(|request| request.is_recorded());
        let done = if is_new {
            LeadDateState::Set
        } else {
            LeadDateState::SetBefore
        };
        let nothing = String::new();
        match lead.customer_since {
            Some(at) if is_same(at, first_sale) && !same.is_empty() => return (done, nothing),
            Some(at) if is_same(at, first_sale) => {
                return (LeadDateState::EarlyEnough, nothing);
            }
            Some(at) if at < first_sale && self.date_of_undone(lead).is_none() => {
                return (LeadDateState::EarlyEnough, nothing);
            }
            Some(at) if was_done && at.duration_since(first_sale) < SHOWN_LATER => {
                return (done, nothing);
            }
            _ => {}
        }
        if was_done {
            let shown = lead.customer_since.map_or_else(
                || "no date".to_owned(),
                |at| at.strftime("%Y-%m-%d").to_string(),
            );
            let reason = format!("FirstPromoter answered that it was set, and shows {shown}");
            return (LeadDateState::NotSet, reason);
        }
        let of_call: Vec<&LeadDateRequest> = same.into_iter().filter(is_of_this_call).collect();
        match of_call.last().and_then(|request| request.refusal()) {
            Some(reason) => (LeadDateState::NotSet, reason),
            None if of_call.len() > 1 => (LeadDateState::NotSet, WITHOUT_EFFECT.to_owned()),
            None => (LeadDateState::ToSet, nothing),
        }
    }
}

const OF_UNDONE: &str = "it was set to this sale, which was undone since, and no other sale is left: correct the date in FirstPromoter";
const WITHOUT_EFFECT: &str = "two requests got no usable answer, and the account shows no effect; run the command again later";

/// Returns `true` for two times in the same second: the account may keep no more.
fn is_same(one: Timestamp, other: Timestamp) -> bool {
    one.as_second() == other.as_second()
}
