//! What a cell may look like and still be read as one thing: ids, emails, amounts and signs, in the
//! shapes of several providers, by the real program.

use crate::support::{Place, SandboxProcess, form};
use serde_json::Value;

const STRIPE: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID\n";
const OWN: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at\n";
const RECURLY: &str = "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id\n";

struct Planned {
    plan: Value,
    events: Vec<Vec<String>>,
}

impl Planned {
    fn codes(&self) -> Vec<&str> {
        let problems = self.plan["problems"].as_array().unwrap();
        let codes = problems.iter().map(|problem| problem["code"].as_str());
        codes.flatten().collect()
    }

    fn problem(&self, code: &str) -> &Value {
        let mut problems = self.plan["problems"].as_array().unwrap().iter();
        problems.find(|problem| problem["code"] == code).unwrap()
    }

    /// A column of the events by its header.
    fn column(&self, name: &str) -> Vec<&str> {
        let column = self.events[0].iter().position(|header| header == name);
        let column = column.unwrap();
        self.events[1..]
            .iter()
            .map(|row| row[column].as_str())
            .collect()
    }
}

fn plan_with(configuration: &str, export: &str, code: i32) -> Planned {
    let place = Place::new();
    place
        .write("fprecon.toml", configuration)
        .write("x.csv", export);
    let plan = ["plan", "x.csv", "--json", "--events", "events.csv"];
    let plan = place.run(&plan).expect(code).json();
    Planned {
        plan,
        events: place.csv("events.csv"),
    }
}

fn plan(export: &str, code: i32) -> Planned {
    plan_with("", export, code)
}

#[test]
fn invisible_characters_around_an_id_make_no_second_event() {
    for (header, row) in [
        (
            STRIPE,
            "CH,2026-03-01 10:00:00,8.00,0.00,usd,true,Paid,cus_1,ana@example.com,ID\n",
        ),
        (OWN, "sale,ID,,ana@example.com,cus_1,8.00,USD,2026-03-01\n"),
        (
            RECURLY,
            "acc-1,ID,purchase,8.00,0.00,USD,2026-03-01 10:00:00 UTC,success,false,,1001,\n",
        ),
    ] {
        let clean = row.replace("CH", "ch_1").replace("ID", "in_1");
        for around in [
            "in_1\u{200b}",
            "\u{feff}in_1",
            "\u{a0}in_1\u{2060}",
            "in_1\u{ad}",
            "\u{202a}in_1\u{202c}",
        ] {
            let padded = row.replace("CH", "ch_1").replace("ID", around);
            let planned = plan(&format!("{header}{clean}{padded}"), 0);
            assert_eq!(
                planned.plan["events"]["by_plan"]["duplicate"], 1,
                "{around:?}"
            );
            assert_eq!(planned.codes(), ["invisible-characters"], "{around:?}");
            let value = planned.problem("invisible-characters")["value"]
                .as_str()
                .unwrap();
            assert!(value.is_ascii() && value.contains("\\u{"), "{value}");
        }
        for inside in ["in\u{200b}_1", "in_\u{feff}1", "in\u{a0}1", "in_1\u{200d}2"] {
            let damaged = row.replace("CH", "ch_1").replace("ID", inside);
            let planned = plan(&format!("{header}{damaged}"), 1);
            assert_eq!(planned.codes(), ["id-damaged"], "{inside:?}");
            let message = planned.problem("id-damaged")["message"].as_str().unwrap();
            assert!(
                message.contains("contains an invisible character (`\\u{"),
                "{message}"
            );
        }
    }
}

#[test]
fn the_ids_of_customers_and_of_sales_are_read_in_the_same_way() {
    let rows = "sale,s1,,,cus_1\u{200b},8.00,USD,2026-03-01\n\
        refund,r1,\u{feff}s1,,cus_1,2.00,USD,2026-03-02\n\
        sale,s2,,,cus\u{200b}_2,8.00,USD,2026-03-01\n\
        refund,r2,s\u{2060}1,,cus_1,2.00,USD,2026-03-02\n";
    let planned = plan(&format!("{OWN}{rows}"), 1);
    assert_eq!(
        planned.codes(),
        ["id-damaged", "id-damaged", "invisible-characters"]
    );
    assert_eq!(planned.column("uid"), ["cus_1", "cus_1"]);
    assert_eq!(planned.column("sale_event_id"), ["", "s1"]);
    let message = planned.problem("invisible-characters")["message"]
        .as_str()
        .unwrap();
    assert!(
        message.starts_with("2 rows have invisible characters"),
        "{message}"
    );
}

