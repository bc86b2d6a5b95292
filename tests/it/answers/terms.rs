//! Promoters and plans that differ from what an earlier night sent.

use super::{outcome, run, strangers};
use crate::support::{Place, SandboxProcess};

const LEADS: &str = "email,uid,ref_id,created_at\n";
const SALES: &str = "event_id,email,amount,currency,created_at,plan\n";

/// Returns the command in backquotes behind these words of a message.
fn quoted<'s>(said: &'s str, behind: &str) -> &'s str {
    let (_, rest) = said.split_once(behind).expect(behind);
    rest.split('`').nth(1).unwrap()
}

/// Runs a printed command, such as `fprecon accept …`.
fn follow(place: &Place, command: &str) {
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    place.run(&words).expect(0);
}

#[test]
fn a_sign_up_with_another_promoter_is_a_conflict_on_any_night() {
    let place = Place::new();
    let sandbox = strangers(&place);
    place.write(
        "one.csv",
        &format!("{LEADS}n@example.com,,nora,2026-03-01\n"),
    );
    place.write(
        "two.csv",
        &format!("{LEADS}n@example.com,,bob,2026-03-01\n"),
    );
    place.run_to(&sandbox, &run("one.csv")).expect(0);
    let ran = place
        .run_to(&sandbox, &["run", "two.csv", "--yes"])
        .expect(1);
    let said = ran.stderr();
    assert!(
        said.contains("an earlier run sent an event with this id (tracked) and with another promoter: `bob` here, `nora` there\n  hint: if what was sent is right, accept it after the run: `fprecon accept --event signup_n@example.com --reason TEXT`"),
        "{said}"
    );
    assert!(
        said.contains("if `bob` is right, give the lead to that promoter in FirstPromoter, then accept it in the same way"),
        "{said}"
    );
    follow(&place, quoted(&said, "accept it after the run: "));
    place.run_to(&sandbox, &run("two.csv")).expect(0);
    place.run_to(&sandbox, &run("one.csv")).expect(0);
}

#[test]
fn a_sale_with_another_plan_is_a_conflict_on_any_night_and_one_without_a_plan_is_not() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let sale =
        |plan: &str| format!("{SALES}s1,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,{plan}\n");
    place.write("one.csv", &sale("basic"));
    place.write("two.csv", &sale("pro"));
    place.write("none.csv", &sale(""));
    place.run_to(&sandbox, &run("one.csv")).expect(0);
    place.run_to(&sandbox, &run("none.csv")).expect(0);
    let ran = place
        .run_to(&sandbox, &["run", "two.csv", "--yes"])
        .expect(1);
    let said = ran.stderr();
    assert!(
        said.contains("another plan: `pro` here, `basic` there"),
        "{said}"
    );
    follow(&place, quoted(&said, "accept it after the run: "));
    place.run_to(&sandbox, &run("two.csv")).expect(0);
}

#[test]
fn a_sale_that_was_not_a_referral_has_no_plan_that_matters() {
    let place = Place::new();
    let sandbox = strangers(&place);
    for plan in ["basic", "pro"] {
        let row = format!("s1,ana@example.com,10.00,USD,2026-03-01T10:00:00Z,{plan}\n");
        place.write("x.csv", &format!("{SALES}{row}"));
        place.run_to(&sandbox, &run("x.csv")).expect(0);
    }
}

#[test]
fn a_refused_promoter_is_corrected_as_the_hint_says() {
    let place = Place::new();
    let sandbox = strangers(&place);
    place.write(
        "leads.csv",
        &format!("{LEADS}n@example.com,,norra,2026-03-01\n"),
    );
    let ran = place.run_to(&sandbox, &run("leads.csv")).expect(1);
    let report = ran.json();
    assert_eq!(outcome(&report, "failed"), 1);
    // Corrected where it was exported: the journal's row is the one to correct.
    place.write(
        "corrected.csv",
        &format!("{LEADS}n@example.com,,nora,2026-03-01\n"),
    );
    let ran = place
        .run_to(&sandbox, &["run", "corrected.csv", "--yes"])
        .expect(1);
    let said = ran.stderr();
    let hint = "set `ref_id` to `nora` (add that column if it is not there) in failed.csv and run that file by itself";
    assert!(said.contains(hint), "{said}");
    let failed = format!("{}/failed.csv", report["report_dir"].as_str().unwrap());
    let text = place.read(&failed);
    let mut lines = text.lines();
    let (head, row) = (lines.next().unwrap(), lines.next().unwrap());
    place.write("failed.csv", &format!("{head},ref_id\n{row},nora\n"));
    let sent = place.run_to(&sandbox, &run("failed.csv")).expect(0).json();
    assert_eq!(outcome(&sent, "tracked"), 1, "{sent:#}");
    for export in ["corrected.csv", "leads.csv"] {
        place.run_to(&sandbox, &run(export)).expect(0);
    }
}
