//! Files of a report that were fixed in a spreadsheet, and saved as it saves them: the whole circle.

use rust_xlsxwriter::{Format, Workbook};

use crate::accept::refuse;
use crate::support::{Place, SandboxProcess};

/// Two sales that are fine, and three rows that are rejected.
const EXPORT: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n\
    sale,s1,,ana@example.com,8.00,USD,2026-03-01 10:00:00\n\
    sale,s2,,jürgen@example.com,19.99x,USD,2026-03-01 11:30:15\n\
    sale,s3,,cyd@example.com,1200.50,USD,2026-13-02 09:00:00\n\
    refund,r1,s1,ana@example.com,2.50,US,2026-03-04 00:00:00\n";

/// What is tracked in the end, by id, cents and date.
fn tracked(place: &Place, folder: &str) -> Vec<String> {
    let records = place.csv(&format!("{folder}/tracked.csv"));
    let of = |name: &str| records[0].iter().position(|is| is == name).unwrap();
    let (id, amount, date) = (of("event_id"), of("amount_cents"), of("created_at"));
    let mut lines: Vec<_> = records[1..]
        .iter()
        .map(|record| format!("{} {} {}", record[id], record[amount], record[date]))
        .collect();
    lines.sort();
    lines
}

fn first_run(place: &Place) {
    place.write("x.csv", EXPORT);
    let run = ["run", "x.csv", "--sandbox", "--yes", "--dir", "one"];
    place.run(&run).expect(1);
    assert_eq!(place.csv("one/rejected.csv").len(), 4);
}

const RIGHT: [&str; 3] = [
    "r1 250 2026-03-04T00:00:00Z",
    "s2 1999 2026-03-01T11:30:15Z",
    "s3 120050 2026-03-02T09:00:00Z",
];

/// Without the seconds of s2, which a spreadsheet does not show.
const RIGHT_TO_THE_MINUTE: [&str; 3] = [
    "r1 250 2026-03-04T00:00:00Z",
    "s2 1999 2026-03-01T11:30:00Z",
    "s3 120050 2026-03-02T09:00:00Z",
];

/// The rows of `rejected.csv` as a German Excel saves them once they are right: with its delimiter, its
/// decimal sign, its dates without seconds.
fn as_german_csv(place: &Place) -> String {
    let rejected = place.csv("one/rejected.csv");
    let mut text = String::new();
    for record in rejected {
        let cells: Vec<String> = record
            .iter()
            .map(|cell| match cell.as_str() {
                "19.99x" => "19,99".to_owned(),
                "1200.50" => "1.200,5".to_owned(),
                "2.50" => "2,5".to_owned(),
                "US" => "USD".to_owned(),
                "2026-03-01 11:30:15" => "01.03.2026 11:30".to_owned(),
                "2026-13-02 09:00:00" => "02.03.2026 09:00".to_owned(),
                "2026-03-04 00:00:00" => "04.03.2026 00:00".to_owned(),
                cell if cell.contains(';') => format!("\"{cell}\""),
                cell => cell.to_owned(),
            })
            .collect();
        text.push_str(&cells.join(";"));
        text.push_str("\r\n");
    }
    text
}

#[test]
fn rejected_rows_come_back_from_a_german_spreadsheet() {
    let place = Place::new();
    first_run(&place);
    let text = as_german_csv(&place);
    place.write("utf8.csv", &format!("\u{feff}{text}"));
    let run = ["run", "utf8.csv", "--sandbox", "--yes", "--dir", "two"];
    place.run(&run).expect(0);
    assert_eq!(tracked(&place, "two"), RIGHT_TO_THE_MINUTE);
}

#[test]
fn rejected_rows_come_back_in_windows_1252_by_the_hint() {
    let place = Place::new();
    first_run(&place);
    let text = as_german_csv(&place);
    let bytes: Vec<u8> = text
        .chars()
        .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?'))
        .collect();
    std::fs::write(place.path("ansi.csv"), bytes).unwrap();
    let said = place
        .run(&["run", "ansi.csv", "--sandbox", "--yes"])
        .expect(3);
    assert!(
        said.stderr().contains("`--encoding windows-1252`"),
        "{}",
        said.stderr()
    );
    let run = [
        "run",
        "ansi.csv",
        "--sandbox",
        "--yes",
        "--dir",
        "two",
        "--encoding",
        "windows-1252",
    ];
    place.run(&run).expect(0);
    assert_eq!(tracked(&place, "two"), RIGHT_TO_THE_MINUTE);
}

