//! `--since` and `--until`: what is dated outside is counted and not sent, and sent by a later call whose range
//! has it.

use crate::support::{Place, SandboxProcess, form};
use serde_json::{Value, json};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

const HISTORY: &str = "\
    sale,s1,,ana@example.com,10.00,USD,2026-01-05T10:00:00Z\n\
    refund,r1,s1,ana@example.com,4.00,USD,2026-03-02T10:00:00Z\n\
    sale,s2,,ben@example.com,20.00,USD,2026-02-28T23:30:00Z\n\
    sale,s3,,cyd@example.com,30.00,USD,2026-03-31T23:30:00Z\n\
    sale,s4,,dan@example.com,40.00,USD,2026-04-01T00:00:00Z\n";

fn place(rows: &str) -> Place {
    let place = Place::new();
    place.write("x.csv", &format!("{HEADER}{rows}"));
    place
}

fn plan(place: &Place, options: &[&str], code: i32) -> Value {
    let all = [
        &["plan", "x.csv", "--json", "--events", "events.csv"],
        options,
    ]
    .concat();
    place.run(&all).expect(code).json()
}

/// The id and the state of each event of the plan.
fn states(place: &Place) -> Vec<String> {
    let records = place.csv("events.csv");
    let column = |name: &str| records[0].iter().position(|is| is == name).unwrap();
    let (id, state) = (column("event_id"), column("plan_state"));
    let mut states: Vec<String> = records[1..]
        .iter()
        .map(|record| format!("{} {}", record[id], record[state]))
        .collect();
    states.sort();
    states
}

fn ids(sandbox: &SandboxProcess) -> Vec<String> {
    let events = sandbox.events();
    let mut ids: Vec<String> = events
        .iter()
        .map(|event| event["event_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort();
    ids
}

fn codes(json: &Value) -> Vec<&str> {
    let problems = json["problems"].as_array().unwrap().iter();
    problems
        .map(|problem| problem["code"].as_str().unwrap())
        .collect()
}

#[test]
fn what_is_outside_is_counted_with_its_cents_and_a_refund_by_its_own_date() {
    let place = place(HISTORY);
    let planned = plan(
        &place,
        &["--since", "2026-03-01", "--until", "2026-03-31"],
        0,
    );
    assert_eq!(
        states(&place),
        [
            "r1 to_send",
            "s1 out_of_range",
            "s2 out_of_range",
            "s3 to_send",
            "s4 out_of_range"
        ]
    );
    assert_eq!(planned["events"]["by_plan"]["out_of_range"], 3);
    let balance = planned["events"]["balance"].as_array().unwrap();
    for line in balance {
        let parts = [
            "to_send",
            "settled",
            "duplicate",
            "conflict",
            "unlinked",
            "out_of_range",
        ];
        for of in ["count", "amount_cents"] {
            let sum: i64 = parts
                .iter()
                .map(|part| line[*part][of].as_i64().unwrap())
                .sum();
            assert_eq!(line["read"][of], sum, "{line}");
        }
    }
    assert_eq!(
        balance[0]["out_of_range"],
        json!({"count": 3, "amount_cents": 7000})
    );
    assert_eq!(codes(&planned), ["out-of-range"]);
    assert_eq!(
        planned["problems"][0]["message"],
        "dated outside of `--since 2026-03-01` `--until 2026-03-31`, and not sent: 3 sales, 70.00 USD"
    );
}

#[test]
fn a_later_call_sends_what_was_outside_once_and_the_reports_add_up() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = place(HISTORY);
    let run = |options: &[&str]| {
        let all = [
            &["run", "x.csv", "--yes", "--json", "--dir", "out"],
            options,
        ]
        .concat();
        place.run_to(&sandbox, &all).expect(0).json()
    };
    let march = run(&["--since", "2026-03-01", "--until", "2026-03-31"]);
    assert_eq!(march["events"]["by_plan"]["out_of_range"], 3);
    assert_eq!(ids(&sandbox), ["r1", "s3"]);
    let refund = sandbox.arrivals();
    let refund = refund
        .iter()
        .find(|arrival| form(arrival, "event_id").as_deref() == Some("r1"));
    assert_eq!(
        form(refund.unwrap(), "sale_event_id").as_deref(),
        Some("s1")
    );
    let of_report = place
        .run_to(&sandbox, &["report", "--json", "--dir", "again"])
        .expect(0)
        .json();
    assert_eq!(of_report["events"], march["events"]);
    assert!(place.read("again/report.html").contains("out of range"));
    let summary: Value = serde_json::from_str(&place.read("again/summary.json")).unwrap();
    assert_eq!(summary["events"]["by_plan"]["out_of_range"], 3);

    let april = run(&["--since", "2026-04-01"]);
    assert_eq!(april["events"]["by_plan"]["settled"], 2);
    assert_eq!(april["events"]["by_plan"]["out_of_range"], 2);
    let rest = run(&[]);
    assert_eq!(rest["events"]["by_plan"]["to_send"], 2);
    assert_eq!(rest["events"]["by_plan"]["out_of_range"], 0);
    assert_eq!(ids(&sandbox), ["r1", "s1", "s2", "s3", "s4"]);
    let again = run(&[]);
    assert_eq!(again["requests"], 0);
    assert_eq!(
        place.run(&["journal", "check", "--json"]).expect(0).json()["events"],
        5
    );
}

/// An export in a folder is not taken as read while some of it was outside.
#[test]
fn nights_over_a_folder_send_what_comes_into_the_range() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = Place::new();
    place.write("in/x.csv", &format!("{HEADER}{HISTORY}"));
    let night = |options: &[&str]| {
        let all = [&["run", "in/", "--yes", "--json"], options].concat();
        place.run_to(&sandbox, &all).expect(0).json()
    };
    for _ in 0..2 {
        let night = night(&["--until", "2026-02-28"]);
        assert_eq!(night["skipped"], json!([]));
        assert_eq!(ids(&sandbox), ["s1", "s2"]);
    }
    night(&["--until", "2026-03-31"]);
    assert_eq!(ids(&sandbox), ["r1", "s1", "s2", "s3"]);
    night(&[]);
    assert_eq!(ids(&sandbox), ["r1", "s1", "s2", "s3", "s4"]);
    assert_eq!(night(&[])["skipped"].as_array().unwrap().len(), 1);
}

