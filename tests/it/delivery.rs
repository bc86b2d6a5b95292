//! Delivery under faults: the real binary against a real sandbox that misbehaves on demand, judged
//! by what the sandbox saw and did, by exit codes and by `--json`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{
    KEY, Payment, Place, Ran, SandboxProcess, end_of, form, open_to_edit, signal, stripe_export,
    wait_for_arrivals, wait_until,
};
use serde_json::{Value, json};

const RUN: &[&str] = &["run", "payments.csv", "--yes", "--json"];
const RESUME: &[&str] = &["resume", "--json"];

/// A folder with an export of so many sales, each of a customer of its own.
fn sales(count: u32) -> Place {
    let payments: Vec<Payment> = (1..=count).map(|n| Payment::paid(n, n)).collect();
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&payments));
    place
}

/// A folder with one sale, `in_0001`, and its full refund, `in_0001_refund_2000`.
fn refunded_sale() -> Place {
    let mut payment = Payment::paid(1, 1);
    payment.status = "Refunded".into();
    payment.refunded = "20.00".into();
    payment.refunded_at = "2026-03-09 08:00:00".into();
    let place = Place::new();
    place.write("payments.csv", &stripe_export(&[payment]));
    place
}

/// A sandbox for which every customer is a lead.
fn sandbox() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

/// How many events have an outcome.
#[track_caller]
fn outcome(report: &Value, name: &str) -> u64 {
    let outcomes = report["outcomes"].as_object().unwrap();
    outcomes
        .get(name)
        .and_then(|outcome| outcome["count"].as_u64())
        .unwrap_or(0)
}

/// The arrivals of one event.
fn arrivals_of(sandbox: &SandboxProcess, event_id: &str) -> Vec<Value> {
    let mut arrivals = sandbox.arrivals();
    arrivals.retain(|arrival| form(arrival, "event_id").as_deref() == Some(event_id));
    arrivals
}

/// The effects by event id, each of which must be there once.
#[track_caller]
fn effects(sandbox: &SandboxProcess) -> BTreeMap<String, i64> {
    let mut effects = BTreeMap::new();
    for event in sandbox.events() {
        let id = event["event_id"].as_str().unwrap_or_default().to_owned();
        let cents = event["amount_cents"].as_i64().unwrap_or(0);
        assert_eq!(effects.insert(id.clone(), cents), None, "{id} twice");
    }
    effects
}

#[track_caller]
fn assert_all_sales(sandbox: &SandboxProcess, count: u32) {
    let expected: BTreeMap<String, i64> =
        (1..=count).map(|n| (format!("in_{n:04}"), 2000)).collect();
    assert_eq!(effects(sandbox), expected);
}

#[track_caller]
fn assert_identical(arrivals: &[Value], times: usize) {
    assert_eq!(arrivals.len(), times, "{arrivals:#?}");
    for arrival in arrivals {
        for field in ["method", "path", "query", "body", "content_type"] {
            assert_eq!(arrival[field], arrivals[0][field], "{field}");
        }
    }
}

/// Fails if the key is in what was said, or in any file of the folder.
#[track_caller]
fn assert_key_is_nowhere(place: &Place, ran: &Ran) {
    assert!(!ran.stdout().contains(KEY), "{}", ran.stdout());
    assert!(!ran.stderr().contains(KEY), "{}", ran.stderr());
    let mut files = 0;
    let mut folders = vec![place.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files += 1;
                assert!(!holds_key(&path), "the key is in {}", path.display());
            }
        }
    }
    assert!(files >= 2, "there is an export and a journal at least");
}

fn holds_key(path: &Path) -> bool {
    let bytes = std::fs::read(path).unwrap();
    bytes
        .windows(KEY.len())
        .any(|window| window == KEY.as_bytes())
}

fn spawn(mut command: Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn end(child: Child) -> Ran {
    end_of(child)
}

#[test]
fn an_event_that_somebody_else_sent_is_already_tracked() {
    let (place, sandbox) = (sales(2), sandbox());
    sandbox.track(
        "sale",
        "email=user1@example.com&event_id=in_0001&amount=700",
    );

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "already_tracked"), 1);
    assert_eq!(outcome(&report, "tracked"), 1);
    assert_eq!(effects(&sandbox)["in_0001"], 700, "theirs stays");
    assert_eq!(report["exit_code"], 0);
}

