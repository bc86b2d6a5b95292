//! The journal as a file among others: what its path may name, and what happens to it while it is in use.
//! The tests are named after their row of the table in `docs/reliability.md`.

#![cfg(unix)]

use crate::support::strace;
use std::fs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{
    Payment, Place, Ran, SandboxProcess, end_of, open_to_edit, signal, stripe_export,
};
use strace::skip;

const JOURNAL: &str = "fprecon.journal";

fn sandbox() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

fn payments(place: &Place, count: u32) {
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    place.write("payments.csv", &stripe_export(&payments));
}

/// Cancellations, which carry no id on the wire and would count twice.
fn cancellations(place: &Place, count: u32) {
    let mut text = String::from("kind,event_id,email,created_at\n");
    for n in 0..count {
        text.push_str(&format!(
            "cancellation,c{n},user{n}@example.com,2026-03-01\n"
        ));
    }
    place.write("cancellations.csv", &text);
}

#[test]
fn row_39_what_is_no_file_is_refused_as_a_journal_and_not_touched() {
    let (place, sandbox) = (Place::new(), sandbox());
    payments(&place, 2);
    fs::create_dir(place.path("folder")).unwrap();
    let fifo = Command::new("mkfifo").arg(place.path("pipe")).status();
    assert!(fifo.unwrap().success());
    let _listener = UnixListener::bind(place.path("socket")).unwrap();
    std::os::unix::fs::symlink("/dev/null", place.path("link")).unwrap();
    std::os::unix::fs::symlink("not-mounted/journal", place.path("loose")).unwrap();
    for (name, what) in [
        ("folder", "a directory"),
        ("pipe", "a named pipe"),
        ("socket", "a socket"),
        ("link", "a device"),
        (
            "loose",
            "a link to not-mounted/journal, which does not exist",
        ),
        ("/dev/null", "a device"),
    ] {
        let before = fs::symlink_metadata(place.path(name)).unwrap();
        for command in [
            &["run", "payments.csv", "--yes"][..],
            &["plan", "payments.csv"],
            &["resume"],
            &["status"],
            &["report"],
            &["journal", "check"],
        ] {
            let arguments = [command, &["--journal", name]].concat();
            let refused = place.run_to(&sandbox, &arguments).expect(6).stderr();
            assert!(refused.contains(what), "{arguments:?}: {refused}");
            assert!(refused.contains("--journal"), "{arguments:?}: {refused}");
        }
        let after = fs::symlink_metadata(place.path(name)).unwrap();
        assert_eq!(before.file_type(), after.file_type(), "{name}");
    }
    assert!(
        fs::metadata("/dev/null")
            .unwrap()
            .file_type()
            .is_char_device()
    );
    let left: Vec<String> = fs::read_dir(place.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".lock") || name.contains(".new"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    assert!(sandbox.arrivals().is_empty());
}

/// A pipe is waited for, and SQLite says of a directory that the file can't be opened.
#[test]
fn row_39_what_is_no_file_beside_a_journal_is_refused_and_not_waited_for() {
    let (place, sandbox) = (Place::new(), sandbox());
    payments(&place, 2);
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes"])
        .expect(0);
    let sent = sandbox.arrivals().len();
    let whole = fs::read(place.path(&format!("{JOURNAL}.commits"))).unwrap();
    for ending in ["-wal", "-shm", "-journal", ".commits", ".lock"] {
        for kind in ["a directory", "a named pipe"] {
            let name = format!("{JOURNAL}{ending}");
            let _ = fs::remove_file(place.path(&name));
            match kind {
                "a directory" => fs::create_dir(place.path(&name)).unwrap(),
                _ => assert!(
                    Command::new("mkfifo")
                        .arg(place.path(&name))
                        .status()
                        .unwrap()
                        .success()
                ),
            }
            for command in [
                &["run", "payments.csv", "--yes"][..],
                &["plan", "payments.csv"],
                &["resume"],
                &["status"],
                &["report"],
                &["journal", "check"],
                &["journal", "recover"],
            ] {
                let refused = place.run_to(&sandbox, command).expect(6).stderr();
                let says = format!("{name} is {kind}");
                assert!(refused.contains(&says), "{command:?}: {refused}");
                assert!(refused.contains("move it away"), "{command:?}: {refused}");
            }
            let place_of = place.path(&name);
            fs::rename(place_of, place.path("moved-away")).unwrap();
            match kind {
                "a directory" => fs::remove_dir(place.path("moved-away")).unwrap(),
                _ => fs::remove_file(place.path("moved-away")).unwrap(),
            }
            fs::write(place.path(&format!("{JOURNAL}.commits")), &whole).unwrap();
            place.run(&["journal", "check"]).expect(0);
        }
    }
    assert_eq!(sandbox.arrivals().len(), sent);
}

#[test]
fn row_39_an_empty_file_keeps_its_mode() {
    let (place, sandbox) = (Place::new(), sandbox());
    payments(&place, 2);
    for mode in [0o600, 0o640, 0o666] {
        place.write(JOURNAL, "");
        fs::set_permissions(place.path(JOURNAL), fs::Permissions::from_mode(mode)).unwrap();
        place
            .run_to(&sandbox, &["run", "payments.csv", "--yes"])
            .expect(0);
        let found = fs::metadata(place.path(JOURNAL)).unwrap();
        assert!(found.len() > 0);
        assert_eq!(found.permissions().mode() & 0o777, mode);
        for entry in fs::read_dir(place.root()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.starts_with(JOURNAL) {
                fs::remove_file(place.path(&name)).unwrap();
            }
        }
    }
}

/// A run of many cancellations, one request at a time, of which some have arrived.
fn run_under_way(place: &Place, sandbox: &SandboxProcess) -> Child {
    cancellations(place, 400);
    let arguments = ["run", "cancellations.csv", "--yes", "--concurrency", "2"];
    let mut run = start(place, sandbox, &arguments);
    while sandbox.arrivals().len() < 20 {
        assert!(run.try_wait().unwrap().is_none());
    }
    run
}

fn start(place: &Place, sandbox: &SandboxProcess, arguments: &[&str]) -> Child {
    let mut command = place.command_to(sandbox, arguments);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Does something to the journal of a run under way, and expects that sending stops soon.
fn disturb(place: &Place, sandbox: &SandboxProcess, what: impl FnOnce()) -> String {
    let run = run_under_way(place, sandbox);
    what();
    let arrived = sandbox.arrivals().len();
    let ran = end_of(run).expect(6);
    // Two at a time, 15 ms each: a second has room for some 130.
    let more = sandbox.arrivals().len() - arrived;
    assert!(more < 140, "{more}");
    assert!(sandbox.arrivals().len() < 400);
    ran.stderr()
}

#[track_caller]
fn expect_each_cancelled_once(sandbox: &SandboxProcess) {
    let mut customers: Vec<String> = sandbox
        .events()
        .iter()
        .map(|event| event["email"].to_string())
        .collect();
    let all = customers.len();
    customers.sort();
    customers.dedup();
    assert_eq!(all, customers.len(), "a cancellation counted twice");
}

fn slow_sandbox() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "15"])
}

