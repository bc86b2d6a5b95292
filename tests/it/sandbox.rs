//! Conversations with the sandbox, raw over HTTP: every documented answer of both versions, and
//! what it can be told to do.

use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::support::{KEY, Payment, Place, SandboxProcess, form, stripe_export};
use fprecon::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

/// How a client writes its parameters.
#[derive(Clone, Copy, Debug)]
enum Encoding {
    Form,
    Query,
    Json,
}

const ENCODINGS: [Encoding; 3] = [Encoding::Form, Encoding::Query, Encoding::Json];

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| &**value)
    }
}

/// A connection that is kept.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(address: &str) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        Client {
            stream: BufReader::new(stream),
        }
    }

    fn send(&mut self, line: &str, headers: &[(&str, &str)], body: &str) {
        let mut head = format!("{line} HTTP/1.1\r\nhost: sandbox.test\r\n");
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        let request = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
    }

    /// Status and headers; an error if the connection ends first.
    fn receive_head(&mut self) -> std::io::Result<Reply> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let status = line[9..12].parse().unwrap();
        let mut headers = Vec::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.trim().split_once(": ") else {
                break;
            };
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok(Reply {
            status,
            headers,
            body: Vec::new(),
        })
    }

    fn receive(&mut self) -> std::io::Result<Reply> {
        let mut reply = self.receive_head()?;
        let length = reply
            .header("content-length")
            .map_or(0, |text| text.parse().unwrap());
        reply.body = vec![0; length];
        self.stream.read_exact(&mut reply.body)?;
        Ok(reply)
    }

    #[track_caller]
    fn ask(&mut self, line: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        self.send(line, headers, body);
        self.receive().unwrap()
    }

    fn send_v1(&mut self, kind: &str, encoding: Encoding, params: &Value) {
        let (query, content_type, body) = encode(encoding, params);
        let key = [("x-api-key", KEY), ("content-type", content_type)];
        self.send(&format!("POST /api/v1/track/{kind}{query}"), &key, &body);
    }

    #[track_caller]
    fn v1(&mut self, kind: &str, encoding: Encoding, params: &Value) -> Reply {
        self.send_v1(kind, encoding, params);
        self.receive().unwrap()
    }

    #[track_caller]
    fn form(&mut self, kind: &str, params: &Value) -> Reply {
        self.v1(kind, Encoding::Form, params)
    }

    #[track_caller]
    fn v2(&mut self, kind: &str, params: &Value) -> Reply {
        let headers = [&V2_HEADERS[..], &[("content-type", "application/json")]].concat();
        self.ask(
            &format!("POST /api/v2/track/{kind}"),
            &headers,
            &params.to_string(),
        )
    }

    fn get_v1(&mut self, path: &str) -> Reply {
        self.ask(&format!("GET /api/v1/{path}"), &[("x-api-key", KEY)], "")
    }

    fn get_v2(&mut self, path: &str) -> Reply {
        self.ask(&format!("GET /api/v2/company/{path}"), &V2_HEADERS, "")
    }

    fn get(&mut self, path: &str) -> Value {
        self.ask(&format!("GET {path}"), &[], "").json()
    }

    #[track_caller]
    fn fault(&mut self, fault: &Value) {
        let reply = self.ask("POST /sandbox/faults", &[], &fault.to_string());
        assert_eq!(reply.status, 200, "{}", reply.json());
    }
}

const V2_HEADERS: [(&str, &str); 2] = [
    ("authorization", "Bearer fp-secret-key-0123456789"),
    ("account-id", "acc-1"),
];

fn encode(encoding: Encoding, params: &Value) -> (String, &'static str, String) {
    let form = || {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in params.as_object().unwrap() {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            form.append_pair(name, &text);
        }
        form.finish()
    };
    match encoding {
        Encoding::Form => (String::new(), "application/x-www-form-urlencoded", form()),
        Encoding::Query => (format!("?{}", form()), "text/plain", String::new()),
        Encoding::Json => (String::new(), "application/json", params.to_string()),
    }
}

fn start(options: Options) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(options).unwrap();
    let client = Client::new(&sandbox.address().to_string());
    (sandbox, client)
}

/// Nobody is a lead who was not made one.
fn nobody() -> Options {
    Options {
        lead_share_percent: Some(0),
        ..Options::default()
    }
}

fn address(sandbox: &SandboxProcess) -> String {
    let base = sandbox.base_url.trim_start_matches("http://");
    base.trim_end_matches("/api/v1").to_owned()
}

const EMPTY: Value = Value::Null;

