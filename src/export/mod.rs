//! Reads the rows of CSV files: encoding, delimiter, quoting, positions.
//!
//! This module doesn't depend on the rest of the crate, and knows nothing of payments. It reads a
//! file as a stream, row by row, in memory that does not grow with the file, and gives the position
//! of each row ([`Row::line`], [`Row::byte`]). Where the bytes can be read in more than one way it
//! stops with an error ([`Fault`]): a misread row is misread money. An error concerns the whole
//! file: the rows before it may be wrong too, so they must not be used.
//!
//! The bytes take this path: `source` hashes them, `unpack` and `archive` decompress them,
//! `encoding` examines the first of them, `decode` converts them to UTF-8, `guard` follows quotes
//! and lines, and only then the `csv` crate splits fields. The format and the encoding of a file
//! are detected from its bytes, never from its name.
//!
//! The caller has to handle rows that are shorter or longer than the header, names that occur twice
//! in the header, and a header without rows.

mod ahead;
mod archive;
mod decode;
mod delimiter;
mod encoding;
mod error;
mod exports;
mod file_names;
mod guard;
mod header_names;
mod row;
mod source;
mod start;
mod swallowed;
mod unpack;
mod width;
mod workbook;

pub(crate) use delimiter::Delimiter;
pub(crate) use encoding::DeclaredEncoding;
pub use encoding::Encoding;

pub use error::{ExportError, Fault};
pub use exports::Exports;
pub(crate) use file_names::{is_named_as_export, is_unfinished};
pub(crate) use header_names::{HeaderLikeness, HeaderNames};
pub(crate) use row::CellKind;
pub use row::Row;
pub(crate) use start::{LINES_ABOVE_MOST, LinesAbove};
pub(crate) use workbook::{SheetChoice, SheetRemark};

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use archive::{Archive, is_document};
use decode::Decoder;
use error::NamedColumn;
use guard::{Guard, LocatedFault};
use source::{HashingReader, Peeked};
use start::Start;
use unpack::{Budget, Packing, Unpacked};
use workbook::{Sheet, SheetRows, WORKBOOK_MOST_BYTES};

use crate::bounded::Bounded;

/// The greatest number of columns of a header.
const COLUMNS_MOST: usize = 4096;
/// The number of bytes that are read and checked at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// The greatest size of the text of rows that are peeked at, in bytes; the last row may exceed it.
pub(crate) const PEEKED_MOST_BYTES: usize = 16 * 1024 * 1024;

/// An export that is open for reading, its header already read.
///
/// ```
/// use fprecon::export::{Export, Row};
///
/// let csv = &b"id,Amount\nch_1,8.00\n"[..];
/// let mut export = Export::from_bytes("payments.csv", csv)?;
/// assert_eq!(export.header(), ["id", "Amount"]);
///
/// let mut row = Row::new();
/// while export.read_row(&mut row)? {
///     assert_eq!((row.line(), row.get(1)), (2, Some("8.00")));
/// }
/// assert_eq!(export.finish()?.rows, 1);
/// # Ok::<(), fprecon::export::ExportError>(())
/// ```
pub struct Export {
    path: PathBuf,
    header: Vec<String>,
    header_line: u64,
    lines_above: u64,
    delimiter: Delimiter,
    encoding: Encoding,
    reader: RowReader,
    /// The sheet of a workbook that this is.
    sheet: Option<SheetName>,
    sheet_remarks: Vec<SheetRemark>,
    rows: u64,
    /// Rows that were peeked at and not read yet.
    peeked: VecDeque<Row>,
    has_failed: bool,
    /// The members of an archive that are not exports; only in its first export.
    left_out: Option<UnreadMembers>,
    /// The reason why the row after the peeked ones can't be read.
    failure: Option<ExportError>,
}

/// An archive and its members that are not read.
#[derive(Debug)]
struct UnreadMembers {
    archive: PathBuf,
    members: Vec<String>,
}