#[test]
fn row_37_a_journal_that_is_moved_during_a_run_stops_it_and_goes_on_when_it_is_back() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let (journal, away) = (place.path(JOURNAL), place.path("elsewhere"));
    let said = disturb(&place, &sandbox, || fs::rename(&journal, &away).unwrap());
    assert!(said.contains("deleted or moved away"), "{said}");
    assert!(said.contains("move the journal back"), "{said}");
    fs::rename(&away, &journal).unwrap();
    place
        .run_to(&sandbox, &["resume", "--concurrency", "40"])
        .expect_code_one_of(&[0, 1]);
    expect_each_cancelled_once(&sandbox);
    place.run(&["journal", "check"]).expect(0);
    assert!(sandbox.events().len() > 390);
}

#[test]
fn row_37_a_journal_that_is_deleted_or_replaced_during_a_run_stops_it() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let journal = place.path(JOURNAL);
    let said = disturb(&place, &sandbox, || fs::remove_file(&journal).unwrap());
    assert!(said.contains("deleted or moved away"), "{said}");
    expect_each_cancelled_once(&sandbox);

    let (place, sandbox) = (Place::new(), slow_sandbox());
    let journal = place.path(JOURNAL);
    let said = disturb(&place, &sandbox, || {
        fs::copy(&journal, place.path("copy")).unwrap();
        fs::rename(place.path("copy"), &journal).unwrap();
    });
    assert!(said.contains("replaced by another file"), "{said}");
    expect_each_cancelled_once(&sandbox);
}

#[test]
fn row_37_a_lock_that_is_deleted_during_a_run_lets_nobody_else_in_unnoticed() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let lock = place.path(&format!("{JOURNAL}.lock"));
    let said = disturb(&place, &sandbox, || fs::remove_file(&lock).unwrap());
    assert!(said.contains("deleted or moved away"), "{said}");
    place
        .run_to(&sandbox, &["resume", "--concurrency", "40"])
        .expect_code_one_of(&[0, 1]);
    expect_each_cancelled_once(&sandbox);
}

#[test]
fn row_37_a_journal_that_is_lost_is_restored_as_the_hint_says_and_repeats_nothing() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    place.write(
        "before.csv",
        "kind,event_id,email,created_at\ncancellation,b1,before@example.com,2026-03-01\n",
    );
    place
        .run_to(&sandbox, &["run", "before.csv", "--yes"])
        .expect(0);
    let (journal, backup) = (place.path(JOURNAL), place.path("backup"));
    fs::copy(&journal, &backup).unwrap();
    let said = disturb(&place, &sandbox, || fs::remove_file(&journal).unwrap());
    assert!(said.contains("leave the present .commits file"), "{said}");
    let log = place.path(&format!("{JOURNAL}-wal"));
    if log.exists() {
        fs::remove_file(log).unwrap();
    }
    fs::copy(&backup, &journal).unwrap();
    place
        .run_to(&sandbox, &["journal", "recover", "--yes"])
        .expect_code_one_of(&[0, 1]);
    let again = ["run", "cancellations.csv", "--yes", "--concurrency", "40"];
    place.run_to(&sandbox, &again).expect(1);
    expect_each_cancelled_once(&sandbox);
}

#[test]
fn row_37_a_link_that_leads_to_another_journal_during_a_run_stops_it() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    place.write(
        "before.csv",
        "kind,event_id,email,created_at\ncancellation,b1,before@example.com,2026-03-01\n",
    );
    let first = ["run", "before.csv", "--yes", "--journal", "real.journal"];
    place.run_to(&sandbox, &first).expect(0);
    for ending in ["", ".commits"] {
        let of = |name: &str| place.path(&format!("{name}{ending}"));
        fs::copy(of("real.journal"), of("other.journal")).unwrap();
    }
    let link = place.path(JOURNAL);
    let lead_to = |name: &str| {
        let _ = fs::remove_file(&link);
        std::os::unix::fs::symlink(name, &link).unwrap();
    };
    lead_to("real.journal");
    let said = disturb(&place, &sandbox, || lead_to("other.journal"));
    assert!(said.contains("made to lead to another file"), "{said}");
    lead_to("real.journal");
    place
        .run_to(&sandbox, &["resume", "--concurrency", "40"])
        .expect_code_one_of(&[0, 1]);
    expect_each_cancelled_once(&sandbox);
}

#[test]
fn row_37_a_commit_of_another_process_during_a_run_stops_it() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let journal = place.path(JOURNAL);
    let said = disturb(&place, &sandbox, || {
        let other = open_to_edit(&journal);
        other
            .busy_timeout(std::time::Duration::from_secs(10))
            .unwrap();
        let sql = "UPDATE last_commit SET number = number + 1, mark = randomblob(16)";
        assert_eq!(other.execute(sql, []).unwrap(), 1);
    });
    assert!(said.contains("written to by another process"), "{said}");
    expect_refused_until_recovered(&place, &sandbox);
}

/// What another program has written is not forgotten by the next command.
#[track_caller]
fn expect_refused_until_recovered(place: &Place, sandbox: &SandboxProcess) {
    let resume = ["resume", "--concurrency", "40"];
    let refused = place.run_to(sandbox, &resume).expect(6).stderr();
    assert!(refused.contains("another program has changed"), "{refused}");
    place.run(&["journal", "check"]).expect(6);
    place
        .run_to(sandbox, &["journal", "recover", "--yes"])
        .expect_code_one_of(&[0, 1]);
    place.run_to(sandbox, &resume).expect(1);
    expect_each_cancelled_once(sandbox);
}

#[test]
fn row_37_a_hard_link_makes_no_second_writer() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let (journal, second) = (place.path(JOURNAL), place.path("second.journal"));
    let said = disturb(&place, &sandbox, || {
        fs::hard_link(&journal, &second).unwrap();
        let arguments = ["resume", "--journal", "second.journal"];
        let refused = place.run_to(&sandbox, &arguments).expect(6).stderr();
        assert!(refused.contains("2 names"), "{refused}");
    });
    assert!(said.contains("2 names (hard links)"), "{said}");
    place.run_to(&sandbox, &["resume"]).expect(6);
    fs::remove_file(second).unwrap();
    place
        .run_to(&sandbox, &["resume", "--concurrency", "40"])
        .expect_code_one_of(&[0, 1]);
    expect_each_cancelled_once(&sandbox);
    assert!(sandbox.events().len() > 390);
}