/// Exports of one sale a row whose email is `MAIL`, in the shapes of three providers and of a shop's own list.
const SALES_BY_EMAIL: [(&str, &str); 4] = [
    (
        STRIPE,
        "ch_N,2026-03-01 10:00:00,5.00,0.00,usd,true,Paid,,MAIL,in_N\n",
    ),
    (OWN, "sale,s_N,,MAIL,,5.00,USD,2026-03-01\n"),
    (
        "Commande,Courriel,Prix,Jour\n",
        "p_N,MAIL,5.00,2026-03-01\n",
    ),
    ("Bestellung;Kunde;Preis;Tag\n", "p_N;MAIL;5.00;2026-03-01\n"),
];

/// The configuration with which the last two of [`SALES_BY_EMAIL`] are read.
const OWN_LISTS: &str = r#"
[exports.boutique]
extends = "generic"
[exports.boutique.columns]
event_id = "Commande"
email = "Courriel"
amount = "Prix"
created_at = "Jour"
[exports.laden]
extends = "generic"
[exports.laden.columns]
event_id = "Bestellung"
email = "Kunde"
amount = "Preis"
created_at = "Tag"
[exports.laden.customer]
no_email = ["Laufkundschaft"]
"#;

/// Writes an export with one row for each of these cells.
fn export_of((header, row): (&str, &str), mails: &[&str]) -> String {
    let delimiter = if header.contains(';') { ';' } else { ',' };
    let quoted = |mail: &str| {
        if mail.contains([delimiter, '"', '\n']) {
            format!("\"{}\"", mail.replace('"', "\"\""))
        } else {
            mail.to_owned()
        }
    };
    let rows = mails.iter().enumerate();
    let rows = rows.map(|(n, mail)| {
        let row = row.replace('N', &n.to_string());
        row.replace("MAIL", &quoted(mail))
    });
    header.to_owned() + &rows.collect::<String>()
}

#[test]
fn the_one_address_of_a_cell_is_read_whatever_is_around_it() {
    let mails = [
        ("Ana Ray <ana@example.com>", "ana@example.com"),
        ("\"Ray, Ana\" <Ana@Example.com>", "Ana@Example.com"),
        ("mailto:ana@example.com?subject=Hi", "ana@example.com"),
        ("<ana@example.com>", "ana@example.com"),
        ("'ana@example.com'", "ana@example.com"),
        ("„ana@example.com“", "ana@example.com"),
        ("ana@example.com;", "ana@example.com"),
        ("ana@example.com, ana@example.com", "ana@example.com"),
        ("\u{200b}ana@example.com\u{a0}", "ana@example.com"),
        ("ana@example.com.", "ana@example.com"),
        ("o'brien+x@sub.example.co", "o'brien+x@sub.example.co"),
        ("ANA@EXAMPLE.COM", "ANA@EXAMPLE.COM"),
        ("ana@müller.example", "ana@müller.example"),
        ("\"ana ray\"@example.com", "\"ana ray\"@example.com"),
    ];
    let (cells, addresses): (Vec<_>, Vec<_>) = mails.into_iter().unzip();
    for shape in SALES_BY_EMAIL {
        let planned = plan_with(OWN_LISTS, &export_of(shape, &cells), 0);
        assert_eq!(planned.codes(), ["invisible-characters"]);
        let mut expected = addresses.clone();
        expected.sort_unstable();
        let mut emails = planned.column("email");
        emails.sort_unstable();
        assert_eq!(emails, expected);
    }
}