/// Reads rows from text or from a sheet.
enum RowReader {
    Text(Box<csv::Reader<Guard<DecodedText>>>),
    /// The rows of a workbook, and its bytes, which have all gone by.
    Sheet(Box<(SheetRows, HashingReader)>),
}

/// The name of a sheet, and whether it says which one of several it is.
struct SheetName {
    name: String,
    is_one_of_several: bool,
}

/// The settings for files that don't declare them themselves.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The encoding that the user declares.
    pub declared_encoding: Option<DeclaredEncoding>,
    /// The lines below which the header may be.
    pub lines_above: LinesAbove,
    /// The sheet of a workbook to read.
    pub sheet: SheetChoice,
    /// Decides which members of an archive are exports, if their names don't say so.
    pub is_export: HeaderTest,
}

/// Decides by its header if a file is an export.
#[derive(Clone, Default)]
pub struct HeaderTest(Option<Arc<IsExport>>);

type IsExport = dyn Fn(&[String]) -> bool + Send + Sync;

impl HeaderTest {
    /// Decides by this function.
    pub fn new(is_export: impl Fn(&[String]) -> bool + Send + Sync + 'static) -> Self {
        HeaderTest(Some(Arc::new(is_export)))
    }

    fn accepts(&self, header: &[String]) -> bool {
        self.0.as_ref().is_some_and(|is_export| is_export(header))
    }
}

impl fmt::Debug for HeaderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HeaderTest")
    }
}

/// The totals of an export that was read completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTotals {
    /// The number of rows, without the header and without blank lines.
    pub rows: u64,
    /// The number of bytes of the file as it is stored; of a member of a zip, as it is unpacked.
    pub bytes: u64,
    /// The SHA-256 of these bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// `true` if the last line has its line end. If it doesn't, the file may have been cut off.
    pub has_final_line_end: bool,
    /// The delimiter between fields.
    pub delimiter: Delimiter,
    /// The encoding.
    pub encoding: Encoding,
}

impl Export {
    /// Opens a file and reads its header. A zip contains several exports: see [`Exports`].
    ///
    /// # Errors
    ///
    /// The file can't be read, or its header is not valid.
    pub fn open(path: &Path) -> Result<Export, ExportError> {
        Export::open_with(path, &ReadOptions::default())
    }

    fn open_with(path: &Path, options: &ReadOptions) -> Result<Export, ExportError> {
        let file = File::open(path).map_err(|error| ExportError::new(path, None, error.into()))?;
        let source = Peeked::new(HashingReader::new(Box::new(file)));
        Export::from_source(path, source, options, BytesLocation::File)
    }

    /// Opens a file like [`Export::open`], but only if it is not larger than `most_bytes`.
    pub(crate) fn open_bounded(path: &Path, most_bytes: u64) -> Result<Export, ExportError> {
        let file = Bounded::open(path, most_bytes)
            .map_err(|error| ExportError::new(path, None, error.into()))?;
        let source = Peeked::new(HashingReader::new(Box::new(file)));
        Export::from_source(path, source, &ReadOptions::default(), BytesLocation::File)
    }

    /// Reads bytes in memory as a file of that name.
    ///
    /// # Errors
    ///
    /// The header is not valid.
    pub fn from_bytes(
        name: &str,
        bytes: impl Into<Cow<'static, [u8]>>,
    ) -> Result<Export, ExportError> {
        let bytes = Box::new(io::Cursor::new(bytes.into()));
        let source = Peeked::new(HashingReader::new(bytes));
        Export::from_source(
            Path::new(name),
            source,
            &ReadOptions::default(),
            BytesLocation::File,
        )
    }

