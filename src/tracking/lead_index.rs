//! Finds the one lead that a customer is, by the email or the uid: a customer whose email and uid lead to two leads is not
//! guessed.

use std::collections::HashMap;

use super::Lead;
use crate::event::{CustomerRef, Text};

/// Says which lead a customer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeadMatch<T> {
    /// None.
    None,
    /// This one.
    One(T),
    /// Several, or one of which it is not known which one it is.
    Several,
}

impl<T: PartialEq> LeadMatch<T> {
    /// Returns what two ways of looking say together.
    fn and(self, other: LeadMatch<T>) -> LeadMatch<T> {
        match (self, other) {
            (LeadMatch::None, found) | (found, LeadMatch::None) => found,
            (LeadMatch::One(one), LeadMatch::One(other)) if one == other => LeadMatch::One(one),
            _ => LeadMatch::Several,
        }
    }
}

/// Holds leads by what identifies them.
pub(crate) struct LeadIndex<T> {
    by_email: HashMap<Text, LeadMatch<T>>,
    by_uid: HashMap<Text, LeadMatch<T>>,
}

impl<T> Default for LeadIndex<T> {
    fn default() -> Self {
        LeadIndex {
            by_email: HashMap::new(),
            by_uid: HashMap::new(),
        }
    }
}

impl<T: Copy + PartialEq> LeadIndex<T> {
    /// Adds a lead. One that was moved is left out: its customer has another one, of the promoter to whom it was moved.
    pub(crate) fn add(&mut self, lead: &Lead, found: LeadMatch<T>) {
        if lead.is_moved {
            return;
        }
        if let Some(email) = &lead.email {
            let known = self
                .by_email
                .entry(Text::from_str_to_lowercase(email))
                .or_insert(LeadMatch::None);
            *known = known.and(found);
        }
        if let Some(uid) = &lead.uid {
            let known = self.by_uid.entry(Text::new(uid)).or_insert(LeadMatch::None);
            *known = known.and(found);
        }
    }

    /// Returns which lead a customer is.
    pub(crate) fn find(&self, customer: CustomerRef<'_>) -> LeadMatch<T> {
        let by_email = customer
            .email_folded()
            .and_then(|email| self.by_email.get(&email));
        let by_uid = customer.uid.and_then(|uid| self.by_uid.get(uid));
        let [by_email, by_uid] = [by_email, by_uid].map(|found| found.copied());
        by_email
            .unwrap_or(LeadMatch::None)
            .and(by_uid.unwrap_or(LeadMatch::None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Customer;

    #[test]
    fn a_customer_is_one_lead_or_it_is_not_guessed() {
        let mut index = LeadIndex::default();
        let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        for (found, email, uid) in [
            (LeadMatch::One(1), "Ada@example.com", "c1"),
            (LeadMatch::One(2), "ben@example.com", ""),
            (LeadMatch::One(3), "", "c3"),
            (LeadMatch::One(4), "eva@example.com", ""),
            (LeadMatch::One(5), "eva@example.com", ""),
            (LeadMatch::Several, "fay@example.com", ""),
        ] {
            let lead = Lead {
                email: text(email),
                uid: text(uid),
                ..Lead::default()
            };
            index.add(&lead, found);
        }
        for (email, uid, found) in [
            ("ada@example.com", "c1", LeadMatch::One(1)),
            ("new@example.com", "c1", LeadMatch::One(1)),
            ("ADA@example.com", "c9", LeadMatch::One(1)),
            ("ben@example.com", "c3", LeadMatch::Several),
            ("eva@example.com", "", LeadMatch::Several),
            ("fay@example.com", "", LeadMatch::Several),
            ("gus@example.com", "c9", LeadMatch::None),
        ] {
            let customer = Customer::new(Some(email), Some(uid));
            assert_eq!(index.find(customer.borrowed()), found, "{email} {uid}");
        }
    }
}