/// One file that is shown at a second path, as a container's volume for a single file is.
struct SecondMount(PathBuf);

impl SecondMount {
    fn of(file: &Path, at: PathBuf) -> Option<SecondMount> {
        fs::write(&at, "").unwrap();
        let mut mount = Command::new("mount");
        let mount = mount.arg("--bind").arg(file).arg(&at).stderr(Stdio::null());
        if mount.status().is_ok_and(|status| status.success()) {
            return Some(SecondMount(at));
        }
        skip("mounting a file is not permitted");
        None
    }
}

impl Drop for SecondMount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn row_37a_a_journal_that_is_mounted_a_second_time_has_one_writer() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    place.write("second/x", "");
    let run = run_under_way(&place, &sandbox);
    let second = place.path("second/fprecon.journal");
    let Some(_mounted) = SecondMount::of(&place.path(JOURNAL), second) else {
        end_of(run).expect_code_one_of(&[0, 1]);
        return;
    };
    fs::copy(
        place.path(&format!("{JOURNAL}.commits")),
        place.path("second/fprecon.journal.commits"),
    )
    .unwrap();
    let other = [
        "run",
        "cancellations.csv",
        "--yes",
        "--journal",
        "second/fprecon.journal",
    ];
    let refused = place.run_to(&sandbox, &other).expect(7).stderr();
    assert!(refused.contains("by another path"), "{refused}");
    end_of(run).expect_code_one_of(&[0, 1]);
    expect_each_cancelled_once(&sandbox);
    place.run(&["journal", "check"]).expect(0);
}

/// The log is emptied, or a part in its middle is: SQLite writes on behind it and notices nothing.
#[test]
fn row_37_a_log_that_is_emptied_during_a_run_stops_it_and_nothing_is_repeated() {
    for (kept_bytes, refilled) in [(0, false), (0, true), (9_000, true)] {
        let (place, sandbox) = (Place::new(), slow_sandbox());
        let log = place.path(&format!("{JOURNAL}-wal"));
        let run = run_under_way(&place, &sandbox);
        let file = fs::OpenOptions::new().write(true).open(&log).unwrap();
        let before = file.metadata().unwrap().len();
        file.set_len(kept_bytes).unwrap();
        if refilled {
            file.set_len(before).unwrap();
        }
        let said = end_of(run).expect(6).stderr();
        assert!(said.contains("emptied or written over"), "{said}");
        let again = ["run", "cancellations.csv", "--yes", "--concurrency", "40"];
        place.run_to(&sandbox, &again).expect(6);
        place
            .run_to(&sandbox, &["journal", "recover", "--yes"])
            .expect_code_one_of(&[0, 1]);
        place.run_to(&sandbox, &again).expect(1);
        expect_each_cancelled_once(&sandbox);
    }
}

/// The file keeps its name and number, and has other bytes: emptied, zeroed at its start, or a backup of itself.
#[test]
fn row_37_a_journal_that_is_written_over_in_place_stops_the_run() {
    for way in ["emptied", "zeroed", "an earlier state"] {
        let (place, sandbox) = (Place::new(), slow_sandbox());
        payments(&place, 3);
        place
            .run_to(&sandbox, &["run", "payments.csv", "--yes"])
            .expect(0);
        let journal = place.path(JOURNAL);
        let backup = fs::read(&journal).unwrap();
        place.write("more.csv", &stripe_export(&[Payment::paid(7, 7)]));
        place
            .run_to(&sandbox, &["run", "more.csv", "--yes"])
            .expect(0);
        let before = sandbox.arrivals().len();
        let mut run = run_under_way(&place, &sandbox);
        while sandbox.arrivals().len() < before + 20 {
            assert!(run.try_wait().unwrap().is_none());
        }
        let mut bytes = fs::read(&journal).unwrap();
        match way {
            "emptied" => bytes.clear(),
            "zeroed" => bytes[..40_960].fill(0),
            _ => bytes.clone_from(&backup),
        }
        fs::write(&journal, bytes).unwrap();
        let sent = sandbox.arrivals().len();
        let said = end_of(run).expect(6).stderr();
        assert!(
            said.contains("written over by another program"),
            "{way}: {said}"
        );
        assert!(said.contains("fprecon journal recover"), "{way}: {said}");
        assert!(sandbox.arrivals().len() <= sent + 8, "{way}");
        let again = ["run", "cancellations.csv", "--yes", "--concurrency", "40"];
        place.run_to(&sandbox, &again).expect(6);
        // As the hint says: a backup, beside the commit record that is there.
        fs::write(&journal, &backup).unwrap();
        let _ = fs::remove_file(place.path(&format!("{JOURNAL}-wal")));
        place
            .run_to(&sandbox, &["journal", "recover", "--yes"])
            .expect_code_one_of(&[0, 1]);
        place.run_to(&sandbox, &again).expect(1);
        expect_no_cancellation_twice(&sandbox);
    }
}

#[track_caller]
fn expect_no_cancellation_twice(sandbox: &SandboxProcess) {
    let events = sandbox.events();
    let cancelled = events
        .iter()
        .filter(|event| event["kind"] == "cancellation");
    let mut customers: Vec<String> = cancelled.map(|event| event["email"].to_string()).collect();
    let all = customers.len();
    customers.sort();
    customers.dedup();
    assert_eq!(all, customers.len(), "a cancellation counted twice");
}

/// Another program that moves the log into the database, as `sqlite3` does, is told that it is busy, and the run goes on.
#[cfg(unix)]
#[test]
fn row_37_no_other_program_moves_the_log_during_a_run() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let mut run = run_under_way(&place, &sandbox);
    let other = open_to_edit(place.path(JOURNAL));
    other
        .busy_timeout(std::time::Duration::from_millis(20))
        .unwrap();
    for how in ["PASSIVE", "FULL", "RESTART", "TRUNCATE"] {
        let sql = format!("PRAGMA wal_checkpoint({how})");
        let busy = other.query_row(&sql, [], |row| row.get::<_, i64>(0));
        assert_eq!(busy.unwrap(), 1, "{how}");
    }
    assert!(run.try_wait().unwrap().is_none(), "it goes on");
    end_of(run).expect_code_one_of(&[0, 1]);
    let moved = other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0)
    });
    assert_eq!(moved.unwrap(), 0, "the run is over");
    drop(other);
    assert_eq!(sandbox.events().len(), 400);
    expect_each_cancelled_once(&sandbox);
    place.run(&["journal", "check"]).expect(0);
}

