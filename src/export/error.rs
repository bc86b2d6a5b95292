//! What can be wrong with an export as a file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::invisible::shown;
use crate::problem::ProblemCode;

/// How much of a column's name a message shows.
const NAME_SHOWN_CHARS: usize = 60;

/// A column of an export, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedColumn {
    /// Place in the row, from 1.
    pub number: usize,
    /// Name in the header, where the header is known and has that many columns.
    pub name: Option<String>,
}

impl NamedColumn {
    pub(super) fn numbered(number: usize) -> Self {
        NamedColumn { number, name: None }
    }
}

impl fmt::Display for NamedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}", self.number)?;
        let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        match name.char_indices().nth(NAME_SHOWN_CHARS) {
            Some((cut, _)) => write!(f, " `{}…`", shown(&name[..cut])),
            None => write!(f, " `{}`", shown(name)),
        }
    }
}

/// What is wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no such file.
    #[error("the file does not exist")]
    Missing,
    /// The file is there and can't be read.
    #[error("can't read the file: {0}")]
    Unreadable(io::Error),
    /// A folder, and no file.
    #[error("this is a folder and no file")]
    Folder,
    /// No byte, or nothing but white space.
    #[error("the file is empty")]
    Empty,
    /// The first line names no column.
    #[error("the header names no column")]
    HeaderBlank,
    /// More columns than any export has.
    #[error("the header has {columns} columns; the most is {most}")]
    HeaderTooWide {
        /// How many there are.
        columns: usize,
        /// How many there may be.
        most: usize,
    },
    /// Compressed in a way that is not read.
    #[error("the file is compressed with {0}")]
    Compressed(&'static str),
    /// Compressed, inside of what was compressed already.
    #[error("this is compressed once more, with {0}: archives inside archives are not read")]
    Nested(&'static str),
    /// The compressed data ends before they are complete.
    #[error("the {0} data are cut off")]
    PackedCutOff(&'static str),
    /// The compressed data contradict themselves: their structure, a size or a checksum.
    #[error("the {0} data are damaged")]
    PackedDamaged(&'static str),
    /// More comes out of the file than any export has.
    #[error("the file decompresses to more than {most_bytes} bytes")]
    UnpackedTooLarge {
        /// How many there may be.
        most_bytes: u64,
    },
    /// So much comes out of so little that it can be no export.
    #[error("the file decompresses to more than {most} times its size")]
    PackedTooTightly {
        /// How many times as much there may be.
        most: u64,
    },
    /// Decompressing it takes more memory than is given to it.
    #[error("decompressing the file takes more than {most_bytes} bytes of memory")]
    WindowTooLarge {
        /// How many are given.
        most_bytes: u64,
    },
    /// A zip on a stream, which can't be read from its end, and is too large to be held.
    #[error("a zip that is not a plain file may have {most_bytes} bytes at the most")]
    TooLargeToHold {
        /// How many are held.
        most_bytes: u64,
    },
    /// A zip with more members than an archive of exports has.
    #[error("the archive has more than {most} members")]
    TooManyMembers {
        /// How many there may be.
        most: u64,
    },
    /// A zip without exports.
    #[error("the archive holds no CSV")]
    NoCsvInside,
    /// A member of a zip that takes a password.
    #[error("the member is encrypted")]
    MemberEncrypted,
    /// A member of a zip that is compressed in another way than all programs know.
    #[error("the member is compressed with {0}, which is not read in a zip")]
    MemberMethod(String),
    /// Another kind of file altogether.
    #[error("the file is not a CSV but {0}")]
    NotCsv(&'static str),
    /// UTF-16, and nothing says which byte of two comes first.
    #[error("the file is in UTF-16 without a byte-order mark")]
    Utf16Unmarked,
    /// Told to be UTF-16, and begins like something else.
    #[error("UTF-16 begins with a byte-order mark, and the file does not")]
    NoUtf16Mark,
    /// Half a character of UTF-16: a surrogate without the other one, or a single byte at the end.
    #[error("half a character: this is not UTF-16")]
    NotUtf16,
    /// A byte that is nothing in Windows-1252.
    #[error("the byte 0x{byte:02X} is nothing in Windows-1252")]
    NotWindows1252 {
        /// The byte.
        byte: u8,
    },
    /// Bytes that are no UTF-8.
    #[error("the byte 0x{byte:02X} is not valid UTF-8 here")]
    NotUtf8 {
        /// The first byte that does not fit.
        byte: u8,
    },
    /// A NUL byte: not text, or text in UTF-16 without a byte-order mark.
    #[error("a NUL byte: this is not plain text")]
    NulByte,
    /// A carriage return without a line feed, outside quotes.
    #[error("a carriage return without a line feed")]
    BareCarriageReturn,
    /// A closing quote that neither a delimiter nor a line end follows.
    #[error(
        "text after the closing quote of {0}: the quote that opens it may never have been closed"
    )]
    TextAfterQuote(NamedColumn),
    /// The file ends inside quotes.
    #[error("the quote that opens {0} is never closed")]
    QuoteUnclosed(NamedColumn),
    /// A line break inside quotes is followed by what looks like a row.
    #[error(
        "{0} swallows what look like whole rows: the quote that opens it may never have been closed"
    )]
    RowsSwallowed(NamedColumn),
    /// A field seems to be closed by the opening quote of a later one.
    #[error(
        "{0} seems to end at the opening quote of a later field: its own quote may never have been \
         closed"
    )]
    QuoteBorrowed(NamedColumn),
    /// A field beyond the cap.
    #[error("{column} holds more than {most_bytes} bytes")]
    FieldTooLong {
        /// The field.
        column: NamedColumn,
        /// How many bytes a field may have.
        most_bytes: u64,
    },
    /// A row beyond the cap.
    #[error("the row has more than {most_bytes} bytes")]
    RowTooLong {
        /// How many bytes a row may have.
        most_bytes: u64,
    },
    /// The rows counted in front of the parser are not the rows that the parser gives.
    #[error("rows and their positions disagree: this is a bug, please report it")]
    Disagreement,
    /// Asked for more after an error.
    #[error("reading has already failed")]
    AlreadyFailed,
}

