use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    audit: AuditRules,
}

fn rules(text: &str) -> Result<AuditRules, String> {
    let config: Result<Config, _> = toml::from_str(text);
    config
        .map(|config| config.audit)
        .map_err(|error| error.message().to_owned())
}

fn paid(rules: &AuditRules, promoter: &str, plan: &str, day: &str) -> Option<String> {
    let promoter = Promoter {
        email: Some(promoter.to_owned()),
        ..Promoter::default()
    };
    let deal = Deal {
        promoter: &promoter,
        campaign_id: Some("28004"),
        campaign: Some("Affiliates"),
        plan: Some(plan),
        tier: 1,
    };
    let day = day.parse().ok();
    let fitting = rules.for_deal(&deal);
    let rule = fitting.into_iter().find(|rule| rule.covers(day));
    rule.map(|rule| rule.pays.text("USD"))
}

#[test]
fn of_the_rules_that_fit_the_one_that_names_most_wins() {
    let rules = rules(
        r#"
        [[audit.rule]]
        rate = "20"
        [[audit.rule]]
        plan = "pro"
        rate = "12.5"
        [[audit.rule]]
        plan = "pro"
        rate = 30
        from = 2026-07-01
        until = "2026-07-31"
        [[audit.rule]]
        promoter = "Anna@example.com"
        campaign = 28004
        fixed_cents = 500
        "#,
    )
    .unwrap();
    let paid = |promoter, plan, day| paid(&rules, promoter, plan, day).unwrap();
    assert_eq!(paid("b@example.com", "basic", "2026-03-01"), "20 %");
    assert_eq!(paid("b@example.com", "pro", "2026-06-30"), "12.5 %");
    assert_eq!(paid("b@example.com", "pro", "2026-07-01"), "30 %");
    assert_eq!(paid("b@example.com", "pro", "2026-07-31"), "30 %");
    assert_eq!(paid("b@example.com", "pro", "no day"), "12.5 %");
    assert_eq!(paid("anna@example.com", "pro", "2026-07-01"), "5.00 USD");
}

#[test]
fn two_rules_of_which_neither_is_more_special_are_an_error_that_names_both() {
    let two = r#"
        [[audit.rule]]
        plan = "pro"
        rate = "20"
        [[audit.rule]]
        promoter = "anna"
        rate = "30"
    "#;
    assert_eq!(
        rules(two).unwrap_err(),
        "rule 1 (plan `pro`) and rule 2 (promoter `anna`) of `[[audit.rule]]` both fit the same \
         sales, and neither names more; give one of them what tells them apart, or add a rule \
         that names what both name"
    );
    let third = "[[audit.rule]]\nplan = \"pro\"\npromoter = \"anna\"\nrate = \"40\"";
    assert!(rules(&format!("{two}\n{third}")).is_ok());
    // Not everywhere where both fit.
    assert!(rules(&format!("{two}\n{third}\nfrom = \"2026-01-01\"")).is_err());
}

#[test]
fn rates_that_change_follow_each_other_and_may_not_overlap() {
    let two = |second: &str| {
        rules(&format!(
            "[[audit.rule]]\nrate = \"20\"\nuntil = \"2026-05-31\"\n
             [[audit.rule]]\nrate = \"25\"\nfrom = \"{second}\""
        ))
    };
    assert!(two("2026-06-01").is_ok());
    assert!(
        two("2026-05-31")
            .unwrap_err()
            .contains("rule 1 (until 2026-05-31) and rule 2")
    );
}

#[test]
fn what_is_wrong_is_named_by_its_key() {
    assert_refused(&[
        (
            "[audit]\nrounding = \"nearest\"",
            "`audit.rounding`: `nearest` is not a rounding; it is `half-up`, `half-even`, `down` or `up`",
        ),
        (
            "[audit]\nzone = \"Mars\"",
            "`audit.zone`: `Mars` is not a time zone; write it like `Europe/Berlin`",
        ),
        (
            "[audit]\ntolerance_cents = -1",
            "`audit.tolerance_cents`: `-1` is below zero",
        ),
        (
            "[audit]\nvolume = \"year\"",
            "`audit.volume`: `year` is neither `month` nor `all-time`",
        ),
    ]);
    let unknown = rules("[[audit.rule]]\nratte = \"5\"").unwrap_err();
    assert!(unknown.starts_with("unknown field `ratte`"), "{unknown}");
}

