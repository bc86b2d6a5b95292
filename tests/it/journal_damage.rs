//! What damage to a journal does after a kill. A real run is killed while it sends, and then the files that
//! it left are damaged in every way and place: bits, bytes, blocks and ends of the database, its log, the
//! log's index and the commit record, and each file deleted. Nothing may go out twice, nothing may be lost
//! without a word, and a journal that is refused is refused before the first request.
//!
//! `FPRECON_DAMAGES` says how many damages are tried, `FPRECON_DAMAGE_SEED` repeats them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use crate::support::{Place, Ran, SandboxProcess, form, open_to_edit};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

const DAMAGES: u64 = 160;
const STATES: u64 = 4;
const CUSTOMERS: u32 = 14;
const JOURNAL: &str = "fprecon.journal";
/// What a killed run leaves beside its lock.
const FILES: [&str; 4] = [
    "fprecon.journal",
    "fprecon.journal-wal",
    "fprecon.journal-shm",
    "fprecon.journal.commits",
];
const RUN: &[&str] = &["run", "events.csv", "--yes", "--json", "--concurrency", "4"];
const RESUME: &[&str] = &["resume", "--json"];
const RECOVER: &[&str] = &["journal", "recover", "--yes"];

/// Sales, refunds, and cancellations, which carry no id on the wire.
fn export(customers: std::ops::Range<u32>) -> String {
    let mut text = String::from("kind,event_id,sale_event_id,email,amount,created_at\n");
    for n in customers {
        let email = format!("user{n}@example.com");
        text.push_str(&format!("sale,s{n},,{email},20.00,2026-01-05\n"));
        if n % 3 == 0 {
            text.push_str(&format!("refund,r{n},s{n},{email},5.00,2026-01-09\n"));
        }
        text.push_str(&format!("cancellation,c{n},,{email},,2026-03-01\n"));
    }
    text
}

/// What a request is about: kind, id or (for a cancellation) customer, and amount.
type Subject = [String; 3];

fn subject(arrival: &Value) -> Subject {
    let path = arrival["path"].as_str().unwrap();
    let kind = path.rsplit('/').next().unwrap().to_owned();
    let field = |name| form(arrival, name).unwrap_or_default();
    match kind.as_str() {
        "cancellation" => [kind, field("email"), String::new()],
        _ => [kind, field("event_id"), field("amount")],
    }
}

/// Everything that the exports of `customers` plan, by subject.
fn planned(customers: std::ops::Range<u32>) -> BTreeSet<Subject> {
    let text = export(customers);
    let events = text.lines().skip(1).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        match cells[0] {
            "cancellation" => [cells[0], cells[3], ""],
            "sale" => [cells[0], cells[1], "2000"],
            _ => [cells[0], cells[1], "500"],
        }
        .map(str::to_owned)
    });
    events.collect()
}

/// A run that was killed while it sent, and what had arrived by then.
struct Killed {
    place: Place,
    sandbox: SandboxProcess,
    arrived: Vec<Subject>,
}

impl Killed {
    /// Settled rows of a run that ended, and a second run that is killed at a random moment of sending.
    fn new(rng: &mut fastrand::Rng) -> Killed {
        loop {
            let options = ["--lead-share", "100", "--latency-ms", "4"];
            let sandbox = SandboxProcess::start(&options);
            let place = Place::new();
            place.write("events.csv", &export(0..4));
            place.run_to(&sandbox, RUN).expect(0);
            let settled = sandbox.arrivals().len();
            place.write("events.csv", &export(0..CUSTOMERS));
            let mut run = place.command_to(&sandbox, RUN);
            let run = run.stdout(Stdio::null()).stderr(Stdio::null());
            let mut run = run.spawn().unwrap();
            let wanted = settled + rng.usize(3..22);
            while count(&sandbox) < wanted && run.try_wait().unwrap().is_none() {}
            run.kill().unwrap();
            run.wait().unwrap();
            // What had left may still arrive.
            std::thread::sleep(Duration::from_millis(60));
            let arrived: Vec<Subject> = sandbox.arrivals().iter().map(subject).collect();
            let is_sending = place.path(FILES[1]).exists() && left_to_send(&place) > 2;
            if is_sending && arrived.len() > settled {
                return Killed {
                    place,
                    sandbox,
                    arrived,
                };
            }
        }
    }

