//! What refunds should reverse: one number, whatever the list has, and from each promoter his part.

use serde_json::Value;

use super::lists::{COMMISSIONS, Said, TWENTY_PERCENT, audit, found, of, place};

const SALE: &str = "sale,s1,,a@x.com,,100.00,USD,2026-03-01T10:00:00Z\n";

fn refund(number: u32, amount: &str) -> String {
    format!("refund,r{number},s1,a@x.com,,{amount},USD,2026-03-05T10:{number:02}:00Z\n")
}

fn reversal(number: u32, cents: &str, amount: &str) -> String {
    format!("9{number},r{number},nora@x.com,{cents},{amount},approved,2026-03-05\n")
}

/// Sets expected and difference of a promoter.
fn of_promoter(said: &Said, name: &str) -> (i64, i64) {
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    let own = lines.iter().find(|line| line["value"] == name).unwrap();
    let cents = |key: &str| own[key].as_i64().unwrap();
    (cents("expected_cents"), cents("difference_cents"))
}

fn expected(said: &Said) -> i64 {
    said.json["totals"]["in_all"]["USD"]["expected_cents"]
        .as_i64()
        .unwrap()
}

/// A split commission of 12.00 and 8.00 of which the second half is denied.
fn half_denied(refund: &str, more: &str, said: &str) -> Said {
    let header = COMMISSIONS.replace("status", "is_split,status");
    let list = format!(
        "{header}1,s1,nora@x.com,12.00,100.00,{said},approved,2026-03-01\n\
         2,s1,felix@x.com,8.00,100.00,{said},denied,2026-03-01\n{more}"
    );
    audit(
        &place(TWENTY_PERCENT, &format!("{SALE}{refund}")),
        &list,
        &[],
    )
}

#[test]
fn a_denied_half_of_a_split_commission_is_missing_to_its_own_promoter() {
    for split in ["yes", ""] {
        let said = half_denied("", "", split);
        assert_eq!(said.findings(), found("denied", -800, 0), "{split}");
        assert_eq!(of_promoter(&said, "nora@x.com"), (1200, 0));
        assert_eq!(of_promoter(&said, "felix@x.com"), (800, -800));
        // Half of the sale is refunded, and reversed from who has something.
        let half = refund(1, "50.00");
        let own = "3,r1,nora@x.com,-6.00,-50.00,,approved,2026-03-05\n";
        let said = half_denied(&half, own, split);
        assert_eq!(said.findings(), found("denied", -400, 0), "{split}");
        assert_eq!(of_promoter(&said, "nora@x.com"), (600, 0));
        assert_eq!(of_promoter(&said, "felix@x.com"), (400, -400));
        // It is reversed from both, though one has nothing.
        let both = format!("{own}4,r1,felix@x.com,-4.00,-50.00,,approved,2026-03-05\n");
        let said = half_denied(&half, &both, split);
        assert_eq!(said.findings(), found("denied", -800, 0), "{split}");
        assert_eq!(of_promoter(&said, "nora@x.com"), (600, 0));
        assert_eq!(of_promoter(&said, "felix@x.com"), (400, -800));
        // Nothing is reversed.
        let said = half_denied(&half, "", split);
        let mut kinds = said.findings();
        kinds.sort();
        assert_eq!(
            kinds,
            [
                ("denied".to_owned(), -400, 0),
                ("refund_not_taken_back".to_owned(), 600, 0)
            ]
        );
        // All of it is refunded and what stood is reversed.
        let whole = "3,r1,nora@x.com,-12.00,-100.00,,approved,2026-03-05\n";
        let said = half_denied(&refund(1, "100.00"), whole, split);
        assert_eq!((said.findings(), said.code), (Vec::new(), 0), "{split}");
    }
}

#[test]
fn of_three_parts_one_is_denied_or_all_of_them() {
    let list = |states: [&str; 3]| {
        let [nora, felix, ida] = states;
        format!(
            "1,s1,nora@x.com,10.00,100.00,{nora},2026-03-01\n\
             2,s1,felix@x.com,6.00,100.00,{felix},2026-03-01\n\
             3,s1,ida@x.com,4.00,100.00,{ida},2026-03-01\n"
        )
    };
    let said = of(SALE, &list(["approved", "approved", "denied"]));
    assert_eq!(said.findings(), found("denied", -400, 0));
    assert_eq!(of_promoter(&said, "ida@x.com"), (400, -400));
    let said = of(SALE, &list(["denied"; 3]));
    let findings = said.findings();
    assert_eq!(findings.len(), 3, "{findings:?}");
    for (name, cents) in [
        ("nora@x.com", 1000),
        ("felix@x.com", 600),
        ("ida@x.com", 400),
    ] {
        assert_eq!(of_promoter(&said, name), (cents, -cents), "{name}");
    }
}

