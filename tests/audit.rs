//! `fprecon audit` with the real binary, against a real sandbox over HTTP: a clean account has no
//! differences, and what is planted is found, by its kind, with nothing else beside it.

#![cfg(feature = "polars")]
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a broken set-up is a failed test"
)]

mod support;

use serde_json::{Value, json};

use support::{Payment, Place, Ran, SandboxProcess, stripe_export};

/// Two promoters, who earn the same, and the leads that they brought: customers 1 to 4 came by nora,
/// customers 5 to 8 by felix.
const ACCOUNT: &str = r#"
commission_percent = 20
[[promoter]]
ref_id = "nora"
email = "nora@example.com"
[[promoter]]
ref_id = "felix"
email = "felix@example.com"
"#;

/// What the rate is, so that nothing has to be inferred.
const RULES: &str = "[audit]\n[[audit.rule]]\nrate = \"20\"\n";

/// The refund of payment 5, of a quarter of it.
const REFUND: &str = "in_0005_refund_500";

/// An account with an import in it, and the folder from which it was imported.
struct World {
    place: Place,
    sandbox: SandboxProcess,
}

/// In which version their side is read, or from what.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Way {
    V1,
    V2,
    Csv,
}

const WAYS: [Way; 3] = [Way::V1, Way::V2, Way::Csv];

impl World {
    /// Eight payments of 20.00 by eight customers: one is paid back in part, one whole.
    fn new() -> Self {
        let world = World::empty(8);
        world.import(&payments(8), 0);
        world
    }

    fn empty(customers: u32) -> Self {
        let place = Place::new();
        let mut leads = String::from("email,uid,promoter\n");
        for customer in 1..=customers {
            let promoter = if customer <= 4 { "nora" } else { "felix" };
            leads += &format!("user{customer}@example.com,cus_{customer:04},{promoter}\n");
        }
        place
            .write("account.toml", ACCOUNT)
            .write("leads.csv", &leads)
            .write("fprecon.toml", RULES);
        let file = |name: &str| place.path(name).display().to_string();
        let sandbox = SandboxProcess::start(&[
            "--start",
            &file("account.toml"),
            "--start",
            &file("leads.csv"),
        ]);
        World { place, sandbox }
    }

    fn import(&self, payments: &[Payment], code: i32) -> Value {
        self.place.write("payments.csv", &stripe_export(payments));
        let run = ["run", "payments.csv", "--yes", "--json"];
        self.place.run_to(&self.sandbox, &run).expect(code).json()
    }

    fn plant(&self, orders: &Value) {
        self.sandbox.post("/sandbox/commissions", orders);
    }

    /// The audit, with their side read as told.
    fn audit(&self, way: Way, more: &[&str]) -> Ran {
        let mut arguments = vec!["audit", "--json"];
        arguments.extend(more);
        match way {
            Way::V1 => {
                arguments.push("--live");
                self.place.run_to(&self.sandbox, &arguments)
            }
            Way::V2 => {
                arguments.push("--live");
                self.place.run_to_v2(&self.sandbox, &arguments)
            }
            Way::Csv => {
                self.place.write("commissions.csv", &self.commissions_csv());
                arguments.extend(["--commissions", "commissions.csv"]);
                self.place.run(&arguments)
            }
        }
    }

    /// What the dashboard might export, in units and with columns of its own.
    fn commissions_csv(&self) -> String {
        let mut text = String::from(
            "Commission ID,Event ID,Promoter email,Campaign,Sale amount,Commission amount,Status,Paid,Tier,Date\n",
        );
        let units = |cents: &Value| {
            let cents = cents.as_i64().unwrap();
            let sign = if cents < 0 { "-" } else { "" };
            format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
        };
        for own in self.sandbox.get("/sandbox/commissions").as_array().unwrap() {
            text += &format!(
                "{},{},{}@example.com,{},{},{},{},{},{},{}\n",
                own["id"],
                own["event_id"].as_str().unwrap_or_default(),
                own["promoter"].as_str().unwrap(),
                own["campaign"].as_str().unwrap(),
                units(&own["sale_amount_cents"]),
                units(&own["commission_cents"]),
                own["status"].as_str().unwrap(),
                if own["is_paid"] == true { "Yes" } else { "No" },
                own["tier"],
                own["created_at"].as_str().unwrap(),
            );
        }
        text
    }

