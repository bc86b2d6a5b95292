//! Finds the header below a line that declares the delimiter, and below lines of other text.

use std::fmt;
use std::sync::Arc;

use super::delimiter::Delimiter;

/// The greatest number of lines above a header.
pub(crate) const LINES_ABOVE_MOST: usize = 50;

/// A line below other lines that may be the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderLine {
    /// The number of lines above it.
    pub lines_above: usize,
    /// The names in the line.
    pub names: Vec<String>,
    /// The number of fields in the first line of the file, without empty ones at its end: spreadsheets write a line as wide as
    /// the table below it.
    pub first_width: usize,
    /// The number of fields in the line below it; 0 if there is none.
    pub next_width: usize,
}

type IsHeader = dyn Fn(&HeaderLine) -> bool + Send + Sync;

/// Decides if a line below other lines is the header.
#[derive(Clone, Default)]
pub struct LinesAbove {
    /// The numbers of lines that may be above the header.
    counts: Vec<usize>,
    is_header: Option<Arc<IsHeader>>,
}

impl LinesAbove {
    /// Looks for a header below these numbers of lines, with `is_header` as the test.
    pub fn new(
        counts: Vec<usize>,
        is_header: impl Fn(&HeaderLine) -> bool + Send + Sync + 'static,
    ) -> Self {
        LinesAbove {
            counts,
            is_header: Some(Arc::new(is_header)),
        }
    }

    /// Returns `true` if this line is the header.
    pub(super) fn accepts(&self, line: &HeaderLine) -> bool {
        let is_header = self.is_header.as_ref();
        self.counts.contains(&line.lines_above) && is_header.is_some_and(|is_it| is_it(line))
    }
}

impl fmt::Debug for LinesAbove {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinesAbove")
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// The place where the text of an export begins.
pub(super) struct Start {
    /// The number of bytes before the header.
    pub(super) bytes: usize,
    /// The number of lines before the header.
    pub(super) lines: u64,
    /// The number of those that do not declare the delimiter.
    pub(super) lines_above: u64,
    pub(super) delimiter: Delimiter,
}

impl Start {
    /// Finds the header at the start of a text.
    pub(super) fn find(text: &[u8], above: &LinesAbove) -> Start {
        let (declared, declaration_bytes) = match declared_delimiter(text) {
            Some((delimiter, bytes)) => (Some(delimiter), bytes),
            None => (None, 0),
        };
        let below = &text[declaration_bytes..];
        let (lines, bytes) = header_below(below, declared, above).unwrap_or((0, 0));
        let delimiter = declared.unwrap_or_else(|| Delimiter::of_header(&below[bytes..]));
        Start {
            bytes: declaration_bytes + bytes,
            lines: u64::from(declared.is_some()) + lines as u64,
            lines_above: lines as u64,
            delimiter,
        }
    }
}

/// Returns the delimiter that a first line such as `sep=;` declares for spreadsheets, and the
/// length of that line in bytes.
fn declared_delimiter(text: &[u8]) -> Option<(Delimiter, usize)> {
    let (line, bytes) = first_line(text)?;
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (name, declared) = line.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let declared = match declared {
        [byte] | [byte, b'"'] => *byte,
        _ => return None,
    };
    let delimiter = Delimiter::ALL.into_iter().find(|d| d.byte() == declared)?;
    Some((delimiter, bytes))
}

/// Returns a line without its line end, and its length in bytes with it; `None` if the text ends
/// before the line does.
fn first_line(text: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', text)?;
    let line = &text[..end];
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// Returns the number of lines and bytes above the header, if it is below others.
fn header_below(
    text: &[u8],
    declared: Option<Delimiter>,
    above: &LinesAbove,
) -> Option<(usize, usize)> {
    let is_header = above.is_header.as_ref()?;
    let most = above.counts.iter().max()?.min(&LINES_ABOVE_MOST);
    let mut bytes = 0;
    let first_width = filled_width(&names_of(text, declared));
    for lines_above in 1..=*most {
        bytes += first_line(&text[bytes..])?.1;
        if !above.counts.contains(&lines_above) {
            continue;
        }
        let rest = &text[bytes..];
        let below = first_line(rest).map_or(&rest[rest.len()..], |(_, line)| &rest[line..]);
        let delimiter = declared.unwrap_or_else(|| Delimiter::of_header(rest));
        let line = HeaderLine {
            lines_above,
            names: names_of(rest, declared),
            first_width,
            next_width: names_of(below, Some(delimiter)).len(),
        };
        if is_header(&line) {
            return Some((lines_above, bytes));
        }
    }
    None
}

/// Returns the number of fields of a line without the empty ones at its end.
pub(super) fn filled_width(names: &[String]) -> usize {
    let last = names.iter().rposition(|name| !name.is_empty());
    last.map_or(0, |last| last + 1)
}

/// Returns the fields of the first line of a text.
fn names_of(text: &[u8], declared: Option<Delimiter>) -> Vec<String> {
    let line = first_line(text).map_or(text, |(line, _)| line);
    let delimiter = declared.unwrap_or_else(|| Delimiter::of_header(line));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter.byte())
        .from_reader(line);
    let mut record = csv::ByteRecord::new();
    match reader.read_byte_record(&mut record) {
        Ok(true) => record
            .iter()
            .map(|name| String::from_utf8_lossy(name).trim().to_owned())
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(text: &str, above: &LinesAbove) -> (usize, u64, Delimiter) {
        let start = Start::find(text.as_bytes(), above);
        (start.bytes, start.lines, start.delimiter)
    }

    #[test]
    fn a_line_for_spreadsheets_names_the_delimiter() {
        let none = LinesAbove::default();
        for (text, expected) in [
            ("sep=;\nid,a;b\n", (6, 1, Delimiter::Semicolon)),
            ("sep=,\r\nid,a;b;c\n", (7, 1, Delimiter::Comma)),
            ("SEP=\t\nid\ta\n", (6, 1, Delimiter::Tab)),
            ("\"sep=;\"\nid;a\n", (8, 1, Delimiter::Semicolon)),
            ("sep=|\nid|a\n", (6, 1, Delimiter::Bar)),
            ("sep=,", (0, 0, Delimiter::Comma)),
            ("sep=,x\n", (0, 0, Delimiter::Comma)),
            ("separator,a\n", (0, 0, Delimiter::Comma)),
        ] {
            assert_eq!(start(text, &none), expected, "{text:?}");
        }
    }

    #[test]
    fn a_header_below_other_lines_is_found_where_it_may_stand() {
        let above = |counts: &[usize]| {
            LinesAbove::new(counts.to_vec(), |line| line.names == ["id", "amount"])
        };
        let text = "Report, of all\n\"May; 2026\"\nid;amount\n1;2\n";
        assert_eq!(start(text, &above(&[2])), (27, 2, Delimiter::Semicolon));
        assert_eq!(start(text, &above(&[1])), (0, 0, Delimiter::Comma));
        let declared = format!("sep=;\n{text}");
        assert_eq!(
            start(&declared, &above(&[2])),
            (33, 3, Delimiter::Semicolon)
        );
        assert_eq!(start("id;amount\n", &above(&[1])).1, 0);
        // Not beyond the end of the text.
        assert_eq!(start("a\nb", &above(&[40])).1, 0);
    }
}
