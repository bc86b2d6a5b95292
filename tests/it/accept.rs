//! Items that are accepted as they are, and nights that stay loud until something was done.

use crate::support::{Payment, Place, Ran, SandboxProcess, stripe_export};
use serde_json::{Value, json};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

fn generic(rows: &[&str]) -> String {
    format!("{HEADER}{}\n", rows.join("\n"))
}

/// Refuses the next events for good.
pub fn refuse(sandbox: &SandboxProcess, times: u32) {
    sandbox.fault(&json!({"action": "status", "status": 422, "times": times}));
}

/// A night: the exit code must be what the list of attention says.
#[track_caller]
fn night(place: &Place, sandbox: &SandboxProcess, exports: &[&str]) -> Value {
    let arguments: Vec<&str> = [&["run", "--yes", "--json"], exports].concat();
    let ran = place.run_to(sandbox, &arguments);
    let json = ran.json();
    let is_well = json["attention"].as_array().unwrap().is_empty();
    assert_eq!(ran.code(), if is_well { 0 } else { 1 }, "{json}");
    assert_eq!(json["exit_code"], ran.code());
    json
}

/// `code count amount` of everything that needs attention.
fn attention(json: &Value) -> Vec<String> {
    words(&json["attention"])
}

fn accepted(json: &Value) -> Vec<String> {
    words(&json["accepted"])
}

fn words(list: &Value) -> Vec<String> {
    let items = list.as_array().unwrap().iter();
    let words = items.map(|item| {
        let code = item["code"].as_str().unwrap();
        format!("{code} {} {}", item["count"], item["amount_cents"])
    });
    words.collect()
}

fn file(json: &Value, name: &str) -> String {
    format!("{}/{name}", json["report_dir"].as_str().unwrap())
}

fn accept(place: &Place, files: &[&str]) -> Ran {
    let arguments: Vec<&str> = [&["accept", "--reason", "test orders", "--json"], files].concat();
    place.run(&arguments)
}

/// Checks that a night says in words that an event failed before.
fn expect_failed_in_words(place: &Place, sandbox: &SandboxProcess) {
    let text = place
        .run_to(sandbox, &["run", "payments.csv", "--yes"])
        .expect(1);
    assert!(
        text.stdout().contains("1 event failed in an earlier run"),
        "{}",
        text.stdout()
    );
    assert!(!text.stdout().contains("Nothing needs attention"));
    let quiet = place
        .run_to(sandbox, &["run", "payments.csv", "--yes", "-q"])
        .expect(1);
    assert_eq!(quiet.stdout(), "");
    let line = quiet.stderr();
    assert!(
        line.starts_with("needs attention: 1 event failed in an earlier run (20.00 USD); report: "),
        "{line}"
    );
    let next = "/report.html; next: fprecon retry --failed\n";
    assert!(line.ends_with(next), "{line}");
    assert_eq!(line.lines().count(), 1);
}

/// Checks that a night says in words that the failed event was accepted.
fn expect_accepted_in_words(place: &Place, sandbox: &SandboxProcess) {
    let quiet = place
        .run_to(sandbox, &["run", "payments.csv", "--yes", "-q"])
        .expect(0);
    assert_eq!(
        (quiet.stdout(), quiet.stderr()),
        (String::new(), String::new())
    );
    let text = place
        .run_to(sandbox, &["run", "payments.csv", "--yes"])
        .expect(0);
    assert!(
        text.stdout().contains("Accepted: 1 event failed."),
        "{}",
        text.stdout()
    );
}

