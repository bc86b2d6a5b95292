//! The verdict is never better than the facts: what was not compared, not known or not read is said.

use serde_json::{Value, json};

use super::lists::{COMMISSIONS, Said, TWENTY_PERCENT, audit, found, of, place, unchecked};
use crate::support::{Place, SandboxProcess};

const SALE: &str = "sale,s1,,a@x.com,,100.00,USD,2026-03-01T10:00:00Z\n";
const REFUND: &str = "refund,r1,s1,a@x.com,,100.00,USD,2026-03-05T10:00:00Z\n";
const RIGHT: &str = "1,s1,nora@x.com,20.00,100.00,approved,2026-03-01\n";

/// Returns the value of a reason in `unchecked`.
fn promoters(said: &Said) -> Vec<(String, i64, i64)> {
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    let cents = |line: &Value, key: &str| line[key].as_i64().unwrap();
    let line = |line: &Value| {
        (
            line["value"].as_str().unwrap_or_default().to_owned(),
            cents(line, "expected_cents"),
            cents(line, "actual_cents"),
        )
    };
    lines.iter().map(line).collect()
}

#[test]
fn without_a_rate_there_is_no_clean_verdict() {
    // Twelve commissions of twelve rates, and no rule.
    let (mut sales, mut list) = (String::new(), COMMISSIONS.to_owned());
    for number in 0..12 {
        sales += &format!("sale,s{number},,c{number}@x.com,,100.00,USD,2026-03-01T10:00:00Z\n");
        let cents = 20 + 3 * number;
        list += &format!("{number},s{number},nora@x.com,{cents}.00,100.00,approved,2026-03-01\n");
    }
    let said = audit(&place("", &sales), &list, &[]);
    assert_eq!(said.code, 1);
    assert_eq!(said.json["needs_attention"], true);
    let first = "Not checked: the rate of 12 commissions (438.00 USD)";
    assert!(said.text.starts_with(first), "{}", said.text);
    assert!(said.text.contains("No verdict: nothing could be checked."));
    assert!(!said.text.contains("No difference."), "{}", said.text);
    // Of one of several tiers nobody knows the rate.
    let tiers = COMMISSIONS.replace("status", "tier,status");
    let list = format!(
        "{tiers}1,s1,nora@x.com,20.00,100.00,1,approved,2026-03-01\n\
         2,s1,felix@x.com,50.00,100.00,2,approved,2026-03-01\n"
    );
    let said = audit(&place(TWENTY_PERCENT, SALE), &list, &[]);
    said.expect_no_finding(1);
    assert!(
        said.text
            .starts_with("Not checked: the rate of 1 commission (50.00 USD)")
    );
    assert!(said.text.contains("No differences in what was checked."));
    // A list with nothing in it.
    let said = audit(&place(TWENTY_PERCENT, SALE), COMMISSIONS, &[]);
    assert_eq!(said.code, 1);
    assert!(said.text.contains("No verdict: nothing could be checked."));
}

/// Whatever the rate was, nothing is left of it.
#[test]
fn the_rate_of_what_was_undone_need_not_be_known() {
    let list = format!("{COMMISSIONS}{RIGHT}2,r1,nora@x.com,-20.00,-100.00,approved,2026-03-05\n");
    let said = audit(&place("", &format!("{SALE}{REFUND}")), &list, &[]);
    said.expect_no_finding(0);
    assert!(said.text.contains("No differences.\n"), "{}", said.text);
}

#[test]
fn a_commission_with_a_part_below_the_hundredth_is_refused() {
    let place = place("", "sale,s1,,a@x.com,,10.000,KWD,2026-03-01T10:00:00Z\n");
    place.write(
        "fprecon.toml",
        &format!("[api]\naccount_currency = \"KWD\"\n{TWENTY_PERCENT}"),
    );
    let list =
        |cents: &str| format!("{COMMISSIONS}1,s1,nora@x.com,{cents},10.000,approved,2026-03-01\n");
    let said = audit(&place, &list("2.009"), &[]);
    assert_eq!(said.code, 1);
    assert!(said.text.contains("c.csv:2: error:"), "{}", said.text);
    assert!(said.text.contains("hundredths of KWD"), "{}", said.text);
    assert!(
        said.text
            .contains("Not complete: 1 commission of theirs cannot be read.")
    );
    for right in ["2.000", "2.00", "2"] {
        let said = audit(&place, &list(right), &[]);
        assert_eq!((said.findings(), said.code), (Vec::new(), 0), "{right}");
    }
}

