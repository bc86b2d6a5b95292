//! Sign-ups from an export of leads, in both versions of the API.

use crate::support::{Place, Ran, SandboxProcess};
use serde_json::{Value, json};

const RUN: &[&str] = &["run", "payments.csv", "leads.csv", "--yes", "--json"];

/// Ina's sale is older than her sign-up; Olu's visit is unknown; Ugo has no sign-up.
const PAYMENTS: &str = "kind,event_id,email,uid,amount,currency,created_at\n\
     sale,s1,ina@example.com,c1,20.00,USD,2026-01-01\n\
     sale,s2,olu@example.com,c2,30.00,USD,2026-01-02\n\
     sale,s3,ugo@example.com,c3,40.00,USD,2026-01-03\n";
const LEADS: &str = "customer_id,email,ref_id,tid,created_at\n\
     c1,ina@example.com,nora,,2026-03-01\n\
     c2,olu@example.com,,no-such-visit,2026-01-01\n";
const START: &str = "[[promoter]]\nref_id = \"nora\"\nemail = \"nora@example.com\"\n";

fn set_up() -> (Place, SandboxProcess) {
    let place = Place::new();
    place.write("payments.csv", PAYMENTS);
    place.write("leads.csv", LEADS);
    place.write("start.toml", START);
    let start = place.path("start.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    (place, sandbox)
}

fn run(place: &Place, sandbox: &SandboxProcess, version: &str, arguments: &[&str]) -> Ran {
    match version {
        "v1" => place.run_to(sandbox, arguments),
        _ => place.run_to_v2(sandbox, arguments),
    }
}

fn of(report: &Value, name: &str, kind: &str) -> u64 {
    report["outcomes"][name]["by_kind"][kind]["count"]
        .as_u64()
        .unwrap_or(0)
}

fn paths(sandbox: &SandboxProcess) -> Vec<String> {
    let arrivals = sandbox.arrivals();
    let path = |arrival: &Value| arrival["path"].as_str().unwrap().to_owned();
    arrivals.iter().map(path).collect()
}

#[test]
fn a_sign_up_goes_before_the_sales_of_its_customer_whatever_its_date_says() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        let report = run(&place, &sandbox, version, RUN).expect(1).json();
        assert_eq!(of(&report, "tracked", "signup"), 1, "{version}");
        assert_eq!(of(&report, "tracked", "sale"), 1, "{version}: ina's");
        // A wrong `tid` makes nobody a lead: the sign-up failed, and the sale is no referral.
        assert_eq!(of(&report, "failed", "signup"), 1, "{version}");
        assert_eq!(of(&report, "non_referral", "sale"), 2, "{version}");
        let effects: Vec<Value> = sandbox
            .events()
            .iter()
            .map(|event| event["kind"].clone())
            .collect();
        assert_eq!(effects, ["signup", "sale"], "{version}");
        let failed = place.read(&format!(
            "{}/failed.csv",
            report["report_dir"].as_str().unwrap()
        ));
        assert!(failed.contains("Visitor"), "{version}: {failed}");
        assert!(failed.contains("signup_c2"), "{version}: {failed}");
    }
}

#[test]
fn a_sign_up_carries_its_date_and_promoter_and_no_event_id() {
    let (place, sandbox) = set_up();
    run(&place, &sandbox, "v1", RUN).expect(1);
    let arrivals = sandbox.arrivals();
    let sign_up = arrivals
        .iter()
        .find(|arrival| arrival["body"].as_str().unwrap().contains("ref_id"))
        .unwrap();
    let said = |name: &str| crate::support::form(sign_up, name);
    assert_eq!(sign_up["path"], "/api/v1/track/signup");
    assert_eq!(said("ref_id").as_deref(), Some("nora"));
    assert_eq!(said("uid").as_deref(), Some("c1"));
    assert_eq!(said("created_at").as_deref(), Some("2026-03-01T00:00:00Z"));
    assert_eq!(said("event_id"), None);
}

#[test]
fn a_second_sign_up_is_already_tracked_and_the_journal_sends_none_again() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        sandbox.track("signup", "email=ina@example.com&uid=c1&ref_id=nora");
        let report = run(&place, &sandbox, version, RUN).expect(1).json();
        assert_eq!(of(&report, "already_tracked", "signup"), 1, "{version}");
        assert_eq!(of(&report, "tracked", "sale"), 1, "{version}");
        let before = paths(&sandbox).len();
        // What failed in the first run still needs attention.
        run(&place, &sandbox, version, RUN).expect(1);
        assert_eq!(paths(&sandbox).len(), before, "{version}");
    }
}