/// The API would answer them as those of a customer who is not a lead, and nobody would see it.
#[test]
fn a_cell_that_is_not_one_address_is_rejected_with_its_place() {
    let mails = [
        (
            "ana@example.com;ben@example.com",
            "not exactly one email address",
        ),
        (
            "ana@example.com, ben@example.com",
            "not exactly one email address",
        ),
        (
            "Ana <ana@example.com>, Ben <ben@example.com>",
            "not exactly one email address",
        ),
        (
            "mailto:ana@example.com?cc=ben@example.com",
            "not exactly one email address",
        ),
        ("ana@example", "not an email address"),
        ("ana @example.com", "not an email address"),
        ("ana\u{200b}@example.com", "not an email address"),
        ("a***@example.com", "not an email address"),
        ("+49 170 1234567", "no email address in the cell"),
        ("#N/A", "no email address in the cell"),
        ("Ana Ray", "no email address in the cell"),
    ];
    let (cells, messages): (Vec<_>, Vec<_>) = mails.into_iter().unzip();
    for shape in SALES_BY_EMAIL {
        let planned = plan_with(OWN_LISTS, &export_of(shape, &cells), 1);
        let problems = planned.plan["problems"].as_array().unwrap();
        let said: Vec<&str> = problems
            .iter()
            .map(|problem| problem["message"].as_str().unwrap())
            .collect();
        assert_eq!(said, messages);
        for (n, problem) in problems.iter().enumerate() {
            assert_eq!(problem["code"], "email-invalid");
            assert_eq!(problem["severity"], "error");
            assert_eq!(problem["line"], n + 2);
            let shown = cells[n].replace('\u{200b}', "\\u{200b}");
            assert_eq!(problem["value"], shown);
            let hint = problem["hint"].as_str().unwrap();
            assert!(hint.starts_with("write the "), "{hint}");
        }
        assert_eq!(planned.plan["rows"]["rejected"], cells.len());
        assert_eq!(planned.plan["events"]["total"], 0);
    }
}

#[test]
fn a_word_for_nobody_is_no_address_and_leaves_the_uid() {
    let words = [
        "N/A",
        "n.a.",
        "-",
        "—",
        "NULL",
        "(none)",
        "Unknown",
        "guest",
        "Unbekannt",
        "inconnu",
        "なし",
    ];
    for shape in SALES_BY_EMAIL {
        let planned = plan_with(OWN_LISTS, &export_of(shape, &words), 0);
        assert_eq!(planned.codes(), vec!["no-customer"; words.len()]);
        assert_eq!(planned.plan["rows"]["ignored"], words.len());
    }
    for row in [
        (
            STRIPE,
            "ch_N,2026-03-01 10:00:00,5.00,0.00,usd,true,Paid,cus_N,MAIL,in_N\n",
        ),
        (OWN, "sale,s_N,,MAIL,cus_N,5.00,USD,2026-03-01\n"),
    ] {
        let planned = plan(&export_of(row, &words), 0);
        assert!(planned.codes().is_empty());
        assert!(planned.column("email").iter().all(|email| email.is_empty()));
        assert_eq!(planned.column("uid").len(), words.len());
        // A uid does not make up for an address that can't be read: the lead may be known by that alone.
        let planned = plan(&export_of(row, &["ana@example.com ben@example.com"]), 1);
        assert_eq!(planned.codes(), ["email-invalid"]);
    }
}

/// The hint of a rejected row leads to it.
#[test]
fn a_word_of_ones_own_for_nobody_is_set_in_the_profile() {
    let own = SALES_BY_EMAIL[3];
    let planned = plan_with(OWN_LISTS, &export_of(own, &["LAUFKUNDSCHAFT"]), 0);
    assert_eq!(planned.codes(), ["no-customer"]);
    let rejected = plan(&export_of(SALES_BY_EMAIL[0], &["Walk-ins"]), 1);
    let hint = rejected.problem("email-invalid")["hint"].as_str().unwrap();
    assert!(
        hint.contains("set `no_email = [\"Walk-ins\"]` under `[exports.mine.customer]`, with `extends = \"stripe-payments\"` under `[exports.mine]`"),
        "{hint}"
    );
    let own = "[exports.mine]\nextends = \"stripe-payments\"\n[exports.mine.customer]\nno_email = [\"Walk-ins\"]\n";
    let planned = plan_with(own, &export_of(SALES_BY_EMAIL[0], &["Walk-ins"]), 0);
    assert_eq!(planned.codes(), ["no-customer"]);
}

