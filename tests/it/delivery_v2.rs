//! Delivery in version 2 of the API: the real binary against a real sandbox.

use crate::support::{KEY, Payment, Place, SandboxProcess, stripe_export};
use serde_json::{Value, json};

const RUN: &[&str] = &["run", "payments.csv", "--yes", "--json"];

/// A sale of a lead with its refund and the end of the subscription, and a sale of a stranger.
const MIXED: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
     sale,s1,,ina@example.com,20.00,USD,2026-03-01\n\
     refund,r1,s1,ina@example.com,5.00,USD,2026-03-04\n\
     cancellation,c1,,ina@example.com,,,2026-03-05\n\
     sale,s2,,olu@example.com,8.00,USD,2026-03-02\n\
     refund,r2,s2,olu@example.com,8.00,USD,2026-03-03\n";

/// An account with one lead.
const START: &str = "[[promoter]]\nref_id = \"nora\"\nemail = \"nora@example.com\"\n\
     [[lead]]\nemail = \"ina@example.com\"\npromoter = \"nora\"\n";

fn mixed() -> (Place, SandboxProcess) {
    let place = Place::new();
    place.write("payments.csv", MIXED);
    place.write("start.toml", START);
    let start = place.path("start.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    (place, sandbox)
}

fn outcome(report: &Value, name: &str) -> u64 {
    report["outcomes"][name]["count"].as_u64().unwrap_or(0)
}

fn body(arrival: &Value) -> Value {
    serde_json::from_str(arrival["body"].as_str().unwrap()).unwrap()
}

#[test]
fn the_four_calls_carry_json_and_their_commissions_reach_the_report() {
    let (place, sandbox) = mixed();
    let ran = place.run_to_v2(&sandbox, RUN).expect(0);
    let report = ran.json();
    assert_eq!(outcome(&report, "tracked"), 3);
    assert_eq!(outcome(&report, "non_referral"), 2);

    let arrivals = sandbox.arrivals();
    // The refund of the stranger's sale is not asked for.
    assert_eq!(arrivals.len(), 4);
    for arrival in &arrivals {
        assert!(
            arrival["path"]
                .as_str()
                .unwrap()
                .starts_with("/api/v2/track/")
        );
        assert_eq!(arrival["content_type"], "application/json");
        assert_eq!(body(arrival).get("created_at"), None, "v2 takes no dates");
    }
    let of = |path: &str| {
        let path = format!("/api/v2/track/{path}");
        body(arrivals.iter().find(|a| a["path"] == path).unwrap())
    };
    assert_eq!(of("cancellation"), json!({"email": "ina@example.com"}));
    assert_eq!(of("refund")["sale_event_id"], "s1");

    // 20 % of 20.00, and of 5.00 back.
    let tracked = place.csv(&format!(
        "{}/tracked.csv",
        report["report_dir"].as_str().unwrap()
    ));
    let column = |name: &str| tracked[0].iter().position(|cell| cell == name).unwrap();
    let told: Vec<[&str; 3]> = tracked[1..]
        .iter()
        .map(|row| ["event_id", "promoter_email", "commission_cents"].map(|n| &*row[column(n)]))
        .collect();
    assert_eq!(
        told,
        [
            ["s1", "nora@example.com", "400"],
            ["r1", "nora@example.com", "-100"],
            ["c1", "nora@example.com", ""]
        ]
    );
}

#[test]
fn that_v2_takes_no_dates_is_said_once_by_plan_and_run() {
    let (place, sandbox) = mixed();
    let of_dates = |problems: &Value| {
        let problems = problems.as_array().unwrap().iter();
        problems
            .filter(|problem| problem["code"] == "dates-not-taken")
            .count()
    };
    let plan = place.run_to_v2(&sandbox, &["plan", "payments.csv", "--json"]);
    assert_eq!(of_dates(&plan.expect(0).json()["problems"]), 1);
    let ran = place.run_to_v2(&sandbox, RUN).expect(0);
    assert_eq!(
        ran.stderr().matches("takes no dates").count(),
        1,
        "{}",
        ran.stderr()
    );
    let plan = Place::new();
    plan.write("payments.csv", MIXED);
    let plan = plan.run(&["plan", "payments.csv", "--json"]).expect(0);
    assert_eq!(of_dates(&plan.json()["problems"]), 0, "v1 takes them");
}

#[test]
fn a_v2_cancellation_is_never_safe_to_repeat_whatever_the_settings_say() {
    let (place, sandbox) = mixed();
    sandbox.fault(&json!({"action": "close", "after_effect": true, "kind": "cancellation"}));
    let mut run = place.command_to_v2(&sandbox, RUN);
    run.env("FPRECON_CANCELLATION_EVENT_ID", "true");
    let report = crate::support::Ran(run.output().unwrap()).expect(1).json();
    assert_eq!(outcome(&report, "unconfirmed"), 1);
    let cancellations = sandbox.arrivals();
    let cancellations = cancellations
        .iter()
        .filter(|arrival| arrival["path"] == "/api/v2/track/cancellation");
    assert_eq!(cancellations.count(), 1);
}

#[test]
fn faults_in_v2_are_overcome_with_the_same_bytes_and_each_event_once() {
    let payments: Vec<Payment> = (1..=12).map(|n| Payment::paid(n, n)).collect();
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&payments));
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    for fault in [
        json!({"action": "close", "after_effect": true, "event_id": "in_0002"}),
        json!({"action": "truncate", "event_id": "in_0003"}),
        json!({"action": "status", "status": 503, "event_id": "in_0004"}),
        json!({"action": "status", "status": 429, "retry_after": 1, "event_id": "in_0005"}),
    ] {
        sandbox.fault(&fault);
    }
    let report = place.run_to_v2(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 12);
    assert_eq!(sandbox.events().len(), 12);
    for id in ["in_0002", "in_0003", "in_0004", "in_0005"] {
        let arrivals = sandbox.arrivals();
        let bodies: Vec<&str> = arrivals
            .iter()
            .filter_map(|arrival| arrival["body"].as_str())
            .filter(|body| body.contains(id))
            .collect();
        assert_eq!(bodies.len(), 2, "{id}");
        assert_eq!(bodies[0], bodies[1], "{id}");
    }
}

