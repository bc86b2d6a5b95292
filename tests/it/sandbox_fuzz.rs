//! Requests that schemathesis makes from the vendor's OpenAPI files, against the sandbox: it answers each, never with a
//! 5xx, and what it answers is of the type and the form that is documented for the status.
//!
//! `FPRECON_SCHEMATHESIS` names the program; without it, or without the vendor's files, the test says that it is skipped.
//! The same seed makes the same requests. `FPRECON_API_FUZZ_EXAMPLES` makes more of them, and those at the edges of each
//! parameter as well.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use crate::sandbox_openapi::{NULL_ALL_THE_SAME, folder};
use crate::support::{KEY, Place, SandboxProcess};

/// The number of requests for each call.
const EXAMPLES: &str = "15";

/// What is added to the vendor's statuses: the sandbox's own word for what it does not play, and the refusals that the
/// vendor's files leave out here and there.
const FURTHER_STATUSES: [&str; 4] = ["400", "401", "404", "422"];

/// Methods and paths.
type Calls = &'static [(&'static str, &'static str)];

/// The vendor's files, where their paths begin, and the calls that the sandbox plays.
const PLAYED: [(&str, &str, Calls); 11] = [
    ("v1-tracking", "/v1/track", TRACKING),
    ("v1-tracking", "/v1/track", &[("post", "/subscriber")]),
    (
        "v1-leads",
        "/v1/leads",
        &[("get", "/list"), ("get", "/show"), ("put", "/update")],
    ),
    (
        "v1-rewards",
        "/v1/rewards",
        &[("get", "/list"), ("post", "/create"), ("put", "/update")],
    ),
    (
        "v1-promoters",
        "/v1/promoters",
        &[
            ("get", "/list"),
            ("get", "/show"),
            ("post", "/create"),
            ("put", "/update"),
        ],
    ),
    (
        "v1-payouts",
        "/v1/payouts",
        &[("get", "/list"), ("post", "/create"), ("put", "/update")],
    ),
    ("v2-tracking", "/v2/track", TRACKING),
    (
        "v2-commissions",
        "/v2/company",
        &[
            ("get", "/commissions"),
            ("post", "/commissions"),
            ("put", "/commissions/{id}"),
            ("post", "/commissions/generate_payouts"),
        ],
    ),
    (
        "v2-payouts",
        "/v2/company",
        &[("get", "/payouts"), ("post", "/payouts/mark_as_paid")],
    ),
    (
        "v2-promoters",
        "/v2/company",
        &[("get", "/promoters"), ("get", "/promoters/{id}")],
    ),
    (
        "v2-referrals",
        "/v2/company",
        &[("get", "/referrals"), ("get", "/referrals/{id}")],
    ),
];

const TRACKING: Calls = &[
    ("post", "/signup"),
    ("post", "/sale"),
    ("post", "/refund"),
    ("post", "/cancellation"),
];

/// One file of what the sandbox plays.
fn document(folder: &Path) -> Value {
    let mut paths = Map::new();
    let (mut schemas, mut parameters) = (Map::new(), Map::new());
    for (file, begin, calls) in PLAYED {
        let mut text = fs::read_to_string(folder.join(format!("{file}.json"))).unwrap();
        for kind in ["schemas", "parameters"] {
            let reference = format!("#/components/{kind}/");
            text = text.replace(&reference, &format!("{reference}{file}."));
        }
        let mut whole: Value = serde_json::from_str(&text).unwrap();
        relax(&mut whole);
        for (kind, all) in [("schemas", &mut schemas), ("parameters", &mut parameters)] {
            let own = whole["components"][kind].as_object().cloned();
            let own = own.unwrap_or_default().into_iter();
            all.extend(own.map(|(name, value)| (format!("{file}.{name}"), value)));
        }
        for (method, path) in calls {
            let mut call = whole["paths"][path][method].take();
            assert!(call.is_object(), "{file} has no {method} {path}");
            let answers = call["responses"].as_object_mut().unwrap();
            // "No JSON response body is returned", whatever its schema says.
            answers.remove("401");
            for status in FURTHER_STATUSES {
                answers
                    .entry(status)
                    .or_insert_with(|| json!({"description": "refused"}));
            }
            call.as_object_mut().unwrap().remove("security");
            let all = paths.entry(format!("{begin}{path}"));
            all.or_insert_with(|| json!({}))[*method] = call;
        }
    }
    json!({
        "openapi": "3.0.1",
        "info": {"title": "what the sandbox plays", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas, "parameters": parameters},
    })
}

/// Lets properties be null that the vendor's own examples have as null, and emails be what was sent.
fn relax(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(relax),
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for (name, property) in properties.iter_mut().filter(|(_, own)| own.is_object()) {
                    if property["format"] == "email" {
                        property.as_object_mut().unwrap().remove("format");
                    }
                    let is_null =
                        NULL_ALL_THE_SAME.contains(&&**name) || OF_NOBODY.contains(&&**name);
                    if is_null && property.get("$ref").is_some() {
                        *property = json!({"nullable": true, "allOf": [property.clone()]});
                    } else if is_null {
                        property["nullable"] = true.into();
                    }
                }
            }
            members.values_mut().for_each(relax);
        }
        _ => {}
    }
}

/// Null where a customer has no such thing, or an event no amount.
const OF_NOBODY: [&str; 11] = [
    "email",
    "uid",
    "amount_cents",
    "first_name",
    "last_name",
    "lead",
    "split_promotion_id",
    "split_percentage_value",
    "split_type",
    "visitor_sub_id",
    "custom_fields",
];

#[test]
fn whatever_the_vendors_files_allow_is_answered_as_they_say() {
    let Some(folder) = folder() else { return };
    let Some(program) = std::env::var_os("FPRECON_SCHEMATHESIS") else {
        eprintln!("skipped: FPRECON_SCHEMATHESIS does not name schemathesis");
        return;
    };
    let place = Place::new();
    place.write("played.json", &document(&folder).to_string());
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let examples = std::env::var("FPRECON_API_FUZZ_EXAMPLES");
    let phases = match examples {
        Ok(_) => "examples,coverage,fuzzing",
        Err(_) => "examples,fuzzing",
    };
    let ran = Command::new(program)
        .args(["run", "played.json", "--seed", "7", "--phases", phases])
        .args(["--url", sandbox.base_url.strip_suffix("/v1").unwrap()])
        .args(["--header", &format!("X-API-KEY: {KEY}")])
        .args(["--header", &format!("Authorization: Bearer {KEY}")])
        .args(["--header", "Account-ID: 1"])
        .args(["--max-examples", examples.as_deref().unwrap_or(EXAMPLES)])
        .args(["--request-timeout", "10", "--continue-on-failure", "--no-color"])
        .args(["--generation-database", "none", "--warnings", "off"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
        ])
        .current_dir(place.root())
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{errors}");
    // Every call was made, and many requests came through.
    let calls: usize = PLAYED.iter().map(|(_, _, calls)| calls.len()).sum();
    assert!(said.contains(&format!("Tested: {calls}")), "{said}");
    let arrivals = sandbox.state()["arrivals"].as_u64().unwrap();
    assert!(arrivals > 5 * calls as u64, "{arrivals} requests: {said}");
}
