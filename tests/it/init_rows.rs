//! What `fprecon init` makes of the rows of exports that no profile knows: no payment is lost, none is
//! invented, and what the rows don't say is asked.

use crate::support::{Place, Ran};

/// An export, and what `init` made of it.
struct Proposed {
    place: Place,
    ran: Ran,
}

const EXPORT: &str = "export.csv";

fn init(text: &str) -> Proposed {
    let place = Place::new();
    place.write(EXPORT, text);
    let ran = place.run(&["init", EXPORT]);
    Proposed { place, ran }
}

impl Proposed {
    /// Takes the `#` off a line of the configuration.
    fn answer(self, line: &str) -> Self {
        let text = self.place.read("fprecon.toml");
        let open = format!("# {line}");
        assert!(text.contains(&open), "{text}");
        self.place
            .write("fprecon.toml", &text.replacen(&open, line, 1));
        self
    }

    /// Kind, id, sale, cents, currency, date and email of each event of `fprecon plan`.
    fn events(&self) -> Vec<String> {
        let ran = self.place.run(&["plan", EXPORT, "--events", "events.csv"]);
        assert!([0, 1].contains(&ran.code()), "{}", ran.stderr());
        let rows = self.place.csv("events.csv");
        let at = |name: &str| rows[0].iter().position(|header| header == name).unwrap();
        let wanted = [
            "kind",
            "event_id",
            "sale_event_id",
            "amount_cents",
            "currency",
            "created_at",
        ];
        let wanted = wanted.map(at);
        let cells = |row: &Vec<String>| {
            let cells: Vec<&str> = wanted.iter().map(|&at| row[at].as_str()).collect();
            cells.join(" ")
        };
        rows[1..].iter().map(cells).collect()
    }

    fn said(&self) -> String {
        self.ran.stderr()
    }

    fn says(&self, text: &str) {
        assert!(self.said().contains(text), "{}", self.said());
    }

    fn toml(&self) -> String {
        self.place.read("fprecon.toml")
    }

    fn code(&self, code: i32) {
        assert_eq!(self.ran.code(), code, "{}", self.said());
    }
}

#[test]
fn an_order_that_is_processed_is_paid_where_the_rows_show_a_shop() {
    let orders = init(
        "Order ID,Date Created,Date Paid,Status,Customer ID,Email,Total Amount\n\
         1,2026-04-05 09:25:08,2026-04-05T09:25:13,processing,7,ana@example.com,1183.93\n\
         2,2026-04-05 11:25:08,,failed,8,cyd@example.com,99.00\n\
         3,2026-04-06 11:25:08,2026-04-06T11:25:13,completed,9,dan@example.com,50.00\n",
    );
    orders.code(1);
    orders.says("`processing` is paid: `Date Paid` is filled in each of its rows");
    // Only the currency is open, and decides nothing about the rows: they are tried with the account's.
    orders.says("Tried, assuming amounts in USD");
    let orders = orders.answer("currency = \"USD\"");
    assert_eq!(
        orders.events(),
        [
            "sale 1  118393 USD 2026-04-05T09:25:13Z",
            "sale 3  5000 USD 2026-04-06T11:25:13Z"
        ]
    );
    let without_dates = "Order No,Created,Order Status,Buyer Email,Total,Currency\n\
         1,2026-04-05 09:25,wc-processing,ana@example.com,10.00,EUR\n\
         2,2026-04-05 10:25,wc-on-hold,ben@example.com,20.00,EUR\n";
    let orders = init(without_dates);
    orders.code(0);
    assert_eq!(orders.events(), ["sale 1  1000 EUR 2026-04-05T09:25:00Z"]);
}

#[test]
fn a_payment_that_is_processed_is_a_question_or_not_paid() {
    // A provider of payments: the money may not have come.
    let payments = init(
        "Payment ID,Date,Email,Amount,Currency,Payment Status,Fee\n\
         p1,2026-03-01,ana@example.com,100.00,EUR,Processing,1.00\n\
         p2,2026-03-01,ben@example.com,50.00,EUR,Succeeded,1.00\n",
    );
    payments.says("to decide: rows that say `Processing` are rejected");
    payments.says("1 row rejected");
    assert_eq!(
        payments.events(),
        ["sale p2  5000 EUR 2026-03-01T00:00:00Z"]
    );
    // Without the date of a payment it is not paid.
    let invoices = init(
        "Invoice,Created,Paid on,Email,Amount,Currency,Status\n\
         i1,2026-03-01,,ana@example.com,100.00,EUR,in Bearbeitung\n\
         i2,2026-03-01,2026-03-02,ben@example.com,50.00,EUR,bezahlt\n",
    );
    invoices.says("`in Bearbeitung` is not paid yet: `Paid on` is empty in its rows");
    assert_eq!(
        invoices.events(),
        ["sale i2  5000 EUR 2026-03-02T00:00:00Z"]
    );
}

