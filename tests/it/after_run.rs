//! What happens when a run has ended: the metrics, and the notifications.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::pages::blocks;
#[cfg(target_os = "linux")]
use crate::support::strace::{can_trace, traced};
use crate::support::{KEY, Place, Ran, SandboxProcess, Server, respond};

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
const SECRET: &str = "T0SECRET/B0SECRET/xyz";

fn place() -> Place {
    let place = Place::new();
    place.write(
        "good.csv",
        &format!("{HEADER}sale,s1,,ana@example.com,8.00,USD,2026-03-01\n"),
    );
    place.write(
        "bad.csv",
        &format!("{HEADER}sale,ana@example.com,,ana@example.com,1e3,USD,2026-03-01\n"),
    );
    place
}

fn run_with(place: &Place, sandbox: &SandboxProcess, arguments: &[&str], url: &str) -> Ran {
    let mut command = place.command_to(sandbox, arguments);
    Ran(command.env("FPRECON_NOTIFY_URL", url).output().unwrap())
}

/// A server that answers every notification with a status.
fn receiver(status: &'static str) -> (Server, String) {
    let server = Server::start(move |_, stream| respond(stream, status, "", b"ok"));
    let origin = server.base_url.trim_end_matches("/api/v1").to_owned();
    (server, origin)
}

fn path_of(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

fn body_of(request: &str) -> Value {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST "), "{head}");
    assert!(
        head.to_lowercase()
            .contains("content-type: application/json"),
        "{head}"
    );
    serde_json::from_str(body).unwrap()
}

// --- metrics ---

/// The samples of a text in the format of Prometheus, by name and labels, with every rule of the format that
/// it can break.
fn samples(text: &str) -> BTreeMap<(String, BTreeMap<String, String>), String> {
    let mut samples = BTreeMap::new();
    let (mut helped, mut typed) = (BTreeSet::new(), BTreeSet::new());
    let mut current = String::new();
    assert!(text.ends_with('\n'), "{text}");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            current = name.to_owned();
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert_eq!(rest, format!("{current} gauge"));
            assert!(typed.insert(current.clone()), "{line}");
        } else {
            let (name, rest) = line.split_once('{').unwrap();
            assert_eq!(name, current, "samples of a metric are together: {line}");
            let mut chars = name.chars();
            assert!(chars.all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
            let (labels, value) = labels(rest);
            value.parse::<f64>().unwrap();
            let is_new = samples.insert((name.to_owned(), labels), value).is_none();
            assert!(is_new, "twice: {line}");
        }
    }
    assert_eq!(helped, typed);
    samples
}

/// The labels before `} VALUE`, and the value.
fn labels(text: &str) -> (BTreeMap<String, String>, String) {
    let mut labels = BTreeMap::new();
    let mut rest = text;
    loop {
        let (label, behind) = rest.split_once("=\"").unwrap();
        let mut value = String::new();
        let mut chars = behind.char_indices();
        let end = loop {
            match chars.next().unwrap() {
                (_, '\\') => match chars.next().unwrap().1 {
                    'n' => value.push('\n'),
                    c @ ('"' | '\\') => value.push(c),
                    c => panic!("\\{c}"),
                },
                (at, '"') => break at + 1,
                (_, c) => value.push(c),
            }
        };
        assert!(labels.insert(label.to_owned(), value).is_none());
        match behind[end..].strip_prefix(',') {
            Some(next) => rest = next,
            None => {
                let value = behind[end..].strip_prefix("} ").unwrap();
                return (labels, value.to_owned());
            }
        }
    }
}

struct Samples(BTreeMap<(String, BTreeMap<String, String>), String>, String);

impl Samples {
    fn read(place: &Place, name: &str, journal: &str) -> Self {
        // The program resolves no link in the path of its folder.
        let journal = place.path(journal).display().to_string();
        Samples(samples(&place.read(name)), journal)
    }

    fn value(&self, name: &str, label: &[(&str, &str)]) -> Option<&str> {
        let mut labels: BTreeMap<String, String> = label
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        labels.insert("journal".to_owned(), self.1.clone());
        let value = self.0.get(&(format!("fprecon_{name}"), labels));
        value.map(String::as_str)
    }
}

