//! Where reports are written, and that no report is written over another one.

use std::fs;

use crate::support::{Payment, Place, SandboxProcess, stripe_export};
use serde_json::Value;

fn place_with_payments() -> (Place, SandboxProcess) {
    let place = Place::new();
    let payments: Vec<Payment> = (1..=3).map(|n| Payment::paid(n, n)).collect();
    place.write("x.csv", &stripe_export(&payments));
    place.write("y.csv", &stripe_export(&payments[..1]));
    (place, SandboxProcess::start(&["--lead-share", "100"]))
}

fn run(place: &Place, sandbox: &SandboxProcess, arguments: &[&str]) -> Value {
    let arguments = [&["run", "--yes", "--json"], arguments].concat();
    place.run_to(sandbox, &arguments).expect(0).json()
}

fn text<'j>(json: &'j Value, name: &str) -> &'j str {
    json[name].as_str().unwrap()
}

/// Every file of a directory with its content, without what is in folders.
fn files(place: &Place, directory: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(place.path(directory)).unwrap();
    let entries = entries.map(Result::unwrap);
    let entries = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    };
    let mut files: Vec<_> = entries.map(file).collect();
    files.sort();
    files
}

#[test]
fn a_journal_with_a_name_of_its_own_has_a_folder_of_its_own() {
    let (place, sandbox) = place_with_payments();
    let name = |json: &Value| text(json, "run").to_owned();
    let first = run(&place, &sandbox, &["x.csv"]);
    assert_eq!(
        text(&first, "report_dir"),
        format!("reports/{}", name(&first))
    );
    for journal in ["a.journal", "b.journal"] {
        let own = run(&place, &sandbox, &["x.csv", "--journal", journal]);
        let directory = format!("reports/{journal}/{}", name(&own));
        assert_eq!(text(&own, "report_dir"), directory);
        assert!(place.path(&directory).join("report.html").exists());
    }
}

#[test]
fn a_default_directory_with_another_journals_report_is_left_alone() {
    let (place, sandbox) = place_with_payments();
    let first = run(&place, &sandbox, &["x.csv"]);
    let directory = text(&first, "report_dir");
    let summary = format!("{directory}/summary.json");
    let own = place.read(&summary);
    let other = own.replacen(text(&first, "journal_id"), "another", 1);
    assert_ne!(other, own);
    place.write(&summary, &other);
    let before = files(&place, directory);
    let again = place.run(&["report", "--json"]).expect(0).json();
    assert_eq!(text(&again, "report_dir"), format!("{directory}-2"));
    assert_eq!(files(&place, directory), before);
}

#[test]
fn a_directory_that_is_set_gets_the_latest_report_and_keeps_the_earlier_ones_in_folders() {
    let (place, sandbox) = place_with_payments();
    let first = run(&place, &sandbox, &["y.csv", "--dir", "out"]);
    place.write("out/notes.txt", "mine");
    let mut of_first = files(&place, "out");
    of_first.retain(|(name, _)| name != "notes.txt");
    let second = run(&place, &sandbox, &["x.csv", "--dir", "out"]);
    let latest: Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    assert_eq!(latest["run"], second["run"]);
    assert_eq!(place.read("out/notes.txt"), "mine");
    let earlier = format!("out/{}", text(&first, "run"));
    assert_eq!(files(&place, &earlier), of_first);
    // The first report again: its place is taken by now.
    let of_second = files(&place, "out");
    let words = ["report", "--json", "--run", text(&first, "run")];
    let again = place.run(&words).expect(0).json();
    let own = format!("reports/{}", text(&first, "run"));
    assert_eq!(text(&again, "report_dir"), own);
    assert_eq!(files(&place, "out"), of_second);
    // The same report again is written over itself.
    place.run(&["report", "--dir", "out"]).expect(0);
    assert_eq!(files(&place, "out").len(), of_second.len());
    assert_eq!(
        fs::read_dir(place.path("out")).unwrap().count(),
        of_second.len() + 1
    );
}

