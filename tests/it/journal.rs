//! The journal as a file: what checks it, what reads it beside a run, and what is refused.

use crate::support::strace;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Payment, Place, Ran, SandboxProcess, open_to_edit, stripe_export};
use rusqlite::{Connection, OpenFlags};
use strace::skip;

const RUN: &[&str] = &["run", "payments.csv", "--yes", "--json"];

fn sales(count: u32) -> Place {
    let mut payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    payments[0].email = "ann@example.com".into();
    payments[1].customer = "=cmd()".into();
    let mut unpaid = Payment::paid(9000, 1);
    unpaid.status = "Failed".into();
    unpaid.captured = "false".into();
    payments.push(unpaid);
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&payments));
    place
}

fn sandbox() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

/// The SQL of the page, block by block.
fn documented_queries() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/journal.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```sql\n").skip(1);
    let queries = blocks.map(|block| block.split("```").next().unwrap().to_owned());
    queries.collect()
}

#[test]
fn the_documented_queries_give_what_they_say() {
    let (place, sandbox) = (sales(6), sandbox());
    place.run_to(&sandbox, RUN).expect(0);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let journal = Connection::open_with_flags(place.path("fprecon.journal"), flags).unwrap();
    let rows: Vec<usize> = documented_queries()
        .iter()
        .map(|sql| {
            let mut statement = journal.prepare(sql).unwrap();
            let rows = statement.query_map([], |_| Ok(())).unwrap();
            rows.map(Result::unwrap).count()
        })
        .collect();
    // One sum; one request of hers; none without answer; one promoter or more; one place; nothing
    // accepted; one reason.
    assert_eq!(rows.len(), 7);
    assert_eq!((rows[0], rows[1], rows[2]), (1, 1, 0));
    assert!(rows[3] >= 1);
    assert_eq!((rows[4], rows[5], rows[6]), (1, 0, 1));
}

#[test]
fn every_table_is_on_the_page() {
    let (place, sandbox) = (sales(2), sandbox());
    place.run_to(&sandbox, RUN).expect(0);
    let journal = open_to_edit(place.path("fprecon.journal"));
    let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
    let mut statement = journal.prepare(sql).unwrap();
    let tables = statement
        .query_map([], |row| row.get::<_, String>(0))
        .unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/journal.md");
    let page = fs::read_to_string(page).unwrap();
    for table in tables.map(Result::unwrap) {
        assert!(page.contains(&format!("\n| `{table}` |")), "{table}");
    }
}

#[test]
fn it_is_checked_exported_and_read_by_other_tools_while_a_run_goes_on() {
    let place = sales(60);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "300"]);
    let arguments = [RUN, &["--concurrency", "4"]].concat();
    let mut run = place.command_to(&sandbox, &arguments);
    let mut run = run
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while sandbox.arrivals().len() < 8 {
        assert!(run.try_wait().unwrap().is_none());
    }
    let checked = place.run(&["journal", "check", "--json"]).expect(0).json();
    assert_eq!(checked["is_sound"], true);
    assert_eq!(checked["events"], 60);
    assert!(checked["attempts"].as_u64().unwrap() >= 8, "{checked}");
    let events = place.run(&["journal", "export"]).expect(0).stdout();
    assert_eq!(events.lines().count(), 61);
    assert!(events.contains(",not_sent,") && events.contains(",tracked,"));
    place.run(&["status"]).expect(0);

    let journal = place.path("fprecon.journal");
    let sql = "SELECT count(*), sum(outcome = 'tracked') > 0 FROM event";
    let tool = Command::new("sqlite3")
        .arg("-readonly")
        .arg(&journal)
        .arg(sql)
        .output();
    match tool {
        Ok(tool) => assert_eq!(String::from_utf8_lossy(&tool.stdout).trim(), "60|1"),
        Err(_) => skip("sqlite3 is absent"),
    }
    let is_over = run.try_wait().unwrap().is_some();
    Ran(run.wait_with_output().unwrap()).expect(0);
    assert!(!is_over, "all that was while it went on");
    assert_eq!(sandbox.events().len(), 60);
    place.run(&["journal", "check"]).expect(0);
}

