//! Whose the money is: who referred a customer, who gets a higher tier, to whom a commission was moved; and what is said
//! where nothing says it.

use serde_json::{Value, json};

use super::lists::{COMMISSIONS, SALES, Said, TWENTY_PERCENT, audit, found, place, unchecked};

const TIERS: &str = "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\ntier = 2\nrate = \"5\"\n";

/// Sets count and cents of what was not checked for a reason.
fn counted(said: &Said, reason: &str) -> (i64, i64) {
    let own = unchecked(&said.json, reason);
    let cents = |own: &Value| own["amount_cents"]["USD"].as_i64().unwrap_or(0);
    (own["count"].as_i64().unwrap_or(0), cents(&own))
}

fn expected(said: &Said, name: &str) -> i64 {
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    let own = lines.iter().find(|line| line["value"] == name);
    own.map_or(0, |line| line["expected_cents"].as_i64().unwrap())
}

/// A sale of 100.00 of one customer.
fn sale(number: u32, customer: &str, month: u32) -> String {
    format!("sale,s{number},,{customer}@x.com,,100.00,USD,2026-{month:02}-10T10:00:00Z\n")
}

fn of(rules: &str, sales: &[String], commissions: &str) -> Said {
    let list = format!("{COMMISSIONS}{commissions}");
    audit(&place(rules, &sales.concat()), &list, &[])
}

#[test]
fn a_denied_commission_says_who_referred_the_customer() {
    let refund = "refund,r1,s1,a@x.com,,100.00,USD,2026-01-20T10:00:00Z\n".to_owned();
    let sales = [sale(1, "a", 1), sale(2, "a", 2), sale(3, "a", 3)];
    let with_refund = [&sales[..], &[refund]].concat();
    let denied = "1,s1,nora@x.com,20.00,100.00,denied,2026-01-10\n";
    let said = of(TWENTY_PERCENT, &with_refund, denied);
    let missing = ("sale_without_commission".to_owned(), -2000, 0);
    assert_eq!(said.findings(), [missing.clone(), missing.clone()]);
    assert_eq!((expected(&said, "nora@x.com"), said.code), (4000, 1));
    assert_eq!(unchecked(&said.json, "customer_unknown"), Value::Null);
    // Beside a denial that is wrong itself.
    let said = of(TWENTY_PERCENT, &sales, denied);
    let wrong = ("denied".to_owned(), -2000, 0);
    assert_eq!(said.findings(), [missing.clone(), missing, wrong]);
    // Of a duplicate that was denied, only the one that stands says it.
    let list = format!(
        "{}2,s1,felix@x.com,20.00,100.00,denied,2026-01-10\n",
        denied.replace("denied", "approved")
    );
    for list in [list.clone(), list.replace("2,s1,felix", "0,s1,felix")] {
        let said = of(TWENTY_PERCENT, &sales, &list);
        assert_eq!(expected(&said, "nora@x.com"), 6000, "{list}");
        assert_eq!(expected(&said, "felix@x.com"), 0, "{list}");
    }
}

/// The first-tier commissions of so many sales, and those of the second tier as given: `(sale, promoter)`.
fn tiers(sales: u32, seconds: &[(u32, &str)]) -> Said {
    let all: Vec<String> = (1..=sales)
        .map(|n| sale(n, &format!("c{n}"), n.min(12)))
        .collect();
    let header = COMMISSIONS.replace("status", "tier,status");
    let mut list = header;
    for n in 1..=sales {
        let month = n.min(12);
        list += &format!("{n},s{n},nora@x.com,20.00,100.00,1,approved,2026-{month:02}-10\n");
    }
    for (n, who) in seconds {
        list += &format!("9{n},s{n},{who}@x.com,5.00,100.00,2,approved,2026-{n:02}-10\n");
    }
    audit(&place(TIERS, &all.concat()), &list, &[])
}

#[test]
fn one_wrong_receiver_of_a_tier_hides_no_missing_commission() {
    let right = [
        (1, "felix"),
        (2, "felix"),
        (3, "felix"),
        (4, "felix"),
        (6, "felix"),
    ];
    let said = tiers(8, &[&right[..], &[(5, "gus")]].concat());
    let missing = ("sale_without_commission".to_owned(), -500, 0);
    assert_eq!(said.findings(), [missing.clone(), missing]);
    assert_eq!(counted(&said, "tier_receiver"), (1, 500));
    assert_eq!(counted(&said, "tier_unproven"), (5, 2500));
    assert_eq!((expected(&said, "felix@x.com"), said.code), (3500, 1));
    // Nothing is missing, and one goes to somebody else.
    let all = [&right[..], &[(7, "felix"), (8, "felix"), (5, "gus")]].concat();
    let said = tiers(8, &all);
    said.expect_no_finding(1);
    assert_eq!(counted(&said, "tier_receiver"), (1, 500));
    assert!(!said.text.contains("No difference."), "{}", said.text);
    // As many of two promoters: one is missing, and nobody knows whose.
    let said = tiers(3, &[(1, "felix"), (2, "gus")]);
    assert_eq!(said.findings(), found("sale_without_commission", -500, 0));
    assert_eq!(counted(&said, "tier_receiver"), (2, 1000));
}

