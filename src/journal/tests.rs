#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::guard::tests::open_to_edit;
use super::*;
use crate::event::{
    Conversion, ConvertedRefunds, Currency, Customer, Details, Event, EventKey, ExportLine, Kind,
    Money, Original, Ties,
};
use crate::link::SaleHistory;
use crate::plan::History;
use crate::problem::Problem;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap()
}

fn account() -> Account {
    Account {
        api: "v1".into(),
        base_url: "https://firstpromoter.com/api/v1".into(),
        account_id: "wid_1".into(),
    }
}

pub(super) fn place() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("fprecon.journal");
    (directory, path)
}

pub(super) fn open(path: &Path) -> Result<Journal, JournalError> {
    Journal::open(path, &account(), "run", at(0))
}

fn usd(amount_cents: i64) -> Option<Money> {
    Some(Money {
        amount_cents,
        currency: Currency::from_code("USD").unwrap(),
    })
}

pub(super) fn sale(id: &str, amount_cents: i64, line: u64) -> Event {
    let customer = Customer::new(Some("A@example.com"), Some("cus_1"));
    let source = ExportLine { input: 0, line };
    let mut event = Event::new(Kind::Sale, id.into(), customer, source);
    event.money = usd(amount_cents);
    event
}

fn refund(id: &str, sale: &str, cents: i64, total: Option<i64>) -> Event {
    let mut event = self::sale(id, cents, 9);
    event.kind = Kind::Refund;
    event.sale_event_id = Some(sale.into());
    event.refund_total_cents = total;
    event
}

/// Returns an event in which nothing is empty.
pub(super) fn full() -> Event {
    let mut event = refund("in_1_refund_500", "in_1", 500, Some(500));
    event.plan = Some("pro".into());
    event.set_details(Details {
        subscription: None,
        mrr_cents: Some(-1),
        promo_code: Some("=HYPERLINK(\"x\")".into()),
        quantity: Some(u32::MAX),
        ref_id: Some("ref".into()),
        tid: Some("tid".into()),
        first_name: Some("Zoë\0 O'Neil".into()),
        last_name: Some("𝄞".into()),
        candidates: None,
        shared_id: Some("in_0".into()),
        rest: None,
    });
    event.gross_cents = Some(595);
    event.reference = Some("ch_1".into());
    event.created_at = Some(Timestamp::from_millisecond(1_600_000_000_123).unwrap());
    event.remark("linked by the sale's id");
    event
}

fn input() -> NewInput {
    NewInput {
        path: "exports/charges.csv".into(),
        sha256: "ab".repeat(32),
        profile: "stripe-payments".into(),
        header: vec!["id".into(), "Amount, net".into()],
        rows_read: 6,
        rows_with_events: 3,
        rows_ignored: 2,
        rows_rejected: 1,
    }
}

fn new_run() -> NewRun {
    NewRun {
        command: RunCommand::Run,
        started: at(0),
    }
}

pub(super) fn record(journal: &mut Journal, events: &[Event]) -> RunId {
    let mut recording = journal.begin(&new_run()).unwrap();
    let only_events = NewInput {
        rows_read: 3,
        rows_ignored: 0,
        rows_rejected: 0,
        ..input()
    };
    recording.add_input(&only_events).unwrap();
    for event in events {
        recording.add_event(event).unwrap();
    }
    recording.commit().unwrap()
}

pub(super) fn intent(run: RunId, event: i64, number: u32) -> Entry {
    Entry::Intent {
        event: EventRow(event),
        number,
        run,
        at: at(10),
        carried: None,
    }
}

fn settlement(outcome: Outcome) -> Settlement {
    Settlement {
        outcome,
        is_inferred: false,
        http_status: Some(200),
        message: Some("ok".into()),
        at: at(11),
        api_event_id: Some("77".into()),
        promoter_email: Some("p@example.com".into()),
        promoter_ref_id: Some("p1".into()),
        commission_cents: Some(160),
    }
}

pub(super) fn answer(event: i64, number: u32, effect: Effect, outcome: Option<Outcome>) -> Entry {
    Entry::Answer {
        event: EventRow(event),
        number,
        at: at(11),
        answer: "some-answer",
        effect,
        http_status: Some(503),
        message: Some("é".repeat(400)),
        settlement: outcome.map(settlement),
    }
}

