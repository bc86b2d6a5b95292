//! What nobody can know from the two sides is said before the verdict; what they say is not read otherwise than it is.

use serde_json::{Value, json};

use super::lists::{
    COMMISSIONS, RIGHT, SALE, Said, TWENTY_PERCENT, audit, by, found, place, unchecked, with_column,
};

fn cents(said: &Said, key: &str) -> i64 {
    said.json["totals"]["in_all"]["USD"][key].as_i64().unwrap()
}

/// Sets net sales, expected and difference of a promoter.
fn of_promoter(said: &Said, name: &str) -> [i64; 3] {
    let lines = said.json["totals"]["by"]["promoter"].as_array().unwrap();
    let own = lines.iter().find(|line| line["value"] == name);
    let own = own.unwrap_or_else(|| panic!("{name}: {lines:?}"));
    ["net_cents", "expected_cents", "difference_cents"].map(|key| own[key].as_i64().unwrap())
}

#[test]
fn a_column_that_is_not_read_and_decides_stands_before_the_verdict() {
    for (column, value) in [
        ("Voided", "yes"),
        ("Storniert am", "2026-03-04"),
        ("Remboursé", "oui"),
        ("Fraude", "sí"),
        ("fraud_check", "same_ip_suspicion"),
        ("isOnHold", "true"),
        ("Rifiutata", "sì"),
        ("Geblokkeerd", "ja"),
        ("Test order", "1"),
        ("Valid", "no"),
        ("Auszahlbar", "nein"),
        ("Éligible", "non"),
        ("Activo", "no"),
        ("Final commission", "5.00"),
        ("Order currency", "EUR"),
        ("Order status", "chargeback"),
        ("Situação", "suspeito"),
    ] {
        let said = with_column(column, value);
        let right = format!("may decide what is paid: `{column}` (1 commission).");
        let first = said.text.lines().next().unwrap_or_default();
        assert!(first.contains(&right), "{}", said.text);
        assert_eq!(said.code, 1, "{column}");
        assert_eq!(said.json["needs_attention"], true);
        assert!(!said.text.contains("No difference."), "{}", said.text);
        let columns = &said.json["theirs"]["columns_that_decide"];
        assert_eq!(columns[0]["name"], column, "{columns}");
    }
}

#[test]
fn a_column_that_decides_nothing_leaves_the_verdict_as_it_is() {
    for (column, value) in [
        ("Voided", "no"),
        ("Storniert am", ""),
        ("Refunded amount", "0.00"),
        ("fraud_check", "no_suspicion"),
        ("Gültig", "ja"),
        ("Approved at", "2026-03-02T10:00:00Z"),
        ("Final commission", "20.00"),
        ("Order currency", "usd"),
        ("Order status", "completed"),
        ("Promoter name", "Nora"),
        ("Account holder", "Nora"),
    ] {
        let said = with_column(column, value);
        assert_eq!((said.findings(), said.code), (Vec::new(), 0), "{column}");
        assert!(said.text.contains("No difference."), "{}", said.text);
    }
}

#[test]
fn parts_of_a_split_commission_come_to_what_is_due() {
    let header = COMMISSIONS.replace("status", "is_split,status");
    let list = |parts: &[&str], said: &str| {
        let rows = parts.iter().enumerate().map(|(number, cents)| {
            format!("{number},s1,p{number}@x.com,{cents},100.00,{said},approved,2026-03-01\n")
        });
        let list = format!("{header}{}", rows.collect::<String>());
        audit(&place(TWENTY_PERCENT, SALE), &list, &[])
    };
    for said in ["yes", ""] {
        for (parts, off) in [
            (&["12.01", "8.00"][..], 1),
            (&["6.67", "6.67", "6.67"], 1),
            (&["6.66", "6.66", "6.66"], -2),
            (&["5.01", "5.01", "5.01", "5.00"], 3),
        ] {
            let audited = list(parts, said);
            let right = found("commission_differs", off, 0);
            assert_eq!(audited.findings(), right, "{parts:?} {said}");
            assert_eq!(cents(&audited, "expected_cents"), 2000, "{parts:?}");
            assert_eq!(audited.code, 1);
        }
        for parts in [&["6.67", "6.67", "6.66"][..], &["19.99", "0.01"]] {
            assert_eq!(list(parts, said).findings(), [], "{parts:?} {said}");
        }
    }
    assert!(
        list(&["12.01", "8.00"], "yes")
            .text
            .contains("the 2 parts of the commission come to")
    );
}

