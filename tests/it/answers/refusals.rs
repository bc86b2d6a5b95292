//! Refusals that are the account's and not the events'.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::json;

use super::{asked, leads, outcome, own, run, sales};
use crate::support::{Place, Ran, SandboxProcess};

const WID: &str = r#"{"message":"wid is invalid"}"#;

#[test]
fn a_run_of_which_nothing_goes_well_stops_and_resume_sends_all_of_it() {
    for (status, body) in [
        (400, WID),
        (404, "<html>"),
        (200, r#"{"error":"Invalid company"}"#),
    ] {
        let (place, sandbox) = (sales(60), leads());
        sandbox.fault(&json!({
            "action": "status", "status": status, "body": body, "percent": 100
        }));
        let ran = place.run_to(&sandbox, &run("own.csv")).expect(4);
        let said = body.trim_matches(|c: char| !c.is_alphanumeric());
        let said = said.rsplit('"').next().unwrap();
        assert!(ran.stderr().contains(said), "{}", ran.stderr());
        assert!(
            ran.stderr().contains("`fprecon resume`"),
            "{}",
            ran.stderr()
        );
        let report = ran.json();
        assert_eq!(outcome(&report, "not_sent"), 60, "{status}");
        assert_eq!(report["exit_code"], 4);
        let requests = sandbox.arrivals().len();
        assert!((20..60).contains(&requests), "{requests}");

        sandbox.forget_faults();
        let resumed = place
            .run_to(&sandbox, &["resume", "--json"])
            .expect(0)
            .json();
        assert_eq!(outcome(&resumed, "tracked"), 60, "{status}");
        assert_eq!(sandbox.events().len(), 60);
    }
}

#[test]
fn a_refusal_with_another_request_id_each_time_is_the_same_refusal() {
    for (status, body) in [
        (400, r#"{"errors":{"wid":"invalid"},"request_id":"ID"}"#),
        (409, r#"{"message":"request ID is in progress"}"#),
    ] {
        let (place, sandbox) = (sales(60), leads());
        for number in 0..60 {
            let id = format!("7d1f{number:04}-6a0c-4f0e-8b3a-{:012x}", number * 7919);
            sandbox.fault(&json!({
                "action": "status", "status": status, "body": body.replace("ID", &id), "times": 1
            }));
        }
        let report = place.run_to(&sandbox, &run("own.csv")).expect(4).json();
        assert_eq!(outcome(&report, "not_sent"), 60, "{status}");
        let requests = sandbox.arrivals().len();
        assert!((20..60).contains(&requests), "{requests}");
    }
}

#[test]
fn fewer_refusals_are_the_events_own() {
    let (place, sandbox) = (sales(19), leads());
    sandbox.fault(&json!({"action": "status", "status": 400, "body": WID, "times": 19}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(1).json();
    assert_eq!(outcome(&report, "failed"), 19);

    let (place, sandbox) = (sales(40), leads());
    sandbox.fault(&json!({"action": "status", "status": 400, "body": WID, "times": 30, "skip": 1}));
    let mut command = place.command_to(&sandbox, &run("own.csv"));
    let ran = crate::support::Ran(command.env("FPRECON_CONCURRENCY", "1").output().unwrap());
    let report = ran.expect(1).json();
    assert_eq!(outcome(&report, "failed"), 30, "one went well before");
    assert_eq!(outcome(&report, "tracked"), 10);
}

#[test]
fn what_follows_from_a_refusal_of_the_account_is_not_settled_either() {
    // All of one customer: each event waits for the one before.
    let row = |n: u32| {
        format!(
            "sale,s{n},,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,\n\
             refund,r{n},s{n},ana@example.com,10.00,USD,2026-03-02T10:00:00Z,\n"
        )
    };
    let place = own(&(1..=30).map(row).collect::<String>());
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 400, "body": WID, "percent": 100}));
    let report = place.run_to(&sandbox, &run("own.csv")).expect(4).json();
    assert_eq!(outcome(&report, "not_sent"), 60);
    assert_eq!(asked(&sandbox).len(), 20);
    sandbox.forget_faults();
    let resumed = place
        .run_to(&sandbox, &["resume", "--json"])
        .expect(0)
        .json();
    assert_eq!(outcome(&resumed, "tracked"), 60);
}

#[test]
fn a_long_series_of_the_same_refusal_stops_a_run_that_went_well_before() {
    let (place, sandbox) = (sales(60), leads());
    sandbox.fault(&json!({
        "action": "status", "status": 400, "body": WID, "percent": 100, "skip": 5
    }));
    let mut command = place.command_to(&sandbox, &run("own.csv"));
    command
        .env("FPRECON_STOP_AFTER_SAME_REFUSALS", "3")
        .env("FPRECON_CONCURRENCY", "1");
    let ran = crate::support::Ran(command.output().unwrap()).expect(4);
    let report = ran.json();
    assert_eq!(outcome(&report, "tracked"), 5);
    assert_eq!(outcome(&report, "failed"), 30);
    assert_eq!(outcome(&report, "not_sent"), 25);
    let hint = ran.stderr();
    assert!(
        hint.contains("`fprecon resume`") && hint.contains("`fprecon retry --failed`"),
        "{hint}"
    );

    sandbox.forget_faults();
    let resumed = place
        .run_to(&sandbox, &["resume", "--json"])
        .expect(1)
        .json();
    assert_eq!(outcome(&resumed, "tracked"), 30);
    let retried = place
        .run_to(&sandbox, &["retry", "--failed", "--json"])
        .expect(0)
        .json();
    assert_eq!(outcome(&retried, "tracked"), 30);
    assert_eq!(sandbox.events().len(), 60);
}

/// Runs `own.csv` on a terminal on which these lines are typed.
fn on_a_terminal(place: &Place, sandbox: &SandboxProcess, typed: &str) -> Ran {
    let run = place.command_to(sandbox, &["run", "own.csv"]);
    let program = run.get_program().to_str().unwrap();
    let mut terminal = Command::new("script");
    terminal
        .args(["-qec", &format!("{program} run own.csv"), "/dev/null"])
        .current_dir(run.get_current_dir().unwrap())
        .env_clear()
        .env("FPRECON_STOP_AFTER_SAME_REFUSALS", "3")
        .env("FPRECON_CONCURRENCY", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for (name, value) in run.get_envs() {
        match value {
            Some(value) => terminal.env(name, value),
            None => terminal.env_remove(name),
        };
    }
    let mut child = terminal.spawn().unwrap();
    // The end of the input would end the terminal.
    let mut keys = child.stdin.take().unwrap();
    keys.write_all(typed.as_bytes()).unwrap();
    let ran = Ran(child.wait_with_output().unwrap());
    drop(keys);
    ran
}

#[test]
fn on_a_terminal_a_long_series_of_the_same_refusal_asks_before_it_goes_on() {
    if Command::new("script").arg("--version").output().is_err() {
        eprintln!("skipped: `script` is not there");
        return;
    }
    for (typed, sent) in [("y\ny\n", 60), ("y\nn\n", 35)] {
        let (place, sandbox) = (sales(60), leads());
        sandbox.fault(&json!({
            "action": "status", "status": 400, "body": WID, "percent": 100, "skip": 5
        }));
        let ran = on_a_terminal(&place, &sandbox, typed);
        let shown = String::from_utf8_lossy(&ran.0.stdout).into_owned();
        let question = "The API refuses one event after the other: HTTP 400: wid is invalid. Send the other 25 events?";
        assert!(shown.contains(question), "{shown}");
        assert_eq!(asked(&sandbox).len(), sent, "{shown}");
        assert_eq!(ran.code(), if sent == 60 { 1 } else { 4 }, "{shown}");
    }
}
