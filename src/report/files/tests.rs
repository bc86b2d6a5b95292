#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::event::{Currency, Customer, Details, Event, Events, ExportLine, Kind, Money, Original};
use crate::export::{Export, Row};
use crate::invisible::shown;
use crate::journal::{
    Account, Effect, EndReason, Entry, EventRow, Journal, NewInput, NewRun, Outcome, PlanState,
    RunCommand, RunEnd, RunId, Settlement,
};
use crate::plan::Planned;
use crate::report::columns::{EVENT_COLUMNS, HELD_COLUMNS, ReportColumn};
use crate::report::source_rows::MISSING_CELLS_MARK;
use crate::report::write_plan_events;
use crate::spreadsheet::{neutralise, restore};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

fn event(kind: Kind, id: &str, cents: Option<i64>, line: u64) -> Event {
    let customer = Customer::new(Some("a@example.com"), Some("cus_1"));
    let mut event = Event::new(kind, id.into(), customer, ExportLine { input: 0, line });
    event.money = cents.map(|amount_cents| Money {
        amount_cents,
        currency: Currency::from_code("USD").unwrap(),
    });
    event.created_at = Some(at(-86_400));
    event
}

fn input(path: &str, header: &[&str]) -> NewInput {
    NewInput {
        path: path.into(),
        sha256: "ab".repeat(32),
        profile: "stripe-payments".into(),
        header: header.iter().map(|&name| name.to_owned()).collect(),
        rows_read: 0,
        rows_with_events: 0,
        rows_ignored: 0,
        rows_rejected: 0,
    }
}

fn settlement(outcome: Outcome, http_status: u16, message: Option<&str>) -> Settlement {
    Settlement {
        outcome,
        is_inferred: false,
        http_status: Some(http_status),
        message: message.map(str::to_owned),
        at: at(12),
        api_event_id: None,
        promoter_email: None,
        promoter_ref_id: None,
        commission_cents: None,
    }
}

/// A journal and a directory for its reports.
struct Fixture {
    directory: TempDir,
    journal: Journal,
}

type SourceRow<'r> = (ExportLine, Disposition, &'r str, &'r [&'r str]);

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let account = Account {
            api: "v1".into(),
            base_url: "https://firstpromoter.com/api/v1".into(),
            account_id: "wid_1".into(),
        };
        let path = directory.path().join("fprecon.journal");
        let journal = Journal::open(&path, &account, "run", at(0)).unwrap();
        Fixture { directory, journal }
    }

    fn record(
        &mut self,
        inputs: &[NewInput],
        events: &[Event],
        held: &[(PlanState, Event)],
        rows: &[SourceRow<'_>],
    ) -> RunId {
        let new = NewRun {
            command: RunCommand::Run,
            started: at(0),
        };
        let mut recording = self.journal.begin(&new).unwrap();
        for input in inputs {
            recording.add_input(input).unwrap();
        }
        for event in events {
            recording.add_event(event).unwrap();
        }
        for (state, event) in held {
            recording.add_held(*state, event).unwrap();
        }
        for (source, disposition, reason, fields) in rows {
            recording
                .add_row(*source, *disposition, reason, fields)
                .unwrap();
        }
        recording.commit().unwrap()
    }

    /// Writes an attempt with the answer that settles its event.
    fn settle(&mut self, run: RunId, event: i64, effect: Effect, settlement: Settlement) {
        let status = settlement.http_status;
        self.attempt(run, event, (effect, status, None), Some(settlement));
    }

    fn attempt(
        &mut self,
        run: RunId,
        event: i64,
        (effect, http_status, message): (Effect, Option<u16>, Option<&str>),
        settlement: Option<Settlement>,
    ) {
        let event = EventRow(event);
        let intent = Entry::Intent {
            event,
            number: 1,
            run,
            at: at(10),
            carried: None,
        };
        let answer = Entry::Answer {
            event,
            number: 1,
            at: at(11),
            answer: "answered",
            effect,
            http_status,
            message: message.map(str::to_owned),
            settlement,
        };
        self.journal.write(&[intent, answer]).unwrap();
    }

    fn reports(&self) -> PathBuf {
        self.directory.path().join("reports").join("a run")
    }

    fn write(&self, run: RunId) -> Result<Vec<String>, ReportError> {
        let run = self.journal.run(run).unwrap().unwrap();
        let summary = RunSummary::load(&self.journal, &run).unwrap();
        let books = ReportSource::for_run(&self.journal, run);
        let formats = Formats::new(&[Format::Csv, Format::Json]);
        let written = super::write(&books, &summary, &formats, &self.reports())?;
        let name = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        for path in &written {
            assert_eq!(*path, self.reports().join(name(path)));
        }
        Ok(written.iter().map(name).collect())
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.reports().join(name)).unwrap()
    }

    fn names(&self) -> Vec<String> {
        names(&self.reports())
    }
}

