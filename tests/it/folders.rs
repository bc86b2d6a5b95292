//! A folder as an export: what is read of it, and what is not read again.

use crate::accept::refuse;
use crate::support::{Payment, Place, SandboxProcess, stripe_export};
use serde_json::{Value, json};
use std::fs;

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

fn generic(rows: &[&str]) -> String {
    format!("{HEADER}{}\n", rows.join("\n"))
}

fn sandbox() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

/// A night over the exports: the exit code is what the list of attention says.
#[track_caller]
fn night(place: &Place, sandbox: &SandboxProcess, exports: &[&str]) -> Value {
    let arguments: Vec<&str> = [&["run", "--yes", "--json"], exports].concat();
    let ran = place.run_to(sandbox, &arguments);
    let json = ran.json();
    let is_well = json["attention"]
        .as_array()
        .unwrap_or_else(|| panic!("{json}"))
        .is_empty();
    assert_eq!(ran.code(), if is_well { 0 } else { 1 }, "{json}");
    json
}

fn paths(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap().iter();
    list.map(|one| one["path"].as_str().unwrap().to_owned())
        .collect()
}

fn read(json: &Value) -> Vec<String> {
    paths(&json["inputs"])
}

fn skipped(json: &Value) -> Vec<String> {
    paths(&json["skipped"])
}

fn attention(json: &Value) -> Vec<String> {
    let items = json["attention"].as_array().unwrap().iter();
    items
        .map(|item| format!("{} {}", item["code"].as_str().unwrap(), item["count"]))
        .collect()
}

fn payments(numbers: std::ops::Range<u32>) -> String {
    stripe_export(&numbers.map(|n| Payment::paid(n, n)).collect::<Vec<_>>())
}

