//! What a report costs beside a bare copy of the journal's rows into one CSV:
//! `cargo bench --bench reports [-- EVENTS]`.
//!
//! A journal of so many events (1,000,000) is made first. Each measurement is a process of its own, so
//! that its peak of memory is its own too; they take turns, and the median of several rounds is
//! printed, as a ratio to the bare copy of the same round. The size of the page is told, too.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark prints ratios"
)]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use fprecon::event::{Currency, Customer, Event, ExportLine, Kind, Money, Text};
use fprecon::journal::{
    Account, Disposition, Effect, EndReason, Entry, EventRow, Journal, JournalReader, NewInput,
    NewRun, Outcome, PlanState, PlanTotal, RunCommand, RunEnd, RunId, Settlement,
};
use fprecon::report::{self, Format, Formats, Redactor, ReportSource, RunSummary};
use jiff::Timestamp;
use rusqlite::types::ValueRef;

const ROUNDS: usize = 5;

/// What is measured: a name, and the formats that are written; none is the bare copy.
const MEASURED: [(&str, &[Format]); 5] = [
    ("bare copy", &[]),
    (
        "csv, json, html, parquet",
        &[Format::Csv, Format::Json, Format::Html, Format::Parquet],
    ),
    ("csv", &[Format::Csv]),
    ("parquet", &[Format::Parquet]),
    ("html", &[Format::Html]),
];

fn at(second: u64) -> Timestamp {
    let second = i64::try_from(second).unwrap();
    Timestamp::from_millisecond(1_767_225_600_000 + second * 1000 + second % 1000).unwrap()
}

fn event(n: u64) -> Event {
    let customer = n.wrapping_mul(2_654_435_761) % 200_000;
    let customer = Customer::new(
        Some(&format!(
            "customer.{customer}@example-{}.com",
            customer % 97
        )),
        Some(&format!("cus_{customer:014}")),
    );
    let (kind, id) = match n % 25 {
        24 => (Kind::Refund, format!("in_{:024}_refund_500", n - 1)),
        _ => (Kind::Sale, format!("in_{n:024}")),
    };
    let source = ExportLine {
        input: 0,
        line: n + 2,
    };
    let mut event = Event::new(kind, id.into(), customer, source);
    if kind == Kind::Refund {
        event.sale_event_id = Some(Text::new(format!("in_{:024}", n - 1)));
    }
    event.money = Some(Money {
        amount_cents: 500 + i64::try_from(n % 9000).unwrap(),
        currency: Currency::from_code(["USD", "EUR", "JPY"][(n % 3) as usize]).unwrap(),
    });
    event.created_at = Some(at(n * 17 % 15_000_000));
    event
}

fn settlement(n: u64) -> (Effect, u16, Settlement) {
    let (effect, status, outcome, message) = match n % 20 {
        0..12 => (Effect::Recorded, 200, Outcome::Tracked, None),
        12..19 => (Effect::None, 204, Outcome::NonReferral, None),
        _ => (
            Effect::None,
            422,
            Outcome::Failed,
            Some("Amount is not valid"),
        ),
    };
    let tracked = outcome == Outcome::Tracked;
    let settlement = Settlement {
        outcome,
        is_inferred: false,
        http_status: Some(status),
        message: message.map(str::to_owned),
        at: at(16_000_000 + n / 6),
        api_event_id: tracked.then(|| format!("{}", 33_000_000 + n)),
        promoter_email: tracked.then(|| format!("promoter{}@example.com", n % 500)),
        promoter_ref_id: tracked.then(|| format!("ref{}", n % 500)),
        commission_cents: tracked.then_some(160),
    };
    (effect, status, settlement)
}

