//! Rows that were ignored with a warning: an audit says them with their amounts until they are read, or accepted.

use serde_json::{Value, json};

use super::lists::{SALES, TWENTY_PERCENT, of, place};
use crate::support::{Place, SandboxProcess};

const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n";
const SOLD: &str = "ch_1,2026-03-05 10:00:00,100.00,0.00,usd,true,Paid,cus_1,a@x.com,in_1\n";
const NOBODYS: &str = "ch_2,2026-03-06 10:00:00,50.00,0.00,usd,true,Paid,,,in_2\n";
const WITHOUT_ID: &str = ",2026-03-07 10:00:00,20.00,0.00,usd,true,succeeded,cus_2,b@x.com,\n";

fn account() -> (Place, SandboxProcess) {
    let place = place(TWENTY_PERCENT, "");
    place.write("account.toml", "commission_percent = 20\n");
    let start = place.path("account.toml").display().to_string();
    let sandbox = SandboxProcess::start(&["--lead-share", "100", "--start", &start]);
    (place, sandbox)
}

/// Runs an export, and returns the folder of its report.
fn run(place: &Place, sandbox: &SandboxProcess, export: &str, rows: &[&str]) -> String {
    place.write(export, &rows.concat());
    let ran = place
        .run_to(sandbox, &["run", export, "--yes", "--json"])
        .expect(0);
    ran.json()["report_dir"].as_str().unwrap().to_owned()
}

/// Audits the account, and returns what is said not to be read, and the lines that were accepted.
#[track_caller]
fn audit(place: &Place, sandbox: &SandboxProcess, code: i32) -> (Value, Vec<Value>) {
    let ran = place.run_to(sandbox, &["audit", "--live", "--json"]);
    let said = ran.json();
    assert_eq!(ran.code(), code, "{said}");
    let accepted = said["accepted_items"].as_array().unwrap();
    (said["unread"].clone(), accepted.clone())
}

fn ignored(count: u64, cents: i64) -> Value {
    json!([{"side": "ours", "code": "ignored", "count": count, "amount_cents": {"USD": cents}}])
}

#[test]
fn rows_that_belong_to_nobody_are_accepted_and_stay_so() {
    let (place, sandbox) = account();
    let rows = [STRIPE, SOLD, NOBODYS, WITHOUT_ID];
    let first = run(&place, &sandbox, "monday.csv", &rows);
    assert_eq!(audit(&place, &sandbox, 1), (ignored(2, 7000), vec![]));
    let lines = format!("{first}/ignored.csv");
    let accept = [
        "accept",
        &lines,
        "--reason",
        "sold over the counter",
        "--json",
    ];
    let said = place.run(&accept).expect(0).json();
    assert_eq!(
        (&said["accepted"], &said["skipped"]),
        (&json!(2), &json!(0))
    );
    let (unread, accepted) = audit(&place, &sandbox, 0);
    assert_eq!(unread, json!([]));
    let said: Vec<_> = accepted
        .iter()
        .map(|item| (&item["code"], &item["amount_cents"], &item["reason"]))
        .collect();
    let reason = json!("sold over the counter");
    let code = json!("ignored");
    assert_eq!(
        said,
        [
            (&code, &json!(5000), &reason),
            (&code, &json!(2000), &reason)
        ]
    );

    // The next nights' exports have them again, under other names, on other lines, beside another one.
    let other = NOBODYS.replace("ch_2", "ch_3").replace("50.00", "7.00");
    run(
        &place,
        &sandbox,
        "tuesday.csv",
        &[STRIPE, NOBODYS, SOLD, &other],
    );
    let (unread, accepted) = audit(&place, &sandbox, 1);
    assert_eq!((unread, accepted.len()), (ignored(1, 700), 2));
    // A row with another amount is another row.
    let more = NOBODYS.replace("50.00", "51.00");
    run(&place, &sandbox, "tuesday.csv", &[STRIPE, SOLD, &more]);
    let (unread, accepted) = audit(&place, &sandbox, 1);
    assert_eq!((unread, accepted.len()), (ignored(1, 5100), 1));
    // Once it names its customer it is read.
    let named = more.replace(",,,in_2", ",cus_9,z@x.com,in_2");
    run(&place, &sandbox, "tuesday.csv", &[STRIPE, SOLD, &named]);
    let (unread, accepted) = audit(&place, &sandbox, 0);
    assert_eq!((unread, accepted.len()), (json!([]), 1));

    let undo = ["accept", "--undo", &lines];
    place.run(&undo).expect(0);
    let (unread, accepted) = audit(&place, &sandbox, 1);
    assert_eq!((unread, accepted.len()), (ignored(1, 2000), 0));
}

#[test]
fn a_row_that_stands_twice_counts_twice_and_a_harmless_one_does_not() {
    let (place, sandbox) = account();
    let row = "sale,s2,,,,8.00,USD,2026-03-01\n";
    let sold = "sale,s1,,a@x.com,,50.00,USD,2026-03-01\n";
    // A row of nothing but commas is ignored, and nobody has to know.
    let rows = [SALES, sold, row, row, ",,,,,,,\n"];
    let report = run(&place, &sandbox, "s.csv", &rows);
    assert_eq!(audit(&place, &sandbox, 1), (ignored(2, 1600), vec![]));
    let lines = format!("{report}/ignored.csv");
    let accept = ["accept", &lines, "--reason", "test orders", "--json"];
    let said = place.run(&accept).expect(0).json();
    assert_eq!(
        (&said["accepted"], &said["skipped"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(audit(&place, &sandbox, 0).0, json!([]));
    place.run(&["journal", "check"]).expect(0);
}

#[test]
fn more_rows_than_warnings_are_kept_are_counted() {
    let (place, sandbox) = account();
    let many: Vec<String> = (0..300)
        .map(|row| format!("sale,n{row},,,,1.00,USD,2026-03-01\n"))
        .collect();
    let sold = "sale,s1,,a@x.com,,50.00,USD,2026-03-01\n";
    run(&place, &sandbox, "s.csv", &[SALES, sold, &many.concat()]);
    assert_eq!(audit(&place, &sandbox, 1).0, ignored(300, 30_000));
    let two_files = of(
        &format!("{sold}{}", many.concat()),
        "1,s1,nora@x.com,10.00,50.00,approved,2026-03-01\n",
    );
    assert_eq!(two_files.json["unread"], ignored(300, 30_000));
    assert_eq!(two_files.code, 1);
}
