//! By which id a payment goes, whose refund it is, and what several readings of one event say together.

use std::collections::BTreeMap;

use crate::support::{Place, Ran, SandboxProcess};
use serde_json::{Value, json};

const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n";
const STRIPE_WITHOUT_INVOICE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email\n";
const INVOICES: &str = "id,Number,Customer,Date (UTC),Currency,Subtotal,Total Discount Amount,Total,Amount Paid,Status\n";
const OWN: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at,promo_code\n";
const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n";

/// A charge of a Stripe export: id, day of March, amount, refunded, invoice.
fn charge(id: &str, day: u32, amount: &str, refunded: &str, invoice: &str) -> String {
    format!(
        "{id},2026-03-{day:02} 10:00:00,{amount},{refunded},usd,true,Paid,cus_1,ana@example.com,{invoice}\n"
    )
}

/// What a plan says of each event: `kind id (of sale) amount customer state`, sorted.
fn planned(place: &Place, arguments: &[&str]) -> Vec<String> {
    let mut all = vec!["plan"];
    all.extend(arguments);
    all.extend(["--events", "events.csv"]);
    let ran = place.run(&all);
    assert!(ran.code() <= 1, "{}", ran.stderr());
    let rows = place.csv("events.csv");
    let mut lines: Vec<String> = rows[1..]
        .iter()
        .map(|row| {
            let parts = [0, 1, 2, 5, 3, 4, 9, 13].map(|column| row[column].as_str());
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            parts.join(" ")
        })
        .collect();
    lines.sort();
    std::fs::remove_file(place.path("events.csv")).unwrap();
    lines
}

/// Runs against the sandbox inside the program; gives back the events sent, and the exit code.
fn night(place: &Place, arguments: &[&str]) -> (i32, Value) {
    let mut all = vec!["run", "--sandbox", "--yes", "--json"];
    all.extend(arguments);
    let ran = place.run(&all);
    assert!(ran.code() <= 1, "{}", ran.stderr());
    (ran.code(), ran.json())
}

/// Makes a CSV of the two lines that a hint quotes.
fn write_quoted(place: &Place, name: &str, said: &str) {
    let quoted: Vec<&str> = said.split('`').collect();
    let at = quoted
        .iter()
        .position(|text| text.starts_with("kind,event_id"))
        .unwrap();
    place.write(name, &format!("{}\n{}\n", quoted[at], quoted[at + 2]));
}

fn sent(report: &Value) -> i64 {
    let tracked = &report["outcomes"]["tracked"]["by_kind"];
    let cents = |kind: &str| tracked[kind]["amount_cents"]["USD"].as_i64().unwrap_or(0);
    cents("sale") - cents("refund")
}

#[test]
fn two_charges_of_one_invoice_are_two_payments_in_any_order() {
    let first = charge("ch_1", 1, "25.00", "0.00", "in_1");
    let second = charge("ch_2", 15, "25.00", "0.00", "in_1");
    let place = Place::new();
    for rows in [[&first, &second], [&second, &first]] {
        place.write("x.csv", &format!("{STRIPE}{}{}", rows[0], rows[1]));
        assert_eq!(
            planned(&place, &["x.csv"]),
            [
                "sale ch_2 2500 ana@example.com cus_1 to_send",
                "sale in_1 2500 ana@example.com cus_1 to_send",
            ]
        );
    }
    place.write("1.csv", &format!("{STRIPE}{first}"));
    place.write("2.csv", &format!("{STRIPE}{second}"));
    for files in [["1.csv", "2.csv"], ["2.csv", "1.csv"]] {
        assert_eq!(planned(&place, &files).len(), 2);
        let totals = planned(&place, &files).concat();
        assert!(!totals.contains("duplicate"), "{totals}");
    }
}

#[test]
fn the_journal_remembers_which_charge_has_the_invoice() {
    let early = charge("ch_1", 1, "25.00", "0.00", "in_1");
    let late = charge("ch_2", 15, "30.00", "0.00", "in_1");
    let both = format!("{STRIPE}{early}{late}");
    for (night_1, ids) in [(&early, ["in_1", "ch_2"]), (&late, ["ch_1", "in_1"])] {
        let place = Place::new();
        place.write("1.csv", &format!("{STRIPE}{night_1}"));
        place.write("2.csv", &both);
        assert_eq!(night(&place, &["1.csv"]).0, 0);
        let plan = planned(&place, &["2.csv", "--sandbox"]);
        let of = |id: &str| plan.iter().find(|line| line.contains(id)).unwrap();
        assert!(of(&format!("sale {} 2500", ids[0])).len() > 10, "{plan:?}");
        assert!(of(&format!("sale {} 3000", ids[1])).len() > 10, "{plan:?}");
        let (code, report) = night(&place, &["2.csv"]);
        assert_eq!(
            (code, report["outcomes"]["tracked"]["count"].as_u64()),
            (0, Some(1))
        );
        let (code, report) = night(&place, &["2.csv"]);
        assert_eq!(
            (code, report["outcomes"]["tracked"]["count"].as_u64()),
            (0, Some(0))
        );
    }
}

#[test]
fn each_charge_of_an_invoice_has_its_own_refunds() {
    let place = Place::new();
    let rows =
        charge("ch_1", 1, "25.00", "10.00", "in_1") + &charge("ch_2", 15, "25.00", "10.00", "in_1");
    place.write("x.csv", &format!("{STRIPE}{rows}"));
    assert_eq!(
        planned(&place, &["x.csv"]),
        [
            "refund ch_2_refund_1000 ch_2 1000 ana@example.com cus_1 to_send",
            "refund in_1_refund_1000 in_1 1000 ana@example.com cus_1 to_send",
            "sale ch_2 2500 ana@example.com cus_1 to_send",
            "sale in_1 2500 ana@example.com cus_1 to_send",
        ]
    );
    let (_, report) = night(&place, &["x.csv"]);
    assert_eq!(sent(&report), 3000);
    let rows =
        charge("ch_1", 1, "25.00", "25.00", "in_1") + &charge("ch_2", 15, "25.00", "15.00", "in_1");
    place.write("y.csv", &format!("{STRIPE}{rows}"));
    let (code, report) = night(&place, &["y.csv"]);
    assert_eq!((code, sent(&report)), (0, -2000));
}

#[test]
fn an_invoice_is_shared_out_over_its_charges_to_the_cent() {
    let place = Place::new();
    let rows = ["10.00", "20.00", "20.00"].iter().zip(1..);
    let rows: String = rows
        .map(|(amount, n)| charge(&format!("ch_{n}"), n, amount, "0.00", "in_1"))
        .collect();
    place.write("payments.csv", &format!("{STRIPE}{rows}"));
    let invoice = "in_1,7,cus_1,2026-03-01 09:00:00,usd,42.02,0.00,50.00,50.00,paid\n";
    place.write("invoices.csv", &format!("{INVOICES}{invoice}"));
    for files in [
        ["payments.csv", "invoices.csv"],
        ["invoices.csv", "payments.csv"],
    ] {
        assert_eq!(
            planned(&place, &files),
            [
                "sale ch_2 1681 ana@example.com cus_1 to_send",
                "sale ch_3 1681 ana@example.com cus_1 to_send",
                "sale in_1 840 ana@example.com cus_1 to_send",
            ]
        );
    }
    // One of two parts, and the other elsewhere: nothing says how much of it counts.
    place.write(
        "one.csv",
        &format!("{STRIPE}{}", charge("ch_1", 1, "25.00", "0.00", "in_1")),
    );
    assert_eq!(
        planned(&place, &["one.csv", "invoices.csv"]),
        ["sale in_1 2500 ana@example.com cus_1 unlinked"]
    );
    // More than the invoice says.
    let rows =
        charge("ch_1", 1, "30.00", "0.00", "in_1") + &charge("ch_2", 2, "30.00", "0.00", "in_1");
    place.write("two.csv", &format!("{STRIPE}{rows}"));
    let held = planned(&place, &["two.csv", "invoices.csv"]);
    assert!(
        held.iter().all(|line| line.ends_with("unlinked")),
        "{held:?}"
    );
}

