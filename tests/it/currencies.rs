//! Currencies that are not the account's: sent, converted by the user's rates, or held. Real binary,
//! real sandbox, made-up CSVs.

use crate::support::{Payment, Place, SandboxProcess, form, stripe_export};
use serde_json::{Value, json};

const CONVERT: &str = "[currencies]\nforeign = \"convert\"\nrates = \"rates.csv\"\n";
const RATES: &str =
    "date,currency,rate\n2026-02-27,EUR,1.0834\n2026-03-09,EUR,1.5\n2026-02-01,JPY,0.0067\n";

/// A euro sale of which 5.00 came back, one in yen, one in dollars.
fn export(refunded: &str) -> String {
    let mut euros = Payment::paid(1, 1);
    euros.currency = "eur".into();
    euros.refunded = refunded.into();
    euros.refunded_at = "2026-03-10 08:00:00".into();
    let mut yen = Payment::paid(2, 2);
    yen.currency = "jpy".into();
    yen.amount = "500".into();
    yen.refunded = "0".into();
    stripe_export(&[euros, yen, Payment::paid(3, 3)])
}

fn place(config: &str) -> Place {
    let place = Place::new();
    place.write("payments.csv", &export("5.00"));
    place.write("fprecon.toml", config);
    place.write("rates.csv", RATES);
    place
}

/// `event_id amount currency` of what arrived, in the order of the ids.
fn arrived(sandbox: &SandboxProcess) -> Vec<String> {
    let mut lines: Vec<String> = sandbox
        .arrivals()
        .iter()
        .map(|arrival| {
            let of = |name: &str| form(arrival, name).unwrap_or_default();
            format!("{} {} {}", of("event_id"), of("amount"), of("currency"))
        })
        .collect();
    lines.sort();
    lines
}

fn codes(json: &Value) -> Vec<&str> {
    let problems = json["problems"].as_array().unwrap();
    problems
        .iter()
        .map(|p| p["code"].as_str().unwrap())
        .collect()
}

#[test]
fn they_are_sent_with_their_currency_and_never_in_silence() {
    let place = place("");
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let plan = place.run(&["plan", "payments.csv"]).expect(0);
    assert!(
        plan.stderr().contains(
            "warning: 2 sales, 20.00 EUR and 500 JPY, 1 refund, 5.00 EUR: not in USD; sent unconverted"
        ),
        "{}",
        plan.stderr()
    );
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes", "--dir", "out"])
        .expect(0);
    assert_eq!(
        arrived(&sandbox),
        [
            "in_0001 2000 EUR",
            "in_0001_refund_500 500 EUR",
            "in_0002 500 JPY",
            "in_0003 2000 "
        ]
    );
    assert_eq!(
        place.csv("out/converted.csv").len(),
        1,
        "a header and nothing else"
    );
}

#[test]
fn they_are_converted_by_the_rates_of_their_days_and_the_report_has_each_rate() {
    let place = place(CONVERT);
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let run = place
        .run_to(&sandbox, &["run", "payments.csv", "--yes", "--dir", "out"])
        .expect(0);
    assert!(
        run.stderr()
            .contains("1 sale, 20.00 EUR: sent as 1 sale, 21.67 USD"),
        "{}",
        run.stderr()
    );
    assert_eq!(
        arrived(&sandbox),
        [
            "in_0001 2167 ",
            "in_0001_refund_500 542 ",
            "in_0002 335 ",
            "in_0003 2000 "
        ]
    );
    let rows: Vec<String> = place
        .csv("out/converted.csv")
        .iter()
        .map(|row| row.join(","))
        .collect();
    assert_eq!(
        rows,
        [
            "kind,event_id,sale_event_id,original_amount_cents,original_currency,rate,rate_date,amount_cents,currency,file,line",
            "sale,in_0001,,2000,EUR,1.0834,2026-02-27,2167,USD,payments.csv,2",
            "sale,in_0002,,500,JPY,0.0067,2026-02-01,335,USD,payments.csv,3",
            "refund,in_0001_refund_500,in_0001,500,EUR,1.0834,2026-02-27,542,USD,payments.csv,2",
        ]
    );
    let summary: Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    assert_eq!(
        summary["events"]["by_kind"]["sale"]["amount_cents"],
        json!({"USD": 4502})
    );

    // The same again with the same rates, and with mended ones: nothing is sent a second time.
    for rates in [RATES.to_owned(), RATES.replace("1.0834", "1.2")] {
        place.write("rates.csv", &rates);
        let again = place
            .run_to(&sandbox, &["run", "payments.csv", "--yes", "--json"])
            .expect(0);
        let again = again.json();
        assert_eq!(again["events"]["by_plan"]["settled"], 4);
        assert_eq!(again["requests"], 0);
    }
    let plan = place
        .run_to(&sandbox, &["plan", "payments.csv", "--json"])
        .expect(0)
        .json();
    assert_eq!(codes(&plan), ["rate-changed"]);

    // The rest of the sale comes back, by the rate at which it was sent.
    place.write("payments.csv", &export("20.00"));
    place
        .run_to(&sandbox, &["run", "payments.csv", "--yes"])
        .expect(0);
    let refunds: i64 = sandbox
        .events()
        .iter()
        .filter(|event| event["kind"] == "refund")
        .map(|event| event["amount_cents"].as_i64().unwrap())
        .sum();
    assert_eq!(refunds, 2167, "the refunds undo the sale to the cent");
}

