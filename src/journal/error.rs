//! What can be wrong with a journal, and what a person can do about it.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::Account;

/// Why a journal can't be opened, read or written. Nothing may be sent after one of these.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process writes to the journal.
    #[error("the journal {} is in use by {holder}", path.display())]
    Locked {
        /// The journal.
        path: PathBuf,
        /// The process that has it, as it described itself.
        holder: String,
    },
    /// The file is no SQLite database, or its content is not what was written.
    #[error("the journal {} is damaged: {what}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// What was found.
        what: String,
    },
    /// The path names a directory, a device, a pipe or a socket; it was not touched.
    #[error("{} is {what}, and the journal has to be a file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
        /// What it names.
        what: &'static str,
    },
    /// The path is a link to a file that is not there, such as one on a disk that is not mounted.
    #[error("the journal {} is a link to {}, which is not there", path.display(), target.display())]
    LinkToNothing {
        /// The path.
        path: PathBuf,
        /// What it names.
        target: PathBuf,
    },
    /// The file has further names, under which another process could write to it.
    #[error("the journal {} has {links} names (hard links)", path.display())]
    Linked {
        /// The journal.
        path: PathBuf,
        /// How many names the file has.
        links: u64,
    },
    /// The journal, its log or its commit record is not at its path any more.
    #[error("{} was {what} while the journal was in use", path.display())]
    Displaced {
        /// The file.
        path: PathBuf,
        /// What happened to it.
        what: &'static str,
    },
    /// Commits that were on disk are not there any more, or nothing says whether they are. What they
    /// recorded may have been sent.
    #[error("the journal {} may lack what was sent last: {lost}", path.display())]
    Lost {
        /// The journal.
        path: PathBuf,
        /// What says so.
        lost: LostCommits,
    },
    /// A sound SQLite database that is something else.
    #[error("{} is a database, but not a journal of fprecon", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// A journal of a later version of the program; it was not touched.
    #[error(
        "the journal {} is of version {found}, and this program knows versions up to {supported}",
        path.display()
    )]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that this program knows.
        supported: i64,
    },
    /// The journal belongs to another account.
    #[error("{0}")]
    OtherAccount(Box<AccountClash>),
    /// The file or its directory can't be opened or written: rights, a full disk, no directory.
    #[error("the journal {} can't be written ({doing})", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// What was under way.
        doing: &'static str,
        /// What the system says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file can't be opened or read: rights, a directory that is not there.
    #[error("the journal {} can't be read ({doing})", path.display())]
    NotReadable {
        /// The file.
        path: PathBuf,
        /// What was under way.
        doing: &'static str,
        /// What the system says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Any other failure of the database: an I/O error, another program that holds it for long.
    #[error("the journal {} failed ({doing})", path.display())]
    Sqlite {
        /// The journal.
        path: PathBuf,
        /// What was under way.
        doing: &'static str,
        /// What SQLite says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// An earlier write failed. What the system says about later ones is not believed.
    #[error("the journal {} takes no more writes after a failed one: {cause}", path.display())]
    Poisoned {
        /// The journal.
        path: PathBuf,
        /// The failure.
        cause: String,
    },
    /// The caller asked for what can't be, such as answering a request that was never intended.
    #[error("internal error at the journal {}: {what}", path.display())]
    Misused {
        /// The journal.
        path: PathBuf,
        /// What was asked.
        what: String,
    },
}

/// Both sides of [`JournalError::OtherAccount`].
#[derive(Debug, thiserror::Error)]
#[error(
    "the journal {} belongs to {recorded}, and this run is for {asked}",
    path.display()
)]
pub struct AccountClash {
    /// The journal.
    pub path: PathBuf,
    /// The account whose journal it is.
    pub recorded: Account,
    /// The account that was to use it.
    pub asked: Account,
}

/// How it is known that a journal lost commits, or why it is not known.
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
        /// When that was.
        at: Timestamp,
    },
    /// It was killed while its log was moved into the database, and that log is not whole.
    #[error("its log is damaged or gone, and was being moved into the database at {at}")]
    HalfMoved {
        /// When the last commit was recorded.
        at: Timestamp,
    },
    /// The log beside the database was written for another state of it.
    #[error("the log beside it was not written for it, as after a backup was restored over it")]
    ForeignLog,
    /// The journal is not there, and its commit record is.
    #[error("it is gone, and its commit record is there")]
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
    /// When the last commit was recorded that was lost, where that is known.
    pub fn at(&self) -> Option<Timestamp> {
        match self {
            LostCommits::Behind { at, .. } | LostCommits::HalfMoved { at } => Some(*at),
            _ => None,
        }
    }
}

impl JournalError {
    /// What a person can do about it.
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
            JournalError::NotAFile { .. } => "it was not touched; name a file with --journal",
            JournalError::LinkToNothing { .. } => {
                "it was not touched; mount the disk that the file lies on, or, for a new journal, name \
                 the file itself with --journal"
            }
            JournalError::Linked { .. } => {
                "nothing more is sent; delete the other names (`find DIRECTORY -samefile JOURNAL` \
                 lists them), or make them copies, then run `fprecon resume` if a run was under way"
            }
            JournalError::Displaced { .. } => {
                "sending has stopped; move the journal back with all files whose names begin like its \
                 own, then run `fprecon resume`; or restore the journal and its -wal file from a backup, but \
                 leave the present .commits file where it is: it knows what was sent since; then run \
                 `fprecon journal recover`"
            }
            JournalError::NotAJournal { .. } => "give the journal's path with --journal",
            JournalError::Newer { .. } => {
                "it was not changed; use the version of fprecon that wrote it, or a later one"
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

    /// Tells damage and unwritable files from SQLite's other errors.
    pub(super) fn sqlite(path: &Path, doing: &'static str, error: rusqlite::Error) -> Self {
        use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
        use rusqlite::{Error, ErrorCode};

        let path = path.to_owned();
        match &error {
            Error::FromSqlConversionFailure(..)
            | Error::IntegralValueOutOfRange(..)
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
                // The file in which processes find the log's pages is made by taking all its room.
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

fn lost_hint(path: &Path, lost: &LostCommits) -> String {
    let path = path.display();
    match lost {
        LostCommits::NoJournal => format!(
            "nothing was sent by this call; restore {path} and {path}-wal from a copy, but leave \
             {path}.commits where it is: it knows what was sent since; then run `fprecon journal recover \
             --journal {path}`; or delete {path}.commits to begin anew, as if nothing had ever been sent"
        ),
        _ => format!(
            "nothing was sent by this call; put back the files {path}, {path}-wal and {path}.commits as \
             they were together; without them, `fprecon journal recover --journal {path}` goes on, and \
             what may have been sent and cannot be repeated becomes unconfirmed"
        ),
    }
}
