//! Reports as people and programs get them: all formats say the same, also to readers that are not
//! ours; again at any time; for one run or for several; whole or not at all; and fit to be shared.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Place, Ran, SandboxProcess};
use serde_json::{Value, json};

/// Sums by part, then by kind and currency: events and cents.
type Sums = BTreeMap<String, BTreeMap<String, (u64, i128)>>;

const PARTS: [&str; 3] = ["tracked", "non_referral", "failed"];

/// Sales and refunds in three currencies, cancellations, sign-ups; rows that can't be read, that are
/// no event, that contradict each other, and that name no sale. Some people have names.
fn export(customers: u32) -> String {
    let mut rows = vec![
        "event_id,kind,sale_event_id,email,uid,amount,currency,created_at,first_name,last_name,ref_id,note"
            .to_owned(),
    ];
    for customer in 1..=customers {
        let who = format!("{},cus_{customer}", email(customer));
        let currency = ["USD", "EUR", "JPY"][customer as usize % 3];
        let amount = match currency {
            "JPY" => format!("{}", 100 + customer),
            _ => format!("{}.{:02}", 1 + customer, customer % 100),
        };
        let day = format!("2026-03-{:02}", 1 + customer % 28);
        let names = format!("Firstname{customer},Lastname{customer}");
        rows.push(format!(
            "in_{customer},sale,,{who},{amount},{currency},{day},{names},,"
        ));
        if customer.is_multiple_of(4) {
            let part = if currency == "JPY" { "100" } else { "1.01" };
            rows.push(format!(
                "re_{customer},refund,in_{customer},{who},{part},{currency},{day},,,,"
            ));
        }
        if customer.is_multiple_of(5) {
            rows.push(format!("sub_{customer},cancellation,,{who},,,{day},,,,"));
        }
        if customer.is_multiple_of(6) {
            let lead = format!("Lead{}", email(customer));
            rows.push(format!(
                "lead_{customer},signup,,{lead},,,,{day},{names},nora,"
            ));
        }
    }
    rows.extend(
        [
            "=in_x,sale,,Formula@Example.com,=1+1,7.00,USD,2026-03-02,,,,",
            "in_bad,sale,,bad@example.com,cus_b,1e3,USD,2026-03-02,Badname,Worsename,,ask Badname at BAD@example.com",
            "in_zero,sale,,zero@example.com,cus_z,0.00,USD,2026-03-02,Zeroname,,,",
            "in_twice,sale,,twice@example.com,,5.00,USD,2026-03-02,Twicename,,,",
            "in_twice,sale,,other@example.com,,5.00,USD,2026-03-02,,,,",
            "re_lost,refund,in_nowhere,lost@example.com,,5.00,USD,2026-03-02,,,,",
        ]
        .map(str::to_owned),
    );
    rows.join("\n") + "\n"
}

fn email(customer: u32) -> String {
    format!("Person{customer}@Mail-{}.example.com", customer % 7)
}

/// A sandbox that knows two customers of three, and refuses some events.
fn sandbox() -> SandboxProcess {
    SandboxProcess::start(&[
        "--lead-share",
        "66",
        "--fault",
        "status,status=422,percent=9,body=no such lead: person5@mail-5.example.com",
        "--seed",
        "3",
    ])
}

/// A place with a run of the export, and the sandbox that it was sent to.
fn reported(customers: u32) -> (Place, SandboxProcess, Value) {
    let (place, sandbox) = (Place::new(), sandbox());
    let run = ran(&place, &sandbox, customers);
    (place, sandbox, run)
}

/// A run of the export, whose report is in `report/`.
fn ran(place: &Place, sandbox: &SandboxProcess, customers: u32) -> Value {
    place.write("events.csv", &export(customers));
    let arguments = ["run", "events.csv", "--yes", "--json", "--dir", "report"];
    place.run_to(sandbox, &arguments).expect_one_of(&[1])
}

fn part_of(outcome: &str) -> &'static str {
    match outcome {
        "tracked" | "already_tracked" => "tracked",
        "non_referral" => "non_referral",
        _ => "failed",
    }
}

