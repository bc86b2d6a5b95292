//! What `fprecon init` recognises by the values of a column, whatever its name is: no such column is overlooked.

use crate::support::{Place, Ran};

pub(crate) const EXPORT: &str = "export.csv";

/// Runs `init` for an export of these lines, the first of which is the header.
pub(crate) fn init(lines: &[&str]) -> (Place, Ran) {
    let place = Place::new();
    place.write(EXPORT, &(lines.join("\n") + "\n"));
    let ran = place.run(&["init", EXPORT]);
    (place, ran)
}

/// The kind, id, amount and currency of each event.
pub(crate) fn events(place: &Place) -> Vec<String> {
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
    for name in ["Divisa", "Penger", "Ccy", "Monnaie", "币种", "Cur.", "Mena"] {
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
        // The WIR euro, or Switzerland.
        (
            "Amount,Country",
            ["CHE", "CHE"],
            "is it the currency of `Amount`?",
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
            "Andamento",
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

#[test]
fn money_that_is_still_due_is_not_sold() {
    for name in [
        "Amount due",
        "Balance due",
        "Open balance",
        "Balance",
        "Outstanding",
        "Unpaid amount",
        "Restbetrag",
        "Offener Betrag",
        "Solde",
        "Reste à payer",
        "Saldo pendiente",
        "Importe adeudado",
        "Da pagare",
        "Zaległość",
    ] {
        let (place, ran) = with_column(name, ["0.00", "20.00", "10.00", "0.00"]);
        let said = format!(" in `{name}` are rejected: ");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
        assert_eq!(events(&place), ["sale 1 1000 EUR", "sale 4 4000 EUR"]);
    }
    // The balance of an account.
    let (place, _) = with_column("Balance", ["510.00", "530.00", "560.00", "600.00"]);
    assert_eq!(events(&place).len(), 4);
}

#[test]
fn a_column_of_money_inside_the_amount_is_a_refund_or_a_question() {
    for name in [
        "Reembolso",
        "Rückerstattung",
        "Remboursement",
        "Rimborso",
        "Terugbetaald",
        "Zwrot",
        "Devolución",
        "返金",
    ] {
        let (place, ran) = with_column(name, ["0.00", "7.31", "30.00", "0.00"]);
        let guess = format!("guess: `{name}` is the total refunded for the sale so far");
        assert!(ran.stderr().contains(&guess), "{}", ran.stderr());
        let events = events(&place);
        assert!(
            events.contains(&"refund 2_refund_731 731 EUR".to_owned()),
            "{events:?}"
        );
        assert_eq!(events.len(), 6);
    }
    for name in ["Gutschrift", "Amount refunded to date", "Credit note"] {
        let (place, ran) = with_column(name, ["0.00", "7.31", "30.00", ""]);
        assert!(
            ran.stderr().contains("was it refunded, paid or still due"),
            "{}",
            ran.stderr()
        );
        assert_eq!(events(&place), ["sale 1 1000 EUR", "sale 4 4000 EUR"]);
    }
    // Of a name that says nothing, zero may mean unpaid as well as not refunded.
    for (name, cells, sales) in [
        ("Kolumna", ["0.00", "20.00", "10.00", "0.00"], 0),
        ("Kolumna", ["0.00", "12.00", "", "0.00"], 3),
        ("Received", ["0.00", "20.00", "30.00", "40.00"], 3),
        ("Encaissé", ["10.00", "20.00", "15.00", "0.00"], 2),
    ] {
        let (place, ran) = with_column(name, cells);
        assert!(ran.stderr().contains("to decide: "), "{}", ran.stderr());
        assert_eq!(events(&place).len(), sales, "{name} {cells:?}");
    }
    for (name, cells) in [
        ("Fee", ["0.00", "0.88", "0.00", "1.20"]),
        ("Sales commission", ["0.00", "4.00", "0.00", "8.00"]),
        ("Items", ["0", "1", "2", "1"]),
        ("Converted amount", ["0.00", "20.00", "30.00", "40.00"]),
    ] {
        let (place, ran) = with_column(name, cells);
        assert!(!ran.stderr().contains("to decide"), "{}", ran.stderr());
        assert_eq!(events(&place).len(), 4, "{name}");
    }
}

#[test]
fn a_price_beside_a_discount_or_a_quantity_is_a_question() {
    for (columns, [one, other], question) in [
        (
            "Price,Discount",
            ["100.00,10.00", "50.00,0.00"],
            "is it off `Price` already?",
        ),
        (
            "List price,Discount amount",
            ["100.00,10.00", "50.00,"],
            "is it off `List price` already?",
        ),
        (
            "Subtotal,Discount",
            ["100.00,10.00", "50.00,0.00"],
            "is it off `Subtotal` already?",
        ),
        (
            "Gross sales,Discount",
            ["100.00,-10.00", "50.00,0.00"],
            "is it off `Gross sales` already?",
        ),
        (
            "Preis,Rabatt",
            ["100.00,10%", "50.00,0%"],
            "is it off `Preis` already?",
        ),
        (
            "Prix,Remise",
            ["100.00,10.00", "50.00,0.00"],
            "is it off `Prix` already?",
        ),
        (
            "Price,Quantity",
            ["10.00,3", "50.00,1"],
            "is `Price` the price of one piece?",
        ),
        (
            "Preis,Menge",
            ["10.00,\"2,0\"", "50.00,\"1,0\""],
            "is `Preis` the price of one piece?",
        ),
        (
            "Price,Pcs",
            ["10.00,3", "50.00,1"],
            "is `Price` the price of one piece?",
        ),
        (
            "Prezzo,Pz.",
            ["10.00,3", "50.00,1"],
            "is `Prezzo` the price of one piece?",
        ),
        (
            "Cena,Price,Krotność",
            ["a,10.00,3", "b,50.00,1"],
            "is `Price` the price of one piece?",
        ),
        (
            "Plan price,Charged",
            ["100.00,90.00", "50.00,50.00"],
            "which one is the sale?",
        ),
    ] {
        let (place, ran) = init(&[
            &format!("Order ID,Email,{columns},Currency,Date"),
            &format!("1,ana@example.com,{one},USD,2026-03-14"),
            &format!("2,ben@example.com,{other},USD,2026-03-14"),
        ]);
        assert!(ran.stderr().contains(question), "{}", ran.stderr());
        assert_eq!(events(&place), ["sale 2 5000 USD"], "{columns}");
    }
}

/// After the discount, by the name or by the sum.
#[test]
fn an_amount_beside_a_discount_or_a_quantity_is_no_question() {
    for (columns, [one, other]) in [
        ("Total,Discount", ["90.00,10.00", "50.00,0.00"]),
        (
            "List price,Amount,Discount",
            ["100.00,90.00,10.00", "50.00,50.00,0.00"],
        ),
        ("Amount,Quantity", ["90.00,3", "50.00,1"]),
    ] {
        let (place, _) = init(&[
            &format!("Order ID,Email,{columns},Currency,Date"),
            &format!("1,ana@example.com,{one},USD,2026-03-14"),
            &format!("2,ben@example.com,{other},USD,2026-03-14"),
        ]);
        assert_eq!(events(&place), ["sale 1 9000 USD", "sale 2 5000 USD"]);
    }
}

/// What the comment says to do gives the right money.
#[test]
fn a_discount_is_subtracted_as_its_comment_says() {
    let (place, _) = init(&[
        "Order ID,Email,Price,Discount,Currency,Date",
        "1,ana@example.com,100.00,10.00,USD,2026-03-14",
        "2,ben@example.com,50.00,0.00,USD,2026-03-14",
    ]);
    let toml = place.read("fprecon.toml");
    let said =
        "If it has to be subtracted, delete this rule and write `minus = [\"flag_1\"]` in `amount`";
    assert!(toml.contains(said), "{toml}");
    let at = toml.find("when = { flag_1").unwrap();
    let rule = toml[..at].rfind("[[exports.export.reject]]").unwrap();
    let end = at + toml[at..].find("\n\n").unwrap();
    let toml = format!("{}{}", &toml[..rule], &toml[end..]);
    let amount = "amount = { column = \"amount\", minus = [\"flag_1\"] }";
    place.write("fprecon.toml", &toml.replace("amount = \"amount\"", amount));
    assert_eq!(events(&place), ["sale 1 9000 USD", "sale 2 5000 USD"]);
}

#[test]
fn an_empty_date_of_payment_is_a_question_whatever_the_other_date_is_called() {
    for (issued, paid) in [
        ("Issued", "Paid on"),
        ("Ausgestellt", "Bezahldatum"),
        ("Émise le", "Date d'encaissement"),
        ("Emitida", "Fecha de cobro"),
        ("Wystawiono", "Data zapłaty"),
        ("Date", "Settled on"),
    ] {
        let (place, ran) = init(&[
            &format!("Invoice ID,Email,Amount,Currency,{issued},{paid}"),
            "1,ana@example.com,100.00,USD,2026-03-14,2026-03-20",
            "2,ben@example.com,50.00,USD,2026-03-14,",
        ]);
        let said = format!("to decide: rows without `{paid}` are rejected: were they paid?");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
        assert!(!ran.stderr().contains("missing"), "{}", ran.stderr());
        assert_eq!(events(&place), ["sale 1 10000 USD"]);
    }
    // The only date, and one that is empty in all rows.
    let (place, ran) = with_column("Plan", ["a", "b", "c", "d"]);
    assert!(!ran.stderr().contains("to decide"), "{}", ran.stderr());
    assert_eq!(events(&place).len(), 4);
    for dates in [["2026-03-20", ""], ["", ""]] {
        let [one, other] = dates;
        let (place, ran) = init(&[
            "Invoice ID,Email,Amount,Currency,Paid on",
            &format!("1,ana@example.com,100.00,USD,{one}"),
            &format!("2,ben@example.com,50.00,USD,{other}"),
        ]);
        let stderr = ran.stderr();
        assert!(
            stderr.contains("rows without `Paid on` are rejected"),
            "{stderr}"
        );
        assert_eq!(events(&place).len(), usize::from(!one.is_empty()));
    }
}

#[test]
fn a_date_that_only_some_rows_have_is_a_question_if_nothing_says_what_was_paid() {
    let (place, ran) = with_column("Zahltag", ["2026-03-20", "", "2026-03-21", ""]);
    let said = "all rows are rejected because of `Zahltag`: only some rows have this date";
    assert!(ran.stderr().contains(said), "{}", ran.stderr());
    assert!(events(&place).is_empty());
    for name in ["Delivered", "Renewal date", "Last login"] {
        let (place, ran) = with_column(name, ["2026-03-20", "", "2026-03-21", ""]);
        assert!(!ran.stderr().contains("to decide"), "{}", ran.stderr());
        assert_eq!(events(&place).len(), 4, "{name}");
    }
}

#[test]
fn a_reason_for_a_refund_is_a_question() {
    for name in [
        "Refund reason",
        "Cancel reason",
        "Reason for return",
        "Erstattungsgrund",
        "Motivo del reembolso",
    ] {
        let (place, ran) = with_column(name, ["", "fraud", "", "customer asked for it"]);
        let said = format!(" in `{name}` are rejected: are they sales?");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
        assert_eq!(events(&place), ["sale 1 1000 EUR", "sale 3 3000 EUR"]);
    }
}

#[test]
fn of_two_dates_the_one_of_something_later_is_not_the_sales() {
    for (later, date) in [
        ("Renewal date", "Purchase"),
        ("Delivery date", "Placed"),
        ("Exported at", "Bought on"),
    ] {
        let (place, ran) = init(&[
            &format!("Order ID,Email,Amount,Currency,{later},{date}"),
            "1,ana@example.com,10.00,USD,2026-04-30,2026-03-14",
        ]);
        let toml = place.read("fprecon.toml");
        assert!(toml.contains(&format!("created_at = \"{date}\"")), "{toml}");
        assert!(!ran.stderr().contains("to answer"), "{}", ran.stderr());
    }
    let (_, ran) = init(&[
        "Order ID,Email,Amount,Currency,Placed,Booked",
        "1,ana@example.com,10.00,USD,2026-03-14,2026-04-30",
    ]);
    let said = "guess: `Placed` is the date of the sale, and not `Booked`";
    assert!(ran.stderr().contains(said), "{}", ran.stderr());
}

/// Of a shop in Portuguese, the state of the payment is that of the sale, and the freight is no rival of the total.
#[test]
fn the_state_of_the_payment_goes_before_that_of_the_order() {
    let (place, ran) = init(&[
        "Número do Pedido,E-mail,Data,Status do Pedido,Status do Pagamento,Moeda,Valor do Frete,Total",
        "100,ana@example.com,28/10/2025 22:57:28,Aberto,Pago,BRL,10.00,110.00",
        "101,ben@example.com,29/10/2025 22:57:28,Aberto,Pendente,BRL,0.00,50.00",
    ]);
    let said = ran.stderr();
    assert!(!said.contains("Aberto"), "{said}");
    assert!(!said.contains("which one is the sale"), "{said}");
    let config = place.read("fprecon.toml");
    assert!(
        config.contains("status = \"Status do Pagamento\""),
        "{config}"
    );
}

#[test]
fn an_amount_that_is_just_called_paid_is_found() {
    let (place, ran) = init(&[
        "name;mail;invoice no;paid (EUR);when",
        "Ana;ana@example.com;R-1;1.200,00 €;2026-03-01",
        "Ben;ben@example.com;R-2;49,00 €;2026-03-12",
    ]);
    assert!(
        ran.stderr()
            .contains("`paid (EUR)` is what the customer paid"),
        "{}",
        ran.stderr()
    );
    assert_eq!(events(&place), ["sale R-1 120000 EUR", "sale R-2 4900 EUR"]);
}

/// A date that nobody can read is not a missing one, for which the day of sending could be taken.
#[test]
fn an_export_in_another_language_is_proposed_from_its_header() {
    for (header, paid, unpaid, expected) in [
        (
            "Ordernummer;Orderdatum;E-post;Summa;Avgift;Valuta;Betalstatus",
            "1;2026-03-14;ana@example.com;1 200,50 kr;25,00 kr;SEK;Betald",
            "2;2026-03-15;ben@example.com;80,00 kr;2,00 kr;SEK;Obetald",
            "sale 1 120050 SEK",
        ),
        (
            "Ordrenummer;Dato;E-mail;Beløb;Gebyr;Valuta;Betalingsstatus",
            "1;14-03-2026;ana@example.com;1.250,00;25,00;DKK;Betalt",
            "2;15-03-2026;ben@example.com;125,00;2,50;DKK;Ubetalt",
            "sale 1 125000 DKK",
        ),
        (
            "Numer zamówienia;Data zamówienia;E-mail;Kwota brutto;Prowizja;Waluta;Status płatności",
            "1;14.03.2026;ana@example.com;1 230,00 zł;23,00 zł;PLN;Opłacone",
            "2;15.03.2026;ben@example.com;123,00 zł;2,30 zł;PLN;Nieopłacone",
            "sale 1 123000 PLN",
        ),
        (
            "Transação;Data da venda;E-mail do comprador;Moeda;Preço;Taxa;Situação",
            "1;14/03/2026;ana@example.com;BRL;R$ 1.200,00;R$ 12,00;Aprovado",
            "2;15/03/2026;ben@example.com;BRL;R$ 97,00;R$ 9,00;Pendente",
            "sale 1 120000 BRL",
        ),
        (
            "注文番号;注文日;メール;金額;通貨;支払い状況",
            "1;2026/03/14;ana@example.com;12000;JPY;支払済み",
            "2;2026/03/15;ben@example.com;8000;JPY;未払い",
            "sale 1 12000 JPY",
        ),
    ] {
        let (place, ran) = init(&[header, paid, unpaid]);
        assert_eq!(events(&place), [expected], "{header}\n{}", ran.stderr());
    }
}

#[test]
fn names_of_months_of_other_languages_are_read() {
    for dates in [
        ["1. März 2025", "2. Mai 2025", "13. Dez. 2025"],
        ["1 mars 2025", "2 août 2025", "13 déc. 2025"],
        [
            "1 de marzo de 2025",
            "2 de mayo de 2025",
            "13 de diciembre de 2025",
        ],
        ["1 gennaio 2025", "2 maggio 2025", "13 dic 2025"],
        [
            "1 de março de 2025",
            "2 de maio de 2025",
            "13 de dezembro de 2025",
        ],
        ["1 maart 2025", "2 mei 2025", "13 december 2025"],
        ["1er janv. 2025", "2 févr. 2025", "13 juil. 2025"],
        ["01-mrt-2025", "02-mei-2025", "13-okt-2025"],
        ["mars 1, 2025", "aout 2, 2025", "juin 13, 2025"],
    ] {
        let row =
            |(at, date): (usize, &&str)| format!("R-{at},u{at}@example.com,12.00,EUR,\"{date}\"");
        let mut lines = vec!["invoice,email,amount,currency,when".to_owned()];
        lines.extend(dates.iter().enumerate().map(row));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let (place, ran) = init(&lines);
        let said = ran.expect(0).stderr();
        assert!(!said.contains("to answer"), "{dates:?}: {said}");
        place
            .run(&["plan", EXPORT, "--events", "events.csv"])
            .expect(0);
        let rows = place.csv("events.csv");
        let at = rows[0]
            .iter()
            .position(|name| name == "created_at")
            .unwrap();
        let mut read: Vec<&str> = rows[1..].iter().map(|row| &row[at][..10]).collect();
        let day = |date: &&str| date[8..].to_owned();
        read.sort_by_key(day);
        let days: Vec<&str> = read.iter().map(|day| &day[8..]).collect();
        assert_eq!(days, ["01", "02", "13"], "{dates:?}: {read:?}");
        let months: Vec<&str> = read.iter().map(|day| &day[5..7]).collect();
        let expected = match dates[2] {
            "13. Dez. 2025" => ["03", "05", "12"],
            "13 déc. 2025" => ["03", "08", "12"],
            "13 de diciembre de 2025" | "13 december 2025" | "13 de dezembro de 2025" => {
                ["03", "05", "12"]
            }
            "13 dic 2025" => ["01", "05", "12"],
            "13 juil. 2025" => ["01", "02", "07"],
            "13-okt-2025" => ["03", "05", "10"],
            _ => ["03", "08", "06"],
        };
        assert_eq!(months, expected, "{dates:?}");
    }
}

#[test]
fn names_of_months_in_another_language_are_said_to_be_unreadable() {
    let (_, ran) = init(&[
        "invoice,email,amount,currency,when",
        "R-1,ana@example.com,12.00,EUR,1 marca 2026",
        "R-2,ben@example.com,49.00,EUR,12 marca 2026",
    ]);
    let said = ran.stderr();
    let question = "`1 marca 2026` is not in a known format: how are dates written? Names of months are read in English, German, French, Spanish, Italian, Portuguese and Dutch.";
    assert!(said.contains(question), "{said}");
}

#[test]
fn a_list_without_ids_is_refused_with_what_to_add() {
    let (place, ran) = init(&[
        "Customer,Email,Amount,Date",
        "Ana,ana@example.com,\"$1,200.00\",\"Mar 1, 2026\"",
        "Ben,ben@example.com,$49.00,\"Mar 12, 2026\"",
    ]);
    let said = ran.expect(3).stderr();
    assert!(said.contains("add a column `id`"), "{said}");
    place.write(
        EXPORT,
        "id,Customer,Email,Amount,Date\n1,Ana,ana@example.com,\"$1,200.00\",\"Mar 1, 2026\"\n2,Ben,ben@example.com,$49.00,\"Mar 12, 2026\"\n",
    );
    let said = place.run(&["init", EXPORT]).expect(1).stderr();
    assert_eq!(said.matches("to answer: ").count(), 1, "{said}");
}
