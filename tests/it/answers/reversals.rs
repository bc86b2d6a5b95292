//! Answers that settle an event and need a person all the same.

use serde_json::{Value, json};

use super::{cell, leads, outcome, own, run, sales};

const REFUND: &str = "refund,r1,s1,ana@example.com,4.00,USD,2026-03-02T10:00:00Z,\n";
const SALE: &str = "sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n";
const CANCELLATION: &str = "cancellation,c1,,ana@example.com,,,2026-03-02T10:00:00Z,\n";

/// How many items need attention for a reason.
#[track_caller]
fn attention(report: &Value, code: &str) -> u64 {
    let all = report["attention"].as_array().unwrap();
    let one = all.iter().find(|one| one["code"] == code);
    one.map_or(0, |one| one["count"].as_u64().unwrap())
}

#[test]
fn a_refund_of_a_tracked_sale_that_is_no_referral_needs_attention() {
    // In one run, and in a later one.
    for rows in [&[&*(SALE.to_owned() + REFUND)][..], &[SALE, REFUND]] {
        let sandbox = leads();
        sandbox.fault(&json!({"action": "status", "status": 204, "kind": "refund"}));
        let place = own(rows[0]);
        if let [_, later] = rows {
            place.run_to(&sandbox, &run("own.csv")).expect(0);
            place.write("own.csv", &format!("{}{later}", super::HEADER));
        }
        let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
        assert_eq!(outcome(&report, "non_referral"), 1);
        assert_eq!(attention(&report, "reversal_non_referral"), 1, "{report:#}");
        let message = cell(&place, &report, "non_referral.csv", "r1", "message");
        assert_eq!(message, "its sale `s1` is tracked, and still counts");

        let retry = ["retry", "--non-referral", "--json"];
        let retried = place.run_to(&sandbox, &retry).expect(0).json();
        assert_eq!(outcome(&retried, "tracked"), 1);
        assert_eq!(attention(&retried, "reversal_non_referral"), 0);
    }
}

#[test]
fn a_cancellation_of_a_tracked_customer_that_is_no_referral_needs_attention() {
    let unknown = r#"{"message":"Lead has no active subscription"}"#;
    let fault = |sandbox: &super::SandboxProcess| {
        sandbox.fault(&json!({
            "action": "status", "status": 404, "kind": "cancellation", "body": unknown
        }));
    };
    let (place, sandbox) = (own(&(SALE.to_owned() + CANCELLATION)), leads());
    fault(&sandbox);
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(attention(&report, "reversal_non_referral"), 1, "{report:#}");

    let (place, sandbox) = (own(SALE), leads());
    place.run_to(&sandbox, &run("own.csv")).expect(0);
    fault(&sandbox);
    place.write("own.csv", &format!("{}{CANCELLATION}", super::HEADER));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(attention(&report, "reversal_non_referral"), 1, "{report:#}");

    // Of a customer without a tracked sale it is what most cancellations are.
    let (place, sandbox) = (own(CANCELLATION), leads());
    fault(&sandbox);
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(attention(&report, "reversal_non_referral"), 0);
}

#[test]
fn another_amount_is_tracked_and_needs_attention() {
    let (place, sandbox) = (sales(2), leads());
    let body = r#"{"id":7,"type":"sale","amount_cents":100000}"#;
    sandbox.fault(&json!({"action": "status", "status": 200, "body": body, "event_id": "s2"}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(outcome(&report, "tracked"), 2);
    assert_eq!(attention(&report, "other_amount"), 1, "{report:#}");
    let message = cell(&place, &report, "tracked.csv", "s2", "message");
    assert_eq!(
        message,
        "recorded with another amount: 10.00 USD was sent, the API has 1000.00 USD"
    );
    // It stays so in every later report of the run.
    let again = place.run_to(&sandbox, &["report", "--json"]).json();
    assert_eq!(attention(&again, "other_amount"), 1);
    place.run(&["journal", "check"]).expect(0);
}

#[test]
fn both_need_attention_in_version_2_too() {
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 204, "kind": "refund"}));
    let body = r#"{"id":7,"etype":"sale","event_id":"s1","sale_amount":100000,"referral":{}}"#;
    sandbox.fault(&json!({"action": "status", "status": 200, "body": body, "event_id": "s1"}));
    let place = own(&(SALE.to_owned() + REFUND));
    let report = place.run_to_v2(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(attention(&report, "other_amount"), 1, "{report:#}");
    assert_eq!(attention(&report, "reversal_non_referral"), 1, "{report:#}");
    let message = cell(&place, &report, "tracked.csv", "s1", "message");
    assert_eq!(
        message,
        "recorded with another amount: 10.00 USD was sent, the API has 1000.00 USD"
    );
}