#[test]
fn an_event_whose_answer_was_lost_is_asked_again_in_the_same_bytes() {
    let (place, sandbox) = (sales(5), sandbox());
    sandbox.fault(&json!({"action": "close", "after_effect": true, "event_id": "in_0003"}));

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 5, "the 409 is our own");
    assert_identical(&arrivals_of(&sandbox, "in_0003"), 2);
    assert_all_sales(&sandbox, 5);
}

#[test]
fn an_event_that_was_lost_on_its_way_is_sent_again() {
    let (place, sandbox) = (sales(5), sandbox());
    sandbox.fault(&json!({"action": "close", "times": 2, "event_id": "in_0003"}));

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 5);
    assert_identical(&arrivals_of(&sandbox, "in_0003"), 3);
    assert_all_sales(&sandbox, 5);
}

#[test]
fn half_an_answer_is_no_success() {
    let (place, sandbox) = (sales(3), sandbox());
    sandbox.fault(&json!({"action": "truncate", "event_id": "in_0002"}));
    sandbox.fault(
        &json!({"action": "status", "status": 200, "body": "<html>", "event_id": "in_0003"}),
    );

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 3);
    let statuses: Vec<Value> = arrivals_of(&sandbox, "in_0002")
        .iter()
        .map(|arrival| arrival["status"].clone())
        .collect();
    assert_eq!(statuses, [json!(200), json!(409)]);
    assert_identical(&arrivals_of(&sandbox, "in_0003"), 2);
    assert_all_sales(&sandbox, 3);
}

#[test]
fn a_refused_sale_is_not_retried_and_holds_its_refund_back() {
    let (place, sandbox) = (refunded_sale(), sandbox());
    sandbox.fault(&json!({"action": "status", "status": 400}));

    let report = place.run_to(&sandbox, RUN).expect(1).json();
    assert_eq!(outcome(&report, "failed"), 2);
    assert_eq!(report["exit_code"], 1);
    assert_eq!(sandbox.arrivals().len(), 1, "neither again nor the refund");

    // Running it again sends nothing, and still says so; trying again on purpose sends both, the sale
    // first.
    place.run_to(&sandbox, RUN).expect(1);
    assert_eq!(sandbox.arrivals().len(), 1);
    let retry = place.run_to(&sandbox, &["retry", "--failed", "--json"]);
    assert_eq!(outcome(&retry.expect(0).json(), "tracked"), 2);
    let paths: Vec<Value> = sandbox.arrivals()[1..]
        .iter()
        .map(|arrival| arrival["path"].clone())
        .collect();
    assert_eq!(paths, ["/api/v1/track/sale", "/api/v1/track/refund"]);
    assert_eq!(effects(&sandbox).len(), 2);
}

#[test]
fn a_refund_whose_sale_was_refused_before_the_interruption_is_held_back_by_resume_too() {
    let (place, sandbox) = (
        refunded_sale(),
        SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "500"]),
    );
    sandbox.fault(&json!({"action": "status", "status": 400}));

    // Interrupted while the sale is under way: its 400 is recorded, its refund is not touched.
    let child = spawn(place.command_to(&sandbox, RUN));
    wait_for_arrivals(&sandbox, 1);
    signal(&child, "-INT");
    let report = end(child).expect(130).json();
    assert_eq!(
        (outcome(&report, "failed"), outcome(&report, "not_sent")),
        (1, 1)
    );

    let report = place.run_to(&sandbox, RESUME).expect(1).json();
    assert_eq!(outcome(&report, "failed"), 2);
    assert_eq!(sandbox.arrivals().len(), 1, "the refund is not sent");
}

