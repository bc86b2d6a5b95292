use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::event::{Currency, Kind};
use crate::journal::PlanState;
use crate::link::EmptyHistory;
use crate::profile::Profiles;

/// Plans files without a history, at a time after all their dates.
fn planned(files: &[(&str, &[u8])]) -> Result<Job, Vec<Problem>> {
    let profiles = Profiles::load(&BTreeMap::new()).unwrap();
    let setup = Setup::new(&profiles, Currency::from_code("USD").unwrap());
    let exports = files
        .iter()
        .map(|(name, bytes)| Export::from_bytes(name, bytes.to_vec()));
    let without_past = |_: &dyn Fn() -> HistoryRequest| Ok::<_, Infallible>(EmptyHistory);
    let now = "2099-01-01T00:00:00Z".parse().unwrap();
    match plan(exports, &setup, PlanContext::new(now), without_past) {
        Ok((job, _)) => Ok(job),
        Err(PlanError::Unusable(problems)) => Err(problems),
        Err(PlanError::Imbalance(error)) => panic!("{error}"),
    }
}

fn job(text: &str) -> Job {
    let job = planned(&[("x.csv", text.as_bytes())]).unwrap();
    assert!(job.rows().is_balanced() && job.plan.is_balanced());
    job
}

/// Returns one row below a header, with these cells and no others.
fn table(header: &str, cells: &[(&str, &str)]) -> String {
    let row: Vec<&str> = header
        .split(',')
        .map(|name| cells.iter().find(|(of, _)| *of == name).map_or("", |c| c.1))
        .collect();
    format!("{header}\n{}\n", row.join(","))
}

/// Returns `kind id cents currency date` for each event.
fn events(job: &Job) -> Vec<String> {
    let of = job.plan.events().map(|planned| {
        let event = planned.event;
        let money = event.money.map(|money| money.to_string());
        let date = event.created_at.map(|date| date.to_string());
        format!(
            "{} {} {} {}",
            event.kind,
            event.event_id(),
            money.unwrap_or_default(),
            date.unwrap_or_default()
        )
    });
    of.collect()
}

const HEADER_2014: &str = "id,Description,Created,Amount,Amount Refunded,Currency,Converted Amount,Converted Amount Refunded,Fee,Converted Currency,Mode,Status,Customer ID,Customer Description,Customer Email,Captured,Card Last4,Card Type,Card Exp Month,Card Exp Year,Card Name,Card Address Line1,Card Address Line2,Card Address City,Card Address State,Card Address Country,Card Address Zip,Card Issue Country,Card Fingerprint,Card CVC Status,Card AVS Zip Status,Card AVS Line1 Status,Dispute Status";
const HEADER_2016: &str = "id,Description,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,Converted Amount Refunded,Fee,Tax,Converted Currency,Mode,Status,Statement Descriptor,Customer ID,Customer Description,Customer Email,Captured,Card ID,Card Last4,Card Brand,Card Funding,Card Exp Month,Card Exp Year,Card Name,Card Address Line1,Card Address Line2,Card Address City,Card Address State,Card Address Country,Card Address Zip,Card Issue Country,Card Fingerprint,Card CVC Status,Card AVS Zip Status,Card AVS Line1 Status,Card Tokenization Method,Disputed Amount,Dispute Status,Dispute Reason,Dispute Date (UTC),Dispute Evidence Due (UTC),Invoice ID,Payment Source Type,Destination,Transfer,Interchange Costs,Merchant Service Charge";
const HEADER_2023: &str = "id,Description,Seller Message,Created (UTC),Amount,Amount Refunded,Currency,Converted Amount,Converted Amount Refunded,Fee,Taxes On Fee,Converted Currency,Status,Statement Descriptor,Customer ID,Customer Description,Customer Email,Captured,Card ID,Invoice ID,Transfer";
const HEADER_2024: &str = "id,Created date (UTC),Amount,Amount Refunded,Currency,Captured,Converted Amount,Converted Amount Refunded,Converted Currency,Decline Reason,Description,Fee,Refunded date (UTC),Statement Descriptor,Status,Seller Message,Taxes On Fee,Card ID,Customer ID,Customer Description,Customer Email,Invoice ID,Transfer";