#[test]
fn a_wrong_v2_key_stops_the_run_and_turns_up_nowhere() {
    let (place, _) = mixed();
    place.write("right-key", "another-key");
    let file = place.path("right-key");
    let sandbox = SandboxProcess::start(&["--require-key", file.to_str().unwrap()]);
    let ran = place.run_to_v2(&sandbox, RUN).expect(4);
    assert_eq!(outcome(&ran.json(), "not_sent"), 5);
    assert!(!ran.stdout().contains(KEY) && !ran.stderr().contains(KEY));
}

#[test]
fn an_account_of_v2_needs_its_id_and_keeps_its_journal() {
    let (place, sandbox) = mixed();
    let mut command = place.command_to_v2(&sandbox, RUN);
    let nameless = crate::support::Ran(command.env_remove("FPRECON_ACCOUNT_ID").output().unwrap());
    let nameless = nameless.expect(3);
    assert!(
        nameless.stderr().contains("account_id"),
        "{}",
        nameless.stderr()
    );

    // The address says that it is of the other version.
    let mut command = place.command_to(&sandbox, RUN);
    let crossed = crate::support::Ran(command.env("FPRECON_API", "v2").output().unwrap()).expect(3);
    assert!(
        crossed.stderr().contains("base URL"),
        "{}",
        crossed.stderr()
    );

    place.run_to_v2(&sandbox, RUN).expect(0);
    place.run_to(&sandbox, RUN).expect(6);
    let mut other = place.command_to_v2(&sandbox, RUN);
    let other = crate::support::Ran(
        other
            .env("FPRECON_ACCOUNT_ID", "account-2")
            .output()
            .unwrap(),
    );
    other.expect(6);
    assert_eq!(
        sandbox.arrivals().len(),
        4,
        "no other account sent anything"
    );
}

#[test]
fn config_shows_the_version_and_its_address() {
    let place = Place::new();
    let shown = |arguments: &[&str]| place.run(arguments).expect(0).json();
    let v2 = shown(&["config", "--json", "--api", "v2"]);
    assert_eq!(v2["api.version"]["value"], "v2");
    assert_eq!(
        v2["api.base_url"]["value"],
        "https://api.firstpromoter.com/api/v2"
    );
    assert_eq!(v2["api.base_url"]["from"], "default");
    let v1 = shown(&["config", "--json"]);
    assert_eq!(
        v1["api.base_url"]["value"],
        "https://firstpromoter.com/api/v1"
    );
    place.run(&["config", "--api", "v3"]).expect(3);
}

#[test]
fn the_sandbox_inside_the_program_plays_v2_with_a_journal_of_its_own() {
    let place = Place::new();
    place.write("payments.csv", MIXED);
    let both: &[&str] = &["run", "payments.csv", "--sandbox", "--yes", "--json"];
    let v2 = place
        .run(&[both, &["--api", "v2"]].concat())
        .expect(0)
        .json();
    let v1 = place.run(both).expect(0).json();
    let reached = |report: &Value| outcome(report, "tracked") + outcome(report, "non_referral");
    assert_eq!((reached(&v2), reached(&v1)), (5, 5));
    assert!(place.path("fprecon-sandbox-v2.journal").exists());

    // What comes next is said such that it reaches the same journal.
    place.write(
        "payments.csv",
        "kind,event_id,email,amount\nsignup,u1,a@example.com,\n",
    );
    let failed: &[&str] = &["run", "payments.csv", "--sandbox", "--yes", "--api", "v2"];
    let said = place.run(failed).expect(1).stdout();
    assert!(
        said.contains("fprecon retry --failed --sandbox --api v2\n"),
        "{said}"
    );
}

/// The vendor's own instructions name two hosts.
#[test]
fn both_hosts_of_version_2_are_taken_without_a_warning() {
    let place = Place::new();
    place.write(
        "x.csv",
        "kind,event_id,email,amount,currency,created_at\nsignup,u1,ana@example.com,,,2026-03-01\n",
    );
    for host in ["api", "v2"] {
        let url = format!("https://{host}.firstpromoter.com/api/v2");
        let plan = ["plan", "x.csv", "--api", "v2", "--base-url", &url, "--json"];
        let plan = place.run(&plan).expect(0).json();
        assert_eq!(plan["problems"], json!([]), "{host}");
    }
}
