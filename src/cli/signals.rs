//! Handles signals that end a run: requests in progress are completed, and the exit code depends on
//! the signal.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;

use super::error::{CliError, Exit};
use crate::send::Stop;

/// The time in which requests in progress must finish when a system shuts down, or a terminal is
/// gone.
const TERMINATION_LIMIT: Duration = Duration::from_secs(10);

/// A signal that ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
    HangUp,
}

impl Signal {
    /// Returns the signal's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Signal::Interrupt => "SIGINT",
            Signal::Terminate => "SIGTERM",
            Signal::HangUp => "SIGHUP",
        }
    }

    /// Returns the exit code of a command after the signal.
    pub(super) fn exit(self) -> Exit {
        match self {
            Signal::Interrupt => Exit::Interrupted,
            Signal::Terminate => Exit::Terminated,
            Signal::HangUp => Exit::HungUp,
        }
    }
}

/// The signal that was received, if any.
#[derive(Clone, Debug, Default)]
pub(super) struct Caught(Arc<Mutex<Option<Signal>>>);

impl Caught {
    pub(super) fn signal(&self) -> Option<Signal> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the first signal, unless a later one is more urgent.
    fn set(&self, signal: Signal) {
        let mut caught = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if caught.is_none() || signal == Signal::Terminate {
            *caught = Some(signal);
        }
    }
}

/// Listens for signals: one SIGINT drains, a second one ends at once; SIGTERM and SIGHUP drain
/// within a time limit. If SIGHUP is ignored, as by `nohup`, it stays ignored.
#[cfg(unix)]
pub(super) fn listen(stop: UnboundedSender<Stop>) -> Result<Caught, CliError> {
    use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

    /// Waits for the next signal; forever if it is not listened to.
    async fn next(stream: &mut Option<Stream>) {
        match stream {
            Some(stream) => drop(stream.recv().await),
            None => std::future::pending().await,
        }
    }

    let failed = |error| CliError::Io("signal handlers", error);
    let mut interrupts = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminations = signal(SignalKind::terminate()).map_err(failed)?;
    let mut hangups = if is_hangup_ignored() {
        None
    } else {
        Some(signal(SignalKind::hangup()).map_err(failed)?)
    };
    let caught = Caught::default();
    let seen = caught.clone();
    tokio::spawn(async move {
        // If nobody listens any more, sending has ended.
        let first = tokio::select! {
            _ = interrupts.recv() => Signal::Interrupt,
            _ = terminations.recv() => Signal::Terminate,
            () = next(&mut hangups) => Signal::HangUp,
        };
        seen.set(first);
        let _ = stop.send(Stop::Drain);
        let limit = match first {
            Signal::Interrupt => Duration::MAX,
            Signal::Terminate | Signal::HangUp => TERMINATION_LIMIT,
        };
        tokio::select! {
            () = tokio::time::sleep(limit) => {}
            _ = interrupts.recv() => {}
            _ = terminations.recv() => seen.set(Signal::Terminate),
            () = next(&mut hangups), if first != Signal::HangUp => {}
        }
        let _ = stop.send(Stop::Now);
    });
    Ok(caught)
}

/// Returns `true` if the process was started with SIGHUP ignored. Only Linux has that information.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signal 1 is the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// Listens for the only signal of this system.
#[cfg(not(unix))]
pub(super) fn listen(stop: UnboundedSender<Stop>) -> Result<Caught, CliError> {
    let caught = Caught::default();
    let seen = caught.clone();
    tokio::spawn(async move {
        for request in [Stop::Drain, Stop::Now] {
            if tokio::signal::ctrl_c().await.is_ok() {
                seen.set(Signal::Interrupt);
                let _ = stop.send(request);
            }
        }
    });
    Ok(caught)
}
