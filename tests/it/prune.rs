//! What `journal prune` and `[retention]` remove, and that nothing that decides what is sent goes with it.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::faults_system::SmallDisk;
use crate::support::{Place, Ran, SandboxProcess, open_to_edit};

/// A day before which every run of a test has ended.
const ALL: [&str; 3] = ["--before", "2099-12-31", "--yes"];

/// The copies of a journal that are compared: their names have the same length.
const WHOLE: &str = "copies/whole-.journal";
const PRUNED: &str = "copies/pruned.journal";

fn pruning(journal: &str) -> Vec<&str> {
    let mut arguments = vec!["journal", "prune", "--journal", journal];
    arguments.extend(ALL);
    arguments
}

/// Copies a journal that nobody writes, with what belongs to it.
pub fn copy_journal(place: &Place, from: &str, to: &str) {
    for suffix in ["", "-wal", ".commits"] {
        let from = place.path(&format!("{from}{suffix}"));
        let to = place.path(&format!("{to}{suffix}"));
        let _ = fs::remove_file(&to);
        if from.exists() {
            fs::copy(from, to).unwrap();
        }
    }
    let _ = fs::remove_file(place.path(&format!("{to}-shm")));
}

/// Prunes a copy of the journal of everything that can go, and expects that it decides about every event of some
/// exports as the whole one does. Returns what was removed.
#[track_caller]
pub fn expect_same_decisions(
    place: &Place,
    files: &[&str],
    command: impl Fn(&[&str]) -> Command,
) -> Value {
    // In a folder of their own: the reports of the runs are left alone.
    fs::create_dir_all(place.path("copies")).unwrap();
    copy_journal(place, "fprecon.journal", WHOLE);
    copy_journal(place, "fprecon.journal", PRUNED);
    let mut prune = pruning(PRUNED);
    prune.push("--json");
    let pruned = Ran(command(&prune).output().unwrap()).expect(0).json();
    let check = ["journal", "check", "--journal", PRUNED];
    Ran(command(&check).output().unwrap()).expect(0);
    let [whole, pruned_plan] = [WHOLE, PRUNED].map(|journal| {
        let mut arguments = vec!["plan", "--json", "--events", "plan.csv"];
        arguments.extend(["--journal", journal]);
        arguments.extend(files);
        let ran = Ran(command(&arguments).output().unwrap());
        let said = ran.expect_code_one_of(&[0, 1]);
        let mut json = said.json();
        // The warnings name the journal, and the place in the exports of an earlier run.
        let codes = json["problems"].as_array_mut().unwrap();
        codes
            .iter_mut()
            .for_each(|problem| problem["hint"] = Value::Null);
        (said.code(), json, place.read("plan.csv"))
    });
    assert_eq!(whole, pruned_plan);
    let attention = |journal: &str| {
        let status = ["status", "--json", "--journal", journal];
        let mut json = Ran(command(&status).output().unwrap()).expect(0).json();
        let attention = json["attention"].as_array_mut().unwrap();
        attention
            .iter_mut()
            .for_each(|item| item["command"] = Value::Null);
        (json["attention"].clone(), json["events"].clone())
    };
    assert_eq!(attention(WHOLE), attention(PRUNED));
    pruned
}

fn own(rows: &str) -> String {
    format!("kind,event_id,sale_event_id,email,amount,currency,created_at\n{rows}")
}

const MONDAY: &str = "sale,s1,,ana@example.com,49.00,USD,2026-03-02
sale,s2,,ben@example.com,120.00,USD,2026-03-02
cancellation,c1,,ana@example.com,,,2026-03-02
";

const TUESDAY: &str = "sale,s3,,cyd@example.com,10.00,USD,2026-03-03
refund,r1,s1,ana@example.com,9.00,USD,2026-03-03
refund,r9,s9,eva@example.com,15.00,USD,2026-03-03
sale,x1,,ana@example.com,1e3,USD,2026-03-03
";

