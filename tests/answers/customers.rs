//! Who is a lead, and by which answers a run knows.

use serde_json::json;

use super::{asked, cell, leads, outcome, own, run, strangers};

#[test]
fn an_inferred_refund_says_nothing_of_a_customer_who_became_a_lead_since() {
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n");
    let sandbox = strangers(&place);
    let first = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(outcome(&first, "non_referral"), 1);

    sandbox.track("signup", "email=ana@example.com&ref_id=nora");
    place.write(
        "later.csv",
        "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         refund,r1,s1,ana@example.com,10.00,USD,2026-03-02T10:00:00Z\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z\n",
    );
    let later = place.run_to(&sandbox, &run("later.csv")).expect(0).json();
    assert_eq!(outcome(&later, "tracked"), 1, "{later:#}");
    assert_eq!(outcome(&later, "non_referral"), 1, "the refund of s1");
    assert_eq!(later["requests"], 1);
    assert_eq!(
        cell(&place, &later, "tracked.csv", "s2", "outcome"),
        "tracked"
    );
}

#[test]
fn a_tracked_sale_makes_its_customer_a_lead_whatever_was_said_before() {
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-02T10:00:00Z,NORA10\n\
         sale,s3,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z,\n\
         refund,r3,s3,ana@example.com,4.00,USD,2026-03-04T10:00:00Z,\n\
         cancellation,c1,,ana@example.com,,,2026-03-05T10:00:00Z,\n\
         sale,t1,,ben@example.com,10.00,USD,2026-03-01T10:00:00Z,\n\
         sale,t2,,ben@example.com,10.00,USD,2026-03-02T10:00:00Z,\n");
    let sandbox = strangers(&place);
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 4, "{report:#}");
    assert_eq!(outcome(&report, "non_referral"), 3);
    for asked_for in ["s1", "s2", "s3", "r3", "t1"] {
        assert!(
            asked(&sandbox).contains(&asked_for.to_owned()),
            "{asked_for}"
        );
    }
    assert_eq!(report["requests"], 6, "t2 follows from t1");
}

#[test]
fn a_tracked_sign_up_counts_against_a_204_that_comes_after_it() {
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-02T10:00:00Z,\n\
         sale,s3,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z,\n");
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 204, "event_id": "s2"}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(
        outcome(&report, "tracked"),
        2,
        "s1 was tracked, so s3 is asked for"
    );
    assert_eq!(asked(&sandbox), ["s1", "s2", "s3"]);
}

#[test]
fn no_answer_to_a_cancellation_or_a_refund_hides_the_later_sales_of_a_lead() {
    let place = own("cancellation,c1,,ana@example.com,,,2026-03-01T10:00:00Z,\n\
         sale,s2,,ana@example.com,10.00,USD,2026-03-02T10:00:00Z,\n\
         sale,s3,,ana@example.com,10.00,USD,2026-03-03T10:00:00Z,\n");
    let sandbox = leads();
    let nothing_to_cancel = r#"{"message":"Lead has no active subscription to cancel"}"#;
    sandbox.fault(&json!({
        "action": "status", "status": 404, "kind": "cancellation", "body": nothing_to_cancel
    }));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 2, "{report:#}");
    assert_eq!(outcome(&report, "non_referral"), 1);
}
