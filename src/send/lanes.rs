//! Decides which events wait for each other: one customer's events are sent one after the other, those of
//! different customers side by side.
//!
//! There may be millions of events to come, so only the number of each is kept; its content is read when its
//! turn comes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, RandomState};

use jiff::Timestamp;

use crate::event::{Customer, Event, KeyHasher, Kind, Text, Ties};
use crate::journal::{EventRow, Outcome};

/// Holds everything that is to be sent, by customer.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    /// The events of each lane side by side, in sending order.
    events: Vec<EventRow>,
    lanes: Vec<Lane>,
}

/// Holds a customer's part of the events, and what their answers have shown so far.
#[derive(Debug)]
pub(super) struct Lane {
    /// The index of the first event that is not settled.
    next: usize,
    end: usize,
    /// `true` if the customer is not in the account's list of leads, and no event could change that.
    pub(super) is_unlisted: bool,
    /// `true` if the customer's sign-up is left to send in an earlier run: without it, the lane's events
    /// would not be referrals.
    pub(super) is_waiting_for_signup: bool,
    learned: Option<Box<Learned>>,
}

/// Holds what answers have shown of a customer. There may be as many of these as customers, so it has one
/// table and no more.
#[derive(Debug, Default)]
struct Learned {
    /// `true` if an event of the lane was tracked, by this run or before it.
    is_lead: bool,
    /// `true` if the API had a sale of the lane before this run first sent it.
    is_sent_by_others: bool,
    /// The sales that the API had before this run first sent them, or of which it is not known whether it has them, with
    /// their dates.
    doubtful_sales: HashMap<Text, (Outcome, Option<Timestamp>)>,
    /// The API's answer for each email and uid: it is a non-referral if the API doesn't know it, and tracked
    /// if a sale of it was.
    answers: HashMap<(Tie, Text), Outcome, BuildHasherDefault<DefaultHasher>>,
}

impl Learned {
    fn answer(&self, tie: Tie, text: &Text) -> Option<Outcome> {
        self.answers.get(&(tie, text.clone())).copied()
    }

    fn learn_customer(&mut self, customer: &Customer, outcome: Outcome) {
        let email = customer.email_folded().map(|email| (Tie::Email, email));
        let uid = customer.uid.clone().map(|uid| (Tie::Uid, uid));
        let both = email.into_iter().chain(uid);
        self.answers
            .extend(both.map(|customer| (customer, outcome)));
    }

    /// Records that the customer is a lead from now on, whatever was said before.
    fn learn_lead(&mut self) {
        if !self.is_lead {
            self.is_lead = true;
            self.answers.retain(|(tie, _), _| *tie == Tie::Sale);
        }
    }
}

/// Says what an event's outcome is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Basis {
    /// The API has answered this event, in this run.
    Asked,
    /// It follows from something else, and nothing was sent.
    Inferred,
}

impl Lanes {
    /// Returns how many lanes there are; they are counted from 0, in the order of their first events.
    pub(super) fn len(&self) -> usize {
        self.lanes.len()
    }

    /// Returns a lane.
    pub(super) fn lane(&self, lane: usize) -> &Lane {
        &self.lanes[lane]
    }

    /// Returns the lane's next event; `None` if all are settled.
    pub(super) fn next(&self, lane: usize) -> Option<EventRow> {
        let lane = &self.lanes[lane];
        self.events[lane.next..lane.end].first().copied()
    }

    /// Marks the lane's next event as settled and learns from it. Returns whether more are to come.
    pub(super) fn settled(
        &mut self,
        lane: usize,
        event: &Event,
        outcome: Outcome,
        basis: Basis,
    ) -> bool {
        let lane = &mut self.lanes[lane];
        assert!(
            lane.next < lane.end,
            "the lane has the event that is settled"
        );
        lane.next += 1;
        if lane.next < lane.end {
            lane.learn(event, outcome, basis);
            true
        } else {
            lane.learned = None;
            false
        }
    }

    /// Returns how many events wait for a sign-up of an earlier run.
    pub(super) fn waiting(&self) -> usize {
        let waiting = self.lanes.iter().filter(|lane| lane.is_waiting_for_signup);
        waiting.map(|lane| lane.end - lane.next).sum()
    }

    /// Returns how many events are in lanes that are not ruled out by the list of leads.
    pub(super) fn listed(&self) -> usize {
        let listed = self.lanes.iter().filter(|lane| !lane.is_unlisted);
        listed.map(|lane| lane.end - lane.next).sum()
    }
}