/// What the comment beside a rejected word says to do gives the right money.
#[test]
fn a_rejected_word_is_decided_by_what_its_comment_says() {
    let orders = "Order,Date,Email,Total,Currency,Status\n\
         1,2026-03-01,ana@example.com,10.00,EUR,paid\n\
         2,2026-03-02,ben@example.com,20.00,EUR,erfüllt\n";
    let proposed = init(orders);
    let toml = proposed.toml();
    assert!(
        toml.contains("If such a row is a sale, move its word from here"),
        "{toml}"
    );
    let sale = toml.replacen(
        "when = { status = [\"erfüllt\"] }",
        "when = { status = [] }",
        1,
    );
    let sale = sale.replacen(
        "when = { status = [\"paid\"] }",
        "when = { status = [\"paid\", \"erfüllt\"] }",
        1,
    );
    assert_ne!(sale, toml);
    proposed.place.write("fprecon.toml", &sale);
    assert_eq!(proposed.events().len(), 2);

    let from = toml.find("[[exports.export.reject]]").unwrap();
    let ignored = toml[from..].replacen("reject]]", "ignore]]", 1);
    let ignored: Vec<&str> = ignored
        .split('\n')
        .scan(0, |seen, line| {
            *seen += 1;
            let is_told = *seen < 7
                && ["column", "message", "hint"]
                    .iter()
                    .any(|key| line.starts_with(key));
            Some(match (is_told, line.starts_with("column")) {
                (true, true) => "reason = \"not paid\"",
                (true, false) => "",
                (false, _) => line,
            })
        })
        .collect();
    proposed.place.write(
        "fprecon.toml",
        &format!("{}{}", &toml[..from], ignored.join("\n")),
    );
    let plan = proposed
        .place
        .run(&["plan", EXPORT, "--json"])
        .expect(0)
        .json();
    assert_eq!(plan["rows"]["ignored"], 1);
    assert_eq!(plan["rows"]["with_events"], 1);
}

#[test]
fn an_id_is_filled_and_new_in_every_sale_or_it_is_asked_for() {
    for (rows, why) in [
        (
            "Invoice,Email,Total,Currency,Date\nI1,a@example.com,1.00,EUR,2026-03-01\nI2,b@example.com,1.00,EUR,2026-03-01\n,c@example.com,1.00,EUR,2026-03-01\n",
            "`Invoice` is empty in line 4",
        ),
        (
            "Order ID,Email,Total,Currency,Date\nS1,a@example.com,1.00,EUR,2026-03-01\nS2,b@example.com,1.00,EUR,2026-03-01\nS1,a@example.com,1.00,EUR,2026-04-01\n",
            "`Order ID` has `S1` again in line 4",
        ),
        (
            "Phone,Email,Total,Currency,Date\n555-1,a@example.com,1.00,EUR,2026-03-01\n555-2,b@example.com,1.00,EUR,2026-03-01\n",
            "`Phone` differs in each row, but does not have the name of an id",
        ),
    ] {
        let proposed = init(rows);
        proposed.code(1);
        proposed.says("which column identifies a payment?");
        proposed.says(why);
        proposed.says("not tried: it needs the answers first");
        assert!(!proposed.toml().contains("\nid = "), "{}", proposed.toml());
        proposed.place.run(&["plan", EXPORT]).expect(3);
    }
    // Rows that are no events may repeat it, and a failed attempt has the order of the next one.
    let attempts = init(
        "Order ID,Email,Total,Currency,Date,Status\n\
         O1,a@example.com,1.00,EUR,2026-03-01,failed\nO1,a@example.com,1.00,EUR,2026-03-01,paid\n",
    );
    attempts.code(0);
    assert_eq!(attempts.events(), ["sale O1  100 EUR 2026-03-01T00:00:00Z"]);
}

#[test]
fn a_time_and_a_zone_belong_to_the_date() {
    let zones = init(
        "Order,Email,Amount,Currency,Date,Time,Time Zone\n\
         1001,ana@example.com,10.00,USD,2026-03-31,20:30:00,America/New_York\n\
         1002,ben@example.com,20.00,USD,2026-03-31,21:30:00,America/New_York\n",
    );
    zones.code(0);
    assert_eq!(
        zones.events(),
        [
            "sale 1001  1000 USD 2026-04-01T00:30:00Z",
            "sale 1002  2000 USD 2026-04-01T01:30:00Z"
        ]
    );
    let german = init(
        "Bestellnummer;E-Mail;Summe;Währung;Datum;Uhrzeit;Zeitzone\n\
         1;ana@example.com;10,00;EUR;31.03.2026;23:30;CEST\n\
         2;ben@example.com;20,00;EUR;01.02.2026;00:30;CET\n\
         3;cyd@example.com;20,00;EUR;01.02.2026;00:30;IST\n",
    );
    german.says("rows whose time zone is `IST` are rejected");
    assert_eq!(
        german.events(),
        [
            "sale 2  2000 EUR 2026-01-31T23:30:00Z",
            "sale 1  1000 EUR 2026-03-31T21:30:00Z"
        ]
    );
    let american = init(
        "Order No,Email,Total,Currency,Date,Time\n\
         1,ana@example.com,10.00,USD,3/31/2026,11:30 PM\n2,ben@example.com,20.00,USD,2/1/2026,12:30 AM\n",
    );
    assert_eq!(
        american.events(),
        [
            "sale 2  2000 USD 2026-02-01T00:30:00Z",
            "sale 1  1000 USD 2026-03-31T23:30:00Z"
        ]
    );
}