#[test]
fn an_email_of_other_case_is_the_same_customer() {
    let rows = "sale,s1,,Ana@Example.com,,5.00,USD,2026-03-01\nsale,s1,,ana@example.COM,,5.00,USD,2026-03-01\n";
    let planned = plan(&format!("{OWN}{rows}"), 0);
    assert_eq!(planned.plan["events"]["by_plan"]["duplicate"], 1);
}

#[test]
fn digits_beyond_the_decimals_are_rejected_and_the_hint_reads_them() {
    for (header, row, extends) in [
        (
            OWN,
            "sale,s1,,ana@example.com,,AMOUNT,EUR,2026-03-01\n",
            "generic",
        ),
        (
            STRIPE,
            "ch_1,2026-03-01 10:00:00,AMOUNT,,eur,true,Paid,cus_1,ana@example.com,in_1\n",
            "stripe-payments",
        ),
        (
            RECURLY,
            "acc-1,t1,purchase,AMOUNT,,EUR,2026-03-01 10:00:00 UTC,success,false,,1001,\n",
            "recurly-transactions",
        ),
    ] {
        let export = format!("{header}{}", row.replace("AMOUNT", "1.000"));
        let planned = plan(&export, 1);
        let problem = planned.problem("amount-ambiguous");
        let message = problem["message"].as_str().unwrap();
        assert!(
            message.starts_with("the amount could be 1000 or 1.00"),
            "{message}"
        );
        let hint = problem["hint"].as_str().unwrap();
        let table =
            format!("[exports.mine]\nextends = \"{extends}\"\n[exports.mine.money.format]\n");
        assert!(
            hint.contains(&format!("`extends = \"{extends}\"` under `[exports.mine]`")),
            "{hint}"
        );
        for (settings, cents) in [
            ("decimal = \",\"\nthousands = \".\"\n", "100000"),
            ("decimals = 3\n", "100"),
        ] {
            for line in settings.lines() {
                assert!(hint.contains(&format!("`{line}`")), "{hint}");
            }
            let read = plan_with(&format!("{table}{settings}"), &export, 0);
            assert_eq!(read.column("amount_cents"), [cents], "{settings}");
        }
    }
}

#[test]
fn a_minus_of_any_kind_is_a_minus() {
    let own = "[exports.till]\nextends = \"generic\"\n[exports.till.money]\nformat = { decimal = \",\", thousands = \".\" }\n\
        [[exports.till.event]]\nkind = \"sale\"\nwhen = { kind = \"sale\" }\nevent_id = [\"{event_id}\"]\n\
        amount = { column = \"amount\", sign = \"negative\" }\ncreated_at = [\"created_at\"]\n";
    let row = "sale,s1,,ana@example.com,,\"AMOUNT\",EUR,2026-03-01\n";
    for amount in [
        "-1.100,50",
        "\u{2212}1.100,50",
        "1.100,50-",
        "1.100,50 \u{2212}",
    ] {
        let planned = plan_with(own, &format!("{OWN}{}", row.replace("AMOUNT", amount)), 0);
        assert_eq!(planned.column("amount_cents"), ["110050"], "{amount}");
    }
    let paypal = "Date,Time,TimeZone,Name,Type,Status,Currency,Gross,Fee,Net,From Email Address,To Email Address,Transaction ID,Shipping and Handling Amount,Sales Tax,Reference Txn ID,Invoice Number,Balance\n";
    let sale = "03/15/2026,20:58:57,PDT,Ana,Website Payment,Completed,USD,10.00,,10.00,ana@example.com,shop@example.com,S1,,,,,\n";
    for amount in ["-4.00", "\u{2212}4.00", "4.00-"] {
        let refund = format!(
            "03/20/2026,20:58:57,PDT,Ana,Payment Refund,Completed,USD,{amount},,,shop@example.com,ana@example.com,R1,,,S1,,\n"
        );
        let planned = plan(&format!("{paypal}{sale}{refund}"), 0);
        assert_eq!(planned.column("amount_cents"), ["1000", "400"], "{amount}");
    }
}