#[test]
fn what_was_read_before_is_not_read_again_and_the_results_are_those_of_reading_all() {
    let (folder, whole) = (Place::new(), Place::new());
    let (of_folder, of_whole) = (sandbox(), sandbox());
    let both = |name: &str, text: &str| {
        folder.write(name, text);
        whole.write(name, text);
    };
    both("exports/01.csv", &payments(0..40));
    both("exports/02.csv", &payments(20..60));
    let first = night(&folder, &of_folder, &["exports/"]);
    assert_eq!(read(&first), ["exports/01.csv", "exports/02.csv"]);
    assert!(skipped(&first).is_empty());
    night(&whole, &of_whole, &["exports/*.csv"]);

    // A refund of a sale that only a skipped export has, and sales that one has already.
    let mut refunded = Payment::paid(3, 3);
    refunded.refunded = "5.00".into();
    refunded.refunded_at = "2026-03-20 10:00:00".into();
    let mut third: Vec<Payment> = (50..80).map(|n| Payment::paid(n, n)).collect();
    third.push(refunded);
    both("exports/03.csv", &stripe_export(&third));
    let second = night(&folder, &of_folder, &["exports/"]);
    assert_eq!(read(&second), ["exports/03.csv"]);
    assert_eq!(skipped(&second), ["exports/01.csv", "exports/02.csv"]);
    assert_eq!(second["skipped"][0]["sha256"], first["inputs"][0]["sha256"]);
    assert_eq!(second["skipped"][0]["read_by"], first["run"]);
    let all = night(&whole, &of_whole, &["exports/*.csv"]);
    assert_eq!(second["outcomes"], all["outcomes"]);
    assert_eq!(second["attention"], all["attention"]);
    let sent = |sandbox: &SandboxProcess| {
        let events = sandbox.events();
        let mut ids: Vec<String> = events
            .iter()
            .map(|event| format!("{} {}", event["event_id"], event["amount_cents"]))
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(sent(&of_folder), sent(&of_whole));
    assert_eq!(of_folder.events().len(), 81);

    // A night without news: nothing is read, and the report says so again.
    let third = night(&folder, &of_folder, &["exports/"]);
    assert_eq!((read(&third).len(), skipped(&third).len()), (0, 3));
    assert_eq!(third["rows"]["read"], 0);
    let report = folder.run(&["report", "--json"]).expect(0).json();
    assert_eq!(report["skipped"], third["skipped"]);
    let ran = folder
        .run_to(&of_folder, &["run", "exports", "--yes"])
        .expect(0);
    assert!(
        ran.stdout()
            .contains("3 exports read by earlier runs, and not read again: exports/01.csv"),
        "{}",
        ran.stdout()
    );
    let quiet = folder
        .run_to(&of_folder, &["run", "exports", "--yes", "--quiet"])
        .expect(0);
    assert_eq!(
        (quiet.stdout(), quiet.stderr()),
        (String::new(), String::new())
    );
    folder.run(&["journal", "check"]).expect(0);
}

#[test]
fn content_decides_and_not_the_name_or_the_date() {
    let (place, sandbox) = (Place::new(), sandbox());
    place.write("exports/a.csv", &payments(0..5));
    night(&place, &sandbox, &["exports"]);
    fs::rename(place.path("exports/a.csv"), place.path("exports/b.csv")).unwrap();
    let date = fs::metadata(place.path("exports/b.csv"))
        .unwrap()
        .modified()
        .unwrap();
    // As long as before, under the earlier name, and with the earlier date.
    place.write("exports/a.csv", &payments(5..10));
    let file = fs::File::options()
        .write(true)
        .open(place.path("exports/a.csv"))
        .unwrap();
    file.set_modified(date).unwrap();
    let json = night(&place, &sandbox, &["exports"]);
    assert_eq!(read(&json), ["exports/a.csv"]);
    assert_eq!(skipped(&json), ["exports/b.csv"]);
    assert_eq!(sandbox.events().len(), 10);
    // What is named is read.
    let named = night(&place, &sandbox, &["exports/a.csv", "exports/b.csv"]);
    assert_eq!(read(&named).len(), 2);
    // Another journal knows nothing of it.
    let other = ["exports", "--journal", "other.journal"];
    assert_eq!(read(&night(&place, &sandbox, &other)).len(), 2);
}

#[test]
fn an_export_with_something_open_is_read_every_night_until_it_is_settled() {
    let (place, sandbox) = (Place::new(), sandbox());
    place
        .write("exports/good.csv", &payments(0..5))
        .write("exports/bad.csv", &payments(5..6));
    refuse(&sandbox, 1);
    let first = night(&place, &sandbox, &["exports"]);
    assert_eq!(attention(&first), ["failed 1"]);
    for _ in 0..2 {
        let json = night(&place, &sandbox, &["exports"]);
        assert_eq!(attention(&json), ["failed 1"]);
        assert_eq!(read(&json).len(), 1);
        assert_eq!(skipped(&json).len(), 1);
    }
    place
        .run_to(&sandbox, &["retry", "--failed", "--yes"])
        .expect(0);
    let json = night(&place, &sandbox, &["exports"]);
    assert_eq!((read(&json).len(), skipped(&json).len()), (0, 2));
}

#[test]
fn an_event_that_gets_worse_later_is_found_in_an_export_that_was_well() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&["--lead-share", "0"]));
    place.write("exports/a.csv", &payments(0..3));
    night(&place, &sandbox, &["exports"]);
    let json = night(&place, &sandbox, &["exports"]);
    assert_eq!(skipped(&json).len(), 1);
    // The second export has the same sale. It is gone when somebody asks again, and the API refuses it.
    place.write("exports/b.csv", &payments(2..4));
    night(&place, &sandbox, &["exports"]);
    fs::remove_file(place.path("exports/b.csv")).unwrap();
    refuse(&sandbox, 1);
    place
        .run_to(&sandbox, &["retry", "--non-referral", "--yes"])
        .expect(1);
    let json = night(&place, &sandbox, &["exports"]);
    assert_eq!(read(&json), ["exports/a.csv"]);
    assert_eq!(attention(&json), ["failed 1"]);
}

#[test]
fn rejected_rows_and_held_events_are_read_every_night_and_held_ones_with_all_exports() {
    let (place, sandbox) = (Place::new(), sandbox());
    place
        .write(
            "exports/a.csv",
            &generic(&["sale,s_1,,a@example.com,10.00,USD,2026-03-01T00:00:00Z"]),
        )
        .write(
            "exports/b.csv",
            &generic(&["sale,s_2,,b@example.com,ten,USD,2026-03-01T00:00:00Z"]),
        );
    for _ in 0..2 {
        let json = night(&place, &sandbox, &["exports"]);
        assert_eq!(attention(&json), ["rejected 1"]);
    }
    let json = night(&place, &sandbox, &["exports"]);
    assert_eq!(
        (read(&json), skipped(&json)),
        (
            vec!["exports/b.csv".to_owned()],
            vec!["exports/a.csv".to_owned()]
        )
    );
    place.write(
        "exports/c.csv",
        &generic(&["refund,r_9,s_9,a@example.com,1.00,USD,2026-03-02T00:00:00Z"]),
    );
    for _ in 0..2 {
        let json = night(&place, &sandbox, &["exports"]);
        assert_eq!(attention(&json), ["held 1", "rejected 1"]);
        assert_eq!(read(&json).len(), 3);
    }
    let status = place
        .run_to(&sandbox, &["status", "--json"])
        .expect(0)
        .json();
    assert_eq!(attention(&status), ["held 1", "rejected 1"]);
}