fn names_of(columns: &[ReportColumn]) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    names.join(",") + "\n"
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const ALWAYS: [&str; 10] = [
    "accepted.csv",
    "converted.csv",
    "failed.csv",
    "held.csv",
    "ignored.csv",
    "non_referral.csv",
    "rejected.csv",
    "summary.json",
    "tracked.csv",
    "unpaid_history.csv",
];

const HEADER: [&str; 3] = ["id", "Amount, net", "Name"];

const fn place(input: usize, line: u64) -> ExportLine {
    ExportLine { input, line }
}

/// Returns a journal with one event of every outcome, and one of everything else.
fn full() -> (Fixture, RunId) {
    let mut fixture = Fixture::new();
    let rejected: &[&str] = &["@x", "-5.00", "say \"hi\",\nthen"];
    let ignored: &[&str] = &["ch_2", "1.00", "'=x"];
    let rows = [
        (
            place(0, 11),
            Disposition::Rejected,
            "the date is empty",
            rejected,
        ),
        (
            place(0, 13),
            Disposition::Ignored,
            "payment failed",
            ignored,
        ),
    ];
    let inputs = [input("exports/a.csv", &HEADER)];
    let run = fixture.record(&inputs, &events_of_full(), &held_of_full(), &rows);
    answer_all(&mut fixture, run);
    let end = RunEnd {
        ended: at(20),
        reason: EndReason::ApiUnreachable,
        exit_code: 5,
        add_requests: 6,
        add_elapsed_ms: 1500,
        report_dir: Some("reports/a run".into()),
    };
    fixture.journal.end_run(run, &end).unwrap();
    (fixture, run)
}

fn events_of_full() -> [Event; 8] {
    let mut refund = event(Kind::Refund, "in_1_refund_300", Some(300), 2);
    refund.sale_event_id = Some("in_1".into());
    let mut formula = event(Kind::Sale, "=HYPERLINK(\"http://x\")", Some(500), 5);
    formula.customer = Customer::new(Some("+a@example.com"), Some("-1+1"));
    formula.created_at = None;
    [
        event(Kind::Sale, "in_1", Some(800), 2),
        refund,
        event(Kind::Sale, "in_2", Some(900), 3),
        event(Kind::Cancellation, "sub_1_cancelled", None, 4),
        formula,
        event(Kind::Sale, "in_6", Some(600), 6),
        event(Kind::Sale, "in_7", Some(700), 7),
        event(Kind::Sale, "in_8", Some(800), 8),
    ]
}

fn held_of_full() -> [(PlanState, Event); 2] {
    let mut unlinked = event(Kind::Refund, "re_9", Some(100), 9);
    unlinked.remark("no sale of this customer\nhas 1.00 USD left");
    let mut conflict = event(Kind::Sale, "in_1", Some(801), 10);
    conflict.remark("=conflict");
    [
        (PlanState::Unlinked, unlinked),
        (PlanState::Conflict, conflict),
    ]
}

/// Gives each event but the last another outcome; the last has an answer that settles nothing.
fn answer_all(fixture: &mut Fixture, run: RunId) {
    let tracked = Settlement {
        api_event_id: Some("77".into()),
        promoter_email: Some("p@example.com".into()),
        promoter_ref_id: Some("=p1".into()),
        commission_cents: Some(-160),
        ..settlement(Outcome::Tracked, 200, None)
    };
    fixture.settle(run, 1, Effect::Recorded, tracked);
    let already = settlement(Outcome::AlreadyTracked, 409, Some("duplicate"));
    fixture.settle(run, 2, Effect::Recorded, already);
    let nobody = settlement(Outcome::NonReferral, 204, None);
    fixture.settle(run, 3, Effect::None, nobody);
    let inferred = Entry::Settle {
        event: EventRow(4),
        settlement: Settlement {
            is_inferred: true,
            http_status: None,
            ..settlement(Outcome::NonReferral, 204, None)
        },
    };
    fixture.journal.write(&[inferred]).unwrap();
    let failed = settlement(Outcome::Failed, 422, Some("-bad amount"));
    fixture.settle(run, 5, Effect::None, failed);
    let unconfirmed = Settlement {
        http_status: None,
        ..settlement(Outcome::Unconfirmed, 0, Some("the connection was reset"))
    };
    fixture.settle(run, 6, Effect::Unknown, unconfirmed);
    let busy = (Effect::None, Some(503), Some("try later"));
    fixture.attempt(run, 7, busy, None);
}

