//! Commissions that a sale should have and nobody has: what is expected of the sale decides what its refunds may reverse.

use super::lists::{COMMISSIONS, Said, audit, found, place};

const TIERS: &str = "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\ntier = 2\nrate = \"5\"\n";

/// Sets the verdict: what is expected, and by how much it is off.
fn verdict(said: &Said) -> (i64, i64) {
    let totals = &said.json["totals"]["in_all"]["USD"];
    let cents = |key: &str| totals[key].as_i64().unwrap();
    (cents("expected_cents"), cents("difference_cents"))
}

fn sale(number: u32, amount: &str, month: u32) -> String {
    format!("sale,s{number},,a@x.com,,{amount},USD,2026-{month:02}-01T10:00:00Z,team\n")
}

fn refund(number: u32, sale: u32, amount: &str, month: u32) -> String {
    format!("refund,r{number},s{sale},a@x.com,,{amount},USD,2026-{month:02}-05T10:00:00Z,\n")
}

/// An audit of sales with plans and of commissions with tiers.
fn of(rules: &str, sales: &[String], commissions: &str) -> Said {
    let place = place(rules, "");
    let header = super::lists::SALES.trim_end();
    place.write("s.csv", &format!("{header},plan\n{}", sales.concat()));
    let header = COMMISSIONS.replace("status", "tier,status");
    audit(&place, &format!("{header}{commissions}"), &[])
}

#[test]
fn a_reversal_of_what_no_rule_pays_for_takes_too_much() {
    let sales = [
        sale(1, "100.00", 2),
        sale(2, "80.00", 4),
        refund(1, 2, "50.00", 4),
    ];
    let first = "1,s1,nora@x.com,20.00,100.00,1,approved,2026-02-01\n";
    let back = "2,r1,nora@x.com,-10.00,-50.00,1,approved,2026-04-05\n";
    let denied = "3,s2,nora@x.com,16.00,80.00,1,denied,2026-04-01\n";
    for payments in ["payments = \"first\"", "max_recurring = 1", "months = 1"] {
        let rules = format!("[[audit.rule]]\nrate = \"20\"\n{payments}\n");
        for more in ["", denied] {
            let said = of(&rules, &sales, &format!("{first}{back}{more}"));
            let right = found("taken_back_too_much", -1000, 0);
            assert_eq!(said.findings(), right, "{payments} {more}");
            assert_eq!(verdict(&said), (2000, -1000));
            assert_eq!(said.code, 1);
            assert!(said.text.contains("10.00 USD was reversed, and nobody"));
        }
        // Nothing is due and nothing was reversed.
        let said = of(&rules, &sales, &format!("{first}{denied}"));
        assert_eq!((said.findings(), said.code), (Vec::new(), 0), "{payments}");
    }
}

#[test]
fn a_reversal_of_a_higher_tier_needs_its_commission() {
    let both = "1,s1,nora@x.com,20.00,100.00,1,approved,2026-02-01\n\
                2,s1,felix@x.com,5.00,100.00,2,approved,2026-02-01\n";
    let first = "3,s2,nora@x.com,20.00,100.00,1,approved,2026-04-01\n";
    for (amount, own, of_tier, right) in [
        ("40.00", "-8.00", "-2.00", 2000 + 500 + 1200 + 300),
        ("100.00", "-20.00", "-5.00", 2000 + 500),
    ] {
        let sales = [
            sale(1, "100.00", 2),
            sale(2, "100.00", 4),
            refund(1, 2, amount, 4),
        ];
        let back = format!(
            "4,r1,nora@x.com,{own},-{amount},1,approved,2026-04-05\n\
             5,r1,felix@x.com,{of_tier},-{amount},2,approved,2026-04-05\n"
        );
        let said = of(TIERS, &sales, &format!("{both}{first}{back}"));
        assert_eq!(said.findings(), found("sale_without_commission", -500, 0));
        assert_eq!(verdict(&said), (right, -500), "{amount}");
    }
    // Nobody knows what it should be: nothing may be reversed of it.
    let sales = [sale(1, "100.00", 2), refund(1, 1, "50.00", 2)];
    let list = "1,s1,nora@x.com,20.00,100.00,1,approved,2026-02-01\n\
                2,r1,nora@x.com,-10.00,-50.00,1,approved,2026-02-05\n\
                3,r1,felix@x.com,-7.00,-50.00,3,approved,2026-02-05\n";
    let said = of(TIERS, &sales, list);
    assert_eq!(said.findings(), found("taken_back_too_much", -700, 0));
    assert_eq!((verdict(&said), said.code), ((1000, -700), 1));
    // Its commission was denied, and half of it reversed.
    let list = format!(
        "{both}6,r1,nora@x.com,-10.00,-50.00,1,approved,2026-02-05\n\
         7,r1,felix@x.com,-2.50,-50.00,2,approved,2026-02-05\n"
    );
    let list = list.replace("5.00,100.00,2,approved", "5.00,100.00,2,denied");
    let said = of(TIERS, &sales, &list);
    assert_eq!(said.findings(), found("denied", -500, 0));
    assert_eq!(verdict(&said), (1250, -500));
}