fn records(reader: &JournalReader, run: RunId) -> Vec<EventRecord> {
    let mut all = Vec::new();
    reader
        .for_each_event(run, |record| {
            all.push(record);
            Ok::<_, JournalError>(())
        })
        .unwrap();
    all
}

/// Returns what is left to send, each event read back as when its turn comes.
fn pending_of(reader: &JournalReader, run: RunId) -> Vec<Pending> {
    let mut rows = Vec::new();
    let push = |row, _: Ties<'_>| rows.push(row);
    reader.for_each_pending(run, push).unwrap();
    let mut statement = events::prepare_one(&reader.connection).unwrap();
    let mut read = |row| events::read_one(&mut statement, run, row);
    rows.into_iter()
        .map(|row| read(row).unwrap().unwrap())
        .collect()
}

#[test]
fn an_event_comes_back_as_it_was() {
    let (_directory, path) = place();
    let events = [sale("in_1", 800, 2), full()];
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &events);
    let pending = pending_of(&journal, run);
    let read: Vec<Event> = pending.iter().map(|one| one.event.clone()).collect();
    assert_eq!(read, events);
    let known = journal.known().unwrap();
    for event in &events {
        assert_eq!(
            known.events.get(event.key()).unwrap().essence,
            event.essence()
        );
        assert!(!known.events.get(event.key()).unwrap().is_settled());
    }
    let found = journal.event(EventRow(2)).unwrap().unwrap();
    assert_eq!(found.event, events[1]);
    assert_eq!(found.file.as_deref(), Some("exports/charges.csv"));
    assert_eq!(journal.event(EventRow(3)).unwrap(), None);
}

fn totals() -> [PlanTotal; 2] {
    [
        PlanTotal {
            state: PlanState::ToSend,
            kind: Kind::Sale,
            currency: Currency::from_code("USD"),
            count: 1,
            amount_cents: 1,
        },
        PlanTotal {
            state: PlanState::Settled,
            kind: Kind::Signup,
            currency: None,
            count: 4,
            amount_cents: 0,
        },
    ]
}

fn problem() -> Problem {
    Problem {
        severity: crate::problem::Severity::Error,
        code: crate::problem::ProblemCode::AmountInvalid,
        file: Some("x.csv".into()),
        line: Some(5),
        column: Some("Amount".into()),
        is_setting: false,
        value: Some("1e3".into()),
        message: "no amount".into(),
        hint: None,
    }
}

#[test]
fn everything_of_a_run_comes_back() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_0", 1, 2)]);
    let (at_5, at_6) = (
        ExportLine { input: 0, line: 5 },
        ExportLine { input: 0, line: 6 },
    );
    let mut recording = journal.begin(&new_run()).unwrap();
    recording.add_input(&input()).unwrap();
    recording.take_over(EventRow(1), at_5).unwrap();
    recording.add_held(PlanState::Conflict, &full()).unwrap();
    for total in &totals() {
        recording.add_total(total).unwrap();
    }
    let cells = ["a", "b,\"c\"\n"];
    recording
        .add_row(at_5, Disposition::Rejected, "no date", &cells)
        .unwrap();
    recording
        .add_row(at_6, Disposition::Ignored, "unpaid", &cells)
        .unwrap();
    recording.add_problem(&problem()).unwrap();
    let second = recording.commit().unwrap();

    assert_eq!(journal.unfinished_runs().unwrap(), [run, second]);
    assert_eq!(records(&journal, second)[0].event.source, Some(at_5));
    let found = journal.latest_run().unwrap().unwrap();
    assert_eq!(found.name, "2026-11-18T11-06-40Z-2");
    assert_eq!(found.inputs, [input()]);
    assert_eq!(found.totals.len(), 2);
    assert_eq!(journal.run_named(&found.name).unwrap().unwrap(), found);
    let mut held = Vec::new();
    let mut rejected = Vec::new();
    let mut problems = Vec::new();
    let result: Result<(), JournalError> = journal.for_each_held(second, |one| {
        held.push(one);
        Ok(())
    });
    result.unwrap();
    let result: Result<(), JournalError> =
        journal.for_each_row(second, Disposition::Rejected, |row| {
            rejected.push(row);
            Ok(())
        });
    result.unwrap();
    let result: Result<(), JournalError> = journal.for_each_problem(second, |one| {
        problems.push(one);
        Ok(())
    });
    result.unwrap();
    assert_eq!(held[0].event, full());
    assert_eq!(rejected[0].fields, cells);
    assert_eq!((rejected.len(), rejected[0].source), (1, at_5));
    assert_eq!(problems, [problem()]);
    let reasons = journal.row_reasons(second, Disposition::Ignored).unwrap();
    assert_eq!((reasons[0].reason.as_str(), reasons[0].rows), ("unpaid", 1));
}

