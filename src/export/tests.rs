//! Tests of the reader as a whole. They show that positions are exact, that broken quoting is never
//! read, and that neither depends on how the bytes arrive.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use super::*;
use crate::problem::ProblemCode;
use proptest::prelude::*;

/// A row as tests compare it: line, offset, fields.
type Read3 = (u64, u64, Vec<String>);

fn read_all(bytes: &[u8]) -> Result<(Vec<Read3>, FileTotals), ExportError> {
    let mut export = Export::from_bytes("x.csv", bytes.to_vec())?;
    let mut row = Row::new();
    let mut rows = Vec::new();
    while export.read_row(&mut row)? {
        let fields = row.iter().map(str::to_owned).collect();
        rows.push((row.line(), row.byte(), fields));
    }
    Ok((rows, export.finish()?))
}

fn rows(bytes: &[u8]) -> Vec<Read3> {
    read_all(bytes).unwrap().0
}

fn lines(bytes: &[u8]) -> Vec<u64> {
    rows(bytes).into_iter().map(|(line, _, _)| line).collect()
}

/// Returns the error as `code:line:column: message`.
fn error(bytes: &[u8]) -> String {
    let error = read_all(bytes).unwrap_err();
    assert_eq!(error.path(), Path::new("x.csv"));
    assert!(error.hint().is_some());
    let line = error.line().map_or("-".into(), |line| line.to_string());
    let column = error
        .column()
        .map_or("-".into(), |column| column.number.to_string());
    format!("{}:{line}:{column}: {error}", error.code())
}

mod reading {
    use super::*;

    #[test]
    fn rows_have_their_fields_lines_and_offsets() {
        let csv = b"id,note\r\na,\"x\r\ny\"\r\n\r\n\"b\",\"say \"\"hi\"\"\"\r\nc, \r\n";
        assert_eq!(
            rows(csv),
            [
                (2, 9, vec!["a".into(), "x\r\ny".into()]),
                (5, 21, vec!["b".into(), "say \"hi\"".into()]),
                (6, 39, vec!["c".into(), " ".into()]),
            ]
        );
    }

    #[test]
    fn rows_that_were_looked_at_are_read_all_the_same() {
        let csv = b"id\na\nb\nc\n";
        let mut export = Export::from_bytes("x.csv", &csv[..]).unwrap();
        let first = |rows: &[Row]| -> Vec<String> {
            rows.iter()
                .map(|row| row.get(0).unwrap().to_owned())
                .collect()
        };
        assert_eq!(first(export.peek(2).unwrap()), ["a", "b"]);
        assert_eq!(first(export.peek(1).unwrap()), ["a"]);
        let mut row = Row::new();
        assert!(export.read_row(&mut row).unwrap());
        assert_eq!((row.line(), row.get(0)), (2, Some("a")));
        assert_eq!(first(export.peek(9).unwrap()), ["b", "c"]);
        assert_eq!(export.finish().unwrap().rows, 3);

        let broken = b"id\na\n\"b\nc\n";
        let mut export = Export::from_bytes("x.csv", &broken[..]).unwrap();
        assert_eq!(
            export.peek(9).unwrap_err().code().as_str(),
            error(broken).split(':').next().unwrap()
        );
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_header_and_counts_in_offsets() {
        let csv = b"\xEF\xBB\xBF\"id\";net\n1;2\n";
        let export = Export::from_bytes("x.csv", &csv[..]).unwrap();
        assert_eq!(export.header(), ["id", "net"]);
        assert_eq!(export.delimiter(), Delimiter::Semicolon);
        assert_eq!(export.encoding(), Encoding::Utf8Bom);
        assert_eq!(rows(csv), [(2, 12, vec!["1".into(), "2".into()])]);
    }

    #[test]
    fn names_are_trimmed_and_kept_twice() {
        let export = Export::from_bytes("x.csv", &b" id ,\" Net\",id\n"[..]).unwrap();
        assert_eq!(export.header(), ["id", "Net", "id"]);
        assert_eq!(export.finish().unwrap().rows, 0);
    }

    #[test]
    fn blank_lines_are_no_rows_and_count_as_lines() {
        let csv = b"\n\r\nid,b\n\n\n1,2\r\n\r\n\n3,4\n\n";
        let export = Export::from_bytes("x.csv", csv.to_vec()).unwrap();
        assert_eq!(export.header_line(), 3);
        assert_eq!(lines(csv), [6, 9]);
    }

    #[test]
    fn ragged_rows_are_handed_over() {
        let found = rows(b"a,b,c\n1,2\n1,2,3,4\n\"\"\n");
        let lens: Vec<usize> = found.iter().map(|row| row.2.len()).collect();
        assert_eq!(lens, [2, 4, 1]);
    }

    #[test]
    fn quotes_in_unquoted_text_are_text() {
        let found = rows(b"a,b,c,d\n5\",\"x, y\", \"z\",d\"\n");
        assert_eq!(found[0].2, ["5\"", "x, y", " \"z\"", "d\""]);
    }

    #[test]
    fn short_lines_inside_quotes_are_text() {
        let found = rows(b"a,b,c,d\n1,\"Hello, you,\nthere, too\n\n\",3,4\n5,6,7,8\n");
        assert_eq!(found[0].2[1], "Hello, you,\nthere, too\n\n");
        assert_eq!(found[1].0, 6);
    }

    #[test]
    fn totals_are_of_the_file_as_it_is_stored() {
        let csv = b"\xEF\xBB\xBFid,b\n1,2\n3,4";
        let (_, totals) = read_all(csv).unwrap();
        assert_eq!((totals.rows, totals.bytes), (2, 15));
        assert!(!totals.has_final_line_end);
        assert!(read_all(b"id\n1\r\n").unwrap().1.has_final_line_end);
        // `printf '\357\273\277id,b\n1,2\n3,4' | sha256sum`
        assert_eq!(totals.sha256, SHA256);
        // The hash is the same when nobody reads the rows.
        let export = Export::from_bytes("x.csv", csv.to_vec()).unwrap();
        assert_eq!(export.finish().unwrap(), totals);
    }

    const SHA256: &str = "8e061814ba883eebb472dc6aa56f2eaf7341103930aa07199969b7c97bd0dac8";

    #[test]
    fn a_file_is_read_like_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("payments.csv");
        let mut csv = b"id,Amount\n".to_vec();
        for i in 0..20_000 {
            csv.extend_from_slice(format!("ch_{i},\"{i}.00\"\r\n").as_bytes());
        }
        std::fs::write(&path, &csv).unwrap();
        let totals = Export::open(&path).unwrap().finish().unwrap();
        assert_eq!(totals, read_all(&csv).unwrap().1);
        assert_eq!((totals.rows, totals.bytes), (20_000, csv.len() as u64));
    }

