//! Errors of an export as a file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::invisible::shown;
use crate::object_storage::ObjectError;
use crate::problem::ProblemCode;

/// The greatest number of characters of a column's name in a message.
const NAME_SHOWN_CHARS: usize = 60;

/// A column of an export, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedColumn {
    /// The column's number in the row, from 1.
    pub number: usize,
    /// The column's name in the header, if the header is known and has that many columns.
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

/// The problem of a file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The file does not exist.
    #[error("the file does not exist")]
    Missing,
    /// The file exists and can't be read.
    #[error("can't read the file: {0}")]
    Unreadable(io::Error),
    /// The object exists and can't be read, or it does not exist.
    #[error("{0}")]
    Object(ObjectError),
    /// The path is a folder.
    #[error("this is a folder, not a file")]
    Folder,
    /// The file has no bytes, or only white space.
    #[error("the file is empty")]
    Empty,
    /// The header has no column names.
    #[error("the header has no column names")]
    HeaderBlank,
    /// The header has more columns than any export.
    #[error("the header has {columns} columns; at most {most} are allowed")]
    HeaderTooWide {
        /// The number of columns.
        columns: usize,
        /// The limit.
        most: usize,
    },
    /// The file is compressed in a format that is not supported.
    #[error("the file is compressed with {0}")]
    Compressed(&'static str),
    /// The file is compressed twice.
    #[error(
        "this is compressed twice, with {0} inside: archives inside archives are not supported"
    )]
    Nested(&'static str),
    /// The compressed data end before they are complete.
    #[error("the {0} data are cut off")]
    PackedCutOff(&'static str),
    /// The compressed data contradict themselves: their structure, a size or a checksum.
    #[error("the {0} data are damaged")]
    PackedDamaged(&'static str),
    /// Something else stands behind the compressed data.
    #[error("something else follows the {0} data")]
    PackedFollowed(&'static str),
    /// The file unpacks to more bytes than any export has.
    #[error("the file decompresses to more than {most_bytes} bytes")]
    UnpackedTooLarge {
        /// The limit, in bytes.
        most_bytes: u64,
    },
    /// The compression ratio is too high for an export.
    #[error("the file decompresses to more than {most} times its size")]
    PackedTooTightly {
        /// The limit, as a multiple of the packed size.
        most: u64,
    },
    /// Decompressing the file takes too much memory.
    #[error("decompressing the file takes more than {most_bytes} bytes of memory")]
    WindowTooLarge {
        /// The limit, in bytes.
        most_bytes: u64,
    },
    /// A zip on a stream, which can't be read from its end, is too large to be held in memory.
    #[error("a zip that is not a plain file may have at most {most_bytes} bytes")]
    TooLargeToHold {
        /// The limit, in bytes.
        most_bytes: u64,
    },
    /// A zip has more members than an archive of exports.
    #[error("the archive has more than {most} members")]
    TooManyMembers {
        /// The limit.
        most: u64,
    },
    /// A zip contains no exports.
    #[error("the archive does not contain an export")]
    NoCsvInside,
    /// A member of a zip needs a password.
    #[error("the member is encrypted")]
    MemberEncrypted,
    /// A member of a zip is compressed with a method that is not supported.
    #[error("the member is compressed with {0}, which is not supported in a zip")]
    MemberMethod(String),
    /// The file is of another type.
    #[error("the file is not a CSV but {0}")]
    NotCsv(&'static str),
    /// A workbook that can't be relied on.
    #[error("the workbook can't be read: {0}")]
    WorkbookDamaged(&'static str),
    /// A workbook beyond a cap.
    #[error("the workbook has more than {most} {what}")]
    WorkbookTooLarge {
        /// The things of which there are too many.
        what: &'static str,
        /// The most that there may be.
        most: u64,
    },
    /// Several sheets, and nothing says which one is the export.
    #[error("the workbook has {} sheets: {}", .sheets.len(), quoted(.sheets))]
    SheetUndecided {
        /// Their names.
        sheets: Vec<String>,
    },
    /// The sheet that was named is not there.
    #[error("the workbook has no sheet `{}`, but {}", shown(.name), quoted(.sheets))]
    SheetMissing {
        /// The name.
        name: String,
        /// The names of those that are.
        sheets: Vec<String>,
    },
    /// The file is in UTF-16, and its byte order is not known.
    #[error("the file is in UTF-16 without a byte-order mark")]
    Utf16Unmarked,
    /// The file was declared as UTF-16, but begins like something else.
    #[error("UTF-16 begins with a byte-order mark, but the file does not")]
    NoUtf16Mark,
    /// An incomplete character of UTF-16: a surrogate without the other one, or a single byte at
    /// the end.
    #[error("not valid UTF-16: truncated code unit")]
    NotUtf16,
    /// A byte that is not defined in Windows-1252.
    #[error("the byte 0x{byte:02X} is not defined in Windows-1252")]
    NotWindows1252 {
        /// The byte.
        byte: u8,
    },
    /// A file that was declared as Windows-1252 has letters in UTF-8 and others.
    #[error("the byte 0x{byte:02X} is not valid UTF-8, and the letters before it are")]
    EncodingsMixed {
        /// The first byte that does not fit.
        byte: u8,
    },
    /// Bytes that are not UTF-8.
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
    /// A closing quote that is not followed by a delimiter or a line end.
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
    /// A field is longer than the limit.
    #[error("{column} has more than {most_bytes} bytes")]
    FieldTooLong {
        /// The field.
        column: NamedColumn,
        /// The limit, in bytes.
        most_bytes: u64,
    },
    /// A row is longer than the limit.
    #[error("the row has more than {most_bytes} bytes")]
    RowTooLong {
        /// The limit, in bytes.
        most_bytes: u64,
    },
    /// The rows that were counted before the parser are not those that the parser returns.
    #[error("rows and their positions disagree: this is a bug, please report it")]
    Disagreement,
    /// Reading was continued after an error.
    #[error("reading has already failed")]
    AlreadyFailed,
}

/// The most sheets that a message names.
const SHEETS_SHOWN: usize = 8;

/// Returns the names of sheets for a message.
fn quoted(sheets: &[String]) -> String {
    let names: Vec<_> = sheets
        .iter()
        .take(SHEETS_SHOWN)
        .map(|name| format!("`{}`", shown(name)))
        .collect();
    match sheets.len() - names.len() {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

impl Fault {
    /// Returns the column with the problem.
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

    /// Returns `true` if the problem is at a place in the text, and not about the file.
    pub(super) fn is_in_text(&self) -> bool {
        matches!(
            self,
            Fault::NotUtf16 | Fault::NotWindows1252 { .. } | Fault::EncodingsMixed { .. }
        )
    }

    fn code(&self) -> ProblemCode {
        match self {
            Fault::Missing => ProblemCode::ExportMissing,
            Fault::Object(error) if error.is_missing() => ProblemCode::ExportMissing,
            Fault::Unreadable(_) | Fault::Folder | Fault::Object(_) => {
                ProblemCode::ExportUnreadable
            }
            Fault::Empty => ProblemCode::ExportEmpty,
            Fault::HeaderBlank => ProblemCode::HeaderBlank,
            Fault::HeaderTooWide { .. } => ProblemCode::HeaderTooWide,
            Fault::Compressed(_) => ProblemCode::Compressed,
            Fault::Nested(_) => ProblemCode::ArchiveNested,
            Fault::PackedCutOff(_) => ProblemCode::ArchiveCutOff,
            Fault::PackedDamaged(_) | Fault::PackedFollowed(_) => ProblemCode::ArchiveDamaged,
            Fault::UnpackedTooLarge { .. }
            | Fault::PackedTooTightly { .. }
            | Fault::WindowTooLarge { .. }
            | Fault::TooLargeToHold { .. }
            | Fault::TooManyMembers { .. } => ProblemCode::ArchiveTooLarge,
            Fault::NoCsvInside => ProblemCode::ArchiveWithoutCsv,
            Fault::MemberEncrypted => ProblemCode::ArchiveEncrypted,
            Fault::MemberMethod(_) => ProblemCode::ArchiveMethod,
            Fault::WorkbookDamaged(_) => ProblemCode::WorkbookDamaged,
            Fault::WorkbookTooLarge { .. } => ProblemCode::WorkbookTooLarge,
            Fault::SheetUndecided { .. } => ProblemCode::SheetUndecided,
            Fault::SheetMissing { .. } => ProblemCode::SheetMissing,
            Fault::NotCsv(_) => ProblemCode::NotCsv,
            Fault::Utf16Unmarked | Fault::NoUtf16Mark | Fault::NotUtf16 => ProblemCode::Utf16,
            Fault::NotWindows1252 { .. } => ProblemCode::NotWindows1252,
            Fault::NotUtf8 { .. } | Fault::EncodingsMixed { .. } => ProblemCode::NotUtf8,
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
            Fault::Object(error) => error.hint(),
            Fault::Folder => "name the files in it, or a pattern such as `exports/*.csv`",
            Fault::Unreadable(_) => "check that you may read it, and that it is a plain file",
            Fault::Disagreement | Fault::AlreadyFailed => return None,
            Fault::Empty => "download the export again; one without payments still has a header",
            Fault::HeaderBlank => {
                "the names of the columns must be the first line; remove what is above it"
            }
            Fault::HeaderTooWide { .. } => {
                "check that the first line is the header, and that the delimiter is a comma, a semicolon or a tab"
            }
            Fault::Compressed(_) => {
                "decompress it first and name the CSV inside; gzip, zstd and zip are read directly"
            }
            Fault::Nested(_) => "unpack it once, and name the files inside",
            Fault::PackedCutOff(_) => "the download was not complete; download it again",
            Fault::PackedDamaged(_) => "download it again",
            Fault::PackedFollowed(_) => "download it again; or unpack it, and name the CSV",
            Fault::UnpackedTooLarge { .. }
            | Fault::PackedTooTightly { .. }
            | Fault::WindowTooLarge { .. } => {
                "this is unusual for an export; if it is one, decompress it and name the CSV"
            }
            Fault::TooLargeToHold { .. } => "save it to a file and name the file",
            Fault::TooManyMembers { .. } | Fault::MemberEncrypted => {
                "unpack it, and name the CSVs inside"
            }
            Fault::MemberMethod(_) => "unpack it and name the CSVs inside, or pack it with Deflate",
            Fault::NoCsvInside => "unpack it and name the export inside",
            Fault::NotCsv(_) => {
                "download or save the export as CSV, or as an Excel workbook (.xlsx)"
            }
            Fault::WorkbookDamaged(_) => {
                "open it in a spreadsheet and save it once more as .xlsx, or save its sheet as CSV"
            }
            Fault::WorkbookTooLarge { .. } => "save its sheet as CSV, which may be of any size",
            Fault::SheetUndecided { .. } | Fault::SheetMissing { .. } => {
                "name the sheet with the payments in `--sheet`"
            }
            Fault::Utf16Unmarked | Fault::NotUtf16 => {
                "save it as UTF-8; in Excel: `CSV UTF-8 (Comma delimited)`"
            }
            Fault::NoUtf16Mark => {
                "leave out `--encoding`; UTF-16 with a byte-order mark is detected"
            }
            Fault::NotUtf8 { .. } => {
                "if it is Windows-1252, add `--encoding windows-1252`; else save it as UTF-8"
            }
            Fault::EncodingsMixed { .. } => "save it as UTF-8, and leave out `--encoding`",
            Fault::NotWindows1252 { .. } => "leave out `--encoding`, or save it as UTF-8",
            Fault::NulByte => "save it as CSV in UTF-8",
            Fault::BareCarriageReturn => "save it with Windows or Unix line ends (CRLF or LF)",
            Fault::TextAfterQuote(_) => {
                "close the quote, or double every quote inside the field (`\"\"`); better: download the export again and don't edit it"
            }
            Fault::QuoteUnclosed(_) => {
                "close the quote; if the file was cut off, download it again"
            }
            Fault::RowsSwallowed(_) | Fault::QuoteBorrowed(_) => {
                "close the quote; if the field is right as it is, remove its delimiters or line breaks"
            }
            Fault::FieldTooLong { .. } | Fault::RowTooLong { .. } => {
                "no field of an export is that long: check whether a quote that opens here is never closed, and close it; if the file was cut off, download it again"
            }
        })
    }
}

/// Returns the hint that says how to name a sheet, with the first one as the example.
fn sheet_hint(sheets: &[String]) -> String {
    let first = sheets.first().map_or("NAME", String::as_str);
    let first = shown(first);
    let is_word = first
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let word = match (is_word, first.contains('\'')) {
        (true, _) => first.to_string(),
        (false, true) => format!("\"{first}\""),
        (false, false) => format!("'{first}'"),
    };
    let setting = first.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "name the sheet with the payments: `--sheet {word}`; for good, set `sheet = \"{setting}\"` under `[exports.NAME]` of your profile"
    )
}

/// Wraps a fault for readers, whose errors are of this type.
impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        io::Error::other(fault)
    }
}

/// Returns the fault inside an error, or wraps an error of the system.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        let error = match error.downcast::<Fault>() {
            Ok(fault) => return fault,
            Err(error) => error,
        };
        match error.downcast::<ObjectError>() {
            Ok(error) => Fault::Object(error),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound => Fault::Missing,
                io::ErrorKind::IsADirectory => Fault::Folder,
                _ => Fault::Unreadable(error),
            },
        }
    }
}

/// The reason why an export can't be read, and the place.
///
/// `Display` shows only the message; callers print `path:line:` before it. Each of these errors
/// ends the reading of its file: rows that were read before it must not be used.
#[derive(Debug)]
pub struct ExportError {
    path: PathBuf,
    line: Option<u64>,
    // On the heap: errors are rare, while a `Result` that could hold one is returned for every row.
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

    /// Returns the path of the file as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the line, from 1, if it is known; for a quoted field, the line on which it opens.
    pub fn line(&self) -> Option<u64> {
        self.line
    }

    /// Returns the column, if it is known.
    pub fn column(&self) -> Option<&NamedColumn> {
        self.fault.column()
    }

    /// Returns the problem.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// Returns the error's code for programs; it stays the same when messages change.
    pub fn code(&self) -> ProblemCode {
        self.fault.code()
    }

    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<String> {
        if let Fault::SheetUndecided { sheets } | Fault::SheetMissing { sheets, .. } = &*self.fault
        {
            return Some(sheet_hint(sheets));
        }
        self.fault.hint().map(str::to_owned)
    }
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

impl std::error::Error for ExportError {}
