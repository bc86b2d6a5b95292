//! What neither side says is said before the verdict: columns and words that decide, the past of a sale, lines that
//! can't be read, plans with two names.

use serde_json::{Value, json};

use super::lists::{
    COMMISSIONS, RIGHT, SALE, SALES, TWENTY_PERCENT, audit, by, found, place, unchecked,
    with_column,
};
use crate::support::{Place, SandboxProcess};

#[test]
fn columns_that_contradict_what_is_read_stand_before_the_verdict() {
    for (column, value) in [
        ("Outcome", "denied"),
        ("Result", "void"),
        ("Ergebnis", "abgelehnt"),
        ("Disqualified", "yes"),
        ("Clawback", "20.00"),
        ("Withheld", "20.00"),
        ("Einbehalten", "ja"),
        ("Type", "refund"),
        ("Commission type", "refund"),
        ("Tipo", "reembolso"),
        ("Reason", "fraud"),
        ("Grund", "Betrug"),
        ("Valid until", "2020-01-31"),
        ("Gültig bis", "2020-01-31"),
        ("Unapproved", "yes"),
        ("Reward", "5.00"),
        ("Affiliate email", "felix@x.com"),
        ("Net commission", "5.00"),
        ("Payout amount", "5.00"),
        ("Provision netto", "5.00"),
    ] {
        let said = with_column(column, value);
        let right = format!("may decide what is paid: `{column}` (1 commission).");
        assert!(said.text.contains(&right), "{column}: {}", said.text);
        assert_eq!(said.code, 1, "{column}");
        assert!(!said.text.contains("No difference."), "{}", said.text);
    }
    for (column, value) in [
        ("Outcome", "approved"),
        ("Result", "ok"),
        ("Disqualified", "no"),
        ("Clawback", "0.00"),
        ("Type", "sale"),
        ("Commission type", "sale"),
        ("Reason", "first order"),
        ("Valid until", "2999-12-31"),
        ("Reward", "20.00"),
        ("Affiliate email", "Nora@X.com"),
        ("Net commission", "20.00"),
        ("Commission rate", "20"),
        ("Commission plan", "gold"),
        ("Payout method", "paypal"),
        ("Payout date", "2026-04-01"),
    ] {
        let said = with_column(column, value);
        assert_eq!((said.findings(), said.code), (Vec::new(), 0), "{column}");
        let columns = &said.json["theirs"]["columns_that_decide"];
        assert_eq!(columns, &json!([]), "{column}");
    }
    // What is denied is not paid, whatever else is said of it.
    let header = COMMISSIONS.replace("created_at", "created_at,fraud_check");
    let list = format!(
        "{header}{}2,s9,felix@x.com,20.00,100.00,denied,2026-03-01,same_ip_suspicion\n",
        RIGHT.replace("03-01\n", "03-01,no_suspicion\n")
    );
    let said = audit(&place(TWENTY_PERCENT, SALE), &list, &[]);
    said.expect_no_finding(0);
}

#[test]
fn a_unit_is_no_money_only_where_it_is_known_to_be_none() {
    let said = |unit: &str, amount: &str| {
        let header = COMMISSIONS.replace("created_at", "created_at,unit");
        let row = format!("1,s1,nora@x.com,{amount},100.00,approved,2026-03-01,{unit}\n");
        audit(&place(TWENTY_PERCENT, SALE), &format!("{header}{row}"), &[])
    };
    for unit in ["$", "dollars", "Dollar", "USD", "cash"] {
        let wrong = said(unit, "99.99");
        assert_eq!(
            wrong.findings(),
            found("commission_differs", 7999, 0),
            "{unit}"
        );
        assert_eq!(said(unit, "20.00").code, 0, "{unit}");
    }
    let euros = said("€", "99.99");
    assert_eq!(
        unchecked(&euros.json, "other_currency")["count"],
        1,
        "{}",
        euros.text
    );
    assert_eq!(euros.code, 1);
    // Parts of what has none, a sign of several currencies of which none is the account's, and an unknown word.
    for (unit, amount) in [
        ("free_months", "2.5"),
        ("points", "99.99"),
        ("¥", "20"),
        ("zorkmids", "20"),
    ] {
        let said = said(unit, amount);
        assert_eq!(
            (said.findings().len(), said.code),
            (0, 1),
            "{unit}: {}",
            said.text
        );
        assert!(
            said.text.contains("1 commission of theirs cannot be read"),
            "{}",
            said.text
        );
    }
    for (unit, amount) in [
        ("free_months", "2"),
        ("points", "20.00"),
        ("discount_per", "10"),
        ("store credit", "5"),
    ] {
        let said = said(unit, amount);
        assert_eq!(
            unchecked(&said.json, "not_money")["count"],
            1,
            "{unit}: {}",
            said.text
        );
    }
}

