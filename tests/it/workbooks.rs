//! Workbooks (`.xlsx`): read as the CSV is that says the same, or refused with what to do.

use std::path::Path;

use rust_xlsxwriter::{Format, Formula, Workbook, Worksheet};

use crate::support::Place;

const HEADER: [&str; 7] = [
    "kind",
    "event_id",
    "sale_event_id",
    "email",
    "amount",
    "currency",
    "created_at",
];

/// What is written into a cell.
enum Is<'t> {
    Text(&'t str),
    Number(f64),
    Shown(f64, &'t str),
    Truth(bool),
    /// A formula with the value that it was saved with.
    Formula(&'t str, &'t str),
}

use Is::{Formula as Computed, Number, Shown, Text, Truth};

fn write_row(sheet: &mut Worksheet, row: u32, cells: &[Is<'_>]) {
    for (column, cell) in (0..).zip(cells) {
        match cell {
            Text("") => {}
            Text(text) => drop(sheet.write_string(row, column, *text).unwrap()),
            Truth(value) => drop(sheet.write_boolean(row, column, *value).unwrap()),
            Number(number) => drop(sheet.write_number(row, column, *number).unwrap()),
            Shown(number, format) => {
                let format = Format::new().set_num_format(*format);
                sheet
                    .write_number_with_format(row, column, *number, &format)
                    .unwrap();
            }
            Computed(formula, value) => {
                let formula = Formula::new(*formula).set_result(*value);
                sheet.write_formula(row, column, formula).unwrap();
            }
        }
    }
}

/// Saves a workbook with one sheet: a header and rows.
fn save(path: &Path, header: &[&str], rows: &[Vec<Is<'_>>]) {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let names: Vec<_> = header.iter().map(|&name| Text(name)).collect();
    write_row(sheet, 0, &names);
    for (row, cells) in (1..).zip(rows) {
        write_row(sheet, row, cells);
    }
    workbook.save(path).unwrap();
}

fn sale<'t>(id: Is<'t>, amount: Is<'t>, date: Is<'t>) -> Vec<Is<'t>> {
    vec![
        Text("sale"),
        id,
        Text(""),
        Text("ana@example.com"),
        amount,
        Text("USD"),
        date,
    ]
}

const DAY: &str = "dd\\.mm\\.yyyy";

/// The events of `plan` as lines of id, amount and date.
fn events(place: &Place, arguments: &[&str], code: i32) -> Vec<String> {
    let mut all = vec!["plan", "--events", "events.csv"];
    all.extend(arguments);
    place.run(&all).expect(code);
    let records = place.csv("events.csv");
    let of = |name: &str| records[0].iter().position(|is| is == name).unwrap();
    let (id, cents, date) = (of("event_id"), of("amount_cents"), of("created_at"));
    let line = |record: &Vec<String>| format!("{} {} {}", record[id], record[cents], record[date]);
    let mut lines: Vec<_> = records[1..].iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn numbers_and_dates_are_those_of_the_cells() {
    let place = Place::new();
    let day = || Shown(46_082.0, DAY);
    save(
        &place.path("x.xlsx"),
        &HEADER,
        &[
            sale(Text("s1"), Number(19.99), Shown(46_082.5, "m/d/yyyy h:mm")),
            sale(
                Text("s2"),
                Computed("=0.1+0.2", "0.30000000000000004"),
                day(),
            ),
            sale(Number(9_856_044.0), Number(5.0), Text("2026-03-02")),
            sale(Shown(42.0, "000000"), Shown(1200.0, "\"$\"#,##0.00"), day()),
        ],
    );
    assert_eq!(
        events(&place, &["x.xlsx"], 0),
        [
            "000042 120000 2026-03-01T00:00:00Z",
            "9856044 500 2026-03-02T00:00:00Z",
            "s1 1999 2026-03-01T12:00:00Z",
            "s2 30 2026-03-01T00:00:00Z",
        ]
    );
}

#[test]
fn what_a_cell_does_not_say_exactly_is_rejected_with_its_row() {
    let place = Place::new();
    let day = || Shown(46_082.0, DAY);
    save(
        &place.path("x.xlsx"),
        &HEADER,
        &[
            sale(Text("s1"), Number(23.7881), day()),
            sale(Number(1_234_567_890_123_456_789.0), Number(5.0), day()),
            sale(Text("s3"), Computed("=1/0", "#DIV/0!"), day()),
            sale(Text("s4"), Shown(5.0, "#,##0.00\\ [$€-407]"), day()),
        ],
    );
    let said = place.run(&["plan", "x.xlsx"]).expect(1).stderr();
    for part in [
        "x.xlsx:2: error: too many decimals in the amount: 4, but USD has 2\n  column `amount`: `23.7881`",
        "x.xlsx:3: error: a spreadsheet has turned this id into a number and lost its last digits\n  column `event_id`: `1.23456789012346E+18`",
        "x.xlsx:4: error: the cell has an error of the spreadsheet\n  column `amount`: `#DIV/0!`",
        "x.xlsx:5: error: unexpected `€` in an amount\n  column `amount`: `€5.00`",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
}

/// A spreadsheet that expects the day first takes 3 April from `03/04/2026`, and leaves `03/25/2026` as text.
#[test]
fn days_that_a_spreadsheet_may_have_exchanged_with_months_are_rejected() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.mine]\nextends = \"generic\"\n[exports.mine.dates]\nformats = [\"%m/%d/%Y\"]\n",
    );
    let third_of_april = || Shown(46_115.0, "dd/mm/yyyy");
    let twenty_fifth = Shown(46_106.0, "dd/mm/yyyy");
    let mut rows = vec![
        sale(Text("s1"), Number(8.0), third_of_april()),
        sale(Text("s2"), Number(9.0), Text("03/25/2026")),
    ];
    save(&place.path("x.xlsx"), &HEADER, &rows);
    let said = place.run(&["plan", "x.xlsx"]).expect(1).stderr();
    let doubt = "x.xlsx:2: error: a spreadsheet may have taken the day for the month: it left other dates of the column as text\n  column `created_at`: `2026-04-03`";
    assert!(said.contains(doubt), "{said}");
    assert_eq!(
        events(&place, &["x.xlsx"], 1),
        ["s2 900 2026-03-25T00:00:00Z"]
    );
    // Another day of the column shows that the spreadsheet took no day for a month.
    rows.push(sale(Text("s3"), Number(7.0), twenty_fifth));
    save(&place.path("y.xlsx"), &HEADER, &rows);
    assert_eq!(events(&place, &["y.xlsx"], 0).len(), 3);
}