    /// Plants, and finds that one thing by each of the ways.
    #[track_caller]
    fn finds(&self, orders: &Value, kind: &str, ways: &[Way]) -> Value {
        self.plant(orders);
        let mut found = Value::Null;
        for &way in ways {
            let audit = self.audit(way, &["--dir", "report"]).expect(1).json();
            let findings = audit["findings"].as_array().unwrap();
            let kinds: Vec<&Value> = findings.iter().map(|one| &one["kind"]).collect();
            assert_eq!(kinds, [kind], "{way:?}: {findings:#?}");
            explains(&audit);
            found = findings[0].clone();
        }
        found
    }
}

/// The findings account for the whole difference.
#[track_caller]
fn explains(audit: &Value) {
    let found = audit["findings"].as_array().unwrap().iter();
    let sum: i64 = found
        .map(|one| one["difference_cents"].as_i64().unwrap())
        .sum();
    assert_eq!(
        audit["totals"]["in_all"]["USD"]["difference_cents"], sum,
        "{audit:#}"
    );
}

fn payments(count: u32) -> Vec<Payment> {
    let mut payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    let mut refund = |index: usize, amount: &str| {
        if let Some(payment) = payments.get_mut(index) {
            payment.refunded = amount.into();
            payment.refunded_at = "2026-03-20 09:00:00".into();
            if amount == payment.amount {
                payment.status = "Refunded".into();
            }
        }
    };
    refund(4, "5.00");
    refund(5, "20.00");
    payments
}

#[test]
fn a_clean_account_has_no_differences_and_the_totals_of_both_sides() {
    let world = World::empty(8);
    let run = world.import(&payments(8), 0);
    let state = world.sandbox.state();
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        let all = &audit["totals"]["in_all"]["USD"];
        assert_eq!(all["actual_cents"], state["commission_cents"], "{way:?}");
        assert_eq!(all["expected_cents"], state["commission_cents"]);
        let tracked = &run["outcomes"]["tracked"]["by_kind"];
        for (mine, theirs) in [("sales", "sale"), ("refunds", "refund")] {
            assert_eq!(all[mine], tracked[theirs]["count"], "{run:#}");
            assert_eq!(
                all[format!("{mine}_cents")],
                tracked[theirs]["amount_cents"]["USD"]
            );
        }
        let by_promoter = audit["totals"]["by"]["promoter"].as_array().unwrap();
        for promoter in state["promoters"].as_array().unwrap() {
            let line = by_promoter
                .iter()
                .find(|line| line["value"] == promoter["email"]);
            let line = line.unwrap_or_else(|| panic!("{by_promoter:#?}"));
            assert_eq!(line["actual_cents"], promoter["commission_cents"]);
        }
    }
}

#[test]
fn a_clean_account_has_no_differences_where_the_rate_is_inferred() {
    let world = World::new();
    world.place.write("fprecon.toml", "");
    for way in WAYS {
        let audit = world.audit(way, &[]).expect(0).json();
        assert_eq!(audit["findings"], json!([]), "{way:?}");
        assert_eq!(audit["inferred"][0]["rate"], "20 %", "{audit:#}");
    }
}

#[test]
fn a_commission_without_a_sale() {
    let world = World::new();
    let order = json!({"action": "add", "promoter": "nora", "event_id": "in_9999",
        "sale_amount_cents": 2000, "amount_cents": 400, "created_at": "2026-03-05T10:00:00Z"});
    let finding = world.finds(&order, "commission_without_sale", &WAYS);
    assert_eq!(finding["difference_cents"], 400);
    assert_eq!(finding["ours"], Value::Null);
    assert_eq!(finding["theirs"]["event_id"], "in_9999");
    assert_eq!(finding["theirs"]["place"]["file"], "commissions.csv");
    assert_eq!(finding["theirs"]["place"]["line"], 12);
}