#[test]
fn a_tier_that_is_right_as_far_as_the_list_says_is_said_to_be_unproven() {
    let said = tiers(3, &[(1, "felix"), (2, "felix"), (3, "felix")]);
    said.expect_no_finding(0);
    assert_eq!(counted(&said, "tier_unproven"), (3, 1500));
    assert!(said.text.contains("No differences in what was checked."));
    // The earliest sales lack it.
    let said = tiers(4, &[(3, "felix"), (4, "felix")]);
    said.expect_no_finding(1);
    assert_eq!(counted(&said, "tier_earlier"), (2, 20_000));
    // Nobody has any.
    let said = tiers(4, &[]);
    said.expect_no_finding(0);
    assert_eq!(counted(&said, "tier_unknown"), (4, 40_000));
    assert!(
        said.text
            .contains("4 sales without a commission of a higher tier (400.00 USD)")
    );
}

#[test]
fn nobody_is_his_own_promoter() {
    let said = tiers(3, &[(1, "nora"), (2, "nora"), (3, "nora")]);
    let wrong = ("wrong_promoter".to_owned(), 0, 500);
    assert_eq!(said.findings(), [wrong.clone(), wrong.clone(), wrong]);
    assert!(
        said.text
            .contains("of tier 2 goes to `nora@x.com`, who is the promoter of the sale itself")
    );
}

#[test]
fn a_commission_that_was_moved_by_a_reversal_is_the_other_promoters() {
    let sales = [sale(1, "a", 1), sale(2, "a", 2), sale(3, "a", 3)];
    let moved = "2,s2,felix@x.com,20.00,100.00,approved,2026-02-10\n\
                 5,s2,felix@x.com,-20.00,-100.00,approved,2026-02-20\n\
                 6,s2,nora@x.com,20.00,100.00,approved,2026-02-20\n";
    let others = "1,s1,nora@x.com,20.00,100.00,approved,2026-01-10\n\
                  4,s3,nora@x.com,20.00,100.00,approved,2026-03-10\n";
    let said = of(TWENTY_PERCENT, &sales, &format!("{others}{moved}"));
    said.expect_no_finding(0);
    assert_eq!(expected(&said, "nora@x.com"), 6000);
    assert_eq!(expected(&said, "felix@x.com"), 0);
    // A later sale that lacks its commission lacks it for whom the earlier one was moved to.
    let said = of(TWENTY_PERCENT, &sales[1..], moved);
    assert_eq!(said.findings(), found("sale_without_commission", -2000, 0));
    assert_eq!(expected(&said, "nora@x.com"), 4000);
    // What was paid out before it was moved has to come back.
    let header = COMMISSIONS.replace("status", "is_paid,status");
    let paid = moved.replace("approved", "no,approved");
    let paid = paid.replacen("no,", "yes,", 1);
    let said = audit(
        &place(TWENTY_PERCENT, &sales[1]),
        &format!("{header}{paid}"),
        &[],
    );
    assert_eq!(said.findings(), found("paid_before_refund", 0, 2000));
}

#[test]
fn a_commission_that_was_corrected_by_hand_is_what_it_comes_to() {
    let sales = [sale(1, "a", 1), sale(2, "b", 2)];
    let other = "3,s2,nora@x.com,20.00,100.00,approved,2026-02-10\n";
    let lowered = format!(
        "{other}1,s1,nora@x.com,25.00,100.00,approved,2026-01-10\n2,s1,nora@x.com,-5.00,,approved,2026-01-11\n"
    );
    let said = of(TWENTY_PERCENT, &sales, &lowered);
    said.expect_no_finding(0);
    // By another amount than what is due, both are said as they are.
    let said = of(TWENTY_PERCENT, &sales, &lowered.replace("-5.00", "-6.00"));
    let sum: i64 = said.findings().iter().map(|found| found.1).sum();
    assert_eq!((sum, said.code), (-100, 1));
    // Made anew with the right amount, and then refunded in part.
    let refund = "refund,r1,s1,a@x.com,,50.00,USD,2026-01-20T10:00:00Z\n".to_owned();
    let anew = format!(
        "{other}1,s1,nora@x.com,25.00,100.00,approved,2026-01-10\n\
         2,s1,nora@x.com,-25.00,-100.00,approved,2026-01-11\n\
         5,s1,nora@x.com,20.00,100.00,approved,2026-01-11\n\
         6,r1,nora@x.com,-10.00,-50.00,approved,2026-01-20\n"
    );
    let said = of(TWENTY_PERCENT, &[&sales[..], &[refund]].concat(), &anew);
    said.expect_no_finding(0);
    // One that was only taken back is missing as before.
    let gone = format!(
        "{other}1,s1,nora@x.com,20.00,100.00,approved,2026-01-10\n2,s1,nora@x.com,-20.00,-100.00,approved,2026-01-11\n"
    );
    let said = of(TWENTY_PERCENT, &sales, &gone);
    assert_eq!(said.findings(), found("taken_back_too_much", -2000, 0));
}

