use std::collections::HashMap;

use super::*;
use crate::event::{
    Currency, Customer, Essence, Event, ExportLine, Money, Refunded, running_total_refund_id,
};
use crate::journal::Outcome;
use crate::link::{AskedAgain, EmptyHistory, Found, LinkRules, SaleHistory, link};
use crate::readings::identify;

/// Stands in for a journal, in memory.
#[derive(Default)]
struct Journal {
    events: HashMap<EventKey, (Essence, Option<Outcome>)>,
    refunded: HashMap<EventKey, Refunded>,
}

impl Journal {
    fn with(mut self, event: &Event, outcome: Option<Outcome>) -> Self {
        let essence = event.essence();
        self.events.insert(event.key(), (essence, outcome));
        if let (Some(sale), Some(money)) = (&event.sale_event_id, event.money) {
            let refunded = self.refunded.entry(EventKey::from_id(sale)).or_default();
            refunded.cents += money.amount_cents;
            refunded.gross_cents += event.paid_cents().unwrap();
        }
        self
    }
}

impl SaleHistory for Journal {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.events.get(&key).map(|known| known.0)
    }
    fn refunded(&self, sale: EventKey) -> Refunded {
        self.refunded.get(&sale).copied().unwrap_or_default()
    }
    fn outcome(&self, key: EventKey) -> Option<Outcome> {
        self.events.get(&key)?.1
    }
}

impl History for Journal {}

fn event(kind: Kind, id: &str, cents: i64) -> Event {
    let customer = Customer::new(Some("a@example.com"), None);
    let mut event = Event::new(kind, id.into(), customer, ExportLine { input: 0, line: 0 });
    event.money = Some(Money {
        amount_cents: cents,
        currency: Currency::from_code("USD").unwrap(),
    });
    event
}

fn sale(cents: i64) -> Event {
    event(Kind::Sale, "s_1", cents)
}

fn refund(id: &str, cents: i64) -> Event {
    let mut refund = event(Kind::Refund, id, cents);
    refund.sale_event_id = Some("s_1".into());
    refund
}

fn of(mut event: Event, email: Option<&str>, uid: Option<&str>) -> Event {
    event.customer = Customer::new(email, uid);
    event
}

fn on(mut event: Event, date: &str) -> Event {
    event.created_at = Some(date.parse().unwrap());
    event
}

/// Plans events that are in two files, from line 2 on.
fn planned(mut events: Vec<Event>, history: &dyn History) -> Plan {
    let count = events.len();
    for (index, event) in events.iter_mut().enumerate() {
        let line = 2 + index as u64;
        event.source = Some(ExportLine {
            input: index * 2 / count,
            line,
        });
    }
    let mut events: Events = events.into_iter().collect();
    let mut origins = ExportOrigins::default();
    origins.add_input("a.csv", "mine");
    origins.add_input("b.csv", "mine");
    let identified = identify(&mut events, history);
    let mut readings = Readings::new(&events, &identified, &origins);
    readings.join(&mut events, &origins);
    let asked_again = AskedAgain::new(&events, history);
    let links = link(
        &mut events,
        history,
        &LinkRules::default(),
        Found {
            shared: &identified.shared,
            asked_again: &asked_again,
            looked_at: &std::collections::HashSet::new(),
        },
    );
    let linked = LinkedReadings {
        links,
        asked_again: &asked_again,
        range: &DateRange::default(),
        in_account: Default::default(),
        account: None,
        readings,
    };
    let plan = plan(events, linked, history, &origins);
    assert!(plan.is_balanced());
    plan
}

/// Returns the states by line.
fn states(events: Vec<Event>, history: &dyn History) -> Vec<PlanState> {
    let plan = planned(events, history);
    let mut planned: Vec<_> = plan.events().collect();
    planned.sort_by_key(|planned| planned.event.source.line);
    planned.iter().map(|planned| planned.state).collect()
}

use PlanState::{Conflict, Duplicate, Settled, ToSend, Unlinked};

#[test]
fn the_same_content_goes_once() {
    assert_eq!(
        states(vec![sale(800), sale(800), sale(800)], &EmptyHistory),
        [ToSend, Duplicate, Duplicate]
    );
}

#[test]
fn a_conflict_holds_all_its_sides_and_says_so_of_each() {
    let events = vec![sale(800), sale(800), sale(900), sale(800)];
    assert_eq!(states(events.clone(), &EmptyHistory), [Conflict; 4]);
    let problems = planned(events, &EmptyHistory).problems;
    assert_eq!(problems.len(), 4);
    for problem in problems {
        assert!(problem.message.contains("8.00 USD"), "{problem}");
        assert!(problem.message.contains("9.00 USD"), "{problem}");
    }
}