/// A denied commission beside one of the whole is one that was denied for being too much.
#[test]
fn a_denied_duplicate_is_no_half() {
    let list = "1,s1,nora@x.com,20.00,100.00,approved,2026-03-01\n\
                2,s1,felix@x.com,20.00,100.00,denied,2026-03-01\n";
    let said = of(SALE, list);
    said.expect_no_finding(0);
}

/// 20.50 is undone by a hundred refunds of 1.00: which of them are of 20 and which of 21 cents, the list decides, but
/// not what all of them come to.
#[test]
fn refunds_that_add_up_to_the_sale_undo_its_commission_however_they_are_rounded() {
    let rules = "[[audit.rule]]\nrate = \"20.5\"\n";
    let said = |cents: i64| {
        let (mut sales, mut list) = (
            SALE.to_owned(),
            format!("{COMMISSIONS}1,s1,nora@x.com,20.50,100.00,approved,2026-03-01\n"),
        );
        for number in 0..50 {
            sales += &refund(number, "2.00");
            list += &reversal(number, &format!("-0.{cents}"), "-2.00");
        }
        audit(&place(rules, &sales), &list, &[])
    };
    for (cents, off, kind) in [
        (41, 0, ""),
        (42, -50, "reversal_rounded"),
        (40, 50, "reversal_rounded"),
    ] {
        let said = said(cents);
        assert_eq!(expected(&said), 0, "{cents}");
        let right = if off == 0 {
            Vec::new()
        } else {
            found(kind, off, 0)
        };
        assert_eq!(said.findings(), right, "{cents}");
        assert_eq!(said.code, i32::from(off != 0), "{cents}");
    }
    // Two of them are reversed by a cent too much, and one not at all.
    let sales = format!("{SALE}{}{}", refund(1, "60.00"), refund(2, "40.00"));
    let list = |second: &str| {
        format!(
            "1,s1,nora@x.com,20.50,100.00,approved,2026-03-01\n{}{second}",
            reversal(1, "-12.31", "-60.00")
        )
    };
    let said = |second: &str| {
        let list = format!("{COMMISSIONS}{}", list(second));
        audit(&place(rules, &sales), &list, &[])
    };
    assert_eq!(
        said(&reversal(2, "-8.19", "-40.00")).findings(),
        [],
        "cents of two refunds that make up for each other"
    );
    let mut findings = said("").findings();
    findings.sort();
    assert_eq!(
        findings,
        [
            ("refund_not_taken_back".to_owned(), 820, 0),
            ("reversal_rounded".to_owned(), -1, 0)
        ]
    );
}

/// What is expected of a sale is the same with its reversal as without.
#[test]
fn what_is_expected_does_not_follow_the_list() {
    let rules = "[[audit.rule]]\nrate = \"12.5\"\n";
    let sales = format!(
        "sale,s1,,a@x.com,,1.00,USD,2026-03-01T10:00:00Z\n{}",
        refund(1, "0.50")
    );
    let mut seen = Vec::new();
    for back in ["-0.06", "-0.07", "-0.05", "", "-0.13"] {
        let reversed = match back {
            "" => String::new(),
            cents => reversal(1, cents, "-0.50"),
        };
        let list =
            format!("{COMMISSIONS}1,s1,nora@x.com,0.13,1.00,approved,2026-03-01\n{reversed}");
        let said = audit(&place(rules, &sales), &list, &[]);
        let differences: i64 = said.findings().iter().map(|one| one.1).sum();
        seen.push((expected(&said), differences, said.code));
    }
    assert_eq!(
        seen,
        [(7, 0, 0), (7, -1, 1), (7, 1, 1), (7, 6, 1), (7, -7, 1)]
    );
}

const FOREIGN: &str = "[currencies]\nforeign = \"send\"\nrates = \"rates.csv\"\n";

/// Sales of 100.00 EUR, which were sent as they are, at 1.10.
fn foreign(sales: &str, commissions: &str) -> Said {
    let place = place(&format!("{FOREIGN}{TWENTY_PERCENT}"), sales);
    place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.10\n");
    audit(&place, &format!("{COMMISSIONS}{commissions}"), &[])
}