#[test]
fn days_are_those_of_the_account_and_a_time_ends_a_range_before_it() {
    let place = place(HISTORY);
    let out = |options: &[&str]| -> Vec<String> {
        plan(&place, options, 0);
        let states = states(&place).into_iter();
        states
            .filter_map(|state| Some(state.strip_suffix(" out_of_range")?.to_owned()))
            .collect()
    };
    // In UTC, `s3` is in March, and `s2` in February.
    assert_eq!(out(&["--since", "2026-04-01"]), ["r1", "s1", "s2", "s3"]);
    assert_eq!(out(&["--until", "2026-02-28"]), ["r1", "s3", "s4"]);
    // A time parts what is there into two ranges, whatever its offset.
    let noon = [
        "2026-03-31T23:30",
        "2026-03-31T23:30:00Z",
        "2026-04-01T01:30:00+02:00",
    ];
    for at in noon {
        assert_eq!(out(&["--until", at]), ["s3", "s4"], "{at}");
        assert_eq!(out(&["--since", at]), ["r1", "s1", "s2"], "{at}");
    }
    place.write("fprecon.toml", "[audit]\nzone = \"Europe/Berlin\"\n");
    assert_eq!(out(&["--since", "2026-04-01"]), ["r1", "s1", "s2"]);
    assert_eq!(out(&["--until", "2026-02-28"]), ["r1", "s2", "s3", "s4"]);
    assert_eq!(out(&["--until", "2026-04-01T01:30"]), ["s3", "s4"]);
}

#[test]
fn what_no_date_places_is_held_and_what_is_held_outside_is_set_aside() {
    let place = place(
        "cancellation,c1,,ana@example.com,,,\n\
         sale,s1,,ana@example.com,10.00,USD,2026-03-05\n\
         refund,r8,s8,ben@example.com,5.00,USD,2026-01-09\n\
         refund,r9,s9,ben@example.com,5.00,USD,2026-03-09\n\
         sale,s5,,cyd@example.com,1O.00,USD,2026-01-05\n",
    );
    let planned = plan(&place, &["--since", "2026-03-01"], 1);
    assert_eq!(
        states(&place),
        [
            "c1 unlinked",
            "r8 out_of_range",
            "r9 unlinked",
            "s1 to_send"
        ]
    );
    // The date of a row that can't be read is not trusted either.
    assert_eq!(planned["rows"]["rejected"], 1);
    assert_eq!(
        codes(&planned),
        [
            "amount-invalid",
            "range-undated",
            "refund-unlinked",
            "out-of-range"
        ]
    );
    // Without a range, nothing needs the date.
    plan(&place, &[], 1);
    assert!(states(&place).contains(&"c1 to_send".to_owned()));
}

