//! The sandbox's answers against the vendor's OpenAPI files, where those are at hand.
//!
//! They lie outside the repository, in `../shared/reference/openapi` or where
//! `FPRECON_SHARED_OPENAPI` says. The vendor's files require almost no property; here every one
//! that they describe must be there, but for those that are named below.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};

use crate::support::KEY;
use fprecon::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// Null in the vendor's own examples, or by another of the vendor's files, whatever this one says.
pub const NULL_ALL_THE_SAME: [&str; 15] = [
    "note",
    "temp_password",
    "username",
    "website",
    "plan_name",
    "w8_form_url",
    "w9_form_url",
    "customer_since",
    "cancelled_at",
    "cust_id",
    "earnings_balance",
    "current_balance",
    "paid_balance",
    "reward",
    // Of a reward that no event earned.
    "event_id",
];

/// What the sandbox leaves out: it has no such thing, and the vendor requires none of them.
const LEFT_OUT: [&str; 44] = [
    // Balances in other units than money.
    "credits",
    "discount_per",
    "points",
    "free_months",
    "discount",
    // Secrets, and the promoters above promoters.
    "auth_token",
    "parent_promoter_id",
    "parent_promoter",
    // Rewards for targets and traffic; the sandbox has sales alone.
    "target_reached_at",
    "customer_promo_code",
    "current_offer",
    "current_referral_reward",
    "current_promotion_reward",
    "current_target_reward",
    "visitors_count",
    "leads_count",
    "customers_count",
    "cancellations_count",
    "active_customers_count",
    "clicks_count",
    "referrals_count",
    // Codes of promoters who have none.
    "promo_code",
    "promo_codes",
    "coupon",
    // What nobody has entered.
    "website",
    "company_name",
    "phone_number",
    "address",
    "vat_id",
    "country",
    "paypal_email",
    "avatar_url",
    "description",
    "social_accounts",
    "custom_fields",
    "split_details",
    "created_by_user_email",
    // How the vendor's own pages work.
    "invoice_details_status",
    "password_setup_url",
    "profile",
    "first_event_at",
    "track_ad_traffic",
    "auth_provider",
    "selected_payout_method",
];

pub fn folder() -> Option<PathBuf> {
    let folder = match std::env::var_os("FPRECON_SHARED_OPENAPI") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/reference/openapi"),
    };
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: {} not here", folder.display());
    None
}

/// The schema of one answer, with all that it refers to; `None` if there is no body.
fn schema(folder: &Path, file: &str, path: &str, method: &str, status: u16) -> Option<Value> {
    let text = fs::read_to_string(folder.join(file)).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let answer = &document["paths"][path][method]["responses"][status.to_string()];
    assert!(answer.is_object(), "{file} documents no {status} of {path}");
    let schema = answer.get("content")?["application/json"]["schema"].clone();
    let mut whole = json!({"allOf": [schema], "components": document["components"]});
    strict(&mut whole);
    Some(whole)
}

/// Makes JSON Schema of OpenAPI 3.0's own (`nullable`), and every described property required.
fn strict(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(strict),
        Value::Object(members) => {
            if let Some(Value::Object(properties)) = members.get_mut("properties") {
                for (name, property) in properties.iter_mut() {
                    if NULL_ALL_THE_SAME.contains(&&**name) {
                        property["nullable"] = true.into();
                    }
                }
                let required = properties
                    .keys()
                    .filter(|name| !LEFT_OUT.contains(&&***name));
                let required: Vec<Value> = required.cloned().map(Value::from).collect();
                members.insert("required".to_owned(), required.into());
            }
            members.values_mut().for_each(strict);
            if members.get("nullable") == Some(&json!(true))
                && let Some(Value::String(kind)) = members.get("type").cloned()
            {
                members.insert("type".to_owned(), json!([kind, "null"]));
            }
        }
        _ => {}
    }
}

fn check(schema: &Value, body: &Value, what: &str) {
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(schema)
        .unwrap();
    let errors: Vec<String> = validator
        .iter_errors(body)
        .map(|error| format!("{} {error}", error.instance_path()))
        .collect();
    assert!(
        errors.is_empty(),
        "{what}:\n{}\n{body:#}",
        errors.join("\n")
    );
}

