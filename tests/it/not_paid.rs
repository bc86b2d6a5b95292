//! Sales that were sent, and whose rows say in a later export that they were not paid.

use crate::support::{Payment, Place, stripe_export};
use serde_json::Value;

const CONFIG: &str = "[exports.gocardless-payments.money.format]\nunit = \"major\"\n\
    [exports.woocommerce-orders]\ndates = { zone = \"UTC\" }\n";

fn place(files: &[(&str, String)]) -> Place {
    let place = Place::new();
    place.write("fprecon.toml", CONFIG);
    for (name, text) in files {
        place.write(name, text);
    }
    place
}

fn run(place: &Place, files: &[&str], code: i32) -> Value {
    let all = [&["run", "--sandbox", "--yes", "--json"], files].concat();
    place.run(&all).expect(code).json()
}

fn sent(report: &Value) -> u64 {
    let outcomes = report["outcomes"].as_object().unwrap();
    outcomes
        .values()
        .map(|of| of["count"].as_u64().unwrap())
        .sum()
}

fn attention(report: &Value) -> Vec<&str> {
    let items = report["attention"].as_array().unwrap().iter();
    items.map(|item| item["code"].as_str().unwrap()).collect()
}

fn gocardless(status: &str, refunded: &str) -> String {
    format!(
        "id,created_at,charge_date,amount,currency,status,amount_refunded,links.subscription,customers.id,customers.email\n\
         PM1,2026-03-01T10:00:00Z,2026-03-04,8.00,GBP,{status},{refunded},,CU1,ana@example.com\n"
    )
}

fn braintree(status: &str) -> String {
    format!(
        "Transaction ID,Transaction Type,Transaction Status,Amount Submitted For Settlement,Tax Amount,Currency ISO Code,Created Datetime,Created Timezone,Customer ID,Customer Email,Refunded Transaction ID\n\
         t1,sale,{status},10.00,2.00,USD,03/01/2026 10:00:00,UTC,c1,ana@example.com,\n"
    )
}

fn woocommerce(status: &str) -> String {
    format!(
        "Order Number,Order Status,Order Date,Paid Date,Email (Billing),Currency,Order Subtotal Amount,Cart Discount Amount,Order Shipping Amount,Order Total Tax Amount,Order Total Amount,Order Refund Amount\n\
         4,{status},2026-03-01 10:00,2026-03-01 10:01,dan@example.com,USD,100.00,0,5.00,20.00,125.00,0\n"
    )
}

fn stripe(status: &str, invoice: &str) -> String {
    let payment = Payment {
        status: status.to_owned(),
        invoice: invoice.to_owned(),
        ..Payment::paid(1, 1)
    };
    stripe_export(&[payment])
}

fn shopify(status: &str, subtotal: &str, refunded: &str) -> String {
    format!(
        "Id,Name,Email,Financial Status,Paid at,Created at,Currency,Subtotal,Shipping,Taxes,Total,Refunded Amount\n\
         81,#1,dan@example.com,{status},2026-03-01 10:00:00 +0000,2026-03-01 10:00:00 +0000,USD,{subtotal},0.00,0.00,100.00,{refunded}\n"
    )
}

/// The two lines that the hint of `sale-not-paid` names.
fn lines_of_hint(place: &Place, file: &str) -> String {
    let said = place.run(&["plan", file, "--sandbox"]).expect(1).stderr();
    let hint = said.split("has these two lines: ").nth(1).unwrap();
    let lines: Vec<&str> = hint.split('`').skip(1).step_by(2).take(2).collect();
    format!("{}\n{}\n", lines[0], lines[1])
}

/// Runs `after.csv` before anybody has sent its sale, then `before.csv`, then `after.csv` again: the row is ignored
/// each time, and the refund is held once there is something to take back.
fn check_refund_is_held(place: &Place, sale: &str) {
    let check_ignored = |report: &Value| {
        let is = (sent(report), &report["rows"]["ignored"]);
        assert_eq!(is, (0, &1.into()), "{sale}");
    };
    check_ignored(&run(place, &["after.csv"], 0));
    assert_eq!(sent(&run(place, &["before.csv"], 0)), 1, "{sale}");
    let report = run(place, &["after.csv"], 1);
    check_ignored(&report);
    let held = format!("{}/held.csv", report["report_dir"].as_str().unwrap());
    let rows = place.csv(&held);
    let is = [0, 1, 2].map(|column| rows[1][column].as_str());
    assert_eq!(is, ["refund", &format!("{sale}_not_paid"), sale]);
}

