//! Reads the account's leads before the first event is sent: a customer who is not among them is not a
//! referral, and need not be asked for.
//!
//! The list is used only if it is complete. If a page fails to load, or the list changes while it is read,
//! every event is sent as without it; also if it lacks many of the customers whom the journal knows as leads,
//! since it may then be another account's, or a part of a list.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::io;

use tokio::sync::mpsc::UnboundedReceiver;

use super::lanes::{LeadStanding, Sorter};
use super::listing::{self, PageSink};
use super::pace::Pace;
use super::{End, Stop};
use crate::event::{Event, Ties};
use crate::journal::{EventRow, JournalError, JournalReader};
use crate::tracking::{Client, Lead, Listed, Page};

/// The number of leads up to which a list is kept: 16 bytes a lead are some 100 MB then.
const MAX_LEADS: usize = 5_000_000;

/// A list may lack one in so many of the leads that the journal knows: leads are deleted, and change their
/// emails.
const MAY_LACK_ONE_IN: usize = 10;

/// Holds everything that identifies the account's leads, as hashes. Two texts with one hash only cause an
/// event to be sent without need.
#[derive(Debug, Default)]
pub struct LeadList {
    people: HashSet<u64>,
    ids: HashSet<u64>,
    hasher: RandomState,
    pages: u32,
    /// The number of leads that the first page reports.
    total: Option<u64>,
    /// The number of requests that it took.
    pub requests: u64,
}

impl LeadList {
    /// Returns how many leads there are.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns `true` if the account has no leads at all.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Adds a lead; returns `false` if it is there already.
    fn add(&mut self, lead: &Lead) -> bool {
        for text in [&lead.email, &lead.uid].into_iter().flatten() {
            let hash = self.hash(text);
            self.people.insert(hash);
        }
        let id = self.hasher.hash_one(&lead.id);
        self.ids.insert(id)
    }

    /// Returns the hash of an email or a uid. Case, spaces and the sort of id do not distinguish people here:
    /// whoever may be a lead is asked for, at the cost of a request.
    fn hash(&self, text: &str) -> u64 {
        self.hasher.hash_one(text.trim().to_lowercase())
    }

    /// Returns why the list can't be relied on, if it can't: it is empty, or lacks many of the customers
    /// whose events were tracked before. The others whom it lacks are asked for like those whom it has.
    ///
    /// # Errors
    ///
    /// The journal can't be read.
    pub fn doubt(
        &mut self,
        journal: Option<&JournalReader>,
    ) -> Result<Option<String>, JournalError> {
        if self.is_empty() {
            return Ok(Some("it has no leads".to_owned()));
        }
        let Some(journal) = journal else {
            return Ok(None);
        };
        let mut is_listed: HashMap<u64, bool> = HashMap::new();
        let mut lacking: HashSet<u64> = HashSet::new();
        journal.for_each_tracked(|event| {
            let customer = event.customer;
            let names: Vec<u64> = [customer.uid, customer.email]
                .into_iter()
                .flatten()
                .map(|name| self.hash(name))
                .collect();
            let is_here = names.iter().any(|name| self.people.contains(name));
            if let Some(&name) = names.first() {
                *is_listed.entry(name).or_default() |= is_here;
            }
            lacking.extend(names);
        })?;
        self.people.extend(lacking);
        let known = is_listed.len();
        let lacks = is_listed.values().filter(|is_listed| !**is_listed).count();
        Ok((lacks * MAY_LACK_ONE_IN > known).then(|| {
            let leads = match self.len() {
                1 => "1 lead".to_owned(),
                leads => format!("{leads} leads"),
            };
            format!(
                "it has {leads}, but lacks {lacks} of the {known} customers with tracked events"
            )
        }))
    }

    /// Returns `true` if an event may belong to a lead, an existing one or one that it creates.
    pub(super) fn may_concern(&self, event: Ties<'_>) -> bool {
        let customer = event.customer;
        let texts = [customer.email, customer.uid].into_iter().flatten();
        event.may_create_lead()
            || customer.is_unknown()
            || texts
                .into_iter()
                .any(|text| self.people.contains(&self.hash(text)))
    }

    /// Returns whether the customer of an event may be a lead by this list.
    pub(super) fn standing(&self, event: Ties<'_>) -> LeadStanding {
        if self.may_concern(event) {
            LeadStanding::MayBeLead
        } else {
            LeadStanding::Unlisted
        }
    }

