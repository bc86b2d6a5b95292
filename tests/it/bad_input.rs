//! Every way in which an input can be wrong, by the smallest input that is: what the program says
//! and what it exits with.

use std::fs;
use std::path::PathBuf;

use crate::support::{Place, Ran, SandboxProcess};
use insta::assert_snapshot;

const HEADER: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID,Refunded date (UTC)";
const GENERIC: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

/// A payment that is fine but for the cells that a test changes.
struct Row([String; 11]);

fn paid() -> Row {
    let cells = [
        "ch_1",
        "2026-03-01 10:00:00",
        "20.00",
        "0.00",
        "usd",
        "true",
        "Paid",
        "cus_1",
        "a@example.com",
        "in_1",
        "",
    ];
    Row(cells.map(str::to_owned))
}

impl Row {
    fn with(mut self, column: &str, value: &str) -> Self {
        let index = HEADER.split(',').position(|name| name == column).unwrap();
        self.0[index] = value.to_owned();
        self
    }
}

fn stripe(rows: &[Row]) -> String {
    let lines = rows.iter().map(|row| row.0.join(",") + "\n");
    format!("{HEADER}\n{}", lines.collect::<String>())
}

/// What there is to read: the exit code and standard error.
fn said(ran: &Ran) -> String {
    assert!(!ran.stderr().contains("panicked"), "{}", ran.stderr());
    format!("exit {}\n{}", ran.code(), ran.stderr())
}

/// Plans one export of these bytes, in a folder of its own.
fn plan(bytes: impl AsRef<[u8]>) -> String {
    let place = Place::new();
    fs::write(place.path("x.csv"), bytes).unwrap();
    plan_in(&place, &["x.csv"])
}

/// Plans, and where that is refused sees that a run is refused alike and leaves nothing behind.
fn plan_in(place: &Place, arguments: &[&str]) -> String {
    let before = files(place);
    let planned = place.run(&[&["plan", "--json"], arguments].concat());
    if planned.code() == 3 {
        let run = place.run(&[&["run", "--sandbox", "--yes"], arguments].concat());
        assert_eq!(said(&run), said(&planned));
    }
    assert_eq!(files(place), before, "nothing is written");
    said(&planned)
}

fn files(place: &Place) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![place.root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}

mod files_that_are_no_csv {
    use super::*;