/// Returns a payment with every name that a column has had; a header takes those that it knows.
fn payment(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    let mut cells = changes.to_vec();
    cells.extend([
        ("id", "ch_1"),
        ("Created", "2026-03-01 10:00"),
        ("Created (UTC)", "2026-03-01 10:00"),
        ("Created date (UTC)", "2026-03-01 10:00:00"),
        ("Amount", "20.00"),
        ("Amount Refunded", "5.50"),
        ("Refunded date (UTC)", "2026-03-09 08:00:00"),
        ("Currency", "eur"),
        ("Converted Amount", "21.90"),
        ("Converted Amount Refunded", "6.02"),
        ("Converted Currency", "usd"),
        ("Captured", "true"),
        ("Status", "Paid"),
        ("Customer ID", "cus_1"),
        ("Customer Email", "a@example.com"),
        ("Invoice ID", "in_1"),
        ("id (metadata)", "other"),
        ("Currency (metadata)", "jpy"),
        ("Amount (metadata)", "1"),
        ("Customer Email (metadata)", "b@example.com"),
        ("Status (metadata)", "Failed"),
    ]);
    cells
}

fn stripe(changes: &[(&'static str, &'static str)]) -> Job {
    job(&table(HEADER_2024, &payment(changes)))
}

#[test]
fn every_generation_of_the_stripe_header_is_read() {
    let all = format!(
        "PaymentIntent ID,{HEADER_2024},Disputed Amount,Dispute Date (UTC),Dispute Evidence Due (UTC),Dispute Reason,Dispute Status,Invoice Number,Checkout Session ID,Client Reference ID,UTM Campaign"
    );
    let metadata = format!(
        "id (metadata),Currency (metadata),{HEADER_2024},Amount (metadata),Customer Email (metadata),Status (metadata)"
    );
    for (header, sale, refunded_at) in [
        (HEADER_2014, "ch_1", "2026-03-01T10:00:00Z"),
        (HEADER_2016, "in_1", "2026-03-01T10:00:00Z"),
        (HEADER_2023, "in_1", "2026-03-01T10:00:00Z"),
        (HEADER_2024, "in_1", "2026-03-09T08:00:00Z"),
        (all.as_str(), "in_1", "2026-03-09T08:00:00Z"),
        (metadata.as_str(), "in_1", "2026-03-09T08:00:00Z"),
    ] {
        let job = job(&table(header, &payment(&[])));
        assert_eq!(job.inputs[0].profile, "stripe-payments");
        assert_eq!(
            events(&job),
            [
                format!("sale {sale} 20.00 EUR 2026-03-01T10:00:00Z"),
                format!("refund {sale}_refund_550 5.50 EUR {refunded_at}"),
            ],
            "{header}"
        );
        let customer = &job.plan.events().next().unwrap().event.customer;
        assert_eq!(customer.email, Some("a@example.com"));
        let note = &job.plan.events().nth(1).unwrap().event.note;
        assert_eq!(
            note.contains("dated as its sale"),
            refunded_at.starts_with("2026-03-01"),
            "{note}"
        );
    }
}

#[test]
fn a_metadata_column_never_takes_the_place_of_a_column() {
    let header = HEADER_2024.replace(",Currency,", ",Currency (metadata),");
    let text = table(&header, &payment(&[]));
    let problems = planned(&[("x.csv", text.as_bytes())]).unwrap_err();
    assert!(problems[0].message.contains("lacks `Currency`"));
}

#[test]
fn every_status_is_an_event_or_ignored_for_a_reason() {
    for (status, reason) in [
        ("Failed", "payment failed"),
        ("Pending", "payment pending"),
        ("processing", "payment pending"),
        ("canceled", "payment canceled"),
        ("requires_payment_method", "payment not completed"),
        ("requires_confirmation", "payment not completed"),
        ("requires_action", "payment not completed"),
        ("requires_capture", "payment not captured"),
        ("succeeded", "payment without a charge id"),
    ] {
        let job = stripe(&[("Status", status), ("id", "")]);
        assert_eq!(job.plan.events().len(), 0, "{status}");
        assert_eq!(job.ignored.get(reason), Some(&1), "{status}");
        let warned = job.problems.kept().len();
        assert_eq!(warned, usize::from(status == "succeeded"), "{status}");
    }
    for captured in ["false", "FALSE"] {
        let job = stripe(&[("Captured", captured)]);
        assert_eq!(job.ignored.get("payment not captured"), Some(&1));
    }
    // The status says that it was paid.
    let job = stripe(&[("Captured", "")]);
    assert_eq!((job.rows().ignored, job.rows().rejected), (0, 1));
    assert_eq!(
        stripe(&[("Amount", "0.00"), ("Amount Refunded", "0.00")])
            .ignored
            .get("zero amount"),
        Some(&1)
    );
    // A failed payment can carry a refund date, and refunds nothing.
    let failed = stripe(&[("Status", "Failed"), ("Amount Refunded", "0.00")]);
    assert_eq!(failed.plan.events().len(), 0);
}

