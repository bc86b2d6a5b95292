//! An export that says only the day says a day of the account's zone, wherever days are asked for: `--since` and `--until`, the
//! comparison with the account, commissions with a day, `history mark-paid`, and reports by the date of sales.

use serde_json::Value;

use crate::support::{Place, Ran, SandboxProcess};

const NEW_YORK: &str = "[audit]\nzone = \"America/New_York\"\n";

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at\n";

/// The days around March, each in a form.
fn days(form: impl Fn(&str) -> String) -> String {
    let days = ["2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"];
    let rows = days.iter().zip(1..);
    let rows = rows.map(|(day, n)| format!("sale,s{n},,u{n}@x.com,{n}0.00,USD,{}\n", form(day)));
    HEADER.to_owned() + &rows.collect::<String>()
}

fn recurly() -> String {
    let header = "id,invoice_number,billed_date,due_on,closed_at,status,account_code,currency,invoice_total,invoice_subtotal,tax_amount,coupon_code,invoice_type,original_invoice_number,invoice_doc_type\n";
    let invoice = |n: u32, day: &str| {
        format!(
            "inv{n},{n},{day},{day},{day},paid,acc{n},USD,{n}0.00,{n}0.00,0.00,,purchase,,charge\n"
        )
    };
    let days = ["2026-02-28", "2026-03-01", "2026-03-31", "2026-04-01"];
    let rows = days.iter().zip(1..).map(|(day, n)| invoice(n, day));
    header.to_owned() + &rows.collect::<String>()
}

fn in_new_york(export: &str) -> Place {
    let place = Place::new();
    place.write("fprecon.toml", NEW_YORK);
    place.write("x.csv", export);
    place
}

/// The amounts of the events in a state, in units.
fn amounts(place: &Place, options: &[&str], state: &str) -> Vec<String> {
    let plan = ["plan", "x.csv", "--events", "events.csv"];
    place
        .run(&[&plan[..], options].concat())
        .expect_code_one_of(&[0, 1]);
    let rows = place.csv("events.csv");
    let column = |name: &str| rows[0].iter().position(|own| own == name).unwrap();
    let of_state = rows[1..]
        .iter()
        .filter(|row| row[column("plan_state")] == state);
    let mut amounts: Vec<String> = of_state
        .map(|row| row[column("amount_cents")].clone())
        .collect();
    amounts.sort();
    amounts
}

const MARCH: [&str; 4] = ["--since", "2026-03-01", "--until", "2026-03-31"];

#[test]
fn a_range_of_days_has_the_sales_of_its_days() {
    let day = days(|day| day.to_owned());
    let evening = days(|day| format!("{day}T22:00:00-05:00"));
    for export in [&day, &evening, &recurly()] {
        let place = in_new_york(export);
        assert_eq!(
            amounts(&place, &MARCH, "to_send"),
            ["2000", "3000"],
            "{export}"
        );
        assert_eq!(amounts(&place, &MARCH, "out_of_range"), ["1000", "4000"]);
    }
    // A midnight that is written is a time, which is in the evening before.
    let place = in_new_york(&days(|day| format!("{day}T00:00:00Z")));
    assert_eq!(amounts(&place, &MARCH, "to_send"), ["3000", "4000"]);
}

/// On the day on which a live integration began, nothing says whether a sale was before or after.
#[test]
fn a_day_within_which_a_range_begins_is_held() {
    let place = in_new_york(&days(|day| day.to_owned()));
    let since = ["--since", "2026-03-01T15:00"];
    assert_eq!(amounts(&place, &since, "unlinked"), ["2000"]);
    assert_eq!(amounts(&place, &since, "to_send"), ["3000", "4000"]);
    let plan = [&["plan", "x.csv", "--json"], &since[..]].concat();
    let said = place.run(&plan).expect(1).json();
    let problems = said["problems"].as_array().unwrap().iter();
    let undated = problems.filter(|problem| problem["code"] == "range-undated");
    assert_eq!(undated.count(), 1, "{said:#}");
}

#[test]
fn a_sale_of_a_day_is_the_one_that_the_account_has_on_that_day() {
    for version in ["v1", "v2"] {
        let place = in_new_york(&format!(
            "{HEADER}sale,in_1,,u1@x.com,10.00,USD,2026-03-01\n"
        ));
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        let there = "event_id=ch_1&email=u1@x.com&amount=1000&created_at=2026-03-01T20:00:00Z";
        sandbox.track("sale", there);
        let plan = ["plan", "x.csv", "--check-account", "--json"];
        let mut command = match version {
            "v1" => place.command_to(&sandbox, &plan),
            _ => place.command_to_v2(&sandbox, &plan),
        };
        let said = Ran(command.output().unwrap()).expect(1).json();
        let found = &said["account_check"]["under_other_ids"]["count"];
        assert_eq!(found, 1, "{version}: {said:#}");
    }
}

#[test]
fn a_commission_has_the_day_of_its_export() {
    for (written, sent) in [
        ("2026-03-01", "2026-03-01"),
        ("2026-03-01T00:00:00Z", "2026-02-28"),
    ] {
        let row = format!("sale,in_1,,ana@example.com,10.00,USD,{written}\n");
        let place = in_new_york(&format!("{HEADER}{row}"));
        let start = "[[promoter]]\nref_id = \"nora\"\n[[lead]]\nemail = \"ana@example.com\"\npromoter = \"nora\"\n";
        place.write("start.toml", start);
        let start = place.path("start.toml");
        let sandbox = SandboxProcess::start(&["--start", start.to_str().unwrap()]);
        let mut run = place.command_to_v2(&sandbox, &["run", "x.csv", "--yes"]);
        run.env("FPRECON_HISTORY", "commissions");
        Ran(run.output().unwrap()).expect(0);
        let created = sandbox.arrivals().into_iter().find(|arrival| {
            arrival["method"] == "POST" && arrival["path"] == "/api/v2/company/commissions"
        });
        let body: Value = serde_json::from_str(created.unwrap()["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["event_date"], sent, "{written}");
    }
}

#[test]
fn what_is_marked_and_reported_of_some_days_is_of_these_days() {
    for (form, of_march) in [("{}", 5000), ("{}T00:00:00Z", 7000)] {
        let place = in_new_york(&days(|day| form.replace("{}", day)));
        let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
        place.run_to(&sandbox, &["run", "x.csv", "--yes"]).expect(0);
        let report = [
            "report",
            "--by",
            "sale-date",
            "--from",
            "2026-03-01",
            "--to",
            "2026-03-31",
        ];
        let said = place
            .run(&[&report[..], &["--json"]].concat())
            .expect(0)
            .json();
        let sales = &said["events"]["by_kind"]["sale"]["amount_cents"]["USD"];
        assert_eq!(sales, of_march, "{form}: {said:#}");
        let mark = [
            "history",
            "mark-paid",
            "--until",
            "2026-03-31",
            "--json",
            "--yes",
        ];
        let said = place
            .run_to(&sandbox, &mark)
            .expect_code_one_of(&[0, 1])
            .json();
        // 28 February, 1 and 31 March; or these, and the evening before 1 April.
        let marked = if of_march == 5000 { 3 } else { 4 };
        let states = said["commissions"].as_object().unwrap();
        let counts = states.values().filter_map(|state| state["count"].as_u64());
        assert_eq!(counts.sum::<u64>(), marked, "{said:#}");
    }
}