#[test]
fn a_runs_metrics_can_be_read_and_have_its_figures() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let before = jiff::Timestamp::now().as_second();
    let arguments = [
        "run",
        "good.csv",
        "bad.csv",
        "--yes",
        "--metrics-file",
        "m/x.prom",
    ];
    fs::create_dir(place.path("m")).unwrap();
    place.run_to(&sandbox, &arguments).expect(1);
    let metrics = Samples::read(&place, "m/x.prom", "fprecon.journal");
    assert_eq!(metrics.value("last_run_exit_code", &[]), Some("1"));
    let events = |outcome| metrics.value("last_run_events", &[("outcome", outcome)]);
    assert_eq!(events("tracked"), Some("1"));
    assert_eq!(events("failed"), Some("0"));
    assert_eq!(events("not_sent"), Some("0"));
    let attention = |code| metrics.value("last_run_attention", &[("code", code)]);
    assert_eq!(attention("rejected"), Some("1"));
    assert_eq!(attention("failed"), Some("0"));
    let rows = |state| metrics.value("last_run_rows", &[("state", state)]);
    assert_eq!(rows("rejected"), Some("1"));
    assert_eq!(metrics.value("last_run_requests", &[]), Some("1"));
    assert_eq!(metrics.value("learned_requests_per_minute", &[]), None);
    let version = ("version", env!("CARGO_PKG_VERSION"));
    assert_eq!(
        metrics.value("last_run_info", &[("command", "run"), version]),
        Some("1")
    );
    let ended: f64 = metrics
        .value("last_run_end_timestamp_seconds", &[])
        .unwrap()
        .parse()
        .unwrap();
    assert!(ended >= before as f64, "{ended}");
    let left: Vec<_> = fs::read_dir(place.path("m")).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing half-written is left");
}

