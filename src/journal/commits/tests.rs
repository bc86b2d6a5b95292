#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use super::*;
use crate::journal::guard::tests::open_to_edit;
use crate::journal::record_slot::{EARLIER_MAGIC, EARLIER_SLOT_BYTES, RecordState, SUM_BYTES};
use crate::journal::tests::{answer, intent, open, place, record, sale};
use crate::journal::{Effect, Journal, JournalReader, LostCommits, Outcome};
use sha2::{Digest, Sha256};

const PAGE_BYTES: usize = 4096;

/// Holds the files of a journal, without the index of its log.
#[derive(Clone)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
    record: Vec<u8>,
}

impl Files {
    fn read(journal: &Path) -> Files {
        let read = |suffix| fs::read(beside(journal, suffix)).unwrap_or_default();
        Files {
            database: read(""),
            log: read("-wal"),
            record: read(files::COMMITS),
        }
    }

    /// Returns what opening them reports: for writing, and for reading.
    fn lost(&self) -> [Option<LostCommits>; 2] {
        let (_directory, path) = place();
        let write = || {
            fs::write(&path, &self.database).unwrap();
            fs::write(beside(&path, "-wal"), &self.log).unwrap();
            fs::write(beside(&path, files::COMMITS), &self.record).unwrap();
            let _ = fs::remove_file(beside(&path, "-shm"));
        };
        let lost = |opened: Result<(), JournalError>| match opened {
            Ok(()) => None,
            Err(JournalError::Lost { lost, .. }) => Some(lost),
            Err(other) => panic!("{other}"),
        };
        write();
        let reading = lost(JournalReader::open(&path).map(drop));
        write();
        [lost(open(&path).map(drop)), reading]
    }
}

/// Makes a journal with some commits in its log.
fn in_use(path: &Path) -> Journal {
    let mut journal = open(path).unwrap();
    let sales: Vec<_> = (1..60)
        .map(|n| sale(&format!("in_{n}"), 100 * n, 2))
        .collect();
    let run = record(&mut journal, &sales);
    for n in 1..60 {
        journal.write(&[intent(run, n, 1)]).unwrap();
    }
    journal
}

/// Makes a whole database, with some answers in its log: in the last page of each table, where there is room, so that
/// the database does not grow.
fn answered(path: &Path) -> Journal {
    drop(in_use(path));
    let mut journal = open(path).unwrap();
    for n in 57..60 {
        let settled = answer(n, 1, Effect::Recorded, Some(Outcome::Tracked));
        journal.write(&[settled]).unwrap();
    }
    journal
}

#[test]
fn what_is_killed_at_any_commit_has_lost_nothing() {
    let (_directory, path) = place();
    let mut journal = open(&path).unwrap();
    let run = record(&mut journal, &[sale("in_1", 800, 2), sale("in_2", 900, 3)]);
    let before = Files::read(&path);
    journal.write(&[intent(run, 1, 1)]).unwrap();
    let after = Files::read(&path);
    assert_eq!(before.lost(), [None, None]);
    assert_eq!(after.lost(), [None, None]);
    // Killed between a commit and its record, which nobody has acted on; and in the middle of a frame.
    let unrecorded = Files {
        record: before.record.clone(),
        ..after.clone()
    };
    assert_eq!(unrecorded.lost(), [None, None]);
    for frames in 1..after.log.len() / PAGE_BYTES {
        let torn = Files {
            log: after.log[..after.log.len() - 24 - frames * 100].to_vec(),
            ..unrecorded.clone()
        };
        let lost = torn.lost();
        assert!(
            lost == [None, None] || torn.log.len() < before.log.len(),
            "{lost:?}"
        );
    }
}

/// Returns `true` if the database is, bit for bit, what the record says.
fn is_as_recorded(path: &Path) -> bool {
    let looked_at = LookedAt::read(path, read(path).unwrap()).unwrap();
    looked_at.is_as_recorded()
}