#[test]
fn rejected_rows_come_back_as_a_workbook() {
    let place = Place::new();
    first_run(&place);
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let date = Format::new().set_num_format("dd\\.mm\\.yyyy\\ hh:mm");
    for (row, record) in (0..).zip(place.csv("one/rejected.csv")) {
        for (column, cell) in (0..).zip(record) {
            let number: Option<f64> = match cell.as_str() {
                "19.99x" => Some(19.99),
                cell => cell.parse().ok(),
            };
            let serial: Option<f64> = match cell.as_str() {
                "2026-03-01 11:30:15" => Some(46_082.479_340_277_78),
                "2026-13-02 09:00:00" => Some(46_083.375),
                "2026-03-04 00:00:00" => Some(46_085.0),
                _ => None,
            };
            match (number, serial) {
                (_, Some(serial)) => sheet.write_number_with_format(row, column, serial, &date),
                (Some(number), _) => sheet.write_number(row, column, number),
                _ if cell == "US" => sheet.write_string(row, column, "USD"),
                _ => sheet.write_string(row, column, &cell),
            }
            .unwrap();
        }
    }
    workbook.save(place.path("fixed.xlsx")).unwrap();
    let run = ["run", "fixed.xlsx", "--sandbox", "--yes", "--dir", "two"];
    place.run(&run).expect(0);
    assert_eq!(tracked(&place, "two"), RIGHT);
}

/// PayPal's day and time stand in two cells, and the profile writes the month first.
#[test]
fn a_day_and_a_time_in_two_cells_come_back() {
    let place = Place::new();
    place.write(
        "x.csv",
        "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID,Shipping and Handling Amount,Sales Tax,Reference Txn ID\n\
         12/31/2026,21:56:09,PST,Ana,Website Payment,Completed,USD,8.00,ana@example.com,shop@example.com,T1,,,\n\
         12/31/2026,21:56:09,PST,Ben,Website Payment,Completed,USD,9;5,ben@example.com,shop@example.com,T2,,,\n",
    );
    let run = ["run", "x.csv", "--sandbox", "--yes", "--dir", "one"];
    place.run(&run).expect(1);
    let rejected = place.read("one/rejected.csv");
    let header = rejected.lines().next().unwrap().replace(',', ";");
    let row = rejected.lines().nth(1).unwrap();
    let (cells, _) = row.split_once(",x.csv,").unwrap();
    let cells = cells.replace("9;5", "9.5").replace(',', ";");
    let cells = cells
        .replace(";9.5;", ";9,5;")
        .replace("12/31/2026", "31.12.2026");
    place.write("back.csv", &format!("{header}\r\n{cells};x.csv;3;read\r\n"));
    // Its one row fits several profiles; the journal knows which one rejected it.
    let run = ["run", "back.csv", "--sandbox", "--yes", "--dir", "two"];
    place.run(&run).expect(0);
    assert_eq!(tracked(&place, "two"), ["T2 950 2027-01-01T05:56:09Z"]);
}

/// What the API refused goes back in the same way.
#[test]
fn failed_events_come_back_with_semicolons_and_as_a_workbook() {
    for as_workbook in [false, true] {
        let (place, sandbox) = (
            Place::new(),
            SandboxProcess::start(&["--lead-share", "100"]),
        );
        place.write(
            "x.csv",
            "kind,event_id,sale_event_id,email,amount,currency,created_at\nsale,s1,,ana@example.com,8.00,USD,2026-03-01\n",
        );
        refuse(&sandbox, 1);
        let run = ["run", "x.csv", "--yes", "--dir", "one"];
        place.run_to(&sandbox, &run).expect(1);
        let failed = place.csv("one/failed.csv");
        assert_eq!(failed.len(), 2);
        let cell = |cell: &str| {
            cell.replace("800", "900")
                .replace("2026-03-01T00:00:00Z", "01.03.2026 00:00")
        };
        let name = if as_workbook {
            let mut workbook = Workbook::new();
            let sheet = workbook.add_worksheet();
            let date = Format::new().set_num_format("dd\\.mm\\.yyyy");
            for (row, record) in (0..).zip(&failed) {
                for (column, text) in (0..).zip(record) {
                    match (text.parse::<f64>(), text.as_str()) {
                        (Ok(_), "800") => sheet.write_number(row, column, 900.0),
                        (Ok(number), _) => sheet.write_number(row, column, number),
                        (_, "2026-03-01T00:00:00Z") => {
                            sheet.write_number_with_format(row, column, 46_082.0, &date)
                        }
                        (_, text) => sheet.write_string(row, column, text),
                    }
                    .unwrap();
                }
            }
            workbook.save(place.path("back.xlsx")).unwrap();
            "back.xlsx"
        } else {
            let rows = failed.iter().map(|record| {
                let cells: Vec<_> = record.iter().map(|text| cell(text)).collect();
                cells.join(";") + "\r\n"
            });
            place.write("back.csv", &rows.collect::<String>());
            "back.csv"
        };
        let again = ["run", name, "--yes", "--dir", "two"];
        place.run_to(&sandbox, &again).expect(0);
        assert_eq!(tracked(&place, "two"), ["s1 900 2026-03-01T00:00:00Z"]);
    }
}