#[test]
fn a_sale_that_was_sent_and_was_not_paid_has_its_refund_held() {
    let sent_and_not_paid = [
        (
            "PM1",
            800,
            gocardless("confirmed", "0.00"),
            gocardless("failed", "0.00"),
        ),
        ("t1", 1000, braintree("settled"), braintree("voided")),
        (
            "4",
            12500,
            woocommerce("Completed"),
            woocommerce("Cancelled"),
        ),
        (
            "in_7",
            2000,
            stripe("Paid", "in_7"),
            stripe("Failed", "in_7"),
        ),
        ("ch_0001", 2000, stripe("Paid", ""), stripe("canceled", "")),
    ];
    for (sale, cents, before, after) in sent_and_not_paid {
        let place = place(&[("before.csv", before), ("after.csv", after)]);
        check_refund_is_held(&place, sale);

        // The hint, followed: all that was paid is refunded, and nothing is held any more.
        place.write("own.csv", &lines_of_hint(&place, "after.csv"));
        let report = run(&place, &["own.csv"], 0);
        assert_eq!(sent(&report), 1, "{sale}");
        let planned = ["plan", "own.csv", "--sandbox", "--events", "events.csv"];
        place.run(&planned).expect(0);
        let paid = place.read("own.csv");
        let amount = format!(",{}.{:02},", cents / 100, cents % 100);
        assert!(paid.contains(&amount), "{sale}: {paid}");
        assert_eq!(sent(&run(&place, &["after.csv"], 0)), 0, "{sale}");
    }
}

#[test]
fn an_ignored_row_with_a_refund_takes_back_the_sale_that_was_sent() {
    let edited = [
        (
            "81",
            shopify("paid", "100.00", "0.00"),
            shopify("refunded", "0.00", "100.00"),
        ),
        (
            "81",
            shopify("paid", "100.00", "0.00"),
            shopify("pending", "100.00", "40.00"),
        ),
        (
            "PM1",
            gocardless("confirmed", "0.00"),
            gocardless("pending", "3.00"),
        ),
    ];
    for (sale, before, after) in edited {
        let files = [("before.csv", before), ("after.csv", after)];
        check_refund_is_held(&place(&files), sale);

        // In one call, the sale goes out and its refund is held, whatever the order.
        for exports in [["before.csv", "after.csv"], ["after.csv", "before.csv"]] {
            let place = place(&files);
            let report = run(&place, &exports, 1);
            assert_eq!(sent(&report), 1, "{sale}");
            let held = format!("{}/held.csv", report["report_dir"].as_str().unwrap());
            let row = &place.csv(&held)[1];
            assert_eq!(row[1], format!("{sale}_not_paid"));
            assert_eq!(attention(&run(&place, &exports, 1)), ["held"]);
            let own = lines_of_hint(&place, "after.csv");
            place.write("own.csv", &own);
            assert_eq!(sent(&run(&place, &["own.csv"], 0)), 1, "{sale}");
            assert_eq!(sent(&run(&place, &exports, 0)), 0, "{sale}");
        }
    }
}

#[test]
fn a_dispute_that_was_lost_in_part_has_its_refund_held() {
    let export = |amount: &str| {
        format!(
            "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Dispute Status{}\n\
             ch_1,2026-03-01 10:00:00,20.00,0.00,usd,true,Paid,cus_1,ana@example.com,lost{}\n",
            if amount.is_empty() {
                ""
            } else {
                ",Disputed Amount"
            },
            if amount.is_empty() {
                String::new()
            } else {
                format!(",{amount}")
            },
        )
    };
    // Of a part, in another currency, and where the export does not say how much.
    for (disputed, cents) in [("18.10", 1810), ("25.00", 2500), ("", 2000), ("0.00", 2000)] {
        let place = place(&[("lost.csv", export(disputed))]);
        let report = run(&place, &["lost.csv"], 1);
        assert_eq!(
            (sent(&report), attention(&report)),
            (1, vec!["held"]),
            "{disputed}"
        );
        let held = format!("{}/held.csv", report["report_dir"].as_str().unwrap());
        let rows = place.csv(&held);
        let at = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
        assert_eq!(rows[1][at("event_id")], "ch_1_dispute_lost");
        assert_eq!(rows[1][at("amount_cents")], cents.to_string());
        if cents > 2000 {
            continue;
        }
        place.write("own.csv", &lines_of_hint(&place, "lost.csv"));
        assert_eq!(sent(&run(&place, &["own.csv"], 0)), 1, "{disputed}");
        assert_eq!(sent(&run(&place, &["lost.csv"], 0)), 0, "{disputed}");
    }
}

