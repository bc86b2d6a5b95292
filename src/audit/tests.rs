//! Every kind of difference: planted in an account that agrees, found, and nothing else with it.

use super::*;
use crate::event::{Currency, Customer, Money};
use crate::journal::Outcome;
use jiff::Timestamp;

const RULES: &str = "[[rule]]\nrate = \"20\"\n[[rule]]\ntier = 2\nrate = \"5\"";

fn usd() -> Currency {
    Currency::from_code("USD").unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn promoter(name: &str) -> Promoter {
    Promoter {
        id: Some(format!("id-{name}")),
        email: Some(format!("{name}@example.com")),
        ref_id: Some(name.to_owned()),
    }
}

/// A sale of 100.00 on 10 March by the customer `c1`.
fn sale(event_id: &str) -> Billed {
    Billed {
        place: Place {
            file: "sales.csv".to_owned(),
            line: 2,
        },
        kind: BilledKind::Sale,
        event_id: event_id.to_owned(),
        sale_event_id: None,
        customer: Customer::new(Some("C1@example.com"), Some("c1")),
        money: Money {
            amount_cents: 10_000,
            currency: usd(),
        },
        account_amount_cents: Some(10_000),
        plan: Some("pro".to_owned()),
        created_at: Some(moment("2026-03-10T12:00:00Z")),
        outcome: Some(Outcome::Tracked),
        promoter: Promoter::default(),
        commission_cents: None,
        is_dispute: false,
    }
}

/// A refund of a sale, on 20 March.
fn refund(event_id: &str, sale_event_id: &str, amount_cents: i64) -> Billed {
    Billed {
        kind: BilledKind::Refund,
        sale_event_id: Some(sale_event_id.to_owned()),
        money: Money {
            amount_cents,
            currency: usd(),
        },
        account_amount_cents: Some(amount_cents),
        created_at: Some(moment("2026-03-20T12:00:00Z")),
        ..sale(event_id)
    }
}

/// A commission of 20.00 to anna for such a sale.
fn commission(id: &str, event_id: &str) -> Commission {
    Commission {
        place: Place {
            file: "commissions.csv".to_owned(),
            line: 3,
        },
        id: Some(id.to_owned()),
        status: Status::Approved,
        unit: Unit::Cash(usd()),
        amount_cents: 2_000,
        sale_amount_cents: Some(10_000),
        original_sale: None,
        event_id: Some(event_id.to_owned()),
        tier: 1,
        is_split: Some(false),
        is_paid: Some(false),
        created_at: Some(moment("2026-03-10T12:00:05Z")),
        status_updated_at: None,
        promoter: promoter("anna"),
        campaign_id: Some("28004".to_owned()),
        campaign: Some("Affiliates".to_owned()),
        plan: Some("pro".to_owned()),
        customer: Customer::new(Some("c1@example.com"), Some("c1")),
    }
}

/// What takes a part of it back.
fn taken_back(id: &str, event_id: &str, sale_cents: i64) -> Commission {
    Commission {
        amount_cents: -sale_cents / 5,
        sale_amount_cents: Some(-sale_cents),
        created_at: Some(moment("2026-03-20T12:00:05Z")),
        ..commission(id, event_id)
    }
}

/// An account of some sales that agree; what a test plants comes to it.
struct Account {
    billed: Vec<Billed>,
    commissions: Vec<Commission>,
    leads: Vec<Lead>,
    rules: String,
}

fn account() -> Account {
    let mut account = Account {
        billed: Vec::new(),
        commissions: Vec::new(),
        leads: vec![Lead {
            customer: Customer::new(None, Some("c1")),
            promoter: promoter("anna"),
            created_at: Some(moment("2026-01-01T00:00:00Z")),
            customer_since: None,
        }],
        rules: RULES.to_owned(),
    };
    for number in 1..=4 {
        let id = format!("ok_{number}");
        account.billed.push(sale(&id));
        account
            .commissions
            .push(commission(&format!("c_{id}"), &id));
    }
    // Its refund is taken back, and its promoter's promoter has a share.
    account.billed.push(refund("ok_refund", "ok_1", 4_000));
    account
        .commissions
        .push(taken_back("c_refund", "ok_refund", 4_000));
    account.commissions.push(second_tier("c_tier", "ok_2"));
    account
}

fn second_tier(id: &str, event_id: &str) -> Commission {
    Commission {
        tier: 2,
        amount_cents: 500,
        promoter: promoter("boss"),
        ..commission(id, event_id)
    }
}

impl Account {
    fn audit(&self) -> Audit {
        let mut sides = Sides::default();
        for billed in &self.billed {
            sides.add_billed(billed.clone()).unwrap();
        }
        for commission in &self.commissions {
            sides.add_commission(commission.clone()).unwrap();
        }
        for lead in &self.leads {
            sides.add_lead(lead.clone()).unwrap();
        }
        let rules: Rules = toml::from_str(&self.rules).unwrap();
        let frames = sides.into_frames().unwrap();
        audit(frames, &rules, usd(), moment("2026-04-01T00:00:00Z")).unwrap()
    }

    /// What is found: kind, event, commission, difference and what is concerned.
    fn found(&self) -> Vec<(String, String, String, i64, i64)> {
        let findings = self.audit().findings.into_iter();
        let shown = findings.map(|finding| {
            (
                finding.kind.to_string(),
                finding.ours.map(|ours| ours.event_id).unwrap_or_default(),
                finding
                    .theirs
                    .and_then(|theirs| theirs.id)
                    .unwrap_or_default(),
                finding.difference_cents,
                finding.concerned_cents,
            )
        });
        shown.collect()
    }
}

/// Plants something into the account, and expects just this.
#[track_caller]
fn check(plant: impl Fn(&mut Account), expected: &[(FindingKind, &str, &str, i64, i64)]) {
    let mut account = account();
    plant(&mut account);
    let expected: Vec<_> = expected
        .iter()
        .map(|(kind, ours, theirs, difference, concerned)| {
            let text = |text: &str| text.to_owned();
            (
                kind.to_string(),
                text(ours),
                text(theirs),
                *difference,
                *concerned,
            )
        })
        .collect();
    assert_eq!(account.found(), expected);
}

/// Plants a sale `x` with its commission `c_x`, changed.
fn planted(account: &mut Account, change: impl Fn(&mut Billed, &mut Commission)) {
    let (mut billed, mut theirs) = (sale("x"), commission("c_x", "x"));
    change(&mut billed, &mut theirs);
    account.billed.push(billed);
    account.commissions.push(theirs);
}

#[test]
fn an_account_that_agrees_has_no_findings() {
    let audit = account().audit();
    assert_eq!(audit.findings, []);
    assert_eq!(audit.matched[&MatchReason::EventId], 6);
    let usd = audit.totals.in_all["USD"];
    assert_eq!((usd.sales, usd.sales_cents), (4, 40_000));
    assert_eq!(
        (usd.refunds, usd.refunds_cents, usd.net_cents),
        (1, 4_000, 36_000)
    );
    assert_eq!(
        (usd.commissions, usd.actual_cents, usd.expected_cents),
        (6, 7_700, 7_700)
    );
    assert_eq!((usd.unpaid_cents, usd.difference_cents), (7_700, 0));
    let promoters = &audit.totals.by[&Cut::Promoter];
    let boss = promoters
        .iter()
        .find(|line| line.value.as_deref() == Some("boss@example.com"));
    assert_eq!(boss.unwrap().figures.actual_cents, 500);
}

#[test]
fn an_audit_of_nothing_finds_nothing() {
    let none = Account {
        billed: Vec::new(),
        commissions: Vec::new(),
        leads: Vec::new(),
        rules: String::new(),
    };
    assert_eq!(none.audit().findings, []);
}

#[test]
fn a_commission_without_a_sale() {
    check(
        |account| account.commissions.push(commission("c_x", "x")),
        &[(FindingKind::CommissionWithoutSale, "", "c_x", 2_000, 0)],
    );
    check(
        |account| {
            account.commissions.push(commission("c_x", "x"));
            account.commissions.push(second_tier("c_y", "x"));
        },
        &[(FindingKind::CommissionWithoutSale, "", "c_x", 2_500, 0)],
    );
    check(
        |account| {
            account.commissions.push(Commission {
                status: Status::Denied,
                ..commission("c_x", "x")
            })
        },
        &[],
    );
}

#[test]
fn a_tracked_sale_without_a_commission() {
    let alone = |outcome: Option<Outcome>| {
        move |account: &mut Account| {
            account.billed.push(Billed {
                outcome,
                ..sale("x")
            })
        }
    };
    let finding = [(FindingKind::SaleWithoutCommission, "x", "", -2_000, 0)];
    check(alone(Some(Outcome::Tracked)), &finding);
    check(alone(Some(Outcome::AlreadyTracked)), &finding);
    // Exports that were never sent: the list of leads says whose customer it is.
    check(alone(None), &finding);
    let stranger = |account: &mut Account| {
        let customer = Customer::new(None, Some("c9"));
        account.billed.push(Billed {
            outcome: None,
            customer,
            ..sale("x")
        });
    };
    check(stranger, &[]);
    let before = |account: &mut Account| {
        let created_at = Some(moment("2025-12-31T00:00:00Z"));
        account.billed.push(Billed {
            outcome: None,
            created_at,
            ..sale("x")
        });
    };
    check(before, &[]);
}

#[test]
fn a_sale_with_another_amount_is_found_once_with_its_whole_effect() {
    check(
        |account| {
            planted(account, |_, theirs| {
                theirs.sale_amount_cents = Some(12_000);
                theirs.amount_cents = 2_400;
            })
        },
        &[(FindingKind::SaleAmountDiffers, "x", "c_x", 400, 0)],
    );
    // Two causes are two findings, and together they are all of it.
    check(
        |account| {
            planted(account, |_, theirs| {
                theirs.sale_amount_cents = Some(12_000);
                theirs.amount_cents = 3_600;
            })
        },
        &[
            (FindingKind::SaleAmountDiffers, "x", "c_x", 400, 0),
            (FindingKind::CommissionDiffers, "x", "c_x", 1_200, 0),
        ],
    );
}

#[test]
fn an_event_that_somebody_tracked_before_us_with_another_amount() {
    check(
        |account| {
            planted(account, |ours, theirs| {
                ours.outcome = Some(Outcome::AlreadyTracked);
                theirs.sale_amount_cents = Some(8_000);
                theirs.amount_cents = 1_600;
            })
        },
        &[(FindingKind::AlreadyTrackedDiffers, "x", "c_x", -400, 0)],
    );
}

#[test]
fn another_rate_or_amount() {
    check(
        |account| planted(account, |_, theirs| theirs.amount_cents = 3_000),
        &[(FindingKind::CommissionDiffers, "x", "c_x", 1_000, 0)],
    );
    check(
        |account| planted(account, |_, theirs| theirs.amount_cents = 1_999),
        &[(FindingKind::CommissionDiffers, "x", "c_x", -1, 0)],
    );
    // Without rules, the others tell the rate.
    check(
        |account| {
            account.rules = String::new();
            planted(account, |_, theirs| theirs.amount_cents = 3_000);
        },
        &[(FindingKind::CommissionDiffers, "x", "c_x", 1_000, 0)],
    );
    // The refund of a sale with a wrong rate goes by that rate: one cause.
    check(
        |account| {
            planted(account, |_, theirs| theirs.amount_cents = 3_000);
            account.billed.push(refund("r", "x", 5_000));
            let theirs = taken_back("c_r", "r", 5_000);
            account.commissions.push(Commission {
                amount_cents: -1_500,
                ..theirs
            });
        },
        &[(FindingKind::CommissionDiffers, "x", "c_x", 500, 0)],
    );
}

#[test]
fn a_sale_that_is_paid_twice() {
    check(
        |account| {
            planted(account, |_, _| ());
            account.commissions.push(commission("c_y", "x"));
        },
        &[(FindingKind::CommissionTwice, "x", "c_y", 2_000, 0)],
    );
    // The billing provider's own integration told it by another id.
    let other_id = |account: &mut Account| {
        planted(account, |ours, theirs| {
            ours.customer = Customer::new(None, Some("c2"));
            ours.money.amount_cents = 7_000;
            ours.account_amount_cents = Some(7_000);
            theirs.sale_amount_cents = Some(7_000);
            theirs.amount_cents = 1_400;
            theirs.customer = Customer::new(None, Some("c2"));
        });
        let theirs = account.commissions.last().unwrap().clone();
        let event_id = Some("ch_1".to_owned());
        let id = Some("c_y".to_owned());
        account.commissions.push(Commission {
            event_id,
            id,
            ..theirs
        });
    };
    check(
        other_id,
        &[(FindingKind::CommissionWithoutSale, "", "c_y", 1_400, 0)],
    );
    check(
        |account| {
            account.rules = format!("match_by_customer = true\n{RULES}");
            other_id(account);
        },
        &[(FindingKind::CommissionTwice, "x", "c_y", 1_400, 0)],
    );
}

#[test]
fn a_refund_that_was_not_taken_back_or_partly() {
    let refunded = |taken: &'static [i64]| {
        move |account: &mut Account| {
            planted(account, |_, _| ());
            account.billed.push(refund("r", "x", 5_000));
            for cents in taken {
                let theirs = taken_back("c_r", "r", 5_000);
                account.commissions.push(Commission {
                    amount_cents: *cents,
                    ..theirs
                });
            }
        }
    };
    check(
        refunded(&[]),
        &[(FindingKind::RefundNotTakenBack, "r", "c_x", 1_000, 0)],
    );
    check(
        refunded(&[-400]),
        &[(FindingKind::RefundPartlyTakenBack, "r", "c_r", 600, 0)],
    );
    check(refunded(&[-1_000]), &[]);
    check(
        refunded(&[-1_200]),
        &[(FindingKind::TakenBackTooMuch, "r", "c_r", -200, 0)],
    );
    check(
        refunded(&[-1_000, -1_000]),
        &[(FindingKind::TakenBackTooMuch, "r", "c_r", -1_000, 0)],
    );
    check(
        |account| {
            planted(account, |_, _| ());
            account.commissions.push(taken_back("c_r", "x", 5_000));
        },
        &[(FindingKind::TakenBackTooMuch, "x", "c_r", -1_000, 0)],
    );
    check(
        |account| account.commissions.push(taken_back("c_r", "nobody", 5_000)),
        &[(FindingKind::TakenBackTooMuch, "", "c_r", -1_000, 0)],
    );
    // A sale that was denied has nothing to take back.
    check(
        |account| {
            planted(account, |_, theirs| theirs.status = Status::Denied);
            account.billed.push(refund("r", "x", 10_000));
        },
        &[],
    );
}

