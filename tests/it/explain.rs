//! The life of a row or an event, as `explain` tells it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::{Payment, Place, Ran, SandboxProcess, stripe_export};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

fn generic(rows: &[&str]) -> String {
    format!("{HEADER}{}\n", rows.join("\n"))
}

fn leads() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

fn run(place: &Place, sandbox: &SandboxProcess, exports: &[&str]) -> Value {
    let arguments = [&["run", "--yes", "--json"], exports].concat();
    place.run_to(sandbox, &arguments).expect_one_of(&[0, 1])
}

fn explain(place: &Place, what: &[&str]) -> Value {
    let arguments = [&["explain", "--json"], what].concat();
    let explained = place.run(&arguments).expect(0).json();
    assert_eq!(explained["schema"], 1);
    assert_no_float(&explained);
    explained
}

/// Fails if a number is not an integer: no amount may be one.
fn assert_no_float(value: &Value) {
    match value {
        Value::Number(number) => assert!(number.is_i64() || number.is_u64(), "{number}"),
        Value::Array(values) => values.iter().for_each(assert_no_float),
        Value::Object(values) => values.values().for_each(assert_no_float),
        _ => {}
    }
}

/// The words of a list of events: `refund r1: tracked`.
fn related(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    let words = list.map(|event| {
        let text = |name: &str| event[name].as_str().unwrap().to_owned();
        format!("{} {}: {}", text("kind"), text("event_id"), text("outcome"))
    });
    words.collect()
}

/// The program with the words of a command that it has printed.
fn follow(place: &Place, sandbox: &SandboxProcess, command: &Value, more: &[&str]) -> Ran {
    let words = command.as_str().unwrap().strip_prefix("fprecon ").unwrap();
    let words = words.split(' ').chain(more.iter().copied());
    place.run_to(sandbox, &words.collect::<Vec<_>>())
}

