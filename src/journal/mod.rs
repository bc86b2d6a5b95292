//! Records what was intended, tried and answered, durably, for one account of one API.
//!
//! A [`Journal`] is an SQLite file with one writer, who holds a lock that names its holder, and any number of
//! [`JournalReader`]s. `schema.sql` describes the tables.
//!
//! 1. [`JournalReader::known`] returns what the plan has to compare with.
//! 2. [`Journal::begin`] records a run and all its events in one transaction, or nothing.
//! 3. [`JournalReader::for_each_pending`] says what is left to send; `DeliveryStatements::write` puts intents
//!    on disk before their requests go out, and answers before they count.
//! 4. The reading functions of [`JournalReader`] give the reports everything they have.
//!
//! Whatever a function of the [`Journal`] has returned from is on disk: SQLite's write-ahead log is synced at
//! every commit. After a write that failed, no later one is believed until the journal is opened again
//! ([`JournalError::Poisoned`]).
//!
//! Times are kept to the millisecond, amounts in minor units of the currency beside them.

mod accepted;
mod accepted_differences;
mod attempts;
mod attention;
mod check;
mod columns;
mod commission_runs;
mod commissions;
mod commit;
mod commits;
mod conversions;
mod corrected;
mod corrected_rows;
mod database_pages;
mod deliver;
mod error;
mod events;
mod files;
mod flags;
mod guard;
mod known;
mod lead_dates;
mod learned;
mod left_out;
mod lock;
mod log_file;
mod looked_at;
mod lookup;
mod lost;
mod midnights;
mod migrate;
mod page_list;
mod parts_in_account;
mod past;
mod payouts;
mod place;
mod progress;
mod prune;
mod read;
mod read_exports;
mod read_only;
mod record;
mod record_slot;
mod records;
mod recover;
mod redaction;
mod repeated_rows;
mod runs;
mod span;
#[cfg(test)]
mod tests;
mod undo;
mod words;
pub(crate) use past::PastOpen;
#[cfg(feature = "polars")]
pub(crate) use words::words;

pub use accepted::Item;
pub(crate) use accepted::{Acceptance, AcceptedItems, AcceptedRecord, ItemId};
pub(crate) use accepted_differences::AcceptedDifference;
pub(crate) use attempts::AttemptRecord;
pub(crate) use attention::{EventsOf, RunScope};
pub use check::CheckFinding;
pub(crate) use check::{Aspect, JournalCheck};
pub(crate) use commissions::PromoterCommissions;
pub(crate) use conversions::ConversionRecord;
pub use deliver::Entry;
pub(crate) use deliver::RetrySelection;
pub use error::{AccountClash, JournalError, LostCommits};
pub(crate) use files::files_of_journal;
pub use known::{HeldSale, HistoryRequest, JournalHistory, UncomparedRefund, WithheldPayments};
pub(crate) use lead_dates::{LeadDateAnswer, LeadDateRequest, NewLeadDate};
pub(crate) use left_out::left_out_id;
pub(crate) use lookup::{Appearance, EventRole, EventsBy, RowPlace};
pub(crate) use midnights::says_day;
#[cfg(test)]
pub(crate) use payouts::PayoutRequestId;
pub(crate) use payouts::{
    NewPayoutRequest, PaidCommission, PayoutAnswer, PayoutRequest, PayoutStep, TrackedEvent,
};
pub(crate) use place::PlaceWatch;
pub(crate) use progress::RunProgress;
pub use prune::{Pruned, PrunedRun};
pub use read_exports::{EventPrefixes, ReadExport, RulesDigest, SkippedExport};
pub use record::NewRun;
pub(crate) use record::Recording;
pub(crate) use records::{
    EventRecord, HeldRecord, InputRecord, OutcomeTallies, ReasonCount, RowRecord,
};
pub use records::{NewInput, Pending, PlanTotal, RunEnd, RunRecord};
pub use recover::Recovered;
pub(crate) use redaction::REDACTION_KEY_BYTES;
pub(crate) use span::{Span, SpanBy};
pub(crate) use undo::{AccountCheck, RefundRecord, UndoRecord, WithdrawnUndo};
pub(crate) use words::{AttentionCode, UnknownWord};
pub use words::{Disposition, Effect, EndReason, Outcome, PlanState, RunCommand};

use std::fmt;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tempfile::TempDir;

use commit::Commit;
use commits::CommitRecord;
use lock::Lock;
pub(crate) use lock::{Holder, host};
use looked_at::LookedAt;
use words::bounded;

/// Identifies the account whose events a journal holds. All three fields must be equal for a run to use it.
#[derive(Clone, Debug)]
pub struct Account {
    /// The version of the Tracking API: `v1` or `v2`.
    pub api: String,
    /// The address that requests are sent to; a sandbox has another one than the real API.
    pub base_url: String,
    /// The `wid` of v1 or the account id of v2.
    pub account_id: String,
}

impl Account {
    /// The address of a sandbox in the process itself: its port differs each time, but the account is the
    /// same.
    pub const SANDBOX: &str = "in-process sandbox";

