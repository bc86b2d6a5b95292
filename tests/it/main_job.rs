//! The main job from end to end: the real binary, a real sandbox over HTTP, real files.

use std::path::Path;

use crate::support::{Payment, Place, SandboxProcess, form, stripe_export};
use serde_json::{Value, json};

/// Two customers; one full refund, one partial refund that hides behind `Paid`, one failure, one
/// payment of nobody.
fn export() -> String {
    let mut refunded = Payment::paid(2, 1);
    refunded.status = "Refunded".into();
    refunded.refunded = "20.00".into();
    refunded.refunded_at = "2026-03-09 08:00:00".into();
    let mut partly = Payment::paid(3, 2);
    partly.refunded = "5.50".into();
    partly.refunded_at = "2026-03-10 08:00:00".into();
    let mut failed = Payment::paid(4, 2);
    failed.status = "Failed".into();
    let mut nobody = Payment::paid(5, 3);
    nobody.customer.clear();
    nobody.email.clear();
    let mut once = Payment::paid(6, 2);
    once.invoice.clear();
    stripe_export(&[Payment::paid(1, 1), refunded, partly, failed, nobody, once])
}

fn count(json: &Value, path: &[&str]) -> i64 {
    let value = path.iter().fold(json, |value, key| &value[*key]);
    value
        .as_i64()
        .unwrap_or_else(|| panic!("{path:?} in {json}"))
}

/// Checks how the partial refund arrived.
fn expect_partial_refund(arrivals: &[Value]) {
    let refund = arrivals
        .iter()
        .find(|arrival| form(arrival, "event_id").as_deref() == Some("in_0003_refund_550"))
        .expect("the partial refund arrives under its own id");
    assert_eq!(form(refund, "sale_event_id").as_deref(), Some("in_0003"));
    assert_eq!(form(refund, "amount").as_deref(), Some("550"));
    assert_eq!(form(refund, "wid").as_deref(), Some("wid-1"));
    assert_eq!(
        form(refund, "created_at").as_deref(),
        Some("2026-03-10T08:00:00Z")
    );
    assert_eq!(
        form(refund, "skip_email_notification").as_deref(),
        Some("true")
    );
}

#[test]
fn a_run_sends_every_event_once_and_accounts_for_every_row() {
    let place = Place::new();
    place.write("payments.csv", &export());
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);

    let run = place.run_to(&sandbox, &["run", "payments.csv", "--yes", "--json"]);
    let report = run.expect(0).json();
    assert_eq!(
        report["rows"],
        json!({"read": 6, "with_events": 4, "ignored": 2, "rejected": 0})
    );
    assert_eq!(count(&report, &["events", "by_plan", "to_send"]), 6);
    assert_eq!(count(&report, &["outcomes", "tracked", "count"]), 6);
    assert_eq!(
        count(
            &report,
            &[
                "outcomes",
                "tracked",
                "by_kind",
                "sale",
                "amount_cents",
                "USD"
            ]
        ),
        8000
    );
    assert_eq!(
        count(
            &report,
            &[
                "outcomes",
                "tracked",
                "by_kind",
                "refund",
                "amount_cents",
                "USD"
            ]
        ),
        2550
    );
    assert_eq!(count(&report, &["requests"]), 6);
    assert_eq!(report["exit_code"], 0);

    let state = sandbox.state();
    assert_eq!(count(&state, &["events", "sale", "count"]), 4);
    assert_eq!(
        count(&state, &["events", "refund", "amount_cents", "default"]),
        2550
    );

    let arrivals = sandbox.arrivals();
    expect_partial_refund(&arrivals);
    assert!(arrivals.iter().all(|arrival| arrival["has_key"] == true));
    let charge = arrivals
        .iter()
        .any(|arrival| form(arrival, "event_id").as_deref() == Some("ch_0006"));
    assert!(charge, "a payment without an invoice goes by its charge id");

    let again = place.run_to(&sandbox, &["run", "payments.csv", "--yes", "--json"]);
    let report = again.expect(0).json();
    assert_eq!(count(&report, &["events", "by_plan", "settled"]), 6);
    assert_eq!(count(&report, &["requests"]), 0);
    assert_eq!(sandbox.arrivals().len(), 6, "the second run sends nothing");
}