#[test]
fn a_sale_without_a_commission() {
    let world = World::new();
    let order = json!({"action": "delete", "of": "in_0001"});
    let finding = world.finds(&order, "sale_without_commission", &WAYS);
    assert_eq!(finding["difference_cents"], -400);
    assert_eq!(
        finding["ours"]["place"],
        json!({"file": "payments.csv", "line": 2})
    );
}

#[test]
fn the_amount_of_a_sale_differs() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "sale_amount_cents": 3000,
        "amount_cents": 600});
    let finding = world.finds(&order, "sale_amount_differs", &WAYS);
    assert_eq!(finding["difference_cents"], 200);
    assert_eq!(finding["ours"]["money"]["amount_cents"], 2000);
    assert_eq!(finding["theirs"]["sale_amount_cents"], 3000);
}

#[test]
fn somebody_else_tracked_another_amount() {
    let world = World::empty(8);
    let form = "email=user3%40example.com&uid=cus_0003&event_id=in_0003&amount=1000&created_at=2026-03-01T10:03:00Z";
    world.sandbox.track("sale", form);
    world.import(&payments(8), 0);
    let finding = world.finds(&json!([]), "already_tracked_differs", &WAYS);
    assert_eq!(finding["difference_cents"], -200);
    assert_eq!(finding["ours"]["outcome"], "already_tracked");
}

#[test]
fn a_commission_is_not_what_it_should_be() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "amount_cents": 500});
    let finding = world.finds(&order, "commission_differs", &WAYS);
    assert_eq!(finding["difference_cents"], 100);
    assert_eq!(finding["expected_cents"], 400);
}

#[test]
fn a_commission_stands_twice() {
    let world = World::new();
    let order = json!({"action": "add", "promoter": "nora", "event_id": "in_0001",
        "sale_amount_cents": 2000, "amount_cents": 400, "created_at": "2026-03-01T10:01:00Z"});
    let finding = world.finds(&order, "commission_twice", &WAYS);
    assert_eq!(finding["difference_cents"], 400);
}

#[test]
fn a_refund_is_not_taken_back() {
    let world = World::new();
    let order = json!({"action": "delete", "of": REFUND});
    let finding = world.finds(&order, "refund_not_taken_back", &WAYS);
    assert_eq!(finding["difference_cents"], 100);
    assert_eq!(finding["ours"]["event_id"], REFUND);
}

#[test]
fn a_refund_is_taken_back_in_part() {
    let world = World::new();
    let order = json!({"action": "change", "of": REFUND, "amount_cents": -40});
    let finding = world.finds(&order, "refund_partly_taken_back", &WAYS);
    assert_eq!(finding["difference_cents"], 60);
}

#[test]
fn too_much_is_taken_back() {
    let world = World::new();
    let order = json!({"action": "change", "of": REFUND, "amount_cents": -150});
    let finding = world.finds(&order, "taken_back_too_much", &WAYS);
    assert_eq!(finding["difference_cents"], -50);
}

#[test]
fn a_sale_was_disputed() {
    let world = World::empty(8);
    let export = stripe_export(&payments(8));
    let dispute = ",Disputed Amount,Dispute Date (UTC),Dispute Status";
    let rows: Vec<String> = (0..)
        .zip(export.lines())
        .map(|(index, row)| match index {
            0 => format!("{row}{dispute}"),
            2 => format!("{row},20.00,2026-03-15 10:00:00,lost"),
            _ => format!("{row},,,"),
        })
        .collect();
    world.place.write("payments.csv", &rows.join("\n"));
    let run = ["run", "payments.csv", "--yes"];
    world.place.run_to(&world.sandbox, &run).expect(0);
    let lost = json!({"action": "delete", "of": "in_0002_refund_2000"});
    let finding = world.finds(&lost, "disputed_sale", &WAYS);
    assert_eq!(finding["difference_cents"], 400);
}