#[test]
fn two_promoters_with_one_name_are_two() {
    let header = "id,event_id,promoter_id,promoter,commission,sale_amount,status,created_at\n";
    let sales = format!("{SALE}{}", SALE.replace("s1", "s2").replace("a@", "b@"));
    let list = format!(
        "{header}1,s1,7,Anna Berg,30.00,100.00,approved,2026-03-01\n\
         2,s2,8,Anna Berg,10.00,100.00,approved,2026-03-01\n"
    );
    let said = audit(&place(TWENTY_PERCENT, &sales), &list, &[]);
    let names = [("anna berg (7)", 2000, 3000), ("anna berg (8)", 2000, 1000)];
    let right: Vec<_> = names
        .map(|(name, one, two)| (name.to_owned(), one, two))
        .into();
    assert_eq!(promoters(&said), right);
    assert!(said.text.contains("anna berg (7)"), "{}", said.text);
    let list = format!(
        "{header}1,s1,7,Anna Berg,20.00,100.00,approved,2026-03-01\n\
         2,r1,8,Anna Berg,-20.00,-100.00,approved,2026-03-05\n"
    );
    let said = audit(
        &place(TWENTY_PERCENT, &format!("{SALE}{REFUND}")),
        &list,
        &[],
    );
    let line = "taken from `anna berg (8)`, and `anna berg (7)` keeps";
    assert!(said.text.contains(line), "{}", said.text);
    // Redacted, they are two as well, and have no name.
    let said = audit(&place(TWENTY_PERCENT, &sales), &list, &["--redact"]);
    assert!(!said.text.contains("anna"), "{}", said.text);
    assert!(said.text.contains(" (7)"), "{}", said.text);
    // One promoter under two names is one.
    let list = format!(
        "{header}1,s1,7,Anna Berg,20.00,100.00,approved,2026-03-01\n\
         2,s2,7,Anna Thal,20.00,100.00,approved,2026-03-01\n"
    );
    let said = audit(&place(TWENTY_PERCENT, &sales), &list, &[]);
    assert_eq!(promoters(&said).len(), 1);
}

#[test]
fn columns_that_decide_are_read_or_named() {
    let with = |column: &str, value: &str| {
        let header = COMMISSIONS.replace("created_at", &format!("created_at,{column}"));
        let row = RIGHT.replace("03-01\n", &format!("03-01,{value}\n"));
        audit(&place(TWENTY_PERCENT, SALE), &format!("{header}{row}"), &[])
    };
    for column in [
        "Voided",
        "Deleted",
        "Cancelled",
        "Annulé",
        "Storniert",
        "Genehmigt",
        "Freigabe",
        "Montant",
        "Provisionsbetrag",
        "commission",
        "Divisa",
        "Estado",
        "Abgelehnt am",
    ] {
        let column = if column == "commission" {
            "Commission net"
        } else {
            column
        };
        let said = with(column, "x");
        assert_eq!(said.json["theirs"]["columns_not_read"], json!([column]));
        assert!(
            said.text.contains("No differences in what was checked."),
            "{column}"
        );
        assert!(
            said.text.contains(&format!("not read: `{column}`")),
            "{}",
            said.text
        );
    }
    for column in ["Devise", "Moneda", "Valuta", "Währung"] {
        let said = with(column, "EUR");
        assert_eq!(said.code, 1, "{column}");
        assert_eq!(
            unchecked(&said.json, "other_currency")["count"],
            1,
            "{column}"
        );
    }
    // So is a reversal in another currency than the commission.
    let header = COMMISSIONS.replace("created_at", "created_at,Devise");
    let list = format!(
        "{header}1,s1,nora@x.com,20.00,100.00,approved,2026-03-01,USD\n\
         2,r1,nora@x.com,-20.00,-100.00,approved,2026-03-05,EUR\n"
    );
    let said = audit(
        &place(TWENTY_PERCENT, &format!("{SALE}{REFUND}")),
        &list,
        &[],
    );
    assert_eq!(said.findings(), found("refund_not_taken_back", 2000, 0));
    assert_eq!(
        unchecked(&said.json, "other_currency")["count"],
        1,
        "{}",
        said.text
    );
}