    /// A copy of what the kill has left.
    fn copy(&self) -> Place {
        let copy = Place::new();
        for entry in fs::read_dir(self.place.root()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                let name = entry.file_name();
                fs::copy(entry.path(), copy.root().join(name)).unwrap();
            }
        }
        copy
    }

    fn arrived_since(&self, before: usize) -> Vec<Subject> {
        let more = self.sandbox.get(&format!(
            "/sandbox/arrivals?from={}&limit=10000",
            before + 1
        ));
        more.as_array().unwrap().iter().map(subject).collect()
    }
}

fn count(sandbox: &SandboxProcess) -> usize {
    usize::try_from(sandbox.state()["arrivals"].as_u64().unwrap()).unwrap()
}

fn left_to_send(place: &Place) -> i64 {
    let copy = Place::new();
    for name in &FILES[..2] {
        let _ = fs::copy(place.path(name), copy.path(name));
    }
    let journal = open_to_edit(copy.path(JOURNAL));
    let sql = "SELECT count(*) FROM event WHERE outcome IS NULL";
    journal.query_row(sql, [], |row| row.get(0)).unwrap_or(0)
}

/// What is done to the files of a killed run.
#[derive(Clone, Debug)]
enum Damage {
    Bit(&'static str, usize, u8),
    Byte(&'static str, usize, u8),
    /// Zeros in place of a sector.
    Block(&'static str, usize),
    /// The end is cut off.
    Cut(&'static str, usize),
    Deleted(Vec<&'static str>),
}

impl Damage {
    fn draw(place: &Place, number: u64, rng: &mut fastrand::Rng) -> Damage {
        let file = FILES[usize::try_from(number).unwrap() % FILES.len()];
        let bytes = fs::read(place.path(file))
            .map_or(0, |bytes| bytes.len())
            .max(1);
        // The index of a log is mostly empty.
        let most = if file.ends_with("-shm") {
            1024.min(bytes)
        } else {
            bytes
        };
        let at = rng.usize(..most);
        match rng.u8(..20) {
            0..12 => Damage::Bit(file, at, 1 << rng.u8(..8)),
            12..15 => Damage::Byte(file, at, rng.u8(1..)),
            15..17 => Damage::Block(file, at - at % 512),
            17..19 => Damage::Cut(file, at),
            _ => {
                let mut files: Vec<&'static str> = FILES.to_vec();
                rng.shuffle(&mut files);
                files.truncate(rng.usize(1..=3));
                Damage::Deleted(files)
            }
        }
    }

    fn apply(&self, place: &Place) {
        let change = |file: &str, change: &dyn Fn(&mut Vec<u8>)| {
            if let Ok(mut bytes) = fs::read(place.path(file)) {
                change(&mut bytes);
                fs::write(place.path(file), bytes).unwrap();
            }
        };
        match self {
            Damage::Bit(file, at, mask) | Damage::Byte(file, at, mask) => {
                change(file, &|bytes| {
                    if let Some(byte) = bytes.get_mut(*at) {
                        *byte ^= mask;
                    }
                });
            }
            Damage::Block(file, at) => change(file, &|bytes| {
                let end = (at + 512).min(bytes.len());
                if let Some(block) = bytes.get_mut(*at..end) {
                    block.fill(0);
                }
            }),
            Damage::Cut(file, at) => change(file, &|bytes| bytes.truncate(*at)),
            Damage::Deleted(files) => {
                for file in files {
                    let _ = fs::remove_file(place.path(file));
                }
            }
        }
    }
}

/// What came of a damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Came {
    /// It changed nothing: all was sent once.
    Harmless,
    /// Refused, and gone on with after `journal recover`.
    Recovered,
    /// Refused for good: a backup is needed.
    Refused,
}

/// Fails unless all is sent once, or said to be unconfirmed.
fn expect_each_once(killed: &Killed, place: &Place, before: usize, what: &str) {
    let mut times: BTreeMap<Subject, usize> = BTreeMap::new();
    for subject in killed
        .arrived
        .iter()
        .cloned()
        .chain(killed.arrived_since(before))
    {
        *times.entry(subject).or_default() += 1;
    }
    // After a loss, a run reads the account's list before it sends refunds.
    times.retain(|subject, _| subject[0] != "list");
    let planned = planned(0..CUSTOMERS);
    for (subject, times) in &times {
        assert!(
            planned.contains(subject),
            "{what}: {subject:?} was never planned"
        );
        let is_once = subject[0] != "cancellation" || *times == 1;
        assert!(is_once, "{what}: {subject:?} went out {times} times");
    }
    let unconfirmed = unconfirmed(place);
    for subject in planned
        .iter()
        .filter(|subject| !times.contains_key(*subject))
    {
        let is_said = subject[0] == "cancellation" && unconfirmed.contains(&subject[1]);
        assert!(is_said, "{what}: {subject:?} is lost without a word");
    }
}

fn unconfirmed(place: &Place) -> BTreeSet<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let journal = Connection::open_with_flags(place.path(JOURNAL), flags).unwrap();
    let sql = "SELECT email FROM event WHERE outcome = 'unconfirmed'";
    let mut statement = journal.prepare(sql).unwrap();
    let emails = statement.query_map([], |row| row.get(0)).unwrap();
    emails.map(Result::unwrap).collect()
}

/// Whether the exports are run again where a damage changed nothing: it takes as long as all else.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Again {
    Run,
    Spare,
}

fn try_damage(killed: &Killed, damage: &Damage, again: Again, what: &str) -> Came {
    let place = killed.copy();
    damage.apply(&place);
    let before = count(&killed.sandbox);
    let mut came = Came::Harmless;
    let resumed = place.run_to(&killed.sandbox, RESUME);
    match resumed.code() {
        0 | 1 => {}
        // No journal is left, and nothing that says that there was one.
        3 => {
            assert_eq!(count(&killed.sandbox), before, "{what}");
            assert!(resumed.stderr().contains("journal not found"), "{what}");
            return Came::Refused;
        }
        6 => {
            let said = resumed.stderr();
            assert_eq!(
                count(&killed.sandbox),
                before,
                "{what}: refused after the first request: {said}"
            );
            assert!(said.contains("hint: "), "{what}: {said}");
            let checked = place.run(&["journal", "check"]);
            assert_eq!(checked.code(), 6, "{what}: refused, and sound: {said}");
            if !said.contains("journal recover") {
                let again = place.run_to(&killed.sandbox, RUN).expect(6);
                assert_eq!(count(&killed.sandbox), before, "{what}: {}", again.stderr());
                return Came::Refused;
            }
            match place.run(RECOVER).code() {
                0 => came = Came::Recovered,
                6 => return Came::Refused,
                code => panic!("{what}: recover: {code}"),
            }
            let resumed = place.run_to(&killed.sandbox, RESUME);
            let code = resumed.code();
            assert!(
                matches!(code, 0 | 1),
                "{what}: {code}: {}",
                resumed.stderr()
            );
        }
        code => panic!("{what}: {code}: {}", resumed.stderr()),
    }
    if came == Came::Recovered || again == Again::Run {
        let ran = place.run_to(&killed.sandbox, RUN);
        let code = ran.code();
        assert!(matches!(code, 0 | 1), "{what}: {code}: {}", ran.stderr());
    }
    expect_each_once(killed, &place, before, what);
    came
}

#[test]
fn row_36_damage_after_a_kill_doubles_nothing_and_loses_nothing_without_a_word() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse().ok());
    let seed = number("FPRECON_DAMAGE_SEED").unwrap_or_else(|| fastrand::u64(..1 << 32));
    let damages = number("FPRECON_DAMAGES").unwrap_or(DAMAGES);
    eprintln!("FPRECON_DAMAGE_SEED={seed} repeats these damages");
    let came = Mutex::new(BTreeMap::<(&str, Came), u64>::new());
    std::thread::scope(|scope| {
        for state in 0..STATES {
            let came = &came;
            scope.spawn(move || {
                let mut rng = fastrand::Rng::with_seed(seed + state);
                let mut killed = Killed::new(&mut rng);
                for number in 0..damages / STATES {
                    if number % 250 == 249 {
                        killed = Killed::new(&mut rng);
                    }
                    let damage = Damage::draw(&killed.place, number, &mut rng);
                    let what = format!("seed {seed}, state {state}, damage {number}: {damage:?}");
                    let file = match &damage {
                        Damage::Deleted(_) => "deleted",
                        Damage::Bit(file, ..)
                        | Damage::Byte(file, ..)
                        | Damage::Block(file, _)
                        | Damage::Cut(file, _) => file.rsplit(JOURNAL).next().unwrap(),
                    };
                    let again = match number % 5 {
                        0 => Again::Run,
                        _ => Again::Spare,
                    };
                    let found = try_damage(&killed, &damage, again, &what);
                    *came.lock().unwrap().entry((file, found)).or_default() += 1;
                }
            });
        }
    });
    let came = came.into_inner().unwrap();
    eprintln!("damages: {came:?}");
    if damages >= DAMAGES {
        for found in [Came::Harmless, Came::Recovered, Came::Refused] {
            let times: u64 = came
                .iter()
                .filter(|((_, is), _)| *is == found)
                .map(|(_, n)| n)
                .sum();
            assert!(times >= 5, "{came:?}");
        }
    }
}

