//! Audits of two files whose verdict once was better than the facts.

use serde_json::{Value, json};

use crate::support::Place;

pub(super) const SALES: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at\n";
pub(super) const COMMISSIONS: &str =
    "id,event_id,promoter_email,commission,sale_amount,status,created_at\n";
pub(super) const TWENTY_PERCENT: &str = "[[audit.rule]]\nrate = \"20\"\n";

/// What an audit says.
pub(super) struct Said {
    pub(super) code: i32,
    pub(super) text: String,
    pub(super) json: Value,
}

impl Said {
    /// Kind, difference and message of each finding.
    pub(super) fn findings(&self) -> Vec<(String, i64, i64)> {
        let findings = self.json["findings"].as_array().unwrap().iter();
        findings
            .map(|finding| {
                (
                    finding["kind"].as_str().unwrap().to_owned(),
                    finding["difference_cents"].as_i64().unwrap(),
                    finding["concerned_cents"].as_i64().unwrap(),
                )
            })
            .collect()
    }

    /// Checks that the audit has no finding, and how it ended.
    #[track_caller]
    pub(super) fn expect_no_finding(&self, code: i32) {
        let said = (self.findings(), self.code);
        assert_eq!(said, (Vec::new(), code), "{}", self.text);
    }
}

/// What an audit did not check for a reason, in its JSON; null if it checked that.
pub(super) fn unchecked(audit: &Value, reason: &str) -> Value {
    let all = audit["unchecked"].as_array().unwrap().iter();
    let mut own = all.filter(|one| one["reason"] == reason);
    own.next().cloned().unwrap_or(Value::Null)
}

pub(super) fn place(rules: &str, sales: &str) -> Place {
    let place = Place::new();
    place.write("fprecon.toml", rules);
    place.write("s.csv", &format!("{SALES}{sales}"));
    place
}

pub(super) fn audit(place: &Place, list: &str, more: &[&str]) -> Said {
    place.write("c.csv", list);
    let words = [&["audit", "s.csv", "--commissions", "c.csv"], more].concat();
    let ran = place.run(&words);
    let text = ran.stdout() + &ran.stderr();
    let json = place.run(&[&words[..], &["--json"]].concat()).json();
    Said {
        code: ran.code(),
        text,
        json,
    }
}

pub(super) fn of(sales: &str, commissions: &str) -> Said {
    by(TWENTY_PERCENT, sales, commissions)
}

pub(super) fn by(rules: &str, sales: &str, commissions: &str) -> Said {
    let list = format!("{COMMISSIONS}{commissions}");
    audit(&place(rules, sales), &list, &[])
}

/// A right list with a column more, and what its only commission has there.
pub(super) fn with_column(column: &str, value: &str) -> Said {
    let header = COMMISSIONS.replace("created_at", &format!("created_at,{column}"));
    let row = RIGHT.replace("03-01\n", &format!("03-01,{value}\n"));
    audit(&place(TWENTY_PERCENT, SALE), &format!("{header}{row}"), &[])
}

pub(super) fn found(
    kind: &str,
    difference_cents: i64,
    concerned_cents: i64,
) -> Vec<(String, i64, i64)> {
    vec![(kind.to_owned(), difference_cents, concerned_cents)]
}

pub(super) const SALE: &str = "sale,s1,,a@x.com,,100.00,USD,2026-03-01T10:00:00Z\n";
pub(super) const RIGHT: &str = "1,s1,nora@x.com,20.00,100.00,approved,2026-03-01\n";
const WHOLE_REFUND: &str = "refund,r1,s1,a@x.com,,100.00,USD,2026-03-05T10:00:00Z\n";
const PART_REFUND: &str = "refund,r1,s1,a@x.com,,40.00,USD,2026-03-05T10:00:00Z\n";