#[test]
fn a_second_writer_learns_who_has_the_journal_and_readers_are_admitted() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_1", 800, 2)]);
    let Err(JournalError::Locked { holder, .. }) = open(&path) else {
        panic!("a second writer was let in");
    };
    let me = format!("process {}", std::process::id());
    assert!(holder.contains(&me), "{holder}");
    assert!(holder.contains("fprecon run"), "{holder}");

    let reader = JournalReader::open(&path).unwrap().unwrap();
    assert_eq!(pending_of(&reader, run).len(), 1);
    let settle = Entry::Settle {
        event: EventRow(1),
        settlement: settlement(Outcome::NonReferral),
    };
    journal.write(&[settle]).unwrap();
    assert_eq!(pending_of(&reader, run).len(), 1, "one instant");
    let reader = JournalReader::open(&path).unwrap().unwrap();
    assert_eq!(pending_of(&reader, run).len(), 0);
    drop(journal);
    open(&path).unwrap();
}

#[test]
fn a_missing_journal_is_none() {
    let (directory, path) = place();
    assert!(JournalReader::open(&path).unwrap().is_none());
    fs::write(&path, "").unwrap();
    assert!(JournalReader::open(&path).unwrap().is_none());
    open(&path).unwrap();
    let nowhere = directory.path().join("no/such/journal");
    assert!(matches!(
        open(&nowhere),
        Err(JournalError::NotWritable { .. })
    ));
}

#[test]
fn a_newer_journal_is_refused_untouched() {
    let (_directory, path) = place();
    drop(open(&path).unwrap());
    open_to_edit(&path)
        .execute_batch("PRAGMA user_version = 9")
        .unwrap();
    let before = fs::read(&path).unwrap();
    for refused in [
        open(&path).map(|_| ()),
        JournalReader::open(&path).map(|_| ()),
    ] {
        assert!(matches!(refused, Err(JournalError::Newer { found: 9, .. })));
    }
    assert!(fs::read(&path).unwrap() == before);
}

#[test]
fn what_is_not_a_journal_is_refused_and_not_changed() {
    let (directory, path) = place();
    fs::write(&path, "id,amount\n1,2\n").unwrap();
    assert!(matches!(open(&path), Err(JournalError::Damaged { .. })));
    assert_eq!(fs::read(&path).unwrap(), b"id,amount\n1,2\n");

    let other = directory.path().join("other.db");
    open_to_edit(&other)
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    assert!(matches!(
        open(&other),
        Err(JournalError::NotAJournal { .. })
    ));
}

#[test]
fn another_accounts_journal_is_refused_and_both_are_named() {
    let (_directory, path) = place();
    drop(open(&path).unwrap());
    let sandbox = Account {
        base_url: "http://127.0.0.1:9/api/v1".into(),
        ..account()
    };
    let error = Journal::open(&path, &sandbox, "run", at(0)).unwrap_err();
    assert!(matches!(error, JournalError::OtherAccount(_)));
    let text = error.to_string();
    assert!(text.contains("127.0.0.1:9") && text.contains("firstpromoter.com"));
    let reader = JournalReader::open(&path).unwrap().unwrap();
    assert_eq!(reader.account().unwrap(), account());
}

