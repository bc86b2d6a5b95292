//! Follows quotes and lines before the parser.
//!
//! The `csv` crate accepts any bytes: a quote that is never closed swallows the rest of the file,
//! and several rows become one valid row. So every chunk passes [`Guard`] first, which knows at
//! each byte if it is inside quotes, and where each row begins. It stops the file at
//!
//! - text after a closing quote, and the end of the file inside quotes;
//! - a line inside quotes that looks like a whole row;
//! - a closing quote that looks like the opening quote of a later field: it is where one would
//!   be, and that field's own closing quote is left over as a bare quote in unquoted text;
//! - fields and rows beyond a limit;
//! - bytes that are not UTF-8, NUL bytes, carriage returns without a line feed.
//!
//! The result does not depend on how the bytes are cut into chunks: a fault is found at a byte, the
//! first fault wins, and all rows before the row with the fault reach the parser.
//!
//! It is fast because it examines only quotes and line ends, and delimiters only where needed.

use std::collections::VecDeque;
use std::io::{self, Read};

use memchr::{memchr, memchr_iter, memchr2, memchr3, memrchr};

use super::error::{Fault, NamedColumn};

/// The greatest length of a field, in bytes.
pub(super) const FIELD_MOST_BYTES: u64 = 1024 * 1024;
/// The greatest length of a row, in bytes.
pub(super) const ROW_MOST_BYTES: u64 = 4 * 1024 * 1024;
/// The smallest number of columns from which on a line inside quotes can look like a row: with
/// fewer, prose does.
const ROWLIKE_FEWEST_COLUMNS: usize = 4;
/// The greatest number of bytes that are kept for the next chunk: an incomplete character, or a
/// carriage return whose line feed is still to come.
const KEPT_MOST_BYTES: usize = 3;

/// The position at which a row begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RowStart {
    pub(super) line: u64,
    pub(super) byte: u64,
}

/// A fault with its line.
#[derive(Debug)]
pub(super) struct LocatedFault {
    pub(super) line: u64,
    pub(super) fault: Fault,
}

/// The position at which a quoted field opens.
#[derive(Clone, Copy, Debug, Default)]
struct Opening {
    line: u64,
    byte: u64,
    /// The column, from 0.
    column: usize,
}

/// A quoted field that may contain text that does not belong to it.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    opening: Opening,
    /// `true` if its closing quote follows a delimiter, like an opening one. (A closing quote may
    /// follow a line break too, but texts that end with one are common.)
    is_borrowed: bool,
    /// The last row of the suspicion.
    last_row: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScanState {
    /// Before the first byte of a row, or in blank lines.
    Between,
    /// In unquoted text, or at the start of a field.
    Unquoted,
    /// Inside quotes.
    Quoted,
    /// After a quote inside quotes: the closing one, or the first of two.
    QuoteSeen,
}

/// A reader that passes on bytes after checking them. See the module's documentation.
pub(super) struct Guard<R> {
    inner: R,
    delimiter: u8,
    kept: [u8; KEPT_MOST_BYTES],
    kept_bytes: usize,
    /// A fault that is reported once the rows before it are read.
    found: Option<LocatedFault>,
    starts: VecDeque<RowStart>,

    state: ScanState,
    /// The offset of the next byte to be scanned.
    byte: u64,
    line: u64,
    /// The byte before the next one.
    previous: u8,
    /// The offset after the last complete row.
    complete_byte: u64,

    /// The number of rows begun, including the header.
    rows: u64,
    row: RowStart,
    /// The number of columns of the header; 0 while it is being read and has no line break.
    columns: usize,
    is_in_header: bool,

    /// An offset in the current field's row; no delimiter lies between it and the current field's
    /// start.
    field_byte: u64,
    /// The column at `field_byte`, from 0.
    column: usize,
    /// `true` if the next byte begins a field.
    is_at_field_start: bool,

    opening: Opening,
    /// The number of line breaks in the quoted field.
    inner_breaks: u64,
    /// The number of delimiters in the quoted field's current line.
    inner_delimiters: usize,
    /// The byte before the last quote inside quotes.
    before_quote: u8,
    suspect: Option<Suspect>,
    /// `true` once the text has been read to its end.
    has_ended: bool,
}

impl<R> Guard<R> {
    /// Creates a guard for a text whose first byte is at an offset and a line of its file.
    pub(super) fn new(inner: R, delimiter: u8, byte: u64, line: u64) -> Self {
        Guard {
            inner,
            delimiter,
            kept: [0; KEPT_MOST_BYTES],
            kept_bytes: 0,
            found: None,
            starts: VecDeque::new(),
            state: ScanState::Between,
            byte,
            line,
            previous: b'\n',
            complete_byte: byte,
            rows: 0,
            row: RowStart { line: 1, byte },
            columns: 0,
            is_in_header: true,
            field_byte: byte,
            column: 0,
            is_at_field_start: true,
            opening: Opening::default(),
            inner_breaks: 0,
            inner_delimiters: 0,
            before_quote: 0,
            suspect: None,
            has_ended: false,
        }
    }