#[test]
fn a_reversal_of_a_commission_that_does_not_stand_takes_too_much() {
    let reversal = "2,r1,nora@x.com,-20.00,-100.00,approved,2026-03-05\n";
    let denied = format!("1,s1,nora@x.com,20.00,100.00,denied,2026-03-01\n{reversal}");
    let said = of(&format!("{SALE}{WHOLE_REFUND}"), &denied);
    assert_eq!(said.findings(), found("taken_back_too_much", -2000, 0));
    // The commission is not there at all.
    let said = of(&format!("{SALE}{WHOLE_REFUND}"), reversal);
    assert_eq!(said.findings(), found("sale_without_commission", -2000, 0));
    let in_part = "2,r1,nora@x.com,-8.00,-40.00,approved,2026-03-05\n";
    let said = of(&format!("{SALE}{PART_REFUND}"), in_part);
    assert_eq!(said.findings(), found("sale_without_commission", -2000, 0));
    assert_eq!(said.code, 1);
    // Denied before the refund, which reversed nothing.
    let denied = "1,s1,nora@x.com,20.00,100.00,denied,2026-03-01\n";
    let said = of(&format!("{SALE}{WHOLE_REFUND}"), denied);
    said.expect_no_finding(0);
}

#[test]
fn a_reversal_is_taken_from_the_promoter_who_has_the_commission() {
    let sales = format!("{SALE}{WHOLE_REFUND}");
    let earned = "1,s1,nora@x.com,20.00,100.00,approved,2026-03-01\n";
    let from = |promoter: &str| {
        format!("{earned}2,r1,{promoter}@x.com,-20.00,-100.00,approved,2026-03-05\n")
    };
    let said = of(&sales, &from("felix"));
    assert_eq!(said.findings(), found("wrong_promoter", 0, 2000));
    assert!(
        said.text
            .contains("taken from `felix@x.com`, and `nora@x.com` keeps")
    );
    assert_eq!(of(&sales, &from("nora")).findings(), []);
    // Split between two, and reversed from one.
    let header = COMMISSIONS.replace("status", "is_split,status");
    let split = "1,s1,nora@x.com,12.00,60.00,yes,approved,2026-03-01\n\
         2,s1,felix@x.com,8.00,40.00,yes,approved,2026-03-01\n";
    let one = "3,r1,nora@x.com,-20.00,-100.00,,approved,2026-03-05\n";
    let both = "3,r1,nora@x.com,-12.00,-60.00,yes,approved,2026-03-05\n\
         4,r1,felix@x.com,-8.00,-40.00,yes,approved,2026-03-05\n";
    let said = |reversed: &str| {
        let list = format!("{header}{split}{reversed}");
        audit(&place(TWENTY_PERCENT, &sales), &list, &[]).findings()
    };
    assert_eq!(said(one), found("wrong_promoter", 0, 800));
    assert_eq!(said(both), []);
}

#[test]
fn of_a_commission_and_its_reversal_both_are_approved_or_none() {
    let sales = format!("{SALE}{WHOLE_REFUND}");
    let list = |earned: &str, reversed: &str| {
        format!(
            "1,s1,nora@x.com,20.00,100.00,{earned},2026-03-01\n\
             2,r1,nora@x.com,-20.00,-100.00,{reversed},2026-03-05\n"
        )
    };
    for (earned, reversed) in [("approved", "pending"), ("pending", "approved")] {
        let said = of(&sales, &list(earned, reversed));
        assert_eq!(said.findings(), found("pending", 0, 2000), "{earned}");
        assert_eq!(said.code, 1);
    }
    for status in ["approved", "pending"] {
        assert_eq!(of(&sales, &list(status, status)).findings(), [], "{status}");
    }
}

