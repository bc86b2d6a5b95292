//! `fprecon undo`: what a run has sent is refunded, once, by a run of its own. Real binary, real sandbox.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Payment, Place, Ran, SandboxProcess, form, stripe_export};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

/// Two sales, one of which is refunded in part, and a cancellation.
const EXPORT: &str = "\
sale,s1,,ana@example.com,49.00,USD,2026-03-01T09:00:00Z
sale,s2,,ben@example.com,120.00,USD,2026-03-02T09:00:00Z
refund,r2,s2,ben@example.com,30.00,USD,2026-03-03T09:00:00Z
cancellation,c1,,ana@example.com,,,2026-03-09T09:00:00Z
";

fn place(rows: &str) -> Place {
    let place = Place::new();
    place.write("a.csv", &format!("{HEADER}{rows}"));
    place
}

fn leads() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

/// The names of the runs, the latest first, with their commands.
fn runs(place: &Place) -> Vec<(String, String)> {
    let status = place.run(&["status", "--json"]).expect(0).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let runs = status["runs"].as_array().unwrap().iter();
    runs.map(|run| (text(&run["run"]), text(&run["command"])))
        .collect()
}

fn latest(place: &Place) -> String {
    runs(place).remove(0).0
}

fn run(place: &Place, sandbox: &SandboxProcess, export: &str, code: i32) -> Value {
    let ran = place.run_to(sandbox, &["run", export, "--yes", "--json"]);
    ran.expect(code).json()
}

fn undo(place: &Place, sandbox: &SandboxProcess, run: &str, code: i32) -> Value {
    let ran = place.run_to(sandbox, &["undo", run, "--yes", "--json"]);
    ran.expect(code).json()
}

/// `event_id sale_event_id amount` of the refunds that took effect.
fn refunds(sandbox: &SandboxProcess) -> Vec<String> {
    let mut refunds: Vec<String> = sandbox
        .events()
        .iter()
        .filter(|event| event["kind"] == "refund")
        .map(|event| {
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let cents = event["amount_cents"].as_i64().unwrap();
            format!("{} {} {cents}", text("event_id"), text("sale_event_id"))
        })
        .collect();
    refunds.sort();
    refunds
}