/// The file has to be read by another user, whatever the mask says, and a narrower mode that somebody chose
/// has to hold.
#[cfg(unix)]
#[test]
fn metrics_are_for_others_to_read() {
    use std::os::unix::fs::PermissionsExt;

    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let program = env!("CARGO_BIN_EXE_fprecon");
    let run = || {
        let mut command = place.command_to(&sandbox, &[]);
        let mut shell = Command::new("sh");
        shell
            .args([
                "-c",
                &format!("umask 077; {program} run good.csv --yes --metrics-file x.prom"),
            ])
            .current_dir(place.root())
            .env_clear();
        for (name, value) in command.env("LANG", "C").get_envs() {
            shell.env(name, value.unwrap());
        }
        Ran(shell.output().unwrap()).expect(0);
        let mode = fs::metadata(place.path("x.prom"))
            .unwrap()
            .permissions()
            .mode();
        mode & 0o777
    };
    assert_eq!(run(), 0o644);
    fs::set_permissions(place.path("x.prom"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(run(), 0o640);
}

#[test]
fn a_run_that_could_not_begin_says_so_in_its_metrics() {
    let (place, sandbox) = (place(), SandboxProcess::start(&[]));
    place.write("fprecon.toml", "[metrics]\nfile = \"x.prom\"\n");
    let code = |name: &str, journal: &str| {
        let metrics = Samples::read(&place, name, journal);
        assert!(metrics.value("last_run_duration_seconds", &[]).is_some());
        assert_eq!(metrics.value("last_run_requests", &[]), None);
        metrics.value("last_run_exit_code", &[]).unwrap().to_owned()
    };

    place
        .run_to(&sandbox, &["run", "none.csv", "--yes"])
        .expect(3);
    assert_eq!(code("x.prom", "fprecon.journal"), "3");
    fs::remove_file(place.path("x.prom")).unwrap();
    // The key is missing, in a command that has no journal yet.
    place
        .run(&["resume", "--journal", "other.journal"])
        .expect(3);
    assert_eq!(code("x.prom", "other.journal"), "3");
    place.write("damaged.journal", "not a journal");
    let damaged = ["run", "good.csv", "--yes", "--journal", "damaged.journal"];
    place.run_to(&sandbox, &damaged).expect(6);
    assert_eq!(code("x.prom", "damaged.journal"), "6");
    place.run_to(&sandbox, &["run", "good.csv"]).expect(2);
    assert_eq!(code("x.prom", "fprecon.journal"), "2");

    // Nothing else of this configuration can be used.
    for broken in [
        "[send]\nconcurency = 3\n",
        "[send]\nconcurrency = \n",
        "[notify]\nwhen = 3\n",
    ] {
        place.write(
            "fprecon.toml",
            &format!("{broken}[metrics]\nfile = \"broken.prom\"\n"),
        );
        place
            .run_to(&sandbox, &["run", "good.csv", "--yes"])
            .expect(3);
        assert_eq!(code("broken.prom", "fprecon.journal"), "3");
        fs::remove_file(place.path("broken.prom")).unwrap();
    }
    assert!(sandbox.events().is_empty());
}

#[test]
fn metrics_that_cant_be_written_are_a_warning_and_replace_nothing() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    for target in ["absent/x.prom", "good.csv", "fprecon.journal"] {
        let arguments = [
            "run",
            "good.csv",
            "--yes",
            "--quiet",
            "--metrics-file",
            target,
        ];
        let ran = place.run_to(&sandbox, &arguments).expect(0);
        let said = format!("{target}: warning: the metrics are not written");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
    }
    assert!(place.read("good.csv").starts_with(HEADER));
    place.run(&["journal", "check"]).expect(0);
    assert_eq!(sandbox.events().len(), 1);
}

#[test]
fn a_trial_in_the_sandbox_does_not_pass_for_the_nights_run() {
    let place = place();
    let (server, origin) = receiver("200 OK");
    let config = format!(
        "[metrics]\nfile = \"x.prom\"\n[notify]\nurl = \"{origin}/x\"\nwhen = \"always\"\n"
    );
    place.write("fprecon.toml", &config);
    let trial = ["run", "good.csv", "--yes", "--sandbox"];
    place.run(&trial).expect(0);
    assert!(!place.path("x.prom").exists());
    assert!(server.requests().is_empty());
    place
        .run(&[&trial[..], &["--metrics-file", "trial.prom"]].concat())
        .expect(0);
    let metrics = Samples::read(&place, "trial.prom", "fprecon-sandbox.journal");
    assert_eq!(metrics.value("last_run_exit_code", &[]), Some("0"));
}

// --- notifications ---

#[test]
fn a_run_that_needs_attention_is_posted_and_a_good_one_only_if_always() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let (server, origin) = receiver("204 No Content");
    let url = format!("{origin}/services/{SECRET}");
    run_with(&place, &sandbox, &["run", "good.csv", "--yes"], &url).expect(0);
    assert!(server.requests().is_empty());

    run_with(&place, &sandbox, &["run", "bad.csv", "--yes"], &url).expect(1);
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(path_of(&requests[0]), format!("/services/{SECRET}"));
    let body = body_of(&requests[0]);
    assert_eq!(body["schema"], 1);
    assert_eq!(body["command"], "run");
    assert_eq!(body["exit_code"], 1);
    assert_eq!(body["attention"][0]["code"], "rejected");
    assert_eq!(body["attention"][0]["count"], 1);
    assert_eq!(body["rows"]["rejected"], 1);
    assert_eq!(body["outcomes"]["tracked"]["count"], 0);
    let run = body["run"].as_str().unwrap();
    assert!(place.path("reports").join(run).is_dir());
    let verdict = body["verdict"].as_str().unwrap();
    assert!(
        verdict.starts_with("needs attention: 1 row rejected"),
        "{verdict}"
    );
    assert_eq!(
        body["journal"],
        place.path("fprecon.journal").display().to_string()
    );

    place.write("fprecon.toml", "[notify]\nwhen = \"always\"\n");
    run_with(&place, &sandbox, &["run", "good.csv", "--yes"], &url).expect(0);
    let body = body_of(&server.requests()[1]);
    assert_eq!(body["exit_code"], 0);
    assert_eq!(body["verdict"], "nothing needs attention");
}