fn of_csvs(place: &Place, directory: &str) -> Sums {
    let mut sums = Sums::new();
    for part in PARTS {
        let mut rows = place.csv(&format!("{directory}/{part}.csv")).into_iter();
        let header = rows.next().unwrap();
        let column = |name: &str| header.iter().position(|title| title == name).unwrap();
        for row in rows {
            assert_eq!(part_of(&row[column("outcome")]), part);
            let of = format!("{} {}", row[column("kind")], row[column("currency")]);
            let sum = sums
                .entry(part.to_owned())
                .or_default()
                .entry(of)
                .or_default();
            sum.0 += 1;
            sum.1 += row[column("amount_cents")].parse().unwrap_or(0);
        }
    }
    sums
}

/// The machine output has cents by kind and currency, but events by kind alone.
fn assert_summary_has(summary: &Value, sums: &Sums) {
    let mut cents: BTreeMap<(&str, String, String), i128> = BTreeMap::new();
    let mut counts: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for (outcome, figures) in summary["outcomes"].as_object().unwrap() {
        for (kind, of_kind) in figures["by_kind"].as_object().unwrap() {
            let part = part_of(outcome);
            *counts.entry((part, kind.clone())).or_default() += of_kind["count"].as_u64().unwrap();
            for (currency, amount) in of_kind["amount_cents"].as_object().unwrap() {
                let of = (part, kind.clone(), currency.clone());
                *cents.entry(of).or_default() += i128::from(amount.as_i64().unwrap());
            }
        }
    }
    let mut theirs: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for (part, of_part) in sums {
        for (of, (count, sum)) in of_part {
            let (kind, currency) = of.split_once(' ').unwrap();
            *theirs.entry((part_of(part), kind.to_owned())).or_default() += count;
            if !currency.is_empty() {
                let of = (part_of(part), kind.to_owned(), currency.to_owned());
                assert_eq!(cents.remove(&of), Some(*sum), "{of:?}");
            }
        }
    }
    cents.retain(|_, sum| *sum != 0);
    counts.retain(|_, count| *count != 0);
    assert_eq!((cents, counts), (BTreeMap::new(), theirs));
}

/// What readers that are not ours find in a report: openpyxl, pyarrow, DuckDB. Where they are not
/// here, that is said; `FPRECON_REQUIRE_READERS` makes it a failure.
fn read_by_others(directory: &Path) -> Option<Value> {
    let python = std::env::var("FPRECON_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let modules = Command::new(&python)
        .args(["-c", "import openpyxl, pyarrow.parquet, duckdb"])
        .output();
    if !modules.is_ok_and(|found| found.status.success()) {
        let missing = "openpyxl, pyarrow and duckdb are not here (FPRECON_PYTHON names a Python)";
        assert!(
            std::env::var_os("FPRECON_REQUIRE_READERS").is_none(),
            "{missing}"
        );
        eprintln!("skipped: {missing}");
        return None;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support/read_report.py");
    let read = Command::new(python)
        .arg(script)
        .arg(directory)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&read.stderr);
    assert!(read.status.success(), "{said}");
    Some(serde_json::from_slice(&read.stdout).unwrap())
}

fn sums_of(found: &Value) -> Sums {
    serde_json::from_value(found["sums"].clone()).unwrap()
}

#[test]
fn all_formats_agree_in_every_count_and_every_cent() {
    let (place, _sandbox, run) = reported(120);
    let summary: Value = serde_json::from_str(&place.read("report/summary.json")).unwrap();
    assert_eq!(summary, run);
    let csvs = of_csvs(&place, "report");
    for part in PARTS {
        assert!(csvs[part].len() > 2, "{part}: {csvs:?}");
    }
    for of in [
        "sale USD",
        "sale EUR",
        "sale JPY",
        "refund USD",
        "refund EUR",
        "refund JPY",
        "cancellation ",
        "signup ",
    ] {
        assert!(csvs["tracked"].contains_key(of), "{of}: {csvs:?}");
    }
    assert_summary_has(&summary, &csvs);
    let held = place.csv("report/held.csv").len() - 1;
    let rejected = place.csv("report/rejected.csv").len() - 1;
    assert_eq!((held, rejected), (3, 1));

    let Some(found) = read_by_others(&place.path("report")) else {
        return;
    };
    assert_eq!(sums_of(&found["xlsx"]), csvs);
    assert_eq!(
        found["xlsx"]["rows"],
        json!({"held": held, "rejected": rejected})
    );
    assert_eq!(found["xlsx"]["formulas"], 0, "text stays text");
    let rows = &found["xlsx"]["summary"];
    for (theirs, ours) in [
        ("read", "read"),
        ("with events", "with_events"),
        ("ignored", "ignored"),
        ("rejected", "rejected"),
    ] {
        assert_eq!(rows[theirs], run["rows"][ours], "{theirs}");
    }
    let sheets = json!([
        "Summary",
        "Balance",
        "Tracked",
        "Non-referral",
        "Failed",
        "Held",
        "Rejected",
        "Accepted"
    ]);
    assert_eq!(found["xlsx"]["sheets"], sheets);
    if cfg!(feature = "polars") {
        assert_eq!(sums_of(&found["parquet"]), csvs);
        assert_eq!(sums_of(&found["duckdb"]), csvs);
        let header = place.csv("report/tracked.csv").remove(0);
        assert_eq!(found["parquet"]["columns"], json!(header));
    }
}

/// Everything in a folder.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap();
    let files = entries.map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    files.collect()
}