#[test]
fn two_who_agree_with_the_first_and_contradict_each_other_are_a_conflict() {
    let neither = of(sale(800), Some("a@example.com"), None);
    let one = of(sale(800), Some("a@example.com"), Some("cus_1"));
    let other = of(sale(800), Some("a@example.com"), Some("cus_2"));
    for events in [
        vec![neither.clone(), one.clone(), other.clone()],
        vec![one.clone(), neither.clone(), other.clone()],
        vec![one, other, neither],
    ] {
        assert_eq!(states(events, &EmptyHistory), [Conflict; 3]);
    }
}

#[test]
fn the_journals_version_decides() {
    let history = Journal::default().with(&sale(800), Some(Outcome::Tracked));
    assert_eq!(states(vec![sale(800)], &history), [Settled]);
    assert_eq!(states(vec![sale(900)], &history), [Conflict]);
    assert_eq!(
        states(vec![sale(900), sale(800), sale(800)], &history),
        [Conflict, Settled, Duplicate]
    );
    let open = Journal::default().with(&sale(800), None);
    assert_eq!(states(vec![sale(800)], &open), [ToSend]);
}

#[test]
fn a_refund_is_measured_against_the_sale_that_the_journal_knows() {
    let history = Journal::default().with(&sale(800), Some(Outcome::Tracked));
    // The export's larger sale comes first, and was never sent.
    let above = vec![sale(900), sale(800), refund("re_1", 850)];
    assert_eq!(states(above, &history), [Conflict, Settled, Unlinked]);
    let within = vec![sale(900), sale(800), refund("re_1", 800)];
    assert_eq!(states(within, &history), [Conflict, Settled, ToSend]);
    assert_eq!(
        states(vec![sale(900), refund("re_1", 800)], &history),
        [Conflict, Unlinked]
    );
}

#[test]
fn a_refund_waits_for_its_sale() {
    assert_eq!(
        states(
            vec![sale(800), sale(900), refund("re_1", 100)],
            &EmptyHistory
        ),
        [Conflict, Conflict, Unlinked]
    );
    assert_eq!(states(vec![refund("re_1", 100)], &EmptyHistory), [Unlinked]);
    for (outcome, expected) in [
        (Some(Outcome::Tracked), ToSend),
        (Some(Outcome::Failed), Unlinked),
        (None, Unlinked),
    ] {
        let history = Journal::default().with(&sale(800), outcome);
        assert_eq!(states(vec![refund("re_1", 100)], &history), [expected]);
    }
}

#[test]
fn no_copy_of_a_held_refund_gets_through() {
    let events = vec![
        sale(800),
        on(refund("re_1", 800), "2026-03-01T00:00:00Z"),
        on(refund("re_2", 100), "2026-03-03T00:00:00Z"),
        on(refund("re_2", 100), "2026-03-02T00:00:00Z"),
    ];
    assert_eq!(
        states(events, &EmptyHistory),
        [ToSend, ToSend, Unlinked, Duplicate]
    );
}

#[test]
fn a_refund_never_goes_before_its_sale() {
    let late = on(sale(800), "2026-03-05T00:00:00Z");
    let id = running_total_refund_id("s_1", 300);
    let mut total = on(refund(&id, 300), "2026-03-01T00:00:00Z");
    total.refund_total_cents = Some(300);
    let other = on(event(Kind::Sale, "s_2", 100), "2026-03-02T00:00:00Z");
    let mut undated = refund("re_1", 100);
    undated.created_at = None;
    let plan = planned(vec![total, undated, late, other], &EmptyHistory);
    let order: Vec<_> = plan.events().map(|p| p.event.event_id()).collect();
    assert_eq!(order, ["s_2", "s_1", "s_1_refund_300", "re_1"]);
    assert!(plan.events().all(|planned| planned.state == ToSend));
}

#[test]
fn the_reading_that_knows_what_counts_is_the_one_that_goes() {
    let paid = sale(1190);
    let mut net = sale(1000);
    net.gross_cents = Some(1190);
    assert_eq!(
        states(vec![paid.clone(), net.clone(), paid.clone()], &EmptyHistory),
        [Duplicate, ToSend, Duplicate]
    );
    assert_eq!(states(vec![net, paid], &EmptyHistory), [ToSend, Duplicate]);
}

#[test]
fn a_conflict_shows_both_sides() {
    let mut net = sale(1000);
    net.gross_cents = Some(1190);
    let one = of(sale(1000), Some("a@example.com"), Some("cus_1"));
    let other = of(sale(1000), Some("a@example.com"), Some("cus_2"));
    for (events, expected) in [
        (
            vec![net, sale(1000)],
            "another amount: 10.00 USD here, 10.00 USD of 11.90 USD paid there",
        ),
        (
            vec![one, other],
            "another customer: `cus_2` here, `cus_1` there",
        ),
        (
            vec![sale(1000), of(sale(1000), Some("b@example.com"), None)],
            "another customer: `b@example.com` here, `a@example.com` there",
        ),
    ] {
        let problems = planned(events, &EmptyHistory).problems;
        assert!(problems[1].message.ends_with(expected), "{}", problems[1]);
    }
}
