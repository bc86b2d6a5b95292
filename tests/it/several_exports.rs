//! Several exports in one call are one job: one says more of the events of another.

use crate::support::{Payment, Place, SandboxProcess, stripe_export};
use insta::assert_snapshot;

const INVOICES: &str = "id,Amount Due,Currency,Customer,Date (UTC),Number,Paid,Subscription,Subtotal,Total Discount Amount,Tax,Total,Amount Paid,Status\n";

/// An invoice with 19 % tax that is not inside of the price.
fn invoice(n: u32, subtotal: &str, discount: &str, total: &str) -> String {
    format!(
        "in_{n},{total},usd,cus_{n},2026-03-0{n} 09:00,N-{n},true,sub_{n},{subtotal},{discount},,{total},{total},paid\n"
    )
}

fn payment(n: u32, amount: &str) -> Payment {
    Payment {
        invoice: format!("in_{n}"),
        customer: format!("cus_{n}"),
        amount: amount.into(),
        ..Payment::paid(n, n)
    }
}

fn without_invoice() -> Payment {
    Payment {
        invoice: String::new(),
        ..payment(3, "20.00")
    }
}

const SUBSCRIPTIONS: &str = "\
id,Customer ID,Customer Email,Plan,Interval,Status,Canceled At (UTC)
sub_1,cus_1,user1@example.com,pro,month,active,
sub_2,cus_2,user2@example.com,basic,month,canceled,2026-04-01 10:00
sub_9,cus_9,user9@example.com,basic,month,active,
";

/// `kind id cents currency plan state`, an event each, and what was said on the way.
fn planned(place: &Place, exports: &[&str]) -> String {
    let arguments = [&["plan", "--events", "events.csv"], exports].concat();
    let ran = place.run(&arguments);
    let mut lines: Vec<String> = place
        .csv("events.csv")
        .iter()
        .skip(1)
        .map(|row| {
            let cells = [
                &row[0], &row[1], &row[5], &row[6], &row[7], &row[13], &row[14],
            ];
            cells.map(String::as_str).join(" ")
        })
        .collect();
    lines.sort();
    let said: Vec<_> = ran.stderr().lines().map(str::to_owned).collect();
    format!(
        "exit {}\n{}\n{}",
        ran.code(),
        lines.join("\n"),
        said[1..].join("\n")
    )
}

fn place() -> Place {
    let place = Place::new();
    let payments = [payment(1, "119.00"), payment(2, "47.60"), without_invoice()];
    let invoices = [
        INVOICES,
        &invoice(1, "100.00", "0.00", "119.00"),
        &invoice(2, "50.00", "10.00", "47.60"),
        &invoice(4, "80.00", "0.00", "95.20"),
    ];
    place
        .write("payments.csv", &stripe_export(&payments))
        .write("invoices.csv", &invoices.concat())
        .write("subscriptions.csv", SUBSCRIPTIONS);
    place
}