/// What is settled is not read to send the rest, and is looked at all the same.
#[test]
fn row_04_damage_in_settled_rows_is_found_before_the_first_request() {
    let mut rng = fastrand::Rng::new();
    let killed = Killed::new(&mut rng);
    // Another program moves all of the log into the database.
    let tool = open_to_edit(killed.place.path(JOURNAL));
    tool.query_row("SELECT count(*) FROM event", [], |_| Ok(()))
        .unwrap();
    tool.close().unwrap();
    let sound = fs::read(killed.place.path(JOURNAL)).unwrap();
    let mut refused = 0;
    // A customer, an id, and what was answered; and the header of an export, which has no seal.
    for text in [
        "user1@example.com",
        "s2",
        "HTTP",
        "tracked",
        "sale_event_id",
    ] {
        let places = sound.windows(text.len()).enumerate();
        let places = places.filter(|(_, bytes)| *bytes == text.as_bytes());
        let places: Vec<usize> = places.map(|(at, _)| at).collect();
        for at in places.into_iter().take(6) {
            for mask in [1, 0x80] {
                let place = killed.copy();
                Damage::Bit(JOURNAL, at, mask).apply(&place);
                let before = count(&killed.sandbox);
                let ran = place.run_to(&killed.sandbox, &["resume", "--no-input", "--json"]);
                // Not all places count: a page has what was deleted, too.
                if ran.code() == 6 {
                    assert_eq!(count(&killed.sandbox), before, "{text}: {}", ran.stderr());
                    assert!(ran.stderr().contains("damaged"), "{text}: {}", ran.stderr());
                    refused += 1;
                } else {
                    ran.expect_code_one_of(&[0, 1]);
                }
            }
        }
    }
    assert!(refused >= 12, "{refused}");
}

