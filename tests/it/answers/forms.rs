//! In which forms an answer counts for what it says.

use std::time::Instant;

use serde_json::json;

use super::{asked, cell, leads, outcome, own, run, sales};
use crate::support::{Ran, Server, respond};

const CANCELLATIONS: &str = "cancellation,c1,,ana@example.com,,,2026-03-01T10:00:00Z,\n\
                             cancellation,c2,,ben@example.com,,,2026-03-01T10:00:00Z,\n";

#[test]
fn a_404_of_a_wrong_address_settles_no_cancellation_as_a_stranger() {
    for body in [
        "<html><h1>404 Not Found</h1>",
        "",
        r#"{"status":404,"error":"Not Found"}"#,
        r#"{"message":"Company with wid not found","error":"Not Found"}"#,
        r#"{"error":"The page you were looking for doesn't exist"}"#,
        r#"{"status":404,"error":"Not Found","message":"No message available","path":"/api/v1"}"#,
    ] {
        let (place, sandbox) = (own(CANCELLATIONS), leads());
        sandbox.fault(&json!({"action": "status", "status": 404, "body": body, "times": 2}));
        let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
        assert_eq!(outcome(&report, "failed"), 2, "{body}");
        let message = cell(&place, &report, "failed.csv", "c1", "message");
        let is_page = !body.starts_with('{');
        assert_eq!(is_page, message.contains("base_url"), "{message}");
        let retry = place.run_to(&sandbox, &["retry", "--failed", "--json"]);
        assert_eq!(outcome(&retry.expect(0).json(), "tracked"), 2);
    }
    let (place, sandbox) = (own(CANCELLATIONS), leads());
    let unknown = r#"{"message":"Lead not found"}"#;
    sandbox.fault(&json!({"action": "status", "status": 404, "body": unknown, "times": 2}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(outcome(&report, "non_referral"), 2);
}

#[test]
fn a_success_that_is_not_the_apis_account_of_the_event_is_asked_again() {
    for body in [
        r#"{"error":"Invalid company"}"#,
        "{}",
        "[]",
        r#"{"id":7,"type":"sale","reward":{"event_id":"s9"}}"#,
        r#"{"id":7,"type":"refund","amount_cents":-1000}"#,
        r#"{"id":7,"type":"sale","success":false,"message":"not recorded"}"#,
        r#"{"id":7,"type":"sale","success":"false","message":"not recorded"}"#,
        r#"{"id":7,"type":"sale","ok":false}"#,
        r#"{"id":7,"type":"sale","status":"error"}"#,
    ] {
        let (place, sandbox) = (sales(1), leads());
        sandbox.fault(&json!({"action": "status", "status": 200, "body": body}));
        let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 1, "{body}");
        assert_eq!(asked(&sandbox), ["s1", "s1"], "{body}");
        // The first answer was a success of which nothing was proven: what is there now is ours.
        let (place, sandbox) = (sales(1), leads());
        sandbox.fault(&json!({
            "action": "status", "status": 200, "body": body, "after_effect": true
        }));
        let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 1, "{body}");
        assert_eq!(sandbox.events().len(), 1, "{body}");
    }
}

#[test]
fn successes_with_an_error_in_them_are_unconfirmed_in_the_end_and_the_report_has_their_text() {
    let (place, sandbox) = (sales(3), leads());
    let body = r#"{"error":"Invalid company"}"#;
    sandbox.fault(&json!({"action": "status", "status": 200, "body": body, "percent": 100}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(outcome(&report, "unconfirmed"), 3, "{report:#}");
    let message = cell(&place, &report, "failed.csv", "s2", "message");
    assert!(message.contains("Invalid company"), "{message}");
    assert!(sandbox.events().is_empty());

    sandbox.forget_faults();
    let retry = ["retry", "--unconfirmed", "--yes", "--json"];
    let report = place.run_to(&sandbox, &retry).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 3);
    assert_eq!(sandbox.events().len(), 3);
}

#[test]
fn a_conflict_counts_only_where_it_says_that_this_event_is_there() {
    for body in [
        "",
        "<html>Conflict</html>",
        r#"{"message":"another request is in progress"}"#,
        r#"{"message":"The 'sale' event with the id 's9' already exists."}"#,
    ] {
        let (place, sandbox) = (sales(1), leads());
        sandbox.fault(&json!({"action": "status", "status": 409, "body": body}));
        let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 1, "{body}");
        assert_eq!(asked(&sandbox), ["s1", "s1"], "{body}");
    }
    let (place, sandbox) = (sales(2), leads());
    let body = r#"{"message":"another request is in progress"}"#;
    sandbox.fault(&json!({
        "action": "status", "status": 409, "body": body, "percent": 100, "event_id": "s1"
    }));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(
        (outcome(&report, "failed"), outcome(&report, "tracked")),
        (1, 1)
    );
    let message = cell(&place, &report, "failed.csv", "s1", "message");
    assert!(message.contains("in progress"), "{message}");
    assert_eq!(asked(&sandbox).iter().filter(|id| *id == "s1").count(), 6);

    let place = sales(1);
    let there = r#"{"message":"The 'sale' event with the id 's1' already exists."}"#;
    let server = Server::start(move |_, stream| {
        respond(stream, "409 Conflict", "", there.as_bytes());
    });
    let ran = place.command_at(&server.base_url, &run("own.csv")).output();
    let report = Ran(ran.unwrap()).expect(0).json();
    assert_eq!(outcome(&report, "already_tracked"), 1);
}