    #[test]
    fn missing() {
        assert_snapshot!(plan_in(&Place::new(), &["x.csv"]), @r"
            exit 3
            x.csv: error: the file does not exist
              hint: check the path
            ");
    }

    #[test]
    fn a_pattern_that_matches_nothing() {
        assert_snapshot!(plan_in(&Place::new(), &["*.csv"]), @r"
            exit 3
            *.csv: error: no file matches this pattern
              hint: check the folder and the ending
            ");
    }

    #[test]
    fn a_folder_without_exports() {
        let place = Place::new();
        fs::create_dir(place.path("exports")).unwrap();
        assert_snapshot!(plan_in(&place, &["exports"]), @r"
            exit 3
            exports: error: no export is in this folder
              hint: check the folder; folders inside it and hidden files are not read
            ");
    }

    #[test]
    fn several_at_once() {
        let place = Place::new();
        place
            .write("empty.csv", "")
            .write("good.csv", &stripe(&[paid()]));
        assert_snapshot!(plan_in(&place, &["good.csv", "empty.csv", "no.csv"]), @r"
            exit 3
            empty.csv: error: the file is empty
              hint: download the export again; one without payments still has a header
            no.csv: error: the file does not exist
              hint: check the path
            ");
    }

    #[test]
    fn empty() {
        assert_snapshot!(plan(""), @r"
            exit 3
            x.csv: error: the file is empty
              hint: download the export again; one without payments still has a header
            ");
    }

    #[test]
    fn white_space() {
        assert_snapshot!(plan(" \r\n\t\n"), @r"
            exit 3
            x.csv: error: the file is empty
              hint: download the export again; one without payments still has a header
            ");
    }

    #[test]
    fn pdf() {
        assert_snapshot!(plan("%PDF-1.7\n"), @r"
            exit 3
            x.csv: error: the file is not a CSV but a PDF
              hint: download or save the export as CSV, or as an Excel workbook (.xlsx)
            ");
    }

    #[test]
    fn html() {
        assert_snapshot!(plan("<!doctype html><title>Sign in</title>"), @r"
            exit 3
            x.csv: error: the file is not a CSV but HTML or XML
              hint: download or save the export as CSV, or as an Excel workbook (.xlsx)
            ");
    }

    #[test]
    fn json() {
        assert_snapshot!(plan("{\"data\": []}"), @r"
            exit 3
            x.csv: error: the file is not a CSV but JSON
              hint: download or save the export as CSV, or as an Excel workbook (.xlsx)
            ");
    }

    #[test]
    fn workbook() {
        assert_snapshot!(plan(b"PK\x03\x04..........................[Content_Types].xml"), @r"
            exit 3
            x.csv: error: the zip data are cut off
              hint: the download was not complete; download it again
            ");
    }

    #[test]
    fn zip() {
        assert_snapshot!(plan(b"PK\x03\x04..........................payments.csv"), @r"
            exit 3
            x.csv: error: the zip data are cut off
              hint: the download was not complete; download it again
            ");
    }

    #[test]
    fn gzip() {
        assert_snapshot!(plan(b"\x1F\x8B\x08\0\0\0"), @r"
            exit 3
            x.csv: error: the gzip data are cut off
              hint: the download was not complete; download it again
            ");
    }

    #[test]
    fn bzip2() {
        assert_snapshot!(plan(b"BZh91AY&SY"), @r"
            exit 3
            x.csv: error: the file is compressed with bzip2
              hint: decompress it first and name the CSV inside; gzip, zstd and zip are read directly
            ");
    }

    #[test]
    fn utf_16() {
        let text = format!("\u{FEFF}{}", stripe(&[paid()]));
        let mut bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        bytes.pop();
        assert_snapshot!(plan(bytes), @r"
            exit 3
            x.csv:2: error: not valid UTF-16: truncated code unit
              hint: save it as UTF-8; in Excel: `CSV UTF-8 (Comma delimited)`
            ");
    }

    #[test]
    fn latin_1() {
        let mut bytes = stripe(&[paid().with("Customer Email", "caf@example.com")]).into_bytes();
        let place = bytes.windows(4).position(|four| four == b"caf@").unwrap();
        bytes.insert(place + 3, 0xE9);
        assert_snapshot!(plan(bytes), @r"
            exit 3
            x.csv:2: error: the byte 0xE9 is not valid UTF-8 here
              hint: if it is Windows-1252, add `--encoding windows-1252`; else save it as UTF-8
            ");
    }

    #[test]
    fn nul() {
        assert_snapshot!(plan(stripe(&[paid().with("Customer ID", "cus\0")])), @r"
            exit 3
            x.csv:2: error: a NUL byte: this is not plain text
              hint: save it as CSV in UTF-8
            ");
    }

    #[test]
    fn bare_carriage_return() {
        assert_snapshot!(plan(stripe(&[paid()]).replace('\n', "\r")), @r"
            exit 3
            x.csv:1: error: a carriage return without a line feed
              hint: save it with Windows or Unix line ends (CRLF or LF)
            ");
    }
}

mod headers {
    use super::*;

    #[test]
    fn no_profile_fits() {
        assert_snapshot!(plan(stripe(&[paid()]).replace("Status", "State")), @r"
            exit 3
            x.csv:1: error: the header fits no profile: `stripe-payments` comes closest, but the header lacks `Status`
              column `header`: `id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,State,Customer ID…`
              hint: export the file again with those columns, or name your columns in `[exports.…]` of fprecon.toml; `fprecon profiles check x.csv` says why each profile does not fit
            ");
    }

    #[test]
    fn nothing_comes_close() {
        assert_snapshot!(plan("Name,Colour\nsky,blue\n"), @r"
            exit 3
            x.csv:1: error: the header fits no profile, and none comes close
              column `header`: `Name,Colour`
              hint: is the first line the header? `fprecon init x.csv` proposes a profile for it; `fprecon profiles list` names the exports that are read without one
            ");
    }

    #[test]
    fn a_row_and_no_header() {
        assert_snapshot!(plan("ch_1,2026-03-01 10:00:00,20.00\n"), @r"
            exit 3
            x.csv:1: error: the header fits no profile: none has any of its columns
              column `header`: `ch_1,2026-03-01 10:00:00,20.00`
              hint: is the first line the header? `fprecon init x.csv` proposes a profile for it; `fprecon profiles list` names the exports that are read without one
            ");
    }

    #[test]
    fn blank() {
        assert_snapshot!(plan(",,\n1,2,3\n"), @r"
            exit 3
            x.csv:1: error: the header has no column names
              hint: the names of the columns must be the first line; remove what is above it
            ");
    }

    #[test]
    fn a_column_twice() {
        assert_snapshot!(plan(stripe(&[paid()]).replace("Invoice ID", "Amount")), @r"
            exit 3
            x.csv:1: error: the header fits no profile: `stripe-payments` comes closest, but the header has `Amount` more than once
              column `header`: `id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer I…`
              hint: export the file again with those columns, or name your columns in `[exports.…]` of fprecon.toml; `fprecon profiles check x.csv` says why each profile does not fit
            ");
    }

    #[test]
    fn an_optional_column_twice() {
        let text = stripe(&[paid()]).replace("Refunded date (UTC)", "Invoice ID");
        assert_snapshot!(plan(text), @r"
            exit 3
            x.csv:1: error: the header fits no profile: `stripe-payments` comes closest, but the header has `Invoice ID` more than once
              column `header`: `id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer I…`
              hint: export the file again with those columns, or name your columns in `[exports.…]` of fprecon.toml; `fprecon profiles check x.csv` says why each profile does not fit
            ");
    }

    #[test]
    fn the_named_profile_does_not_fit() {
        let place = Place::new();
        place.write("x.csv", &stripe(&[paid()]));
        assert_snapshot!(plan_in(&place, &["x.csv", "--profile", "generic"]), @r"
            exit 3
            x.csv:1: error: the header does not fit the profile `generic`: it lacks `event_id`, `email` or `uid`
              hint: name the columns in a profile that extends it, or leave `--profile` out
            ");
    }

    #[test]
    fn header_without_rows() {
        assert_snapshot!(plan(stripe(&[])), @r"
            exit 0
            x.csv: warning: the export has a header and no rows
              hint: check the dates that it was exported for
            ");
    }
}

mod rows {
    use super::*;

    #[test]
    fn unclosed_quote() {
        let text = stripe(&[paid().with("Customer Email", "\"a@example.com"), paid()]);
        assert_snapshot!(plan(text), @r"
            exit 3
            x.csv:2: error: column 9 `Customer Email` swallows what look like whole rows: the quote that opens it may never have been closed
              column `Customer Email`
              hint: close the quote; if the field is right as it is, remove its delimiters or line breaks
            ");
    }

    #[test]
    fn too_few_fields() {
        assert_snapshot!(plan(stripe(&[paid()]) + "ch_2,2026-03-01 10:00:00,20.00\n"), @r"
            exit 1
            x.csv:3: error: the row has 3 fields and the header has 11
              hint: the row may be cut off; fix it or export the file again
            ");
    }

    #[test]
    fn too_many_fields() {
        assert_snapshot!(plan(stripe(&[paid().with("Amount", "1,234.56")])), @r"
            exit 1
            x.csv:2: error: the row has 12 fields and the header has 11
              hint: a cell may hold a delimiter without quotes; fix the row or export the file again
            ");
    }

    #[test]
    fn no_line_end() {
        assert_snapshot!(plan(stripe(&[paid()]).trim_end()), @r"
            exit 0
            x.csv: warning: the last line has no line end
              hint: if the download was cut off, its last row may be too; export the file again
            ");
    }

    #[test]
    fn unknown_status() {
        assert_snapshot!(plan(stripe(&[paid().with("Status", "Blocked")])), @r#"
            exit 1
            x.csv:2: error: unknown value `Blocked` in `Status`
              hint: what are such rows? Add the table to `fprecon.toml`, if it is not there, and one of the lines to it:
                [exports.stripe-payments.read_as.status]
                "Blocked" = "Paid"                      # a sale
                "Blocked" = "Failed"                    # ignored: payment failed
                "Blocked" = "Pending"                   # ignored: payment pending
                "Blocked" = "canceled"                  # ignored: payment canceled
                "Blocked" = "requires_action"           # ignored: payment not completed
                "Blocked" = "requires_capture"          # ignored: payment not captured
                "Blocked" = { ignore = "your reason" }  # not an event
            "#);
    }

    #[test]
    fn unknown_currency() {
        assert_snapshot!(plan(stripe(&[paid().with("Currency", "usdt")])), @r"
            exit 1
            x.csv:2: error: not an ISO 4217 currency code
              column `Currency`: `usdt`
              hint: use a three-letter code such as `USD`
            ");
    }

    #[test]
    fn dates() {
        for (value, snapshot) in [
            ("03/01/2026 10:00", "month or day first?"),
            ("2026-02-30 10:00:00", "no such day"),
            ("26-03-01 10:00:00", "the year 26"),
        ] {
            let text = plan(stripe(&[paid().with("Created date (UTC)", value)]));
            assert!(
                text.starts_with("exit 1\nx.csv:2: error: "),
                "{snapshot}: {text}"
            );
        }
        let text = plan(stripe(&[
            paid().with("Created date (UTC)", "03/01/2026 10:00")
        ]));
        assert_snapshot!(text, @r"
            exit 1
            x.csv:2: error: not a date in the format of this export
              column `Created date (UTC)`: `03/01/2026 10:00`
              hint: dates in this export look like `2026-12-31 23:59:59` or `2026-12-31 23:59`; a spreadsheet may have changed it, and the order of day and month is ambiguous: export the file again
            ");
    }

    #[test]
    fn damaged_id() {
        let row = paid().with("Invoice ID", "\"1,23456765432346E+021\"");
        assert_snapshot!(plan(stripe(&[row])), @r"
            exit 1
            x.csv:2: error: a spreadsheet has turned this id into a number and lost its last digits
              column `Invoice ID`: `1,23456765432346E+021`
              hint: export the file again and don't open it in a spreadsheet
            ");
    }

    #[test]
    fn damaged_customer_id() {
        let row = paid().with("Customer ID", "1.23457E+15");
        assert_snapshot!(plan(stripe(&[row])), @r"
            exit 1
            x.csv:2: error: a spreadsheet has turned this id into a number and lost its last digits
              column `Customer ID`: `1.23457E+15`
              hint: export the file again and don't open it in a spreadsheet
            ");
    }

    #[test]
    fn no_id() {
        let row = paid().with("id", "").with("Invoice ID", "");
        assert_snapshot!(plan(stripe(&[row])), @r"
            exit 1
            x.csv:2: error: the sale has no id: nothing in `Invoice ID` or `id`
              hint: without an id, two events can't be distinguished; add an id to the row
            ");
    }

    #[test]
    fn no_customer() {
        let row = paid().with("Customer ID", "").with("Customer Email", " ");
        assert_snapshot!(plan(stripe(&[row])), @r"
            exit 0
            x.csv:2: warning: the row has no email and no customer id
              hint: it can't belong to a lead; add the email to the row if it should count
            ");
    }

    #[test]
    fn succeeded_without_a_charge() {
        let row = paid().with("id", "").with("Status", "succeeded");
        assert_snapshot!(plan(stripe(&[row])), @r"
            exit 0
            x.csv:2: warning: a payment that succeeded has no charge id, so it can't be told apart from others
              hint: look it up in Stripe; if it is a sale of its own, send it with a custom CSV
            ");
    }
}

mod amounts {
    use super::*;

    fn amount(value: &str, currency: &str) -> String {
        plan(stripe(&[paid()
            .with("Amount", value)
            .with("Currency", currency)]))
    }

    #[test]
    fn exponent() {
        assert_snapshot!(amount("1e3", "usd"), @r"
            exit 1
            x.csv:2: error: unexpected `e` in an amount
              column `Amount`: `1e3`
              hint: amounts in this export look like `1234.56`
            ");
    }

    #[test]
    fn not_a_number() {
        assert_snapshot!(amount("NaN", "usd"), @r"
            exit 1
            x.csv:2: error: unexpected `N` in an amount
              column `Amount`: `NaN`
              hint: amounts in this export look like `1234.56`
            ");
    }

    #[test]
    fn currency_sign() {
        assert_snapshot!(amount("$5", "usd"), @r"
            exit 1
            x.csv:2: error: unexpected `$` in an amount
              column `Amount`: `$5`
              hint: amounts in this export look like `1234.56`
            ");
    }

    #[test]
    fn thousands() {
        assert_snapshot!(amount("\"1,234.56\"", "usd"), @r"
            exit 1
            x.csv:2: error: unexpected `,` in an amount
              column `Amount`: `1,234.56`
              hint: amounts in this export look like `1234.56`
            ");
    }

    #[test]
    fn parentheses() {
        assert_snapshot!(amount("(5.00)", "usd"), @r"
            exit 1
            x.csv:2: error: unexpected `(` in an amount
              column `Amount`: `(5.00)`
              hint: amounts in this export look like `1234.56`
            ");
    }

    #[test]
    fn negative() {
        assert_snapshot!(amount("-5", "usd"), @r"
            exit 1
            x.csv:2: error: the amount of a sale must be above zero
              column `Amount`: `-5`
              hint: if money was refunded, make the row a refund, with the id of its sale and the amount without a sign; else look up the amount and correct it
            ");
    }

    #[test]
    fn three_decimals() {
        assert_snapshot!(amount("5.001", "usd"), @r#"
            exit 1
            x.csv:2: error: the amount could be 5001: USD has 2 decimals, and three digits follow the separator
              column `Amount`: `5.001`
              hint: look it up at the provider; if it is 5001, set `decimal = ","` and `thousands = "."`, under `[exports.mine.money.format]`, with `extends = "stripe-payments"` under `[exports.mine]`
            "#);
    }

    #[test]
    fn decimals_of_a_currency_without() {
        assert_snapshot!(amount("500.50", "jpy"), @r"
            exit 1
            x.csv:2: error: too many decimals in the amount: 2, but JPY has 0
              column `Amount`: `500.50`
              hint: amounts in this export look like `1234`
            ");
    }

    #[test]
    fn a_third_decimal_that_the_api_does_not_take() {
        assert_snapshot!(amount("5.001", "kwd"), @r"
            exit 0
            warning: 1 sale, 5.00 KWD: the third decimal is cut off, because the Tracking API takes hundredths of KWD
            warning: 1 sale, 5.00 KWD: not in USD; sent unconverted
              hint: `foreign` under `[currencies]` of fprecon.toml can be `send`, `convert` or `hold`
            ");
    }

    #[test]
    fn too_large() {
        assert_snapshot!(amount("92233720368547758.08", "usd"), @r"
            exit 1
            x.csv:2: error: the amount is too large
              column `Amount`: `92233720368547758.08`
              hint: amounts in this export look like `1234.56`
            ");
    }

    #[test]
    fn empty() {
        assert_snapshot!(amount("", "usd"), @r"
            exit 1
            x.csv:2: error: the amount is empty
              column `Amount`: ``
              hint: amounts in this export look like `1234.56`
            ");
    }

    #[test]
    fn refunded_and_nothing_refunded() {
        assert_snapshot!(plan(stripe(&[paid().with("Status", "Refunded")])), @r"
            exit 1
            x.csv:2: error: the status is `Refunded`, but the refunded amount is zero
              column `Amount Refunded`: `0.00`
              hint: look up the charge in Stripe and write the refunded amount into `Amount Refunded`
            ");
    }

    #[test]
    fn refunded_and_not_how_much() {
        let row = paid()
            .with("Status", "Refunded")
            .with("Amount Refunded", "");
        assert_snapshot!(plan(stripe(&[row])), @r"
            exit 1
            x.csv:2: error: the status is `Refunded`, but the refunded amount is missing
              column `Amount Refunded`: ``
              hint: look up the charge in Stripe and write the refunded amount into `Amount Refunded`
            ");
    }

    #[test]
    fn refunded_below_zero() {
        assert_snapshot!(plan(stripe(&[paid().with("Amount Refunded", "-5.00")])), @r"
            exit 1
            x.csv:2: error: the refunded amount is below zero
              column `Amount Refunded`: `-5.00`
              hint: look up the refunded amount, write it into `Amount Refunded` without a sign in the report's file of rejected rows, and run that file
            ");
    }
}

mod events {
    use super::*;

    #[test]
    fn the_same_id_with_another_amount() {
        let place = Place::new();
        place.write("a.csv", &stripe(&[paid()]));
        place.write("b.csv", &stripe(&[paid().with("Amount", "30.00")]));
        assert_snapshot!(plan_in(&place, &["a.csv", "b.csv"]), @r"
            exit 1
            a.csv:2: error: sale `in_1`: the same id as b.csv:2 with another amount: 20.00 USD here, 30.00 USD there
              hint: find out which one is right and remove the others from the exports; none of them is sent
            b.csv:2: error: sale `in_1`: the same id as a.csv:2 with another amount: 30.00 USD here, 20.00 USD there
              hint: find out which one is right and remove the others from the exports; none of them is sent
            ");
    }

    #[test]
    fn the_same_row_twice() {
        assert_snapshot!(plan(stripe(&[paid(), paid()])), @"exit 0");
    }

    #[test]
    fn a_refund_above_its_sale() {
        let row = paid()
            .with("Amount Refunded", "20.01")
            .with("Refunded date (UTC)", "2026-03-02 10:00:00");
        assert_snapshot!(plan(stripe(&[row])), @r"
            exit 1
            x.csv:2: error: refund `in_1_refund_2001`: with it 20.01 USD would be refunded of a sale of 20.00 USD
              hint: it is not sent; look up at the provider what is refunded, and correct in FirstPromoter what is not right there, then accept it after the run: `fprecon accept --event in_1_refund_2001 --reason TEXT`
            warning: 1 refund, 20.01 USD: above the sale, and held
              hint: amounts were read or refunded wrongly; compare them with their sales where both were made
            ");
    }

    #[test]
    fn a_refund_without_its_sale() {
        let text = GENERIC.to_owned()
            + "refund,re_1,s_1,a@example.com,5.00,USD,2026-03-01\nrefund,re_2,,a@example.com,5.00,USD,2026-03-01\n";
        assert_snapshot!(plan(text), @r"
            exit 1
            x.csv:2: error: refund `re_1`: its sale is neither in these exports nor in the journal
              hint: add the export that holds its sale, or name the sale in a CSV for `--link`; the refund is not sent
            x.csv:3: error: refund `re_2`: the refund names no sale
              hint: name its sale in a CSV for `--link`, with the columns refund_event_id,sale_event_id; the refund is not sent
            ");
    }

    #[test]
    fn a_refund_in_another_currency() {
        let text = GENERIC.to_owned()
            + "sale,s_1,,a@example.com,5.00,USD,2026-03-01\nrefund,re_1,s_1,a@example.com,5.00,EUR,2026-03-02\n";
        assert_snapshot!(plan(text), @r"
            exit 1
            x.csv:3: error: refund `re_1`: its sale is in another currency: 5.00 USD
              hint: it is not sent; look up at the provider what is refunded, and correct in FirstPromoter what is not right there, then accept it after the run: `fprecon accept --event re_1 --reason TEXT`
            ");
    }

    #[test]
    fn a_sale_without_an_amount_column() {
        assert_snapshot!(plan("event_id,email\ns_1,a@example.com\n"), @r#"
            exit 1
            x.csv: error: 1 row is rejected: no column has the amount: the header has no `amount`
              hint: set the column that has it: `amount = "HEADER"` under `[exports.mine.columns]`, with `extends = "generic"` under `[exports.mine]`
            "#);
    }
}

mod configuration {
    use super::*;

    fn configured(config: &str) -> String {
        let place = Place::new();
        place.write("x.csv", &stripe(&[paid()]));
        place.write("fprecon.toml", config);
        plan_in(&place, &["x.csv"])
    }

    #[test]
    fn unknown_key() {
        assert_snapshot!(configured("[api]\n\nwidd = \"1\"\n"), @r"
            exit 3
            fprecon.toml:3: error: unknown field `widd`, expected one of `version`, `base_url`, `wid`, `account_id`, `key_file`, `key_command`, `account_currency`, `cancellation_event_id`, `history`, `ca_file`
              hint: did you mean `wid` under `[api]`? docs/configuration.md lists every key
            ");
        let misplaced = configured("[api]\nrequests_per_minute = 100\n");
        let hint = "hint: `requests_per_minute` belongs under `[send]`";
        assert!(misplaced.contains(hint), "{misplaced}");
    }

    #[test]
    fn wrong_type() {
        assert_snapshot!(configured("[send]\nconcurrency = \"many\"\n"), @r#"
            exit 3
            fprecon.toml:2: error: invalid type: string "many", expected a nonzero usize
              hint: docs/configuration.md lists every key
            "#);
    }

    #[test]
    fn no_toml() {
        assert_snapshot!(configured("[api\n"), @r"
            exit 3
            fprecon.toml:1: error: unclosed table, expected `]`
              hint: docs/configuration.md lists every key
            ");
    }

    #[test]
    fn a_profile_with_an_unknown_key() {
        assert_snapshot!(configured("[exports.mine]\nextends = \"generic\"\ncolour = 1\n"), @"
        exit 3
        fprecon.toml:3: error: profile `mine`: unknown field `colour`, expected one of `name`, `title`, `based_on`, `detect`, `skip_lines`, `sheet`, `ask`, `completes`, `same_sales_as`, `mends`, `columns`, `subscription`, `promo_code`, `money`, `taxes`, `dates`, `customer`, `words`, `known`, `read_as`, `continuation`, `ignore`, `reject`, `warn`, `event`, `commission`
          hint: docs/profiles.md explains every key, and `fprecon profiles show generic` prints an example
        ");
    }

    #[test]
    fn a_profile_that_extends_nothing_known() {
        assert_snapshot!(configured("[exports.mine]\nextends = \"paddle\"\n"), @r"
            exit 3
            fprecon.toml:2: error: profile `mine`: `extends` names `paddle`, but there is no such profile
              hint: profiles are `braintree-transactions`, `chargebee-invoices`, `chargebee-subscriptions`, `commissions`, `event-report`, `generic`, `gocardless-payments`, `gumroad-sales`, `leads`, `paypal-activity`, `paypal-activity-day-first`, `paypal-activity-day-first-comma`, `paypal-activity-de`, `paypal-activity-fr`, `paypal-activity-it`, `paypal-activity-ja`, `paypal-activity-nl`, `paypal-activity-pt`, `razorpay-payments`, `razorpay-refunds`, `recurly-invoices`, `recurly-subscriptions`, `recurly-transactions`, `shopify-orders`, `stripe-balance-history`, `stripe-invoices`, `stripe-itemized-balance`, `stripe-payments`, `stripe-payout-itemized`, `stripe-subscriptions`, `tiendanube-orders`, `whop-payments`, `woocommerce-order-totals`, `woocommerce-orders`, `mine`
            ");
    }

    #[test]
    fn unknown_profile() {
        let place = Place::new();
        place.write("x.csv", &stripe(&[paid()]));
        assert_snapshot!(plan_in(&place, &["x.csv", "--profile", "strip"]), @r"
            exit 3
            error: profile `strip`: there is no profile with this name
              hint: profiles are `stripe-payments`, `stripe-invoices`, `stripe-subscriptions`, `stripe-itemized-balance`, `stripe-payout-itemized`, `stripe-balance-history`, `paypal-activity`, `paypal-activity-day-first`, `paypal-activity-day-first-comma`, `paypal-activity-de`, `paypal-activity-fr`, `paypal-activity-it`, `paypal-activity-pt`, `paypal-activity-nl`, `paypal-activity-ja`, `shopify-orders`, `woocommerce-orders`, `woocommerce-order-totals`, `tiendanube-orders`, `razorpay-payments`, `razorpay-refunds`, `whop-payments`, `chargebee-invoices`, `chargebee-subscriptions`, `recurly-transactions`, `recurly-invoices`, `recurly-subscriptions`, `braintree-transactions`, `gocardless-payments`, `gumroad-sales`, `leads`, `commissions`, `event-report`, `generic`
            ");
    }

    #[test]
    fn a_profile_file_that_is_missing() {
        let place = Place::new();
        place.write("x.csv", &stripe(&[paid()]));
        assert_snapshot!(plan_in(&place, &["x.csv", "--profile", "mine.toml"]), @r"
            exit 3
            mine.toml: error: the profile can't be read: No such file or directory (os error 2)
              hint: check the path; without `--profile`, profiles are found by the header
            ");
    }

    #[test]
    fn a_profile_file_that_is_no_toml() {
        let place = Place::new();
        place.write("x.csv", &stripe(&[paid()]));
        place.write("mine.toml", "extends = \"generic\"\n[columns\n");
        assert_snapshot!(plan_in(&place, &["x.csv", "--profile", "mine.toml"]), @r"
            exit 3
            mine.toml:2: error: unclosed table, expected `]`
              hint: docs/profiles.md explains every key, and `fprecon profiles show generic` prints an example
            ");
    }

    #[test]
    fn a_profile_file_with_a_wrong_value() {
        let place = Place::new();
        place.write("x.csv", &stripe(&[paid()]));
        place.write(
            "mine.toml",
            "extends = \"generic\"\n\n[money]\ncurrency = \"EURO\"\n",
        );
        assert_snapshot!(plan_in(&place, &["x.csv", "--profile", "mine.toml"]), @r"
            exit 3
            mine.toml:4: error: profile `mine`: `money.currency` is `EURO`, which is not an ISO 4217 code
            ");
    }

    #[test]
    fn no_key_and_no_wid() {
        let place = Place::new();
        place.write("x.csv", &stripe(&[paid()]));
        let before = files(&place);
        let sandbox = SandboxProcess::start(&[]);

        let mut run = place.command_to(&sandbox, &["run", "x.csv", "--yes"]);
        let no_key = Ran(run.env_remove("FPRECON_API_KEY").output().unwrap());
        assert_snapshot!(said(&no_key), @r"
            exit 3
            error: there is no API key
              hint: set FPRECON_API_KEY, or name a file with `--api-key-file` or `key_file` under `[api]`, or a command with `key_command` under `[api]`; find the key in FirstPromoter's settings
            ");

        let mut run = place.command_to(&sandbox, &["run", "x.csv", "--yes"]);
        let no_wid = Ran(run.env_remove("FPRECON_WID").output().unwrap());
        assert_snapshot!(said(&no_wid), @r"
            exit 3
            error: `wid` (the integration id) is not set
              hint: set `wid` under `[api]` in fprecon.toml, or FPRECON_WID; find it in FirstPromoter under Settings > Integrations > Tracking API
            ");

        assert_eq!(files(&place), before, "no journal and no report");
        assert!(sandbox.arrivals().is_empty(), "nothing is sent");
    }
}
