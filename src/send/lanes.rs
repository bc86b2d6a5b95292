//! Who waits for whom: one customer's events go one after the other, customers go side by side.

use std::collections::{HashMap, HashSet, VecDeque};

use crate::event::{Event, Kind, Text};
use crate::journal::Outcome;

/// A customer's events, in sending order, and what their answers have taught so far.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// Indexes of the events that are not settled.
    pub(super) waiting: VecDeque<usize>,
    unknown_emails: HashSet<Text>,
    unknown_uids: HashSet<Text>,
    /// Sales that the API refused, in this run or before it.
    failed_sales: HashSet<Text>,
    /// Sales that were no referrals, in this run or before it.
    strange_sales: HashSet<Text>,
    /// Whether the customer is not in the account's list of leads, and no event could change that.
    pub(super) is_unlisted: bool,
}

impl Lane {
    /// Learns from the result of one of the lane's events.
    pub(super) fn learn(&mut self, event: &Event, outcome: Outcome) {
        if event.kind == Kind::Sale {
            self.learn_sale(event.event_id(), outcome);
        }
        match outcome {
            Outcome::NonReferral => {
                self.unknown_emails.extend(event.customer.email_folded());
                self.unknown_uids.extend(event.customer.uid.clone());
            }
            Outcome::Tracked | Outcome::AlreadyTracked if event.kind == Kind::Signup => {
                self.unknown_emails.clear();
                self.unknown_uids.clear();
            }
            _ => {}
        }
    }

    /// Learns what came of a sale, which decides what becomes of its refunds.
    pub(super) fn learn_sale(&mut self, sale: &str, outcome: Outcome) {
        match outcome {
            Outcome::Failed => self.failed_sales.insert(Text::new(sale)),
            Outcome::NonReferral => self.strange_sales.insert(Text::new(sale)),
            _ => return,
        };
    }

    /// Whether the API has said of everything that this event could be found by that it is no
    /// lead. An event that could create the lead has to be asked. A refund of a sale that was no
    /// referral has nothing to take back, even if its customer became a lead since.
    pub(super) fn is_known_stranger(&self, event: &Event) -> bool {
        let sale = event.sale_event_id.as_ref();
        if sale.is_some_and(|sale| self.strange_sales.contains(sale)) {
            return true;
        }
        let email = event.customer.email_folded();
        let uid = event.customer.uid.as_ref();
        let somebody = email.is_some() || uid.is_some();
        somebody
            && !creates_lead(event)
            && email.is_none_or(|email| self.unknown_emails.contains(&email))
            && uid.is_none_or(|uid| self.unknown_uids.contains(uid))
    }

    /// Whether the sale that this event refunds was refused.
    pub(super) fn sale_failed(&self, event: &Event) -> bool {
        event
            .sale_event_id
            .as_ref()
            .is_some_and(|sale| self.failed_sales.contains(sale))
    }
}

/// Whether the API may make the customer a lead because of this event.
pub(super) fn creates_lead(event: &Event) -> bool {
    let details = event.details();
    event.kind == Kind::Signup
        || details.promo_code.is_some()
        || details.tid.is_some()
        || details.ref_id.is_some()
}

/// Sorts events into lanes: everything that shares an email, a uid, or a sale and its refund. A
/// lane's sign-ups come first, even where they were recorded by a later run than its sales.
///
/// Gives the lanes, in the order of their first events, and each event's lane.
pub(super) fn lanes(events: &[&Event]) -> (Vec<Lane>, Vec<usize>) {
    let mut sets = DisjointSets::new(events.len());
    let mut seen: HashMap<(Tie, Text), usize> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        for tie in ties(event) {
            match seen.get(&tie) {
                Some(&other) => sets.join(index, other),
                None => {
                    seen.insert(tie, index);
                }
            }
        }
    }
    drop(seen);
    let mut lanes: Vec<Lane> = Vec::new();
    let mut lane_of_root: HashMap<usize, usize> = HashMap::new();
    let mut lane_of = Vec::with_capacity(events.len());
    for index in 0..events.len() {
        let root = sets.root(index);
        let lane = *lane_of_root.entry(root).or_insert_with(|| {
            lanes.push(Lane::default());
            lanes.len() - 1
        });
        lanes[lane].waiting.push_back(index);
        lane_of.push(lane);
    }
    for lane in &mut lanes {
        let is_signup = |index: &usize| events[*index].kind == Kind::Signup;
        let waiting = lane.waiting.make_contiguous();
        waiting.sort_by_key(|index| !is_signup(index));
    }
    (lanes, lane_of)
}

/// What two events of one lane share.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Tie {
    Email,
    Uid,
    Sale,
}