#[test]
fn a_refund_is_dated_by_its_own_column() {
    let payments = init(
        "ID,Paid at,Status,Email,Payment Amount,Refunded amount,Refunded at,Payment Currency\n\
         p1,2026-02-28 23:32:08 +0800,paid,ana@example.com,54.00,0.00,,usd\n\
         p2,2026-03-01 23:32:08 +0800,refunded,ben@example.com,21.60,21.60,2026-03-05 10:00:00 +0800,usd\n",
    );
    payments.code(0);
    assert_eq!(
        payments.events(),
        [
            "sale p1  5400 USD 2026-02-28T15:32:08Z",
            "sale p2  2160 USD 2026-03-01T15:32:08Z",
            "refund p2_refund_2160 p2 2160 USD 2026-03-05T02:00:00Z"
        ]
    );
    // It is the only word of a refund here, and says not how much.
    let not_how_much = init(
        "transaction_id,customer_email,status,billed_at,currency_code,total,refunded_at\n\
         t1,ana@example.com,completed,2026-03-01T10:00:00Z,USD,12.00,\n\
         t2,ben@example.com,completed,2026-03-02T10:00:00Z,USD,24.00,2026-03-05T10:00:00Z\n",
    );
    not_how_much.says("rows with `refunded_at` are rejected: how much of them was refunded?");
    assert_eq!(
        not_how_much.events(),
        ["sale t1  1200 USD 2026-03-01T10:00:00Z"]
    );
    let other_format = init(
        "Rechnung;Datum;E-Mail;Betrag;Währung;Erstattet;Erstattet am\n\
         R1;01.03.2026;ana@example.com;10,00;EUR;4,00;2026-03-09\nR2;02.03.2026;ben@example.com;10,00;EUR;0,00;\n",
    );
    other_format.code(0);
    assert_eq!(
        other_format.events(),
        [
            "sale R1  1000 EUR 2026-03-01T00:00:00Z",
            "sale R2  1000 EUR 2026-03-02T00:00:00Z",
            "refund R1_refund_400 R1 400 EUR 2026-03-09T00:00:00Z"
        ]
    );
}

#[test]
fn tax_is_found_by_arithmetic_and_not_by_the_name_gross() {
    let square = init(
        "Date,Time,Time Zone,Gross Sales,Discounts,Net Sales,Tax,Tip,Total Collected,Fees,Net Total,Transaction ID,Event Type,Customer ID\n\
         2026-05-16,14:30:00,Eastern Time (US & Canada),$60.00,-$5.00,$55.00,$4.40,$2.00,$61.40,-$2.08,$59.32,TX1,Payment,CUST1\n\
         2026-01-17,15:30:00,Eastern Time (US & Canada),$20.00,$0.00,$20.00,$1.60,$0.00,$21.60,-$0.90,$20.70,TX2,Payment,CUST2\n",
    );
    square.code(1);
    let square = square.answer("currency = \"USD\"");
    assert_eq!(
        square.events(),
        [
            "sale TX2  2000 USD 2026-01-17T20:30:00Z",
            "sale TX1  5500 USD 2026-05-16T18:30:00Z"
        ]
    );
    // The name says nothing: here the tax comes on top of what is called gross.
    let on_top = init(
        "Order,Date,Email,Gross,VAT,Currency\n1,2026-03-01,a@example.com,100.00,8.00,GBP\n\
         2,2026-03-02,b@example.com,50.00,4.00,GBP\n3,2026-03-03,c@example.com,10.00,0.80,GBP\n",
    );
    on_top.says("`VAT` is not inside the amount: in every row `VAT` is 8 % of `Gross`");
    assert_eq!(on_top.events()[0], "sale 1  10000 GBP 2026-03-01T00:00:00Z");
    // Too few rows to tell: those with tax are rejected, and no sale is left.
    let untold = init(
        "Order,Date,Email,Brutto,MwSt,Currency\n1,2026-03-01,a@example.com,119.00,19.00,EUR\n",
    );
    untold.code(1);
    untold.says("rows with `MwSt` are rejected: does `Brutto` include it?");
    untold.says("none of its 1 row is read as a sale");
    // The tax on a fee is no part of the amount.
    let razorpay = init(
        "id,amount,currency,status,order_id,amount_refunded,email,fee,tax,created_at\n\
         pay_1,1180.00,INR,captured,order_1,0.00,a@example.com,27.85,4.25,13/06/2026 14:05:21\n\
         pay_2,590.00,INR,failed,order_2,0.00,b@example.com,,,13/06/2026 15:05:21\n\
         pay_3,590.00,INR,captured,order_2,590.00,b@example.com,13.92,2.12,14/06/2026 15:05:21\n\
         pay_4,2360.00,INR,captured,order_4,0.00,c@example.com,55.70,8.50,15/06/2026 15:05:21\n",
    );
    razorpay.code(0);
    assert_eq!(
        razorpay.events(),
        [
            "sale pay_1  118000 INR 2026-06-13T14:05:21Z",
            "sale pay_3  59000 INR 2026-06-14T15:05:21Z",
            "refund pay_3_refund_59000 pay_3 59000 INR 2026-06-14T15:05:21Z",
            "sale pay_4  236000 INR 2026-06-15T15:05:21Z"
        ]
    );
}

#[test]
fn one_address_in_all_rows_is_not_the_customers() {
    let seller = init(
        "Transaction ID,Date,Email,Buyer,Total,Currency\nT1,2026-03-01,me@shop.example,ana@example.com,10.00,EUR\n\
         T2,2026-03-02,me@shop.example,ben@example.com,12.00,EUR\nT3,2026-03-03,me@shop.example,cyd@example.com,13.00,EUR\n",
    );
    seller.code(0);
    assert!(
        seller.toml().contains("email = \"Buyer\""),
        "{}",
        seller.toml()
    );
    let till = init(
        "Transaction ID,Date,Email,Total,Currency\nT1,2026-03-01,till@shop.example,10.00,EUR\n\
         T2,2026-03-02,till@shop.example,12.00,EUR\nT3,2026-03-03,till@shop.example,13.00,EUR\n",
    );
    till.code(1);
    till.says(
        "`Email` has `till@shop.example` in 3 of 3 rows: which column has the customer's email?",
    );
    till.place.run(&["plan", EXPORT]).expect(3);
    let operator = init(
        "Transaction ID,Date,Operator email,Total,Currency\nT1,2026-03-01,till@shop.example,10.00,EUR\n",
    );
    operator.code(3);
    operator.says("cannot find the customer");
}

