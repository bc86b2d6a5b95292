//! Opens a journal: checks what the file is, that it is sound, and whose it is, and brings its schema up to
//! date.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row, Transaction, TransactionBehavior, params};

use super::columns::{Seal, expect_seal_if_kept};
use super::commit::{Commit, page_of_number};
use super::error::LostCommits;
use super::files::{beside, sync_directory};
use super::guard;
use super::looked_at::LookedAt;
use super::lost::lost;
use super::place;
use super::read_only::{PATIENCE, ReadOnly};
use super::record_slot::{self, RecordState};
use super::{Account, AccountClash, JournalError, JournalReader};
use crate::private;

/// The application id, `FPRC`, as in `schema.sql`.
const APPLICATION_ID: i64 = 0x4650_5243;

/// The scripts that bring a journal from version n to n + 1, from 0 on.
const MIGRATIONS: [&str; 8] = [
    include_str!("schema.sql"),
    include_str!("schema-2.sql"),
    include_str!("schema-3.sql"),
    include_str!("schema-4.sql"),
    include_str!("schema-5.sql"),
    include_str!("schema-6.sql"),
    include_str!("schema-7.sql"),
    include_str!("schema-8.sql"),
];

/// The views that make a journal of version n + 1 that is only read look like one of the latest version, as
/// far as columns go. Tables that it lacks are read as if they were empty.
const VIEWS: [&str; MIGRATIONS.len() - 1] = [
    include_str!("as-version-2.sql"),
    include_str!("as-version-5.sql"),
    include_str!("as-version-5.sql"),
    include_str!("as-version-5.sql"),
    include_str!("as-version-8.sql"),
    include_str!("as-version-8.sql"),
    include_str!("as-version-8.sql"),
];

/// The tables of version 5 that a journal of an earlier one lacks, empty.
const TABLES_OF_VERSION_5: &str = include_str!("tables-of-version-5.sql");

/// The tables of version 6 that a journal of an earlier one lacks, empty.
const TABLES_OF_VERSION_6: &str = include_str!("tables-of-version-6.sql");

const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The version from which on commits are counted.
const COUNTED_FROM: i64 = 5;

/// The number of bytes of a log that are held in memory while it is written again.
const REWRITE_BYTES: usize = 1 << 20;

/// Returns the latest version that this program supports.
fn supported() -> i64 {
    MIGRATIONS.len() as i64
}

/// Opens a journal whose lock is held, migrates it or makes it, and checks which account it belongs to. Returns what
/// was looked at, too.
pub(super) fn open_for_writing(
    path: &Path,
    account: &Account,
    now: Timestamp,
) -> Result<(Connection, LookedAt), JournalError> {
    let record = read_record(path)?;
    if !has_content(path)? {
        expect_no_record(path, record)?;
        create(path, account, now)?;
    }
    let looked_at = LookedAt::read(path, record)?;
    if let Some((reader, lost)) = JournalReader::open_even_if_lost(path)? {
        if !looked_at.is_as_recorded() {
            check_pages(&reader.connection, path)?;
        }
        if let Some(lost) = lost {
            return Err(lost_error(path, lost));
        }
        check_account(&reader.connection, path, account)?;
        if !looked_at.is_as_recorded() {
            reader.expect_sound_rows()?;
        }
        if looked_at.is_changed() {
            // What another program has changed may be a row that only the whole check looks at.
            reader.expect_sound_in_whole()?;
        }
    }
    Ok((open_as_it_is(path, account, now)?, looked_at))
}

/// Checks a journal that this process has open, as it is on disk.
///
/// Only SQLite opens it: the system releases all of a process's locks of a file when any of its descriptors of
/// the file is closed, unless SQLite closes it.
///
/// `database` is the file that this process has open.
pub(super) fn expect_sound(path: &Path, database: &File) -> Result<(), JournalError> {
    let (reader, lost) = read_once_more(path, database)?;
    check_pages(&reader.connection, path)?;
    match lost {
        Some(lost) => Err(lost_error(path, lost)),
        None => reader.expect_sound_rows(),
    }
}

/// Checks that a journal that this process has open has lost no commit, as it is on disk.
pub(super) fn expect_nothing_lost(path: &Path, database: &File) -> Result<(), JournalError> {
    match read_once_more(path, database)? {
        (_, Some(lost)) => Err(lost_error(path, lost)),
        (_, None) => Ok(()),
    }
}