#[test]
fn every_exit_code_is_posted_as_far_as_the_configuration_can_be_read() {
    let (place, sandbox) = (place(), SandboxProcess::start(&[]));
    let (server, origin) = receiver("200 OK");
    let url = format!("{origin}/{SECRET}");
    let mut seen = 0;
    let mut next = |code: &str| {
        let requests = server.requests();
        assert_eq!(requests.len(), seen + 1, "{code}");
        seen += 1;
        let body = body_of(&requests[seen - 1]);
        assert_eq!(body["problems"][0]["code"], code, "{body}");
        assert!(!body.to_string().contains("example.com"), "{body}");
        assert!(!body.to_string().contains(KEY), "{body}");
        body["exit_code"].as_u64().unwrap()
    };
    run_with(&place, &sandbox, &["run", "good.csv"], &url).expect(2);
    assert_eq!(next("not-confirmed"), 2);
    run_with(&place, &sandbox, &["run", "none.csv", "--yes"], &url).expect(3);
    assert_eq!(next("export-missing"), 3);
    let refusing = Server::start(|_, stream| {
        let body = format!("{{\"error\":\"{KEY} of ana@example.com is not known\"}}");
        respond(stream, "401 Unauthorized", "", body.as_bytes());
    });
    let at = |base: &str| {
        let arguments = ["run", "good.csv", "--yes", "--journal", "at.journal"];
        let mut command = place.command_at(base, &arguments);
        command.env("FPRECON_NOTIFY_URL", &url);
        command.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
        Ran(command.output().unwrap())
    };
    at(&refusing.base_url).expect(4);
    assert_eq!(next("key-refused"), 4);
    let failing = Server::start(|_, stream| respond(stream, "503 Unavailable", "", b""));
    fs::remove_file(place.path("at.journal")).unwrap();
    for suffix in ["-wal", "-shm", ".lock", ".commits"] {
        let _ = fs::remove_file(place.path(&format!("at.journal{suffix}")));
    }
    at(&failing.base_url).expect(5);
    assert_eq!(next("api-unreachable"), 5);
    place.write("damaged.journal", "not a journal");
    let damaged = ["run", "good.csv", "--yes", "--journal", "damaged.journal"];
    run_with(&place, &sandbox, &damaged, &url).expect(6);
    assert_eq!(next("journal"), 6);

    for broken in [
        "[send]\nconcurency = 3\n",
        "[send]\nconcurrency = \n",
        "[api]\nversion = \"v7\"\n",
        "[notify]\nwhen = \"never\"\n",
    ] {
        place.write("fprecon.toml", broken);
        run_with(&place, &sandbox, &["run", "good.csv", "--yes"], &url).expect(3);
        assert_eq!(next("config-invalid"), 3);
    }
    let broken = format!("[send]\nconcurency = 3\n[notify]\nurl = \"{url}\"\n");
    place.write("fprecon.toml", &broken);
    place
        .run_to(&sandbox, &["run", "good.csv", "--yes"])
        .expect(3);
    assert_eq!(next("config-invalid"), 3);
}

/// A thread that the system does not give makes the program panic where it counts on one.
#[cfg(target_os = "linux")]
#[test]
fn a_run_that_panics_is_posted_and_told_to_the_command() {
    if !can_trace() {
        return;
    }
    let mut panics = 0;
    // The first twelve are those that the program tries before it begins.
    for nth in 13..=16 {
        let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
        let (server, origin) = receiver("200 OK");
        place.write(
            "fprecon.toml",
            "[notify]\ncommand = [\"tee\", \"told.json\"]\n[metrics]\nfile = \"run.prom\"\n",
        );
        let inject = format!("inject=clone,clone3:error=EAGAIN:when={nth}");
        let command = place.command_to(&sandbox, &["run", "good.csv", "--yes"]);
        let calls = ["-e", "trace=clone,clone3", "-e", &inject];
        let mut traced = traced(&command, &place.path("trace"), &calls);
        traced.env("FPRECON_NOTIFY_URL", format!("{origin}/{SECRET}"));
        let ran = Ran(traced.output().unwrap());
        let said = ran.stdout() + &ran.stderr();
        if !said.contains("panicked") {
            continue;
        }
        panics += 1;
        assert_eq!(ran.code(), 70, "{said}");
        let requests = server.requests();
        assert_eq!(requests.len(), 1, "{said}");
        let told: Value = serde_json::from_str(&place.read("told.json")).unwrap();
        for body in [body_of(&requests[0]), told] {
            assert_eq!(body["exit_code"], 70, "{body}");
            assert_eq!(body["problems"][0]["code"], "internal", "{body}");
            assert_ne!(body["verdict"], "nothing needs attention", "{body}");
            assert!(!body.to_string().contains(KEY), "{body}");
        }
        let metrics = place.read("run.prom");
        assert!(metrics.contains(" 70\n"), "{metrics}");
    }
    assert!(panics > 0, "none of them made it panic");
}

