//! Tests of the commissions that refunds and disputes reverse.

use super::*;

#[test]
fn a_refund_that_was_not_taken_back_or_partly() {
    let refunded = |taken: &'static [i64]| {
        move |account: &mut TestAccount| {
            planted(account, |_, _| ());
            account.billed.push(refund("r", "x", 5_000));
            for cents in taken {
                let theirs = reversal("c_r", "r", 5_000);
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
            account.commissions.push(reversal("c_r", "x", 5_000));
        },
        &[(FindingKind::TakenBackTooMuch, "x", "c_r", -1_000, 0)],
    );
    check(
        |account| account.commissions.push(reversal("c_r", "nobody", 5_000)),
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
        move |account: &mut TestAccount| {
            planted(account, |_, _| ());
            account.billed.push(refund("x_refund_10000", "x", 10_000));
            account.commissions.push(reversal("c_1", ids[0], 3_000));
            account.commissions.push(reversal("c_2", ids[1], 7_000));
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
fn paid_out_before_the_refund_came() {
    let paid = |back: bool| {
        move |account: &mut TestAccount| {
            planted(account, |_, theirs| theirs.is_paid = Some(true));
            account.billed.push(refund("r", "x", 10_000));
            let is_paid = Some(back);
            account.commissions.push(Commission {
                is_paid,
                ..reversal("c_r", "r", 10_000)
            });
        }
    };
    check(
        paid(false),
        &[(FindingKind::PaidBeforeRefund, "r", "c_r", 0, 2_000)],
    );
    check(paid(true), &[]);
}

/// Its reversal says that there was a commission, and not what it was.
#[test]
fn a_reversal_whose_sale_is_not_there_is_unchecked_without_a_rate() {
    let audited = |rules: &str, cents: i64| {
        let mut account = account();
        account.rules = rules.to_owned();
        account.billed = vec![refund("r", "nobody", 3_000)];
        let back = reversal("c_r", "r", 3_000);
        account.commissions = vec![Commission {
            amount_cents: cents,
            ..back
        }];
        account.audit()
    };
    let fixed = "[[rule]]\nfixed_cents = 500";
    let capped = "[[rule]]\nrate = \"20\"\ncap_cents = 500";
    for rules in [fixed, capped, "rule = []"] {
        let audit = audited(rules, -150);
        assert_eq!(audit.findings, [], "{rules}");
        assert_eq!(audit.unchecked[0].reason, UncheckedReason::RateUnknown);
    }
    for rules in [fixed, capped] {
        let audit = audited(rules, -550);
        assert_eq!(audit.findings[0].kind, FindingKind::TakenBackTooMuch);
        assert_eq!(audit.findings[0].difference_cents, -50, "{rules}");
    }
}