fn codes(report: &Value) -> Vec<&str> {
    let problems = report["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| problem["code"].as_str().unwrap())
        .collect()
}

fn attention(report: &Value) -> Vec<(&str, u64)> {
    let items = report["attention"].as_array().unwrap().iter();
    items
        .map(|item| {
            let code = item["code"].as_str().unwrap();
            (code, item["count"].as_u64().unwrap())
        })
        .collect()
}

fn count(report: &Value, path: &str) -> u64 {
    report.pointer(path).unwrap().as_u64().unwrap()
}

#[test]
fn what_is_left_of_each_sale_is_refunded_and_a_second_undo_sends_nothing() {
    let place = place(EXPORT);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    let undone = latest(&place);

    // Without a yes it is a plan.
    let planned = place.run_to(&sandbox, &["undo", &undone]).expect(2);
    let shown = planned.stdout();
    assert!(
        shown.contains("= to send          2         2   139.00"),
        "{shown}"
    );
    let said = planned.stderr();
    assert!(said.contains("1 cancellation: can't be undone"), "{said}");
    assert!(
        said.contains(&format!("`fprecon undo {undone} --yes`")),
        "{said}"
    );
    let json = place
        .run_to(&sandbox, &["undo", &undone, "--json"])
        .expect(2)
        .json();
    assert_eq!(json["undoes"], undone.as_str());
    assert_eq!(count(&json, "/events/by_plan/to_send"), 2);
    assert_eq!(codes(&json), ["not-confirmed", "undo-partial"]);
    assert_eq!(sandbox.events().len(), 4);
    assert_eq!(runs(&place).len(), 1);

    let report = undo(&place, &sandbox, &undone, 0);
    assert_eq!(report["undoes"], undone.as_str());
    assert_eq!(count(&report, "/outcomes/tracked/count"), 2);
    assert_eq!(
        refunds(&sandbox),
        ["r2 s2 3000", "s1_undo s1 4900", "s2_undo s2 9000"]
    );
    assert_eq!(runs(&place)[0].1, "undo");
    let commissions: i64 = sandbox
        .events()
        .iter()
        .filter_map(|event| event["commission_cents"].as_i64())
        .sum();
    assert_eq!(commissions, 0);

    // Its report can be written again, and names the place of the sales.
    let name = latest(&place);
    place
        .run(&["report", "--run", &name, "--dir", "again"])
        .expect(0);
    let tracked = place.csv("again/tracked.csv");
    assert_eq!(tracked[1][18..], ["a.csv", "2"]);

    let arrivals = sandbox.arrivals().len();
    let second = undo(&place, &sandbox, &undone, 0);
    assert_eq!(count(&second, "/events/by_plan/settled"), 2);
    assert_eq!(count(&second, "/outcomes/tracked/count"), 0);
    assert_eq!(sandbox.arrivals().len(), arrivals);
    place.run(&["journal", "check"]).expect(0);
    place.run(&["explain", "s1_undo"]).expect(0);
}

#[test]
fn a_person_on_a_terminal_is_asked() {
    let place = place(EXPORT);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    let words = format!("undo {}", latest(&place));
    let no = place
        .run_on_a_terminal(&sandbox.base_url, &words, "n\n")
        .expect(0);
    assert!(
        no.stdout().contains("Cancelled. Nothing was sent."),
        "{}",
        no.stdout()
    );
    assert_eq!(refunds(&sandbox).len(), 1);
    place
        .run_on_a_terminal(&sandbox.base_url, &words, "y\n")
        .expect(0);
    assert_eq!(refunds(&sandbox).len(), 3);
}

#[test]
fn later_exports_neither_send_the_sale_again_nor_refund_it_twice() {
    let place = place(EXPORT);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    undo(&place, &sandbox, &latest(&place), 0);
    let arrivals = sandbox.arrivals().len();

    let later = "refund,r1,s1,ana@example.com,20.00,USD,2026-03-20T09:00:00Z\n";
    place.write("b.csv", &format!("{HEADER}{EXPORT}{later}"));
    let report = run(&place, &sandbox, "b.csv", 0);
    let plan = place.run(&["plan", "b.csv", "--json"]).expect(0).json();
    assert_eq!(codes(&plan), ["sale-undone"]);
    assert_eq!(count(&report, "/events/by_plan/settled"), 4);
    assert_eq!(count(&report, "/events/by_plan/duplicate"), 1);
    place.write("c.csv", &format!("{HEADER}{later}"));
    let alone = place.run_to(&sandbox, &["run", "c.csv", "--yes"]).expect(0);
    let said = "has refunded the sales of these refunds in full, so that they are not sent: 1 refund, 20.00 USD";
    assert!(alone.stderr().contains(said), "{}", alone.stderr());
    assert_eq!(sandbox.arrivals().len(), arrivals);

    // The hint, followed: under another id the sale is sent.
    let other = EXPORT.lines().next().unwrap().replace("s1,", "s1-again,");
    place.write("own.csv", &format!("{HEADER}{other}\n"));
    let report = run(&place, &sandbox, "own.csv", 0);
    assert_eq!(count(&report, "/outcomes/tracked/count"), 1);
}

#[test]
fn a_running_total_that_grows_after_an_undo_sends_nothing() {
    let place = Place::new();
    let sandbox = leads();
    let payment = |refunded: &str| {
        let mut payment = Payment::paid(1, 1);
        payment.refunded = refunded.into();
        if refunded != "0.00" {
            payment.refunded_at = "2026-03-20 08:00:00".into();
        }
        stripe_export(&[payment])
    };
    place.write("p.csv", &payment("5.00"));
    run(&place, &sandbox, "p.csv", 0);
    undo(&place, &sandbox, &latest(&place), 0);
    let sent = [
        "in_0001_refund_500 in_0001 500",
        "in_0001_undo in_0001 1500",
    ];
    assert_eq!(refunds(&sandbox), sent);
    for (refunded, said) in [("5.00", 0), ("12.00", 1), ("20.00", 1)] {
        place.write("p.csv", &payment(refunded));
        let report = run(&place, &sandbox, "p.csv", 0);
        assert_eq!(
            count(&report, "/events/by_plan/duplicate"),
            said,
            "{refunded}"
        );
        let plan = place.run(&["plan", "p.csv", "--json"]).expect(0).json();
        assert_eq!(codes(&plan), ["sale-undone"]);
    }
    assert_eq!(refunds(&sandbox), sent);
}

#[test]
fn a_sale_with_a_refund_that_is_not_settled_is_held_until_that_is() {
    let place = place(EXPORT);
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 422, "event_id": "r2", "times": 2}));
    run(&place, &sandbox, "a.csv", 1);
    let undone = latest(&place);

    let report = undo(&place, &sandbox, &undone, 1);
    assert_eq!(attention(&report), [("held", 1)]);
    assert_eq!(refunds(&sandbox), ["s1_undo s1 4900"]);
    let held = place.csv(&format!(
        "{}/held.csv",
        report["report_dir"].as_str().unwrap()
    ));
    let reason = held[1].join(",");
    assert!(reason.contains("s2_undo,s2"), "{reason}");
    assert!(
        reason.contains("its refund `r2` was not recorded"),
        "{reason}"
    );

    // It is held each time, and is one item.
    undo(&place, &sandbox, &undone, 1);
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(attention(&status), [("left_out", 1), ("held", 1)]);
    let next = status["attention"][1]["command"].as_str().unwrap();
    assert_eq!(next, format!("fprecon undo {undone} --yes"));

    // As long as the refund fails, nothing changes. Once it is there, the rest is refunded.
    let retry = ["retry", "--event", "r2"];
    place.run_to(&sandbox, &retry).expect(1);
    undo(&place, &sandbox, &undone, 1);
    place.run_to(&sandbox, &retry).expect(0);
    let words: Vec<&str> = next.split(' ').skip(1).collect();
    place.run_to(&sandbox, &words).expect(0);
    assert_eq!(
        refunds(&sandbox),
        ["r2 s2 3000", "s1_undo s1 4900", "s2_undo s2 9000"]
    );
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(attention(&status), []);
}