/// The journal that another process holds.
#[test]
fn a_locked_journal_is_posted_too() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--latency-ms", "100"]));
    let (server, origin) = receiver("200 OK");
    place
        .run_to(&sandbox, &["run", "good.csv", "--yes"])
        .expect(0);
    let journal = fs::File::options()
        .write(true)
        .open(place.path("fprecon.journal.lock"))
        .unwrap();
    journal.lock().unwrap();
    let url = format!("{origin}/x");
    run_with(&place, &sandbox, &["run", "good.csv", "--yes"], &url).expect(7);
    assert_eq!(body_of(&server.requests()[0])["exit_code"], 7);
}

#[test]
fn the_address_is_shown_nowhere() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let (_server, origin) = receiver("404 Not Found");
    let url = format!("{origin}/services/{SECRET}?token=xyz");
    let host = format!("`{origin}/…`");
    let shown_host = |ran: &Ran| {
        let said = ran.stdout() + &ran.stderr();
        assert!(!said.contains("SECRET") && !said.contains("xyz"), "{said}");
        said
    };
    let refused = run_with(
        &place,
        &sandbox,
        &["run", "bad.csv", "--yes", "--quiet"],
        &url,
    )
    .expect(1);
    let said = shown_host(&refused);
    let warning = format!("warning: nobody was notified at {host}: it answered 404");
    assert!(said.contains(&warning), "{said}");
    assert!(said.contains("needs attention: 1 row rejected"), "{said}");
    let json = ["run", "bad.csv", "--yes", "--log-format", "json", "--json"];
    let said = shown_host(&run_with(&place, &sandbox, &json, &url).expect(1));
    assert!(said.contains("\"not-notified\""), "{said}");

    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}/{SECRET}", closed.local_addr().unwrap());
    drop(closed);
    let said =
        shown_host(&run_with(&place, &sandbox, &["run", "bad.csv", "--yes"], &nobody).expect(1));
    assert!(said.contains("warning: nobody was notified at"), "{said}");

    let shown = |config: &str, arguments: &[&str], code: i32| {
        place.write("fprecon.toml", config);
        shown_host(&place.run(arguments).expect(code))
    };
    let config = format!(
        "[notify]\nurl = \"https://hooks.example.com/{SECRET}\"\ncommand = [\"curl\", \"https://a.example/{SECRET}\"]\n"
    );
    let said = shown(&config, &["config"], 0);
    assert!(
        said.contains("https://hooks.example.com/…  (fprecon.toml)"),
        "{said}"
    );
    assert!(
        said.contains("[\"curl\", \"https://a.example/…\"]"),
        "{said}"
    );
    shown(&config, &["config", "--json"], 0);
    for wrong in [
        format!("url = [\"https://a.example/{SECRET}\"]"),
        format!("command = \"https://a.example/{SECRET}\""),
        format!("form = \"https://a.example/{SECRET}\""),
        format!("when = \"https://a.example/{SECRET}\""),
        format!("timeout_seconds = \"https://a.example/{SECRET}\""),
        format!("url = \"http://a.example/{SECRET}\""),
        format!("url = \"ftp://a.example/{SECRET}\""),
        format!("url = \"a.example/{SECRET}\""),
    ] {
        shown(&format!("[notify]\n{wrong}\n"), &["config"], 3);
    }
}