#[test]
fn a_commission_goes_to_another_promoter_than_the_leads() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0001", "promoter": "felix"});
    // The list of leads says who brought whom; a CSV of commissions doesn't.
    let finding = world.finds(&order, "wrong_promoter", &[Way::V1, Way::V2]);
    assert_eq!(finding["difference_cents"], 0);
    assert_eq!(finding["concerned_cents"], 400);
    let from_csv = world.audit(Way::Csv, &[]).expect(0).json();
    assert_eq!(from_csv["theirs"]["leads"], Value::Null);
    let live = ["audit", "payments.csv", "--live", "--json"];
    let audit = world.place.run_to(&world.sandbox, &live).expect(1).json();
    assert_eq!(audit["findings"][0]["kind"], "wrong_promoter", "{audit:#}");
    assert_eq!(audit["theirs"]["leads"], 8);
}

#[test]
fn a_commission_falls_in_another_month() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "created_at": "2026-05-02T00:00:00Z"});
    let finding = world.finds(&order, "other_month", &WAYS);
    assert_eq!(finding["concerned_cents"], 400);
}

#[test]
fn a_commission_is_denied_or_pending_although_the_sale_stands() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0002", "status": "pending"});
    let pending = world.finds(&order, "pending", &WAYS);
    assert_eq!(
        (&pending["difference_cents"], &pending["concerned_cents"]),
        (&json!(0), &json!(400))
    );
    let order = json!({"action": "change", "of": "in_0002", "status": "denied"});
    let denied = world.finds(&order, "denied", &WAYS);
    assert_eq!(denied["difference_cents"], -400);
}

#[test]
fn a_commission_was_paid_before_the_refund_came() {
    let world = World::new();
    let order = json!({"action": "change", "of": "in_0005", "is_paid": true});
    // Version 1 does not say what was paid.
    let finding = world.finds(&order, "paid_before_refund", &[Way::V2, Way::Csv]);
    assert_eq!(finding["concerned_cents"], 100);
    world.audit(Way::V1, &[]).expect(0);
}

#[test]
fn split_commissions_and_second_tiers_are_no_differences() {
    let world = World::new();
    world.plant(&json!([
        {"action": "change", "of": "in_0001", "amount_cents": 300, "is_split": true},
        {"action": "add", "promoter": "felix", "event_id": "in_0001", "sale_amount_cents": 2000,
         "amount_cents": 100, "is_split": true, "email": "user1@example.com",
         "created_at": "2026-03-01T10:01:00Z"},
        {"action": "add", "promoter": "felix", "event_id": "in_0002", "sale_amount_cents": 2000,
         "amount_cents": 100, "tier": 2, "created_at": "2026-03-01T10:02:00Z"},
    ]));
    let rules = format!("{RULES}[[audit.rule]]\ntier = 2\nrate = \"5\"\n");
    world.place.write("fprecon.toml", &rules);
    let audit = world.audit(Way::V2, &[]);
    let findings = audit.json()["findings"].clone();
    assert_eq!(findings, json!([]));
}

#[test]
fn exports_of_an_account_that_never_imported_are_audited_too() {
    let world = World::new();
    let place = Place::new();
    place
        .write("fprecon.toml", RULES)
        .write("payments.csv", &stripe_export(&payments(8)))
        .write("commissions.csv", &world.commissions_csv());
    let two_files = ["audit", "payments.csv", "--commissions", "commissions.csv"];
    let said = place.run(&two_files).expect(0).stdout();
    assert!(said.contains("No differences."), "{said}");

    world.plant(&json!({"action": "change", "of": "in_0002", "amount_cents": 4000}));
    place.write("commissions.csv", &world.commissions_csv());
    let said = place.run(&two_files).expect(1).stdout();
    assert!(said.contains("36.00 USD too much"), "{said}");
    assert!(said.contains("payments.csv:3"), "{said}");
}

