//! Warnings about figures that add up and may be wrong all the same: real binary, made-up CSVs.

use crate::support::Place;
use serde_json::Value;

const HEADER: &str = "kind,event_id,sale_event_id,email,uid,amount,currency,created_at,plan\n";

/// A place with one export of a CSV of one's own.
fn place(rows: &str) -> Place {
    let place = Place::new();
    place.write("x.csv", &format!("{HEADER}{rows}"));
    place
}

/// The warnings of one code: the total first, then an event each as `line: message`.
fn warnings(plan: &Value, code: &str) -> Vec<String> {
    let problems = plan["problems"].as_array().unwrap();
    let of_code = problems.iter().filter(|problem| problem["code"] == code);
    let lines = of_code.map(|problem| {
        assert_eq!(problem["severity"], "warning", "{problem}");
        let message = problem["message"].as_str().unwrap();
        match problem["line"].as_u64() {
            Some(line) => format!("{}:{line}: {message}", problem["file"].as_str().unwrap()),
            None => message.to_owned(),
        }
    });
    lines.collect()
}

fn plan(place: &Place, exports: &[&str], code: i32) -> Value {
    let arguments: Vec<&str> = ["plan", "--json"].iter().chain(exports).copied().collect();
    place.run(&arguments).expect(code).json()
}

#[test]
fn refunds_dated_before_their_sale_are_named_with_their_total() {
    let place = place(
        "sale,s1,,a@example.com,,20.00,USD,2026-03-05,\n\
         refund,r1,s1,a@example.com,,5.00,USD,2026-03-04,\n\
         refund,r2,s1,a@example.com,,6.00,USD,2026-03-05,\n\
         sale,s2,,b@example.com,,30.00,EUR,2026-03-05 23:00,\n\
         refund,r3,s2,b@example.com,,30.00,EUR,2026-03-01,\n",
    );
    let plan = plan(&place, &["x.csv"], 0);
    assert_eq!(
        warnings(&plan, "refund-before-sale"),
        [
            "2 refunds, 30.00 EUR and 5.00 USD, are dated before their sales",
            "x.csv:3: refund `r1` of 5.00 USD is dated 2026-03-04, before its sale of 2026-03-05",
            "x.csv:6: refund `r3` of 30.00 EUR is dated 2026-03-01, before its sale of 2026-03-05",
        ]
    );
    assert_eq!(
        plan["events"]["by_plan"]["to_send"], 5,
        "a warning stops nothing"
    );
}

#[test]
fn refunds_above_their_sale_have_a_total() {
    let place = place(
        "sale,s1,,a@example.com,,20.00,USD,2026-03-05,\n\
         refund,r1,s1,a@example.com,,15.00,USD,2026-03-06,\n\
         refund,r2,s1,a@example.com,,6.00,USD,2026-03-07,\n\
         refund,r3,s9,a@example.com,,6.00,USD,2026-03-07,\n",
    );
    assert_eq!(
        warnings(&plan(&place, &["x.csv"], 1), "refund-above-sale"),
        ["1 refund, 6.00 USD: above the sale, and held"],
        "a refund without a sale is no refund above it"
    );
    // The same where the sale was sent by an earlier run.
    place.write(
        "x.csv",
        &format!("{HEADER}sale,s1,,a@example.com,,20.00,USD,2026-03-05,\n"),
    );
    place.run(&["run", "x.csv", "--sandbox", "--yes"]).expect(0);
    place.write(
        "x.csv",
        &format!("{HEADER}refund,r4,s1,a@example.com,,20.01,USD,2026-03-06,\n"),
    );
    let plan = plan(&place, &["x.csv", "--sandbox"], 1);
    assert_eq!(warnings(&plan, "refund-above-sale").len(), 1);
}

#[test]
fn sales_after_the_cancellation_are_named_unless_the_customer_came_back_or_has_another_plan() {
    let place = place(
        "cancellation,c1,,a@example.com,,,,2026-03-05,\n\
         sale,s1,,A@example.com,,20.00,USD,2026-03-05 23:00,\n\
         sale,s2,,A@example.com,,20.00,USD,2026-04-05,\n\
         cancellation,c2,,,cus_2,,,2026-03-05,\n\
         sale,s3,,,cus_2,20.00,USD,2026-04-05,\n\
         cancellation,c3,,,cus_2,,,2026-05-05,\n\
         sale,s4,,b@example.com,,20.00,USD,2026-04-05,\n",
    );
    assert_eq!(
        warnings(&plan(&place, &["x.csv"], 0), "sale-after-cancellation"),
        [
            "1 sale, 20.00 USD, comes after the customer's cancellation",
            "x.csv:4: sale `s2` of 20.00 USD is dated 2026-04-05, and the customer canceled on 2026-03-05",
        ]
    );
}