#[test]
fn whole_numbers_that_may_be_cents_are_said_with_their_total() {
    for (header, row, extends) in [
        (
            STRIPE,
            "ch_#,2026-03-01 10:00:00,AMOUNT,0,cad,true,Paid,cus_#,ana@example.com,in_#\n",
            "stripe-payments",
        ),
        (
            OWN,
            "sale,s_#,,ana@example.com,,AMOUNT,CAD,2026-03-01\n",
            "generic",
        ),
        (
            RECURLY,
            "acc-#,t#,purchase,AMOUNT,0,CAD,2026-03-01 10:00:00 UTC,success,false,,100#,\n",
            "recurly-transactions",
        ),
    ] {
        let export = |amounts: &[&str]| {
            let rows = amounts.iter().enumerate();
            let rows =
                rows.map(|(n, amount)| row.replace('#', &n.to_string()).replace("AMOUNT", amount));
            header.to_owned() + &rows.collect::<String>()
        };
        let code = "amounts-without-decimals";
        let whole = export(&["10169", "5083"]);
        let planned = plan(&whole, 0);
        let problem = planned.problem(code);
        assert_eq!(
            problem["message"],
            "no amount has decimals: 2 sales, 15252.00 CAD"
        );
        let hint = problem["hint"].as_str().unwrap();
        let table =
            format!("[exports.mine]\nextends = \"{extends}\"\n[exports.mine.money.format]\n");
        for (setting, cents) in [
            ("unit = \"minor\"", ["10169", "5083"]),
            ("decimals = 0", ["1016900", "508300"]),
        ] {
            assert!(hint.contains(&format!("`{setting}`")), "{hint}");
            let read = plan_with(&format!("{table}{setting}\n"), &whole, 0);
            assert_eq!(read.column("amount_cents"), cents);
            assert!(!read.codes().contains(&code));
        }
        // Decimals anywhere show that whole units are meant, and one sale shows nothing.
        for other in [
            export(&["49.00", "99"]),
            export(&["49.00", "99.00"]),
            export(&["49"]),
        ] {
            assert!(!plan(&other, 0).codes().contains(&code), "{other}");
        }
        let yen = whole.replace("cad", "jpy").replace("CAD", "JPY");
        assert!(!plan(&yen, 0).codes().contains(&code));
    }
}

#[test]
fn a_third_decimal_counts_in_a_conversion_and_is_cut_where_it_is_sent() {
    let rates = "date,currency,rate\n2026-01-01,KWD,3.25\n2026-01-01,TND,0.333\n";
    let rows = "sale,s1,,ana@example.com,,1.239,KWD,2026-03-01\n\
        sale,s2,,ana@example.com,,10.005,TND,2026-03-01\n\
        refund,r1,s1,ana@example.com,,1.239,KWD,2026-03-02\n";
    let place = Place::new();
    place
        .write("x.csv", &format!("{OWN}{rows}"))
        .write("rates.csv", rates);
    place.write(
        "fprecon.toml",
        "[currencies]\nforeign = \"convert\"\nrates = \"rates.csv\"\n",
    );
    let arguments = ["plan", "x.csv", "--json", "--events", "events.csv"];
    let plan = place.run(&arguments).expect(0).json();
    let converted = Planned {
        plan,
        events: place.csv("events.csv"),
    };
    // 1.239 × 3.25 = 4.02675, and 10.005 × 0.333 = 3.331665.
    assert_eq!(converted.column("amount_cents"), ["403", "333", "403"]);
    assert!(
        !converted.codes().contains(&"amount-cut"),
        "{:?}",
        converted.codes()
    );
    let sent = plan_with("", &format!("{OWN}{rows}"), 0);
    assert_eq!(sent.column("amount_cents"), ["123", "1000", "123"]);
    let messages: Vec<_> = sent.plan["problems"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|problem| problem["code"] == "amount-cut")
        .map(|problem| {
            problem["message"]
                .as_str()
                .unwrap()
                .split(':')
                .next()
                .unwrap()
        })
        .collect();
    assert_eq!(
        messages,
        ["1 sale, 1.23 KWD, 1 refund, 1.23 KWD", "1 sale, 10.00 TND"]
    );
}