#[test]
fn two_transactions_of_a_recurly_invoice_are_two_payments() {
    let place = Place::new();
    let row = |id: &str, day: u32, kind: &str, of: &str, amount: &str| {
        format!(
            "ana@example.com,{id},{kind},{amount},0.00,USD,2026-03-{day:02} 10:00:00 UTC,success,false,{of},9001,sub1\n"
        )
    };
    let rows = row("t2", 9, "purchase", "", "20.00")
        + &row("t1", 2, "purchase", "", "20.00")
        + &row("t3", 20, "refund", "t2", "5.00");
    place.write("x.csv", &format!("{RECURLY}{rows}"));
    let plan = planned(&place, &["x.csv", "--profile", "recurly-transactions"]);
    assert!(
        plan.iter().all(|line| line.ends_with("to_send")),
        "{plan:?}"
    );
    assert!(plan[0].starts_with("refund t3 t2 500"), "{plan:?}");
    assert!(plan[1].starts_with("sale 9001 2000"), "{plan:?}");
    assert!(plan[2].starts_with("sale t2 2000"), "{plan:?}");
}

/// A profile of one's own that maps the invoice first, as in the documentation.
const ORDERS: &str = r#"
[exports.orders]
title = "orders"
based_on = "a test"
[exports.orders.columns]
id = "Id"
invoice = "Invoice"
mail = "Mail"
total = "Total"
date = "Date"
[exports.orders.customer]
email = "mail"
[exports.orders.dates]
formats = ["%Y-%m-%d"]
[[exports.orders.event]]
kind = "sale"
event_id = ["{invoice}", "order-{id}"]
amount = "total"
created_at = ["date"]

[exports.subscriptions]
title = "payments that are named by their subscription"
based_on = "a test"
[exports.subscriptions.columns]
subscription = "Subscription"
mail = "E-mail"
total = "Paid"
date = "On"
[exports.subscriptions.customer]
email = "mail"
[exports.subscriptions.dates]
formats = ["%Y-%m-%d"]
[[exports.subscriptions.event]]
kind = "sale"
event_id = ["{subscription}"]
amount = "total"
created_at = ["date"]
"#;

#[test]
fn a_profile_of_ones_own_tells_payments_apart_by_its_second_id() {
    let place = Place::new();
    place.write("fprecon.toml", ORDERS);
    place.write(
        "x.csv",
        "Id,Invoice,Mail,Total,Date\n2,i9,ana@example.com,8.00,2026-03-04\n1,i9,ana@example.com,8.00,2026-03-01\n",
    );
    assert_eq!(
        planned(&place, &["x.csv"]),
        [
            "sale i9 800 ana@example.com to_send",
            "sale order-2 800 ana@example.com to_send",
        ]
    );
}

#[test]
fn an_id_that_every_payment_of_a_subscription_shares_is_a_conflict_and_no_duplicate() {
    let place = Place::new();
    place.write("fprecon.toml", ORDERS);
    let header = "Subscription,E-mail,Paid,On\n";
    place.write(
        "x.csv",
        &format!(
            "{header}sub1,ana@example.com,8.00,2026-03-01\nsub1,ana@example.com,8.00,2026-04-01\n"
        ),
    );
    let plan = planned(&place, &["x.csv"]);
    assert!(
        plan.iter().all(|line| line.ends_with("conflict")),
        "{plan:?}"
    );
    let said = place.run(&["plan", "x.csv"]).expect(1).stderr();
    assert!(
        said.contains("another date: 2026-03-01 here, 2026-04-01 there"),
        "{said}"
    );

    // Over two nights.
    place.write(
        "1.csv",
        &format!("{header}sub2,ana@example.com,8.00,2026-03-01\n"),
    );
    place.write(
        "2.csv",
        &format!("{header}sub2,ana@example.com,8.00,2026-04-01\n"),
    );
    assert_eq!(night(&place, &["1.csv"]).0, 0);
    assert_eq!(night(&place, &["1.csv"]).0, 0, "the same again");
    let (code, report) = night(&place, &["2.csv"]);
    assert_eq!((code, sent(&report)), (1, 0));
}

#[test]
fn a_charge_with_and_without_its_invoice_is_one_payment() {
    let with = format!("{STRIPE}{}", charge("ch_1", 1, "10.00", "4.00", "in_1"));
    let without = format!(
        "{STRIPE_WITHOUT_INVOICE}ch_1,2026-03-01 10:00:00,10.00,4.00,usd,true,Paid,cus_1,ana@example.com\n"
    );
    let place = Place::new();
    place.write("with.csv", &with);
    place.write("without.csv", &without);
    for files in [["with.csv", "without.csv"], ["without.csv", "with.csv"]] {
        assert_eq!(
            planned(&place, &files),
            [
                "refund in_1_refund_400 in_1 400 ana@example.com cus_1 duplicate",
                "refund in_1_refund_400 in_1 400 ana@example.com cus_1 to_send",
                "sale in_1 1000 ana@example.com cus_1 duplicate",
                "sale in_1 1000 ana@example.com cus_1 to_send",
            ],
            "{files:?}"
        );
    }
    // Over two nights, whichever comes first: the journal's id stays, and refunds go on from there.
    for (first, second) in [("with", "without"), ("without", "with")] {
        let place = Place::new();
        place.write(
            "1.csv",
            &if first == "with" {
                with.clone()
            } else {
                without.clone()
            },
        );
        let more = if second == "with" { &with } else { &without };
        place.write("2.csv", &more.replace("4.00", "7.00"));
        let (code, report) = night(&place, &["1.csv"]);
        assert_eq!((code, sent(&report)), (0, 600), "{first}");
        let (code, report) = night(&place, &["2.csv"]);
        assert_eq!((code, sent(&report)), (0, -300), "{first}");
    }
}

#[test]
fn an_id_that_is_read_after_a_payment_was_recorded_is_known_from_then_on() {
    let place = Place::new();
    let without = format!(
        "{STRIPE_WITHOUT_INVOICE}ch_1,2026-03-01 10:00:00,10.00,0.00,usd,true,Paid,cus_1,ana@example.com\n"
    );
    let with = format!("{STRIPE}{}", charge("ch_1", 1, "10.00", "0.00", "in_1"));
    let invoice = "in_1,7,cus_1,2026-03-01 09:00:00,usd,10.00,0.00,10.00,10.00,paid\n";
    place.write("without.csv", &without);
    place.write("with.csv", &with);
    place.write("invoices.csv", &format!("{INVOICES}{invoice}"));
    for (name, cents) in [("without.csv", 1000), ("with.csv", 0), ("invoices.csv", 0)] {
        let (code, report) = night(&place, &[name]);
        assert_eq!((code, sent(&report)), (0, cents), "{name}");
    }
    // The other way round: the invoice first, then its charge with both ids, then with its own alone.
    let place = Place::new();
    place.write("without.csv", &without);
    place.write("with.csv", &with);
    place.write("invoices.csv", &format!("{INVOICES}{invoice}"));
    for (name, cents) in [("invoices.csv", 1000), ("with.csv", 0), ("without.csv", 0)] {
        let (code, report) = night(&place, &[name]);
        assert_eq!((code, sent(&report)), (0, cents), "{name}");
    }
}