/// Three nights: one with nothing left, one with something held and rejected, one with nothing new.
fn three_nights(place: &Place, sandbox: &SandboxProcess) -> Vec<String> {
    place.write("monday.csv", &own(MONDAY));
    place.write("tuesday.csv", &own(TUESDAY));
    let nights = [("monday.csv", 0), ("tuesday.csv", 1), ("monday.csv", 0)];
    let runs = nights.map(|(export, code)| {
        let ran = place.run_to(sandbox, &["run", export, "--yes", "--json"]);
        ran.expect(code).json()["report_dir"]
            .as_str()
            .unwrap()
            .to_owned()
    });
    runs.to_vec()
}

fn run_name(directory: &str) -> &str {
    Path::new(directory).file_name().unwrap().to_str().unwrap()
}

#[test]
fn what_is_settled_and_old_is_removed_and_nothing_that_is_open() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let reports = three_nights(&place, &sandbox);
    let prune = |arguments: &[&str]| place.run_to(&sandbox, arguments);
    // Somebody has to say yes, and a day is needed.
    prune(&["journal", "prune", "--before", "2099-01-01"]).expect(2);
    prune(&["journal", "prune", "--yes"]).expect(2);
    let none = [
        "journal",
        "prune",
        "--before",
        "2020-01-01",
        "--yes",
        "--json",
    ];
    let json = prune(&none).expect(0).json();
    assert_eq!([&json["runs"], &json["runs_kept"]], [0, 0], "{json}");

    let status = |place: &Place| place.run_to(&sandbox, &["status", "--json"]).json();
    let before = status(&place);
    let mut all = pruning("fprecon.journal");
    all.push("--json");
    let json = prune(&all).expect(0).json();
    // The second night has something open, and the third is the latest.
    assert_eq!([&json["runs"], &json["runs_kept"]], [1, 2], "{json}");
    assert_eq!([&json["attempts"], &json["reports"]], [3, 1], "{json}");
    assert!(!place.path(&reports[0]).exists());
    assert!(place.path(&reports[1]).join("held.csv").exists());
    assert!(place.path(&reports[2]).exists());
    prune(&["journal", "check"]).expect(0);
    let after = status(&place);
    assert_eq!(before, after);
    // All events are still there.
    let export = prune(&["journal", "export"]).expect(0).stdout();
    assert_eq!(export.lines().count(), 1 + 5, "{export}");
    // A second time there is nothing to remove.
    assert_eq!(prune(&all).expect(0).json()["runs"], 0);

    // What was held is accepted: its run stays, since later reports list that.
    let held = format!("{}/held.csv", reports[1]);
    let accept = ["accept", &held, "--reason", "sold elsewhere"];
    prune(&accept).expect(0);
    assert_eq!(prune(&all).expect(0).json()["runs"], 0);
    place
        .run_to(&sandbox, &["run", "tuesday.csv", "--yes"])
        .expect(1);
    // Now a later run has all of it.
    let json = prune(&all).expect(0).json();
    assert_eq!([&json["runs"], &json["held"]], [2, 1], "{json}");
    prune(&["journal", "check"]).expect(0);
    let listed = prune(&["accept", "--list"]).expect(0).stdout();
    assert!(listed.contains("sold elsewhere"), "{listed}");
    assert_eq!(sandbox.events().len(), 5);
}

#[test]
fn reports_of_what_was_pruned_are_refused_by_name() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let reports = three_nights(&place, &sandbox);
    let run = run_name(&reports[0]);
    place
        .run_to(&sandbox, &pruning("fprecon.journal"))
        .expect(0);
    let report = |arguments: &[&str]| {
        let ran = place.run_to(&sandbox, arguments);
        (ran.code(), ran.stderr())
    };
    let (code, said) = report(&["report", "--run", run]);
    assert_eq!(code, 3);
    assert!(
        said.contains(&format!("the details of the run `{run}` were removed")),
        "{said}"
    );
    // The hint leads to the events.
    let export = place.run_to(&sandbox, &["journal", "export"]).expect(0);
    assert!(export.stdout().contains("sale,s1,"));
    let life = place
        .run_to(&sandbox, &["explain", "s1"])
        .expect(0)
        .stdout();
    assert!(life.contains("sale s1, 49.00 USD"), "{life}");

    let (code, said) = report(&["report", "--from", "2020-01-01"]);
    assert_eq!(code, 3);
    assert!(
        said.contains("the details of 1 run of these days were removed"),
        "{said}"
    );
    let (_, hint) = said.split_once("`fprecon report --from ").unwrap();
    let (day, _) = hint.split_once('`').unwrap();
    // All runs are of one day here.
    let (code, said) = report(&["report", "--from", day]);
    assert!(
        code == 3 && said.contains("no run was started on these days"),
        "{said}"
    );
    report(&["report"]);
    let latest = place.run_to(&sandbox, &["report", "--json"]).expect(0);
    assert_eq!(latest.json()["run"], run_name(&reports[2]));
    // By the days of sales, every event is still there.
    let by_sales = [
        "report",
        "--by",
        "sale-date",
        "--from",
        "2026-03-01",
        "--json",
        "--dir",
        "sales",
    ];
    let sales = place.run_to(&sandbox, &by_sales).expect_one_of(&[0, 1]);
    assert_eq!(sales["outcomes"]["tracked"]["count"], 5, "{sales}");
}

