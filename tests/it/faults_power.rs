//! Power loss and disks that fail, by the system calls of the real program. The tests are named after
//! their row of the table in `docs/reliability.md`.
//!
//! A kill leaves the page cache, and so can't show what is on disk. Here every write and sync of the
//! journal is recorded by `strace`, and what a power loss would have left is rebuilt from them: with
//! nothing of what was not synced, or with any part of it. `FPRECON_POWER_CUTS` says how many cuts
//! are resumed; `FPRECON_POWER_SEED` repeats them.

use crate::support::strace;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;

use crate::support::{Place, Ran, SandboxProcess, form, open_to_edit};
use rusqlite::{OptionalExtension, params};
use strace::{Call, Disk, Loss, calls, can_trace, traced};

const RUN: &[&str] = &["run", "events.csv", "--yes", "--json", "--concurrency", "4"];
const CONCURRENCY: usize = 4;
const CUTS: u64 = 12;
const CUSTOMERS: u32 = 16;

/// Two sales for each customer, a refund for every other one, and some cancellations, which carry no
/// id on the wire.
fn export(customers: u32) -> String {
    let mut text = String::from("kind,event_id,sale_event_id,email,amount,created_at\n");
    for n in 0..customers {
        let email = format!("user{n}@example.com");
        text.push_str(&format!("sale,s{n}a,,{email},20.00,2026-01-05\n"));
        text.push_str(&format!("sale,s{n}b,,{email},31.50,2026-02-05\n"));
        if n % 2 == 0 {
            text.push_str(&format!("refund,r{n},s{n}a,{email},5.00,2026-01-09\n"));
        }
        if n % 3 == 0 {
            text.push_str(&format!("cancellation,c{n},,{email},,2026-03-01\n"));
        }
    }
    text
}

/// Every event that took effect, by kind, id and customer, and how often.
fn effects(sandbox: &SandboxProcess) -> BTreeMap<[String; 3], usize> {
    let mut effects = BTreeMap::new();
    for event in sandbox.events() {
        let text = |field: &str| event[field].as_str().unwrap_or_default().to_owned();
        let key = [text("kind"), text("event_id"), text("email")];
        *effects.entry(key).or_default() += 1;
    }
    effects
}

/// The same of an export, where all customers are leads.
fn planned(customers: u32) -> BTreeSet<[String; 3]> {
    let text = export(customers);
    let events = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let id = match cells[0] {
            "cancellation" => "",
            _ => cells[1],
        };
        [cells[0], id, cells[3]].map(str::to_owned)
    });
    events.collect()
}

/// Each planned event took effect once, nothing else did. A cancellation that may have been recorded
/// must not be asked again: it took effect at most once, and where it did not, it is `unconfirmed`.
#[track_caller]
fn expect_each_once(sandbox: &SandboxProcess, place: &Place, what: &str) {
    let effects = effects(sandbox);
    let doubled: Vec<_> = effects.iter().filter(|(_, n)| **n != 1).collect();
    assert!(doubled.is_empty(), "{what}: {doubled:?}");
    let found: BTreeSet<[String; 3]> = effects.into_keys().collect();
    let planned = planned(CUSTOMERS);
    let unplanned: Vec<_> = found.difference(&planned).collect();
    assert!(unplanned.is_empty(), "{what}: {unplanned:?}");
    let unconfirmed = unconfirmed_customers(place);
    for missing in planned.difference(&found) {
        let [kind, _, email] = missing;
        let is_said = kind == "cancellation" && unconfirmed.contains(email);
        assert!(is_said, "{what}: {missing:?} is lost");
    }
}

fn unconfirmed_customers(place: &Place) -> BTreeSet<String> {
    let journal = open_to_edit(place.path("fprecon.journal"));
    let sql = "SELECT email FROM event WHERE outcome = 'unconfirmed'";
    let mut statement = journal.prepare(sql).unwrap();
    let emails = statement.query_map([], |row| row.get(0)).unwrap();
    emails.map(Result::unwrap).collect()
}

/// What a request is about: the event's id, or the customer whose cancellation it is.
fn subject(request: &[u8]) -> (Option<String>, String) {
    let text = String::from_utf8_lossy(request).into_owned();
    let body = text.split_once("\r\n\r\n").unwrap().1;
    let arrival = serde_json::json!({ "body": body });
    (form(&arrival, "event_id"), form(&arrival, "email").unwrap())
}

