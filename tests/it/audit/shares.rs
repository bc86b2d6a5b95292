//! Who shares a commission, in which campaign the customer is a lead, which plan was sold, and who the promoter's own
//! promoter is: as the account's lists say it, or as nothing says it.

use serde_json::{Value, json};

use super::lists::{COMMISSIONS, Said, TWENTY_PERCENT, audit as audit_csv, place, unchecked};
use super::served::{Lists, Row, VERSIONS, audit};

const TIERS: &str = "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\ntier = 2\nrate = \"5\"\n";

/// Sales of 100.00 of one customer, in January, February and so on.
fn sales(count: usize) -> String {
    let sale = |n: usize| format!("sale,s{n},,a@x.com,,100.00,USD,2026-{n:02}-05T10:00:00Z\n");
    (1..=count).map(sale).collect()
}

const EVENTS: [(&str, &str); 4] = [
    ("s1", "2026-01-05"),
    ("s2", "2026-02-05"),
    ("s3", "2026-03-05"),
    ("s4", "2026-04-05"),
];

/// The commissions of three sales, with these parts of the first tier.
fn parts(mut lists: Lists, of: &[(&str, i64)], is_split: bool) -> Lists {
    for (event, day) in &EVENTS[..3] {
        for (promoter, cents) in of {
            lists = lists.earns(&Row {
                event,
                day,
                promoter,
                cents: *cents,
                more: json!({"is_split": is_split}),
                ..Row::default()
            });
        }
    }
    lists
}

fn lead(lists: Lists, more: &Value) -> Lists {
    lists.lead("a", "n", "2026-01-01T00:00:00Z", more)
}

fn expected(said: &Said, name: &str) -> i64 {
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    let own = lines.iter().find(|line| line["value"] == name);
    own.map_or(0, |line| line["expected_cents"].as_i64().unwrap())
}

fn counted(said: &Said, reason: &str) -> (i64, i64) {
    let own = unchecked(&said.json, reason);
    let cents = &own["amount_cents"]["USD"];
    (
        own["count"].as_i64().unwrap_or(0),
        cents.as_i64().unwrap_or(0),
    )
}

/// Says that `f` has 40 % of the lead, in the words of the version.
fn shared(version: u32) -> Value {
    match version {
        1 => json!({"split_promotion_id": 102, "split_percentage_value": 40}),
        _ => {
            json!({"split_details": [{"promoter_campaign_id": 22, "promoter_id": 102, "percentage": 40}]})
        }
    }
}

#[test]
fn the_parts_of_a_commission_are_those_of_the_lead() {
    for version in VERSIONS {
        // Version 1 says whose a promotion is only where that promoter has a lead or a commission.
        let of = |has: &[(&str, i64)]| {
            let lists = lead(Lists::new(version), &shared(version));
            let lists = lists.lead("z", "f", "2026-01-01T00:00:00Z", &json!({}));
            let said = audit(TWENTY_PERCENT, &sales(3), &parts(lists, has, true), &[]);
            let money = (expected(&said, "n@x.com"), expected(&said, "f@x.com"));
            assert_eq!(money, (3_600, 2_400), "{version}: {}", said.text);
            said
        };
        of(&[("n", 1_200), ("f", 800)]).expect_no_finding(0);
        for has in [&[("n", 2_000)][..], &[("n", 800), ("f", 1_200)]] {
            let concerned = if has.len() == 1 { 800 } else { 400 };
            let wrong = ("wrong_promoter".to_owned(), 0, concerned);
            assert_eq!(of(has).findings(), vec![wrong; 3], "{version} {has:?}");
        }
        let less = ("commission_differs".to_owned(), -800, 0);
        assert_eq!(of(&[("n", 1_200)]).findings(), vec![less.clone(); 3]);
        // Nobody has any.
        let said = of(&[]);
        let missing = ("sale_without_commission".to_owned(), -2_000, 0);
        assert_eq!(said.findings(), vec![missing; 3], "{version}");
    }
}

#[test]
fn parts_that_no_lead_knows_are_said() {
    for version in VERSIONS {
        let lists = parts(
            lead(Lists::new(version), &json!({})),
            &[("n", 1_200), ("g", 800)],
            true,
        );
        let said = audit(TWENTY_PERCENT, &sales(3), &lists, &[]);
        said.expect_no_finding(1);
        assert_eq!(counted(&said, "split_differs"), (3, 6_000), "{version}");
    }
}

/// A list whose lines say whether they are parts; three sales are shared 12.00 and 8.00, and a fourth as given.
fn of_list(fourth: &[(&str, &str)]) -> Said {
    let mut list = COMMISSIONS.replace("status", "is_split,status");
    for (event, day) in &EVENTS[..3] {
        for (promoter, cents) in [("n", "12.00"), ("f", "8.00")] {
            list += &format!(
                "{promoter}{event},{event},{promoter}@x.com,{cents},100.00,yes,approved,{day}\n"
            );
        }
    }
    for (promoter, cents) in fourth {
        list +=
            &format!("{promoter}4,s4,{promoter}@x.com,{cents},100.00,yes,approved,2026-04-05\n");
    }
    audit_csv(&place(TWENTY_PERCENT, &sales(4)), &list, &[])
}