/// Somebody has the journal open in a viewer while the run ends, and closes it later: then the viewer moves the rest of
/// the log and deletes it. A log that is deleted by hand is lost all the same.
#[test]
fn row_36a_a_reader_that_closes_the_journal_after_the_run_leaves_it_whole() {
    for is_read_to_its_end in [true, false] {
        let (place, sandbox) = (Place::new(), slow_sandbox());
        payments(&place, 3);
        place
            .run_to(&sandbox, &["run", "payments.csv", "--yes"])
            .expect(0);
        let run = run_under_way(&place, &sandbox);
        let reader = open_to_edit(place.path(JOURNAL));
        reader.execute_batch("BEGIN").unwrap();
        let count = |_: &str| {
            reader.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0))
        };
        assert!(count("before").unwrap() > 0);
        end_of(run).expect_code_one_of(&[0, 1]);
        place.run(&["status"]).expect_code_one_of(&[0, 1]);
        let log = place.path(&format!("{JOURNAL}-wal"));
        assert!(fs::metadata(&log).unwrap().len() > 0);
        if is_read_to_its_end {
            reader.close().unwrap();
            assert!(!log.exists(), "the reader has moved the log");
            place.run(&["journal", "check"]).expect(0);
            place
                .run_to(&sandbox, &["run", "cancellations.csv", "--yes"])
                .expect(0);
            place.run(&["journal", "check"]).expect(0);
            expect_no_cancellation_twice(&sandbox);
            assert_eq!(sandbox.events().len(), 403);
        } else {
            let copy = fs::read(place.path(JOURNAL)).unwrap();
            reader.close().unwrap();
            fs::write(place.path(JOURNAL), copy).unwrap();
            place.run(&["status"]).expect(6);
            place.run_to(&sandbox, &["resume"]).expect(6);
        }
    }
}

/// Another program changes the journal through its log, by an ordinary transaction of its own.
#[test]
fn row_37_a_transaction_of_another_program_during_a_run_stops_it() {
    for (change, is_sound) in [
        ("PRAGMA user_version = 99", false),
        ("UPDATE event SET email = 'x@y.zz'", false),
        ("DELETE FROM attempt WHERE answer IS NULL", true),
        ("CREATE TABLE mine (n)", false),
    ] {
        let (place, sandbox) = (Place::new(), slow_sandbox());
        let said = disturb(&place, &sandbox, || {
            let other = open_to_edit(place.path(JOURNAL));
            other
                .busy_timeout(std::time::Duration::from_secs(10))
                .unwrap();
            other.execute_batch(change).unwrap();
        });
        assert!(
            said.contains("written to by another process"),
            "{change}: {said}"
        );
        expect_each_cancelled_once(&sandbox);
        if is_sound {
            expect_refused_until_recovered(&place, &sandbox);
        } else {
            place.run_to(&sandbox, &["resume"]).expect(6);
        }
    }
}

/// The database and its log as they are now.
fn files_of(place: &Place) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    ["", "-wal"]
        .iter()
        .map(|suffix| place.path(&format!("{JOURNAL}{suffix}")))
        .map(|path| (path.clone(), fs::read(path).ok()))
        .collect()
}

fn put_back(files: &[(PathBuf, Option<Vec<u8>>)]) {
    for (path, bytes) in files {
        match bytes {
            Some(bytes) => fs::write(path, bytes).unwrap(),
            None => drop(fs::remove_file(path)),
        }
    }
}

/// A run of cancellations that ends while somebody reads the journal, so that its log stays. Returns the reader.
fn run_that_is_read(
    place: &Place,
    sandbox: &SandboxProcess,
    customers: u32,
) -> rusqlite::Connection {
    let reader = open_to_edit(place.path(JOURNAL));
    reader.execute_batch("BEGIN").unwrap();
    let events = reader.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0));
    assert!(events.unwrap() > 0);
    cancellations(place, customers);
    place
        .run_to(sandbox, &["run", "cancellations.csv", "--yes"])
        .expect_code_one_of(&[0, 1]);
    let log = place.path(&format!("{JOURNAL}-wal"));
    assert!(fs::metadata(log).unwrap().len() > 0);
    reader
}

/// A log that a reader has kept is no reason to take the database of an earlier night for whole.
#[test]
fn row_36_a_backup_beside_a_log_that_a_reader_has_kept_repeats_nothing() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    payments(&place, 3);
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes"])
        .expect(0);
    let backup = fs::read(place.path(JOURNAL)).unwrap();
    cancellations(&place, 10);
    place
        .run_to(&sandbox, &["run", "cancellations.csv", "--yes"])
        .expect_code_one_of(&[0, 1]);
    let reader = run_that_is_read(&place, &sandbox, 14);
    let mut files = files_of(&place);
    drop(reader);
    files[0].1 = Some(backup);
    put_back(&files);
    let again = ["run", "cancellations.csv", "--yes"];
    let refused = place.run_to(&sandbox, &again).expect(6).stderr();
    assert!(refused.contains("was not written for it"), "{refused}");
    place.run_to(&sandbox, &["resume"]).expect(6);
    place
        .run_to(&sandbox, &["journal", "recover", "--yes"])
        .expect_code_one_of(&[0, 1]);
    place.run_to(&sandbox, &again).expect(1);
    expect_no_cancellation_twice(&sandbox);
}

/// A reader that stays open over two runs, of which the second is killed, and moves the whole log when it closes.
#[test]
fn row_36a_a_reader_that_is_open_over_two_runs_leaves_the_journal_whole() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    payments(&place, 3);
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes"])
        .expect(0);
    let reader = run_that_is_read(&place, &sandbox, 10);
    let mut run = run_under_way(&place, &sandbox);
    run.kill().unwrap();
    run.wait().unwrap();
    reader.close().unwrap();
    assert!(!place.path(&format!("{JOURNAL}-wal")).exists());
    place.run(&["journal", "check"]).expect(0);
    place
        .run_to(&sandbox, &["resume", "--concurrency", "40"])
        .expect_code_one_of(&[0, 1]);
    place.run(&["journal", "check"]).expect(0);
    expect_no_cancellation_twice(&sandbox);
}

/// A copy of the database from before a night is put in its place while the next run goes on.
#[test]
fn row_37_a_copy_that_is_put_back_during_a_run_stops_it() {
    for pause_ms in [0, 30, 300] {
        let (place, sandbox) = (Place::new(), slow_sandbox());
        payments(&place, 3);
        place
            .run_to(&sandbox, &["run", "payments.csv", "--yes"])
            .expect(0);
        let journal = place.path(JOURNAL);
        let copy = fs::read(&journal).unwrap();
        payments(&place, 5);
        place
            .run_to(&sandbox, &["run", "payments.csv", "--yes"])
            .expect(0);
        let run = run_under_way(&place, &sandbox);
        std::thread::sleep(std::time::Duration::from_millis(pause_ms));
        fs::write(&journal, copy).unwrap();
        let said = end_of(run).expect(6).stderr();
        assert!(said.contains("another"), "{pause_ms}: {said}");
        place.run_to(&sandbox, &["resume"]).expect(6);
        let again = ["run", "cancellations.csv", "--yes"];
        place.run_to(&sandbox, &again).expect(6);
        expect_no_cancellation_twice(&sandbox);
    }
}

