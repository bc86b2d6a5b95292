use std::collections::HashMap;

use super::*;
use crate::event::{Currency, Customer, Event, ExportLine, running_total_refund_id};

fn link_all(events: &mut [Event], earlier: &dyn SaleHistory) -> Vec<Link> {
    let mut packed: Events = events.iter().cloned().collect();
    let asked_again = AskedAgain::new(&packed, earlier);
    let links = link(
        &mut packed,
        earlier,
        &LinkRules::default(),
        Found {
            shared: &HashSet::new(),
            asked_again: &asked_again,
            looked_at: &HashSet::new(),
        },
    );
    for (event, linked) in events.iter_mut().zip(packed.iter()) {
        *event = linked.to_event();
    }
    (0..events.len())
        .map(|index| links[index].clone())
        .collect()
}

struct RecordedRuns {
    essences: HashMap<EventKey, Essence>,
    refunded: HashMap<EventKey, Refunded>,
}

impl RecordedRuns {
    fn new(events: &[Event]) -> RecordedRuns {
        let mut past = RecordedRuns {
            essences: HashMap::new(),
            refunded: HashMap::new(),
        };
        for event in events {
            past.essences.insert(event.key(), event.essence());
            if let (Some(sale), Some(money)) = (&event.sale_event_id, event.money) {
                let refunded = past.refunded.entry(EventKey::from_id(sale)).or_default();
                refunded.cents += money.amount_cents;
                refunded.gross_cents += event.paid_cents().unwrap();
                refunded.largest_total_cents =
                    refunded.largest_total_cents.max(event.refund_total_cents);
            }
        }
        past
    }
}

impl SaleHistory for RecordedRuns {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.essences.get(&key).copied()
    }
    fn refunded(&self, sale: EventKey) -> Refunded {
        self.refunded.get(&sale).copied().unwrap_or_default()
    }
}

fn event(kind: Kind, id: &str, cents: i64, line: u64) -> Event {
    let customer = Customer::new(Some("a@example.com"), None);
    let mut event = Event::new(kind, id.into(), customer, ExportLine { input: 0, line });
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
    assert_eq!(link_all(&mut up, &EmptyHistory), vec![Link::Sound; 3]);
    assert_eq!(cents(&up), [8000, 3000, 2000]);

    let mut down = [total("in_1", 5000), total("in_1", 3000), sale("in_1", 8000)];
    assert_eq!(link_all(&mut down, &EmptyHistory), vec![Link::Sound; 3]);
    assert_eq!(cents(&down), [2000, 3000, 8000]);
}

#[test]
fn a_later_export_adds_what_the_journal_does_not_have() {
    let past = RecordedRuns::new(&[sale("in_1", 8000), total("in_1", 3000)]);
    let mut now = [sale("in_1", 8000), total("in_1", 5000)];
    assert_eq!(link_all(&mut now, &past), vec![Link::Sound; 2]);
    assert_eq!(cents(&now), [8000, 2000]);

    let mut again = [total("in_1", 3000)];
    assert_eq!(link_all(&mut again, &past), [Link::Sound]);
    assert_eq!(cents(&again), [3000]);
}

