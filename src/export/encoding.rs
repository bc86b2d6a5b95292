//! Recognises the encoding of a file from its first bytes.

use std::fmt;

use super::decode::Codec;
use super::error::Fault;
use super::unpack::Packing;

const BOM: &[u8] = b"\xEF\xBB\xBF";

/// The encoding of an export's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Encoding {
    /// UTF-8, and so ASCII.
    Utf8,
    /// UTF-8 after a byte-order mark, which is not part of the header.
    Utf8Bom,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
    /// Windows-1252, which can't be detected and has to be declared.
    Windows1252,
}

impl Encoding {
    pub(super) fn codec(self) -> Option<Codec> {
        match self {
            Encoding::Utf8 | Encoding::Utf8Bom => None,
            Encoding::Utf16Le => Some(Codec::Utf16Le),
            Encoding::Utf16Be => Some(Codec::Utf16Be),
            Encoding::Windows1252 => Some(Codec::Windows1252),
        }
    }

    /// Returns the length of the byte-order mark, in bytes, if the decoder does not skip it.
    pub(super) fn mark_bytes(self) -> usize {
        match self {
            Encoding::Utf16Le | Encoding::Utf16Be => 2,
            Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Windows1252 => 0,
        }
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Encoding::Utf8 => "UTF-8",
            Encoding::Utf8Bom => "UTF-8 with a byte-order mark",
            Encoding::Utf16Le => "UTF-16 (little-endian)",
            Encoding::Utf16Be => "UTF-16 (big-endian)",
            Encoding::Windows1252 => "Windows-1252",
        })
    }
}

/// The encoding that a user declares for files that don't have a byte-order mark. A mark takes
/// precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeclaredEncoding {
    /// UTF-8, which is also the default.
    Utf8,
    /// UTF-16, with a byte-order mark.
    Utf16,
    /// Windows-1252.
    Windows1252,
}

/// Recognises the encoding from the first bytes of a file. Marks of UTF-8 are left to
/// [`text_start`].
pub(super) fn recognise(
    head: &[u8],
    declared: Option<DeclaredEncoding>,
) -> Result<Encoding, Fault> {
    if let Some(fault) = foreign(head) {
        return Err(fault);
    }
    match head {
        [] => Err(Fault::Empty),
        [0xEF, 0xBB, 0xBF, ..] => Ok(Encoding::Utf8Bom),
        [0xFF, 0xFE, ..] => Ok(Encoding::Utf16Le),
        [0xFE, 0xFF, ..] => Ok(Encoding::Utf16Be),
        _ if is_utf_16(head) => Err(Fault::Utf16Unmarked),
        _ => match declared {
            None | Some(DeclaredEncoding::Utf8) => Ok(Encoding::Utf8),
            Some(DeclaredEncoding::Utf16) => Err(Fault::NoUtf16Mark),
            Some(DeclaredEncoding::Windows1252) => Ok(Encoding::Windows1252),
        },
    }
}

/// Returns `true` if a text begins like plain letters in UTF-16: every other byte is NUL, and only
/// those.
fn is_utf_16(head: &[u8]) -> bool {
    const LOOK_BYTES: usize = 32;
    let (pairs, _) = head[..head.len().min(LOOK_BYTES)].as_chunks::<2>();
    let all = |high: usize| {
        pairs
            .iter()
            .all(|pair| pair[high] == 0 && pair[1 - high] != 0)
    };
    pairs.len() > 1 && (all(0) || all(1))
}

/// Returns the number of bytes of marks before the text.
///
/// # Errors
///
/// The text can't be that of an export.
///
/// `whole` means that `head`, in UTF-8, is the whole file.
pub(super) fn text_start(head: &[u8], is_whole: bool) -> Result<usize, Fault> {
    // A file that was saved twice can have two marks.
    let mut text = head;
    while let Some(rest) = text.strip_prefix(BOM) {
        text = rest;
    }
    if text.is_empty() && !head.is_empty() && !is_whole {
        return Err(Fault::NotCsv("a run of byte-order marks"));
    }
    match text.trim_ascii_start().first() {
        None if is_whole => Err(Fault::Empty),
        Some(b'<') => Err(Fault::NotCsv("HTML or XML")),
        Some(b'{' | b'[') => Err(Fault::NotCsv("JSON")),
        _ => Ok(head.len() - text.len()),
    }
}