#[test]
fn a_failed_refund_that_was_accepted_is_not_missing() {
    let place = place(EXPORT);
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 422, "event_id": "r2"}));
    run(&place, &sandbox, "a.csv", 1);
    let undone = latest(&place);
    place
        .run(&["accept", "--event", "r2", "--reason", "never counted"])
        .expect(0);
    undo(&place, &sandbox, &undone, 0);
    assert_eq!(refunds(&sandbox), ["s1_undo s1 4900", "s2_undo s2 12000"]);
}

#[test]
fn an_undo_that_is_interrupted_is_finished_by_resume() {
    let place = place(EXPORT);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    let undone = latest(&place);
    sandbox.fault(&json!({"action": "status", "status": 503, "kind": "refund", "percent": 100}));
    let mut first = place.command_to(&sandbox, &["undo", &undone, "--yes"]);
    first.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    Ran(first.output().unwrap()).expect(5);

    let refused = place
        .run_to(&sandbox, &["undo", &undone, "--yes"])
        .expect(3);
    let said = refused.stderr();
    assert!(
        said.contains("is not finished: 2 refunds left to send"),
        "{said}"
    );
    assert!(said.contains("`fprecon resume` sends them"), "{said}");
    // Until then, a further refund of such a sale is held.
    place.write(
        "b.csv",
        &format!("{HEADER}refund,r1,s1,ana@example.com,20.00,USD,2026-03-20T09:00:00Z\n"),
    );
    let held = run(&place, &sandbox, "b.csv", 1);
    assert_eq!(attention(&held), [("held", 1)]);

    sandbox.forget_faults();
    place.run_to(&sandbox, &["resume", "--yes"]).expect(0);
    assert_eq!(
        refunds(&sandbox),
        ["r2 s2 3000", "s1_undo s1 4900", "s2_undo s2 9000"]
    );
    run(&place, &sandbox, "b.csv", 0);
    undo(&place, &sandbox, &undone, 0);
    assert_eq!(refunds(&sandbox).len(), 3);
}

#[test]
fn an_undo_that_the_api_refuses_needs_attention_until_it_is_tried_again() {
    let place = place(EXPORT);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    let undone = latest(&place);
    sandbox.fault(&json!({"action": "status", "status": 422, "event_id": "s1_undo"}));
    assert_eq!(
        attention(&undo(&place, &sandbox, &undone, 1)),
        [("failed", 1)]
    );
    // A second one can't look better.
    assert_eq!(
        attention(&undo(&place, &sandbox, &undone, 1)),
        [("failed", 1)]
    );
    place.run_to(&sandbox, &["retry", "--failed"]).expect(0);
    assert_eq!(refunds(&sandbox).len(), 3);
    assert_eq!(attention(&undo(&place, &sandbox, &undone, 0)), []);
}

