//! Their side as it really is: an account that goes on while it is read, bonuses, rewards that are not money,
//! customers who were moved, and payouts.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};

use super::lists::unchecked;
use super::world::{Way, World, large};
use crate::support::{KEY, Ran};

const LIVE: [Way; 2] = [Way::V1, Way::V2];

#[test]
fn an_account_with_new_commissions_all_the_time_is_audited() {
    for way in LIVE {
        let world = large();
        // Each page takes its time, and something comes between each two of them, as new as it is.
        world
            .sandbox
            .fault(&json!({"action": "delay", "delay_ms": 300, "kind": "listing", "times": 20}));
        let arguments = ["audit", "--live", "--json"];
        let mut command = match way {
            Way::V2 => world.place.command_to_v2(&world.sandbox, &arguments),
            _ => world.place.command_to(&world.sandbox, &arguments),
        };
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut added = 0;
        while child.try_wait().unwrap().is_none() {
            added += 1;
            world.plant(
                &json!({"action": "add", "promoter": "nora", "amount_cents": 100,
                "created_at": format!("2099-03-02T00:{:02}:{:02}Z", added / 60 % 60, added % 60)}),
            );
            std::thread::sleep(Duration::from_millis(100));
        }
        let audit = Ran(child.wait_with_output().unwrap()).expect(0).json();
        assert!(added > 5, "{added}");
        let read = audit["theirs"]["commissions"].as_u64().unwrap();
        assert!(
            (120..=120 + added).contains(&read),
            "{way:?}: {read} of {added}"
        );
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        if way == Way::V2 {
            let arrivals = world.sandbox.arrivals();
            let listed = arrivals
                .iter()
                .filter(|one| one["path"].as_str().unwrap().ends_with("/commissions"));
            for one in listed {
                let query = one["query"].as_str().unwrap();
                assert!(query.contains("sorting%5Bcreated_at%5D=asc"), "{query}");
            }
        }
    }
}

#[test]
fn version_2_lists_in_the_order_that_is_asked_for() {
    let world = World::new();
    world.plant(
        &json!({"action": "add", "promoter": "nora", "amount_cents": 100,
        "created_at": "2020-01-01T00:00:00Z"}),
    );
    let ids = |order: &str| -> Vec<i64> {
        let listed = world
            .sandbox
            .list_v2(KEY, &format!("company/commissions?per_page=100&{order}"));
        listed
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["id"].as_i64().unwrap())
            .collect()
    };
    let ascending = ids("sorting%5Bcreated_at%5D=asc");
    let mut descending = ids("sorting%5Bcreated_at%5D=desc");
    assert_eq!(ascending[0], 19_000_001);
    assert_eq!(descending.last(), Some(&19_000_001));
    descending.sort_unstable();
    let mut sorted = ascending.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, descending);
}

/// The listings that answer as if a parameter were not there.
fn ignoring(parameter: &str) -> World {
    let world = large();
    world.sandbox.fault(
        &json!({"action": "ignore", "parameter": parameter, "kind": "listing", "times": 1000}),
    );
    world
}

/// Adds a commission that is older than all others and comes last where no order is kept.
fn add_an_old_one(world: &World, at: &str) {
    world.plant(
        &json!({"action": "add", "promoter": "nora", "amount_cents": 100, "created_at": at}),
    );
}

fn commission_requests(world: &World) -> usize {
    let arrivals = world.sandbox.arrivals();
    let listed = arrivals.iter();
    listed
        .filter(|one| one["path"].as_str().unwrap().ends_with("/commissions"))
        .count()
}

#[test]
fn an_order_that_is_not_kept_is_noticed_and_the_list_read_twice() {
    let in_order = large();
    add_an_old_one(&in_order, "2020-01-01T00:00:00Z");
    let audit = in_order.audit(Way::V2, &[]).expect(0);
    assert!(!audit.stderr().contains("order"), "{}", audit.stderr());
    let once = commission_requests(&in_order);

    let world = ignoring("sorting");
    add_an_old_one(&world, "2020-01-01T00:00:00Z");
    let audit = world.audit(Way::V2, &[]).expect(0);
    let said = audit.stderr();
    let words = "the list of commissions is not in the requested order; it was read twice, and both readings agree";
    assert!(said.contains(words), "{said}");
    assert_eq!(audit.json()["theirs"]["commissions"], 121);
    assert!(commission_requests(&world) > once);
}

