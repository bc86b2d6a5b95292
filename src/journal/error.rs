//! Describes what can be wrong with a journal, and what a person can do about it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Account;
use super::place::{DATABASE_OVERWRITTEN, LEADS_ELSEWHERE, LOG_OVERWRITTEN, WRITTEN_BY_ANOTHER};

/// Names why a journal can't be opened, read or written. Nothing may be sent after one of these errors.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process writes to the journal.
    #[error("the journal {} is in use by {holder}", path.display())]
    Locked {
        /// The path of the journal.
        path: PathBuf,
        /// The process that holds the lock, as it described itself.
        holder: String,
    },
    /// The file is not an SQLite database, or its content is not what was written.
    #[error("the journal {} is damaged: {what}", path.display())]
    Damaged {
        /// The path of the journal.
        path: PathBuf,
        /// The description of what was found.
        what: String,
    },
    /// The path names a directory, a device, a pipe or a socket; it was not opened.
    #[error("{} is {what}, but the journal must be a file", path.display())]
    NotAFile {
        /// The path that was given.
        path: PathBuf,
        /// The kind of thing that the path names.
        what: &'static str,
    },
    /// What has the name of one of the files beside a journal is a directory, a device, a pipe or a socket; it was not
    /// opened.
    #[error("{} is {what}, but what has this name beside a journal must be a file", path.display())]
    CompanionNotAFile {
        /// The path of what is there.
        path: PathBuf,
        /// The kind of thing that it is.
        what: &'static str,
    },
    /// The path is a link to a file that does not exist, such as one on a disk that is not mounted.
    #[error("the journal {} is a link to {}, which does not exist", path.display(), target.display())]
    LinkToNothing {
        /// The path that was given.
        path: PathBuf,
        /// The target of the link.
        target: PathBuf,
    },
    /// The file has further names, under which another process could write to it.
    #[error("the journal {} has {links} names (hard links)", path.display())]
    Linked {
        /// The path of the journal.
        path: PathBuf,
        /// The number of names that the file has.
        links: u64,
    },
    /// The journal, its log or its commit record is not at its path any more.
    #[error("{} was {what} while the journal was in use", path.display())]
    Displaced {
        /// The path of the file.
        path: PathBuf,
        /// The description of what happened to it.
        what: &'static str,
    },
    /// Commits that were on disk are not there any more, or nothing says whether they are. What they recorded
    /// may have been sent.
    #[error("the journal {} may lack what was sent last: {lost}", path.display())]
    Lost {
        /// The path of the journal.
        path: PathBuf,
        /// The evidence of the loss.
        lost: LostCommits,
    },
    /// The file is a sound SQLite database that is something else.
    #[error("{} is a database, but not a journal of fprecon", path.display())]
    NotAJournal {
        /// The path of the file.
        path: PathBuf,
    },
    /// The journal was written by a later version of the program; it was not changed.
    #[error(
        "the journal {} is of version {found}, and this program supports versions up to {supported}",
        path.display()
    )]
    Newer {
        /// The path of the journal.
        path: PathBuf,
        /// The version of the journal.
        found: i64,
        /// The latest version that this program supports.
        supported: i64,
    },
    /// The journal belongs to another account.
    #[error("{0}")]
    OtherAccount(Box<AccountClash>),
    /// The file or its directory can't be opened or written: rights, a full disk, no directory.
    #[error("the journal {} can't be written ({doing})", path.display())]
    NotWritable {
        /// The path of the file.
        path: PathBuf,
        /// The action that failed.
        doing: &'static str,
        /// The error of the system.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file can't be opened or read: rights, a directory that is not there.
    #[error("the journal {} can't be read ({doing})", path.display())]
    NotReadable {
        /// The path of the file.
        path: PathBuf,
        /// The action that failed.
        doing: &'static str,
        /// The error of the system.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database failed otherwise: an I/O error, another program that locks it for long.
    #[error("the journal {} failed ({doing})", path.display())]
    Sqlite {
        /// The path of the journal.
        path: PathBuf,
        /// The action that failed.
        doing: &'static str,
        /// The error of SQLite.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An earlier write failed, so that later ones can't be trusted.
    #[error("the journal {} takes no more writes after a failed one: {cause}", path.display())]
    Poisoned {
        /// The path of the journal.
        path: PathBuf,
        /// The description of the failed write.
        cause: String,
    },
    /// The caller asked for something impossible, such as answering a request that was never intended.
    #[error("internal error at the journal {}: {what}", path.display())]
    Misused {
        /// The path of the journal.
        path: PathBuf,
        /// The description of what was asked.
        what: String,
    },
}

/// Holds both sides of [`JournalError::OtherAccount`].
#[derive(Debug, thiserror::Error)]
#[error(
    "the journal {} belongs to {recorded}, and this run is for {asked}",
    path.display()
)]
pub struct AccountClash {
    /// The path of the journal.
    pub path: PathBuf,
    /// The account that the journal belongs to.
    pub recorded: Account,
    /// The account that was to use it.
    pub asked: Account,
}

