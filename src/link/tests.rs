use super::*;
use crate::event::{Currency, Customer, Source, running_total_refund_id};

fn link_all(events: &mut [Event], earlier: &dyn Earlier) -> Vec<Link> {
    link(events, earlier, &Rules::default())
}

struct Past {
    essences: HashMap<EventKey, Essence>,
    refunded: HashMap<EventKey, Refunded>,
}

impl Past {
    fn of(events: &[Event]) -> Past {
        let mut past = Past {
            essences: HashMap::new(),
            refunded: HashMap::new(),
        };
        for event in events {
            past.essences.insert(event.key(), event.essence());
            if let (Some(sale), Some(money)) = (&event.sale_event_id, event.money) {
                let refunded = past.refunded.entry(EventKey::of(sale)).or_default();
                refunded.cents += money.amount_cents;
                refunded.gross_cents += event.paid_cents().unwrap();
                refunded.largest_total_cents =
                    refunded.largest_total_cents.max(event.refund_total_cents);
            }
        }
        past
    }
}

impl Earlier for Past {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.essences.get(&key).copied()
    }
    fn refunded(&self, sale: EventKey) -> Refunded {
        self.refunded.get(&sale).copied().unwrap_or_default()
    }
}

fn event(kind: Kind, id: &str, cents: i64, line: u64) -> Event {
    let customer = Customer::new(Some("a@example.com"), None);
    let mut event = Event::new(kind, id.into(), customer, Source { input: 0, line });
    event.money = Some(Money {
        amount_cents: cents,
        currency: Currency::from_code("USD").unwrap(),
    });
    event
}

fn sale(id: &str, cents: i64) -> Event {
    event(Kind::Sale, id, cents, 2)
}

fn total(sale: &str, cents: i64) -> Event {
    let mut refund = event(
        Kind::Refund,
        &running_total_refund_id(sale, cents),
        cents,
        2,
    );
    refund.sale_event_id = Some(sale.into());
    refund.refund_total_cents = Some(cents);
    refund
}

fn part(id: &str, sale: Option<&str>, cents: i64) -> Event {
    let mut refund = event(Kind::Refund, id, cents, 3);
    refund.sale_event_id = sale.map(Into::into);
    refund
}

fn cents(events: &[Event]) -> Vec<i64> {
    events
        .iter()
        .map(|event| event.money.unwrap().amount_cents)
        .collect()
}

#[test]
fn running_totals_become_differences_in_whatever_order_they_come() {
    let mut up = [sale("in_1", 8000), total("in_1", 3000), total("in_1", 5000)];
    assert_eq!(link_all(&mut up, &Nothing), vec![Link::Sound; 3]);
    assert_eq!(cents(&up), [8000, 3000, 2000]);

    let mut down = [total("in_1", 5000), total("in_1", 3000), sale("in_1", 8000)];
    assert_eq!(link_all(&mut down, &Nothing), vec![Link::Sound; 3]);
    assert_eq!(cents(&down), [2000, 3000, 8000]);
}

#[test]
fn a_later_export_adds_what_the_journal_does_not_have() {
    let past = Past::of(&[sale("in_1", 8000), total("in_1", 3000)]);
    let mut now = [sale("in_1", 8000), total("in_1", 5000)];
    assert_eq!(link_all(&mut now, &past), vec![Link::Sound; 2]);
    assert_eq!(cents(&now), [8000, 2000]);

    let mut again = [total("in_1", 3000)];
    assert_eq!(link_all(&mut again, &past), [Link::Sound]);
    assert_eq!(cents(&again), [3000]);
}

#[test]
fn an_older_total_beside_the_newer_is_covered_and_alone_has_fallen() {
    let past = Past::of(&[sale("in_1", 8000), total("in_1", 5000)]);
    let mut both = [total("in_1", 3000), total("in_1", 5000)];
    let links = link_all(&mut both, &past);
    assert!(matches!(links[0], Link::Covered(_)), "{links:?}");
    assert_eq!(links[1], Link::Sound);
    assert_eq!(cents(&both), [3000, 5000]);

    let mut fell = [total("in_1", 3000)];
    assert!(
        matches!(&link_all(&mut fell, &past)[0], Link::Held(held) if held.reason.contains("fell"))
    );
}

#[test]
fn refund_rows_and_running_totals_of_one_sale_are_not_counted_twice() {
    let mut events = [
        sale("in_1", 8000),
        part("re_1", Some("in_1"), 3000),
        total("in_1", 3000),
        total("in_1", 4500),
    ];
    let links = link_all(&mut events, &Nothing);
    assert!(matches!(links[2], Link::Covered(_)), "{links:?}");
    assert_eq!(links[3], Link::Sound);
    assert_eq!(cents(&events)[3], 1500);
}

#[test]
fn a_refund_row_that_a_recorded_running_total_may_hold_is_not_sent_on_a_guess() {
    let past = Past::of(&[sale("in_1", 8000), total("in_1", 3000)]);
    let mut now = [part("re_1", Some("in_1"), 3000)];
    assert!(
        matches!(&link_all(&mut now, &past)[0], Link::Held(held) if held.reason.contains("30.00 USD"))
    );

    // The other way round there is nothing to guess.
    let past = Past::of(&[sale("in_1", 8000), part("re_1", Some("in_1"), 3000)]);
    let mut now = [total("in_1", 3000), total("in_1", 4000)];
    let links = link_all(&mut now, &past);
    assert!(matches!(links[0], Link::Covered(_)), "{links:?}");
    assert_eq!((&links[1], cents(&now)[1]), (&Link::Sound, 1000));
}

#[test]
fn what_has_no_sale_or_too_small_a_one_is_held() {
    let mut euros = part("re_3", Some("in_1"), 100);
    euros.money = euros.money.map(|money| Money {
        currency: Currency::from_code("EUR").unwrap(),
        ..money
    });
    let mut events = [
        sale("in_1", 8000),
        part("re_1", None, 100),
        part("re_2", Some("in_9"), 100),
        euros,
        part("re_4", Some("in_1"), 8001),
        part("re_5", Some("in_1"), 8000),
        part("re_6", Some("in_1"), 1),
        total("in_1", 9000),
    ];
    let links = link_all(&mut events, &Nothing);
    let held: Vec<bool> = links.iter().map(|l| matches!(l, Link::Held(_))).collect();
    assert_eq!(
        held,
        [false, true, true, true, true, false, true, true],
        "{links:?}"
    );
}

#[test]
fn the_same_refund_row_twice_uses_up_its_sale_once() {
    let mut events = [
        sale("in_1", 8000),
        part("re_1", Some("in_1"), 8000),
        part("re_1", Some("in_1"), 8000),
    ];
    assert_eq!(link_all(&mut events, &Nothing), vec![Link::Sound; 3]);
}
