//! Listings are read to their ends, whatever comes between.

use std::process::{Command, Stdio};

use serde_json::json;

use super::world::{Way, World, large, pages_asked_for};
use crate::support::{KEY, Ran};

#[test]
fn fetching_goes_on_where_the_api_failed() {
    let world = large();
    world.sandbox.fault(
        &json!({"action": "status", "status": 503, "kind": "listing",
        "skip": 2, "times": 1000}),
    );
    let failed = world.audit(Way::V1, &[]).expect(5);
    let problem = &failed.json()["problems"][0];
    assert_eq!(problem["code"], "listing-unreadable");
    assert!(
        problem["hint"].as_str().unwrap().contains("goes on"),
        "{problem}"
    );
    assert!(!world.place.path("audit/2026").exists());

    world.sandbox.forget_faults();
    let before = pages_asked_for(&world.sandbox).len();
    let audit = world.audit(Way::V1, &[]).expect(0).json();
    assert_eq!(audit["theirs"]["commissions"], 120);
    let asked = pages_asked_for(&world.sandbox).split_off(before);
    assert_eq!(
        asked,
        ["1", "3", "1"],
        "page 1 shows whether the list has changed"
    );
    // What was fetched is enough for another audit without a single request.
    let again = world.place.run(&["audit", "--json"]).expect(0).json();
    assert_eq!(again["theirs"]["source"], "kept");
    assert_eq!(again["totals"], audit["totals"]);
}

#[test]
fn fetching_goes_on_after_a_kill() {
    let world = large();
    world
        .sandbox
        .fault(&json!({"action": "drop", "kind": "listing", "skip": 2, "times": 1}));
    let arguments = ["audit", "--live", "--json"];
    let mut child = world
        .place
        .command_to(&world.sandbox, &arguments)
        .spawn()
        .unwrap();
    world.wait_for_pages(3);
    child.kill().unwrap();
    child.wait().unwrap();
    // A line that was being written when it was killed.
    let part = world.place.path("audit/listings/.commissions.part");
    let mut text = std::fs::read_to_string(&part).unwrap();
    text.push_str("{\"id\":\"1\",\"stat");
    std::fs::write(&part, text).unwrap();

    let before = pages_asked_for(&world.sandbox).len();
    let audit = world.audit(Way::V1, &[]).expect(0).json();
    assert_eq!(audit["theirs"]["commissions"], 120);
    let asked = pages_asked_for(&world.sandbox).split_off(before);
    assert_eq!(asked, ["1", "3", "1"]);
}

#[test]
fn a_list_that_changes_while_it_is_read_is_read_anew() {
    let world = large();
    world.sandbox.fault(
        &json!({"action": "delay", "delay_ms": 1500, "kind": "listing",
        "skip": 2, "times": 1}),
    );
    let arguments = ["audit", "--live", "--json"];
    let child = world
        .place
        .command_to(&world.sandbox, &arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    world.wait_for_pages(3);
    world.plant(&json!({"action": "delete", "of": "in_0001"}));
    let audit = Ran(child.wait_with_output().unwrap()).expect(1).json();
    assert_eq!(audit["theirs"]["commissions"], 119);
    assert_eq!(audit["findings"][0]["kind"], "sale_without_commission");
}

#[test]
fn the_key_is_refused_and_nothing_is_kept() {
    let world = World::new();
    world.sandbox.fault(
        &json!({"action": "status", "status": 401, "kind": "listing",
        "body": "\"Bad credentials\"", "times": 1}),
    );
    let refused = world.audit(Way::V1, &[]).expect(4);
    assert!(!refused.stdout().contains(KEY) && !refused.stderr().contains(KEY));
    let nothing = world.place.run(&["audit"]).expect(3).stderr();
    assert!(nothing.contains("audit --live"), "{nothing}");
}

/// Signals an audit whose third page does not come; the same command then goes on behind the second.
fn interrupted(signal: &str, code: i32) {
    let world = large();
    world.sandbox.fault(
        &json!({"action": "delay", "delay_ms": 4000, "kind": "listing",
        "skip": 2, "times": 1}),
    );
    let child = world
        .place
        .command_to(&world.sandbox, &["audit", "--live", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    world.wait_for_pages(3);
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
    assert!(sent.success());
    let said = Ran(child.wait_with_output().unwrap()).expect(code).json();
    assert_eq!(said["problems"][0]["code"], "interrupted", "{said:#}");
    let hint = said["problems"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("the same command goes on"), "{hint}");

    let before = pages_asked_for(&world.sandbox).len();
    let audit = world.audit(Way::V1, &[]).expect(0).json();
    assert_eq!(audit["theirs"]["commissions"], 120);
    let asked = pages_asked_for(&world.sandbox).split_off(before);
    assert_eq!(asked.first().map(String::as_str), Some("1"));
    assert!(!asked.contains(&"2".to_owned()), "{asked:?}");
}

#[test]
fn sigint_ends_with_130_and_the_same_command_goes_on() {
    interrupted("-INT", 130);
}

#[test]
fn sigterm_ends_with_143_and_the_same_command_goes_on() {
    interrupted("-TERM", 143);
}

/// A disk of its own at a folder, which goes away with this.
#[cfg(target_os = "linux")]
struct SmallDisk(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl SmallDisk {
    fn mount(at: std::path::PathBuf, options: &str) -> bool {
        let mut mount = Command::new("mount");
        let mount = mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(&at);
        let mounted = mount.stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success())
    }
}

#[cfg(target_os = "linux")]
impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_disk_that_fills_up_while_the_listing_is_kept_loses_no_page() {
    let world = large();
    let listings = world.place.path("audit/listings");
    std::fs::create_dir_all(&listings).unwrap();
    if !SmallDisk::mount(listings.clone(), "size=28k,mode=700") {
        eprintln!("skipped: mounting a small disk is not permitted");
        return;
    }
    let disk = SmallDisk(listings);
    let said = world.audit(Way::V1, &[]).expect(5).json();
    let problem = &said["problems"][0];
    assert_eq!(problem["code"], "listing-not-kept", "{said:#}");
    let hint = problem["hint"].as_str().unwrap();
    assert!(hint.contains("make room"), "{hint}");
    let left: Vec<_> = std::fs::read_dir(&disk.0).unwrap().collect();
    assert!(
        left.iter().all(|file| file
            .as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.')),
        "nothing that is not whole looks like a listing: {left:?}"
    );

    let grown = Command::new("mount")
        .args(["-o", "remount,size=4m"])
        .arg(&disk.0)
        .status();
    assert!(grown.unwrap().success());
    let audit = world.audit(Way::V1, &[]).expect(0).json();
    assert_eq!(audit["theirs"]["commissions"], 120);
    assert_eq!(audit["findings"], json!([]));
}