/// Sends an export, and returns the amounts that arrived.
fn sent_amounts(configuration: &str, export: &str) -> Vec<String> {
    let place = Place::new();
    place
        .write("fprecon.toml", configuration)
        .write("x.csv", export);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
    let mut sent: Vec<_> = sandbox
        .arrivals()
        .iter()
        .map(|arrival| {
            format!(
                "{} {}",
                form(arrival, "amount").unwrap(),
                form(arrival, "currency").unwrap()
            )
        })
        .collect();
    sent.sort();
    place.run_to(&sandbox, &["journal", "check"]).expect(0);
    sent
}

/// What Stripe counts otherwise is said by currency, and the hint's settings decide what is sent.
#[test]
fn currencies_that_stripe_counts_otherwise_are_said_until_it_is_set() {
    for (header, row) in [
        (
            STRIPE,
            "ch_#,2026-03-01 10:00:00,AMOUNT,0,CODE,true,Paid,cus_#,a@example.com,in_#\n",
        ),
        (OWN, "sale,in_#,,a@example.com,,AMOUNT,CODE,2026-03-01\n"),
    ] {
        let rows = [
            ("5000", "ISK"),
            ("380000", "UGX"),
            ("250", "isk"),
            ("10.00", "MGA"),
            ("1000.50", "HUF"),
            ("100.00", "TWD"),
            ("5000", "JPY"),
        ];
        let rows = rows.iter().enumerate();
        let rows = rows.map(|(n, (amount, code))| {
            row.replace('#', &n.to_string())
                .replace("AMOUNT", amount)
                .replace("CODE", code)
        });
        let export = header.to_owned() + &rows.collect::<String>();
        let planned = plan(&export, 0);
        let problems = planned.plan["problems"].as_array().unwrap().iter();
        let said: Vec<_> = problems
            .filter(|problem| problem["code"] == "currency-decimals")
            .collect();
        let messages: Vec<_> = said
            .iter()
            .map(|problem| problem["message"].as_str().unwrap())
            .collect();
        assert_eq!(
            messages,
            [
                "2 sales, 5250 ISK: sent in whole units, as ISO 4217 counts ISK; Stripe's API counts it in hundredths",
                "1 sale, 10.00 MGA: sent in hundredths, as ISO 4217 counts MGA; Stripe's API counts it in whole units",
                "1 sale, 380000 UGX: sent in whole units, as ISO 4217 counts UGX; Stripe's API counts it in hundredths",
            ]
        );
        let settings = ["ISK = 2", "MGA = 0", "UGX = 0"];
        for (setting, problem) in settings.iter().zip(&said) {
            let hint = problem["hint"].as_str().unwrap();
            assert!(hint.contains(&format!("`{setting}`")), "{hint}");
        }
        let configuration = format!("[currencies.decimals]\n{}\n", settings.join("\n"));
        let set = plan_with(&configuration, &export, 0);
        assert!(!set.codes().contains(&"currency-decimals"));
        assert_eq!(set.column("amount_cents"), planned.column("amount_cents"));

        assert_eq!(
            sent_amounts(&configuration, &export),
            [
                "10 MGA",
                "10000 TWD",
                "100050 HUF",
                "25000 ISK",
                "380000 UGX",
                "5000 JPY",
                "500000 ISK"
            ]
        );
    }
}

#[test]
fn an_amount_that_the_set_decimals_cannot_hold_is_held() {
    let rows = "sale,s1,,a@example.com,,10.50,MGA,2026-03-01\nsale,s2,,a@example.com,,10.00,MGA,2026-03-01\n";
    let export = format!("{OWN}{rows}");
    let planned = plan_with("[currencies.decimals]\nMGA = 0\n", &export, 1);
    assert_eq!(
        planned.plan["events"]["by_plan"]["to_send"], 1,
        "{}",
        planned.plan
    );
    for wrong in ["XAU = 2", "ISK = 4", "ISKR = 2", "ISK = \"2\""] {
        let place = Place::new();
        place
            .write("fprecon.toml", &format!("[currencies.decimals]\n{wrong}\n"))
            .write("x.csv", &export);
        place.run(&["plan", "x.csv"]).expect(3);
    }
}

