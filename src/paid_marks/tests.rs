use jiff::tz::TimeZone;

use super::*;
use crate::journal::{NewPayoutRequest, PayoutAnswer, PayoutRequestId, Settlement};
use crate::tracking::COMPLETED;

const STANDING: CallStanding = CallStanding {
    last_before: 10,
    should_wait: true,
};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn commission(id: &str, cents: i64, balance: i64) -> OwnCommission {
    OwnCommission {
        id: id.to_owned(),
        event: EventRow(1),
        kind: Kind::Sale,
        event_id: format!("in_{id}"),
        created_at: Some(at(0)),
        tracked_at: at(100_000),
        promoter: ListedPromoter {
            id: Some("9".to_owned()),
            balance_cents: Some(balance),
            ..ListedPromoter::default()
        },
        campaign_id: Some("3".to_owned()),
        cents,
        state: MarkState::ToMark,
        reason: String::new(),
        payout_id: None,
        is_owed: false,
    }
}

fn payout(id: &str, status: &str, cents: i64, created: i64) -> ListedPayout {
    ListedPayout {
        id: id.to_owned(),
        status: status.to_owned(),
        unit: CASH.to_owned(),
        amount: Some(cents),
        created_at: Some(at(created)),
        promoter: ListedPromoter {
            id: Some("9".to_owned()),
            ..ListedPromoter::default()
        },
        ..ListedPayout::default()
    }
}

fn request(
    id: i64,
    step: PayoutStep,
    ids: &[&str],
    cents: i64,
    answer: Option<&str>,
) -> PayoutRequest {
    PayoutRequest {
        id: PayoutRequestId(id),
        asked: NewPayoutRequest {
            step,
            promoter_id: "9".to_owned(),
            payout_id: None,
            commission_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            amount_cents: cents,
        },
        intended: at(200_000),
        answer: answer.map(|answer| PayoutAnswer {
            answer: answer.to_owned(),
            http_status: None,
            message: None,
            payout_id: None,
            at: at(200_001),
        }),
    }
}

fn view(payouts: &[ListedPayout], contents: &[(&str, &[(&str, i64)])]) -> PayoutView {
    let contents = contents.iter().map(|(id, content)| {
        let content = content
            .iter()
            .map(|(id, cents)| ((*id).to_owned(), Some(*cents)));
        ((*id).to_owned(), content.collect())
    });
    PayoutView {
        payouts: payouts.to_vec(),
        contents: contents.collect(),
        ..PayoutView::default()
    }
}

fn calls(steps: &MarkSteps) -> Vec<PayoutCall> {
    steps.todo.iter().map(|step| step.call.clone()).collect()
}

fn create() -> PayoutCall {
    PayoutCall::Create {
        promoter_id: "9".to_owned(),
        campaign_id: Some("3".to_owned()),
    }
}

#[test]
fn version_1_creates_a_payout_only_if_nothing_else_can_be_in_it() {
    let two = [commission("1", 700, 500), commission("2", -200, 500)];
    let of = |payouts: &[ListedPayout]| steps_of_v1(&two, &view(payouts, &[]), &[], STANDING);
    assert_eq!(calls(&of(&[])), [create()]);
    // One that was made long before, or came to nothing, has no part of them.
    let harmless = [
        payout("4", COMPLETED, 500, 5),
        payout("5", "cancelled", 500, 200_000),
    ];
    assert_eq!(calls(&of(&harmless)), [create()]);
    for doubtful in [
        payout("5", COMPLETED, 500, 200_000),
        payout("5", PENDING, 1, 5),
        payout("5", "processing", 1, 5),
        ListedPayout {
            created_at: None,
            ..payout("5", COMPLETED, 500, 0)
        },
    ] {
        let steps = of(std::slice::from_ref(&doubtful));
        assert_eq!((steps.todo.len(), steps.left.len()), (0, 2), "{doubtful:?}");
    }
    let other_balance = [commission("1", 700, 501), commission("2", -200, 501)];
    let steps = steps_of_v1(&other_balance, &view(&[], &[]), &[], STANDING);
    assert_eq!((steps.todo.len(), steps.left.len()), (0, 2));
    let nothing = [commission("1", 200, 0), commission("2", -200, 0)];
    let steps = steps_of_v1(&nothing, &view(&[], &[]), &[], STANDING);
    assert_eq!((steps.todo.len(), steps.left.len()), (0, 2));
}

#[test]
fn version_1_finds_a_payout_whose_answer_was_lost() {
    let one = [commission("1", 700, 700)];
    let complete = PayoutCall::Complete {
        payout_id: "5".to_owned(),
    };
    for id in [3, 11] {
        let lost = [request(id, PayoutStep::Create, &["1"], 700, None)];
        let there = view(&[payout("5", PENDING, 700, 200_002)], &[]);
        assert_eq!(
            calls(&steps_of_v1(&one, &there, &lost, STANDING)),
            std::slice::from_ref(&complete)
        );
        let done = view(&[payout("5", COMPLETED, 700, 200_002)], &[]);
        let steps = steps_of_v1(&one, &done, &lost, STANDING);
        assert_eq!(steps.paid, [(0, "5".to_owned())]);
        // It is not there: the complete list says so, and it is asked for once more.
        let steps = steps_of_v1(&one, &view(&[], &[]), &lost, STANDING);
        assert_eq!(calls(&steps), [create()]);
        // Another amount is not the one that was asked for.
        let other = view(&[payout("5", PENDING, 701, 200_002)], &[]);
        let steps = steps_of_v1(&one, &other, &lost, STANDING);
        assert_eq!((steps.todo.len(), steps.left.len()), (0, 1));
    }
    let twice = [11, 12].map(|id| request(id, PayoutStep::Create, &["1"], 700, Some("unclear")));
    let steps = steps_of_v1(&one, &view(&[], &[]), &twice, STANDING);
    assert_eq!((steps.todo.len(), steps.left.len()), (0, 1));
}