    fn from_source(
        path: &Path,
        mut source: Peeked<HashingReader>,
        options: &ReadOptions,
        place: BytesLocation,
    ) -> Result<Export, ExportError> {
        if Packing::from_head(source.head().0) == Some(Packing::Zip) {
            let held = held_document(&mut source).map_err(|fault| match (fault, place) {
                (Fault::Compressed(name), BytesLocation::Archive) => Fault::Nested(name),
                (fault, _) => fault,
            });
            let bytes = held.map_err(|fault| ExportError::new(path, None, fault))?;
            return Export::from_workbook(path, bytes, options);
        }
        let (text, encoding) = DecodedText::new(source, options.declared_encoding, place)
            .map_err(|fault| ExportError::new(path, None, fault))?;
        Export::from_text(path, text, encoding, &options.lines_above)
    }

    fn from_text(
        path: &Path,
        mut text: DecodedText,
        encoding: Encoding,
        above: &LinesAbove,
    ) -> Result<Export, ExportError> {
        let (head, whole) = text.head();
        let start = encoding::text_start(head, whole)
            .map_err(|fault| ExportError::new(path, None, fault))?;
        let Start {
            bytes,
            lines,
            lines_above,
            delimiter,
        } = Start::find(&head[start..], above);
        let skipped = start + bytes;
        text.skip(skipped);
        let guard = Guard::new(text, delimiter.byte(), skipped as u64, lines + 1);
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter.byte())
            .buffer_capacity(CHUNK_BYTES)
            .from_reader(guard);
        let mut export = Export {
            path: path.to_owned(),
            header: Vec::new(),
            header_line: 1,
            lines_above,
            delimiter,
            encoding,
            reader: RowReader::Text(Box::new(reader)),
            sheet: None,
            sheet_remarks: Vec::new(),
            rows: 0,
            peeked: VecDeque::new(),
            has_failed: false,
            left_out: None,
            failure: None,
        };
        export.read_header()?;
        export.settle_width();
        Ok(export)
    }

    /// Reads the sheet of a workbook that is held in memory.
    fn from_workbook(
        path: &Path,
        bytes: Arc<Vec<u8>>,
        options: &ReadOptions,
    ) -> Result<Export, ExportError> {
        let failed = |fault| ExportError::new(path, None, fault);
        let Sheet {
            name,
            mut rows,
            remarks,
            is_one_of_several,
        } = workbook::read(&bytes, &options.sheet).map_err(failed)?;
        let lines_above = rows.skip_to_header(&options.lines_above);
        let mut source =
            HashingReader::new(Box::new(io::Cursor::new(workbook::SharedBytes(bytes))));
        io::copy(&mut source, &mut io::sink()).map_err(|error| failed(error.into()))?;
        let mut export = Export {
            path: path.to_owned(),
            header: Vec::new(),
            header_line: 1,
            lines_above,
            delimiter: Delimiter::Comma,
            encoding: Encoding::Utf8,
            reader: RowReader::Sheet(Box::new((rows, source))),
            sheet: Some(SheetName {
                name,
                is_one_of_several,
            }),
            sheet_remarks: remarks,
            rows: 0,
            peeked: VecDeque::new(),
            has_failed: false,
            left_out: None,
            failure: None,
        };
        export.read_header()?;
        if let RowReader::Sheet(sheet) = &mut export.reader {
            sheet.0.set_width(export.header.len());
        }
        Ok(export)
    }

    fn read_header(&mut self) -> Result<(), ExportError> {
        let mut row = Row::new();
        if !self.read_record(&mut row)? {
            return Err(ExportError::new(&self.path, None, Fault::Empty));
        }
        let fail = |fault| Err(ExportError::new(&self.path, Some(row.line()), fault));
        if row.len() > COLUMNS_MOST {
            return fail(Fault::HeaderTooWide {
                columns: row.len(),
                most: COLUMNS_MOST,
            });
        }
        if row.iter().all(|name| name.trim().is_empty()) {
            return fail(Fault::HeaderBlank);
        }
        self.header = row.iter().map(|name| name.trim().to_owned()).collect();
        self.header_line = row.line();
        Ok(())
    }

    /// Adds a header name without letters for each empty cell with which every row ends.
    fn settle_width(&mut self) {
        let width = self.header.len();
        let is_other = |rows: &[Row]| rows.first().is_some_and(|row| row.len() != width);
        let rows = if self.look_ahead(1) && is_other(self.peeked.make_contiguous()) {
            self.look_ahead(width::ROWS_MOST);
            self.peeked.make_contiguous()
        } else {
            return;
        };
        if let Some(added) = width::added_names(&self.header, rows) {
            let width = self.header.len().saturating_add_signed(added);
            self.header.resize(width, String::new());
        }
    }

    /// Peeks at the next rows; an error is kept until the rows before it are read.
    fn look_ahead(&mut self, rows_most: usize) -> bool {
        match self.peek(rows_most) {
            Ok(_) => true,
            Err(error) => {
                self.failure = Some(error);
                false
            }
        }
    }

    /// Returns the path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the archive whose first export this is, and its members that are not read because
    /// they are not exports; `None` if there are none. Folders are left out.
    pub fn left_out(&self) -> Option<(&Path, &[String])> {
        let left_out = self.left_out.as_ref()?;
        Some((&left_out.archive, &left_out.members))
    }

    /// Returns the names of the columns, without the white space around them. A name may occur
    /// twice, and rows may be shorter or longer.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// Returns the line on which the header begins: 1, unless blank lines come before it.
    pub fn header_line(&self) -> u64 {
        self.header_line
    }

    /// Returns the number of lines of other text above the header, which are not read, without one that declares the
    /// delimiter.
    pub fn lines_above(&self) -> u64 {
        self.lines_above
    }

    /// Returns the sheet that is read, if it is one of several with cells in a workbook.
    pub fn one_of_several_sheets(&self) -> Option<&str> {
        let sheet = self
            .sheet
            .as_ref()
            .filter(|sheet| sheet.is_one_of_several)?;
        Some(&sheet.name)
    }

    /// Returns the sheet of a workbook that is read.
    pub fn sheet(&self) -> Option<&str> {
        self.sheet.as_ref().map(|sheet| sheet.name.as_str())
    }

    /// Returns the remarks about the sheet that a person should know.
    pub fn sheet_remarks(&self) -> &[SheetRemark] {
        &self.sheet_remarks
    }

    /// Returns the delimiter between fields.
    pub fn delimiter(&self) -> Delimiter {
        self.delimiter
    }

    /// Returns the encoding, as far as the rows that were read have shown it.
    pub fn encoding(&self) -> Encoding {
        if self.is_utf_8_after_all() {
            Encoding::Utf8
        } else {
            self.encoding
        }
    }

    /// Returns `true` if the file was declared as Windows-1252 and is read as UTF-8, as its letters show.
    pub fn is_utf_8_after_all(&self) -> bool {
        match &self.reader {
            RowReader::Text(reader) => reader.get_ref().inner().is_utf_8_after_all(),
            RowReader::Sheet(_) => false,
        }
    }

    /// Returns the number of bytes of the file read so far, for progress: up to a chunk ahead of
    /// the rows.
    pub fn bytes_read(&self) -> u64 {
        match &self.reader {
            RowReader::Text(reader) => reader.get_ref().inner().source().bytes(),
            RowReader::Sheet(sheet) => {
                let source = &sheet.1;
                HashingReader::bytes(source)
            }
        }
    }

    /// Reads the next row into `row`; returns `false` at the end. Blank lines are skipped.
    ///
    /// # Errors
    ///
    /// The bytes can't be read with certainty. Every further call is an error, too.
    pub fn read_row(&mut self, row: &mut Row) -> Result<bool, ExportError> {
        let more = match self.peeked.pop_front() {
            Some(peeked) => {
                *row = peeked;
                true
            }
            None => self.read_record(row)?,
        };
        self.rows += u64::from(more);
        Ok(more)
    }

    /// Returns the next rows, at most `rows_most` of them and hardly more than
    /// `PEEKED_MOST_BYTES`; [`Export::read_row`] returns them again. Nothing is read twice from
    /// the file, so that it works for standard input, too.
    ///
    /// # Errors
    ///
    /// The first of these rows can't be read.
    pub fn peek(&mut self, rows_most: usize) -> Result<&[Row], ExportError> {
        let bytes = |row: &Row| row.iter().map(str::len).sum::<usize>();
        let mut held_bytes: usize = self.peeked.iter().map(bytes).sum();
        while self.peeked.len() < rows_most && held_bytes < PEEKED_MOST_BYTES {
            let mut row = Row::new();
            if !self.read_record(&mut row)? {
                break;
            }
            held_bytes += bytes(&row);
            self.peeked.push_back(row);
        }
        let peeked = self.peeked.make_contiguous();
        Ok(&peeked[..peeked.len().min(rows_most)])
    }

    /// Reads the rest, and returns the totals.
    ///
    /// # Errors
    ///
    /// The rest can't be read.
    pub fn finish(mut self) -> Result<FileTotals, ExportError> {
        let mut row = Row::new();
        while self.read_row(&mut row)? {}
        let (source, has_final_line_end) = match &self.reader {
            RowReader::Text(reader) => {
                let guard = reader.get_ref();
                (guard.inner().source(), guard.has_final_line_end())
            }
            RowReader::Sheet(sheet) => (&sheet.1, true),
        };
        Ok(FileTotals {
            rows: self.rows,
            bytes: source.bytes(),
            sha256: source.sha256(),
            has_final_line_end,
            delimiter: self.delimiter,
            encoding: self.encoding(),
        })
    }

    fn read_record(&mut self, row: &mut Row) -> Result<bool, ExportError> {
        if let Some(failure) = self.failure.take() {
            return Err(failure);
        }
        if self.has_failed {
            return Err(ExportError::new(&self.path, None, Fault::AlreadyFailed));
        }
        let reader = match &mut self.reader {
            RowReader::Text(reader) => reader,
            RowReader::Sheet(sheet) => return Ok(sheet.0.read(row)),
        };
        row.kinds.clear();
        let read = reader.read_record(&mut row.record);
        let start = match read {
            Ok(_) => reader.get_mut().next_start(),
            Err(_) => None,
        };
        match (read, start) {
            (Ok(true), Some(start)) => {
                row.line = start.line;
                row.byte = start.byte;
                row.is_open = reader.get_ref().has_ended_in_field();
                match swallowed::column_with_rows(&row.record, self.delimiter.byte()) {
                    None => Ok(true),
                    Some(column) => Err(self.swallowed(start.line, column)),
                }
            }
            (Ok(false), None) => Ok(false),
            (Ok(_), start) => {
                let line = start.map(|start| start.line);
                Err(self.fail(line, Fault::Disagreement))
            }
            (Err(error), _) => Err(self.stopped(error)),
        }
    }

    fn swallowed(&mut self, line: u64, column: usize) -> ExportError {
        let name = self.header.get(column).cloned();
        let column = NamedColumn {
            name,
            ..NamedColumn::numbered(column + 1)
        };
        self.fail(Some(line), Fault::RowsSwallowed(column))
    }

    /// Returns the error for which the parser stopped: the guard's, or that of the file.
    fn stopped(&mut self, error: csv::Error) -> ExportError {
        let found = match &mut self.reader {
            RowReader::Text(reader) => reader.get_mut().take_found(),
            RowReader::Sheet(_) => None,
        };
        if let Some(LocatedFault { line, mut fault }) = found {
            if let Some(column) = fault.column_mut() {
                column.name = self.header.get(column.number - 1).cloned();
            }
            return self.fail(Some(line), fault);
        }
        match error.into_kind() {
            csv::ErrorKind::Io(error) => self.fail(None, Fault::from(error)),
            _ => self.fail(None, Fault::Disagreement),
        }
    }

    fn fail(&mut self, line: Option<u64>, fault: Fault) -> ExportError {
        self.has_failed = true;
        ExportError::new(&self.path, line, fault)
    }
}