#[test]
fn a_payment_that_failed_and_was_paid_after_all_needs_attention() {
    for (sale, [before, failed, after]) in [
        (
            "PM1",
            ["confirmed", "failed", "paid_out"].map(|status| gocardless(status, "0.00")),
        ),
        (
            "t1",
            ["submitted_for_settlement", "voided", "settled"].map(braintree),
        ),
    ] {
        let place = place(&[
            ("before.csv", before),
            ("failed.csv", failed),
            ("after.csv", after),
        ]);
        run(&place, &["before.csv"], 0);
        run(&place, &["failed.csv"], 1);
        place.write("refund.csv", &lines_of_hint(&place, "failed.csv"));
        run(&place, &["refund.csv"], 0);
        run(&place, &["failed.csv"], 0);
        // The export from before the failure says nothing new.
        run(&place, &["before.csv"], 0);
        let all = ["before.csv", "failed.csv", "after.csv"];
        for files in [&["after.csv"][..], &all] {
            assert_eq!(attention(&run(&place, files, 1)), ["held"], "{sale}");
        }
        place.write("again.csv", &lines_of_hint(&place, "after.csv"));
        assert_eq!(sent(&run(&place, &["again.csv"], 0)), 1);
        run(&place, &["after.csv"], 0);
        run(&place, &all, 0);
    }
}

/// It fails, is paid after all, fails again, and is paid once more: each time what is sent stands for one payment or none.
#[test]
fn a_payment_that_fails_once_more_after_it_was_paid_after_all_needs_attention() {
    let export = |status: &str, night: u32| {
        let other = format!(
            "PM9{night},2026-03-01T10:00:00Z,2026-03-04,9.00,GBP,paid_out,0.00,,CU9,ben@example.com\n"
        );
        gocardless(status, "0.00") + &other
    };
    let states = ["confirmed", "failed", "paid_out", "failed", "paid_out"];
    let place = place(&[]);
    for (night, status) in (0..).zip(states) {
        let name = format!("{night}.csv");
        place.write(&name, &export(status, night));
        if night == 0 {
            run(&place, &[&name], 0);
            continue;
        }
        let held = run(&place, &[&name], 1);
        assert!(attention(&held).contains(&"held"), "{night}");
        place.write("own.csv", &lines_of_hint(&place, &name));
        assert_eq!(sent(&run(&place, &["own.csv"], 0)), 1, "{night}");
        // What is older says nothing new.
        for older in 0..=night {
            let report = run(&place, &[&format!("{older}.csv")], 0);
            assert_eq!(sent(&report), 0, "{older} after {night}");
        }
    }
    let all = ["journal", "export", "--output", "events.csv", "--sandbox"];
    place.run(&all).expect(0);
    let rows = place.csv("events.csv");
    let column = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
    let (kind, id) = (column("kind"), column("event_id"));
    let events = rows[1..].iter().filter(|row| row[id].starts_with("PM1"));
    let events: Vec<String> = events
        .map(|row| format!("{} {}", row[kind], row[id]))
        .collect();
    assert_eq!(
        events,
        [
            "sale PM1",
            "refund PM1_not_paid",
            "sale PM1_paid_after_all",
            "refund PM1_paid_after_all_not_paid",
            "sale PM1_paid_after_all_paid_after_all",
        ]
    );
}

