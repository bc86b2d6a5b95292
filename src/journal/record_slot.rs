//! Reads and writes the content of the commit record.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::commit::Commit;
use super::database_pages::DatabaseDigest;
use super::files::{self, beside};
use super::log_file::LogEnd;
use super::page_list::ListEnd;

const MAGIC: [u8; 8] = *b"FPRCMT02";
/// The form of a slot before there was a list of pages: the end of the log is in it while the log is moved.
pub(super) const EARLIER_MAGIC: [u8; 8] = *b"FPRCMT01";
/// The size of a slot with its checksum.
const SLOT_BYTES: usize = 184;
pub(super) const EARLIER_SLOT_BYTES: usize = 136;
pub(super) const SUM_BYTES: usize = 32;
/// The distance from one slot to the other: they are in different sectors, so that no torn write damages
/// both.
pub(super) const SLOT_DISTANCE: u64 = 4096;

/// Says what happens to the files of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// The database alone is that of the commit that the record calls its base.
    AtRest = 0,
    /// The log is moved into the database, of which some pages may be newer than others.
    Moving = 1,
    /// Another program has changed the journal, which is not known to be what was written.
    Changed = 2,
}

impl State {
    fn from_number(number: u64) -> State {
        match number {
            0 => State::AtRest,
            1 => State::Moving,
            _ => State::Changed,
        }
    }
}

/// Holds the content of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    /// The number of writes of the record; the higher of both slots is the later.
    pub(super) generation: u64,
    pub(super) commit: Commit,
    /// The time of that commit, in milliseconds since 1970.
    pub(super) at_ms: i64,
    /// The number that the database has without its log.
    pub(super) base: i64,
    pub(super) state: State,
    /// The end of that commit in the log.
    pub(super) log: LogEnd,
    /// The highest number of an event of which a request was ever intended: no event with a higher number was
    /// sent.
    pub(super) intended: i64,
    /// The end of the list of pages that the database has to have once the log is moved.
    pub(super) listed: ListEnd,
    /// The content of the database at its base, if that is known.
    pub(super) database: Option<DatabaseDigest>,
}

impl Slot {
    /// Returns the slot with its checksum, as it is on disk.
    pub(super) fn to_bytes(self) -> [u8; SLOT_BYTES] {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(self.generation.to_be_bytes());
        bytes.extend(self.commit.journal);
        bytes.extend(self.commit.number.to_be_bytes());
        bytes.extend(self.commit.mark);
        bytes.extend(self.at_ms.to_be_bytes());
        bytes.extend(self.base.to_be_bytes());
        bytes.extend((self.state as u64).to_be_bytes());
        bytes.extend(self.log.salts);
        bytes.extend(u64::from(self.log.frames).to_be_bytes());
        bytes.extend(self.intended.to_be_bytes());
        bytes.extend(self.listed.entries.to_be_bytes());
        bytes.extend(self.listed.page_bytes.to_be_bytes());
        bytes.extend(self.listed.sum);
        bytes.extend(u64::from(self.database.is_some()).to_be_bytes());
        bytes.extend(self.database.map_or([0; 16], DatabaseDigest::to_bytes));
        bytes.extend(Sha256::digest(&bytes));
        let mut slot = [0; SLOT_BYTES];
        slot.copy_from_slice(&bytes);
        slot
    }

    /// Reads a slot of either form; `None` if it is not whole.
    fn from_bytes(bytes: &[u8]) -> Option<Slot> {
        let is_earlier = bytes.starts_with(&EARLIER_MAGIC);
        let end = if is_earlier {
            EARLIER_SLOT_BYTES
        } else {
            SLOT_BYTES
        };
        let (said, sum) = bytes.get(..end)?.split_at(end - SUM_BYTES);
        let is_known = is_earlier || said[..8] == MAGIC;
        if !is_known || Sha256::digest(said).as_slice() != sum {
            return None;
        }
        fn take<const N: usize>(said: &[u8], at: usize) -> [u8; N] {
            let mut taken = [0; N];
            taken.copy_from_slice(&said[at..at + N]);
            taken
        }
        let listed = || ListEnd {
            entries: u32::from_be_bytes(take(said, 104)),
            page_bytes: u32::from_be_bytes(take(said, 108)),
            sum: take(said, 112),
        };
        let state = State::from_number(u64::from_be_bytes(take(said, 72)));
        let log = LogEnd {
            salts: take(said, 80),
            frames: u32::from_be_bytes(take(said, 92)),
        };
        Some(Slot {
            generation: u64::from_be_bytes(take(said, 8)),
            commit: Commit {
                journal: take(said, 16),
                number: i64::from_be_bytes(take(said, 32)),
                mark: take(said, 40),
            },
            at_ms: i64::from_be_bytes(take(said, 56)),
            base: i64::from_be_bytes(take(said, 64)),
            state,
            log: if is_earlier && state == State::AtRest {
                LogEnd::UNKNOWN
            } else {
                log
            },
            intended: i64::from_be_bytes(take(said, 96)),
            listed: if is_earlier {
                ListEnd::NOT_KEPT
            } else {
                listed()
            },
            database: (!is_earlier && said[128..136] != [0; 8])
                .then(|| DatabaseDigest::from_bytes(take(said, 136))),
        })
    }
}

/// Says what is found at the record's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RecordState {
    Nothing,
    /// There is a file of which neither slot is whole.
    Damaged,
    Record(Slot),
}

impl RecordState {
    /// Returns the content of the record, if there is one that is whole.
    pub(super) fn slot(self) -> Option<Slot> {
        match self {
            RecordState::Record(slot) => Some(slot),
            RecordState::Nothing | RecordState::Damaged => None,
        }
    }
}

/// Reads the record of a journal.
pub(super) fn read(journal: &Path) -> io::Result<RecordState> {
    let path = beside(journal, files::COMMITS);
    // Opening a pipe would wait.
    if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("its commit record is not a file"));
    }
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(RecordState::Nothing),
        Err(error) => return Err(error),
    };
    let mut latest: Option<Slot> = None;
    for place in [0, SLOT_DISTANCE] {
        let mut bytes = Vec::with_capacity(SLOT_BYTES);
        file.seek(SeekFrom::Start(place))?;
        // A record of the earlier form ends with its second slot.
        (&file).take(SLOT_BYTES as u64).read_to_end(&mut bytes)?;
        let slot = Slot::from_bytes(&bytes);
        if slot.map(|slot| slot.generation) > latest.map(|slot| slot.generation) {
            latest = slot;
        }
    }
    Ok(latest.map_or(RecordState::Damaged, RecordState::Record))
}