    /// Returns the guarded reader.
    pub(super) fn inner(&self) -> &R {
        &self.inner
    }

    /// Returns the position of the next row that the parser returns.
    pub(super) fn next_start(&mut self) -> Option<RowStart> {
        self.starts.pop_front()
    }

    /// Returns the fault for which `read` failed.
    pub(super) fn take_found(&mut self) -> Option<LocatedFault> {
        self.found.take()
    }

    /// Returns `true` if the text has ended within a field, after the last row that the parser was told of.
    pub(super) fn has_ended_in_field(&self) -> bool {
        self.has_ended && self.starts.is_empty() && !matches!(self.previous, b'\n' | b'\r' | b'"')
    }

    /// Returns `true` if the text so far ends with a line end.
    pub(super) fn has_final_line_end(&self) -> bool {
        self.previous == b'\n'
    }

    fn scan(&mut self, chunk: &[u8]) -> Result<(), LocatedFault> {
        let base = self.byte;
        let mut at = 0;
        while at < chunk.len() {
            at = match self.state {
                ScanState::Between => self.between(chunk, at, base)?,
                ScanState::Unquoted => self.unquoted(chunk, at, base)?,
                ScanState::Quoted => self.quoted(chunk, at, base)?,
                ScanState::QuoteSeen => self.quote_seen(chunk, at, base)?,
            };
        }
        self.byte = base + chunk.len() as u64;
        self.previous = chunk.last().copied().unwrap_or(self.previous);
        Ok(())
    }

    fn between(&mut self, chunk: &[u8], at: usize, base: u64) -> Result<usize, LocatedFault> {
        match chunk[at] {
            b'\n' => {
                self.line += 1;
                Ok(at + 1)
            }
            b'\r' => {
                self.carriage_return(chunk, at)?;
                Ok(at + 1)
            }
            _ => {
                self.row = RowStart {
                    line: self.line,
                    byte: base + at as u64,
                };
                self.starts.push_back(self.row);
                self.rows += 1;
                if self.suspect.is_some_and(|s| s.last_row < self.rows) {
                    self.suspect = None;
                }
                self.column = 0;
                self.field_byte = self.row.byte;
                self.is_at_field_start = true;
                self.state = ScanState::Unquoted;
                Ok(at)
            }
        }
    }

    fn unquoted(&mut self, chunk: &[u8], at: usize, base: u64) -> Result<usize, LocatedFault> {
        let Some(skipped) = memchr3(b'"', b'\n', b'\r', &chunk[at..]) else {
            self.pass(&chunk[at..], base + at as u64)?;
            self.is_at_field_start = chunk.last() == Some(&self.delimiter);
            return Ok(chunk.len());
        };
        let end = at + skipped;
        let end_byte = base + end as u64;
        if chunk[end] != b'"' {
            // Most rows only reach this point, so only what is needed is examined.
            if self.is_in_header || end_byte - self.field_byte > FIELD_MOST_BYTES {
                self.pass(&chunk[at..end], base + at as u64)?;
            }
            self.check_row(end_byte)?;
            return self.end_row(chunk, end, base);
        }
        self.pass(&chunk[at..end], base + at as u64)?;
        let opens = match skipped {
            0 => self.is_at_field_start,
            _ => chunk[end - 1] == self.delimiter,
        };
        if opens {
            self.open(end_byte);
        } else if let Some(suspect) = self.suspect {
            return Err(at_opening(suspect.opening, Fault::QuoteBorrowed));
        }
        self.is_at_field_start = false;
        Ok(end + 1)
    }

    /// Opens a quoted field.
    fn open(&mut self, byte: u64) {
        self.opening = Opening {
            line: self.line,
            byte,
            column: self.column,
        };
        self.inner_breaks = 0;
        self.inner_delimiters = 0;
        self.is_at_field_start = false;
        self.state = ScanState::Quoted;
    }

    fn quoted(&mut self, chunk: &[u8], at: usize, base: u64) -> Result<usize, LocatedFault> {
        let found = memchr2(b'"', b'\n', &chunk[at..]);
        let end = found.map_or(chunk.len(), |skipped| at + skipped);
        let Opening { line, byte, column } = self.opening;
        self.check_field(base + end as u64, byte, line, column)?;
        if self.inner_breaks > 0 || self.is_in_header {
            self.inner_delimiters += memchr_iter(self.delimiter, &chunk[at..end]).count();
        }
        if found.is_none() {
            return Ok(end);
        }
        if chunk[end] == b'"' {
            // The byte before it distinguishes a closing quote from an opening one.
            self.before_quote = match end {
                0 => self.previous,
                _ => chunk[end - 1],
            };
            self.state = ScanState::QuoteSeen;
            return Ok(end + 1);
        }
        self.check_inner_line()?;
        if self.is_in_header && self.inner_breaks == 0 {
            // Until the header is complete, its first line gives the width of a row.
            self.columns = self.opening.column + self.inner_delimiters + 1;
        }
        self.inner_breaks += 1;
        self.inner_delimiters = 0;
        self.line += 1;
        Ok(end + 1)
    }