#[test]
fn an_older_total_beside_the_newer_is_covered_and_alone_has_fallen() {
    let past = RecordedRuns::new(&[sale("in_1", 8000), total("in_1", 5000)]);
    let mut both = [total("in_1", 3000), total("in_1", 5000)];
    let links = link_all(&mut both, &past);
    assert!(matches!(links[0], Link::Covered(_)), "{links:?}");
    assert_eq!(links[1], Link::Sound);
    assert_eq!(cents(&both), [3000, 5000]);

    let mut fell = [total("in_1", 3000)];
    assert!(
        matches!(&link_all(&mut fell, &past)[0], Link::Held(held) if held.note.contains("fell"))
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
    let links = link_all(&mut events, &EmptyHistory);
    assert!(matches!(links[2], Link::Covered(_)), "{links:?}");
    assert_eq!(links[3], Link::Sound);
    assert_eq!(cents(&events)[3], 1500);
}

#[test]
fn a_refund_row_that_a_recorded_running_total_may_hold_is_not_sent_on_a_guess() {
    let past = RecordedRuns::new(&[sale("in_1", 8000), total("in_1", 3000)]);
    let mut now = [part("re_1", Some("in_1"), 3000)];
    assert!(
        matches!(&link_all(&mut now, &past)[0], Link::Held(held) if held.note.contains("30.00 USD"))
    );

    // The other way round there is nothing to guess.
    let past = RecordedRuns::new(&[sale("in_1", 8000), part("re_1", Some("in_1"), 3000)]);
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
    let links = link_all(&mut events, &EmptyHistory);
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
    assert_eq!(link_all(&mut events, &EmptyHistory), vec![Link::Sound; 3]);
}

fn taxed(id: &str, net: i64, gross: i64) -> Event {
    let mut sale = sale(id, net);
    sale.gross_cents = Some(gross);
    sale
}

#[test]
fn refunds_of_all_that_was_paid_take_back_all_that_counts_over_several_runs() {
    // 1190 of which 1000 count, in seven parts, each in a run of its own.
    let mut told = vec![taxed("in_1", 1000, 1190)];
    for number in 0..7 {
        let mut now = [
            taxed("in_1", 1000, 1190),
            part(&format!("re_{number}"), Some("in_1"), 170),
        ];
        assert_eq!(
            link_all(&mut now, &RecordedRuns::new(&told)),
            vec![Link::Sound; 2]
        );
        assert_eq!(now[1].gross_cents, Some(170));
        told.push(now[1].clone());
    }
    assert_eq!(cents(&told)[1..], [143, 143, 143, 142, 143, 143, 143]);
    let mut more = [part("re_8", Some("in_1"), 1)];
    let links = link_all(&mut more, &RecordedRuns::new(&told));
    assert!(matches!(&links[0], Link::Held(held) if held.note.contains("11.91 USD")));

    // What is read again is what was told.
    let mut again = [part("re_3", Some("in_1"), 170)];
    assert_eq!(
        link_all(&mut again, &RecordedRuns::new(&told)),
        [Link::Sound]
    );
    assert_eq!(cents(&again), [142]);
}

#[test]
fn a_refund_that_says_what_counts_keeps_it() {
    let mut own = part("re_1", Some("in_1"), 90);
    own.gross_cents = Some(100);
    let mut events = [
        taxed("in_1", 1000, 1190),
        own,
        part("re_2", Some("in_1"), 1090),
    ];
    assert_eq!(link_all(&mut events, &EmptyHistory), vec![Link::Sound; 3]);
    assert_eq!(cents(&events), [1000, 90, 910]);
}

#[test]
fn what_rounds_to_nothing_is_not_sent() {
    let mut events = [
        taxed("in_1", 10, 100),
        part("re_1", Some("in_1"), 4),
        part("re_2", Some("in_1"), 6),
        total("in_1", 12),
        total("in_1", 100),
    ];
    let links = link_all(&mut events, &EmptyHistory);
    assert!(matches!(links[1], Link::Covered(_)), "{links:?}");
    assert!(matches!(links[3], Link::Covered(_)), "{links:?}");
    assert_eq!(cents(&events), [10, 0, 1, 0, 9]);
}

#[test]
fn a_refund_finds_its_sale_by_another_id_of_it() {
    let mut sales = [sale("in_1", 800), sale("in_2", 800), sale("in_3", 800)];
    for (sale, reference) in sales.iter_mut().zip(["ch_1", "ch_2", "ch_2"]) {
        sale.reference = Some(reference.into());
    }
    let [one, two, three] = sales;
    let mut events = [
        one,
        two,
        three,
        part("re_1", Some("ch_1"), 300),
        part("re_2", Some("ch_2"), 300),
    ];
    let links = link_all(&mut events, &EmptyHistory);
    assert_eq!(links[3], Link::Sound);
    assert_eq!(events[3].sale_event_id.as_deref(), Some("in_1"));
    assert_eq!(
        events[3].note,
        "linked by `ch_1` to a sale of these exports"
    );
    let several = Held::new(HeldReason::SaleUnclear, "several sales go by `ch_2`")
        .with_candidates(["in_2".into(), "in_3".into()]);
    assert_eq!(links[4], Link::Held(several));
}

#[test]
fn a_sale_of_which_nothing_says_whether_tax_is_in_it_is_refunded_by_what_counts() {
    let mut told = sale("in_1", 1000);
    told.gross_cents = None;
    let mut past = RecordedRuns::new(&[told.clone()]);
    for essence in past.essences.values_mut() {
        essence.is_gross_unknown = true;
    }
    let mut own = part("re_1", Some("in_1"), 1000);
    own.gross_cents = Some(1190);
    let mut events = [own];
    assert_eq!(link_all(&mut events, &past), [Link::Sound]);
    assert_eq!(
        (cents(&events)[0], events[0].gross_cents),
        (1000, Some(1190))
    );

    // The export of the sale says it.
    let mut events = [taxed("in_1", 1000, 1190), part("re_1", Some("in_1"), 595)];
    assert_eq!(link_all(&mut events, &past), vec![Link::Sound; 2]);
    assert_eq!(cents(&events), [1000, 500]);
}