/// So many payments that version 1 needs three pages for their commissions.
fn large() -> World {
    let world = World::empty(120);
    let payments: Vec<Payment> = (1..=120).map(|n| Payment::paid(n, n)).collect();
    world.import(&payments, 0);
    world
}

/// Pages of commissions that were asked for, in order.
fn pages_asked_for(sandbox: &SandboxProcess) -> Vec<String> {
    let arrivals = sandbox.arrivals();
    let listed = arrivals.iter().filter(|one| {
        let path = one["path"].as_str().unwrap_or_default();
        path.ends_with("rewards/list")
    });
    listed
        .map(|one| one["query"].as_str().unwrap().replace("page=", ""))
        .collect()
}

#[test]
fn fetching_goes_on_where_the_api_failed() {
    let world = large();
    world.sandbox.fault(
        &json!({"action": "status", "status": 503, "kind": "listing",
        "skip": 2, "times": 1000}),
    );
    let failed = world.audit(Way::V1, &[]).expect(5);
    let problem = &failed.json()["problems"][0];
    assert_eq!(problem["code"], "listing-unreadable");
    assert!(
        problem["hint"].as_str().unwrap().contains("goes on"),
        "{problem}"
    );
    assert!(!world.place.path("audit/2026").exists());

    world.sandbox.forget_faults();
    let before = pages_asked_for(&world.sandbox).len();
    let audit = world.audit(Way::V1, &[]).expect(0).json();
    assert_eq!(audit["theirs"]["commissions"], 120);
    let asked = pages_asked_for(&world.sandbox).split_off(before);
    assert_eq!(
        asked,
        ["1", "3", "1"],
        "page 1 shows whether the list has changed"
    );
    // What was fetched is enough for another audit without a single request.
    let again = world.place.run(&["audit", "--json"]).expect(0).json();
    assert_eq!(again["theirs"]["source"], "kept");
    assert_eq!(again["totals"], audit["totals"]);
}

#[test]
fn fetching_goes_on_after_a_kill() {
    let world = large();
    world
        .sandbox
        .fault(&json!({"action": "drop", "kind": "listing", "skip": 2, "times": 1}));
    let arguments = ["audit", "--live", "--json"];
    let mut child = world
        .place
        .command_to(&world.sandbox, &arguments)
        .spawn()
        .unwrap();
    while pages_asked_for(&world.sandbox).len() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // A line that was being written when it was killed.
    let part = world.place.path("audit/listings/.commissions.part");
    let mut text = std::fs::read_to_string(&part).unwrap();
    text.push_str("{\"id\":\"1\",\"stat");
    std::fs::write(&part, text).unwrap();

    let before = pages_asked_for(&world.sandbox).len();
    let audit = world.audit(Way::V1, &[]).expect(0).json();
    assert_eq!(audit["theirs"]["commissions"], 120);
    let asked = pages_asked_for(&world.sandbox).split_off(before);
    assert_eq!(asked, ["1", "3", "1"]);
}