#[test]
fn a_wrong_key_stops_the_run_at_once() {
    let place = sales(60);
    place.write("right-key", "another-key");
    let file = place.path("right-key");
    let sandbox = SandboxProcess::start(&["--require-key", file.to_str().unwrap()]);

    let ran = place.run_to(&sandbox, RUN).expect(4);
    let report = ran.json();
    assert_eq!(report["exit_code"], 4);
    assert!(ran.stderr().contains(
        "fix the key: an account of version 2 has a separate legacy key for version 1; then `fprecon resume` sends the rest"
    ));
    assert_eq!(outcome(&report, "not_sent"), 60);
    assert!(
        sandbox.arrivals().len() <= 16,
        "what was under way, at most"
    );
    assert_key_is_nowhere(&place, &ran);

    // With the right key, everything is still there to be sent.
    let mut resume = place.command_to(&sandbox, RESUME);
    let resumed = resume.env("FPRECON_API_KEY", "another-key").output();
    let report = Ran(resumed.unwrap()).expect(0).json();
    assert_eq!(outcome(&report, "not_sent"), 0);
}

#[test]
fn a_forbidden_key_stops_the_run_and_is_not_repeated_where_the_api_repeats_it() {
    let (place, sandbox) = (sales(60), sandbox());
    let body = format!("{{\"message\":\"the key {KEY} is blocked\"}}");
    sandbox.fault(&json!({"action": "status", "status": 403, "times": 1000, "body": body}));

    let ran = place.run_to(&sandbox, &[RUN, &["-v"]].concat()).expect(4);
    assert_eq!(outcome(&ran.json(), "not_sent"), 60);
    assert!(sandbox.arrivals().len() <= 16);
    assert!(ran.stderr().contains("is blocked"), "{}", ran.stderr());
    assert_key_is_nowhere(&place, &ran);

    sandbox.forget_faults();
    place.run_to(&sandbox, RESUME).expect(0);
    assert_all_sales(&sandbox, 60);
}

#[test]
fn a_429_makes_everyone_wait_as_long_as_it_says() {
    let (place, sandbox) = (sales(40), sandbox());
    sandbox.fault(&json!({
        "action": "status", "status": 429, "retry_after": 1, "event_id": "in_0010"
    }));

    let ran = place.run_to(&sandbox, &[RUN, &["--concurrency", "4"]].concat());
    assert_eq!(outcome(&ran.expect(0).json(), "tracked"), 40);
    assert_all_sales(&sandbox, 40);
    let arrivals = sandbox.arrivals();
    assert_eq!(arrivals.len(), 41);
    let slowed = arrivals.iter().find(|arrival| arrival["status"] == 429);
    let since = slowed.unwrap()["at_ms"].as_u64().unwrap();
    // What was under way at that moment may still come in.
    let during = arrivals
        .iter()
        .map(|arrival| arrival["at_ms"].as_u64().unwrap())
        .filter(|at| (since + 300..since + 990).contains(at));
    assert_eq!(during.count(), 0, "everyone waits");
}

#[test]
fn a_429_without_a_time_is_waited_out() {
    let (place, sandbox) = (sales(20), sandbox());
    sandbox.fault(&json!({"action": "status", "status": 429, "times": 3}));

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 20);
    assert_eq!(sandbox.arrivals().len(), 23);
    assert_all_sales(&sandbox, 20);
}

#[test]
fn a_few_500s_are_overcome() {
    let (place, sandbox) = (sales(20), sandbox());
    sandbox.fault(&json!({"action": "status", "status": 500, "times": 3}));
    sandbox.fault(&json!({"action": "status", "status": 503, "after_effect": true}));

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 20);
    assert_all_sales(&sandbox, 20);
}

#[test]
fn an_api_that_keeps_failing_ends_the_run_and_resume_sends_the_rest() {
    let (place, sandbox) = (sales(40), sandbox());
    sandbox.fault(&json!({
        "action": "status", "status": 500, "times": 30, "after_effect": true
    }));
    sandbox.fault(&json!({"action": "status", "status": 500, "times": 1_000_000}));

    let mut run = place.command_to(&sandbox, RUN);
    let run = run.env("FPRECON_GIVE_UP_AFTER_SECONDS", "2").output();
    let report = Ran(run.unwrap()).expect(5).json();
    assert_eq!(outcome(&report, "not_sent"), 40);
    assert_eq!(report["exit_code"], 5);
    let asked = sandbox.arrivals().len();
    assert!(asked < 100, "{asked} requests to an API that only fails");

    sandbox.forget_faults();
    let report = place.run_to(&sandbox, RESUME).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 40, "409s of our own too");
    assert_all_sales(&sandbox, 40);
}

