//! Real exports, where they are at hand: their figures are known, and nothing of theirs is here.
//!
//! They lie outside the repository, in `../shared/exports` or where `FPRECON_SHARED_EXPORTS` says.

use std::fs;
use std::path::Path;

use crate::support::{Place, real_exports};
use serde_json::{Value, json};

/// Puts a copy of the export into the place, so that no message depends on where it lies.
fn put(place: &Place, folder: &Path, name: &str) -> bool {
    let from = folder.join(name);
    if !from.is_file() {
        eprintln!("skipped: {} not here", from.display());
        return false;
    }
    fs::copy(from, place.path("export.csv")).unwrap();
    true
}

struct Expected {
    name: &'static str,
    rows: u64,
    with_events: u64,
    sales: u64,
    refunds: u64,
    currency: &'static str,
    sale_cents: i64,
    refund_cents: i64,
    ignored: u64,
}

const PAYMENTS: [Expected; 6] = [
    Expected {
        name: "unified_payments_subscriptions_2025-2026",
        rows: 316,
        with_events: 250,
        sales: 250,
        refunds: 29,
        currency: "USD",
        sale_cents: 357_900,
        refund_cents: 27_960,
        ignored: 66,
    },
    Expected {
        name: "unified_payments_with_metadata_columns",
        rows: 132,
        with_events: 109,
        sales: 109,
        refunds: 2,
        currency: "USD",
        sale_cents: 5_224_797,
        refund_cents: 225_000,
        ignored: 23,
    },
    Expected {
        name: "unified_payments_legacy_2023_columns",
        rows: 16,
        with_events: 11,
        sales: 11,
        refunds: 2,
        currency: "USD",
        sale_cents: 346_000,
        refund_cents: 36_500,
        ignored: 5,
    },
    Expected {
        name: "unified_payments_requires_payment_method_gbp",
        rows: 11,
        with_events: 3,
        sales: 3,
        refunds: 0,
        currency: "GBP",
        sale_cents: 2_997,
        refund_cents: 0,
        ignored: 8,
    },
    Expected {
        name: "unified_payments_testmode",
        rows: 6,
        with_events: 0,
        sales: 0,
        refunds: 0,
        currency: "USD",
        sale_cents: 0,
        refund_cents: 0,
        ignored: 6,
    },
    Expected {
        name: "unified_payments_all_columns_79",
        rows: 1,
        with_events: 1,
        sales: 1,
        refunds: 0,
        currency: "USD",
        sale_cents: 1_500,
        refund_cents: 0,
        ignored: 0,
    },
];

/// Cents of a kind in all its currencies, and the currencies.
fn cents(of_kind: &Value) -> (i64, Vec<String>) {
    let by_currency = of_kind["amount_cents"].as_object().cloned();
    let by_currency = by_currency.unwrap_or_default();
    let sum = by_currency.values().filter_map(Value::as_i64).sum();
    (sum, by_currency.keys().cloned().collect())
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

#[test]
fn payments_are_read_to_the_cent() {
    let Some(folder) = real_exports() else { return };
    for expected in PAYMENTS {
        let place = Place::new();
        if !put(&place, &folder, &format!("stripe/{}.csv", expected.name)) {
            continue;
        }
        let plan = place
            .run(&["plan", "export.csv", "--json"])
            .expect(0)
            .json();
        let name = expected.name;
        assert_eq!(plan["inputs"][0]["profile"], "stripe-payments", "{name}");
        assert_eq!(
            plan["rows"],
            json!({
                "read": expected.rows,
                "with_events": expected.with_events,
                "ignored": expected.ignored,
                "rejected": 0,
            }),
            "{name}"
        );
        let (sales, refunds) = (
            &plan["events"]["by_kind"]["sale"],
            &plan["events"]["by_kind"]["refund"],
        );
        assert_eq!(number(&sales["count"]), expected.sales, "{name}");
        assert_eq!(number(&refunds["count"]), expected.refunds, "{name}");
        let (sale_cents, currencies) = cents(sales);
        assert_eq!(sale_cents, expected.sale_cents, "{name}");
        assert_eq!(cents(refunds).0, expected.refund_cents, "{name}");
        if expected.sales > 0 {
            assert_eq!(currencies, [expected.currency], "{name}");
        }
        assert_eq!(
            plan["events"]["by_plan"]["to_send"], plan["events"]["total"],
            "{name}"
        );
    }
}

#[test]
fn a_second_run_sends_nothing() {
    let Some(folder) = real_exports() else { return };
    for expected in PAYMENTS {
        let place = Place::new();
        let name = expected.name;
        if !put(&place, &folder, &format!("stripe/{name}.csv")) {
            continue;
        }
        let run = ["run", "export.csv", "--sandbox", "--yes", "--json"];
        let first = place.run(&run).expect(0).json();
        let events = expected.sales + expected.refunds;
        assert_eq!(
            number(&first["events"]["by_plan"]["to_send"]),
            events,
            "{name}"
        );
        let outcomes = first["outcomes"].as_object().unwrap().values();
        let sum: u64 = outcomes.clone().map(|of| number(&of["count"])).sum();
        assert_eq!(sum, events, "{name}: every event has an outcome");
        let cents_of = |kind: &str| -> i64 {
            let outcomes = outcomes.clone();
            outcomes.map(|of| cents(&of["by_kind"][kind]).0).sum()
        };
        assert_eq!(cents_of("sale"), expected.sale_cents, "{name}");
        assert_eq!(cents_of("refund"), expected.refund_cents, "{name}");

        let second = place.run(&run).expect(0).json();
        assert_eq!(number(&second["requests"]), 0, "{name}");
        assert_eq!(number(&second["events"]["by_plan"]["to_send"]), 0, "{name}");
        assert_eq!(
            number(&second["events"]["by_plan"]["settled"]),
            events,
            "{name}"
        );
    }
}

#[test]
fn what_is_no_payments_export_is_refused_by_name() {
    let Some(folder) = real_exports() else { return };
    for (name, why) in [
        (
            "stripe/application_fees_decimal_comma_NOT_sales.csv",
            "this is Stripe's application fees",
        ),
        (
            "chargebee/invoices_training_export.csv",
            "`chargebee-invoices` needs to know: ",
        ),
        (
            "paypal/dispute_report_DDR_not_activity.csv",
            "this is PayPal's dispute report",
        ),
        (
            "paypal/download_ragged_bom_consumer.csv",
            "this is a PayPal download without transaction ids",
        ),
    ] {
        let place = Place::new();
        if !put(&place, &folder, name) {
            continue;
        }
        for arguments in [
            &["plan", "export.csv"][..],
            &["plan", "export.csv", "--json"],
            &["run", "export.csv", "--sandbox", "--yes"],
        ] {
            let refused = place.run(arguments).expect(3);
            let said = refused.stderr();
            if arguments.contains(&"--json") {
                assert_eq!(refused.json()["exit_code"], 3, "{name}");
            } else {
                assert_eq!(refused.stdout(), "", "{name}");
            }
            assert!(said.starts_with("export.csv:"), "{name}: {said}");
            assert!(said.contains(why), "{name}: {said}");
            assert!(said.contains("hint: "), "{name}: {said}");
            assert!(!said.contains("panicked"), "{name}: {said}");
        }
        let left: Vec<_> = fs::read_dir(place.root())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(left, ["export.csv"], "{name}: nothing is written");
    }
}

/// What `plan` says of an export: rows, and events that are to be sent and held.
struct Read {
    name: &'static str,
    profile: &'static str,
    rows: [u64; 3],
    sales: (u64, i64),
    refunds: (u64, i64),
    unlinked: u64,
    reasons: &'static [(&'static str, u64)],
}

