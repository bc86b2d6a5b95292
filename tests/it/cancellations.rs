//! Which cancellations of a subscription are one, in exports with one date and with another.

use crate::support::Place;

const STRIPE: &str = "id,Customer ID,Customer Email,Plan,Interval,Status";

/// Kind, id, date and state of the events of a plan, sorted.
fn planned(place: &Place, files: &[&str]) -> Vec<String> {
    let all = [&["plan", "--events", "events.csv"], files].concat();
    place.run(&all).expect(0);
    let rows = place.csv("events.csv");
    std::fs::remove_file(place.path("events.csv")).unwrap();
    let mut lines: Vec<String> = rows[1..]
        .iter()
        .map(|row| [1, 10, 13].map(|column| row[column].as_str()).join(" "))
        .collect();
    lines.sort();
    lines
}

/// How many events a run over a file sends.
fn sent(place: &Place, file: &str) -> u64 {
    let ran = place.run(&["run", file, "--sandbox", "--yes", "--json"]);
    let report = ran.expect(0).json();
    let outcomes = report["outcomes"].as_object().unwrap();
    outcomes
        .values()
        .map(|of| of["count"].as_u64().unwrap())
        .sum()
}

/// A subscription at Stripe that was canceled on 1 February and ended on 28 February.
fn stripe() -> Place {
    let place = Place::new();
    let row = "sub_1,cus_1,ana@example.com,pro,month,canceled";
    place
        .write(
            "canceled.csv",
            &format!("{STRIPE},Canceled At (UTC)\n{row},2026-02-01 10:00\n"),
        )
        .write(
            "ended.csv",
            &format!("{STRIPE},Ended At (UTC)\n{row},2026-02-28 10:00\n"),
        )
        .write(
            "both.csv",
            &format!("{STRIPE},Canceled At (UTC),Ended At (UTC)\n{row},2026-02-01 10:00,2026-02-28 10:00\n"),
        );
    place
}

#[test]
fn the_days_of_canceled_at_and_ended_at_are_one_cancellation() {
    let place = stripe();
    for files in [["canceled.csv", "ended.csv"], ["ended.csv", "canceled.csv"]] {
        assert_eq!(
            planned(&place, &files),
            [
                "sub_1_cancelled 2026-02-01T10:00:00Z duplicate",
                "sub_1_cancelled 2026-02-01T10:00:00Z to_send",
            ]
        );
    }
    for nights in [
        ["canceled.csv", "ended.csv", "both.csv"],
        ["ended.csv", "canceled.csv", "both.csv"],
        ["both.csv", "ended.csv", "canceled.csv"],
    ] {
        let place = stripe();
        assert_eq!(
            nights.map(|night| sent(&place, night)),
            [1, 0, 0],
            "{nights:?}"
        );
        assert_eq!(
            nights.map(|night| sent(&place, night)),
            [0, 0, 0],
            "{nights:?}"
        );
    }
}

#[test]
fn days_of_one_column_are_two_cancellations() {
    let place = stripe();
    for column in ["Canceled", "Ended"] {
        let again = format!(
            "{STRIPE},{column} At (UTC)\nsub_1,cus_1,ana@example.com,pro,month,canceled,2026-08-02 10:00\n"
        );
        place.write(&format!("{column}-again.csv"), &again);
    }
    assert_eq!(sent(&place, "canceled.csv"), 1);
    assert_eq!(sent(&place, "Canceled-again.csv"), 1);
    assert_eq!(sent(&place, "Canceled-again.csv"), 0);
    // Of the two, the one on that day.
    assert_eq!(sent(&place, "Ended-again.csv"), 0);

    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.chargebee-subscriptions]\ndates = { zone = \"UTC\" }\n",
    );
    let bee = |day: &str| {
        format!(
            "subscriptions.id,subscriptions.plan_id,subscriptions.status,subscriptions.cancelled_at,customers.id,customers.email\ns1,pro,cancelled,{day} 10:00,c1,ana@example.com\n"
        )
    };
    place
        .write("1.csv", &bee("02-Jan-2026"))
        .write("2.csv", &bee("02-Aug-2026"));
    assert_eq!(
        [
            sent(&place, "1.csv"),
            sent(&place, "2.csv"),
            sent(&place, "1.csv")
        ],
        [1, 1, 0]
    );
}

#[test]
fn some_hours_over_midnight_are_one_cancellation() {
    let place = Place::new();
    let churned = |at: &str| {
        format!(
            "uuid,account_code,email,plan_code,state,expires_at\nu1,acc1,ana@example.com,gold,expired,{at} UTC\n"
        )
    };
    place
        .write("1.csv", &churned("2026-05-02 20:00:00"))
        .write("2.csv", &churned("2026-05-03 04:00:00"));
    for files in [["1.csv", "2.csv"], ["2.csv", "1.csv"]] {
        assert_eq!(
            planned(&place, &files),
            [
                "u1_cancelled 2026-05-02T20:00:00Z duplicate",
                "u1_cancelled 2026-05-02T20:00:00Z to_send",
            ]
        );
    }
    assert_eq!([sent(&place, "2.csv"), sent(&place, "1.csv")], [1, 0]);
}

#[test]
fn a_profile_of_ones_own_tells_days_by_the_words_before_them() {
    let profile = |second: &str| {
        format!(
            r#"
[exports.mine]
title = "subscriptions"
based_on = "a test"
columns = {{ id = "Sub", email = "Mail", stopped = {{ header = "Stopped", optional = true }}, over = {{ header = "Over", optional = true }} }}
customer = {{ email = "email" }}
dates = {{ formats = ["%d.%m.%Y"], zone = "UTC" }}
[[exports.mine.event]]
kind = "cancellation"
event_id = ["{{id}}_gone", "{{id}}_gone_{{stopped:day}}", "{second}"]
created_at = ["stopped", "over"]
"#
        )
    };
    let place = Place::new();
    place
        .write(
            "stopped.csv",
            "Sub,Mail,Stopped\n7,ana@example.com,01.02.2026\n",
        )
        .write("over.csv", "Sub,Mail,Over\n7,ana@example.com,28.02.2026\n");
    place.write("fprecon.toml", &profile("{id}_gone_over_{over:day}"));
    assert_eq!(
        [sent(&place, "over.csv"), sent(&place, "stopped.csv")],
        [1, 0]
    );

    for (second, said) in [
        (
            "{id}_gone_{over:day}",
            "two ids with days of two columns are equal before the day",
        ),
        (
            "{id}_{over:day}_gone",
            "a `:day` in an id must be single, and at its end",
        ),
        (
            "{id}_gone_on_{stopped:day}",
            "must name the columns of `created_at`, in the same order",
        ),
    ] {
        place.write("fprecon.toml", &profile(second));
        let refused = place.run(&["plan", "over.csv"]).expect(3).stderr();
        assert!(refused.contains(said), "{refused}");
    }
}
