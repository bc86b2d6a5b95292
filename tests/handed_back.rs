//! Files that fprecon wrote, handed back to it: corrected by the printed hints, or as they are.

mod support;

use support::Place;

/// Two rows in conflict, a refund without a sale, and a sale whose amount cannot be read.
const EXPORT: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
    sale,s1,,ana@example.com,8.00,USD,2026-03-01T10:00:00Z\n\
    sale,s1,,ana@example.com,9.00,USD,2026-03-01T10:00:00Z\n\
    refund,r1,sx,ana@example.com,9.00,USD,2026-03-01T10:00:00Z\n\
    sale,s2,,ana@example.com,x,USD,2026-03-01T10:00:00Z\n";

#[test]
fn files_without_a_way_back_are_refused_by_name() {
    let place = Place::new();
    place.write("x.csv", EXPORT);
    let run = ["run", "x.csv", "--sandbox", "--yes", "--dir", "my reports"];
    place.run(&run).expect(1);
    place
        .run(&["plan", "x.csv", "--events", "events.csv"])
        .expect(1);
    for (file, is) in [
        ("my reports/held.csv", "this is a held.csv of fprecon"),
        (
            "my reports/converted.csv",
            "this is a converted.csv of fprecon",
        ),
        (
            "my reports/accepted.csv",
            "this is an accepted.csv of fprecon",
        ),
        (
            "events.csv",
            "this is a list of events that `fprecon plan --events` wrote",
        ),
    ] {
        for command in [
            &["plan", file][..],
            &["plan", file, "--profile", "generic"],
            &["run", file, "--sandbox", "--yes"],
            &["init", file, "--print"],
        ] {
            let said = place.run(command).expect(3).stderr();
            assert!(
                said.starts_with(&format!("{file}:1: error: {is}\n")),
                "{said}"
            );
            assert!(!said.contains("amount is empty"), "{said}");
        }
    }
    // A spreadsheet in Germany saves with semicolons, and somebody has added a column.
    let held = place.read("my reports/held.csv").replace(',', ";");
    let held = held.replace('\n', ";note\n");
    place.write("saved.csv", &held);
    let said = place.run(&["plan", "saved.csv"]).expect(3).stderr();
    assert!(said.contains("this is a held.csv of fprecon"), "{said}");
}

#[test]
fn what_the_refusal_of_a_held_csv_names_accepts_its_events() {
    let place = Place::new();
    place.write("x.csv", EXPORT);
    let run = ["run", "x.csv", "--sandbox", "--yes", "--dir", "my reports"];
    place.run(&run).expect(1);
    let file = "my reports/held.csv";
    let said = place.run(&["plan", file, "--sandbox"]).expect(3).stderr();
    let hint = "`fprecon accept 'my reports/held.csv' --reason TEXT";
    assert!(said.contains(hint), "{said}");
    let accept = ["accept", file, "--reason", "TEXT", "--sandbox", "--json"];
    let accepted = place.run(&accept).expect(0).json();
    assert_eq!(accepted["accepted"], 3);
}

#[test]
fn a_profile_of_ones_own_may_read_such_a_file() {
    let place = Place::new();
    place.write("x.csv", EXPORT);
    let run = ["run", "x.csv", "--sandbox", "--yes", "--dir", "reports"];
    place.run(&run).expect(1);
    place.write(
        "fprecon.toml",
        "[exports.mine]\nextends = \"generic\"\ncolumns = { amount = \"amount_cents\" }\n\
         money = { format = { unit = \"minor\" } }\n",
    );
    let plan = ["plan", "reports/held.csv", "--json"];
    let planned = place.run(&plan).expect(1).json();
    assert_eq!(planned["events"]["total"], 3);
}