#[test]
fn parts_of_one_promoter_are_no_duplicates() {
    let header = COMMISSIONS.replace("status", "is_split,status");
    let alias = format!("{TWENTY_PERCENT}[audit.alias]\n\"old@x.com\" = \"nora@x.com\"\n");
    let sales = format!("{SALE}refund,r1,s1,a@x.com,,50.00,USD,2026-03-05T10:00:00Z\n");
    for (rules, other, said) in [
        (TWENTY_PERCENT, "nora", "yes"),
        (TWENTY_PERCENT, "nora", ""),
        (&alias, "old", ""),
    ] {
        let list = format!(
            "{header}1,s1,nora@x.com,12.00,100.00,{said},approved,2026-03-01\n\
             2,s1,{other}@x.com,8.00,100.00,{said},approved,2026-03-01\n"
        );
        assert_eq!(audit(&place(rules, SALE), &list, &[]).findings(), []);
        let list = format!(
            "{list}3,r1,nora@x.com,-6.00,-50.00,{said},approved,2026-03-05\n\
             4,r1,{other}@x.com,-4.00,-50.00,{said},approved,2026-03-05\n"
        );
        let audited = audit(&place(rules, &sales), &list, &[]);
        assert_eq!(audited.findings(), [], "{other} {said}");
        assert_eq!(of_promoter(&audited, "nora@x.com"), [5000, 1000, 0]);
    }
}

#[test]
fn commissions_without_ids_are_those_of_the_sales_of_their_days() {
    let rules = format!("[audit]\nmatch_by_customer = true\n{TWENTY_PERCENT}");
    let header = COMMISSIONS
        .replace("event_id,", "")
        .replace("status", "email,status");
    let audited = |sale_days: &[u32], days: &[u32]| {
        let sales = sale_days.iter().enumerate().map(|(number, day)| {
            format!("sale,s{number},,a@x.com,,100.00,USD,2026-03-{day:02}T10:00:00Z\n")
        });
        let rows = days.iter().enumerate().map(|(number, day)| {
            format!(
                "{number},nora@x.com,20.00,100.00,a@x.com,approved,2026-03-{day:02}T10:00:00Z\n"
            )
        });
        let list = format!("{header}{}", rows.collect::<String>());
        audit(&place(&rules, &sales.collect::<String>()), &list, &[])
    };
    for (sales, commissions) in [
        (&[5, 6, 7][..], &[5, 6, 7][..]),
        (&[5, 5, 5], &[5, 5, 5]),
        // Each comes three days later.
        (&[5, 6, 7, 8], &[8, 9, 10, 11]),
    ] {
        let said = audited(sales, commissions);
        assert_eq!((said.findings(), said.code), (Vec::new(), 0), "{sales:?}");
    }
    let said = audited(&[5, 6], &[5, 6, 6]);
    assert_eq!(said.findings(), found("commission_without_sale", 2000, 0));
    assert_eq!(cents(&said, "expected_cents"), 4000);
    // One of three is missing: that of the day without one.
    let said = audited(&[5, 6, 7], &[5, 7]);
    assert_eq!(cents(&said, "difference_cents"), -2000);
    assert_eq!(said.json["findings"][0]["ours"]["event_id"], "s1");
}

#[test]
fn a_denied_sale_counts_for_the_volume() {
    let rules =
        format!("{TWENTY_PERCENT}[[audit.rule]]\nrate = \"25\"\nfrom_volume_cents = 15000\n");
    let sale = |number: u32| {
        format!("sale,s{number},,c{number}@x.com,,100.00,USD,2026-03-0{number}T10:00:00Z\n")
    };
    let sales: String = (1..=3).map(sale).collect();
    let list = |third: &str| {
        format!(
            "{RIGHT}2,s2,nora@x.com,20.00,100.00,denied,2026-03-02\n\
             3,s3,nora@x.com,{third},100.00,approved,2026-03-03\n"
        )
    };
    let said = by(&rules, &sales, &list("25.00"));
    assert_eq!(said.findings(), found("denied", -2000, 0));
    assert_eq!(cents(&said, "expected_cents"), 6500);
    let said = by(&rules, &sales, &list("20.00"));
    assert_eq!(cents(&said, "difference_cents"), -2500);
}