#[test]
fn what_a_line_that_cannot_be_read_names_is_not_missing() {
    let sales = format!(
        "{SALE}{}refund,r1,s1,a@x.com,,50.00,USD,2026-03-05T10:00:00Z\n",
        SALE.replace("s1", "s2").replace("03-01", "03-02")
    );
    let broken = "3,s2,nora@x.com,(20.00,100.00,approved,2026-03-02\n4,r1,nora@x.com,-10.00,-50.00,odd,2026-03-05\n";
    for list in [
        format!("{RIGHT}{broken}"),
        format!("{RIGHT}{}", broken.replace("r1", "s1_refund_5000")),
    ] {
        let said = by(TWENTY_PERCENT, &sales, &list);
        said.expect_no_finding(1);
        let own = unchecked(&said.json, "of_unread");
        assert_eq!(
            (&own["count"], &own["amount_cents"]["USD"]),
            (&json!(2), &json!(15_000))
        );
        assert!(said.text.contains("No verdict: not everything was read."));
    }
    // What no line names is missing as before.
    let said = by(
        TWENTY_PERCENT,
        &sales,
        &format!("{RIGHT}{}", broken.replace("s2", "s7").replace("r1", "r7")),
    );
    let right = [
        ("sale_without_commission".to_owned(), -2000, 0),
        ("refund_not_taken_back".to_owned(), 1000, 0),
    ];
    assert_eq!(said.findings(), right, "{}", said.text);
}

#[test]
fn a_volume_with_sales_of_unknown_worth_is_unknown() {
    let rules = "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\nrate = \"25\"\nfrom_volume_cents = 100000\n";
    let sales = "sale,s1,,a@x.com,,5000.00,EUR,2026-03-01T10:00:00Z\nsale,s2,,b@x.com,,100.00,USD,2026-03-02T10:00:00Z\n";
    let header = COMMISSIONS.replace("status", "currency,status");
    let list = format!(
        "{header}1,s1,nora@x.com,1000.00,5000.00,EUR,approved,2026-03-01\n2,s2,nora@x.com,20.00,100.00,USD,approved,2026-03-02\n"
    );
    let said = audit(&place(rules, sales), &list, &[]);
    said.expect_no_finding(1);
    let own = unchecked(&said.json, "volume_unknown");
    assert_eq!(
        (&own["count"], &own["amount_cents"]["USD"]),
        (&json!(1), &json!(2000))
    );
    // A volume that is high enough anyway is known.
    let more = format!("sale,s0,,c@x.com,,1000.00,USD,2026-03-01T09:00:00Z\n{sales}");
    let list = list
        .replace("2,s2,nora@x.com,20.00", "2,s2,nora@x.com,25.00")
        .replace("1,s1,nora@x.com,1000", "1,s1,nora@x.com,1250")
        + "3,s0,nora@x.com,200.00,1000.00,USD,approved,2026-03-01\n";
    let said = audit(&place(rules, &more), &list, &[]);
    said.expect_no_finding(0);
}