/// A CSV by its header's names.
fn records(text: &str) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let records = reader.records().map(|record| {
        let record = record.unwrap();
        let cells = header.iter().zip(record.iter());
        cells
            .map(|(name, cell)| (name.to_owned(), cell.to_owned()))
            .collect()
    });
    records.collect()
}

#[test]
fn an_export_has_every_event_once_over_all_runs_and_every_attempt() {
    let (place, sandbox) = (sales(5), sandbox());
    sandbox.fault(&serde_json::json!({
        "action": "reset", "after_effect": true, "event_id": "in_0003"
    }));
    place.run_to(&sandbox, RUN).expect(0);
    let mut payments: Vec<Payment> = (1..=7).map(|n| Payment::paid(n, n)).collect();
    payments[0].email = "ann@example.com".into();
    payments[1].customer = "=cmd()".into();
    place.write("later.csv", &stripe_export(&payments));
    place
        .run_to(&sandbox, &["run", "later.csv", "--yes"])
        .expect(0);

    let events = records(&place.run(&["journal", "export"]).expect(0).stdout());
    let ids: Vec<&str> = events
        .iter()
        .map(|event| event["event_id"].as_str())
        .collect();
    let expected: Vec<String> = (1..=7).map(|n| format!("in_{n:04}")).collect();
    assert_eq!(ids, expected);
    for event in &events {
        assert_eq!(event["amount_cents"], "2000");
        assert_eq!(
            (event["currency"].as_str(), event["outcome"].as_str()),
            ("USD", "tracked")
        );
    }
    assert_eq!(events[1]["uid"], "'=cmd()", "no spreadsheet runs it");
    assert_eq!(
        (events[2]["attempts"].as_str(), events[2]["file"].as_str()),
        ("2", "payments.csv")
    );
    assert_eq!(events[6]["file"], "later.csv");

    place
        .run(&["journal", "export", "--attempts", "-o", "attempts.csv"])
        .expect(0);
    let attempts = records(&place.read("attempts.csv"));
    assert_eq!(attempts.len(), 8);
    let third: Vec<(&str, &str)> = attempts
        .iter()
        .filter(|attempt| attempt["event_id"] == "in_0003")
        .map(|attempt| (attempt["number"].as_str(), attempt["effect"].as_str()))
        .collect();
    assert_eq!(third, [("1", "unknown"), ("2", "recorded")]);

    // What can't be written leaves what was there.
    place
        .run(&["journal", "export", "-o", "missing/events.csv"])
        .expect(3);
    place
        .run(&["journal", "export", "--format", "parquet"])
        .expect(2);
    place.run(&["journal", "export", "--json"]).expect(2);
    let named = ["journal", "export", "-o", "events.csv", "--json"];
    let json = place.run(&named).expect(0).json();
    assert_eq!((&json["rows"], &json["format"]), (&7.into(), &"csv".into()));
    assert_eq!(records(&place.read("events.csv")), events);
}

#[cfg(feature = "polars")]
#[test]
fn a_parquet_export_has_the_same_rows_with_types() {
    use parquet::basic::{LogicalType, TimeUnit, Type};
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use parquet::record::{Field, Row};

    let (place, sandbox) = (sales(5), sandbox());
    place.run_to(&sandbox, RUN).expect(0);
    for (attempts, columns) in [(&[][..], 32), (&["--attempts"][..], 13)] {
        let arguments = [
            "journal",
            "export",
            "--format",
            "parquet",
            "-o",
            "x.parquet",
        ];
        place.run(&[&arguments[..], attempts].concat()).expect(0);
        let file = fs::File::open(place.path("x.parquet")).unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let schema = reader.metadata().file_metadata().schema_descr();
        let names: Vec<&str> = schema.columns().iter().map(|own| own.name()).collect();
        let at = |name: &str| names.iter().position(|own| *own == name).unwrap();
        let cells: Vec<Row> = reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let cell = |row: usize, name: &str| {
            let (_, cell) = cells[row].get_column_iter().nth(at(name)).unwrap();
            cell.clone()
        };
        assert_eq!((cells.len(), names.len()), (5, columns));
        let text = place
            .run(&[&["journal", "export"][..], attempts].concat())
            .expect(0)
            .stdout();
        let header: Vec<&str> = text.lines().next().unwrap().split(',').collect();
        assert_eq!(names, header);
        for (row, record) in records(&text).iter().enumerate() {
            assert_eq!(
                cell(row, "event_id"),
                Field::Str(record["event_id"].clone())
            );
        }
        if attempts.is_empty() {
            assert_eq!(
                schema.column(at("amount_cents")).physical_type(),
                Type::INT64
            );
            for row in 0..5 {
                assert_eq!(cell(row, "amount_cents"), Field::Long(2_000));
            }
            assert_eq!(cell(1, "uid"), Field::Str("=cmd()".to_owned()), "as it is");
            let milliseconds = LogicalType::timestamp(true, TimeUnit::MILLIS);
            let created_at = schema.column(at("created_at"));
            assert_eq!(created_at.logical_type_ref(), Some(&milliseconds));
            assert!(matches!(cell(0, "created_at"), Field::TimestampMillis(_)));
        }
    }
}

