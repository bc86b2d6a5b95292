//! The report of a month: by the days of runs and by the days of sales, what was open at its end, and what
//! is open now.

use crate::support::{Place, Ran, SandboxProcess};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
const MARCH: [&str; 4] = ["--from", "2026-03-01", "--to", "2026-03-31"];
const APRIL: [&str; 4] = ["--from", "2026-04-01", "--to", "2026-04-30"];

/// A clock that the program sees, where the machine can make one.
fn libfaketime() -> Option<PathBuf> {
    let folders = ["/usr/lib", "/usr/local/lib", "/usr/lib64"];
    let inner = ["", "x86_64-linux-gnu", "aarch64-linux-gnu"];
    let mut places = folders.iter().flat_map(|folder| {
        let place = move |inner: &&str| Path::new(folder).join(inner).join("faketime");
        inner.iter().map(place)
    });
    let found = places.find_map(|place| {
        let path = place.join("libfaketimeMT.so.1");
        path.exists().then_some(path)
    });
    if found.is_none() {
        eprintln!("skipped: libfaketime is absent");
    }
    found
}

struct Months {
    place: Place,
    sandbox: SandboxProcess,
    clock: PathBuf,
}

impl Months {
    fn run_at(&self, day: &str, arguments: &[&str]) -> Ran {
        let mut command = self.place.command_to(&self.sandbox, arguments);
        command
            .env("LD_PRELOAD", &self.clock)
            .env("TZ", "UTC")
            .env("FAKETIME", format!("@{day} 10:00:00"))
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Ran(command.output().unwrap())
    }

    fn export(&self, name: &str, rows: &[&str]) {
        let text = format!("{HEADER}{}\n", rows.join("\n"));
        self.place.write(name, &text);
    }

    fn report(&self, days: &[&str], more: &[&str]) -> Value {
        let words = [&["report", "--json", "--dir", "month"], days, more].concat();
        self.run_at("2026-05-02", &words).expect(0).json()
    }

    /// Two nights of March, in which a refund waits for its sale and a sale is refused; in April both are
    /// settled.
    fn new() -> Option<Months> {
        let clock = libfaketime()?;
        let months = Months {
            place: Place::new(),
            sandbox: SandboxProcess::start(&["--lead-share", "100"]),
            clock,
        };
        months
            .place
            .write("fprecon.toml", "[audit]\nzone = \"Europe/Berlin\"\n");
        let paid = "sale,s1,,ana@example.com,100.00,USD,2026-03-30T10:00:00Z";
        let refused = "sale,s2,,ben@example.com,20.00,USD,2026-03-30T09:00:00Z";
        let early = "refund,r9,s9,cyd@example.com,30.00,USD,2026-03-30T12:00:00Z";
        months.export("first.csv", &[refused, paid, early]);
        let refuse = json!({"action": "status", "status": 422, "times": 1});
        months.sandbox.fault(&refuse);
        months
            .run_at(
                "2026-03-30",
                &["run", "first.csv", "--yes", "--concurrency", "1"],
            )
            .expect(1);
        // Already April in Berlin.
        let late = "sale,s3,,ana@example.com,7.00,USD,2026-03-31T22:30:00Z";
        months.export("second.csv", &[paid, early, late]);
        months
            .run_at("2026-03-31", &["run", "second.csv", "--yes"])
            .expect(1);
        let back = "refund,r1,s1,ana@example.com,40.00,USD,2026-04-02T10:00:00Z";
        let sold = "sale,s9,,cyd@example.com,30.00,USD,2026-03-02T12:00:00Z";
        months.export("third.csv", &[sold, early, back]);
        months
            .run_at("2026-04-03", &["run", "third.csv", "--yes"])
            .expect(0);
        months
            .run_at("2026-04-04", &["retry", "--failed", "--yes"])
            .expect(0);
        Some(months)
    }
}

fn plan(report: &Value, state: &str) -> i64 {
    report["events"]["by_plan"][state].as_i64().unwrap()
}

fn ids(place: &Place, file: &str) -> Vec<String> {
    let rows = place.csv(file);
    let column = rows[0].iter().position(|name| name == "event_id").unwrap();
    let mut ids: Vec<String> = rows[1..].iter().map(|row| row[column].clone()).collect();
    ids.sort();
    ids
}

