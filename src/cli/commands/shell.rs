//! `fprecon completions` and `fprecon man`, made from the argument definitions.

use clap::CommandFactory;

use crate::cli::arguments::Arguments;
use crate::cli::error::{CliError, Exit};
use crate::cli::terminal::Terminal;

pub(in crate::cli) fn completions(
    shell: clap_complete::Shell,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "fprecon", &mut script);
    terminal.own(String::from_utf8_lossy(&script).trim_end());
    Ok(Exit::Done)
}

pub(in crate::cli) fn manual(terminal: &Terminal) -> Result<Exit, CliError> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Arguments::command())
        .render(&mut page)
        .map_err(|error| CliError::Io("the manual page", error))?;
    terminal.own(String::from_utf8_lossy(&page).trim_end());
    Ok(Exit::Done)
}