/// After a killed night another program moves the log, and a backup from before that night is copied over the database
/// while the run is resumed, or when that is killed too: the log that is left has only what came after.
#[test]
fn row_36_a_backup_over_a_log_that_another_program_has_moved_repeats_nothing() {
    for is_killed in [true, false] {
        let (place, sandbox) = (Place::new(), slow_sandbox());
        payments(&place, 3);
        place
            .run_to(&sandbox, &["run", "payments.csv", "--yes"])
            .expect(0);
        let backup = fs::read(place.path(JOURNAL)).unwrap();
        let sent = sandbox.arrivals().len();
        let mut run = run_under_way(&place, &sandbox);
        while sandbox.arrivals().len() < sent + 40 {
            assert!(run.try_wait().unwrap().is_none());
        }
        run.kill().unwrap();
        run.wait().unwrap();
        let other = open_to_edit(place.path(JOURNAL));
        let moved = other.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| {
            row.get::<_, i64>(0)
        });
        assert_eq!(moved.unwrap(), 0);
        drop(other);
        let sent = sandbox.arrivals().len();
        let mut run = start(&place, &sandbox, &["resume", "--concurrency", "2"]);
        while sandbox.arrivals().len() < sent + 20 {
            assert!(run.try_wait().unwrap().is_none());
        }
        if is_killed {
            run.kill().unwrap();
            run.wait().unwrap();
            fs::write(place.path(JOURNAL), &backup).unwrap();
        } else {
            fs::write(place.path(JOURNAL), &backup).unwrap();
            end_of(run).expect(6);
        }
        let again = ["run", "cancellations.csv", "--yes", "--concurrency", "40"];
        place.run_to(&sandbox, &["resume"]).expect(6);
        place.run_to(&sandbox, &again).expect(6);
        let _ = fs::remove_file(place.path(&format!("{JOURNAL}-wal")));
        let recover = ["journal", "recover", "--yes"];
        place.run_to(&sandbox, &recover).expect_code_one_of(&[0, 1]);
        place.run_to(&sandbox, &again).expect(1);
        expect_no_cancellation_twice(&sandbox);
    }
}

/// A flipped bit in the header makes it a database of another program, of a later version, or of a form that there
/// is not.
#[test]
fn row_36_a_journal_whose_header_is_damaged_says_so() {
    let (place, sandbox) = (Place::new(), sandbox());
    payments(&place, 3);
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes"])
        .expect(0);
    let good = fs::read(place.path(JOURNAL)).unwrap();
    for (byte, bit) in [(47, 4), (62, 6), (70, 0), (71, 3)] {
        let mut bad = good.clone();
        bad[byte] ^= 1 << bit;
        fs::write(place.path(JOURNAL), &bad).unwrap();
        for command in [&["resume"][..], &["run", "payments.csv", "--yes"]] {
            let said = place.run_to(&sandbox, command).expect(6).stderr();
            assert!(said.contains("damaged"), "{byte}: {said}");
            assert!(said.contains("from a backup"), "{byte}: {said}");
        }
    }
    assert_eq!(sandbox.events().len(), 3);
}

