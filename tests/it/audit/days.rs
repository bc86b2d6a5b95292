//! A day without a time is a day of the zone of `[audit]`, on both sides: exports, the journal, CSVs and the account's lists.

use serde_json::{Value, json};

use super::lists::{COMMISSIONS, SALES, Said, TWENTY_PERCENT, audit, place};
use crate::support::{Place, SandboxProcess};

const NEW_YORK: &str = "[audit]\nzone = \"America/New_York\"\n";

fn in_new_york(rules: &str) -> String {
    format!("{NEW_YORK}{rules}")
}

fn sums(json: &Value) -> [i64; 3] {
    let totals = &json["totals"]["in_all"]["USD"];
    ["net_cents", "expected_cents", "actual_cents"].map(|key| totals[key].as_i64().unwrap_or(0))
}

const MARCH: [&str; 4] = ["--from", "2026-03-01", "--to", "2026-03-31"];

/// Three sales whose days are written in a way, and their commissions, with days written in another.
fn march(of_ours: impl Fn(&str) -> String, of_theirs: impl Fn(&str) -> String, all: bool) -> Said {
    let [first, second, third] = ["2026-03-01", "2026-03-15", "2026-04-01"];
    let sale = |id: &str, amount: &str, day: &str| {
        format!("sale,{id},,{id}@x.com,,{amount},USD,{}\n", of_ours(day))
    };
    let sales =
        sale("s1", "100.00", first) + &sale("s2", "50.00", second) + &sale("s3", "1000.00", third);
    let list = format!(
        "{COMMISSIONS}1,s1,nora@x.com,20.00,100.00,approved,{}\n\
         2,s2,nora@x.com,10.00,50.00,approved,{}\n\
         3,s3,nora@x.com,200.00,1000.00,approved,{}\n",
        of_theirs(first),
        of_theirs(second),
        of_theirs(third)
    );
    let more: &[&str] = if all { &[] } else { &MARCH };
    audit(&place(&in_new_york(TWENTY_PERCENT), &sales), &list, more)
}

#[test]
fn days_of_both_sides_are_of_one_month() {
    let day = |day: &str| day.to_owned();
    let nothing = |_: &str| String::new();
    let noon = |day: &str| format!("{day}T17:00:00Z");
    for (ours, theirs) in [
        (
            &day as &dyn Fn(&str) -> String,
            &day as &dyn Fn(&str) -> String,
        ),
        (&day, &nothing),
        (&day, &noon),
        (&noon, &day),
    ] {
        let said = march(ours, theirs, false);
        said.expect_no_finding(0);
        assert_eq!(sums(&said.json), [15_000, 3000, 3000]);
        let said = march(ours, theirs, true);
        said.expect_no_finding(0);
    }
    // Midnight that is written is a time: the evening before, on both sides.
    let midnight = |day: &str| format!("{day}T00:00:00Z");
    let said = march(midnight, midnight, false);
    said.expect_no_finding(0);
    assert_eq!(sums(&said.json), [105_000, 21_000, 21_000]);
    // One is a day and the other a time: they are of two months.
    let said = march(day, midnight, false);
    assert_eq!(said.findings().len(), 1, "{}", said.text);
    assert!(
        said.text
            .contains("billed on 2026-03-01, the commission falls on 2026-02-28")
    );
}

#[test]
fn days_of_a_built_in_profile_and_of_rules_are_those_of_the_zone() {
    let header = "id,invoice_number,billed_date,due_on,closed_at,status,account_code,currency,invoice_total,invoice_subtotal,tax_amount,coupon_code,invoice_type,original_invoice_number,invoice_doc_type\n";
    let invoice = |number: u32, day: &str, amount: &str| {
        format!(
            "inv{number},{number},{day},{day},{day},paid,acc{number},USD,{amount},{amount},0.00,,purchase,,charge\n"
        )
    };
    let rules = in_new_york(
        "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\nrate = \"25\"\nfrom = \"2026-03-01\"\n",
    );
    let place = place(&rules, "");
    let text = header.to_owned()
        + &invoice(1001, "2026-03-01", "1000.00")
        + &invoice(1002, "2026-04-01", "100.00");
    place.write("s.csv", &text);
    let list = |first: &str| {
        let header = COMMISSIONS.replace("created_at", "uid");
        format!(
            "{header}1,1001,nora@x.com,{first},1000.00,approved,acc1001\n2,1002,nora@x.com,25.00,100.00,approved,acc1002\n"
        )
    };
    let said = audit(&place, &list("250.00"), &MARCH);
    said.expect_no_finding(0);
    assert_eq!(sums(&said.json), [100_000, 25_000, 25_000]);
    let said = audit(&place, &list("200.00"), &MARCH);
    let right = ("commission_differs".to_owned(), -5000, 0);
    assert_eq!(said.findings(), [right], "{}", said.text);
}

#[test]
fn the_journal_knows_which_of_its_times_are_days() {
    for version in [1, 2] {
        for (day, right) in [
            ("2026-10-01", [10_000, 2000, 2000]),
            ("2026-10-01T00:00:00Z", [0, 0, 0]),
        ] {
            let place = Place::new();
            place.write(
                "account.toml",
                "commission_percent = 20\n[[promoter]]\nref_id = \"nora\"\nemail = \"nora@x.com\"\n\
                 [[lead]]\nemail = \"a@x.com\"\npromoter = \"nora\"\ncreated_at = 2026-09-01\n",
            );
            place.write("fprecon.toml", &in_new_york(TWENTY_PERCENT));
            place.write(
                "s.csv",
                &format!("{SALES}sale,s1,,a@x.com,,100.00,USD,{day}\n"),
            );
            let start = place.path("account.toml").display().to_string();
            let sandbox = SandboxProcess::start(&["--lead-share", "0", "--start", &start]);
            let run = |words: &[&str]| match version {
                1 => place.run_to(&sandbox, words),
                _ => place.run_to_v2(&sandbox, words),
            };
            run(&["run", "s.csv", "--yes"]).expect(0);
            let october = [
                "audit",
                "--live",
                "--json",
                "--from",
                "2026-10-01",
                "--to",
                "2026-10-31",
            ];
            let said = run(&october).json();
            assert_eq!(sums(&said), right, "version {version}, {day}: {said:#}");
            // Version 2 dates the commission by the day of sending, which is another month.
            if version == 1 {
                assert_eq!(said["findings"], json!([]), "{day}");
            }
        }
    }
}
