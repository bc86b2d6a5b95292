//! A hostile machine: readers that go away, text that wants to command the terminal, odd file names,
//! signals, secrets that come back, and files without an end..

#![cfg(unix)]

mod bounds;
mod pipes;
mod secrets;
mod system;
mod terminal;
