use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use proptest::prelude::*;

use super::*;
use crate::event::{
    Currency, Customer, Details, Essence, Event, EventKey, Events, ExportLine, Kind, Money,
    Refunded, Text,
};
use crate::journal::PlanState;
use crate::link::{EmptyHistory, SaleHistory};

const DAY_S: i64 = 24 * 3600;

fn payment(kind: Kind, event_id: &str, own: Option<&str>, day: i64) -> Event {
    let customer = Customer::new(Some("ana@example.com"), Some("cus_1"));
    let source = ExportLine { input: 0, line: 2 };
    let mut event = Event::new(kind, event_id.into(), customer, source);
    event.reference = own.map(Text::new);
    event.is_distinguished_by_reference = own.is_some();
    event.created_at = Some(Timestamp::from_second(1_772_323_200 + day * DAY_S).unwrap());
    event.money = (kind == Kind::Sale).then_some(Money {
        amount_cents: 2500,
        currency: Currency::from_code("USD").unwrap(),
    });
    event
}

fn sale(invoice: &str, charge: &str, day: i64) -> Event {
    payment(Kind::Sale, invoice, Some(charge), day)
}

/// Stands in for a journal, in memory, by the ids of its events.
#[derive(Default)]
struct Recorded(HashMap<EventKey, Event>);

impl Recorded {
    fn with(mut self, event: &Event) -> Self {
        self.0.insert(event.key(), event.clone());
        self
    }
}

impl SaleHistory for Recorded {
    fn essence(&self, key: EventKey) -> Option<Essence> {
        self.0.get(&key).map(Event::essence)
    }

    fn refunded(&self, _: EventKey) -> Refunded {
        Refunded::default()
    }

    fn sales_with_reference(&self, reference: EventKey) -> Vec<Text> {
        let sales = self.0.values().filter(|event| event.kind == Kind::Sale);
        let named = sales
            .filter(|sale| sale.reference.as_deref().map(EventKey::from_id) == Some(reference));
        named.map(|sale| sale.event_id().into()).collect()
    }

    fn further_payments(&self, shared: EventKey) -> Vec<Text> {
        let of_shared = self.0.values().filter(|event| {
            event.details().shared_id.as_deref().map(EventKey::from_id) == Some(shared)
        });
        of_shared.map(|event| event.event_id().into()).collect()
    }
}

/// Returns the ids that events are sent with, in their order.
fn ids(events: &[Event], earlier: &dyn SaleHistory) -> Vec<String> {
    let mut packed: Events = events.iter().cloned().collect();
    identify(&mut packed, earlier);
    packed
        .iter()
        .map(|event| event.event_id().to_owned())
        .collect()
}

#[test]
fn the_first_payment_by_date_and_then_by_its_own_id_has_the_shared_one() {
    let late = sale("in_1", "ch_1", 9);
    let early = sale("in_1", "ch_2", 2);
    let as_early = sale("in_1", "ch_3", 2);
    assert_eq!(
        ids(&[late, as_early, early], &EmptyHistory),
        ["ch_1", "ch_3", "in_1"]
    );
}

#[test]
fn what_the_journal_has_goes_before_the_date() {
    let late = sale("in_1", "ch_1", 9);
    let early = sale("in_1", "ch_2", 2);
    let recorded = Recorded::default().with(&late);
    assert_eq!(ids(&[early.clone(), late], &recorded), ["ch_2", "in_1"]);
    // Recorded before its invoice was known, it keeps its id, and leaves the invoice to another.
    let bare = payment(Kind::Sale, "ch_1", None, 9);
    let recorded = Recorded::default().with(&bare);
    assert_eq!(
        ids(&[sale("in_1", "ch_1", 9), early], &recorded),
        ["ch_1", "in_1"]
    );
}

#[test]
fn cancellations_that_are_close_are_one_and_others_go_by_their_day() {
    let ended = |day: i64, own: &str| payment(Kind::Cancellation, "sub_cancelled", Some(own), day);
    let (first, again) = (ended(0, "sub_cancelled_1"), ended(180, "sub_cancelled_180"));
    assert_eq!(
        ids(&[again.clone(), first.clone()], &EmptyHistory),
        ["sub_cancelled_180", "sub_cancelled"]
    );
    // A journal from before cancellations had a second id.
    let old = payment(Kind::Cancellation, "sub_cancelled", None, 0);
    let recorded = Recorded::default().with(&old);
    assert_eq!(
        ids(&[first, again], &recorded),
        ["sub_cancelled", "sub_cancelled_180"]
    );
}

