//! What `fprecon init` recognises by the values of a column, whatever its name is: no such column is overlooked.

use crate::support::{Place, Ran};

const EXPORT: &str = "export.csv";

/// Runs `init` for an export of these lines, the first of which is the header.
fn init(lines: &[&str]) -> (Place, Ran) {
    let place = Place::new();
    place.write(EXPORT, &(lines.join("\n") + "\n"));
    let ran = place.run(&["init", EXPORT]);
    (place, ran)
}

/// The kind, id, amount and currency of each event.
fn events(place: &Place) -> Vec<String> {
    place.run(&["plan", EXPORT, "--events", "events.csv"]);
    if !place.path("events.csv").exists() {
        return Vec::new();
    }
    let rows = place.csv("events.csv");
    let header = rows[0].clone();
    let at = |name: &str| header.iter().position(|column| column == name).unwrap();
    let columns = ["kind", "event_id", "amount_cents", "currency"].map(at);
    let rows = rows.into_iter().skip(1);
    let mut events: Vec<String> = rows
        .map(|row| columns.map(|column| row[column].clone()).join(" "))
        .collect();
    events.sort();
    events
}

#[test]
fn a_column_of_currency_codes_is_the_currency_by_its_cells() {
    for name in ["Divisa", "Waluta", "Ccy", "Monnaie", "通貨", "Cur.", "Mena"] {
        let (place, ran) = init(&[
            &format!("Order ID,Email,Amount,{name},Date"),
            "1,ana@example.com,10.00,EUR,2026-03-14",
            "2,ben@example.com,20000.00,COP,2026-03-15",
            "3,cyd@example.com,20.00,usd,2026-03-15",
        ]);
        let guess =
            format!("guess: `{name}` is the currency: each of its cells is the code of one");
        assert!(ran.stderr().contains(&guess), "{}", ran.stderr());
        assert_eq!(
            events(&place),
            ["sale 1 1000 EUR", "sale 2 2000000 COP", "sale 3 2000 USD"]
        );
    }
}

#[test]
fn currencies_that_may_be_those_of_other_amounts_are_a_question() {
    let rows = |[one, other]: [&str; 2]| {
        [
            format!("1,ana@example.com,10.00,{one},2026-03-14"),
            format!("2,ben@example.com,20.00,{other},2026-03-15"),
        ]
    };
    for (columns, cells, question) in [
        (
            "Amount,Settlement ccy",
            ["EUR", "USD"],
            "is it the currency of `Amount`?",
        ),
        (
            "Amount,Ccy 1,Ccy 2",
            ["EUR,USD", "USD,USD"],
            "`Ccy 1` and `Ccy 2` have currencies: which one is the currency of `Amount`?",
        ),
        (
            "Amount (EUR),Currency",
            ["EUR", "USD"],
            "the header says `Amount (EUR)`, and `Currency` is `USD` in line 3: in which one",
        ),
        (
            "Amount,Currency",
            ["$", "$"],
            "`Currency` is `$`, which is not an ISO 4217 code: in which one",
        ),
    ] {
        let [one, other] = rows(cells);
        let (place, ran) = init(&[&format!("Order ID,Email,{columns},Date"), &one, &other]);
        let ran = ran.expect(1);
        assert!(ran.stderr().contains(question), "{}", ran.stderr());
        assert!(events(&place).is_empty());
    }
    let [one, other] = rows(["€", "$"]);
    let (place, ran) = init(&["Order ID,Email,Amount,Currency,Date", &one, &other]);
    let decision = "to decide: rows with `$`, `€` in `Currency` are rejected";
    assert!(ran.expect(1).stderr().contains(decision));
    assert!(events(&place).is_empty());
    // The column of the question is read once it is named.
    let (place, _) = init(&[
        "Order ID,Email,Amount,Settlement ccy,Date",
        "1,ana@example.com,10.00,EUR,2026-03-14",
    ]);
    let answered = place.read("fprecon.toml").replace(
        "# currency = \"Settlement ccy\"",
        "currency = \"Settlement ccy\"",
    );
    place.write("fprecon.toml", &answered);
    assert_eq!(events(&place), ["sale 1 1000 EUR"]);
}

