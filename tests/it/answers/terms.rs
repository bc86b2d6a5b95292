//! Promoters and plans that differ from what an earlier night sent.

use super::{leads, outcome, run, strangers};
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

#[test]
fn a_plan_that_comes_a_night_later_is_said_once_and_can_be_accepted() {
    let payments = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n\
        ch_1,2026-03-02 09:14:00,119.00,0.00,usd,true,Paid,cus_1,ana@example.com,in_1\n";
    let invoices = "id,Number,Customer,Date (UTC),Currency,Subtotal,Total Discount Amount,Total,Amount Paid,Status,Subscription\n\
        in_1,N-1,cus_1,2026-03-02 09:14:00,usd,100.00,0.00,119.00,119.00,paid,sub_1\n";
    let subscriptions = "id,Customer ID,Customer Email,Plan,Status,Interval,Canceled At (UTC),Ended At (UTC)\n\
        sub_1,cus_1,ana@example.com,pro-yearly,active,year,,\n";
    let place = Place::new();
    let sandbox = leads();
    place
        .write("payments.csv", payments)
        .write("invoices.csv", invoices)
        .write("subscriptions.csv", subscriptions);
    let night = |files: &[&str], code: i32| {
        let words = [&["run", "--yes", "--json"], files].concat();
        place.run_to(&sandbox, &words).expect(code).json()
    };
    night(&["payments.csv", "invoices.csv"], 0);
    let told = night(&["subscriptions.csv"], 1);
    assert_eq!(told["attention"][0]["code"], "plan_learned", "{told:#}");
    let all = ["payments.csv", "invoices.csv", "subscriptions.csv"];
    night(&all, 1);
    place.run(&["journal", "check"]).expect(0);
    let accept = ["accept", "--event", "in_1", "--reason", "one plan for all"];
    place.run(&accept).expect(0);
    night(&all, 0);
    night(&["subscriptions.csv"], 0);
    // In one call, the sale has its plan.
    let other = Place::new();
    for name in all {
        other.write(name, &place.read(name));
    }
    let words = [&["run", "--yes"], &all[..]].concat();
    other.run_to(&leads(), &words).expect(0);
}