#[test]
fn a_report_is_made_again_the_same_and_only_in_the_formats_that_are_named() {
    let (place, sandbox, _) = reported(30);
    let first = files(&place.path("report"));
    let again = place.run_to(&sandbox, &["report", "--dir", "report", "--json"]);
    again.expect(0);
    let second = files(&place.path("report"));
    assert_eq!(
        first.keys().collect::<Vec<_>>(),
        second.keys().collect::<Vec<_>>()
    );
    for (name, bytes) in &first {
        assert!(second[name] == *bytes, "{name} differs");
    }

    let run = ["report", "--dir", "some", "--format", "xlsx,json"];
    place.run_to(&sandbox, &run).expect(0);
    let some = files(&place.path("some"));
    assert_eq!(
        some.keys().collect::<Vec<_>>(),
        ["report.xlsx", "summary.json"]
    );
    // Its commands name the files of its own folder; made again, it is the same.
    place.run_to(&sandbox, &run).expect(0);
    assert!(some == files(&place.path("some")));

    let unknown = place
        .run_to(&sandbox, &["report", "--format", "pdf"])
        .expect(2);
    assert!(
        unknown.stderr().contains("unknown report format `pdf`"),
        "{}",
        unknown.stderr()
    );
}

/// The shell makes every file end early, as a full disk does, and the program lives on.
#[cfg(target_os = "linux")]
fn on_a_full_disk(place: &Place, sandbox: &SandboxProcess, arguments: &str, kilobytes: u32) -> Ran {
    let program = env!("CARGO_BIN_EXE_fprecon");
    let script = format!(
        "trap '' XFSZ; ulimit -f {}; exec {program} {arguments}",
        kilobytes * 2
    );
    let mut command = place.command_to(sandbox, &[]);
    let environment: Vec<_> = command
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    command = Command::new("sh");
    command
        .args(["-c", &script])
        .current_dir(place.root())
        .env_clear()
        .envs(environment);
    Ran(command.output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_old_report_in_every_format() {
    let (place, sandbox, _) = reported(1500);
    let before = files(&place.path("report"));
    for format in ["csv", "xlsx", "parquet", "csv,json,html,xlsx,parquet"] {
        if format.contains("parquet") && !cfg!(feature = "polars") {
            continue;
        }
        let report = format!("report --dir report --format {format}");
        let ran = on_a_full_disk(&place, &sandbox, &report, 40);
        let said = ran.stderr();
        assert_eq!(ran.code(), 1, "{format}: {said}");
        assert!(said.contains("can't be written"), "{format}: {said}");
        assert!(!said.contains("panicked"), "{format}: {said}");
        assert!(files(&place.path("report")) == before, "{format}");
    }
}

#[test]
fn several_runs_are_added_up_with_each_event_once() {
    let (place, sandbox, first) = reported(40);
    // The next night's export holds the last one's rows and more; then what failed is tried again.
    sandbox.forget_faults();
    let second = ran(&place, &sandbox, 60);
    let retry = place.run_to(&sandbox, &["retry", "--failed", "--json"]);
    let retry = retry.expect_one_of(&[0]);
    let retried = retry["events"]["total"].as_u64().unwrap();
    assert!(retried > 2, "{retry}");

    let report = ["report", "--from", "2020-01-01", "--json", "--dir", "all"];
    let all = place.run_to(&sandbox, &report).expect_one_of(&[0]);
    let of = |json: &Value, path: [&str; 3]| json[path[0]][path[1]][path[2]].as_u64().unwrap();
    let rows = |json: &Value| json["rows"]["read"].as_u64().unwrap();
    assert_eq!(rows(&all), rows(&first) + rows(&second));
    let plan = |json: &Value, state| of(json, ["events", "by_plan", state]);
    let to_send = plan(&first, "to_send") + plan(&second, "to_send");
    assert_eq!(plan(&all, "to_send"), to_send, "a retry sends nothing new");
    let duplicates = plan(&first, "duplicate") + plan(&second, "duplicate");
    let held = 3;
    assert_eq!(plan(&all, "duplicate"), duplicates + retried + held);
    assert_eq!(plan(&all, "settled"), plan(&second, "settled"));
    assert_eq!(all["span"]["runs"].as_array().unwrap().len(), 3);
    assert_eq!(all["outcomes"]["failed"]["count"], 0);
    let sums = of_csvs(&place, "all");
    assert_summary_has(&all, &sums);
    let events: u64 = sums
        .values()
        .flat_map(BTreeMap::values)
        .map(|(count, _)| count)
        .sum();
    assert_eq!(events, to_send);
    let listed = place.csv("all/held.csv").len() - 1;
    assert_eq!(listed as u64, held, "each run held them");
    if let Some(found) = read_by_others(&place.path("all")) {
        assert_eq!(sums_of(&found["xlsx"]), sums);
        if cfg!(feature = "polars") {
            assert_eq!(sums_of(&found["duckdb"]), sums);
        }
    }

    let nothing = ["report", "--to", "2020-01-01"];
    let none = place.run_to(&sandbox, &nothing).expect(3);
    assert!(none.stderr().contains("no run was started on these days"));
    let backwards = ["report", "--from", "2026-02-02", "--to", "2026-02-01"];
    place.run_to(&sandbox, &backwards).expect(2);
    let both = ["report", "--from", "2026-02-02", "--run", "x"];
    place.run_to(&sandbox, &both).expect(2);
}

/// All that a file says, unpacked where it is packed.
fn bytes_of(name: &str, bytes: &[u8]) -> Vec<u8> {
    let ending = Path::new(name).extension().unwrap().to_str().unwrap();
    match ending {
        "xlsx" => {
            let archive = rawzip::ZipArchive::from_slice(bytes).unwrap();
            let mut all = Vec::new();
            for entry in archive.entries() {
                let entry = entry.unwrap();
                let place = entry.wayfinder();
                let packed = archive.get_entry(place).unwrap();
                let mut unpacked = flate2::read::DeflateDecoder::new(packed.data());
                std::io::Read::read_to_end(&mut unpacked, &mut all).unwrap();
            }
            all
        }
        "parquet" => unpacked_parquet(bytes),
        _ => bytes.to_vec(),
    }
}

#[cfg(feature = "polars")]
fn unpacked_parquet(bytes: &[u8]) -> Vec<u8> {
    use parquet::file::reader::{FileReader, SerializedFileReader};
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(bytes)).unwrap();
    let mut all = Vec::new();
    for row in reader.get_row_iter(None).unwrap() {
        for (_, cell) in row.unwrap().get_column_iter() {
            all.extend_from_slice(cell.to_string().as_bytes());
            all.push(b'\n');
        }
    }
    all
}

#[cfg(not(feature = "polars"))]
fn unpacked_parquet(_: &[u8]) -> Vec<u8> {
    unreachable!("it is not written")
}

/// The column `column` of a report, by `event_id`.
fn column_of(place: &Place, file: &str, column: &str) -> BTreeMap<String, String> {
    let mut rows = place.csv(file).into_iter();
    let header = rows.next().unwrap();
    let at = |name: &str| header.iter().position(|title| title == name).unwrap();
    rows.map(|row| (row[at("event_id")].clone(), row[at(column)].clone()))
        .collect()
}

/// What must be in no byte of a redacted report: parts of the emails, and the names.
fn parts_of_people() -> Vec<String> {
    let people = (1..=60).flat_map(|customer| {
        [
            format!("person{customer}@"),
            format!("firstname{customer}"),
            format!("lastname{customer}"),
        ]
    });
    let others = [
        "badname",
        "worsename",
        "zeroname",
        "twicename",
        "bad@",
        "formula@",
        "lost@",
        "@mail-",
        "nora",
        "@example",
    ];
    people.chain(others.map(str::to_owned)).collect()
}

/// Returns the emails of a report, or the words for them, by the ids of the events.
fn emails_of(place: &Place, directory: &str) -> BTreeMap<String, String> {
    let files = PARTS.iter();
    let files = files.map(|part| format!("{directory}/{part}.csv"));
    files
        .flat_map(|file| column_of(place, &file, "email"))
        .collect()
}

#[test]
fn a_redacted_report_names_nobody_and_everybody_the_same() {
    let place = Place::new();
    let sandbox = sandbox();
    place.write("events.csv", &export(60));
    let arguments = [
        "run",
        "events.csv",
        "--yes",
        "--dir",
        "report",
        "--redact",
        "--json",
    ];
    let run = place.run_to(&sandbox, &arguments).expect_one_of(&[1]);

    let secrets = parts_of_people();
    let reports = files(&place.path("report"));
    let mut open = 0;
    for (name, bytes) in &reports {
        let said = bytes_of(name, bytes).to_ascii_lowercase();
        let said = String::from_utf8_lossy(&said);
        for secret in &secrets {
            assert!(!said.contains(secret), "`{secret}` is in {name}");
        }
        open += usize::from(said.contains("in_7"));
    }
    let expected = if cfg!(feature = "polars") { 3 } else { 2 };
    assert!(open >= expected, "ids stay: {open}");
    assert!(
        place.read("report/rejected.csv").contains("events.csv"),
        "paths stay"
    );

    // The same in another run's report, for the same person, in whatever case the email is written.
    let upper = export(60).replace("Person", "PERSON");
    place.write(
        "events.csv",
        &(upper + "in_more,sale,,person7@mail-0.example.com,cus_7,9.00,EUR,2026-03-30,,,,\n"),
    );
    let arguments = [
        "run",
        "events.csv",
        "--yes",
        "--dir",
        "second",
        "--redact",
        "--json",
    ];
    place.run_to(&sandbox, &arguments).expect_one_of(&[1]);
    let emails = |directory| emails_of(&place, directory);
    let (first, second) = (emails("report"), emails("second"));
    assert_eq!(second["in_more"], first["in_7"]);
    assert_ne!(first["in_7"], first["in_8"]);

    // Without it they are there, and the figures are the same.
    let arguments = [
        "report",
        "--run",
        run["run"].as_str().unwrap(),
        "--dir",
        "plain",
    ];
    place.run_to(&sandbox, &arguments).expect(0);
    assert!(
        place.read("plain/tracked.csv").contains("Person7@")
            || place.read("plain/non_referral.csv").contains("Person7@")
    );
    assert_eq!(of_csvs(&place, "plain"), of_csvs(&place, "report"));
}

/// Returns the amounts with which an event arrived.
fn amounts_sent(sandbox: &SandboxProcess, event_id: &str) -> Vec<String> {
    let arrivals = sandbox.arrivals().into_iter();
    let sent = arrivals
        .filter(|arrival| crate::support::form(arrival, "event_id").as_deref() == Some(event_id));
    sent.map(|arrival| crate::support::form(&arrival, "amount").unwrap())
        .collect()
}

#[test]
fn failed_events_are_mended_in_their_report_and_sent_again() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let export = "event_id,kind,sale_event_id,email,amount,currency,created_at\n\
        in_1,sale,,ada@example.com,1.00,USD,2026-03-01\n\
        =in_2,sale,,bea@example.com,2.00,USD,2026-03-02\n\
        in_3,sale,,cid@example.com,3.00,KWD,2026-03-03\n";
    place.write("events.csv", export);
    for id in ["=in_2", "in_3"] {
        sandbox.fault(&json!({"action": "status", "status": 422, "event_id": id}));
    }
    let run = ["run", "events.csv", "--yes", "--json", "--dir", "first"];
    let first = place.run_to(&sandbox, &run).expect_one_of(&[1]);
    assert_eq!(first["outcomes"]["failed"]["count"], 2);

    // One is mended, the other stays: both are sent again, for nothing was recorded of either.
    let failed = place.read("first/failed.csv");
    assert!(
        failed.contains("'=in_2,,bea@example.com,,200,USD,"),
        "{failed}"
    );
    let mended = failed.replace("bea@example.com,,200,", "b.e.a@example.com,,250,");
    place.write("mended.csv", &mended);
    let plan = place
        .run_to(&sandbox, &["plan", "mended.csv", "--json"])
        .expect_one_of(&[0]);
    assert_eq!(plan["inputs"][0]["profile"], "event-report");
    assert_eq!(plan["events"]["by_plan"]["to_send"], 2);
    let run = ["run", "mended.csv", "--yes", "--json", "--dir", "second"];
    let second = place.run_to(&sandbox, &run).expect_one_of(&[0]);
    assert_eq!(second["outcomes"]["tracked"]["count"], 2, "{second}");
    assert_eq!(
        second["outcomes"]["tracked"]["amount_cents"],
        json!({"USD": 250, "KWD": 300})
    );
    let amounts = column_of(&place, "second/tracked.csv", "amount_cents");
    assert_eq!(amounts["'=in_2"], "250");
    assert_eq!(amounts_sent(&sandbox, "=in_2"), ["200", "250"]);

    // Once more, and the export once more: all of it is settled.
    let before = sandbox.arrivals().len();
    for (file, code) in [("mended.csv", 0), ("events.csv", 0)] {
        let run = ["run", file, "--yes", "--json"];
        let again = place.run_to(&sandbox, &run).expect_one_of(&[code]);
        assert_eq!(again["events"]["by_plan"]["to_send"], 0, "{file}: {again}");
        assert_eq!(again["events"]["by_plan"]["conflict"], 0, "{file}: {again}");
    }
    let nothing = place.run_to(&sandbox, &["retry", "--failed"]).expect(0);
    assert!(
        nothing.stdout().contains("nothing to retry"),
        "{}",
        nothing.stdout()
    );
    assert_eq!(sandbox.arrivals().len(), before);

    // The first run keeps its books, with what it sent; the journal is sound and has none left.
    let name = first["run"].as_str().unwrap();
    let report = ["report", "--run", name, "--json", "--dir", "again"];
    let again = place.run_to(&sandbox, &report).expect_one_of(&[0]);
    assert_eq!(
        again["outcomes"]["failed"]["amount_cents"],
        json!({"USD": 200, "KWD": 300})
    );
    let all = ["report", "--from", "2020-01-01", "--json", "--dir", "all"];
    let all = place.run_to(&sandbox, &all).expect_one_of(&[0]);
    assert_eq!(all["outcomes"]["tracked"]["count"], 3);
    let status = place
        .run_to(&sandbox, &["status", "--json"])
        .expect_one_of(&[0]);
    assert_eq!(status["events"]["failed"]["count"], 0);
    assert_eq!(status["events"]["tracked"]["count"], 3);
    place.run_to(&sandbox, &["journal", "check"]).expect(0);
}