#[test]
fn what_one_reading_has_and_another_lacks_is_joined_in_either_order() {
    let place = Place::new();
    place.write(
        "p.csv",
        &format!("{OWN}sale,s1,,ana@example.com,c1,8.00,USD,2026-03-01,NORA10\n"),
    );
    place.write(
        "q.csv",
        &format!("{OWN}sale,s1,,,c1,8.00,USD,2026-03-01,\n"),
    );
    for files in [["p.csv", "q.csv"], ["q.csv", "p.csv"]] {
        let plan = planned(&place, &files);
        assert_eq!(
            plan[1], "sale s1 800 ana@example.com c1 NORA10 to_send",
            "{files:?}"
        );
    }
    // Both have one, and they differ: in one kind of export that is a conflict.
    for (other, word) in [
        (
            "sale,s1,,ana@example.com,c1,8.00,USD,2026-03-01,OTTO\n",
            "promo code",
        ),
        (
            "sale,s1,,ana.b@example.com,c1,8.00,USD,2026-03-01,NORA10\n",
            "customer",
        ),
    ] {
        place.write("q.csv", &format!("{OWN}{other}"));
        for files in [["p.csv", "q.csv"], ["q.csv", "p.csv"]] {
            let plan = planned(&place, &files);
            assert!(
                plan.iter().all(|line| line.ends_with("conflict")),
                "{plan:?}"
            );
            let said = place.run(&["plan", files[0], files[1]]).expect(1).stderr();
            assert!(said.contains(&format!("another {word}")), "{said}");
        }
    }
}

#[test]
fn a_subscription_that_ended_twice_has_two_cancellations() {
    const RECURLY_SUBSCRIPTIONS: &str =
        "uuid,account_code,email,plan_code,state,canceled_at,expires_at,plan_name\n";
    let row = |day: &str| {
        format!("u1,acc1,ana@example.com,gold,expired,{day} 08:00:00 UTC,{day} 10:00:00 UTC,Gold\n")
    };
    let place = Place::new();
    let file = |day: &str| format!("{RECURLY_SUBSCRIPTIONS}{}", row(day));
    place.write("1.csv", &file("2025-11-02"));
    place.write("2.csv", &file("2026-05-02"));
    let options = ["--profile", "recurly-subscriptions"];
    let plan = planned(&place, &["2.csv", "1.csv", options[0], options[1]]);
    assert_eq!(
        plan,
        [
            "cancellation u1_cancelled ana@example.com acc1 to_send",
            "cancellation u1_cancelled_2026-05-02 ana@example.com acc1 to_send",
        ]
    );
    for (name, expected) in [
        ("1.csv", 1),
        ("1.csv", 0),
        ("2.csv", 1),
        ("2.csv", 0),
        ("1.csv", 0),
    ] {
        let (code, report) = night(&place, &[name, options[0], options[1]]);
        assert_eq!(
            (code, outcomes(&report).values().sum::<u64>()),
            (0, expected),
            "{name}"
        );
    }
    // Some hours off, as by another time zone: the same cancellation.
    place.write("3.csv", &file("2026-05-02").replace("10:00:00", "23:30:00"));
    let (code, report) = night(&place, &["3.csv", options[0], options[1]]);
    assert_eq!((code, outcomes(&report)), (0, BTreeMap::new()));
}

#[test]
fn the_same_id_of_two_providers_is_not_settled_half_a_year_later() {
    let place = Place::new();
    let config = r#"
[exports.bee]
extends = "chargebee-invoices"
[exports.bee.money]
currency = "USD"
[exports.bee.money.format]
unit = "major"
"#;
    place.write("fprecon.toml", config);
    let bee = |date: &str| {
        format!(
            "Customer Id,Invoice Number,Invoice Date,Amount,Status,Refunded Amount,Customer Email,Tax Total\nc1,1001,{date},8.00,Paid,0,ana@example.com,0\n"
        )
    };
    place.write(
        "own.csv",
        &format!("{OWN}sale,1001,,ana@example.com,c1,8.00,USD,2025-10-01,\n"),
    );
    assert_eq!(night(&place, &["own.csv"]).0, 0);
    place.write("near.csv", &bee("2025-10-02T00:00:00Z"));
    assert_eq!(night(&place, &["near.csv"]).0, 0, "the same payment");
    place.write("bee.csv", &bee("2026-03-01T00:00:00Z"));
    let (code, _) = night(&place, &["bee.csv"]);
    assert_eq!(code, 1);
    let said = place
        .run(&["plan", "bee.csv", "--sandbox"])
        .expect(1)
        .stderr();
    assert!(
        said.contains("another date: 2026-03-01 here, 2025-10-01 there"),
        "{said}"
    );
    assert!(said.contains("`event_id` of its own"), "{said}");
}

#[test]
fn a_refund_goes_out_with_the_customer_of_its_sale() {
    let place = Place::new();
    let rows = "sale,s1,,ana@example.com,c1,50.00,USD,2026-03-01,\n\
                refund,r1,s1,ana.new@example.com,,10.00,USD,2026-03-05,\n\
                refund,r2,s1,,,5.00,USD,2026-03-06,\n";
    place.write("x.csv", &format!("{OWN}{rows}"));
    assert_eq!(
        planned(&place, &["x.csv"]),
        [
            "refund r1 s1 1000 ana@example.com c1 to_send",
            "refund r2 s1 500 ana@example.com c1 to_send",
            "sale s1 5000 ana@example.com c1 to_send",
        ]
    );
    // The sale is of an earlier run, and the refund's row says somebody else.
    assert_eq!(night(&place, &["x.csv"]).0, 0);
    let rows = "refund,r3,s1,other@example.com,c9,5.00,USD,2026-03-07,\nrefund,r4,gone,,,5.00,USD,2026-03-07,\nrefund,r5,,,,5.00,USD,2026-03-07,\n";
    place.write("y.csv", &format!("{OWN}{rows}"));
    assert_eq!(
        planned(&place, &["y.csv", "--sandbox"]),
        [
            "refund r3 s1 500 ana@example.com c1 to_send",
            "refund r4 gone 500 unlinked",
            "refund r5 500 unlinked",
        ]
    );
    // Nobody is made up for a refund without a customer, even where refunds go without a sale.
    place.write("fprecon.toml", "[link]\nsend_unlinked = true\n");
    let plan = planned(&place, &["y.csv", "--sandbox"]);
    assert!(
        plan[1].ends_with("unlinked") && plan[2].ends_with("unlinked"),
        "{plan:?}"
    );
}

#[test]
fn a_running_total_that_falls_needs_attention() {
    for now in ["0.00", "5.00", ""] {
        let place = Place::new();
        place.write(
            "1.csv",
            &format!("{STRIPE}{}", charge("ch_1", 1, "50.00", "20.00", "in_1")),
        );
        place.write(
            "2.csv",
            &format!("{STRIPE}{}", charge("ch_1", 1, "50.00", now, "in_1")),
        );
        assert_eq!(night(&place, &["1.csv"]).0, 0);
        // An older export in the same call hides nothing.
        assert_eq!(night(&place, &["1.csv", "2.csv"]).0, 1, "{now}");
        let (code, report) = night(&place, &["2.csv"]);
        assert_eq!((code, sent(&report)), (1, 0), "{now}");
        let said = place
            .run(&["plan", "2.csv", "--sandbox"])
            .expect(1)
            .stderr();
        assert!(
            said.contains("the running total fell: 20.00 USD was refunded"),
            "{said}"
        );
    }
}

