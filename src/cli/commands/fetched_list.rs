//! Fetches a list of the account, and shows how far it is.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::unbounded_channel;

use crate::cli::error::{CliError, Exit};
use crate::cli::signals::{Signal, listen};
use crate::cli::tables::{count, grouped};
use crate::cli::terminal::Terminal;
use crate::send::{self, CompleteListing, IncompleteListing, PageSink};
use crate::tracking::{Client, Listed};

/// The time between two lines about progress, if there is no terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(30);

/// The list, or why it is not complete, with the exit code for an interruption.
pub(super) type FetchedList = Result<CompleteListing, (IncompleteListing, Exit)>;

/// Reads what is missing of a list into `sink`, at most at so many requests a minute.
///
/// # Errors
///
/// The network or the signals can't be set up.
pub(super) fn fetch_list<T: Listed + PartialEq>(
    client: &Client,
    per_minute: NonZeroU32,
    sink: &mut impl PageSink<T>,
    terminal: &Terminal,
) -> Result<FetchedList, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Io("the network runtime", error))?;
    let bar = terminal.bar(None, &format!("{{spinner}} fetching {}: {{msg}}", T::NAME));
    let mut said = Instant::now();
    let mut progress = |lines: u64, requests: u64| {
        let words = format!(
            "{} in {}",
            grouped(lines.into()),
            count(requests, "request")
        );
        if terminal.should_print_lines() && said.elapsed() >= LINE_INTERVAL {
            said = Instant::now();
            terminal.note(&format!("{}: {words}", T::NAME));
        }
        bar.set_message(words);
    };
    let (read, caught) = runtime.block_on(async {
        let (stop, mut requests) = unbounded_channel();
        let caught = listen(stop)?;
        let read = send::fetch_list(client, per_minute, &mut requests, sink, &mut progress).await;
        Ok::<_, CliError>((read, caught))
    })?;
    bar.finish_and_clear();
    let exit = caught.signal().unwrap_or(Signal::Interrupt).exit();
    Ok(read.map_err(|unlisted| (unlisted, exit)))
}
