//! What stands for "nobody" in a column of customer ids, or is shared by strangers, is never sent as a uid.

use crate::support::{Place, SandboxProcess};

const SHOP: &str = r#"
[exports.shop]
extends = "generic"
[exports.shop.columns]
event_id = "Order"
uid = "Customer ID"
email = "Email"
amount = "Total"
currency = "Currency"
created_at = "Date Paid"
"#;

fn shop(rows: &[&str]) -> String {
    format!(
        "Order,Customer ID,Email,Total,Currency,Date Paid\n{}\n",
        rows.join("\n")
    )
}

const GUESTS: [&str; 5] = [
    "1,0,ana@example.com,10.00,USD,2026-04-01",
    "2,0,ben@example.com,20.00,USD,2026-04-02",
    "3,0,cyd@example.com,30.00,USD,2026-04-03",
    "4,0,dan@example.com,40.00,USD,2026-04-04",
    "5,0,eve@example.com,50.00,USD,2026-04-05",
];

fn account(place: &Place) -> SandboxProcess {
    place.write(
        "account.toml",
        "lead_share_percent = 0\n[[promoter]]\nref_id = \"ada\"\nemail = \"ada@example.com\"\n",
    );
    place.write(
        "leads.csv",
        "email,uid,promoter,state,plan,customer_since\nben@example.com,,ada,signup,,\ndan@example.com,,ada,signup,,\n",
    );
    let (account, leads) = (place.path("account.toml"), place.path("leads.csv"));
    SandboxProcess::start(&[
        "--start",
        account.to_str().unwrap(),
        "--start",
        leads.to_str().unwrap(),
    ])
}

/// Event id, email and uid of what is to be sent, and what is said of uids.
fn planned(config: &str, csvs: &[String]) -> (Vec<String>, String) {
    let place = Place::new();
    place.write("fprecon.toml", config);
    let names: Vec<String> = (0..csvs.len()).map(|n| format!("{n}.csv")).collect();
    for (name, csv) in names.iter().zip(csvs) {
        place.write(name, csv);
    }
    let mut arguments = vec!["plan", "--json", "--events", "events.csv"];
    arguments.extend(names.iter().map(String::as_str));
    let ran = place.run(&arguments);
    assert!(ran.code() <= 1, "{}", ran.stderr());
    let json = ran.json();
    let problems = json["problems"].as_array().unwrap().iter();
    let said = problems.filter(|problem| problem["code"] == "uid-shared");
    let said: Vec<&str> = said
        .map(|problem| problem["message"].as_str().unwrap())
        .collect();
    let records = place.csv("events.csv");
    let column = |name: &str| records[0].iter().position(|is| is == name).unwrap();
    let columns = ["event_id", "email", "uid"].map(column);
    let mut sent: Vec<String> = records[1..]
        .iter()
        .filter(|record| record.contains(&"to_send".to_owned()))
        .map(|record| columns.map(|column| record[column].as_str()).join(" "))
        .collect();
    sent.sort();
    (sent, said.join("\n"))
}