#[test]
fn a_damaged_byte_is_refused_or_changes_nothing() {
    let (_directory, path) = place();
    let events: Vec<Event> = (0..40)
        .map(|i| sale(&format!("in_{i}"), 800 + i, 2))
        .collect();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &events);
    let entries = [
        intent(run, 1, 1),
        answer(1, 1, Effect::Recorded, Some(Outcome::Tracked)),
    ];
    journal.write(&entries).unwrap();
    let before = records(&journal, run);
    drop(journal);
    let sound = fs::read(&path).unwrap();
    let events_at = sound
        .windows(5)
        .position(|bytes| bytes == b"in_39")
        .unwrap();
    let page = events_at - events_at % 4096;
    let everywhere = (0..sound.len()).step_by(557);
    let in_the_events = (page..page + 4096).step_by(13);
    let (mut refused, mut accepted) = (0, 0);
    for position in everywhere.chain(in_the_events) {
        let mut bytes = sound.clone();
        bytes[position] ^= 1;
        fs::write(&path, &bytes).unwrap();
        match read_all(&path, run) {
            Err(_) => refused += 1,
            Ok(read) => {
                accepted += 1;
                for (read, written) in read.iter().zip(&before) {
                    assert_eq!(
                        read.event.event_id(),
                        written.event.event_id(),
                        "{position}"
                    );
                    assert_eq!(read.event.money, written.event.money, "{position}");
                    assert_eq!(read.event.customer, written.event.customer, "{position}");
                    assert_eq!(read.settlement, written.settlement, "{position}");
                }
            }
        }
    }
    assert!(refused > 200, "{refused} refused, {accepted} accepted");
}

fn read_all(path: &Path, run: RunId) -> Result<Vec<EventRecord>, JournalError> {
    let journal = open(path)?;
    journal.known()?;
    let mut all = Vec::new();
    journal.for_each_event(run, |record| {
        all.push(record);
        Ok::<_, JournalError>(())
    })?;
    Ok(all)
}

#[test]
fn a_log_without_its_journal_is_refused() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    record(&mut journal, &[sale("in_1", 800, 2)]);
    let copy = path.with_file_name("copy.journal");
    fs::copy(files::beside(&path, "-wal"), files::beside(&copy, "-wal")).unwrap();
    assert!(matches!(open(&copy), Err(JournalError::Damaged { .. })));
    assert!(files::beside(&copy, "-wal").exists());
}

#[test]
fn a_recording_without_commit_leaves_nothing() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let mut recording = journal.begin(&new_run()).unwrap();
    recording.add_input(&input()).unwrap();
    recording.add_event(&sale("in_1", 800, 2)).unwrap();
    drop(recording);
    assert!(journal.known().unwrap().events.is_empty());
    assert!(journal.latest_run().unwrap().is_none());
    assert_eq!(record(&mut journal, &[sale("in_1", 800, 2)]), RunId(1));
}

#[test]
fn what_returned_is_there_after_a_kill() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_1", 800, 2), sale("in_2", 900, 3)]);
    journal.write(&[intent(run, 1, 1)]).unwrap();
    let mut unfinished = journal.begin(&new_run()).unwrap();
    unfinished.add_input(&input()).unwrap();
    unfinished.add_event(&sale("in_3", 1, 4)).unwrap();

    // What a killed process leaves are the files as they are now.
    let copy = path.with_file_name("killed.journal");
    for suffix in ["", "-wal", files::COMMITS] {
        fs::copy(files::beside(&path, suffix), files::beside(&copy, suffix)).unwrap();
    }
    let killed = open(&copy).unwrap();
    assert_eq!(killed.unfinished_runs().unwrap(), [run]);
    let pending = pending_of(&killed, run);
    let state: Vec<_> = pending
        .iter()
        .map(|one| (one.row.0, one.attempts, one.is_maybe_recorded))
        .collect();
    assert_eq!(state, [(1, 1, true), (2, 0, false)]);
}

#[test]
fn an_intent_may_be_recorded_until_an_answer_tells() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_1", 800, 2)]);
    let state = |journal: &Journal| {
        let pending = &pending_of(journal, run)[0];
        (pending.attempts, pending.is_maybe_recorded)
    };
    assert_eq!(state(&journal), (0, false));
    journal.write(&[intent(run, 1, 1)]).unwrap();
    assert_eq!(state(&journal), (1, true));
    journal.write(&[answer(1, 1, Effect::None, None)]).unwrap();
    assert_eq!(state(&journal), (1, false));
    let second = [intent(run, 1, 2), answer(1, 2, Effect::Unknown, None)];
    journal.write(&second).unwrap();
    assert_eq!(state(&journal), (2, true));
    let third = [
        intent(run, 1, 3),
        answer(1, 3, Effect::Recorded, Some(Outcome::Tracked)),
    ];
    journal.write(&third).unwrap();

    assert!(journal.unfinished_runs().unwrap().is_empty());
    assert_eq!(pending_of(&journal, run), []);
    let record = &records(&journal, run)[0];
    assert_eq!(record.settlement, Some(settlement(Outcome::Tracked)));
    assert_eq!((record.attempts(), record.first_attempt), (3, Some(at(10))));
    let last = record.last_attempt.as_ref().unwrap();
    assert_eq!(last.message.as_ref().map(String::len), Some(500));
    let totals = journal.outcomes(run).unwrap();
    assert_eq!(totals, journal.state_counts().unwrap());
    let tracked = &totals[&Some(Outcome::Tracked)];
    assert_eq!((totals.len(), tracked.count()), (1, 1));
    assert_eq!(
        tracked.cents_of(Kind::Sale).collect::<Vec<_>>(),
        [(usd(1).unwrap().currency, 800)]
    );
}

