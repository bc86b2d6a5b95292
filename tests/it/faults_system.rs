//! What the machine below does: disks that fill up, clocks that jump, threads that can't be had. The
//! tests are named after their row of the table in `docs/reliability.md`.
//!
//! They need root (for a small disk of their own), `libfaketime` or `strace`; where one is absent or
//! not permitted, they say that they are skipped.

#![cfg(target_os = "linux")]

use crate::support::strace;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::support::{KEY, Payment, Place, Ran, SandboxProcess, form, open_to_edit, stripe_export};
use serde_json::{Value, json};
use strace::{can_trace, skip};

const RUN: &[&str] = &["run", "payments.csv", "--yes", "--json"];

fn sales(count: u32) -> Place {
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&payments));
    place
}

fn outcome(report: &Value, name: &str) -> u64 {
    report["outcomes"][name]["count"].as_u64().unwrap_or(0)
}

/// Each of `count` sales took effect once, and nothing else did.
#[track_caller]
fn expect_all_sales(sandbox: &SandboxProcess, count: u32) {
    let mut ids = BTreeMap::new();
    for event in sandbox.events() {
        *ids.entry(event["event_id"].as_str().unwrap().to_owned())
            .or_insert(0) += 1;
    }
    let expected = (1..=count).map(|n| (format!("in_{n:04}"), 1));
    assert_eq!(ids, expected.collect());
}

/// A small disk of its own, which goes away with this.
pub(crate) struct SmallDisk {
    pub(crate) at: PathBuf,
    _place: tempfile::TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(bytes: u32) -> Option<Self> {
        let place = tempfile::tempdir().unwrap();
        let disk = SmallDisk {
            at: place.path().join("disk"),
            _place: place,
        };
        fs::create_dir(&disk.at).unwrap();
        let size = format!("size={bytes},mode=700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&disk.at)
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(disk);
        }
        skip("mounting a small disk is not permitted");
        None
    }

    /// Makes room.
    pub(crate) fn grow(&self, bytes: u32) {
        let size = format!("remount,size={bytes}");
        let mut mount = Command::new("mount");
        let status = mount.args(["-o", &size]).arg(&self.at).status();
        assert!(status.unwrap().success());
    }

    /// Takes all the room that is left; says which file has it.
    fn fill(&self) -> PathBuf {
        let path = self.at.join("filler");
        let mut piece = 1 << 20;
        let mut content = Vec::new();
        while piece > 0 {
            content.resize(content.len() + piece, 0);
            if fs::write(&path, &content).is_err() {
                content.truncate(content.len() - piece);
                fs::write(&path, &content).unwrap();
                piece /= 2;
            }
        }
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process that a failed test left behind may still be in it.
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

#[test]
fn row_07_a_disk_that_fills_up_under_the_journal_stops_the_run_and_resume_sends_the_rest() {
    let mut stopped_while_sending = 0;
    // Full at several depths: while the journal is made, while the run is recorded, early and late in
    // sending.
    for kilobytes in [100, 160, 220, 260, 320, 400, 480, 560, 640] {
        let Some(disk) = SmallDisk::mount(kilobytes * 1024) else {
            return;
        };
        stopped_while_sending += usize::from(fill_up(&disk, kilobytes));
    }
    assert!(stopped_while_sending >= 2, "{stopped_while_sending}");
}

#[test]
fn row_40_what_only_reads_works_on_a_full_disk() {
    let Some(disk) = SmallDisk::mount(3 << 20) else {
        return;
    };
    let place = sales(5);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "40"]);
    let journal = disk.at.join("fprecon.journal").display().to_string();
    for is_killed in [false, true] {
        let mut run = place.command_to(&sandbox, &[RUN, &["--journal", &journal]].concat());
        let mut run = run
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        if is_killed {
            // A new journal: the first one has nothing more to send.
            while sandbox.arrivals().len() < 7 {
                assert!(run.try_wait().unwrap().is_none());
            }
            run.kill().unwrap();
        }
        run.wait().unwrap();
        let read = || {
            let calls: [&[&str]; 4] = [
                &["status", "--json"],
                &["journal", "check", "--json"],
                &["explain", "in_0001", "--json"],
                &["journal", "export"],
            ];
            calls.map(|words| {
                let ran = place.run(&[words, &["--journal", &journal]].concat());
                ran.expect_code_one_of(&[0, 1]).stdout()
            })
        };
        let full = disk.fill();
        let _ = fs::remove_file(format!("{journal}-shm"));
        let on_full_disk = read();
        fs::remove_file(full).unwrap();
        assert_eq!(read(), on_full_disk);
        for suffix in ["", "-wal", "-shm", ".commits", ".lock"] {
            let _ = fs::remove_file(format!("{journal}{suffix}"));
        }
    }
}