fn make_journal(path: &Path, events: u64) {
    let account = Account {
        api: "v1".into(),
        base_url: "https://firstpromoter.com/api/v1".into(),
        account_id: "wid_1".into(),
    };
    let mut journal = Journal::open(path, &account, "run", at(0)).unwrap();
    let run = record(&mut journal, events);
    let mut entries = Vec::new();
    for n in 0..events {
        let event = EventRow(i64::try_from(n + 1).unwrap());
        let (effect, http_status, settlement) = settlement(n);
        entries.push(Entry::Intent {
            event,
            number: 1,
            run,
            at: settlement.at,
            carried: None,
        });
        entries.push(Entry::Answer {
            event,
            number: 1,
            at: settlement.at,
            answer: "answered",
            effect,
            http_status: Some(http_status),
            message: settlement.message.clone(),
            settlement: Some(settlement),
        });
        if entries.len() >= 100_000 || n + 1 == events {
            journal.write(&entries).unwrap();
            entries.clear();
        }
    }
    let end = RunEnd {
        ended: at(20_000_000),
        reason: EndReason::Done,
        exit_code: 1,
        add_requests: events,
        add_elapsed_ms: 4_000_000,
        report_dir: None,
    };
    journal.end_run(run, &end).unwrap();
}

fn record(journal: &mut Journal, events: u64) -> RunId {
    let new = NewRun {
        command: RunCommand::Run,
        started: at(15_999_000),
    };
    let mut recording = journal.begin(&new).unwrap();
    let ignored = events / 50;
    recording
        .add_input(&NewInput {
            path: "exports/unified_payments_2026.csv".into(),
            sha256: "ab".repeat(32),
            profile: "stripe-payments".into(),
            header: ["id", "Amount", "Status", "Customer Email"]
                .map(str::to_owned)
                .to_vec(),
            rows_read: events + ignored,
            rows_with_events: events,
            rows_ignored: ignored,
            rows_rejected: 0,
        })
        .unwrap();
    let mut totals = fprecon::event::Tally::default();
    for n in 0..events {
        let event = event(n);
        totals.add(event.kind, event.money);
        recording.add_event(&event).unwrap();
    }
    for (kind, currency, sum) in totals.iter() {
        let cents = i64::try_from(sum.amount_cents).unwrap();
        let total = PlanTotal {
            state: PlanState::ToSend,
            kind,
            currency,
            count: sum.count,
            amount_cents: cents,
        };
        recording.add_total(&total).unwrap();
    }
    for n in 0..ignored {
        let source = ExportLine {
            input: 0,
            line: events + n + 2,
        };
        let fields = [
            format!("ch_{n}"),
            "8.00".into(),
            "Failed".into(),
            format!("c{n}@example.com"),
        ];
        recording
            .add_row(source, Disposition::Ignored, "payment failed", &fields)
            .unwrap();
    }
    recording.commit().unwrap()
}

/// The same columns as they stand, with nothing checked and nothing written in another form.
fn bare_copy(journal: &Path, directory: &Path) {
    let connection = rusqlite::Connection::open(journal).unwrap();
    let sql =
        "SELECT e.kind, e.event_id, e.sale_event_id, e.email, e.uid, e.amount_cents, e.currency,
             e.created_at_ms, e.outcome, e.http_status, e.message, a.number, a.intended_ms,
             e.settled_ms, e.api_event_id, e.promoter_email, e.promoter_ref_id, e.commission_cents,
             i.path, re.line
         FROM run_event re CROSS JOIN event e ON e.id = re.event
             LEFT JOIN input i ON i.id = re.input LEFT JOIN attempt a ON a.event = e.id
         WHERE re.run = 1 ORDER BY re.event";
    let mut statement = connection.prepare(sql).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    let file = File::create(directory.join("bare.csv")).unwrap();
    let mut writer = csv::Writer::from_writer(file);
    let mut number = String::new();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            match row.get_ref(column).unwrap() {
                ValueRef::Text(text) => writer.write_field(text).unwrap(),
                ValueRef::Integer(integer) => {
                    number.clear();
                    write!(number, "{integer}").unwrap();
                    writer.write_field(&number).unwrap();
                }
                _ => writer.write_field("").unwrap(),
            }
        }
        writer.write_record(None::<&[u8]>).unwrap();
    }
    writer.into_inner().unwrap().sync_all().unwrap();
}

