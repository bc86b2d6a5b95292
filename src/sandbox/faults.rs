//! Faults that are still to come, and which call meets which of them.

mod order;

use std::collections::HashMap;
use std::time::Duration;

use super::answer::Answer;
use super::call::Asked;
use order::Percent;

pub(super) use order::Order;
pub(super) use order::from_option as orders_from_option;

/// A hundred percent in millionths of one.
const WHOLE: u64 = 100_000_000;

/// What happens to one call.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) action: Action,
    /// Whether the event takes effect first.
    pub(super) after_effect: bool,
    /// The action's name, for the log of arrivals.
    pub(super) name: &'static str,
}

/// The ways to go wrong.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// This answer instead of the true one.
    Answer(Answer),
    /// The connection is closed without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// No answer, for so long; then the connection is closed.
    Drop(Duration),
    /// Half of the body, as if it were all of it.
    Truncate,
    /// Half of the body that was announced, then a reset.
    Cut,
    /// The body in pieces of so many bytes, with a pause before each.
    Drip { bytes: usize, pause: Duration },
    /// A body of so many bytes.
    Huge(u64),
    /// The call, or its answer, so much later.
    Delay(Duration),
}

/// A call, as faults look at it.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) asked: Asked,
    pub(super) event_id: Option<&'a str>,
    /// The same for every arrival of one event.
    pub(super) identity: u64,
}

struct Waiting {
    order: Order,
    fault: Fault,
    parts: Option<u64>,
    /// How often it may still happen; `None` is without end.
    left: Option<u64>,
    to_skip: u64,
    /// Tells this fault's draws from those of others.
    number: u64,
    /// How often it has happened to an event, so that asking again is a new draw.
    hits: HashMap<u64, u64>,
}

/// The faults still to come, in the order in which they were asked for.
pub(super) struct Faults {
    waiting: Vec<Waiting>,
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

    /// Adds an object's or an array's faults: all, or none and what is wrong.
    pub(super) fn add(&mut self, json: &[u8]) -> Result<(), String> {
        self.add_orders(order::from_json(json)?)
    }

    pub(super) fn add_orders(&mut self, orders: Vec<Order>) -> Result<(), String> {
        let numbered = orders.into_iter().zip(self.added..);
        let added: Result<Vec<Waiting>, String> = numbered
            .map(|(order, number)| Waiting::new(order, number))
            .collect();
        let added = added?;
        self.added += u64::try_from(added.len()).unwrap_or_default();
        self.waiting.extend(added);
        Ok(())
    }

    /// Forgets all, and starts the draws anew.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.added = 0;
    }

    /// The faults still to come, with the times that are left.
    pub(super) fn list(&self) -> Vec<&Order> {
        self.waiting.iter().map(|waiting| &waiting.order).collect()
    }

    pub(super) fn are_none(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The first fault that fits the call and is drawn, used once.
    pub(super) fn take(&mut self, subject: Subject<'_>) -> Option<Fault> {
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

impl Waiting {
    fn new(mut order: Order, number: u64) -> Result<Waiting, String> {
        if order.times == Some(0) {
            return Err("times must be at least 1".to_owned());
        }
        let fault = Fault {
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
        Ok(Waiting {
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

    /// The draws for this arrival. They follow from the seed, the fault, the event, and how often
    /// the fault has happened to it: never from the order in which calls come, so that a run of
    /// many connections can be repeated.
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

    fn fault(&self, subject: Subject<'_>, seed: u64) -> Fault {
        let mut fault = self.fault.clone();
        if let (Action::Delay(delay), Some(spread)) = (&mut fault.action, self.order.spread_ms) {
            let mut rng = self.draw(subject, seed);
            // The first draw said whether it happens.
            rng.u64(0..WHOLE);
            *delay += Duration::from_millis(rng.u64(0..=spread));
        }
        fault
    }
}

#[cfg(test)]
mod tests;