/// The number in the journal of what a request is about, as of this state of the disk; fails unless
/// its intent is there without an answer, and the results of all of its customer before it.
fn expect_intended(journal: &Path, request: &[u8]) {
    let (id, email) = subject(request);
    let connection = open_to_edit(journal);
    let which = "SELECT e.id, a.number, a.answer FROM event e LEFT JOIN attempt a ON a.event = e.id
         WHERE e.email = ?1 AND (e.event_id = ?2 OR ?2 IS NULL AND e.kind = 'cancellation')
         ORDER BY a.number DESC LIMIT 1";
    let found: Option<(i64, Option<u32>, Option<String>)> = connection
        .query_row(which, params![email, id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()
        .unwrap();
    let Some((event, Some(_), None)) = found else {
        panic!("{id:?} of {email} left and its intent is not on disk: {found:?}");
    };
    let earlier = "SELECT count(*) FROM event WHERE email = ?1 AND id < ?2 AND outcome IS NULL";
    let open: i64 = connection
        .query_row(earlier, params![email, event], |row| row.get(0))
        .unwrap();
    assert_eq!(
        open, 0,
        "{id:?} of {email} left before the one before it was settled on disk"
    );
}

/// What a power loss leaves now, in a folder of its own.
fn cut(disk: &Disk, loss: Loss<'_>) -> Place {
    let place = Place::new();
    disk.after_power_loss(place.root(), loss);
    place
}

/// Goes through the calls of a run, and at each request looks at what was on disk by then.
fn follow(disk: &mut Disk, calls: &[Call]) -> usize {
    let mut requests = 0;
    for call in calls {
        if let Some(request) = call.request() {
            let place = cut(disk, Loss::Everything);
            expect_intended(&place.path("fprecon.journal"), &request);
            requests += 1;
        }
        disk.take(call);
    }
    requests
}

#[test]
fn row_05_each_intent_is_on_disk_before_the_first_byte_of_its_request() {
    if !can_trace() {
        return;
    }
    let place = Place::new();
    place.write("events.csv", &export(CUSTOMERS));
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "5"]);
    let mut disk = Disk::of(place.root());
    let trace = place.path("trace");
    let mut run = traced(&place.command_to(&sandbox, RUN), &trace, &[]);
    Ran(run.output().unwrap()).expect(0);

    let requests = follow(&mut disk, &calls(&trace));
    disk.expect_as_seen();
    assert_eq!(requests, planned(CUSTOMERS).len());
    assert_eq!(
        requests,
        sandbox.arrivals().len(),
        "none is missing in the trace"
    );
}

/// A port that nothing takes by itself, for a server that has to come back at the same address.
fn own_address() -> String {
    loop {
        let port = fastrand::u16(20_000..32_000);
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return listener.local_addr().unwrap().to_string();
        }
    }
}

fn sandbox_at(address: &str) -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100", "--listen", address])
}

/// Sends what was sent before the power went, so that the account is as it was.
fn replay(address: &str, requests: &[Vec<u8>]) {
    for request in requests {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = [0; 12];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer[9..], b"200", "it takes effect");
    }
}

/// A run as it was traced: after each call the disk, and what had left by then.
struct Traced {
    place: Place,
    address: String,
    calls: Vec<Call>,
    /// The calls that change the disk or send, at which the power may go.
    moments: Vec<usize>,
}

fn traced_run() -> Traced {
    let place = Place::new();
    place.write("events.csv", &export(CUSTOMERS));
    let address = own_address();
    let sandbox = sandbox_at(&address);
    let trace = place.path("trace");
    let mut run = traced(&place.command_to(&sandbox, RUN), &trace, &[]);
    // The disk is rebuilt from nothing: the journal is made in this run.
    let mut disk = Disk::of(place.root());
    Ran(run.output().unwrap()).expect(0);
    let calls = calls(&trace);
    let changes = calls.iter().enumerate().filter_map(|(number, call)| {
        let matters = disk.take(call) || call.request().is_some();
        matters.then_some(number)
    });
    let moments = changes.collect();
    disk.expect_as_seen();
    Traced {
        place,
        address,
        calls,
        moments,
    }
}

impl Traced {
    /// The disk and the requests when the power goes right after a call.
    fn at(&self, moment: usize) -> (Disk, Vec<Vec<u8>>) {
        let mut disk = Disk::empty(self.place.root());
        let mut requests = Vec::new();
        for call in &self.calls[..=moment] {
            requests.extend(call.request());
            disk.take(call);
        }
        (disk, requests)
    }