fn start_account(place: &Place) -> SandboxProcess {
    let start = "lead_share_percent = 0\n[[promoter]]\nref_id = \"nora\"\nemail = \"nora@example.org\"\n\
                 [[lead]]\nemail = \"eva@example.com\"\npromoter = \"nora\"\n";
    place.write("start.toml", start);
    SandboxProcess::start(&["--start", place.path("start.toml").to_str().unwrap()])
}

fn outcomes(report: &Value) -> BTreeMap<String, u64> {
    let all = report["outcomes"].as_object().unwrap().iter();
    let counted = all.map(|(name, outcome)| (name.clone(), outcome["count"].as_u64().unwrap()));
    counted.filter(|(_, count)| *count > 0).collect()
}

#[test]
fn a_corrected_email_is_a_new_question() {
    let place = Place::new();
    let sandbox = start_account(&place);
    let file = |email: &str, refunded: &str| {
        let row = charge("ch_5", 1, "50.00", refunded, "in_5").replace("ana@example.com", email);
        format!("{STRIPE}{row}")
    };
    place.write("1.csv", &file("eva@exmaple.com", "10.00"));
    place.write("2.csv", &file("eva@example.com", "10.00"));
    let run = |name: &str| {
        let report = place.run_to(&sandbox, &["run", name, "--yes", "--json"]);
        outcomes(&report.expect_one_of(&[0, 1]))
    };
    assert_eq!(run("1.csv"), BTreeMap::from([("non_referral".into(), 2)]));
    assert_eq!(run("2.csv"), BTreeMap::from([("tracked".into(), 2)]));
    // Neither of the two asks again.
    assert_eq!(run("1.csv"), BTreeMap::new());
    assert_eq!(run("2.csv"), BTreeMap::new());
    let effects: Vec<String> = sandbox
        .events()
        .iter()
        .map(|event| event["event_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(effects, ["in_5", "in_5_refund_1000"]);
}

/// What the account has of the sales, after their refunds.
fn cents_at(sandbox: &SandboxProcess) -> i64 {
    let events = sandbox.events();
    let cents = events.iter().map(|event| {
        let sign = if event["kind"] == "refund" { -1 } else { 1 };
        sign * event["amount_cents"].as_i64().unwrap()
    });
    cents.sum()
}

#[test]
fn a_sale_that_is_asked_again_has_its_refunds_anew() {
    let wrong = "eva@exmaple.com";
    let right = "eva@example.com";
    // The running totals of each night, and what counts then.
    let nights = [
        vec![
            (wrong, "10.00", 0),
            (wrong, "30.00", 0),
            (right, "30.00", 2_000),
        ],
        vec![(wrong, "10.00", 0), (right, "30.00", 2_000)],
        vec![
            (wrong, "10.00", 0),
            (wrong, "30.00", 0),
            (right, "35.00", 1_500),
            (right, "50.00", 0),
            (right, "50.00", 0),
        ],
    ];
    for convert in [false, true] {
        for nights in &nights {
            let place = Place::new();
            let sandbox = start_account(&place);
            place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,2\n");
            if convert {
                let config = "[currencies]\nforeign = \"convert\"\nrates = \"rates.csv\"\n";
                place.write("fprecon.toml", config);
            }
            let mut counted = 0;
            let names: Vec<String> = (0..nights.len()).map(|n| format!("{n}.csv")).collect();
            for (name, (email, refunded, counts)) in names.iter().zip(nights) {
                let row = charge("ch_5", 1, "50.00", refunded, "in_5");
                let mut row = row.replace("ana@example.com", email);
                if convert {
                    row = row.replace(",usd,", ",eur,");
                    assert!(row.contains(",eur,"), "{row}");
                }
                place.write(name, &format!("{STRIPE}{row}"));
                counted = if convert { 2 * counts } else { *counts };
                for _ in 0..2 {
                    let ran = place.run_to(&sandbox, &["run", name, "--yes"]);
                    assert_eq!(ran.code(), 0, "{nights:?} {}", ran.stderr());
                    assert_eq!(cents_at(&sandbox), counted, "{nights:?}");
                }
            }
            // What the old exports say is known.
            for name in &names {
                let ran = place.run_to(&sandbox, &["run", name, "--yes"]);
                assert!(ran.code() <= 1, "{nights:?} {name} {}", ran.stderr());
                assert_eq!(cents_at(&sandbox), counted, "{nights:?} {name}");
            }
        }
    }
}

#[test]
fn refunds_with_ids_of_their_own_are_asked_again_with_their_sale() {
    let place = Place::new();
    let sandbox = start_account(&place);
    let sale = |email: &str| format!("sale,s1,,{email},,50.00,USD,2026-03-01,\n");
    let refund = |n: u8, amount: &str| format!("refund,r{n},s1,,,{amount},USD,2026-03-0{n},\n");
    let night = |rows: &[String], code: i32| {
        place.write("x.csv", &format!("{OWN}{}", rows.concat()));
        place
            .run_to(&sandbox, &["run", "x.csv", "--yes"])
            .expect(code);
        cents_at(&sandbox)
    };
    let (old, new) = (sale("eva@exmaple.com"), sale("eva@example.com"));
    assert_eq!(night(&[old, refund(2, "20.00")], 0), 0);
    // As much as was refunded before, by another refund: the first one would be missing.
    assert_eq!(night(&[new.clone(), refund(3, "20.00")], 1), 0);
    let all = [new, refund(2, "20.00"), refund(3, "20.00")];
    assert_eq!(night(&all, 0), 1_000);
    assert_eq!(night(&all, 0), 1_000);
}

/// Leaves a refund of a sale that was no referral to an interrupted run: in an outage it waits for another
/// sale of its customer. Then the customer's email is corrected.
fn correct_what_an_interrupted_run_has_left(header: &str, nights: [&str; 3], cents: i64) {
    for resumes_first in [false, true] {
        let place = Place::new();
        let sandbox = start_account(&place);
        for (name, rows) in ["1.csv", "2.csv", "3.csv"].iter().zip(nights) {
            place.write(name, &format!("{header}{rows}"));
        }
        let run = |name: &str, code: i32| {
            let mut command = place.command_to(&sandbox, &["run", name, "--yes"]);
            command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
            Ran(command.output().unwrap()).expect(code);
        };
        run("1.csv", 0);
        sandbox.fault(&json!({"action": "status", "status": 500, "percent": 100}));
        run("2.csv", 5);
        sandbox.forget_faults();
        if resumes_first {
            place.run_to(&sandbox, &["resume"]).expect(0);
        }
        run("3.csv", 0);
        assert_eq!(cents_at(&sandbox), cents, "{nights:?}");
        let arrivals = sandbox.arrivals().len();
        let said = place.run_to(&sandbox, &["resume"]).expect(0).stdout();
        assert!(
            said.contains("every event in the journal is settled"),
            "{said}"
        );
        run("3.csv", 0);
        assert_eq!(sandbox.arrivals().len(), arrivals, "{nights:?}");
        assert_eq!(cents_at(&sandbox), cents, "{nights:?}");
        place.run(&["journal", "check"]).expect(0);
    }
}

#[test]
fn a_refund_that_an_interrupted_run_has_left_is_asked_anew_with_its_sale() {
    let wrong = "sale,s1,,eva@exmaple.com,,50.00,USD,2026-03-01,\n";
    let right = "sale,s1,,eva@example.com,,50.00,USD,2026-03-01,\n";
    let later = "sale,s2,,eva@exmaple.com,,9.00,USD,2026-03-02,\n";
    let refund = "refund,r1,s1,,,20.00,USD,2026-03-03,\n";
    let second = format!("{later}{refund}");
    let third = format!("{right}{later}{refund}");
    correct_what_an_interrupted_run_has_left(OWN, [wrong, &second, &third], 3_000);
}

#[test]
fn a_running_total_that_an_interrupted_run_has_left_counts_once_when_it_has_grown() {
    let row = |id: &str, day: u32, amount: &str, refunded: &str, email: &str| {
        let row = charge(
            &format!("ch_{id}"),
            day,
            amount,
            refunded,
            &format!("in_{id}"),
        );
        row.replace("ana@example.com", email).replace("cus_1", "")
    };
    let (wrong, right) = ("eva@exmaple.com", "eva@example.com");
    let later = row("6", 2, "9.00", "0.00", wrong);
    let first = row("5", 1, "50.00", "0.00", wrong);
    let second = format!("{}{later}", row("5", 1, "50.00", "10.00", wrong));
    for (refunded, cents) in [("10.00", 4_000), ("30.00", 2_000), ("50.00", 0)] {
        let third = format!("{}{later}", row("5", 1, "50.00", refunded, right));
        correct_what_an_interrupted_run_has_left(STRIPE, [&first, &second, &third], cents);
    }
}

#[test]
fn the_non_referral_csv_files_of_two_runs_are_corrected_and_run_together() {
    let place = Place::new();
    let sandbox = start_account(&place);
    for (name, refunded) in [("1", "10.00"), ("2", "30.00")] {
        let row = charge("ch_5", 1, "50.00", refunded, "in_5");
        let row = row.replace("ana@example.com", "eva@exmaple.com");
        place.write(&format!("{name}.csv"), &format!("{STRIPE}{row}"));
        let csv = format!("{name}.csv");
        place
            .run_to(&sandbox, &["run", &csv, "--yes", "--dir", name])
            .expect(0);
        let corrected = place
            .read(&format!("{name}/non_referral.csv"))
            .replace("exmaple", "example");
        place.write(&format!("fixed-{name}.csv"), &corrected);
    }
    // Without the refund of the second run, the sale would count 10.00 too much.
    let said = place
        .run_to(&sandbox, &["run", "fixed-1.csv", "--yes"])
        .expect(1)
        .stderr();
    assert!(said.contains("non_referral.csv of its run"), "{said}");
    assert_eq!(sandbox.events().len(), 0, "{said}");
    place
        .run_to(&sandbox, &["run", "fixed-1.csv", "fixed-2.csv", "--yes"])
        .expect(0);
    assert_eq!(cents_at(&sandbox), 2_000);
}

#[test]
fn a_sale_is_not_asked_again_without_its_refunds() {
    let place = Place::new();
    let sandbox = start_account(&place);
    let sale = |email: &str| format!("sale,s1,,{email},,50.00,USD,2026-03-01,\n");
    let refund = "refund,r1,s1,,,20.00,USD,2026-03-04,\n";
    place.write(
        "1.csv",
        &format!("{OWN}{}{refund}", sale("eva@exmaple.com")),
    );
    place.write("2.csv", &format!("{OWN}{}", sale("eva@example.com")));
    place.write("3.csv", &format!("{OWN}{refund}"));
    let run = |names: &[&str], code: i32| {
        let mut arguments = vec!["run", "--yes", "--json"];
        arguments.extend(names);
        outcomes(&place.run_to(&sandbox, &arguments).expect(code).json())
    };
    assert_eq!(
        run(&["1.csv"], 0),
        BTreeMap::from([("non_referral".into(), 2)])
    );
    assert_eq!(run(&["2.csv"], 1), BTreeMap::new());
    assert_eq!(
        run(&["2.csv", "3.csv"], 0),
        BTreeMap::from([("tracked".into(), 2)])
    );
}

#[test]
fn a_corrected_non_referral_csv_is_run_like_a_failed_csv() {
    let place = Place::new();
    let sandbox = start_account(&place);
    let rows = "sale,s1,,eva@exmaple.com,,50.00,USD,2026-03-01,\nsale,s2,,ugo@example.com,,8.00,USD,2026-03-01,\n";
    place.write("x.csv", &format!("{OWN}{rows}"));
    let report = place.run_to(
        &sandbox,
        &["run", "x.csv", "--yes", "--json", "--dir", "report"],
    );
    report.expect(0);
    let corrected = place
        .read("report/non_referral.csv")
        .replace("exmaple", "example");
    place.write("fixed.csv", &corrected);
    let report = place
        .run_to(&sandbox, &["run", "fixed.csv", "--yes", "--json"])
        .expect(0)
        .json();
    assert_eq!(outcomes(&report), BTreeMap::from([("tracked".into(), 1)]));
    assert_eq!(sandbox.events().len(), 1);
    // The export still has the old address: that was asked, and corrected since.
    let report = place
        .run_to(&sandbox, &["run", "x.csv", "--yes", "--json"])
        .expect(0)
        .json();
    assert_eq!(report["requests"], 0);
}

#[test]
fn a_conflict_with_what_was_sent_says_so_and_how_to_settle_it() {
    for (sent_first, now, total) in [("50.00", "45.00", 4500), ("50.00", "58.00", 5800)] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&[]);
        let file = |amount: &str| format!("{STRIPE}{}", charge("ch_4", 1, amount, "0.00", "in_4"));
        place.write("1.csv", &file(sent_first));
        place.write("2.csv", &file(now));
        place.run_to(&sandbox, &["run", "1.csv", "--yes"]).expect(0);
        let said = place
            .run_to(&sandbox, &["run", "2.csv", "--yes"])
            .expect(1)
            .stderr();
        assert!(
            said.contains("an earlier run sent an event with this id (tracked)"),
            "{said}"
        );
        assert!(
            said.contains(&format!("another amount: {now} USD here, 50.00 USD there")),
            "{said}"
        );
        assert!(!said.contains("neither is sent"), "{said}");
        // The hint, followed to the letter: its two lines as a file of their own.
        write_quoted(&place, "mine.csv", &said);
        place
            .run_to(&sandbox, &["run", "mine.csv", "--yes"])
            .expect(0);
        // The export is right now, and so are its refunds.
        place
            .run_to(&sandbox, &["run", "2.csv", "mine.csv", "--yes"])
            .expect(0);
        assert_eq!(cents_at(&sandbox), total, "{:?}", sandbox.events());
        let refunded = charge("ch_4", 1, now, now, "in_4");
        place.write("3.csv", &format!("{STRIPE}{refunded}"));
        place
            .run_to(&sandbox, &["run", "3.csv", "mine.csv", "--yes"])
            .expect(0);
        assert_eq!(cents_at(&sandbox), 0, "{:?}", sandbox.events());
    }
}