#[test]
fn every_event_stands_in_the_file_of_its_outcome() {
    let (fixture, run) = full();
    let mut written = fixture.write(run).unwrap();
    written.sort();
    assert_eq!(written, ALWAYS);
    assert_eq!(fixture.names(), ALWAYS);
    assert_snapshot!(fixture.read("tracked.csv"), @r#"
    kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,outcome,http_status,message,attempts,first_attempt_at,settled_at,api_event_id,promoter_email,promoter_ref_id,commission_cents,file,line
    sale,in_1,,a@example.com,cus_1,800,USD,2026-11-17T11:06:40Z,tracked,200,,1,2026-11-18T11:06:50Z,2026-11-18T11:06:52Z,77,p@example.com,'=p1,-160,exports/a.csv,2
    refund,in_1_refund_300,in_1,a@example.com,cus_1,300,USD,2026-11-17T11:06:40Z,already_tracked,409,duplicate,1,2026-11-18T11:06:50Z,2026-11-18T11:06:52Z,,,,,exports/a.csv,2
    "#);
    assert_snapshot!(fixture.read("non_referral.csv"), @r#"
    kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,outcome,http_status,message,attempts,first_attempt_at,settled_at,api_event_id,promoter_email,promoter_ref_id,commission_cents,file,line
    sale,in_2,,a@example.com,cus_1,900,USD,2026-11-17T11:06:40Z,non_referral,204,,1,2026-11-18T11:06:50Z,2026-11-18T11:06:52Z,,,,,exports/a.csv,3
    cancellation,sub_1_cancelled,,a@example.com,cus_1,,,2026-11-17T11:06:40Z,non_referral,,inferred: from an earlier answer for this customer,0,,2026-11-18T11:06:52Z,,,,,exports/a.csv,4
    "#);
    assert_snapshot!(fixture.read("failed.csv"), @r#"
    kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,outcome,http_status,message,attempts,first_attempt_at,settled_at,api_event_id,promoter_email,promoter_ref_id,commission_cents,file,line
    sale,"'=HYPERLINK(""http://x"")",,'+a@example.com,'-1+1,500,USD,,failed,422,'-bad amount,1,2026-11-18T11:06:50Z,2026-11-18T11:06:52Z,,,,,exports/a.csv,5
    sale,in_6,,a@example.com,cus_1,600,USD,2026-11-17T11:06:40Z,unconfirmed,,the connection was reset,1,2026-11-18T11:06:50Z,2026-11-18T11:06:52Z,,,,,exports/a.csv,6
    sale,in_7,,a@example.com,cus_1,700,USD,2026-11-17T11:06:40Z,not_sent,503,try later,1,2026-11-18T11:06:50Z,,,,,,exports/a.csv,7
    sale,in_8,,a@example.com,cus_1,800,USD,2026-11-17T11:06:40Z,not_sent,,,0,,,,,,,exports/a.csv,8
    "#);
    assert_snapshot!(fixture.read("held.csv"), @r#"
    kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,plan_state,reason,candidates,file,line
    refund,re_9,,a@example.com,cus_1,100,USD,2026-11-17T11:06:40Z,unlinked,no sale of this customer\nhas 1.00 USD left,,exports/a.csv,9
    sale,in_1,,a@example.com,cus_1,801,USD,2026-11-17T11:06:40Z,conflict,'=conflict,,exports/a.csv,10
    "#);
    assert_snapshot!(fixture.read("rejected.csv"), @r#"
    id,"Amount, net",Name,_file,_line,_reason
    '@x,-5.00,"say ""hi"",
    then",exports/a.csv,11,the date is empty
    "#);
    assert_snapshot!(fixture.read("ignored.csv"), @r#"
    id,"Amount, net",Name,_file,_line,_reason
    ch_2,1.00,''=x,exports/a.csv,13,payment failed
    "#);
}

#[test]
fn the_summary_is_the_one_that_was_given() {
    let (fixture, run) = full();
    fixture.write(run).unwrap();
    let text = fixture.read("summary.json");
    assert!(text.ends_with("}\n") && text.starts_with("{\n  \"schema\": 1,\n"));
    let record = fixture.journal.run(run).unwrap().unwrap();
    let summary = RunSummary::load(&fixture.journal, &record).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read, serde_json::to_value(&summary).unwrap());
    assert_eq!(read["outcomes"]["tracked"]["count"], 1);
}

#[test]
fn no_cell_of_any_file_is_a_formula() {
    let (fixture, run) = full();
    for name in fixture.write(run).unwrap() {
        if name == "summary.json" {
            continue;
        }
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .has_headers(false)
            .from_path(fixture.reports().join(&name))
            .unwrap();
        for record in reader.records() {
            for cell in &record.unwrap() {
                assert_eq!(neutralise(&restore(cell)), cell, "{name}");
            }
        }
    }
}

#[test]
fn a_report_of_nothing_has_all_files_with_their_headers() {
    let mut fixture = Fixture::new();
    let run = fixture.record(&[], &[], &[], &[]);
    fixture.write(run).unwrap();
    assert_eq!(fixture.names(), ALWAYS);
    let header = names_of(&EVENT_COLUMNS);
    for name in ["tracked.csv", "non_referral.csv", "failed.csv"] {
        assert_eq!(fixture.read(name), header);
    }
    assert_eq!(fixture.read("held.csv"), names_of(&HELD_COLUMNS));
    assert_eq!(fixture.read("rejected.csv"), "_file,_line,_reason\n");
    assert_eq!(fixture.read("ignored.csv"), "_file,_line,_reason\n");

    let run = fixture.record(
        &[input("a.csv", &HEADER), input("b.csv", &["x"])],
        &[],
        &[],
        &[],
    );
    fixture.write(run).unwrap();
    let header = "id,\"Amount, net\",Name,_file,_line,_reason\n";
    assert_eq!(fixture.read("rejected.csv"), header);
    assert_eq!(fixture.read("ignored.csv"), header);
}

#[test]
fn every_header_has_a_file_of_its_own_and_older_ones_go() {
    let mut fixture = Fixture::new();
    let inputs = [
        input("a.csv", &["id", "amount"]),
        input("b.csv", &["=sum", "id"]),
        input("c.csv", &["id", "amount"]),
        input("d.csv", &["id"]),
    ];
    fn bad(input: usize, fields: &'static [&'static str]) -> SourceRow<'static> {
        (place(input, 2), Disposition::Rejected, "bad", fields)
    }
    let rows: &[SourceRow<'_>] = &[
        bad(1, &["1", "b"]),
        bad(2, &["c", "2"]),
        (place(3, 3), Disposition::Ignored, "free", &["d"]),
        bad(1, &["3", "b"]),
        bad(3, &["d"]),
    ];
    let run = fixture.record(&inputs, &[], &[], rows);
    let written = fixture.write(run).unwrap();
    let numbered = [
        "rejected.csv",
        "rejected-2.csv",
        "rejected-3.csv",
        "ignored.csv",
    ];
    assert_eq!(written[6..10], numbered);
    assert_snapshot!(fixture.read("rejected.csv"), @r#"
    '=sum,id,_file,_line,_reason
    1,b,b.csv,2,bad
    3,b,b.csv,2,bad
    "#);
    assert_snapshot!(fixture.read("rejected-2.csv"), @r#"
    id,amount,_file,_line,_reason
    c,2,c.csv,2,bad
    "#);
    assert_snapshot!(fixture.read("rejected-3.csv"), @r#"
    id,_file,_line,_reason
    d,d.csv,2,bad
    "#);
    assert_snapshot!(fixture.read("ignored.csv"), @r#"
    id,_file,_line,_reason
    d,d.csv,3,free
    "#);

    let theirs = [
        "rejected-1.csv",
        "rejected-02.csv",
        "rejected-2.csv.bak",
        "rejected-x.csv",
    ];
    for name in theirs {
        fs::write(fixture.reports().join(name), "mine").unwrap();
    }
    fs::write(fixture.reports().join("ignored-9.csv"), "old").unwrap();
    let run = fixture.record(&inputs, &[], &[], &rows[..2]);
    fixture.write(run).unwrap();
    // The first report is whole, in a folder of its own.
    let all = fixture.names();
    let first = all.iter().find(|name| name.starts_with("20")).unwrap();
    let moved = names(&fixture.reports().join(first));
    assert!(moved.contains(&"rejected-3.csv".to_owned()), "{moved:?}");
    let mut expected: Vec<&str> = ALWAYS.into_iter().chain(theirs).collect();
    expected.extend(["rejected-2.csv", first]);
    expected.sort_unstable();
    assert_eq!(fixture.names(), expected);
}

/// Returns the header and the rows of a report's file as `fprecon` reads them, restored.
fn read_again(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut export = Export::open(path).unwrap();
    let restored = |cell: &str| restore(cell).into_owned();
    let header = export.header().iter().map(|name| restored(name)).collect();
    let (mut rows, mut row) = (Vec::new(), Row::new());
    while export.read_row(&mut row).unwrap() {
        rows.push(row.iter().map(restored).collect());
    }
    (header, rows)
}

const RAGGED: [SourceRow<'static>; 5] = [
    (place(0, 2), Disposition::Rejected, "short", &["a"]),
    (
        place(0, 3),
        Disposition::Rejected,
        "long",
        &["b", "1", "x", "=y", ""],
    ),
    (place(0, 4), Disposition::Rejected, "right", &["c", "", "-"]),
    (place(0, 5), Disposition::Rejected, "empty", &[""]),
    (
        place(0, 6),
        Disposition::Rejected,
        "longer by one",
        &["d", "1", "x", ""],
    ),
];

#[test]
fn a_ragged_row_loses_nothing_and_stays_ragged_until_it_is_mended() {
    let mut fixture = Fixture::new();
    let run = fixture.record(&[input("a.csv", &HEADER)], &[], &[], &RAGGED);
    fixture.write(run).unwrap();
    assert_snapshot!(fixture.read("rejected.csv"), @r#"
    id,"Amount, net",Name,_file,_line,_reason
    a,,,a.csv,2,short,cells are missing; delete this one once the row is fixed
    b,1,x,a.csv,3,long,'=y,
    c,,'-,a.csv,4,right
    ,,,a.csv,5,empty,cells are missing; delete this one once the row is fixed
    d,1,x,a.csv,6,longer by one,
    "#);
    let (header, rows) = read_again(&fixture.reports().join("rejected.csv"));
    for (row, (_, _, reason, fields)) in rows.iter().zip(&RAGGED) {
        assert_eq!(row.len() == header.len(), fields.len() == HEADER.len());
        assert_eq!(row[5], *reason);
        let mut cells = [&row[..3], &row[6..]].concat();
        cells.retain(|cell| cell != MISSING_CELLS_MARK);
        cells.resize(cells.len().max(fields.len()), String::new());
        assert_eq!(cells[..fields.len()], **fields);
    }
}

#[test]
fn rejected_rows_that_are_read_again_have_the_added_columns_once() {
    let mut fixture = Fixture::new();
    let run = fixture.record(&[input("a.csv", &HEADER)], &[], &[], &RAGGED);
    fixture.write(run).unwrap();
    let (header, rows) = read_again(&fixture.reports().join("rejected.csv"));

    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows: Vec<Vec<&str>> = rows
        .iter()
        .map(|row| row.iter().map(String::as_str).collect())
        .collect();
    let again: Vec<SourceRow<'_>> = rows
        .iter()
        .map(|row| (place(1, 7), Disposition::Rejected, "still", row.as_slice()))
        .collect();
    let inputs = [input("b.csv", &HEADER), input("rejected.csv", &header)];
    let run = fixture.record(&inputs, &[], &[], &again);
    let written = fixture.write(run).unwrap();
    assert!(!written.contains(&"rejected-2.csv".to_owned()));
    assert_snapshot!(fixture.read("rejected.csv"), @r#"
    id,"Amount, net",Name,_file,_line,_reason
    a,,,rejected.csv,7,still,a.csv,2,short,cells are missing; delete this one once the row is fixed
    b,1,x,rejected.csv,7,still,a.csv,3,long,'=y,
    c,,'-,rejected.csv,7,still
    ,,,rejected.csv,7,still,a.csv,5,empty,cells are missing; delete this one once the row is fixed
    d,1,x,rejected.csv,7,still,a.csv,6,longer by one,
    "#);
}

#[test]
fn a_file_that_cannot_be_written_leaves_the_old_ones_and_nothing_else() {
    let (fixture, run) = full();
    let reports = fixture.reports();
    fs::create_dir_all(reports.join("tracked.csv")).unwrap();
    for name in ALWAYS {
        if name != "tracked.csv" {
            fs::write(reports.join(name), "old").unwrap();
        }
    }
    let error = fixture.write(run).unwrap_err();
    assert!(
        matches!(&error, ReportError::Write { path, .. } if *path == reports.join("tracked.csv"))
    );
    assert!(error.hint().contains("`fprecon report`"));
    // It says whose the files are that are new, if any are.
    let with_marker = [&[MARKER], &ALWAYS[..]].concat();
    assert_eq!(fixture.names(), with_marker);
    for name in ALWAYS {
        if name != "tracked.csv" {
            assert_eq!(fixture.read(name), "old");
        }
    }

    fs::remove_dir(reports.join("tracked.csv")).unwrap();
    fixture.write(run).unwrap();
    assert_eq!(fixture.names(), ALWAYS);
    assert!(fixture.read("failed.csv").starts_with("kind,"));

    // The file that is moved last: all others are new, and whole.
    fs::remove_file(reports.join("summary.json")).unwrap();
    fs::create_dir(reports.join("summary.json")).unwrap();
    fs::write(reports.join("held.csv"), "old").unwrap();
    fixture.write(run).unwrap_err();
    assert_eq!(fixture.names(), with_marker);
    assert!(fixture.read("held.csv").starts_with("kind,"));
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let (fixture, run) = full();
    fs::write(fixture.directory.path().join("reports"), "a file").unwrap();
    let error = fixture.write(run).unwrap_err();
    let ReportError::Write { path, doing, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(path, fixture.reports());
    assert_eq!(doing, "creating the directory");
}

#[test]
fn planned_events_are_written_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.csv");
    let mut sale = event(Kind::Sale, "in_1", Some(800), 2);
    sale.plan = Some("pro".into());
    sale.set_details(Details {
        mrr_cents: Some(-400),
        promo_code: Some("+SAVE".into()),
        ..Details::default()
    });
    sale.note = "=note".into();
    let mut cancellation = event(Kind::Cancellation, "sub_1", None, 3);
    cancellation.source = Some(place(1, 3));
    cancellation.created_at = Some(Timestamp::from_millisecond(1_600_000_000_120).unwrap());
    let events: Events = [sale, cancellation].into_iter().collect();
    let planned = [(0, PlanState::ToSend), (1, PlanState::Duplicate)];
    let planned = planned.map(|(index, state)| Planned {
        event: events.get(index),
        state,
    });
    let paths = ["a.csv".to_owned(), "-".to_owned()];
    write_plan_events(2, |number| planned[number], &paths, &path).unwrap();
    assert_snapshot!(fs::read_to_string(&path).unwrap(), @r#"
    kind,event_id,sale_event_id,email,uid,amount_cents,currency,plan,mrr_cents,promo_code,created_at,file,line,plan_state,note
    sale,in_1,,a@example.com,cus_1,800,USD,pro,-400,'+SAVE,2026-11-17T11:06:40Z,a.csv,2,to_send,'=note
    cancellation,sub_1,,a@example.com,cus_1,,,,,,2020-09-13T12:26:40.12Z,'-,3,duplicate,
    "#);

    let nowhere = directory.path().join("none").join("events.csv");
    let error = write_plan_events(2, |number| planned[number], &paths, &nowhere).unwrap_err();
    assert!(matches!(&error, ReportError::WriteEvents { path, .. } if *path == nowhere));
    assert!(error.hint().contains("nothing was sent"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    write_plan_events(2, |number| planned[number], &paths, &path).unwrap_err();
    assert_eq!(names(directory.path()), ["events.csv"]);
}

#[test]
fn the_events_of_a_large_plan_are_written_in_their_order() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.csv");
    let lines = 2..30_002;
    let events: Events = lines
        .clone()
        .map(|line| event(Kind::Sale, &format!("in_{line}"), Some(800), line))
        .collect();
    let event_at = |number| Planned {
        event: events.get(number),
        state: PlanState::ToSend,
    };
    write_plan_events(events.len(), event_at, &["a.csv".to_owned()], &path).unwrap();
    let written = fs::read_to_string(&path).unwrap();
    let ids = written.lines().map(|line| line.split(',').nth(1).unwrap());
    let expected = lines.map(|line| format!("in_{line}"));
    assert!(ids.eq(std::iter::once("event_id".to_owned()).chain(expected)));
}

/// Generates texts that people may have in their exports, and texts that a spreadsheet would run.
fn any_text() -> impl proptest::strategy::Strategy<Value = String> {
    proptest::prop_oneof![
        "\\PC{0,8}",
        "['=+@\t\r\n.,0-9\"-]{0,8}",
        "'{0,3}[=+@-][0-9.,]{0,6}"
    ]
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(48))]

    #[test]
    fn every_csv_gives_its_texts_back_and_runs_none(
        texts in proptest::collection::vec(any_text(), 8),
    ) {
        let mut fixture = Fixture::new();
        let id = format!("{}x", texts[0]);
        let mut sold = event(Kind::Sale, &id, Some(800), 2);
        sold.customer = Customer { email: Some(texts[1].as_str().into()), uid: Some(texts[2].as_str().into()) };
        sold.original = Some(Box::new(Original {
            money: Money { amount_cents: 700, currency: Currency::from_code("EUR").unwrap() },
            rate: texts[4].as_str().into(),
            rate_date: jiff::civil::date(2026, 3, 1),
        }));
        let mut back = event(Kind::Refund, &format!("{}z", texts[5]), Some(100), 3);
        back.sale_event_id = Some(texts[7].as_str().into());
        back.original.clone_from(&sold.original);
        let mut held = event(Kind::Refund, &format!("{}y", texts[3]), Some(100), 3);
        held.sale_event_id = Some(texts[4].as_str().into());
        held.note = texts[5].as_str().into();
        let fields = [texts[6].as_str(), texts[7].as_str(), texts[0].as_str()];
        let rows = [(place(0, 4), Disposition::Rejected, texts[5].as_str(), &fields[..]),
            (place(0, 5), Disposition::Ignored, texts[4].as_str(), &fields[..])];
        let header = [texts[3].as_str(), texts[2].as_str(), "plain"];
        let run = fixture.record(
            &[input(&texts[6], &header)], &[sold, back], &[(PlanState::Unlinked, held)], &rows);
        fixture.settle(run, 1, Effect::None, settlement(Outcome::Failed, 422, Some(&texts[7])));
        fixture.write(run).unwrap();

        let cells = |name: &str, row: usize| -> Vec<String> {
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_path(fixture.reports().join(name))
                .unwrap();
            let record = reader.records().nth(row).unwrap().unwrap();
            for cell in &record {
                assert_eq!(neutralise(&restore(cell)), cell, "{name}");
            }
            record.iter().map(|cell| restore(cell).into_owned()).collect()
        };
        let failed = cells("failed.csv", 1);
        proptest::prop_assert_eq!(&failed[1], &id);
        proptest::prop_assert_eq!(&failed[3..5], &texts[1..3]);
        proptest::prop_assert_eq!(&failed[10], &shown(&texts[7]));
        proptest::prop_assert_eq!(&failed[18], &shown(&texts[6]));
        let converted = cells("converted.csv", 1);
        proptest::prop_assert_eq!(&converted[1], &id);
        proptest::prop_assert_eq!(&converted[5], &texts[4]);
        proptest::prop_assert_eq!(&converted[9], &shown(&texts[6]));
        let converted = cells("converted.csv", 2);
        proptest::prop_assert_eq!(&converted[1], &format!("{}z", texts[5]));
        proptest::prop_assert_eq!(&converted[2], &texts[7]);
        let held = cells("held.csv", 1);
        proptest::prop_assert_eq!(&held[2], &texts[4]);
        proptest::prop_assert_eq!(&held[9], &shown(&texts[5]));
        for (name, reason) in [("rejected.csv", &texts[5]), ("ignored.csv", &texts[4])] {
            proptest::prop_assert_eq!(&cells(name, 0)[..3], &header);
            let row = cells(name, 1);
            proptest::prop_assert_eq!(&row[..3], &fields);
            proptest::prop_assert_eq!(&row[5], &shown(reason));
        }
    }
}