#[test]
fn what_was_accepted_is_only_accepted_as_it_was() {
    let accepted = |sales: &str, list: &str| {
        let place = place(TWENTY_PERCENT, sales);
        assert_eq!(audit(&place, list, &["--dir", "first"]).code, 1);
        let accept = [
            "accept",
            "first/differences.csv",
            "--reason",
            "agreed",
            "--yes",
        ];
        place.run(&accept[..4]).expect(0);
        assert_eq!(audit(&place, list, &[]).code, 0);
        place
    };
    // A list without ids: another bonus of the same promoter and amount.
    let header = COMMISSIONS.trim_start_matches("id,");
    let bonus = |day: &str| format!("{header},nora@x.com,500.00,,approved,{day}\n");
    let place = accepted(SALE, &bonus("2026-03-09"));
    assert_eq!(audit(&place, &bonus("2026-04-21"), &[]).code, 1);
    // Another promoter gets what was accepted.
    let paid_to = |promoter: &str| {
        format!("{COMMISSIONS}1,s1,{promoter}@x.com,25.00,100.00,approved,2026-03-01\n")
    };
    let place = accepted(SALE, &paid_to("nora"));
    assert_eq!(audit(&place, &paid_to("mallory"), &[]).code, 1);
    // The sale is refunded later.
    let place = accepted(SALE, &paid_to("nora"));
    place.write("s.csv", &format!("{SALES}{SALE}{WHOLE_REFUND}"));
    let reversed = "2,r1,nora@x.com,-20.00,-100.00,approved,2026-03-05\n";
    let list = format!("{}{reversed}", paid_to("nora"));
    assert_eq!(audit(&place, &list, &[]).code, 1);
}

#[test]
fn a_commission_that_stands_twice_counts_once_or_not_at_all() {
    let line = "1,s1,nora@x.com,20.00,100.00,approved,2026-03-01\n";
    let said = of(SALE, &format!("{line}{line}"));
    said.expect_no_finding(0);
    let warning = "c.csv:3: warning: line 2 already has this commission; it counts once";
    assert!(said.text.contains(warning), "{}", said.text);
    let denied = line.replace("approved", "denied");
    let said = of(SALE, &format!("{line}{denied}"));
    let error = "c.csv:3: error: line 2 already has this commission, with other content";
    assert!(said.text.contains(error), "{}", said.text);
    assert!(said.code == 1 && !said.text.contains("No differences"));
}

#[test]
fn what_a_list_does_not_say_or_what_is_not_read_of_it_is_said() {
    let place = place(TWENTY_PERCENT, SALE);
    let without =
        "id,event_id,promoter_email,commission,created_at\n1,s1,nora@x.com,20.00,2026-03-01\n";
    let said = audit(&place, without, &[]);
    assert!(
        said.text.contains("No differences in what was checked."),
        "{}",
        said.text
    );
    assert!(
        said.text
            .contains("commissions that do not say whether they are approved count"),
        "{}",
        said.text
    );
    let other = "id,event_id,Affiliate,commission,status,Decision state,created_at\n\
         1,s1,Nora,20.00,approved,denied,2026-03-01\n";
    let said = audit(&place, other, &[]);
    assert!(
        said.text.contains("; not read: `Decision state`"),
        "{}",
        said.text
    );
    assert_eq!(
        said.json["theirs"]["columns_not_read"],
        json!(["Decision state"])
    );
    assert!(said.text.contains("No differences in what was checked."));
    // The promoter is read from the column by which the list was recognised.
    assert!(said.text.contains("nora"), "{}", said.text);
    // Nor does an empty cell say that a commission is approved.
    let empty = format!("{COMMISSIONS}1,s1,nora@x.com,20.00,100.00,,2026-03-01\n");
    let said = audit(&place, &empty, &[]);
    assert!(
        said.text.contains("No differences in what was checked."),
        "{}",
        said.text
    );
}

#[test]
fn a_day_of_a_list_is_a_day_in_the_zone_of_the_audit() {
    let rules = format!("[audit]\nzone = \"America/Los_Angeles\"\n{TWENTY_PERCENT}");
    let place = place(
        &rules,
        "sale,s1,,a@x.com,,100.00,USD,2026-04-10T18:00:00Z\n",
    );
    let list = format!(
        "{COMMISSIONS}1,s1,nora@x.com,20.00,100.00,approved,2026-04-10\n\
         2,zz,nora@x.com,70.00,350.00,approved,2026-04-01\n"
    );
    let days = |from, to| audit(&place, &list, &["--from", from, "--to", to]).findings();
    let april = days("2026-04-01", "2026-04-30");
    assert_eq!(april, found("commission_without_sale", 7000, 0));
    assert_eq!(days("2026-03-01", "2026-03-31"), []);
}

