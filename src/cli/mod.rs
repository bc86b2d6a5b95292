//! The command line: arguments, settings, and output.
//!
//! This is the only module that uses the terminal and the environment.

mod after_run;
mod arguments;
#[cfg(feature = "polars")]
mod audit_tables;
mod child;
mod commands;
mod date_range;
mod ended;
mod error;
mod exports;
mod folders;
mod limits;
mod objects;
mod open_exports;
mod patterns;
mod plan_tables;
mod read_before;
mod settings;
mod signals;
mod tables;
mod terminal;

pub use error::Exit;

use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

use serde::Serialize;

use after_run::AfterRun;
use arguments::{Arguments, Command, Common, LogFormat};
use ended::Ended;
use error::CliError;
use terminal::Terminal;

use crate::problem::{Problem, ProblemCode};
use crate::report::SCHEMA;

/// Runs the program with the arguments of the process.
pub fn run() -> ExitCode {
    limits::keep_running_at_the_file_size_limit();
    terminal::show_panics(LogFormat::Text);
    // Usage errors end here, with clap's text and the contract's code 2.
    let arguments = match terminal::parse_arguments() {
        Ok(arguments) => arguments,
        Err(exit) => return exit,
    };
    terminal::show_panics(arguments.common.log_format);
    let terminal = Terminal::new(&arguments.common);
    let after = AfterRun::from_arguments(&arguments);
    let mut ended = work(&arguments, &terminal);
    ended.exit = terminal.finish(ended.exit);
    if let Some(after) = after {
        // A panic there has been shown, too, and the exit code stays that of the command.
        let report = || after.report(&ended, &terminal);
        let _ = std::panic::catch_unwind(AssertUnwindSafe(report));
    }
    if let Some(command) = arguments.command.sender() {
        terminal.log(ended.entry(command));
    }
    ExitCode::from(ended.exit as u8)
}

/// Does what the arguments request. A panic is a bug of the program, and has said by now where it happened.
fn work(arguments: &Arguments, terminal: &Terminal) -> Ended {
    let work = || limits::check().and_then(|()| dispatch(arguments, terminal));
    match std::panic::catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => fail(&error, &arguments.common, terminal),
        Err(_) => {
            let problem = Problem::error(ProblemCode::Internal, "fprecon panicked")
                .hint(terminal::PANIC_HINT);
            Ended::failed(Exit::Internal, vec![problem])
        }
    }
}

/// Reads a configuration and its profiles as every command does.
///
/// # Errors
///
/// The problems with which a command would end with code 2 or 3.
pub fn check_configuration(path: &Path) -> Result<(), Vec<Problem>> {
    let words = [
        "fprecon".as_ref(),
        "config".as_ref(),
        "--config".as_ref(),
        path.as_os_str(),
    ];
    let arguments = Arguments::try_parse_from(words)
        .map_err(|error| vec![Problem::error(ProblemCode::Usage, error.to_string())])?;
    let common = &arguments.common;
    let checked = settings::EffectiveSettings::load_general(common)
        .and_then(|settings| exports::Choice::load(common, &settings).map(drop));
    checked.map_err(|error| error.problems())
}

/// The object that `--json` prints if a command failed.
#[derive(Serialize)]
struct FailedCommand {
    schema: u32,
    problems: Vec<Problem>,
    exit_code: u8,
}

fn fail(error: &CliError, common: &Common, terminal: &Terminal) -> Ended {
    let exit = error.exit();
    let commands = commands::commands_of_call(common);
    let mut problems = error.problems();
    for problem in &mut problems {
        commands.complete(problem);
    }
    let failure = FailedCommand {
        schema: SCHEMA,
        problems,
        exit_code: exit as u8,
    };
    terminal.problems(&failure.problems, 0);
    if terminal.is_json() && !failure.problems.is_empty() {
        // If standard output is gone, the exit code still shows the failure.
        let _ = terminal.write_json(&failure);
    }
    Ended::failed(exit, failure.problems)
}

fn dispatch(arguments: &Arguments, terminal: &Terminal) -> Result<Ended, CliError> {
    let common = &arguments.common;
    if common.json
        && let Some(name) = arguments.command.without_json()
    {
        let problem = Problem::error(ProblemCode::Usage, format!("`{name}` has no JSON output"));
        return Err(CliError::usage(problem.hint("leave out `--json`")));
    }
    let exit = match &arguments.command {
        Command::Demo(options) => return commands::demo(common, options, terminal),
        Command::Run(options) => return commands::run(common, options, terminal),
        Command::Resume(options) => return commands::resume(common, options, terminal),
        Command::Retry(options) => return commands::retry(common, options, terminal),
        Command::Undo(options) => return commands::undo(common, options, terminal),
        Command::History(command) => return commands::history(common, command, terminal),
        Command::Init(options) => commands::init(common, options, terminal),
        Command::Plan(options) => commands::plan(common, options, terminal),
        Command::Accept(options) => commands::accept(common, options, terminal),
        Command::Status => commands::status(common, terminal),
        Command::Explain(options) => commands::explain(common, options, terminal),
        Command::Report(options) => commands::report(common, options, terminal),
        Command::Journal(command) => commands::journal(common, command, terminal),
        Command::Audit(options) => commands::audit(common, options, terminal),
        Command::Profiles(command) => commands::profiles(common, command, terminal),
        Command::Config(arguments) => commands::config(common, arguments, terminal),
        Command::Doctor => commands::doctor(common, terminal),
        Command::Sandbox(options) => commands::sandbox(options, terminal),
        Command::Completions { shell } => commands::completions(*shell, terminal),
        Command::Man(options) => commands::manual(options, terminal),
    }?;
    Ok(exit.into())
}
