//! What is new, a duplicate, a conflict or held, and in what order events go out.

mod difference;
mod order;
mod past;

pub use past::Past;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use crate::event::{Details, EventKey, EventRef, Events, KeyMap, Kind, Tally};
use crate::journal::PlanState;
use crate::link::{Link, Links};
use crate::problem::Problem;
use difference::{Side, difference_note};
use order::sending_order;

/// An event and what is to happen with it.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'p> {
    /// The event; its note says why it is in this state.
    pub event: EventRef<'p>,
    /// What is to happen with it.
    pub state: PlanState,
}

/// A job's events in sending order, each in exactly one state.
#[derive(Clone, Debug)]
pub struct Plan {
    events: Events,
    states: Vec<PlanState>,
    /// What was read, added up before anything was decided: the left side of the balance.
    pub read: Tally,
    /// Conflicts and refunds that are held, for a person to look at.
    pub problems: Vec<Problem>,
}

impl Plan {
    /// Every event that was read, in sending order.
    pub fn events(&self) -> impl ExactSizeIterator<Item = Planned<'_>> {
        (0..self.events.len()).map(|place| self.event(place))
    }

    /// The event at this place of the sending order.
    ///
    /// # Panics
    ///
    /// There is none.
    pub fn event(&self, place: usize) -> Planned<'_> {
        Planned {
            event: self.events.get(place),
            state: self.states[place],
        }
    }

    /// What is to happen with each event, in sending order.
    pub(crate) fn states(&self) -> &[PlanState] {
        &self.states
    }

    /// Kind and key of the event at this place, without a look at the rest of it.
    pub(crate) fn kind_and_key(&self, place: usize) -> (Kind, EventKey) {
        (self.events.kind(place), self.events.key(place))
    }

    /// The events of each state, added up.
    pub fn tallies(&self) -> BTreeMap<PlanState, Tally> {
        let none = PlanState::ALL
            .iter()
            .map(|&state| (state, Tally::default()));
        let mut tallies: BTreeMap<PlanState, Tally> = none.collect();
        for (place, &state) in self.states.iter().enumerate() {
            let figures = self.events.figures(place);
            let tally = tallies.entry(state).or_default();
            tally.add(figures.kind, figures.money);
        }
        tallies
    }

    /// Whether what was read equals what stands in the states, in events and in cents.
    pub fn balances(&self) -> bool {
        let mut sum = Tally::default();
        for tally in self.tallies().values() {
            sum.add_tally(tally);
        }
        sum == self.read
    }
}

/// Decides for every event of a job what is to happen with it.
///
/// `links` is what [`crate::link::link`] said of `events`; `paths` are the names of the exports.
pub fn plan(mut events: Events, links: Links, past: &dyn Past, paths: &[String]) -> Plan {
    let read = (0..events.len())
        .map(|index| events.figures(index))
        .collect();
    let mut planner = Planner {
        past,
        paths,
        states: vec![PlanState::ToSend; events.len()],
        notes: HashMap::new(),
        foreign: HashSet::new(),
    };
    let mut firsts = planner.compare_with_each_other(&events);
    planner.compare_with_past(&events, &mut firsts);
    planner.apply_links(&mut events, links);
    planner.hold_refunds_of_held_sales(&events, &firsts);
    let problems = planner.problems(&events, &firsts);
    let order = sending_order(&events, &firsts);
    for index in 0..events.len() {
        let note = planner.note(index);
        if !note.is_empty() {
            events.edit(index, |event| event.remark(note));
        }
    }
    let mut states = planner.states;
    arrange(order, &mut events, &mut states);
    Plan {
        events,
        states,
        read,
        problems,
    }
}

/// Puts events and states into an order that names each index once, without a second copy of them.
fn arrange(mut order: Vec<usize>, events: &mut Events, states: &mut [PlanState]) {
    for start in 0..order.len() {
        let mut to = start;
        while order[to] != start {
            let from = order[to];
            events.swap(to, from);
            states.swap(to, from);
            order[to] = to;
            to = from;
        }
        order[to] = to;
    }
}

