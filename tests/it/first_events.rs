//! `run --first N`: some events are sent first, and the rest only after a yes. Real binary, real sandbox.

use serde_json::json;

use crate::support::{Place, Ran, SandboxProcess};

const EXPORT: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
    sale,s1,,ana@example.com,49.00,USD,2026-03-01T09:00:00Z\n\
    sale,s2,,ben@example.com,120.00,USD,2026-03-02T09:00:00Z\n\
    sale,s3,,cyd@example.com,10.00,USD,2026-03-03T09:00:00Z\n\
    sale,s4,,dan@example.com,10.00,USD,2026-03-04T09:00:00Z\n";

fn place() -> Place {
    let place = Place::new();
    place.write("a.csv", EXPORT);
    place
}

fn leads() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

#[test]
fn the_first_events_are_sent_alone_and_resume_sends_the_rest() {
    let place = place();
    let sandbox = leads();
    let run = ["run", "a.csv", "--yes", "--first", "2"];
    let first = place.run_to(&sandbox, &run).expect(5);
    assert_eq!(sandbox.arrivals().len(), 2);
    let shown = first.stdout();
    let line = "  sale s1, 49.00 USD, ana@example.com: tracked; commission ";
    assert!(shown.contains(line), "{shown}");
    let said = first.stderr();
    assert!(
        said.contains("paused after the events that were to be sent first"),
        "{said}"
    );
    assert!(said.contains("`fprecon resume` sends the rest"), "{said}");
    place.run_to(&sandbox, &["resume"]).expect(0);
    assert_eq!(sandbox.arrivals().len(), 4);
    assert_eq!(sandbox.events().len(), 4);
}

#[test]
fn somebody_on_a_terminal_decides_about_the_rest() {
    let place = place();
    let sandbox = leads();
    let words = "run a.csv --first 1";
    let no = place
        .run_on_a_terminal(&sandbox.base_url, words, "y\nn\n")
        .expect(5);
    assert!(
        no.stdout().contains("Send 1 of 4 events first?"),
        "{}",
        no.stdout()
    );
    assert!(
        no.stdout().contains("Send the other 3 events?"),
        "{}",
        no.stdout()
    );
    assert_eq!(sandbox.arrivals().len(), 1);
    place
        .run_on_a_terminal(&sandbox.base_url, words, "y\ny\n")
        .expect(0);
    assert_eq!(sandbox.arrivals().len(), 4);
}

#[test]
fn with_as_many_as_there_are_nothing_is_asked() {
    let place = place();
    let sandbox = leads();
    for many in ["4", "9"] {
        place.write("a.csv", &EXPORT.replace(",s", &format!(",{many}s")));
        let run = ["run", "a.csv", "--yes", "--first", many];
        place.run_to(&sandbox, &run).expect(0);
    }
    assert_eq!(sandbox.events().len(), 8);
}

#[test]
fn a_refused_first_event_is_shown_before_the_rest_is_sent() {
    let place = place();
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 422, "body": "{\"message\":\"wrong amount\"}", "percent": 100}));
    let run = ["run", "a.csv", "--yes", "--first", "1"];
    let first = place.run_to(&sandbox, &run).expect(5);
    let shown = first.stdout();
    assert!(
        shown.contains("sale s1, 49.00 USD, ana@example.com: failed (wrong amount)"),
        "{shown}"
    );
    assert_eq!(sandbox.arrivals().len(), 1);
}

#[test]
fn a_first_event_that_does_not_arrive_is_no_reason_to_ask() {
    let place = place();
    let sandbox = leads();
    sandbox.fault(&json!({"action": "status", "status": 503, "percent": 100}));
    let mut run = place.command_to(&sandbox, &["run", "a.csv", "--yes", "--first", "1"]);
    run.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1");
    let first = Ran(run.output().unwrap()).expect(5);
    assert!(
        first.stderr().contains("the API stayed unreachable"),
        "{}",
        first.stderr()
    );
    assert!(!first.stdout().contains("Sent first"), "{}", first.stdout());
}