/// A spreadsheet that expects the day first takes 3 April from `03/04/2026`.
#[test]
fn a_date_in_which_a_spreadsheet_may_have_exchanged_day_and_month_does_not_come_back() {
    let place = Place::new();
    place.write(
        "fprecon.toml",
        "[exports.mine]\nextends = \"generic\"\n[exports.mine.dates]\nformats = [\"%m/%d/%Y\"]\n",
    );
    let header =
        "kind;event_id;sale_event_id;email;amount;currency;created_at;_file;_line;_reason\n";
    let row = |date: &str| format!("sale;s1;;ana@example.com;8,00;USD;{date};x.csv;2;\n");
    place.write("fixed.csv", &(header.to_owned() + &row("03.04.2026")));
    let said = place.run(&["plan", "fixed.csv"]).expect(1).stderr();
    let message = "fixed.csv:2: error: the spreadsheet that saved the file may have taken the day for the month\n  column `created_at`: `03.04.2026`\n  hint: write the date as the export has it, such as `12/31/2026`";
    assert!(said.contains(message), "{said}");
    for (date, day) in [
        ("03/04/2026", "2026-03-04"),
        ("25.03.2026", "2026-03-25"),
        ("04.04.2026", "2026-04-04"),
    ] {
        place.write("fixed.csv", &(header.to_owned() + &row(date)));
        let events = ["plan", "fixed.csv", "--events", "events.csv"];
        place.run(&events).expect(0);
        assert!(place.read("events.csv").contains(day), "{date}");
    }
}

const PAYPAL: &str = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID,Shipping and Handling Amount,Sales Tax,Reference Txn ID\n";

/// A file of rejected rows is read by the profile that rejected them, however a spreadsheet has saved it: as
/// the rows of another country, 3 November would be 11 March.
#[test]
fn rejected_rows_are_read_by_the_profile_that_rejected_them() {
    let (place, sandbox) = (
        Place::new(),
        SandboxProcess::start(&["--lead-share", "100"]),
    );
    let row = |date: &str, kind: &str, gross: &str, id: &str| {
        format!(
            "{date},10:00:00,PST,N,{kind},Completed,USD,{gross},{id}@example.com,shop@example.com,{id},,,\n"
        )
    };
    let export = [
        PAYPAL.to_owned(),
        row("11/03/2026", "Odd", "\"1,204.50\"", "p1"),
        row("11/20/2026", "Website Payment", "12.50", "p2"),
    ];
    place.write("x.csv", &export.concat());
    let run = ["run", "x.csv", "--yes", "--dir", "one"];
    place.run_to(&sandbox, &run).expect(1);
    let header = PAYPAL.trim_end().replace(',', ";");
    let fixed = row("11/03/2026", "Website Payment", "1204_50", "p1");
    let fixed = fixed.trim_end().replace(',', ";").replace('_', ",");
    let text = format!("{header};_file;_line;_reason\r\n{fixed};x.csv;2;odd\r\n");
    place.write("fixed.csv", &text);
    // Without the journal, nothing says which country it is.
    let elsewhere = ["plan", "fixed.csv", "--journal", "other.journal"];
    let said = place.run(&elsewhere).expect(3).stderr();
    assert!(
        said.contains("the header fits `paypal-activity`, "),
        "{said}"
    );
    let run = ["run", "fixed.csv", "--yes", "--dir", "two"];
    let said = place.run_to(&sandbox, &run).expect(0);
    assert!(
        said.stdout().contains("paypal-activity"),
        "{}",
        said.stdout()
    );
    assert_eq!(tracked(&place, "two"), ["p1 120450 2026-11-03T18:00:00Z"]);
}