/// Nothing says which of two sales of one day without a time was first.
#[test]
fn sales_of_one_moment_are_in_the_order_that_fits_their_commissions() {
    let rules =
        format!("{TWENTY_PERCENT}[[audit.rule]]\nrate = \"25\"\nfrom_volume_cents = 10000\n");
    for (amounts, commissions, off) in [
        ([100, 50], [20.00, 10.00], 0),
        ([100, 50], [20.00, 12.50], 0),
        ([50, 100], [10.00, 20.00], 0),
    ] {
        let rows: Vec<(String, String)> = (0..2)
            .map(|number: usize| {
                let (amount, commission) = (amounts[number], commissions[number]);
                (
                    format!("sale,s{number},,a@x.com,,{amount}.00,USD,2026-03-01\n"),
                    format!("{number},s{number},nora@x.com,{commission:.2},{amount}.00,approved,2026-03-01\n"),
                )
            })
            .collect();
        let (sales, list): (Vec<String>, Vec<String>) = rows.into_iter().unzip();
        let said = by(&rules, &sales.concat(), &list.concat());
        assert_eq!(
            cents(&said, "difference_cents"),
            off,
            "{amounts:?} {commissions:?}"
        );
    }
}

#[test]
fn another_rate_is_near_by_what_remains_of_the_sale() {
    let rules =
        format!("[currencies]\nforeign = \"send\"\nrates = \"rates.csv\"\n{TWENTY_PERCENT}");
    let audited = |refunded: &str, sale: [&str; 2], back: [&str; 2]| {
        let sales = format!(
            "{}refund,r1,s1,a@x.com,,{refunded},EUR,2026-03-05T10:00:00Z\n",
            SALE.replace("USD", "EUR").replace("100.00", "10000.00")
        );
        let place = place(&rules, &sales);
        place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.10\n");
        let list = format!(
            "{COMMISSIONS}1,s1,nora@x.com,{},{},approved,2026-03-01\n\
             2,r1,nora@x.com,-{},-{},approved,2026-03-05\n",
            sale[0], sale[1], back[0], back[1]
        );
        audit(&place, &list, &[])
    };
    // 9,000 of 10,000 are refunded, sold at 1.15 and refunded at 1.05: 220 are due of what remains, and 410 stand.
    let said = audited("9000.00", ["2300.00", "11500.00"], ["1890.00", "9450.00"]);
    assert_eq!(
        said.findings(),
        found("refund_partly_taken_back", 18_000, 0)
    );
    assert_eq!(cents(&said, "expected_cents"), 23_000);
    // By one rate, or of a small part, it is near.
    let said = audited("9000.00", ["2300.00", "11500.00"], ["2070.00", "10350.00"]);
    said.expect_no_finding(0);
    let said = audited("500.00", ["2200.00", "11000.00"], ["105.00", "525.00"]);
    said.expect_no_finding(0);
}

#[test]
fn promoters_of_one_name_are_two_by_their_referral_ids() {
    let header = "id,event_id,promoter,ref_id,commission,sale_amount,status,created_at\n";
    let sales = format!("{SALE}{}", SALE.replace("s1", "s2"));
    let list = format!(
        "{header}1,s1,Eva,eva-north,26.00,100.00,approved,2026-03-01\n\
         2,s2,Eva,eva-south,14.00,100.00,approved,2026-03-01\n"
    );
    let said = audit(&place(TWENTY_PERCENT, &sales), &list, &[]);
    assert_eq!(of_promoter(&said, "eva (eva-north)"), [10_000, 2000, 600]);
    assert_eq!(of_promoter(&said, "eva (eva-south)"), [10_000, 2000, -600]);
    // One with an email has a referral id in each campaign.
    let said = audit(
        &place(TWENTY_PERCENT, &sales),
        &list.replace("Eva", "eva@x.com"),
        &[],
    );
    assert_eq!(of_promoter(&said, "eva@x.com"), [20_000, 4000, 0]);
}

#[test]
fn where_nothing_can_be_checked_there_is_no_verdict() {
    let header = COMMISSIONS.replace("event_id", "commission_type,unit,event_id");
    for (sales, rows) in [
        (SALE, "1,custom,,,nora@x.com,300.00,,approved,2026-03-01\n"),
        (SALE, "1,,points,,nora@x.com,300,,approved,2026-03-01\n"),
        ("", ""),
    ] {
        let said = audit(
            &place(TWENTY_PERCENT, sales),
            &format!("{header}{rows}"),
            &[],
        );
        assert!(
            said.text.contains("No verdict: nothing could be checked."),
            "{}",
            said.text
        );
        assert!(!said.text.contains("No difference"), "{}", said.text);
        assert_eq!(said.code, 1, "{rows}");
    }
}