#[test]
fn entries_that_cannot_be_poison_the_journal_and_leave_nothing() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_1", 800, 2)]);
    let batch = [intent(run, 1, 1), answer(1, 2, Effect::None, None)];
    assert!(matches!(
        journal.write(&batch),
        Err(JournalError::Misused { .. })
    ));
    assert!(matches!(
        journal.write(&[intent(run, 1, 1)]),
        Err(JournalError::Poisoned { .. })
    ));
    assert!(matches!(
        journal.begin(&new_run()).map(|_| ()),
        Err(JournalError::Poisoned { .. })
    ));
    assert_eq!(pending_of(&journal, run)[0].attempts, 0);
    drop(journal);
    open(&path).unwrap().write(&[intent(run, 1, 1)]).unwrap();
}

#[test]
fn a_full_disk_poisons_and_the_run_can_be_resumed() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_1", 800, 2)]);
    journal.write(&[intent(run, 1, 1)]).unwrap();
    journal
        .connection
        .execute_batch("PRAGMA max_page_count = 1")
        .unwrap();
    let events: Vec<Event> = (0..500).map(|i| sale(&format!("x_{i}"), 1, 2)).collect();
    let mut recording = journal.begin(&new_run()).unwrap();
    recording.add_input(&input()).unwrap();
    let failed = events
        .iter()
        .map(|event| recording.add_event(event))
        .find_map(Result::err);
    assert!(matches!(failed, Some(JournalError::NotWritable { .. })));
    assert!(matches!(
        recording.add_event(&events[0]),
        Err(JournalError::Poisoned { .. })
    ));
    assert!(recording.commit().is_err());
    assert!(journal.write(&[intent(run, 1, 2)]).is_err());
    drop(journal);
    let journal = open(&path).unwrap();
    assert_eq!(journal.known().unwrap().events.len(), 1);
    assert!(pending_of(&journal, run)[0].is_maybe_recorded);
}

#[test]
fn refunds_add_up_by_sale() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let events = [
        sale("in_1", 8000, 2),
        refund("in_1_refund_3000", "in_1", 3000, Some(3000)),
        refund("in_1_refund_5000", "in_1", 2000, Some(5000)),
        refund("re_1", "in_2", 700, None),
    ];
    record(&mut journal, &events);
    let known = journal.known().unwrap();
    let of = |id| known.refunded(crate::event::EventKey::from_id(id));
    assert_eq!((of("in_1").cents, of("in_2").cents), (5000, 700));
    assert_eq!(of("in_1").largest_total_cents, Some(5000));
    assert_eq!(of("in_2").largest_total_cents, None);
}

#[test]
fn an_id_that_was_taken_with_its_invisible_characters_is_known_without_them() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let events = [
        sale("in_1\u{200b}", 800, 2),
        refund("in_1\u{200b}_refund_300", "in_1\u{200b}", 300, Some(300)),
        sale("in_1", 800, 2),
    ];
    record(&mut journal, &events);
    let known = journal.known().unwrap();
    let key = crate::event::EventKey::from_id;
    assert!(known.events.get(key("in_1")).is_some());
    assert!(known.events.get(key("in_1_refund_300")).is_some());
    assert_eq!(known.refunded(key("in_1")).largest_total_cents, Some(300));
}