/// Says how it is known that a journal lost commits, or why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LostCommits {
    /// The journal ends before the commit that was recorded as its last, or with another one.
    #[error("it ends with commit {number}, and commit {recorded} of {at} was recorded beside it")]
    Behind {
        /// The number of the last commit in the journal.
        number: i64,
        /// The number of the last commit that was recorded.
        recorded: i64,
        /// The time of the last recorded commit.
        at: Timestamp,
    },
    /// The journal was killed while its log was moved into the database, and that log is not whole.
    #[error("its log is damaged or missing, and was being moved into the database at {at}")]
    HalfMoved {
        /// The time of the last recorded commit.
        at: Timestamp,
    },
    /// The log beside the database was written for another state of it.
    #[error("the log beside it was not written for it, as after a backup was restored over it")]
    ForeignLog,
    /// Another program has written to the journal or to the files beside it.
    #[error("another program has changed it, or the files beside it, after {at}")]
    Changed {
        /// The time of the last recorded commit.
        at: Timestamp,
    },
    /// The journal does not exist, but its commit record does.
    #[error("it does not exist, but its commit record does")]
    NoJournal,
    /// There is no commit record.
    #[error("its commit record (the file of the same name with `.commits`) is not beside it")]
    NoRecord,
    /// The commit record can't be read.
    #[error("its commit record (the file of the same name with `.commits`) is damaged")]
    DamagedRecord,
    /// The commit record was written for another journal.
    #[error("the commit record beside it is that of another journal")]
    OtherJournal,
}

impl LostCommits {
    /// Returns the time of the last lost commit that was recorded, if that is known.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            LostCommits::Behind { at, .. }
            | LostCommits::HalfMoved { at }
            | LostCommits::Changed { at } => Some(*at),
            _ => None,
        }
    }
}

impl JournalError {
    /// Returns what a person can do about it.
    pub fn hint(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            JournalError::Lost { path, lost } => return lost_hint(path, lost).into(),
            JournalError::Locked { .. } => {
                "wait until it has ended; `fprecon status` can be used meanwhile"
            }
            JournalError::Damaged { .. } => {
                "send nothing from it; keep the file, check the disk, and restore the journal and its -wal \
                 file from a backup, but leave the present .commits file where it is: it knows what was sent \
                 since; then run `fprecon journal recover`"
            }
            JournalError::NotAFile { .. } => "it was not opened; name a file with --journal",
            JournalError::CompanionNotAFile { .. } => {
                "it was not opened, and nothing was sent; move it away: nothing of the journal is in it; if a file of \
                 this name was moved away before, put that one back, and then run `fprecon journal check`"
            }
            JournalError::LinkToNothing { .. } => {
                "it was not opened; mount the disk that the file is on, or, for a new journal, name \
                 the file itself with --journal"
            }
            JournalError::Linked { .. } => {
                "nothing more is sent; delete the other names (`find DIRECTORY -samefile JOURNAL` \
                 lists them), or make them copies, then run `fprecon resume` if a run was under way"
            }
            JournalError::Displaced { what, .. } => displaced_hint(what),
            JournalError::NotAJournal { .. } => "give the journal's path with --journal",
            JournalError::Newer { .. } => {
                "nothing was sent, and it was not changed; use the version of fprecon that wrote it, or a later \
                 one; if there was none, it is damaged: restore the journal and its -wal file from a backup"
            }
            JournalError::OtherAccount(_) => {
                "give this account a journal of its own with --journal, or correct [api] in the \
                 configuration"
            }
            JournalError::NotReadable { .. } => {
                "check the path and its permissions: reading needs the journal and the files beside it \
                 whose names begin like its own"
            }
            JournalError::NotWritable { .. } => {
                "check that the directory exists, its permissions and the free space, then run \
                 `fprecon resume` if a run was under way"
            }
            JournalError::Sqlite { .. } | JournalError::Poisoned { .. } => {
                "check the disk and close other programs that have the journal open, then run \
                 `fprecon resume`"
            }
            JournalError::Misused { .. } => "please report this as a bug",
        })
    }

    pub(super) fn damaged(path: &Path, what: impl Into<String>) -> Self {
        JournalError::Damaged {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn misused(path: &Path, what: impl Into<String>) -> Self {
        JournalError::Misused {
            path: path.to_owned(),
            what: what.into(),
        }
    }

    pub(super) fn io(path: &Path, doing: &'static str, source: std::io::Error) -> Self {
        JournalError::NotWritable {
            path: path.to_owned(),
            doing,
            source: Box::new(source),
        }
    }

    pub(super) fn unreadable(path: &Path, doing: &'static str, source: std::io::Error) -> Self {
        JournalError::NotReadable {
            path: path.to_owned(),
            doing,
            source: Box::new(source),
        }
    }

    /// Distinguishes damage and unwritable files from SQLite's other errors.
    pub(super) fn sqlite(path: &Path, doing: &'static str, error: rusqlite::Error) -> Self {
        use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
        use rusqlite::{Error, ErrorCode};

        let path = path.to_owned();
        match &error {
            // Its own words say more than where in the row it was found.
            Error::FromSqlConversionFailure(_, _, source) => JournalError::Damaged {
                path,
                what: format!("{source} ({doing})"),
            },
            Error::IntegralValueOutOfRange(..)
            | Error::InvalidColumnType(..)
            | Error::Utf8Error(..) => JournalError::Damaged {
                path,
                what: format!("{error} ({doing})"),
            },
            Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => JournalError::Damaged {
                    path,
                    what: format!("{error} ({doing})"),
                },
                ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DiskFull
                | ErrorCode::PermissionDenied => JournalError::NotWritable {
                    path,
                    doing,
                    source: Box::new(error),
                },
                // SQLite reserves all the room for the file in which processes find the log's pages when it
                // makes that file.
                _ if failure.extended_code == SQLITE_IOERR_SHMSIZE => JournalError::NotWritable {
                    path,
                    doing,
                    source: "the disk is full".into(),
                },
                _ => JournalError::Sqlite {
                    path,
                    doing,
                    source: Box::new(error),
                },
            },
            _ => JournalError::Sqlite {
                path,
                doing,
                source: Box::new(error),
            },
        }
    }
}