#[test]
fn what_was_lost_by_a_dispute_is_beside_what_was_refunded() {
    let export = |refunded: &str, dispute: &str| {
        format!(
            "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Dispute Status,Disputed Amount\n\
             ch_1,2026-03-01 10:00:00,60.00,{refunded},usd,true,Paid,cus_1,ana@example.com,{dispute}\n"
        )
    };
    let refunded = |place: &Place| {
        let all = ["journal", "export", "--output", "events.csv", "--sandbox"];
        place.run(&all).expect(0);
        let rows = place.csv("events.csv");
        let column = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
        let (kind, cents) = (column("kind"), column("amount_cents"));
        let refunds = rows[1..].iter().filter(|row| row[kind] == "refund");
        let cents = refunds.map(|row| row[cents].parse::<i64>().unwrap());
        cents.sum::<i64>()
    };
    // In one export, and with either of the two first.
    for nights in [
        vec![export("20.00", "lost,40.00")],
        vec![export("20.00", ","), export("20.00", "lost,40.00")],
        vec![export("0.00", "lost,40.00"), export("20.00", "lost,40.00")],
    ] {
        let place = Place::new();
        for (night, text) in nights.iter().enumerate() {
            let name = format!("{night}.csv");
            place.write(&name, text);
            let report = place.run(&["run", &name, "--sandbox", "--yes", "--json"]);
            let report = report.expect_one_of(&[0, 1]);
            if attention(&report) == ["held"] {
                place.write("own.csv", &lines_of_hint(&place, &name));
                run(&place, &["own.csv"], 0);
            }
        }
        assert_eq!(refunded(&place), 6_000, "{nights:?}");
        let last = format!("{}.csv", nights.len() - 1);
        run(&place, &[&last], 0);
    }
}

#[test]
fn what_an_export_leaves_open_of_a_payment_is_rejected() {
    let captured = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n\
                    ch_1,2026-03-01 10:00:00,100.00,30.00,usd,,Paid,cus_1,ana@example.com,in_1\n";
    let taxed = "Id,Name,Email,Financial Status,Paid at,Created at,Currency,Subtotal,Shipping,Taxes,Total,Refunded Amount,Tax 1 Name,Tax 1 Value\n\
                 81,#1,dan@example.com,paid,2026-03-01 10:00:00 +0000,2026-03-01 10:00:00 +0000,USD,100.00,0.00,0.00,110.00,0.00,VAT 10%,10.00\n";
    let place = place(&[
        ("captured.csv", captured.to_owned()),
        ("taxed.csv", taxed.to_owned()),
    ]);
    for file in ["captured.csv", "taxed.csv"] {
        let report = run(&place, &[file], 1);
        assert_eq!(report["rows"]["rejected"], 1, "{file}");
    }
}

#[test]
fn what_was_refunded_before_is_not_held_again() {
    let place = place(&[
        ("before.csv", gocardless("paid_out", "0.00")),
        ("part.csv", gocardless("paid_out", "3.00")),
        ("after.csv", gocardless("failed", "3.00")),
    ]);
    run(&place, &["before.csv"], 0);
    run(&place, &["part.csv"], 0);
    run(&place, &["after.csv"], 1);
    let said = place
        .run(&["plan", "after.csv", "--sandbox"])
        .expect(1)
        .stderr();
    assert!(
        said.contains("`fprecon accept --event PM1_not_paid --reason TEXT --sandbox`"),
        "{said}"
    );
    let accept = [
        "accept",
        "--event",
        "PM1_not_paid",
        "--reason",
        "TEXT",
        "--sandbox",
    ];
    place.run(&accept).expect(0);
    run(&place, &["after.csv"], 0);
}

#[test]
fn a_refund_in_the_same_call_is_what_takes_the_sale_back() {
    let place = place(&[
        ("before.csv", gocardless("paid_out", "0.00")),
        ("after.csv", gocardless("failed", "0.00")),
    ]);
    run(&place, &["before.csv"], 0);
    place.write("own.csv", &lines_of_hint(&place, "after.csv"));
    assert_eq!(sent(&run(&place, &["after.csv", "own.csv"], 0)), 1);
    assert_eq!(sent(&run(&place, &["after.csv"], 0)), 0);
}

#[test]
fn an_attempt_without_an_id_of_its_own_or_beside_an_invoice_says_nothing_of_the_sale() {
    let payment = |number: u32, status: &str| Payment {
        status: status.to_owned(),
        invoice: "in_1".to_owned(),
        ..Payment::paid(number, 1)
    };
    let nameless = Payment {
        id: String::new(),
        ..payment(3, "Failed")
    };
    let of_payments = place(&[
        ("paid.csv", stripe_export(&[payment(2, "Paid")])),
        ("nameless.csv", stripe_export(&[nameless])),
    ]);
    assert_eq!(sent(&run(&of_payments, &["paid.csv"], 0)), 1);
    assert_eq!(sent(&run(&of_payments, &["nameless.csv"], 0)), 0);

    // Recorded from its invoice, the sale does not say which attempt it was.
    let of_invoices = place(&[
        ("failed.csv", stripe_export(&[payment(1, "Failed")])),
        (
            "invoices.csv",
            "id,Number,Customer,Date (UTC),Currency,Subtotal,Total Discount Amount,Total,Amount Paid,Status\n\
             in_1,N1,cus_0001,2026-03-01 10:00,usd,20.00,0.00,20.00,20.00,paid\n"
                .to_owned(),
        ),
    ]);
    assert_eq!(sent(&run(&of_invoices, &["invoices.csv"], 0)), 1);
    assert_eq!(sent(&run(&of_invoices, &["failed.csv"], 0)), 0);
}

