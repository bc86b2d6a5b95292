//! What the words of each built-in profile come to, and what following the hint about an unknown one
//! leads to.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::support::Place;
use fprecon::profile::Profiles;
use serde_json::Value;

/// A profile with words, what has to be said before it can be used, and a row that is an event.
struct Kind {
    profile: &'static str,
    config: &'static str,
    header: &'static str,
    row: &'static str,
}

const KINDS: &[Kind] = &[
    Kind {
        profile: "stripe-payments",
        config: "",
        header: "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Status,Customer ID,Customer Email,Invoice ID",
        row: "ch_1,2026-03-01 10:00:00,20.00,5.00,usd,true,Paid,cus_1,ana@example.com,in_1",
    },
    Kind {
        profile: "stripe-invoices",
        config: "",
        header: "id,Number,Customer,Date (UTC),Currency,Subtotal,Total Discount Amount,Total,Amount Paid,Status",
        row: "in_1,A-1,cus_1,2026-03-01 10:00,usd,20.00,0.00,20.00,20.00,paid",
    },
    Kind {
        profile: "stripe-subscriptions",
        config: "",
        header: "id,Customer ID,Customer Email,Plan,Status,Interval,Canceled At (UTC)",
        row: "sub_1,cus_1,ana@example.com,gold,canceled,month,2026-03-01 10:00",
    },
    Kind {
        profile: "stripe-itemized-balance",
        config: "",
        header: "balance_transaction_id,created_utc,currency,gross,reporting_category,charge_id,invoice_id,customer_id",
        row: "txn_1,2026-03-01 10:00:00,usd,20.00,charge,ch_1,,cus_1",
    },
    Kind {
        profile: "stripe-balance-history",
        config: "columns = { email = \"email (metadata)\" }",
        header: "id,Created (UTC),Type,Source,Description,Customer Facing Amount,Customer Facing Currency,Available On (UTC),email (metadata)",
        row: "txn_1,2026-03-01 10:00,charge,ch_1,,20.00,usd,2026-03-03 10:00,ana@example.com",
    },
    Kind {
        profile: "paypal-activity",
        config: "",
        header: "Date,Time,TimeZone,Type,Status,Currency,Gross,From Email Address,To Email Address,Transaction ID,Reference Txn ID,Sales Tax,Shipping and Handling Amount",
        row: "03/15/2026,20:00:00,PDT,Website Payment,Completed,USD,20.00,ana@example.com,shop@example.com,T1,,,",
    },
    Kind {
        profile: "paypal-activity-de",
        config: "",
        header: "Datum,Uhrzeit,Zeitzone,Typ,Status,Währung,Brutto,Absender E-Mail-Adresse,Empfänger E-Mail-Adresse,Transaktionscode,Zugehöriger Transaktionscode,Umsatzsteuer,Versand- und Bearbeitungsgebühr",
        row: "15.03.2026,20:00:00,CET,Website-Zahlung,Abgeschlossen,EUR,\"20,00\",ana@example.com,shop@example.com,T1,,,",
    },
    Kind {
        profile: "paypal-activity-fr",
        config: "",
        header: "Date,Heure,Fuseau horaire,Type,État,Devise,Avant commission,De l'adresse email,À l'adresse email,Numéro de transaction,Montant des frais d'expédition et de traitement,TVA,Numéro de la transaction de référence",
        row: "15/03/2026,20:00:00,CET,Paiement sur site marchand,Terminé,EUR,\"20,00\",ana@example.com,shop@example.com,T1,,,",
    },
    Kind {
        profile: "shopify-orders",
        config: "",
        header: "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Created at,Refunded Amount,Id",
        row: "#1,ana@example.com,paid,2026-03-01 10:00:00 +0000,USD,20.00,0.00,0.00,20.00,2026-03-01 10:00:00 +0000,5.00,1",
    },
    Kind {
        profile: "woocommerce-orders",
        config: "dates = { zone = \"UTC\" }",
        header: "Order Number,Order Status,Order Date,Paid Date,Email (Billing),Currency,Order Subtotal Amount,Cart Discount Amount,Order Shipping Amount,Order Total Tax Amount,Order Total Amount,Order Refund Amount",
        row: "1,Completed,2026-03-01 10:00,2026-03-01 10:00,ana@example.com,USD,20.00,0.00,0.00,0.00,20.00,5.00",
    },
    Kind {
        profile: "woocommerce-order-totals",
        config: "dates = { zone = \"UTC\" }\nmoney = { currency = \"USD\" }",
        header: "Order ID,Date Created,Date Paid,Status,Email,Total Amount,Total Discount,Payment Method Title",
        row: "1,2026-03-01 10:00:00,2026-03-01T10:00:00,completed,ana@example.com,20.00,0.00,Card",
    },
    Kind {
        profile: "tiendanube-orders",
        config: "",
        header: "Número de orden,Email,Fecha,Estado de la orden,Estado del pago,Moneda,Subtotal de productos,Descuento,Costo de envío,Total,Fecha de pago,Identificador de la orden",
        row: "1,ana@example.com,28/10/2026 22:57:28,Abierta,Recibido,USD,20.00,0,0,20.00,28/10/2026,9001",
    },
    Kind {
        profile: "razorpay-payments",
        config: "",
        header: "id,amount,currency,status,order_id,invoice_id,amount_refunded,refund_status,captured,email,contact,created_at",
        row: "pay_1,20.00,USD,captured,order_1,,5.00,partial,1,ana@example.com,,13/06/2026 14:05:21",
    },
    Kind {
        profile: "razorpay-refunds",
        config: "",
        header: "id,amount,currency,payment_id,receipt,arn,email,created_at,status",
        row: "rfnd_1,5.00,USD,pay_1,,,ana@example.com,13/06/2026 14:05:21,processed",
    },
    Kind {
        profile: "whop-payments",
        config: "",
        header: "ID,Paid at,Created at,Status,Email,Subtotal,Payment Amount,Tax amount,Refunded amount,Refunded at,Fee,Promo code,Billing reason,Payment method,Payment Currency",
        row: "pay_1,2026-02-28 23:32:08 +0800,2026-02-28 23:32:08 +0800,paid,ana@example.com,20.00,20.00,0.00,5.00,,0.00,,one_time,card,usd",
    },
    Kind {
        profile: "chargebee-invoices",
        config: "money = { format = { unit = \"major\" }, currency = \"USD\" }",
        header: "Invoice Number,Customer Id,Customer Email,Invoice Date,Amount,Status,Refunded Amount,Tax Total",
        row: "1,cb_1,ana@example.com,2026-03-01 10:00:00,20.00,Paid,5.00,0.00",
    },
    Kind {
        profile: "chargebee-subscriptions",
        config: "dates = { zone = \"UTC\" }",
        header: "subscriptions.id,subscriptions.plan_id,subscriptions.status,subscriptions.cancelled_at,customers.id,customers.email",
        row: "s1,gold,cancelled,01-Mar-2026 10:00,cb_1,ana@example.com",
    },
    Kind {
        profile: "recurly-transactions",
        config: "",
        header: "account_code,transaction_id,type,amount,tax_amount,currency,date,status,test,original_transaction_id,invoice_id,subscription_id",
        row: "a-1,t1,purchase,20.00,0.00,USD,2026-03-01 10:00:00 UTC,success,false,,100,",
    },
    Kind {
        profile: "recurly-invoices",
        config: "",
        header: "id,invoice_number,billed_date,closed_at,status,account_code,currency,invoice_subtotal,invoice_type,original_invoice_number,invoice_doc_type",
        row: "u1,100,2026-03-01 10:00:00 UTC,2026-03-01 10:00:00 UTC,paid,a-1,USD,20.00,purchase,,charge",
    },
    Kind {
        profile: "recurly-subscriptions",
        config: "",
        header: "uuid,account_code,email,plan_code,state,expires_at",
        row: "s1,a-1,ana@example.com,gold,expired,2026-03-01 10:00:00 UTC",
    },
    Kind {
        profile: "braintree-transactions",
        config: "",
        header: "Transaction ID,Transaction Type,Transaction Status,Created Datetime,Created Timezone,Currency ISO Code,Amount Submitted For Settlement,Tax Amount,Refunded Transaction ID,Customer ID,Customer Email",
        row: "t1,sale,settled,01/31/2026 20:00:00,EST,USD,20.00,,,c1,ana@example.com",
    },
    Kind {
        profile: "gocardless-payments",
        config: "money = { format = { unit = \"major\" } }",
        header: "id,created_at,charge_date,amount,currency,status,amount_refunded,links.subscription,customers.id,customers.email",
        row: "PM1,2026-01-29T10:00:00.000Z,2026-01-31,20.00,GBP,paid_out,5.00,,CU1,ana@example.com",
    },
    Kind {
        profile: "event-report",
        config: "",
        header: "kind,event_id,sale_event_id,email,uid,amount_cents,currency,created_at,outcome,attempts,settled_at",
        row: "sale,s1,,ana@example.com,,2000,USD,2026-03-01T10:00:00Z,failed,1,",
    },
    Kind {
        profile: "generic",
        config: "",
        header: "kind,event_id,sale_event_id,email,amount,currency,created_at",
        row: "sale,s1,,ana@example.com,20.00,USD,2026-03-01T10:00:00Z",
    },
];

