//! Lists of an earlier time, and what has changed since: leads, runs, and what was accepted.

use serde_json::{Value, json};

use super::lists::{COMMISSIONS, SALES, TWENTY_PERCENT, audit, place, unchecked};
use crate::support::{Place, Ran, SandboxProcess};

/// An account in which a customer is a lead of nora, and whose it is may change.
struct Account {
    place: Place,
    sandbox: SandboxProcess,
    version: u32,
}

impl Account {
    fn new(version: u32) -> Self {
        let place = Place::new();
        let promoters = ["nora", "felix", "amara"]
            .map(|name| format!("[[promoter]]\nref_id = \"{name}\"\nemail = \"{name}@x.com\"\n"));
        place.write(
            "account.toml",
            &format!(
                "commission_percent = 20\n{}[[lead]]\nemail = \"a@x.com\"\npromoter = \"nora\"\ncreated_at = 2026-11-01\n",
                promoters.concat()
            ),
        );
        place.write("fprecon.toml", TWENTY_PERCENT);
        let start = place.path("account.toml").display().to_string();
        let sandbox = SandboxProcess::start(&["--lead-share", "0", "--start", &start]);
        Account {
            place,
            sandbox,
            version,
        }
    }

    fn run(&self, words: &[&str]) -> Ran {
        match self.version {
            1 => self.place.run_to(&self.sandbox, words),
            _ => self.place.run_to_v2(&self.sandbox, words),
        }
    }

    fn sell(&self, rows: &str) {
        self.place.write("s.csv", &format!("{SALES}{rows}"));
        self.run(&["run", "s.csv", "--yes"]).expect(0);
    }

    /// Reads the lists, which agree with what was sold. Version 2 dates a commission on the day on which the test runs.
    fn expect_no_difference(&self) {
        let said = self.run(&["audit", "--live", "--json"]).json();
        assert_eq!(kinds(&said), [""; 0], "{said:#}");
    }

    fn is_lead_of(&self, promoter: &str, day: u32) {
        let at = format!("2026-11-{day:02}T00:00:00Z");
        let lead = json!({"email": "a@x.com", "promoter": promoter, "at": at});
        self.sandbox.post("/sandbox/leads", &lead);
    }
}

fn kinds(said: &Value) -> Vec<&str> {
    let findings = said["findings"].as_array().unwrap().iter();
    let kinds = findings.map(|found| found["kind"].as_str().unwrap());
    kinds.filter(|kind| *kind != "other_month").collect()
}

const SALE: &str = "sale,s1,,a@x.com,,100.00,USD,2026-11-05T10:00:00Z\n";

#[test]
fn leads_of_an_earlier_reading_are_not_taken_for_those_of_now() {
    for version in [1, 2] {
        let account = Account::new(version);
        account.sell(SALE);
        account.expect_no_difference();
        account.is_lead_of("felix", 20);
        account.sell(&SALE.replace("s1", "s2").replace("11-05", "11-25"));
        account.sandbox.post(
            "/sandbox/commissions",
            &json!([{"action": "change", "of": "s2", "promoter": "nora"}]),
        );
        let without = account
            .run(&["audit", "--live", "--no-leads", "--json"])
            .json();
        assert_eq!(without["theirs"]["leads"], Value::Null, "version {version}");
        // Nor by an audit of the lists that were kept.
        let kept = account.run(&["audit"]).stdout();
        assert!(kept.contains("leads not read"), "{kept}");
        let live = account.run(&["audit", "--live", "--json"]).json();
        assert_eq!(
            live["theirs"]["leads"].as_u64().map(|leads| leads > 0),
            Some(true)
        );
    }
}

