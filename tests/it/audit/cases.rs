//! Small accounts in two files, each of one kind that once went wrong.

use serde_json::{Value, json};

use super::lists::unchecked;
use crate::support::{Place, Ran, open_to_edit};

const SALES: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at,plan\n";
const COMMISSIONS: &str =
    "id,event_id,promoter_email,commission,sale_amount,status,created_at,email\n";
const TWENTY: &str = "[[audit.rule]]\nrate = \"20\"\n";

/// An account of two files, and its rules.
pub(super) struct Files {
    place: Place,
}

impl Files {
    pub(super) fn new(rules: &str, sales: &str, commissions: &str) -> Self {
        let place = Place::new();
        place
            .write("fprecon.toml", rules)
            .write("sales.csv", &format!("{SALES}{sales}"))
            .write("commissions.csv", &format!("{COMMISSIONS}{commissions}"));
        Files { place }
    }

    pub(super) fn run(&self, more: &[&str]) -> Ran {
        let files = ["audit", "sales.csv", "--commissions", "commissions.csv"];
        self.place.run(&[&files[..], more].concat())
    }

    pub(super) fn audit(&self, more: &[&str]) -> Value {
        let json = [&["--json"], more].concat();
        self.run(&json).expect_one_of(&[0, 1])
    }

    /// The findings of a month of 2026: kind, event, cents.
    pub(super) fn month(&self, month: u32) -> Vec<(String, String, i64)> {
        let from = format!("2026-{month:02}-01");
        let last = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month as usize - 1];
        let to = format!("2026-{month:02}-{last}");
        found(&self.audit(&["--from", &from, "--to", &to]))
    }
}