#[test]
fn a_sign_up_whose_answer_was_lost_is_asked_again_and_counts_as_ours() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        sandbox.fault(&json!({"action": "close", "after_effect": true, "kind": "signup"}));
        let report = run(&place, &sandbox, version, RUN).expect(1).json();
        assert_eq!(of(&report, "tracked", "signup"), 1, "{version}");
        assert_eq!(of(&report, "already_tracked", "signup"), 0, "{version}");
        assert_eq!(of(&report, "tracked", "sale"), 1, "{version}");
    }
}

#[test]
fn a_later_runs_sign_up_goes_before_the_sales_that_an_earlier_one_left() {
    let (place, sandbox) = set_up();
    sandbox.fault(&json!({"action": "status", "status": 500, "times": 1000}));
    let mut first = place.command_to(&sandbox, &["run", "payments.csv", "--yes", "--json"]);
    first.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    Ran(first.output().unwrap()).expect(5);
    sandbox.forget_faults();
    let report = run(&place, &sandbox, "v1", RUN).expect(1).json();
    assert_eq!(of(&report, "tracked", "sale"), 1, "ina's");
    assert_eq!(of(&report, "non_referral", "sale"), 2);
}

#[test]
fn a_sale_of_a_customer_who_signed_up_since_needs_attention_until_it_is_asked_again() {
    for version in ["v1", "v2"] {
        let (place, sandbox) = set_up();
        place.write("old.csv", &PAYMENTS.replace(",s", ",old-s"));
        let leads: Vec<&str> = LEADS.lines().take(2).collect();
        place.write("leads.csv", &format!("{}\n", leads.join("\n")));
        let call = |names: &[&str], code: i32| {
            let mut arguments = vec!["run", "--yes", "--json"];
            arguments.extend(names);
            let ran = run(&place, &sandbox, version, &arguments);
            ran.expect(code).json()
        };
        let report = call(&["payments.csv"], 0);
        assert_eq!(of(&report, "non_referral", "sale"), 3, "{version}");
        // Ina signs up; the other two have not.
        let report = call(&["leads.csv"], 1);
        assert_eq!(of(&report, "tracked", "signup"), 1, "{version}");
        let attention = &report["attention"];
        assert_eq!(attention[0]["code"], "signed_up_since", "{attention}");
        assert_eq!(attention[0]["count"], 1, "{attention}");
        assert_eq!(attention[0]["amount_cents"]["USD"], 2_000, "{attention}");
        let command = attention[0]["command"].as_str().unwrap();
        assert!(
            command.starts_with("fprecon retry --non-referral"),
            "{command}"
        );
        let listed = place.read(&format!(
            "{}/non_referral.csv",
            report["report_dir"].as_str().unwrap()
        ));
        assert!(
            listed.contains("sale,s1,") && !listed.contains("s2"),
            "{listed}"
        );
        // Her further sales are tracked; the old one needs attention for as long as exports have it.
        let report = call(&["old.csv"], 0);
        assert_eq!(of(&report, "tracked", "sale"), 1, "{version}");
        call(&["payments.csv"], 1);
        let report = run(
            &place,
            &sandbox,
            version,
            &["retry", "--non-referral", "--yes", "--json"],
        );
        let report = report.expect(0).json();
        assert_eq!(of(&report, "tracked", "sale"), 1, "{version}");
        call(&["payments.csv", "leads.csv"], 0);
    }
}

#[test]
fn a_sale_from_before_the_sign_up_can_be_accepted() {
    let (place, sandbox) = set_up();
    let leads: Vec<&str> = LEADS.lines().take(2).collect();
    place.write("leads.csv", &format!("{}\n", leads.join("\n")));
    run(&place, &sandbox, "v1", &["run", "payments.csv", "--yes"]).expect(0);
    let arguments = ["run", "leads.csv", "--yes", "--json", "--dir", "report"];
    run(&place, &sandbox, "v1", &arguments).expect(1);
    let accept = [
        "accept",
        "report/non_referral.csv",
        "--reason",
        "bought before",
    ];
    run(&place, &sandbox, "v1", &accept).expect(0);
    run(
        &place,
        &sandbox,
        "v1",
        &["run", "payments.csv", "leads.csv", "--yes"],
    )
    .expect(0);
}