#[test]
fn an_id_that_strangers_share_is_not_the_customers() {
    for id in ["0", "GUEST"] {
        let shop = init(&format!(
            "Order,Customer ID,Email,Total,Currency,Date Paid\n1,{id},ana@example.com,10.00,USD,2026-04-01\n\
             2,{id},ben@example.com,20.00,USD,2026-04-02\n3,{id},cyd@example.com,30.00,USD,2026-04-03\n\
             4,81,dan@example.com,40.00,USD,2026-04-04\n"
        ));
        shop.code(0);
        shop.says(&format!(
            "`{id}` in `Customer ID` comes with 3 different emails"
        ));
        assert!(!shop.toml().contains("\nuid = "), "{}", shop.toml());
        assert_eq!(shop.events().len(), 4);
    }
    // Who has changed the address has two.
    let shop = init(
        "Order,Customer ID,Email,Total,Currency,Date\n1,7,ana@example.com,10.00,USD,2026-04-01\n\
         2,7,ana@new.example.com,20.00,USD,2026-04-02\n",
    );
    assert!(
        shop.toml().contains("uid = \"Customer ID\""),
        "{}",
        shop.toml()
    );
}

#[test]
fn a_ledger_names_a_sale_as_its_refund_does() {
    let itemized = init(
        "balance_transaction_id,created,currency,gross,fee,net,reporting_category,customer_email,order_id,invoice_id\n\
         txn_1,2026-01-02 16:31:18,chf,102.00,2.95,99.05,charge,ana@example.com,,in_1\n\
         txn_2,2026-01-03 16:31:18,chf,50.00,1.95,48.05,charge,ben@example.com,,\n\
         txn_3,2026-01-04 16:31:18,chf,-102.00,0.00,-102.00,refund,ana@example.com,,in_1\n",
    );
    itemized.code(0);
    assert_eq!(
        itemized.events(),
        [
            "sale in_1  10200 CHF 2026-01-02T16:31:18Z",
            "refund txn_3 in_1 10200 CHF 2026-01-04T16:31:18Z"
        ]
    );
    let ledger = init(
        "Entry ID,When,What,Buyer email,Gross,Currency,Charge ID\nL1,2026-03-01T10:00:00,payment,ana@example.com,10.00,EUR,c1\n\
         L2,2026-03-02T10:00:00,payment,ben@example.com,20.00,EUR,c2\nL3,2026-03-03T10:00:00,refund,ben@example.com,(5.00),EUR,c2\n",
    );
    assert_eq!(
        ledger.events()[2],
        "refund L3 c2 500 EUR 2026-03-03T10:00:00Z"
    );
    let by_order = init(
        "ID,Order No.,Type,Amount,Currency,Customer Email,Created At\n11,K1,charge,108.00,USD,ana@example.com,\"Mar 1, 2026 02:15 PM\"\n\
         14,K1,refund,-108.00,USD,ana@example.com,\"Mar 4, 2026 02:15 PM\"\n",
    );
    assert_eq!(
        by_order.events(),
        [
            "sale K1  10800 USD 2026-03-01T14:15:00Z",
            "refund 14 K1 10800 USD 2026-03-04T14:15:00Z"
        ]
    );
}

#[test]
fn lists_of_customers_are_refused_by_name() {
    for (text, said) in [
        (
            "id,Description,Email,Created (UTC),Status,Currency,Total Spend,Payment Count,Average Order,Refunded Volume,Dispute Losses\n\
             cus_1,,ana@example.com,2024-09-20 17:40,active,usd,179.88,12,14.99,0.00,0.00\n",
            "this is Stripe's list of customers",
        ),
        (
            "Customer ID,Email,Accepts Email Marketing,Total Spent,Total Orders\n1,ana@example.com,yes,100.00,3\n",
            "this is Shopify's list of customers",
        ),
        (
            "Customer ID,Name,Email,Orders,Lifetime Value,Last order\n1,Ana,ana@example.com,3,300.00,2026-03-01\n",
            "this is a list of customers",
        ),
        (
            "Kundennummer;E-Mail;Umsatz gesamt;Anzahl Bestellungen\n1;ana@example.com;300,00;3\n",
            "this is a list of customers",
        ),
    ] {
        let proposed = init(text);
        proposed.code(3);
        proposed.says(said);
        proposed.says("hint: ");
        assert!(proposed.said().contains("export"), "{}", proposed.said());
        assert!(!proposed.place.path("fprecon.toml").exists());
    }
    // An order may say beside its own amount what its customer has spent in all.
    let orders = init(
        "Order Number,Date,Email,Order Total,Currency,Customer Total Spent,Total Orders\n1,2026-03-01,ana@example.com,10.00,EUR,90.00,3\n",
    );
    orders.code(0);
    assert_eq!(orders.events(), ["sale 1  1000 EUR 2026-03-01T00:00:00Z"]);
}

