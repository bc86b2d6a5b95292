//! Every kind of export, and what becomes of each of its rows.
//!
//! `tests/exports` and `samples` hold files of our own in the shapes of real ones; their snapshots
//! show every event and every row without one. Real exports lie outside of the repository, in
//! `../shared/exports` or where `FPRECON_SHARED_EXPORTS` says. Nothing of theirs is here: their
//! snapshots have counts, sums, line numbers, and a hash over every event.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Place, real_exports};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What some exports do not say.
const CONFIG: &str = r#"
[exports.chargebee]
extends = "chargebee-invoices"
money = { format = { unit = "minor" }, currency = "USD" }

[exports.chargebee-ended]
extends = "chargebee-subscriptions"
dates = { zone = "Europe/Berlin" }

[exports.woocommerce]
extends = "woocommerce-orders"
dates = { zone = "Europe/Berlin" }
money = { currency = "EUR" }
promo_code = { send = true }

[exports.woocommerce-totals]
extends = "woocommerce-order-totals"
dates = { zone = "Europe/Berlin" }
money = { currency = "EUR" }

[exports.whop]
extends = "whop-payments"
promo_code = { send = true }

[exports.balance]
extends = "stripe-balance-history"
columns = { email = "email (metadata)" }
"#;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The CSV files of a folder, and of the folders in it, by their paths below it.
fn csvs(folder: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            let below = csvs(&path).into_iter();
            found.extend(below.map(|(inner, path)| (format!("{name}/{inner}"), path)));
        } else if name.ends_with(".csv") {
            found.insert(name, path);
        }
    }
    found
}

/// A place in which `paths` were planned and run, and what the plan said.
fn ran(paths: &[&Path]) -> (Place, Value, i32) {
    let place = Place::new();
    place.write("fprecon.toml", CONFIG);
    let names: Vec<_> = (1..=paths.len()).map(|n| format!("{n}.csv")).collect();
    for (name, path) in names.iter().zip(paths) {
        fs::copy(path, place.path(name)).unwrap();
    }
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let plan = place.run(&[&["plan", "--json", "--events", "events.csv"], &names[..]].concat());
    if plan.code() <= 1 {
        let run = ["run", "--sandbox", "--yes", "--dir", "reports"];
        place.run(&[&run[..], &names[..]].concat());
    }
    (place, plan.json(), plan.code())
}

fn numbers(mut lines: Vec<u64>) -> String {
    lines.sort_unstable();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for line in lines {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == line => *last = line,
            _ => ranges.push((line, line)),
        }
    }
    let shown = ranges.into_iter().map(|(first, last)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first}-{last}")
        }
    });
    shown.collect::<Vec<_>>().join(",")
}

/// Rows of `ignored.csv` or `rejected.csv` of every input, by reason.
fn rows_by_reason(place: &Place, kind: &str) -> BTreeMap<String, Vec<u64>> {
    let mut reasons: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (name, path) in csvs(&place.path("reports")) {
        if !name.starts_with(kind) {
            continue;
        }
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .from_path(path)
            .unwrap();
        let header = reader.headers().unwrap().clone();
        let column = |wanted: &str| header.iter().position(|name| name == wanted).unwrap();
        let (line, reason) = (column("_line"), column("_reason"));
        for record in reader.records() {
            let record = record.unwrap();
            let lines = reasons.entry(record[reason].to_owned()).or_default();
            lines.push(record[line].parse().unwrap());
        }
    }
    reasons
}

fn account(paths: &[&Path], show_events: fn(&Place, &mut String)) -> String {
    let (place, plan, code) = ran(paths);
    let mut text = format!("exit {code}\n");
    for input in plan["inputs"].as_array().into_iter().flatten() {
        writeln!(text, "{} as {}", input["rows"], input["profile"]).unwrap();
    }
    if code <= 1 {
        writeln!(text, "rows {}", plan["rows"]).unwrap();
        show_events(&place, &mut text);
        for kind in ["ignored", "rejected"] {
            for (reason, lines) in rows_by_reason(&place, kind) {
                writeln!(text, "{kind}: {reason}: {}", numbers(lines)).unwrap();
            }
        }
    }
    for problem in plan["problems"].as_array().into_iter().flatten() {
        let at = [&problem["line"], &problem["column"]];
        let at: Vec<_> = at
            .iter()
            .filter(|at| !at.is_null())
            .map(ToString::to_string)
            .collect();
        let (severity, code) = (&problem["severity"], &problem["code"]);
        writeln!(text, "{severity} {code} {}", at.join(" ")).unwrap();
    }
    text.replace('"', "")
}

fn every_event(place: &Place, text: &mut String) {
    for row in place.csv("events.csv").iter().skip(1) {
        let [kind, id, sale, email, uid, cents, currency, plan] =
            [0, 1, 2, 3, 4, 5, 6, 7].map(|n| &row[n]);
        let [created, line, state, note] = [10, 12, 13, 14].map(|n| &row[n]);
        let parts = [
            kind, id, sale, email, uid, cents, currency, plan, created, state, note,
        ];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let parts: Vec<_> = parts.map(String::as_str).collect();
        writeln!(text, "{line}: {}", parts.join(" ")).unwrap();
    }
}

/// Counts and cents by kind, currency and state, and a hash over all that the events say.
fn sums_of_events(place: &Place, text: &mut String) {
    let mut sums: BTreeMap<String, (u64, i64)> = BTreeMap::new();
    for row in place.csv("events.csv").iter().skip(1) {
        let sum = sums
            .entry(format!("{} {} {}", row[0], row[6], row[13]))
            .or_default();
        sum.0 += 1;
        sum.1 += row[5].parse::<i64>().unwrap_or_default();
    }
    for (what, (count, cents)) in sums {
        writeln!(text, "{count} {what} {cents}").unwrap();
    }
    let digest = Sha256::digest(place.read("events.csv"));
    let hash: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    writeln!(text, "events {hash}").unwrap();
}

fn snapshot(group: &str, name: &str, text: String) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path(format!("snapshots/{group}"));
    let name = name.trim_end_matches(".csv").replace('/', "-");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn files_of_our_own() {
    for folder in ["tests/exports", "samples"] {
        // Rates are no export.
        let exports = csvs(&repository().join(folder)).into_iter();
        for (name, path) in exports.filter(|(name, _)| name != "rates.csv") {
            snapshot("own", &name, account(&[&path], every_event));
        }
    }
}

#[test]
fn payments_with_their_invoices() {
    let folder = repository().join("tests/exports");
    let both =
        ["stripe-payments-2023.csv", "stripe-invoices-2023.csv"].map(|name| folder.join(name));
    let text = account(&[&both[0], &both[1]], every_event);
    snapshot("own", "stripe-payments-with-invoices-2023", text);
}

#[test]
fn real_files() {
    let Some(folder) = real_exports() else { return };
    for (name, path) in csvs(&folder) {
        snapshot("real", &name, account(&[&path], sums_of_events));
    }
}

#[test]
fn real_payments_with_their_invoices() {
    let Some(folder) = real_exports() else { return };
    let both = [
        "stripe/unified_payments_legacy_2023_columns.csv",
        "stripe/invoices_2023.csv",
    ]
    .map(|name| folder.join(name));
    if let Some(missing) = both.iter().find(|path| !path.is_file()) {
        eprintln!("skipped: {} not here", missing.display());
        return;
    }
    let text = account(&[&both[0], &both[1]], sums_of_events);
    snapshot("real", "stripe-payments-with-invoices-2023", text);
}