#[test]
fn a_503_is_asked_again_no_sooner_than_it_says() {
    for (retry_after, least_ms) in [("1.5", 1500), ("2", 2000)] {
        let (place, sandbox) = (sales(6), leads());
        sandbox.fault(&json!({"action": "status", "status": 503, "retry_after": retry_after}));
        let started = Instant::now();
        let mut command = place.command_to(&sandbox, &run("own.csv"));
        let ran = Ran(command.env("FPRECON_CONCURRENCY", "1").output().unwrap());
        let report = ran.expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 6);
        let elapsed = started.elapsed().as_millis();
        assert!(elapsed >= least_ms, "{elapsed} ms");
        let ids = asked(&sandbox);
        assert_eq!(ids.len(), 7, "nobody is asked for in between: {ids:?}");
    }
}

#[test]
fn an_error_that_is_none_makes_no_error_of_a_success() {
    for body in [
        r#"{"id":7,"type":"sale","amount_cents":1000,"errors":[]}"#,
        r#"{"id":7,"type":"sale","amount_cents":1000,"error":null,"errors":{}}"#,
        r#"{"id":7,"type":"sale","amount_cents":1000,"error":"","success":true,"status":"ok"}"#,
        r#"{"id":7,"type":"sale","amount_cents":1000.0}"#,
        r#"{"id":7,"type":"sale","amount_cents":"1000"}"#,
    ] {
        let (place, sandbox) = (sales(1), leads());
        sandbox.fault(&json!({"action": "status", "status": 200, "body": body}));
        let report = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 1, "{body}");
        assert_eq!(asked(&sandbox), ["s1"], "{body}");
    }
}

#[test]
fn an_amount_of_a_success_is_compared_however_it_is_written() {
    for amount in ["999", "999.5", "1000.5", r#""999""#, r#""10,00""#] {
        let (place, sandbox) = (sales(1), leads());
        let body = format!(r#"{{"id":7,"type":"sale","amount_cents":{amount}}}"#);
        sandbox.fault(&json!({"action": "status", "status": 200, "body": body}));
        let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
        assert_eq!(outcome(&report, "tracked"), 1, "{amount}");
        assert_eq!(report["attention"][0]["code"], "other_amount", "{amount}");
    }
}

#[test]
fn a_404_of_version_2_counts_only_where_it_is_about_a_referral() {
    for (body, code) in [
        (r#"{"message":"Account not found","code":"not_found"}"#, 1),
        (r#"{"code":"not_found"}"#, 1),
        (
            r#"{"message":"Referral corresponding to email or uid parameter not found","code":"not_found"}"#,
            0,
        ),
    ] {
        let (place, sandbox) = (sales(2), leads());
        sandbox.fault(&json!({"action": "status", "status": 404, "body": body, "times": 2}));
        let report = place.run_to_v2(&sandbox, &run("own.csv"));
        let report = report.expect(code).json();
        let word = ["non_referral", "failed"][usize::try_from(code).unwrap()];
        assert_eq!(outcome(&report, word), 2, "{body}");
    }
}

#[test]
fn a_refusal_is_one_however_much_it_says() {
    let (place, sandbox) = (sales(2), leads());
    let body = format!(
        r#"{{"message":"plan is invalid","more":"{}"}}"#,
        "x".repeat(80_000)
    );
    let fault = json!({"action": "status", "status": 422, "body": body, "event_id": "s1"});
    sandbox.fault(&fault);
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(
        (outcome(&report, "failed"), outcome(&report, "tracked")),
        (1, 1)
    );
    let message = cell(&place, &report, "failed.csv", "s1", "message");
    assert!(message.contains("plan is invalid"), "{message}");
}