/// Reads a zip whole that has to be a document, such as a workbook.
fn held_document(source: &mut Peeked<HashingReader>) -> Result<Arc<Vec<u8>>, Fault> {
    if let Some(fault @ Fault::NotCsv(_)) = encoding::open_document(source.head().0) {
        return Err(fault);
    }
    let mut bytes = Vec::new();
    let read = source
        .by_ref()
        .take(WORKBOOK_MOST_BYTES + 1)
        .read_to_end(&mut bytes);
    match read {
        Err(error) => return Err(source.inner_mut().take_failure().unwrap_or(error.into())),
        Ok(read) if read as u64 > WORKBOOK_MOST_BYTES => {
            return Err(Fault::WorkbookTooLarge {
                what: "bytes",
                most: WORKBOOK_MOST_BYTES,
            });
        }
        Ok(_) => {}
    }
    let bytes = Arc::new(bytes);
    let (_, listed) = Archive::open(Arc::clone(&bytes) as _, bytes.len() as u64)?;
    if is_document(&listed) {
        Ok(bytes)
    } else {
        Err(Fault::Compressed(Packing::Zip.name()))
    }
}

/// The place of an export's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BytesLocation {
    File,
    /// A member of a zip, which is unpacked already.
    Archive,
}

/// A reader of an export's text in UTF-8.
enum DecodedText {
    Plain(Peeked<Unpacked>),
    Decoded(Peeked<Decoder<Peeked<Unpacked>>>),
}