#[test]
fn a_sale_without_a_rate_is_held_with_the_reason() {
    let place = place(CONVERT);
    place.write(
        "rates.csv",
        "date,currency,rate\n2026-03-02,EUR,1.1\n2026-01-01,JPY,0.0067\n",
    );
    let plan = place
        .run(&["plan", "payments.csv", "--json"])
        .expect(1)
        .json();
    assert_eq!(plan["events"]["by_plan"]["unlinked"], 2);
    assert_eq!(plan["events"]["by_plan"]["to_send"], 2);
    let held = plan["problems"].as_array().unwrap();
    let held = held.iter().find(|p| p["line"] == 2).unwrap();
    assert_eq!(
        held["message"],
        "sale `in_0001`: the rates file has no rate for EUR on 2026-03-01: its first is of 2026-03-02"
    );
    assert_eq!(
        (&held["file"], &held["line"]),
        (&json!("payments.csv"), &json!(2))
    );
    place
        .run(&["run", "payments.csv", "--sandbox", "--yes", "--dir", "out"])
        .expect(1);
    let rows = place.csv("out/held.csv");
    assert_eq!(rows.len(), 3);
    assert_eq!(rows[1][5..7], ["2000", "EUR"]);
    assert!(rows[1][9].contains("no rate for EUR"), "{rows:?}");
}

#[test]
fn they_are_held_where_the_user_says_so() {
    let place = place("[currencies]\nforeign = \"hold\"\n");
    let plan = place
        .run(&["plan", "payments.csv", "--json"])
        .expect(1)
        .json();
    assert_eq!(plan["events"]["by_plan"]["unlinked"], 3);
    assert_eq!(plan["events"]["by_plan"]["to_send"], 1);
    assert_eq!(codes(&plan), ["currency-held"; 4]);
}

#[test]
fn settings_and_rates_that_can_t_be_used_stop_everything_with_their_place() {
    let place = place("[currencies]\nforeign = \"ignore\"\n");
    let refused = |code: i32| place.run(&["plan", "payments.csv"]).expect(code).stderr();
    assert!(refused(3).contains("`send`, `convert` or `hold`"));
    place.write("fprecon.toml", "[currencies]\nforeign = \"convert\"\n");
    assert!(refused(3).contains("to a CSV with the columns `date,currency,rate`"));
    place.write("fprecon.toml", CONVERT);
    place.write("rates.csv", "date,currency,rate\n2026-03-01,EUR,\"1,08\"\n");
    let said = refused(3);
    assert!(
        said.contains("rates.csv:2: error: this is not a rate above zero\n  column `rate`: `1,08`"),
        "{said}"
    );
    std::fs::remove_file(place.path("rates.csv")).unwrap();
    assert!(refused(3).contains("rates.csv"));
    let config = place.run(&["config"]).expect(0).stdout();
    assert!(config.contains("currencies.rates"), "{config}");
}

#[test]
fn the_samples_are_converted_by_the_sample_rates() {
    let place = place(CONVERT);
    place.write("rates.csv", include_str!("../../samples/rates.csv"));
    place.write(
        "payments.csv",
        include_str!("../../samples/stripe-payments.csv"),
    );
    let plan = place.run(&["plan", "payments.csv", "--json", "--events", "events.csv"]);
    let plan = plan.expect(0).json();
    assert!(
        codes(&plan).contains(&"currency-converted"),
        "{:?}",
        codes(&plan)
    );
    let events = place.csv("events.csv");
    assert!(
        events
            .iter()
            .skip(1)
            .all(|row| row[6] == "USD" || row[6].is_empty())
    );
    let notes: Vec<&str> = events.iter().map(|row| row[14].as_str()).collect();
    assert!(
        notes.iter().any(|note| note.contains(" GBP at 1.2")),
        "{notes:?}"
    );
}