/// Returns what a person can do about a journal that is not what it was, for the reason in `what`.
fn displaced_hint(what: &str) -> &'static str {
    match what {
        LEADS_ELSEWHERE => {
            "sending has stopped; let the link lead to the journal again, then run `fprecon resume`"
        }
        WRITTEN_BY_ANOTHER => {
            "sending has stopped; no other program may write to the journal; what it changed is not known: \
             `fprecon journal recover` goes on, and what may have been sent and cannot be repeated becomes \
             unconfirmed"
        }
        LOG_OVERWRITTEN => {
            "sending has stopped; no other program may write to the journal's files; what was recorded last is \
             lost, and may have been sent: `fprecon journal recover` goes on without it"
        }
        DATABASE_OVERWRITTEN => {
            "sending has stopped; no other program may write to the journal's files; restore the journal and \
             its -wal file from a backup, but leave the present .commits file where it is: it knows what was \
             sent since; then run `fprecon journal recover`"
        }
        _ => {
            "sending has stopped; move the journal back with all files whose names begin like its \
             own, then run `fprecon resume`; or restore the journal and its -wal file from a backup, but \
             leave the present .commits file where it is: it knows what was sent since; then run \
             `fprecon journal recover`"
        }
    }
}

fn lost_hint(path: &Path, lost: &LostCommits) -> String {
    let path = path.display();
    match lost {
        LostCommits::NoJournal => format!(
            "nothing was sent by this call; restore {path} and {path}-wal from a copy, but leave \
             {path}.commits where it is: it knows what was sent since; then run `fprecon journal recover \
             --journal {path}`; or delete {path}.commits to begin anew, as if nothing had ever been sent"
        ),
        LostCommits::Changed { .. } => format!(
            "nothing was sent by this call; no other program may write to the journal; restore {path} and {path}-wal \
             from a copy if you want to undo what was changed, but leave {path}.commits where it is: it knows what \
             was sent since; then `fprecon journal recover --journal {path}` goes on, and what may have been sent and \
             cannot be repeated becomes unconfirmed"
        ),
        _ => format!(
            "nothing was sent by this call; if {path}, {path}-wal and {path}.commits were parted, put them back as \
             the last run left them, and not as an earlier backup has them: nothing would know what was sent since; \
             without them, `fprecon journal recover --journal {path}` goes on, and \
             what may have been sent and cannot be repeated becomes unconfirmed"
        ),
    }
}