#[test]
fn a_redirect_is_not_followed() {
    let place = sales(3);
    let elsewhere = TcpListener::bind("127.0.0.1:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let target = elsewhere.local_addr().unwrap();
    for status in ["302 Found", "307 Temporary Redirect"] {
        let asked = Arc::new(AtomicUsize::new(0));
        let base_url = redirecting(status, &format!("http://{target}/"), Arc::clone(&asked));
        let journal = format!("{}.journal", &status[..3]);
        let arguments = [RUN, &["--journal", &journal]].concat();
        let mut run = place.command_at(&base_url, &arguments);
        let run = run.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1").output();
        let ran = Ran(run.unwrap()).expect(5);
        assert_eq!(outcome(&ran.json(), "not_sent"), 3);
        assert!(asked.load(Ordering::SeqCst) > 0);
        assert!(
            elsewhere.accept().is_err(),
            "nobody connects to where it points"
        );
    }
}

/// A server that answers every request with a redirect.
fn redirecting(status: &'static str, location: &str, asked: Arc<AtomicUsize>) -> String {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let answer = format!(
        "HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    std::thread::spawn(move || {
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            asked.fetch_add(1, Ordering::SeqCst);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}/api/v1")
}

#[test]
fn an_unreachable_api_loses_nothing_and_the_journal_stays_with_its_account() {
    let place = sales(8);
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let mut run = place.command_at(&format!("http://{address}/api/v1"), RUN);
    let run = run.env("FPRECON_GIVE_UP_AFTER_SECONDS", "1").output();
    let report = Ran(run.unwrap()).expect(5).json();
    assert_eq!(outcome(&report, "not_sent"), 8);

    let other = sandbox();
    place.run_to(&other, RESUME).expect(6);
    place.run_to(&other, RUN).expect(6);
    assert!(other.arrivals().is_empty());

    // When the API is back, at the same address, everything goes out once.
    let back = SandboxProcess::start(&["--lead-share", "100", "--listen", &address.to_string()]);
    place.run_to(&back, RESUME).expect(0);
    assert_eq!(back.arrivals().len(), 8);
    assert_all_sales(&back, 8);
}

/// A sale and a cancellation that carries no id on the wire.
fn cancelled() -> Place {
    let place = Place::new();
    place.write(
        "payments.csv",
        "kind,event_id,email,amount,created_at\n\
         sale,s1,ina@example.com,20.00,2026-03-01\n\
         cancellation,c1,ina@example.com,,2026-03-05\n",
    );
    place
}

fn cancellations(sandbox: &SandboxProcess) -> usize {
    let is_cancellation = |arrival: &&Value| arrival["path"] == "/api/v1/track/cancellation";
    sandbox.arrivals().iter().filter(is_cancellation).count()
}

#[test]
fn a_cancellation_whose_answer_was_lost_goes_again_only_on_purpose() {
    let (place, sandbox) = (cancelled(), sandbox());
    sandbox.fault(&json!({"action": "close", "after_effect": true, "kind": "cancellation"}));

    let report = place.run_to(&sandbox, RUN).expect(1).json();
    assert_eq!(
        (outcome(&report, "tracked"), outcome(&report, "unconfirmed")),
        (1, 1)
    );
    assert_eq!(cancellations(&sandbox), 1);
    place.run_to(&sandbox, RUN).expect(1);
    place.run_to(&sandbox, RESUME).expect(1);
    assert_eq!(cancellations(&sandbox), 1);

    let refused = place
        .run_to(&sandbox, &["retry", "--unconfirmed"])
        .expect(2);
    assert!(refused.stderr().contains("--yes"), "{}", refused.stderr());
    place
        .run_to(&sandbox, &["retry", "--failed", "--json"])
        .expect(1);
    assert_eq!(cancellations(&sandbox), 1);

    let retry = place.run_to(&sandbox, &["retry", "--unconfirmed", "--yes", "--json"]);
    assert_eq!(outcome(&retry.expect(0).json(), "tracked"), 1);
    assert_eq!(cancellations(&sandbox), 2);
    place
        .run_to(&sandbox, &["retry", "--unconfirmed", "--yes"])
        .expect(0);
    assert_eq!(cancellations(&sandbox), 2);
}