/// A run whose journal stands on a disk that is too small; says whether it was full while sending.
fn fill_up(disk: &SmallDisk, kilobytes: u32) -> bool {
    const SALES: u32 = 120;
    let place = sales(SALES);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "20"]);
    let journal = disk.at.join("fprecon.journal").display().to_string();
    let arguments = |words: &[&str]| {
        let reports = place.path("reports").display().to_string();
        let all = words.iter().copied().map(str::to_owned);
        let options = [
            "--journal".to_owned(),
            journal.clone(),
            "--dir".to_owned(),
            reports,
        ];
        all.chain(options).collect::<Vec<String>>()
    };
    let run = |words: &[&str]| {
        let all = arguments(words);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        place.run_to(&sandbox, &all)
    };
    let full = run(&[RUN, &["--concurrency", "4"]].concat()).expect_code_one_of(&[0, 6]);
    if full.code() == 0 {
        // There was room enough.
        return false;
    }
    let said = full.stderr();
    assert!(
        said.contains("full") && said.contains("fprecon.journal"),
        "{kilobytes} KiB: {said}"
    );
    assert!(said.contains("hint: "), "{said}");
    let arrivals = sandbox.arrivals();
    for arrival in &arrivals {
        assert_eq!(arrival["status"], 200, "what was in flight was waited for");
    }
    // It can be looked at as it is, and goes on when there is room.
    let journal = ["--journal", &journal];
    if !arrivals.is_empty() {
        place.run(&[&["status"][..], &journal].concat()).expect(0);
    }
    run(&["resume"]).expect_code_one_of(&[3, 6]);
    disk.grow(64 << 20);
    let resumed = run(&["resume", "--json"]).expect_code_one_of(&[0, 3]);
    assert!(
        resumed.code() == 0 || arrivals.is_empty(),
        "{}",
        resumed.stderr()
    );
    let again = run(RUN).expect(0).json();
    assert!(again["requests"] == 0 || arrivals.is_empty());
    expect_all_sales(&sandbox, SALES);
    place
        .run(&[&["journal", "check"][..], &journal].concat())
        .expect(0);
    !arrivals.is_empty() && arrivals.len() < SALES as usize
}