#[test]
fn a_plan_that_the_two_sides_call_otherwise_is_said() {
    let rules = "[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\nplan = \"pro\"\nrate = \"30\"\n";
    let said = |rules: &str, ours: &str, theirs: &str, commission: &str| {
        let place = place(rules, "");
        let sales = SALES.replace("created_at", "created_at,plan");
        place.write(
            "s.csv",
            &format!("{sales}{}", SALE.replace("Z\n", &format!("Z,{ours}\n"))),
        );
        let header = COMMISSIONS.replace("created_at", "created_at,plan");
        let row = RIGHT
            .replace("20.00", commission)
            .replace("03-01\n", &format!("03-01,{theirs}\n"));
        audit(&place, &format!("{header}{row}"), &[])
    };
    let wrong = said(rules, "price_123", "pro", "20.00");
    wrong.expect_no_finding(1);
    assert_eq!(unchecked(&wrong.json, "plan_differs")["count"], 1);
    for (ours, theirs, commission) in [
        ("pro", "Pro", "30.00"),
        ("price_1", "price_2", "20.00"),
        ("pro", "", "30.00"),
    ] {
        let right = said(rules, ours, theirs, commission);
        assert_eq!(
            (right.findings(), right.code),
            (Vec::new(), 0),
            "{ours} {theirs}: {}",
            right.text
        );
        assert_eq!(unchecked(&right.json, "plan_differs"), Value::Null);
    }
}

#[test]
fn a_period_without_anything_has_no_verdict() {
    for (days, code) in [
        (["--from", "2025-03-01", "--to", "2025-03-31"], 1),
        (["--from", "2026-03-01", "--to", "2026-03-31"], 0),
    ] {
        let said = audit(
            &place(TWENTY_PERCENT, SALE),
            &format!("{COMMISSIONS}{RIGHT}"),
            &days,
        );
        assert_eq!(said.code, code, "{}", said.text);
        assert_eq!(
            said.text.contains("No verdict: nothing could be checked."),
            code == 1
        );
    }
}

#[test]
fn a_sale_of_a_customer_whom_two_promoters_share_is_nobodys() {
    let sales = format!(
        "{SALE}{}",
        SALE.replace("s1", "s2").replace("03-01", "04-01")
    );
    let header = COMMISSIONS.replace("status", "is_split,status");
    let list = format!(
        "{header}1,s1,nora@x.com,10.00,50.00,yes,approved,2026-03-01\n2,s1,felix@x.com,10.00,50.00,yes,approved,2026-03-01\n"
    );
    let said = audit(&place(TWENTY_PERCENT, &sales), &list, &[]);
    assert_eq!(said.findings(), found("sale_without_commission", -2000, 0));
    assert!(
        said.text.contains("its promoter is unknown"),
        "{}",
        said.text
    );
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    let nobody = lines.iter().find(|line| line["value"].is_null()).unwrap();
    assert_eq!(nobody["expected_cents"], 2000);
}

#[test]
fn the_number_of_a_payment_after_unknown_ones_is_unknown() {
    for version in [1, 2] {
        let place = Place::new();
        place.write(
            "account.toml",
            "commission_percent = 20\n[[promoter]]\nref_id = \"nora\"\nemail = \"nora@x.com\"\n\
             [[lead]]\nemail = \"a@x.com\"\npromoter = \"nora\"\ncreated_at = 2024-01-01\ncustomer_since = 2024-01-05\n",
        );
        place.write(
            "fprecon.toml",
            "[[audit.rule]]\nrate = \"20\"\nmax_recurring = 12\n",
        );
        place.write(
            "s.csv",
            &format!("{SALES}{}", SALE.replace("03-01", "10-01")),
        );
        let start = place.path("account.toml").display().to_string();
        let sandbox = SandboxProcess::start(&["--lead-share", "0", "--start", &start]);
        let run = |words: &[&str]| match version {
            1 => place.run_to(&sandbox, words),
            _ => place.run_to_v2(&sandbox, words),
        };
        run(&["run", "s.csv", "--yes"]).expect(0);
        let said = run(&["audit", "--live", "--json"]).expect(1).json();
        let own = unchecked(&said, "payment_number");
        assert_eq!(
            (&own["count"], &own["amount_cents"]["USD"]),
            (&json!(1), &json!(2000)),
            "{said:#}"
        );
    }
}

