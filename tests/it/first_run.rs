//! The way of somebody new: help that fits, all that is missing named at once, a question that says what it
//! is about, and an answer of no that is no error.

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::strace::skip;
use crate::support::{Payment, Place, Ran, SandboxProcess, stripe_export};

/// The commands, and the parts of those that have some.
const COMMANDS: [&[&str]; 23] = [
    &[],
    &["demo"],
    &["init"],
    &["plan"],
    &["run"],
    &["resume"],
    &["retry"],
    &["undo"],
    &["accept"],
    &["status"],
    &["report"],
    &["journal"],
    &["journal", "check"],
    &["journal", "recover"],
    &["journal", "export"],
    &["audit"],
    &["profiles"],
    &["profiles", "show"],
    &["profiles", "check"],
    &["config"],
    &["sandbox"],
    &["completions"],
    &["man"],
];

fn help(command: &[&str]) -> String {
    let place = Place::new();
    let mut call = place.command(&[command, &["--help"]].concat());
    Ran(call.env("COLUMNS", "80").output().unwrap())
        .expect(0)
        .stdout()
}

#[test]
fn help_fits_a_terminal_of_80_columns() {
    for command in COMMANDS {
        let help = help(command);
        for line in help.lines() {
            assert!(line.chars().count() <= 80, "{command:?}: {line}");
        }
        let examples = help.split_once("Examples:").map_or("", |(_, after)| after);
        let wrapped = examples.lines().any(|line| line.ends_with(" to"));
        assert!(!wrapped, "{command:?}: {help}");
    }
}

#[test]
fn the_common_options_are_shown_once_and_taken_everywhere() {
    for command in COMMANDS {
        let help = help(command);
        assert_eq!(
            help.contains("--config <FILE>"),
            command.is_empty(),
            "{help}"
        );
        assert!(
            command.is_empty() || help.contains("see `fprecon --help`"),
            "{help}"
        );
        let name = command.last().copied();
        let is_sender = matches!(name, Some("run" | "resume" | "retry" | "recover" | "undo"));
        assert_eq!(
            help.contains("--yes"),
            is_sender || command.is_empty(),
            "{help}"
        );
    }
    let place = Place::new();
    place.run(&["config", "--config", "missing.toml"]).expect(3);
}

#[test]
fn each_command_has_a_manual_page() {
    let place = Place::new();
    place.run(&["man", "--dir", "man1"]).expect(0);
    let run = place.read("man1/fprecon-run.1");
    assert!(run.contains(".TH fprecon-run 1"), "{run}");
    assert!(place.path("man1/fprecon-journal-export.1").is_file());
    let shown = place.run(&["man", "journal", "export"]).expect(0).stdout();
    assert!(shown.contains("attempts"), "{shown}");
    let unknown = place.run(&["man", "jurnal"]).expect(2).stderr();
    assert!(unknown.contains("`jurnal` is not a command"), "{unknown}");
}

#[test]
fn all_that_is_missing_for_an_account_is_named_at_once() {
    let place = payments(1);
    let ran = place
        .run(&["run", "payments.csv", "--yes"])
        .expect(3)
        .stderr();
    assert!(
        ran.contains("FPRECON_WID") && ran.contains("FPRECON_API_KEY"),
        "{ran}"
    );
    let ran = place
        .run(&["run", "payments.csv", "--yes", "--json"])
        .expect(3);
    let problems = ran.json()["problems"].clone();
    let codes: Vec<&Value> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|p| &p["code"])
        .collect();
    assert_eq!(codes, ["wid-missing", "key-missing"]);
}

#[test]
fn a_base_url_that_is_none_is_refused_by_a_plan() {
    let place = payments(1);
    let plan = ["plan", "payments.csv", "--base-url", "foo", "--json"];
    let ran = place.run(&plan).expect(3);
    assert!(ran.stderr().contains("foo"), "{}", ran.stderr());
    assert_eq!(ran.json()["exit_code"], 3);
}

