//! Old sales that are imported: FirstPromoter has their commissions as unpaid. Real binary, real sandbox.

use std::collections::BTreeMap;

use crate::support::{Place, SandboxProcess};

/// Two old sales, of which one is refunded, and a sale of now.
fn export() -> String {
    let now = jiff::Timestamp::now();
    format!(
        "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         sale,s1,,ana@example.com,100.00,USD,2026-03-01T09:00:00Z\n\
         sale,s2,,ben@example.com,200.00,USD,2026-03-02T09:00:00Z\n\
         refund,r2,s2,ben@example.com,50.00,USD,2026-03-03T09:00:00Z\n\
         sale,s3,,cyd@example.com,10.00,USD,{now}\n"
    )
}

#[test]
fn a_plan_says_that_imported_commissions_fall_into_the_next_payout() {
    let place = Place::new();
    place.write("a.csv", &export());
    let plan = place.run(&["plan", "a.csv"]).expect(0).stdout();
    assert!(
        plan.contains(": 2 sales, 300.00 USD. FirstPromoter takes imported"),
        "{plan}"
    );
    assert!(
        plan.contains("commissions as approved and unpaid"),
        "{plan}"
    );
    assert!(plan.contains("expected commission: not known"), "{plan}");
    place.write("fprecon.toml", "[audit]\n[[audit.rule]]\nrate = \"20\"\n");
    let json = place.run(&["plan", "a.csv", "--json"]).expect(0).json();
    let history = &json["unpaid_history"];
    assert_eq!(history["sales"], 2);
    assert_eq!(history["amount_cents"]["USD"], 30_000);
    assert_eq!(history["expected_commission_cents"], 6_000);

    // Of other currencies nothing is known, so that no sum is said to be the most.
    let foreign = export()
        .replace("200.00,USD", "200.00,EUR")
        .replace("50.00,USD", "50.00,EUR");
    place.write("foreign.csv", &foreign);
    let json = place
        .run(&["plan", "foreign.csv", "--json"])
        .expect(0)
        .json();
    assert!(json["unpaid_history"]["expected_commission_cents"].is_null());
    let plan = place.run(&["plan", "foreign.csv"]).expect(0).stdout();
    assert!(
        plan.contains("; without the sales in other currencies"),
        "{plan}"
    );

    let recent = export()
        .lines()
        .filter(|line| !line.contains("2026-03"))
        .fold(String::new(), |text, line| text + line + "\n");
    place.write("recent.csv", &recent);
    let json = place
        .run(&["plan", "recent.csv", "--json"])
        .expect(0)
        .json();
    assert!(json.get("unpaid_history").is_none(), "{json}");
    assert_eq!(json["events"]["total"], 1);
}

#[test]
fn the_confirmation_of_a_run_says_it_too() {
    let place = Place::new();
    place.write("a.csv", &export());
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let asked = place
        .run_on_a_terminal(&sandbox.base_url, "run a.csv", "n\n")
        .expect(0);
    let shown = asked.stdout();
    assert!(shown.contains("they fall into"), "{shown}");
    assert!(
        shown.contains("also if you have paid them before"),
        "{shown}"
    );
}

#[test]
fn the_report_lists_the_commissions_to_mark_with_the_sum_of_each_promoter() {
    let place = Place::new();
    place.write("a.csv", &export());
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let run = ["run", "a.csv", "--yes", "--dir", "out"];
    place.run_to(&sandbox, &run).expect(0);
    let listed = place.csv("out/unpaid_history.csv");
    let ids: Vec<&str> = listed[1..].iter().map(|row| &*row[3]).collect();
    assert_eq!(ids[..3], ["s1", "s2", "r2"]);
    let mut by_promoter: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let mut sums: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for row in &listed[1..] {
        let (cents, count) = (
            row[7].parse::<i64>().unwrap(),
            row[8].parse::<i64>().unwrap(),
        );
        let to = if row[2] == "sum" {
            &mut sums
        } else {
            &mut by_promoter
        };
        let sum = to.entry(&row[0]).or_default();
        *sum = (sum.0 + cents, sum.1 + count);
    }
    assert_eq!(by_promoter, sums);
    let tracked = place.csv("out/tracked.csv");
    let old = tracked[1..].iter().filter(|row| row[1] != "s3");
    let cents: i64 = old.map(|row| row[17].parse::<i64>().unwrap()).sum();
    assert_eq!(sums.values().map(|(cents, _)| cents).sum::<i64>(), cents);
    assert!(cents > 0);
}

/// With version 2, answers to sales have the promoter's email alone, and those to refunds the referral id as well.
#[test]
fn the_sum_of_a_promoter_is_one_line() {
    let place = Place::new();
    place.write("a.csv", &export());
    let start = "[[promoter]]\nref_id = \"nora\"\n\
        [[lead]]\nemail = \"ana@example.com\"\npromoter = \"nora\"\n\
        [[lead]]\nemail = \"ben@example.com\"\npromoter = \"nora\"\n";
    place.write("start.toml", start);
    let start = place.path("start.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    let run = ["run", "a.csv", "--yes", "--dir", "out"];
    place.run_to_v2(&sandbox, &run).expect(0);
    let listed = place.csv("out/unpaid_history.csv");
    let sums: Vec<&Vec<String>> = listed.iter().filter(|row| row[2] == "sum").collect();
    assert_eq!(sums.len(), 1, "{listed:?}");
    assert_eq!(sums[0][8], "3");
}

#[test]
fn a_report_after_marking_lists_what_is_unpaid_still() {
    for version in ["v1", "v2"] {
        let place = Place::new();
        place.write("a.csv", &export());
        let start = "[[promoter]]\nref_id = \"nora\"\n[[promoter]]\nref_id = \"omar\"\n\
            [[lead]]\nemail = \"ana@example.com\"\npromoter = \"nora\"\n\
            [[lead]]\nemail = \"ben@example.com\"\npromoter = \"omar\"\n";
        place.write("start.toml", start);
        let start = place.path("start.toml");
        let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
        let call = |arguments: &[&str]| match version {
            "v1" => place.run_to(&sandbox, arguments),
            _ => place.run_to_v2(&sandbox, arguments),
        };
        call(&["run", "a.csv", "--yes"]).expect(0);
        // Ben's refund is left.
        let mark = ["history", "mark-paid", "--until", "2026-03-01", "--yes"];
        call(&mark).expect(0);
        call(&["report", "--dir", "again"]).expect(0);
        let listed = place.csv("again/unpaid_history.csv");
        let ids: Vec<&str> = listed[1..].iter().map(|row| &*row[3]).collect();
        assert_eq!(ids, ["s2", "r2", ""], "{version}: {listed:?}");
        let mark = ["history", "mark-paid", "--until", "2026-03-31", "--yes"];
        call(&mark).expect(0);
        call(&["report", "--dir", "all"]).expect(0);
        assert_eq!(place.csv("all/unpaid_history.csv").len(), 1, "{version}");
    }
}