fn names(place: &Place) -> BTreeSet<String> {
    let entries = fs::read_dir(place.root()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

/// Sends a night whose rows are sent, ignored, rejected and held; returns the name of the run, too.
fn night_of_all_kinds() -> (Place, Value) {
    let (place, sandbox) = (Place::new(), leads());
    place.write(
        "x.csv",
        &generic(&[
            "sale,s1,,ana@example.com,49.00,USD,2026-03-02",
            "refund,r1,s1,ana@example.com,9.00,USD,2026-03-03",
            "sale,s2,,ben@example.com,0.00,USD,2026-03-02",
            "sale,s3,,cyd@example.com,1e3,USD,2026-03-02",
            "refund,r9,s9,dan@example.com,5.00,USD,2026-03-03",
        ]),
    );
    let run = run(&place, &sandbox, &["x.csv"])["run"].clone();
    (place, run)
}

#[test]
fn each_row_of_a_night_says_what_it_is_and_why() {
    let (place, run) = night_of_all_kinds();
    let sale = explain(&place, &["x.csv:2"]);
    assert_eq!(sale["is_recorded"], true);
    assert_eq!(sale["row"]["export"], "same");
    let rule = &sale["row"]["reading"]["rules"][0];
    assert_eq!(
        (&rule["rule"], &rule["kind"]),
        (&json!("event"), &json!("sale"))
    );
    assert_eq!(rule["tests"], json!(["`kind` is `sale`"]));
    assert_eq!(
        rule["amount"],
        "`amount` `49.00`, in the currency of `currency` `USD`"
    );
    let in_run = &sale["row"]["runs"][0];
    assert_eq!(
        (&in_run["run"], &in_run["result"]),
        (&run, &json!("events"))
    );
    let life = &sale["events"][0];
    assert_eq!(
        (&life["amount_cents"], &life["currency"]),
        (&json!(4900), &json!("USD"))
    );
    assert_eq!(life["outcome"], "tracked");
    assert_eq!(life["attention"], Value::Null);
    assert_eq!(related(&life["refunds"]), ["refund r1: tracked"]);
    assert_eq!(life["attempts"][0]["http_status"], 200);
    assert_eq!(life["attempts"][0]["effect"], "recorded");

    let refund = explain(&place, &["x.csv:3"]);
    let life = &refund["events"][0];
    assert_eq!(related(&life["sale"]), ["sale s1: tracked"]);
    assert!(
        life["note"]
            .as_str()
            .unwrap()
            .starts_with("linked to a sale"),
        "{life}"
    );

    let said = place.run(&["explain", "x.csv:2"]).expect(0).stdout();
    for line in [
        "  rule       a sale, since `kind` is `sale`",
        "sale s1, 49.00 USD",
        "  attention  none",
        "  refunds    refund r1, 9.00 USD: tracked",
    ] {
        assert!(said.lines().any(|own| own == line), "{line}:\n{said}");
    }
}

#[test]
fn each_row_without_a_sent_event_says_why() {
    let (place, _) = night_of_all_kinds();
    let ignored = explain(&place, &["x.csv:4"]);
    assert_eq!(ignored["row"]["runs"][0]["result"], "ignored");
    assert_eq!(ignored["row"]["runs"][0]["reason"], "zero amount");
    assert_eq!(
        ignored["row"]["reading"]["rules"][0]["tests"],
        json!(["`kind` is `sale`", "`amount` is `0.00`, which is zero"])
    );
    assert_eq!(ignored["events"], json!([]));

    let rejected = explain(&place, &["x.csv:5"]);
    let in_run = &rejected["row"]["runs"][0];
    assert_eq!(in_run["result"], "rejected");
    assert_eq!(in_run["problems"][0]["code"], "amount-invalid");
    assert_eq!(in_run["attention"]["code"], "rejected");

    let held = explain(&place, &["x.csv:6"]);
    let held = &held["row"]["runs"][0]["held"][0];
    assert_eq!(
        (&held["event_id"], &held["plan_state"]),
        (&json!("r9"), &json!("unlinked"))
    );
    assert_eq!(held["attention"]["code"], "held");
    let by_id = explain(&place, &["r9"]);
    assert_eq!(by_id["held"][0]["note"], held["note"]);
}

#[test]
fn every_attempt_is_there_and_what_to_do_is_followed_to_its_end() {
    let (place, sandbox) = (Place::new(), leads());
    place.write(
        "x.csv",
        &generic(&["sale,s1,,ana@example.com,8.00,USD,2026-03-02"]),
    );
    sandbox.fault(&json!({"action": "status", "status": 503, "times": 1}));
    sandbox.fault(&json!({"action": "status", "status": 422, "times": 1}));
    run(&place, &sandbox, &["x.csv"]);
    let failed = explain(&place, &["s1"])["events"][0].clone();
    assert_eq!(failed["outcome"], "failed");
    let attempts = |life: &Value| {
        let attempts = life["attempts"].as_array().unwrap().iter();
        let words = attempts.map(|own| format!("{} {}", own["http_status"], own["effect"]));
        words.collect::<Vec<_>>()
    };
    assert_eq!(attempts(&failed), ["503 \"unknown\"", "422 \"none\""]);
    // The next night has it again, and it is met.
    run(&place, &sandbox, &["x.csv"]);
    let failed = explain(&place, &["s1"])["events"][0].clone();
    assert_eq!(failed["runs"][1]["role"], "met_again");
    assert_eq!(failed["attention"]["code"], "failed");

    place
        .run(&["accept", "--event", "s1", "--reason", "a test order"])
        .expect(0);
    let accepted = explain(&place, &["s1"])["events"][0].clone();
    assert_eq!(accepted["attention"], Value::Null);
    assert_eq!(accepted["accepted"][0]["reason"], "a test order");
    assert_eq!(accepted["accepted"][0]["is_current"], true);
    place.run(&["accept", "--event", "s1", "--undo"]).expect(0);
    let undone = explain(&place, &["s1"])["events"][0].clone();
    assert!(undone["accepted"][0]["undone_by"].is_string(), "{undone}");

    let command = &undone["attention"]["command"];
    assert_eq!(command, "fprecon retry --event s1");
    follow(&place, &sandbox, command, &["--yes"]).expect(0);
    let tracked = explain(&place, &["s1"])["events"][0].clone();
    assert_eq!(tracked["outcome"], "tracked");
    assert_eq!(tracked["attention"], Value::Null);
    assert_eq!(attempts(&tracked)[2], "200 \"recorded\"");
    assert_eq!(tracked["runs"][2]["command"], "retry");
}

#[test]
fn a_corrected_event_is_shown_with_what_it_was_before() {
    let (place, sandbox) = (Place::new(), leads());
    place.write(
        "x.csv",
        &generic(&["sale,s1,,ana@example.com,8.00,USD,2026-03-02"]),
    );
    sandbox.fault(&json!({"action": "status", "status": 422, "times": 1}));
    run(&place, &sandbox, &["x.csv", "--dir", "r"]);
    let failed = place.read("r/failed.csv").replace(",800,", ",900,");
    place.write("fixed.csv", &failed);
    run(&place, &sandbox, &["fixed.csv"]);
    let explained = explain(&place, &["s1"]);
    let lives = explained["events"].as_array().unwrap();
    let words = lives.iter().map(|life| {
        format!(
            "{} {} {} {}",
            life["amount_cents"], life["outcome"], life["is_replaced"], life["is_replacement"]
        )
    });
    assert_eq!(
        words.collect::<Vec<_>>(),
        ["800 \"failed\" true false", "900 \"tracked\" false true"]
    );
    assert_eq!(lives[0]["attention"], Value::Null);
}

#[test]
fn the_computed_amount_of_a_running_total_is_explained() {
    let (place, sandbox) = (Place::new(), leads());
    let mut payment = Payment::paid(1, 1);
    payment.refunded = "5.00".into();
    payment.refunded_at = "2026-03-04 10:00:00".into();
    place.write("x.csv", &stripe_export(&[payment]));
    run(&place, &sandbox, &["x.csv"]);
    let row = explain(&place, &["x.csv:2"]);
    let ids = row["row"]["runs"][0]["event_ids"].clone();
    assert_eq!(ids, json!(["in_0001", "in_0001_refund_500"]));
    let rules = row["row"]["reading"]["rules"].as_array().unwrap();
    let refund = rules.iter().find(|rule| rule["kind"] == "refund").unwrap();
    let amount = refund["amount"].as_str().unwrap();
    assert!(
        amount.contains("`Amount Refunded` `5.00`, which is the total of all refunds"),
        "{amount}"
    );
    // The id of the charge is another id of the payment.
    let charge = explain(&place, &["ch_0001"]);
    assert_eq!(charge["events"][0]["event_id"], "in_0001");
    let said = place.run(&["explain", "ch_0001"]).expect(0).stdout();
    assert!(said.contains("ch_0001 is another id of in_0001"), "{said}");
}

#[test]
fn an_export_that_was_not_run_is_explained_as_it_would_be_planned() {
    let (place, sandbox) = (Place::new(), leads());
    place.write(
        "x.csv",
        &generic(&["sale,s1,,ana@example.com,8.00,USD,2026-03-02"]),
    );
    let before = names(&place);
    let explained = explain(&place, &["x.csv:2"]);
    assert_eq!(names(&place), before, "nothing is written");
    assert_eq!(explained["is_recorded"], false);
    assert_eq!(explained["row"]["export"], "not_run");
    assert_eq!(
        explained["row"]["reading"]["events"][0]["plan_state"],
        "to_send"
    );
    let said = place.run(&["explain", "x.csv:2"]).expect(0).stdout();
    assert!(
        said.contains("No run has read this export as it is now"),
        "{said}"
    );

    run(&place, &sandbox, &["x.csv"]);
    place.write(
        "y.csv",
        &generic(&[
            "sale,s1,,ana@example.com,9.00,USD,2026-03-02",
            "sale,s1,,ana@example.com,8.00,USD,2026-03-02",
        ]),
    );
    let journal = fs::read(place.path("fprecon.journal")).unwrap();
    let conflict = explain(&place, &["y.csv:2"]);
    let event = &conflict["row"]["reading"]["events"][0];
    assert_eq!(event["plan_state"], "conflict");
    assert_eq!(
        conflict["row"]["reading"]["problems"][0]["code"],
        "event-conflict"
    );
    // What is recorded under its id is shown beside it.
    assert_eq!(conflict["events"][0]["amount_cents"], 800);
    assert_eq!(fs::read(place.path("fprecon.journal")).unwrap(), journal);
}

#[test]
fn an_export_is_found_by_its_path_its_name_or_its_content() {
    let (place, sandbox) = (Place::new(), leads());
    let rows = |id: &str| {
        generic(&[
            &format!("sale,{id},,ana@example.com,8.00,USD,2026-03-02"),
            "sale,bad,,ana@example.com,1e3,USD,2026-03-02",
        ])
    };
    place
        .write("a/x.csv", &rows("s1"))
        .write("b/y.csv", &rows("s2"));
    run(&place, &sandbox, &["a/x.csv", "b/y.csv"]);
    let reason = |what: &str| explain(&place, &[what])["row"]["runs"][0]["file"].clone();
    let whole = place.path("a/x.csv").display().to_string();
    for what in ["a/x.csv:3", "./a/x.csv:3", &format!("{whole}:3")] {
        assert_eq!(reason(what), "a/x.csv", "{what}");
    }
    fs::rename(place.path("a/x.csv"), place.path("moved.csv")).unwrap();
    assert_eq!(reason("moved.csv:3"), "a/x.csv", "by its content");
    fs::remove_file(place.path("moved.csv")).unwrap();
    for what in ["a/x.csv:3", "x.csv:3", "/elsewhere/a/x.csv:3"] {
        let explained = explain(&place, &[what]);
        assert_eq!(explained["row"]["export"], "missing", "{what}");
        assert_eq!(explained["row"]["runs"][0]["result"], "rejected", "{what}");
        let cells = explained["row"]["cells"].as_array().unwrap();
        assert_eq!(
            cells[3],
            json!({"column": "amount", "value": "1e3"}),
            "{what}"
        );
    }
    assert_eq!(explain(&place, &["x.csv:2"])["events"][0]["event_id"], "s1");
}

#[test]
fn a_name_of_several_exports_is_said_and_one_of_them_can_be_pasted() {
    let (place, sandbox) = (Place::new(), leads());
    for (folder, id) in [("a", "s1"), ("b c", "s2")] {
        let row = format!("sale,{id},,ana@example.com,8.00,USD,2026-03-02");
        place.write(&format!("{folder}/x.csv"), &generic(&[&row]));
    }
    run(&place, &sandbox, &["a/x.csv", "b c/x.csv"]);
    for folder in ["a", "b c"] {
        fs::remove_dir_all(place.path(folder)).unwrap();
    }
    let refused = place
        .run(&["explain", "x.csv:2", "--json"])
        .expect(3)
        .json();
    let problem = &refused["problems"][0];
    assert_eq!(problem["code"], "explain-ambiguous");
    assert_eq!(problem["hint"], "give one of `a/x.csv:2`, `'b c/x.csv:2'`");
    let explained = explain(&place, &["b c/x.csv:2"]);
    assert_eq!(explained["events"][0]["event_id"], "s2");
}

#[test]
fn a_name_that_each_night_gives_other_rows_is_explained_night_by_night() {
    let (place, sandbox) = (Place::new(), leads());
    let night = |amount: &str| {
        place.write(
            "x.csv",
            &generic(&[&format!("sale,s1,,ana@example.com,{amount},USD,2026-03-02")]),
        );
    };
    night("1e1");
    let first = run(&place, &sandbox, &["x.csv"])["run"].clone();
    night("1e2");
    run(&place, &sandbox, &["x.csv"]);
    let value = |explained: &Value| explained["row"]["runs"][0]["problems"][0]["value"].clone();
    let now = explain(&place, &["x.csv:2"]);
    assert_eq!(value(&now), "1e2");
    assert_eq!(now["row"]["runs_of_other_bytes"], json!([first]));
    let then = explain(&place, &["x.csv:2", "--run", first.as_str().unwrap()]);
    assert_eq!(value(&then), "1e1");
    assert_eq!(then["row"]["export"], "changed");
    // A later run has read the name again: nothing of the first night is open.
    assert_eq!(then["row"]["runs"][0]["attention"], Value::Null);
    let unknown = place.run(&["explain", "x.csv:2", "--run", "nope", "--json"]);
    assert_eq!(
        unknown.expect(3).json()["problems"][0]["code"],
        "explain-unknown"
    );
}

#[test]
fn what_is_not_there_is_said_with_what_to_do() {
    let (place, sandbox) = (Place::new(), leads());
    let refused = |what: &str| {
        let refused = place.run(&["explain", what, "--json"]).expect(3).json();
        refused["problems"][0].clone()
    };
    assert_eq!(refused("s1")["code"], "journal-missing");
    assert_eq!(refused("x.csv:2")["code"], "explain-unknown");
    place.write(
        "x.csv",
        &generic(&[
            "sale,s1,,ana@example.com,8.00,USD,2026-03-02",
            "sale,\"s\n2\",,ana@example.com,8.00,USD,2026-03-02",
        ]),
    );
    run(&place, &sandbox, &["x.csv"]);
    run(&place, &sandbox, &["x.csv"]);
    assert_eq!(refused("s1x")["code"], "explain-unknown");
    let within = refused("x.csv:4");
    assert!(
        within["hint"]
            .as_str()
            .unwrap()
            .contains("starts on line 3"),
        "{within}"
    );
    assert!(
        refused("x.csv:1")["hint"]
            .as_str()
            .unwrap()
            .contains("below the header")
    );
    place.write("y.csv", "a,b\n1,2\n");
    assert_eq!(refused("y.csv:2")["code"], "header-unknown");
    // A night with nothing new leaves nothing of its rows.
    place.write(
        "z.csv",
        &generic(&["sale,s1,,ana@example.com,8.00,USD,2026-03-02"]),
    );
    run(&place, &sandbox, &["z.csv"]);
    assert_eq!(explain(&place, &["z.csv:2"])["events"][0]["event_id"], "s1");
    fs::remove_file(place.path("z.csv")).unwrap();
    let nothing = refused("z.csv:2");
    assert_eq!(nothing["code"], "explain-unknown");
    assert!(
        nothing["hint"]
            .as_str()
            .unwrap()
            .contains("give the id of the event"),
        "{nothing}"
    );
}

#[test]
fn an_id_with_a_colon_and_digits_is_an_id_if_the_journal_has_it() {
    let (place, sandbox) = (Place::new(), leads());
    place.write(
        "x.csv",
        &generic(&["sale,order:12,,ana@example.com,8.00,USD,2026-03-02"]),
    );
    run(&place, &sandbox, &["x.csv"]);
    assert_eq!(
        explain(&place, &["order:12"])["events"][0]["event_id"],
        "order:12"
    );
}

#[test]
fn what_is_not_sent_is_said_to_be_so() {
    let (place, sandbox) = (Place::new(), leads());
    place
        .write(
            "x.csv",
            &generic(&["sale,s1,,ana@example.com,8.00,USD,2026-03-02"]),
        )
        .write("fprecon.toml", "[send]\ngive_up_after_seconds = 1\n");
    sandbox.fault(&json!({"action": "reset", "times": 1000}));
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(5);
    let life = explain(&place, &["s1"])["events"][0].clone();
    assert_eq!(life["outcome"], "not_sent");
    assert_eq!(life["may_be_recorded"], true);
    assert_eq!(life["attention"]["command"], "fprecon resume");
    sandbox.forget_faults();
    follow(&place, &sandbox, &life["attention"]["command"], &[]).expect(0);
    assert_eq!(explain(&place, &["s1"])["events"][0]["outcome"], "tracked");
}