#[test]
fn the_first_run_of_a_journal_is_offered_to_begin_with_one_event() {
    let place = place();
    let sandbox = leads();
    let offer = "`--first 1` sends one event";
    let first = place
        .run_on_a_terminal(&sandbox.base_url, "run a.csv", "y\n")
        .expect(0);
    assert!(first.stdout().contains(offer), "{}", first.stdout());
    place.write("a.csv", &EXPORT.replace(",s", ",t"));
    let second = place
        .run_on_a_terminal(&sandbox.base_url, "run a.csv", "y\n")
        .expect(0);
    assert!(!second.stdout().contains(offer), "{}", second.stdout());
}

/// Stripe's payments with amounts of so many percent, the last of this customer.
fn stripe(percent: u32, customer: &str) -> String {
    const HEADER: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n";
    let row = |id: u32, cents: u32, refunded: u32, day: &str, who: &str| {
        let [amount, refunded] = [cents, refunded].map(|cents| cents * percent / 10_000);
        format!(
            "ch_{id},2026-03-0{id} 09:00:00,{amount}.00,{refunded}.00,usd,true,{day},Paid,,{who}@example.com,in_{id}\n"
        )
    };
    let rows = [
        row(1, 10_000, 0, "", "ana"),
        row(2, 20_000, 1_000, "2026-03-09 10:00:00", "ben"),
        row(3, 5_000, 0, "", customer),
    ];
    format!("{HEADER}{}", rows.concat())
}

/// The same as Recurly's transactions.
fn recurly(percent: u32, customer: &str) -> String {
    const HEADER: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n";
    let row = |id: &str, kind: &str, cents: u32, of: &str, who: &str| {
        format!(
            "{who}@example.com,{id},{kind},{}.00,0.00,USD,2026-03-02 09:00:00 UTC,success,false,{of},,\n",
            cents * percent / 10_000
        )
    };
    let rows = [
        row("in_1", "purchase", 10_000, "", "ana"),
        row("in_2", "purchase", 20_000, "", "ben"),
        row("r2", "refund", 1_000, "in_2", "ben"),
        row("in_3", "purchase", 5_000, "", customer),
    ];
    format!("{HEADER}{}", rows.concat())
}

/// `event_id cents` of what arrived.
fn arrived(sandbox: &SandboxProcess) -> Vec<String> {
    let events = sandbox.events();
    let words = events.iter().map(|event| {
        let id = event["event_id"].as_str().unwrap();
        format!("{id} {}", event["amount_cents"])
    });
    let mut words: Vec<String> = words.collect();
    words.sort();
    words
}

/// The founder sees that the amounts are wrong, and corrects the export: what was never sent goes as it says now, with its
/// refunds, and nothing as it was recorded.
#[test]
fn what_was_not_sent_goes_as_a_corrected_export_has_it() {
    for (wrong, right, refund, version) in [
        (
            stripe(200, "cyd"),
            stripe(100, "eve"),
            "in_2_refund_1000",
            "v1",
        ),
        (
            stripe(200, "cyd"),
            stripe(100, "eve"),
            "in_2_refund_1000",
            "v2",
        ),
        (recurly(200, "cyd"), recurly(100, "eve"), "r2", "v1"),
    ] {
        let (place, sandbox) = (Place::new(), leads());
        let call = |words: &[&str]| {
            let mut command = match version {
                "v1" => place.command_to(&sandbox, words),
                _ => place.command_to_v2(&sandbox, words),
            };
            Ran(command.output().unwrap())
        };
        place.write("a.csv", &wrong);
        call(&["run", "a.csv", "--yes", "--first", "1"]).expect(5);
        assert_eq!(arrived(&sandbox), ["in_1 20000"]);
        place.write("a.csv", &right);
        let plan = call(&["plan", "a.csv", "--events", "e.csv"]);
        // What was sent is in conflict, and stays so.
        let says = "an earlier run sent an event with this id (tracked)";
        assert!(plan.expect(1).stderr().contains(says));
        let planned = place.read("e.csv");
        let is_sent_anew = "it is sent with what these exports say";
        assert!(planned.matches(is_sent_anew).count() >= 2, "{planned}");
        let ran = call(&["run", "a.csv", "--yes"]).expect(1);
        let refund = format!("{refund} 1000");
        let mut all = ["in_1 20000", "in_2 20000", "in_3 5000", refund.as_str()];
        all.sort_unstable();
        assert_eq!(arrived(&sandbox), all, "{version}: {}", ran.stderr());
        let eve = sandbox.events();
        assert!(eve.iter().any(|event| event.to_string().contains("eve@")));
        // Nothing of what was recorded first is left.
        for words in [
            &["resume"][..],
            &["retry", "--failed"],
            &["retry", "--non-referral"],
        ] {
            call(words);
        }
        assert_eq!(arrived(&sandbox), all, "{version}");
        let accept = ["accept", "--event", "in_1", "--reason", "corrected by hand"];
        place.run(&accept).expect(0);
        call(&["run", "a.csv", "--yes"]).expect(0);
        call(&["resume"]).expect(0);
        assert_eq!(arrived(&sandbox), all, "{version}");
        place.run(&["journal", "check"]).expect(0);
    }
}