    #[test]
    fn a_missing_file_and_a_folder_are_named_errors() {
        let folder = tempfile::tempdir().unwrap();
        let error = Export::open(&folder.path().join("no.csv")).unwrap_err();
        assert_eq!(error.code(), ProblemCode::ExportMissing);
        let error = Export::open(folder.path()).unwrap_err();
        assert_eq!(error.code(), ProblemCode::ExportUnreadable);
    }
}

mod refusing {
    use super::*;

    #[test]
    fn what_is_no_csv_is_named() {
        for (bytes, expected) in [
            (&b""[..], "export-empty:-:-: the file is empty"),
            (b"\xEF\xBB\xBF \n\n", "export-empty:-:-: the file is empty"),
            (
                b",, ,\n1,2,3,4\n",
                "header-blank:1:-: the header has no column names",
            ),
            (
                b"\n\"\"\n",
                "header-blank:2:-: the header has no column names",
            ),
            (
                b"id,b\n1,\x002\n",
                "nul-byte:2:-: a NUL byte: this is not plain text",
            ),
            (
                b"i\0d\0,\0",
                "utf-16:-:-: the file is in UTF-16 without a byte-order mark",
            ),
            (
                b"id,b\n1,\"x\nM\xFCller\"\n",
                "not-utf8:3:-: the byte 0xFC is not valid UTF-8 here",
            ),
            (
                b"id,b\n1,caf\xC3",
                "not-utf8:2:-: the byte 0xC3 is not valid UTF-8 here",
            ),
            (
                b"id,b\r1,2\r3,4\r",
                "bare-cr:1:-: a carriage return without a line feed",
            ),
            (
                b"id,b\n1,2\n3,4\r",
                "bare-cr:3:-: a carriage return without a line feed",
            ),
            (
                b"\x1F\x8B\x08",
                "archive-cut-off:-:-: the gzip data are cut off",
            ),
            (
                b"\xFD7zXZ\0\0",
                "compressed:-:-: the file is compressed with xz",
            ),
            (
                b"<html>",
                "not-csv:-:-: the file is not a CSV but HTML or XML",
            ),
        ] {
            assert_eq!(
                error(bytes),
                expected,
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }

    #[test]
    fn a_header_has_a_most_of_columns() {
        let header = |columns: usize| vec!["c"; columns].join(",").into_bytes();
        assert!(read_all(&header(COLUMNS_MOST)).is_ok());
        assert_eq!(
            error(&header(COLUMNS_MOST + 1)),
            "header-too-wide:1:-: the header has 4097 columns; at most 4096 are allowed"
        );
    }

    #[test]
    fn fields_and_rows_have_a_cap() {
        let field_most = guard::FIELD_MOST_BYTES as usize;
        let row_most = guard::ROW_MOST_BYTES as usize;
        let long = "x".repeat(field_most);
        let kept = format!("id,b\n{long},{long}\n{long},1\n");
        assert_eq!(read_all(kept.as_bytes()).unwrap().1.rows, 2);
        assert_eq!(
            error(format!("id,b\n1,2\n1,{long}x\n").as_bytes()),
            "field-too-long:3:2: column 2 `b` has more than 1048576 bytes"
        );
        assert_eq!(
            error(format!("id,b\n1,2\n1{long},2\n").as_bytes()),
            "field-too-long:3:1: column 1 `id` has more than 1048576 bytes"
        );
        // Rows of three columns can't be distinguished from prose, so here the limit finds the
        // quote.
        let swallowed = format!("id,b,c\n1,2,\"3\n{}", "4,5,6\n".repeat(field_most / 5));
        assert_eq!(
            error(swallowed.as_bytes()),
            "field-too-long:2:3: column 3 `c` has more than 1048576 bytes"
        );
        let commas = ",".repeat(row_most);
        assert_eq!(
            error(format!("id,b\n1,2\n{commas}1\n").as_bytes()),
            "row-too-long:3:-: the row has more than 4194304 bytes"
        );
    }

    #[test]
    fn rows_before_a_fault_are_read_and_none_after_it() {
        let csv = b"id,b\n1,2\n3,4\n5,\"6\"7\n8,9\n";
        let mut export = Export::from_bytes("x.csv", &csv[..]).unwrap();
        let mut row = Row::new();
        assert!(export.read_row(&mut row).unwrap());
        assert!(export.read_row(&mut row).unwrap());
        let error = export.read_row(&mut row).unwrap_err();
        assert_eq!(
            (error.code().as_str(), error.line()),
            ("quote-unclosed", Some(4))
        );
        assert_eq!(
            export.read_row(&mut row).unwrap_err().code(),
            ProblemCode::AlreadyFailed
        );
        assert_eq!(
            export.finish().unwrap_err().code(),
            ProblemCode::AlreadyFailed
        );
    }

    #[test]
    fn control_characters_of_a_name_stay_out_of_messages() {
        let message = error(b"id,\x1B[31mred\n1,\"2");
        assert!(message.ends_with("opens column 2 `\\u{1b}[31mred` is never closed"));
    }
}

/// An unclosed quote, in each column of each row, in files that quote nothing, everything, or
/// something, whatever the fields contain: an error at the line where it opens.
mod unclosed {
    use super::*;

    #[derive(Clone, Copy, Debug)]
    enum Content {
        Plain,
        Empty,
        /// Content that begins with a delimiter if the field is quoted.
        DelimiterFirst,
        DelimiterLast,
        /// Content that ends with a line break if the field is quoted.
        BreakLast,
        QuoteFirst,
    }

    /// Returns a file, and the line on which the row with the open quote begins.
    fn file(
        columns: usize,
        rows: usize,
        quoted: impl Fn(usize, usize) -> bool,
        content: Content,
        open: (usize, usize),
    ) -> (String, u64) {
        let mut text = String::new();
        let mut open_line = 0;
        for row in 0..rows {
            for column in 0..columns {
                let is_open = (row, column) == open;
                let quotes = quoted(row, column) || is_open;
                let plain = format!("v{row}{column}");
                let value = match content {
                    Content::Empty if row > 0 => String::new(),
                    Content::DelimiterFirst if quotes => format!(",{plain}"),
                    Content::DelimiterLast if quotes => format!("{plain},"),
                    Content::BreakLast if quotes => format!("{plain}\n"),
                    Content::QuoteFirst if quotes => format!("\"\"{plain}"),
                    _ => plain,
                };
                if column > 0 {
                    text.push(',');
                }
                if is_open {
                    open_line = 1 + text.matches('\n').count() as u64;
                }
                match (quotes, is_open) {
                    (false, _) => text.push_str(&value),
                    (true, false) => text.push_str(&format!("\"{value}\"")),
                    (true, true) => text.push_str(&format!("\"{value}")),
                }
            }
            text.push('\n');
        }
        (text, open_line)
    }

    fn check(columns: usize, quoted: impl Fn(usize, usize) -> bool, content: Content) {
        let rows = 4;
        for row in 0..rows {
            for column in 0..columns {
                let (text, line) = file(columns, rows, &quoted, content, (row, column));
                let error = read_all(text.as_bytes())
                    .expect_err(&format!("{content:?} ({row}, {column}) is read:\n{text}"));
                assert_eq!(
                    (error.code().as_str(), error.line()),
                    ("quote-unclosed", Some(line)),
                    "{content:?} ({row}, {column}): {error}:\n{text}"
                );
            }
        }
    }

    const CONTENTS: [Content; 6] = [
        Content::Plain,
        Content::Empty,
        Content::DelimiterFirst,
        Content::DelimiterLast,
        Content::BreakLast,
        Content::QuoteFirst,
    ];

    #[test]
    fn among_no_other_quotes() {
        for columns in [1, 2, 3, 4, 5, 23] {
            check(columns, |_, _| false, Content::Plain);
            check(columns, |_, _| false, Content::Empty);
        }
    }

    #[test]
    fn where_everything_is_quoted() {
        for columns in [1, 2, 3, 4, 5, 23] {
            for content in CONTENTS {
                check(columns, |_, _| true, content);
            }
        }
    }

    #[test]
    fn where_some_columns_are_quoted() {
        for columns in 2..=6 {
            for mask in 0..1_usize << columns {
                for content in CONTENTS {
                    check(columns, |_, column| (mask >> column) & 1 == 1, content);
                }
            }
        }
    }

    #[test]
    fn where_some_cells_are_quoted() {
        for columns in 2..=6 {
            for seed in 0..30_usize {
                // Any fixed pattern will do.
                let quoted = |row: usize, column: usize| {
                    (((seed * 31 + row * 17 + column * 7) * 2_654_435_761) >> 7) & 3 == 0
                };
                for content in CONTENTS {
                    check(columns, quoted, content);
                }
            }
        }
    }

    /// A stray quote in one row and another one in the same column of a later row: each cell is where it belongs.
    #[test]
    fn rows_between_two_stray_quotes_are_missed() {
        const PLAIN: [&str; 4] = [
            "ch_1,2026-03-02,49.00,a@example.com,disk,in_1",
            "ch_2,2026-03-03,59.00,b@example.com,,in_2",
            "ch_3,2026-03-04,,c@example.com,a 5 inch disk,in_3",
            "ch_4,2026-03-04,7.00,d@example.com,x,in_4",
        ];
        for column in 1..6 {
            for closing in 1..PLAIN.len() {
                let mut rows =
                    PLAIN.map(|row| row.split(',').map(str::to_owned).collect::<Vec<_>>());
                rows[0][column].insert(0, '"');
                rows[closing][column].push('"');
                let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
                let text = format!("id,Date,Net,Email,Note,Invoice\n{}\n", lines.join("\n"));
                let found = error(text.as_bytes());
                let expected = format!("quote-unclosed:2:{}: ", column + 1);
                assert!(found.starts_with(&expected), "{text}\n{found}");
            }
        }
    }

    #[test]
    fn texts_of_several_lines_are_no_rows() {
        for note in [
            "Dear Ana,\nthanks, and see you, in March, at noon",
            "12 Main St, Apt 3\nSpringfield, IL, 62704, USA",
            "ch_9\n1,2,3",
            "in_7, in_8\nin_9, 2026-03-04, 5, x",
            ",\n,,,",
        ] {
            let text = format!(
                "id,Date,Net,Email,Note,Invoice\nch_1,2026-03-02,49.00,a@example.com,\"{note}\",in_1\n"
            );
            assert_eq!(rows(text.as_bytes()).len(), 1, "{note}");
        }
    }

    #[test]
    fn messages_name_the_column() {
        for (bytes, expected) in [
            (
                &b"id,Net,c,d\n1,2,3,\"4\n5,6,7,8\n9,9,9,9\n"[..],
                "quote-unclosed:2:4: column 4 `d` swallows what look like whole rows: the quote \
                 that opens it may never have been closed",
            ),
            (
                b"id,Net\n\n1,\"2\n3,4\n",
                "quote-unclosed:3:2: the quote that opens column 2 `Net` is never closed",
            ),
            (
                b"id,Net\n\"a,1\n\"b\",2\n",
                "quote-unclosed:2:1: text after the closing quote of column 1 `id`: the quote \
                 that opens it may never have been closed",
            ),
            (
                b"id,Net,c,d\n1,\"2,\",3\",4\n",
                "quote-unclosed:2:2: column 2 `Net` seems to end at the opening quote of a later \
                 field: its own quote may never have been closed",
            ),
            (
                b"\"id,Net,c,d\n1,2,3,4\n",
                "quote-unclosed:1:1: column 1 swallows what look like whole rows: the quote that \
                 opens it may never have been closed",
            ),
        ] {
            assert_eq!(error(bytes), expected);
        }
    }
}

/// Packed and encoded files give the same rows as the plain one, or a named error.
mod packed {
    use super::*;

    use std::io::Write;

    /// A row as line and fields, since its byte offset differs between encodings.
    type Read2 = (u64, Vec<String>);

    type Packer = fn(&[u8]) -> Vec<u8>;

    const PACKINGS: [Packer; 5] = [<[u8]>::to_vec, gzip, zstd, parts, deflated];
    const ENCODINGS: [fn(&str) -> Vec<u8>; 4] = [utf_8, utf_8_marked, utf_16_le, utf_16_be];

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    /// Returns two gzip members, as `cat a.gz b.gz` makes them.
    fn parts(bytes: &[u8]) -> Vec<u8> {
        let (one, two) = bytes.split_at(bytes.len() / 2);
        [gzip(one), gzip(two)].concat()
    }

    /// Returns a zip of one export.
    fn deflated(bytes: &[u8]) -> Vec<u8> {
        zip(&[("x.csv", bytes)])
    }

    fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
        for (name, bytes) in members {
            if name.ends_with('/') {
                writer.new_dir(name).create().unwrap();
                continue;
            }
            let (mut entry, config) = writer
                .new_file(name)
                .compression_method(rawzip::CompressionMethod::DEFLATE)
                .start()
                .unwrap();
            let level = flate2::Compression::fast();
            let encoder = flate2::write::DeflateEncoder::new(&mut entry, level);
            let mut content = config.wrap(encoder);
            content.write_all(bytes).unwrap();
            let (encoder, descriptor) = content.finish().unwrap();
            encoder.finish().unwrap();
            entry.finish(descriptor).unwrap();
        }
        writer.finish().unwrap()
    }

    fn utf_8(text: &str) -> Vec<u8> {
        text.as_bytes().to_vec()
    }

    fn utf_8_marked(text: &str) -> Vec<u8> {
        utf_8(&format!("\u{FEFF}{text}"))
    }

    fn utf_16_le(text: &str) -> Vec<u8> {
        let units = "\u{FEFF}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(u16::to_le_bytes).collect()
    }

    fn utf_16_be(text: &str) -> Vec<u8> {
        let units = "\u{FEFF}".encode_utf16().chain(text.encode_utf16());
        units.flat_map(u16::to_be_bytes).collect()
    }

    fn open(bytes: &[u8], declared_encoding: Option<DeclaredEncoding>) -> Exports {
        let reader = io::Cursor::new(bytes.to_vec());
        Exports::from_reader(
            "x",
            Box::new(reader),
            ReadOptions {
                declared_encoding,
                ..ReadOptions::default()
            },
        )
    }

    fn drain(mut export: Export) -> Result<(Vec<Read2>, FileTotals), ExportError> {
        let mut rows = Vec::new();
        let mut row = Row::new();
        while export.read_row(&mut row)? {
            rows.push((row.line(), row.iter().map(str::to_owned).collect()));
        }
        Ok((rows, export.finish()?))
    }

    /// Returns the rows of all exports of a file, or the first error as `path:line:code`.
    fn outcome(
        bytes: &[u8],
        declared_encoding: Option<DeclaredEncoding>,
    ) -> Result<Vec<Read2>, String> {
        let mut rows = Vec::new();
        for export in open(bytes, declared_encoding) {
            let read = export.and_then(drain).map_err(|error| {
                assert!(error.hint().is_some(), "{error}");
                let line = error.line().map_or("-".into(), |line| line.to_string());
                format!("{}:{line}:{}", error.path().display(), error.code())
            });
            rows.extend(read?.0);
        }
        Ok(rows)
    }

    fn code(bytes: &[u8]) -> String {
        outcome(bytes, None).unwrap_err()
    }

    /// Returns a text that is large enough for several chunks of every reader.
    fn long_text() -> String {
        let mut text = "id,näme\n".to_owned();
        for i in 0..9000_u64 {
            let hash = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            text.push_str(&format!("{hash:x},\"é€😀 {i}\r\n,{i}\"\r\n"));
        }
        text
    }

    #[test]
    fn packing_and_encoding_change_no_row() {
        for text in ["id,b\n", "id,b\n1,ä\n\n\"2\n\",😀", &long_text()] {
            let plain = outcome(text.as_bytes(), None).unwrap();
            for encoding in ENCODINGS {
                let encoded = encoding(text);
                for packing in PACKINGS {
                    assert!(outcome(&packing(&encoded), None).as_ref() == Ok(&plain));
                }
            }
        }
    }

    #[test]
    fn windows_1252_is_read_when_it_is_told() {
        let bytes = b"id,name\n1,M\xFCller \x80\n";
        assert_eq!(code(bytes), "x:2:not-utf8");
        let declared_encoding = Some(DeclaredEncoding::Windows1252);
        let row = (2, vec!["1".to_owned(), "Müller €".to_owned()]);
        for packing in PACKINGS {
            assert_eq!(
                outcome(&packing(bytes), declared_encoding),
                Ok(vec![row.clone()])
            );
        }
        let undefined = outcome(b"id,name\n1,2\n3,\"a\nb\x81\"\n", declared_encoding);
        assert_eq!(undefined.unwrap_err(), "x:4:not-windows-1252");
    }

    #[test]
    fn half_a_character_is_told_with_its_line() {
        for (text, line) in [("id,b\n1,2\n", 3), (&*long_text(), 18_002), ("", 1)] {
            for lone in [&[0x00, 0xD8, b'x', 0][..], b"\x00\xDC", b"\x00\xD8", b"x"] {
                let bytes = [utf_16_le(text), lone.to_vec()].concat();
                for bytes in [gzip(&bytes), bytes] {
                    assert_eq!(code(&bytes), format!("x:{line}:utf-16"));
                }
            }
        }
    }

    #[test]
    fn each_csv_of_a_zip_is_an_export_of_its_own() {
        let bytes = zip(&[
            ("2026/", b""),
            ("2026/b.CSV", b"id,b\n1,2\n"),
            ("notes.txt", b"id,b\n"),
            ("__MACOSX/2026/._b.csv", b"\0\x05\x16\x07"),
            ("a\x1B.csv", b"id;b\n3;4\n5;6\n"),
        ]);
        let mut exports = open(&bytes, None);
        let b = exports.next().unwrap().unwrap();
        let notes = ["notes.txt".to_owned()];
        assert_eq!(b.left_out(), Some((Path::new("x"), &notes[..])));
        assert_eq!(b.path(), Path::new("x/2026/b.CSV"));
        let totals = drain(b).unwrap().1;
        assert_eq!(totals, read_all(b"id,b\n1,2\n").unwrap().1);
        let a = exports.next().unwrap().unwrap();
        assert_eq!(a.path(), Path::new("x/a\\u{1b}.csv"));
        assert_eq!(a.left_out(), None);
        assert_eq!(a.finish().unwrap().rows, 2);
        assert!(exports.next().is_none());
    }

    #[test]
    fn a_zip_on_disk_is_read_like_one_on_a_stream() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.zip");
        let text = long_text();
        let members = [("a.csv", text.as_bytes()), ("b.csv", &b"id\n1\n"[..])];
        std::fs::write(&path, zip(&members)).unwrap();
        let rows: Vec<u64> = Exports::open(&path, ReadOptions::default())
            .map(|export| export.unwrap().finish().unwrap().rows)
            .collect();
        assert_eq!(rows, [9000, 1]);
    }

