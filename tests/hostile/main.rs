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

mod pipes;
mod system;
mod terminal;