impl Kind {
    fn csv(&self, column: usize, word: &str) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut records = csv::ReaderBuilder::new();
        let text = format!("{}\n{}\n", self.header, self.row);
        let mut reader = records.has_headers(false).from_reader(text.as_bytes());
        for (line, record) in reader.records().enumerate() {
            let mut cells: Vec<String> = record.unwrap().iter().map(str::to_owned).collect();
            if line == 1 {
                cells[column] = word.to_owned();
            }
            writer.write_record(&cells).unwrap();
        }
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    }

    fn config(&self) -> String {
        match self.config {
            "" => String::new(),
            config => format!("[exports.{0}]\nextends = \"{0}\"\n{config}\n", self.profile),
        }
    }

    /// The columns that have words: our name, the place in the header, the words.
    fn columns(&self) -> Vec<(String, usize, Vec<String>)> {
        let table = Profiles::split(self.profile, &BTreeMap::new()).unwrap();
        let both = |key: &str| {
            let mut both = toml::Table::new();
            for part in [&table.inherited, &table.said] {
                let part = part.get(key).and_then(toml::Value::as_table);
                both.extend(part.cloned().unwrap_or_default());
            }
            both
        };
        let (known, lists, columns) = (both("known"), both("words"), both("columns"));
        let texts = |value: &toml::Value| -> Vec<String> {
            let all = value.as_array().unwrap().iter();
            all.map(|text| text.as_str().unwrap().to_owned()).collect()
        };
        let header: Vec<&str> = self.header.split(',').collect();
        let place = |name: &str| {
            let column = &columns[name];
            let column = column.get("header").unwrap_or(column);
            let names = match column.as_str() {
                Some(name) => vec![name.to_owned()],
                None => texts(column),
            };
            header
                .iter()
                .position(|is| names.iter().any(|name| name == is))
                .unwrap()
        };
        known
            .iter()
            .map(|(name, words)| {
                let words = match words.get("words") {
                    Some(named) => match named.as_str() {
                        Some(list) => texts(&lists[list]),
                        None => texts(named)
                            .iter()
                            .flat_map(|list| texts(&lists[list]))
                            .collect(),
                    },
                    None => texts(words),
                };
                (name.clone(), place(name), words)
            })
            .collect()
    }
}

