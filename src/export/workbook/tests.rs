use std::io::Write as _;

use proptest::prelude::*;

use super::super::{CellKind, Export, ExportError, Row};
use super::*;

const TYPES: &str =
    r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#;
const PACKAGE: &str = r#"<Relationships><Relationship Id="r1" Type="http://x/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#;
const BOOK: &str = r#"<workbook xmlns:r="r"><workbookPr/><sheets><sheet name="Sales" sheetId="1" r:id="s1"/></sheets></workbook>"#;
const INNER: &str = r#"<Relationships><Relationship Id="s1" Type="http://x/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#;
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="dd\.mm\.yyyy\ hh:mm"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="2"/></cellXfs></styleSheet>"#;
const STRINGS: &str = r#"<sst uniqueCount="3"><si><t>id</t></si><si><t>amount</t></si><si><r><t>ch</t></r><r><t>_1</t></r></si></sst>"#;

/// A workbook of these parts, in the place of those that have the same names.
fn workbook(other: &[(&str, &str)]) -> Vec<u8> {
    let usual = [
        ("[Content_Types].xml", TYPES),
        ("_rels/.rels", PACKAGE),
        ("xl/workbook.xml", BOOK),
        ("xl/_rels/workbook.xml.rels", INNER),
        ("xl/styles.xml", STYLES),
        ("xl/sharedStrings.xml", STRINGS),
        ("xl/worksheets/sheet1.xml", ""),
    ];
    let is_replaced = |name: &str| other.iter().any(|(replaced, _)| *replaced == name);
    let kept = usual.iter().filter(|(name, _)| !is_replaced(name));
    let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, text) in kept.chain(other) {
        let (mut entry, config) = writer
            .new_file(name)
            .compression_method(rawzip::CompressionMethod::DEFLATE)
            .start()
            .unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::best());
        let mut content = config.wrap(encoder);
        content.write_all(text.as_bytes()).unwrap();
        let (encoder, descriptor) = content.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap()
}

fn sheet(data: &str) -> String {
    format!("<worksheet><sheetData>{data}</sheetData></worksheet>")
}

fn of_sheet(data: &str) -> Vec<u8> {
    workbook(&[("xl/worksheets/sheet1.xml", &sheet(data))])
}

type Cells = Vec<(u64, Vec<(String, CellKind)>)>;

fn read(bytes: Vec<u8>) -> Result<Cells, ExportError> {
    let mut export = Export::from_bytes("x.xlsx", bytes)?;
    let header = export
        .header()
        .iter()
        .map(|name| (name.clone(), CellKind::Text));
    let mut all = vec![(export.header_line(), header.collect())];
    let mut row = Row::new();
    while export.read_row(&mut row)? {
        let cells = row.iter().enumerate();
        let cells = cells.map(|(at, text)| (text.to_owned(), row.kind(at)));
        all.push((row.line(), cells.collect()));
    }
    export.finish()?;
    Ok(all)
}

fn said(bytes: Vec<u8>) -> String {
    match read(bytes) {
        Ok(cells) => format!("{cells:?}"),
        Err(error) => format!("{}: {error}", error.code()),
    }
}

const HEADER: &str = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>"#;