#[test]
fn a_sale_that_was_sent_and_is_zero_now_has_its_refund_held() {
    let zero = |text: String| text.replace(",10.00,", ",0.00,");
    for (sale, before, after) in [
        (
            "81",
            shopify("paid", "50.00", "0.00"),
            shopify("paid", "0.00", "0.00"),
        ),
        ("t1", braintree("settled"), zero(braintree("settled"))),
        (
            "PM1",
            gocardless("confirmed", "0.00"),
            gocardless("confirmed", "0.00").replace(",8.00,", ",0.00,"),
        ),
    ] {
        let place = || place(&[("before.csv", before.clone()), ("after.csv", after.clone())]);
        check_refund_is_held(&place(), sale);
        let place = place();
        run(&place, &["before.csv"], 0);
        run(&place, &["before.csv", "after.csv"], 1);
    }
}

/// A payment at Braintree, and the credit of it.
fn braintree_credit(status: &str) -> String {
    let sale = braintree("settled");
    format!(
        "{sale}t2,credit,{status},10.00,2.00,USD,03/05/2026 10:00:00,UTC,c1,ana@example.com,t1\n"
    )
}

fn razorpay(status: &str) -> String {
    format!(
        "id,amount,currency,payment_id,receipt,arn,created_at,status,email\n\
         rfnd_1,10.00,USD,t1,,,10/03/2026 10:00:00,{status},ana@example.com\n"
    )
}

#[test]
fn a_refund_that_was_sent_and_failed_needs_attention() {
    let braintree_sale = || braintree("settled");
    for (refund, sale, before, after) in [
        (
            "t2",
            braintree_sale(),
            braintree_credit("submitted_for_settlement"),
            braintree_credit("settlement_declined"),
        ),
        (
            "rfnd_1",
            braintree_sale(),
            razorpay("processed"),
            razorpay("failed"),
        ),
    ] {
        let place = place(&[
            ("sale.csv", sale),
            ("before.csv", before),
            ("after.csv", after),
        ]);
        run(&place, &["sale.csv", "before.csv"], 0);
        for calls in [&["after.csv"][..], &["before.csv", "after.csv"]] {
            let report = run(&place, calls, 1);
            assert_eq!(
                (sent(&report), attention(&report)),
                (0, vec!["held"]),
                "{refund}"
            );
            let held = format!("{}/held.csv", report["report_dir"].as_str().unwrap());
            let rows = place.csv(&held);
            let is = [0, 1, 2].map(|column| rows[1][column].as_str());
            assert_eq!(is, ["refund", &format!("{refund}_failed"), "t1"]);
        }
        let said = place
            .run(&["plan", "after.csv", "--sandbox"])
            .expect(1)
            .stderr();
        assert!(
            said.contains("and the row says now: ") && !said.contains("above the sale"),
            "{said}"
        );
        let id = format!("{refund}_failed");
        place
            .run(&[
                "accept",
                "--event",
                &id,
                "--reason",
                "given back",
                "--sandbox",
            ])
            .expect(0);
        run(&place, &["before.csv", "after.csv"], 0);
        // Nobody has sent it before it failed: nothing has to be taken back.
        let other = self::place(&[("after.csv", razorpay("failed"))]);
        run(&other, &["after.csv"], 0);
    }
}

