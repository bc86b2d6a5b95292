//! The program: everything is in the library.

use std::process::ExitCode;

use fprecon::cli::{self, Exit};

fn main() -> ExitCode {
    // A panic is a fault of ours. It has said by now where it happened; scripts see the code of one.
    std::panic::catch_unwind(cli::run).unwrap_or(ExitCode::from(Exit::Internal as u8))
}
