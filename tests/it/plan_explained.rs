//! What a plan says of itself: what each export is, what its column of amounts comes to and where each of its
//! rows goes, so that a person can compare it with the provider's page.

use serde_json::{Value, json};

use crate::support::Place;

/// Payments of a Stripe account: one with a refund, one that failed, one that can't be read.
const STRIPE: &str = "\
id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID
ch_1,2026-03-02 09:14:00,49.00,0.00,usd,true,,Paid,cus_ana,ana@example.com,in_1
ch_2,2026-03-04 12:00:00,120.00,30.00,usd,true,2026-03-20 08:00:00,Paid,cus_ben,ben@example.com,in_2
ch_3,2026-03-05 16:45:00,19.00,0.00,usd,false,,Failed,cus_cyd,cyd@example.com,in_3
ch_4,2026-03-06 16:45:00,1900,0.00,jpy,true,,Paid,cus_cyd,cyd@example.com,in_3
ch_5,2026-03-28 07:15:00,2OO.00,0.00,usd,true,,Paid,cus_dan,dan@example.com,in_4
";

const PAYPAL: &str = "\
Date,Time,TimeZone,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID,Reference Txn ID,Sales Tax,Shipping and Handling Amount
03/13/2026,20:58:57,PDT,Website Payment,Completed,USD,\"1,285.00\",ben@example.com,shop@example.com,T1,,85.00,0.00
03/14/2026,20:58:57,PDT,Website Payment,Pending,USD,40.00,cyd@example.com,shop@example.com,T2,,,
03/15/2026,20:58:57,PDT,Payment Refund,Completed,USD,-257.00,shop@example.com,ben@example.com,T3,T1,,
03/16/2026,20:58:57,PDT,General Withdrawal,Completed,USD,-900.00,,,T4,,,
03/17/2026,20:58:57,PDT,Website Payment,Completed,USD,25.00,dag@example.com,shop@example.com,,,,
";

/// What `plan` says, and what it says for scripts.
fn planned(name: &str, text: &str, code: i32) -> (String, Value) {
    let place = Place::new();
    place.write(name, text);
    let said = place.run(&["plan", name]).expect(code).stdout();
    let json = place.run(&["plan", name, "--json"]).expect(code).json();
    (said, json)
}

#[track_caller]
fn says(said: &str, lines: &[&str]) {
    let lines = lines.join("\n");
    assert!(said.contains(&lines), "no\n{lines}\nin\n{said}");
}

#[test]
fn the_amounts_of_all_rows_are_shown_by_what_becomes_of_them() {
    let (said, json) = planned("stripe.csv", STRIPE, 1);
    says(
        &said,
        &[
            "stripe.csv: 5 rows, read as stripe-payments (Stripe payments): 9 of 9 required columns found",
            "  rows    JPY     USD",
            "     3  1,900  169.00  sales",
            "     1          19.00  ignored: payment failed",
            "     1                 rejected",
            "     5  1,900  188.00  all rows: the sum of `Amount`",
            "  `Amount` can't be read in 1 row, which these sums leave out",
            "",
            "5 rows read = 3 with events + 1 ignored + 1 rejected",
            "Events of 3 customers, dated 2026-03-02 to 2026-03-20 (UTC)",
        ],
    );
    assert_eq!(json["customers"], 3);
    assert_eq!(json["days"], json!(["2026-03-02", "2026-03-20"]));
    let groups = &json["totals"][0]["groups"];
    let sales = json!({"rows_of": "event", "is": "sale", "rows": 3,
        "amount_cents": {"JPY": 1900, "USD": 16900}, "unreadable": 0});
    let rejected = json!({"rows_of": "rejected", "rows": 1, "amount_cents": {}, "unreadable": 1});
    assert_eq!(groups[0], sales);
    assert_eq!(groups[2], rejected);
}

#[test]
fn amounts_keep_the_signs_of_the_export_so_that_the_sum_is_the_column() {
    let (said, json) = planned("paypal.csv", PAYPAL, 1);
    says(
        &said,
        &[
            "  rows       USD",
            "     1  1,285.00  sales",
            "     1   -257.00  refunds",
            "     1   -900.00  ignored: not a payment by a customer",
            "     1     40.00  ignored: payment pending",
            "     1     25.00  rejected",
            "     5    193.00  all rows: the sum of `Gross`",
        ],
    );
    let rows = |group: &Value| group["rows"].as_u64().unwrap();
    let groups = json["totals"][0]["groups"].as_array().unwrap();
    assert_eq!(
        groups.iter().map(rows).sum::<u64>(),
        json["rows"]["read"].as_u64().unwrap()
    );
}

#[test]
fn many_currencies_are_named_beside_their_amounts() {
    let mut text = String::from("event_id,email,amount,currency,created_at\n");
    for (n, code) in ["USD", "EUR", "GBP", "CHF", "SEK", "NOK", "DKK"]
        .iter()
        .enumerate()
    {
        text.push_str(&format!(
            "s{n},a{n}@example.com,1000.50,{code},2026-03-01\n"
        ));
    }
    let (said, _) = planned("shop.csv", &text, 0);
    says(
        &said,
        &[
            "  7  sales: 1,000.50 CHF, 1,000.50 DKK, 1,000.50 EUR, 1,000.50 GBP, 1,000.50 NOK, 1,000.50 SEK, 1,000.50 USD",
        ],
    );
}

#[test]
fn an_export_without_amounts_has_its_rows_counted() {
    let text = "kind,event_id,email,created_at\ncancellation,c1,ana@example.com,2026-03-01\n";
    let (said, json) = planned("ended.csv", text, 0);
    says(&said, &["  1  cancellations", ""]);
    assert!(json["totals"][0]["column"].is_null());
}

/// Whether such refunds are rejected is only known at the end of the export.
#[test]
fn refunds_of_both_signs_are_rejected_in_the_totals_too() {
    let text = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
        sale,s1,,ana@example.com,20.00,USD,2026-03-01\n\
        refund,r1,s1,ana@example.com,-3.00,USD,2026-03-02\n\
        refund,r2,s1,ana@example.com,2.00,USD,2026-03-03\n";
    let (said, _) = planned("mixed.csv", text, 1);
    says(
        &said,
        &[
            "  rows    USD",
            "     1  20.00  sales",
            "     2  -1.00  rejected",
            "     3  19.00  all rows: the sum of `amount`",
        ],
    );
    let (said, _) = planned("minus.csv", &text.replace(",2.00,", ",-2.00,"), 0);
    says(
        &said,
        &[
            "     2  -5.00  refunds",
            "     3  15.00  all rows: the sum of `amount`",
        ],
    );
}