#[test]
fn a_report_goes_beside_its_journal_wherever_it_is_called() {
    let (place, sandbox) = (Place::new(), sandbox());
    place.write("books/fprecon.toml", "").write("here/x", "");
    payments(&place, 2);
    fs::rename(place.path("payments.csv"), place.path("books/payments.csv")).unwrap();
    let mut run = place.command_to(&sandbox, &["run", "payments.csv", "--yes", "--json"]);
    let ran = Ran(run.current_dir(place.path("books")).output().unwrap()).expect(0);
    let directory = ran.json()["report_dir"].as_str().unwrap().to_owned();
    assert!(directory.starts_with("reports/"), "{directory}");
    let summary = place.path(&format!("books/{directory}/summary.json"));
    for (from, config) in [
        ("here", "../books/fprecon.toml"),
        (".", "books/fprecon.toml"),
    ] {
        fs::remove_file(&summary).unwrap();
        let mut report = place.command(&["report", "--config", config, "--json"]);
        let ran = Ran(report.current_dir(place.path(from)).output().unwrap()).expect(0);
        assert!(summary.exists(), "{}", ran.stdout());
        assert!(!place.path(from).join("reports").exists());
        let mut status = place.command(&["status", "--config", config, "--json"]);
        let ran = Ran(status.current_dir(place.path(from)).output().unwrap()).expect(0);
        let said = ran.json()["runs"][0]["report_dir"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(place.path(from).join(said).join("summary.json").exists());
    }
    // Both are moved together.
    fs::rename(place.path("books"), place.path("moved")).unwrap();
    place
        .run(&["report", "--config", "moved/fprecon.toml"])
        .expect(0);
    assert!(!place.path("books").exists());
}

#[test]
fn a_directory_in_which_the_report_would_overwrite_an_input_is_refused() {
    let (place, sandbox) = (Place::new(), sandbox());
    payments(&place, 3);
    let export = place.read("payments.csv");
    place
        .write("rejected.csv", &export)
        .write("sub/held.csv", &export);
    let cases: [&[&str]; 4] = [
        &["run", "rejected.csv", "--dir", ".", "--yes"],
        &["run", "./sub/held.csv", "--dir", "sub", "--yes"],
        &["run", "sub/*.csv", "--dir", "./sub/../sub", "--yes"],
        &["run", "payments.csv", "rejected.csv", "--dir", ".", "--yes"],
    ];
    for arguments in cases {
        let refused = place.run_to(&sandbox, arguments).expect(2).stderr();
        assert!(refused.contains("would overwrite "), "{refused}");
    }
    assert!(!place.path(JOURNAL).exists());
    assert!(sandbox.arrivals().is_empty());
    place
        .run_to(&sandbox, &["run", "rejected.csv", "--dir", "out", "--yes"])
        .expect(0);
    for arguments in [
        &["report", "--dir", "."][..],
        &["report", "--dir", ".", "--format", "csv"],
    ] {
        let refused = place.run(arguments).expect(2).stderr();
        assert!(refused.contains("rejected.csv"), "{refused}");
    }
    assert_eq!(place.read("rejected.csv"), export);
    assert_eq!(place.read("sub/held.csv"), export);
    place
        .run(&["report", "--dir", ".", "--format", "html"])
        .expect(0);
    assert_eq!(place.read("rejected.csv"), export);
}

#[test]
fn a_slash_at_the_end_of_the_base_url_makes_no_other_account() {
    let (place, sandbox) = (Place::new(), sandbox());
    payments(&place, 2);
    let url = &sandbox.base_url;
    for (base_url, sent) in [
        (format!("{url}/"), 2),
        (url.clone(), 0),
        (format!("{url}//"), 0),
    ] {
        let run = ["run", "payments.csv", "--yes", "--json"];
        let ran = Ran(place.command_at(&base_url, &run).output().unwrap()).expect(0);
        assert_eq!(ran.json()["requests"], sent, "{base_url}");
    }
    let other = url.replace("/api/v1", "/api/other");
    let run = ["run", "payments.csv", "--yes"];
    let refused = Ran(place.command_at(&other, &run).output().unwrap()).expect(6);
    assert!(
        refused.stderr().contains("belongs to"),
        "{}",
        refused.stderr()
    );
    assert_eq!(sandbox.arrivals().len(), 2);
}

/// The program where its folder can only be read: a bind mount in a namespace of its own.
fn on_read_only_mount(place: &Place, arguments: &[&str]) -> Command {
    const MOUNT: &str = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && cd \"$1\" && \
         ! touch \"$1/written\" 2>/dev/null && shift && exec \"$@\"";
    let plain = place.command(arguments);
    let mut command = Command::new("unshare");
    command
        .args(["--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"])
        .arg(place.root())
        .arg(plain.get_program())
        .args(arguments);
    like(&plain, &mut command);
    command
}

/// The same directory and environment.
fn like(plain: &Command, command: &mut Command) {
    command
        .current_dir(plain.get_current_dir().unwrap())
        .env_clear()
        .stdin(Stdio::null());
    for (name, value) in plain.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
}

/// The program as `nobody`, to whom all files are shown.
fn as_another_user(place: &Place, arguments: &[&str]) -> Command {
    use std::os::unix::process::CommandExt;
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    mode(place.root(), 0o755);
    for entry in fs::read_dir(place.root()).unwrap() {
        let path = entry.unwrap().path();
        // The program may be another name of the one that all tests run.
        if !path.ends_with("program") {
            mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
        }
    }
    let plain = place.command(arguments);
    let program = place.path("program");
    if !program.exists() {
        let real = Path::new(plain.get_program());
        if fs::hard_link(real, &program).is_err() {
            // By another process: one of ours that is starting might hold the copy open for writing.
            let copied = Command::new("cp").arg(real).arg(&program).status();
            assert!(copied.unwrap().success());
        }
    }
    mode(&program, 0o755);
    let mut command = Command::new(&program);
    command.args(arguments).uid(65_534).gid(65_534);
    like(&plain, &mut command);
    command
}

/// Whether a read-only mount can be made here; if not, that is said.
fn can_mount() -> bool {
    let place = Place::new();
    let tried = on_read_only_mount(&place, &["--version"]).output();
    let works = tried.is_ok_and(|ran| ran.status.success());
    if !works {
        skip("a read-only mount is not permitted");
    }
    works
}

/// Whether this process may become another user; if not, that is said.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    let is_root = id.stdout == b"0\n";
    if !is_root {
        skip("only root can become another user");
    }
    is_root
}

/// What each command that only reads says, with the report that it writes elsewhere.
fn read_all(place: &Place, call: &dyn Fn(&Place, &[&str]) -> Command) -> Vec<String> {
    let elsewhere = Place::new();
    fs::set_permissions(elsewhere.root(), fs::Permissions::from_mode(0o777)).unwrap();
    let directory = elsewhere.path("report").display().to_string();
    let calls: [&[&str]; 8] = [
        &["status", "--json"],
        &["journal", "check", "--json"],
        &["journal", "export"],
        &["journal", "export", "--attempts"],
        &["plan", "cancellations.csv", "--json"],
        &["explain", "cancellations.csv:2", "--json"],
        &["explain", "c1", "--json"],
        &["report", "--dir", &directory, "--format", "csv"],
    ];
    let mut said: Vec<String> = calls
        .iter()
        .map(|arguments| {
            let ran = Ran(call(place, arguments).output().unwrap());
            let ran = ran.expect_code_one_of(&[0, 1]);
            if arguments[0] == "plan" {
                // A run could not write where this only reads, and the plan says so.
                let mut json = ran.json();
                json.as_object_mut().unwrap().remove("run_refusals");
                return json.to_string();
            }
            ran.stdout().replace(&directory, "ELSEWHERE")
        })
        .collect();
    for file in ["tracked.csv", "failed.csv"] {
        said.push(elsewhere.read(&format!("report/{file}")));
    }
    said
}

/// Journals as they are left: by a run that ended, by one that was killed, and without the index of the log.
fn left_behind() -> Vec<(&'static str, Place)> {
    let mut left = Vec::new();
    for (name, is_killed) in [
        ("ended", false),
        ("killed", true),
        ("killed, no index", true),
    ] {
        let (place, sandbox) = (Place::on_disk(), slow_sandbox());
        if is_killed {
            let mut run = run_under_way(&place, &sandbox);
            run.kill().unwrap();
            run.wait().unwrap();
        } else {
            cancellations(&place, 30);
            let run = ["run", "cancellations.csv", "--yes"];
            place.run_to(&sandbox, &run).expect(0);
        }
        assert_eq!(
            place.path("fprecon.journal-wal").exists(),
            is_killed,
            "{name}"
        );
        if name.ends_with("no index") {
            fs::remove_file(place.path("fprecon.journal-shm")).unwrap();
        }
        left.push((name, place));
    }
    left
}

#[test]
fn row_40_what_only_reads_works_on_a_read_only_mount() {
    if !can_mount() {
        return;
    }
    for (name, place) in left_behind() {
        let read_only = read_all(&place, &on_read_only_mount);
        assert_eq!(place.path("fprecon.journal-shm").exists(), name == "killed");
        let plain = read_all(&place, &|place, arguments| place.command(arguments));
        assert_eq!(read_only, plain, "{name}");
    }
}

#[test]
fn row_40_what_only_reads_works_as_another_user() {
    if !is_root() {
        return;
    }
    for (name, place) in left_behind() {
        let another = read_all(&place, &as_another_user);
        let plain = read_all(&place, &|place, arguments| place.command(arguments));
        assert_eq!(another, plain, "{name}");
        // What can't be read is said, and nothing is made up.
        for file in ["fprecon.journal.commits", "fprecon.journal"] {
            let _ = as_another_user(&place, &["status"]);
            fs::set_permissions(place.path(file), fs::Permissions::from_mode(0o600)).unwrap();
            let mut refused = Command::new(place.path("program"));
            std::os::unix::process::CommandExt::uid(&mut refused, 65_534);
            like(&place.command(&["status"]), &mut refused);
            let refused = Ran(refused.arg("status").output().unwrap())
                .expect(6)
                .stderr();
            assert!(refused.contains("can't be read"), "{name}: {refused}");
        }
    }
}