    fn quote_seen(&mut self, chunk: &[u8], at: usize, base: u64) -> Result<usize, LocatedFault> {
        let next = chunk[at];
        if next == b'"' {
            self.state = ScanState::Quoted;
            return Ok(at + 1);
        }
        let ends_row = next == b'\n' || next == b'\r';
        if next != self.delimiter && !ends_row {
            return Err(self.unclosed(Fault::TextAfterQuote));
        }
        self.check_inner_line()?;
        self.close(base + at as u64);
        if ends_row {
            self.check_row(base + at as u64)?;
            return self.end_row(chunk, at, base);
        }
        self.column += 1;
        self.field_byte = base + at as u64 + 1;
        if chunk.get(at + 1) == Some(&b'"') {
            // In files that quote everything, every field reaches this point.
            self.check_row(self.field_byte)?;
            self.open(self.field_byte);
            return Ok(at + 2);
        }
        self.is_at_field_start = true;
        self.state = ScanState::Unquoted;
        Ok(at + 1)
    }

    /// Closes a quoted field; the byte after its closing quote is at `end_byte`.
    fn close(&mut self, end_byte: u64) {
        let has_content = end_byte - self.opening.byte > 2;
        let after_delimiter = has_content && self.before_quote == self.delimiter;
        let after_break = has_content && matches!(self.before_quote, b'\n' | b'\r');
        if !after_delimiter && self.inner_breaks == 0 && !after_break {
            return;
        }
        if self.suspect.is_some_and(|earlier| earlier.is_borrowed) {
            return;
        }
        self.suspect = Some(Suspect {
            opening: self.opening,
            is_borrowed: after_delimiter,
            // The field to which the quote belongs may reach into the next row.
            last_row: self.rows + u64::from(after_delimiter || after_break),
        });
    }

    /// Ends a row at the line end at `at`.
    fn end_row(&mut self, chunk: &[u8], at: usize, base: u64) -> Result<usize, LocatedFault> {
        let mut after = at + 1;
        if chunk[at] == b'\r' {
            self.carriage_return(chunk, at)?;
            after += 1;
        }
        self.line += 1;
        self.complete_byte = base + after as u64;
        self.state = ScanState::Between;
        self.end_header();
        Ok(after)
    }

    fn end_header(&mut self) {
        if self.is_in_header {
            self.columns = self.column + 1;
            self.is_in_header = false;
        }
    }

    /// Passes unquoted text without quotes and line ends: counts columns, and checks the length of
    /// fields.
    fn pass(&mut self, text: &[u8], base: u64) -> Result<(), LocatedFault> {
        let end_byte = base + text.len() as u64;
        if end_byte - self.field_byte <= FIELD_MOST_BYTES {
            if let Some(last) = memrchr(self.delimiter, text) {
                self.column += memchr_iter(self.delimiter, text).count();
                self.field_byte = base + last as u64 + 1;
            }
        } else {
            for delimiter in memchr_iter(self.delimiter, text) {
                let byte = base + delimiter as u64;
                self.check_field(byte, self.field_byte, self.line, self.column)?;
                self.column += 1;
                self.field_byte = byte + 1;
            }
            self.check_field(end_byte, self.field_byte, self.line, self.column)?;
        }
        self.check_row(end_byte)
    }

    /// Checks the lengths of a field that reaches to `end_byte`, and of its row.
    fn check_field(
        &self,
        end_byte: u64,
        field_byte: u64,
        line: u64,
        column: usize,
    ) -> Result<(), LocatedFault> {
        let field_limit = field_byte + FIELD_MOST_BYTES;
        if end_byte <= field_limit || self.row.byte + ROW_MOST_BYTES < field_limit {
            return self.check_row(end_byte);
        }
        Err(LocatedFault {
            line,
            fault: Fault::FieldTooLong {
                column: NamedColumn::numbered(column + 1),
                most_bytes: FIELD_MOST_BYTES,
            },
        })
    }

    fn check_row(&self, end_byte: u64) -> Result<(), LocatedFault> {
        if end_byte - self.row.byte <= ROW_MOST_BYTES {
            return Ok(());
        }
        Err(LocatedFault {
            line: self.row.line,
            fault: Fault::RowTooLong {
                most_bytes: ROW_MOST_BYTES,
            },
        })
    }

