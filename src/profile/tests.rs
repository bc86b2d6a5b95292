use std::collections::BTreeMap;

use toml::Table;

use super::built_in::BUILT_IN;
use super::*;
use crate::event::Kind;

fn load(config: &str) -> Result<Profiles, ProfileError> {
    let tables: Table = config.parse().unwrap();
    let own: BTreeMap<String, Table> = tables
        .into_iter()
        .map(|(name, table)| (name, table.as_table().unwrap().clone()))
        .collect();
    Profiles::load(&own)
}

fn refused(config: &str) -> String {
    load(config).unwrap_err().to_string()
}

fn header(line: &str) -> Vec<String> {
    line.split(',').map(str::to_owned).collect()
}

/// Returns a complete profile, followed by the lines that a test adds.
fn whole(more: &str) -> String {
    format!(
        "[mine]\ntitle = \"t\"\nbased_on = \"r\"\ncolumns = {{ id = \"Id\", email = \"Mail\", total = \"Total\" }}\ncustomer = {{ email = \"email\" }}\n{more}"
    )
}

const SALE: &str = "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\n";

#[test]
fn one_thing_of_a_profile_can_be_changed() {
    let profiles = load(
        "[mine]\nextends = \"stripe-payments\"\n[mine.columns]\nstatus = \"State\"\n[mine.known]\nstatus = [\"Paid\", \"Bezahlt\"]\n",
    )
    .unwrap();
    let mine = profiles.named("mine").unwrap();
    let stripe = profiles.named("stripe-payments").unwrap();
    let names = |profile: &Profile, column: &str| {
        let found = profile.columns.iter().find(|c| c.name == column).unwrap();
        found.headers.clone()
    };
    assert_eq!(names(mine, "status"), ["State"]);
    assert_eq!(names(mine, "amount"), names(stripe, "amount"));
    assert_eq!(mine.events.len(), stripe.events.len());
    assert_eq!(mine.known.len(), stripe.known.len());
    assert!(mine.known.iter().any(|(_, words)| words.list.len() == 2));

    let line = "id,Created (UTC),Amount,Amount Refunded,Currency,Captured,State,Customer ID,Customer Email";
    assert_eq!(profiles.detect(&header(line)).unwrap().0.name, "mine");
    let line = line.replace("State", "Status");
    let found = profiles.detect(&header(&line)).unwrap().0;
    assert_eq!(found.name, "stripe-payments");
}

#[test]
fn a_profile_of_a_built_in_ones_name_takes_its_place() {
    let profiles =
        load("[generic]\nextends = \"generic\"\n[generic.columns]\nevent_id = \"Order\"\n")
            .unwrap();
    assert_eq!(profiles.iter().count(), BUILT_IN.len());
    let found = profiles.detect(&header("Order,email,amount")).unwrap().0;
    assert_eq!(found.name, "generic");
}

#[test]
fn the_header_decides_and_else_the_closest_profile_is_named() {
    let profiles = load("").unwrap();
    let misfits = profiles
        .detect(&header(
            "id,Created (UTC),Amount,Amount Refunded,Currency,Captured,Customer ID,Customer Email",
        ))
        .unwrap_err()
        .misfits;
    assert_eq!(misfits[0].profile, "stripe-payments");
    assert_eq!(misfits[0].reason(), "lacks `Status`");

    let misfits = profiles
        .detect(&header("event_id,amount"))
        .unwrap_err()
        .misfits;
    assert_eq!(misfits[0].profile, "generic");
    assert_eq!(misfits[0].reason(), "lacks `email` or `uid`");

    let misfits = profiles
        .detect(&header("event_id,email,amount,amount"))
        .unwrap_err()
        .misfits;
    assert_eq!(misfits[0].reason(), "has `amount` more than once");
}