fn ask(sandbox: &Sandbox, line: &str, body: Option<&Value>) -> (u16, String) {
    let body = body.map(Value::to_string).unwrap_or_default();
    let request = format!(
        "{line} HTTP/1.0\r\nhost: sandbox\r\nx-api-key: {KEY}\r\nauthorization: Bearer {KEY}\r\n\
         account-id: 1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(sandbox.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

fn sandbox() -> Sandbox {
    Sandbox::start(Options {
        lead_share_percent: Some(0),
        ..Options::default()
    })
    .unwrap()
}

/// Calls and their statuses, in an order in which each can happen.
fn conversation(version: &str) -> Vec<(&'static str, Value, u16)> {
    let v2 = version == "v2";
    let ann = |more: Value| {
        let mut params = json!({"email": "ann@x.test", "uid": "ann"});
        for (name, value) in more.as_object().unwrap() {
            params[name] = value.clone();
        }
        params
    };
    let sale = ann(json!({"event_id": "s", "amount": 2000, "currency": "USD", "plan": "pro"}));
    let refund = ann(json!({"event_id": "r", "amount": 500, "sale_event_id": "s"}));
    vec![
        ("sale", sale.clone(), if v2 { 404 } else { 204 }),
        ("refund", refund.clone(), 204),
        ("signup", json!({}), 400),
        ("signup", ann(json!({})), 404),
        ("signup", ann(json!({"ref_id": "nora"})), 200),
        ("signup", ann(json!({"ref_id": "nora"})), 422),
        ("sale", ann(json!({"event_id": "s"})), 400),
        ("sale", sale.clone(), 200),
        ("sale", sale, 409),
        ("refund", ann(json!({"event_id": "r"})), 400),
        ("refund", refund.clone(), 200),
        ("refund", refund, 409),
        ("cancellation", json!({}), 400),
        ("cancellation", ann(json!({})), 200),
    ]
}

#[test]
fn the_tracking_calls_answer_as_the_vendors_files_say() {
    let Some(folder) = folder() else { return };
    for version in ["v1", "v2"] {
        let sandbox = sandbox();
        for (call, params, status) in conversation(version) {
            let line = format!("POST /api/{version}/track/{call}");
            let (told, body) = ask(&sandbox, &line, Some(&params));
            let what = format!("{line}: {status}");
            assert_eq!(told, status, "{what}: {body}");
            let file = format!("{version}-tracking.json");
            match schema(&folder, &file, &format!("/{call}"), "post", status) {
                Some(schema) => check(&schema, &serde_json::from_str(&body).unwrap(), &what),
                None => assert_eq!(body, "", "{what}"),
            }
        }
    }
}

#[test]
fn the_listings_answer_as_the_vendors_files_say() {
    let Some(folder) = folder() else { return };
    let sandbox = sandbox();
    for (call, params, _) in conversation("v1") {
        ask(
            &sandbox,
            &format!("POST /api/v1/track/{call}"),
            Some(&params),
        );
    }
    for (path, file, documented) in [
        ("v1/leads/list", "v1-leads.json", "/list"),
        ("v1/leads/show?uid=ann", "v1-leads.json", "/show"),
        ("v1/rewards/list", "v1-rewards.json", "/list"),
        ("v1/promoters/list", "v1-promoters.json", "/list"),
        (
            "v2/company/commissions",
            "v2-commissions.json",
            "/commissions",
        ),
        ("v2/company/referrals", "v2-referrals.json", "/referrals"),
        ("v2/company/promoters", "v2-promoters.json", "/promoters"),
        (
            "v2/company/referrals/ann?find_by=uid",
            "v2-referrals.json",
            "/referrals/{id}",
        ),
        (
            "v2/company/promoters/nora@example.com?find_by=email",
            "v2-promoters.json",
            "/promoters/{id}",
        ),
    ] {
        let line = format!("GET /api/{path}");
        let (status, body) = ask(&sandbox, &line, None);
        assert_eq!(status, 200, "{line}: {body}");
        let body: Value = serde_json::from_str(&body).unwrap();
        let lines = body.get("data").unwrap_or(&body);
        let lines = lines.as_array().map_or(1, Vec::len);
        assert!(lines > 0, "{line}: an empty list shows nothing");
        let schema = schema(&folder, file, documented, "get", 200).unwrap();
        check(&schema, &body, &line);
    }
    for (path, file, documented, status) in [
        ("v1/leads/list?ref_id=nobody", "v1-leads.json", "/list", 422),
        ("v1/leads/show?uid=nobody", "v1-leads.json", "/show", 404),
        (
            "v1/rewards/list?ref_id=nobody",
            "v1-rewards.json",
            "/list",
            422,
        ),
        (
            "v2/company/promoters/1",
            "v2-promoters.json",
            "/promoters/{id}",
            404,
        ),
    ] {
        let line = format!("GET /api/{path}");
        let (told, body) = ask(&sandbox, &line, None);
        assert_eq!(told, status, "{line}: {body}");
        let schema = schema(&folder, file, documented, "get", status).unwrap();
        check(&schema, &serde_json::from_str(&body).unwrap(), &line);
    }
}

/// Changes of commissions, leads and payouts: line, body, the vendor's file and path, status.
const CHANGES: [(&str, &str, &str, &str, u16); 25] = [
    (
        "PUT /api/v1/rewards/update?event_id=s&status=pending",
        "",
        "v1-rewards.json",
        "/update",
        200,
    ),
    (
        "PUT /api/v1/rewards/update?id=10000002&status=approved",
        "",
        "v1-rewards.json",
        "/update",
        200,
    ),
    (
        "PUT /api/v1/rewards/update?id=1&status=denied",
        "",
        "v1-rewards.json",
        "/update",
        422,
    ),
    (
        "GET /api/v1/promoters/show?ref_id=nora",
        "",
        "v1-promoters.json",
        "/show",
        200,
    ),
    (
        "GET /api/v1/promoters/show?id=1",
        "",
        "v1-promoters.json",
        "/show",
        404,
    ),
    (
        "GET /api/v1/promoters/show",
        "",
        "v1-promoters.json",
        "/show",
        422,
    ),
    (
        "PUT /api/v1/leads/update?uid=ann&customer_since=2025-01-02T03:04:05Z",
        "",
        "v1-leads.json",
        "/update",
        200,
    ),
    (
        "PUT /api/v1/leads/update?uid=nobody",
        "",
        "v1-leads.json",
        "/update",
        404,
    ),
    (
        "POST /api/v1/payouts/create",
        "",
        "v1-payouts.json",
        "/create",
        422,
    ),
    (
        "POST /api/v1/payouts/create?promoter_email=nora@example.com&status=pending",
        "",
        "v1-payouts.json",
        "/create",
        200,
    ),
    (
        "PUT /api/v1/payouts/update?id=2700001&status=completed",
        "",
        "v1-payouts.json",
        "/update",
        200,
    ),
    (
        "PUT /api/v1/payouts/update?id=5&status=completed",
        "",
        "v1-payouts.json",
        "/update",
        404,
    ),
    (
        "PUT /api/v1/payouts/update?status=completed",
        "",
        "v1-payouts.json",
        "/update",
        422,
    ),
    (
        "PUT /api/v2/company/commissions/10000002",
        r#"{"internal_note": "paid in March"}"#,
        "v2-commissions.json",
        "/commissions/{id}",
        200,
    ),
    (
        "PUT /api/v2/company/commissions/1",
        "{}",
        "v2-commissions.json",
        "/commissions/{id}",
        404,
    ),
    (
        "POST /api/v1/rewards/create?uid=ann&reward_type=points&amount=5",
        "",
        "v1-rewards.json",
        "/create",
        200,
    ),
    (
        "POST /api/v1/rewards/create?ref_id=nora&reward_type=cash&amount=5",
        "",
        "v1-rewards.json",
        "/create",
        422,
    ),
    (
        "POST /api/v1/promoters/create?email=zoe@x.test&first_name=Zoe",
        "",
        "v1-promoters.json",
        "/create",
        200,
    ),
    (
        "POST /api/v1/promoters/create?email=zoe@x.test",
        "",
        "v1-promoters.json",
        "/create",
        422,
    ),
    (
        "PUT /api/v1/promoters/update?ref_id=zoe&new_ref_id=zoe-2&last_name=Z",
        "",
        "v1-promoters.json",
        "/update",
        200,
    ),
    (
        "PUT /api/v1/promoters/update?ref_id=zoe",
        "",
        "v1-promoters.json",
        "/update",
        404,
    ),
    (
        "PUT /api/v1/promoters/update",
        "",
        "v1-promoters.json",
        "/update",
        422,
    ),
    (
        "POST /api/v1/track/subscriber?email=sub@x.test&ref_id=zoe-2",
        "",
        "v1-tracking.json",
        "/subscriber",
        200,
    ),
    (
        "POST /api/v1/track/subscriber?email=sub@x.test&ref_id=zoe-2",
        "",
        "v1-tracking.json",
        "/subscriber",
        409,
    ),
    (
        "GET /api/v1/promoters/show?ref_id=zoe-2",
        "",
        "v1-promoters.json",
        "/show",
        200,
    ),
];

#[test]
fn the_changes_answer_as_the_vendors_files_say() {
    let Some(folder) = folder() else { return };
    let sandbox = sandbox();
    for (call, params, _) in conversation("v1") {
        let line = format!("POST /api/v1/track/{call}");
        ask(&sandbox, &line, Some(&params));
    }
    for (line, body, file, documented, status) in CHANGES {
        let body: Option<Value> = serde_json::from_str(body).ok();
        let (told, answer) = ask(&sandbox, line, Some(&body.unwrap_or(json!({}))));
        assert_eq!(told, status, "{line}: {answer}");
        let method = line.split(' ').next().unwrap().to_lowercase();
        let schema = schema(&folder, file, documented, &method, status).unwrap();
        // What has a body of its own is a JSON string or an object.
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let is_own_error = file == "v2-commissions.json" && status == 404;
        if !is_own_error {
            check(&schema, &answer, line);
        }
    }
    let sale = json!({"email": "ann@x.test", "event_id": "s2", "amount": 900});
    ask(&sandbox, "POST /api/v1/track/sale", Some(&sale));
    for (line, ids, file, documented) in [
        (
            "company/commissions/generate_payouts",
            10_000_005,
            "v2-commissions.json",
            "/commissions/generate_payouts",
        ),
        (
            "company/payouts/mark_as_paid",
            2_700_002,
            "v2-payouts.json",
            "/payouts/mark_as_paid",
        ),
    ] {
        let line = format!("POST /api/v2/{line}");
        let (status, answer) = ask(&sandbox, &line, Some(&json!({"ids": [ids]})));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(status, 200, "{line}: {answer}");
        let done = answer.get("data").unwrap_or(&answer);
        assert_eq!(done["processed_count"], 1, "{line}: {answer}");
        check(
            &schema(&folder, file, documented, "post", 200).unwrap(),
            &answer,
            &line,
        );
    }
}

/// The strictness above is real: answers that are not as documented are found out.
#[test]
fn a_wrong_answer_is_noticed() {
    let Some(folder) = folder() else { return };
    let sandbox = sandbox();
    let sale =
        json!({"email": "a@x.test", "uid": "a", "event_id": "s", "amount": 5, "ref_id": "nora"});
    let (_, body) = ask(&sandbox, "POST /api/v1/track/sale", Some(&sale));
    let body: Value = serde_json::from_str(&body).unwrap();
    let schema = schema(&folder, "v1-tracking.json", "/sale", "post", 200).unwrap();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap();
    assert!(validator.is_valid(&body));
    for (pointer, wrong) in [
        ("/amount_cents", json!("5")),
        ("/lead/created_at", json!("yesterday")),
        ("/promoter/id", Value::Null),
        ("/reward", json!({})),
    ] {
        let mut body = body.clone();
        *body.pointer_mut(pointer).unwrap() = wrong;
        assert!(!validator.is_valid(&body), "{pointer}");
    }
}
