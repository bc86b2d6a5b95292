//! What `fprecon init` makes of columns and words about refunds and taxes: a number that is no money is never taken for it.

use crate::init_values::{EXPORT, events, init};

/// Three orders, of which the third is a refund of the first where the last column says so.
fn with_refunds(name: &str, cells: [&str; 3]) -> Vec<String> {
    let amounts = ["ana 1500.00", "ben 20.00", "ana 1500.00"];
    let rows = amounts.iter().zip(cells).zip(1001..);
    let rows = rows.map(|((paid, cell), n)| {
        let (name, amount) = paid.split_once(' ').unwrap();
        let day = n - 990;
        format!("{n},{name}@example.com,2026-03-{day},{amount},USD,{cell}")
    });
    let header = format!("Invoice No,Email,Date,Amount,Currency,{name}");
    std::iter::once(header).chain(rows).collect()
}

fn lines(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

#[test]
fn a_column_that_names_the_refunded_sale_makes_its_rows_refunds() {
    for name in [
        "Refund of",
        "Refunded order",
        "Refunded transaction ID",
        "Rückerstattung zu Rechnung",
        "Original transaction ID",
    ] {
        let export = with_refunds(name, ["", "", "1001"]);
        let (place, ran) = init(&lines(&export));
        ran.expect(0);
        assert_eq!(
            events(&place),
            [
                "refund 1003 150000 USD",
                "sale 1001 150000 USD",
                "sale 1002 2000 USD"
            ],
            "{name}"
        );
    }
}

/// The comment gives the refund where the sale is in another export.
#[test]
fn a_column_that_names_sales_of_other_exports_is_a_question() {
    let export = with_refunds("Refund of", ["", "", "R-77"]);
    let (place, ran) = init(&lines(&export));
    let question = "rows with `R-77` in `Refund of` are rejected: are they refunds of the sales that they name?";
    assert!(ran.stderr().contains(question), "{}", ran.stderr());
    let sales = ["sale 1001 150000 USD", "sale 1002 2000 USD"];
    assert_eq!(events(&place), sales);

    let toml = place.read("fprecon.toml");
    let rule = toml.find("[[exports.export.reject]]").unwrap();
    let end = rule + toml[rule..].find("\n\n").unwrap();
    let decided = format!("{}{}", &toml[..rule], &toml[end..]);
    let decided = decided.replacen(
        "kind = \"sale\"\n",
        "kind = \"sale\"\nwhen = { flag_1 = { empty = true } }\n",
        1,
    );
    let refund = "\n[[exports.export.event]]\nkind = \"refund\"\nwhen = { flag_1 = { empty = false } }\nevent_id = [\"{id}\"]\n\
         sale_event_id = [\"{flag_1}\"]\namount = { column = \"amount\", sign = \"any\" }\ncreated_at = [\"created_at\"]\n";
    place.write("fprecon.toml", &(decided + refund));
    assert_eq!(
        events(&place),
        ["refund 1003 150000 USD", sales[0], sales[1]]
    );
}

#[test]
fn a_number_of_refunds_is_not_how_much_was_refunded() {
    for (name, cells) in [
        ("Refunds", ["0", "1", "0"]),
        ("Refunded qty", ["0", "1", "0"]),
        ("Refund %", ["0", "50", "0"]),
        ("Refunds", ["0", "3", "2"]),
        ("Rückerstattungen Anzahl", ["0", "2", "0"]),
    ] {
        let export = with_refunds(name, cells);
        let (place, ran) = init(&lines(&export));
        assert!(
            ran.stderr().contains("refunded?") || ran.stderr().contains("without its amount"),
            "{name}: {}",
            ran.stderr()
        );
        let found = events(&place);
        assert!(
            found.iter().all(|event| event.starts_with("sale")),
            "{name}: {found:?}"
        );
        assert!(
            !found.contains(&"sale 1002 2000 USD".to_owned()),
            "{name}: {found:?}"
        );
    }
    for (name, cells) in [
        ("Refunded", ["0.00", "5.00", "0.00"]),
        ("Refunded amount", ["0", "5", "0"]),
    ] {
        let export = with_refunds(name, cells);
        let (place, _) = init(&lines(&export));
        assert_eq!(
            events(&place)[0],
            "refund 1002_refund_500 500 USD",
            "{name}"
        );
    }
}

/// Two invoices, with this in a column about their tax.
fn taxed(columns: &str, cells: [&str; 2]) -> Vec<String> {
    let rows = cells.iter().zip(1..);
    let rows = rows.map(|(cell, n)| format!("{n},u{n}@example.com,2026-03-1{n},EUR,{cell}"));
    std::iter::once(format!("Invoice,Email,Date,Currency,{columns}"))
        .chain(rows)
        .collect()
}

#[test]
fn a_rate_of_a_tax_is_a_question_and_never_money() {
    for (columns, cells) in [
        ("Amount,VAT %", ["119.00,19", "238.00,19"]),
        ("Total,Tax rate", ["119.00,0.19", "119.00,0.19"]),
        ("Amount,MwSt-Satz", ["119.00,19 %", "107.00,7 %"]),
        ("Amount,VAT", ["119.00,19%", "119.00,19%"]),
        ("Amount,VAT", ["119.00,19", "107.00,7"]),
        ("Amount,GST", ["110.00,Incl.", "119.00,Incl."]),
        ("Gross amount,VAT rate", ["119.00,19%", "119.00,19%"]),
        ("Amount,Taux de TVA", ["120.00,20", "110.00,10"]),
    ] {
        let export = taxed(columns, cells);
        let (place, ran) = init(&lines(&export));
        let said = ran.stderr();
        assert!(said.contains("include the tax?"), "{columns}: {said}");
        assert_eq!(events(&place), Vec::<String>::new(), "{columns}");
    }
    for (columns, cells) in [
        // Nothing is taxed, or the amount is without tax.
        ("Amount,VAT %", ["119.00,0", "238.00,"]),
        ("Net amount,VAT rate", ["100.00,19%", "200.00,19%"]),
        ("Amount,Tax ID", ["119.00,DE123", "238.00,DE456"]),
        ("Amount,Tax region", ["119.00,DE", "238.00,FR"]),
    ] {
        let export = taxed(columns, cells);
        let (place, ran) = init(&lines(&export));
        assert!(!ran.stderr().contains("include the tax?"), "{columns}");
        assert_eq!(events(&place).len(), 2, "{columns}: {}", ran.stderr());
    }
}

#[test]
fn a_refund_is_one_in_the_words_of_many_systems() {
    for (sale, refund) in [
        ("Sale", "Refund issued"),
        ("Venta", "Devolución de venta"),
        ("Paiement", "Remboursement client"),
        ("Zahlung", "Rückerstattung an Kunden"),
        ("Betaling", "Terugbetaling klant"),
        ("Pago", "Reembolso de pago"),
        ("Pagamento", "Estornado"),
        ("Vendita", "Rimborso parziale al cliente"),
    ] {
        let (place, ran) = init(&[
            "Transaction ID,Email,Date,Type,Amount,Currency,Original transaction ID",
            &format!("T1,ana@example.com,2026-03-14,{sale},10.00,USD,"),
            &format!("T2,ben@example.com,2026-03-15,{sale},20.00,USD,"),
            &format!("T3,ana@example.com,2026-03-16,{refund},-10.00,USD,T1"),
        ]);
        assert_eq!(
            events(&place),
            ["refund T3 1000 USD", "sale T1 1000 USD", "sale T2 2000 USD"],
            "{refund}: {}",
            ran.stderr()
        );
    }
}

/// Nothing went back by a refund that failed, and a word that nobody knows may be a refund: its comment says how.
#[test]
fn a_word_that_may_be_a_refund_is_a_question() {
    for word in [
        "Refund failed",
        "Refund requested",
        "Refund reversed",
        "Kulanz",
    ] {
        let (place, ran) = init(&[
            "Transaction ID,Email,Date,Type,Amount,Currency,Original transaction ID",
            "T1,ana@example.com,2026-03-14,Sale,10.00,USD,",
            &format!("T2,ana@example.com,2026-03-16,{word},-10.00,USD,T1"),
        ]);
        let question = format!("rows that say `{word}` are rejected: are they sales, or refunds?");
        assert!(ran.stderr().contains(&question), "{}", ran.stderr());
        assert_eq!(events(&place), ["sale T1 1000 USD"]);

        let toml = place.read("fprecon.toml");
        let open = format!("when = {{ kind = [\"{word}\"] }}");
        let decided = toml.replacen(&open, "when = { kind = [] }", 1);
        assert_ne!(decided, toml);
        let refund = format!(
            "\n[[exports.export.event]]\nkind = \"refund\"\nwhen = {{ kind = \"{word}\" }}\nevent_id = [\"{{id}}\"]\n\
             sale_event_id = [\"{{sale}}\"]\namount = {{ column = \"amount\", sign = \"any\" }}\ncreated_at = [\"created_at\"]\n"
        );
        place.write("fprecon.toml", &(decided + &refund));
        assert_eq!(events(&place), ["refund T2 1000 USD", "sale T1 1000 USD"]);
    }
}

/// A list of a bank: what its comment says of money that went out gives both sales and the refund.
#[test]
fn money_that_went_out_is_a_refund_as_its_comment_says() {
    let (place, ran) = init(&[
        "Reference,Date,Description,Email,Debit,Credit",
        "R1,2026-03-01,Payment,ana@example.com,,100.00",
        "R2,2026-03-02,Payment,ben@example.com,,50.00",
        "R3,2026-03-03,Paid back,ben@example.com,20.00,",
    ]);
    assert!(
        ran.stderr().contains("was it paid back to customers?"),
        "{}",
        ran.stderr()
    );
    let toml = place
        .read("fprecon.toml")
        .replace("# currency = \"USD\"", "currency = \"USD\"");
    let rule = toml.find("[[exports.export.reject]]").unwrap();
    let end = rule + toml[rule..].find("\n\n").unwrap();
    let decided = format!("{}{}", &toml[..rule], &toml[end..]).replacen(
        "kind = \"sale\"\n",
        "kind = \"sale\"\nwhen = { amount = { sign = \"positive\" } }\n",
        1,
    );
    let refund = "\n[[exports.export.event]]\nkind = \"refund\"\nwhen = { money_out = { sign = \"positive\" } }\n\
         event_id = [\"{id}\"]\namount = \"money_out\"\ncreated_at = [\"created_at\"]\n";
    place.write("fprecon.toml", &(decided + refund));
    let plan = place.run(&["plan", EXPORT, "--json"]).json();
    assert_eq!(plan["rows"]["with_events"], 3, "{plan}");
    assert_eq!(
        events(&place),
        [
            "refund R3 2000 USD",
            "sale R1 10000 USD",
            "sale R2 5000 USD"
        ]
    );
}