#[test]
fn a_retry_removes_the_selected_outcomes() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let events = [
        sale("in_1", 1, 2),
        sale("in_2", 20, 3),
        sale("in_3", 300, 4),
    ];
    let run = record(&mut journal, &events);
    let entries = [
        intent(run, 1, 1),
        answer(1, 1, Effect::Recorded, Some(Outcome::Tracked)),
        intent(run, 2, 1),
        answer(2, 1, Effect::None, Some(Outcome::Failed)),
        intent(run, 3, 1),
        answer(3, 1, Effect::Unknown, Some(Outcome::Unconfirmed)),
    ];
    journal.write(&entries).unwrap();
    let nothing = RetrySelection::default();
    assert_eq!(journal.start_retry(&nothing, at(20)).unwrap(), None);
    let both = RetrySelection {
        has_failed: true,
        has_unconfirmed: true,
        ..RetrySelection::default()
    };
    let retry = journal.start_retry(&both, at(20)).unwrap().unwrap();
    let pending = pending_of(&journal, retry);
    let state: Vec<_> = pending
        .iter()
        .map(|one| (one.row.0, one.event.line().unwrap(), one.is_maybe_recorded))
        .collect();
    assert_eq!(state, [(2, 3, false), (3, 4, true)]);
    assert_eq!(pending[0].attempts, 1);
    let found = journal.run(retry).unwrap().unwrap();
    assert_eq!(found.command, RunCommand::Retry);
    assert_eq!(
        (found.totals[0].count, found.totals[0].amount_cents),
        (2, 320)
    );
    assert_eq!(
        records(&journal, retry)[0].file.as_deref(),
        Some("exports/charges.csv")
    );
    assert_eq!(journal.start_retry(&both, at(21)).unwrap(), None);
}

/// A kill while a journal is made leaves its beginnings under another name, and nothing under its own.
#[test]
fn a_journal_is_made_whole_or_not_at_all() {
    let (_directory, path) = place();
    let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", path.display()));
    let left_behind = [".new", ".new-journal", ".new-wal", ".new-shm"];
    for suffix in left_behind {
        fs::write(beside(suffix), "half a journal").unwrap();
    }
    assert!(JournalReader::open(&path).unwrap().is_none());
    drop(open(&path).unwrap());
    for suffix in left_behind {
        assert!(!beside(suffix).exists(), "{suffix}");
    }
    // An empty file at its place is one that nobody got to fill, unless the record says otherwise.
    fs::write(&path, "").unwrap();
    assert!(matches!(open(&path), Err(JournalError::Lost { .. })));
    fs::remove_file(beside(".commits")).unwrap();
    drop(open(&path).unwrap());
    assert!(JournalReader::open(&path).unwrap().is_some());
}

#[test]
fn requests_and_time_add_up_over_resumptions() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[]);
    let mut end = RunEnd {
        ended: at(60),
        reason: EndReason::Interrupted,
        exit_code: 130,
        add_requests: 7,
        add_elapsed_ms: 1500,
        report_dir: Some(path.with_file_name("reports").display().to_string()),
    };
    journal.end_run(run, &end).unwrap();
    journal.resume_run(run).unwrap();
    assert_eq!(journal.run(run).unwrap().unwrap().ended, None);
    (end.reason, end.exit_code, end.report_dir) = (EndReason::Done, 0, None);
    let foretold = journal.run(run).unwrap().unwrap().with_end(&end);
    journal.end_run(run, &end).unwrap();
    let found = journal.run(run).unwrap().unwrap();
    assert_eq!(found, foretold);
    assert_eq!((found.requests, found.elapsed_ms), (14, 3000));
    assert_eq!(found.reason, Some(EndReason::Done));
    let sql = "SELECT report_dir FROM run";
    let recorded = journal.connection.query_row(sql, [], |row| row.get(0));
    assert_eq!(recorded, Ok("reports".to_owned()), "beside the journal");
}

#[test]
fn the_views_can_be_read() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[full()]);
    journal.write(&[intent(run, 1, 1)]).unwrap();
    let text = |sql: &str| -> String {
        let value = journal.connection.query_row(sql, [], |row| row.get(0));
        value.unwrap()
    };
    let created = text("SELECT created_at || outcome FROM events_readable");
    assert_eq!(created, "2020-09-13T12:26:40Znot_sent");
    text("SELECT intended_at FROM attempts_readable");
    text("SELECT started_at FROM runs_readable");
}

