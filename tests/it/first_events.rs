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
