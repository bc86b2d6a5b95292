//! What a whole run costs: `cargo bench --bench sending [-- EVENTS]`.
//!
//! Both sides are the real program: `fprecon run EXPORT --yes`, with its journal on disk and all its
//! reports, against `fprecon sandbox` as a process of its own on the same machine. Beside it, in the
//! same round, stand a bare loop over `reqwest` with as many requests under way (it reads no export,
//! keeps no journal, writes no report) against another such sandbox, and what a limit or a latency
//! allows at the best. Machines differ and are shared: compare the ratios.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark prints ratios"
)]

#[allow(dead_code, unreachable_pub, reason = "the tests use the rest of it")]
#[path = "../tests/it/support/sandbox_process.rs"]
mod sandbox_process;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures::StreamExt;
use rusqlite::Connection;

use sandbox_process::SandboxProcess;

const ROUNDS: usize = 5;
const PROGRAM: &str = env!("CARGO_BIN_EXE_fprecon");

fn main() {
    let events = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok());
    let events: usize = events.unwrap_or(200_000);
    without_latency(events);
    with_latency();
    memory();
}

/// As many events as the machine can send, 16 at a time.
fn without_latency(events: usize) {
    println!("{events} events, 16 at a time, no latency; {ROUNDS} rounds, min / median / max");
    let place = Place::with_export(events);
    let mut figures: [Vec<f64>; 5] = Default::default();
    for round in 0..ROUNDS {
        let sandbox = start_sandbox(&[]);
        let ran = place.run(&sandbox, round, 16);
        drop(sandbox);
        let sandbox = start_sandbox(&[]);
        let bare = events as f64 / bare_loop(&sandbox, events, 16).as_secs_f64();
        let whole = events as f64 / ran.whole.as_secs_f64();
        let sending = events as f64 / ran.sending.as_secs_f64();
        let all = [whole, sending, bare, whole / bare, sending / bare];
        for (figures, figure) in figures.iter_mut().zip(all) {
            figures.push(figure);
        }
    }
    let [whole, sending, bare, whole_ratio, sending_ratio] = &mut figures;
    show("the whole command, events a second", whole, 0);
    show("  of it, sending with the journal", sending, 0);
    show("a bare loop over reqwest", bare, 0);
    show("the whole command / the bare loop", whole_ratio, 2);
    show("sending with the journal / the bare loop", sending_ratio, 2);
}

/// 64 at a time where each answer takes 50 ms: 1,280 a second at the best.
fn with_latency() {
    let (at_a_time, latency_ms, events) = (64_usize, 50_usize, 25_600_usize);
    let ideal = (at_a_time * 1000 / latency_ms) as f64;
    println!("{events} events, {at_a_time} at a time, {latency_ms} ms latency");
    let place = Place::with_export(events);
    let mut figures: [Vec<f64>; 3] = Default::default();
    for round in 0..ROUNDS {
        let latency = latency_ms.to_string();
        let sandbox = start_sandbox(&["--latency-ms", &latency]);
        let ran = place.run(&sandbox, round, at_a_time);
        drop(sandbox);
        let sandbox = start_sandbox(&["--latency-ms", &latency]);
        let bare = events as f64 / bare_loop(&sandbox, events, at_a_time).as_secs_f64();
        let sending = events as f64 / ran.sending.as_secs_f64();
        for (figures, figure) in figures
            .iter_mut()
            .zip([sending, sending / ideal, bare / ideal])
        {
            figures.push(figure);
        }
    }
    let [sending, ratio, bare] = &mut figures;
    show("sending with the journal, events a second", sending, 0);
    show("  of the ideal", ratio, 3);
    show("a bare loop over reqwest, of the ideal", bare, 3);
}

/// The most memory of a run, and what it grows by from the first request to the last.
fn memory() {
    println!("memory, in MiB");
    for events in [100_000, 300_000, 1_000_000] {
        let place = Place::with_export(events);
        let sandbox = start_sandbox(&["--arrivals-kept", "1000"]);
        let ran = place.run(&sandbox, 0, 16);
        let Memory {
            most,
            first,
            last,
            most_sending,
        } = ran.memory;
        println!(
            "  {events:>9} events: most of the whole command {most:>5.0}; while sending: a tenth sent \
             {first:>5.0}, nine tenths {last:>5.0}, most {most_sending:>5.0}"
        );
    }
}

fn show(what: &str, values: &mut [f64], places: usize) {
    values.sort_by(f64::total_cmp);
    let [min, median, max] =
        [0, values.len() / 2, values.len() - 1].map(|at| format!("{:.places$}", values[at]));
    println!("  {what:<44} {min:>8} {median:>8} {max:>8}");
}

/// A folder with an export, and a run in it.
struct Place {
    directory: tempfile::TempDir,
    events: usize,
}

struct Ran {
    whole: Duration,
    /// As the journal has it: from the first event that is read back to the last answer on disk.
    sending: Duration,
    memory: Memory,
}

/// In MiB.
#[derive(Default)]
struct Memory {
    most: f64,
    first: f64,
    last: f64,
    most_sending: f64,
}