impl Fault {
    /// The column that it is about.
    pub fn column(&self) -> Option<&NamedColumn> {
        match self {
            Fault::TextAfterQuote(column)
            | Fault::QuoteUnclosed(column)
            | Fault::RowsSwallowed(column)
            | Fault::QuoteBorrowed(column)
            | Fault::FieldTooLong { column, .. } => Some(column),
            _ => None,
        }
    }

    pub(super) fn column_mut(&mut self) -> Option<&mut NamedColumn> {
        match self {
            Fault::TextAfterQuote(column)
            | Fault::QuoteUnclosed(column)
            | Fault::RowsSwallowed(column)
            | Fault::QuoteBorrowed(column)
            | Fault::FieldTooLong { column, .. } => Some(column),
            _ => None,
        }
    }

    /// Whether it is about a place in the text, and not about the file.
    pub(super) fn is_in_text(&self) -> bool {
        matches!(self, Fault::NotUtf16 | Fault::NotWindows1252 { .. })
    }

    fn code(&self) -> ProblemCode {
        match self {
            Fault::Missing => ProblemCode::ExportMissing,
            Fault::Unreadable(_) | Fault::Folder => ProblemCode::ExportUnreadable,
            Fault::Empty => ProblemCode::ExportEmpty,
            Fault::HeaderBlank => ProblemCode::HeaderBlank,
            Fault::HeaderTooWide { .. } => ProblemCode::HeaderTooWide,
            Fault::Compressed(_) => ProblemCode::Compressed,
            Fault::Nested(_) => ProblemCode::ArchiveNested,
            Fault::PackedCutOff(_) => ProblemCode::ArchiveCutOff,
            Fault::PackedDamaged(_) => ProblemCode::ArchiveDamaged,
            Fault::UnpackedTooLarge { .. }
            | Fault::PackedTooTightly { .. }
            | Fault::WindowTooLarge { .. }
            | Fault::TooLargeToHold { .. }
            | Fault::TooManyMembers { .. } => ProblemCode::ArchiveTooLarge,
            Fault::NoCsvInside => ProblemCode::ArchiveWithoutCsv,
            Fault::MemberEncrypted => ProblemCode::ArchiveEncrypted,
            Fault::MemberMethod(_) => ProblemCode::ArchiveMethod,
            Fault::NotCsv(_) => ProblemCode::NotCsv,
            Fault::Utf16Unmarked | Fault::NoUtf16Mark | Fault::NotUtf16 => ProblemCode::Utf16,
            Fault::NotWindows1252 { .. } => ProblemCode::NotWindows1252,
            Fault::NotUtf8 { .. } => ProblemCode::NotUtf8,
            Fault::NulByte => ProblemCode::NulByte,
            Fault::BareCarriageReturn => ProblemCode::BareCr,
            Fault::TextAfterQuote(_)
            | Fault::QuoteUnclosed(_)
            | Fault::RowsSwallowed(_)
            | Fault::QuoteBorrowed(_) => ProblemCode::QuoteUnclosed,
            Fault::FieldTooLong { .. } => ProblemCode::FieldTooLong,
            Fault::RowTooLong { .. } => ProblemCode::RowTooLong,
            Fault::Disagreement => ProblemCode::ReaderDisagreement,
            Fault::AlreadyFailed => ProblemCode::AlreadyFailed,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Fault::Missing => "check the path",
            Fault::Folder => "name the files in it, or a pattern such as `exports/*.csv`",
            Fault::Unreadable(_) => "check that you may read it, and that it is a plain file",
            Fault::Disagreement | Fault::AlreadyFailed => return None,
            Fault::Empty => "download the export again; one without payments still has a header",
            Fault::HeaderBlank => {
                "the names of the columns must be the first line; remove what is above it"
            }
            Fault::HeaderTooWide { .. } => {
                "is the first line the header, and the delimiter a comma, a semicolon or a tab?"
            }
            Fault::Compressed(_) => {
                "decompress it first and name the CSV inside; gzip, zstd and zip are read as they are"
            }
            Fault::Nested(_) => "unpack it once, and name what is inside",
            Fault::PackedCutOff(_) => "the download was not complete; download it again",
            Fault::PackedDamaged(_) => "download it again",
            Fault::UnpackedTooLarge { .. }
            | Fault::PackedTooTightly { .. }
            | Fault::WindowTooLarge { .. } => {
                "no export is like that; if it is one, decompress it and name the CSV"
            }
            Fault::TooLargeToHold { .. } => "save it to a file and name the file",
            Fault::TooManyMembers { .. } | Fault::MemberEncrypted => {
                "unpack it, and name the CSVs inside"
            }
            Fault::MemberMethod(_) => "unpack it and name the CSVs inside, or pack it with Deflate",
            Fault::NoCsvInside => "its members are exports if their names end with `.csv`",
            Fault::NotCsv(_) => "download or save the export as CSV",
            Fault::Utf16Unmarked | Fault::NotUtf16 => {
                "save it as UTF-8; in Excel: `CSV UTF-8 (Comma delimited)`"
            }
            Fault::NoUtf16Mark => "leave `--encoding` out; UTF-16 with its mark is read without it",
            Fault::NotUtf8 { .. } => {
                "is it Windows-1252? then add `--encoding windows-1252`; else save it as UTF-8"
            }
            Fault::NotWindows1252 { .. } => "leave `--encoding` out, or save it as UTF-8",
            Fault::NulByte => "is it no CSV at all? save it as CSV in UTF-8",
            Fault::BareCarriageReturn => "save it with Windows or Unix line ends (CRLF or LF)",
            Fault::TextAfterQuote(_) => {
                "close the quote, or double every quote inside the field (`\"\"`); better: download the export again and don't edit it"
            }
            Fault::QuoteUnclosed(_) => {
                "close the quote; if the file was cut off, download it again"
            }
            Fault::RowsSwallowed(_) | Fault::QuoteBorrowed(_) => {
                "close the quote; if the field is right as it is, take the delimiters or line breaks out of it"
            }
            Fault::FieldTooLong { .. } | Fault::RowTooLong { .. } => {
                "no payment is that long: a quote opened here may never have been closed"
            }
        })
    }
}