#[test]
fn dates_are_recognised_from_the_rows_or_asked_for() {
    let dated = |header: &str, one: &str, other: &str| {
        init(&format!(
            "Order,Email,Amount,Currency,{header}\n1,a@example.com,50.00,EUR,{one}\n2,b@example.com,10.00,EUR,{other}\n"
        ))
    };
    for (header, one, other, expected) in [
        (
            "Created",
            "1772323200",
            "1772409600",
            "2026-03-01T00:00:00Z",
        ),
        (
            "timestamp",
            "1772323200500",
            "1772409600000",
            "2026-03-01T00:00:00.5Z",
        ),
        ("Date", "46082.5", "46083", "2026-03-01T12:00:00Z"),
        (
            "Paid at",
            "2026-03-01T10:00:00",
            "2026-03-02T10:00:00",
            "2026-03-01T10:00:00Z",
        ),
        (
            "date",
            "2026-03-01 10:00:00 UTC",
            "2026-03-02 10:00:00 UTC",
            "2026-03-01T10:00:00Z",
        ),
        (
            "date",
            "\"Mar 1, 2026\"",
            "\"Mar 12, 2026\"",
            "2026-03-01T00:00:00Z",
        ),
    ] {
        let proposed = dated(header, one, other);
        proposed.code(0);
        let first = proposed.events()[0].clone();
        assert_eq!(
            first,
            format!("sale 1  5000 EUR {expected}"),
            "{}",
            proposed.toml()
        );
    }
    // What can't be read is asked for, and never dropped.
    let quarters = dated("Date", "Q1/26", "Q2/26");
    quarters.code(1);
    quarters.says("`Q1/26` is not in a known format: how are dates written?");
    quarters.place.run(&["plan", EXPORT]).expect(3);
    // The formats that read the others are offered; the row that can't be read is then rejected.
    let mixed = dated("Date", "2026-03-01", "soon");
    mixed.code(1);
    mixed.says("`soon` is not in a known format: how are dates written?");
    let mixed = mixed.answer("formats = [\"%Y-%m-%d\"]");
    assert_eq!(mixed.events(), ["sale 1  5000 EUR 2026-03-01T00:00:00Z"]);
    let undated = init("Order,Email,Amount,Currency\n1,a@example.com,50.00,EUR\n");
    undated.code(1);
    undated.says("the export has no dates");
    undated.place.run(&["plan", EXPORT]).expect(3);
    let undated = undated.answer("missing = \"today\"");
    assert_eq!(undated.events(), ["sale 1  5000 EUR "]);
    // An order number is no date.
    let numbers =
        init("Order,Email,Amount,Currency,Day\n1772323200,a@example.com,50.00,EUR,2026-03-01\n");
    assert_eq!(
        numbers.events(),
        ["sale 1772323200  5000 EUR 2026-03-01T00:00:00Z"]
    );
}

#[test]
fn the_date_of_a_csv_of_ones_own_may_be_called_otherwise() {
    let own = init(
        "event_id,email,amount,date\ne1,ana@example.com,5.00,2023-03-01\ne2,ben@example.com,5.00,2023-03-02\n",
    );
    own.code(0);
    assert_eq!(own.events()[0], "sale e1  500 USD 2023-03-01T00:00:00Z");
    let kinds = init(
        "event_id,kind,sale_event_id,email,amount,When\ns1,sale,,ana@example.com,5.00,01.03.2026\nr1,refund,s1,ana@example.com,2.00,02.03.2026\n",
    );
    kinds.code(0);
    assert_eq!(
        kinds.events(),
        [
            "sale s1  500 USD 2026-03-01T00:00:00Z",
            "refund r1 s1 200 USD 2026-03-02T00:00:00Z"
        ]
    );
    let amount = init(
        "event_id,email,total,currency,created_at\nin_1,ana@example.com,49.00,USD,2026-03-01\n",
    );
    amount.code(0);
    assert_eq!(
        amount.events(),
        ["sale in_1  4900 USD 2026-03-01T00:00:00Z"]
    );
    let whole = init("event_id,email,amount,created_at\ne1,ana@example.com,5.00,2023-03-01\n");
    whole.says("export.csv: generic: ");
    assert!(
        !whole.toml().contains("[exports.export"),
        "{}",
        whole.toml()
    );
}

#[test]
fn amounts_below_zero_are_refunds_only_where_a_sale_shows_it() {
    let unnamed = init(
        "Order;Email;Amount;Date;Currency\nB1;ana@example.com;-100,00;2026-02-02;EUR\nB2;ben@example.com;100,00;2026-02-15;EUR\n",
    );
    unnamed.says(
        "rows with `Amount` below zero are rejected (1): are they refunds, and of which sales?",
    );
    assert_eq!(
        unnamed.events(),
        ["sale B2  10000 EUR 2026-02-15T00:00:00Z"]
    );
    // As typesetters, spreadsheets and ledgers write a minus.
    for minus in ["\u{2212}100,00", "100,00-"] {
        let written = init(&format!(
            "Order;Email;Amount;Date;Currency\nB1;ana@example.com;{minus};2026-02-02;EUR\nB2;ben@example.com;100,00;2026-02-15;EUR\n"
        ));
        written.says("`Amount` is what the customer paid");
        written.says("rows with `Amount` below zero are rejected (1)");
        assert_eq!(
            written.events(),
            ["sale B2  10000 EUR 2026-02-15T00:00:00Z"]
        );
    }
    let named = init(
        "Ref,Date,Email,Amount,Currency,Refund of\na1,2026-03-01,ana@example.com,10.00,EUR,\n\
         a2,2026-03-02,ben@example.com,20.00,EUR,\na3,2026-03-03,ben@example.com,(5.00),EUR,a2\n",
    );
    named.code(0);
    assert_eq!(
        named.events()[2],
        "refund a3 a2 500 EUR 2026-03-03T00:00:00Z"
    );
}

