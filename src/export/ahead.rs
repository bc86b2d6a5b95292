//! Reads rows ahead of their use.
//!
//! Splitting bytes into rows and processing the rows cost about the same. On two cores they run in
//! parallel: a thread reads batches of rows, a few ahead of the caller, who receives them in order.
//! Batches are reused, so that reading allocates only for these few.

use std::sync::mpsc::sync_channel;
use std::thread;

use super::{Export, ExportError, Row};

/// The number of rows in a batch: few enough to stay in a cache, and enough to make waking the
/// other thread cheap.
const BATCH_ROWS: usize = 1024;
/// The number of batches that are read ahead.
const BATCHES_AHEAD: usize = 4;

#[derive(Default)]
struct RowBatch {
    rows: Vec<Row>,
    filled: usize,
}

impl RowBatch {
    /// Reads the next rows; returns `true` if there may be more after them.
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
    /// Passes every remaining row to `each`, in order. An export of more than one batch is read on
    /// a thread of its own in the meantime.
    ///
    /// # Errors
    ///
    /// The errors of [`Export::read_row`]; the rows before the fault have been passed to `each` by
    /// then.
    pub fn for_each_row(&mut self, mut each: impl FnMut(&mut Row)) -> Result<(), ExportError> {
        let mut first = RowBatch::default();
        let more = first.fill(self);
        first.rows().iter_mut().for_each(&mut each);
        if !more? {
            return Ok(());
        }
        thread::scope(|scope| {
            let (full_from, full) = sync_channel(BATCHES_AHEAD);
            let (empty_to, empty) = sync_channel(BATCHES_AHEAD);
            for _ in 0..BATCHES_AHEAD {
                let _has_room = empty_to.send(RowBatch::default());
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
                // After its last batch the reader takes none back.
                let _taken_back = empty_to.send(batch);
            }
            Ok(())
        })
    }
}