/// Measures one thing in this process, and says milliseconds and the peak of memory in kilobytes.
fn child(journal: &Path, directory: &Path, formats: &str, redact: bool) {
    let start = Instant::now();
    if formats.is_empty() {
        bare_copy(journal, directory);
    } else {
        let formats: Vec<Format> = formats
            .split(',')
            .map(|word| word.parse().unwrap())
            .collect();
        let reader = JournalReader::open(journal).unwrap().unwrap();
        let run = reader.latest_run().unwrap().unwrap();
        let summary = RunSummary::load(&reader, &run).unwrap();
        summary.check().unwrap();
        let mut books = ReportSource::for_run(&reader, run);
        if redact {
            let key = reader.redaction_key().unwrap().unwrap();
            books = books.redacted(Redactor::new(&key));
        }
        report::write(&books, &summary, &Formats::new(&formats), directory).unwrap();
    }
    let ms = start.elapsed().as_millis();
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.map_or("0", |peak| peak.trim().trim_end_matches(" kB"));
    println!("{ms} {peak}");
    std::io::stdout().flush().unwrap();
}

/// Milliseconds, and the peak in megabytes.
fn measure(journal: &Path, directory: &Path, formats: &[Format], redact: bool) -> (f64, f64) {
    let words: Vec<&str> = formats.iter().map(|format| format.as_str()).collect();
    let said = Command::new(std::env::current_exe().unwrap())
        .args([
            "--child",
            &words.join(","),
            if redact { "redact" } else { "" },
        ])
        .args([journal, directory])
        .output()
        .unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let said = String::from_utf8(said.stdout).unwrap();
    let (ms, kilobytes) = said.trim().split_once(' ').unwrap();
    (
        ms.parse().unwrap(),
        kilobytes.parse::<f64>().unwrap() / 1024.0,
    )
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, formats, redact, journal, directory, ..] = &arguments[..]
        && flag == "--child"
    {
        return child(
            Path::new(journal),
            Path::new(directory),
            formats,
            redact == "redact",
        );
    }
    let events = arguments.iter().find_map(|argument| argument.parse().ok());
    let events: u64 = events.unwrap_or(1_000_000);
    let place = tempfile::tempdir().unwrap();
    let journal = place.path().join("fprecon.journal");
    make_journal(&journal, events);
    println!("{events} events");

    let mut measured: Vec<Vec<(f64, f64)>> = vec![Vec::new(); MEASURED.len()];
    for _ in 0..ROUNDS {
        for ((_, formats), results) in MEASURED.iter().zip(&mut measured) {
            results.push(measure(&journal, place.path(), formats, false));
        }
    }
    let bare: Vec<f64> = measured[0].iter().map(|(ms, _)| *ms).collect();
    let say = |name: &str, results: &[(f64, f64)]| {
        let ms = median(results.iter().map(|(ms, _)| *ms).collect());
        let ratio = results.iter().zip(&bare).map(|((ms, _), bare)| ms / bare);
        let ratio = median(ratio.collect());
        let peak = results.iter().map(|(_, peak)| *peak).fold(0.0, f64::max);
        println!("{name:<30} {ms:>8.0} ms  {ratio:>5.2} of the bare copy  at most {peak:>4.0} MB");
    };
    for ((name, _), results) in MEASURED.iter().zip(&measured) {
        say(name, results);
    }
    let page = fs::metadata(place.path().join("report.html"))
        .unwrap()
        .len();
    println!("report.html has {} KB", page.div_ceil(1024));
    // The workbook takes long, and once tells its memory.
    let once = |formats, redact| [measure(&journal, place.path(), formats, redact)];
    say("xlsx", &once(&[Format::Xlsx], false));
    say("everything", &once(&Format::ALL, false));
    say("everything, redacted", &once(&Format::ALL, true));
}
