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

/// The exports of several months are run one after the other: all sales of the first one are there, so that the journal is
/// not the first one, and the cancellation is in a later one.
#[test]
fn a_lost_journal_repeats_no_cancellation_that_comes_with_a_later_export() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = Place::new();
    let header = EXPORT.lines().next().unwrap();
    let write = |name: &str, row: &str| place.write(name, &format!("{header}\n{row}\n"));
    write(
        "may.csv",
        "sale,s1,,ana@example.com,20.00,USD,2026-05-01\nsale,s2,,ben@example.com,20.00,USD,2026-05-02",
    );
    write("june.csv", "cancellation,c1,,ana@example.com,,,2026-06-05");
    let run = |name: &str, journal: &str, code: i32| {
        let run = ["run", name, "--yes", "--json", "--journal", journal];
        place.run_to(&sandbox, &run).expect(code).json()
    };
    for name in ["may.csv", "june.csv"] {
        run(name, "first.journal", 0);
    }
    assert_eq!(cancellations(&sandbox, "ana"), 1);
    run("may.csv", "second.journal", 0);
    let report = run("june.csv", "second.journal", 1);
    assert_eq!(report["outcomes"]["unconfirmed"]["count"], 1);
    assert_eq!(cancellations(&sandbox, "ana"), 1);
    // What happened since the new journal began can't have been sent by the lost one.
    write("later.csv", "cancellation,c2,,ana@example.com,,,2099-01-05");
    run("later.csv", "second.journal", 0);
    assert_eq!(cancellations(&sandbox, "ana"), 2);
}

/// Another integration has sent one sale under the same id. The journal is the first one, so that its nights send what
/// happens.
#[test]
fn a_first_journal_sends_cancellations_of_a_customer_of_whom_others_sent_a_sale() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    sandbox.track("sale", "event_id=s1&email=ana@example.com&amount=2000");
    let place = Place::new();
    let header = EXPORT.lines().next().unwrap();
    for (night, row, outcome) in [
        (
            "1.csv",
            "sale,s2,,ben@example.com,20.00,USD,2026-05-02",
            "tracked",
        ),
        (
            "2.csv",
            "sale,s1,,ana@example.com,20.00,USD,2026-05-01",
            "already_tracked",
        ),
        (
            "3.csv",
            "cancellation,c1,,ana@example.com,,,2026-06-05",
            "tracked",
        ),
    ] {
        place.write(night, &format!("{header}\n{row}\n"));
        let run = ["run", night, "--yes", "--json"];
        let report = place.run_to(&sandbox, &run).expect(0).json();
        assert_eq!(report["outcomes"][outcome]["count"], 1, "{night}");
    }
    assert_eq!(cancellations(&sandbox, "ana"), 1);
}