#[test]
fn row_40_a_run_that_goes_on_is_watched_from_a_read_only_mount() {
    if !can_mount() {
        return;
    }
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let mut run = run_under_way(&place, &sandbox);
    for _ in 0..3 {
        let explain = ["explain", "cancellations.csv:2", "--json"];
        let ran = Ran(on_read_only_mount(&place, &explain).output().unwrap());
        assert_eq!(ran.expect(0).json()["is_recorded"], true);
        let ran = Ran(on_read_only_mount(&place, &["status", "--json"])
            .output()
            .unwrap());
        let status = ran.expect(0).json();
        assert!(
            status["events"]["tracked"]["count"].as_u64().unwrap() > 0,
            "{status}"
        );
    }
    assert!(
        run.try_wait().unwrap().is_none(),
        "all that was while it went on"
    );
    run.kill().unwrap();
    run.wait().unwrap();
}

const RUN_CANCELLATIONS: [&str; 3] = ["run", "cancellations.csv", "--yes"];

/// A journal of six cancellations that were sent.
fn with_six_cancelled() -> (Place, SandboxProcess) {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    cancellations(&place, 6);
    let ran = place.run_to(&sandbox, &RUN_CANCELLATIONS);
    ran.expect_code_one_of(&[0, 1]);
    (place, sandbox)
}

/// Another program empties the outcomes of settled events between two runs.
#[test]
fn row_04_events_that_lost_their_outcome_are_not_sent_again() {
    let (place, sandbox) = with_six_cancelled();
    let run = RUN_CANCELLATIONS;
    let arrived = sandbox.arrivals().len();
    let other = open_to_edit(place.path(JOURNAL));
    let emptied = "UPDATE event SET outcome = NULL, settled_ms = NULL, result_seal = NULL, http_status = NULL,
        message = NULL, inferred = 0";
    assert_eq!(other.execute(emptied, []).unwrap(), 6);
    drop(other);
    for command in [&["resume"][..], &run] {
        let refused = place.run_to(&sandbox, command).expect(6).stderr();
        assert!(
            refused.contains("was recorded by the API, and has no outcome"),
            "{refused}"
        );
    }
    assert_eq!(sandbox.arrivals().len(), arrived);
}

/// What another program would remove contradicts nothing that is left: it can't.
#[test]
fn row_04_other_programs_change_and_remove_nothing() {
    let (place, sandbox) = with_six_cancelled();
    let run = RUN_CANCELLATIONS;
    let other = rusqlite::Connection::open(place.path(JOURNAL)).unwrap();
    let unsent = "UPDATE event SET outcome = NULL, settled_ms = NULL, result_seal = NULL, http_status = NULL,
        message = NULL, inferred = 0";
    for change in [
        unsent,
        "DELETE FROM attempt WHERE number = 1",
        "DELETE FROM event WHERE id = 6",
        "DELETE FROM run_event",
        "UPDATE last_commit SET number = number + 1",
        "DELETE FROM account",
        "UPDATE input SET rows_ignored = rows_ignored + 1",
    ] {
        let refused = other.execute(change, []).unwrap_err().to_string();
        let says = "only_fprecon_changes_a_journal";
        assert!(refused.contains(says), "{change}: {refused}");
    }
    let guarded = "SELECT count(*) FROM sqlite_schema t WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND 2 <>
        (SELECT count(*) FROM sqlite_schema g WHERE g.type = 'trigger' AND g.tbl_name = t.name AND g.name LIKE 'guard%')";
    let unguarded: u32 = other.query_row(guarded, [], |row| row.get(0)).unwrap();
    assert_eq!(unguarded, 0);
    other.execute_batch("VACUUM").unwrap();
    drop(other);
    for command in [&["resume"][..], &run, &["journal", "check"]] {
        place.run_to(&sandbox, command).expect_code_one_of(&[0, 1]);
    }
    assert_eq!(sandbox.arrivals().len(), 6);

    // Who takes the guard away is noticed.
    let other = rusqlite::Connection::open(place.path(JOURNAL)).unwrap();
    let changed = format!(
        "DROP TRIGGER guard_event_update; DROP TRIGGER guard_attempt_delete; DELETE FROM attempt; {unsent}"
    );
    other.execute_batch(&changed).unwrap();
    drop(other);
    for command in [&["resume"][..], &run, &["journal", "check"]] {
        let refused = place.run_to(&sandbox, command).expect(6).stderr();
        let says = "the definitions of its tables were changed";
        assert!(refused.contains(says), "{refused}");
    }
    assert_eq!(sandbox.arrivals().len(), 6);
}

/// An interrupted run leaves events of which no request was ever sent. What writes the journal anew makes none of them doubtful.
#[test]
fn row_04_a_journal_of_an_interrupted_run_is_gone_on_with_after_it_was_copied_by_sqlite() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    let mut run = run_under_way(&place, &sandbox);
    signal(&run, "-INT");
    assert_eq!(run.wait().unwrap().code(), Some(130));
    assert!(sandbox.arrivals().len() < 400);
    let other = rusqlite::Connection::open(place.path(JOURNAL)).unwrap();
    let copy = place.path("copy.journal");
    other.execute("VACUUM INTO ?1", [copy.to_str()]).unwrap();
    drop(other);
    for suffix in ["-wal", "-shm"] {
        let _ = fs::remove_file(place.path(&format!("{JOURNAL}{suffix}")));
    }
    fs::rename(copy, place.path(JOURNAL)).unwrap();
    place.run(&["journal", "check"]).expect(0);
    let resumed = place.run_to(&sandbox, &["resume"]);
    resumed.expect_code_one_of(&[0, 1]);
    assert_eq!(sandbox.arrivals().len(), 400);
}

/// Another program was killed while it wrote without a log, or the rollback journal of another state is beside the journal.
#[test]
fn row_04_a_rollback_journal_of_another_program_is_named_and_nothing_is_touched() {
    let (place, sandbox) = with_six_cancelled();
    place.write("fprecon.journal-journal", "what the pages were");
    let before = fs::read(place.path(JOURNAL)).unwrap();
    for command in [
        &["resume"][..],
        &RUN_CANCELLATIONS,
        &["status"],
        &["journal", "check"],
    ] {
        let refused = place.run_to(&sandbox, command).expect(6).stderr();
        assert!(
            refused.contains("another program was interrupted"),
            "{refused}"
        );
    }
    assert_eq!(fs::read(place.path(JOURNAL)).unwrap(), before);
    place.write("fprecon.journal-journal", "");
    place
        .run_to(&sandbox, &["resume"])
        .expect_code_one_of(&[0, 1]);
    assert_eq!(sandbox.arrivals().len(), 6);
}