#[test]
fn what_the_accounts_list_suspects_is_judged_as_in_a_csv() {
    let place = Place::new();
    place.write(
        "account.toml",
        "commission_percent = 20\n[[promoter]]\nref_id = \"nora\"\nemail = \"nora@x.com\"\n\
         [[lead]]\nemail = \"a@x.com\"\npromoter = \"nora\"\ncreated_at = 2026-02-01\n",
    );
    place.write("fprecon.toml", TWENTY_PERCENT);
    place.write("s.csv", &format!("{SALES}{SALE}"));
    let start = place.path("account.toml").display().to_string();
    let sandbox = SandboxProcess::start(&["--lead-share", "0", "--start", &start]);
    place
        .run_to_v2(&sandbox, &["run", "s.csv", "--yes"])
        .expect(0);
    let clean = place
        .run_to_v2(&sandbox, &["audit", "--live", "--json"])
        .json();
    assert_eq!(
        clean["theirs"]["columns_that_decide"],
        json!([]),
        "{clean:#}"
    );
    let listings = std::fs::read_dir(place.path("audit/listings")).unwrap();
    let files = listings.map(|entry| entry.unwrap().path());
    let file = files
        .filter(|path| path.display().to_string().contains("commissions-"))
        .max()
        .unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let suspected = text
        .replace("\"no_suspicion\"", "\"same_promoter_email\"")
        .replace(
            "\"is_self_referral\":\"false\"",
            "\"is_self_referral\":\"true\"",
        );
    assert_ne!(text, suspected);
    std::fs::write(&file, suspected).unwrap();
    let said = place
        .run_to_v2(&sandbox, &["audit", "--json"])
        .expect(1)
        .json();
    let right = json!([
        {"name": "fraud_check", "commissions": 1},
        {"name": "is_self_referral", "commissions": 1},
    ]);
    assert_eq!(said["theirs"]["columns_that_decide"], right, "{said:#}");
    let text = place.run_to_v2(&sandbox, &["audit"]).stdout();
    assert!(!text.contains("No difference."), "{text}");
    assert!(!text.contains("No differences.\n"), "{text}");
}

#[test]
fn a_dispute_that_is_open_is_said() {
    let header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Currency,Description,Status,Customer ID,Customer Email,Disputed Amount,Dispute Status,Invoice ID\n";
    let row = |status: &str| {
        format!(
            "ch_1,2026-03-01 10:00:00,100.00,0.00,usd,true,100.00,usd,,Paid,cus_1,a@x.com,100.00,{status},in_1\n"
        )
    };
    let place = place(TWENTY_PERCENT, "");
    let list = format!("{COMMISSIONS}{}", RIGHT.replace("s1", "in_1"));
    for (status, count) in [("needs_response", 1), ("under_review", 1), ("won", 0)] {
        place.write("s.csv", &format!("{header}{}", row(status)));
        let said = audit(&place, &list, &[]);
        assert_eq!(said.findings(), [], "{status}: {}", said.text);
        let own = unchecked(&said.json, "dispute_open");
        assert_eq!(
            own["count"].as_u64().unwrap_or(0),
            count,
            "{status}: {}",
            said.text
        );
    }
}

#[test]
fn ids_that_are_near_are_offered_or_taken() {
    for (ours, theirs) in [("INV-100", "INV 100"), ("1001", "#1001")] {
        let said = by(
            TWENTY_PERCENT,
            &SALE.replace("s1", ours),
            &RIGHT.replace("s1", theirs),
        );
        assert!(
            said.text.contains(&format!("its id is near `{ours}`")),
            "{theirs}: {}",
            said.text
        );
    }
    let sales = SALE.replace("s1", "00123") + &SALE.replace("s1", "123").replace("a@", "b@");
    let list = RIGHT.replace("s1", "'00123") + &RIGHT.replace("1,s1", "2,123");
    assert_eq!(by(TWENTY_PERCENT, &sales, &list).findings(), []);
}