/// A flipped bit in what a person gets back and corrects would be sent with that person's yes.
#[test]
fn row_04_damage_in_rows_that_were_not_sent_is_found() {
    let (place, sandbox) = (Place::new(), SandboxProcess::start(&[]));
    place.write(
        "s.csv",
        "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
         sale,s1,,ana@example.com,731.00,USD,2026-13-01\n\
         refund,r1,s9,bea@example.com,45.17,USD,2026-03-01\n\
         sale,s3,,,62.94,USD,2026-03-01\n\
         sale,s4,,dan@example.com,10.00,USD,2026-03-01\n",
    );
    place.run_to(&sandbox, &["run", "s.csv", "--yes"]).expect(1);
    let sound = fs::read(place.path(JOURNAL)).unwrap();
    for text in ["731.00", "bea@example.com", "62.94"] {
        let places = sound.windows(text.len()).enumerate();
        let places = places.filter(|(_, bytes)| *bytes == text.as_bytes());
        let places: Vec<usize> = places.map(|(at, _)| at).collect();
        assert!(!places.is_empty(), "{text}");
        for at in places {
            let mut damaged = sound.clone();
            damaged[at + 2] ^= 1;
            fs::write(place.path(JOURNAL), &damaged).unwrap();
            let checked = place.run(&["journal", "check"]);
            assert_eq!(checked.code(), 6, "{text} at {at}: {}", checked.stdout());
        }
    }
    fs::write(place.path(JOURNAL), &sound).unwrap();
    place.run(&["journal", "check"]).expect(0);
}

