//! What `doctor` checks, and that it sends no event.

use std::fs;
use std::net::TcpListener;

use serde_json::Value;

use crate::support::{KEY, Place, Ran, SandboxProcess, Server, respond};

const EXPORT: &str =
    "kind,event_id,email,amount,currency,created_at\nsale,s1,ana@example.com,8.00,USD,2026-03-02\n";

/// The results of a check: `state message`, and the hint behind it.
fn of(json: &Value, check: &str) -> Vec<String> {
    let results = json["checks"].as_array().unwrap().iter();
    let own = results.filter(|result| result["check"] == check);
    let words = own.map(|result| {
        let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
        format!("{} {} {}", text("state"), text("message"), text("hint"))
    });
    words.collect()
}

#[track_caller]
fn expect(json: &Value, check: &str, start: &str) -> String {
    let results = of(json, check);
    let found = results.iter().find(|result| result.starts_with(start));
    found
        .unwrap_or_else(|| panic!("{check} is not `{start}`: {results:?}"))
        .clone()
}

fn doctor_to(place: &Place, sandbox: &SandboxProcess) -> Ran {
    let ran = place.run_to(sandbox, &["doctor", "--json"]);
    assert!(!ran.stdout().contains(KEY) && !ran.stderr().contains(KEY));
    ran
}

#[test]
fn all_is_well_and_nothing_is_sent_or_written() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    let well = doctor_to(&place, &sandbox).expect(0).json();
    assert_eq!(well["schema"], 1);
    assert_eq!(well["exit_code"], 0);
    for check in [
        "configuration",
        "key",
        "limits",
        "folders",
        "journal",
        "api",
        "notification",
        "clock",
    ] {
        expect(&well, check, "ok ");
    }
    let api = expect(&well, "api", "ok ");
    assert!(api.contains("takes the key for reading leads"), "{api}");
    assert!(
        api.contains("whether `wid` is the account's, was not checked"),
        "{api}"
    );
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 0);

    let arguments = ["doctor", "--json"];
    let v2 = place.run_to_v2(&sandbox, &arguments).expect(0).json();
    expect(&v2, "api", "ok ");

    let arrivals = sandbox.arrivals();
    let paths = arrivals.iter().map(|arrival| {
        let text = |name: &str| arrival[name].as_str().unwrap().to_owned();
        (text("method"), text("path"))
    });
    let get = |path: &str| ("GET".to_owned(), path.to_owned());
    assert_eq!(
        paths.collect::<Vec<_>>(),
        [get("/api/v1/leads/list"), get("/api/v2/company/referrals")]
    );
    assert!(sandbox.events().is_empty());
    assert_eq!(
        place
            .run_to(&sandbox, &["doctor", "--quiet"])
            .expect(0)
            .stderr(),
        ""
    );
}

#[test]
fn everything_that_is_missing_is_said_at_once() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[currencies]\nforeign = \"convert\"\nrates = \"no.csv\"\n[link]\nresolutions = \"no2.csv\"\n[audit]\nzone = \"Mars\"\n",
    );
    let mut command = place.command_at("http://127.0.0.1:1/api/v1", &["doctor", "--json"]);
    command
        .env_remove("FPRECON_WID")
        .env_remove("FPRECON_API_KEY");
    let missing = Ran(command.output().unwrap()).expect(3).json();
    let configuration = of(&missing, "configuration").join("\n");
    for what in ["`wid`", "no.csv", "no2.csv", "Mars"] {
        assert!(configuration.contains(what), "{what}: {configuration}");
    }
    expect(&missing, "key", "failed there is no API key");
    expect(
        &missing,
        "api",
        "failed http://127.0.0.1:1/api/v1 cannot be reached",
    );
    expect(&missing, "journal", "ok ");

    place.write("fprecon.toml", "[send]\nrequests = 3\n");
    let broken = place.run(&["doctor", "--json"]).expect(3).json();
    expect(&broken, "configuration", "failed fprecon.toml:2: ");
    for check in ["key", "limits", "folders", "journal", "api"] {
        expect(&broken, check, "not_checked ");
    }
    let mut quiet = place.command(&["doctor", "--quiet"]);
    let quiet = Ran(quiet.env("FPRECON_WIDD", "x").output().unwrap()).expect(3);
    assert_eq!(quiet.stderr().lines().count(), 1, "{}", quiet.stderr());
}