impl Place {
    /// Sales of customers with five each, by the month.
    fn with_export(events: usize) -> Self {
        let mut text = String::from("event_id,email,uid,amount,currency,created_at,plan\n");
        let customers = (events / 5).max(1);
        for n in 0..events {
            let (customer, month) = (n % customers, n / customers);
            writeln!(
                text,
                "in_{n:024},user{customer}@example.com,cus_{customer:014},20.00,USD,2026-{:02}-{:02} 10:00:00,monthly",
                1 + month % 12,
                1 + customer % 28
            )
            .unwrap();
        }
        let config = "[exports.bench]\nextends = \"generic\"\n\n[exports.bench.columns]\n\
             event_id = \"event_id\"\nemail = \"email\"\nuid = \"uid\"\namount = \"amount\"\n\
             currency = \"currency\"\ncreated_at = \"created_at\"\nplan = \"plan\"\n\n\
             [exports.bench.money]\nformat = { decimal = \".\" }\n\n\
             [exports.bench.dates]\nformats = [\"%Y-%m-%d %H:%M:%S\"]\nzone = \"UTC\"\n";
        let directory = tempfile::tempdir_in(std::env::var("TMPDIR").unwrap_or("/tmp".into()));
        let directory = directory.unwrap();
        std::fs::write(directory.path().join("export.csv"), text).unwrap();
        std::fs::write(directory.path().join("fprecon.toml"), config).unwrap();
        Place { directory, events }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, sandbox: &SandboxProcess, round: usize, at_a_time: usize) -> Ran {
        let journal = self.path(&format!("{round}.journal"));
        let reports = self.path(&format!("reports-{round}"));
        let started = Instant::now();
        let mut child = Command::new(PROGRAM)
            .args(["run", "export.csv", "--yes", "--quiet"])
            .args(["--profile", "bench"])
            .args(["--base-url", &sandbox.base_url])
            .args(["--requests-per-minute", "4000000"])
            .args(["--concurrency", &at_a_time.to_string()])
            .args(["--journal", journal.to_str().unwrap()])
            .args(["--dir", reports.to_str().unwrap()])
            .current_dir(self.directory.path())
            .env("FPRECON_WID", "wid-1")
            .env("FPRECON_API_KEY", "bench")
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let memory = watch(&mut child, sandbox, self.events);
        let whole = started.elapsed();
        let status = child.wait().unwrap();
        assert!(status.success(), "the run ended with {status}");
        assert_eq!(arrivals(sandbox), self.events, "each event went out once");
        assert!(reports.join("tracked.csv").exists());
        Ran {
            whole,
            sending: sending_time(&journal),
            memory,
        }
    }
}

/// Looks at the memory of a run until it ends.
fn watch(child: &mut Child, sandbox: &SandboxProcess, events: usize) -> Memory {
    let mut memory = Memory::default();
    let status = format!("/proc/{}/status", child.id());
    let looks_at_sandbox = events >= 100_000;
    let mut looked = Instant::now();
    let mut arrived = 0;
    while child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
        if looked.elapsed() < Duration::from_millis(200) {
            continue;
        }
        looked = Instant::now();
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mib = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
            kib.map(|kib: f64| kib / 1024.0)
        };
        if let Some(most) = mib("VmHWM:") {
            memory.most = memory.most.max(most);
        }
        if looks_at_sandbox && arrived < events {
            arrived = arrivals(sandbox);
        }
        let Some(now) = mib("VmRSS:") else { continue };
        let is_sending = arrived > 0 && arrived < events;
        if is_sending {
            memory.most_sending = memory.most_sending.max(now);
        }
        if is_sending && arrived >= events / 10 && memory.first == 0.0 {
            memory.first = now;
        }
        if is_sending && arrived <= events * 9 / 10 {
            memory.last = now;
        }
    }
    memory
}

/// What the journal says of how long sending took.
fn sending_time(journal: &Path) -> Duration {
    let connection = Connection::open(journal).unwrap();
    let sql = "SELECT max(answered_ms) - min(intended_ms) FROM attempt";
    let ms: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
    Duration::from_millis(ms.cast_unsigned())
}

/// A sandbox for which every customer is a lead.
fn start_sandbox(options: &[&str]) -> SandboxProcess {
    SandboxProcess::start(&[&["--lead-share", "100"], options].concat())
}

/// How many requests have arrived.
fn arrivals(sandbox: &SandboxProcess) -> usize {
    usize::try_from(sandbox.state()["arrivals"].as_u64().unwrap()).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The same sales by nothing but `reqwest`, so many at a time.
fn bare_loop(sandbox: &SandboxProcess, events: usize, at_a_time: usize) -> Duration {
    let url = format!("{}/track/sale", sandbox.base_url);
    let started = Instant::now();
    runtime().block_on(async {
        let client = client();
        let requests = futures::stream::iter(0..events).map(|n| {
            let body = format!(
                "wid=wid-1&email=user{0}%40example.com&uid=cus_{0:014}&event_id=in_{n:024}\
                 &amount=2000&plan=monthly&created_at=2026-03-01T10%3A00%3A00Z\
                 &skip_email_notification=true",
                n / 5
            );
            let request = client
                .post(&url)
                .header("x-api-key", "bench")
                .header("content-type", "application/x-www-form-urlencoded")
                .body(body);
            async move {
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status().as_u16(), 200);
                answer.bytes().await.unwrap().len()
            }
        });
        let mut answers = requests.buffer_unordered(at_a_time);
        while let Some(length) = answers.next().await {
            assert!(length > 2);
        }
    });
    started.elapsed()
}
