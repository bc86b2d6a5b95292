//! A journal that is new while the account is not: what has no id is not repeated.

use crate::support::{Place, SandboxProcess};
use serde_json::Value;

const EXPORT: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
    sale,s1,,ana@example.com,20.00,USD,2026-03-01\n\
    refund,r1,s1,ana@example.com,5.00,USD,2026-03-04\n\
    cancellation,c1,,ana@example.com,,,2026-03-05\n\
    cancellation,c2,,ben@example.com,,,2026-03-06\n";

fn cancellations(sandbox: &SandboxProcess, email: &str) -> usize {
    let events = sandbox.events();
    let of = |event: &&Value| event["kind"] == "cancellation" && event.to_string().contains(email);
    events.iter().filter(of).count()
}

#[test]
fn a_lost_journal_repeats_no_cancellation_of_a_customer_whose_sales_are_there() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = Place::new();
    place.write("x.csv", EXPORT);
    let run = |journal: &str, code: i32| {
        let run = ["run", "x.csv", "--yes", "--json", "--journal", journal];
        place.run_to(&sandbox, &run).expect(code).json()
    };
    run("first.journal", 0);
    assert_eq!(cancellations(&sandbox, "ana"), 1);
    for journal in ["second.journal", "third.journal"] {
        let again = run(journal, 1);
        assert_eq!(again["outcomes"]["already_tracked"]["count"], 2);
        assert_eq!(again["outcomes"]["unconfirmed"]["count"], 1);
        assert_eq!(again["attention"][0]["code"], "unconfirmed");
        assert_eq!(cancellations(&sandbox, "ana"), 1);
        let check = ["journal", "check", "--journal", journal];
        place.run_to(&sandbox, &check).expect(0);
    }
    // Somebody who has looked it up sends it.
    let retry = [
        "retry",
        "--unconfirmed",
        "--yes",
        "--journal",
        "third.journal",
    ];
    place.run_to(&sandbox, &retry).expect(0);
    assert_eq!(cancellations(&sandbox, "ana"), 2);
}
