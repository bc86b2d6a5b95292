//! Runs the journal on its own thread: fsync blocks, sending must not.

use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::journal::{Entry, EventRow, Journal, JournalError, Pending, RunId};

/// Writes to the journal and reads events from it, one batch of each at a time.
///
/// Both channels hold at most one batch of each sort: the next is given when the last has come back.
pub(super) struct JournalThread {
    tasks: mpsc::Sender<Task>,
    done: UnboundedReceiver<Done>,
    thread: JoinHandle<Journal>,
    is_writing: bool,
    is_reading: bool,
}

enum Task {
    Write(Vec<Entry>),
    Read(Vec<EventRow>),
}

/// Reports what the journal's thread has done.
pub(super) enum Done {
    /// The batch is on disk, or could not be written.
    Written(Result<(), JournalError>),
    /// The requested events were read, in that order, or could not be.
    Read(Result<Vec<Pending>, JournalError>),
}

impl JournalThread {
    /// Moves the journal to a thread of its own, to send the events of a run.
    pub(super) fn start(mut journal: Journal, run: RunId) -> Self {
        let (tasks, inbox) = mpsc::channel();
        let (outbox, done) = unbounded_channel();
        let thread = std::thread::spawn(move || {
            serve(&mut journal, run, &inbox, &outbox);
            journal
        });
        JournalThread {
            tasks,
            done,
            thread,
            is_writing: false,
            is_reading: false,
        }
    }

    /// Returns `true` while a batch is being written.
    pub(super) fn is_writing(&self) -> bool {
        self.is_writing
    }

    /// Returns `true` while events are being read.
    pub(super) fn is_reading(&self) -> bool {
        self.is_reading
    }

    /// Gives the thread a batch to write to disk.
    pub(super) fn write(&mut self, batch: Vec<Entry>) {
        // A thread that has ended has reported the reason through the other channel, or panicked, which
        // `finish` shows.
        self.is_writing = self.tasks.send(Task::Write(batch)).is_ok();
    }

    /// Requests events.
    pub(super) fn read(&mut self, events: Vec<EventRow>) {
        self.is_reading = self.tasks.send(Task::Read(events)).is_ok();
    }

    /// Waits for the next thing that the thread has done.
    pub(super) async fn done(&mut self) -> Done {
        match self.done.recv().await {
            Some(done) => {
                match done {
                    Done::Written(_) => self.is_writing = false,
                    Done::Read(_) => self.is_reading = false,
                }
                done
            }
            // Nothing more will come: `finish` reports why.
            None => std::future::pending().await,
        }
    }

    /// Waits for the thread and returns the journal.
    pub(super) fn finish(self) -> Journal {
        drop(self.tasks);
        drop(self.done);
        match self.thread.join() {
            Ok(journal) => journal,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

/// Does what is requested until the channel is closed.
fn serve(
    journal: &mut Journal,
    run: RunId,
    inbox: &mpsc::Receiver<Task>,
    outbox: &UnboundedSender<Done>,
) {
    let mut delivery = match journal.delivery() {
        Ok(delivery) => delivery,
        Err(error) => {
            // The first task is to read: there is nothing to write before.
            let _ = inbox.recv();
            // If nobody receives it, sending has ended.
            let _ = outbox.send(Done::Read(Err(error)));
            return;
        }
    };
    for task in inbox {
        let done = match task {
            Task::Write(batch) => Done::Written(delivery.write(&batch)),
            Task::Read(events) => Done::Read(delivery.pending(run, &events)),
        };
        if outbox.send(done).is_err() {
            break;
        }
    }
}