#[test]
fn retry_names_what_it_can_try_again() {
    let said = Place::new().run(&["retry"]).expect(2).stderr();
    for option in ["--failed", "--unconfirmed", "--non-referral", "--event"] {
        assert!(said.contains(option), "{said}");
    }
}

#[test]
fn json_is_refused_where_there_is_none() {
    let place = Place::new();
    for command in [
        &["completions", "bash"][..],
        &["man"],
        &["sandbox"],
        &["profiles", "show", "leads"],
    ] {
        let ran = place.run(&[command, &["--json"]].concat()).expect(2);
        let problem = &ran.json()["problems"][0];
        assert!(
            problem["message"]
                .as_str()
                .unwrap()
                .contains("has no JSON output"),
            "{problem}"
        );
    }
}

/// So many payments of 20.00 USD each, by as many customers, in `payments.csv`.
fn payments(count: u32) -> Place {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    place.write("payments.csv", &stripe_export(&payments));
    place
}

#[test]
fn the_question_says_what_is_sent_and_no_is_no_error() {
    if Command::new("script").arg("--version").output().is_err() {
        return skip("`script` is not there");
    }
    let (place, sandbox) = (
        payments(70),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let declined = place
        .run_on_a_terminal(&sandbox.base_url, "run payments.csv", "n\n")
        .expect(0);
    let shown = declined.stdout();
    for said in [
        &format!(
            "To be sent to account `wid-1` of v1 at {}",
            sandbox.base_url
        ),
        "70 sales, 1400.00 USD",
        "of 70 customers, dated 2026-03-01 to 2026-03-02 (UTC)",
        "in about 12 s, at 380 requests a minute",
        "expected commission: not known, no sale with a commission was tracked yet",
        "Send 70 events? [y/N]",
        "Cancelled. Nothing was sent.",
    ] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    assert!(!shown.contains("error"), "{shown}");
    assert_eq!(sandbox.arrivals().len(), 0);
    let words = "run payments.csv --json";
    let shown = place
        .run_on_a_terminal(&sandbox.base_url, words, "\n")
        .expect(0)
        .stdout();
    assert!(shown.contains("\"cancelled\": true"), "{shown}");

    let sent = place
        .run_on_a_terminal(&sandbox.base_url, "run payments.csv", "y\n")
        .expect(0);
    assert_eq!(sandbox.events().len(), 70, "{}", sent.stdout());

    let more: Vec<Payment> = (101..=110).map(|n| Payment::paid(n, n)).collect();
    place.write("more.csv", &stripe_export(&more));
    let asked = |words: &str| {
        let ran = place.run_on_a_terminal(&sandbox.base_url, words, "n\n");
        ran.expect(0).stdout()
    };
    let shown = asked("run more.csv");
    assert!(shown.contains("expected commission: about "), "{shown}");
    assert!(shown.contains(" % of 70 sales tracked before"), "{shown}");
    place.write("fprecon.toml", "[[audit.rule]]\nrate = \"12.5\"\n");
    let shown = asked("run more.csv");
    let by_rule = "expected commission: about 25.00 USD, if all customers were referred and FirstPromoter pays the 12.5 % of the rule under `[audit]`";
    assert!(shown.contains(by_rule), "{shown}");
}

#[test]
fn an_export_whose_reader_goes_away_ends_quietly() {
    let place = payments(2000);
    let run = ["run", "payments.csv", "--sandbox", "--yes", "-q"];
    let mut command = place.command(&run);
    command.env("FPRECON_REQUESTS_PER_MINUTE", "600000");
    Ran(command.output().unwrap()).expect_code_one_of(&[0]);
    let mut child = place
        .command(&["journal", "export", "--sandbox"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut some = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    let ran = Ran(child.wait_with_output().unwrap()).expect(0);
    assert_eq!(ran.stderr(), "");
}