/// Sets back the days on which runs were started and ended.
fn age(place: &Place, days: i64) {
    let journal = open_to_edit(place.path("fprecon.journal"));
    let ms = days * 24 * 3_600_000;
    let sql = format!("UPDATE run SET started_ms = started_ms - {ms}, ended_ms = ended_ms - {ms}");
    journal.execute_batch(&sql).unwrap();
}

#[test]
fn retention_removes_after_each_run_what_is_older() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let reports = three_nights(&place, &sandbox);
    place.write("fprecon.toml", "[retention]\nafter_days = 30\n");
    let night = || {
        place
            .run_to(&sandbox, &["run", "monday.csv", "--yes", "--quiet"])
            .expect(0)
    };
    night();
    assert!(place.path(&reports[0]).exists());
    age(&place, 29);
    night();
    assert!(place.path(&reports[0]).exists());
    age(&place, 29);
    let said = night().stderr();
    assert_eq!(said, "");
    // The first, the third and the fourth have nothing open.
    assert!(!place.path(&reports[0]).exists() && !place.path(&reports[2]).exists());
    assert!(place.path(&reports[1]).exists());
    place.run_to(&sandbox, &["journal", "check"]).expect(0);
    let run = place.run_to(&sandbox, &["report", "--run", run_name(&reports[0])]);
    assert_eq!(run.code(), 3);
}

/// A journal with many old nights: each has its rows that gave no event, and a few sales.
fn many_nights(place: &Place, sandbox: &SandboxProcess, nights: u32, ignored: u32) {
    let header = crate::support::STRIPE_HEADER;
    let columns = header.split(',').count();
    for night in 1..=nights {
        let mut payments = Vec::new();
        for n in 1..=3 {
            payments.push(crate::support::Payment::paid(night * 10 + n, n));
        }
        for n in 0..ignored {
            let mut failed = crate::support::Payment::paid(100_000 + night * 1000 + n, 4);
            failed.status = "Failed".into();
            failed.captured = "false".into();
            payments.push(failed);
        }
        let export = crate::support::stripe_export(&payments);
        assert_eq!(export.lines().nth(1).unwrap().split(',').count(), columns);
        place.write("night.csv", &export);
        place
            .run_to(sandbox, &["run", "night.csv", "--yes", "--quiet"])
            .expect(0);
    }
}

fn size(place: &Place, journal: &str) -> u64 {
    fs::metadata(place.path(journal)).unwrap().len()
}

#[test]
fn the_file_gets_smaller_and_decides_as_before() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "50"]);
    many_nights(&place, &sandbox, 4, 300);
    let whole = size(&place, "fprecon.journal");
    let command = |arguments: &[&str]| place.command_to(&sandbox, arguments);
    let pruned = expect_same_decisions(&place, &["night.csv"], command);
    assert_eq!(pruned["rows"], 900, "{pruned}");
    let after = size(&place, PRUNED);
    assert_eq!(pruned["bytes_after"], after);
    assert!(after * 3 < whole * 2, "{after} of {whole}");
}

