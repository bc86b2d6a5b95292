//! Refunds in the shapes of several providers: with another customer or none, in parts, over two nights, and
//! in files of either order.

use crate::support::Place;
use serde_json::Value;

const SHOPIFY: &str = "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Created at,Refunded Amount,Id\n";
const GUMROAD: &str = "Purchase ID,Purchase Email,Purchase Time (UTC timezone),Product ID,Item Name,Sale Price ($),Taxes ($),Tax Included in Price?,Shipping ($),Refunded?,Fully Refunded?,Partial Refund ($),Disputed?,Dispute Won?,Free trial purchase?,Pre-order authorization?,Cancellation Date,Subscription End Date\n";
const BRAINTREE: &str = "Transaction ID,Transaction Type,Transaction Status,Amount Submitted For Settlement,Tax Amount,Currency ISO Code,Created Datetime,Created Timezone,Customer ID,Customer Email,Refunded Transaction ID\n";
const PAYMENTS: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n";
const BALANCE: &str = "balance_transaction_id,created_utc,currency,gross,fee,net,reporting_category,charge_id,invoice_id,customer_id\n";

fn place(files: &[(&str, &str, &str)]) -> Place {
    let place = Place::new();
    for (name, header, rows) in files {
        place.write(name, &format!("{header}{rows}"));
    }
    place
}

fn run(place: &Place, files: &[&str], code: i32) -> Value {
    let all = [&["run", "--sandbox", "--yes", "--json"], files].concat();
    place.run(&all).expect(code).json()
}

/// Kind, id, email, uid and minor units of all that was sent, sorted.
fn sent(place: &Place) -> Vec<String> {
    let listed = ["journal", "export", "--sandbox", "-o", "events.csv"];
    place.run(&listed).expect(0);
    let rows = place.csv("events.csv");
    std::fs::remove_file(place.path("events.csv")).unwrap();
    let mut lines: Vec<String> = rows[1..]
        .iter()
        .map(|row| {
            let cells = [0, 1, 3, 4, 5].map(|column| row[column].as_str());
            let cells: Vec<&str> = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
            cells.join(" ")
        })
        .collect();
    lines.sort();
    lines
}

fn shopify(email: &str, status: &str, refunded: &str) -> String {
    format!(
        "#2,{email},{status},2026-03-01 10:00:00 +0000,USD,50.00,0.00,0.00,50.00,2026-03-01 10:00:00 +0000,{refunded},5002\n"
    )
}

fn gumroad(email: &str, refunded: &str) -> String {
    format!("p1,{email},2026-03-01 10:00:00 UTC,pr1,Course,120.00,20.00,1,0,{refunded},0,0,0,0,,\n")
}

#[test]
fn a_refund_goes_to_whom_its_sale_was_sent_though_the_row_names_another_one_now() {
    let shops = [
        (
            SHOPIFY,
            shopify("ana@example.com", "paid", "0.00"),
            shopify("new@example.com", "partially_refunded", "20.00"),
            ["refund 5002_refund_2000 ana@example.com 2000", "sale 5002 ana@example.com 5000"],
        ),
        (
            GUMROAD,
            gumroad("ana@example.com", "0,0,0"),
            gumroad("new@example.com", "1,0,60.00"),
            ["refund p1_refund_6000 ana@example.com 5000", "sale p1 ana@example.com 10000"],
        ),
        (
            "kind,event_id,sale_event_id,email,amount,currency,created_at\n",
            "sale,s1,,ana@example.com,8.00,USD,2026-03-01\n".to_owned(),
            "sale,s1,,new@example.com,8.00,USD,2026-03-01\nrefund,r1,s1,new@example.com,3.00,USD,2026-03-02\n".to_owned(),
            ["refund r1 ana@example.com 300", "sale s1 ana@example.com 800"],
        ),
    ];
    for (header, before, after, all) in shops {
        let place = place(&[("1.csv", header, &before), ("2.csv", header, &after)]);
        run(&place, &["1.csv"], 0);
        // That the sale names another customer now still needs attention.
        let report = run(&place, &["2.csv"], 1);
        assert_eq!(report["attention"][0]["code"], "conflict");
        assert_eq!(report["attention"].as_array().unwrap().len(), 1);
        assert_eq!(sent(&place), all);
        run(&place, &["2.csv"], 1);
        assert_eq!(sent(&place), all);
    }
}

