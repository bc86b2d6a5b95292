//! Handles signals that end a run: requests in progress are completed, and the exit code depends on
//! the signal.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

#[cfg(unix)]
use tokio::signal::unix::{self, SignalKind};
#[cfg(windows)]
use tokio::signal::windows;
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
pub(super) struct ReceivedSignal(Arc<Mutex<Option<Signal>>>);

impl ReceivedSignal {
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
pub(super) fn listen(stop: UnboundedSender<Stop>) -> Result<ReceivedSignal, CliError> {
    let mut streams = Streams::open().map_err(|error| CliError::Io("signal handlers", error))?;
    let caught = ReceivedSignal::default();
    let seen = caught.clone();
    tokio::spawn(async move {
        // If nobody listens any more, sending has ended.
        let first = streams.next().await;
        seen.set(first);
        let _ = stop.send(Stop::Drain);
        let limit = match first {
            Signal::Interrupt => Duration::MAX,
            Signal::Terminate | Signal::HangUp => TERMINATION_LIMIT,
        };
        let second = async {
            loop {
                match streams.next().await {
                    Signal::HangUp if first == Signal::HangUp => {}
                    second => break second,
                }
            }
        };
        if let Ok(Signal::Terminate) = tokio::time::timeout(limit, second).await {
            seen.set(Signal::Terminate);
        }
        let _ = stop.send(Stop::Now);
    });
    Ok(caught)
}

/// The signals of the system, as they arrive.
#[cfg(unix)]
struct Streams {
    interrupts: unix::Signal,
    terminations: unix::Signal,
    /// `None` if SIGHUP is ignored.
    hangups: Option<unix::Signal>,
}

#[cfg(unix)]
impl Streams {
    fn open() -> io::Result<Self> {
        let listen = |kind| unix::signal(kind);
        Ok(Streams {
            interrupts: listen(SignalKind::interrupt())?,
            terminations: listen(SignalKind::terminate())?,
            hangups: if is_hangup_ignored() {
                None
            } else {
                Some(listen(SignalKind::hangup())?)
            },
        })
    }

    async fn next(&mut self) -> Signal {
        let hangup = async {
            match &mut self.hangups {
                Some(hangups) => drop(hangups.recv().await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupts.recv() => Signal::Interrupt,
            _ = self.terminations.recv() => Signal::Terminate,
            () = hangup => Signal::HangUp,
        }
    }
}

/// Returns `true` if the process was started with SIGHUP ignored. Only Linux has that information.
#[cfg(unix)]
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signal 1 is the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}

/// The events of a console, as they arrive: Ctrl-Break and the end of the system are SIGTERM elsewhere, and a window
/// that is closed or a user who logs off is SIGHUP.
#[cfg(windows)]
struct Streams {
    interrupts: windows::CtrlC,
    breaks: windows::CtrlBreak,
    shutdowns: windows::CtrlShutdown,
    closes: windows::CtrlClose,
    logoffs: windows::CtrlLogoff,
}

#[cfg(windows)]
impl Streams {
    fn open() -> io::Result<Self> {
        Ok(Streams {
            interrupts: windows::ctrl_c()?,
            breaks: windows::ctrl_break()?,
            shutdowns: windows::ctrl_shutdown()?,
            closes: windows::ctrl_close()?,
            logoffs: windows::ctrl_logoff()?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupts.recv() => Signal::Interrupt,
            _ = self.breaks.recv() => Signal::Terminate,
            _ = self.shutdowns.recv() => Signal::Terminate,
            _ = self.closes.recv() => Signal::HangUp,
            _ = self.logoffs.recv() => Signal::HangUp,
        }
    }
}