pub(super) fn found(audit: &Value) -> Vec<(String, String, i64)> {
    let findings = audit["findings"].as_array().unwrap().iter();
    findings
        .map(|one| {
            (
                one["kind"].as_str().unwrap().to_owned(),
                one["ours"]["event_id"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                one["difference_cents"].as_i64().unwrap(),
            )
        })
        .collect()
}

pub(super) fn sale(id: &str, email: &str, amount: &str, day: &str, plan: &str) -> String {
    format!("sale,{id},,{email},{amount},USD,{day}T10:00:00Z,{plan}\n")
}

pub(super) fn commission(
    number: u32,
    event: &str,
    who: &str,
    cents: &str,
    of: &str,
    day: &str,
) -> String {
    format!("{number},{event},{who}@example.com,{cents},{of},approved,{day}T10:00:00Z,\n")
}

#[test]
fn what_was_not_read_stands_before_everything_else() {
    let good = sale("a", "ana@example.com", "100.00", "2026-03-01", "pro");
    let paid = commission(1, "a", "nora", "20.00", "100.00", "2026-03-01");
    let bad = "sale,b,,ben@example.com,$9.00,USD,2026-03-01T10:00:00Z,pro\n";
    let ours = Files::new(TWENTY, &format!("{good}{bad}"), &paid);
    let audit = ours.audit(&[]);
    assert_eq!(audit["needs_attention"], true);
    assert_eq!(audit["exit_code"], 1);
    assert_eq!(audit["unread"][0]["code"], "rejected");
    let said = ours.run(&[]).expect(1).stdout();
    assert!(
        said.starts_with("Not complete: 1 row of ours cannot be read."),
        "{said}"
    );
    assert!(!said.contains("No difference"), "{said}");

    // A list of which nothing can be read is no verdict on anything.
    let theirs = Files::new(TWENTY, &good, &paid.replace("20.00", "20,00 USD"));
    let said = theirs.run(&[]).expect(1).stdout();
    assert!(
        said.starts_with("Not complete: 1 commission of theirs cannot be read."),
        "{said}"
    );
    assert!(
        said.contains("No verdict: not everything was read."),
        "{said}"
    );
    assert_eq!(theirs.audit(&[])["needs_attention"], true);
}

#[test]
fn rates_are_judged_by_our_own_amounts_where_theirs_are_absent() {
    for (amount, right, wrong, over) in [
        ("100.00", "20.00", "90.00", 7_000),
        ("80.00", "12.00", "13.00", 100),
    ] {
        let mut sales = String::new();
        let mut commissions = String::new();
        for number in 1..=6 {
            let id = format!("s{number}");
            sales += &sale(
                &id,
                &format!("c{number}@example.com"),
                amount,
                "2026-03-01",
                "",
            );
            let cents = if number == 4 { wrong } else { right };
            commissions += &commission(number, &id, "ann", cents, "", "2026-03-01");
        }
        let audit = Files::new("", &sales, &commissions).audit(&[]);
        assert_eq!(
            found(&audit),
            [("commission_differs".to_owned(), "s4".to_owned(), over)]
        );
        assert_eq!(audit["judged_by_inferred"], 6);
    }
}

#[test]
fn a_month_learns_its_rates_from_all_months() {
    // Each month has too few sales of the second plan to say its rate.
    let mut sales = String::new();
    let mut commissions = String::new();
    for month in 1..=4 {
        for number in 0..4 {
            let (id, day) = (
                format!("m{month}_{number}"),
                format!("2026-0{month}-1{number}"),
            );
            let (plan, paid) = if number == 3 {
                ("gold", "35.00")
            } else {
                ("base", "15.00")
            };
            sales += &sale(&id, &format!("{id}@example.com"), "100.00", &day, plan);
            commissions += &commission(month * 10 + number, &id, "ann", paid, "100.00", &day);
        }
    }
    let files = Files::new("", &sales, &commissions);
    assert_eq!(found(&files.audit(&[])), []);
    for month in 1..=4 {
        assert_eq!(files.month(month), [], "{month}");
    }
}

#[test]
fn a_rate_is_taken_from_the_promoter_before_the_plan() {
    let mut sales = String::new();
    let mut commissions = String::new();
    let mut add = |number: u32, who: &str, plan: &str, paid: &str| {
        let id = format!("s{number}");
        sales += &sale(
            &id,
            &format!("c{number}@example.com"),
            "100.00",
            "2026-05-05",
            plan,
        );
        commissions += &commission(number, &id, who, paid, "100.00", "2026-05-05");
    };
    (1..8).for_each(|number| add(number, "nora", "pro", "30.00"));
    (8..13).for_each(|number| add(number, "felix", "lite", "20.00"));
    // Two of nora's on the other plan: too few to prove a rate, and hers is known.
    (13..15).for_each(|number| add(number, "nora", "lite", "30.00"));
    // Somebody new, of whom nothing else is known: the plan's.
    add(15, "zoe", "lite", "25.00");
    let audit = Files::new("", &sales, &commissions).audit(&[]);
    assert_eq!(
        found(&audit),
        [("commission_differs".to_owned(), "s15".to_owned(), 500)]
    );
}

#[test]
fn only_the_first_payment_earns_whatever_the_month() {
    let first = "[[audit.rule]]\nrate = \"20\"\npayments = \"first\"\n";
    let months = "[[audit.rule]]\nrate = \"20\"\nmonths = 1\n";
    let sales = sale("s1", "ana@example.com", "100.00", "2026-09-10", "pro")
        + &sale("s2", "ana@example.com", "100.00", "2026-10-10", "pro");
    let one = commission(1, "s1", "nora", "20.00", "100.00", "2026-09-10");
    let two = one.clone() + &commission(2, "s2", "nora", "20.00", "100.00", "2026-10-10");
    for rules in [first, months] {
        let right = Files::new(rules, &sales, &one);
        assert_eq!(found(&right.audit(&[])), []);
        assert_eq!(right.month(10), []);
        let overpaid = Files::new(rules, &sales, &two);
        let over = [("commission_differs".to_owned(), "s2".to_owned(), 2_000)];
        assert_eq!(found(&overpaid.audit(&[])), over);
        assert_eq!(overpaid.month(9), []);
        assert_eq!(overpaid.month(10), over);
    }
}

#[test]
fn running_totals_count_with_their_sale_whatever_the_month() {
    let files = Files::new(
        TWENTY,
        &(sale("s1", "ana@example.com", "100.00", "2026-09-29", "pro")
            + "refund,s1_refund_5000,s1,ana@example.com,50.00,USD,2026-11-02T10:00:00Z,\n"),
        &(commission(1, "s1", "nora", "20.00", "100.00", "2026-09-29")
            + &commission(2, "s1_refund_3000", "nora", "-6.00", "-30.00", "2026-10-01")
            + &commission(3, "s1_refund_5000", "nora", "-4.00", "-20.00", "2026-11-02")),
    );
    assert_eq!(found(&files.audit(&[])), []);
    for month in 9..=11 {
        assert_eq!(files.month(month), [], "{month}");
    }
}

#[test]
fn customers_match_over_the_end_of_a_month() {
    let rules = format!("[audit]\nmatch_by_customer = true\n{TWENTY}");
    let files = Files::new(
        &rules,
        &sale("s1", "ana@example.com", "100.00", "2026-09-30", "pro"),
        "1,,nora@example.com,20.00,100.00,approved,2026-10-01T01:00:00Z,ana@example.com\n",
    );
    assert_eq!(found(&files.audit(&[])), []);
    assert_eq!((files.month(9), files.month(10)), (vec![], vec![]));
}

#[test]
fn the_order_of_rows_decides_nothing() {
    let rules =
        format!("{TWENTY}[[audit.rule]]\npromoter = \"felix@example.com\"\nrate = \"30\"\n");
    let header = "id,event_id,promoter_email,commission,sale_amount,status,created_at,is_split\n";
    let row = |number: u32, who: &str, cents: &str| {
        format!("{number},s1,{who}@example.com,{cents},100.00,approved,2026-09-10,yes\n")
    };
    let place = Place::new();
    place.write("fprecon.toml", &rules).write(
        "sales.csv",
        &format!(
            "{SALES}{}",
            sale("s1", "ana@example.com", "100.00", "2026-09-10", "pro")
        ),
    );
    let parts = [("12.00", "8.00"), ("5.00", "11.00")];
    for (nora, felix) in parts {
        let rows = [row(1, "nora", nora), row(2, "felix", felix)];
        let mut seen = Vec::new();
        for order in [[0, 1], [1, 0]] {
            let text: String = order.iter().map(|&place| rows[place].as_str()).collect();
            place.write("commissions.csv", &format!("{header}{text}"));
            let files = [
                "audit",
                "sales.csv",
                "--commissions",
                "commissions.csv",
                "--json",
            ];
            let audit = place.run(&files).expect_one_of(&[0, 1]);
            let ids = audit["findings"].as_array().unwrap().iter();
            let ids: Vec<Value> = ids.map(|one| one["id"].clone()).collect();
            seen.push((found(&audit), ids, audit["totals"].clone()));
        }
        assert_eq!(seen[0], seen[1], "{nora} and {felix}");
    }
}

#[test]
fn a_missing_commission_of_a_customer_who_has_others_is_found() {
    let sales = sale("s1", "ana@example.com", "100.00", "2026-08-10", "pro")
        + &sale("s2", "ana@example.com", "100.00", "2026-09-10", "pro")
        + &sale("s3", "ana@example.com", "100.00", "2026-10-10", "pro")
        + &sale("s4", "ana@example.com", "100.00", "2026-11-10", "pro")
        + &sale("x1", "xeno@example.com", "70.00", "2026-11-11", "pro");
    let commissions = commission(1, "s1", "nora", "20.00", "100.00", "2026-08-10")
        + &commission(3, "s3", "nora", "20.00", "100.00", "2026-10-10");
    let missing = |id: &str| ("sale_without_commission".to_owned(), id.to_owned(), -2_000);
    let declared = Files::new(TWENTY, &sales, &commissions);
    let audit = declared.audit(&[]);
    assert_eq!(found(&audit).len(), 2);
    assert_eq!(
        (declared.month(9), declared.month(11)),
        (vec![missing("s2")], vec![missing("s4")])
    );
    // Of this customer nobody knows anything.
    let unknown = unchecked(&audit, "customer_unknown");
    assert_eq!(
        (&unknown["count"], &unknown["amount_cents"]["USD"]),
        (&json!(1), &json!(7_000))
    );

    // Without a rule nobody knows for how long a campaign pays: only a hole is one.
    let more: String = (10..14)
        .map(|n| {
            sale(
                &format!("m{n}"),
                &format!("m{n}@example.com"),
                "50.00",
                "2026-08-01",
                "pro",
            )
        })
        .collect();
    let paid: String = (10..14)
        .map(|n| commission(n, &format!("m{n}"), "nora", "10.00", "50.00", "2026-08-01"))
        .collect();
    let inferred = Files::new("", &(sales + &more), &(commissions + &paid));
    let audit = inferred.audit(&[]);
    assert_eq!(found(&audit), [missing("s2")]);
    assert_eq!(
        unchecked(&audit, "later_payment")["amount_cents"]["USD"],
        10_000
    );
}

#[test]
fn the_campaign_of_a_customer_says_what_a_missing_commission_comes_to() {
    let rules = format!("{TWENTY}[[audit.rule]]\ncampaign = \"Gold\"\nrate = \"30\"\n");
    let place = Place::new();
    let sales = sale("s1", "ana@example.com", "100.00", "2026-09-10", "pro")
        + &sale("s2", "ana@example.com", "100.00", "2026-10-10", "pro")
        + &sale("t1", "bo@example.com", "100.00", "2026-10-12", "pro");
    place
        .write("fprecon.toml", &rules)
        .write("sales.csv", &format!("{SALES}{sales}"))
        .write(
            "commissions.csv",
            "id,event_id,promoter_email,commission,sale_amount,status,created_at,campaign\n\
             1,s1,nora@example.com,30.00,100.00,approved,2026-09-10,Gold\n\
             2,t1,nora@example.com,20.00,100.00,approved,2026-10-12,Silver\n",
        );
    let october = ["--from", "2026-10-01", "--to", "2026-10-31", "--json"];
    let files = ["audit", "sales.csv", "--commissions", "commissions.csv"];
    let audit = place.run(&[&files[..], &october].concat()).expect(1).json();
    let due = [(
        "sale_without_commission".to_owned(),
        "s2".to_owned(),
        -3_000,
    )];
    assert_eq!(found(&audit), due);
}

#[test]
fn sales_in_another_currency_are_checked_as_far_as_rates_are_known() {
    let sale = |id: &str, currency: &str| {
        format!("sale,{id},,{id}@example.com,100.00,{currency},2026-10-10T10:00:00Z,pro\n")
    };
    for (currency, right, wrong) in [
        ("EUR", ("21.60", "108.00"), ("2160.00", "10800.00")),
        ("GBP", ("26.00", "130.00"), ("20.00", "100.00")),
    ] {
        let sales = sale("s1", currency) + &sale("s2", currency);
        let commissions = commission(1, "s1", "nora", right.0, right.1, "2026-10-10")
            + &commission(2, "s2", "nora", wrong.0, wrong.1, "2026-10-10");
        let unknown = Files::new(TWENTY, &sales, &commissions);
        let audit = unknown.audit(&[]);
        let foreign = unchecked(&audit, "foreign_sale");
        assert_eq!(
            (&foreign["count"], &foreign["amount_cents"][currency]),
            (&json!(2), &json!(20_000))
        );
        assert_eq!(audit["needs_attention"], true);
        let said = unknown.run(&[]).expect(1).stdout();
        assert!(
            !said.contains("No difference.") && !said.contains("No differences.\n"),
            "{said}"
        );

        // Any setting for such sales will do: the rates are for the audit.
        let rules = format!("[currencies]\nforeign = \"send\"\nrates = \"rates.csv\"\n{TWENTY}");
        let known = Files::new(&rules, &sales, &commissions);
        known.place.write(
            "rates.csv",
            "date,currency,rate\n2026-10-09,EUR,1.09\n2026-10-09,GBP,1.31\n",
        );
        let audit = known.audit(&[]);
        let kinds = found(&audit);
        assert_eq!(kinds.len(), 1, "{kinds:?}");
        assert_eq!(
            (kinds[0].0.as_str(), kinds[0].1.as_str()),
            ("sale_amount_differs", "s2")
        );
        assert_eq!(unchecked(&audit, "foreign_sale"), Value::Null);
    }
}

#[test]
fn a_commission_in_another_currency_than_its_sale_is_not_agreed_to() {
    let place = Place::new();
    place
        .write("fprecon.toml", TWENTY)
        .write(
            "sales.csv",
            &format!(
                "{SALES}{}",
                sale("s1", "ana@example.com", "100.00", "2026-09-10", "pro")
            ),
        )
        .write(
            "commissions.csv",
            "id,event_id,promoter_email,commission,sale_amount,currency,status,created_at\n\
             1,s1,nora@example.com,20.00,100.00,EUR,approved,2026-09-10\n",
        );
    let files = [
        "audit",
        "sales.csv",
        "--commissions",
        "commissions.csv",
        "--json",
    ];
    let audit = place.run(&files).expect(1).json();
    assert_eq!(
        unchecked(&audit, "other_currency")["amount_cents"]["EUR"],
        2_000
    );
    assert_eq!(audit["needs_attention"], true);
}

#[test]
fn ids_are_compared_as_people_mean_them() {
    for (ours, theirs) in [
        ("00123", "123"),
        ("in_1AbC", " IN_1abc"),
        ("0042", "'0042"),
        ("a 1", "A1"),
    ] {
        let files = Files::new(
            TWENTY,
            &sale(ours, "ana@example.com", "100.00", "2026-03-05", "pro"),
            &commission(
                1,
                &format!("\"{theirs}\""),
                "nora",
                "20.00",
                "100.00",
                "2026-03-05",
            ),
        );
        let audit = files.audit(&[]);
        assert_eq!(found(&audit), [], "{ours} and {theirs}");
        assert_eq!(
            audit["matched"],
            json!({"similar_id": 1}),
            "{ours} and {theirs}"
        );
    }
    // Two that could be meant are none.
    let sales = sale("007", "ana@example.com", "100.00", "2026-03-05", "pro")
        + &sale("07", "ben@example.com", "100.00", "2026-03-05", "pro");
    let theirs = commission(1, "7", "nora", "20.00", "100.00", "2026-03-05");
    let audit = Files::new(TWENTY, &sales, &theirs).audit(&[]);
    assert_eq!(found(&audit)[0].0, "commission_without_sale");
}

#[test]
fn an_apostrophe_before_a_number_of_a_list_is_none_of_its_damage() {
    let header = COMMISSIONS.replace("email\n", "uid\n");
    let sales = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at\n\
        sale,0042,,,0815,100.00,USD,2026-03-05T10:00:00Z\n\
        sale,0043,,,0816,50.00,USD,2026-03-06T10:00:00Z\n";
    let rules = format!("[audit]\nmatch_by_customer = true\n{TWENTY}");
    let place = Place::new();
    place.write("fprecon.toml", &rules).write("s.csv", sales);
    let audit = |list: &str| {
        place.write("c.csv", &format!("{header}{list}"));
        place
            .run(&["audit", "s.csv", "--commissions", "c.csv", "--json"])
            .expect_one_of(&[0, 1])
    };
    // The id of the event, the commission's own, and the customer's, by which the second one is matched.
    let said = audit(
        "'1,'0042,nora@example.com,20.00,100.00,approved,2026-03-05,'0815\n\
        '2,,nora@example.com,10.00,50.00,approved,2026-03-06,'0816\n",
    );
    assert_eq!(found(&said), []);
    assert_eq!(
        said["matched"],
        json!({"similar_id": 1, "customer_and_amount": 1})
    );
    // What an apostrophe keeps may be damaged before.
    let said = audit("1,\"'5,120\",nora@example.com,20.00,100.00,approved,2026-03-05,\n");
    assert_eq!(said["needs_attention"], true);
    assert_eq!(said["unread"][0]["count"], 1, "{said:#}");
}

#[test]
fn promoters_who_were_merged_or_renamed_are_one() {
    let rules = format!(
        "[audit.alias]\n\"old@example.com\" = \"new@example.com\"\n{TWENTY}[[audit.rule]]\npromoter = \"new@example.com\"\nrate = \"30\"\n"
    );
    let sales = sale("s1", "ana@example.com", "100.00", "2026-03-05", "pro")
        + &sale("s2", "ana@example.com", "100.00", "2026-04-05", "pro");
    let theirs = commission(1, "s1", "old", "30.00", "100.00", "2026-03-05")
        + &commission(2, "s2", "new", "30.00", "100.00", "2026-04-05");
    let audit = Files::new(&rules, &sales, &theirs).audit(&[]);
    assert_eq!(found(&audit), []);
    let promoters = audit["totals"]["by"]["promoter"].as_array().unwrap();
    assert_eq!(promoters.len(), 1, "{promoters:#?}");
}

#[test]
fn with_several_currencies_the_worst_difference_comes_first() {
    let place = Place::new();
    let row = |id: &str, currency: &str| {
        format!("sale,{id},,{id}@example.com,100.00,{currency},2026-09-10T10:00:00Z,pro\n")
    };
    place
        .write("fprecon.toml", TWENTY)
        .write(
            "sales.csv",
            &format!("{SALES}{}{}", row("s1", "EUR"), row("s2", "USD")),
        )
        .write(
            "commissions.csv",
            "id,event_id,promoter_email,commission,sale_amount,currency,status,created_at\n\
             1,s1,nora@example.com,20.00,100.00,EUR,approved,2026-09-10\n\
             2,s2,nora@example.com,90.00,100.00,USD,approved,2026-09-10\n",
        );
    let files = ["audit", "sales.csv", "--commissions", "commissions.csv"];
    let said = place.run(&files).expect(1).stdout();
    assert!(
        said.starts_with(
            "FirstPromoter is set to pay 90.00 USD. Expected: 20.00 USD. Overpaid by 70.00 USD.\n"
        ),
        "{said}"
    );
    let all: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("all "))
        .collect();
    assert_eq!(all.len(), 2, "{said}");
    assert!(all.iter().any(|line| line.contains("EUR")), "{said}");
}