impl DecodedText {
    /// Detects from a file's first bytes how it is packed and encoded.
    fn new(
        mut source: Peeked<HashingReader>,
        declared_encoding: Option<DeclaredEncoding>,
        place: BytesLocation,
    ) -> Result<(DecodedText, Encoding), Fault> {
        if let Some(error) = source.take_first_error() {
            return Err(source.inner_mut().take_failure().unwrap_or(error.into()));
        }
        let packing = match (Packing::from_head(source.head().0), place) {
            (Some(packing @ (Packing::Gzip | Packing::Zstd)), BytesLocation::File) => Some(packing),
            _ => None,
        };
        let mut bytes = Peeked::new(Unpacked::new(source, packing, Budget::default()));
        if let Some(error) = bytes.take_first_error() {
            return Err(error.into());
        }
        let recognised = encoding::recognise(bytes.head().0, declared_encoding);
        let encoding = recognised.map_err(|fault| match fault {
            Fault::Compressed(name) if packing.is_some() || place == BytesLocation::Archive => {
                Fault::Nested(name)
            }
            fault => fault,
        })?;
        let text = match encoding.codec() {
            None => DecodedText::Plain(bytes),
            Some(codec) => {
                bytes.skip(encoding.mark_bytes());
                DecodedText::Decoded(Peeked::new(Decoder::new(bytes, codec)))
            }
        };
        Ok((text, encoding))
    }

    fn source(&self) -> &HashingReader {
        match self {
            DecodedText::Plain(bytes) => bytes.inner().source(),
            DecodedText::Decoded(text) => text.inner().inner().inner().source(),
        }
    }

    fn is_utf_8_after_all(&self) -> bool {
        match self {
            DecodedText::Plain(_) => false,
            DecodedText::Decoded(text) => text.inner().is_utf_8_after_all(),
        }
    }

    fn head(&self) -> (&[u8], bool) {
        match self {
            DecodedText::Plain(bytes) => bytes.head(),
            DecodedText::Decoded(text) => text.head(),
        }
    }

    fn skip(&mut self, bytes: usize) {
        match self {
            DecodedText::Plain(text) => text.skip(bytes),
            DecodedText::Decoded(text) => text.skip(bytes),
        }
    }
}

impl Read for DecodedText {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            DecodedText::Plain(text) => text.read(buffer),
            DecodedText::Decoded(text) => text.read(buffer),
        }
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export")
            .field("path", &self.path)
            .field("header", &self.header)
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