    /// Returns `true` if it is a sandbox in the process itself.
    pub fn is_sandbox(&self) -> bool {
        self.base_url == Self::SANDBOX
    }
}

/// Compares accounts. A slash at the end of an address makes no difference.
impl PartialEq for Account {
    fn eq(&self, other: &Self) -> bool {
        let base = |account: &Account| account.base_url.trim_end_matches('/').to_owned();
        self.api == other.api && self.account_id == other.account_id && base(self) == base(other)
    }
}

impl Eq for Account {}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Account {
            api,
            base_url,
            account_id,
        } = self;
        write!(f, "account `{account_id}` of {api} at {base_url}")
    }
}

/// Identifies a journal among all others, by what was drawn at random when it was made. A copy has the same.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct JournalId(pub(crate) String);

/// Identifies a run by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId(pub i64);

/// Identifies an event by its number in the journal; the order of the numbers is the order of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventRow(pub i64);

/// Holds the outcome of an event, and what the API said with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// The outcome of the event.
    pub outcome: Outcome,
    /// `true` if it follows from another event's answer, without a request.
    pub is_inferred: bool,
    /// The HTTP status of the answer that settled it.
    pub http_status: Option<u16>,
    /// The message of the API or the network; at most `MESSAGE_LIMIT` bytes are kept of any text here.
    pub message: Option<String>,
    /// The time when it was settled.
    pub at: Timestamp,
    /// The API's own id for the event.
    pub api_event_id: Option<String>,
    /// The promoter who referred the customer.
    pub promoter_email: Option<String>,
    /// The promoter's referral id.
    pub promoter_ref_id: Option<String>,
    /// The commission that the API has calculated, in minor units of the account's currency.
    pub commission_cents: Option<i64>,
}

impl Settlement {
    /// Returns a result that did not come from an answer.
    pub fn without_answer(outcome: Outcome, message: Option<String>, at: Timestamp) -> Self {
        Settlement {
            outcome,
            is_inferred: false,
            http_status: None,
            message,
            at,
            api_event_id: None,
            promoter_email: None,
            promoter_ref_id: None,
            commission_cents: None,
        }
    }

    /// Returns `true` if the API said that there is a commission, or said nothing of it: the answer was lost.
    pub(crate) fn can_have_commission(&self) -> bool {
        match self.commission_cents {
            Some(cents) => cents != 0,
            None => self.promoter_email.is_none() && self.promoter_ref_id.is_none(),
        }
    }
}

/// Reads a journal; it needs no lock and works while a run goes on.
///
/// [`JournalReader::open`] gives a view of one instant: all that is read through it fits together. Open
/// another one to see later changes. The writer's own view ([`Journal::reader`]) is of the present.
#[derive(Debug)]
pub struct JournalReader {
    connection: Connection,
    path: PathBuf,
    /// The directory of the journal, as the caller named it: recorded places are relative to it.
    beside: PathBuf,
    /// The copy that is read, if the journal itself can't be read in place.
    _copy: Option<TempDir>,
}

/// Writes a journal, as the only process to do so, and holds its lock.
#[derive(Debug)]
pub struct Journal {
    // Dropped before the others are: the connection tidies the files up when it closes, and has locks
    // on the index that the record reads.
    reader: JournalReader,
    poison: Option<String>,
    /// `true` once [`Journal::close`] has emptied the log.
    is_closed: bool,
    record: CommitRecord,
    // Dropped last: closing a file releases SQLite's locks of it.
    _lock: Lock,
}

impl Journal {
    /// Opens the journal at `path` for writing, or makes it if there is none.
    ///
    /// The directory must exist. `command` and `now` are shown to another process that finds the journal
    /// locked.
    ///
    /// # Errors
    ///
    /// Locked, damaged, from a newer version, another account's, not writable. A journal that is refused is
    /// not changed.
    pub fn open(
        path: &Path,
        account: &Account,
        command: &str,
        now: Timestamp,
    ) -> Result<Journal, JournalError> {
        let beside = place::directory_of(path);
        let found = place::resolve(path)?;
        let lock = Lock::take(&found, command, now)?;
        let (connection, looked_at) = migrate::open_for_writing(&found, account, now)?;
        let mut journal =
            Journal::start(found, beside, connection, lock, 0, Some(&looked_at), now)?;
        // From here on its place is watched. What was looked at must be what is there.
        looked_at.expect_same(&journal.path)?;
        journal.record.reached_by(path);
        Ok(journal)
    }

    /// Returns `true` if there is a journal at `path`, or was one: a journal that is moved away leaves its
    /// commit record behind.
    pub fn is_there_or_was(path: &Path) -> bool {
        let mut files = ["", files::COMMITS].into_iter();
        files.any(|suffix| files::beside(path, suffix).symlink_metadata().is_ok())
    }

