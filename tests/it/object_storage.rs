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
