//! The key, wherever it might be kept, and files that others might read.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;

use crate::support::{
    Payment, Place, Ran, SandboxProcess, Server, respond, stripe_export, wait_for_arrivals,
};

/// A key with characters that JSON, URLs and HTML escape.
const ODD_KEY: &str = "fp/live+key=\"9\"&<0>~abcdef";

fn sales(count: u32) -> Place {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    place.write("x.csv", &stripe_export(&payments));
    place
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path)
            } else {
                files.push(path)
            }
        }
    }
    files
}

/// How a key may be written.
fn written(key: &str) -> Vec<String> {
    let json = serde_json::to_string(key).unwrap();
    let json = json.trim_matches('"').to_owned();
    let html = key
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    vec![
        key.to_owned(),
        json.replace('/', "\\/"),
        json.replace('\\', "\\\\"),
        json,
        key.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        key.bytes().map(|byte| format!("%{byte:02X}")).collect(),
        form_urlencoded::byte_serialize(key.as_bytes()).collect(),
        html.replace('"', "&#34;"),
        html.replace('"', "&quot;"),
        STANDARD.encode(key),
        URL_SAFE_NO_PAD.encode(key),
        STANDARD.encode(format!("user:{key}")),
        key.bytes().map(|byte| format!("{byte:02x}")).collect(),
    ]
}

#[test]
fn row_43_a_key_that_the_api_repeats_in_any_escaping_is_found_nowhere() {
    let forms = written(ODD_KEY);
    let place = sales(40);
    // Each form within JSON strings, as they stand, and as a page.
    let answers: Vec<String> = forms
        .iter()
        .flat_map(|form| {
            let quoted = match serde_json::from_str::<String>(&format!("\"{form}\"")) {
                Ok(_) => form.clone(),
                Err(_) => serde_json::to_string(form)
                    .unwrap()
                    .trim_matches('"')
                    .to_owned(),
            };
            [
                format!("{{\"message\":\"no: {quoted} is wrong\"}}"),
                format!("{{\"error\":{{\"key\":\"{quoted}\"}}}}"),
                format!("<p>no: {form}</p>"),
            ]
        })
        .collect();
    assert!(answers.len() <= 39);
    let server = Server::start(move |request, stream| {
        let number = request
            .split("event_id=in_")
            .nth(1)
            .and_then(|rest| rest.get(..4)?.parse::<usize>().ok());
        let body = number.and_then(|number| answers.get(number - 1));
        match body {
            Some(body) => respond(stream, "422 Unprocessable", "", body.as_bytes()),
            None => respond(stream, "204 No Content", "", b""),
        }
    });
    let run = |arguments: &[&str]| {
        let mut command = place.command_at(&server.base_url, arguments);
        command.env("FPRECON_API_KEY", ODD_KEY);
        command.env("FPRECON_STOP_AFTER_SAME_REFUSALS", "1000");
        Ran(command.output().unwrap())
    };
    let ran = run(&["run", "x.csv", "--yes", "--verbose"]).expect(1);
    let exported = run(&["journal", "export", "--attempts"]).expect(0);
    assert!(
        exported.stdout().contains("no: … is wrong"),
        "{}",
        exported.stdout()
    );
    for said in [ran.stdout(), ran.stderr(), exported.stdout()] {
        for form in &forms {
            assert!(!said.contains(form), "{form}: {said}");
        }
    }
    let files = files(place.root());
    assert!(files.len() > 10);
    for path in files {
        let bytes = std::fs::read(&path).unwrap();
        for form in &forms {
            let found = memchr::memmem::find(&bytes, form.as_bytes());
            assert_eq!(found, None, "{form} in {}", path.display());
        }
    }
}