/// What is expected with the commission and its reversals is expected without the commission, too.
#[test]
fn refunds_of_a_missing_commission_are_judged_by_the_rule_of_its_sale() {
    let plan = "[[audit.rule]]\nrate = \"30\"\n[[audit.rule]]\nplan = \"team\"\nrate = \"10\"\n";
    let cap = "[[audit.rule]]\nrate = \"20\"\ncap_cents = 500\n";
    let fixed = "[[audit.rule]]\nfixed_cents = 500\n";
    let time =
        "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\nrate = \"50\"\nfrom = \"2026-06-01\"\n";
    let sales = [
        sale(1, "100.00", 2),
        sale(2, "100.00", 3),
        refund(1, 2, "30.00", 6),
        refund(2, 2, "30.00", 7),
    ];
    for (rules, due) in [(plan, 1000), (cap, 500), (fixed, 500), (time, 2000)] {
        let cents = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
        let (whole, part) = (cents(due), cents(due * 3 / 10));
        let list = |status: &str, reversals: u32| {
            let mut list = format!("1,s1,nora@x.com,{whole},100.00,1,approved,2026-02-01\n");
            if !status.is_empty() {
                list += &format!("2,s2,nora@x.com,{whole},100.00,1,{status},2026-03-01\n");
            }
            for number in 1..=reversals {
                let month = 5 + number;
                list += &format!(
                    "9{number},r{number},nora@x.com,-{part},-30.00,1,approved,2026-{month:02}-05\n"
                );
            }
            of(rules, &sales, &list)
        };
        let right = due + due * 4 / 10;
        assert_eq!(verdict(&list("approved", 2)), (right, 0), "{rules}");
        for (status, kind) in [("denied", "denied"), ("", "sale_without_commission")] {
            for reversals in [0, 1, 2] {
                let said = list(status, reversals);
                let off = -due + i64::from(2 - reversals) * due * 3 / 10;
                assert_eq!(verdict(&said), (right, off), "{rules} {status} {reversals}");
                let findings = said.findings();
                assert_eq!(
                    findings,
                    found(kind, off, 0),
                    "{rules} {status} {reversals}"
                );
            }
        }
    }
}

#[test]
fn of_a_denied_commission_only_what_was_reversed_is_missing_after_all_is_refunded() {
    let rules = "[[audit.rule]]\nrate = \"20\"\n";
    let sales = [
        sale(1, "100.00", 3),
        refund(1, 1, "25.00", 3),
        refund(2, 1, "75.00", 4),
    ];
    let denied = "1,s1,nora@x.com,20.00,100.00,1,denied,2026-03-01\n";
    for (back, right) in [
        ("2,r1,nora@x.com,-5.00,-25.00,1,approved,2026-03-05\n", -500),
        (
            "2,r2,nora@x.com,-15.00,-75.00,1,approved,2026-04-05\n",
            -1500,
        ),
    ] {
        let said = of(rules, &sales, &format!("{denied}{back}"));
        assert_eq!(said.findings(), found("taken_back_too_much", right, 0));
        assert_eq!(verdict(&said), (0, right));
    }
}

#[test]
fn a_sale_with_a_commission_of_a_higher_tier_alone_lacks_that_of_the_first() {
    let sales = [sale(1, "100.00", 3), sale(2, "100.00", 4)];
    let first = "1,s1,nora@x.com,20.00,100.00,1,approved,2026-03-01\n";
    let second = "2,s1,felix@x.com,5.00,100.00,2,approved,2026-03-01\n\
                  3,s2,felix@x.com,5.00,100.00,2,approved,2026-04-01\n";
    let said = of(TIERS, &sales, &format!("{first}{second}"));
    assert_eq!(said.findings(), found("sale_without_commission", -2000, 0));
    assert_eq!((verdict(&said), said.code), ((5000, -2000), 1));
    assert_eq!(said.json["findings"][0]["ours"]["event_id"], "s2");
    let line = &said.json["totals"]["by"]["promoter"];
    assert!(
        line.as_array()
            .unwrap()
            .iter()
            .any(|line| line["value"] == "nora@x.com" && line["expected_cents"] == 4000),
        "{line}"
    );
    // Nobody knows whose customer it is, but that it is somebody's.
    let said = of(TIERS, &sales, second);
    assert_eq!(verdict(&said), (5000, -4000));
    assert!(
        said.text
            .contains("a commission of tier 2, and none of tier 1")
    );
}
