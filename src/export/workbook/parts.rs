//! The parts of a workbook: XML in a zip, each unpacked within bounds.

use std::cell::Cell;
use std::io::{self, BufReader, Read};
use std::ops::ControlFlow;
use std::sync::Arc;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::super::archive::{Archive, Member};
use super::super::error::Fault;

/// The greatest distance in bytes from the end of a zip at which its end record may begin.
const END_BYTES: usize = 65_557;
/// The signature of that record.
const END_SIGNATURE: &[u8] = b"PK\x05\x06";
/// The most bytes of one tag or text, which is held whole. A cell has 32,767 characters at most.
const PIECE_MOST_BYTES: u64 = 16 << 20;
/// The greatest depth of nested elements. A workbook has less than ten.
const DEPTH_MOST: u32 = 64;

/// A zip whose members are the parts of a document.
pub(super) struct DocumentParts {
    archive: Archive,
    members: Vec<Member>,
}

impl DocumentParts {
    /// Opens a workbook. What `calamine` would find in it has to be what is found here.
    pub(super) fn open(bytes: &Arc<Vec<u8>>) -> Result<DocumentParts, Fault> {
        let tail = &bytes[bytes.len().saturating_sub(END_BYTES)..];
        if memchr::memmem::find_iter(tail, END_SIGNATURE).count() != 1 {
            return Err(Fault::WorkbookDamaged("its list of parts is not clear"));
        }
        let shared = Arc::clone(bytes);
        let (archive, mut members) = Archive::open(shared, bytes.len() as u64)?;
        members.sort_by_cached_key(|member| member.name.to_ascii_lowercase());
        let is_same = |pair: &[Member]| pair[0].name.eq_ignore_ascii_case(&pair[1].name);
        if members.windows(2).any(is_same) {
            Err(Fault::WorkbookDamaged("a part is in it twice"))
        } else {
            Ok(DocumentParts { archive, members })
        }
    }

    /// Returns the part with this path, if there is one.
    pub(super) fn part(&self, path: &str) -> Option<&Member> {
        let mut members = self.members.iter();
        members.find(|member| member.name.eq_ignore_ascii_case(path))
    }

    /// Returns the parts whose file has this name, or begins with it.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = &Member> {
        let is_it = move |member: &&Member| {
            let file = member.name.rsplit('/').next().unwrap_or_default();
            let start = file.get(..name.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(name))
        };
        self.members.iter().filter(is_it)
    }

    /// Returns whether a part's name ends so.
    pub(super) fn has_ending(&self, ending: &str) -> bool {
        let mut members = self.members.iter();
        members.any(|member| member.name.ends_with(ending))
    }

    /// Gives each event of a part's XML to `each`, until that breaks off. A part has at most `most_bytes`.
    pub(super) fn walk(
        &self,
        part: &Member,
        most_bytes: u64,
        mut each: impl FnMut(&Event<'_>) -> Result<ControlFlow<()>, Fault>,
    ) -> Result<(), Fault> {
        let mut failure = None;
        let piece_bytes = Cell::new(0);
        let bytes = Watched {
            inner: self.archive.read(part)?,
            left: most_bytes,
            most_bytes,
            piece_bytes: &piece_bytes,
            failure: &mut failure,
        };
        let walked = walk(bytes, &mut |event| {
            piece_bytes.set(0);
            each(event)
        });
        match failure {
            Some(failure) => Err(failure),
            None => walked,
        }
    }
}

fn walk(
    bytes: impl Read,
    each: &mut impl FnMut(&Event<'_>) -> Result<ControlFlow<()>, Fault>,
) -> Result<(), Fault> {
    let mut reader = Reader::from_reader(BufReader::new(bytes));
    let mut buffer = Vec::new();
    let mut depth = 0_u32;
    loop {
        buffer.clear();
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|_| Fault::WorkbookDamaged("a part of it is not XML"))?;
        match &event {
            Event::Start(_) => depth += 1,
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Eof if depth == 0 => return Ok(()),
            Event::Eof => return Err(Fault::WorkbookDamaged("a part of it is cut off")),
            Event::DocType(_) => {
                return Err(Fault::WorkbookDamaged(
                    "a part of it declares a document type",
                ));
            }
            _ => {}
        }
        if depth > DEPTH_MOST {
            return Err(Fault::WorkbookDamaged("a part of it is nested too deeply"));
        }
        if each(&event)?.is_break() {
            return Ok(());
        }
    }
}

/// Returns an attribute's value; nothing where the element does not have it.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Result<Option<String>, Fault> {
    let damaged = || Fault::WorkbookDamaged("an attribute can't be read");
    let found = element.try_get_attribute(name).map_err(|_| damaged())?;
    let value = found.map(|found| {
        let value = found.normalized_value(XmlVersion::Implicit1_0);
        value.map(|value| value.into_owned()).map_err(|_| damaged())
    });
    value.transpose()
}

/// Bytes of a part. Why reading them failed is kept, since the XML reader does not hand it on.
struct Watched<'f, R> {
    inner: R,
    left: u64,
    most_bytes: u64,
    /// Bytes since the last tag or text.
    piece_bytes: &'f Cell<u64>,
    failure: &'f mut Option<Fault>,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let failure = match self.inner.read(buffer) {
            Ok(_) if self.piece_bytes.get() > PIECE_MOST_BYTES => Fault::WorkbookTooLarge {
                what: "bytes in one cell",
                most: PIECE_MOST_BYTES,
            },
            Ok(read) => match self.left.checked_sub(read as u64) {
                Some(left) => {
                    self.left = left;
                    self.piece_bytes.set(self.piece_bytes.get() + read as u64);
                    return Ok(read);
                }
                None => Fault::WorkbookTooLarge {
                    what: "bytes in one part",
                    most: self.most_bytes,
                },
            },
            Err(error) => Fault::from(error),
        };
        *self.failure = Some(failure);
        Err(io::Error::other("the part failed"))
    }
}
