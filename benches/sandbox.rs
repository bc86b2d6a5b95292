//! What the sandbox answers in a second, and what an event costs it in memory:
//! `cargo bench --bench sandbox [-- SALES]`.
//!
//! Sandbox and client share the machine. The client is one thread with plain sockets: it writes to
//! all of its connections, then reads from all of them. Rates are printed beside those of a bare
//! server that reads as much and answers as much without looking at it, in the same run, so that
//! figures of different machines can be compared.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    reason = "a benchmark prints ratios"
)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use fprecon::sandbox::{Options, Sandbox};

const CONNECTIONS: usize = 32;
const ROUNDS: usize = 5;

fn main() {
    let sales = std::env::args()
        .skip(1)
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(200_000_usize);
    println!("{sales} sales over keep-alive connections, median of {ROUNDS} rounds");
    let mut memory = Vec::new();
    for (connections, depth) in [(CONNECTIONS, 1), (CONNECTIONS, 16), (1, 1)] {
        let mut rates = [Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            let bare = bare_server(connections);
            rates[0].push(rate(bare, sales, connections, depth));
            let sandbox = Sandbox::start(Options::default()).unwrap();
            let before = resident_bytes();
            rates[1].push(rate(sandbox.address(), sales, connections, depth));
            memory.push((resident_bytes() - before) / sales as f64);
        }
        let [bare, sandbox] = rates.map(|mut rates| median(&mut rates));
        println!(
            "{connections:>2} connections, {depth:>2} at a time: {sandbox:>7.0} sales/s; \
             a bare server {bare:>8.0}; ratio {:.2}",
            sandbox / bare
        );
    }
    // The first round is the one that had to ask the system for memory.
    println!("memory: {:.0} bytes an event", memory[0]);
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn resident_bytes() -> f64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|text| text.parse().ok());
    pages.unwrap_or(0.0) * 4096.0
}

/// Sales in a second. The requests are made before the clock starts.
fn rate(address: SocketAddr, sales: usize, connections: usize, depth: usize) -> f64 {
    let mut connections: Vec<TcpStream> = (0..connections)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    for connection in &connections {
        connection.set_nodelay(true).unwrap();
    }
    let batches: Vec<Vec<u8>> = (0..sales / depth)
        .map(|n| batch(n * depth, depth))
        .collect();
    let mut buffer = vec![0; 64 << 10];
    let start = Instant::now();
    for round in batches.chunks(connections.len()) {
        for (batch, connection) in round.iter().zip(&mut connections) {
            connection.write_all(batch).unwrap();
        }
        for (_, connection) in round.iter().zip(&mut connections) {
            read_answers(connection, &mut buffer, depth);
        }
    }
    sales as f64 / start.elapsed().as_secs_f64()
}

fn batch(first: usize, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for n in first..first + count {
        let body = format!(
            "wid=wid-1&email=user{0}%40example.com&uid=cus_{0:014}&event_id=in_{n:024}&amount=2000\
             &currency=USD&plan=monthly&created_at=2026-03-01T10%3A00%3A00Z\
             &skip_email_notification=true",
            n / 5
        );
        write!(
            bytes,
            "POST /api/v1/track/sale HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: bench\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
    }
    bytes
}

/// Reads until that many answers are there in whole.
fn read_answers(connection: &mut TcpStream, buffer: &mut [u8], mut count: usize) {
    let mut held = 0;
    while count > 0 {
        let read = connection.read(&mut buffer[held..]).unwrap();
        assert!(read > 0, "the server closed the connection");
        held += read;
        let mut start = 0;
        while count > 0 {
            let Some(length) = answer_length(&buffer[start..held]) else {
                break;
            };
            start += length;
            count -= 1;
        }
        buffer.copy_within(start..held, 0);
        held -= start;
    }
}

fn answer_length(bytes: &[u8]) -> Option<usize> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
    let status = &bytes[9..12];
    if status == b"204" {
        return Some(head);
    }
    assert_eq!(status, b"200");
    let at = memchr::memmem::find(&bytes[..head], b"content-length: ").unwrap() + 16;
    let digits = bytes[at..head].iter().take_while(|b| b.is_ascii_digit());
    let length = digits.fold(0, |n, digit| n * 10 + usize::from(digit - b'0'));
    (bytes.len() >= head + length).then_some(head + length)
}

/// Answers whatever ends like a request of this benchmark, with as many bytes as the sandbox.
fn bare_server(connections: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut streams: Vec<TcpStream> = (0..connections)
            .map(|_| listener.accept().unwrap().0)
            .collect();
        for stream in &streams {
            stream.set_nodelay(true).unwrap();
        }
        let body = "x".repeat(1750);
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\n\
                 content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut buffer = vec![0; 64 << 10];
        let mut answers = Vec::new();
        loop {
            for stream in &mut streams {
                let Ok(read @ 1..) = stream.read(&mut buffer) else {
                    return;
                };
                let asked = memchr::memmem::find_iter(&buffer[..read], "POST /").count();
                answers.clear();
                for _ in 0..asked {
                    answers.extend_from_slice(answer.as_bytes());
                }
                stream.write_all(&answers).unwrap();
            }
        }
    });
    address
}
