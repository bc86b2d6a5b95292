//! What may have been recorded is tried again on purpose only, and one by one.

use serde_json::{Value, json};

use super::{cell, leads, outcome, own, run};
use crate::support::{Place, SandboxProcess};

/// Two cancellations without ids of which nobody knows whether they were recorded; neither was.
fn two_unconfirmed() -> (Place, SandboxProcess, Value) {
    let place = own("cancellation,c1,,ana@example.com,,,2026-03-01T10:00:00Z,\n\
         cancellation,c2,,ben@example.com,,,2026-03-01T10:00:00Z,\n");
    let sandbox = leads();
    sandbox.fault(&json!({"action": "close", "times": 2}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(outcome(&report, "unconfirmed"), 2);
    (place, sandbox, report)
}

#[test]
fn an_unconfirmed_event_is_tried_again_alone() {
    let (place, sandbox, _) = two_unconfirmed();
    let retry = |arguments: &[&str]| {
        place.run_to(
            &sandbox,
            &[&["retry", "--json", "--event"], arguments].concat(),
        )
    };
    let asked = retry(&["c1"]).expect(2);
    assert!(
        asked.stderr().contains("may count twice"),
        "{}",
        asked.stderr()
    );
    assert_eq!(sandbox.arrivals().len(), 2, "nothing was sent");

    let report = retry(&["c1", "--yes"]).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 1);
    assert_eq!(sandbox.events().len(), 1);
    assert_eq!(
        cell(&place, &report, "tracked.csv", "c1", "kind"),
        "cancellation"
    );

    let tracked = retry(&["c1", "--yes"]).expect(3).stderr();
    assert!(tracked.contains("event `c1` is tracked"), "{tracked}");
    let unknown = retry(&["c9", "--yes"]).expect(3).stderr();
    assert!(
        unknown.contains("the journal has no event `c9`"),
        "{unknown}"
    );
    place
        .run_to(&sandbox, &["retry", "--event", "c2", "--failed"])
        .expect(2);

    let report = retry(&["c2", "--yes"]).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 1);
    assert_eq!(sandbox.events().len(), 2);
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_run_against_a_new_journal_asks_before_it_repeats_what_is_unconfirmed() {
    let (place, sandbox, report) = two_unconfirmed();
    let folder = report["report_dir"].as_str().unwrap();
    let command = format!("run {folder}/failed.csv --journal new.journal");
    let shown = place
        .run_on_a_terminal(&sandbox.base_url, &command, "y\nn\n")
        .stdout();
    assert!(shown.contains("would then count twice"), "{shown}");
    assert_eq!(sandbox.arrivals().len(), 2, "nothing was sent: {shown}");
    let shown = place
        .run_on_a_terminal(&sandbox.base_url, &command, "y\ny\n")
        .stdout();
    assert_eq!(sandbox.events().len(), 2, "{shown}");

    // Refusals are not asked for: nothing of them was recorded.
    let place = own("sale,s1,,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n");
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 400}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    let folder = report["report_dir"].as_str().unwrap();
    let command = format!("run {folder}/failed.csv --journal new.journal");
    let shown = place
        .run_on_a_terminal(&sandbox.base_url, &command, "y\n")
        .stdout();
    assert!(!shown.contains("count twice"), "{shown}");
    assert_eq!(sandbox.events().len(), 1, "{shown}");
}

#[test]
fn what_a_report_has_as_unconfirmed_is_said_and_asked_for_before_anything_else() {
    let (place, sandbox, report) = two_unconfirmed();
    let failed = format!("{}/failed.csv", report["report_dir"].as_str().unwrap());
    let said = "unconfirmed in a report: 2 cancellations; they may be recorded already";

    let plan = ["plan", &failed, "--journal", "new.journal"];
    let planned = place.run_to(&sandbox, &plan).expect(0).stderr();
    assert!(planned.contains(said), "{planned}");
    let run = ["run", &failed, "--journal", "new.journal"];
    let asked = place.run_to(&sandbox, &run).expect(2).stderr();
    assert!(asked.contains("may count twice"), "{asked}");
    assert_eq!(sandbox.arrivals().len(), 2, "nothing was sent");

    // As the first hint says: with the journal of the run, nothing is sent again.
    let ran = place.run_to(&sandbox, &["run", &failed, "--yes"]).expect(1);
    assert!(!ran.stderr().contains(said), "{}", ran.stderr());
    assert_eq!(sandbox.arrivals().len(), 2, "nothing was sent");

    // `--yes` answers the question, as it does for `retry --unconfirmed`, and does not hide it.
    let run = ["run", &failed, "--journal", "new.journal", "--yes"];
    let ran = place.run_to(&sandbox, &run).expect(0).stderr();
    assert!(ran.contains(said), "{ran}");
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn only_the_outcome_of_a_report_says_that_an_event_is_unconfirmed() {
    let place = Place::new();
    let header = "kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,outcome,http_status,message,attempts,first_attempt_at,settled_at,api_event_id,promoter_email,promoter_ref_id,commission_cents,file,line,plan\n";
    let row = |id: &str, uid: &str, outcome: &str, plan: &str| {
        format!(
            "sale,{id},,ana@example.com,{uid},800,USD,2026-03-01T10:00:00Z,{outcome},,unconfirmed,1,,,,,,,x.csv,2,{plan}\n"
        )
    };
    place.write(
        "words.csv",
        &format!(
            "{header}{}",
            row("s1", "unconfirmed", "failed", "unconfirmed")
        ),
    );
    let words = place.run(&["plan", "words.csv"]).expect(0).stderr();
    assert!(!words.contains("count twice"), "{words}");
    // A spreadsheet may have made a capital of its first letter.
    place.write(
        "capital.csv",
        &format!("{header}{}", row("s2", "", "Unconfirmed", "")),
    );
    let capital = place.run(&["plan", "capital.csv"]).expect(0).stderr();
    assert!(
        capital.contains("unconfirmed in a report: 1 sale, 8.00 USD"),
        "{capital}"
    );
    let run = ["run", "capital.csv", "--sandbox"];
    place.run(&run).expect(2);
}

#[test]
fn the_refunds_that_follow_from_a_sale_are_tried_again_with_it() {
    let place = own("sale,s1,,ana@example.com,50.00,USD,2026-03-01T10:00:00Z,\n\
         refund,r1,s1,,20.00,USD,2026-03-04T10:00:00Z,\n");
    let sandbox = super::strangers(&place);
    let first = place.run_to(&sandbox, &run("own.csv")).expect(0).json();
    assert_eq!(
        (outcome(&first, "non_referral"), &first["requests"]),
        (2, &json!(1))
    );

    sandbox.track("signup", "email=ana@example.com&ref_id=nora");
    let retry = ["retry", "--event", "s1", "--json", "--yes"];
    let retried = place.run_to(&sandbox, &retry).expect(0).json();
    assert_eq!(outcome(&retried, "tracked"), 2, "{retried:#}");
    let recorded: Vec<i64> = sandbox
        .events()
        .iter()
        .filter(|event| event["kind"] != "signup")
        .map(|event| event["amount_cents"].as_i64().unwrap())
        .collect();
    assert_eq!(recorded, [5_000, 2_000]);
}
