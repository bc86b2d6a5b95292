//! A real headless Chromium, driven through `chromedriver`, with no way to any network.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// A browser with one window, ended when dropped.
pub struct Browser {
    driver: Child,
    port: String,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Nothing where there is no `chromedriver` or no Chromium to be driven.
    pub fn start() -> Option<Self> {
        let has = |program: &str| {
            let mut command = Command::new(program);
            let command = command.arg("--version").stderr(Stdio::null());
            command.stdout(Stdio::null()).status().is_ok()
        };
        if !has("chromedriver") || !has("chromium") {
            return None;
        }
        let (driver, port) = Self::start_driver();
        // From here on a panic ends the driver, too.
        let mut browser = Browser {
            driver,
            port,
            session: String::new(),
            _profile: tempfile::tempdir().unwrap(),
        };
        let profile = format!("--user-data-dir={}", browser._profile.path().display());
        let capabilities = json!({ "capabilities": { "alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": { "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--host-resolver-rules=MAP * ~NOTFOUND", "--window-size=1200,1600", profile,
            ] },
            "goog:loggingPrefs": { "browser": "ALL", "performance": "ALL" },
        } } });
        let session = browser.exchange("POST", "/session", &capabilities);
        browser.session = session["sessionId"].as_str().unwrap().to_owned();
        Some(browser)
    }

    /// The driver, and the port that it listens on. It takes a free port of IPv4 and then the same
    /// one of IPv6, and gives up where another program has that one: then it is started again.
    fn start_driver() -> (Child, String) {
        let mut said = String::new();
        for _ in 0..10 {
            let mut driver = Command::new("chromedriver")
                .arg("--port=0")
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
            for line in lines.by_ref() {
                let line = line.unwrap();
                if let Some((_, port)) = line.split_once("started successfully on port ") {
                    let port = port.trim_end_matches('.').to_owned();
                    std::thread::spawn(move || lines.for_each(drop));
                    return (driver, port);
                }
                said += &format!("{line}\n");
            }
            driver.wait().unwrap();
        }
        panic!("chromedriver started no server in ten attempts:\n{said}");
    }

    /// One command to the window, and the value of its answer.
    pub fn command(&self, name: &str, body: &Value) -> Value {
        self.exchange("POST", &format!("/session/{}/{name}", self.session), body)
    }

    /// One command to the browser behind the driver, and what it gives back.
    pub fn devtools(&self, method: &str, parameters: &Value) -> Value {
        let body = json!({ "cmd": method, "params": parameters });
        self.command("goog/cdp/execute", &body)
    }

    /// What a function body returns in the page.
    pub fn eval(&self, script: &str) -> Value {
        self.command("execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The entries of a log since it was last asked for.
    pub fn log(&self, kind: &str) -> Vec<Value> {
        let log = self.command("se/log", &json!({ "type": kind }));
        log.as_array().unwrap().clone()
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_exchange(method, path, &body.to_string()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{path}: {head}\n{body}");
        let answer: Value = serde_json::from_str(body).unwrap();
        answer["value"].clone()
    }

    fn try_exchange(&self, method: &str, path: &str, body: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(format!("127.0.0.1:{}", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        // The driver keeps the connection open, so the length says where the answer ends.
        let mut reader = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head)? > 0 {
            let line = head.trim_end().lines().last().unwrap_or_default();
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(head + &String::from_utf8_lossy(&body))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() {
            // The driver ends its browser with the session.
            let _ = self.try_exchange("DELETE", &format!("/session/{}", self.session), "");
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
