//! Tests of the commission that a sale should earn, and of the promoter who gets it.

use super::*;

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
        move |account: &mut TestAccount| {
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
    let stranger = |account: &mut TestAccount| {
        let customer = Customer::new(None, Some("c9"));
        account.billed.push(Billed {
            outcome: None,
            customer,
            ..sale("x")
        });
    };
    check(stranger, &[]);
    // A lead that a sale has made may be created up to a day later than the sale. Whoever bought before was not referred.
    let before = |created_at: &'static str| {
        move |account: &mut TestAccount| {
            account.billed.push(Billed {
                outcome: None,
                created_at: Some(moment(created_at)),
                ..sale("x")
            });
        }
    };
    check(before("2025-12-31T00:00:00Z"), &finding);
    check(before("2025-12-30T23:59:59Z"), &[]);
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
            let theirs = reversal("c_r", "r", 5_000);
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
    let other_id = |account: &mut TestAccount| {
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
        |account: &mut TestAccount| planted(account, |_, theirs| theirs.status = Status::Pending);
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
fn a_split_commission_is_one_in_several_parts() {
    let split = |said: Option<bool>, second: i64| {
        move |account: &mut TestAccount| {
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
fn a_second_tier_that_a_rule_says_is_due() {
    let missing = |account: &mut TestAccount, days: i64, rules: &str| {
        let mut own = sale_of_boss("x");
        own.created_at = own
            .created_at
            .map(|at| at + jiff::SignedDuration::from_hours(24 * days));
        let first = Commission {
            promoter: promoter("carl"),
            customer: own.customer.clone(),
            created_at: own.created_at,
            ..commission("c_x", "x")
        };
        account.billed.push(own);
        account.commissions.push(first);
        account.rules = rules.to_owned();
    };
    let found = (FindingKind::SaleWithoutCommission, "x", "", -500, 0);
    check(|account| missing(account, 1, RULES), &[found]);
    // Nobody says that one is due; carl had no promoter yet; two had it, and it is missing all the same.
    let first_only = "[[rule]]\nrate = \"20\"";
    check(|account| missing(account, 1, first_only), &[]);
    check(|account| missing(account, -1, RULES), &[]);
    check(
        |account| {
            missing(account, 1, RULES);
            account.billed.push(sale_of_boss("y"));
            let of_y = |own: Commission, name: &str| Commission {
                promoter: promoter(name),
                customer: Customer::new(None, Some("c2")),
                ..own
            };
            let first = of_y(commission("c_y", "y"), "carl");
            let second = of_y(second_tier("c_y2", "y"), "other");
            account.commissions.extend([first, second]);
        },
        &[found],
    );
}
