//! A journal that is new while the account is not: what has no id is not repeated.

use crate::support::{Place, Ran, SandboxProcess};
use serde_json::{Value, json};

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

const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n";

/// Stripe's payments of a night: one sale, and what is refunded of it by then.
fn stripe_night(refunded: &str, at: &str) -> String {
    format!(
        "{STRIPE}ch_1,2026-03-02 09:14:00,100.00,{refunded},usd,true,{at},Paid,cus_ana,ana@example.com,in_1\n"
    )
}

/// `event_id cents` of the refunds that took effect.
fn refunds(sandbox: &SandboxProcess) -> Vec<String> {
    let events = sandbox.events();
    let refunds = events.iter().filter(|event| event["kind"] == "refund");
    let words = refunds.map(|own| {
        format!(
            "{} {}",
            own["event_id"].as_str().unwrap(),
            own["amount_cents"]
        )
    });
    words.collect()
}

fn call(place: &Place, sandbox: &SandboxProcess, version: &str, arguments: &[&str]) -> Ran {
    let mut command = match version {
        "v1" => place.command_to(sandbox, arguments),
        _ => place.command_to_v2(sandbox, arguments),
    };
    Ran(command.output().unwrap())
}

const JOURNAL: &str = "fprecon.journal";

/// Puts an older copy of the journal back, as docs/journal.md says, and goes on with it.
fn restore(place: &Place, sandbox: &SandboxProcess, version: &str) {
    std::fs::copy(place.path("backup"), place.path(JOURNAL)).unwrap();
    for end in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(place.path(&format!("{JOURNAL}{end}")));
    }
    call(place, sandbox, version, &["journal", "recover", "--yes"]).expect(0);
}

#[test]
fn after_an_older_copy_only_what_is_new_of_a_running_total_is_sent() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let night = |name: &str, refunded: &str, at: &str, code: i32| {
            place.write(name, &stripe_night(refunded, at));
            call(&place, &sandbox, version, &["run", name, "--yes"]).expect(code)
        };
        night("1.csv", "0.00", "", 0);
        std::fs::copy(place.path(JOURNAL), place.path("backup")).unwrap();
        night("2.csv", "30.00", "2026-03-20 08:00:00", 0);
        restore(&place, &sandbox, version);
        // Without the list, nobody knows: it is held.
        place.write("3.csv", &stripe_night("50.00", "2026-04-20 08:00:00"));
        let plan = call(&place, &sandbox, version, &["plan", "3.csv"]).expect(1);
        assert!(
            plan.stderr()
                .contains("the journal lost what it had sent last")
        );
        sandbox.fault(&json!({"action": "status", "status": 403, "kind": "listing", "times": 9}));
        let unread = call(&place, &sandbox, version, &["run", "3.csv", "--yes"]);
        assert_ne!(unread.code(), 0, "{version}");
        sandbox.forget_faults();
        assert_eq!(refunds(&sandbox), ["in_1_refund_3000 3000"], "{version}");
        // A run reads the list by itself.
        let ran = night("3.csv", "50.00", "2026-04-20 08:00:00", 0);
        assert!(ran.stdout().contains("Compared with 2 commissions"));
        assert_eq!(
            refunds(&sandbox),
            ["in_1_refund_3000 3000", "in_1_refund_5000 2000"],
            "{version}"
        );
        night("4.csv", "60.00", "2026-05-20 08:00:00", 0);
        assert_eq!(refunds(&sandbox)[2], "in_1_refund_6000 1000", "{version}");
        call(&place, &sandbox, version, &["journal", "check"]).expect(0);
    }
}

#[test]
fn a_new_journal_sends_no_running_total_of_a_sale_that_is_there() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let run = |name: &str, journal: &str, more: &[&str], code: i32| {
            let run = ["run", name, "--yes", "--journal", journal];
            let run: Vec<&str> = run.iter().chain(more).copied().collect();
            call(&place, &sandbox, version, &run).expect(code)
        };
        place.write("1.csv", &stripe_night("30.00", "2026-03-20 08:00:00"));
        run("1.csv", "first.journal", &[], 0);
        let first = ["in_1_refund_3000 3000"];
        assert_eq!(refunds(&sandbox), first, "{version}");
        place.write("2.csv", &stripe_night("50.00", "2026-04-20 08:00:00"));
        // All that the new journal sends first is there already.
        place.write("3.csv", &stripe_night("0.00", ""));
        run("3.csv", "second.journal", &[], 0);
        let ran = run("2.csv", "second.journal", &[], 1);
        assert!(
            ran.stdout().contains("1 event unconfirmed"),
            "{}",
            ran.stdout()
        );
        assert_eq!(refunds(&sandbox), first, "{version}");
        let check = ["journal", "check", "--journal", "second.journal"];
        place.run(&check).expect(0);
        // The account's list says what is new.
        run("2.csv", "third.journal", &["--in-account", "hold"], 0);
        let both = ["in_1_refund_3000 3000", "in_1_refund_5000 2000"];
        assert_eq!(refunds(&sandbox), both, "{version}");
    }
}

#[test]
fn after_an_undo_was_lost_a_refund_of_its_sale_is_held() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let header = EXPORT.lines().next().unwrap();
        let sale = "sale,s1,,ana@example.com,50.00,USD,2026-03-02T09:00:00Z\n\
            sale,s2,,ben@example.com,50.00,USD,2026-03-02T09:00:00Z\n";
        place.write("1.csv", &format!("{header}\n{sale}"));
        let run = ["run", "1.csv", "--yes", "--json"];
        let run = call(&place, &sandbox, version, &run).expect(0).json();
        let other = sale.replace("s2", "s3").replace("ben", "cyd");
        place.write("2.csv", &format!("{header}\n{other}"));
        call(&place, &sandbox, version, &["run", "2.csv", "--yes"]).expect(0);
        std::fs::copy(place.path(JOURNAL), place.path("backup")).unwrap();
        let undo = ["undo", run["run"].as_str().unwrap(), "--yes"];
        call(&place, &sandbox, version, &undo).expect(0);
        restore(&place, &sandbox, version);
        let refund = "refund,r1,s1,ana@example.com,20.00,USD,2026-04-03T09:00:00Z\n\
            refund,r3,s3,cyd@example.com,10.00,USD,2026-04-03T09:00:00Z\n";
        place.write("3.csv", &format!("{header}\n{sale}{other}{refund}"));
        let ran = call(&place, &sandbox, version, &["run", "3.csv", "--yes"]).expect(1);
        assert!(
            ran.stderr()
                .contains("`s1_undo`, 50.00 USD: a refund of its sale"),
            "{}",
            ran.stderr()
        );
        // Of the other sale nothing was refunded, as the list says.
        let mut sent = refunds(&sandbox);
        sent.sort();
        assert_eq!(
            sent,
            ["r3 1000", "s1_undo 5000", "s2_undo 5000"],
            "{version}"
        );
    }
}
