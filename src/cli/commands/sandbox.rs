//! `fprecon sandbox`: runs a local Tracking API.

use std::time::Duration;

use crate::bounded::{self, KEY_BYTES};
use crate::cli::arguments::SandboxArguments;
use crate::cli::error::{CliError, Exit};
use crate::cli::terminal::Terminal;
use crate::problem::{Problem, ProblemCode};
use crate::sandbox::{FaultOption, Latency, Options, Sandbox, SandboxError, StartState};

pub(in crate::cli) fn sandbox(
    arguments: &SandboxArguments,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let sandbox = Sandbox::start(options(arguments)?)?;
    // On standard output, so that a script can read the address.
    terminal.line(&sandbox.base_url());
    let address = sandbox.address();
    terminal.note(&format!(
        "a sandbox listens on {address} (v2: {}); its state is at http://{address}/sandbox/state; \
         Ctrl-C ends it",
        sandbox.base_url_v2()
    ));
    if arguments.require_key.is_none() {
        terminal.note("any API key is accepted; do not use your real one");
    }
    if !address.ip().is_loopback() {
        terminal.note("other machines can reach it, and its log shows all requests to all of them");
    }
    sandbox.wait();
    Ok(Exit::Done)
}

fn options(arguments: &SandboxArguments) -> Result<Options, CliError> {
    let start = match &*arguments.start {
        [] => None,
        files => Some(StartState::read(files)?),
    };
    let faults: Result<Vec<FaultOption>, SandboxError> =
        arguments.faults.iter().map(|text| text.parse()).collect();
    Ok(Options {
        listen: arguments.listen,
        start,
        lead_share_percent: arguments.lead_share,
        requests_per_minute: arguments.requests_per_minute,
        require_key: require_key(arguments)?,
        latency: Latency {
            least: Duration::from_millis(arguments.latency_ms),
            spread: Duration::from_millis(arguments.latency_spread_ms),
            tail: Duration::from_millis(arguments.latency_tail_ms),
            tail_percent: arguments.latency_tail_percent,
        },
        cancellation_event_id: arguments.cancellation_event_id,
        faults: faults?,
        seed: arguments.seed,
        state_file: arguments.state.clone(),
        arrivals_kept: arguments.arrivals_kept,
    })
}

fn require_key(arguments: &SandboxArguments) -> Result<Option<String>, CliError> {
    let Some(path) = &arguments.require_key else {
        return Ok(None);
    };
    match bounded::read_text(path, KEY_BYTES) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) => Err(CliError::unusable(
            Problem::error(
                ProblemCode::KeyMissing,
                format!("the API key can't be read: {error}"),
            )
            .at(path.display().to_string(), None),
        )),
    }
}
