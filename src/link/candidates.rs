//! The sales that refunds may undo which name none: of the same customer and currency, not after the refund,
//! and with as much left.
//!
//! An id may be shared by any number of sales and refunds, so not every refund is compared with every sale. The
//! sales of one customer in one currency are a group. Its refunds are gone through by date, so that those sales
//! are there that are not after the refund; a tree over them, in the order of their ids, says which of them
//! have enough left.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::MAX_CANDIDATES;
use crate::event::{Currency, CustomerRef, Text};

/// The most sales that are found of each group: as many as are named, and one that shows whether there are more.
const MOST: usize = MAX_CANDIDATES + 1;
/// Marks a sale that is not there yet, in place of what it has left.
const ABSENT: i64 = i64::MIN;

/// Identifies the customer of sales. The uid decides where both have one, else the email.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum IdentityKey {
    Uid(Text),
    Email(Text),
    /// Of this email, and without a uid.
    EmailAlone(Text),
}

/// A sale that a refund may reverse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RefundableSale<'s> {
    pub(super) event_id: &'s str,
    pub(super) customer: CustomerRef<'s>,
    pub(super) currency: Currency,
    pub(super) created_at: Timestamp,
    /// The part that is not refunded, as it was paid, in cents.
    pub(super) left: i64,
}

/// A reading of a refund that looks for its sale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SearchedRefund<'r> {
    /// The index of the refund that it is a reading of.
    pub(super) refund: usize,
    pub(super) customer: CustomerRef<'r>,
    pub(super) currency: Currency,
    pub(super) created_at: Timestamp,
    /// The amount that was paid back, in cents.
    pub(super) paid: i64,
}

/// The refunds whose sales are searched for, and the sales that they may reverse.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    groups: HashMap<(IdentityKey, Currency), RefundGroup>,
}

#[derive(Debug, Default)]
struct RefundGroup {
    /// The date of each sale, and what is left of it in cents.
    sales: HashMap<Text, (Timestamp, i64)>,
    /// The date of each refund, what was paid back in cents, and its index.
    refunds: Vec<(Timestamp, i64, usize)>,
}

impl Candidates {
    /// Adds a refund whose sale is searched for. Refunds are added before sales.
    pub(super) fn add_refund(&mut self, searched: &SearchedRefund<'_>) {
        let email = searched.customer.email_folded();
        let keys = match searched.customer.uid {
            Some(uid) => [
                Some(IdentityKey::Uid(Text::new(uid))),
                email.map(IdentityKey::EmailAlone),
            ],
            None => [email.map(IdentityKey::Email), None],
        };
        for key in keys.into_iter().flatten() {
            let group = self.groups.entry((key, searched.currency)).or_default();
            group
                .refunds
                .push((searched.created_at, searched.paid, searched.refund));
        }
    }

    /// Adds a reading of a sale, if there is a refund of its customer in its currency. Of several readings,
    /// the earliest counts.
    pub(super) fn add_sale(&mut self, sale: &RefundableSale<'_>) {
        let email = sale.customer.email_folded();
        let uid = sale.customer.uid.map(Text::new);
        let alone = email.clone().filter(|_| uid.is_none());
        let keys = [
            uid.map(IdentityKey::Uid),
            email.map(IdentityKey::Email),
            alone.map(IdentityKey::EmailAlone),
        ];
        for key in keys.into_iter().flatten() {
            if let Some(group) = self.groups.get_mut(&(key, sale.currency)) {
                let known = group
                    .sales
                    .entry(Text::new(sale.event_id))
                    .or_insert((sale.created_at, sale.left));
                known.0 = known.0.min(sale.created_at);
            }
        }
    }

    /// Returns for each refund the ids of the sales that it may undo, of which the first ones are enough.
    pub(super) fn find(self, refunds: usize) -> Vec<BTreeSet<Text>> {
        let mut found = vec![BTreeSet::new(); refunds];
        for group in self.groups.into_values() {
            group.find(&mut found);
        }
        found
    }
}

impl RefundGroup {
    fn find(mut self, found: &mut [BTreeSet<Text>]) {
        let mut sales: Vec<(Text, (Timestamp, i64))> = self.sales.into_iter().collect();
        sales.sort();
        let mut by_date: Vec<usize> = (0..sales.len()).collect();
        by_date.sort_by_key(|&place| sales[place].1.0);
        self.refunds.sort();
        let mut tree = Tree::new(sales.len());
        let mut later = by_date.into_iter().peekable();
        for (created_at, paid, refund) in self.refunds {
            while let Some(place) = later.next_if(|&place| sales[place].1.0 <= created_at) {
                tree.set(place, sales[place].1.1);
            }
            let places = tree.first_with(paid, MOST).into_iter();
            found[refund].extend(places.map(|place| sales[place].0.clone()));
        }
    }
}

/// The largest value of each part of a list, and so the first places that have a value of some size.
struct Tree {
    /// Half of the nodes are the list; each of the others is the larger one of two.
    nodes: Vec<i64>,
    leaves: usize,
}