/// Opens a journal that this process has open as another process would.
fn read_once_more(
    path: &Path,
    database: &File,
) -> Result<(JournalReader, Option<LostCommits>), JournalError> {
    let record = read_record(path)?;
    let Some(opened) = inspect_database(path)? else {
        return Err(JournalError::damaged(path, "it is empty"));
    };
    JournalReader::of_opened(path, opened, record, Some(database))
}

/// Returns the version of a journal; 0 if there is none.
fn version_of(path: &Path) -> Result<i64, JournalError> {
    Ok(inspect(path)?.map_or(0, |(_, version)| version))
}

/// Opens a journal whose lock is held, whatever it may have lost.
pub(super) fn open_as_it_is(
    path: &Path,
    account: &Account,
    now: Timestamp,
) -> Result<Connection, JournalError> {
    let version = version_of(path)?;
    let connection = set_up(path, version, account, now)?;
    keep_log_on_close(&connection, path)?;
    renew_log(&connection, path)?;
    // The log has its name by now. SQLite puts that on disk too, but does not look whether it could.
    sync_directory(path)
        .map_err(|error| JournalError::io(path, "putting its log on disk", error))?;
    Ok(connection)
}

/// Keeps the log where it is when the connection closes: it is moved into the database only if the commit
/// record says so.
pub(super) fn keep_log_on_close(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    use rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    let kept = connection.set_db_config(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
    kept.map(drop)
        .map_err(|error| JournalError::sqlite(path, "configuring it", error))
}

/// Reads the commit record beside a journal, which has to be done before the journal is read.
pub(super) fn read_record(path: &Path) -> Result<RecordState, JournalError> {
    place::expect_companion_files(path)?;
    record_slot::read(path)
        .map_err(|source| JournalError::unreadable(path, "reading its commit record", source))
}

/// Refuses to treat a journal that is gone as one that was never there.
fn expect_no_record(path: &Path, record: RecordState) -> Result<(), JournalError> {
    match record {
        RecordState::Nothing => Ok(()),
        RecordState::Record(slot) if slot.commit.number == 0 => Ok(()),
        RecordState::Record(_) | RecordState::Damaged => {
            Err(lost_error(path, LostCommits::NoJournal))
        }
    }
}

pub(super) fn lost_error(path: &Path, lost: LostCommits) -> JournalError {
    JournalError::Lost {
        path: path.to_owned(),
        lost,
    }
}

/// Returns what a journal of this version has lost by its record, if anything.
pub(super) fn lost_commits(
    connection: &Connection,
    path: &Path,
    version: i64,
    record: RecordState,
    database: Option<&File>,
) -> Result<Option<LostCommits>, JournalError> {
    const DOING: &str = "reading its last commit";
    let last = match version {
        ..COUNTED_FROM => None,
        _ => {
            let last = Commit::read(connection)
                .and_then(|commit| Ok((commit, page_of_number(connection)?)));
            Some(last.map_err(|error| JournalError::sqlite(path, DOING, error))?)
        }
    };
    lost(path, record, last, database)
        .map_err(|source| JournalError::unreadable(path, DOING, source))
}

/// Writes what an interrupted run left in the log once more, and puts it on disk.
///
/// A sync that failed leaves pages in memory that look written: programs read them, and no later sync writes
/// them. Commits on top of them would depend on a log with a hole, and a power loss would lose everything
/// after it. Nothing says after a crash whether a sync had failed, so none is believed. A run that ends by
/// itself leaves no log.
fn renew_log(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    const DOING: &str = "putting its log on disk";
    let log = beside(path, "-wal");
    if !log.metadata().is_ok_and(|found| found.len() > 0) {
        return Ok(());
    }
    // No other program can write to the log, or empty it, meanwhile.
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)
        .map_err(|error| JournalError::sqlite(path, DOING, error))?;
    rewrite(&log).map_err(|error| JournalError::io(path, DOING, error))?;
    transaction
        .rollback()
        .map_err(|error| JournalError::sqlite(path, DOING, error))
}