#[test]
fn a_commission_with_the_id_of_a_sale_and_another_customer_is_not_checked() {
    let header = COMMISSIONS.replace("status", "email,status");
    let list =
        |email: &str| format!("{header}1,s1,nora@x.com,20.00,100.00,{email},approved,2026-03-01\n");
    let said = audit(&place(TWENTY_PERCENT, SALE), &list("zed@x.com"), &[]);
    let unchecked = &said.json["unchecked"][0];
    assert_eq!(unchecked["reason"], "other_customer", "{}", said.json);
    assert!(said.text.contains("No differences in what was checked."));
    let said = audit(&place(TWENTY_PERCENT, SALE), &list("A@x.com"), &[]);
    assert_eq!(said.json["unchecked"], json!([]));
}

#[test]
fn a_commission_that_may_be_of_two_sales_names_them() {
    let rules = format!("[audit]\nmatch_by_customer = true\n{TWENTY_PERCENT}");
    let second = SALE.replace("s1", "s2").replace("03-01", "03-02");
    let header = COMMISSIONS
        .replace("event_id,", "")
        .replace("status", "email,status");
    let three = |days: [&str; 3]| {
        let row = |(number, day): (usize, &&str)| {
            format!("{number},nora@x.com,20.00,100.00,a@x.com,approved,2026-03-{day}\n")
        };
        let rows: String = days.iter().enumerate().map(row).collect();
        format!("{header}{rows}")
    };
    let sales = place(&rules, &format!("{SALE}{second}"));
    let said = audit(&sales, &three(["01", "02", "02"]), &[]);
    assert_eq!(said.findings(), found("commission_without_sale", 2000, 0));
    let message = "customer and amount are those of `s1` (s.csv:2) and `s2` (s.csv:3): which one is meant is not known";
    assert!(said.text.contains(message), "{}", said.text);
    assert!(!said.text.contains("nothing was billed"), "{}", said.text);
}

#[test]
fn a_customer_has_one_first_payment() {
    let rules = "[[audit.rule]]\nrate = \"20\"\npayments = \"first\"\n";
    let both = format!(
        "{COMMISSIONS}1,s1,nora@x.com,20.00,100.00,approved,2026-03-01\n\
         2,s2,nora@x.com,20.00,100.00,approved,2026-03-02\n"
    );
    // By the id at one provider, and by the email alone at another.
    let with_uid = SALE.replace("a@x.com,,", "a@x.com,cus_a,");
    let second = SALE.replace("s1", "s2").replace("03-01", "03-02");
    let said = audit(&place(rules, &format!("{with_uid}{second}")), &both, &[]);
    assert_eq!(said.findings(), found("commission_differs", 2000, 0));
    // Two of one moment: the one that has a commission was the first, or else one of them.
    let same = SALE.replace("s1", "s2");
    let sales = format!("{SALE}{same}");
    let said = audit(&place(rules, &sales), &both, &[]);
    assert_eq!(said.findings(), found("commission_differs", 2000, 0));
    for id in ["s1", "s2"] {
        let one = format!("{COMMISSIONS}1,{id},nora@x.com,20.00,100.00,approved,2026-03-01\n");
        assert_eq!(
            audit(&place(rules, &sales), &one, &[]).findings(),
            [],
            "{id}"
        );
    }
}

/// An export has the invoice, and a live integration reported its charge: one payment.
#[test]
fn a_commission_under_another_id_of_the_payment_is_that_of_the_sale() {
    const EXPORT: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,\
         Customer Email,Refunded date (UTC),Invoice ID\n\
         ch_1,2026-03-01 10:00:00,100.00,0.00,usd,true,Paid,cus_1,a@x.com,,in_1\n\
         ch_2,2026-03-02 10:00:00,50.00,50.00,usd,true,Refunded,cus_2,b@x.com,2026-03-05 10:00:00,in_2\n";
    let audited = |list: &str| {
        let place = Place::new();
        place.write("fprecon.toml", TWENTY_PERCENT);
        place.write("s.csv", EXPORT);
        audit(&place, &format!("{COMMISSIONS}{list}"), &[])
    };
    let first = "1,ch_1,p@x.com,20.00,100.00,approved,2026-03-01T10:00:00Z\n";
    let second = "2,ch_2,p@x.com,10.00,50.00,approved,2026-03-02T10:00:00Z\n";
    let reversal = "3,ch_2,p@x.com,-10.00,-50.00,approved,2026-03-05T10:00:00Z\n";
    let said = audited(&[first, second, reversal].concat());
    assert_eq!(said.findings(), [], "{}", said.text);
    assert_eq!(
        said.json["matched"],
        json!({"linked_sale": 1, "reference": 2})
    );
    let said = audited(&[first, second].concat());
    assert_eq!(
        said.findings(),
        found("refund_not_taken_back", 1_000, 0),
        "{}",
        said.text
    );
    // The integration and an import have each created one.
    let again = "4,in_1,p@x.com,20.00,100.00,approved,2026-03-01T11:00:00Z\n";
    let said = audited(&[first, again, second, reversal].concat());
    assert_eq!(
        said.findings(),
        found("commission_twice", 2_000, 0),
        "{}",
        said.text
    );
}