#[test]
fn dates_in_the_future_are_named_but_not_tomorrow() {
    let now = jiff::Timestamp::now();
    let tomorrow = now + jiff::SignedDuration::from_hours(23);
    let place = place(&format!(
        "sale,s1,,a@example.com,,20.00,USD,{tomorrow},\n\
         sale,s2,,a@example.com,,20.00,USD,2999-01-01,\n\
         cancellation,c1,,b@example.com,,,,2999-01-02,\n"
    ));
    assert_eq!(
        warnings(&plan(&place, &["x.csv"], 0), "date-in-future"),
        [
            "1 sale, 20.00 USD, 1 cancellation, are dated in the future",
            "x.csv:3: sale `s2` of 20.00 USD is dated 2999-01-01",
            "x.csv:4: cancellation `c1` is dated 2999-01-02",
        ]
    );
}

#[test]
fn an_amount_a_hundred_times_the_others_is_named_and_a_yearly_one_is_not() {
    let place = place(
        "sale,s1,,a@example.com,,20.00,USD,2026-01-05,\n\
         sale,s2,,a@example.com,,20.00,USD,2026-02-05,\n\
         sale,s3,,a@example.com,,18.00,USD,2026-03-05,\n\
         sale,s4,,a@example.com,,2000.00,USD,2026-04-05,\n\
         sale,s5,,b@example.com,,20.00,USD,2026-01-05,\n\
         sale,s6,,b@example.com,,20.00,USD,2026-02-05,\n\
         sale,s7,,b@example.com,,20.00,USD,2026-03-05,\n\
         sale,s8,,b@example.com,,240.00,USD,2026-04-05,\n\
         sale,s9,,b@example.com,,0.20,USD,2026-04-05,\n\
         sale,s10,,c@example.com,,20.00,USD,2026-01-05,\n\
         sale,s11,,c@example.com,,20.00,USD,2026-02-05,\n\
         sale,s12,,c@example.com,,2000.00,USD,2026-03-05,\n\
         sale,s13,,b@example.com,,2000,JPY,2026-03-05,\n",
    );
    assert_eq!(
        warnings(&plan(&place, &["x.csv"], 0), "amount-hundredfold"),
        [
            "2 sales, 2000.20 USD, are about a hundred times off their customers' other sales",
            "x.csv:5: sale `s4` of 2000.00 USD is a hundred times off the customer's usual 20.00 USD",
            "x.csv:10: sale `s9` of 0.20 USD is a hundred times off the customer's usual 20.00 USD",
        ]
    );
}

