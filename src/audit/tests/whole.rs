//! The audit as a whole: rules, units, sums, and the audit before.

use super::*;

#[test]
fn an_account_that_agrees_has_no_findings() {
    let audit = account().audit();
    assert_eq!(audit.findings, []);
    assert_eq!(audit.matched[&MatchReason::EventId], 7);
    let usd = audit.totals.in_all["USD"];
    assert_eq!((usd.sales, usd.sales_cents), (5, 50_000));
    assert_eq!(
        (usd.refunds, usd.refunds_cents, usd.net_cents),
        (1, 4_000, 46_000)
    );
    assert_eq!(
        (usd.commissions, usd.actual_cents, usd.expected_cents),
        (7, 9_700, 9_700)
    );
    assert_eq!((usd.unpaid_cents, usd.difference_cents), (9_700, 0));
    let promoters = &audit.totals.by[&Cut::Promoter];
    let boss = promoters
        .iter()
        .find(|line| line.value.as_deref() == Some("boss@example.com"));
    assert_eq!(boss.unwrap().figures.actual_cents, 500);
}

#[test]
fn an_audit_of_nothing_finds_nothing() {
    let none = TestAccount {
        billed: Vec::new(),
        commissions: Vec::new(),
        leads: Vec::new(),
        rules: String::new(),
    };
    assert_eq!(none.audit().findings, []);
}

#[test]
fn rules_say_which_payments_earn() {
    let first = "[[rule]]\nrate = \"20\"\npayments = \"first\"";
    let months = "[[rule]]\nrate = \"20\"\nmonths = 2";
    let of_customer = |rules: &str, paid: bool| {
        let mut account = TestAccount {
            billed: Vec::new(),
            commissions: Vec::new(),
            leads: Vec::new(),
            rules: rules.to_owned(),
        };
        for (event_id, created_at) in [
            ("one", "2026-01-05T00:00:00Z"),
            ("two", "2026-03-05T00:00:00Z"),
        ] {
            let created_at = Some(moment(created_at));
            account.billed.push(Billed {
                created_at,
                ..sale(event_id)
            });
            if paid || event_id == "one" {
                let theirs = commission(&format!("c_{event_id}"), event_id);
                account.commissions.push(Commission {
                    created_at,
                    ..theirs
                });
            }
        }
        account.found()
    };
    let too_much = vec![(
        "commission_differs".to_owned(),
        "two".to_owned(),
        "c_two".to_owned(),
        2_000,
        0,
    )];
    for rules in [first, months] {
        assert_eq!(of_customer(rules, false), []);
        assert_eq!(of_customer(rules, true), too_much);
    }
}

#[test]
fn units_that_are_no_money_are_matched_and_never_added_to_money() {
    let mut account = account();
    planted(&mut account, |_, theirs| {
        theirs.unit = Unit::Other("points".to_owned());
        theirs.amount_cents = 77;
    });
    let audit = account.audit();
    assert_eq!(audit.findings, []);
    assert_eq!(audit.totals.in_all["points"].actual_cents, 77);
    assert_eq!(audit.totals.in_all["USD"].actual_cents, 9_700);
}

#[test]
fn sums_that_no_64_bits_hold_are_right() {
    let mut account = account();
    for number in 0..3 {
        let id = format!("huge_{number}");
        let mut theirs = commission(&id, &id);
        theirs.amount_cents = i64::MAX;
        account.commissions.push(theirs);
    }
    let audit = account.audit();
    let huge = 3 * i128::from(i64::MAX);
    assert_eq!(audit.totals.in_all["USD"].actual_cents, huge + 9_700);
    assert_eq!(audit.explained_cents["USD"], huge);
}

#[test]
fn an_event_that_was_billed_twice_is_an_error_with_both_places() {
    let mut sides = Sides::default();
    sides.add_billed(sale("x")).unwrap();
    let mut again = sale("x");
    again.place.line = Some(9);
    sides.add_billed(again).unwrap();
    let frames = sides.into_frames().unwrap();
    let now = moment("2026-04-01T00:00:00Z");
    let error = audit(frames, &AuditRules::default(), usd(), now).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`x` was billed twice: sales.csv:2 and sales.csv:9; audit one of the two"
    );
}

#[test]
fn a_second_audit_says_what_is_new_resolved_and_remains() {
    let mut account = account();
    planted(&mut account, |_, theirs| theirs.amount_cents = 3_000);
    account.commissions.push(commission("c_y", "y"));
    let first = account.audit();
    let past: Vec<PastFinding> = first.findings.iter().map(PastFinding::from).collect();
    // The commission is nearer to what it should be, another is denied, and a sale is new.
    for theirs in &mut account.commissions {
        theirs.place.line = Some(103);
        match theirs.id.as_deref() {
            Some("c_x") => theirs.amount_cents = 2_500,
            Some("c_y") => theirs.status = Status::Denied,
            _ => {}
        }
    }
    account.billed.push(sale("z"));
    let second = account.audit();
    let since = Since::last(&past, &second.findings);
    let kinds = |ids: &[String]| -> Vec<FindingKind> {
        let of = |finding: &&Finding| ids.contains(&finding.id);
        second
            .findings
            .iter()
            .filter(of)
            .map(|finding| finding.kind)
            .collect()
    };
    assert_eq!(kinds(&since.new), [FindingKind::SaleWithoutCommission]);
    assert_eq!(kinds(&since.remaining), [FindingKind::CommissionDiffers]);
    let resolved: Vec<&str> = since
        .resolved
        .iter()
        .map(|past| past.kind.as_str())
        .collect();
    assert_eq!(resolved, ["commission_without_sale"]);
}