/// A sign-up of a promoter who is none, and a sale with all that a sale can say: what the report has no
/// column for is sent as it was, and as a column of the user's says.
#[test]
fn a_failed_event_keeps_what_its_report_does_not_say_when_it_is_mended_there() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let export = "event_id,kind,email,amount,currency,created_at,plan,mrr,promo_code,quantity,first_name,last_name,ref_id\n\
        lead_1,signup,ina@example.com,,,2026-03-01,,,,,Ina,Iv,nobody\n\
        in_1,sale,ada@example.com,1.00,USD,2026-03-01,pro,0.50,SPRING,3,Ada,L,\n";
    place.write("events.csv", export);
    sandbox.fault(&json!({"action": "status", "status": 422, "event_id": "in_1"}));
    let run = ["run", "events.csv", "--yes", "--json", "--dir", "first"];
    let first = place.run_to(&sandbox, &run).expect_one_of(&[1]);
    assert_eq!(first["outcomes"]["failed"]["count"], 2);

    let failed = place.read("first/failed.csv");
    let mended = failed.lines().map(|line| match line.split(',').next() {
        Some("kind") => format!("{line},ref_id\n"),
        Some("signup") => format!("{line},nora\n"),
        _ => format!("{line},\n"),
    });
    place.write("mended.csv", &mended.collect::<String>());
    let run = ["run", "mended.csv", "--yes", "--json"];
    let second = place.run_to(&sandbox, &run).expect_one_of(&[0]);
    assert_eq!(second["outcomes"]["tracked"]["count"], 2, "{second}");
    let of = |path: &str| -> Vec<Value> {
        let arrivals = sandbox.arrivals().into_iter();
        arrivals
            .filter(|arrival| arrival["path"].as_str().unwrap().ends_with(path))
            .collect()
    };
    let [refused, sale] = &of("/sale")[..] else {
        panic!("two arrivals of the sale");
    };
    assert_eq!(refused["body"], sale["body"], "all of it, once more");
    for (name, value) in [("plan", "pro"), ("mrr", "50"), ("promo_code", "SPRING")] {
        assert_eq!(
            crate::support::form(sale, name).as_deref(),
            Some(value),
            "{name}"
        );
    }
    let signups = of("/signup");
    let said = |name: &str| -> Vec<String> {
        let forms = signups
            .iter()
            .map(|arrival| crate::support::form(arrival, name));
        forms.flatten().collect()
    };
    assert_eq!(said("ref_id"), ["nobody", "nora"]);
    assert_eq!(said("first_name"), ["Ina", "Ina"]);
    place.run_to(&sandbox, &["journal", "check"]).expect(0);
}