/// Kills `journal prune` again and again: it has removed everything or nothing, and what it left is whole.
#[test]
fn a_kill_while_it_prunes_loses_nothing() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "50"]);
    many_nights(&place, &sandbox, 4, 300);
    let command = |arguments: &[&str]| place.command_to(&sandbox, arguments);
    let plan = |journal: &str| {
        let plan = [
            "plan",
            "night.csv",
            "--journal",
            journal,
            "--events",
            "plan.csv",
        ];
        Ran(command(&plan).output().unwrap()).expect(0);
        place.read("plan.csv")
    };
    let wanted = plan("fprecon.journal");
    let mut rng = fastrand::Rng::with_seed(11);
    let (mut kills, mut ended) = (0, 0);
    for _ in 0..10 {
        copy_journal(&place, "fprecon.journal", "pruned.journal");
        for _ in 0..3 {
            let mut prune = command(&pruning("pruned.journal"));
            let prune = prune.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = prune.spawn().unwrap();
            std::thread::sleep(Duration::from_micros(rng.u64(1_000..60_000)));
            if child.try_wait().unwrap().is_some() {
                ended += 1;
                break;
            }
            child.kill().unwrap();
            child.wait().unwrap();
            kills += 1;
            let check = ["journal", "check", "--journal", "pruned.journal"];
            Ran(command(&check).output().unwrap()).expect(0);
            assert_eq!(plan("pruned.journal"), wanted);
        }
        let last = Ran(command(&pruning("pruned.journal")).output().unwrap());
        last.expect(0);
        assert_eq!(plan("pruned.journal"), wanted);
    }
    assert!(kills > 4, "{kills} kills, {ended} ended");
}

#[test]
fn a_full_disk_while_it_prunes_loses_nothing() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "50"]);
    many_nights(&place, &sandbox, 4, 300);
    let whole = size(&place, "fprecon.journal");
    let copied = whole + size(&place, "fprecon.journal.commits");
    let command = |arguments: &[&str]| place.command_to(&sandbox, arguments);
    let mut refused = 0;
    // From no room at all to enough for all of it.
    for part in [0, 1, 2, 4, 8, 16, 32] {
        let room = u32::try_from(copied + 16 * 1024 + whole * part / 10).unwrap();
        let Some(disk) = SmallDisk::mount(room) else {
            return;
        };
        let journal = disk.at.join("fprecon.journal").display().to_string();
        for suffix in ["", ".commits"] {
            let from = place.path(&format!("fprecon.journal{suffix}"));
            fs::copy(from, format!("{journal}{suffix}")).unwrap();
        }
        let ran = Ran(command(&pruning(&journal)).output().unwrap());
        let ran = ran.expect_code_one_of(&[0, 6]);
        refused += usize::from(ran.code() == 6 || ran.stderr().contains("smaller"));
        disk.grow(room + (8 << 20));
        let check = ["journal", "check", "--journal", &journal];
        Ran(command(&check).output().unwrap()).expect(0);
        Ran(command(&pruning(&journal)).output().unwrap()).expect(0);
        let plan = ["plan", "night.csv", "--journal", &journal, "--json"];
        let plan = Ran(command(&plan).output().unwrap()).expect(0).json();
        assert_eq!(
            plan["events"]["by_plan"]["to_send"]["count"]
                .as_u64()
                .unwrap_or(0),
            0,
            "{plan}"
        );
    }
    assert!(refused >= 2, "{refused}");
}

/// The bytes of all files of a folder.
fn bytes_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| entry.metadata().unwrap().len()).sum()
}