#[test]
fn what_an_event_says_has_to_be_there() {
    assert!(load(&whole(SALE)).is_ok());
    assert_refused(&[
        ("", "there is no `[[event]]`, so no row could be one"),
        (
            "event = []\n",
            "there is no `[[event]]`, so no row could be one",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\n",
            "an `[[event]]` of kind `sale` needs `amount`",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\namount = \"total\"\n",
            "an `[[event]]` of kind `sale` needs `event_id`",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\namount = \"sum\"\nevent_id = [\"{id}\"]\n",
            "`event.amount` refers to `sum`, which is not a column",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\namount = \"total\"\nevent_id = [\"{nr}\"]\n",
            "`an id` refers to `nr`, which is not a column",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\namount = \"total\"\nevent_id = [\"{id\"]\n",
            "the id `{id` has a `{` without a `}`",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\namount = \"total\"\nevent_id = [\"id\"]\n",
            "the id `id` has no column in it, so every row would have the same id",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\nwhen = { state = \"paid\" }\n",
            "`when` refers to `state`, which is not a column",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\nrunning_total = true\n",
            "`running_total` is for refunds with a `sale_event_id`, from which their ids are made",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\nwhen = { id = {} }\n",
            "the table for `id` in a `when` has no test in it",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\nunless = {}\n",
            "`unless` without a test would exclude every row",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = { column = \"total\", minus = [\"tax\"] }\n",
            "`event.amount.minus` refers to `tax`, which is not a column",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = { column = \"total\", sign = \"minus\" }\n",
            "expected a column, or { column = …, sign = …, plus = […], minus = […], less_tax = … }",
        ),
        (
            "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\ncreated_at = [{ day = \"id\" }]\n",
            "expected a column, or { date = …, time = …, zone = … }",
        ),
    ]);
}

#[test]
fn what_a_profile_says_beside_its_events_has_to_be_there() {
    assert_refused(&[
        (
            "[mine.money]\ncurrency = \"dollars\"\n[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\n",
            "`money.currency` is `dollars`, which is not an ISO 4217 code",
        ),
        (
            "[mine.dates]\nzone = \"Mars\"\n[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{id}\"]\namount = \"total\"\n",
            "`dates.zone` is `Mars`, which is not a time zone",
        ),
        (
            "[mine.dates]\nformats = [\"%d/%m/%Y\", \"%Y-%m-%d\", \"%m/%d/%Y %H:%M\"]\n[[mine.event]]\nkind = \"sale\"\n",
            "`dates.formats` has `%d/%m/%Y` and `%m/%d/%Y %H:%M`: many dates are different days in the two",
        ),
        (
            "[mine.dates]\nzones = { PST = \"8\" }\n[[mine.event]]\nkind = \"sale\"\n",
            "`dates.zones.PST` is `8`, which is neither an offset nor a time zone",
        ),
        (
            "[mine.dates]\nformats = [\"%Z %Y-%m-%d\"]\n[[mine.event]]\nkind = \"sale\"\n",
            "`dates.formats` has `%Z %Y-%m-%d`, but `%Z` can only be at the end, after a space",
        ),
        (
            "[mine.dates.columns.day]\nzone = \"UTC\"\n[[mine.event]]\nkind = \"sale\"\n",
            "`dates.columns` refers to `day`, which is not a column",
        ),
        (
            "[mine.money.format]\nthousands = \".\"\n[[mine.event]]\nkind = \"sale\"\n",
            "`money.format` needs two different separators that are neither digits nor signs",
        ),
        (
            "[mine.money.format]\nstrip = \"$.\"\n[[mine.event]]\nkind = \"sale\"\n",
            "`money.format.strip` must be a symbol without digits, signs and separators",
        ),
        (
            "[mine.known]\nid = { words = \"ids\" }\n[[mine.event]]\nkind = \"sale\"\n",
            "`known` refers to the words `ids`, but there is no such list",
        ),
        (
            "[mine.continuation]\nsame = []\nwhen = { id = \"1\" }\n[[mine.event]]\nkind = \"sale\"\n",
            "`[continuation]` needs columns in `same` and tests in `when`",
        ),
    ]);
}

/// Checks that a profile with each of these tables is refused with the words beside it.
fn assert_refused(cases: &[(&str, &str)]) {
    for (more, expected) in cases {
        assert_eq!(refused(&whole(more)), format!("profile `mine`: {expected}"));
    }
}

#[test]
fn tests_on_one_cell_have_to_make_sense_together() {
    let when = |test: &str| whole(&format!("{SALE}when = {{ id = {{ {test} }} }}\n"));
    for (test, expected) in [
        (
            "empty = true, not = \"x\"",
            "`empty = true` for `id` can't be combined with other tests",
        ),
        ("pattern = \"(\"", "`(` for `id` is not a valid pattern: "),
        (
            "words = \"w\"",
            "`when` refers to the words `w`, but there is no such list",
        ),
        (
            "above = 3",
            "expected a word, a list of words, or a table with ",
        ),
    ] {
        let said = refused(&when(test));
        assert!(said.contains(expected), "{said}");
    }
    assert!(
        load(&when(
            "pattern = \"^x\", not = [\"xy\"], sign = \"positive\""
        ))
        .is_ok()
    );
}

#[test]
fn folded_words_differ_in_letters_only() {
    let folded = WordSet {
        list: vec!["submitted_for_settlement".into()],
        spelling: Spelling::Loose,
    };
    assert!(folded.contain("Submitted For-Settlement"));
    assert!(!folded.contain("submittedforsettlement"));
    let any_case = WordSet {
        spelling: Spelling::AnyCase,
        ..folded.clone()
    };
    assert!(any_case.contain("Submitted_For_Settlement"));
    assert!(!any_case.contain("submitted for settlement"));
    let exact = WordSet {
        spelling: Spelling::Exact,
        ..folded
    };
    assert!(exact.contain("submitted_for_settlement"));
    assert!(!exact.contain("Submitted_for_settlement"));
    let german = WordSet {
        list: vec!["Rückzahlung".into(), String::new()],
        spelling: Spelling::AnyCase,
    };
    assert!(german.contain("RÜCKZAHLUNG") && german.contain(""));
    assert!(!german.contain("Ruckzahlung"));
}

#[test]
fn unknown_keys_are_errors_wherever_they_stand() {
    for config in [
        "[mine]\nextends = \"generic\"\ncolour = 1\n",
        "[mine]\nextends = \"generic\"\n[mine.money]\nunit = \"minor\"\n",
        "[mine]\nextends = \"generic\"\n[mine.columns]\nemail = { header = \"Mail\", optionl = true }\n",
        "[mine]\nextends = \"generic\"\n[[mine.ignore]]\nreason = \"r\"\nwhen = { kind = { empty = true, sign = \"zero\" } }\n",
        "[mine]\nextends = \"generic\"\n[[mine.event]]\nkind = \"gift\"\n",
    ] {
        assert!(refused(config).starts_with("profile `mine`: "), "{config}");
    }
}

#[test]
fn the_earlier_name_of_a_key_is_accepted() {
    let text = whole(SALE).replace("based_on", "rests_on");
    let profiles = load(&format!(
        "{text}[yours]\nextends = \"mine\"\nrests_on = \"s\"\n\
         [stripe-payments]\nrests_on = \"a file\"\n"
    ))
    .unwrap();
    let basis = |name: &str| profiles.named(name).unwrap().based_on.clone();
    assert_eq!(
        [basis("mine"), basis("yours"), basis("stripe-payments")],
        ["r", "s", "a file"]
    );
    let both = refused(&whole(&format!("rests_on = \"s\"\n{SALE}")));
    assert!(both.contains("unknown field `rests_on`"), "{both}");
}

#[test]
fn a_chain_of_profiles_ends_at_a_built_in_one() {
    assert_eq!(
        refused("[a]\nextends = \"b\"\n[b]\nextends = \"a\"\n"),
        "profile `a`: `extends` forms a circle"
    );
    assert_eq!(
        refused("[a]\nextends = \"a\"\n"),
        "profile `a`: `extends` forms a circle"
    );
    assert_eq!(
        refused("[a]\nextends = \"paddle\"\n"),
        "profile `a`: `extends` names `paddle`, but there is no such profile"
    );
    assert_eq!(
        refused("[a]\nextends = 1\n"),
        "profile `a`: `extends` must be a profile's name"
    );
    let chain: String = (0..20)
        .map(|n| format!("[p{n}]\nextends = \"p{}\"\n", n + 1))
        .collect();
    assert!(refused(&chain).contains("more than 8 profiles"));
}

#[test]
fn what_must_not_stand_in_a_header_is_inherited_and_being_off_is_not() {
    let profiles = load(&format!(
        "{}[mine.detect]\nenabled = false\nabsent = [\"Test\"]\n[yours]\nextends = \"mine\"\n",
        whole(SALE)
    ))
    .unwrap();
    let fits = |line: &str| {
        profiles
            .detect(&header(line))
            .map(|(found, _)| found.name.as_str())
    };
    assert_eq!(fits("Id,Mail,Total").unwrap(), "yours");
    let unfit = fits("Id,Mail,Total,Test").unwrap_err();
    assert_eq!(unfit.misfits[0].foreign, ["Test"]);
    assert!(!profiles.named("mine").unwrap().is_detected);
}

#[test]
fn a_question_is_open_until_its_key_is_set() {
    let asking = whole(&format!(
        "{SALE}[[mine.ask]]\nkey = \"money.format.unit\"\nquestion = \"cents?\"\n"
    ));
    let open = |config: &str| {
        load(config)
            .unwrap()
            .named("mine")
            .unwrap()
            .questions()
            .count()
    };
    assert_eq!(open(&asking), 1);
    let set = "[mine.money.format]\nunit = \"minor\"\n";
    assert_eq!(open(&format!("{asking}{set}")), 0);
}

#[test]
fn every_look_alike_says_how_it_is_told() {
    for known in look_alike::built_in().unwrap() {
        assert!(!known.fits(&header("id,amount")), "{known:?}");
    }
}

#[test]
fn a_column_that_is_asked_for_is_no_error_before_somebody_names_it() {
    let ask = "ask = [{ key = \"columns.promo\", question = \"which?\" }]\n";
    let sale = format!("{SALE}promo_code = \"promo\"\n");
    let base = whole(&format!("{ask}{sale}"));
    let named = |profile: &str, config: &str| {
        let profiles = load(config).unwrap();
        profiles.named(profile).unwrap().clone()
    };

    let mine = named("mine", &base);
    assert_eq!(mine.questions().collect::<Vec<_>>(), ["which?"]);
    assert!(mine.bind(&header("Id,Mail,Total")).is_ok());

    let more = "[more]\nextends = \"mine\"\ncolumns = { promo = \"Code\" }\n";
    let more = named("more", &format!("{base}{more}"));
    assert_eq!(more.questions().count(), 0);
    let misfit = more.bind(&header("Id,Mail,Total")).unwrap_err();
    assert_eq!(misfit.reason(), "lacks `Code`");
}

#[test]
fn an_error_knows_the_line_of_its_key() {
    let line = |more: &str| {
        let config = format!("[mine]\nextends = \"generic\"\n{more}");
        load(&config).unwrap_err().line_in(&config, &["mine"])
    };
    let event = "[[mine.event]]\nkind = \"sale\"\nevent_id = [\"{event_id}\"]\n";
    let amount = "amount = \"amount\"\n";
    for (more, expected) in [
        ("[mine.money]\ncurrency = \"EURO\"\n", Some(4)),
        ("colour = 1\n", Some(3)),
        ("[mine.money]\ncurency = \"EUR\"\n", Some(4)),
        ("[mine.columns]\n\nemail = { headr = \"x\" }\n", Some(5)),
        (
            "[mine.dates.zones]\nUTC = \"+00:00\"\nPST = \"-8\"\n",
            Some(5),
        ),
        (
            "[mine.dates]\nformats = [\n  \"%d/%m/%Y\",\n  \"%m/%d/%Y\",\n]\n",
            Some(6),
        ),
        ("[mine.known]\ncolor = [\"x\"]\n", Some(4)),
        // In the second of two rules: one without its amount, and one with a column that does not
        // exist.
        (&format!("{event}{amount}{event}"), Some(7)),
        (
            &format!("{event}{amount}{event}{amount}when = {{ color = \"x\" }}\n"),
            Some(11),
        ),
        (
            &format!("{event}{amount}{event}{amount}promo_code = \"color\"\n"),
            Some(11),
        ),
        (
            "columns = { event_id = \"Id\" }\nwords = { x = [] }\n[mine.customer]\nemail = \"mail\"\n",
            Some(6),
        ),
    ] {
        assert_eq!(line(more), expected, "{more}");
    }
    let inherited =
        "[base]\nextends = \"generic\"\nmoney = { currency = \"EURO\" }\n[a]\nextends = \"base\"\n";
    let error = load(inherited).unwrap_err();
    assert_eq!(error.profile, "a");
    assert_eq!(error.line_in(inherited, &["a"]), None);
    assert_eq!(error.line_in(inherited, &["base"]), Some(3));
}

/// A payment of zero is not a sale, and has to be ignored with a reason instead of being refused.
#[test]
fn every_built_in_profile_has_a_word_for_zero_amounts() {
    let profiles = load("").unwrap();
    for profile in profiles.iter() {
        let of_money = |rule: &EventRule| rule.kind == Kind::Sale && rule.amount.is_some();
        let is_zero = |test: &Test| matches!(test, Test::Sign(Sign::Zero));
        let mut ignored = profile.ignore.iter().map(|rule| &rule.scope.when);
        assert!(
            !profile.events.iter().any(of_money)
                || ignored.any(|when| when.iter().any(|(_, test)| is_zero(test))),
            "{}",
            profile.name
        );
    }
}