#[test]
fn a_directory_with_another_journals_report_is_refused_before_anything_is_sent() {
    let (place, sandbox) = place_with_payments();
    run(
        &place,
        &sandbox,
        &["y.csv", "--dir", "out", "--journal", "a.journal"],
    );
    run(&place, &sandbox, &["y.csv"]);
    let (before, sent) = (files(&place, "out"), sandbox.events().len());
    let runs = |place: &Place| place.run(&["status", "--json"]).json()["runs"].clone();
    let runs_before = runs(&place);
    for words in [
        &["run", "x.csv", "--yes", "--dir", "out"][..],
        &["retry", "--failed", "--yes", "--dir", "out"],
        &["report", "--dir", "out"],
    ] {
        let refused = place.run_to(&sandbox, words).expect(2).stderr();
        let message = "error: the folder has a report of another journal\n  setting `--dir`: `out`";
        assert!(refused.contains(message), "{refused}");
    }
    assert_eq!(files(&place, "out"), before);
    assert_eq!(sandbox.events().len(), sent);
    assert_eq!(runs(&place), runs_before);
}

#[test]
fn row_39c_files_of_somebody_with_the_names_of_a_report_are_not_written_over() {
    let (place, sandbox) = place_with_payments();
    run(&place, &sandbox, &["y.csv"]);
    for name in ["report.html", "rejected-3.csv", "summary.json"] {
        let file = format!("{name}-is/{name}");
        place.write(&file, "somebody's");
        let directory = format!("{name}-is");
        let sent = sandbox.events().len();
        for words in [
            &["run", "x.csv", "--yes", "--dir", &directory][..],
            &["retry", "--failed", "--yes", "--dir", &directory],
            &["report", "--dir", &directory],
            &["demo", "--dir", &directory],
        ] {
            let code = if words[0] == "demo" { 3 } else { 2 };
            let refused = place.run_to(&sandbox, words).expect(code).stderr();
            let message = format!("{name}, which is not of a report");
            assert!(refused.contains(&message), "{refused}");
        }
        assert_eq!(sandbox.events().len(), sent);
        assert_eq!(files(&place, &directory).len(), 1);
        assert_eq!(place.read(&file), "somebody's");
    }
    // A report in other formats writes no such file.
    let words = ["report", "--format", "csv", "--dir", "report.html-is"];
    place.run(&words).expect(0);
}

#[test]
fn row_39c_a_file_is_no_directory_for_a_report() {
    let (place, sandbox) = place_with_payments();
    run(&place, &sandbox, &["y.csv"]);
    place.write("notes", "somebody's");
    let sent = sandbox.events().len();
    for words in [
        &["run", "x.csv", "--yes", "--dir", "notes"][..],
        &["report", "--dir", "notes"],
    ] {
        let refused = place.run_to(&sandbox, words).expect(2).stderr();
        assert!(refused.contains("it is not a folder"), "{refused}");
    }
    let refused = place.run(&["man", "--dir", "notes"]).expect(3).stderr();
    assert!(
        refused.contains("manual pages can't be written"),
        "{refused}"
    );
    assert_eq!(sandbox.events().len(), sent);
    assert_eq!(place.read("notes"), "somebody's");
}

#[test]
fn a_demonstration_replaces_only_the_report_of_an_earlier_one() {
    let (place, sandbox) = place_with_payments();
    place.run(&["demo", "--dir", "play"]).expect(0);
    let first = files(&place, "play").len();
    place.run(&["demo", "--dir", "play"]).expect(0);
    assert_eq!(files(&place, "play").len(), first);
    run(&place, &sandbox, &["y.csv", "--dir", "real"]);
    let before = files(&place, "real");
    place.run(&["demo", "--dir", "real"]).expect(3);
    assert_eq!(files(&place, "real"), before);
}

#[test]
fn a_report_without_a_summary_is_not_written_over_either() {
    let (place, sandbox) = place_with_payments();
    let first = run(&place, &sandbox, &["y.csv"]);
    run(&place, &sandbox, &["x.csv"]);
    let csv = ["report", "--format", "csv", "--dir", "out"];
    let of_first = [&csv[..], &["--run", text(&first, "run")]].concat();
    place.run(&of_first).expect(0);
    let before = files(&place, "out");
    place.run(&csv).expect(0);
    let earlier = format!("out/{}", text(&first, "run"));
    assert_eq!(files(&place, &earlier), before);
    let other = [
        "run",
        "y.csv",
        "--yes",
        "--journal",
        "b.journal",
        "--dir",
        "out",
    ];
    place.run_to(&sandbox, &other).expect(2);
}