#[test]
fn what_this_program_left_needs_no_further_check() {
    let (_directory, path) = place();
    drop(in_use(&path));
    assert!(is_as_recorded(&path), "a new journal");
    let mut journal = open(&path).unwrap();
    let many: Vec<_> = (0..3_000)
        .map(|n| sale(&format!("new_{n}"), 100, 2))
        .collect();
    record(&mut journal, &many);
    assert!(!is_as_recorded(&path), "what is in a log has to be checked");
    drop(journal);
    assert!(is_as_recorded(&path), "one that has grown");
    drop(open(&path).unwrap());
    assert!(is_as_recorded(&path), "one that was only opened");

    // Killed with a log that is not moved: the database is as the log found it, and the log has to be checked.
    let (_directory, path) = place();
    let journal = answered(&path);
    let killed = Files::read(&path);
    drop(journal);
    assert!(is_as_recorded(&path), "one that was written to again");
    assert!(!killed.log.is_empty());
    fs::write(&path, &killed.database).unwrap();
    fs::write(beside(&path, "-wal"), &killed.log).unwrap();
    fs::write(beside(&path, files::COMMITS), &killed.record).unwrap();
    assert!(!is_as_recorded(&path), "a killed one");
    drop(open(&path).unwrap());
    assert!(is_as_recorded(&path), "one that went on after a kill");
}

#[test]
fn any_other_database_is_checked_in_whole() {
    let (_directory, path) = place();
    drop(in_use(&path));
    let whole = Files::read(&path).database;
    let mut rng = fastrand::Rng::with_seed(11);
    for _ in 0..300 {
        let mut other = whole.clone();
        match rng.u8(..4) {
            0 => other.truncate(rng.usize(..other.len())),
            1 => other.resize(other.len() + PAGE_BYTES, 0),
            2 => {
                let (one, two) = (rng.usize(..8), rng.usize(8..16));
                for at in 0..PAGE_BYTES {
                    other.swap(one * PAGE_BYTES + at, two * PAGE_BYTES + at);
                }
                if other == whole {
                    continue;
                }
            }
            _ => other[rng.usize(..whole.len())] ^= 1 << rng.u8(..8),
        }
        fs::write(&path, &other).unwrap();
        assert!(!is_as_recorded(&path));
    }
    fs::write(&path, &whole).unwrap();
    assert!(is_as_recorded(&path));
    let other = open_to_edit(&path);
    other
        .execute_batch("UPDATE run SET requests = 7; VACUUM")
        .unwrap();
    other.close().unwrap();
    assert!(!is_as_recorded(&path), "another program has written");
}

#[test]
fn what_was_recorded_and_is_not_there_is_lost() {
    let (_directory, path) = place();
    let journal = in_use(&path);
    let files = Files::read(&path);
    drop(journal);
    let mut rng = fastrand::Rng::with_seed(7);
    for _ in 0..60 {
        let mut damaged = files.clone();
        let at = rng.usize(..damaged.log.len());
        // The salts of old frames and unused bytes of the header are the only ones that do not count.
        damaged.log[at] ^= 1 << rng.u8(..8);
        let [writing, reading] = damaged.lost();
        let is_missed = |lost: &Option<LostCommits>| matches!(lost, Some(LostCommits::Behind { number, recorded: 61, .. }) if *number < 61);
        assert!(
            is_missed(&writing) && is_missed(&reading),
            "{at}: {writing:?}"
        );
    }
}

/// A copy of the database alone, made while its first run goes on, must not look like a new journal.
#[test]
fn a_journal_of_which_only_the_database_is_left_is_no_new_one() {
    let (_directory, path) = place();
    let journal = in_use(&path);
    let mut alone = Files::read(&path);
    drop(journal);
    alone.log.clear();
    let (_directory, path) = place();
    fs::write(&path, &alone.database).unwrap();
    let lost = |opened: Result<(), JournalError>| match opened {
        Err(JournalError::Lost { lost, .. }) => lost,
        other => panic!("{other:?}"),
    };
    let reading = lost(JournalReader::open(&path).map(drop));
    assert_eq!(reading, LostCommits::NoRecord);
    assert_eq!(lost(open(&path).map(drop)), LostCommits::NoRecord);
}