/// What leaves everything where it was stops nobody.
#[test]
fn row_04_a_database_that_another_program_wrote_anew_is_gone_on_with() {
    let (place, sandbox) = (Place::new(), sandbox());
    payments(&place, 2);
    let run = ["run", "payments.csv", "--yes"];
    place.run_to(&sandbox, &run).expect(0);
    let before = fs::read(place.path(JOURNAL)).unwrap();
    let other = open_to_edit(place.path(JOURNAL));
    other
        .execute_batch("PRAGMA auto_vacuum = FULL; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(other);
    assert_ne!(fs::read(place.path(JOURNAL)).unwrap(), before);
    payments(&place, 4);
    place.run_to(&sandbox, &run).expect(0);
    assert_eq!(sandbox.events().len(), 4);
}

/// Another program changes what nothing that sends looks at. That the file is not what was written shows it.
#[test]
fn row_04_any_change_by_another_program_is_looked_for_before_anything_is_sent() {
    for (change, what) in [
        (
            "UPDATE input SET rows_ignored = rows_ignored + 1",
            "rows without events",
        ),
        (
            "UPDATE input SET run = 99",
            "one of `run` that is not there",
        ),
        (
            "UPDATE run_event SET input = 99 WHERE event = 1",
            "one of `input` that is not there",
        ),
    ] {
        let (place, sandbox) = (Place::new(), sandbox());
        payments(&place, 2);
        let run = ["run", "payments.csv", "--yes"];
        place.run_to(&sandbox, &run).expect(0);
        let arrived = sandbox.arrivals().len();
        let other = open_to_edit(place.path(JOURNAL));
        other.pragma_update(None, "foreign_keys", false).unwrap();
        assert_eq!(other.execute(change, []).unwrap(), 1, "{change}");
        drop(other);
        payments(&place, 4);
        let refused = place.run_to(&sandbox, &run).expect(6).stderr();
        assert!(refused.contains(what), "{change}: {refused}");
        assert_eq!(sandbox.arrivals().len(), arrived);
    }
}

/// Another program has written to a journal that was whole, and its log is still there: it is open, was killed, or somebody
/// else reads. The database is what it was.
#[test]
fn row_04_what_another_program_adds_in_a_log_is_looked_for_before_anything_is_sent() {
    for (change, counts) in [
        (
            "UPDATE event SET outcome = NULL, settled_ms = NULL, result_seal = NULL, http_status = NULL,
             message = NULL, inferred = 0",
            false,
        ),
        (
            "UPDATE event SET outcome = NULL, settled_ms = NULL, result_seal = NULL, http_status = NULL,
             message = NULL, inferred = 0",
            true,
        ),
        ("DELETE FROM attempt", false),
        ("UPDATE run_event SET input = 99", false),
    ] {
        let (place, sandbox) = with_six_cancelled();
        let run = RUN_CANCELLATIONS;
        let arrived = sandbox.arrivals().len();
        let before = fs::read(place.path(JOURNAL)).unwrap();
        let other = open_to_edit(place.path(JOURNAL));
        other.pragma_update(None, "foreign_keys", false).unwrap();
        let transaction = other.unchecked_transaction().unwrap();
        assert_eq!(transaction.execute(change, []).unwrap(), 6, "{change}");
        if counts {
            let number = "UPDATE last_commit SET number = number + 1";
            assert_eq!(transaction.execute(number, []).unwrap(), 1);
        }
        transaction.commit().unwrap();
        assert_eq!(fs::read(place.path(JOURNAL)).unwrap(), before);
        for command in [&["resume"][..], &run] {
            place.run_to(&sandbox, command).expect(6);
        }
        assert_eq!(sandbox.arrivals().len(), arrived, "{change}");
        drop(other);
    }
}

/// Something that touches the file during a run leaves nothing that a later command believes unchecked.
#[test]
fn row_04_a_journal_that_was_touched_during_a_run_is_checked_by_the_next_command() {
    let (place, sandbox) = (Place::new(), slow_sandbox());
    payments(&place, 60);
    let mut run = run_under_way(&place, &sandbox);
    let mode = fs::metadata(place.path(JOURNAL)).unwrap().permissions();
    fs::set_permissions(place.path(JOURNAL), mode).unwrap();
    assert!(run.wait().unwrap().code().is_some_and(|code| code <= 1));
    let arrived = sandbox.arrivals().len();
    let other = open_to_edit(place.path(JOURNAL));
    other.pragma_update(None, "foreign_keys", false).unwrap();
    let gone = "DELETE FROM event WHERE id > (SELECT max(id) - 3 FROM event)";
    assert_eq!(other.execute(gone, []).unwrap(), 3);
    drop(other);
    for command in [&["resume"][..], &["run", "payments.csv", "--yes"]] {
        place.run_to(&sandbox, command).expect(6);
    }
    assert_eq!(sandbox.arrivals().len(), arrived);
}

/// The files of a journal are exchanged while a command starts, at every moment of it: what it sends is not what was sent.
#[test]
fn row_36_files_that_are_exchanged_while_a_command_starts_repeat_nothing() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    payments(&place, 3);
    let run = ["run", "cancellations.csv", "--yes"];
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes"])
        .expect(0);
    let backup = fs::read(place.path(JOURNAL)).unwrap();
    cancellations(&place, 12);
    place.run_to(&sandbox, &run).expect_code_one_of(&[0, 1]);
    let (whole, record) = (
        fs::read(place.path(JOURNAL)).unwrap(),
        fs::read(place.path(&format!("{JOURNAL}.commits"))).unwrap(),
    );
    for step_ms in 0..16 {
        put_back(&[
            (place.path(JOURNAL), Some(whole.clone())),
            (place.path(&format!("{JOURNAL}-wal")), None),
            (place.path(&format!("{JOURNAL}-shm")), None),
            (
                place.path(&format!("{JOURNAL}.commits")),
                Some(record.clone()),
            ),
        ]);
        let mut again = place.command_to(&sandbox, &run);
        let again = again.stdout(Stdio::null()).stderr(Stdio::piped());
        let again = again.spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(step_ms * 8));
        fs::write(place.path(JOURNAL), &backup).unwrap();
        end_of(again).expect_code_one_of(&[0, 1, 6]);
        expect_no_cancellation_twice(&sandbox);
    }
}
