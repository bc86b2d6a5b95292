//! Every kind of difference: planted in an account that agrees, found, and nothing else with it.

mod refunds;
mod sales;
mod whole;

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
        place: SourceLocation {
            file: "sales.csv".to_owned(),
            line: Some(2),
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
        estimated_amount_cents: None,
        plan: Some("pro".to_owned()),
        created_at: Some(moment("2026-03-10T12:00:00Z")),
        is_day: false,
        recorded_at: None,
        settled_at: None,
        outcome: Some(Outcome::Tracked),
        promoter: Promoter::default(),
        commission_cents: None,
        is_dispute: false,
        reference: None,
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
        place: SourceLocation {
            file: "commissions.csv".to_owned(),
            line: Some(3),
        },
        id: Some(id.to_owned()),
        status: Status::Approved,
        unit: Unit::Cash(usd()),
        amount_cents: 2_000,
        sale_amount_cents: Some(10_000),
        original_sale: None,
        is_by_hand: false,
        event_id: Some(event_id.to_owned()),
        tier: 1,
        is_split: Some(false),
        is_paid: Some(false),
        created_at: Some(moment("2026-03-10T12:00:05Z")),
        status_updated_at: None,
        is_plan_of_lead: false,
        promoter: promoter("anna"),
        campaign_id: Some("28004".to_owned()),
        campaign: Some("Affiliates".to_owned()),
        plan: Some("pro".to_owned()),
        customer: Customer::new(Some("c1@example.com"), Some("c1")),
    }
}

/// Returns a commission that reverses a part of an earlier one.
fn reversal(id: &str, event_id: &str, sale_cents: i64) -> Commission {
    Commission {
        amount_cents: -sale_cents / 5,
        sale_amount_cents: Some(-sale_cents),
        created_at: Some(moment("2026-03-20T12:00:05Z")),
        ..commission(id, event_id)
    }
}

/// An account of some sales that agree; what a test plants comes to it.
struct TestAccount {
    billed: Vec<Billed>,
    commissions: Vec<Commission>,
    leads: Vec<ReferredCustomer>,
    rules: String,
}

fn account() -> TestAccount {
    let mut account = TestAccount {
        billed: Vec::new(),
        commissions: Vec::new(),
        leads: vec![ReferredCustomer {
            customer: Customer::new(None, Some("c1")),
            promoter: promoter("anna"),
            created_at: Some(moment("2026-01-01T00:00:00Z")),
            customer_since: None,
            was_moved: false,
            ..ReferredCustomer::default()
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
        .push(reversal("c_refund", "ok_refund", 4_000));
    account.billed.push(sale_of_boss("ok_tier"));
    let first = Commission {
        promoter: promoter("carl"),
        customer: Customer::new(None, Some("c2")),
        ..commission("c_first", "ok_tier")
    };
    account.commissions.push(first);
    account.commissions.push(second_tier("c_tier", "ok_tier"));
    account
}

/// A sale whose promoter, carl, has a promoter of his own.
fn sale_of_boss(event_id: &str) -> Billed {
    Billed {
        customer: Customer::new(None, Some("c2")),
        promoter: promoter("carl"),
        ..sale(event_id)
    }
}

fn second_tier(id: &str, event_id: &str) -> Commission {
    Commission {
        tier: 2,
        amount_cents: 500,
        promoter: promoter("boss"),
        customer: Customer::new(None, Some("c2")),
        ..commission(id, event_id)
    }
}

impl TestAccount {
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
        let rules: AuditRules = toml::from_str(&self.rules).unwrap();
        let frames = sides.into_frames().unwrap();
        audit(frames, &rules, usd(), moment("2026-04-01T00:00:00Z")).unwrap()
    }

    /// Returns the findings: kind, event, commission, difference and the money concerned.
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
fn check(plant: impl Fn(&mut TestAccount), expected: &[(FindingKind, &str, &str, i64, i64)]) {
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
fn planted(account: &mut TestAccount, change: impl Fn(&mut Billed, &mut Commission)) {
    let (mut billed, mut theirs) = (sale("x"), commission("c_x", "x"));
    change(&mut billed, &mut theirs);
    account.billed.push(billed);
    account.commissions.push(theirs);
}