/// A kill while the log is moved leaves some pages of the database new and some old. Only the log makes
/// it whole, even where the number of the last commit is among the new ones.
#[test]
fn a_log_that_is_lost_while_it_is_moved_is_missed() {
    let (_directory, path) = place();
    let mut journal = answered(&path);
    journal.record.slot.state = State::Moving;
    journal.record.write().unwrap();
    let before = Files::read(&path);
    assert!(journal.record.move_log(&journal.reader.connection).unwrap());
    let after = Files::read(&path);
    assert_eq!(after.lost(), [None, None]);
    let moved = Files {
        log: Vec::new(),
        ..after.clone()
    };
    assert_eq!(moved.lost(), [None, None], "the log is needed no more");

    let mut half_moved = 0;
    for pages in 1..after.database.len() / PAGE_BYTES {
        // They are moved in their order; what is behind them is not there yet.
        let end = pages * PAGE_BYTES;
        let mut mixed = before.clone();
        mixed.database.resize(mixed.database.len().max(end), 0);
        mixed.database[..end].copy_from_slice(&after.database[..end]);
        assert_eq!(mixed.lost(), [None, None], "{pages}: its log is whole");
        let (mut flipped, mut torn) = (mixed.log.clone(), mixed.log.clone());
        flipped[40] ^= 1;
        torn.truncate(mixed.log.len() - 1);
        for log in [Vec::new(), flipped, torn] {
            let damaged = Files {
                log,
                ..mixed.clone()
            };
            let (_directory, path) = place();
            fs::write(&path, &damaged.database).unwrap();
            fs::write(beside(&path, "-wal"), &damaged.log).unwrap();
            fs::write(beside(&path, files::COMMITS), &damaged.record).unwrap();
            match open(&path) {
                Err(JournalError::Lost { lost, .. }) => {
                    half_moved += usize::from(matches!(lost, LostCommits::HalfMoved { .. }));
                }
                Err(JournalError::Damaged { .. }) => {}
                Ok(_) => assert_eq!(damaged.database, after.database, "{pages}"),
                other => panic!("{pages}: {other:?}"),
            }
        }
    }
    assert!(half_moved > 0);
}

/// Beside a backup of the database, a log would be applied to pages that it was not written for.
#[test]
fn a_log_is_not_taken_for_that_of_a_backup() {
    let (_directory, path) = place();
    drop(in_use(&path));
    let backup = Files::read(&path);
    let add = |name: &str| {
        let mut journal = open(&path).unwrap();
        record(&mut journal, &[sale(name, 800, 2)]);
        (Files::read(&path), journal)
    };
    drop(add("in_next"));
    let (killed, _journal) = add("in_last");
    assert_eq!(killed.lost(), [None, None]);
    let restored = Files {
        database: backup.database.clone(),
        ..killed
    };
    let foreign = Some(LostCommits::ForeignLog);
    assert_eq!(restored.lost(), [foreign.clone(), foreign]);
}

/// Returns the database as another program leaves it that has moved all of its log.
fn with_log_moved(files: &Files) -> Vec<u8> {
    let (_directory, copy) = place();
    fs::write(&copy, &files.database).unwrap();
    fs::write(beside(&copy, "-wal"), &files.log).unwrap();
    let other = open_to_edit(&copy);
    let moved = "PRAGMA wal_checkpoint(TRUNCATE)";
    other.query_row(moved, [], |_| Ok(())).unwrap();
    drop(other);
    fs::read(&copy).unwrap()
}