#[test]
fn cells_are_text_that_knows_what_it_comes_from() {
    use CellKind::{Date, Error, Number, Text};
    let row = |cells: &str| {
        let bytes = of_sheet(&format!("{HEADER}<row r=\"4\">{cells}</row>"));
        read(bytes).unwrap().remove(1)
    };
    let cell = |cell: &str| row(cell).1.remove(0);
    for (xml, text, kind) in [
        (r#"<c r="A4" t="s"><v>2</v></c>"#, "ch_1", Text),
        (
            r#"<c r="A4" t="inlineStr"><is><t> a &amp; b</t></is></c>"#,
            "a & b",
            Text,
        ),
        (r#"<c r="A4" t="str"><f>A1</f><v>x</v></c>"#, "x", Text),
        (r#"<c r="A4" t="b"><v>1</v></c>"#, "true", CellKind::Boolean),
        (
            r#"<c r="A4"><v>19.989999999999998</v></c>"#,
            "19.99",
            Number,
        ),
        (r#"<c r="A4" s="3"><v>49</v></c>"#, "49.00", Number),
        (
            r#"<c r="A4"><v>123456789012345678</v></c>"#,
            "1.23456789012346E+17",
            Number,
        ),
        (r#"<c r="A4" s="1"><v>46082</v></c>"#, "2026-03-01", Date),
        (
            r#"<c r="A4" s="2"><v>46082.5</v></c>"#,
            "2026-03-01 12:00:00",
            Date,
        ),
        (
            r#"<c r="A4" t="d"><v>2026-03-01T12:00:00</v></c>"#,
            "2026-03-01 12:00:00",
            Date,
        ),
        (r##"<c r="A4" t="e"><v>#N/A</v></c>"##, "#N/A", Error),
        (
            r##"<c r="A4" t="e"><f>SORT(B:B)</f><v>#SPILL!</v></c>"##,
            "#SPILL!",
            Error,
        ),
        (r#"<c r="A4"><f>1+1</f></c>"#, "", Error),
        (r#"<c r="A4"><f>1+1</f><v/></c>"#, "", Error),
        (r#"<c r="A4"><f>1+1</f><v>2</v></c>"#, "2", Number),
    ] {
        assert_eq!(cell(xml), (text.to_owned(), kind), "{xml}");
    }
    // The row keeps its number, and has as many cells as the header.
    let (line, cells) = row(r#"<c r="A4"><v>1</v></c>"#);
    assert_eq!((line, cells.len()), (4, 2));
    // Without places, cells stand side by side.
    assert_eq!(row("<c><v>1</v></c><c><v>2</v></c>").1[1].0, "2");
    // Errors that only newer spreadsheets have, one after the other, with a value behind them.
    let errors = row(
        r##"<c r="A4" t="e"><v>#CALC!</v></c><c r="B4" t="e"><v>#GETTING_DATA</v></c><c r="C4"><v>7</v></c>"##,
    );
    let texts: Vec<_> = errors.1.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(texts, ["#CALC!", "#GETTING_DATA", "7"]);
    let unplaced = r##"<row r="4"><c t="e"><v>#SPILL!</v></c><c><v>7</v></c></row>"##;
    let is = said(of_sheet(&format!("{HEADER}{unplaced}")));
    assert!(is.contains("a cell has an error that is not known"), "{is}");
}

#[test]
fn days_are_counted_from_1904_where_the_workbook_says_so() {
    let data = format!(r#"{HEADER}<row r="2"><c r="A2" s="1"><v>44620</v></c></row>"#);
    let book = BOOK.replace("<workbookPr/>", "<workbookPr date1904=\"1\"/>");
    let bytes = workbook(&[
        ("xl/workbook.xml", &book),
        ("xl/worksheets/sheet1.xml", &sheet(&data)),
    ]);
    assert_eq!(read(bytes).unwrap()[1].1[0].0, "2026-03-01");
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for (data, expected) in [
        // Rows and cells that come twice, or go back.
        (
            r#"<row r="2"><c><v>1</v></c></row><row r="2"/>"#,
            "its rows are out of order",
        ),
        (
            r#"<row r="3"><c><v>1</v></c></row><row r="2"/>"#,
            "its rows are out of order",
        ),
        (
            r#"<row r="9999999999"><c><v>1</v></c></row>"#,
            "its rows are out of order",
        ),
        (
            r#"<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>"#,
            "its cells are out of order",
        ),
        (
            r#"<row r="1"><c r="A2"><v>1</v></c></row>"#,
            "its cells are out of order",
        ),
        (
            r#"<row r="1"><c r="ZZZZZZZ1"><v>1</v></c></row>"#,
            "its cells are out of order",
        ),
        (r#"<c r="A1"><v>1</v></c>"#, "its cells are out of order"),
        (
            r#"<row r="1"><c r="A1"><v>1<!-- -->2</v></c></row>"#,
            "a value is in pieces",
        ),
        (
            r#"<row r="1"><c r="A1"><v>&#49;</v></c></row>"#,
            "a value is in pieces",
        ),
        (
            r#"<row r="1"><c r="A1" t="s"><v>99</v></c></row>"#,
            "its cells can't be read",
        ),
        (r#"<row r="1">"#, "a part of it is not XML"),
    ] {
        let is = said(of_sheet(data));
        assert_eq!(
            is,
            format!("workbook-damaged: the workbook can't be read: {expected}"),
            "{data}"
        );
    }
}

#[test]
fn a_workbook_that_would_take_all_memory_is_refused() {
    let hostile = r#"<sst uniqueCount="99999999999999"><si><t>id</t></si></sst>"#;
    let bytes = workbook(&[
        ("xl/sharedStrings.xml", hostile),
        ("xl/worksheets/sheet1.xml", &sheet(HEADER)),
    ]);
    assert_eq!(
        said(bytes),
        "workbook-too-large: the workbook has more than 53687091 texts"
    );

    let deep = "<a>".repeat(100);
    let bytes = workbook(&[
        ("xl/styles.xml", &deep),
        ("xl/worksheets/sheet1.xml", &sheet(HEADER)),
    ]);
    assert!(said(bytes).ends_with("nested too deeply"));

    let entity = r#"<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><sst/>"#;
    let bytes = workbook(&[
        ("xl/sharedStrings.xml", entity),
        ("xl/worksheets/sheet1.xml", &sheet(HEADER)),
    ]);
    assert!(said(bytes).ends_with("declares a document type"));

    // One text without an end.
    let bomb = " ".repeat(20 << 20);
    let bytes = workbook(&[("xl/worksheets/sheet1.xml", &sheet(&bomb))]);
    assert!(bytes.len() < 1 << 20);
    let is = said(bytes);
    assert!(is.starts_with("workbook-too-large: "), "{is}");
}

/// Another list of parts behind the one that is found from the end.
#[test]
fn a_zip_with_two_lists_is_refused() {
    let mut bytes = of_sheet(HEADER);
    bytes.extend(of_sheet(HEADER));
    let is = said(bytes);
    assert!(
        is.starts_with("workbook-damaged: ") || is.starts_with("archive-"),
        "{is}"
    );
}

#[test]
fn other_documents_are_refused_by_name() {
    let word = PACKAGE.replace("xl/workbook.xml", "word/document.xml");
    let binary = PACKAGE.replace("xl/workbook.xml", "xl/workbook.bin");
    for (package, name) in [
        (word, "a Word document"),
        (binary, "a binary Excel workbook (.xlsb)"),
    ] {
        let is = said(workbook(&[("_rels/.rels", &package)]));
        assert_eq!(is, format!("not-csv: the file is not a CSV but {name}"));
    }
}

const TWO: &str = r#"<sheet name="Sales" sheetId="1" r:id="s1"/><sheet name="Notes" sheetId="2" r:id="s2" state="STATE"/>"#;

fn two_sheets(state: &str) -> Vec<u8> {
    let one = r#"<sheet name="Sales" sheetId="1" r:id="s1"/>"#;
    let book = BOOK.replace(one, &TWO.replace("STATE", state));
    let second = r#"<Relationship Id="s2" Type="http://x/relationships/worksheet" Target="/xl/worksheets/sheet2.xml"/></Relationships>"#;
    let inner = INNER.replace("</Relationships>", second);
    workbook(&[
        ("xl/workbook.xml", &book),
        ("xl/_rels/workbook.xml.rels", &inner),
        ("xl/worksheets/sheet1.xml", &sheet(HEADER)),
        ("xl/worksheets/sheet2.xml", &sheet(HEADER)),
    ])
}

#[test]
fn of_several_sheets_one_has_to_be_named() {
    let read = |bytes: Vec<u8>, named: Option<&str>, profiles: &[&str]| {
        let choice = SheetChoice {
            named: named.map(str::to_owned),
            of_profiles: profiles.iter().map(|&name| name.to_owned()).collect(),
        };
        match super::read(&Arc::new(bytes), &choice) {
            Ok(sheet) => format!("{} {:?}", sheet.name, sheet.remarks),
            Err(fault) => fault.to_string(),
        }
    };
    let visible = || two_sheets("visible");
    let several = "the workbook has 2 sheets: `Sales`, `Notes`";
    assert_eq!(read(visible(), None, &[]), several);
    let notes = r#"Notes [OtherSheets(["Sales"])]"#;
    assert_eq!(read(visible(), Some("notes"), &[]), notes);
    assert_eq!(read(visible(), None, &["Notes", "Other"]), notes);
    assert_eq!(read(visible(), None, &["Notes", "Sales"]), several);
    let missing = "the workbook has no sheet `Other`, but `Sales`, `Notes`";
    assert_eq!(read(visible(), Some("Other"), &[]), missing);
    let hidden = read(two_sheets("hidden"), None, &[]);
    assert_eq!(hidden, r#"Sales [HiddenSheets(["Notes"])]"#);
}

#[test]
fn hidden_rows_and_merged_cells_are_said() {
    let data = r#"<row r="1"><c r="A1" t="s"><v>0</v></c></row><row r="2" hidden="1"><c r="A2"><v>1</v></c></row><row r="3" hidden="true"/>"#;
    let xml = format!(
        r#"<worksheet><sheetData>{data}</sheetData><mergeCells count="1"><mergeCell ref="A2:A3"/></mergeCells></worksheet>"#
    );
    let bytes = workbook(&[("xl/worksheets/sheet1.xml", &xml)]);
    let export = Export::from_bytes("x.xlsx", bytes).unwrap();
    let expected = [
        SheetRemark::HiddenRows { count: 2, first: 2 },
        SheetRemark::MergedCells {
            count: 1,
            first: "A2:A3".to_owned(),
        },
    ];
    assert_eq!(export.sheet_remarks(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a part, the workbook is read or refused.
    #[test]
    fn damage_anywhere_is_no_panic(
        part in 0_usize..6, at in any::<prop::sample::Index>(), bytes in prop::collection::vec(0x20_u8..0x7F, 0..6), cut in 0_usize..8,
    ) {
        let data = format!(r#"{HEADER}<row r="2"><c r="A2" s="1"><v>46082</v></c><c r="B2" t="s"><v>2</v></c></row>"#);
        let sheet = sheet(&data);
        let parts = [
            ("_rels/.rels", PACKAGE), ("xl/workbook.xml", BOOK), ("xl/_rels/workbook.xml.rels", INNER),
            ("xl/styles.xml", STYLES), ("xl/sharedStrings.xml", STRINGS), ("xl/worksheets/sheet1.xml", sheet.as_str()),
        ];
        let mut text = parts[part].1.as_bytes().to_vec();
        let at = at.index(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, bytes);
        let text = String::from_utf8_lossy(&text).into_owned();
        let other = if part == 5 { vec![(parts[5].0, text.as_str())] } else { vec![(parts[part].0, text.as_str()), parts[5]] };
        let _read_or_refused = said(workbook(&other));
    }
}