#[test]
fn a_refund_that_rounded_to_nothing_counts_for_the_later_ones() {
    const TAXED: &str = r#"
[exports.till]
title = "a till"
based_on = "a test"
[exports.till.columns]
id = "Id"
of = "Of"
mail = "Mail"
gross = "Gross"
tax = "Tax"
date = "Date"
[exports.till.customer]
email = "mail"
[exports.till.dates]
formats = ["%Y-%m-%d"]
[[exports.till.event]]
kind = "sale"
when = { of = { empty = true } }
event_id = ["{id}"]
amount = { column = "gross", minus = ["tax"] }
created_at = ["date"]
[[exports.till.event]]
kind = "refund"
when = { of = { empty = false } }
event_id = ["{id}"]
sale_event_id = ["{of}"]
amount = "gross"
created_at = ["date"]
"#;
    let place = Place::new();
    place.write("fprecon.toml", TAXED);
    let header = "Id,Of,Mail,Gross,Tax,Date\n";
    let refunds = [
        "r1,s1,,0.34,,2026-03-02\n",
        "r2,s1,,0.01,,2026-03-03\n",
        "r3,s1,,0.65,,2026-03-04\n",
    ];
    let sale = "s1,,ana@example.com,1.00,0.16,2026-03-01\n";
    place.write("1.csv", &format!("{header}{sale}{}", refunds[0]));
    place.write("2.csv", &format!("{header}{}", refunds[1]));
    place.write("3.csv", &format!("{header}{}{}", refunds[1], refunds[2]));
    let cents: Vec<(i32, i64)> = ["1.csv", "2.csv", "2.csv", "3.csv", "3.csv"]
        .map(|name| {
            let (code, report) = night(&place, &[name]);
            (code, sent(&report))
        })
        .to_vec();
    assert_eq!(cents, [(0, 84 - 29), (0, 0), (0, 0), (0, -55), (0, 0)]);
}