#[test]
fn customers_who_are_no_leads_are_asked_once() {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=6).map(|n| Payment::paid(n, n % 2)).collect();
    place.write("payments.csv", &stripe_export(&payments));
    let sandbox = SandboxProcess::start(&["--lead-share", "0"]);

    let run = place.run_to(&sandbox, &["run", "payments.csv", "--yes", "--json"]);
    let report = run.expect(0).json();
    assert_eq!(count(&report, &["outcomes", "non_referral", "count"]), 6);
    assert_eq!(sandbox.arrivals().len(), 2, "one request for each customer");
    let directory = report["report_dir"].as_str().unwrap();
    let rows = place.csv(&format!("{directory}/non_referral.csv"));
    assert_eq!(rows.len(), 7);
    let inferred = rows
        .iter()
        .filter(|row| row.iter().any(|cell| cell.contains("inferred")));
    assert_eq!(inferred.count(), 4);
}

#[test]
fn the_reports_hold_every_event_and_every_row_with_its_place() {
    let place = Place::new();
    let mut unknown = Payment::paid(7, 3);
    unknown.status = "Warped".into();
    let text = export() + &unknown.row() + "\n";
    place.write("payments.csv", &text);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);

    let run = place.run_to(&sandbox, &["run", "payments.csv", "--yes", "--dir", "out"]);
    let run = run.expect(1);
    assert!(run.stdout().contains("1 row rejected"), "{}", run.stdout());

    let tracked = place.csv("out/tracked.csv");
    assert_eq!(tracked.len(), 7);
    assert_eq!(
        tracked[0].join(","),
        "kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,outcome,\
         http_status,message,attempts,first_attempt_at,settled_at,api_event_id,promoter_email,\
         promoter_ref_id,commission_cents,file,line"
    );
    let refund = tracked
        .iter()
        .find(|row| row[1] == "in_0002_refund_2000")
        .unwrap();
    assert_eq!(refund[0], "refund");
    assert_eq!(refund[2], "in_0002");
    assert_eq!(refund[5], "2000");
    assert_eq!(refund[17], "-400", "20 % go back");
    assert_eq!(refund[18..20], ["payments.csv", "3"]);

    let rejected = place.csv("out/rejected.csv");
    assert_eq!(rejected.len(), 2);
    assert_eq!(rejected[0][23..], ["_file", "_line", "_reason"]);
    assert_eq!(rejected[1][0], "ch_0007");
    assert_eq!(rejected[1][23..25], ["payments.csv", "8"]);
    assert_eq!(place.csv("out/ignored.csv").len(), 3);
    assert_eq!(
        place.csv("out/failed.csv").len(),
        1,
        "a header and nothing else"
    );
    let summary: Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    assert_eq!(summary["rows"]["rejected"], 1);

    // Mended, the rejected row can be fed in as it is.
    let mended = place.read("out/rejected.csv").replace("Warped", "Paid");
    place.write("mended.csv", &mended);
    let second = place.run_to(&sandbox, &["run", "mended.csv", "--yes", "--json"]);
    assert_eq!(
        count(&second.expect(0).json(), &["outcomes", "tracked", "count"]),
        1
    );
    assert_eq!(sandbox.events().len(), 7);

    // The report can be made again, from the journal alone.
    std::fs::remove_file(place.path("payments.csv")).unwrap();
    let first = std::fs::read_dir(place.root()).unwrap().count();
    assert!(first > 0);
    let runs = place.run(&["status", "--json"]).expect(0).json();
    let first_run = runs["runs"][1]["run"].as_str().unwrap().to_owned();
    place
        .run(&["report", "--run", &first_run, "--dir", "again"])
        .expect(0);
    assert_eq!(
        place.read("again/tracked.csv"),
        place.read("out/tracked.csv")
    );
}

#[test]
fn a_mended_row_is_read_without_what_kept_a_spreadsheet_from_running_it() {
    let place = Place::new();
    let mut payment = Payment::paid(1, 1);
    payment.email = "+sales@example.com".into();
    payment.status = "Warped".into();
    place.write("payments.csv", &stripe_export(&[payment]));
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes", "--dir", "out"])
        .expect(1);
    let rejected = place.read("out/rejected.csv");
    assert!(rejected.contains(",'+sales@example.com,"), "{rejected}");

    place.write("mended.csv", &rejected.replace("Warped", "Paid"));
    place
        .run_to(&sandbox, &["run", "mended.csv", "--yes"])
        .expect(0);
    let email = form(&sandbox.arrivals()[0], "email");
    assert_eq!(email.as_deref(), Some("+sales@example.com"));
}