impl Lane {
    /// Learns from the result of one of the lane's events.
    ///
    /// Only the API's own answer to a sale or a sign-up can say that a customer is unknown: a refund
    /// or a cancellation may be refused for other reasons, and what was inferred says nothing new.
    /// Once an event of the lane was tracked, its customer is a lead, and everything is asked.
    fn learn(&mut self, event: &Event, outcome: Outcome, basis: Basis) {
        let is_sale = event.kind == Kind::Sale;
        let is_told = is_sale || event.kind == Kind::Signup;
        let was_there = is_sale && outcome == Outcome::AlreadyTracked;
        let outcome = match outcome {
            Outcome::AlreadyTracked => Outcome::Tracked,
            outcome => outcome,
        };
        if is_sale && (was_there || outcome == Outcome::Unconfirmed) {
            let known = if was_there {
                Outcome::AlreadyTracked
            } else {
                outcome
            };
            let learned = self.learned.get_or_insert_default();
            learned
                .doubtful_sales
                .insert(event.event_id().into(), (known, event.created_at));
        }
        let says_something = match outcome {
            Outcome::NonReferral => is_told,
            Outcome::Failed => is_sale,
            Outcome::Tracked | Outcome::AlreadyTracked => true,
            Outcome::Unconfirmed => false,
        };
        if !says_something {
            return;
        }
        let learned = self.learned.get_or_insert_default();
        learned.is_sent_by_others |= was_there;
        if outcome == Outcome::Tracked {
            learned.learn_lead();
        }
        if is_sale {
            let sale = (Tie::Sale, event.event_id().into());
            learned.answers.insert(sale, outcome);
        }
        let knows_customer = match outcome {
            Outcome::NonReferral => basis == Basis::Asked && !learned.is_lead,
            Outcome::Tracked => is_sale,
            Outcome::AlreadyTracked | Outcome::Failed | Outcome::Unconfirmed => false,
        };
        if knows_customer {
            learned.learn_customer(&event.customer, outcome);
        }
    }

    /// Returns `true` if the API has said of everything that could identify the event's customer that it is
    /// not a lead. An event that could create the lead has to be sent.
    pub(super) fn is_known_non_lead(&self, event: &Event) -> bool {
        let Some(learned) = &self.learned else {
            return false;
        };
        let email = event.customer.email_folded();
        let uid = event.customer.uid.as_ref();
        let somebody = email.is_some() || uid.is_some();
        let is_unknown = |tie, text: &Text| learned.answer(tie, text) == Some(Outcome::NonReferral);
        somebody
            && !event.ties().may_create_lead()
            && email.is_none_or(|email| is_unknown(Tie::Email, &email))
            && uid.is_none_or(|uid| is_unknown(Tie::Uid, uid))
    }

    /// Returns `true` if an event of the lane was tracked.
    pub(super) fn has_lead(&self) -> bool {
        let learned = self.learned.as_ref();
        learned.is_some_and(|learned| learned.is_lead)
    }

    /// Returns `true` if somebody had sent a sale of the lane before this run: its cancellations may be there
    /// as well.
    pub(super) fn is_sent_by_others(&self) -> bool {
        let learned = self.learned.as_ref();
        learned.is_some_and(|learned| learned.is_sent_by_others)
    }

    /// Returns `true` if this run has tracked a sale of the event's customer.
    pub(super) fn has_tracked_sale_of(&self, event: &Event) -> bool {
        let Some(learned) = &self.learned else {
            return false;
        };
        let customer = &event.customer;
        let is_tracked = |tie, text: &Text| learned.answer(tie, text) == Some(Outcome::Tracked);
        let email = customer.email_folded();
        email.is_some_and(|email| is_tracked(Tie::Email, &email))
            || (customer.uid.as_ref()).is_some_and(|uid| is_tracked(Tie::Uid, uid))
    }

    /// Returns the outcome of the sale that this event refunds, if this run has it.
    pub(super) fn outcome_of_sale(&self, event: &Event) -> Option<Outcome> {
        let learned = self.learned.as_ref()?;
        let sale = event.sale_event_id.as_ref()?;
        let doubtful = learned
            .doubtful_sales
            .get(sale)
            .map(|(outcome, _)| *outcome);
        doubtful.or_else(|| learned.answer(Tie::Sale, sale))
    }

    /// Returns the date of the sale that this event refunds, if the API had that before this run first sent it.
    pub(super) fn date_of_sale_of_others(&self, event: &Event) -> Option<Option<Timestamp>> {
        let learned = self.learned.as_ref()?;
        let (outcome, at) = learned.doubtful_sales.get(event.sale_event_id.as_ref()?)?;
        (*outcome == Outcome::AlreadyTracked).then_some(*at)
    }
}