/// Each file alone, and all that has the same name, with what is said.
#[test]
fn row_36_each_file_that_is_deleted_after_a_kill_is_missed() {
    let mut rng = fastrand::Rng::new();
    let killed = Killed::new(&mut rng);
    for (files, words) in [
        (&["fprecon.journal-wal"][..], "and commit "),
        (
            &["fprecon.journal-wal", "fprecon.journal-shm"],
            "and commit ",
        ),
        (&["fprecon.journal.commits"], "its commit record"),
        (&["fprecon.journal"], "it does not exist"),
        (
            &["fprecon.journal", "fprecon.journal-wal"],
            "it does not exist",
        ),
    ] {
        let place = killed.copy();
        Damage::Deleted(files.to_vec()).apply(&place);
        let before = count(&killed.sandbox);
        for arguments in [RESUME, RUN, &["status"]] {
            if arguments == RESUME && files[0] == JOURNAL {
                continue;
            }
            let refused = place.run_to(&killed.sandbox, arguments).expect(6).stderr();
            assert!(refused.contains(words), "{files:?}: {refused}");
            assert!(refused.contains("hint: "), "{files:?}: {refused}");
        }
        assert_eq!(count(&killed.sandbox), before);
    }
    // The index is made anew.
    let damage = Damage::Deleted(vec!["fprecon.journal-shm"]);
    let came = try_damage(&killed, &damage, Again::Run, "the index");
    assert_eq!(came, Came::Harmless);
    let nothing = Damage::Deleted(Vec::new());
    let came = try_damage(&killed, &nothing, Again::Run, "nothing");
    assert_eq!(came, Came::Harmless);
}

/// A backup is restored over a journal, alone: what it lacks was sent.
#[test]
fn row_36_a_backup_that_is_restored_is_refused_and_goes_on_where_somebody_says_so() {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.write("events.csv", &export(0..4));
    place.run_to(&sandbox, RUN).expect(0);
    fs::copy(place.path(JOURNAL), place.path("backup")).unwrap();
    place.write("events.csv", &export(0..8));
    place.run_to(&sandbox, RUN).expect(0);
    assert!(
        !place.path(FILES[1]).exists(),
        "a run that ended leaves no log"
    );
    let arrived = count(&sandbox);

    fs::copy(place.path("backup"), place.path(JOURNAL)).unwrap();
    let refused = place.run_to(&sandbox, RUN).expect(6).stderr();
    assert!(refused.contains("may lack what was sent last"), "{refused}");
    let checked = place.run(&["journal", "check", "--json"]).expect(6).json();
    assert_eq!(checked["findings"][0]["aspect"], "commits", "{checked}");
    place.run(&["journal", "export"]).expect(0);
    let asked = place.run(&["journal", "recover"]).expect(2).stderr();
    assert!(asked.contains("--yes"), "{asked}");
    assert_eq!(count(&sandbox), arrived);

    // The hint, to the letter.
    let hint = refused
        .split('`')
        .find(|part| part.starts_with("fprecon journal recover"));
    let mut arguments: Vec<&str> = hint.unwrap().split_whitespace().skip(1).collect();
    arguments.push("--yes");
    arguments.push("--json");
    let recovered = place.run(&arguments).expect(0).json();
    assert_eq!(
        recovered["events_in_doubt"], 0,
        "all that it knows is settled"
    );
    assert!(recovered["lost"].is_string(), "{recovered}");
    place.run(&["journal", "check"]).expect(0);
    // What was lost is known to nobody until exports are read.
    let status = place.run(&["status"]).expect(0);
    let said = status.stdout() + &status.stderr();
    assert!(said.contains("the journal lost events"), "{said}");
    assert!(!said.contains("Nothing needs attention"), "{said}");
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["problems"][0]["code"], "journal-lost", "{status}");
    let resumed = place.run_to(&sandbox, &["resume", "--quiet"]).expect(1);
    assert!(resumed.stderr().contains("the journal lost events"));
    let again = place.run_to(&sandbox, RUN).expect(1).json();
    assert_eq!(again["outcomes"]["unconfirmed"]["count"], 4, "{again}");
    let status = place.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["problems"], serde_json::json!([]), "{status}");
    let cancelled: Vec<Subject> = sandbox
        .arrivals()
        .iter()
        .map(subject)
        .filter(|subject| subject[0] == "cancellation")
        .collect();
    assert_eq!(cancelled.len(), 8, "none went out twice: {cancelled:?}");
    // What comes later is no matter of the loss.
    let mut later = export(0..8);
    later.push_str("cancellation,c99,,user1@example.com,,2099-01-01\n");
    place.write("events.csv", &later);
    place.run_to(&sandbox, RUN).expect_code_one_of(&[1]);
    let recovered = place.run(&["journal", "recover"]).expect(0).stdout();
    assert!(recovered.contains("nothing to recover"), "{recovered}");
}

