//! What an earlier run left open stays said, and is never sent in a form that nobody wants any more.

use crate::accept::refuse;
use crate::support::{Place, SandboxProcess};
use serde_json::{Value, json};

const PAYMENTS: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n";

/// A row of Stripe's payments.
fn payment(id: &str, amount: &str, refunded: &str, status: &str) -> String {
    format!(
        "{id},2026-03-02 09:14:00,{amount},{refunded},usd,true,,{status},cus_ann,ann@example.com,in_1\n"
    )
}

fn payments(rows: &[String]) -> String {
    format!("{PAYMENTS}{}", rows.concat())
}

/// The one invoice of the payments, in an export of Stripe's.
fn invoice(counts: &str, paid: &str) -> String {
    format!(
        "id,Number,Customer,Date (UTC),Currency,Subtotal,Total Discount Amount,Total,Amount Paid,Status,Subscription\n\
         in_1,N-1,cus_ann,2026-03-02 09:14:00,usd,{counts},0.00,{paid},{paid},paid,\n"
    )
}

fn started() -> (Place, SandboxProcess) {
    let place = Place::new();
    place.write("fprecon.toml", "[send]\ngive_up_after_seconds = 1\n");
    (place, SandboxProcess::start(&["--lead-share", "100"]))
}

fn night(place: &Place, sandbox: &SandboxProcess, exports: &[&str]) -> Value {
    let words = [&["run", "--yes", "--json"], exports].concat();
    place.run_to(sandbox, &words).json()
}

/// `code count amount` of everything that needs attention.
fn attention(json: &Value) -> Vec<String> {
    let items = json["attention"].as_array().unwrap().iter();
    let words = items.map(|item| {
        let code = item["code"].as_str().unwrap();
        format!("{code} {} {}", item["count"], item["amount_cents"])
    });
    words.collect()
}

/// The sums of what took effect, in cents: sales and refunds.
fn recorded(sandbox: &SandboxProcess) -> [i64; 2] {
    ["sale", "refund"].map(|kind| {
        let events = sandbox.events().into_iter();
        let own = events.filter(|event| event["kind"] == kind);
        own.map(|event| event["amount_cents"].as_i64().unwrap())
            .sum()
    })
}