#[test]
fn refunds_are_found_by_their_sale_and_by_running_totals() {
    let both = |ids: [&'static str; 2]| {
        move |account: &mut Account| {
            planted(account, |_, _| ());
            account.billed.push(refund("x_refund_10000", "x", 10_000));
            account.commissions.push(taken_back("c_1", ids[0], 3_000));
            account.commissions.push(taken_back("c_2", ids[1], 7_000));
        }
    };
    check(both(["x", "x"]), &[]);
    check(both(["x_refund_3000", "x_refund_10000"]), &[]);
}

#[test]
fn a_sale_that_was_disputed_later() {
    check(
        |account| {
            planted(account, |_, _| ());
            account.billed.push(Billed {
                is_dispute: true,
                ..refund("r", "x", 10_000)
            });
        },
        &[(FindingKind::DisputedSale, "r", "c_x", 2_000, 0)],
    );
    check(
        |account| planted(account, |ours, _| ours.is_dispute = true),
        &[(FindingKind::DisputedSale, "x", "c_x", 2_000, 0)],
    );
}

#[test]
fn a_commission_to_another_promoter_than_the_leads() {
    check(
        |account| planted(account, |_, theirs| theirs.promoter = promoter("bob")),
        &[(FindingKind::WrongPromoter, "x", "c_x", 0, 2_000)],
    );
    // That the other's rate is another is the same cause.
    check(
        |account| {
            account.rules = format!("{RULES}\n[[rule]]\npromoter = \"bob\"\nrate = \"30\"");
            planted(account, |_, theirs| {
                theirs.promoter = promoter("bob");
                theirs.amount_cents = 3_000;
            });
        },
        &[(FindingKind::WrongPromoter, "x", "c_x", 1_000, 3_000)],
    );
}

