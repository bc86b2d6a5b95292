//! Files that fprecon wrote, handed back to it: corrected by the printed hints, or as they are.

use crate::support::{Place, SandboxProcess};
use serde_json::json;

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

/// The command in the hint of a problem that begins so.
fn command_of_hint(said: &str, begin: &str) -> Vec<String> {
    let start = said
        .find(begin)
        .unwrap_or_else(|| panic!("{begin}: {said}"));
    let command = said[start + "fprecon ".len()..].split('`').next().unwrap();
    command.split(' ').map(str::to_owned).collect()
}

#[test]
fn the_hint_of_a_conflict_with_the_past_accepts_it_when_it_is_pasted() {
    let header = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
    let sale = |amount: &str| format!("{header}sale,s1,,ana@example.com,{amount},USD,2026-03-01\n");
    let place = Place::new();
    place
        .write("1.csv", &sale("8.00"))
        .write("2.csv", &sale("9.00"));
    let run = |file: &str| {
        place.run(&[
            "run",
            file,
            "--sandbox",
            "--yes",
            "--journal",
            "books.journal",
        ])
    };
    run("1.csv").expect(0);
    let plan = ["plan", "2.csv", "--sandbox", "--journal", "books.journal"];
    let planned = place.run(&plan).expect(1).stderr();
    assert!(!planned.contains("from the exports"), "{planned}");
    let begin = "fprecon accept --event s1 --reason TEXT --sandbox --journal books.journal";
    let command = command_of_hint(&planned, begin);
    let said = run("2.csv").expect(1);
    assert!(
        said.stdout()
            .contains("the errors of the run say how to settle it")
    );
    assert_eq!(command_of_hint(&said.stderr(), begin), command);
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    place.run(&command).expect(0);
    run("2.csv").expect(0);
}

#[test]
fn a_payment_that_shares_an_id_which_was_sent_without_saying_which_is_accepted_by_its_hint() {
    let stripe = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n";
    let charge = |id: &str, day: u32| {
        format!(
            "{id},2026-03-{day:02} 10:00:00,25.00,0.00,usd,true,Paid,cus_1,ana@example.com,in_1\n"
        )
    };
    let place = Place::new();
    place
        .write(
            "own.csv",
            "kind,event_id,email,amount,currency,created_at\nsale,in_1,ana@example.com,50.00,USD,2026-03-01\n",
        )
        .write("x.csv", &format!("{stripe}{}{}", charge("ch_1", 1), charge("ch_2", 2)));
    let run = |file: &str| place.run(&["run", file, "--sandbox", "--yes"]);
    run("own.csv").expect(0);
    let said = run("x.csv").expect(1).stderr();
    assert!(said.contains("an earlier run sent one side"), "{said}");
    let command = command_of_hint(&said, "fprecon accept --event in_1");
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    place.run(&command).expect(0);
    run("x.csv").expect(0);
}

/// The two lines of a CSV of one's own that a hint names.
fn own_lines(said: &str) -> String {
    let hint = said.split("has these two lines: ").last().unwrap();
    let lines: Vec<&str> = hint.split('`').skip(1).step_by(2).take(2).collect();
    format!("{}\n{}\n", lines[0], lines[1])
}

#[test]
fn a_sale_that_is_corrected_without_its_refund_is_sent_by_following_the_hints() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.write(
        "x.csv",
        "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         sale,s1,,ana@example.com,10.00,USD,2026-03-01\nrefund,r1,s1,ana@example.com,4.00,USD,2026-03-02\n",
    );
    let run = |words: &[&str]| place.run_to(&sandbox, &[&["run", "--yes"], words].concat());
    sandbox.fault(&json!({"action": "status", "status": 422, "kind": "sale", "times": 1}));
    run(&["x.csv", "--dir", "first"]).expect(1);
    let failed = place.read("first/failed.csv").replace(",1000,", ",1200,");
    let rows: Vec<&str> = failed.lines().collect();
    place.write("fixed.csv", &format!("{}\n{}\n", rows[0], rows[1]));
    let said = run(&["fixed.csv", "x.csv"]).expect(1).stderr();
    let alone = "run this file by itself, without the export that has the row as it was";
    assert!(said.contains(alone), "{said}");
    let said = run(&["fixed.csv"]).expect(1).stderr();
    assert!(
        said.contains("it was corrected, and its refunds of 4.00 USD failed with it"),
        "{said}"
    );
    let add = "add the rows of its refunds in the failed.csv of that run to this file";
    assert!(said.contains(add), "{said}");
    place.write("fixed.csv", &failed);
    run(&["fixed.csv"]).expect(0);
    let amounts: Vec<_> = sandbox
        .events()
        .iter()
        .map(|event| event["amount_cents"].clone())
        .collect();
    assert_eq!(amounts, [1200, 400]);
    run(&["x.csv"]).expect(0);
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn the_refund_of_a_sale_whose_conflict_was_accepted_is_sent_by_its_hint() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    for (name, amount, refunded) in [
        ("1.csv", "60.00", "0.00"),
        ("2.csv", "66.00", "0.00"),
        ("3.csv", "66.00", "33.00"),
    ] {
        place.write(
            name,
            &format!(
                "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n\
                 ch_1,2026-03-02 10:00:00,{amount},{refunded},usd,true,Paid,cus_1,ana@example.com,in_1\n"
            ),
        );
    }
    let run = |file: &str| place.run_to(&sandbox, &["run", "--yes", file]);
    run("1.csv").expect(0);
    run("2.csv").expect(1);
    let accept = ["accept", "--event", "in_1", "--reason", "it stays"];
    place.run(&accept).expect(0);
    let said = run("3.csv").expect(1).stderr();
    assert!(
        said.contains("if that was accepted as it was sent"),
        "{said}"
    );
    place.write("own.csv", &own_lines(&said));
    run("own.csv").expect(0);
    run("3.csv").expect(0);
    let amounts: Vec<_> = sandbox
        .events()
        .iter()
        .map(|event| event["amount_cents"].clone())
        .collect();
    assert_eq!(amounts, [6000, 3300]);
}

