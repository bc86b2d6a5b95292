//! What can be wrong with an export as a file.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// How much of a column's name a message shows.
const NAME_SHOWN_CHARS: usize = 60;

/// A column of an export, as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Place in the row, from 1.
    pub number: usize,
    /// Name in the header, where the header is known and has that many columns.
    pub name: Option<String>,
}

impl Column {
    pub(super) fn numbered(number: usize) -> Self {
        Column { number, name: None }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}", self.number)?;
        let Some(name) = self.name.as_deref().filter(|name| !name.is_empty()) else {
            return Ok(());
        };
        // The name is the file's, not ours: no control character of it reaches a terminal.
        let shown = name.chars().take(NAME_SHOWN_CHARS).flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        });
        f.write_str(" `")?;
        for c in shown {
            write!(f, "{c}")?;
        }
        if name.chars().nth(NAME_SHOWN_CHARS).is_some() {
            f.write_str("…")?;
        }
        f.write_str("`")
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
    /// Compressed, and read only once it is decompressed.
    #[error("the file is compressed with {0}")]
    Compressed(&'static str),
    /// Another kind of file altogether.
    #[error("the file is no CSV but {0}")]
    NotCsv(&'static str),
    /// Begins with a UTF-16 byte-order mark.
    #[error("the file is in UTF-16")]
    Utf16,
    /// Bytes that are no UTF-8.
    #[error("the byte 0x{byte:02X} is no UTF-8 here")]
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
    TextAfterQuote(Column),
    /// The file ends inside quotes.
    #[error("the quote that opens {0} is never closed")]
    QuoteUnclosed(Column),
    /// A line break inside quotes is followed by what looks like a row.
    #[error(
        "{0} swallows what look like whole rows: the quote that opens it may never have been closed"
    )]
    RowsSwallowed(Column),
    /// A field seems to be closed by the opening quote of a later one.
    #[error(
        "{0} seems to end at the opening quote of a later field: its own quote may never have been \
         closed"
    )]
    QuoteBorrowed(Column),
    /// A field beyond the cap.
    #[error("{column} holds more than {most_bytes} bytes")]
    FieldTooLong {
        /// The field.
        column: Column,
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
    pub fn column(&self) -> Option<&Column> {
        match self {
            Fault::TextAfterQuote(column)
            | Fault::QuoteUnclosed(column)
            | Fault::RowsSwallowed(column)
            | Fault::QuoteBorrowed(column)
            | Fault::FieldTooLong { column, .. } => Some(column),
            _ => None,
        }
    }

    pub(super) fn column_mut(&mut self) -> Option<&mut Column> {
        match self {
            Fault::TextAfterQuote(column)
            | Fault::QuoteUnclosed(column)
            | Fault::RowsSwallowed(column)
            | Fault::QuoteBorrowed(column)
            | Fault::FieldTooLong { column, .. } => Some(column),
            _ => None,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Fault::Missing => "export-missing",
            Fault::Unreadable(_) | Fault::Folder => "export-unreadable",
            Fault::Empty => "export-empty",
            Fault::HeaderBlank => "header-blank",
            Fault::HeaderTooWide { .. } => "header-too-wide",
            Fault::Compressed(_) => "compressed",
            Fault::NotCsv(_) => "not-csv",
            Fault::Utf16 => "utf-16",
            Fault::NotUtf8 { .. } => "not-utf8",
            Fault::NulByte => "nul-byte",
            Fault::BareCarriageReturn => "bare-cr",
            Fault::TextAfterQuote(_)
            | Fault::QuoteUnclosed(_)
            | Fault::RowsSwallowed(_)
            | Fault::QuoteBorrowed(_) => "quote-unclosed",
            Fault::FieldTooLong { .. } => "field-too-long",
            Fault::RowTooLong { .. } => "row-too-long",
            Fault::Disagreement => "reader-disagreement",
            Fault::AlreadyFailed => "already-failed",
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
            Fault::Compressed(_) => "decompress it first, and name the CSV inside",
            Fault::NotCsv(_) => "download or save the export as CSV",
            Fault::Utf16 => "save it as UTF-8; in Excel: `CSV UTF-8 (Comma delimited)`",
            Fault::NotUtf8 { .. } => "is it Windows-1252? save it as UTF-8",
            Fault::NulByte => "is it UTF-16, or no CSV at all? save it as CSV in UTF-8",
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
    pub fn column(&self) -> Option<&Column> {
        self.fault.column()
    }

    /// What is wrong.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// A word for programs; it stays as it is when messages get better.
    pub fn code(&self) -> &'static str {
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