#[test]
fn a_status_in_another_language_is_read_or_its_row_is_not() {
    for (column, word, code) in [
        ("Statut", "refusé", 1),
        ("Statut", "approuvé", 0),
        ("Stato", "rifiutato", 1),
        ("Statut", "rare", 1),
    ] {
        let list = format!("{COMMISSIONS}{RIGHT}")
            .replace("status", column)
            .replace("approved", word);
        let said = audit(&place(TWENTY_PERCENT, SALE), &list, &[]);
        assert_eq!(said.code, code, "{column} {word}: {}", said.text);
    }
}

#[test]
fn bonuses_units_and_moved_customers_of_a_csv_are_what_they_are() {
    let list = |column: &str, rows: &str| {
        let header = COMMISSIONS.replace("created_at", &format!("created_at,{column}"));
        let right = RIGHT.replace("03-01\n", "03-01,\n");
        let list = format!("{header}{right}{rows}");
        audit(&place(TWENTY_PERCENT, SALE), &list, &[])
    };
    let bonus = "2,,nora@x.com,500.00,,approved,2026-03-02,custom\n";
    let said = list("commission_type", bonus);
    said.expect_no_finding(0);
    assert_eq!(
        unchecked(&said.json, "by_hand")["amount_cents"]["USD"],
        50_000
    );
    // A word for what a sale earns, which is not by hand.
    let said = list("commission_type", &bonus.replace("custom", "sale"));
    assert_eq!(said.findings(), found("commission_without_sale", 50_000, 0));

    for (amount, unit, count) in [
        ("1", "free_months", 1),
        ("20.00", "points", 20),
        ("1500", "credits", 1500),
        ("", "free_months", 0),
    ] {
        let row = format!("2,,nora@x.com,\"{amount}\",,approved,2026-03-02,{unit}\n");
        let said = list("unit", &row);
        assert_eq!(said.findings(), [], "{unit}: {}", said.text);
        let sums = &unchecked(&said.json, "not_money");
        assert_eq!(
            (&sums["count"], &sums["amount_cents"][unit]),
            (&json!(1), &json!(count))
        );
    }
    for (unit, code) in [("USD", 1), ("usd", 1), ("cash", 1)] {
        let row = format!("1,s1,nora@x.com,30.00,100.00,approved,2026-03-01,{unit}\n");
        let header = COMMISSIONS.replace("created_at", "created_at,unit");
        let said = audit(&place(TWENTY_PERCENT, SALE), &format!("{header}{row}"), &[]);
        assert_eq!(
            said.findings(),
            found("commission_differs", 1000, 0),
            "{unit}"
        );
        assert_eq!(said.code, code);
    }

    let header = COMMISSIONS.replace("created_at", "created_at,email");
    let row = RIGHT.replace("03-01\n", "03-01,a@x.com (moved)\n");
    let said = audit(&place(TWENTY_PERCENT, SALE), &format!("{header}{row}"), &[]);
    assert!(said.text.contains("No differences.\n"), "{}", said.text);
}