#[test]
fn running_totals_of_which_the_list_has_the_last_are_one() {
    let sales = format!(
        "{SALE}refund,s1_refund_3000,s1,a@x.com,,30.00,USD,2026-03-03T10:00:00Z\n\
         refund,s1_refund_5000,s1,a@x.com,,20.00,USD,2026-03-05T10:00:00Z\n"
    );
    let back = "2,s1_refund_5000,nora@x.com,-10.00,-50.00,approved,2026-03-05\n";
    let said = by(TWENTY_PERCENT, &sales, &format!("{RIGHT}{back}"));
    said.expect_no_finding(0);
    // Its own part alone leaves the other open.
    let part = back.replace("-10.00,-50.00", "-4.00,-20.00");
    let said = by(TWENTY_PERCENT, &sales, &format!("{RIGHT}{part}"));
    assert_eq!(said.findings(), found("refund_not_taken_back", 600, 0));
}

#[test]
fn a_commission_for_nobody_and_a_rule_for_nothing_are_said() {
    let sales = format!("{SALE}{}", SALE.replace("s1", "s2").replace("a@", "b@"));
    let nobody = "2,s2,,20.00,100.00,approved,2026-03-01\n";
    let said = by(TWENTY_PERCENT, &sales, &format!("{RIGHT}{nobody}"));
    said.expect_no_finding(1);
    assert_eq!(
        unchecked(&said.json, "no_promoter")["amount_cents"]["USD"],
        2000
    );
    // A rule for a promoter of whom there is no commission that it is for.
    let rules = format!(
        "{TWENTY_PERCENT}[[audit.rule]]\npromoter = \"nora@x.com\"\nrate = \"20\"\n\
        [[audit.rule]]\npromoter = \"felix@x.com\"\nrate = \"30\"\n"
    );
    let denied = "2,s2,felix@x.com,30.00,100.00,denied,2026-03-01\n";
    let said = by(&rules, SALE, &format!("{RIGHT}{denied}"));
    assert_eq!(said.json["unapplied_rules"], json!([3]), "{}", said.text);
    assert!(
        said.text.contains("Rule 3 was applied to no commission."),
        "{}",
        said.text
    );
}

#[test]
fn a_rule_by_which_a_commission_is_judged_was_applied_whatever_the_commission_is() {
    let rules = "[[audit.rule]]\npromoter = \"nora@x.com\"\nrate = \"20\"\n\
        [[audit.rule]]\nrate = \"10\"\n";
    let header = COMMISSIONS.replace("status", "is_split,status");
    let halves = "1,s1,nora@x.com,12.00,100.00,yes,approved,2026-03-01\n\
        2,s1,felix@x.com,8.00,100.00,yes,approved,2026-03-01\n";
    let denied = "1,s1,nora@x.com,20.00,100.00,,denied,2026-03-01\n";
    for (list, expected_cents) in [(halves, 2_000), (denied, 2_000)] {
        let said = audit(&place(rules, SALE), &format!("{header}{list}"), &[]);
        let in_all = &said.json["totals"]["in_all"]["USD"];
        assert_eq!(in_all["expected_cents"], expected_cents, "{}", said.text);
        assert_eq!(said.json["unapplied_rules"], json!([]), "{}", said.text);
        // Also where the days that are shown have none of them.
        let april = ["--from", "2026-04-01", "--to", "2026-04-30"];
        let later = format!("{SALE}{}", SALE.replace("s1", "s2").replace("-03-", "-04-"));
        let list = format!("{header}{list}9,s2,ida@x.com,10.00,100.00,,approved,2026-04-01\n");
        let said = audit(&place(rules, &later), &list, &april);
        said.expect_no_finding(0);
        assert_eq!(said.json["unapplied_rules"], json!([]), "{}", said.text);
    }
}

#[test]
fn what_was_not_checked_and_comes_to_nothing_has_no_sum() {
    let said = by(
        "",
        SALE,
        "1,s1,nora@x.com,0.00,100.00,approved,2026-03-01\n",
    );
    assert_eq!(unchecked(&said.json, "rate_unknown")["count"], 1);
    assert!(
        said.text
            .starts_with("Not checked: the rate of 1 commission: no rule is for them"),
        "{}",
        said.text
    );
}