#[test]
fn a_commission_in_another_month_than_its_sale() {
    let april = |_: &mut Billed, theirs: &mut Commission| {
        theirs.created_at = Some(moment("2026-04-01T00:30:00Z"));
    };
    check(
        |account| planted(account, april),
        &[(FindingKind::OtherMonth, "x", "c_x", 0, 2_000)],
    );
    // Whose month is a matter of the zone.
    check(
        |account| {
            account.rules = format!("zone = \"America/New_York\"\n{RULES}");
            planted(account, april);
        },
        &[],
    );
}

#[test]
fn denied_or_pending_although_the_sale_stands() {
    check(
        |account| planted(account, |_, theirs| theirs.status = Status::Denied),
        &[(FindingKind::Denied, "x", "c_x", -2_000, 0)],
    );
    let pending =
        |account: &mut Account| planted(account, |_, theirs| theirs.status = Status::Pending);
    check(pending, &[(FindingKind::Pending, "x", "c_x", 0, 2_000)]);
    check(
        |account| {
            account.rules = format!("pending_days = 30\n{RULES}");
            pending(account);
        },
        &[],
    );
}

#[test]
fn paid_out_before_the_refund_came() {
    let paid = |back: bool| {
        move |account: &mut Account| {
            planted(account, |_, theirs| theirs.is_paid = Some(true));
            account.billed.push(refund("r", "x", 10_000));
            let is_paid = Some(back);
            account.commissions.push(Commission {
                is_paid,
                ..taken_back("c_r", "r", 10_000)
            });
        }
    };
    check(
        paid(false),
        &[(FindingKind::PaidBeforeRefund, "r", "c_r", 0, 2_000)],
    );
    check(paid(true), &[]);
}