#[test]
fn names_in_rules_are_meant_in_any_case_and_said_where_nothing_has_them() {
    let header = COMMISSIONS.replace("created_at", "created_at,plan,campaign");
    let said = |key: &str, name: &str| {
        let rules = format!("{TWENTY_PERCENT}[[audit.rule]]\n{key} = \"{name}\"\nrate = \"10\"\n");
        let row = RIGHT.replace("03-01\n", "03-01,Enterprise,Gold\n");
        audit(&place(&rules, SALE), &format!("{header}{row}"), &[])
    };
    for (key, name) in [
        ("plan", "enterprise"),
        ("plan", " ENTERPRISE"),
        ("campaign", "gold"),
        ("promoter", "Nora@x.com"),
    ] {
        let said = said(key, name);
        assert_eq!(
            said.findings(),
            found("commission_differs", 1000, 0),
            "{name}"
        );
        assert_eq!(said.json["unused_names"], json!([]));
    }
    for (key, name) in [
        ("plan", "corporate"),
        ("campaign", "silver"),
        ("promoter", "norah@x.com"),
    ] {
        let said = said(key, name);
        let line = format!("Rule 2 fits nothing: no {key} is called `{name}`.");
        assert!(said.text.contains(&line), "{}", said.text);
        assert!(said.text.contains("No differences in what was checked."));
        let unused = json!([{"rule": 2, "key": key, "name": name}]);
        assert_eq!(said.json["unused_names"], unused);
    }
}

#[test]
fn a_second_commission_that_was_taken_back_is_no_difference() {
    let sales = format!("{SALE}{REFUND}");
    let twice = format!("{RIGHT}2,s1,felix@x.com,20.00,100.00,approved,2026-03-01\n");
    let back = |number: u32, who: &str, cents: &str| {
        format!("{number},r1,{who}@x.com,{cents},-100.00,approved,2026-03-05\n")
    };
    // Felix's was reversed, and nora's has to be.
    let said = of(&sales, &format!("{twice}{}", back(3, "felix", "-20.00")));
    assert_eq!(said.findings(), found("refund_not_taken_back", 2000, 0));
    assert_eq!(
        said.json["findings"][0]["theirs"]["promoter"]["email"],
        "nora@x.com"
    );
    // Both were: nothing is to be done.
    let both = format!(
        "{twice}{}{}",
        back(3, "felix", "-20.00"),
        back(4, "nora", "-20.00")
    );
    assert_eq!(
        (of(&sales, &both).findings(), of(&sales, &both).code),
        (Vec::new(), 0)
    );
    // Half of the second one was.
    let half = format!(
        "{twice}{}{}",
        back(3, "felix", "-10.00"),
        back(4, "nora", "-20.00")
    );
    let said = of(&sales, &half);
    assert_eq!(said.findings(), found("commission_twice", 1000, 0));
    assert!(
        said.text.contains("10.00 USD of it is not reversed"),
        "{}",
        said.text
    );
    // The sale stands, and the second one was taken back by hand.
    let by_hand = format!("{twice}3,s1,felix@x.com,-20.00,-100.00,approved,2026-03-02\n");
    assert_eq!(of(SALE, &by_hand).findings(), []);
    let same = format!("{RIGHT}2,s1,nora@x.com,20.00,100.00,approved,2026-03-01\n");
    let by_hand = format!("{same}3,s1,nora@x.com,-20.00,-100.00,approved,2026-03-02\n");
    assert_eq!(of(SALE, &by_hand).findings(), []);
    // Two of one promoter, one refund, both reversed.
    let both = format!(
        "{same}{}{}",
        back(3, "nora", "-20.00"),
        back(4, "nora", "-20.00")
    );
    assert_eq!(of(&sales, &both).findings(), []);
}

#[test]
fn what_was_paid_is_unknown_where_commissions_that_do_not_say_it_come_to_nothing() {
    let list = format!("{RIGHT}2,r1,nora@x.com,-20.00,-100.00,approved,2026-03-05\n");
    let said = of(&format!("{SALE}{REFUND}"), &list);
    assert_eq!(said.json["totals"]["in_all"]["USD"]["paid_unknown"], 2);
    let line = said
        .text
        .lines()
        .find(|line| line.starts_with("nora@x.com"));
    assert!(
        line.is_some_and(|line| line.ends_with("unknown")),
        "{}",
        said.text
    );
}

