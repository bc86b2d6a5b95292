//! Kills at random moments: the real binary, a real sandbox process, SIGKILL, then `resume`, until
//! all is done. What took effect and what the report says must be what an undisturbed run gives.
//!
//! A kill counts when it met a process that was still running. `FPRECON_CRASH_KILLS` says how many
//! there are to be; `FPRECON_CRASH_SEED` repeats one round.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{Place, Ran, SandboxProcess, form};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

const KILLS: u64 = 30;
const AT_A_TIME: u64 = 2;
const CUSTOMERS: u32 = 30;
/// Rows that can't be read: they make recording and reporting take their time.
const REJECTED: u32 = 700;
const SANDBOX: &[&str] = &["--lead-share", "80", "--latency-ms", "5"];
const RUN: &[&str] = &["run", "events.csv", "--yes", "--json"];
/// After so many kills a round is left to end by itself.
const KILLS_A_ROUND: u64 = 5;

/// Some 90 events of 30 customers: sales with no refund, a partial, two partial or a full one;
/// a few cancellations, which carry no id on the wire.
fn export() -> String {
    let mut text = String::from("kind,event_id,sale_event_id,email,amount,created_at\n");
    for n in 0..CUSTOMERS {
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
    for n in 0..REJECTED {
        text.push_str(&format!("sale,x{n},,user{n}@example.com,1e3,2026-01-05\n"));
    }
    text
}

/// Which generation of the API is spoken.
#[derive(Clone, Copy, Debug)]
enum Version {
    V1,
    V2,
}

impl Version {
    fn command(self, place: &Place, sandbox: &SandboxProcess, arguments: &[&str]) -> Command {
        match self {
            Version::V1 => place.command_to(sandbox, arguments),
            Version::V2 => place.command_to_v2(sandbox, arguments),
        }
    }

    fn run(self, place: &Place, sandbox: &SandboxProcess, arguments: &[&str]) -> Ran {
        Ran(self.command(place, sandbox, arguments).output().unwrap())
    }

    /// A field of a request's body.
    fn field(self, arrival: &Value, name: &str) -> Option<String> {
        match self {
            Version::V1 => form(arrival, name),
            Version::V2 => {
                let body: Value = serde_json::from_str(arrival["body"].as_str()?).unwrap();
                body[name].as_str().map(str::to_owned)
            }
        }
    }
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

/// What the reports of all runs say of each event, by kind and id: amount, currency, customer, place,
/// and, but for cancellations, the outcome. And how many rejected rows the last run's has.
fn reports(place: &Place) -> (BTreeMap<[String; 2], Vec<String>>, usize) {
    let mut events = BTreeMap::new();
    let mut rejected = 0;
    for entry in fs::read_dir(place.path("reports")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let read = |file: &str| place.csv(&format!("reports/{name}/{file}"));
        for file in ["tracked.csv", "non_referral.csv", "failed.csv"] {
            let mut rows = read(file).into_iter();
            let header = rows.next().unwrap();
            for row in rows {
                let cell = |column: &str| {
                    let at = header.iter().position(|name| name == column).unwrap();
                    row[at].clone()
                };
                let key = [cell("kind"), cell("event_id")];
                let mut says: Vec<String> = ["amount_cents", "currency", "email", "file", "line"]
                    .map(cell)
                    .into();
                if key[0] != "cancellation" {
                    says.push(cell("outcome"));
                }
                // What an earlier run left failed or unconfirmed stands in the reports of later runs over
                // the same exports, too, and says the same there.
                if let Some(before) = events.insert(key, says.clone()) {
                    assert_eq!(
                        (file, &before),
                        ("failed.csv", &says),
                        "stands in two places"
                    );
                }
            }
        }
        rejected = read("rejected.csv").len() - 1;
    }
    (events, rejected)
}

struct Expected {
    version: Version,
    effects: Effects,
    books: BTreeMap<String, Value>,
    reports: (BTreeMap<[String; 2], Vec<String>>, usize),
}

fn undisturbed(version: Version) -> Expected {
    let place = Place::new();
    place.write("events.csv", &export());
    let sandbox = SandboxProcess::start(SANDBOX);
    // Rows are rejected, which needs attention.
    version.run(&place, &sandbox, RUN).expect(1);
    let effects = effects(&sandbox);
    assert!(effects.len() > 60 && effects.values().all(|n| *n == 1));
    let reports = reports(&place);
    assert_eq!(reports.1, REJECTED as usize);
    Expected {
        version,
        effects,
        books: books(&place),
        reports,
    }
}

/// What a process was doing when it was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Doing {
    /// Nothing of it is in the journal.
    ReadingOrRecording,
    /// Something is left to send.
    Sending,
    /// All is settled, and the run has no end yet.
    Reporting,
    /// The run has its end.
    Ending,
}

fn was_doing(place: &Place) -> Doing {
    let path = place.path("fprecon.journal");
    let open = || Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).ok();
    let Some(journal) = path.exists().then(open).flatten() else {
        return Doing::ReadingOrRecording;
    };
    let count = |sql: &str| -> i64 { journal.query_row(sql, [], |row| row.get(0)).unwrap() };
    if count("SELECT count(*) FROM run") == 0 {
        Doing::ReadingOrRecording
    } else if count("SELECT count(*) FROM event WHERE outcome IS NULL") > 0 {
        Doing::Sending
    } else if count("SELECT count(*) FROM run WHERE ended_ms IS NULL") > 0 {
        Doing::Reporting
    } else {
        Doing::Ending
    }
}