#[test]
fn a_list_without_order_that_moves_is_no_ground_for_a_verdict() {
    let world = ignoring("sorting");
    add_an_old_one(&world, "2020-01-01T00:00:00Z");
    let arguments = ["audit", "--live", "--json"];
    let mut child = world
        .place
        .command_to_v2(&world.sandbox, &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut asked = 0;
    while child.try_wait().unwrap().is_none() {
        // Something comes for each page that is asked for.
        let now = commission_requests(&world);
        if now > asked {
            asked = now;
            add_an_old_one(&world, "2019-01-01T00:00:00Z");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let audit = Ran(child.wait_with_output().unwrap()).expect(5).json();
    let problem = &audit["problems"][0];
    assert_eq!(problem["code"], "listing-unordered", "{problem:#}");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("--commissions FILE"), "{hint}");
}

#[test]
fn an_old_commission_that_comes_while_the_list_is_read_hides_none() {
    let world = large();
    world.sandbox.fault(
        &json!({"action": "delay", "delay_ms": 1500, "kind": "listing", "skip": 1, "times": 1}),
    );
    let child = world
        .place
        .command_to_v2(&world.sandbox, &["audit", "--live", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while commission_requests(&world) < 2 {
        std::thread::sleep(Duration::from_millis(10));
    }
    add_an_old_one(&world, "2020-01-01T00:00:00Z");
    let audit = Ran(child.wait_with_output().unwrap()).expect(0).json();
    assert_eq!(audit["theirs"]["commissions"], 121);
}

#[test]
fn pages_that_are_not_honoured_are_no_list() {
    let world = ignoring("page");
    let audit = world.audit(Way::V2, &[]).expect(5).json();
    assert_eq!(audit["problems"][0]["code"], "listing-unordered");
    let message = audit["problems"][0]["message"].as_str().unwrap();
    assert!(message.contains("repeats the pages before it"), "{message}");
    world.audit(Way::V1, &[]).expect(5);
}

#[test]
fn a_bonus_by_hand_is_a_line_of_its_own() {
    let world = World::new();
    world.plant(
        &json!({"action": "add", "promoter": "nora", "amount_cents": 5000,
        "created_at": "2026-03-15T00:00:00Z", "commission_type": "custom"}),
    );
    for way in LIVE {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        let bonus = unchecked(&audit, "by_hand");
        assert_eq!(
            (&bonus["count"], &bonus["amount_cents"]["USD"]),
            (&json!(1), &json!(5_000))
        );
        let all = &audit["totals"]["in_all"]["USD"];
        assert_eq!(all["actual_cents"], all["expected_cents"]);
    }
    let said = world.place.run(&["audit"]).expect(0).stdout();
    assert!(said.contains("1 bonus given by hand (50.00 USD)"), "{said}");
}

#[test]
fn rewards_that_are_not_money_stop_nothing() {
    let world = World::new();
    world.plant(&json!([
        {"action": "add", "promoter": "nora", "unit": "free_months", "written_amount": null,
         "created_at": "2026-03-15T00:00:00Z"},
        {"action": "add", "promoter": "nora", "unit": "discount_per", "written_amount": 7.5,
         "created_at": "2026-03-15T00:00:00Z"},
        {"action": "add", "promoter": "felix", "unit": "points", "amount_cents": 12,
         "created_at": "2026-03-15T00:00:00Z"},
    ]));
    for way in LIVE {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        assert_eq!(unchecked(&audit, "not_money")["count"], 3, "{way:?}");
        assert_eq!(audit["totals"]["in_all"]["points"]["actual_cents"], 12);
    }
    // Money without an amount is a line that can't be read: no verdict without it.
    world.plant(&json!({"action": "change", "of": "in_0001", "written_amount": null}));
    for way in LIVE {
        let audit = world.audit(way, &[]).expect(1).json();
        assert_eq!(audit["theirs"]["rejected"], 1, "{way:?}");
        assert_eq!(audit["unread"][0]["code"], "unreadable");
    }
}

#[test]
fn a_customer_who_was_moved_is_each_promoters_from_that_day_on() {
    let world = World::new();
    let moved =
        json!({"email": "user1@example.com", "promoter": "felix", "at": "2026-03-20T00:00:00Z"});
    world.sandbox.post("/sandbox/leads", &moved);
    // What was sold before is nora's still.
    for way in LIVE {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        assert_eq!(audit["theirs"]["leads"], 9);
    }
    // A later sale is felix's, and nora has the commission.
    let mut later = super::world::payments(8);
    let mut payment = crate::support::Payment::paid(50, 1);
    payment.created = "2026-03-25 10:00:00".into();
    later.push(payment);
    world.import(&later, 0);
    world.plant(&json!({"action": "change", "of": "in_0050", "promoter": "nora"}));
    for way in LIVE {
        let audit = world.audit(way, &[]).expect(1).json();
        assert_eq!(audit["findings"][0]["kind"], "wrong_promoter", "{way:?}");
        assert_eq!(audit["findings"][0]["ours"]["event_id"], "in_0050");
    }
}

#[test]
fn payouts_make_an_account_of_each_promoter_that_ties_to_the_balance() {
    let world = World::new();
    let pay = |amount: i64, status: &str, at: &str| {
        let order = json!({"promoter": "nora", "amount_cents": amount, "status": status,
            "paid_at": at, "created_at": at});
        world.sandbox.post("/sandbox/payouts", &order);
    };
    pay(400, "completed", "2026-03-20T00:00:00Z");
    pay(99, "pending", "2026-03-21T00:00:00Z");
    world.plant(&json!({"action": "change", "of": "in_0001", "is_paid": true}));
    let of = |audit: &Value, name: &str| {
        let all = audit["statements"].as_array().unwrap().iter();
        let mut own = all.filter(|one| one["promoter"] == format!("{name}@example.com"));
        own.next().cloned().unwrap()
    };
    for way in LIVE {
        let audit = world.audit(way, &[]).expect(0).json();
        let nora = of(&audit, "nora");
        assert_eq!(
            (
                &nora["earned_cents"],
                &nora["paid_cents"],
                &nora["closing_cents"]
            ),
            (&json!(1_600), &json!(400), &json!(1_200)),
            "{way:?}"
        );
        let felix = of(&audit, "felix");
        assert_eq!(
            (
                &felix["earned_cents"],
                &felix["reversed_cents"],
                &felix["closing_cents"]
            ),
            (&json!(1_600), &json!(500), &json!(1_100)),
            "{way:?}"
        );
        let ties = json!(true);
        assert_eq!((&nora["ties"], &felix["ties"]), (&ties, &ties), "{way:?}");
        assert_eq!(nora["balance_cents"], 1_200, "{way:?}");
        let april = world.audit(way, &["--from", "2026-04-01", "--to", "2026-04-30"]);
        let nora = of(&april.json(), "nora");
        assert_eq!(
            (
                &nora["opening_cents"],
                &nora["earned_cents"],
                &nora["closing_cents"]
            ),
            (&json!(1_200), &json!(0), &json!(1_200)),
            "{way:?}"
        );
    }
    // Money that left and is in no list of payouts is said.
    world.plant(&json!({"action": "change", "of": "in_0002", "is_paid": true}));
    for way in LIVE {
        let audit = world.audit(way, &[]).json();
        assert_eq!(of(&audit, "nora")["ties"], false, "{way:?}");
        assert_eq!(audit["problems"][0]["code"], "balance-differs", "{way:?}");
    }
    // What an earlier fetching kept is of another time.
    let refuse =
        json!({"action": "status", "status": 404, "kind": "listing", "skip": 6, "times": 9});
    world.sandbox.fault(&refuse);
    let audit = world.audit(Way::V2, &[]);
    let said = audit.stderr();
    assert!(said.contains("promoters are not read"), "{said}");
    let audit = audit.json();
    assert_eq!(audit["theirs"]["payouts"], Value::Null, "{said}");
    assert_eq!(audit["statements"], json!([]), "{said}");
}