#[test]
fn the_words_are_those_of_the_schema() {
    let schema = concat!(
        include_str!("schema.sql"),
        include_str!("schema-7.sql"),
        include_str!("schema-8.sql")
    );
    let words = Outcome::ALL
        .iter()
        .map(|word| word.as_str())
        .chain(Effect::ALL.iter().map(|word| word.as_str()))
        .chain(PlanState::ALL.iter().map(|word| word.as_str()))
        .chain(Disposition::ALL.iter().map(|word| word.as_str()))
        .chain(RunCommand::ALL.iter().map(|word| word.as_str()))
        .chain(EndReason::ALL.iter().map(|word| word.as_str()));
    for word in words {
        assert!(schema.contains(&format!("'{word}'")), "{word}");
    }
}

#[test]
fn nothing_is_sorted_to_read_a_run() {
    let (_directory, path) = place();
    let journal = open(&path).unwrap();
    let sql = format!("EXPLAIN QUERY PLAN {}", events::scan_sql(""));
    let mut statement = journal.connection.prepare(&sql).unwrap();
    let steps: Vec<String> = statement
        .query_map([1], |row| row.get(3))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        steps.iter().all(|step| !step.contains("TEMP B-TREE")),
        "{steps:?}"
    );
}

/// Returns a sale and its refund in euros, as sent to the API in dollars.
fn converted() -> [Event; 2] {
    let in_euros = |mut event: Event, amount_cents: i64| {
        event.original = Some(Box::new(Original {
            money: Money {
                amount_cents,
                currency: Currency::from_code("EUR").unwrap(),
            },
            rate: "1.0834".into(),
            rate_date: "2026-03-02".parse().unwrap(),
        }));
        event
    };
    [
        in_euros(sale("in_1", 2167, 2), 2000),
        in_euros(refund("re_1", "in_1", 542, None), 500),
    ]
}

#[test]
fn a_converted_amount_comes_back_with_what_it_was() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let events = converted();
    let run = record(
        &mut journal,
        &[&events[..], &[sale("in_2", 100, 3)]].concat(),
    );
    let known = journal.known().unwrap();
    for event in &events {
        assert_eq!(
            known.events.get(event.key()).unwrap().essence,
            event.essence()
        );
        let conversion = Conversion {
            original: *event.original.clone().unwrap(),
            sent: event.money.unwrap(),
        };
        assert_eq!(known.conversions[&event.key()], conversion);
    }
    let sale_key = EventKey::from_id("in_1");
    let refunds = ConvertedRefunds {
        original_cents: 500,
        sent_cents: 542,
    };
    assert_eq!(known.converted_refunds(sale_key), refunds);
    assert_eq!(
        known.refunded(sale_key).cents,
        500,
        "in the sale's currency"
    );
    assert_eq!(known.conversions.len(), 2);

    let mut ids = Vec::new();
    let listed = journal.for_each_conversion(run, |record| {
        ids.push((record.event_id, record.line));
        Ok::<_, JournalError>(())
    });
    listed.unwrap();
    assert_eq!(ids, [("in_1".into(), Some(2)), ("re_1".into(), Some(9))]);
}

#[test]
fn a_conversion_that_was_changed_is_damage() {
    let (_directory, path) = place();
    record(&mut open(&path).unwrap(), &converted());
    for change in [
        "UPDATE conversion SET amount_cents = 2001 WHERE event = 1",
        "UPDATE conversion SET rate = '1.0835' WHERE event = 1",
        "UPDATE conversion SET event = 7 WHERE event = 1",
    ] {
        let copy = path.with_extension("copy");
        for suffix in ["", files::COMMITS] {
            fs::copy(files::beside(&path, suffix), files::beside(&copy, suffix)).unwrap();
        }
        let connection = open_to_edit(&copy);
        connection
            .execute_batch("PRAGMA foreign_keys = OFF")
            .unwrap();
        connection.execute_batch(change).unwrap();
        drop(connection);
        let reader = JournalReader::open(&copy).unwrap().unwrap();
        assert!(
            matches!(reader.known(), Err(JournalError::Damaged { .. })),
            "{change}"
        );
    }
}