/// What kills are aimed at, each in turn; where they land is looked up afterwards.
const AIMS: [Doing; 3] = [Doing::ReadingOrRecording, Doing::Sending, Doing::Reporting];

/// How many kills are to land in each of [`AIMS`], however many it takes.
const EACH: u64 = 5;

/// Kills that miss one of [`AIMS`] are repeated until there are so many times those that are wanted.
const MOST: u64 = 20;

/// Waits for a sign that the process is about to do what the kill is aimed at, then a random while, and
/// kills it; says whether it was still there.
fn kill_at_random(mut child: Child, place: &Place, aim: Doing, rng: &mut fastrand::Rng) -> bool {
    let reports = || fs::read_dir(place.path("reports")).map_or(0, Iterator::count);
    let before = reports();
    let log = place.path("fprecon.journal-wal");
    let log_bytes = move || log.metadata().map_or(0, |log| log.len());
    let (sign, most_ms): (Box<dyn Fn() -> bool>, u64) = match (aim, rng.bool()) {
        (Doing::ReadingOrRecording, true) => (Box::new(|| true), 150),
        (Doing::ReadingOrRecording, false) => (Box::new(move || log_bytes() > 0), 30),
        (Doing::Sending, true) => (Box::new(move || log_bytes() > 400_000), 100),
        (Doing::Sending, false) => (Box::new(|| true), 400),
        (Doing::Reporting | Doing::Ending, _) => (Box::new(move || reports() > before), 40),
    };
    let started = Instant::now();
    let is_over = |child: &mut Child| child.try_wait().unwrap().is_some();
    while !sign() && !is_over(&mut child) && started.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_micros(300));
    }
    std::thread::sleep(Duration::from_micros(rng.u64(..most_ms * 1000)));
    let was_there = !is_over(&mut child);
    let _ = child.kill();
    child.wait().unwrap();
    was_there
}