/// A limit of a file's size, as `ulimit -f` sets it, ends a process that does not catch its signal.
#[test]
fn row_07_a_limit_of_the_size_of_files_is_an_error_like_a_full_disk() {
    const SALES: u32 = 120;
    let mut stopped_while_sending = 0;
    for blocks in [64, 400, 500, 600, 700, 800, 1000] {
        let (place, sandbox) = (
            sales(SALES),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        let plain = place.command_to(&sandbox, RUN);
        let mut limited = Command::new("sh");
        let line = format!("ulimit -f {blocks}; exec \"$@\"");
        limited.args(["-c", &line, "sh"]).arg(plain.get_program());
        limited.args(plain.get_args()).current_dir(place.root());
        limited.env_clear().envs(
            plain
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        let ended = Ran(limited.output().unwrap()).expect_code_one_of(&[0, 6]);
        let arrived = sandbox.arrivals().len();
        stopped_while_sending += u32::from(ended.code() == 6 && arrived > 0);
        if ended.code() == 6 {
            let said = ended.stderr();
            assert!(said.contains("fprecon.journal"), "{said}");
        }
        place.run_to(&sandbox, RUN).expect(0);
        expect_all_sales(&sandbox, SALES);
    }
    assert!(stopped_while_sending > 0);
}

/// The files of a folder and those below it, and their bytes.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path))
        } else {
            found.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn row_08_a_disk_that_fills_up_under_the_report_leaves_the_old_one_whole() {
    let Some(disk) = SmallDisk::mount(1 << 20) else {
        return;
    };
    let (place, sandbox) = (sales(40), SandboxProcess::start(&["--lead-share", "100"]));
    let directory = disk.at.display().to_string();
    let dir = ["--dir", &directory];
    place.run_to(&sandbox, &[RUN, &dir].concat()).expect(0);
    let old = files(&disk.at);
    assert!(old.len() >= 7, "{:?}", old.keys());

    // A later run has another report, which does not fit.
    let payments: Vec<Payment> = (41..=80).map(|n| Payment::paid(n, n)).collect();
    place.write("payments.csv", &stripe_export(&payments));
    let filler = disk.fill();
    let ran = place.run_to(&sandbox, &[RUN, &dir].concat()).expect(1);
    let said = ran.stderr();
    assert!(
        said.contains("can't be written") && said.contains("fprecon report"),
        "{said}"
    );
    let mut found = files(&disk.at);
    found.remove(&filler);
    assert!(
        found == old,
        "the old report is as it was, and nothing lies beside it"
    );
    expect_all_sales(&sandbox, 80);
    place.run_to(&sandbox, &["journal", "check"]).expect(0);

    fs::remove_file(filler).unwrap();
    place.run_to(&sandbox, &["report"]).expect(0);
    let (new, tracked) = (files(&disk.at), disk.at.join("tracked.csv"));
    assert_ne!(new[&tracked], old[&tracked]);
    // The old one is whole, in a folder named after its run.
    let folder = new.keys().find_map(|path| {
        let folder = path.parent()?;
        (folder != disk.at).then(|| folder.to_owned())
    });
    let folder = folder.unwrap();
    for (path, bytes) in &old {
        assert_eq!(&new[&folder.join(path.file_name().unwrap())], bytes);
    }
    assert_eq!(new.len(), 2 * old.len());
    assert_eq!(sandbox.arrivals().len(), 80);
}

fn libfaketime() -> Option<PathBuf> {
    let folders = ["/usr/lib", "/usr/local/lib", "/usr/lib64"];
    let inner = ["", "x86_64-linux-gnu", "aarch64-linux-gnu"];
    let places = folders.iter().flat_map(|folder| {
        let place = move |inner: &&str| Path::new(folder).join(inner).join("faketime");
        inner.iter().map(place)
    });
    let found = places
        .map(|place| place.join("libfaketimeMT.so.1"))
        .find(|path| path.exists());
    if found.is_none() {
        skip("libfaketime is absent");
    }
    found
}

fn wait_for_arrivals(sandbox: &SandboxProcess, count: usize, child: &mut Child) {
    while sandbox.arrivals().len() < count {
        assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn row_24_a_clock_that_jumps_changes_neither_pace_nor_ids_and_loses_nothing() {
    let Some(library) = libfaketime() else {
        return;
    };
    // What an undisturbed clock sends.
    let (place, straight) = (sales(40), SandboxProcess::start(&["--lead-share", "100"]));
    place.run_to(&straight, RUN).expect(0);

    let (place, sandbox) = (sales(40), SandboxProcess::start(&["--lead-share", "100"]));
    place.write("clock", "+0");
    let mut command = place.command_to(&sandbox, RUN);
    command
        .env("FPRECON_REQUESTS_PER_MINUTE", "600")
        .env("LD_PRELOAD", library)
        .env("FAKETIME_TIMESTAMP_FILE", place.path("clock"))
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    wait_for_arrivals(&sandbox, 8, &mut child);
    place.write("clock", "-3d");
    wait_for_arrivals(&sandbox, 18, &mut child);
    place.write("clock", "+400d");
    wait_for_arrivals(&sandbox, 28, &mut child);
    place.write("clock", "-1d");
    let report = Ran(child.wait_with_output().unwrap()).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 40);
    expect_all_sales(&sandbox, 40);

    // The clock did jump, under the program's own eyes.
    let journal = open_to_edit(place.path("fprecon.journal"));
    let sql = "SELECT (max(intended_ms) - min(intended_ms)) / 86400000, sum(answered_ms IS NULL)
         FROM attempt";
    let (days, open): (i64, i64) = journal
        .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    assert!((400..=404).contains(&days), "{days}");
    assert_eq!(open, 0);
    place.run_to(&sandbox, &["journal", "check"]).expect(0);

    // Ten a second all the while, by the server's clock: no pause, no burst.
    let at = sandbox.arrivals();
    let at: Vec<u64> = at
        .iter()
        .map(|arrival| arrival["at_ms"].as_u64().unwrap())
        .collect();
    let took = at[39] - at[0];
    assert!(
        (3_800..30_000).contains(&took),
        "{took} ms for 40 at 600 a minute"
    );
    for (place, first) in at.iter().enumerate() {
        let window = at[place..].iter().filter(|at| **at < first + 1000).count();
        assert!(window <= 12, "{window} in a second: {at:?}");
    }

    // The same requests, to the byte.
    let bodies = |sandbox: &SandboxProcess| -> BTreeSet<String> {
        let arrivals = sandbox.arrivals().into_iter();
        arrivals
            .map(|arrival| arrival["body"].to_string())
            .collect()
    };
    assert_eq!(bodies(&sandbox), bodies(&straight));
    let again = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(again["requests"], 0, "all ids are known");
}

#[test]
fn row_24_a_time_to_wait_until_that_is_past_is_no_wait() {
    // `Retry-After` as a date is as far away as the clock says, which may be ahead.
    let (place, sandbox) = (sales(3), SandboxProcess::start(&["--lead-share", "100"]));
    sandbox.fault(&json!({
        "action": "status", "status": 429, "retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"
    }));
    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 3);
    assert_eq!(sandbox.arrivals().len(), 4);
}

#[test]
fn row_34_the_key_is_in_no_panic_and_no_other_process() {
    if !can_trace() {
        return;
    }
    let mut panics = 0;
    // The first twelve are those that the program tries before it begins.
    for nth in 13..=16 {
        let (place, sandbox) = (sales(4), SandboxProcess::start(&["--lead-share", "100"]));
        let trace = place.path("trace");
        // The system has no thread to give: that makes a program panic which counts on one.
        let inject = format!("inject=clone,clone3:error=EAGAIN:when={nth}");
        let mut command = Command::new("strace");
        command
            .args([
                "-f",
                "-qq",
                "-s",
                "10000",
                "-e",
                "trace=clone,clone3,execve",
                "-e",
                &inject,
            ])
            .arg("-o")
            .arg(&trace)
            .args([
                "--",
                env!("CARGO_BIN_EXE_fprecon"),
                "run",
                "payments.csv",
                "--yes",
                "-v",
            ])
            .current_dir(place.root())
            .env_clear()
            .env("HOME", place.root())
            .env("FPRECON_BASE_URL", &sandbox.base_url)
            .env("FPRECON_WID", "wid-1")
            .env("FPRECON_API_KEY", KEY)
            .env("RUST_BACKTRACE", "full")
            .env("RUST_LOG", "trace");
        let ran = Ran(command.output().unwrap());
        let said = ran.stdout() + &ran.stderr();
        if said.contains("panicked") {
            panics += 1;
            assert!(said.contains("fprecon::"), "with its backtrace: {said}");
            assert_eq!(ran.code(), 70, "{said}");
        }
        assert!(!said.contains(KEY), "{said}");
        let traced = fs::read_to_string(&trace).unwrap();
        assert_eq!(
            traced.matches("execve(").count(),
            1,
            "it starts no other program"
        );
        assert!(!traced.contains(KEY), "in no argument");
        for (path, bytes) in files(place.root()) {
            let holds = bytes
                .windows(KEY.len())
                .any(|window| window == KEY.as_bytes());
            assert!(!holds, "{}", path.display());
        }
        // Nothing is lost by it.
        place.run_to(&sandbox, RUN).expect(0);
        expect_all_sales(&sandbox, 4);
    }
    assert!(panics > 0, "none of them made it panic");
}

#[test]
fn row_34_the_key_travels_in_its_header_alone() {
    let (place, sandbox) = (sales(2), SandboxProcess::start(&["--lead-share", "100"]));
    place.run_to(&sandbox, RUN).expect(0);
    for arrival in sandbox.arrivals() {
        assert!(!arrival.to_string().contains(KEY), "{arrival}");
        assert_eq!(form(&arrival, "wid").as_deref(), Some("wid-1"));
    }
}