#[test]
fn what_is_written_is_tried_and_what_it_comes_to_is_said() {
    let place = Place::new();
    place.write(
        EXPORT,
        "Order,Date,Email,Total,Currency,Status\n1,2026-03-01,ana@example.com,10.00,EUR,paid\n\
         2,2026-03-02,ben@example.com,20.00,EUR,strange\n3,2026-03-02,ben@example.com,20.00,EUR,failed\n",
    );
    let tried = &place.run(&["init", EXPORT, "--json"]).expect(0).json()["tried"];
    assert_eq!(tried["rows"]["read"], 3, "{tried}");
    assert_eq!(tried["rows"]["with_events"], 1);
    assert_eq!(tried["rows"]["rejected"], 1);
    assert_eq!(tried["rows"]["ignored"], 1);
    assert_eq!(tried["problems"][0]["value"], "strange");
    let plan = place.run(&["plan", EXPORT, "--json"]).expect(1).json();
    assert_eq!(tried["events"], plan["events"]);

    // No row is a sale: it says so, and why.
    let none = init(
        "Order,Date,Email,Total,Currency,Status\n1,2026-03-01,ana@example.com,10.00,EUR,strange\n",
    );
    none.code(1);
    none.says("column `Status`: `strange`");
    none.says("none of its 1 row is read as a sale: 0 ignored and 1 rejected");
    none.says("Next: set in it which rows are sales, then `fprecon plan export.csv`");
    let zero = init("Order,Date,Email,Total,Currency\n1,2026-03-01,ana@example.com,0.00,EUR\n");
    zero.code(1);
    zero.says("1 ignored: zero amount");
    // An export that a built-in profile reads is tried as well.
    let known = init(&crate::support::stripe_export(&[
        crate::support::Payment::paid(1, 1),
    ]));
    known.code(0);
    known.says("1 row read = 1 with events + 0 ignored + 0 rejected");
}

#[test]
fn the_lines_of_an_order_count_once_and_its_payments_each() {
    let continued = init(
        "Número de orden;Email;Fecha;Estado del pago;Moneda;Subtotal;Descuento;Costo de envío;Total;Nombre del producto\n\
         6070;ana@example.com;28/10/2025 22:57:28;Recibido;ARS;129960;50192.30;0;79767.7;Crema\n\
         6070;ana@example.com;;;;;;;;Serum\n\
         6069;ben@example.com;27/10/2025 20:22:19;Recibido;ARS;49990;4999.00;2500;47491;Crema\n",
    );
    continued.code(0);
    assert_eq!(
        continued.events(),
        [
            "sale 6069  4499100 ARS 2025-10-27T20:22:19Z",
            "sale 6070  7976770 ARS 2025-10-28T22:57:28Z"
        ]
    );
    let lines = init(
        "Order Number,Date,Email,Order Total,Currency,Item Name\n1,2026-03-01,ana@example.com,30.00,EUR,Pen\n\
         1,2026-03-01,ana@example.com,30.00,EUR,Ink\n2,2026-03-02,ben@example.com,9.00,EUR,Pen\n",
    );
    let plan = lines.place.run(&["plan", EXPORT, "--json"]).json();
    assert_eq!(plan["events"]["by_plan"]["to_send"], 2);
    assert_eq!(plan["events"]["by_plan"]["duplicate"], 1);
    // Two payments of one order, with the same amount and without items, are no lines.
    let payments = init(
        "Order Number,Date,Email,Amount,Currency\n1,2026-03-01,ana@example.com,30.00,EUR\n1,2026-04-01,ana@example.com,30.00,EUR\n",
    );
    payments.code(1);
    payments.says("which column identifies a payment?");
}

#[test]
fn a_row_without_a_date_of_payment_is_no_sale_until_that_is_decided() {
    for (paid, open) in [
        (
            "Order ID,Amount,Currency,Email,Created at,Paid at\nt1,10.00,EUR,ana@example.com,2026-03-01,2026-03-02\n",
            "t2,4.00,EUR,ben@example.com,2026-03-05,\n",
        ),
        (
            "Beleg-Nr.;Betrag;Währung;E-Mail;Rechnungsdatum;Bezahlt am\nt1;10,00;EUR;ana@example.com;2026-03-01;2026-03-02\n",
            "t2;4,00;EUR;ben@example.com;2026-03-05;\n",
        ),
    ] {
        let orders = init(&format!("{paid}{open}"));
        orders.says("are rejected: were they paid?");
        let all = orders.events().concat();
        assert!(all.contains("t1") && !all.contains("t2"), "{all}");
        // With a date in every row, there is nothing to decide.
        let orders = init(paid);
        assert!(
            !orders.said().contains("were they paid?"),
            "{}",
            orders.said()
        );
    }
}