#[test]
fn an_older_export_beside_a_newer_one_hides_nothing() {
    let before = braintree("submitted_for_settlement");
    let place = place(&[
        ("mon.csv", before),
        ("tue.csv", braintree("settlement_declined")),
    ]);
    assert_eq!(sent(&run(&place, &["mon.csv"], 0)), 1);
    for calls in [["mon.csv", "tue.csv"], ["tue.csv", "mon.csv"]] {
        assert_eq!(attention(&run(&place, &calls, 1)), ["held"]);
    }
    let totals = self::place(&[
        ("1.csv", stripe_refunded("5.00", 1)),
        ("2.csv", stripe_refunded("15.00", 1)),
        ("3.csv", stripe_refunded("5.00", 2)),
        ("4.csv", stripe_refunded("0.00", 1)),
    ]);
    for (calls, code) in [
        (&["1.csv"][..], 0),
        (&["1.csv", "2.csv"], 0),
        // The refund of 10.00 failed, and what stands was recorded before.
        (&["1.csv", "2.csv", "3.csv"], 1),
        (&["3.csv"], 1),
        (&["1.csv", "2.csv", "3.csv", "4.csv"], 1),
        (&["1.csv", "2.csv"], 0),
    ] {
        run(&totals, calls, code);
    }
    // A file that is written anew each night may come to have bytes that it had before.
    let rewritten = Place::new();
    for (refunded, code) in [("5.00", 0), ("15.00", 0), ("5.00", 1), ("5.00", 1)] {
        rewritten.write("export.csv", &stripe_refunded(refunded, 1));
        run(&rewritten, &["export.csv"], code);
    }
}

/// So many payments of 20.00, the first with a total of what was refunded.
fn stripe_refunded(refunded: &str, payments: u32) -> String {
    let mut all: Vec<Payment> = (1..=payments).map(|n| Payment::paid(n, n)).collect();
    all[0].refunded = refunded.to_owned();
    stripe_export(&all)
}

#[test]
fn of_two_new_exports_nothing_says_which_is_later() {
    let place = place(&[
        ("one.csv", braintree("settled")),
        ("other.csv", braintree("voided")),
    ]);
    let report = run(&place, &["one.csv", "other.csv"], 1);
    assert_eq!((sent(&report), attention(&report)), (0, vec!["held"]));
    let said = place.run(&["plan", "one.csv", "other.csv", "--sandbox"]);
    let said = said.expect(1).stderr();
    assert!(
        said.contains("remove the other row from its export and run both again"),
        "{said}"
    );
    // It was paid.
    let header = braintree("voided").lines().next().unwrap().to_owned();
    place.write("other.csv", &format!("{header}\n"));
    assert_eq!(sent(&run(&place, &["one.csv", "other.csv"], 0)), 1);
}

#[test]
fn an_export_that_was_read_before_is_older_than_a_new_one() {
    // A payment that failed, was tried again, and is paid.
    let place = place(&[
        ("march.csv", gocardless("failed", "0.00")),
        ("april.csv", gocardless("confirmed", "0.00")),
    ]);
    run(&place, &["march.csv"], 0);
    assert_eq!(sent(&run(&place, &["march.csv", "april.csv"], 0)), 1);
    assert_eq!(sent(&run(&place, &["april.csv", "march.csv"], 0)), 0);
    assert_eq!(sent(&run(&place, &["march.csv"], 1)), 0);
}

#[test]
fn somebody_may_accept_that_it_stays() {
    let place = place(&[
        ("before.csv", braintree("settled")),
        (
            "after.csv",
            braintree("settlement_declined".replace('_', " ").as_str()),
        ),
    ]);
    run(&place, &["before.csv"], 0);
    let report = run(&place, &["after.csv"], 1);
    let held = format!("{}/held.csv", report["report_dir"].as_str().unwrap());
    let accept = ["accept", &held, "--reason", "paid by transfer", "--sandbox"];
    place.run(&accept).expect(0);
    run(&place, &["after.csv"], 0);
}

#[test]
fn an_attempt_that_failed_beside_the_payment_of_its_invoice_is_nothing() {
    let payment = |number: u32, status: &str| Payment {
        status: status.to_owned(),
        invoice: "in_1".to_owned(),
        ..Payment::paid(number, 1)
    };
    let both = stripe_export(&[payment(1, "Failed"), payment(2, "Paid")]);
    let place = place(&[
        ("both.csv", both),
        ("failed.csv", stripe_export(&[payment(1, "Failed")])),
    ]);
    assert_eq!(sent(&run(&place, &["both.csv"], 0)), 1);
    assert_eq!(sent(&run(&place, &["both.csv"], 0)), 0);
    assert_eq!(sent(&run(&place, &["failed.csv"], 0)), 0);
}
