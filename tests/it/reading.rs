//! Exports as they come: packed, in other encodings, on standard input. Whatever the form, the plan
//! is that of the plain file; what can't be read is refused whole.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::support::{Payment, Place, Ran, SandboxProcess, stripe_export};
use insta::assert_snapshot;
use serde_json::Value;

fn export() -> String {
    let payments: Vec<Payment> = (1..=300)
        .map(|number| {
            let mut payment = Payment::paid(number, number % 40);
            payment.email = format!("jürgen{}@example.com", number % 40);
            if number % 7 == 0 {
                payment.refunded = "5.00".into();
                payment.refunded_at = "2026-04-01 10:00:00".into();
            }
            payment
        })
        .collect();
    stripe_export(&payments)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = rawzip::ZipArchiveWriter::new(Vec::new());
    for (name, bytes) in members {
        let (mut entry, config) = writer
            .new_file(name)
            .compression_method(rawzip::CompressionMethod::DEFLATE)
            .start()
            .unwrap();
        let level = flate2::Compression::best();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, level);
        let mut content = config.wrap(encoder);
        content.write_all(bytes).unwrap();
        let (encoder, descriptor) = content.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    writer.finish().unwrap()
}

fn utf_16(text: &str) -> Vec<u8> {
    let units = "\u{FEFF}".encode_utf16().chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

fn windows_1252(text: &str) -> Vec<u8> {
    text.chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap())
        .collect()
}

/// A plan without what names the file.
#[track_caller]
fn plan_of(ran: Ran) -> Value {
    let mut plan = ran.expect(0).json();
    let events = plan["events"]["by_kind"]["sale"]["count"].clone();
    assert_eq!(events, 300, "{plan:#}");
    for input in plan["inputs"].as_array_mut().unwrap() {
        input["path"] = Value::Null;
        input["sha256"] = Value::Null;
    }
    plan
}

fn events_of(place: &Place) -> Vec<Vec<String>> {
    let mut events = place.csv("events.csv");
    let file = events[0].iter().position(|name| name == "file");
    for event in &mut events {
        if let Some(file) = file {
            event.remove(file);
        }
    }
    events
}

/// Every form of one export, with the options that it takes.
fn forms() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let text = export();
    let plain = text.as_bytes();
    let told: &[&str] = &["--encoding", "windows-1252"];
    vec![
        ("x.csv", plain.to_vec(), &[]),
        ("x.csv.gz", gzip(plain), &[]),
        ("x.csv.zst", zstd(plain), &[]),
        ("x.zip", zip(&[("x.csv", plain)]), &[]),
        ("x.txt", utf_16(&text), &[]),
        ("x.utf-16.gz", gzip(&utf_16(&text)), &[]),
        ("x.utf-16.zip", zip(&[("x.csv", &utf_16(&text))]), &[]),
        ("x.1252.csv", windows_1252(&text), told),
        ("x.1252.zst", zstd(&windows_1252(&text)), told),
        // What counts is what is in it, not what it is called.
        ("called.csv", gzip(plain), &[]),
        ("called.gz", zip(&[("x.csv", plain)]), &[]),
        ("called.zip", plain.to_vec(), &[]),
    ]
}

#[test]
fn the_plan_of_every_form_is_that_of_the_plain_file() {
    let place = Place::new();
    let (mut plan, mut events) = (None, None);
    for (name, bytes, options) in forms() {
        fs::write(place.path(name), &bytes).unwrap();
        let arguments = ["plan", "--json", name, "--events", "events.csv"];
        let read = plan_of(place.run(&[&arguments[..], options].concat()));
        assert_eq!(*plan.get_or_insert_with(|| read.clone()), read, "{name}");
        let read = events_of(&place);
        assert_eq!(*events.get_or_insert_with(|| read.clone()), read, "{name}");
    }
}

#[test]
fn standard_input_takes_every_form() {
    let place = Place::new();
    let mut plan = None;
    for (name, bytes, options) in forms() {
        let mut command = place.command(&[&["plan", "--json", "-"], options].concat());
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let read = plan_of(Ran(child.wait_with_output().unwrap()));
        assert_eq!(*plan.get_or_insert_with(|| read.clone()), read, "{name}");
    }
}