/// The profile of a German list reads the numbers and days of a workbook as what they are.
#[test]
fn a_profile_with_a_decimal_comma_reads_numbers_as_they_are() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.liste]\nextends = \"generic\"\n[exports.liste.columns]\nevent_id = \"Beleg\"\nemail = \"Mail\"\namount = \"Betrag\"\ncreated_at = \"Datum\"\n[exports.liste.money]\ncurrency = \"EUR\"\n[exports.liste.money.format]\ndecimal = \",\"\nthousands = \".\"\n[exports.liste.dates]\nformats = [\"%d.%m.%Y\"]\n",
    );
    let header = ["Beleg", "Mail", "Betrag", "Datum"];
    let mail = || Text("ana@example.com");
    save(
        &place.path("x.xlsx"),
        &header,
        &[
            vec![Text("r1"), mail(), Number(1234.5), Shown(46_082.0, DAY)],
            vec![Text("r2"), mail(), Text("1.234,50"), Text("02.03.2026")],
            vec![Text("r3"), mail(), Number(1.234), Shown(46_082.0, DAY)],
        ],
    );
    let right = [
        "r1 123450 2026-03-01T00:00:00Z",
        "r2 123450 2026-03-02T00:00:00Z",
    ];
    assert_eq!(events(&place, &["x.xlsx"], 1), right);
    // What is rejected is written as the profile reads it, so that it can be handed back.
    let run = ["run", "x.xlsx", "--sandbox", "--yes", "--dir", "reports"];
    place.run(&run).expect(1);
    let rejected = place.read("reports/rejected.csv");
    assert!(
        rejected.contains("r3,ana@example.com,\"1,234\",01.03.2026,x.xlsx,4,"),
        "{rejected}"
    );
}