    /// Returns how many of these events have to be sent: those of customers of whom one event concerns a
    /// lead.
    pub fn asked_for(&self, events: impl IntoIterator<Item = Event>) -> usize {
        let mut sorter = Sorter::default();
        for (row, event) in (0..).map(EventRow).zip(events) {
            let event = event.ties();
            sorter.add(row, event, self.standing(event));
        }
        sorter.finish().listed()
    }
}

/// Reports the result of reading the list.
#[derive(Debug)]
pub(crate) enum Fetched {
    /// The list is complete.
    Whole(LeadList),
    /// The list can't be relied on.
    Unusable {
        /// The reason why not.
        reason: String,
    },
    /// Nothing more can be sent at all.
    Ended(End),
}

/// Reads the list of leads, at `pace`; `progress` is called for every page with the leads and requests so
/// far.
pub(super) async fn fetch(
    client: &Client,
    pace: &mut Pace,
    stop: &mut UnboundedReceiver<Stop>,
    progress: &mut dyn FnMut(u64, u64),
) -> Fetched {
    let mut list = LeadList::default();
    let unlisted = match listing::read(client, pace, stop, &mut list, progress).await {
        Ok(read) => {
            list.requests = read.requests;
            return Fetched::Whole(list);
        }
        Err(unlisted) => unlisted,
    };
    match unlisted.end_or_reason(Lead::NAME) {
        Err(end) => Fetched::Ended(end),
        Ok(reason) => Fetched::Unusable { reason },
    }
}

/// Keeps only hashes, and nothing beyond this run.
impl PageSink<Lead> for LeadList {
    fn pages(&self) -> u32 {
        self.pages
    }

    fn lines(&self) -> u64 {
        self.len() as u64
    }

    fn total(&self) -> Option<u64> {
        self.total
    }

    fn first(&self) -> Option<&[Lead]> {
        None
    }

    fn has(&self, _: &Lead) -> Option<bool> {
        None
    }

    fn put(&mut self, page: Page<Lead>) -> io::Result<bool> {
        if self.pages == 0 {
            self.total = page.total;
        }
        self.pages += 1;
        let is_new = page.lines.iter().all(|lead| self.add(lead));
        if self.len() > MAX_LEADS {
            Err(io::Error::other(format!(
                "it has more than {MAX_LEADS} leads"
            )))
        } else {
            Ok(is_new)
        }
    }

    // Its order is not checked: a line that comes twice restarts this list, and version 2 documents no order for
    // leads. Without one, leads that are added or moved while it is read make others come twice.

    fn clear(&mut self) -> io::Result<()> {
        *self = LeadList::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Customer, Details, ExportLine, Kind};

    fn event(kind: Kind, id: &str, email: &str, uid: &str) -> Event {
        let customer = Customer::new(Some(email), Some(uid));
        Event::new(kind, id.into(), customer, ExportLine { input: 0, line: 2 })
    }

    fn list(leads: &[(&str, &str)]) -> LeadList {
        let mut list = LeadList::default();
        for (id, (email, uid)) in leads.iter().enumerate() {
            let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            let lead = Lead {
                id: id.to_string(),
                email: text(email),
                uid: text(uid),
                ..Lead::default()
            };
            assert!(list.add(&lead));
        }
        list
    }

    #[test]
    fn a_lead_is_found_by_email_without_case_or_by_uid() {
        let list = list(&[("Ada@Example.com", ""), ("", "c2")]);
        assert!(list.may_concern(event(Kind::Sale, "s1", "ada@example.com", "c1").ties()));
        assert!(list.may_concern(event(Kind::Sale, "s2", "other@example.com", "c2").ties()));
        assert!(!list.may_concern(event(Kind::Sale, "s3", "other@example.com", "c3").ties()));
    }

    #[test]
    fn all_events_of_a_customer_are_sent_if_one_concerns_a_lead_or_makes_one() {
        let list = list(&[("ada@example.com", "")]);
        let mut coupon = event(Kind::Sale, "s5", "eve@example.com", "c5");
        coupon.set_details(Details {
            promo_code: Some("NORA10".into()),
            ..Details::default()
        });
        let events = [
            event(Kind::Sale, "s1", "ada@example.com", "c1"),
            event(Kind::Sale, "s2", "ada-new@example.com", "c1"),
            event(Kind::Sale, "s3", "ben@example.com", "c3"),
            event(Kind::Sale, "s4", "cyd@example.com", "c4"),
            event(Kind::Signup, "u4", "cyd@example.com", "c4"),
            coupon,
            event(Kind::Sale, "s6", "eve@example.com", "c5"),
        ];
        assert_eq!(list.asked_for(events), 6, "all but ben");
    }
}