#[test]
fn a_running_total_says_again_what_is_open_of_its_earlier_refunds() {
    for (fault, open) in [
        (
            json!({"action": "status", "status": 503, "times": 100}),
            "not_sent",
        ),
        (
            json!({"action": "status", "status": 422, "times": 1}),
            "failed",
        ),
    ] {
        let (place, sandbox) = started();
        let nights = ["0.00", "30.00", "50.00", "100.00"];
        for (number, refunded) in nights.iter().enumerate() {
            let row = payment("ch_1", "100.00", refunded, "Paid");
            place.write(&format!("night{number}.csv"), &payments(&[row]));
        }
        assert_eq!(
            attention(&night(&place, &sandbox, &["night0.csv"])),
            [""; 0]
        );
        sandbox.fault(&fault);
        night(&place, &sandbox, &["night1.csv"]);
        sandbox.forget_faults();
        let left = format!(r#"{open} 1 {{"USD":3000}}"#);
        for later in ["night2.csv", "night3.csv", "night3.csv"] {
            assert_eq!(attention(&night(&place, &sandbox, &[later])), [&*left]);
        }
        assert_eq!(recorded(&sandbox), [10_000, 7_000]);
        let settle: &[&str] = match open {
            "failed" => &["retry", "--failed"],
            _ => &["resume"],
        };
        place.run_to(&sandbox, settle).expect(0);
        assert_eq!(recorded(&sandbox), [10_000, 10_000]);
        assert_eq!(
            attention(&night(&place, &sandbox, &["night3.csv"])),
            [""; 0]
        );
    }
}

#[test]
fn a_failed_payment_is_held_though_another_payment_of_its_invoice_is_paid() {
    let (place, sandbox) = started();
    let failed = payment("py_1", "60.00", "0.00", "Failed");
    let paid = payment("py_2", "60.00", "0.00", "Paid");
    place.write(
        "first.csv",
        &payments(&[payment("py_1", "60.00", "0.00", "Paid")]),
    );
    place.write("second.csv", &payments(&[failed.clone(), paid.clone()]));
    place.write("third.csv", &payments(&[paid, failed]));
    night(&place, &sandbox, &["first.csv"]);
    for export in ["second.csv", "third.csv"] {
        let held = [r#"held 1 {"USD":6000}"#];
        assert_eq!(attention(&night(&place, &sandbox, &[export])), held);
    }
    assert_eq!(recorded(&sandbox), [12_000, 0]);
}

#[test]
fn a_sale_that_was_not_sent_and_is_not_paid_any_more_needs_attention() {
    // By itself, or beside the older export, as a glob has them.
    for (status, times, outcome, newer) in [
        (503, 100, "unconfirmed", &["failed.csv"][..]),
        (401, 1, "failed", &["failed.csv", "paid.csv"]),
    ] {
        let (place, sandbox) = started();
        let row = |status| payments(&[payment("py_1", "60.00", "0.00", status)]);
        place.write("paid.csv", &row("Paid"));
        place.write("failed.csv", &row("Failed"));
        sandbox.fault(&json!({"action": "status", "status": status, "times": times}));
        night(&place, &sandbox, &["paid.csv"]);
        sandbox.forget_faults();
        let before = sandbox.arrivals().len();
        let open = [r#"not_paid 1 {"USD":6000}"#];
        for _ in 0..2 {
            let report = night(&place, &sandbox, newer);
            assert_eq!(attention(&report), open);
        }
        let status = place.run(&["status", "--json"]).expect(0).json();
        assert_eq!(attention(&status), open);
        assert_eq!(status["events"][outcome]["count"], 1, "{status}");
        // Nothing but a decision about it sends it.
        for words in [
            &["resume"][..],
            &["retry", "--failed", "--unconfirmed", "--yes"],
        ] {
            place.run_to(&sandbox, words).expect(1);
        }
        let again = night(&place, &sandbox, &["paid.csv"]);
        assert_eq!(attention(&again), open);
        assert_eq!(sandbox.arrivals().len(), before);

        let said = place.run_to(&sandbox, &["plan", "failed.csv"]).expect(1);
        let retry = "after the run, `fprecon retry --event in_1` sends it";
        assert!(said.stderr().contains(retry), "{}", said.stderr());
        let accept = ["accept", "--event", "in_1", "--reason", "it failed"];
        place.run(&accept).expect(0);
        let accepted = night(&place, &sandbox, newer);
        assert_eq!(attention(&accepted), [""; 0]);
        let retry = ["retry", "--event", "in_1", "--yes"];
        place.run_to(&sandbox, &retry).expect(0);
        assert_eq!(recorded(&sandbox), [6_000, 0]);
        let held = [r#"held 1 {"USD":6000}"#];
        assert_eq!(attention(&night(&place, &sandbox, newer)), held);
        place.run(&["journal", "check"]).expect(0);
    }
}

#[test]
fn the_refund_of_a_sale_that_is_not_sent_any_more_is_not_sent_either() {
    let (place, sandbox) = started();
    let row = |status| payments(&[payment("py_1", "60.00", "10.00", status)]);
    place.write("paid.csv", &row("Paid"));
    place.write("failed.csv", &row("Failed"));
    sandbox.fault(&json!({"action": "status", "status": 401, "times": 1}));
    night(&place, &sandbox, &["paid.csv"]);
    let before = sandbox.arrivals().len();
    let open = [r#"not_paid 2 {"USD":7000}"#];
    let last = ["run", "--yes", "--json", "failed.csv", "--dir", "open"];
    let last = place.run_to(&sandbox, &last).expect(1).json();
    assert_eq!(attention(&last), open);
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(attention(&status), open);
    // Not even if the file with it is handed back.
    place.run_to(&sandbox, &["resume"]).expect(1);
    place
        .run_to(&sandbox, &["run", "open/failed.csv", "--yes"])
        .expect(1);
    assert_eq!(sandbox.arrivals().len(), before);
    let retry = ["retry", "--event", "in_1"];
    place.run_to(&sandbox, &retry).expect(0);
    assert_eq!(recorded(&sandbox), [6_000, 1_000]);
    place.run(&["journal", "check"]).expect(0);
}

/// A sale of 119.00, in `payments.csv`, of which an invoice in `invoices.csv` says that 100.00 count.
fn gross_and_net(refunded: &str) -> Place {
    let place = Place::new();
    place.write("fprecon.toml", "[send]\ngive_up_after_seconds = 1\n");
    let row = payment("ch_1", "119.00", refunded, "Paid");
    place.write("payments.csv", &payments(&[row]));
    place.write("invoices.csv", &invoice("100.00", "119.00"));
    place
}

const BOTH: [&str; 2] = ["payments.csv", "invoices.csv"];

#[test]
fn a_retry_sends_what_was_learned_since_of_what_is_not_there() {
    // Refused, and of a customer who is not a lead yet.
    let place = gross_and_net("0.00");
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    sandbox.fault(&json!({"action": "status", "status": 422, "times": 1}));
    night(&place, &sandbox, &["payments.csv"]);
    for _ in 0..2 {
        let failed = [r#"failed 1 {"USD":10000}"#];
        assert_eq!(attention(&night(&place, &sandbox, &BOTH)), failed);
    }
    place.run_to(&sandbox, &["retry", "--failed"]).expect(0);
    assert_eq!(recorded(&sandbox), [10_000, 0]);
    place.run(&["journal", "check"]).expect(0);

    let place = gross_and_net("0.00");
    let start = place.path("nobody.toml");
    place.write(
        "nobody.toml",
        "lead_share_percent = 0\n[[promoter]]\nref_id = \"nora\"\n",
    );
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    night(&place, &sandbox, &["payments.csv"]);
    let restated = night(&place, &sandbox, &BOTH);
    let counts = &restated["outcomes"]["non_referral"]["amount_cents"];
    assert_eq!(
        (&restated["requests"], counts),
        (&json!(0), &json!({"USD": 10_000}))
    );
    let settled = night(&place, &sandbox, &BOTH);
    assert_eq!(settled["events"]["by_plan"]["to_send"], 0, "{settled}");
    sandbox.track("signup", "email=ann@example.com&uid=cus_ann&ref_id=nora");
    place
        .run_to(&sandbox, &["retry", "--non-referral"])
        .expect(0);
    assert_eq!(recorded(&sandbox), [10_000, 0]);
    assert_eq!(attention(&night(&place, &sandbox, &BOTH)), [""; 0]);
    place.run(&["journal", "check"]).expect(0);
}

#[test]
fn a_retry_of_what_may_be_there_or_is_refunded_says_that_less_counts() {
    let less = [r#"counts_less 1 {"USD":11900}"#];
    // It may be there, and is sent as it was.
    let place = gross_and_net("0.00");
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let lost = json!({"action": "status", "status": 200, "body": "{}", "times": 20});
    sandbox.fault(&lost);
    night(&place, &sandbox, &["payments.csv"]);
    sandbox.forget_faults();
    let unconfirmed = [r#"unconfirmed 1 {"USD":11900}"#];
    assert_eq!(attention(&night(&place, &sandbox, &BOTH)), unconfirmed);
    let retry = ["retry", "--unconfirmed", "--yes", "--json"];
    assert_eq!(
        attention(&place.run_to(&sandbox, &retry).expect(1).json()),
        less
    );
    assert_eq!(attention(&night(&place, &sandbox, &BOTH)), less);

    // Its refund was recorded by what it counted then.
    let place = gross_and_net("59.50");
    place.write(
        "nobody.toml",
        "lead_share_percent = 0\n[[promoter]]\nref_id = \"nora\"\n",
    );
    let start = place.path("nobody.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    night(&place, &sandbox, &["payments.csv"]);
    for _ in 0..2 {
        assert_eq!(attention(&night(&place, &sandbox, &BOTH)), [""; 0]);
    }
    sandbox.track("signup", "email=ann@example.com&uid=cus_ann&ref_id=nora");
    let retry = ["retry", "--non-referral", "--json"];
    assert_eq!(
        attention(&place.run_to(&sandbox, &retry).expect(1).json()),
        less
    );
    assert_eq!(recorded(&sandbox), [11_900, 5_950]);
    assert_eq!(attention(&night(&place, &sandbox, &BOTH)), less);
}

#[test]
fn what_was_left_with_another_amount_blocks_nothing_and_is_said() {
    let (place, sandbox) = started();
    place.write(
        "payments.csv",
        &payments(&[payment("ch_1", "119.00", "0.00", "Paid")]),
    );
    place.write("invoices.csv", &invoice("100.00", "119.00"));
    sandbox.fault(&json!({"action": "status", "status": 503, "times": 100}));
    night(&place, &sandbox, &["payments.csv"]);
    sandbox.forget_faults();
    let both = ["payments.csv", "invoices.csv"];
    let left = night(&place, &sandbox, &both);
    assert_eq!(attention(&left), [r#"not_sent 1 {"USD":11900}"#], "{left}");
    place.run_to(&sandbox, &["resume"]).expect(1);
    place.run(&["journal", "check"]).expect(0);
    let less = [r#"counts_less 1 {"USD":11900}"#];
    assert_eq!(attention(&night(&place, &sandbox, &both)), less);
}

#[test]
fn a_refund_that_is_still_to_be_sent_does_not_hide_that_less_of_its_sale_counts() {
    let (place, sandbox) = started();
    let rows = [("payments.csv", "0.00"), ("refunded.csv", "59.50")];
    for (name, refunded) in rows {
        let row = payment("ch_1", "119.00", refunded, "Paid");
        place.write(name, &payments(&[row]));
    }
    place.write("invoices.csv", &invoice("100.00", "119.00"));
    night(&place, &sandbox, &["payments.csv"]);
    sandbox.fault(&json!({"action": "status", "status": 503, "times": 100}));
    night(&place, &sandbox, &["refunded.csv"]);
    sandbox.forget_faults();
    let both = ["refunded.csv", "invoices.csv"];
    for _ in 0..2 {
        let less = [r#"counts_less 1 {"USD":11900}"#];
        assert_eq!(attention(&night(&place, &sandbox, &both)), less);
    }
}

#[test]
fn a_sale_that_never_left_is_sent_with_what_is_known_by_then() {
    let (place, sandbox) = started();
    let invoice = "kind,event_id,uid,email,amount,currency,created_at\n";
    place.write(
        "by-uid.csv",
        &format!("{invoice}sale,s1,u1,,8.00,USD,2026-03-01\n"),
    );
    place.write(
        "by-both.csv",
        &format!("{invoice}sale,s1,u1,ann@example.com,8.00,USD,2026-03-01\n"),
    );
    sandbox.fault(&json!({"action": "status", "status": 401, "times": 1}));
    night(&place, &sandbox, &["by-uid.csv"]);
    assert_eq!(
        attention(&night(&place, &sandbox, &["by-both.csv"])),
        [""; 0]
    );
    assert_eq!(sandbox.events().len(), 1);
    assert_eq!(sandbox.events()[0]["email"], "ann@example.com");
    place.run_to(&sandbox, &["resume"]).expect(0);
    place.run(&["journal", "check"]).expect(0);
    assert_eq!(sandbox.events().len(), 1);
}

#[test]
fn the_refund_of_an_unconfirmed_sale_waits_until_that_is_settled_or_accepted() {
    let header = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
    for settle in [
        &["retry", "--unconfirmed", "--yes"][..],
        &["accept", "--event", "s1", "--reason", "it is there"],
    ] {
        let (place, sandbox) = started();
        place.write(
            "sale.csv",
            &format!("{header}sale,s1,,ann@example.com,8.00,USD,2026-03-01\n"),
        );
        place.write(
            "refund.csv",
            &format!("{header}refund,r1,s1,ann@example.com,8.00,USD,2026-03-02\n"),
        );
        sandbox.fault(
            &json!({"action": "status", "status": 200, "body": "{}", "kind": "sale", "times": 20}),
        );
        assert_eq!(
            attention(&night(&place, &sandbox, &["sale.csv"])),
            [r#"unconfirmed 1 {"USD":800}"#]
        );
        sandbox.forget_faults();
        assert_eq!(
            attention(&night(&place, &sandbox, &["refund.csv"])),
            [r#"held 1 {"USD":800}"#]
        );
        assert_eq!(recorded(&sandbox)[1], 0);
        place.run_to(&sandbox, settle).expect(0);
        let sent = night(&place, &sandbox, &["refund.csv"]);
        assert_eq!(sent["outcomes"]["not_sent"]["count"], 0, "{sent}");
        assert!(sent["requests"].as_u64().unwrap() > 0, "{sent}");
    }
}

#[test]
fn a_retry_leaves_out_what_was_accepted() {
    let (place, sandbox) = started();
    let header = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
    let row = |id: &str| format!("sale,{id},,{id}@example.com,8.00,USD,2026-03-01\n");
    place.write("night.csv", &format!("{header}{}{}", row("s1"), row("s2")));
    refuse(&sandbox, 2);
    night(&place, &sandbox, &["night.csv"]);
    let accept = ["accept", "--event", "s1", "--reason", "a test order"];
    place.run(&accept).expect(0);
    let retried = place.run_to(&sandbox, &["retry", "--failed"]).expect(0);
    let said = "1 accepted event is not tried again; `--event ID` tries one\n";
    assert!(retried.stderr().contains(said), "{}", retried.stderr());
    let ids: Vec<Value> = sandbox
        .events()
        .iter()
        .map(|event| event["event_id"].clone())
        .collect();
    assert_eq!(ids, ["s2"]);
    place.run_to(&sandbox, &["retry", "--failed"]).expect(0);
    assert_eq!(sandbox.events().len(), 1);
    place
        .run_to(&sandbox, &["retry", "--event", "s1"])
        .expect(0);
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn status_says_what_an_earlier_run_held_and_rejected() {
    let (place, sandbox) = started();
    let header = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
    let monday = "refund,r1,none,ann@example.com,5.00,USD,2026-03-01\nsale,s1,,ann@example.com,x,USD,2026-03-01\n";
    place.write("monday.csv", &format!("{header}{monday}"));
    place.write(
        "tuesday.csv",
        &format!("{header}sale,s2,,bob@example.com,8.00,USD,2026-03-02\n"),
    );
    let first = night(&place, &sandbox, &["monday.csv"]);
    assert_eq!(
        attention(&night(&place, &sandbox, &["tuesday.csv"])),
        [""; 0]
    );
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(
        attention(&status),
        [r#"held 1 {"USD":500}"#, "rejected 1 {}"]
    );
    let commands = status["attention"].as_array().unwrap().iter();
    let commands: Vec<&str> = commands
        .map(|item| item["command"].as_str().unwrap())
        .collect();
    let rejected = format!(
        "fprecon run {}/rejected.csv",
        first["report_dir"].as_str().unwrap()
    );
    assert_eq!(commands, ["fprecon run monday.csv", &rejected]);
}

#[test]
fn resume_and_retry_without_anything_to_send_end_as_the_latest_run() {
    let (place, sandbox) = started();
    let header = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
    let monday = "refund,r1,none,ann@example.com,5.00,USD,2026-03-01\n";
    place.write("monday.csv", &format!("{header}{monday}"));
    let tuesday = "sale,s2,,bob@example.com,8.00,USD,2026-03-02\n";
    place.write("tuesday.csv", &format!("{header}{tuesday}"));
    night(&place, &sandbox, &["tuesday.csv"]);
    for words in [&["resume"][..], &["retry", "--failed"]] {
        let json = [words, &["--json"]].concat();
        let clean = place.run_to(&sandbox, &json).expect(0).json();
        assert_eq!(
            (&clean["exit_code"], attention(&clean).len()),
            (&json!(0), 0)
        );
    }
    night(&place, &sandbox, &["monday.csv"]);
    for words in [&["resume"][..], &["retry", "--failed"]] {
        let json = [words, &["--json"]].concat();
        let open = place.run_to(&sandbox, &json).expect(1).json();
        assert_eq!(open["exit_code"], 1);
        assert_eq!(attention(&open), [r#"held 1 {"USD":500}"#]);
        let said = place.run_to(&sandbox, words).expect(1).stdout();
        assert!(said.contains("fprecon run monday.csv"), "{said}");
        let quiet = [words, &["--quiet"]].concat();
        let said = place.run_to(&sandbox, &quiet).expect(1).stderr();
        assert!(said.starts_with("needs attention: 1 event held"), "{said}");
    }
}

/// Promoters, and a lead whom only the id is known of.
const START: &str = "lead_share_percent = 0\n[[promoter]]\nref_id = \"nora\"\n\
     [[lead]]\nemail = \"ann@new.example\"\nuid = \"cus_ann\"\npromoter = \"nora\"\n";

#[test]
fn a_retry_leaves_out_a_refund_that_was_sent_again_with_its_sale() {
    let place = Place::new();
    place.write("start.toml", START);
    let start = place.path("start.toml");
    let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
    let of_nobody = payment("ch_1", "100.00", "30.00", "Paid").replace("cus_ann", "");
    place.write("night1.csv", &payments(&[of_nobody]));
    place.write(
        "night2.csv",
        &payments(&[payment("ch_1", "100.00", "50.00", "Paid")]),
    );
    for export in ["night1.csv", "night2.csv"] {
        assert_eq!(attention(&night(&place, &sandbox, &[export])), [""; 0]);
    }
    assert_eq!(recorded(&sandbox), [10_000, 5_000]);
    let retry = ["retry", "--non-referral", "--yes"];
    place.run_to(&sandbox, &retry).expect(0);
    assert_eq!(recorded(&sandbox), [10_000, 5_000]);
    assert_eq!(
        attention(&night(&place, &sandbox, &["night2.csv"])),
        [""; 0]
    );
}
