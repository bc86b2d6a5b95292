//! The exports of one file: a single one, or those of a zip.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rawzip::FileReader;

use super::archive::{Archive, Member, Members, is_document, member_path};
use super::encoding::open_document;
use super::error::{ExportError, Fault};
use super::source::{HashingReader, Peeked};
use super::unpack::Packing;
use super::{BytesLocation, Export, ReadOptions, UnreadMembers};

/// The greatest size, in bytes, of a zip that is held in memory because it is not a plain file.
const HELD_MOST_BYTES: u64 = 512 * 1024 * 1024;

/// The exports of one file, each opened when it is requested.
///
/// A zip has one for each member that is named as an export or has the header of one, named
/// `archive.zip/inner.csv`; any other file is one export, a workbook too.
pub struct Exports {
    path: PathBuf,
    options: ReadOptions,
    /// The members of a zip that are not exports, until the first export reports them.
    skipped: Vec<String>,
    found: Discovered,
}

enum Discovered {
    One(Option<Box<Result<Export, ExportError>>>),
    Members(Archive, std::vec::IntoIter<Member>),
}

impl Exports {
    /// Opens a file. Errors are reported when its exports are read.
    pub fn open(path: &Path, options: ReadOptions) -> Exports {
        let file = match File::open(path) {
            Ok(file) => Arc::new(file),
            Err(error) => return Exports::failed(path, error.into()),
        };
        let source = Peeked::new(HashingReader::new(Box::new(Arc::clone(&file))));
        if !is_zip(&source) {
            return Exports::one(path, options, source);
        }
        // A zip is read from its end.
        match file.metadata() {
            Ok(metadata) if metadata.is_file() => {
                let archive = file.try_clone().map_err(Fault::from).and_then(|file| {
                    Archive::open(Arc::new(FileReader::from(file)), metadata.len())
                });
                match archive {
                    // What stands at the beginning has been read, and on some systems a reader moves all.
                    Ok((_, listed)) if is_document(&listed) => {
                        let export = Export::open_with(path, &options);
                        Exports::new(path, options, Discovered::One(Some(Box::new(export))))
                    }
                    archive => Exports::members(path, options, archive),
                }
            }
            _ => Exports::held(path, options, source),
        }
    }

    /// Reads a stream as a file of that name.
    pub fn from_reader(name: &str, reader: Box<dyn Read + Send>, options: ReadOptions) -> Exports {
        let path = Path::new(name);
        let source = Peeked::new(HashingReader::new(reader));
        if is_zip(&source) {
            Exports::held(path, options, source)
        } else {
            Exports::one(path, options, source)
        }
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn one(path: &Path, options: ReadOptions, source: Peeked<HashingReader>) -> Exports {
        let export = Export::from_source(path, source, &options, BytesLocation::File);
        Exports::new(path, options, Discovered::One(Some(Box::new(export))))
    }

    /// Reads a zip into memory, since it can't be read from its end otherwise.
    fn held(path: &Path, options: ReadOptions, mut source: Peeked<HashingReader>) -> Exports {
        let mut bytes = Vec::new();
        let held = source
            .by_ref()
            .take(HELD_MOST_BYTES + 1)
            .read_to_end(&mut bytes);
        let archive = match held {
            Err(error) => Err(source.inner_mut().take_failure().unwrap_or(error.into())),
            Ok(read) if read as u64 > HELD_MOST_BYTES => Err(Fault::TooLargeToHold {
                most_bytes: HELD_MOST_BYTES,
            }),
            Ok(read) => {
                let bytes = Arc::new(bytes);
                match Archive::open(Arc::clone(&bytes) as _, read as u64) {
                    Ok((_, listed)) if is_document(&listed) => {
                        let export = Export::from_workbook(path, bytes, &options);
                        return Exports::new(
                            path,
                            options,
                            Discovered::One(Some(Box::new(export))),
                        );
                    }
                    archive => archive,
                }
            }
        };
        Exports::members(path, options, archive)
    }

    fn members(
        path: &Path,
        options: ReadOptions,
        archive: Result<(Archive, Vec<Member>), Fault>,
    ) -> Exports {
        let members = archive.and_then(|(archive, listed)| {
            let members = archive.exports(listed, |archive, member| {
                let export = open_member(path, archive, member, &options);
                export.is_ok_and(|export| options.is_export.accepts(export.header()))
            })?;
            Ok((archive, members))
        });
        match members {
            Ok((archive, Members { exports, skipped })) => {
                let found = Discovered::Members(archive, exports.into_iter());
                Exports {
                    skipped,
                    ..Exports::new(path, options, found)
                }
            }
            Err(fault) => Exports::failed(path, fault),
        }
    }

    fn failed(path: &Path, fault: Fault) -> Exports {
        let error = ExportError::new(path, None, fault);
        Exports::new(
            path,
            ReadOptions::default(),
            Discovered::One(Some(Box::new(Err(error)))),
        )
    }

    fn new(path: &Path, options: ReadOptions, found: Discovered) -> Exports {
        Exports {
            path: path.to_owned(),
            options,
            skipped: Vec::new(),
            found,
        }
    }
}

/// Opens a member of the archive at a path.
fn open_member(
    archive_path: &Path,
    archive: &Archive,
    member: &Member,
    options: &ReadOptions,
) -> Result<Export, ExportError> {
    let path = member_path(archive_path, member);
    let reader = archive.read(member);
    let reader = reader.map_err(|fault| ExportError::new(&path, None, fault))?;
    let source = Peeked::new(HashingReader::new(Box::new(reader)));
    Export::from_source(&path, source, options, BytesLocation::Archive)
}

/// Returns `true` if a file is a zip with members. A workbook is one, too.
fn is_zip(source: &Peeked<HashingReader>) -> bool {
    let (head, _) = source.head();
    Packing::from_head(head) == Some(Packing::Zip) && open_document(head).is_none()
}

impl Iterator for Exports {
    type Item = Result<Export, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.found {
            Discovered::One(export) => export.take().map(|export| *export),
            Discovered::Members(archive, members) => {
                let member = members.next()?;
                let mut export = open_member(&self.path, archive, &member, &self.options);
                if let Ok(export) = &mut export
                    && !self.skipped.is_empty()
                {
                    export.left_out = Some(UnreadMembers {
                        archive: self.path.clone(),
                        members: std::mem::take(&mut self.skipped),
                    });
                }
                Some(export)
            }
        }
    }
}

impl std::fmt::Debug for Exports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exports")
            .field("path", &self.path)
            .field("skipped", &self.skipped)
            .finish_non_exhaustive()
    }
}
