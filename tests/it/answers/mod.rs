//! What an answer means and whom it is about: the real binary against a real sandbox, and against servers
//! that answer as no sandbox does.

mod connections;
mod customers;
mod forms;
mod left;
mod open;
mod refusals;
mod retry;
mod reversals;
mod settings;
mod terms;

use crate::support::{Place, SandboxProcess, form};
use serde_json::Value;

const HEADER: &str = "kind,event_id,sale_event_id,email,amount,currency,created_at,promo_code\n";

/// `run` of one export, for scripts.
fn run(export: &str) -> [&str; 4] {
    ["run", export, "--yes", "--json"]
}

/// A folder with `own.csv`, of these rows.
fn own(rows: &str) -> Place {
    let place = Place::new();
    place.write("own.csv", &format!("{HEADER}{rows}"));
    place
}

/// So many sales, `s1` and on, each of a customer of its own, of 10.00 USD.
fn sales(count: u32) -> Place {
    let row = |n| format!("sale,s{n},,user{n}@example.com,10.00,USD,2026-03-01T10:00:00Z,\n");
    own(&(1..=count).map(row).collect::<String>())
}

/// A sandbox that knows nobody, and has nora as a promoter.
fn strangers(place: &Place) -> SandboxProcess {
    let start = "lead_share_percent = 0\n[[promoter]]\nref_id = \"nora\"\n\
                 email = \"nora@example.com\"\npromo_code = \"NORA10\"\n";
    place.write("start.toml", start);
    let start = place.path("start.toml");
    SandboxProcess::start(&["--start", start.to_str().unwrap()])
}

/// A sandbox for which every customer is a lead.
fn leads() -> SandboxProcess {
    SandboxProcess::start(&["--lead-share", "100"])
}

/// How many events have an outcome.
#[track_caller]
fn outcome(report: &Value, name: &str) -> u64 {
    report["outcomes"][name]["count"].as_u64().unwrap()
}

/// The ids of the events that were asked for, in the order of their arrival.
fn asked(sandbox: &SandboxProcess) -> Vec<String> {
    let arrivals = sandbox.arrivals();
    arrivals
        .iter()
        .filter_map(|a| form(a, "event_id"))
        .collect()
}

/// The cell of the first row of a report's file whose column has a value.
#[track_caller]
fn cell(place: &Place, report: &Value, file: &str, event_id: &str, column: &str) -> String {
    let folder = report["report_dir"].as_str().unwrap();
    let rows = place.csv(&format!("{folder}/{file}"));
    let at = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
    let row = rows.iter().find(|row| row[at("event_id")] == event_id);
    row.unwrap_or_else(|| panic!("{event_id} in {rows:#?}"))[at(column)].clone()
}
