//! Limits, volumes and names in the rules, against figures that were worked out by hand.

use serde_json::Value;

use super::cases::{Files, commission, found, sale};

fn rules(rest: &str) -> String {
    format!("[[audit.rule]]\nrate = \"20\"\n{rest}")
}

/// One sale and its commission.
fn one(rules: &str, amount: &str, cents: &str) -> Files {
    Files::new(
        rules,
        &sale("s1", "ana@example.com", amount, "2026-03-05", "pro"),
        &commission(1, "s1", "nora", cents, amount, "2026-03-05"),
    )
}

#[test]
fn a_cap_limits_the_commission_of_a_sale() {
    let capped = rules("cap_cents = 5000\n");
    for (amount, cents, over) in [
        ("1000.00", "50.00", 0),
        ("1000.00", "200.00", 15_000),
        ("250.00", "50.00", 0),
        ("249.95", "49.99", 0),
        ("100.00", "50.00", 3_000),
    ] {
        let found = found(&one(&capped, amount, cents).audit(&[]));
        let differences: Vec<i64> = found.iter().map(|one| one.2).collect();
        let expected: Vec<i64> = [over].into_iter().filter(|cents| *cents != 0).collect();
        assert_eq!(differences, expected, "{amount} {cents}");
    }
    let said = one(&capped, "1000.00", "200.00")
        .run(&[])
        .expect(1)
        .stdout();
    let line = "commission 200.00 USD; 20 % of 1,000.00 USD, up to 50.00 USD";
    assert!(said.contains(line), "{said}");
}

#[test]
fn a_refund_takes_its_part_of_a_capped_commission_back() {
    let sales = sale("s1", "ana@example.com", "1000.00", "2026-03-05", "pro")
        + "refund,r1,s1,ana@example.com,400.00,USD,2026-03-09T10:00:00Z,\n";
    for (back, over) in [("-20.00", 0), ("-80.00", -6_000)] {
        let theirs = commission(1, "s1", "nora", "50.00", "1000.00", "2026-03-05")
            + &commission(2, "r1", "nora", back, "-400.00", "2026-03-09");
        let files = Files::new(&rules("cap_cents = 5000\n"), &sales, &theirs);
        let sum: i64 = found(&files.audit(&[])).iter().map(|one| one.2).sum();
        assert_eq!(sum, over, "{back}");
    }
}

#[test]
fn only_so_many_payments_of_a_customer_earn() {
    let (mut sales, mut theirs) = (String::new(), String::new());
    for (month, number) in (1..=5).zip(1..) {
        let (id, day) = (format!("s{number}"), format!("2026-{month:02}-05"));
        sales += &sale(&id, "ana@example.com", "50.00", &day, "pro");
        theirs += &commission(number, &id, "nora", "10.00", "50.00", &day);
    }
    let files = Files::new(&rules("max_recurring = 3\n"), &sales, &theirs);
    let expected = [("s4", 1_000), ("s5", 1_000)];
    let all = found(&files.audit(&[]));
    let mut own: Vec<(&str, i64)> = all.iter().map(|one| (one.1.as_str(), one.2)).collect();
    own.sort();
    assert_eq!(own, expected);
    // In a month by itself the payments before it count as well.
    assert_eq!(files.month(4).len(), 1);
    assert_eq!(files.month(3), []);
}

#[test]
fn the_rate_rises_with_what_the_promoter_sold_before() {
    let rising = "[audit]\nvolume = \"VOLUME\"\n[[audit.rule]]\nrate = \"10\"\n[[audit.rule]]\nrate = \"20\"\nfrom_volume_cents = 30000\n[[audit.rule]]\nrate = \"30\"\nfrom_volume_cents = 100000\n";
    // nora: 200 (at 10), 200 (at 10: 200 before), 700 (at 20: 400 before), 100 (at 30: 1,100 before);
    // in April she begins anew. felix has sold nothing before.
    let sales = [
        ("s1", "200.00", "2026-03-01"),
        ("s2", "200.00", "2026-03-02"),
        ("s3", "700.00", "2026-03-03"),
        ("s4", "100.00", "2026-03-04"),
        ("s5", "100.00", "2026-04-01"),
    ];
    let sum = |volume: &str, cents: [&str; 5]| {
        let (mut ours, mut theirs) = (String::new(), String::new());
        for ((id, amount, day), (number, cents)) in sales.iter().zip((1..).zip(cents)) {
            let email = format!("{id}@example.com");
            ours += &sale(id, &email, amount, day, "pro");
            theirs += &commission(number, id, "nora", cents, amount, day);
        }
        ours += &sale("f1", "f1@example.com", "500.00", "2026-03-09", "pro");
        theirs += &commission(9, "f1", "felix", "50.00", "500.00", "2026-03-09");
        let rules = rising.replace("VOLUME", volume);
        found(&Files::new(&rules, &ours, &theirs).audit(&[]))
    };
    let month = ["20.00", "20.00", "140.00", "30.00", "10.00"];
    assert_eq!(sum("month", month), []);
    let all_time = ["20.00", "20.00", "140.00", "30.00", "30.00"];
    assert_eq!(sum("all-time", all_time), []);
    assert_eq!(sum("month", all_time)[0].1, "s5");
}