#[test]
fn a_journal_from_before_conversions_is_read_as_it_is_and_migrated_when_written() {
    let (_directory, path) = place();
    record(&mut open(&path).unwrap(), &[sale("in_1", 800, 2)]);
    open_to_edit(&path)
        .execute_batch(
            "DROP VIEW runs_readable; DROP TABLE undo; DROP TABLE refunded_by_others; DROP TABLE left_out_row; DROP TABLE left_out_before; DROP TABLE part_in_account; DROP TABLE commission_run; DROP TABLE timed_at_midnight; DROP TABLE lead_date_request; DROP TABLE paid_commission; DROP TABLE payout_request; DROP TABLE sale_without_plan; DROP TABLE unclear_uid; DROP TABLE repeated_rows; DROP TABLE pruned_run; DROP TABLE run_options; DROP TABLE corrected_row; DROP TABLE read_export; DROP TABLE skipped_export; DROP TABLE conversion; DROP TABLE redaction; DROP TABLE mended;
             DROP VIEW accepted_readable; DROP TABLE accepted; DROP TABLE accepted_difference; DROP TABLE met_event; DROP TABLE flag;
             ALTER TABLE event DROP COLUMN shared_id; ALTER TABLE held DROP COLUMN shared_id;
             ALTER TABLE account DROP COLUMN seal; ALTER TABLE held DROP COLUMN seal; ALTER TABLE source_row DROP COLUMN seal;
             DROP TABLE invoice; DROP TABLE subscription_plan; DROP TABLE uncounted_refund; DROP TABLE alias; DROP TABLE shared_uid;
             DROP VIEW attempts_readable;
             ALTER TABLE run DROP COLUMN learned_per_minute;
             ALTER TABLE attempt DROP COLUMN sent_event_id;
             ALTER TABLE attempt DROP COLUMN sent_currency;
             ALTER TABLE attempt DROP COLUMN sent_digest;
             ALTER TABLE attempt DROP COLUMN seal; ALTER TABLE attempt DROP COLUMN answer_seal;
             DROP TABLE last_commit; DROP TABLE lost_commits; DROP TABLE in_doubt;
             PRAGMA user_version = 2",
        )
        .unwrap();
    fs::remove_file(files::beside(&path, files::COMMITS)).unwrap();
    let reader = JournalReader::open(&path).unwrap().unwrap();
    assert_eq!(reader.known().unwrap().events.len(), 1);
    assert!(reader.accepted().unwrap().is_empty());
    let mut needing = 0;
    for of in [EventsOf::Sending, EventsOf::Earlier] {
        let scope = RunScope::Span(Span::ALL);
        let listed = reader.for_each_needing(scope, of, |code, _| {
            needing += 1;
            assert_eq!(code, AttentionCode::NotSent);
            Ok::<_, JournalError>(())
        });
        listed.unwrap();
    }
    assert_eq!(needing, 1);
    drop(reader);
    let mut journal = open(&path).unwrap();
    record(&mut journal, &converted()[1..]);
    assert_eq!(journal.known().unwrap().conversions.len(), 1);
}

#[test]
fn a_flag_stays_with_its_answer_until_the_event_is_tried_again() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_1", 800, 2), sale("in_2", 900, 3)]);
    let mut entries = vec![
        intent(run, 1, 1),
        answer(1, 1, Effect::Recorded, Some(Outcome::Tracked)),
        intent(run, 2, 1),
        answer(2, 1, Effect::None, Some(Outcome::NonReferral)),
    ];
    for (event, code) in [
        (1, AttentionCode::OtherAmount),
        (2, AttentionCode::ReversalNonReferral),
    ] {
        let event = EventRow(event);
        entries.push(Entry::Flag { event, code });
    }
    journal.write(&entries).unwrap();
    let codes = |journal: &Journal| {
        let mut codes = Vec::new();
        let scope = RunScope::Span(Span::ALL);
        let listed = journal.for_each_needing(scope, EventsOf::Sending, |code, record| {
            codes.push((code, record.row.0));
            Ok::<_, JournalError>(())
        });
        listed.unwrap();
        codes
    };
    let other_amount = (AttentionCode::OtherAmount, 1);
    let flagged = [other_amount, (AttentionCode::ReversalNonReferral, 2)];
    assert_eq!(codes(&journal), flagged);
    let known = journal.known().unwrap();
    assert_eq!(
        known.needing_attention(EventKey::from_id("in_1")),
        Some(EventRow(1))
    );
    let retried = RetrySelection {
        has_non_referral: true,
        ..RetrySelection::default()
    };
    journal.start_retry(&retried, at(9)).unwrap().unwrap();
    assert_eq!(codes(&journal), [other_amount, (AttentionCode::NotSent, 2)]);
}
