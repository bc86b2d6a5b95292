//! Kills at random moments: the real binary, a real sandbox process, SIGKILL, then `resume`, until
//! all is done. What took effect must be what an undisturbed run gives.
//!
//! `FPRECON_CRASH_ROUNDS` says how many rounds; `FPRECON_CRASH_SEED` repeats one.

#![allow(
    missing_docs,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests, and what they share"
)]

mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::{Place, SandboxProcess, form};

const ROUNDS: u64 = 25;
const AT_A_TIME: u64 = 2;
const SANDBOX: &[&str] = &["--lead-share", "80", "--latency-ms", "5"];
const RUN: &[&str] = &["run", "events.csv", "--yes", "--json"];

/// Some 150 events of 50 customers: sales with no refund, a partial, two partial or a full one;
/// a few cancellations, which carry no id on the wire.
fn export() -> String {
    let mut text = String::from("kind,event_id,sale_event_id,email,amount,created_at\n");
    for n in 0..50 {
        let email = format!("user{n}@example.com");
        let mut add = |kind: &str, id: String, sale: &str, amount: &str, date: &str| {
            text.push_str(&format!("{kind},{id},{sale},{email},{amount},{date}\n"));
        };
        let (first, second) = (format!("s{n}a"), format!("s{n}b"));
        add("sale", first.clone(), "", "20.00", "2026-01-05");
        add("sale", second.clone(), "", "31.50", "2026-02-05");
        match n % 4 {
            0 => add("refund", format!("r{n}"), &first, "20.00", "2026-01-09"),
            1 => add("refund", format!("r{n}"), &second, "1.25", "2026-02-09"),
            2 => {
                add("refund", format!("r{n}x"), &first, "5.00", "2026-01-09");
                add("refund", format!("r{n}y"), &first, "15.00", "2026-01-10");
            }
            _ => {}
        }
        if n % 5 == 0 {
            add("cancellation", format!("c{n}"), "", "", "2026-03-01");
        }
    }
    text
}

/// What took effect: kind, id, amount, sale, customer, and how often.
type Effects = BTreeMap<[String; 5], usize>;

fn effects(sandbox: &SandboxProcess) -> Effects {
    let mut effects = Effects::new();
    for event in sandbox.events() {
        let fields = ["kind", "event_id", "amount_cents", "sale_event_id", "email"];
        let key = fields.map(|field| event[field].to_string());
        *effects.entry(key).or_default() += 1;
    }
    effects
}

fn is_cancellation(effect: &[String; 5]) -> bool {
    effect[0].contains("cancellation")
}

/// The program's own books, by outcome and kind, without requests and times.
fn books(place: &Place) -> BTreeMap<String, Value> {
    let status = place.run(&["status", "--json"]).expect(0).json();
    let mut books = BTreeMap::new();
    for (outcome, sum) in status["events"].as_object().unwrap() {
        for (kind, sum) in sum["by_kind"].as_object().into_iter().flatten() {
            if sum["count"].as_u64().is_some_and(|count| count > 0) {
                books.insert(format!("{outcome} {kind}"), sum.clone());
            }
        }
    }
    for run in status["runs"].as_array().unwrap() {
        assert!(!run["ended"].is_null(), "a run is left without its end");
        assert!(!run["report_dir"].is_null(), "a run is left without report");
    }
    books
}

struct Expected {
    effects: Effects,
    books: BTreeMap<String, Value>,
}

fn undisturbed() -> Expected {
    let place = Place::new();
    place.write("events.csv", &export());
    let sandbox = SandboxProcess::start(SANDBOX);
    place.run_to(&sandbox, RUN).expect(0);
    let effects = effects(&sandbox);
    assert!(effects.len() > 100 && effects.values().all(|n| *n == 1));
    Expected {
        effects,
        books: books(&place),
    }
}

/// Runs a command and kills it after a while; says whether it was faster.
fn killed(mut command: Command, after: Duration) -> bool {
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    std::thread::sleep(after);
    let was_faster = child.try_wait().unwrap().is_some();
    let _ = child.kill();
    child.wait().unwrap();
    was_faster
}