    #[test]
    fn totals_of_a_packed_file_are_of_the_file_as_it_is_stored() {
        let bytes = gzip(b"id\n1\n");
        let totals = Export::from_bytes("x", bytes.clone()).unwrap().finish();
        assert_eq!(totals.unwrap().bytes, bytes.len() as u64);
    }

    #[test]
    fn what_is_packed_twice_is_refused() {
        let csv = b"id,b\n1,2\n";
        for inner in [gzip(csv), zstd(csv), deflated(csv), b"BZh91AY".to_vec()] {
            assert_eq!(code(&gzip(&inner)), "x:-:archive-nested");
            assert_eq!(code(&zstd(&inner)), "x:-:archive-nested");
            assert_eq!(code(&zip(&[("b.csv", &inner)])), "x/b.csv:-:archive-nested");
            // It may contain exports, so it is not skipped.
            let zipped = zip(&[("b.csv", csv), ("inner", &inner)]);
            assert_eq!(code(&zipped), "x/inner:-:archive-nested");
        }
        let workbook = zip(&[("xl/workbook.xml", b""), ("[Content_Types].xml", b"")]);
        assert_eq!(code(&workbook), "x:-:workbook-damaged");
        let beside = zip(&[("b.csv", csv), ("b.xlsx", &workbook)]);
        assert_eq!(code(&beside), "x/b.xlsx:-:workbook-damaged");
    }