#[test]
fn refunds_are_recognised_by_the_amount_and_not_by_the_status() {
    let whole = stripe(&[("Status", "Refunded"), ("Amount Refunded", "20.00")]);
    assert_eq!(
        events(&whole),
        [
            "sale in_1 20.00 EUR 2026-03-01T10:00:00Z",
            "refund in_1_refund_2000 20.00 EUR 2026-03-09T08:00:00Z"
        ]
    );
    for none in ["0.00", ""] {
        assert_eq!(events(&stripe(&[("Amount Refunded", none)])).len(), 1);
    }
    for (status, refunded) in [("Refunded", "0.00"), ("Refunded", ""), ("Paid", "-1.00")] {
        let job = stripe(&[("Status", status), ("Amount Refunded", refunded)]);
        assert_eq!(job.rows().rejected, 1, "{status} {refunded}");
        assert!(job.plan.events().len() == 0);
    }
}

#[test]
fn an_unusable_export_spoils_the_job_and_all_of_them_are_named() {
    let good = table(HEADER_2024, &payment(&[]));
    let problems = planned(&[
        ("a.csv", b""),
        ("b.csv", good.as_bytes()),
        ("c.csv", b"x\n"),
    ]);
    let files: Vec<_> = problems.unwrap_err().into_iter().map(|p| p.file).collect();
    assert_eq!(files, [Some("a.csv".to_owned()), Some("c.csv".to_owned())]);
}

/// Returns `(event_id, state, amount)` of every event, in no order.
fn outcome(job: &Job) -> Vec<(String, PlanState, Option<i64>)> {
    let mut all: Vec<_> = job
        .plan
        .events()
        .map(|planned| {
            let event = planned.event;
            let cents = event.money.map(|money| money.amount_cents);
            (event.event_id().into(), planned.state, cents)
        })
        .collect();
    all.sort();
    all
}

const GENERIC: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at";

fn stripe_row() -> impl Strategy<Value = String> {
    (
        "[1-3]",
        "(10|20)\\.00",
        "((0|5|10|15)\\.00)?",
        "usd|eur",
        "[1-2]?",
        "[1-9]",
    )
        .prop_map(|(id, amount, refunded, currency, customer, day)| {
            let day = format!("2026-03-0{day} 10:00:00");
            let customer = if customer.is_empty() {
                String::new()
            } else {
                format!("cus_{customer}")
            };
            let cells = [
                ("id", format!("ch_{id}")),
                ("Created date (UTC)", day),
                ("Amount", amount),
                ("Amount Refunded", refunded),
                ("Currency", currency),
                ("Captured", "true".into()),
                ("Status", "Paid".into()),
                ("Customer ID", customer),
                ("Customer Email", "a@example.com".into()),
                ("Invoice ID", format!("in_{id}")),
            ];
            let cells: Vec<_> = cells.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let text = table(HEADER_2024, &cells);
            text.lines().nth(1).unwrap_or_default().to_owned()
        })
}

fn generic_row() -> impl Strategy<Value = String> {
    let kind = prop_oneof![Just("sale"), Just("refund"), Just("cancellation")];
    (kind, "[1-4]", "[1-3]?", "a|b", "[1-2]?", "((5|10|20)\\.00)?", "USD|EUR", "[1-9]").prop_map(
        |(kind, id, sale, email, uid, amount, currency, day)| {
            let (prefix, sale) = match kind {
                "refund" if !sale.is_empty() => ("re", format!("s_{sale}")),
                "refund" => ("re", String::new()),
                "sale" => ("s", String::new()),
                _ => ("sub", String::new()),
            };
            format!(
                "{kind},{prefix}_{id},{sale},{email}@example.com,{uid},{amount},{currency},2026-03-0{day}"
            )
        },
    )
}