fn round(expected: &Expected, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed);
    let place = Place::new();
    place.write("events.csv", &export());
    let sandbox = SandboxProcess::start(SANDBOX);
    let mut after = |most| Duration::from_millis(rng.u64(5..=most));

    killed(place.command_to(&sandbox, RUN), after(400));
    for _ in 0..2 {
        // A kill before the plan was recorded leaves nothing to resume.
        killed(place.command_to(&sandbox, &["resume"]), after(250));
    }
    let resumed = place.run_to(&sandbox, &["resume", "--json"]);
    assert!(
        matches!(resumed.code(), 0 | 1 | 3),
        "{}: {}",
        resumed.code(),
        resumed.stderr()
    );
    // Sends what was never recorded, and nothing if it was.
    let recorded = sandbox.arrivals().len();
    let again = place.run_to(&sandbox, RUN).expect_one_of(&[0, 1]);
    let sent = again["requests"].as_u64().unwrap();
    assert!(sent == 0 || recorded == 0, "{sent} after {recorded}");

    compare(expected, &place, &sandbox);
}

fn compare(expected: &Expected, place: &Place, sandbox: &SandboxProcess) {
    let effects = effects(sandbox);
    let doubled: Vec<_> = effects.iter().filter(|(_, n)| **n != 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    let with_id = |effects: &Effects| -> BTreeSet<[String; 5]> {
        let all = effects.keys().filter(|effect| !is_cancellation(effect));
        all.cloned().collect()
    };
    assert_eq!(with_id(&effects), with_id(&expected.effects));
    assert!(effects.keys().all(|e| expected.effects.contains_key(e)));

    let arrivals = sandbox.arrivals();
    let mut bodies: BTreeMap<String, &Value> = BTreeMap::new();
    let mut answered: BTreeSet<String> = BTreeSet::new();
    let mut cancelled: BTreeSet<String> = BTreeSet::new();
    for arrival in &arrivals {
        let Some(id) = form(arrival, "event_id") else {
            let customer = form(arrival, "email").unwrap();
            assert!(cancelled.insert(customer), "cancelled twice: {arrival}");
            continue;
        };
        let before = bodies.entry(id.clone()).or_insert(arrival);
        for field in ["path", "body", "query", "content_type"] {
            assert_eq!(before[field], arrival[field], "{id} changed");
        }
        if let Some(sale) = form(arrival, "sale_event_id") {
            assert!(answered.contains(&sale), "{id} before {sale} was answered");
        }
        if !arrival["status"].is_null() {
            answered.insert(id);
        }
    }

    let books = books(place);
    let of_kind = |books: &BTreeMap<String, Value>, wanted: bool| -> BTreeMap<String, Value> {
        let all = books.clone().into_iter();
        all.filter(|(key, _)| key.ends_with("cancellation") == wanted)
            .collect()
    };
    assert_eq!(of_kind(&books, false), of_kind(&expected.books, false));
    let cancellations = |books| -> u64 {
        let all = of_kind(books, true);
        all.values().filter_map(|sum| sum["count"].as_u64()).sum()
    };
    assert_eq!(cancellations(&books), cancellations(&expected.books));
}

#[test]
fn killed_at_any_moment_it_sends_each_event_once_all_the_same() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let expected = undisturbed();
    if let Some(seed) = number("FPRECON_CRASH_SEED") {
        return round(&expected, seed);
    }
    let rounds = number("FPRECON_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let first = fastrand::u64(..1 << 32);
    std::thread::scope(|scope| {
        for thread in 0..AT_A_TIME {
            let expected = &expected;
            scope.spawn(move || {
                for seed in (first + thread..first + rounds).step_by(AT_A_TIME as usize) {
                    let told = TellSeed(seed);
                    round(expected, seed);
                    drop(told);
                }
            });
        }
    });
}

/// Says how to repeat a round that fails.
struct TellSeed(u64);

impl Drop for TellSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat it with FPRECON_CRASH_SEED={}", self.0);
        }
    }
}