/// Another program begins to move the log of a killed run, and is cut off; then the log is deleted.
#[test]
fn a_log_that_another_program_has_moved_in_part_is_missed() {
    let (_directory, path) = place();
    let _journal = answered(&path);
    let before = Files::read(&path);
    let whole = with_log_moved(&before);
    let mut missed = 0;
    let changed = |page: usize| {
        let at = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
        before.database.get(at.clone()) != whole.get(at)
    };
    let pages: Vec<usize> = (0..whole.len() / PAGE_BYTES)
        .filter(|p| changed(*p))
        .collect();
    let moved_without = |page: usize| {
        let mut database = whole.clone();
        let at = page * PAGE_BYTES..(page + 1) * PAGE_BYTES;
        match before.database.get(at.clone()) {
            Some(old) => database[at].copy_from_slice(old),
            None => database[at].fill(0),
        }
        database
    };
    for left_out in &pages {
        let files = Files {
            database: moved_without(*left_out),
            log: Vec::new(),
            record: before.record.clone(),
        };
        let (_directory, copy) = place();
        fs::write(&copy, &files.database).unwrap();
        fs::write(beside(&copy, files::COMMITS), &files.record).unwrap();
        match open(&copy) {
            Err(JournalError::Lost { lost, .. }) => {
                missed += usize::from(matches!(lost, LostCommits::HalfMoved { .. }));
            }
            Err(JournalError::Damaged { .. }) => {}
            other => panic!("{left_out}: {other:?}"),
        }
    }
    assert!(missed > 0, "{pages:?}");
    // With the log, all of that is whole.
    for left_out in &pages {
        let files = Files {
            database: moved_without(*left_out),
            ..before.clone()
        };
        assert_eq!(files.lost(), [None, None], "{left_out}");
    }
    let mut torn = whole.clone();
    torn[..2 * PAGE_BYTES].copy_from_slice(&before.database[..2 * PAGE_BYTES]);
    for database in [torn.clone(), torn[..before.database.len()].to_vec()] {
        let files = Files {
            database,
            ..before.clone()
        };
        assert_eq!(files.lost(), [None, None]);
    }
    let files = Files {
        database: whole,
        log: Vec::new(),
        record: before.record,
    };
    assert_eq!(files.lost(), [None, None]);
}

/// What another program writes to the log of a killed run has no number of its own.
#[test]
fn what_another_program_adds_to_the_log_of_a_killed_run_is_noticed() {
    let (_directory, path) = place();
    let journal = in_use(&path);
    let files = Files::read(&path);
    drop(journal);
    let (_directory, path) = place();
    fs::write(&path, &files.database).unwrap();
    fs::write(beside(&path, "-wal"), &files.log).unwrap();
    let other = open_to_edit(&path);
    let keep = rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    other.set_db_config(keep, true).unwrap();
    other.execute("DELETE FROM attempt", []).unwrap();
    drop(other);
    let changed = Files {
        log: fs::read(beside(&path, "-wal")).unwrap(),
        ..files
    };
    let is_changed = |lost: &Option<LostCommits>| matches!(lost, Some(LostCommits::Changed { .. }));
    let [writing, reading] = changed.lost();
    assert!(
        is_changed(&writing) && is_changed(&reading),
        "{writing:?} {reading:?}"
    );
}

/// Runs SQL as another program would that has the journal open for a moment, and that may move the log.
fn by_another(journal: &Journal, sql: &str) {
    journal.record.index.release();
    let path = journal.path();
    let other = open_to_edit(path);
    other.execute_batch(sql).unwrap();
}

#[track_caller]
fn expect_displaced<T: std::fmt::Debug>(result: &Result<T, JournalError>) {
    assert!(
        matches!(result, Err(JournalError::Displaced { .. })),
        "{result:?}"
    );
}

const MOVES: [&str; 4] = ["PASSIVE", "FULL", "RESTART", "TRUNCATE"];