/// Sorts events into lanes: everything that shares an email, a uid, or a sale and its refund. A
/// lane's sign-ups come first, even where they were recorded by a later run than its sales.
///
/// Two texts of one hash join two lanes, which makes their events wait for one another without need.
#[derive(Debug, Default)]
pub(super) struct Sorter {
    events: Vec<EventRow>,
    sets: DisjointSets,
    seen: HashMap<u64, usize, BuildHasherDefault<KeyHasher>>,
    hasher: RandomState,
    signups: HashSet<usize>,
    /// The customer's standing for each event, in the order of `events`.
    standing: Vec<LeadStanding>,
    /// The events whose customers are leads, as earlier runs have found.
    of_leads: HashSet<usize>,
}

/// Says whether an event's customer may be a lead when sending starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeadStanding {
    /// The customer may be a lead: always so if there is no list of leads.
    MayBeLead,
    /// The customer is not in the list of leads.
    Unlisted,
    /// The customer has a sign-up that is left to send in an earlier run.
    SignupElsewhere,
}

impl Sorter {
    /// Adds the next event, in sending order.
    pub(super) fn add(&mut self, row: EventRow, event: Ties<'_>, standing: LeadStanding) {
        assert!(
            self.events.last().is_none_or(|last| last.0 < row.0),
            "the journal gives events in sending order"
        );
        let index = self.sets.add();
        let sale = event
            .sale()
            .map(|sale| self.hasher.hash_one((Tie::Sale, sale)));
        for tie in self
            .customer_ties(event)
            .into_iter()
            .chain([sale])
            .flatten()
        {
            let other = *self.seen.entry(tie).or_insert(index);
            self.sets.join(index, other);
        }
        if event.kind == Kind::Signup {
            self.signups.insert(index);
        }
        self.events.push(row);
        self.standing.push(standing);
    }

    /// Returns the hashes of everything that could identify the customer of an event.
    fn customer_ties(&self, event: Ties<'_>) -> [Option<u64>; 2] {
        let email = event
            .customer
            .email_folded()
            .map(|email| self.hasher.hash_one((Tie::Email, email.as_str())));
        let uid = event.customer.uid;
        [email, uid.map(|uid| self.hasher.hash_one((Tie::Uid, uid)))]
    }

    /// Returns `true` if there is a lane of several events, so that the answer to one could settle others.
    pub(super) fn has_shared_lane(&self) -> bool {
        self.sets.has_joined()
    }

    /// Records that the customer of an event of an earlier run is a lead, whatever answers say later.
    pub(super) fn note_lead(&mut self, event: Ties<'_>) {
        for tie in self.customer_ties(event).into_iter().flatten() {
            self.of_leads.extend(self.seen.get(&tie));
        }
    }

    /// Returns the lanes of everything that was added.
    pub(super) fn finish(self) -> Lanes {
        let Sorter {
            events,
            mut sets,
            seen,
            signups,
            standing,
            of_leads,
            ..
        } = self;
        drop(seen);
        let mut lanes: Vec<Lane> = Vec::new();
        let mut lane_of: Vec<usize> = Vec::with_capacity(events.len());
        for (index, &standing) in standing.iter().enumerate() {
            // The earliest event of a lane is its root.
            let root = sets.root(index);
            let lane = if root == index {
                lanes.len()
            } else {
                lane_of[root]
            };
            if root == index {
                lanes.push(Lane {
                    next: 0,
                    end: 0,
                    is_unlisted: true,
                    is_waiting_for_signup: false,
                    learned: None,
                });
            }
            lanes[lane].end += 1;
            lanes[lane].is_unlisted &= standing == LeadStanding::Unlisted;
            lanes[lane].is_waiting_for_signup |= standing == LeadStanding::SignupElsewhere;
            lane_of.push(lane);
        }
        // With a sign-up of its own, a lane does not wait for another one, so that no two runs wait for each
        // other.
        for &index in &signups {
            lanes[lane_of[index]].is_waiting_for_signup = false;
        }
        for &index in &of_leads {
            let lane = &mut lanes[lane_of[index]];
            lane.learned.get_or_insert_default().is_lead = true;
        }
        let mut start = 0;
        for lane in &mut lanes {
            let count = lane.end;
            (lane.next, lane.end) = (start, start);
            start += count;
        }
        // Each place is taken by an event of its lane below.
        let mut places = events.clone();
        let mut put = |index: usize| {
            let lane = &mut lanes[lane_of[index]];
            places[lane.end] = events[index];
            lane.end += 1;
        };
        let is_signup = |index: &usize| signups.contains(index);
        (0..events.len()).filter(is_signup).for_each(&mut put);
        let others = (0..events.len()).filter(|index| !is_signup(index));
        others.for_each(&mut put);
        debug_assert!(
            lanes.windows(2).all(|two| two[0].end == two[1].next),
            "each lane ends where the next one begins"
        );
        Lanes {
            events: places,
            lanes,
        }
    }
}

