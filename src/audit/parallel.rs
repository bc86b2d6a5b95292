//! Work side by side. What comes out does not depend on it: each part has its own, and the parts are put
//! together in their order.

use std::ops::Range;
use std::panic::resume_unwind;
use std::thread;

/// The number of rows from which on a thread is worth it.
const FEWEST_ROWS: usize = 16_384;

/// Runs two functions in parallel.
pub(super) fn both<A: Send, B>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B,
) -> (A, B) {
    thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (
            one.join().unwrap_or_else(|panic| resume_unwind(panic)),
            other,
        )
    })
}

/// Runs a function over all rows, in as many ranges as there are cores.
pub(super) fn ranges<T: Send>(rows: usize, work: impl Fn(Range<usize>) -> T + Sync) -> Vec<T> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let parts = cores.min(rows / FEWEST_ROWS).max(1);
    let (work, start) = (&work, |part: usize| rows * part / parts);
    thread::scope(|scope| {
        let of = |part| scope.spawn(move || work(start(part)..start(part + 1)));
        let parts: Vec<_> = (0..parts).map(of).collect();
        let done = parts.into_iter().map(thread::ScopedJoinHandle::join);
        done.map(|part| part.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    })
}