#[test]
fn a_sale_before_the_first_commission_of_its_customer_is_said() {
    let sale =
        |number: u32| format!("sale,s{number},,a@x.com,,100.00,USD,2026-0{number}-01T10:00:00Z\n");
    let sales: String = (1..=3).map(sale).collect();
    let row = |number: u32| {
        format!("{number},s{number},nora@x.com,20.00,100.00,approved,2026-0{number}-01\n")
    };
    let said = by(TWENTY_PERCENT, &sales, &(row(2) + &row(3)));
    assert_eq!(unchecked(&said.json, "earlier_payment")["count"], 1);
    assert_eq!(said.code, 1);
    assert!(!said.text.contains("No difference."), "{}", said.text);
    // A commission for the first payment is for the first since the customer was referred.
    for payments in ["payments = \"first\"", "max_recurring = 1", "months = 1"] {
        let rules = format!("{TWENTY_PERCENT}{payments}\n");
        let said = by(&rules, &sales, &row(2));
        assert_eq!(said.findings(), [], "{payments}");
        assert_eq!(cents(&said, "expected_cents"), 2000);
        assert_eq!(
            unchecked(&said.json, "earlier_payment")["amount_cents"],
            json!({"USD": 10_000})
        );
    }
}

#[test]
fn a_duplicate_that_was_paid_out_and_reversed_is_still_to_come_back() {
    let header = COMMISSIONS.replace("status", "is_paid,status");
    let list = |paid: [&str; 2]| {
        let list = format!(
            "{header}1,s1,nora@x.com,20.00,100.00,no,approved,2026-03-01\n\
             2,s1,felix@x.com,20.00,100.00,{},approved,2026-03-01\n\
             3,s1,felix@x.com,-20.00,-100.00,{},approved,2026-03-04\n",
            paid[0], paid[1]
        );
        audit(&place(TWENTY_PERCENT, SALE), &list, &[])
    };
    let said = list(["yes", "no"]);
    assert_eq!(said.findings(), found("paid_before_refund", 0, 2000));
    assert_eq!(said.code, 1);
    for paid in [["yes", "yes"], ["no", "no"]] {
        assert_eq!(list(paid).findings(), [], "{paid:?}");
    }
}

#[test]
fn a_commission_of_a_row_that_cannot_be_read_is_not_for_nothing() {
    let bad = "sale,s2,,b@x.com,,50.00,USD,soon\n";
    let list = format!("{RIGHT}2,s2,nora@x.com,10.00,50.00,approved,2026-03-02\n");
    let said = by(TWENTY_PERCENT, &format!("{SALE}{bad}"), &list);
    said.expect_no_finding(1);
    assert_eq!(
        unchecked(&said.json, "event_held")["amount_cents"],
        json!({"USD": 1000})
    );
    assert!(
        said.text.contains("No verdict: not everything was read."),
        "{}",
        said.text
    );
    // Nor is one of a sale that a held refund names.
    let refund = "refund,r9,s9,b@x.com,,50.00,USD,2026-03-05T10:00:00Z\n";
    let said = by(
        TWENTY_PERCENT,
        &format!("{SALE}{refund}"),
        &list.replace("s2", "s9"),
    );
    assert!(!said.text.contains("nothing was billed"), "{}", said.text);
}

#[test]
fn ids_that_differ_in_signs_are_offered_or_matched() {
    let sales = format!("{SALE}{}", SALE.replace("s1", "00871").replace("a@", "b@"))
        + &SALE.replace("s1", "871").replace("100.00", "50.00");
    let list = format!(
        "{RIGHT}2,'00871,nora@x.com,20.00,100.00,approved,2026-03-01\n\
         3,871,nora@x.com,10.00,50.00,approved,2026-03-01\n"
    );
    assert_eq!(by(TWENTY_PERCENT, &sales, &list).findings(), []);
    for (ours, theirs) in [("ORD/77-1", "ord 77 1"), ("#5512", "5512")] {
        let said = by(
            TWENTY_PERCENT,
            &SALE.replace("s1", ours),
            &RIGHT.replace("s1", theirs),
        );
        let near = format!("its id is near `{ours}` (s.csv:2)");
        assert!(said.text.contains(&near), "{}", said.text);
    }
    // A commission in the sale's own currency was not converted.
    let rules = format!("[currencies]\nrates = \"rates.csv\"\n{TWENTY_PERCENT}");
    let place = place(&rules, &SALE.replace("USD", "EUR"));
    place.write("rates.csv", "date,currency,rate\n2026-01-01,EUR,1.10\n");
    let header = COMMISSIONS.replace("created_at", "created_at,currency");
    let list = format!("{header}{}", RIGHT.replace("03-01\n", "03-01,EUR\n"));
    assert_eq!(
        unchecked(&audit(&place, &list, &[]).json, "foreign_rate"),
        Value::Null
    );
}