#[test]
fn a_payment_that_nothing_decides_is_undecided_on_all_sides() {
    let whole = payment(Kind::Sale, "in_1", None, 1);
    let parts = [sale("in_1", "ch_1", 1), sale("in_1", "ch_2", 2), whole];
    let mut events: Events = parts.into_iter().collect();
    let undecided = identify(&mut events, &EmptyHistory).undecided;
    let mut places: Vec<usize> = undecided.iter().map(|(place, _)| *place).collect();
    places.sort_unstable();
    assert_eq!(places, [0, 1, 2]);
}

/// Generates one of a few events of which many share ids, customers and days.
fn any_event() -> impl Strategy<Value = (usize, Event)> {
    let kinds = prop_oneof![3 => Just(Kind::Sale), 1 => Just(Kind::Cancellation)];
    let emails = prop_oneof![
        Just(None),
        Just(Some("ana@example.com")),
        Just(Some("ben@example.com"))
    ];
    (
        (kinds, 0..3_usize, 0..4_usize, any::<bool>()),
        (emails, any::<bool>(), 0..3_i64, 0..2_usize),
    )
        .prop_map(
            |((kind, shared, own, has_own), (email, has_code, day, file))| {
                let own = format!("ch_{own}");
                let shared = match shared {
                    0 => own.clone(),
                    n => format!("in_{n}"),
                };
                let own = Some(own.as_str()).filter(|own| has_own && *own != shared);
                let mut event = payment(kind, &shared, own, day);
                event.customer = Customer::new(email, Some("cus_1"));
                if has_code {
                    event.set_details(Details {
                        promo_code: Some("NORA10".into()),
                        ..Details::default()
                    });
                }
                (file, event)
            },
        )
}

/// The result of each row, by its file and line.
type RowResults = BTreeMap<(usize, u64), (String, bool, Option<String>, Option<String>)>;

/// Returns the results of rows that are read in this order of files and rows. Of several readings of one
/// event, any may represent it: what it says is what counts.
fn outcome(rows: &[(usize, Event)], files: [usize; 2]) -> RowResults {
    let mut origins = ExportOrigins::default();
    for file in files {
        origins.add_input(["a.csv", "b.csv"][file], "mine");
    }
    let mut events = Events::default();
    for (file, event) in rows {
        let mut event = event.clone();
        let source = event.source.as_mut().unwrap();
        source.input = usize::from(files[0] != *file);
        events.push(&event);
    }
    let identified = identify(&mut events, &EmptyHistory);
    let mut readings = Readings::new(&events, &identified, &origins);
    readings.join(&mut events, &origins);
    let (decided, ..) = readings.into_parts();
    let state = |index: usize| decided.get(&index).map(|(state, _)| *state);
    let all = events.iter().enumerate().map(|(index, event)| {
        let place = (files[event.source.input], event.source.line);
        let code = event.details().promo_code.map(String::from);
        let email = event.customer.email.map(str::to_owned);
        let is_conflict = state(index) == Some(PlanState::Conflict);
        (
            place,
            (event.event_id().to_owned(), is_conflict, email, code),
        )
    });
    all.collect()
}

proptest! {
    #[test]
    fn neither_the_order_of_files_nor_that_of_rows_decides_anything(
        rows in prop::collection::vec(any_event(), 1..8),
        order in any::<prop::sample::Index>(),
    ) {
        let mut rows: Vec<(usize, Event)> = rows;
        for (line, (_, event)) in (2..).zip(&mut rows) {
            event.source.as_mut().unwrap().line = line;
        }
        let as_read = outcome(&rows, [0, 1]);
        prop_assert_eq!(&outcome(&rows, [1, 0]), &as_read);
        let middle = order.index(rows.len());
        rows.rotate_left(middle);
        prop_assert_eq!(&outcome(&rows, [0, 1]), &as_read);
        rows.reverse();
        prop_assert_eq!(&outcome(&rows, [1, 0]), &as_read);
    }
}