#[test]
fn a_key_that_is_refused_is_not_taken_for_good() {
    let place = Place::new();
    place.write("other-key", "another-key-of-an-account\n");
    let file = place.path("other-key").display().to_string();
    let sandbox = SandboxProcess::start(&["--require-key", &file]);
    let refused = doctor_to(&place, &sandbox).expect(3).json();
    let api = expect(&refused, "api", "failed ");
    assert!(api.contains("refuses the key (401)"), "{api}");
    expect(&refused, "key", "ok read from FPRECON_API_KEY");
    // A run would send the first event, and be refused.
    place.write("x.csv", EXPORT);
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(4);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_read_is_a_warning_with_its_command() {
    use std::os::unix::fs::PermissionsExt;

    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    place.write("key", KEY);
    let mode =
        |mode| fs::set_permissions(place.path("key"), fs::Permissions::from_mode(mode)).unwrap();
    let doctor = || {
        let mut command = place.command_to(&sandbox, &["doctor", "--json"]);
        command
            .env_remove("FPRECON_API_KEY")
            .env("FPRECON_API_KEY_FILE", "key");
        Ran(command.output().unwrap())
    };
    mode(0o644);
    let warned = doctor().expect(1).json();
    let warning = expect(&warned, "key", "warning ");
    assert!(warning.contains("chmod 600 key"), "{warning}");
    mode(0o600);
    expect(&doctor().expect(0).json(), "key", "ok read from key");
    fs::remove_file(place.path("key")).unwrap();
    expect(&doctor().expect(3).json(), "key", "failed key: ");
}

#[test]
fn an_answer_that_says_nothing_of_the_key_is_not_more_than_a_warning() {
    for (status, body, said) in [
        (
            "503 Service Unavailable",
            "<html>sorry</html>",
            "answered with 503",
        ),
        ("200 OK", "<html>welcome</html>", "answered with 200"),
        (
            "404 Not Found",
            "{\"message\":\"nothing here\"}",
            "answered with 404",
        ),
        ("403 Forbidden", "no", "answered with 403"),
        ("302 Found", "", "answered with 302"),
    ] {
        let place = Place::new();
        let server = Server::start(move |_, stream| respond(stream, status, "", body.as_bytes()));
        let mut command = place.command_at(&server.base_url, &["doctor", "--json"]);
        let warned = Ran(command.output().unwrap()).expect(1).json();
        let api = expect(&warned, "api", "warning ");
        assert!(
            api.contains(said) && api.contains("the key was not checked"),
            "{api}"
        );
        let requests = server.requests();
        assert_eq!(requests.len(), 1);
        assert!(
            requests[0].starts_with("GET /api/v1/leads/list?page=1 "),
            "{requests:?}"
        );
    }
}

#[test]
fn a_server_that_repeats_the_key_does_not_get_it_printed() {
    let place = Place::new();
    let server = Server::start(|request, stream| {
        respond(stream, "401 Unauthorized", "", request.as_bytes());
    });
    let mut command = place.command_at(&server.base_url, &["doctor", "--json"]);
    let refused = Ran(command.output().unwrap()).expect(3);
    assert!(server.requests()[0].contains(KEY));
    assert!(!refused.stdout().contains(KEY), "{}", refused.stdout());
}

#[test]
fn a_clock_that_differs_from_the_servers_is_a_warning() {
    let place = Place::new();
    let server = Server::start(|_, stream| {
        let date = "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n";
        respond(stream, "200 OK", date, b"[]");
    });
    let mut command = place.command_at(&server.base_url, &["doctor", "--json"]);
    let warned = Ran(command.output().unwrap()).expect(1).json();
    let clock = expect(&warned, "clock", "warning ");
    assert!(clock.contains("ahead of the server's clock"), "{clock}");
}

#[test]
fn the_journal_is_checked_as_by_journal_check() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    place.write("x.csv", EXPORT);
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    let sound = doctor_to(&place, &sandbox).expect(0).json();
    let journal = expect(&sound, "journal", "ok ");
    assert!(
        journal.contains("sound") && journal.contains("1 event,"),
        "{journal}"
    );

    let mut other = place.command_to(&sandbox, &["doctor", "--json"]);
    other.env("FPRECON_WID", "wid-2");
    let other = Ran(other.output().unwrap()).expect(3).json();
    let clash = expect(&other, "journal", "failed ");
    assert!(
        clash.contains("wid-1") && clash.contains("wid-2"),
        "{clash}"
    );

    let path = place.path("fprecon.journal");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(2).rposition(|pair| pair == b"s1").unwrap();
    bytes[at] = b'x';
    fs::write(&path, bytes).unwrap();
    let damaged = doctor_to(&place, &sandbox).expect(3).json();
    expect(&damaged, "journal", "failed ");
    place.run(&["journal", "check"]).expect(6);
}

#[test]
fn a_journal_that_lost_commits_is_refused_as_a_run_would() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    place.write("x.csv", EXPORT);
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    fs::remove_file(place.path("fprecon.journal.commits")).unwrap();
    let lost = doctor_to(&place, &sandbox).expect(3).json();
    let journal = expect(&lost, "journal", "failed ");
    assert!(journal.contains("journal recover"), "{journal}");
}