#[test]
fn a_failed_event_is_said_every_night_until_it_is_accepted_and_again_when_that_is_taken_back() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let payments: Vec<Payment> = (1..=3)
        .map(|number| Payment::paid(number, number))
        .collect();
    place.write("payments.csv", &stripe_export(&payments));
    refuse(&sandbox, 1);
    let first = night(&place, &sandbox, &["payments.csv"]);
    assert_eq!(attention(&first), [r#"failed 1 {"USD":2000}"#]);
    assert_eq!(first["attention"][0]["earlier"], 0);
    assert_eq!(first["attention"][0]["command"], "fprecon retry --failed");

    let second = night(&place, &sandbox, &["payments.csv"]);
    assert_eq!(second["requests"], 0);
    assert_eq!(second["outcomes"]["failed"]["count"], 0);
    assert_eq!(attention(&second), attention(&first));
    assert_eq!(second["attention"][0]["earlier"], 1);
    // The report of the second night has what is needed to act on it.
    let failed = file(&second, "failed.csv");
    assert_eq!(place.csv(&failed).len(), 2);
    expect_failed_in_words(&place, &sandbox);

    // The report is written, which is all that this command is asked for.
    let report = place.run(&["report", "-q"]).expect(0);
    assert_eq!(
        (report.stdout(), report.stderr()),
        (String::new(), String::new())
    );

    let arrivals = sandbox.arrivals().len();
    let ran = accept(&place, &[&failed]).expect(0);
    assert_eq!(ran.json()["accepted"], 1);
    assert_eq!(
        accept(&place, &[&failed]).expect(0).json()["accepted_before"],
        1
    );
    let third = night(&place, &sandbox, &["payments.csv"]);
    assert_eq!(attention(&third), [""; 0]);
    assert_eq!(accepted(&third), [r#"failed 1 {"USD":2000}"#]);
    assert_eq!(third["accepted"][0]["reason"], "test orders");
    assert!(third["accepted"][0]["by"].as_str().unwrap().contains('@'));
    expect_accepted_in_words(&place, &sandbox);

    // The first night's report now says so, too.
    let again = place.run(&["report", "--json", "--run", first["run"].as_str().unwrap()]);
    let again = again.expect(0).json();
    assert_eq!(
        (attention(&again), accepted(&again)),
        (vec![], accepted(&third))
    );
    assert_eq!(again["exit_code"], 0);

    place.run(&["accept", "--undo", &failed]).expect(0);
    let fourth = night(&place, &sandbox, &["payments.csv"]);
    assert_eq!(attention(&fourth), attention(&first));
    assert_eq!(accepted(&fourth), [""; 0]);
    assert_eq!(
        sandbox.arrivals().len(),
        arrivals,
        "nothing was sent meanwhile"
    );

    // Tried again, with success, it needs nothing any more.
    place.run_to(&sandbox, &["retry", "--failed"]).expect(0);
    assert_eq!(
        attention(&night(&place, &sandbox, &["payments.csv"])),
        [""; 0]
    );
    let status = place.run_to(&sandbox, &["status"]).expect(0);
    assert!(
        status.stdout().contains("Nothing needs attention."),
        "{}",
        status.stdout()
    );
}

/// Checks that what was accepted is listed, in the report of a night and by the command.
fn expect_all_accepted(place: &Place, night: &Value) {
    // It stays held, and every later report lists it.
    assert_eq!(night["events"]["by_plan"]["conflict"], 2);
    assert_eq!(place.csv(&file(night, "held.csv")).len(), 4);
    let listed = place.csv(&file(night, "accepted.csv"));
    assert_eq!(listed.len(), 6);
    assert!(
        listed[1..]
            .iter()
            .all(|row| row[8] == "test orders" && row[5] == "night.csv")
    );
    let html = place.read(&file(night, "report.html"));
    assert!(html.contains("Nothing needs attention") && html.contains("test orders"));
    let list = place.run(&["accept", "--list"]).expect(0).stdout();
    assert!(
        list.contains("held: refund r1, 3.00 USD, night.csv:3"),
        "{list}"
    );
    assert_eq!(
        place.run(&["accept", "--list", "--json"]).json()["accepted"]
            .as_array()
            .unwrap()
            .len(),
        5
    );
    place.run(&["journal", "check"]).expect(0);
}

#[test]
fn every_kind_of_item_can_be_accepted_whole_and_taken_back_line_by_line() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    place.write(
        "night.csv",
        &generic(&[
            "sale,s1,,ann@example.com,8.00,USD,2026-03-01",
            "refund,r1,nowhere,bob@example.com,3.00,USD,2026-03-02",
            "sale,s2,,cy@example.com,1.00,USD,2026-03-01",
            "sale,s2,,cy@example.com,2.00,USD,2026-03-01",
            "sale,s3,,di@example.com,x,USD,2026-03-01",
        ]),
    );
    refuse(&sandbox, 1);
    let first = night(&place, &sandbox, &["night.csv"]);
    let all = [
        r#"failed 1 {"USD":800}"#,
        r#"conflict 2 {"USD":300}"#,
        r#"held 1 {"USD":300}"#,
        "rejected 1 {}",
    ];
    assert_eq!(attention(&first), all);
    let files = ["failed.csv", "held.csv", "rejected.csv"].map(|name| file(&first, name));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    assert_eq!(accept(&place, &files).expect(0).json()["accepted"], 5);
    let second = night(&place, &sandbox, &["night.csv"]);
    assert_eq!(
        (attention(&second), accepted(&second)),
        (vec![], all.map(str::to_owned).to_vec())
    );
    expect_all_accepted(&place, &second);

    // With a line taken out of the report, only the others are taken back.
    let held = place.read(&file(&second, "held.csv"));
    let without_refund: Vec<&str> = held
        .lines()
        .filter(|line| !line.starts_with("refund"))
        .collect();
    place.write("part.csv", &format!("{}\n", without_refund.join("\n")));
    let undone = place
        .run(&["accept", "--undo", "part.csv", "--json"])
        .expect(0);
    assert_eq!(undone.json()["undone"], 2);
    assert_eq!(
        attention(&night(&place, &sandbox, &["night.csv"])),
        all[1..2]
    );
    let undone = place
        .run(&["accept", "--undo", "--event", "r1", "--json"])
        .expect(0);
    assert_eq!(undone.json()["undone"], 1);
    assert_eq!(
        attention(&night(&place, &sandbox, &["night.csv"])),
        all[1..3]
    );
}

#[test]
fn an_item_that_changes_after_it_was_accepted_needs_attention_again() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let refund =
        |amount: &str| format!("refund,r1,nowhere,bob@example.com,{amount},USD,2026-03-02");
    let row = |amount: &str| format!("sale,s3,,di@example.com,{amount},USD,2026-03-01");
    let sale = "sale,s1,,ann@example.com,8.00,USD,2026-03-01";
    place.write("night.csv", &generic(&[sale, &refund("3.00"), &row("x")]));
    refuse(&sandbox, 1);
    let first = night(&place, &sandbox, &["night.csv"]);
    let names = ["failed.csv", "held.csv", "rejected.csv"];
    let files = names.map(|name| file(&first, name));
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    accept(&place, &files).expect(0);

    // The same rows under another name and on other lines are the same items.
    place.write(
        "later.csv",
        &generic(&[
            "sale,s9,,eve@example.com,5.00,USD,2026-03-03",
            &row("x"),
            &refund("3.00"),
            sale,
        ]),
    );
    assert_eq!(attention(&night(&place, &sandbox, &["later.csv"])), [""; 0]);
    // Another amount, other cells: other items.
    place.write("night.csv", &generic(&[sale, &refund("4.00"), &row("y")]));
    let changed = night(&place, &sandbox, &["night.csv"]);
    assert_eq!(
        attention(&changed),
        [r#"held 1 {"USD":400}"#, "rejected 1 {}"]
    );
    // Refused again for another reason.
    sandbox.fault(&json!({"action": "status", "status": 400, "times": 1}));
    place
        .run_to(&sandbox, &["retry", "--event", "s1"])
        .expect(1);
    place.write("night.csv", &generic(&[sale]));
    assert_eq!(
        attention(&night(&place, &sandbox, &["night.csv"])),
        [r#"failed 1 {"USD":800}"#]
    );
}

#[test]
fn an_unconfirmed_cancellation_is_accepted_by_its_id() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    place.write(
        "night.csv",
        &generic(&[
            "sale,s1,,ann@example.com,8.00,USD,2026-03-01",
            "cancellation,c1,,ann@example.com,,,2026-03-02",
        ]),
    );
    sandbox.fault(
        &json!({"action": "close", "after_effect": true, "kind": "cancellation", "times": 1}),
    );
    let first = night(&place, &sandbox, &["night.csv"]);
    assert_eq!(attention(&first), ["unconfirmed 1 {}"]);
    assert_eq!(
        attention(&night(&place, &sandbox, &["night.csv"])),
        ["unconfirmed 1 {}"]
    );
    let by_id = [
        "accept",
        "--event",
        "c1",
        "--reason",
        "cancelled in the dashboard",
    ];
    let said = place.run(&by_id).expect(0).stdout();
    assert!(said.contains(": 1 event unconfirmed.\n"), "{said}");
    let second = night(&place, &sandbox, &["night.csv"]);
    assert_eq!(accepted(&second), ["unconfirmed 1 {}"]);
    place.run(&["accept", "--undo", "--event", "c1"]).expect(0);
    assert_eq!(
        attention(&night(&place, &sandbox, &["night.csv"])),
        ["unconfirmed 1 {}"]
    );
}

#[test]
fn rows_that_were_corrected_and_sent_stop_counting_as_rejected() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let rows = [
        "sale,s1,,ann@example.com,8.00,USD,2026-03-01",
        "sale,s2,,bob@example.com,x,USD,2026-03-01",
        "sale,s3,,cy@example.com,y,USD,2026-03-01",
    ];
    place.write("night.csv", &generic(&rows));
    let first = night(&place, &sandbox, &["night.csv"]);
    assert_eq!(attention(&first), ["rejected 2 {}"]);
    let rejected = file(&first, "rejected.csv");
    let corrected = place.read(&rejected).replacen(",x,", ",5.00,", 1);
    place.write("corrected.csv", &corrected);
    // One of the 2 rows is still wrong.
    assert_eq!(
        attention(&night(&place, &sandbox, &["corrected.csv"])),
        ["rejected 1 {}"]
    );
    let second = night(&place, &sandbox, &["night.csv"]);
    assert_eq!(attention(&second), ["rejected 1 {}"]);
    assert_eq!(accepted(&second), ["rejected 1 {}"]);
    assert_eq!(
        second["accepted"][0]["reason"],
        "corrected in corrected.csv"
    );
    assert_eq!(sandbox.events().len(), 2);
}

/// Hands the rejected row of a run back with `wrong` replaced by `right`.
fn hand_back(place: &Place, run: &Value, wrong: &str, right: &str) {
    let rejected = place.read(&file(run, "rejected.csv"));
    assert!(rejected.contains(wrong), "{rejected}");
    place.write("corrected.csv", &rejected.replacen(wrong, right, 1));
}

#[test]
fn a_corrected_row_whose_event_failed_is_said_every_night_until_it_is_settled() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let payments = [Payment::paid(1, 1), Payment::paid(2, 2)];
    let export = stripe_export(&payments).replacen("20.00", "2o.00", 1);
    place.write("payments.csv", &export);
    let first = night(&place, &sandbox, &["payments.csv"]);
    assert_eq!(attention(&first), ["rejected 1 {}"]);
    hand_back(&place, &first, "2o.00", "20.00");
    refuse(&sandbox, 1);
    let failed = [r#"failed 1 {"USD":2000}"#];
    let corrected = night(&place, &sandbox, &["corrected.csv"]);
    assert_eq!(attention(&corrected), failed);
    // The export has the row as it was. Its money is still missing.
    for _ in 0..2 {
        let later = night(&place, &sandbox, &["payments.csv"]);
        assert_eq!(attention(&later), failed);
        assert_eq!(accepted(&later), ["rejected 1 {}"]);
        assert_eq!(place.csv(&file(&later, "failed.csv")).len(), 2);
    }
    // Both in one call: the event counts once.
    let both = night(&place, &sandbox, &["payments.csv", "corrected.csv"]);
    assert_eq!(attention(&both), failed);
    place
        .run_to(&sandbox, &["retry", "--failed", "--yes"])
        .expect(0);
    let settled = night(&place, &sandbox, &["payments.csv"]);
    assert_eq!(attention(&settled), [""; 0]);
    assert_eq!(sandbox.events().len(), 2);
    assert!(
        place
            .run(&["journal", "check"])
            .expect(0)
            .stdout()
            .contains("sound")
    );
}

#[test]
fn a_corrected_row_whose_refund_is_held_stays_rejected() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let refund = "refund,r1,s1,ann@example.com,x,USD,2026-03-02";
    place.write("refunds.csv", &generic(&[refund]));
    let first = night(&place, &sandbox, &["refunds.csv"]);
    hand_back(&place, &first, ",x,", ",3.00,");
    let held = night(&place, &sandbox, &["corrected.csv"]);
    assert_eq!(attention(&held), [r#"held 1 {"USD":300}"#]);
    assert_eq!(
        attention(&night(&place, &sandbox, &["refunds.csv"])),
        ["rejected 1 {}"]
    );
    let sale = "sale,s1,,ann@example.com,8.00,USD,2026-03-01";
    place.write("sales.csv", &generic(&[sale]));
    let sent = night(&place, &sandbox, &["sales.csv", "corrected.csv"]);
    assert_eq!(attention(&sent), [""; 0]);
    assert_eq!(
        attention(&night(&place, &sandbox, &["refunds.csv"])),
        [""; 0]
    );
}

#[test]
fn a_corrected_row_whose_event_was_not_sent_is_said_until_it_is() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let sale = "sale,s1,,ann@example.com,x,USD,2026-03-01";
    place.write("night.csv", &generic(&[sale]));
    let first = night(&place, &sandbox, &["night.csv"]);
    hand_back(&place, &first, ",x,", ",8.00,");
    sandbox.fault(&json!({"action": "status", "status": 401, "times": 1}));
    place
        .run_to(&sandbox, &["run", "--yes", "corrected.csv"])
        .expect(4);
    let unsent = [r#"not_sent 1 {"USD":800}"#];
    assert_eq!(attention(&night(&place, &sandbox, &["night.csv"])), unsent);
    place.run_to(&sandbox, &["resume", "--yes"]).expect(0);
    assert_eq!(attention(&night(&place, &sandbox, &["night.csv"])), [""; 0]);
}

#[test]
fn a_corrected_failed_event_needs_no_attention_any_more() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    place.write(
        "night.csv",
        &generic(&["sale,s1,,ann@example.com,8.00,USD,2026-03-01"]),
    );
    refuse(&sandbox, 1);
    let first = night(&place, &sandbox, &["night.csv"]);
    let failed = place
        .read(&file(&first, "failed.csv"))
        .replacen("800", "900", 1);
    place.write("corrected.csv", &failed);
    assert_eq!(
        attention(&night(&place, &sandbox, &["corrected.csv"])),
        [""; 0]
    );
    assert_eq!(attention(&night(&place, &sandbox, &["night.csv"])), [""; 0]);
    let again = place.run(&["report", "--json", "--run", first["run"].as_str().unwrap()]);
    assert_eq!(attention(&again.json()), [""; 0]);
}

#[test]
fn what_cannot_be_accepted_is_refused_by_line_and_nothing_is() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    place.run(&["accept", "x.csv", "--reason", "x"]).expect(3);
    place.write(
        "night.csv",
        &generic(&[
            "sale,s1,,ann@example.com,8.00,USD,2026-03-01",
            "sale,s2,,bob@example.com,9.00,USD,2026-03-01",
        ]),
    );
    refuse(&sandbox, 2);
    let first = night(&place, &sandbox, &["night.csv"]);
    let failed = place.read(&file(&first, "failed.csv"));
    let code_at = |ran: &Ran, code: &str, line: u64| {
        let problems = ran.json()["problems"].clone();
        let problem = &problems[0];
        assert_eq!(
            (&problem["code"], &problem["line"]),
            (&json!(code), &json!(line)),
            "{problems}"
        );
        assert!(problem["hint"].is_string(), "{problems}");
    };
    // A line that nobody wrote, behind one that is right.
    place.write("strange.csv", &failed.replace(",s2,", ",s7,"));
    code_at(
        &accept(&place, &["strange.csv"]).expect(3),
        "accept-refused",
        3,
    );
    // One that says something else than the journal.
    place.write("changed.csv", &failed.replacen("422", "400", 1));
    code_at(
        &accept(&place, &["changed.csv"]).expect(3),
        "accept-refused",
        2,
    );
    // Another file.
    code_at(
        &accept(&place, &["night.csv"]).expect(3),
        "report-unknown",
        1,
    );
    let tracked = file(&first, "ignored.csv");
    accept(&place, &[&tracked]).expect(0);
    place
        .run(&["accept", "--event", "s9", "--reason", "x"])
        .expect(3);
    place
        .run(&["accept", "--event", "s1", "--reason", " "])
        .expect(2);
    place.run(&["accept", "--reason", "x"]).expect(2);
    assert_eq!(
        attention(&night(&place, &sandbox, &["night.csv"])),
        [r#"failed 2 {"USD":1700}"#]
    );

    // What was tracked since is passed over; the rest is accepted.
    let ids = |ran: Ran| {
        (
            ran.json()["accepted"].clone(),
            ran.json()["skipped"].clone(),
        )
    };
    refuse(&sandbox, 1);
    place.run_to(&sandbox, &["retry", "--failed"]).expect(1);
    let left = ids(accept(&place, &[&file(&first, "failed.csv")]).expect(0));
    assert_eq!(left, (json!(1), json!(1)));
}

#[test]
fn what_is_not_sent_is_sent_before_it_can_be_accepted() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    place.write(
        "night.csv",
        &generic(&["sale,s1,,ann@example.com,8.00,USD,2026-03-01"]),
    );
    sandbox.fault(&json!({"action": "status", "status": 503, "times": 100_000}));
    let arguments = ["run", "night.csv", "--yes", "--json"];
    let mut command = place.command_to(&sandbox, &arguments);
    command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    let ran = Ran(command.output().unwrap()).expect(5);
    assert_eq!(attention(&ran.json()), [r#"not_sent 1 {"USD":800}"#]);
    assert_eq!(ran.json()["attention"][0]["command"], "fprecon resume");
    let refused = accept(&place, &[&file(&ran.json(), "failed.csv")]).expect(3);
    assert!(
        refused.stderr().contains("`fprecon resume` sends it"),
        "{}",
        refused.stderr()
    );
    sandbox.forget_faults();
    place.run_to(&sandbox, &["resume"]).expect(0);
}

#[test]
fn commands_can_be_pasted_with_the_options_of_the_run() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    place.write(
        "my exports/night 1.csv",
        &generic(&[
            "sale,s1,,ann@example.com,x,USD,2026-03-01",
            "sale,s2,,ann@example.com,1.00,USD,2026-03-01",
        ]),
    );
    place.write("my.toml", "[api]\nwid = \"wid-1\"\n");
    refuse(&sandbox, 1);
    let arguments = [
        "run",
        "my exports/night 1.csv",
        "--yes",
        "--json",
        "--config",
        "my.toml",
        "--journal",
        "books.journal",
        "--base-url",
        &sandbox.base_url,
        "--profile",
        "generic",
    ];
    let json = place.run_to(&sandbox, &arguments).expect(1).json();
    let options = format!(
        "--config my.toml --journal books.journal --base-url {}",
        sandbox.base_url
    );
    assert_eq!(
        json["attention"][0]["command"],
        format!("fprecon retry --failed {options}")
    );
    let rejected = file(&json, "rejected.csv");
    assert_eq!(
        json["attention"][1]["command"],
        format!("fprecon run {rejected} --profile generic {options}")
    );
    let shown = place
        .run(&["report", "--journal", "books.journal"])
        .expect(0)
        .stdout();
    let accept = shown
        .lines()
        .find(|line| line.contains("fprecon accept"))
        .unwrap();
    // As a shell would take it.
    let words: Vec<&str> = accept.split_whitespace().skip(1).collect();
    place.run(&words).expect(0);
    assert!(
        place
            .run(&["report", "--journal", "books.journal"])
            .stdout()
            .contains("Nothing else needs attention.")
    );
}
