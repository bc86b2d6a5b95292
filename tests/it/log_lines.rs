//! `--log-format json`: all that goes to standard error is one JSON object a line.

use serde_json::Value;

use crate::support::{Place, Ran, SandboxProcess};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

/// The lines of standard error, each of which must be an object with the keys that every line has.
#[track_caller]
fn lines(ran: &Ran) -> Vec<Value> {
    let said = ran.stderr();
    let line = |text: &str| {
        let line: Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("{text}\n{said}"));
        for key in ["time", "level", "code", "message"] {
            assert!(line[key].is_string(), "{key}: {line}");
        }
        let time: jiff::Timestamp = line["time"].as_str().unwrap().parse().unwrap();
        assert!(time > jiff::Timestamp::UNIX_EPOCH);
        let level = line["level"].as_str().unwrap();
        assert!(["info", "warning", "error"].contains(&level), "{line}");
        line
    };
    said.lines().map(line).collect()
}

fn codes(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .map(|line| line["code"].as_str().unwrap())
        .collect()
}

fn place() -> Place {
    let place = Place::new();
    place.write(
        "good.csv",
        &format!("{HEADER}sale,s1,,ana@example.com,8.00,USD,2026-03-01\n"),
    );
    place.write(
        "bad.csv",
        &format!(
            "{HEADER}sale,s2,,ben@example.com;cyd@example.com,8.00,USD,2026-03-01\n\
             sale,s3,,dan@example.com,1e3,USD,2026-03-01\n"
        ),
    );
    place
}

#[test]
fn a_run_says_its_id_its_counts_and_its_end() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let arguments = ["run", "good.csv", "--yes", "--log-format", "json"];
    let ran = place.run_to(&sandbox, &arguments).expect(0);
    let lines = lines(&ran);
    assert_eq!(codes(&lines), ["started", "ended"], "{}", ran.stderr());
    let run = lines[0]["run"].as_str().unwrap();
    assert!(place.path("reports").join(run).is_dir(), "{run}");
    assert_eq!(lines[0]["to_send"], 1);
    let end = &lines[1];
    assert_eq!(end["run"], run);
    assert_eq!(end["command"], "run");
    assert_eq!(end["exit_code"], 0);
    assert_eq!(end["level"], "info");
    assert_eq!(end["outcomes"]["tracked"], 1);
    assert_eq!(end["requests"], 1);
    assert_eq!(end["rows"]["read"], 1);
    assert_eq!(end["message"], "nothing needs attention");
    assert!(ran.stdout().contains("The books balance"));
}

#[test]
fn problems_and_errors_are_lines_and_nothing_else_is_written() {
    let (place, sandbox) = (place(), SandboxProcess::start(&[]));
    let run = |arguments: &[&str], code: i32| {
        let mut command = place.command_to(&sandbox, arguments);
        command.env("FPRECON_LOG_FORMAT", "json");
        lines(&Ran(command.output().unwrap()).expect(code))
    };

    let rejected = run(&["run", "bad.csv", "--yes"], 1);
    assert_eq!(
        codes(&rejected),
        ["email-invalid", "amount-invalid", "started", "ended"]
    );
    let amount = &rejected[1];
    assert_eq!(amount["file"], "bad.csv");
    assert_eq!(amount["line"], 3);
    assert_eq!(amount["column"], "amount");
    assert_eq!(amount["value"], "1e3");
    let end = rejected.last().unwrap();
    assert_eq!(end["level"], "warning");
    assert_eq!(end["attention"]["rejected"], 2);

    let missing = run(&["run", "none.csv", "--yes"], 3);
    assert_eq!(codes(&missing), ["export-missing", "ended"]);
    assert_eq!(missing[1]["exit_code"], 3);
    assert!(missing[1].get("run").is_none());

    // What is asked for can't be answered, whatever standard input is.
    place.write(
        "more.csv",
        &format!("{HEADER}sale,s9,,ana@example.com,8.00,USD,2026-03-01\n"),
    );
    assert_eq!(
        codes(&run(&["run", "more.csv"], 2)),
        ["not-confirmed", "ended"]
    );
    assert_eq!(
        codes(&run(&["completions", "bash", "--json"], 2)),
        ["usage"]
    );
    assert_eq!(codes(&run(&["plann"], 2)), ["usage"]);
    assert_eq!(codes(&run(&[], 2)), ["usage"]);
    assert_eq!(
        codes(&run(&["plan", "good.csv", "--events", "e.csv"], 0)),
        ["note"]
    );
    place.write("fprecon.toml", "[send]\nconcurency = 3\n");
    assert_eq!(codes(&run(&["plan", "good.csv"], 3)), ["config-invalid"]);
}

