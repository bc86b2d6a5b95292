//! What starts the program unattended: the unit files, the CronJob, the lines for cron. Their commands are run, and
//! they decide about every exit code.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Place, SandboxProcess};

fn packaged(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The values of a key of a unit file.
fn values<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    let own = lines.filter(|(name, _)| *name == key);
    own.flat_map(|(_, value)| value.split_whitespace())
        .collect()
}

fn codes(words: impl IntoIterator<Item = impl AsRef<str>>) -> BTreeSet<i32> {
    let numbers = words.into_iter().map(|word| word.as_ref().parse().unwrap());
    numbers.collect()
}

/// The exit codes of failures that `--help` lists, without those of signals.
fn exit_codes_of_failures() -> BTreeSet<i32> {
    let help = Place::new().run(&["--help"]).expect(0).stdout();
    let (_, list) = help.split_once("Exit codes:").unwrap();
    let numbers = list
        .split_whitespace()
        .filter_map(|word| word.parse().ok())
        .filter(|code| (1..128).contains(code));
    numbers.collect()
}

/// What is over by itself: the API did not answer, or another process has the journal.
const TRIED_AGAIN: [i32; 2] = [5, 7];

#[test]
fn the_service_decides_about_every_exit_code() {
    let service = packaged("packaging/systemd/fprecon.service");
    assert_eq!(values(&service, "Restart"), ["on-failure"]);
    let mut decided = codes(values(&service, "RestartPreventExitStatus"));
    assert!(TRIED_AGAIN.iter().all(|code| !decided.contains(code)));
    decided.extend(TRIED_AGAIN);
    assert_eq!(decided, exit_codes_of_failures());
    assert_eq!(values(&service, "SuccessExitStatus"), ["143"]);
}

#[test]
fn the_cron_job_decides_about_every_exit_code() {
    let manifest = packaged("packaging/kubernetes/cronjob.yaml");
    let (_, list) = manifest.split_once("operator: NotIn").unwrap();
    let (_, list) = list.split_once('[').unwrap();
    let (list, _) = list.split_once(']').unwrap();
    // 0, a kill for memory and a stop are no reason to give up.
    let mut expected = BTreeSet::from([0, 137, 143]);
    expected.extend(TRIED_AGAIN);
    assert_eq!(codes(list.split(", ")), expected);
    assert!(manifest.contains("\n  concurrencyPolicy: Forbid\n"));
    assert!(manifest.contains(&format!("image: fprecon:{}\n", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn the_table_of_exit_codes_is_whole() {
    let page = packaged("docs/cron.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| "));
    let first = rows.filter_map(|row| row.split(' ').next());
    let listed: BTreeSet<i32> = first.filter_map(|cell| cell.parse().ok()).collect();
    let mut expected = exit_codes_of_failures();
    expected.insert(0);
    assert_eq!(listed, expected);
}

/// The words behind the program in each command of the files.
fn commands() -> Vec<Vec<String>> {
    let service = packaged("packaging/systemd/fprecon.service");
    let manifest = packaged("packaging/kubernetes/cronjob.yaml");
    let page = packaged("docs/cron.md");
    let own = |text: &str| text.split_whitespace().map(str::to_owned).collect();
    let mut commands: Vec<Vec<String>> = Vec::new();
    for line in service
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart=/usr/bin/fprecon "))
    {
        commands.push(own(line));
    }
    for line in manifest
        .lines()
        .filter_map(|line| line.trim().strip_prefix("args: ["))
    {
        commands.push(own(&line.replace([',', ']'], " ").replace("/data/", "")));
    }
    for line in page.lines().filter(|line| !line.starts_with("sudo")) {
        let begins = ["&& fprecon ", "- run: fprecon "];
        for begin in begins {
            if let Some((_, words)) = line.split_once(begin) {
                commands.push(own(words));
            }
        }
    }
    commands
}

#[test]
fn the_commands_of_all_of_them_send_and_are_silent() {
    let commands = commands();
    assert_eq!(commands.len(), 4, "{commands:?}");
    for command in commands {
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        let place = Place::new();
        fs::create_dir(place.path("exports")).unwrap();
        place.write(
            "exports/monday.csv",
            "event_id,email,amount,currency,created_at\nin_1,ana@example.com,49.00,USD,2026-03-02T09:00:00Z\n",
        );
        let arguments: Vec<&str> = command.iter().map(String::as_str).collect();
        let ran = place.run_to(&sandbox, &arguments).expect(0);
        assert_eq!(ran.stdout() + &ran.stderr(), "", "{command:?}");
        assert_eq!(sandbox.events().len(), 1, "{command:?}");
    }
}

/// `systemd-analyze verify` finds nothing in the unit files.
#[test]
fn systemd_accepts_the_units() {
    let version = Command::new("systemd-analyze").arg("--version").output();
    if !version.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: systemd-analyze is not here");
        return;
    }
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_fprecon");
    let service =
        packaged("packaging/systemd/fprecon.service").replace("/usr/bin/fprecon", program);
    place.write("fprecon.service", &service);
    place.write(
        "fprecon.timer",
        &packaged("packaging/systemd/fprecon.timer"),
    );
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no"])
        .args([place.path("fprecon.service"), place.path("fprecon.timer")])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let own: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("fprecon"))
        .collect();
    assert!(output.status.success() && own.is_empty(), "{said}");
}
