//! File names, signals and limits of the system.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::support::strace::skip;
use crate::support::{
    Payment, Place, Ran, SandboxProcess, signal, stripe_export, wait_for_arrivals,
};

/// A name that is not UTF-8.
fn odd_name() -> &'static OsStr {
    OsStr::from_bytes(b"caf\xe9-\xff.csv")
}

#[test]
fn row_28a_names_that_are_not_utf_8_are_read_by_globs_and_hidden_files_are_not() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    let one = |n| stripe_export(&[Payment::paid(n, n)]);
    std::fs::create_dir(place.path("in")).unwrap();
    std::fs::write(place.path("in").join(odd_name()), one(1)).unwrap();
    place.write("in/b.csv", &one(2));
    // What a Mac leaves beside each file on other disks.
    std::fs::write(place.path("in/._b.csv"), b"\0\x05\x16\x07Mac OS X").unwrap();
    place.write("in/.hidden.csv", &one(3));

    let run = ["run", "in/*.csv", "--yes", "--json"];
    let report = place.run_to(&sandbox, &run).expect(0).json();
    assert_eq!(report["inputs"].as_array().unwrap().len(), 2);
    assert_eq!(report["outcomes"]["tracked"]["count"], 2);

    // Named themselves, both are read: one by its own bytes, the hidden one by a dot.
    let mut named = place.command_to(&sandbox, &["plan", "--json"]);
    named.arg(place.path("in").join(odd_name()));
    let plan = Ran(named.output().unwrap()).expect(0).json();
    assert_eq!(plan["rows"]["read"], 1);
    let hidden = place
        .run(&["plan", "in/.h*.csv", "--json"])
        .expect(0)
        .json();
    assert_eq!(hidden["rows"]["read"], 1);
    place.run(&["plan", "in/*.txt"]).expect(3);
    let mut checked = place.command(&["profiles", "check"]);
    checked.arg(place.path("in").join(odd_name()));
    Ran(checked.output().unwrap()).expect(0);
}

fn sales(count: u32) -> Place {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    place.write("x.csv", &stripe_export(&payments));
    place
}

/// A run of which each answer takes a while, when some of it is under way.
fn started(place: &Place, sandbox: &SandboxProcess, wrapper: &[&str]) -> Child {
    let run = place.command_to(sandbox, &["run", "x.csv", "--yes", "--json"]);
    let mut command = match wrapper.split_first() {
        None => Command::new(run.get_program()),
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(run.get_program());
            command
        }
    };
    command.args(run.get_args()).current_dir(place.root());
    command.env_clear().envs(
        run.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    command.env("FPRECON_CONCURRENCY", "2").stdin(Stdio::null());
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for_arrivals(sandbox, 4);
    child
}

#[test]
fn row_25a_a_terminal_that_goes_away_lets_the_run_drain_and_report() {
    // Ten seconds of sending: however slow the machine, the signal finds it under way.
    let (place, sandbox) = (sales(200), SandboxProcess::start(&["--latency-ms", "100"]));
    // The tests may run under `nohup` themselves, whose programs inherit what that ignores.
    let wrapper = ["env", "--default-signal=HUP"];
    let is_known = cfg!(target_os = "linux");
    let child = started(&place, &sandbox, if is_known { &wrapper } else { &[] });
    signal(&child, "-HUP");
    let ran = Ran(child.wait_with_output().unwrap()).expect(129);
    assert!(
        ran.stderr().contains("interrupted by SIGHUP"),
        "{}",
        ran.stderr()
    );
    let report = ran.json();
    assert_eq!(report["exit_code"], 129);
    let tracked = report["outcomes"]["tracked"]["count"].as_u64().unwrap();
    assert_eq!(
        tracked as usize,
        sandbox.events().len(),
        "all that arrived was waited for"
    );
    let directory = report["report_dir"].as_str().unwrap();
    assert!(place.path(directory).join("summary.json").exists());
    let resumed = place.run_to(&sandbox, &["resume", "--json"]).expect(0);
    assert_eq!(resumed.json()["outcomes"]["not_sent"]["count"], 0);
    assert_eq!(sandbox.arrivals().len(), 200);
}

#[cfg(target_os = "linux")]
#[test]
fn row_25a_a_run_under_nohup_goes_on() {
    let (place, sandbox) = (sales(20), SandboxProcess::start(&["--latency-ms", "50"]));
    let child = started(&place, &sandbox, &["nohup"]);
    signal(&child, "-HUP");
    let ran = Ran(child.wait_with_output().unwrap()).expect(0);
    assert_eq!(ran.json()["outcomes"]["not_sent"]["count"], 0);
    assert_eq!(sandbox.arrivals().len(), 20);
}

