//! What an earlier run has left, among the events of a call.

use serde_json::{Value, json};

use super::{asked, leads, outcome, own, run};
use crate::support::{Ran, form};

#[test]
fn what_an_earlier_run_left_to_send_is_said_and_goes_out_first() {
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-05T10:00:00Z,\n\
         sale,s2,,ben@example.com,10.00,USD,2026-03-05T10:00:00Z,\n");
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 500, "percent": 100}));
    let mut first = place.command_to(&sandbox, &run("own.csv"));
    first.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    Ran(first.output().unwrap()).expect(5);
    sandbox.forget_faults();
    let before = asked(&sandbox).len();

    // The new one is older, and would go out before.
    place.write(
        "next.csv",
        "kind,event_id,email,amount,currency,created_at\n\
         sale,s0,ana@example.com,10.00,USD,2026-03-01T10:00:00Z\n\
         sale,s1,ana@example.com,10.00,USD,2026-03-05T10:00:00Z\n",
    );
    let said = "an earlier run left events of these exports to send: 1 sale, 10.00 USD; they are sent first";
    let plan = place.run(&["plan", "next.csv"]).expect(0);
    assert!(plan.stderr().contains(said), "{}", plan.stderr());
    let ran = place.run_to(&sandbox, &run("next.csv")).expect(0);
    assert!(ran.stderr().contains(said), "{}", ran.stderr());
    assert_eq!(outcome(&ran.json(), "tracked"), 2);
    assert_eq!(asked(&sandbox)[before..], ["s1", "s0"]);

    // The hint sends the other one.
    place.run_to(&sandbox, &["resume", "--json"]).expect(0);
    assert_eq!(asked(&sandbox)[before..], ["s1", "s0", "s2"]);
    let again = place.run_to(&sandbox, &run("next.csv")).expect(0);
    assert!(
        !again.stderr().contains("an earlier run left"),
        "{}",
        again.stderr()
    );
}

#[test]
fn what_an_earlier_run_left_unconfirmed_is_said_and_not_sent_again() {
    let place = own("cancellation,c1,,ana@example.com,,,2026-03-05T10:00:00Z,\n");
    let sandbox = leads();
    sandbox.fault(&json!({"action": "close", "kind": "cancellation"}));
    let first = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(outcome(&first, "unconfirmed"), 1);

    let ran = place.run_to(&sandbox, &run("own.csv")).expect(1);
    let said =
        "left events of these exports unconfirmed: 1 cancellation; they may be recorded already";
    assert!(ran.stderr().contains(said), "{}", ran.stderr());
    assert_eq!(sandbox.arrivals().len(), 1);

    let retry = ["retry", "--unconfirmed", "--yes", "--json"];
    let retried = place.run_to(&sandbox, &retry).expect(0).json();
    assert_eq!(outcome(&retried, "tracked"), 1);
    let emails: Vec<_> = sandbox
        .events()
        .iter()
        .map(|event: &Value| event["email"].clone())
        .collect();
    assert_eq!(emails, ["ana@example.com"]);
    let arrivals = sandbox.arrivals();
    assert_eq!(
        form(&arrivals[1], "email").as_deref(),
        Some("ana@example.com")
    );
}