#[test]
fn row_43a_a_short_key_is_refused_but_for_this_machine_and_rewrites_nothing() {
    let (place, sandbox) = (sales(3), SandboxProcess::start(&[]));
    let mut away = place.command_at("https://api.example.com/api/v1", &["run", "x.csv", "--yes"]);
    let ran = Ran(away.env("FPRECON_API_KEY", "x").output().unwrap()).expect(3);
    assert!(
        ran.stderr().contains("shorter than 16 characters"),
        "{}",
        ran.stderr()
    );
    assert!(!place.path("fprecon.journal").exists());

    sandbox.post(
        "/sandbox/faults",
        &json!({"action": "status", "status": 422, "event_id": "in_0002",
                "body": "{\"message\":\"max@example.com is next\"}"}),
    );
    let mut here = place.command_to(&sandbox, &["run", "x.csv", "--yes"]);
    Ran(here.env("FPRECON_API_KEY", "x").output().unwrap()).expect(1);
    let mut export = place.command_to(&sandbox, &["journal", "export"]);
    let csv = Ran(export.env("FPRECON_API_KEY", "x").output().unwrap())
        .expect(0)
        .stdout();
    assert!(csv.contains("user1@example.com"), "{csv}");
    assert!(csv.contains("max@example.com is next"), "{csv}");
    assert!(!csv.contains('…'), "{csv}");
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn row_43b_journals_reports_and_audits_are_the_owners_alone() {
    let (place, sandbox) = (sales(3), SandboxProcess::start(&[]));
    let folder = place.root();
    let own: Vec<PathBuf> = files(folder);
    // Killed while it sends, so that the journal's log is there.
    sandbox.fault(&json!({"action": "delay", "delay_ms": 20_000, "event_id": "in_0003"}));
    let mut command = std::process::Command::new("sh");
    let run = place.command_to(&sandbox, &["run", "x.csv", "--yes"]);
    command
        .args(["-c", "umask 000; exec \"$0\" \"$@\""])
        .arg(run.get_program());
    command
        .args(run.get_args())
        .current_dir(folder)
        .stderr(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null());
    command.env_clear().envs(
        run.get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let mut child = command.spawn().unwrap();
    wait_for_arrivals(&sandbox, 3);
    for name in [
        "fprecon.journal",
        "fprecon.journal-wal",
        "fprecon.journal-shm",
    ] {
        assert_eq!(mode(&place.path(name)), 0o600, "{name}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    sandbox.forget_faults();
    let mut calls = vec![
        &["resume"][..],
        &["report", "--dir", "again"],
        &["plan", "x.csv", "--events", "events.csv"],
        &["journal", "export", "--output", "journal.csv"],
    ];
    if cfg!(feature = "polars") {
        calls.push(&["audit", "x.csv", "--live"]);
    }
    for arguments in calls {
        let call = place.command_to(&sandbox, arguments);
        let mut command = std::process::Command::new("sh");
        command
            .args(["-c", "umask 000; exec \"$0\" \"$@\""])
            .arg(call.get_program());
        command.args(call.get_args()).current_dir(folder);
        command.env_clear().envs(
            call.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        Ran(command.output().unwrap()).expect_code_one_of(&[0, 1]);
    }
    let made: Vec<PathBuf> = files(folder)
        .into_iter()
        .filter(|path| !own.contains(path))
        .collect();
    assert!(made.len() > 20, "{made:?}");
    for path in made {
        // Who holds a journal is told to everybody who may use it.
        if path.extension().is_none_or(|end| end != "lock") {
            assert_eq!(mode(&path), 0o600, "{}", path.display());
        }
        for above in path.ancestors().take_while(|above| *above != folder) {
            assert_eq!(mode(above) & 0o022, 0, "{}", above.display());
        }
    }
}

#[test]
fn row_43c_a_key_file_that_others_can_read_warns_with_the_command() {
    let (place, sandbox) = (sales(2), SandboxProcess::start(&[]));
    place.write("my key", "fp-secret-key-0123456789\n");
    let run = || {
        let mut command = place.command_to(
            &sandbox,
            &["run", "x.csv", "--yes", "--api-key-file", "my key"],
        );
        Ran(command.env_remove("FPRECON_API_KEY").output().unwrap()).expect(0)
    };
    let set = |mode| {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(place.path("my key"), permissions).unwrap();
    };
    for bad in [0o644, 0o640, 0o604, 0o620] {
        set(bad);
        let said = run().stderr();
        assert!(
            said.contains("warning: other users of this machine"),
            "{bad:o}: {said}"
        );
        assert!(said.contains("`chmod 600 'my key'`"), "{said}");
    }
    let followed = std::process::Command::new("sh")
        .args(["-c", "chmod 600 'my key'"])
        .current_dir(place.root())
        .status();
    assert!(followed.unwrap().success());
    assert!(!run().stderr().contains("other users"));
    set(0o400);
    assert!(!run().stderr().contains("other users"));
}