#[test]
fn version_2_marks_a_payout_only_if_it_pays_nothing_else() {
    let two = [commission("1", 700, 0), commission("2", 300, 0)];
    let pending = [payout("5", PENDING, 1000, 0)];
    let mark = [PayoutCall::MarkAsPaid { payout_id: 5 }];
    let whole: &[(&str, i64)] = &[("1", 700), ("2", 300)];
    let of = |payouts: &[ListedPayout], content: &[(&str, i64)]| {
        steps_of_v2(&two, &view(payouts, &[("5", content)]), &[], STANDING)
    };
    assert_eq!(calls(&of(&pending, whole)), mark);
    for (payout, content) in [
        (payout("5", PENDING, 1001, 0), whole),
        (payout("5", "processing", 1000, 0), whole),
        (
            payout("5", PENDING, 1000, 0),
            &[("1", 700), ("2", 300), ("3", 0)],
        ),
    ] {
        let steps = of(std::slice::from_ref(&payout), content);
        assert_eq!((steps.todo.len(), steps.left.len()), (0, 2), "{payout:?}");
    }
    let steps = of(&[payout("5", COMPLETED, 1000, 0)], whole);
    assert_eq!(steps.paid.len(), 2);
    // What is in no payout is asked for, and the rest is marked.
    let steps = of(&[payout("5", PENDING, 700, 0)], &[("1", 700)]);
    let generate = PayoutCall::Generate {
        commission_ids: vec![2],
    };
    assert_eq!(calls(&steps), [mark[0].clone(), generate]);
}

#[test]
fn version_2_waits_for_payouts_that_are_still_being_made() {
    let two = [commission("1", 700, 0), commission("2", 300, 0)];
    let asked = [request(
        11,
        PayoutStep::Create,
        &["1", "2"],
        1000,
        Some("recorded"),
    )];
    let half = view(&[payout("5", PENDING, 700, 0)], &[("5", &[("1", 700)])]);
    let steps = steps_of_v2(&two, &half, &asked, STANDING);
    assert_eq!((steps.todo.len(), steps.waiting), (0, 2));
    let no_more = CallStanding {
        should_wait: false,
        ..STANDING
    };
    let steps = steps_of_v2(&two, &half, &asked, no_more);
    assert_eq!((steps.todo.len(), steps.left.len()), (0, 2));
    // A later call takes it as it is.
    let later = CallStanding {
        last_before: 11,
        should_wait: true,
    };
    let steps = steps_of_v2(&two, &half, &asked, later);
    assert_eq!(steps.todo.len(), 2);
}

/// A sale that was tracked and of whose commission the API said this.
fn tracked(id: &str, cents: Option<i64>) -> TrackedEvent {
    let customer = crate::event::Customer::new(Some("ana@example.com"), None);
    let mut event = Event::without_source(Kind::Sale, id.into(), customer);
    event.created_at = Some(at(0));
    let outcome = crate::journal::Outcome::Tracked;
    TrackedEvent {
        row: EventRow(1),
        event,
        settlement: Settlement {
            commission_cents: cents,
            ..Settlement::without_answer(outcome, None, at(5))
        },
    }
}

#[test]
fn what_the_list_does_not_say_is_to_be_looked_up_by_hand() {
    let mut own = OwnEvents::default();
    for (id, cents) in [("in_1", None), ("in_2", None), ("in_3", Some(0))] {
        own.add(
            tracked(id, cents),
            &TimeLimit {
                at: at(9),
                zone: TimeZone::UTC,
            },
        );
    }
    let line = ListedCommission {
        id: "7".to_owned(),
        event_id: Some("in_1".to_owned()),
        status: APPROVED.to_owned(),
        unit: CASH.to_owned(),
        amount: Some(100),
        ..ListedCommission::default()
    };
    let all = own.commissions(&[line], &HashMap::new(), &[]);
    let found: Vec<_> = all.iter().map(|own| (&*own.event_id, own.state)).collect();
    assert_eq!(
        found,
        [
            ("in_1", MarkState::NotMarked),
            ("in_2", MarkState::NotFound)
        ]
    );
    for own in &all {
        assert!(
            own.reason.contains("by hand under Payouts"),
            "{}",
            own.reason
        );
    }
}

#[test]
fn version_2_asks_for_payouts_in_parts_that_come_to_something() {
    let mut all: Vec<OwnCommission> = (1..=450)
        .map(|id| commission(&id.to_string(), 10, 0))
        .collect();
    all[449].cents = -300;
    let steps = steps_of_v2(&all, &view(&[], &[]), &[], STANDING);
    let sizes: Vec<usize> = steps
        .todo
        .iter()
        .map(|step| step.commissions.len())
        .collect();
    assert_eq!(sizes, [200, 200, 50]);
    all[449].cents = -1900;
    let steps = steps_of_v2(&all, &view(&[], &[]), &[], STANDING);
    let sizes: Vec<usize> = steps
        .todo
        .iter()
        .map(|step| step.commissions.len())
        .collect();
    assert_eq!(sizes, [200, 250]);
    all[449].cents = -9000;
    let steps = steps_of_v2(&all, &view(&[], &[]), &[], STANDING);
    assert_eq!((steps.todo.len(), steps.left.len()), (0, 450));
}