#[test]
fn a_month_of_runs_says_what_was_open_at_its_end_and_what_is_open_now() {
    let Some(months) = Months::new() else { return };
    let march = months.report(&MARCH, &[]);
    // Held in both nights, and one event all the same.
    assert_eq!(plan(&march, "unlinked"), 1, "{march:#}");
    assert_eq!((plan(&march, "to_send"), plan(&march, "settled")), (3, 1));
    assert_eq!(plan(&march, "duplicate"), 1);
    assert_eq!(ids(&months.place, "month/held.csv"), ["r9"]);
    let at_end = &march["span"]["open_at_end"];
    assert_eq!(at_end["as_of"], "2026-04-01T00:00:00Z");
    assert_eq!(
        at_end["items"],
        json!([
            {"code": "failed", "count": 1, "amount_cents": {"USD": 2000}},
            {"code": "held", "count": 1, "amount_cents": {"USD": 3000}},
        ])
    );
    assert_eq!(march["span"]["open_now"]["items"], json!([]));
    assert_eq!(
        (&march["attention"], &march["exit_code"]),
        (&json!([]), &json!(0))
    );
    let said = [&["report", "--dir", "month"], &MARCH[..]].concat();
    let said = months.run_at("2026-05-02", &said).expect(0).stdout();
    let line = "Open at the end of 2026-03-31 (UTC): 1 event failed (20.00 USD), 1 event held (30.00 USD).";
    assert!(said.contains(line), "{said}");
    assert!(
        said.contains("Open now (2026-05-02 10:00 UTC): nothing."),
        "{said}"
    );
    let page = months.place.read("month/report.html");
    assert!(page.contains("Open at the end of 2026-03-31 (UTC)"));

    let april = months.report(&APRIL, &[]);
    assert_eq!(april["span"]["open_at_end"]["items"], json!([]));
    assert_eq!(plan(&april, "unlinked"), 0);
}

#[test]
fn what_began_before_the_days_and_was_open_at_their_end_is_said() {
    let Some(months) = Months::new() else { return };
    let last = ["--from", "2026-03-31", "--to", "2026-03-31"];
    let failed = json!([{"code": "failed", "count": 1, "amount_cents": {"USD": 2000}}]);
    let held = json!([{"code": "held", "count": 1, "amount_cents": {"USD": 3000}}]);
    let report = months.report(&last, &[]);
    let at_end = &report["span"]["open_at_end"];
    assert_eq!((&at_end["items"], &at_end["earlier"]), (&held, &failed));
    let words = [&["report", "--dir", "month"], &last[..]].concat();
    let said = months.run_at("2026-05-02", &words).expect(0).stdout();
    let line = "Open then from before 2026-03-31: 1 event failed (20.00 USD).";
    assert!(said.contains(line), "{said}");
    assert_eq!(report["span"]["open_now"]["earlier"], Value::Null);
    assert!(!said.contains("Still open"), "{said}");
    // By the dates of sales both are of a day before.
    let first = ["--from", "2026-04-01", "--to", "2026-04-01"];
    let report = months.report(&first, &["--by", "sale-date"]);
    let at_end = &report["span"]["open_at_end"];
    assert_eq!(at_end["items"], json!([]));
    assert_eq!(at_end["earlier"], json!([failed[0], held[0]]));
    // What was settled by then is not among them.
    let april = months.report(&APRIL, &[]);
    assert_eq!(april["span"]["open_at_end"]["earlier"], Value::Null);
}

#[test]
fn what_began_before_the_days_and_is_open_still_is_said() {
    let Some(clock) = libfaketime() else { return };
    let months = Months {
        place: Place::new(),
        sandbox: SandboxProcess::start(&["--lead-share", "100"]),
        clock,
    };
    let refused = "sale,s2,,ben@example.com,20.00,USD,2026-02-20T09:00:00Z";
    let early = "refund,r9,s9,cyd@example.com,30.00,USD,2026-02-20T12:00:00Z";
    months.export("first.csv", &[refused, early]);
    let refuse = json!({"action": "status", "status": 422, "times": 1});
    months.sandbox.fault(&refuse);
    months
        .run_at("2026-02-21", &["run", "first.csv", "--yes"])
        .expect(1);
    let paid = "sale,s1,,ana@example.com,100.00,USD,2026-03-30T10:00:00Z";
    months.export("second.csv", &[paid]);
    months
        .run_at("2026-03-30", &["run", "second.csv", "--yes"])
        .expect(0);
    let items = json!([
        {"code": "failed", "count": 1, "amount_cents": {"USD": 2000}},
        {"code": "held", "count": 1, "amount_cents": {"USD": 3000}},
    ]);
    let march = months.report(&MARCH, &[]);
    for (instant, own) in [("open_at_end", json!([])), ("open_now", json!([]))] {
        let open = &march["span"][instant];
        assert_eq!(
            (&open["items"], &open["earlier"]),
            (&own, &items),
            "{instant}"
        );
    }
    let words = [&["report", "--dir", "month"], &MARCH[..]].concat();
    let said = months.run_at("2026-05-02", &words).expect(0).stdout();
    let line =
        "Still open from before 2026-03-01: 1 event failed (20.00 USD), 1 event held (30.00 USD).";
    assert!(said.contains(line), "{said}");
    // What was accepted since was open then, and is not open now.
    let folders = std::fs::read_dir(months.place.path("reports")).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join("failed.csv"));
    let failed =
        files.find(|file| std::fs::read_to_string(file).is_ok_and(|text| text.contains("s2")));
    let failed = failed.unwrap().display().to_string();
    months
        .run_at("2026-04-20", &["accept", &failed, "--reason", "agreed"])
        .expect(0);
    let march = months.report(&MARCH, &[]);
    assert_eq!(march["span"]["open_at_end"]["earlier"], items);
    assert_eq!(march["span"]["open_now"]["earlier"], json!([items[1]]));
}