#[test]
fn withdrawn_currencies_are_read_and_what_is_no_money_is_named() {
    for (header, row) in [
        (
            STRIPE,
            "ch_1,2026-03-01 10:00:00,8,0,CODE,true,Paid,cus_1,a@example.com,in_1\n",
        ),
        (OWN, "sale,s1,,a@example.com,,8,CODE,2026-03-01\n"),
        (
            RECURLY,
            "acc-1,t1,purchase,8,0,CODE,2026-03-01 10:00:00 UTC,success,false,,1001,\n",
        ),
    ] {
        let export = |code: &str| header.to_owned() + &row.replace("CODE", code);
        for (code, cents) in [
            ("hrk", "800"),
            ("EEK", "800"),
            ("BYR", "8"),
            ("mro", "800"),
            ("TRL", "8"),
            ("ZWL", "800"),
            ("BGN", "800"),
        ] {
            assert_eq!(
                plan(&export(code), 0).column("amount_cents"),
                [cents],
                "{code}"
            );
        }
        for (code, what) in [
            ("XXX", "no currency"),
            ("XTS", "tests"),
            ("xau", "gold"),
            ("XDR", "drawing right"),
            ("BTC", "not an ISO 4217"),
        ] {
            let refused = plan(&export(code), 1);
            let message = refused.problem("currency-unknown")["message"]
                .as_str()
                .unwrap();
            assert!(message.contains(what), "{code}: {message}");
        }
    }
}

/// One payment whose id a spreadsheet has saved in its own ways would be sent once for each of them.
#[test]
fn ids_that_a_spreadsheet_has_rewritten_are_rejected_in_a_csv_too() {
    let rewritten = [
        ("5120000000078.00", "a number with a fraction"),
        ("\"5120000000078,00\"", "a number with a fraction"),
        ("1001.0", "a number with a fraction"),
        ("\"5,120,000,000,078\"", "separators of thousands"),
        ("5.120.000.000.078", "separators of thousands"),
        ("5 120 000 000 078", "separators of thousands"),
        ("\"1,001\"", "separators of thousands"),
        ("'5120000000078", "an apostrophe"),
        ("\"=\"\"ch_1\"\"\"", "a formula"),
    ];
    for (id, said) in rewritten {
        let rows = format!(
            "{OWN}sale,s1,,ana@example.com,,8.00,USD,2026-03-01\nsale,{id},,ana@example.com,,8.00,USD,2026-03-01\n"
        );
        let planned = plan(&rows, 1);
        assert_eq!(planned.column("event_id"), ["s1"], "{id}");
        let message = planned.problem("id-damaged")["message"].as_str().unwrap();
        assert!(message.contains(said), "{id}: {message}");
    }
    // Providers write such ids.
    let sound = [
        "5120000000078",
        "1.234",
        "W-1001",
        "W-1001.00",
        "1.10",
        "0042",
        "1-2",
    ];
    let mut rows = OWN.to_owned();
    for id in sound {
        rows.push_str(&format!(
            "sale,{id},,ana@example.com,,8.00,USD,2026-03-01\n"
        ));
    }
    let planned = plan(&rows, 0);
    assert_eq!(planned.column("event_id").len(), sound.len());
}

#[test]
fn a_group_of_thousands_never_begins_with_a_zero() {
    let stripe = format!(
        "{STRIPE}ch_1,2026-03-01 10:00:00,\"12,50\",\"0,00\",eur,true,Paid,cus_1,ana@example.com,\nch_2,2026-03-01 11:00:00,0.500,\"0,00\",eur,true,Paid,cus_2,ben@example.com,\n"
    );
    let planned = plan(&stripe, 1);
    assert_eq!(planned.column("event_id"), ["ch_1"]);
    let problem = planned.problem("amount-invalid");
    assert_eq!(problem["value"], "0.500", "{problem}");
    for (format, amount) in [
        ("thousands = \",\"", "\"0,500\""),
        ("thousands = \",\"", "\"00,500\""),
        ("decimal = \",\"\nthousands = \".\"", "0.500"),
    ] {
        let configuration = format!(
            "[exports.mine]\nextends = \"generic\"\n[exports.mine.money.format]\n{format}\n"
        );
        let rows = format!("{OWN}sale,s1,,ana@example.com,,{amount},USD,2026-03-01\n");
        let planned = plan_with(&configuration, &rows, 1);
        assert!(planned.column("event_id").is_empty(), "{amount}");
        assert_eq!(planned.codes(), ["amount-invalid"], "{amount}");
    }
}
