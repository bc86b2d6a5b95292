//! Which bytes are in front of us: what a file's beginning says about the rest.

use std::fmt;

use super::error::Fault;

/// How much of a file is looked at before anything is decided.
pub(super) const HEAD_BYTES: usize = 64 * 1024;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The encoding of an export's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, and so ASCII.
    Utf8,
    /// UTF-8 behind a byte-order mark, which is no part of the header.
    Utf8Bom,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf8Bom => "UTF-8 with a byte-order mark",
        })
    }
}

/// Reads the encoding off the first bytes of a file, with the number of bytes before its text.
///
/// `whole` says that `head` is all there is.
pub(super) fn recognise(head: &[u8], whole: bool) -> Result<(Encoding, usize), Fault> {
    if let Some(fault) = foreign(head) {
        return Err(fault);
    }
    // A file that was saved twice can have two marks.
    let mut text = head;
    while let Some(rest) = text.strip_prefix(BOM) {
        text = rest;
    }
    if text.is_empty() && !whole {
        return Err(Fault::NotCsv("a run of byte-order marks"));
    }
    match text.trim_ascii_start().first() {
        None if whole => Err(Fault::Empty),
        Some(b'<') => Err(Fault::NotCsv("HTML or XML")),
        Some(b'{' | b'[') => Err(Fault::NotCsv("JSON")),
        _ => {
            let skipped = head.len() - text.len();
            let encoding = match skipped {
                0 => Encoding::Utf8,
                _ => Encoding::Utf8Bom,
            };
            Ok((encoding, skipped))
        }
    }
}

/// Files that name themselves by their first bytes, and are no plain UTF-8 text.
fn foreign(head: &[u8]) -> Option<Fault> {
    const MAGICS: [(&[u8], Fault); 12] = [
        (b"\x1F\x8B", Fault::Compressed("gzip")),
        (b"\x28\xB5\x2F\xFD", Fault::Compressed("zstd")),
        (b"\xFD7zXZ\x00", Fault::Compressed("xz")),
        (b"BZh", Fault::Compressed("bzip2")),
        (b"7z\xBC\xAF\x27\x1C", Fault::Compressed("7z")),
        (b"PK\x03\x04", Fault::Compressed("zip")),
        (b"PK\x05\x06", Fault::Compressed("zip")),
        (b"\xFF\xFE", Fault::Utf16),
        (b"\xFE\xFF", Fault::Utf16),
        (b"%PDF-", Fault::NotCsv("a PDF")),
        (
            b"\xD0\xCF\x11\xE0",
            Fault::NotCsv("an Excel workbook (.xls)"),
        ),
        (b"PAR1", Fault::NotCsv("a Parquet file")),
    ];
    let (_, fault) = MAGICS
        .into_iter()
        .find(|(magic, _)| head.starts_with(magic))?;
    let holds = |needle: &[u8]| memchr::memmem::find(head, needle).is_some();
    match fault {
        // A workbook is a zip, and telling its owner to decompress it would lead nowhere.
        Fault::Compressed("zip") if holds(b"[Content_Types].xml") || holds(b"xl/") => {
            Some(Fault::NotCsv("an Excel workbook (.xlsx)"))
        }
        fault => Some(fault),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(head: &[u8]) -> String {
        match recognise(head, true) {
            Ok((encoding, skipped)) => format!("{encoding}, {skipped}"),
            Err(fault) => fault.to_string(),
        }
    }

    #[test]
    fn a_beginning_is_recognised() {
        for (head, expected) in [
            (&b"id,amount\n"[..], "UTF-8, 0"),
            (
                b"\xEF\xBB\xBFid,amount\n",
                "UTF-8 with a byte-order mark, 3",
            ),
            (
                b"\xEF\xBB\xBF\xEF\xBB\xBFid",
                "UTF-8 with a byte-order mark, 6",
            ),
            (b"", "the file is empty"),
            (b"\xEF\xBB\xBF", "the file is empty"),
            (b" \r\n\t\n", "the file is empty"),
            (b"\x1F\x8B\x08\x00", "the file is compressed with gzip"),
            (b"\x28\xB5\x2F\xFD", "the file is compressed with zstd"),
            (
                b"PK\x03\x04....Invoices.csv",
                "the file is compressed with zip",
            ),
            (
                b"PK\x03\x04....[Content_Types].xml",
                "the file is no CSV but an Excel workbook (.xlsx)",
            ),
            (b"\xFF\xFEi\0d\0", "the file is in UTF-16"),
            (b"\xFE\xFF\0i\0d", "the file is in UTF-16"),
            (b"%PDF-1.7", "the file is no CSV but a PDF"),
            (b"\n <!doctype html>", "the file is no CSV but HTML or XML"),
            (b"[{\"id\": 1}]", "the file is no CSV but JSON"),
            (b"{\"id\": 1}", "the file is no CSV but JSON"),
        ] {
            assert_eq!(code(head), expected, "{head:?}");
        }
    }

    #[test]
    fn marks_without_an_end_are_refused() {
        let head = BOM.repeat(10);
        assert!(recognise(&head, false).is_err());
    }
}
