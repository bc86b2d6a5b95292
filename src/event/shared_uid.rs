//! Says whether a uid is the id of one customer, by the emails it comes with and by what the user says.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{Essence, EventKey, Text};

/// The number of customers from which on a uid may be shared.
const SEVERAL: usize = 3;

/// The number of customers from which on a uid that a shop writes is shared: no customer changes the email
/// so often.
const MANY: usize = 10;

/// The starts of ids that a billing provider makes for each customer, of Stripe, Paddle and Razorpay. A shop
/// can't choose them, so that several emails of one are those that the customer had.
const MADE_BY_PROVIDER: [&str; 3] = ["cus_", "ctm_", "cust_"];

/// Says whether a uid is the id of one customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UidStanding {
    /// It is the id of one customer, whose email may have changed.
    OneCustomer,
    /// Nothing says whether it is one customer, or several customers share it.
    Unclear,
    /// Several customers share it.
    Shared,
}

/// Collects the emails of a uid, each with the first and the last event that has it.
///
/// They are taken from essences, so that two spellings of one email are one, and an event that two exports
/// have is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmailsOfUid {
    by_email: BTreeMap<u64, UsesOfEmail>,
    /// The email of each event, while there are few emails.
    by_event: BTreeMap<EventKey, u64>,
    /// The pairs of emails that one event had: its customer's email was changed between two exports.
    of_one_event: BTreeSet<(u64, u64)>,
}

/// Counts the events of a uid that have one email.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct UsesOfEmail {
    first: Use,
    last: Use,
}

impl UsesOfEmail {
    fn with(self, other: UsesOfEmail) -> UsesOfEmail {
        UsesOfEmail {
            first: self.first.min(other.first),
            last: self.last.max(other.last),
        }
    }
}

/// The time when an event happened, in seconds since 1970-01-01 UTC, and its key.
type Use = (Option<i64>, EventKey);

impl EmailsOfUid {
    /// Adds an event of the uid; one without an email adds nothing.
    pub fn add(&mut self, key: EventKey, event: &Essence) {
        let Some(email) = event.email else {
            return;
        };
        let used = (event.created_at_s, key);
        let uses = UsesOfEmail {
            first: used,
            last: used,
        };
        let known = self.by_email.entry(email).or_insert(uses);
        *known = known.with(uses);
        let Some(&other) = self.by_event.get(&key) else {
            // A uid of so many emails may be that of any number of guests.
            if self.by_email.len() <= MANY {
                self.by_event.insert(key, email);
            }
            return;
        };
        if other != email {
            self.of_one_event
                .insert((other.min(email), other.max(email)));
        }
    }

    /// Returns how many emails there are.
    pub fn count(&self) -> usize {
        self.by_email.len()
    }

    /// Returns what the emails of a uid say of it; `None` if they are too few to say anything.
    ///
    /// Emails that one event had in two exports are those of one customer. So are several that follow one
    /// another, each used again and again before the next one came, if none came back.
    pub fn standing(&self, uid: &str) -> Option<UidStanding> {
        let customers = self.uses_by_customer();
        match customers.len() {
            1 if self.count() > 1 => Some(UidStanding::OneCustomer),
            0..SEVERAL => None,
            _ if follow_one_another(&customers) => Some(UidStanding::OneCustomer),
            SEVERAL..MANY if is_made_by_provider(uid) => Some(UidStanding::OneCustomer),
            _ if is_made_by_provider(uid) => Some(UidStanding::Unclear),
            SEVERAL..MANY => Some(UidStanding::Unclear),
            _ => Some(UidStanding::Shared),
        }
    }

    /// Returns the uses of all emails, with those of one customer together.
    fn uses_by_customer(&self) -> Vec<UsesOfEmail> {
        let mut root: HashMap<u64, u64> =
            self.by_email.keys().map(|&email| (email, email)).collect();
        for (one, other) in &self.of_one_event {
            let (from, to) = (root[one], root[other]);
            for customer in root.values_mut().filter(|customer| **customer == from) {
                *customer = to;
            }
        }
        let mut uses: BTreeMap<u64, UsesOfEmail> = BTreeMap::new();
        for (email, &of_email) in &self.by_email {
            let known = uses.entry(root[email]).or_insert(of_email);
            *known = known.with(of_email);
        }
        uses.into_values().collect()
    }
}

/// Returns `true` if a uid has the form of an id that a billing provider makes for each customer.
fn is_made_by_provider(uid: &str) -> bool {
    MADE_BY_PROVIDER
        .iter()
        .any(|start| uid.len() > start.len() && uid.starts_with(start))
}

