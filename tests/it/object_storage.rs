//! Exports in object storage, served by a server of S3 that is not ours.

use std::process::Command;

use crate::support::s3_server::S3Server;
use crate::support::{KEY, Payment, Place, Ran, SandboxProcess, stripe_export};
use serde_json::Value;

fn payments(numbers: std::ops::Range<u32>) -> String {
    stripe_export(&numbers.map(|n| Payment::paid(n, n)).collect::<Vec<_>>())
}

/// A bucket with two exports in a folder, and what else lies there.
fn bucket() -> Option<(Place, S3Server)> {
    let files = Place::new();
    files
        .write("nightly/one.csv", &payments(1..4))
        .write("nightly/two.csv", &payments(4..6))
        .write("nightly/notes.md", "no export")
        .write("nightly/three.csv.part", "id")
        .write("nightly/.hidden.csv", "id")
        .write("nightly/old/zero.csv", &payments(9..10))
        .write("single.csv", &payments(1..3));
    let server = S3Server::start(files.root())?;
    Some((files, server))
}

fn with_bucket(mut command: Command, server: &S3Server) -> Ran {
    Ran(command.envs(server.environment()).output().unwrap())
}

fn paths(json: &Value) -> Vec<&str> {
    let inputs = json["inputs"].as_array().unwrap().iter();
    inputs
        .map(|input| input["path"].as_str().unwrap())
        .collect()
}

#[test]
fn an_object_a_folder_and_a_pattern_are_read_as_files_are() {
    let Some((files, server)) = bucket() else {
        return;
    };
    let place = Place::new();
    let plan = |export: &str| {
        let command = place.command(&["plan", "--json", export]);
        with_bucket(command, &server).expect(0).json()
    };
    let (object, folder) = (
        plan("s3://billing/single.csv"),
        plan("s3://billing/nightly/"),
    );
    let pattern = plan("s3://billing/nightly/o*.csv");
    assert_eq!(paths(&object), ["s3://billing/single.csv"]);
    let of_folder = [
        "s3://billing/nightly/one.csv",
        "s3://billing/nightly/two.csv",
    ];
    assert_eq!(paths(&folder), of_folder);
    assert_eq!(paths(&pattern), of_folder[..1]);

    let file = files.path("single.csv");
    let of_file = place
        .run(&["plan", "--json", file.to_str().unwrap()])
        .expect(0)
        .json();
    assert_eq!(object["events"], of_file["events"]);
    assert_eq!(
        object["inputs"][0]["sha256"],
        of_file["inputs"][0]["sha256"]
    );
    assert_eq!(folder["events"]["by_kind"]["sale"]["count"], 5);
    let skipped = folder["problems"][0]["message"].as_str().unwrap();
    for name in [
        "`notes.md`",
        "`three.csv.part` (still being written)",
        "`old` (a folder)",
    ] {
        assert!(skipped.contains(name), "{skipped}");
    }
    assert!(!skipped.contains("hidden"), "{skipped}");
}

#[test]
fn what_was_sent_from_an_object_is_not_sent_again() {
    let Some((_files, server)) = bucket() else {
        return;
    };
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let run = ["run", "s3://billing/nightly/", "--yes"];
    with_bucket(place.command_to(&sandbox, &run), &server).expect(0);
    assert_eq!(sandbox.events().len(), 5);
    with_bucket(place.command_to(&sandbox, &run), &server).expect(0);
    assert_eq!(sandbox.events().len(), 5);
    let explained = place
        .run(&["explain", "s3://billing/nightly/one.csv:2"])
        .expect(0)
        .stdout();
    assert!(
        explained.contains("s3://billing/nightly/one.csv:2"),
        "{explained}"
    );
}

#[test]
fn what_can_not_be_read_is_refused_with_what_to_do() {
    let Some((_files, server)) = bucket() else {
        return;
    };
    let place = Place::new();
    for (export, message, hint) in [
        (
            "s3://billing/none.csv",
            "there is no such object or bucket",
            "check the address",
        ),
        (
            "s3://nobody/nightly/",
            "there is no such object or bucket",
            "check the address",
        ),
        (
            "s3://billing/empty/",
            "no export is in this folder",
            "check the folder",
        ),
        (
            "s3://billing/nightly/*.gz",
            "no object matches this pattern",
            "check the bucket",
        ),
        (
            "s3:///single.csv",
            "the address names no bucket",
            "s3://BUCKET/KEY",
        ),
    ] {
        let command = place.command_at("http://127.0.0.1:9", &["run", export, "--yes"]);
        let said = with_bucket(command, &server).expect(3).stderr();
        assert!(
            said.contains(message) && said.contains(hint),
            "{export}: {said}"
        );
        assert!(said.contains(export.trim_end_matches("*.gz")), "{said}");
        assert!(!said.contains("secret") && !said.contains(KEY), "{said}");
    }
}

