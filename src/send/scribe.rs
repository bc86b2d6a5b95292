//! The journal's own thread: fsync blocks, sending must not.

use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::journal::{Entry, Journal, JournalError};

/// Writes batches to the journal, one at a time, and says when each is on disk.
///
/// Both channels hold at most one batch: the next is handed over when the last has come back.
pub(super) struct Scribe {
    batches: mpsc::Sender<Vec<Entry>>,
    written: UnboundedReceiver<Result<(), JournalError>>,
    thread: JoinHandle<Journal>,
    is_busy: bool,
}

impl Scribe {
    /// Takes the journal to a thread of its own.
    pub(super) fn start(mut journal: Journal) -> Self {
        let (batches, inbox) = mpsc::channel::<Vec<Entry>>();
        let (outbox, written) = unbounded_channel();
        let thread = std::thread::spawn(move || {
            for batch in inbox {
                if outbox.send(journal.write(&batch)).is_err() {
                    break;
                }
            }
            journal
        });
        Scribe {
            batches,
            written,
            thread,
            is_busy: false,
        }
    }

    /// Whether a batch is being written.
    pub(super) fn is_busy(&self) -> bool {
        self.is_busy
    }

    /// Hands a batch over.
    pub(super) fn write(&mut self, batch: Vec<Entry>) {
        // A thread that is gone has said why through the other channel, or panicked, which
        // `finish` brings to light.
        self.is_busy = self.batches.send(batch).is_ok();
    }

    /// Waits until the batch is on disk, or could not be put there.
    pub(super) async fn written(&mut self) -> Result<(), JournalError> {
        let result = self.written.recv().await;
        self.is_busy = false;
        match result {
            Some(result) => result,
            // Nothing more will come: let `finish` tell why.
            None => std::future::pending().await,
        }
    }

    /// Waits for the thread and takes the journal back.
    pub(super) fn finish(self) -> Journal {
        drop(self.batches);
        drop(self.written);
        match self.thread.join() {
            Ok(journal) => journal,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}