    #[test]
    fn an_archive_without_exports_is_an_error() {
        assert_eq!(code(&zip(&[])), "x:-:archive-without-csv");
        assert_eq!(code(&zip(&[("a.txt", b"id\n")])), "x:-:archive-without-csv");
        assert_eq!(code(&gzip(b"")), "x:-:export-empty");
        assert_eq!(code(&zip(&[("a.csv", b"")])), "x/a.csv:-:export-empty");
    }

    #[test]
    fn whatever_is_cut_off_is_an_error() {
        let text = long_text();
        for packing in [gzip, zstd, deflated] {
            let whole = packing(text.as_bytes());
            let step = whole.len() / 60 + 1;
            for cut in (5..whole.len()).step_by(step).chain([whole.len() - 1]) {
                let code = code(&whole[..cut]);
                assert!(code.ends_with(":archive-cut-off"), "{cut}: {code}");
            }
        }
    }

    #[test]
    fn no_changed_byte_changes_a_row() {
        let text = "id,b\n1,a\n22,bb\n333,ccc\n";
        let plain = outcome(text.as_bytes(), None);
        for packing in [gzip, zstd, deflated] {
            let whole = packing(text.as_bytes());
            for at in 0..whole.len() {
                for bit in 0..8 {
                    let mut bytes = whole.clone();
                    bytes[at] ^= 1 << bit;
                    let outcome = outcome(&bytes, None);
                    assert!(
                        outcome.is_err() || outcome == plain,
                        "{at}.{bit}: {outcome:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn bombs_are_stopped() {
        let bytes = [b"id\n".to_vec(), b"\n".repeat(100_000)].concat();
        for (packing, packed) in [(Packing::Gzip, gzip(&bytes)), (Packing::Zstd, zstd(&bytes))] {
            for (most, free, expected) in [
                (90_000, 90_000, "decompresses to more than 90000 bytes"),
                (
                    200_000,
                    50_000,
                    "decompresses to more than 200 times its size",
                ),
            ] {
                let budget = Budget::new(most, free);
                let source = Peeked::new(HashingReader::new(Box::new(io::Cursor::new(
                    packed.clone(),
                ))));
                let mut unpacked = Unpacked::new(source, Some(packing), budget);
                let error = io::copy(&mut unpacked, &mut io::sink()).unwrap_err();
                assert!(error.to_string().ends_with(expected), "{error}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn any_bytes_in_any_packing_give_an_answer_and_always_the_same(
            bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..300), tricky()],
            start in 0..10_usize,
            packing in 0..PACKINGS.len(),
            declared_encoding in prop_oneof![Just(None), Just(Some(DeclaredEncoding::Utf16)), Just(Some(DeclaredEncoding::Windows1252))],
        ) {
            const STARTS: [&[u8]; 10] = [
                b"", b"\xFF\xFE", b"\xFE\xFF", b"\x1F\x8B\x08\0\0\0\0\0\0\0", b"\x28\xB5\x2F\xFD",
                b"\x50\x2A\x4D\x18\x01\0\0\0x", b"PK\x03\x04", b"PK\x05\x06", b"id,b\n", b"\xEF\xBB\xBF",
            ];
            let bytes = PACKINGS[packing](&[STARTS[start], &bytes].concat());
            prop_assert_eq!(outcome(&bytes, declared_encoding), outcome(&bytes, declared_encoding));
        }

        #[test]
        fn damaged_archives_give_an_answer(
            packing in 1..PACKINGS.len(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = PACKINGS[packing](b"id,b\n1,2\n33,44\n555,666\n7777,8888\n");
            for (at, byte) in changes {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
            prop_assert_eq!(outcome(&bytes, None), outcome(&bytes, None));
        }
    }
}

/// A reader that returns bytes in pieces of the given sizes, over and over.
struct Pieces<'a> {
    bytes: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl io::Read for Pieces<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        if self.turn.is_multiple_of(5) {
            return self.bytes.read(&mut buffer[..1]);
        }
        let size = size.min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}

/// Returns the rows and the error of a text that arrives in pieces, as guard and parser give them.
fn walk(bytes: &[u8], sizes: &[usize]) -> (Vec<Read3>, Option<String>) {
    let pieces = Pieces {
        bytes,
        sizes: sizes.to_vec(),
        turn: 0,
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(Guard::new(pieces, b',', 0, 1));
    let mut rows = Vec::new();
    let mut record = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {
                let start = reader.get_mut().next_start().unwrap();
                let fields = record.iter().map(str::to_owned).collect();
                rows.push((start.line, start.byte, fields));
            }
            Ok(false) => {
                assert_eq!(reader.get_mut().next_start(), None);
                return (rows, None);
            }
            Err(_) => {
                let found = reader.get_mut().take_found().unwrap();
                return (rows, Some(format!("{found:?}")));
            }
        }
    }
}

/// Reads strictly, byte by byte: returns the rows of a text with correct quoting, or `None`.
fn strict(bytes: &[u8]) -> Option<Vec<Read3>> {
    let mut rows = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'\n' || bytes[at..].starts_with(b"\r\n") {
            at += 1 + usize::from(bytes[at] == b'\r');
            continue;
        }
        let line = 1 + bytes[..at].iter().filter(|&&b| b == b'\n').count() as u64;
        let start = at as u64;
        let mut fields = Vec::new();
        loop {
            let mut field = Vec::new();
            if bytes.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    match (bytes.get(at)?, bytes.get(at + 1)) {
                        (b'"', Some(b'"')) => at += 2,
                        (b'"', _) => break,
                        _ => at += 1,
                    }
                    field.push(bytes[at - 1]);
                }
                at += 1;
            } else {
                while let Some(byte) = bytes.get(at).filter(|b| !b",\r\n".contains(b)) {
                    field.push(*byte);
                    at += 1;
                }
            }
            fields.push(String::from_utf8(field).ok()?);
            match (bytes.get(at), bytes.get(at + 1)) {
                (Some(b','), _) => at += 1,
                (None | Some(b'\n'), _) => break,
                (Some(b'\r'), Some(b'\n')) => break,
                _ => return None,
            }
        }
        rows.push((line, start, fields));
    }
    Some(rows)
}

/// Generates texts of characters that matter to quoting, and of some that can be cut in the middle.
fn tricky() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(&b","[..]),
        5 => Just(&b"\""[..]),
        4 => Just(&b"\n"[..]),
        2 => Just(&b"\r\n"[..]),
        3 => Just(&b"a"[..]),
        2 => Just(&b"\"x\""[..]),
        1 => Just(&b"bc"[..]),
        1 => Just("é€😀".as_bytes()),
        1 => prop_oneof![Just(&b"\r"[..]), Just(&b"\0"[..]), Just(&b"\xE2\x82"[..]), Just(&b"\xFF"[..])],
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn any_bytes_give_an_answer_and_always_the_same(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let show = |bytes: &[u8]| format!("{:?}", read_all(bytes));
        prop_assert_eq!(show(&bytes), show(&bytes));
    }

