//! Files of any size where a small one is expected.

use std::process::{Command, Stdio};

use crate::support::{Payment, Place, Ran, stripe_export};

/// The seconds of processor time that a call may take that stops reading where it has to.
const MOST_SECONDS: u32 = 60;

/// Returns a command that is killed when it has used [`MOST_SECONDS`].
fn with_little_time(command: &Command) -> Command {
    let script = format!("ulimit -t {MOST_SECONDS}; exec \"$0\" \"$@\"");
    let mut limited = Command::new("sh");
    limited.arg("-c").arg(script).arg(command.get_program());
    limited.args(command.get_args()).env_clear();
    let variables = command.get_envs();
    limited.envs(variables.filter_map(|(name, value)| Some((name, value?))));
    limited.current_dir(command.get_current_dir().unwrap());
    limited.stdin(Stdio::null());
    limited
}

#[test]
fn row_49_a_file_without_an_end_is_an_error_wherever_a_file_is_read() {
    let place = Place::new();
    place.write("x.csv", &stripe_export(&[Payment::paid(1, 1)]));
    place.write(
        "convert.toml",
        "[currencies]\nforeign = \"convert\"\nrates = \"/dev/zero\"\n",
    );
    place.write("link.toml", "[link]\nresolutions = \"/dev/zero\"\n");
    place.write("ca.toml", "[api]\nca_file = \"/dev/zero\"\nwid = \"w\"\n");
    place.write("key.toml", "[api]\nkey_file = \"/dev/zero\"\nwid = \"w\"\n");
    let mut calls = vec![
        &["plan", "/dev/zero"][..],
        &["plan", "x.csv", "--link", "/dev/zero"],
        &["plan", "x.csv", "--config", "/dev/zero"],
        &["plan", "x.csv", "--config", "convert.toml"],
        &["plan", "x.csv", "--config", "link.toml"],
        &["run", "x.csv", "--yes", "--config", "ca.toml"],
        &["run", "x.csv", "--yes", "--config", "key.toml"],
        &["sandbox", "--start", "/dev/zero"],
        &["sandbox", "--require-key", "/dev/zero"],
        &["sandbox", "--state", "/dev/zero"],
        &["profiles", "check", "/dev/zero"],
        &["init", "/dev/zero"],
    ];
    if cfg!(feature = "polars") {
        calls.push(&["audit", "x.csv", "--commissions", "/dev/zero"]);
    }
    for arguments in calls {
        let mut command = place.command(arguments);
        if arguments.contains(&"ca.toml") {
            command.env("FPRECON_API_KEY", "fp-secret-key-0123456789");
        }
        let ran = Ran(with_little_time(&command).output().unwrap()).expect(3);
        assert!(
            ran.stderr().contains("error: "),
            "{arguments:?}: {}",
            ran.stderr()
        );
    }
    let profile = place.path("endless.toml");
    std::os::unix::fs::symlink("/dev/zero", &profile).unwrap();
    let plan = ["plan", "x.csv", "--profile", "endless.toml"];
    let ran = place.run(&plan).expect(3);
    assert!(
        ran.stderr().contains("larger than 4 MiB"),
        "{}",
        ran.stderr()
    );
    place.run(&["run", "x.csv", "--yes", "--sandbox"]).expect(0);
    let accept = ["accept", "/dev/zero", "--reason", "x", "--sandbox"];
    let ran = place.run(&accept).expect(3);
    assert!(
        ran.stderr().contains("larger than 256 MiB"),
        "{}",
        ran.stderr()
    );
}

#[test]
fn row_49_a_file_that_is_too_large_says_how_large_it_may_be() {
    let place = Place::new();
    place.write("x.csv", &stripe_export(&[Payment::paid(1, 1)]));
    let large = |name: &str, megabytes: u64| {
        let file = std::fs::File::create(place.path(name)).unwrap();
        file.set_len(megabytes << 20).unwrap();
    };
    large("link.csv", 65);
    large("big.toml", 5);
    for (arguments, said) in [
        (
            &["plan", "x.csv", "--link", "link.csv"][..],
            "larger than 64 MiB",
        ),
        (
            &["plan", "x.csv", "--config", "big.toml"],
            "larger than 4 MiB",
        ),
        (
            &["plan", "x.csv", "--profile", "big.toml"],
            "larger than 4 MiB",
        ),
    ] {
        let ran = place.run(arguments).expect(3);
        assert!(
            ran.stderr().contains(said),
            "{arguments:?}: {}",
            ran.stderr()
        );
    }
}
