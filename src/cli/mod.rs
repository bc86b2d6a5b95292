//! What the user asked for, and what the user sees.
//!
//! The only module that touches the terminal and the environment.

mod arguments;
mod commands;
mod error;
mod exports;
mod settings;
mod tables;
mod terminal;

pub use error::Exit;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command};
use error::CliError;
use terminal::Terminal;

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    // Usage errors end here, with clap's text and the contract's code 2.
    let arguments = Arguments::parse();
    let terminal = Terminal::new(&arguments.common);
    let exit = match dispatch(&arguments, &terminal) {
        Ok(exit) => exit,
        Err(error) => {
            terminal.problems(&error.problems(), 0);
            error.exit()
        }
    };
    ExitCode::from(exit as u8)
}

fn dispatch(arguments: &Arguments, terminal: &Terminal) -> Result<Exit, CliError> {
    let common = &arguments.common;
    match &arguments.command {
        Command::Demo(options) => commands::demo(common, options, terminal),
        Command::Plan(options) => commands::plan(common, options, terminal),
        Command::Run(options) => commands::run(common, options, terminal),
        Command::Resume(pace) => commands::resume(common, pace, terminal),
        Command::Retry(options) => commands::retry(common, options, terminal),
        Command::Status => commands::status(common, terminal),
        Command::Report(options) => commands::report(common, options, terminal),
        Command::Profiles(command) => commands::profiles(common, command, terminal),
        Command::Config => commands::config(common, terminal),
        Command::Sandbox(options) => commands::sandbox(options, terminal),
        Command::Completions { shell } => commands::completions(*shell, terminal),
        Command::Man => commands::manual(terminal),
    }
}