#[test]
fn of_several_sheets_the_hint_leads_to_the_right_one() {
    let place = Place::new();
    let mut workbook = Workbook::new();
    for (name, amount) in [("Notes", 1.0), ("It's paid", 8.0)] {
        let sheet = workbook.add_worksheet().set_name(name).unwrap();
        let names: Vec<_> = HEADER.iter().map(|&name| Text(name)).collect();
        write_row(sheet, 0, &names);
        let cells = sale(Text("s1"), Shown(amount, "0.00"), Shown(46_082.0, DAY));
        write_row(sheet, 1, &cells);
    }
    workbook.save(place.path("x.xlsx")).unwrap();
    let said = place.run(&["plan", "x.xlsx"]).expect(3).stderr();
    assert_eq!(
        said,
        "x.xlsx: error: the workbook has 2 sheets: `Notes`, `It's paid`\n  hint: name the sheet with the payments: `--sheet Notes`; for good, set `sheet = \"Notes\"` under `[exports.NAME]` of your profile\n"
    );
    let right = ["s1 800 2026-03-01T00:00:00Z"];
    assert_eq!(
        events(&place, &["x.xlsx", "--sheet", "It's paid"], 0),
        right
    );
    let said = place
        .run(&["plan", "x.xlsx", "--sheet", "It's paid"])
        .expect(0);
    let left_out = "x.xlsx: warning: other sheets are not read: `Notes`\n";
    assert!(said.stderr().contains(left_out), "{}", said.stderr());
    let missing = place.run(&["plan", "x.xlsx", "--sheet", "Paid"]).expect(3);
    assert!(missing.stderr().starts_with(
        "x.xlsx: error: the workbook has no sheet `Paid`, but `Notes`, `It's paid`\n"
    ));
    place.write(
        "fprecon.toml",
        "[exports.mine]\nextends = \"generic\"\nsheet = \"It's paid\"\n",
    );
    assert_eq!(events(&place, &["x.xlsx"], 0), right);
}

#[test]
fn hidden_rows_and_merged_cells_are_said_and_count() {
    let place = Place::new();
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let names: Vec<_> = HEADER.iter().map(|&name| Text(name)).collect();
    write_row(sheet, 0, &names);
    for (row, id) in [(1, "s1"), (2, "s2")] {
        write_row(
            sheet,
            row,
            &sale(Text(id), Shown(8.0, "0.00"), Shown(46_082.0, DAY)),
        );
    }
    sheet.set_row_hidden(2).unwrap();
    sheet
        .merge_range(4, 0, 5, 0, "end", &Format::new())
        .unwrap();
    workbook.save(place.path("x.xlsx")).unwrap();
    let ran = place.run(&["plan", "x.xlsx"]).expect(1);
    let said = ran.stderr();
    assert!(
        said.contains("x.xlsx:3: warning: 1 hidden row is read like the others\n"),
        "{said}"
    );
    assert!(said.contains("x.xlsx: warning: the cells A5:A6 are merged: only the first cell of a range has a value\n"), "{said}");
    assert!(ran.stdout().contains("2 with events"), "{}", ran.stdout());
}

#[test]
fn a_workbook_on_standard_input_and_below_a_title_is_read() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.mine]\nextends = \"generic\"\nskip_lines = 2\n",
    );
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_string(0, 0, "Sales of March").unwrap();
    let names: Vec<_> = HEADER.iter().map(|&name| Text(name)).collect();
    write_row(sheet, 2, &names);
    write_row(
        sheet,
        3,
        &sale(Text("s1"), Shown(8.0, "0.00"), Shown(46_082.0, DAY)),
    );
    workbook.save(place.path("x.xlsx")).unwrap();
    let right = ["s1 800 2026-03-01T00:00:00Z"];
    assert_eq!(events(&place, &["x.xlsx"], 0), right);
    let mut command = place.command(&["plan", "-"]);
    command.stdin(std::fs::File::open(place.path("x.xlsx")).unwrap());
    let ran = crate::support::Ran(command.output().unwrap()).expect(0);
    assert!(ran.stdout().contains("8.00"), "{}", ran.stdout());
}

