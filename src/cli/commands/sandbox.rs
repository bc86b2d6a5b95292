//! `fprecon sandbox`: a local Tracking API.

use std::time::Duration;

use crate::cli::arguments::SandboxArguments;
use crate::cli::error::{CliError, Exit};
use crate::cli::terminal::Terminal;
use crate::problem::Problem;
use crate::sandbox::{Options, Sandbox};

pub(in crate::cli) fn sandbox(
    arguments: &SandboxArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let require_key = arguments.require_key.as_ref().map(|path| {
        std::fs::read_to_string(path)
            .map(|text| text.trim().to_owned())
            .map_err(|error| {
                CliError::unusable(
                    Problem::error("key-missing", format!("the API key can't be read: {error}"))
                        .at(path.display().to_string(), None),
                )
            })
    });
    let sandbox = Sandbox::start(Options {
        listen: arguments.listen,
        lead_share_percent: arguments.lead_share,
        requests_per_minute: arguments.requests_per_minute,
        require_key: require_key.transpose()?,
        latency: Duration::from_millis(arguments.latency_ms),
        cancellation_event_id: arguments.cancellation_event_id,
        ..Options::default()
    })?;
    // On standard output, so that a script can read where it listens.
    terminal.data(&sandbox.base_url())?;
    terminal.note(&format!(
        "a sandbox listens on {}; its state is at http://{}/sandbox/state; Ctrl-C ends it",
        sandbox.address(),
        sandbox.address()
    ));
    sandbox.wait();
    Ok(Exit::Done)
}