#[test]
fn what_is_missing_of_a_shared_commission_is_whose_part_it_is() {
    let of = |said: &Said| (expected(said, "n@x.com"), expected(said, "f@x.com"));
    let right = of_list(&[("n", "12.00"), ("f", "8.00")]);
    right.expect_no_finding(0);
    assert_eq!(counted(&right, "split_unproven"), (4, 8_000));
    assert!(right.text.contains("No differences in what was checked."));
    for (fourth, cents) in [
        (&[("n", "12.00")][..], -800),
        (&[("n", "12.00"), ("f", "8.00"), ("k", "5.00")], 500),
        (&[("n", "12.00"), ("f", "9.00")], 100),
    ] {
        let said = of_list(fourth);
        let wrong = vec![("commission_differs".to_owned(), cents, 0)];
        assert_eq!(said.findings(), wrong, "{fourth:?}: {}", said.text);
        assert_eq!(of(&said), (4_800, 3_200), "{fourth:?}");
    }
    // What adds up, and is shared otherwise than the others, or not at all.
    for fourth in [&[("n", "2.00"), ("f", "18.00")][..], &[("n", "20.00")]] {
        let said = of_list(fourth);
        said.expect_no_finding(1);
        assert_eq!(counted(&said, "split_differs"), (1, 2_000), "{fourth:?}");
    }
    // Where nothing says whose it is, it is nobody's.
    let list = COMMISSIONS.replace("status", "is_split,status")
        + "1,s1,n@x.com,12.00,100.00,yes,approved,2026-01-05\n";
    let said = audit_csv(&place(TWENTY_PERCENT, &sales(1)), &list, &[]);
    assert_eq!(
        said.findings(),
        [("commission_differs".to_owned(), -800, 0)]
    );
    assert_eq!(of(&said), (1_200, 0), "{}", said.text);
}

#[test]
fn a_missing_commission_is_by_the_campaign_of_the_lead() {
    let rules =
        "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\ncampaign = \"VIP\"\nrate = \"30\"\n";
    let mut vip = lead(Lists::new(2), &json!({}));
    vip.leads[0]["promoter_campaign"]["campaign_id"] = json!(4);
    vip.leads[0]["promoter_campaign"]["campaign"] = json!({"id": 4, "name": "VIP"});
    let said = audit(rules, &sales(3), &vip, &[]);
    let missing = ("sale_without_commission".to_owned(), -3_000, 0);
    assert_eq!(said.findings(), vec![missing; 3], "{}", said.text);
    assert!(
        !said.text.contains("no campaign is called"),
        "{}",
        said.text
    );
    // Another promoter has it, by the campaign of hers.
    let said = audit(
        rules,
        &sales(3),
        &parts(vip.clone(), &[("f", 2_000)], false),
        &[],
    );
    let money = (expected(&said, "n@x.com"), expected(&said, "f@x.com"));
    assert_eq!(money, (9_000, 0), "{}", said.text);
    // The lists contradict each other.
    let said = audit(rules, &sales(3), &parts(vip, &[("n", 2_000)], false), &[]);
    said.expect_no_finding(1);
    assert_eq!(counted(&said, "campaign_differs"), (3, 6_000));
}

#[test]
fn the_plan_that_a_customer_has_now_need_not_be_the_one_that_was_sold() {
    let rules = "[[audit.rule]]\nplan = \"basic\"\nrate = \"20\"\n[[audit.rule]]\nplan = \"pro\"\nrate = \"30\"\n";
    let said = |rules: &str, cents: [i64; 3]| {
        let mut lists = lead(Lists::new(1), &json!({}));
        for ((event, day), cents) in EVENTS.iter().zip(cents) {
            lists = lists.earns(&Row {
                event,
                day,
                cents,
                ..Row::default()
            });
        }
        for own in &mut lists.commissions {
            own["lead"]["plan_name"] = json!("pro");
        }
        audit(rules, &sales(3), &lists, &[])
    };
    for cents in [[2_000, 2_000, 3_000], [3_000, 3_000, 3_000]] {
        let said = said(rules, cents);
        said.expect_no_finding(1);
        let sum = cents[0] + cents[1];
        assert_eq!(counted(&said, "plan_unknown"), (2, sum), "{}", said.text);
    }
    // The last one is of the plan, and nobody pays 25.00.
    for (cents, by) in [
        ([2_000, 2_000, 2_000], -1_000),
        ([2_000, 2_500, 3_000], -500),
    ] {
        let wrong = vec![("commission_differs".to_owned(), by, 0)];
        assert_eq!(said(rules, cents).findings(), wrong, "{cents:?}");
    }
    said(TWENTY_PERCENT, [2_000; 3]).expect_no_finding(0);
}