/// Writes a file over itself, a piece at a time, and puts it on disk.
fn rewrite(path: &Path) -> std::io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut piece = vec![0; REWRITE_BYTES];
    let mut at = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return file.sync_all();
        }
        file.seek(SeekFrom::Start(at))?;
        file.write_all(&piece[..read])?;
        at += read as u64;
    }
}

fn set_up(
    path: &Path,
    version: i64,
    account: &Account,
    now: Timestamp,
) -> Result<Connection, JournalError> {
    let failed = |doing| move |error| JournalError::sqlite(path, doing, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection =
        Connection::open_with_flags(path, flags).map_err(failed("opening it for writing"))?;
    configure(&connection)
        .and_then(|()| guard::let_write(&connection))
        .map_err(failed("configuring it"))?;
    migrate(&connection, version, account, now).map_err(failed("setting up its tables"))?;
    Ok(connection)
}

/// Makes a journal under another name and renames it when it is whole.
///
/// A kill in the middle of making it under its own name would leave a file that only a writer can read again:
/// until it has its write-ahead log, SQLite makes changes by a rollback journal.
fn create(path: &Path, account: &Account, now: Timestamp) -> Result<(), JournalError> {
    let fresh = beside(path, ".new");
    // The lock is held: what is there was left by a kill.
    remove_with_logs(&fresh).map_err(|source| JournalError::io(path, "making it", source))?;
    let created = create_at(&fresh, path, account, now);
    if created.is_err() {
        // What has no room is not moved to the journal's place. The error that is returned says why.
        let _ = remove_with_logs(&fresh);
    }
    created
}

fn create_at(
    fresh: &Path,
    path: &Path,
    account: &Account,
    now: Timestamp,
) -> Result<(), JournalError> {
    let failed = |source| JournalError::io(path, "making it", source);
    let of_sqlite = |error| JournalError::sqlite(path, "making it", error);
    // SQLite gives its logs the permissions of the database.
    private::options()
        .write(true)
        .create_new(true)
        .open(fresh)
        .map_err(failed)?;
    let connection = set_up(fresh, 0, account, now)?;
    // Closing would empty the log into the file too, but not say whether it could.
    let left = connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        })
        .map_err(of_sqlite)?;
    if left != (0, 0) {
        return Err(failed(std::io::Error::other(
            "its log could not be emptied",
        )));
    }
    connection.close().map_err(|(_, error)| of_sqlite(error))?;
    // A file that somebody made for the journal keeps its permissions.
    let prepared = path.metadata().map(|found| found.permissions());
    prepared
        .map_or(Ok(()), |mode| fs::set_permissions(fresh, mode))
        .and_then(|()| File::open(fresh)?.sync_all())
        .and_then(|()| fs::rename(fresh, path))
        .and_then(|()| sync_directory(path))
        .map_err(failed)
}