/// Returns `true` if each email was used again and again before the next one came, and none came back.
fn follow_one_another(emails: &[UsesOfEmail]) -> bool {
    let spans = emails.iter().map(|uses| {
        let is_used_again = uses.first != uses.last;
        Some((uses.first.0?, uses.last.0?, is_used_again))
    });
    let Some(mut spans) = spans.collect::<Option<Vec<_>>>() else {
        return false;
    };
    spans.sort_unstable();
    spans
        .windows(2)
        .all(|pair| pair[0].1 < pair[1].0 && pair[0].2)
}

/// Holds the uids of which the user says whether they are the id of one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamedUids(BTreeMap<Text, UidStanding>);

impl NamedUids {
    /// Returns the uids that are one customer's each, and those that several customers share.
    ///
    /// # Errors
    ///
    /// A uid is in both lists; the error is the uid.
    pub fn new(of_one_customer: &[String], shared: &[String]) -> Result<Self, String> {
        let mut named = BTreeMap::new();
        for uid in of_one_customer {
            named.insert(Text::from(uid.trim()), UidStanding::OneCustomer);
        }
        for uid in shared {
            let before = named.insert(Text::from(uid.trim()), UidStanding::Shared);
            if before == Some(UidStanding::OneCustomer) {
                return Err(uid.clone());
            }
        }
        Ok(NamedUids(named))
    }

    /// Returns what the user says of a uid, if anything.
    pub fn standing(&self, uid: &str) -> Option<UidStanding> {
        self.0.get(uid).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Customer, Event, ExportLine, Kind};

    /// Returns the standing of a uid whose events have these ids, emails and days.
    fn standing(uid: &str, events: &[(&str, &str, i64)]) -> Option<UidStanding> {
        let mut emails = EmailsOfUid::default();
        for &(id, email, day) in events {
            let customer = Customer::new(Some(email), Some(uid));
            let source = ExportLine { input: 0, line: 2 };
            let mut event = Event::new(Kind::Sale, id.into(), customer, source);
            event.created_at = jiff::Timestamp::from_second(day * 86_400).ok();
            emails.add(event.key(), &event.essence());
        }
        emails.standing(uid)
    }

    /// Returns events of one email each, on one day each.
    fn one_each(emails: usize) -> Vec<(String, String, i64)> {
        (0..emails)
            .map(|n| (format!("s{n}"), format!("{n}@example.com"), n as i64))
            .collect()
    }

    fn standing_of_one_each(uid: &str, emails: usize) -> Option<UidStanding> {
        let owned = one_each(emails);
        let events: Vec<_> = owned
            .iter()
            .map(|(id, email, day)| (id.as_str(), email.as_str(), *day))
            .collect();
        standing(uid, &events)
    }

    #[test]
    fn few_emails_say_nothing_some_leave_it_open_and_many_are_shared() {
        use UidStanding::{OneCustomer, Shared, Unclear};
        let found = [1, 2, 3, 9, 10, 500].map(|emails| standing_of_one_each("77", emails));
        let shop = [
            None,
            None,
            Some(Unclear),
            Some(Unclear),
            Some(Shared),
            Some(Shared),
        ];
        assert_eq!(found, shop);
        let found = [2, 3, 9, 10].map(|emails| standing_of_one_each("cus_Q1", emails));
        let stripe = [None, Some(OneCustomer), Some(OneCustomer), Some(Unclear)];
        assert_eq!(found, stripe);
        assert_eq!(standing_of_one_each("cus_", 3), Some(Unclear));
    }

    #[test]
    fn emails_that_follow_one_another_are_one_customers_unless_one_comes_back() {
        let mut moved = vec![
            ("s1", "a@example.com", 1),
            ("s2", "a@example.com", 30),
            ("s3", "b@example.com", 60),
            ("s4", "b@example.com", 90),
            ("s5", "c@example.com", 120),
        ];
        assert_eq!(standing("77", &moved), Some(UidStanding::OneCustomer));
        moved.push(("s6", "a@example.com", 150));
        assert_eq!(standing("77", &moved), Some(UidStanding::Unclear));
    }

    #[test]
    fn an_event_that_had_two_emails_shows_that_they_are_one_customers() {
        let mut events = vec![
            ("s1", "a@example.com", 1),
            ("s2", "b@example.com", 2),
            ("s1", "c@example.com", 1),
            ("s3", "c@example.com", 3),
        ];
        assert_eq!(standing("77", &events), None, "at most two");
        events.push(("s2", "c@example.com", 2));
        events.reverse();
        assert_eq!(standing("77", &events), Some(UidStanding::OneCustomer));
        events.retain(|(id, email, _)| *id == "s3" || *email != "c@example.com");
        assert_eq!(standing("77", &events), Some(UidStanding::Unclear));
    }

    #[test]
    fn a_uid_in_both_lists_is_refused() {
        let uids = ["a".to_owned(), "b".to_owned()];
        assert_eq!(NamedUids::new(&uids, &uids[1..]), Err("b".to_owned()));
    }
}