#[test]
fn a_reversal_belongs_to_the_tier_in_which_its_promoter_has_earned() {
    let rules = format!("{TWENTY_PERCENT}[[audit.rule]]\ntier = 2\nrate = \"5\"\n");
    let sales = format!("{SALE}refund,r1,s1,a@x.com,,40.00,USD,2026-03-05T10:00:00Z\n");
    let header = COMMISSIONS.replace("status", "tier,status");
    let list = format!(
        "{header}1,s1,nora@x.com,20.00,100.00,1,approved,2026-03-01\n\
         2,s1,felix@x.com,5.00,100.00,2,approved,2026-03-01\n\
         3,r1,nora@x.com,-8.00,-40.00,1,approved,2026-03-05\n\
         4,r1,felix@x.com,-2.00,-40.00,,approved,2026-03-05\n"
    );
    let said = audit(&place(&rules, &sales), &list, &[]);
    said.expect_no_finding(0);
}

#[test]
fn an_audit_to_share_has_no_address_in_names_and_reasons() {
    let rules =
        format!("{TWENTY_PERCENT}[[audit.rule]]\ncampaign = \"of zoe@y.com\"\nrate = \"10\"\n");
    let header = COMMISSIONS.replace("status", "campaign,plan,status");
    let list = format!(
        "{header}1,s1,nora@x.com,25.00,100.00,of zoe@y.com,plan max@y.com,approved,2026-03-01\n"
    );
    let place = place(&rules, SALE);
    audit(&place, &list, &["--dir", "first"]);
    let accept = [
        "accept",
        "first/differences.csv",
        "--reason",
        "asked ceo@y.com, Ina Weber and +49 170 1234567",
        "--yes",
    ];
    assert_eq!(place.run(&accept).code(), 0);
    audit(&place, &list, &["--dir", "shared", "--redact"]);
    let mut read = 0;
    for name in [
        "audit.html",
        "summary.json",
        "differences.csv",
        "totals.csv",
        "matches.csv",
    ] {
        let text = std::fs::read_to_string(place.path("shared").join(name)).unwrap();
        for part in ["@y.com", "Ina Weber", "1234567"] {
            assert!(!text.contains(part), "{name}: {part}");
        }
        read += text.len();
    }
    assert!(read > 1000);
}

#[test]
fn a_redacted_audit_has_no_name_in_campaigns_plans_and_ids_of_promoters() {
    // A name may be a word of the tokens, of letters of two bytes, or a part of other words.
    let rules = "[[audit.rule]]\nrate = \"20\"\n\
        [[audit.rule]]\npromoter = \"Zoë Quill\"\ncampaign = \"VIP of ZOË QUILL\"\nrate = \"20\"\n\
        [[audit.rule]]\npromoter = \"name\"\nplan = \"Zoë Quill's gold\"\nrate = \"1\"\n";
    let sales = SALE.replace("created_at", "created_at,plan");
    let header = "id,event_id,promoter_id,promoter,ref_id,commission,sale_amount,status,campaign,plan,created_at\n";
    let list = format!(
        "{header}1,s1,zoe-id,Zoë Quill,zoeq,25.00,100.00,approved,VIP of Zoë Quill,plan zoeq,2026-03-01\n\
        2,s1,22,max@y.com,maxb,20.00,100.00,approved,Affiliates,Maximal for max,2026-03-02\n\
        3,s9,name,name,name,20.00,100.00,approved,the name of it,plan zoe-id,2026-03-02\n"
    );
    let place = place(rules, &sales);
    let said = audit(&place, &list, &["--dir", "shared", "--redact"]);
    let files = [
        "audit.html",
        "summary.json",
        "differences.csv",
        "totals.csv",
        "matches.csv",
    ];
    let mut texts: Vec<String> = files
        .map(|name| place.read(&format!("shared/{name}")))
        .into();
    texts.push(said.text);
    for text in &texts {
        let text = text.to_lowercase();
        for part in ["zoë", "quill", "zoeq", "zoe-id", "maxb", "for max"] {
            assert!(!text.contains(part), "{part}");
        }
    }
    let matches = &texts[4];
    assert!(matches.contains("VIP of name-"), "{matches}");
    assert!(matches.contains("Maximal for name-"), "{matches}");
    assert!(matches.contains("Affiliates"), "{matches}");
    // Each has one word in all columns and files.
    let totals = place.read("shared/totals.csv");
    let named = |text: &str, what: &str| {
        let at = text.find(what).map(|at| &text[at + what.len()..]);
        at.map(|text| {
            text.chars()
                .take_while(|sign| *sign != ',')
                .collect::<String>()
        })
    };
    let token = named(matches, "VIP of ").unwrap();
    assert!(totals.contains(&format!("promoter,{token},")), "{totals}");
}