/// The names of what is half written in a report's folder.
fn half_written(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.ends_with(".tmp")).collect()
}

/// Starts writing reports until one can be stopped with half a report on disk.
#[cfg(unix)]
fn stopped_halfway(place: &Place, sandbox: &SandboxProcess) -> std::process::Child {
    let before = half_written(&place.path("report"));
    let is_halfway = || {
        let now = half_written(&place.path("report"));
        now.iter().filter(|name| !before.contains(name)).count() >= 5
    };
    for _ in 0..40 {
        let report = ["report", "--dir", "report", "--format", "csv,xlsx,html"];
        let mut command = place.command_to(sandbox, &report);
        command.stdout(std::process::Stdio::null());
        command.stderr(std::process::Stdio::null());
        let mut child = command.spawn().unwrap();
        while !is_halfway() && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        let id = child.id().to_string();
        let stopped = Command::new("kill").args(["-STOP", &id]).status().unwrap();
        if stopped.success() && is_halfway() {
            return child;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    panic!("no report could be stopped halfway");
}

/// A report that is killed leaves half of its files, which the next one clears away; what another
/// one is writing at the same time stays, and comes whole.
#[cfg(unix)]
#[test]
fn what_a_killed_report_left_is_cleared_and_what_another_writes_stays() {
    let (place, sandbox, _) = reported(1500);
    let whole = files(&place.path("report"));
    let mut killed = stopped_halfway(&place, &sandbox);
    killed.kill().unwrap();
    killed.wait().unwrap();
    let left = half_written(&place.path("report"));
    assert!(left.len() >= 5, "{left:?}");
    place.write("report/.notes.csv.0123456789abcdef.tmp", "not ours");

    let mut alive = stopped_halfway(&place, &sandbox);
    let now = half_written(&place.path("report"));
    assert!(
        left.iter().all(|name| !now.contains(name)),
        "{left:?} {now:?}"
    );
    // One that it was stopped over, between making and locking it, it makes again.
    let is_locked = |name: &String| {
        let file = place.path("report").join(name);
        let file = std::fs::OpenOptions::new().write(true).open(file).unwrap();
        file.try_lock().is_err()
    };
    let locked: BTreeSet<String> = now.into_iter().filter(is_locked).collect();
    assert!(locked.len() >= 4, "{locked:?}");
    let report = ["report", "--dir", "report", "--format", "csv"];
    place.run_to(&sandbox, &report).expect(0);
    let left = half_written(&place.path("report")).into_iter();
    let left: BTreeSet<String> = left
        .filter(|name| name != ".notes.csv.0123456789abcdef.tmp")
        .collect();
    assert_eq!(left, locked);
    let id = alive.id().to_string();
    Command::new("kill").args(["-CONT", &id]).status().unwrap();
    assert_eq!(alive.wait().unwrap().code(), Some(0));
    let mut end = files(&place.path("report"));
    assert!(end.remove(".notes.csv.0123456789abcdef.tmp").is_some());
    assert!(end == whole, "{:?}", end.keys());
}

#[test]
fn a_limit_that_sending_has_found_is_said_everywhere() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let sales = (1..=9).map(|n| format!("in_{n},a{n}@example.com,1.00,2026-03-01\n"));
    let sales: String = sales.collect();
    place.write(
        "events.csv",
        &format!("event_id,email,amount,created_at\n{sales}"),
    );
    for id in ["in_3", "in_6"] {
        sandbox.fault(&json!({"action": "status", "status": 429, "retry_after": 0, "event_id": id, "times": 1}));
    }
    let run = ["run", "events.csv", "--yes", "--dir", "report"];
    let mut command = place.command_to(&sandbox, &run);
    command.env("FPRECON_CONCURRENCY", "1");
    let ran = Ran(command.output().unwrap()).expect(0);
    let summary: Value = serde_json::from_str(&place.read("report/summary.json")).unwrap();
    let learned = summary["learned_requests_per_minute"].as_u64().unwrap();
    assert!((1..600_000).contains(&learned), "{learned}");
    let said = format!("The account takes about {learned} requests a minute");
    assert!(ran.stdout().contains(&said), "{}", ran.stdout());
    let page = place.read("report/report.html");
    assert!(
        page.contains("<dt>Account&#39;s limit</dt>") || page.contains("<dt>Account's limit</dt>")
    );
    let again = place.run_to(&sandbox, &["report", "--json", "--dir", "again"]);
    let again = again.expect_one_of(&[0]);
    assert_eq!(again["learned_requests_per_minute"], learned);
    let status = place.run_to(&sandbox, &["status"]).expect(0).stdout();
    assert!(status.contains(&said), "{status}");
    place.run_to(&sandbox, &["journal", "check"]).expect(0);

    // The next run meets none, and says none.
    place.write(
        "more.csv",
        "event_id,email,amount,created_at\nin_x,x@example.com,1.00,2026-03-01\n",
    );
    let next = place.run_to(&sandbox, &["run", "more.csv", "--yes", "--json"]);
    assert!(next.expect_one_of(&[0])["learned_requests_per_minute"].is_null());

    // What the hint says is taken.
    let hint = format!("`requests_per_minute = {learned}` under `[send]`");
    assert!(ran.stdout().contains(&hint), "{}", ran.stdout());
    place.write(
        "fprecon.toml",
        &format!("[send]\nrequests_per_minute = {learned}\n"),
    );
    let mut config = place.command_to(&sandbox, &["config", "--json"]);
    config.env_remove("FPRECON_REQUESTS_PER_MINUTE");
    let config = Ran(config.output().unwrap()).expect(0).json();
    assert!(
        config.to_string().contains(&learned.to_string()),
        "{config}"
    );
}

#[test]
fn an_event_that_may_have_been_recorded_is_not_mended_by_a_report() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let export = "event_id,kind,email,amount,currency,created_at\n\
        in_1,sale,ada@example.com,1.00,USD,2026-03-01\n\
        sub_1,cancellation,ada@example.com,,,2026-03-02\n";
    place.write("events.csv", export);
    sandbox.fault(
        &json!({"action": "reset", "after_effect": true, "kind": "cancellation", "times": 9}),
    );
    let run = ["run", "events.csv", "--yes", "--json", "--dir", "first"];
    let first = place.run_to(&sandbox, &run).expect_one_of(&[1]);
    assert_eq!(first["outcomes"]["unconfirmed"]["count"], 1);
    let failed = place.read("first/failed.csv");
    let before = sandbox.arrivals().len();
    for (text, state) in [
        (failed.clone(), "settled"),
        (failed.replace("ada@", "other@"), "conflict"),
    ] {
        place.write("again.csv", &text);
        let run = ["run", "again.csv", "--yes", "--json"];
        let again = place.run_to(&sandbox, &run).expect_one_of(&[0, 1]);
        assert_eq!(again["events"]["by_plan"][state], 1, "{again}");
    }
    assert_eq!(sandbox.arrivals().len(), before);
}