/// A fault on its way through readers, which know errors of this kind only.
impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        io::Error::other(fault)
    }
}

/// The fault that the error carries; an error of the system's else.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.downcast::<Fault>() {
            Ok(fault) => fault,
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => Fault::Missing,
                io::ErrorKind::IsADirectory => Fault::Folder,
                _ => Fault::Unreadable(error),
            },
        }
    }
}

/// Why an export can't be read, and where.
///
/// `Display` gives the message alone; whoever prints it puts `path:line:` in front. Every one of
/// these ends the reading of its file: rows that were read before it are not to be relied on.
#[derive(Debug)]
pub struct ExportError {
    path: PathBuf,
    line: Option<u64>,
    // On the heap: an error is rare, and a `Result` that carries one is made for every row.
    fault: Box<Fault>,
}

impl ExportError {
    pub(super) fn new(path: &Path, line: Option<u64>, fault: Fault) -> Self {
        ExportError {
            path: path.to_owned(),
            line,
            fault: Box::new(fault),
        }
    }

    /// The file, as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line, from 1, where it is known. For a quoted field the one on which it opens.
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// The column, where it is known.
    pub fn column(&self) -> Option<&NamedColumn> {
        self.fault.column()
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// A word for programs; it stays as it is when messages get better.
    pub fn code(&self) -> ProblemCode {
        self.fault.code()
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        self.fault.hint().map(str::to_owned)
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for ExportError {}