/// Audits a sale whose commission two promoters share, a refund of it, and what it takes back of each.
fn audited_split(parts: [&str; 2], refunded: &str, reversals: &[(&str, &str)]) -> Said {
    const LIST: &str =
        "id,event_id,promoter_email,commission,sale_amount,status,created_at,is_split\n";
    let [first, second] = parts;
    let sales = format!("{SALE}refund,r1,s1,a@x.com,,{refunded},USD,2026-03-05T10:00:00Z\n");
    let mut list = format!(
        "{LIST}1,s1,n@x.com,{first},100.00,approved,2026-03-01T10:00:00Z,yes\n\
         2,s1,f@x.com,{second},100.00,approved,2026-03-01T10:00:00Z,yes\n"
    );
    for (number, (promoter, cents)) in reversals.iter().enumerate() {
        list += &format!(
            "{},r1,{promoter}@x.com,-{cents},-{refunded},approved,2026-03-05T10:00:00Z,yes\n",
            number + 3
        );
    }
    audit(&place(TWENTY_PERCENT, &sales), &list, &[])
}

/// Returns what is expected of each promoter, and the difference.
fn by_promoter(said: &Said) -> Vec<(String, i64, i64)> {
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    let cents = |line: &Value, name: &str| line[name].as_i64().unwrap();
    lines
        .iter()
        .map(|line| {
            let name = line["value"].as_str().unwrap().to_owned();
            (
                name,
                cents(line, "expected_cents"),
                cents(line, "difference_cents"),
            )
        })
        .collect()
}

/// Of a split commission a refund takes its part from each promoter.
#[test]
fn a_refund_of_a_split_commission_takes_from_each_promoter_his_part() {
    let of = |f: (i64, i64), n: (i64, i64)| {
        vec![
            ("f@x.com".to_owned(), f.0, f.1),
            ("n@x.com".to_owned(), n.0, n.1),
        ]
    };
    let said = audited_split(["10.00", "10.00"], "50.00", &[("n", "5.00"), ("f", "5.00")]);
    assert_eq!(
        (said.code, by_promoter(&said)),
        (0, of((500, 0), (500, 0))),
        "{}",
        said.text
    );
    let said = audited_split(["12.00", "8.00"], "25.00", &[("n", "3.00"), ("f", "2.00")]);
    assert_eq!(
        (said.code, by_promoter(&said)),
        (0, of((600, 0), (900, 0))),
        "{}",
        said.text
    );
    let said = audited_split(["10.00", "10.00"], "100.00", &[]);
    assert_eq!(
        (said.code, by_promoter(&said)),
        (1, of((0, 1_000), (0, 1_000))),
        "{}",
        said.text
    );
    let said = audited_split(["10.00", "10.00"], "50.00", &[("f", "5.00")]);
    assert_eq!(
        (said.code, by_promoter(&said)),
        (1, of((500, 0), (500, 500))),
        "{}",
        said.text
    );
    // The sum is right, and it was taken from one of them.
    let said = audited_split(["10.00", "10.00"], "50.00", &[("n", "10.00")]);
    assert_eq!(
        said.findings(),
        found("wrong_promoter", 0, 500),
        "{}",
        said.text
    );
    assert_eq!(
        (said.code, by_promoter(&said)),
        (1, of((500, 500), (500, -500))),
        "{}",
        said.text
    );
}