#[test]
fn a_run_that_goes_on_is_named_and_is_no_failure() {
    let place = Place::new();
    place.write("x.csv", EXPORT);
    // Sends no answer to the event, and an empty list of leads.
    let server = Server::start(|request, stream| {
        if request.starts_with("GET ") {
            respond(stream, "200 OK", "", b"[]");
        } else {
            let _ = std::io::Read::read(stream, &mut [0]);
        }
    });
    let mut run = place.command_at(&server.base_url, &["run", "x.csv", "--yes", "--quiet"]);
    let mut run = run.spawn().unwrap();
    while server.requests().is_empty() {
        assert!(run.try_wait().unwrap().is_none(), "the run has ended");
        std::thread::yield_now();
    }
    let doctor = || {
        let mut command = place.command_at(&server.base_url, &["doctor", "--json"]);
        Ran(command.output().unwrap())
    };
    let during = doctor().expect(0).json();
    let journal = of(&during, "journal").join("\n");
    assert!(
        journal.contains("in use by `fprecon run`, process"),
        "{journal}"
    );
    let life = || {
        let explained = place.run(&["explain", "s1", "--json"]).expect(0).json();
        explained["events"][0].clone()
    };
    assert_eq!(life()["is_being_sent"], true);
    assert_eq!(life()["attention"], Value::Null);
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(life()["is_being_sent"], false);
    assert_eq!(life()["attention"]["code"], "not_sent");
    // The name that a killed process leaves holds nothing.
    let after = doctor().expect(1).json();
    let journal = of(&after, "journal").join("\n");
    assert!(!journal.contains("in use"), "{journal}");
    assert!(
        journal.contains("1 run left unfinished") && journal.contains("`fprecon resume`"),
        "{journal}"
    );
}

#[test]
fn folders_that_are_not_there_are_said_together() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    let mut command =
        place.command_to(&sandbox, &["doctor", "--json", "--journal", "no/x.journal"]);
    command.env("TMPDIR", place.path("nowhere"));
    let missing = Ran(command.output().unwrap()).expect(3).json();
    let folders = of(&missing, "folders").join("\n");
    for what in [
        "failed the folder for the journal is not there: no ",
        "nowhere",
    ] {
        assert!(folders.contains(what), "{what}: {folders}");
    }
}

#[test]
fn limits_that_contradict_each_other_are_warnings() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    place.write(
        "fprecon.toml",
        "[send]\nread_timeout_seconds = 90\ngive_up_after_seconds = 30\n",
    );
    let warned = doctor_to(&place, &sandbox).expect(1).json();
    let limits = of(&warned, "limits").join("\n");
    for what in [
        "`read_timeout_seconds` (90 s)",
        "`give_up_after_seconds` (30 s)",
    ] {
        assert!(limits.contains(what), "{what}: {limits}");
    }
    // Followed as it says.
    place.write(
        "fprecon.toml",
        "[send]\nread_timeout_seconds = 45\ngive_up_after_seconds = 46\n",
    );
    doctor_to(&place, &sandbox).expect(0);
}

#[test]
fn an_address_without_a_server_is_a_failure_and_the_rest_is_checked() {
    let place = Place::new();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let base_url = format!("http://127.0.0.1:{port}/api/v1");
    let mut command = place.command_at(&base_url, &["doctor"]);
    let failed = Ran(command.output().unwrap()).expect(3).stdout();
    assert!(
        failed.contains("failed      api           http://127.0.0.1"),
        "{failed}"
    );
    assert!(
        failed.contains("A run would fail: 1 problem. No event was sent."),
        "{failed}"
    );
    assert!(
        failed.contains("not compared with a server's clock"),
        "{failed}"
    );
    let sandbox = place
        .run(&["doctor", "--sandbox", "--json"])
        .expect(0)
        .json();
    expect(&sandbox, "api", "ok the built-in sandbox");
}

#[test]
fn a_rate_above_the_documented_limit_warns_in_plan_run_and_doctor() {
    let place = Place::new();
    place.write("x.csv", EXPORT);
    let settings = |rate: u32| format!("[send]\nrequests_per_minute = {rate}\n");
    place.write("fprecon.toml", &settings(401));
    let warned = |ran: &Ran| ran.stderr().contains("`requests_per_minute` is 401");
    let plan = place.run(&["plan", "x.csv", "--json"]).expect(0);
    assert!(warned(&plan));
    assert_eq!(plan.json()["problems"][0]["code"], "rate-above-limit");
    let doctor = place.run(&["doctor", "--json"]).json();
    expect(&doctor, "limits", "warning `requests_per_minute` is 401");
    // A run that has no key ends before it could send anything, and says it all the same.
    let run = place.run(&["run", "x.csv", "--yes"]).expect(3);
    assert!(warned(&run), "{}", run.stderr());
    assert!(!warned(&place.run(&["plan", "x.csv", "--quiet"]).expect(0)));
    let sandbox = place.run(&["plan", "x.csv", "--sandbox"]).expect(0);
    assert!(!warned(&sandbox));

    place.write("fprecon.toml", &settings(400));
    let plan = place.run(&["plan", "x.csv"]).expect(0);
    assert_eq!(plan.stderr(), "");
}

