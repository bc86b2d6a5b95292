//! Reads a zip: the list of its members, and the bytes of each.
//!
//! The list at the archive's end names its members; a member is unpacked as it is read, and its
//! size and checksum are compared with the list. `rawzip` finds the bytes, in memory that does not
//! grow with the archive; the list of members is kept here, and its length is limited.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, RangeReader, ReaderAt, ZipArchive, ZipArchiveEntryWayfinder};

use super::encoding::foreign;
use super::error::Fault;
use super::file_names::{is_named_as_export, is_unfinished};
use super::unpack::Budget;
use crate::invisible::shown;

/// The greatest number of members of an archive.
const MEMBERS_MOST: u64 = 10_000;
/// The number of bytes of a member that is not named as an export that are checked for another archive.
const LOOK_BYTES: u64 = 1024;

/// The archive's bytes, wherever they are; several readers can read them at any offset at once.
type Bytes = Arc<dyn ReaderAt + Send + Sync>;

/// A zip whose list has been read.
pub(super) struct Archive {
    zip: ZipArchive<Bytes>,
    len: u64,
    budget: Arc<Budget>,
}

/// A member of a zip.
#[derive(Debug)]
pub(super) struct Member {
    /// The member's name as in the archive, without control characters.
    pub(super) name: String,
    header: ZipArchiveEntryWayfinder,
    method: CompressionMethod,
    is_encrypted: bool,
    size: u64,
    crc: u32,
}

/// The members of a zip, in the archive's order.
#[derive(Debug, Default)]
pub(super) struct Members {
    /// The members that are read.
    pub(super) exports: Vec<Member>,
    /// The names of the members that are not read.
    pub(super) skipped: Vec<String>,
}

impl Archive {
    /// Reads the list of an archive of `len` bytes.
    pub(super) fn open(bytes: Bytes, len: u64) -> Result<(Archive, Vec<Member>), Fault> {
        let mut buffer = vec![0; rawzip::MAX_CENTRAL_DIRECTORY_RECORD_SIZE];
        let zip = rawzip::ZipLocator::new()
            .locate_in_reader(bytes, &mut buffer, len)
            .map_err(|(_, error)| damaged(error))?;
        let listed = list(&zip, &mut buffer)?;
        let archive = Archive {
            zip,
            len,
            budget: Arc::default(),
        };
        Ok((archive, listed))
    }

    /// Tells the exports among the members from the others: those that are named as exports, and those for
    /// which `is_export` returns `true`.
    pub(super) fn exports(
        &self,
        listed: Vec<Member>,
        is_export: impl Fn(&Archive, &Member) -> bool,
    ) -> Result<Members, Fault> {
        let mut members = Members::default();
        for member in listed {
            let name = OsStr::new(&member.name);
            if is_named_as_export(name)
                || self.is_archive(&member)
                || !is_unfinished(name) && is_export(self, &member)
            {
                members.exports.push(member)
            } else {
                members.skipped.push(member.name)
            }
        }
        if members.exports.is_empty() {
            Err(Fault::NoCsvInside)
        } else {
            Ok(members)
        }
    }

    /// Returns `true` if a member is an archive itself. It may contain exports, so it is not
    /// skipped: reading it gives an error that says so.
    fn is_archive(&self, member: &Member) -> bool {
        let mut head = Vec::new();
        let looked = self
            .read(member)
            .map(|reader| reader.take(LOOK_BYTES).read_to_end(&mut head));
        looked.is_ok() && matches!(foreign(&head), Some(Fault::Compressed(_)))
    }

