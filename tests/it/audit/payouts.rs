//! Payouts beside what was earned: what was paid too much is never clean.

use serde_json::json;

use super::lists::{Said, TWENTY_PERCENT};
use super::served::{Lists, Row, VERSIONS, audit};

const SALE: &str = "sale,s1,,a@x.com,,100.00,USD,2026-03-01T10:00:00Z\n";

/// Nora has earned 20.00 of a lead of hers.
fn earned(version: u32, is_paid: bool) -> Lists {
    Lists::new(version)
        .earns(&Row {
            more: json!({"is_paid": is_paid}),
            ..Row::default()
        })
        .lead("a", "n", "2026-01-01T00:00:00Z", &json!({}))
        .promoter("n", None)
        .promoter("f", None)
}

fn said(lists: &Lists) -> Said {
    audit(TWENTY_PERCENT, SALE, lists, &[])
}

#[track_caller]
fn expect_attention(said: &Said, words: &str) {
    said.expect_no_finding(1);
    assert_eq!(said.json["needs_attention"], true);
    assert!(said.text.contains(words), "{}", said.text);
    assert!(!said.text.contains("No difference."), "{}", said.text);
    let last = "No differences but in the payouts.";
    assert!(said.text.contains(last), "{}", said.text);
}

#[test]
fn more_paid_out_than_earned_is_never_clean() {
    for version in VERSIONS {
        said(&earned(version, true).pays("n", 2_000)).expect_no_finding(0);
        said(&earned(version, false)).expect_no_finding(0);
        // To somebody who never had a commission.
        let stranger = said(&earned(version, true).pays("n", 2_000).pays("f", 99_900));
        expect_attention(&stranger, "More was paid out than earned: 1 promoter.");
        let text = "999.00 USD was paid out to `f@x.com`, which is 999.00 USD more than was earned";
        assert!(stranger.text.contains(text), "{}", stranger.text);
        // Ten times as much, whatever FirstPromoter's balance is.
        let tenfold = said(&earned(version, true).pays("n", 20_000));
        expect_attention(&tenfold, "More was paid out than earned: 1 promoter.");
    }
}

#[test]
fn payouts_are_what_the_commissions_marked_as_paid_come_to() {
    let words = "The payouts are not what the commissions marked as paid come to: 1 promoter.";
    expect_attention(&said(&earned(2, true)), words);
    expect_attention(&said(&earned(2, true).pays("n", 20)), words);
    expect_attention(&said(&earned(2, false).pays("n", 2_000)), words);
    // One may be on its way.
    let mut lists = earned(2, true).pays("n", 2_000);
    lists.payouts[0]["status"] = json!("processing");
    said(&lists).expect_no_finding(0);
    lists.payouts[0]["status"] = json!("failed");
    expect_attention(&said(&lists), words);
}

#[test]
fn the_account_of_a_promoter_who_was_merged_is_one() {
    let rules = format!("{TWENTY_PERCENT}[audit.alias]\n\"o@x.com\" = \"n@x.com\"\n");
    let sales = format!(
        "{SALE}{}",
        SALE.replace("s1", "s2").replace("03-01", "03-02")
    );
    for version in VERSIONS {
        let lists = earned(version, true)
            .earns(&Row {
                event: "s2",
                day: "2026-03-02",
                promoter: "o",
                more: json!({"is_paid": true}),
                ..Row::default()
            })
            .pays("o", 4_000);
        let said = audit(&rules, &sales, &lists, &[]);
        said.expect_no_finding(0);
        let accounts = said.json["statements"].as_array().unwrap();
        let own = &accounts[0];
        assert_eq!((accounts.len(), &own["promoter"]), (1, &json!("n@x.com")));
        assert_eq!(own["closing_cents"], 0, "{}", said.text);
    }
}