#[test]
fn a_night_with_nothing_new_adds_little_to_the_journal_and_its_report_is_small() {
    const NIGHTS: u64 = 6;
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "50"]);
    let paid = (1..=400).map(|n| crate::support::Payment::paid(n, n % 90));
    let failed = (1_001..=1_400).map(|n| crate::support::Payment {
        status: "Failed".into(),
        captured: "false".into(),
        ..crate::support::Payment::paid(n, n % 90)
    });
    let mut payments: Vec<_> = paid.chain(failed).collect();
    let own_sales: String = (1..=200)
        .map(|n| format!("sale,o{n},,own{n}@example.com,9.00,USD,2026-03-02\n"))
        .collect();
    let night = |payments: &[crate::support::Payment]| {
        place.write("stripe.csv", &crate::support::stripe_export(payments));
        place.write("own.csv", &own(&own_sales));
        let run = ["run", "stripe.csv", "own.csv", "--yes", "--json"];
        place.run_to(&sandbox, &run).expect(0).json()
    };
    let first = night(&payments);
    let ignored = |json: &Value| json["rows"]["ignored"].as_u64().unwrap();
    assert_eq!(ignored(&first), 400);
    let before = size(&place, "fprecon.journal");
    let mut last = Value::Null;
    for _ in 0..NIGHTS {
        // The same rows in another order: another export with nothing new.
        payments.rotate_left(7);
        last = night(&payments);
    }
    let added = size(&place, "fprecon.journal") - before;
    assert!(added / NIGHTS < 10_000, "{added} bytes in {NIGHTS} nights");
    // All rows are counted, by their reason.
    assert_eq!(
        [ignored(&last), last["rows"]["read"].as_u64().unwrap()],
        [400, 1000]
    );
    assert_eq!(last["ignored"], first["ignored"]);
    let report = |json: &Value| place.path(json["report_dir"].as_str().unwrap());
    let lines = |json: &Value| {
        fs::read_to_string(report(json).join("ignored.csv"))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!([lines(&first), lines(&last)], [401, 1]);
    let bytes = bytes_of(&report(&last));
    assert!(bytes < 80_000, "{bytes}");
    place.run_to(&sandbox, &["journal", "check"]).expect(0);
    place.run_to(&sandbox, &["report"]).expect(0);

    // A row that changes is listed.
    let changed = payments
        .iter_mut()
        .find(|payment| payment.status == "Failed")
        .unwrap();
    changed.amount = "77.00".into();
    let json = night(&payments);
    assert_eq!([ignored(&json), lines(&json) as u64], [400, 2]);
}

/// A retry opens events of a pruned run again; if it gives up, `resume` has only the retry's run to go on with.
#[test]
fn a_retry_of_what_was_pruned_is_resumed_by_its_own_run() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "0"]);
    place.write("monday.csv", &own(MONDAY));
    let later = "sale,s8,,gil@example.com,10.00,USD,2026-03-04\n";
    place.write("later.csv", &own(later));
    for export in ["monday.csv", "later.csv"] {
        place.run_to(&sandbox, &["run", export, "--yes"]).expect(0);
    }
    let mut prune = pruning("fprecon.journal");
    prune.push("--json");
    let pruned = place.run_to(&sandbox, &prune).expect(0).json();
    assert_eq!(pruned["runs"], 1, "{pruned}");
    sandbox.fault(&serde_json::json!({"action": "status", "status": 503, "times": 1000}));
    let retry = ["retry", "--non-referral", "--yes"];
    let mut command = place.command_to(&sandbox, &retry);
    command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    Ran(command.output().unwrap()).expect(5);
    sandbox.forget_faults();
    let resumed = place.run_to(&sandbox, &["resume", "--json"]).expect(0);
    let outcomes = resumed.json()["outcomes"].clone();
    assert_eq!(outcomes["non_referral"]["count"], 4, "{outcomes}");
    let status = place.run_to(&sandbox, &["status", "--json"]).expect(0);
    assert_eq!(status.json()["attention"], serde_json::json!([]));
}

#[test]
fn a_run_that_gave_up_is_not_pruned_and_is_resumed() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.write("monday.csv", &own(MONDAY));
    let later = "sale,s8,,gil@example.com,10.00,USD,2026-03-04\n";
    place.write("later.csv", &own(later));
    sandbox.fault(&serde_json::json!({"action": "status", "status": 503, "times": 1000}));
    let mut command = place.command_to(&sandbox, &["run", "monday.csv", "--yes"]);
    command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    Ran(command.output().unwrap()).expect(5);
    sandbox.forget_faults();
    for _ in 0..2 {
        place
            .run_to(&sandbox, &["run", "later.csv", "--yes"])
            .expect_code_one_of(&[0, 1]);
    }
    let mut prune = pruning("fprecon.journal");
    prune.push("--json");
    let pruned = place.run_to(&sandbox, &prune).expect(0).json();
    assert_eq!(pruned["runs"], 1, "{pruned}");
    let resumed = place.run_to(&sandbox, &["resume", "--json"]).expect(0);
    let outcomes = resumed.json()["outcomes"].clone();
    assert_eq!(outcomes["tracked"]["count"], 3, "{outcomes}");
}