#[test]
fn what_is_set_and_notifies_nobody_is_refused() {
    let place = place();
    for (config, said) in [
        (
            "when = \"always\"",
            "`[notify]` has neither `url` nor `command`",
        ),
        (
            "when = \"never\"\nurl = \"https://a.example\"",
            "not a valid value for `when`",
        ),
        (
            "form = \"teams\"\nurl = \"https://a.example\"",
            "not a valid value for `form`",
        ),
        (
            "form = \"healthchecks\"\nurl = \"https://a.example\"",
            "set `when = \"always\"`",
        ),
        ("url = \"http://a.example/x\"", "it is not HTTPS"),
        (
            "timeout_seconds = 0\nurl = \"https://a.example\"",
            "nonzero",
        ),
    ] {
        place.write("fprecon.toml", &format!("[notify]\n{config}\n"));
        let ran = place.run(&["plan", "good.csv"]).expect(3);
        assert!(ran.stderr().contains(said), "{config}: {}", ran.stderr());
    }
}

#[cfg(unix)]
#[test]
fn a_command_gets_the_summary_and_no_secrets() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let script = "#!/bin/sh\ncat > \"$1\"\nenv > variables\necho printed\n";
    place.write("conf/tell.sh", script);
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(place.path("conf/tell.sh"), mode).unwrap();
    place.write(
        "conf/fprecon.toml",
        "[notify]\ncommand = [\"./tell.sh\", \"told.json\"]\n",
    );
    let run = ["run", "bad.csv", "--yes", "--config", "conf/fprecon.toml"];
    let (_server, origin) = receiver("200 OK");
    let url = format!("{origin}/{SECRET}");
    let ran = run_with(&place, &sandbox, &run, &url).expect(1);
    assert!(!(ran.stdout() + &ran.stderr()).contains("printed"));
    let told: Value = serde_json::from_str(&place.read("told.json")).unwrap();
    assert_eq!(told["exit_code"], 1);
    assert_eq!(told["attention"][0]["code"], "rejected");
    assert!(!told.to_string().contains("example.com"), "{told}");
    let variables = place.read("variables");
    assert!(variables.contains("FPRECON_WID=wid-1"), "{variables}");
    assert!(!variables.contains(KEY) && !variables.contains("SECRET"));
}

#[cfg(unix)]
#[test]
fn a_command_that_fails_or_does_not_end_is_a_warning() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    for (words, said) in [
        (
            "[\"sh\", \"-c\", \"echo 'no route to https://a.example/secret' >&2; exit 3\"]",
            "the command `sh` did not notify anybody: it ends with exit status: 3; it says: no route to https://a.example/…",
        ),
        (
            "[\"/no/such/program\"]",
            "the command `/no/such/program` did not notify anybody: it can't be started",
        ),
        ("[\"sleep\", \"600\"]", "it has not ended after 1 seconds"),
    ] {
        place.write(
            "fprecon.toml",
            &format!("[notify]\ntimeout_seconds = 1\ncommand = {words}\n"),
        );
        let ran = place
            .run_to(&sandbox, &["run", "bad.csv", "--yes", "--quiet"])
            .expect(1);
        assert!(ran.stderr().contains(said), "{said}\n{}", ran.stderr());
    }
    place.run(&["journal", "check"]).expect(0);
}

/// An address that takes the request and never answers.
#[test]
fn an_address_that_does_not_answer_holds_nothing_up() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    let server = Server::start(move |_, _| {
        let _ = held.lock().unwrap().recv();
    });
    place.write("fprecon.toml", "[notify]\ntimeout_seconds = 1\n");
    let ran = run_with(
        &place,
        &sandbox,
        &["run", "bad.csv", "--yes"],
        &server.base_url,
    )
    .expect(1);
    let said = "there was no answer within 1 s";
    assert!(ran.stderr().contains(said), "{}", ran.stderr());
    drop(release);
}

// --- the examples of the page ---

