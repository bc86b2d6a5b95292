//! What came before: sales from before their lead was made, and commissions from before our exports.

use serde_json::{Value, json};

use super::lists::{COMMISSIONS, Said, TWENTY_PERCENT, audit, found, place, unchecked};
use super::served::{self, Lists, Row, VERSIONS};

/// A sale of 100.00 on a day.
fn sale(id: &str, customer: &str, day: &str) -> String {
    format!("sale,{id},,{customer}@x.com,,100.00,USD,{day}T10:00:00Z\n")
}

fn counted(said: &Said, reason: &str) -> (Value, Value) {
    let own = unchecked(&said.json, reason);
    (own["count"].clone(), own["amount_cents"]["USD"].clone())
}

#[test]
fn a_sale_that_made_its_lead_earns_its_commission() {
    let sales: Vec<String> = (1..=5)
        .map(|n| sale(&format!("s{n}"), &format!("k{n}"), &format!("2026-03-0{n}")))
        .collect();
    for version in VERSIONS {
        for second in ["09:59:58", "10:00:02"] {
            let mut lists = Lists::new(version).earns(&Row {
                customer: "k1",
                ..Row::default()
            });
            for n in 1..=5 {
                let at = format!("2026-03-0{n}T{second}Z");
                lists = lists.lead(&format!("k{n}"), "n", &at, &json!({}));
            }
            let said = served::audit(TWENTY_PERCENT, &sales.concat(), &lists, &[]);
            let missing = ("sale_without_commission".to_owned(), -2000, 0);
            assert_eq!(
                said.findings(),
                vec![missing; 4],
                "{version}: {}",
                said.text
            );
            assert_eq!(said.code, 1);
        }
    }
}

#[test]
fn a_lead_that_was_imported_is_one_since_its_first_payment() {
    let days = ["2026-01-05", "2026-02-05", "2026-03-05"];
    let sales: Vec<String> = days
        .iter()
        .map(|day| sale(&format!("s{day}"), "a", day))
        .collect();
    for version in VERSIONS {
        let lists = |since: Value| {
            Lists::new(version)
                .earns(&Row {
                    event: "s9",
                    day: "2026-06-02",
                    ..Row::default()
                })
                .lead(
                    "a",
                    "n",
                    "2026-06-01T00:00:00Z",
                    &json!({"customer_since": since}),
                )
        };
        let sales = sales.concat() + &sale("s9", "a", "2026-06-02");
        let said = served::audit(
            TWENTY_PERCENT,
            &sales,
            &lists(json!("2026-01-05T10:00:00Z")),
            &[],
        );
        let missing = ("sale_without_commission".to_owned(), -2000, 0);
        assert_eq!(
            said.findings(),
            vec![missing; 3],
            "{version}: {}",
            said.text
        );
        // Where nothing says that the customer paid before the lead was made, it is said what is not known.
        let said = served::audit(TWENTY_PERCENT, &sales, &lists(Value::Null), &[]);
        said.expect_no_finding(0);
        assert_eq!(counted(&said, "before_lead"), (json!(3), json!(30_000)));
        assert!(said.text.contains("No differences in what was checked."));
        // In the month of each.
        let january = ["--from", "2026-01-01", "--to", "2026-01-31"];
        let said = served::audit(TWENTY_PERCENT, &sales, &lists(Value::Null), &january);
        assert_eq!(counted(&said, "before_lead"), (json!(1), json!(10_000)));
    }
}

/// A customer with so many commissions before the export of January, in which a sale of the customer has one or none.
fn january(rules: &str, more: &str, has_commission: bool, with_email: bool) -> Said {
    let header = COMMISSIONS.replace("created_at", "created_at,email");
    let email = if with_email { "c@x.com" } else { "" };
    let mut list = header;
    for month in 6..=12 {
        list +=
            &format!("{month},o{month},n@x.com,20.00,100.00,approved,2025-{month:02}-05,{email}\n");
    }
    list += "30,s9,n@x.com,20.00,100.00,approved,2026-01-06,d@x.com\n";
    if has_commission {
        list += "31,s1,n@x.com,20.00,100.00,approved,2026-01-05,c@x.com\n";
    }
    let sales = sale("s1", "c", "2026-01-05") + &sale("s9", "d", "2026-01-06");
    let rules = format!("[[audit.rule]]\nrate = \"20\"\n{rules}\n");
    let days = ["--from", "2026-01-01", "--to", "2026-01-31"];
    audit(&place(&rules, &(sales + more)), &list, &days)
}

#[test]
fn commissions_from_before_our_export_say_who_was_referred() {
    let said = january("", "", false, true);
    assert_eq!(said.findings(), found("sale_without_commission", -2000, 0));
    assert_eq!(said.code, 1);
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    assert_eq!(lines.len(), 1, "{}", said.text);
    assert_eq!(lines[0]["expected_cents"], 4_000);
    january("", "", true, true).expect_no_finding(0);
}