    #[test]
    fn pieces_make_no_difference(bytes in tricky(), sizes in prop::collection::vec(1_usize..9, 1..6)) {
        prop_assert_eq!(walk(&bytes, &sizes), walk(&bytes, &[1 << 16]));
    }

    #[test]
    fn what_is_read_is_what_a_strict_reader_reads(bytes in tricky()) {
        let (rows, error) = walk(&bytes, &[1 << 16]);
        match error {
            None => prop_assert_eq!(Some(rows), strict(&bytes)),
            // The rows before the fault are right too.
            Some(_) => {
                let end = rows.last().map_or(0, |row| row.1 as usize);
                let before = strict(&bytes[..end]);
                prop_assert_eq!(Some(&rows[..rows.len().saturating_sub(1)]), before.as_deref());
            }
        }
    }

    #[test]
    fn what_a_writer_writes_is_read_back(
        (columns, cells) in (1_usize..8).prop_flat_map(|columns| {
            let cell = prop_oneof![
                Just(String::new()),
                "[a-z \"]{0,6}",
                "[a-z,;\t\"é]{0,8}",
                "[a-z\"\n\r]{0,8}",
            ];
            let row = (prop::collection::vec(cell, columns), any::<bool>(), any::<bool>(), 0_usize..3);
            (Just(columns), prop::collection::vec(row, 0..20))
        }),
        last_line_ends in any::<bool>(),
    ) {
        let names: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
        let mut bytes = (names.join(",") + "\n").into_bytes();
        let mut expected = Vec::new();
        for (cells, quote_all, crlf, blank_lines) in cells {
            bytes.extend_from_slice("\r\n".repeat(blank_lines).as_bytes());
            let line = 1 + bytes.iter().filter(|&&b| b == b'\n').count() as u64;
            expected.push((line, bytes.len() as u64, cells.clone()));
            let mut writer = csv::WriterBuilder::new()
                .quote_style(if quote_all { csv::QuoteStyle::Always } else { csv::QuoteStyle::Necessary })
                .terminator(if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') })
                .from_writer(&mut bytes);
            writer.write_record(&cells).unwrap();
            drop(writer);
        }
        if !last_line_ends {
            let kept = bytes.trim_ascii_end().len();
            // Only a line end: white space may belong to the last field.
            if bytes[kept..] == *b"\n" || bytes[kept..] == *b"\r\n" {
                bytes.truncate(kept);
            }
        }
        let (rows, totals) = read_all(&bytes).unwrap();
        prop_assert_eq!(&rows, &expected);
        prop_assert_eq!(totals.rows, expected.len() as u64);
        prop_assert_eq!(totals.has_final_line_end, bytes.ends_with(b"\n"));
        prop_assert_eq!(walk(&bytes, &[3, 1, 7]).0.len(), rows.len() + 1);
    }
}