/// Returns the error for a file whose first bytes show that it is not text.
pub(super) fn foreign(head: &[u8]) -> Option<Fault> {
    const MAGICS: [(&[u8], Fault); 7] = [
        (b"\xFD7zXZ\x00", Fault::Compressed("xz")),
        (b"BZh", Fault::Compressed("bzip2")),
        (b"7z\xBC\xAF\x27\x1C", Fault::Compressed("7z")),
        (b"%PDF-", Fault::NotCsv("a PDF")),
        (
            b"\xD0\xCF\x11\xE0",
            Fault::NotCsv("an Excel workbook of the old kind (.xls), or one with a password"),
        ),
        (
            b"\x09\x08",
            Fault::NotCsv("an Excel workbook of the old kind (.xls)"),
        ),
        (b"PAR1", Fault::NotCsv("a Parquet file")),
    ];
    const TAR_AT: usize = 257;
    if head
        .get(TAR_AT..)
        .is_some_and(|at| at.starts_with(b"ustar"))
    {
        return Some(Fault::NotCsv("a tar archive"));
    }
    match Packing::from_head(head) {
        // A document is a zip, but unpacking it would not help its owner.
        Some(Packing::Zip) if is_open_document(head) => open_document(head),
        Some(Packing::Zip) if is_workbook(head) => Some(Fault::NotCsv("an Excel workbook (.xlsx)")),
        Some(packing) => Some(Fault::Compressed(packing.name())),
        None => {
            let magic = MAGICS
                .into_iter()
                .find(|(magic, _)| head.starts_with(magic));
            magic.map(|(_, fault)| fault)
        }
    }
}

/// Returns the fault for an OpenDocument file, by the first member of the zip that it is.
pub(super) fn open_document(zip: &[u8]) -> Option<Fault> {
    is_open_document(zip).then_some(Fault::NotCsv("an OpenDocument file (.ods)"))
}

fn is_open_document(zip: &[u8]) -> bool {
    const NAME_AT: usize = 30;
    let name = zip.get(NAME_AT..).unwrap_or_default();
    name.starts_with(b"mimetypeapplication/vnd.oasis.opendocument")
}

/// Returns `true` if the first member of a zip is one with which workbooks begin.
fn is_workbook(zip: &[u8]) -> bool {
    const NAME_AT: usize = 30;
    let name = zip.get(NAME_AT..).unwrap_or_default();
    name.starts_with(b"[Content_Types].xml")
        || name.starts_with(b"xl/")
        || name.starts_with(b"_rels/.rels")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(head: &[u8]) -> String {
        let recognised = recognise(head, None).and_then(|encoding| match encoding.codec() {
            None => Ok(format!("{encoding}, {}", text_start(head, true)?)),
            Some(_) => Ok(encoding.to_string()),
        });
        recognised.unwrap_or_else(|fault| fault.to_string())
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
                b"PK\x03\x04..........................[Content_Types].xml",
                "the file is not a CSV but an Excel workbook (.xlsx)",
            ),
            (b"\xFF\xFEi\0d\0", "UTF-16 (little-endian)"),
            (b"\xFE\xFF\0i\0d", "UTF-16 (big-endian)"),
            (
                b"i\0d\0,\0",
                "the file is in UTF-16 without a byte-order mark",
            ),
            (
                b"\0i\0d\0,\0",
                "the file is in UTF-16 without a byte-order mark",
            ),
            (b"i\0d,a\0", "UTF-8, 0"),
            (b"%PDF-1.7", "the file is not a CSV but a PDF"),
            (
                b"\n <!doctype html>",
                "the file is not a CSV but HTML or XML",
            ),
            (b"[{\"id\": 1}]", "the file is not a CSV but JSON"),
            (b"{\"id\": 1}", "the file is not a CSV but JSON"),
        ] {
            assert_eq!(code(head), expected, "{head:?}");
        }
    }

    #[test]
    fn a_mark_goes_before_what_is_told() {
        let declared = [
            None,
            Some(DeclaredEncoding::Utf8),
            Some(DeclaredEncoding::Utf16),
            Some(DeclaredEncoding::Windows1252),
        ];
        for declared in declared {
            assert_eq!(
                recognise(b"\xEF\xBB\xBFid", declared).ok(),
                Some(Encoding::Utf8Bom)
            );
            assert_eq!(
                recognise(b"\xFF\xFEi\0", declared).ok(),
                Some(Encoding::Utf16Le)
            );
        }
        let plain = declared.map(|declared| recognise(b"id", declared).ok());
        let utf_8 = Some(Encoding::Utf8);
        assert_eq!(plain, [utf_8, utf_8, None, Some(Encoding::Windows1252)]);
    }

    #[test]
    fn marks_without_an_end_are_refused() {
        let head = BOM.repeat(10);
        assert!(text_start(&head, false).is_err());
    }
}