    /// Returns an open journal, with its commit record beside it.
    fn start(
        path: PathBuf,
        beside: PathBuf,
        connection: Connection,
        mut lock: Lock,
        intended_before: i64,
        looked_at: Option<&LookedAt>,
        now: Timestamp,
    ) -> Result<Journal, JournalError> {
        lock.hold_database(&path)?;
        let record = CommitRecord::start(&path, &connection, intended_before, looked_at, now)?;
        let mut journal = Journal {
            reader: JournalReader {
                connection,
                path,
                beside,
                _copy: None,
            },
            poison: None,
            is_closed: false,
            record,
            _lock: lock,
        };
        journal.count_first_commit()?;
        Ok(journal)
    }

    /// Counts a first commit in a new journal, and moves it into the database. A journal that counts none needs no
    /// record of it: one that lost its log and its record would look the same, whatever was sent since.
    fn count_first_commit(&mut self) -> Result<(), JournalError> {
        if self.record.has_commits() {
            return Ok(());
        }
        self.transact("counting its first commit", |_| Ok(()))?;
        self.record.move_log(&self.reader.connection).map(drop)
    }

    /// Closes the journal, and says if it was changed or replaced by another program since its last commit.
    ///
    /// # Errors
    ///
    /// Its files are not those that were written. Where they only can't be written to now, its log keeps everything,
    /// and that is no error.
    pub fn close(mut self) -> Result<(), JournalError> {
        let emptied = self.empty_log();
        self.is_closed = true;
        match emptied {
            Err(error @ JournalError::Displaced { .. }) => Err(error),
            _ if self.poison.is_some() => self.record.expect_unchanged(),
            _ => Ok(()),
        }
    }

    /// Empties the log into the database, so that a run that ends by itself leaves none.
    fn empty_log(&mut self) -> Result<(), JournalError> {
        use rusqlite::config::DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
        let connection = &self.reader.connection;
        if !self.is_closed && self.poison.is_none() && self.record.move_log(connection)? {
            // SQLite moves what is in the log when it closes the file, whoever wrote it.
            self.record.expect_last_log()?;
            let _ = connection.set_db_config(SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
        Ok(())
    }

    /// Returns the watch that notices when the journal is deleted, moved, replaced or linked while it is in
    /// use.
    pub fn place_watch(&self) -> PlaceWatch {
        self.record.place().clone()
    }

    /// Returns the journal as it is now, for reading.
    pub fn reader(&self) -> &JournalReader {
        &self.reader
    }

    /// Runs `work` in a transaction that is on disk when this returns.
    fn transact<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let transaction = start(
            &self.reader,
            &mut self.record,
            self.poison.as_deref(),
            doing,
        )?;
        let result = work(&transaction).and_then(|value| {
            commit(transaction, &self.reader, &mut self.record, doing)?;
            Ok(value)
        });
        if let Err(error) = &result {
            poison(&mut self.poison, error);
        }
        result
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // A failure here leaves the log, with everything in it.
        let _ = self.empty_log();
    }
}

impl Deref for Journal {
    type Target = JournalReader;

    fn deref(&self) -> &JournalReader {
        &self.reader
    }
}

/// Starts a transaction that writes, unless an earlier one failed.
fn start<'j>(
    reader: &'j JournalReader,
    record: &mut CommitRecord,
    poison: Option<&str>,
    doing: &'static str,
) -> Result<Transaction<'j>, JournalError> {
    if let Some(cause) = poison {
        return Err(JournalError::Poisoned {
            path: reader.path.clone(),
            cause: cause.to_owned(),
        });
    }
    let transaction =
        Transaction::new_unchecked(&reader.connection, TransactionBehavior::Immediate)
            .map_err(|error| reader.failed(doing, error))?;
    // Nobody else can write now: what another program has written stands in the log, or was moved into the database.
    record.expect_last_log()?;
    record.expect_untouched()?;
    Ok(transaction)
}

/// Ends a transaction: when this returns, it is on disk, and so is the record of it.
fn commit(
    transaction: Transaction<'_>,
    reader: &JournalReader,
    record: &mut CommitRecord,
    doing: &'static str,
) -> Result<(), JournalError> {
    let failed = |error| reader.failed(doing, error);
    let counted = Commit::prepare(&transaction)
        .and_then(|mut count| Commit::count(&mut count))
        .map_err(failed)?;
    transaction.commit().map_err(failed)?;
    record.committed(&reader.connection, counted, None)
}

/// Refuses all later writes. The next opening judges by its checksums what the failed one left in the
/// write-ahead log, so the log is not moved into the database on closing.
fn poison(poison: &mut Option<String>, error: &JournalError) {
    let mut cause = error.to_string();
    if let Some(source) = std::error::Error::source(error) {
        cause.push_str(": ");
        cause.push_str(&source.to_string());
    }
    poison.get_or_insert(cause);
}

impl JournalReader {
    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn failed(&self, doing: &'static str, error: rusqlite::Error) -> JournalError {
        JournalError::sqlite(&self.path, doing, error)
    }
}

/// Returns a text as it is kept: its first `MESSAGE_LIMIT` bytes.
fn bounded_text(text: &str) -> String {
    bounded(text).to_owned()
}

/// Returns a number of rows or lines as SQLite stores it.
fn stored(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