#[test]
fn a_row_that_was_cut_off_is_rejected_until_it_is_mended() {
    let place = Place::new();
    let whole = Payment::paid(1, 1).row();
    let cut = whole.rsplit_once(',').unwrap().0;
    place.write(
        "payments.csv",
        &format!("{}\n{cut}\n", crate::support::STRIPE_HEADER),
    );
    place
        .run(&["run", "payments.csv", "--sandbox", "--yes", "--dir", "out"])
        .expect(1);

    let rejected = place.read("out/rejected.csv");
    place.write("again.csv", &rejected);
    place.run(&["plan", "again.csv"]).expect(1);
    // As a spreadsheet saves it: all rows of one width.
    let (header, row) = rejected.split_once('\n').unwrap();
    place.write("saved.csv", &format!("{header},\n{row}"));
    let saved = place.run(&["plan", "saved.csv"]).expect(1);
    assert!(
        saved.stderr().contains("after `_reason`"),
        "{}",
        saved.stderr()
    );
}

#[test]
fn a_later_export_sends_only_what_was_refunded_since() {
    let place = Place::new();
    let mut payment = Payment::paid(1, 1);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    for (total, sent) in [("5.00", 2), ("5.00", 0), ("12.50", 1)] {
        payment.refunded = total.into();
        payment.refunded_at = "2026-03-10 08:00:00".into();
        place.write(
            "payments.csv",
            &stripe_export(std::slice::from_ref(&payment)),
        );
        let run = place.run_to(&sandbox, &["run", "payments.csv", "--yes", "--json"]);
        assert_eq!(count(&run.expect(0).json(), &["requests"]), sent, "{total}");
    }
    let refunds: Vec<(String, i64)> = sandbox
        .events()
        .iter()
        .filter(|event| event["kind"] == "refund")
        .map(|event| {
            let id = event["event_id"].as_str().unwrap().to_owned();
            (id, event["amount_cents"].as_i64().unwrap())
        })
        .collect();
    assert_eq!(
        refunds,
        [
            ("in_0001_refund_500".to_owned(), 500),
            ("in_0001_refund_1250".to_owned(), 750)
        ]
    );
}

/// The columns of a shop's own CSV, with a rule that names one that is not there.
const OWN_COLUMNS: &str = r#"
            [exports.shop]
            extends = "generic"
            [exports.shop.columns]
            event_id = "Order"
            kind = "What"
            sale_event_id = "Of order"
            email = "E-mail"
            amount = "Total"
            created_at = "Day"
            [exports.shop.known]
            kind = ["sold", "returned", "left"]
            [exports.shop.money]
            currency = "EUR"
            [exports.shop.money.format]
            decimal = ","
            thousands = "."
            [exports.shop.dates]
            formats = ["%d.%m.%Y"]
            zone = "Europe/Berlin"
            [[exports.shop.ignore]]
            when = { What2 = "x" }
            reason = "never"
        "#;

/// What the rows of that CSV are.
const OWN_EVENTS: &str = r#"
            [[exports.shop.event]]
            kind = "sale"
            when = { kind = "sold" }
            event_id = ["{event_id}"]
            amount = "amount"
            created_at = ["created_at"]
            [[exports.shop.event]]
            kind = "refund"
            when = { kind = "returned" }
            event_id = ["{event_id}"]
            sale_event_id = ["{sale_event_id}"]
            amount = "amount"
            created_at = ["created_at"]
            [[exports.shop.event]]
            kind = "cancellation"
            when = { kind = "left" }
            event_id = ["{event_id}"]
            created_at = ["created_at"]
            [[exports.shop.ignore]]
            when = { kind = "given" }
            reason = "a present"
    "#;

#[test]
fn a_csv_of_ones_own_is_read_by_the_names_that_the_configuration_gives() {
    let place = Place::new();
    place.write("fprecon.toml", OWN_COLUMNS);
    let refused = place.run(&["plan", "shop.csv"]).expect(3);
    assert!(refused.stderr().contains("`What2`"), "{}", refused.stderr());

    let config = place.read("fprecon.toml");
    let (config, _) = config.split_once("[[exports.shop.ignore]]").unwrap();
    place.write("fprecon.toml", &format!("{config}{OWN_EVENTS}"));
    place.write(
        "shop.csv",
        "Order;What;Of order;E-mail;Total;Day\n\
         A-1;sold;;ina@example.com;1.234,50;24.12.2025\n\
         A-2;returned;A-1;ina@example.com;34,50;02.01.2026\n\
         A-3;left;;ina@example.com;;03.01.2026\n",
    );
    place
        .run(&["plan", "shop.csv", "--events", "events.csv"])
        .expect(0);
    let events = place.csv("events.csv");
    let columns = |row: &[String]| [0, 1, 2, 5, 6, 10].map(|column| row[column].clone());
    assert_eq!(
        columns(&events[1]),
        ["sale", "A-1", "", "123450", "EUR", "2025-12-23T23:00:00Z"]
    );
    assert_eq!(
        columns(&events[2]),
        [
            "refund",
            "A-2",
            "A-1",
            "3450",
            "EUR",
            "2026-01-01T23:00:00Z"
        ]
    );
    assert_eq!(
        columns(&events[3]),
        ["cancellation", "A-3", "", "", "", "2026-01-02T23:00:00Z"]
    );
}