#[test]
fn parts_of_a_refund_come_to_the_whole_of_what_counts_in_any_order() {
    let sales = "t1,sale,settled,120.00,20.00,USD,03/01/2026 10:00:00,UTC,c1,ana@example.com,\n\
        t2,sale,settled,50.00,0.00,USD,03/01/2026 10:00:00,UTC,c2,ben@example.com,\n";
    let refunds = "t3,credit,settled,-50.00,0.00,USD,03/05/2026 10:00:00,UTC,,other@example.com,t1\n\
        t4,credit,settled,-70.00,0.00,USD,03/06/2026 10:00:00,UTC,,,t1\n\
        t5,credit,settled,-10.00,0.00,USD,03/06/2026 10:00:00,UTC,,,t2\n";
    let all = [
        "refund t3 ana@example.com c1 4167",
        "refund t4 ana@example.com c1 5833",
        "refund t5 ben@example.com c2 1000",
        "sale t1 ana@example.com c1 10000",
        "sale t2 ben@example.com c2 5000",
    ];
    for nights in [
        &[&["s.csv"][..], &["r.csv"], &["r.csv"]][..],
        &[&["s.csv", "r.csv"], &["s.csv"]],
        &[&["r.csv", "s.csv"]],
    ] {
        let place = place(&[("s.csv", BRAINTREE, sales), ("r.csv", BRAINTREE, refunds)]);
        for night in nights {
            run(&place, night, 0);
        }
        assert_eq!(sent(&place), all, "{nights:?}");
    }
    // A refund before its sale is known is held, and goes out once the sale is there.
    let place = place(&[("s.csv", BRAINTREE, sales), ("r.csv", BRAINTREE, refunds)]);
    run(&place, &["r.csv"], 1);
    assert_eq!(sent(&place), [""; 0]);
    run(&place, &["s.csv"], 0);
    run(&place, &["r.csv"], 0);
    assert_eq!(sent(&place), all);
}

#[test]
fn a_refund_that_two_exports_of_stripe_have_is_sent_once() {
    let payments = "ch_1,2026-03-01 10:00:00,20.00,5.00,usd,true,Paid,cus_1,ana@example.com,in_1\n\
        ch_2,2026-03-01 10:00:00,30.00,0.00,usd,true,Paid,cus_2,ben@example.com,\n";
    let balance = "txn_1,2026-03-01 10:00:00,usd,20.00,0.88,19.12,charge,ch_1,in_1,cus_1\n\
        txn_2,2026-03-02 10:00:00,usd,-5.00,0.00,-5.00,refund,ch_1,in_1,\n\
        txn_3,2026-03-01 10:00:00,usd,30.00,0.88,29.12,charge,ch_2,,cus_2\n";
    for (files, held) in [
        (&[&["p.csv", "b.csv"][..]][..], 0),
        (&[&["b.csv", "p.csv"]], 0),
        (&[&["b.csv"], &["p.csv"]], 0),
        // The total of the first night does not say of which refunds it is made.
        (&[&["p.csv"], &["b.csv"]], 1),
    ] {
        let place = place(&[("p.csv", PAYMENTS, payments), ("b.csv", BALANCE, balance)]);
        let mut code = 0;
        for (night, names) in files.iter().enumerate() {
            code = if night + 1 == files.len() { held } else { 0 };
            run(&place, names, code);
        }
        let refunded: i64 = sent(&place)
            .iter()
            .filter(|line| line.starts_with("refund"))
            .map(|line| line.rsplit(' ').next().unwrap().parse::<i64>().unwrap())
            .sum();
        assert_eq!((refunded, code), (500, held), "{files:?}");
    }
}