#[test]
fn a_list_that_changes_while_it_is_read_is_read_anew() {
    let world = large();
    world.sandbox.fault(
        &json!({"action": "delay", "delay_ms": 1500, "kind": "listing",
        "skip": 2, "times": 1}),
    );
    let arguments = ["audit", "--live", "--json"];
    let child = world
        .place
        .command_to(&world.sandbox, &arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    while pages_asked_for(&world.sandbox).len() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    world.plant(&json!({"action": "delete", "of": "in_0001"}));
    let audit = Ran(child.wait_with_output().unwrap()).expect(1).json();
    assert_eq!(audit["theirs"]["commissions"], 119);
    assert_eq!(audit["findings"][0]["kind"], "sale_without_commission");
}

#[test]
fn the_key_is_refused_and_nothing_is_kept() {
    let world = World::new();
    world.sandbox.fault(
        &json!({"action": "status", "status": 401, "kind": "listing",
        "body": "\"Bad credentials\"", "times": 1}),
    );
    let refused = world.audit(Way::V1, &[]).expect(4);
    assert!(!refused.stdout().contains(support::KEY) && !refused.stderr().contains(support::KEY));
    let nothing = world.place.run(&["audit"]).expect(3).stderr();
    assert!(nothing.contains("audit --live"), "{nothing}");
}

#[test]
fn a_second_audit_says_what_is_new_what_remains_and_what_was_resolved() {
    let world = World::new();
    world.plant(&json!([
        {"action": "change", "of": "in_0001", "amount_cents": 500},
        {"action": "change", "of": "in_0002", "amount_cents": 600},
    ]));
    let first = world.audit(Way::V1, &[]).expect(1).json();
    assert_eq!(first["since"], Value::Null);
    world.plant(&json!([
        {"action": "change", "of": "in_0001", "amount_cents": 400},
        {"action": "change", "of": "in_0003", "amount_cents": 700},
    ]));
    let second = world.audit(Way::V1, &[]).expect(1).json();
    let since = &second["since"];
    assert_eq!(since["last"], first["report_dir"]);
    let count = |name: &str| since[name].as_array().unwrap().len();
    assert_eq!(
        (count("new"), count("remaining"), count("resolved")),
        (1, 1, 1)
    );
    assert_eq!(since["resolved"][0]["kind"], "commission_differs");
    let directory = second["report_dir"].as_str().unwrap();
    let differences = world.place.csv(&format!("{directory}/differences.csv"));
    let mut words: Vec<&str> = differences[1..].iter().map(|row| &*row[1]).collect();
    words.sort_unstable();
    assert_eq!(words, ["new", "remaining"]);
}

#[test]
fn what_is_within_the_tolerance_ends_with_zero() {
    let world = World::new();
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 403}));
    world.audit(Way::V1, &[]).expect(1);
    let audit = world.audit(Way::V1, &["--tolerance", "3"]).expect(0).json();
    assert_eq!(
        audit["findings"].as_array().unwrap().len(),
        1,
        "it is shown all the same"
    );
    world.audit(Way::V1, &["--tolerance", "2"]).expect(1);
    let rules = RULES.replace("[audit]", "[audit]\ntolerance_cents = 3");
    world.place.write("fprecon.toml", &rules);
    world.audit(Way::V1, &[]).expect(0);
}

#[test]
fn a_period_takes_its_sales_with_their_refunds_and_commissions() {
    let world = World::empty(8);
    let mut payments = payments(8);
    for payment in &mut payments[..4] {
        payment.created = payment.created.replace("2026-03-01", "2026-02-10");
    }
    // Paid back in another month than it was sold.
    payments[4].refunded_at = "2026-04-02 09:00:00".into();
    world.import(&payments, 0);
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 500}));
    let march = ["--from", "2026-03-01", "--to", "2026-03-31"];
    for way in WAYS {
        let audit = world.audit(way, &march).expect(0).json();
        assert_eq!(audit["ours"]["sales"], 4, "{way:?}");
        assert_eq!(audit["ours"]["refunds"], 2);
        assert_eq!(audit["theirs"]["commissions"], 6);
        assert_eq!(
            audit["period"],
            json!({"from": "2026-03-01", "to": "2026-03-31"})
        );
        let february = ["--from", "2026-02-01", "--to", "2026-02-28"];
        let audit = world.audit(way, &february).expect(1).json();
        assert_eq!(audit["findings"][0]["kind"], "commission_differs");
    }
    world
        .place
        .run(&["audit", "--from", "2026-03-02", "--to", "2026-03-01"])
        .expect(2);
}