/// A refund that was left without its sale's being wrong is corrected alone.
#[test]
fn a_refund_that_was_not_sent_goes_as_a_corrected_export_has_it() {
    let (place, sandbox) = (Place::new(), leads());
    let export = |refunded: &str| {
        EXPORT.replace(
            "sale,s4,,dan@example.com,10.00,USD,2026-03-04T09:00:00Z\n",
            &format!("refund,r3,s3,cyd@example.com,{refunded},USD,2026-03-05T09:00:00Z\n"),
        )
    };
    place.write("a.csv", &export("8.00"));
    let first = ["run", "a.csv", "--yes", "--first", "3"];
    place.run_to(&sandbox, &first).expect(5);
    place.write("a.csv", &export("9.00"));
    place.run_to(&sandbox, &["run", "a.csv", "--yes"]).expect(0);
    place.run_to(&sandbox, &["resume"]).expect(0);
    let events = sandbox.events();
    let refunds = events.iter().filter(|event| event["kind"] == "refund");
    let cents: Vec<i64> = refunds
        .map(|event| event["amount_cents"].as_i64().unwrap())
        .collect();
    assert_eq!(cents, [900]);
    place.run(&["journal", "check"]).expect(0);
}

/// Of an event whose request may have arrived, nothing is replaced: `resume` sends it as it was.
#[test]
fn what_may_have_been_sent_is_not_replaced() {
    let (place, sandbox) = (place(), leads());
    place.write("fprecon.toml", "[send]\ngive_up_after_seconds = 1\n");
    sandbox.fault(&json!({"action": "close", "after_effect": true, "times": 99}));
    let run = ["run", "a.csv", "--yes", "--first", "1"];
    let ran = place.run_to(&sandbox, &run);
    assert_eq!(ran.code(), 5, "{}", ran.stderr());
    sandbox.forget_faults();
    place.write("a.csv", &EXPORT.replace("49.00", "40.00"));
    let plan = place.run_to(&sandbox, &["plan", "a.csv"]).expect(1);
    let says = "an earlier run recorded an event with this id and with another amount";
    assert!(plan.stderr().contains(says), "{}", plan.stderr());
    assert!(
        plan.stderr()
            .contains("`fprecon resume` sends what was recorded first")
    );
}

/// What was left is outside of the range that the next run has: the hint says what `resume` would do, and how to leave it out.
#[test]
fn what_was_left_and_is_excluded_now_is_said_to_be_sent_by_resume() {
    let (place, sandbox) = (place(), leads());
    let first = ["run", "a.csv", "--yes", "--first", "1"];
    place.run_to(&sandbox, &first).expect(5);
    let until = ["run", "a.csv", "--yes", "--until", "2026-03-02"];
    let said = place.run_to(&sandbox, &until).expect(1).stderr();
    let says =
        "outside of this range: 2 sales, 20.00 USD; `fprecon resume` sends them all the same";
    assert!(said.contains(says), "{said}");
    assert_eq!(arrived(&sandbox), ["s1 4900", "s2 12000"]);
    let status = place.run(&["status", "--json"]).expect(0).json();
    let run = status["runs"][1]["run"].as_str().unwrap();
    place.run_to(&sandbox, &["undo", run, "--yes"]).expect(1);
    place.run_to(&sandbox, &["resume"]);
    place.run_to(&sandbox, &["run", "a.csv", "--yes"]);
    let sent = arrived(&sandbox);
    assert!(
        !sent
            .iter()
            .any(|own| own.starts_with("s3") || own.starts_with("s4")),
        "{sent:?}"
    );
}
