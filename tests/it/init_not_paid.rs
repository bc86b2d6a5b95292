//! What `fprecon init` makes of columns and words that say of a row that it may not be money received: no such row is a
//! sale in silence, in the export that is looked at or in a later one.

use crate::support::{Place, Ran, SandboxProcess};

const EXPORT: &str = "export.csv";

/// Writes an export of four payments, of which the second one has another mark in a column.
fn marked(header: &str, column: &str, usual: &str, other: &str) -> String {
    let row = |n: u32| {
        let mark = if n == 2 { other } else { usual };
        format!("o{n};u{n}@example.com;1{n},00;EUR;2026-03-1{n};{mark}\n")
    };
    format!("{header};{column}\n{}", (1..5).map(row).collect::<String>())
}

fn init(text: &str) -> (Place, Ran) {
    let place = Place::new();
    place.write(EXPORT, text);
    let ran = place.run(&["init", EXPORT]);
    (place, ran)
}

/// The kinds and ids of the events of an export.
fn events(place: &Place, export: &str) -> Vec<String> {
    place.run(&["plan", export, "--events", "events.csv"]);
    let rows = place.csv("events.csv").into_iter().skip(1);
    rows.map(|row| row[..2].join(" ")).collect()
}

/// The text of the comments, which go over several lines.
fn comments(toml: &str) -> String {
    toml.replace("\n# ", " ")
}

const ENGLISH: &str = "Order ID;Email;Amount;Currency;Created at";
const GERMAN: &str = "Bestellnummer;E-Mail;Betrag;Währung;Datum";
const FRENCH: &str = "Commande;Courriel;Montant;Devise;Date";
const SPANISH: &str = "Pedido;Correo;Importe;Moneda;Fecha";

#[test]
fn a_column_that_says_that_a_row_is_not_paid_makes_it_no_sale() {
    for (header, column, usual, other) in [
        (ENGLISH, "success", "true", "false"),
        (ENGLISH, "Payment Success", "Y", "N"),
        (ENGLISH, "Completed", "yes", "no"),
        (ENGLISH, "voided", "false", "true"),
        (ENGLISH, "is_failed", "0", "1"),
        (GERMAN, "Erfolgreich", "ja", "nein"),
        (GERMAN, "Abgelehnt", "nein", "ja"),
        (FRENCH, "Validé", "oui", "non"),
        (FRENCH, "Refusé", "non", "oui"),
        (SPANISH, "Exitoso", "sí", "no"),
    ] {
        let (place, ran) = init(&marked(header, column, usual, other));
        let said = format!("guess: rows in which `{column}` says this were not paid: `{other}`");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
        assert_eq!(events(&place, EXPORT), ["sale o1", "sale o3", "sale o4"]);
        // What is not completed may be later: an older export says so of what a newer one has as paid.
        let is_for_good = !["Completed", "Validé"].contains(&column);
        let toml = place.read("fprecon.toml");
        let reason = "reason = \"not paid\"\nnot_paid = true";
        assert_eq!(toml.contains(reason), is_for_good, "{toml}");
    }
    for (header, column, usual, other) in [
        (ENGLISH, "livemode", "true", "false"),
        (ENGLISH, "Environment", "production", "sandbox"),
        (GERMAN, "Testzahlung", "nein", "ja"),
        (FRENCH, "Mode test", "non", "oui"),
        (SPANISH, "Prueba", "no", "sí"),
    ] {
        let (place, ran) = init(&marked(header, column, usual, other));
        let said = format!("guess: rows in which `{column}` says this are tests: `{other}`");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
        assert_eq!(events(&place, EXPORT), ["sale o1", "sale o3", "sale o4"]);
    }
}