/// The note of every event that is settled.
const SETTLED: &str = "settled by an earlier run";

/// Which event stands for each key: the first, or the one that the journal knows. Most keys have one
/// reading, which stands for itself: only the others are kept, and those that refunds name.
#[derive(Default)]
struct Firsts {
    of_several: KeyMap<usize>,
    named: KeyMap<usize>,
}

impl Firsts {
    /// Which event stands for the key of this one.
    fn of(&self, index: usize, key: EventKey) -> usize {
        let first = self.of_several.get(&key);
        first.copied().unwrap_or(index)
    }

    /// Which event stands for a key that an event names as that of its sale.
    fn named(&self, key: EventKey) -> Option<usize> {
        let first = self.of_several.get(&key).or_else(|| self.named.get(&key));
        first.copied()
    }

    fn set(&mut self, index: usize, key: EventKey) {
        if let Some(first) = self.of_several.get_mut(&key) {
            *first = index;
        }
    }

    fn find_named(&mut self, events: &Events) {
        let sales = (0..events.len()).filter_map(|index| events.sale_event_id(index));
        let mut named: KeyMap<Option<usize>> = KeyMap::default();
        named.extend(sales.map(|sale| (EventKey::of(sale), None)));
        if named.is_empty() {
            return;
        }
        for index in 0..events.len() {
            if let Some(place) = named.get_mut(&events.key(index)) {
                *place = Some(index);
            }
        }
        let found = named.into_iter();
        self.named = found.filter_map(|(key, at)| Some((key, at?))).collect();
    }
}

/// How many readings of one event that differ, and don't contradict each other, are compared with
/// every further one.
const MAX_VARIANTS: usize = 32;

struct Planner<'p> {
    past: &'p dyn Past,
    paths: &'p [String],
    states: Vec<PlanState>,
    /// Why events are in their states, where there is more to say than that they are settled.
    notes: HashMap<usize, Cow<'static, str>>,
    /// Those held because of their currency.
    foreign: HashSet<usize>,
}