#[test]
fn what_an_interrupted_run_left_to_send_is_not_sent_any_more() {
    let rows: String = (1..=30)
        .map(|n| format!("sale,s{n},,user{n}@example.com,10.00,USD,2026-03-01T09:00:00Z\n"))
        .collect();
    let place = place(&rows);
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 503, "skip": 5, "percent": 100}));
    let mut first = place.command_to(&sandbox, &["run", "a.csv", "--yes", "--concurrency", "1"]);
    first.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    Ran(first.output().unwrap()).expect(5);
    sandbox.forget_faults();
    let undone = latest(&place);
    let planned = place.run_to(&sandbox, &["undo", &undone]).expect(2);
    let shown = planned.stdout();
    assert!(shown.contains("The run has left events to send"), "{shown}");
    let said = planned.stderr();
    assert!(said.contains("`fprecon retry --failed` does not"), "{said}");

    // What a request may have reached stays in need of attention.
    let report = undo(&place, &sandbox, &undone, 1);
    let left = attention(&report);
    let [("left_out", failed), ("unconfirmed", unconfirmed)] = left[..] else {
        panic!("{left:?}");
    };
    // Nothing says that it is right not to send them: somebody has to decide.
    assert_eq!(failed + unconfirmed, 25);
    assert_eq!(refunds(&sandbox).len(), 5);
    let arrivals = sandbox.arrivals().len();
    place.run_to(&sandbox, &["resume"]).expect(1);
    let again = run(&place, &sandbox, "a.csv", 1);
    assert_eq!(attention(&again), left);
    assert_eq!(sandbox.arrivals().len(), arrivals);
    place.run(&["journal", "check"]).expect(0);

    // By their outcome they are not tried again. By their ids they are sent, and a second undo refunds them.
    let retry = ["retry", "--failed", "--unconfirmed", "--yes"];
    let said = place.run_to(&sandbox, &retry).expect(1).stderr();
    assert!(
        said.contains("25 events of undone runs are not tried again"),
        "{said}"
    );
    assert_eq!(sandbox.arrivals().len(), arrivals);
    let there: Vec<String> = sandbox
        .events()
        .iter()
        .map(|event| event["event_id"].as_str().unwrap().to_owned())
        .collect();
    let all = (0..60).map(|n| format!("s{n}"));
    let listed = place.read("a.csv");
    let left: Vec<String> = all
        .filter(|id| listed.contains(&format!("sale,{id},")) && !there.contains(id))
        .collect();
    let retry: Vec<&str> = ["retry", "--yes"]
        .into_iter()
        .chain(left.iter().flat_map(|id| ["--event", id]))
        .collect();
    place.run_to(&sandbox, &retry).expect(0);
    undo(&place, &sandbox, &undone, 0);
    let sales = sandbox.events().len() - refunds(&sandbox).len();
    assert_eq!(sales, refunds(&sandbox).len());
}

#[test]
fn the_rest_after_the_first_events_is_not_buried_by_their_undo() {
    let place = place(EXPORT);
    let sandbox = leads();
    let first = ["run", "a.csv", "--yes", "--first", "1"];
    place.run_to(&sandbox, &first).expect_code_one_of(&[0, 5]);
    let undone = latest(&place);
    if sandbox.events().len() > 1 {
        panic!("more than the first event was sent");
    }
    let report = undo(&place, &sandbox, &undone, 1);
    assert_eq!(attention(&report), [("left_out", 3)]);
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(attention(&status), [("left_out", 3)]);
    // What closes it is the report of the undo, and not a retry that does not send it.
    let command = status["attention"][0]["command"].as_str().unwrap();
    let failed = format!("{}/failed.csv", report["report_dir"].as_str().unwrap());
    assert!(command.contains(&format!("accept {failed} ")), "{command}");
    // A later run over the export does not look better.
    let again = run(&place, &sandbox, "a.csv", 1);
    assert_eq!(attention(&again), [("left_out", 3)]);
    // A night whose event fails prints the command that tries that again: it sends nothing of the undone run.
    let night = "kind,event_id,email,amount,currency,created_at\n\
        sale,n1,user1@example.com,9.00,USD,2026-03-01T09:00:00Z\n";
    place.write("night.csv", night);
    let fault = json!({"action": "status", "status": 422, "event_id": "n1", "times": 1});
    sandbox.fault(&fault);
    run(&place, &sandbox, "night.csv", 1);
    let events = sandbox.events().len();
    place.run_to(&sandbox, &["retry", "--failed"]).expect(0);
    assert_eq!(sandbox.events().len(), events + 1);
    // The file of the undo sends them.
    let failed = format!("{}/failed.csv", report["report_dir"].as_str().unwrap());
    place.run_to(&sandbox, &["run", &failed, "--yes"]).expect(0);
    assert_eq!(sandbox.events().len(), 6);
    run(&place, &sandbox, "a.csv", 0);
}