/// Exports that no profile fits, whose dates are numbers: `plan` names `init`, and that recognises them.
#[test]
#[expect(clippy::too_many_lines, reason = "a table of exports")]
fn dates_that_are_numbers_are_recognised_and_plan_says_how_to_get_there() {
    let days = [
        "2026-01-01T10:00:00",
        "2026-02-01T10:00:00",
        "2026-03-01T10:00:00",
    ];
    let seconds = ["1767261600", "1769940000", "1772359200"];
    let exports = [
        (
            "order,buyer,total,currency,paid_at",
            ',',
            "USD",
            seconds.map(str::to_owned),
        ),
        (
            "Invoice;Customer Mail;Amount;Currency;Timestamp",
            ';',
            "EUR",
            seconds.map(|second| format!("{second}000")),
        ),
        (
            "Ref,E-mail,Gross,Curr,Date",
            ',',
            "USD",
            ["46023.4166666667", "46054.4166666667", "46082.4166666667"].map(str::to_owned),
        ),
        (
            "Ref,E-mail,Gross,Curr,Date",
            ',',
            "USD",
            days.map(str::to_owned),
        ),
        (
            "Ref,E-mail,Gross,Curr,Date",
            ',',
            "USD",
            days.map(|day| format!("{day}.000")),
        ),
        (
            "Ref,E-mail,Gross,Curr,Date",
            ',',
            "USD",
            days.map(|day| format!("{} UTC", day.replace('T', " "))),
        ),
    ];
    for (header, delimiter, currency, dates) in exports {
        let place = Place::new();
        let mut text = format!("{header}\n");
        for (number, date) in dates.iter().enumerate() {
            let cells = [
                format!("R{number}"),
                format!("p{number}@example.com"),
                "10.00".into(),
                currency.into(),
                date.clone(),
            ];
            text.push_str(&cells.join(&delimiter.to_string()));
            text.push('\n');
        }
        place.write("my export.csv", &text);
        let said = place.run(&["plan", "my export.csv"]).expect(3).stderr();
        assert!(
            said.contains("`fprecon init 'my export.csv'` proposes a profile"),
            "{said}"
        );
        place.run(&["init", "my export.csv"]).expect(0);
        let plan = ["plan", "my export.csv", "--events", "events.csv"];
        place.run(&plan).expect(0);
        let rows = place.csv("events.csv");
        let read: Vec<&str> = rows[1..].iter().map(|row| row[10].as_str()).collect();
        assert_eq!(read, days.map(|day| format!("{day}Z")), "{dates:?}");
    }
}

#[test]
fn a_number_for_a_date_is_read_by_the_setting_of_its_hint() {
    for (dates, format) in [
        (["1767261600", "1769940000"], "unix-seconds"),
        (["1767261600000", "1769940000000"], "unix-milliseconds"),
        (
            ["46023.4166666667", "46054.4166666667"],
            "spreadsheet-serial",
        ),
    ] {
        let place = Place::new();
        let rows = dates
            .iter()
            .zip(1..)
            .map(|(date, number)| format!("s{number},a@example.com,8.00,USD,{date}\n"));
        let rows: String = rows.collect();
        place.write(
            "x.csv",
            &format!("event_id,email,amount,currency,created_at\n{rows}"),
        );
        let said = place.run(&["plan", "x.csv"]).expect(1).stderr();
        let hint = format!(
            "as `{format}` it is 2026-01-01 10:00: if all dates are in this format, set `formats = [\"{format}\"]` under `[exports.mine.dates]`"
        );
        assert!(said.contains(&hint), "{said}");
        place.write(
            "fprecon.toml",
            &format!("[exports.mine]\nextends = \"generic\"\n[exports.mine.dates]\nformats = [\"{format}\"]\n"),
        );
        let plan = ["plan", "x.csv", "--events", "events.csv"];
        place.run(&plan).expect(0);
        assert!(place.read("events.csv").contains("2026-02-01T10:00:00Z"));
    }
}

/// As Square writes its transactions: a day, a time and a zone in words, amounts with their sign, tax and tip on
/// top.
#[test]
fn tax_and_tip_on_top_of_sales_at_a_till_are_taken_off() {
    let till = init(
        "Date,Time,Time Zone,Gross Sales,Discounts,Net Sales,Tax,Tip,Total Collected,Fees,Net Total,\
         Transaction ID,Payment ID,Event Type,Customer ID,Customer Name\n\
         2026-04-02,09:10:00,Pacific Time (US & Canada),$30.00,$0.00,$30.00,$2.40,$3.00,$35.40,-$1.20,$34.20,\
         T1,P1,Payment,C1,Ada\n\
         2026-04-03,10:10:00,Pacific Time (US & Canada),$45.50,-$5.50,$40.00,$3.20,$0.00,$43.20,-$1.40,$41.80,\
         T2,P2,Payment,C2,Ben\n",
    );
    till.says("`Tax` is inside the amount and is subtracted");
    till.says("`Tip` is inside the amount and is subtracted");
    let till = till.answer("currency = \"USD\"");
    let events = till.events();
    assert_eq!(
        events,
        [
            "sale T1  3000 USD 2026-04-02T16:10:00Z",
            "sale T2  4000 USD 2026-04-03T17:10:00Z",
        ],
        "{}",
        till.toml()
    );
}