/// Stripe's older exports do not date refunds: a refund of a sale before the range may be in it.
#[test]
fn a_refund_that_its_export_does_not_date_is_held_unless_it_can_only_be_inside() {
    let place = Place::new();
    place.write(
        "x.csv",
        "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n\
         ch_1,2026-01-02 10:00:00,30.00,30.00,usd,true,Refunded,cus_1,ana@example.com,in_1\n\
         ch_2,2026-03-02 10:00:00,30.00,30.00,usd,true,Refunded,cus_2,ben@example.com,in_2\n",
    );
    plan(&place, &["--since", "2026-03-01"], 1);
    let since = states(&place);
    assert_eq!(
        since,
        [
            "in_1 out_of_range",
            "in_1_refund_3000 unlinked",
            "in_2 to_send",
            "in_2_refund_3000 to_send"
        ]
    );
    plan(&place, &["--until", "2026-02-01"], 1);
    assert_eq!(
        states(&place),
        [
            "in_1 to_send",
            "in_1_refund_3000 unlinked",
            "in_2 out_of_range",
            "in_2_refund_3000 out_of_range"
        ]
    );
}

/// What an earlier run recorded and did not send stays its own, and is named.
#[test]
fn what_is_wrong_about_a_sale_that_was_sent_is_said_whatever_the_range() {
    let place = Place::new();
    let payment = |status: &str| {
        format!(
            "id,created_at,charge_date,amount,currency,status,amount_refunded,links.subscription,customers.id,customers.email\n\
             PM1,2026-03-01T10:00:00Z,2026-03-04,8.00,GBP,{status},0.00,,CU1,ana@example.com\n"
        )
    };
    let stripe = |refunded: &str| {
        format!(
            "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email\n\
             ch_1,2026-03-01 10:00:00,60.00,{refunded},usd,true,Paid,cus_1,ana@example.com\n"
        )
    };
    place.write(
        "fprecon.toml",
        "[exports.gocardless-payments.money.format]\nunit = \"major\"\n",
    );
    for (name, before, after) in [
        (
            "gocardless.csv",
            payment("paid_out"),
            payment("charged_back"),
        ),
        ("stripe.csv", stripe("20.00"), stripe("0.00")),
    ] {
        let run = ["run", name, "--sandbox", "--yes", "--json"];
        place.write(name, &before);
        place.run(&run).expect(0);
        place.write(name, &after);
        let since = [&run[..], &["--since", "2026-04-01"]].concat();
        let report = place.run(&since).expect(1).json();
        assert_eq!(report["attention"][0]["code"], "held", "{report:#}");
    }
}

#[test]
fn what_an_earlier_run_left_is_not_sent_outside_the_range_and_not_forgotten() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = place(
        "sale,s1,,ana@example.com,10.00,USD,2026-01-05\n\
         sale,s2,,ben@example.com,20.00,USD,2026-03-05\n",
    );
    let run = |options: &[&str], code: i32| {
        let all = [&["run", "x.csv", "--yes", "--json"], options].concat();
        place.run_to(&sandbox, &all).expect(code).json()
    };
    sandbox.fault(&json!({"action": "status", "status": 401, "times": 100}));
    run(&[], 4);
    sandbox.forget_faults();
    let later = "refund,r1,s1,ana@example.com,4.00,USD,2026-03-07\n";
    let text = place.read("x.csv") + later;
    place.write("x.csv", &text);
    let inside = run(&["--since", "2026-03-01"], 1);
    assert_eq!(ids(&sandbox), ["s2"]);
    let attention = inside["attention"].as_array().unwrap();
    let attention: Vec<&str> = attention
        .iter()
        .map(|item| item["code"].as_str().unwrap())
        .collect();
    assert_eq!(attention, ["not_sent", "held"]);
    place
        .run_to(&sandbox, &["resume", "--yes", "--json"])
        .expect(0);
    run(&["--since", "2026-03-01"], 0);
    assert_eq!(ids(&sandbox), ["r1", "s1", "s2"]);
}