#[test]
fn what_was_tracked_after_the_list_was_read_is_left_out_and_said() {
    for version in [1, 2] {
        let account = Account::new(version);
        account.sell(SALE);
        account.expect_no_difference();
        account.sell(
            "sale,s2,,a@x.com,,40.00,USD,2026-11-07T10:00:00Z\nrefund,r1,s1,a@x.com,,100.00,USD,2026-11-08T10:00:00Z\n",
        );
        let old = account.run(&["audit", "--json"]).expect(1).json();
        assert_eq!(kinds(&old), [""; 0], "version {version}: {old:#}");
        let own = unchecked(&old, "tracked_since");
        assert_eq!(
            (&own["count"], &own["amount_cents"]["USD"]),
            (&json!(2), &json!(14_000))
        );
        let totals = &old["totals"]["in_all"]["USD"];
        assert_eq!(
            (&totals["net_cents"], &totals["difference_cents"]),
            (&json!(10_000), &json!(0))
        );
        let new = account.run(&["audit", "--live", "--json"]).json();
        assert_eq!(kinds(&new), [""; 0], "{new:#}");
        assert_eq!(unchecked(&new, "tracked_since"), Value::Null);
        assert_eq!(new["totals"]["in_all"]["USD"]["net_cents"], 4000);
    }
}

#[test]
fn what_was_accepted_ends_when_somebody_else_should_have_the_money() {
    for version in [1, 2] {
        let account = Account::new(version);
        account.sell(SALE);
        account.is_lead_of("felix", 3);
        let found = account
            .run(&["audit", "--live", "--dir", "out", "--json"])
            .expect(1)
            .json();
        assert_eq!(kinds(&found), ["wrong_promoter"], "version {version}");
        let reason = [
            "accept",
            "out/differences.csv",
            "--reason",
            "felix waives it in writing",
        ];
        account.run(&reason).expect(0);
        account.run(&["audit", "--live"]).expect(0);
        account.is_lead_of("amara", 4);
        let said = account
            .run(&["audit", "--live", "--dir", "out", "--json"])
            .expect(1)
            .json();
        assert_eq!(kinds(&said), ["wrong_promoter"]);
        let since = &said["since"];
        let lengths =
            ["new", "remaining", "resolved"].map(|key| since[key].as_array().unwrap().iter().len());
        let others = usize::from(version == 2 && lengths[1] == 1);
        assert_eq!(lengths, [1, others, 1], "{since:#}");
    }
}

#[test]
fn what_was_accepted_ends_when_its_days_change() {
    let sales = "sale,s1,,a@x.com,,100.00,USD,2026-03-31T10:00:00Z\n";
    let list = |day: &str| format!("{COMMISSIONS}1,s1,nora@x.com,20.00,100.00,approved,{day}\n");
    let place = place(TWENTY_PERCENT, sales);
    assert_eq!(
        audit(&place, &list("2026-04-01"), &["--dir", "out"]).code,
        1
    );
    let reason = ["accept", "out/differences.csv", "--reason", "a day late"];
    place.run(&reason).expect(0);
    assert_eq!(
        audit(&place, &list("2026-04-01"), &["--dir", "out"]).code,
        0
    );
    let said = audit(&place, &list("2026-11-01"), &["--dir", "out"]);
    assert_eq!((said.findings().len(), said.code), (1, 1), "{}", said.text);
}

/// The last list that was kept, and its text.
fn kept(account: &Account, name: &str) -> (std::path::PathBuf, String) {
    let listings = std::fs::read_dir(account.place.path("audit/listings")).unwrap();
    let files = listings.map(|entry| entry.unwrap().path());
    let is_it = |path: &std::path::PathBuf| path.display().to_string().contains(name);
    let file = files.filter(is_it).max().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    (file, text)
}