#[test]
fn a_column_that_says_that_money_may_have_gone_back_is_a_question() {
    for (header, column, usual, other) in [
        (ENGLISH, "chargeback", "false", "true"),
        (ENGLISH, "dispute_status", "", "lost"),
        (ENGLISH, "Disputed Amount", "0,00", "12,00"),
        (ENGLISH, "cancelled_at", "", "2026-03-20"),
        (ENGLISH, "isCancelled", "False", "True"),
        (ENGLISH, "direction", "in", "out"),
        (ENGLISH, "Flow of the month", "incoming", "outgoing"),
        (ENGLISH, "Failure code", "", "card_declined"),
        (ENGLISH, "success", "true", "in review"),
        (ENGLISH, "paid", "x", ""),
        (GERMAN, "Storniert am", "", "20.03.2026"),
        (GERMAN, "Rücklastschrift", "nein", "ja"),
        (GERMAN, "Soll/Haben", "H", "S"),
        (FRENCH, "Litige", "", "perdu"),
        (FRENCH, "Sens", "Crédit", "Débit"),
        (SPANISH, "Contracargo", "no", "sí"),
        (SPANISH, "Cancelado", "0", "1"),
    ] {
        let (place, ran) = init(&marked(header, column, usual, other));
        let shown = match other {
            "" => "nothing".to_owned(),
            other => format!("`{other}`"),
        };
        let said =
            format!("to decide: rows with {shown} in `{column}` are rejected: are they sales?");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
        assert!(
            !ran.stderr().contains("guess: every row"),
            "{}",
            ran.stderr()
        );
        assert_eq!(events(&place, EXPORT), ["sale o1", "sale o3", "sale o4"]);
    }
}

/// Most such columns have nothing to say in the first export.
#[test]
fn a_mark_that_the_first_export_does_not_have_is_rejected_in_a_later_one() {
    for (header, column, usual, later) in [
        (ENGLISH, "success", "true", "false"),
        (ENGLISH, "chargeback", "", "2026-03-20"),
        (ENGLISH, "voided", "false", "true"),
        (ENGLISH, "livemode", "true", "false"),
        (GERMAN, "Rücklastschrift", "", "ja"),
        (SPANISH, "Cancelado", "no", "sí"),
    ] {
        let (place, ran) = init(&marked(header, column, usual, usual));
        assert!(!ran.stderr().contains("to decide"), "{}", ran.stderr());
        assert_eq!(events(&place, EXPORT).len(), 4);
        place.write("later.csv", &marked(header, column, usual, later));
        let plan = place.run(&["plan", "later.csv", "--json"]).expect(1).json();
        assert_eq!(plan["rows"]["rejected"], 1, "{plan}");
        assert_eq!(plan["rows"]["with_events"], 3);
        let problem = &plan["problems"][0];
        assert_eq!(problem["line"], 3);
        assert_eq!(problem["value"], later);
    }
}

#[test]
fn columns_that_say_nothing_about_the_money_stay_out_of_it() {
    for (column, usual, other) in [
        ("Email confirmed", "true", "false"),
        ("Accepted terms", "true", "false"),
        ("Subscription cancelled at", "", "2026-03-20"),
        ("Card funding", "credit", "debit"),
        ("Payment mode", "card", "cash"),
        ("Completed orders", "3", "7"),
        ("Dispute fee", "0,00", "15,00"),
    ] {
        let (place, ran) = init(&marked(ENGLISH, column, usual, other));
        assert!(!ran.stderr().contains("to decide"), "{}", ran.stderr());
        assert_eq!(events(&place, EXPORT).len(), 4, "{column}");
    }
}

/// What the comment says to do gives the right money.
#[test]
fn a_question_about_a_column_is_decided_by_what_its_comment_says() {
    let (place, _) = init(&marked(ENGLISH, "chargeback", "false", "true"));
    let toml = place.read("fprecon.toml");
    assert!(comments(&toml).contains("If such a row is a sale, add its word to the list."));
    let list = "flag_1 = { not = [\"false\", \"\"] }";
    assert!(toml.contains(list), "{toml}");
    let kept = toml.replacen(list, "flag_1 = { not = [\"false\", \"\", \"true\"] }", 1);
    place.write("fprecon.toml", &kept);
    assert_eq!(events(&place, EXPORT).len(), 4);

    let at = toml.find(list).unwrap();
    let rule = toml[..at].rfind("[[exports.export.reject]]").unwrap();
    let end = at + toml[at..].find("\n\n").unwrap();
    let ignored = format!(
        "[[exports.export.ignore]]\nwhen = {{ {list} }}\nreason = \"not paid\"\nnot_paid = true"
    );
    place.write(
        "fprecon.toml",
        &format!("{}{ignored}{}", &toml[..rule], &toml[end..]),
    );
    let plan = place.run(&["plan", EXPORT, "--json"]).expect(0).json();
    assert_eq!(plan["rows"]["ignored"], 1);
    assert_eq!(plan["rows"]["with_events"], 3);

    let (place, _) = init(&marked(GERMAN, "Storniert am", "", "20.03.2026"));
    let toml = place.read("fprecon.toml");
    assert!(comments(&toml).contains("If such a row is a sale, delete this rule."));
}