/// The rows that it leaves fit together, and its log is gone: only the pages say that they are not those that were
/// written.
#[test]
fn what_another_program_writes_and_moves_during_a_run_is_noticed() {
    let forget = "BEGIN; DELETE FROM attempt; UPDATE event SET outcome = NULL; COMMIT;";
    for sql in [forget, "BEGIN; UPDATE run SET requests = 7; COMMIT;"] {
        for how in ["RESTART", "TRUNCATE"] {
            let (_directory, path) = place();
            let mut journal = in_use(&path);
            by_another(&journal, &format!("{sql} PRAGMA wal_checkpoint({how});"));
            let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
            let written = journal.write(&[settled]);
            assert!(
                matches!(written, Err(JournalError::Displaced { .. })),
                "{how}: {written:?}"
            );
            drop(journal);
            let opened = open(&path);
            assert!(
                matches!(opened, Err(JournalError::Lost { .. })),
                "{opened:?}"
            );
        }
        let (_directory, path) = place();
        let journal = in_use(&path);
        by_another(&journal, &format!("{sql} PRAGMA wal_checkpoint(TRUNCATE);"));
        let closed = journal.close();
        expect_displaced(&closed);
    }
}

/// It writes after the log was looked at, and before that is moved: its commit is moved as well.
#[test]
fn what_another_program_writes_while_the_log_is_moved_is_noticed() {
    let (_directory, path) = place();
    let mut journal = in_use(&path);
    let other = open_to_edit(&path);
    journal.record.expect_last_log().unwrap();
    other.execute_batch("DELETE FROM attempt").unwrap();
    let moved = journal.record.move_checked_log(&journal.reader.connection);
    expect_displaced(&moved);
    let closed = journal.close();
    expect_displaced(&closed);
}

/// A move that another program keeps from beginning leaves a log, and nothing is wrong.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_another_program_is_moving_stays() {
    let (_directory, path) = place();
    let mut journal = in_use(&path);
    journal.record.index.release();
    let options = OpenOptions::new().read(true).write(true).clone();
    let elsewhere = options.open(beside(&path, "-shm")).unwrap();
    super::super::lock::hold_log_elsewhere(&elsewhere);
    let connection = &journal.reader.connection;
    assert!(!journal.record.move_log(connection).unwrap());
    let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
    journal.write(&[settled]).unwrap();
    journal.close().unwrap();
    drop(elsewhere);
    drop(open(&path).unwrap());
    assert!(is_as_recorded(&path));
}

/// What a reader still needs of a log is not moved.
#[test]
fn a_log_that_somebody_reads_stays() {
    let (_directory, path) = place();
    let mut journal = in_use(&path);
    let reader = open_to_edit(&path);
    reader.execute_batch("BEGIN").unwrap();
    let events = "SELECT count(*) FROM event";
    reader.query_row(events, [], |_| Ok(())).unwrap();
    let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
    journal.write(&[settled]).unwrap();
    let connection = &journal.reader.connection;
    assert!(!journal.record.move_log(connection).unwrap());
    journal.close().unwrap();
    drop(reader);
    drop(open(&path).unwrap());
    assert!(is_as_recorded(&path));
}

#[test]
fn what_another_program_adds_behind_a_commit_is_noticed() {
    let (_directory, path) = place();
    let mut journal = in_use(&path);
    let transaction = journal.reader.connection.unchecked_transaction().unwrap();
    let counted = Commit::count(&mut Commit::prepare(&transaction).unwrap()).unwrap();
    transaction.commit().unwrap();
    by_another(&journal, "DELETE FROM attempt");
    let connection = &journal.reader.connection;
    let recorded = journal.record.committed(connection, counted, None);
    expect_displaced(&recorded);
}

