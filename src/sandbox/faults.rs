//! The faults that are still to come, and the calls that they happen to.

mod order;

use std::collections::HashMap;
use std::time::Duration;

use super::answer::ServerAnswer;
use super::call::Requested;
use order::Percent;

pub(super) use order::FaultOrder;
pub(super) use order::from_option as orders_from_option;

/// A hundred percent in millionths of one.
const WHOLE: u64 = 100_000_000;

/// The effect of a fault on one call.
#[derive(Clone, Debug)]
pub(super) struct FaultEffect {
    pub(super) action: FaultAction,
    /// `true` if the event takes effect first.
    pub(super) after_effect: bool,
    /// The action's name, for the log of arrivals.
    pub(super) name: &'static str,
}

/// The kinds of faults.
#[derive(Clone, Debug)]
pub(super) enum FaultAction {
    /// This answer replaces the real one.
    Answer(ServerAnswer),
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// No answer is sent for this time; then the connection is closed.
    Drop(Duration),
    /// Half of the body is sent as if it were complete.
    Truncate,
    /// Half of the announced body is sent; then the connection is reset.
    Cut,
    /// The body is sent in pieces of this size, with a pause before each.
    Drip { bytes: usize, pause: Duration },
    /// A body of this many bytes is sent.
    Huge(u64),
    /// The call, or its answer, is delayed by this time.
    Delay(Duration),
    /// A listing is answered as if these parameters of the query were not there: one name, or all that
    /// start with it and a bracket.
    Ignore(String),
}

/// The properties of a call that faults depend on.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) asked: Requested,
    pub(super) event_id: Option<&'a str>,
    /// A number that is the same for every arrival of one event.
    pub(super) identity: u64,
}

struct ArmedFault {
    order: FaultOrder,
    fault: FaultEffect,
    parts: Option<u64>,
    /// The number of times that it may still happen; `None` is unlimited.
    left: Option<u64>,
    to_skip: u64,
    /// A number that separates this fault's random draws from those of others.
    number: u64,
    /// The number of times that it has happened to each event, so that a retry is a new draw.
    hits: HashMap<u64, u64>,
}

/// The faults still to come, in the order in which they were added.
pub(super) struct Faults {
    waiting: Vec<ArmedFault>,
    seed: u64,
    added: u64,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Faults {
        Faults {
            waiting: Vec::new(),
            seed,
            added: 0,
        }
    }

    /// Adds the faults of an object or an array: all of them, or none and the error.
    pub(super) fn add(&mut self, json: &[u8]) -> Result<(), String> {
        self.add_orders(order::from_json(json)?)
    }

    pub(super) fn add_orders(&mut self, orders: Vec<FaultOrder>) -> Result<(), String> {
        let numbered = orders.into_iter().zip(self.added..);
        let armed: Result<Vec<ArmedFault>, String> = numbered
            .map(|(order, number)| ArmedFault::new(order, number))
            .collect();
        let added = armed?;
        self.added += u64::try_from(added.len()).unwrap_or_default();
        self.waiting.extend(added);
        Ok(())
    }

    /// Removes all faults, and restarts the random draws.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.added = 0;
    }

    /// Returns the faults still to come, with the number of times that are left.
    pub(super) fn list(&self) -> Vec<&FaultOrder> {
        self.waiting.iter().map(|waiting| &waiting.order).collect()
    }

    pub(super) fn are_none(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns the first fault that fits the call and is drawn, and counts it as used.
    pub(super) fn take(&mut self, subject: Subject<'_>) -> Option<FaultEffect> {
        let seed = self.seed;
        let place = self
            .waiting
            .iter_mut()
            .position(|waiting| waiting.happens(subject, seed))?;
        let waiting = &mut self.waiting[place];
        let fault = waiting.fault(subject, seed);
        if waiting.parts.is_some() {
            *waiting.hits.entry(subject.identity).or_default() += 1;
        }
        if let Some(left) = &mut waiting.left {
            *left -= 1;
            waiting.order.times = Some(*left);
            if *left == 0 {
                self.waiting.remove(place);
            }
        }
        Some(fault)
    }
}

impl ArmedFault {
    fn new(mut order: FaultOrder, number: u64) -> Result<ArmedFault, String> {
        if order.times == Some(0) {
            return Err("times must be at least 1".to_owned());
        }
        let fault = FaultEffect {
            action: order.action()?,
            after_effect: order.after_effect,
            name: order.action.name(),
        };
        let parts = order.percent.as_ref().map(Percent::parts).transpose()?;
        let left = match (order.times, parts) {
            (None, None) => Some(1),
            (times, _) => times,
        };
        order.times = left;
        Ok(ArmedFault {
            fault,
            parts,
            left,
            to_skip: order.skip.unwrap_or(0),
            number,
            hits: HashMap::new(),
            order,
        })
    }

    fn happens(&mut self, subject: Subject<'_>, seed: u64) -> bool {
        if !self.order.fits(subject) {
            return false;
        }
        if self.to_skip > 0 {
            self.to_skip -= 1;
            return false;
        }
        match self.parts {
            None => true,
            Some(parts) => self.draw(subject, seed).u64(0..WHOLE) < parts,
        }
    }

    /// Returns the random draws for this arrival. They depend on the seed, the fault, the event,
    /// and how often the fault has happened to it, but not on the order in which calls come, so
    /// that a run with many connections can be repeated.
    fn draw(&self, subject: Subject<'_>, seed: u64) -> fastrand::Rng {
        let hits = self.hits.get(&subject.identity).copied().unwrap_or(0);
        let mut mixed = seed;
        for part in [self.number, subject.identity, hits] {
            mixed = fastrand::Rng::with_seed(mixed ^ part.wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .u64(..)
                .rotate_left(17);
        }
        fastrand::Rng::with_seed(mixed)
    }

    fn fault(&self, subject: Subject<'_>, seed: u64) -> FaultEffect {
        let mut fault = self.fault.clone();
        if let (FaultAction::Delay(delay), Some(spread)) = (&mut fault.action, self.order.spread_ms)
        {
            let mut rng = self.draw(subject, seed);
            // The first draw decided if it happens.
            rng.u64(0..WHOLE);
            *delay += Duration::from_millis(rng.u64(0..=spread));
        }
        fault
    }
}

#[cfg(test)]
mod tests;