/// One turn of a conversation: call, parameters, status, body (all of it on refusals).
type Turn = (&'static str, Value, u16, Value);

#[expect(clippy::too_many_lines, reason = "a table of calls and their answers")]
fn documented() -> Vec<Turn> {
    let nobody_named = json!({"message": "Error. Email and uid can not be blank!"});
    let bad_amount = json!({"message": "Error. Amount blank or invalid."});
    let visitor = json!({"message": "Visitor  invalid, not found or you are trying to use the \
                                     signup tracking test via API which doesn't work on API calls."});
    let exists = |kind: &str, id: &str| json!({"message": format!("The '{kind}' event with the id '{id}' already exists.")});
    let twice =
        json!({"transaction_id": "there is already a signup event registered on this lead"});
    let sale = json!({"wid": "w", "email": "ann@x.test", "uid": "ann", "event_id": "s1",
                      "amount": 6000, "plan": "monthly-starter", "mrr": 6000});
    let refund = json!({"email": "ann@x.test", "event_id": "r1", "sale_event_id": "s1",
                        "amount": 6000, "created_at": "2026-03-05T10:00:00+02:00"});
    vec![
        ("sale", sale.clone(), 204, EMPTY),
        ("refund", refund.clone(), 204, EMPTY),
        ("cancellation", json!({"uid": "ann"}), 204, EMPTY),
        (
            "signup",
            json!({"ref_id": "nora"}),
            400,
            nobody_named.clone(),
        ),
        ("signup", json!({"uid": "ann"}), 404, visitor.clone()),
        (
            "signup",
            json!({"uid": "ann", "ref_id": "no one"}),
            404,
            visitor.clone(),
        ),
        (
            "signup",
            json!({"uid": "ann", "ref_id": "casper"}),
            404,
            visitor,
        ),
        (
            "signup",
            json!({"email": "ann@x.test", "uid": "ann", "first_name": "Ann & Co. ü",
                   "ref_id": "nora", "created_at": "2026-03-01"}),
            200,
            json!({"type": "signup", "amount_cents": null, "reward": null,
                   "lead": {"state": "signup", "first_name": "Ann & Co. ü", "uid": "ann",
                            "created_at": "2026-03-01T00:00:00.000Z"},
                   "promoter": {"default_ref_id": "nora", "earnings_balance": null}}),
        ),
        ("signup", json!({"uid": "ann", "tid": "t-1"}), 422, twice),
        (
            "sale",
            json!({"event_id": "s1", "amount": 1}),
            400,
            nobody_named.clone(),
        ),
        (
            "sale",
            json!({"uid": "ann", "event_id": "s1"}),
            400,
            bad_amount.clone(),
        ),
        (
            "sale",
            json!({"uid": "ann", "event_id": "s1", "amount": "12.50"}),
            400,
            // Behind the API's words, ours.
            json!({"message":
                "Error. Amount blank or invalid. Amounts are whole numbers of cents: 4900 for 49.00."}),
        ),
        (
            "sale",
            json!({"uid": "ann", "event_id": "s1", "amount": 0}),
            400,
            bad_amount.clone(),
        ),
        (
            "sale",
            sale.clone(),
            200,
            json!({"type": "sale", "amount_cents": 6000,
                   "reward": {"status": "approved", "amount": 1200, "unit": "cash",
                              "event_id": "s1", "conversion_amount": 6000, "tier_level": 1},
                   "lead": {"state": "active", "plan_name": "monthly-starter"},
                   "promoter": {"email": "nora@example.com", "earnings_balance": {"cash": 1200},
                                "current_balance": {"cash": 1200}, "paid_balance": null}}),
        ),
        ("sale", sale, 409, exists("sale", "s1")),
        // Another customer, another amount: the id alone decides.
        (
            "sale",
            json!({"uid": "bob", "event_id": "s1", "amount": 7}),
            409,
            exists("sale", "s1"),
        ),
        (
            "refund",
            json!({"event_id": "r", "amount": 1}),
            400,
            nobody_named.clone(),
        ),
        (
            "refund",
            json!({"uid": "ann", "event_id": "r", "amount": -5}),
            400,
            json!({"message":
                "Error. Amount blank or invalid. Amounts are above zero, also those of refunds."}),
        ),
        (
            "refund",
            refund.clone(),
            200,
            json!({"type": "refund", "amount_cents": -6000,
                   "reward": {"amount": -1200, "conversion_amount": -6000,
                              "created_at": "2026-03-05T08:00:00.000Z"},
                   "promoter": {"earnings_balance": null}}),
        ),
        ("refund", refund, 409, exists("refund", "r1")),
        // Kinds have ids of their own.
        (
            "refund",
            json!({"uid": "ann", "event_id": "s1", "amount": 1000}),
            200,
            json!({"amount_cents": -1000, "reward": {"amount": -200}}),
        ),
        ("cancellation", json!({"plan": "x"}), 400, nobody_named),
        (
            "cancellation",
            json!({"email": "ANN@x.test"}),
            200,
            json!({"type": "cancellation", "amount_cents": null, "reward": null,
                   "lead": {"state": "cancelled"}}),
        ),
        (
            "cancellation",
            json!({"email": "ann@x.test", "event_id": "c1"}),
            200,
            json!({"type": "cancellation"}),
        ),
        (
            "sale",
            json!({"email": "ann@x.test", "event_id": "s2", "amount": 1}),
            200,
            json!({"lead": {"state": "active"}}),
        ),
    ]
}

/// Whether `told` has all that `expected` has.
fn includes(told: &Value, expected: &Value) -> bool {
    match expected {
        Value::Object(members) => members
            .iter()
            .all(|(name, value)| told.get(name).is_some_and(|own| includes(own, value))),
        other => told == other,
    }
}

#[test]
fn v1_answers_as_documented_in_all_three_encodings() {
    for encoding in ENCODINGS {
        let (_sandbox, mut client) = start(nobody());
        for (place, (kind, params, status, expected)) in documented().into_iter().enumerate() {
            let reply = client.v1(kind, encoding, &params);
            let turn = format!("{encoding:?}, turn {place}: {kind} {params}");
            assert_eq!(reply.status, status, "{turn}");
            if status == 204 {
                assert_eq!(reply.body, b"", "{turn}");
                assert_eq!(reply.header("content-type"), None, "{turn}");
                continue;
            }
            let content_type = reply.header("content-type");
            assert_eq!(
                content_type,
                Some("application/json; charset=utf-8"),
                "{turn}"
            );
            let told = reply.json();
            let fits = match status {
                200 => includes(&told, &expected),
                _ => told == expected,
            };
            assert!(fits, "{turn}\n told: {told}\nexpected: {expected}");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of calls and their answers")]
fn v2_answers_as_documented() {
    let (_sandbox, mut client) = start(nobody());
    let not_found = json!({
        "message": "Referral corresponding to email or uid parameter not found or promoter is banned.",
        "code": "not_found"
    });
    let sale = json!({"email": "ann@x.test", "event_id": "s1", "amount": 2000, "plan": "pro"});
    let turns: [Turn; 13] = [
        ("sale", sale.clone(), 404, not_found.clone()),
        (
            "refund",
            json!({"uid": "u", "event_id": "r", "amount": "5"}),
            204,
            EMPTY,
        ),
        (
            "sale",
            json!({"event_id": "s1", "amount": 1}),
            400,
            json!({"message": "Error. Email and uid can not be blank!"}),
        ),
        (
            "sale",
            json!({"uid": "u", "event_id": "s1"}),
            400,
            json!({"message": "Error. Amount blank or invalid."}),
        ),
        (
            "signup",
            json!({"email": "ann@x.test", "uid": "ann", "tid": "t"}),
            200,
            json!({"etype": "signup", "sale_amount": null, "commissions": [],
                   "referral": {"email": "ann@x.test", "uid": "ann"}}),
        ),
        (
            "signup",
            json!({"email": "ann@x.test", "tid": "t"}),
            422,
            json!({"transaction_id": "there is already a signup event registered on this lead"}),
        ),
        (
            "sale",
            sale.clone(),
            200,
            json!({"etype": "sale", "sale_amount": 2000, "original_sale_amount": 2000,
                   "original_sale_currency": null, "event_id": "s1", "plan_id": "pro",
                   "referral": {"uid": "ann"}}),
        ),
        (
            "sale",
            sale,
            409,
            json!({"message": "The 'sale' event with the id 's1' already exists."}),
        ),
        (
            "refund",
            json!({"uid": "ann", "event_id": "r1", "sale_event_id": "s1", "amount": "2000"}),
            200,
            json!({"type": "refund", "amount_cents": -2000}),
        ),
        (
            "refund",
            json!({"uid": "ann", "event_id": "r1", "amount": 2000}),
            409,
            json!({"message": "The 'refund' event with the id 'r1' already exists."}),
        ),
        (
            "cancellation",
            json!({"uid": "ann"}),
            200,
            json!({"type": "cancellation", "lead": {"state": "cancelled"}}),
        ),
        (
            "cancellation",
            json!({"uid": "ann"}),
            200,
            json!({"type": "cancellation"}),
        ),
        (
            "sale",
            json!({"uid": "x", "event_id": "s3", "amount": 5, "ref_id": "casper"}),
            404,
            not_found,
        ),
    ];
    for (place, (kind, params, status, expected)) in turns.into_iter().enumerate() {
        let reply = client.v2(kind, &params);
        assert_eq!(reply.status, status, "turn {place}: {kind} {params}");
        if status != 204 {
            let told = reply.json();
            assert!(
                includes(&told, &expected),
                "turn {place}: {told}\nexpected: {expected}"
            );
        }
    }
    // One account: what v2 took, v1 knows.
    let again = json!({"uid": "ann", "event_id": "s1", "amount": 2000});
    assert_eq!(client.form("sale", &again).status, 409);
}

#[test]
fn sales_can_bring_their_lead_with_them() {
    for (name, value, promoter) in [
        ("ref_id", "yuki", Some("yuki")),
        ("promo_code", "felix", Some("felix")),
        ("promo_code", "any other", Some("nora")),
        ("tid", "3491ff2f-7803", None),
    ] {
        let (_sandbox, mut client) = start(nobody());
        let sale = json!({"email": "a@x.test", "event_id": "1", "amount": 500, name: value});
        let reply = client.form("sale", &sale);
        assert_eq!(reply.status, 200, "{name}");
        if let Some(promoter) = promoter {
            assert_eq!(reply.json()["promoter"]["default_ref_id"], promoter);
        }
        let next = json!({"email": "a@x.test", "event_id": "2", "amount": 500});
        assert_eq!(client.form("sale", &next).status, 200);
        assert_eq!(client.get("/sandbox/state")["leads"], 1);
    }
}

#[test]
fn the_generation_of_v1_decides_whether_cancellations_are_told_apart() {
    for (newer, second) in [(false, 200), (true, 409)] {
        let (_sandbox, mut client) = start(Options {
            lead_share_percent: Some(100),
            cancellation_event_id: newer,
            ..Options::default()
        });
        let cancellation = json!({"uid": "u", "event_id": "c1"});
        assert_eq!(client.form("cancellation", &cancellation).status, 200);
        let again = client.form("cancellation", &cancellation);
        assert_eq!(again.status, second);
        if newer {
            let message = "The 'cancellation' event with the id 'c1' already exists.";
            assert_eq!(again.json()["message"], message);
        }
        let state = client.get("/sandbox/state");
        let count = if newer { 1 } else { 2 };
        assert_eq!(state["events"]["cancellation"]["count"], count);
    }
}

#[test]
fn each_version_has_its_own_key() {
    let (_sandbox, mut client) = start(Options {
        require_key: Some(KEY.to_owned()),
        ..nobody()
    });
    let bearer = format!("Bearer {KEY}");
    let basic = format!("Basic {KEY}");
    type Headers<'h> = &'h [(&'h str, &'h str)];
    let refused: [(&str, Headers<'_>, &str); 8] = [
        ("POST /api/v1/track/sale", &[], ""),
        ("POST /api/v1/track/sale", &[("x-api-key", "another")], ""),
        (
            "POST /api/v1/track/sale",
            &[("authorization", &bearer), ("account-id", "1")],
            ". Version 1 takes the key in the header `x-api-key`, not in `Authorization`.",
        ),
        (
            "POST /api/v2/track/sale",
            &[("x-api-key", KEY), ("account-id", "1")],
            ". Version 2 takes the key as `Authorization: Bearer KEY`, not in the header `x-api-key`.",
        ),
        (
            "POST /api/v2/track/sale",
            &[("authorization", &bearer)],
            ". Version 2 needs the header `Account-ID` as well.",
        ),
        (
            "POST /api/v2/track/sale",
            &[("authorization", &basic), ("account-id", "1")],
            ". Version 2 takes the key as `Authorization: Bearer KEY`.",
        ),
        (
            "POST /api/v2/track/sale",
            &[("authorization", "Bearer x"), ("account-id", "1")],
            "",
        ),
        ("GET /api/v1/leads/list", &[], ""),
    ];
    for (line, headers, why) in refused {
        let reply = client.ask(line, headers, "");
        let told = json!(format!("Bad credentials{why}"));
        assert_eq!((reply.status, reply.json()), (401, told), "{line}");
    }
    let listing = client.ask("GET /api/v2/company/commissions", &[], "");
    assert_eq!((listing.status, listing.body.len()), (401, 0));
    assert_eq!(
        client.form("cancellation", &json!({"uid": "u"})).status,
        204
    );
    assert_eq!(client.v2("cancellation", &json!({"uid": "u"})).status, 404);
    assert_eq!(client.get_v2("promoters").status, 200);
    let arrivals = client.get("/sandbox/arrivals");
    assert!(!arrivals.to_string().contains(KEY));
    assert_eq!(arrivals[10]["has_key"], true);
}

#[test]
fn it_says_what_it_is() {
    let (_sandbox, mut client) = start(nobody());
    let reply = client.form("cancellation", &json!({"uid": "u"}));
    assert_eq!(reply.header("server"), Some("fprecon-sandbox"));
}

#[test]
fn both_versions_share_one_sliding_minute() {
    let (_sandbox, mut client) = start(Options {
        requests_per_minute: Some(3),
        ..nobody()
    });
    assert_eq!(
        client.form("cancellation", &json!({"uid": "u"})).status,
        204
    );
    assert_eq!(client.v2("cancellation", &json!({"uid": "u"})).status, 404);
    assert_eq!(client.get_v1("leads/list").status, 200);
    for reply in [
        client.get_v2("commissions"),
        client.form("sale", &json!({})),
    ] {
        assert_eq!(reply.status, 429);
        assert_eq!(reply.header("retry-after"), None, "none is documented");
    }
}

#[test]
fn v1_lists_with_pages_in_headers() {
    let (_sandbox, mut client) = start(nobody());
    for n in 0..120 {
        let sale = json!({"uid": format!("u{n}"), "event_id": n, "amount": 1000, "ref_id": "nora"});
        assert_eq!(client.v1("sale", Encoding::Json, &sale).status, 200);
    }
    let first = client.get_v1("rewards/list?ref_id=nora");
    assert_eq!(first.header("total"), Some("120"));
    assert_eq!(first.header("per-page"), Some("50"));
    let link = "<http://sandbox.test/api/v1/rewards/list?ref_id=nora&page=3>; rel=\"last\", \
                <http://sandbox.test/api/v1/rewards/list?ref_id=nora&page=2>; rel=\"next\"";
    assert_eq!(first.header("link"), Some(link));
    let mut ids = Vec::new();
    for page in 1..=4 {
        let lines = client.get_v1(&format!("rewards/list?page={page}")).json();
        ids.extend(
            lines
                .as_array()
                .unwrap()
                .iter()
                .map(|line| line["event_id"].clone()),
        );
    }
    let expected: Vec<Value> = (0..120).map(|n| json!(n.to_string())).collect();
    assert_eq!(ids, expected);
    let last = client.get_v1("leads/list?page=3");
    assert_eq!(last.json().as_array().unwrap().len(), 20);
    assert!(!last.header("link").unwrap().contains("next"));
    let reward = &first.json()[0];
    assert_eq!(reward["amount"], 200);
    assert_eq!(reward["lead"]["uid"], "u0");
    assert_eq!(reward["promotion"]["ref_id"], "nora");
    assert_eq!(client.get_v1("promoters/list").header("total"), Some("6"));
    assert_eq!(client.get_v1("rewards/list?ref_id=nobody").status, 422);
    assert_eq!(client.get_v1("leads/show?uid=u7").json()["id"], 20_000_008);
    assert_eq!(client.get_v1("leads/show?uid=none").status, 404);
    assert_eq!(client.ask("POST /api/v1/leads/list", &[], "").status, 405);
}

#[test]
fn v2_lists_pages_searches_and_filters() {
    let (_sandbox, mut client) = start(nobody());
    for n in 0..25 {
        let sale = json!({"uid": format!("u{n}"), "email": format!("m{n}@x.test"),
                          "event_id": format!("ev-{n}"), "amount": 1000, "ref_id": "yuki",
                          "created_at": format!("2026-01-{:02}", n + 1)});
        client.form("sale", &sale);
    }
    let mut count = |path: &str| client.get_v2(path).json().as_array().unwrap().len();
    assert_eq!(count("commissions"), 20);
    assert_eq!(count("commissions?page=2"), 5);
    assert_eq!(count("commissions?per_page=10&page=3"), 5);
    assert_eq!(count("commissions?q=ev-24"), 1);
    assert_eq!(
        count("commissions?created_at[from]=2026-01-10&created_at[to]=2026-01-12"),
        3
    );
    assert_eq!(
        count("referrals?filters%5Bcreated_at%5D%5Bto%5D=2026-01-02"),
        2
    );
    assert_eq!(count("referrals?q=M3%40x.test"), 1);
    let promoters = client.get_v2("promoters?q=yuki").json();
    assert_eq!(promoters["data"][0]["stats"]["sales_count"], 25);
    assert_eq!(promoters["data"][0]["balances"]["cash"], 5000);
    assert_eq!(promoters["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        client.get_v2("commissions?created_at[from]=soon").status,
        400
    );
}

const START: &str = r#"
commission_percent = "12.5"

[exchange_rates]
EUR = "1.10"

[[plan]]
id = "pro"
commission_cents = 500

[[promoter]]
ref_id = "ada"
name = "Ada Stern"
email = "ada@promoters.test"
promo_code = "ADA10"

[[promoter]]
ref_id = "gone"
banned = true

[[visit]]
tid = "visit-1"
promoter = "ada"

[[lead]]
email = "old@x.test"
promoter = "gone"

[[lead]]
email = "lead@x.test"
uid = "lead"
promoter = "ada"
state = "active"
plan = "basic"
customer_since = 2025-06-01
"#;

#[test]
fn an_account_can_be_declared() {
    let place = Place::new();
    place.write("start.toml", START);
    place.write("more.csv", "email,uid,promoter\ncsv@x.test,,bea\n");
    let files = [place.path("start.toml"), place.path("more.csv")];
    let [toml, csv] = files.each_ref().map(|path| path.to_str().unwrap());
    let sandbox = SandboxProcess::start(&["--start", toml, "--start", csv]);
    let mut client = Client::new(&address(&sandbox));
    for (params, status, commission) in [
        (
            json!({"email": "lead@x.test", "amount": 1000}),
            200,
            json!(125),
        ),
        (
            json!({"uid": "lead", "amount": 1000, "currency": "EUR"}),
            200,
            json!(138),
        ),
        (
            json!({"uid": "lead", "amount": 1000, "plan": "pro"}),
            200,
            json!(500),
        ),
        (
            json!({"email": "csv@x.test", "amount": 1000}),
            200,
            json!(125),
        ),
        (
            json!({"email": "new@x.test", "amount": 1000, "promo_code": "ada10"}),
            200,
            json!(125),
        ),
        (
            json!({"email": "other@x.test", "amount": 1000, "promo_code": "X"}),
            204,
            EMPTY,
        ),
        (
            json!({"email": "other@x.test", "amount": 1000, "tid": "visit-2"}),
            204,
            EMPTY,
        ),
        (
            json!({"email": "other@x.test", "amount": 1000, "tid": "visit-1"}),
            200,
            json!(125),
        ),
        (json!({"email": "old@x.test", "amount": 1000}), 204, EMPTY),
        (
            json!({"email": "stranger@x.test", "amount": 1000}),
            204,
            EMPTY,
        ),
    ] {
        let mut sale = params.clone();
        sale["event_id"] = params.to_string().into();
        let reply = client.form("sale", &sale);
        assert_eq!(reply.status, status, "{params}");
        if status == 200 {
            assert_eq!(reply.json()["reward"]["amount"], commission, "{params}");
        }
    }
    let signup = client.form("signup", &json!({"uid": "lead", "ref_id": "ada"}));
    assert_eq!(signup.status, 422, "a declared lead has signed up");
}

#[test]
fn a_bad_start_is_refused_with_its_place() {
    let place = Place::new();
    place.write("start.toml", "commision_percent = 5\n");
    let ran = place.run(&["sandbox", "--start", "start.toml"]).expect(3);
    let said = ran.stderr();
    assert!(
        said.contains("start.toml") && said.contains("commision_percent"),
        "{said}"
    );
    assert!(said.contains("hint:"), "{said}");
    let ran = place.run(&["sandbox", "--fault", "explode"]).expect(3);
    assert!(ran.stderr().contains("explode"), "{}", ran.stderr());
}

#[test]
fn the_state_outlives_the_sandbox() {
    let place = Place::new();
    let file = place.path("state.jsonl");
    let options = ["--state", file.to_str().unwrap(), "--lead-share", "50"];
    let mut statuses = Vec::new();
    let before = {
        let sandbox = SandboxProcess::start(&options);
        let mut client = Client::new(&address(&sandbox));
        for n in 0..40 {
            // The email is seen once with a uid: both stand for one customer from then on.
            let both = json!({"email": format!("m{n}@x.test"), "uid": format!("u{n}"),
                              "event_id": n, "amount": 100 + n});
            statuses.push(client.form("sale", &both).status);
        }
        client.form("signup", &json!({"email": "new@x.test", "ref_id": "nora"}));
        client.v2("cancellation", &json!({"email": "new@x.test"}));
        (client.get("/sandbox/events"), sandbox.state())
        // Dropping it kills the process.
    };
    // The kill came while a line was being written.
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str(r#"{"api":"v1","kind":"sale","at_ms":1,"param"#);
    fs::write(&file, text).unwrap();

    let sandbox = SandboxProcess::start(&options);
    let mut client = Client::new(&address(&sandbox));
    assert_eq!(client.get("/sandbox/events"), before.0);
    for name in ["leads", "events", "promoters", "commission_cents"] {
        assert_eq!(sandbox.state()[name], before.1[name], "{name}");
    }
    for (n, status) in statuses.iter().enumerate() {
        let by_email = json!({"email": format!("m{n}@x.test"), "event_id": n, "amount": 1});
        let expected = if *status == 200 { 409 } else { 204 };
        assert_eq!(client.form("sale", &by_email).status, expected);
    }
    let second = place.run(&[&["sandbox"], &options[..]].concat()).expect(3);
    assert!(
        second.stderr().contains("another sandbox"),
        "{}",
        second.stderr()
    );
    drop(sandbox);

    let damaged = fs::read_to_string(&file)
        .unwrap()
        .replacen("\"sale\"", "\"sail\"", 1);
    fs::write(&file, damaged).unwrap();
    let refused = place.run(&[&["sandbox"], &options[..]].concat()).expect(3);
    assert!(refused.stderr().contains("line 2"), "{}", refused.stderr());
}

fn everyone() -> Options {
    Options {
        lead_share_percent: Some(100),
        ..Options::default()
    }
}

fn sale(id: &str) -> Value {
    json!({"uid": "u", "event_id": id, "amount": 500})
}

/// What became of a sale whose answer did not come.
#[track_caller]
fn is_there(sandbox: &Sandbox, id: &str) -> bool {
    match Client::new(&sandbox.address().to_string())
        .form("sale", &sale(id))
        .status
    {
        409 => true,
        200 => false,
        other => panic!("{other}"),
    }
}

#[test]
fn connections_end_before_and_after_the_effect() {
    let (sandbox, _) = start(everyone());
    for (action, error) in [
        ("close", ErrorKind::UnexpectedEof),
        ("reset", ErrorKind::ConnectionReset),
        ("drop", ErrorKind::WouldBlock),
    ] {
        for after_effect in [false, true] {
            let mut client = Client::new(&sandbox.address().to_string());
            client.fault(&json!({"action": action, "after_effect": after_effect}));
            if action == "drop" {
                let patience = Some(Duration::from_millis(200));
                client.stream.get_mut().set_read_timeout(patience).unwrap();
            }
            let id = format!("{action}-{after_effect}");
            client.send_v1("sale", Encoding::Form, &sale(&id));
            let ended = client.receive().err().map(|error| error.kind());
            assert_eq!(ended, Some(error), "{id}");
            drop(client);
            assert_eq!(is_there(&sandbox, &id), after_effect, "{id}");
        }
    }
    let mut client = Client::new(&sandbox.address().to_string());
    let arrivals = client.get("/sandbox/arrivals");
    assert_eq!(arrivals[2]["fault"], "close");
    assert_eq!(arrivals[2]["status"], Value::Null);
    assert_eq!(arrivals[3]["fault"], Value::Null);
    assert_eq!(arrivals[4]["fault"], "reset");
}

#[test]
fn a_dropped_answer_ends_in_a_closed_connection() {
    let (_sandbox, mut client) = start(everyone());
    client.fault(&json!({"action": "drop", "delay_ms": 50}));
    let asked = Instant::now();
    client.send_v1("sale", Encoding::Form, &sale("1"));
    assert!(client.receive().is_err());
    assert!(asked.elapsed() >= Duration::from_millis(50));
}

#[test]
fn a_body_can_be_cut_short() {
    let (sandbox, mut client) = start(everyone());
    client.fault(&json!({"action": "cut"}));
    client.send_v1("sale", Encoding::Form, &sale("1"));
    let head = client.receive_head().unwrap();
    let announced: usize = head.header("content-length").unwrap().parse().unwrap();
    let mut body = Vec::new();
    let ended = client.stream.read_to_end(&mut body).unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::ConnectionReset);
    assert_eq!((head.status, body.len()), (200, announced / 2));
    assert!(is_there(&sandbox, "1"));
}

#[test]
fn a_body_can_drip() {
    let (_sandbox, mut client) = start(everyone());
    client.fault(&json!({"action": "drip", "bytes": 200, "delay_ms": 20}));
    let asked = Instant::now();
    let reply = client.form("sale", &sale("1"));
    assert_eq!(reply.json()["amount_cents"], 500);
    let pieces = u32::try_from(reply.body.len() / 200).unwrap();
    assert!(pieces >= 4, "{pieces}");
    assert!(asked.elapsed() >= Duration::from_millis(20) * pieces);
}

#[test]
fn a_body_can_be_huge_or_no_json() {
    let (sandbox, mut client) = start(everyone());
    client.fault(&json!([
        {"action": "huge", "bytes": 3_000_001, "after_effect": true},
        {"action": "status", "status": 200, "body": "<html>proxy</html>", "after_effect": true},
        {"action": "truncate"},
    ]));
    let reply = client.form("sale", &sale("1"));
    assert_eq!((reply.status, reply.body.len()), (200, 3_000_001));
    let reply = client.form("sale", &sale("2"));
    assert_eq!(
        (reply.status, &*reply.body),
        (200, &b"<html>proxy</html>"[..])
    );
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let reply = client.form("sale", &sale("3"));
    assert!(reply.status == 200 && serde_json::from_slice::<Value>(&reply.body).is_err());
    for id in ["1", "2", "3"] {
        assert!(is_there(&sandbox, id), "{id}");
    }
}

#[test]
fn a_call_can_be_sent_elsewhere() {
    let (_sandbox, mut client) = start(everyone());
    let location = "http://127.0.0.2:9/api/v1/track/sale";
    for status in [302, 307] {
        client.fault(&json!({"action": "redirect", "status": status, "location": location}));
        let reply = client.form("sale", &sale("1"));
        assert_eq!(
            (reply.status, reply.header("location")),
            (status, Some(location))
        );
    }
    assert_eq!(client.form("sale", &sale("1")).status, 200);
}

#[test]
fn retry_after_comes_if_it_is_asked_for() {
    let (_sandbox, mut client) = start(everyone());
    let date = "Wed, 21 Oct 2026 07:28:00 GMT";
    client.fault(&json!([
        {"action": "status", "status": 429},
        {"action": "status", "status": 429, "retry_after": 2},
        {"action": "status", "status": 429, "retry_after": date},
    ]));
    for expected in [None, Some("2"), Some(date)] {
        let reply = client.form("sale", &sale("1"));
        assert_eq!((reply.status, reply.header("retry-after")), (429, expected));
    }
}

#[test]
fn faults_by_rate_repeat_with_their_seed() {
    let hit = |seed: u64, order: &[u32]| {
        let (_sandbox, mut client) = start(Options {
            seed,
            faults: vec!["status,status=500,percent=20".parse().unwrap()],
            ..everyone()
        });
        let mut hit: Vec<u32> = order
            .iter()
            .copied()
            .filter(|n| client.form("sale", &sale(&n.to_string())).status == 500)
            .collect();
        hit.sort_unstable();
        hit
    };
    let ahead: Vec<u32> = (0..300).collect();
    let back: Vec<u32> = (0..300).rev().collect();
    let first = hit(3, &ahead);
    assert!((30..90).contains(&first.len()), "{}", first.len());
    assert_eq!(hit(3, &back), first, "the order of arrival decides nothing");
    assert_ne!(hit(4, &ahead), first);
}

#[test]
fn faults_by_count_and_event_come_from_options_too() {
    let sandbox = SandboxProcess::start(&[
        "--lead-share",
        "100",
        "--fault",
        "status,status=503,skip=1,times=2",
        "--fault",
        "status,status=500,event_id=9",
    ]);
    let mut client = Client::new(&address(&sandbox));
    let mut ask = |id: &str| client.form("sale", &sale(id)).status;
    let told = ["1", "2", "3", "4", "9", "9"].map(&mut ask);
    assert_eq!(told, [200, 503, 503, 200, 500, 200]);
}

#[test]
fn listings_fail_on_demand() {
    let (_sandbox, mut client) = start(everyone());
    client.fault(&json!({"action": "status", "status": 500, "kind": "listing"}));
    assert_eq!(client.form("sale", &sale("1")).status, 200);
    assert_eq!(client.get_v1("rewards/list").status, 500);
    assert_eq!(client.get_v1("rewards/list").status, 200);
}

#[test]
fn latency_has_a_spread_and_a_tail() {
    let sandbox = SandboxProcess::start(&[
        "--lead-share",
        "0",
        "--latency-ms",
        "5",
        "--latency-spread-ms",
        "10",
        "--latency-tail-ms",
        "200",
        "--latency-tail-percent",
        "10",
        "--seed",
        "1",
    ]);
    let mut client = Client::new(&address(&sandbox));
    let mut times: Vec<Duration> = (0..60)
        .map(|_| {
            let asked = Instant::now();
            client.form("cancellation", &json!({"uid": "u"}));
            asked.elapsed()
        })
        .collect();
    times.sort();
    assert!(times[0] >= Duration::from_millis(5));
    assert!(times[0] < Duration::from_millis(205), "not all are late");
    assert!(times[30] >= Duration::from_millis(7), "{:?}", times[30]);
    assert!(times[59] >= Duration::from_millis(205), "{:?}", times[59]);
}

#[test]
fn arrivals_are_bounded() {
    let sandbox = SandboxProcess::start(&["--lead-share", "0", "--arrivals-kept", "3"]);
    let mut client = Client::new(&address(&sandbox));
    for n in 0..5 {
        client.form("sale", &sale(&n.to_string()));
    }
    let numbers: Vec<Value> = sandbox
        .arrivals()
        .iter()
        .map(|a| a["number"].clone())
        .collect();
    assert_eq!(numbers, [3, 4, 5]);
    let state = sandbox.state();
    assert_eq!(
        (&state["arrivals"], &state["arrivals_forgotten"]),
        (&json!(5), &json!(2))
    );
}

/// The fenced blocks of a language in the manual.
fn blocks(language: &str) -> Vec<String> {
    let manual = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sandbox.md"));
    let manual = manual.unwrap();
    let opening = format!("```{language}\n");
    let mut parts = manual.split(&opening);
    parts.next();
    let blocks = parts.map(|part| part.split("```").next().unwrap().to_owned());
    blocks.collect()
}

#[test]
fn the_manuals_start_files_work() {
    let place = Place::new();
    let (toml, csv) = (blocks("toml").remove(0), blocks("csv").remove(0));
    place
        .write("account.toml", &toml)
        .write("leads.csv", &csv.replace("jun", "june"));
    let files = [place.path("account.toml"), place.path("leads.csv")];
    let [toml, csv] = files.each_ref().map(|path| path.to_str().unwrap());
    let sandbox = SandboxProcess::start(&["--start", toml, "--start", csv]);
    let mut client = Client::new(&address(&sandbox));
    let of_plan = json!({"email": "jun@example.com", "event_id": "1", "amount": 1000});
    assert_eq!(
        client.form("sale", &of_plan).json()["reward"]["amount"],
        300
    );
    let by_visit = json!({"uid": "new", "event_id": "2", "amount": 1000,
                          "tid": "3491ff2f-7803-4467-8863-15b54frt8dyy"});
    assert_eq!(
        client.form("sale", &by_visit).json()["reward"]["amount"],
        250
    );
    let from_csv = json!({"email": "mika@example.com", "event_id": "3", "amount": 1000});
    assert_eq!(
        client.form("sale", &from_csv).json()["promoter"]["default_ref_id"],
        "bea"
    );
}

#[test]
fn the_manuals_faults_are_understood() {
    let shell = blocks("sh").concat();
    let options: Vec<&str> = shell
        .split("--fault ")
        .skip(1)
        .map(|rest| rest.split_whitespace().next().unwrap())
        .collect();
    assert_eq!(options.len(), 2);
    let (_sandbox, mut client) = start(Options {
        faults: options
            .iter()
            .map(|option| option.parse().unwrap())
            .collect(),
        ..nobody()
    });
    let json = shell
        .split("-d '")
        .nth(1)
        .unwrap()
        .split('\'')
        .next()
        .unwrap();
    client.fault(&serde_json::from_str(json).unwrap());
    assert_eq!(client.get("/sandbox/faults").as_array().unwrap().len(), 3);
    let own: fprecon::sandbox::FaultOption =
        "status,status=200,body=<html>sorry</html>".parse().unwrap();
    assert!(format!("{own:?}").contains("sorry"));
}

/// Returns what the events of a kind come to, of all currencies.
fn cents_of(state: &Value, kind: &str) -> i64 {
    let by_currency = state["events"][kind]["amount_cents"].as_object().unwrap();
    let cents = by_currency.values();
    cents.map(|cents| cents.as_i64().unwrap()).sum()
}

/// What the log of arrivals and the state are there for: a delivery through a storm of faults is
/// judged by them alone.
#[test]
fn a_delivery_through_faults_can_be_judged_by_what_the_sandbox_tells() {
    let place = Place::new();
    let mut payments: Vec<Payment> = (0..80).map(|n| Payment::paid(n, n / 2)).collect();
    for payment in payments.iter_mut().step_by(8) {
        payment.status = "Refunded".into();
        payment.refunded = "20.00".into();
        payment.refunded_at = "2026-04-02 09:00:00".into();
    }
    place.write("export.csv", &stripe_export(&payments));
    let sandbox = SandboxProcess::start(&[
        "--lead-share",
        "100",
        "--seed",
        "11",
        "--fault",
        "status,status=503,percent=4",
        "--fault",
        "reset,percent=4,after_effect",
        "--fault",
        "close,percent=4",
        "--fault",
        "truncate,percent=4",
        "--fault",
        "cut,percent=4",
    ]);
    place
        .run_to(&sandbox, &["run", "export.csv", "--yes"])
        .expect(0);

    let (arrivals, events) = (sandbox.arrivals(), sandbox.events());
    let faults = arrivals
        .iter()
        .filter(|one| !one["fault"].is_null())
        .count();
    assert!(faults >= 5, "{faults} faults are no storm");
    // Each event has one effect, and there are no others.
    let mut ids: Vec<&str> = events
        .iter()
        .map(|one| one["event_id"].as_str().unwrap())
        .collect();
    ids.sort_unstable();
    let planned = ids.len();
    ids.dedup();
    assert_eq!((planned, ids.len()), (90, 90));
    for arrival in &arrivals {
        let id = form(arrival, "event_id").unwrap();
        assert!(ids.contains(&&*id), "{id} was not planned");
        let first = arrivals
            .iter()
            .find(|one| form(one, "event_id").as_deref() == Some(&id));
        assert_eq!(
            arrival["body"],
            first.unwrap()["body"],
            "{id} came again, and changed"
        );
        // A refund's sale has been answered before the refund arrives.
        if let Some(sale_id) = form(arrival, "sale_event_id") {
            let number = arrival["number"].as_u64().unwrap();
            let answered = arrivals.iter().any(|one| {
                form(one, "event_id").as_deref() == Some(&sale_id)
                    && one["answered_after"]
                        .as_u64()
                        .is_some_and(|last| last < number)
            });
            assert!(answered, "{id} came before the answer to {sale_id}");
        }
    }
    // The cents agree.
    let state = sandbox.state();
    let cents = |kind: &str| cents_of(&state, kind);
    assert_eq!((cents("sale"), cents("refund")), (80 * 2000, 10 * 2000));
}
