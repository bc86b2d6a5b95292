//! Connections that the server closes, or speaks on, when it was not asked.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use super::{cell, outcome, own, run, sales};
use crate::support::{Ran, read_request};

/// A server that keeps its connections open. `answer` gets the number of the request on its connection,
/// from 0, the request and the stream; it says whether the connection stays open.
fn keep_alive(
    answer: impl Fn(usize, &str, &mut TcpStream) -> bool + Send + Sync + 'static,
) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base_url = format!("http://{}/api/v1", listener.local_addr().unwrap());
    let requests = Arc::new(Mutex::new(Vec::new()));
    let (kept, answer) = (Arc::clone(&requests), Arc::new(answer));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, kept, answer) =
                (stream.unwrap(), Arc::clone(&kept), Arc::clone(&answer));
            std::thread::spawn(move || {
                for number in 0.. {
                    let request = read_request(&mut stream);
                    if request.is_empty() {
                        return;
                    }
                    kept.lock().unwrap().push(request.clone());
                    if !answer(number, &request, &mut stream) {
                        return;
                    }
                }
            });
        }
    });
    (base_url, requests)
}

fn success(kind: &str) -> String {
    let body = format!("{{\"id\":7,\"type\":\"{kind}\"}}");
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn a_server_that_closes_idle_connections_leaves_no_cancellation_unconfirmed() {
    let row = |n: u32| format!("cancellation,c{n},,user{n}@example.com,,,2026-03-01T10:00:00Z,\n");
    let place = own(&(1..=100).map(row).collect::<String>());
    // It says nothing of closing, and does so just when the next request arrives.
    let (base_url, requests) = keep_alive(|number, _, stream| {
        number == 0 && stream.write_all(success("cancellation").as_bytes()).is_ok()
    });
    let ran = Ran(place
        .command_at(&base_url, &run("own.csv"))
        .output()
        .unwrap());
    let report = ran.expect(0).json();
    assert_eq!(outcome(&report, "tracked"), 100, "{report:#}");
    assert_eq!(requests.lock().unwrap().len(), 100, "each of them once");
}

#[test]
fn what_a_server_sends_unasked_is_not_the_next_requests_answer() {
    for unasked in [
        success("sale"),
        "HTTP/1.1 200 OK\r\n".to_owned(),
        "\n".to_owned(),
    ] {
        let place = sales(2);
        let (base_url, requests) = keep_alive(move |_, request, stream| {
            let answer = if request.contains("event_id=s1&") {
                success("sale") + &unasked
            } else {
                "HTTP/1.1 204 No Content\r\n\r\n".to_owned()
            };
            stream.write_all(answer.as_bytes()).is_ok()
        });
        let mut command = place.command_at(&base_url, &run("own.csv"));
        let ran = Ran(command.env("FPRECON_CONCURRENCY", "1").output().unwrap());
        let report = ran.expect(0).json();
        assert_eq!(
            cell(&place, &report, "tracked.csv", "s1", "outcome"),
            "tracked"
        );
        let second = cell(&place, &report, "non_referral.csv", "s2", "outcome");
        assert_eq!(second, "non_referral");
        assert_eq!(requests.lock().unwrap().len(), 2);
    }
}