#[test]
fn a_cancellation_that_met_a_500_is_unconfirmed() {
    let (place, sandbox) = (cancelled(), sandbox());
    sandbox.fault(&json!({"action": "status", "status": 500, "kind": "cancellation"}));

    let report = place.run_to(&sandbox, RUN).expect(1).json();
    assert_eq!(outcome(&report, "unconfirmed"), 1);
    assert_eq!(cancellations(&sandbox), 1);
}

#[test]
fn a_cancellation_that_was_told_too_fast_is_known_not_to_count_and_goes_again() {
    let (place, sandbox) = (cancelled(), sandbox());
    sandbox.fault(&json!({
        "action": "status", "status": 429, "retry_after": 0, "kind": "cancellation"
    }));

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 2);
    assert_eq!(cancellations(&sandbox), 2);
    assert_eq!(sandbox.events().len(), 2);
}

#[test]
fn a_cancellation_with_an_id_is_as_safe_to_repeat_as_a_sale() {
    let place = cancelled();
    let options = ["--lead-share", "100", "--cancellation-event-id"];
    let sandbox = SandboxProcess::start(&options);
    sandbox.fault(&json!({"action": "close", "after_effect": true, "kind": "cancellation"}));

    let mut run = place.command_to(&sandbox, RUN);
    let run = run.env("FPRECON_CANCELLATION_EVENT_ID", "true").output();
    assert_eq!(outcome(&Ran(run.unwrap()).expect(0).json(), "tracked"), 2);
    assert_identical(&arrivals_of(&sandbox, "c1"), 2);
    assert_eq!(effects(&sandbox).len(), 2);
}

#[test]
fn each_customers_events_go_one_after_the_other_and_customers_go_side_by_side() {
    const LATENCY_MS: u64 = 40;
    const CUSTOMERS: u64 = 24;
    let mut rows = Vec::new();
    for customer in 0..CUSTOMERS {
        let email = format!("user{customer}@example.com");
        for (day, month) in [(3, "01"), (11, "02"), (19, "03")] {
            let sale = format!("s{customer}_{month}");
            rows.push(format!("sale,{sale},,{email},20.00,2026-{month}-{day:02}"));
        }
        rows.push(format!(
            "refund,r{customer},s{customer}_02,{email},5.00,2026-02-20"
        ));
        rows.push(format!("cancellation,c{customer},,{email},,2026-03-20"));
    }
    // The export's order is none: only the dates count.
    let mut rng = fastrand::Rng::with_seed(7);
    rng.shuffle(&mut rows);
    let header = "kind,event_id,sale_event_id,email,amount,created_at";
    let place = Place::new();
    place.write("payments.csv", &format!("{header}\n{}\n", rows.join("\n")));
    let latency = LATENCY_MS.to_string();
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", &latency]);

    let report = place.run_to(&sandbox, RUN).expect(0).json();
    let total = CUSTOMERS * 5;
    assert_eq!(outcome(&report, "tracked"), total);
    let arrivals = sandbox.arrivals();
    assert_eq!(arrivals.len() as u64, total);
    let mut last: HashMap<String, (String, u64)> = HashMap::new();
    let at = |arrival: &Value| arrival["at_ms"].as_u64().unwrap();
    for arrival in &arrivals {
        assert_eq!(arrival["status"], 200);
        let customer = form(arrival, "email").unwrap();
        let date = form(arrival, "created_at").unwrap();
        if let Some((earlier, since)) = last.get(&customer) {
            assert!(*earlier < date, "{customer}: {date} after {earlier}");
            // The sandbox holds every answer back for so long, so that this is after the answer.
            assert!(at(arrival) + 1 >= since + LATENCY_MS, "{customer}: {date}");
        }
        last.insert(customer, (date, at(arrival)));
    }
    // Before the first customer is done, others have begun.
    let customers: Vec<String> = arrivals
        .iter()
        .map(|arrival| form(arrival, "email").unwrap())
        .collect();
    let done = customers
        .iter()
        .rposition(|own| *own == customers[0])
        .unwrap();
    let begun: BTreeSet<&String> = customers[..done].iter().collect();
    assert!(begun.len() > 4, "one customer after the other: {begun:?}");
}