#[test]
fn what_was_paid_out_and_denied_since_has_to_come_back() {
    let header = COMMISSIONS.replace("status", "is_paid,status");
    let right = "1,s1,nora@x.com,20.00,100.00,yes,approved,2026-01-10\n";
    let said = |sales: &[String], rows: &str| {
        let list = format!("{header}{rows}");
        audit(&place(TWENTY_PERCENT, &sales.concat()), &list, &[])
    };
    let ghost = "3,s9,felix@x.com,5000.00,25000.00,yes,denied,2026-01-01\n";
    let first = said(&[sale(1, "a", 1)], &format!("{right}{ghost}"));
    assert_eq!(first.findings(), found("paid_before_refund", 0, 500_000));
    assert_eq!(first.code, 1);
    let line = first
        .text
        .lines()
        .find(|line| line.starts_with("felix@x.com"));
    assert!(
        line.is_some_and(|line| line.ends_with("5,000.00")),
        "{}",
        first.text
    );
    // A duplicate, and one of a sale that was refunded.
    let twice = "3,s1,felix@x.com,20.00,100.00,yes,denied,2026-01-10\n";
    let second = said(&[sale(1, "a", 1)], &format!("{right}{twice}"));
    assert_eq!(second.findings(), found("paid_before_refund", 0, 2000));
    let refund = "refund,r1,s1,a@x.com,,100.00,USD,2026-01-20T10:00:00Z\n".to_owned();
    let denied = right.replace("approved", "denied");
    let third = said(&[sale(1, "a", 1), refund], &denied);
    assert_eq!(third.findings(), found("paid_before_refund", 0, 2000));
    // Of a sale that stands the denial is what is wrong; what was not paid out has not left.
    let fourth = said(&[sale(1, "a", 1)], &denied);
    assert_eq!(fourth.findings(), found("denied", -2000, 0));
    let unpaid = ghost.replace("yes", "no");
    let fifth = said(&[sale(1, "a", 1)], &format!("{right}{unpaid}"));
    fifth.expect_no_finding(0);
}

#[test]
fn amounts_of_rules_are_in_the_accounts_currency() {
    let header = COMMISSIONS.replace("status", "currency,status");
    let said = |rules: &str, rates: bool, rows: &str| {
        let rules = if rates {
            format!("[currencies]\nrates = \"rates.csv\"\n{rules}")
        } else {
            rules.to_owned()
        };
        let sales = "sale,s1,,a@x.com,,100000,JPY,2026-03-01T10:00:00Z\n\
                     sale,s2,,b@x.com,,1000.00,EUR,2026-03-02T10:00:00Z\n";
        let place = place(&rules, sales);
        place.write(
            "rates.csv",
            "date,currency,rate\n2026-01-01,JPY,0.0067\n2026-01-01,EUR,1.10\n",
        );
        audit(&place, &format!("{header}{rows}"), &[])
    };
    let rows = |yen: &str, euros: &str| {
        format!(
            "1,s1,nora@x.com,{yen},100000,JPY,approved,2026-03-01\n\
             2,s2,nora@x.com,{euros},1000.00,EUR,approved,2026-03-02\n"
        )
    };
    let fixed = "[[audit.rule]]\nfixed_cents = 500\n";
    let cap = "[[audit.rule]]\nrate = \"20\"\ncap_cents = 5000\n";
    // Without a rate nobody knows what they should be.
    for (rules, yen, euros) in [(fixed, "500", "5.00"), (cap, "5000", "50.00")] {
        let said = said(rules, false, &rows(yen, euros));
        said.expect_no_finding(1);
        assert_eq!(
            unchecked(&said.json, "rule_currency")["count"],
            2,
            "{}",
            said.text
        );
    }
    // 5.00 USD are 746 JPY and 4.55 EUR.
    let right = said(fixed, true, &rows("746", "4.55"));
    right.expect_no_finding(0);
    let near = said(fixed, true, &rows("750", "4.60"));
    assert_eq!(near.findings(), [], "{}", near.text);
    assert_eq!(unchecked(&near.json, "foreign_rate")["count"], json!(2));
    let wrong = said(fixed, true, &rows("500", "4.55"));
    assert_eq!(wrong.findings(), found("commission_differs", -246, 0));
    let wrong = said(cap, true, &rows("5000", "45.45"));
    assert_eq!(
        wrong.findings(),
        found("commission_differs", 5000 - 7463, 0)
    );
    assert!(SALES.starts_with("kind"));
}