const TAXED_INVOICE: &str = "in_1,7,cus_1,2026-03-01 09:00:00,usd,100.00,0.00,119.00,119.00,paid\n";

#[test]
fn an_invoice_run_after_all_its_payments_is_settled() {
    let place = Place::new();
    let first = charge("ch_1", 1, "60.00", "0.00", "in_1");
    let second = charge("ch_2", 9, "59.00", "0.00", "in_1");
    place.write("payments.csv", &format!("{STRIPE}{first}{second}"));
    place.write("invoices.csv", &format!("{INVOICES}{TAXED_INVOICE}"));
    let (code, report) = night(&place, &["payments.csv", "invoices.csv"]);
    assert_eq!((code, sent(&report)), (0, 10_000));
    for files in [
        &["invoices.csv"][..],
        &["payments.csv"],
        &["invoices.csv", "payments.csv"],
    ] {
        let (code, report) = night(&place, files);
        assert_eq!((code, sent(&report)), (0, 0), "{files:?}");
    }
}

#[test]
fn an_invoice_run_before_all_its_payments_are_is_no_difference_to_send() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&[]);
    let first = charge("ch_1", 1, "60.00", "0.00", "in_1");
    place.write("payments.csv", &format!("{STRIPE}{first}"));
    place.write("invoices.csv", &format!("{INVOICES}{TAXED_INVOICE}"));
    for (one, other) in [
        ("payments.csv", "invoices.csv"),
        ("invoices.csv", "payments.csv"),
    ] {
        let place_of_run = ["--journal", &format!("{one}.journal")].map(str::to_owned);
        let run = |file: &str| {
            let options = place_of_run.iter().map(String::as_str);
            let arguments: Vec<&str> = ["run", file, "--yes"].into_iter().chain(options).collect();
            place.run_to(&sandbox, &arguments)
        };
        run(one).expect(0);
        let said = run(other).expect(1).stderr();
        assert!(
            said.contains("if one of the two is only a part of what the other is for"),
            "{said}"
        );
    }
}

#[test]
fn the_difference_to_send_of_a_taxed_invoice_is_what_counts() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&[]);
    place.write("1.csv", &format!("{INVOICES}{TAXED_INVOICE}"));
    let more = TAXED_INVOICE
        .replace("100.00", "110.00")
        .replace("119.00", "130.90");
    place.write("2.csv", &format!("{INVOICES}{more}"));
    place.run_to(&sandbox, &["run", "1.csv", "--yes"]).expect(0);
    let said = place
        .run_to(&sandbox, &["run", "2.csv", "--yes"])
        .expect(1)
        .stderr();
    assert!(
        said.contains("`sale,in_1_corrected_to_13090,,,cus_1,10.00,USD,2026-03-01`"),
        "{said}"
    );
}

#[test]
fn a_taxed_sale_that_shrank_is_right_once_the_hint_was_followed() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let braintree = |amount: &str, tax: &str| {
        format!(
            "Transaction ID,Transaction Type,Transaction Status,Amount Submitted For Settlement,Tax Amount,Currency ISO Code,Created Datetime,Created Timezone,Customer ID,Customer Email,Refunded Transaction ID\n\
             t1,sale,settled,{amount},{tax},USD,03/01/2026 10:00:00,UTC,c1,ana@example.com,\n"
        )
    };
    place.write("1.csv", &braintree("119.00", "19.00"));
    place.write("2.csv", &braintree("100.00", "19.00"));
    place.run_to(&sandbox, &["run", "1.csv", "--yes"]).expect(0);
    let said = place.run_to(&sandbox, &["run", "2.csv", "--yes"]).expect(1);
    let said = said.stderr();
    let hint = said.split("has these two lines: ").nth(1).unwrap();
    let lines: Vec<&str> = hint.split('`').skip(1).step_by(2).take(2).collect();
    assert!(lines[1].contains(",19.00,USD"), "{said}");
    place.write("own.csv", &format!("{}\n{}\n", lines[0], lines[1]));
    place
        .run_to(&sandbox, &["run", "own.csv", "--yes"])
        .expect(0);
    assert_eq!(cents_at(&sandbox), 8_100);
    place.run_to(&sandbox, &["run", "2.csv", "--yes"]).expect(0);
}

#[test]
fn a_profile_with_an_event_for_every_row_needs_no_column_of_kinds() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        r#"
[exports.till]
extends = "generic"
[exports.till.columns]
event_id = "Order"
own = "Txn"
amount = "Total"
email = "Mail"
created_at = "Day"
[[exports.till.event]]
kind = "sale"
event_id = ["{event_id}", "{own}"]
amount = "amount"
created_at = ["created_at"]
"#,
    );
    place.write(
        "x.csv",
        "Order,Txn,Mail,Total,Day\no1,t1,ana@example.com,10.00,2026-03-01\no1,t2,ana@example.com,10.00,2026-03-01\n",
    );
    assert_eq!(
        planned(&place, &["x.csv"]),
        [
            "sale o1 1000 ana@example.com to_send",
            "sale t2 1000 ana@example.com to_send",
        ]
    );
    // With the column, its words have to be named.
    place.write(
        "y.csv",
        "Order,Txn,Mail,Total,Day,kind\no1,t1,ana@example.com,10.00,2026-03-01,refund\n",
    );
    assert_eq!(planned(&place, &["y.csv"]), [""; 0]);
}

