//! The sandbox as a client sees it: raw HTTP/1.1 over a socket.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Latency, Options, Sandbox, SandboxError};

const KEY: &str = "2947d4543695e7cc7dhda3c52ebyt74eb8";
const FORM: &str = "application/x-www-form-urlencoded";

struct Reply {
    status: u16,
    headers: Vec<String>,
    body: Vec<u8>,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }

    fn has(&self, header: &str) -> bool {
        self.headers
            .iter()
            .any(|line| line.eq_ignore_ascii_case(header))
    }
}

/// A connection that is kept open.
struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn new(sandbox: &Sandbox) -> Client {
        let stream = TcpStream::connect(sandbox.address()).expect("the sandbox listens");
        let patience = Some(Duration::from_secs(10));
        stream.set_read_timeout(patience).expect("not zero");
        Client {
            stream: BufReader::new(stream),
        }
    }

    fn send(&mut self, line: &str, headers: &str, body: &[u8]) {
        let length = body.len();
        let head = format!(
            "{line} HTTP/1.1\r\nhost: localhost\r\n{headers}content-length: {length}\r\n\r\n"
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes()).expect("the head is sent");
        stream.write_all(body).expect("the body is sent");
    }

    /// Returns the answer, or `None` if the connection was closed without one.
    fn receive(&mut self) -> Option<Reply> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).unwrap_or_default() == 0 {
            return None;
        }
        let status = line[9..12].parse().expect("a status");
        let mut headers = Vec::new();
        loop {
            line.clear();
            self.stream.read_line(&mut line).expect("a header line");
            if line.trim().is_empty() {
                break;
            }
            headers.push(line.trim().to_owned());
        }
        let length = headers
            .iter()
            .find_map(|h| h.strip_prefix("content-length: "));
        let length = length.map_or(0, |text| text.parse().expect("a length"));
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).expect("the whole body");
        Some(Reply {
            status,
            headers,
            body,
        })
    }

    fn ask(&mut self, line: &str, headers: &str, body: &[u8]) -> Reply {
        self.send(line, headers, body);
        self.receive().expect("an answer")
    }

    fn track(&mut self, kind: &str, form: &str) -> Reply {
        let headers = format!("x-api-key: {KEY}\r\ncontent-type: {FORM}\r\nuser-agent: raw\r\n");
        self.ask(
            &format!("POST /api/v1/track/{kind}"),
            &headers,
            form.as_bytes(),
        )
    }

    fn get(&mut self, path: &str) -> Value {
        self.ask(&format!("GET {path}"), "", b"").json()
    }

    fn fault(&mut self, fault: &Value) {
        let reply = self.ask("POST /sandbox/faults", "", fault.to_string().as_bytes());
        assert_eq!(reply.status, 200, "{}", reply.json());
    }
}

fn start(options: Options) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(options).expect("a free port");
    let client = Client::new(&sandbox);
    (sandbox, client)
}

fn nobody() -> Options {
    Options {
        lead_share_percent: Some(0),
        ..Options::default()
    }
}

fn everyone() -> Options {
    Options {
        lead_share_percent: Some(100),
        ..Options::default()
    }
}

const SIGNUP: &str = "wid=b850ac4wer56hy1b5ef41&email=shelley@example.com&first_name=Shelley\
                      &uid=cbdemo_shelley&tid=3491ff2f-7803-4467-8863-15b54frt8dyy";
const SALE: &str = "wid=b850ac4wer56hy1b5ef41&email=shelley@example.com&uid=cbdemo_shelley\
                    &event_id=9856044&plan=monthly-starter&amount=6000";
const REFUND: &str = "wid=b850ac4wer56hy1b5ef41&email=shelley@example.com&uid=cbdemo_shelley\
                      &event_id=4567044&sale_event_id=9856044&amount=6000";
const CANCELLATION: &str = "wid=b850ac4wer56hy1b5ef41&email=shelley@example.com&uid=cbdemo_shelley";

#[test]
fn the_documented_examples_work_on_one_connection() {
    let (sandbox, mut client) = start(nobody());
    let expected = [
        ("signup", SIGNUP, json!(null), "signup"),
        ("sale", SALE, json!(6000), "active"),
        ("refund", REFUND, json!(-6000), "active"),
        ("cancellation", CANCELLATION, json!(null), "cancelled"),
    ];
    for (kind, form, amount, state) in expected {
        let reply = client.track(kind, form);
        assert_eq!(reply.status, 200);
        assert!(reply.has("content-type: application/json; charset=utf-8"));
        let body = reply.json();
        assert_eq!(body["type"], kind);
        assert_eq!(body["amount_cents"], amount);
        assert_eq!(body["lead"]["state"], state);
        assert_eq!(body["lead"]["first_name"], "Shelley");
        assert_eq!(body["lead"]["uid"], "cbdemo_shelley");
    }
    assert_eq!(client.track("signup", SIGNUP).status, 422);
    for (kind, form) in [("sale", SALE), ("refund", REFUND)] {
        assert_eq!(client.track(kind, form).status, 409);
    }
    let state = client.get("/sandbox/state");
    assert_eq!(state["leads"], 1);
    assert_eq!(state["events"]["sale"]["amount_cents"]["default"], 6000);
    assert_eq!(state["events"]["refund"]["amount_cents"]["default"], 6000);
    assert_eq!(state["commission_cents"], 0);
    assert_eq!(state["arrivals"], 7);
    assert_eq!(state["statuses"], json!({"200": 4, "409": 2, "422": 1}));
    let events = client.get("/sandbox/events");
    assert_eq!(events.as_array().map(Vec::len), Some(4));
    assert_eq!(events[2]["sale_event_id"], "9856044");
    sandbox.stop();
}