#[test]
fn a_log_that_another_program_only_moves_is_no_change() {
    for how in MOVES {
        let (_directory, path) = place();
        let mut journal = in_use(&path);
        for n in 1..50 {
            by_another(&journal, &format!("PRAGMA wal_checkpoint({how})"));
            let settled = answer(n, 1, Effect::Recorded, Some(Outcome::Tracked));
            journal.write(&[settled]).unwrap();
            if n % 7 == 0 {
                by_another(&journal, &format!("PRAGMA wal_checkpoint({how})"));
                let many: Vec<_> = (0..20 * n)
                    .map(|m| sale(&format!("new_{n}_{m}"), 100, 2))
                    .collect();
                record(&mut journal, &many);
            }
        }
        journal.close().unwrap();
        assert!(is_as_recorded(&path), "{how}: nothing is left to check");
    }
}

/// It is moved before this process has seen what its own commit wrote.
#[test]
fn a_commit_that_another_program_moves_at_once_is_taken_in() {
    let (_directory, path) = place();
    let mut journal = in_use(&path);
    let transaction = journal.reader.connection.unchecked_transaction().unwrap();
    let counted = Commit::count(&mut Commit::prepare(&transaction).unwrap()).unwrap();
    transaction.commit().unwrap();
    by_another(&journal, "PRAGMA wal_checkpoint(TRUNCATE)");
    let connection = &journal.reader.connection;
    journal.record.committed(connection, counted, None).unwrap();
    let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
    journal.write(&[settled]).unwrap();
    journal.close().unwrap();
    assert!(!is_as_recorded(&path), "the next process checks all of it");
    drop(open(&path).unwrap());
    assert!(is_as_recorded(&path));
}

/// A database that is written anew has more in its log than its number says.
#[test]
fn what_is_killed_while_it_is_rewritten_has_lost_nothing() {
    let (_directory, path) = place();
    let journal = in_use(&path);
    journal.reader.connection.execute_batch("VACUUM").unwrap();
    let killed = Files::read(&path);
    assert!(!killed.log.is_empty());
    assert_eq!(killed.lost(), [None, None]);
}

/// A viewer keeps the index of the log from before the kill, which does not have what was written last.
#[test]
fn what_is_killed_while_somebody_reads_has_lost_nothing() {
    let (_directory, path) = place();
    let mut journal = in_use(&path);
    let viewer = open_to_edit(&path);
    let events = "SELECT count(*) FROM event";
    viewer.query_row(events, [], |_| Ok(())).unwrap();
    let before = Files::read(&path);
    let index = fs::read(beside(&path, "-shm")).unwrap();
    let settled = answer(57, 1, Effect::Recorded, Some(Outcome::Tracked));
    journal.write(&[settled]).unwrap();
    let after = Files::read(&path);
    // As if the process had been killed between the log and its index.
    fs::write(beside(&path, files::COMMITS), &before.record).unwrap();
    let mut shown = OpenOptions::new()
        .write(true)
        .open(beside(&path, "-shm"))
        .unwrap();
    shown.write_all(&index).unwrap();
    let reader = JournalReader::open(&path).unwrap().unwrap();
    assert_eq!(Commit::read(&reader.connection).unwrap().number, 60 + 1);
    assert!(after.log.len() > before.log.len());
}

/// A record that an earlier version has left is continued.
#[test]
fn a_record_of_the_earlier_form_is_read() {
    let (_directory, path) = place();
    drop(in_use(&path));
    let RecordState::Record(slot) = read(&path).unwrap() else {
        panic!("no record");
    };
    let mut bytes = slot.to_bytes()[..EARLIER_SLOT_BYTES - SUM_BYTES].to_vec();
    bytes[..8].copy_from_slice(&EARLIER_MAGIC);
    bytes[80..96].fill(0);
    bytes.extend(Sha256::digest(&bytes));
    // In the second slot, with which such a record ends.
    let mut record = vec![0; 4096];
    record.extend(&bytes);
    fs::write(beside(&path, files::COMMITS), &record).unwrap();
    let RecordState::Record(earlier) = read(&path).unwrap() else {
        panic!("not read");
    };
    assert_eq!((earlier.commit, earlier.base), (slot.commit, slot.base));
    drop(open(&path).unwrap());
    assert!(JournalReader::open(&path).unwrap().is_some());
}