/// The configurations of `docs/nightly.md`, with the address of a server of this machine.
fn example(heading: &str, host: &str, origin: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/nightly.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, section) = page.split_once(&format!("\n### {heading}\n")).unwrap();
    let (_, config) = blocks(section)
        .into_iter()
        .find(|(kind, _)| kind == "toml")
        .unwrap();
    let host = format!("https://{host}");
    assert!(host == "https://" || config.contains(&host), "{config}");
    config.replace(&host, origin)
}

#[test]
fn the_example_for_slack_posts_a_message() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let (server, origin) = receiver("200 OK");
    place.write(
        "fprecon.toml",
        &example("Slack", "hooks.slack.com", &origin),
    );
    place
        .run_to(&sandbox, &["run", "good.csv", "--yes"])
        .expect(0);
    assert!(server.requests().is_empty());
    place.write(
        "<a&b>.csv",
        &format!("{HEADER}sale,s2,,ana@example.com,1e3,USD,2026-03-01\n"),
    );
    place
        .run_to(&sandbox, &["run", "<a&b>.csv", "--yes"])
        .expect(1);
    let requests = server.requests();
    let path = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX";
    assert_eq!(path_of(&requests[0]), path);
    let body = body_of(&requests[0]);
    assert_eq!(body.as_object().unwrap().len(), 1, "{body}");
    let text = body["text"].as_str().unwrap();
    assert!(text.starts_with("fprecon run on "), "{text}");
    assert!(
        text.contains(": needs attention: 1 row rejected; report: "),
        "{text}"
    );
    assert!(text.ends_with(" (exit code 1)"), "{text}");
    // A name of a file is not markup.
    fs::remove_file(place.path("<a&b>.csv")).unwrap();
    place
        .run_to(&sandbox, &["run", "<a&b>.csv", "--yes"])
        .expect(3);
    let body = body_of(&server.requests()[1]);
    let text = body["text"].as_str().unwrap();
    assert!(text.contains("the file does not exist"), "{text}");
    assert!(!text.contains('<'), "{text}");
}

#[test]
fn the_example_for_healthchecks_pings_for_every_run() {
    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    let (server, origin) = receiver("200 OK");
    place.write(
        "fprecon.toml",
        &example("healthchecks.io", "hc-ping.com", &origin),
    );
    place
        .run_to(&sandbox, &["run", "good.csv", "--yes"])
        .expect(0);
    place.run_to(&sandbox, &["resume"]).expect(0);
    place
        .run_to(&sandbox, &["run", "bad.csv", "--yes"])
        .expect(1);
    place
        .run_to(&sandbox, &["run", "none.csv", "--yes"])
        .expect(3);
    let requests = server.requests();
    let paths: Vec<&str> = requests.iter().map(|request| path_of(request)).collect();
    let check = "/00000000-0000-0000-0000-000000000000";
    let failed = format!("{check}/fail");
    assert_eq!(paths, [check, check, &failed, &failed]);
    assert_eq!(body_of(&requests[2])["exit_code"], 1);
}

#[cfg(unix)]
#[test]
fn the_example_for_a_command_has_the_keys_that_the_page_shows() {
    use std::os::unix::fs::PermissionsExt;

    let (place, sandbox) = (place(), SandboxProcess::start(&["--lead-share", "100"]));
    place.write("fprecon.toml", &example("Anything else", "", ""));
    place.write("notify.sh", "#!/bin/sh\ncat > $1.json\n");
    let mode = fs::Permissions::from_mode(0o700);
    fs::set_permissions(place.path("notify.sh"), mode).unwrap();
    place
        .run_to(&sandbox, &["run", "bad.csv", "--yes"])
        .expect(1);
    let told: Value = serde_json::from_str(&place.read("billing.json")).unwrap();
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/nightly.md");
    let page = fs::read_to_string(page).unwrap();
    let (_, shown) = blocks(&page)
        .into_iter()
        .find(|(kind, _)| kind == "json")
        .unwrap();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    for key in shown.as_object().unwrap().keys() {
        assert!(!told[key].is_null(), "{key}: {told}");
    }
    assert_eq!(told["version"], shown["version"]);
}