#[test]
fn the_second_tier_is_the_promoters_own_promoters_where_a_list_says_who_that_is() {
    for version in [1, 2] {
        let account = Account::new(version);
        account.place.write(
            "fprecon.toml",
            &format!("{TWENTY_PERCENT}[[audit.rule]]\ntier = 2\nrate = \"5\"\n"),
        );
        account.sell(SALE);
        let second = json!([{"action": "add", "promoter": "felix", "event_id": "s1", "tier": 2, "amount_cents": 500,
            "sale_amount_cents": 10_000, "email": "a@x.com", "created_at": "2026-11-05T10:00:00Z"}]);
        account.sandbox.post("/sandbox/commissions", &second);
        let said = account.run(&["audit", "--live", "--json"]).json();
        assert_eq!(kinds(&said), [""; 0], "version {version}: {said:#}");
        assert_eq!(unchecked(&said, "tier_unproven")["count"], 1);
        // Version 1 has it in its commissions, version 2 in its promoters.
        let (file, text) = kept(
            &account,
            if version == 1 {
                "commissions-"
            } else {
                "promoters-"
            },
        );
        let of_nora = |line: &str| {
            let is_hers = line.contains("nora@x.com");
            let parent = if is_hers {
                "\"parent_id\":\"999\""
            } else {
                "\"parent_id\":null"
            };
            line.replace("\"parent_id\":null", parent) + "\n"
        };
        let other: String = text.lines().map(of_nora).collect();
        assert_ne!(text, other, "version {version}");
        std::fs::write(&file, other).unwrap();
        let said = account.run(&["audit", "--json"]).expect(1).json();
        assert_eq!(
            kinds(&said),
            ["wrong_promoter"],
            "version {version}: {said:#}"
        );
        let found = &said["findings"]
            .as_array()
            .unwrap()
            .iter()
            .find(|own| own["kind"] == "wrong_promoter")
            .unwrap();
        let right =
            "the promoter's own promoter is `999`, and `felix@x.com` has the commission of tier 2";
        assert_eq!(
            (&found["message"], &found["concerned_cents"]),
            (&json!(right), &json!(500))
        );
        assert_eq!(unchecked(&said, "tier_unproven"), Value::Null);
    }
}

/// A refund is in the net sales of whoever had the customer when it was sold.
#[test]
fn net_sales_of_a_moved_lead_stay_where_they_were() {
    for version in [1, 2] {
        let account = Account::new(version);
        account.sell(SALE);
        account.is_lead_of("felix", 20);
        account.sell(
            "refund,r1,s1,a@x.com,,40.00,USD,2026-11-25T10:00:00Z\nsale,s2,,a@x.com,,50.00,USD,2026-11-26T10:00:00Z\n",
        );
        let said = account.run(&["audit", "--live", "--json"]).json();
        let lines = said["totals"]["by"]["promoter"].as_array().unwrap().iter();
        let net = lines.map(|line| {
            (
                line["value"].as_str().unwrap_or_default(),
                line["net_cents"].as_i64().unwrap(),
            )
        });
        let mut net: Vec<(&str, i64)> = net.collect();
        net.sort_unstable();
        assert_eq!(
            net,
            [("felix@x.com", 5000), ("nora@x.com", 6000)],
            "version {version}"
        );
    }
}

#[test]
fn payouts_with_a_status_that_nobody_knows_are_said() {
    for version in [1, 2] {
        let account = Account::new(version);
        account.sell(SALE);
        let payout = json!({"promoter": "nora", "amount_cents": 400, "status": "completed", "paid_at": "2026-11-20T00:00:00Z",
            "created_at": "2026-11-20T00:00:00Z"});
        account.sandbox.post("/sandbox/payouts", &payout);
        account.run(&["audit", "--live"]);
        let (file, text) = kept(&account, "payouts-");
        let other = text.replace("\"completed\"", "\"teleported\"");
        assert_ne!(text, other);
        std::fs::write(&file, other).unwrap();
        let said = account.run(&["audit"]).expect(1).stdout();
        assert!(
            said.contains("Not complete: 1 payout of theirs cannot be read."),
            "{said}"
        );
    }
}

#[test]
fn the_list_of_what_was_accepted_is_empty_after_all_was_undone() {
    let place = place(
        TWENTY_PERCENT,
        "sale,s1,,a@x.com,,100.00,USD,2026-03-01T10:00:00Z\n",
    );
    let list = format!("{COMMISSIONS}1,s1,nora@x.com,25.00,100.00,approved,2026-03-01\n");
    audit(&place, &list, &["--dir", "out"]);
    place
        .run(&["accept", "out/differences.csv", "--reason", "goodwill"])
        .expect(0);
    place
        .run(&["accept", "out/differences.csv", "--undo"])
        .expect(0);
    place.run(&["accept", "--list"]).expect(0);
}