#[test]
fn a_wrong_option_is_said_in_the_form_that_was_asked_for() {
    let place = place();
    for arguments in [
        &["--log-format", "json", "run", "--bogus"][..],
        &["run", "good.csv", "--log-format=json", "--bogus"],
    ] {
        let ran = place.run(arguments).expect(2);
        assert_eq!(codes(&lines(&ran)), ["usage"]);
    }
    let text = place.run(&["run", "--bogus"]).expect(2);
    assert!(text.stderr().starts_with("error: "), "{}", text.stderr());
    let help = place
        .run(&["run", "--help", "--log-format", "json"])
        .expect(0);
    assert!(help.stdout().contains("Usage: fprecon run"));
}

#[test]
fn quiet_is_silent_at_exit_0_and_one_line_with_the_verdict_else() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let run = |export| {
        let arguments = ["run", export, "--yes", "--quiet", "--log-format", "json"];
        place.run_to(&sandbox, &arguments)
    };
    let good = run("good.csv").expect(0);
    assert_eq!(good.stdout() + &good.stderr(), "");
    let bad = run("bad.csv").expect(1);
    let said = lines(&bad);
    assert_eq!(codes(&said), ["ended"]);
    let message = said[0]["message"].as_str().unwrap();
    assert!(
        message.starts_with("needs attention: 2 rows rejected"),
        "{message}"
    );
    assert!(message.contains("; next: "), "{message}");
    assert_eq!(said[0]["attention"]["rejected"], 2);
}

#[test]
fn emails_are_written_only_if_that_is_asked_for() {
    let place = place();
    let plan = ["plan", "bad.csv", "--log-format", "json"];
    let without = place.run(&plan).expect(1);
    assert!(codes(&lines(&without)).contains(&"email-invalid"));
    assert!(
        !without.stderr().contains("example.com"),
        "{}",
        without.stderr()
    );
    let with = place
        .run(&[&plan[..], &["--log-emails"]].concat())
        .expect(1);
    let value = "\"value\":\"ben@example.com;cyd@example.com\"";
    assert!(with.stderr().contains(value), "{}", with.stderr());
    let mut command = place.command(&plan);
    let by_variable = Ran(command.env("FPRECON_LOG_EMAILS", "true").output().unwrap());
    assert!(by_variable.stderr().contains(value));
    let mut command = place.command(&plan);
    let not = Ran(command.env("FPRECON_LOG_EMAILS", "false").output().unwrap());
    assert!(!not.stderr().contains("example.com"), "{}", not.stderr());
}

/// An API that repeats the customer's email in its refusals must not put it into the log either.
#[test]
fn what_the_api_says_is_written_without_emails() {
    let place = place();
    let server = crate::support::Server::start(|_, stream| {
        let body = br#"{"error":"no such key for ana@example.com"}"#;
        crate::support::respond(stream, "401 Unauthorized", "", body);
    });
    let arguments = ["run", "good.csv", "--yes", "--log-format", "json"];
    let ran = Ran(place
        .command_at(&server.base_url, &arguments)
        .output()
        .unwrap())
    .expect(4);
    let said = lines(&ran);
    assert_eq!(codes(&said), ["started", "key-refused", "ended"]);
    assert_eq!(said[2]["exit_code"], 4);
    assert_eq!(said[2]["level"], "error");
    assert!(!ran.stderr().contains("example.com"), "{}", ran.stderr());
}