#[test]
fn what_a_run_did_not_send_is_read_again() {
    let (place, sandbox) = (Place::new(), sandbox());
    place.write("exports/a.csv", &payments(0..3));
    sandbox.fault(&json!({"action": "status", "status": 401, "times": 100}));
    place
        .run_to(&sandbox, &["run", "exports", "--yes"])
        .expect(4);
    sandbox.forget_faults();
    let json = night(&place, &sandbox, &["exports"]);
    assert_eq!(read(&json).len(), 1);
    assert_eq!(json["outcomes"]["tracked"]["count"], 3);
    assert_eq!(skipped(&night(&place, &sandbox, &["exports"])).len(), 1);
}

/// An export of invoices with 19 % tax in the amount that was paid.
fn invoices(numbers: std::ops::Range<u32>) -> String {
    let rows = numbers.map(|n| {
        format!(
            "in_{n:04},20.00,usd,cus_{n:04},2026-03-01 09:00,N-{n},true,,16.81,,3.19,20.00,20.00,paid\n"
        )
    });
    format!(
        "id,Amount Due,Currency,Customer,Date (UTC),Number,Paid,Subscription,Subtotal,Total Discount Amount,Tax,Total,Amount Paid,Status\n{}",
        rows.collect::<String>()
    )
}

/// Files that are new in a night, and the exports that are read then.
type NewFiles<'n> = (&'n [(&'n str, String)], &'n [&'n str]);

/// Compares nights over a folder with nights over all its files.
fn compare(nights: &[NewFiles<'_>]) {
    let (folder, whole) = (Place::new(), Place::new());
    let (of_folder, of_whole) = (sandbox(), sandbox());
    for (files, expected) in nights {
        for (name, text) in *files {
            folder.write(&format!("exports/{name}.csv"), text);
            whole.write(&format!("exports/{name}.csv"), text);
        }
        let json = night(&folder, &of_folder, &["exports"]);
        let all = night(&whole, &of_whole, &["exports/*.csv"]);
        let expected: Vec<String> = expected
            .iter()
            .map(|it| format!("exports/{it}.csv"))
            .collect();
        assert_eq!(read(&json), expected);
        assert_eq!(json["outcomes"], all["outcomes"]);
        assert_eq!(attention(&json), attention(&all));
    }
    let sent = |sandbox: &SandboxProcess| {
        let events = sandbox.events().into_iter();
        let mut events: Vec<String> = events
            .map(|event| format!("{} {}", event["event_id"], event["amount_cents"]))
            .collect();
        events.sort();
        events
    };
    assert_eq!(sent(&of_folder), sent(&of_whole));
    assert!(!of_folder.events().is_empty());
}

#[test]
fn exports_of_which_one_completes_the_other_are_read_together_or_not_at_all() {
    // What invoices say of payments that were sent is found out with these.
    compare(&[
        (&[("p1", payments(0..3))], &["p1"]),
        (&[("i1", invoices(0..3))], &["i1", "p1"]),
        (&[("p2", payments(3..5))], &["i1", "p1", "p2"]),
        (&[("i2", invoices(2..5))], &["i1", "i2", "p1", "p2"]),
    ]);
    // Alone, the second export of invoices would have sales of its own.
    compare(&[
        (
            &[("p1", payments(0..3)), ("i1", invoices(0..3))],
            &["i1", "p1"],
        ),
        (&[], &[]),
        (&[("i2", invoices(0..2))], &["i1", "i2", "p1"]),
        (&[], &[]),
        (
            &[("p2", payments(3..5)), ("i3", invoices(2..5))],
            &["i1", "i2", "i3", "p1", "p2"],
        ),
        (&[], &[]),
    ]);
}

#[test]
fn other_rules_read_the_exports_again() {
    let (place, sandbox) = (Place::new(), sandbox());
    place.write("exports/a.csv", &payments(0..3));
    night(&place, &sandbox, &["exports"]);
    let is_skipped = |options: &[&str]| {
        let json = night(&place, &sandbox, &[&["exports"], options].concat());
        skipped(&json).len() == 1
    };
    assert!(is_skipped(&[]));
    assert!(!is_skipped(&["--encoding", "windows-1252"]));
    assert!(!is_skipped(&["--profile", "stripe-payments"]));
    // The last rules are those that count.
    assert!(is_skipped(&["--profile", "stripe-payments"]));
    assert!(!is_skipped(&[]));
    assert!(is_skipped(&[]));
    assert!(!is_skipped(&["--profile", "stripe-payments=*.csv"]));
    assert!(is_skipped(&[]));
    place.write("fprecon.toml", "[currencies]\nforeign = \"hold\"\n");
    assert!(!is_skipped(&[]));
    assert!(is_skipped(&[]));
    place.write(
        "fprecon.toml",
        "[currencies]\nforeign = \"hold\"\n[exports.mine]\nextends = \"stripe-payments\"\nby_name_only = true\n",
    );
    let first = place.run_to(&sandbox, &["run", "exports", "--yes", "--json"]);
    if first.code() == 0 {
        assert!(skipped(&first.json()).is_empty());
    }
}

#[test]
fn a_plan_reads_what_a_run_would() {
    let (place, sandbox) = (Place::new(), sandbox());
    place.write("exports/a.csv", &payments(0..3));
    night(&place, &sandbox, &["exports"]);
    place.write("exports/b.csv", &payments(3..5));
    let plan = place
        .run_to(&sandbox, &["plan", "exports", "--json"])
        .expect(0)
        .json();
    assert_eq!((read(&plan).len(), skipped(&plan).len()), (1, 1));
    assert_eq!(plan["events"]["by_plan"]["to_send"], 2);
    let said = place
        .run_to(&sandbox, &["plan", "exports"])
        .expect(0)
        .stdout();
    assert!(
        said.contains("1 export read by earlier runs, and not read again: exports/a.csv\n"),
        "{said}"
    );
}

#[test]
fn every_file_of_a_folder_is_read_or_named() {
    let (place, sandbox) = (Place::new(), sandbox());
    place
        .write("exports/.hidden.csv", "what is this\n1\n")
        .write("exports/b.csv", &payments(0..1))
        .write("exports/a.txt", &payments(1..2))
        .write("exports/notes.txt", "Downloaded on Monday.\n")
        .write("exports/invoice.pdf", "%PDF-1.7\n")
        .write("exports/c.csv.part", &payments(2..3))
        .write("exports/old/d.csv", &payments(3..4));
    let json = night(&place, &sandbox, &["exports"]);
    assert_eq!(read(&json), ["exports/a.txt", "exports/b.csv"]);
    let ran = place.run_to(&sandbox, &["plan", "exports"]).expect(0);
    let said = ran.stderr();
    let line = "exports: warning: not read, since they are not exports: `c.csv.part` (still being written), `old` (a folder), `invoice.pdf`, `notes.txt`\n";
    assert!(said.contains(line), "{said}");

    // A CSV that nobody can read is money that may be missing.
    place.write("exports/what.csv", "what is this\n1\n");
    let said = place
        .run_to(&sandbox, &["run", "exports", "--yes"])
        .expect(3)
        .stderr();
    assert!(said.contains("exports/what.csv"), "{said}");
    assert!(
        said.contains("nothing was sent") || said.contains("error"),
        "{said}"
    );

    place.write("none/notes.txt", "nothing\n");
    fs::create_dir(place.path("empty")).unwrap();
    let said = place
        .run_to(&sandbox, &["run", "none", "empty", "--yes"])
        .expect(3)
        .stderr();
    assert!(
        said.contains("none: error: no export is in this folder"),
        "{said}"
    );
    assert!(
        said.contains("empty: error: no export is in this folder"),
        "{said}"
    );
}

#[test]
fn the_folder_of_the_job_can_be_its_own_exports() {
    let (place, sandbox) = (Place::new(), sandbox());
    place
        .write(
            "fprecon.toml",
            "[currencies]\nrates = \"rates.csv\"\n[api]\nkey_file = \"my.key\"\n",
        )
        .write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.1\n")
        .write("my.key", "a-key-of-the-account\n")
        .write("a.csv", &payments(0..2));
    for _ in 0..2 {
        let ran = place.run_to(&sandbox, &["run", ".", "--yes"]).expect(0);
        assert!(!ran.stderr().contains("not read"), "{}", ran.stderr());
    }
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn other_commands_take_folders_too() {
    let place = Place::new();
    place
        .write("exports/a.csv", &payments(0..2))
        .write("exports/readme.md", "# Exports\n");
    let checked = place.run(&["profiles", "check", "exports"]).expect(0);
    assert!(
        checked.stdout().contains("exports/a.csv"),
        "{}",
        checked.stdout()
    );
    assert!(
        checked.stderr().contains("`readme.md`"),
        "{}",
        checked.stderr()
    );
    place.run(&["init", "exports"]).expect(0);
    let plan = place.run(&["plan", "exports", "--json"]).expect(0).json();
    assert_eq!(read(&plan), ["exports/a.csv"]);
}