/// What was sent since a backup is not forgotten by continuing from it: the backup is restored a second time, or a later one.
#[test]
fn row_36_a_backup_that_is_restored_twice_repeats_nothing() {
    for second in ["first", "second"] {
        let place = Place::new();
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        for (customers, copy) in [(4, "first"), (6, "second"), (9, "none")] {
            place.write("events.csv", &export(0..customers));
            place.run_to(&sandbox, RUN).expect(0);
            fs::copy(place.path(JOURNAL), place.path(copy)).unwrap();
        }
        for backup in ["first", second] {
            fs::copy(place.path(backup), place.path(JOURNAL)).unwrap();
            let _ = fs::remove_file(place.path(FILES[1]));
            place.run_to(&sandbox, RUN).expect(6);
            place.run(RECOVER).expect(0);
            place.run_to(&sandbox, RESUME).expect(1);
        }
        place.run_to(&sandbox, RUN).expect(1);
        let arrivals = sandbox.arrivals();
        let cancelled = arrivals
            .iter()
            .map(subject)
            .filter(|subject| subject[0] == "cancellation");
        assert_eq!(cancelled.count(), 9, "{second}: none went out twice");
    }
}

/// What is recorded of a loss decides what is sent again: it is changed, or gone.
#[test]
fn row_04_what_is_recorded_of_a_loss_is_missed_when_it_changes() {
    for change in [
        "UPDATE lost_commits SET until_ms = 0",
        "UPDATE lost_commits SET until_ms = NULL",
        "UPDATE lost_commits SET recovered_ms = recovered_ms + 1",
        "DELETE FROM lost_commits",
    ] {
        let (place, sandbox) = recovered();
        place.run(&["journal", "check"]).expect(0);
        expect_missed(&place, &sandbox, change, "of a loss");
    }
}

/// A journal whose backup was restored, and with which somebody went on.
fn recovered() -> (Place, SandboxProcess) {
    let place = Place::new();
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.write("events.csv", &export(0..3));
    place.run_to(&sandbox, RUN).expect(0);
    fs::copy(place.path(JOURNAL), place.path("backup")).unwrap();
    place.write("events.csv", &export(0..6));
    place.run_to(&sandbox, RUN).expect(0);
    fs::copy(place.path("backup"), place.path(JOURNAL)).unwrap();
    place.run(RECOVER).expect(0);
    (place, sandbox)
}

/// Another program changes one row, and nothing is sent.
fn expect_missed(place: &Place, sandbox: &SandboxProcess, change: &str, what: &str) {
    let other = open_to_edit(place.path(JOURNAL));
    assert_eq!(other.execute(change, []).unwrap(), 1, "{change}");
    drop(other);
    let before = count(sandbox);
    place.run(&["journal", "check"]).expect(6);
    for command in [RUN, RESUME] {
        let refused = place.run_to(sandbox, command).expect(6).stderr();
        assert!(refused.contains(what), "{change}: {refused}");
    }
    assert_eq!(count(sandbox), before, "{change}");
}

