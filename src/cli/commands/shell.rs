//! `fprecon completions` and `fprecon man`, generated from the argument definitions.

use std::fs;

use clap::CommandFactory;

use crate::cli::arguments::{Arguments, ManArguments};
use crate::cli::error::{CliError, Exit};
use crate::cli::terminal::Terminal;
use crate::problem::{Problem, ProblemCode};

pub(in crate::cli) fn completions(
    shell: clap_complete::Shell,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "fprecon", &mut script);
    terminal.own(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Done)
}

pub(in crate::cli) fn manual(
    arguments: &ManArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let mut command = Arguments::command();
    if let Some(folder) = &arguments.dir {
        let written =
            fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
        return match written {
            Ok(()) => Ok(Exit::Done),
            Err(error) => {
                let message = format!("the manual pages can't be written: {error}");
                let problem = Problem::error(ProblemCode::OutputNotWritten, message)
                    .setting("--dir", &folder.display().to_string());
                Err(CliError::unusable(problem.hint(
                    "name a folder that you can write to, with free space",
                )))
            }
        };
    }
    command.build();
    let mut page = Vec::new();
    clap_mangen::Man::new(named(command, &arguments.command)?)
        .render(&mut page)
        .map_err(|error| CliError::Io("the manual page", error))?;
    terminal.own(String::from_utf8_lossy(&page).trim_end());
    Ok(Exit::Done)
}

/// Returns the command with these words, such as `journal export`.
fn named(mut command: clap::Command, words: &[String]) -> Result<clap::Command, CliError> {
    for word in words {
        command = command.find_subcommand(word).cloned().ok_or_else(|| {
            let problem = Problem::error(ProblemCode::Usage, format!("`{word}` is not a command"));
            CliError::usage(problem.hint("`fprecon --help` lists the commands"))
        })?;
    }
    Ok(command)
}