#[test]
fn a_payment_that_was_sent_whole_and_of_which_less_counts_needs_attention() {
    let place = Place::new();
    place.write(
        "1.csv",
        &format!("{STRIPE}{}", charge("ch_1", 1, "119.00", "0.00", "in_1")),
    );
    place.write("i.csv", &format!("{INVOICES}{TAXED_INVOICE}"));
    assert_eq!(night(&place, &["1.csv"]).0, 0);
    for _ in 0..2 {
        let (code, report) = night(&place, &["1.csv", "i.csv"]);
        assert_eq!((code, sent(&report)), (1, 0));
        let attention = &report["attention"][0];
        assert_eq!(attention["code"], "counts_less", "{attention}");
        assert_eq!(attention["amount_cents"]["USD"], 11_900, "{attention}");
    }
    let said = place.run(&["plan", "i.csv", "--sandbox"]).stderr();
    assert!(said.contains("1 sale, 19.00 USD too much"), "{said}");
    // As the hint says: the difference by a refund.
    write_quoted(&place, "mine.csv", &said);
    let (code, report) = night(&place, &["mine.csv"]);
    assert_eq!((code, sent(&report)), (0, -1_900));
    // The exports agree with it now.
    assert_eq!(night(&place, &["1.csv", "i.csv"]).0, 0);
    let status = place
        .run(&["status", "--sandbox", "--json"])
        .expect(0)
        .json();
    assert_eq!(status["attention"].as_array().unwrap().len(), 0, "{status}");
    // What is refunded later is a share of what counts: nothing of the correction.
    for (refunded, cents) in [("59.50", -5_000), ("119.00", -5_000)] {
        let row = charge("ch_1", 1, "119.00", refunded, "in_1");
        place.write("r.csv", &format!("{STRIPE}{row}"));
        let (code, report) = night(&place, &["r.csv", "i.csv", "mine.csv"]);
        assert_eq!((code, sent(&report)), (0, cents), "{refunded}");
    }
}

#[test]
fn a_payment_that_was_sent_by_its_invoice_and_is_read_without_it_is_as_it_was() {
    let place = Place::new();
    place.write(
        "1.csv",
        &format!("{STRIPE}{}", charge("ch_1", 1, "119.00", "0.00", "in_1")),
    );
    place.write("i.csv", &format!("{INVOICES}{TAXED_INVOICE}"));
    assert_eq!(night(&place, &["1.csv", "i.csv"]).0, 0);
    assert_eq!(night(&place, &["1.csv"]).0, 0);
    assert_eq!(night(&place, &["i.csv"]).0, 0);
}

#[test]
fn a_charge_is_told_from_the_one_that_was_sent_by_the_shared_id_alone() {
    let place = Place::new();
    place.write(
        "0.csv",
        &format!("{OWN}sale,in_1,,ana@example.com,cus_1,25.00,USD,2026-03-01,\n"),
    );
    let first = charge("ch_1", 1, "25.00", "0.00", "in_1");
    let second = charge("ch_2", 9, "25.00", "0.00", "in_1");
    place.write("1.csv", &format!("{STRIPE}{first}"));
    place.write("2.csv", &format!("{STRIPE}{second}"));
    place.write("3.csv", &format!("{STRIPE}{second}{first}"));
    let nights = [
        "0.csv", "1.csv", "2.csv", "3.csv", "2.csv", "1.csv", "0.csv",
    ];
    let sent: Vec<(i32, i64)> = nights
        .iter()
        .map(|name| {
            let (code, report) = night(&place, &[name]);
            (code, sent(&report))
        })
        .collect();
    let nothing = (0, 0);
    assert_eq!(sent[..3], [(0, 2_500), nothing, (0, 2_500)]);
    assert_eq!(sent[3..], [nothing; 4]);
}

#[test]
fn what_is_refunded_already_is_not_too_much() {
    for (refunded, too_much) in [("59.50", "9.50"), ("119.00", "")] {
        let place = Place::new();
        let file =
            |refunded: &str| format!("{STRIPE}{}", charge("ch_1", 1, "119.00", refunded, "in_1"));
        place.write("1.csv", &file("0.00"));
        place.write("2.csv", &file(refunded));
        place.write("i.csv", &format!("{INVOICES}{TAXED_INVOICE}"));
        assert_eq!(night(&place, &["1.csv"]).0, 0);
        // The refund goes out in the run that finds it, and in one before it.
        let said = place.run(&["plan", "2.csv", "i.csv", "--sandbox"]).stderr();
        let (code, _) = night(&place, &["2.csv"]);
        assert_eq!(code, 0);
        let later = place.run(&["plan", "2.csv", "i.csv", "--sandbox"]).stderr();
        for said in [&said, &later] {
            match too_much {
                "" => assert!(!said.contains("too much"), "{said}"),
                _ => assert!(said.contains(&format!("{too_much} USD too much")), "{said}"),
            }
        }
        let (code, report) = night(&place, &["2.csv", "i.csv"]);
        assert_eq!((code, sent(&report)), (i32::from(!too_much.is_empty()), 0));
        if code == 1 {
            write_quoted(&place, "mine.csv", &later);
            let (code, report) = night(&place, &["mine.csv"]);
            assert_eq!((code, sent(&report)), (0, -950));
            assert_eq!(night(&place, &["2.csv", "i.csv"]).0, 0);
        }
    }
}

#[test]
fn two_charges_are_told_apart_by_what_was_sent_by_the_shared_id_alone() {
    let charges = [
        charge("ch_1", 1, "25.00", "10.00", "in_1"),
        charge("ch_2", 3, "25.00", "10.00", "in_1"),
    ];
    let both = charges.concat();
    for rows in [both.clone(), charges[1].clone() + &charges[0]] {
        let place = Place::new();
        place.write(
            "o.csv",
            &format!("{OWN}sale,in_1,,ana@example.com,cus_1,25.00,USD,2026-03-01,\n"),
        );
        place.write("s.csv", &format!("{STRIPE}{rows}"));
        assert_eq!(night(&place, &["o.csv"]).0, 0);
        let (code, report) = night(&place, &["s.csv"]);
        assert_eq!((code, sent(&report)), (0, 2_500 - 2_000));
        for names in [&["s.csv"][..], &["o.csv"], &["o.csv", "s.csv"]] {
            let (code, report) = night(&place, names);
            assert_eq!((code, sent(&report)), (0, 0), "{names:?}");
        }
    }
    // Recurly, with other amounts: the second one is what was sent.
    let place = Place::new();
    place.write(
        "o.csv",
        &format!("{OWN}sale,i1,,,acc1,20.00,USD,2026-01-02,\n"),
    );
    let row = |id: &str, amount: &str, day: u8| {
        format!(
            "acc1,{id},purchase,{amount},0.00,USD,2026-01-0{day} 10:00:00 UTC,success,false,,i1,s1\n"
        )
    };
    place.write(
        "a.csv",
        &format!(
            "{RECURLY}{}{}",
            row("t1", "10.00", 1),
            row("t2", "20.00", 2)
        ),
    );
    assert_eq!(night(&place, &["o.csv"]).0, 0);
    assert_eq!(
        planned(&place, &["a.csv", "--sandbox"]),
        ["sale i1 2000 acc1 settled", "sale t1 1000 acc1 to_send"]
    );
    // All of it may be what was sent: nothing is sent then, with a word.
    let place = Place::new();
    place.write(
        "o.csv",
        &format!("{OWN}sale,in_1,,ana@example.com,cus_1,50.00,USD,2026-03-01,\n"),
    );
    place.write("s.csv", &format!("{STRIPE}{both}"));
    assert_eq!(night(&place, &["o.csv"]).0, 0);
    let (code, report) = night(&place, &["s.csv"]);
    assert_eq!((code, sent(&report)), (1, 0));
}