#[test]
fn a_split_commission_is_one_in_several_parts() {
    let split = |said: Option<bool>, second: i64| {
        move |account: &mut Account| {
            planted(account, |_, theirs| {
                theirs.is_split = said;
                theirs.amount_cents = 1_200;
            });
            account.commissions.push(Commission {
                is_split: said,
                amount_cents: second,
                promoter: promoter("bob"),
                ..commission("c_y", "x")
            });
        }
    };
    check(split(Some(true), 800), &[]);
    check(split(None, 800), &[]);
    check(
        split(Some(true), 900),
        &[(FindingKind::CommissionDiffers, "x", "c_x", 100, 0)],
    );
}

#[test]
fn rules_say_which_payments_earn() {
    let first = "[[rule]]\nrate = \"20\"\npayments = \"first\"";
    let months = "[[rule]]\nrate = \"20\"\nmonths = 2";
    let of_customer = |rules: &str, paid: bool| {
        let mut account = Account {
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
    assert_eq!(audit.totals.in_all["USD"].actual_cents, 7_700);
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
    assert_eq!(audit.totals.in_all["USD"].actual_cents, huge + 7_700);
    assert_eq!(audit.explained_cents["USD"], huge);
}

#[test]
fn an_event_that_was_billed_twice_is_an_error_with_both_places() {
    let mut sides = Sides::default();
    sides.add_billed(sale("x")).unwrap();
    let mut again = sale("x");
    again.place.line = 9;
    sides.add_billed(again).unwrap();
    let frames = sides.into_frames().unwrap();
    let now = moment("2026-04-01T00:00:00Z");
    let error = audit(frames, &Rules::default(), usd(), now).unwrap_err();
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
        theirs.place.line += 100;
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