/// Three sales of nora's, or of both, and commissions of tier 2 for those.
fn tiers(firsts: &[(&str, i64)], seconds: [&str; 3], parents: [(&str, Option<&str>); 2]) -> Said {
    let lists = match firsts {
        [_] => lead(Lists::new(2), &json!({})),
        _ => lead(
            Lists::new(2),
            &json!({"split_details": [{"promoter_id": 103, "percentage": 40}]}),
        ),
    };
    let mut lists = parts(lists, firsts, firsts.len() > 1);
    for ((event, day), promoter) in EVENTS.iter().zip(seconds) {
        lists = lists.earns(&Row {
            event,
            day,
            promoter,
            cents: 500,
            tier: 2,
            ..Row::default()
        });
    }
    for (promoter, parent) in parents {
        lists = lists.promoter(promoter, parent);
    }
    audit(TIERS, &sales(3), &lists.promoter("f", None), &[])
}

#[test]
fn the_second_tier_of_a_shared_sale_is_the_own_promoters() {
    let both = [("n", 1_200), ("g", 800)];
    let parents = [("n", Some("f")), ("g", Some("f"))];
    tiers(&both, ["f"; 3], parents).expect_no_finding(0);
    let wrong = ("wrong_promoter".to_owned(), 0, 500);
    for who in ["k", "n"] {
        let said = tiers(&both, [who; 3], parents);
        assert_eq!(
            said.findings(),
            vec![wrong.clone(); 3],
            "{who}: {}",
            said.text
        );
        let hint = "look up the promoter's own promoter in FirstPromoter";
        assert!(said.text.contains(hint), "{}", said.text);
    }
    // Somebody whose own promoter the account's list says to be nobody.
    let said = tiers(&[("n", 2_000)], ["f"; 3], [("n", None), ("g", Some("f"))]);
    assert_eq!(said.findings(), vec![wrong; 3], "{}", said.text);
}

#[test]
fn an_own_promoter_who_is_another_one_by_now_may_be_new() {
    let parents = [("n", Some("g")), ("k", None)];
    let said = tiers(&[("n", 2_000)], ["f", "f", "g"], parents);
    said.expect_no_finding(1);
    assert_eq!(counted(&said, "tier_receiver"), (2, 1_000));
    // One between those of today's is wrong.
    let said = tiers(&[("n", 2_000)], ["g", "f", "g"], parents);
    let wrong = vec![("wrong_promoter".to_owned(), 0, 500)];
    assert_eq!(said.findings(), wrong, "{}", said.text);
}

#[test]
fn a_lead_that_earns_nothing_is_said_and_not_to_be_paid() {
    for (version, closed) in [
        (1, json!({"state": "denied"})),
        (2, json!({"state": "denied"})),
        (2, json!({"is_expired": true})),
    ] {
        let lists = lead(Lists::new(version), &closed).earns(&Row {
            day: "2026-01-05",
            ..Row::default()
        });
        let said = audit(TWENTY_PERCENT, &sales(2), &lists, &[]);
        said.expect_no_finding(0);
        assert_eq!(counted(&said, "lead_closed"), (1, 10_000), "{}", said.text);
    }
}

#[test]
fn a_commission_that_was_not_made_for_the_shares_of_its_lead_is_one_difference() {
    // The owner has the whole of it, beside the other's part.
    for version in VERSIONS {
        let flag = |is_split: bool| match version {
            1 => json!({}),
            _ => json!({"is_split": is_split}),
        };
        let row = |promoter: &'static str, cents: i64, is_split: bool| Row {
            day: "2026-01-05",
            promoter,
            cents,
            more: flag(is_split),
            ..Row::default()
        };
        let lists = lead(Lists::new(version), &shared(version));
        let lists = lists
            .earns(&row("n", 2_000, false))
            .earns(&row("f", 800, true))
            .promoter("f", None);
        let said = audit(TWENTY_PERCENT, &sales(1), &lists, &[]);
        let found = vec![("commission_differs".to_owned(), 800, 0)];
        assert_eq!(said.findings(), found, "{version}: {}", said.text);
        assert_eq!(expected(&said, "n@x.com"), 1_200);
        assert_eq!(expected(&said, "f@x.com"), 800);
    }
    // Who has nothing of it is called as in the list of promoters.
    let lists = lead(Lists::new(2), &shared(2)).promoter("f", None);
    let lists = lists.earns(&Row {
        day: "2026-01-05",
        ..Row::default()
    });
    let said = audit(TWENTY_PERCENT, &sales(1), &lists, &[]);
    assert_eq!(expected(&said, "f@x.com"), 800, "{}", said.text);
}

#[test]
fn a_commission_of_a_lead_that_was_denied_is_not_called_checked() {
    for version in VERSIONS {
        let lists = Lists::new(version).earns(&Row {
            day: "2026-01-05",
            ..Row::default()
        });
        let denied = lead(lists.clone(), &json!({"state": "denied"}));
        let said = audit(TWENTY_PERCENT, &sales(1), &denied, &[]);
        said.expect_no_finding(0);
        assert_eq!(counted(&said, "lead_closed_paid"), (1, 2_000));
        assert!(said.text.contains("No differences in what was checked."));
        let said = audit(TWENTY_PERCENT, &sales(1), &lead(lists, &json!({})), &[]);
        assert_eq!(counted(&said, "lead_closed_paid"), (0, 0));
        assert!(said.text.contains("No differences."));
    }
}