/// A list whose states say `paid` says with `approved` that something is not.
#[test]
fn a_reversal_of_what_was_paid_is_open_until_it_is_paid_too() {
    let list = "1,s1,p@x.com,20.00,100.00,paid,2026-03-01T10:00:00Z\n\
                2,r1,p@x.com,-20.00,-100.00,approved,2026-03-05T10:00:00Z\n";
    let said = of(&format!("{SALE}{WHOLE_REFUND}"), list);
    assert_eq!(
        said.findings(),
        found("paid_before_refund", 0, 2_000),
        "{}",
        said.text
    );
    assert_eq!(said.code, 1);
}

#[test]
fn redacting_leaves_no_promoter_in_rules_and_aliases() {
    let rules = "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\npromoter = \"nora@x.com\"\nrate = \"20\"\n\
         [[audit.rule]]\npromoter = \"benno\"\nplan = \"pro\"\nrate = \"20\"\n\
         [audit.alias]\n\"old@x.com\" = \"nora@x.com\"\n";
    let place = place(rules, SALE);
    let list = format!("{COMMISSIONS}1,s1,nora@x.com,20.00,100.00,approved,2026-03-01T10:00:00Z\n");
    audit(&place, &list, &["--redact", "--dir", "out"]);
    for file in ["out/summary.json", "out/audit.html"] {
        let text = place.read(file);
        assert!(text.contains("plan `pro`"), "{file}");
        for name in ["nora@x.com", "old@x.com", "benno"] {
            assert!(!text.contains(name), "{file}: {name}");
        }
    }
}

/// Its hint, followed as it stands, leads to the right audit.
#[test]
fn a_list_in_cents_is_recognised() {
    let list = format!("{COMMISSIONS}1,s1,nora@x.com,2000,10000,approved,2026-03-01\n");
    let place = place(TWENTY_PERCENT, SALE);
    let said = audit(&place, &list, &[]);
    assert_eq!(said.findings(), found("sale_amount_differs", 198_000, 0));
    let message = said.json["findings"][0]["message"].as_str().unwrap();
    let hint = "exactly 100 times as much: a list in cents needs `unit = \"minor\"` under \
         `[exports.mine.money.format]`, with `extends = \"commissions\"` under `[exports.mine]`";
    assert!(message.ends_with(hint), "{message}");
    let set = "[exports.mine]\nextends = \"commissions\"\n[exports.mine.money.format]\nunit = \"minor\"\n";
    place.write("fprecon.toml", &format!("{TWENTY_PERCENT}{set}"));
    audit(&place, &list, &[]).expect_no_finding(0);
    // Another amount is not explained so.
    let other = by(
        TWENTY_PERCENT,
        SALE,
        "1,s1,nora@x.com,40.00,200.00,approved,2026-03-01\n",
    );
    let message = other.json["findings"][0]["message"].as_str().unwrap();
    assert_eq!(
        message,
        "billed 100.00 USD, and FirstPromoter has 200.00 USD"
    );
}

/// FirstPromoter converts by rates of its own: what is one minor unit away may be rounding.
#[test]
fn a_converted_amount_may_be_a_cent_away_however_small_it_is() {
    let rules = format!("[currencies]\nrates = \"rates.csv\"\n{TWENTY_PERCENT}");
    let place = place(&rules, "sale,s1,,a@x.com,,0.15,EUR,2026-03-01T10:00:00Z\n");
    place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.10\n");
    let header = COMMISSIONS.replace("status", "currency,status");
    let list =
        |cents: &str| format!("{header}1,s1,nora@x.com,0.03,{cents},USD,approved,2026-03-01\n");
    let near = audit(&place, &list("0.16"), &[]);
    assert_eq!(near.findings(), [], "{}", near.text);
    assert_eq!(unchecked(&near.json, "foreign_rate")["count"], 1);
    let far = audit(&place, &list("0.20"), &[]);
    assert_eq!(far.findings()[0].0, "sale_amount_differs");
}