#[test]
fn requests_leave_at_one_steady_rate() {
    let (place, sandbox) = (sales(60), sandbox());
    let mut run = place.command_to(&sandbox, RUN);
    let run = run.env("FPRECON_REQUESTS_PER_MINUTE", "1200").output();
    Ran(run.unwrap()).expect(0);

    let arrivals = sandbox.arrivals();
    let at: Vec<u64> = arrivals
        .iter()
        .map(|arrival| arrival["at_ms"].as_u64().unwrap())
        .collect();
    assert_eq!(at.len(), 60);
    // 20 leave in a second; one that is held up on its way may fall in with those after it.
    for (place, first) in at.iter().enumerate() {
        let window = at[place..].iter().filter(|at| **at < first + 1000).count();
        assert!(window <= 22, "{window} in a second: {at:?}");
    }
    assert!(at[59] - at[0] >= 2900, "{at:?}");
}

#[test]
fn a_second_process_on_a_journal_is_told_who_has_it() {
    let place = sales(8);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "300"]);
    let arguments = [RUN, &["--concurrency", "2"]].concat();
    let first = spawn(place.command_to(&sandbox, &arguments));
    wait_for_arrivals(&sandbox, 1);
    let holder = format!("process {}", first.id());

    // It holds the journal as long as the others need.
    signal(&first, "-STOP");
    for arguments in [RUN, RESUME, &["retry", "--failed"]] {
        let second = place.run_to(&sandbox, arguments).expect(7);
        assert!(second.stderr().contains(&holder), "{}", second.stderr());
    }
    place
        .run_to(&sandbox, &["status", "--json"])
        .expect(0)
        .json();
    signal(&first, "-CONT");
    end(first).expect(0);
    assert_all_sales(&sandbox, 8);
    assert_eq!(sandbox.arrivals().len(), 8);
}

#[test]
fn status_says_how_far_a_run_is_while_it_goes_on() {
    let place = sales(60);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "300"]);
    let arguments = [RUN, &["--concurrency", "1"]].concat();
    let mut child = spawn(place.command_to(&sandbox, &arguments));
    wait_for_arrivals(&sandbox, 3);
    let status = place.run_to(&sandbox, &["status", "--json"]).expect(0);
    let json = status.json();
    let running = &json["running"];
    assert_eq!(running["command"], "run");
    assert_eq!(running["process"], child.id());
    assert_eq!(running["events"], 60);
    let settled = running["settled"].as_u64().unwrap();
    assert!((1..60).contains(&settled), "{running}");
    assert!(
        running["requests"].as_u64().unwrap() >= settled,
        "{running}"
    );
    assert!(running["requests_per_minute"].as_u64().unwrap() >= settled);
    assert!(running["seconds_left"].as_u64().unwrap() > 0, "{running}");
    // What is being sent is nobody's task.
    assert_eq!(json["attention"], json!([]));
    let said = place.run_to(&sandbox, &["status"]).expect(0).stdout();
    let process = format!("Running  `fprecon run`, process {} on ", child.id());
    assert!(said.contains(&process), "{said}");
    assert!(said.contains(" of 60 events settled, "), "{said}");
    assert!(
        said.ends_with("Nothing needs attention so far.\n"),
        "{said}"
    );

    child.kill().unwrap();
    child.wait().unwrap();
    let killed = place.run_to(&sandbox, &["status", "--json"]).json();
    assert_eq!(killed["running"], json!(null));
    assert_eq!(killed["attention"][0]["code"], "not_sent");
    let said = place.run_to(&sandbox, &["status"]).stdout();
    assert!(said.contains("  killed\n"), "{said}");
    assert!(said.contains("fprecon resume"), "{said}");
}

/// Signals a slow run, and says what it reported; then `resume` has to send the rest once.
fn interrupted(name: &str, code: i32) {
    let place = sales(40);
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "200"]);
    let arguments = [RUN, &["--concurrency", "4"]].concat();
    let child = spawn(place.command_to(&sandbox, &arguments));
    wait_for_arrivals(&sandbox, 6);
    signal(&child, name);
    let report = end(child).expect(code).json();

    let arrived = sandbox.arrivals().len() as u64;
    assert!((6..40).contains(&arrived), "{arrived}");
    assert_eq!(
        outcome(&report, "tracked"),
        arrived,
        "those under way count"
    );
    assert_eq!(outcome(&report, "not_sent"), 40 - arrived);
    assert_eq!(report["exit_code"], code);

    let report = place.run_to(&sandbox, RESUME).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 40);
    assert_eq!(sandbox.arrivals().len(), 40);
    assert_all_sales(&sandbox, 40);
}