#[test]
fn other_files_of_spreadsheets_are_refused_by_name() {
    let place = Place::new();
    let mut old = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec();
    old.resize(600, 0);
    let mut open = b"PK\x03\x04..........................mimetypeapplication/vnd.oasis.opendocument.spreadsheet".to_vec();
    open.resize(600, 0);
    for (name, bytes, is) in [
        (
            "x.xls",
            old,
            "an Excel workbook of the old kind (.xls), or one with a password",
        ),
        ("x.ods", open, "an OpenDocument file (.ods)"),
    ] {
        std::fs::write(place.path(name), bytes).unwrap();
        let said = place.run(&["plan", name]).expect(3).stderr();
        let right = format!(
            "{name}: error: the file is not a CSV but {is}\n  hint: download or save the export as CSV, or as an Excel workbook (.xlsx)\n"
        );
        assert_eq!(said, right);
    }
}

/// A spreadsheet makes a day of `3-2`, and a number of `1.50`: what was written is lost.
#[test]
fn ids_that_a_spreadsheet_has_made_something_else_are_rejected() {
    let place = Place::new();
    let date = || Text("2026-03-01");
    let rows = vec![
        sale(Shown(46_083.0, "d\\-mmm"), Number(10.0), date()),
        sale(Shown(0.75, "hh:mm"), Number(11.0), date()),
        sale(Truth(true), Number(12.0), date()),
        sale(Number(1001.5), Number(13.0), date()),
        sale(Number(1002.0), Number(14.0), date()),
        sale(Text("3-2"), Number(15.0), date()),
    ];
    save(&place.path("orders.xlsx"), &HEADER, &rows);
    let events = events(&place, &["orders.xlsx"], 1);
    let day = "2026-03-01T00:00:00Z";
    assert_eq!(
        events,
        [format!("1002 1400 {day}"), format!("3-2 1500 {day}")]
    );
    let ran = place.run(&["plan", "orders.xlsx"]).expect(1);
    for became in [
        "a date",
        "a time",
        "a truth value",
        "a number with a fraction",
    ] {
        let said = format!("a spreadsheet has turned this id into {became}");
        assert!(ran.stderr().contains(&said), "{said}: {}", ran.stderr());
    }
}

/// Dates and amounts are cells, not text: PayPal's profiles for several countries read the same.
#[test]
fn profiles_that_read_the_same_are_no_question() {
    let place = Place::new();
    let header = [
        "Date",
        "Time",
        "TimeZone",
        "Name",
        "Type",
        "Status",
        "Currency",
        "Gross",
        "From Email Address",
        "To Email Address",
        "Transaction ID",
        "Shipping and Handling Amount",
        "Sales Tax",
        "Reference Txn ID",
    ];
    let row = |day: f64, id: &'static str| {
        vec![
            Shown(day, DAY),
            Shown(0.5, "hh:mm:ss"),
            Text("PST"),
            Text("N"),
            Text("Website Payment"),
            Text("Completed"),
            Text("USD"),
            Number(12.5),
            Text("ana@example.com"),
            Text("shop@example.com"),
            Text(id),
            Number(0.0),
            Number(0.0),
            Text(""),
        ]
    };
    // 20 November and 3 November.
    save(
        &place.path("x.xlsx"),
        &header,
        &[row(46_346.0, "p1"), row(46_329.0, "p2")],
    );
    let read = events(&place, &["x.xlsx"], 0);
    let expected = [
        "p1 1250 2026-11-20T20:00:00Z",
        "p2 1250 2026-11-03T20:00:00Z",
    ];
    assert_eq!(read, expected);
    let said = place.run(&["plan", "x.xlsx"]).expect(0).stdout();
    assert!(said.contains("would fit, too, and read the same"), "{said}");
}