/// Returns the names of the files below a folder of what a bucket holds.
fn names(server: &mut S3Server, below: &str) -> Vec<String> {
    let place = Place::new();
    server.write_to(place.root());
    let mut names = Vec::new();
    let mut folders = vec![place.path(below)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(place.path(below)).unwrap();
                names.push(name.to_str().unwrap().to_owned());
            }
        }
    }
    names.sort();
    names
}

#[test]
fn reports_are_written_as_objects_and_an_earlier_one_is_moved_aside() {
    let Some((_files, mut server)) = bucket() else {
        return;
    };
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let dir = ["--dir", "s3://billing/reports", "--yes"];
    let run = |export: &str, server: &S3Server| {
        let arguments = [&["run", export, "--json"][..], &dir].concat();
        let ran = with_bucket(place.command_to(&sandbox, &arguments), server);
        ran.expect(0).json()["run"].as_str().unwrap().to_owned()
    };
    let first = run("s3://billing/single.csv", &server);
    // Where the report went is where it is made again.
    with_bucket(place.command(&["report"]), &server).expect(0);
    assert!(!place.path("s3:").exists());
    let in_bucket = names(&mut server, "reports");
    let local = place.path("local");
    place
        .run(&["report", "--dir", local.to_str().unwrap()])
        .expect(0);
    let mut of_disk: Vec<String> = std::fs::read_dir(&local)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    of_disk.sort();
    assert_eq!(in_bucket, of_disk);

    run("s3://billing/nightly/one.csv", &server);
    let all = names(&mut server, "reports");
    for name in &of_disk {
        let aside = format!("{first}/{name}");
        assert!(all.contains(name) && all.contains(&aside), "{all:?}");
    }
    assert_eq!(all.len(), 2 * of_disk.len());

    let fetched = Place::new();
    server.write_to(fetched.root());
    let tracked = std::fs::read_to_string(fetched.path(&format!("reports/{first}/tracked.csv")));
    let on_disk = std::fs::read_to_string(local.join("tracked.csv"));
    assert_eq!(tracked.unwrap(), on_disk.unwrap());
}

#[test]
fn a_report_that_can_not_be_an_object_stops_nothing_that_was_sent_and_is_refused_before() {
    let Some((_files, mut server)) = bucket() else {
        return;
    };
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    for (dir, message) in [
        ("s3://nobody/reports/", "there is no such object or bucket"),
        ("s3:///reports/", "the address names no bucket"),
    ] {
        let run = ["run", "s3://billing/single.csv", "--yes", "--dir", dir];
        let said = with_bucket(place.command_to(&sandbox, &run), &server)
            .expect(3)
            .stderr();
        assert!(
            said.contains(message) && said.contains("nothing was sent"),
            "{said}"
        );
    }
    // Nothing but exports and reports is in a bucket.
    let export = "s3://billing/single.csv";
    for (arguments, code, message) in [
        (
            &["run", export, "--yes", "--journal", "s3://billing/j"][..],
            6,
            "an address",
        ),
        (
            &["plan", export, "--journal", "s3://billing/j"][..],
            6,
            "an address",
        ),
        (
            &["plan", export, "--events", "s3://billing/e.csv"][..],
            2,
            "only reports",
        ),
        (
            &["demo", "--dir", "s3://billing/d"][..],
            3,
            "a journal can't be",
        ),
    ] {
        let said = with_bucket(place.command_to(&sandbox, arguments), &server).expect(code);
        assert!(said.stderr().contains(message), "{}", said.stderr());
        assert!(!place.path("s3:").exists());
    }
    // The report would replace the export.
    let rejected = "s3://billing/reports/rejected.csv";
    let run = ["run", rejected, "--yes", "--dir", "s3://billing/reports/"];
    let said = with_bucket(place.command_to(&sandbox, &run), &server).expect_code_one_of(&[2, 3]);
    assert!(said.stderr().contains(rejected), "{}", said.stderr());
    // Another journal's report is left alone.
    let other = Place::new();
    let run = [
        "run",
        "s3://billing/single.csv",
        "--yes",
        "--dir",
        "s3://billing/theirs/",
    ];
    with_bucket(other.command_to(&sandbox, &run), &server).expect(0);
    let before = names(&mut server, "theirs");
    let said = with_bucket(place.command_to(&sandbox, &run), &server)
        .expect(2)
        .stderr();
    assert!(said.contains("a report of another journal"), "{said}");
    assert_eq!(names(&mut server, "theirs"), before);
    assert!(!place.path("fprecon.journal").exists() || sandbox.events().len() == 2);
}
