//! Settings that change between a kill and `resume`: what was started says what it said.

use std::process::Stdio;

use serde_json::{Value, json};

use super::{outcome, own, run, sales};
use crate::support::{Place, Ran, SandboxProcess, form, wait_until};

/// Runs `own.csv` and kills it when its request has taken effect and has no answer yet.
fn run_until_killed(place: &Place, sandbox: &SandboxProcess, settings: &[(&str, &str)]) {
    sandbox.fault(&json!({"action": "drop", "after_effect": true}));
    let mut command = place.command_to(sandbox, &run("own.csv"));
    command.envs(settings.iter().copied());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    wait_until("nothing took effect", || !sandbox.events().is_empty());
    child.kill().unwrap();
    child.wait().unwrap();
}

fn resume(place: &Place, sandbox: &SandboxProcess, settings: &[(&str, &str)]) -> Ran {
    let mut command = place.command_to(sandbox, &["resume", "--json"]);
    Ran(command.envs(settings.iter().copied()).output().unwrap())
}

const CANCELLATION: &str = "cancellation,c1,,ana@example.com,,,2026-03-01T10:00:00Z,\n";
const WITH_ID: (&str, &str) = ("FPRECON_CANCELLATION_EVENT_ID", "true");

#[test]
fn a_cancellation_that_went_without_an_id_is_not_repeated_with_one() {
    let place = own(CANCELLATION);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--cancellation-event-id"]);
    run_until_killed(&place, &sandbox, &[]);
    let report = resume(&place, &sandbox, &[WITH_ID]).expect(1).json();
    assert_eq!(outcome(&report, "unconfirmed"), 1, "{report:#}");
    assert_eq!(sandbox.arrivals().len(), 1);
}

#[test]
fn a_cancellation_that_is_repeated_on_purpose_says_what_it_said() {
    let place = own(CANCELLATION);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--cancellation-event-id"]);
    run_until_killed(&place, &sandbox, &[]);
    resume(&place, &sandbox, &[WITH_ID]).expect(1);
    let mut command = place.command_to(&sandbox, &["retry", "--unconfirmed", "--yes"]);
    Ran(command.env(WITH_ID.0, WITH_ID.1).output().unwrap()).expect(0);
    // An id now would look as if it could not count twice.
    assert_same_bodies(&sandbox.arrivals());
}

#[test]
fn a_cancellation_that_went_with_an_id_goes_again_with_it() {
    let place = own(CANCELLATION);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--cancellation-event-id"]);
    run_until_killed(&place, &sandbox, &[WITH_ID]);
    let report = resume(&place, &sandbox, &[]).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 1, "{report:#}");
    assert_same_bodies(&sandbox.arrivals());
    assert_eq!(sandbox.events().len(), 1);
}

#[test]
fn a_sale_names_the_currency_that_it_named_before() {
    let euro = ("FPRECON_ACCOUNT_CURRENCY", "EUR");
    let mails = ("FPRECON_NOTIFY_PROMOTERS", "true");
    for (before, after) in [(&[][..], &[euro, mails][..]), (&[euro, mails], &[])] {
        let place = sales(1);
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        run_until_killed(&place, &sandbox, before);
        let report = resume(&place, &sandbox, after).expect(0).json();
        assert_eq!(outcome(&report, "tracked"), 1);
        let arrivals = sandbox.arrivals();
        assert_same_bodies(&arrivals);
        let named = before.contains(&euro).then(|| "USD".to_owned());
        assert_eq!(form(&arrivals[1], "currency"), named);
    }
}

#[test]
fn every_attempt_says_in_the_journal_what_it_carried() {
    let place = sales(1);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let mut command = place.command_to(&sandbox, &run("own.csv"));
    let ran = Ran(command
        .env("FPRECON_ACCOUNT_CURRENCY", "EUR")
        .output()
        .unwrap());
    ran.expect(0);
    place
        .run(&["journal", "export", "--attempts", "-o", "attempts.csv"])
        .expect(0);
    let rows = place.csv("attempts.csv");
    let at = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
    assert_eq!(rows[1][at("sent_event_id")], "1");
    assert_eq!(rows[1][at("sent_currency")], "USD");
    let digest = &rows[1][at("sent_digest")];
    assert!(
        digest.len() == 32 && digest.bytes().all(|b| b.is_ascii_hexdigit()),
        "{digest}"
    );
}

#[track_caller]
fn assert_same_bodies(arrivals: &[Value]) {
    assert_eq!(arrivals.len(), 2, "{arrivals:#?}");
    assert_eq!(arrivals[0]["body"], arrivals[1]["body"]);
}