const OTHERS: [Read; 5] = [
    Read {
        name: "paypal/activity_download_41col_refunds.csv",
        profile: "paypal-activity",
        rows: [175, 169, 6],
        sales: (152, 13_512_000),
        refunds: (17, 862_500),
        // One refund is of a sale before the export.
        unlinked: 1,
        // Four payments in person have no email.
        reasons: &[
            ("no email and no customer id", 4),
            ("not a payment by a customer", 2),
        ],
    },
    Read {
        name: "stripe/invoices_2023.csv",
        profile: "stripe-invoices",
        rows: [21, 18, 3],
        sales: (18, 483_300),
        refunds: (0, 0),
        unlinked: 0,
        reasons: &[("draft invoice", 3)],
    },
    Read {
        name: "shopify/orders_export_71col_eur_vat.csv",
        profile: "shopify-orders",
        rows: [39, 38, 1],
        sales: (38, 20_784),
        refunds: (0, 0),
        unlinked: 0,
        reasons: &[("zero amount", 1)],
    },
    Read {
        name: "shopify/orders_export_78col_usd_multiline_partial_refund.csv",
        profile: "shopify-orders",
        rows: [98, 58, 40],
        sales: (58, 213_850),
        // A part of an order with tax and shipping: 1,060 of 4,229, of which 3,500 count.
        refunds: (1, 877),
        unlinked: 0,
        reasons: &[
            ("continues the row above", 17),
            ("no email and no customer id", 22),
            ("zero amount", 1),
        ],
    },
    Read {
        name: "chargebee/invoices_training_export.csv",
        profile: "chargebee",
        rows: [66, 30, 36],
        sales: (30, 7_924_471_541),
        // A part of an invoice with tax: 40,000 of 551,100, of which 501,000 count.
        refunds: (1, 36_364),
        unlinked: 0,
        reasons: &[("invoice not paid", 30), ("zero amount", 6)],
    },
];

const CHARGEBEE: &str = "[exports.chargebee]
extends = \"chargebee-invoices\"
[exports.chargebee.money]
currency = \"USD\"
format = { unit = \"minor\" }
";

#[test]
fn exports_of_other_providers_are_read_to_the_cent() {
    let Some(folder) = real_exports() else { return };
    for Read {
        name,
        profile,
        rows: [read, with_events, ignored],
        sales,
        refunds,
        unlinked,
        reasons,
    } in OTHERS
    {
        let place = Place::new();
        if !put(&place, &folder, name) {
            continue;
        }
        place.write("fprecon.toml", CHARGEBEE);
        let plan = place
            .run(&["plan", "export.csv", "--json"])
            .expect(i32::from(unlinked > 0))
            .json();
        assert_eq!(plan["inputs"][0]["profile"], profile, "{name}");
        let rows = json!({
            "read": read, "with_events": with_events, "ignored": ignored, "rejected": 0,
        });
        assert_eq!(plan["rows"], rows, "{name}");
        for (kind, (count, of_cents)) in [("sale", sales), ("refund", refunds)] {
            let of_kind = &plan["events"]["by_kind"][kind];
            assert_eq!(number(&of_kind["count"]), count, "{name}: {kind}");
            assert_eq!(cents(of_kind).0, of_cents, "{name}: {kind}");
        }
        let by_plan = &plan["events"]["by_plan"];
        assert_eq!(number(&by_plan["unlinked"]), unlinked, "{name}");
        assert_eq!(number(&by_plan["to_send"]), sales.0 + refunds.0 - unlinked);
        let said: Vec<_> = reasons
            .iter()
            .map(|(reason, rows)| json!({ "reason": reason, "rows": rows }))
            .collect();
        assert_eq!(plan["ignored"], json!(said), "{name}");
    }
}