#[test]
fn neither_an_undo_nor_what_others_sent_is_undone() {
    let (sales, _) = EXPORT.split_once("cancellation").unwrap();
    let place = place(sales);
    let sandbox = leads();
    sandbox.track(
        "sale",
        "wid=w&email=ana@example.com&event_id=s1&amount=4900",
    );
    run(&place, &sandbox, "a.csv", 0);
    let undone = latest(&place);
    let ran = place
        .run_to(&sandbox, &["undo", &undone, "--yes"])
        .expect(0);
    let said = "1 sale, 49.00 USD: were in FirstPromoter before this run sent them";
    assert!(ran.stderr().contains(said), "{}", ran.stderr());
    assert_eq!(refunds(&sandbox), ["r2 s2 3000", "s2_undo s2 9000"]);

    let undo = latest(&place);
    let refused = place.run_to(&sandbox, &["undo", &undo, "--yes"]).expect(3);
    let said = refused.stderr();
    assert!(said.contains("an undo can't be undone"), "{said}");
    let unknown = place.run_to(&sandbox, &["undo", "nope", "--yes"]).expect(3);
    assert!(unknown.stderr().contains("`fprecon status` lists the runs"));
}

#[test]
fn a_run_without_tracked_sales_has_nothing_to_undo() {
    let place = place(EXPORT);
    let sandbox = SandboxProcess::start(&["--lead-share", "0"]);
    run(&place, &sandbox, "a.csv", 0);
    let ran = place.run_to(&sandbox, &["undo", &latest(&place)]).expect(0);
    assert!(
        ran.stdout().contains("it has no tracked sale"),
        "{}",
        ran.stdout()
    );
    assert_eq!(runs(&place).len(), 1);
}

#[test]
fn refunds_of_other_runs_count_and_those_of_the_run_for_other_sales_are_named() {
    let place = place(EXPORT);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    let first = latest(&place);
    place.write(
        "b.csv",
        &format!(
            "{HEADER}refund,r1,s1,ana@example.com,49.00,USD,2026-03-20T09:00:00Z\n\
             sale,s3,,cyd@example.com,10.00,USD,2026-03-20T09:00:00Z\n"
        ),
    );
    run(&place, &sandbox, "b.csv", 0);
    let second = latest(&place);
    let ran = place
        .run_to(&sandbox, &["undo", &second, "--yes"])
        .expect(0);
    let said = "1 refund, 49.00 USD: reverse sales that are not undone, and stay";
    assert!(ran.stderr().contains(said), "{}", ran.stderr());
    let ran = place.run_to(&sandbox, &["undo", &first, "--yes"]).expect(0);
    let said = "Refunded in full already, by other refunds: 1 sale, 49.00 USD";
    assert!(ran.stdout().contains(said), "{}", ran.stdout());
    let sent = [
        "r1 s1 4900",
        "r2 s2 3000",
        "s2_undo s2 9000",
        "s3_undo s3 1000",
    ];
    assert_eq!(refunds(&sandbox), sent);
}

#[test]
fn converted_and_taxed_sales_are_reversed_to_the_cent() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[currencies]\nforeign = \"convert\"\nrates = \"rates.csv\"\n",
    );
    place.write("rates.csv", "date,currency,rate\n2026-02-27,EUR,1.0834\n");
    place.write("invoices.csv", "id,Number,Customer,Date (UTC),Currency,Subtotal,Total Discount Amount,Total,Amount Paid,Status\n\
         in_0001,A-1,cus_0001,2026-03-01 10:00,eur,16.81,0.00,20.00,20.00,paid\n");
    let payment = |refunded: &str| {
        let mut payment = Payment::paid(1, 1);
        payment.currency = "eur".into();
        payment.refunded = refunded.into();
        payment.refunded_at = "2026-03-20 08:00:00".into();
        stripe_export(&[payment])
    };
    place.write("p.csv", &payment("3.33"));
    let sandbox = leads();
    let words = ["run", "p.csv", "invoices.csv", "--yes", "--json"];
    place.run_to(&sandbox, &words).expect(0);
    let undone = latest(&place);
    undo(&place, &sandbox, &undone, 0);
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    let arrivals = sandbox.arrivals().into_iter();
    for arrival in arrivals.filter(|arrival| arrival["method"] == "POST") {
        let path = arrival["path"].as_str().unwrap();
        let kind = path.rsplit('/').next().unwrap().to_owned();
        let cents = form(&arrival, "amount").unwrap();
        *sums.entry(kind).or_default() += cents.parse::<i64>().unwrap();
    }
    assert_eq!(sums["sale"], sums["refund"], "{sums:?}");
    place.write("p.csv", &payment("20.00"));
    let again = place.run_to(&sandbox, &words).expect(0).json();
    assert_eq!(count(&again, "/events/by_plan/to_send"), 0);
    place.run(&["journal", "check"]).expect(0);
}

