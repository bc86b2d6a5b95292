//! Rows read ahead of their use.
//!
//! Splitting bytes into rows and making something of the rows cost about the same. On two cores
//! they go side by side: a thread reads batches of rows, a few ahead of the caller, who gets them in
//! their order. Batches go back and forth, so that reading allocates for these few alone.

use std::sync::mpsc::sync_channel;
use std::thread;

use super::{Export, ExportError, Row};

/// Rows that are handed over at once: few enough to stay in a cache, and so many that waking the
/// other side costs nothing.
const BATCH_ROWS: usize = 1024;
/// How far ahead is read.
const BATCHES_AHEAD: usize = 4;

#[derive(Default)]
struct Batch {
    rows: Vec<Row>,
    filled: usize,
}

impl Batch {
    /// Reads the next rows; says whether there may be more behind them.
    fn fill(&mut self, export: &mut Export) -> Result<bool, ExportError> {
        self.filled = 0;
        while self.filled < BATCH_ROWS {
            if self.rows.len() == self.filled {
                self.rows.push(Row::new());
            }
            if !export.read_row(&mut self.rows[self.filled])? {
                return Ok(false);
            }
            self.filled += 1;
        }
        Ok(true)
    }

    fn rows(&mut self) -> &mut [Row] {
        &mut self.rows[..self.filled]
    }
}

impl Export {
    /// Gives every row that is left to `each`, in order. An export of more than one batch is read
    /// on a thread of its own meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Export::read_row`]; the rows in front of the fault were given to `each` by then.
    pub fn for_each_row(&mut self, mut each: impl FnMut(&mut Row)) -> Result<(), ExportError> {
        let mut first = Batch::default();
        let more = first.fill(self);
        first.rows().iter_mut().for_each(&mut each);
        if !more? {
            return Ok(());
        }
        thread::scope(|scope| {
            let (full_from, full) = sync_channel(BATCHES_AHEAD);
            let (empty_to, empty) = sync_channel(BATCHES_AHEAD);
            for _ in 0..BATCHES_AHEAD {
                let _has_room = empty_to.send(Batch::default());
            }
            scope.spawn(move || {
                while let Ok(mut batch) = empty.recv() {
                    let more = batch.fill(self);
                    let is_last = !matches!(more, Ok(true));
                    if full_from.send((batch, more)).is_err() || is_last {
                        return;
                    }
                }
            });
            for (mut batch, more) in full {
                batch.rows().iter_mut().for_each(&mut each);
                if !more? {
                    break;
                }
                // Behind its last batch the reader takes none back.
                let _taken_back = empty_to.send(batch);
            }
            Ok(())
        })
    }
}