/// Names what two events of one lane share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Tie {
    Email,
    Uid,
    Sale,
}

/// Implements union-find with path halving.
#[derive(Debug, Default)]
struct DisjointSets(Vec<usize>);

impl DisjointSets {
    /// Adds a set of one and returns its index.
    fn add(&mut self) -> usize {
        let index = self.0.len();
        self.0.push(index);
        index
    }

    /// Returns `true` if any set has several elements.
    fn has_joined(&self) -> bool {
        self.0
            .iter()
            .enumerate()
            .any(|(index, above)| index != *above)
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
    use crate::event::{Details, ExportLine};

    fn event(kind: Kind, id: &str, email: &str, uid: &str, sale: Option<&str>) -> Event {
        let customer = Customer::new(Some(email), Some(uid));
        let mut event = Event::new(kind, id.into(), customer, ExportLine { input: 0, line: 2 });
        event.sale_event_id = sale.map(Text::new);
        event
    }

    /// Returns the lanes of events that are numbered from 1.
    fn sorted(events: &[Event]) -> Lanes {
        let mut sorter = Sorter::default();
        for (row, event) in (1..).map(EventRow).zip(events) {
            sorter.add(row, event.ties(), LeadStanding::MayBeLead);
        }
        sorter.finish()
    }

    /// Returns the numbers of each lane's events.
    fn waiting(lanes: &Lanes) -> Vec<Vec<i64>> {
        let of = |lane: &Lane| lanes.events[lane.next..lane.end].iter().map(|row| row.0);
        lanes.lanes.iter().map(|lane| of(lane).collect()).collect()
    }

    fn lane() -> Lane {
        Lane {
            next: 0,
            end: 9,
            is_unlisted: false,
            is_waiting_for_signup: false,
            learned: None,
        }
    }

    #[test]
    fn a_lane_is_everything_that_shares_an_email_a_uid_or_a_sale() {
        let lanes = sorted(&[
            event(Kind::Sale, "s1", "a@example.com", "1", None),
            event(Kind::Sale, "s2", "b@example.com", "2", None),
            event(Kind::Sale, "s3", "A@example.com", "3", None),
            event(Kind::Sale, "s4", "", "3", None),
            event(Kind::Refund, "r2", "", "9", Some("s2")),
            event(Kind::Sale, "s5", "c@example.com", "", None),
        ]);
        assert_eq!(waiting(&lanes), [vec![1, 3, 4], vec![2, 5], vec![6]]);
    }

    #[test]
    fn an_event_joins_lanes_that_were_separate_before_it() {
        let lanes = sorted(&[
            event(Kind::Sale, "s1", "a@example.com", "1", None),
            event(Kind::Sale, "s2", "b@example.com", "2", None),
            event(Kind::Sale, "s3", "c@example.com", "3", None),
            event(Kind::Sale, "s4", "a@example.com", "3", None),
            event(Kind::Sale, "s5", "c@example.com", "", None),
        ]);
        assert_eq!(waiting(&lanes), [vec![1, 3, 4, 5], vec![2]]);
    }

    #[test]
    fn sign_ups_go_before_the_sales_of_their_customer_in_whatever_order_they_were_recorded() {
        let lanes = sorted(&[
            event(Kind::Sale, "s1", "a@example.com", "1", None),
            event(Kind::Sale, "s2", "b@example.com", "2", None),
            event(Kind::Sale, "s3", "a@example.com", "", None),
            event(Kind::Signup, "u1", "", "1", None),
        ]);
        assert_eq!(waiting(&lanes), [vec![4, 1, 3], vec![2]]);
    }

    #[test]
    fn a_lane_waits_for_a_sign_up_elsewhere_unless_it_has_its_own() {
        let mut sorter = Sorter::default();
        let events = [
            event(Kind::Sale, "s1", "a@example.com", "1", None),
            event(Kind::Refund, "r1", "", "9", Some("s1")),
            event(Kind::Sale, "s2", "b@example.com", "2", None),
            event(Kind::Sale, "s3", "c@example.com", "3", None),
            event(Kind::Signup, "u3", "c@example.com", "", None),
        ];
        let elsewhere = ["s1", "s3", "u3"];
        for (row, event) in (1..).map(EventRow).zip(&events) {
            let standing = if elsewhere.contains(&event.event_id()) {
                LeadStanding::SignupElsewhere
            } else {
                LeadStanding::MayBeLead
            };
            sorter.add(row, event.ties(), standing);
        }
        let lanes = sorter.finish();
        let waits = |lane: usize| lanes.lane(lane).is_waiting_for_signup;
        assert_eq!((waits(0), waits(1), waits(2)), (true, false, false));
        assert_eq!(lanes.waiting(), 2);
    }

    #[test]
    fn a_lane_gives_one_event_after_the_other_until_none_is_left() {
        let events = [
            event(Kind::Sale, "s1", "a@example.com", "1", None),
            event(Kind::Sale, "s2", "b@example.com", "2", None),
            event(Kind::Sale, "s3", "a@example.com", "1", None),
        ];
        let mut lanes = sorted(&events);
        assert_eq!(lanes.next(0), Some(EventRow(1)));
        assert!(lanes.settled(0, &events[0], Outcome::NonReferral, Basis::Asked));
        assert_eq!(lanes.next(0), Some(EventRow(3)));
        assert!(lanes.lane(0).is_known_non_lead(&events[2]));
        assert!(!lanes.settled(0, &events[2], Outcome::NonReferral, Basis::Inferred));
        assert_eq!(lanes.next(0), None);
        assert_eq!(lanes.next(1), Some(EventRow(2)));
    }

    #[test]
    fn a_customer_is_a_known_non_lead_only_by_every_id() {
        let mut lane = lane();
        let first = event(Kind::Sale, "s1", "a@example.com", "1", None);
        assert!(!lane.is_known_non_lead(&first));
        lane.learn(&first, Outcome::NonReferral, Basis::Asked);
        assert!(lane.is_known_non_lead(&first));
        assert!(lane.is_known_non_lead(&event(Kind::Sale, "s2", "", "1", None)));
        let other_email = event(Kind::Sale, "s3", "b@example.com", "1", None);
        assert!(!lane.is_known_non_lead(&other_email));
        let mut coupon = first.clone();
        coupon.set_details(Details {
            promo_code: Some("NORA10".into()),
            ..Details::default()
        });
        assert!(!lane.is_known_non_lead(&coupon));

        let signup = event(Kind::Signup, "u1", "a@example.com", "1", None);
        assert!(!lane.is_known_non_lead(&signup));
        lane.learn(&signup, Outcome::Tracked, Basis::Asked);
        assert!(!lane.is_known_non_lead(&first));
    }

    #[test]
    fn only_a_sales_or_a_sign_ups_own_answer_says_that_a_customer_is_unknown() {
        let sale = event(Kind::Sale, "s1", "a@example.com", "1", None);
        let later = event(Kind::Sale, "s2", "a@example.com", "1", None);
        for kind in Kind::ALL {
            for basis in [Basis::Asked, Basis::Inferred] {
                let mut lane = lane();
                let event = event(kind, "x", "a@example.com", "1", None);
                lane.learn(&event, Outcome::NonReferral, basis);
                let is_told = matches!(kind, Kind::Sale | Kind::Signup) && basis == Basis::Asked;
                assert_eq!(lane.is_known_non_lead(&later), is_told, "{kind} {basis:?}");
            }
        }
        for outcome in [Outcome::Tracked, Outcome::AlreadyTracked] {
            for kind in Kind::ALL {
                let mut lane = lane();
                lane.learn(&sale, Outcome::NonReferral, Basis::Asked);
                lane.learn(
                    &event(kind, "x", "a@example.com", "", None),
                    outcome,
                    Basis::Asked,
                );
                assert!(!lane.is_known_non_lead(&later), "{kind} {outcome}");
                lane.learn(&sale, Outcome::NonReferral, Basis::Asked);
                assert!(
                    !lane.is_known_non_lead(&later),
                    "a tracked customer stays one"
                );
            }
        }
    }

    #[test]
    fn a_refund_knows_what_came_of_its_sale_though_the_customer_signed_up_since() {
        for outcome in [Outcome::Failed, Outcome::NonReferral] {
            let mut lane = lane();
            let sale = event(Kind::Sale, "s1", "a@example.com", "1", None);
            let signup = event(Kind::Signup, "u1", "a@example.com", "1", None);
            let refund = event(Kind::Refund, "r1", "a@example.com", "1", Some("s1"));
            assert_eq!(lane.outcome_of_sale(&refund), None);
            lane.learn(&sale, outcome, Basis::Asked);
            lane.learn(&signup, Outcome::Tracked, Basis::Asked);
            assert_eq!(lane.outcome_of_sale(&refund), Some(outcome));
            assert_eq!(lane.outcome_of_sale(&sale), None);
        }
    }
}