impl Tree {
    fn new(length: usize) -> Self {
        let leaves = length.next_power_of_two();
        Tree {
            nodes: vec![ABSENT; 2 * leaves],
            leaves,
        }
    }

    fn set(&mut self, place: usize, value: i64) {
        let mut node = self.leaves + place;
        self.nodes[node] = value;
        while node > 1 {
            node /= 2;
            self.nodes[node] = self.nodes[2 * node].max(self.nodes[2 * node + 1]);
        }
    }

    /// Returns the first places with a value of at least `least`, at most `most` of them.
    fn first_with(&self, least: i64, most: usize) -> Vec<usize> {
        let mut places = Vec::new();
        let mut nodes = vec![1];
        while let Some(node) = nodes.pop().filter(|_| places.len() < most) {
            let value = self.nodes[node];
            if value == ABSENT || value < least {
                continue;
            }
            if node >= self.leaves {
                places.push(node - self.leaves)
            } else {
                nodes.extend([2 * node + 1, 2 * node])
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EMAILS: [Option<&str>; 3] = [None, Some("a@example.com"), Some("B@example.com")];
    const UIDS: [Option<&str>; 3] = [None, Some("1"), Some("2")];

    type Row = (usize, usize, bool, i64, i64);

    fn customer((email, uid, ..): Row) -> CustomerRef<'static> {
        CustomerRef {
            email: EMAILS[email],
            uid: UIDS[uid],
        }
    }

    fn currency((_, _, is_dollar, ..): Row) -> Currency {
        Currency::from_code(if is_dollar { "USD" } else { "EUR" }).unwrap()
    }

    fn is_same(one: CustomerRef<'_>, other: CustomerRef<'_>) -> bool {
        match (one.uid, other.uid) {
            (Some(one), Some(other)) => one == other,
            _ => {
                let emails = one.email_folded().zip(other.email_folded());
                emails.is_some_and(|(one, other)| one == other)
            }
        }
    }

    fn row() -> impl Strategy<Value = Row> {
        (0..3_usize, 0..3_usize, any::<bool>(), 0..6_i64, 1..5_i64)
    }

    proptest! {
        #[test]
        fn the_sales_found_are_those_that_fit(
            sales in prop::collection::vec((0..9_u8, row()), 0..14),
            refunds in prop::collection::vec(row(), 1..5),
        ) {
            let at = |row: Row| Timestamp::from_second(row.3).unwrap();
            // What is left of a sale does not depend on the reading.
            let left = |id: u8| i64::from(id) % 5;
            let ids: Vec<String> = sales.iter().map(|(id, _)| format!("s{id}")).collect();
            let mut candidates = Candidates::default();
            for (refund, &row) in refunds.iter().enumerate() {
                let (customer, currency, created_at) = (customer(row), currency(row), at(row));
                candidates.add_refund(&SearchedRefund { refund, customer, currency, created_at, paid: row.4 });
            }
            for (id, &(number, row)) in ids.iter().zip(&sales) {
                let (customer, currency, created_at) = (customer(row), currency(row), at(row));
                candidates.add_sale(&RefundableSale { event_id: id, customer, currency, created_at, left: left(number) });
            }
            let found = candidates.find(refunds.len());
            for (&refund, found) in refunds.iter().zip(found) {
                let fits = |(id, row): (u8, Row)| {
                    is_same(customer(refund), customer(row)) && currency(refund) == currency(row)
                        && at(row) <= at(refund) && refund.4 <= left(id)
                };
                let expected: BTreeSet<Text> = ids.iter().zip(&sales).filter(|(_, sale)| fits(**sale)).map(|(id, _)| Text::new(id)).collect();
                prop_assert_eq!(found, expected);
            }
        }
    }

    #[allow(clippy::disallowed_methods, reason = "a test that takes its time")]
    #[test]
    fn row_49a_many_sales_and_refunds_of_one_customer_take_no_time() {
        const MANY: i64 = 200_000;
        let usd = Currency::from_code("USD").unwrap();
        let customer = CustomerRef {
            email: None,
            uid: Some("0"),
        };
        let started = std::time::Instant::now();
        let mut candidates = Candidates::default();
        // None fits: each sale is too small or too late.
        for n in 0..MANY {
            let created_at = Timestamp::from_second(n).unwrap();
            let refund = usize::try_from(n).unwrap();
            candidates.add_refund(&SearchedRefund {
                refund,
                customer,
                currency: usd,
                created_at,
                paid: 10,
            });
        }
        for n in 0..MANY {
            let (at, left) = if n % 2 == 0 { (0, 9) } else { (MANY, 10) };
            let created_at = Timestamp::from_second(at).unwrap();
            candidates.add_sale(&RefundableSale {
                event_id: &format!("s{n}"),
                customer,
                currency: usd,
                created_at,
                left,
            });
        }
        let found = candidates.find(usize::try_from(MANY).unwrap());
        assert!(found.iter().all(BTreeSet::is_empty));
        // Each with each would be 40,000 million steps.
        assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
    }
}