#[test]
fn row_25b_too_few_open_files_are_an_error_with_a_hint() {
    let sandbox = SandboxProcess::start(&[]);
    for limit in [4, 6, 8, 10, 12, 16, 24, 48, 64] {
        let place = sales(3);
        let ran = limited(&place, &sandbox, &format!("-n {limit}")).expect(3);
        let said = ran.stderr();
        assert!(said.contains("can be open at once"), "{limit}: {said}");
        assert!(said.contains("`ulimit -n 256`"), "{limit}: {said}");
        assert!(!place.path("fprecon.journal").exists(), "{limit}");
    }
    assert_eq!(sandbox.arrivals().len(), 0);
    // Whatever is allowed above that is enough.
    for limit in [80, 256] {
        let place = sales(30);
        limited(&place, &sandbox, &format!("-n {limit}")).expect(0);
        assert!(place.path("fprecon.journal").exists(), "{limit}");
    }
}

/// The limit of processes counts those of a user, and not for root: the program is run as a user without others.
#[test]
fn row_25c_too_few_threads_are_an_error_with_a_hint() {
    const USER: u32 = 54_321;
    let place = sales(3);
    let sandbox = SandboxProcess::start(&[]);
    let real = place.command(&[]).get_program().to_owned();
    std::fs::copy(real, place.path("program")).unwrap();
    if std::os::unix::fs::chown(place.root(), Some(USER), Some(USER)).is_err() {
        skip("running a program as another user is not permitted");
        return;
    }
    std::os::unix::fs::chown(place.path("x.csv"), Some(USER), Some(USER)).unwrap();
    let run = |limit: u32| {
        let program = place.path("program");
        let mut shell = limited_command(
            &place,
            &sandbox,
            &format!("-u {limit}"),
            program.as_os_str(),
        );
        Ran(shell.uid(USER).gid(USER).output().unwrap())
    };
    for limit in [1, 2, 3, 6, 10] {
        let said = run(limit).expect(3).stderr();
        assert!(
            said.contains("more threads can be started"),
            "{limit}: {said}"
        );
        assert!(said.contains("`ulimit -u`"), "{limit}: {said}");
    }
    assert!(!place.path("fprecon.journal").exists());
    assert_eq!(sandbox.arrivals().len(), 0);
    run(14).expect(0);
}

/// A run with a limit, as `ulimit` takes it.
fn limited(place: &Place, sandbox: &SandboxProcess, limit: &str) -> Ran {
    let program = place.command(&[]).get_program().to_owned();
    Ran(limited_command(place, sandbox, limit, &program)
        .output()
        .unwrap())
}

