//! The API key from a command: where it is used, that it is never shown, and what is said where it gives none.

use crate::support::{KEY, Payment, Place, Ran, SandboxProcess, stripe_export};

/// A place with one sale, and with a configuration whose key comes from a command.
fn place(words: &str) -> Place {
    let place = Place::new();
    place
        .write("x.csv", &stripe_export(&[Payment::paid(1, 1)]))
        .write("fprecon.toml", &format!("[api]\nkey_command = {words}\n"));
    place
}

/// A shell script as a command.
fn shell(script: &str) -> String {
    format!("[\"sh\", \"-c\", '''{script}''']")
}

fn run(place: &Place, sandbox: &SandboxProcess, arguments: &[&str]) -> Ran {
    let mut command = place.command_to(sandbox, arguments);
    Ran(command.env_remove("FPRECON_API_KEY").output().unwrap())
}

fn keys(sandbox: &SandboxProcess) -> Vec<String> {
    let arrivals = sandbox.arrivals();
    let keys = arrivals.iter().map(|arrival| arrival["key"].to_string());
    keys.collect()
}

#[test]
fn a_command_gives_the_key_and_is_only_run_where_one_is_needed() {
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = place(&shell(&format!(
        "echo run >> ran; echo ' {KEY} '; echo x >&2"
    )));
    for words in [
        &["plan", "x.csv"][..],
        &["config"],
        &["run", "x.csv", "--yes", "--sandbox"],
    ] {
        run(&place, &sandbox, words).expect(0);
    }
    assert!(!place.path("ran").exists());
    let ran = run(&place, &sandbox, &["run", "x.csv", "--yes"]).expect(0);
    assert_eq!(place.read("ran"), "run\n");
    assert!(!format!("{}{}", ran.stdout(), ran.stderr()).contains(KEY));
    assert_eq!(sandbox.events().len(), 1);
    for words in [&["status"][..], &["report"], &["journal", "check"]] {
        run(&place, &sandbox, words).expect(0);
    }
    assert_eq!(place.read("ran"), "run\n");
    let shown = run(&place, &sandbox, &["config"]).expect(0).stdout();
    assert!(
        shown.contains("API key") && shown.contains("from the key command"),
        "{shown}"
    );
}

#[test]
fn what_this_call_names_goes_before_the_environment_and_that_before_the_command() {
    let place = place(&shell("echo key-of-the-command"));
    place
        .write("command.key", "key-of-the-command")
        .write("environment.key", "key-of-the-environment")
        .write("option.key", "key-of-the-option");
    let takes = |which: &str, environment: &str, options: &[&str]| {
        let key = place.path(which).display().to_string();
        let sandbox = SandboxProcess::start(&["--lead-share", "100", "--require-key", &key]);
        let words: Vec<&str> = [&["run", "x.csv", "--yes"], options].concat();
        let mut command = place.command_to(&sandbox, &words);
        command
            .env("FPRECON_API_KEY", environment)
            .env("FPRECON_JOURNAL", which.replace("key", "journal"));
        Ran(command.output().unwrap()).expect(0);
        assert_eq!(sandbox.events().len(), 1);
    };
    takes("command.key", "", &[]);
    takes("environment.key", "key-of-the-environment", &[]);
    let option = ["--api-key-file", "option.key"];
    takes("option.key", "key-of-the-environment", &option);
}

#[test]
fn a_variable_that_names_a_file_goes_before_the_command_of_the_configuration() {
    let place = place(&shell("echo key-of-the-command"));
    place.write("environment.key", "key-of-the-file");
    let key = place.path("environment.key").display().to_string();
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--require-key", &key]);
    let mut command = place.command_to(&sandbox, &["run", "x.csv", "--yes"]);
    command
        .env_remove("FPRECON_API_KEY")
        .env("FPRECON_API_KEY_FILE", &key);
    Ran(command.output().unwrap()).expect(0);
    assert_eq!(sandbox.events().len(), 1);
}

#[test]
fn a_command_that_gives_no_key_ends_with_what_it_said_and_nothing_is_sent() {
    let sandbox = SandboxProcess::start(&[]);
    for (command, says) in [
        (
            shell(&format!("echo {KEY}; echo no {KEY} here >&2; exit 4")),
            "it ends with exit status: 4; it says: no [key] here",
        ),
        (
            "[\"/no/such/program\"]".to_owned(),
            "it can't be started: No such file",
        ),
        (shell("true"), "it prints nothing"),
        (
            shell(&format!("echo {KEY}; echo user: me")),
            "it prints more than one line",
        ),
        (shell("yes"), "it prints more than 64 KiB"),
        (shell("printf '\\377'"), "not text in UTF-8"),
        (shell("kill -9 $$"), "it ends with signal: 9"),
    ] {
        let ran = run(&place(&command), &sandbox, &["run", "x.csv", "--yes"]).expect(3);
        let said = ran.stderr();
        assert!(said.contains(says), "{command}: {said}");
        assert!(said.contains("hint: run the command yourself"), "{said}");
        assert!(!said.contains(KEY) || command.contains(KEY), "{said}");
    }
    assert!(keys(&sandbox).is_empty());
}

#[test]
fn no_word_that_may_be_the_key_is_shown_where_it_can_t_be_read() {
    let sandbox = SandboxProcess::start(&[]);
    let reads = shell("cat k >&2; exit 1");
    for settings in [
        format!("key_command = {reads}"),
        "key_command = [\"sh\", \"-xc\", \"key=$(cat k); exit 1\"]".to_owned(),
        format!("key_file = \"{KEY}\""),
    ] {
        let place = place("[\"true\"]");
        place.write("k", KEY);
        place.write("fprecon.toml", &format!("[api]\n{settings}\n"));
        for words in [&["run", "x.csv", "--yes"][..], &["doctor"]] {
            let ran = run(&place, &sandbox, words).expect(3);
            let said = ran.stdout() + &ran.stderr();
            assert!(!said.contains(KEY), "{said}");
        }
    }
}

#[test]
fn a_file_and_a_command_in_one_place_are_an_error_and_in_two_the_nearer_one_has_the_key() {
    let both = place("[\"true\"]");
    both.write(
        "fprecon.toml",
        "[api]\nkey_file = \"k\"\nkey_command = [\"true\"]\n",
    );
    let said = both.run(&["config"]).expect(3).stderr();
    assert!(
        said.starts_with("fprecon.toml: error: `key_file` and `key_command`"),
        "{said}"
    );

    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let place = place(&shell(&format!("echo {KEY}")));
    place.write(
        ".config/fprecon/fprecon.toml",
        "[api]\nkey_file = \"not-there\"\n",
    );
    run(&place, &sandbox, &["run", "x.csv", "--yes"]).expect(0);
}

#[test]
fn a_program_with_a_path_is_found_beside_the_configuration() {
    let place = Place::on_disk();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place
        .write("x.csv", &stripe_export(&[Payment::paid(1, 1)]))
        .write("conf/key.sh", &format!("#!/bin/sh\necho {KEY}\n"))
        .write("conf/fprecon.toml", "[api]\nkey_command = [\"./key.sh\"]\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(place.path("conf/key.sh"), mode).unwrap();
    let words = ["run", "x.csv", "--yes", "--config", "conf/fprecon.toml"];
    run(&place, &sandbox, &words).expect(0);
}