#[test]
fn a_difference_that_was_accepted_stays_so_while_it_does_not_change() {
    let sales = sale("s1", "ana@example.com", "100.00", "2026-03-05", "pro")
        + &sale("s2", "ben@example.com", "100.00", "2026-03-05", "pro");
    let theirs = |s1: &str| {
        commission(1, "s1", "nora", s1, "100.00", "2026-03-05")
            + &commission(2, "s2", "nora", "20.00", "100.00", "2026-03-05")
    };
    let files = Files::new(TWENTY, &sales, &theirs("25.00"));
    files.run(&["--dir", "first"]).expect(1);
    let accept = [
        "accept",
        "first/differences.csv",
        "--reason",
        "goodwill, as agreed",
    ];
    files.place.run(&accept).expect(0);
    let audit = files.audit(&[]);
    assert_eq!(audit["exit_code"], 0, "{audit:#}");
    assert_eq!(audit["accepted"][0]["reason"], "goodwill, as agreed");
    let said = files.run(&["--dir", "second"]).expect(0).stdout();
    assert!(said.contains("1 difference accepted."), "{said}");
    let rows = files.place.csv("second/differences.csv");
    let column = rows[0].iter().position(|name| name == "accepted").unwrap();
    assert_eq!(rows[1][column], "goodwill, as agreed");
    let listed = files.place.run(&["accept", "--list"]).expect(0).stdout();
    assert!(listed.contains("goodwill, as agreed"), "{listed}");
    assert!(listed.contains("wrong commission amount: "), "{listed}");

    // What changes is another difference.
    let text = format!("{COMMISSIONS}{}", theirs("26.00"));
    files.place.write("commissions.csv", &text);
    files.run(&[]).expect(1);
    files.place.write(
        "commissions.csv",
        &format!("{COMMISSIONS}{}", theirs("25.00")),
    );
    files.run(&[]).expect(0);
    files
        .place
        .run(&["accept", "first/differences.csv", "--undo"])
        .expect(0);
    files.run(&[]).expect(1);
}