/// What the one row comes to: its events, or why there are none.
fn outcome(profile: &str, config: &str, csv: &str) -> (String, Value) {
    let place = Place::new();
    place.write("fprecon.toml", config).write("x.csv", csv);
    let ran = place.run(&[
        "plan",
        "x.csv",
        "--json",
        "--events",
        "events.csv",
        "--profile",
        profile,
    ]);
    assert!(ran.code() <= 1, "{}\n{config}\n{csv}", ran.stderr());
    let json = ran.json();
    let mut events: Vec<String> = place
        .csv("events.csv")
        .iter()
        .skip(1)
        .map(|record| record.join("|"))
        .collect();
    events.sort();
    let ignored = json["ignored"].as_array().unwrap().iter();
    let rejected = json["problems"].as_array().unwrap().iter();
    let rejected = rejected.filter(|problem| problem["severity"] == "error");
    let said = events
        .into_iter()
        .chain(ignored.map(|row| format!("ignored: {}", row["reason"].as_str().unwrap())))
        .chain(
            rejected.map(|problem| format!("rejected: {}", problem["message"].as_str().unwrap())),
        );
    (said.collect::<Vec<_>>().join("\n"), json)
}

/// The kinds and amounts of events instead of their records.
fn in_short(said: &str) -> String {
    let shorts = said.lines().map(|line| {
        let cells: Vec<&str> = line.split('|').collect();
        match cells.as_slice() {
            [kind, _, _, _, _, cents, ..] => format!("{kind} {cents}").trim_end().to_owned(),
            _ => line.to_owned(),
        }
    });
    shorts.collect::<Vec<_>>().join(" + ")
}

#[test]
fn each_word_of_a_built_in_profile_comes_to_what_it_says() {
    let mut said = String::new();
    for kind in KINDS {
        for (name, column, words) in kind.columns() {
            writeln!(said, "{} {name}", kind.profile).unwrap();
            for word in words {
                let (outcome, _) = outcome(kind.profile, &kind.config(), &kind.csv(column, &word));
                writeln!(said, "  `{word}`: {}", in_short(&outcome)).unwrap();
            }
        }
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("words", said));
}