#[test]
fn sigint_waits_for_what_is_under_way_and_resume_sends_the_rest() {
    interrupted("-INT", 130);
}

#[test]
fn sigterm_waits_for_what_is_under_way_and_resume_sends_the_rest() {
    interrupted("-TERM", 143);
}

#[test]
fn a_second_sigint_leaves_at_once_and_resume_still_sends_each_once() {
    let place = sales(6);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    sandbox.fault(&json!({
        "action": "delay", "delay_ms": 3_600_000, "times": 6, "after_effect": true
    }));
    let mut command = place.command_to(&sandbox, RUN);
    // Nothing but the signal ends the wait for the answers.
    command.env("FPRECON_READ_TIMEOUT_SECONDS", "3600");
    command.env("FPRECON_REQUEST_TIMEOUT_SECONDS", "3600");
    let mut child = spawn(command);
    wait_for_arrivals(&sandbox, 6);
    signal(&child, "-INT");
    let pid = child.id().to_string();
    wait_until("it waits for the answers", || {
        std::thread::sleep(Duration::from_millis(300));
        let is_over = child.try_wait().unwrap().is_some();
        if !is_over {
            // Where the first one is not handled yet, two come as one.
            let _ = Command::new("kill").args(["-INT", &pid]).status();
        }
        is_over
    });
    let report = end(child).expect(130).json();
    assert_eq!(outcome(&report, "not_sent"), 6);

    let report = place.run_to(&sandbox, RESUME).expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 6, "409s of our own");
    assert_all_sales(&sandbox, 6);
}

#[test]
fn a_refund_of_a_sale_that_was_no_referral_is_not_sent_by_resume_either() {
    // The sale's 204 is recorded, the run interrupted; the customer becomes a lead before `resume`.
    let place = refunded_sale();
    let sandbox = SandboxProcess::start(&["--lead-share", "0", "--latency-ms", "500"]);
    let child = spawn(place.command_to(&sandbox, RUN));
    wait_for_arrivals(&sandbox, 1);
    signal(&child, "-INT");
    let report = end(child).expect(130).json();
    assert_eq!(
        (
            outcome(&report, "non_referral"),
            outcome(&report, "not_sent")
        ),
        (1, 1)
    );
    let new_lead = "email=user1@example.com&uid=cus_0001&event_id=x&amount=900&promo_code=P";
    sandbox.track("sale", new_lead);
    assert_eq!(effects(&sandbox).len(), 1);

    let report = place.run_to(&sandbox, RESUME).expect(0).json();
    assert_eq!(outcome(&report, "non_referral"), 2);
    assert_eq!(effects(&sandbox).len(), 1, "nothing is reversed");
}

#[test]
fn resume_ends_a_run_that_was_killed_after_its_last_answer() {
    let (place, sandbox) = (sales(2), sandbox());
    sandbox.fault(&json!({"action": "status", "status": 400, "event_id": "in_0002"}));
    place.run_to(&sandbox, RUN).expect(1);
    // As a kill leaves it that comes between the last answer and the end of the run.
    let journal = open_to_edit(place.path("fprecon.journal"));
    let killed = "UPDATE run SET ended_ms = NULL, end_reason = NULL, exit_code = NULL,
        report_dir = NULL";
    assert_eq!(journal.execute(killed, []).unwrap(), 1);
    drop(journal);

    let report = place.run_to(&sandbox, RESUME).expect(1).json();
    assert_eq!(outcome(&report, "failed"), 1);
    assert_eq!(report["exit_code"], 1);
    assert!(report["report_dir"].is_string());
    assert_eq!(sandbox.arrivals().len(), 2, "nothing is sent");
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["runs"][0]["end_reason"], "done");
    place.run_to(&sandbox, RESUME).expect(1);
}