/// Runs `init` for four payments with these cells in a column of this name.
fn with_column(name: &str, cells: [&str; 4]) -> (Place, Ran) {
    let rows = cells
        .iter()
        .zip(1..)
        .map(|(cell, n)| format!("{n},u{n}@example.com,{n}0.00,EUR,{cell},2026-03-1{n}"));
    let header = format!("Order ID,Email,Amount,Currency,{name},Date");
    let lines: Vec<String> = std::iter::once(header).chain(rows).collect();
    init(&lines.iter().map(String::as_str).collect::<Vec<_>>())
}

#[test]
fn a_column_of_states_says_what_a_row_is_by_its_words() {
    for (name, cells) in [
        ("Payment", ["paid", "failed", "paid", "refunded"]),
        ("Charge", ["succeeded", "failed", "succeeded", "refunded"]),
        (
            "Event",
            [
                "charge.succeeded",
                "charge.failed",
                "charge.succeeded",
                "charge.refunded",
            ],
        ),
        (
            "Zahlung",
            ["bezahlt", "fehlgeschlagen", "bezahlt", "zurückerstattet"],
        ),
        (
            "Situação",
            ["Aprovada", "Recusada", "Aprovada", "Reembolsada"],
        ),
        ("Règlement", ["réglé", "refusé", "réglé", "remboursé"]),
        (
            "Płatność",
            ["opłacone", "anulowane", "opłacone", "zwrócone"],
        ),
    ] {
        let (place, ran) = with_column(name, cells);
        let guess = format!("guess: `{name}` says which rows are payments");
        assert!(ran.stderr().contains(&guess), "{}", ran.stderr());
        let ignored = format!("guess: these were not paid: `{}`", cells[1]);
        assert!(ran.stderr().contains(&ignored), "{}", ran.stderr());
        let decision = format!("to decide: rows that say `{}` are rejected", cells[3]);
        assert!(ran.stderr().contains(&decision), "{}", ran.stderr());
        assert_eq!(events(&place), ["sale 1 1000 EUR", "sale 3 3000 EUR"]);
    }
    for (name, cells) in [
        ("Transaction", ["sale", "void", "sale", "refund"]),
        ("Operation", ["Sale", "Auth", "Sale", "Refund"]),
        ("Payment", ["paid", "", "paid", "unpaid"]),
    ] {
        let (place, ran) = with_column(name, cells);
        assert!(!ran.stderr().contains("every row"), "{}", ran.stderr());
        // A refund without its sale is held.
        let mut sales = events(&place);
        sales.retain(|event| event.starts_with("sale"));
        assert_eq!(sales, ["sale 1 1000 EUR", "sale 3 3000 EUR"]);
    }
    // A word only where something happened.
    let (place, ran) = with_column("Note", ["", "refunded", "", "chargeback"]);
    let decision = "to decide: rows with `chargeback`, `refunded` in `Note` are rejected";
    assert!(ran.stderr().contains(decision), "{}", ran.stderr());
    assert_eq!(events(&place), ["sale 1 1000 EUR", "sale 3 3000 EUR"]);
}

#[test]
fn words_that_are_not_about_the_payment_say_nothing() {
    for (name, cells) in [
        ("Shipping state", ["open", "complete", "open", "returned"]),
        ("Subscription", ["active", "canceled", "active", "expired"]),
        (
            "Source",
            ["checkout", "invoice", "checkout", "subscription"],
        ),
        ("Colour", ["red", "void", "blue", "red"]),
    ] {
        let (place, ran) = with_column(name, cells);
        assert!(!ran.stderr().contains("to decide"), "{}", ran.stderr());
        assert_eq!(events(&place).len(), 4, "{name}");
    }
}