    /// Ends a line inside quotes, at a line break or at the closing quote.
    fn check_inner_line(&self) -> Result<(), LocatedFault> {
        let rowlike = self.inner_breaks > 0
            && self.columns >= ROWLIKE_FEWEST_COLUMNS
            && self.inner_delimiters >= self.columns - 1;
        if rowlike {
            Err(self.unclosed(Fault::RowsSwallowed))
        } else {
            Ok(())
        }
    }

    fn carriage_return(&self, chunk: &[u8], at: usize) -> Result<(), LocatedFault> {
        // `read` never ends a chunk between the two, except at the end of the file.
        match chunk.get(at + 1) {
            Some(b'\n') => Ok(()),
            _ => Err(LocatedFault {
                line: self.line,
                fault: Fault::BareCarriageReturn,
            }),
        }
    }

    /// Returns a fault of the open quoted field; it names an earlier field of the same row if that
    /// one seems to have been closed by this one's quote.
    fn unclosed(&self, fault: fn(NamedColumn) -> Fault) -> LocatedFault {
        match self.suspect {
            Some(suspect) if suspect.is_borrowed && suspect.opening.byte >= self.row.byte => {
                at_opening(suspect.opening, Fault::QuoteBorrowed)
            }
            _ => at_opening(self.opening, fault),
        }
    }

    /// Adds the line to an error of reading, if the bytes at this place caused it.
    fn failed(&mut self, error: io::Error) -> io::Error {
        match Fault::from(error) {
            fault if fault.is_in_text() => {
                self.found = Some(LocatedFault {
                    line: self.line,
                    fault,
                });
                stopped()
            }
            fault => fault.into(),
        }
    }

    /// Ends the text.
    fn end(&mut self) -> Result<(), LocatedFault> {
        match self.state {
            ScanState::Quoted => return Err(self.unclosed(Fault::QuoteUnclosed)),
            ScanState::QuoteSeen => self.check_inner_line()?,
            ScanState::Between | ScanState::Unquoted => {}
        }
        self.state = ScanState::Between;
        self.end_header();
        Ok(())
    }
}

fn at_opening(opening: Opening, fault: fn(NamedColumn) -> Fault) -> LocatedFault {
    LocatedFault {
        line: opening.line,
        fault: fault(NamedColumn::numbered(opening.column + 1)),
    }
}

/// Returns how many bytes are text, and what the next byte is if it is not. If there is no fault,
/// the bytes after the text must be examined again together with those that follow.
fn text_bytes(bytes: &[u8], at_end: bool) -> (usize, Option<Fault>) {
    let (valid, fault) = match std::str::from_utf8(bytes) {
        Ok(_) => (bytes.len(), None),
        Err(error) => {
            let valid = error.valid_up_to();
            let cut = error.error_len().is_none() && !at_end;
            let fault = Fault::NotUtf8 { byte: bytes[valid] };
            (valid, (!cut).then_some(fault))
        }
    };
    if let Some(nul) = memchr(0, &bytes[..valid]) {
        return (nul, Some(Fault::NulByte));
    }
    if valid == bytes.len() && bytes.ends_with(b"\r") && !at_end {
        return (valid - 1, None);
    }
    (valid, fault)
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.found.is_some() {
            return Err(stopped());
        }
        if buffer.len() <= KEPT_MOST_BYTES {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        loop {
            let kept = self.kept_bytes;
            buffer[..kept].copy_from_slice(&self.kept[..kept]);
            let read = self
                .inner
                .read(&mut buffer[kept..])
                .map_err(|error| self.failed(error))?;
            let at_end = read == 0;
            let bytes = &buffer[..kept + read];
            let (text, fault) = text_bytes(bytes, at_end);
            let rest = &bytes[text..];
            if fault.is_none() {
                self.kept[..rest.len()].copy_from_slice(rest);
                self.kept_bytes = rest.len();
            }
            let base = self.byte;
            let checked = self.scan(&bytes[..text]).and_then(|()| match fault {
                Some(fault) => Err(LocatedFault {
                    line: self.line,
                    fault,
                }),
                None if bytes.is_empty() => self.end(),
                None => Ok(()),
            });
            if let Err(found) = checked {
                self.found = Some(found);
                // The rows before the row with the fault are complete, and go first.
                return match self.complete_byte.saturating_sub(base) {
                    0 => Err(stopped()),
                    complete => Ok(complete as usize),
                };
            }
            if text > 0 || at_end {
                self.has_ended = text == 0;
                return Ok(text);
            }
        }
    }
}

/// Returns the error for the parser; the reason is in [`Guard::take_found`].
fn stopped() -> io::Error {
    io::Error::other("the guard stopped the export")
}