/// Removes a database that was not finished, with its logs.
fn remove_with_logs(path: &Path) -> std::io::Result<()> {
    for suffix in ["", "-journal", "-wal", "-shm"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl JournalReader {
    /// Opens the journal at `path` for reading; returns `None` if there is none yet.
    ///
    /// # Errors
    ///
    /// Damaged, from a newer version, not a journal, not readable. The pages of the file are not all checked,
    /// as they are before anything is sent, but whatever is read is.
    pub fn open(path: &Path) -> Result<Option<JournalReader>, JournalError> {
        match JournalReader::open_even_if_lost(path)? {
            Some((_, Some(lost))) => Err(lost_error(path, lost)),
            Some((reader, None)) => Ok(Some(reader)),
            None => Ok(None),
        }
    }

    /// Opens a journal for reading that may have lost commits, and returns what it has lost.
    ///
    /// # Errors
    ///
    /// The errors of [`JournalReader::open`], except that of a loss.
    pub fn open_even_if_lost(
        path: &Path,
    ) -> Result<Option<(JournalReader, Option<LostCommits>)>, JournalError> {
        let record = read_record(path)?;
        let Some(opened) = inspect(path)? else {
            expect_no_record(path, record)?;
            return Ok(None);
        };
        JournalReader::of_opened(path, opened, record, None).map(Some)
    }

    fn of_opened(
        path: &Path,
        (opened, version): (ReadOnly, i64),
        record: RecordState,
        database: Option<&File>,
    ) -> Result<(JournalReader, Option<LostCommits>), JournalError> {
        let connection = opened.connection;
        let views = (1..)
            .zip(VIEWS)
            .find(|(of, _)| *of == version)
            .map_or("", |(_, views)| views);
        let tables = if version < 5 { TABLES_OF_VERSION_5 } else { "" };
        let later = if version < 6 { TABLES_OF_VERSION_6 } else { "" };
        connection
            .execute_batch(&format!("{views} {tables} {later} BEGIN"))
            .map_err(|error| JournalError::sqlite(path, "opening it for reading", error))?;
        expect_schema(&connection, path, version)?;
        let lost = lost_commits(&connection, path, version, record, database)?;
        let reader = JournalReader {
            connection,
            path: path.to_owned(),
            beside: place::directory_of(path),
            _copy: opened.copy,
        };
        Ok((reader, lost))
    }
}

/// Opens the journal at `path` without changing it, and returns its version; `None` if there is nothing, or a
/// file that its creator did not fill.
fn inspect(path: &Path) -> Result<Option<(ReadOnly, i64)>, JournalError> {
    if has_content(path)? {
        inspect_database(path)
    } else {
        Ok(None)
    }
}

/// Opens an SQLite file and returns its version; `None` if there is nothing in it.
fn inspect_database(path: &Path) -> Result<Option<(ReadOnly, i64)>, JournalError> {
    let opened = ReadOnly::open(path)?;
    let integer = |sql| {
        opened
            .connection
            .query_row(sql, [], |row| row.get::<_, i64>(0))
    };
    let read = || -> rusqlite::Result<_> {
        let application = integer("PRAGMA application_id")?;
        let version = integer("PRAGMA user_version")?;
        Ok((
            application,
            version,
            integer("SELECT count(*) FROM sqlite_schema")?,
        ))
    };
    let unreadable = |error: rusqlite::Error| match error.sqlite_error_code() {
        // A statement that is right is wrong for a file whose header says what there is not.
        Some(rusqlite::ErrorCode::Unknown) => JournalError::damaged(path, error.to_string()),
        _ => JournalError::sqlite(path, "reading its version", error),
    };
    match read().map_err(unreadable)? {
        (0, 0, 0) => Ok(None),
        (APPLICATION_ID, version, _) if version > supported() => Err(JournalError::Newer {
            path: path.to_owned(),
            found: version,
            supported: supported(),
        }),
        (APPLICATION_ID, version @ 1.., _) => Ok(Some((opened, version))),
        _ if read_record(path)?.slot().is_some() => Err(JournalError::damaged(
            path,
            "it has the commit record of a journal, and its header is not that of one",
        )),
        _ => Err(JournalError::NotAJournal {
            path: path.to_owned(),
        }),
    }
}

/// Returns `true` if there is an SQLite file with something in it.
fn has_content(path: &Path) -> Result<bool, JournalError> {
    place::expect_file(path)?;
    let failed = |source| JournalError::unreadable(path, "reading it", source);
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => {
            file.take(16).read_to_end(&mut start).map_err(failed)?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    if !start.is_empty() {
        return if start == MAGIC {
            Ok(true)
        } else {
            Err(JournalError::damaged(path, "it is not an SQLite database"))
        };
    }
    // SQLite would delete a log that has no database, and with it what was acknowledged.
    let log = beside(path, "-wal");
    match log.metadata() {
        Ok(found) if found.len() > 0 => Err(JournalError::damaged(
            path,
            format!("it does not exist, but its log {} does", log.display()),
        )),
        _ => Ok(false),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA foreign_keys = ON;
         PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA fullfsync = ON;
         PRAGMA checkpoint_fullfsync = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -8192;",
    )?;
    // SQLite keeps another mode, without an error, where the file system can't do this one.
    connection.query_row("PRAGMA journal_mode", [], |row| {
        match row.get_ref(0)?.as_str()? {
            "wal" => Ok(()),
            other => Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN),
                Some(format!(
                    "its file system has no write-ahead log (got {other})"
                )),
            )),
        }
    })
}