#[test]
fn commissions_from_before_our_export_count_as_payments() {
    for rule in ["payments = \"first\"", "max_recurring = 6", "months = 6"] {
        let said = january(rule, "", true, true);
        assert_eq!(
            said.findings(),
            found("commission_differs", 2000, 0),
            "{rule}: {}",
            said.text
        );
        january(rule, "", false, true).expect_no_finding(0);
        // Nobody knows whose they were.
        let said = january(rule, "", true, false);
        said.expect_no_finding(1);
        assert_eq!(
            counted(&said, "payment_number"),
            (json!(2), json!(4_000)),
            "{rule}"
        );
    }
    // The seven before are within what the rule pays for.
    january("max_recurring = 8", "", true, true).expect_no_finding(0);
    january("", "", true, false).expect_no_finding(0);
}

#[test]
fn a_refund_whose_sale_is_nowhere_in_what_was_read_is_not_called_checked() {
    let rules = format!("[link]\nsend_unlinked = true\n{TWENTY_PERCENT}");
    let alone = "refund,r7,in_7,b@x.com,,30.00,USD,2026-03-06T10:00:00Z\n";
    let sales = sale("s1", "a", "2026-03-01") + alone;
    let right = "1,s1,n@x.com,20.00,100.00,approved,2026-03-01\n";
    let reversed = format!("{right}2,r7,n@x.com,-6.00,-30.00,approved,2026-03-06\n");
    // Neither whether something was to be reversed, nor of what.
    for list in [right, &reversed] {
        let place = place(&rules, &sales);
        let said = audit(&place, &format!("{COMMISSIONS}{list}"), &[]);
        said.expect_no_finding(1);
        assert_eq!(counted(&said, "refund_alone"), (json!(1), json!(3_000)));
        assert_eq!(said.json["needs_attention"], true);
        assert!(
            said.text.contains(
                "Not checked: 1 refund (30.00 USD) of sales that are not in what was read"
            )
        );
        // In its own month, and in no other.
        let list = format!("{COMMISSIONS}{list}");
        let march = ["--from", "2026-03-01", "--to", "2026-03-31"];
        let said = audit(&place, &list, &march);
        assert_eq!(counted(&said, "refund_alone"), (json!(1), json!(3_000)));
        let april = ["--from", "2026-04-01", "--to", "2026-04-30"];
        let said = audit(&place, &list, &april);
        assert_eq!(unchecked(&said.json, "refund_alone"), Value::Null);
        // With its sale, it is checked.
        let whole = format!("{sales}{}", sale("in_7", "b", "2026-02-06"));
        let place = self::place(&rules, &whole);
        let said = audit(
            &place,
            &format!("{list}3,in_7,n@x.com,20.00,100.00,approved,2026-02-06\n"),
            &[],
        );
        assert_eq!(unchecked(&said.json, "refund_alone"), Value::Null);
        assert_eq!(
            said.code,
            i32::from(list.lines().count() == 2),
            "{}",
            said.text
        );
    }
    // Whoever is no lead has earned nothing for anybody.
    for version in VERSIONS {
        let lists = Lists::new(version).earns(&Row::default());
        let lead =
            |own: &str, lists: Lists| lists.lead(own, "n", "2026-01-01T00:00:00Z", &json!({}));
        let said = served::audit(&rules, &sales, &lead("a", lists.clone()), &[]);
        assert_eq!(
            (unchecked(&said.json, "refund_alone"), said.code),
            (Value::Null, 0)
        );
        let said = served::audit(&rules, &sales, &lead("b", lead("a", lists)), &[]);
        assert_eq!(counted(&said, "refund_alone"), (json!(1), json!(3_000)));
        assert_eq!(said.code, 1);
    }
}

#[test]
fn a_commission_is_compared_with_the_lead_that_it_names() {
    let sales = sale("s1", "other", "2026-03-01");
    for version in VERSIONS {
        let lists = |of: &str, at: &str| {
            let lists = Lists::new(version).earns(&Row::default());
            lists
                .lead("a", of, at, &json!({}))
                .lead("z", "n", at, &json!({}))
        };
        let judged =
            |of: &str, at: &str| served::audit(TWENTY_PERCENT, &sales, &lists(of, at), &[]);
        // Our side has the customer under another address than the lead and its commission.
        let said = judged("m", "2026-01-01T00:00:00Z");
        assert_eq!(
            said.findings(),
            found("wrong_promoter", 0, 2_000),
            "{}",
            said.text
        );
        assert!(said.text.contains("Not checked: the sales of 1 commission"));
        let said = judged("n", "2026-01-01T00:00:00Z");
        said.expect_no_finding(0);
        assert_eq!(unchecked(&said.json, "no_lead"), Value::Null);
        // The lead was made long after the sale: whose the customer was by then is not known.
        let said = judged("n", "2026-05-01T00:00:00Z");
        said.expect_no_finding(0);
        assert_eq!(counted(&said, "lead_later"), (json!(1), json!(2_000)));
        assert!(said.text.contains("No differences in what was checked."));
        // It is nobody's lead at all, though leads were read.
        let lists = Lists::new(version).earns(&Row::default());
        let lists = lists.lead("z", "n", "2026-01-01T00:00:00Z", &json!({}));
        let said = served::audit(TWENTY_PERCENT, &sales, &lists, &[]);
        said.expect_no_finding(1);
        assert_eq!(counted(&said, "no_lead"), (json!(1), json!(2_000)));
    }
}
