use jiff::Timestamp;

use super::{FirstSales, LeadDate, LeadDateState};
use crate::event::{Customer, Event, Kind};
use crate::journal::{
    EventRow, LeadDateAnswer, LeadDateRequest, NewLeadDate, Outcome, Settlement, TrackedEvent,
};
use crate::tracking::Lead;

const ANA: &str = "ana@example.com";

/// A time on a day of March 2024.
fn day(day: i8) -> Timestamp {
    format!("2024-03-{day:02}T10:00:00Z").parse().unwrap()
}

fn event(kind: Kind, id: &str, customer: (&str, &str)) -> Event {
    let customer = Customer::new(Some(customer.0), Some(customer.1));
    Event::without_source(kind, id.into(), customer)
}

fn sale(row: i64, customer: (&str, &str), at: Timestamp) -> TrackedEvent {
    let mut event = event(Kind::Sale, &format!("in_{row}"), customer);
    event.created_at = Some(at);
    TrackedEvent {
        row: EventRow(row),
        event,
        settlement: Settlement::without_answer(Outcome::Tracked, None, day(30)),
    }
}

fn lead(id: &str, email: &str, uid: &str, since: Option<Timestamp>) -> Lead {
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Lead {
        id: id.to_owned(),
        email: text(email),
        uid: text(uid),
        customer_since: since,
        ..Lead::default()
    }
}

fn request(id: i64, since: Timestamp, answer: Option<&str>) -> LeadDateRequest {
    LeadDateRequest {
        id,
        asked: NewLeadDate {
            lead_id: "7".to_owned(),
            sale: EventRow(1),
            since,
        },
        intended: day(30),
        answer: answer.map(|answer| LeadDateAnswer {
            answer: answer.to_owned(),
            http_status: Some(422),
            message: Some("no".to_owned()),
            at: day(30),
        }),
    }
}

fn sales(all: &[TrackedEvent]) -> FirstSales {
    let mut sales = FirstSales::default();
    for sale in all {
        sales.add(sale, true);
    }
    sales
}

fn states(dates: &[LeadDate]) -> Vec<(&str, LeadDateState)> {
    let dates = dates.iter();
    dates.map(|own| (own.lead_id.as_str(), own.state)).collect()
}

#[test]
fn the_first_sale_of_a_lead_is_the_earliest_under_any_of_its_names() {
    let sales = sales(&[
        sale(1, (ANA, ""), day(9)),
        sale(2, ("ANA@example.com", ""), day(5)),
        sale(3, ("", "cus_ana"), day(3)),
        sale(4, ("", "cus_ana"), day(20)),
    ]);
    let leads = [lead("7", ANA, "cus_ana", Some(day(28)))];
    assert!(sales.may_have(&leads[0]));
    let dates = sales.dates(&leads, &[], 0);
    assert_eq!(states(&dates), [("7", LeadDateState::ToSet)]);
    assert_eq!(dates[0].first_sale_at, day(3));
    assert_eq!(dates[0].event_id, "in_3");
    assert_eq!(dates[0].before, Some(day(28)));
}

#[test]
fn what_is_early_enough_unclear_or_not_there_is_left_alone() {
    let sales = sales(&[
        sale(1, (ANA, ""), day(9)),
        sale(2, ("ben@example.com", "cus_eva"), day(9)),
        sale(3, ("fay@example.com", ""), day(9)),
        sale(4, ("gus@example.com", ""), day(9)),
        sale(5, ("hal@example.com", ""), day(9)),
    ]);
    let moved = Lead {
        is_moved: true,
        ..lead("6", "gus@example.com", "", None)
    };
    let leads = [
        lead("1", ANA, "", Some(day(9))),
        lead("2", "ben@example.com", "", None),
        lead("3", "", "cus_eva", None),
        lead("4", "hal@example.com", "", Some(day(2))),
        moved,
    ];
    assert_eq!(
        states(&sales.dates(&leads, &[], 0)),
        [
            ("1", LeadDateState::EarlyEnough),
            ("4", LeadDateState::EarlyEnough),
            ("", LeadDateState::NotOneLead),
            ("", LeadDateState::NotFound),
            ("", LeadDateState::NotFound),
        ]
    );
}

#[test]
fn runs_that_are_named_choose_the_leads_and_not_the_first_sale() {
    let mut sales = FirstSales::default();
    sales.add(&sale(1, (ANA, ""), day(2)), false);
    sales.add(&sale(2, (ANA, ""), day(9)), true);
    sales.add(&sale(3, ("ben@example.com", ""), day(9)), false);
    let leads = [
        lead("7", ANA, "", None),
        lead("8", "ben@example.com", "", None),
    ];
    let dates = sales.dates(&leads, &[], 0);
    assert_eq!(states(&dates), [("7", LeadDateState::ToSet)]);
    assert_eq!(dates[0].first_sale_at, day(2));
}

#[test]
fn an_undone_sale_is_not_the_first_one() {
    let mut sales = FirstSales::default();
    let mut undo = event(Kind::Refund, "in_1_undo", (ANA, ""));
    undo.sale_event_id = Some("in_1".into());
    sales.note_undo(&undo);
    sales.add(&sale(1, (ANA, ""), day(2)), true);
    assert!(sales.is_empty(&[]));
    sales.add(&sale(2, (ANA, ""), day(9)), true);
    let dates = sales.dates(&[lead("7", ANA, "", None)], &[], 0);
    assert_eq!(dates[0].first_sale_at, day(9));
}

#[test]
fn a_request_is_repeated_only_without_an_answer_that_settles_it() {
    let sales = sales(&[sale(1, (ANA, ""), day(2))]);
    let state = |since: Option<Timestamp>, requests: &[LeadDateRequest]| {
        sales.dates(&[lead("7", ANA, "", since)], requests, 10)[0].state
    };
    let late = Some(day(28));
    let set = Some(day(2));
    for (since, requests, expected) in [
        (
            set,
            vec![request(11, day(2), Some("recorded"))],
            LeadDateState::Set,
        ),
        (
            set,
            vec![request(9, day(2), None)],
            LeadDateState::SetBefore,
        ),
        (set, vec![], LeadDateState::EarlyEnough),
        // The account may keep the day only, in its own zone.
        (
            Some("2024-03-02T23:59:00Z".parse().unwrap()),
            vec![request(9, day(2), Some("recorded"))],
            LeadDateState::SetBefore,
        ),
        (
            late,
            vec![request(9, day(2), Some("recorded"))],
            LeadDateState::NotSet,
        ),
        (
            None,
            vec![request(11, day(2), Some("recorded"))],
            LeadDateState::NotSet,
        ),
        (
            late,
            vec![request(11, day(2), Some("refused"))],
            LeadDateState::NotSet,
        ),
        (
            late,
            vec![request(9, day(2), Some("refused"))],
            LeadDateState::ToSet,
        ),
        (late, vec![request(9, day(2), None)], LeadDateState::ToSet),
        (
            late,
            vec![request(11, day(2), Some("unclear"))],
            LeadDateState::ToSet,
        ),
        (
            late,
            vec![
                request(11, day(2), Some("unclear")),
                request(12, day(2), Some("unclear")),
            ],
            LeadDateState::NotSet,
        ),
        // An earlier sale was imported since.
        (set, vec![], LeadDateState::EarlyEnough),
        (
            Some(day(5)),
            vec![request(9, day(5), Some("recorded"))],
            LeadDateState::ToSet,
        ),
    ] {
        assert_eq!(state(since, &requests), expected, "{since:?} {requests:?}");
    }
}