#[test]
fn a_refund_of_a_whole_foreign_sale_reverses_its_commission_whatever_the_rates() {
    let sale = SALE.replace("USD", "EUR");
    let earned = "1,s1,nora@x.com,23.08,115.40,approved,2026-03-01\n";
    let whole = refund(1, "100.00").replace("USD", "EUR");
    let back = |cents: &str, amount: &str| {
        foreign(
            &format!("{sale}{whole}"),
            &format!("{earned}{}", reversal(1, cents, amount)),
        )
    };
    let said = back("-20.92", "-104.60");
    assert_eq!(said.findings(), found("refund_partly_taken_back", 216, 0));
    assert_eq!(expected(&said), 0);
    let said = back("-23.08", "-115.40");
    said.expect_no_finding(0);
    // In two parts, the first of them by the rate of its day.
    let (one, two) = (refund(1, "40.00"), refund(2, "60.00"));
    let parts = format!("{sale}{one}{two}").replace("USD", "EUR");
    let said = |second: &str| {
        let list = format!("{earned}{}{second}", reversal(1, "-8.80", "-44.00"));
        foreign(&parts, &list)
    };
    let right = said(&reversal(2, "-14.28", "-71.40"));
    assert_eq!(right.findings(), []);
    // Of a split one each half is reversed by the rate of that day.
    let header = COMMISSIONS.replace("created_at", "created_at,is_split");
    let halves = |number: u32, cents: &str, amount: &str, event: &str| {
        let line = |id: u32, who: &str| {
            format!("{id},{event},{who}@x.com,{cents},{amount},approved,2026-03-05,yes\n")
        };
        line(number, "nora") + &line(number + 1, "felix")
    };
    let half = format!("{sale}{}", refund(1, "50.00")).replace("USD", "EUR");
    let split = |cents: &str, amount: &str| {
        let place = place(&format!("{FOREIGN}{TWENTY_PERCENT}"), &half);
        place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.10\n");
        let earned = halves(1, "11.00", "110.00", "s1");
        let list = format!("{header}{earned}{}", halves(3, cents, amount, "r1"));
        audit(&place, &list, &[]).findings()
    };
    assert_eq!(split("-5.60", "-56.00"), []);
    assert_eq!(split("-5.60", "-28.00").len(), 0);
    assert_eq!(
        split("-7.00", "-70.00"),
        found("taken_back_too_much", -300, 0)
    );
    let wrong = said(&reversal(2, "-13.20", "-66.00"));
    assert_eq!(wrong.findings(), found("refund_partly_taken_back", 108, 0));
}

#[test]
fn a_conversion_that_is_only_near_is_said() {
    let sale = SALE.replace("USD", "EUR");
    let list = |cents: &str, amount: &str| {
        format!("1,s1,nora@x.com,{cents},{amount},approved,2026-03-01\n")
    };
    let said = foreign(&sale, &list("23.08", "115.40"));
    let reasons = said.json["unchecked"].as_array().unwrap();
    let reasons: Vec<&Value> = reasons.iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, ["foreign_rate"]);
    let line =
        "Not checked: the rate of 1 sale in another currency (100.00 EUR) any closer than 5 %";
    assert!(said.text.contains(line), "{}", said.text);
    assert!(said.text.contains("No differences in what was checked."));
    assert_eq!(said.code, 0);
    let said = foreign(&sale, &list("22.00", "110.00"));
    assert!(said.text.contains("No differences.\n"), "{}", said.text);
}

/// A payment `ch_1` of the invoice `in_1`, of which the live integration has named the charge.
#[test]
fn a_reversal_under_another_id_of_the_payment_is_that_of_the_refund() {
    let export = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n\
        ch_1,2026-03-02 09:14:00,100.00,50.00,usd,true,2026-04-01 10:00:00,Paid,cus_a,a@x.com,in_1\n";
    for (earned, reversed) in [
        ("CH_1", "'ch_1_refund_5000"),
        ("ch_1", "CH_1_refund_5000"),
        ("ch_1", "ch_1_refund_5000"),
        ("in_1", "ch_1_refund_5000"),
        ("ch_1", "in_1_refund_5000"),
        ("in_1", "ch_1"),
    ] {
        let place = place(TWENTY_PERCENT, "");
        place.write("s.csv", export);
        let list = format!(
            "{COMMISSIONS}1,{earned},nora@x.com,20.00,100.00,approved,2026-03-01\n\
             2,{reversed},nora@x.com,-10.00,-50.00,approved,2026-04-01\n"
        );
        let said = audit(&place, &list, &[]);
        assert_eq!(said.findings(), [], "{earned} {reversed}: {}", said.text);
        // Two steps of one running total.
        let list = format!(
            "{COMMISSIONS}1,{earned},nora@x.com,20.00,100.00,approved,2026-03-01\n\
             2,ch_1_refund_3000,nora@x.com,-6.00,-30.00,approved,2026-04-01\n\
             3,ch_1_refund_5000,nora@x.com,-4.00,-20.00,approved,2026-04-01\n"
        );
        let said = audit(&place, &list, &[]);
        assert_eq!(said.findings(), [], "{earned}: {}", said.text);
    }
}
