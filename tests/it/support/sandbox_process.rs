//! The sandbox as a process, driven over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

/// `fprecon sandbox` as a process of its own, ended when dropped.
pub struct SandboxProcess {
    child: Child,
    pub base_url: String,
    address: String,
}

impl SandboxProcess {
    pub fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_fprecon"))
            .arg("sandbox")
            .args(options)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let base_url = line.trim().to_owned();
        let address = base_url
            .trim_start_matches("http://")
            .trim_end_matches("/api/v1")
            .to_owned();
        SandboxProcess {
            child,
            base_url,
            address,
        }
    }

    pub fn base_url_v2(&self) -> String {
        format!("http://{}/api/v2", self.address)
    }

    /// Every event that took effect.
    pub fn events(&self) -> Vec<Value> {
        list(&self.get("/sandbox/events"))
    }

    /// Every request that arrived.
    pub fn arrivals(&self) -> Vec<Value> {
        list(&self.get("/sandbox/arrivals"))
    }

    pub fn state(&self) -> Value {
        self.get("/sandbox/state")
    }

    pub fn post(&self, path: &str, body: &Value) {
        self.http("POST", path, &body.to_string());
    }

    pub fn fault(&self, fault: &Value) {
        self.http("POST", "/sandbox/faults", &fault.to_string());
    }

    pub fn forget_faults(&self) {
        self.http("DELETE", "/sandbox/faults", "");
    }

    /// An event that somebody else sends.
    pub fn track(&self, kind: &str, form: &str) {
        let head = format!(
            "x-api-key: somebody-else\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}",
            form.len()
        );
        self.exchange("POST", &format!("/api/v1/track/{kind}"), &head, form);
    }

    pub fn get(&self, path: &str) -> Value {
        serde_json::from_str(&self.http("GET", path, "")).unwrap()
    }

    /// A listing of version 2 of the API with that key, by the path behind `/api/v2/`.
    #[allow(dead_code, reason = "the benchmarks list nothing")]
    pub fn list_v2(&self, key: &str, path: &str) -> Value {
        let head = format!("authorization: Bearer {key}\r\naccount-id: account-1");
        let body = self.exchange("GET", &format!("/api/v2/{path}"), &head, "");
        serde_json::from_str(&body).unwrap()
    }

    /// One call of version 2 of the API with that key, by the path behind `/api/v2/`.
    #[allow(dead_code, reason = "the benchmarks make none")]
    pub fn post_v2(&self, key: &str, path: &str, body: &Value) -> Value {
        let body = body.to_string();
        let head = format!(
            "authorization: Bearer {key}\r\naccount-id: account-1\r\n\
             content-type: application/json\r\ncontent-length: {}",
            body.len()
        );
        let answer = self.exchange("POST", &format!("/api/v2/{path}"), &head, &body);
        serde_json::from_str(&answer).unwrap()
    }

    /// Somebody else gives a payout another status.
    #[allow(dead_code, reason = "the benchmarks change none")]
    pub fn change_payout(&self, id: &Value, status: &str) {
        let body = format!("id={id}&status={status}");
        let head = format!(
            "x-api-key: somebody-else\r\ncontent-type: application/x-www-form-urlencoded\r\n\
             content-length: {}",
            body.len()
        );
        self.exchange("PUT", "/api/v1/payouts/update", &head, &body);
    }

    /// One request, and the body of its answer.
    fn http(&self, method: &str, path: &str, body: &str) -> String {
        let head = format!(
            "content-type: application/json\r\ncontent-length: {}",
            body.len()
        );
        self.exchange(method, path, &head, body)
    }

    fn exchange(&self, method: &str, path: &str, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // In one piece: a server that answers early must not meet half a request.
        let request = format!("{method} {path} HTTP/1.0\r\nhost: sandbox\r\n{head}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(" 200 ") || head.contains(" 204 ") || head.contains(" 201 "),
            "{head}\n{body}"
        );
        body.to_owned()
    }
}

impl Drop for SandboxProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}