/// The id of such a row is no id, and its amount was not paid once more.
#[test]
fn a_row_with_the_sum_of_the_others_is_not_a_sale() {
    let place = Place::new();
    let rows = "order,customer_id,amount,currency,date\n\
        o1,cus_1,10.00,USD,2026-03-01\no2,cus_2,20.00,USD,2026-03-02\no3,cus_3,30.00,USD,2026-03-13\n";
    place.write("export.csv", rows);
    place.run(&["init", "export.csv"]).expect(0);
    for word in ["Total", "TOTAL:", "Summe", "Grand total"] {
        place.write(
            "export.csv",
            &format!("{rows}{word},{word},60.00,USD,2026-03-31\n"),
        );
        let planned = place.run(&["plan", "export.csv", "--json"]).expect(1);
        let json = planned.json();
        assert_eq!(json["events"]["total"], 3, "{word}");
        assert_eq!(json["rows"]["rejected"], 1, "{word}");
        let problem = &json["problems"][0];
        assert_eq!(problem["line"], 5);
        let message = problem["message"].as_str().unwrap();
        assert!(message.contains("the sum of other rows"), "{message}");
    }
    // Without a customer, it could not be sent in any case.
    place.write(
        "export.csv",
        &format!("{rows}Total,,60.00,USD,2026-03-31\n"),
    );
    let json = place
        .run(&["plan", "export.csv", "--json"])
        .expect(0)
        .json();
    assert_eq!(json["ignored"][0]["reason"], "the sum of the rows");
    assert_eq!(json["events"]["total"], 3);
    place.write(
        "export.csv",
        &format!("{rows}Total,Total,60.00,USD,2026-03-31\n"),
    );
    // The hint ignores such rows for good.
    let json = place
        .run(&["plan", "export.csv", "--json"])
        .expect(1)
        .json();
    let hint = json["problems"][0]["hint"].as_str().unwrap();
    let (_, table) = hint.split_once(":\n").unwrap();
    let config = std::fs::read_to_string(place.path("fprecon.toml")).unwrap();
    place.write("fprecon.toml", &format!("{config}\n{table}\n"));
    let json = place
        .run(&["plan", "export.csv", "--json"])
        .expect(0)
        .json();
    assert_eq!(json["rows"]["ignored"], 1);
    assert_eq!(json["events"]["total"], 3);
}

#[test]
fn a_header_in_the_middle_proposes_nothing() {
    let header = "id,customer_email,amount,currency,created\n";
    let first = "c1,ana@example.com,12.00,USD,2026-03-01\n";
    let second = "c2,ben@example.com,24.00,USD,2026-03-13\n";
    // The second of two files may begin with a byte-order mark.
    for mark in ["", "\u{feff}"] {
        let place = Place::new();
        place.write(
            "export.csv",
            &format!("{header}{first}{mark}{header}{second}"),
        );
        let said = place.run(&["init", "export.csv"]).expect(0).stderr();
        assert!(!said.contains("to answer"), "{said}");
        let json = place
            .run(&["plan", "export.csv", "--json"])
            .expect(0)
            .json();
        let sales = &json["events"]["by_kind"]["sale"]["amount_cents"];
        assert_eq!(sales["USD"], 3600, "{json:#}");
        assert_eq!(json["ignored"][0]["reason"], "the header again");
    }
}

#[test]
fn a_refusal_says_what_of_the_export_is_in_the_way() {
    for (text, expected) in [
        (
            "id,customer_email,amount,amount,currency,created\nc1,ana@example.com,12.00,10.00,USD,2026-03-01\n",
            "`amount` is the name of several columns",
        ),
        (
            "id,customer_email,amount,currency,created\nc1,ana@example.com,٤٩٫٩٠,USD,2026-03-01\n",
            "`amount` is called like one, and `٤٩٫٩٠` in line 2 can't be read as an amount",
        ),
        (
            "id,customer_email,amount,currency,created\nc1,ana@example.com,12.00,USD,2026-03-01,\n",
            "line 2 has 6 cells, and the header 5",
        ),
    ] {
        let place = Place::new();
        place.write("export.csv", text);
        let said = place.run(&["init", "export.csv"]).expect(3).stderr();
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_sign_that_belongs_to_one_currency_names_it() {
    for (amounts, currency) in [
        (["\"R$ 1.200,00\"", "\"R$ 49,90\""], "BRL"),
        (["\"1\u{a0}200,00 zł\"", "\"49,90 zł\""], "PLN"),
        (["\"US$1,200.00\"", "US$49.90"], "USD"),
        (["\"CA$1,200.00\"", "CA$49.90"], "CAD"),
        (["\"₹1,200.00\"", "₹49.90"], "INR"),
    ] {
        let place = Place::new();
        let [one, other] = amounts;
        place.write(
            "export.csv",
            &format!("id,customer_email,amount,created\nc1,ana@example.com,{one},2026-03-01\nc2,ben@example.com,{other},2026-03-13\n"),
        );
        let said = place.run(&["init", "export.csv"]).expect(0).stderr();
        assert!(!said.contains("to answer"), "{said}");
        let json = place.run(&["plan", "export.csv", "--json"]).json();
        assert_eq!(
            json["events"]["by_kind"]["sale"]["amount_cents"][currency], 124_990,
            "{json:#}"
        );
    }
    // Two of them: nothing is read in the wrong one.
    let place = Place::new();
    place.write(
        "export.csv",
        "id,customer_email,amount,created\nc1,ana@example.com,USD 100.00,2026-03-01\nc2,ben@example.com,EUR 50.00,2026-03-13\n",
    );
    let said = place.run(&["init", "export.csv"]).stderr();
    assert!(
        said.contains("`EUR` and `USD` are next to the amounts"),
        "{said}"
    );
}

#[test]
fn vertical_bars_between_the_cells_are_read() {
    let place = Place::new();
    place.write(
        "export.csv",
        "id|customer_email|amount|currency|created\nc1|ana@example.com|1,200.00|USD|2026-03-01\nc2|ben@example.com|49.90|USD|2026-03-13\n",
    );
    place.run(&["init", "export.csv"]).expect(0);
    let json = place
        .run(&["plan", "export.csv", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        json["events"]["by_kind"]["sale"]["amount_cents"]["USD"],
        124_990
    );
}