fn limited_command(
    place: &Place,
    sandbox: &SandboxProcess,
    limit: &str,
    program: &OsStr,
) -> Command {
    let run = place.command_to(sandbox, &["run", "x.csv", "--yes", "--json"]);
    let script = format!("ulimit {limit}; exec \"$0\" \"$@\"");
    // Debian's `sh` has no limit of processes.
    let mut shell = Command::new("bash");
    shell
        .args(["-c", &script])
        .arg(program)
        .args(run.get_args());
    shell.current_dir(place.root()).stdin(Stdio::null());
    shell.env_clear().envs(
        run.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell
}

#[cfg(feature = "polars")]
#[test]
fn row_39c_an_audit_overwrites_nothing_that_it_reads() {
    let (place, sandbox) = (sales(2), SandboxProcess::start(&["--lead-share", "100"]));
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    let export = place.read("x.csv");
    place.write("d/totals.csv", &export);
    place.write("key/differences.csv", "fp-secret-key-0123456789\n");
    let refuse = |arguments: &[&str], file: &str| {
        let arguments = [&["audit", "--live"][..], arguments].concat();
        let refused = place.run_to(&sandbox, &arguments).expect(2).stderr();
        assert!(refused.contains(file), "{refused}");
    };
    refuse(&["d/totals.csv", "--dir", "d"], "totals.csv");
    refuse(
        &[
            "x.csv",
            "--dir",
            "key",
            "--api-key-file",
            "key/differences.csv",
        ],
        "differences.csv",
    );
    assert_eq!(place.read("d/totals.csv"), export);
    assert!(place.read("key/differences.csv").starts_with("fp-secret"));
    // Nor does what is exported from the journal replace an export that it was made of.
    place.run(&["journal", "export", "-o", "x.csv"]).expect(2);
    assert_eq!(place.read("x.csv"), export);
}

#[test]
fn row_39c_no_file_that_is_needed_is_overwritten() {
    let (place, sandbox) = (sales(2), SandboxProcess::start(&[]));
    place.write("key", "fp-secret-key-0123456789\n");
    let rates = "date,currency,rate\n2026-01-01,EUR,1.1\n";
    place.write("converted.csv", rates);
    let settings = "[api]\nkey_file = \"key\"\n[currencies]\nrates = \"converted.csv\"\n";
    place.write("fprecon.toml", settings);
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    std::fs::hard_link(place.path("x.csv"), place.path("same.csv")).unwrap();
    std::os::unix::fs::symlink("fprecon.journal", place.path("link.csv")).unwrap();
    let needed = [
        "fprecon.journal",
        "fprecon.journal.commits",
        "fprecon.toml",
        "key",
        "converted.csv",
    ];
    let before = needed.map(|name| std::fs::read(place.path(name)).unwrap());
    for output in needed
        .into_iter()
        .chain(["link.csv", "./fprecon.journal.lock"])
    {
        place.run(&["journal", "export", "-o", output]).expect(2);
        place.run(&["plan", "x.csv", "--events", output]).expect(2);
    }
    let export = place.read("x.csv");
    for output in ["x.csv", "same.csv"] {
        place.run(&["plan", "x.csv", "--events", output]).expect(2);
    }
    let run = ["run", "x.csv", "--yes", "--dir", "."];
    let refused = place.run_to(&sandbox, &run).expect(2).stderr();
    assert!(refused.contains("converted.csv"), "{refused}");
    place.run(&["report", "--dir", "."]).expect(2);
    assert_eq!(place.read("x.csv"), export);
    let profile = place.run(&["profiles", "show", "generic"]).stdout();
    place.write("profiles/ignored.csv", &profile);
    let run = [
        "run",
        "x.csv",
        "--yes",
        "--profile",
        "profiles/ignored.csv",
        "--dir",
        "profiles",
    ];
    let refused = place.run_to(&sandbox, &run).expect(2).stderr();
    assert!(refused.contains("ignored.csv, which is read"), "{refused}");
    assert_eq!(place.read("profiles/ignored.csv"), profile);
    let after = needed.map(|name| std::fs::read(place.path(name)).unwrap());
    assert!(before == after);
    place
        .run(&["plan", "x.csv", "--events", "no/such/folder.csv"])
        .expect(3);
    place
        .run(&["plan", "x.csv", "--events", "events.csv"])
        .expect(0);
    place.run(&["journal", "export", "-o", "all.csv"]).expect(0);
}

#[test]
fn row_39d_what_is_no_file_is_not_taken_for_one() {
    let (place, sandbox) = (sales(2), SandboxProcess::start(&[]));
    let settings = place.path("fprecon.toml");
    let run = ["run", "x.csv", "--yes"];
    std::os::unix::fs::symlink("gone.toml", &settings).unwrap();
    place.run_to(&sandbox, &run).expect(3);
    std::fs::remove_file(&settings).unwrap();
    std::fs::create_dir(&settings).unwrap();
    place.run_to(&sandbox, &run).expect(3);
    std::fs::remove_dir(&settings).unwrap();
    let pipe = |name: &str| {
        let made = Command::new("mkfifo").arg(place.path(name)).status();
        assert!(made.unwrap().success());
    };
    pipe("fprecon.toml");
    place.run_to(&sandbox, &run).expect(3);
    std::fs::remove_file(&settings).unwrap();
    place.write("fprecon.toml", "[retention]\nafter_days = 99999999\n");
    place.run_to(&sandbox, &run).expect(3);
    std::fs::remove_file(&settings).unwrap();

    // The lock leads to a file that has nothing to do with it.
    place.write("other.txt", "kept");
    let lock = place.path("fprecon.journal.lock");
    std::os::unix::fs::symlink("other.txt", &lock).unwrap();
    place.run_to(&sandbox, &run).expect(6);
    std::fs::remove_file(&lock).unwrap();
    std::fs::hard_link(place.path("other.txt"), &lock).unwrap();
    place.run_to(&sandbox, &run).expect(6);
    assert_eq!(place.read("other.txt"), "kept");
    std::fs::remove_file(&lock).unwrap();
    assert!(sandbox.arrivals().is_empty());

    pipe("pipe.prom");
    let with_metrics = ["run", "x.csv", "--yes", "--metrics-file", "pipe.prom"];
    let ran = place.run_to(&sandbox, &with_metrics).expect(0);
    assert!(ran.stderr().contains("not a file"), "{}", ran.stderr());
    assert_eq!(sandbox.arrivals().len(), 2);
    std::fs::remove_file(place.path("fprecon.journal.commits")).unwrap();
    pipe("fprecon.journal.commits");
    place.run_to(&sandbox, &run).expect(6);
}