#[test]
fn cells_that_a_spreadsheet_would_run_stay_text() {
    let world = World::new();
    let hostile = "Event ID,Promoter email,Commission amount,Date\n\
        \"=HYPERLINK(\"\"http://x.test\"\",\"\"<script>in_1\"\")\",@nora,4.00,2026-03-01T10:00:00Z\n\
        \"+1\n2\",-felix,4.00,2026-03-01T10:00:00Z\n";
    world.place.write("hostile.csv", hostile);
    let arguments = ["audit", "--commissions", "hostile.csv", "--dir", "report"];
    let said = world.place.run(&arguments);
    // An id with a line break in it is no id.
    assert!(said.stderr().contains("hostile.csv:3"), "{}", said.stderr());
    said.expect(1);
    let rows = world.place.csv("report/differences.csv");
    assert!(rows.len() > 1);
    let runs = |cell: &String| cell.starts_with(['=', '+', '@', '\t', '\r']);
    let numbers = |cell: &String| cell.parse::<i64>().is_ok();
    for cell in rows.iter().flatten() {
        assert!(!runs(cell) || numbers(cell), "{cell}");
        assert!(!cell.starts_with('-') || numbers(cell), "{cell}");
    }
    let all = rows.concat();
    assert!(
        all.iter().any(|cell| cell.contains("=HYPERLINK")),
        "{all:?}"
    );
}

#[test]
fn a_list_of_commissions_is_never_read_as_sales() {
    let world = World::new();
    world
        .place
        .write("commissions.csv", &world.commissions_csv());
    let refused = world.place.run(&["plan", "commissions.csv"]).expect(3);
    assert!(
        refused.stderr().contains("audit --commissions"),
        "{}",
        refused.stderr()
    );
    let unknown = "what,ever\n1,2\n";
    world.place.write("unknown.csv", unknown);
    let arguments = ["audit", "--commissions", "unknown.csv"];
    let refused = world.place.run(&arguments).expect(3).stderr();
    assert!(refused.contains("fprecon init unknown.csv"), "{refused}");
}

#[test]
fn rows_that_are_no_commissions_are_told_and_need_attention() {
    let world = World::new();
    let text = world.commissions_csv();
    let text = text.replacen("approved", "approoved", 1);
    world.place.write("commissions.csv", &text);
    let arguments = ["audit", "--commissions", "commissions.csv", "--json"];
    let audit = world.place.run(&arguments).expect(1).json();
    assert_eq!(audit["theirs"]["rejected"], 1);
    assert_eq!(audit["problems"][0]["code"], "value-unknown");
    assert_eq!(audit["problems"][0]["line"], 2);
}

#[test]
fn every_format_has_the_same_differences() {
    let world = World::new();
    world.plant(&json!({"action": "change", "of": "in_0001", "amount_cents": 500}));
    world.audit(Way::V1, &["--dir", "report"]).expect(1);
    let summary: Value = serde_json::from_str(&world.place.read("report/summary.json")).unwrap();
    assert_eq!(summary["kinds"]["commission_differs"]["count"], 1);
    let rows = world.place.csv("report/differences.csv");
    assert_eq!(rows.len(), 2);
    let column = |name: &str| rows[0].iter().position(|own| own == name).unwrap();
    assert_eq!(rows[1][column("difference_cents")], "100");
    assert_eq!(rows[1][column("promoter_email")], "nora@example.com");
    let totals = world.place.csv("report/totals.csv");
    assert_eq!(totals[1][..3], ["all", "", "USD"]);
    for name in ["differences.parquet", "totals.parquet"] {
        let bytes = std::fs::read(world.place.path(&format!("report/{name}"))).unwrap();
        assert!(
            bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"),
            "{name}"
        );
    }
    let page = world.place.read("report/audit.html");
    assert!(
        page.contains("1.00 USD too much") && page.contains("payments.csv:2"),
        "{page}"
    );
    let workbook = std::fs::read(world.place.path("report/audit.xlsx")).unwrap();
    assert!(workbook.starts_with(b"PK"));
    let left: Vec<_> = std::fs::read_dir(world.place.path("report"))
        .unwrap()
        .collect();
    assert_eq!(left.len(), 7, "nothing half-written is left: {left:?}");
}