#[test]
fn a_plan_writes_the_events_it_is_asked_for_and_nothing_else() {
    let place = Place::new();
    place.write("payments.csv", &export());
    let plan = place.run(&["plan", "payments.csv", "--json", "--events", "events.csv"]);
    let json = plan.expect(0).json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["estimate"], json!({"requests": 6, "seconds": 1}));
    assert_eq!(json["problems"][0]["code"], "no-customer");
    assert_eq!(json["problems"][0]["line"], 6);
    let events = place.csv("events.csv");
    assert_eq!(
        events[0].join(","),
        "kind,event_id,sale_event_id,email,uid,amount_cents,currency,plan,mrr_cents,promo_code,\
         created_at,file,line,plan_state,note"
    );
    let ids: Vec<&str> = events[1..].iter().map(|row| row[1].as_str()).collect();
    assert_eq!(
        ids,
        [
            "in_0001",
            "in_0002",
            "in_0003",
            "ch_0006",
            "in_0002_refund_2000",
            "in_0003_refund_550"
        ]
    );
    let mut names: Vec<String> = std::fs::read_dir(place.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["events.csv", "payments.csv"]);
}

#[test]
fn the_demo_needs_nothing_and_can_be_repeated() {
    let place = Place::new();
    for _ in 0..2 {
        let demo = place.run(&["demo"]).expect(0);
        assert!(
            demo.stdout().contains("The books balance"),
            "{}",
            demo.stdout()
        );
        let summary: Value =
            serde_json::from_str(&place.read("fprecon-demo/summary.json")).unwrap();
        assert!(count(&summary, &["outcomes", "tracked", "count"]) > 100);
        assert!(count(&summary, &["outcomes", "non_referral", "count"]) > 10);
        assert!(count(&summary, &["events", "by_kind", "refund", "count"]) > 5);
    }
    for file in [
        "tracked",
        "non_referral",
        "failed",
        "held",
        "rejected",
        "ignored",
    ] {
        assert!(
            Path::new(&place.path(&format!("fprecon-demo/{file}.csv"))).is_file(),
            "{file}"
        );
    }
}

#[test]
fn sandbox_and_account_have_journals_of_their_own() {
    let place = Place::new();
    place.write("payments.csv", &export());
    place
        .run(&["run", "payments.csv", "--sandbox", "--yes"])
        .expect(0);
    assert!(place.path("fprecon-sandbox.journal").is_file());
    assert!(!place.path("fprecon.journal").exists());

    let sandbox = SandboxProcess::start(&[]);
    let mixed = place.run_to(
        &sandbox,
        &[
            "run",
            "payments.csv",
            "--yes",
            "--journal",
            "fprecon-sandbox.journal",
        ],
    );
    mixed.expect(6);
    assert!(sandbox.arrivals().is_empty());
}

/// What was sent stays recorded, and the report can be made elsewhere.
#[test]
fn a_report_that_cannot_be_written_loses_nothing() {
    let place = Place::new();
    place.write("payments.csv", &export());
    place.write("taken", "a file where the reports should go");
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let run = ["run", "payments.csv", "--yes", "--dir", "taken/reports"];
    let failed = place.run_to(&sandbox, &run).expect(1);
    assert!(
        failed.stderr().contains("`fprecon report`"),
        "{}",
        failed.stderr()
    );
    assert_eq!(sandbox.events().len(), 6);

    place.run(&["report", "--dir", "elsewhere"]).expect(0);
    assert_eq!(place.csv("elsewhere/tracked.csv").len(), 7);
    place.run_to(&sandbox, &["resume"]).expect(0);
    assert_eq!(sandbox.arrivals().len(), 6);
}

#[test]
fn nothing_is_sent_without_a_yes() {
    let place = Place::new();
    place.write("payments.csv", &export());
    let sandbox = SandboxProcess::start(&[]);
    let asked = place.run_to(&sandbox, &["run", "payments.csv"]).expect(2);
    assert!(asked.stderr().contains("--yes"), "{}", asked.stderr());
    assert!(sandbox.arrivals().is_empty());
}
