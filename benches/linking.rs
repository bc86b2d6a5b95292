//! What linking costs beside reading: `cargo bench --bench linking [-- ROWS]`.
//!
//! One row in 25 is a refund: of a sale by its id, by another id of it, or of a sale with tax. The
//! events are linked alone, and planned as a whole; the median of several rounds is printed.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark prints ratios"
)]

use std::collections::{BTreeMap, HashSet};
use std::convert::Infallible;
use std::fmt::Write;
use std::time::{Duration, Instant};

use fprecon::event::{Currency, Customer, Event, Events, ExportLine, Kind, Money};
use fprecon::export::Export;
use fprecon::job::{self, PlanContext, Setup};
use fprecon::journal::HistoryRequest;
use fprecon::link::{AskedAgain, EmptyHistory, Found, LinkRules, link};
use fprecon::problem::ProblemCode;
use fprecon::profile::Profiles;
use jiff::Timestamp;

const ROUNDS: usize = 5;

const PROFILE: &str = r#"
title = "sales and refunds, a row each"
based_on = "a benchmark"
columns = { kind = "Kind", id = "Id", charge = "Charge", of = "Of", mail = "Email", total = "Total", tax = "Tax", date = "Date" }
customer = { email = "mail" }
dates = { formats = ["%Y-%m-%d %H:%M:%S"] }
[[event]]
kind = "sale"
when = { kind = "sale" }
event_id = ["{id}"]
reference = ["{charge}"]
amount = { column = "total", minus = ["tax"] }
created_at = ["date"]
[[event]]
kind = "refund"
when = { kind = "refund" }
event_id = ["{id}"]
sale_event_id = ["{of}"]
amount = "total"
created_at = ["date"]
"#;

/// The sale that the row `n` refunds, if it is a refund.
fn refunded(n: u64) -> Option<u64> {
    (n % 25 == 24).then(|| n - 24 + n / 25 % 24)
}

/// What a refund names as its sale: its id, or its charge.
fn name_of(sale: u64) -> String {
    match sale % 2 {
        0 => format!("in_{sale:024}"),
        _ => format!("ch_{sale:024}"),
    }
}

fn date(n: u64) -> String {
    let (month, day) = (1 + n % 12, 1 + n % 28);
    format!("2026-{month:02}-{day:02} {:02}:{:02}:00", n % 24, n % 60)
}

fn csv(rows: u64) -> Vec<u8> {
    let mut text = "Kind,Id,Charge,Of,Email,Total,Tax,Date\n".to_owned();
    for n in 0..rows {
        let date = date(n);
        let customer = n.wrapping_mul(2_654_435_761) % (rows / 5).max(1);
        match refunded(n) {
            Some(sale) => writeln!(
                text,
                "refund,re_{n:024},,{},user{customer}@example.com,4.00,,{date}",
                name_of(sale)
            ),
            None => writeln!(
                text,
                "sale,in_{n:024},ch_{n:024},,user{customer}@example.com,11.90,1.90,{date}"
            ),
        }
        .unwrap();
    }
    text.into_bytes()
}

fn event(n: u64) -> Event {
    let customer = Customer::new(Some(&format!("user{}@example.com", n % 200_000)), None);
    let source = ExportLine {
        input: 0,
        line: n + 2,
    };
    let money = |amount_cents| {
        let currency = Currency::from_code("USD").unwrap();
        Some(Money {
            amount_cents,
            currency,
        })
    };
    match refunded(n) {
        Some(sale) => {
            let id = format!("re_{n:024}").into();
            let mut refund = Event::new(Kind::Refund, id, customer, source);
            refund.sale_event_id = Some(name_of(sale).into());
            refund.money = money(400);
            refund
        }
        None => {
            let id = format!("in_{n:024}").into();
            let mut sale = Event::new(Kind::Sale, id, customer, source);
            sale.reference = Some(format!("ch_{n:024}").into());
            sale.money = money(1000);
            sale.gross_cents = Some(1190);
            sale
        }
    }
}

fn main() {
    let rows = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(200_000);
    let own = BTreeMap::from([("bench".to_owned(), PROFILE.parse().unwrap())]);
    let profiles = Profiles::load(&own).unwrap();
    let setup = Setup::new(&profiles, Currency::from_code("USD").unwrap());
    let bytes = csv(rows);
    let mut times: [Vec<Duration>; 3] = Default::default();
    for _ in 0..ROUNDS {
        let export = Export::from_bytes("bench.csv", bytes.clone());
        let start = Instant::now();
        let mut read = start;
        let without_past = |_: &dyn Fn() -> HistoryRequest| {
            read = Instant::now();
            Ok::<_, Infallible>(EmptyHistory)
        };
        let context = PlanContext::new(Timestamp::UNIX_EPOCH);
        let planned = job::plan([export], &setup, context, without_past);
        times[2].push(read.elapsed());
        times[0].push(read - start);
        let (job, _) = planned.unwrap();
        let warnings = [ProblemCode::DateInFuture];
        let mut problems = job.problems.kept().iter();
        assert!(problems.all(|problem| warnings.contains(&problem.code)));
        drop(job);

        let mut events: Events = (0..rows).map(event).collect();
        let start = Instant::now();
        let asked_again = AskedAgain::default();
        let links = link(
            &mut events,
            &EmptyHistory,
            &LinkRules::default(),
            Found {
                shared: &HashSet::new(),
                asked_again: &asked_again,
                looked_at: &HashSet::new(),
            },
        );
        times[1].push(start.elapsed());
        assert_eq!(links.into_unsound().count(), 0);
    }
    let names = ["reading", "linking", "the plan, with linking"];
    let medians = times.map(|mut times| {
        times.sort();
        times[times.len() / 2].as_secs_f64()
    });
    println!("{rows} rows, {} refunds", rows / 25);
    for (name, median) in names.iter().zip(medians) {
        let ratio = median / medians[0];
        println!("{name:<24} {:>8.1} ms  {ratio:>5.2} x", median * 1e3);
    }
}