fn ties(event: &Event) -> impl Iterator<Item = (Tie, Text)> {
    let sale = match event.kind {
        Kind::Sale => Some(event.event_id().into()),
        _ => event.sale_event_id.clone(),
    };
    [
        event
            .customer
            .email_folded()
            .map(|email| (Tie::Email, email)),
        event.customer.uid.clone().map(|uid| (Tie::Uid, uid)),
        sale.map(|sale| (Tie::Sale, sale)),
    ]
    .into_iter()
    .flatten()
}

/// Union-find with path halving.
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    fn new(len: usize) -> Self {
        DisjointSets((0..len).collect())
    }

    fn root(&mut self, mut index: usize) -> usize {
        while self.0[index] != index {
            self.0[index] = self.0[self.0[index]];
            index = self.0[index];
        }
        index
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        // The earlier event is the root, so that lanes come in the order of their first events.
        self.0[one.max(other)] = one.min(other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Customer, Details, Source};

    fn event(kind: Kind, id: &str, email: &str, uid: &str, sale: Option<&str>) -> Event {
        let customer = Customer::new(Some(email), Some(uid));
        let mut event = Event::new(kind, id.into(), customer, Source { input: 0, line: 2 });
        event.sale_event_id = sale.map(Text::new);
        event
    }

    #[test]
    fn a_lane_is_everything_that_shares_an_email_a_uid_or_a_sale() {
        let events = [
            event(Kind::Sale, "s1", "a@example.com", "1", None),
            event(Kind::Sale, "s2", "b@example.com", "2", None),
            event(Kind::Sale, "s3", "A@example.com", "3", None),
            event(Kind::Sale, "s4", "", "3", None),
            event(Kind::Refund, "r2", "", "9", Some("s2")),
            event(Kind::Sale, "s5", "c@example.com", "", None),
        ];
        let (lanes, lane_of) = lanes(&events.each_ref());
        assert_eq!(lane_of, [0, 1, 0, 0, 1, 2]);
        let waiting: Vec<Vec<usize>> = lanes
            .iter()
            .map(|lane| lane.waiting.iter().copied().collect())
            .collect();
        assert_eq!(waiting, [vec![0, 2, 3], vec![1, 4], vec![5]]);
    }

    #[test]
    fn sign_ups_go_before_the_sales_of_their_customer_in_whatever_order_they_were_recorded() {
        let events = [
            event(Kind::Sale, "s1", "a@example.com", "1", None),
            event(Kind::Sale, "s2", "b@example.com", "2", None),
            event(Kind::Sale, "s3", "a@example.com", "", None),
            event(Kind::Signup, "u1", "", "1", None),
        ];
        let (lanes, _) = lanes(&events.each_ref());
        assert_eq!(lanes[0].waiting, [3, 0, 2]);
        assert_eq!(lanes[1].waiting, [1]);
    }

    #[test]
    fn a_stranger_is_known_only_by_all_that_he_could_be_found_by() {
        let mut lane = Lane::default();
        let first = event(Kind::Sale, "s1", "a@example.com", "1", None);
        assert!(!lane.is_known_stranger(&first));
        lane.learn(&first, Outcome::NonReferral);
        assert!(lane.is_known_stranger(&first));
        assert!(lane.is_known_stranger(&event(Kind::Sale, "s2", "", "1", None)));
        let other_email = event(Kind::Sale, "s3", "b@example.com", "1", None);
        assert!(!lane.is_known_stranger(&other_email));
        let mut coupon = first.clone();
        coupon.set_details(Details {
            promo_code: Some("NORA10".into()),
            ..Details::default()
        });
        assert!(!lane.is_known_stranger(&coupon));

        let signup = event(Kind::Signup, "u1", "a@example.com", "1", None);
        assert!(!lane.is_known_stranger(&signup));
        lane.learn(&signup, Outcome::Tracked);
        assert!(!lane.is_known_stranger(&first));
    }

    #[test]
    fn a_refund_of_a_sale_that_was_no_referral_is_none_though_the_customer_signed_up_since() {
        let mut lane = Lane::default();
        let sale = event(Kind::Sale, "s1", "a@example.com", "1", None);
        let signup = event(Kind::Signup, "u1", "a@example.com", "1", None);
        let refund = event(Kind::Refund, "r1", "a@example.com", "1", Some("s1"));
        lane.learn(&sale, Outcome::NonReferral);
        lane.learn(&signup, Outcome::Tracked);
        assert!(lane.is_known_stranger(&refund));
    }

    #[test]
    fn a_refund_knows_when_its_sale_was_refused() {
        let mut lane = Lane::default();
        let sale = event(Kind::Sale, "s1", "a@example.com", "1", None);
        let refund = event(Kind::Refund, "r1", "a@example.com", "1", Some("s1"));
        assert!(!lane.sale_failed(&refund));
        lane.learn(&sale, Outcome::Failed);
        assert!(lane.sale_failed(&refund));
    }
}
