//! What reading costs, as ratios to a bare walk over the same records with the `csv` crate, in one
//! run: `cargo bench --bench reading [-- ROWS]`. `-- FILE` walks over the records of a file once.
//!
//! The export is made up, in the shape of a Stripe payments export. Each way of reading is run
//! several times in turn, so that all of them meet the same machine; the median is printed.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark prints ratios"
)]

use std::any::Any;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use fprecon::event::Currency;
use fprecon::export::Export;
use fprecon::job::{self, PlanContext, Setup};
use fprecon::journal::HistoryRequest;
use fprecon::link::EmptyHistory;
use fprecon::profile::Profiles;
use jiff::Timestamp;

const ROUNDS: usize = 5;
const HEADER: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,Converted Currency,Decline Reason,Description,Fee,Refunded date (UTC),Statement Descriptor,Status,Seller Message,Taxes On Fee,Card ID,Customer ID,Customer Description,Customer Email,Invoice ID,Transfer";

fn main() {
    let file = std::env::args()
        .skip(1)
        .find(|argument| Path::new(argument).is_file());
    if let Some(file) = file {
        let start = Instant::now();
        let rows = walk(Path::new(&file));
        println!(
            "{rows} rows in {:.1} ms",
            start.elapsed().as_secs_f64() * 1e3
        );
        return;
    }
    let rows = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(200_000);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("payments.csv");
    write_export(&path, rows);

    let names = [
        "csv crate, records only",
        "rows, guarded and hashed",
        "rows and events",
        "the whole plan",
    ];
    let mut times: [Vec<Duration>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (way, times) in [walk, read].into_iter().zip(&mut times) {
            let start = Instant::now();
            assert_eq!(way(&path), rows);
            times.push(start.elapsed());
        }
        let start = Instant::now();
        let (read, made, classified) = plan(&path);
        times[3].push(start.elapsed());
        times[2].push(classified - start);
        assert_eq!(read, rows);
        drop(made);
    }
    let medians: Vec<f64> = times.iter_mut().map(|times| median(times)).collect();
    println!(
        "{rows} rows, {} bytes",
        std::fs::metadata(&path).unwrap().len()
    );
    for (name, median) in names.iter().zip(&medians) {
        let ratio = median / medians[0];
        println!("{name:<26} {:>8.1} ms  {ratio:>5.2} x", median * 1e3);
    }
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn walk(path: &Path) -> u64 {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let mut record = csv::ByteRecord::new();
    let mut rows = 0;
    while reader.read_byte_record(&mut record).unwrap() {
        rows += 1;
    }
    rows
}

fn read(path: &Path) -> u64 {
    let mut export = Export::open(path).unwrap();
    export.for_each_row(|_| {}).unwrap();
    export.finish().unwrap().rows
}

/// Plans the export, and takes the time at which its rows are read and classified.
fn plan(path: &Path) -> (u64, Box<dyn Any>, Instant) {
    let profiles = Profiles::load(&BTreeMap::new()).unwrap();
    let setup = Setup::new(&profiles, Currency::from_code("USD").unwrap());
    let mut classified = Instant::now();
    let without_past = |_: &dyn Fn() -> HistoryRequest| {
        classified = Instant::now();
        Ok::<_, Infallible>(EmptyHistory)
    };
    let context = PlanContext::new(Timestamp::now());
    let planned = job::plan([Export::open(path)], &setup, context, without_past);
    let (job, _) = planned.unwrap();
    (job.rows().read, Box::new(job), classified)
}

/// 6 % failed, 4 % refunded, five payments a customer, of amounts up to five times each other.
fn write_export(path: &Path, rows: u64) {
    let mut out = BufWriter::new(File::create(path).unwrap());
    writeln!(out, "{HEADER}").unwrap();
    for n in 0..rows {
        let customer = n.wrapping_mul(2_654_435_761) % (rows / 5).max(1);
        let amount = 8 + n % 33;
        let (status, refunded, refunded_at) = match n % 50 {
            0..3 => ("Failed", "0.00", ""),
            3..5 => ("Refunded", "8.00", "2026-12-30 10:11:12"),
            _ => ("Paid", "0.00", ""),
        };
        writeln!(
            out,
            "ch_{n:024},2026-{:02}-{:02} {:02}:{:02}:{:02},{amount}.00,{refunded},usd,true,{amount}.00,{refunded},usd,,Subscription update,0.53,{refunded_at},EXAMPLE CO,{status},Payment complete.,0.00,pm_{n:024},cus_{customer:014},,user{customer}@example.com,in_{n:024},po_{n:024}",
            1 + n % 12,
            1 + n % 28,
            n % 24,
            n % 60,
            n * 7 % 60,
        )
        .unwrap();
    }
    out.flush().unwrap();
}