/// Plans the rows as one file, and shuffled over two.
fn both_ways(header: &str, rows: &[(String, u32, bool)]) -> (Job, Job) {
    let file = |rows: Vec<&str>| format!("{header}\n{}\n", rows.join("\n")).into_bytes();
    let one = file(rows.iter().map(|(row, _, _)| row.as_str()).collect());
    let mut shuffled: Vec<_> = rows.iter().collect();
    shuffled.sort_by_key(|(_, place, _)| *place);
    let part = |second: bool| {
        let rows = shuffled.iter().filter(|(_, _, of)| *of == second);
        file(rows.map(|(row, _, _)| row.as_str()).collect())
    };
    let (a, b) = (part(false), part(true));
    let whole = planned(&[("x.csv", one.as_slice())]).unwrap();
    let split = planned(&[("a.csv", a.as_slice()), ("b.csv", b.as_slice())]);
    (whole, split.unwrap())
}

fn shuffled(row: impl Strategy<Value = String>) -> impl Strategy<Value = Vec<(String, u32, bool)>> {
    prop::collection::vec((row, any::<u32>(), any::<bool>()), 1..14)
}

/// Returns `true` if no refund is before the sale that it reverses.
fn refunds_follow(job: &Job) -> bool {
    let sent: Vec<_> = job
        .plan
        .events()
        .filter(|planned| planned.state == PlanState::ToSend)
        .map(|planned| planned.event)
        .collect();
    sent.iter().enumerate().all(|(place, event)| {
        let sale = event.sale_event_id.as_ref();
        let at = sale.and_then(|sale| {
            sent.iter()
                .position(|e| e.kind == Kind::Sale && e.event_id() == *sale)
        });
        event.kind != Kind::Refund || at.is_some_and(|at| at < place)
    })
}

#[test]
fn a_tax_without_a_rate_leaves_nothing_for_the_rates_of_the_others_to_prove() {
    const SHOPIFY: &str = "Name,Email,Financial Status,Paid at,Currency,Subtotal,Shipping,Taxes,Total,Created at,Refunded Amount,Id,Tax 1 Name,Tax 1 Value,Tax 2 Name,Tax 2 Value";
    let order = |tax: &str, second: &str| {
        let date = "2026-03-01 10:00:00 +0000";
        let row = format!(
            "#1,a@example.com,paid,{date},USD,115.00,10.00,{tax},125.00,{date},0.00,1001,VAT 15%,15.00,{second}"
        );
        job(&format!("{SHOPIFY}\n{row}\n"))
    };
    let told = order("15.00", ",");
    assert_eq!(events(&told), ["sale 1001 100.00 USD 2026-03-01T10:00:00Z"]);
    let open = order("17.00", "Bag fee,2.00");
    assert_eq!(open.rows().rejected, 1, "{:?}", events(&open));
}

proptest! {
    #[test]
    fn the_order_of_payments_and_their_files_change_nothing(rows in shuffled(stripe_row())) {
        let (whole, split) = both_ways(HEADER_2024, &rows);
        prop_assert_eq!(outcome(&whole), outcome(&split));
        for job in [whole, split] {
            prop_assert!(job.plan.is_balanced() && job.rows().is_balanced() && refunds_follow(&job));
        }
    }

    #[test]
    fn the_order_of_ones_own_rows_and_their_files_change_nothing(rows in shuffled(generic_row())) {
        let (whole, split) = both_ways(GENERIC, &rows);
        prop_assert_eq!(outcome(&whole), outcome(&split));
        for job in [whole, split] {
            prop_assert!(job.plan.is_balanced() && job.rows().is_balanced() && refunds_follow(&job));
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), below in any::<bool>()) {
        let mut file = Vec::new();
        if below {
            file.extend_from_slice(GENERIC.as_bytes());
            file.push(b'\n');
        }
        file.extend_from_slice(&bytes);
        if let Ok(job) = planned(&[("x.csv", file.as_slice())]) {
            prop_assert!(job.rows().is_balanced() && job.plan.is_balanced());
        }
    }

    #[test]
    fn any_cells_are_read_or_refused(text in "([ -~]{0,6}[,\n]){0,40}", stripe in any::<bool>()) {
        let header = if stripe { HEADER_2024 } else { GENERIC };
        let file = format!("{header}\n{text}");
        if let Ok(job) = planned(&[("x.csv", file.as_bytes())]) {
            prop_assert!(job.rows().is_balanced() && job.plan.is_balanced());
        }
    }
}
