//! Clients that are not ours, talking to the sandbox: curl as the vendor's pages use it, axios as public client code
//! does, and two public clients of FirstPromoter. Where one cannot be had, its test says that it is skipped.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{KEY, Place, SandboxProcess};
use serde_json::{Value, json};

/// What is installed for the test: one version, so that a new one can't fail it.
const AXIOS: &str = "axios@1.7.9";

fn is_here(program: &str) -> bool {
    let asked = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let here = asked.is_ok_and(|status| status.success());
    if !here {
        eprintln!("skipped: {program} not here");
    }
    here
}

/// curl's status and body.
fn curl(arguments: &[&str]) -> (u16, String) {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "10",
            "--write-out",
            "\n%{http_code}",
        ])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n').unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// The examples of the vendor's first pages, word for word but for the address.
#[test]
fn curl_gets_what_the_first_pages_promise() {
    if !is_here("curl") {
        return;
    }
    let sandbox = SandboxProcess::start(&["--lead-share", "0"]);
    let key = format!("x-api-key: {KEY}");
    let post = |call: &str, fields: &[&str]| {
        let url = format!("{}/track/{call}", sandbox.base_url);
        let mut arguments = vec!["-X", "POST", &url];
        for field in fields {
            arguments.extend(["-d", field]);
        }
        arguments.extend(["-H", &key]);
        curl(&arguments)
    };
    let who = [
        "wid=b850ac4wer56hy1b5ef41",
        "email=shelley@example.com",
        "uid=cbdemo_shelley",
    ];
    let with = |more: &[&'static str]| [&who[..], more].concat();
    let sale = with(&["event_id=9856044", "plan=monthly-starter", "amount=6000"]);
    let refund = with(&["event_id=4567044", "sale_event_id=9856044", "amount=6000"]);
    assert_eq!(post("sale", &sale), (204, String::new()));
    let (status, _) = post(
        "signup",
        &with(&["first_name=Shelley", "tid=3491ff2f-7803-4467"]),
    );
    assert_eq!(status, 200);
    let (status, body) = post("sale", &sale);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &told["amount_cents"]), (200, &json!(6000)));
    assert_eq!(told["lead"]["first_name"], "Shelley");
    assert_eq!(post("sale", &sale).0, 409);
    let (status, body) = post("refund", &refund);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &told["amount_cents"]), (200, &json!(-6000)));
    assert_eq!(post("cancellation", &who).0, 200);
    let url = format!("{}/track/sale", sandbox.base_url);
    assert_eq!(
        curl(&["-X", "POST", &url]),
        (401, r#""Bad credentials""#.to_owned())
    );
}

#[test]
fn curl_talks_json_to_v2() {
    if !is_here("curl") {
        return;
    }
    let sandbox = SandboxProcess::start(&["--lead-share", "100"]);
    let url = format!("{}/track/sale", sandbox.base_url.replace("v1", "v2"));
    let (status, body) = curl(&[
        "--request",
        "POST",
        "--url",
        &url,
        "--header",
        &format!("Authorization: Bearer {KEY}"),
        "--header",
        "Account-ID: 123",
        "--header",
        "Content-Type: application/json",
        "--data",
        r#"{"email": "jane@example.com", "event_id": "s", "amount": 2000}"#,
    ]);
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &told["etype"]), (200, &json!("sale")));
}

/// Every encoding, the refusals as axios throws them, and a listing read page by page.
const SCRIPT: &str = r#"
const axios = require("axios");
const [base, key] = process.argv.slice(2);
const v1 = axios.create({ baseURL: base, headers: { "x-api-key": key }, timeout: 10000 });
const v2 = axios.create({
  baseURL: base.replace("v1", "v2"),
  headers: { Authorization: `Bearer ${key}`, "Account-ID": "123" },
  timeout: 10000,
});
const told = [];
const note = async (name, request) => {
  try {
    const answer = await request;
    told.push([name, answer.status, answer.data.type ?? answer.data.etype ?? ""]);
  } catch (error) {
    told.push([name, error.response.status, error.response.data.message ?? ""]);
  }
};
(async () => {
  const sale = (id) => ({ email: "ann+1@x.test", event_id: id, amount: 1000, ref_id: "nora" });
  await note("form", v1.post("/track/sale", new URLSearchParams(sale("a"))));
  await note("query", v1.post("/track/sale", null, { params: sale("b") }));
  await note("json", v1.post("/track/sale", sale("c")));
  await note("again", v1.post("/track/sale", sale("c")));
  await note("v2", v2.post("/track/sale", sale("d")));
  await note("blank", v2.post("/track/sale", {}));
  await note("stranger", v1.post("/track/cancellation", { uid: "nobody" }));
  await note("cancellation", v1.post("/track/cancellation", { email: "ann+1@x.test" }));
  for (let n = 0; n < 60; n++) await v1.post("/track/sale", sale(`n${n}`));
  let seen = 0;
  for (let page = 1; ; page++) {
    const { data, headers } = await v1.get("/rewards/list", { params: { page } });
    seen += data.length;
    if (page * Number(headers["per-page"]) >= Number(headers.total)) break;
  }
  const { data } = await v2.get("/company/commissions", { params: { q: "n59", per_page: 100 } });
  console.log(JSON.stringify({ told, seen, found: data.length }));
})();
"#;