/// Which events may have been sent decides that they are not sent again.
#[test]
fn row_04_an_event_that_is_in_doubt_no_more_is_missed() {
    for change in [
        "DELETE FROM in_doubt WHERE event = (SELECT min(event) FROM in_doubt)",
        "UPDATE in_doubt SET event = (SELECT min(id) FROM event WHERE id NOT IN (SELECT event FROM in_doubt))
         WHERE event = (SELECT max(event) FROM in_doubt)",
    ] {
        let (place, sandbox) = recovered();
        // Events that the journal does not know any more are new to it, and in doubt.
        let plan = place.run_to(&sandbox, RUN).expect(1).json();
        assert!(plan["outcomes"]["unconfirmed"]["count"].as_u64().unwrap() > 0, "{plan}");
        place.run(&["journal", "check"]).expect(0);
        expect_missed(&place, &sandbox, change, "");
    }
}

/// Of what no request was ever intended, nothing can have been sent: a small loss leaves few in doubt.
#[test]
fn row_36_only_what_may_have_been_sent_is_in_doubt() {
    const ALL: usize = 200;
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--latency-ms", "10"]);
    let place = Place::new();
    let mut text = String::from("kind,event_id,email,created_at\n");
    for n in 0..ALL {
        text.push_str(&format!(
            "cancellation,c{n},user{n}@example.com,2026-03-01\n"
        ));
    }
    place.write("events.csv", &text);
    let mut run = place.command_to(&sandbox, RUN);
    let run = run.stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = run.spawn().unwrap();
    while count(&sandbox) < 30 {
        assert!(run.try_wait().unwrap().is_none());
    }
    run.kill().unwrap();
    run.wait().unwrap();
    std::thread::sleep(Duration::from_millis(60));
    let sent = count(&sandbox);
    assert!(sent < ALL / 2, "{sent}");

    // The end of the last frame that counts: the last commit is lost.
    let index = fs::read(place.path(FILES[2])).unwrap();
    let frames = u32::from_ne_bytes(index[16..20].try_into().unwrap()) as usize;
    Damage::Bit(FILES[1], 32 + frames * (24 + 4096) - 1, 1).apply(&place);
    place.run_to(&sandbox, RESUME).expect(6);
    assert_eq!(count(&sandbox), sent);
    place.run(RECOVER).expect(0);
    let resumed = place.run_to(&sandbox, RESUME).expect(1).json();
    let unconfirmed = resumed["outcomes"]["unconfirmed"]["count"]
        .as_u64()
        .unwrap();
    assert!(
        (1..=30).contains(&unconfirmed),
        "{unconfirmed} after {sent}"
    );
    let customers: BTreeSet<Subject> = sandbox.arrivals().iter().map(subject).collect();
    assert_eq!(customers.len(), count(&sandbox), "none went out twice");
    assert!(customers.len() + usize::try_from(unconfirmed).unwrap() >= ALL);

    // Nor can events that come now.
    place.write(
        "events.csv",
        &(text + "cancellation,late,late@example.com,2026-02-01\n"),
    );
    let again = place.run_to(&sandbox, RUN).expect(1).json();
    assert_eq!(again["requests"], 1, "{again}");
}

/// A journal is moved and copied together with its record, and another program may empty its log.
#[test]
fn row_36_what_is_whole_is_not_refused() {
    let mut rng = fastrand::Rng::new();
    let killed = Killed::new(&mut rng);
    let place = killed.copy();
    // Any SQLite tool that opens it for writing moves the log into the database and deletes it.
    let tool = open_to_edit(place.path(JOURNAL));
    let events = tool.query_row("SELECT count(*) FROM event", [], |row| row.get::<_, i64>(0));
    assert!(events.unwrap() > 0);
    tool.close().unwrap();
    assert!(!place.path(FILES[1]).exists());
    let before = count(&killed.sandbox);
    place.run(&["journal", "check"]).expect(0);
    place
        .run_to(&killed.sandbox, RESUME)
        .expect_code_one_of(&[0, 1]);
    place
        .run_to(&killed.sandbox, RUN)
        .expect_code_one_of(&[0, 1]);
    expect_each_once(&killed, &place, before, "a tool has emptied the log");
    let moved = Place::new();
    for name in [FILES[0], FILES[3]] {
        fs::rename(place.path(name), moved.path(name)).unwrap();
    }
    moved.run(&["journal", "check"]).expect(0);
    Ran(moved.command(&["status"]).output().unwrap()).expect(0);
}