#[test]
fn what_is_wrong_in_a_rule_is_named_by_its_number_and_key() {
    assert_refused(&[
        (
            "[[audit.rule]]\nrate = \"12,5\"",
            "`audit.rule 1: rate`: `12,5` is not a rate; write percent like `12.5`, with four decimals at most",
        ),
        (
            "[[audit.rule]]\nrate = 12.5",
            "`audit.rule 1: rate`: write it in quotes: \"12.5\"",
        ),
        (
            "[[audit.rule]]\nplan = \"pro\"",
            "`audit.rule 1: rate`: is missing; say what the rule pays, by `rate` or `fixed_cents`",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\nfixed_cents = 5",
            "`audit.rule 1: fixed_cents`: can't be combined with `rate`; a rule pays by one of them",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\nmonths = 0",
            "`audit.rule 1: months`: `0` pays for nothing",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\npayments = \"once\"",
            "`audit.rule 1: payments`: `once` is neither `first` nor `recurring`",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\nfrom = \"31.1.2026\"",
            "`audit.rule 1: from`: `31.1.2026` is not a day; write it like `2026-01-31`",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\nfrom = 2026-02-01\nuntil = 2026-01-01",
            "`audit.rule 1: until`: `2026-01-01` is before `from`, 2026-02-01",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\nmonths = 3\nmax_recurring = 2",
            "`audit.rule 1: max_recurring`: can't be combined with `payments` or `months`; a rule has one of them",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\nmax_recurring = 0",
            "`audit.rule 1: max_recurring`: `0` pays for nothing",
        ),
        (
            "[[audit.rule]]\nfixed_cents = 5\ncap_cents = 4",
            "`audit.rule 1: cap_cents`: can't be combined with `fixed_cents`; it limits a `rate`",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\ncap_cents = -4",
            "`audit.rule 1: cap_cents`: `-4` is below zero",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\nfrom_volume_cents = -4",
            "`audit.rule 1: from_volume_cents`: `-4` is below zero",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\ntier = 2\nfrom_volume_cents = 4",
            "`audit.rule 1: from_volume_cents`: is for the first tier only",
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\ntier = 0",
            "`audit.rule 1: tier`: `0` is not a tier; the first is 1",
        ),
    ]);
}

/// Checks that each of these settings is refused with the words beside it.
fn assert_refused(cases: &[(&str, &str)]) {
    for (text, message) in cases {
        assert_eq!(rules(text).unwrap_err(), *message, "{text}");
    }
}

#[test]
fn what_is_wrong_is_found_in_its_place() {
    let line = |text: &str| {
        let wrong = AuditRules::check(text).unwrap_err();
        let byte = wrong.byte.unwrap();
        (1 + text[..byte].matches('\n').count(), wrong.message)
    };
    let cases = [
        ("[audit]\nzone = \"UTC\"\nrounding = \"nearest\"", 3),
        ("[audit]\nzone = \"UTC\"\ntolerance_cents = \"x\"", 3),
        ("[audit]\nzone = \"UTC\"\nzones = \"x\"", 3),
        (
            "[[audit.rule]]\nrate = \"5\"\nplan = \"a\"\n[[audit.rule]]\n\nrate = \"x\"",
            6,
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\n\n[[audit.rule]]\nplan = \"a\"",
            4,
        ),
        (
            "[[audit.rule]]\nrate = \"5\"\n\n[[audit.rule]]\nrate = \"6\"",
            4,
        ),
    ];
    for (text, expected) in cases {
        let (line, message) = line(text);
        assert_eq!(line, expected, "{message} in {text}");
    }
    assert_eq!(AuditRules::check("[api]\nwid = \"x\""), Ok(()));
}

#[test]
fn the_defaults_that_are_shown_are_those_in_force() {
    let mut text = String::from("[audit]\n");
    for (key, value) in AuditRules::KEYS {
        let is_word = value.parse::<i64>().is_err() && value.parse::<bool>().is_err();
        text += &if is_word {
            format!("{key} = \"{value}\"\n")
        } else {
            format!("{key} = {value}\n")
        };
    }
    assert_eq!(rules(&text).unwrap(), AuditRules::default());
}