/// A charge and its payment are one sale: systems of billing write both.
#[test]
fn what_is_due_is_not_a_sale_beside_its_payment() {
    for (header, due, paid) in [
        (
            "ID;Type;Email;Amount;Currency;Created at",
            "Charge",
            "Payment",
        ),
        (
            "ID;Type;Email;Amount;Currency;Created at",
            "Invoice",
            "Payment",
        ),
        ("ID;Typ;E-Mail;Betrag;Währung;Datum", "Rechnung", "Zahlung"),
        (
            "ID;Type;Courriel;Montant;Devise;Date",
            "Facture",
            "Paiement",
        ),
        ("ID;Tipo;Correo;Importe;Moneda;Fecha", "Factura", "Pago"),
    ] {
        let rows = [("1", due), ("2", paid), ("3", due), ("4", paid)];
        let rows = rows
            .map(|(id, kind)| format!("{id};{kind};u{id}@example.com;59,50;EUR;2026-03-0{id}\n"));
        let (place, ran) = init(&format!("{header}\n{}", rows.concat()));
        let said =
            format!("to decide: rows that say `{due}` are rejected: are they sales, or refunds?");
        assert!(ran.stderr().contains(&said), "{}", ran.stderr());
        assert_eq!(events(&place, EXPORT), ["sale 2", "sale 4"]);
    }
    // Alone, it is the sale.
    let (place, ran) = init(
        "ID;Type;Email;Amount;Currency;Created at\n\
         1;Charge;ana@example.com;59,50;EUR;2026-03-01\n\
         2;Refund;ana@example.com;9,50;EUR;2026-03-02\n",
    );
    assert!(
        !ran.stderr().contains("are they sales, or refunds?"),
        "{}",
        ran.stderr()
    );
    assert_eq!(events(&place, EXPORT).len(), 2);
}

#[test]
fn another_status_that_says_that_an_order_came_to_nothing_is_a_question() {
    for (header, rows) in [
        (
            "Order;Email;Total;Currency;Date;Payment status;Order status",
            "1;ana@example.com;10,00;EUR;2026-03-01;paid;open\n\
             2;ben@example.com;20,00;EUR;2026-03-01;paid;cancelled\n",
        ),
        (
            "Bestellung;E-Mail;Summe;Währung;Datum;Zahlungsstatus;Bestellstatus",
            "1;ana@example.com;10,00;EUR;2026-03-01;bezahlt;offen\n\
             2;ben@example.com;20,00;EUR;2026-03-01;bezahlt;storniert\n",
        ),
    ] {
        let (place, ran) = init(&format!("{header}\n{rows}"));
        assert!(
            ran.stderr().contains("to decide: rows with "),
            "{}",
            ran.stderr()
        );
        assert_eq!(events(&place, EXPORT), ["sale 1"]);
    }
}

/// Row 17e: the profile of `init` notices what the built-in ones do.
#[test]
fn a_sale_that_was_sent_and_is_not_paid_later_is_held_with_a_proposed_profile() {
    for (header, paid, later) in [
        (
            "Bestellnummer;E-Mail;Gesamtbetrag;Währung;Datum;Zahlungsstatus",
            "Bezahlt",
            "Storniert",
        ),
        ("Order;Email;Total;Currency;Date;Status", "paid", "voided"),
        ("Order;Email;Total;Currency;Date;Status", "paid", "expired"),
        (
            "Commande;Courriel;Total TTC;Devise;Date;Statut",
            "payé",
            "échoué",
        ),
        ("Order;Email;Total;Currency;Date;success", "true", "false"),
        ("Order;Email;Total;Currency;Date;voided", "false", "true"),
    ] {
        let export = |mark: &str, date: &str| {
            format!(
                "{header}\n1001;lead@example.com;1000,00;EUR;{date};{mark}\n\
                 1002;lead@example.com;20,00;EUR;2026-03-01;{paid}\n\
                 1003;ben@example.com;30,00;EUR;2026-03-01;{later}\n"
            )
        };
        let (place, ran) = init(&export(paid, "2026-03-01"));
        assert!(!ran.stderr().contains("to decide"), "{}", ran.stderr());
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        let run = |code: i32| {
            let ran = place.run_to(&sandbox, &["run", EXPORT, "--yes", "--json"]);
            ran.expect(code).json()
        };
        run(0);
        place.write(EXPORT, &export(later, "2026-03-01"));
        let ran = run(1);
        assert_eq!(ran["attention"][0]["code"], "held", "{later}: {ran}");
        assert_eq!(ran["attention"][0]["amount_cents"]["EUR"], 100_000);
    }
}