#[test]
fn version_2_is_undone_in_the_same_way() {
    let place = place(EXPORT);
    let sandbox = leads();
    place
        .run_to_v2(&sandbox, &["run", "a.csv", "--yes"])
        .expect(0);
    let undone = latest(&place);
    place
        .run_to_v2(&sandbox, &["undo", &undone, "--yes"])
        .expect(0);
    assert_eq!(
        refunds(&sandbox),
        ["r2 s2 3000", "s1_undo s1 4900", "s2_undo s2 9000"]
    );
}

#[test]
#[cfg(feature = "polars")]
fn an_audit_agrees_with_what_was_undone() {
    let place = place(EXPORT);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    undo(&place, &sandbox, &latest(&place), 0);
    let audit = place.run_to(&sandbox, &["audit", "--live"]).expect(0);
    assert!(
        audit.stdout().contains("No difference"),
        "{}",
        audit.stdout()
    );

    // The provider refunds one of the sales as well: nothing of that was sent.
    let later = "refund,r1,s1,ana@example.com,20.00,USD,2026-03-20T09:00:00Z\n";
    place.write("b.csv", &format!("{HEADER}{EXPORT}{later}"));
    for export in ["a.csv", "b.csv"] {
        let audit = ["audit", export, "--live", "--json"];
        let report = place.run_to(&sandbox, &audit).expect(0).json();
        assert_eq!(codes(&report), ["sale-undone"], "{export}");
        assert_eq!(count(&report, "/ours/refunds"), 3, "{export}");
        // Without the journal, nothing says what FirstPromoter's reversals are for.
        let alone = [&audit[..], &["--journal", "none.journal"]].concat();
        place.run_to(&sandbox, &alone).expect(1);
    }
}

#[test]
fn a_sale_that_was_recorded_with_another_amount_is_held_until_that_is_accepted() {
    let place = place(EXPORT);
    let sandbox = leads();
    let body = json!({"id": 7, "type": "sale", "event_id": "s1", "amount_cents": 490_000});
    sandbox.fault(&json!({
        "action": "status", "status": 200, "event_id": "s1", "body": body.to_string()
    }));
    assert_eq!(
        attention(&run(&place, &sandbox, "a.csv", 1)),
        [("other_amount", 1)]
    );
    let undone = latest(&place);
    let report = undo(&place, &sandbox, &undone, 1);
    assert_eq!(attention(&report), [("held", 1)]);
    assert_eq!(refunds(&sandbox), ["r2 s2 3000", "s2_undo s2 9000"]);
    for id in ["s1_undo", "s1"] {
        let accept = ["accept", "--event", id, "--reason", "denied by hand"];
        place.run(&accept).expect(0);
    }
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(attention(&status), []);
    assert_eq!(attention(&undo(&place, &sandbox, &undone, 0)), [("", 0); 0]);
}

#[test]
fn a_refund_of_a_sale_that_another_undo_reversed_is_not_said_to_stay() {
    let (sale, other) = (
        "sale,s1,,ana@example.com,50.00,USD,2026-03-02T09:00:00Z\n",
        "refund,r1,s1,ana@example.com,20.00,USD,2026-04-03T09:00:00Z\n\
         sale,s2,,ben@example.com,10.00,USD,2026-04-02T09:00:00Z\n",
    );
    let place = place(sale);
    let sandbox = leads();
    run(&place, &sandbox, "a.csv", 0);
    let first = latest(&place);
    place.write("b.csv", &format!("{HEADER}{sale}{other}"));
    run(&place, &sandbox, "b.csv", 0);
    let second = latest(&place);
    undo(&place, &sandbox, &first, 0);
    let undone = place.run_to(&sandbox, &["undo", &second, "--yes"]);
    let said = undone.expect(0).stderr();
    assert!(!said.contains("sales that are not undone"), "{said}");
}