#[test]
fn axios_gets_along_with_it() {
    if !is_here("node") || !is_here("npm") {
        return;
    }
    let place = Place::new();
    if !npm_install(&place, &[AXIOS]) {
        return;
    }
    fs::write(place.path("client.js"), SCRIPT).unwrap();
    let sandbox = SandboxProcess::start(&["--lead-share", "0"]);
    let ran = Command::new("node")
        .args(["client.js", &sandbox.base_url, KEY])
        .current_dir(place.root())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let expected = json!({
        "told": [
            ["form", 200, "sale"],
            ["query", 200, "sale"],
            ["json", 200, "sale"],
            ["again", 409, "The 'sale' event with the id 'c' already exists."],
            ["v2", 200, "sale"],
            ["blank", 400, "Error. Email and uid can not be blank!"],
            ["stranger", 204, ""],
            ["cancellation", 200, "cancellation"],
        ],
        "seen": 64,
        "found": 1,
    });
    assert_eq!(told, expected);
    // What axios makes of an address with a plus is one customer in every encoding.
    assert_eq!(sandbox.state()["leads"], 1);
}

/// Public clients of FirstPromoter's version 1, in one version each.
const PUBLIC_CLIENTS: [&str; 2] = [
    "firstpromoter-api-node@1.0.0",
    "firstpromoter-node-api@0.0.2",
];

/// The second client has the vendor's address in its code, so that its requests are turned to the sandbox on their way.
const PUBLIC_SCRIPT: &str = r#"
const [base, key] = process.argv.slice(2);
process.env.FIRSTPROMOTER_API_NODE_BASE_URL = base;
const Client = require("firstpromoter-api-node");
const request = require("request-promise-native");
for (const method of ["get", "post", "put", "delete"]) {
  const own = request[method];
  request[method] = (options) =>
    own({ ...options, url: options.url.replace("https://firstpromoter.com/api/v1", base) });
}
const { LeadApi, PromoterApi } = require("firstpromoter-node-api/lib/api");
const client = new Client({ wid: "b850ac4wer56hy1b5ef41", key });
const [leads, promoters] = [new LeadApi(key), new PromoterApi(key)];
const told = [];
const note = async (name, request, read) => {
  try {
    const answer = await request;
    told.push([name, "ok", read(answer.body ?? answer)]);
  } catch (error) {
    const told_by = typeof error.error === "string" ? JSON.parse(error.error) : error;
    told.push([name, "refused", told_by.message ?? told_by.error ?? told_by]);
  }
};
(async () => {
  const who = { email: "ann@x.test", uid: "ann" };
  await note("signup", client.post("track/signup", { ...who, ref_id: "nora" }), (b) => b.type);
  await note("sale", client.post("track/sale", { ...who, event_id: "s", amount: 1000 }), (b) => b.amount_cents);
  await note("again", client.post("track/sale", { ...who, event_id: "s", amount: 1000 }), (b) => b);
  await note("cents", client.post("track/sale", { ...who, event_id: "c", amount_cents: 1000 }), (b) => b);
  await note("stranger", client.post("track/sale", { uid: "x", event_id: "x", amount: 1, ip: "NO_IP" }), (b) => b);
  await note("rewards", client.get("rewards/list", { ref_id: "nora" }), (b) => b.map((own) => own.event_id));
  await note("deny", client.put("rewards/update", { event_id: "s", status: "denied" }), (b) => b.status);
  await note("leads", leads.list({ ref_id: "nora" }), (b) => b.map((own) => own.uid));
  await note("since", leads.update({ uid: "ann", customer_since: "2024-05-06T00:00:00Z" }), (b) => b.customer_since.slice(0, 10));
  await note("promoters", promoters.list(), (b) => b.length);
  await note("promoter", promoters.get({ ref_id: "nora" }), (b) => b.email);
  await note("nobody", promoters.get({ ref_id: "nobody" }), (b) => b);
  console.log(JSON.stringify(told));
})();
"#;

#[test]
fn public_clients_get_along_with_it() {
    if !is_here("node") || !is_here("npm") {
        return;
    }
    let place = Place::new();
    if !npm_install(&place, &PUBLIC_CLIENTS) {
        return;
    }
    fs::write(place.path("client.js"), PUBLIC_SCRIPT).unwrap();
    let sandbox = SandboxProcess::start(&["--lead-share", "0"]);
    let ran = Command::new("node")
        .args(["client.js", &sandbox.base_url, KEY])
        .current_dir(place.root())
        .env("NO_PROXY", "127.0.0.1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    let told: Value = serde_json::from_slice(&ran.stdout).unwrap();
    let expected = json!([
        ["signup", "ok", "signup"],
        ["sale", "ok", 1000],
        [
            "again",
            "refused",
            "The 'sale' event with the id 's' already exists."
        ],
        [
            "cents",
            "refused",
            "Error. Amount blank or invalid. The parameter is `amount`, not `amount_cents`."
        ],
        // What this client makes of a 204.
        ["stranger", "refused", "API Error"],
        ["rewards", "ok", ["s"]],
        ["deny", "ok", "denied"],
        ["leads", "ok", ["ann"]],
        ["since", "ok", "2024-05-06"],
        ["promoters", "ok", 6],
        ["promoter", "ok", "nora@example.com"],
        ["nobody", "refused", "Promoter not found"],
    ]);
    assert_eq!(told, expected);
}

/// Installs packages; where that is not possible, says that the test is skipped and returns `false`.
fn npm_install(place: &Place, packages: &[&str]) -> bool {
    let installed = Command::new("npm")
        .arg("install")
        .args(packages)
        .args(["--no-audit", "--no-fund", "--ignore-scripts"])
        .args([
            "--fetch-retries=0",
            "--fetch-timeout=20000",
            "--prefix",
            ".",
        ])
        .current_dir(place.root())
        .output()
        .unwrap();
    let is_installed = installed.status.success();
    if !is_installed {
        let said = String::from_utf8_lossy(&installed.stderr);
        eprintln!("skipped: {packages:?} cannot be installed: {said}");
    }
    is_installed
}