#[test]
fn a_month_of_sales_has_their_refunds_whenever_they_were_read() {
    let Some(months) = Months::new() else { return };
    let by = ["--by", "sale-date"];
    let march = months.report(&MARCH, &by);
    assert_eq!(march["span"]["by"], "sale-date");
    assert_eq!(march["span"]["zone"], "Europe/Berlin");
    assert_eq!(
        ids(&months.place, "month/tracked.csv"),
        ["r1", "r9", "s1", "s2", "s9"]
    );
    let tracked = &march["outcomes"]["tracked"]["by_kind"];
    assert_eq!(tracked["sale"]["amount_cents"], json!({"USD": 15_000}));
    assert_eq!(tracked["refund"]["amount_cents"], json!({"USD": 7_000}));
    assert_eq!(march["events"]["total"], 5);
    assert_eq!(march["span"]["runs"].as_array().unwrap().len(), 3);
    let april = months.report(&APRIL, &by);
    assert_eq!(ids(&months.place, "month/tracked.csv"), ["s3"]);
    assert_eq!(april["outcomes"]["tracked"]["count"], 1);
    assert_eq!(march["span"]["undated"], Value::Null);

    let none = ["report", "--by", "sale-date"];
    months.place.run(&none).expect(2);
    let none = ["report", "--by", "sale-date", "--to", "2020-01-01"];
    let said = months.place.run(&none).expect(3).stderr();
    assert!(said.contains("no event of these days"), "{said}");
}

#[test]
fn what_is_held_or_rejected_is_said_in_the_month_of_its_sale() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let rows = [
        "sale,s1,,ana@example.com,100.00,USD,2026-03-30T10:00:00Z",
        "refund,r9,s9,cyd@example.com,30.00,USD,2026-03-30T12:00:00Z",
        "refund,r8,s8,cyd@example.com,5.00,USD,2026-02-10T12:00:00Z",
        "sale,s4,,ana@example.com,abc,USD,2026-03-30T10:00:00Z",
    ];
    place.write("a.csv", &format!("{HEADER}{}\n", rows.join("\n")));
    place.run_to(&sandbox, &["run", "a.csv", "--yes"]).expect(1);
    let words = ["report", "--json", "--dir", "m", "--by", "sale-date"];
    let march = place.run(&[&words[..], &MARCH].concat()).expect(0).json();
    assert_eq!(plan(&march, "unlinked"), 1);
    assert_eq!(ids(&place, "m/held.csv"), ["r9"]);
    // A row has no date that anybody knows, so it may be of this month.
    let codes: Vec<&Value> = march["attention"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["code"])
        .collect();
    assert_eq!(codes, ["held", "rejected"], "{march:#}");
    assert_eq!(march["exit_code"], 1);
    assert_eq!(place.csv("m/rejected.csv").len(), 2);
    let accept = [
        "accept",
        "m/held.csv",
        "m/rejected.csv",
        "--reason",
        "known",
    ];
    place.run(&accept).expect(0);
    let march = place.run(&[&words[..], &MARCH].concat()).expect(0).json();
    assert_eq!(march["attention"], json!([]));
    assert_eq!(march["accepted"].as_array().unwrap().len(), 2);
    assert_eq!(plan(&march, "unlinked"), 1, "accepted is not sent");
}

#[test]
#[cfg_attr(not(feature = "polars"), ignore)]
fn an_audit_takes_the_days_of_runs_too() {
    let Some(months) = Months::new() else { return };
    let audit = |days: &[&str], by: &str| {
        let words = [&["audit", "--live", "--json", "--by", by], days].concat();
        months.run_at("2026-05-02", &words).expect_one_of(&[0, 1])
    };
    let figures = |audit: &Value| {
        let ours = &audit["ours"];
        (
            ours["sales"].as_u64().unwrap(),
            ours["refunds"].as_u64().unwrap(),
        )
    };
    let march = audit(&MARCH, "run-date");
    assert_eq!(march["period"]["by"], "run-date");
    // s1, s2 and s3 were recorded in March; s9 was in April, though it is of March.
    assert_eq!(figures(&march), (3, 1));
    assert_eq!(figures(&audit(&APRIL, "run-date")), (1, 1));
    assert_eq!(figures(&audit(&MARCH, "sale-date")), (3, 2));
    assert_eq!(figures(&audit(&APRIL, "sale-date")), (1, 0));
    months.place.run(&["audit", "--by", "run-date"]).expect(2);
    let exports = [
        "audit",
        "first.csv",
        "--by",
        "run-date",
        "--from",
        "2026-03-01",
    ];
    months.place.run(&exports).expect(2);
}