/// An event that is held was billed, whatever nobody knows of it.
#[test]
fn nothing_is_denied_because_its_sale_is_held() {
    let held = |config: &str, sales: &str, list: &str| {
        let place = place(&format!("{config}{TWENTY_PERCENT}"), sales);
        place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.10\n");
        audit(&place, &format!("{COMMISSIONS}{list}"), &[])
    };
    let sales = format!("{SALE}{REFUND}").replace("USD", "EUR");
    let list = format!("{RIGHT}2,r1,nora@x.com,-20.00,-100.00,approved,2026-03-05\n");
    let total = list.replace("r1", "s1_refund_10000");
    let upper = list.replace("s1", "S1").replace("r1", "'r1");
    for (config, list) in [
        ("[currencies]\nforeign = \"hold\"\n", &list),
        (
            "[currencies]\nforeign = \"hold\"\nrates = \"rates.csv\"\n",
            &list,
        ),
        ("[currencies]\nforeign = \"hold\"\n", &total),
        ("[currencies]\nforeign = \"hold\"\n", &upper),
    ] {
        let said = held(config, &sales, list);
        said.expect_no_finding(1);
        assert_eq!(unchecked(&said.json, "event_held")["count"], 2);
        assert!(said.text.contains("No verdict: not everything was read."));
        assert!(!said.text.contains("nothing was billed"), "{}", said.text);
    }
    // Two exports that contradict each other.
    let place = place(TWENTY_PERCENT, SALE);
    let other = SALE.replace("100.00", "90.00");
    place.write("t.csv", &format!("{}{other}", super::lists::SALES));
    let said = audit(&place, &format!("{COMMISSIONS}{RIGHT}"), &["t.csv"]);
    said.expect_no_finding(1);
    // What was never billed is still named.
    let said = held("", &sales, &RIGHT.replace("s1", "s9"));
    assert_eq!(said.findings(), found("commission_without_sale", 2000, 0));
}

#[test]
fn what_was_accepted_is_listed_with_its_amount_and_its_reason() {
    let place = Place::new();
    place.write(
        "account.toml",
        "[[promoter]]\nref_id = \"nora\"\n[[lead]]\nemail = \"eva@example.com\"\npromoter = \"nora\"\n",
    );
    place.write(
        "fprecon.toml",
        &format!("[currencies]\nforeign = \"hold\"\n{TWENTY_PERCENT}"),
    );
    let start = place.path("account.toml").display().to_string();
    let sandbox = SandboxProcess::start(&["--lead-share", "0", "--start", &start]);
    place.write(
        "s.csv",
        "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         sale,s1,,eva@example.com,100.00,USD,2026-03-01T10:00:00Z\n\
         sale,s2,,eva@example.com,55.55,GBP,2026-03-02T10:00:00Z\n",
    );
    place
        .run_to(&sandbox, &["run", "s.csv", "--yes", "--dir", "rep"])
        .expect(1);
    let before = place
        .run_to(&sandbox, &["audit", "--live"])
        .expect(1)
        .stdout();
    assert!(
        before.contains("1 event of ours, held (55.55 GBP)"),
        "{before}"
    );
    let reason = ["accept", "rep/held.csv", "--reason", "GBP is another shop"];
    place.run_to(&sandbox, &reason).expect(0);
    let arguments = ["audit", "--dir", "out"];
    let said = place.run_to(&sandbox, &arguments).expect(0).stdout();
    assert!(!said.contains("No differences.\n"), "{said}");
    assert!(
        said.contains("No differences in what was checked."),
        "{said}"
    );
    let line = "Accepted and not compared: 1 event or row of ours (55.55 GBP).";
    assert!(said.contains(line), "{said}");
    let item = "`s2` (55.55 GBP), held: GBP is another shop";
    assert!(said.contains(item), "{said}");
    let summary: Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    let items = summary["accepted_items"].as_array().unwrap();
    assert_eq!(items.len(), 1);
    assert_eq!(items[0]["amount_cents"], 5555);
    assert_eq!(items[0]["currency"], "GBP");
    assert_eq!(items[0]["reason"], "GBP is another shop");
    assert!(place.read("out/audit.html").contains("GBP is another shop"));
    // In a month without it, there is nothing to say.
    let month = [
        "audit",
        "--from",
        "2026-04-01",
        "--to",
        "2026-04-30",
        "--json",
    ];
    let april = place.run_to(&sandbox, &month).expect(1).json();
    assert_eq!(april["accepted_items"], json!([]));
}
