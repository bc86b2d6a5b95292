//! Standard output whose reader is gone, or whose disk is full.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Payment, Place, Ran, SandboxProcess, stripe_export};

/// Runs with a standard output of which the other end is closed before the program starts.
fn unread(mut command: Command) -> Ran {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    Ran(command.stdout(Stdio::from(writer)).output().unwrap())
}

/// Runs with a standard output that is on a full disk.
fn full(mut command: Command) -> Ran {
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    Ran(command.stdout(Stdio::from(full)).output().unwrap())
}

fn sales(count: u32) -> Place {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    place.write("x.csv", &stripe_export(&payments));
    place
}

fn summary(place: &Place) -> Value {
    let runs = std::fs::read_dir(place.path("reports")).unwrap();
    let mut runs: Vec<_> = runs.map(|run| run.unwrap().path()).collect();
    runs.sort();
    let text = std::fs::read(runs.last().unwrap().join("summary.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

#[test]
fn row_41a_help_on_a_full_disk_is_no_success() {
    let place = Place::new();
    for words in [&["--help"][..], &["run", "--help"], &["--version"]] {
        let said = full(place.command(words)).expect(3).stderr();
        assert!(said.contains("standard output can't be written"), "{said}");
        unread(place.command(words)).expect(0);
    }
}

#[test]
fn row_41_what_was_confirmed_is_sent_though_nobody_reads_standard_output() {
    for json in [&[][..], &["--json"]] {
        let (place, sandbox) = (sales(5), SandboxProcess::start(&[]));
        let arguments = [&["run", "x.csv", "--yes"], json].concat();
        unread(place.command_to(&sandbox, &arguments)).expect(0);
        assert_eq!(sandbox.events().len(), 5);
        assert_eq!(summary(&place)["outcomes"]["tracked"]["count"], 5);
        let status = place.run_to(&sandbox, &["status", "--json"]).expect(0);
        assert_eq!(status.json()["unfinished_runs"], 0);
    }
}

#[test]
fn row_41_the_exit_code_is_that_of_the_outcome() {
    let (place, sandbox) = (sales(3), SandboxProcess::start(&[]));
    sandbox.fault(&json!({"action": "status", "status": 422, "event_id": "in_0002"}));
    let ran = unread(place.command_to(&sandbox, &["run", "x.csv", "--yes"])).expect(1);
    assert!(!ran.stderr().contains("error:"), "{}", ran.stderr());
    assert_eq!(sandbox.events().len(), 2);
    assert_eq!(summary(&place)["outcomes"]["failed"]["count"], 1);

    let retry = place.command_to(&sandbox, &["retry", "--failed", "--yes"]);
    unread(retry).expect(0);
    assert_eq!(sandbox.events().len(), 3);
}

#[test]
fn row_41_without_a_yes_nothing_is_sent_and_that_is_no_success() {
    let (place, sandbox) = (sales(3), SandboxProcess::start(&[]));
    let ran = unread(place.command_to(&sandbox, &["run", "x.csv"])).expect(2);
    assert!(ran.stderr().contains("--yes"), "{}", ran.stderr());
    assert_eq!(sandbox.arrivals().len(), 0);
}

#[test]
fn row_41_resume_sends_the_rest_though_nobody_reads_standard_output() {
    let (place, sandbox) = (sales(4), SandboxProcess::start(&[]));
    sandbox.fault(&json!({"action": "status", "status": 500, "times": 1_000_000}));
    let mut run = place.command_to(&sandbox, &["run", "x.csv", "--yes"]);
    run.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    unread(run).expect(5);
    sandbox.forget_faults();
    unread(place.command_to(&sandbox, &["resume"])).expect(0);
    assert_eq!(sandbox.events().len(), 4);
}

#[test]
fn row_41_commands_that_only_say_something_end_by_what_they_found() {
    let (place, sandbox) = (sales(3), SandboxProcess::start(&[]));
    sandbox.fault(&json!({"action": "status", "status": 422, "event_id": "in_0002"}));
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(1);
    for (arguments, code) in [
        (&["plan", "x.csv"][..], 0),
        (&["plan", "x.csv", "--json"], 0),
        (&["status"], 0),
        (&["status", "--json"], 0),
        (&["report"], 0),
        (&["journal", "check"], 0),
        (&["journal", "export"], 0),
        (&["profiles", "list"], 0),
        (&["profiles", "show", "stripe-payments"], 0),
        (&["config"], 0),
        (&["man"], 0),
        (&["completions", "zsh"], 0),
        (&["plan", "missing.csv"], 3),
        (&["plan", "missing.csv", "--json"], 3),
    ] {
        let ran = unread(place.command_to(&sandbox, arguments)).expect(code);
        assert!(!ran.stderr().contains("panicked"), "{arguments:?}");
    }
    place.write("held.csv", "kind,event_id,amount,currency,email,sale_event_id,created_at\nrefund,r1,5.00,USD,a@example.com,none,2026-03-01\n");
    unread(place.command_to(&sandbox, &["plan", "held.csv"])).expect(1);
    // What `accept` was told is in the journal before it says so.
    let report = std::fs::read_dir(place.path("reports")).unwrap().next();
    let failed = report.unwrap().unwrap().path().join("failed.csv");
    let accept = ["accept", failed.to_str().unwrap(), "--reason", "known"];
    unread(place.command_to(&sandbox, &accept)).expect(0);
    let list = place.run_to(&sandbox, &["accept", "--list", "--json"]);
    assert_eq!(
        list.expect(0).json()["accepted"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn row_41a_a_full_disk_under_standard_output_is_said() {
    let (place, sandbox) = (sales(3), SandboxProcess::start(&[]));
    let run = ["run", "x.csv", "--yes"];
    let ran = full(place.command_to(&sandbox, &run)).expect(3);
    let said = ran.stderr();
    assert!(
        said.contains("error: standard output can't be written"),
        "{said}"
    );
    assert!(said.contains("nothing was sent"), "{said}");
    assert!(!said.contains("is done"), "{said}");
    assert_eq!(sandbox.arrivals().len(), 0);
    // JSON comes at the end: what was sent is sent, and in the report.
    let run = [&run[..], &["--json"]].concat();
    let ran = full(place.command_to(&sandbox, &run)).expect(3);
    let said = ran.stderr();
    assert!(said.contains("the work itself is done"), "{said}");
    assert_eq!(sandbox.events().len(), 3);
    assert_eq!(summary(&place)["outcomes"]["tracked"]["count"], 3);
    // As the hint says.
    let status = place.run_to(&sandbox, &["status"]).expect(0).stdout();
    assert!(status.contains("Nothing needs attention."), "{status}");
    place.run_to(&sandbox, &["report"]).expect(0);
    for arguments in [&["plan", "x.csv"][..], &["status"], &["journal", "export"]] {
        let ran = full(place.command_to(&sandbox, arguments)).expect(3);
        let said = ran.stderr();
        assert!(
            said.contains("standard output can't be written"),
            "{arguments:?}: {said}"
        );
    }
}