impl Planner<'_> {
    fn mark(&mut self, index: usize, state: PlanState, note: impl Into<Cow<'static, str>>) {
        self.states[index] = state;
        let note = note.into();
        match note.is_empty() {
            true => self.notes.remove(&index),
            false => self.notes.insert(index, note),
        };
    }

    fn note(&self, index: usize) -> &str {
        match (self.notes.get(&index), self.states[index]) {
            (Some(note), _) => note,
            (None, PlanState::Settled) => SETTLED,
            (None, _) => "",
        }
    }

    fn place(&self, event: EventRef<'_>) -> String {
        let path = self
            .paths
            .get(event.source.input)
            .map_or("", String::as_str);
        format!("{path}:{}", event.source.line)
    }

    /// The same id twice in the job: once if the content is the same, else a conflict of all who
    /// bear it, since nothing says which of them is right.
    fn compare_with_each_other(&mut self, events: &Events) -> Firsts {
        let mut firsts = Firsts::default();
        let mut starts: Vec<(u64, usize)> = Vec::with_capacity(events.len());
        let keys = (0..events.len()).map(|index| events.key(index).start());
        starts.extend(keys.zip(0..));
        starts.sort_unstable();
        let alike = starts.chunk_by(|a, b| a.0 == b.0);
        for alike in alike.filter(|alike| alike.len() > 1) {
            let mut readings: Vec<usize> = alike.iter().map(|&(_, index)| index).collect();
            readings.sort_by_key(|&index| (events.key(index), events.get(index).source));
            for readings in readings.chunk_by(|&a, &b| events.key(a) == events.key(b)) {
                if readings.len() > 1 {
                    self.compare_readings(readings, events, &mut firsts);
                }
            }
        }
        drop(starts);
        firsts.find_named(events);
        self.spread_conflicts(events, &firsts);
        firsts
    }

    /// Compares the readings of one key, which stand in the order of the exports.
    fn compare_readings(&mut self, readings: &[usize], events: &Events, firsts: &mut Firsts) {
        let mut first = readings[0];
        let mut others = vec![first];
        for &index in &readings[1..] {
            let event = events.get(index);
            let essence = event.essence();
            // Two readings may agree with the first and contradict each other: one names the
            // email, one the uid.
            let contradicted = others.iter().copied().find_map(|other| {
                let difference = essence.contradicts(&events.get(other).essence())?;
                Some((other, difference))
            });
            let is_new = others
                .iter()
                .all(|&other| events.get(other).essence() != essence);
            if is_new && others.len() < MAX_VARIANTS {
                others.push(index);
            }
            match contradicted {
                None if self.states[first] == PlanState::Conflict => {
                    let note = self.note(first).to_owned();
                    self.mark(index, PlanState::Conflict, note);
                }
                // Whichever comes first: what counts is what the one says that knows it.
                None if event.gross_cents.is_some() && events.get(first).gross_cents.is_none() => {
                    let note = format!("the same event as {}", self.place(event));
                    self.mark(first, PlanState::Duplicate, note);
                    first = index;
                }
                None => {
                    let note = format!("the same event as {}", self.place(events.get(first)));
                    self.mark(index, PlanState::Duplicate, note);
                }
                Some((other, difference)) => {
                    let (mine, other_side) = (Side::of(event), Side::of(events.get(other)));
                    let here = difference_note(difference, &mine, &other_side);
                    let there = difference_note(difference, &other_side, &mine);
                    let (place, other_place) = (self.place(event), self.place(events.get(other)));
                    let mine = format!("the same id as {other_place} with {here}");
                    self.mark(index, PlanState::Conflict, mine);
                    let theirs = format!("the same id as {place} with {there}");
                    self.mark(other, PlanState::Conflict, theirs);
                    if self.states[first] != PlanState::Conflict {
                        let note = format!(
                            "the same id as {other_place} and {place}, which contradict each other"
                        );
                        self.mark(first, PlanState::Conflict, note);
                    }
                }
            }
        }
        firsts.of_several.insert(events.key(first), first);
    }

    /// A duplicate of an event that turned out to be in conflict is in conflict too.
    fn spread_conflicts(&mut self, events: &Events, firsts: &Firsts) {
        if !self.states.contains(&PlanState::Conflict) {
            return;
        }
        for index in 0..events.len() {
            if self.states[index] != PlanState::Duplicate {
                continue;
            }
            let first = firsts.of(index, events.key(index));
            if self.states[first] == PlanState::Conflict {
                let note = self.note(first).to_owned();
                self.mark(index, PlanState::Conflict, note);
            }
        }
    }

    fn compare_with_past(&mut self, events: &Events, firsts: &mut Firsts) {
        let mut matched: KeyMap<()> = KeyMap::default();
        for index in 0..events.len() {
            let key = events.key(index);
            let Some(recorded) = self.past.essence(key) else {
                continue;
            };
            let event = events.get(index);
            if event.is_mended
                && self.past.has_failed(key)
                && firsts.of(index, key) == index
                && self.states[index] == PlanState::ToSend
            {
                matched.insert(key, ());
                let note = "mended: the API refused what an earlier run sent under this id";
                self.mark(index, PlanState::ToSend, note);
                continue;
            }
            match event.essence().contradicts(&recorded) {
                // The export has it as it was; the journal, as it was mended.
                Some(_)
                    if self.states[index] == PlanState::ToSend
                        && self.past.was_mended(key, &event.essence()) =>
                {
                    self.mark(index, PlanState::Settled, "mended since");
                }
                Some(difference) => {
                    let note = difference_note(difference, &Side::of(event), &recorded.into());
                    self.mark(
                        index,
                        PlanState::Conflict,
                        format!("the same id as an event of an earlier run with {note}"),
                    );
                }
                // What the journal has decides a quarrel between two exports.
                None if self.states[index] == PlanState::Conflict
                    || firsts.of(index, key) == index =>
                {
                    if matched.insert(key, ()).is_some() {
                        self.mark(
                            index,
                            PlanState::Duplicate,
                            "stands in these exports more than once",
                        );
                        continue;
                    }
                    firsts.set(index, key);
                    let settled = self.past.is_settled(key);
                    let state = match settled {
                        true => PlanState::Settled,
                        false => PlanState::ToSend,
                    };
                    self.mark(index, state, "");
                }
                None => {}
            }
        }
    }

    fn apply_links(&mut self, events: &mut Events, links: Links) {
        for (index, link) in links.into_unsound() {
            if self.states[index] != PlanState::ToSend {
                continue;
            }
            match link {
                Link::Sound => {}
                Link::Covered(reason) => self.mark(index, PlanState::Duplicate, reason),
                Link::Held(held) => {
                    self.mark(index, PlanState::Unlinked, held.reason);
                    if !held.candidates.is_empty() {
                        events.edit(index, |event| {
                            event.set_details(Details {
                                candidates: Some(held.candidates.join(" ").into()),
                                ..event.details().clone()
                            });
                        });
                    }
                }
                Link::Foreign(reason) => {
                    self.foreign.insert(index);
                    self.mark(index, PlanState::Unlinked, reason);
                }
            }
        }
    }

    /// A refund can't go out while its sale can't, or while its sale belongs to a run that was
    /// interrupted and is not resumed.
    fn hold_refunds_of_held_sales(&mut self, events: &Events, firsts: &Firsts) {
        for index in 0..events.len() {
            let (PlanState::ToSend, Some(sale)) = (self.states[index], events.sale_event_id(index))
            else {
                continue;
            };
            let key = EventKey::of(sale);
            let reason = match firsts.named(key) {
                Some(sale) if self.states[sale].is_held() => "its sale is held",
                // Mended, it goes out first.
                Some(sale) if self.states[sale] == PlanState::ToSend => continue,
                _ if self.past.has_failed(key) => {
                    "the API refused its sale; `fprecon retry --failed` tries that again"
                }
                None if !self.past.is_settled(key) => {
                    "its sale belongs to a run that was interrupted; `fprecon resume` sends it first"
                }
                _ => continue,
            };
            self.mark(index, PlanState::Unlinked, reason);
        }
    }

    fn unlinked_hint(&self, refund: EventRef<'_>, firsts: &Firsts) -> &'static str {
        match refund.sale_event_id.map(EventKey::of) {
            None => {
                "name its sale in a CSV for `--link`, with the columns refund_event_id,sale_event_id; the refund is not sent"
            }
            Some(sale) if firsts.named(sale).is_some() || self.past.essence(sale).is_some() => {
                "compare it with its sale where both were made; the refund is not sent"
            }
            Some(_) => {
                "add the export that holds its sale, or name the sale in a CSV for `--link`; the refund is not sent"
            }
        }
    }

    fn problems(&self, events: &Events, firsts: &Firsts) -> Vec<Problem> {
        let held = (0..events.len()).filter_map(|index| {
            let event = || events.get(index);
            let (code, hint) = match self.states[index] {
                PlanState::Conflict => (
                    "event-conflict",
                    "find out which one is right and take the other out of the exports; neither is sent",
                ),
                PlanState::Unlinked if self.foreign.contains(&index) => (
                    "currency-held",
                    "mend the rates file, or choose by `foreign` under `[currencies]` what is done with other currencies",
                ),
                PlanState::Unlinked => ("refund-unlinked", self.unlinked_hint(event(), firsts)),
                _ => return None,
            };
            let event = event();
            let message = format!("{} `{}`: {}", event.kind, event.event_id(), self.note(index));
            let path = self.paths.get(event.source.input).cloned().unwrap_or_default();
            Some(
                Problem::error(code, message)
                    .at(path, Some(event.source.line))
                    .hint(hint),
            )
        });
        held.collect()
    }
}

#[cfg(test)]
mod tests;