#[test]
fn an_export_whose_amounts_are_a_hundred_times_anothers_is_named_once() {
    let place = Place::new();
    let export = |name: &str, amounts: [&str; 5]| {
        let mut text = HEADER.to_owned();
        for (customer, amount) in amounts.iter().enumerate() {
            for month in 1..=4 {
                text += &format!(
                    "sale,{name}-{customer}-{month},,user{customer}@example.com,,{amount},USD,2026-0{month}-05,\n"
                );
            }
        }
        place.write(&format!("{name}.csv"), &text);
    };
    export("dollars", ["20.00", "12.00", "5.00", "20.00", "20.00"]);
    export("cents", ["2000", "1200", "500", "2000", "35.00"]);
    let plan = plan(&place, &["dollars.csv", "cents.csv"], 0);
    let problems = plan["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0]["code"], "export-hundredfold");
    assert_eq!(problems[0]["file"], "cents.csv");
    assert_eq!(
        problems[0]["message"],
        "its amounts are about a hundred times those of dollars.csv for 4 of the 5 customers that both have"
    );
}

#[test]
fn what_is_settled_is_not_asked_again_and_totals_stand_behind_a_flood() {
    let place = Place::new();
    let mut text = HEADER.to_owned();
    for n in 0..250 {
        text += &format!("sale,s{n},,user{n}@example.com,,1.00,USD,2999-01-01,\n");
    }
    place.write("x.csv", &text);
    let planned = plan(&place, &["x.csv"], 0);
    assert_eq!(warnings(&planned, "date-in-future").len(), 200);
    let shown = place.run(&["plan", "x.csv"]).expect(0).stderr();
    assert!(
        shown.ends_with(
            "warning: 250 sales, 250.00 USD, are dated in the future\n  hint: check the export's dates, the order of day and month in the profile, and this machine's clock\n"
        ),
        "{shown}"
    );
    let ran = place.run(&["run", "x.csv", "--sandbox", "--yes"]).expect(0);
    assert!(ran.stderr().contains("250 sales"), "{}", ran.stderr());
    let again = plan(&place, &["x.csv", "--sandbox"], 0);
    assert_eq!(warnings(&again, "date-in-future"), Vec::<String>::new());
}

/// Sales, refunds and a cancellation in three currencies, one of them twice and one without a sale.
const BOOKS: &str = "sale,s1,,a@example.com,,1234.50,USD,2026-03-05,\n\
     sale,s1,,a@example.com,,1234.50,USD,2026-03-05,\n\
     sale,s2,,a@example.com,,20.00,EUR,2026-03-05,\n\
     sale,s3,,b@example.com,,2000,JPY,2026-03-05,\n\
     refund,r1,s1,a@example.com,,4.50,USD,2026-03-06,\n\
     refund,r2,s9,a@example.com,,5.00,USD,2026-03-06,\n\
     cancellation,c1,,a@example.com,,,,2026-03-06,\n";

#[test]
fn what_was_read_adds_up_before_the_readers_eyes() {
    let place = place(BOOKS);
    let shown = place.run(&["plan", "x.csv"]).expect(1).stdout();
    let table = "
                events read   = to send   + duplicates   + held
events                    7           5              1        1
sales                     4           3              1        0
  EUR                 20.00       20.00           0.00     0.00
  JPY                 2,000       2,000              0        0
  USD              2,469.00    1,234.50       1,234.50     0.00
refunds                   2           1              0        1
  USD                  9.50        4.50           0.00     5.00
cancellations             1           1              0        0
";
    assert!(shown.contains(table), "{shown}");

    let ran = place
        .run(&["run", "x.csv", "--sandbox", "--yes", "--dir", "out"])
        .expect(1);
    assert!(ran.stdout().contains(table), "{}", ran.stdout());
    let stdout = ran.stdout();
    let outcomes = stdout.split("  to send   = tracked ").nth(1).unwrap();
    let first: Vec<&str> = outcomes
        .lines()
        .nth(1)
        .unwrap()
        .split_whitespace()
        .collect();
    assert_eq!(first[..2], ["events", "5"], "{outcomes}");
    let again = place.run(&["report", "--sandbox"]).expect(0).stdout();
    assert!(again.contains(table), "{again}");
}

#[test]
fn the_machine_output_has_the_balance_in_events_and_cents() {
    let place = place(BOOKS);
    let plan = plan(&place, &["x.csv"], 1);
    let balance = plan["events"]["balance"].as_array().unwrap();
    let refunds = balance
        .iter()
        .find(|line| line["kind"] == "refund")
        .unwrap();
    assert_eq!(
        *refunds,
        serde_json::json!({
            "kind": "refund", "currency": "USD",
            "read": {"count": 2, "amount_cents": 950},
            "to_send": {"count": 1, "amount_cents": 450},
            "settled": {"count": 0, "amount_cents": 0},
            "duplicate": {"count": 0, "amount_cents": 0},
            "conflict": {"count": 0, "amount_cents": 0},
            "unlinked": {"count": 1, "amount_cents": 500},
            "out_of_range": {"count": 0, "amount_cents": 0},
        })
    );
    for line in balance {
        for of in ["count", "amount_cents"] {
            let states = [
                "to_send",
                "settled",
                "duplicate",
                "conflict",
                "unlinked",
                "out_of_range",
            ];
            let parts: i64 = states
                .iter()
                .map(|state| line[state][of].as_i64().unwrap())
                .sum();
            assert_eq!(parts, line["read"][of].as_i64().unwrap(), "{line}");
        }
    }
    place
        .run(&["run", "x.csv", "--sandbox", "--yes", "--dir", "out"])
        .expect(1);
    let summary: Value = serde_json::from_str(&place.read("out/summary.json")).unwrap();
    assert_eq!(summary["events"]["balance"], plan["events"]["balance"]);
}
