//! A hostile machine: readers that go away, text that wants to command the terminal, odd file names,
//! signals, secrets that come back, and files without an end..

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "tests, and what they share"
)]
#![cfg(unix)]

#[path = "../support/mod.rs"]
mod support;

mod bounds;
mod pipes;
mod secrets;
mod system;
mod terminal;