/// Brings the tables to the current version, in one transaction.
fn migrate(
    connection: &Connection,
    version: i64,
    account: &Account,
    now: Timestamp,
) -> rusqlite::Result<()> {
    if version == supported() {
        return Ok(());
    }
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
    for (from, migration) in (0..).zip(MIGRATIONS) {
        if from >= version {
            transaction.execute_batch(migration)?;
        }
    }
    guard::install(&transaction)?;
    transaction.execute(
        "UPDATE last_commit SET schema_seal = ?1",
        [schema_seal(&transaction)?],
    )?;
    transaction.pragma_update(None, "user_version", supported())?;
    if version >= COUNTED_FROM {
        Commit::count(&mut Commit::prepare(&transaction)?)?;
    }
    if version == 0 {
        transaction.execute(
            "INSERT INTO account (id, api, base_url, account_id, created_ms)
             VALUES (1, ?1, ?2, ?3, ?4)",
            params![
                account.api,
                account.base_url,
                account.account_id,
                now.as_millisecond()
            ],
        )?;
    }
    seal_account(&transaction)?;
    transaction.commit()
}

fn seal_account(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT api, base_url, account_id FROM main.account WHERE id = 1";
    let account = connection.query_row(sql, [], account_of)?;
    let sql = "UPDATE main.account SET seal = ?1 WHERE id = 1";
    connection.execute(sql, [account_seal(&account)]).map(drop)
}

fn account_of(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        api: row.get(0)?,
        base_url: row.get(1)?,
        account_id: row.get(2)?,
    })
}

fn account_seal(account: &Account) -> i64 {
    let mut seal = Seal::unnumbered();
    for text in [&account.api, &account.base_url, &account.account_id] {
        seal.text(Some(text));
    }
    seal.value()
}

/// Returns the checksum of all definitions of the tables. A letter that is damaged in one would change what a
/// constraint allows or what a column is called.
fn schema_seal(connection: &Connection) -> rusqlite::Result<i64> {
    let sql = r"SELECT type, name, tbl_name, sql FROM main.sqlite_schema
         WHERE name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type, name";
    let mut seal = Seal::unnumbered();
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        for column in 0..4 {
            seal.text(row.get_ref(column)?.as_str_or_null()?);
        }
    }
    Ok(seal.value())
}

fn expect_schema(connection: &Connection, path: &Path, version: i64) -> Result<(), JournalError> {
    if version < COUNTED_FROM {
        return Ok(());
    }
    let sql = "SELECT schema_seal FROM main.last_commit WHERE id = 1";
    let recorded = connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let found = recorded.and_then(|recorded| Ok(recorded == schema_seal(connection)?));
    match found {
        Ok(true) => Ok(()),
        Ok(false) => Err(JournalError::damaged(
            path,
            "the definitions of its tables were changed",
        )),
        // There is no such table or column: its definition is damaged.
        Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::Unknown) => {
            Err(JournalError::damaged(path, error.to_string()))
        }
        Err(error) => Err(JournalError::sqlite(path, "reading its tables", error)),
    }
}

/// Checks every page and every constraint.
fn check_pages(connection: &Connection, path: &Path) -> Result<(), JournalError> {
    let verdict = connection
        .query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0))
        .map_err(|error| JournalError::sqlite(path, "checking it", error))?;
    if verdict == "ok" {
        Ok(())
    } else {
        Err(JournalError::damaged(path, verdict))
    }
}

fn check_account(
    connection: &Connection,
    path: &Path,
    asked: &Account,
) -> Result<(), JournalError> {
    let recorded = read_account(connection, path)?;
    if recorded == *asked {
        return Ok(());
    }
    Err(JournalError::OtherAccount(Box::new(AccountClash {
        path: path.to_owned(),
        recorded,
        asked: asked.clone(),
    })))
}

/// Reads which account a journal belongs to.
pub(super) fn read_account(connection: &Connection, path: &Path) -> Result<Account, JournalError> {
    let sql = "SELECT api, base_url, account_id, seal FROM account WHERE id = 1";
    let account = connection.query_row(sql, [], |row| {
        let account = account_of(row)?;
        let seal = account_seal(&account);
        expect_seal_if_kept(row, 3, seal, || "its account".to_owned())?;
        Ok(account)
    });
    match account {
        Err(rusqlite::Error::QueryReturnedNoRows) => {
            Err(JournalError::damaged(path, "it has no account"))
        }
        other => other.map_err(|error| JournalError::sqlite(path, "reading its account", error)),
    }
}