#[test]
fn a_refund_does_not_go_to_another_providers_sale_of_another_customer() {
    let config = "[exports.shop]\nextends = \"generic\"\n[exports.shop.columns]\nevent_id = \"Order\"\nkind = \"Type\"\nsale_event_id = \"Of\"\namount = \"Total\"\nemail = \"Mail\"\ncreated_at = \"Day\"\n";
    let shop = |rows: &str| format!("Order,Type,Of,Total,Mail,Day\n{rows}");
    let place = Place::new();
    place.write("fprecon.toml", config);
    place.write(
        "a.csv",
        &format!("{OWN}sale,1001,,ana@example.com,,10.00,USD,2026-03-01,\n"),
    );
    place.write(
        "d.csv",
        &shop("r1,refund,1001,10.00,ben@example.com,2026-09-05\n"),
    );
    place.write(
        "e.csv",
        &shop("r2,refund,1001,10.00,ana@example.com,2026-09-05\n"),
    );
    assert_eq!(night(&place, &["a.csv"]).0, 0);
    let (code, report) = night(&place, &["d.csv"]);
    assert_eq!((code, sent(&report)), (1, 0));
    // In one call, too.
    let plan = planned(&place, &["a.csv", "d.csv", "--sandbox"]);
    assert!(
        plan.iter()
            .any(|event| event.starts_with("refund r1") && event.ends_with("unlinked")),
        "{plan:?}"
    );
    // The user may say that it is that one; and of the same customer it is.
    place.write("links.csv", "refund_event_id,sale_event_id\nr1,1001\n");
    let plan = planned(&place, &["d.csv", "--link", "links.csv", "--sandbox"]);
    assert_eq!(plan, ["refund r1 1001 1000 ana@example.com to_send"]);
    let plan = planned(&place, &["e.csv", "--sandbox"]);
    assert_eq!(plan, ["refund r2 1001 1000 ana@example.com to_send"]);
}

#[test]
fn a_refund_that_is_corrected_without_its_sale_is_held_with_a_word() {
    let place = Place::new();
    let sandbox = start_account(&place);
    let rows = "sale,s1,,eva@exmaple.com,,50.00,USD,2026-03-01,\nrefund,r1,s1,eva@exmaple.com,,20.00,USD,2026-03-02,\n";
    place.write("x.csv", &format!("{OWN}{rows}"));
    let run = ["run", "x.csv", "--yes", "--dir", "report"];
    place.run_to(&sandbox, &run).expect(0);
    let report = place.read("report/non_referral.csv");
    let corrected = report.replace(
        "refund,r1,s1,eva@exmaple.com",
        "refund,r1,s1,eva@example.com",
    );
    assert_ne!(corrected, report);
    place.write("fixed.csv", &corrected);
    let ran = place
        .run_to(&sandbox, &["run", "fixed.csv", "--yes"])
        .expect(1);
    assert!(
        ran.stderr()
            .contains("correct the customer in the row of its sale"),
        "{}",
        ran.stderr()
    );
    // As it says.
    place.write("fixed.csv", &report.replace("exmaple", "example"));
    place
        .run_to(&sandbox, &["run", "fixed.csv", "--yes"])
        .expect(0);
    assert_eq!(cents_at(&sandbox), 3_000);
}

#[test]
fn a_running_total_that_falls_of_what_is_no_referral_is_nothing_to_look_at() {
    let place = Place::new();
    let sandbox = start_account(&place);
    for (night, refunded) in ["20.00", "5.00", "0.00"].iter().enumerate() {
        let row = charge("ch_1", 1, "50.00", refunded, "in_1");
        place.write("x.csv", &format!("{STRIPE}{row}"));
        let ran = place.run_to(&sandbox, &["run", "x.csv", "--yes"]);
        assert_eq!(ran.code(), 0, "{night}: {}", ran.stderr());
    }
    assert!(sandbox.events().is_empty());
}

const PAYOUT: &str = "automatic_payout_id,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,description,customer_email,invoice_id\n";

/// A charge of a payout report without the charge's id: number of the row, day of March, amount, invoice.
fn paid_out(n: u32, day: u32, amount: &str, invoice: &str) -> String {
    format!(
        "po_1,txn_{n},2026-03-{day:02} 10:00:00,usd,{amount},1.00,1.00,charge,Update,ana@example.com,{invoice}\n"
    )
}

/// The cents of the sales that reach the sandbox over these nights, and the last exit code.
fn sent_over(place: &Place, nights: &[&[&str]]) -> (i64, i32) {
    let mut cents = 0;
    let mut last = 0;
    for exports in nights {
        let (code, report) = night(place, exports);
        cents += sent(&report);
        last = code;
    }
    (cents, last)
}

#[test]
fn a_charge_that_a_report_names_by_its_invoice_alone_is_one_sale() {
    let orders: [&[&[&str]]; 4] = [
        &[&["payments.csv", "payout.csv"]],
        &[&["payout.csv", "payments.csv"]],
        &[&["payments.csv"], &["payout.csv"]],
        &[&["payout.csv"], &["payments.csv"]],
    ];
    for nights in orders {
        let place = Place::new();
        let payment = charge("ch_1", 2, "50.00", "0.00", "in_1");
        place
            .write("payments.csv", &format!("{STRIPE}{payment}"))
            .write(
                "payout.csv",
                &format!("{PAYOUT}{}", paid_out(1, 2, "50.00", "in_1")),
            );
        assert_eq!(sent_over(&place, nights), (5000, 0), "{nights:?}");
    }
}

#[test]
fn two_charges_that_a_report_names_by_one_invoice_are_never_sent_twice_or_lost() {
    let orders: [&[&[&str]]; 6] = [
        &[&["payout.csv"]],
        &[&["first.csv"], &["second.csv"]],
        &[&["payments.csv", "payout.csv"]],
        &[&["payments.csv"], &["payout.csv"]],
        &[&["payout.csv"], &["payments.csv"]],
        &[&["first.csv"], &["payments.csv"], &["payout.csv"]],
    ];
    for second in ["50.00", "30.00"] {
        for nights in orders {
            let place = Place::new();
            let payments = charge("ch_1", 2, "50.00", "0.00", "in_1")
                + &charge("ch_2", 9, second, "0.00", "in_1");
            let rows = [
                paid_out(1, 2, "50.00", "in_1"),
                paid_out(2, 9, second, "in_1"),
            ];
            place
                .write("payments.csv", &format!("{STRIPE}{payments}"))
                .write("payout.csv", &format!("{PAYOUT}{}{}", rows[0], rows[1]))
                .write("first.csv", &format!("{PAYOUT}{}", rows[0]))
                .write("second.csv", &format!("{PAYOUT}{}", rows[1]));
            let (cents, code) = sent_over(&place, nights);
            let whole = 5000 + second.replace('.', "").parse::<i64>().unwrap();
            assert!(cents <= whole, "{nights:?} {second}: {cents}");
            assert!(cents == whole || code == 1, "{nights:?} {second}: {cents}");
            // The hint: a report that names the charges.
            let named = payments
                .lines()
                .zip(&rows)
                .map(|(payment, row)| {
                    let (charge, _) = payment.split_once(',').unwrap();
                    format!("{},{charge}\n", row.trim_end())
                })
                .collect::<String>();
            place.write(
                "named.csv",
                &format!("{},charge_id\n{named}", PAYOUT.trim_end()),
            );
            let (more, code) = sent_over(&place, &[&["named.csv"]]);
            assert_eq!((cents + more, code), (whole, 0), "{nights:?} {second}");
        }
    }
}

#[test]
fn a_charge_with_neither_invoice_nor_charge_in_its_report_is_rejected() {
    let place = Place::new();
    let row = paid_out(1, 2, "50.00", "");
    place.write("payout.csv", &format!("{PAYOUT}{row}"));
    let ran = place.run(&["plan", "payout.csv"]).expect(1);
    assert!(
        ran.stderr()
            .contains("names neither an invoice nor a charge"),
        "{}",
        ran.stderr()
    );
}