#[test]
fn the_journal_has_what_was_accepted_where_there_is_one() {
    let sales = sale("s1", "ana@example.com", "100.00", "2026-03-05", "pro");
    let theirs = commission(1, "s1", "nora", "25.00", "100.00", "2026-03-05");
    let files = Files::new(TWENTY, &sales, &theirs);
    files.run(&["--dir", "first"]).expect(1);
    let accept = ["accept", "first/differences.csv", "--reason", "goodwill"];
    let said = files.place.run(&accept).expect(0).stdout();
    assert!(
        said.contains("audit/accepted.json, since there is no journal."),
        "{said}"
    );
    files.run(&[]).expect(0);

    // A journal takes over what the file has with the next acceptance.
    let sandbox = crate::support::SandboxProcess::start(&["--lead-share", "100"]);
    files.place.write("first.csv", &format!("{SALES}{sales}"));
    files
        .place
        .run_to(&sandbox, &["run", "first.csv", "--yes"])
        .expect(0);
    files.run(&[]).expect(0);
    let said = files.place.run(&accept).expect(0).stdout();
    assert!(said.contains("1 of them was accepted before."), "{said}");
    assert!(!files.place.path("audit/accepted.json").exists());
    let journal = open_to_edit(files.place.path("fprecon.journal"));
    let sql = "SELECT reason, accepted_by FROM accepted_difference";
    let (reason, by): (String, String) = journal
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert_eq!(reason, "goodwill");
    assert!(by.contains('@'), "{by}");
    drop(journal);
    let audit = files.audit(&[]);
    assert_eq!(
        (&audit["exit_code"], &audit["accepted"][0]["by"]),
        (&json!(0), &json!(by))
    );
    let listed = files
        .place
        .run(&["accept", "--list", "--json"])
        .expect(0)
        .json();
    assert_eq!(listed["differences"].as_array().unwrap().len(), 1);
    files.place.run(&["journal", "check"]).expect(0);
    let undo = ["accept", "first/differences.csv", "--undo"];
    files.place.run(&undo).expect(0);
    files.run(&[]).expect(1);
    let listed = files
        .place
        .run(&["accept", "--list", "--json"])
        .expect(0)
        .json();
    assert_eq!(listed["differences"], json!([]));
    files.place.run(&accept).expect(0);
    files.run(&[]).expect(0);
}

#[test]
fn what_has_no_date_is_in_no_month_and_said_in_each() {
    let files = Files::new(
        TWENTY,
        "sale,s1,,ana@example.com,100.00,USD,2026-03-05T10:00:00Z,pro\n",
        "1,gone,nora@example.com,20.00,100.00,approved,,\n2,s1,nora@example.com,20.00,100.00,approved,,\n",
    );
    assert_eq!(found(&files.audit(&[]))[0].0, "commission_without_sale");
    let march = files.audit(&["--from", "2026-03-01", "--to", "2026-03-31"]);
    assert_eq!(found(&march), []);
    assert_eq!(unchecked(&march, "undated")["amount_cents"]["USD"], 2_000);
    assert_eq!(march["needs_attention"], true);
}