/// A run that is killed again and again until it is done, and what it was doing at each kill. Kills are
/// aimed at `lacking`, where there is one.
fn round(expected: &Expected, seed: u64, lacking: Option<Doing>) -> Vec<Doing> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let version = expected.version;
    let place = Place::new();
    place.write("events.csv", &export());
    let sandbox = SandboxProcess::start(SANDBOX);
    let mut kills = Vec::new();
    let mut arguments = RUN;
    for _ in 0..KILLS_A_ROUND {
        let mut command = version.command(&place, &sandbox, arguments);
        let command = command.stdout(Stdio::null()).stderr(Stdio::null());
        let aim = lacking.unwrap_or(AIMS[rng.usize(..AIMS.len())]);
        if kill_at_random(command.spawn().unwrap(), &place, aim, &mut rng) {
            kills.push(was_doing(&place));
        }
        // A kill before the plan was recorded leaves nothing to resume.
        arguments = match kills.last() {
            Some(Doing::ReadingOrRecording) => RUN,
            _ => &["resume"],
        };
    }
    let resumed = version.run(&place, &sandbox, &["resume", "--json"]);
    resumed.expect_code_one_of(&[0, 1, 3]);
    // Sends what was never recorded, and nothing if it was.
    let recorded = sandbox.arrivals().len();
    let again = version.run(&place, &sandbox, RUN).expect(1).json();
    let sent = again["requests"].as_u64().unwrap();
    assert!(sent == 0 || recorded == 0, "{sent} after {recorded}");

    compare(expected, &place, &sandbox);
    kills
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
    compare_arrivals(expected.version, sandbox);

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
    assert_eq!(reports(place), expected.reports);
    place.run(&["journal", "check"]).expect(0);
}

/// Repeated requests are the same to the byte, cancellations are not repeated, and a refund waits for
/// its sale's answer.
fn compare_arrivals(version: Version, sandbox: &SandboxProcess) {
    let arrivals = sandbox.arrivals();
    let mut bodies: BTreeMap<String, &Value> = BTreeMap::new();
    let mut answered: BTreeSet<String> = BTreeSet::new();
    let mut cancelled: BTreeSet<String> = BTreeSet::new();
    for arrival in &arrivals {
        let Some(id) = version.field(arrival, "event_id") else {
            let customer = version.field(arrival, "email").unwrap();
            assert!(cancelled.insert(customer), "cancelled twice: {arrival}");
            continue;
        };
        let before = bodies.entry(id.clone()).or_insert(arrival);
        for field in ["path", "body", "query", "content_type"] {
            assert_eq!(before[field], arrival[field], "{id} changed");
        }
        if let Some(sale) = version.field(arrival, "sale_event_id") {
            assert!(answered.contains(&sale), "{id} before {sale} was answered");
        }
        if !arrival["status"].is_null() {
            answered.insert(id);
        }
    }
}

#[test]
fn killed_at_any_moment_it_sends_each_event_once_all_the_same() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let expected = [undisturbed(Version::V1), undisturbed(Version::V2)];
    let of_seed = |seed: u64| &expected[usize::from(seed % 2 == 1)];
    if let Some(seed) = number("FPRECON_CRASH_SEED") {
        eprintln!("{:?}", round(of_seed(seed), seed, None));
        return;
    }
    let wanted = number("FPRECON_CRASH_KILLS").unwrap_or(KILLS);
    let next = AtomicU64::new(fastrand::u64(..1 << 32));
    let killed = Mutex::new(BTreeMap::<Doing, u64>::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let all: u64 = killed.lock().unwrap().values().sum();
                    let lacking = lacking(&killed.lock().unwrap()).filter(|_| all >= wanted);
                    if all >= wanted && lacking.is_none() || all >= MOST * wanted {
                        return;
                    }
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let told = TellSeed(seed);
                    let kills = round(of_seed(seed), seed, lacking);
                    drop(told);
                    for doing in kills {
                        *killed.lock().unwrap().entry(doing).or_default() += 1;
                    }
                }
            });
        }
    });
    let killed = killed.into_inner().unwrap();
    eprintln!("kills: {killed:?}");
    assert_eq!(lacking(&killed), None, "{killed:?}");
}

/// Returns a phase in which too few kills have landed.
fn lacking(killed: &BTreeMap<Doing, u64>) -> Option<Doing> {
    let is_lacking = |doing: &Doing| killed.get(doing).is_none_or(|kills| *kills < EACH);
    AIMS.into_iter().find(is_lacking)
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