#[test]
fn a_stranger_gets_204_and_nothing_else() {
    let (_sandbox, mut client) = start(nobody());
    let reply = client.track("sale", SALE);
    assert_eq!((reply.status, reply.body.len()), (204, 0));
    assert!(!reply.headers.iter().any(|h| h.starts_with("content-")));
    assert_eq!(client.track("sale", "uid=u&event_id=1").status, 400);
}

#[test]
fn query_and_json_are_taken_too() {
    let (_sandbox, mut client) = start(everyone());
    let key = format!("x-api-key: {KEY}\r\n");
    let line = "POST /api/v1/track/sale?uid=u&event_id=1&amount=5";
    assert_eq!(client.ask(line, &key, b"").status, 200);
    let json_key = format!("{key}content-type: Application/JSON; charset=utf-8\r\n");
    let body = br#"{"event_id": "2", "amount": 700}"#;
    let reply = client.ask(line, &json_key, body);
    assert_eq!(reply.json()["amount_cents"], 700);
    assert_eq!(client.ask(line, &json_key, b"{").status, 400);
}

#[test]
fn the_key_is_needed_and_never_kept() {
    let (_sandbox, mut client) = start(Options {
        require_key: Some(KEY.to_owned()),
        ..everyone()
    });
    for headers in ["", "x-api-key: \r\n", "x-api-key: another\r\n"] {
        let reply = client.ask("POST /api/v1/track/sale", headers, SALE.as_bytes());
        assert_eq!(reply.status, 401);
        assert_eq!(reply.body, br#""Bad credentials""#);
    }
    assert_eq!(client.track("sale", SALE).status, 200);
    let arrivals = client.get("/sandbox/arrivals");
    assert_eq!(arrivals[0]["has_key"], false);
    assert_eq!(arrivals[2]["has_key"], true);
    assert!(!arrivals.to_string().contains(KEY));
    let options = Options {
        require_key: Some(KEY.to_owned()),
        ..Options::default()
    };
    assert!(!format!("{options:?}").contains(KEY));
}

#[test]
fn arrivals_tell_what_came() {
    let (_sandbox, mut client) = start(everyone());
    client.track("sale?wid=1", "uid=u&event_id=1&amount=5");
    client.track("nothing", "");
    client.ask("GET /api/v1/track/sale", "", b"");
    let all = client.get("/sandbox/arrivals");
    let mut first = all[0].clone();
    assert!(first["at_ms"].take().is_u64());
    let expected = json!({
        "number": 1, "at_ms": null, "method": "POST", "path": "/api/v1/track/sale",
        "query": "wid=1", "body": "uid=u&event_id=1&amount=5", "content_type": FORM,
        "user_agent": "raw", "has_key": true, "status": 200, "answered_after": 1,
        "fault": null
    });
    assert_eq!(first, expected);
    assert_eq!(all[1]["status"], 404);
    assert_eq!(all[2]["status"], 405);
    let page = client.get("/sandbox/arrivals?from=2&limit=1");
    assert_eq!(page, json!([all[1]]));
    let bad = client.ask("GET /sandbox/arrivals?from=x", "", b"");
    assert_eq!(bad.status, 400);
}

#[test]
fn the_rate_is_limited_when_asked() {
    let (_sandbox, mut client) = start(Options {
        requests_per_minute: Some(2),
        ..everyone()
    });
    assert_eq!(client.track("cancellation", "uid=u").status, 200);
    assert_eq!(client.track("cancellation", "uid=u").status, 200);
    let reply = client.track("cancellation", "uid=u");
    assert_eq!(reply.status, 429);
    assert_eq!(reply.json(), json!({"message": "Too many requests"}));
    assert!(!reply.headers.iter().any(|h| h.starts_with("retry-after")));
    let state = client.get("/sandbox/state");
    assert_eq!(state["events"]["cancellation"]["count"], 2);
}

#[test]
fn a_connection_can_be_closed_before_or_after_the_effect() {
    let (sandbox, mut client) = start(everyone());
    for (after_effect, then, sales) in [(false, 200, 1), (true, 409, 2)] {
        client.fault(&json!({"action": "close", "kind": "sale", "after_effect": after_effect}));
        let form = format!("uid=u&event_id={sales}&amount=5");
        client.send(
            "POST /api/v1/track/sale",
            &format!("x-api-key: {KEY}\r\n"),
            form.as_bytes(),
        );
        assert!(client.receive().is_none());
        client = Client::new(&sandbox);
        assert_eq!(client.track("sale", &form).status, then);
        let state = client.get("/sandbox/state");
        assert_eq!(state["events"]["sale"]["count"], sales);
    }
    let arrivals = client.get("/sandbox/arrivals");
    let statuses: Vec<&Value> = (0..4).map(|n| &arrivals[n]["status"]).collect();
    assert_eq!(
        statuses,
        [&json!(null), &json!(200), &json!(null), &json!(409)]
    );
}

#[test]
fn a_status_fault_answers_instead() {
    let (_sandbox, mut client) = start(everyone());
    client.fault(&json!([
        {"action": "status", "status": 503, "times": 2, "retry_after": "2", "event_id": "1"},
        {"action": "status", "status": 502, "body": "<h1>no</h1>", "after_effect": true},
    ]));
    for _ in 0..2 {
        let reply = client.track("sale", "uid=u&event_id=1&amount=5");
        assert_eq!(reply.status, 503);
        assert!(reply.has("retry-after: 2"));
    }
    let reply = client.track("sale", "uid=u&event_id=1&amount=5");
    assert_eq!((reply.status, &*reply.body), (502, &b"<h1>no</h1>"[..]));
    assert!(reply.has("content-type: text/html; charset=utf-8"));
    assert_eq!(
        client.track("sale", "uid=u&event_id=1&amount=5").status,
        409
    );
}

#[test]
fn an_answer_can_be_cut_in_half_or_late() {
    let (_sandbox, mut client) = start(everyone());
    client.fault(&json!([{"action": "truncate"}, {"action": "delay", "delay_ms": 60}]));
    let reply = client.track("sale", "uid=u&event_id=1&amount=5");
    assert_eq!(reply.status, 200);
    assert!(reply.body.starts_with(b"{\"id\":"));
    assert!(serde_json::from_slice::<Value>(&reply.body).is_err());
    let asked = Instant::now();
    assert_eq!(
        client.track("sale", "uid=u&event_id=1&amount=5").status,
        409
    );
    assert!(asked.elapsed() >= Duration::from_millis(60));
}

#[test]
fn faults_can_be_seen_refused_and_forgotten() {
    let (_sandbox, mut client) = start(everyone());
    client.fault(&json!({"action": "close", "times": 3}));
    let waiting = json!([{"action": "close", "times": 3, "after_effect": false}]);
    assert_eq!(client.get("/sandbox/faults"), waiting);
    let reply = client.ask("POST /sandbox/faults", "", br#"{"action":"explode"}"#);
    assert_eq!(reply.status, 400);
    let reply = client.ask("DELETE /sandbox/faults", "", b"");
    assert_eq!(reply.json(), json!({"faults": 0}));
    assert_eq!(client.track("cancellation", "uid=u").status, 200);
}

#[test]
fn paths_methods_and_sizes_have_limits() {
    let (_sandbox, mut client) = start(everyone());
    assert_eq!(client.ask("GET /", "", b"").status, 404);
    assert_eq!(client.ask("POST /sandbox/state", "", b"").status, 405);
    let reply = client.ask("PUT /api/v1/track/sale", "", b"");
    assert!(reply.status == 405 && reply.has("allow: POST"));
    let reply = client.track("sale", &"x".repeat((1 << 20) + 1));
    assert_eq!(reply.status, 413);
    assert!(client.receive().is_none());
}

#[test]
fn latency_holds_answers_back_and_stopping_lets_them_out() {
    let (sandbox, mut client) = start(Options {
        latency: Latency {
            least: Duration::from_millis(150),
            ..Latency::default()
        },
        ..everyone()
    });
    let key = format!("x-api-key: {KEY}\r\n");
    client.send("POST /api/v1/track/cancellation", &key, b"uid=u");
    let mut other = Client::new(&sandbox);
    while other.get("/sandbox/state")["arrivals"] == 0 {}
    sandbox.stop();
    assert_eq!(client.receive().map(|reply| reply.status), Some(200));
    assert!(client.receive().is_none());
}

#[test]
fn dropping_it_does_not_wait_for_idle_connections() {
    let (sandbox, mut idle) = start(everyone());
    idle.get("/sandbox/state");
    let begun = Instant::now();
    drop(sandbox);
    assert!(begun.elapsed() < Duration::from_millis(900));
    assert!(idle.receive().is_none());
}

#[test]
fn what_cannot_start_says_why() {
    let (sandbox, _client) = start(everyone());
    let listen = sandbox.address();
    let taken = Sandbox::start(Options {
        listen,
        ..Options::default()
    });
    let error = taken.expect_err("the port is taken");
    assert!(matches!(&error, SandboxError::Bind { address, .. } if *address == listen));
    assert!(error.to_string().contains(&listen.to_string()));
    assert!(error.hint().contains("another program"));
    let share = Sandbox::start(Options {
        lead_share_percent: Some(101),
        ..Options::default()
    });
    assert!(matches!(share, Err(SandboxError::LeadShare(101))));
}