#[test]
fn every_built_in_profile_with_words_is_tried() {
    for profile in Profiles::load(&BTreeMap::new()).unwrap().iter() {
        let text = Profiles::built_in_text(&profile.name).unwrap();
        let is_tried = KINDS.iter().any(|kind| kind.profile == profile.name);
        assert!(is_tried || !text.contains("[known]"), "{}", profile.name);
    }
}

/// The tables that a hint offers, and the lines of each.
fn answers(hint: &str) -> Vec<(String, Vec<String>)> {
    let mut tables: Vec<(String, Vec<String>)> = Vec::new();
    for line in hint.lines().filter_map(|line| line.strip_prefix("    ")) {
        match tables.last_mut() {
            Some((_, lines)) if !line.starts_with('[') => lines.push(line.to_owned()),
            _ => tables.push((line.to_owned(), Vec::new())),
        }
    }
    tables
}

/// Each answer that the hint offers makes of the row what the known word makes of it.
#[test]
fn each_answer_to_an_unknown_word_followed_literally_leads_to_what_it_says() {
    let mut followed = 0;
    for kind in KINDS {
        for (name, column, _) in kind.columns() {
            // What the hint has to quote, too.
            let word = "Neu \"x\" ü";
            let csv = kind.csv(column, word);
            let (_, json) = outcome(kind.profile, &kind.config(), &csv);
            let problem = &json["problems"][0];
            assert_eq!(problem["code"], "value-unknown", "{}: {json}", kind.profile);
            let mut tables = answers(problem["hint"].as_str().unwrap()).into_iter();
            let (table, lines) = tables.next().unwrap();
            assert_eq!(table, format!("[exports.{}.read_as.{name}]", kind.profile));
            let lists: Vec<_> = tables.collect();
            assert!(lines.len() + lists.len() >= 2, "{lines:?}");
            for (table, lines) in lists {
                for line in lines {
                    let (said, label) = line.split_once("  # ").unwrap();
                    let config = format!("{}\n{table}\n{said}\n", kind.config());
                    let (is, _) = outcome(kind.profile, &config, &csv);
                    let is_ignored = label.starts_with("ignored: ");
                    assert!(!is.contains("unknown value"), "{line}: {is}");
                    assert_eq!(is == label, is_ignored, "{line}: {is}");
                    followed += 1;
                }
            }
            for line in lines {
                let (said, label) = line.split_once("  # ").unwrap();
                let config = format!("{}\n{table}\n{said}\n", kind.config());
                let (is, _) = outcome(kind.profile, &config, &csv);
                let value: toml::Table = said.parse().unwrap();
                match value[word].as_str() {
                    Some(same) => {
                        let (right, _) =
                            outcome(kind.profile, &kind.config(), &kind.csv(column, same));
                        assert_eq!(is, right, "{line}");
                        if label.starts_with("ignored: ") {
                            assert_eq!(is, label);
                        }
                    }
                    None => assert_eq!(is, "ignored: your reason", "{line}"),
                }
                followed += 1;
            }
        }
    }
    assert!(followed >= 80, "{followed}");
}

/// Where nobody has seen the words of a language, the hint has the lists in which to write them.
#[test]
fn a_word_for_a_list_without_words_makes_a_row_what_the_hint_says() {
    let header = "Datum,Tijd,Tijdzone,Naam,Type,Status,Valuta,Bruto,Fee,Net,Van e-mailadres,Naar e-mailadres,Transactiereferentie,Verzendkosten,Salex Tax,Reference Txn ID,Effect op saldo";
    let row = "31-12-2025,10:00:00,CET,Ana,Websitebetaling,Voltooid,EUR,\"20,00\",0,0,ana@example.com,shop@example.com,1N,0,0,,Credit";
    let csv = format!("{header}\n{row}\n");
    let (_, json) = outcome("paypal-activity-nl", "", &csv);
    let hint = json["problems"][0]["hint"].as_str().unwrap();
    let lists = "\n    [exports.paypal-activity-nl.words]\n    sales = [\"Websitebetaling\"]  # a sale\n    refunds = [\"Websitebetaling\"]  # a refund\n    others = ";
    assert!(hint.contains(lists), "{hint}");
    let config = "[exports.paypal-activity-nl.words]\nsales = [\"Websitebetaling\"]\n";
    let (is, _) = outcome("paypal-activity-nl", config, &csv);
    assert!(is.starts_with("sale"), "{is}");
}