#[test]
fn row_04_a_damaged_journal_is_refused_and_nothing_is_sent() {
    let (place, sandbox) = (sales(8), sandbox());
    place.run_to(&sandbox, RUN).expect(0);
    let journal = place.path("fprecon.journal");
    let sound = fs::read(&journal).unwrap();
    place.write("payments.csv", &stripe_export(&[Payment::paid(77, 77)]));
    // A letter of a customer, a digit of an id, and a byte of a page's head.
    let at = |text: &[u8]| {
        sound
            .windows(text.len())
            .position(|bytes| bytes == text)
            .unwrap()
    };
    for position in [at(b"user5@example"), at(b"in_0006") + 6, 4096] {
        let mut damaged = sound.clone();
        damaged[position] ^= 1;
        fs::write(&journal, &damaged).unwrap();
        let refused = place.run_to(&sandbox, RUN).expect(6).stderr();
        assert!(
            refused.contains("damaged") && refused.contains("hint: "),
            "{refused}"
        );
        let checked = place.run(&["journal", "check", "--json"]).expect(6).json();
        assert!(
            checked["is_sound"] == false || checked["problems"].is_array(),
            "{checked}"
        );
        assert_eq!(sandbox.arrivals().len(), 8, "nothing is sent");
    }
    fs::write(&journal, &sound).unwrap();
    place.run(&["journal", "check"]).expect(0);
    place.run_to(&sandbox, RUN).expect(0);
    assert_eq!(sandbox.arrivals().len(), 9);
}

#[test]
fn row_10_a_journal_of_a_newer_version_is_refused_and_not_touched() {
    let (place, sandbox) = (sales(3), sandbox());
    place.run_to(&sandbox, RUN).expect(0);
    let journal = place.path("fprecon.journal");
    let connection = open_to_edit(&journal);
    connection
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    drop(connection);
    let before = fs::read(&journal).unwrap();
    for arguments in [
        RUN,
        &["resume"],
        &["status"],
        &["journal", "check"],
        &["journal", "export"],
    ] {
        let refused = place.run_to(&sandbox, arguments).expect(6).stderr();
        assert!(refused.contains("version 99"), "{refused}");
    }
    assert!(fs::read(&journal).unwrap() == before);
    assert_eq!(sandbox.arrivals().len(), 3);
}

#[test]
fn a_lock_names_its_holder_and_a_kill_lets_go_of_it() {
    let place = sales(30);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "300"]);
    let arguments = [RUN, &["--concurrency", "1"]].concat();
    let mut run = place.command_to(&sandbox, &arguments);
    let mut run = run
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    while sandbox.arrivals().is_empty() {
        assert!(run.try_wait().unwrap().is_none());
    }
    let refused = place.run_to(&sandbox, &["resume"]).expect(7).stderr();
    assert!(
        refused.contains(&format!("process {}", run.id())),
        "{refused}"
    );
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(place.path("fprecon.journal.lock").exists());
    place
        .run_to(&sandbox, &["resume", "--concurrency", "30"])
        .expect(0);
    assert_eq!(sandbox.events().len(), 30);
}

#[test]
fn without_a_journal_there_is_nothing_to_check() {
    let place = Place::new();
    for command in ["check", "export"] {
        let ran = place.run(&["journal", command]).expect(3);
        assert!(
            ran.stderr().contains("journal not found"),
            "{}",
            ran.stderr()
        );
    }
    assert!(!place.path("fprecon.journal").exists());
}