#[test]
fn a_range_that_is_not_one_is_a_usage_error() {
    let place = place(HISTORY);
    for (options, said) in [
        (
            ["--since", "2026-03-01", "--until", "2026-02-28"],
            "no time is in",
        ),
        (
            ["--since", "2026-03-01T10:00", "--until", "2026-03-01T10:00"],
            "no time is in",
        ),
        (
            ["--since", "March", "--until", "2026-02-28"],
            "not a date or time",
        ),
        (
            ["--since", "2026-02-30", "--until", "2026-04-28"],
            "not a date or time",
        ),
    ] {
        let all = [&["plan", "x.csv"], &options[..]].concat();
        let stderr = place.run(&all).expect(2).stderr();
        assert!(stderr.contains(said), "{options:?}: {stderr}");
    }
}

#[test]
fn a_misspelled_zone_is_an_error_wherever_a_day_is_asked_for() {
    let place = place(HISTORY);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    place.write("fprecon.toml", "[audit]\nzones = \"Europe/Berlin\"\n");
    for arguments in [
        &["plan", "x.csv", "--until", "2026-03-31"][..],
        &["plan", "x.csv", "--check-account"],
        &["run", "x.csv", "--since", "2026-03-31", "--yes"],
        &["history", "mark-paid", "--until", "2026-03-31", "--yes"],
    ] {
        let said = place.run_to(&sandbox, arguments).expect(3).stderr();
        assert!(said.contains("`audit.zones`"), "{arguments:?}: {said}");
        assert!(
            said.contains("did you mean `zone`?"),
            "{arguments:?}: {said}"
        );
    }
    place.write("fprecon.toml", "[audit]\nzone = \"Europe/Berlin\"\n");
    place
        .run_to(&sandbox, &["plan", "x.csv", "--until", "2026-03-31"])
        .expect_code_one_of(&[0, 1]);
}

/// Shopify does not date refunds, and its profile has no column to write a date into. What the hint says leads on.
#[test]
fn a_refund_of_an_export_without_dates_for_refunds_is_sent_as_the_hint_says() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.write(
        "o.csv",
        "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Created at,Refunded Amount,Id\n\
         #1,ana@example.com,partially_refunded,2026-03-02 09:14:00 +0000,USD,100.00,0.00,0.00,100.00,2026-03-02 09:14:00 +0000,30.00,7001\n",
    );
    let until = ["run", "o.csv", "--yes", "--until", "2026-03-31"];
    let said = place.run_to(&sandbox, &until).expect(1).stderr();
    let hint = said.lines().find(|line| line.contains("CSV of your own"));
    let hint = hint.unwrap_or_else(|| panic!("{said}"));
    let pieces: Vec<&str> = hint.split('`').collect();
    let [header, row] = [pieces[1], pieces[3]];
    place.write(
        "own.csv",
        &format!("{header}\n{}\n", row.replace("YYYY-MM-DD", "2026-03-20")),
    );
    place
        .run_to(&sandbox, &["run", "own.csv", "--yes"])
        .expect(0);
    for words in [&until[..], &until[..3]] {
        place.run_to(&sandbox, words).expect(0);
    }
    let events = sandbox.events();
    let refunds = events.iter().filter(|event| event["kind"] == "refund");
    let cents: Vec<i64> = refunds
        .map(|event| event["amount_cents"].as_i64().unwrap())
        .collect();
    assert_eq!(cents, [3000]);
    // What is refunded later is the rest.
    let later = place.read("o.csv").replace(",30.00,7001", ",50.00,7001");
    place.write("o.csv", &later);
    place.run_to(&sandbox, &until[..3]).expect(0);
    let events = sandbox.events();
    let refunds = events.iter().filter(|event| event["kind"] == "refund");
    let cents: i64 = refunds
        .map(|event| event["amount_cents"].as_i64().unwrap())
        .sum();
    assert_eq!(cents, 5000);
}