    /// Returns a reader of a member that unpacks it as it is read.
    pub(super) fn read(&self, member: &Member) -> Result<MemberReader, Fault> {
        if member.is_encrypted {
            return Err(Fault::MemberEncrypted);
        }
        let entry = self.zip.get_entry(member.header).map_err(damaged)?;
        let (start, end) = entry.compressed_data_range();
        let packed = RangeReader::new(Arc::clone(self.zip.get_ref()), start..end);
        let content = match member.method {
            CompressionMethod::STORE => MemberContent::Stored(packed),
            CompressionMethod::DEFLATE => {
                MemberContent::Deflated(Box::new(DeflateDecoder::new(packed)))
            }
            method => {
                let name = method.name().map(str::to_owned);
                return Err(Fault::MemberMethod(
                    name.unwrap_or_else(|| method.to_string()),
                ));
            }
        };
        Ok(MemberReader {
            content,
            left: member.size,
            crc: rawzip::Crc32::new(),
            expected: member.crc,
            archive_bytes: self.len,
            budget: Arc::clone(&self.budget),
        })
    }
}

/// Returns `true` if these are the parts of a workbook or of another office document.
pub(super) fn is_document(members: &[Member]) -> bool {
    let mut members = members.iter();
    members.any(|member| member.name == "[Content_Types].xml")
}

/// Returns all files of an archive. Folders are left out, and so are the files that macOS adds: in
/// a folder of its own, one `._x.csv` for each `x.csv`.
fn list(zip: &ZipArchive<Bytes>, buffer: &mut [u8]) -> Result<Vec<Member>, Fault> {
    let listed = zip.entries_hint();
    if listed > MEMBERS_MOST {
        return Err(Fault::TooManyMembers { most: MEMBERS_MOST });
    }
    let mut members = Vec::new();
    let mut found = 0;
    let mut entries = zip.entries(buffer);
    while let Some(entry) = entries.next_entry().map_err(damaged)? {
        found += 1;
        if found > listed {
            break;
        }
        let path = entry.file_path();
        let name = path.as_bytes();
        if entry.is_dir() || name.starts_with(b"__MACOSX/") {
            continue;
        }
        members.push(Member {
            name: shown(&String::from_utf8_lossy(name)).into_owned(),
            header: entry.wayfinder(),
            method: entry.compression_method(),
            is_encrypted: entry.flags().is_encrypted(),
            size: entry.uncompressed_size_hint(),
            crc: entry.crc32(),
        });
    }
    if members.iter().any(|member| member.name.ends_with(".iwa")) {
        return Err(Fault::NotCsv("an Apple Numbers document"));
    }
    if found == listed {
        Ok(members)
    } else {
        Err(Fault::PackedDamaged("zip"))
    }
}

/// Returns the path that names a member: `archive.zip/inner.csv`.
pub(super) fn member_path(archive: &Path, member: &Member) -> PathBuf {
    let mut path = archive.as_os_str().to_owned();
    path.push("/");
    path.push(&member.name);
    PathBuf::from(path)
}

fn damaged(error: rawzip::Error) -> Fault {
    match error.into_kind() {
        rawzip::ErrorKind::IO(error) if error.raw_os_error().is_some() => Fault::from(error),
        rawzip::ErrorKind::IO(_)
        | rawzip::ErrorKind::Eof
        | rawzip::ErrorKind::MissingEndOfCentralDirectory => Fault::PackedCutOff("zip"),
        _ => Fault::PackedDamaged("zip"),
    }
}

/// A reader of a member's bytes.
pub(super) struct MemberReader {
    content: MemberContent,
    /// The number of bytes still to come.
    left: u64,
    crc: rawzip::Crc32,
    expected: u32,
    archive_bytes: u64,
    budget: Arc<Budget>,
}

enum MemberContent {
    Stored(RangeReader<Bytes>),
    Deflated(Box<DeflateDecoder<RangeReader<Bytes>>>),
}

impl Read for MemberReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let result = match &mut self.content {
            MemberContent::Stored(content) => content.read(buffer),
            MemberContent::Deflated(content) => content.read(buffer),
        };
        let read = result.map_err(|error| match error.raw_os_error() {
            Some(_) => Fault::from(error),
            None => Fault::PackedDamaged("zip"),
        })?;
        self.crc.update(&buffer[..read]);
        self.budget.take(read, self.archive_bytes)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => return Err(Fault::PackedDamaged("zip").into()),
        }
        if read == 0 && (self.left > 0 || self.crc.checksum() != self.expected) {
            return Err(Fault::PackedDamaged("zip").into());
        }
        Ok(read)
    }
}