/// The second payment earns nothing, and counts for the volume of who brought the customer.
#[test]
fn a_sale_that_earns_nothing_counts_for_its_promoters_volume() {
    let rules = "[[audit.rule]]\nrate = \"10\"\n[[audit.rule]]\nrate = \"20\"\nfrom_volume_cents = 30000\n[[audit.rule]]\nplan = \"once\"\nrate = \"10\"\npayments = \"first\"\n";
    let sales = sale("s1", "ana@example.com", "100.00", "2026-03-01", "once")
        + &sale("s2", "ana@example.com", "250.00", "2026-03-02", "once")
        + &sale("s3", "ben@example.com", "100.00", "2026-03-03", "pro");
    let theirs = commission(1, "s1", "nora", "10.00", "100.00", "2026-03-01")
        + &commission(3, "s3", "nora", "20.00", "100.00", "2026-03-03");
    let audit = Files::new(rules, &sales, &theirs).audit(&[]);
    assert_eq!(found(&audit), []);
}

#[test]
fn a_rule_for_a_promoter_holds_under_every_name() {
    // Nobody has the new name yet.
    let rules = "[audit.alias]\n\"old@example.com\" = \"new@example.com\"\n[[audit.rule]]\nrate = \"20\"\n[[audit.rule]]\npromoter = \"NAME\"\nrate = \"30\"\n";
    for name in ["old@example.com", "NEW@example.com"] {
        let files = Files::new(
            &rules.replace("NAME", name),
            &sale("s1", "ana@example.com", "100.00", "2026-03-05", "pro"),
            &commission(1, "s1", "old", "30.00", "100.00", "2026-03-05"),
        );
        let audit = files.audit(&[]);
        assert_eq!(found(&audit), [], "{name}");
        let promoters = audit["totals"]["by"]["promoter"].as_array().unwrap();
        assert_eq!(promoters[0]["value"], "new@example.com", "{promoters:#?}");
    }
}

#[test]
fn ids_that_are_near_are_offered_where_several_could_be_meant() {
    let sales = sale("007", "ana@example.com", "100.00", "2026-03-05", "pro")
        + &sale("07", "ben@example.com", "100.00", "2026-03-05", "pro");
    let theirs = commission(1, "7", "nora", "20.00", "100.00", "2026-03-05");
    let files = Files::new(&rules(""), &sales, &theirs);
    let audit = files.audit(&[]);
    assert_eq!(found(&audit)[0].0, "commission_without_sale");
    assert_eq!(
        audit["findings"][0]["message"],
        "nothing was billed for this commission; its id is near `007` (sales.csv:2) and `07` (sales.csv:3)"
    );
    let mut more = sales.clone();
    for zeros in 3..=5 {
        let id = format!("{}7", "0".repeat(zeros));
        more += &sale(&id, "cyd@example.com", "100.00", "2026-03-05", "pro");
    }
    let audit = Files::new(&rules(""), &more, &theirs).audit(&[]);
    let message = audit["findings"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("and 2 more"), "{message}");
}

#[test]
fn the_settings_of_an_audit_say_limits_and_volumes_in_money() {
    let rules = "[[audit.rule]]\nrate = \"20\"\ncap_cents = 5000\nmax_recurring = 12\n[[audit.rule]]\nrate = \"25\"\nfrom_volume_cents = 1000000\n";
    let audit = one(rules, "100.00", "20.00").audit(&[]);
    let settings = audit["settings"].as_array().unwrap();
    let has = |name: &str, value: &str| {
        let own = Value::from(vec![name, value]);
        assert!(settings.contains(&own), "{own} in {settings:#?}");
    };
    has(
        "rule 1 (for all)",
        "20 %, up to 50.00 USD, first 12 payments",
    );
    has("rule 2 (for all)", "25 %, from sales of 10,000.00 USD");
    has("volume", "month");
}