#[test]
fn a_plan_says_what_a_run_would_refuse() {
    let place = Place::new();
    place.write("x.csv", EXPORT);
    let plan = |arguments: &[&str]| {
        let all: Vec<&str> = ["plan", "x.csv"].iter().chain(arguments).copied().collect();
        place.run(&all)
    };
    let refusals = |ran: Ran| {
        let json = ran.expect(0).json();
        let refusals = json["run_refusals"].as_array().unwrap().clone();
        let words = refusals.iter().map(|it| it["message"].as_str().unwrap());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    // The plan is there without a key, and a run says the same.
    let said = plan(&["--journal", "new.journal"]).expect(0).stdout();
    assert!(said.contains("The books balance."), "{said}");
    let (_, refused) = said.split_once("A run would refuse to send:\n").unwrap();
    assert!(refused.ends_with("What to do: fprecon doctor --journal new.journal\n"));
    let run = place.run(&["run", "x.csv", "--yes"]).expect(3).stderr();
    for what in [
        "`wid` (the integration id) is not set",
        "there is no API key",
    ] {
        assert!(
            refused.contains(what) && run.contains(what),
            "{refused}{run}"
        );
    }
    assert_eq!(refusals(plan(&["--json"])).len(), 2);
    assert_eq!(refusals(plan(&["--json", "--sandbox"])), [""; 0]);

    // A command for the key is not run: it may ask for a password.
    let wid = "[api]\nwid = \"wid-1\"\n";
    place.write(
        "fprecon.toml",
        &format!("{wid}key_command = [\"touch\", \"ran\"]\n"),
    );
    assert_eq!(refusals(plan(&["--json"])), [""; 0]);
    assert!(!place.path("ran").exists());

    // A journal of another account.
    let sandbox = SandboxProcess::start(&[]);
    place.write("fprecon.toml", "");
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    let known = place.run_to(&sandbox, &["plan", "x.csv", "--json"]);
    assert_eq!(refusals(known), [""; 0]);
    let mut other = place.command_to(&sandbox, &["plan", "x.csv", "--json"]);
    let other = Ran(other.env("FPRECON_WID", "wid-2").output().unwrap());
    let other = refusals(other);
    assert!(other.len() == 1 && other[0].contains("wid-1"), "{other:?}");

    // A folder that is not there.
    let nowhere = [
        "plan",
        "x.csv",
        "--json",
        "--journal",
        "nowhere/new.journal",
    ];
    let nowhere = refusals(place.run_to(&sandbox, &nowhere));
    assert!(nowhere[0].contains("nowhere"), "{nowhere:?}");
}

#[test]
fn a_notification_that_nobody_would_get_is_a_warning_and_nothing_is_posted() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = format!(
        "http://{}/hooks/secret?token=secret",
        listener.local_addr().unwrap()
    );
    drop(listener);
    let set = format!(
        "[notify]\ncommand = [\"no-such-program\", \"--token=secret\"]\nurl = \"{closed}\"\n[metrics]\nfile = \"gone/m.prom\"\n"
    );
    place.write("fprecon.toml", &set);
    let ran = doctor_to(&place, &sandbox).expect(1);
    assert!(!ran.stdout().contains("secret"), "{}", ran.stdout());
    let found = of(&ran.json(), "notification");
    assert_eq!(found.len(), 3, "{found:?}");
    for (line, said) in found
        .iter()
        .zip(["`no-such-program`", "can't be reached", "m.prom"])
    {
        assert!(
            line.starts_with("warning ") && line.contains(said),
            "{line}"
        );
    }

    let server = Server::start(|_, stream| respond(stream, "405 Method Not Allowed", "", b""));
    let set = format!(
        "[notify]\ncommand = [\"sh\", \"-c\", \"exit 1\"]\nurl = \"{}/secret?token=secret\"\n[metrics]\nfile = \"m.prom\"\n",
        server.base_url
    );
    place.write("fprecon.toml", &set);
    let well = doctor_to(&place, &sandbox).expect(0).json();
    let found = of(&well, "notification");
    assert!(
        found.len() == 3 && found.iter().all(|line| line.starts_with("ok ")),
        "{found:?}"
    );
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with("HEAD / "), "{requests:?}");
    assert!(!requests[0].contains("secret"), "{requests:?}");
    assert!(!place.path("m.prom").exists());
}