#[test]
fn invoices_say_what_of_a_payment_counts_and_subscriptions_say_the_plan() {
    let place = place();
    let exports = ["payments.csv", "invoices.csv", "subscriptions.csv"];
    let all = planned(&place, &exports);
    assert_snapshot!(all, @"
    exit 0
    cancellation sub_2_cancelled   basic to_send 
    sale ch_0003 2000 USD  to_send 
    sale in_1 10000 USD pro to_send 119.00 USD was paid, 100.00 USD of it counts: invoices.csv:2
    sale in_2 4000 USD basic to_send 47.60 USD was paid, 40.00 USD of it counts: invoices.csv:3
    invoices.csv: warning: paid invoices without a payment in these exports, for which no sale was created: 1 (80.00 USD)
      hint: export payments and invoices for the same dates; invoices that were paid elsewhere can be run by themselves, and a payment without a customer counts as none
    ");

    let turned = planned(&place, &[exports[2], exports[1], exports[0]]);
    assert_eq!(turned, all);
}

#[test]
fn invoices_alone_are_sales() {
    let place = place();
    assert_snapshot!(planned(&place, &["invoices.csv"]), @"
    exit 0
    sale in_1 10000 USD  to_send 
    sale in_2 4000 USD  to_send 
    sale in_4 8000 USD  to_send
    ");
}

#[test]
fn rows_of_invoices_beside_payments_are_accounted_for() {
    let place = place();
    let ran = place.run(&["plan", "payments.csv", "invoices.csv", "--json"]);
    let json = ran.expect(0).json();
    assert_snapshot!(json["ignored"], @r#"[{"reason":"its payment is in none of these exports","rows":1},{"reason":"merged into its payment","rows":2}]"#);
    assert_snapshot!(json["rows"], @r#"{"ignored":3,"read":6,"rejected":0,"with_events":3}"#);
    let paths: Vec<_> = json["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|i| &i["path"])
        .collect();
    assert_eq!(paths, ["payments.csv", "invoices.csv"]);
}

#[test]
fn an_invoice_that_contradicts_its_payment_is_a_conflict() {
    let place = Place::new();
    let invoices = [
        INVOICES,
        &invoice(1, "200.00", "0.00", "200.00"),
        &invoice(2, "40.00", "0.00", "47.60").replace("usd", "eur"),
        &invoice(3, "10.00", "0.00", "11.90").replace("cus_3", "cus_8"),
    ];
    let payments = [
        payment(1, "119.00"),
        payment(2, "47.60"),
        payment(3, "11.90"),
    ];
    place
        .write("payments.csv", &stripe_export(&payments))
        .write("invoices.csv", &invoices.concat());
    assert_snapshot!(planned(&place, &["invoices.csv", "payments.csv"]), @"
    exit 1
    sale in_1 11900 USD  unlinked its invoice says that 200.00 USD was paid (invoices.csv:2), but its payments add up to 119.00 USD
    sale in_2 4000 EUR  conflict the same id as payments.csv:3 with another currency: 40.00 EUR of 47.60 EUR paid here, 47.60 USD there
    sale in_2 4760 USD  conflict the same id as invoices.csv:3 with another currency: 47.60 USD here, 40.00 EUR of 47.60 EUR paid there
    sale in_3 1000 USD  conflict the same id as payments.csv:4 with another customer: `cus_8` here, `cus_3` there
    sale in_3 1190 USD  conflict the same id as invoices.csv:4 with another customer: `cus_3` here, `cus_8` there
    payments.csv:2: error: sale `in_1`: its invoice says that 200.00 USD was paid (invoices.csv:2), but its payments add up to 119.00 USD
      hint: add the export of invoices that has it, and the exports with all its payments, to the call; the payment is not sent
    payments.csv:3: error: sale `in_2`: the same id as invoices.csv:3 with another currency: 47.60 USD here, 40.00 EUR of 47.60 EUR paid there
      hint: find out which one is right and remove the others from the exports; none of them is sent
    payments.csv:4: error: sale `in_3`: the same id as invoices.csv:4 with another customer: `cus_3` here, `cus_8` there
      hint: find out which one is right and remove the others from the exports; none of them is sent
    invoices.csv:3: error: sale `in_2`: the same id as payments.csv:3 with another currency: 40.00 EUR of 47.60 EUR paid here, 47.60 USD there
      hint: find out which one is right and remove the others from the exports; none of them is sent
    invoices.csv:4: error: sale `in_3`: the same id as payments.csv:4 with another customer: `cus_8` here, `cus_3` there
      hint: find out which one is right and remove the others from the exports; none of them is sent
    ");
}

#[test]
fn a_later_call_without_the_invoices_finds_the_sales_settled_and_refunds_before_tax() {
    let place = place();
    let run = ["run", "--sandbox", "--yes", "--json", "payments.csv"];
    let first = place.run(&[&run[..], &["invoices.csv"]].concat());
    assert_eq!(first.expect(0).json()["events"]["by_plan"]["to_send"], 3);

    let mut refunded = payment(2, "47.60");
    refunded.refunded = "23.80".into();
    refunded.refunded_at = "2026-04-09 08:00:00".into();
    let payments = [payment(1, "119.00"), refunded, without_invoice()];
    place.write("payments.csv", &stripe_export(&payments));
    let later = place.run(&run).expect(0).json();
    let planned = &later["events"]["by_plan"];
    assert_eq!(
        (&planned["settled"], &planned["to_send"]),
        (&3.into(), &1.into())
    );
    assert_eq!(
        later["events"]["by_kind"]["refund"]["amount_cents"]["USD"],
        2000
    );
}

#[test]
fn a_payment_whose_invoice_nobody_knows_is_held_where_invoices_are_used() {
    let place = place();
    let late = [payment(5, "119.00"), payment(1, "119.00")];
    place.write("late.csv", &stripe_export(&late));
    // In a job that never saw invoices, payments count as they are.
    assert!(planned(&place, &["late.csv"]).contains("sale in_5 11900 USD  to_send"));

    // Beside invoices, or after a run with them, not.
    let beside = planned(&place, &["late.csv", "invoices.csv"]);
    assert!(beside.contains("sale in_5 11900 USD  unlinked"), "{beside}");
    assert!(
        beside.contains("its invoice `in_5` is neither in these exports"),
        "{beside}"
    );
    let run = ["run", "--sandbox", "--yes", "--json"];
    place
        .run(&[&run[..], &["payments.csv", "invoices.csv"]].concat())
        .expect_code_one_of(&[0, 1]);
    let after = place
        .run(&[&run[..], &["late.csv"]].concat())
        .expect(1)
        .json();
    assert_eq!(after["events"]["by_plan"]["to_send"], 0);
    assert_eq!(after["events"]["by_plan"]["unlinked"], 1);

    // Its invoice, by itself in the next call, is a sale of its own; together they are one.
    place.write(
        "more.csv",
        &format!("{INVOICES}{}", invoice(5, "100.00", "0.00", "119.00")),
    );
    let both = place
        .run(&[&run[..], &["late.csv", "more.csv"]].concat())
        .expect(0)
        .json();
    assert_eq!(both["events"]["by_plan"]["to_send"], 1);
    assert_eq!(
        both["outcomes"]["tracked"]["by_kind"]["sale"]["amount_cents"]["USD"],
        10_000
    );
}

#[test]
fn what_a_call_learned_of_invoices_and_plans_counts_in_later_ones() {
    let place = Place::new();
    let invoices = [INVOICES, &invoice(1, "100.00", "0.00", "119.00")].concat();
    place
        .write("first.csv", &stripe_export(&[payment(9, "20.00")]))
        .write(
            "invoices.csv",
            &format!("{invoices}{}", invoice(9, "20.00", "0.00", "20.00")),
        )
        .write("subscriptions.csv", SUBSCRIPTIONS)
        .write("second.csv", &stripe_export(&[payment(1, "119.00")]));
    let run = ["run", "--sandbox", "--yes", "--json"];
    let exports = ["first.csv", "invoices.csv", "subscriptions.csv"];
    place.run(&[&run[..], &exports].concat()).expect(0);
    let plan = ["plan", "second.csv", "--sandbox", "--events", "events.csv"];
    place.run(&plan).expect(0);
    let row = &place.csv("events.csv")[1];
    assert_eq!(
        (row[1].as_str(), row[5].as_str(), row[7].as_str()),
        ("in_1", "10000", "pro")
    );
    assert!(
        row[14].contains("119.00 USD was paid, 100.00 USD of it counts"),
        "{row:?}"
    );

    // So do parts of an invoice that are paid in two calls.
    let part = |n: u32, amount: &str| {
        let mut part = payment(n, amount);
        part.invoice = "in_7".into();
        part.customer = "cus_7".into();
        part
    };
    let paid =
        "in_7,59.50,usd,cus_7,2026-03-07 09:00,N-7,true,sub_7,50.01,0.00,,59.50,59.50,paid\n";
    place
        .write("p1.csv", &stripe_export(&[part(21, "29.75")]))
        .write("p2.csv", &stripe_export(&[part(22, "29.75")]))
        .write(
            "both.csv",
            &stripe_export(&[part(21, "29.75"), part(22, "29.75")]),
        )
        .write("i7.csv", &format!("{INVOICES}{paid}"));
    let held = place
        .run(&[&run[..], &["p1.csv", "i7.csv"]].concat())
        .expect(1);
    assert!(
        held.stderr()
            .contains("59.50 USD was paid (i7.csv:2), but its payments add up to 29.75 USD")
    );
    let later = place
        .run(&[&run[..], &["both.csv"]].concat())
        .expect(0)
        .json();
    assert_eq!(
        later["outcomes"]["tracked"]["by_kind"]["sale"]["amount_cents"]["USD"],
        5001
    );
}

#[test]
fn a_payment_waits_for_its_invoice_although_no_invoice_is_paid() {
    let paid = invoice(1, "100.00", "0.00", "119.00");
    let not_paid = [
        ("open", paid.replace(",paid\n", ",open\n")),
        ("draft", paid.replace(",paid\n", ",draft\n")),
        ("rejected", paid.replace("100.00", "1OO.00")),
        ("none", String::new()),
    ];
    for (name, row) in not_paid {
        for nights in [
            &[&["payments.csv", "invoices.csv"][..]][..],
            &[&["invoices.csv"], &["payments.csv"]],
        ] {
            let place = Place::new();
            place
                .write("payments.csv", &stripe_export(&[payment(1, "119.00")]))
                .write("invoices.csv", &format!("{INVOICES}{row}"));
            let run = ["run", "--sandbox", "--yes", "--json"];
            let mut last = None;
            for night in nights {
                let ran = place.run(&[&run[..], night].concat());
                last = Some(ran.expect_code_one_of(&[0, 1]));
            }
            let last = last.unwrap().expect(1).json();
            let planned = &last["events"]["by_plan"];
            assert_eq!(planned["unlinked"], 1, "{name} {nights:?}");
            assert_eq!(planned["to_send"], 0, "{name} {nights:?}");
            // What the hint says: the invoice, once it is paid.
            place.write("paid.csv", &format!("{INVOICES}{paid}"));
            let right = place
                .run(&[&run[..], &["payments.csv", "paid.csv"]].concat())
                .expect_code_one_of(&[0, 1])
                .json();
            let tracked = &right["outcomes"]["tracked"]["by_kind"]["sale"];
            assert_eq!(tracked["amount_cents"]["USD"], 10_000, "{name} {nights:?}");
        }
    }
}

/// Payments and invoices of a shop, which have nothing to do with Stripe's.
const SHOP: &str = r#"
[exports.shop-payments]
title = "payments"
based_on = "an example"
[exports.shop-payments.columns]
id = "Payment"
invoice = "Invoice"
mail = "Mail"
paid = "Paid"
[exports.shop-payments.customer]
email = "mail"
[exports.shop-payments.dates]
missing = "today"
[[exports.shop-payments.event]]
kind = "sale"
event_id = ["{invoice}", "{id}"]
amount = "paid"

[exports.shop-invoices]
title = "invoices"
based_on = "an example"
completes = ["shop-payments"]
[exports.shop-invoices.columns]
number = "Number"
mail = "Mail"
net = "Net"
state = "State"
[exports.shop-invoices.customer]
email = "mail"
[exports.shop-invoices.dates]
missing = "today"
[[exports.shop-invoices.ignore]]
when = { state = "open" }
reason = "not paid"
[[exports.shop-invoices.event]]
kind = "sale"
event_id = ["{number}"]
amount = "net"
"#;

#[test]
fn payments_wait_for_the_invoices_of_their_own_kind_only() {
    let place = place();
    place
        .write("fprecon.toml", SHOP)
        .write(
            "shop.csv",
            "Payment,Invoice,Mail,Paid\np1,i1,ana@example.com,119.00\n",
        )
        .write(
            "open.csv",
            "Number,Mail,Net,State\ni1,ana@example.com,100.00,open\n",
        );
    let run = ["run", "--sandbox", "--yes", "--json"];
    place
        .run(&[&run[..], &["payments.csv", "invoices.csv"]].concat())
        .expect_code_one_of(&[0, 1]);
    // Stripe's invoices say nothing of the shop's payments.
    let shop = planned(&place, &["shop.csv", "--sandbox"]);
    assert!(shop.contains("sale i1 11900 USD  to_send"), "{shop}");

    place.run(&[&run[..], &["open.csv"]].concat()).expect(0);
    let shop = planned(&place, &["shop.csv", "--sandbox"]);
    assert!(shop.contains("sale i1 11900 USD  unlinked"), "{shop}");
}

const ITEMIZED: &str = "balance_transaction_id,created_utc,currency,gross,reporting_category,charge_id,invoice_id,customer_id\n";
const PAYOUT: &str = "automatic_payout_id,balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,description,customer_email,invoice_id\n";

#[test]
fn invoices_say_what_counts_of_the_charges_in_reports_of_the_balance() {
    let place = place();
    place
        .write(
            "itemized.csv",
            &format!("{ITEMIZED}txn_1,2026-03-01 10:00:00,usd,119.00,charge,ch_0001,in_1,cus_1\n"),
        )
        .write(
            "payout.csv",
            &format!("{PAYOUT}po_1,txn_1,2026-03-01 10:00:00,usd,119.00,1.00,118.00,charge,Update,user1@example.com,in_1\n"),
        );
    for report in ["itemized.csv", "payout.csv"] {
        for exports in [
            &[report, "invoices.csv"][..],
            &["invoices.csv", report],
            &[report, "payments.csv", "invoices.csv"],
        ] {
            let said = planned(&place, exports);
            assert!(
                said.contains("sale in_1 10000 USD  to_send"),
                "{exports:?}: {said}"
            );
            assert_eq!(
                said.matches("sale in_1 10000 USD").count(),
                exports.len().min(3) - 1,
                "{said}"
            );
        }
        // Its invoice is in none of the exports, and they use invoices.
        place.write(
            "others.csv",
            &format!("{INVOICES}{}", invoice(4, "80.00", "0.00", "95.20")),
        );
        let said = planned(&place, &[report, "others.csv"]);
        assert!(said.contains("sale in_1 11900 USD  unlinked"), "{said}");
    }
}

#[test]
fn a_payment_that_names_its_invoice_alone_is_settled_with_what_the_invoice_said() {
    let place = place();
    place.write(
        "payout.csv",
        &format!("{PAYOUT}po_1,txn_1,2026-03-01 10:00:00,usd,119.00,1.00,118.00,charge,Update,user1@example.com,in_1\n"),
    );
    let run = ["run", "--sandbox", "--yes", "--json"];
    let exports = ["payments.csv", "invoices.csv"];
    place.run(&[&run[..], &exports].concat()).expect(0);
    let later = place.run(&[&run[..], &["payout.csv"]].concat()).expect(0);
    assert_eq!(later.json()["events"]["by_plan"]["settled"], 1);
}

/// Runs `alone`, an invoice whose payment an earlier run holds, by itself and then with the payments.
fn run_without_and_with(place: &Place, alone: &str, payments: &str, others_cents: i64) {
    let run = ["run", "--sandbox", "--yes", "--json"];
    let by_itself = place.run(&[&run[..], &[alone]].concat()).expect(1);
    assert!(
        by_itself
            .stderr()
            .contains("an earlier run holds its payment"),
        "{}",
        by_itself.stderr()
    );
    let report = by_itself.json();
    let planned = &report["events"]["by_plan"];
    assert_eq!(
        (&planned["to_send"], &planned["unlinked"]),
        (&0.into(), &1.into())
    );
    // The report and `status` name both exports.
    let both = format!("fprecon run {alone} {payments} --sandbox");
    let status = ["status", "--sandbox", "--json"];
    let status = place.run(&status).expect(0).json();
    for json in [&report, &status] {
        let items = json["attention"].as_array().unwrap().iter();
        let mut held = items.filter(|item| item["code"] == "held");
        assert_eq!(held.next().unwrap()["command"], both, "{json:#}");
    }
    let both = place
        .run(&[&run[..], &[alone, payments]].concat())
        .expect(0)
        .json();
    let sales = &both["outcomes"]["tracked"]["by_kind"]["sale"]["amount_cents"]["USD"];
    assert_eq!(*sales, 10_000 + others_cents);
    let tracked = place.csv(&format!(
        "{}/tracked.csv",
        both["report_dir"].as_str().unwrap()
    ));
    let sale = tracked.iter().find(|row| row[5] == "10000").unwrap();
    assert_eq!(sale[3], "user1@example.com");
    let status = place
        .run(&["status", "--sandbox", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        status["attention"].as_array().map_or(0, Vec::len),
        0,
        "{status}"
    );
}

#[test]
fn an_invoice_that_was_corrected_is_not_sent_without_its_held_payment() {
    let place = place();
    let wrong = invoice(1, "1OO.00", "0.00", "119.00");
    let right = invoice(2, "50.00", "10.00", "47.60");
    place.write("invoices.csv", &format!("{INVOICES}{wrong}{right}"));
    let run = ["run", "--sandbox", "--yes", "--json"];
    let first = place
        .run(&[&run[..], &["payments.csv", "invoices.csv"]].concat())
        .expect(1)
        .json();
    let rejected = format!("{}/rejected.csv", first["report_dir"].as_str().unwrap());
    place.write(
        "fixed.csv",
        &place.read(&rejected).replace("1OO.00", "100.00"),
    );
    run_without_and_with(&place, "fixed.csv", "payments.csv", 0);
}

#[test]
fn an_invoice_of_a_shop_is_not_sent_without_its_held_payment() {
    let place = Place::new();
    place
        .write("fprecon.toml", SHOP)
        .write(
            "shop.csv",
            "Payment,Invoice,Mail,Paid\np1,i1,user1@example.com,119.00\n",
        )
        .write("open.csv", "Number,Mail,Net,State\ni1,,100.00,open\n")
        .write(
            "paid.csv",
            "Number,Mail,Net,State\ni1,office@example.com,100.00,\n",
        );
    let run = ["run", "--sandbox", "--yes", "--json"];
    place
        .run(&[&run[..], &["shop.csv", "open.csv"]].concat())
        .expect(1);
    run_without_and_with(&place, "paid.csv", "shop.csv", 0);
}

#[test]
fn two_kinds_with_the_same_sales_under_other_ids_are_refused() {
    let invoices = "id,invoice_number,original_invoice_number,account_code,status,invoice_type,invoice_doc_type,currency,invoice_subtotal,billed_date,closed_at\n\
        inv1,1001,,acc1,paid,renewal,charge,USD,100.00,2026-03-02 09:14:00 UTC,2026-03-02 09:14:00 UTC\n";
    let transactions = "transaction_id,account_code,type,status,amount,tax_amount,currency,date,test,original_transaction_id,invoice_id,subscription_id\n\
        t1,acc1,purchase,success,119.00,19.00,USD,2026-03-02 09:14:00 UTC,false,,inv1,sub1\n";
    for kinds in [
        ["invoices.csv", "payments.csv"],
        ["payments.csv", "invoices.csv"],
    ] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        place.write("invoices.csv", invoices);
        place.write("payments.csv", transactions);
        let run = |exports: &[&str], code: i32| {
            let words = [&["run", "--yes"], exports].concat();
            place.run_to(&sandbox, &words).expect(code).stderr()
        };
        let said = run(&kinds, 3);
        assert!(
            said.contains("have the same sales under different ids"),
            "{said}"
        );
        assert_eq!(sandbox.events().len(), 0);
        // What the hint says: one kind, and the same one every time.
        run(&kinds[..1], 0);
        let said = run(&kinds[1..], 3);
        assert!(said.contains("an earlier run has the other kind"), "{said}");
        run(&kinds[..1], 0);
        assert_eq!(sandbox.events().len(), 1);
    }
}

#[test]
fn a_shop_and_the_payments_of_its_orders_are_refused_in_one_call() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let mut orders = String::from(
        "Id,Name,Email,Financial Status,Paid at,Created at,Currency,Subtotal,Shipping,Taxes,Total,Refunded Amount\n",
    );
    let mut own = String::from("kind,event_id,email,amount,currency,created_at\n");
    let mut payments = Vec::new();
    for number in 1..=4 {
        let payment = Payment::paid(number, number);
        let at = format!("{} +0000", payment.created);
        orders += &format!(
            "8{number},#{number},{},paid,{at},{at},USD,18.00,0.00,2.00,20.00,0.00\n",
            payment.email
        );
        own += &format!("sale,own{number},new{number}@example.com,20.00,USD,2026-03-01\n");
        payments.push(payment);
    }
    place.write("orders.csv", &orders);
    place.write("payments.csv", &stripe_export(&payments));
    place.write("own.csv", &own);
    let run = |exports: &[&str], code: i32| {
        let words = [&["run", "--yes"], exports].concat();
        place.run_to(&sandbox, &words).expect(code).stderr()
    };
    for exports in [
        ["orders.csv", "payments.csv"],
        ["payments.csv", "orders.csv"],
    ] {
        let said = run(&exports, 3);
        assert!(
            said.contains("of the same customers on the same days: 4, of 4"),
            "{said}"
        );
        assert_eq!(sandbox.events().len(), 0);
    }
    // Other customers are sales of their own.
    run(&["payments.csv", "own.csv"], 0);
    assert_eq!(sandbox.events().len(), 8);
}

/// With a plugin for order numbers, one kind of export has other ids than the other.
#[test]
fn two_kinds_of_woocommerce_exports_are_refused_in_one_journal() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let own = |name: &str| {
        format!(
            "[exports.my-{name}]\nextends = \"{name}\"\ndates = {{ zone = \"UTC\" }}\nmoney = {{ currency = \"EUR\" }}\n"
        )
    };
    place.write(
        "fprecon.toml",
        &(own("woocommerce-orders") + &own("woocommerce-order-totals")),
    );
    place.write("orders.csv", "Order Number,Order Status,Order Date,Email (Billing),Order Subtotal Amount,Cart Discount Amount,Order Shipping Amount,Order Total Tax Amount,Order Total Amount,Order Refund Amount\nW-1001,Processing,2026-03-01 10:00,ana@example.com,50.00,0.00,0.00,0.00,50.00,0.00\n");
    place.write("totals.csv", "Order ID,Date Created,Date Paid,Status,Email,Total Amount,Total Discount,Payment Method Title\n88601,2026-03-01 10:00:00,2026-03-01 10:00:00,processing,ana@example.com,50.00,0.00,Card\n");
    let run = |exports: &[&str], code: i32| {
        let words = [&["run", "--yes"], exports].concat();
        place.run_to(&sandbox, &words).expect(code).stderr()
    };
    let said = run(&["orders.csv", "totals.csv"], 3);
    assert!(
        said.contains("have the same sales under different ids"),
        "{said}"
    );
    run(&["orders.csv"], 0);
    let said = run(&["totals.csv"], 3);
    assert!(said.contains("an earlier run has the other kind"), "{said}");
    assert_eq!(sandbox.events().len(), 1);
}

/// The user's own profile for the account in one country does not take the exports of an account in another.
#[test]
fn an_own_profile_gives_way_where_what_it_extends_rejects_most_rows() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.my-paypal-activity]\nextends = \"paypal-activity\"\n",
    );
    let row = |zone: &str, id: &str| {
        format!(
            "05/04/2026,10:00:00,{zone},N,Website Payment,Completed,GBP,10.00,{id}@example.com,s@example.com,{id},0.00,0.00,\n"
        )
    };
    let header = "Date,Time,Time zone,Name,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID,Postage and Packaging Amount,VAT,Reference Txn ID\n";
    place.write(
        "uk.csv",
        &format!("{header}{}{}", row("BST", "t1"), row("BST", "t2")),
    );
    place.write(
        "us.csv",
        &format!("{header}{}{}", row("PST", "t3"), row("PDT", "t4")),
    );
    let read_as = |file: &str| {
        let plan = place.run(&["plan", file, "--json"]).expect(0).json();
        plan["inputs"][0]["profile"].as_str().unwrap().to_owned()
    };
    assert_eq!(read_as("uk.csv"), "paypal-activity-day-first");
    assert_eq!(read_as("us.csv"), "my-paypal-activity");
}