    /// Lets the power go, and resumes with the account as it was then.
    fn lose_power(&self, moment: usize, loss: Loss<'_>, what: &str) -> bool {
        let (disk, requests) = self.at(moment);
        let after = cut(&disk, loss);
        after.write("events.csv", &export(CUSTOMERS));
        let sandbox = sandbox_at(&self.address);
        replay(&self.address, &requests);
        let resumed = after.run_to(&sandbox, &["resume", "--json"]);
        let was_recorded = match resumed.code() {
            // Cancellations that may have taken effect are `unconfirmed`, which needs attention.
            0 | 1 => true,
            // There is no journal yet.
            3 => false,
            code => panic!("{what}: {code}: {}", resumed.stderr()),
        };
        let again = after.run_to(&sandbox, RUN).expect_one_of(&[0, 1]);
        assert!(
            requests.is_empty() || again["requests"] == 0,
            "{what}: {again}"
        );
        expect_each_once(&sandbox, &after, what);
        after.run_to(&sandbox, &["journal", "check"]).expect(0);
        was_recorded
    }
}

#[test]
fn row_05_a_power_loss_at_any_write_loses_and_doubles_nothing() {
    if !can_trace() {
        return;
    }
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let seed = number("FPRECON_POWER_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
    let cuts = number("FPRECON_POWER_CUTS").unwrap_or(CUTS);
    eprintln!("FPRECON_POWER_SEED={seed} repeats these cuts");
    let mut rng = fastrand::Rng::with_seed(seed);
    let traced = traced_run();
    assert!(traced.moments.len() > 150, "{}", traced.moments.len());
    let mut recorded = 0;
    for number in 0..cuts {
        let moment = traced.moments[rng.usize(..traced.moments.len())];
        let what = format!("cut {number} at call {moment}, seed {seed}");
        let loss = match number % 2 {
            0 => Loss::Everything,
            _ => Loss::Some(&mut rng),
        };
        recorded += u64::from(traced.lose_power(moment, loss, &what));
    }
    assert!(
        cuts < CUTS || recorded > 0,
        "some cuts come after the plan was recorded"
    );
}

#[test]
fn row_06_after_a_sync_that_failed_nothing_is_sent_and_no_later_sync_is_believed() {
    if !can_trace() {
        return;
    }
    let mut failed_while_sending = 0;
    for nth in 1..=7 {
        failed_while_sending += usize::from(fail_sync(nth));
    }
    assert!(failed_while_sending >= 3, "{failed_while_sending}");
}

/// Lets the `nth` sync of each thread fail, then resumes; says whether something had left before.
fn fail_sync(nth: usize) -> bool {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "20"]);
    // The journal is there already, so that few syncs come before those of sending.
    place.write("none.csv", "kind,event_id,email,amount\n");
    place.run_to(&sandbox, &["run", "none.csv", "--yes"]);
    place.write("events.csv", &export(CUSTOMERS));
    let mut disk = Disk::of(place.root());

    let trace = place.path("trace");
    let inject = format!("inject=fsync,fdatasync:error=EIO:when={nth}");
    let mut run = traced(&place.command_to(&sandbox, RUN), &trace, &["-e", &inject]);
    let ran = Ran(run.output().unwrap()).expect(6);
    assert!(ran.stderr().contains("journal"), "{}", ran.stderr());

    let all = calls(&trace);
    let root = place.root().canonicalize().unwrap();
    // SQLite syncs the directory as well and takes no notice of a failure; we have done it before.
    let has_failed = |call: &Call| {
        call.is_sync() && call.result < 0 && (nth == 1 || Path::new(&call.target) != root)
    };
    let failed = all.iter().position(has_failed).unwrap();
    let (before, after) = all.split_at(failed);
    let sent = follow(&mut disk, before);
    // Before the news of it arrives, what was intended in an earlier commit may leave.
    let sent_late = follow(&mut disk, after);
    assert!(
        sent_late <= CONCURRENCY,
        "sync {nth} failed and {sent_late} requests left"
    );
    disk.expect_as_seen();
    assert_eq!(sent + sent_late, sandbox.arrivals().len(), "{nth}");
    let database = root.join("fprecon.journal");
    let writes_database =
        |call: &Call| call.name == "pwrite64" && Path::new(&call.target) == database;
    assert!(
        !after.iter().any(writes_database),
        "what was not synced is not moved into the database"
    );
    let syncs = after.iter().skip(1).filter(|call| call.is_sync()).count();
    assert_eq!(syncs, 0, "nothing is tried again");

    // What the failed sync left in memory looks written. A power loss in the resumption, whose own
    // syncs succeed, must not find a hole there.
    let trace = place.path("trace-of-resume");
    let mut resume = traced(&place.command_to(&sandbox, &["resume"]), &trace, &[]);
    let resumed = Ran(resume.output().unwrap());
    assert!(matches!(resumed.code(), 0 | 1), "{}", resumed.stderr());
    follow(&mut disk, &strace::calls(&trace));
    disk.expect_as_seen();
    place.run_to(&sandbox, RUN).expect_one_of(&[0, 1]);
    expect_each_once(&sandbox, &place, &format!("sync {nth} failed"));
    sent > 0
}