/// One sale in each of two files, and a refund of the first in the second.
fn sale_and_refund() -> (String, String) {
    const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";
    let sales = format!("{HEADER}sale,s_1,,a@example.com,20.00,USD,2026-03-01\n");
    let refunds = format!("{HEADER}refund,re_1,s_1,a@example.com,5.00,USD,2026-03-02\n");
    (sales, refunds)
}

#[test]
fn the_files_of_a_zip_are_one_job() {
    let place = Place::new();
    let (sales, refunds) = sale_and_refund();
    let members = [
        ("2026/refunds.csv", refunds.as_bytes()),
        ("2026/sales.csv", sales.as_bytes()),
    ];
    fs::write(place.path("all.zip"), zip(&members)).unwrap();

    let plan = place.run(&["plan", "--json", "all.zip"]).expect(0).json();
    assert_eq!(plan["events"]["by_plan"]["to_send"], 2, "{plan:#}");
    let paths: Vec<&Value> = plan["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| &input["path"])
        .collect();
    assert_eq!(
        paths,
        ["all.zip/2026/refunds.csv", "all.zip/2026/sales.csv"]
    );
    // The hash of a member is that of the file in it.
    place.write("refunds.csv", &refunds);
    let alone = place
        .run(&["plan", "--json", "refunds.csv"])
        .expect(1)
        .json();
    assert_eq!(alone["inputs"][0]["sha256"], plan["inputs"][0]["sha256"]);

    let run = ["run", "all.zip", "--sandbox", "--yes", "--json"];
    place.run(&run).expect(0);
    let again = place.run(&run).expect(0).json();
    assert_eq!(again["events"]["by_plan"]["to_send"], 0, "{again:#}");
}

#[test]
fn a_refund_in_one_archive_meets_its_sale_in_another() {
    let place = Place::new();
    let (sales, refunds) = sale_and_refund();
    fs::write(place.path("a.csv.gz"), gzip(refunds.as_bytes())).unwrap();
    fs::write(place.path("b.csv.gz"), zstd(sales.as_bytes())).unwrap();
    let plan = place.run(&["plan", "--json", "*.gz"]).expect(0).json();
    assert_eq!(plan["events"]["by_plan"]["to_send"], 2, "{plan:#}");
}

#[test]
fn what_is_left_out_of_a_zip_is_said() {
    let place = Place::new();
    let (sales, _) = sale_and_refund();
    let members = [
        ("read me.txt", &b"hello"[..]),
        ("sales.csv", sales.as_bytes()),
        ("old/notes.bak", &b"bye"[..]),
    ];
    fs::write(place.path("all.zip"), zip(&members)).unwrap();
    let planned = place.run(&["plan", "--json", "all.zip"]).expect(0);
    assert_snapshot!(planned.stderr(), @r"
        all.zip: warning: members of the archive that are not exports are left out: `read me.txt`, `old/notes.bak`
          hint: no profile fits them; if one of them is an export, unpack the archive, and `fprecon init FILE` proposes a profile for it
        ");
    assert_eq!(
        planned.json()["problems"][0]["code"],
        "archive-member-skipped"
    );
    let checked = place.run(&["profiles", "check", "all.zip"]).expect(0);
    assert!(checked.stderr().contains("`old/notes.bak`"));
}

/// What a plan says, where a run says the same and leaves nothing behind.
#[track_caller]
fn refused(bytes: &[u8], options: &[&str]) -> String {
    let place = Place::new();
    fs::write(place.path("x"), bytes).unwrap();
    let planned = place.run(&[&["plan", "x"], options].concat()).expect(3);
    let run = [&["run", "x", "--sandbox", "--yes"], options].concat();
    assert_eq!(place.run(&run).expect(3).stderr(), planned.stderr());
    assert_eq!(fs::read_dir(place.root()).unwrap().count(), 1);
    planned.stderr()
}

#[test]
fn what_is_cut_off_or_damaged_is_refused() {
    let text = export();
    let plain = text.as_bytes();
    for packed in [gzip(plain), zstd(plain), zip(&[("x.csv", plain)])] {
        for cut in [packed.len() / 2, packed.len() - 1] {
            let said = refused(&packed[..cut], &[]);
            assert!(said.contains(" data are cut off\n  hint: "), "{said}");
        }
        let mut damaged = packed.clone();
        damaged[packed.len() / 2] ^= 0x55;
        let said = refused(&damaged, &[]);
        assert!(
            said.starts_with("x") && said.contains("\n  hint: "),
            "{said}"
        );
    }
}

#[test]
fn bombs_are_refused() {
    // Blank lines are no rows: nothing but the archive itself can be what stops this.
    let bytes = [&b"event_id,email\n"[..], &vec![b'\n'; 80 * 1024 * 1024]].concat();
    assert_snapshot!(refused(&zstd(&bytes), &[]), @r"
        x: error: the file decompresses to more than 200 times its size
          hint: this is unusual for an export; if it is one, decompress it and name the CSV
        ");
    assert_snapshot!(refused(&zip(&[("x.csv", &bytes)]), &[]), @r"
        x/x.csv: error: the file decompresses to more than 200 times its size
          hint: this is unusual for an export; if it is one, decompress it and name the CSV
        ");
}

#[test]
fn encodings_that_do_not_fit_are_refused() {
    let mut half = utf_16("event_id,email\ns_1,");
    half.extend([0x00, 0xDC, b'x', 0]);
    assert_snapshot!(refused(&half, &[]), @r"
        x:2: error: not valid UTF-16: truncated code unit
          hint: save it as UTF-8; in Excel: `CSV UTF-8 (Comma delimited)`
        ");
    assert_snapshot!(refused(&utf_16(&export())[2..], &[]), @r"
        x: error: the file is in UTF-16 without a byte-order mark
          hint: save it as UTF-8; in Excel: `CSV UTF-8 (Comma delimited)`
        ");
    let told = ["--encoding", "windows-1252"];
    assert_snapshot!(refused(b"event_id,email\ns_1,\x81@example.com\n", &told), @r"
        x:2: error: the byte 0x81 is not defined in Windows-1252
          hint: leave out `--encoding`, or save it as UTF-8
        ");
    let told = ["--encoding", "utf-16"];
    assert_snapshot!(refused(b"event_id,email\n", &told), @r"
        x: error: UTF-16 begins with a byte-order mark, but the file does not
          hint: leave out `--encoding`; UTF-16 with a byte-order mark is detected
        ");
}

/// Tapes and some servers fill up a packed file with zeros.
#[test]
fn zeros_behind_a_gzip_file_are_no_damage() {
    let place = Place::new();
    let csv = "kind,event_id,sale_event_id,email,amount,currency,created_at\nsale,s1,,ana@example.com,8.00,USD,2026-03-01\n";
    let mut bytes = gzip(csv.as_bytes());
    bytes.extend([0; 4096]);
    fs::write(place.path("x.csv.gz"), &bytes).unwrap();
    let said = place.run(&["plan", "x.csv.gz"]).expect(0);
    assert!(said.stdout().contains("8.00"), "{}", said.stdout());
    bytes.push(1);
    fs::write(place.path("x.csv.gz"), &bytes).unwrap();
    place.run(&["plan", "x.csv.gz"]).expect(3);
    // Nothing is cut off where something else follows.
    let followed = [gzip(csv.as_bytes()), b"something else".to_vec()].concat();
    let said = refused(&followed, &[]);
    assert!(
        said.starts_with("x: error: something else follows the gzip data"),
        "{said}"
    );
}

/// A title, an empty line and a header; `init` finds the line that the setting names.
#[test]
fn lines_above_the_header_are_found_by_init_and_skipped() {
    let place = Place::new();
    let csv = "Sales of March\n\nOrder,Customer email,Amount,Currency,Paid on\n1,ana@example.com,8.00,USD,2026-03-01\n2,ben@example.com,9.00,USD,2026-03-14\n";
    place.write("x.csv", csv);
    place.run(&["plan", "x.csv"]).expect(3);
    place.run(&["init", "x.csv"]).expect(0);
    assert!(place.read("fprecon.toml").contains("skip_lines = 2"));
    let said = place.run(&["plan", "x.csv"]).expect(0);
    assert!(said.stdout().contains("17.00"), "{}", said.stdout());
}

/// Each is refused by name, by every command that reads exports.
#[test]
fn exports_that_only_look_like_payments_are_refused_by_name() {
    for file in [
        "shopify-payment-transactions",
        "square-transactions",
        "stripe-application-fees",
        "paypal-disputes",
    ] {
        let place = Place::new();
        let sample = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/exports/");
        fs::copy(format!("{sample}{file}.csv"), place.path("x.csv")).unwrap();
        for command in [
            &["plan", "x.csv"][..],
            &["run", "x.csv", "--sandbox", "--yes"],
        ] {
            let ran = place.run(command).expect(3);
            let said = ran.stderr();
            assert!(
                said.starts_with("x.csv:1: error: this is "),
                "{file}: {said}"
            );
            assert!(said.contains("\n  hint: "), "{file}: {said}");
        }
    }
}

/// Files that were put together from several have a header in their midst.
#[test]
fn a_header_in_the_midst_of_a_file_is_not_a_row() {
    let place = Place::new();
    let header = "kind,event_id,email,amount,currency,created_at,mrr";
    let first = format!("{header}\nsale,s1,ana@example.com,8.00,USD,2026-03-01,1.00\n");
    let second = "sale,s2,ben@example.com,9.00,USD,2026-03-01,2.00\n";
    place.write("same.csv", &format!("{first}{header}\n{second}"));
    let plan = place.run(&["plan", "same.csv", "--json"]).expect(0).json();
    assert_eq!(plan["rows"]["ignored"], 1, "{plan}");
    assert_eq!(plan["events"]["by_plan"]["to_send"], 2, "{plan}");

    let moved = "kind,event_id,email,mrr,currency,created_at,amount";
    let other = "sale,s2,ben@example.com,2.00,USD,2026-03-01,9.00\n";
    place.write("both.csv", &format!("{first}{moved}\n{other}"));
    let ran = place.run(&["plan", "both.csv"]).expect(3);
    assert!(
        ran.stderr().contains("both.csv:3: error"),
        "{}",
        ran.stderr()
    );

    // As the hint says.
    place.write("one.csv", &first);
    place.write("two.csv", &format!("{moved}\n{other}"));
    let plan = place
        .run(&["plan", "one.csv", "two.csv", "--json"])
        .expect(0)
        .json();
    let sent = &plan["events"]["by_kind"]["sale"]["amount_cents"]["USD"];
    assert_eq!(*sent, 1700, "{plan}");
}

#[test]
fn row_27_a_file_that_ends_within_its_last_amount_is_not_read_as_it_is() {
    let header = "event_id,email,currency,created_at,amount";
    let row = |id: &str, amount: &str| {
        format!("\n{id},{id}@example.com,USD,2026-03-01T10:00:00Z,{amount}")
    };
    let export = |amounts: &[&str], last: &str| {
        let rows = ["a", "b", "c"].iter().zip(amounts);
        let above: String = rows.map(|(id, amount)| row(id, amount)).collect();
        format!("{header}{above}{}", row("last", last))
    };
    let plain = "warning: the last line has no line end\n";
    let open =
        "warning: the last line has no line end, and nothing shows that its `amount` is whole\n";
    let cut = "the amount is cut off: all others have 2 decimals";
    let padded: &[&str] = &["10.00", "7.95", "20.10"];
    for (amounts, last, code, said) in [
        (padded, "1308.26", 0, plain),
        (padded, "1308.2", 1, cut),
        (padded, "1308.", 1, cut),
        (padded, "13", 1, cut),
        (padded, "\"1308.2\"", 0, plain),
        (&["19.99", "8.5", "20"], "30.2", 0, open),
        (&["5000", "200", "70"], "95", 0, open),
        (&[], "30.20", 0, plain),
        (&[], "30", 0, open),
    ] {
        let place = Place::new();
        let whole = export(amounts, last);
        place.write("x.csv", &whole);
        let ran = place.run(&["plan", "x.csv", "--json"]).expect(code);
        assert!(ran.stderr().contains(said), "{last}: {}", ran.stderr());
        let with_events = amounts.len() as u64 + u64::from(code == 0);
        assert_eq!(ran.json()["rows"]["with_events"], with_events, "{last}");
        // The same file with a line end is read.
        place.write("y.csv", &format!("{whole}\n"));
        let ran = place.run(&["plan", "y.csv"]);
        assert!(!ran.stderr().contains("line end"), "{}", ran.stderr());
    }
    // A refund that is the last column, and is lost before its first digit.
    let place = Place::new();
    let header = "id,Created date (UTC),Amount,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID,Amount Refunded";
    let row = |id: u32, refunded: &str| {
        format!(
            "\nch_{id},2026-03-01 10:00:00,20.00,usd,true,Paid,cus_{id},c{id}@example.com,in_{id},{refunded}"
        )
    };
    let rows = [row(1, "0.00"), row(2, "0.00"), row(3, "5.00"), row(4, "")];
    place.write("x.csv", &format!("{header}{}", rows.concat()));
    let ran = place.run(&["plan", "x.csv"]).expect(1);
    assert!(
        ran.stderr().contains("x.csv:5: error: "),
        "{}",
        ran.stderr()
    );
}

/// A number that is not shown as a date may be counted from another day than the workbook counts from.
#[test]
fn a_bare_number_of_a_workbook_from_1904_is_not_read_as_a_day() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.mine]\nextends = \"generic\"\n[exports.mine.dates]\nformats = [\"spreadsheet-serial\"]\n",
    );
    let text = |text: &str| format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let names = ["event_id", "email", "currency", "amount", "created_at"];
    let header: String = names.into_iter().map(text).collect();
    let row = ["s1", "ana@example.com", "USD"].map(text).concat();
    let sheet = format!(
        "<worksheet><sheetData><row>{header}</row><row>{row}<c><v>8</v></c><c><v>46082</v></c></row></sheetData></worksheet>"
    );
    let workbook = |properties: &str| {
        let book = format!(
            "<workbook xmlns:r=\"r\">{properties}<sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"s1\"/></sheets></workbook>"
        );
        let list = |id: &str, kind: &str, target: &str| {
            format!(
                "<Relationships><Relationship Id=\"{id}\" Type=\"http://x/relationships/{kind}\" Target=\"{target}\"/></Relationships>"
            )
        };
        zip(&[
            ("[Content_Types].xml", b"<Types/>"),
            (
                "_rels/.rels",
                list("r1", "officeDocument", "xl/workbook.xml").as_bytes(),
            ),
            ("xl/workbook.xml", book.as_bytes()),
            (
                "xl/_rels/workbook.xml.rels",
                list("s1", "worksheet", "worksheets/sheet1.xml").as_bytes(),
            ),
            ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
        ])
    };
    fs::write(place.path("x.xlsx"), workbook("<workbookPr/>")).unwrap();
    let ran = place.run(&["plan", "x.xlsx", "--events", "events.csv"]);
    ran.expect(0);
    assert_eq!(events_of(&place)[1][10], "2026-03-01T00:00:00Z");
    let from_1904 = workbook("<workbookPr date1904=\"true\"/>");
    fs::write(place.path("x.xlsx"), from_1904).unwrap();
    let said = place.run(&["plan", "x.xlsx"]).expect(1).stderr();
    let expected = "x.xlsx:2: error: the workbook counts days from 1904, and this number is not shown as a date: it may be counted from 1900\n  column `created_at`: `46082`";
    assert!(said.contains(expected), "{said}");
}

const OWN: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

/// The emails of the events that are planned.
fn emails(place: &Place, arguments: &[&str], code: i32) -> Vec<String> {
    let mut all = vec!["plan", "--events", "events.csv"];
    all.extend(arguments);
    place.run(&all).expect(code);
    let events = place.csv("events.csv");
    let email = events[0].iter().position(|name| name == "email").unwrap();
    let mut emails: Vec<_> = events[1..].iter().map(|row| row[email].clone()).collect();
    emails.sort();
    emails
}

/// `--encoding` is for all files of a call, and only some of them may be in Windows-1252.
#[test]
fn utf_8_is_never_read_as_windows_1252() {
    let place = Place::new();
    let sale = |id: &str, email: &str| format!("{OWN}sale,{id},,{email},8.00,USD,2026-03-01\n");
    let ansi = windows_1252(&sale("s1", "jürgen@müller.de"));
    fs::write(place.path("ansi.csv"), ansi).unwrap();
    place.write("utf8.csv", &sale("s2", "björn@müller.de"));
    let arguments = ["ansi.csv", "utf8.csv", "--encoding", "windows-1252"];
    assert_eq!(
        emails(&place, &arguments, 0),
        ["björn@müller.de", "jürgen@müller.de"]
    );
    let said = place.run(&[&["plan"][..], &arguments].concat()).expect(0);
    assert_snapshot!(said.stderr().lines().take(2).collect::<Vec<_>>().join("\n"), @r"
        utf8.csv: warning: the letters of the file are UTF-8, and it is read as UTF-8 in spite of `--encoding windows-1252`
          hint: leave `--encoding` out, unless another file needs it
        ");
    // Half of a file in each is neither.
    let mixed = [
        sale("s2", "björn@müller.de").into_bytes(),
        windows_1252("sale,s3,,jürgen@müller.de,8.00,USD,2026-03-01\n"),
    ];
    let told = ["--encoding", "windows-1252"];
    assert_snapshot!(refused(&mixed.concat(), &told), @r"
        x:3: error: the byte 0xFC is not valid UTF-8, and the letters before it are
          hint: save it as UTF-8, and leave out `--encoding`
        ");
}

/// What fprecon writes is UTF-8, whatever the export was.
#[test]
fn the_command_for_rejected_rows_of_a_windows_1252_export_reads_them_as_they_are() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let export = format!("{OWN}sale,s1,,jürgen@müller.de,8.0x,USD,2026-03-01\n");
    fs::write(place.path("x.csv"), windows_1252(&export)).unwrap();
    let run = [
        "run",
        "x.csv",
        "--encoding",
        "windows-1252",
        "--yes",
        "--dir",
        "one",
    ];
    let said = place.run_to(&sandbox, &run).expect(1).stdout();
    let command = said
        .lines()
        .find(|line| line.contains("fprecon run one/rejected.csv"));
    assert!(
        !command
            .unwrap_or_else(|| panic!("{said}"))
            .contains("--encoding"),
        "{said}"
    );
    let fixed = place.read("one/rejected.csv").replace("8.0x", "8.00");
    place.write("one/rejected.csv", &fixed);
    // The command that earlier versions printed is as good.
    for more in [&[][..], &["--encoding", "windows-1252"]] {
        let email = [&["one/rejected.csv"], more].concat();
        assert_eq!(emails(&place, &email, 0), ["jürgen@müller.de"]);
    }
}

#[test]
fn the_members_of_a_zip_are_read_as_the_files_of_a_folder() {
    let place = Place::new();
    let sale = |id: &str| format!("{OWN}sale,{id},,{id}@example.com,8.00,USD,2026-03-01\n");
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, line) in (0..).zip(sale("book").lines()) {
        for (column, cell) in (0..).zip(line.split(',')) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    let book = workbook.save_to_buffer().unwrap();
    let texts = ["csv", "txt", "tsv", "none"].map(sale);
    let tabs = texts[2].replace(',', "\t");
    let members: [(&str, &[u8]); 7] = [
        ("p.csv", texts[0].as_bytes()),
        ("Download.TXT", texts[1].as_bytes()),
        ("data.tsv", tabs.as_bytes()),
        ("pay", texts[3].as_bytes()),
        ("q.xlsx", &book),
        (
            "read me.txt",
            b"Hello, this is the export of March, as you asked.",
        ),
        ("logo.png", b"\x89PNG\r\n\x1a\n"),
    ];
    fs::write(place.path("all.zip"), zip(&members)).unwrap();
    let expected = ["book", "csv", "none", "tsv", "txt"].map(|id| format!("{id}@example.com"));
    assert_eq!(emails(&place, &["all.zip"], 0), expected);
    let said = place.run(&["plan", "all.zip"]).expect(0).stderr();
    assert!(
        said.contains("left out: `read me.txt`, `logo.png`"),
        "{said}"
    );
    // A workbook is one by what is in it; what is named as an export and is none is an error.
    fs::write(place.path("book.zip"), zip(&[("q.csv", &book[..])])).unwrap();
    assert_eq!(emails(&place, &["book.zip"], 0), ["book@example.com"]);
    let members = [members[0], ("notes.tsv", &b"a\tb\n1\t2\n"[..])];
    fs::write(place.path("bad.zip"), zip(&members)).unwrap();
    let said = place.run(&["plan", "bad.zip"]).expect(3).stderr();
    assert!(
        said.starts_with("bad.zip/notes.tsv:1: error: the header fits no profile"),
        "{said}"
    );
}