#[test]
fn sales_of_guests_do_not_become_those_of_a_lead() {
    let place = Place::new();
    let sandbox = account(&place);
    place
        .write("fprecon.toml", SHOP)
        .write("x.csv", &shop(&GUESTS));
    let ran = place.run_to(&sandbox, &["run", "x.csv", "--yes", "--json"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert!(
        ran.stderr().contains(
            "`0` is not the id of one customer: it comes with 5 emails (5 sales, 150.00 USD)"
        ) || ran
            .json()
            .to_string()
            .contains("comes with 5 emails (5 sales, 150.00 USD)"),
        "{}",
        ran.stderr()
    );
    let events = place.run(&["journal", "export", "--output", "events.csv"]);
    assert_eq!(events.code(), 0, "{}", events.stderr());
    let records = place.csv("events.csv");
    let column = |name: &str| records[0].iter().position(|is| is == name).unwrap();
    let (outcome, cents) = (column("outcome"), column("amount_cents"));
    let tracked: i64 = records[1..]
        .iter()
        .filter(|record| record[outcome] == "tracked")
        .map(|record| record[cents].parse::<i64>().unwrap())
        .sum();
    assert_eq!(tracked, 6_000);
}

/// What each night says of the uid, and with how many of its events the API was told the uid.
fn one_each_night(rows: &[String], uid: &str) -> (Vec<String>, usize) {
    let place = Place::new();
    let sandbox = account(&place);
    place.write("fprecon.toml", SHOP);
    let mut said = Vec::new();
    for row in rows {
        place.write("x.csv", &shop(&[row]));
        let ran = place.run_to(&sandbox, &["run", "x.csv", "--yes"]);
        assert_eq!(ran.code(), 0, "{}", ran.stderr());
        let stderr = ran.stderr();
        let why = stderr.split_once("is not the id of one customer: ");
        let why = why.and_then(|(_, why)| why.split_once(" ("));
        said.push(why.map_or("", |(why, _)| why).to_owned());
    }
    let events = place.run(&["journal", "export", "--output", "events.csv"]);
    assert_eq!(events.code(), 0, "{}", events.stderr());
    let records = place.csv("events.csv");
    let column = records[0].iter().position(|is| is == "uid").unwrap();
    let sent = records[1..].iter().filter(|record| record[column] == uid);
    (said, sent.count())
}

fn guest(night: usize, uid: &str) -> String {
    let name = ["ana", "ben", "cyd", "dan", "ana", "eve"][night];
    format!(
        "{night},{uid},{name}@example.com,10.00,USD,2026-04-0{}",
        night + 1
    )
}

#[test]
fn a_word_for_nobody_is_never_sent_as_a_uid() {
    let rows: Vec<String> = (0..6).map(|night| guest(night, "0")).collect();
    let (said, sent) = one_each_night(&rows, "0");
    assert_eq!(said, ["shops write it where a customer has none"; 6]);
    assert_eq!(sent, 0);
}

#[test]
fn a_uid_with_another_email_each_night_is_found_out_and_stays_so() {
    let place = Place::new();
    let sandbox = account(&place);
    place.write("fprecon.toml", SHOP);
    let mut codes = Vec::new();
    for night in 0..6 {
        place.write("x.csv", &shop(&[&guest(night, "7777")]));
        codes.push(place.run_to(&sandbox, &["run", "x.csv", "--yes"]).code());
    }
    assert_eq!(codes, [0, 0, 1, 1, 1, 1], "ana's second sale is held, too");
    let known = format!("[link]\nshared_uids = [\"7777\"]\n{SHOP}");
    place.write("fprecon.toml", &known);
    for night in 2..6 {
        place.write("x.csv", &shop(&[&guest(night, "7777")]));
        place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    }
}

#[test]
fn a_customer_who_moves_between_nights_keeps_the_id() {
    let emails = ["a", "a", "b", "b", "c", "c"];
    let rows = emails.iter().enumerate().map(|(night, name)| {
        format!(
            "{night},c1,{name}@example.com,10.00,USD,2026-04-0{}",
            night + 1
        )
    });
    let (said, sent) = one_each_night(&rows.collect::<Vec<_>>(), "c1");
    assert_eq!(said, [""; 6]);
    assert_eq!(sent, 6);
}

#[test]
fn neither_the_order_of_rows_nor_of_files_matters() {
    let right = (
        vec![
            "1 ana@example.com ".to_owned(),
            "2 ben@example.com ".to_owned(),
            "3 cyd@example.com ".to_owned(),
            "4 dan@example.com ".to_owned(),
            "5 eve@example.com ".to_owned(),
        ],
        "`0` is not the id of one customer: it comes with 5 emails (5 sales, 150.00 USD); these events are sent by their emails, without it".to_owned(),
    );
    for turn in 0..GUESTS.len() {
        let mut rows = GUESTS;
        rows.rotate_left(turn);
        let (one, other) = rows.split_at(2);
        assert_eq!(planned(SHOP, &[shop(&rows)]), right);
        assert_eq!(planned(SHOP, &[shop(one), shop(other)]), right);
        rows.reverse();
        assert_eq!(planned(SHOP, &[shop(&rows)]), right);
    }
}

#[test]
fn what_has_no_email_then_is_held_and_goes_out_once_it_has_one() {
    let place = Place::new();
    let sandbox = account(&place);
    place.write("fprecon.toml", SHOP);
    let mut rows = GUESTS;
    rows[1] = "2,0,,20.00,USD,2026-04-02";
    place.write("x.csv", &shop(&rows));
    let ran = place.run_to(&sandbox, &["run", "x.csv", "--yes"]);
    assert_eq!(ran.code(), 1);
    assert!(
        ran.stderr().contains("sale `2`: no email, and its uid is not the id of one customer\n  hint: write the customer's email into the row, and run the file again"),
        "{}",
        ran.stderr()
    );
    assert_eq!(
        sandbox.state()["events"]["sale"]["count"],
        1,
        "{}",
        sandbox.state()
    );
    // As the hint says.
    place.write("x.csv", &shop(&GUESTS));
    let ran = place.run_to(&sandbox, &["run", "x.csv", "--yes"]);
    assert_eq!(ran.code(), 0, "{}", ran.stderr());
    assert_eq!(
        sandbox.state()["events"]["sale"]["count"],
        2,
        "{}",
        sandbox.state()
    );
}

#[test]
fn placeholders_of_other_providers_and_shared_ids_are_not_sent() {
    // Chargebee, with a word for nobody.
    let chargebee = "[exports.chargebee-invoices]\nmoney = { format = { unit = \"major\" }, currency = \"USD\" }\n";
    let csv = "Invoice Number,Customer Id,Customer Email,Invoice Date,Amount,Status,Refunded Amount,Tax Total
1,N/A,ana@example.com,2026-03-01 10:00:00,20.00,Paid,0.00,0.00
2,N/A,ben@example.com,2026-03-01 10:00:00,20.00,Paid,0.00,0.00
3,cb_1,cyd@example.com,2026-03-01 10:00:00,20.00,Paid,0.00,0.00
";
    let (sent, said) = planned(chargebee, &[csv.to_owned()]);
    assert_eq!(
        sent,
        [
            "1 ana@example.com ",
            "2 ben@example.com ",
            "3 cyd@example.com cb_1"
        ]
    );
    assert!(said.starts_with(
        "`N/A` is not the id of one customer: it comes with 2 emails (2 sales, 40.00 USD)"
    ));
    // Braintree, with an id of the shop's own for all who buy at the counter, of which the user says so.
    let header = "Transaction ID,Transaction Type,Transaction Status,Created Datetime,Created Timezone,Currency ISO Code,Amount Submitted For Settlement,Tax Amount,Refunded Transaction ID,Customer ID,Customer Email";
    let row = |id: &str, day: u8, uid: &str, email: &str| {
        format!("{id},sale,settled,01/{day:02}/2026 20:00:00,EST,USD,20.00,,,{uid},{email}")
    };
    let rows = [
        row("t1", 1, "counter", "ana@example.com"),
        row("t2", 2, "counter", "ANA@example.com"),
        row("t3", 3, "counter", "ben@example.com"),
        row("t4", 4, "counter", "cyd@example.com"),
        row("t5", 5, "c9", "dan@example.com"),
        row("t6", 6, "c9", "dan@new.example"),
    ];
    let counter = "[link]\nshared_uids = [\"counter\"]\n";
    let (sent, said) = planned(counter, &[format!("{header}\n{}\n", rows.join("\n"))]);
    assert_eq!(
        sent,
        [
            "t1 ana@example.com ",
            "t2 ANA@example.com ",
            "t3 ben@example.com ",
            "t4 cyd@example.com ",
            "t5 dan@example.com c9",
            "t6 dan@new.example c9",
        ]
    );
    assert!(
        said.contains("it is in `shared_uids` of the configuration (4 sales, 80.00 USD)"),
        "{said}"
    );
}

#[test]
fn a_customer_who_has_changed_the_address_keeps_the_id() {
    let sale =
        |n: u8, month: u8, email: &str| format!("{n},c1,{email},10.00,USD,2026-{month:02}-01");
    let once = [sale(1, 1, "a@example.com"), sale(2, 2, "b@example.com")];
    let twice = [
        sale(1, 1, "a@example.com"),
        sale(2, 2, "a@example.com"),
        sale(3, 3, "b@example.com"),
        sale(4, 4, "b@example.com"),
        sale(5, 5, "c@example.com"),
    ];
    let rows = |rows: &[String]| shop(&rows.iter().map(String::as_str).collect::<Vec<_>>());
    for csv in [rows(&once), rows(&twice)] {
        let (sent, said) = planned(SHOP, &[csv]);
        assert_eq!(said, "");
        assert!(sent.iter().all(|event| event.ends_with(" c1")), "{sent:?}");
    }
    // The first address comes back: it may be several people's.
    let mut back = twice.to_vec();
    back.push(sale(6, 6, "a@example.com"));
    let (sent, said) = planned(SHOP, &[rows(&back)]);
    assert_eq!((sent.len(), said.as_str()), (0, ""));
}

const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Refunded date (UTC),Status,Customer ID,Customer Email,Invoice ID\n";

#[test]
fn a_lead_who_has_a_third_email_keeps_the_sales_in_any_split_over_nights() {
    let row = |month: u8, name: &str| {
        format!(
            "ch_{month},2026-0{month}-02 09:14:00,10.00,0.00,usd,true,,Paid,cus_Lead,{name}@example.com,in_{month}\n"
        )
    };
    let rows = [row(1, "lead"), row(2, "new"), row(3, "newer")];
    for nights in [vec![rows.concat()], rows.to_vec()] {
        let place = Place::new();
        let sandbox = with_lead(&place, "lead@example.com", "cus_Lead");
        for night in &nights {
            place.write("x.csv", &format!("{STRIPE}{night}"));
            place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
        }
        assert_eq!(sandbox.state()["events"]["sale"]["count"], 3);
    }
}

/// A sandbox with one lead.
fn with_lead(place: &Place, email: &str, uid: &str) -> SandboxProcess {
    place.write(
        "account.toml",
        &format!(
            "lead_share_percent = 0\n[[promoter]]\nref_id = \"ada\"\n[[lead]]\nemail = \"{email}\"\nuid = \"{uid}\"\npromoter = \"ada\"\n"
        ),
    );
    let account = place.path("account.toml");
    SandboxProcess::start(&["--start", account.to_str().unwrap()])
}

#[test]
fn a_uid_that_may_be_shared_holds_its_events_until_the_user_decides() {
    let sale = |n: u8, email: &str| format!("{n},77,{email}@example.com,10.00,USD,2026-0{n}-01");
    let rows = [sale(1, "lead"), sale(2, "new"), sale(3, "newer")];
    for (setting, tracked) in [("customer_uids", 3), ("shared_uids", 1)] {
        let place = Place::new();
        let sandbox = with_lead(&place, "lead@example.com", "77");
        place.write("fprecon.toml", SHOP);
        place.write("x.csv", &shop(&[&rows[0], &rows[1], &rows[2]]));
        let ran = place.run_to(&sandbox, &["run", "x.csv", "--yes"]);
        assert_eq!(ran.code(), 1, "{}", ran.stderr());
        let said = ran.stderr();
        assert!(
            said.contains("x.csv:4: error: sale `3`: its uid `77` comes with several emails, and nothing says whether they are one customer's"),
            "{said}"
        );
        assert_eq!(sandbox.state()["events"]["sale"]["count"], 0);
        // As the hint says.
        let (_, rest) = said.split_once(&format!("set `{setting} = ")).unwrap();
        let (value, _) = rest.split_once('`').unwrap();
        let config = format!("[link]\n{setting} = {value}\n{SHOP}");
        place.write("fprecon.toml", &config);
        place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
        assert_eq!(sandbox.state()["events"]["sale"]["count"], tracked);
    }
}

#[test]
fn a_uid_of_many_emails_is_shared_unless_the_user_says_that_it_is_one_customers() {
    let rows: Vec<String> = (10..20)
        .map(|n| format!("{n},77,{n}@example.com,10.00,USD,2026-01-{n}"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let (sent, said) = planned(SHOP, &[shop(&rows)]);
    assert_eq!(sent[0], "10 10@example.com ");
    assert!(said.contains("`77` is not the id of one customer: it comes with 10 emails"));
    // As the hint says.
    let config = format!("[link]\ncustomer_uids = [\"77\"]\n{SHOP}");
    let (sent, said) = planned(&config, &[shop(&rows)]);
    assert_eq!(
        (sent[0].as_str(), said.as_str()),
        ("10 10@example.com 77", "")
    );
    let both = format!("[link]\ncustomer_uids = [\"77\"]\nshared_uids = [\"77\"]\n{SHOP}");
    let place = Place::new();
    place
        .write("fprecon.toml", &both)
        .write("x.csv", &shop(&rows));
    let said = place.run(&["plan", "x.csv"]).expect(3).stderr();
    assert!(
        said.contains("a uid can't be one customer's and shared"),
        "{said}"
    );
}

#[test]
fn a_payment_that_is_read_again_with_another_email_shows_that_its_customer_has_changed_it() {
    let place = Place::new();
    let sandbox = account(&place);
    place.write("fprecon.toml", SHOP);
    let sale = |n: u8, email: &str| format!("{n},c1,{email}@example.com,10.00,USD,2026-0{n}-01");
    // Each export has the email that the customer has by then.
    let nights = [
        vec![sale(1, "a")],
        vec![sale(1, "b"), sale(2, "b")],
        vec![sale(1, "c"), sale(2, "c"), sale(3, "c")],
    ];
    for night in &nights {
        let rows: Vec<&str> = night.iter().map(String::as_str).collect();
        place.write("x.csv", &shop(&rows));
        let ran = place.run_to(&sandbox, &["run", "x.csv", "--yes"]);
        assert_eq!(ran.code(), 0, "{}", ran.stderr());
    }
    let events = place.run(&["journal", "export", "--output", "events.csv"]);
    assert_eq!(events.code(), 0, "{}", events.stderr());
    let records = place.csv("events.csv");
    let column = records[0].iter().position(|is| is == "uid").unwrap();
    assert!(records[1..].iter().all(|record| record[column] == "c1"));
}