#[test]
fn rejected_rows_of_two_layouts_are_fixed_in_their_files_and_run_together() {
    let place = Place::new();
    place
        .write(
            "a.csv",
            "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
             sale,s1,,ana@example.com,8.00,USD,2026-03-01\n\
             sale,s2,,ana@example.com,1e3,USD,2026-03-01\n\
             sale,s3,,ben@example.com,-5.00,USD,2026-03-01\n\
             refund,r1,s2,,3e0,USD,2026-03-03\n,,,,,,\n",
        )
        .write(
            "b.csv",
            "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n\
             ch_1,2026-03-01 10:00:00,20.00,-5.00,usd,true,Paid,cus_1,ana@example.com,in_1\n",
        );
    let run = |files: &[&str], folder: &str| {
        let common = ["run", "--sandbox", "--yes", "--json", "--dir", folder];
        place.run(&[&common, files].concat())
    };
    let report = run(&["a.csv", "b.csv"], "first").expect(1).json();
    assert_eq!(report["rows"]["ignored"], 1, "the blank line");
    let command = report["attention"][0]["command"].as_str().unwrap();
    assert!(
        command.contains("first/rejected.csv first/rejected-2.csv"),
        "{command}"
    );
    let fixed = place.read("first/rejected.csv").replace("1e3", "1000.00");
    let fixed = fixed.replace("3e0", "3.00");
    let kept: Vec<&str> = fixed.lines().filter(|line| !line.contains("s3,")).collect();
    place.write("first/rejected.csv", &format!("{}\n", kept.join("\n")));
    let fixed = place.read("first/rejected-2.csv");
    place.write(
        "first/rejected-2.csv",
        &fixed.replace("'-5.00", "5.00").replace("-5.00", "5.00"),
    );
    let words: Vec<&str> = command.split(' ').skip(2).collect();
    let report = run(&words[..2], "second").expect(0).json();
    let tracked = &report["outcomes"]["tracked"]["by_kind"];
    assert_eq!(tracked["sale"]["amount_cents"]["USD"], 102_000);
    assert_eq!(tracked["refund"]["amount_cents"]["USD"], 800);
    // What was not fixed is rejected still, and nothing is sent twice.
    let report = run(&["a.csv", "b.csv"], "third").expect(1).json();
    assert_eq!(report["attention"].as_array().unwrap().len(), 1);
    assert_eq!(report["attention"][0]["count"], 1);
    assert_eq!(report["requests"], 0);
}

/// As Excel, scripts and shops change a header, or the lines around it.
#[test]
fn headers_are_known_by_their_names_alone() {
    let row = "ch_1,2026-03-01 10:00:00,8.00,0.00,usd,true,Paid,cus_1,ana@example.com,in_1\n";
    let header = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n";
    let other = row.replace("Paid", "Failed").replace("_1", "_2");
    let semicolons = |text: &str| text.replace(',', ";");
    for text in [
        format!("{}{row}", header.to_lowercase()),
        format!("{}{row}", header.to_uppercase()),
        format!(
            "{}{row}",
            header.replace("Customer Email", "Customer\u{a0} Email")
        ),
        format!(
            "{}{row}",
            header.replace("Invoice ID", "\u{200b}Invoice ID")
        ),
        format!("sep=,\n{header}{row}"),
        format!("\u{feff}sep=;\r\n{}{}", semicolons(header), semicolons(row)),
        format!(
            "{header}{},,,,,,,,,,\n{}",
            row.replace('\n', ",\n"),
            other.replace('\n', ",\n")
        ),
        format!(
            "{header}{}{}",
            row.replace('\n', ",,,\n"),
            other.replace('\n', ",,,\n")
        ),
        format!("{}{row}", header.replace('\n', ",\n")),
        format!("{header},,,,,,,,,\n{row},,,,,,,,,\n"),
    ] {
        let place = Place::new();
        place.write("x.csv", &text);
        let plan = place.run(&["plan", "--json", "x.csv"]).expect(0).json();
        let sales = &plan["events"]["by_kind"]["sale"]["amount_cents"];
        assert_eq!(sales["USD"], 800, "{text}\n{plan}");
    }
}

#[test]
fn a_row_of_a_report_keeps_its_event_id() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.write(
        "x.csv",
        "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         sale,s1,,ana@example.com,8.00,USD,2026-03-01T10:00:00Z\n",
    );
    sandbox.fault(&json!({"action": "status", "status": 422, "times": 1}));
    let run = ["run", "x.csv", "--yes", "--dir", "report"];
    place.run_to(&sandbox, &run).expect(1);
    let failed = place.read("report/failed.csv");
    place.write("other.csv", &failed.replace(",s1,", ",s1-b,"));
    let said = place
        .run_to(&sandbox, &["run", "other.csv", "--yes"])
        .expect(1)
        .stderr();
    assert!(said.contains("sale `s1-b`: it is of a report"), "{said}");
    assert_eq!(sandbox.events().len(), 0);
    // As the hint says.
    place.write("failed.csv", &failed);
    place
        .run_to(&sandbox, &["run", "failed.csv", "--yes"])
        .expect(0);
    assert_eq!(sandbox.events().len(), 1);
    place.run_to(&sandbox, &["retry", "--failed", "--yes"]);
    assert_eq!(sandbox.events().len(), 1);
}
